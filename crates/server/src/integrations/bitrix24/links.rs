//! Links for deals and for portals' own payments: made once, however often they are asked for, by
//! the same checks as `POST /v1/payments`.

use kopeck_banks::{
    Money,
    bank::find_bank,
    http::HttpReply,
    receipt::{Line, Receipt},
};
use kopeck_integrations::{
    Kind, Lang, Scope, Settings,
    bitrix24::{
        card::{self, Card, Person},
        deal::Deal,
    },
    find_integration,
};
use serde_json::{Value, json};

use super::{
    model::Checkout,
    older::{self, Known},
    portal::{self, As, Trouble},
    store::{insert_checkout, list_payments_of},
};
use crate::{
    http::{ApiError, codes, json},
    integrations::{
        chats,
        flow::{self, NewSending, Where, seal_address},
        keys::address_key,
        model::{Chat, Linked},
        store::{self, Recipient, sendings},
    },
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{
        self,
        flow::{charge, routing::plan_routed},
        idempotency::{self, Key, Made, Subject},
        model::Payment,
        receipts,
        request::CreatePayment,
    },
    receipts::form,
    shops,
};

/// Kinds of buyers, in the portal's numbering.
const CONTACT: i64 = 3;
const COMPANY: i64 = 4;
/// More payments than one deal has.
const MANY: i64 = 30;
/// What is paid for when neither the deal nor the merchant says.
const PURPOSE: &str = "Оплата";
/// What a bank takes.
const MAX_PURPOSE_CHARS: usize = 140;

/// A link that somebody wants.
#[derive(Clone, Default)]
pub struct Wish {
    pub amount: Money,
    pub purpose: String,
    pub ttl_minutes: Option<u32>,
    /// The deal's rows, when they are the receipt.
    pub lines: Vec<Line>,
    pub buyer: Person,
    /// Where the buyer goes after paying.
    pub success_url: Option<String>,
    /// By what the same wish is known again.
    pub key: String,
    /// What a person typed: the same key with other words is a mistake. Empty where a machine asks:
    /// then whatever became of the deal since, its link is its link.
    pub said: String,
}

/// What hears of the payment: a deal, or a payment of the portal's own.
#[derive(Clone, Debug)]
pub enum For {
    Deal(i64),
    Checkout { portal_payment_id: String, pay_system_id: String },
}

/// The payment of this wish: made now, or by the same wish before.
pub async fn make(ctx: &Ctx, linked: &Linked, wish: &Wish, whom: For) -> Result<Payment, ApiError> {
    let key = key_of(linked, wish)?;
    if let Some(made) = find_made(ctx, linked, &key).await? {
        return Ok(made);
    }
    let body = body_of(wish).to_string();
    let input: CreatePayment = json::read(body.as_bytes())?;
    let connections = shops::flow::list_connections(ctx, &linked.shop_id).await?;
    if connections.is_empty() {
        return Err(ApiError::of(codes::BANK_NOT_CONNECTED));
    }
    let banks: Vec<_> = connections.iter().filter_map(|it| find_bank(&it.bank)).collect();
    let new = input.read(&banks.iter().map(|bank| bank.capabilities()).collect::<Vec<_>>())?;
    let new = receipts::fill(ctx, &linked.shop_id, new, &connections).await?;
    let payment = plan_routed(ctx, &linked.shop_id, new).await?;
    let hears = match &whom {
        For::Deal(id) => Some(recipient(ctx, linked, &id.to_string())?),
        For::Checkout { .. } => None,
    };
    let (inner, own, taken_key) = (ctx.clone(), linked.clone(), key.clone());
    let saved: Result<bool, payments::flow::Problem> = ctx
        .db
        .write(move |tx| save(tx, &inner, (&own, &taken_key), &payment, (&whom, hears.as_ref())))
        .await;
    saved?;
    let made = find_made(ctx, linked, &key).await?;
    made.ok_or_else(|| ApiError::of(codes::INTERNAL))
}

fn key_of(linked: &Linked, wish: &Wish) -> Result<Key, ApiError> {
    let said: &[&[u8]] = &[wish.said.as_bytes()];
    Key::of(&format!("bitrix24 {} {}", linked.id, wish.key), said)
}

/// What an earlier try of the same wish made, which a lost answer hides from whoever asked.
pub async fn find_earlier(
    ctx: &Ctx,
    linked: &Linked,
    wish: &Wish,
) -> Result<Option<Payment>, ApiError> {
    find_made(ctx, linked, &key_of(linked, wish)?).await
}

fn recipient(ctx: &Ctx, linked: &Linked, to: &str) -> anyhow::Result<Recipient> {
    Ok(Recipient {
        address_key: address_key(ctx, &linked.id, to),
        address: seal_address(ctx, &linked.id, to)?,
        since_seq: 0,
    })
}

/// `false` when a twin was first. Whoever hears of the payment is known with it, so that no news of
/// it is lost.
fn save(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (linked, key): (&Linked, &Key),
    payment: &Payment,
    (whom, hears): (&For, Option<&Recipient>),
) -> Result<bool, payments::flow::Problem> {
    let now_ms = ctx.now_ms();
    let subject = Subject::Create { payment_id: payment.id.clone() };
    if !idempotency::take(tx, &linked.shop_id, Some(key), &subject, now_ms)? {
        return Ok(false);
    }
    charge::create_any(tx, ctx, payment, None)?;
    if let Some(recipient) = hears {
        store::insert_recipient(tx, &payment.id, &linked.id, recipient, now_ms)?;
    }
    if let For::Checkout { portal_payment_id, pay_system_id } = whom {
        let checkout = Checkout {
            payment_id: payment.id.clone(),
            integration_id: linked.id.clone(),
            portal_payment_id: portal_payment_id.clone(),
            pay_system_id: pay_system_id.clone(),
            created_ms: now_ms,
        };
        insert_checkout(tx, &checkout)?;
    }
    Ok(true)
}

async fn find_made(ctx: &Ctx, linked: &Linked, key: &Key) -> Result<Option<Payment>, ApiError> {
    let (shop_id, key) = (linked.shop_id.clone(), key.clone());
    let found: Result<Option<Result<Payment, ()>>, DbError> = ctx
        .db
        .read(move |tx| {
            Ok(match idempotency::find_made(tx, &shop_id, &key)? {
                None => None,
                Some(Made::Other) => Some(Err(())),
                Some(Made::Same { payment_id }) => {
                    payments::store::find_payment(tx, &shop_id, &payment_id)?.map(Ok)
                }
            })
        })
        .await;
    found?.transpose().map_err(|()| ApiError::of(codes::IDEMPOTENCY_KEY_REUSED))
}

/// The wish as a body of `POST /v1/payments`.
fn body_of(wish: &Wish) -> Value {
    let purpose: String = wish.purpose.trim().chars().take(MAX_PURPOSE_CHARS).collect();
    let mut body = json!({
        "amount": wish.amount.to_rubles(),
        "purpose": if purpose.is_empty() { PURPOSE } else { &purpose },
    });
    if let Some(minutes) = wish.ttl_minutes {
        body["ttl_minutes"] = json!(minutes);
    }
    if let Some(url) = &wish.success_url {
        body["success_url"] = json!(url);
    }
    let Person { phone, email } = &wish.buyer;
    if phone.is_some() || email.is_some() {
        body["customer"] = json!({ "email": email, "phone": phone });
    }
    if !wish.lines.is_empty() {
        let receipt = Receipt {
            email: email.clone(),
            phone: phone.clone().filter(|_| email.is_none()),
            lines: wish.lines.clone(),
            ..Receipt::default()
        };
        body["receipt"] = serde_json::from_str(&form::write(&receipt)).unwrap_or_default();
    }
    body
}

/// The deal with all its rows, as whoever asks may see it.
pub async fn read_card(
    ctx: &Ctx,
    integration_id: &str,
    who: As<'_>,
    deal_id: i64,
) -> Result<Card, Trouble> {
    let make = |settings: &Settings| card::card(settings, deal_id);
    let draft = portal::call(ctx, integration_id, who, make, card::read_card).await?;
    if !draft.has_more() {
        return draft.close(None).map_err(portal::trouble);
    }
    let make = |settings: &Settings| card::more_rows(settings, &draft);
    let read = |reply: &HttpReply| draft.clone().close(Some(reply));
    portal::call(ctx, integration_id, who, make, read).await
}

/// The deal's payments, newest first.
pub async fn list_of_deal(ctx: &Ctx, linked: &Linked, deal_id: i64) -> Result<Vec<Known>, DbError> {
    let key = address_key(ctx, &linked.id, &deal_id.to_string());
    let own = linked.clone();
    ctx.db
        .read(move |tx| {
            let mut found = Vec::new();
            for id in list_payments_of(tx, &own.id, &key, MANY)? {
                if let Some(payment) = payments::store::find_payment(tx, &own.shop_id, &id)? {
                    found.push(Known::load(tx, payment)?);
                }
            }
            Ok(found)
        })
        .await
}

/// The deal's new link takes the place of older ones that ask for another sum.
pub async fn take_place(
    ctx: &Ctx,
    linked: &Linked,
    deal: &Deal,
    made: &Payment,
) -> Result<(), DbError> {
    let known = list_of_deal(ctx, linked, deal.id).await?;
    older::give_way(ctx, &known, (made, deal.sum.unwrap_or_default())).await
}

/// Ways by which a link can be sent to this buyer: services of the shop, by what is known of him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub service: &'static str,
    pub title: &'static str,
    /// Never shown.
    to: String,
}

/// Who buys, as the portal knows him.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Buyer {
    pub person: Person,
    /// By what his chats are known: the deal's contact or company.
    pub customer_id: Option<String>,
}

/// Services that write to a phone or an e-mail, and those that write into a chat which the buyer
/// tied to himself.
const BY_PHONE: [&str; 3] = ["sms", "wazzup", "greenapi"];
const BY_EMAIL: &str = "email";
pub const BY_CHAT: [&str; 2] = [chats::TELEGRAM, chats::MAX];

pub async fn channels(ctx: &Ctx, linked: &Linked, buyer: &Buyer) -> Result<Vec<Channel>, DbError> {
    let (shop_id, customer) = (linked.shop_id.clone(), buyer.customer_id.clone());
    let found: Result<(Vec<Linked>, Vec<Chat>), DbError> = ctx
        .db
        .read(move |tx| {
            let chats = match &customer {
                Some(customer) => store::chats::list(tx, &shop_id, customer)?,
                None => Vec::new(),
            };
            let chats = chats.into_iter().map(|(chat, _)| chat).filter(|it| it.ended.is_none());
            Ok((store::list_integrations(tx, &shop_id)?, chats.collect()))
        })
        .await;
    let (all, chats) = found?;
    let mut found: Vec<Channel> = Vec::new();
    for other in all.iter().filter(|other| other.is_live()) {
        let Some(service) = find_integration(&other.service) else { continue };
        let chat = chats.iter().find(|chat| chat.integration_id == other.id);
        let to = match service.name() {
            BY_EMAIL => buyer.person.email.clone(),
            name if BY_PHONE.contains(&name) => buyer.person.phone.clone(),
            name if BY_CHAT.contains(&name) => {
                chat.and_then(|chat| flow::open_address(ctx, &other.id, &chat.address).ok())
            }
            _ => None,
        };
        let is_known = found.iter().any(|one| one.service == service.name());
        let to = to.and_then(|to| service.address(&to).ok()).filter(|_| !is_known);
        found.extend(to.map(|to| Channel { service: service.name(), title: service.title(), to }));
    }
    Ok(found)
}

/// Bots of the shop into whose chat the buyer can be asked: he has none with them yet.
pub async fn invitable(
    ctx: &Ctx,
    linked: &Linked,
    (buyer, channels): (&Buyer, &[Channel]),
) -> Result<Vec<Channel>, DbError> {
    if buyer.customer_id.is_none() {
        return Ok(Vec::new());
    }
    let shop_id = linked.shop_id.clone();
    let all: Result<Vec<Linked>, DbError> =
        ctx.db.read(move |tx| store::list_integrations(tx, &shop_id)).await;
    let all = all?;
    let found = BY_CHAT.into_iter().filter(|name| {
        let has_bot = all.iter().any(|it| it.service == *name && it.is_live());
        has_bot && channels.iter().all(|channel| channel.service != *name)
    });
    let channel = |name: &'static str| {
        let title = find_integration(name).map_or(name, |service| service.title());
        Channel { service: name, title, to: String::new() }
    };
    Ok(found.map(channel).collect())
}

/// Sends the link to its buyer, once by each way.
pub async fn send(
    ctx: &Ctx,
    linked: &Linked,
    payment: &Payment,
    channel: &Channel,
) -> Result<(), ApiError> {
    let (shop_id, id) = (linked.shop_id.clone(), payment.id.clone());
    let own = channel.service;
    let is_sent: Result<bool, DbError> = ctx
        .db
        .read(move |tx| {
            let mut is_sent = false;
            for sending in sendings::list_of_payment(tx, &shop_id, &id, MANY)? {
                let by = store::find_any_integration(tx, &sending.integration_id)?;
                is_sent |= sending.kind == Kind::Link && by.is_some_and(|it| it.service == own);
            }
            Ok(is_sent)
        })
        .await;
    if is_sent? {
        return Ok(());
    }
    let new = NewSending {
        payment_id: payment.id.clone(),
        to: Where::Address(channel.service, channel.to.clone()),
        kind: Kind::Link,
        lang: Lang::Ru,
    };
    flow::send(ctx, &linked.shop_id, new).await.map(|_| ())?;
    Ok(())
}

/// The page where it is paid.
pub fn pay_url(ctx: &Ctx, payment: &Payment) -> String {
    format!("{}/pay/{}", ctx.public_url, payment.id)
}

/// By what the chats of a deal's buyer are known.
pub fn customer_of(linked: &Linked, deal: &Deal) -> Option<String> {
    let whom = match (deal.contact_id, deal.company_id) {
        (Some(id), _) => format!("contact:{id}"),
        (None, Some(id)) => format!("company:{id}"),
        (None, None) => return None,
    };
    Some(format!("{}:{whom}", linked.id))
}

/// Who buys: the deal's contact, else its company. One that the portal does not show is nobody.
pub async fn buyer(ctx: &Ctx, linked: &Linked, deal: &Deal) -> Result<Buyer, Trouble> {
    let customer_id = customer_of(linked, deal);
    let whom = match (deal.contact_id, deal.company_id) {
        (Some(id), _) => Some((CONTACT, id)),
        (None, Some(id)) => Some((COMPANY, id)),
        (None, None) => None,
    };
    let Some((kind, id)) = whom else { return Ok(Buyer::default()) };
    let make = |settings: &Settings| card::person(settings, kind, id);
    let person = match portal::call(ctx, &linked.id, As::App, make, card::read_person).await {
        Err(Trouble::Broken(broken)) if broken.scope() == Scope::Message => Person::default(),
        other => other?,
    };
    Ok(Buyer { person, customer_id })
}

/// The deal's rows as the receipt of this sum; why they are none, in Russian and in English.
pub fn rows_for(card: &Card, amount: Money, lang: Lang) -> Result<Vec<Line>, String> {
    let lines = card.lines.clone().map_err(|problem| problem.words(lang))?;
    if card.deal.sum == Some(amount) {
        return Ok(lines);
    }
    Err(lang
        .pick(
            "Чек по товарам возможен только на всю сумму сделки.",
            "The rows are a receipt of all of the deal's sum only.",
        )
        .to_owned())
}
