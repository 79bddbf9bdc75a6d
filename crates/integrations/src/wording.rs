//! What a message says, in Russian and in English. Pure text: how it is escaped, cut or joined with
//! its link is each integration's own.
//!
//! Abroad nothing leaves but a sum, a link and numbers of our own: purposes and receipts may tell
//! of a person, and Russian law wants such data kept in Russia.

use kopeck_banks::Money;

use crate::message::{Audience, Kind, Lang, Message, Payment};

/// A message in parts, so that the link always survives a cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line that says it all.
    pub head: String,
    /// Lines that may be dropped, the last first.
    pub rest: Vec<String>,
    /// The link and what its button says.
    pub link: Option<(String, &'static str)>,
}

/// How sums are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// `1 500,00 ₽` with no-break spaces.
    Typographic,
    /// `1500 р.`: characters that every phone's SMS has.
    Plain,
}

impl Words {
    /// Head and rest as lines, cut to `max` characters without their link.
    pub fn body(&self, max: usize) -> String {
        let mut text = cut(&self.head, max);
        for line in &self.rest {
            let room = max.saturating_sub(text.chars().count() + 1);
            // A line of a few letters says nothing.
            if room < 12 && line.chars().count() > room {
                break;
            }
            text.push('\n');
            text.push_str(&cut(line, room));
        }
        text
    }

    /// The body with the link on a line of its own, `max` characters in all.
    pub fn with_link(&self, max: usize) -> String {
        let Some((link, _)) = &self.link else { return self.body(max) };
        let body = self.body(max.saturating_sub(link.chars().count() + 1));
        format!("{body}\n{link}")
    }
}

/// At most `max` characters, with `…` where something was cut.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    let kept = kept.trim_end();
    if max == 0 { String::new() } else { format!("{kept}…") }
}

fn sum(money: Money, sums: Sums, lang: Lang) -> String {
    let text = match sums {
        Sums::Typographic => return money.to_human(),
        Sums::Plain => money.to_rubles(),
    };
    let text = text.strip_suffix(".00").unwrap_or(&text).to_owned();
    let unit = lang.pick("р.", "RUB");
    match lang {
        Lang::Ru => format!("{} {unit}", text.replace('.', ",")),
        Lang::En => format!("{text} {unit}"),
    }
}

/// What a message says. `is_domestic` as in [`crate::Limits`].
pub fn compose(message: &Message, sums: Sums, is_domestic: bool) -> Words {
    if message.kind == Kind::Welcome {
        return welcome(message);
    }
    let payment = message.payment.as_ref().filter(|_| message.kind != Kind::Test);
    let Some(payment) = payment else { return trial(message) };
    let lang = message.lang;
    let amount = match message.kind {
        Kind::Mismatch | Kind::Refunded => payment.moved.unwrap_or(payment.amount),
        Kind::Test
        | Kind::Link
        | Kind::Reminder
        | Kind::Paid
        | Kind::Failed
        | Kind::Expired
        | Kind::Canceled
        | Kind::Receipt
        | Kind::Renewal
        | Kind::RenewalFailed
        | Kind::Rebind
        | Kind::Welcome => payment.amount,
    };
    let amount = sum(amount, sums, lang);
    let wanted = sum(payment.amount, sums, lang);
    match message.audience {
        Audience::Payer => to_payer(message, payment, &amount, is_domestic),
        Audience::Shop => to_shop(message, payment, &amount, &wanted, is_domestic),
    }
}

fn trial(message: &Message) -> Words {
    let shop = &message.shop;
    let head = match message.lang {
        Lang::Ru => format!("Проверка: Kopeck пишет сюда от имени «{shop}». Отвечать не нужно."),
        Lang::En => format!("A test: Kopeck writes here for {shop}. No answer is needed."),
    };
    Words { head, rest: Vec::new(), link: None }
}

fn welcome(message: &Message) -> Words {
    let shop = &message.shop;
    let (head, rest) = match message.lang {
        Lang::Ru => (
            format!("{shop}: готово"),
            "Сюда будут приходить ссылки на оплату и сообщения о списаниях. Чтобы их не получать, \
             остановите бота.",
        ),
        Lang::En => (
            format!("{shop}: all set"),
            "Links to pay and news of charges will come here. Stop the bot to receive none.",
        ),
    };
    Words { head, rest: vec![rest.to_owned()], link: None }
}

fn to_payer(message: &Message, payment: &Payment, amount: &str, is_domestic: bool) -> Words {
    let (lang, shop) = (message.lang, &message.shop);
    let ru = lang == Lang::Ru;
    let until = payment.until.as_deref();
    let head = match message.kind {
        Kind::Test | Kind::Welcome | Kind::Link if ru => format!("{shop}: к оплате {amount}"),
        Kind::Test | Kind::Welcome | Kind::Link => format!("{shop}: {amount} to pay"),
        Kind::Reminder if ru => format!("{shop}: напоминаем об оплате {amount}"),
        Kind::Reminder => format!("{shop}: {amount} still to pay"),
        Kind::Paid if ru => format!("{shop}: оплата {amount} получена, спасибо"),
        Kind::Paid => format!("{shop}: {amount} paid, thank you"),
        Kind::Mismatch if ru => format!("{shop}: получено {amount}, магазин свяжется с вами"),
        Kind::Mismatch => format!("{shop}: {amount} received, the shop will be in touch"),
        Kind::Failed if ru => format!("{shop}: оплата {amount} не прошла, деньги не списаны"),
        Kind::Failed => format!("{shop}: {amount} was not paid, nothing was taken"),
        Kind::Expired if ru => format!("{shop}: срок оплаты {amount} истёк"),
        Kind::Expired => format!("{shop}: the time to pay {amount} is over"),
        Kind::Canceled if ru => format!("{shop}: оплата {amount} отменена"),
        Kind::Canceled => format!("{shop}: the payment of {amount} is canceled"),
        Kind::Refunded if ru => format!("{shop}: возврат {amount} отправлен"),
        Kind::Refunded => format!("{shop}: {amount} is on its way back to you"),
        Kind::Receipt if ru => format!("{shop}: чек на {amount}"),
        Kind::Receipt => format!("{shop}: receipt for {amount}"),
        Kind::Renewal => match (ru, until) {
            (true, Some(until)) => format!("{shop}: {until} спишется {amount}"),
            (true, None) => format!("{shop}: скоро спишется {amount}"),
            (false, Some(until)) => format!("{shop}: {amount} will be charged on {until}"),
            (false, None) => format!("{shop}: {amount} will be charged soon"),
        },
        Kind::RenewalFailed if ru => format!("{shop}: {amount} за подписку списать не удалось"),
        Kind::RenewalFailed => format!("{shop}: {amount} for your subscription was not charged"),
        Kind::Rebind if ru => format!("{shop}: обновите карту или счёт для подписки"),
        Kind::Rebind => format!("{shop}: a new card or account for your subscription"),
    };
    let mut rest = Vec::new();
    if is_domestic && !payment.purpose.trim().is_empty() {
        rest.push(payment.purpose.trim().to_owned());
    }
    if let (true, Some(until)) = (message.kind.asks_to_pay(), until) {
        rest.push(if ru {
            format!("Оплатить до {until}")
        } else {
            format!("Pay by {until}")
        });
    }
    if let (Kind::RenewalFailed, Some(until)) = (message.kind, until) {
        rest.push(if ru {
            format!("Попробуем ещё раз {until}")
        } else {
            format!("We will try again on {until}")
        });
    }
    Words { head, rest, link: link_of(message, payment, is_domestic) }
}

fn link_of(
    message: &Message,
    payment: &Payment,
    is_domestic: bool,
) -> Option<(String, &'static str)> {
    let (url, button) = match message.kind {
        Kind::Link | Kind::Reminder => {
            (payment.pay_url.as_ref(), message.lang.pick("Оплатить", "Pay"))
        }
        Kind::RenewalFailed => (payment.pay_url.as_ref(), message.lang.pick("Оплатить", "Pay")),
        Kind::Rebind => (payment.pay_url.as_ref(), message.lang.pick("Обновить", "Update")),
        // A subscription is looked at and left by the same page.
        Kind::Renewal => (payment.pay_url.as_ref(), message.lang.pick("Подробнее", "Details")),
        Kind::Paid | Kind::Refunded | Kind::Receipt => {
            let url = payment.receipt_url.as_ref().filter(|_| is_domestic);
            (url, message.lang.pick("Чек", "Receipt"))
        }
        Kind::Test
        | Kind::Mismatch
        | Kind::Failed
        | Kind::Expired
        | Kind::Canceled
        | Kind::Welcome => return None,
    };
    url.map(|url| (url.clone(), button))
}

fn to_shop(
    message: &Message,
    payment: &Payment,
    amount: &str,
    wanted: &str,
    is_domestic: bool,
) -> Words {
    let ru = message.lang == Lang::Ru;
    let head = match message.kind {
        Kind::Test | Kind::Welcome | Kind::Link if ru => format!("Ссылка на оплату {amount}"),
        Kind::Test | Kind::Welcome | Kind::Link => format!("A link for {amount}"),
        Kind::Reminder if ru => format!("Ещё не оплачено: {amount}"),
        Kind::Reminder => format!("Still unpaid: {amount}"),
        Kind::Paid if ru => format!("Оплачено {amount}"),
        Kind::Paid => format!("Paid: {amount}"),
        Kind::Mismatch if ru => {
            format!("Пришло {amount} вместо {wanted}: проверьте, прежде чем отгружать")
        }
        Kind::Mismatch => format!("{amount} came instead of {wanted}: look before you deliver"),
        Kind::Failed if ru => format!("Оплата {amount} не прошла"),
        Kind::Failed => format!("Not paid: {amount}"),
        Kind::Expired if ru => format!("Срок ссылки на {amount} истёк, не оплачено"),
        Kind::Expired => format!("The link for {amount} expired unpaid"),
        Kind::Canceled if ru => format!("Отменено: {amount}"),
        Kind::Canceled => format!("Canceled: {amount}"),
        Kind::Refunded if ru => format!("Возвращено {amount}"),
        Kind::Refunded => format!("Refunded: {amount}"),
        Kind::Receipt if ru => format!("Чек на {amount} зарегистрирован"),
        Kind::Receipt => format!("The receipt for {amount} is registered"),
        Kind::Renewal if ru => format!("Скоро списание {amount}"),
        Kind::Renewal => format!("{amount} will be charged soon"),
        Kind::RenewalFailed if ru => format!("Не списалось за подписку: {amount}"),
        Kind::RenewalFailed => format!("Not charged for a subscription: {amount}"),
        Kind::Rebind if ru => "Ссылка для новой карты или счёта".to_owned(),
        Kind::Rebind => "A link for a new card or account".to_owned(),
    };
    let mut rest = Vec::new();
    // The number of the payment is in every text for the shop, so that a doubled one is known.
    match &payment.order {
        Some(order) if ru => rest.push(format!("Заказ {order} · {}", payment.id)),
        Some(order) => rest.push(format!("Order {order} · {}", payment.id)),
        None => rest.push(payment.id.clone()),
    }
    if is_domestic && !payment.purpose.trim().is_empty() {
        rest.push(payment.purpose.trim().to_owned());
    }
    Words { head, rest, link: link_of(message, payment, is_domestic) }
}
