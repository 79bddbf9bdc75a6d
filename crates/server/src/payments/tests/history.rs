//! The property: true observations, in any order, any number of times, end in the same payment
//! with the same events announced once.

use proptest::prelude::*;

use super::*;
use crate::payments::{
    model::{Origin, Refund, RefundState},
    state::announcements,
};

/// How the money went at the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Unpaid,
    Expired,
    Paid,
    Held,
    HeldAndExpired,
    HeldAndCaptured,
}

/// Who wanted a refund; of the shop's, what we knew when the observations began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    InTheCabinet,
    Unanswered,
    Accepted,
    GivenUp,
}

#[derive(Clone, Debug)]
struct History {
    way: Way,
    /// What the bank held or took, which may be another sum than the order's.
    sum: i64,
    refunds: Vec<(i64, Wanted)>,
}

impl History {
    /// Refunds that fit into what was paid.
    fn refunds(&self) -> Vec<(i64, Wanted)> {
        let mut left = match self.way {
            Way::Paid | Way::HeldAndCaptured => self.sum,
            Way::Unpaid | Way::Expired | Way::Held | Way::HeldAndExpired => 0,
        };
        let fits = |(kopecks, _): &(i64, Wanted)| {
            let fits = *kopecks <= left;
            left -= if fits { *kopecks } else { 0 };
            fits
        };
        self.refunds.iter().copied().filter(fits).collect()
    }

    /// The payment as we know it before the observations; the shop's refunds are under way.
    fn start(&self) -> Payment {
        let mut start = created();
        let wanted = self.refunds().into_iter().enumerate();
        for (at, (kopecks, wanted)) in wanted {
            let state = match wanted {
                Wanted::InTheCabinet => continue,
                Wanted::Unanswered => RefundState::Asked { at_ms: 1, asks: 0 },
                Wanted::Accepted => RefundState::Succeeded,
                Wanted::GivenUp => RefundState::Failed(failure("refund_not_found")),
            };
            // A shop can ask for a refund only of what it knows to be paid.
            start.facts.paid = money(self.sum);
            start.refunds.push(Refund {
                id: format!("rf_{at}"),
                amount: money(kopecks),
                reason: None,
                origin: Origin::Shop,
                state,
                bank_refund_id: None,
                bank_request_id: None,
                statement_id: None,
                left_before: None,
                created_ms: CREATED_MS + 1,
            });
        }
        start
    }

    /// Whether another sum than the order's was held or taken.
    fn is_other_sum(&self) -> bool {
        let is_told = !matches!(self.way, Way::Unpaid | Way::Expired);
        is_told && self.sum != AMOUNT
    }

    /// Everything that can be heard about it, in the order of time; the last is complete.
    fn observations(&self) -> Vec<Observation> {
        let own = money(self.sum);
        let seen = |status: BankStatus| {
            let seen = seen(status);
            let (authorized, paid) = (seen.authorized.map(|_| own), seen.paid.map(|_| own));
            Observation { amount: Some(own), authorized, paid, ..seen }
        };
        let mut all = ways(seen(BankStatus::Created));
        let held = || ways(seen(BankStatus::Authorized));
        let keep = |mut seen: Observation| {
            seen.authorized = Some(own);
            seen
        };
        match self.way {
            Way::Unpaid => {}
            Way::Expired => all.extend(ways(seen(BankStatus::Expired))),
            Way::Paid => all.extend(ways(seen(BankStatus::Paid))),
            Way::Held => all.extend(held()),
            Way::HeldAndExpired => {
                all.extend(held());
                all.extend(ways(keep(seen(BankStatus::Expired))));
            }
            Way::HeldAndCaptured => {
                all.extend(held());
                all.extend(ways(keep(seen(BankStatus::Paid))));
            }
        }
        let was_held = self.way == Way::HeldAndCaptured;
        let mut listed = BTreeMap::new();
        for (at, (kopecks, _)) in self.refunds().into_iter().enumerate() {
            for status in [BankStatus::Refunding, BankStatus::PartiallyRefunded] {
                if status == BankStatus::PartiallyRefunded {
                    listed.insert(format!("b{at}"), money(kopecks));
                }
                let sum = Money::checked_sum(listed.values().copied()).unwrap();
                let is_full = sum == own;
                let status = if is_full { BankStatus::Refunded } else { status };
                let seen = Observation { refunds: listed.clone(), ..seen(status) };
                all.extend(ways(if was_held { keep(seen) } else { seen }));
            }
        }
        all
    }
}

/// As a bank without a list of refunds tells it: the sum that is left, in its answers and in
/// notices of the moment.
fn without_lists(history: &History) -> Vec<Observation> {
    let (mut all, mut left) = (Vec::new(), money(history.sum));
    for seen in history.observations() {
        let listed = Money::checked_sum(seen.refunds.values().copied()).unwrap();
        let gave_back = !listed.is_zero();
        left = left.min(money(history.sum).minus_or_zero(listed));
        let told = seen.paid.is_some() || seen.authorized.is_some();
        all.push(Observation {
            paid: seen.paid.filter(|_| !gave_back),
            left: Some(left).filter(|_| told && seen.status != Some(BankStatus::Refunding)),
            refunds: BTreeMap::new(),
            lists_refunds: false,
            url: None,
            ..seen
        });
    }
    all
}

fn tells_sum(event: &Event) -> bool {
    matches!(event, Event::Observed(seen) if seen.paid.is_some() || seen.authorized.is_some())
}

/// One state of the bank as its notice, list without details, register and full answer tell it.
fn ways(full: Observation) -> Vec<Observation> {
    let bare = Observation { refunds: BTreeMap::new(), lists_refunds: false, ..full.clone() };
    let notice = Observation { authorized: None, paid: None, status: None, ..bare.clone() };
    let notice = match full.status {
        Some(BankStatus::Authorized) => Observation { authorized: full.authorized, ..notice },
        Some(BankStatus::Paid) => Observation { paid: full.paid, ..notice },
        _ => notice,
    };
    let register = Observation { reference: None, authorized: None, ..bare.clone() };
    let time = jiff::Timestamp::from_millisecond(CREATED_MS + 5).ok();
    let full = Observation {
        url: Some("https://bank.example/1".into()),
        method: Some("card".into()),
        paid_at: time.filter(|_| full.paid.is_some()),
        ..full
    };
    vec![notice, bare, register, full]
}

fn histories() -> impl Strategy<Value = History> {
    let way = prop::sample::select(vec![
        Way::Unpaid,
        Way::Expired,
        Way::Paid,
        Way::Paid,
        Way::Held,
        Way::HeldAndExpired,
        Way::HeldAndCaptured,
    ]);
    let wanted = prop::sample::select(vec![
        Wanted::InTheCabinet,
        Wanted::Unanswered,
        Wanted::Accepted,
        Wanted::GivenUp,
    ]);
    // Few sums, so that equal ones are common.
    let kopecks = prop::sample::select(vec![10_000, 10_000, 25_000, AMOUNT]);
    let refunds = prop::collection::vec((kopecks, wanted), 0..6);
    let sum = prop::sample::select(vec![AMOUNT, AMOUNT, 90_000, 110_000]);
    (way, sum, refunds).prop_map(|(way, sum, refunds)| History { way, sum, refunds })
}

/// A history and an order in which it is heard: some of it not at all, some of it up to three
/// times, the last complete answer somewhere.
fn heard() -> impl Strategy<Value = (History, Vec<usize>)> {
    histories().prop_flat_map(|history| {
        let count = history.observations().len();
        let thrice: Vec<usize> = (0..count).cycle().take(3 * count).collect();
        let some = prop::sample::subsequence(thrice, 0..=3 * count);
        let all = some.prop_map(move |mut order| {
            order.push(count - 1);
            order
        });
        (Just(history), all.prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_true_observations_ends_in_the_same_payment((history, order) in heard()) {
        let all = history.observations();
        let events: Vec<Event> = all.iter().cloned().map(Event::Observed).collect();
        let (expected, expected_announced) = after(history.start(), &events);
        let heard: Vec<Event> = order.iter().map(|at| events[*at].clone()).collect();
        let (payment, announced) = after(history.start(), &heard);
        prop_assert_eq!(&payment, &expected);
        let has = |kind| announcements(&payment).contains(&(kind, None));
        if history.is_other_sum() {
            prop_assert!(has(EventKind::PaymentAmountMismatch), "silent: {:?}", announced);
            prop_assert!(!has(EventKind::PaymentPaid) && !has(EventKind::PaymentAuthorized));
            prop_assert_ne!(payment.status(), Status::Paid);
        } else {
            prop_assert!(!has(EventKind::PaymentAmountMismatch), "false: {:?}", announced);
        }
        prop_assert_eq!(announced, expected_announced);

        let (again, more) = after(payment, &heard);
        prop_assert_eq!(again, expected);
        prop_assert!(more.is_empty(), "announced again: {:?}", more);
    }

    /// Which refunds were found depends on which looks came when; their sum does not.
    #[test]
    fn what_is_left_tells_the_same_in_any_order((history, order) in heard()) {
        let mut events: Vec<Event> =
            without_lists(&history).into_iter().map(Event::Observed).collect();
        let mut heard: Vec<Event> = order.iter().map(|at| events[*at].clone()).collect();
        if history.is_other_sum() {
            // Until the bank tells what it took, the order's sum is what is believed.
            let sums = events.iter().filter(|event| tells_sum(event)).cloned();
            heard.extend(sums.collect::<Vec<_>>());
        }
        // The answers to the shop's refunds come in the end.
        let asked = history.refunds().into_iter().enumerate();
        let asked = asked.filter(|(_, (_, wanted))| *wanted == Wanted::Unanswered);
        let answers = asked.map(|(at, _)| Event::RefundAccepted { id: format!("rf_{at}") });
        let answers: Vec<Event> = answers.collect();
        heard.extend(answers.clone());
        events.extend(answers);
        let (expected, expected_announced) = after(history.start(), &events);
        let (payment, announced) = after(history.start(), &heard);
        prop_assert_eq!(payment.facts.paid, expected.facts.paid);
        prop_assert_eq!(payment.refunded(), expected.refunded());
        prop_assert_eq!(payment.status(), expected.status());
        prop_assert_eq!(payment.facts.left, expected.facts.left);
        let is_paid = |all: &Announced| all.contains(&(EventKind::PaymentPaid, None));
        let differs = announcements(&payment).contains(&(EventKind::PaymentAmountMismatch, None));
        prop_assert_eq!(differs, history.is_other_sum());
        if history.is_other_sum() {
            return Ok(());
        }
        prop_assert_eq!(is_paid(&announced), is_paid(&expected_announced));
        let done = payment.refunds.iter().filter(|it| it.state == RefundState::Succeeded);
        let told = |id: &String| {
            announced.contains(&(EventKind::RefundSucceeded, Some(id.clone())))
        };
        let silent = done.clone().find(|it| it.origin == Origin::Bank && !told(&it.id));
        prop_assert_eq!(silent, None);
        let sum = Money::checked_sum(done.map(|it| it.amount)).unwrap();
        prop_assert_eq!(sum, payment.refunded(), "{:#?}", payment);
    }

    #[test]
    fn nothing_that_was_announced_stops_being_true((history, order) in heard()) {
        let all = history.observations();
        let mut payment = history.start();
        for at in order {
            let next = apply(&payment, &Event::Observed(all[at].clone())).unwrap().next;
            let now = announcements(&next);
            // A refund given up too early is the one thing that may turn out better.
            let gone = announcements(&payment)
                .into_iter()
                .find(|was| was.0 != EventKind::RefundFailed && !now.contains(was));
            prop_assert_eq!(gone, None);
            prop_assert!(payment.refunded() <= next.refunded() && payment.status() != Status::Failed);
            payment = next;
        }
    }
}
