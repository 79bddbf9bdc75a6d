//! Codes of SBP that live by themselves, of banks that have them: from a shop that SBP does not
//! know to money that goes back.

use jiff::SignedDuration;

use super::bench::{Bench, DAY, bank_day, check_class, rubles};
use crate::{
    Money,
    bank::NoticeNews,
    emulator::{Control, FaultKind},
    op::{
        Answer, BankOp, BankStatus, CodeKind, CodeLife, CodeOp, CodeState, NewCode, NewPoint,
        NewSbpRefund, RefundState, RefusalClass, SbpCode, SbpCompany, SbpOp, SbpPayment, SbpWord,
        SetupOp, Statement, StatementLine, StatementOp, StatementState, TransferStatus,
    },
};

/// A shop that SBP knows.
pub struct Shop {
    pub company_id: String,
    pub point_id: String,
    pub account_id: String,
}

#[track_caller]
pub fn word(bench: &mut Bench<'_>, op: SbpOp) -> SbpWord {
    let answer = bench.done(&BankOp::Sbp(op));
    let Answer::Sbp(word) = answer else { panic!("{answer:?}") };
    word
}

#[track_caller]
fn registered(bench: &mut Bench<'_>, op: SetupOp) -> String {
    let word = word(bench, SbpOp::Setup(op));
    let SbpWord::Registered { id } = word else { panic!("{word:?}") };
    id
}

#[track_caller]
fn company(bench: &mut Bench<'_>) -> SbpCompany {
    let word = word(bench, SbpOp::Setup(SetupOp::ShowCompany));
    let SbpWord::Company(company) = word else { panic!("{word:?}") };
    company
}

fn new_point(brand: &str) -> NewPoint {
    NewPoint {
        brand: brand.to_owned(),
        address: "ул. Малышева, д. 51".to_owned(),
        city: "Екатеринбург".to_owned(),
        region: "65".to_owned(),
        postcode: "620075".to_owned(),
        mcc: "5499".to_owned(),
        ..NewPoint::default()
    }
}

#[track_caller]
pub fn shop(bench: &mut Bench<'_>) -> Shop {
    let company_id = registered(bench, SetupOp::RegisterCompany);
    let point = new_point("Чайная");
    let point_id =
        registered(bench, SetupOp::RegisterPoint { company_id: company_id.clone(), point });
    let account_id = company(bench).accounts.remove(0).account_id;
    Shop { company_id, point_id, account_id }
}

fn new_code(shop: &Shop, life: CodeLife) -> NewCode {
    NewCode {
        point_id: shop.point_id.clone(),
        account_id: shop.account_id.clone(),
        life,
        purpose: "Чай и плюшки".to_owned(),
        return_url: Some("https://shop.example.ru/thanks".to_owned()),
    }
}

pub fn dynamic(amount: &str) -> CodeLife {
    CodeLife::Dynamic { amount: rubles(amount), ttl_minutes: 60 }
}

#[track_caller]
pub fn code(bench: &mut Bench<'_>, shop: &Shop, life: CodeLife) -> SbpCode {
    let op = SbpOp::Code(CodeOp::Register(new_code(shop, life)));
    let word = word(bench, op);
    let SbpWord::Code(code) = word else { panic!("{word:?}") };
    check_link(&code.url, &code.id);
    code
}

/// The link of the SBP's operator names the code and has the right checksum.
#[track_caller]
pub fn check_link(url: &str, id: &str) {
    assert!(url.starts_with(&format!("https://qr.nspk.ru/{id}?type=0")), "{url}");
    let (link, crc) = url.split_once("&crc=").expect("a checksum");
    // CRC-16/CCITT-FALSE, written out once more: the emulator's own could be wrong twice.
    let mut sum = 0xffff_u16;
    for bit in link.bytes().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        let is_odd = (sum >> 15) != u16::from(bit);
        sum = (sum << 1) ^ if is_odd { 0x1021 } else { 0 };
    }
    assert_eq!(crc, format!("{sum:04X}"), "{url}");
}

#[track_caller]
fn states(bench: &mut Bench<'_>, ids: &[&str]) -> Vec<CodeState> {
    let code_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let word = word(bench, SbpOp::Code(CodeOp::States { code_ids }));
    let SbpWord::States(states) = word else { panic!("{word:?}") };
    states
}

#[track_caller]
fn status(bench: &mut Bench<'_>, id: &str) -> Option<BankStatus> {
    let mut states = states(bench, &[id]);
    assert_eq!(states.len(), 1);
    let state = states.remove(0);
    assert_eq!(state.code_id, id);
    assert_eq!(state.status.is_none(), state.problem.is_some(), "{state:?}");
    state.status
}

pub fn pay(bench: &mut Bench<'_>, id: &str, amount: Option<&str>) -> Result<(), String> {
    let (id, amount) = (id.to_owned(), amount.map(rubles));
    let pay = Control::PayCode { id, amount, payer_name: None, payer_phone: None };
    bench.control(&pay).map(|_| ())
}

#[track_caller]
pub fn payments(bench: &mut Bench<'_>, code_id: Option<&str>) -> Vec<SbpPayment> {
    let (from, to) = (bank_day(bench.now - DAY * 5), bank_day(bench.now + DAY));
    let code_id = code_id.map(str::to_owned);
    let word = word(bench, SbpOp::Payments { code_id, from, to, page: 1 });
    let SbpWord::Payments(list) = word else { panic!("{word:?}") };
    assert_eq!((list.page, list.total_pages), (1, 1));
    list.items
}

/// With our address registered for what is told of codes.
#[track_caller]
pub fn listen(bench: &mut Bench<'_>) {
    let kinds = bench.setup.capabilities().sbp_notice_kinds;
    bench.done(&BankOp::RegisterNotices {
        url: bench.setup.notice_url.to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        replace: false,
    });
    bench.fetch_keys();
}

#[track_caller]
pub fn told(bench: &mut Bench<'_>) -> Vec<SbpPayment> {
    let due = bench.next_notices();
    let read = |delivery| {
        let notice = bench.genuine(delivery);
        assert_eq!(notice.observation, None, "a code is no payment link");
        match notice.news.map(|news| *news) {
            Some(NoticeNews::SbpPayment(payment)) => payment,
            other => panic!("{other:?}"),
        }
    };
    due.iter().map(read).collect()
}

pub fn from_nothing(bench: &mut Bench<'_>) {
    let refusal = bench.refused(&BankOp::Sbp(SbpOp::Setup(SetupOp::ShowCompany)));
    check_class(&refusal, &[RefusalClass::NotFound]);
    let company_id = registered(bench, SetupOp::RegisterCompany);
    let again = BankOp::Sbp(SbpOp::Setup(SetupOp::RegisterCompany));
    check_class(&bench.refused(&again), &[RefusalClass::Duplicate]);
    let seen = company(bench);
    assert_eq!((seen.id.as_str(), seen.is_active), (company_id.as_str(), true));
    assert!(seen.points.is_empty() && !seen.accounts.is_empty(), "{seen:?}");
    let point = new_point("Чайная");
    let register = SetupOp::RegisterPoint { company_id: company_id.clone(), point };
    let point_id = registered(bench, register);
    let list = word(bench, SbpOp::Setup(SetupOp::Points { company_id: company_id.clone() }));
    let SbpWord::Points(points) = list else { panic!("{list:?}") };
    let shown = word(bench, SbpOp::Setup(SetupOp::ShowPoint { point_id: point_id.clone() }));
    assert_eq!(shown, SbpWord::Point(points[0].clone()));
    assert_eq!((points[0].brand.as_str(), points[0].is_active), ("Чайная", true));
    assert!(points[0].kinds.contains(&CodeKind::Static), "{points:?}");
    let accounts = SetupOp::Accounts { company_id: company_id.clone() };
    assert_eq!(word(bench, SbpOp::Setup(accounts)), SbpWord::Accounts(seen.accounts.clone()));
    let find = SetupOp::FindCompany { company_id: company_id.clone() };
    let found = word(bench, SbpOp::Setup(find));
    assert!(matches!(found, SbpWord::Company(found) if found.id == company_id));
    let account_id = seen.accounts[0].account_id.clone();
    let shop = Shop { company_id: company_id.clone(), point_id, account_id };
    let code = code(bench, &shop, CodeLife::Static { amount: None });
    let list = word(bench, SbpOp::Code(CodeOp::List { company_id }));
    let SbpWord::Codes(codes) = list else { panic!("{list:?}") };
    assert_eq!(codes.len(), 1);
    let shown = word(bench, SbpOp::Code(CodeOp::Show { code_id: code.id.clone() }));
    assert_eq!(shown, SbpWord::Code(codes[0].clone()));
    assert_eq!((codes[0].kind, codes[0].amount), (Some(CodeKind::Static), None));
    assert_eq!((codes[0].is_active, &codes[0].url), (Some(true), &code.url));
    let strange = SetupOp::Points { company_id: "LA0000000000".to_owned() };
    let refusal = bench.refused(&BankOp::Sbp(SbpOp::Setup(strange)));
    check_class(&refusal, &[RefusalClass::Credentials, RefusalClass::NotFound]);
}

pub fn suspended(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let poster = code(bench, &shop, CodeLife::Static { amount: Some(rubles("50")) });
    let set = |is_active| {
        let point_id = shop.point_id.clone();
        BankOp::Sbp(SbpOp::Setup(SetupOp::SetPoint { point_id, is_active }))
    };
    assert_eq!(bench.done(&set(false)), Answer::Accepted { done: true });
    assert!(pay(bench, &poster.id, None).is_err(), "paid while suspended");
    let seen = word(bench, SbpOp::Code(CodeOp::Show { code_id: poster.id.clone() }));
    assert!(matches!(seen, SbpWord::Code(code) if code.is_active == Some(false)));
    let register = SbpOp::Code(CodeOp::Register(new_code(&shop, dynamic("10"))));
    check_class(&bench.refused(&BankOp::Sbp(register)), &[RefusalClass::Conflict]);
    assert_eq!(bench.done(&set(true)), Answer::Accepted { done: true });
    pay(bench, &poster.id, None).unwrap();
    let (company_id, is_active) = (shop.company_id.clone(), false);
    bench.done(&BankOp::Sbp(SbpOp::Setup(SetupOp::SetCompany { company_id, is_active })));
    assert!(pay(bench, &poster.id, None).is_err(), "the company is suspended");
    assert_eq!(payments(bench, None).len(), 1);
}

pub fn dynamic_is_paid(bench: &mut Bench<'_>) {
    listen(bench);
    let shop = shop(bench);
    let code = code(bench, &shop, dynamic("150.75"));
    assert!(code.url.contains("&sum=15075&cur=RUB"), "{}", code.url);
    assert_eq!(status(bench, &code.id), Some(BankStatus::Created));
    bench.control(&Control::Decline { id: code.id.clone(), reason: None }).unwrap();
    assert_eq!(status(bench, &code.id), Some(BankStatus::Declined));
    assert!(pay(bench, &code.id, Some("150.74")).is_err(), "a sum of the payer's own");
    pay(bench, &code.id, None).unwrap();
    let told = told(bench);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].code_id.as_str(), told[0].amount), (&*code.id, Some(rubles("150.75"))));
    assert_eq!(told[0].status, Some(BankStatus::Paid));
    assert!(told[0].trx_id.is_some() && told[0].ref_id.is_some(), "{told:?}");
    let state = states(bench, &[&code.id]).remove(0);
    assert_eq!((state.status, &state.trx_id), (Some(BankStatus::Paid), &told[0].trx_id));
    let list = payments(bench, Some(&code.id));
    assert_eq!(list.iter().filter(|seen| seen.is_same(&told[0])).count(), 1, "{list:?}");
    let rejected = list.iter().filter(|seen| seen.status == Some(BankStatus::Declined));
    assert_eq!((list.len(), rejected.count()), (2, 1));
    assert!(pay(bench, &code.id, None).is_err(), "paid twice");
    bench.now += DAY + SignedDuration::from_mins(1);
    assert_eq!(status(bench, &code.id), None, "forgotten a day later");
    let list = payments(bench, Some(&code.id));
    assert!(list.iter().any(|seen| seen.status == Some(BankStatus::Paid)), "{list:?}");
}

pub fn dynamic_ends(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let code = code(bench, &shop, dynamic("10"));
    bench.now += SignedDuration::from_mins(59);
    assert_eq!(status(bench, &code.id), Some(BankStatus::Created));
    bench.now += SignedDuration::from_mins(1);
    assert_eq!(status(bench, &code.id), None);
    assert!(pay(bench, &code.id, None).is_err(), "paid after its end");
    assert!(payments(bench, None).is_empty(), "what was not paid is not listed");
}

pub fn in_batch(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let [paid, open] = ["10", "20"].map(|amount| code(bench, &shop, dynamic(amount)).id);
    pay(bench, &paid, None).unwrap();
    let poster = code(bench, &shop, CodeLife::Static { amount: None }).id;
    let nobody = "AD00000000000000000000000000000X";
    let before = bench.sent;
    let seen = states(bench, &[&paid, nobody, &open, &poster]);
    assert_eq!(bench.sent, before + 1, "one request");
    let told: Vec<_> = seen.iter().map(|state| (state.code_id.as_str(), state.status)).collect();
    let expect = [
        (paid.as_str(), Some(BankStatus::Paid)),
        (nobody, None),
        (open.as_str(), Some(BankStatus::Created)),
        (poster.as_str(), None),
    ];
    assert_eq!(told, expect);
}

/// Two payers, one sum, one minute: two payments, told apart by their ids alone.
pub fn two_equal_payments(bench: &mut Bench<'_>) {
    listen(bench);
    let shop = shop(bench);
    let poster = code(bench, &shop, CodeLife::Static { amount: None });
    assert!(pay(bench, &poster.id, None).is_err(), "a sum from nowhere");
    bench.fault(FaultKind::NoticeDoubled, 1);
    pay(bench, &poster.id, Some("100")).unwrap();
    pay(bench, &poster.id, Some("100")).unwrap();
    let mut all = told(bench);
    while bench.bank.next_due().is_some() {
        all.extend(told(bench));
    }
    let [first, again, second] = all.as_slice() else { panic!("{all:?}") };
    assert!(first.is_same(again) && first == again, "one notice twice is one payment");
    assert!(!first.is_same(second), "{all:?}");
    assert_eq!((first.amount, second.amount), (Some(rubles("100")), Some(rubles("100"))));
    // The third notice is lost: the list knows of one payment more, though not of its sum.
    bench.fault(FaultKind::NoticeLost, 1);
    pay(bench, &poster.id, Some("7")).unwrap();
    assert_eq!(bench.bank.next_due(), None);
    let list = payments(bench, Some(&poster.id));
    let is_told = |seen: &&SbpPayment| all.iter().any(|told| told.is_same(seen));
    let (told, found): (Vec<&SbpPayment>, Vec<&SbpPayment>) = list.iter().partition(is_told);
    assert_eq!((told.len(), found.len()), (2, 1), "{list:?}");
    assert_eq!((found[0].status, found[0].amount), (Some(BankStatus::Paid), None));
    assert!(found[0].ref_id.is_some());
}

pub fn refund_of(shop: &Shop, payment: &SbpPayment, amount: &str) -> NewSbpRefund {
    NewSbpRefund {
        code_id: payment.code_id.clone(),
        account_id: shop.account_id.clone(),
        amount: rubles(amount),
        trx_id: payment.trx_id.clone(),
        ref_id: payment.ref_id.clone(),
        purpose: "Возврат rf_1".to_owned(),
        is_abroad: false,
    }
}

#[track_caller]
fn start_refund(bench: &mut Bench<'_>, new: NewSbpRefund) -> RefundState {
    let word = word(bench, SbpOp::StartRefund(new));
    let SbpWord::Refund(state) = word else { panic!("{word:?}") };
    assert_eq!(state.status, Some(TransferStatus::Running));
    state
}

#[track_caller]
fn look_at_refund(bench: &mut Bench<'_>, refund_id: &str) -> RefundState {
    let word = word(bench, SbpOp::FindRefund { refund_id: refund_id.to_owned() });
    let SbpWord::Refund(state) = word else { panic!("{word:?}") };
    state
}

#[track_caller]
fn paid(bench: &mut Bench<'_>, shop: &Shop, amount: &str) -> SbpPayment {
    let code = code(bench, shop, dynamic(amount));
    pay(bench, &code.id, None).unwrap();
    payments(bench, Some(&code.id)).remove(0)
}

pub fn refunds(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let payment = paid(bench, &shop, "100");
    let part = start_refund(bench, refund_of(&shop, &payment, "30.05"));
    bench.now += SignedDuration::from_secs(5);
    let done = look_at_refund(bench, &part.refund_id);
    assert_eq!(done.status, Some(TransferStatus::Done));
    let too_much = BankOp::Sbp(SbpOp::StartRefund(refund_of(&shop, &payment, "69.96")));
    check_class(&bench.refused(&too_much), &[RefusalClass::Conflict]);
    // By its id in SBP alone, to a payer abroad.
    let state = states(bench, &[&payment.code_id]).remove(0);
    let is_abroad = true;
    let rest = NewSbpRefund {
        trx_id: state.trx_id,
        ref_id: None,
        is_abroad,
        ..refund_of(&shop, &payment, "69.95")
    };
    let rest = start_refund(bench, rest);
    assert_ne!(rest.refund_id, part.refund_id);
    let nothing = BankOp::Sbp(SbpOp::StartRefund(refund_of(&shop, &payment, "0.01")));
    check_class(&bench.refused(&nothing), &[RefusalClass::Conflict]);
    let strange = Some("00000000-0000-4000-8000-000000000000".to_owned());
    let strange = NewSbpRefund { ref_id: strange, trx_id: None, ..refund_of(&shop, &payment, "1") };
    let refusal = bench.refused(&BankOp::Sbp(SbpOp::StartRefund(strange)));
    check_class(&refusal, &[RefusalClass::NotFound]);
    let refund_id = "openapi-nobody".to_owned();
    let refusal = bench.refused(&BankOp::Sbp(SbpOp::FindRefund { refund_id }));
    check_class(&refusal, &[RefusalClass::NotFound]);
}

/// Taken, then failed: nothing went back, and all of it may be sent again.
pub fn refund_fails_later(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let payment = paid(bench, &shop, "100");
    let reason = Some("Счёт получателя закрыт".to_owned());
    let spoil = Control::Decline { id: payment.code_id.clone(), reason: reason.clone() };
    bench.control(&spoil).unwrap();
    let first = start_refund(bench, refund_of(&shop, &payment, "100"));
    let refused = BankOp::Sbp(SbpOp::StartRefund(refund_of(&shop, &payment, "100")));
    check_class(&bench.refused(&refused), &[RefusalClass::Conflict]);
    bench.now += SignedDuration::from_secs(5);
    let failed = look_at_refund(bench, &first.refund_id);
    assert_eq!((failed.status, failed.reason), (Some(TransferStatus::Failed), reason));
    let second = start_refund(bench, refund_of(&shop, &payment, "100"));
    let spoil = Control::Decline { id: second.refund_id.clone(), reason: None };
    bench.control(&spoil).unwrap();
    let failed = look_at_refund(bench, &second.refund_id);
    assert_eq!(failed.status, Some(TransferStatus::Failed));
    start_refund(bench, refund_of(&shop, &payment, "100"));
}

/// Its money went: whoever sent it again would pay twice.
pub fn refund_reply_lost(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let payment = paid(bench, &shop, "100");
    bench.fault(FaultKind::ReplyLost, 1);
    bench.unknown(&BankOp::Sbp(SbpOp::StartRefund(refund_of(&shop, &payment, "60"))));
    bench.fault(FaultKind::Status { status: 503 }, 1);
    bench.unknown(&BankOp::Sbp(SbpOp::StartRefund(refund_of(&shop, &payment, "40"))));
    let seen = bench.control(&Control::Show { id: payment.code_id.clone() }).unwrap();
    let refunds = seen["payments"][0]["refunds"].as_array().unwrap();
    assert_eq!(refunds.len(), 1, "{seen}");
    assert_eq!(refunds[0]["amount_kopecks"], 6_000);
    // Nothing lists refunds, but the account's statement has our own words for this one.
    bench.now += SignedDuration::from_secs(5);
    let gone: Vec<StatementLine> =
        statement(bench, &shop).into_iter().filter(|line| !line.is_credit).collect();
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert_eq!((gone[0].amount, gone[0].purpose.as_str()), (rubles("60"), "Возврат rf_1"));
    assert!(gone[0].is_booked);
}

/// The account's statement of the days around now.
#[track_caller]
fn statement(bench: &mut Bench<'_>, shop: &Shop) -> Vec<StatementLine> {
    let (from, to) = (bank_day(bench.now - DAY), bank_day(bench.now + DAY));
    let account_id = shop.account_id.clone();
    let ask = BankOp::Statement(StatementOp::Ask { account_id: account_id.clone(), from, to });
    let answer = bench.done(&ask);
    let Answer::Statement(asked) = answer else { panic!("{answer:?}") };
    assert_eq!(asked.state, StatementState::Making);
    let statement_id = asked.id.clone();
    let read = BankOp::Statement(StatementOp::Read { account_id, statement_id });
    assert_eq!(bench.done(&read), Answer::Statement(asked), "not at once");
    bench.now += SignedDuration::from_secs(5);
    let answer = bench.done(&read);
    let Answer::Statement(Statement { state: StatementState::Ready(lines), .. }) = answer else {
        panic!("{answer:?}")
    };
    lines
}

/// Of a payment whose notice was lost the list tells no sum; the statement has it.
pub fn lost_sum_is_in_the_statement(bench: &mut Bench<'_>) {
    listen(bench);
    let shop = shop(bench);
    let poster = code(bench, &shop, CodeLife::Static { amount: None });
    bench.fault(FaultKind::NoticeLost, 1);
    pay(bench, &poster.id, Some("7.07")).unwrap();
    let list = payments(bench, Some(&poster.id));
    assert_eq!((list.len(), list[0].amount), (1, None));
    let lines = statement(bench, &shop);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].is_credit);
    assert_eq!((lines[0].amount, lines[0].purpose.as_str()), (rubles("7.07"), "Чай и плюшки"));
    assert_eq!(lines[0].day, Some(bank_day(bench.now)));
}

pub fn only_dynamic_is_refunded(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let poster = code(bench, &shop, CodeLife::Static { amount: Some(rubles("5")) });
    pay(bench, &poster.id, None).unwrap();
    let payment = payments(bench, Some(&poster.id)).remove(0);
    let refund = BankOp::Sbp(SbpOp::StartRefund(refund_of(&shop, &payment, "5")));
    let is_able = bench.setup.capabilities().sbp_refunds.contains(&CodeKind::Static);
    assert!(!is_able, "then it must be tried");
    check_class(&bench.refused(&refund), &[RefusalClass::Conflict]);
}

pub fn limits(bench: &mut Bench<'_>) {
    let shop = shop(bench);
    let most = code(bench, &shop, dynamic("1000000"));
    pay(bench, &most.id, None).unwrap();
    let good = new_code(&shop, dynamic("10"));
    let life = |amount: Money, ttl_minutes| CodeLife::Dynamic { amount, ttl_minutes };
    let broken = [
        NewCode { life: life(Money::ZERO, 60), ..good.clone() },
        NewCode { life: life(rubles("1000000.01"), 60), ..good.clone() },
        NewCode { life: CodeLife::Static { amount: Some(Money::ZERO) }, ..good.clone() },
        NewCode { life: life(rubles("10"), 0), ..good.clone() },
        NewCode { life: life(rubles("10"), 129_601), ..good.clone() },
        NewCode { purpose: " ".to_owned(), ..good.clone() },
        NewCode { purpose: "щ".repeat(141), ..good.clone() },
        NewCode { return_url: Some("http://shop.example.ru".to_owned()), ..good.clone() },
        NewCode { point_id: "200000000001056".to_owned(), ..good.clone() },
        NewCode { account_id: "40702810302000000092".to_owned(), ..good.clone() },
    ];
    for new in broken {
        let refusal = bench.refused_unsent(&BankOp::Sbp(SbpOp::Code(CodeOp::Register(new))));
        check_class(&refusal, &[RefusalClass::Invalid]);
        assert!(refusal.param.is_some(), "{refusal:?} names no field");
    }
    let widest = NewCode { life: life(rubles("0.01"), 129_600), ..good };
    let widest = NewCode { purpose: "щ".repeat(140), ..widest };
    word(bench, SbpOp::Code(CodeOp::Register(widest)));
    for code_ids in [vec![], vec!["a,b".to_owned()], vec![most.id; 51]] {
        let states = BankOp::Sbp(SbpOp::Code(CodeOp::States { code_ids }));
        check_class(&bench.refused_unsent(&states), &[RefusalClass::Invalid]);
    }
}

/// A bank without such codes says so by itself, whatever is asked.
pub fn not_there(bench: &mut Bench<'_>) {
    let shop = Shop {
        company_id: "LA0000000001".to_owned(),
        point_id: "MA0000000001".to_owned(),
        account_id: "40702810302000000092/044525104".to_owned(),
    };
    let (from, to) = (bank_day(bench.now), bank_day(bench.now));
    let ops = [
        SbpOp::Setup(SetupOp::ShowCompany),
        SbpOp::Code(CodeOp::Register(new_code(&shop, dynamic("10")))),
        SbpOp::Payments { code_id: None, from, to, page: 1 },
        SbpOp::FindRefund { refund_id: "1".to_owned() },
    ];
    for op in ops {
        let refusal = bench.refused_unsent(&BankOp::Sbp(op));
        check_class(&refusal, &[RefusalClass::Unsupported]);
    }
}
