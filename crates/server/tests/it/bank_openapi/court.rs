//! Client and emulator with the judge between them. Knows no bank: its [`Rules`] are data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kopeck_banks::{
    Bank, Credentials,
    bank::{Notice, RawNotice},
    emulator::{Control, Emulator, Served},
    exchange::{self, Heard, Silence},
    http::{HttpReply, HttpRequest},
    op::{
        Answer, AuthOp, BankOp, CardOp, CodeOp, CreateLink, DeskOp, InvoiceOp, Outcome, PayMethod,
        RefusalClass, SbpOp, SetupOp, StatementOp, SubscriptionOp, TerminalOp,
    },
};
use serde_json::Value;

use super::document::Document;

/// What a bank's document does not say, or says wrongly. Each of these must be needed.
pub struct Rules {
    /// What stands before the document's paths.
    pub mounts: &'static [&'static str],
    /// Addresses that the document does not have, by prefix.
    pub outside: &'static [(&'static str, &'static str)],
    /// Statuses that the document does not declare.
    pub undeclared: &'static [(u16, &'static str)],
    pub exceptions: &'static [Exception],
    /// The document's schemas of notices, by the kinds that our client tells apart.
    pub notices: &'static [&'static str],
    /// Whether a request of our client says who asks.
    pub is_signed: fn(&HttpRequest) -> bool,
}

/// Where the bank is known to do otherwise than its document says.
pub struct Exception {
    /// The end of the operation's path; empty for all of them.
    pub path: &'static str,
    pub place: Place,
    /// The beginning of the judge's complaint: the place in the body and the words.
    pub what: &'static str,
    pub reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Request,
    Answer,
    /// A reply that says no: a status of an error, or `Success:false`.
    Refusal,
    /// What the bank sends to the merchant.
    Notice,
}

pub struct Court {
    pub document: Document,
    pub bank: Box<dyn Emulator>,
    pub credentials: Credentials,
    pub now: Timestamp,
    /// Statuses heard by operation, requests that the document approves of only.
    pub heard: BTreeMap<String, BTreeSet<(u16, Place)>>,
    /// The requests of our own client.
    pub ours: Vec<HttpRequest>,
    pub asked: BTreeSet<&'static str>,
    /// Kinds and statuses of the notices that were judged.
    pub noticed: BTreeSet<(String, String)>,
    pub faults: Vec<String>,
    client: &'static dyn Bank,
    rules: &'static Rules,
    /// Exceptions that were needed.
    used: BTreeSet<&'static str>,
    /// The same of `rules.exceptions`, by index.
    excused: BTreeSet<usize>,
}

impl Court {
    pub fn new(
        document: &str,
        client: &'static dyn Bank,
        rules: &'static Rules,
        bank: Box<dyn Emulator>,
        environment: Vec<(&'static str, String)>,
    ) -> Court {
        let values = environment.into_iter().filter_map(|(env, value)| {
            let setting = client.settings().iter().find(|setting| setting.env == env)?;
            Some((setting.name.to_owned(), value))
        });
        Court {
            document: Document::parse(document, rules.notices),
            credentials: Credentials::new(values),
            bank,
            now: "2026-11-21T10:00:00Z".parse().unwrap(),
            heard: BTreeMap::new(),
            ours: Vec::new(),
            asked: BTreeSet::new(),
            noticed: BTreeSet::new(),
            faults: Vec::new(),
            client,
            rules,
            used: BTreeSet::new(),
            excused: BTreeSet::new(),
        }
    }

    /// Serves a request and judges both ways. The answer also says whether the document approves
    /// of the request; `None` where the request lies outside of it.
    pub fn carry(&mut self, request: &HttpRequest) -> (Heard, Option<bool>) {
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

    /// Takes what the bank wants to tell by now, as the merchant of `credentials` does: each must
    /// be genuine, and right by the schema of its kind.
    pub fn take_notices(&mut self, credentials: impl Fn(&Value) -> Credentials) {
        let late = self.now + SignedDuration::from_hours(1);
        for delivery in self.bank.poll(late) {
            self.bank.delivered(late, delivery.id, Some(200));
            let body = delivery.request.body;
            let shown: Value = serde_json::from_slice(&body).unwrap();
            let raw = RawNotice { body: &body, keys: "" };
            let Notice::Genuine(notice) = self.client.notice(&credentials(&shown), &raw) else {
                self.faults.push(format!("not genuine: {shown}"));
                continue;
            };
            let kind = notice.kind;
            let faults = if self.rules.notices.contains(&kind.as_str()) {
                self.document.judge_named(&kind, &body)
            } else {
                vec!["the document has no such notice".to_owned()]
            };
            let faults = self.without_excused(&kind, Place::Notice, faults);
            self.faults.extend(faults.into_iter().map(|it| format!("{kind}: {it}: {shown}")));
            let status = shown["Status"].as_str().unwrap_or("").to_owned();
            self.noticed.insert((kind, status));
        }
    }

    fn below<'a>(&self, path: &'a str) -> &'a str {
        let mut mounts = self.rules.mounts.iter();
        mounts.find_map(|mount| path.strip_prefix(mount)).unwrap_or(path)
    }

    fn judge(&mut self, request: &HttpRequest, reply: &HttpReply) -> Option<bool> {
        let path = request.path();
        let (rules, below) = (self.rules, self.below(path));
        let Some((operation, in_path)) = self.document.find(request.method.as_str(), below) else {
            match rules.outside.iter().find(|(prefix, _)| path.starts_with(prefix)) {
                Some((prefix, _)) => drop(self.used.insert(prefix)),
                None => self.faults.push(format!("{path} is not in the document")),
            }
            return None;
        };
        let name = operation.name();
        let faults = self.document.judge_request(operation, request, &in_path);
        let (status, place) = (reply.status, place_of(reply));
        let is_declared = operation.declares(status);
        let undeclared = rules.undeclared.iter().find(|(known, _)| *known == status);
        let of_reply = match undeclared {
            Some((_, reason)) if !is_declared => {
                self.used.insert(reason);
                Vec::new()
            }
            _ if !is_declared => vec!["the document has no such status".to_owned()],
            _ => self.document.judge_reply(operation, reply),
        };
        let of_reply = self.without_excused(&name, place, of_reply);
        let print = |fault| format!("{name}: {place:?} {status}: {fault}");
        self.faults.extend(of_reply.into_iter().map(print));
        if self.without_excused(&name, Place::Request, faults).is_empty() {
            self.heard.entry(name).or_default().insert((status, place));
            return Some(true);
        }
        Some(false)
    }

    fn without_excused(&mut self, name: &str, place: Place, faults: Vec<String>) -> Vec<String> {
        let (exceptions, excused) = (self.rules.exceptions, &mut self.excused);
        let is_left = |fault: &String| {
            let found = exceptions.iter().position(|own| {
                own.place == place && name.ends_with(own.path) && fault.starts_with(own.what)
            });
            excused.extend(found);
            found.is_none()
        };
        faults.into_iter().filter(is_left).collect()
    }

    /// Our own client asks: the document must approve of every request.
    pub fn ask(&mut self, op: &BankOp) -> Outcome {
        self.asked.insert(op_name(op));
        let credentials = self.credentials.clone();
        exchange::run(self.client, &credentials, op, |request| {
            let (heard, approved) = self.carry(&request);
            if approved == Some(false) {
                let text = String::from_utf8_lossy(&request.body);
                let complaints = self.complaints(&request);
                self.faults.push(format!("{op:?} sends {text}: {complaints:?}"));
            }
            if approved.is_some() && !(self.rules.is_signed)(&request) {
                self.faults.push(format!("{op:?} goes without a token"));
            }
            self.ours.push(request);
            heard
        })
    }

    /// What the document has against a request; nothing for one that lies outside of it.
    pub fn complaints(&self, request: &HttpRequest) -> Vec<String> {
        let found = self.document.find(request.method.as_str(), self.below(request.path()));
        found.map_or_else(Vec::new, |(operation, in_path)| {
            self.document.judge_request(operation, request, &in_path)
        })
    }

    /// A stranger asks: what the document thinks of it and what the bank says are known.
    pub fn check(&mut self, request: &HttpRequest, approves: Option<bool>, wanted: (u16, Place)) {
        let (heard, approved) = self.carry(request);
        let reply = heard.unwrap();
        let got = (approved, (reply.status, place_of(&reply)));
        if got != (approves, wanted) {
            let (said, complaints) = (reply.text(), self.complaints(request));
            let asked = String::from_utf8_lossy(&request.body);
            self.faults.push(format!(
                "{} {} {asked}: (approved, reply) is {got:?}: {said} {complaints:?}",
                request.method.as_str(),
                request.url,
            ));
        }
    }

    #[track_caller]
    pub fn done(&mut self, op: &BankOp) -> Answer {
        let outcome = self.ask(op);
        let Outcome::Done(answer) = outcome else { panic!("{op:?}: {outcome:?}") };
        answer
    }

    #[track_caller]
    pub fn refused(&mut self, op: &BankOp, class: RefusalClass) {
        let outcome = self.ask(op);
        let is_so = matches!(&outcome, Outcome::Refused(refusal) if refusal.class == class);
        assert!(is_so, "{op:?}: {outcome:?}");
    }

    #[track_caller]
    pub fn open(&mut self, link: CreateLink) -> String {
        let answer = self.done(&BankOp::CreateLink(link));
        let Answer::Link { bank_id, .. } = answer else { panic!("{answer:?}") };
        bank_id
    }

    pub fn pay(&mut self, bank_id: &str, method: PayMethod) -> Value {
        let (id, method) = (bank_id.to_owned(), Some(method.as_str().to_owned()));
        let pay = Control::Pay { id, method, card: None };
        self.bank.control(self.now, &pay).unwrap()
    }

    /// Nothing was wrong, every exception was needed, and our client asked for all of these.
    pub fn close(&self, wanted: &[&str]) {
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
        let asked: Vec<&str> = self.asked.iter().copied().collect();
        let mut all = wanted.to_vec();
        all.sort_unstable();
        assert_eq!(asked, all, "every operation of ours is asked");
        let outside = self.rules.outside.iter().map(|(prefix, _)| *prefix);
        for known in outside.chain(self.rules.undeclared.iter().map(|(_, reason)| *reason)) {
            assert!(self.used.contains(known), "not needed: {known}");
        }
        for (at, known) in self.rules.exceptions.iter().enumerate() {
            let Exception { path, place, what, reason } = known;
            let is_used = self.excused.contains(&at);
            assert!(is_used, "not needed: {path} {place:?} {what}: {reason}");
        }
    }
}

fn place_of(reply: &HttpReply) -> Place {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let is_good = reply.status == 200 && body.get("Success") != Some(&Value::Bool(false));
    if is_good { Place::Answer } else { Place::Refusal }
}

/// A new operation does not compile until it is named here, and fails until it is asked.
const fn op_name(op: &BankOp) -> &'static str {
    match op {
        BankOp::CreateLink(_) => "CreateLink",
        BankOp::GetPayment { .. } => "GetPayment",
        BankOp::ListPayments { .. } => "ListPayments",
        BankOp::FindPayment { .. } => "FindPayment",
        BankOp::Capture { .. } => "Capture",
        BankOp::Refund { .. } => "Refund",
        BankOp::Void { .. } => "Void",
        BankOp::Registry { .. } => "Registry",
        BankOp::Retailers => "Retailers",
        BankOp::Customers => "Customers",
        BankOp::Accounts => "Accounts",
        BankOp::Statement(StatementOp::Ask { .. }) => "Statement Ask",
        BankOp::Statement(StatementOp::Read { .. }) => "Statement Read",
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
        BankOp::Card(op) => card_name(op),
        BankOp::Subscription(op) => subscription_name(op),
        BankOp::Sbp(op) => sbp_name(op),
        BankOp::Terminal(op) => terminal_name(op),
    }
}

const fn card_name(op: &CardOp) -> &'static str {
    match op {
        CardOp::AddPayer { .. } => "Card AddPayer",
        CardOp::ShowPayer { .. } => "Card ShowPayer",
        CardOp::RemovePayer { .. } => "Card RemovePayer",
        CardOp::Bind { .. } => "Card Bind",
        CardOp::ShowBinding { .. } => "Card ShowBinding",
        CardOp::List { .. } => "Card List",
        CardOp::Remove { .. } => "Card Remove",
        CardOp::Charge { .. } => "Card Charge",
    }
}

const fn subscription_name(op: &SubscriptionOp) -> &'static str {
    match op {
        SubscriptionOp::Open(_) => "Subscription Open",
        SubscriptionOp::List { .. } => "Subscription List",
        SubscriptionOp::Status { .. } => "Subscription Status",
        SubscriptionOp::Cancel { .. } => "Subscription Cancel",
        SubscriptionOp::Charge { .. } => "Subscription Charge",
    }
}

const fn sbp_name(op: &SbpOp) -> &'static str {
    match op {
        SbpOp::Qr { .. } => "Sbp Qr",
        SbpOp::RefundBanks { .. } => "Sbp RefundBanks",
        SbpOp::ShowRefund { .. } => "Sbp ShowRefund",
        SbpOp::Bind { .. } => "Sbp Bind",
        SbpOp::ShowBinding { .. } => "Sbp ShowBinding",
        SbpOp::Accounts => "Sbp Accounts",
        SbpOp::Charge { .. } => "Sbp Charge",
        SbpOp::Banks { .. } => "Sbp Banks",
        SbpOp::PayTest { .. } => "Sbp PayTest",
        SbpOp::Setup(op) => match op {
            SetupOp::ShowCompany => "Sbp Setup ShowCompany",
            SetupOp::RegisterCompany => "Sbp Setup RegisterCompany",
            SetupOp::FindCompany { .. } => "Sbp Setup FindCompany",
            SetupOp::SetCompany { .. } => "Sbp Setup SetCompany",
            SetupOp::Accounts { .. } => "Sbp Setup Accounts",
            SetupOp::RegisterPoint { .. } => "Sbp Setup RegisterPoint",
            SetupOp::Points { .. } => "Sbp Setup Points",
            SetupOp::ShowPoint { .. } => "Sbp Setup ShowPoint",
            SetupOp::SetPoint { .. } => "Sbp Setup SetPoint",
        },
        SbpOp::Code(op) => match op {
            CodeOp::Register(_) => "Sbp Code Register",
            CodeOp::Show { .. } => "Sbp Code Show",
            CodeOp::List { .. } => "Sbp Code List",
            CodeOp::States { .. } => "Sbp Code States",
        },
        SbpOp::Desk(op) => match op {
            DeskOp::Register { .. } => "Sbp Desk Register",
            DeskOp::List { .. } => "Sbp Desk List",
            DeskOp::Show { .. } => "Sbp Desk Show",
            DeskOp::Arm { .. } => "Sbp Desk Arm",
            DeskOp::Disarm { .. } => "Sbp Desk Disarm",
            DeskOp::Move { .. } => "Sbp Desk Move",
            DeskOp::State { .. } => "Sbp Desk State",
            DeskOp::Payment { .. } => "Sbp Desk Payment",
        },
        SbpOp::Invoice(InvoiceOp::Register(_)) => "Sbp Invoice Register",
        SbpOp::Invoice(InvoiceOp::Show { .. }) => "Sbp Invoice Show",
        SbpOp::Payments { .. } => "Sbp Payments",
        SbpOp::StartRefund(_) => "Sbp StartRefund",
        SbpOp::FindRefund { .. } => "Sbp FindRefund",
    }
}

const fn terminal_name(op: &TerminalOp) -> &'static str {
    match op {
        TerminalOp::Methods => "Terminal Methods",
        TerminalOp::TPayState => "Terminal TPayState",
        TerminalOp::WalletLink { .. } => "Terminal WalletLink",
        TerminalOp::WalletQr { .. } => "Terminal WalletQr",
        TerminalOp::ResendNotices => "Terminal ResendNotices",
        TerminalOp::ConfirmationLetter { .. } => "Terminal ConfirmationLetter",
        TerminalOp::ClosingReceipt { .. } => "Terminal ClosingReceipt",
    }
}
