//! GREEN-API: golden bytes, states of the phone, every status.

use kopeck_banks::http::HttpReply;
use serde_json::json;

use super::{GreenApi, GreenApiStandIn};
use crate::{
    contract::{self, Bench, Setup, message},
    integration::{Integration as _, Progress, Reading},
    message::{Audience, Kind, Message},
    problem::Scope,
    stand_in::StandIn as _,
};

const SETUP: Setup = Setup {
    integration: &GreenApi,
    stand_in: || Box::new(GreenApiStandIn::default()),
    audience: Audience::Payer,
    address: "79001234567",
    refused: &[],
    no_address: &["", "имя", "+7900", "12"],
    wrong: &[
        ("id_instance", "x", "greenapi_settings_missing"),
        ("api_token", "", "greenapi_settings_missing"),
        ("api_token", "other", "greenapi_key_refused"),
    ],
    shows_links: true,
    flood: 51,
};

#[test]
fn greenapi_keeps_the_contract() {
    contract::run(&SETUP);
}

#[test]
fn a_link_is_these_bytes() {
    let settings = GreenApiStandIn::default().settings("https://7105.api.greenapi.com");
    let message = message(Kind::Link, Audience::Payer, "79001234567");
    let request = GreenApi.request(&settings, &message, &Progress::start()).unwrap();
    assert_eq!(
        request.url,
        "https://7105.api.greenapi.com/waInstance7105000001/sendMessage/\
         d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
    );
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        "{\"chatId\":\"79001234567@c.us\",\"message\":\"Школа «Вектор»: к оплате \
         1\u{a0}500,00\u{a0}₽\\nОплатить до 30.11.2026 14:05\\nhttps://pay.example.ru/p/AbC123\",\
         \"linkPreview\":false}"
    );
}

#[test]
fn every_state_and_status_has_its_words() {
    let settings = GreenApiStandIn::default().settings("https://7105.api.greenapi.com");
    let link = message(Kind::Link, Audience::Payer, "79001234567");
    let trial = Message { to: None, ..link.clone() };
    let state = |word: &str| {
        let reply = HttpReply::json(200, &json!({ "stateInstance": word }));
        GreenApi.read(&settings, &trial, &Progress::start(), &reply)
    };
    let code = |reading: Reading| match reading {
        Reading::Broken(broken) => (broken.code(), broken.scope()),
        other @ (Reading::Delivered { .. }
        | Reading::More(_)
        | Reading::Retry { .. }
        | Reading::Unclear { .. }
        | Reading::Moved { .. }
        | Reading::Renew) => panic!("{other:?}"),
    };
    assert_eq!(state("authorized"), Reading::Delivered { remote_id: None });
    assert_eq!(code(state("notAuthorized")), ("greenapi_not_authorized", Scope::Account));
    assert_eq!(code(state("blocked")), ("greenapi_number_blocked", Scope::Account));
    assert_eq!(code(state("yellowCard")), ("greenapi_number_blocked", Scope::Account));
    assert!(matches!(state("starting"), Reading::Retry { .. }));
    let status = |status: u16| {
        let reply = HttpReply::json(status, &json!({ "message": "words" }));
        GreenApi.read(&settings, &link, &Progress::start(), &reply)
    };
    assert_eq!(code(status(400)), ("greenapi_refused", Scope::Message));
    assert_eq!(code(status(401)), ("greenapi_key_refused", Scope::Account));
    assert_eq!(code(status(403)), ("greenapi_key_refused", Scope::Account));
    assert_eq!(code(status(466)), ("greenapi_quota", Scope::Account));
    assert!(matches!(status(429), Reading::Retry { .. }));
    assert!(matches!(status(500), Reading::Unclear { .. }));
}

#[test]
fn a_plan_at_its_end_stops_everything() {
    let mut bench = Bench::new(&SETUP);
    let mut service = GreenApiStandIn::default();
    service.quota = 0;
    bench.service = Box::new(service);
    let message = bench.message(Kind::Link);
    assert_eq!(bench.broken(&message), ("greenapi_quota", Scope::Account));
}
