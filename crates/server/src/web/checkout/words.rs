//! What the page says, in Russian and in English.

use kopeck_banks::Money;

use crate::payments::model::{Payment, Status};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    Ru,
    En,
}

impl Lang {
    pub const fn as_str(self) -> &'static str {
        match self {
            Lang::Ru => "ru",
            Lang::En => "en",
        }
    }

    pub fn parse(text: &str) -> Option<Lang> {
        let main = text.trim().split(['-', '_', ';']).next().unwrap_or("");
        match main.to_ascii_lowercase().as_str() {
            "ru" => Some(Lang::Ru),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// As asked for in the address, else the first of the browser's that we speak, else Russian.
    /// Browsers send their languages in order, so the weights add nothing.
    pub fn choose(asked: Option<&str>, accepted: &str) -> Lang {
        let asked = asked.and_then(Lang::parse);
        asked.or_else(|| accepted.split(',').find_map(Lang::parse)).unwrap_or(Lang::Ru)
    }

    pub const fn pick(self, ru: &'static str, en: &'static str) -> &'static str {
        match self {
            Lang::Ru => ru,
            Lang::En => en,
        }
    }

    pub const fn other(self) -> Lang {
        match self {
            Lang::Ru => Lang::En,
            Lang::En => Lang::Ru,
        }
    }

    pub const fn name(self) -> &'static str {
        self.pick("По-русски", "In English")
    }
}

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
    let (tone, headline, detail) = plain(status, lang);
    let sum = |amount: Money| amount.to_human();
    let detail = match status {
        Status::PartiallyRefunded => {
            format!("{detail} {}.", sum(payment.refunded()))
        }
        Status::AmountMismatch => format!("{detail} {}.", sum(payment.facts.paid)),
        Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed => detail.to_owned(),
    };
    Said { tone, headline, detail }
}

const fn plain(status: Status, lang: Lang) -> (Tone, &'static str, &'static str) {
    match status {
        Status::Opening => (
            Tone::Wait,
            lang.pick("Готовим оплату", "Preparing the payment"),
            lang.pick(
                "Связываемся с банком. Страница обновится сама.",
                "We are in touch with the bank. This page refreshes by itself.",
            ),
        ),
        Status::Open => (
            Tone::Wait,
            lang.pick("Ждёт оплаты", "Waiting for payment"),
            lang.pick(
                "Вы перейдёте на защищённую страницу банка.",
                "You will go to the bank's secure page.",
            ),
        ),
        Status::Authorized | Status::Capturing => (
            Tone::Good,
            lang.pick("Деньги зарезервированы", "The money is on hold"),
            lang.pick(
                "Банк удержал сумму на карте. Магазин спишет её, когда подтвердит заказ.",
                "The bank holds the sum on the card. The shop takes it once the order is confirmed.",
            ),
        ),
        Status::Paid => (
            Tone::Good,
            lang.pick("Оплачено", "Paid"),
            lang.pick("Спасибо! Деньги получены.", "Thank you! The money has arrived."),
        ),
        Status::Refunding => (
            Tone::Wait,
            lang.pick("Возвращаем деньги", "Refunding"),
            lang.pick(
                "Магазин отправил возврат, банк его обрабатывает.",
                "The shop has sent a refund, the bank is processing it.",
            ),
        ),
        Status::PartiallyRefunded => (
            Tone::Good,
            lang.pick("Часть денег возвращена", "Partly refunded"),
            lang.pick(
                "На карту деньги приходят в срок до 30 дней. Возвращено:",
                "It takes up to 30 days to reach a card. Refunded:",
            ),
        ),
        Status::Refunded => (
            Tone::Good,
            lang.pick("Деньги возвращены", "Refunded"),
            lang.pick(
                "На карту деньги приходят в срок до 30 дней.",
                "It takes up to 30 days to reach a card.",
            ),
        ),
        Status::Expired => (
            Tone::Bad,
            lang.pick("Срок оплаты истёк", "The payment has expired"),
            lang.pick(
                "По этой ссылке больше нельзя заплатить. Попросите у магазина новую.",
                "This link can no longer be paid. Ask the shop for a new one.",
            ),
        ),
        Status::Canceled => (
            Tone::Bad,
            lang.pick("Платёж отменён", "The payment was canceled"),
            lang.pick(
                "Резерв снят, деньги остались у вас.",
                "The hold was released, the money stays with you.",
            ),
        ),
        Status::Failed => (
            Tone::Bad,
            lang.pick("Оплата не прошла", "The payment failed"),
            lang.pick(
                "Деньги не списаны. Попробуйте ещё раз или выберите другой способ в магазине.",
                "No money was taken. Try again, or choose another way to pay in the shop.",
            ),
        ),
        Status::AmountMismatch => (
            Tone::Wait,
            lang.pick("Сумма не совпала", "The sum differs"),
            lang.pick(
                "Магазин уже знает и свяжется с вами. Банк получил:",
                "The shop knows and will contact you. The bank received:",
            ),
        ),
    }
}
