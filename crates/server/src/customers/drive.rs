//! Asking the bank about saved accounts, and charging them. This is also the recovery: after a
//! crash the next run reads the same rows.

use kopeck_banks::op::{Answer, BankOp, Outcome, QrAsked, SbpOp};

use super::{
    flow::{self, Problem, open_token},
    model::{AccountStatus, SavedAccount},
    store,
};
use crate::{
    gateway::flow::{Told, ask, ask_now, refusal_of},
    kit::{
        Ctx,
        clock::SECOND_MS,
        db::DbError,
        jobs::{self, After, Job},
    },
    payments::{
        self,
        flow::record,
        model::{Failure, Payment, Status},
        state::Event,
    },
    shops::{self, model::Connection},
};

/// The payment is opened by its own driver, which takes a moment.
const OPENING_MS: i64 = SECOND_MS;

/// Asks the bank for a code by which the payer saves an account. Nothing of it is unique at the
/// bank: an answer that was lost leaves a code there that nobody was shown.
pub async fn bind(
    ctx: &Ctx,
    connection: &Connection,
    customer_id: &str,
    purpose: &str,
) -> Result<SavedAccount, Problem> {
    let op = BankOp::Sbp(SbpOp::Bind {
        purpose: purpose.to_owned(),
        asked: QrAsked::default(),
        expires_at: None,
    });
    let outcome = ask_now(ctx, connection, &op).await?;
    let Outcome::Done(Answer::Qr(qr)) = outcome else {
        return Err(Problem::Bank(refusal_of(outcome)));
    };
    let account = SavedAccount {
        id: ctx.mint.id("acc"),
        shop_id: connection.shop_id.clone(),
        customer_id: customer_id.to_owned(),
        connection_id: connection.id.clone(),
        bank: connection.bank.clone(),
        purpose: purpose.to_owned(),
        request_key: qr.request_key.unwrap_or_default(),
        link: qr.content,
        status: AccountStatus::Pending,
        sealed: None,
        member_id: None,
        member_name: None,
        created_ms: ctx.now_ms(),
    };
    let (inner, row) = (ctx.clone(), account.clone());
    let saved: Result<(), DbError> = ctx.db.write(move |tx| flow::begin(tx, &inner, &row)).await;
    saved?;
    Ok(account)
}

/// Asks what became of a binding.
pub async fn look(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_account(tx, &id)).await;
    let Some(account) = found? else { return Ok(After::Done) };
    let account = ask_about(ctx, account).await?;
    Ok(account.next_look_ms(ctx.now_ms()).map_or(After::Done, After::At))
}

/// The account as the bank knows it now; as it was known if the bank does not answer.
pub async fn ask_about(ctx: &Ctx, account: SavedAccount) -> anyhow::Result<SavedAccount> {
    let connection = shops::flow::get_connection(ctx, &account.connection_id).await?;
    let op = SbpOp::ShowBinding { request_key: account.request_key.clone() };
    let outcome = ask_now(ctx, &connection, &BankOp::Sbp(op)).await?;
    let Outcome::Done(Answer::AccountBinding(heard)) = outcome else { return Ok(account) };
    let (inner, id) = (ctx.clone(), account.id.clone());
    let saved: Result<_, DbError> =
        ctx.db.write(move |tx| flow::hear(tx, &inner, &id, &heard)).await;
    Ok(saved?.unwrap_or(account))
}

/// Charges the account once the payment is open at the bank, once. Whatever the answer, the
/// payment's own driver goes on asking what became of it.
pub async fn charge(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx
        .db
        .read(move |tx| {
            let Some(charge) = store::find_charge(tx, &id)? else { return Ok(None) };
            let payment = payments::store::find_payment_by_id(tx, &id)?;
            let account = store::find_account(tx, &charge.account_id)?;
            Ok(payment.zip(account).map(|(payment, account)| (charge, payment, account)))
        })
        .await;
    let Some((charge, payment, account)) = found? else { return Ok(After::Done) };
    if charge.asked_ms.is_some() {
        return Ok(After::Done);
    }
    match payment.status() {
        Status::Opening => return Ok(After::At(ctx.now_ms() + OPENING_MS)),
        Status::Open => {}
        Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed
        | Status::AmountMismatch => return Ok(After::Done),
    }
    let Ok(token) = open_token(ctx, &account) else { return Ok(After::Done) };
    let (id, now_ms) = (payment.id.clone(), ctx.now_ms());
    let marked: Result<bool, DbError> =
        ctx.db.write(move |tx| store::mark_asked(tx, &id, now_ms)).await;
    if !marked? {
        return Ok(After::Done);
    }
    send(ctx, payment, &account, token).await
}

async fn send(
    ctx: &Ctx,
    payment: Payment,
    account: &SavedAccount,
    token: String,
) -> anyhow::Result<After> {
    let connection = shops::flow::get_connection(ctx, &payment.connection_id).await?;
    let op = BankOp::Sbp(SbpOp::Charge {
        bank_id: payment.facts.bank_id.clone().unwrap_or_default(),
        account_token: token,
        member_id: account.member_id.clone(),
        email: None,
    });
    let Told { outcome, exchanges } = ask(ctx, &connection, &op).await?;
    let (mut events, mut failure, mut is_unsent) = (Vec::new(), None, false);
    match outcome {
        Outcome::Done(Answer::Payment(seen)) => events.push(Event::Observed(seen)),
        Outcome::Refused(refusal) => failure = Some(Failure::from(&refusal)),
        Outcome::Busy { .. } | Outcome::NotSent { .. } => is_unsent = true,
        Outcome::Done(_) | Outcome::Unknown { .. } => {}
    }
    let id = payment.id.clone();
    record(ctx, &payment, events, exchanges, false).await?;
    let (inner, account_id) = (ctx.clone(), account.id.clone());
    let saved: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            if is_unsent {
                store::unmark_asked(tx, &id)?;
            }
            if failure.is_some() {
                let charge = super::model::Charge {
                    payment_id: id.clone(),
                    account_id,
                    asked_ms: None,
                    failure,
                };
                store::update_failure(tx, &charge)?;
            }
            // What became of it is asked at once.
            jobs::nudge(tx, &inner.mint, payments::flow::JOB, &id, inner.now_ms())
        })
        .await;
    saved?;
    if is_unsent {
        return Ok(After::At(ctx.now_ms() + OPENING_MS));
    }
    Ok(After::Done)
}

/// Opens a charge's payment and sends the charge now, unless somebody is at it.
pub async fn charge_now(ctx: &Ctx, payment_id: &str) -> Result<(), DbError> {
    payments::drive::drive_now(ctx, payment_id).await?;
    let (inner, id) = (ctx.clone(), payment_id.to_owned());
    let claimed: Result<Option<Job>, DbError> = ctx
        .db
        .write(move |tx| jobs::claim(tx, &inner.mint, flow::CHARGE_JOB, &id, inner.now_ms()))
        .await;
    let Some(job) = claimed? else { return Ok(()) };
    let after = charge(ctx, &job).await.unwrap_or_else(|error| {
        tracing::error!(payment_id, "charging failed: {error:#}");
        After::Retry { at_ms: ctx.now_ms() + OPENING_MS, why: format!("{error:#}") }
    });
    let now_ms = ctx.now_ms();
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await;
    saved?;
    payments::drive::drive_now(ctx, payment_id).await.map(|_| ())
}
