//! Tochka's own OpenAPI document judges every request of our client and every reply of our
//! emulator. What lies outside of the document is listed here as data, with the reason.

mod document;
mod ours;
mod strangers;

use std::collections::{BTreeMap, BTreeSet};

use document::Document;
use jiff::Timestamp;
use kopeck_banks::{
    Bank as _, Credentials,
    emulator::{Control, Emulator as _, Served},
    exchange::{self, Heard, Silence},
    http::{HttpReply, HttpRequest},
    op::{Answer, AuthOp, BankOp, CreateLink, Outcome, PayMethod, RefusalClass},
    tochka::{Tochka, emulator::TochkaEmulator},
};

const DOCUMENT: &str = include_str!("../../../banks/src/tochka/fixtures/openapi.json");
const ORIGIN: &str = "http://127.0.0.1:9900";
const HOOK: &str = "http://127.0.0.1:8000/notices/tochka";

/// Addresses that the document does not have, by prefix.
static OUTSIDE: &[(&str, &str)] = &[
    ("/connect/", "the OAuth server is described in the guides only"),
    ("/doc/openapi/static/keys/public", "the key page is a file, not a call of the API"),
    ("/uapi/v1.0/consents", "the guide's short path, which the bank serves as well"),
    (
        "/uapi/open-banking/v1.0/accounts/40702810302000000092/044525104",
        "an accountId holds a slash; the bank takes it raw, where a template sees two segments",
    ),
    ("/uapi/acquiring/v1/", "a route that does not exist is the bank's 501"),
];

/// Statuses that the document does not declare.
static UNDECLARED: &[(u16, &str)] = &[
    (401, "a token that has ended: seen at the bank, declared nowhere"),
    (429, "limits are nowhere described, every SDK handles them"),
    (503, "a gateway's plain text"),
];

/// The document's operations that must be exercised, by prefix; then those among them that Kopeck
/// does not use (yet) and its emulator does not serve.
static COVERED: &[&str] = &[
    "/acquiring/",
    "/open-banking/v1.0/customers",
    "/open-banking/v1.0/accounts",
    "/webhook/",
    "/consent/",
];
static NOT_COVERED: &[(&str, &str)] = &[
    ("/subscriptions", "subscriptions come later"),
    ("/balances", "taking payments needs no balances"),
    ("/statements", "taking payments needs no statements"),
    ("/authorized-card-transactions", "the merchant's own cards are none of our business"),
];

/// Client and emulator with the judge between them.
struct Court {
    document: Document,
    bank: TochkaEmulator,
    credentials: Credentials,
    now: Timestamp,
    /// Statuses heard by operation, requests that the document approves of only.
    heard: BTreeMap<String, BTreeSet<u16>>,
    /// Exceptions that were needed.
    used: BTreeSet<&'static str>,
    /// The requests of our own client.
    ours: Vec<HttpRequest>,
    asked: BTreeSet<&'static str>,
    faults: Vec<String>,
}

impl Court {
    fn new() -> Court {
        let key = &super::harness::bank::KEY;
        let bank = TochkaEmulator::new(ORIGIN, key, 7).unwrap();
        let values = bank.test_credentials().into_iter().filter_map(|(env, value)| {
            let setting = Tochka.settings().iter().find(|setting| setting.env == env)?;
            Some((setting.name.to_owned(), value))
        });
        Court {
            document: Document::parse(DOCUMENT),
            credentials: Credentials::new(values),
            bank,
            now: "2026-11-21T10:00:00Z".parse().unwrap(),
            heard: BTreeMap::new(),
            used: BTreeSet::new(),
            ours: Vec::new(),
            asked: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// Serves a request and judges both ways. The answer also says whether the document approves
    /// of the request; `None` where the request lies outside of it.
    fn carry(&mut self, request: &HttpRequest) -> (Heard, Option<bool>) {
        let served = self.bank.serve(self.now, request);
        let heard = match served {
            Served::Now(reply) => Ok(reply),
            Served::Silence { .. } => Err(Silence::Lost("silence".to_owned())),
            Served::Later(ticket) => {
                for delivery in self.bank.poll(self.now) {
                    self.bank.delivered(self.now, delivery.id, Some(200));
                }
                Ok(self.bank.take_reply(ticket).unwrap())
            }
        };
        let approved = heard.as_ref().ok().and_then(|reply| self.judge(request, reply));
        (heard, approved)
    }

    fn judge(&mut self, request: &HttpRequest, reply: &HttpReply) -> Option<bool> {
        let path = request.path();
        let mounts = ["/uapi", "/sandbox/v2"];
        let below = mounts.iter().find_map(|mount| path.strip_prefix(mount)).unwrap_or(path);
        let Some((operation, in_path)) = self.document.find(request.method.as_str(), below) else {
            match OUTSIDE.iter().find(|(prefix, _)| path.starts_with(prefix)) {
                Some((prefix, _)) => drop(self.used.insert(prefix)),
                None => self.faults.push(format!("{path} is not in the document")),
            }
            return None;
        };
        let name = operation.name();
        let faults = self.document.judge_request(operation, request, &in_path);
        let is_declared = operation.declares(reply.status);
        let undeclared = UNDECLARED.iter().find(|(status, _)| *status == reply.status);
        match undeclared {
            Some((_, reason)) if !is_declared => drop(self.used.insert(reason)),
            _ if !is_declared => {
                self.faults.push(format!("{name}: the document has no status {}", reply.status));
            }
            _ => {
                let of_reply = self.document.judge_reply(operation, reply);
                let status = reply.status;
                let print = |fault| format!("{name}: the reply {status}: {fault}");
                self.faults.extend(of_reply.into_iter().map(print));
            }
        }
        if faults.is_empty() {
            self.heard.entry(name).or_default().insert(reply.status);
            return Some(true);
        }
        Some(false)
    }

    /// Our own client asks: the document must approve of every request.
    fn ask(&mut self, op: &BankOp) -> Outcome {
        self.asked.insert(op_name(op));
        let credentials = self.credentials.clone();
        exchange::run(&Tochka, &credentials, op, |request| {
            let (heard, approved) = self.carry(&request);
            if approved == Some(false) {
                self.faults
                    .push(format!("{op:?} sends {request:?}: {:?}", self.complaints(&request)));
            }
            let is_api = approved.is_some();
            if is_api && request.find_header("authorization").is_none() {
                self.faults.push(format!("{op:?} goes without a token"));
            }
            self.ours.push(request);
            heard
        })
    }

    /// What the document has against a request; nothing for one that lies outside of it.
    fn complaints(&self, request: &HttpRequest) -> Vec<String> {
        let below = request.path().strip_prefix("/uapi").unwrap_or_default();
        let found = self.document.find(request.method.as_str(), below);
        found.map_or_else(Vec::new, |(operation, in_path)| {
            self.document.judge_request(operation, request, &in_path)
        })
    }

    #[track_caller]
    fn done(&mut self, op: &BankOp) -> Answer {
        let outcome = self.ask(op);
        let Outcome::Done(answer) = outcome else { panic!("{op:?}: {outcome:?}") };
        answer
    }

    #[track_caller]
    fn refused(&mut self, op: &BankOp, class: RefusalClass) {
        let outcome = self.ask(op);
        let is_so = matches!(&outcome, Outcome::Refused(refusal) if refusal.class == class);
        assert!(is_so, "{op:?}: {outcome:?}");
    }

    #[track_caller]
    fn open(&mut self, link: CreateLink) -> String {
        let answer = self.done(&BankOp::CreateLink(link));
        let Answer::Link { bank_id, .. } = answer else { panic!("{answer:?}") };
        bank_id
    }

    fn pay(&mut self, bank_id: &str, method: PayMethod) {
        let (id, method) = (bank_id.to_owned(), Some(method.as_str().to_owned()));
        let pay = Control::Pay { id, method, card: None };
        self.bank.control(self.now, &pay).unwrap();
    }
}

#[test]
fn the_banks_own_document_approves_of_client_and_emulator() {
    let mut court = Court::new();
    ours::payments(&mut court);
    ours::notices(&mut court);
    let consent = ours::oauth(&mut court);
    for op in [BankOp::Retailers, BankOp::Customers, BankOp::Accounts] {
        court.done(&op);
    }
    ours::refusals(&mut court);
    strangers::exercise(&mut court, &consent.consent_id);
    assert!(court.faults.is_empty(), "{:#?}", court.faults);
    check_coverage(&court);
}

fn check_coverage(court: &Court) {
    let asked: Vec<&str> = court.asked.iter().copied().collect();
    let mut all = OP_NAMES.to_vec();
    all.sort_unstable();
    assert_eq!(asked, all, "every operation of ours is asked");
    let exceptions = OUTSIDE.iter().map(|(prefix, _)| *prefix);
    for exception in exceptions.chain(UNDECLARED.iter().map(|(_, reason)| *reason)) {
        assert!(court.used.contains(exception), "not needed: {exception}");
    }
    let is_wanted = |path: &str| {
        COVERED.iter().any(|prefix| path.starts_with(prefix))
            && !NOT_COVERED.iter().any(|(part, _)| path.contains(part))
    };
    let wanted = court.document.operations.iter().filter(|one| is_wanted(&one.path));
    let names: Vec<String> = wanted.map(document::Operation::name).collect();
    assert_eq!(names.len(), 21, "{names:#?}");
    for name in names {
        let statuses = court.heard.get(&name).cloned().unwrap_or_default();
        let (yes, no) = (statuses.contains(&200), statuses.contains(&403));
        assert!(yes && no, "{name} was heard to say {statuses:?} only");
    }
}

const OP_NAMES: [&str; 21] = [
    "CreateLink",
    "GetPayment",
    "ListPayments",
    "Capture",
    "Refund",
    "Void",
    "Registry",
    "Retailers",
    "Customers",
    "Accounts",
    "ShowNotices",
    "RegisterNotices",
    "TestNotice",
    "DeleteNotices",
    "FetchNoticeKeys",
    "ClientToken",
    "CreateConsent",
    "ListConsents",
    "ExchangeCode",
    "Refresh",
    "Introspect",
];

/// A new operation does not compile until it is named here, and fails until it is asked.
fn op_name(op: &BankOp) -> &'static str {
    match op {
        BankOp::CreateLink(_) => "CreateLink",
        BankOp::GetPayment { .. } => "GetPayment",
        BankOp::ListPayments { .. } => "ListPayments",
        BankOp::Capture { .. } => "Capture",
        BankOp::Refund { .. } => "Refund",
        BankOp::Void { .. } => "Void",
        BankOp::Registry { .. } => "Registry",
        BankOp::Retailers => "Retailers",
        BankOp::Customers => "Customers",
        BankOp::Accounts => "Accounts",
        BankOp::ShowNotices => "ShowNotices",
        BankOp::RegisterNotices { .. } => "RegisterNotices",
        BankOp::TestNotice { .. } => "TestNotice",
        BankOp::DeleteNotices => "DeleteNotices",
        BankOp::FetchNoticeKeys => "FetchNoticeKeys",
        BankOp::Auth(AuthOp::ClientToken { .. }) => "ClientToken",
        BankOp::Auth(AuthOp::CreateConsent { .. }) => "CreateConsent",
        BankOp::Auth(AuthOp::ListConsents) => "ListConsents",
        BankOp::Auth(AuthOp::ExchangeCode { .. }) => "ExchangeCode",
        BankOp::Auth(AuthOp::Refresh) => "Refresh",
        BankOp::Auth(AuthOp::Introspect) => "Introspect",
        // The look-up is Tochka's list; the other three it does not have.
        BankOp::FindPayment { .. } => "ListPayments",
        BankOp::Card(_) | BankOp::Sbp(_) | BankOp::Terminal(_) => "Unsupported",
    }
}
