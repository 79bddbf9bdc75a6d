//! What an application registers at a portal when it is installed, and again at each update: the
//! tab, the button, the robot, the triggers, the fields, the pay system.
//!
//! Two batches: the first looks at who installs and what is registered already, the second makes it
//! as it should be. So it may be done again at any time, with another address of ours too.

use kopeck_banks::http::{HttpReply, HttpRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    problems,
    rest::{self, Called, Refusal},
};
use crate::{
    integration::{Reading, Settings},
    problem::Broken,
};

pub const ROBOT_CODE: &str = "kopeck_create_link";
pub const PAY_SYSTEM_CODE: &str = "kopeck";
pub const PAID_TRIGGER: &str = "kopeck_paid";
pub const FAILED_TRIGGER: &str = "kopeck_failed";
pub const REFUNDED_TRIGGER: &str = "kopeck_refunded";
/// What [`super::inbound::RobotRun::properties`] may hold.
pub const ROBOT_PROPERTIES: [&str; 5] =
    ["amount", "description", "ttl_minutes", "with_receipt", "send_to"];
/// The fields that an application makes, as `crm.item` names them: link, state, time.
pub const OWN_FIELDS: [&str; 3] = ["ufCrmKopeckLink", "ufCrmKopeckStatus", "ufCrmKopeckPaidAt"];

const PLACES: [(&str, &str); 2] = [
    ("Вкладка в карточке сделки", "CRM_DEAL_DETAIL_TAB"),
    ("Кнопка в карточке сделки", "CRM_DEAL_DETAIL_TOOLBAR"),
];
const EVENTS: [&str; 4] =
    ["ONAPPUNINSTALL", "ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALMOVETOCATEGORY"];
const PORTAL_EVENTS: &str = "События портала";
const TRIGGERS: [(&str, &str, &str); 3] = [
    ("Триггер «Оплата получена»", PAID_TRIGGER, "Оплата получена"),
    ("Триггер «Оплата не прошла»", FAILED_TRIGGER, "Оплата не прошла"),
    ("Триггер «Деньги возвращены»", REFUNDED_TRIGGER, "Деньги возвращены"),
];
const FIELDS: [(&str, &str, &str, &str); 3] = [
    ("Поле «Ссылка на оплату»", "KOPECK_LINK", "url", "Ссылка на оплату"),
    ("Поле «Состояние оплаты»", "KOPECK_STATUS", "string", "Состояние оплаты"),
    ("Поле «Оплачено»", "KOPECK_PAID_AT", "datetime", "Оплачено"),
];

/// Where the portal reaches us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Of this connection, without a slash at its end.
    pub base: String,
    /// Of the pay system; holds a secret, since a buyer's checkout is not signed.
    pub checkout: String,
}

/// What the portal has of us, and who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct There {
    /// The employee who installs; robots run in his name.
    pub user_id: i64,
    pub is_admin: bool,
    /// Events and the addresses that they go to.
    events: Vec<(String, String)>,
    has_robot: bool,
    pay_system: Option<i64>,
}

/// The first batch.
pub fn look(settings: &Settings) -> Result<HttpRequest, Broken> {
    rest::batch(
        settings,
        &[
            ("profile", "profile", json!({})),
            ("events", "event.get", json!({})),
            ("robots", "bizproc.robot.list", json!({})),
            ("handlers", "sale.paysystem.handler.list", json!({})),
        ],
    )
}

#[derive(Deserialize)]
struct Profile {
    #[serde(rename = "ID")]
    id: Value,
    #[serde(rename = "ADMIN", default)]
    admin: bool,
}

#[derive(Deserialize)]
struct Bound {
    event: String,
    handler: String,
}

#[derive(Deserialize)]
struct Handler {
    #[serde(rename = "ID")]
    id: Value,
    #[serde(rename = "CODE", default)]
    code: String,
}

/// A number, or a number in quotes.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// What a batch as a whole came to.
fn result_of(reply: &HttpReply) -> Result<String, Reading> {
    match rest::read(reply) {
        Called::Result(result) => Ok(result),
        Called::Refused(refusal) => {
            let words = refusal.words;
            Err(Reading::Broken(Broken::of(&problems::REFUSED).because(&words)))
        }
        Called::Other(reading) => Err(reading),
    }
}

pub fn read_look(reply: &HttpReply) -> Result<There, Reading> {
    let result = result_of(reply)?;
    let profile = rest::of_batch(&result, "profile").ok();
    let profile: Option<Profile> = profile.and_then(|text| serde_json::from_str(&text).ok());
    let profile = profile.ok_or_else(|| Reading::unclear("the portal does not say who asks"))?;
    // A right that the application lacks is told of by what it then cannot register.
    let part = |name: &str| rest::of_batch(&result, name).unwrap_or_default();
    let events: Vec<Bound> = serde_json::from_str(&part("events")).unwrap_or_default();
    let robots: Vec<String> = serde_json::from_str(&part("robots")).unwrap_or_default();
    let handlers: Vec<Handler> = serde_json::from_str(&part("handlers")).unwrap_or_default();
    let own = handlers.iter().find(|handler| handler.code == PAY_SYSTEM_CODE);
    Ok(There {
        user_id: number(&profile.id).unwrap_or_default(),
        is_admin: profile.admin,
        events: events.into_iter().map(|it| (it.event, it.handler)).collect(),
        has_robot: robots.iter().any(|code| code == ROBOT_CODE),
        pay_system: own.and_then(|handler| number(&handler.id)),
    })
}

/// One thing to register, or to take away first.
struct Step {
    /// The order within the batch: its keys come sorted.
    key: String,
    /// Its name for the merchant; what is only cleared away has none.
    title: Option<&'static str>,
    /// A part of the refusal that means that it is there already.
    done_already: &'static [&'static str],
}

/// The second batch.
pub struct Plan {
    pub request: HttpRequest,
    steps: Vec<Step>,
    /// What is as it should be and is not asked for.
    already: Vec<&'static str>,
}

/// What came of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub title: &'static str,
    /// Why it is not there, in the portal's words.
    pub refused: Option<String>,
}

/// Commands in their order.
#[derive(Default)]
struct Batch {
    steps: Vec<Step>,
    calls: Vec<(&'static str, Value)>,
    already: Vec<&'static str>,
}

impl Batch {
    fn add(&mut self, title: &'static str, method: &'static str, params: Value) {
        self.push(Some(title), method, params, &[]);
    }

    fn push(
        &mut self,
        title: Option<&'static str>,
        method: &'static str,
        params: Value,
        done_already: &'static [&'static str],
    ) {
        let key = format!("c{:02}", self.steps.len());
        self.steps.push(Step { key, title, done_already });
        self.calls.push((method, params));
    }
}

pub fn register(settings: &Settings, to: &Addresses, there: &There) -> Result<Plan, Broken> {
    let mut batch = Batch::default();
    let base = &to.base;
    for (title, place) in PLACES {
        // All of this application's at this place, whichever address they had.
        batch.push(None, "placement.unbind", json!({ "PLACEMENT": place }), &[]);
        let params = json!({ "PLACEMENT": place, "HANDLER": format!("{base}/card"),
            "TITLE": "Оплата", "LANG_ALL": { "ru": { "TITLE": "Оплата" },
            "en": { "TITLE": "Payment" } } });
        batch.add(title, "placement.bind", params);
    }
    bind_events(&mut batch, &format!("{base}/events"), there);
    let robot = robot(base, there.user_id);
    if there.has_robot {
        let params = json!({ "CODE": ROBOT_CODE, "FIELDS": robot });
        batch.add("Робот «Создать ссылку на оплату»", "bizproc.robot.update", params);
    } else {
        let mut params = robot;
        params["CODE"] = json!(ROBOT_CODE);
        batch.add("Робот «Создать ссылку на оплату»", "bizproc.robot.add", params);
    }
    for (title, code, name) in TRIGGERS {
        // One that is there takes the new name.
        batch.add(title, "crm.automation.trigger.add", json!({ "CODE": code, "NAME": name }));
    }
    for (title, field, kind, label) in FIELDS {
        let params = json!({ "fields": { "USER_TYPE_ID": kind, "FIELD_NAME": field,
            "LABEL": label, "EDIT_FORM_LABEL": { "ru": label },
            "LIST_COLUMN_LABEL": { "ru": label }, "XML_ID": field } });
        let is_there: &[&str] = &["уже существует", "already exists", "already used"];
        batch.push(Some(title), "crm.deal.userfield.add", params, is_there);
    }
    let pay_system = pay_system(&to.checkout);
    match there.pay_system {
        Some(id) => {
            let params = json!({ "ID": id, "FIELDS": pay_system });
            batch.add("Платёжная система", "sale.paysystem.handler.update", params);
        }
        None => batch.add("Платёжная система", "sale.paysystem.handler.add", pay_system),
    }
    let Batch { steps, calls, already } = batch;
    let calls: Vec<(&str, &str, Value)> = steps
        .iter()
        .zip(calls)
        .map(|(step, (method, params))| (step.key.as_str(), method, params))
        .collect();
    let request = rest::batch(settings, &calls)?;
    Ok(Plan { request, steps, already })
}

fn bind_events(batch: &mut Batch, handler: &str, there: &There) {
    // What an older address of ours still hears.
    for (event, to) in there.events.iter().filter(|(_, to)| to != handler) {
        let params = json!({ "event": event, "handler": to });
        batch.push(None, "event.unbind", params, &[]);
    }
    for event in EVENTS {
        let is_there =
            |(name, to): &(String, String)| name.eq_ignore_ascii_case(event) && to == handler;
        if there.events.iter().any(is_there) {
            batch.already.push(PORTAL_EVENTS);
        } else {
            let params = json!({ "event": event, "handler": handler });
            batch.push(Some(PORTAL_EVENTS), "event.bind", params, &["already"]);
        }
    }
}

impl Plan {
    /// Each thing once, what was refused with why; what is about the whole connection as an error.
    pub fn read(&self, reply: &HttpReply) -> Result<Vec<Registered>, Reading> {
        let result = result_of(reply)?;
        let mut all: Vec<Registered> = Vec::new();
        for title in &self.already {
            if all.iter().all(|one| one.title != *title) {
                all.push(Registered { title, refused: None });
            }
        }
        for step in &self.steps {
            let Some(title) = step.title else { continue };
            let refused = rest::of_batch(&result, &step.key).err().and_then(|it| step.refusal(&it));
            match all.iter_mut().find(|one| one.title == title) {
                Some(known) => known.refused = known.refused.take().or(refused),
                None => all.push(Registered { title, refused }),
            }
        }
        Ok(all)
    }
}

impl Step {
    fn refusal(&self, refusal: &Refusal) -> Option<String> {
        let words = format!("{} {}", refusal.code, refusal.words).trim().to_owned();
        let is_there = self.done_already.iter().any(|part| words.to_lowercase().contains(part));
        (!is_there).then_some(words)
    }
}

fn robot(base: &str, user_id: i64) -> Value {
    let property = |ru: &str, en: &str, kind: &str, default: &str| {
        json!({ "Name": { "ru": ru, "en": en }, "Type": kind, "Required": "N", "Multiple": "N",
            "Default": default })
    };
    let returned = |ru: &str, en: &str| json!({ "Name": { "ru": ru, "en": en }, "Type": "string" });
    // A query cannot carry an empty key, so that not to send has a word.
    let mut send_to = property("Отправить покупателю", "Send to the buyer", "select", "none");
    send_to["Options"] = json!({ "none": "—", "email": "E-mail", "sms": "SMS",
        "wazzup": "WhatsApp (Wazzup24)", "greenapi": "WhatsApp (GREEN-API)",
        "telegram": "Telegram", "max": "MAX" });
    json!({
        "HANDLER": format!("{base}/robot"),
        "AUTH_USER_ID": user_id,
        // The next robots need the link.
        "USE_SUBSCRIPTION": "Y",
        "NAME": { "ru": "Создать ссылку на оплату", "en": "Create a payment link" },
        "PROPERTIES": {
            "amount": property("Сумма", "Amount", "double", "{=Document:OPPORTUNITY}"),
            "description": property("Назначение", "Purpose", "string", "{=Document:TITLE}"),
            "ttl_minutes": property("Срок, минут", "Life in minutes", "int", ""),
            "with_receipt": property("Чек по товарам", "Receipt of the rows", "bool", "N"),
            "send_to": send_to,
        },
        "RETURN_PROPERTIES": {
            "payment_url": returned("Ссылка на оплату", "Payment link"),
            "payment_id": returned("Номер платежа", "Payment id"),
            "status": returned("Состояние", "Status"),
            "error": returned("Ошибка", "Error"),
        },
        "DOCUMENT_TYPE": ["crm", "CCrmDocumentDeal", "DEAL"],
        "FILTER": { "INCLUDE": [["crm", "CCrmDocumentDeal"]] },
    })
}

fn pay_system(checkout: &str) -> Value {
    json!({
        "NAME": "Kopeck",
        "CODE": PAY_SYSTEM_CODE,
        "SORT": 100,
        "SETTINGS": {
            "CURRENCY": ["RUB"],
            "CLIENT_TYPE": "b2c",
            "CHECKOUT_DATA": { "ACTION_URI": checkout, "METHOD": "POST",
                "FIELDS": { "PAYMENT_ID": { "CODE": "PAYMENT_ID", "VISIBLE": "N" } } },
            "CODES": { "PAYMENT_ID": { "NAME": "Номер оплаты", "SORT": 100, "GROUP": "PAYMENT",
                "DEFAULT": { "PROVIDER_KEY": "PAYMENT", "PROVIDER_VALUE": "ID" } } },
        },
    })
}
