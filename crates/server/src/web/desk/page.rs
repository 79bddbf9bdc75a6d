//! A desk as its clerk sees it.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use jiff::{fmt::strtime, tz::TimeZone};

use crate::{
    desks::model::{Sale, State},
    http::ApiError,
    kit::clock::{MINUTE_MS, timestamp},
    payments::model::Payment,
    places::model::{Place, State as PlaceState},
    web::{base::Base, brand::Look, lang::Lang, message},
};

/// How long the page shows how the last sale ended.
const SHOWN_MS: i64 = 10 * MINUTE_MS;

/// What is shown.
pub struct Seen<'a> {
    pub token: &'a str,
    pub look: &'a Look,
    pub desk: &'a Place,
    pub clerk: &'a str,
    pub sale: Option<&'a Sale>,
    pub payment: Option<&'a Payment>,
    pub now_ms: i64,
    /// A number of this form's own: sent twice, it charges once.
    pub form: &'a str,
}

/// Why a clerk's request did nothing, with what was typed.
pub struct Trouble {
    pub error: ApiError,
    pub amount: String,
    pub purpose: String,
}

#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage<'a> {
    base: Base,
    base_url: String,
    version: String,
    status: &'static str,
    sale: &'a str,
    name: &'a str,
    clerk: &'a str,
    sum: String,
    what: &'a str,
    tone: &'static str,
    headline: &'static str,
    detail: String,
    error: &'a str,
    hint: &'a str,
    is_live: bool,
    can_cancel: bool,
    cancel: &'static str,
    can_charge: bool,
    charge: &'static str,
    amount_label: &'static str,
    amount: &'a str,
    purpose_label: &'static str,
    purpose: &'a str,
    form: &'a str,
}

/// The sale that the page is about: one that ended long ago is nobody's news.
fn current(sale: Option<&Sale>, now_ms: i64) -> Option<&Sale> {
    sale.filter(|sale| !sale.is_over() || now_ms < sale.ended_ms.unwrap_or(0) + SHOWN_MS)
}

pub fn status(sale: Option<&Sale>, now_ms: i64) -> &'static str {
    current(sale, now_ms).map_or("idle", |sale| sale.state().as_str())
}

/// Changes whenever the page would look different.
pub fn version(sale: Option<&Sale>, now_ms: i64) -> String {
    match current(sale, now_ms) {
        Some(sale) => format!("{}-{}-{}", sale.id, sale.state().as_str(), sale.cancel_ms.is_some()),
        None => "idle".to_owned(),
    }
}

pub fn desk(seen: &Seen<'_>, lang: Lang, trouble: Option<&Trouble>) -> askama::Result<String> {
    let sale = current(seen.sale, seen.now_ms);
    let is_live = sale.is_some_and(|sale| !sale.is_over());
    let is_canceling = sale.is_some_and(|sale| sale.cancel_ms.is_some());
    let is_active = seen.desk.state() == PlaceState::Active;
    let said = say(seen, sale, lang);
    let typed = |pick: fn(&Trouble) -> &String| trouble.map_or("", |it| pick(it).as_str());
    DeskPage {
        base: Base::of(lang, seen.look),
        base_url: format!("/desk/{}", seen.token),
        version: version(seen.sale, seen.now_ms),
        status: status(seen.sale, seen.now_ms),
        sale: sale.map_or("", |sale| sale.id.as_str()),
        name: &seen.desk.name,
        clerk: seen.clerk,
        sum: sale.map_or_else(String::new, |sale| sale.amount.to_human()),
        what: sale.map_or("", |sale| sale.purpose.as_str()),
        tone: said.tone,
        headline: said.headline,
        detail: said.detail,
        error: trouble.map_or("", |it| it.error.message.as_str()),
        hint: trouble.map_or("", |it| it.error.hint.as_str()),
        is_live,
        can_cancel: is_live && !is_canceling,
        cancel: lang.pick("Отменить", "Cancel"),
        can_charge: !is_live && is_active,
        charge: lang.pick("Принять оплату", "Charge"),
        amount_label: lang.pick("Сумма, ₽", "Amount, ₽"),
        amount: typed(|it| &it.amount),
        purpose_label: lang.pick("За что (необязательно)", "What for (optional)"),
        purpose: typed(|it| &it.purpose),
        form: seen.form,
    }
    .render()
}

struct Said {
    tone: &'static str,
    headline: &'static str,
    detail: String,
}

fn say(seen: &Seen<'_>, sale: Option<&Sale>, lang: Lang) -> Said {
    let said = |tone, ru, en, detail: String| Said { tone, headline: lang.pick(ru, en), detail };
    let Some(sale) = sale else {
        return match seen.desk.state() {
            PlaceState::Active => said("", "Касса свободна", "The desk is free", String::new()),
            PlaceState::Suspended => {
                said("bad", "Касса приостановлена", "The desk is suspended", String::new())
            }
            PlaceState::Opening | PlaceState::Failed => {
                said("bad", "У кассы нет QR-кода", "The desk has no code", String::new())
            }
        };
    };
    let clerk = sale.clerk.as_deref().unwrap_or("");
    let until = moscow_minute(sale.until_ms);
    let waits = || match lang {
        Lang::Ru => format!("{clerk} · код ждёт до {until} МСК"),
        Lang::En => format!("{clerk} · the code waits until {until} Moscow time"),
    };
    match sale.state() {
        _ if sale.cancel_ms.is_some() && !sale.is_over() => {
            said("wait", "Отменяется…", "Being canceled…", String::new())
        }
        State::Arming => said("wait", "Банк готовит код…", "The bank arms the code…", waits()),
        State::Waiting => said("wait", "Ждёт оплаты", "Waiting to be paid", waits()),
        State::Paying => said("wait", "Покупатель платит…", "The payer is paying…", waits()),
        State::Paid => said("good", "Оплачено", "Paid", payer(seen.payment)),
        State::Canceled => said("", "Отменено", "Canceled", String::new()),
        State::Expired => said("bad", "Никто не оплатил", "Nobody paid", String::new()),
        State::Failed => {
            let detail = sale.failure.as_ref().map_or("", |failure| failure.message.as_str());
            said("bad", "Код не включился", "The code was not armed", detail.to_owned())
        }
    }
}

/// Who paid, as the payer's bank shortened it.
fn payer(payment: Option<&Payment>) -> String {
    let told = payment.and_then(|payment| payment.customer.as_deref());
    let told: Option<serde_json::Value> = told.and_then(|text| serde_json::from_str(text).ok());
    let field = |name: &str| {
        let value = told.as_ref().and_then(|told| told.get(name)?.as_str());
        value.unwrap_or("").to_owned()
    };
    format!("{} {}", field("name"), field("phone")).trim().to_owned()
}

fn moscow_minute(ms: i64) -> String {
    let zone = TimeZone::get("Europe/Moscow").unwrap_or(TimeZone::UTC);
    strtime::format("%H:%M", &timestamp(ms).to_zoned(zone)).unwrap_or_default()
}

/// The API's words of what clerks meet, in the page's language.
pub fn translate(error: ApiError, lang: Lang) -> ApiError {
    if lang == Lang::En {
        return error;
    }
    let (message, hint) = match error.code.as_str() {
        "desk_busy" => ("Касса занята: идёт другая оплата", "Дождитесь её конца или отмените её"),
        "desk_repeated" => (
            "Эта сумма уже принималась: выше — чем кончилось",
            "Чтобы принять её ещё раз, нажмите снова",
        ),
        "bank_unavailable" => ("Банк не отвечает", "Попробуйте ещё раз через минуту"),
        "sbp_amount_invalid" => ("Через СБП можно от 0,01 до 1 000 000 ₽", ""),
        _ => return error,
    };
    ApiError { message: message.to_owned(), hint: hint.to_owned(), ..error }
}

pub fn not_found(lang: Lang) -> Result<Response, ApiError> {
    message::show(
        StatusCode::NOT_FOUND,
        lang,
        lang.pick("Ссылка не работает", "The link does not work"),
        lang.pick(
            "Её отозвали или скопировали не целиком. Попросите новую.",
            "It was revoked or not copied whole. Ask for a new one.",
        ),
    )
}
