//! What a sending is about, as it is now, and whether anybody still needs to hear of it.

use kopeck_integrations::{Audience, Kind};

use super::{letter, model::Sending, payers};
use crate::{
    events::find_event,
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{self, model::Payment},
    receipts,
    subscriptions::{
        self,
        links::withdraw_url,
        state::Status,
        view::{Described, open_link},
    },
};

/// A payment or a subscription, with what surrounds it.
pub struct Subject {
    pub of: Of,
    /// Of a refund's news, the refund; of a receipt's, the receipt.
    pub about: Option<String>,
    /// Where the payer sees the receipt.
    pub receipt_url: Option<String>,
    /// Where the payer takes back the consent to be charged.
    pub leave_url: Option<String>,
    /// Where he says that he wants no more of these.
    pub unsubscribe_url: Option<String>,
}

pub enum Of {
    /// The shop itself: a welcome.
    Shop,
    Payment(Box<Payment>),
    Subscription(Box<Described>),
}

pub fn load(tx: &mut dyn Tx, ctx: &Ctx, sending: &Sending) -> Result<Subject, DbError> {
    let missing = |what| DbError::Decode(format!("{} has no {what}", sending.id));
    let event = match &sending.event_id {
        Some(event) => find_event(tx, &sending.shop_id, event)?,
        None => None,
    };
    let about = event.and_then(|event| event.about);
    let is_refusable = sending.event_id.is_some() && payers::is_refusable(sending.kind);
    let is_refusable = is_refusable && sending.audience == Audience::Payer;
    let unsubscribe_url = is_refusable.then(|| payers::unsubscribe_url(ctx, sending));
    if let Some(id) = &sending.payment_id {
        let found = payments::store::find_payment(tx, &sending.shop_id, id)?;
        let payment = found.ok_or_else(|| missing("payment"))?;
        let receipt_url = receipt_url(tx, sending.kind, id, about.as_deref())?;
        let of = Of::Payment(Box::new(payment));
        return Ok(Subject { of, about, receipt_url, leave_url: None, unsubscribe_url });
    }
    let Some(id) = sending.subscription_id.as_deref() else {
        let (of, leave_url) = (Of::Shop, None);
        return Ok(Subject { of, about, receipt_url: None, leave_url, unsubscribe_url });
    };
    let found = subscriptions::store::find_by_id(tx, id)?;
    let described = subscriptions::flow::describe(tx, &found.ok_or_else(|| missing("subject"))?)?;
    let leave_url = described.consent.as_ref().filter(|consent| consent.withdrawn_ms.is_none());
    let leave_url = leave_url.map(|_| withdraw_url(ctx, &described.book.subscription));
    let of = Of::Subscription(Box::new(described));
    Ok(Subject { of, about, receipt_url: None, leave_url, unsubscribe_url })
}

impl Subject {
    /// Whether it is still true and of use: nobody needs a link that is paid or over, a notice of a
    /// charge that will not be, or a receipt that nobody shows.
    pub fn is_needed(&self, sending: &Sending) -> bool {
        match &self.of {
            Of::Shop => true,
            Of::Payment(payment) if sending.kind.asks_to_pay() => letter::is_payable(payment),
            Of::Payment(_) => {
                let is_for_payer = sending.audience == Audience::Payer;
                sending.kind != Kind::Receipt || !is_for_payer || self.receipt_url.is_some()
            }
            Of::Subscription(described) => match described.book.subscription.state.status() {
                Status::Trialing | Status::Active => {
                    sending.kind != Kind::Renewal || described.next_amount.is_some()
                }
                Status::Pending | Status::PastDue => sending.kind != Kind::Renewal,
                Status::Paused | Status::Canceled | Status::Expired => false,
            },
        }
    }
}

/// The link by which a subscription's money can be paid or its card changed, if one is open.
pub fn open_payment(described: &Described) -> Option<&str> {
    let rebind = described.rebind.as_ref().map(|rebind| rebind.payment_id.as_str());
    open_link(&described.book).or(rebind)
}

/// Where the payer sees the receipt that the message is about, if its operator shows it: the one
/// named, a refund's own, or the sale's newest.
fn receipt_url(
    tx: &mut dyn Tx,
    kind: Kind,
    payment_id: &str,
    about: Option<&str>,
) -> Result<Option<String>, DbError> {
    if !matches!(kind, Kind::Paid | Kind::Refunded | Kind::Receipt) {
        return Ok(None);
    }
    let mut found = None;
    for record in receipts::store::list_of_payment(tx, payment_id)? {
        let is_meant = if kind == Kind::Receipt {
            about == Some(record.id.as_str())
        } else {
            // A refund's news has its refund's receipt, a payment's its sale's.
            record.refund_id.as_deref() == about.filter(|_| kind == Kind::Refunded)
        };
        if is_meant {
            found = record.fiscal.and_then(|fiscal| fiscal.url).or(found);
        }
    }
    Ok(found)
}
