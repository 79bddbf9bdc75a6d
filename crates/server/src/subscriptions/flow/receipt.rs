//! What the receipts of a subscription's charges say from now on, and where they go. A charge that
//! was asked for already keeps the receipt that it has.

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};

use super::{Problem, announce, by_bank, lock_own, periods};
use crate::{
    events::EventKind,
    kit::{Ctx, db::Tx},
    receipts,
    subscriptions::{
        drive,
        model::{OwnReceipt, Subscription, Version},
        store,
    },
};

/// What is to change; `None` leaves it as it is.
#[derive(Clone, Debug)]
pub struct Wish {
    /// JSON: where receipts go.
    pub contact: Option<String>,
    pub receipt: Option<Said>,
}

/// Who says what the receipts hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    ByPlan,
    /// The subscription itself, in any form that a payment's is taken in.
    Own(String),
}

/// Refuses what the bank or the receipt's rules would refuse at the next charge, when nobody is
/// there to mend it.
pub async fn check(ctx: &Ctx, shop_id: &str, id: &str, wish: &Wish) -> Result<(), Problem> {
    if let Some(Said::Own(text)) = &wish.receipt {
        receipts::flow::check_readable(text).map_err(Problem::Receipt)?;
    }
    let (shop_id, id, wish) = (shop_id.to_owned(), id.to_owned(), wish.clone());
    let now_ms = ctx.now_ms();
    let changed: Result<(Subscription, Version), Problem> = ctx
        .db
        .read(move |tx| {
            let found = store::find_subscription(tx, &shop_id, &id)?;
            let mut subscription = found.ok_or(Problem::NoSuchSubscription)?;
            let version = to_come(tx, &subscription)?;
            apply(&mut subscription, &version, wish, now_ms)?;
            Ok((subscription, version))
        })
        .await;
    let (subscription, version) = changed?;
    drive::check_receipt(ctx, &subscription, &version).await
}

pub fn change(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, id): (&str, &str),
    wish: Wish,
) -> Result<(), Problem> {
    let mut subscription = lock_own(tx, shop_id, id)?;
    let version = to_come(tx, &subscription)?;
    apply(&mut subscription, &version, wish, ctx.now_ms())?;
    store::update_subscription(tx, &mut subscription)?;
    Ok(announce(tx, ctx, &subscription, EventKind::SubscriptionChanged)?)
}

/// What the charges to come are of.
fn to_come(tx: &mut dyn Tx, subscription: &Subscription) -> Result<Version, Problem> {
    let next = subscription.next_version_id.as_ref().unwrap_or(&subscription.version_id);
    Ok(periods::get_version(tx, next)?)
}

fn apply(
    subscription: &mut Subscription,
    version: &Version,
    wish: Wish,
    now_ms: i64,
) -> Result<(), Problem> {
    by_bank::refuse(subscription, &by_bank::FIXED_RECEIPT)?;
    let status = subscription.state.status();
    if status.is_over() {
        return Err(Problem::NotChangeable(status));
    }
    let is_receipt_said = wish.receipt.is_some();
    match wish.receipt {
        Some(Said::ByPlan) => subscription.receipt = None,
        Some(Said::Own(text)) => {
            subscription.receipt = Some(OwnReceipt::said(&version.plan_id, text, now_ms));
        }
        None => {}
    }
    let Some(contact) = wish.contact else { return Ok(()) };
    // An address within the receipt that was said before goes with the one that it was.
    if let Some(own) = subscription.receipt.as_mut().filter(|_| !is_receipt_said) {
        own.text = without_address(&own.text);
    }
    let mut fields = subscription.contact.as_deref().map(fields).unwrap_or_default();
    fields.extend(self::fields(&contact));
    subscription.contact = Some(Value::Object(fields).to_string());
    Ok(())
}

fn fields(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The same text in whichever form, without where it goes.
fn without_address(text: &str) -> String {
    // Sums stay as they are written.
    let read = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text);
    let Ok(mut all) = read else { return text.to_owned() };
    for name in ["email", "phone", "Email", "Phone"] {
        all.remove(name);
    }
    serde_json::to_string(&all).unwrap_or_else(|_| text.to_owned())
}
