//! Codes of SBP for a cash desk and for companies.

use jiff::SignedDuration;

use super::{
    bench::{Bench, check_class, rubles},
    sbp::{Shop, check_link, listen, pay, payments, refund_of, shop, told, word},
};
use crate::{
    emulator::Control,
    op::{
        Answer, BankOp, BankStatus, CodeKind, DeskOp, DeskState, DeskStatus, InvoiceOp, NewInvoice,
        RefusalClass, SbpCode, SbpOp, SbpPayment, SbpWord,
    },
};

#[track_caller]
fn desk(bench: &mut Bench<'_>, shop: &Shop) -> SbpCode {
    let register = DeskOp::Register {
        point_id: shop.point_id.clone(),
        account_id: shop.account_id.clone(),
        return_url: None,
    };
    let word = word(bench, SbpOp::Desk(register));
    let SbpWord::Code(code) = word else { panic!("{word:?}") };
    check_link(&code.url, &code.id);
    code
}

fn arm(code_id: &str, amount: &str) -> SbpOp {
    SbpOp::Desk(DeskOp::Arm {
        code_id: code_id.to_owned(),
        amount: rubles(amount),
        purpose: Some("Чек 7".to_owned()),
        ttl_minutes: 5,
    })
}

#[track_caller]
fn armed(bench: &mut Bench<'_>, code_id: &str, amount: &str) -> String {
    let word = word(bench, arm(code_id, amount));
    let SbpWord::Armed { arming_id, amount: told } = word else { panic!("{word:?}") };
    assert_eq!(told, rubles(amount));
    arming_id
}

#[track_caller]
fn state(bench: &mut Bench<'_>, code_id: &str) -> DeskState {
    let word = word(bench, SbpOp::Desk(DeskOp::State { code_id: code_id.to_owned() }));
    let SbpWord::Desk(state) = word else { panic!("{word:?}") };
    state
}

#[track_caller]
fn payment(bench: &mut Bench<'_>, code_id: &str, arming_id: &str) -> Option<SbpPayment> {
    let (code_id, arming_id) = (code_id.to_owned(), arming_id.to_owned());
    let word = word(bench, SbpOp::Desk(DeskOp::Payment { code_id, arming_id }));
    let SbpWord::DeskPayment { payment, .. } = word else { panic!("{word:?}") };
    payment
}

pub fn arm_and_pay(bench: &mut Bench<'_>) {
    listen(bench);
    let shop = shop(bench);
    let code = desk(bench, &shop);
    assert_eq!(state(bench, &code.id).status, Some(DeskStatus::Idle));
    assert!(pay(bench, &code.id, Some("10")).is_err(), "paid unarmed");
    let first = armed(bench, &code.id, "10.50");
    assert_eq!(
        state(bench, &code.id),
        DeskState { status: Some(DeskStatus::Waiting), arming_id: Some(first.clone()) }
    );
    let refusal = bench.refused(&BankOp::Sbp(arm(&code.id, "99")));
    check_class(&refusal, &[RefusalClass::Conflict]);
    assert_eq!(payment(bench, &code.id, &first), None);
    pay(bench, &code.id, None).unwrap();
    let notices = told(bench);
    assert_eq!((notices.len(), notices[0].amount), (1, Some(rubles("10.50"))));
    let paid = payment(bench, &code.id, &first).expect("it was paid");
    assert_eq!((paid.status, paid.amount), (Some(BankStatus::Paid), Some(rubles("10.50"))));
    assert!(paid.is_same(&notices[0]), "{paid:?} {notices:?}");
    assert!(paid.at.is_some());
    assert_eq!(state(bench, &code.id).status, Some(DeskStatus::Idle));
    assert!(pay(bench, &code.id, None).is_err(), "one arming, one payment");
    // The same sum at once again is another payment.
    let second = armed(bench, &code.id, "10.50");
    assert_ne!(first, second);
    pay(bench, &code.id, None).unwrap();
    let again = payment(bench, &code.id, &second).expect("it was paid");
    assert!(!again.is_same(&paid), "{again:?}");
    assert_eq!(payments(bench, Some(&code.id)).len(), 2);
    let refund = BankOp::Sbp(SbpOp::StartRefund(refund_of(&shop, &paid, "1")));
    check_class(&bench.refused(&refund), &[RefusalClass::Conflict]);
}

pub fn disarm(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let code = desk(bench, &shop);
    let disarm = BankOp::Sbp(SbpOp::Desk(DeskOp::Disarm { code_id: code.id.clone() }));
    check_class(&bench.refused(&disarm), &[RefusalClass::Conflict]);
    let first = armed(bench, &code.id, "10");
    let show = SbpOp::Desk(DeskOp::Show { code_id: code.id.clone() });
    let SbpWord::Code(seen) = word(bench, show.clone()) else { panic!("no code") };
    assert_eq!((seen.amount, &seen.arming_id), (Some(rubles("10")), &Some(first.clone())));
    assert_eq!(bench.done(&disarm), Answer::Accepted { done: true });
    assert!(pay(bench, &code.id, None).is_err(), "paid disarmed");
    assert_eq!(payment(bench, &code.id, &first), None);
    let SbpWord::Code(seen) = word(bench, show) else { panic!("no code") };
    assert_eq!((seen.amount, seen.arming_id), (None, None));
    // Nobody comes: it is over by itself.
    let second = armed(bench, &code.id, "20");
    bench.control(&Control::Decline { id: code.id.clone(), reason: None }).unwrap();
    let failed = payment(bench, &code.id, &second).expect("an attempt");
    assert_eq!(failed.status, Some(BankStatus::Declined));
    bench.now += SignedDuration::from_mins(5);
    assert_eq!(state(bench, &code.id).status, Some(DeskStatus::Idle));
    assert!(pay(bench, &code.id, None).is_err(), "paid too late");
    armed(bench, &code.id, "30");
    for ttl_minutes in [4, 21] {
        let op = DeskOp::Arm {
            code_id: code.id.clone(),
            amount: rubles("1"),
            purpose: None,
            ttl_minutes,
        };
        let refusal = bench.refused_unsent(&BankOp::Sbp(SbpOp::Desk(op)));
        assert_eq!(refusal.param, Some("ttl_minutes"));
    }
    let (code_id, account_id) = (code.id.clone(), shop.account_id.clone());
    let moved = BankOp::Sbp(SbpOp::Desk(DeskOp::Move { code_id, account_id }));
    assert_eq!(bench.done(&moved), Answer::Accepted { done: true });
    let list = DeskOp::List { point_id: shop.point_id, account_id: shop.account_id };
    let SbpWord::Codes(codes) = word(bench, SbpOp::Desk(list)) else { panic!("no codes") };
    assert_eq!(codes.len(), 1);
    assert_eq!((codes[0].kind, &codes[0].url), (Some(CodeKind::Desk), &code.url));
}

pub fn invoice(bench: &mut Bench<'_>) {
    listen(bench);
    let shop = shop(bench);
    let new = NewInvoice {
        point_id: shop.point_id.clone(),
        account_id: shop.account_id.clone(),
        amount: rubles("122"),
        vat: Some(rubles("22")),
        purpose: "Оплата по счёту № 1. В т. ч. НДС 22 %".to_owned(),
        ttl_minutes: 60,
        reference: Some("INV1".to_owned()),
        return_url: None,
    };
    let register = |new: NewInvoice| SbpOp::Invoice(InvoiceOp::Register(new));
    let word_of = word(bench, register(new.clone()));
    let SbpWord::Code(code) = word_of else { panic!("{word_of:?}") };
    check_link(&code.url, &code.id);
    let show = SbpOp::Invoice(InvoiceOp::Show { code_id: code.id.clone() });
    let SbpWord::Code(seen) = word(bench, show) else { panic!("no code") };
    assert_eq!((seen.amount, seen.vat), (Some(new.amount), new.vat));
    assert_eq!((seen.kind, seen.reference.as_deref()), (Some(CodeKind::Invoice), Some("INV1")));
    assert_eq!(seen.purpose.as_ref(), Some(&new.purpose));
    pay(bench, &code.id, None).unwrap();
    let notices = told(bench);
    assert_eq!((notices.len(), notices[0].amount), (1, Some(rubles("122"))));
    assert_eq!(notices[0].code_id, code.id);
    assert!(notices[0].is_same(&notices[0].clone()), "it is paid once only");
    assert!(pay(bench, &code.id, None).is_err(), "paid twice");
    assert_eq!(payments(bench, Some(&code.id)).len(), 1);
    for vat in ["0", "122", "200"] {
        let broken = NewInvoice { vat: Some(rubles(vat)), ..new.clone() };
        let refusal = bench.refused_unsent(&BankOp::Sbp(register(broken)));
        assert_eq!(refusal.param, Some("vat_amount"), "{vat}");
    }
    let free = NewInvoice { vat: None, reference: None, ..new };
    let SbpWord::Code(free) = word(bench, register(free)) else { panic!("no code") };
    let show = SbpOp::Invoice(InvoiceOp::Show { code_id: free.id.clone() });
    let SbpWord::Code(seen) = word(bench, show) else { panic!("no code") };
    assert_eq!((seen.vat, seen.reference), (None, None));
    bench.control(&Control::Expire { id: free.id.clone() }).unwrap();
    assert!(pay(bench, &free.id, None).is_err(), "paid after its end");
}
