//! Errands that were given up, taken up anew: by a look, when their portal is back, or because a
//! person asks for it.

use kopeck_integrations::bitrix24::problems;

use super::{
    drive::JOB,
    model::{Errand, State, What},
    store::errands::{find_errand, list_failed_after, restart_errand},
};
use crate::{
    integrations::{
        flow::Problem,
        model::Linked,
        store::{find_any_integration, lock_integration},
    },
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
};

/// Errands of one transaction.
const BATCH: i64 = 200;

/// Tries one anew that was given up.
pub async fn retry(ctx: &Ctx, shop_id: &str, id: &str) -> Result<Errand, Problem> {
    let (inner, shop_id, id) = (ctx.clone(), shop_id.to_owned(), id.to_owned());
    ctx.db
        .write(move |tx| {
            let mut errand = find(tx, &shop_id, &id)?.ok_or(Problem::NoSuchErrand)?;
            let is_kept = errand.what != What::Forgotten;
            if errand.state != State::Failed || !is_kept || !restart(tx, &inner, &mut errand)? {
                return Err(Problem::ErrandNotFailed);
            }
            jobs::nudge(tx, &inner.mint, JOB, &errand.integration_id, inner.now_ms())?;
            Ok(errand)
        })
        .await
}

/// The shop's own errand.
pub fn find(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Option<Errand>, DbError> {
    let Some(errand) = find_errand(tx, id)? else { return Ok(None) };
    let linked = find_any_integration(tx, &errand.integration_id)?;
    let is_own = |linked: &Linked| linked.shop_id == shop_id && linked.removed_ms.is_none();
    Ok(linked.filter(is_own).map(|_| errand))
}

/// Tries all anew that waited for the portal in vain; says how many.
pub async fn retry_failed(ctx: &Ctx, integration_id: &str) -> Result<i64, DbError> {
    again(ctx, integration_id, "", |errand| {
        errand.code.as_deref().is_some_and(|code| code != problems::UNINSTALLED.code)
    })
    .await
}

/// The same by itself, of those that are no older than `since_id`: the portal did not answer, or
/// was gone for a while and has orders that are paid.
pub async fn revive(ctx: &Ctx, integration_id: &str, since_id: &str) -> Result<i64, DbError> {
    again(ctx, integration_id, since_id, |errand| {
        let is_order = matches!(errand.what, What::Paid { .. });
        match errand.code.as_deref() {
            Some(code) if code == problems::GAVE_UP.code => true,
            Some(code) if code == problems::UNINSTALLED.code => is_order,
            Some(_) | None => false,
        }
    })
    .await
}

async fn again(
    ctx: &Ctx,
    integration_id: &str,
    since_id: &str,
    is_meant: fn(&Errand) -> bool,
) -> Result<i64, DbError> {
    let (mut total, mut after_id) = (0, since_id.to_owned());
    loop {
        let (inner, id, after) = (ctx.clone(), integration_id.to_owned(), after_id.clone());
        let done: Result<(i64, Option<String>), DbError> =
            ctx.db.write(move |tx| page(tx, &inner, (&id, &after), is_meant)).await;
        let (count, last) = done?;
        total += count;
        let Some(last) = last else { return Ok(total) };
        after_id = last;
    }
}

/// One page of them: how many wait anew, and where the next page begins.
fn page(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (id, after_id): (&str, &str),
    is_meant: fn(&Errand) -> bool,
) -> Result<(i64, Option<String>), DbError> {
    let live = lock_integration(tx, id)?.filter(|linked| linked.removed_ms.is_none());
    if live.is_none() {
        return Ok((0, None));
    }
    let (mut count, mut last) = (0, None);
    for mut errand in list_failed_after(tx, id, after_id, BATCH)? {
        last = Some(errand.id.clone());
        if errand.what != What::Forgotten && is_meant(&errand) {
            count += i64::from(restart(tx, ctx, &mut errand)?);
        }
    }
    if count > 0 {
        jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?;
    }
    Ok((count, last))
}

fn restart(tx: &mut dyn Tx, ctx: &Ctx, errand: &mut Errand) -> Result<bool, DbError> {
    errand.restart(ctx.now_ms());
    restart_errand(tx, errand)
}
