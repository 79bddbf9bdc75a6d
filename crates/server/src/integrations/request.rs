//! What may be asked for in a body, with the name of the field at fault in every error.

use std::collections::BTreeMap;

use kopeck_integrations::{Audience, Integration, Kind, Lang, Settings, find_integration};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    flow::{Changes, DEFAULT_NEWS, NewIntegration, NewSending, Where},
    payers,
    problem::error_of,
    sharing::{NewShare, SHARE},
};
use crate::http::{
    ApiError, codes,
    json::{self, Raw, invalid, missing},
};

/// No token or address is longer.
const MAX_VALUE_CHARS: usize = 2_000;
/// `customer:client-17`: the chat that he tied to himself.
const CUSTOMER: &str = "customer";

/// A service to be set up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateIntegration {
    /// email, max, telegram, sms, wazzup, greenapi, salebot, bitrix24.
    #[schema(value_type = String, example = "telegram")]
    pub service: Raw,
    /// The service's own settings by name.
    #[schema(value_type = Object, example = json!({"token": "123456789:AAE…"}))]
    pub settings: Raw,
    /// The shop's own address there, to hear of payments: a chat, a phone.
    #[schema(value_type = Option<String>, example = "700100200")]
    pub news_to: Raw,
    /// What it hears of: paid, mismatch, failed, expired, canceled, refunded, receipt.
    #[schema(value_type = Option<Vec<String>>, example = json!(["paid", "refunded"]))]
    pub news: Raw,
    /// What payers hear of without anybody sending it, by e-mail or in the chat that they tied to
    /// themselves: renewal (a charge is near) and
    /// renewal_failed (with the link to pay instead), if absent; link, paid, refunded, receipt.
    #[schema(value_type = Option<Vec<String>>, example = json!(["renewal", "renewal_failed"]))]
    pub payer_news: Raw,
    /// In which language it writes of itself, where nothing is known of the reader's
    /// (`customer.lang`): ru or en; ru if absent.
    #[schema(value_type = Option<String>, example = "ru")]
    pub lang: Raw,
}

/// What to change of an integration. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditIntegration {
    /// Only the settings named change; `null` takes one away.
    #[schema(value_type = Option<Object>, example = json!({"token": "123456789:AAE…"}))]
    pub settings: Raw,
    /// `null` takes it away: the shop hears nothing by it.
    #[serde(default, deserialize_with = "json::nullable")]
    #[schema(value_type = Option<String>)]
    pub news_to: Option<Raw>,
    #[schema(value_type = Option<Vec<String>>)]
    pub news: Raw,
    #[schema(value_type = Option<Vec<String>>)]
    pub payer_news: Raw,
    #[schema(value_type = Option<String>)]
    pub lang: Raw,
}

/// What to send, and where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendPayment {
    /// The service and the address there: `email:anna@example.com`,
    /// `telegram:700100200`, `sms:+79001234567`, `bitrix24:57`; or `customer:client-17`, into the
    /// chat that this customer tied to himself; or `share`, also `share:+79001234567` and
    /// `share:anna@example.com`: nothing is sent, the answer holds addresses that open a messenger
    /// with the text already written.
    #[schema(value_type = String, example = "sms:+79001234567")]
    pub to: Raw,
    /// link, reminder, or rebind (the link of `rebind_url`, in words of its own); link if absent.
    #[schema(value_type = Option<String>, example = "link")]
    pub kind: Raw,
    /// ru or en; ru if absent.
    #[schema(value_type = Option<String>, example = "ru")]
    pub lang: Raw,
}

/// Whether we send it, or a person does.
#[derive(Clone, Debug)]
pub enum Wanted {
    Send(NewSending),
    Share(NewShare),
}

/// A service by its name.
pub fn service(name: &str) -> Result<&'static dyn Integration, ApiError> {
    let found = find_integration(name);
    found.ok_or_else(|| ApiError::of(codes::INTEGRATION_UNKNOWN).param("service"))
}

/// Settings of a service: only those that it has, none too long.
pub fn settings(
    service: &dyn Integration,
    values: BTreeMap<String, String>,
) -> Result<Settings, ApiError> {
    for (name, value) in &values {
        if !service.settings().iter().any(|known| known.name == name) {
            let known = service.settings().iter().map(|known| known.name);
            return Err(json::unknown_param(name, known));
        }
        if value.chars().count() > MAX_VALUE_CHARS || value.chars().any(char::is_control) {
            return Err(invalid(name, "is too long, or has characters that cannot be typed"));
        }
    }
    Ok(Settings::new(values))
}

pub fn news(service: &dyn Integration, words: &[String]) -> Result<Vec<Kind>, ApiError> {
    let read = |word: &String| {
        let kind = Kind::parse(word).filter(|kind| service.wants(*kind, Audience::Shop));
        kind.ok_or_else(|| invalid("news", &format!("holds `{word}`, which it does not tell")))
    };
    words.iter().map(read).collect()
}

fn payer_news(words: &[String]) -> Result<Vec<Kind>, ApiError> {
    let read = |word: &String| {
        let kind = Kind::parse(word).filter(|kind| payers::CHOICE.contains(kind));
        let known = payers::CHOICE.map(Kind::as_str).join(", ");
        kind.ok_or_else(|| {
            invalid("payer_news", &format!("holds `{word}`, which is none of {known}"))
        })
    };
    words.iter().map(read).collect()
}

/// What the shop hears of, and what payers do, in words.
#[derive(Clone, Debug, Default)]
pub struct Words {
    pub news: Option<Vec<String>>,
    pub payer_news: Option<Vec<String>>,
    /// In which language.
    pub lang: Option<String>,
}

impl Words {
    fn read(news: &Raw, payer_news: &Raw, lang: &Raw) -> Result<Words, ApiError> {
        Ok(Words {
            news: json::strings("news", news, Kind::ALL.len())?,
            payer_news: json::strings("payer_news", payer_news, Kind::ALL.len())?,
            lang: json::string("lang", lang)?,
        })
    }
}

impl CreateIntegration {
    pub fn read(&self) -> Result<NewIntegration, ApiError> {
        let name = json::string("service", &self.service)?.ok_or_else(|| missing("service"))?;
        let service = service(&name)?;
        let raw = self.settings.as_ref().ok_or_else(|| missing("settings"))?;
        let values: BTreeMap<String, String> = serde_json::from_str(raw.get())
            .map_err(|_| invalid("settings", "is not an object of texts"))?;
        let to = json::string("news_to", &self.news_to)?;
        let words = Words::read(&self.news, &self.payer_news, &self.lang)?;
        new_integration(service, values, to, words)
    }
}

/// For the API and for the command line.
pub fn new_integration(
    service: &'static dyn Integration,
    values: BTreeMap<String, String>,
    news_to: Option<String>,
    words: Words,
) -> Result<NewIntegration, ApiError> {
    let settings = settings(service, values)?;
    let address =
        |text: String| service.address(&text).map_err(|broken| error_of(&broken, Some("news_to")));
    Ok(NewIntegration {
        service: service.name(),
        settings,
        news_to: news_to.map(address).transpose()?,
        payer_news: match words.payer_news {
            Some(words) => payer_news(&words)?,
            None => payers::DEFAULT.to_vec(),
        },
        lang: match words.lang.as_deref() {
            None => Lang::default(),
            Some(text) => {
                Lang::parse(text).ok_or_else(|| invalid("lang", "is neither ru nor en"))?
            }
        },
        news: match words.news {
            Some(words) => news(service, &words)?,
            None => DEFAULT_NEWS
                .into_iter()
                .filter(|kind| service.wants(*kind, Audience::Shop))
                .collect(),
        },
    })
}

impl EditIntegration {
    pub fn read(&self, service: &'static dyn Integration) -> Result<Changes, ApiError> {
        let values: BTreeMap<String, Option<String>> = match &self.settings {
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|_| invalid("settings", "is not an object of texts"))?,
            None => BTreeMap::new(),
        };
        let values = values.into_iter().map(|(name, value)| (name, value.unwrap_or_default()));
        let to = match &self.news_to {
            Some(raw) => json::string("news_to", raw)?,
            None => None,
        };
        let words = Words::read(&self.news, &self.payer_news, &self.lang)?;
        let ends_news = self.news_to.is_some() && to.is_none();
        Ok(Changes { ends_news, ..changes(service, values.collect(), to, words)? })
    }
}

/// For the API and for the command line.
pub fn changes(
    service: &'static dyn Integration,
    values: BTreeMap<String, String>,
    news_to: Option<String>,
    words: Words,
) -> Result<Changes, ApiError> {
    let (has_news, has_payer_news) = (words.news.is_some(), words.payer_news.is_some());
    let has_lang = words.lang.is_some();
    // An empty value and none are the same.
    let empty = values.iter().filter(|(_, value)| value.is_empty());
    let cleared = empty.map(|(name, _)| name.clone()).collect();
    let new = new_integration(service, values, news_to, words)?;
    Ok(Changes {
        settings: new.settings,
        cleared,
        ends_news: false,
        news_to: new.news_to,
        news: Some(new.news).filter(|_| has_news),
        payer_news: Some(new.payer_news).filter(|_| has_payer_news),
        lang: Some(new.lang).filter(|_| has_lang),
    })
}

impl SendPayment {
    pub fn read(&self, payment_id: &str) -> Result<Wanted, ApiError> {
        let to = json::string("to", &self.to)?.ok_or_else(|| missing("to"))?;
        let kind = json::string("kind", &self.kind)?;
        let lang = json::string("lang", &self.lang)?;
        let (kind, lang) = (kind.as_deref(), lang.as_deref());
        Ok(match new_share(payment_id, &to, kind, lang)? {
            Some(share) => Wanted::Share(share),
            None => Wanted::Send(new_sending(payment_id, &to, kind, lang)?),
        })
    }
}

/// The wish to share a link by hand, if `to` is one: for the API and for the command line.
pub fn new_share(
    payment_id: &str,
    to: &str,
    kind: Option<&str>,
    lang: Option<&str>,
) -> Result<Option<NewShare>, ApiError> {
    let (name, with) = to.split_once(':').unwrap_or((to, ""));
    if name.trim() != SHARE {
        return Ok(None);
    }
    let payment_id = payment_id.to_owned();
    let (kind, lang) = (read_kind(kind)?, read_lang(lang)?);
    Ok(Some(NewShare { payment_id, kind, lang, with: with.trim().to_owned() }))
}

fn read_kind(kind: Option<&str>) -> Result<Kind, ApiError> {
    let kind = Kind::parse(kind.unwrap_or("link")).filter(|kind| kind.asks_to_pay());
    kind.ok_or_else(|| invalid("kind", "is none of link, reminder, rebind"))
}

fn read_lang(lang: Option<&str>) -> Result<Lang, ApiError> {
    let lang = Lang::parse(lang.unwrap_or("ru"));
    lang.ok_or_else(|| invalid("lang", "is neither ru nor en"))
}

/// For the API and for the command line.
pub fn new_sending(
    payment_id: &str,
    to: &str,
    kind: Option<&str>,
    lang: Option<&str>,
) -> Result<NewSending, ApiError> {
    let wanted = "is a service and an address, such as `telegram:700100200`";
    let (name, address) = to.split_once(':').ok_or_else(|| invalid("to", wanted))?;
    let to = if name.trim() == CUSTOMER {
        Where::Customer(address.trim().to_owned())
    } else {
        let service = find_integration(name.trim())
            .ok_or_else(|| ApiError::of(codes::INTEGRATION_UNKNOWN).param("to"))?;
        let to = service.address(address).map_err(|broken| error_of(&broken, Some("to")))?;
        Where::Address(service.name(), to)
    };
    Ok(NewSending {
        payment_id: payment_id.to_owned(),
        to,
        kind: read_kind(kind)?,
        lang: read_lang(lang)?,
    })
}
