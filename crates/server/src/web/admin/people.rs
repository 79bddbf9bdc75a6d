//! People and roles, and the audit of what each did.

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::Value;

use super::{
    door::{Doors, form_escape},
    export,
    frame::Frame,
    guest::{Fields, Guest},
    payment::back_to,
    refuse::undone,
    sheet::{Act, Cell, Field, Form, Input, Notice, Row, Sheet, Table},
    words,
};
use crate::{
    http::{ApiError, Server, codes, json::invalid, query::RawQuery},
    kit::db::DbError,
    staff::{
        flow::{
            Problem,
            members::{NewMember, add, invite_url, update},
        },
        model::{Change, Member, Permission, Role},
        store::{find_member, list_changes, list_members},
    },
    web::lang::Lang,
};

const PAGE: i64 = 100;
/// Rows of a file.
const MOST: i64 = 50_000;

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/staff", Permission::Manage, list)
        .act("/admin/staff", Permission::Manage, ("staff.add", &["login", "name", "role"]), create)
        .act("/admin/staff/{id}/role", Permission::Manage, ("staff.role", &["role"]), set_role)
        .act("/admin/staff/{id}/link", Permission::Manage, ("staff.link", &[]), link)
        .act("/admin/staff/{id}/disable", Permission::Manage, ("staff.disable", &[]), disable)
        .act("/admin/staff/{id}/enable", Permission::Manage, ("staff.enable", &[]), enable)
        .page("/admin/audit", Permission::Account, audit)
}

fn roles(lang: Lang) -> Input {
    let role = |it: Role| {
        let text = format!("{} — {}", words::role(it, lang), words::about_role(it, lang));
        (it.as_str().to_owned(), text)
    };
    Input::Select(Role::ALL.map(role).into())
}

async fn list(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
) -> Result<Response, ApiError> {
    page(&server, &guest, frame, Vec::new()).await
}

async fn page(
    server: &Server,
    guest: &Guest,
    frame: Frame,
    notices: Vec<Notice>,
) -> Result<Response, ApiError> {
    let (lang, shop_id) = (frame.lang, guest.shop_id());
    let all: Result<Vec<Member>, DbError> =
        server.ctx.db.read(move |tx| list_members(tx, &shop_id)).await;
    let all = all?;
    let rows = all.iter().map(|it| row(it, &frame)).collect();
    let mut forms = vec![Form {
        headline: lang.pick("Пригласить сотрудника", "Invite somebody").to_owned(),
        path: "/admin/staff".to_owned(),
        fields: vec![
            Field::new("name", lang.pick("Имя", "Name")).required(),
            Field::new("login", lang.pick("Логин", "Login")).required().hint(
                lang.pick("Например, почта или имя латиницей.", "Such as an e-mail or a name."),
            ),
            Field::new("role", lang.pick("Роль", "Role")).input(roles(lang)).value("reader"),
        ],
        button: lang.pick("Пригласить", "Invite").to_owned(),
        ..Form::default()
    }];
    for it in all.iter().filter(|it| it.disabled_ms.is_none()) {
        forms.push(Form {
            headline: match lang {
                Lang::Ru => format!("Другая роль: {}", it.name),
                Lang::En => format!("Another role: {}", it.name),
            },
            path: format!("/admin/staff/{}/role", it.id),
            fields: vec![
                Field::new("role", lang.pick("Роль", "Role"))
                    .input(roles(lang))
                    .value(it.role.as_str()),
            ],
            button: lang.pick("Сохранить", "Save").to_owned(),
            is_folded: true,
            ..Form::default()
        });
    }
    Sheet {
        headline: lang.pick("Сотрудники", "People").to_owned(),
        notices,
        table: Table {
            columns: vec![
                lang.pick("Имя", "Name"),
                lang.pick("Логин", "Login"),
                lang.pick("Роль", "Role"),
                lang.pick("Вход", "Login state"),
            ],
            rows,
        },
        forms,
        ..Sheet::default()
    }
    .show(frame)
}

fn row(it: &Member, frame: &Frame) -> Row {
    let lang = frame.lang;
    let path = |what: &str| format!("/admin/staff/{}/{what}", it.id);
    let state = match (it.disabled_ms, &it.password, &it.totp) {
        (Some(_), _, _) => Cell::tag(lang.pick("Отключён", "Disabled"), "bad"),
        (None, None, _) => Cell::tag(lang.pick("Приглашён", "Invited"), "wait"),
        (None, Some(_), Some(_)) => {
            Cell::tag(lang.pick("Пароль и код", "Password and code"), "good")
        }
        (None, Some(_), None) => Cell::tag(lang.pick("Пароль", "Password"), ""),
    };
    let is_in = it.disabled_ms.is_none();
    Row::new(vec![
        Cell::text(it.name.clone()),
        Cell::text(it.login.clone()),
        Cell::text(words::role(it.role, lang)),
        state,
    ])
    .act(is_in, Act::new(lang.pick("Ссылка для входа", "A link to set a password"), path("link")))
    .act(is_in, Act::new(lang.pick("Отключить", "Disable"), path("disable")).danger())
    .act(!is_in, Act::new(lang.pick("Включить", "Enable"), path("enable")))
}

fn of(problem: Problem, frame: &Frame, now_ms: i64) -> Result<Notice, ApiError> {
    if let Problem::Broken(error) = problem {
        return Err(error.into());
    }
    let headline = words::problem(&problem, frame.lang, now_ms);
    Ok(Notice { headline, tone: "bad", ..Notice::default() })
}

fn invitation(server: &Server, member: &Member, lang: Lang) -> Notice {
    Notice {
        headline: match lang {
            Lang::Ru => format!("Отправьте эту ссылку: {}", member.name),
            Lang::En => format!("Send this link to {}", member.name),
        },
        detail: lang
            .pick(
                "По ней задают пароль. Работает один раз, три дня.",
                "It sets a password: once, within three days.",
            )
            .to_owned(),
        tone: "good",
        copy: invite_url(&server.ctx, member),
        ..Notice::default()
    }
}

async fn create(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    fields: Fields,
) -> Result<Response, ApiError> {
    let role = Role::parse(fields.get("role"));
    let role = role.ok_or_else(|| invalid("role", "is no role"))?;
    let new = NewMember {
        login: fields.get("login").to_owned(),
        name: fields.get("name").to_owned(),
        role,
        lang: frame.lang.as_str().to_owned(),
    };
    match add(&server.ctx, &guest.member.shop_id, new).await {
        Ok(member) => {
            let notice = invitation(&server, &member, frame.lang);
            page(&server, &guest, frame, vec![notice]).await
        }
        Err(problem) => {
            let notice = of(problem, &frame, server.ctx.now_ms())?;
            undone(page(&server, &guest, frame, vec![notice]).await)
        }
    }
}

async fn change(
    server: &Server,
    guest: &Guest,
    frame: Frame,
    id: &str,
    change: impl FnOnce(&mut Member) + Send + 'static,
) -> Result<Response, ApiError> {
    match update(&server.ctx, (&guest.member.shop_id, id), change).await {
        Ok(_) => Ok(back_to("/admin/staff", "saved")),
        Err(problem) => {
            let notice = of(problem, &frame, server.ctx.now_ms())?;
            undone(page(server, guest, frame, vec![notice]).await)
        }
    }
}

async fn set_role(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let role = Role::parse(fields.get("role"));
    let role = role.ok_or_else(|| invalid("role", "is no role"))?;
    change(&server, &guest, frame, &id, move |it| it.role = role).await
}

async fn disable(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let now_ms = server.ctx.now_ms();
    change(&server, &guest, frame, &id, move |it| it.disabled_ms = Some(now_ms)).await
}

async fn enable(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    change(&server, &guest, frame, &id, |it| it.disabled_ms = None).await
}

async fn link(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let shop_id = guest.shop_id();
    let found: Result<Option<Member>, DbError> =
        server.ctx.db.read(move |tx| find_member(tx, &id)).await;
    let member = found?.filter(|it| it.shop_id == shop_id && it.disabled_ms.is_none());
    let member = member.ok_or_else(|| ApiError::of(codes::ROUTE_NOT_FOUND))?;
    let notice = invitation(&server, &member, frame.lang);
    page(&server, &guest, frame, vec![notice]).await
}

async fn audit(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    let query = raw.read(&["after", "format", "lang", "done"])?;
    let (lang, shop_id) = (frame.lang, guest.shop_id());
    let (before, format) = (query.id("after", "aud_")?, query.find("format"));
    let limit = if format.is_some() { MOST } else { PAGE + 1 };
    let found: Result<Vec<Change>, DbError> =
        server.ctx.db.read(move |tx| list_changes(tx, &shop_id, before.as_deref(), limit)).await;
    let mut all = found?;
    if let Some(format) = format {
        return export::file(&frame, format, "audit", &changes(&all, &frame));
    }
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let has_more = all.len() > page;
    all.truncate(page);
    let next = all.last().filter(|_| has_more);
    let next = next.map(|it| format!("/admin/audit?after={}", form_escape(&it.id)));
    let mut sheet = Sheet {
        headline: lang.pick("Журнал", "Audit").to_owned(),
        about: lang
            .pick(
                "Кто что менял в кабинете; из командной строки — сотрудники. Записи не удаляются.",
                "Who changed what here, and people at the command line. Nothing is taken out.",
            )
            .to_owned(),
        table: changes(&all, &frame),
        empty: (lang.pick("Пока ничего", "Nothing yet"), ""),
        next: next.unwrap_or_default(),
        ..Sheet::default()
    };
    sheet.offer_files(lang, "/admin/audit", "");
    sheet.show(frame)
}

fn changes(all: &[Change], frame: &Frame) -> Table {
    let lang = frame.lang;
    let row = |it: &Change| {
        let (word, tone) = words::outcome(it.outcome, lang);
        let detail: Value = serde_json::from_str(&it.detail).unwrap_or(Value::Null);
        let pairs = detail.as_object().map(|all| {
            let pair = |(name, value): (&String, &Value)| {
                format!("{name}: {}", value.as_str().unwrap_or(""))
            };
            all.iter().map(pair).collect::<Vec<_>>().join(", ")
        });
        Row::new(vec![
            Cell::text(frame.at(it.at_ms)),
            Cell::text(it.name.clone()),
            Cell::code(it.action.clone()),
            Cell::code(it.subject.clone()),
            Cell::text(pairs.unwrap_or_default()),
            Cell::tag(word, tone),
        ])
    };
    Table {
        columns: vec![
            lang.pick("Когда", "When"),
            lang.pick("Кто", "Who"),
            lang.pick("Что", "What"),
            lang.pick("С чем", "Of what"),
            lang.pick("Подробности", "Details"),
            lang.pick("Итог", "Outcome"),
        ],
        rows: all.iter().map(row).collect(),
    }
}
