//! Another plan: which, from when, and what that costs, shown before anything happens.

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use kopeck_banks::http::parse_query;

use super::{
    routes::{CACHE, Guest, find_own, not_there, refuse, settle, to_payment},
    words,
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    subscriptions::{
        drive,
        flow::{
            NewConsent, Problem,
            change::{self, Preview, When, Wish},
            plans::{Offer, list_offers},
        },
        model::{How, Subscription},
        store,
        view::open_link,
    },
    web::{
        base::Base,
        brand::{Look, find_look},
        headers,
        lang::Lang,
        terms::{day, price, signed},
    },
};

/// Plans that one shop sells.
const MANY: i64 = 100;
/// What is left of two periods shrinks by the second, and each is rounded: their difference may be
/// a kopeck more than a moment ago.
const ROUNDING: i64 = 1;
/// By which words of ours a customer agreed.
pub const TEXT_VERSION: &str = "kopeck-portal-1";

#[derive(Template)]
#[template(path = "portal_change.html")]
struct ChangePage {
    base: Base,
    home: String,
    id: String,
    /// (code, name and price, whether it is chosen)
    plans: Vec<(String, String, bool)>,
    when: &'static str,
    shown: Option<Shown>,
    /// The sum became another one since it was shown.
    is_other_sum: bool,
}

/// What the change chosen costs.
struct Shown {
    plan: String,
    /// Which terms are shown: nothing is agreed to but them.
    version: String,
    name: String,
    price: String,
    from: String,
    lines: Vec<(&'static str, String)>,
    due: String,
    due_kopecks: i64,
    is_now: bool,
    /// What has to be agreed to for it.
    consent: Option<String>,
}

/// What is read to show or to make a change.
struct Told {
    look: Look,
    offers: Vec<Offer>,
    preview: Option<Result<Preview, Problem>>,
    /// Whether the consent that stands covers it.
    is_covered: bool,
}

async fn tell(server: &Server, own: &Subscription, wish: Option<Wish>) -> Result<Told, ApiError> {
    let (ctx, own) = (server.ctx.clone(), own.clone());
    let told: Result<Told, Problem> = server
        .ctx
        .db
        .read(move |tx| {
            let mut offers = list_offers(tx, &own.shop_id, MANY)?;
            offers.retain(|offer| !offer.plan.is_archived);
            let preview = wish.map(|wish| change::preview(tx, &ctx, &own, &wish));
            let costs = match &preview {
                Some(Ok(preview)) => Some(preview.price.max(preview.due)),
                Some(Err(_)) | None => None,
            };
            let ceiling = store::find_consent(tx, &own.id)?.map(|consent| consent.ceiling);
            let is_charged = own.collection == How::Charge;
            let is_covered = !is_charged || costs.is_none_or(|costs| ceiling >= Some(costs));
            Ok(Told { look: find_look(tx, &own.shop_id)?, offers, preview, is_covered })
        })
        .await;
    Ok(told?)
}

fn wish_of(plan: Option<String>, when: &str, consent: Option<NewConsent>) -> Option<Wish> {
    let when = When::parse(when).unwrap_or(When::Now);
    plan.map(|plan| Wish { plan: Some(plan), quantity: None, when, consent })
}

pub async fn show(
    State(server): State<Server>,
    Path((token, id)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let guest = match Guest::of(&server, token, Lang::of(&query, &headers)) {
        Ok(guest) => guest,
        Err(page) => return Ok(page),
    };
    let Some(own) = find_own(&server, &guest, &id).await? else { return not_there(guest.lang) };
    let when = query.find_any("when").unwrap_or_default();
    let wish = wish_of(query.find_any("plan"), &when, None);
    draw(&server, &guest, &own, wish, false).await
}

async fn draw(
    server: &Server,
    guest: &Guest,
    own: &Subscription,
    wish: Option<Wish>,
    is_other_sum: bool,
) -> Result<Response, ApiError> {
    let told = tell(server, own, wish.clone()).await?;
    let lang = guest.lang;
    let chosen = wish.as_ref().and_then(|wish| wish.plan.clone());
    let shown = match told.preview {
        Some(Ok(preview)) => {
            let plan = chosen.clone().unwrap_or_default();
            let terms = &preview.version.terms;
            let text = || words::consent(&told.look.shop, terms, preview.quantity, lang);
            Some(Shown {
                plan,
                version: preview.version.id.clone(),
                name: terms.name.clone(),
                price: price(terms, preview.quantity, lang),
                from: day(&own.zone, preview.from_ms),
                lines: preview
                    .lines
                    .iter()
                    .map(|line| (words::line(line.kind, lang), signed(line.kopecks)))
                    .collect(),
                due: preview.due.to_human(),
                due_kopecks: preview.due.kopecks(),
                is_now: preview.when == When::Now,
                consent: (!told.is_covered).then(text),
            })
        }
        Some(Err(problem)) => return refuse(server, guest, problem).await,
        None => None,
    };
    let quantity = own.quantity;
    let plan = |offer: &Offer| {
        let code = offer.plan.code.clone();
        let is_chosen = chosen.as_ref() == Some(&code);
        let terms = &offer.version.terms;
        (code, format!("{} — {}", terms.name, price(terms, quantity, lang)), is_chosen)
    };
    let page = ChangePage {
        base: Base::of(lang, &told.look),
        home: guest.home(),
        id: own.id.clone(),
        plans: told.offers.iter().map(plan).collect(),
        when: wish.map_or(When::Now, |wish| wish.when).as_str(),
        shown,
        is_other_sum,
    };
    let status = if is_other_sum { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok(headers::page(status, page.render().map_err(anyhow::Error::from)?, CACHE))
}

/// As shown: when it would cost more than the customer saw, he sees that first.
pub async fn make(
    State(server): State<Server>,
    Path((token, id)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let guest = match Guest::of(&server, token, Lang::of(&query, &headers)) {
        Ok(guest) => guest,
        Err(page) => return Ok(page),
    };
    let Some(own) = find_own(&server, &guest, &id).await? else { return not_there(guest.lang) };
    let form = Form::read(&body);
    let wish = wish_of(Some(form.find("plan")), &form.find("when"), None);
    let told = tell(&server, &own, wish.clone()).await?;
    let preview = match told.preview {
        Some(Ok(preview)) => preview,
        Some(Err(problem)) => return refuse(&server, &guest, problem).await,
        None => return not_there(guest.lang),
    };
    let seen: i64 = form.find("due").parse().unwrap_or(0);
    let is_other = form.find("version") != preview.version.id;
    if is_other || preview.due.kopecks() > seen + ROUNDING {
        return draw(&server, &guest, &own, wish, true).await;
    }
    let terms = &preview.version.terms;
    let consent = (!told.is_covered && form.is_ticked("agree")).then(|| NewConsent {
        text_version: TEXT_VERSION.to_owned(),
        text: Some(words::consent(&told.look.shop, terms, preview.quantity, guest.lang)),
        channel: "portal".to_owned(),
        ip: None,
        user_agent: agent(&headers),
        ceiling: Some(preview.price.max(preview.due)),
    });
    let wish = wish.map(|wish| Wish { consent, ..wish });
    let Some(wish) = wish else { return not_there(guest.lang) };
    let (ctx, shop_id, subject) = (server.ctx.clone(), own.shop_id.clone(), own.id.clone());
    let done: Result<Subscription, Problem> =
        server.ctx.db.write(move |tx| change::change(tx, &ctx, (&shop_id, &subject), wish)).await;
    if let Err(problem) = done {
        return refuse(&server, &guest, problem).await;
    }
    settle(&server, &own.id).await;
    let found = drive::find(&server.ctx, &own.shop_id, &own.id).await?;
    match found.as_ref().and_then(|described| open_link(&described.book)) {
        Some(link) => Ok(to_payment(link, guest.lang)),
        None => Ok(guest.back("change")),
    }
}

/// A form as it was sent.
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn read(body: &Bytes) -> Form {
        Form(parse_query(&String::from_utf8_lossy(body)))
    }

    pub fn find(&self, name: &str) -> String {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim()).to_owned()
    }

    pub fn is_ticked(&self, name: &str) -> bool {
        self.find(name) == "1"
    }
}

/// With what a customer agreed: evidence of the consent.
pub fn agent(headers: &HeaderMap) -> Option<String> {
    let named = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok())?;
    Some(named.chars().take(MAX_AGENT_CHARS).collect())
}

const MAX_AGENT_CHARS: usize = 300;
