//! Tables and the property test of the state machine, and the grid of it for the docs.

mod attempts;
mod charges;
mod code_history;
mod codes;
mod grid;
mod history;
mod kept;
mod schedule;
mod sums;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use kopeck_banks::{
    Money,
    op::{BankStatus, CaptureMode, Observation, PayMethod},
};

use super::{
    model::{Facts, Failure, Intents, Means, Payment, Status},
    state::{Effect, Event, apply},
};
use crate::events::EventKind;

/// 1 000 rubles, the amount of every payment here.
const AMOUNT: i64 = 100_000;
const CREATED_MS: i64 = 1_793_610_000_000;

type Announced = BTreeSet<(EventKind, Option<String>)>;

fn money(kopecks: i64) -> Money {
    Money::from_kopecks(kopecks).unwrap()
}

fn failure(code: &str) -> Failure {
    Failure { code: code.into(), message: String::new(), hint: String::new() }
}

/// A payment as it was just created, with a link for an hour.
fn created() -> Payment {
    Payment {
        id: "pay_1".into(),
        shop_id: "shop_1".into(),
        connection_id: "con_1".into(),
        bank: "tochka".into(),
        routes: Vec::new(),
        moves: 0,
        attempt_of: None,
        attempts: Vec::new(),
        place_id: None,
        schedule: None,
        means: Means::Payer,
        order_id: None,
        reference: "K-1".into(),
        amount: money(AMOUNT),
        purpose: "An order".into(),
        methods: vec![PayMethod::Card],
        bank_methods: vec![PayMethod::Card],
        capture: CaptureMode::Manual,
        ttl_minutes: 60,
        success_url: None,
        fail_url: None,
        customer: None,
        receipt: None,
        metadata: "{}".into(),
        created_ms: CREATED_MS,
        expires_ms: CREATED_MS + 60 * 60_000,
        intents: Intents::default(),
        facts: Facts::default(),
        refunds: Vec::new(),
        asked_ms: 0,
        dense_until_ms: CREATED_MS + 15 * 60_000,
    }
}

/// What a look at the bank brings: everything, the list of refunds included.
fn seen(status: BankStatus) -> Observation {
    let was_paid = match status {
        BankStatus::Paid
        | BankStatus::Refunding
        | BankStatus::PartiallyRefunded
        | BankStatus::Refunded => true,
        BankStatus::Created
        | BankStatus::InProgress
        | BankStatus::Authorized
        | BankStatus::Expired
        | BankStatus::Canceled
        | BankStatus::Declined => false,
    };
    Observation {
        bank_id: Some("bank-1".into()),
        reference: Some("K-1".into()),
        status: Some(status),
        amount: Some(money(AMOUNT)),
        authorized: Some(money(AMOUNT)).filter(|_| status == BankStatus::Authorized),
        paid: Some(money(AMOUNT)).filter(|_| was_paid),
        lists_refunds: true,
        ..Observation::default()
    }
}

/// A look at a bank that lists no refunds: the status, and of sums what the caller adds.
fn untold(status: BankStatus) -> Observation {
    Observation { authorized: None, paid: None, lists_refunds: false, ..seen(status) }
}

/// A paid payment of which the bank says that so much is left.
fn left(kopecks: i64) -> Event {
    let status = match kopecks {
        0 => BankStatus::Refunded,
        AMOUNT => BankStatus::Paid,
        _ => BankStatus::PartiallyRefunded,
    };
    let paid = Some(money(AMOUNT)).filter(|_| status == BankStatus::Paid);
    Event::Observed(Observation { paid, left: Some(money(kopecks)), ..untold(status) })
}

/// A hold of so much.
fn held(kopecks: i64) -> Event {
    let sum = Some(money(kopecks));
    let seen = untold(BankStatus::Authorized);
    Event::Observed(Observation { authorized: sum, left: sum, ..seen })
}

/// A paid payment of which the bank lists these refunds.
fn listed(refunds: &[(&str, i64)]) -> Event {
    let refunds: BTreeMap<String, Money> =
        refunds.iter().map(|(id, kopecks)| ((*id).to_owned(), money(*kopecks))).collect();
    let sum = Money::checked_sum(refunds.values().copied()).unwrap();
    let status = match () {
        () if sum.is_zero() => BankStatus::Paid,
        () if sum == money(AMOUNT) => BankStatus::Refunded,
        () => BankStatus::PartiallyRefunded,
    };
    Event::Observed(Observation { refunds, ..seen(status) })
}

fn saw(status: BankStatus) -> Event {
    Event::Observed(seen(status))
}

fn refund_requested(id: &str, kopecks: i64) -> Event {
    Event::RefundRequested { id: id.into(), amount: money(kopecks), reason: None, at_ms: 1 }
}

fn refund_asked(id: &str) -> Event {
    Event::RefundAsked { id: id.into(), at_ms: 1 }
}

/// Applies events one after the other; none of them may be refused. What was announced must be
/// new each time.
fn after(start: Payment, events: &[Event]) -> (Payment, Announced) {
    let (mut payment, mut announced) = (start, Announced::new());
    for event in events {
        let applied = apply(&payment, event).unwrap_or_else(|e| panic!("{event:?}: {e:?}"));
        for effect in applied.effects {
            if let Effect::Announce { kind, refund_id } = effect {
                let is_new = announced.insert((kind, refund_id.clone()));
                assert!(is_new, "{kind:?} of {refund_id:?} was announced twice");
            }
        }
        payment = applied.next;
    }
    (payment, announced)
}

/// A payment in each state, by the shortest way there.
fn sample(status: Status) -> Payment {
    let paid = || after(created(), &[saw(BankStatus::Paid)]).0;
    let on_hold = || after(created(), &[saw(BankStatus::Authorized)]).0;
    let (payment, _) = match status {
        Status::Opening => after(created(), &[]),
        Status::Open => after(created(), &[saw(BankStatus::Created)]),
        Status::Authorized => after(on_hold(), &[]),
        Status::Capturing => {
            after(on_hold(), &[Event::CaptureRequested { at_ms: 1, amount: None }])
        }
        Status::Paid => after(paid(), &[]),
        Status::Refunding => after(paid(), &[refund_requested("rf_1", 30_000)]),
        Status::PartiallyRefunded => after(created(), &[listed(&[("b1", 30_000)])]),
        Status::Refunded => after(created(), &[listed(&[("b1", AMOUNT)])]),
        Status::Expired => after(created(), &[saw(BankStatus::Expired)]),
        Status::Canceled => after(on_hold(), &[saw(BankStatus::Canceled)]),
        Status::Failed => after(created(), &[Event::OpenRefused(failure("bank_refused"))]),
        Status::AmountMismatch => {
            let less = Observation { paid: Some(money(1)), ..seen(BankStatus::Paid) };
            after(created(), &[Event::Observed(less)])
        }
    };
    assert_eq!(payment.status(), status);
    payment
}
