//! Use cases of people: who comes in, how, and what is written down of it.

pub mod members;
pub mod sessions;

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    model::{Change, Member, Outcome},
    password::{self, Weakness},
    store,
};
use crate::kit::{Ctx, db::DbError};

/// Why nothing was done.
#[derive(Debug)]
pub enum Problem {
    /// The login, the password or the code: which one is told to nobody.
    Wrong,
    /// Too many wrong tries in a row: nothing is tried before this time.
    Wait {
        until_ms: i64,
    },
    /// An invitation or a set-up link that is over, used, or not ours.
    LinkOver,
    Weak(Weakness),
    LoginTaken,
    LoginInvalid,
    NameInvalid,
    NoSuchMember,
    /// A shop keeps one owner who can come in.
    LastOwner,
    Broken(anyhow::Error),
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Broken(error.into())
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::Broken(error)
    }
}

/// Passwords looked at in one moment: each takes 19 MiB, and the shop's server has little.
static PASSWORDS: Semaphore = Semaphore::const_new(2);

/// How long somebody waits for a turn: in a flood of guesses nobody hangs for good.
const PATIENCE: Duration = Duration::from_secs(10);

async fn turn(now_ms: i64) -> Result<SemaphorePermit<'static>, Problem> {
    match tokio::time::timeout(PATIENCE, PASSWORDS.acquire()).await {
        Ok(turn) => Ok(turn.map_err(anyhow::Error::from)?),
        Err(_) => Err(Problem::Wait { until_ms: now_ms }),
    }
}

async fn is_right(ctx: &Ctx, typed: String, stored: Option<String>) -> Result<bool, Problem> {
    let _turn = turn(ctx.now_ms()).await?;
    let looking = move || password::is_right(&typed, stored.as_deref());
    Ok(tokio::task::spawn_blocking(looking).await.map_err(anyhow::Error::from)??)
}

async fn hash(ctx: &Ctx, new: String) -> Result<String, Problem> {
    let _turn = turn(ctx.now_ms()).await?;
    let salt = ctx.mint.bytes();
    let making = move || password::hash(&new, salt);
    Ok(tokio::task::spawn_blocking(making).await.map_err(anyhow::Error::from)??)
}

/// Who changes something.
#[derive(Clone, Debug)]
pub struct Actor {
    pub shop_id: String,
    pub staff_id: Option<String>,
    pub name: String,
}

impl Actor {
    pub fn of(member: &Member) -> Actor {
        Actor {
            shop_id: member.shop_id.clone(),
            staff_id: Some(member.id.clone()),
            name: member.name.clone(),
        }
    }

    /// Whoever has a shell on the server needs no login.
    pub fn command_line(shop_id: &str) -> Actor {
        Actor { shop_id: shop_id.to_owned(), staff_id: None, name: "kopeck".to_owned() }
    }
}

/// Writes down what somebody is about to do; the outcome is added with [`end_change`].
pub async fn begin_change(
    ctx: &Ctx,
    actor: &Actor,
    (action, subject): (&str, &str),
    detail: String,
) -> Result<String, DbError> {
    let change = Change {
        id: ctx.mint.id("aud"),
        shop_id: actor.shop_id.clone(),
        at_ms: ctx.now_ms(),
        staff_id: actor.staff_id.clone(),
        name: actor.name.clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail,
        outcome: Outcome::Asked,
    };
    let id = change.id.clone();
    ctx.db.write(move |tx| store::insert_change(tx, &change)).await.map(|()| id)
}

pub async fn end_change(ctx: &Ctx, id: String, outcome: Outcome) -> Result<(), DbError> {
    ctx.db.write(move |tx| store::update_outcome(tx, &id, outcome)).await
}
