//! Banks: which are connected and how they are, and connecting one: the steps of `kopeck init`.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use kopeck_banks::{Credentials, op::Refusal, tbank, tochka::settings};

use super::{
    door::Doors,
    frame::Frame,
    guest::{Fields, Guest},
    payments::bank,
    refuse::undone,
    sheet::{Cell, Field, Form, Input, Notice, Row, Sheet, Table},
    words,
};
use crate::{
    gateway::connecting::{self, Reached},
    http::{ApiError, Server},
    shops::{flow::list_connections, model::Connection},
    staff::model::Permission,
    web::lang::Lang,
};

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/banks", Permission::Manage, list)
        .act(
            "/admin/banks/tochka",
            Permission::Manage,
            ("bank.connect_tochka", &["customer_code", "merchant_id", "base_url"]),
            connect_tochka,
        )
        .act(
            "/admin/banks/tbank",
            Permission::Manage,
            ("bank.connect_tbank", &["terminal_key", "base_url"]),
            connect_tbank,
        )
        .act("/admin/banks/notices", Permission::Manage, ("bank.notices", &["id"]), notices)
}

async fn list(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
) -> Result<Response, ApiError> {
    page(&server, &guest, frame, Vec::new(), Vec::new()).await
}

async fn page(
    server: &Server,
    guest: &Guest,
    frame: Frame,
    mut notices: Vec<Notice>,
    asked: Vec<Form>,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let all = list_connections(&server.ctx, &guest.member.shop_id).await?;
    if all.is_empty() && notices.is_empty() {
        notices.push(Notice {
            headline: lang.pick("Шаг 1 из 2: банк", "Step 1 of 2: the bank").to_owned(),
            detail: lang
                .pick(
                    "Подключите банк, в котором принимаете платежи. Потом создадим первую ссылку.",
                    "Connect the bank that takes your payments. Then we make the first link.",
                )
                .to_owned(),
            tone: "info",
            ..Notice::default()
        });
    }
    let is_first = all.len() == 1 && guest_is_new(&frame);
    let mut sheet = Sheet {
        headline: lang.pick("Банки", "Banks").to_owned(),
        notices,
        table: table(&all, server, &frame),
        empty: (lang.pick("Ни один банк не подключён", "No bank is connected"), ""),
        forms: if asked.is_empty() { forms(lang, !all.is_empty()) } else { asked },
        ..Sheet::default()
    };
    if is_first || !all.is_empty() {
        let way = lang.pick("Создать ссылку", "Make a link").to_owned();
        sheet.ways.push((way, "/admin/links/new".to_owned()));
    }
    sheet.show(frame)
}

fn guest_is_new(frame: &Frame) -> bool {
    !frame.toast.is_empty()
}

fn table(all: &[Connection], server: &Server, frame: &Frame) -> Table {
    let lang = frame.lang;
    let now_ms = server.ctx.now_ms();
    let row = |it: &Connection| {
        let expiry = match it.token_expires_ms {
            Some(ms) if ms < now_ms => Cell::tag(frame.at(ms), "bad"),
            Some(ms) => Cell::text(frame.at(ms)),
            None => Cell::text("—"),
        };
        let swept = Some(it.swept_ms).filter(|ms| *ms > 0);
        let url = format!("{}/notices/{}/{}", server.ctx.public_url, it.bank, it.id);
        let act = super::sheet::Act::new(
            lang.pick("Подключить уведомления", "Register notices"),
            "/admin/banks/notices",
        )
        .with("id", it.id.clone());
        Row::new(vec![
            Cell::text(bank(&it.bank, lang)).more(it.name.clone()),
            Cell::text(frame.at(it.created_ms)),
            expiry,
            Cell::text(frame.opt_at(&swept)),
            Cell::code(url),
        ])
        .act(it.bank == "tochka", act)
    };
    Table {
        columns: vec![
            lang.pick("Банк", "Bank"),
            lang.pick("Подключён", "Since"),
            lang.pick("Ключ действует до", "Key valid until"),
            lang.pick("Последняя сверка", "Last sweep"),
            lang.pick("Адрес уведомлений", "Notice address"),
        ],
        rows: all.iter().map(row).collect(),
    }
}

fn base_url(lang: Lang) -> Field {
    Field::new("base_url", lang.pick("Адрес API", "API address")).hint(lang.pick(
        "Оставьте пустым. Нужен для песочницы банка или эмулятора.",
        "Leave it empty. For the bank's sandbox or the emulator.",
    ))
}

fn forms(lang: Lang, is_folded: bool) -> Vec<Form> {
    vec![
        Form {
            headline: lang.pick("Подключить Точку", "Connect Tochka").to_owned(),
            about: lang
                .pick(
                    "Интернет-банк → Интеграции и API → Сгенерировать JWT-ключ. Компанию и точку \
                     эквайринга найдём сами.",
                    "Internet bank → Интеграции и API → Сгенерировать JWT-ключ. We find the \
                     company and the acquiring point.",
                )
                .to_owned(),
            path: "/admin/banks/tochka".to_owned(),
            fields: vec![
                Field::new("token", lang.pick("JWT-ключ", "JWT key"))
                    .input(Input::Password)
                    .required(),
                base_url(lang),
            ],
            button: lang.pick("Подключить", "Connect").to_owned(),
            is_folded,
            ..Form::default()
        },
        Form {
            headline: lang.pick("Подключить Т-Банк", "Connect T-Bank").to_owned(),
            about: lang
                .pick(
                    "Кабинет → Интернет-эквайринг → Терминалы: ключ терминала и пароль рядом.",
                    "Cabinet → Internet acquiring → Terminals: the key and its password.",
                )
                .to_owned(),
            path: "/admin/banks/tbank".to_owned(),
            fields: vec![
                Field::new("terminal_key", lang.pick("Ключ терминала", "Terminal key")).required(),
                Field::new("password", lang.pick("Пароль терминала", "Its password"))
                    .input(Input::Password)
                    .required(),
                base_url(lang),
            ],
            button: lang.pick("Подключить", "Connect").to_owned(),
            is_folded,
            ..Form::default()
        },
    ]
}

fn trouble(refusal: Refusal, lang: Lang) -> Notice {
    let (headline, detail) = words::error(&ApiError::from(refusal), lang);
    Notice { headline, detail, tone: "bad", ..Notice::default() }
}

async fn connect_tochka(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    fields: Fields,
) -> Result<Response, ApiError> {
    let mut credentials = Credentials::default();
    for (name, field) in [
        (settings::ACCESS_TOKEN, "token"),
        (settings::CUSTOMER_CODE, "customer_code"),
        (settings::MERCHANT_ID, "merchant_id"),
        (settings::BASE_URL, "base_url"),
    ] {
        if let Some(value) = fields.find(field) {
            credentials.set(name, value);
        }
    }
    let lang = frame.lang;
    let reached = connecting::tochka(&server.ctx, &guest.member.shop_id, credentials).await?;
    let choice = |name, label: &str, all: Vec<(String, String)>| {
        let mut kept = vec![
            Field::hidden("token", fields.raw("token")),
            Field::hidden("base_url", fields.raw("base_url")),
        ];
        if name != "customer_code" {
            kept.push(Field::hidden("customer_code", fields.raw("customer_code")));
        }
        kept.push(Field::new(name, label).input(Input::Select(all)));
        vec![Form {
            headline: lang.pick("Ещё один вопрос", "One more question").to_owned(),
            path: "/admin/banks/tochka".to_owned(),
            fields: kept,
            button: lang.pick("Подключить", "Connect").to_owned(),
            ..Form::default()
        }]
    };
    match reached {
        Reached::Connected(connection) => {
            after_connecting(&server, &guest, frame, &connection).await
        }
        Reached::Refused(refusal) => {
            let notices = vec![trouble(refusal, lang)];
            undone(page(&server, &guest, frame, notices, Vec::new()).await)
        }
        Reached::ChooseCompany(all) => {
            let all = all.into_iter().map(|it| (it.customer_code, it.name)).collect();
            let form = choice("customer_code", lang.pick("Какая компания?", "Which company?"), all);
            undone(page(&server, &guest, frame, Vec::new(), form).await)
        }
        Reached::ChoosePoint(all) => {
            let all = all.into_iter().map(|it| (it.merchant_id.unwrap_or_default(), it.name));
            let label = lang.pick("Какая точка эквайринга?", "Which acquiring point?");
            let form = choice("merchant_id", label, all.collect());
            undone(page(&server, &guest, frame, Vec::new(), form).await)
        }
    }
}

async fn connect_tbank(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    fields: Fields,
) -> Result<Response, ApiError> {
    let mut credentials = Credentials::default();
    for (name, field) in [
        (tbank::settings::TERMINAL_KEY, "terminal_key"),
        (tbank::settings::PASSWORD, "password"),
        (tbank::settings::BASE_URL, "base_url"),
    ] {
        if let Some(value) = fields.find(field) {
            credentials.set(name, value);
        }
    }
    let lang = frame.lang;
    match connecting::tbank(&server.ctx, &guest.member.shop_id, credentials).await? {
        Reached::Connected(connection) => {
            after_connecting(&server, &guest, frame, &connection).await
        }
        Reached::Refused(refusal) => {
            let notices = vec![trouble(refusal, lang)];
            undone(page(&server, &guest, frame, notices, Vec::new()).await)
        }
        Reached::ChooseCompany(_) | Reached::ChoosePoint(_) => {
            Err(ApiError::of(crate::http::codes::INTERNAL))
        }
    }
}

/// The notice address, and on to the first link.
async fn after_connecting(
    server: &Server,
    guest: &Guest,
    frame: Frame,
    connection: &Connection,
) -> Result<Response, ApiError> {
    server.nudge.notify_one();
    let lang = frame.lang;
    let mut notices = vec![Notice {
        headline: match lang {
            Lang::Ru => format!("Банк подключён: {}", bank(&connection.bank, lang)),
            Lang::En => format!("{} is connected", bank(&connection.bank, lang)),
        },
        detail: lang
            .pick(
                "Шаг 2 из 2: создайте первую ссылку и оплатите её сами.",
                "Step 2 of 2: make the first link and pay it yourself.",
            )
            .to_owned(),
        tone: "good",
        ..Notice::default()
    }];
    if let Err(refusal) = connecting::register(&server.ctx, connection).await? {
        let why = trouble(refusal, lang);
        notices.push(Notice {
            headline: lang
                .pick("Банк не принял адрес уведомлений", "The bank did not take our address")
                .to_owned(),
            detail: format!(
                "{} {}",
                why.headline,
                lang.pick(
                    "Деньги всё равно не потеряются: об оплате узнаем, спросив банк, за минуту.",
                    "No money is lost: payments are found by asking, within a minute.",
                )
            ),
            tone: "wait",
            ..Notice::default()
        });
    }
    page(server, guest, frame, notices, Vec::new()).await
}

async fn notices(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    fields: Fields,
) -> Result<Response, ApiError> {
    let all = list_connections(&server.ctx, &guest.member.shop_id).await?;
    let Some(connection) = all.into_iter().find(|it| it.id == fields.get("id")) else {
        return Err(ApiError::of(crate::http::codes::BANK_NOT_CONNECTED));
    };
    match connecting::register(&server.ctx, &connection).await? {
        Ok(()) => Ok(Redirect::to("/admin/banks?done=saved").into_response()),
        Err(refusal) => {
            let notices = vec![trouble(refusal, frame.lang)];
            undone(page(&server, &guest, frame, notices, Vec::new()).await)
        }
    }
}
