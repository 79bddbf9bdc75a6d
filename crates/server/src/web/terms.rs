//! Prices, periods and days in words, as subscribers' pages say them.

use jiff::fmt::strtime;
use kopeck_banks::Money;

use super::lang::Lang;
use crate::{
    kit::clock::timestamp,
    subscriptions::{
        model::Terms,
        schedule::{Interval, Unit, find_zone},
    },
};

/// Day, month and year in this zone.
pub fn day(zone: &str, ms: i64) -> String {
    let at = timestamp(ms);
    let zoned = find_zone(zone).map(|zone| at.to_zoned(zone));
    let text = zoned.map(|zoned| strtime::format("%d.%m.%Y", &zoned));
    text.and_then(Result::ok).unwrap_or_else(|| at.to_string())
}

/// «2 450,00 ₽ в месяц», "2 450,00 ₽ every 3 months".
pub fn price(terms: &Terms, quantity: u32, lang: Lang) -> String {
    let sum = terms.price_of(quantity).unwrap_or(terms.price);
    format!("{} {}", sum.to_human(), per(terms.interval, lang))
}

/// «в месяц», «за 3 мес.».
pub fn per(interval: Interval, lang: Lang) -> String {
    let count = interval.count;
    let (ru, rus, en) = match interval.unit {
        Unit::Day => ("день", "дн.", "day"),
        Unit::Week => ("неделю", "нед.", "week"),
        Unit::Month => ("месяц", "мес.", "month"),
        Unit::Quarter => ("квартал", "кв.", "quarter"),
        Unit::Year => ("год", "г.", "year"),
    };
    match (lang, count) {
        (Lang::Ru, 1) => format!("в {ru}"),
        (Lang::Ru, _) => format!("за {count}\u{a0}{rus}"),
        (Lang::En, 1) => format!("every {en}"),
        (Lang::En, _) => format!("every {count} {en}s"),
    }
}

/// A sum that may be owed.
pub fn signed(kopecks: i64) -> String {
    let sum = Money::from_kopecks(kopecks.abs()).map_or_else(|_| String::new(), Money::to_human);
    if kopecks < 0 { format!("\u{2212}{sum}") } else { sum }
}

/// «7 дней», «1 день», "1 day".
pub fn days(count: u32, lang: Lang) -> String {
    let word = match (lang, count % 10, count % 100) {
        (Lang::En, ..) if count == 1 => "day",
        (Lang::En, ..) => "days",
        (Lang::Ru, _, 11..=14) => "дней",
        (Lang::Ru, 1, _) => "день",
        (Lang::Ru, 2..=4, _) => "дня",
        (Lang::Ru, ..) => "дней",
    };
    format!("{count}\u{a0}{word}")
}

/// What a plan lets its customer use, as the shop wrote it: `{"Мест": 3, "Экспорт": true}`. What is
/// false or empty is not offered.
pub fn features(text: &str) -> Vec<String> {
    let parsed: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).unwrap_or_default();
    let feature = |(name, value): (String, serde_json::Value)| match value {
        serde_json::Value::Bool(true) => Some(name),
        serde_json::Value::Number(number) => Some(format!("{name}: {number}")),
        serde_json::Value::String(text) if !text.is_empty() => Some(format!("{name}: {text}")),
        serde_json::Value::Null
        | serde_json::Value::Bool(false)
        | serde_json::Value::String(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => None,
    };
    parsed.into_iter().filter_map(feature).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_right_endings() {
        for (count, wanted) in [
            (1, "1 день"),
            (2, "2 дня"),
            (5, "5 дней"),
            (11, "11 дней"),
            (12, "12 дней"),
            (21, "21 день"),
            (22, "22 дня"),
            (111, "111 дней"),
        ] {
            assert_eq!(days(count, Lang::Ru).replace('\u{a0}', " "), wanted);
        }
        assert_eq!(days(1, Lang::En).replace('\u{a0}', " "), "1 day");
        assert_eq!(days(21, Lang::En).replace('\u{a0}', " "), "21 days");
    }

    #[test]
    fn features_are_told_as_the_shop_wrote_them() {
        let told = features(r#"{"Мест":3,"Экспорт":true,"API":false,"Поддержка":"24/7","x":[1]}"#);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.contains(&"Мест: 3".to_owned()) && told.contains(&"Экспорт".to_owned()));
        assert!(features("no JSON").is_empty());
    }

    #[test]
    fn what_is_owed_has_a_minus() {
        assert_eq!(signed(-123_450).replace('\u{a0}', " "), "−1 234,50 ₽");
        assert_eq!(signed(100).replace('\u{a0}', " "), "1,00 ₽");
    }
}
