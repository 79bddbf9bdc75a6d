//! What `kopeck sandbox` prints: tables for people, JSON for programs, `export` lines for shells.

use std::io::{self, Write as _};

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use serde_json::Value;

use crate::sandbox::{codes_of, notices_of, payments_of, test_cards};

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table
}

pub fn cards_table() -> Table {
    let mut table = table(&["Test card", "What happens", "Что будет"]);
    for card in test_cards() {
        table.add_row([card.number, card.about, card.about_ru]);
    }
    table
}

pub fn payments_table(told: &Value) -> String {
    let payments = payments_of(told);
    if payments.is_empty() {
        return "No payments yet: create a payment link with your program.".to_owned();
    }
    let mut table = table(&["Payment", "Reference", "Amount, ₽", "State", "Method", "Purpose"]);
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in payments {
        let is_declined = row.method.is_empty() && !row.decline.is_empty();
        let declined = if is_declined { format!(" ({})", row.decline) } else { String::new() };
        let state = row.status + &declined;
        table.add_row([row.id, row.reference, row.amount, state, row.method, row.purpose]);
    }
    table.to_string()
}

pub fn codes_table(told: &Value) -> Table {
    let mut table = table(&["Code", "Kind", "Amount, ₽", "State", "Paid", "Paid, ₽", "Purpose"]);
    for row in codes_of(told) {
        let state = if row.is_payable { "can be paid" } else { "not payable" }.to_owned();
        let amount = if row.amount.is_empty() { "any".to_owned() } else { row.amount };
        let times = format!("{} ×", row.times);
        table.add_row([row.id, row.kind, amount, state, times, row.paid, row.purpose]);
    }
    table
}

pub fn notices_table(told: &Value) -> Table {
    let mut table = table(&["Notice", "Payment", "To", "State", "Tries", "Last answer"]);
    for row in notices_of(told) {
        let tries = row.tries.to_string();
        table.add_row([row.kind, row.payment, row.url, row.state, tries, row.last]);
    }
    table
}

/// `export NAME='value'` lines, safe for `eval` whatever the values hold.
pub fn shell(env: &Value) -> anyhow::Result<String> {
    let env = env.as_object().context("the sandbox sent no variables")?;
    let line = |(name, value): (&String, &Value)| {
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        anyhow::ensure!(is_name, "the sandbox sent a strange variable name");
        let value = value.as_str().unwrap_or_default().replace('\'', r"'\''");
        Ok(format!("export {name}='{value}'"))
    };
    let lines: anyhow::Result<Vec<String>> = env.iter().map(line).collect();
    Ok(lines?.join("\n"))
}

pub fn print_json(value: &Value) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// A reader that has seen enough (`| head`) is no error.
pub fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(anstream::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What arrived, one message below the other: texts have lines of their own.
pub fn messages_table(told: &Value) -> String {
    let all = told["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        return "Nothing has arrived yet.".to_owned();
    }
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let show = |one: &Value| {
        let link = one["link"].as_str().map(|link| format!("\n[{link}]")).unwrap_or_default();
        let picture = if one["has_picture"] == true { "\n[picture]" } else { "" };
        let (at, service, to) = (word(one, "at"), word(one, "service"), word(one, "to"));
        format!("{at}  {service}  {to}\n{}{link}{picture}", word(one, "text"))
    };
    all.iter().map(show).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_value_cannot_break_out_of_its_quotes() {
        let env = json!({ "A": "it's; rm -rf", "B_2": "$(x)" });
        let lines = super::shell(&env).unwrap();
        assert_eq!(lines, "export A='it'\\''s; rm -rf'\nexport B_2='$(x)'");
        assert!(super::shell(&json!({ "A;x": "" })).is_err());
    }
}
