//! What payers hear of without anybody sending it: a charge that is near, a charge that failed and
//! the link to pay instead, and whatever else the shop chose. And how they say that they want no
//! more of it.

use kopeck_integrations::{Audience, Integration, Kind, Lang, find_integration};

use super::{
    chats::secret_header,
    flow::{self, draft, open_address, seal_address},
    keys::{address_key, opt_out_keys},
    model::{Linked, Sending},
    store::{self, chats, sendings},
};
use crate::{
    events::{EventKind, StoredEvent},
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments,
    subscriptions::{self, view::open_link},
};

/// What a shop may choose.
pub const CHOICE: [Kind; 6] =
    [Kind::Link, Kind::Paid, Kind::Refunded, Kind::Receipt, Kind::Renewal, Kind::RenewalFailed];
/// What payers hear of where the shop does not say: what the law or their money is about.
pub const DEFAULT: [Kind; 2] = [Kind::Renewal, Kind::RenewalFailed];
/// What the signature is for: a link of one kind opens nothing of another.
const UNSUBSCRIBE: &str = "unsubscribe";

/// Services that reach a payer by what is known of him already, free of charge: his address, or the
/// chat that he tied to himself.
pub fn is_told_by(service: &dyn Integration) -> bool {
    service.name() == EMAIL || secret_header(service.name()).is_some()
}

/// Whether the reader may refuse more of these: what comes again and again by itself. A receipt or
/// a link to pay is part of his own purchase.
pub const fn is_refusable(kind: Kind) -> bool {
    matches!(kind, Kind::Renewal | Kind::RenewalFailed)
}

/// One thing that payers are told.
struct Told {
    kind: Kind,
    payment_id: Option<String>,
    subscription_id: Option<String>,
    customer_id: Option<String>,
    /// JSON, where receipts go.
    contact: Option<String>,
}

impl Told {
    /// The payer's language where the shop said it, else the one that the integration writes in.
    fn lang(&self, linked: &Linked) -> Lang {
        let contact = self.contact.as_deref().unwrap_or("{}");
        let contact: serde_json::Value = serde_json::from_str(contact).unwrap_or_default();
        contact["lang"].as_str().and_then(Lang::parse).unwrap_or(linked.lang)
    }
}

const EMAIL: &str = "email";

/// Where it goes: addresses by their keys, sealed.
fn places(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (linked, service): (&Linked, &dyn Integration),
    told: &Told,
) -> Result<Vec<(String, Vec<u8>)>, DbError> {
    if service.name() != EMAIL {
        let Some(customer_id) = &told.customer_id else { return Ok(Vec::new()) };
        let all = chats::list(tx, &linked.shop_id, customer_id)?.into_iter();
        let live = all.filter(|(it, _)| it.integration_id == linked.id && it.ended.is_none());
        return Ok(live.map(|(chat, _)| (chat.address_key, chat.address)).collect());
    }
    let contact = told.contact.as_deref().unwrap_or("{}");
    let contact: serde_json::Value = serde_json::from_str(contact).unwrap_or_default();
    // Not every address that a receipt may go to is one that mail servers take.
    let to = contact["email"].as_str().and_then(|email| service.address(email).ok());
    let Some(to) = to else { return Ok(Vec::new()) };
    let keys = opt_out_keys(ctx, &linked.shop_id, &linked.service, &to);
    if is_refusable(told.kind) && store::is_opted_out(tx, &linked.shop_id, EMAIL, &keys)? {
        return Ok(Vec::new());
    }
    let sealed = seal_address(ctx, &linked.id, &to);
    let sealed = sealed.map_err(|error| DbError::Decode(format!("sealing: {error:#}")))?;
    Ok(vec![(address_key(ctx, &linked.id, &to), sealed)])
}

/// Whether the reader has said meanwhile that he wants no more of these: asked when it is sent,
/// since a message may wait for a day.
pub fn is_unwanted(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (service, sending): (&str, &Sending),
    to: &str,
) -> Result<bool, DbError> {
    let is_by_itself = sending.event_id.is_some() && sending.audience == Audience::Payer;
    if !is_by_itself || !is_refusable(sending.kind) {
        return Ok(false);
    }
    let keys = opt_out_keys(ctx, &sending.shop_id, service, to);
    store::is_opted_out(tx, &sending.shop_id, service, &keys)
}

/// Writes what the event tells its payer by this integration; says whether anything.
pub fn spread(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    linked: &Linked,
    event: &StoredEvent,
) -> Result<bool, DbError> {
    let service = find_integration(&linked.service).filter(|service| is_told_by(*service));
    let Some(service) = service else { return Ok(false) };
    let Some(told) = told(tx, linked, event)? else { return Ok(false) };
    if !service.wants(told.kind, Audience::Payer) {
        return Ok(false);
    }
    let mut is_new = false;
    for (key, address) in places(tx, ctx, (linked, service), &told)? {
        if let (Kind::Link, Some(id)) = (told.kind, &told.payment_id)
            && sendings::has_link(tx, id, &linked.id, &key)?
        {
            continue;
        }
        let sending = Sending {
            payment_id: told.payment_id.clone(),
            subscription_id: told.subscription_id.clone(),
            event_id: Some(event.id.clone()),
            event_seq: event.seq,
            lang: told.lang(linked),
            ..draft(ctx, linked, told.kind, Audience::Payer, (key, address))
        };
        is_new |= sendings::insert_sending(tx, &sending)?;
    }
    Ok(is_new)
}

fn told(tx: &mut dyn Tx, linked: &Linked, event: &StoredEvent) -> Result<Option<Told>, DbError> {
    let wants = |kind: Kind| linked.payer_news.contains(&kind);
    if !event.is_of_subscription() {
        let kind = Kind::of_event(&event.kind).filter(|kind| wants(*kind));
        let Some(kind) = kind else { return Ok(None) };
        let found = payments::store::find_payment(tx, &linked.shop_id, &event.subject_id)?;
        let of = |payment: payments::model::Payment| Told {
            kind,
            customer_id: customer_of(&payment),
            payment_id: Some(payment.id),
            subscription_id: None,
            contact: payment.customer,
        };
        return Ok(found.map(of));
    }
    let needs_payment = event.kind == EventKind::SubscriptionPaymentNeeded.as_str();
    let kind = if needs_payment { Some(Kind::Link) } else { Kind::of_event(&event.kind) };
    // Its link belongs to the charge that failed or that nobody may make.
    let is_wanted = |kind: Kind| wants(if needs_payment { Kind::RenewalFailed } else { kind });
    let Some(kind) = kind.filter(|kind| is_wanted(*kind)) else { return Ok(None) };
    let found = subscriptions::store::find_by_id(tx, &event.subject_id)?;
    let Some(subscription) = found else { return Ok(None) };
    let contact = subscription.contact.clone();
    let customer_id = Some(subscription.customer_id.clone());
    let subscription_id = Some(subscription.id.clone());
    let payment_id = if needs_payment {
        let book = subscriptions::flow::load(tx, subscription)?;
        // Paid or over meanwhile.
        let Some(id) = open_link(&book) else { return Ok(None) };
        Some(id.to_owned())
    } else {
        None
    };
    Ok(Some(Told { kind, payment_id, subscription_id, customer_id, contact }))
}

/// The shop's own number of the payer, where it said so: by it his chats are found.
fn customer_of(payment: &payments::model::Payment) -> Option<String> {
    let said: serde_json::Value =
        serde_json::from_str(payment.customer.as_deref()?).unwrap_or_default();
    let said = said["id"].as_str().map(str::to_owned);
    said.filter(|id| !id.is_empty())
}

/// Where the reader of a message says that he wants no more of its kind: good for ever.
pub fn unsubscribe_url(ctx: &Ctx, sending: &Sending) -> String {
    let signature = ctx.vault.sign(&[UNSUBSCRIBE, &sending.shop_id, &sending.id]);
    format!("{}/unsubscribe/{}/{signature}", ctx.public_url, sending.id)
}

/// Whom an unsubscribe link is for.
#[derive(Clone, Debug)]
pub struct Reader {
    pub sending: Sending,
    pub shop: String,
    service: String,
    keys: [String; 2],
    pub is_out: bool,
}

/// `None` for a link that is not one of ours, or whose address is forgotten.
pub fn find_reader(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (sending_id, signature): (&str, &str),
) -> Result<Option<Reader>, DbError> {
    let Some(sending) = sendings::find_sending_by_id(tx, sending_id)? else { return Ok(None) };
    let parts = [UNSUBSCRIBE, sending.shop_id.as_str(), sending.id.as_str()];
    if !ctx.vault.is_signed(&parts, signature) {
        return Ok(None);
    }
    let Some(linked) = store::find_any_integration(tx, &sending.integration_id)? else {
        return Ok(None);
    };
    let Ok(to) = open_address(ctx, &linked.id, &sending.address) else { return Ok(None) };
    let keys = opt_out_keys(ctx, &sending.shop_id, &linked.service, &to);
    let is_out = store::is_opted_out(tx, &sending.shop_id, &linked.service, &keys)?;
    let shop = flow::shop_name(tx, &sending.shop_id)?;
    Ok(Some(Reader { sending, shop, service: linked.service, keys, is_out }))
}

/// From now on nothing that nobody asked for goes there, or it does again.
pub fn set_out(tx: &mut dyn Tx, ctx: &Ctx, reader: &Reader, is_out: bool) -> Result<(), DbError> {
    let (shop_id, service) = (reader.sending.shop_id.as_str(), reader.service.as_str());
    if is_out {
        store::insert_opt_out(tx, shop_id, service, &reader.keys[0], ctx.now_ms())
    } else {
        store::delete_opt_out(tx, shop_id, service, &reader.keys)
    }
}
