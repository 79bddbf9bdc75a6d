//! The links of one deal or one order together: what of its sum is taken, and which of them give
//! way when a new one asks for another sum. Ours, which is where a link leads, goes on to the newer
//! one, and the bank's own page is closed where the bank can do that; else it is open until its
//! time is over.

use kopeck_banks::Money;

use crate::{
    integrations::{
        letter::is_payable,
        store::replaced::{find_newer, insert_replaced},
    },
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{
        flow::close::close_link,
        model::{Payment, Status},
    },
};

/// A payment of the deal or the order.
#[derive(Clone, Debug)]
pub struct Known {
    pub payment: Payment,
    /// A newer link of another sum is in its place.
    pub is_replaced: bool,
}

impl Known {
    pub fn load(tx: &mut dyn Tx, payment: Payment) -> Result<Known, DbError> {
        let is_replaced = find_newer(tx, &payment.id)?.is_some();
        Ok(Known { payment, is_replaced })
    }

    /// Whether its link still leads to a bank.
    pub fn is_open(&self) -> bool {
        !self.is_replaced && is_payable(&self.payment)
    }

    /// Money that is here, or held for us: it is not asked for twice.
    pub fn taken(&self) -> Money {
        match self.payment.status() {
            Status::Authorized | Status::Capturing => self.payment.held(),
            Status::Opening
            | Status::Open
            | Status::Paid
            | Status::Refunding
            | Status::PartiallyRefunded
            | Status::Refunded
            | Status::Expired
            | Status::Canceled
            | Status::Failed
            | Status::AmountMismatch => {
                self.payment.facts.paid.minus_or_zero(self.payment.refunded())
            }
        }
    }
}

/// What of a sum is neither here nor held.
pub fn left_of(sum: Money, known: &[Known]) -> Money {
    known.iter().map(Known::taken).fold(sum, Money::minus_or_zero)
}

/// The new link asks for all that is left: open ones of other sums, which ask for what is not true
/// any more, give way to it. One that asks for a part leaves the others as they are.
pub async fn give_way(
    ctx: &Ctx,
    known: &[Known],
    (made, sum): (&Payment, Money),
) -> Result<(), DbError> {
    if made.amount != left_of(sum, known) {
        return Ok(());
    }
    let age = |it: &Payment| (it.created_ms, it.id.clone());
    // Only forward in time, so that no two links ever lead to each other.
    let is_older = |it: &&Known| {
        it.is_open() && age(&it.payment) < age(made) && it.payment.amount != made.amount
    };
    let older: Vec<String> =
        known.iter().filter(is_older).map(|it| it.payment.id.clone()).collect();
    if older.is_empty() {
        return Ok(());
    }
    let (inner, shop_id) = (ctx.clone(), made.shop_id.clone());
    let (newer, now_ms) = (made.id.clone(), ctx.now_ms());
    ctx.db
        .write(move |tx| {
            for older in &older {
                close_link(tx, &inner, (&shop_id, older))?;
                insert_replaced(tx, (older, &newer), now_ms)?;
            }
            Ok(())
        })
        .await
}
