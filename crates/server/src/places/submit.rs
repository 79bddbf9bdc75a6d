//! Requests that make a code: saved together with their key, driven for a few seconds, answered
//! from what is stored then. Asks no bank itself.

use kopeck_banks::op::CodeKind;
use serde::Serialize;

use super::{
    drive::drive_now,
    flow::{self, NewPlace, Problem, connection_for},
    model::{Place, State},
    store,
    view::PlaceView,
};
use crate::{
    http::{Answer, ApiError, Server, page::Page, query::Query},
    kit::db::{DbError, Tx},
    payments::{
        idempotency::{self, Work},
        submit::Ask,
    },
};

/// A place that a request made, by its id.
#[derive(Clone, Debug)]
pub struct Made(pub String);

impl Work for Made {
    fn to_text(&self) -> String {
        format!("place {}", self.0)
    }

    fn parse(text: &str) -> Option<Made> {
        text.strip_prefix("place ").map(|id| Made(id.to_owned()))
    }

    async fn compose(&self, ask: &Ask) -> Result<Answer, ApiError> {
        let place = find(&ask.server, &ask.caller.shop_id, &self.0).await?;
        match refusal(&place) {
            Some(error) => Ok(Answer::refused(&error, &ask.request_id)),
            None => Answer::json(201, &view(&ask.server, place).await?),
        }
    }
}

/// What the bank said no to.
pub fn refusal(place: &Place) -> Option<ApiError> {
    let failure = place.failure.as_ref().filter(|_| place.state() == State::Failed)?;
    Some(ApiError::stored(&failure.code, &failure.message, &failure.hint))
}

/// Saves the place, waits a little for its code. What the bank refuses at once is forgotten, but
/// for the answer.
pub async fn open<W: Work>(
    ask: Ask,
    new: NewPlace,
    bank: Option<String>,
    make: impl FnOnce(String) -> W,
) -> Result<Answer, ApiError> {
    if let Some(answer) = idempotency::replay_of::<W>(&ask).await? {
        return Ok(answer);
    }
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let connection = connection_for(&ctx, &shop_id, bank.as_deref(), new.kind).await?;
    let place = flow::plan(&ctx, &connection, new)?;
    let id = place.id.clone();
    let work = make(id.clone());
    let inner = ctx.clone();
    let save = move |tx: &mut dyn Tx| flow::create(tx, &inner, &place);
    let drive = || async {
        let (inner, driven) = (ctx.clone(), id.clone());
        let driving = ask.server.spawn(async move { drive_now(&inner, &driven).await });
        // The time is over: the answer tells what is known, the task goes on.
        let _ = tokio::time::timeout(ask.server.limits.bank_wait, driving).await;
        ask.server.nudge.notify_one();
    };
    let answer = idempotency::once::<W, DbError, _, _, _>(&ask, &work, save, drive).await?;
    if answer.status >= 400 {
        let gone: Result<(), DbError> =
            ctx.db.write(move |tx| store::delete_place(tx, &shop_id, &id)).await;
        gone?;
    }
    Ok(answer)
}

pub async fn view(server: &Server, place: Place) -> Result<PlaceView, ApiError> {
    let id = place.id.clone();
    let totals: Result<_, DbError> =
        server.ctx.db.read(move |tx| store::count_totals(tx, &id)).await;
    Ok(PlaceView::new(&place, totals?, &server.ctx.public_url))
}

pub async fn find(server: &Server, shop_id: &str, id: &str) -> Result<Place, ApiError> {
    let (shop_id, id) = (shop_id.to_owned(), id.to_owned());
    let found: Result<_, DbError> =
        server.ctx.db.read(move |tx| store::find_place(tx, &shop_id, &id)).await;
    Ok(found?.ok_or(Problem::NoSuchPlace)?)
}

/// One page of the shop's places, newest first, each in the words of whoever lists them.
pub async fn list<V: Serialize + Send + 'static>(
    server: &Server,
    (shop_id, kind): (String, Option<CodeKind>),
    query: &Query,
    show: impl Fn(&mut dyn Tx, &Place) -> Result<V, DbError> + Send + 'static,
    id: fn(&V) -> String,
) -> Result<Answer, ApiError> {
    let limit = query.limit()?;
    let before = query.id("starting_after", "plc_")?;
    let found: Result<Vec<V>, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let places = store::list_places(tx, &shop_id, kind, before.as_deref(), limit + 1)?;
            places.iter().map(|place| show(tx, place)).collect()
        })
        .await;
    Answer::json(200, &Page::new(found?, limit, id))
}
