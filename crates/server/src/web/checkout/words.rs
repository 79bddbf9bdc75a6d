//! What the page says, in Russian and in English.

use kopeck_banks::{Money, op::DeclineReason};

use crate::{
    payments::model::{Payment, Status},
    web::lang::Lang,
};

/// How a state looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Wait,
    Bad,
}

impl Tone {
    pub const fn as_str(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Wait => "wait",
            Tone::Bad => "bad",
        }
    }
}

/// A state in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub tone: Tone,
    pub headline: &'static str,
    pub detail: String,
}

pub fn say(payment: &Payment, lang: Lang) -> Said {
    let status = payment.status();
    let [headline, detail] = match status {
        Status::Opening | Status::Open => before(status, lang),
        Status::Authorized | Status::Capturing | Status::Paid => good(status, lang),
        Status::Refunding | Status::PartiallyRefunded | Status::Refunded => back(status, lang),
        Status::Expired | Status::Canceled | Status::Failed | Status::AmountMismatch => {
            bad(status, lang)
        }
    };
    let sum = match status {
        Status::PartiallyRefunded => Some(payment.refunded()),
        Status::AmountMismatch if payment.is_held() => Some(payment.held()),
        Status::AmountMismatch => Some(payment.facts.paid),
        Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed => None,
    };
    let detail = match sum.map(Money::to_human) {
        Some(sum) => format!("{detail} {sum}."),
        None => detail.to_owned(),
    };
    Said { tone: tone(status), headline, detail }
}

const fn tone(status: Status) -> Tone {
    match status {
        Status::Opening | Status::Open | Status::Refunding | Status::AmountMismatch => Tone::Wait,
        Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::PartiallyRefunded
        | Status::Refunded => Tone::Good,
        Status::Expired | Status::Canceled | Status::Failed => Tone::Bad,
    }
}

const fn before(status: Status, lang: Lang) -> [&'static str; 2] {
    if matches!(status, Status::Opening) {
        return [
            lang.pick("Готовим оплату", "Preparing the payment"),
            lang.pick(
                "Связываемся с банком. Страница обновится сама.",
                "We are in touch with the bank. This page refreshes by itself.",
            ),
        ];
    }
    [
        lang.pick("Ждёт оплаты", "Waiting for payment"),
        lang.pick(
            "Вы перейдёте на защищённую страницу банка.",
            "You will go to the bank's secure page.",
        ),
    ]
}

const fn good(status: Status, lang: Lang) -> [&'static str; 2] {
    if matches!(status, Status::Paid) {
        return [
            lang.pick("Оплачено", "Paid"),
            lang.pick("Спасибо! Деньги получены.", "Thank you! The money has arrived."),
        ];
    }
    [
        lang.pick("Деньги зарезервированы", "The money is on hold"),
        lang.pick(
            "Банк удержал сумму на карте. Магазин спишет её, когда подтвердит заказ.",
            "The bank holds the sum on the card. The shop takes it with the order.",
        ),
    ]
}

const fn back(status: Status, lang: Lang) -> [&'static str; 2] {
    match status {
        Status::Refunding => [
            lang.pick("Возвращаем деньги", "Refunding"),
            lang.pick(
                "Магазин отправил возврат, банк его обрабатывает.",
                "The shop has sent a refund, the bank is processing it.",
            ),
        ],
        Status::PartiallyRefunded => [
            lang.pick("Часть денег возвращена", "Partly refunded"),
            lang.pick(
                "На карту деньги приходят в срок до 30 дней. Возвращено:",
                "It takes up to 30 days to reach a card. Refunded:",
            ),
        ],
        Status::Refunded
        | Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Expired
        | Status::Canceled
        | Status::Failed
        | Status::AmountMismatch => [
            lang.pick("Деньги возвращены", "Refunded"),
            lang.pick(
                "На карту деньги приходят в срок до 30 дней.",
                "It takes up to 30 days to reach a card.",
            ),
        ],
    }
}

const fn bad(status: Status, lang: Lang) -> [&'static str; 2] {
    match status {
        Status::Expired => [
            lang.pick("Срок оплаты истёк", "The payment has expired"),
            lang.pick(
                "По этой ссылке больше нельзя заплатить. Попросите у магазина новую.",
                "This link can no longer be paid. Ask the shop for a new one.",
            ),
        ],
        Status::Canceled => [
            lang.pick("Платёж отменён", "The payment was canceled"),
            lang.pick(
                "Резерв снят, деньги остались у вас.",
                "The hold was released, the money stays with you.",
            ),
        ],
        Status::AmountMismatch => [
            lang.pick("Сумма не совпала", "The sum differs"),
            lang.pick(
                "Магазин уже знает и свяжется с вами. Сумма в банке:",
                "The shop knows and will contact you. The sum at the bank:",
            ),
        ],
        Status::Failed
        | Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::PartiallyRefunded
        | Status::Refunded => [
            lang.pick("Оплата не прошла", "The payment failed"),
            lang.pick(
                "Деньги не списаны. Попробуйте ещё раз или выберите другой способ в магазине.",
                "No money was taken. Try again, or choose another way to pay in the shop.",
            ),
        ],
    }
}

/// What to tell a payer of a try that failed, by the code that [`Failure`] keeps: what happened and
/// what to do. Empty for what the payer cannot help and need not know.
///
/// [`Failure`]: crate::payments::model::Failure
pub fn why_declined(code: &str, lang: Lang) -> &'static str {
    let reason = code.strip_prefix("declined_").unwrap_or("");
    let reason = DeclineReason::ALL.into_iter().find(|it| it.as_str() == reason);
    let Some(reason) = reason else { return "" };
    match reason {
        DeclineReason::InsufficientFunds => lang.pick(
            "На карте не хватило денег. Пополните её или возьмите другую.",
            "There was not enough money. Top the card up, or take another one.",
        ),
        DeclineReason::CardExpired => lang.pick(
            "Срок действия карты истёк. Возьмите другую.",
            "The card has expired. Take another one.",
        ),
        DeclineReason::CardDetails => lang.pick(
            "Данные карты не подошли. Проверьте номер, срок и код.",
            "The card's data did not fit. Check number, date and code.",
        ),
        DeclineReason::CardBlocked => lang.pick(
            "Карта заблокирована. Возьмите другую или позвоните в свой банк.",
            "The card is blocked. Take another one, or call your bank.",
        ),
        DeclineReason::LimitExceeded => lang.pick(
            "Сумма выше лимита карты. Измените лимит в банке или возьмите другую карту.",
            "The sum is above the card's limit. Change it at your bank, or take another card.",
        ),
        DeclineReason::ThreeDsFailed => lang.pick(
            "Платёж не подтверждён кодом банка. Попробуйте ещё раз.",
            "The payment was not confirmed with the bank's code. Try again.",
        ),
        DeclineReason::Suspicion | DeclineReason::IssuerDeclined => lang.pick(
            "Ваш банк отклонил платёж. Позвоните туда или возьмите другую карту.",
            "Your bank declined the payment. Call it, or take another card.",
        ),
        DeclineReason::ForeignCard | DeclineReason::NotPermitted => lang.pick(
            "Этой картой здесь не заплатить. Возьмите другую.",
            "This card cannot pay here. Take another one.",
        ),
        DeclineReason::SavedGone => lang.pick(
            "Сохранённая карта больше не действует. Заплатите другой.",
            "The saved card is no longer good. Pay with another one.",
        ),
        DeclineReason::Technical => lang.pick(
            "Связь с банком прервалась. Попробуйте ещё раз через минуту.",
            "The connection to the bank broke. Try again in a minute.",
        ),
        DeclineReason::Shop | DeclineReason::Unknown => "",
    }
}
