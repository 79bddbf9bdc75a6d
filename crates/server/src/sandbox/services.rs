//! The messengers, SMS and bot builders of the sandbox: their stand-ins on the sandbox's port,
//! under `/services/{name}`, so that a message can be sent and looked at without an account.
//! What arrived is forgotten when the sandbox stops.

use kopeck_banks::http::{HttpReply, HttpRequest};
use kopeck_integrations::{
    find_integration, greenapi::GreenApiStandIn, max::MaxStandIn, salebot::SalebotStandIn,
    sms::SmsStandIn, stand_in::StandIn, telegram::TelegramStandIn, wazzup::WazzupStandIn,
};
use serde_json::{Value, json};

use crate::kit::clock::iso;

/// What requests to services begin with.
const PREFIX: &str = "/services/";

/// A service's reply, or none for ever.
pub(super) enum Said {
    Reply(HttpReply),
    Silence,
}

pub(super) struct Services(Vec<Box<dyn StandIn>>);

impl Services {
    pub(super) fn new() -> Services {
        Services(vec![
            Box::new(MaxStandIn::default()),
            Box::new(TelegramStandIn::default()),
            Box::new(SmsStandIn::default()),
            Box::new(WazzupStandIn::default()),
            Box::new(GreenApiStandIn::default()),
            Box::new(SalebotStandIn::default()),
        ])
    }

    /// `None` for a path that is no service's.
    pub(super) fn answer(&mut self, now_ms: i64, request: &HttpRequest) -> Option<Said> {
        let rest = request.url.strip_prefix(PREFIX)?;
        let (name, _) = rest.split_once('/')?;
        let service = self.0.iter_mut().find(|service| service.name() == name)?;
        let mut own = request.clone();
        rest.get(name.len()..)?.clone_into(&mut own.url);
        own.headers.push(("x-forwarded-prefix".to_owned(), format!("{PREFIX}{name}")));
        let now_ms = u64::try_from(now_ms).unwrap_or_default();
        Some(service.serve(now_ms, &own).map_or(Said::Silence, Said::Reply))
    }

    /// Settings by the names of their environment variables: `kopeck integration add` reads them.
    pub(super) fn env(&self, origin: &str) -> Vec<(&'static str, String)> {
        let of = |service: &dyn StandIn| {
            let name = service.name();
            let values = service.settings(&format!("{origin}{PREFIX}{name}"));
            let known = find_integration(name).map(|it| it.settings()).unwrap_or_default();
            let given = known.iter().filter_map(move |setting| {
                let value = values.find(setting.name)?.to_owned();
                (!setting.env.is_empty()).then_some((setting.env, value))
            });
            given.collect::<Vec<_>>()
        };
        self.0.iter().flat_map(|service| of(service.as_ref())).collect()
    }

    /// What reached somebody, by services, the oldest first.
    pub(super) fn messages(&mut self) -> Value {
        let mut all = Vec::new();
        for service in &mut self.0 {
            let name = service.name();
            all.extend(service.shell().arrived.iter().map(|one| {
                let at = iso(i64::try_from(one.at_ms).unwrap_or_default());
                json!({ "service": name, "at": at, "to": one.to, "text": one.text,
                    "link": one.link, "has_picture": one.has_picture })
            }));
        }
        all.sort_by_key(|one| one["at"].as_str().unwrap_or_default().to_owned());
        json!({ "messages": all })
    }
}
