//! Tables of a link at several banks.

use kopeck_banks::{
    Credentials,
    op::{BankStatus, PayMethod},
};

use super::{AMOUNT, created, failure, money, seen};
use crate::{
    payments::{
        attempts::{MAX_MOVES, Move, Verdict, judge, leave, next_route, trade},
        model::{Payment, Status},
        route::{Candidate, Route, choose},
        state::{Event, announcements, apply},
    },
    shops::model::{Connection, Routing},
};

const CARD: PayMethod = PayMethod::Card;
const SBP: PayMethod = PayMethod::Sbp;

fn candidate(bank: &str, is_healthy: bool, methods: &[PayMethod]) -> Candidate {
    let connection = Connection {
        id: format!("con_{bank}"),
        shop_id: "shop_1".into(),
        bank: bank.into(),
        name: bank.into(),
        credentials: Credentials::default(),
        token_expires_ms: None,
        notice_keys: String::new(),
        notice_keys_ms: 0,
        swept_ms: 0,
        created_ms: 0,
    };
    Candidate { connection, is_healthy, methods: methods.to_vec() }
}

fn rule(order: &[&str], by_method: &[(PayMethod, &[&str])]) -> Routing {
    let words = |banks: &[&str]| banks.iter().map(|bank| (*bank).to_owned()).collect::<Vec<_>>();
    let by_method = by_method.iter().map(|(method, banks)| (*method, words(banks))).collect();
    Routing { order: words(order), by_method }
}

/// Bank, the ways it may carry, the ways it is first for.
type Shown<'a> = (&'a str, &'a [PayMethod], &'a [PayMethod]);

#[track_caller]
fn check(rule: &Routing, wanted: &[PayMethod], candidates: &[Candidate], expected: &[Shown<'_>]) {
    let routes = choose(rule, wanted, candidates);
    let shown: Vec<Shown<'_>> = routes
        .iter()
        .map(|it| (it.bank.as_str(), it.methods.as_slice(), it.first_for.as_slice()))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn routes_follow_the_rule_and_health_comes_first() {
    let both = [CARD, SBP];
    let well = [candidate("b", true, &both), candidate("a", true, &both)];
    let ill = [candidate("b", true, &both), candidate("a", false, &both)];
    let none = rule(&[], &[]);
    check(&none, &both, &well, &[("b", &both, &both), ("a", &both, &[])]);
    let order = rule(&["a", "b"], &[]);
    check(&order, &both, &well, &[("a", &both, &both), ("b", &both, &[])]);
    check(&order, &both, &ill, &[("b", &both, &both), ("a", &both, &[])]);
    check(&rule(&["con_a"], &[]), &[SBP], &well, &[("a", &[SBP], &[SBP]), ("b", &[SBP], &[])]);
    // A rule for one way to pay is the only one that counts for it.
    let split = rule(&["b"], &[(CARD, &["a"])]);
    check(&split, &both, &well, &[("a", &both, &[CARD]), ("b", &[SBP], &[SBP])]);
}

#[test]
fn a_bank_without_the_way_to_pay_is_no_route() {
    let banks = [candidate("a", true, &[CARD]), candidate("b", true, &[CARD, SBP])];
    let none = rule(&[], &[]);
    check(&none, &[SBP], &banks, &[("b", &[SBP], &[SBP])]);
    check(&rule(&[], &[(SBP, &["a"])]), &[SBP], &banks, &[]);
}

fn route(bank: &str) -> Route {
    Route {
        connection_id: format!("con_{bank}"),
        bank: bank.into(),
        methods: vec![CARD],
        first_for: Vec::new(),
        is_out: false,
    }
}

fn link() -> Payment {
    let routes = vec![route("1"), route("2"), route("3")];
    Payment { routes, connection_id: "con_1".into(), bank: "1".into(), ..created() }
}

fn to(place: usize) -> Move {
    Move {
        to: place,
        reference: format!("K-{place}-new"),
        attempt_id: "att_1".into(),
        refusal: None,
        now_ms: super::CREATED_MS + 1,
    }
}

#[track_caller]
fn after(payment: &Payment, events: &[Event]) -> Payment {
    events.iter().fold(payment.clone(), |payment, event| apply(&payment, event).unwrap().next)
}

const ASKED: Event = Event::OpenAsked { at_ms: super::CREATED_MS };

fn open() -> Payment {
    after(&link(), &[ASKED, Event::Observed(seen(BankStatus::Created))])
}

fn paid(payment: &Payment) -> Payment {
    let mut said = seen(BankStatus::Paid);
    said.bank_id = payment.facts.bank_id.clone().or(said.bank_id);
    said.reference = Some(payment.reference.clone());
    after(payment, &[Event::Observed(said)])
}

#[test]
fn what_may_exist_is_left_behind() {
    let (next, attempt) = leave(&link(), &to(1)).unwrap();
    assert_eq!((next.bank.as_str(), attempt), ("2", None), "nothing was asked of the first");
    let unknown = after(&link(), &[ASKED]);
    for left in [&unknown, &open()] {
        let (next, attempt) = leave(left, &to(1)).unwrap();
        assert_eq!(
            (next.status(), next.moves, next.reference.as_str()),
            (Status::Opening, 1, "K-1-new")
        );
        let attempt = attempt.expect("it may exist");
        assert_eq!((attempt.status(), attempt.facts.clone()), (left.status(), left.facts.clone()));
        assert_eq!(attempt.attempt_of.as_deref(), Some("pay_1"));
        assert!(attempt.is_voiding() && attempt.routes.is_empty());
    }
}

#[test]
fn a_refusal_leaves_nothing_and_is_not_tried_again() {
    let refused = Move { refusal: Some(failure("bank_forbidden")), ..to(1) };
    let (next, attempt) = leave(&after(&link(), &[ASKED]), &refused).unwrap();
    assert!(attempt.is_none() && next.routes[0].is_out);
    assert_eq!(next_route(&next), Some(2));
    let (next, _) = leave(&next, &Move { to: 2, ..refused.clone() }).unwrap();
    assert_eq!(next_route(&next), None, "each has refused, or is asked now");
}

#[test]
fn money_and_ends_stay_where_they_are() {
    let paid = paid(&open());
    let held = after(&open(), &[Event::Observed(seen(BankStatus::Authorized))]);
    let expired = after(&open(), &[Event::Observed(seen(BankStatus::Expired))]);
    let canceled = after(&open(), &[Event::Observed(seen(BankStatus::Canceled))]);
    for stuck in [paid, held, expired, canceled] {
        assert!(leave(&stuck, &to(1)).is_none(), "{:?}", stuck.status());
    }
    let late = Move { now_ms: open().expires_ms, ..to(1) };
    assert!(leave(&open(), &late).is_none(), "its time is over");
    assert!(leave(&Payment { moves: MAX_MOVES, ..open() }, &to(1)).is_none());
    assert!(leave(&open(), &to(7)).is_none());
}

#[test]
fn whichever_has_money_first_is_the_link() {
    let (link, attempt) = leave(&open(), &to(1)).unwrap();
    let attempt = attempt.unwrap();
    assert_eq!(judge(&link, &attempt), Verdict::Leave);
    let attempt = paid(&attempt);
    assert_eq!(judge(&link, &attempt), Verdict::Trade);
    let (link, aside) = trade(&link, &attempt, super::CREATED_MS + 2);
    assert_eq!((link.id.as_str(), link.bank.as_str(), link.status()), ("pay_1", "1", Status::Paid));
    assert_eq!((aside.id.as_str(), aside.bank.as_str()), ("att_1", "2"));
    assert!(!link.is_voiding() && aside.is_voiding());
    assert!(announcements(&link).iter().any(|(kind, _)| kind.as_str() == "payment.paid"));
    assert_eq!(judge(&link, &aside), Verdict::Leave);
}

#[test]
fn money_that_comes_second_goes_back() {
    let (link, attempt) = leave(&open(), &to(1)).unwrap();
    let link = paid(&link);
    let attempt = paid(&attempt.unwrap());
    assert_eq!(judge(&link, &attempt), Verdict::GiveBack);
    let asked =
        Event::RefundRequested { id: "rf_1".into(), amount: money(AMOUNT), reason: None, at_ms: 0 };
    let attempt = after(&attempt, &[asked]);
    assert_eq!(judge(&link, &attempt), Verdict::Leave, "it is on its way");
    // The shop's own refund of the link does not make room for another payment.
    let refunded = after(&link, &[Event::Observed(seen(BankStatus::Refunded))]);
    let (_, second) = leave(&open(), &to(1)).unwrap();
    assert_eq!(judge(&refunded, &paid(&second.unwrap())), Verdict::GiveBack);
}

#[test]
fn a_closing_on_its_way_is_waited_for() {
    let (link, attempt) = leave(&open(), &to(1)).unwrap();
    let closing = after(&paid(&attempt.unwrap()), &[Event::VoidAsked { at_ms: 5 }]);
    assert_eq!(judge(&link, &closing), Verdict::Leave);
    let closed = after(&closing, &[Event::VoidNotSent]);
    assert_eq!(judge(&link, &closed), Verdict::Trade);
}

#[test]
fn what_was_refused_is_not_asked_again() {
    let (link, attempt) = leave(&open(), &to(1)).unwrap();
    let link = paid(&link);
    let refused = [
        Event::RefundRequested { id: "rf_1".into(), amount: money(AMOUNT), reason: None, at_ms: 0 },
        Event::RefundRefused { id: "rf_1".into(), failure: failure("bank_refused") },
    ];
    assert_eq!(judge(&link, &after(&paid(&attempt.unwrap()), &refused)), Verdict::Leave);
}
