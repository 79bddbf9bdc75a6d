//! What the dashboard says: states, roles, what was done, times. In both languages, side by side.

mod story;

use jiff::{fmt::strtime, tz::TimeZone};

pub use story::{actor, said};

use crate::{
    http::{ApiError, codes::find_code, russian::find_russian},
    kit::clock::timestamp,
    payments::model::{RefundState, Status},
    staff::{
        flow::Problem,
        model::{Outcome, Role},
        password::Weakness,
    },
    web::lang::Lang,
};

pub const fn role(role: Role, lang: Lang) -> &'static str {
    match role {
        Role::Owner => lang.pick("Владелец", "Owner"),
        Role::Accountant => lang.pick("Бухгалтер", "Accountant"),
        Role::Operator => lang.pick("Оператор", "Operator"),
        Role::Reader => lang.pick("Только просмотр", "Read-only"),
    }
}

/// What a role is for, in a line.
pub const fn about_role(role: Role, lang: Lang) -> &'static str {
    match role {
        Role::Owner => lang.pick(
            "Всё: банки, ключи, сотрудники, настройки",
            "Everything: banks, keys, people, settings",
        ),
        Role::Accountant => lang.pick(
            "Видит всё, закрывает чеки, выгружает файлы",
            "Sees all, closes receipts, takes files",
        ),
        Role::Operator => lang.pick(
            "Создаёт ссылки, списывает, возвращает, ведёт подписки",
            "Makes links, captures, refunds, minds subscriptions",
        ),
        Role::Reader => lang.pick("Видит всё, ничего не меняет", "Sees all, changes nothing"),
    }
}

pub const fn status(status: Status, lang: Lang) -> &'static str {
    match status {
        Status::Opening => lang.pick("Создаётся", "Opening"),
        Status::Open => lang.pick("Ждёт оплаты", "Open"),
        Status::Authorized => lang.pick("Деньги на удержании", "Authorized"),
        Status::Capturing => lang.pick("Списывается", "Capturing"),
        Status::Paid => lang.pick("Оплачен", "Paid"),
        Status::Refunding => lang.pick("Возвращается", "Refunding"),
        Status::PartiallyRefunded => lang.pick("Возвращён частично", "Partly refunded"),
        Status::Refunded => lang.pick("Возвращён", "Refunded"),
        Status::Expired => lang.pick("Срок истёк", "Expired"),
        Status::Canceled => lang.pick("Отменён", "Canceled"),
        Status::Failed => lang.pick("Не прошёл", "Failed"),
        Status::AmountMismatch => lang.pick("Сумма не совпала", "Another sum"),
    }
}

/// The class of a tag.
pub const fn tone(status: Status) -> &'static str {
    match status {
        Status::Paid => "good",
        Status::Authorized | Status::Capturing | Status::Refunding => "wait",
        Status::Failed | Status::AmountMismatch => "bad",
        Status::Opening
        | Status::Open
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Expired
        | Status::Canceled => "",
    }
}

pub const fn refund(state: &RefundState, lang: Lang) -> (&'static str, &'static str) {
    match state {
        RefundState::Requested => (lang.pick("Отправляется", "Requested"), "wait"),
        RefundState::Asked { .. } => (lang.pick("Ждём ответа банка", "Asked"), "wait"),
        RefundState::Succeeded => (lang.pick("Возвращено", "Succeeded"), "good"),
        RefundState::Failed(_) => (lang.pick("Не прошёл", "Failed"), "bad"),
    }
}

pub const fn outcome(outcome: Outcome, lang: Lang) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Asked => (lang.pick("Начато", "Begun"), "wait"),
        Outcome::Done => (lang.pick("Сделано", "Done"), "good"),
        Outcome::Refused => (lang.pick("Отказано", "Refused"), "bad"),
    }
}

/// What was just done, by the word in the address; nothing for any other word.
pub fn done(word: &str, lang: Lang) -> &'static str {
    match word {
        "refund" => lang.pick("Возврат отправлен", "The refund is on its way"),
        "capture" => lang.pick("Списание отправлено", "The capture is on its way"),
        "cancel" => lang.pick("Отменено", "Canceled"),
        "sent" => lang.pick("Отправлено", "Sent"),
        "saved" => lang.pick("Сохранено", "Saved"),
        "closed" => lang.pick("Закрыто", "Closed"),
        "removed" => lang.pick("Удалено", "Removed"),
        "retried" => lang.pick("Отправляем ещё раз", "Sending once more"),
        "made" => lang.pick("Создано", "Made"),
        "welcome" => lang.pick("Добро пожаловать!", "Welcome!"),
        _ => "",
    }
}

/// `22.11.2026 14:03` where the shop is.
pub fn moment(ms: i64, zone: &str) -> String {
    let at = timestamp(ms).to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC));
    strtime::format("%d.%m.%Y %H:%M", &at).unwrap_or_else(|_| at.timestamp().to_string())
}

/// What went wrong, and what to do.
pub fn error(error: &ApiError, lang: Lang) -> (String, String) {
    match (lang, find_russian(&error.code)) {
        (Lang::Ru, Some((message, hint))) => (message.to_owned(), hint.to_owned()),
        (Lang::Ru | Lang::En, _) => (error.message.clone(), error.hint.clone()),
    }
}

/// What exactly was wrong, where [`error`] tells of the kind alone: the API's own sentence, with
/// its numbers and the bank's quote.
pub fn exactly(error: &ApiError, lang: Lang) -> String {
    let is_plain = find_code(&error.code).is_some_and(|row| row.about == error.message);
    let is_told = lang == Lang::En || find_russian(&error.code).is_none();
    if is_plain || is_told { String::new() } else { error.message.clone() }
}

/// Why somebody was not let in, or not changed.
pub fn problem(problem: &Problem, lang: Lang, now_ms: i64) -> String {
    let text = match problem {
        Problem::Wrong => lang.pick(
            "Не подходит. Проверьте логин, пароль или код.",
            "That does not fit. Check the login, the password or the code.",
        ),
        Problem::Wait { until_ms } => return wait(until_ms - now_ms, lang),
        Problem::LinkOver => lang.pick(
            "Ссылка уже использована или устарела. Попросите новую.",
            "The link was used or is over. Ask for a new one.",
        ),
        Problem::Weak(Weakness::Short) => lang.pick(
            "Слишком короткий пароль: нужно не меньше 10 знаков. Подойдёт фраза из трёх слов.",
            "The password is too short: at least 10 characters. A phrase of three words is fine.",
        ),
        Problem::Weak(Weakness::Long) => lang.pick(
            "Слишком длинный пароль: не больше 200 знаков.",
            "The password is too long: 200 characters at most.",
        ),
        Problem::Weak(Weakness::WellKnown) => lang.pick(
            "Такой пароль пробуют первым. Придумайте другой.",
            "That one is tried first. Think of another.",
        ),
        Problem::LoginTaken => {
            lang.pick("Такой логин уже занят.", "Somebody has this login already.")
        }
        Problem::LoginInvalid => lang.pick(
            "Логин — от 1 до 100 знаков без пробелов.",
            "A login is 1 to 100 characters without spaces.",
        ),
        Problem::NameInvalid => {
            lang.pick("Имя — от 1 до 100 знаков.", "A name is 1 to 100 characters.")
        }
        Problem::NoSuchMember => lang.pick("Такого сотрудника нет.", "There is nobody like that."),
        Problem::LastOwner => lang.pick(
            "Это последний владелец. Сначала сделайте владельцем кого-то ещё.",
            "This is the last owner. Make somebody else an owner first.",
        ),
        Problem::Broken(_) => lang.pick(
            "Что-то сломалось на нашей стороне. Попробуйте через минуту.",
            "Something of ours broke. Try again in a minute.",
        ),
    };
    text.to_owned()
}

fn wait(left_ms: i64, lang: Lang) -> String {
    let minutes = (left_ms.max(0) / 60_000) + 1;
    match lang {
        Lang::Ru => {
            let word = plural(minutes, ["минуту", "минуты", "минут"]);
            format!("Слишком много попыток. Попробуйте через {minutes} {word}.")
        }
        Lang::En => {
            let word = if minutes == 1 { "minute" } else { "minutes" };
            format!("Too many tries. Try again in {minutes} {word}.")
        }
    }
}

/// Russian has three forms: 1, 21; 2 to 4; the rest and 11 to 14.
pub const fn plural(count: i64, forms: [&'static str; 3]) -> &'static str {
    let (tens, ones) = (count.unsigned_abs() % 100, count.unsigned_abs() % 10);
    match (tens, ones) {
        (11..=14, _) => forms[2],
        (_, 1) => forms[0],
        (_, 2..=4) => forms[1],
        _ => forms[2],
    }
}

/// «3 платежа», "3 payments".
pub fn payments(count: i64, lang: Lang) -> String {
    let word = match (lang, count) {
        (Lang::Ru, _) => plural(count, ["платёж", "платежа", "платежей"]),
        (Lang::En, 1) => "payment",
        (Lang::En, _) => "payments",
    };
    format!("{count}\u{a0}{word}")
}

/// «3 возврата», "3 refunds".
pub fn refunds(count: i64, lang: Lang) -> String {
    let word = match (lang, count) {
        (Lang::Ru, _) => plural(count, ["возврат", "возврата", "возвратов"]),
        (Lang::En, 1) => "refund",
        (Lang::En, _) => "refunds",
    };
    format!("{count}\u{a0}{word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_counts_in_three_forms() {
        let said: Vec<String> =
            [0, 1, 2, 5, 11, 14, 21, 22, 101, 111].map(|it| payments(it, Lang::Ru)).into();
        let plain: Vec<&str> =
            said.iter().filter_map(|text| text.split('\u{a0}').next_back()).collect();
        let (one, few, many) = ("платёж", "платежа", "платежей");
        assert_eq!(plain, [many, one, few, many, many, many, one, few, one, many]);
        assert_eq!(payments(1, Lang::En), "1\u{a0}payment");
    }

    #[test]
    fn a_time_is_where_the_shop_is() {
        assert_eq!(moment(0, "Europe/Moscow"), "01.01.1970 03:00");
        assert_eq!(moment(0, "Asia/Vladivostok"), "01.01.1970 10:00");
    }
}
