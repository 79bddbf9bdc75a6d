//! What is shown instead of a page: no right to it, a form that is over, something that went wrong.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{frame::Frame, words};
use crate::{http::ApiError, web::headers};

const CACHE: &str = "no-store";

#[derive(Template)]
#[template(path = "admin/trouble.html")]
struct TroublePage {
    frame: Frame,
    headline: String,
    detail: String,
    hint: String,
    /// Of ours, for whoever looks into the log or writes to the support.
    code: String,
    param: String,
    /// What exactly was wrong, where the page's own words are of the kind of error only.
    said: String,
}

/// A page as an answer; a template that cannot be rendered is our own fault.
pub fn show<T: Template>(page: &T) -> Result<Response, ApiError> {
    with_status(StatusCode::OK, page)
}

pub fn with_status<T: Template>(status: StatusCode, page: &T) -> Result<Response, ApiError> {
    let mut response = headers::page(status, page.render().map_err(anyhow::Error::from)?, CACHE);
    // Without it browsers do not say from where a form comes.
    let own = HeaderValue::from_static("same-origin");
    response.headers_mut().insert(header::REFERRER_POLICY, own);
    Ok(response)
}

/// The same page, for what was not done: the audit tells it from what was.
pub fn undone(page: Result<Response, ApiError>) -> Result<Response, ApiError> {
    page.map(|mut response| {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        response
    })
}

fn answer(status: StatusCode, page: &TroublePage) -> Response {
    with_status(status, page).unwrap_or_else(|error| error.into_response())
}

/// The role does not allow it.
pub fn forbidden(frame: Frame) -> Response {
    let lang = frame.lang;
    let page = TroublePage {
        headline: lang.pick("Нет доступа", "No access").to_owned(),
        detail: match lang {
            crate::web::lang::Lang::Ru => format!("Ваша роль — «{}».", frame.role_word),
            crate::web::lang::Lang::En => format!("Your role is “{}”.", frame.role_word),
        },
        hint: lang
            .pick("Владелец может дать другую роль.", "An owner can give you another role.")
            .to_owned(),
        code: "forbidden".to_owned(),
        param: String::new(),
        said: String::new(),
        frame,
    };
    answer(StatusCode::FORBIDDEN, &page)
}

/// The form came from another session, or from another site.
pub fn stale(frame: Frame) -> Response {
    let lang = frame.lang;
    let page = TroublePage {
        headline: lang.pick("Страница устарела", "The page is out of date").to_owned(),
        detail: lang
            .pick(
                "Ничего не изменено: форма открыта до последнего входа.",
                "Nothing was changed: the form was opened before you came in last.",
            )
            .to_owned(),
        hint: lang
            .pick(
                "Вернитесь, обновите страницу и отправьте ещё раз.",
                "Go back, reload the page and send it again.",
            )
            .to_owned(),
        code: "form_stale".to_owned(),
        param: String::new(),
        said: String::new(),
        frame,
    };
    answer(StatusCode::FORBIDDEN, &page)
}

/// What the API refused, in the page's language.
pub fn trouble(frame: Frame, error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // A login is no matter of a key here.
    let status = if status == StatusCode::UNAUTHORIZED { StatusCode::FORBIDDEN } else { status };
    let (detail, hint) = words::error(error, frame.lang);
    let page = TroublePage {
        headline: frame.lang.pick("Не получилось", "That did not work").to_owned(),
        detail,
        hint,
        code: error.code.clone(),
        param: error.param.clone().unwrap_or_default(),
        said: words::exactly(error, frame.lang),
        frame,
    };
    answer(status, &page)
}
