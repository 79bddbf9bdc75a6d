//! The property, of payments that are a code of SBP: what notice, state and list tell of it, in any
//! order, any number of times, between any failed attempts and its refunds, ends in the same
//! payment with the same events announced once.

use kopeck_banks::op::{CodeState, SbpPayment};
use proptest::prelude::*;

use super::{codes::open_code, *};
use crate::payments::{model::RefundState, state::announcements};

const CODE: &str = super::codes::CODE;

/// What became of a code, and of each refund that the shop asked for.
#[derive(Clone, Debug)]
struct History {
    is_paid: bool,
    failed_attempts: usize,
    refunds: Vec<(i64, End)>,
}

/// How a refund's transfer ends after the bank took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    Failed,
    /// It is still on its way.
    Running,
}

fn state(status: Option<BankStatus>, trx_id: Option<String>) -> Observation {
    CodeState { code_id: CODE.to_owned(), status, trx_id, problem: None }.observation()
}

fn transfer(number: usize, status: BankStatus) -> SbpPayment {
    SbpPayment {
        code_id: CODE.to_owned(),
        trx_id: Some(format!("A{number:031}")),
        ref_id: Some(format!("b-{number}")),
        status: Some(status),
        amount: Some(money(AMOUNT)),
        payer_name: Some("Иван И.".to_owned()),
        ..SbpPayment::default()
    }
}

impl History {
    /// Everything that can be heard of it; the last alone tells the whole.
    fn observations(&self) -> Vec<Observation> {
        let mut all = vec![state(Some(BankStatus::Created), None), state(None, None)];
        for number in 1..=self.failed_attempts {
            let failed = transfer(number, BankStatus::Declined);
            all.push(state(failed.status, failed.trx_id.clone()));
            all.push(SbpPayment { trx_id: None, amount: None, ..failed }.observation());
            all.push(state(Some(BankStatus::InProgress), None));
        }
        if self.is_paid {
            let paid = transfer(0, BankStatus::Paid);
            all.push(state(paid.status, paid.trx_id.clone()));
            all.push(SbpPayment { trx_id: None, amount: None, ..paid.clone() }.observation());
            all.push(paid.observation());
        }
        all
    }

    /// Refunds that fit into what was paid.
    fn refunds(&self) -> Vec<(String, i64, End)> {
        let mut left = if self.is_paid { AMOUNT } else { 0 };
        let mut all = Vec::new();
        for (at, (kopecks, end)) in self.refunds.iter().enumerate() {
            if *kopecks <= left {
                left -= kopecks;
                all.push((format!("rf_{at}"), *kopecks, *end));
            }
            // None leaves while the end of another is not known.
            if all.last().is_some_and(|(.., end)| *end == End::Running) {
                break;
            }
        }
        all
    }

    /// What the shop and the driver do about refunds, each in its order.
    fn acts(&self) -> Vec<Event> {
        let mut all = Vec::new();
        for (id, kopecks, end) in self.refunds() {
            all.push(refund_requested(&id, kopecks));
            all.push(refund_asked(&id));
            let bank_request_id = format!("openapi-{id}");
            all.push(Event::RefundTaken { id: id.clone(), bank_request_id });
            match end {
                End::Done => all.push(Event::RefundAccepted { id }),
                End::Failed => {
                    all.push(Event::RefundRefused {
                        id,
                        failure: failure("refund_transfer_failed"),
                    });
                }
                End::Running => {}
            }
        }
        all
    }
}

fn histories() -> impl Strategy<Value = History> {
    let end = prop::sample::select(vec![End::Done, End::Done, End::Failed, End::Running]);
    let kopecks = prop::sample::select(vec![10_000, 10_000, 25_000, AMOUNT]);
    let refunds = prop::collection::vec((kopecks, end), 0..5);
    (prop::bool::weighted(0.8), 0..3_usize, refunds).prop_map(
        |(is_paid, failed_attempts, refunds)| History { is_paid, failed_attempts, refunds },
    )
}

/// A history and an order in which it is heard: some of it not at all, some up to three times, the
/// notice somewhere.
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

/// The paying announcements, each of which may be said once.
fn paid_count(announced: &Announced) -> usize {
    announced.iter().filter(|(kind, _)| *kind == EventKind::PaymentPaid).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_code_ends_the_same_in_whatever_order_it_is_heard_of((history, order) in heard()) {
        let all = history.observations();
        let events: Vec<Event> = all.iter().cloned().map(Event::Observed).collect();
        let (expected, expected_announced) = after(open_code(), &events);
        let heard: Vec<Event> = order.iter().map(|at| events[*at].clone()).collect();
        let (payment, announced) = after(open_code(), &heard);
        let status = if history.is_paid { Status::Paid } else { Status::Open };
        prop_assert_eq!((payment.status(), payment.facts.paid), (status, expected.facts.paid));
        if history.is_paid {
            let transfer = payment.facts.transfer.clone().unwrap();
            prop_assert_eq!(transfer.trx_id, transfer_of_notice().0);
            prop_assert_eq!(transfer.ref_id, transfer_of_notice().1);
        } else {
            prop_assert_eq!(&payment.facts.transfer, &None);
        }
        prop_assert_eq!(&payment, &expected);
        prop_assert_eq!(announced, expected_announced);
        let (again, more) = after(payment, &heard);
        prop_assert_eq!(again, expected);
        prop_assert!(more.is_empty(), "announced again: {:?}", more);
    }

    /// A code whose time is over lapses by our own clock; money that is heard of later counts.
    #[test]
    fn a_code_that_lapsed_too_early_is_paid_all_the_same(
        (history, order) in heard(),
        at in any::<prop::sample::Index>(),
    ) {
        let all = history.observations();
        let mut events: Vec<Event> =
            order.iter().map(|at| Event::Observed(all[*at].clone())).collect();
        events.insert(at.index(events.len() + 1), Event::Lapsed);
        let (payment, announced) = after(open_code(), &events);
        let status = if history.is_paid { Status::Paid } else { Status::Expired };
        prop_assert_eq!(payment.status(), status);
        prop_assert_eq!(paid_count(&announced), usize::from(history.is_paid));
        let paid = if history.is_paid { money(AMOUNT) } else { Money::ZERO };
        prop_assert_eq!(payment.facts.paid, paid);
    }

    /// What is heard of the payment again, while its refunds are on their way, changes nothing
    /// about them: each ends as its transfer does.
    #[test]
    fn refunds_end_as_their_transfers_whatever_is_heard_meanwhile(
        (history, order) in heard(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let all = history.observations();
        let told: Vec<Event> = all.iter().cloned().map(Event::Observed).collect();
        // Only what is known to be paid is refunded.
        let (start, first) = after(open_code(), &told);
        let mut events = history.acts();
        for (place, at) in places.into_iter().zip(order.iter().cycle()) {
            events.insert(place.index(events.len() + 1), told[*at].clone());
        }
        let (payment, announced) = after(start, &events);
        prop_assert_eq!(paid_count(&first) + paid_count(&announced), usize::from(history.is_paid));
        let mut back = 0;
        for (id, kopecks, end) in history.refunds() {
            let refund = payment.refunds.iter().find(|it| it.id == id).unwrap();
            let said = |kind| announced.contains(&(kind, Some(id.clone())));
            let is_it = match &refund.state {
                RefundState::Succeeded => end == End::Done && said(EventKind::RefundSucceeded),
                RefundState::Failed(_) => end == End::Failed && said(EventKind::RefundFailed),
                RefundState::Asked { .. } => end == End::Running,
                RefundState::Requested => false,
            };
            prop_assert!(is_it, "{:?} ended as {:?}", end, refund);
            back += if end == End::Done { kopecks } else { 0 };
        }
        prop_assert_eq!(payment.refunds.len(), history.refunds().len(), "none was made up");
        prop_assert_eq!(payment.refunded(), money(back));
        let now = announcements(&payment);
        prop_assert!(announced.iter().all(|was| now.contains(was)), "{:?} {:?}", announced, now);
    }
}

fn transfer_of_notice() -> (Option<String>, Option<String>) {
    let paid = transfer(0, BankStatus::Paid);
    (paid.trx_id, paid.ref_id)
}
