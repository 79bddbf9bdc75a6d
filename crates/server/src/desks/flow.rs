//! Use cases of desks, each inside one transaction. Calls to the bank are in [`super::drive`],
//! between transactions.

use kopeck_banks::{
    Money,
    bank::{NoticeNews, Step},
    op::{BankOp, BankStatus, CodeKind, DeskOp, Outcome, SbpOp, SbpPayment},
};

use super::{
    model::{Doubt, Ending, Sale},
    state::{Meant, meant},
    store,
};
use crate::{
    gateway::flow::get_bank,
    kit::{
        Ctx,
        clock::{DAY_MS, MINUTE_MS},
        db::{DbError, Tx},
        jobs,
    },
    payments::{
        flow::receive::{self, Source},
        model::Failure,
    },
    places::{
        self,
        flow::Problem as PlaceProblem,
        model::{Place, State as PlaceState},
    },
    shops::model::Connection,
};

/// The kind of the job that drives a sale; its subject is the sale's id.
pub const JOB: &str = "sale";
/// The kind of the job that finds out whose a transfer is; its subject is the doubt's id.
pub const DOUBT_JOB: &str = "doubt";
/// Letters of a purpose's number.
const NUMBER_CHARS: usize = 6;
/// How far back an unpaid sale may be meant by a notice that comes late.
pub const MEANT_MS: i64 = DAY_MS;

/// What a clerk asks for, already read and checked for its shape.
#[derive(Clone, Debug)]
pub struct NewSale {
    pub amount: Money,
    /// The desk's name if there is none.
    pub purpose: Option<String>,
    pub ttl_minutes: u32,
    pub clerk: Option<String>,
}

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    Place(PlaceProblem),
    NoSuchDesk,
    /// Another sale goes on there.
    Busy(Box<Sale>),
    /// There is no sale to cancel.
    Idle,
    NoSuchLink,
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Place(error.into())
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::Place(error.into())
    }
}

/// A desk of the shop.
pub fn get_desk(tx: &mut dyn Tx, shop_id: &str, id: &str) -> Result<Place, Problem> {
    let found = places::store::find_place(tx, shop_id, id)?;
    found.filter(|place| place.kind == CodeKind::Desk).ok_or(Problem::NoSuchDesk)
}

/// Plans a sale without saving it; what the bank would refuse is refused here.
pub fn plan(
    ctx: &Ctx,
    connection: &Connection,
    desk: &Place,
    new: NewSale,
) -> Result<Sale, Problem> {
    match desk.state() {
        PlaceState::Active => {}
        PlaceState::Suspended => return Err(Problem::Place(PlaceProblem::Suspended)),
        PlaceState::Opening | PlaceState::Failed => {
            return Err(Problem::Place(PlaceProblem::NoCode));
        }
    }
    let words = new.purpose.as_deref().unwrap_or(&desk.name).trim();
    let now_ms = ctx.now_ms();
    let sale = Sale {
        id: ctx.mint.id("sale"),
        shop_id: desk.shop_id.clone(),
        place_id: desk.id.clone(),
        connection_id: desk.connection_id.clone(),
        amount: new.amount,
        purpose: format!("{words} №{}", ctx.mint.code(NUMBER_CHARS)),
        ttl_minutes: new.ttl_minutes,
        clerk: new.clerk,
        asked_ms: None,
        looks: 0,
        looked_ms: 0,
        arming_id: None,
        is_paying: false,
        cancel_ms: None,
        disarm_asked_ms: None,
        until_ms: now_ms + i64::from(new.ttl_minutes) * MINUTE_MS,
        ending: None,
        ended_ms: None,
        failure: None,
        payment_id: None,
        trx_id: None,
        created_ms: now_ms,
    };
    let op = arm_op(desk, &sale);
    match get_bank(&connection.bank)?.start(&connection.credentials, &op) {
        Step::Done(Outcome::Refused(refusal)) => Err(Problem::Place(PlaceProblem::Bank(refusal))),
        Step::Done(_) | Step::Send(_) => Ok(sale),
    }
}

/// The operation that arms the desk's code for this sale.
pub fn arm_op(desk: &Place, sale: &Sale) -> BankOp {
    BankOp::Sbp(SbpOp::Desk(DeskOp::Arm {
        code_id: desk.code_id.clone().unwrap_or_default(),
        amount: sale.amount,
        purpose: Some(sale.purpose.clone()),
        ttl_minutes: sale.ttl_minutes,
    }))
}

/// Saves a planned sale, unless the desk has one; the caller then lets it be driven.
pub fn start(tx: &mut dyn Tx, ctx: &Ctx, sale: &Sale) -> Result<(), Problem> {
    // Held until the end, so that two clerks come one after the other.
    places::store::lock_place(tx, &sale.place_id)?.ok_or(Problem::NoSuchDesk)?;
    if let Some(live) = store::find_live(tx, &sale.place_id)? {
        return Err(Problem::Busy(Box::new(live)));
    }
    store::insert_sale(tx, sale)?;
    Ok(jobs::nudge(tx, &ctx.mint, JOB, &sale.id, ctx.now_ms())?)
}

/// Nobody waits for the payment any more. Asking again is no error.
pub fn cancel(tx: &mut dyn Tx, ctx: &Ctx, shop_id: &str, desk_id: &str) -> Result<Sale, Problem> {
    let desk = get_desk(tx, shop_id, desk_id)?;
    places::store::lock_place(tx, &desk.id)?;
    let Some(mut sale) = store::find_live(tx, &desk.id)? else { return Err(Problem::Idle) };
    if sale.cancel_ms.is_none() {
        sale.cancel_ms = Some(ctx.now_ms());
        store::update_sale(tx, &sale)?;
    }
    jobs::nudge(tx, &ctx.mint, JOB, &sale.id, ctx.now_ms())?;
    Ok(sale)
}

/// Changes a sale as it is now; whoever holds its desk is alone with it.
pub fn change(
    tx: &mut dyn Tx,
    sale: &Sale,
    change: impl FnOnce(&mut Sale),
) -> Result<Sale, DbError> {
    places::store::lock_place(tx, &sale.place_id)?;
    let Some(mut now) = store::find_sale(tx, &sale.id)? else { return Ok(sale.clone()) };
    change(&mut now);
    store::update_sale(tx, &now)?;
    Ok(now)
}

/// Marks the request that arms the code as about to leave; `false` when it must not: somebody else
/// sent it meanwhile, or nobody wants it any more.
pub fn begin(tx: &mut dyn Tx, sale: &Sale, now_ms: i64) -> Result<(Sale, bool), DbError> {
    places::store::lock_place(tx, &sale.place_id)?;
    let Some(mut now) = store::find_sale(tx, &sale.id)? else { return Ok((sale.clone(), false)) };
    if now.asked_ms.is_some() || now.is_over() || now.cancel_ms.is_some() {
        return Ok((now, false));
    }
    now.asked_ms = Some(now_ms);
    store::update_sale(tx, &now)?;
    Ok((now, true))
}

/// Ends a sale that nobody paid. What is over stays as it is.
pub fn end(sale: &mut Sale, ending: Ending, failure: Option<Failure>, now_ms: i64) {
    if !sale.is_over() {
        sale.ending = Some(ending);
        sale.ended_ms = Some(now_ms);
        sale.failure = failure;
        sale.is_paying = false;
    }
}

/// The transfer that paid a sale becomes its payment, once, whoever tells of it.
pub fn settle(tx: &mut dyn Tx, ctx: &Ctx, sale: &Sale, seen: &SbpPayment) -> Result<Sale, DbError> {
    let Some(desk) = places::store::lock_place(tx, &sale.place_id)? else {
        return Ok(sale.clone());
    };
    let Some(mut now) = store::find_sale(tx, &sale.id)? else { return Ok(sale.clone()) };
    if let Some(payment_id) = now.payment_id.clone() {
        if is_another(now.trx_id.as_deref(), seen.trx_id.as_deref()) {
            // One sale has one transfer; this one is money all the same, and kept once.
            if find_known(tx, &desk, seen)?.is_none() {
                receive_alone(tx, ctx, &desk, seen)?;
            }
            return Ok(now);
        }
        receive::learn(tx, ctx, &now.shop_id, &payment_id, seen)?;
        if now.trx_id.is_none() && seen.trx_id.is_some() {
            now.trx_id.clone_from(&seen.trx_id);
            store::update_sale(tx, &now)?;
        }
        return Ok(now);
    }
    // A notice may have come before anybody knew whose it was.
    let known = match seen.trx_id.as_deref() {
        Some(trx_id) => store::find_payment_of_transfer(tx, &desk.id, trx_id)?,
        None => None,
    };
    let payment_id = match known {
        Some(payment_id) => payment_id,
        None => {
            let source = source(&desk, now.amount, &now.purpose);
            let paid = seen.amount.filter(|it| !it.is_zero()).unwrap_or(now.amount);
            receive::receive(tx, ctx, &source, paid, seen)?.id
        }
    };
    now.payment_id = Some(payment_id);
    now.trx_id = seen.trx_id.clone().or(now.trx_id);
    now.is_paying = false;
    now.ended_ms = Some(ctx.now_ms());
    store::update_sale(tx, &now)?;
    Ok(now)
}

/// Both are named and differ.
fn is_another(known: Option<&str>, seen: Option<&str>) -> bool {
    known.zip(seen).is_some_and(|(known, seen)| known != seen)
}

fn source<'a>(desk: &'a Place, amount: Money, purpose: &'a str) -> Source<'a> {
    Source {
        shop_id: &desk.shop_id,
        connection_id: &desk.connection_id,
        bank: &desk.bank,
        place_id: &desk.id,
        amount: Some(amount),
        purpose,
    }
}

/// A notice told that somebody paid by a desk's code. It names no arming: where its purpose does
/// not tell whose it is either, the transfer is kept and the bank is asked about each arming that
/// it may have paid. Returns the payment that it is, if that is known; `None` too if it is about
/// no desk.
pub fn take_news(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection: &Connection,
    news: &NoticeNews,
) -> Result<Option<String>, DbError> {
    let NoticeNews::SbpPayment(seen) = news else { return Ok(None) };
    let desk = places::store::lock_place_of_code(tx, &connection.id, &seen.code_id)?;
    let Some(desk) = desk.filter(|it| it.kind == CodeKind::Desk) else { return Ok(None) };
    if seen.status != Some(BankStatus::Paid) {
        return Ok(None);
    }
    if let Some(payment_id) = find_known(tx, &desk, seen)? {
        receive::learn(tx, ctx, &desk.shop_id, &payment_id, seen)?;
        return Ok(Some(payment_id));
    }
    let sales = store::list_meant(tx, &desk.id, ctx.now_ms() - MEANT_MS)?;
    match meant(&sales, seen) {
        Meant::One(sale) => Ok(settle(tx, ctx, sale, seen)?.payment_id),
        Meant::Nobody => receive_alone(tx, ctx, &desk, seen),
        Meant::Unsure => doubt(tx, ctx, &desk, seen).map(|()| None),
    }
}

/// Money that belongs to no sale is a payment of the desk. A transfer without an id or a sum is
/// none: told twice, it would be two.
pub fn receive_alone(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    desk: &Place,
    seen: &SbpPayment,
) -> Result<Option<String>, DbError> {
    let amount = seen.amount.filter(|_| transfer_id(seen).is_some());
    let Some(amount) = amount.filter(|amount| !amount.is_zero()) else {
        tracing::warn!(desk = desk.id, "a notice without id or sum is no payment");
        return Ok(None);
    };
    let source = source(desk, amount, &desk.purpose);
    Ok(Some(receive::receive(tx, ctx, &source, amount, seen)?.id))
}

fn transfer_id(seen: &SbpPayment) -> Option<&str> {
    let told = seen.trx_id.as_deref().or(seen.ref_id.as_deref());
    told.filter(|id| !id.is_empty())
}

/// Keeps the transfer until it is known whose it is; told again, it is kept once.
fn doubt(tx: &mut dyn Tx, ctx: &Ctx, desk: &Place, seen: &SbpPayment) -> Result<(), DbError> {
    let Some(key) = transfer_id(seen) else { return Ok(()) };
    let id = format!("{} {key}", desk.id);
    if store::find_doubt(tx, &id)?.is_none() {
        let (place_id, seen_ms) = (desk.id.clone(), ctx.now_ms());
        store::insert_doubt(tx, &Doubt { id: id.clone(), place_id, seen: seen.clone(), seen_ms })?;
    }
    jobs::nudge(tx, &ctx.mint, DOUBT_JOB, &id, ctx.now_ms())
}

/// The payment that this transfer is already.
pub fn find_known(
    tx: &mut dyn Tx,
    desk: &Place,
    seen: &SbpPayment,
) -> Result<Option<String>, DbError> {
    let Some(trx_id) = seen.trx_id.as_deref() else { return Ok(None) };
    let sale = store::find_by_transfer(tx, &desk.id, trx_id)?;
    match sale.and_then(|sale| sale.payment_id) {
        Some(payment_id) => Ok(Some(payment_id)),
        None => store::find_payment_of_transfer(tx, &desk.id, trx_id),
    }
}
