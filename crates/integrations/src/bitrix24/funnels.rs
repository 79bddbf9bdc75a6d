//! The portal's funnels and their stages, to choose from: nobody has to know the stages' codes.

use kopeck_banks::http::{HttpReply, HttpRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    DEAL, problems,
    rest::{self, Called},
};
use crate::{
    integration::{Reading, Settings},
    problem::Broken,
};

/// A funnel of deals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funnel {
    pub category: i64,
    pub name: String,
    /// In their order.
    pub stages: Vec<Stage>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// As the settings name it: `C3:WON`.
    pub code: String,
    pub name: String,
}

/// One request takes the stages of so many.
const MOST: usize = 50;

/// The funnels themselves.
pub fn funnels(settings: &Settings) -> Result<HttpRequest, Broken> {
    rest::call(settings, "crm.category.list", json!({ "entityTypeId": DEAL }))
}

#[derive(Deserialize)]
struct Categories {
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Category {
    id: Value,
    #[serde(default)]
    name: String,
}

pub fn read_funnels(reply: &HttpReply) -> Result<Vec<Funnel>, Reading> {
    let result = called(reply)?;
    let unclear = || Reading::unclear("the answer is no list of funnels");
    let all: Categories = serde_json::from_str(&result).map_err(|_| unclear())?;
    let read = |it: Category| {
        let category = it.id.as_i64().or_else(|| it.id.as_str()?.parse().ok());
        let category = category.ok_or_else(unclear)?;
        Ok(Funnel { category, name: it.name, stages: Vec::new() })
    };
    all.categories.into_iter().take(MOST).map(read).collect()
}

fn word(category: i64) -> String {
    format!("f{category}")
}

/// The stages of all of them, in one request.
pub fn stages(settings: &Settings, funnels: &[Funnel]) -> Result<HttpRequest, Broken> {
    let words: Vec<String> = funnels.iter().map(|it| word(it.category)).collect();
    let calls: Vec<(&str, &str, Value)> = funnels
        .iter()
        .zip(&words)
        .map(|(funnel, word)| {
            let entity = match funnel.category {
                0 => "DEAL_STAGE".to_owned(),
                category => format!("DEAL_STAGE_{category}"),
            };
            let params = json!({ "filter": { "ENTITY_ID": entity }, "order": { "SORT": "ASC" } });
            (word.as_str(), "crm.status.list", params)
        })
        .collect();
    rest::batch(settings, &calls)
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "STATUS_ID")]
    code: String,
    #[serde(rename = "NAME", default)]
    name: String,
}

pub fn read_stages(reply: &HttpReply, funnels: &[Funnel]) -> Result<Vec<Funnel>, Reading> {
    let result = called(reply)?;
    let read = |funnel: &Funnel| {
        // A funnel that the connection may not see has no stages to offer.
        let statuses = rest::of_batch(&result, &word(funnel.category)).unwrap_or_default();
        let statuses: Vec<Status> = serde_json::from_str(&statuses).unwrap_or_default();
        let stages = statuses.into_iter().map(|it| Stage { code: it.code, name: it.name });
        Funnel { stages: stages.collect(), ..funnel.clone() }
    };
    Ok(funnels.iter().map(read).filter(|funnel| !funnel.stages.is_empty()).collect())
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
