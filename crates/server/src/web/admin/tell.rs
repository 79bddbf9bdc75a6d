//! Who is told: deliveries to the shop's systems and messages to people, with their replay; the
//! webhooks and integrations behind them; what needs somebody.

use axum::{extract::Path, response::Response};
use kopeck_integrations::{INTEGRATIONS, find_integration};
use serde_json::{Value, json};

use super::{
    door::Doors,
    export,
    frame::Frame,
    guest::{Fields, Guest},
    inner::{Inner, part},
    payment::back_to,
    search::{self, Asked},
    sheet::{Act, Cell, Field, Form, Input, Notice, Row, Sheet, Table},
};
use crate::{
    http::{ApiError, codes, query::RawQuery},
    staff::model::Permission,
    web::lang::Lang,
};

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/deliveries", Permission::Look, deliveries)
        .act("/admin/deliveries/{id}/retry", Permission::Sell, ("delivery.retry", &[]), redeliver)
        .page("/admin/sendings", Permission::Look, sendings)
        .act("/admin/sendings/{id}/retry", Permission::Sell, ("sending.retry", &[]), resend)
        .page("/admin/webhooks", Permission::Manage, webhooks)
        .act("/admin/webhooks", Permission::Manage, ("webhook.create", &["url", "events"]), make)
        .act("/admin/webhooks/{id}/{step}", Permission::Manage, ("webhook.change", &["step"]), step)
        .page("/admin/integrations", Permission::Manage, integrations)
        .act(
            "/admin/integrations",
            Permission::Manage,
            ("integration.create", &["service", "news_to"]),
            connect,
        )
        .act(
            "/admin/integrations/{id}/{step}",
            Permission::Manage,
            ("integration.change", &["step"]),
            change,
        )
        .page("/admin/todos", Permission::Look, todos)
        .act("/admin/todos/{id}/done", Permission::Settle, ("todo.done", &[]), settle)
}

fn word(status: &str, lang: Lang) -> (&'static str, &'static str) {
    match status {
        "delivered" => (lang.pick("Принято", "Delivered"), "good"),
        "pending" => (lang.pick("В пути", "Pending"), "wait"),
        "failed" => (lang.pick("Не доставлено", "Failed"), "bad"),
        "unknown" => (lang.pick("Неизвестно", "Unknown"), "bad"),
        "dropped" => (lang.pick("Не нужно", "Dropped"), ""),
        "failing" => (lang.pick("Не отвечает", "Failing"), "wait"),
        "enabled" | "active" => (lang.pick("Работает", "Working"), "good"),
        "disabled" | "stopped" => (lang.pick("Остановлено", "Stopped"), "bad"),
        _ => ("—", ""),
    }
}

fn tabs(lang: Lang, is_hooks: bool) -> Vec<(String, String, bool)> {
    let tab =
        |path: &str, ru, en, is_here| (path.to_owned(), lang.pick(ru, en).to_owned(), is_here);
    vec![
        tab("/admin/deliveries", "Вашим системам", "To your systems", is_hooks),
        tab("/admin/sendings", "Людям и сервисам", "To people and services", !is_hooks),
    ]
}

fn status_filter(asked: &Asked, lang: Lang) -> Field {
    let all = [
        ("", "Любое", "Any"),
        ("pending", "В пути", "Pending"),
        ("delivered", "Принято", "Delivered"),
        ("failed", "Не доставлено", "Failed"),
    ];
    let all = all.map(|(value, ru, en)| (value.to_owned(), lang.pick(ru, en).to_owned()));
    Field::new("status", lang.pick("Состояние", "State"))
        .input(Input::Select(all.into()))
        .value(asked.get("status"))
}

fn text(it: &Value, name: &str) -> String {
    it[name].as_str().unwrap_or("").to_owned()
}

async fn deliveries(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let asked = Asked::read(&raw, &["status", "payment_id", "webhook_id"])?;
    let path = format!("/v1/deliveries?{}", asked.kept().trim_end_matches('&'));
    if let Some(format) = asked.format(&frame) {
        let all = search::all(&inner, &guest, &path).await?;
        return export::file(&frame, format, "deliveries", &delivery_table(&all, &frame));
    }
    let (found, next) = search::page(&inner, &guest, &path, &asked, "/admin/deliveries").await?;
    let mut sheet = Sheet {
        headline: lang.pick("Уведомления", "Notifications").to_owned(),
        tabs: tabs(lang, true),
        filters: vec![status_filter(&asked, lang)],
        table: delivery_table(&found, &frame),
        empty: (lang.pick("Ничего нет", "Nothing here"), ""),
        next,
        ..Sheet::default()
    };
    if frame.accounts() {
        sheet.offer_files(lang, "/admin/deliveries", raw.text());
    }
    sheet.show(frame)
}

fn delivery_table(all: &[Value], frame: &Frame) -> Table {
    let lang = frame.lang;
    let row = |it: &Value| {
        let (state, tone) = word(&text(it, "status"), lang);
        let path = format!("/admin/deliveries/{}/retry", text(it, "id"));
        let last =
            it["last_status"].as_i64().map_or_else(|| text(it, "last_error"), |it| it.to_string());
        Row::new(vec![
            Cell::text(search::moment(&it["created_at"], frame)),
            Cell::code(text(it, "type")),
            Cell::tag(state, tone),
            Cell::count(it["attempts"].as_i64().unwrap_or(0)),
            Cell::text(last),
            Cell::text(search::moment(&it["next_attempt_at"], frame)),
        ])
        .act(frame.sells(), Act::new(lang.pick("Ещё раз", "Once more"), path))
    };
    Table {
        columns: vec![
            lang.pick("Когда", "When"),
            lang.pick("Событие", "Event"),
            lang.pick("Состояние", "State"),
            lang.pick("Попыток", "Tries"),
            lang.pick("Последний ответ", "Last answer"),
            lang.pick("Следующая", "Next"),
        ],
        rows: all.iter().map(row).collect(),
    }
}

async fn redeliver(
    guest: Guest,
    inner: Inner,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let path = format!("/v1/deliveries/{}/retry", part(&id));
    inner.post(&guest, &path, None, json!({})).await?;
    Ok(back_to("/admin/deliveries", "retried"))
}

async fn sendings(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let asked = Asked::read(&raw, &["status", "payment_id"])?;
    let path = format!("/v1/sendings?{}", asked.kept().trim_end_matches('&'));
    let (found, next) = search::page(&inner, &guest, &path, &asked, "/admin/sendings").await?;
    let row = |it: &Value| {
        let (state, tone) = word(&text(it, "status"), lang);
        let payment = text(it, "payment_id");
        let link = format!("/admin/payments/{payment}");
        let is_over = ["failed", "unknown"].contains(&text(it, "status").as_str());
        let path = format!("/admin/sendings/{}/retry", text(it, "id"));
        Row::new(vec![
            Cell::text(search::moment(&it["created_at"], &frame)),
            Cell::code(text(it, "kind")),
            Cell::tag(state, tone),
            Cell::count(it["tries"].as_i64().unwrap_or(0)),
            Cell::text(text(it, "why")),
            Cell::code(payment.clone()).to(if payment.is_empty() { String::new() } else { link }),
        ])
        .act(is_over && frame.sells(), Act::new(lang.pick("Ещё раз", "Once more"), path))
    };
    Sheet {
        headline: lang.pick("Уведомления", "Notifications").to_owned(),
        tabs: tabs(lang, false),
        filters: vec![status_filter(&asked, lang)],
        table: Table {
            columns: vec![
                lang.pick("Когда", "When"),
                lang.pick("О чём", "About"),
                lang.pick("Состояние", "State"),
                lang.pick("Попыток", "Tries"),
                lang.pick("Почему", "Why"),
                lang.pick("Платёж", "Payment"),
            ],
            rows: found.iter().map(row).collect(),
        },
        empty: (lang.pick("Ничего нет", "Nothing here"), ""),
        next,
        ..Sheet::default()
    }
    .show(frame)
}

async fn resend(guest: Guest, inner: Inner, Path(id): Path<String>) -> Result<Response, ApiError> {
    let path = format!("/v1/sendings/{}/retry", part(&id));
    inner.post(&guest, &path, None, json!({})).await?;
    Ok(back_to("/admin/sendings", "retried"))
}

async fn webhooks(guest: Guest, frame: Frame, inner: Inner) -> Result<Response, ApiError> {
    hooks_page(&guest, frame, &inner, Vec::new()).await
}

async fn hooks_page(
    guest: &Guest,
    frame: Frame,
    inner: &Inner,
    notices: Vec<Notice>,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let all = search::all(inner, guest, "/v1/webhooks").await?;
    let row = |it: &Value| {
        let (state, tone) = word(&text(it, "status"), lang);
        let path = |step: &str| format!("/admin/webhooks/{}/{step}", text(it, "id"));
        let act =
            |ru, en, step: &'static str| Act::new(lang.pick(ru, en), path(step)).with("step", step);
        let events: Vec<&str> = it["events"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let is_on = text(it, "status") != "disabled";
        Row::new(vec![
            Cell::code(text(it, "url")).more(text(it, "description")),
            Cell::text(events.join(", ")),
            Cell::tag(state, tone).more(text(it, "disabled_reason")),
            Cell::text(search::moment(&it["delivered_at"], &frame)),
        ])
        .act(is_on, act("Проверить", "Test", "test"))
        .act(true, act("Новый секрет", "New secret", "rotate"))
        .act(is_on, act("Выключить", "Disable", "disable"))
        .act(!is_on, act("Включить", "Enable", "enable"))
        .act(true, act("Удалить", "Remove", "remove").danger())
    };
    Sheet {
        headline: lang.pick("Вебхуки", "Webhooks").to_owned(),
        about: lang
            .pick(
                "Ваши системы узнают о каждом событии: подписано, по порядку, пока не примут.",
                "Your systems hear of each event: signed, in order, until they take it.",
            )
            .to_owned(),
        notices,
        table: Table {
            columns: vec![
                lang.pick("Адрес", "Address"),
                lang.pick("События", "Events"),
                lang.pick("Состояние", "State"),
                lang.pick("Последнее принято", "Last delivered"),
            ],
            rows: all.iter().map(row).collect(),
        },
        empty: (lang.pick("Вебхуков нет", "No webhooks"), ""),
        forms: vec![Form {
            headline: lang.pick("Новый вебхук", "A new webhook").to_owned(),
            path: "/admin/webhooks".to_owned(),
            fields: vec![
                Field::new("url", lang.pick("Адрес", "Address")).required(),
                Field::new("events", lang.pick("События", "Events")).hint(lang.pick(
                    "Через запятую, например payment.paid, refund.*; пусто — все.",
                    "By commas, such as payment.paid, refund.*; empty for all.",
                )),
                Field::new("description", lang.pick("Заметка", "Note")),
            ],
            button: lang.pick("Создать", "Make it").to_owned(),
            ..Form::default()
        }],
        ..Sheet::default()
    }
    .show(frame)
}

fn secret(value: &Value, lang: Lang) -> Vec<Notice> {
    let copy = value["secret"].as_str();
    let notice = copy.map(|copy| Notice {
        headline: lang.pick("Секрет подписи", "The signing secret").to_owned(),
        detail: lang
            .pick("Сохраните его: больше мы его не покажем.", "Keep it: it is shown this once.")
            .to_owned(),
        tone: "good",
        copy: copy.to_owned(),
        ..Notice::default()
    });
    notice.into_iter().collect()
}

/// What came of a test.
fn tried(it: &Value, lang: Lang) -> Notice {
    let is_good = it["ok"].as_bool() != Some(false);
    let told = ["error", "message", "hint"].map(|name| {
        it[name].as_str().or_else(|| it[name]["message"].as_str()).unwrap_or("").to_owned()
    });
    Notice {
        headline: if is_good {
            lang.pick("Проверка прошла", "The test went well").to_owned()
        } else {
            lang.pick("Проверка не прошла", "The test failed").to_owned()
        },
        detail: told.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "),
        tone: if is_good { "good" } else { "bad" },
        ..Notice::default()
    }
}

fn words_of(list: &str) -> Vec<&str> {
    list.split([',', ' ', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect()
}

async fn make(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    fields: Fields,
) -> Result<Response, ApiError> {
    let mut body = json!({ "url": fields.get("url") });
    let events = words_of(fields.get("events"));
    if !events.is_empty() {
        body["events"] = json!(events);
    }
    if let Some(note) = fields.find("description") {
        body["description"] = json!(note);
    }
    let made = inner.post(&guest, "/v1/webhooks", None, body).await?;
    let notices = secret(&made, frame.lang);
    hooks_page(&guest, frame, &inner, notices).await
}

async fn step(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    Path((id, step)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    use axum::http::Method;
    let at = format!("/v1/webhooks/{}", part(&id));
    match step.as_str() {
        "test" => {
            let tested = inner.post(&guest, &format!("{at}/test"), None, json!({})).await?;
            let notice = tried(&tested, frame.lang);
            hooks_page(&guest, frame, &inner, vec![notice]).await
        }
        "rotate" => {
            let made = inner.post(&guest, &format!("{at}/rotate"), None, json!({})).await?;
            let notices = secret(&made, frame.lang);
            hooks_page(&guest, frame, &inner, notices).await
        }
        "enable" | "disable" => {
            let body = json!({ "enabled": step == "enable" });
            inner.call(&guest, (Method::PATCH, &at), None, Some(body)).await?;
            Ok(back_to("/admin/webhooks", "saved"))
        }
        "remove" => {
            inner.call(&guest, (Method::DELETE, &at), None, None).await?;
            Ok(back_to("/admin/webhooks", "removed"))
        }
        _ => Err(ApiError::of(codes::ROUTE_NOT_FOUND)),
    }
}

async fn integrations(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    services_page(&guest, frame, &inner, raw.find_any("service").as_deref(), Vec::new()).await
}

async fn services_page(
    guest: &Guest,
    frame: Frame,
    inner: &Inner,
    service: Option<&str>,
    notices: Vec<Notice>,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let found = inner.get(guest, "/v1/integrations").await?;
    let all = found["data"].as_array().cloned().unwrap_or_default();
    let row = |it: &Value| {
        let (state, tone) = word(&text(it, "status"), lang);
        let act = |ru, en, step: &'static str| {
            let path = format!("/admin/integrations/{}/{step}", text(it, "id"));
            Act::new(lang.pick(ru, en), path).with("step", step)
        };
        Row::new(vec![
            Cell::text(text(it, "title")).more(text(it, "service")),
            Cell::tag(state, tone).more(text(it, "stopped_code")),
            Cell::text(search::moment(&it["created_at"], &frame)),
        ])
        .act(true, act("Проверить", "Test", "test"))
        .act(true, act("Отправить неудавшееся", "Send what failed", "retry"))
        .act(true, act("Удалить", "Remove", "remove").danger())
    };
    let chosen = service.and_then(find_integration);
    let services = INTEGRATIONS.iter().map(|it| {
        let path = format!("/admin/integrations?service={}", it.name());
        (path, it.title().to_owned(), chosen.is_some_and(|chosen| chosen.name() == it.name()))
    });
    Sheet {
        headline: lang.pick("Интеграции", "Integrations").to_owned(),
        about: lang
            .pick(
                "CRM, боты, мессенджеры, почта. Выберите сервис, чтобы подключить его.",
                "CRM, bots, messengers, mail. Choose a service to set it up.",
            )
            .to_owned(),
        tabs: services.collect(),
        notices,
        table: Table {
            columns: vec![
                lang.pick("Сервис", "Service"),
                lang.pick("Состояние", "State"),
                lang.pick("Подключён", "Since"),
            ],
            rows: all.iter().map(row).collect(),
        },
        empty: (lang.pick("Ничего не подключено", "Nothing is set up"), ""),
        forms: chosen.map(|it| service_form(it, lang)).into_iter().collect(),
        ..Sheet::default()
    }
    .show(frame)
}

fn service_form(it: &dyn kopeck_integrations::Integration, lang: Lang) -> Form {
    let mut fields = vec![Field::hidden("service", it.name())];
    for setting in it.settings() {
        let input = if setting.is_secret { Input::Password } else { Input::Text };
        fields.push(Field::new(setting.name, setting.name).input(input).hint(setting.about));
    }
    fields.push(
        Field::new("news_to", lang.pick("Куда писать магазину", "Where to write to the shop"))
            .hint(lang.pick("Чат или адрес; можно оставить пустым.", "A chat; may be empty.")),
    );
    Form {
        headline: match lang {
            Lang::Ru => format!("Подключить: {}", it.title()),
            Lang::En => format!("Set up {}", it.title()),
        },
        path: "/admin/integrations".to_owned(),
        fields,
        button: lang.pick("Подключить", "Set it up").to_owned(),
        ..Form::default()
    }
}

async fn connect(guest: Guest, inner: Inner, fields: Fields) -> Result<Response, ApiError> {
    let service = find_integration(fields.get("service"));
    let service = service.ok_or_else(|| ApiError::of(codes::ROUTE_NOT_FOUND))?;
    let mut settings = serde_json::Map::new();
    for setting in service.settings() {
        if let Some(value) = fields.find(setting.name) {
            settings.insert(setting.name.to_owned(), json!(value));
        }
    }
    let mut body = json!({ "service": service.name(), "settings": settings });
    if let Some(to) = fields.find("news_to") {
        body["news_to"] = json!(to);
    }
    inner.post(&guest, "/v1/integrations", None, body).await?;
    Ok(back_to("/admin/integrations", "saved"))
}

async fn change(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    Path((id, step)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let at = format!("/v1/integrations/{}", part(&id));
    match step.as_str() {
        "test" => {
            let tested = inner.post(&guest, &format!("{at}/test"), None, json!({})).await?;
            let notice = tried(&tested, frame.lang);
            services_page(&guest, frame, &inner, None, vec![notice]).await
        }
        "retry" => {
            inner.post(&guest, &format!("{at}/{step}"), None, json!({})).await?;
            Ok(back_to("/admin/integrations", "sent"))
        }
        "remove" => {
            inner.call(&guest, (axum::http::Method::DELETE, &at), None, None).await?;
            Ok(back_to("/admin/integrations", "removed"))
        }
        _ => Err(ApiError::of(codes::ROUTE_NOT_FOUND)),
    }
}

async fn todos(
    guest: Guest,
    frame: Frame,
    inner: Inner,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let asked = Asked::read(&raw, &[])?;
    let (found, next) = search::page(&inner, &guest, "/v1/todos", &asked, "/admin/todos").await?;
    let row = |it: &Value| {
        let (about, link) = if let Some(id) = it["payment_id"].as_str() {
            (lang.pick("Платёж", "Payment"), format!("/admin/payments/{id}"))
        } else if let Some(id) = it["subscription_id"].as_str() {
            (lang.pick("Подписка", "Subscription"), format!("/admin/subscriptions/{id}"))
        } else if it["webhook_id"].is_string() {
            (lang.pick("Вебхук", "Webhook"), "/admin/webhooks".to_owned())
        } else {
            (lang.pick("Интеграция", "Integration"), "/admin/integrations".to_owned())
        };
        let path = format!("/admin/todos/{}/done", text(it, "id"));
        Row::new(vec![
            Cell::text(search::moment(&it["created_at"], &frame)),
            Cell::text(about).to(link),
            Cell::text(text(it, lang.as_str())).more(text(&it["why"], "message")),
        ])
        .act(frame.settles(), Act::new(lang.pick("Сделано", "Done"), path))
    };
    Sheet {
        headline: lang.pick("Требует внимания", "Needs attention").to_owned(),
        about: lang
            .pick("То, что машина не вправе решить сама.", "What no machine may decide by itself.")
            .to_owned(),
        table: Table {
            columns: vec![
                lang.pick("Когда", "When"),
                lang.pick("Где", "Where"),
                lang.pick("Что сделать", "What to do"),
            ],
            rows: found.iter().map(row).collect(),
        },
        empty: (
            lang.pick("Всё спокойно", "All is well"),
            lang.pick("Ничего не ждёт вашего решения.", "Nothing awaits your decision."),
        ),
        next,
        ..Sheet::default()
    }
    .show(frame)
}

async fn settle(guest: Guest, inner: Inner, Path(id): Path<String>) -> Result<Response, ApiError> {
    let path = format!("/v1/todos/{}/done", part(&id));
    inner.post(&guest, &path, None, json!({})).await?;
    Ok(back_to("/admin/todos", "closed"))
}
