//! A payment as the message that is told of it: pure.

use kopeck_integrations::{Kind, Message, Payment as Facts};

use super::{
    model::Sending,
    subject::{Of, Subject, open_payment},
};
use crate::{
    instruments::model::Kind as InstrumentKind,
    kit::clock::iso,
    payments::model::{Payment, Status},
    qr::Code,
    subscriptions::{schedule::find_zone, view::Described},
};

/// Pixels: sharp on a dense screen, a few kilobytes.
const QR_SIDE: u32 = 400;

/// What surrounds what is told.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    pub shop: &'a str,
    pub public_url: &'a str,
    /// Of a refund's news, the refund.
    pub about: Option<&'a str>,
    /// Where the payer sees the receipt.
    pub receipt_url: Option<&'a str>,
    pub leave_url: Option<&'a str>,
    pub unsubscribe_url: Option<&'a str>,
}

impl<'a> Around<'a> {
    pub fn of(shop: &'a str, public_url: &'a str, subject: &'a Subject) -> Around<'a> {
        Around {
            shop,
            public_url,
            about: subject.about.as_deref(),
            receipt_url: subject.receipt_url.as_deref(),
            leave_url: subject.leave_url.as_deref(),
            unsubscribe_url: subject.unsubscribe_url.as_deref(),
        }
    }
}

/// The message of a sending, opened.
pub fn write(sending: &Sending, to: String, of: &Of, around: Around<'_>) -> Message {
    Message {
        id: sending.id.clone(),
        kind: sending.kind,
        audience: sending.audience,
        lang: sending.lang,
        to: Some(to),
        shop: around.shop.to_owned(),
        written_ms: sending.created_ms,
        unsubscribe_url: around.unsubscribe_url.map(str::to_owned),
        payment: match of {
            Of::Shop => None,
            Of::Payment(payment) => Some(facts(sending.kind, payment, around)),
            Of::Subscription(described) => Some(facts_of(sending.kind, described, around)),
        },
    }
}

/// What may be said of a payment.
pub fn facts(kind: Kind, payment: &Payment, around: Around<'_>) -> Facts {
    let refund = payment.refunds.iter().find(|it| Some(it.id.as_str()) == around.about);
    let moved = match kind {
        Kind::Refunded => refund.map(|refund| refund.amount),
        Kind::Mismatch => Some(payment.facts.paid),
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
        | Kind::Welcome => None,
    };
    let saved = [InstrumentKind::Card, InstrumentKind::Account]
        .into_iter()
        .find_map(|kind| payment.instrument_id(kind));
    let at_ms = payment.facts.paid_at_ms();
    let pay_url = format!("{}/pay/{}", around.public_url, payment.id);
    Facts {
        id: payment.id.clone(),
        order: payment.order_id.clone(),
        amount: payment.amount,
        moved,
        left: (kind == Kind::Refunded)
            .then(|| payment.facts.paid.minus_or_zero(payment.refunded())),
        purpose: payment.purpose.clone(),
        qr_png: if kind.asks_to_pay() { picture(&pay_url) } else { None },
        pay_url: Some(pay_url),
        receipt_url: around.receipt_url.map(str::to_owned),
        leave_url: None,
        method: payment.facts.method.clone(),
        bank_id: payment.facts.bank_id.clone(),
        instrument: saved.map(str::to_owned),
        until: kind.asks_to_pay().then(|| moscow(payment.expires_ms)),
        at: at_ms.map(iso),
    }
}

/// What may be said of a subscription, in the place of a payment.
fn facts_of(kind: Kind, described: &Described, around: Around<'_>) -> Facts {
    let subscription = &described.book.subscription;
    let period = described.book.open_period();
    let is_near = kind == Kind::Renewal;
    let amount = if is_near { described.next_amount } else { period.map(|it| it.amount) };
    let until_ms = if is_near {
        subscription.state.access_until_ms(0)
    } else {
        period.and_then(|period| period.next_try_ms)
    };
    let link = open_payment(described).map(|id| format!("{}/pay/{id}", around.public_url));
    let leave_url = around.leave_url.map(str::to_owned);
    Facts {
        id: subscription.id.clone(),
        amount: amount.or(described.next_amount).unwrap_or_default(),
        purpose: described.version.terms.name.clone(),
        // A notice leads to where the subscription can be looked at and left.
        pay_url: if is_near { link.or_else(|| leave_url.clone()) } else { link },
        leave_url,
        until: until_ms.map(|ms| day(&subscription.zone, ms)),
        ..Facts::default()
    }
}

/// `30.11.2026` where the subscription's calendar counts.
fn day(zone: &str, ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    let zone = find_zone(zone).unwrap_or_else(|| jiff::tz::TimeZone::fixed(jiff::tz::offset(3)));
    at.to_zoned(zone).strftime("%d.%m.%Y").to_string()
}

/// The link as a code to scan; a message without it is better than none.
fn picture(url: &str) -> Option<Vec<u8>> {
    Code::new(url).and_then(|code| code.to_png(QR_SIDE)).ok()
}

/// `30.11.2026 14:05`, in Moscow: where the banks are.
pub fn moscow(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    let at = jiff::tz::offset(3).to_datetime(at);
    let (day, month, year) = (at.day(), at.month(), at.year());
    format!("{day:02}.{month:02}.{year} {:02}:{:02}", at.hour(), at.minute())
}

/// Whether somebody can still pay by its link.
pub fn is_payable(payment: &Payment) -> bool {
    match payment.status() {
        Status::Opening | Status::Open => true,
        Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed
        | Status::AmountMismatch => false,
    }
}
