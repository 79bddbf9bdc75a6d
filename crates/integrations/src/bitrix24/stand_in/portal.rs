//! What a portal's CRM holds and how its methods change it.

use std::collections::BTreeMap;

use kopeck_banks::http::HttpReply;
use serde_json::{Map, Value, json, value::RawValue};

use super::refused;
use crate::stand_in::{Arrived, Shell};

/// Deals, timelines, owners.
pub struct Portal {
    /// `item` of `crm.item.get`, without what follows from its stage.
    pub deals: BTreeMap<i64, Map<String, Value>>,
    /// Deals that the connection may not see.
    pub hidden: Vec<i64>,
    /// Product rows as the portal writes them, by deal.
    pub rows: BTreeMap<i64, String>,
    /// The field that a stage asks for.
    pub mandatory: BTreeMap<String, String>,
    pub comments: Vec<(i64, i64, String)>,
    /// Whom the bell rang for, and with what.
    pub bells: Vec<(i64, String)>,
    pub triggers: Vec<String>,
    /// Payments of the portal's own: sum and whether it is paid.
    pub payments: BTreeMap<i64, (String, bool)>,
    /// Phones and letters of whoever buys, as people typed them.
    pub addresses: Vec<Value>,
    /// When a deal was changed last, in ISO 8601, where it matters.
    pub changed: BTreeMap<i64, String>,
    /// After which numbers deals were listed.
    pub listed: Vec<i64>,
    next: i64,
}

/// What one call lists.
const PAGE: usize = 50;
const STAGES: [&str; 8] =
    ["NEW", "PREPARATION", "WON", "LOSE", "C3:NEW", "C3:WON", "C3:LOSE", "FINAL_INVOICE"];
const OWN_FIELDS: [&str; 4] =
    ["ufCrmKopeckLink", "ufCrmKopeckStatus", "ufCrmKopeckPaidAt", "ufCrmReason"];

fn deal(id: i64, category: i64, stage: &str, sum: Value) -> (i64, Map<String, Value>) {
    let item = json!({ "id": id, "title": format!("Сделка {id}"), "categoryId": category,
        "stageId": stage, "opportunity": sum, "isManualOpportunity": "N", "currencyId": "RUB",
        "contactId": 7, "companyId": 0, "assignedById": 12, "ufCrmKopeckLink": null,
        "ufCrmKopeckStatus": "", "ufCrmReason": "" });
    (id, item.as_object().cloned().unwrap_or_default())
}

impl Default for Portal {
    fn default() -> Portal {
        Portal {
            deals: [
                deal(57, 0, "NEW", json!(1500)),
                deal(59, 0, "NEW", json!(1500)),
                deal(60, 0, "LOSE", json!(1500)),
                deal(61, 3, "C3:NEW", json!(1500)),
                deal(62, 0, "NEW", json!(4500)),
                deal(63, 9, "FINAL_INVOICE", json!(1500)),
            ]
            .into(),
            hidden: vec![59],
            rows: BTreeMap::new(),
            mandatory: BTreeMap::new(),
            comments: Vec::new(),
            bells: Vec::new(),
            triggers: Vec::new(),
            payments: BTreeMap::new(),
            changed: BTreeMap::new(),
            listed: Vec::new(),
            addresses: vec![
                json!({ "id": 1, "typeId": "PHONE", "value": "позвонить после шести" }),
                json!({ "id": 2, "typeId": "PHONE", "value": "8 (900) 123-45-67" }),
                json!({ "id": 3, "typeId": "EMAIL", "value": "anna@example.ru" }),
            ],
            next: 100,
        }
    }
}

pub(super) fn number(value: Option<&Value>) -> i64 {
    let value = value.unwrap_or(&Value::Null);
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// The stages of one funnel by its code, in their order.
fn list_stages(params: &Map<String, Value>) -> Value {
    let entity = params.get("filter").and_then(|filter| filter["ENTITY_ID"].as_str());
    let all: &[(&str, &str)] = match entity {
        Some("DEAL_STAGE") => &[
            ("NEW", "Новая"),
            ("PREPARATION", "Подготовка документов"),
            ("WON", "Сделка успешна"),
            ("LOSE", "Сделка провалена"),
        ],
        Some("DEAL_STAGE_3") => {
            &[("C3:NEW", "Заявка"), ("C3:WON", "Оплачено"), ("C3:LOSE", "Отказ")]
        }
        Some(_) | None => &[],
    };
    let stage = |(at, (code, name)): (usize, &(&str, &str))| {
        json!({ "ID": (100 + at).to_string(), "ENTITY_ID": entity, "STATUS_ID": code,
            "NAME": name, "SORT": (at * 10).to_string(), "SEMANTICS": null })
    };
    all.iter().enumerate().map(stage).collect()
}

impl Portal {
    fn find(&mut self, id: i64) -> Result<&mut Map<String, Value>, HttpReply> {
        if self.hidden.contains(&id) {
            return Err(refused(400, "ACCESS_DENIED", "Доступ запрещён"));
        }
        self.deals.get_mut(&id).ok_or_else(|| refused(400, "NOT_FOUND", "Элемент не найден"))
    }

    pub(super) fn call(
        &mut self,
        now_ms: u64,
        shell: &mut Shell,
        method: &str,
        params: &Map<String, Value>,
    ) -> Result<Value, HttpReply> {
        match method {
            "crm.category.list" => Ok(json!({ "categories": [
                { "id": 0, "name": "Общее", "isDefault": "Y" },
                { "id": "3", "name": "Курсы <b>", "isDefault": "N" }] })),
            "crm.status.list" => Ok(list_stages(params)),
            "crm.item.get" if number(params.get("entityTypeId")) == 3 => {
                let fm = Value::Array(self.addresses.clone());
                Ok(json!({ "item": { "id": number(params.get("id")), "fm": fm } }))
            }
            "crm.item.get" => self.get(number(params.get("id"))),
            "crm.item.update" => self.update(params),
            "crm.item.productrow.list" => self.list_rows(params),
            "crm.timeline.comment.add" => self.comment(now_ms, shell, params),
            "crm.timeline.comment.list" => {
                let filter = params.get("filter").unwrap_or(&Value::Null);
                let deal = number(filter.get("ENTITY_ID"));
                let own = self.comments.iter().rev().filter(|(_, of, _)| *of == deal);
                let list =
                    own.map(|(id, _, text)| json!({ "ID": id.to_string(), "COMMENT": text }));
                Ok(list.collect())
            }
            "im.notify.system.add" => {
                let text = params.get("MESSAGE").and_then(Value::as_str).unwrap_or("");
                if text.is_empty() {
                    return Err(refused(400, "MESSAGE_EMPTY", "Message can't be empty"));
                }
                self.bells.push((number(params.get("USER_ID")), text.to_owned()));
                Ok(json!(1))
            }
            "crm.automation.trigger" => {
                let word = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or("");
                self.triggers.push(format!("{} {}", word("target"), word("code")));
                Ok(json!(true))
            }
            "crm.item.list" => {
                self.listed.push(number(params.get("filter").and_then(|it| it.get(">id"))));
                Ok(self.list(params))
            }
            "sale.payment.get" => {
                let id = number(params.get("id"));
                let found = self.payments.get(&id);
                let (sum, is_paid) =
                    found.ok_or_else(|| refused(400, "200740400001", "payment is not exists"))?;
                let sum: Value = serde_json::from_str(sum).unwrap_or_default();
                let paid = if *is_paid { "Y" } else { "N" };
                Ok(json!({ "payment": { "id": id, "sum": sum, "paid": paid, "currency": "RUB" } }))
            }
            "sale.paysystem.pay.payment" => {
                let payment = self.payments.get_mut(&number(params.get("PAYMENT_ID")));
                let payment = payment
                    .ok_or_else(|| refused(400, "ERROR_CHECK_FAILURE", "Payment not found"))?;
                payment.1 = true;
                Ok(json!(true))
            }
            _ => Err(refused(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")),
        }
    }

    fn get(&mut self, id: i64) -> Result<Value, HttpReply> {
        let mut item = self.find(id)?.clone();
        let stage = item.get("stageId").and_then(Value::as_str).unwrap_or("");
        let semantic = match stage.rsplit(':').next() {
            Some("WON") => "S",
            Some("LOSE") => "F",
            _ => "P",
        };
        item.insert("stageSemanticId".to_owned(), json!(semantic));
        Ok(json!({ "item": item }))
    }

    /// Deals of one funnel and stage that changed since a moment, after an id; fifty of them.
    fn list(&self, params: &Map<String, Value>) -> Value {
        let filter = params.get("filter").unwrap_or(&Value::Null);
        let text = |name: &str| filter[name].as_str().unwrap_or("").to_owned();
        let (after, since) = (number(filter.get(">id")), text(">=updatedTime"));
        let is_meant = |(id, deal): &(&i64, &Map<String, Value>)| {
            let changed = self.changed.get(*id).map_or("9999", String::as_str);
            **id > after
                && number(deal.get("categoryId")) == number(filter.get("=categoryId"))
                && deal["stageId"].as_str() == Some(text("=stageId").as_str())
                && !self.hidden.contains(*id)
                && changed >= since.as_str()
        };
        let found = self.deals.iter().filter(is_meant).take(PAGE);
        let selected: Vec<&str> = params
            .get("select")
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |names| names.iter().filter_map(Value::as_str).collect());
        let is_wanted =
            |name: &str| selected.is_empty() || selected.contains(&"*") || selected.contains(&name);
        let shown = |deal: &Map<String, Value>| -> Map<String, Value> {
            let fields = deal.iter().filter(|(name, _)| is_wanted(name));
            fields.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let items: Vec<Map<String, Value>> = found.map(|(_, deal)| shown(deal)).collect();
        json!({ "items": items })
    }

    fn update(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let fields = params.get("fields").and_then(Value::as_object).cloned().unwrap_or_default();
        let mandatory = self.mandatory.clone();
        let item = self.find(number(params.get("id")))?;
        if let Some(stage) = fields.get("stageId").and_then(Value::as_str) {
            if !STAGES.contains(&stage) {
                // Newer methods write a code, older ones an empty text.
                return Err(refused(400, "", "Стадия не найдена"));
            }
            if let Some(field) = mandatory.get(stage) {
                let value = fields.get(field).or_else(|| item.get(field));
                if value.and_then(Value::as_str).unwrap_or("").is_empty() {
                    let words = format!("Не заполнено обязательное поле \"{field}\"<br>");
                    return Err(refused(400, "CRM_FIELD_ERROR_REQUIRED", &words));
                }
            }
        }
        for (name, value) in fields {
            // Unknown fields are ignored without a word.
            if name == "stageId" || OWN_FIELDS.contains(&name.as_str()) {
                item.insert(name, value);
            }
        }
        Ok(json!({ "item": item }))
    }

    fn list_rows(&self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let filter = params.get("filter").unwrap_or(&Value::Null);
        if filter["=ownerType"] != "D" {
            return Err(refused(400, "ERROR_ARGUMENT", "ownerType is required"));
        }
        let rows = self.rows.get(&number(filter.get("=ownerId")));
        let rows = rows.and_then(|rows| RawValue::from_string(rows.clone()).ok());
        let rows: Vec<Value> =
            rows.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let start = usize::try_from(number(params.get("start"))).unwrap_or_default();
        let page: Vec<&Value> = rows.iter().skip(start).take(PAGE).collect();
        Ok(json!({ "productRows": page }))
    }

    /// How many rows there are of which a page was listed.
    pub(super) fn count_rows(&self, params: &Map<String, Value>) -> usize {
        let filter = params.get("filter").unwrap_or(&Value::Null);
        let rows = self.rows.get(&number(filter.get("=ownerId")));
        let rows = rows.and_then(|rows| serde_json::from_str::<Vec<Value>>(rows).ok());
        rows.map_or(0, |rows| rows.len())
    }

    fn comment(
        &mut self,
        now_ms: u64,
        shell: &mut Shell,
        params: &Map<String, Value>,
    ) -> Result<Value, HttpReply> {
        // The key is `fields` in small letters, unlike its neighbours'.
        let fields = params.get("fields").unwrap_or(&Value::Null);
        let text = fields["COMMENT"].as_str().unwrap_or("").to_owned();
        if text.is_empty() || fields["ENTITY_TYPE"] != "deal" {
            return Err(refused(400, "", "Empty comment message."));
        }
        let deal = number(fields.get("ENTITY_ID"));
        self.find(deal)?;
        self.next += 1;
        self.comments.push((self.next, deal, text.clone()));
        shell.arrived.push(Arrived {
            at_ms: now_ms,
            to: deal.to_string(),
            text,
            link: None,
            has_picture: false,
        });
        Ok(json!(self.next))
    }
}
