//! Use cases of places, each inside one transaction. Calls to the bank are in [`super::drive`] and
//! [`super::listing`], between transactions.

use kopeck_banks::{
    Money,
    bank::{NoticeNews, Step},
    op::{CodeKind, Outcome, Refusal, SbpPayment, StatementLine},
};

use super::{
    drive::{INVOICE_TTL_MINUTES, register_op},
    model::{Place, Transfer},
    state, store,
};
use crate::{
    gateway::flow::get_bank,
    kit::{
        Ctx,
        clock::DAY_MS,
        db::{DbError, Tx},
        jobs,
    },
    payments::flow::receive::{self, Source},
    qr,
    shops::{self, model::Connection},
};

/// The kind of the job that makes a place's code; its subject is the place's id.
pub const JOB: &str = "place";
/// The kind of the job that reads the bank's list of transfers; its subject is the connection's id.
pub const LISTING_JOB: &str = "transfers";
/// Letters of a purpose's number: two places never share one by chance.
const NUMBER_CHARS: usize = 6;

/// What a shop asks for, already read and checked for its shape.
#[derive(Clone, Debug)]
pub struct NewPlace {
    pub kind: CodeKind,
    pub name: String,
    pub amount: Option<Money>,
    pub vat: Option<Money>,
    /// The payer reads it; the name if there is none.
    pub purpose: Option<String>,
    pub ttl_minutes: Option<u32>,
}

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    /// The bank would refuse it, or refused it.
    Bank(Refusal),
    NoSuchPlace,
    /// The bank did not make its code yet, or never.
    NoCode,
    Suspended,
    NotConnected,
    /// The words of the banks that are connected.
    UnknownBank(Vec<String>),
    Drawing(qr::Problem),
    Internal(anyhow::Error),
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Internal(error.into())
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::Internal(error)
    }
}

/// The connection of that bank, or of that id; else the newest one whose bank makes such codes.
pub async fn connection_for(
    ctx: &Ctx,
    shop_id: &str,
    wanted: Option<&str>,
    kind: CodeKind,
) -> Result<Connection, Problem> {
    let all = shops::flow::list_connections(ctx, shop_id).await?;
    let banks: Vec<String> = all.iter().map(|connection| connection.bank.clone()).collect();
    let can = |connection: &Connection| {
        get_bank(&connection.bank).is_ok_and(|it| it.capabilities().sbp_codes.contains(&kind))
    };
    let is_it = |connection: &Connection| match wanted {
        Some(word) => connection.bank == word || connection.id == word,
        None => true,
    };
    let mut fitting: Vec<Connection> = all.into_iter().filter(is_it).collect();
    // Where none can, the newest one's bank says in its own words that it has no such codes.
    let at = fitting.iter().rposition(can).or(fitting.len().checked_sub(1));
    match (at, banks.is_empty()) {
        (Some(at), _) => Ok(fitting.swap_remove(at)),
        (None, true) => Err(Problem::NotConnected),
        (None, false) => Err(Problem::UnknownBank(banks)),
    }
}

/// Plans a place without saving it; what the bank would refuse is refused here.
pub fn plan(ctx: &Ctx, connection: &Connection, new: NewPlace) -> Result<Place, Problem> {
    let words = new.purpose.as_deref().unwrap_or(&new.name).trim().to_owned();
    let place = Place {
        id: ctx.mint.id("plc"),
        shop_id: connection.shop_id.clone(),
        connection_id: connection.id.clone(),
        bank: connection.bank.clone(),
        kind: new.kind,
        name: new.name,
        amount: new.amount,
        vat: new.vat,
        purpose: Place::tail(&words, &ctx.mint.code(NUMBER_CHARS)),
        ttl_minutes: match new.kind {
            CodeKind::Invoice => new.ttl_minutes.or(Some(INVOICE_TTL_MINUTES)),
            CodeKind::Static | CodeKind::Dynamic | CodeKind::Desk => None,
        },
        point_id: None,
        account_id: None,
        code_id: None,
        code_url: None,
        asked_ms: None,
        failure: None,
        suspended_ms: None,
        created_ms: ctx.now_ms(),
    };
    // Point and account are found later; these have the right shape.
    let op = register_op(&place, "MA0000000000", "00000000000000000000/000000000");
    match get_bank(&connection.bank)?.start(&connection.credentials, &op) {
        Step::Done(Outcome::Refused(refusal)) => Err(Problem::Bank(refusal)),
        Step::Done(_) | Step::Send(_) => Ok(place),
    }
}

/// Saves a planned place; the caller then lets it be driven.
pub fn create(tx: &mut dyn Tx, ctx: &Ctx, place: &Place) -> Result<(), DbError> {
    store::insert_place(tx, place)?;
    jobs::nudge(tx, &ctx.mint, JOB, &place.id, ctx.now_ms())
}

/// Suspends a place, or takes it up again. Doing so twice is no error.
pub fn suspend(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    id: &str,
    is_suspended: bool,
) -> Result<Place, Problem> {
    let found = store::lock_place(tx, id)?.filter(|place| place.shop_id == shop_id);
    let mut place = found.ok_or(Problem::NoSuchPlace)?;
    if place.code_id.is_none() {
        return Err(Problem::NoCode);
    }
    if place.suspended_ms.is_some() != is_suspended {
        place.suspended_ms = is_suspended.then(|| ctx.now_ms());
        store::update_place(tx, &place)?;
    }
    Ok(place)
}

/// The code exists at the bank: from now on its payments are looked for.
pub fn open(tx: &mut dyn Tx, ctx: &Ctx, id: &str, code: (String, String)) -> Result<(), DbError> {
    let Some(mut place) = store::lock_place(tx, id)? else { return Ok(()) };
    let (code_id, code_url) = code;
    place.code_id = Some(code_id);
    place.code_url = Some(code_url);
    store::update_place(tx, &place)?;
    jobs::nudge(tx, &ctx.mint, LISTING_JOB, &place.connection_id, ctx.now_ms())
}

/// A notice told of something else than a payment of ours: perhaps a place was paid.
pub fn take_news(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection: &Connection,
    news: &NoticeNews,
) -> Result<Option<String>, DbError> {
    match news {
        NoticeNews::SbpPayment(seen) => hear(tx, ctx, &connection.id, seen),
        NoticeNews::CardBinding(_) | NoticeNews::AccountBinding(_) | NoticeNews::Fiscal(_) => {
            Ok(None)
        }
    }
}

/// The one door for "somebody paid": notice and list end here. Returns the payment that it is, if
/// it came by a place and its sum is known. Any number of sources in any order make one payment.
pub fn hear(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection_id: &str,
    seen: &SbpPayment,
) -> Result<Option<String>, DbError> {
    let place = store::lock_place_of_code(tx, connection_id, &seen.code_id)?;
    let Some(place) = place.filter(|place| state::is_ours(place, seen)) else { return Ok(None) };
    let Some(key) = state::key(&place, seen) else {
        // It cannot be told from others: the list names it.
        jobs::nudge(tx, &ctx.mint, LISTING_JOB, connection_id, ctx.now_ms())?;
        return Ok(None);
    };
    let known = store::find_transfer(tx, connection_id, &key)?;
    if let Some(payment_id) = known.as_ref().and_then(|known| known.payment_id.clone()) {
        receive::learn(tx, ctx, &place.shop_id, &payment_id, seen)?;
        return Ok(Some(payment_id));
    }
    let mut transfer = match known {
        Some(known) => known,
        None => new_transfer(tx, ctx, &place, key)?,
    };
    let Some(amount) = state::sum(&place, seen) else {
        store::upsert_transfer(tx, &transfer)?;
        return Ok(None);
    };
    // The statement may have told of it before, without saying which it was.
    let payment_id = match store::find_line(tx, &place.id, amount)? {
        Some(line) => {
            store::delete_transfer(tx, &line)?;
            let payment_id = line.payment_id.unwrap_or_default();
            receive::learn(tx, ctx, &place.shop_id, &payment_id, seen)?;
            payment_id
        }
        None => receive::receive(tx, ctx, &source(&place), amount, seen)?.id,
    };
    transfer.amount = Some(amount);
    transfer.payment_id = Some(payment_id.clone());
    store::upsert_transfer(tx, &transfer)?;
    Ok(Some(payment_id))
}

fn new_transfer(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    place: &Place,
    key: String,
) -> Result<Transfer, DbError> {
    let listed = store::find_listing(tx, &place.connection_id)?;
    let seen_ms = ctx.now_ms();
    if place.suspended_ms.is_some() {
        tracing::warn!(place = place.id, "somebody paid by the suspended code of {}", place.id);
    }
    Ok(Transfer {
        connection_id: place.connection_id.clone(),
        key,
        place_id: place.id.clone(),
        amount: None,
        after_ms: listed.map_or(0, |listed| listed.listed_ms).max(place.created_ms).min(seen_ms),
        seen_ms,
        is_line: false,
        is_late: place.suspended_ms.is_some(),
        payment_id: None,
    })
}

fn source(place: &Place) -> Source<'_> {
    Source {
        shop_id: &place.shop_id,
        connection_id: &place.connection_id,
        bank: &place.bank,
        place_id: &place.id,
        amount: place.amount,
        purpose: &place.purpose,
    }
}

/// A statement's lines about a place: those that tell of payments whose sums nobody told become
/// payments. Returns how many.
pub fn book(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    place_id: &str,
    lines: &[StatementLine],
) -> Result<usize, DbError> {
    let Some(place) = store::lock_place(tx, place_id)? else { return Ok(0) };
    let open = store::list_transfers(tx, place_id, i64::MAX)?;
    let Some(start_ms) = state::start_ms(&open) else { return Ok(0) };
    let since_ms = start_ms - (state::MARGIN_DAYS + 1) * DAY_MS;
    let transfers = store::list_transfers(tx, place_id, since_ms)?;
    let fresh = state::fresh_lines(&place, &transfers, lines);
    for line in &fresh {
        let seen = SbpPayment {
            code_id: place.code_id.clone().unwrap_or_default(),
            ..SbpPayment::default()
        };
        let payment = receive::receive(tx, ctx, &source(&place), line.amount, &seen)?;
        let mut transfer = new_transfer(tx, ctx, &place, ctx.mint.id("line"))?;
        transfer.after_ms = start_ms;
        transfer.amount = Some(line.amount);
        transfer.is_line = true;
        transfer.payment_id = Some(payment.id);
        store::upsert_transfer(tx, &transfer)?;
    }
    Ok(fresh.len())
}

/// Reading the list goes on for every connection that has codes: called when the server starts.
pub fn schedule(tx: &mut dyn Tx, ctx: &Ctx) -> Result<(), DbError> {
    for connection_id in store::list_connections(tx)? {
        jobs::nudge(tx, &ctx.mint, LISTING_JOB, &connection_id, ctx.now_ms())?;
    }
    Ok(())
}
