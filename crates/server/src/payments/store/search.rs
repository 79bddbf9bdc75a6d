//! Finding a payment by whatever somebody remembers of it.

use kopeck_banks::Money;

use crate::kit::db::Value;

/// Fewer digits of a phone would find everybody.
const MIN_PHONE_DIGITS: usize = 4;

/// A condition, with `and` before it, and its parameters, of which the first is `$first`. Empty
/// for an empty text.
pub fn condition(text: &str, first: usize) -> (String, Vec<Value>) {
    let text = text.trim();
    if text.is_empty() {
        return (String::new(), Vec::new());
    }
    let mut params: Vec<Value> = vec![text.into(), format!("{}%", escaped(text)).into()];
    let mut either = vec![
        format!("id = ${first} or reference = ${first} or bank_id = ${first}"),
        format!("order_id like ${} escape '\\'", first + 1),
        format!("id in (select payment_id from refunds where id = ${first})"),
    ];
    let mut add = |columns: &[&str], pattern: String| {
        let at = first + params.len();
        params.push(pattern.into());
        either.extend(columns.iter().map(|column| format!("{column} like ${at} escape '\\'")));
    };
    for variant in variants(text) {
        add(&["purpose", "customer"], format!("%{}%", escaped(&variant)));
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_phone = text.chars().all(|c| c.is_ascii_digit() || "+-() \u{a0}".contains(c));
    if is_phone && digits.len() >= MIN_PHONE_DIGITS {
        // A phone is kept as +7 and ten digits, however somebody types it.
        let tail = digits.strip_prefix(['7', '8']).filter(|tail| tail.len() == 10);
        add(&["customer"], format!("%{}%", tail.unwrap_or(&digits)));
    }
    if let Ok(sum) = Money::parse_rubles(&plain_sum(text)) {
        let at = first + params.len();
        params.push(sum.into());
        either.push(format!("amount_kopecks = ${at} or paid_kopecks = ${at}"));
    }
    (format!("and ({})", either.join(" or ")), params)
}

/// «1 234,50 ₽» as it is read.
fn plain_sum(text: &str) -> String {
    let text = text.trim_end_matches(['₽', ' ', '\u{a0}']);
    let kept = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}'));
    kept.map(|c| if c == ',' { '.' } else { c }).collect()
}

/// Databases know no case of Cyrillic letters alike: a word is tried as people write it.
fn variants(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut letters = lower.chars();
    let capital: String =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let mut all = vec![text.to_owned(), lower, capital, text.to_uppercase()];
    all.sort();
    all.dedup();
    all
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_where_the_condition_says() {
        for text in ["4711", "100%", "+7 (999) 123-45-67", "1 234,50 ₽", "консультация", "x"]
        {
            let (sql, params) = condition(text, 11);
            for at in 11..11 + params.len() {
                assert!(sql.contains(&format!("${at}")), "{text}: no ${at} in {sql}");
            }
            assert!(!sql.contains(&format!("${}", 11 + params.len())), "{text}: {sql}");
        }
        assert_eq!(condition("  ", 11), (String::new(), Vec::new()));
    }

    #[test]
    fn what_is_typed_is_no_pattern() {
        let (_, params) = condition("100%_\\", 11);
        assert!(params.contains(&"100\\%\\_\\\\%".into()), "{params:?}");
    }

    #[test]
    fn sums_and_phones_are_read_as_people_write_them() {
        let has = |text: &str, value: Value| condition(text, 11).1.contains(&value);
        assert!(has("1 234,50 ₽", 123_450_i64.into()) && has("5000", 500_000_i64.into()));
        assert!(has("8 (999) 123-45-67", "%9991234567%".into()));
        assert!(has("45-67", "%4567%".into()) && has("89991234567", "%9991234567%".into()));
    }
}
