//! A customer's pages as they look.

use askama::Template;
use axum::http::StatusCode;

use super::{
    read::{Own, Paid, Seen},
    words,
};
use crate::{
    instruments::model::Instrument,
    subscriptions::{
        model::How,
        state::{State, Status},
        view::Described,
    },
    web::{
        base::Base,
        lang::Lang,
        terms::{day, price},
    },
};

#[derive(Template)]
#[template(path = "portal.html")]
struct PortalPage {
    base: Base,
    home: String,
    said: Option<Said>,
    all: Vec<Card>,
}

/// What the last button did, or why it did nothing.
#[derive(Clone, Debug)]
pub struct Said {
    pub tone: &'static str,
    pub headline: String,
    pub detail: String,
    pub status: StatusCode,
}

/// One subscription.
struct Card {
    id: String,
    name: String,
    tone: &'static str,
    state: &'static str,
    price: String,
    lines: Vec<String>,
    pay_id: Option<String>,
    rebind_id: Option<String>,
    can: Can,
    withdraw_url: String,
    consent: Option<Agreed>,
    history: Vec<Row>,
    is_over: bool,
}

/// What the customer agreed to.
struct Agreed {
    about: String,
    has_text: bool,
    is_withdrawn: bool,
}

struct Row {
    period: String,
    sum: String,
    tone: &'static str,
    state: &'static str,
    payment_id: Option<String>,
    receipt_url: Option<String>,
}

/// Which buttons make sense. The use cases decide for themselves.
#[derive(Clone, Copy, Debug, Default)]
struct Can {
    change: bool,
    cancel: bool,
    reactivate: bool,
    pause: bool,
    resume: bool,
    rebind: bool,
}

fn can(own: &Own) -> Can {
    let described = &own.described;
    let is_limited = |code: &str| described.limits.iter().any(|limit| limit.code == code);
    let is_agreed = described.consent.as_ref().is_some_and(|it| it.withdrawn_ms.is_none());
    let is_charged = described.book.subscription.collection != How::Link;
    let is_quiet = described.book.open_period().is_none() && !described.book.is_asking();
    let (changes, pauses) = (!is_limited("fixed_terms") && is_quiet, !is_limited("no_pause"));
    let some = Can { rebind: is_agreed && is_charged, ..Can::default() };
    match described.book.subscription.state {
        State::Active { ends: false, .. } => {
            Can { change: changes, cancel: true, pause: pauses && is_quiet, ..some }
        }
        State::Trialing { ends: false, .. } => Can { change: changes, cancel: true, ..some },
        State::Active { ends: true, .. } | State::Trialing { ends: true, .. } => {
            Can { reactivate: pauses && (is_agreed || !is_charged), ..Can::default() }
        }
        State::PastDue { .. } => Can { cancel: true, ..some },
        State::Paused { .. } => Can { resume: true, cancel: true, ..some },
        State::Pending { .. } => Can { cancel: true, ..Can::default() },
        State::Canceled { .. } | State::Expired => Can::default(),
    }
}

pub fn home(
    seen: &Seen,
    home: String,
    said: Option<Said>,
    lang: Lang,
) -> (StatusCode, askama::Result<String>) {
    let status = said.as_ref().map_or(StatusCode::OK, |said| said.status);
    let page = PortalPage {
        base: Base::of(lang, &seen.look),
        home,
        said,
        all: seen.all.iter().map(|own| card(own, lang)).collect(),
    };
    (status, page.render())
}

fn card(own: &Own, lang: Lang) -> Card {
    let described = &own.described;
    let subscription = &described.book.subscription;
    let (tone, state) = words::state(described, lang);
    Card {
        id: subscription.id.clone(),
        name: described.version.terms.name.clone(),
        tone,
        state,
        price: price(&described.version.terms, subscription.quantity, lang),
        lines: lines(own, lang),
        pay_id: own.pay_id.clone(),
        rebind_id: own.rebind_id.clone(),
        can: can(own),
        withdraw_url: format!("{}?lang={}", own.withdraw_url, lang.as_str()),
        consent: agreed(described, lang),
        history: own.history.iter().map(|paid| row(paid, &subscription.zone, lang)).collect(),
        is_over: matches!(subscription.state.status(), Status::Canceled | Status::Expired),
    }
}

fn lines(own: &Own, lang: Lang) -> Vec<String> {
    let described = &own.described;
    let subscription = &described.book.subscription;
    let is_charged = subscription.collection != How::Link;
    let mut lines = vec![words::next(described, is_charged, lang)];
    lines.extend(words::later(described, lang));
    if is_charged && !subscription.state.status().is_over() {
        let from = own.instrument.as_ref().and_then(instrument);
        lines.extend(from.map(|from| format!("{} {from}", lang.pick("Оплата с", "Paid from"))));
    }
    if subscription.balance_kopecks > 0 {
        let sum = crate::web::terms::signed(subscription.balance_kopecks);
        lines.push(match lang {
            Lang::Ru => format!("На остатке {sum}: они пойдут в счёт следующих периодов"),
            Lang::En => format!("{sum} are yours and count for the next periods"),
        });
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The card with its middle hidden, or the payer's bank.
fn instrument(own: &Instrument) -> Option<&str> {
    own.member_name.as_deref().filter(|name| !name.is_empty())
}

fn agreed(described: &Described, lang: Lang) -> Option<Agreed> {
    let consent = described.consent.as_ref()?;
    let on = |ms: i64| day(&described.book.subscription.zone, ms);
    let (given, version) = (on(consent.given_ms), &consent.text_version);
    let about = match (consent.withdrawn_ms.map(on), lang) {
        (None, Lang::Ru) => format!("Согласие на списания дано {given} (текст «{version}»)."),
        (None, Lang::En) => format!("You agreed to be charged on {given} (text “{version}”)."),
        (Some(gone), Lang::Ru) => format!("Согласие дано {given} и отозвано {gone}."),
        (Some(gone), Lang::En) => format!("You agreed on {given} and withdrew it on {gone}."),
    };
    let is_withdrawn = consent.withdrawn_ms.is_some();
    Some(Agreed { about, has_text: consent.text.is_some(), is_withdrawn })
}

fn row(paid: &Paid, zone: &str, lang: Lang) -> Row {
    let period = &paid.period;
    let (tone, state) = words::period(period.status, lang);
    Row {
        period: format!("{} — {}", day(zone, period.start_ms), day(zone, period.end_ms)),
        sum: period.amount.to_human(),
        tone,
        state,
        payment_id: paid.payment_id.clone(),
        receipt_url: paid.receipt_url.clone(),
    }
}
