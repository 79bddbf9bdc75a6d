//! What is told about the cases: to people as they go, to programs as lines of JSON. Decides
//! nothing.

use kopeck_banks::tbank::settings;
use serde_json::{Value, json};

use super::{
    Stage,
    cases::{Card, Case, find_card},
};
use crate::{
    cli::{
        fail::Fail,
        print::{BAD, FAINT, GOOD, HINT, STRONG, WARN, is_terminal, paint, table},
    },
    qr::Code,
};

const CABINET: &str = "Магазины → Терминалы → Тестовый → Тестировать";

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed {
        reason: String,
        next: String,
    },
    /// Nobody paid in time; the link still waits.
    Unpaid,
    Skipped,
}

impl Verdict {
    pub fn failed(reason: impl Into<String>, next: impl Into<String>) -> Verdict {
        Verdict::Failed { reason: reason.into(), next: next.into() }
    }

    const fn as_str(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed { .. } => "failed",
            Verdict::Unpaid => "unpaid",
            Verdict::Skipped => "skipped",
        }
    }
}

/// A verdict with what it is about.
#[derive(Debug)]
pub struct Ending {
    pub verdict: Verdict,
    /// In Kopeck's books; `None` for what bypasses them.
    pub payment_id: Option<String>,
    pub bank_id: Option<String>,
    /// It was so before this run.
    pub is_earlier: bool,
    pub steps: Value,
}

impl Ending {
    pub fn new(verdict: Verdict) -> Ending {
        Ending {
            verdict,
            payment_id: None,
            bank_id: None,
            is_earlier: false,
            steps: Value::Array(Vec::new()),
        }
    }

    /// Of a payment that is not in the books.
    pub fn of_bank(bank_id: &str, verdict: Verdict) -> Ending {
        Ending { bank_id: Some(bank_id.to_owned()), ..Ending::new(verdict) }
    }
}

/// The cases by what became of them.
#[derive(Debug, Default)]
pub struct Tally {
    passed: Vec<u8>,
    failed: Vec<u8>,
    unpaid: Vec<u8>,
    skipped: Vec<u8>,
    pub not_run: Vec<u8>,
}

impl Tally {
    pub fn count(&mut self, case: &Case, verdict: &Verdict) {
        let list = match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed { .. } => &mut self.failed,
            Verdict::Unpaid => &mut self.unpaid,
            Verdict::Skipped => &mut self.skipped,
        };
        list.push(case.number);
    }

    /// Whoever should pay is not there: the next case would wait in vain too.
    pub fn is_deserted(&self) -> bool {
        !self.unpaid.is_empty()
    }
}

pub fn case_view(case: &Case) -> Value {
    json!({
        "case": case.number, "group": case.group.as_str(), "title": case.title,
        "sends": case.sends, "expects": case.goal.expects(),
        "needs_payer": case.goal.needs_payer(),
        "card": find_card(case, false).map(card_view),
    })
}

fn card_view(card: Card) -> Value {
    json!({ "number": card.number, "expiry": card.expiry, "cvc": card.cvc })
}

pub fn table_of(cases: impl Iterator<Item = &'static Case>) -> String {
    let mut rows = table(&["Case", "Group", "What", "Kopeck sends", "Must become"]);
    for case in cases {
        rows.add_row([
            case.number.to_string(),
            case.group.title().to_owned(),
            case.title.to_owned(),
            case.sends.to_owned(),
            case.goal.expects().to_owned(),
        ]);
    }
    format!("{rows}\nThe cards stand in the bank's cabinet, case by case: {CABINET}.")
}

fn row(name: &str, text: &str) -> String {
    format!("  {}{text}", paint(FAINT, &format!("{name:<13}")))
}

pub fn open_case(stage: &Stage<'_>, case: &Case) -> Result<(), Fail> {
    let title = format!("Case {} · {} · {}", case.number, case.group.title(), case.title);
    let sum = stage.args.amount.to_human();
    let lines = [
        paint(STRONG, &title),
        row("Sends", &format!("{}; {sum}", case.sends)),
        row("Must become", case.goal.expects()),
    ];
    stage.world.out.tell(&lines.join("\n"))
}

/// Where to pay and with what.
pub fn show_link(
    stage: &Stage<'_>,
    case: &Case,
    url: &str,
    bank_id: Option<&str>,
) -> Result<(), Fail> {
    let card = find_card(case, stage.is_emulator());
    if stage.world.out.json {
        let source = match card {
            Some(_) if stage.is_emulator() => "emulator",
            Some(_) => "published",
            None => "cabinet",
        };
        return stage.world.out.write_json_line(&json!({
            "event": "link", "case": case.number, "url": url, "bank_payment_id": bank_id,
            "amount_kopecks": stage.args.amount.kopecks(),
            "card": card.map(card_view), "card_from": source,
        }));
    }
    let number = case.number;
    let card = match card {
        Some(card) if stage.is_emulator() => face(card),
        Some(card) => {
            format!("{}; if the cabinet shows another one for case {number}, take it", face(card))
        }
        None => format!("the one of case {number} in the cabinet: {CABINET}"),
    };
    let mut lines = vec![row("Pay at", &paint(STRONG, url)), row("Card", &card)];
    let look = stage.args.look;
    let is_wanted = look.qr || (is_terminal() && !look.no_qr);
    let code = Code::new(url).ok().filter(|_| is_wanted);
    lines.extend(code.map(|code| format!("\n{}\n", code.to_terminal())));
    stage.world.out.line(&lines.join("\n"))
}

fn face(card: Card) -> String {
    format!("{} · {} · CVC {}", paint(STRONG, &card.spaced()), card.expiry, card.cvc)
}

pub fn close_case(stage: &Stage<'_>, case: &Case, ending: &Ending) -> Result<(), Fail> {
    let number = case.number;
    if stage.world.out.json {
        let (reason, next) = match &ending.verdict {
            Verdict::Failed { reason, next } => (Some(reason), Some(next)),
            Verdict::Passed | Verdict::Unpaid | Verdict::Skipped => (None, None),
        };
        return stage.world.out.write_json_line(&json!({
            "event": "result", "case": number, "group": case.group.as_str(),
            "title": case.title, "status": ending.verdict.as_str(), "reason": reason,
            "next": next, "is_earlier": ending.is_earlier, "payment_id": ending.payment_id,
            "bank_payment_id": ending.bank_id, "steps": ending.steps,
        }));
    }
    let text = match &ending.verdict {
        Verdict::Passed if ending.is_earlier => {
            let mark = paint(GOOD, "✓ passed");
            format!("{mark} in an earlier run; --again runs it anew")
        }
        Verdict::Passed => paint(GOOD, "✓ passed"),
        Verdict::Failed { reason, next } => {
            format!("{} {reason}\n{} {next}", paint(BAD, "✗ failed:"), paint(HINT, "  next:"))
        }
        Verdict::Unpaid => {
            let mark = paint(WARN, "! not paid in time:");
            format!("{mark} the link still works, and the same command goes on")
        }
        Verdict::Skipped => paint(FAINT, "skipped"),
    };
    stage.world.out.line(&format!("{text}\n"))
}

pub fn sum_up(stage: &Stage<'_>, tally: &Tally) -> Result<(), Fail> {
    let Tally { passed, failed, unpaid, skipped, not_run } = tally;
    if stage.world.out.json {
        stage.world.out.write_json_line(&json!({
            "event": "summary", "passed": passed, "failed": failed, "unpaid": unpaid,
            "skipped": skipped, "not_run": not_run,
            "terminal_key": settings::terminal_key(&stage.connection.credentials),
        }))?;
    }
    let again = "What has passed is not run again by the same command";
    if !failed.is_empty() {
        let message = format!("Cases failed: {}", list(failed));
        return Err(Fail::new("cases_failed", message, again));
    }
    if !unpaid.is_empty() {
        let message = format!("Nobody paid in time: case {}", list(unpaid));
        return Err(Fail::new("cases_unpaid", message, again));
    }
    let count = passed.len();
    stage.world.out.tell(&format!(
        "{} {count} passed here. Whether the bank counts them stands in its cabinet: {CABINET}.",
        paint(GOOD, "✓")
    ))
}

fn list(numbers: &[u8]) -> String {
    numbers.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}
