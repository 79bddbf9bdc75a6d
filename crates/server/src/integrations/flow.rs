//! Use cases of integrations: set up, tried, removed; a link sent; events spread over them.

use kopeck_integrations::{
    Audience, Broken, Integration, Kind, Lang, Message, Progress, Settings,
    exchange::{self, Fate, Sent},
    find_integration,
};

use super::{
    alarm, bitrix24,
    keys::address_key,
    letter,
    model::{Chat, Linked, REPLY_MAX_BYTES, Sending, SendingState},
    payers, poll,
    store::{self, Recipient, sendings},
};
use crate::{
    events::{EventFilter, StoredEvent, find_last_seq, list_events, list_events_of_payment},
    kit::{
        Ctx,
        db::{DbError, Tx},
        jobs,
    },
    payments, shops,
};

/// The kind of the job that drives an integration's sendings; its subject is the integration's id.
pub const JOB: &str = "integration";
/// More services than a shop writes by.
pub const MAX_INTEGRATIONS: usize = 50;
/// Events spread in one transaction over one integration.
const BATCH: i64 = 200;
/// Integrations that events are spread over in one look.
const BEHIND: i64 = 50;
/// What a shop hears of where it does not say.
pub const DEFAULT_NEWS: [Kind; 3] = [Kind::Paid, Kind::Mismatch, Kind::Refunded];

/// An integration to be set up, already read.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    pub service: &'static str,
    pub settings: Settings,
    pub news_to: Option<String>,
    pub news: Vec<Kind>,
    pub payer_news: Vec<Kind>,
    pub lang: Lang,
}

/// A message that somebody wants sent.
#[derive(Clone, Debug)]
pub struct NewSending {
    pub payment_id: String,
    pub to: Where,
    pub kind: Kind,
    pub lang: Lang,
}

/// Where somebody wants it sent.
#[derive(Clone, Debug)]
pub enum Where {
    /// A service, and an address as [`Integration::address`] gave it.
    Address(&'static str, String),
    /// Into the chat that this customer tied to himself last.
    Customer(String),
}

/// Who is to hear of all that becomes of a payment.
#[derive(Clone, Debug)]
pub struct NewRecipient {
    pub payment_id: String,
    pub service: &'static str,
    /// As [`Integration::address`] gives it.
    pub to: String,
}

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    NoSuchIntegration,
    NoSuchPayment,
    NoSuchSending,
    NoSuchErrand,
    /// Only what was given up is tried anew.
    ErrandNotFailed,
    /// Only what failed or is not known is sent again.
    NotFailed(SendingState),
    /// A later outcome of the payment has arrived there.
    Overtaken,
    /// What it says is not true any more, or of use to nobody.
    NotNeeded,
    NotConnected(&'static str),
    /// A service without chats that can be tied to customers.
    NoChats(&'static str),
    /// One that sends no updates.
    NoUpdates(String),
    /// A start link needs the bot's name.
    NoBotName,
    /// The customer has no chat that can be written to; why it ended, if it did.
    NoChat(Option<String>),
    NotPayable,
    Unsupported(Kind),
    TooMany,
    /// The service, or its settings, do not allow it.
    Broken(Broken),
    /// A test had no answer, or none that says anything.
    Unanswered(String),
    Internal(anyhow::Error),
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Internal(error.into())
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::Internal(error)
    }
}

impl From<Broken> for Problem {
    fn from(broken: Broken) -> Problem {
        Problem::Broken(broken)
    }
}

fn context_of(integration_id: &str, what: &str) -> String {
    format!("{integration_id}/{what}")
}

/// The settings as they are stored.
pub fn seal_settings(ctx: &Ctx, id: &str, settings: &Settings) -> anyhow::Result<Vec<u8>> {
    let plain = serde_json::to_vec(settings.values())?;
    ctx.vault.seal(ctx.mint.bytes(), &plain, &context_of(id, "settings"))
}

pub fn open_settings(ctx: &Ctx, linked: &Linked) -> anyhow::Result<Settings> {
    let plain = ctx.vault.open(&linked.sealed, &context_of(&linked.id, "settings"))?;
    let values: std::collections::BTreeMap<String, String> = serde_json::from_slice(&plain)?;
    Ok(Settings::new(values))
}

pub fn seal_address(ctx: &Ctx, integration_id: &str, to: &str) -> anyhow::Result<Vec<u8>> {
    ctx.vault.seal(ctx.mint.bytes(), to.as_bytes(), &context_of(integration_id, "address"))
}

pub fn open_address(ctx: &Ctx, integration_id: &str, sealed: &[u8]) -> anyhow::Result<String> {
    let plain = ctx.vault.open(sealed, &context_of(integration_id, "address"))?;
    Ok(String::from_utf8(plain)?)
}

/// What the service is, by its stored word.
pub fn service_of(linked: &Linked) -> anyhow::Result<&'static dyn Integration> {
    let found = find_integration(&linked.service);
    found.ok_or_else(|| anyhow::anyhow!("no integration {}; of a newer version?", linked.service))
}

/// Sets up a service, which hears of what happens from now on.
pub async fn add(ctx: &Ctx, shop_id: &str, new: NewIntegration) -> Result<Linked, Problem> {
    let id = ctx.mint.id("int");
    let news_to = new.news_to.as_deref().map(|to| seal_address(ctx, &id, to)).transpose()?;
    let linked = Linked {
        sealed: seal_settings(ctx, &id, &new.settings)?,
        id,
        shop_id: shop_id.to_owned(),
        service: new.service.to_owned(),
        news_to,
        news: new.news,
        payer_news: new.payer_news,
        lang: new.lang,
        seen_seq: 0,
        sent_ms: 0,
        stopped: None,
        removed_ms: None,
        created_ms: ctx.now_ms(),
    };
    let inner = ctx.clone();
    ctx.db
        .write(move |tx| {
            if store::list_integrations(tx, &linked.shop_id)?.len() >= MAX_INTEGRATIONS {
                return Err(Problem::TooMany);
            }
            let seen_seq = find_last_seq(tx, &linked.shop_id)?;
            let linked = Linked { seen_seq, ..linked };
            store::insert_integration(tx, &linked)?;
            poll::begin(tx, &inner, &linked, &new.settings)?;
            Ok(linked)
        })
        .await
}

pub async fn get(ctx: &Ctx, shop_id: &str, id: &str) -> Result<Linked, Problem> {
    let (shop_id, id) = (shop_id.to_owned(), id.to_owned());
    let found: Result<_, DbError> =
        ctx.db.read(move |tx| store::find_integration(tx, &shop_id, &id)).await;
    found?.ok_or(Problem::NoSuchIntegration)
}

/// The shop's newest integration with this service; one that works rather than one that is stopped.
pub async fn find_of_service(
    ctx: &Ctx,
    shop_id: &str,
    service: &'static str,
) -> Result<Linked, Problem> {
    let shop_id = shop_id.to_owned();
    let all: Result<Vec<Linked>, DbError> =
        ctx.db.read(move |tx| store::list_integrations(tx, &shop_id)).await;
    let all: Vec<Linked> = all?.into_iter().filter(|it| it.service == service).collect();
    let live = all.iter().find(|linked| linked.is_live());
    live.or(all.first()).cloned().ok_or(Problem::NotConnected(service))
}

/// What to change of an integration. Empty fields stay as they are.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Only those named change.
    pub settings: Settings,
    /// Settings that are taken away.
    pub cleared: Vec<String>,
    pub news_to: Option<String>,
    /// The shop hears nothing by it any more.
    pub ends_news: bool,
    pub news: Option<Vec<Kind>>,
    pub payer_news: Option<Vec<Kind>>,
    pub lang: Option<Lang>,
}

/// Changes it. What was stopped goes on: whatever stopped it may be mended now.
pub async fn edit(ctx: &Ctx, shop_id: &str, id: &str, changes: Changes) -> Result<Linked, Problem> {
    let (inner, shop_id, id) = (ctx.clone(), shop_id.to_owned(), id.to_owned());
    ctx.db
        .write(move |tx| {
            let found = store::lock_integration(tx, &id)?.filter(|it| it.shop_id == shop_id);
            let mut linked = found.ok_or(Problem::NoSuchIntegration)?;
            let mut settings = open_settings(&inner, &linked)?;
            let before = settings.clone();
            for (name, value) in changes.settings.values() {
                settings.set(name, value.clone());
            }
            let kept = settings.values().iter().filter(|(name, _)| !changes.cleared.contains(name));
            let settings = Settings::new(kept.map(|(name, value)| (name.clone(), value.clone())));
            linked.sealed = seal_settings(&inner, &id, &settings)?;
            if !poll::is_same_bot(&linked, &before, &settings) {
                // Asked by the number of the bot before, it would forget what is new.
                store::update_marker(tx, &id, 0)?;
            }
            if changes.ends_news {
                linked.news_to = None;
            }
            if let Some(to) = &changes.news_to {
                linked.news_to = Some(seal_address(&inner, &id, to)?);
            }
            linked.news = changes.news.unwrap_or(linked.news);
            linked.payer_news = changes.payer_news.unwrap_or(linked.payer_news);
            linked.lang = changes.lang.unwrap_or(linked.lang);
            poll::begin(tx, &inner, &linked, &settings)?;
            linked.stopped = None;
            store::update_integration(tx, &linked)?;
            jobs::nudge(tx, &inner.mint, JOB, &id, inner.now_ms())?;
            bitrix24::flow::wake(tx, &inner, &linked)?;
            Ok(linked)
        })
        .await
}

/// Nothing more is sent by it; its secrets are forgotten, what was sent stays known.
pub async fn remove(ctx: &Ctx, shop_id: &str, id: &str) -> Result<Linked, Problem> {
    let (inner, shop_id, id) = (ctx.clone(), shop_id.to_owned(), id.to_owned());
    ctx.db
        .write(move |tx| {
            let found = store::lock_integration(tx, &id)?.filter(|it| it.shop_id == shop_id);
            let mut linked = found.ok_or(Problem::NoSuchIntegration)?;
            sendings::drop_pending(tx, &id, inner.now_ms())?;
            alarm::settle(tx, &inner, &linked)?;
            bitrix24::fate::forget(tx, &inner, &id)?;
            linked.sealed = Vec::new();
            linked.news_to = None;
            linked.removed_ms = Some(inner.now_ms());
            store::update_integration(tx, &linked)?;
            Ok(linked)
        })
        .await
}

/// Asks the service whether its account is in order; shows nobody anything. A good answer lets
/// what was stopped go on.
pub async fn test(ctx: &Ctx, linked: &Linked) -> Result<(), Problem> {
    let (service, settings) = (service_of(linked)?, open_settings(ctx, linked)?);
    let message = Message {
        id: ctx.mint.id("msg"),
        kind: Kind::Test,
        audience: Audience::Shop,
        lang: Lang::Ru,
        to: None,
        shop: String::new(),
        written_ms: ctx.now_ms(),
        unsubscribe_url: None,
        payment: None,
    };
    let progress = Progress::start();
    let request = service.request(&settings, &message, &progress)?;
    let heard = ctx.courier.fetch(request, REPLY_MAX_BYTES).await;
    let sent = Sent { progress: &progress, since_ms: 0 };
    match exchange::after(service, &settings, &message, sent, &heard) {
        // An ended token is renewed with the next message.
        Fate::Delivered { .. } | Fate::More(_) | Fate::Moved { .. } | Fate::Renew => {}
        Fate::Retry { why, .. } | Fate::Unknown { why, .. } => {
            return Err(Problem::Unanswered(why));
        }
        Fate::Broken(broken) => return Err(Problem::Broken(broken)),
    }
    let (inner, id) = (ctx.clone(), linked.id.clone());
    let done: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            let Some(mut linked) = store::lock_integration(tx, &id)? else { return Ok(()) };
            linked.stopped = None;
            alarm::settle(tx, &inner, &linked)?;
            store::update_integration(tx, &linked)?;
            bitrix24::flow::wake(tx, &inner, &linked)?;
            jobs::nudge(tx, &inner.mint, JOB, &id, inner.now_ms())
        })
        .await;
    Ok(done?)
}

/// Whom a message to this service is for: chats and phones are payers', bots and CRMs the shop's.
fn audience_of(service: &dyn Integration, kind: Kind) -> Option<Audience> {
    [Audience::Payer, Audience::Shop].into_iter().find(|audience| service.wants(kind, *audience))
}

/// A message that is to leave now, to an address by its key and sealed.
pub fn draft(
    ctx: &Ctx,
    linked: &Linked,
    kind: Kind,
    audience: Audience,
    (address_key, address): (String, Vec<u8>),
) -> Sending {
    let now_ms = ctx.now_ms();
    Sending {
        id: ctx.mint.id("msg"),
        shop_id: linked.shop_id.clone(),
        integration_id: linked.id.clone(),
        payment_id: None,
        subscription_id: None,
        event_id: None,
        event_seq: 0,
        kind,
        audience,
        lang: linked.lang,
        address,
        address_key,
        progress: Progress::start(),
        state: SendingState::Pending,
        tries: 0,
        lost: 0,
        due_ms: now_ms,
        step_ms: None,
        asked_ms: None,
        remote_id: None,
        code: None,
        why: None,
        ended_ms: None,
        created_ms: now_ms,
        begun_ms: now_ms,
    }
}

/// Sends a payment's link. The same that is still on its way is not sent twice. A bot's client and
/// a deal hear of all that becomes of the payment from now on.
pub async fn send(ctx: &Ctx, shop_id: &str, new: NewSending) -> Result<Sending, Problem> {
    let (linked, to) = match &new.to {
        Where::Address(service, to) => {
            let linked = find_of_service(ctx, shop_id, service).await?;
            let sealed = seal_address(ctx, &linked.id, to)?;
            let to = (address_key(ctx, &linked.id, to), sealed);
            (linked, to)
        }
        Where::Customer(customer_id) => find_chat(ctx, shop_id, customer_id).await?,
    };
    let service = service_of(&linked)?;
    let audience = audience_of(service, new.kind).ok_or(Problem::Unsupported(new.kind))?;
    let sending = Sending {
        payment_id: Some(new.payment_id),
        lang: new.lang,
        ..draft(ctx, &linked, new.kind, audience, to)
    };
    let inner = ctx.clone();
    ctx.db.write(move |tx| save(tx, &inner, &sending)).await
}

/// The chat that the customer tied to himself last and has not stopped.
async fn find_chat(
    ctx: &Ctx,
    shop_id: &str,
    customer_id: &str,
) -> Result<(Linked, (String, Vec<u8>)), Problem> {
    let (shop, customer) = (shop_id.to_owned(), customer_id.to_owned());
    let found: Result<Vec<(Chat, String)>, DbError> =
        ctx.db.read(move |tx| store::chats::list(tx, &shop, &customer)).await;
    let mut ended = None;
    for (chat, _) in found? {
        match chat.ended {
            None => {
                let linked = get(ctx, shop_id, &chat.integration_id).await?;
                return Ok((linked, (chat.address_key, chat.address)));
            }
            Some((_, code)) => ended = ended.or(Some(code)),
        }
    }
    Err(Problem::NoChat(ended))
}

/// From now on the address hears of all that becomes of the payment, of its link too.
pub async fn follow(ctx: &Ctx, shop_id: &str, new: NewRecipient) -> Result<(), Problem> {
    let linked = find_of_service(ctx, shop_id, new.service).await?;
    let to = service_of(&linked)?.address(&new.to)?;
    let recipient = Recipient {
        address_key: address_key(ctx, &linked.id, &to),
        address: seal_address(ctx, &linked.id, &to)?,
        since_seq: 0,
    };
    let inner = ctx.clone();
    let done: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            let (id, now_ms) = (linked.id.as_str(), inner.now_ms());
            let Some(linked) = store::lock_integration(tx, id)? else { return Ok(()) };
            store::insert_recipient(tx, &new.payment_id, id, &recipient, now_ms)?;
            // What was spread before he came: a charge may be paid before its bot is known.
            for event in list_events_of_payment(tx, &linked.shop_id, &new.payment_id)? {
                if event.seq <= linked.seen_seq {
                    spread(tx, &inner, &linked, &event)?;
                }
            }
            jobs::nudge(tx, &inner.mint, JOB, id, now_ms)
        })
        .await;
    Ok(done?)
}

fn save(tx: &mut dyn Tx, ctx: &Ctx, sending: &Sending) -> Result<Sending, Problem> {
    let payment_id = sending.payment_id.as_deref().unwrap_or_default();
    let payment = payments::store::find_payment(tx, &sending.shop_id, payment_id)?;
    let payment = payment.ok_or(Problem::NoSuchPayment)?;
    if sending.kind.asks_to_pay() && !letter::is_payable(&payment) {
        return Err(Problem::NotPayable);
    }
    if let Some(twin) = sendings::find_twin(tx, sending)? {
        return Ok(twin);
    }
    let (id, key) = (sending.integration_id.as_str(), sending.address_key.as_str());
    let last_seq = find_last_seq(tx, &sending.shop_id)?;
    let sending = &Sending { event_seq: last_seq, ..sending.clone() };
    // Whoever gives an address again means it.
    store::delete_ended_address(tx, id, key)?;
    if sending.audience == Audience::Shop {
        let (address_key, address) = (key.to_owned(), sending.address.clone());
        let recipient = Recipient { address_key, address, since_seq: last_seq };
        store::insert_recipient(tx, payment_id, id, &recipient, sending.created_ms)?;
    }
    sendings::insert_sending(tx, sending)?;
    jobs::nudge(tx, &ctx.mint, JOB, id, sending.due_ms)?;
    Ok(sending.clone())
}

/// Whether there are events to spread.
pub fn is_behind(tx: &mut dyn Tx) -> Result<bool, DbError> {
    Ok(!store::list_behind(tx, 1)?.is_empty())
}

/// Spreads new events over the integrations whose addresses want them; says whether anything was
/// left to spread.
pub fn fan_out(tx: &mut dyn Tx, ctx: &Ctx) -> Result<bool, DbError> {
    let behind = store::list_behind(tx, BEHIND)?;
    for id in &behind {
        let Some(mut linked) = store::lock_integration(tx, id)? else { continue };
        let filter = EventFilter { after_seq: linked.seen_seq, ..Default::default() };
        let mut is_new = false;
        for event in list_events(tx, &linked.shop_id, &filter, BATCH)? {
            linked.seen_seq = event.seq;
            is_new |= spread(tx, ctx, &linked, &event)?;
            is_new |= payers::spread(tx, ctx, &linked, &event)?;
            bitrix24::flow::spread(tx, ctx, &linked, &event)?;
        }
        store::update_integration(tx, &linked)?;
        if is_new {
            jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?;
        }
    }
    Ok(!behind.is_empty())
}

fn spread(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    linked: &Linked,
    event: &StoredEvent,
) -> Result<bool, DbError> {
    let service = find_integration(&linked.service);
    let kind = Kind::of_event(&event.kind).filter(|_| !event.is_of_subscription());
    let (Some(service), Some(kind)) = (service, kind) else { return Ok(false) };
    if !service.wants(kind, Audience::Shop) {
        return Ok(false);
    }
    let mut addresses = Vec::new();
    for recipient in store::list_recipients(tx, &event.subject_id, &linked.id)? {
        let Recipient { address_key: key, address, since_seq } = recipient;
        let is_told =
            kind == Kind::Link && sendings::has_link(tx, &event.subject_id, &linked.id, &key)?;
        if event.seq > since_seq && !is_told {
            addresses.push((key, address));
        }
    }
    if let Some(sealed) = linked.news_to.clone().filter(|_| linked.news.contains(&kind)) {
        let open = open_address(ctx, &linked.id, &sealed);
        let to = open.map_err(|error| DbError::Decode(format!("news_to: {error:#}")))?;
        addresses.push((address_key(ctx, &linked.id, &to), sealed));
    }
    let mut is_new = false;
    for to in addresses {
        let sending = Sending {
            payment_id: Some(event.subject_id.clone()),
            event_id: Some(event.id.clone()),
            event_seq: event.seq,
            ..draft(ctx, linked, kind, Audience::Shop, to)
        };
        is_new |= sendings::insert_sending(tx, &sending)?;
    }
    Ok(is_new)
}

/// The shop as its payers know it.
pub fn shop_name(tx: &mut dyn Tx, shop_id: &str) -> Result<String, DbError> {
    Ok(shops::store::find_shop(tx, shop_id)?.map(|shop| shop.name).unwrap_or_default())
}
