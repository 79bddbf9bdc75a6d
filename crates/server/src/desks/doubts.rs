//! Transfers of which no notice told whose they are: each arming that it may have paid is asked
//! about. Reads at the bank only, so whatever is cut off is done again.
//!
//! The transfer is kept until it has a payment: a sale's, or one of its own.

use kopeck_banks::op::{
    Answer, BankOp, BankStatus, DeskOp, Outcome, RefusalClass, SbpOp, SbpPayment, SbpWord,
};

use super::{
    flow::{MEANT_MS, find_known, receive_alone, settle},
    model::{Doubt, Sale},
    state::fits,
    store,
};
use crate::{
    gateway::flow::ask_now,
    kit::{
        Ctx,
        clock::{MINUTE_MS, SECOND_MS},
        db::{DbError, Tx},
        jobs::{self, After, Job},
    },
    payments::flow::receive,
    places::{self, model::Place},
    shops,
};

/// Payer and clerk stand there and wait.
const LOOK_MS: i64 = 3 * SECOND_MS;
/// A bank that was away for days tells within this time of its return.
const MAX_LOOK_MS: i64 = 30 * MINUTE_MS;
/// So long a bank that says "nobody paid" of an arming that goes on may be behind its own notice.
const BEHIND_MS: i64 = 2 * MINUTE_MS;

/// What the bank says of an arming.
enum Told {
    Paid(Box<SbpPayment>),
    Unpaid,
    Silent,
}

/// Looks for the sale of the job's transfer.
pub async fn run(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx
        .db
        .read(move |tx| {
            let Some(doubt) = store::find_doubt(tx, &id)? else { return Ok(None) };
            let Some(desk) = places::store::find_place_by_id(tx, &doubt.place_id)? else {
                return Ok(None);
            };
            let sales = store::list_meant(tx, &desk.id, doubt.seen_ms - MEANT_MS)?;
            Ok(Some((doubt, desk, sales)))
        })
        .await;
    let Some((doubt, desk, sales)) = found? else { return Ok(After::Done) };
    let is_fresh = ctx.now_ms() < doubt.seen_ms + BEHIND_MS;
    let (mut is_open, mut silent) = (false, None);
    let meant = sales.iter().filter(|sale| fits(sale, &doubt.seen));
    let (paid, unpaid): (Vec<&Sale>, Vec<&Sale>) = meant.partition(|it| it.payment_id.is_some());
    for sale in unpaid {
        // Many sales of one price take longer than a lease; who took it over goes on.
        let (held, now_ms) = (job.clone(), ctx.now_ms());
        let renewed: Result<bool, DbError> =
            ctx.db.write(move |tx| jobs::renew(tx, &held, now_ms)).await;
        if !renewed? {
            return Ok(After::Done);
        }
        let Some(arming_id) = &sale.arming_id else {
            // Its own job is finding out whether it was armed at all.
            is_open |= !sale.is_over();
            continue;
        };
        match ask(ctx, &desk, arming_id).await? {
            Told::Paid(paid) if is_same(&paid, &doubt.seen) => {
                let own = (Some(sale.clone()), *paid);
                conclude(ctx, doubt, desk, own).await?;
                return Ok(After::Done);
            }
            Told::Paid(paid) => {
                let (inner, sale) = (ctx.clone(), sale.clone());
                let settled: Result<Sale, DbError> =
                    ctx.db.write(move |tx| settle(tx, &inner, &sale, &paid)).await;
                settled?;
            }
            Told::Unpaid => is_open |= is_fresh && !sale.is_over(),
            Told::Silent => silent = Some("the bank does not tell what an arming brought"),
        }
    }
    let again_ms = next_look_ms(ctx.now_ms(), doubt.seen_ms);
    if let Some(why) = silent {
        return Ok(After::Retry { at_ms: again_ms, why: why.into() });
    }
    if is_open {
        return Ok(After::At(again_ms));
    }
    // A sale whose payment has no name of its transfer waits for just this one; else it is
    // nobody's.
    let own = (paid.last().map(|sale| (*sale).clone()), doubt.seen.clone());
    conclude(ctx, doubt, desk, own).await?;
    Ok(After::Done)
}

/// The longer it lasts the fewer wait for it: a bank that is away is asked ever more rarely.
fn next_look_ms(now_ms: i64, seen_ms: i64) -> i64 {
    now_ms + ((now_ms - seen_ms) / 10).clamp(LOOK_MS, MAX_LOOK_MS)
}

async fn ask(ctx: &Ctx, desk: &Place, arming_id: &str) -> anyhow::Result<Told> {
    let connection = shops::flow::get_connection(ctx, &desk.connection_id).await?;
    let code_id = desk.code_id.clone().unwrap_or_default();
    let op = BankOp::Sbp(SbpOp::Desk(DeskOp::Payment { code_id, arming_id: arming_id.to_owned() }));
    let outcome = ask_now(ctx, &connection, &op).await?;
    let payment = match outcome {
        Outcome::Done(Answer::Sbp(SbpWord::DeskPayment { payment, .. })) => payment,
        // What the bank does not know of any more was not paid; a key that is refused, or a
        // request that it does not understand, tells nothing.
        Outcome::Refused(refusal) if refusal.class == RefusalClass::NotFound => None,
        Outcome::Refused(_)
        | Outcome::Done(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => return Ok(Told::Silent),
    };
    let paid = payment.filter(|paid| paid.status == Some(BankStatus::Paid));
    Ok(paid.map_or(Told::Unpaid, |paid| Told::Paid(Box::new(paid))))
}

/// An arming is paid once: where the bank does not name its transfer, it is this one.
fn is_same(paid: &SbpPayment, seen: &SbpPayment) -> bool {
    paid.trx_id.as_ref().zip(seen.trx_id.as_ref()).is_none_or(|(a, b)| a == b)
}

/// The transfer becomes the sale's payment, or one of its own, and is in doubt no more.
async fn conclude(
    ctx: &Ctx,
    doubt: Doubt,
    desk: Place,
    (sale, told): (Option<Sale>, SbpPayment),
) -> Result<(), DbError> {
    let inner = ctx.clone();
    ctx.db.write(move |tx| close(tx, &inner, &doubt, &desk, (sale, told))).await
}

fn close(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    doubt: &Doubt,
    desk: &Place,
    (sale, told): (Option<Sale>, SbpPayment),
) -> Result<(), DbError> {
    places::store::lock_place(tx, &desk.id)?;
    // Somebody else may have been faster.
    if store::find_doubt(tx, &doubt.id)?.is_none() {
        return Ok(());
    }
    store::delete_doubt(tx, &doubt.id)?;
    let seen = SbpPayment { at: told.at, ..doubt.seen.clone() };
    match (find_known(tx, desk, &seen)?, sale) {
        (Some(payment_id), _) => receive::learn(tx, ctx, &desk.shop_id, &payment_id, &seen),
        (None, Some(sale)) => settle(tx, ctx, &sale, &seen).map(|_| ()),
        (None, None) => receive_alone(tx, ctx, desk, &seen).map(|_| ()),
    }
}
