//! A deal as the portal shows it, and what news of a payment changes of it: pure decisions.

use std::collections::BTreeMap;

use kopeck_banks::Money;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::settings::{self, stages};
use crate::{
    integration::Settings,
    message::{Kind, Message},
    problem::Broken,
};

/// What of a deal matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    pub id: i64,
    pub title: String,
    pub category: i64,
    pub stage: String,
    /// Won or lost: such a deal is never moved.
    pub is_final: bool,
    /// `None` when it is no sum of rubles.
    pub sum: Option<Money>,
    /// Its sum is typed by hand and need not be that of its lines.
    pub is_sum_by_hand: bool,
    pub currency: String,
    pub contact_id: Option<i64>,
    pub company_id: Option<i64>,
    pub assigned_by: Option<i64>,
    /// The fields of the portal's own, as text.
    pub fields: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDeal<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(default)]
    title: Option<String>,
    #[serde(borrow, default)]
    category_id: Option<&'a RawValue>,
    stage_id: String,
    #[serde(default)]
    stage_semantic_id: Option<String>,
    #[serde(borrow, default)]
    opportunity: Option<&'a RawValue>,
    #[serde(default)]
    is_manual_opportunity: Option<String>,
    #[serde(default)]
    currency_id: Option<String>,
    #[serde(borrow, default)]
    contact_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    company_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    assigned_by_id: Option<&'a RawValue>,
}

/// A number, or a number in quotes.
fn number(raw: Option<&RawValue>) -> Option<i64> {
    raw?.get().trim().trim_matches('"').parse().ok()
}

fn id(raw: Option<&RawValue>) -> Option<i64> {
    number(raw).filter(|id| *id > 0)
}

impl Deal {
    /// Reads the `result` of `crm.item.get` with `entityTypeId` 2; `None` when it is no deal.
    pub fn read(result: &str) -> Option<Deal> {
        let result: BTreeMap<String, &RawValue> = serde_json::from_str(result).ok()?;
        let item = result.get("item")?.get();
        let raw: RawDeal<'_> = serde_json::from_str(item).ok()?;
        let all: BTreeMap<String, &RawValue> = serde_json::from_str(item).ok()?;
        let fields = all.into_iter().filter(|(name, _)| name.starts_with("ufCrm"));
        let as_text = |raw: &RawValue| match raw.get().trim() {
            "null" => String::new(),
            text => serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned()),
        };
        Some(Deal {
            id: id(Some(raw.id))?,
            title: raw.title.unwrap_or_default(),
            category: number(raw.category_id).unwrap_or_default(),
            stage: raw.stage_id,
            is_final: matches!(raw.stage_semantic_id.as_deref(), Some("S" | "F")),
            sum: raw.opportunity.and_then(|raw| Money::parse_json(raw).ok()),
            is_sum_by_hand: raw.is_manual_opportunity.as_deref() == Some("Y"),
            currency: raw.currency_id.unwrap_or_default(),
            contact_id: id(raw.contact_id),
            company_id: id(raw.company_id),
            assigned_by: id(raw.assigned_by_id),
            fields: fields.map(|(name, raw)| (name, as_text(raw))).collect(),
        })
    }

    /// A portal that names no currency has one.
    pub fn is_in_rubles(&self) -> bool {
        self.currency.is_empty() || self.currency == "RUB"
    }

    /// Whether a link is to be made by itself: the deal stands at a stage that asks for one and has
    /// none. A deal that we have written to has one, so our own changes ask for nothing.
    pub fn asks_for_link(&self, settings: &Settings) -> Result<bool, Broken> {
        let stages = stages(settings, settings::LINK_STAGES)?;
        let is_there = stages.get(&self.category).is_some_and(|stage| *stage == self.stage);
        let field = settings.find(settings::LINK_FIELD).unwrap_or("");
        let has_link = self.fields.get(field).is_some_and(|link| !link.is_empty());
        // Without a field to look at, every change would ask again.
        Ok(is_there && !field.is_empty() && !has_link)
    }
}

/// What is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// `fields` of `crm.item.update`, the stage apart; only what is not so already.
    pub fields: Map<String, Value>,
    pub stage: Option<String>,
    /// Why a paid deal stays where it is, in the words of the timeline.
    pub stays: Option<Stays>,
}

/// Why a deal is not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// It is won or lost already.
    Final,
    /// What was paid is not the deal's sum.
    OtherSum { sum: Money },
    /// Only a part went back; the shop still has the rest.
    Part { left: Money },
    /// The deal has a newer link, whose money counts.
    NewerLink,
}

impl Stays {
    /// Whether the deal's owner has to look: the rest goes as it should.
    pub const fn is_odd(self) -> bool {
        matches!(self, Stays::Final | Stays::OtherSum { .. })
    }
}

/// Whether the news is that this link brought no money.
const fn is_failure(kind: Kind) -> bool {
    matches!(kind, Kind::Failed | Kind::Expired | Kind::Canceled)
}

/// What news of a payment changes of the deal. The same news twice changes nothing the second time.
pub fn change(settings: &Settings, message: &Message, deal: &Deal) -> Result<Change, Broken> {
    let Some(payment) = &message.payment else { return Ok(Change::default()) };
    let target = target(settings, message.kind, deal)?;
    if is_failure(message.kind) && has_other_link(settings, deal, payment.pay_url.as_deref()) {
        // The end of an older link must not hide what became of the newer one.
        let stays = target.map(|_| Stays::NewerLink);
        return Ok(Change { stays, ..Change::default() });
    }
    let left = payment.left.filter(|left| message.kind == Kind::Refunded && !left.is_zero());
    let mut change = Change::default();
    let mut put = |setting: &str, value: Option<&str>| {
        let field = settings.find(setting).map(str::trim).filter(|field| !field.is_empty());
        let Some((field, value)) = field.zip(value) else { return };
        if deal.fields.get(field).map(String::as_str) != Some(value) {
            change.fields.insert(field.to_owned(), json!(value));
        }
    };
    if message.kind == Kind::Link {
        put(settings::LINK_FIELD, payment.pay_url.as_deref());
    }
    put(settings::STATUS_FIELD, status(message.kind, left.is_some()));
    if message.kind == Kind::Paid {
        put(settings::PAID_AT_FIELD, payment.at.as_deref());
    }
    let Some(target) = target.filter(|stage| *stage != deal.stage) else { return Ok(change) };
    let moves_on_part = settings.find(settings::MOVE_ON_PART) == Some("yes");
    let is_whole = deal.sum.is_none_or(|sum| sum.is_zero() || sum == payment.amount);
    if let Some(left) = left {
        change.stays = Some(Stays::Part { left });
    } else if deal.is_final && !is_where_we_put_it(settings, message.kind, deal)? {
        change.stays = Some(Stays::Final);
    } else if message.kind == Kind::Paid && !is_whole && !moves_on_part {
        change.stays = deal.sum.map(|sum| Stays::OtherSum { sum });
    } else {
        change.stage = Some(target);
    }
    Ok(change)
}

/// Where the deal goes by the news, as the merchant mapped it.
fn target(settings: &Settings, kind: Kind, deal: &Deal) -> Result<Option<String>, Broken> {
    let mapping = match kind {
        Kind::Paid => settings::PAID_STAGES,
        Kind::Refunded => settings::REFUNDED_STAGES,
        Kind::Failed | Kind::Expired => settings::FAILED_STAGES,
        Kind::Test
        | Kind::Link
        | Kind::Reminder
        | Kind::Mismatch
        | Kind::Canceled
        | Kind::Receipt
        | Kind::Renewal
        | Kind::RenewalFailed
        | Kind::Rebind
        | Kind::Welcome => return Ok(None),
    };
    Ok(stages(settings, mapping)?.remove(&deal.category))
}

/// A deal that was won by our own news of its money may go on when that money goes back; nobody
/// else's won or lost deal is touched.
fn is_where_we_put_it(settings: &Settings, kind: Kind, deal: &Deal) -> Result<bool, Broken> {
    let paid = stages(settings, settings::PAID_STAGES)?;
    Ok(kind == Kind::Refunded && paid.get(&deal.category) == Some(&deal.stage))
}

fn has_other_link(settings: &Settings, deal: &Deal, own: Option<&str>) -> bool {
    let field = settings.find(settings::LINK_FIELD).unwrap_or("");
    let link = deal.fields.get(field.trim()).map(String::as_str).filter(|link| !link.is_empty());
    link.is_some_and(|link| Some(link) != own)
}

const fn status(kind: Kind, is_part: bool) -> Option<&'static str> {
    match kind {
        Kind::Link => Some("ожидает оплаты"),
        Kind::Paid => Some("оплачено"),
        Kind::Mismatch => Some("другая сумма"),
        Kind::Failed => Some("не прошла"),
        Kind::Expired => Some("срок истёк"),
        Kind::Canceled => Some("отменено"),
        Kind::Refunded if is_part => Some("возвращено частично"),
        Kind::Refunded => Some("возвращено"),
        Kind::Test
        | Kind::Reminder
        | Kind::Receipt
        | Kind::Renewal
        | Kind::RenewalFailed
        | Kind::Rebind
        | Kind::Welcome => None,
    }
}
