//! One's own login: the password, the authenticator.

use axum::{extract::State, response::Response};

use super::{
    door::{Doors, form_escape},
    frame::Frame,
    guest::{Fields, Guest},
    payment::{back_to, picture},
    refuse::undone,
    sheet::{Field, Form, Input, Notice, Sheet},
    words,
};
use crate::{
    http::{ApiError, Server},
    staff::{
        flow::{
            Problem,
            members::{begin_totp, change_password, confirm_totp, drop_totp},
        },
        model::Permission,
        totp,
    },
    web::lang::Lang,
};

const ISSUER: &str = "Kopeck";

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/me", Permission::Own, show)
        .act("/admin/me/password", Permission::Own, ("staff.password", &[]), password)
        .act("/admin/me/code", Permission::Own, ("staff.code_begin", &[]), begin)
        .act("/admin/me/code/confirm", Permission::Own, ("staff.code_confirm", &[]), confirm)
        .act("/admin/me/code/drop", Permission::Own, ("staff.code_drop", &[]), remove)
}

fn password_field(name: &'static str, lang: Lang, is_new: bool) -> Field {
    let label = if is_new {
        lang.pick("Новый пароль", "New password")
    } else {
        lang.pick("Нынешний пароль", "Present password")
    };
    let fill = if is_new { "new-password" } else { "current-password" };
    Field::new(name, label).input(Input::Password).fill(fill).required()
}

async fn show(guest: Guest, frame: Frame) -> Result<Response, ApiError> {
    page(&guest, frame, Vec::new(), Vec::new())
}

fn page(
    guest: &Guest,
    frame: Frame,
    notices: Vec<Notice>,
    first: Vec<Form>,
) -> Result<Response, ApiError> {
    let lang = frame.lang;
    let mut forms = first;
    forms.push(Form {
        headline: lang.pick("Сменить пароль", "Change the password").to_owned(),
        about: lang
            .pick("На других устройствах придётся войти заново.", "Other devices log in anew.")
            .to_owned(),
        path: "/admin/me/password".to_owned(),
        fields: vec![password_field("old", lang, false), password_field("new", lang, true)],
        button: lang.pick("Сменить", "Change").to_owned(),
        ..Form::default()
    });
    forms.push(if guest.member.totp.is_some() {
        Form {
            headline: lang.pick("Отключить код", "Take the code away").to_owned(),
            path: "/admin/me/code/drop".to_owned(),
            fields: vec![password_field("old", lang, false)],
            button: lang.pick("Отключить", "Take away").to_owned(),
            is_danger: true,
            is_folded: true,
            ..Form::default()
        }
    } else {
        Form {
            headline: lang.pick("Вход с кодом", "Log in with a code").to_owned(),
            about: lang
                .pick(
                    "Кроме пароля — шесть цифр из приложения: Яндекс Ключ, Google Authenticator и \
                     любого такого же. Украденный пароль никого не впустит.",
                    "Besides the password, six digits of an authenticator. A stolen password lets \
                     nobody in.",
                )
                .to_owned(),
            path: "/admin/me/code".to_owned(),
            button: lang.pick("Подключить", "Set up").to_owned(),
            ..Form::default()
        }
    });
    Sheet {
        headline: lang.pick("Пароль и вход", "Password and login").to_owned(),
        about: format!("{} · {} · {}", guest.member.name, guest.member.login, frame.role_word),
        notices,
        forms,
        ..Sheet::default()
    }
    .show(frame)
}

fn wrong(problem: Problem, frame: &Frame, now_ms: i64) -> Result<Notice, ApiError> {
    if let Problem::Broken(error) = problem {
        return Err(error.into());
    }
    let headline = words::problem(&problem, frame.lang, now_ms);
    Ok(Notice { headline, tone: "bad", ..Notice::default() })
}

async fn password(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    fields: Fields,
) -> Result<Response, ApiError> {
    let both = (fields.raw("old"), fields.raw("new"));
    match change_password(&server.ctx, &guest.member, &guest.session, both).await {
        Ok(()) => Ok(back_to("/admin/me", "saved")),
        Err(problem) => {
            let notice = wrong(problem, &frame, server.ctx.now_ms())?;
            undone(page(&guest, frame, vec![notice], Vec::new()))
        }
    }
}

async fn begin(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
) -> Result<Response, ApiError> {
    let secret = match begin_totp(&server.ctx, &guest.member).await {
        Ok(secret) => secret,
        Err(problem) => {
            let notice = wrong(problem, &frame, server.ctx.now_ms())?;
            return undone(page(&guest, frame, vec![notice], Vec::new()));
        }
    };
    let lang = frame.lang;
    let address = totp::address(&secret, ISSUER, &form_escape(&guest.member.login));
    let notice = Notice {
        headline: lang.pick("Отсканируйте код приложением", "Scan it with the program").to_owned(),
        detail: lang.pick("Или введите ключ вручную:", "Or type the key by hand:").to_owned(),
        tone: "info",
        copy: totp::base32(&secret),
        picture: picture(&address),
    };
    page(&guest, frame, vec![notice], vec![confirm_form(lang)])
}

fn confirm_form(lang: Lang) -> Form {
    Form {
        headline: lang.pick("Проверим", "Let us see").to_owned(),
        path: "/admin/me/code/confirm".to_owned(),
        fields: vec![
            Field::new("code", lang.pick("Шесть цифр из приложения", "Six digits of the program"))
                .input(Input::Sum)
                .fill("one-time-code")
                .required(),
        ],
        button: lang.pick("Подтвердить", "Confirm").to_owned(),
        ..Form::default()
    }
}

async fn confirm(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    fields: Fields,
) -> Result<Response, ApiError> {
    match confirm_totp(&server.ctx, &guest.member, fields.get("code")).await {
        Ok(()) => Ok(back_to("/admin/me", "saved")),
        Err(problem) => {
            let notice = wrong(problem, &frame, server.ctx.now_ms())?;
            let form = confirm_form(frame.lang);
            undone(page(&guest, frame, vec![notice], vec![form]))
        }
    }
}

async fn remove(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    fields: Fields,
) -> Result<Response, ApiError> {
    match drop_totp(&server.ctx, &guest.member, fields.raw("old")).await {
        Ok(()) => Ok(back_to("/admin/me", "saved")),
        Err(problem) => {
            let notice = wrong(problem, &frame, server.ctx.now_ms())?;
            undone(page(&guest, frame, vec![notice], Vec::new()))
        }
    }
}
