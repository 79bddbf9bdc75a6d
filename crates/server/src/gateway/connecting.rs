//! Connecting a bank, step by step, with credentials that are tried before they are saved: what is
//! theirs, which of it to use, the notice address.

use jiff::tz::TimeZone;
use kopeck_banks::{
    Credentials,
    op::{Answer, BankOp, Customer, Outcome, Refusal, Retailer},
    tbank, tochka,
};

use super::{
    flow::{ask_now, get_bank, refusal_of, try_out},
    notices::fetch_keys,
};
use crate::{
    kit::{Ctx, clock::timestamp},
    shops::{
        flow::{create_connection, list_connections, save_credentials},
        model::Connection,
    },
};

/// No shop names an order so.
const PROBE: &str = "kopeck-init-probe";

/// Where connecting came to.
#[derive(Debug)]
pub enum Reached {
    /// The token opens several companies.
    ChooseCompany(Vec<Customer>),
    ChoosePoint(Vec<Retailer>),
    Connected(Box<Connection>),
    Refused(Refusal),
}

async fn told(
    ctx: &Ctx,
    bank: &str,
    credentials: &Credentials,
    op: &BankOp,
) -> anyhow::Result<Result<Answer, Refusal>> {
    Ok(answer_of(try_out(ctx, bank, credentials, op).await?))
}

fn answer_of(outcome: Outcome) -> Result<Answer, Refusal> {
    let Outcome::Done(answer) = outcome else { return Err(refusal_of(outcome)) };
    Ok(answer)
}

fn strange(answer: Answer) -> Reached {
    Reached::Refused(refusal_of(Outcome::Done(answer)))
}

fn refused(code: &'static str, message: &str, hint: &str) -> Reached {
    Reached::Refused(Refusal {
        class: kopeck_banks::op::RefusalClass::Conflict,
        code,
        message: message.to_owned(),
        hint: hint.to_owned(),
        param: None,
    })
}

/// Tochka by a JWT key: the company and the acquiring point are chosen where there is one only.
pub async fn tochka(
    ctx: &Ctx,
    shop_id: &str,
    mut credentials: Credentials,
) -> anyhow::Result<Reached> {
    use tochka::settings;
    let token = credentials.get(settings::ACCESS_TOKEN).to_owned();
    if let Some(problem) = tochka::token_problem(&token, timestamp(ctx.now_ms())) {
        return Ok(Reached::Refused(problem));
    }
    if credentials.find(settings::CUSTOMER_CODE).is_none() {
        let customers = match told(ctx, "tochka", &credentials, &BankOp::Customers).await? {
            Ok(Answer::Customers(customers)) => customers,
            Ok(other) => return Ok(strange(other)),
            Err(refusal) => return Ok(Reached::Refused(refusal)),
        };
        let mut business: Vec<Customer> =
            customers.into_iter().filter(|customer| customer.is_business).collect();
        match (business.pop(), business.is_empty()) {
            (Some(only), true) => credentials.set(settings::CUSTOMER_CODE, only.customer_code),
            (Some(last), false) => {
                business.push(last);
                return Ok(Reached::ChooseCompany(business));
            }
            (None, _) => {
                return Ok(refused(
                    "customer_code_missing",
                    "The token opens no company.",
                    "Make the JWT key again and tick the company whose money this is.",
                ));
            }
        }
    }
    // Asked whatever is given: nothing is saved that the bank did not answer to.
    let points = match told(ctx, "tochka", &credentials, &BankOp::Retailers).await? {
        Ok(Answer::Retailers(points)) => points,
        Ok(other) => return Ok(strange(other)),
        Err(refusal) => return Ok(Reached::Refused(refusal)),
    };
    let wanted = credentials.find(settings::MERCHANT_ID).map(str::to_owned);
    let is_ready = |it: &Retailer| {
        let is_wanted = wanted.is_none() || it.merchant_id == wanted;
        it.is_active && it.status == "REG" && it.merchant_id.is_some() && is_wanted
    };
    let mut ready: Vec<Retailer> = points.into_iter().filter(is_ready).collect();
    match (ready.pop(), ready.is_empty()) {
        (Some(only), true) => {
            credentials.set(settings::MERCHANT_ID, only.merchant_id.unwrap_or_default());
        }
        (Some(last), false) => {
            ready.push(last);
            return Ok(Reached::ChoosePoint(ready));
        }
        (None, _) => {
            return Ok(refused(
                "retailer_missing",
                "The company has no registered and active acquiring point.",
                "Apply for internet acquiring in the internet bank; it takes a day or two.",
            ));
        }
    }
    let expires_ms = tochka::token::find_expiry(&token).map(|at| at.as_millisecond());
    let is_same = |it: &Connection| {
        let has = &it.credentials;
        it.bank == "tochka"
            && settings::base(has) == settings::base(&credentials)
            && has.get(settings::CUSTOMER_CODE) == credentials.get(settings::CUSTOMER_CODE)
    };
    let known = list_connections(ctx, shop_id).await?.into_iter().rev().find(is_same);
    save(ctx, shop_id, ("tochka", known), credentials, expires_ms).await
}

/// T-Bank by a terminal and its password: an order that nobody made is asked about, and only the
/// right signature gets a "no such order".
pub async fn tbank(ctx: &Ctx, shop_id: &str, credentials: Credentials) -> anyhow::Result<Reached> {
    let day = timestamp(ctx.now_ms()).to_zoned(TimeZone::UTC).date();
    let op = BankOp::FindPayment { reference: PROBE.to_owned(), from: day, to: day, page: 1 };
    match told(ctx, "tbank", &credentials, &op).await? {
        Ok(Answer::Payments(_)) => {}
        Ok(other) => return Ok(strange(other)),
        Err(refusal) => return Ok(Reached::Refused(refusal)),
    }
    let key = tbank::settings::terminal_key(&credentials).to_owned();
    let is_same = |it: &Connection| {
        it.bank == "tbank"
            && tbank::settings::terminal_key(&it.credentials) == key
            && tbank::settings::base(&it.credentials) == tbank::settings::base(&credentials)
    };
    let known = list_connections(ctx, shop_id).await?.into_iter().rev().find(is_same);
    save(ctx, shop_id, ("tbank", known), credentials, None).await
}

/// Of an account that is known the credentials change; another one is a connection of its own.
async fn save(
    ctx: &Ctx,
    shop_id: &str,
    (bank, known): (&str, Option<Connection>),
    credentials: Credentials,
    expires_ms: Option<i64>,
) -> anyhow::Result<Reached> {
    let saved = match known {
        Some(known) => save_credentials(ctx, known, credentials, expires_ms).await?,
        None => create_connection(ctx, shop_id, bank, credentials, expires_ms).await?,
    };
    Ok(Reached::Connected(Box::new(saved)))
}

/// Has the bank send its notices here, where it takes such a wish; the running server answers its
/// test. `Err` says why not: payments are then found by asking, within a minute.
pub async fn register(ctx: &Ctx, connection: &Connection) -> anyhow::Result<Result<(), Refusal>> {
    let can = get_bank(&connection.bank)?.capabilities();
    if !can.registers_notices {
        return Ok(Ok(()));
    }
    if can.publishes_notice_keys {
        fetch_keys(ctx, connection).await?;
    }
    let before = match answer_of(ask_now(ctx, connection, &BankOp::ShowNotices).await?) {
        Ok(Answer::Notices(before)) => before,
        Ok(other) => return Ok(Err(refusal_of(Outcome::Done(other)))),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let url = format!("{}/notices/{}/{}", ctx.public_url, connection.bank, connection.id);
    let kinds = can.payment_notice_kinds.iter().chain(can.sbp_notice_kinds);
    let kinds = kinds.map(|kind| (*kind).to_owned()).collect();
    let op = BankOp::RegisterNotices { url, kinds, replace: before.is_some() };
    Ok(answer_of(ask_now(ctx, connection, &op).await?).map(|_| ()))
}
