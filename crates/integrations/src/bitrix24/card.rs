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

/// Rows of one page, and pages of one request; the portal takes fifty commands at once.
const ROWS: usize = 50;
const PAGES: usize = 50;

fn rows_from(deal_id: i64, start: usize) -> Value {
    json!({ "filter": { "=ownerType": "D", "=ownerId": deal_id }, "start": start })
}

/// A deal with its rows, in one request.
pub fn card(settings: &Settings, deal_id: i64) -> Result<HttpRequest, Broken> {
    rest::batch(
        settings,
        &[
            ("deal", "crm.item.get", json!({ "entityTypeId": DEAL, "id": deal_id })),
            ("rows", "crm.item.productrow.list", rows_from(deal_id, 0)),
        ],
    )
}

/// The rest of the rows of a deal that has more than a page of them, in one request.
pub fn more_rows(settings: &Settings, draft: &Draft) -> Result<HttpRequest, Broken> {
    let starts: Vec<usize> = (ROWS..draft.total).step_by(ROWS).take(PAGES).collect();
    let names: Vec<String> = starts.iter().map(|start| page_name(*start)).collect();
    let calls: Vec<(&str, &str, Value)> = names
        .iter()
        .zip(&starts)
        .map(|(name, start)| {
            (name.as_str(), "crm.item.productrow.list", rows_from(draft.deal.id, *start))
        })
        .collect();
    rest::batch(settings, &calls)
}

fn page_name(start: usize) -> String {
    format!("rows{start:05}")
}

/// What a link for a deal is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub deal: Deal,
    /// The rows as a receipt of the deal's sum, or why they are none: then a person decides.
    pub lines: Result<Vec<Line>, LinesProblem>,
}

/// A deal with the first of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    deal: Deal,
    pages: Vec<String>,
    total: usize,
}

impl Draft {
    /// Whether there are [`more_rows`].
    pub fn has_more(&self) -> bool {
        self.total > ROWS
    }

    /// The card, with the rest of the rows where there is one.
    pub fn close(mut self, more: Option<&HttpReply>) -> Result<Card, Reading> {
        if let Some(reply) = more {
            let result = called(reply)?;
            for start in (ROWS..self.total).step_by(ROWS).take(PAGES) {
                let page = rest::of_batch(&result, &page_name(start));
                self.pages.push(page.map_err(|_| Reading::unclear("rows of a deal are missing"))?);
            }
        }
        let lines = lines::read(&self.pages, self.deal.sum.unwrap_or_default());
        Ok(Card { deal: self.deal, lines })
    }
}

pub fn read_card(reply: &HttpReply) -> Result<Draft, Reading> {
    let result = called(reply)?;
    let deal = rest::of_batch(&result, "deal").map_err(|refusal| {
        let problem = match refusal.code.as_str() {
            "ACCESS_DENIED" => &problems::DEAL_CLOSED,
            _ => &problems::DEAL_UNKNOWN,
        };
        Reading::Broken(Broken::of(problem).because(&refusal.words))
    })?;
    let deal = Deal::read(&deal).ok_or_else(|| Reading::unclear("the answer is no deal"))?;
    let pages = Vec::from_iter(rest::of_batch(&result, "rows").ok());
    let total = rest::total_of_batch(&result, "rows").unwrap_or_default();
    Ok(Draft { deal, pages, total })
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
