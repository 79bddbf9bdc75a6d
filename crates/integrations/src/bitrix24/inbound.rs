//! What a portal sends us, all of it as forms with bracketed names: events, the installation, the
//! opening of a tab, the run of a robot, a buyer at our pay system.
//!
//! Nothing is believed before [`is_genuine`]; nothing but ids is taken from an event, the deal is
//! read anew. A portal does not repeat what we did not answer: answer at once, work afterwards.

use std::collections::BTreeMap;

use kopeck_banks::{
    Money,
    http::{HttpReply, HttpRequest, parse_query},
};
use serde_json::{Value, json};

use super::{
    problems,
    rest::{self, Called},
    settings::{ACCESS_TOKEN, APPLICATION_TOKEN, ENDPOINT, MEMBER_ID, REFRESH_TOKEN},
};
use crate::{
    integration::{Reading, Settings},
    keyed,
    problem::Broken,
};

/// A form, its names flat: `auth[domain]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(BTreeMap<String, String>);

/// More fields than any request of a portal has.
const MAX_FIELDS: usize = 500;

impl Form {
    /// The body, and what stood in the address beside it.
    pub fn read(body: &[u8], query: &str) -> Form {
        let body = String::from_utf8_lossy(body);
        let fields = parse_query(&body).into_iter().chain(parse_query(query));
        Form(fields.take(MAX_FIELDS).collect())
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// Everything under one name: `properties[amount]` as `amount`.
    fn under(&self, name: &str) -> BTreeMap<String, String> {
        let inner = |key: &str| {
            let rest = key.strip_prefix(name)?.strip_prefix('[')?;
            rest.split_once(']').map(|(key, _)| key.to_owned())
        };
        self.0.iter().filter_map(|(key, value)| Some((inner(key)?, value.clone()))).collect()
    }
}

/// Whether the portal that we are connected to sent it: its own token, and its id.
pub fn is_genuine(settings: &Settings, form: &Form) -> bool {
    let token = form.find("auth[application_token]").or_else(|| form.find("APPLICATION_TOKEN"));
    let member = form.find("auth[member_id]").or_else(|| form.find("member_id"));
    let expected = settings.find(APPLICATION_TOKEN);
    let is_token =
        token.zip(expected).is_some_and(|(given, expected)| keyed::is_same(given, expected));
    // An outgoing webhook's form knows no other portal.
    is_token && settings.find(MEMBER_ID).is_none_or(|known| member.is_none_or(|it| it == known))
}

/// Whether somebody wants the application installed, or installed anew.
pub fn is_installation(form: &Form) -> bool {
    form.find("event") == Some("ONAPPINSTALL") || form.find("REFRESH_ID").is_some()
}

/// The settings that an installation gives: as an application without pages (an event) or with them
/// (the address of the install page).
pub fn install(form: &Form) -> Option<Vec<(&'static str, String)>> {
    let of_event = form.find("event") == Some("ONAPPINSTALL");
    let names = if of_event {
        ["auth[access_token]", "auth[refresh_token]", "auth[application_token]", "auth[member_id]"]
    } else {
        ["AUTH_ID", "REFRESH_ID", "APPLICATION_TOKEN", "member_id"]
    };
    let endpoint = match form.find("auth[client_endpoint]") {
        Some(endpoint) => endpoint.to_owned(),
        None => format!("https://{}/rest/", form.find("DOMAIN")?),
    };
    let settings = [ACCESS_TOKEN, REFRESH_TOKEN, APPLICATION_TOKEN, MEMBER_ID];
    let mut values = vec![(ENDPOINT, endpoint)];
    for (setting, name) in settings.into_iter().zip(names) {
        values.push((setting, form.find(name)?.to_owned()));
    }
    Some(values)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Made or changed, perhaps by ourselves: read it, then [`super::deal::Deal::asks_for_link`].
    Deal {
        id: i64,
    },
    DealDeleted {
        id: i64,
    },
    Uninstalled,
    Other,
}

/// What an event is about; of a deal only its number is told.
pub fn event(form: &Form) -> Event {
    let id = ["data[FIELDS][ID]", "data[FIELDS_AFTER][ID]"].iter().find_map(|name| form.find(name));
    let id = id.and_then(|id| id.parse().ok()).filter(|id| *id > 0);
    let word = form.find("event").unwrap_or("").to_ascii_uppercase();
    match (word.as_str(), id) {
        ("ONCRMDEALADD" | "ONCRMDEALUPDATE" | "ONCRMDEALMOVETOCATEGORY", Some(id)) => {
            Event::Deal { id }
        }
        ("ONCRMDEALDELETE", Some(id)) => Event::DealDeleted { id },
        ("ONAPPUNINSTALL", _) => Event::Uninstalled,
        _ => Event::Other,
    }
}

/// Somebody opens our tab or button in a deal's card.
#[derive(Clone, PartialEq, Eq)]
pub struct Placement {
    pub deal_id: i64,
    /// The viewer's own token: ask for the deal with it before showing anything of it.
    pub viewer_token: String,
}

impl std::fmt::Debug for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Placement {{ deal_id: {} }}", self.deal_id)
    }
}

pub fn placement(form: &Form) -> Option<Placement> {
    let options: Value = serde_json::from_str(form.find("PLACEMENT_OPTIONS")?).ok()?;
    let id = ["ID", "ENTITY_ID"].iter().find_map(|name| options.get(*name))?;
    let id = id.as_i64().or_else(|| id.as_str()?.parse().ok()).filter(|id| *id > 0)?;
    Some(Placement { deal_id: id, viewer_token: form.find("AUTH_ID")?.to_owned() })
}

/// A run of the robot «create a payment link».
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotRun {
    pub deal_id: i64,
    /// Names this run: a run that comes twice has the same.
    pub event_token: String,
    /// Whether the funnel waits for [`robot_answer`].
    pub waits: bool,
    /// What the merchant filled in, by the names of [`super::setup::ROBOT_PROPERTIES`].
    pub properties: BTreeMap<String, String>,
}

pub fn robot(form: &Form) -> Option<RobotRun> {
    let document = form.under("document_id");
    let deal = document.values().find_map(|part| part.strip_prefix("DEAL_"))?;
    Some(RobotRun {
        deal_id: deal.parse().ok().filter(|id| *id > 0)?,
        event_token: form.find("event_token")?.to_owned(),
        // An absent answer means that it waits.
        waits: form.find("use_subscription") != Some("N"),
        properties: form.under("properties"),
    })
}

/// What a run of the robot came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RobotResult<'a> {
    pub payment_url: &'a str,
    pub payment_id: &'a str,
    pub status: &'a str,
    /// A sentence for the merchant.
    pub error: &'a str,
}

/// Lets the funnel go on.
pub fn robot_answer(
    settings: &Settings,
    event_token: &str,
    result: &RobotResult<'_>,
) -> Result<HttpRequest, Broken> {
    let RobotResult { payment_url, payment_id, status, error } = result;
    let log = if error.is_empty() { payment_url } else { error };
    let params = json!({
        "event_token": event_token,
        "return_values": { "payment_url": payment_url, "payment_id": payment_id,
            "status": status, "error": error },
        "log_message": log,
    });
    rest::call(settings, "bizproc.event.send", params)
}

/// Whether the funnel heard it. A robot that was answered before, or that nobody waits for any
/// more, refuses as if rights were missing: then there is nobody to be told.
pub fn read_robot_answer(reply: &HttpReply) -> Result<(), Reading> {
    match rest::read(reply) {
        Called::Result(_) | Called::Refused(_) => Ok(()),
        Called::Other(Reading::Broken(broken)) if broken.problem == &problems::RIGHTS => Ok(()),
        Called::Other(reading) => Err(reading),
    }
}

/// A buyer presses Pay at the portal's own page, and our pay system is to make a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The portal's number of the payment.
    pub payment_id: String,
    pub pay_system_id: String,
    /// As the buyer's browser could have changed it: compare it with the portal's own payment.
    pub amount: Money,
    pub return_url: Option<String>,
}

/// Why a checkout is refused; each is a sentence for the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckoutProblem {
    #[error("Запрос портала не прочитан")]
    Unreadable,
    #[error("Оплата возможна только в рублях")]
    Currency,
    #[error("Сумма не указана")]
    Amount,
}

pub fn checkout(form: &Form) -> Result<Checkout, CheckoutProblem> {
    let field = |name: &str| form.find(&format!("BX_SYSTEM_PARAMS[{name}]"));
    let required = |name: &str| field(name).ok_or(CheckoutProblem::Unreadable);
    if required("CURRENCY")? != "RUB" {
        return Err(CheckoutProblem::Currency);
    }
    let amount = Money::parse_rubles(required("SUM")?).ok().filter(|amount| !amount.is_zero());
    Ok(Checkout {
        payment_id: required("PAYMENT_ID")?.to_owned(),
        pay_system_id: required("PAYSYSTEM_ID")?.to_owned(),
        amount: amount.ok_or(CheckoutProblem::Amount)?,
        return_url: field("RETURN_URL").map(str::to_owned),
    })
}

/// The answer to a checkout: the link, or sentences for the buyer.
pub fn checkout_answer(made: Result<(&str, &str), &str>) -> Value {
    match made {
        Ok((url, id)) => json!({ "PAYMENT_URL": url, "PAYMENT_ID": id }),
        Err(words) => json!({ "PAYMENT_ERRORS": [words] }),
    }
}

/// Tells the portal that its payment is paid.
pub fn checkout_paid(
    settings: &Settings,
    payment_id: &str,
    pay_system_id: &str,
) -> Result<HttpRequest, Broken> {
    let params = json!({ "PAYMENT_ID": payment_id, "PAY_SYSTEM_ID": pay_system_id });
    rest::call(settings, "sale.paysystem.pay.payment", params)
}

/// Whether the portal has it.
pub fn read_checkout_paid(reply: &HttpReply) -> Result<(), Reading> {
    match rest::read(reply) {
        Called::Result(_) => Ok(()),
        Called::Refused(refusal) => {
            let words = format!("{} {}", refusal.code, refusal.words);
            Err(Reading::Broken(Broken::of(&problems::REFUSED).because(&words)))
        }
        Called::Other(reading) => Err(reading),
    }
}
