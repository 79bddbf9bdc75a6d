//! The shop's numbers by months, from all that was ever announced of its subscriptions.

use serde::Deserialize;

use super::Problem;
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    subscriptions::{
        metrics::{Fact, Month, Numbers, Paid, Tally, monthly_kopecks},
        schedule::{Interval, Unit},
        state::Status,
        store::{self, Told},
    },
};

/// Events read at once: a shop's whole history never has to fit in memory.
const PAGE: i64 = 1_000;

/// What of an event counts. Every event of a subscription holds it as it was then.
#[derive(Deserialize)]
struct Seen {
    status: String,
    price_kopecks: i64,
    interval: String,
    interval_count: u32,
}

/// Each of these months with its numbers.
pub async fn measure(
    ctx: &Ctx,
    shop_id: &str,
    months: Vec<Month>,
) -> Result<Vec<(Month, Numbers)>, Problem> {
    let span = months.first().map(|month| month.start_ms).zip(months.last().map(|it| it.end_ms));
    let Some(span) = span else { return Ok(Vec::new()) };
    let mut tally = Tally::new(months);
    let mut after_seq = 0;
    loop {
        let shop = shop_id.to_owned();
        let page: Result<Vec<Told>, DbError> =
            ctx.db.read(move |tx| store::list_told(tx, &shop, after_seq, PAGE)).await;
        let page = page?;
        let Some(last) = page.last() else { break };
        after_seq = last.seq;
        for told in &page {
            tally.hear(&fact(told)?);
        }
    }
    let shop = shop_id.to_owned();
    let read = move |tx: &mut dyn Tx| store::list_paid(tx, &shop, span);
    let paid: Result<Vec<Paid>, DbError> = ctx.db.read(read).await;
    paid?.into_iter().for_each(|it| tally.hear_paid(it));
    Ok(tally.finish())
}

fn fact(told: &Told) -> Result<Fact, DbError> {
    let wrong = |what: &str| DbError::Decode(format!("event {}: {what}", told.seq));
    let seen: Seen = serde_json::from_str(&told.body).map_err(|error| wrong(&error.to_string()))?;
    let unit = Unit::parse(&seen.interval).ok_or_else(|| wrong("interval"))?;
    let interval = Interval::new(unit, seen.interval_count).ok_or_else(|| wrong("interval"))?;
    Ok(Fact {
        subscription_id: told.subject_id.clone(),
        at_ms: told.at_ms,
        status: Status::parse(&seen.status).ok_or_else(|| wrong("status"))?,
        monthly_kopecks: monthly_kopecks(seen.price_kopecks, interval),
    })
}
