//! New tokens for a service whose tokens end: asked for by one process at a time, saved before
//! anything else is sent. A second pair would end the first, and with it whoever holds that.

use kopeck_banks::exchange::Silence;
use kopeck_integrations::{Integration, Renewal, Settings};

use super::{
    flow::{open_settings, seal_settings, service_of},
    model::{Linked, REPLY_MAX_BYTES},
    store::{self, shared},
};
use crate::kit::{
    Ctx,
    clock::SECOND_MS,
    db::{DbError, Tx},
};

/// Why nothing waits for new tokens that never come.
pub const NO_TOKENS: &str = "integration_tokens_missing";
/// Longer than a courier waits for an answer: whoever is silent beyond it died.
const HOLD_MS: i64 = 30 * SECOND_MS;

/// What is to be done about tokens that were refused.
enum Turn {
    /// Somebody renewed them meanwhile.
    Fresh,
    /// Somebody is at it.
    Wait,
    Mine,
    Gone,
}

/// Renews the tokens that `stale` holds. Answers `Changed` when there are newer ones, saved
/// already: read them from the database.
pub async fn renew(ctx: &Ctx, id: &str, stale: &Settings) -> anyhow::Result<Renewal> {
    let (inner, subject, seen) = (ctx.clone(), id.to_owned(), stale.clone());
    let turn: Result<Turn, DbError> =
        ctx.db.write(move |tx| take_turn(tx, &inner, &subject, &seen)).await;
    let retry = |why: &str| Ok(Renewal::Retry { why: why.to_owned() });
    match turn? {
        Turn::Fresh => return Ok(Renewal::Changed(Vec::new())),
        Turn::Wait => return retry("new tokens are on their way"),
        Turn::Gone => return retry(NO_TOKENS),
        Turn::Mine => {}
    }
    let linked = find(ctx, id).await?;
    let Some((service, request)) = linked.as_ref().and_then(|linked| {
        let service = service_of(linked).ok()?;
        Some((service, service.renewal(stale)?))
    }) else {
        return retry(NO_TOKENS);
    };
    let renewal = match ctx.courier.fetch(request, REPLY_MAX_BYTES).await {
        Ok(reply) => service.read_renewal(&reply),
        Err(Silence::NotSent(why) | Silence::Lost(why)) => Renewal::Retry { why },
    };
    let (inner, subject, news) = (ctx.clone(), id.to_owned(), renewal.clone());
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| save(tx, &inner, &subject, &news)).await;
    saved?;
    Ok(renewal)
}

async fn find(ctx: &Ctx, id: &str) -> Result<Option<Linked>, DbError> {
    let id = id.to_owned();
    ctx.db.read(move |tx| store::find_any_integration(tx, &id)).await
}

fn decode(error: &anyhow::Error) -> DbError {
    DbError::Decode(format!("settings: {error:#}"))
}

fn take_turn(tx: &mut dyn Tx, ctx: &Ctx, id: &str, stale: &Settings) -> Result<Turn, DbError> {
    let Some(linked) = store::lock_integration(tx, id)? else { return Ok(Turn::Gone) };
    let service = service_of(&linked).map_err(|error| decode(&error))?;
    let known = open_settings(ctx, &linked).map_err(|error| decode(&error))?;
    if !is_same(service, &known, stale) {
        return Ok(Turn::Fresh);
    }
    let now_ms = ctx.now_ms();
    if shared::find_renewal(tx, id)? > now_ms {
        return Ok(Turn::Wait);
    }
    shared::save_renewal(tx, id, now_ms + HOLD_MS)?;
    Ok(Turn::Mine)
}

/// Whether both would ask for new tokens by the same old one.
fn is_same(service: &dyn Integration, known: &Settings, stale: &Settings) -> bool {
    service.renewal(known) == service.renewal(stale)
}

fn save(tx: &mut dyn Tx, ctx: &Ctx, id: &str, renewal: &Renewal) -> Result<(), DbError> {
    let Some(mut linked) = store::lock_integration(tx, id)? else { return Ok(()) };
    shared::save_renewal(tx, id, 0)?;
    let Renewal::Changed(values) = renewal else { return Ok(()) };
    put(ctx, &mut linked, values).map_err(|error| decode(&error))?;
    store::update_integration(tx, &linked)
}

/// Puts values into the sealed settings.
pub fn put<K: AsRef<str>>(
    ctx: &Ctx,
    linked: &mut Linked,
    values: &[(K, String)],
) -> anyhow::Result<()> {
    let mut settings = open_settings(ctx, linked)?;
    for (name, value) in values {
        settings.set(name.as_ref(), value.clone());
    }
    linked.sealed = seal_settings(ctx, &linked.id, &settings)?;
    Ok(())
}
