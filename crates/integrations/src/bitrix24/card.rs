//! What is read of a portal before a link is made: a deal with its rows, its buyer, the deals at a
//! stage, a payment of the portal's own.

use kopeck_banks::{
    Money,
    http::{HttpReply, HttpRequest},
    receipt::{
        Line,
        contact::{is_email, normal_phone},
    },
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

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
    let result = called(reply)?;
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

/// How to reach a buyer: a phone as `+79001234567`. Never printed.
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

pub fn read_person(reply: &HttpReply) -> Result<Person, Reading> {
    let result = called(reply)?;
    let unclear = |_| Reading::unclear("the answer is nobody");
    let fm = serde_json::from_str::<PersonItem>(&result).map_err(unclear)?.item.fm;
    let all = |kind: &'static str| {
        fm.iter().filter(move |one| one.type_id == kind).map(|one| one.value.trim())
    };
    // People keep anything there: the first that is an address at all.
    let email = all("EMAIL").find(|email| is_email(email)).map(str::to_owned);
    Ok(Person { phone: all("PHONE").find_map(normal_phone), email })
}

/// Deals at a stage that changed since then (ISO 8601), after that id: a page of at most fifty.
pub fn deals_at(
    settings: &Settings,
    (category, stage): (i64, &str),
    since: &str,
    after_id: i64,
) -> Result<HttpRequest, Broken> {
    let params = json!({
        "entityTypeId": DEAL,
        "filter": { "=categoryId": category, "=stageId": stage, ">=updatedTime": since,
            ">id": after_id },
        "order": { "id": "ASC" },
        // A deal has hundreds of fields, and a reply too long is cut.
        "select": ["id"],
        // No counting: the page says by its length whether there is another one.
        "start": -1,
    });
    rest::call(settings, "crm.item.list", params)
}

/// More than that is the next page's.
pub const PAGE: usize = 50;

#[derive(Deserialize)]
struct Items<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

/// The numbers of the deals, in their order.
pub fn read_deals(reply: &HttpReply) -> Result<Vec<i64>, Reading> {
    let result = called(reply)?;
    let unclear = || Reading::unclear("the answer is no list of deals");
    let items: Items<'_> = serde_json::from_str(&result).map_err(|_| unclear())?;
    let id = |item: &&RawValue| {
        let item: Value = serde_json::from_str(item.get()).ok()?;
        item["id"].as_i64().or_else(|| item["id"].as_str()?.parse().ok())
    };
    items.items.iter().map(|item| id(item).ok_or_else(unclear)).collect()
}

/// A payment of the portal's own, which a buyer wants to pay by our pay system.
pub fn portal_payment(settings: &Settings, id: &str) -> Result<HttpRequest, Broken> {
    rest::call(settings, "sale.payment.get", json!({ "id": id }))
}

/// What the portal says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalPayment {
    pub sum: Money,
    pub is_paid: bool,
    /// In rubles.
    pub is_rubles: bool,
}

#[derive(Deserialize)]
struct PaymentResult<'a> {
    #[serde(borrow)]
    payment: RawPayment<'a>,
}

#[derive(Deserialize)]
struct RawPayment<'a> {
    #[serde(borrow)]
    sum: &'a RawValue,
    #[serde(default)]
    paid: Option<String>,
    #[serde(default)]
    currency: Option<String>,
}

pub fn read_portal_payment(reply: &HttpReply) -> Result<PortalPayment, Reading> {
    let result = called(reply)?;
    let unclear = || Reading::unclear("the answer is no payment");
    let found: PaymentResult<'_> = serde_json::from_str(&result).map_err(|_| unclear())?;
    let payment = found.payment;
    Ok(PortalPayment {
        sum: Money::parse_json(payment.sum).map_err(|_| unclear())?,
        is_paid: payment.paid.as_deref() == Some("Y"),
        is_rubles: payment.currency.as_deref().is_none_or(|currency| currency == "RUB"),
    })
}

fn called(reply: &HttpReply) -> Result<String, Reading> {
    match rest::read(reply) {
        Called::Result(result) => Ok(result),
        Called::Refused(refusal) => {
            Err(Reading::Broken(Broken::of(&problems::REFUSED).because(&refusal.words)))
        }
        Called::Other(reading) => Err(reading),
    }
}
