//! Routes of places and invoices.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use kopeck_banks::op::CodeKind;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    flow::{self, Problem},
    model::Place,
    poster::{self, Print, SIZES},
    request::{CreateInvoice, CreatePlace},
    store,
    submit::{Made, find, list, open, view},
    view::PlaceView,
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server,
        error::ErrorBody,
        json::{self, invalid},
        page::Page,
        query::{Query, RawQuery},
    },
    kit::db::{DbError, Tx},
    payments::submit::{Ask, run},
    qr::{Format, Lang},
    shops,
};

const FILTERS: [&str; 3] = ["kind", "limit", "starting_after"];
const POSTER: [&str; 4] = ["size", "format", "per_sheet", "lang"];
/// The picture's side when nobody says how large.
const PNG_SIDE: u32 = 1_024;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(create_place, list_places))
        .routes(routes!(get_place))
        .routes(routes!(suspend_place))
        .routes(routes!(resume_place))
        .routes(routes!(get_code_svg))
        .routes(routes!(get_code_png))
        .routes(routes!(get_poster))
        .routes(routes!(create_invoice))
}

/// Create a static code
///
/// A code to print and hang: paid any number of times, with a sum or with the sum that the payer
/// enters. Every payment by it becomes a payment of its own with `place_id`.
#[utoipa::path(post, path = "/v1/places", tag = "places", request_body = CreatePlace,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Remembered for ever; see Create a payment")),
    responses(
        (status = 201, description = "The place; `opening` if the bank is slow", body = PlaceView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "No bank is connected, or the bank refused",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_place(ask: Ask) -> Result<Answer, ApiError> {
    let input: CreatePlace = json::read(&ask.body)?;
    let (new, bank) = (input.read()?, json::string("bank", &input.bank)?);
    run(ask, |ask| open(ask, new, bank, Made)).await
}

/// Create a B2B code
///
/// A code that one company pays once, with its VAT: an invoice. Its payment has its `place_id`.
#[utoipa::path(post, path = "/v1/invoices", tag = "places", request_body = CreateInvoice,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Remembered for ever; see Create a payment")),
    responses(
        (status = 201, description = "The invoice's place; `opening` if the bank is slow",
            body = PlaceView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "No bank is connected, or the bank refused",
            body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_invoice(ask: Ask) -> Result<Answer, ApiError> {
    let input: CreateInvoice = json::read(&ask.body)?;
    let (new, bank) = (input.read()?, json::string("bank", &input.bank)?);
    run(ask, |ask| open(ask, new, bank, Made)).await
}

/// List places
///
/// Static codes and invoices of the shop, newest first.
#[utoipa::path(get, path = "/v1/places", tag = "places",
    params(
        ("kind" = Option<String>, Query, description = "static, desk or invoice"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page", body = Page<PlaceView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_places(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&FILTERS)?;
    let kinds = [CodeKind::Static, CodeKind::Desk, CodeKind::Invoice].map(CodeKind::as_str);
    let kind = query.word("kind", CodeKind::parse, &kinds)?;
    let url = server.ctx.public_url.clone();
    let show = move |tx: &mut dyn Tx, place: &Place| {
        Ok(PlaceView::new(place, store::count_totals(tx, &place.id)?, &url))
    };
    list(&server, (caller.shop_id, kind), &query, show, |place| place.id.clone()).await
}

/// Get a place
#[utoipa::path(get, path = "/v1/places/{id}", tag = "places",
    params(("id" = String, Path, description = "The place's id")),
    responses(
        (status = 200, description = "The place", body = PlaceView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such place", body = ErrorBody)))]
async fn get_place(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let place = find(&server, &caller.shop_id, &id).await?;
    Answer::json(200, &view(&server, place).await?)
}

/// Suspend a place
///
/// No bank suspends one code, so this is Kopeck's own: pictures and posters are refused, and a
/// payment that still comes by the paper on the wall is recorded and counted in `late_count`. Take
/// the paper down. Doing it twice is no error.
#[utoipa::path(post, path = "/v1/places/{id}/suspend", tag = "places",
    params(("id" = String, Path, description = "The place's id")),
    responses(
        (status = 200, description = "The place", body = PlaceView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such place", body = ErrorBody),
        (status = 409, description = "Its code is not made yet", body = ErrorBody)))]
async fn suspend_place(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    turn(server, caller, id, true).await
}

/// Take a place up again
#[utoipa::path(post, path = "/v1/places/{id}/resume", tag = "places",
    params(("id" = String, Path, description = "The place's id")),
    responses(
        (status = 200, description = "The place", body = PlaceView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such place", body = ErrorBody),
        (status = 409, description = "Its code is not made yet", body = ErrorBody)))]
async fn resume_place(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    turn(server, caller, id, false).await
}

async fn turn(
    server: Server,
    caller: Caller,
    id: String,
    is_suspended: bool,
) -> Result<Answer, ApiError> {
    let inner = server.ctx.clone();
    let done: Result<Place, Problem> = server
        .ctx
        .db
        .write(move |tx| flow::suspend(tx, &inner, &caller.shop_id, &id, is_suspended))
        .await;
    Answer::json(200, &view(&server, done?).await?)
}

/// Get the code as SVG
#[utoipa::path(get, path = "/v1/places/{id}/qr.svg", tag = "places",
    params(("id" = String, Path, description = "The place's id")),
    responses(
        (status = 200, description = "The code alone", content_type = "image/svg+xml"),
        (status = 404, description = "The shop has no such place", body = ErrorBody),
        (status = 409, description = "It is suspended, or has no code yet", body = ErrorBody)))]
async fn get_code_svg(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let place = find(&server, &caller.shop_id, &id).await?;
    Ok(file("image/svg+xml", poster::code(&place)?.to_svg(&place.name).into_bytes()))
}

/// Get the code as PNG
#[utoipa::path(get, path = "/v1/places/{id}/qr.png", tag = "places",
    params(("id" = String, Path, description = "The place's id")),
    responses(
        (status = 200, description = "The code alone", content_type = "image/png"),
        (status = 404, description = "The shop has no such place", body = ErrorBody),
        (status = 409, description = "It is suspended, or has no code yet", body = ErrorBody)))]
async fn get_code_png(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let place = find(&server, &caller.shop_id, &id).await?;
    let code = poster::code(&place)?;
    Ok(file("image/png", code.to_png(PNG_SIDE).map_err(Problem::from)?))
}

/// Get a poster
///
/// The code with the shop's name, the place, the sum and the payer's steps, to print at 100 %.
#[utoipa::path(get, path = "/v1/places/{id}/poster", tag = "places",
    params(
        ("id" = String, Path, description = "The place's id"),
        ("size" = Option<String>, Query,
            description = "a4, a5, a6, a7, or tent: A4 folded for a table; a4 if absent"),
        ("format" = Option<String>, Query, description = "pdf or svg; pdf if absent"),
        ("per_sheet" = Option<i64>, Query,
            description = "How many on a sheet of A4: 2 of a5 or tent, 4 of a6, 8 of a7"),
        ("lang" = Option<String>, Query, description = "ru or en; ru if absent")),
    responses(
        (status = 200, description = "The poster", content_type = "application/pdf"),
        (status = 404, description = "The shop has no such place", body = ErrorBody),
        (status = 409, description = "It is suspended, or has no code yet", body = ErrorBody),
        (status = 422, description = "A parameter is wrong, or the name cannot be drawn",
            body = ErrorBody)))]
async fn get_poster(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
    query: RawQuery,
) -> Result<Response, ApiError> {
    let query = query.read(&POSTER)?;
    let (print, is_svg) = read_print(&query)?;
    let place = find(&server, &caller.shop_id, &id).await?;
    let shop: Result<_, DbError> =
        server.ctx.db.read(move |tx| shops::store::find_shop(tx, &caller.shop_id)).await;
    let shop = shop?.map_or_else(String::new, |shop| shop.name);
    let sheet = poster::draw(&place, &shop, print)?;
    Ok(if is_svg {
        file("image/svg+xml", sheet.to_svg().map_err(Problem::from)?.into_bytes())
    } else {
        file("application/pdf", sheet.to_pdf().map_err(Problem::from)?)
    })
}

fn read_print(query: &Query) -> Result<(Print, bool), ApiError> {
    let format = |word: &str| match word {
        "pdf" => Some(false),
        "svg" => Some(true),
        _ => None,
    };
    let per_sheet = query.find("per_sheet").map_or(Ok(1), str::parse);
    let print = Print {
        format: query.word("size", poster::parse_size, &SIZES)?.unwrap_or(Format::A4),
        per_sheet: per_sheet.map_err(|_| invalid("per_sheet", "is not a small whole number"))?,
        lang: query.word("lang", poster::parse_lang, &["ru", "en"])?.unwrap_or(Lang::Ru),
    };
    Ok((print, query.word("format", format, &["pdf", "svg"])?.unwrap_or(false)))
}

/// A file, never kept by anybody: the place may be suspended in a minute.
pub fn file(kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
