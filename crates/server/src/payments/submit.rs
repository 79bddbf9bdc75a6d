//! Requests that change something: checked, saved together with their key, driven for a few
//! seconds, answered from what is stored then.
//!
//! The work runs to its end even if the caller hangs up; the bank is asked in a task of its own
//! that no time limit cuts off.

use std::time::Duration;

use kopeck_banks::bank::find_bank;

use super::{
    drive::drive_now,
    flow::{
        self, NewPayment, Problem,
        charge::Saved,
        routing::{plan_at, plan_routed},
    },
    idempotency::{self, Key, Subject},
    model::{Means, Payment, Status},
    receipts::{self, Back},
    request::{CancelPayment, CapturePayment, CreatePayment, CreateRefund},
    store,
};
use crate::{
    http::{Answer, ApiError, Caller, RequestId, Server, body, codes, json},
    instruments::model::{Kind, Terms},
    kit::db::DbError,
    shops::{self, model::Connection},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts as _, Request},
};

/// How often to look when somebody else is asking the bank.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A request that changes something, read but not yet understood.
#[derive(Clone)]
pub struct Ask {
    pub server: Server,
    pub caller: Caller,
    pub request_id: String,
    pub key: Option<Key>,
    pub body: Bytes,
}

impl FromRequest<Server> for Ask {
    type Rejection = ApiError;

    async fn from_request(request: Request, server: &Server) -> Result<Ask, ApiError> {
        let (mut parts, content) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, server).await?;
        let RequestId(request_id) = RequestId::from_request_parts(&mut parts, server).await?;
        let limits = &server.limits;
        let body = body::read(content, limits.api_body_bytes, limits.body_wait).await?;
        let key = Key::parse(&parts.headers, &parts.method, parts.uri.path(), &body)?;
        Ok(Ask { server: server.clone(), caller, request_id, key, body: body.into() })
    }
}

/// Runs the request to its end whatever becomes of the caller.
pub async fn run<F>(ask: Ask, work: impl FnOnce(Ask) -> F) -> Result<Answer, ApiError>
where
    F: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    let server = ask.server.clone();
    server.finish(work(ask)).await.unwrap_or_else(|| Err(ApiError::of(codes::INTERNAL)))
}

/// Makes a payment and waits a little: for its link, or for what becomes of its charge.
pub async fn create(ask: Ask) -> Result<Answer, ApiError> {
    if let Some(answer) = idempotency::replay(&ask).await? {
        return Ok(answer);
    }
    let ctx = ask.server.ctx.clone();
    let input: CreatePayment = json::read(&ask.body)?;
    let wanted = input.bank()?;
    let is_free = wanted.is_none();
    let mut connections = choose_connections(&ask, wanted.clone()).await?;
    let saving = match input.means()? {
        Means::Save { kind, .. } => Some(kind),
        Means::Payer | Means::Saved { .. } => None,
    };
    if let Some(kind) = saving {
        connections.retain(|connection| can_save(connection, kind));
        // A bank that also gives back through its API goes first.
        if is_free && connections.iter().any(|it| !keeps_only(it)) {
            connections.retain(|it| kind != Kind::Card || !keeps_only(it));
        }
        if connections.is_empty() {
            return Err(match kind {
                Kind::Account => ApiError::of(codes::ACCOUNT_UNSUPPORTED).param("save_account"),
                Kind::Card | Kind::Kept => ApiError::of(codes::CARD_UNSUPPORTED).param("save_card"),
            });
        }
    }
    let banks: Vec<_> = connections.iter().filter_map(|it| find_bank(&it.bank)).collect();
    let new = input.read(&banks.iter().map(|bank| bank.capabilities()).collect::<Vec<_>>())?;
    if let Means::Saved { kind, id } = new.means.clone() {
        let customer_id = input.customer_id()?;
        return charge(ask, Saved { kind, id, customer_id, bank: wanted }, new).await;
    }
    let consent = new.consent.clone();
    let new = receipts::fill(&ctx, &ask.caller.shop_id, new, &connections).await?;
    let payment = match connections.as_slice() {
        // What is saved belongs to the bank that it was saved at: it goes on to no other.
        [.., newest] if saving.is_some() => plan_at(&ctx, newest, new)?,
        [only] if !is_free => plan_at(&ctx, only, new)?,
        _ => plan_routed(&ctx, &ask.caller.shop_id, new).await?,
    };
    save(ask, payment, consent).await
}

/// Takes a payment from what was saved, and waits a little for what becomes of it.
pub async fn charge(ask: Ask, from: Saved, new: NewPayment) -> Result<Answer, ApiError> {
    if let Some(answer) = idempotency::replay(&ask).await? {
        return Ok(answer);
    }
    let (ctx, shop_id) = (&ask.server.ctx, &ask.caller.shop_id);
    let mut banks = shops::flow::list_connections(ctx, shop_id).await?;
    banks.retain(|it| from.bank.as_ref().is_none_or(|bank| *bank == it.bank));
    let new = receipts::fill(ctx, shop_id, new, &banks).await?;
    let payment = flow::charge::plan(ctx, shop_id, &from, new).await?;
    save(ask, payment, None).await
}

async fn save(ask: Ask, payment: Payment, consent: Option<Terms>) -> Result<Answer, ApiError> {
    let ctx = ask.server.ctx.clone();
    let subject = Subject::Create { payment_id: payment.id.clone() };
    let (inner, key, what) = (ctx.clone(), ask.key.clone(), subject.clone());
    let taken: Result<bool, Problem> = ctx
        .db
        .write(move |tx| {
            if !idempotency::take(tx, &payment.shop_id, key.as_ref(), &what, inner.now_ms())? {
                return Ok(false);
            }
            flow::charge::create_any(tx, &inner, &payment, consent.as_ref())?;
            Ok(true)
        })
        .await;
    finish(ask, taken?, subject).await
}

/// Captures a hold.
pub async fn capture(ask: Ask, payment_id: String) -> Result<Answer, ApiError> {
    if let Some(answer) = idempotency::replay(&ask).await? {
        return Ok(answer);
    }
    let amount = json::read::<CapturePayment>(&ask.body)?.read()?;
    let ctx = ask.server.ctx.clone();
    let subject = Subject::Capture { payment_id: payment_id.clone() };
    let (inner, shop_id) = (ctx.clone(), ask.caller.shop_id.clone());
    let (key, what) = (ask.key.clone(), subject.clone());
    let taken: Result<bool, Problem> = ctx
        .db
        .write(move |tx| {
            if !idempotency::take(tx, &shop_id, key.as_ref(), &what, inner.now_ms())? {
                return Ok(false);
            }
            flow::request_capture(tx, &inner, &shop_id, &payment_id, amount)?;
            Ok(true)
        })
        .await;
    finish(ask, taken?, subject).await
}

/// Releases a hold.
pub async fn cancel(ask: Ask, payment_id: String) -> Result<Answer, ApiError> {
    if let Some(answer) = idempotency::replay(&ask).await? {
        return Ok(answer);
    }
    let CancelPayment {} = json::read(&ask.body)?;
    let ctx = ask.server.ctx.clone();
    let subject = Subject::Cancel { payment_id: payment_id.clone() };
    let (inner, shop_id) = (ctx.clone(), ask.caller.shop_id.clone());
    let (key, what) = (ask.key.clone(), subject.clone());
    let taken: Result<bool, Problem> = ctx
        .db
        .write(move |tx| {
            if !idempotency::take(tx, &shop_id, key.as_ref(), &what, inner.now_ms())? {
                return Ok(false);
            }
            flow::request_void(tx, &inner, &shop_id, &payment_id)?;
            Ok(true)
        })
        .await;
    finish(ask, taken?, subject).await
}

/// Refunds a part, or all that is left.
pub async fn refund(ask: Ask, payment_id: String) -> Result<Answer, ApiError> {
    if let Some(answer) = idempotency::replay(&ask).await? {
        return Ok(answer);
    }
    let input: CreateRefund = json::read(&ask.body)?;
    let (amount, reason) = input.read()?;
    let goods = input.goods()?;
    let ctx = ask.server.ctx.clone();
    let refund_id = ctx.mint.id("rf");
    let subject = Subject::Refund { payment_id: payment_id.clone(), refund_id: refund_id.clone() };
    let (inner, shop_id) = (ctx.clone(), ask.caller.shop_id.clone());
    let (key, what) = (ask.key.clone(), subject.clone());
    let taken: Result<bool, Problem> = ctx
        .db
        .write(move |tx| {
            if !idempotency::take(tx, &shop_id, key.as_ref(), &what, inner.now_ms())? {
                return Ok(false);
            }
            let left = flow::get_refundable(tx, &shop_id, &payment_id)?;
            let param = goods.as_ref().map_or("amount", Back::param);
            let worth = match &goods {
                Some(goods) => {
                    Some(flow::plan_goods(tx, &inner, (&shop_id, &payment_id), &refund_id, goods)?)
                }
                None => None,
            };
            if let Some((worth, amount)) = worth.zip(amount).filter(|(a, b)| a != b) {
                let why = format!("the goods come to {worth}, not to {amount}");
                return Err(Problem::Goods { param, why });
            }
            let refund = (refund_id.as_str(), worth.or(amount).unwrap_or(left), reason);
            flow::request_refund(tx, &inner, &shop_id, &payment_id, refund)?;
            Ok(true)
        })
        .await;
    finish(ask, taken?, subject).await
}

/// Whoever took the key drives the payment and answers; a twin waits for that answer.
async fn finish(ask: Ask, taken: bool, subject: Subject) -> Result<Answer, ApiError> {
    if !taken {
        let answer = idempotency::replay(&ask).await?;
        return answer.ok_or_else(|| ApiError::of(codes::INTERNAL));
    }
    settle(&ask, subject.payment_id()).await;
    idempotency::answer(&ask, &subject).await
}

/// Lets the bank be asked, and waits for it as long as a caller likes to wait.
async fn settle(ask: &Ask, payment_id: &str) {
    let (ctx, id) = (ask.server.ctx.clone(), payment_id.to_owned());
    let driving = ask.server.spawn(async move { drive_now(&ctx, &id).await });
    let waiting = async {
        if matches!(driving.await, Ok(Ok(true))) {
            return;
        }
        while is_pending(ask, payment_id).await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    // The time is over: the answer tells what is known, the task goes on.
    let _ = tokio::time::timeout(ask.server.limits.bank_wait, waiting).await;
    ask.server.nudge.notify_one();
}

async fn is_pending(ask: &Ask, payment_id: &str) -> bool {
    let (shop_id, id) = (ask.caller.shop_id.clone(), payment_id.to_owned());
    let found: Result<_, DbError> =
        ask.server.ctx.db.read(move |tx| store::find_payment(tx, &shop_id, &id)).await;
    let Ok(Some(payment)) = found else { return false };
    let refunding = payment.refunds.iter().any(|refund| refund.state.is_pending());
    let status = payment.status();
    let voiding = payment.is_held() && payment.is_voiding();
    let is_unsent = payment.is_charge() && payment.intents.charge_asked_ms.is_none();
    let charging = is_unsent && status == Status::Open;
    refunding || voiding || charging || matches!(status, Status::Opening | Status::Capturing)
}

fn can_save(connection: &Connection, kind: Kind) -> bool {
    find_bank(&connection.bank).is_some_and(|bank| match kind {
        Kind::Account => bank.capabilities().saves_accounts,
        Kind::Card => flow::kept::saves_cards(bank.capabilities()),
        Kind::Kept => bank.capabilities().subscriptions.is_some(),
    })
}

/// Whether the bank keeps cards as subscriptions and in no other way.
fn keeps_only(connection: &Connection) -> bool {
    find_bank(&connection.bank).is_some_and(|bank| !bank.capabilities().saves_cards)
}

/// The connection of that bank, or of that id, the last one of several; all when none is named.
async fn choose_connections(
    ask: &Ask,
    wanted: Option<String>,
) -> Result<Vec<Connection>, ApiError> {
    let all = shops::flow::list_connections(&ask.server.ctx, &ask.caller.shop_id).await?;
    if all.is_empty() {
        return Err(ApiError::of(codes::BANK_NOT_CONNECTED).param("bank"));
    }
    let Some(word) = wanted else { return Ok(all) };
    let is_wanted = |connection: &Connection| connection.bank == word || connection.id == word;
    let banks: Vec<String> = all.iter().map(|connection| connection.bank.clone()).collect();
    all.into_iter().rev().find(is_wanted).map(|found| vec![found]).ok_or_else(|| {
        let message = format!("The shop is connected to: {}.", banks.join(", "));
        ApiError::new(codes::BANK_UNKNOWN, message).param("bank")
    })
}
