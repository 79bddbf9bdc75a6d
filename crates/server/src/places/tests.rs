//! Which line of a statement is whose.

use jiff::{ToSpan as _, civil::Date};
use kopeck_banks::{
    Money,
    op::{BankStatus, CodeKind, SbpPayment, StatementLine},
};
use proptest::prelude::*;

use super::{
    model::{Place, State, Transfer},
    state::{day, fresh_lines, is_ours, key, room, sum},
};

const DAY_MS: i64 = 86_400_000;
/// 2026-11-21 12:00 UTC.
const NOON_MS: i64 = 1_795_262_400_000;

fn money(kopecks: i64) -> Money {
    Money::from_kopecks(kopecks).unwrap()
}

fn place(kind: CodeKind) -> Place {
    Place {
        id: "plc_1".into(),
        shop_id: "shop_1".into(),
        connection_id: "con_1".into(),
        bank: "tochka".into(),
        kind,
        name: "Касса".into(),
        amount: None,
        vat: None,
        purpose: Place::tail("Касса", "7Q2MKD"),
        ttl_minutes: None,
        point_id: None,
        account_id: None,
        code_id: Some("AS1".into()),
        code_url: Some("https://qr.nspk.ru/AS1".into()),
        asked_ms: None,
        failure: None,
        suspended_ms: None,
        created_ms: 0,
    }
}

fn transfer(key: &str, amount: Option<i64>, seen_ms: i64) -> Transfer {
    Transfer {
        connection_id: "con_1".into(),
        key: key.into(),
        place_id: "plc_1".into(),
        amount: amount.map(money),
        after_ms: seen_ms - 60_000,
        seen_ms,
        is_line: false,
        is_late: false,
        payment_id: None,
    }
}

fn line(amount: i64, day: Date) -> StatementLine {
    StatementLine {
        id: None,
        is_credit: true,
        is_booked: true,
        amount: money(amount),
        purpose: Place::tail("Касса", "7Q2MKD"),
        day: Some(day),
    }
}

fn sums(lines: &[StatementLine]) -> Vec<i64> {
    lines.iter().map(|line| line.amount.kopecks()).collect()
}

#[test]
fn a_line_is_new_only_when_no_known_transfer_explains_it() {
    let (place, today) = (place(CodeKind::Static), day(NOON_MS));
    let unknown = transfer("a", None, NOON_MS);
    let known = transfer("b", Some(500), NOON_MS);
    let both = [unknown.clone(), known.clone()];
    assert_eq!(sums(&fresh_lines(&place, &both, &[line(500, today)])), [0; 0]);
    assert_eq!(sums(&fresh_lines(&place, &both, &[line(500, today), line(500, today)])), [500]);
    assert_eq!(sums(&fresh_lines(&place, &both, &[line(500, today), line(700, today)])), [700]);
    // Nobody waits for a sum: whatever the lines are, they are somebody else's.
    assert_eq!(sums(&fresh_lines(&place, &[known], &[line(700, today)])), [0; 0]);
    // Never more lines than transfers that wait.
    let lines = [line(700, today), line(800, today)];
    assert_eq!(sums(&fresh_lines(&place, std::slice::from_ref(&unknown), &lines)), [700]);
    let taken = Transfer { is_line: true, ..transfer("line_1", Some(700), NOON_MS) };
    assert_eq!(sums(&fresh_lines(&place, &[unknown, taken], &lines)), [0; 0]);
}

#[test]
fn only_booked_credits_of_this_place_in_these_days_count() {
    let (place, today) = (place(CodeKind::Static), day(NOON_MS));
    let waiting = [transfer("a", None, NOON_MS)];
    let others = [
        StatementLine { is_credit: false, ..line(700, today) },
        StatementLine { is_booked: false, ..line(700, today) },
        StatementLine { purpose: Place::tail("Касса", "ABCDEF"), ..line(700, today) },
        line(700, today - 1.day()),
    ];
    for other in others {
        assert_eq!(
            sums(&fresh_lines(&place, &waiting, std::slice::from_ref(&other))),
            [0; 0],
            "{other:?}"
        );
    }
    let wrapped = format!("Оплата по QR-коду. {}. НДС не облагается", line(1, today).purpose);
    let wrapped = StatementLine { purpose: wrapped, ..line(700, today) };
    assert_eq!(sums(&fresh_lines(&place, &waiting, &[wrapped])), [700]);
    // The bank may book on the next day, and a known one of another day explains nothing.
    assert_eq!(sums(&fresh_lines(&place, &waiting, &[line(700, today + 1.day())])), [700]);
    let old = transfer("b", Some(700), NOON_MS - 3 * DAY_MS);
    let both = [waiting[0].clone(), old];
    assert_eq!(sums(&fresh_lines(&place, &both, &[line(700, today)])), [700]);
}

#[test]
fn days_are_moscows() {
    // 22:30 UTC is half past one of the next day.
    let late_ms = NOON_MS + 10 * 3_600_000 + 1_800_000;
    assert_eq!(day(late_ms), day(NOON_MS) + 1.day());
}

#[test]
fn a_transfer_is_named_by_the_banks_id_and_an_invoices_by_its_code() {
    let seen = SbpPayment {
        code_id: "AS1".into(),
        ref_id: Some("r-1".into()),
        trx_id: Some("A2".into()),
        status: Some(BankStatus::Paid),
        ..SbpPayment::default()
    };
    let wall = place(CodeKind::Static);
    assert_eq!(key(&wall, &seen).as_deref(), Some("r-1"));
    let nameless = SbpPayment { ref_id: None, ..seen.clone() };
    assert_eq!(key(&wall, &nameless), None);
    assert_eq!(key(&place(CodeKind::Invoice), &nameless).as_deref(), Some("AS1"));
    assert!(is_ours(&wall, &seen) && !is_ours(&place(CodeKind::Desk), &seen));
    for status in [None, Some(BankStatus::InProgress), Some(BankStatus::Declined)] {
        assert!(!is_ours(&wall, &SbpPayment { status, ..seen.clone() }), "{status:?}");
    }
    assert_eq!(sum(&wall, &seen), None);
    let fixed = Place { amount: Some(money(900)), ..wall };
    assert_eq!(sum(&fixed, &seen), Some(money(900)));
    assert_eq!(sum(&fixed, &SbpPayment { amount: Some(money(5)), ..seen }), Some(money(5)));
}

#[test]
fn a_state_is_derived() {
    let active = place(CodeKind::Static);
    assert_eq!(active.state(), State::Active);
    let opening = Place { code_id: None, ..active.clone() };
    assert_eq!(opening.state(), State::Opening);
    assert_eq!(Place { suspended_ms: Some(1), ..active }.state(), State::Suspended);
}

/// Payers of one place: a sum, the hour, and whether a notice told of it.
fn payers() -> impl Strategy<Value = Vec<(i64, i64, bool)>> {
    let sum = prop::sample::select(vec![100_i64, 100, 250]);
    prop::collection::vec((sum, 0..96_i64, any::<bool>()), 1..12)
}

proptest! {
    /// Statement after statement, each with some of the lines not booked yet: what is believed is
    /// never more than what came, and with all lines booked it is exactly that.
    #[test]
    fn statements_tell_each_sum_once(
        payers in payers(), booked in prop::collection::vec(0..12_usize, 1..4),
    ) {
        let place = place(CodeKind::Static);
        let at = |hour: i64| NOON_MS + hour * 3_600_000;
        let mut transfers: Vec<Transfer> = payers
            .iter()
            .enumerate()
            .map(|(n, (sum, hour, told))| {
                transfer(&format!("r{n}"), told.then_some(*sum), at(*hour))
            })
            .collect();
        let mut truth: Vec<i64> = payers.iter().map(|(sum, ..)| *sum).collect();
        truth.sort_unstable();
        let lines: Vec<StatementLine> =
            payers.iter().map(|(sum, hour, _)| line(*sum, day(at(*hour)))).collect();
        for count in booked.into_iter().chain([lines.len()]) {
            let fresh = fresh_lines(&place, &transfers, &lines[..count.min(lines.len())]);
            for line in fresh {
                let first = transfers.iter().filter(|one| one.amount.is_none());
                let after_ms = first.map(|one| one.after_ms).min().unwrap();
                let number = transfers.len();
                transfers.push(Transfer {
                    is_line: true,
                    after_ms,
                    ..transfer(&format!("line{number}"), Some(line.amount.kopecks()), at(96))
                });
            }
            let believed: Vec<i64> =
                transfers.iter().filter_map(|one| one.amount).map(Money::kopecks).collect();
            for sum in [100, 250] {
                let of = |all: &[i64]| all.iter().filter(|it| **it == sum).count();
                prop_assert!(of(&believed) <= of(&truth), "{believed:?} of {truth:?}");
            }
        }
        let mut believed: Vec<i64> =
            transfers.iter().filter_map(|one| one.amount).map(Money::kopecks).collect();
        believed.sort_unstable();
        prop_assert_eq!(believed, truth);
        prop_assert_eq!(room(&transfers), 0);
    }
}
