//! API keys: made, seen once, revoked.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{
    door::Doors,
    frame::Frame,
    guest::{Fields, Guest},
    payment::back_to,
    sheet::{Act, Cell, Field, Form, Input, Notice, Row, Sheet, Table},
};
use crate::{
    http::{ApiError, Server, json::invalid},
    kit::db::DbError,
    shops::{
        self,
        model::{ApiKey, Scope},
        store,
    },
    staff::model::Permission,
    web::lang::Lang,
};

/// A name that fits a row of the list.
const MAX_NAME: usize = 100;

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/keys", Permission::Manage, list)
        .act("/admin/keys", Permission::Manage, ("key.create", &["name", "scope"]), create)
        .act("/admin/keys/{id}/revoke", Permission::Manage, ("key.revoke", &[]), revoke)
}

async fn list(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
) -> Result<Response, ApiError> {
    page(&server, &guest, frame, None).await
}

const fn scope_word(scope: Scope, lang: Lang) -> &'static str {
    match scope {
        Scope::All => lang.pick("Всё", "Everything"),
        Scope::Bot => lang.pick("Только ссылки для бота", "A bot's links only"),
    }
}

async fn page(
    server: &Server,
    guest: &Guest,
    frame: Frame,
    made: Option<String>,
) -> Result<Response, ApiError> {
    let (lang, shop_id) = (frame.lang, guest.shop_id());
    let all: Result<Vec<ApiKey>, DbError> =
        server.ctx.db.read(move |tx| store::list_keys(tx, &shop_id)).await;
    let row = |key: &ApiKey| {
        let is_live = key.revoked_ms.is_none();
        let revoke =
            Act::new(lang.pick("Отозвать", "Revoke"), format!("/admin/keys/{}/revoke", key.id));
        let state = if is_live {
            Cell::tag(lang.pick("Действует", "Live"), "good")
        } else {
            Cell::tag(lang.pick("Отозван", "Revoked"), "").more(frame.opt_at(&key.revoked_ms))
        };
        Row::new(vec![
            Cell::text(key.name.clone()),
            Cell::code(format!("{}…", key.prefix)),
            Cell::text(scope_word(key.scope, lang)),
            Cell::text(frame.at(key.created_ms)),
            state,
        ])
        .act(is_live, revoke.danger())
    };
    let table = Table {
        columns: vec![
            lang.pick("Название", "Name"),
            lang.pick("Начало", "Begins with"),
            lang.pick("Что открывает", "Scope"),
            lang.pick("Создан", "Made"),
            lang.pick("Состояние", "State"),
        ],
        rows: all?.iter().map(row).collect(),
    };
    let scope = |it: Scope| (it.as_str().to_owned(), scope_word(it, lang).to_owned());
    let made = made.map(|copy| Notice {
        headline: lang.pick("Ключ создан", "The key is made").to_owned(),
        detail: lang
            .pick("Сохраните его: больше мы его не покажем.", "Keep it: it is shown this once.")
            .to_owned(),
        tone: "good",
        copy,
        ..Notice::default()
    });
    Sheet {
        headline: lang.pick("Ключи API", "API keys").to_owned(),
        about: lang
            .pick(
                "Ключ даёт вашему сайту или боту доступ к API.",
                "A key lets your site or bot use the API.",
            )
            .to_owned(),
        notices: made.into_iter().collect(),
        table,
        empty: (lang.pick("Ключей нет", "No keys"), ""),
        forms: vec![Form {
            headline: lang.pick("Новый ключ", "A new key").to_owned(),
            path: "/admin/keys".to_owned(),
            fields: vec![
                Field::new("name", lang.pick("Название", "Name"))
                    .required()
                    .hint(lang.pick("Например: сайт, бот, 1С.", "Such as: site, bot, accounting.")),
                Field::new("scope", lang.pick("Что открывает", "Scope"))
                    .input(Input::Select(Scope::ALL.map(scope).into())),
            ],
            button: lang.pick("Создать", "Make it").to_owned(),
            ..Form::default()
        }],
        ..Sheet::default()
    }
    .show(frame)
}

async fn create(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    fields: Fields,
) -> Result<Response, ApiError> {
    let name = fields.get("name");
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(invalid("name", &format!("takes 1 to {MAX_NAME} characters")));
    }
    let scope = Scope::parse(fields.get("scope"));
    let scope = scope.ok_or_else(|| invalid("scope", "takes one of: all, bot"))?;
    let shop_id = &guest.member.shop_id;
    let (_, text) = shops::flow::create_key_of(&server.ctx, shop_id, name, scope).await?;
    page(&server, &guest, frame, Some(text)).await
}

async fn revoke(
    State(server): State<Server>,
    guest: Guest,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let (shop_id, now_ms) = (guest.shop_id(), server.ctx.now_ms());
    let done: Result<bool, DbError> =
        server.ctx.db.write(move |tx| store::revoke_key(tx, &shop_id, &id, now_ms)).await;
    done?;
    Ok(back_to("/admin/keys", "removed"))
}
