//! Use cases of saved accounts themselves: kept, heard of, opened for the bank alone.

use anyhow::Context as _;
use kopeck_banks::op::AccountBinding;

use super::{
    model::{AccountStatus, SavedAccount},
    store,
};
use crate::kit::{
    Ctx,
    db::{DbError, Tx},
    jobs,
};

/// The kind of the job that asks about an account; its subject is the account's id.
pub const JOB: &str = "account";

/// Why an account cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    Missing,
    NotActive(AccountStatus),
}

/// Keeps an account that the bank has begun to save; from now on its state is asked. Of one that
/// comes with a payment, once that payment is over.
pub fn begin(tx: &mut dyn Tx, ctx: &Ctx, account: &SavedAccount) -> Result<(), DbError> {
    store::insert_account(tx, account)?;
    if account.payment_id.is_some() {
        return Ok(());
    }
    jobs::nudge(tx, &ctx.mint, JOB, &account.id, ctx.now_ms())
}

/// The payment that saves an account is paid, or never will be: its payer has decided.
pub fn watch(tx: &mut dyn Tx, ctx: &Ctx, payment_id: &str) -> Result<(), DbError> {
    let Some(mut account) = store::lock_by_payment(tx, payment_id)? else { return Ok(()) };
    if account.status != AccountStatus::Pending {
        return Ok(());
    }
    account.watched_ms = Some(ctx.now_ms());
    store::update_account(tx, &account)?;
    jobs::nudge(tx, &ctx.mint, JOB, &account.id, ctx.now_ms())
}

/// What the bank says of an account. `None`: there is no such account; the flag: it just became
/// one that can be charged.
pub fn hear(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    id: &str,
    heard: &AccountBinding,
) -> Result<Option<(SavedAccount, bool)>, DbError> {
    let Some(account) = store::lock_account(tx, id)? else { return Ok(None) };
    let seal = |token: &str| ctx.vault.seal(ctx.mint.bytes(), token.as_bytes(), id);
    let next = account.hear(heard, seal).map_err(|error| DbError::Other(format!("{error:#}")))?;
    if next != account {
        store::update_account(tx, &next)?;
    }
    let is_new = account.status != AccountStatus::Active && next.status == AccountStatus::Active;
    Ok(Some((next, is_new)))
}

/// The shop's account, if it can be charged.
pub fn find_active(
    tx: &mut dyn Tx,
    shop_id: &str,
    id: &str,
) -> Result<Result<SavedAccount, Unusable>, DbError> {
    Ok(usable(store::find_account(tx, id)?, shop_id))
}

/// As [`find_active`], and it stays so until the transaction ends. Whoever locks the payment that
/// saved an account locks it before the account, and the payments taken from it after: else two of
/// them would wait for each other.
pub fn lock_active(
    tx: &mut dyn Tx,
    shop_id: &str,
    id: &str,
) -> Result<Result<SavedAccount, Unusable>, DbError> {
    Ok(usable(store::lock_account(tx, id)?, shop_id))
}

fn usable(found: Option<SavedAccount>, shop_id: &str) -> Result<SavedAccount, Unusable> {
    let account = found.filter(|account| account.shop_id == shop_id).ok_or(Unusable::Missing)?;
    match account.status {
        AccountStatus::Active => Ok(account),
        status @ (AccountStatus::Pending | AccountStatus::Inactive) => {
            Err(Unusable::NotActive(status))
        }
    }
}

/// The bank's token of an account, for the bank alone.
pub fn open_token(ctx: &Ctx, account: &SavedAccount) -> anyhow::Result<String> {
    let sealed = account.sealed.as_deref().context("the account has no token")?;
    let plain = ctx.vault.open(sealed, &account.id)?;
    String::from_utf8(plain).context("the account's token is not text")
}
