//! Charging and canceling, for the API, the clerk's page and the command line alike: saved, driven
//! for a few seconds, answered from what is stored then.

use std::time::Duration;

use super::{
    drive::drive_now,
    flow::{self, NewSale, Problem},
    model::Sale,
    store,
    view::{DeskView, SaleView},
};
use crate::{
    http::{Answer, ApiError, codes},
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{
        idempotency::{self, Key, Work},
        submit::Ask,
    },
    places::{self, model::Place},
    shops,
};

/// A desk of the shop with its last sale.
pub async fn show(ctx: &Ctx, shop_id: &str, id: &str) -> Result<(Place, Option<Sale>), Problem> {
    let (shop_id, id) = (shop_id.to_owned(), id.to_owned());
    ctx.db
        .read(move |tx| {
            let desk = flow::get_desk(tx, &shop_id, &id)?;
            let sale = store::find_last(tx, &desk.id)?;
            Ok((desk, sale))
        })
        .await
}

/// Arms the desk's code with a sum, as the API asks for it.
pub async fn charge(ask: Ask, desk_id: String, new: NewSale) -> Result<Answer, ApiError> {
    if let Some(answer) = idempotency::replay_of::<Done>(&ask).await? {
        return Ok(answer);
    }
    let ctx = ask.server.ctx.clone();
    let (desk, _) = show(&ctx, &ask.caller.shop_id, &desk_id).await?;
    let sale = plan(&ctx, &desk, new).await?;
    let (inner, row) = (ctx.clone(), sale.clone());
    let save = move |tx: &mut dyn Tx| flow::start(tx, &inner, &row);
    let drive = || async {
        // What went wrong while it was driven is in its row, or is tried again by its job.
        let _ = drive_a_while(&ctx, &sale, ask.server.limits.bank_wait).await;
        ask.server.nudge.notify_one();
    };
    let done = Done::Sale(sale.id.clone());
    idempotency::once::<_, Problem, _, _, _>(&ask, &done, save, drive).await
}

/// A sale that somebody charged who waits for it himself: a clerk's page, the command line.
#[derive(Debug)]
pub enum Charged {
    New(Sale),
    /// The same request was made before: this is what it began.
    Before(Sale),
}

/// Arms the desk's code with a sum; with a key, once.
pub async fn charge_once(
    ctx: &Ctx,
    desk: &Place,
    new: NewSale,
    key: Option<Key>,
    wait: Duration,
) -> Result<Charged, ApiError> {
    if let Some(sale) = find_charged(ctx, desk, key.as_ref()).await? {
        return Ok(Charged::Before(sale));
    }
    let sale = plan(ctx, desk, new).await?;
    let (inner, row, own) = (ctx.clone(), sale.clone(), key.clone());
    let taken: Result<bool, Problem> = ctx
        .db
        .write(move |tx| {
            let done = Done::Sale(row.id.clone());
            if !idempotency::take(tx, &row.shop_id, own.as_ref(), &done, inner.now_ms())? {
                return Ok(false);
            }
            flow::start(tx, &inner, &row).map(|()| true)
        })
        .await;
    if taken? {
        return Ok(Charged::New(drive_a_while(ctx, &sale, wait).await?));
    }
    let before = find_charged(ctx, desk, key.as_ref()).await?;
    before.map(Charged::Before).ok_or_else(|| ApiError::of(codes::INTERNAL))
}

/// The sale that an earlier request with this key began.
async fn find_charged(
    ctx: &Ctx,
    desk: &Place,
    key: Option<&Key>,
) -> Result<Option<Sale>, ApiError> {
    let Some(key) = key else { return Ok(None) };
    let done: Option<Done> = idempotency::find_work(ctx, &desk.shop_id, key).await?;
    let Some(Done::Sale(id)) = done else { return Ok(None) };
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_sale(tx, &id)).await;
    Ok(found?)
}

async fn plan(ctx: &Ctx, desk: &Place, new: NewSale) -> Result<Sale, Problem> {
    let connection = shops::flow::get_connection(ctx, &desk.connection_id).await?;
    flow::plan(ctx, &connection, desk, new)
}

/// What a request did at a desk.
#[derive(Clone, Debug)]
pub enum Done {
    Desk(String),
    Sale(String),
}

impl Work for Done {
    fn to_text(&self) -> String {
        match self {
            Done::Desk(id) => format!("desk {id}"),
            Done::Sale(id) => format!("sale {id}"),
        }
    }

    fn parse(text: &str) -> Option<Done> {
        match text.split_once(' ')? {
            ("desk", id) => Some(Done::Desk(id.to_owned())),
            ("sale", id) => Some(Done::Sale(id.to_owned())),
            _ => None,
        }
    }

    async fn compose(&self, ask: &Ask) -> Result<Answer, ApiError> {
        let refused = |error: ApiError| Ok(Answer::refused(&error, &ask.request_id));
        match self {
            Done::Desk(id) => {
                let desk = places::submit::find(&ask.server, &ask.caller.shop_id, id).await?;
                match places::submit::refusal(&desk) {
                    Some(error) => refused(error),
                    None => Answer::json(201, &DeskView::new(&desk, None)),
                }
            }
            Done::Sale(id) => {
                let id = id.clone();
                let found: Result<_, DbError> =
                    ask.server.ctx.db.read(move |tx| store::find_sale(tx, &id)).await;
                let sale = found?.ok_or_else(|| ApiError::of(codes::INTERNAL))?;
                match sale.failure.as_ref().filter(|_| sale.payment_id.is_none()) {
                    Some(it) => refused(ApiError::stored(&it.code, &it.message, &it.hint)),
                    None => Answer::json(201, &SaleView::new(&sale)),
                }
            }
        }
    }
}

pub async fn cancel(ctx: &Ctx, desk: &Place, wait: Duration) -> Result<Sale, Problem> {
    let (inner, shop_id, id) = (ctx.clone(), desk.shop_id.clone(), desk.id.clone());
    let sale: Result<Sale, Problem> =
        ctx.db.write(move |tx| flow::cancel(tx, &inner, &shop_id, &id)).await;
    drive_a_while(ctx, &sale?, wait).await
}

/// The sale as it is after the bank was asked, or when the time is over; then the task goes on.
async fn drive_a_while(ctx: &Ctx, sale: &Sale, wait: Duration) -> Result<Sale, Problem> {
    let (inner, id) = (ctx.clone(), sale.id.clone());
    let driving = tokio::spawn(async move { drive_now(&inner, &id).await });
    if let Ok(Ok(driven)) = tokio::time::timeout(wait, driving).await {
        driven?;
    }
    let id = sale.id.clone();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_sale(tx, &id)).await;
    Ok(found?.unwrap_or_else(|| sale.clone()))
}
