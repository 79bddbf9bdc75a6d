//! A reply as an outcome. The rule: only what the bank clearly says is `Done` or `Refused`; any
//! answer that leaves a doubt is `Unknown`, and somebody asks again.

use serde::de::DeserializeOwned;

use crate::{
    Money,
    bank::Credentials,
    http::HttpReply,
    op::{
        Account, Answer, AuthOp, BankOp, Consent, Customer, NoticeAddress, Outcome, Page, Refusal,
        RefusalClass, RegistryLine, Retailer, Statement, StatementLine, StatementOp,
        StatementState, Tokens,
    },
};

use super::{codes, errors, observation, sbp, settings, sign, subscriptions, token, wire};

/// The lifetime that the bank documents for access tokens, used when a reply does not say.
const TOKEN_LIFE_S: u64 = 86_400;

/// Reads the reply to the one request that `op` takes.
pub fn read(credentials: &Credentials, op: &BankOp, reply: &HttpReply) -> Outcome {
    if !(200..=299).contains(&reply.status) {
        return errors::read(credentials, op, reply);
    }
    match answer(credentials, op, &reply.body) {
        Ok(Heard::Answer(answer)) => Outcome::Done(answer),
        Ok(Heard::No(refusal)) => Outcome::Refused(refusal),
        Err(why) => Outcome::Unknown { why: format!("the bank's answer is unreadable: {why}") },
    }
}

/// What a readable 2xx says.
enum Heard {
    Answer(Answer),
    No(Refusal),
}

/// Why a body says nothing. Never quotes it: it may hold names and phones.
pub type Unreadable = String;

fn answer(credentials: &Credentials, op: &BankOp, body: &[u8]) -> Result<Heard, Unreadable> {
    let answer = match op {
        BankOp::CreateLink(_) => link(body)?,
        BankOp::GetPayment { bank_id } => return payment(credentials, bank_id, body),
        BankOp::ListPayments { page, .. } | BankOp::FindPayment { page, .. } => {
            payments(*page, body)?
        }
        BankOp::Capture { .. }
        | BankOp::Void { .. }
        | BankOp::TestNotice { .. }
        | BankOp::DeleteNotices => {
            Answer::Accepted { done: data::<wire::BoolResult>(body)?.result }
        }
        BankOp::Refund { .. } => return refund(body),
        BankOp::Registry { .. } => Answer::Registry(registry(body)?),
        BankOp::Retailers => {
            let list: wire::Retailers = data(body)?;
            Answer::Retailers(list.retailers.into_iter().map(retailer).collect())
        }
        BankOp::Customers => {
            let list: wire::Customers = data(body)?;
            Answer::Customers(list.customers.into_iter().map(customer).collect())
        }
        BankOp::Accounts => {
            let list: wire::Accounts = data(body)?;
            Answer::Accounts(list.accounts.into_iter().map(account).collect())
        }
        BankOp::Statement(op) => Answer::Statement(statement(op, body)?),
        BankOp::ShowNotices | BankOp::RegisterNotices { .. } => {
            let address: wire::Webhook = data(body)?;
            Answer::Notices(Some(NoticeAddress { url: address.url, kinds: address.kinds }))
        }
        BankOp::FetchNoticeKeys => {
            let text = std::str::from_utf8(body).map_err(|_| "it is not text".to_owned())?;
            if sign::parse_keys(text).is_empty() {
                return Err("it holds no RSA key".to_owned());
            }
            Answer::NoticeKeys(text.trim().to_owned())
        }
        BankOp::Auth(op) => auth(op, body)?,
        BankOp::Sbp(op) => sbp::reply::read(op, body)?,
        BankOp::Subscription(op) => subscriptions::reply::read(op, body)?,
        BankOp::Card(_) | BankOp::Terminal(_) => {
            return Err("nothing was asked".to_owned());
        }
    };
    Ok(Heard::Answer(answer))
}

/// A link that was made, of a payment or of a subscription.
pub fn link(body: &[u8]) -> Result<Answer, Unreadable> {
    let link: wire::CreatedLink = data(body)?;
    if link.operation_id.is_empty() || link.payment_link.is_empty() {
        return Err("it names no link".to_owned());
    }
    Ok(Answer::Link { bank_id: link.operation_id, url: link.payment_link })
}

fn auth(op: &AuthOp, body: &[u8]) -> Result<Answer, Unreadable> {
    match op {
        AuthOp::ClientToken { .. } | AuthOp::ExchangeCode { .. } | AuthOp::Refresh => {
            let tokens: wire::Tokens = json(body)?;
            if tokens.access_token.is_empty() {
                return Err("it holds no token".to_owned());
            }
            let life = tokens.expires_in.and_then(|seconds| seconds.parse().ok());
            Ok(Answer::Tokens(Tokens {
                access_token: tokens.access_token,
                refresh_token: tokens.refresh_token.filter(|token| !token.is_empty()),
                expires_in_s: life.unwrap_or(TOKEN_LIFE_S),
            }))
        }
        AuthOp::CreateConsent { .. } | AuthOp::ListConsents => {
            let consents = match data::<wire::Consents>(body)? {
                wire::Consents::List { consents } | wire::Consents::Bare(consents) => consents,
                wire::Consents::One(consent) => vec![consent],
            };
            Ok(Answer::Consents(consents.into_iter().map(consent).collect()))
        }
        AuthOp::Introspect => {
            let text: String = json(body)?;
            let claims = token::find_claims(&text).ok_or("it is not a JWT")?;
            Ok(Answer::Introspection {
                customer_code: claims.subject.ok_or("it names no company")?,
                client_id: claims.audience.ok_or("it names no client_id")?,
            })
        }
    }
}

fn payment(credentials: &Credentials, asked: &str, body: &[u8]) -> Result<Heard, Unreadable> {
    let list: wire::Operations = data(body)?;
    // The bank's sandbox tells of one and the same operation whatever is asked.
    let any = settings::is_bank_sandbox(credentials);
    let operation = list.operations.into_iter().find(|one| any || one.operation_id == asked);
    let operation = operation.ok_or("it is not about the operation asked for")?;
    Ok(Heard::Answer(Answer::Payment(observation::of_operation(operation))))
}

fn payments(page: u32, body: &[u8]) -> Result<Answer, Unreadable> {
    let reply: wire::Reply<wire::Operations> = json(body)?;
    let total = reply.meta.and_then(|meta| meta.total_pages);
    let items = reply.data.operations.into_iter().map(observation::of_operation).collect();
    Ok(Answer::Payments(Page { items, page, total_pages: total.unwrap_or(1) }))
}

fn refund(body: &[u8]) -> Result<Heard, Unreadable> {
    let refunded: wire::Refunded = data(body)?;
    if !refunded.is_refund {
        return Ok(Heard::No(Refusal {
            class: RefusalClass::Conflict,
            code: "refund_refused",
            message: "The bank did not take the refund and gave no reason.".to_owned(),
            hint: "Look at the payment's state: only a paid operation can be refunded, and not \
                   while another refund of it runs. Payments of subscriptions and in digital \
                   rubles are refunded in the internet bank only."
                .to_owned(),
            param: None,
        }));
    }
    let amount = refunded.amount.ok_or("it names no amount")?;
    Ok(Heard::Answer(Answer::Refunded {
        amount: money(&amount)?,
        refund_id: refunded.order_id.ok_or("it names no refund")?,
    }))
}

fn registry(body: &[u8]) -> Result<Vec<RegistryLine>, Unreadable> {
    let registry: wire::Registry = data(body)?;
    let mut lines = Vec::new();
    for group in registry.groups {
        let method = codes::method_text(group.payment_type.as_deref().unwrap_or(""));
        for payment in group.payments {
            lines.push(RegistryLine {
                status: payment.status.as_deref().and_then(codes::parse_status),
                method: method.clone(),
                amount: money(&payment.amount)?,
                commission: money(&payment.commission)?,
                enrolled: money(&payment.enrollment_amount)?,
                bank_id: payment.operation_id,
            });
        }
    }
    Ok(lines)
}

fn retailer(retailer: wire::Retailer) -> Retailer {
    let rate = retailer.rate.as_deref().map(|raw| raw.get().trim_matches('"').to_owned());
    let methods = retailer.payment_modes.iter();
    Retailer {
        name: retailer.name.unwrap_or_default(),
        merchant_id: retailer.merchant_id,
        terminal_id: retailer.terminal_id,
        is_active: retailer.is_active.as_deref() == Some("true"),
        status: retailer.status.unwrap_or_default(),
        methods: methods.filter_map(|word| codes::parse_method(word)).collect(),
        rate: rate.unwrap_or_default(),
        mcc: retailer.mcc.unwrap_or_default(),
        url: retailer.url,
        cashbox: retailer.cashbox,
    }
}

fn customer(customer: wire::Customer) -> Customer {
    Customer {
        customer_code: customer.customer_code,
        is_business: customer.customer_type.as_deref() == Some("Business"),
        name: customer.full_name.or(customer.short_name).unwrap_or_default(),
        tax_code: customer.tax_code,
    }
}

fn account(account: wire::Account) -> Account {
    Account {
        account_id: account.account_id,
        customer_code: account.customer_code.unwrap_or_default(),
        status: account.status.unwrap_or_default(),
        currency: account.currency.unwrap_or_default(),
    }
}

/// Bookkeeping: a line that cannot be read makes it unreadable.
fn statement(op: &StatementOp, body: &[u8]) -> Result<Statement, Unreadable> {
    let (found, asked) = match op {
        StatementOp::Ask { .. } => (data::<wire::AskedStatement>(body)?.statement, None),
        StatementOp::Read { statement_id, .. } => {
            let mut list = data::<wire::Statements>(body)?.statements.into_iter();
            let is_it = |own: &wire::Statement| {
                own.statement_id.as_ref().is_none_or(|id| id == statement_id)
            };
            let found = list.find(is_it).ok_or("it is not about the statement asked for")?;
            (found, Some(statement_id.clone()))
        }
    };
    let state = match found.status.as_deref() {
        Some("Ready") => {
            let lines = found.transactions.unwrap_or_default().into_iter().map(statement_line);
            StatementState::Ready(lines.collect::<Result<_, _>>()?)
        }
        Some("Error") => StatementState::Failed,
        Some(_) | None => StatementState::Making,
    };
    let id = found.statement_id.or(asked).ok_or("it names no statement")?;
    Ok(Statement { id, state })
}

fn statement_line(line: wire::Transaction) -> Result<StatementLine, Unreadable> {
    let is_credit = match line.credit_debit_indicator.as_str() {
        "Credit" => true,
        "Debit" => false,
        _ => return Err("a line says neither that money came nor that it went".to_owned()),
    };
    Ok(StatementLine {
        id: line.transaction_id,
        is_credit,
        is_booked: line.status.as_deref() == Some("Booked"),
        amount: money(&line.amount.amount)?,
        purpose: line.description.unwrap_or_default(),
        day: line.document_process_date.and_then(|text| text.parse().ok()),
    })
}

fn consent(consent: wire::Consent) -> Consent {
    Consent {
        consent_id: consent.consent_id,
        status: consent.status.unwrap_or_default(),
        permissions: consent.permissions,
        customer_code: consent.customer_code,
    }
}

fn money(raw: &serde_json::value::RawValue) -> Result<Money, Unreadable> {
    Money::parse_json(raw).map_err(|error| error.to_string())
}

/// An amount of SBP: whole kopecks, as a number or as text.
pub fn kopecks(raw: &serde_json::value::RawValue) -> Result<Money, Unreadable> {
    let text = raw.get().trim();
    let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let kopecks = digits.parse().map_err(|_| "an amount is not in whole kopecks".to_owned())?;
    Money::from_kopecks(kopecks).map_err(|error| error.to_string())
}

pub fn data<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    json::<wire::Reply<T>>(body).map(|reply| reply.data)
}

pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    // Where the JSON breaks, without serde's quotation of a value.
    serde_json::from_slice(body).map_err(|error| {
        let kind = if error.is_data() { "a field is missing or strange" } else { "it is not JSON" };
        format!("{kind} at line {} column {}", error.line(), error.column())
    })
}
