//! A payment as the message that is told of it: pure.

use kopeck_integrations::{Kind, Message, Payment as Facts};

use super::model::Sending;
use crate::{
    instruments::model::Kind as InstrumentKind,
    kit::clock::iso,
    payments::model::{Payment, Status},
    qr::Code,
};

/// Pixels: sharp on a dense screen, a few kilobytes.
const QR_SIDE: u32 = 400;

/// What surrounds a payment.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    pub shop: &'a str,
    pub public_url: &'a str,
    /// Of a refund's news, the refund; of a receipt's, the receipt.
    pub about: Option<&'a str>,
    /// Where the payer sees the receipt.
    pub receipt_url: Option<&'a str>,
}

/// The message of a sending, opened.
pub fn write(sending: &Sending, to: String, payment: &Payment, around: Around<'_>) -> Message {
    Message {
        id: sending.id.clone(),
        kind: sending.kind,
        audience: sending.audience,
        lang: sending.lang,
        to: Some(to),
        shop: around.shop.to_owned(),
        written_ms: sending.created_ms,
        unsubscribe_url: None,
        payment: Some(facts(sending.kind, payment, around)),
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
        | Kind::Rebind => None,
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
