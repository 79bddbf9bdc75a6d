//! An operation as the request that carries it. Pure: the same operation gives the same bytes.

use serde_json::value::RawValue;

use crate::{
    bank::{Credentials, Step},
    http::{HttpRequest, Method, encode_query, percent_encode},
    op::{AuthOp, BankOp, CaptureMode, CreateLink, StatementOp},
    receipt::{Line, Receipt, Supplier, quantity_text},
};

use super::{codes, quirks, sbp, settings, subscriptions, wire};

/// The bank's largest page, said aloud since a default may change.
pub const PER_PAGE: &str = "200";

/// The request of an operation, or the refusal that the bank would give.
pub fn start(credentials: &Credentials, op: &BankOp) -> Step {
    if let Some(refusal) = quirks::find_problem(credentials, op) {
        return Step::refuse(refusal);
    }
    let customer_code = credentials.get(settings::CUSTOMER_CODE);
    let request = match op {
        BankOp::CreateLink(link) => create_link(credentials, link),
        BankOp::GetPayment { bank_id } => api(credentials, Method::Get, &payment_path(bank_id, "")),
        // No search by our number, but the list tells it of each payment.
        BankOp::ListPayments { from, to, page } | BankOp::FindPayment { from, to, page, .. } => {
            let query = encode_query(&[
                ("customerCode", customer_code),
                ("fromDate", &from.to_string()),
                ("toDate", &to.to_string()),
                ("page", &page.to_string()),
                ("perPage", PER_PAGE),
            ]);
            api(credentials, Method::Get, &format!("/acquiring/v1.0/payments?{query}"))
        }
        BankOp::Capture { bank_id, .. } => {
            api(credentials, Method::Post, &payment_path(bank_id, "/capture"))
        }
        BankOp::Refund { bank_id, amount, .. } => {
            let body = wire::Refund { amount: amount.to_json_number() };
            api(credentials, Method::Post, &payment_path(bank_id, "/refund"))
                .json(&wire::Request { data: body })
        }
        BankOp::Void { .. } => return Step::refuse(quirks::VOID.refusal()),
        BankOp::Registry { merchant_id, date } => {
            let query = encode_query(&[
                ("customerCode", customer_code),
                ("merchantId", merchant_id),
                ("date", &date.to_string()),
            ]);
            api(credentials, Method::Get, &format!("/acquiring/v1.0/registry?{query}"))
        }
        BankOp::Retailers => {
            let query = encode_query(&[("customerCode", customer_code)]);
            api(credentials, Method::Get, &format!("/acquiring/v1.0/retailers?{query}"))
        }
        BankOp::Customers => api(credentials, Method::Get, "/open-banking/v1.0/customers"),
        BankOp::Accounts => api(credentials, Method::Get, "/open-banking/v1.0/accounts"),
        BankOp::Statement(op) => statement(credentials, op),
        BankOp::ShowNotices => api(credentials, Method::Get, &notices_path(credentials, "")),
        BankOp::RegisterNotices { url, kinds, replace } => {
            let method = if *replace { Method::Post } else { Method::Put };
            api(credentials, method, &notices_path(credentials, ""))
                .json(&wire::WebhookRequest { kinds, url })
        }
        BankOp::TestNotice { kind } => {
            api(credentials, Method::Post, &notices_path(credentials, "/test_send"))
                .json(&wire::TestSend { kind })
        }
        BankOp::DeleteNotices => api(credentials, Method::Delete, &notices_path(credentials, "")),
        BankOp::FetchNoticeKeys => {
            let root = settings::root(credentials);
            HttpRequest::new(Method::Get, format!("{root}/doc/openapi/static/keys/public"))
                .header("accept", "application/json")
        }
        BankOp::Auth(op) => auth(credentials, op),
        BankOp::Sbp(op) => match sbp::request::build(credentials, op) {
            Some(request) => request,
            None => return Step::refuse(quirks::OTHER.refusal()),
        },
        BankOp::Subscription(op) => subscriptions::request::build(credentials, op),
        BankOp::Card(_) | BankOp::Terminal(_) => return Step::refuse(quirks::OTHER.refusal()),
    };
    Step::Send(request)
}

/// Where to send a person so that they let the application act for their company.
///
/// `state` comes back with the code and must be unguessable; `consent_id` is of
/// [`AuthOp::CreateConsent`].
pub fn authorize_url(
    credentials: &Credentials,
    scope: &str,
    state: &str,
    consent_id: &str,
) -> String {
    let query = encode_query(&[
        ("client_id", &client_id(credentials)),
        ("response_type", "code"),
        ("state", state),
        ("redirect_uri", credentials.get(settings::REDIRECT_URI)),
        ("scope", scope),
        ("consent_id", consent_id),
    ]);
    format!("{}/connect/authorize?{query}", settings::root(credentials))
}

fn auth(credentials: &Credentials, op: &AuthOp) -> HttpRequest {
    let root = settings::root(credentials);
    let client_id = client_id(credentials);
    let client = [
        ("client_id", client_id.as_str()),
        ("client_secret", credentials.get(settings::CLIENT_SECRET)),
    ];
    let token = |fields: &[(&str, &str)]| {
        HttpRequest::new(Method::Post, format!("{root}/connect/token"))
            .header("accept", "application/json")
            .form(&[client.as_slice(), fields].concat())
    };
    match op {
        AuthOp::ClientToken { scope } => {
            token(&[("grant_type", "client_credentials"), ("scope", scope)])
        }
        AuthOp::CreateConsent { client_token, permissions, expires } => {
            let expiration_date_time = expires.map(|at| at.to_string());
            let body = wire::ConsentRequest { permissions, expiration_date_time };
            let url = format!("{}/consent/v1.0/consents", settings::base(credentials));
            bearer(HttpRequest::new(Method::Post, url), client_token)
                .json(&wire::Request { data: body })
        }
        AuthOp::ListConsents => {
            let request = api(credentials, Method::Get, "/consent/v1.0/consents");
            match credentials.find(settings::CUSTOMER_CODE) {
                Some(code) => request.header("customer-code", code),
                None => request,
            }
        }
        AuthOp::ExchangeCode { code, redirect_uri, scope } => token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("scope", scope),
        ]),
        AuthOp::Refresh => token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", credentials.get(settings::REFRESH_TOKEN)),
        ]),
        AuthOp::Introspect => HttpRequest::new(Method::Post, format!("{root}/connect/introspect"))
            .header("accept", "application/json")
            .form(&[("access_token", credentials.get(settings::ACCESS_TOKEN).trim())]),
    }
}

fn create_link(credentials: &Credentials, link: &CreateLink) -> HttpRequest {
    let receipt = link.receipt.as_ref();
    let mut payment_mode = Vec::with_capacity(link.methods.len());
    for word in link.methods.iter().map(|method| codes::method_word(*method)) {
        if !payment_mode.contains(&word) {
            payment_mode.push(word);
        }
    }
    let body = wire::CreateLink {
        customer_code: credentials.get(settings::CUSTOMER_CODE),
        amount: link.amount.to_json_number(),
        purpose: &link.purpose,
        payment_mode,
        redirect_url: link.success_url.as_deref(),
        fail_redirect_url: link.fail_url.as_deref(),
        save_card: link.save_card.then_some(true),
        consumer_id: link.payer_id.as_deref(),
        merchant_id: credentials.find(settings::MERCHANT_ID),
        pre_authorization: match link.capture {
            CaptureMode::Automatic => None,
            CaptureMode::Manual => Some(true),
        },
        ttl: link.ttl_minutes,
        payment_link_id: &link.reference,
        tax_system_code: receipt.and_then(|receipt| receipt.taxation).map(|t| t.as_str()),
        client: receipt.map(client),
        items: receipt.map(|receipt| receipt.lines.iter().map(item).collect()).unwrap_or_default(),
        supplier: receipt.and_then(|receipt| receipt.supplier.as_ref()).map(supplier),
    };
    let path = match receipt {
        Some(_) => "/acquiring/v1.0/payments_with_receipt",
        None => "/acquiring/v1.0/payments",
    };
    api(credentials, Method::Post, path).json(&wire::Request { data: body })
}

fn statement(credentials: &Credentials, op: &StatementOp) -> HttpRequest {
    match op {
        StatementOp::Ask { account_id, from, to } => {
            let (start_date_time, end_date_time) = (from.to_string(), to.to_string());
            let statement = wire::AskStatement { account_id, start_date_time, end_date_time };
            let data = wire::StatementRequest { statement };
            api(credentials, Method::Post, "/open-banking/v1.0/statements")
                .json(&wire::Request { data })
        }
        StatementOp::Read { account_id, statement_id } => {
            let (account, id) = (percent_encode(account_id), percent_encode(statement_id));
            let path = format!("/open-banking/v1.0/accounts/{account}/statements/{id}");
            api(credentials, Method::Get, &path)
        }
    }
}

pub fn client(receipt: &Receipt) -> wire::Client<'_> {
    wire::Client {
        name: receipt.buyer_name.as_deref(),
        email: receipt.email.as_deref().unwrap_or(""),
        phone: receipt.phone.as_deref().filter(|phone| !phone.is_empty()),
    }
}

pub fn item(line: &Line) -> wire::Item<'_> {
    wire::Item {
        vat_type: line.vat.as_str(),
        name: &line.name,
        amount: line.price.to_json_number(),
        quantity: quantity(line.quantity_milli),
        payment_method: line.method.as_str(),
        payment_object: line.subject.as_str(),
        measure: line.measure.map(codes::measure_word),
        supplier: line.supplier.as_ref().map(supplier),
    }
}

pub fn supplier(supplier: &Supplier) -> wire::Supplier<'_> {
    wire::Supplier { phone: &supplier.phone, name: &supplier.name, tax_code: &supplier.tax_code }
}

/// Thousandths as a JSON number; its digits and point are always a valid one.
fn quantity(milli: u64) -> wire::Raw {
    RawValue::from_string(quantity_text(milli)).unwrap_or_default()
}

pub fn api(credentials: &Credentials, method: Method, path: &str) -> HttpRequest {
    let url = format!("{}{path}", settings::base(credentials));
    bearer(HttpRequest::new(method, url), credentials.get(settings::ACCESS_TOKEN))
}

fn bearer(request: HttpRequest, token: &str) -> HttpRequest {
    request
        .header("authorization", format!("Bearer {}", token.trim()))
        .header("accept", "application/json")
}

fn payment_path(bank_id: &str, action: &str) -> String {
    format!("/acquiring/v1.0/payments/{}{action}", percent_encode(bank_id))
}

fn notices_path(credentials: &Credentials, action: &str) -> String {
    format!("/webhook/v1.0/{}{action}", percent_encode(&client_id(credentials)))
}

/// Present wherever it is used: `client_id_missing` is checked before.
fn client_id(credentials: &Credentials) -> String {
    settings::find_client_id(credentials).unwrap_or_default()
}
