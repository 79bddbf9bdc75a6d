//! The state machine of a payment: pure, monotone, order-free.
//!
//! [`apply`] takes a payment and something that happened and gives the next payment and what to
//! tell the world. Facts from the bank only ever grow, and what is announced is a function of the
//! payment ([`announcements`]), so any set of true observations, in any order and any number of
//! times, ends in the same payment with the same events announced once.

mod hold;
mod left;
mod shared;

pub use self::shared::Shared;

use std::collections::{BTreeMap, BTreeSet};

use kopeck_banks::{
    Money,
    op::{BankStatus, Observation, SbpTransfer},
};

use super::model::{Facts, Failure, Origin, Payment, Refund, RefundState, Status};
use crate::events::EventKind;

/// Something that happened to a payment.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The bank says so: notice, reply, poll, list or register.
    Observed(Observation),
    /// The request to open it is about to leave.
    OpenAsked {
        at_ms: i64,
    },
    /// It certainly did not arrive.
    OpenNotSent,
    OpenRefused(Failure),
    CaptureRequested {
        at_ms: i64,
        /// `None`: all that is held.
        amount: Option<Money>,
    },
    CaptureAsked {
        at_ms: i64,
    },
    CaptureNotSent,
    CaptureRefused(Failure),
    VoidRequested {
        at_ms: i64,
    },
    VoidAsked {
        at_ms: i64,
    },
    VoidNotSent,
    VoidRefused(Failure),
    /// The request to charge what was saved is about to leave. `known`: of a card that its bank
    /// keeps as a subscription, the approvals that are there already.
    ChargeAsked {
        at_ms: i64,
        known: Vec<String>,
    },
    /// It certainly did not arrive.
    ChargeNotSent,
    /// Nothing was taken, for certain.
    ChargeRefused(Failure),
    /// Of an operation that payments share: what of it is this payment's.
    Shared(Shared),
    /// What the bank has under our reference cannot be paid by anybody: it is tried anew under
    /// another one.
    Reopened {
        reference: String,
    },
    RefundRequested {
        id: String,
        amount: Money,
        reason: Option<String>,
        at_ms: i64,
    },
    RefundAsked {
        id: String,
        at_ms: i64,
    },
    RefundNotSent {
        id: String,
    },
    RefundAccepted {
        id: String,
    },
    /// The bank took it, not for good yet, and named it.
    RefundTaken {
        id: String,
        bank_request_id: String,
    },
    /// A statement is being made to find it in; `None`: the one that was made does not show it.
    RefundSought {
        id: String,
        statement_id: Option<String>,
    },
    RefundRefused {
        id: String,
        failure: Failure,
    },
    /// The bank's own list, read after the request, does not show it.
    RefundNotSeen {
        id: String,
        at_ms: i64,
    },
    /// The bank is about to be asked for the payment's QR code.
    QrAsked {
        at_ms: i64,
    },
    /// It gives none.
    QrRefused,
    /// The link's time and the bank's grace are over and the bank still says "unpaid".
    Lapsed,
}

/// What follows from an event. Data, for the flow to carry out in the same transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Announce {
        kind: EventKind,
        refund_id: Option<String>,
    },
    /// The bank has to be asked something: the payment's job is due now.
    Drive,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    pub next: Payment,
    pub effects: Vec<Effect>,
}

/// Why something asked of a payment cannot be done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Only a held payment can be captured.
    NotCapturable(Status),
    /// Less is held than is to be captured.
    CaptureTooLarge {
        held: Money,
    },
    /// Another sum is held than the order's: whoever captures it must say how much.
    CaptureAmountNeeded {
        held: Money,
    },
    /// Only a hold that nobody captures can be released.
    NotVoidable(Status),
    /// Nothing was paid, so nothing can be given back.
    NotRefundable(Status),
    RefundTooLarge {
        left: Money,
    },
    RefundOfNothing,
    /// The payment has no such refund, or not one that may be sent now.
    NoSuchRefund,
    /// More refunds than [`MAX_REFUNDS`].
    TooManyRefunds,
    /// The charge was sent before, or may not be sent any more.
    NotChargeable(Status),
}

/// Refunds of one payment. A bank's list of them is read whole with every look at the payment.
pub const MAX_REFUNDS: usize = 200;

/// After so many tries without an answer the payment goes on without a QR code, by the bank's page.
pub const MAX_QR_TRIES: u32 = 5;
/// As many tries as there can be: the bank said that it gives none.
const NO_QR: u32 = 1_000_000;

/// Lists without the refund before it is believed that the bank never had it …
const REFUND_ASKS: u32 = 5;
/// … and how long after the request at the least: longer than any request may wander about.
const REFUND_GIVE_UP_MS: i64 = 15 * 60 * 1_000;
/// The code of a refund that was given up: the one failure that is not certain.
const GIVEN_UP: &str = "refund_not_found";

pub fn apply(payment: &Payment, event: &Event) -> Result<Applied, Refused> {
    let mut next = payment.clone();
    let is_request = change(&mut next, event)?;
    settle_refunds(&mut next);
    left::settle(&mut next);
    let before = announcements(payment);
    let mut effects: Vec<Effect> = announcements(&next)
        .into_iter()
        .filter(|announcement| !before.contains(announcement))
        .map(|(kind, refund_id)| Effect::Announce { kind, refund_id })
        .collect();
    // A payment given up may come to life: its job has ended, and somebody must look after it.
    let revived = given_up(payment.status()) && !given_up(next.status());
    if revived || (is_request && next != *payment) {
        effects.push(Effect::Drive);
    }
    Ok(Applied { next, effects })
}

const fn given_up(status: Status) -> bool {
    matches!(status, Status::Expired | Status::Canceled | Status::Failed)
}

/// Everything that is to be known about a payment as it stands. Monotone: what joins never leaves.
pub fn announcements(payment: &Payment) -> BTreeSet<(EventKind, Option<String>)> {
    let facts = &payment.facts;
    let refused = payment.intents.failure.is_some();
    let lapsed = payment.is_charge() && facts.expired;
    let is_paid = !facts.paid.is_zero();
    // A bank may tell of the moment between holding and taking: nobody has to act on it.
    let is_held = payment.is_hold() && !facts.authorized.is_zero();
    let is_other_sum = payment.holds_other_sum() || (is_paid && facts.paid != payment.expected());
    let checks = [
        (facts.bank_id.is_some(), EventKind::PaymentOpened),
        (is_held && !payment.holds_other_sum(), EventKind::PaymentAuthorized),
        (is_paid && facts.paid == payment.expected(), EventKind::PaymentPaid),
        (is_other_sum, EventKind::PaymentAmountMismatch),
        (facts.expired && !payment.is_charge(), EventKind::PaymentExpired),
        (facts.canceled, EventKind::PaymentCanceled),
        (facts.declined || refused || lapsed, EventKind::PaymentFailed),
        (payment.intents.capture_failure.is_some(), EventKind::PaymentCaptureFailed),
        (is_paid && payment.refunded() >= facts.paid, EventKind::PaymentRefunded),
    ];
    let mut all: BTreeSet<_> =
        checks.into_iter().filter(|(holds, _)| *holds).map(|(_, kind)| (kind, None)).collect();
    for refund in &payment.refunds {
        if refund.origin == Origin::Shop {
            all.insert((EventKind::RefundCreated, Some(refund.id.clone())));
        }
        let settled = match refund.state {
            RefundState::Requested | RefundState::Asked { .. } => continue,
            RefundState::Succeeded => EventKind::RefundSucceeded,
            RefundState::Failed(_) => EventKind::RefundFailed,
        };
        all.insert((settled, Some(refund.id.clone())));
    }
    all
}

/// Changes the payment; says whether it was a request that the bank must now hear.
fn change(next: &mut Payment, event: &Event) -> Result<bool, Refused> {
    match event {
        Event::Observed(observation) if is_other(next, observation) => {}
        Event::Observed(observation) => {
            let expected = next.expected();
            let own = shared::own_part(next, observation);
            join(&mut next.facts, own.as_ref().unwrap_or(observation), expected);
        }
        Event::OpenAsked { at_ms } => {
            next.intents.open_asked_ms = Some(*at_ms);
            next.intents.open_tries += 1;
        }
        Event::OpenNotSent => next.intents.open_asked_ms = None,
        // An earlier request may have made the link after all: then only this one was refused.
        Event::OpenRefused(failure) if next.facts.bank_id.is_none() => {
            next.intents.failure = Some(failure.clone());
        }
        Event::OpenRefused(_) => {}
        Event::CaptureRequested { at_ms, amount } => {
            return hold::request_capture(next, *at_ms, *amount);
        }
        Event::CaptureAsked { at_ms } => next.intents.capture_asked_ms = Some(*at_ms),
        Event::CaptureNotSent => next.intents.capture_asked_ms = None,
        Event::CaptureRefused(failure) => next.intents.capture_failure = Some(failure.clone()),
        Event::VoidRequested { at_ms } => return hold::request_void(next, *at_ms),
        Event::VoidAsked { at_ms } => next.intents.void_asked_ms = Some(*at_ms),
        Event::VoidNotSent => next.intents.void_asked_ms = None,
        Event::VoidRefused(failure) => next.intents.void_failure = Some(failure.clone()),
        Event::ChargeAsked { at_ms, known } => ask_charge(next, *at_ms, known)?,
        Event::ChargeNotSent => next.intents.charge_asked_ms = None,
        Event::Shared(news) => shared::hear(next, news),
        Event::ChargeRefused(failure) if next.is_charge() => {
            next.intents.failure = Some(failure.clone());
        }
        Event::ChargeRefused(_) => {}
        Event::Reopened { reference } if next.facts.bank_id.is_none() => {
            next.reference.clone_from(reference);
            next.intents.open_asked_ms = None;
        }
        Event::Reopened { .. } => {}
        Event::RefundRequested { id, amount, reason, at_ms } => {
            request_refund(next, id, *amount, reason.clone(), *at_ms)?;
            return Ok(true);
        }
        Event::RefundAsked { id, at_ms } => ask_refund(next, id, *at_ms)?,
        Event::RefundNotSent { id } => move_refund(next, id, |_| RefundState::Requested)?,
        Event::RefundAccepted { id } => move_refund(next, id, |_| RefundState::Succeeded)?,
        Event::RefundRefused { id, failure } => {
            move_refund(next, id, |_| RefundState::Failed(failure.clone()))?;
        }
        Event::RefundNotSeen { id, at_ms } => move_refund(next, id, |s| not_seen(s, *at_ms))?,
        Event::RefundTaken { id, bank_request_id } => {
            let refund = next.refunds.iter_mut().find(|refund| refund.id == *id);
            let refund = refund.ok_or(Refused::NoSuchRefund)?;
            refund.bank_request_id = Some(bank_request_id.clone());
        }
        Event::RefundSought { id, statement_id } => {
            let refund = next.refunds.iter_mut().find(|refund| refund.id == *id);
            let refund = refund.ok_or(Refused::NoSuchRefund)?;
            refund.statement_id.clone_from(statement_id);
        }
        Event::QrAsked { at_ms } => {
            next.intents.qr_asked_ms = Some(*at_ms);
            next.intents.qr_tries += 1;
        }
        Event::QrRefused => next.intents.qr_tries = NO_QR,
        Event::Lapsed => {
            let facts = &mut next.facts;
            facts.expired |= facts.paid.is_zero() && facts.authorized.is_zero();
        }
    }
    Ok(false)
}

/// Whether it is about another operation: one with another id, or one under another reference,
/// such as one that was given up and whose answer came late. A bank that names our id beside a
/// reference that is not ours contradicts itself, and nothing of that is believed.
pub fn is_other(payment: &Payment, seen: &Observation) -> bool {
    let Some(id) = &seen.bank_id else { return false };
    let is_other_id = payment.facts.bank_id.as_ref().is_some_and(|own| own != id);
    is_other_id || seen.reference.as_ref().is_some_and(|it| *it != payment.reference)
}

/// A charge leaves once. A driver whose lease passed on while it waited learns it here.
fn ask_charge(next: &mut Payment, at_ms: i64, known: &[String]) -> Result<(), Refused> {
    let is_open = next.status() == Status::Open && next.is_charge();
    if !is_open || next.intents.charge_asked_ms.is_some() {
        return Err(Refused::NotChargeable(next.status()));
    }
    next.intents.charge_asked_ms = Some(at_ms);
    next.intents.approvals_before = known.to_vec();
    Ok(())
}

/// Joins what the bank said into what is known. Every field takes the larger of two values, so the
/// order of joining does not matter.
fn join(facts: &mut Facts, seen: &Observation, expected: Money) {
    join_sums(facts, seen, expected);
    facts.bank_id = facts.bank_id.take().max(seen.bank_id.clone());
    facts.bank_url = facts.bank_url.take().max(seen.url.clone());
    facts.method = facts.method.take().max(seen.method.clone());
    facts.payer_id = facts.payer_id.take().max(seen.payer_id.clone());
    facts.qr_payload = facts.qr_payload.take().max(seen.qr_payload.clone());
    join_transfer(facts, seen.transfer.as_deref());
    facts.paid_ms = facts.paid_ms.max(seen.paid_at.map(|at| at.as_millisecond()));
    join_refunds(facts, &seen.refunds);
    match seen.status {
        Some(BankStatus::Expired) => facts.expired = true,
        Some(BankStatus::Canceled) => facts.canceled = true,
        Some(BankStatus::Declined) => {
            facts.declined = true;
            let told = seen.decline.as_deref().map(Failure::from);
            facts.decline = facts.decline.take().max(told);
        }
        Some(BankStatus::Refunded) => facts.fully_refunded = true,
        Some(
            BankStatus::Created
            | BankStatus::InProgress
            | BankStatus::Authorized
            | BankStatus::Paid
            | BankStatus::Refunding
            | BankStatus::PartiallyRefunded,
        )
        | None => {}
    }
}

fn join_refunds(facts: &mut Facts, seen: &BTreeMap<String, Money>) {
    for (id, amount) in seen {
        let known = facts.refunds.entry(id.clone()).or_default();
        *known = (*known).max(*amount);
    }
}

/// Sources name different ids of one transfer.
fn join_transfer(facts: &mut Facts, seen: Option<&SbpTransfer>) {
    let Some(seen) = seen else { return };
    let known = facts.transfer.get_or_insert_default();
    known.trx_id = known.trx_id.take().max(seen.trx_id.clone());
    known.ref_id = known.ref_id.take().max(seen.ref_id.clone());
}

/// A bank that tells one sum tells what is left once something was given back: then what was paid
/// is what we expected, until it is told.
///
/// Of two sums that contradict each other the larger is believed. So "all of it is left" is no
/// bound: said of a smaller sum it would look as if the rest had been given back.
fn join_sums(facts: &mut Facts, seen: &Observation, expected: Money) {
    facts.authorized = facts.authorized.max(seen.authorized.unwrap_or_default());
    let is_whole = seen.left == seen.paid || seen.left == seen.authorized;
    facts.left = match (facts.left, seen.left.filter(|_| !is_whole)) {
        (Some(known), Some(told)) => Some(known.min(told)),
        (known, told) => known.or(told),
    };
    let gave_back = matches!(
        seen.status,
        Some(BankStatus::Refunding | BankStatus::PartiallyRefunded | BankStatus::Refunded)
    );
    let paid = seen.paid.or(Some(expected).filter(|_| seen.is_paid_whole));
    match paid.filter(|paid| !paid.is_zero()) {
        Some(paid) if facts.is_paid_guessed => {
            facts.paid = paid;
            facts.is_paid_guessed = false;
        }
        Some(paid) => facts.paid = facts.paid.max(paid),
        None if gave_back && facts.paid.is_zero() => {
            facts.paid = expected;
            facts.is_paid_guessed = true;
        }
        None => {}
    }
}

/// Every refund in the bank's list belongs to exactly one of ours: first to one that the bank
/// accepted, which must show up there, then to one whose answer is not known, then to one given up
/// too early. What is left was made in the bank's cabinet and becomes a refund of its own.
///
/// Refunds of equal sums are interchangeable, which is all that can be said of them: the bank's
/// reply to a refund does not promise the id that its list shows later. So only the count per sum
/// decides, and the result does not depend on the order in which the lists arrived.
fn settle_refunds(payment: &mut Payment) {
    let mut by_amount: BTreeMap<Money, Vec<String>> = BTreeMap::new();
    for (bank_refund_id, amount) in &payment.facts.refunds {
        by_amount.entry(*amount).or_default().push(bank_refund_id.clone());
    }
    for (amount, listed) in by_amount {
        let claimed = |refund: &&mut Refund| refund.bank_refund_id.is_some();
        let of_amount = |refund: &&mut Refund| refund.amount == amount;
        let known = payment.refunds.iter_mut().filter(of_amount).filter(claimed).count();
        for _ in known..listed.len() {
            claim(payment, amount);
        }
        let owners = payment.refunds.iter_mut().filter(of_amount).filter(claimed);
        for (refund, bank_refund_id) in owners.zip(listed) {
            refund.bank_refund_id = Some(bank_refund_id);
        }
    }
}

/// Gives one listed refund of `amount` to its owner, made up if there is none.
fn claim(payment: &mut Payment, amount: Money) {
    let rank = |refund: &Refund| match refund.state {
        RefundState::Succeeded => Some(0),
        RefundState::Asked { .. } => Some(1),
        RefundState::Failed(_) => Some(2),
        RefundState::Requested => None,
    };
    let ours = payment.refunds.iter_mut();
    let ours = ours
        .filter(|refund| !left::is_told_by_rest(refund))
        .filter(|refund| refund.bank_refund_id.is_none() && refund.amount == amount)
        .filter_map(|refund| rank(refund).map(|rank| (rank, refund)))
        .min_by_key(|(rank, _)| *rank);
    if let Some((_, refund)) = ours {
        refund.state = RefundState::Succeeded;
        refund.bank_refund_id = Some(String::new());
        return;
    }
    // Numbered among their own, so that the id does not depend on when the list was read.
    let is_twin = |refund: &&Refund| refund.origin == Origin::Bank && refund.amount == amount;
    let number = payment.refunds.iter().filter(is_twin).count();
    let tail = payment.id.trim_start_matches("pay_");
    payment.refunds.push(Refund {
        id: format!("rf_{tail}_{}_{number}", amount.kopecks()),
        amount,
        reason: None,
        origin: Origin::Bank,
        state: RefundState::Succeeded,
        bank_refund_id: Some(String::new()),
        bank_request_id: None,
        statement_id: None,
        left_before: None,
        // The bank's list tells when; the payment's own time keeps the order independent of us.
        created_ms: payment.created_ms,
    });
    payment.refunds.sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
}

fn request_refund(
    next: &mut Payment,
    id: &str,
    amount: Money,
    reason: Option<String>,
    at_ms: i64,
) -> Result<(), Refused> {
    if next.facts.paid.is_zero() {
        return Err(Refused::NotRefundable(next.status()));
    }
    if amount.is_zero() {
        return Err(Refused::RefundOfNothing);
    }
    let left = next.refundable();
    if amount > left {
        return Err(Refused::RefundTooLarge { left });
    }
    if next.refunds.len() >= MAX_REFUNDS {
        return Err(Refused::TooManyRefunds);
    }
    next.refunds.push(Refund {
        id: id.to_owned(),
        amount,
        reason,
        origin: Origin::Shop,
        state: RefundState::Requested,
        bank_refund_id: None,
        bank_request_id: None,
        statement_id: None,
        left_before: None,
        created_ms: at_ms,
    });
    Ok(())
}

/// Only a refund that certainly did not leave may leave: whoever finds it asked or settled came too
/// late and must not send it. And none leaves while the answer to another is not known: two of one
/// sum could not be told apart. A driver whose lease passed on while it waited learns it here.
fn ask_refund(next: &mut Payment, id: &str, at_ms: i64) -> Result<(), Refused> {
    if left::has_unanswered(next) {
        return Err(Refused::NoSuchRefund);
    }
    let left = left::certain(next);
    let is_waiting = |refund: &&mut Refund| refund.state == RefundState::Requested;
    let refund = next.refunds.iter_mut().find(|refund| refund.id == id).filter(is_waiting);
    let refund = refund.ok_or(Refused::NoSuchRefund)?;
    refund.state = RefundState::Asked { at_ms, asks: 0 };
    refund.left_before = Some(left);
    Ok(())
}

/// Moves a refund unless it is settled: what is settled stays so, and saying it twice is no error.
fn move_refund(
    next: &mut Payment,
    id: &str,
    to: impl FnOnce(&RefundState) -> RefundState,
) -> Result<(), Refused> {
    let refund = next.refunds.iter_mut().find(|refund| refund.id == id);
    let refund = refund.ok_or(Refused::NoSuchRefund)?;
    if refund.state.is_pending() {
        refund.state = to(&refund.state);
    }
    Ok(())
}

fn not_seen(state: &RefundState, now_ms: i64) -> RefundState {
    match state {
        RefundState::Asked { at_ms, asks } => {
            let asks = asks + 1;
            if asks >= REFUND_ASKS && now_ms - at_ms >= REFUND_GIVE_UP_MS {
                return RefundState::Failed(Failure {
                    code: GIVEN_UP.into(),
                    message: "The bank did not answer the refund and does not list it".into(),
                    hint: "Look at the payment in the bank's cabinet; if the money is still \
                           there, ask for the refund again"
                        .into(),
                });
            }
            RefundState::Asked { at_ms: *at_ms, asks }
        }
        RefundState::Requested | RefundState::Succeeded | RefundState::Failed(_) => state.clone(),
    }
}
