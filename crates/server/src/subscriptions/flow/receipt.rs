//! What the receipts of a subscription's charges say from now on, and where they go. A charge that
//! was asked for already keeps the receipt that it has.

use super::{Problem, announce, by_bank, lock_own};
use crate::{
    events::EventKind,
    kit::{Ctx, db::Tx},
    receipts,
    subscriptions::{model::OwnReceipt, store},
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

pub fn change(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, id): (&str, &str),
    wish: Wish,
) -> Result<(), Problem> {
    let mut subscription = lock_own(tx, shop_id, id)?;
    by_bank::refuse(&subscription, &by_bank::FIXED_RECEIPT)?;
    let status = subscription.state.status();
    if status.is_over() {
        return Err(Problem::NotChangeable(status));
    }
    match wish.receipt {
        Some(Said::ByPlan) => subscription.receipt = None,
        Some(Said::Own(text)) => {
            receipts::flow::check_readable(&text).map_err(Problem::Receipt)?;
            let own = OwnReceipt::said(&subscription.plan_id, text, ctx.now_ms());
            subscription.receipt = Some(own);
        }
        None => {}
    }
    if wish.contact.is_some() {
        subscription.contact = wish.contact;
    }
    store::update_subscription(tx, &mut subscription)?;
    Ok(announce(tx, ctx, &subscription, EventKind::SubscriptionChanged)?)
}
