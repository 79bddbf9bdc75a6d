//! A payment as the payer sees it.

use askama::Template;
use axum::response::Response;
use jiff::{fmt::strtime, tz::TimeZone};
use kopeck_banks::{
    bank::find_bank,
    http::percent_encode,
    op::{PayMethod, SbpBank},
};

use super::words::{Tone, say, why_declined};
use crate::{
    http::ApiError,
    kit::clock::timestamp,
    payments::{
        attempts::other_route,
        model::{Payment, Status},
    },
    qr,
    receipts::model::{Record, State},
    web::{base::Base, brand::Look, lang::Lang, message},
};

#[derive(Template)]
#[template(path = "checkout.html")]
struct CheckoutPage<'a> {
    base: Base,
    title: String,
    id: &'a str,
    version: String,
    watch: bool,
    sum: String,
    purpose: &'a str,
    tone: &'static str,
    headline: &'static str,
    detail: String,
    /// Why the last try to pay failed, of a payment that may be tried again.
    declined: &'static str,
    code: Option<CodeView<'a>>,
    /// How it can be paid at the bank's page.
    ways: Vec<&'static str>,
    receipt: Option<&'a str>,
    action: Option<Action<'a>>,
    others: Vec<Other>,
    facts: Vec<String>,
    safety: &'static str,
}

struct Action<'a> {
    url: std::borrow::Cow<'a, str>,
    text: &'static str,
    plain: bool,
}

/// A QR code of SBP: a desktop shows it, a phone opens it as a link in the bank's app. Which of the
/// two is left to the style sheet, which knows what the payer points with.
struct CodeView<'a> {
    payload: &'a str,
    /// The picture, within the page: no request of its own. Drawn once, shown at two places.
    svg: String,
    label: &'static str,
    scan: &'static str,
    tap: &'static str,
    open: &'static str,
    choose: &'static str,
    show: &'static str,
}

/// A button that takes the link to another bank.
struct Other {
    route: usize,
    text: String,
}

/// Changes whenever the page would look different.
pub fn version(payment: &Payment) -> String {
    let refunds = payment.refunds.iter().filter(|refund| !refund.state.is_pending()).count();
    let (status, moves) = (payment.status().as_str(), payment.moves);
    let (there, code) = (bank_url(payment).is_some(), payload(payment).is_some());
    format!("{status}-{there}-{code}-{refunds}-{moves}")
}

/// What the payer's bank can be paid by now. A link of the SBP's operator and nothing else: it
/// becomes a button.
pub fn payload(payment: &Payment) -> Option<&str> {
    let is_there = payment.status() == Status::Open && payment.intents.move_to.is_none();
    let payload = payment.facts.qr_payload.as_deref().filter(|_| is_there)?;
    payload.starts_with("https://qr.nspk.ru/").then_some(payload)
}

/// The bank's page, while it makes sense to go there. Only a web address: whatever else a bank
/// might send, a payer is not to be led to.
pub fn bank_url(payment: &Payment) -> Option<&str> {
    let is_there = payment.status() == Status::Open && payment.intents.move_to.is_none();
    let url = payment.facts.bank_url.as_deref().filter(|_| is_there)?;
    (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
}

/// What the page tells of.
pub struct Shown {
    pub payment: Payment,
    /// How its shop looks.
    pub look: Look,
    /// The payment's own receipt, if it has one.
    pub receipt: Option<Record>,
}

pub fn checkout(shown: &Shown, lang: Lang, now_ms: i64) -> askama::Result<String> {
    let Shown { payment, look, receipt } = shown;
    let said = say(payment, lang);
    let sum = payment.amount.to_human();
    let page = CheckoutPage {
        base: Base::of(lang, look),
        title: format!("{} · {sum}", said.headline),
        id: &payment.id,
        version: version(payment),
        watch: is_moving(payment.status()),
        sum,
        purpose: &payment.purpose,
        tone: said.tone.as_str(),
        headline: said.headline,
        detail: said.detail,
        declined: declined(payment, lang),
        code: code(payment, lang),
        ways: ways(payment, lang),
        receipt: receipt_url(receipt.as_ref()),
        action: action(payment, said.tone, lang),
        others: others(payment, lang, now_ms),
        facts: facts(payment, receipt.as_ref(), lang, now_ms),
        safety: match payment.methods.as_slice() {
            [PayMethod::Sbp] => lang.pick(
                "Платёж подтверждается только в приложении вашего банка.",
                "The payment is confirmed in your bank's app only.",
            ),
            _ => lang.pick(
                "Данные карты вводятся только на странице банка.",
                "Card data is entered on the bank's page only.",
            ),
        },
    };
    page.render()
}

#[derive(Template)]
#[template(path = "banks.html")]
struct BanksPage<'a> {
    base: Base,
    headline: &'static str,
    sum: String,
    id: &'a str,
    /// The way to each, and its name.
    banks: Vec<(String, &'a str)>,
    payload: &'a str,
    other: &'static str,
    back: &'static str,
}

/// The banks whose apps open the code, in the order of the SBP's operator.
pub fn banks(
    payment: &Payment,
    banks: &[SbpBank],
    lang: Lang,
    look: &Look,
) -> askama::Result<String> {
    let page = BanksPage {
        base: Base::of(lang, look),
        headline: lang.pick("Выберите свой банк", "Choose your bank"),
        sum: payment.amount.to_human(),
        id: &payment.id,
        banks: banks.iter().map(|bank| (percent_encode(&bank.id), bank.name.as_str())).collect(),
        payload: payload(payment).unwrap_or_default(),
        other: lang.pick("Другой банк", "Another bank"),
        back: lang.pick("Назад", "Back"),
    };
    page.render()
}

pub fn not_found(lang: Lang) -> Result<Response, ApiError> {
    message::not_found(lang, lang.pick("Такого платежа нет", "There is no such payment"))
}

/// Whether something may still happen while the payer looks on.
const fn is_moving(status: Status) -> bool {
    match status {
        Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::Refunding => true,
        Status::Paid
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed
        | Status::AmountMismatch => false,
    }
}

fn code(payment: &Payment, lang: Lang) -> Option<CodeView<'_>> {
    let payload = payload(payment)?;
    let label = lang.pick("QR-код СБП для оплаты", "SBP QR code to pay by");
    Some(CodeView {
        payload,
        label,
        svg: qr::Code::new(payload).map(|code| code.to_svg(label)).unwrap_or_default().replacen(
            "<svg ",
            "<svg id=\"code\" ",
            1,
        ),
        scan: lang.pick(
            "Отсканируйте код камерой телефона или в приложении любого банка. Страница обновится \
             сама.",
            "Scan the code with the phone's camera or in any bank's app. This page refreshes by \
             itself.",
        ),
        tap: lang.pick(
            "Откройте приложение банка: сумма и получатель уже указаны. Страница обновится сама.",
            "Open your bank's app: sum and payee are filled in. This page refreshes by itself.",
        ),
        open: lang.pick("Открыть приложение банка", "Open the bank's app"),
        choose: lang.pick("Выбрать банк", "Choose the bank"),
        show: lang.pick("Показать QR-код", "Show the QR code"),
    })
}

fn action<'a>(payment: &'a Payment, tone: Tone, lang: Lang) -> Option<Action<'a>> {
    if payment.is_code() && payload(payment).is_some() {
        return None;
    }
    if payload(payment).is_some() {
        let url = format!("/pay/{}/go", payment.id).into();
        let text = lang.pick("На страницу банка", "To the bank's page");
        return Some(Action { url, text, plain: true });
    }
    if bank_url(payment).is_some() {
        let url = format!("/pay/{}/go", payment.id).into();
        return Some(Action { url, text: lang.pick("Оплатить", "Pay"), plain: false });
    }
    let back = match tone {
        Tone::Good => payment.success_url.as_deref(),
        Tone::Bad => payment.fail_url.as_deref().or(payment.success_url.as_deref()),
        Tone::Wait => None,
    };
    let text = lang.pick("Вернуться в магазин", "Back to the shop");
    back.map(|url| Action { url: url.into(), text, plain: true })
}

/// The other banks of the link: for a way to pay that only they offer now, or in case the payer
/// gets nowhere at the first.
fn others(payment: &Payment, lang: Lang, now_ms: i64) -> Vec<Other> {
    if payment.intents.move_to.is_some() {
        return Vec::new();
    }
    let other = |route: usize| {
        let offered = other_route(payment, route, now_ms)?;
        let own = offered.first_for.iter().filter(|it| !payment.bank_methods.contains(it));
        let ways: Vec<&str> = own.map(|method| way(*method, lang)).collect();
        let text = if ways.is_empty() {
            let title = find_bank(&offered.bank).map_or("", |bank| bank.title());
            format!(
                "{} {title}",
                lang.pick("Не получается? Оплатить через", "Trouble? Pay through")
            )
        } else {
            format!("{} {}", lang.pick("Оплатить:", "Pay by"), ways.join(", "))
        };
        Some(Other { route, text })
    };
    (0..payment.routes.len()).filter_map(other).collect()
}

/// The ways to pay that the bank's page offers for this sum, once one may go there.
fn ways(payment: &Payment, lang: Lang) -> Vec<&'static str> {
    if bank_url(payment).is_none() || payment.is_code() {
        return Vec::new();
    }
    let sums = find_bank(&payment.bank).map(|bank| bank.capabilities());
    let fits = |method: &&PayMethod| {
        sums.is_none_or(|can| can.methods.contains(method) && can.takes(**method, payment.amount))
    };
    payment.bank_methods.iter().filter(fits).map(|method| way(*method, lang)).collect()
}

/// Why it was declined, where the bank told and it matters still.
fn declined(payment: &Payment, lang: Lang) -> &'static str {
    let decline = payment.facts.decline.as_ref();
    let matters = matches!(payment.status(), Status::Open | Status::Failed);
    decline.filter(|_| matters).map_or("", |decline| why_declined(&decline.code, lang))
}

/// The receipt as whoever made it shows it.
fn receipt_url(receipt: Option<&Record>) -> Option<&str> {
    let url = receipt?.fiscal.as_ref()?.url.as_deref()?;
    url.starts_with("https://").then_some(url)
}

const fn way(method: PayMethod, lang: Lang) -> &'static str {
    match method {
        PayMethod::Card => lang.pick("картой", "card"),
        PayMethod::Sbp => lang.pick("через СБП", "SBP"),
        PayMethod::TPay => "T-Pay",
        PayMethod::Dolyame => lang.pick("Долями", "Dolyame"),
    }
}

fn facts(payment: &Payment, receipt: Option<&Record>, lang: Lang, now_ms: i64) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(order_id) = &payment.order_id {
        facts.push(format!("{} {order_id}", lang.pick("Заказ", "Order")));
    }
    facts.push(format!("{} {}", lang.pick("Номер платежа", "Payment"), payment.reference));
    if let Some(paid_ms) = payment.facts.paid_at_ms() {
        facts.push(format!("{} {}", lang.pick("Оплачено", "Paid"), moscow(paid_ms, lang)));
        facts.extend(receipt.and_then(|receipt| receipt_fact(receipt, lang, now_ms)));
    } else if payment.status() == Status::Open {
        let until = lang.pick("Оплатить до", "Pay before");
        facts.push(format!("{until} {}", moscow(payment.expires_ms, lang)));
    }
    facts
}

/// What the payer may know of the receipt, and no more than is known: whether a letter reached its
/// reader, nobody tells us.
fn receipt_fact(receipt: &Record, lang: Lang, now_ms: i64) -> Option<String> {
    if receipt.is_by_hand && receipt.state != State::Registered {
        let text = lang.pick("Чек магазин пришлёт отдельно", "The shop sends the receipt itself");
        return Some(text.to_owned());
    }
    let is_late = receipt.expected_ms.is_some_and(|at_ms| at_ms <= now_ms);
    let text = match receipt.state {
        State::Failed => lang.pick(
            "Чек придёт позже: касса его пока не сделала, магазин об этом знает",
            "The receipt comes later: the cash register has not made it yet, and the shop knows",
        ),
        State::Sent if is_late => lang.pick(
            "Чек придёт позже: касса его ещё не подтвердила",
            "The receipt comes later: the cash register has not confirmed it yet",
        ),
        State::Sent => lang.pick("Чек делает касса магазина", "The receipt is being made"),
        State::Registered => lang.pick("Чек сделан", "The receipt is made"),
        State::None | State::Queued => return None,
    };
    let fiscal = receipt.fiscal.as_ref().filter(|_| receipt.state == State::Registered);
    let number = fiscal.and_then(|fiscal| fiscal.document_number.as_ref());
    Some(number.map_or(text.to_owned(), |number| format!("{text}: № {number}")))
}

/// Moscow's time, which every payer in Russia can reckon with.
fn moscow(ms: i64, lang: Lang) -> String {
    let zone = TimeZone::get("Europe/Moscow").unwrap_or(TimeZone::UTC);
    let (format, suffix) = match lang {
        Lang::Ru => ("%d.%m.%Y %H:%M", "МСК"),
        Lang::En => ("%-d %b %Y %H:%M", "Moscow time"),
    };
    let text = strtime::format(format, &timestamp(ms).to_zoned(zone)).unwrap_or_default();
    format!("{text} {suffix}")
}
