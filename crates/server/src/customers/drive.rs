//! Asking the bank for codes that save accounts, about accounts and cards, and to forget them. This
//! is also the recovery: after a crash the next run reads the same rows.

use kopeck_banks::op::{
    Answer, BankOp, CardOp, Outcome, QrAsked, RefusalClass, SavedCard, SbpOp, SubscriptionOp,
    SubscriptionStatus, SubscriptionWord,
};

use super::flow::Problem;
use crate::{
    gateway::flow::{ask_now, refusal_of},
    instruments::{
        self,
        model::{Heard, Instrument, InstrumentStatus, Kind},
        store,
    },
    kit::{
        Ctx,
        clock::{HOUR_MS, SECOND_MS},
        db::DbError,
        jobs::{self, After, Job},
    },
    payments::{flow::charge::hear, model::Status, store::find_payment_by_id},
    shops::{self, model::Connection},
};

/// Between two tries to hear of an account that should be decided long since.
const UNANSWERED_MS: i64 = HOUR_MS;
/// Between two tries to have a card forgotten, at the beginning.
const FORGET_MIN_MS: i64 = 5 * SECOND_MS;

/// Asks the bank for a code by which the payer saves an account. Nothing of it is unique at the
/// bank: an answer that was lost leaves a code there that nobody was shown.
pub async fn bind(
    ctx: &Ctx,
    connection: &Connection,
    customer_id: &str,
    purpose: &str,
) -> Result<Instrument, Problem> {
    let op = BankOp::Sbp(SbpOp::Bind {
        purpose: purpose.to_owned(),
        asked: QrAsked::default(),
        expires_at: None,
    });
    let outcome = ask_now(ctx, connection, &op).await?;
    let Outcome::Done(Answer::Qr(qr)) = outcome else {
        return Err(Problem::Bank(refusal_of(outcome)));
    };
    let account = Instrument {
        id: ctx.mint.id(Kind::Account.prefix()),
        kind: Kind::Account,
        shop_id: connection.shop_id.clone(),
        customer_id: customer_id.to_owned(),
        connection_id: connection.id.clone(),
        bank: connection.bank.clone(),
        purpose: purpose.to_owned(),
        payment_id: None,
        watched_ms: None,
        request_key: qr.request_key.unwrap_or_default(),
        link: qr.content,
        status: InstrumentStatus::Pending,
        sealed: None,
        member_id: None,
        member_name: None,
        expires: None,
        is_scheduled: false,
        withdrawn_ms: None,
        removed_ms: None,
        created_ms: ctx.now_ms(),
    };
    let (inner, row) = (ctx.clone(), account.clone());
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| instruments::flow::begin(tx, &inner, &row)).await;
    saved?;
    Ok(account)
}

/// Asks what became of an instrument, or has the bank forget one that was taken back. One that the
/// bank did not answer about is not given up.
pub async fn look(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_instrument(tx, &id)).await;
    let Some(own) = found? else { return Ok(After::Done) };
    if own.must_be_forgotten() {
        return forget(ctx, own).await;
    }
    if own.status != InstrumentStatus::Pending {
        return Ok(After::Done);
    }
    let (own, is_answered) = ask_once(ctx, own).await?;
    let now_ms = ctx.now_ms();
    let is_open = own.status == InstrumentStatus::Pending && !is_answered;
    let again_ms = own.next_look_ms(now_ms).or(is_open.then_some(now_ms + UNANSWERED_MS));
    Ok(again_ms.map_or(After::Done, After::At))
}

/// The instrument as the bank knows it now; as it was known if the bank does not answer.
pub async fn ask_about(ctx: &Ctx, own: Instrument) -> anyhow::Result<Instrument> {
    ask_once(ctx, own).await.map(|(own, _)| own)
}

/// Whether the bank said anything of it, too.
async fn ask_once(ctx: &Ctx, own: Instrument) -> anyhow::Result<(Instrument, bool)> {
    let connection = shops::flow::get_connection(ctx, &own.connection_id).await?;
    let op = match own.kind {
        Kind::Account => BankOp::Sbp(SbpOp::ShowBinding { request_key: own.request_key.clone() }),
        Kind::Card => BankOp::Card(CardOp::List { payer_id: own.request_key.clone() }),
        // Its payment tells of it.
        Kind::Kept => return Ok((own, true)),
    };
    let heard = match ask_now(ctx, &connection, &op).await? {
        Outcome::Done(Answer::AccountBinding(heard)) => Some(Heard::from(&heard)),
        // The customer is this payment's alone, so its card is the one.
        Outcome::Done(Answer::Cards(cards)) => {
            cards.iter().find(|card| card.charge_id.is_some()).map(Heard::from)
        }
        Outcome::Refused(no) => return Ok((own, no.class != RefusalClass::Credentials)),
        Outcome::Done(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => return Ok((own, false)),
    };
    let Some(heard) = heard else { return Ok((own, true)) };
    let inner = ctx.clone();
    let saved: Result<_, DbError> = ctx.db.write(move |tx| hear(tx, &inner, &own, &heard)).await;
    Ok((saved?, true))
}

/// Has the bank forget it now, unless somebody is at it.
pub async fn forget_now(ctx: &Ctx, id: &str) -> Result<(), DbError> {
    let (inner, subject) = (ctx.clone(), id.to_owned());
    let claimed: Result<Option<Job>, DbError> = ctx
        .db
        .write(move |tx| {
            jobs::claim(tx, &inner.mint, instruments::flow::JOB, &subject, inner.now_ms())
        })
        .await;
    let Some(job) = claimed? else { return Ok(()) };
    let after = look(ctx, &job).await.unwrap_or_else(|error| {
        tracing::error!(id, "forgetting failed: {error:#}");
        After::Retry { at_ms: ctx.now_ms() + FORGET_MIN_MS, why: format!("{error:#}") }
    });
    let now_ms = ctx.now_ms();
    ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await
}

/// Has the bank forget a card: asked for again until it answers, since removing what is removed
/// changes nothing.
async fn forget(ctx: &Ctx, own: Instrument) -> anyhow::Result<After> {
    let connection = shops::flow::get_connection(ctx, &own.connection_id).await?;
    let is_gone = match own.kind {
        Kind::Kept => is_ended(ctx, &connection, &own).await?,
        Kind::Account | Kind::Card => is_removed(ctx, &connection, &own).await?,
    };
    let now_ms = ctx.now_ms();
    if !is_gone {
        let since_ms = now_ms - own.withdrawn_ms.unwrap_or(now_ms);
        return Ok(After::At(now_ms + (since_ms / 2).clamp(FORGET_MIN_MS, HOUR_MS)));
    }
    let saved: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            let Some(mut own) = store::lock_instrument(tx, &own.id)? else { return Ok(()) };
            own.removed_ms = Some(now_ms);
            store::update_instrument(tx, &own)
        })
        .await;
    saved?;
    Ok(After::Done)
}

/// Ends what the bank charges by itself. Of one that is ended already the bank says no in words
/// that leave a doubt: its status tells.
async fn is_ended(ctx: &Ctx, connection: &Connection, own: &Instrument) -> anyhow::Result<bool> {
    let bank_id = match find_opened(ctx, own).await? {
        Some((Some(bank_id), _)) => bank_id,
        // One that was never made has no end; one that is being made is ended once it is there.
        Some((None, status)) => return Ok(!matches!(status, Status::Opening | Status::Open)),
        None => return Ok(true),
    };
    let op = BankOp::Subscription(SubscriptionOp::Cancel { bank_id: bank_id.clone() });
    if let Outcome::Done(Answer::Accepted { done: true }) = ask_now(ctx, connection, &op).await? {
        return Ok(true);
    }
    let op = BankOp::Subscription(SubscriptionOp::Status { bank_id });
    Ok(match ask_now(ctx, connection, &op).await? {
        Outcome::Done(Answer::Subscription(SubscriptionWord::Status {
            status: Some(status),
            ..
        })) => is_over(status),
        Outcome::Done(_)
        | Outcome::Refused(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => false,
    })
}

const fn is_over(status: SubscriptionStatus) -> bool {
    match status {
        SubscriptionStatus::Canceled
        | SubscriptionStatus::Completed
        | SubscriptionStatus::Expired
        | SubscriptionStatus::Failed
        | SubscriptionStatus::Refused
        | SubscriptionStatus::Rejected => true,
        SubscriptionStatus::Preparing
        | SubscriptionStatus::Trial
        | SubscriptionStatus::Active
        | SubscriptionStatus::PastDue
        | SubscriptionStatus::Suspended => false,
    }
}

/// What this instrument's payment opened at the bank, and how far the payment is.
async fn find_opened(
    ctx: &Ctx,
    own: &Instrument,
) -> Result<Option<(Option<String>, Status)>, DbError> {
    let Some(id) = own.payment_id.clone() else { return Ok(None) };
    let found: Result<_, DbError> = ctx.db.read(move |tx| find_payment_by_id(tx, &id)).await;
    Ok(found?.map(|payment| (payment.facts.bank_id.clone(), payment.status())))
}

async fn is_removed(ctx: &Ctx, connection: &Connection, own: &Instrument) -> anyhow::Result<bool> {
    let op = BankOp::Card(CardOp::Remove {
        payer_id: own.request_key.clone(),
        card_id: own.member_id.clone().unwrap_or_default(),
    });
    Ok(match ask_now(ctx, connection, &op).await? {
        Outcome::Done(Answer::Accepted { done: true }) => true,
        // Of one that is gone already the bank says no in words that leave a doubt: its list tells.
        Outcome::Done(_) | Outcome::Refused(_) | Outcome::Unknown { .. } => {
            is_unlisted(ctx, connection, own).await?
        }
        Outcome::Busy { .. } | Outcome::NotSent { .. } => false,
    })
}

/// Whether the bank's list shows the card no more, or as removed.
async fn is_unlisted(ctx: &Ctx, connection: &Connection, own: &Instrument) -> anyhow::Result<bool> {
    let op = BankOp::Card(CardOp::List { payer_id: own.request_key.clone() });
    let Outcome::Done(Answer::Cards(cards)) = ask_now(ctx, connection, &op).await? else {
        return Ok(false);
    };
    let is_kept = |card: &SavedCard| card.card_id == own.member_id && card.is_active != Some(false);
    Ok(!cards.iter().any(is_kept))
}
