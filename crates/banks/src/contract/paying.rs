//! Links and payers.

use jiff::SignedDuration;

use super::{
    bench::{Bench, check_class, rubles},
    refunding::refund,
};
use crate::{
    bank::Step,
    emulator::Control,
    op::{BankOp, BankStatus, CreateLink, Observation, RefusalClass},
    receipt::{Line, Receipt, Subject, Taxation, Vat},
};

/// Paid in full, nothing refunded.
#[track_caller]
pub fn check_paid(seen: &Observation, amount: &str) {
    assert_eq!(seen.status, Some(BankStatus::Paid), "{seen:?}");
    assert_eq!((seen.paid, seen.amount), (Some(rubles(amount)), Some(rubles(amount))));
    assert!(seen.refunds.is_empty(), "{seen:?}");
}

/// Waiting for money, none of it come.
#[track_caller]
fn check_open(seen: &Observation) {
    let status = seen.status.expect("a status");
    let open = [BankStatus::Created, BankStatus::InProgress];
    assert!(open.contains(&status), "{seen:?}");
    assert_eq!((seen.paid, seen.authorized), (None, None), "{seen:?}");
}

pub fn pay(bench: &mut Bench<'_>) {
    let link = bench.link("150.75");
    let bank_id = bench.open(&link);
    let open = bench.look(&bank_id);
    check_open(&open);
    assert_eq!(open.amount, Some(rubles("150.75")));
    assert_eq!(open.reference.as_ref(), Some(&link.reference));
    bench.pay(&bank_id, link.methods[0]);
    let seen = bench.look(&bank_id);
    check_paid(&seen, "150.75");
    assert!(seen.lists_refunds, "{seen:?}");
    assert!(seen.paid_at.is_some() || seen.left.is_some(), "{seen:?}");
    let again = Control::Pay { id: bank_id.clone(), method: None, card: None };
    assert!(bench.control(&again).is_err(), "paid twice");
    check_paid(&bench.look(&bank_id), "150.75");
}

pub fn pay_by_each_method(bench: &mut Bench<'_>) {
    for method in bench.setup.bank.capabilities().methods {
        let link = CreateLink { methods: vec![*method], ..bench.link("1.01") };
        let bank_id = bench.open(&link);
        bench.pay(&bank_id, *method);
        let seen = bench.look(&bank_id);
        check_paid(&seen, "1.01");
        assert_eq!(seen.method.as_deref(), Some(method.as_str()));
    }
}

pub fn pay_with_a_receipt(bench: &mut Bench<'_>) {
    let line = |name: &str, price: &str, quantity_milli: u64| Line {
        quantity_milli,
        vat: Vat::Vat22,
        subject: Subject::Goods,
        ..Line::new(name, rubles(price))
    };
    let receipt = Receipt {
        email: Some("buyer@example.ru".to_owned()),
        taxation: Some(Taxation::UsnIncome),
        // The second line is 66.665, which a cash register rounds up.
        lines: vec![line("Чай", "100.00", 2_000), line("Сыр", "133.33", 500)],
        ..Receipt::default()
    };
    let link = CreateLink { receipt: Some(receipt.clone()), ..bench.link("266.67") };
    let bank_id = bench.open(&link);
    bench.pay(&bank_id, link.methods[0]);
    check_paid(&bench.look(&bank_id), "266.67");
    let wrong = CreateLink { receipt: Some(receipt), ..bench.link("266.66") };
    let refusal = bench.refused_unsent(&BankOp::CreateLink(wrong));
    check_class(&refusal, &[RefusalClass::Invalid]);
}

pub fn a_decline_leaves_it_open(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    bench.control(&Control::Decline { id: bank_id.clone(), reason: None }).unwrap();
    check_open(&bench.look(&bank_id));
    for card in bench.setup.declining_cards {
        let card = Some((*card).to_owned());
        bench.control(&Control::Pay { id: bank_id.clone(), method: None, card }).unwrap();
        check_open(&bench.look(&bank_id));
    }
}

pub fn decline_then_pay(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    bench.control(&Control::Decline { id: bank_id.clone(), reason: None }).unwrap();
    let card = Some(bench.setup.approving_card.to_owned());
    bench.control(&Control::Pay { id: bank_id.clone(), method: None, card }).unwrap();
    check_paid(&bench.look(&bank_id), "10");
}

pub fn expire(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    bench.control(&Control::Expire { id: bank_id.clone() }).unwrap();
    let seen = bench.look(&bank_id);
    assert_eq!((seen.status, seen.paid), (Some(BankStatus::Expired), None));
    let late = Control::Pay { id: bank_id.clone(), method: None, card: None };
    assert!(bench.control(&late).is_err(), "an expired link was paid");
    assert_eq!(bench.look(&bank_id).paid, None);
}

pub fn a_life_ends_by_itself(bench: &mut Bench<'_>) {
    let minutes = *bench.setup.bank.capabilities().ttl_minutes.start();
    let link = CreateLink { ttl_minutes: minutes, ..bench.link("10") };
    let bank_id = bench.open(&link);
    let life = SignedDuration::from_mins(i64::from(minutes));
    bench.now += life - SignedDuration::from_secs(1);
    check_open(&bench.look(&bank_id));
    bench.now += SignedDuration::from_secs(1);
    assert_eq!(bench.look(&bank_id).status, Some(BankStatus::Expired));
}

/// What the capabilities allow is taken by the bank; one more is refused before it leaves.
pub fn limits_are_kept(bench: &mut Bench<'_>) {
    let capabilities = bench.setup.bank.capabilities();
    let purpose = "Щ".repeat(capabilities.max_purpose_chars);
    let reference = "r".repeat(capabilities.max_reference_chars);
    let (shortest, longest) = capabilities.ttl_minutes.clone().into_inner();
    let widest = CreateLink { purpose, reference, ttl_minutes: longest, ..bench.link("10") };
    bench.open(&widest);
    let tiniest = CreateLink { ttl_minutes: shortest, ..bench.link(bench.setup.least_amount) };
    bench.open(&tiniest);
    let longer = |text: &str| format!("{text}x");
    let broken = [
        CreateLink { purpose: longer(&widest.purpose), ..bench.link("10") },
        CreateLink { reference: longer(&widest.reference), ..bench.link("10") },
        CreateLink { ttl_minutes: longest + 1, ..bench.link("10") },
        CreateLink { ttl_minutes: shortest - 1, ..bench.link("10") },
        CreateLink { methods: vec![], ..bench.link("10") },
        CreateLink { amount: crate::Money::ZERO, ..bench.link("10") },
    ];
    for link in broken {
        let refusal = bench.refused_unsent(&BankOp::CreateLink(link));
        check_class(&refusal, &[RefusalClass::Invalid]);
        assert!(refusal.param.is_some(), "{refusal:?} names no field");
    }
}

pub fn the_same_bytes(bench: &mut Bench<'_>) {
    let op = BankOp::CreateLink(bench.link("10"));
    let [first, second] = [(), ()].map(|()| bench.setup.bank.start(&bench.credentials, &op));
    assert!(matches!(first, Step::Send(_)), "{first:?}");
    assert_eq!(first, second);
}

pub fn duplicate_is_found(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    let refusal = bench.refused(&BankOp::CreateLink(link.clone()));
    check_class(&refusal, &[RefusalClass::Duplicate]);
    let found = bench.find(&link.reference).expect("it is in the list");
    assert_eq!(found.bank_id, Some(bank_id));
    assert_eq!(found.amount, Some(link.amount));
    assert!(found.url.is_some(), "the list gives no address to pay at");
    assert_eq!(bench.find("another-reference"), None);
}

pub fn unknown_payment_is_not_found(bench: &mut Bench<'_>) {
    let bank_id = bench.setup.unknown_id.to_owned();
    let amount = rubles("1");
    let ops = [
        BankOp::GetPayment { bank_id: bank_id.clone() },
        BankOp::Capture { bank_id: bank_id.clone(), amount, authorized: amount, receipt: None },
        refund(&bank_id, "1"),
    ];
    for op in ops {
        let refusal = bench.refused(&op);
        check_class(&refusal, &[RefusalClass::NotFound]);
    }
}
