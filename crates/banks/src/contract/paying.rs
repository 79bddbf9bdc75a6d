//! Links and payers.

use jiff::SignedDuration;

use super::{
    bench::{Bench, check_class, rubles},
    refunding::refund,
};
use crate::{
    bank::Step,
    emulator::Control,
    op::{
        Answer, BankOp, BankStatus, CreateLink, Observation, PayMethod, RefusalClass, TerminalOp,
        TerminalWord,
    },
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
    for method in bench.setup.methods {
        // The least that the SBP takes is ten rubles.
        let link = CreateLink { methods: vec![*method], ..bench.link("10.01") };
        let bank_id = bench.open(&link);
        bench.pay(&bank_id, *method);
        let seen = bench.look(&bank_id);
        check_paid(&seen, "10.01");
        assert_eq!(seen.method.as_deref(), Some(method.as_str()));
    }
}

/// The payer opens it on a phone, or takes a picture of its code.
pub fn wallets(bench: &mut Bench<'_>) {
    for (wallet, has_picture) in bench.setup.wallets {
        let bank_id = {
            let link = CreateLink { methods: vec![PayMethod::TPay], ..bench.link("10") };
            bench.open(&link)
        };
        let wallet = *wallet;
        let ask = BankOp::Terminal(TerminalOp::WalletLink { bank_id: bank_id.clone(), wallet });
        let answer = bench.done(&ask);
        let Answer::Terminal(TerminalWord::WalletLink { url, .. }) = answer else {
            panic!("{answer:?}")
        };
        assert!(url.contains("://"), "{url}");
        let picture = BankOp::Terminal(TerminalOp::WalletQr { bank_id: bank_id.clone(), wallet });
        if *has_picture {
            let answer = bench.done(&picture);
            let Answer::Qr(code) = answer else { panic!("{answer:?}") };
            assert!(code.content.starts_with("<svg "), "{code:?}");
        } else {
            let refusal = bench.refused_unsent(&picture);
            check_class(&refusal, &[RefusalClass::Unsupported]);
        }
        check_open(&bench.look(&bank_id));
        bench.pay(&bank_id, PayMethod::TPay);
        check_paid(&bench.look(&bank_id), "10");
        let refusal = bench.refused(&ask);
        check_class(&refusal, &[RefusalClass::Conflict]);
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

/// One attempt fails: no card is named, or one that declines.
#[track_caller]
fn decline(bench: &mut Bench<'_>, bank_id: &str, card: Option<&str>) {
    let (id, card) = (bank_id.to_owned(), card.map(str::to_owned));
    let control = match card {
        Some(_) => Control::Pay { id, method: None, card },
        None => Control::Decline { id, reason: None },
    };
    bench.control(&control).unwrap();
}

/// Whatever the attempt, as long as it is not the last.
pub fn a_decline_leaves_it_open(bench: &mut Bench<'_>) {
    let most = bench.setup.last_attempt.map_or(usize::MAX, |last| last - 1);
    let (mut bank_id, mut tries) = (String::new(), most);
    let cards = bench.setup.declining_cards.iter().copied().map(Some);
    for card in cards.chain([None]) {
        if tries == most {
            let link = bench.link("10");
            (bank_id, tries) = (bench.open(&link), 0);
        }
        decline(bench, &bank_id, card);
        check_open(&bench.look(&bank_id));
        tries += 1;
    }
}

pub fn the_last_decline(bench: &mut Bench<'_>) {
    bench.listen();
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    for attempt in 1..=bench.setup.last_attempt.unwrap_or_default() {
        check_open(&bench.look(&bank_id));
        assert_eq!(bench.told(), [], "only the end is told, not the attempts before {attempt}");
        decline(bench, &bank_id, None);
    }
    let mut told = bench.told();
    assert_eq!(told.len(), 1, "{told:?}");
    for seen in [bench.look(&bank_id), told.remove(0)] {
        assert_eq!((seen.status, seen.paid), (Some(BankStatus::Declined), None), "{seen:?}");
        assert!(seen.decline.is_some(), "it says not why: {seen:?}");
    }
    let late = Control::Pay { id: bank_id.clone(), method: None, card: None };
    assert!(bench.control(&late).is_err(), "a closed link was paid");
}

pub fn decline_then_pay(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    decline(bench, &bank_id, None);
    let card = Some(bench.setup.approving_card.to_owned());
    bench.control(&Control::Pay { id: bank_id.clone(), method: None, card }).unwrap();
    let seen = bench.look(&bank_id);
    check_paid(&seen, "10");
    assert_eq!(seen.decline, None, "it is over");
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

pub fn found_by_reference(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    let found = bench.find(&link.reference).expect("the bank has it");
    assert_eq!((found.bank_id.as_ref(), found.amount), (Some(&bank_id), Some(link.amount)));
    let has_url = bench.setup.capabilities().find_gives_url;
    assert_eq!(found.url.is_some(), has_url, "{found:?}");
    bench.pay(&bank_id, PayMethod::Card);
    let found = bench.find(&link.reference).expect("the bank has it");
    assert_eq!((found.status, found.paid), (Some(BankStatus::Paid), Some(link.amount)));
    assert_eq!(bench.find("another-reference"), None);
}

pub fn duplicate(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    let refusal = bench.refused(&BankOp::CreateLink(link.clone()));
    check_class(&refusal, &[RefusalClass::Duplicate]);
    let found = bench.find(&link.reference).expect("the bank has the first");
    assert_eq!(found.bank_id, Some(bank_id));
}

/// The bank makes another payment without a word, so that both must be told apart by us.
pub fn namesakes(bench: &mut Bench<'_>) {
    let link = bench.link("10");
    let [first, second] = [(), ()].map(|()| bench.open(&link));
    assert_ne!(first, second);
    bench.pay(&second, PayMethod::Card);
    let all = bench.look_up(&link.reference);
    assert!(all.iter().all(|seen| seen.reference.as_ref() == Some(&link.reference)), "{all:?}");
    let told: Vec<_> = all.iter().map(|seen| (seen.bank_id.as_ref(), seen.status)).collect();
    // The one that got furthest comes first.
    let expect =
        [(Some(&second), Some(BankStatus::Paid)), (Some(&first), Some(BankStatus::Created))];
    assert_eq!(told, expect);
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
