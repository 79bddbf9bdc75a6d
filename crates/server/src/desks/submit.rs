//! Charging and canceling, for the API, the clerk's page and the command line alike: saved, driven
//! for a few seconds, answered from what is stored then.

use std::time::Duration;

use super::{
    drive::drive_now,
    flow::{self, NewSale, Problem},
    model::Sale,
    store,
};
use crate::{
    kit::{Ctx, db::DbError},
    places::model::Place,
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

/// Arms the desk's code with a sum.
pub async fn charge(
    ctx: &Ctx,
    desk: &Place,
    new: NewSale,
    wait: Duration,
) -> Result<Sale, Problem> {
    let connection = shops::flow::get_connection(ctx, &desk.connection_id).await?;
    let sale = flow::plan(ctx, &connection, desk, new)?;
    let (inner, row) = (ctx.clone(), sale.clone());
    let saved: Result<(), Problem> = ctx.db.write(move |tx| flow::start(tx, &inner, &row)).await;
    saved?;
    drive_a_while(ctx, sale, wait).await
}

pub async fn cancel(ctx: &Ctx, desk: &Place, wait: Duration) -> Result<Sale, Problem> {
    let (inner, shop_id, id) = (ctx.clone(), desk.shop_id.clone(), desk.id.clone());
    let sale: Result<Sale, Problem> =
        ctx.db.write(move |tx| flow::cancel(tx, &inner, &shop_id, &id)).await;
    drive_a_while(ctx, sale?, wait).await
}

/// The sale as it is after the bank was asked, or when the time is over; then the task goes on.
async fn drive_a_while(ctx: &Ctx, sale: Sale, wait: Duration) -> Result<Sale, Problem> {
    let (inner, id) = (ctx.clone(), sale.id.clone());
    let driving = tokio::spawn(async move { drive_now(&inner, &id).await });
    if let Ok(Ok(driven)) = tokio::time::timeout(wait, driving).await {
        driven?;
    }
    let id = sale.id.clone();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_sale(tx, &id)).await;
    Ok(found?.unwrap_or(sale))
}
