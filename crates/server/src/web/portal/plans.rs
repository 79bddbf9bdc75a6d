//! What a shop sells again and again, with prices: for everybody to see, and for a customer with a
//! link of his own to subscribe to.

use askama::Template;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::get,
};

use super::{
    change::{Form, TEXT_VERSION, agent},
    routes::{CACHE, Guest, not_there, refuse, settle, to_payment},
    words,
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    kit::db::{DbError, Tx},
    shops,
    subscriptions::{
        drive,
        flow::{
            NewConsent, Problem,
            begin::{self, NewSubscription},
            plans::{Offer, list_offers},
        },
        model::{How, Subscription},
        state::Status,
        view::open_link,
    },
    web::{
        base::Base,
        brand::{Look, find_look},
        headers,
        lang::Lang,
        message,
        terms::{days, features, per},
    },
};

/// Plans that one shop sells.
const MANY: i64 = 100;
/// Prices change rarely, and a look at them costs nothing.
const CACHE_PRICES: &str = "no-cache";

#[derive(Template)]
#[template(path = "pricing.html")]
struct PricingPage {
    base: Base,
    /// The customer's own pages, if somebody is known to look.
    home: Option<String>,
    plans: Vec<PlanCard>,
    /// The terms are others than those that were agreed to: they are shown first.
    is_changed: bool,
}

struct PlanCard {
    code: String,
    /// Which terms are shown: nothing is agreed to but them.
    version: String,
    name: String,
    sum: String,
    per: String,
    /// The trial and the set-up, if there are.
    notes: Vec<String>,
    features: Vec<String>,
    consent: String,
}

pub fn pricing_routes() -> Router<Server> {
    Router::new().route("/pricing", get(first_shop)).route("/pricing/{shop}", get(shop_prices))
}

/// Most installations have one shop, whose address is the short one.
async fn first_shop(
    State(server): State<Server>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let shops: Result<Vec<_>, DbError> = server.ctx.db.read(shops::store::list_shops).await;
    let first = shops?.into_iter().next().map(|shop| shop.id).unwrap_or_default();
    prices(&server, first, Lang::of(&query, &headers)).await
}

async fn shop_prices(
    State(server): State<Server>,
    Path(shop): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    prices(&server, shop, Lang::of(&query, &headers)).await
}

async fn prices(server: &Server, shop_id: String, lang: Lang) -> Result<Response, ApiError> {
    let (offers, look) = read_offers(server, shop_id).await?;
    if offers.is_empty() {
        return message::not_found(lang, lang.pick("Тарифов пока нет", "There are no plans yet"));
    }
    draw((&offers, &look), None, lang, CACHE_PRICES, false)
}

async fn read_offers(server: &Server, shop_id: String) -> Result<(Vec<Offer>, Look), ApiError> {
    let read: Result<_, Problem> = server
        .ctx
        .db
        .read(move |tx: &mut dyn Tx| {
            let mut offers = list_offers(tx, &shop_id, MANY)?;
            offers.retain(|offer| !offer.plan.is_archived);
            // The cheapest first, as people read prices.
            offers.sort_by_key(|offer| offer.version.terms.price);
            Ok((offers, find_look(tx, &shop_id)?))
        })
        .await;
    Ok(read?)
}

fn draw(
    (offers, look): (&[Offer], &Look),
    home: Option<String>,
    lang: Lang,
    cache: &'static str,
    is_changed: bool,
) -> Result<Response, ApiError> {
    let card = |offer: &Offer| {
        let terms = &offer.version.terms;
        let mut notes = Vec::new();
        if terms.trial_days > 0 {
            let days = days(terms.trial_days, lang);
            notes.push(format!("{} {days}", lang.pick("Бесплатно", "Free for")));
        }
        if !terms.setup_fee.is_zero() {
            let fee = terms.setup_fee.to_human();
            notes.push(format!("{} {fee}", lang.pick("Подключение", "Set-up")));
        }
        PlanCard {
            code: offer.plan.code.clone(),
            version: offer.version.id.clone(),
            name: terms.name.clone(),
            sum: terms.price.to_human(),
            per: per(terms.interval, lang),
            notes,
            features: features(&terms.features),
            consent: words::consent(&look.shop, terms, 1, lang),
        }
    };
    let plans = offers.iter().map(card).collect();
    let page = PricingPage { base: Base::of(lang, look), home, plans, is_changed };
    let status = if is_changed { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok(headers::page(status, page.render().map_err(anyhow::Error::from)?, cache))
}

/// The same for a customer who can subscribe.
pub async fn choose(
    State(server): State<Server>,
    Path(token): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let guest = match Guest::of(&server, token, Lang::of(&query, &headers)) {
        Ok(guest) => guest,
        Err(page) => return Ok(page),
    };
    let (offers, look) = read_offers(&server, guest.visitor.shop_id.clone()).await?;
    draw((&offers, &look), Some(guest.home()), guest.lang, CACHE, false)
}

/// With the consent the first payment saves what the next ones are charged from; without it each
/// period is paid by a link.
pub async fn subscribe(
    State(server): State<Server>,
    Path(token): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let guest = match Guest::of(&server, token, Lang::of(&query, &headers)) {
        Ok(guest) => guest,
        Err(page) => return Ok(page),
    };
    let form = Form::read(&body);
    let code = form.find("plan");
    let (offers, look) = read_offers(&server, guest.visitor.shop_id.clone()).await?;
    let Some(offer) = offers.iter().find(|offer| offer.plan.code == code) else {
        return not_there(guest.lang);
    };
    if form.find("version") != offer.version.id {
        return draw((&offers, &look), Some(guest.home()), guest.lang, CACHE, true);
    }
    let agrees = form.is_ticked("agree");
    let consent = agrees.then(|| NewConsent {
        text_version: TEXT_VERSION.to_owned(),
        text: Some(words::consent(&look.shop, &offer.version.terms, 1, guest.lang)),
        channel: "portal".to_owned(),
        ip: None,
        user_agent: agent(&headers),
        ceiling: None,
    });
    match begin(&server, &guest, code, consent).await {
        Ok(id) => {
            settle(&server, &id).await;
            let found = drive::find(&server.ctx, &guest.visitor.shop_id, &id).await?;
            match found.as_ref().and_then(|described| open_link(&described.book)) {
                Some(link) => Ok(to_payment(link, guest.lang)),
                None => Ok(guest.back("subscribe")),
            }
        }
        Err(problem) => refuse(&server, &guest, problem).await,
    }
}

/// The new subscription's id; of one that was begun and waits for its first payment, that one's.
async fn begin(
    server: &Server,
    guest: &Guest,
    plan: String,
    consent: Option<NewConsent>,
) -> Result<String, Problem> {
    let (ctx, shop_id) = (&server.ctx, &guest.visitor.shop_id);
    let new = NewSubscription {
        plan,
        customer_id: guest.visitor.customer_id.clone(),
        quantity: 1,
        coupon: None,
        collection: if consent.is_some() { How::Charge } else { How::Link },
        instrument_id: None,
        saves: None,
        by_bank: None,
        bank: None,
        zone: None,
        contact: None,
        receipt: None,
        success_url: None,
        fail_url: None,
        metadata: "{}".to_owned(),
        consent,
        skips_trial: false,
    };
    let mut planned = match begin::plan(ctx, shop_id, new.clone()).await {
        // None of the shop's banks saves anything: then by links, for which nobody has to agree.
        Err(Problem::NoBank) if new.consent.is_some() => {
            let by_link = NewSubscription { collection: How::Link, consent: None, ..new };
            begin::plan(ctx, shop_id, by_link).await?
        }
        planned => planned?,
    };
    let status = format!("{}/subscription-status/{}", ctx.public_url, planned.subscription.id);
    planned.subscription.success_url = Some(status.clone());
    planned.subscription.fail_url = Some(status);
    let inner = ctx.clone();
    let made: Result<Subscription, Problem> =
        ctx.db.write(move |tx| begin::create(tx, &inner, planned)).await;
    match made {
        Ok(subscription) => Ok(subscription.id),
        Err(Problem::Exists(other)) if other.state.status() == Status::Pending => Ok(other.id),
        Err(problem) => Err(problem),
    }
}
