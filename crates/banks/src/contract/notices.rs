//! What the bank tells by itself: signed, repeated, lost, overtaken; and where it tells it.

use std::collections::BTreeSet;

use super::{
    bench::{Bench, check_class, rubles},
    holding::capture,
    paying::check_paid,
};
use crate::{
    bank::Notice,
    emulator::FaultKind,
    op::{
        Answer, BankOp, BankStatus, CreateLink, NoticeAddress, Observation, PayMethod, RefusalClass,
    },
};

pub fn genuine(bench: &mut Bench<'_>) {
    bench.listen();
    let link = bench.link("10");
    let bank_id = bench.open(&link);
    bench.pay(&bank_id, PayMethod::Card);
    let told = bench.next_observation();
    assert_eq!(told.bank_id.as_ref(), Some(&bank_id));
    assert_eq!(told.reference, Some(link.reference));
    assert_eq!((told.status, told.paid), (Some(BankStatus::Paid), Some(rubles("10"))));
    let is_silent = bench.setup.tells_in_pairs && told.method.is_none();
    assert!(told.method.as_deref() == Some("card") || is_silent, "{told:?}");
    check_paid(&bench.look(&bank_id), "10");
    assert_eq!(bench.bank.next_due(), None, "an answered notice comes once");
}

pub fn of_a_hold(bench: &mut Bench<'_>) {
    bench.listen();
    let bank_id = bench.held("10");
    let held = bench.next_observation();
    assert_eq!(held.status, Some(BankStatus::Authorized));
    assert_eq!((held.authorized, held.paid), (Some(rubles("10")), None));
    bench.done(&capture(&bank_id, "10", "10"));
    let paid = bench.next_observation();
    assert_eq!((paid.status, paid.paid), (Some(BankStatus::Paid), Some(rubles("10"))));
}

/// Not believed, and said so with an error: then the bank repeats it whole. Of several notices that
/// come at one moment any number may be spoiled, and each of them.
pub fn corrupted(bench: &mut Bench<'_>) {
    bench.listen();
    let count = bench.notices_of_a_payment();
    let (mut spoiled, mut all) = (BTreeSet::new(), BTreeSet::new());
    for times in (1..=count).cycle().take(8 * count) {
        bench.fault(FaultKind::NoticeCorrupted, u32::try_from(times).unwrap());
        let bank_id = bench.paid("10");
        let (whole, bad): (Vec<Notice>, Vec<Notice>) =
            bench.judged_notices().into_iter().partition(|n| matches!(n, Notice::Genuine(_)));
        assert_eq!(bad, vec![Notice::BadSignature; times]);
        assert_eq!(whole.len(), count - times);
        let again = bench.judged_notices();
        assert_eq!(again.len(), times);
        let repeated = statuses(&again, &bank_id);
        let told: BTreeSet<BankStatus> = &repeated | &statuses(&whole, &bank_id);
        assert!(told.contains(&BankStatus::Paid), "{told:?}");
        if times == 1 {
            spoiled.extend(repeated);
        }
        all.extend(told);
    }
    assert_eq!(spoiled, all, "each of them was the spoiled one");
}

/// What genuine notices say of this one payment.
#[track_caller]
fn statuses(notices: &[Notice], bank_id: &str) -> BTreeSet<BankStatus> {
    let read = notices.iter().map(|notice| {
        let Notice::Genuine(genuine) = notice else { panic!("{notice:?}") };
        let seen = genuine.observation.as_ref().expect("it tells of no payment");
        assert_eq!(seen.bank_id.as_deref(), Some(bank_id));
        seen.status.expect("a status")
    });
    read.collect()
}

/// Whatever is changed of what is signed, nothing is believed. What is not signed may only fall
/// silent: no change of one byte makes a notice say something else of the money.
pub fn forged(bench: &mut Bench<'_>) {
    bench.listen();
    bench.paid("10");
    let due = bench.all_notices();
    assert_eq!(due.len(), bench.notices_of_a_payment());
    for delivery in &due {
        let body = &delivery.request.body;
        let said = bench.genuine(delivery).observation.expect("a payment");
        let signed = (bench.setup.signed_bytes)(body);
        assert!(signed.len() * 3 > body.len(), "hardly anything is signed");
        for at in 0..body.len() {
            let mut forged = body.clone();
            forged[at] ^= 1;
            if let Notice::Genuine(notice) = bench.read(&forged) {
                assert!(!signed.contains(&at), "byte {at} is signed: {notice:?}");
                check_says_no_more(&notice.observation.unwrap_or_default(), &said);
            }
            assert!(!matches!(bench.read(&body[..at]), Notice::Genuine(_)), "cut at {at}");
        }
    }
    for nothing in [&b""[..], b"{}", b"null", &[0xff; 64]] {
        assert!(!matches!(bench.read(nothing), Notice::Genuine(_)), "{nothing:?}");
    }
    let keys = std::mem::take(&mut bench.keys);
    if !keys.is_empty() {
        assert_eq!(bench.read(&due[0].request.body), Notice::BadSignature, "without keys");
    }
}

#[track_caller]
fn check_says_no_more(forged: &Observation, said: &Observation) {
    fn is_less<T: PartialEq>(forged: &Option<T>, said: &Option<T>) -> bool {
        forged.is_none() || forged == said
    }
    let charge = |seen: &Observation| seen.saved_card.as_ref().and_then(|c| c.charge_id.clone());
    let is_fine = is_less(&forged.bank_id, &said.bank_id)
        && is_less(&forged.reference, &said.reference)
        && is_less(&forged.status, &said.status)
        && is_less(&forged.amount, &said.amount)
        && is_less(&forged.authorized, &said.authorized)
        && is_less(&forged.paid, &said.paid)
        && is_less(&forged.left, &said.left)
        && is_less(&charge(forged), &charge(said))
        && forged.refunds == said.refunds;
    assert!(is_fine, "{forged:?} is more than {said:?}");
}

/// Any number of those that come at one moment.
pub fn twice(bench: &mut Bench<'_>) {
    bench.listen();
    let count = bench.notices_of_a_payment();
    for times in 1..=count {
        bench.fault(FaultKind::NoticeDoubled, u32::try_from(times).unwrap());
        bench.paid("10");
        let told = bench.told();
        assert_eq!(told.len(), count + times);
        let mut different: Vec<Observation> = Vec::new();
        for seen in told {
            if !different.contains(&seen) {
                different.push(seen);
            }
        }
        assert_eq!(different.len(), count, "{different:#?}");
    }
}

/// Any number of those that come at one moment.
pub fn lost(bench: &mut Bench<'_>) {
    bench.listen();
    let count = bench.notices_of_a_payment();
    for times in (1..=count).cycle().take(8 * count) {
        bench.fault(FaultKind::NoticeLost, u32::try_from(times).unwrap());
        let bank_id = bench.paid("10");
        let told = bench.told();
        assert_eq!(told.len(), count - times, "{told:?}");
        assert!(told.iter().all(|seen| seen.bank_id.as_ref() == Some(&bank_id)), "{told:?}");
        check_paid(&bench.look(&bank_id), "10");
    }
}

pub fn reordered(bench: &mut Bench<'_>) {
    bench.listen();
    bench.fault(FaultKind::NoticeReordered, 1);
    let bank_id = bench.held("10");
    bench.done(&capture(&bank_id, "10", "10"));
    let mut due = bench.next_notices();
    while bench.bank.next_due().is_some() {
        due.extend(bench.next_notices());
    }
    let told: Vec<_> = due.iter().filter_map(|d| bench.genuine(d).observation).collect();
    let statuses: Vec<_> = told.iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [Some(BankStatus::Paid), Some(BankStatus::Authorized)]);
    // Late as it is, the first is still true: a hold there was.
    assert_eq!((told[1].authorized, told[1].paid), (Some(rubles("10")), None));
}

/// The payer was faster than the bank's answer to us, which never came: only our own reference can
/// tell whose payment it is.
pub fn before_the_reply(bench: &mut Bench<'_>) {
    bench.listen();
    let link = bench.link("10");
    bench.fault(FaultKind::ReplyLost, 1);
    bench.unknown(&BankOp::CreateLink(link.clone()));
    bench.pay(&link.reference, PayMethod::Card);
    let told = bench.next_observation();
    assert_eq!(told.reference.as_ref(), Some(&link.reference));
    let found = bench.find(&link.reference).expect("it is in the list");
    assert_eq!(told.bank_id, found.bank_id);
}

pub fn of_another_kind(bench: &mut Bench<'_>) {
    let kind = bench.setup.foreign_kind.unwrap_or_default();
    bench.fetch_keys();
    let (url, kinds) = (bench.setup.notice_url.to_owned(), vec![kind.to_owned()]);
    let request = BankOp::RegisterNotices { url, kinds, replace: false };
    // Its test notice is taken by hand, so that it can be read.
    let body = first_body(bench, &request);
    let Notice::Genuine(notice) = bench.read(&body) else { panic!("{:?}", bench.read(&body)) };
    assert_eq!((notice.kind.as_str(), notice.observation), (kind, None));
    assert!(!notice.fields.is_empty());
}

/// The body of the first notice that an operation brings about while it runs.
#[track_caller]
fn first_body(bench: &mut Bench<'_>, op: &BankOp) -> Vec<u8> {
    let step = bench.setup.bank.start(&bench.credentials, op);
    let crate::bank::Step::Send(request) = step else { panic!("{step:?}") };
    bench.bank.serve(bench.bank_now(), &request);
    let due = bench.take_notices();
    due.first().expect("a test notice").request.body.clone()
}

pub fn new_key(bench: &mut Bench<'_>) {
    bench.listen();
    let bank_id = bench.paid("10");
    bench.next_observation();
    let snapshot = bench.bank.snapshot();
    bench.bank = bench.setup.rekeyed.expect("checked by the list")();
    bench.bank.restore(&snapshot).unwrap();
    let other = bench.paid("20");
    let due = bench.next_notices();
    assert_eq!(bench.read(&due[0].request.body), Notice::BadSignature, "by the old key");
    bench.fetch_keys();
    let told = bench.genuine(&due[0]).observation.expect("a payment");
    assert_eq!(told.bank_id, Some(other));
    check_paid(&bench.look(&bank_id), "10");
}

pub fn address(bench: &mut Bench<'_>) {
    assert_eq!(bench.done(&BankOp::ShowNotices), Answer::Notices(None));
    let register = bench.register();
    let BankOp::RegisterNotices { url, kinds, .. } = register.clone() else { unreachable!() };
    let expect = Answer::Notices(Some(NoticeAddress { url: url.clone(), kinds: kinds.clone() }));
    assert_eq!(bench.done(&register), expect);
    assert_eq!(bench.done(&BankOp::ShowNotices), expect);
    let kind = kinds[0].clone();
    let test = bench.done(&BankOp::TestNotice { kind: kind.clone() });
    assert_eq!(test, Answer::Accepted { done: true });
    bench.answers = 500;
    let test = bench.done(&BankOp::TestNotice { kind });
    assert_eq!(test, Answer::Accepted { done: false }, "nobody took it");
    bench.answers = 200;
    let moved = format!("{url}/moved");
    let replace =
        BankOp::RegisterNotices { url: moved.clone(), kinds: kinds.clone(), replace: true };
    let expect = Answer::Notices(Some(NoticeAddress { url: moved, kinds }));
    assert_eq!(bench.done(&replace), expect);
    assert_eq!(bench.done(&BankOp::ShowNotices), expect);
    assert_eq!(bench.done(&BankOp::DeleteNotices), Answer::Accepted { done: true });
    assert_eq!(bench.done(&BankOp::ShowNotices), Answer::Notices(None));
    let bank_id = bench.paid("10");
    assert_eq!(bench.bank.next_due(), None, "nobody listens");
    check_paid(&bench.look(&bank_id), "10");
}

/// The bank knows no other address than the one that came with the payment.
pub fn own_address(bench: &mut Bench<'_>) {
    for word in ["one", "two"] {
        let url = format!("{}/{word}", bench.setup.notice_url);
        let link = CreateLink { notice_url: Some(url.clone()), ..bench.link("10") };
        let bank_id = bench.open(&link);
        bench.pay(&bank_id, PayMethod::Card);
        let due = bench.all_notices();
        assert!(due.iter().all(|delivery| delivery.request.url == url), "{due:?}");
        assert_eq!(due.len(), bench.notices_of_a_payment());
    }
    let register = BankOp::RegisterNotices {
        url: bench.setup.notice_url.to_owned(),
        kinds: Vec::new(),
        replace: false,
    };
    let kind = String::new();
    for op in [register, BankOp::ShowNotices, BankOp::TestNotice { kind }, BankOp::DeleteNotices] {
        let refusal = bench.refused_unsent(&op);
        check_class(&refusal, &[RefusalClass::Unsupported]);
    }
}

pub fn unanswered_address(bench: &mut Bench<'_>) {
    let register = bench.register();
    for status in [204, 302, 400, 500] {
        bench.answers = status;
        let refusal = bench.refused(&register);
        assert_ne!(refusal.class, RefusalClass::Credentials, "{refusal:?}");
        assert_eq!(bench.done(&BankOp::ShowNotices), Answer::Notices(None), "after {status}");
    }
    bench.answers = 200;
    bench.done(&register);
}
