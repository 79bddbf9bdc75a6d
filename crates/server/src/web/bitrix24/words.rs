//! What the tab says of a payment, to whoever sells.

use crate::{
    http::ApiError,
    payments::model::{Payment, Status},
    web::lang::Lang,
};

/// A payment's state: its tone, and its name.
pub const fn state(status: Status, lang: Lang) -> (&'static str, &'static str) {
    match status {
        Status::Opening | Status::Open => ("wait", lang.pick("ждёт оплаты", "waits to be paid")),
        Status::Authorized => ("wait", lang.pick("деньги удержаны", "held")),
        Status::Capturing => ("wait", lang.pick("списываются", "being captured")),
        Status::Paid => ("good", lang.pick("оплачено", "paid")),
        Status::Refunding => ("wait", lang.pick("возвращается", "being refunded")),
        Status::PartiallyRefunded => ("good", lang.pick("возвращено частично", "refunded in part")),
        Status::Refunded => ("", lang.pick("возвращено", "refunded")),
        Status::Expired => ("", lang.pick("срок истёк", "expired")),
        Status::Canceled => ("", lang.pick("отменено", "canceled")),
        Status::Failed => ("bad", lang.pick("не прошла", "failed")),
        Status::AmountMismatch => ("bad", lang.pick("другая сумма", "another sum")),
    }
}

/// What matters next of it: until when it can be paid, or when and how it was.
pub fn detail(payment: &Payment, lang: Lang, moscow: impl Fn(i64) -> String) -> String {
    match payment.status() {
        Status::Opening | Status::Open => {
            let until = moscow(payment.expires_ms);
            match lang {
                Lang::Ru => format!("до {until} МСК"),
                Lang::En => format!("until {until} Moscow time"),
            }
        }
        Status::PartiallyRefunded | Status::Refunded => {
            let back = payment.refunded().to_human();
            match lang {
                Lang::Ru => format!("вернули {back}"),
                Lang::En => format!("{back} went back"),
            }
        }
        Status::AmountMismatch => {
            let came = payment.facts.paid.to_human();
            match lang {
                Lang::Ru => format!("пришло {came}"),
                Lang::En => format!("{came} came"),
            }
        }
        Status::Paid | Status::Refunding => {
            payment.facts.paid_at_ms().map_or_else(String::new, |at_ms| match lang {
                Lang::Ru => format!("{} МСК", moscow(at_ms)),
                Lang::En => format!("{} Moscow time", moscow(at_ms)),
            })
        }
        Status::Failed => payment.failure().map_or_else(String::new, |failure| failure.message),
        Status::Authorized | Status::Capturing | Status::Expired | Status::Canceled => {
            String::new()
        }
    }
}

/// The API's words of what sellers meet, in the page's language.
pub fn translate(error: ApiError, lang: Lang) -> ApiError {
    if lang == Lang::En {
        return error;
    }
    let (message, hint) = match error.code.as_str() {
        "bank_not_connected" => ("Банк не подключён", "Подключите его: `kopeck connect`"),
        "bank_unavailable" => ("Банк не отвечает", "Попробуйте ещё раз через минуту"),
        "idempotency_key_reused" => {
            ("Эта форма уже отправлена с другой суммой", "Откройте вкладку заново")
        }
        "receipt_defaults_missing" => (
            "Для чека не указаны НДС и система налогообложения магазина",
            "Сохраните их: `kopeck receipt defaults`",
        ),
        "receipt_invalid" => {
            let message = format!("Чек не получается: {}", error.message);
            return ApiError { message, ..error };
        }
        "bot_name_missing" => {
            ("Не указано имя бота", "Сохраните его: `kopeck integration edit int_… --set bot=имя`")
        }
        "card_number_refused" => ("В назначении номер карты", "Уберите его"),
        _ => return error,
    };
    ApiError { message: message.to_owned(), hint: hint.to_owned(), ..error }
}
