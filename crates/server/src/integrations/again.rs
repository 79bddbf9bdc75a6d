//! Sending again what did not arrive, or perhaps did not: only because a person asks for it.

use kopeck_integrations::Audience;

use super::{
    bitrix24::redo,
    flow::{JOB, Problem},
    model::{Linked, Sending, SendingState},
    store::{self, sendings},
    subject,
};
use crate::kit::{
    Ctx,
    db::{DbError, Tx},
    jobs,
};

/// Sendings of one transaction.
const BATCH: i64 = 200;

/// How much of what failed is on its way again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub sent: i64,
    /// A later outcome of the same payment has arrived there, or nobody needs it any more.
    pub skipped: i64,
    /// What a portal asked for and could not be done, tried anew.
    pub errands: i64,
}

/// Sends one again that failed, or of which nobody knows; its address is taken for good again.
pub async fn retry(ctx: &Ctx, shop_id: &str, id: &str) -> Result<Sending, Problem> {
    let (inner, shop_id, id) = (ctx.clone(), shop_id.to_owned(), id.to_owned());
    ctx.db
        .write(move |tx| {
            let found = sendings::find_sending(tx, &shop_id, &id)?;
            let integration_id = found.ok_or(Problem::NoSuchSending)?.integration_id;
            let linked = lock(tx, &shop_id, &integration_id)?;
            // Read again under the lock: its driver may have ended it meanwhile.
            let found = sendings::find_sending(tx, &shop_id, &id)?;
            let mut sending = found.ok_or(Problem::NoSuchSending)?;
            match sending.state {
                SendingState::Failed | SendingState::Unknown => {}
                SendingState::Pending | SendingState::Delivered | SendingState::Dropped => {
                    return Err(Problem::NotFailed(sending.state));
                }
            }
            check(tx, &inner, &sending)?;
            store::delete_ended_address(tx, &linked.id, &sending.address_key)?;
            restart(tx, &inner, &mut sending)?;
            jobs::nudge(tx, &inner.mint, JOB, &linked.id, inner.now_ms())?;
            Ok(sending)
        })
        .await
}

/// Sends again all that the integration gave up, but not to addresses that have ended, and not
/// what would be told out of its order.
pub async fn retry_failed(ctx: &Ctx, shop_id: &str, id: &str) -> Result<Count, Problem> {
    let (mut total, mut after_id) = (Count::default(), String::new());
    loop {
        let (inner, shop_id, id) = (ctx.clone(), shop_id.to_owned(), id.to_owned());
        let done: Result<(Count, Option<String>), Problem> = ctx
            .db
            .write(move |tx| {
                let linked = lock(tx, &shop_id, &id)?;
                let (mut count, mut last) = (Count::default(), None);
                for mut sending in sendings::list_failed(tx, &linked.id, &after_id, BATCH)? {
                    last = Some(sending.id.clone());
                    match check(tx, &inner, &sending) {
                        Ok(()) => {
                            restart(tx, &inner, &mut sending)?;
                            count.sent += 1;
                        }
                        Err(Problem::Overtaken | Problem::NotNeeded) => count.skipped += 1,
                        Err(other) => return Err(other),
                    }
                }
                jobs::nudge(tx, &inner.mint, JOB, &linked.id, inner.now_ms())?;
                Ok((count, last))
            })
            .await;
        let (count, last) = done?;
        total.sent += count.sent;
        total.skipped += count.skipped;
        let Some(last) = last else { break };
        after_id = last;
    }
    total.errands = redo::retry_failed(ctx, id).await?;
    Ok(total)
}

/// News to the shop's own systems that ended so and are no older than `since_id` go on by
/// themselves; what would be told out of its order, or helps nobody any more, does not.
pub async fn revive(
    ctx: &Ctx,
    integration_id: &str,
    (code, since_id): (&str, &str),
) -> Result<i64, DbError> {
    let (mut total, mut after_id) = (0, since_id.to_owned());
    loop {
        let (inner, id) = (ctx.clone(), integration_id.to_owned());
        let (code, after) = (code.to_owned(), after_id.clone());
        let done: Result<(i64, Option<String>), DbError> =
            ctx.db.write(move |tx| revive_page(tx, &inner, &id, (&code, &after))).await;
        let (count, last) = done?;
        total += count;
        let Some(last) = last else { return Ok(total) };
        after_id = last;
    }
}

/// One page of them: how many go on, and where the next page begins.
pub fn revive_page(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    integration_id: &str,
    (code, after_id): (&str, &str),
) -> Result<(i64, Option<String>), DbError> {
    let Some(linked) = store::lock_integration(tx, integration_id)? else { return Ok((0, None)) };
    let (mut count, mut last) = (0, None);
    for mut sending in sendings::list_failed(tx, &linked.id, after_id, BATCH)? {
        last = Some(sending.id.clone());
        let is_meant = sending.code.as_deref() == Some(code)
            && sending.audience == Audience::Shop
            && sending.event_id.is_some();
        let is_wanted = is_meant
            && !sendings::is_overtaken(tx, &sending)?
            && subject::load(tx, ctx, &sending)?.is_needed(&sending);
        if is_wanted {
            restart(tx, ctx, &mut sending)?;
            count += 1;
        }
    }
    if count > 0 {
        jobs::nudge(tx, &ctx.mint, JOB, integration_id, ctx.now_ms())?;
    }
    Ok((count, last))
}

fn lock(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Linked, Problem> {
    let found = store::lock_integration(tx, id)?.filter(|it| it.shop_id == shop_id);
    found.ok_or(Problem::NoSuchIntegration)
}

/// Whether telling it now still makes sense.
fn check(tx: &mut dyn Tx, ctx: &Ctx, sending: &Sending) -> Result<(), Problem> {
    if sendings::is_overtaken(tx, sending)? {
        return Err(Problem::Overtaken);
    }
    if subject::load(tx, ctx, sending)?.is_needed(sending) {
        return Ok(());
    }
    Err(Problem::NotNeeded)
}

/// It goes on with the step that it ended at, under the same id: a service that knows the message
/// does not show it twice.
fn restart(tx: &mut dyn Tx, ctx: &Ctx, sending: &mut Sending) -> Result<(), DbError> {
    let now_ms = ctx.now_ms();
    sending.state = SendingState::Pending;
    sending.tries = 0;
    sending.lost = 0;
    sending.begun_ms = now_ms;
    sending.due_ms = now_ms;
    sending.step_ms = None;
    sending.asked_ms = None;
    sending.ended_ms = None;
    sending.code = None;
    sending.why = None;
    sendings::update_sending(tx, sending)
}
