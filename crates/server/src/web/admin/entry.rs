//! The ways in: the login, the code, the first owner's set-up link, an invitation.
//!
//! Nobody is known here yet, so these pages tell nothing of the shop but its name, and a wrong
//! login, a wrong password and a wrong code look the same.

use askama::Template;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};

use super::{
    cookie,
    door::{CACHE, WORD, form_escape, is_same_site},
    guest::Fields,
    refuse::with_status,
    words,
};
use crate::{
    http::{ApiError, Server, query::RawQuery},
    kit::db::DbError,
    shops,
    staff::{
        flow::{
            Problem,
            members::{NewMember, accept, claim, find_invited, may_claim},
            sessions::{Visit, find_visit, form_word, is_form_word, pass_code, sign_in, sign_out},
        },
        model::Role,
    },
    web::{base::Base, headers::secure, lang::Lang, message},
};

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/admin/login", get(show_login).post(log_in))
        .route("/admin/code", get(show_code).post(take_code))
        .route("/admin/leave", post(leave))
        .route("/admin/setup/{shop}/{signature}", get(show_setup).post(set_up))
        .route("/admin/invite/{id}/{until}/{signature}", get(show_invite).post(take_invite))
}

#[derive(Template)]
#[template(path = "admin/entry.html")]
struct EntryPage {
    base: Base,
    headline: String,
    about: String,
    fields: Vec<Field>,
    button: &'static str,
    /// What went wrong with what was typed.
    error: String,
    to: String,
    word: String,
}

impl EntryPage {
    fn escaped(&self) -> String {
        form_escape(&self.to)
    }
}

struct Field {
    name: String,
    label: String,
    hint: String,
    value: String,
    kind: String,
    mode: String,
    fill: String,
}

impl Field {
    fn text(name: &'static str, label: &'static str, value: &str, fill: &'static str) -> Field {
        Field {
            name: name.to_owned(),
            label: label.to_owned(),
            hint: String::new(),
            value: value.to_owned(),
            kind: "text".to_owned(),
            mode: String::new(),
            fill: fill.to_owned(),
        }
    }

    fn password(lang: Lang, is_new: bool) -> Field {
        let fill = if is_new { "new-password" } else { "current-password" };
        let hint = lang.pick(
            "Не меньше 10 знаков. Фраза из нескольких слов — хороший пароль.",
            "At least 10 characters. A phrase of several words is a good one.",
        );
        Field {
            hint: if is_new { hint.to_owned() } else { String::new() },
            kind: "password".to_owned(),
            ..Field::text("password", lang.pick("Пароль", "Password"), "", fill)
        }
    }
}

/// Within the dashboard, and nowhere else.
fn way_on(to: &str) -> &str {
    let is_inside = to == "/admin" || to.starts_with("/admin/") || to.starts_with("/admin?");
    if is_inside && !to.contains(['\\', '\r', '\n']) { to } else { "/admin" }
}

fn let_in(server: &Server, token: &str, to: &str) -> Response {
    let mut response = secure(Redirect::to(way_on(to)).into_response(), CACHE);
    cookie::set(&mut response, token, &server.ctx.public_url);
    response
}

/// A form that another site sent, or that failed.
fn status_of(problem: &Problem) -> StatusCode {
    match problem {
        Problem::Wait { .. } => StatusCode::TOO_MANY_REQUESTS,
        Problem::Wrong => StatusCode::FORBIDDEN,
        Problem::Broken(error) => {
            tracing::error!("somebody was not let in: {error:#}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Problem::LinkOver
        | Problem::Weak(_)
        | Problem::LoginTaken
        | Problem::LoginInvalid
        | Problem::NameInvalid
        | Problem::NoSuchMember
        | Problem::LastOwner => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn login_page(lang: Lang, login: &str, to: &str, error: String) -> EntryPage {
    EntryPage {
        base: Base::new(lang),
        headline: lang.pick("Вход", "Log in").to_owned(),
        about: String::new(),
        fields: vec![
            Field::text("login", lang.pick("Логин", "Login"), login, "username"),
            Field::password(lang, false),
        ],
        button: lang.pick("Войти", "Log in"),
        error,
        to: to.to_owned(),
        word: String::new(),
    }
}

async fn show_login(query: RawQuery, headers: HeaderMap) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    let to = query.find_any("to").unwrap_or_default();
    with_status(StatusCode::OK, &login_page(lang, "", &to, String::new()))
}

async fn log_in(
    State(server): State<Server>,
    query: RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (lang, fields) = (Lang::of(&query, &headers), Fields::read(&body));
    let (login, to) = (fields.get("login"), fields.get("to"));
    if !is_same_site(&headers) {
        return foreign(lang);
    }
    match sign_in(&server.ctx, login, fields.raw("password")).await {
        Ok((token, false)) => Ok(let_in(&server, &token, to)),
        Ok((token, true)) => {
            let to = format!("/admin/code?to={}", form_escape(way_on(to)));
            Ok(let_in(&server, &token, &to))
        }
        Err(problem) => {
            let error = words::problem(&problem, lang, server.ctx.now_ms());
            with_status(status_of(&problem), &login_page(lang, login, to, error))
        }
    }
}

async fn half(server: &Server, headers: &HeaderMap) -> Result<Option<Visit>, DbError> {
    let Some(token) = cookie::read(headers, &server.ctx.public_url) else { return Ok(None) };
    let visit = find_visit(&server.ctx, &token).await?;
    Ok(visit.filter(|visit| visit.session.is_half))
}

fn code_page(server: &Server, visit: &Visit, lang: Lang, to: &str, error: String) -> EntryPage {
    let label = lang.pick("Код из приложения", "The code of your program");
    EntryPage {
        base: Base::new(lang),
        headline: lang.pick("Второй шаг", "The second step").to_owned(),
        about: lang
            .pick(
                "Откройте приложение с кодами и введите шесть цифр.",
                "Open your authenticator and type its six digits.",
            )
            .to_owned(),
        fields: vec![Field {
            mode: "numeric".to_owned(),
            ..Field::text("code", label, "", "one-time-code")
        }],
        button: lang.pick("Войти", "Log in"),
        error,
        to: to.to_owned(),
        word: form_word(&server.ctx, &visit.session),
    }
}

async fn show_code(
    State(server): State<Server>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    let to = query.find_any("to").unwrap_or_default();
    match half(&server, &headers).await? {
        Some(visit) => {
            let page = code_page(&server, &visit, lang, &to, String::new());
            with_status(StatusCode::OK, &page)
        }
        None => Ok(secure(Redirect::to("/admin/login").into_response(), CACHE)),
    }
}

async fn take_code(
    State(server): State<Server>,
    query: RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (lang, fields) = (Lang::of(&query, &headers), Fields::read(&body));
    let Some(visit) = half(&server, &headers).await? else {
        return Ok(secure(Redirect::to("/admin/login").into_response(), CACHE));
    };
    let is_ours = is_form_word(&server.ctx, &visit.session, fields.get(WORD));
    let passed = if is_ours && is_same_site(&headers) {
        pass_code(&server.ctx, &visit, fields.get("code")).await
    } else {
        Err(Problem::Wrong)
    };
    match passed {
        Ok(token) => Ok(let_in(&server, &token, fields.get("to"))),
        Err(problem) => {
            let error = words::problem(&problem, lang, server.ctx.now_ms());
            let page = code_page(&server, &visit, lang, fields.get("to"), error);
            with_status(status_of(&problem), &page)
        }
    }
}

/// Out, whoever asks: another site gains nothing but a login.
async fn leave(State(server): State<Server>, headers: HeaderMap) -> Result<Response, ApiError> {
    if let Some(token) = cookie::read(&headers, &server.ctx.public_url)
        && is_same_site(&headers)
        && let Some(visit) = find_visit(&server.ctx, &token).await?
    {
        sign_out(&server.ctx, &visit).await?;
    }
    let mut response = secure(Redirect::to("/admin/login").into_response(), CACHE);
    cookie::forget(&mut response, &server.ctx.public_url);
    Ok(response)
}

async fn shop_name(server: &Server, shop_id: &str) -> Result<String, DbError> {
    let shop_id = shop_id.to_owned();
    let found: Result<_, DbError> =
        server.ctx.db.read(move |tx| shops::store::find_shop(tx, &shop_id)).await;
    Ok(found?.map_or_else(String::new, |shop| shop.name))
}

fn setup_page(lang: Lang, shop: &str, typed: (&str, &str), error: String) -> EntryPage {
    let about = match lang {
        Lang::Ru => format!(
            "Магазин «{shop}» ждёт владельца. Придумайте логин и пароль: дальше подключим банк и \
             создадим первую ссылку."
        ),
        Lang::En => format!(
            "The shop “{shop}” awaits its owner. Choose a login and a password: then we connect \
             the bank and make the first link."
        ),
    };
    EntryPage {
        base: Base::new(lang),
        headline: lang.pick("Добро пожаловать", "Welcome").to_owned(),
        about,
        fields: vec![
            Field::text("name", lang.pick("Как вас зовут", "Your name"), typed.0, "name"),
            Field::text("login", lang.pick("Логин", "Login"), typed.1, "username"),
            Field::password(lang, true),
        ],
        button: lang.pick("Начать", "Begin"),
        error,
        to: String::new(),
        word: String::new(),
    }
}

fn link_over(lang: Lang) -> Result<Response, ApiError> {
    message::show(
        StatusCode::GONE,
        lang,
        lang.pick("Ссылка больше не действует", "The link is over"),
        lang.pick(
            "Она уже использована или устарела. Войдите или попросите владельца прислать новую.",
            "It was used, or its time is over. Log in, or ask an owner for a new one.",
        ),
    )
}

/// A form that came from elsewhere does nothing.
fn foreign(lang: Lang) -> Result<Response, ApiError> {
    message::show(
        StatusCode::FORBIDDEN,
        lang,
        lang.pick("Форма пришла с другой страницы", "The form came from another page"),
        lang.pick(
            "Ничего не сделано. Откройте страницу входа заново.",
            "Nothing was done. Open the login page anew.",
        ),
    )
}

async fn show_setup(
    State(server): State<Server>,
    Path((shop, signature)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    if !may_claim(&server.ctx, &shop, &signature).await? {
        return link_over(lang);
    }
    let name = shop_name(&server, &shop).await?;
    with_status(StatusCode::OK, &setup_page(lang, &name, ("", "owner"), String::new()))
}

async fn set_up(
    State(server): State<Server>,
    Path((shop, signature)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (lang, fields) = (Lang::of(&query, &headers), Fields::read(&body));
    let new = NewMember {
        login: fields.get("login").to_owned(),
        name: fields.get("name").to_owned(),
        role: Role::Owner,
        lang: lang.as_str().to_owned(),
    };
    if !is_same_site(&headers) {
        return foreign(lang);
    }
    match claim(&server.ctx, (&shop, &signature), new, fields.raw("password")).await {
        Ok(token) => Ok(let_in(&server, &token, "/admin/banks?done=welcome")),
        Err(Problem::LinkOver) => link_over(lang),
        Err(problem) => {
            let error = words::problem(&problem, lang, server.ctx.now_ms());
            let name = shop_name(&server, &shop).await?;
            let typed = (fields.get("name"), fields.get("login"));
            with_status(status_of(&problem), &setup_page(lang, &name, typed, error))
        }
    }
}

fn invite_page(lang: Lang, name: &str, login: &str, error: String) -> EntryPage {
    let about = match lang {
        Lang::Ru => format!("{name}, придумайте пароль. Ваш логин — {login}."),
        Lang::En => format!("{name}, choose a password. Your login is {login}."),
    };
    EntryPage {
        base: Base::new(lang),
        headline: lang.pick("Новый пароль", "A new password").to_owned(),
        about,
        fields: vec![Field::password(lang, true)],
        button: lang.pick("Сохранить и войти", "Save and log in"),
        error,
        to: String::new(),
        word: String::new(),
    }
}

async fn show_invite(
    State(server): State<Server>,
    Path((id, until, signature)): Path<(String, i64, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lang = Lang::of(&query, &headers);
    match find_invited(&server.ctx, (&id, until, &signature)).await? {
        Some(member) => {
            let page = invite_page(lang, &member.name, &member.login, String::new());
            with_status(StatusCode::OK, &page)
        }
        None => link_over(lang),
    }
}

async fn take_invite(
    State(server): State<Server>,
    Path((id, until, signature)): Path<(String, i64, String)>,
    query: RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (lang, fields) = (Lang::of(&query, &headers), Fields::read(&body));
    let link = (id.as_str(), until, signature.as_str());
    if !is_same_site(&headers) {
        return foreign(lang);
    }
    match accept(&server.ctx, link, fields.raw("password")).await {
        Ok((token, false)) => Ok(let_in(&server, &token, "/admin?done=welcome")),
        Ok((token, true)) => Ok(let_in(&server, &token, "/admin/code")),
        Err(Problem::LinkOver) => link_over(lang),
        Err(problem) => {
            let error = words::problem(&problem, lang, server.ctx.now_ms());
            let invited = find_invited(&server.ctx, link).await?;
            let Some(member) = invited else { return link_over(lang) };
            let page = invite_page(lang, &member.name, &member.login, error);
            with_status(status_of(&problem), &page)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_nowhere_but_into_the_dashboard() {
        for inside in ["/admin", "/admin/payments?search=4711", "/admin?x=1"] {
            assert_eq!(way_on(inside), inside);
        }
        for outside in ["", "//evil.example", "https://evil.example", "/adminx", "/admin/\\evil"] {
            assert_eq!(way_on(outside), "/admin", "{outside}");
        }
    }
}
