//! Use cases of what payers saved: kept, heard of, taken back, opened for the bank alone.

use anyhow::Context as _;
use kopeck_banks::Money;

use super::{
    model::{Heard, Instrument, InstrumentStatus, Kind},
    store,
};
use crate::kit::{
    Ctx,
    db::{DbError, Tx},
    jobs,
};

/// The kind of the job that asks about an instrument, and has the bank forget one that was taken
/// back; its subject is the instrument's id.
pub const JOB: &str = "account";

/// Why an instrument cannot be charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    Missing(Kind),
    NotActive(Kind, InstrumentStatus),
    /// The payer agreed to less.
    TooMuch(Kind, Money),
    /// The bank charges it by itself.
    Scheduled(Kind),
}

/// Keeps an instrument that the bank has begun to save; from now on its state is asked. Of one that
/// comes with a payment, once that payment is over.
pub fn begin(tx: &mut dyn Tx, ctx: &Ctx, instrument: &Instrument) -> Result<(), DbError> {
    store::insert_instrument(tx, instrument)?;
    if instrument.payment_id.is_some() {
        return Ok(());
    }
    jobs::nudge(tx, &ctx.mint, JOB, &instrument.id, ctx.now_ms())
}

/// The payment that saves an instrument is paid, or never will be: its payer has decided.
pub fn watch(tx: &mut dyn Tx, ctx: &Ctx, payment_id: &str) -> Result<(), DbError> {
    let Some(mut own) = store::lock_by_payment(tx, payment_id)? else { return Ok(()) };
    if own.status != InstrumentStatus::Pending || own.kind == Kind::Kept {
        return Ok(());
    }
    own.watched_ms = Some(ctx.now_ms());
    store::update_instrument(tx, &own)?;
    jobs::nudge(tx, &ctx.mint, JOB, &own.id, ctx.now_ms())
}

/// What the bank says of an instrument. `None`: there is no such one; the flag: it just became one
/// that can be charged.
pub fn hear(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    id: &str,
    heard: &Heard,
) -> Result<Option<(Instrument, bool)>, DbError> {
    let Some(own) = store::lock_instrument(tx, id)? else { return Ok(None) };
    let seal = |token: &str| ctx.vault.seal(ctx.mint.bytes(), token.as_bytes(), id);
    let next = own.hear(heard, seal).map_err(|error| DbError::Other(format!("{error:#}")))?;
    if next != own {
        store::update_instrument(tx, &next)?;
    }
    if next.must_be_forgotten() && !own.must_be_forgotten() {
        // It was taken back before the bank had saved it.
        jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?;
    }
    let was_active = own.status == InstrumentStatus::Active;
    let is_new = !was_active && next.status == InstrumentStatus::Active;
    Ok(Some((next, is_new)))
}

/// The payer takes his consent back. Again is no error. The flag: it was not taken back before.
pub fn withdraw(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, customer_id): (&str, &str),
    (kind, id): (Kind, &str),
) -> Result<Result<(Instrument, bool), Unusable>, DbError> {
    let found = store::lock_instrument(tx, id)?;
    let is_own = |it: &Instrument| it.shop_id == shop_id && it.customer_id == customer_id;
    let found = found.filter(|it| kind.means(it.kind)).filter(is_own);
    let Some(own) = found else { return Ok(Err(Unusable::Missing(kind))) };
    if own.withdrawn_ms.is_some() {
        return Ok(Ok((own, false)));
    }
    let next = own.withdraw(ctx.now_ms());
    store::update_instrument(tx, &next)?;
    if next.must_be_forgotten() {
        jobs::nudge(tx, &ctx.mint, JOB, &next.id, ctx.now_ms())?;
    }
    Ok(Ok((next, true)))
}

/// The shop's instrument, if this sum may be taken from it.
pub fn find_active(
    tx: &mut dyn Tx,
    shop_id: &str,
    (kind, id): (Kind, &str),
    amount: Money,
) -> Result<Result<Instrument, Unusable>, DbError> {
    let found = store::find_instrument(tx, id)?;
    usable(tx, found, shop_id, kind, amount)
}

/// As [`find_active`], and it stays so until the transaction ends. Whoever locks the payment that
/// saved an instrument locks it before the instrument, and the payments taken from it after: else
/// two of them would wait for each other.
pub fn lock_active(
    tx: &mut dyn Tx,
    shop_id: &str,
    (kind, id): (Kind, &str),
    amount: Money,
) -> Result<Result<Instrument, Unusable>, DbError> {
    let found = store::lock_instrument(tx, id)?;
    usable(tx, found, shop_id, kind, amount)
}

fn usable(
    tx: &mut dyn Tx,
    found: Option<Instrument>,
    shop_id: &str,
    kind: Kind,
    amount: Money,
) -> Result<Result<Instrument, Unusable>, DbError> {
    let found = found.filter(|own| own.shop_id == shop_id && kind.means(own.kind));
    let Some(own) = found else { return Ok(Err(Unusable::Missing(kind))) };
    if own.status != InstrumentStatus::Active {
        return Ok(Err(Unusable::NotActive(kind, own.status)));
    }
    if own.is_scheduled {
        return Ok(Err(Unusable::Scheduled(kind)));
    }
    let max = store::find_consent(tx, &own)?.and_then(|consent| consent.terms.max);
    Ok(match max.filter(|max| amount > *max) {
        Some(max) => Err(Unusable::TooMuch(kind, max)),
        None => Ok(own),
    })
}

/// The bank's token of an instrument, for the bank alone.
pub fn open_token(ctx: &Ctx, instrument: &Instrument) -> anyhow::Result<String> {
    let sealed = instrument.sealed.as_deref().context("nothing to charge it by is kept")?;
    let plain = ctx.vault.open(sealed, &instrument.id)?;
    String::from_utf8(plain).context("the token is not text")
}
