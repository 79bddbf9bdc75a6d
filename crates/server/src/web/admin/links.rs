//! A new link, in ten seconds: a sum, what for, and it is there to be sent.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use kopeck_banks::op::PayMethod;
use serde_json::json;

use super::{
    door::Doors,
    frame::Frame,
    guest::{Fields, Guest},
    inner::Inner,
    payment::plain_sum,
    sheet::{Field, Form, Input, Sheet},
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    kit::db::DbError,
    shops,
    staff::model::Permission,
    web::lang::Lang,
};

const KEPT: &[&str] = &["amount", "purpose", "order_id", "methods", "hold", "bank"];
/// What a link may live for, in minutes.
const LIVES: [(&str, &str, &str); 5] = [
    ("", "Неделю", "A week"),
    ("60", "Час", "An hour"),
    ("1440", "Сутки", "A day"),
    ("4320", "Три дня", "Three days"),
    ("43200", "30 дней", "30 days"),
];

pub fn doors(doors: Doors) -> Doors {
    doors.page("/admin/links/new", Permission::Sell, ask).act(
        "/admin/links",
        Permission::Sell,
        ("payment.create", KEPT),
        create,
    )
}

async fn ask(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    let shop_id = guest.shop_id();
    let found: Result<_, DbError> =
        server.ctx.db.read(move |tx| shops::store::list_connections(tx, &shop_id)).await;
    let mut banks: Vec<String> = found?.into_iter().map(|it| it.bank).collect();
    banks.dedup();
    let lang = frame.lang;
    let value = |name: &str| raw.find_any(name).unwrap_or_default();
    let main = vec![
        Field::new("amount", lang.pick("Сумма, ₽", "Sum, ₽"))
            .input(Input::Sum)
            .value(value("amount"))
            .required(),
        Field::new("purpose", lang.pick("За что", "What for"))
            .value(value("purpose"))
            .hint(lang.pick("Плательщик увидит это на странице.", "The payer sees it."))
            .required(),
        Field::new("order_id", lang.pick("Номер заказа", "Order number"))
            .value(value("order_id"))
            .hint(lang.pick("Необязательно; по нему легко найти.", "Optional; easy to find by.")),
        Field::new(
            "contact",
            lang.pick("Почта или телефон плательщика", "The payer's e-mail or phone"),
        )
        .hint(lang.pick("Туда придёт чек.", "The receipt goes there.")),
    ];
    let mut fields = main;
    fields.extend(rare(&banks, lang));
    Sheet {
        headline: lang.pick("Новая ссылка", "New link").to_owned(),
        forms: vec![Form {
            path: "/admin/links".to_owned(),
            fields,
            button: lang.pick("Создать ссылку", "Make the link").to_owned(),
            ..Form::default()
        }],
        ..Sheet::default()
    }
    .show(frame)
}

fn rare(banks: &[String], lang: Lang) -> Vec<Field> {
    let method = |it: PayMethod| {
        let is_set = matches!(it, PayMethod::Card | PayMethod::Sbp);
        (it.as_str().to_owned(), method_word(it, lang).to_owned(), is_set)
    };
    let life = |(value, ru, en): (&str, &'static str, &'static str)| {
        (value.to_owned(), lang.pick(ru, en).to_owned())
    };
    let mut fields = vec![
        Field::new("methods", lang.pick("Способы оплаты", "Ways to pay"))
            .input(Input::Checks(PayMethod::ALL.map(method).into())),
        Field::new("ttl_minutes", lang.pick("Действует", "Valid for"))
            .input(Input::Select(LIVES.map(life).into())),
        Field::new("hold", lang.pick("Только удержать деньги", "Hold the money only"))
            .input(Input::Check(false))
            .hint(lang.pick(
                "Спишете, когда отдадите заказ. Только карты.",
                "Capture it with the order. Cards only.",
            )),
    ];
    if banks.len() > 1 {
        let mut all =
            vec![(String::new(), lang.pick("Сам выберет", "Choose by itself").to_owned())];
        all.extend(banks.iter().map(|it| (it.clone(), super::payments::bank(it, lang).to_owned())));
        fields.push(Field::new("bank", lang.pick("Банк", "Bank")).input(Input::Select(all)));
    }
    fields
}

pub const fn method_word(method: PayMethod, lang: Lang) -> &'static str {
    match method {
        PayMethod::Card => lang.pick("Карта", "Card"),
        PayMethod::Sbp => lang.pick("СБП", "SBP"),
        PayMethod::TPay => "T-Pay",
        PayMethod::Dolyame => lang.pick("Долями", "Dolyame"),
    }
}

async fn create(guest: Guest, inner: Inner, fields: Fields) -> Result<Response, ApiError> {
    let mut body = json!({
        "amount": plain_sum(fields.get("amount")), "purpose": fields.get("purpose"),
    });
    if let Some(order) = fields.find("order_id") {
        body["order_id"] = json!(order);
    }
    let is_hold = fields.has("hold");
    if is_hold {
        body["capture"] = json!("manual");
        body["methods"] = json!(["card"]);
    } else if !fields.all("methods").is_empty() {
        body["methods"] = json!(fields.all("methods"));
    }
    if let Ok(minutes) = fields.get("ttl_minutes").parse::<u32>() {
        body["ttl_minutes"] = json!(minutes);
    }
    if let Some(bank) = fields.find("bank") {
        body["bank"] = json!(bank);
    }
    if let Some(contact) = fields.find("contact") {
        let name = if contact.contains('@') { "email" } else { "phone" };
        body["customer"] = json!({ name: contact });
    }
    let made = inner.post(&guest, "/v1/payments", Some(fields.get("key")), body).await?;
    let id = made["id"].as_str().unwrap_or("");
    Ok(Redirect::to(&format!("/admin/payments/{id}?done=made")).into_response())
}
