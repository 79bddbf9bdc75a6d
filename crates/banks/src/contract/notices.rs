//! What the bank tells by itself: signed, repeated, lost, overtaken; and where it tells it.

use super::{
    bench::{Bench, rubles},
    holding::capture,
    paying::check_paid,
};
use crate::{
    bank::Notice,
    emulator::FaultKind,
    op::{Answer, BankOp, BankStatus, NoticeAddress, PayMethod, RefusalClass},
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

/// Not believed, and said so with an error: then the bank repeats it whole.
pub fn corrupted(bench: &mut Bench<'_>) {
    bench.listen();
    bench.fault(FaultKind::NoticeCorrupted, 1);
    let bank_id = bench.paid("10");
    bench.answers = 400;
    let due = bench.next_notices();
    assert_eq!(bench.read(&due[0].request.body), Notice::BadSignature);
    bench.answers = 200;
    assert_eq!(bench.next_observation().bank_id, Some(bank_id));
}

/// Whatever is changed, nothing of it is believed.
pub fn forged(bench: &mut Bench<'_>) {
    bench.listen();
    bench.paid("10");
    let body = bench.next_notices().remove(0).request.body;
    for at in (0..body.len()).step_by(7) {
        let mut forged = body.clone();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let notice = bench.read(&forged);
        // The last letter of base64 has bits that mean nothing: such a change is none.
        let is_same = notice == bench.read(&body) && at + 1 >= body.len();
        assert!(!matches!(notice, Notice::Genuine(_)) || is_same, "byte {at}: {notice:?}");
        assert!(!matches!(bench.read(&body[..at]), Notice::Genuine(_)), "cut at {at}");
    }
    for nothing in [&b""[..], b"{}", b"null", &[0xff; 64]] {
        assert!(!matches!(bench.read(nothing), Notice::Genuine(_)), "{nothing:?}");
    }
    let keys = std::mem::take(&mut bench.keys);
    if !keys.is_empty() {
        assert_eq!(bench.read(&body), Notice::BadSignature, "without keys");
    }
}

pub fn twice(bench: &mut Bench<'_>) {
    bench.listen();
    bench.fault(FaultKind::NoticeDoubled, 1);
    bench.paid("10");
    let mut due = bench.next_notices();
    if due.len() == 1 {
        due.extend(bench.next_notices());
    }
    assert_eq!(due.len(), 2);
    assert_eq!(bench.genuine(&due[0]).observation, bench.genuine(&due[1]).observation);
}

pub fn lost(bench: &mut Bench<'_>) {
    bench.listen();
    bench.fault(FaultKind::NoticeLost, 1);
    let bank_id = bench.paid("10");
    assert_eq!(bench.bank.next_due(), None);
    check_paid(&bench.look(&bank_id), "10");
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
