//! Places whose codes are paid again and again, and cash desks.

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    door::Doors,
    frame::Frame,
    guest::{Fields, Guest},
    inner::{Inner, part},
    payment::{back_to, plain_sum},
    search,
    sheet::{Act, Cell, Field, Form, Input, Notice, Row, Sheet, Table},
};
use crate::{
    desks::{flow::get_desk, links},
    http::{ApiError, Server, codes},
    kit::db::DbError,
    places::model::Place,
    staff::model::Permission,
    web::lang::Lang,
};

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/places", Permission::Look, list)
        .act(
            "/admin/places",
            Permission::Sell,
            ("place.create", &["name", "amount", "purpose"]),
            create,
        )
        .act("/admin/places/{id}/suspend", Permission::Sell, ("place.suspend", &[]), suspend)
        .act("/admin/places/{id}/resume", Permission::Sell, ("place.resume", &[]), resume)
        .act("/admin/desks", Permission::Sell, ("desk.create", &["name"]), create_desk)
        .act("/admin/desks/{id}/link", Permission::Sell, ("desk.link", &["clerk"]), link)
}

async fn list(guest: Guest, frame: Frame, inner: Inner) -> Result<Response, ApiError> {
    page(&guest, frame, &inner, Vec::new()).await
}

async fn page(
    guest: &Guest,
    frame: Frame,
    inner: &Inner,
    notices: Vec<Notice>,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let places = search::all(inner, guest, "/v1/places?kind=static").await?;
    let desks = search::all(inner, guest, "/v1/desks").await?;
    let mut rows: Vec<Row> = places.iter().map(|it| place_row(it, &frame)).collect();
    rows.extend(desks.iter().map(|it| desk_row(it, &frame)));
    let mut forms = Vec::new();
    if frame.sells() {
        forms = new_forms(lang);
        forms.extend(desks.iter().map(|it| link_form(it, lang)));
    }
    Sheet {
        headline: lang.pick("Места и кассы", "Places and desks").to_owned(),
        about: lang
            .pick(
                "Код на стене или на столе платят снова и снова; на кассе сумму задаёт кассир.",
                "A code on a wall is paid again and again; at a desk the clerk sets the sum.",
            )
            .to_owned(),
        notices,
        table: Table {
            columns: vec![
                lang.pick("Название", "Name"),
                lang.pick("Что это", "What"),
                lang.pick("Состояние", "State"),
                lang.pick("Получено", "Received"),
                lang.pick("Платежей", "Payments"),
            ],
            rows,
        },
        empty: (
            lang.pick("Мест пока нет", "No places yet"),
            lang.pick("Создайте код для стойки или плаката.", "Make a code for a counter."),
        ),
        forms,
        ..Sheet::default()
    }
    .show(frame)
}

fn place_row(it: &Value, frame: &Frame) -> Row {
    let lang = frame.lang;
    let text = |name: &str| it[name].as_str().unwrap_or("").to_owned();
    let id = text("id");
    let (word, tone) = match text("status").as_str() {
        "active" => (lang.pick("Принимает", "Live"), "good"),
        "suspended" => (lang.pick("Приостановлено", "Suspended"), "wait"),
        "failed" => (lang.pick("Банк отказал", "Refused"), "bad"),
        _ => (lang.pick("Создаётся", "Being made"), ""),
    };
    let path = |what: &str| format!("/admin/places/{id}/{what}");
    let is_live = text("status") == "active";
    let suspend = Act::new(lang.pick("Приостановить", "Suspend"), path("suspend"));
    let resume = Act::new(lang.pick("Возобновить", "Resume"), path("resume"));
    Row::new(vec![
        Cell::text(text("name")).to(text("page_url")).more(text("purpose")),
        Cell::text(lang.pick("Код с плакатами", "A code with posters")),
        Cell::tag(word, tone),
        Cell::kopecks(it["paid_kopecks"].as_i64()),
        Cell::text(it["payments_count"].to_string()).to(format!("/admin/payments?place={id}")),
    ])
    .act(is_live && frame.sells(), suspend.danger())
    .act(text("status") == "suspended" && frame.sells(), resume)
}

fn desk_row(it: &Value, frame: &Frame) -> Row {
    let lang = frame.lang;
    let text = |name: &str| it[name].as_str().unwrap_or("").to_owned();
    let sale = it["sale"]["amount_kopecks"].as_i64();
    let waits = it["sale"]["status"]
        .as_str()
        .is_some_and(|it| ["arming", "waiting", "paying"].contains(&it));
    let state = if waits {
        Cell::tag(lang.pick("Ждёт оплаты", "Waits"), "wait")
    } else {
        Cell::tag(lang.pick("Свободна", "Free"), "")
    };
    Row::new(vec![
        Cell::text(text("name")),
        Cell::text(lang.pick("Касса", "Desk")),
        state,
        Cell::kopecks(sale.filter(|_| waits)),
        Cell::text(lang.pick("Платежи", "Payments"))
            .to(format!("/admin/payments?place={}", text("id"))),
    ])
}

fn new_forms(lang: Lang) -> Vec<Form> {
    vec![
        Form {
            headline: lang.pick("Новое место", "A new place").to_owned(),
            path: "/admin/places".to_owned(),
            fields: vec![
                Field::new("name", lang.pick("Название", "Name")).required().hint(
                    lang.pick(
                        "Например: стойка, Тверская 5.",
                        "Such as: front desk, Main street 5.",
                    ),
                ),
                Field::new("amount", lang.pick("Сумма, ₽", "Sum, ₽")).input(Input::Sum).hint(
                    lang.pick("Пусто: сумму вводит покупатель.", "Empty: the buyer types it."),
                ),
                Field::new("purpose", lang.pick("За что", "What for")),
            ],
            button: lang.pick("Создать код", "Make the code").to_owned(),
            is_folded: true,
            ..Form::default()
        },
        Form {
            headline: lang.pick("Новая касса", "A new desk").to_owned(),
            path: "/admin/desks".to_owned(),
            fields: vec![Field::new("name", lang.pick("Название", "Name")).required()],
            button: lang.pick("Создать кассу", "Make the desk").to_owned(),
            is_folded: true,
            ..Form::default()
        },
    ]
}

fn link_form(it: &Value, lang: Lang) -> Form {
    let (id, name) = (it["id"].as_str().unwrap_or(""), it["name"].as_str().unwrap_or(""));
    Form {
        headline: match lang {
            Lang::Ru => format!("Ссылка кассира: {name}"),
            Lang::En => format!("A clerk's link: {name}"),
        },
        about: lang
            .pick(
                "Откройте её на телефоне или планшете кассира: он задаёт сумму и видит оплату.",
                "Open it on the clerk's phone: it sets a sum and shows when it is paid.",
            )
            .to_owned(),
        path: format!("/admin/desks/{id}/link"),
        fields: vec![Field::new("clerk", lang.pick("Кассир", "Clerk")).required()],
        button: lang.pick("Создать ссылку", "Make the link").to_owned(),
        is_folded: true,
        ..Form::default()
    }
}

async fn create(guest: Guest, inner: Inner, fields: Fields) -> Result<Response, ApiError> {
    let mut body = json!({ "name": fields.get("name") });
    if let Some(amount) = fields.find("amount") {
        body["amount"] = json!(plain_sum(&amount));
    }
    if let Some(purpose) = fields.find("purpose") {
        body["purpose"] = json!(purpose);
    }
    inner.post(&guest, "/v1/places", Some(fields.get("key")), body).await?;
    Ok(back_to("/admin/places", "made"))
}

async fn suspend(guest: Guest, inner: Inner, Path(id): Path<String>) -> Result<Response, ApiError> {
    let path = format!("/v1/places/{}/suspend", part(&id));
    inner.post(&guest, &path, None, json!({})).await?;
    Ok(back_to("/admin/places", "saved"))
}

async fn resume(guest: Guest, inner: Inner, Path(id): Path<String>) -> Result<Response, ApiError> {
    let path = format!("/v1/places/{}/resume", part(&id));
    inner.post(&guest, &path, None, json!({})).await?;
    Ok(back_to("/admin/places", "saved"))
}

async fn create_desk(guest: Guest, inner: Inner, fields: Fields) -> Result<Response, ApiError> {
    let body = json!({ "name": fields.get("name") });
    inner.post(&guest, "/v1/desks", Some(fields.get("key")), body).await?;
    Ok(back_to("/admin/places", "made"))
}

/// The longest name of a clerk, as the command line has it.
const MAX_CLERK: usize = 40;

async fn link(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    inner: Inner,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let clerk = fields.get("clerk");
    if clerk.is_empty() || clerk.chars().count() > MAX_CLERK {
        let what = format!("takes 1 to {MAX_CLERK} characters");
        return Err(crate::http::json::invalid("clerk", &what));
    }
    let shop_id = guest.shop_id();
    let found: Result<Option<Place>, DbError> =
        server.ctx.db.read(move |tx| Ok(get_desk(tx, &shop_id, &id).ok())).await;
    let desk = found?.ok_or_else(|| ApiError::of(codes::DESK_NOT_FOUND))?;
    let (_, token) = links::make(&server.ctx, &desk, clerk).await?;
    let notice = Notice {
        headline: match frame.lang {
            Lang::Ru => format!("Ссылка для {clerk}"),
            Lang::En => format!("The link of {clerk}"),
        },
        detail: frame.lang.pick("Больше мы её не покажем.", "It is shown this once.").to_owned(),
        tone: "good",
        copy: format!("{}/desk/{token}", server.ctx.public_url),
        ..Notice::default()
    };
    page(&guest, frame, &inner, vec![notice]).await
}
