//! MAX: golden bytes, every refusal, bindings, updates.

use kopeck_banks::http::HttpReply;
use serde_json::json;

use super::{Max, MaxStandIn, bot, start_link, update, update::News};
use crate::{
    binding,
    contract::{self, Bench, Setup, message},
    exchange::{Fate, run},
    integration::{Integration as _, Progress, Reading},
    message::{Audience, Kind, Message},
    problem::Scope,
    stand_in::StandIn as _,
    telegram,
};

const SETUP: Setup = Setup {
    integration: &Max,
    stand_in: || Box::new(MaxStandIn::default()),
    audience: Audience::Payer,
    address: "228532008",
    refused: &[
        ("228532010", "max_chat_unknown"),
        ("228532009", "max_blocked"),
        ("chat:-70010029", "max_chat_unknown"),
        ("chat:-70010021", "max_not_allowed"),
    ],
    no_address: &["", "0", "-5", "@name", "chat:", "chat:x", "+79001234567x"],
    wrong: &[("token", "", "max_token_missing"), ("token", "other", "max_token_refused")],
    shows_links: true,
    flood: 4,
};

#[test]
fn max_keeps_the_contract() {
    contract::run(&SETUP);
}

#[test]
fn the_shop_hears_in_a_group_too() {
    contract::run(&Setup { audience: Audience::Shop, address: "chat:-70010020", ..SETUP });
}

#[test]
fn a_link_is_these_bytes() {
    let settings = MaxStandIn::default().settings("https://platform-api2.max.ru/");
    let message = message(Kind::Link, Audience::Payer, "228532008");
    let request = Max.request(&settings, &message, &Progress::start()).unwrap();
    let expect =
        "https://platform-api2.max.ru/messages?user_id=228532008&disable_link_preview=true";
    assert_eq!(request.url, expect);
    assert_eq!(request.find_header("authorization"), Some(settings.get("token")));
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        "{\"text\":\"Школа «Вектор»: к оплате 1\u{a0}500,00\u{a0}₽\\nКурс «Основы <HTML> & \
         \\\"кавычки\\\"»\\nОплатить до 30.11.2026 14:05\",\"attachments\":[{\"type\":\
         \"inline_keyboard\",\"payload\":{\"buttons\":[[{\"type\":\"link\",\"text\":\"Оплатить\",\
         \"url\":\"https://pay.example.ru/p/AbC123\"}]]}}],\"notify\":true}"
    );
}

#[track_caller]
fn check(status: u16, code: &str, words: &str, expect: (&str, Scope)) {
    let reply = HttpReply::json(status, &json!({ "code": code, "message": words }));
    let settings = MaxStandIn::default().settings("https://platform-api2.max.ru");
    let message = message(Kind::Link, Audience::Payer, "228532008");
    let reading = Max.read(&settings, &message, &Progress::start(), &reply);
    let Reading::Broken(broken) = reading else { panic!("{code}: {reading:?}") };
    assert_eq!((broken.code(), broken.scope()), expect, "{code}");
    assert!(!broken.detail.contains("228532008"), "the address is kept: {}", broken.detail);
}

#[test]
fn every_refusal_says_what_it_ends() {
    check(401, "verify.token", "", ("max_token_refused", Scope::Account));
    check(
        403,
        "chat.denied",
        "Key: error.dialog.suspended, args: [228532008,].",
        ("max_blocked", Scope::Address),
    );
    check(403, "chat.denied", "no rights", ("max_not_allowed", Scope::Address));
    check(404, "chat.not.found", "", ("max_chat_unknown", Scope::Address));
    check(404, "dialog.not.found", "", ("max_chat_unknown", Scope::Address));
    check(404, "not.found", "Path not found", ("max_api_url_wrong", Scope::Account));
    check(405, "method.not.allowed", "", ("max_api_url_wrong", Scope::Account));
    check(400, "proto.payload", "text: size", ("max_refused", Scope::Message));
}

#[test]
fn what_may_pass_later_is_tried_again() {
    let settings = MaxStandIn::default().settings("https://platform-api2.max.ru");
    let message = message(Kind::Link, Audience::Payer, "228532008");
    let read = |status: u16, code: &str| {
        let reply = HttpReply::json(status, &json!({ "code": code, "message": "" }));
        Max.read(&settings, &message, &Progress::start(), &reply)
    };
    assert!(matches!(read(429, "too.many.requests"), Reading::Retry { .. }));
    assert!(matches!(read(400, "attachment.not.ready"), Reading::Retry { .. }));
    assert!(matches!(read(503, "service.unavailable"), Reading::Unclear { .. }));
}

#[test]
fn max_says_how_long_to_wait_and_is_believed_up_to_a_day() {
    let settings = MaxStandIn::default().settings("https://platform-api2.max.ru");
    let message = message(Kind::Paid, Audience::Shop, "228532008");
    let read = |reply: HttpReply| Max.read(&settings, &message, &Progress::start(), &reply);
    let busy = || HttpReply::json(429, &json!({ "code": "too.many.requests", "message": "" }));
    let wait = |reading: Reading| {
        let Reading::Retry { after_ms, .. } = reading else { panic!("{reading:?}") };
        after_ms
    };
    assert_eq!(wait(read(busy().header("retry-after", "7"))), Some(7_000));
    assert_eq!(wait(read(busy().header("retry-after", "9999999"))), Some(86_400_000));
    assert_eq!(wait(read(busy().header("retry-after", "soon"))), None);
    let page = HttpReply::new(429, "text/html", "<html>").header("retry-after", "3");
    assert_eq!(wait(read(page)), Some(3_000));
}

#[test]
fn a_link_comes_with_its_code_and_without_it_where_max_takes_no_pictures() {
    for refuses in [false, true] {
        let mut service = MaxStandIn::default();
        service.refuses_pictures = refuses;
        let settings = service.settings("https://platform-api2.max.ru");
        let mut message = message(Kind::Link, Audience::Payer, "228532008");
        let png = b"\x89PNG\r\n\x1a\n and so on".to_vec();
        message.payment.as_mut().unwrap().qr_png = Some(png);
        let fate =
            run(&Max, &settings, &message, |request| Ok(service.serve(0, &request).unwrap()));
        assert!(matches!(fate, Fate::Delivered { .. }), "{fate:?}");
        let arrived = &service.shell().arrived;
        assert_eq!((arrived.len(), arrived[0].has_picture), (1, !refuses), "{arrived:?}");
        assert!(arrived[0].link.is_some());
    }
}

#[test]
fn a_start_ties_a_dialogue_and_only_max_is_believed() {
    let mut service = MaxStandIn::default();
    let settings = service.settings("https://platform-api2.max.ru");
    let request = super::subscribe(&settings, "https://pay.example.ru/max").unwrap();
    assert_eq!(service.serve(0, &request).unwrap().status, 200);
    let (_, secret) = service.subscription.clone().unwrap();
    assert!(update::is_genuine(&settings, Some(&secret)));
    assert!(!update::is_genuine(&settings, Some("12345")) && !update::is_genuine(&settings, None));
    let payload = binding::sign(bot(&settings), "cus_1", 9_000_000).unwrap();
    assert!(start_link("@shop_bot", &payload).starts_with("https://max.ru/shop_bot?start=cus_1"));
    let body = json!({ "update_type": "bot_started", "timestamp": 1, "chat_id": 5,
        "user": { "user_id": 228_532_008 }, "payload": payload });
    let news = update::read(body.to_string().as_bytes());
    let expect = News::Started { user: "228532008".to_owned(), payload: Some(payload.clone()) };
    assert_eq!(news, Some(expect));
    assert_eq!(binding::open(bot(&settings), &payload, 8_000_000), Ok("cus_1".to_owned()));
    // A link of one messenger opens nothing in another, even with one token for both.
    let same_token = telegram::bot(&settings);
    assert!(binding::open(same_token, &payload, 8_000_000).is_err());
    let stopped = br#"{"update_type":"bot_stopped","user":{"user_id":5}}"#;
    assert_eq!(update::read(stopped), Some(News::Stopped { user: "5".to_owned() }));
    assert_eq!(update::read(br#"{"update_type":"message_created"}"#), Some(News::Other));
    assert_eq!(update::read(b"x"), None);
}

#[test]
fn receipts_stay_in_russia_and_may_be_linked() {
    let mut bench = Bench::new(&SETUP);
    let mut message: Message = bench.message(Kind::Receipt);
    let url = "https://receipt.example.ru/9".to_owned();
    message.payment.as_mut().unwrap().receipt_url = Some(url.clone());
    bench.delivered(&message);
    assert_eq!(bench.service.shell().arrived[0].link, Some(url));
}
