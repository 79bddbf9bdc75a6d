//! Closing a link that nobody shall pay any more, at the banks that can. Where it cannot be closed
//! it ends by itself, and money that comes to it goes back: that is its owner's to see to.

use super::JOB;
use crate::{
    gateway::flow::get_bank,
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments::{model::Status, store},
};

/// Has the link closed at its bank, if it is one that nobody has paid. It locks its payment: before
/// anything is announced.
pub fn close_link(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, payment_id): (&str, &str),
) -> Result<(), DbError> {
    let Some(mut link) = store::lock_payment(tx, shop_id, payment_id)? else { return Ok(()) };
    let is_waiting = matches!(link.status(), Status::Opening | Status::Open);
    let can = get_bank(&link.bank).is_ok_and(|bank| bank.capabilities().closes_links);
    let may = can && is_waiting && link.may_close() && !link.is_charge();
    if !may || link.intents.void_requested_ms.is_some() {
        return Ok(());
    }
    link.intents.void_requested_ms = Some(ctx.now_ms());
    store::update_payment(tx, &link)?;
    jobs::nudge(tx, &ctx.mint, JOB, &link.id, ctx.now_ms())
}
