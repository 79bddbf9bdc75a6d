//! What an application registers at a portal when it is installed, and again at each update: the
//! tab, the button, the robot, the triggers, the fields, the pay system. And the reading of a
//! deal's card, which all of them begin with.

use kopeck_banks::http::{HttpReply, HttpRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    DEAL,
    deal::Deal,
    lines::{self, LinesProblem},
    problems,
    rest::{self, Called},
};
use crate::{
    integration::{Reading, Settings},
    problem::Broken,
};
use kopeck_banks::receipt::Line;

pub const ROBOT_CODE: &str = "kopeck_create_link";
pub const PAY_SYSTEM_CODE: &str = "kopeck";
/// What [`super::inbound::RobotRun::properties`] may hold.
pub const ROBOT_PROPERTIES: [&str; 4] = ["amount", "description", "ttl_minutes", "with_receipt"];

/// One thing to register.
pub struct Registration {
    /// Its name for the merchant.
    pub title: &'static str,
    pub request: HttpRequest,
    /// The refusal that means that it is there already.
    done_already: &'static str,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    Done,
    Already,
    /// It cannot be, and why; the rest may go on.
    Refused(String),
    Other(Reading),
}

impl Registration {
    pub fn read(&self, reply: &HttpReply) -> Registered {
        match rest::read(reply) {
            Called::Result(_) => Registered::Done,
            Called::Refused(refusal) => {
                let words = format!("{} {}", refusal.code, refusal.words);
                if words.contains(self.done_already) {
                    Registered::Already
                } else {
                    Registered::Refused(words.trim().to_owned())
                }
            }
            Called::Other(reading) => Registered::Other(reading),
        }
    }
}

/// Everything, in the order in which it is registered. `base` is our public address of this
/// connection, without a slash at its end.
pub fn registrations(settings: &Settings, base: &str) -> Result<Vec<Registration>, Broken> {
    let mut list = Vec::new();
    let mut add = |title, method: &str, done_already, params: Value| {
        let request = rest::call(settings, method, params)?;
        list.push(Registration { title, request, done_already });
        Ok::<(), Broken>(())
    };
    for (title, place) in [
        ("Вкладка в карточке сделки", "CRM_DEAL_DETAIL_TAB"),
        ("Кнопка в карточке сделки", "CRM_DEAL_DETAIL_TOOLBAR"),
    ] {
        let params = json!({ "PLACEMENT": place, "HANDLER": format!("{base}/card"),
            "TITLE": "Оплата", "LANG_ALL": { "ru": { "TITLE": "Оплата" },
            "en": { "TITLE": "Payment" } } });
        add(title, "placement.bind", "already", params)?;
    }
    add("Робот", "bizproc.robot.add", "ERROR_ACTIVITY_ALREADY_INSTALLED", robot(base))?;
    for (title, code, name) in [
        ("Триггер «Оплата получена»", "kopeck_paid", "Оплата получена"),
        ("Триггер «Оплата не прошла»", "kopeck_failed", "Оплата не прошла"),
        ("Триггер «Возврат»", "kopeck_refunded", "Деньги возвращены"),
    ] {
        let params = json!({ "CODE": code, "NAME": name });
        add(title, "crm.automation.trigger.add", "already", params)?;
    }
    for (title, field, kind, label) in [
        ("Поле «Ссылка на оплату»", "KOPECK_LINK", "url", "Ссылка на оплату"),
        ("Поле «Состояние оплаты»", "KOPECK_STATUS", "string", "Состояние оплаты"),
        ("Поле «Оплачено»", "KOPECK_PAID_AT", "datetime", "Оплачено"),
    ] {
        let params = json!({ "fields": { "USER_TYPE_ID": kind, "FIELD_NAME": field,
            "LABEL": label, "EDIT_FORM_LABEL": { "ru": label } } });
        add(title, "crm.deal.userfield.add", "уже существует", params)?;
    }
    for event in ["ONAPPUNINSTALL", "ONCRMDEALUPDATE", "ONCRMDEALADD", "ONCRMDEALMOVETOCATEGORY"] {
        let params = json!({ "event": event, "handler": format!("{base}/events") });
        add("Событие портала", "event.bind", "already", params)?;
    }
    add("Платёжная система", "sale.paysystem.handler.add", "already", pay_system(base))?;
    Ok(list)
}

fn robot(base: &str) -> Value {
    let property = |ru: &str, en: &str, kind: &str, default: &str| {
        json!({ "Name": { "ru": ru, "en": en }, "Type": kind, "Required": "N", "Multiple": "N",
            "Default": default })
    };
    let returned = |ru: &str, en: &str| json!({ "Name": { "ru": ru, "en": en }, "Type": "string" });
    json!({
        "CODE": ROBOT_CODE,
        "HANDLER": format!("{base}/robot"),
        "AUTH_USER_ID": 1,
        // The next robots need the link.
        "USE_SUBSCRIPTION": "Y",
        "NAME": { "ru": "Создать ссылку на оплату", "en": "Create a payment link" },
        "PROPERTIES": {
            "amount": property("Сумма", "Amount", "double", "{=Document:OPPORTUNITY}"),
            "description": property("Назначение", "Purpose", "string", "{=Document:TITLE}"),
            "ttl_minutes": property("Срок, минут", "Life in minutes", "int", ""),
            "with_receipt": property("Чек по товарам", "Receipt of the rows", "bool", "N"),
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

fn pay_system(base: &str) -> Value {
    json!({
        "NAME": "Kopeck",
        "CODE": PAY_SYSTEM_CODE,
        "SETTINGS": {
            "CURRENCY": ["RUB"],
            "CLIENT_TYPE": "b2c",
            "CHECKOUT_DATA": { "ACTION_URI": format!("{base}/checkout"), "METHOD": "POST",
                "FIELDS": {} },
        },
    })
}

/// A deal with its rows, in one request.
pub fn card(settings: &Settings, deal_id: i64) -> Result<HttpRequest, Broken> {
    rest::batch(
        settings,
        &[
            ("deal", "crm.item.get", json!({ "entityTypeId": DEAL, "id": deal_id })),
            (
                "rows",
                "crm.item.productrow.list",
                json!({ "filter": { "=ownerType": "D", "=ownerId": deal_id } }),
            ),
        ],
    )
}

/// What a link for a deal is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub deal: Deal,
    /// The rows as a receipt of the deal's sum, or why they are none: then a person decides.
    pub lines: Result<Vec<Line>, LinesProblem>,
}

pub fn read_card(reply: &HttpReply) -> Result<Card, Reading> {
    let result = match rest::read(reply) {
        Called::Result(result) => result,
        Called::Refused(refusal) => {
            return Err(Reading::Broken(Broken::of(&problems::REFUSED).because(&refusal.words)));
        }
        Called::Other(reading) => return Err(reading),
    };
    let deal = rest::of_batch(&result, "deal").map_err(|refusal| {
        let problem = match refusal.code.as_str() {
            "ACCESS_DENIED" => &problems::DEAL_CLOSED,
            _ => &problems::DEAL_UNKNOWN,
        };
        Reading::Broken(Broken::of(problem).because(&refusal.words))
    })?;
    let deal = Deal::read(&deal).ok_or_else(|| Reading::unclear("the answer is no deal"))?;
    let lines = match rest::of_batch(&result, "rows") {
        Ok(rows) => lines::read(&rows, deal.sum.unwrap_or_default()),
        Err(_) => Err(LinesProblem::Empty),
    };
    Ok(Card { deal, lines })
}

/// The buyer's phone and e-mail: of a contact (3) or of a company (4).
pub fn person(settings: &Settings, kind: i64, id: i64) -> Result<HttpRequest, Broken> {
    rest::call(settings, "crm.item.get", json!({ "entityTypeId": kind, "id": id }))
}

/// How to reach a buyer. Never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub phone: Option<String>,
    pub email: Option<String>,
}

#[derive(Deserialize)]
struct PersonItem {
    item: PersonFields,
}

#[derive(Deserialize)]
struct PersonFields {
    #[serde(default)]
    fm: Vec<PersonAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonAddress {
    type_id: String,
    value: String,
}

pub fn read_person(reply: &HttpReply) -> Option<Person> {
    let Called::Result(result) = rest::read(reply) else { return None };
    let fm = serde_json::from_str::<PersonItem>(&result).ok()?.item.fm;
    let find = |kind: &str| {
        fm.iter().find(|one| one.type_id == kind).map(|one| one.value.trim().to_owned())
    };
    Some(Person { phone: find("PHONE"), email: find("EMAIL") })
}
