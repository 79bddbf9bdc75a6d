//! What the shop is set to: its name, routing, VAT and receipts; and how Kopeck itself is.

use axum::{extract::State, response::Response};
use serde_json::{Value, json};

use super::{
    door::Doors,
    frame::Frame,
    guest::{Fields, Guest},
    inner::Inner,
    payment::back_to,
    payments::bank,
    sheet::{Cell, Field, Form, Input, Notice, Row, Sheet, Table},
};
use crate::{
    http::{ApiError, Server},
    kit::{db::DbError, jobs},
    shops,
    staff::model::Permission,
    web::lang::Lang,
};

const HOUR_MS: i64 = 60 * 60 * 1000;

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/settings", Permission::Manage, show)
        .act("/admin/settings/name", Permission::Manage, ("shop.rename", &["name"]), rename)
        .act("/admin/settings/routing", Permission::Manage, ("shop.routing", &["order"]), routing)
        .act(
            "/admin/settings/receipts",
            Permission::Manage,
            ("shop.receipts", &["vat", "taxation", "close_after_days"]),
            receipts,
        )
        .page("/admin/health", Permission::Look, health)
}

async fn show(guest: Guest, frame: Frame, inner: Inner) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let rule = inner.get(&guest, "/v1/routing").await?;
    let defaults = inner.get(&guest, "/v1/receipts/defaults").await?;
    let order: Vec<&str> = rule["order"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let forms = vec![
        Form {
            headline: lang.pick("Название магазина", "The shop's name").to_owned(),
            about: lang.pick("Его видят плательщики.", "Payers see it.").to_owned(),
            path: "/admin/settings/name".to_owned(),
            fields: vec![
                Field::new("name", lang.pick("Название", "Name"))
                    .value(frame.shop.clone())
                    .required(),
            ],
            button: lang.pick("Сохранить", "Save").to_owned(),
            ..Form::default()
        },
        Form {
            headline: lang.pick("Какой банк первый", "Which bank goes first").to_owned(),
            about: lang
                .pick(
                    "Ссылка без названного банка идёт в первый; если он не отвечает — в следующий.",
                    "A link that names no bank goes to the first; if it is silent, to the next.",
                )
                .to_owned(),
            path: "/admin/settings/routing".to_owned(),
            fields: vec![
                Field::new("order", lang.pick("Порядок", "Order"))
                    .value(order.join(", "))
                    .hint("tochka, tbank"),
            ],
            button: lang.pick("Сохранить", "Save").to_owned(),
            ..Form::default()
        },
        receipts_form(&defaults, lang),
    ];
    Sheet {
        headline: lang.pick("Настройки", "Settings").to_owned(), forms, ..Sheet::default()
    }
    .show(frame)
}

fn receipts_form(defaults: &Value, lang: Lang) -> Form {
    let select = |all: &[(&str, &'static str, &'static str)]| {
        let one = |(value, ru, en): &(&str, &'static str, &'static str)| {
            ((*value).to_owned(), lang.pick(ru, en).to_owned())
        };
        Input::Select(all.iter().map(one).collect())
    };
    let value = |name: &str| defaults[name].as_str().unwrap_or("").to_owned();
    let days = defaults["close_after_days"].as_i64();
    Form {
        headline: lang.pick("Чеки", "Receipts").to_owned(),
        about: lang
            .pick(
                "Ставки НДС вперёд по дням и агента задают командой kopeck receipt defaults.",
                "VAT by days ahead and agents are set by kopeck receipt defaults.",
            )
            .to_owned(),
        path: "/admin/settings/receipts".to_owned(),
        fields: vec![
            Field::new("vat", lang.pick("НДС с сегодняшнего дня", "VAT from today"))
                .input(select(&[
                    ("", "Как есть", "As it is"),
                    ("none", "Без НДС", "None"),
                    ("general", "Общая ставка: 22 %", "General: 22 %"),
                    ("usn5", "УСН, 5 %", "USN, 5 %"),
                    ("usn7", "УСН, 7 %", "USN, 7 %"),
                ]))
                .hint(lang.pick(
                    "Что было раньше, остаётся за прежние дни.",
                    "What held before stays for the days before.",
                )),
            Field::new("taxation", lang.pick("Система налогообложения", "Tax system"))
                .input(select(&[
                    ("", "Не задана", "Not set"),
                    ("osn", "ОСН", "OSN"),
                    ("usn_income", "УСН доходы", "USN, income"),
                    ("usn_income_outcome", "УСН доходы минус расходы", "USN, income less costs"),
                    ("esn", "ЕСХН", "ESHN"),
                    ("patent", "Патент", "Patent"),
                ]))
                .value(value("taxation")),
            Field::new(
                "close_after_days",
                lang.pick(
                    "Напомнить о предоплате через, дней",
                    "Remind of a prepayment after, days",
                ),
            )
            .value(days.map_or(String::new(), |days| days.to_string()))
            .hint(lang.pick("Пусто: через 30.", "Empty: after 30.")),
        ],
        button: lang.pick("Сохранить", "Save").to_owned(),
        ..Form::default()
    }
}

/// A name that fits a page's head.
const MAX_NAME: usize = 100;

async fn rename(
    State(server): State<Server>,
    guest: Guest,
    fields: Fields,
) -> Result<Response, ApiError> {
    let name = fields.get("name").to_owned();
    let is_good = !name.is_empty() && name.chars().count() <= MAX_NAME;
    if !is_good || name.contains(char::is_control) {
        let what = format!("takes 1 to {MAX_NAME} characters");
        return Err(crate::http::json::invalid("name", &what));
    }
    let shop_id = guest.shop_id();
    let done: Result<(), DbError> =
        server.ctx.db.write(move |tx| shops::store::rename_shop(tx, &shop_id, &name)).await;
    done?;
    Ok(back_to("/admin/settings", "saved"))
}

async fn routing(guest: Guest, inner: Inner, fields: Fields) -> Result<Response, ApiError> {
    let mut rule = inner.get(&guest, "/v1/routing").await?;
    let order: Vec<&str> = fields
        .get("order")
        .split([',', ' '])
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    rule["order"] = json!(order);
    let body = json!({ "order": rule["order"], "methods": rule["methods"] });
    inner.call(&guest, (axum::http::Method::PUT, "/v1/routing"), None, Some(body)).await?;
    Ok(back_to("/admin/settings", "saved"))
}

async fn receipts(guest: Guest, inner: Inner, fields: Fields) -> Result<Response, ApiError> {
    let path = "/v1/receipts/defaults";
    let days = fields.find("close_after_days").map(|days| days.parse::<u32>()).transpose();
    let days = days.map_err(|_| crate::http::json::invalid("close_after_days", "takes days"))?;
    let mut body = inner.get(&guest, path).await?;
    if let Some(all) = body.as_object_mut() {
        for name in ["object", "saved", "outliving"] {
            all.remove(name);
        }
        all.insert("taxation".to_owned(), json!(fields.find("taxation")));
        all.insert("close_after_days".to_owned(), json!(days));
        if let Some(vat) = fields.find("vat") {
            all.insert("vat".to_owned(), json!(vat));
        }
        all.retain(|_, value| !value.is_null());
    }
    inner.call(&guest, (axum::http::Method::PUT, path), None, Some(body)).await?;
    Ok(back_to("/admin/settings", "saved"))
}

async fn health(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
) -> Result<Response, ApiError> {
    let (lang, shop_id, now_ms) = (frame.lang, guest.shop_id(), server.ctx.now_ms());
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let mut banks = Vec::new();
            for it in shops::store::list_connections(tx, &shop_id)? {
                let heard = crate::gateway::store::count_answers(tx, &it.id, now_ms - HOUR_MS)?;
                banks.push((it, heard));
            }
            Ok((banks, jobs::count_due(tx, now_ms)?))
        })
        .await;
    let (banks, (late, waiting)) = found?;
    let row = |(it, (good, silent)): &(shops::store::SealedConnection, (i64, i64))| {
        let state = match (*good, *silent) {
            (0, 0) => Cell::tag(lang.pick("Не спрашивали", "Not asked"), ""),
            (_, 0) => Cell::tag(lang.pick("Отвечает", "Answers"), "good"),
            (0, _) => Cell::tag(lang.pick("Молчит", "Silent"), "bad"),
            (_, _) => Cell::tag(lang.pick("С перебоями", "Now and then"), "wait"),
        };
        let is_dead = it.token_expires_ms.is_some_and(|ms| ms < now_ms);
        Row::new(vec![
            Cell::text(bank(&it.bank, lang)).more(it.name.clone()),
            state,
            Cell::count(*good),
            Cell::count(*silent),
            Cell::text(frame.opt_at(&Some(it.swept_ms).filter(|ms| *ms > 0))),
            if is_dead {
                Cell::tag(lang.pick("Ключ истёк", "The key is over"), "bad")
            } else {
                Cell::text(frame.opt_at(&it.token_expires_ms))
            },
        ])
    };
    let table = Table {
        columns: vec![
            lang.pick("Банк", "Bank"),
            lang.pick("За последний час", "In the last hour"),
            lang.pick("Ответов", "Answers"),
            lang.pick("Без ответа", "Silent"),
            lang.pick("Последняя сверка", "Last sweep"),
            lang.pick("Ключ действует до", "Key valid until"),
        ],
        rows: banks.iter().map(row).collect(),
    };
    let queue = Notice {
        headline: match (late, lang) {
            (0, _) => lang.pick("Очередь успевает", "The queue keeps up").to_owned(),
            (_, Lang::Ru) => format!("Опаздывают задания: {late}"),
            (_, Lang::En) => format!("Jobs that are late: {late}"),
        },
        detail: match lang {
            Lang::Ru => format!("Всего запланировано: {waiting}."),
            Lang::En => format!("Planned in all: {waiting}."),
        },
        tone: if late == 0 { "good" } else { "wait" },
        ..Notice::default()
    };
    Sheet {
        headline: lang.pick("Здоровье", "Health").to_owned(),
        notices: vec![queue],
        table,
        empty: (lang.pick("Ни один банк не подключён", "No bank is connected"), ""),
        ..Sheet::default()
    }
    .show(frame)
}
