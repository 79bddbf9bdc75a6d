//! Calls of a portal in an application's name, or in the name of whoever looks: paced, with new
//! tokens where the old ones have ended. Never within a transaction.

use kopeck_banks::{
    exchange::Silence,
    http::{HttpReply, HttpRequest},
};
use kopeck_integrations::{
    Broken, Integration as _, Reading, Renewal, Settings,
    bitrix24::{Bitrix24, problems, settings::ACCESS_TOKEN},
};

use crate::{
    integrations::{
        flow::open_settings,
        model::{Linked, REPLY_MAX_BYTES},
        pace::{self, Room},
        renewal, store,
    },
    kit::{Ctx, db::DbError},
};

/// Why a call came to nothing.
#[derive(Debug)]
pub enum Trouble {
    /// The portal, or our own pace, asks to come later.
    Later {
        after_ms: u64,
    },
    Broken(Broken),
    /// Nobody knows whether it was heard.
    Unclear(String),
    Internal(anyhow::Error),
}

impl From<DbError> for Trouble {
    fn from(error: DbError) -> Trouble {
        Trouble::Internal(error.into())
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Trouble {
        Trouble::Internal(error)
    }
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Trouble {
        Trouble::Broken(broken)
    }
}

/// In whose name a call is made.
#[derive(Clone, Copy)]
pub enum As<'a> {
    App,
    /// An employee's own token, which sees what he sees.
    Viewer(&'a str),
}

/// One request, and what was read of its reply.
pub async fn call<T>(
    ctx: &Ctx,
    integration_id: &str,
    who: As<'_>,
    make: impl Fn(&Settings) -> Result<HttpRequest, Broken>,
    read: impl Fn(&HttpReply) -> Result<T, Reading>,
) -> Result<T, Trouble> {
    // A token may end once; a new one that is refused too is no matter of time.
    for is_last in [false, true] {
        let settings = settings_of(ctx, integration_id).await?;
        let mut named = settings.clone();
        if let As::Viewer(token) = who {
            named.set(ACCESS_TOKEN, token);
        }
        let request = make(&named)?;
        take_turn(ctx, &settings).await?;
        let reading = match ctx.courier.fetch(request, REPLY_MAX_BYTES).await {
            Ok(reply) => match read(&reply) {
                Ok(found) => return Ok(found),
                Err(reading) => reading,
            },
            Err(Silence::NotSent(why) | Silence::Lost(why)) => Reading::unclear(why),
        };
        let may_renew = matches!(who, As::App) && !is_last;
        match trouble_of(reading) {
            None if may_renew => renew(ctx, integration_id, &settings).await?,
            None => return Err(Broken::of(&problems::ACCESS_LOST).into()),
            Some(Trouble::Later { after_ms }) => {
                rest(ctx, &settings, after_ms).await?;
                return Err(Trouble::Later { after_ms });
            }
            Some(trouble) => return Err(trouble),
        }
    }
    Err(Broken::of(&problems::ACCESS_LOST).into())
}

/// `None`: a token has ended.
fn trouble_of(reading: Reading) -> Option<Trouble> {
    Some(match reading {
        Reading::Renew => return None,
        Reading::Retry { after_ms, .. } => {
            Trouble::Later { after_ms: after_ms.unwrap_or(RETRY_MS) }
        }
        Reading::Broken(broken) => Trouble::Broken(broken),
        Reading::Unclear { why } => Trouble::Unclear(why),
        Reading::Delivered { .. } | Reading::More(_) | Reading::Moved { .. } => {
            Trouble::Unclear("an answer to something else".to_owned())
        }
    })
}

/// What a reading that is no result means to whoever asked with a token of the moment.
pub fn trouble(reading: Reading) -> Trouble {
    trouble_of(reading).unwrap_or_else(|| Broken::of(&problems::ACCESS_LOST).into())
}

/// How long to wait where nobody said.
const RETRY_MS: u64 = 5_000;

async fn renew(ctx: &Ctx, integration_id: &str, stale: &Settings) -> Result<(), Trouble> {
    match renewal::renew(ctx, integration_id, stale).await? {
        Renewal::Changed(_) => Ok(()),
        Renewal::Retry { .. } => Err(Trouble::Later { after_ms: RETRY_MS }),
        Renewal::Broken(broken) => Err(Trouble::Broken(broken)),
    }
}

/// The integration as it is now.
pub async fn find(ctx: &Ctx, integration_id: &str) -> Result<Option<Linked>, DbError> {
    let id = integration_id.to_owned();
    let found: Result<Option<Linked>, DbError> =
        ctx.db.read(move |tx| store::find_any_integration(tx, &id)).await;
    let name = Bitrix24.name();
    Ok(found?.filter(|linked| linked.service == name && linked.removed_ms.is_none()))
}

async fn settings_of(ctx: &Ctx, integration_id: &str) -> Result<Settings, Trouble> {
    match find(ctx, integration_id).await? {
        Some(linked) => Ok(open_settings(ctx, &linked)?),
        None => Err(Broken::of(&problems::SETTINGS_MISSING).into()),
    }
}

async fn take_turn(ctx: &Ctx, settings: &Settings) -> Result<(), Trouble> {
    let Some(word) = Bitrix24.shared_pace(settings) else { return Ok(()) };
    let now_ms = ctx.now_ms();
    let gap_ms = i64::try_from(Bitrix24.limits().gap_ms).unwrap_or_default();
    let turn: Result<Option<i64>, DbError> =
        ctx.db.write(move |tx| pace::take(tx, &word, (gap_ms, Room::Some), now_ms)).await;
    match turn? {
        None => Ok(()),
        Some(at_ms) => {
            let after_ms = u64::try_from(at_ms - now_ms).unwrap_or_default();
            Err(Trouble::Later { after_ms })
        }
    }
}

async fn rest(ctx: &Ctx, settings: &Settings, after_ms: u64) -> Result<(), DbError> {
    let (settings, now_ms) = (settings.clone(), ctx.now_ms());
    ctx.db.write(move |tx| pace::rest(tx, &Bitrix24, &settings, (now_ms, after_ms))).await
}
