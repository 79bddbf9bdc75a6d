//! Receipts: what waits for a person first, then all of them; noting one made by hand.

use axum::{extract::Path, response::Response};
use kopeck_banks::Money;
use serde_json::{Value, json};

use super::{
    door::Doors,
    export,
    frame::Frame,
    guest::{Fields, Guest},
    inner::{Inner, part},
    payment::back_to,
    search::{self, Asked},
    sheet::{Cell, Field, Form, Notice, Row, Sheet, Table},
};
use crate::{
    http::{ApiError, query::RawQuery},
    staff::model::Permission,
    web::lang::Lang,
};

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/receipts", Permission::Look, list)
        .page("/admin/receipts/{id}", Permission::Look, show)
        .act(
            "/admin/receipts/{id}/retry",
            Permission::Account,
            ("receipt.retry", &["reason"]),
            retry,
        )
        .act(
            "/admin/receipts/{id}/settle",
            Permission::Account,
            ("receipt.settle", &["document_number", "url", "note"]),
            settle,
        )
        .act("/admin/receipts/close/{id}", Permission::Account, ("receipt.close", &[]), close)
}

pub fn state(word: &str, lang: Lang) -> (&'static str, &'static str) {
    match word {
        "none" => (lang.pick("Не нужен банку", "None by the bank"), ""),
        "queued" => (lang.pick("Ждёт денег", "Queued"), ""),
        "sent" => (lang.pick("Делает касса", "Sent"), "wait"),
        "registered" => (lang.pick("Зарегистрирован", "Registered"), "good"),
        "failed" => (lang.pick("Не сделан", "Failed"), "bad"),
        _ => ("—", ""),
    }
}

pub fn kind(word: &str, lang: Lang) -> &'static str {
    match word {
        "income" => lang.pick("Приход", "Income"),
        "refund" => lang.pick("Возврат прихода", "Refund"),
        "closing" => lang.pick("Закрытие предоплаты", "Closing"),
        "correction" => lang.pick("Коррекция", "Correction"),
        _ => lang.pick("Чек", "Receipt"),
    }
}

pub fn sum(receipt: &Value) -> String {
    let kopecks = receipt["amount_kopecks"].as_i64().unwrap_or(0);
    Money::from_kopecks(kopecks).map_or_else(|_| String::new(), Money::to_human)
}

async fn list(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let asked = Asked::read(&raw, &["view"])?;
    let is_due = asked.get("view") != "all";
    let path = if is_due { "/v1/receipts/due" } else { "/v1/receipts" };
    if let Some(format) = asked.format(&frame) {
        let all = search::all(&inner, &guest, path).await?;
        return export::file(&frame, format, "receipts", &table(&all, &frame, true));
    }
    let (found, next) = search::page(&inner, &guest, path, &asked, "/admin/receipts").await?;
    let tab = |value: &str, ru, en, is_here| {
        (format!("/admin/receipts?view={value}"), lang.pick(ru, en).to_owned(), is_here)
    };
    let mut sheet = Sheet {
        headline: lang.pick("Чеки", "Receipts").to_owned(),
        tabs: vec![
            tab("due", "Ждут человека", "Need somebody", is_due),
            tab("all", "Все", "All", !is_due),
        ],
        table: table(&found, &frame, false),
        empty: (
            lang.pick("Всё сделано", "All is done"),
            lang.pick("Чеков, которые ждут человека, нет.", "No receipt waits for somebody."),
        ),
        next,
        ..Sheet::default()
    };
    if frame.accounts() {
        sheet.offer_files(lang, "/admin/receipts", raw.text());
    }
    sheet.show(frame)
}

fn table(all: &[Value], frame: &Frame, is_file: bool) -> Table {
    let lang = frame.lang;
    let row = |it: &Value| {
        let text = |name: &str| it[name].as_str().unwrap_or("").to_owned();
        let (word, tone) = state(&text("status"), lang);
        let id = text("id");
        let at = Cell::text(search::moment(&it["created_at"], frame));
        let todo = it["todo"][lang.as_str()].as_str().or_else(|| it["todo"]["code"].as_str());
        Row::new(vec![
            if is_file { at } else { at.to(format!("/admin/receipts/{id}")) },
            Cell::text(kind(&text("kind"), lang)),
            Cell::kopecks(it["amount_kopecks"].as_i64()),
            Cell::tag(word, tone),
            Cell::text(todo.unwrap_or("")),
            Cell::text(search::moment(&it["due_at"], frame)),
            Cell::code(text("payment_id")).to(if is_file {
                String::new()
            } else {
                format!("/admin/payments/{}", text("payment_id"))
            }),
        ])
    };
    Table {
        columns: vec![
            lang.pick("Создан", "Made"),
            lang.pick("Какой", "Kind"),
            lang.pick("Сумма", "Sum"),
            lang.pick("Состояние", "State"),
            lang.pick("Что сделать", "What to do"),
            lang.pick("Срок", "Due"),
            lang.pick("Платёж", "Payment"),
        ],
        rows: all.iter().map(row).collect(),
    }
}

async fn show(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let it = inner.get(&guest, &format!("/v1/receipts/{}", part(&id))).await?;
    let text = |name: &str| it[name].as_str().unwrap_or("").to_owned();
    let (word, tone) = state(&text("status"), lang);
    let mut notices = vec![Notice {
        headline: word.to_owned(),
        detail: it["failure"]["message"].as_str().or(it["note"].as_str()).unwrap_or("").to_owned(),
        tone: if tone.is_empty() { "info" } else { tone },
        ..Notice::default()
    }];
    if let Some(todo) = it["todo"][lang.as_str()].as_str() {
        let headline = lang.pick("Что сделать", "What to do").to_owned();
        let detail = todo.to_owned();
        notices.push(Notice { headline, detail, tone: "wait", ..Notice::default() });
    }
    let mut sheet = Sheet {
        headline: format!("{} · {}", kind(&text("kind"), lang), sum(&it)),
        notices,
        table: table(std::slice::from_ref(&it), &frame, false),
        ..Sheet::default()
    };
    if text("status") == "failed" && frame.accounts() {
        sheet.forms.push(Form {
            headline: lang.pick("Отправить банку ещё раз", "Send it to the bank again").to_owned(),
            path: format!("/admin/receipts/{}/retry", part(&id)),
            fields: vec![
                Field::new("reason", lang.pick("Что исправлено", "What was mended")).required(),
            ],
            button: lang.pick("Отправить", "Send").to_owned(),
            is_folded: true,
            ..Form::default()
        });
    }
    if it["todo"]["code"] == "close" && frame.accounts() {
        sheet.forms.push(Form {
            headline: lang.pick("Закрыть предоплату", "Close the prepayment").to_owned(),
            about: lang
                .pick(
                    "Товар передан, услуга оказана: банк сделает закрывающий чек на всю сумму.",
                    "It is delivered: the bank makes the closing receipt of the whole sum.",
                )
                .to_owned(),
            path: format!("/admin/receipts/close/{}", part(&text("payment_id"))),
            button: lang.pick("Отправить закрывающий чек", "Send the closing receipt").to_owned(),
            ..Form::default()
        });
    }
    if !it["todo"].is_null() && frame.accounts() {
        sheet.forms.push(by_hand(lang, format!("/admin/receipts/{}/settle", part(&id))));
    }
    sheet.show(frame)
}

fn by_hand(lang: Lang, path: String) -> Form {
    Form {
        headline: lang.pick("Чек сделан вручную", "The receipt was made by hand").to_owned(),
        about: lang
            .pick(
                "Пробейте чек на своей кассе и запишите его здесь: список останется верным.",
                "Make it at your cash register and note it here: the list stays true.",
            )
            .to_owned(),
        path,
        fields: vec![
            Field::new("document_number", lang.pick("Номер документа (ФД)", "Document number")),
            Field::new("url", lang.pick("Ссылка на чек", "Link to the receipt")),
            Field::new("note", lang.pick("Заметка", "Note")),
        ],
        button: lang.pick("Записать", "Note it").to_owned(),
        ..Form::default()
    }
}

async fn retry(
    guest: Guest,
    inner: Inner,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let path = format!("/v1/receipts/{}/retry", part(&id));
    inner.post(&guest, &path, None, json!({ "reason": fields.get("reason") })).await?;
    Ok(back_to(&format!("/admin/receipts/{}", part(&id)), "retried"))
}

async fn settle(
    guest: Guest,
    inner: Inner,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let mut body = json!({});
    for name in ["document_number", "url", "note"] {
        if let Some(value) = fields.find(name) {
            body[name] = json!(value);
        }
    }
    inner.post(&guest, &format!("/v1/receipts/{}/settle", part(&id)), None, body).await?;
    Ok(back_to(&format!("/admin/receipts/{}", part(&id)), "saved"))
}

/// Closes the prepayment of a payment, by the payment's id.
async fn close(guest: Guest, inner: Inner, Path(id): Path<String>) -> Result<Response, ApiError> {
    let path = format!("/v1/payments/{}/receipts/close", part(&id));
    inner.post(&guest, &path, None, json!({})).await?;
    Ok(back_to(&format!("/admin/payments/{}", part(&id)), "saved"))
}
