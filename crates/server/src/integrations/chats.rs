//! Customers' chats with the shop's bots. A bot cannot begin a conversation: the customer opens a
//! signed link that is good for one chat, presses Start, and the service tells us which chat it is.
//! Whoever stops the bot hears nothing more until he starts it again.

use kopeck_integrations::{
    Audience, Broken, Kind, Settings, binding,
    max::{self, update::News as MaxNews},
    telegram::{self, update::News as TelegramNews},
};

use super::{
    flow::{self, JOB, Problem, draft, open_settings, seal_address},
    keys::address_key,
    model::{Chat, Linked, REPLY_MAX_BYTES, StartLink},
    poll,
    store::{self, chats, sendings},
};
use crate::kit::{
    Ctx,
    clock::DAY_MS,
    db::{DbError, Tx},
    jobs,
};

/// How long a start link is good.
const START_MS: i64 = 3 * DAY_MS;
/// The customer stopped the bot.
pub const STOPPED: &str = "chat_stopped";
/// The shop untied the chat.
pub const UNBOUND: &str = "chat_unbound";
pub const TELEGRAM: &str = "telegram";
pub const MAX: &str = "max";

/// What a service's update means for a chat.
#[derive(Debug)]
pub enum News {
    Started { chat: String, payload: Option<String> },
    Stopped { chat: String },
    Resumed { chat: String },
    Other,
}

impl From<TelegramNews> for News {
    fn from(news: TelegramNews) -> News {
        match news {
            TelegramNews::Started { chat, payload } => News::Started { chat, payload },
            TelegramNews::Stopped { chat } => News::Stopped { chat },
            TelegramNews::Resumed { chat } => News::Resumed { chat },
            TelegramNews::Other => News::Other,
        }
    }
}

impl From<MaxNews> for News {
    fn from(news: MaxNews) -> News {
        match news {
            MaxNews::Started { user, payload } => News::Started { chat: user, payload },
            MaxNews::Stopped { user } => News::Stopped { chat: user },
            MaxNews::Other => News::Other,
        }
    }
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Done,
    /// Without the secret that only the service knows.
    Forged,
    /// No such integration, or one that takes no updates.
    Nobody,
}

/// Reads an update; `None` for one that did not come from the service, or is no update.
fn read(service: &str, settings: &Settings, header: Option<&str>, body: &[u8]) -> Option<News> {
    match service {
        TELEGRAM => {
            telegram::update::is_genuine(settings, header).then_some(())?;
            Some(telegram::update::read(body)?.news.into())
        }
        MAX => {
            max::update::is_genuine(settings, header).then_some(())?;
            Some(max::update::read(body)?.into())
        }
        _ => None,
    }
}

/// The header that proves an update, where the service sends any.
pub fn secret_header(service: &str) -> Option<&'static str> {
    match service {
        TELEGRAM => Some(telegram::update::SECRET_HEADER),
        MAX => Some(max::update::SECRET_HEADER),
        _ => None,
    }
}

/// Takes an update. Again is no error: services repeat what was not answered in time. Anybody can
/// knock here, so nothing is written before the secret is known to be right.
pub async fn hear(
    ctx: &Ctx,
    id: &str,
    (header, body): (impl Fn(&str) -> Option<String>, &[u8]),
) -> Result<Heard, DbError> {
    let wanted = id.to_owned();
    let found: Result<Option<Linked>, DbError> =
        ctx.db.read(move |tx| store::find_any_integration(tx, &wanted)).await;
    let linked = found?.filter(|it| it.removed_ms.is_none());
    let Some(linked) = linked else { return Ok(Heard::Nobody) };
    let Some(name) = secret_header(&linked.service) else { return Ok(Heard::Nobody) };
    let settings = open_settings(ctx, &linked);
    let settings = settings.map_err(|error| DbError::Decode(format!("{id}: {error:#}")))?;
    let given = header(name);
    let Some(news) = read(&linked.service, &settings, given.as_deref(), body) else {
        return Ok(Heard::Forged);
    };
    if matches!(news, News::Other) {
        return Ok(Heard::Done);
    }
    let (inner, id) = (ctx.clone(), id.to_owned());
    ctx.db.write(move |tx| take(tx, &inner, &id, (&settings, news))).await
}

/// What it means for its chat.
pub fn take(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    id: &str,
    (settings, news): (&Settings, News),
) -> Result<Heard, DbError> {
    let Some(linked) = store::lock_integration(tx, id)? else { return Ok(Heard::Nobody) };
    let key = |chat: &str| address_key(ctx, &linked.id, chat);
    let now_ms = ctx.now_ms();
    match news {
        News::Started { chat, payload } => {
            chats::resume(tx, (id, &key(&chat)), UNBOUND)?;
            store::delete_ended_address(tx, id, &key(&chat))?;
            let payload = payload.unwrap_or_default();
            start(tx, ctx, &linked, settings, (&chat, &payload))?;
        }
        News::Stopped { chat } => {
            chats::end(tx, (id, &key(&chat)), (now_ms, STOPPED))?;
            store::insert_ended_address(tx, id, &key(&chat), STOPPED, now_ms)?;
        }
        News::Resumed { chat } => {
            chats::resume(tx, (id, &key(&chat)), UNBOUND)?;
            store::delete_ended_address(tx, id, &key(&chat))?;
        }
        News::Other => {}
    }
    Ok(Heard::Done)
}

/// Ties the chat to the customer whose link it was, and says so there. A payload that is not ours,
/// is old or was used does nothing: whoever tries it learns nothing.
fn start(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    linked: &Linked,
    settings: &Settings,
    (chat, payload): (&str, &str),
) -> Result<(), DbError> {
    let bot = if linked.service == MAX { max::bot(settings) } else { telegram::bot(settings) };
    let Ok(link_id) = binding::open(bot, payload, ctx.now_ms()) else { return Ok(()) };
    let used = chats::use_start_link(tx, &linked.id, &link_id, ctx.now_ms())?;
    let Some(link) = used else { return Ok(()) };
    let sealed = seal_address(ctx, &linked.id, chat);
    let address = sealed.map_err(|error| DbError::Decode(format!("sealing: {error:#}")))?;
    let bound = Chat {
        integration_id: linked.id.clone(),
        address_key: address_key(ctx, &linked.id, chat),
        shop_id: linked.shop_id.clone(),
        customer_id: link.customer_id,
        address: address.clone(),
        bound_ms: ctx.now_ms(),
        ended: None,
    };
    chats::bind(tx, &bound)?;
    let to = (bound.address_key, address);
    let welcome = draft(ctx, linked, Kind::Welcome, Audience::Payer, to);
    sendings::insert_sending(tx, &welcome)?;
    jobs::nudge(tx, &ctx.mint, JOB, &linked.id, ctx.now_ms())
}

/// A link by which a customer ties his chat to himself.
pub struct Invitation {
    pub integration_id: String,
    pub service: String,
    pub url: String,
    pub until_ms: i64,
}

/// Makes a link for this customer. It opens the bot; Start in it ties the chat, once.
pub async fn invite(
    ctx: &Ctx,
    shop_id: &str,
    customer_id: &str,
    service: &'static str,
) -> Result<Invitation, Problem> {
    if secret_header(service).is_none() {
        return Err(Problem::NoChats(service));
    }
    let linked = flow::find_of_service(ctx, shop_id, service).await?;
    let settings = open_settings(ctx, &linked)?;
    let (now_ms, id) = (ctx.now_ms(), ctx.mint.id("str"));
    let until_ms = now_ms + START_MS;
    let (bot, name) = match service {
        MAX => (max::bot(&settings), settings.find(max::BOT)),
        _ => (telegram::bot(&settings), settings.find(telegram::BOT)),
    };
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or(Problem::NoBotName)?;
    let payload = binding::sign(bot, &id, until_ms);
    let payload = payload.map_err(|error| anyhow::anyhow!("a start link: {error}"))?;
    let url = match service {
        MAX => max::start_link(name, &payload),
        _ => telegram::start_link(name, &payload),
    };
    let link = StartLink {
        id,
        integration_id: linked.id.clone(),
        shop_id: shop_id.to_owned(),
        customer_id: customer_id.to_owned(),
        until_ms,
    };
    let done: Result<(), DbError> =
        ctx.db.write(move |tx| chats::insert_start_link(tx, &link, now_ms)).await;
    done?;
    Ok(Invitation { integration_id: linked.id, service: linked.service, url, until_ms })
}

/// Nothing goes to the customer's chats with this service any more, until he starts anew by a link.
pub async fn unbind(
    ctx: &Ctx,
    shop_id: &str,
    customer_id: &str,
    service: &str,
) -> Result<Vec<(Chat, String)>, Problem> {
    let (shop_id, customer_id) = (shop_id.to_owned(), customer_id.to_owned());
    let (service, now_ms) = (service.to_owned(), ctx.now_ms());
    ctx.db
        .write(move |tx| {
            for (chat, of) in chats::list(tx, &shop_id, &customer_id)? {
                if of == service {
                    let key = (chat.integration_id.as_str(), chat.address_key.as_str());
                    chats::unbind(tx, key, (now_ms, UNBOUND))?;
                }
            }
            Ok(chats::list(tx, &shop_id, &customer_id)?)
        })
        .await
}

/// Tells the service where its updates go: our address, guarded by a secret of the token's; or that
/// they go nowhere, and begins to ask for them.
pub async fn register(ctx: &Ctx, linked: &Linked) -> Result<(), Problem> {
    let settings = open_settings(ctx, linked)?;
    let url = format!("{}/updates/{}", ctx.public_url, linked.id);
    let is_polled = binding::is_polled(&settings);
    let request = match linked.service.as_str() {
        TELEGRAM if is_polled => telegram::delete_webhook(&settings)?,
        MAX if is_polled => max::unsubscribe(&settings, &url)?,
        TELEGRAM => telegram::set_webhook(&settings, &url)?,
        MAX => max::subscribe(&settings, &url)?,
        _ => return Err(Problem::NoUpdates(linked.service.clone())),
    };
    let reply = match ctx.courier.fetch(request, REPLY_MAX_BYTES).await {
        Ok(reply) => reply,
        Err(silence) => return Err(Problem::Unanswered(format!("{silence:?}"))),
    };
    if (200..300).contains(&reply.status) {
        let (inner, linked) = (ctx.clone(), linked.clone());
        let begun: Result<(), DbError> =
            ctx.db.write(move |tx| poll::begin(tx, &inner, &linked, &settings)).await;
        return Ok(begun?);
    }
    Err(Problem::Broken(refusal(linked, reply.status)))
}

fn refusal(linked: &Linked, status: u16) -> Broken {
    let is_max = linked.service == MAX;
    let problem = match (is_max, status) {
        (true, 401) => &max::TOKEN_REFUSED,
        (true, _) => &max::REFUSED,
        (false, 401 | 404) => &telegram::TOKEN_REFUSED,
        (false, _) => &telegram::REFUSED,
    };
    Broken::of(problem).because(&format!("HTTP {status}; the address must be public https"))
}
