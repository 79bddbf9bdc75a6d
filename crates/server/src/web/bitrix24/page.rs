//! The pages of the application itself: installed, what the portal refused, what went wrong.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use kopeck_integrations::{
    Lang as Tongue, Settings,
    bitrix24::{
        funnels::{Funnel, Stage},
        inbound::Form,
        problems::PROBLEMS,
        settings::{ENDPOINT, FAILED_STAGES, PAID_STAGES, REFUNDED_STAGES},
    },
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
struct AppPage {
    lang: &'static str,
    title: &'static str,
    tone: &'static str,
    headline: String,
    detail: String,
    things: Vec<Thing>,
    failed_title: &'static str,
    failed: Vec<Failure>,
    stages_title: &'static str,
    stages_hint: &'static str,
    mappings: Vec<Mapping>,
    funnels: Vec<Shown>,
    /// Whether the portal's script is to be told that the installation is finished.
    finishes: bool,
}

impl AppPage {
    fn bare(lang: Lang) -> AppPage {
        AppPage {
            lang: lang.as_str(),
            title: lang.pick("Приём оплаты", "Payments"),
            tone: "wait",
            headline: String::new(),
            detail: String::new(),
            things: Vec::new(),
            failed_title: "",
            failed: Vec::new(),
            stages_title: "",
            stages_hint: "",
            mappings: Vec::new(),
            funnels: Vec::new(),
            finishes: false,
        }
    }
}

struct Thing {
    title: String,
    why: String,
}

/// A setting that names stages.
struct Mapping {
    what: &'static str,
    value: String,
    command: String,
}

/// A funnel with its stages, as the settings name them.
struct Shown {
    name: String,
    stages: Vec<Thing>,
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
        (What::Register | What::Prove, Lang::Ru) => "Регистрация на портале".to_owned(),
        (What::Register | What::Prove, Lang::En) => "Registration at the portal".to_owned(),
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
type Registered = (String, Option<String>);

/// What the application's page tells.
pub struct Told<'a> {
    pub registered: &'a [Registered],
    pub failed: &'a [Errand],
    /// The portal's stages, to choose from.
    pub funnels: &'a [Funnel],
    /// Settings that name stages, as they are.
    pub mappings: &'a [(&'static str, String)],
    pub integration_id: &'a str,
}

impl<'a> Told<'a> {
    /// Right after the installation.
    pub fn of(registered: &'a [Registered]) -> Told<'a> {
        Told { registered, failed: &[], funnels: &[], mappings: &[], integration_id: "" }
    }
}

/// What is registered, and what did not come off; with `finishes` the installation ends with this
/// page.
pub fn installed(
    told: &Told<'_>,
    finishes: bool,
    lang: Lang,
    origin: &Origin,
) -> Result<Response, ApiError> {
    let is_whole = told.registered.iter().all(|(_, why)| why.is_none());
    let thing = |(title, why): &Registered| Thing {
        title: title.clone(),
        why: why.clone().unwrap_or_default(),
    };
    let (headline, detail) = headline(is_whole, finishes, lang);
    let page = AppPage {
        tone: if is_whole || !finishes { "good" } else { "wait" },
        headline: headline.to_owned(),
        detail: detail.to_owned(),
        things: told.registered.iter().map(thing).collect(),
        failed_title: lang.pick("Что не получилось", "What did not come off"),
        failed: told.failed.iter().map(|one| failure(one, lang)).collect(),
        stages_title: lang.pick("Стадии сделок", "Stages of deals"),
        stages_hint: lang.pick(
            "Куда переходит сделка, говорит воронка и код стадии: выберите и сохраните командой.",
            "Where a deal goes is said by a funnel and a stage's code: choose and save by command.",
        ),
        mappings: told.mappings.iter().map(|it| mapping(it, told, lang)).collect(),
        funnels: told.funnels.iter().map(funnel).collect(),
        finishes,
        ..AppPage::bare(lang)
    };
    let html = page.render().map_err(anyhow::Error::from)?;
    let page = headers::page(StatusCode::OK, html, CACHE);
    Ok(headers::framed(page, &origin.0, finishes.then_some(BX24)))
}

fn headline(is_whole: bool, finishes: bool, lang: Lang) -> (&'static str, &'static str) {
    match (is_whole, finishes) {
        (true, _) => (
            lang.pick("Готово", "All set"),
            lang.pick(
                "Откройте любую сделку: в карточке есть вкладка «Оплата».",
                "Open any deal: its card has the tab “Payment”.",
            ),
        ),
        (false, true) => (
            lang.pick("Установлено, но не всё", "Installed, but not all of it"),
            lang.pick(
                "Портал отказал в том, что отмечено. Дайте приложению права crm, im, placement, \
                 bizproc, pay_system, sale и откройте эту страницу ещё раз.",
                "The portal refused what is marked. Give the application the rights crm, im, \
                 placement, bizproc, pay_system, sale and open this page once more.",
            ),
        ),
        (false, false) => (
            lang.pick("Работает без отмеченного", "It works without what is marked"),
            lang.pick(
                "Этого портал не разрешил. Нужно — дайте приложению право и откройте эту страницу \
                 ещё раз; не нужно — всё остальное в порядке.",
                "The portal did not allow it. If it is wanted, give the application the right and \
                 open this page once more; if not, the rest is in order.",
            ),
        ),
    }
}

/// A setting as it is, and the command that changes it.
fn mapping((name, value): &(&'static str, String), told: &Told<'_>, lang: Lang) -> Mapping {
    let what = match *name {
        PAID_STAGES => lang.pick("Оплачено", "Paid"),
        REFUNDED_STAGES => lang.pick("Всё возвращено", "All of it went back"),
        FAILED_STAGES => lang.pick("Не оплачено", "Not paid"),
        _ => lang.pick("Ссылка создаётся сама", "A link is made by itself"),
    };
    // The last stage of each funnel is as good an example as any.
    let example: Vec<String> = match value.as_str() {
        "" => told.funnels.iter().filter_map(|it| Some(pair(it, it.stages.last()?))).collect(),
        value => vec![value.to_owned()],
    };
    Mapping {
        what,
        value: if value.is_empty() { "—".to_owned() } else { value.clone() },
        command: format!(
            "kopeck integration edit {} --set \"{name}={}\"",
            told.integration_id,
            example.join("; ")
        ),
    }
}

fn pair(funnel: &Funnel, stage: &Stage) -> String {
    format!("{}={}", funnel.category, stage.code)
}

fn funnel(funnel: &Funnel) -> Shown {
    let stage = |it: &Stage| Thing { title: it.name.clone(), why: pair(funnel, it) };
    Shown { name: funnel.name.clone(), stages: funnel.stages.iter().map(stage).collect() }
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
    let page = AppPage { tone: "bad", headline, detail, ..AppPage::bare(lang) };
    framed(StatusCode::OK, page.render(), origin)
}

/// The tab was open for too long, or its form is not ours.
pub fn gone(lang: Lang, origin: &Origin) -> Result<Response, ApiError> {
    let page = AppPage {
        title: lang.pick("Оплата", "Payment"),
        headline: lang.pick("Вкладка устарела", "The tab is too old").to_owned(),
        detail: lang
            .pick("Закройте карточку сделки и откройте снова.", "Close the deal and open it again.")
            .to_owned(),
        ..AppPage::bare(lang)
    };
    framed(StatusCode::FORBIDDEN, page.render(), origin)
}
