//! Use cases of saved accounts. Calls to the bank are in [`super::drive`], between transactions.

use kopeck_banks::{
    Money,
    bank::NoticeNews,
    op::{AccountBinding, CaptureMode, PayMethod, Refusal},
};

use super::{
    model::{AccountStatus, Charge, SavedAccount},
    store,
};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments::{
        self,
        flow::{NewPayment, Problem as PaymentProblem, routing::plan_at},
        model::Payment,
    },
    shops::{self, model::Connection},
};

/// The kind of the job that asks about an account; its subject is the account's id.
pub const JOB: &str = "account";
/// The kind of the job that charges one; its subject is the payment's id.
pub const CHARGE_JOB: &str = "charge";
/// How long the bank keeps a payment open for its charge.
const TTL_MINUTES: u32 = 60;

/// What a shop wants to take, already read and checked for its shape.
#[derive(Clone, Debug)]
pub struct NewCharge {
    pub amount: Money,
    pub purpose: String,
    pub order_id: Option<String>,
    pub metadata: String,
}

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    Payment(PaymentProblem),
    /// The bank refused, or its answer is not known.
    Bank(Refusal),
    NoSuchAccount,
    NotActive(AccountStatus),
    NotConnected,
    /// None of the shop's banks saves accounts.
    NoBank,
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Payment(error.into())
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::Payment(PaymentProblem::Internal(error))
    }
}

/// The connection to save accounts with: the one that is named, else the newest that can.
pub async fn connection_for(
    ctx: &Ctx,
    shop_id: &str,
    wanted: Option<&str>,
) -> Result<Connection, Problem> {
    let all = shops::flow::list_connections(ctx, shop_id).await?;
    if all.is_empty() {
        return Err(Problem::NotConnected);
    }
    let fits = |it: &Connection| match wanted {
        Some(word) => it.bank == word || it.id == word,
        None => it.bank == "tbank",
    };
    all.into_iter().rev().find(fits).ok_or(Problem::NoBank)
}

/// A customer's account.
pub fn get_account(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
    id: &str,
) -> Result<SavedAccount, Problem> {
    let found = store::find_account(tx, id)?;
    let is_own = |it: &SavedAccount| it.shop_id == shop_id && it.customer_id == customer_id;
    found.filter(is_own).ok_or(Problem::NoSuchAccount)
}

/// Keeps a binding that the bank has begun; from now on its state is asked.
pub fn begin(tx: &mut dyn Tx, ctx: &Ctx, account: &SavedAccount) -> Result<(), DbError> {
    store::insert_account(tx, account)?;
    jobs::nudge(tx, &ctx.mint, JOB, &account.id, ctx.now_ms())
}

/// The one door for what the bank says of an account: an answer and a notice end here.
pub fn hear(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    id: &str,
    heard: &AccountBinding,
) -> Result<Option<SavedAccount>, DbError> {
    let Some(account) = store::lock_account(tx, id)? else { return Ok(None) };
    let seal = |token: &str| ctx.vault.seal(ctx.mint.bytes(), token.as_bytes(), id);
    let next = account.hear(heard, seal).map_err(|error| DbError::Other(format!("{error:#}")))?;
    if next != account {
        store::update_account(tx, &next)?;
    }
    Ok(Some(next))
}

/// A notice told of a binding; `false` if it is none of ours.
pub fn take_news(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection: &Connection,
    news: &NoticeNews,
) -> Result<bool, DbError> {
    let NoticeNews::AccountBinding(heard) = news else { return Ok(false) };
    let found = store::find_by_request(tx, &connection.id, &heard.request_key)?;
    let Some(account) = found else { return Ok(false) };
    hear(tx, ctx, &account.id, heard)?;
    Ok(true)
}

/// The bank's token of an account, for the bank alone.
pub fn open_token(ctx: &Ctx, account: &SavedAccount) -> Result<String, Problem> {
    let sealed = account.sealed.as_deref().ok_or(Problem::NotActive(account.status))?;
    let plain = ctx.vault.open(sealed, &account.id)?;
    String::from_utf8(plain).map_err(|error| Problem::from(anyhow::Error::from(error)))
}

/// Plans a payment that is taken from a saved account, without saving it.
pub fn plan(
    ctx: &Ctx,
    connection: &Connection,
    account: &SavedAccount,
    new: NewCharge,
) -> Result<Payment, Problem> {
    if account.status != AccountStatus::Active {
        return Err(Problem::NotActive(account.status));
    }
    let new = NewPayment {
        amount: new.amount,
        purpose: new.purpose,
        methods: vec![PayMethod::Sbp],
        capture: CaptureMode::Automatic,
        order_id: new.order_id,
        ttl_minutes: TTL_MINUTES,
        success_url: None,
        fail_url: None,
        customer: None,
        receipt: None,
        metadata: new.metadata,
    };
    let payment = plan_at(ctx, connection, new).map_err(Problem::Payment)?;
    Ok(Payment { account_id: Some(account.id.clone()), ..payment })
}

/// Saves a planned charge; the caller then lets it be driven.
pub fn start(tx: &mut dyn Tx, ctx: &Ctx, payment: &Payment) -> Result<(), DbError> {
    payments::flow::create(tx, ctx, payment)?;
    let charge = Charge {
        payment_id: payment.id.clone(),
        account_id: payment.account_id.clone().unwrap_or_default(),
        asked_ms: None,
        failure: None,
    };
    store::insert_charge(tx, &charge, ctx.now_ms())?;
    jobs::nudge(tx, &ctx.mint, CHARGE_JOB, &payment.id, ctx.now_ms())
}
