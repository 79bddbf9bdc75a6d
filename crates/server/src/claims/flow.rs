//! Handing out, once.

use super::{model::Claim, store};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{self, model::Status},
};

/// Why nothing is handed out.
#[derive(Debug)]
pub enum Problem {
    NoSuchPayment,
    NotPaid(Status),
    /// Somebody else has it.
    Claimed(Claim),
    Db(DbError),
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Db(error)
    }
}

/// Grants the claim, or repeats the grant to whoever holds it.
pub fn claim(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    (payment_id, purpose): (&str, &str),
    claimer: &str,
) -> Result<Claim, Problem> {
    // Held until the end, so that a refund and a claim come one after the other.
    let found = payments::store::lock_payment(tx, shop_id, payment_id)?;
    let payment = found.filter(|it| it.attempt_of.is_none()).ok_or(Problem::NoSuchPayment)?;
    // First what was granted: money that went back later takes nothing back.
    if let Some(earlier) = store::find_claim(tx, payment_id, purpose)? {
        return if earlier.claimer == claimer {
            Ok(earlier)
        } else {
            Err(Problem::Claimed(earlier))
        };
    }
    let status = payment.status();
    if !is_paid(status) {
        return Err(Problem::NotPaid(status));
    }
    let claim = Claim {
        payment_id: payment_id.to_owned(),
        purpose: purpose.to_owned(),
        shop_id: shop_id.to_owned(),
        claimer: claimer.to_owned(),
        claimed_ms: ctx.now_ms(),
    };
    store::insert_claim(tx, &claim)?;
    Ok(claim)
}

/// The money is there, and not on its way back.
fn is_paid(status: Status) -> bool {
    match status {
        Status::Paid | Status::PartiallyRefunded => true,
        Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::AmountMismatch
        | Status::Refunding
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed => false,
    }
}
