//! Asking the bank for codes that save accounts, and about the accounts. This is also the recovery:
//! after a crash the next run reads the same rows.

use kopeck_banks::op::{Answer, BankOp, Outcome, QrAsked, RefusalClass, SbpOp};

use super::flow::Problem;
use crate::{
    gateway::flow::{ask_now, refusal_of},
    instruments::{
        self,
        model::{AccountStatus, SavedAccount},
        store,
    },
    kit::{
        Ctx,
        clock::HOUR_MS,
        db::DbError,
        jobs::{After, Job},
    },
    payments::flow::charge::hear_account,
    shops::{self, model::Connection},
};

/// Between two tries to hear of an account that should be decided long since.
const UNANSWERED_MS: i64 = HOUR_MS;

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
        payment_id: None,
        watched_ms: None,
        request_key: qr.request_key.unwrap_or_default(),
        link: qr.content,
        status: AccountStatus::Pending,
        sealed: None,
        member_id: None,
        member_name: None,
        created_ms: ctx.now_ms(),
    };
    let (inner, row) = (ctx.clone(), account.clone());
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| instruments::flow::begin(tx, &inner, &row)).await;
    saved?;
    Ok(account)
}

/// Asks what became of an account. One that the bank did not answer about is not given up.
pub async fn look(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_account(tx, &id)).await;
    let Some(account) = found? else { return Ok(After::Done) };
    let (account, is_answered) = ask_once(ctx, account).await?;
    let now_ms = ctx.now_ms();
    let is_open = account.status == AccountStatus::Pending && !is_answered;
    let again_ms = account.next_look_ms(now_ms).or(is_open.then_some(now_ms + UNANSWERED_MS));
    Ok(again_ms.map_or(After::Done, After::At))
}

/// The account as the bank knows it now; as it was known if the bank does not answer.
pub async fn ask_about(ctx: &Ctx, account: SavedAccount) -> anyhow::Result<SavedAccount> {
    ask_once(ctx, account).await.map(|(account, _)| account)
}

/// Whether the bank said anything of it, too.
async fn ask_once(ctx: &Ctx, account: SavedAccount) -> anyhow::Result<(SavedAccount, bool)> {
    let connection = shops::flow::get_connection(ctx, &account.connection_id).await?;
    let op = SbpOp::ShowBinding { request_key: account.request_key.clone() };
    let heard = match ask_now(ctx, &connection, &BankOp::Sbp(op)).await? {
        Outcome::Done(Answer::AccountBinding(heard)) => heard,
        Outcome::Refused(no) => return Ok((account, no.class != RefusalClass::Credentials)),
        Outcome::Done(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => return Ok((account, false)),
    };
    let inner = ctx.clone();
    let saved: Result<_, DbError> =
        ctx.db.write(move |tx| hear_account(tx, &inner, &account, &heard)).await;
    Ok((saved?, true))
}
