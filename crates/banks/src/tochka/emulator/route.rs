//! From a path to the call that answers it. The same tree lives under `/uapi` and `/sandbox/v2`.

use jiff::Timestamp;

use super::{TochkaEmulator, grants::Needs, json::Obj, problem::Problem, sbp};
use crate::{
    emulator::{Served, nspk},
    http::{HttpReply, HttpRequest, Method, percent_decode},
};

/// Longer self links break the document's limit of 2083 characters; the bare API is linked then.
const MAX_LINK_CHARS: usize = 2_000;

/// One call of the API with what every handler needs.
pub(super) struct Call<'a> {
    pub(super) now_ms: i64,
    pub(super) request: &'a HttpRequest,
    pub(super) self_url: String,
}

impl Call<'_> {
    /// The last value wins, as it does in most servers.
    pub(super) fn find_query(&self, name: &str) -> Option<String> {
        let pairs = self.request.query();
        pairs.into_iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// 200 with the bank's envelope.
    pub(super) fn reply(&self, data: &str) -> Served {
        Served::Now(envelope(&self.self_url, data))
    }
}

/// `{"Data":…,"Links":{"self":…},"Meta":{"totalPages":1}}`
pub(super) fn envelope(self_url: &str, data: &str) -> HttpReply {
    HttpReply::new(200, "application/json", envelope_text(self_url, data))
}

pub(super) fn envelope_text(self_url: &str, data: &str) -> String {
    let links = Obj::new().text("self", self_url).end();
    Obj::new().raw("Data", data).raw("Links", &links).raw("Meta", r#"{"totalPages":1}"#).end()
}

enum Route {
    Create { with_receipt: bool },
    List,
    One(String),
    Capture(String),
    Refund(String),
    Subscribe { with_receipt: bool },
    Subscriptions,
    SubscriptionStatus(String),
    SetSubscriptionStatus(String),
    Charge(String),
    Registry,
    Retailers,
    Customers,
    Customer(String),
    Accounts,
    Account(String),
    AskStatement,
    Statement { account_id: String, id: String },
    CreateConsent,
    Consents,
    Consent(String),
    ChildConsents(String),
    ShowWebhook(String),
    PutWebhook { client_id: String, is_new: bool },
    DeleteWebhook(String),
    TestSend(String),
    Sbp(sbp::route::Route),
}

impl Route {
    fn find(method: Method, path: &[&str]) -> Option<Route> {
        use Method::{Delete, Get, Post, Put};
        let own = |text: &&str| (*text).to_owned();
        Some(match (method, path) {
            (Post, ["acquiring", "v1.0", "payments"]) => Route::Create { with_receipt: false },
            (Post, ["acquiring", "v1.0", "payments_with_receipt"]) => {
                Route::Create { with_receipt: true }
            }
            (Get, ["acquiring", "v1.0", "payments"]) => Route::List,
            (Get, ["acquiring", "v1.0", "payments", id]) => Route::One(own(id)),
            (Post, ["acquiring", "v1.0", "payments", id, "capture"]) => Route::Capture(own(id)),
            (Post, ["acquiring", "v1.0", "payments", id, "refund"]) => Route::Refund(own(id)),
            (Post, ["acquiring", "v1.0", "subscriptions"]) => {
                Route::Subscribe { with_receipt: false }
            }
            (Post, ["acquiring", "v1.0", "subscriptions_with_receipt"]) => {
                Route::Subscribe { with_receipt: true }
            }
            (Get, ["acquiring", "v1.0", "subscriptions"]) => Route::Subscriptions,
            (Get, ["acquiring", "v1.0", "subscriptions", id, "status"]) => {
                Route::SubscriptionStatus(own(id))
            }
            (Post, ["acquiring", "v1.0", "subscriptions", id, "status"]) => {
                Route::SetSubscriptionStatus(own(id))
            }
            (Post, ["acquiring", "v1.0", "subscriptions", id, "charge"]) => Route::Charge(own(id)),
            (Get, ["acquiring", "v1.0", "registry"]) => Route::Registry,
            (Get, ["acquiring", "v1.0", "retailers"]) => Route::Retailers,
            (Get, ["open-banking", "v1.0", "customers"]) => Route::Customers,
            (Get, ["open-banking", "v1.0", "customers", code]) => Route::Customer(own(code)),
            (Get, ["open-banking", "v1.0", "accounts"]) => Route::Accounts,
            (Get, ["open-banking", "v1.0", "accounts", id]) => Route::Account(own(id)),
            (Get, ["open-banking", "v1.0", "accounts", number, bik])
                if bik.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Route::Account(format!("{number}/{bik}"))
            }
            (Post, ["open-banking", "v1.0", "statements"]) => Route::AskStatement,
            (Get, ["open-banking", "v1.0", "accounts", account, "statements", id]) => {
                Route::Statement { account_id: own(account), id: own(id) }
            }
            (Get, ["open-banking", "v1.0", "accounts", number, bik, "statements", id]) => {
                Route::Statement { account_id: format!("{number}/{bik}"), id: own(id) }
            }
            (Post, ["consent", "v1.0", "consents"] | ["v1.0", "consents"]) => Route::CreateConsent,
            (Get, ["consent", "v1.0", "consents"] | ["v1.0", "consents"]) => Route::Consents,
            (Get, ["consent", "v1.0", "consents", id] | ["v1.0", "consents", id]) => {
                Route::Consent(own(id))
            }
            (
                Get,
                ["consent", "v1.0", "consents", id, "child"] | ["v1.0", "consents", id, "child"],
            ) => Route::ChildConsents(own(id)),
            (Get, ["webhook", "v1.0", id]) => Route::ShowWebhook(own(id)),
            (Put, ["webhook", "v1.0", id]) => {
                Route::PutWebhook { client_id: own(id), is_new: true }
            }
            (Post, ["webhook", "v1.0", id]) => {
                Route::PutWebhook { client_id: own(id), is_new: false }
            }
            (Delete, ["webhook", "v1.0", id]) => Route::DeleteWebhook(own(id)),
            (Post, ["webhook", "v1.0", id, "test_send"]) => Route::TestSend(own(id)),
            (_, ["sbp", "v1.0", rest @ ..]) => Route::Sbp(sbp::route::Route::find(method, rest)?),
            (Get | Post | Put | Delete, _) => return None,
        })
    }

    fn needs(&self) -> Needs {
        match self {
            Route::List
            | Route::One(_)
            | Route::Registry
            | Route::Retailers
            | Route::Subscriptions
            | Route::SubscriptionStatus(_) => Needs::All(&["ReadAcquiringData"]),
            Route::Create { .. }
            | Route::Capture(_)
            | Route::Refund(_)
            | Route::Subscribe { .. }
            | Route::SetSubscriptionStatus(_)
            | Route::Charge(_) => Needs::All(&["MakeAcquiringOperation"]),
            Route::Customers | Route::Customer(_) => Needs::All(&["ReadCustomerData"]),
            Route::Accounts | Route::Account(_) => {
                Needs::All(&["ReadAccountsBasic", "ReadAccountsDetail"])
            }
            Route::AskStatement | Route::Statement { .. } => Needs::All(&["ReadStatements"]),
            Route::CreateConsent
            | Route::Consents
            | Route::Consent(_)
            | Route::ChildConsents(_) => Needs::Consents,
            Route::ShowWebhook(_)
            | Route::PutWebhook { .. }
            | Route::DeleteWebhook(_)
            | Route::TestSend(_) => Needs::All(&["ManageWebhookData"]),
            Route::Sbp(route) => route.needs(),
        }
    }
}

impl TochkaEmulator {
    pub(super) fn route(&mut self, now: Timestamp, request: &HttpRequest) -> Served {
        let now_ms = now.as_millisecond();
        let path = request.path();
        for base in ["/uapi/", "/sandbox/v2/"] {
            if let Some(rest) = path.strip_prefix(base) {
                let segments: Vec<String> = rest.split('/').map(percent_decode).collect();
                let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
                let self_url = self.self_url(request);
                let call = Call { now_ms, request, self_url };
                return self.answer(&call, &segments).unwrap_or_else(|problem| {
                    let id = self.state.mint.uuid("error");
                    Served::Now(problem.reply(&id))
                });
            }
        }
        Served::Now(match (request.method, path) {
            (Method::Get, "/doc/openapi/static/keys/public") => {
                HttpReply::new(200, "application/json", self.key.public_jwk())
            }
            // Not the bank's: the list of the SBP's operator, whose mirror nobody else is.
            (Method::Get, "/proxyapp/c2bmembers.json") => {
                HttpReply::new(200, "application/json", nspk::members())
            }
            (Method::Post, "/connect/token") => self.token(now_ms, request),
            (Method::Get, "/connect/authorize") => self.show_consent(now_ms, request),
            (Method::Post, "/connect/authorize") => self.decide_consent(now_ms, request),
            (Method::Post, "/connect/introspect") => self.introspect(now_ms, request),
            (Method::Get, "/order" | "/order/") => self.show_page(now_ms, request),
            (Method::Post, "/order/pay") => self.pay_on_page(now_ms, request),
            _ if path == "/uapi" || path == "/sandbox/v2" => {
                let id = self.state.mint.uuid("error");
                Problem::unknown_route().reply(&id)
            }
            _ => HttpReply::new(404, "text/plain; charset=utf-8", "Not Found\n"),
        })
    }

    fn answer(&mut self, call: &Call<'_>, path: &[&str]) -> Result<Served, Problem> {
        let method = call.request.method;
        let route = Route::find(method, path).ok_or_else(Problem::unknown_route)?;
        let grant = self.grant(call, &route.needs())?;
        match route {
            Route::Create { with_receipt } => self.create(call, &grant, with_receipt),
            Route::List => self.list(call, &grant),
            Route::One(id) => self.one(call, &grant, &id),
            Route::Capture(id) => self.capture_call(call, &grant, &id),
            Route::Refund(id) => self.refund_call(call, &grant, &id),
            Route::Subscribe { with_receipt } => self.open_subscription(call, &grant, with_receipt),
            Route::Subscriptions => self.subscriptions(call, &grant),
            Route::SubscriptionStatus(id) => self.subscription_status(call, &grant, &id),
            Route::SetSubscriptionStatus(id) => self.set_subscription_status(call, &grant, &id),
            Route::Charge(id) => self.charge_call(call, &grant, &id),
            Route::Registry => self.registry(call, &grant),
            Route::Retailers => self.retailers(call, &grant),
            Route::Customers => self.customers(call, &grant),
            Route::Customer(code) => self.customer(call, &grant, &code),
            Route::Accounts => self.accounts(call, &grant),
            Route::Account(id) => self.account(call, &grant, &id),
            Route::AskStatement => self.ask_statement(call, &grant),
            Route::Statement { account_id, id } => {
                self.read_statement(call, &grant, &account_id, &id)
            }
            Route::CreateConsent => self.create_consent(call),
            Route::Consents => self.consents(call),
            Route::Consent(id) => self.consent(call, &id),
            Route::ChildConsents(id) => self.child_consents(call, &id),
            Route::ShowWebhook(id) => self.show_webhook(call, &id),
            Route::PutWebhook { client_id, is_new } => self.put_webhook(call, &client_id, is_new),
            Route::DeleteWebhook(id) => self.delete_webhook(call, &id),
            Route::TestSend(id) => self.test_send(call, &id),
            Route::Sbp(route) => self.answer_sbp(call, &grant, route),
        }
    }

    /// Where the request came to, as an absolute address.
    fn self_url(&self, request: &HttpRequest) -> String {
        let query = request.url.split_once('?').map_or("", |(_, query)| query);
        let mark = if query.is_empty() { "" } else { "?" };
        let query = query.split('#').next().unwrap_or("");
        let safe = |c: char| c.is_ascii_alphanumeric() || "-._~/%?&=+:@!$'()*,;".contains(c);
        let text = format!("{}{mark}{query}", request.path());
        if text.len() > MAX_LINK_CHARS || !text.chars().all(safe) {
            return format!("{}/uapi", self.origin);
        }
        format!("{}{text}", self.origin)
    }
}
