//! One bank operation, from credentials to outcome.

use anyhow::{Context as _, anyhow};
use kopeck_banks::{
    Bank, Credentials,
    bank::{Step, find_bank},
    exchange::{self, Heard, Silence},
    http::HttpRequest,
    op::{Answer, AuthOp, BankOp, Outcome, Refusal, RefusalClass, SubscriptionOp, Tokens},
};

use super::store::{Exchange, insert_exchange};
use crate::{
    kit::{
        Ctx,
        clock::{MINUTE_MS, timestamp},
        db::DbError,
        secret,
    },
    shops::{self, model::Connection},
};

/// A token is renewed this long before its end, so that no request meets the end on its way.
const REFRESH_BEFORE_MS: i64 = 5 * MINUTE_MS;
/// How long one process may be busy renewing it: one request's time and a margin.
const REFRESH_LEASE_MS: i64 = MINUTE_MS;
/// Journal texts are cut here: enough for any reply about one payment, lists are longer.
const JOURNAL_MAX_CHARS: usize = 8_000;

/// An outcome with the exchanges that led to it, to be saved in the transaction that saves what
/// follows from it.
#[derive(Debug)]
pub struct Told {
    pub outcome: Outcome,
    pub exchanges: Vec<Exchange>,
}

pub fn get_bank(name: &str) -> anyhow::Result<&'static dyn Bank> {
    find_bank(name).ok_or_else(|| anyhow!("this build knows no bank `{name}`"))
}

/// Runs one operation. Renews the access token first when it is about to end.
pub async fn ask(ctx: &Ctx, connection: &Connection, op: &BankOp) -> anyhow::Result<Told> {
    let mut exchanges = Vec::new();
    let is_auth = matches!(op, BankOp::Auth(_));
    let renewed = if is_auth { None } else { renew(ctx, connection, &mut exchanges).await? };
    let connection = match &renewed {
        Some(Renewed::Fresh(connection)) => connection,
        Some(Renewed::Not(outcome)) => return Ok(Told { outcome: outcome.clone(), exchanges }),
        None => connection,
    };
    let outcome = match known_dead(ctx, connection, op)? {
        Some(refusal) => Outcome::Refused(refusal),
        None => exchange_with(ctx, connection, op, &mut exchanges).await?,
    };
    if let Outcome::Refused(refusal) = &outcome
        && refusal.class == RefusalClass::Credentials
    {
        let (id, code) = (connection.id.as_str(), refusal.code);
        tracing::warn!(id, code, "the bank does not accept the key of {id}: {}", refusal.hint);
    }
    Ok(Told { outcome, exchanges })
}

/// What the key itself tells: one past its own end, or cut when copied, is not worth a request, and
/// the bank's answer to it would name the cause less clearly.
fn known_dead(ctx: &Ctx, connection: &Connection, op: &BankOp) -> anyhow::Result<Option<Refusal>> {
    // Those bring their own secrets, or need none.
    if matches!(op, BankOp::Auth(_) | BankOp::FetchNoticeKeys) {
        return Ok(None);
    }
    let now = timestamp(ctx.now_ms());
    Ok(get_bank(&connection.bank)?.credentials_problem(&connection.credentials, now))
}

/// As [`ask`] for operations that belong to no payment; the journal is written at once.
pub async fn ask_now(ctx: &Ctx, connection: &Connection, op: &BankOp) -> anyhow::Result<Outcome> {
    let Told { outcome, exchanges } = ask(ctx, connection, op).await?;
    ctx.db
        .write(move |tx| {
            exchanges.iter().try_for_each(|exchange| insert_exchange(tx, exchange, None))
        })
        .await
        .map_err(|e: DbError| e)
        .context("saving the journal")?;
    Ok(outcome)
}

/// As [`ask_now`] with credentials that belong to no connection yet: nothing is renewed, and
/// nothing is kept in the journal.
pub async fn try_out(
    ctx: &Ctx,
    bank: &str,
    credentials: &Credentials,
    op: &BankOp,
) -> anyhow::Result<Outcome> {
    let connection = Connection {
        id: String::new(),
        shop_id: String::new(),
        bank: bank.to_owned(),
        name: String::new(),
        credentials: credentials.clone(),
        token_expires_ms: None,
        notice_keys: String::new(),
        notice_keys_ms: 0,
        swept_ms: 0,
        created_ms: 0,
    };
    exchange_with(ctx, &connection, op, &mut Vec::new()).await
}

async fn exchange_with(
    ctx: &Ctx,
    connection: &Connection,
    op: &BankOp,
    exchanges: &mut Vec<Exchange>,
) -> anyhow::Result<Outcome> {
    let bank = get_bank(&connection.bank)?;
    let mut step = bank.start(&connection.credentials, op);
    for _ in 0..exchange::MAX_STEPS {
        let request = match step {
            Step::Done(outcome) => return Ok(outcome),
            Step::Send(request) => request,
        };
        let at_ms = ctx.now_ms();
        let shown = show_request(&request);
        let heard = ctx.wire.send(request).await;
        let (status, reply) = show_reply(&heard);
        exchanges.push(Exchange {
            id: ctx.mint.id("ex"),
            connection_id: connection.id.clone(),
            op: op_name(op),
            at_ms,
            took_ms: ctx.now_ms() - at_ms,
            request: shown,
            status,
            reply,
        });
        step = exchange::after(bank, &connection.credentials, op, &heard);
    }
    Ok(Outcome::Unknown { why: "too many steps".into() })
}

enum Renewed {
    Fresh(Connection),
    Not(Outcome),
}

/// Renews the OAuth token when its end is near. `None` when there is nothing to do.
async fn renew(
    ctx: &Ctx,
    connection: &Connection,
    exchanges: &mut Vec<Exchange>,
) -> anyhow::Result<Option<Renewed>> {
    let now_ms = ctx.now_ms();
    let Some(ends_ms) = connection.token_expires_ms else { return Ok(None) };
    let renewable = connection.credentials.find("refresh_token").is_some();
    if !renewable || now_ms < ends_ms - REFRESH_BEFORE_MS {
        return Ok(None);
    }
    let id = connection.id.clone();
    let leased: Result<_, DbError> = ctx
        .db
        .write(move |tx| shops::store::lease_refresh(tx, &id, now_ms, now_ms + REFRESH_LEASE_MS))
        .await;
    if !leased? {
        // Somebody else is renewing. Until the end the old token still works.
        let why = "the access token is being renewed".to_owned();
        return Ok((now_ms >= ends_ms).then_some(Renewed::Not(Outcome::NotSent { why })));
    }
    // The row may have been renewed between our reading and the lease.
    let current = shops::flow::get_connection(ctx, &connection.id).await?;
    if current.token_expires_ms.is_some_and(|ends_ms| now_ms < ends_ms - REFRESH_BEFORE_MS) {
        return Ok(Some(Renewed::Fresh(current)));
    }
    let op = BankOp::Auth(AuthOp::Refresh);
    let outcome = exchange_with(ctx, &current, &op, exchanges).await?;
    match outcome {
        Outcome::Done(Answer::Tokens(tokens)) => {
            Ok(Some(Renewed::Fresh(shops::flow::save_tokens(ctx, current, &tokens).await?)))
        }
        Outcome::Refused(refusal) => Ok(Some(Renewed::Not(Outcome::Refused(refusal)))),
        // Whatever was wanted with the token did not leave, which is what its caller must know.
        Outcome::Done(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => {
            let why = "the access token could not be renewed yet".to_owned();
            Ok(Some(Renewed::Not(Outcome::NotSent { why })))
        }
    }
}

/// The tokens of an answer, or the refusal that came instead.
pub fn expect_tokens(outcome: Outcome) -> Result<Tokens, Refusal> {
    let Outcome::Done(Answer::Tokens(tokens)) = outcome else { return Err(refusal_of(outcome)) };
    Ok(tokens)
}

/// Turns anything but the wanted answer into a refusal that can be shown.
pub fn refusal_of(outcome: Outcome) -> Refusal {
    let unavailable = |message: String| Refusal {
        class: RefusalClass::Conflict,
        code: "bank_unavailable",
        message,
        hint: "Try again in a minute; if it stays so, check the address and the network".into(),
        param: None,
    };
    match outcome {
        Outcome::Refused(refusal) => refusal,
        Outcome::Busy { retry_after_s } => {
            let wait = retry_after_s.unwrap_or(1);
            unavailable(format!("The bank asks to come back in {wait} s"))
        }
        Outcome::NotSent { why } => unavailable(format!("The bank could not be reached: {why}")),
        Outcome::Unknown { why } => unavailable(format!("The bank did not answer: {why}")),
        Outcome::Done(_) => unavailable("The bank answered something else than was asked".into()),
    }
}

fn show_request(request: &HttpRequest) -> String {
    let body = String::from_utf8_lossy(&request.body);
    cut(&secret::mask_text(&format!("{} {}\n{body}", request.method.as_str(), request.url)))
}

fn show_reply(heard: &Heard) -> (Option<u16>, String) {
    match heard {
        Ok(reply) => (Some(reply.status), cut(&secret::mask_text(&reply.text()))),
        Err(Silence::NotSent(why)) => (None, format!("not sent: {why}")),
        Err(Silence::Lost(why)) => (None, format!("no answer: {why}")),
    }
}

fn cut(text: &str) -> String {
    let mut kept: String = text.chars().take(JOURNAL_MAX_CHARS).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

const fn op_name(op: &BankOp) -> &'static str {
    match op {
        BankOp::CreateLink(_) => "create_link",
        BankOp::GetPayment { .. } => "get_payment",
        BankOp::ListPayments { .. } => "list_payments",
        BankOp::Capture { .. } => "capture",
        BankOp::Refund { .. } => "refund",
        BankOp::Void { .. } => "void",
        BankOp::Registry { .. } => "registry",
        BankOp::Retailers => "retailers",
        BankOp::Customers => "customers",
        BankOp::Accounts => "accounts",
        BankOp::Statement(_) => "statement",
        BankOp::ShowNotices => "show_notices",
        BankOp::RegisterNotices { .. } => "register_notices",
        BankOp::TestNotice { .. } => "test_notice",
        BankOp::DeleteNotices => "delete_notices",
        BankOp::FetchNoticeKeys => "fetch_notice_keys",
        BankOp::FindPayment { .. } => "find_payment",
        BankOp::Auth(_) => "auth",
        BankOp::Card(_) => "card",
        BankOp::Subscription(op) => match op {
            SubscriptionOp::Open(_) => "subscription_open",
            SubscriptionOp::List { .. } => "subscription_list",
            SubscriptionOp::Status { .. } => "subscription_status",
            SubscriptionOp::Cancel { .. } => "subscription_cancel",
            SubscriptionOp::Charge { .. } => "subscription_charge",
        },
        BankOp::Sbp(_) => "sbp",
        BankOp::Terminal(_) => "terminal",
    }
}
