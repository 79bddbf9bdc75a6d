//! The page on which a customer takes back the consent to be charged: by a signed link, without a
//! login and without scripts. Looking at it never withdraws anything, since mail scanners follow
//! links; a link that is not ours is told from none by nobody.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};

use super::{
    base::Base,
    brand::{Look, find_look},
    headers,
    lang::Lang,
    message,
    terms::{day, price},
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    instruments::{self, model::Instrument},
    kit::db::DbError,
    subscriptions::{
        flow::{Problem, describe, withdraw::withdraw},
        links::may_withdraw,
        model::Subscription,
        store::{self, SubscriptionFilter},
        view::Described,
    },
};

/// It tells of a customer: no cache keeps it.
const CACHE: &str = "no-store";
/// By what it was withdrawn.
const BY: &str = "link";
/// Subscriptions of one customer that are looked through.
const MANY: i64 = 100;

#[derive(Template)]
#[template(path = "withdrawal.html")]
struct WithdrawalPage<'a> {
    base: Base,
    title: &'static str,
    plan: &'a str,
    price: String,
    facts: Vec<String>,
    is_over: bool,
    headline: String,
    detail: String,
    button: &'static str,
}

pub fn routes() -> Router<Server> {
    Router::new().route("/withdraw/{id}/{signature}", get(show).post(take_back))
}

/// What a link leads to.
struct Found {
    described: Described,
    look: Look,
    instrument: Option<Instrument>,
    /// Other subscriptions that the same account or card pays.
    others: Vec<String>,
}

/// Only for a link that we made for this very subscription.
async fn find(server: &Server, id: String, signature: &str) -> Result<Option<Found>, DbError> {
    let found: Result<Option<Subscription>, DbError> =
        server.ctx.db.read(move |tx| store::find_by_id(tx, &id)).await;
    let Some(found) = found?.filter(|it| may_withdraw(&server.ctx, it, signature)) else {
        return Ok(None);
    };
    server
        .ctx
        .db
        .read(move |tx| {
            let look = find_look(tx, &found.shop_id)?;
            let instrument = match &found.instrument_id {
                Some(id) => instruments::store::find_instrument(tx, id)?,
                None => None,
            };
            let filter = SubscriptionFilter {
                customer_id: Some(found.customer_id.clone()),
                ..SubscriptionFilter::default()
            };
            let mut others = Vec::new();
            for it in store::list_subscriptions(tx, &found.shop_id, &filter, MANY)? {
                let is_same = it.instrument_id.is_some()
                    && it.instrument_id == found.instrument_id
                    && it.id != found.id;
                if is_same && !it.state.status().is_over() {
                    others.push(describe(tx, &it)?.version.terms.name);
                }
            }
            let described = describe(tx, &found)?;
            Ok(Some(Found { described, look, instrument, others }))
        })
        .await
}

async fn show(
    State(server): State<Server>,
    Path((id, signature)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    match find(&server, id, &signature).await? {
        Some(found) => render(StatusCode::OK, page(&found, lang).render()),
        None => not_found(lang),
    }
}

/// Takes the consent back, then leads back to the page, so that reloading it sends nothing again.
async fn take_back(
    State(server): State<Server>,
    Path((id, signature)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    let Some(found) = find(&server, id.clone(), &signature).await? else {
        return not_found(lang);
    };
    let shop_id = found.described.book.subscription.shop_id.clone();
    let (ctx, subject) = (server.ctx.clone(), id.clone());
    let done: Result<Subscription, Problem> =
        server.ctx.db.write(move |tx| withdraw(tx, &ctx, (&shop_id, &subject), BY)).await;
    done?;
    server.nudge.notify_one();
    let to = format!("/withdraw/{id}/{signature}?lang={}", lang.as_str());
    Ok(headers::secure(Redirect::to(&to).into_response(), CACHE))
}

fn not_found(lang: Lang) -> Result<Response, ApiError> {
    message::not_found(lang, lang.pick("Такой страницы нет", "There is no such page"))
}

fn facts(found: &Found, lang: Lang) -> Vec<String> {
    let subscription = &found.described.book.subscription;
    let mut facts = Vec::new();
    if let Some(consent) = &found.described.consent {
        let on = day(&subscription.zone, consent.given_ms);
        let version = &consent.text_version;
        facts.push(match lang {
            Lang::Ru => format!("Согласие на списания дано {on}, текст «{version}»."),
            Lang::En => format!("You agreed to be charged on {on}, by the text “{version}”."),
        });
    }
    if found.described.consent.as_ref().is_some_and(|it| it.withdrawn_ms.is_some()) {
        return facts;
    }
    let member = found.instrument.as_ref().and_then(|it| it.member_name.as_deref());
    if let Some(name) = member.filter(|name| !name.is_empty()) {
        facts.push(match lang {
            Lang::Ru => format!("Деньги списываются с: {name}."),
            Lang::En => format!("Charged from: {name}."),
        });
    }
    if !found.others.is_empty() {
        let names = found.others.join(", ");
        facts.push(match lang {
            Lang::Ru => format!("Оттуда же оплачивается: {names}. Списаний не будет и за это."),
            Lang::En => format!("It pays for {names} too. That will not be charged either."),
        });
    }
    facts
}

/// What is said of it, before and after.
fn words(found: &Found, withdrawn_ms: Option<i64>, lang: Lang) -> (String, String) {
    let subscription = &found.described.book.subscription;
    let until = subscription.state.access_until_ms(0).map(|ms| day(&subscription.zone, ms));
    let used = match (&until, lang) {
        (Some(until), Lang::Ru) => format!(" Оплаченным можно пользоваться до {until}."),
        (Some(until), Lang::En) => format!(" What is paid may be used until {until}."),
        (None, Lang::Ru | Lang::En) => String::new(),
    };
    let on = withdrawn_ms.map(|at_ms| day(&subscription.zone, at_ms));
    match (on, lang) {
        (Some(on), Lang::Ru) => {
            (format!("Согласие отозвано {on}"), format!("Списаний больше не будет.{used}"))
        }
        (Some(on), Lang::En) => {
            (format!("Withdrawn on {on}"), format!("You will not be charged any more.{used}"))
        }
        (None, Lang::Ru) => (
            String::new(),
            format!(
                "После отзыва списаний не будет: сразу и навсегда. Списание, которое уже идёт, \
                 вернётся.{used}"
            ),
        ),
        (None, Lang::En) => (
            String::new(),
            format!(
                "Once withdrawn, nothing is charged any more, at once and for good. A charge that \
                 is on its way is given back.{used}"
            ),
        ),
    }
}

fn page(found: &Found, lang: Lang) -> WithdrawalPage<'_> {
    let described = &found.described;
    let withdrawn_ms = described.consent.as_ref().and_then(|it| it.withdrawn_ms);
    let (headline, detail) = words(found, withdrawn_ms, lang);
    WithdrawalPage {
        base: Base::of(lang, &found.look),
        title: lang.pick("Отзыв согласия на списания", "Withdraw your consent to be charged"),
        plan: &described.version.terms.name,
        price: price(&described.version.terms, described.book.subscription.quantity, lang),
        facts: facts(found, lang),
        is_over: withdrawn_ms.is_some(),
        headline,
        detail,
        button: lang.pick("Отозвать согласие", "Withdraw my consent"),
    }
}

fn render(status: StatusCode, html: askama::Result<String>) -> Result<Response, ApiError> {
    Ok(headers::page(status, html.map_err(anyhow::Error::from)?, CACHE))
}
