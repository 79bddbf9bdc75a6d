//! The pages of the application itself: installed, what the portal refused, what went wrong.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use kopeck_integrations::{
    Lang as Tongue, Settings,
    bitrix24::{inbound::Form, problems::PROBLEMS, settings::ENDPOINT},
};

use crate::{
    http::ApiError,
    integrations::{
        bitrix24::{
            model::{Errand, What},
            portal::Trouble,
        },
        letter::moscow,
    },
    web::{headers, lang::Lang},
};

/// It tells of a shop: no cache keeps it.
pub const CACHE: &str = "no-store";
/// The portal's own script: only it can say that an installation is finished.
const BX24: &str = "https://api.bitrix24.com";

/// Whose frames a page may be shown in.
pub struct Origin(String);

impl Origin {
    /// The portal that Bitrix24's own server named; before that, the one that says so itself.
    pub fn of(settings: &Settings, form: &Form) -> Origin {
        let Some(endpoint) = settings.find(ENDPOINT) else { return Origin::claimed(form) };
        let host = |rest: &str| rest.split('/').next().unwrap_or("").to_owned();
        let parts = endpoint.split_once("://");
        Origin(parts.map_or(String::new(), |(way, rest)| format!("{way}://{}", host(rest))))
    }

    pub fn claimed(form: &Form) -> Origin {
        Origin(form.find("DOMAIN").map_or(String::new(), |domain| format!("https://{domain}")))
    }
}

/// A page in the portal's frame.
pub fn framed(
    status: StatusCode,
    html: askama::Result<String>,
    origin: &Origin,
) -> Result<Response, ApiError> {
    let page = headers::page(status, html.map_err(anyhow::Error::from)?, CACHE);
    Ok(headers::framed(page, &origin.0, None))
}

#[derive(Template)]
#[template(path = "bitrix24_app.html")]
struct AppPage<'a> {
    lang: &'static str,
    title: &'static str,
    tone: &'static str,
    headline: String,
    detail: String,
    things: Vec<Thing<'a>>,
    failed_title: &'static str,
    failed: Vec<Failure>,
    /// Whether the portal's script is to be told that the installation is finished.
    finishes: bool,
}

struct Thing<'a> {
    title: &'a str,
    why: &'a str,
}

/// Something that the portal asked for and did not get.
struct Failure {
    what: String,
    why: String,
}

/// An errand in words.
fn failure(errand: &Errand, lang: Lang) -> Failure {
    let what = match (&errand.what, lang) {
        (What::Deal { id }, Lang::Ru) => format!("Ссылка для сделки {id}"),
        (What::Deal { id }, Lang::En) => format!("A link for the deal {id}"),
        (What::Robot { deal_id, .. }, Lang::Ru) => format!("Запуск робота, сделка {deal_id}"),
        (What::Robot { deal_id, .. }, Lang::En) => format!("A run of the robot, deal {deal_id}"),
        (What::Paid { portal_payment_id: id, .. }, Lang::Ru) => {
            format!("Отметка об оплате заказа (оплата {id})")
        }
        (What::Paid { portal_payment_id: id, .. }, Lang::En) => {
            format!("Marking an order as paid (payment {id})")
        }
        (What::Register, Lang::Ru) => "Регистрация на портале".to_owned(),
        (What::Register, Lang::En) => "Registration at the portal".to_owned(),
        (What::Forgotten, _) => errand.word.clone(),
    };
    let at_ms = errand.ended_ms.unwrap_or(errand.created_ms);
    let own = PROBLEMS.iter().find(|problem| Some(problem.code) == errand.code.as_deref());
    let tongue = if lang == Lang::Ru { Tongue::Ru } else { Tongue::En };
    let parts = [own.map(|problem| problem.text(tongue).problem), errand.why.as_deref()];
    let why = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Failure { what: format!("{} · {what}", moscow(at_ms)), why }
}

/// One thing at the portal, and why it is not there.
type Told = (String, Option<String>);

/// What is registered, and what did not come off; with `finishes` the installation ends with this
/// page.
pub fn installed(
    (registered, failed): (&[Told], &[Errand]),
    finishes: bool,
    lang: Lang,
    origin: &Origin,
) -> Result<Response, ApiError> {
    let is_whole = registered.iter().all(|(_, why)| why.is_none());
    let things = registered
        .iter()
        .map(|(title, why)| Thing { title, why: why.as_deref().unwrap_or("") })
        .collect();
    let (headline, detail) = if is_whole {
        (
            lang.pick("Готово", "All set"),
            lang.pick(
                "Откройте любую сделку: в карточке есть вкладка «Оплата».",
                "Open any deal: its card has the tab “Payment”.",
            ),
        )
    } else {
        (
            lang.pick("Установлено, но не всё", "Installed, but not all of it"),
            lang.pick(
                "Портал отказал в том, что отмечено. Дайте приложению права crm, im, placement, \
                 bizproc, pay_system, sale и откройте эту страницу ещё раз.",
                "The portal refused what is marked. Give the application the rights crm, im, \
                 placement, bizproc, pay_system, sale and open this page once more.",
            ),
        )
    };
    let page = AppPage {
        lang: lang.as_str(),
        title: lang.pick("Приём оплаты", "Payments"),
        tone: if is_whole { "good" } else { "wait" },
        headline: headline.to_owned(),
        detail: detail.to_owned(),
        things,
        failed_title: lang.pick("Что не получилось", "What did not come off"),
        failed: failed.iter().map(|one| failure(one, lang)).collect(),
        finishes,
    };
    let html = page.render().map_err(anyhow::Error::from)?;
    let page = headers::page(StatusCode::OK, html, CACHE);
    Ok(headers::framed(page, &origin.0, finishes.then_some(BX24)))
}

/// What went wrong, and what to do, in words of the table of problems.
pub fn say(trouble: &Trouble, lang: Lang) -> (String, String) {
    let tongue = if lang == Lang::Ru { Tongue::Ru } else { Tongue::En };
    match trouble {
        Trouble::Broken(broken) => {
            let text = broken.problem.text(tongue);
            let code = broken.code();
            (text.problem.to_owned(), format!("{} ({code})", text.fix))
        }
        Trouble::Later { .. } => (
            lang.pick("Портал занят", "The portal is busy").to_owned(),
            lang.pick("Повторите через несколько секунд.", "Try again in a few seconds.")
                .to_owned(),
        ),
        Trouble::Unclear(_) | Trouble::Internal(_) => (
            lang.pick("Портал не ответил", "The portal did not answer").to_owned(),
            lang.pick(
                "Повторите через минуту. Если не поможет, посмотрите журнал сервера.",
                "Try again in a minute. If it stays so, look into the server's log.",
            )
            .to_owned(),
        ),
    }
}

pub fn trouble(trouble: &Trouble, lang: Lang, origin: &Origin) -> Result<Response, ApiError> {
    if let Trouble::Internal(error) = trouble {
        tracing::error!("a portal's page failed: {error:#}");
    }
    let (headline, detail) = say(trouble, lang);
    let page = AppPage {
        lang: lang.as_str(),
        title: lang.pick("Приём оплаты", "Payments"),
        tone: "bad",
        headline,
        detail,
        things: Vec::new(),
        failed_title: "",
        failed: Vec::new(),
        finishes: false,
    };
    framed(StatusCode::OK, page.render(), origin)
}

/// The tab was open for too long, or its form is not ours.
pub fn gone(lang: Lang, origin: &Origin) -> Result<Response, ApiError> {
    let page = AppPage {
        lang: lang.as_str(),
        title: lang.pick("Оплата", "Payment"),
        tone: "wait",
        headline: lang.pick("Вкладка устарела", "The tab is too old").to_owned(),
        detail: lang
            .pick("Закройте карточку сделки и откройте снова.", "Close the deal and open it again.")
            .to_owned(),
        things: Vec::new(),
        failed_title: "",
        failed: Vec::new(),
        finishes: false,
    };
    framed(StatusCode::FORBIDDEN, page.render(), origin)
}
