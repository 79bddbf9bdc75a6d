//! Shops, keys and connections as plain data.

use std::collections::BTreeMap;

use kopeck_banks::{Credentials, op::PayMethod};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shop {
    pub id: String,
    pub name: String,
    pub created_ms: i64,
}

/// An API key as it can be shown: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: String,
    pub shop_id: String,
    pub name: String,
    /// The key's first characters.
    pub prefix: String,
    pub scope: Scope,
    pub created_ms: i64,
    pub revoked_ms: Option<i64>,
}

/// What a key opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    All,
    /// The flat doors of bots: whoever sees the key in a bot builder makes links and nothing else.
    Bot,
}

impl Scope {
    pub const ALL: [Scope; 2] = [Scope::All, Scope::Bot];
    /// Where a bot's key leads.
    const OF_BOTS: [&str; 3] = ["/compat/salebot/", "/compat/bot/", "/v1/me"];

    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::All => "all",
            Scope::Bot => "bot",
        }
    }

    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Whether a request for this path is let through.
    pub fn opens(self, path: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::Bot => Scope::OF_BOTS
                .iter()
                .any(|own| if own.ends_with('/') { path.starts_with(own) } else { path == *own }),
        }
    }
}

/// A shop's account at a bank.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    pub id: String,
    pub shop_id: String,
    pub bank: String,
    pub name: String,
    pub credentials: Credentials,
    pub token_expires_ms: Option<i64>,
    /// The bank's published keys, as text; empty until first fetched.
    pub notice_keys: String,
    pub notice_keys_ms: i64,
    /// When the daily sweep last finished.
    pub swept_ms: i64,
    pub created_ms: i64,
}

/// Which bank carries a payment that names none. A word is a bank's or a connection's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// The best first.
    pub order: Vec<String>,
    /// For a way to pay, the only banks that may carry it, the best first.
    pub by_method: BTreeMap<PayMethod, Vec<String>>,
}
