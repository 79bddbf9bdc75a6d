//! Integrations as code: the `[[integrations]]` of the settings file, read by the API's own checks
//! and named in every complaint. What stands in the file is made so at every start; what does not
//! is left alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    flow::{self, Changes, NewIntegration, Problem, open_address, open_settings},
    model::Linked,
    request::{Words, new_integration, service},
};
use crate::{
    http::{
        ApiError,
        json::{invalid, missing},
    },
    kit::Ctx,
};

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    New,
    Changed,
    Same,
}

/// Reads every one, or says which is wrong and which of its keys. What a secret is may stay out of
/// the file: `variable` is asked by the setting's own name.
pub fn read(
    tables: Vec<Map<String, Value>>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<NewIntegration>, ApiError> {
    let mut all: Vec<NewIntegration> = Vec::new();
    for (at, fields) in tables.into_iter().enumerate() {
        let name = fields.get("service").and_then(Value::as_str).map(str::to_owned);
        let shown = name.map_or_else(|| format!("number {}", at + 1), |name| format!("`{name}`"));
        let within = |error: ApiError| ApiError {
            message: format!("{shown} in [[integrations]]: {}", error.message),
            ..error
        };
        let found = read_one(&fields, &variable).map_err(within)?;
        if all.iter().any(|other| other.service == found.service) {
            return Err(within(invalid("service", "stands there twice")));
        }
        all.push(found);
    }
    Ok(all)
}

fn read_one(
    fields: &Map<String, Value>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<NewIntegration, ApiError> {
    let known = ["service", "settings", "news_to", "news", "payer_news", "lang"];
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(invalid(name, "is not known here"));
    }
    let text = |name: &str| match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid(name, "is not a text")),
    };
    let words = |name: &str| match fields.get(name) {
        None => Ok(None),
        Some(value) => serde_json::from_value::<Vec<String>>(value.clone())
            .map(Some)
            .map_err(|_| invalid(name, "is not a list of words")),
    };
    let service = service(&text("service")?.ok_or_else(|| missing("service"))?)?;
    let mut values = BTreeMap::new();
    for setting in service.settings().iter().filter(|setting| !setting.env.is_empty()) {
        if let Some(value) = variable(setting.env) {
            values.insert(setting.name.to_owned(), value);
        }
    }
    if let Some(given) = fields.get("settings") {
        let given: BTreeMap<String, String> = serde_json::from_value(given.clone())
            .map_err(|_| invalid("settings", "is not a table of texts"))?;
        values.extend(given);
    }
    let told =
        Words { news: words("news")?, payer_news: words("payer_news")?, lang: text("lang")? };
    new_integration(service, values, text("news_to")?, told)
}

/// Makes it so: the newest of its service is changed, or there is a new one.
pub async fn apply(ctx: &Ctx, shop_id: &str, wanted: NewIntegration) -> Result<Applied, Problem> {
    let linked = match flow::find_of_service(ctx, shop_id, wanted.service).await {
        Ok(linked) => linked,
        Err(Problem::NotConnected(_)) => {
            flow::add(ctx, shop_id, wanted).await?;
            return Ok(Applied::New);
        }
        Err(other) => return Err(other),
    };
    if is_same(ctx, &linked, &wanted)? {
        return Ok(Applied::Same);
    }
    let changes = Changes {
        settings: wanted.settings,
        news_to: wanted.news_to,
        news: Some(wanted.news),
        payer_news: Some(wanted.payer_news),
        lang: Some(wanted.lang),
        ..Changes::default()
    };
    flow::edit(ctx, shop_id, &linked.id, changes).await?;
    Ok(Applied::Changed)
}

fn is_same(ctx: &Ctx, linked: &Linked, wanted: &NewIntegration) -> anyhow::Result<bool> {
    let settings = open_settings(ctx, linked)?;
    let news_to = linked.news_to.as_deref().map(|it| open_address(ctx, &linked.id, it));
    let news_to = news_to.transpose()?;
    let is_set = |(name, value): (&String, &String)| settings.find(name) == Some(value.as_str());
    Ok(wanted.settings.values().iter().all(is_set)
        && (wanted.news_to.is_none() || wanted.news_to == news_to)
        && wanted.news == linked.news
        && wanted.payer_news == linked.payer_news
        && wanted.lang == linked.lang)
}
