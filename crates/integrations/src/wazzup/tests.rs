//! Wazzup: golden bytes, its memory of a minute, every code.

use kopeck_banks::http::HttpReply;
use serde_json::json;

use super::{Wazzup, WazzupStandIn};
use crate::{
    contract::{self, Bench, Setup, message},
    exchange::{self, Fate, Sent},
    integration::{Integration as _, Progress, Reading},
    message::{Audience, Kind, Message},
    problem::Scope,
    stand_in::{Fault, StandIn as _},
};

const SETUP: Setup = Setup {
    integration: &Wazzup,
    stand_in: || Box::new(WazzupStandIn::default()),
    audience: Audience::Payer,
    address: "79001234567",
    refused: &[("79001110002", "wazzup_no_whatsapp"), ("79001110003", "wazzup_not_first")],
    no_address: &["", "имя", "+7900", "12"],
    wrong: &[
        ("api_key", "", "wazzup_settings_missing"),
        ("channel_id", "", "wazzup_settings_missing"),
        ("api_key", "other", "wazzup_key_refused"),
        ("channel_id", "e0629e11-0f67-4567-92a9-000000000000", "wazzup_channel_unknown"),
    ],
    shows_links: true,
    flood: 501,
};

#[test]
fn wazzup_keeps_the_contract() {
    contract::run(&SETUP);
}

#[test]
fn a_link_is_these_bytes() {
    let settings = WazzupStandIn::default().settings("https://api.wazzup24.com");
    let message = message(Kind::Link, Audience::Payer, "79001234567");
    let request = Wazzup.request(&settings, &message, &Progress::start()).unwrap();
    assert_eq!(request.url, "https://api.wazzup24.com/v3/message");
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        format!(
            "{{\"channelId\":\"e0629e11-0f67-4567-92a9-2237e91ec1b9\",\"chatType\":\"whatsapp\",\
             \"chatId\":\"79001234567\",\"text\":\"Школа «Вектор»: к оплате 1\u{a0}500,00\u{a0}₽\
             \\nОплатить до 30.11.2026 14:05\\nhttps://pay.example.ru/p/AbC123\",\
             \"crmMessageId\":\"{}\",\"clearUnanswered\":false}}",
            message.id
        )
    );
}

#[test]
fn a_lost_answer_is_asked_for_within_the_minute_and_never_later() {
    let mut bench = Bench::new(&SETUP);
    let message = bench.message(Kind::Paid);
    let settings = bench.settings.clone();
    bench.service.shell().fail(Fault::ReplyLost, 1);
    let progress = Progress::start();
    let request = Wazzup.request(&settings, &message, &progress).unwrap();
    let heard = bench.carry(&request);
    let fate = |since_ms| {
        let sent = Sent { progress: &progress, since_ms };
        exchange::after(&Wazzup, &settings, &message, sent, &heard)
    };
    assert!(matches!(fate(39_999), Fate::Retry { after_ms: Some(0), .. }));
    assert!(matches!(fate(40_000), Fate::Unknown { .. }));
    bench.now_ms += 30_000;
    bench.delivered(&message);
    assert_eq!(bench.service.shell().arrived.len(), 1, "sent twice");
}

#[test]
fn every_code_says_what_it_ends() {
    let settings = WazzupStandIn::default().settings("https://api.wazzup24.com");
    let message = message(Kind::Link, Audience::Payer, "79001234567");
    let read = |status: u16, code: &str| {
        let reply = HttpReply::json(status, &json!({ "error": code }));
        Wazzup.read(&settings, &message, &Progress::start(), &reply)
    };
    let table = [
        (401, "", "wazzup_key_refused", Scope::Account),
        (403, "", "wazzup_key_refused", Scope::Account),
        (400, "CHANNEL_NOT_FOUND", "wazzup_channel_unknown", Scope::Account),
        (400, "CHANNEL_BLOCKED", "wazzup_channel_down", Scope::Account),
        (400, "CHANNEL_WAPI_REJECTED", "wazzup_channel_down", Scope::Account),
        (400, "CHANNEL_NO_MONEY", "wazzup_no_money", Scope::Account),
        (400, "BALANCE_IS_EMPTY", "wazzup_no_money", Scope::Account),
        (400, "CHANNEL_LIMIT_EXCEEDED", "wazzup_dialogue_limit", Scope::Message),
        (400, "BAD_CONTACT", "wazzup_no_whatsapp", Scope::Address),
        (400, "MESSAGES_NOT_TEXT_FIRST", "wazzup_not_first", Scope::Address),
        (400, "24_HOURS_EXCEEDED", "wazzup_not_first", Scope::Address),
        (400, "MESSAGES_IS_SPAM", "wazzup_spam", Scope::Account),
        (400, "VALIDATION_ERROR", "wazzup_refused", Scope::Message),
        (404, "", "wazzup_refused", Scope::Message),
    ];
    for (status, code, expect, scope) in table {
        let reading = read(status, code);
        let Reading::Broken(broken) = reading else { panic!("{code}: {reading:?}") };
        assert_eq!((broken.code(), broken.scope()), (expect, scope), "{status} {code}");
    }
    for code in ["repeatedCrmMessageId", "REPEATED_CRM_MESSAGE_ID"] {
        assert_eq!(read(400, code), Reading::Delivered { remote_id: None });
    }
    assert!(matches!(read(400, "MESSAGE_CHANNEL_UNAVAILABLE"), Reading::Retry { .. }));
    assert!(matches!(read(400, "MESSAGES_CAN_NOT_ADD"), Reading::Unclear { .. }));
    assert!(matches!(read(400, "UNKNOWN_ERROR"), Reading::Unclear { .. }));
}

#[test]
fn a_channel_that_sleeps_is_named_with_its_state() {
    let mut bench = Bench::new(&SETUP);
    let mut service = WazzupStandIn::default();
    service.state = "qridle".to_owned();
    bench.service = Box::new(service);
    let trial = Message { to: None, payment: None, ..bench.message(Kind::Test) };
    let fate = bench.send(&trial);
    let Fate::Broken(broken) = fate else { panic!("{fate:?}") };
    assert_eq!((broken.code(), broken.detail.as_str()), ("wazzup_channel_down", "qridle"));
}
