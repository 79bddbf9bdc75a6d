//! A card that stays with the bank and is charged again without the payer. Banks keep it in two
//! ways: as a subscription, one operation that every charge adds to; or as an id that a payment
//! left behind, charged by a payment of its own each time. What a shop relies on is the same of
//! both.

use std::collections::BTreeMap;

use super::bench::{Bench, check_class, rubles};
use crate::{
    Money,
    emulator::{Control, FaultKind},
    op::{
        Answer, BankOp, BankStatus, CardOp, CreateLink, NewSubscription, Observation, Outcome,
        PayMethod, RefusalClass, SavedCharge, SubscriptionOp, SubscriptionWord,
    },
};

const PAYER: &str = "customer-1";

/// What charges the card, and what the controls know it by.
#[derive(Clone)]
enum Kept {
    Subscription { bank_id: String },
    Card { charge_id: String },
}

impl Kept {
    fn handle(&self) -> String {
        match self {
            Kept::Subscription { bank_id: id } | Kept::Card { charge_id: id } => id.clone(),
        }
    }
}

/// A charge that may be sent: everything that must be there before it is.
struct Charge {
    /// The operation that tells what became of it.
    bank_id: String,
    /// What had come in by that operation before.
    before: Observation,
    op: BankOp,
}

fn subscribes(bench: &Bench<'_>) -> bool {
    bench.setup.bank.capabilities().subscriptions.is_some()
}

/// A link that keeps the card it is paid by.
#[track_caller]
fn open(bench: &mut Bench<'_>) -> String {
    let link = bench.link("100");
    if !subscribes(bench) {
        let payer_id = Some(PAYER.to_owned());
        return bench.open(&CreateLink { save_card: true, payer_id, ..link });
    }
    let new = NewSubscription {
        reference: link.reference,
        amount: link.amount,
        purpose: link.purpose,
        ..NewSubscription::default()
    };
    let answer = bench.done(&BankOp::Subscription(SubscriptionOp::Open(new)));
    let Answer::Link { bank_id, url } = answer else { panic!("{answer:?}") };
    assert!(url.starts_with("http"), "{url}");
    bank_id
}

/// The card of a paid link; `None` when there is none.
fn find_kept(bench: &Bench<'_>, seen: &Observation) -> Option<Kept> {
    if subscribes(bench) {
        let is_paid = seen.paid.is_some();
        return seen
            .bank_id
            .clone()
            .filter(|_| is_paid)
            .map(|bank_id| Kept::Subscription { bank_id });
    }
    let charge_id = seen.saved_card.as_ref()?.charge_id.clone()?;
    Some(Kept::Card { charge_id })
}

#[track_caller]
fn keep(bench: &mut Bench<'_>) -> Kept {
    let bank_id = open(bench);
    bench.pay(&bank_id, PayMethod::Card);
    let mut seen = bench.look(&bank_id);
    if find_kept(bench, &seen).is_none() {
        // A bank may tell of the card in its notice only.
        let told = bench.told();
        seen = told.into_iter().find(|seen| seen.saved_card.is_some()).expect("a kept card");
    }
    find_kept(bench, &seen).expect("a kept card")
}

/// What must be done before a charge is sent, and the charge.
#[track_caller]
fn prepare(bench: &mut Bench<'_>, kept: &Kept, amount: &str) -> Charge {
    let (bank_id, op) = match kept {
        Kept::Subscription { bank_id } => {
            let op = SubscriptionOp::Charge { bank_id: bank_id.clone(), amount: rubles(amount) };
            (bank_id.clone(), BankOp::Subscription(op))
        }
        Kept::Card { charge_id } => {
            let link = CreateLink {
                saved_charge: Some(SavedCharge::Recurring),
                payer_id: Some(PAYER.to_owned()),
                ..bench.link(amount)
            };
            let bank_id = bench.open(&link);
            let op = CardOp::Charge {
                bank_id: bank_id.clone(),
                charge_id: charge_id.clone(),
                email: None,
            };
            (bank_id, BankOp::Card(op))
        }
    };
    let before = bench.look(&bank_id);
    Charge { bank_id, before, op }
}

/// What came in since: by the approvals of one operation, or by the charge's own payment.
#[track_caller]
fn came_in(bench: &mut Bench<'_>, charge: &Charge) -> Vec<Money> {
    let seen = bench.look(&charge.bank_id);
    if !subscribes(bench) {
        return seen.paid.into_iter().collect();
    }
    assert!(seen.lists_approvals && charge.before.lists_approvals, "{seen:?}");
    let mut new: BTreeMap<_, _> = seen.approvals;
    for (id, approval) in &charge.before.approvals {
        assert_eq!(new.remove(id), Some(*approval), "what came in is not taken away");
    }
    new.values().map(|approval| approval.amount).collect()
}

#[track_caller]
fn charged(bench: &mut Bench<'_>, charge: &Charge) {
    let answer = bench.done(&charge.op);
    let is_done = if let Answer::Payment(seen) = &answer {
        seen.status == Some(BankStatus::Paid)
    } else {
        answer == Answer::Subscription(SubscriptionWord::Charged)
    };
    assert!(is_done, "{answer:?}");
}

/// It was declined, and says why as far as the bank does.
#[track_caller]
fn declined(bench: &mut Bench<'_>, charge: &Charge) {
    let answer = bench.done(&charge.op);
    let decline = if let Answer::Payment(seen) = answer {
        seen.decline.expect("it says not why")
    } else {
        let Answer::Subscription(SubscriptionWord::Declined(decline)) = answer else {
            panic!("{answer:?}")
        };
        decline
    };
    assert!(!decline.payer.ru.is_empty() && !decline.merchant.en.is_empty(), "{decline:?}");
}

fn set_card(bench: &mut Bench<'_>, kept: &Kept, state: &str) {
    let (token, state) = (kept.handle(), state.to_owned());
    bench.control(&Control::Token { token, state }).unwrap();
}

pub fn keep_and_charge(bench: &mut Bench<'_>) {
    bench.listen();
    let bank_id = open(bench);
    let unpaid = bench.look(&bank_id);
    assert!(find_kept(bench, &unpaid).is_none(), "{unpaid:?}");
    let kept = keep(bench);
    for amount in ["250.50", "10", "99.99"] {
        let charge = prepare(bench, &kept, amount);
        assert_eq!(came_in(bench, &charge), [], "before it was sent");
        charged(bench, &charge);
        assert_eq!(came_in(bench, &charge), [rubles(amount)]);
    }
}

pub fn a_charge_is_told(bench: &mut Bench<'_>) {
    bench.listen();
    let kept = keep(bench);
    bench.told();
    let charge = prepare(bench, &kept, "55");
    charged(bench, &charge);
    let told = bench.told();
    let is_it = |seen: &&Observation| seen.bank_id.as_ref() == Some(&charge.bank_id);
    let paid = told.iter().filter(is_it).find_map(|seen| seen.paid);
    assert_eq!(paid, Some(rubles("55")), "{told:?}");
}

pub fn a_charge_is_declined(bench: &mut Bench<'_>) {
    bench.listen();
    let kept = keep(bench);
    bench.told();
    for state in ["insufficient_funds", "expired", "revoked"] {
        set_card(bench, &kept, state);
        let charge = prepare(bench, &kept, "40");
        declined(bench, &charge);
        assert_eq!(came_in(bench, &charge), [], "{state}");
    }
    let told = bench.told();
    assert!(told.iter().all(|seen| seen.paid.is_none()), "{told:?}");
    set_card(bench, &kept, "valid");
    let charge = prepare(bench, &kept, "40");
    charged(bench, &charge);
    assert_eq!(came_in(bench, &charge), [rubles("40")]);
}

/// The money is gone and the answer with it: never sent again, settled by asking, exactly one.
pub fn a_lost_answer(bench: &mut Bench<'_>) {
    bench.listen();
    let kept = keep(bench);
    let charge = prepare(bench, &kept, "77");
    bench.fault(FaultKind::ReplyLost, 1);
    bench.unknown(&charge.op);
    assert_eq!(came_in(bench, &charge), [rubles("77")]);
}

/// Nothing was done, and nobody says so.
pub fn a_hanging_charge(bench: &mut Bench<'_>) {
    bench.listen();
    let kept = keep(bench);
    let charge = prepare(bench, &kept, "77");
    for kind in [FaultKind::Hang { ms: 30_000 }, FaultKind::Status { status: 502 }] {
        bench.fault(kind, 1);
        bench.unknown(&charge.op);
        assert_eq!(came_in(bench, &charge), []);
    }
    bench.fault(FaultKind::Status { status: 429 }, 1);
    let outcome = bench.ask(&charge.op);
    assert!(matches!(outcome, Outcome::Busy { .. }), "{outcome:?}");
    assert_eq!(came_in(bench, &charge), []);
}

/// Two charges of one card under way at once: both are there, and told apart.
pub fn two_at_once(bench: &mut Bench<'_>) {
    bench.listen();
    let kept = keep(bench);
    let charges = [prepare(bench, &kept, "30"), prepare(bench, &kept, "30")];
    bench.fault(FaultKind::ReplyLost, 2);
    for charge in &charges {
        bench.unknown(&charge.op);
    }
    let found = charges.iter().map(|charge| came_in(bench, charge).len());
    let found: Vec<usize> = found.collect();
    // By one operation both see both: who charges so must not charge twice at a time.
    assert_eq!(found, if subscribes(bench) { [2, 2] } else { [1, 1] });
}

/// The very same charge once more: a payment of its own is charged once, a subscription twice, so
/// that nobody may rely on the bank.
pub fn the_same_twice(bench: &mut Bench<'_>) {
    bench.listen();
    let kept = keep(bench);
    let charge = prepare(bench, &kept, "30");
    charged(bench, &charge);
    if subscribes(bench) {
        charged(bench, &charge);
        assert_eq!(came_in(bench, &charge), [rubles("30"), rubles("30")]);
    } else {
        // By the state of the payment alone nobody knows what became of the first one.
        bench.unknown(&charge.op);
        assert_eq!(came_in(bench, &charge), [rubles("30")]);
    }
}

pub fn an_unknown_card(bench: &mut Bench<'_>) {
    let unknown = bench.setup.unknown_id.to_owned();
    if subscribes(bench) {
        let op = SubscriptionOp::Charge { bank_id: unknown, amount: rubles("30") };
        let refusal = bench.refused(&BankOp::Subscription(op));
        check_class(&refusal, &[RefusalClass::NotFound]);
        return;
    }
    let link = CreateLink { saved_charge: Some(SavedCharge::Recurring), ..bench.link("30") };
    let bank_id = bench.open(&link);
    let op = CardOp::Charge { bank_id: bank_id.clone(), charge_id: unknown, email: None };
    let outcome = bench.ask(&BankOp::Card(op));
    let is_no = match &outcome {
        Outcome::Refused(_) => true,
        Outcome::Done(Answer::Payment(seen)) => seen.decline.is_some(),
        Outcome::Done(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => false,
    };
    assert!(is_no, "{outcome:?}");
    assert_eq!(bench.look(&bank_id).paid, None);
}

/// A link that nobody paid keeps no card.
pub fn an_unpaid_link(bench: &mut Bench<'_>) {
    let bank_id = open(bench);
    let op = SubscriptionOp::Charge { bank_id: bank_id.clone(), amount: rubles("30") };
    let refusal = bench.refused(&BankOp::Subscription(op));
    check_class(&refusal, &[RefusalClass::Conflict]);
    assert_eq!(bench.look(&bank_id).paid, None);
}

/// Where there is none, it is said before anything is sent.
pub fn subscriptions_are_not_there(bench: &mut Bench<'_>) {
    let (bank_id, amount) = (bench.setup.unknown_id.to_owned(), rubles("30"));
    let ops = [
        SubscriptionOp::Open(NewSubscription { amount, ..NewSubscription::default() }),
        SubscriptionOp::Charge { bank_id: bank_id.clone(), amount },
        SubscriptionOp::Cancel { bank_id },
    ];
    for op in ops {
        let refusal = bench.refused_unsent(&BankOp::Subscription(op));
        check_class(&refusal, &[RefusalClass::Unsupported]);
    }
}

/// The bank's own schedule, from the first charge to the last, and one that is ended before.
pub fn by_schedule(bench: &mut Bench<'_>) {
    use crate::op::{Schedule, SchedulePeriod, SubscriptionStatus};
    bench.listen();
    let schedule = Schedule { period: SchedulePeriod::Days(7), count: 3 };
    let open = |bench: &mut Bench<'_>| {
        let link = bench.link("100");
        let new = NewSubscription {
            reference: link.reference,
            amount: link.amount,
            purpose: link.purpose,
            schedule: Some(schedule),
            ..NewSubscription::default()
        };
        let answer = bench.done(&BankOp::Subscription(SubscriptionOp::Open(new)));
        let Answer::Link { bank_id, .. } = answer else { panic!("{answer:?}") };
        bench.pay(&bank_id, PayMethod::Card);
        bank_id
    };
    let (whole, ended) = (open(bench), open(bench));
    let answer =
        bench.done(&BankOp::Subscription(SubscriptionOp::Cancel { bank_id: ended.clone() }));
    assert_eq!(answer, Answer::Accepted { done: true });
    let charge = SubscriptionOp::Charge { bank_id: whole.clone(), amount: rubles("1") };
    bench.refused(&BankOp::Subscription(charge));
    // Time goes on with the notices: each charge brings one.
    let told = bench.told();
    let paid: Vec<_> = told.iter().filter_map(|seen| seen.paid).collect();
    assert_eq!(paid, [rubles("100"); 4], "{told:?}");
    for (bank_id, count, wanted) in
        [(whole, 3, SubscriptionStatus::Completed), (ended, 1, SubscriptionStatus::Canceled)]
    {
        let seen = bench.look(&bank_id);
        assert_eq!((seen.approvals.len(), seen.lists_approvals), (count, true), "{seen:?}");
        let answer = bench.done(&BankOp::Subscription(SubscriptionOp::Status { bank_id }));
        let Answer::Subscription(SubscriptionWord::Status { status, .. }) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(status, Some(wanted));
    }
}

/// One is in the list of its kind, and in no other.
pub fn listed(bench: &mut Bench<'_>) {
    let Kept::Subscription { bank_id } = keep(bench) else { panic!("no subscription") };
    for scheduled in [false, true] {
        let op = SubscriptionOp::List { scheduled, page: 1 };
        let answer = bench.done(&BankOp::Subscription(op));
        let Answer::Subscription(SubscriptionWord::List(page)) = answer else {
            panic!("{answer:?}")
        };
        let found = page.items.iter().find(|one| one.bank_id == bank_id);
        assert_eq!(found.is_some(), !scheduled, "{page:?}");
        assert!(page.items.iter().all(|one| one.is_scheduled == scheduled));
    }
}

/// Whoever charges a subscription cannot end it at the bank, nor refund its payments there.
pub fn limits(bench: &mut Bench<'_>) {
    let limits = bench.setup.bank.capabilities().subscriptions.expect("it keeps subscriptions");
    let Kept::Subscription { bank_id } = keep(bench) else { panic!("no subscription") };
    if !limits.cancels_unscheduled {
        let op = SubscriptionOp::Cancel { bank_id: bank_id.clone() };
        let refusal = bench.refused(&BankOp::Subscription(op));
        assert_eq!(refusal.code, "subscription_not_scheduled");
    }
    if !limits.refunds {
        let refusal = bench.refused(&super::refunding::refund(&bank_id, "1"));
        check_class(&refusal, &[RefusalClass::Conflict]);
        bench.control(&Control::Refund { id: bank_id.clone(), amount: None }).unwrap();
        let seen = bench.look(&bank_id);
        assert_eq!((seen.status, seen.refunds.len()), (Some(BankStatus::Refunded), 1));
        assert_eq!(seen.approvals.len(), 1, "{seen:?}");
    }
}
