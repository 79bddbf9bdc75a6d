//! What every page of the dashboard has around it: the shop, the way to the other pages, who is in,
//! the word of the forms, and what was just done.

use axum::{extract::FromRequestParts, http::request::Parts};
use kopeck_banks::http::parse_query;

use super::{guest::Guest, words};
use crate::{
    http::{ApiError, Server, codes},
    kit::db::DbError,
    shops,
    staff::model::{Permission, Role},
    todos,
    web::{assets, lang::Lang},
};

/// One way to another page.
#[derive(Clone, Debug)]
pub struct Way {
    pub path: &'static str,
    pub text: &'static str,
    pub is_here: bool,
    /// What waits there; zero is not shown.
    pub count: i64,
}

#[derive(Clone, Debug)]
pub struct Frame {
    pub lang: Lang,
    pub shop: String,
    pub name: String,
    pub role: Role,
    pub role_word: &'static str,
    pub daily: Vec<Way>,
    pub rare: Vec<Way>,
    /// The hidden field of every form.
    pub word: String,
    /// Makes a second click on a form the same request.
    pub key: String,
    /// What was just done.
    pub toast: &'static str,
    /// This page without its language, to which the other language is added.
    pub here: String,
    pub zone: String,
}

/// More open things are «99+».
const MANY: i64 = 100;

/// Who may see it, where it is, what it is called.
type Row = (Permission, &'static str, &'static str, &'static str);

const DAILY: [Row; 8] = [
    (Permission::Look, "/admin", "Сегодня", "Today"),
    (Permission::Look, "/admin/payments", "Платежи", "Payments"),
    (Permission::Sell, "/admin/links/new", "Новая ссылка", "New link"),
    (Permission::Look, "/admin/todos", "Требует внимания", "Needs attention"),
    (Permission::Look, "/admin/receipts", "Чеки", "Receipts"),
    (Permission::Look, "/admin/subscriptions", "Подписки", "Subscriptions"),
    (Permission::Look, "/admin/places", "Места и кассы", "Places and desks"),
    (Permission::Look, "/admin/deliveries", "Уведомления", "Notifications"),
];

const RARE: [Row; 8] = [
    (Permission::Look, "/admin/health", "Здоровье", "Health"),
    (Permission::Manage, "/admin/webhooks", "Вебхуки", "Webhooks"),
    (Permission::Manage, "/admin/integrations", "Интеграции", "Integrations"),
    (Permission::Manage, "/admin/keys", "Ключи API", "API keys"),
    (Permission::Manage, "/admin/banks", "Банки", "Banks"),
    (Permission::Manage, "/admin/staff", "Сотрудники", "People"),
    (Permission::Account, "/admin/audit", "Журнал", "Audit"),
    (Permission::Manage, "/admin/settings", "Настройки", "Settings"),
];

impl Frame {
    pub async fn new(
        guest: &Guest,
        server: &Server,
        query: Option<&str>,
    ) -> Result<Frame, ApiError> {
        let shop_id = guest.shop_id();
        let found: Result<(Option<shops::model::Shop>, usize), DbError> = server
            .ctx
            .db
            .read(move |tx| {
                let open = todos::store::list(tx, (&shop_id, false), None, MANY)?.len();
                Ok((shops::store::find_shop(tx, &shop_id)?, open))
            })
            .await;
        let (shop, open) = found?;
        let open = i64::try_from(open).unwrap_or(MANY);
        let way = |row: Row| way(row, guest, open);
        let asked = query.map(parse_query).unwrap_or_default();
        let done = asked.iter().find(|(name, _)| name == "done");
        Ok(Frame {
            lang: guest.lang,
            shop: shop.map_or_else(String::new, |shop| shop.name),
            name: guest.member.name.clone(),
            role: guest.member.role,
            role_word: words::role(guest.member.role, guest.lang),
            daily: DAILY.into_iter().filter_map(way).collect(),
            rare: RARE.into_iter().filter_map(way).collect(),
            word: guest.word.clone(),
            key: server.ctx.mint.id("form"),
            toast: done.map_or("", |(_, word)| words::done(word, guest.lang)),
            here: here(guest, &asked),
            zone: server.ctx.zone.to_string(),
        })
    }

    pub fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    pub fn sells(&self) -> bool {
        self.may(Permission::Sell)
    }

    pub fn manages(&self) -> bool {
        self.may(Permission::Manage)
    }

    pub fn accounts(&self) -> bool {
        self.may(Permission::Account)
    }

    pub fn settles(&self) -> bool {
        self.may(Permission::Settle)
    }

    /// Day and time where the shop is.
    pub fn at(&self, ms: i64) -> String {
        words::moment(ms, &self.zone)
    }

    pub fn opt_at(&self, ms: &Option<i64>) -> String {
        ms.map_or_else(|| "—".to_owned(), |ms| self.at(ms))
    }
}

fn way((permission, path, ru, en): Row, guest: &Guest, open: i64) -> Option<Way> {
    let is_here = if path == "/admin" {
        guest.path == path
    } else {
        guest.path == path || guest.path.starts_with(&format!("{path}/"))
    };
    let count = if path == "/admin/todos" { open } else { 0 };
    let way = Way { path, text: guest.lang.pick(ru, en), is_here, count };
    guest.may(permission).then_some(way)
}

fn here(guest: &Guest, asked: &[(String, String)]) -> String {
    let kept = asked.iter().filter(|(name, _)| name != "lang" && name != "done");
    let kept = kept.map(|(name, value)| {
        format!("{}={}&", super::door::form_escape(name), super::door::form_escape(value))
    });
    let (kept, lang) = (kept.collect::<String>(), guest.lang.other().as_str());
    format!("{}?{kept}lang={lang}", guest.path)
}

impl<S: Sync> FromRequestParts<S> for Frame {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Frame, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| ApiError::of(codes::INTERNAL))
    }
}
