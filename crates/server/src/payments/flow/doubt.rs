//! Use cases of charges that a person has to look after: one of which the bank says neither yes nor
//! no, money that came and that nobody waits for, money that nobody may keep and that the bank does
//! not give back. Silence never becomes a failure here: only the bank's word ends a charge, or the
//! shop's, which looked in the cabinet.

use kopeck_banks::Money;

use super::{Problem, announce, kept, save};
use crate::{
    events::EventKind,
    kit::{
        Ctx,
        clock::MINUTE_MS,
        db::{DbError, Tx},
    },
    payments::{
        model::{Failure, Payment, Refund, RefundState, Status},
        state::{self, Event},
        store,
    },
    todos::{self, Kind, NewTodo, Why},
};

/// The code of a charge that the shop says was never made.
pub const NOT_MADE: &str = "charge_unanswered";

/// Why we ask for a refund that no shop asked for: the consent ended, the period was paid already,
/// the subscription is over.
pub const WITHDRAWN: &str = "consent withdrawn";
pub const SECOND: &str = "Подписка: лишнее списание";
pub const OVER: &str = "Подписка: закончена";

/// Whether the bank has had all the time that it ever takes to tell of this charge.
fn is_overdue(payment: &Payment, now_ms: i64) -> bool {
    let asked_ms = payment.intents.charge_asked_ms;
    let patience_ms = i64::from(kept::TTL_MINUTES) * MINUTE_MS;
    payment.is_silent() && asked_ms.is_some_and(|asked_ms| asked_ms + patience_ms <= now_ms)
}

/// After a look: a charge whose fate nobody knows for a day is told to the shop, once. It is asked
/// about all the same.
pub(super) fn alarm(tx: &mut dyn Tx, ctx: &Ctx, payment: &Payment) -> Result<(), DbError> {
    let now_ms = ctx.now_ms();
    if !is_overdue(payment, now_ms) {
        return Ok(());
    }
    let is_taken = payment.intents.is_charge_taken;
    let why = Why {
        code: NOT_MADE.to_owned(),
        message: match is_taken {
            true => "The bank said that it took the charge, and shows no such money".to_owned(),
            false => "The bank did not answer the charge, and shows no such money".to_owned(),
        },
        hint: "Look in the bank's cabinet; what was not taken is settled by hand".to_owned(),
    };
    if raise(tx, ctx, (Kind::ChargeUnanswered, &why), payment)? {
        announce(tx, ctx, payment, EventKind::ChargeUnanswered, None)?;
    }
    Ok(())
}

fn raise(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (kind, why): (Kind, &Why),
    payment: &Payment,
) -> Result<bool, DbError> {
    let new = NewTodo {
        id: ctx.mint.id("todo"),
        shop_id: &payment.shop_id,
        kind,
        subject_id: &payment.id,
        about: "",
        why,
        at_ms: ctx.now_ms(),
    };
    todos::raise(tx, &new)
}

/// What became of the charge is known: nobody has to look any more.
pub(super) fn is_known(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    before: &Payment,
    next: &Payment,
) -> Result<(), DbError> {
    if before.is_silent() && !next.is_silent() {
        let of = (Kind::ChargeUnanswered, next.id.as_str(), "");
        todos::settle(tx, of, (ctx.now_ms(), todos::BY_ITSELF))?;
    }
    let is_back = next.status() == Status::Refunded && before.status() != Status::Refunded;
    if is_back {
        for kind in [Kind::ChargeUnexpected, Kind::RefundNeeded] {
            todos::settle(tx, (kind, &next.id, ""), (ctx.now_ms(), todos::BY_ITSELF))?;
        }
    }
    match next.refunds.iter().find(|refund| is_stuck(refund, before)) {
        Some(refund) if next.status() != Status::Refunded => stuck(tx, ctx, next, refund),
        Some(_) | None => Ok(()),
    }
}

/// Whether its money was asked back because what it was for is over, whatever became of that.
pub fn is_over(payment: &Payment) -> bool {
    payment.refunds.iter().any(|refund| refund.reason.as_deref() == Some(OVER))
}

/// Whether the bank has just refused a refund of what nobody may keep.
fn is_stuck(refund: &Refund, before: &Payment) -> bool {
    let is_ours = [WITHDRAWN, SECOND, OVER].map(Some).contains(&refund.reason.as_deref());
    let failed = |it: &Refund| match it.state {
        RefundState::Failed(_) => true,
        RefundState::Requested | RefundState::Asked { .. } | RefundState::Succeeded => false,
    };
    let is_known = before.refunds.iter().any(|it| it.id == refund.id && failed(it));
    is_ours && failed(refund) && !is_known
}

/// Nobody tries it again by himself: a person gives the money back, and Kopeck sees it.
fn stuck(tx: &mut dyn Tx, ctx: &Ctx, payment: &Payment, refund: &Refund) -> Result<(), DbError> {
    let RefundState::Failed(failure) = &refund.state else { return Ok(()) };
    let why = Why {
        code: failure.code.clone(),
        message: failure.message.clone(),
        hint: failure.hint.clone(),
    };
    raise(tx, ctx, (Kind::RefundNeeded, &why), payment).map(|_| ())
}

/// The shop looked in the bank's cabinet: nothing was taken. Should the money be there after all,
/// it is still this charge's. Again is no error.
pub fn settle_not_charged(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, payment_id): (&str, &str),
) -> Result<Payment, Problem> {
    let found = store::lock_payment(tx, shop_id, payment_id)?;
    let payment = found.ok_or(Problem::NoSuchPayment)?;
    let is_settled = payment.status() == Status::Failed
        && payment.intents.failure.as_ref().is_some_and(|failure| failure.code == NOT_MADE);
    if is_settled {
        return Ok(payment);
    }
    if !is_overdue(&payment, ctx.now_ms()) {
        return Err(Problem::NotSettleable(payment.status()));
    }
    let failure = Failure {
        code: NOT_MADE.to_owned(),
        message: "The bank did not answer the charge, and the shop says that nothing was taken"
            .to_owned(),
        hint: "Nothing was charged: make another payment if the sum is still due".to_owned(),
    };
    let event = Event::ChargeRefused(failure);
    let applied = state::apply(&payment, &event).map_err(Problem::Refused)?;
    Ok(save(tx, ctx, &payment, applied)?)
}

/// Money came from a kept card and nothing waits for it: it is a payment of its own, told to the
/// shop, which gives it back or lets it pay what it is for.
pub(super) fn unexpected(tx: &mut dyn Tx, ctx: &Ctx, paid: &Payment) -> Result<(), DbError> {
    let why = Why {
        code: "charge_unexpected".to_owned(),
        message: "The bank took money from a kept card, and no charge waits for it".to_owned(),
        hint: "Give it back in the bank's cabinet, or assign it to the period that it is for"
            .to_owned(),
    };
    if raise(tx, ctx, (Kind::ChargeUnexpected, &why), paid)? {
        announce(tx, ctx, paid, EventKind::ChargeUnexpected, None)?;
    }
    Ok(())
}

/// The charge that was refused, or said never to have been made, whose money this must be: of this
/// sum, sent before the money was taken, and before it was there. Of several the newest, if all
/// were for one period; else nobody knows.
pub(super) fn find_refused<'a>(
    refused: &'a [Payment],
    (id, amount, at_ms): (&str, Money, Option<i64>),
) -> Option<&'a Payment> {
    let fits = |it: &&Payment| {
        let is_before = it
            .intents
            .charge_asked_ms
            .zip(at_ms)
            // Clocks differ.
            .is_none_or(|(asked_ms, at_ms)| asked_ms <= at_ms + MINUTE_MS);
        it.amount == amount && is_before && !it.intents.approvals_before.iter().any(|old| old == id)
    };
    let fitting: Vec<&Payment> = refused.iter().filter(fits).collect();
    let (newest, others) = fitting.split_last()?;
    let is_same = |it: &&Payment| is_of_period(newest) && it.metadata == newest.metadata;
    others.iter().all(is_same).then_some(*newest)
}

/// Whether a subscription made it, which names its period in it.
fn is_of_period(payment: &Payment) -> bool {
    let about: Option<serde_json::Value> = serde_json::from_str(&payment.metadata).ok();
    about.is_some_and(|about| about["subscription_id"].is_string() && about["period"].is_u64())
}
