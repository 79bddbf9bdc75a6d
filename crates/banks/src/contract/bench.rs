//! A bank's client and its emulator, joined in memory. Clocks are moved by hand: ours and the
//! bank's, which may differ.

use jiff::{SignedDuration, Timestamp, civil::Date, tz};
use serde_json::Value;

use super::Setup;
use crate::{
    Money,
    bank::{Credentials, GenuineNotice, Notice, RawNotice},
    emulator::{Control, Delivery, Emulator, Fault, FaultKind, Served},
    exchange::{self, Heard, Silence},
    http::{HttpReply, HttpRequest},
    op::{
        Answer, BankOp, CaptureMode, CreateLink, Observation, Outcome, PayMethod, Refusal,
        RefusalClass,
    },
};

pub const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A life in minutes that no scenario outlives by accident.
const TTL_MINUTES: u32 = 3 * 24 * 60;

pub struct Bench<'a> {
    pub setup: &'a Setup,
    pub bank: Box<dyn Emulator>,
    pub credentials: Credentials,
    /// Our clock.
    pub now: Timestamp,
    /// How far the bank's clock is ahead of ours.
    pub skew: SignedDuration,
    /// Nothing reaches the bank.
    pub is_cut_off: bool,
    /// What comes back in place of the bank's next reply.
    pub instead: Option<HttpReply>,
    /// How many requests have left.
    pub sent: usize,
    /// What our notice address answers.
    pub answers: u16,
    /// The bank's keys as we last fetched them.
    pub keys: String,
    references: u32,
}

pub fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

/// The day in Moscow, where the banks are.
pub fn bank_day(at: Timestamp) -> Date {
    tz::offset(3).to_datetime(at).date()
}

impl<'a> Bench<'a> {
    pub fn new(setup: &'a Setup) -> Bench<'a> {
        Bench {
            setup,
            bank: (setup.emulator)(),
            credentials: (setup.credentials)(),
            now: "2026-11-21T10:00:00Z".parse().unwrap(),
            skew: SignedDuration::ZERO,
            is_cut_off: false,
            instead: None,
            sent: 0,
            answers: 200,
            keys: String::new(),
            references: 0,
        }
    }

    pub fn bank_now(&self) -> Timestamp {
        self.now + self.skew
    }

    /// A request from anybody: the client, a browser.
    pub fn carry(&mut self, request: &HttpRequest) -> Heard {
        if self.is_cut_off {
            return Err(Silence::NotSent("no route".to_owned()));
        }
        self.sent += 1;
        let heard = match self.bank.serve(self.bank_now(), request) {
            Served::Now(reply) => Ok(reply),
            Served::Silence { .. } => Err(Silence::Lost("silence".to_owned())),
            Served::Later(ticket) => {
                self.take_notices();
                let reply = self.bank.take_reply(ticket);
                reply.ok_or_else(|| Silence::Lost("it never came".to_owned()))
            }
        };
        self.instead.take().map_or(heard, Ok)
    }

    pub fn ask(&mut self, op: &BankOp) -> Outcome {
        let (bank, credentials) = (self.setup.bank, self.credentials.clone());
        exchange::run(bank, &credentials, op, |request| self.carry(&request))
    }

    #[track_caller]
    pub fn done(&mut self, op: &BankOp) -> Answer {
        match self.ask(op) {
            Outcome::Done(answer) => answer,
            other @ (Outcome::Refused(_)
            | Outcome::Busy { .. }
            | Outcome::NotSent { .. }
            | Outcome::Unknown { .. }) => panic!("{op:?}: {other:?}"),
        }
    }

    /// A refusal that tells what to do.
    #[track_caller]
    pub fn refused(&mut self, op: &BankOp) -> Refusal {
        let outcome = self.ask(op);
        let Outcome::Refused(refusal) = outcome else { panic!("{op:?}: {outcome:?}") };
        assert!(!refusal.message.is_empty() && !refusal.hint.is_empty(), "{refusal:?}");
        refusal
    }

    /// Refused by ourselves: the bank hears nothing.
    #[track_caller]
    pub fn refused_unsent(&mut self, op: &BankOp) -> Refusal {
        let before = self.sent;
        let refusal = self.refused(op);
        assert_eq!(self.sent, before, "{op:?} was sent");
        refusal
    }

    #[track_caller]
    pub fn unknown(&mut self, op: &BankOp) {
        let outcome = self.ask(op);
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{op:?}: {outcome:?}");
    }

    /// A plain card link with a reference of its own.
    pub fn link(&mut self, amount: &str) -> CreateLink {
        self.references += 1;
        CreateLink {
            reference: format!("contract-{}", self.references),
            amount: rubles(amount),
            purpose: "Чай и плюшки".to_owned(),
            methods: vec![PayMethod::Card],
            capture: CaptureMode::Automatic,
            ttl_minutes: TTL_MINUTES,
            success_url: Some("https://shop.example.ru/thanks".to_owned()),
            fail_url: Some("https://shop.example.ru/sorry".to_owned()),
            notice_url: Some(self.setup.notice_url.to_owned())
                .filter(|_| !self.setup.capabilities().registers_notices),
            ..CreateLink::default()
        }
    }

    /// Makes it at the bank; the answer is the bank's id.
    #[track_caller]
    pub fn open(&mut self, link: &CreateLink) -> String {
        let life = SignedDuration::from_mins(i64::from(link.ttl_minutes));
        let expires_at = link.expires_at.or(Some(self.now + life));
        let answer = self.done(&BankOp::CreateLink(CreateLink { expires_at, ..link.clone() }));
        let Answer::Link { bank_id, url } = answer else { panic!("{answer:?}") };
        assert!(url.starts_with("http") && !bank_id.is_empty(), "{url} {bank_id}");
        bank_id
    }

    /// A new link, paid by card.
    #[track_caller]
    pub fn paid(&mut self, amount: &str) -> String {
        let link = self.link(amount);
        let bank_id = self.open(&link);
        self.pay(&bank_id, PayMethod::Card);
        bank_id
    }

    /// A new link whose money is held.
    #[track_caller]
    pub fn held(&mut self, amount: &str) -> String {
        let link = CreateLink { capture: CaptureMode::Manual, ..self.link(amount) };
        let bank_id = self.open(&link);
        self.pay(&bank_id, PayMethod::Card);
        bank_id
    }

    #[track_caller]
    pub fn pay(&mut self, id: &str, method: PayMethod) {
        let (id, method) = (id.to_owned(), Some(method.as_str().to_owned()));
        self.control(&Control::Pay { id, method, card: None }).unwrap();
    }

    pub fn control(&mut self, control: &Control) -> Result<Value, String> {
        self.bank.control(self.bank_now(), control)
    }

    /// The next `times` requests go wrong, or notices.
    pub fn fault(&mut self, kind: FaultKind, times: u32) {
        self.control(&Control::Fault(Fault { kind, times, path: String::new() })).unwrap();
    }

    /// What the bank says of the payment when asked.
    #[track_caller]
    pub fn look(&mut self, bank_id: &str) -> Observation {
        let answer = self.done(&BankOp::GetPayment { bank_id: bank_id.to_owned() });
        let Answer::Payment(seen) = answer else { panic!("{answer:?}") };
        assert_eq!(seen.bank_id.as_deref(), Some(bank_id));
        seen
    }

    /// As the driver looks for a payment whose creation was not answered: by reference, in the
    /// lists of the days around, a day of margin on both sides.
    #[track_caller]
    pub fn find(&mut self, reference: &str) -> Option<Observation> {
        let all = self.look_up(reference);
        let mut ours = all.into_iter().filter(|seen| seen.reference.as_deref() == Some(reference));
        let found = ours.next();
        assert_eq!(ours.next(), None, "{reference} is there twice");
        found
    }

    /// Every payment under a reference, or of a list that holds it.
    #[track_caller]
    pub fn look_up(&mut self, reference: &str) -> Vec<Observation> {
        let (from, to) = (bank_day(self.now - DAY), bank_day(self.now + DAY));
        let mut all = Vec::new();
        for page in 1.. {
            let reference = reference.to_owned();
            let answer = self.done(&BankOp::FindPayment { reference, from, to, page });
            let Answer::Payments(list) = answer else { panic!("{answer:?}") };
            all.extend(list.items);
            if page >= list.total_pages {
                break;
            }
        }
        all
    }

    #[track_caller]
    pub fn list(&mut self) -> Vec<Observation> {
        let (from, to) = (bank_day(self.now - DAY), bank_day(self.now + DAY));
        let mut all = Vec::new();
        for page in 1.. {
            let answer = self.done(&BankOp::ListPayments { from, to, page });
            let Answer::Payments(list) = answer else { panic!("{answer:?}") };
            assert_eq!(list.page, page);
            all.extend(list.items);
            if page >= list.total_pages {
                break;
            }
        }
        all
    }

    pub fn register(&mut self) -> BankOp {
        let kinds = self.setup.capabilities().payment_notice_kinds;
        BankOp::RegisterNotices {
            url: self.setup.notice_url.to_owned(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            replace: false,
        }
    }

    /// With our address registered and the bank's keys at hand.
    #[track_caller]
    pub fn listen(&mut self) {
        if !self.setup.capabilities().registers_notices {
            return;
        }
        let op = self.register();
        let answer = self.done(&op);
        assert!(matches!(answer, Answer::Notices(Some(_))), "{answer:?}");
        self.fetch_keys();
    }

    #[track_caller]
    pub fn fetch_keys(&mut self) {
        if self.setup.rekeyed.is_some() {
            let answer = self.done(&BankOp::FetchNoticeKeys);
            let Answer::NoticeKeys(keys) = answer else { panic!("{answer:?}") };
            self.keys = keys;
        }
    }

    /// Takes and answers what is due now.
    pub fn take_notices(&mut self) -> Vec<Delivery> {
        let due = self.bank.poll(self.bank_now());
        for delivery in &due {
            self.bank.delivered(self.bank_now(), delivery.id, Some(self.answers));
        }
        due
    }

    /// Waits for the next notices.
    #[track_caller]
    pub fn next_notices(&mut self) -> Vec<Delivery> {
        let due = self.bank.next_due().expect("no notice is on its way");
        self.now = self.now.max(due - self.skew);
        self.take_notices()
    }

    /// Waits for every notice that is on its way.
    pub fn all_notices(&mut self) -> Vec<Delivery> {
        let mut all = Vec::new();
        while self.bank.next_due().is_some() {
            all.extend(self.next_notices());
        }
        all
    }

    /// Waits for the next notices and answers each as our server does: what is not believed is
    /// refused, so that the bank sends it again.
    #[track_caller]
    pub fn judged_notices(&mut self) -> Vec<Notice> {
        let due = self.bank.next_due().expect("no notice is on its way");
        self.now = self.now.max(due - self.skew);
        let due = self.bank.poll(self.bank_now());
        let mut read = Vec::new();
        for delivery in due {
            let notice = self.read(&delivery.request.body);
            let is_genuine = matches!(notice, Notice::Genuine(_));
            let status = if is_genuine { 200 } else { 400 };
            self.bank.delivered(self.bank_now(), delivery.id, Some(status));
            read.push(notice);
        }
        read
    }

    /// How many notices a payment by card in one stage brings.
    pub fn notices_of_a_payment(&self) -> usize {
        if self.setup.tells_in_pairs { 2 } else { 1 }
    }

    /// The notices on their way, as what they say of payments.
    #[track_caller]
    pub fn told(&mut self) -> Vec<Observation> {
        let due = self.all_notices();
        due.iter().filter_map(|delivery| self.genuine(delivery).observation).collect()
    }

    pub fn read(&self, body: &[u8]) -> Notice {
        self.setup.bank.notice(&self.credentials, &RawNotice { body, keys: &self.keys })
    }

    #[track_caller]
    pub fn genuine(&self, delivery: &Delivery) -> GenuineNotice {
        assert!(delivery.request.url.starts_with(self.setup.notice_url), "{delivery:?}");
        let notice = self.read(&delivery.request.body);
        let Notice::Genuine(notice) = notice else { panic!("{notice:?}") };
        notice
    }

    /// The next notice, which must be the only one, as what it says of a payment.
    #[track_caller]
    pub fn next_observation(&mut self) -> Observation {
        let due = self.next_notices();
        if self.setup.tells_in_pairs {
            let told = due.iter().filter_map(|delivery| self.genuine(delivery).observation);
            let told: Vec<Observation> = told.collect();
            let paid = told.iter().find(|seen| seen.paid.is_some());
            return paid.or(told.first()).expect("it tells of no payment").clone();
        }
        assert_eq!(due.len(), 1, "{due:?}");
        self.genuine(&due[0]).observation.expect("it tells of no payment")
    }
}

#[track_caller]
pub fn check_class(refusal: &Refusal, allowed: &[RefusalClass]) {
    assert!(allowed.contains(&refusal.class), "{refusal:?} is none of {allowed:?}");
}
