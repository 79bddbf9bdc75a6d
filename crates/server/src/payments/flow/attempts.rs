//! Use cases of a link at several banks: it moves on, the payer asks it to, and what is known of
//! its attempts is acted upon. Which, is decided in [`crate::payments::attempts`].

use super::{JOB, announce, reference, save};
use crate::{
    events::EventKind,
    gateway::store::{Exchange, insert_exchange},
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments::{
        attempts::{self, Move, Verdict},
        model::{Failure, Origin, Payment, Refund},
        state::{self, Event},
        store,
    },
    receipts::store as rows,
};

/// Takes the link to the bank at `to`, unless it got money or moved meanwhile. What it may leave
/// behind becomes an attempt, which gets a job of its own.
pub async fn move_on(
    ctx: &Ctx,
    link: &Payment,
    to: usize,
    refusal: Option<Failure>,
    exchanges: Vec<Exchange>,
) -> anyhow::Result<Payment> {
    let by = Move {
        to,
        reference: reference(link.order_id.as_deref(), &ctx.mint.code(10)),
        attempt_id: ctx.mint.id("att"),
        refusal,
        now_ms: ctx.now_ms(),
    };
    let (inner, seen) = (ctx.clone(), link.clone());
    let saved: Result<Payment, DbError> = ctx
        .db
        .write(move |tx| {
            exchanges.iter().try_for_each(|it| insert_exchange(tx, it, Some(&seen.id)))?;
            let found = store::lock_payment(tx, &seen.shop_id, &seen.id)?;
            let gone = || DbError::Decode(format!("{} is gone", seen.id));
            let current = found.ok_or_else(gone)?;
            if !is_same(&current, &seen) {
                return Ok(current);
            }
            let Some((next, attempt)) = attempts::leave(&current, &by) else {
                let mut stays = current;
                stays.intents.move_to = None;
                store::update_payment(tx, &stays)?;
                return Ok(stays);
            };
            store::update_payment(tx, &next)?;
            jobs::nudge(tx, &inner.mint, JOB, &next.id, by.now_ms)?;
            if let Some(attempt) = attempt {
                store::insert_payment(tx, &attempt)?;
                jobs::nudge(tx, &inner.mint, JOB, &attempt.id, by.now_ms)?;
            }
            Ok(next)
        })
        .await;
    Ok(saved?)
}

/// Whether both are about the same operation at the same bank: a link may have gone on, or changed
/// sides with its attempt, since it was read.
fn is_same(a: &Payment, b: &Payment) -> bool {
    a.connection_id == b.connection_id && a.reference == b.reference
}

/// The row that now stands for what was `seen`: itself, or the one it changed sides with. Locked.
pub(super) fn lock_same(tx: &mut dyn Tx, seen: &Payment) -> Result<Option<Payment>, DbError> {
    let current = store::lock_payment(tx, &seen.shop_id, &seen.id)?;
    let is_moved = current.as_ref().is_some_and(|current| {
        let has_others = !current.attempts.is_empty() || current.attempt_of.is_some();
        has_others && !is_same(current, seen)
    });
    if !is_moved {
        return Ok(current);
    }
    let (connection_id, own) = (seen.connection_id.as_str(), seen.reference.as_str());
    let other = store::lock_payment_of_bank(tx, connection_id, None, Some(own))?;
    // What belongs to another bank is not to be told what this one said.
    Ok(other.or(current.filter(|current| current.connection_id == connection_id)))
}

/// The payer asks for another bank: the one at `to`.
pub async fn request_move(ctx: &Ctx, link: &Payment, to: usize) -> Result<(), DbError> {
    let (inner, shop_id, id) = (ctx.clone(), link.shop_id.clone(), link.id.clone());
    ctx.db
        .write(move |tx| {
            let Some(mut link) = store::lock_payment(tx, &shop_id, &id)? else { return Ok(()) };
            if attempts::other_route(&link, to, inner.now_ms()).is_none() {
                return Ok(());
            }
            link.intents.move_to = Some(to);
            store::update_payment(tx, &link)?;
            jobs::nudge(tx, &inner.mint, JOB, &id, inner.now_ms())
        })
        .await
}

/// The payer's wish came too late, or the bank could not be asked: the link stays where it is. It
/// counts as a move, so that a visitor cannot have the bank asked without end.
pub async fn drop_move(ctx: &Ctx, link: &Payment) -> anyhow::Result<Payment> {
    let seen = link.clone();
    let saved: Result<Payment, DbError> = ctx
        .db
        .write(move |tx| {
            let Some(mut link) = store::lock_payment(tx, &seen.shop_id, &seen.id)? else {
                return Ok(seen);
            };
            link.intents.move_to = None;
            link.moves += 1;
            store::update_payment(tx, &link)?;
            Ok(link)
        })
        .await;
    Ok(saved?)
}

/// Acts upon what is now known of a link or of one of its attempts.
pub(super) fn settle(tx: &mut dyn Tx, ctx: &Ctx, changed: &Payment) -> Result<(), DbError> {
    if let Some(link_id) = &changed.attempt_of {
        let Some(link) = store::lock_payment(tx, &changed.shop_id, link_id)? else {
            return Ok(());
        };
        return settle_one(tx, ctx, &link, changed).map(|_| ());
    }
    if changed.moves == 0 {
        return Ok(());
    }
    let mut link = changed.clone();
    for attempt in store::lock_attempts(tx, &changed.id)? {
        link = settle_one(tx, ctx, &link, &attempt)?;
    }
    Ok(())
}

/// Returns the link as it is then.
fn settle_one(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    link: &Payment,
    attempt: &Payment,
) -> Result<Payment, DbError> {
    let now_ms = ctx.now_ms();
    let event = match attempts::judge(link, attempt) {
        Verdict::Leave => return Ok(link.clone()),
        Verdict::Trade => return trade(tx, ctx, link, attempt),
        Verdict::GiveBack => Event::RefundRequested {
            id: ctx.mint.id("rf"),
            amount: attempt.refundable(),
            reason: Some("paid twice".into()),
            at_ms: now_ms,
        },
        Verdict::Release => Event::VoidRequested { at_ms: now_ms },
    };
    // A hold that cannot be released by a request ends by itself.
    let Ok(applied) = state::apply(attempt, &event) else { return Ok(link.clone()) };
    save(tx, ctx, attempt, applied)?;
    Ok(link.clone())
}

fn trade(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    link: &Payment,
    attempt: &Payment,
) -> Result<Payment, DbError> {
    let (next, aside) = attempts::trade(link, attempt, ctx.now_ms());
    store::trade_payments(tx, &next, &aside)?;
    rows::trade_payments(tx, &next.id, &aside.id)?;
    let before = state::announcements(link);
    let news = state::announcements(&next);
    // Read again, so that the event shows the attempts as they are now.
    let shown = store::lock_payment(tx, &next.shop_id, &next.id)?.unwrap_or(next);
    for (kind, refund_id) in news.difference(&before) {
        announce(tx, ctx, &shown, *kind, refund_id.as_deref())?;
    }
    for id in [&shown.id, &aside.id] {
        jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?;
    }
    Ok(shown)
}

/// What an attempt's news mean for its link: only what became of money that came twice.
pub(super) fn announce_attempt(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    attempt: &Payment,
    kind: EventKind,
    refund_id: Option<&str>,
) -> Result<(), DbError> {
    // What was given back in the cabinet, or by a closing that came too late, was not our doing.
    let is_ours =
        |refund: &&Refund| refund.origin == Origin::Shop && Some(refund.id.as_str()) == refund_id;
    if !attempt.refunds.iter().any(|refund| is_ours(&refund)) {
        return Ok(());
    }
    let kind = match kind {
        EventKind::RefundCreated => EventKind::DuplicatePaid,
        EventKind::RefundSucceeded => EventKind::DuplicateRefunded,
        EventKind::RefundFailed => EventKind::DuplicateRefundFailed,
        EventKind::PaymentCreated
        | EventKind::PaymentOpened
        | EventKind::PaymentAuthorized
        | EventKind::PaymentPaid
        | EventKind::PaymentAmountMismatch
        | EventKind::PaymentExpired
        | EventKind::PaymentCanceled
        | EventKind::PaymentFailed
        | EventKind::PaymentCaptureFailed
        | EventKind::PaymentRefunded
        | EventKind::DuplicatePaid
        | EventKind::DuplicateRefunded
        | EventKind::DuplicateRefundFailed
        | EventKind::ReceiptSent
        | EventKind::ReceiptRegistered
        | EventKind::ReceiptFailed
        | EventKind::ReceiptDue
        | EventKind::ReceiptLate
        | EventKind::AccountSaved
        | EventKind::CardSaved
        | EventKind::ConsentWithdrawn
        | EventKind::ChargeUnwanted
        | EventKind::ChargeUnexpected
        | EventKind::ChargeUnanswered
        | EventKind::SubscriptionCreated
        | EventKind::SubscriptionActivated
        | EventKind::SubscriptionRenewed
        | EventKind::SubscriptionRenewalUpcoming
        | EventKind::SubscriptionRenewalFailed
        | EventKind::SubscriptionPastDue
        | EventKind::SubscriptionChanged
        | EventKind::SubscriptionEnding
        | EventKind::SubscriptionReactivated
        | EventKind::SubscriptionPaused
        | EventKind::SubscriptionResumed
        | EventKind::SubscriptionCanceled
        | EventKind::SubscriptionExpired
        | EventKind::SubscriptionGivenBack
        | EventKind::SubscriptionConsentWithdrawn
        | EventKind::SubscriptionPaymentNeeded
        | EventKind::SubscriptionBlocked
        | EventKind::SubscriptionNoticeUndelivered
        | EventKind::WebhookDisabled
        | EventKind::IntegrationStopped
        | EventKind::IntegrationGaveUp => return Ok(()),
    };
    let link_id = attempt.attempt_of.as_deref().unwrap_or_default();
    let link = store::find_payment(tx, &attempt.shop_id, link_id)?;
    link.map_or(Ok(()), |link| announce(tx, ctx, &link, kind, refund_id))
}
