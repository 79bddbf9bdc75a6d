//! The look for what was lost: news that a portal could not be told for a day, what it asked for
//! and nobody could do, and deals whose event never came. Portals repeat nothing, so nobody else
//! finds it. A look is made page by page and goes on where it was, whatever comes in between.

use kopeck_integrations::{
    Settings,
    bitrix24::{
        card::{PAGE, deals_at, read_deals},
        settings::{LINK_STAGES, stages},
    },
};

use super::{
    flow,
    model::{App, Place},
    portal::{self, As, Trouble},
    redo,
    store::{errands::delete_old_errands, find_app, save_app},
};
use crate::{
    integrations::{again, drive::GAVE_UP, flow::open_settings, model::Linked},
    kit::{
        Ctx,
        clock::{DAY_MS, MINUTE_MS, iso},
        db::{DbError, Tx},
    },
};

/// News and errands older than that are taken up no more.
const NEWS_MS: i64 = 14 * DAY_MS;
/// The portal's clock and ours, and an event that was still on its way.
const OVERLAP_MS: i64 = 10 * MINUTE_MS;
/// How long an errand is remembered, so that the same one is not done again.
const KEPT_MS: i64 = 30 * DAY_MS;

/// One page of the look, or its end. What it found and how far it came are saved together.
pub async fn step(ctx: &Ctx, linked: &Linked, app: &App) -> Result<(), Trouble> {
    let stages = stages(&open_settings(ctx, linked)?, LINK_STAGES)?;
    let begun = match &app.place {
        Some(place) => place.clone(),
        None => {
            revive(ctx, linked).await?;
            Place { began_ms: ctx.now_ms(), category: 0, stage: String::new(), after_id: 0 }
        }
    };
    let next = stages.range(begun.category..).next();
    let Some((category, stage)) = next else {
        return Ok(save(ctx, linked, (None, Some(begun.began_ms)), Vec::new()).await?);
    };
    let is_same = (begun.category, &begun.stage) == (*category, stage);
    let after_id = if is_same { begun.after_id } else { 0 };
    let since = iso(app.looked_ms - OVERLAP_MS);
    let make =
        |settings: &Settings| deals_at(settings, (*category, stage.as_str()), &since, after_id);
    let ids = portal::call(ctx, &linked.id, As::App, make, read_deals).await?;
    let place = match ids.last() {
        Some(last) if ids.len() >= PAGE => {
            Place { category: *category, stage: stage.clone(), after_id: *last, ..begun }
        }
        Some(_) | None => {
            Place { category: category + 1, stage: String::new(), after_id: 0, ..begun }
        }
    };
    Ok(save(ctx, linked, (Some(place), None), ids).await?)
}

/// What was found is asked about, and the look has come so far; or it is over, and the next one
/// looks from where it began.
async fn save(
    ctx: &Ctx,
    linked: &Linked,
    (place, looked_ms): (Option<Place>, Option<i64>),
    found: Vec<i64>,
) -> Result<(), DbError> {
    let (inner, linked) = (ctx.clone(), linked.clone());
    ctx.db
        .write(move |tx: &mut dyn Tx| {
            let id = linked.id.as_str();
            found.iter().try_for_each(|deal| flow::look_at(tx, &inner, id, *deal))?;
            let app = find_app(tx, id)?.unwrap_or_else(|| App::new(id, linked.created_ms));
            let looked_ms = looked_ms.unwrap_or(app.looked_ms);
            if place.is_none() {
                delete_old_errands(tx, id, inner.now_ms() - KEPT_MS)?;
            }
            save_app(tx, &App { place, looked_ms, ..app })
        })
        .await
}

/// A portal that did not answer for a day, or a connection that was mended after it: what was given
/// up then is told and done now. A deal that has moved meanwhile is read first and stays where it
/// is.
async fn revive(ctx: &Ctx, linked: &Linked) -> Result<(), DbError> {
    let since_ms = ctx.now_ms() - NEWS_MS;
    let news = again::revive(ctx, &linked.id, (GAVE_UP, &first_id("msg", since_ms))).await?;
    let errands = redo::revive(ctx, &linked.id, &first_id("err", since_ms)).await?;
    if news + errands > 0 {
        tracing::info!(integration_id = linked.id, news, errands, "what was given up goes on");
    }
    Ok(())
}

/// Ids begin with their time, so that this one is before all that were minted since.
fn first_id(kind: &str, since_ms: i64) -> String {
    format!("{kind}_{since_ms:012x}")
}
