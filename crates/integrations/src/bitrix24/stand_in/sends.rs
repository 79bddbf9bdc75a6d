//! What a portal sends to an application, byte for byte as its queue servers and frames do: forms
//! with bracketed names.

use kopeck_banks::http::encode_query;
use serde_json::json;

use super::BitrixStandIn;
use crate::bitrix24::stand_in::{MEMBER, TOKEN};

impl BitrixStandIn {
    /// The install page opens in the administrator's frame.
    pub fn install_page(&self) -> String {
        self.frame("DEFAULT", "{\"any\":\"1\"}", &self.access, &self.refresh)
    }

    /// An application without pages is installed.
    pub fn install_event(&self) -> String {
        encode_query(&[
            ("event", "ONAPPINSTALL"),
            ("data[VERSION]", "1"),
            ("ts", "1795262400"),
            ("auth[access_token]", &self.access),
            ("auth[refresh_token]", &self.refresh),
            ("auth[expires_in]", "3600"),
            ("auth[domain]", &self.domain()),
            ("auth[client_endpoint]", &self.endpoint),
            ("auth[member_id]", MEMBER),
            ("auth[application_token]", TOKEN),
        ])
    }

    /// Something became of a deal; whoever changed it by a robot sends no tokens.
    pub fn deal_event(&self, event: &str, deal_id: i64) -> String {
        encode_query(&[
            ("event", event),
            ("event_handler_id", "7"),
            ("data[FIELDS][ID]", &deal_id.to_string()),
            ("ts", "1795262400"),
            ("auth[domain]", &self.domain()),
            ("auth[client_endpoint]", &self.endpoint),
            ("auth[member_id]", MEMBER),
            ("auth[application_token]", TOKEN),
        ])
    }

    pub fn uninstall_event(&self) -> String {
        encode_query(&[
            ("event", "ONAPPUNINSTALL"),
            ("data[LANGUAGE_ID]", "ru"),
            ("data[CLEAN]", "0"),
            ("ts", "1795262400"),
            ("auth[domain]", &self.domain()),
            ("auth[member_id]", MEMBER),
            ("auth[application_token]", TOKEN),
        ])
    }

    /// Somebody opens the tab in a deal's card.
    pub fn tab(&self, deal_id: i64, viewer: &str) -> String {
        let options = json!({ "ID": deal_id.to_string(),
            "URI": format!("/crm/deal/details/{deal_id}/") });
        self.frame("CRM_DEAL_DETAIL_TAB", &options.to_string(), viewer, "viewer-refresh")
    }

    /// The robot runs for a deal.
    pub fn robot_run(&mut self, deal_id: i64, token: &str, properties: &[(&str, &str)]) -> String {
        if !self.registry.waiting.iter().any(|known| known == token) {
            self.registry.waiting.push(token.to_owned());
        }
        let document = format!("DEAL_{deal_id}");
        let domain = self.domain();
        let mut fields: Vec<(String, &str)> = [
            ("workflow_id", "5f0c0b4f8e3a21"),
            ("code", "kopeck_create_link"),
            ("document_id[0]", "crm"),
            ("document_id[1]", "CCrmDocumentDeal"),
            ("document_id[2]", &document),
            ("document_type[0]", "crm"),
            ("document_type[1]", "CCrmDocumentDeal"),
            ("document_type[2]", "DEAL"),
            ("event_token", token),
            ("use_subscription", "Y"),
            ("timeout_duration", "0"),
            ("ts", "1795262400"),
            ("auth[domain]", &domain),
            ("auth[client_endpoint]", &self.endpoint),
            ("auth[member_id]", MEMBER),
            ("auth[application_token]", TOKEN),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        for (name, value) in properties {
            fields.push((format!("properties[{name}]"), value));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        encode_query(&fields)
    }

    /// A buyer presses Pay at the portal's own page; nothing of it is signed.
    pub fn checkout(&self, payment_id: &str, sum: &str) -> String {
        encode_query(&[
            ("BX_SYSTEM_PARAMS[RETURN_URL]", "https://shop.example.ru/thanks"),
            ("BX_SYSTEM_PARAMS[PAYSYSTEM_ID]", "4"),
            ("BX_SYSTEM_PARAMS[PAYMENT_ID]", payment_id),
            ("BX_SYSTEM_PARAMS[SUM]", sum),
            ("BX_SYSTEM_PARAMS[CURRENCY]", "RUB"),
            ("BX_SYSTEM_PARAMS[EXTERNAL_PAYMENT_ID]", ""),
        ])
    }

    fn frame(&self, place: &str, options: &str, access: &str, refresh: &str) -> String {
        encode_query(&[
            ("AUTH_ID", access),
            ("AUTH_EXPIRES", "3600"),
            ("REFRESH_ID", refresh),
            ("SERVER_ENDPOINT", "https://oauth.bitrix24.tech/rest/"),
            ("APPLICATION_TOKEN", TOKEN),
            ("APPLICATION_SCOPE", &self.scopes.join(",")),
            ("member_id", MEMBER),
            ("status", "L"),
            ("PLACEMENT", place),
            ("PLACEMENT_OPTIONS", options),
        ])
    }

    /// The portal's host.
    pub fn domain(&self) -> String {
        let rest = self.endpoint.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or("").to_owned()
    }
}
