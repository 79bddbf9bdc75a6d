//! One link at several banks: pure decisions.
//!
//! A link is at one bank at a time. When it moves on, what may exist at the bank it leaves becomes
//! an **attempt**: a payment row of its own that is driven like any other, is never opened, and
//! announces nothing by itself. Whichever of them gets money first carries the link from then on
//! ([`trade`]); money that comes to another one after that is given back ([`judge`]).

use super::{
    model::{Facts, Failure, Intents, Origin, Payment, RefundState, Status},
    route::Route,
};

const MINUTE_MS: i64 = 60_000;

/// The code of the failure to close a link at a bank that has no way to do it.
pub const CANNOT_CLOSE: &str = "bank_cannot_close";
/// Moves of one link. Each leaves something to watch behind; a payer has two or three banks.
pub const MAX_MOVES: u32 = 20;

/// How a link goes to another bank.
#[derive(Clone, Debug)]
pub struct Move {
    /// The place in [`Payment::routes`].
    pub to: usize,
    /// Its number there.
    pub reference: String,
    /// The id of what is left behind.
    pub attempt_id: String,
    /// The first bank refused to open it, so nothing is left behind and it is not tried again.
    pub refusal: Option<Failure>,
    pub now_ms: i64,
}

/// What to do about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Leave,
    /// It has the money: it becomes the link, and what was the link becomes an attempt.
    Trade,
    /// The link was paid twice: this money goes back.
    GiveBack,
    /// Money is held twice: this hold is released.
    Release,
}

/// Whether money ever came to it. Money that was given back since counts: the order had its day.
fn had_money(payment: &Payment) -> bool {
    !payment.facts.paid.is_zero() || !payment.facts.authorized.is_zero()
}

/// The link at its next bank, and what it leaves behind. `None` when it cannot move any more.
pub fn leave(link: &Payment, by: &Move) -> Option<(Payment, Option<Payment>)> {
    let route = link.routes.get(by.to)?;
    let is_waiting = matches!(link.status(), Status::Opening | Status::Open);
    let has_time = by.now_ms < link.expires_ms && link.moves < MAX_MOVES;
    if !is_waiting || !has_time || had_money(link) {
        return None;
    }
    let is_choice = link.intents.move_to == Some(by.to);
    let mut next = link.clone();
    next.connection_id.clone_from(&route.connection_id);
    next.bank.clone_from(&route.bank);
    next.bank_methods = if is_choice { route.own_methods() } else { route.methods.clone() };
    next.reference.clone_from(&by.reference);
    next.intents = Intents { open_tries: link.intents.open_tries, ..Intents::default() };
    next.facts = Facts::default();
    next.moves += 1;
    next.ttl_minutes = minutes_left(link, by.now_ms);
    next.asked_ms = 0;
    next.dense_until_ms = next.dense_until_ms.max(by.now_ms + super::schedule::DENSE_FOR_MS);
    if by.refusal.is_some() {
        for route in next.routes.iter_mut().filter(|it| it.connection_id == link.connection_id) {
            route.is_out = true;
        }
        // Another request may have made it all the same.
        if link.facts.bank_id.is_none() {
            return Some((next, None));
        }
    }
    let may_exist = link.intents.open_asked_ms.is_some() || link.facts.bank_id.is_some();
    let attempt = may_exist.then(|| set_aside(link, &by.attempt_id, by.now_ms));
    Some((next, attempt))
}

/// The link's own end stays what it was, wherever it is.
fn minutes_left(link: &Payment, now_ms: i64) -> u32 {
    let minutes = (link.expires_ms - now_ms + MINUTE_MS - 1) / MINUTE_MS;
    u32::try_from(minutes).unwrap_or(0).clamp(1, link.ttl_minutes.max(1))
}

/// What stays behind: asked about until it ends, and closed where the bank can do that.
fn set_aside(link: &Payment, attempt_id: &str, now_ms: i64) -> Payment {
    let mut attempt = link.clone();
    attempt.id = attempt_id.to_owned();
    attempt.attempt_of = Some(link.id.clone());
    attempt.routes = Vec::new();
    attempt.attempts = Vec::new();
    attempt.intents.move_to = None;
    attempt.intents.void_requested_ms = Some(now_ms);
    attempt
}

/// What follows for an attempt from what is known of it and of its link.
pub fn judge(link: &Payment, attempt: &Payment) -> Verdict {
    // A request to close it is on its way: first what became of that.
    if attempt.is_voiding() && attempt.intents.void_asked_ms.is_some() {
        return Verdict::Leave;
    }
    let has_paid = !attempt.refundable().is_zero();
    let has_hold = attempt.is_held();
    match (has_paid, has_hold, had_money(link)) {
        (true, _, false) | (_, true, false) => Verdict::Trade,
        // One that the bank refused is for a person: the event says so.
        (true, _, true) if gave_back_in_vain(attempt) => Verdict::Leave,
        (true, _, true) => Verdict::GiveBack,
        (false, true, true) if !attempt.is_voiding() && !released_in_vain(attempt) => {
            Verdict::Release
        }
        (false, _, _) => Verdict::Leave,
    }
}

fn gave_back_in_vain(attempt: &Payment) -> bool {
    let mut ours = attempt.refunds.iter().filter(|refund| refund.origin == Origin::Shop);
    ours.any(|refund| matches!(refund.state, RefundState::Failed(_)))
}

/// That it could not be closed while nobody had paid says nothing of a hold.
fn released_in_vain(attempt: &Payment) -> bool {
    let failure = attempt.intents.void_failure.as_ref();
    failure.is_some_and(|failure| failure.code != CANNOT_CLOSE)
}

/// The attempt becomes the link, and the link the attempt: all that belongs to a bank changes
/// sides, all that belongs to the shop stays.
pub fn trade(link: &Payment, attempt: &Payment, now_ms: i64) -> (Payment, Payment) {
    let (mut first, mut second) = (link.clone(), attempt.clone());
    std::mem::swap(&mut first.connection_id, &mut second.connection_id);
    std::mem::swap(&mut first.bank, &mut second.bank);
    std::mem::swap(&mut first.bank_methods, &mut second.bank_methods);
    std::mem::swap(&mut first.reference, &mut second.reference);
    std::mem::swap(&mut first.intents, &mut second.intents);
    std::mem::swap(&mut first.facts, &mut second.facts);
    std::mem::swap(&mut first.refunds, &mut second.refunds);
    std::mem::swap(&mut first.asked_ms, &mut second.asked_ms);
    first.dense_until_ms = now_ms + super::schedule::DENSE_FOR_MS;
    second.dense_until_ms = first.dense_until_ms;
    first.intents.void_requested_ms = None;
    first.intents.void_asked_ms = None;
    first.intents.void_failure = None;
    second.intents.move_to = None;
    second.intents.void_requested_ms = Some(now_ms);
    (first, second)
}

/// The bank to try when the one that the link is at cannot open it: the next that has not refused.
pub fn next_route(link: &Payment) -> Option<usize> {
    if link.moves >= MAX_MOVES {
        return None;
    }
    let is_here = |route: &Route| route.connection_id == link.connection_id;
    let here = link.routes.iter().position(is_here)?;
    let count = link.routes.len();
    (1..count).map(|step| (here + step) % count).find(|at| {
        let route = link.routes.get(*at);
        route.is_some_and(|route| !route.is_out && !route.methods.is_empty())
    })
}

/// Where a payer who wants to pay this way, or elsewhere, can go.
pub fn other_route(link: &Payment, at: usize, now_ms: i64) -> Option<&Route> {
    let route = link.routes.get(at)?;
    let is_other = route.connection_id != link.connection_id && !route.is_out;
    let is_waiting = matches!(link.status(), Status::Opening | Status::Open);
    let has_time = now_ms < link.expires_ms && link.moves < MAX_MOVES;
    (is_other && is_waiting && has_time && link.attempt_of.is_none()).then_some(route)
}
