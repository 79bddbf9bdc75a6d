//! `kopeck integration` and `kopeck link send`, as a merchant uses them.

use std::sync::Arc;

use kopeck::kit::clock::ManualClock;
use kopeck_integrations::telegram::{Chat, TelegramStandIn};
use serde_json::json;

use super::bank::Shop;
use crate::{harness::app::START_MS, integrations::host::Host};

#[test]
fn a_bot_is_set_up_tried_used_and_removed() {
    let shop = Shop::new();
    let link = shop.json(&["link", "create", "--amount", "500", "--purpose", "Чай"]);
    let payment = link["id"].as_str().unwrap();
    let clock: Arc<ManualClock> = ManualClock::new(START_MS);
    let host = Host::start(TelegramStandIn::default(), clock);
    let token = format!("token={}", host.settings().get("token"));
    let address = format!("api_url={}", host.url);
    let add = ["integration", "add", "telegram", "--set", &token, "--set", &address];
    let made = shop.json(&add);
    assert_eq!(made["settings"]["token"], "***");
    let id = made["id"].as_str().unwrap();
    assert_eq!(shop.json(&["integration", "test", id])["ok"], true);
    let listed = shop.json(&["integration", "list"]);
    assert_eq!(listed["integrations"][0]["id"], id);
    let sent = shop.json(&["link", "send", payment, "--to", "telegram:700100200"]);
    assert_eq!(sent["status"], "delivered", "{sent}");
    let arrived = host.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].link.as_deref(), link["pay_url"].as_str());
    let shares = shop.json(&["link", "send", payment, "--to", "share:+79001234567"]);
    let of = |name: &str| {
        let links = shares["links"].as_array().unwrap();
        links.iter().find(|it| it["service"] == name).unwrap()["url"].as_str().unwrap().to_owned()
    };
    assert!(of("whatsapp").starts_with("https://wa.me/79001234567?text="), "{shares}");
    assert!(of("telegram").starts_with("https://t.me/share/url?url="), "{shares}");
    assert_eq!(host.arrived().len(), 1, "nothing is sent");
    let unknown = ["link", "send", payment, "--to", "telegram:1"];
    shop.fails(&unknown, "telegram_chat_unknown");
    let failed = shop.json(&["sendings", "list", "--payment", payment, "--status", "failed"]);
    let message = failed["sendings"][0]["id"].as_str().unwrap_or_else(|| panic!("{failed}"));
    host.service().chats.insert(1, Chat::Open);
    let again = shop.json(&["sendings", "retry", message]);
    assert_eq!(again["status"], "delivered", "{again}");
    assert_eq!(shop.json(&["sendings", "show", message])["history"].as_array().unwrap().len(), 2);
    shop.fails(&["sendings", "retry", message], "sending_not_failed");
    let none = shop.json(&["sendings", "retry", "--failed-of", id]);
    assert_eq!(none["sendings"], 0, "{none}");
    shop.fails(&["link", "send", payment, "--to", "sms:123"], "sms_number_invalid");
    shop.fails(&["integration", "add", "icq"], "integration_unknown");
    assert_eq!(shop.json(&["integration", "remove", id])["removed"], json!(true));
    shop.fails(
        &["link", "send", payment, "--to", "telegram:700100200"],
        "integration_not_connected",
    );
}
