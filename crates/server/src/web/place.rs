//! A place as a page: its code to show at a counter and its posters to print. Whoever has the
//! address sees it; the address cannot be guessed, and the code is on the wall anyway.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::get,
};

use super::{
    base::Base,
    brand::{Look, find_look},
    headers,
    lang::Lang,
    message,
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    kit::db::DbError,
    places::{
        api::file,
        flow::Problem,
        model::{Place, State as PlaceState},
        poster::{self, Print, parse_size},
        store,
    },
    qr,
};

const CACHE: &str = "no-store";
/// The posters offered: the size's word, how many on a sheet, the button's words.
const POSTERS: [(&str, u8, &str, &str); 5] = [
    ("a4", 1, "Плакат A4", "Poster A4"),
    ("a5", 2, "A5, два на листе", "A5, two on a sheet"),
    ("a6", 4, "A6, четыре на листе", "A6, four on a sheet"),
    ("a7", 8, "A7, восемь на листе", "A7, eight on a sheet"),
    ("tent", 1, "Табличка на стол", "Table tent"),
];

#[derive(Template)]
#[template(path = "place.html")]
struct PlacePage<'a> {
    base: Base,
    id: &'a str,
    name: &'a str,
    /// The sum with the name below, or the name with who enters the sum.
    title: String,
    about: &'a str,
    print: &'static str,
    is_active: bool,
    headline: &'static str,
    detail: &'static str,
    posters: Vec<(&'static str, &'static str)>,
}

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/places/{id}", get(show))
        .route("/places/{id}/code.svg", get(code))
        .route("/places/{id}/{poster}", get(print))
}

async fn show(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    let Some((place, look)) = find(&server, id).await? else {
        return message::not_found(lang, lang.pick("Такого QR-кода нет", "There is no such code"));
    };
    render(StatusCode::OK, page(&place, &look, lang).render())
}

fn page<'a>(place: &'a Place, look: &Look, lang: Lang) -> PlacePage<'a> {
    let (headline, detail) = match place.state() {
        PlaceState::Active => ("", ""),
        PlaceState::Suspended => (
            lang.pick("QR-код приостановлен", "The code is suspended"),
            lang.pick("Снимите плакат: оплата по нему не ждётся.", "Take the poster down."),
        ),
        PlaceState::Opening => (
            lang.pick("Банк ещё делает QR-код", "The bank is making the code"),
            lang.pick("Обновите страницу через минуту.", "Reload the page in a minute."),
        ),
        PlaceState::Failed => (
            lang.pick("Банк не сделал QR-код", "The bank did not make the code"),
            lang.pick("Создайте другой.", "Make another one."),
        ),
    };
    let no_sum = lang.pick("Сумму вводит покупатель", "The payer enters the sum");
    PlacePage {
        base: Base::of(lang, look),
        id: &place.id,
        name: &place.name,
        title: place.amount.map_or_else(|| place.name.clone(), |amount| amount.to_human()),
        about: if place.amount.is_some() { &place.name } else { no_sum },
        print: lang.pick("Напечатать", "Print"),
        is_active: place.state() == PlaceState::Active,
        headline,
        detail,
        posters: POSTERS.iter().map(|(size, _, ru, en)| (*size, lang.pick(ru, en))).collect(),
    }
}

async fn code(State(server): State<Server>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let (place, _) = find(&server, id).await?.ok_or(Problem::NoSuchPlace)?;
    let svg = poster::code(&place)?.to_svg(&place.name);
    Ok(headers::secure(file("image/svg+xml", svg.into_bytes()), CACHE))
}

/// `a4.pdf`, `a4.svg`: one of the posters offered.
async fn print(
    State(server): State<Server>,
    Path((id, wanted)): Path<(String, String)>,
    query: RawQuery,
) -> Result<Response, ApiError> {
    let (place, look) = find(&server, id).await?.ok_or(Problem::NoSuchPlace)?;
    let is_svg = wanted.ends_with(".svg");
    let size = wanted.strip_suffix(".pdf").or(wanted.strip_suffix(".svg")).unwrap_or("");
    let offered = POSTERS.iter().find(|(name, ..)| *name == size);
    let (Some((_, per_sheet, ..)), Some(format)) = (offered, parse_size(size)) else {
        return Err(ApiError::of(crate::http::codes::ROUTE_NOT_FOUND));
    };
    let is_english = query.find_any("lang").as_deref() == Some("en");
    let lang = if is_english { qr::Lang::En } else { qr::Lang::Ru };
    let sheet = poster::draw(&place, &look.shop, Print { format, per_sheet: *per_sheet, lang })?;
    if is_svg {
        let svg = sheet.to_svg().map_err(Problem::from)?;
        return Ok(headers::secure(file("image/svg+xml", svg.into_bytes()), CACHE));
    }
    let pdf = sheet.to_pdf().map_err(Problem::from)?;
    Ok(headers::secure(file("application/pdf", pdf), CACHE))
}

/// The place, and how its shop looks.
async fn find(server: &Server, id: String) -> Result<Option<(Place, Look)>, DbError> {
    server
        .ctx
        .db
        .read(move |tx| {
            let Some(place) = store::find_place_by_id(tx, &id)? else { return Ok(None) };
            let look = find_look(tx, &place.shop_id)?;
            Ok(Some((place, look)))
        })
        .await
}

fn render(status: StatusCode, html: askama::Result<String>) -> Result<Response, ApiError> {
    Ok(headers::page(status, html.map_err(anyhow::Error::from)?, CACHE))
}
