//! The look for what was lost: news that a portal could not be told for a day, and deals whose
//! event never came. Portals repeat nothing, so nobody else finds it.

use kopeck_integrations::{
    Settings,
    bitrix24::{
        card::{PAGE, deals_at, read_deals},
        settings::{LINK_STAGES, stages},
    },
};

use super::{
    flow,
    portal::{self, As, Trouble},
};
use crate::{
    integrations::{
        again,
        drive::GAVE_UP,
        flow::{JOB as SENDINGS, open_settings},
        model::Linked,
        store::lock_integration,
    },
    kit::{
        Ctx,
        clock::{DAY_MS, MINUTE_MS, iso},
        db::DbError,
        jobs,
    },
};

/// News older than that are told no more.
const NEWS_MS: i64 = 14 * DAY_MS;
/// The portal's clock and ours, and an event that was still on its way.
const OVERLAP_MS: i64 = 10 * MINUTE_MS;
/// Pages of one stage in one look; what is left is the next one's.
const PAGES: usize = 5;

/// Looks once; `since_ms` is the last look.
pub async fn look(ctx: &Ctx, linked: &Linked, since_ms: i64) -> Result<(), Trouble> {
    revive(ctx, linked).await?;
    find_deals(ctx, linked, since_ms).await
}

/// A portal that did not answer for a day, or a connection that was mended after it: what was given
/// up then is told now. A deal that has moved meanwhile is read first and stays where it is.
async fn revive(ctx: &Ctx, linked: &Linked) -> Result<(), DbError> {
    let (inner, id) = (ctx.clone(), linked.id.clone());
    ctx.db
        .write(move |tx| {
            let now_ms = inner.now_ms();
            let Some(linked) = lock_integration(tx, &id)? else { return Ok(()) };
            let since = first_id(now_ms - NEWS_MS);
            let count = again::revive(tx, &inner, &linked, (GAVE_UP, &since))?;
            if count > 0 {
                tracing::info!(integration_id = id, count, "news of days ago are told again");
                jobs::nudge(tx, &inner.mint, SENDINGS, &id, now_ms)?;
            }
            Ok(())
        })
        .await
}

/// Ids begin with their time, so that this one is before all that were minted since.
fn first_id(since_ms: i64) -> String {
    format!("msg_{since_ms:012x}")
}

/// Deals that came to a stage which asks for a link, and whose event was lost.
async fn find_deals(ctx: &Ctx, linked: &Linked, since_ms: i64) -> Result<(), Trouble> {
    let settings = open_settings(ctx, linked)?;
    let since = iso(since_ms - OVERLAP_MS);
    for (category, stage) in stages(&settings, LINK_STAGES)? {
        let mut after_id = 0;
        for _ in 0..PAGES {
            let make = |settings: &Settings| {
                deals_at(settings, (category, stage.as_str()), &since, after_id)
            };
            let ids = portal::call(ctx, &linked.id, As::App, make, read_deals).await?;
            let (inner, id, found) = (ctx.clone(), linked.id.clone(), ids.clone());
            let saved: Result<(), DbError> = ctx
                .db
                .write(move |tx| {
                    found.iter().try_for_each(|deal| flow::look_at(tx, &inner, &id, *deal))
                })
                .await;
            saved?;
            match ids.last() {
                Some(last) if ids.len() >= PAGE => after_id = *last,
                Some(_) | None => break,
            }
        }
    }
    Ok(())
}
