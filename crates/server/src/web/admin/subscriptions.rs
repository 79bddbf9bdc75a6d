//! Subscriptions: who pays again and again, one of them, and the months as pictures.

use askama::Template;
use axum::{extract::Path, response::Response};
use kopeck_banks::Money;
use serde_json::{Value, json};

use super::{
    door::{Doors, form_escape},
    export,
    frame::Frame,
    guest::{Fields, Guest},
    inner::{Inner, part},
    payment::back_to,
    refuse,
    search::{self, Asked},
    sheet::{Cell, Field, Form, Input, Notice, Row, Sheet, Table},
};
use crate::{
    http::{ApiError, query::RawQuery},
    staff::model::Permission,
    subscriptions::state::Status,
    web::{lang::Lang, parts::Chart},
};

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/subscriptions", Permission::Look, list)
        .page("/admin/subscriptions/numbers", Permission::Look, numbers)
        .page("/admin/subscriptions/{id}", Permission::Look, show)
        .act(
            "/admin/subscriptions/{id}/{step}",
            Permission::Sell,
            ("subscription.change", &["step", "when"]),
            step,
        )
}

const fn word(status: Status, lang: Lang) -> (&'static str, &'static str) {
    match status {
        Status::Pending => (lang.pick("Ждёт первой оплаты", "Pending"), ""),
        Status::Trialing => (lang.pick("Пробный период", "Trialing"), ""),
        Status::Active => (lang.pick("Действует", "Active"), "good"),
        Status::PastDue => (lang.pick("Просрочена", "Past due"), "bad"),
        Status::Paused => (lang.pick("Пауза", "Paused"), "wait"),
        Status::Canceled => (lang.pick("Окончена", "Canceled"), ""),
        Status::Expired => (lang.pick("Не началась", "Expired"), ""),
    }
}

fn state(it: &Value, lang: Lang) -> (&'static str, &'static str) {
    let status = it["status"].as_str().and_then(Status::parse);
    status.map_or(("—", ""), |status| word(status, lang))
}

fn tabs(lang: Lang, is_list: bool) -> Vec<(String, String, bool)> {
    let tab =
        |path: &str, ru, en, is_here| (path.to_owned(), lang.pick(ru, en).to_owned(), is_here);
    vec![
        tab("/admin/subscriptions", "Список", "List", is_list),
        tab("/admin/subscriptions/numbers", "Цифры", "Numbers", !is_list),
    ]
}

async fn list(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let asked = Asked::read(&raw, &["status", "customer_id"])?;
    let path = format!("/v1/subscriptions?{}", asked.kept().trim_end_matches('&'));
    if let Some(format) = asked.format(&frame) {
        let all = search::all(&inner, &guest, &path).await?;
        return export::file(&frame, format, "subscriptions", &table(&all, &frame, true));
    }
    let (found, next) = search::page(&inner, &guest, &path, &asked, "/admin/subscriptions").await?;
    let mut states = vec![(String::new(), lang.pick("Любое", "Any").to_owned())];
    states.extend(Status::ALL.map(|it| (it.as_str().to_owned(), word(it, lang).0.to_owned())));
    let mut sheet = Sheet {
        headline: lang.pick("Подписки", "Subscriptions").to_owned(),
        tabs: tabs(lang, true),
        filters: vec![
            Field::new("status", lang.pick("Состояние", "State"))
                .input(Input::Select(states))
                .value(asked.get("status")),
            Field::new("customer_id", lang.pick("Клиент", "Customer"))
                .value(asked.get("customer_id")),
        ],
        table: table(&found, &frame, false),
        empty: (
            lang.pick("Подписок нет", "No subscriptions"),
            lang.pick(
                "Их создаёт ваш сайт или бот через API; тарифы — там же.",
                "Your site or bot makes them through the API; so are plans made.",
            ),
        ),
        next,
        ..Sheet::default()
    };
    if frame.accounts() {
        sheet.offer_files(lang, "/admin/subscriptions", raw.text());
    }
    sheet.show(frame)
}

fn table(all: &[Value], frame: &Frame, is_file: bool) -> Table {
    let lang = frame.lang;
    let row = |it: &Value| {
        let text = |name: &str| it[name].as_str().unwrap_or("").to_owned();
        let (word, tone) = state(it, lang);
        let customer = Cell::text(text("customer_id"));
        let href = format!("/admin/subscriptions/{}", text("id"));
        Row::new(vec![
            if is_file { customer } else { customer.to(href) },
            Cell::text(text("name")).more(if is_file { String::new() } else { text("plan") }),
            Cell::tag(word, tone),
            Cell::kopecks(it["price_kopecks"].as_i64()),
            Cell::text(search::moment(&it["next_charge_at"], frame)),
            Cell::kopecks(it["next_amount_kopecks"].as_i64()),
            Cell::text(search::moment(&it["access_until"], frame)),
        ])
    };
    Table {
        columns: vec![
            lang.pick("Клиент", "Customer"),
            lang.pick("Тариф", "Plan"),
            lang.pick("Состояние", "State"),
            lang.pick("Цена", "Price"),
            lang.pick("Следующее списание", "Next charge"),
            lang.pick("Сколько", "How much"),
            lang.pick("Доступ до", "Access until"),
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
    let at = format!("/v1/subscriptions/{}", part(&id));
    let it = inner.get(&guest, &at).await?;
    let periods = inner.get(&guest, &format!("{at}/periods")).await?;
    let (word, tone) = state(&it, lang);
    let text = |name: &str| it[name].as_str().unwrap_or("").to_owned();
    let mut notices = vec![Notice {
        headline: word.to_owned(),
        detail: about(&it, &frame),
        tone: if tone.is_empty() { "info" } else { tone },
        ..Notice::default()
    }];
    if let Some(why) = it["problem"]["message"].as_str() {
        notices.push(Notice {
            headline: lang.pick("Списание не идёт", "It cannot be charged").to_owned(),
            detail: why.to_owned(),
            tone: "bad",
            ..Notice::default()
        });
    }
    for (name, ru, en) in [
        ("pay_url", "Ссылка для оплаты", "Link to pay"),
        ("rebind_url", "Ссылка для новой карты", "Link for a new card"),
        ("withdraw_url", "Отзыв согласия клиентом", "Where the customer withdraws"),
    ] {
        if let Some(url) = it[name].as_str() {
            let headline = lang.pick(ru, en).to_owned();
            let copy = url.to_owned();
            notices.push(Notice { headline, copy, tone: "info", ..Notice::default() });
        }
    }
    Sheet {
        headline: format!("{} · {}", text("customer_id"), text("name")),
        notices,
        table: periods_table(&periods, &frame),
        empty: (lang.pick("Периодов ещё нет", "No periods yet"), ""),
        forms: steps(&it, &frame),
        ..Sheet::default()
    }
    .show(frame)
}

fn about(it: &Value, frame: &Frame) -> String {
    let lang = frame.lang;
    let next = search::moment(&it["next_charge_at"], frame);
    let sum = it["next_amount_kopecks"].as_i64().and_then(|it| Money::from_kopecks(it).ok());
    match (sum, next.is_empty(), lang) {
        (Some(sum), false, Lang::Ru) => format!("Следующее списание {next}: {}.", sum.to_human()),
        (Some(sum), false, Lang::En) => format!("Next charge {next}: {}.", sum.to_human()),
        (Some(_) | None, _, _) => {
            let until = search::moment(&it["access_until"], frame);
            match (until.is_empty(), lang) {
                (true, _) => String::new(),
                (false, Lang::Ru) => format!("Доступ до {until}."),
                (false, Lang::En) => format!("Access until {until}."),
            }
        }
    }
}

fn period_word(status: &str, lang: Lang) -> &'static str {
    match status {
        "open" => lang.pick("Ждёт денег", "Open"),
        "paid" => lang.pick("Оплачен", "Paid"),
        _ => lang.pick("Отменён", "Void"),
    }
}

fn periods_table(periods: &Value, frame: &Frame) -> Table {
    let lang = frame.lang;
    let all = periods["data"].as_array().map_or(&[][..], Vec::as_slice);
    let row = |it: &Value| {
        let text = |name: &str| it[name].as_str().unwrap_or("").to_owned();
        let tries = it["payments"].as_array().map_or(&[][..], Vec::as_slice);
        let last = tries.last().map(|it| it["payment_id"].as_str().unwrap_or(""));
        let payment = last.unwrap_or("").to_owned();
        let link = format!("/admin/payments/{payment}");
        Row::new(vec![
            Cell::count(it["number"].as_i64().unwrap_or(0)),
            Cell::text(search::moment(&it["start"], frame)),
            Cell::text(search::moment(&it["end"], frame)),
            Cell::kopecks(it["amount_kopecks"].as_i64()),
            Cell::text(period_word(&text("status"), lang)),
            Cell::code(payment.clone()).to(if payment.is_empty() { String::new() } else { link }),
        ])
    };
    Table {
        columns: vec![
            "№",
            lang.pick("С", "From"),
            lang.pick("По", "To"),
            lang.pick("Сумма", "Sum"),
            lang.pick("Состояние", "State"),
            lang.pick("Платёж", "Payment"),
        ],
        rows: all.iter().map(row).collect(),
    }
}

/// What may be done with it, as a form each.
fn steps(it: &Value, frame: &Frame) -> Vec<Form> {
    let lang = frame.lang;
    let status = it["status"].as_str().and_then(Status::parse);
    let id = it["id"].as_str().unwrap_or("");
    let form =
        |step: &str, headline: (&'static str, &'static str), mut fields: Vec<Field>, is_danger| {
            fields.push(Field::hidden("step", step));
            Form {
                headline: lang.pick(headline.0, headline.1).to_owned(),
                path: format!("/admin/subscriptions/{id}/{step}"),
                button: lang.pick(headline.0, headline.1).to_owned(),
                is_folded: true,
                is_danger,
                fields,
                ..Form::default()
            }
        };
    let when = Field::new("when", lang.pick("Когда", "When")).input(Input::Select(vec![
        ("period_end".to_owned(), lang.pick("В конце периода", "At the period's end").to_owned()),
        ("now".to_owned(), lang.pick("Сейчас", "Now").to_owned()),
    ]));
    let Some(status) = status.filter(|_| frame.sells()) else { return Vec::new() };
    let mut forms = Vec::new();
    let is_ending = it["cancel_at_period_end"].as_bool() == Some(true);
    match status {
        Status::Paused => forms.push(form("resume", ("Продолжить", "Resume"), Vec::new(), false)),
        Status::Active if !is_ending => {
            forms.push(form("pause", ("Поставить на паузу", "Pause"), Vec::new(), false));
        }
        Status::Active
        | Status::Pending
        | Status::Trialing
        | Status::PastDue
        | Status::Canceled
        | Status::Expired => {}
    }
    if is_ending {
        let words = ("Отменить отмену", "Take the cancellation back");
        forms.push(form("reactivate", words, Vec::new(), false));
    } else if !status.is_over() {
        forms.push(form("cancel", ("Закончить подписку", "Cancel it"), vec![when], true));
    }
    forms
}

async fn step(
    guest: Guest,
    inner: Inner,
    Path((id, step)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let body = match step.as_str() {
        "pause" | "resume" | "reactivate" => json!({}),
        "cancel" => json!({ "when": fields.get("when") }),
        _ => return Err(ApiError::of(crate::http::codes::ROUTE_NOT_FOUND)),
    };
    let path = format!("/v1/subscriptions/{}/{step}", part(&id));
    inner.post(&guest, &path, None, body).await?;
    Ok(back_to(&format!("/admin/subscriptions/{}", part(&id)), "saved"))
}

#[derive(Template)]
#[template(path = "admin/numbers.html")]
struct NumbersPage {
    frame: Frame,
    tabs: Vec<(String, String, bool)>,
    charts: Vec<Chart>,
    table: Table,
}

async fn numbers(guest: Guest, frame: Frame, inner: Inner) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let path = format!("/v1/subscriptions/metrics?time_zone={}", form_escape(&frame.zone));
    let found = inner.get(&guest, &path).await?;
    let months = found["months"].as_array().cloned().unwrap_or_default();
    let label = |it: &Value| {
        let name = it["month"].as_str().unwrap_or("");
        name.split_once('-').map_or(name.to_owned(), |(year, month)| {
            format!("{month}.{}", year.chars().skip(2).collect::<String>())
        })
    };
    let money = |name: &'static str| {
        let bar = |it: &Value| {
            let kopecks = it[name].as_i64().unwrap_or(0);
            let said = Money::from_kopecks(kopecks).map_or_else(|_| String::new(), Money::to_human);
            (label(it), kopecks, said)
        };
        months.iter().map(bar).collect::<Vec<_>>()
    };
    let count = |name: &'static str| {
        let bar = |it: &Value| {
            let count = it[name].as_i64().unwrap_or(0);
            (label(it), count, count.to_string())
        };
        months.iter().map(bar).collect::<Vec<_>>()
    };
    let page = NumbersPage {
        tabs: tabs(lang, false),
        charts: vec![
            Chart::of_bars(lang.pick("MRR: доход в месяц", "MRR"), money("mrr_kopecks")),
            Chart::of_bars(lang.pick("Ушли за месяц", "Churned in the month"), count("churned")),
            Chart::of_bars(lang.pick("Новые за месяц", "New in the month"), count("new")),
            Chart::of_bars(
                lang.pick("Действуют на конец месяца", "Active at its end"),
                count("active"),
            ),
        ],
        table: months_table(&months, lang),
        frame,
    };
    refuse::show(&page)
}

fn months_table(months: &[Value], lang: Lang) -> Table {
    let row = |it: &Value| {
        let count = |name: &str| Cell::count(it[name].as_i64().unwrap_or(0));
        let sum = |name: &str| Cell::kopecks(it[name].as_i64());
        Row::new(vec![
            Cell::text(it["month"].as_str().unwrap_or("")),
            count("active"),
            sum("mrr_kopecks"),
            count("new"),
            count("returned"),
            count("churned"),
            count("paused"),
            sum("recovered_kopecks"),
            sum("paid_kopecks"),
        ])
    };
    Table {
        columns: vec![
            lang.pick("Месяц", "Month"),
            lang.pick("Действуют", "Active"),
            "MRR",
            lang.pick("Новые", "New"),
            lang.pick("Вернулись", "Returned"),
            lang.pick("Ушли", "Churned"),
            lang.pick("На паузе", "Paused"),
            lang.pick("Спасено", "Recovered"),
            lang.pick("Получено", "Paid"),
        ],
        rows: months.iter().rev().map(row).collect(),
    }
}
