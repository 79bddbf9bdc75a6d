//! What is done next for a sale, and when.

use kopeck_banks::{Money, op::SbpPayment};

use super::{
    model::{Ending, Sale, State},
    schedule::{Step, must_expire, next_step},
    state::{Meant, meant},
};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const START: i64 = 1_795_262_400_000;

fn sale() -> Sale {
    Sale {
        id: "sale_1".into(),
        shop_id: "shop_1".into(),
        place_id: "plc_1".into(),
        connection_id: "con_1".into(),
        amount: Money::from_kopecks(150_000).unwrap(),
        purpose: "Касса 1 №ABCDEF".into(),
        ttl_minutes: 5,
        clerk: None,
        asked_ms: None,
        looks: 0,
        looked_ms: 0,
        arming_id: None,
        is_paying: false,
        cancel_ms: None,
        disarm_asked_ms: None,
        until_ms: START + 5 * MINUTE,
        ending: None,
        ended_ms: None,
        failure: None,
        payment_id: None,
        trx_id: None,
        created_ms: START,
    }
}

fn asked() -> Sale {
    Sale { asked_ms: Some(START), ..sale() }
}

fn armed() -> Sale {
    Sale { arming_id: Some("AS1".into()), looked_ms: START, ..asked() }
}

#[test]
fn a_code_is_armed_once_and_looked_for_after_silence() {
    assert_eq!(next_step(&sale(), START), Step::Arm);
    let mut sale = asked();
    assert_eq!(next_step(&sale, START), Step::Wait { until_ms: START + 3 * SECOND });
    assert_eq!(next_step(&sale, START + 3 * SECOND), Step::LookUp);
    sale.looked_ms = START + 60 * SECOND;
    sale.looks = 2;
    assert_eq!(next_step(&sale, START + 63 * SECOND), Step::LookUp, "two looks are too few");
    sale.looks = 3;
    assert_eq!(next_step(&sale, START + 63 * SECOND), Step::GiveUp);
    // Silence counts as no look, however long it lasts.
    sale.looks = 0;
    assert_eq!(next_step(&sale, START + 24 * 60 * MINUTE), Step::LookUp);
    // Nor is the request sent again for a cancel: what was sent is found first.
    sale.cancel_ms = Some(START);
    assert_eq!(next_step(&sale, START + 24 * 60 * MINUTE), Step::LookUp);
}

#[test]
fn a_sale_that_the_bank_never_heard_of_is_dropped() {
    let sale = Sale { cancel_ms: Some(START), ..sale() };
    assert_eq!(next_step(&sale, START), Step::Drop);
}

#[test]
fn a_cancel_disarms_unless_somebody_is_paying() {
    let mut sale = Sale { cancel_ms: Some(START), ..armed() };
    assert_eq!(next_step(&sale, START), Step::Disarm);
    sale.disarm_asked_ms = Some(START);
    assert_eq!(next_step(&sale, START), Step::Wait { until_ms: START + 3 * SECOND });
    assert_eq!(next_step(&sale, START + 10 * SECOND), Step::Disarm);
    sale.is_paying = true;
    assert_eq!(next_step(&sale, START + 10 * SECOND), Step::Ask);
}

#[test]
fn what_is_over_rests_until_it_is_woken() {
    let mut sale = Sale { ending: Some(Ending::Expired), ..armed() };
    assert_eq!(sale.state(), State::Expired);
    assert_eq!(next_step(&sale, START), Step::Rest);
    assert_eq!(next_step(&sale, START + MINUTE), Step::Ask, "perhaps it was paid at the end");
    sale.payment_id = Some("pay_1".into());
    assert_eq!((sale.state(), next_step(&sale, START + MINUTE)), (State::Paid, Step::Rest));
    let refused = Sale { ending: Some(Ending::Failed), ..super::tests::sale() };
    assert_eq!(next_step(&refused, START + MINUTE), Step::Rest);
}

#[test]
fn a_request_that_comes_through_late_is_disarmed_and_its_money_found() {
    let failed = Sale { ending: Some(Ending::Failed), looked_ms: START, ..asked() };
    assert_eq!(next_step(&failed, START + 59 * SECOND), Step::Wait { until_ms: START + MINUTE });
    assert_eq!(next_step(&failed, START + MINUTE), Step::LookUp);
    // Nothing wanders longer than a quarter of an hour; the last look has to be an answered one.
    let end = START + 15 * MINUTE;
    assert_eq!(next_step(&failed, end), Step::LookUp);
    let looked = Sale { looked_ms: end, looks: 0, ..failed.clone() };
    assert_eq!(next_step(&looked, end + MINUTE), Step::LookUp, "the bank was silent");
    assert_eq!(next_step(&Sale { looks: 1, ..looked }, end), Step::Rest);
    let late = Sale { arming_id: Some("AS1".into()), ..failed };
    assert_eq!(next_step(&late, START + 15 * MINUTE), Step::Disarm);
    let disarmed = Sale { disarm_asked_ms: Some(START), ..late };
    assert_eq!(next_step(&disarmed, START + MINUTE), Step::Ask);
    assert_eq!(next_step(&disarmed, START + 6 * MINUTE), Step::Ask);
    let seen = Sale { looked_ms: START + 6 * MINUTE, looks: 4, ..disarmed.clone() };
    assert_eq!(next_step(&seen, START + 6 * MINUTE), Step::Rest);
    let paid = Sale { payment_id: Some("pay_1".into()), ..disarmed };
    assert_eq!((paid.state(), next_step(&paid, START + MINUTE)), (State::Paid, Step::Rest));
}

fn seen(amount: i64, purpose: &str) -> SbpPayment {
    SbpPayment {
        trx_id: Some("A1".into()),
        amount: Money::from_kopecks(amount).ok(),
        purpose: Some(purpose.into()).filter(|it: &String| !it.is_empty()),
        ..SbpPayment::default()
    }
}

#[test]
fn a_transfer_is_a_sales_by_the_number_in_its_purpose_alone() {
    let first = Sale { id: "sale_1".into(), purpose: "Кофе №1 №AAAAAA".into(), ..armed() };
    let second = Sale { id: "sale_2".into(), purpose: "Кофе №1 №BBBBBB".into(), ..armed() };
    let sales = [first.clone(), second.clone()];
    let named = seen(150_000, "Оплата: Кофе №1 №BBBBBB. Без НДС");
    assert_eq!(meant(&sales, &named), Meant::One(&second));
    // One candidate is no proof: the code may have been armed in the bank's cabinet.
    let one = [first];
    for purpose in ["", "Кофе №1", "Заказ №15"] {
        assert_eq!(meant(&one, &seen(150_000, purpose)), Meant::Unsure, "{purpose}");
        assert_eq!(meant(&one, &seen(150_001, purpose)), Meant::Nobody, "{purpose}");
    }
    assert_eq!(meant(&one, &seen(1, "Кофе №1 №AAAAAA")), Meant::Unsure, "another sum");
    let untold = SbpPayment { amount: None, ..seen(1, "") };
    assert_eq!(meant(&one, &untold), Meant::Unsure);
    assert_eq!(meant(&[], &named), Meant::Nobody);
}

#[test]
fn what_nobody_paid_in_time_is_disarmed_and_only_then_over() {
    let end = START + 5 * MINUTE + 30 * SECOND;
    let sale = Sale { looked_ms: end - SECOND, ..armed() };
    assert_eq!(next_step(&sale, end - 1), Step::Wait { until_ms: end + 2 * SECOND });
    assert_eq!(next_step(&sale, end), Step::Disarm, "the bank armed it later than we asked");
    let paying = Sale { is_paying: true, ..sale.clone() };
    assert_eq!(next_step(&paying, end + 2 * SECOND), Step::Ask);
    assert!(!must_expire(&sale, end) && must_expire(&sale, end + 40 * MINUTE));
}
