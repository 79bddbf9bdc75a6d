//! Asking a messenger what happens in the bot's chats, for a server that nobody outside reaches: a
//! long poll under the lease of a job. Off until the setting `updates` says `poll`.

use kopeck_integrations::{Broken, Settings, binding::is_polled, max, telegram};

use super::{
    chats::{self, News, secret_header},
    flow::open_settings,
    model::{Linked, REPLY_MAX_BYTES},
    store,
};
use crate::kit::{
    Ctx,
    clock::{MINUTE_MS, SECOND_MS},
    db::{DbError, Tx},
    jobs::{self, After, Job},
};

/// The kind of the job that asks; its subject is the integration's id.
pub const POLL_JOB: &str = "integration_poll";
/// How long the messenger holds the line: well within a courier's patience.
const WAIT_S: u8 = 10;
/// Between two looks that brought nothing, for a messenger that does not hold the line.
const PAUSE_MS: i64 = SECOND_MS;
/// After a look that failed.
const REST_MS: i64 = MINUTE_MS;

/// Begins to ask, where the settings say so.
pub fn begin(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    linked: &Linked,
    settings: &Settings,
) -> Result<(), DbError> {
    if secret_header(&linked.service).is_none() || !is_polled(settings) {
        return Ok(());
    }
    jobs::nudge(tx, &ctx.mint, POLL_JOB, &linked.id, ctx.now_ms())
}

/// One look.
pub async fn run(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let id = job.subject.clone();
    let found: Result<(Option<Linked>, i64), DbError> = ctx
        .db
        .read(move |tx| Ok((store::find_any_integration(tx, &id)?, store::find_marker(tx, &id)?)))
        .await;
    let (linked, marker) = found?;
    let Some(linked) = linked.filter(|it| it.removed_ms.is_none()) else {
        return Ok(After::Done);
    };
    let settings = open_settings(ctx, &linked)?;
    if !is_polled(&settings) {
        return Ok(After::Done);
    }
    let request = match request(&linked, &settings, marker) {
        Ok(Some(request)) => request,
        Ok(None) => return Ok(After::Done),
        Err(broken) => {
            warn(&linked, broken.code());
            return Ok(After::At(ctx.now_ms() + REST_MS));
        }
    };
    let heard = ctx.courier.fetch(request, REPLY_MAX_BYTES).await;
    let reply = heard.ok().filter(|reply| reply.status == 200);
    let Some((news, next)) = reply.and_then(|reply| read(&linked, &reply.body, marker)) else {
        warn(&linked, "no updates came");
        return Ok(After::At(ctx.now_ms() + REST_MS));
    };
    let is_empty = news.is_empty();
    let (inner, id) = (ctx.clone(), linked.id.clone());
    let saved: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            for one in news {
                chats::take(tx, &inner, &id, (&settings, one))?;
            }
            store::update_marker(tx, &id, next)
        })
        .await;
    saved?;
    Ok(After::At(ctx.now_ms() + if is_empty { PAUSE_MS } else { 0 }))
}

/// Whether both ask the same bot: another one counts its updates from another number.
pub fn is_same_bot(linked: &Linked, before: &Settings, after: &Settings) -> bool {
    let ask = |settings: &Settings| request(linked, settings, 0).ok().flatten();
    ask(before) == ask(after)
}

fn warn(linked: &Linked, what: &str) {
    let (integration_id, service) = (&linked.id, &linked.service);
    tracing::warn!(integration_id, "{service} was asked for updates: {what}");
}

/// `None` for a service that is not asked.
fn request(
    linked: &Linked,
    settings: &Settings,
    marker: i64,
) -> Result<Option<kopeck_banks::http::HttpRequest>, Broken> {
    Ok(match linked.service.as_str() {
        chats::TELEGRAM => Some(telegram::get_updates(settings, marker, WAIT_S)?),
        chats::MAX => Some(max::get_updates(settings, marker, WAIT_S)?),
        _ => None,
    })
}

fn read(linked: &Linked, body: &[u8], marker: i64) -> Option<(Vec<News>, i64)> {
    if linked.service == chats::TELEGRAM {
        let (news, next) = telegram::update::read_batch(body)?;
        return Some((news.into_iter().map(News::from).collect(), next));
    }
    let (news, next) = max::update::read_batch(body, marker)?;
    Some((news.into_iter().map(News::from).collect(), next))
}
