//! What a connection to a portal consists of. Two ways: an incoming webhook (an address pasted by
//! the merchant), or a local application with OAuth, which can also show a tab, robots and
//! triggers.

use std::collections::BTreeMap;

use kopeck_banks::Setting;

use super::problems;
use crate::{integration::Settings, problem::Broken};

pub const WEBHOOK_URL: &str = "webhook_url";
pub const CLIENT_ID: &str = "client_id";
pub const CLIENT_SECRET: &str = "client_secret";
pub const ENDPOINT: &str = "client_endpoint";
pub const ACCESS_TOKEN: &str = "access_token";
pub const REFRESH_TOKEN: &str = "refresh_token";
pub const APPLICATION_TOKEN: &str = "application_token";
pub const MEMBER_ID: &str = "member_id";
pub const OAUTH_URL: &str = "oauth_url";
pub const PAID_STAGES: &str = "paid_stages";
pub const REFUNDED_STAGES: &str = "refunded_stages";
pub const FAILED_STAGES: &str = "failed_stages";
pub const LINK_STAGES: &str = "link_stages";
pub const MOVE_ON_PART: &str = "move_on_part";
pub const PAID_TRIGGER: &str = "paid_trigger";
pub const LINK_FIELD: &str = "link_field";
pub const STATUS_FIELD: &str = "status_field";
pub const PAID_AT_FIELD: &str = "paid_at_field";
pub const APP_TRIGGERS: &str = "app_triggers";

const DEFAULT_OAUTH_URL: &str = "https://oauth.bitrix24.tech";

const fn secret(name: &'static str, env: &'static str, about: &'static str) -> Setting {
    Setting { name, env, is_secret: true, about }
}

const fn plain(name: &'static str, env: &'static str, about: &'static str) -> Setting {
    Setting { name, env, is_secret: false, about }
}

pub(super) static SETTINGS: &[Setting] = &[
    secret(
        WEBHOOK_URL,
        "KOPECK_BITRIX24_WEBHOOK_URL",
        "The incoming webhook's address, https://portal/rest/1/secret/, with the rights crm and \
         im.",
    ),
    plain(CLIENT_ID, "KOPECK_BITRIX24_CLIENT_ID", "Of a local application: its client_id."),
    secret(CLIENT_SECRET, "KOPECK_BITRIX24_CLIENT_SECRET", "Its client_secret."),
    plain(ENDPOINT, "", "https://portal/rest/, as the installation told it."),
    secret(ACCESS_TOKEN, "", "As the installation and each renewal tell it."),
    secret(REFRESH_TOKEN, "", "The same; each renewal replaces it."),
    secret(APPLICATION_TOKEN, "", "What the portal's own requests are known by."),
    plain(MEMBER_ID, "", "The portal for good; its address may change."),
    plain(OAUTH_URL, "KOPECK_BITRIX24_OAUTH_URL", "https://oauth.bitrix24.tech (the default)."),
    plain(
        PAID_STAGES,
        "KOPECK_BITRIX24_PAID_STAGES",
        "Where a deal goes when it is paid, by funnel: 0=WON; 3=C3:WON. Absent: it stays.",
    ),
    plain(
        REFUNDED_STAGES,
        "KOPECK_BITRIX24_REFUNDED_STAGES",
        "The same when all of the money has gone back.",
    ),
    plain(
        FAILED_STAGES,
        "KOPECK_BITRIX24_FAILED_STAGES",
        "The same when the payment failed or its link ended unpaid.",
    ),
    plain(
        LINK_STAGES,
        "KOPECK_BITRIX24_LINK_STAGES",
        "The stages at which a link is made by itself.",
    ),
    plain(
        MOVE_ON_PART,
        "KOPECK_BITRIX24_MOVE_ON_PART",
        "yes: a deal moves whatever part of its sum was paid; else only when all of it was.",
    ),
    plain(
        PAID_TRIGGER,
        "KOPECK_BITRIX24_PAID_TRIGGER",
        "The code of an «incoming webhook» trigger, pulled when a deal is paid.",
    ),
    plain(LINK_FIELD, "KOPECK_BITRIX24_LINK_FIELD", "The deal's field for the link: ufCrm…"),
    plain(STATUS_FIELD, "KOPECK_BITRIX24_STATUS_FIELD", "The same for the payment's state."),
    plain(PAID_AT_FIELD, "KOPECK_BITRIX24_PAID_AT_FIELD", "The same for when it was paid."),
    plain(
        APP_TRIGGERS,
        "",
        "yes: the application's own triggers are pulled; its installation says so.",
    ),
];

/// How the portal is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The address before the method's name.
    Webhook {
        base: String,
    },
    App {
        base: String,
        token: String,
    },
}

pub(super) fn access(settings: &Settings) -> Result<Access, Broken> {
    // An application can do all that a webhook can, so it goes first where there are both.
    if let (Some(endpoint), Some(token)) = (settings.find(ENDPOINT), settings.find(ACCESS_TOKEN)) {
        let base = endpoint.trim().trim_end_matches('/').to_owned();
        return Ok(Access::App { base, token: token.trim().to_owned() });
    }
    let url = settings.find(WEBHOOK_URL).ok_or_else(|| Broken::of(&problems::SETTINGS_MISSING))?;
    let base = webhook_base(url).ok_or_else(|| Broken::of(&problems::WEBHOOK_MALFORMED))?;
    Ok(Access::Webhook { base })
}

/// Whether it is reached as an application.
pub fn is_app(settings: &Settings) -> bool {
    matches!(access(settings), Ok(Access::App { .. }))
}

/// The portal's host, whichever way it is reached: what its limits are counted by.
pub fn host(settings: &Settings) -> Option<String> {
    let (Access::Webhook { base } | Access::App { base, .. }) = access(settings).ok()?;
    let (_, rest) = base.split_once("://")?;
    rest.split('/').next().filter(|host| !host.is_empty()).map(str::to_ascii_lowercase)
}

/// `https://portal/rest/1/secret`, whatever was pasted after it. Portals of one's own have any
/// host.
fn webhook_base(url: &str) -> Option<String> {
    let rest = url.trim().strip_prefix("https://")?;
    let parts: Vec<&str> = rest.split('/').collect();
    let [host, "rest", user, key, ..] = parts.as_slice() else { return None };
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_user = !user.is_empty() && user.bytes().all(|b| b.is_ascii_digit());
    let is_host = !host.is_empty() && !host.contains(['@', '?', '#', ' ']);
    (is_host && is_user && is_word(key)).then(|| format!("https://{host}/rest/{user}/{key}"))
}

pub(super) fn oauth_url(settings: &Settings) -> &str {
    settings.find(OAUTH_URL).unwrap_or(DEFAULT_OAUTH_URL).trim().trim_end_matches('/')
}

/// A mapping of funnels to stages: `0=WON; 3=C3:WON`.
pub fn stages(settings: &Settings, name: &str) -> Result<BTreeMap<i64, String>, Broken> {
    let mut stages = BTreeMap::new();
    let text = settings.find(name).unwrap_or("");
    for entry in text.split([';', ',']).map(str::trim).filter(|entry| !entry.is_empty()) {
        let pair = entry.split_once('=').and_then(|(funnel, stage)| {
            let funnel = funnel.trim().parse::<i64>().ok().filter(|funnel| *funnel >= 0)?;
            let stage = stage.trim();
            let is_code = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
            (!stage.is_empty() && stage.chars().all(is_code)).then(|| (funnel, stage.to_owned()))
        });
        let (funnel, stage) =
            pair.ok_or_else(|| Broken::of(&problems::STAGES_MALFORMED).because(entry))?;
        stages.insert(funnel, stage);
    }
    Ok(stages)
}
