//! Telegram: golden bytes, every refusal, bindings, updates.

use kopeck_banks::http::HttpReply;
use serde_json::json;

use super::{Chat, Telegram, TelegramStandIn, bot, stand_in, start_link, update, update::News};
use crate::{
    binding::{self, BindingProblem},
    contract::{self, Bench, PNG, Setup, message, payment},
    exchange::Fate,
    integration::{Integration as _, Progress, Reading, Settings},
    message::{Audience, Kind, Lang, Message, Payment},
    problem::Scope,
    stand_in::StandIn,
};

const SETUP: Setup = Setup {
    integration: &Telegram,
    stand_in: || Box::new(TelegramStandIn::default()),
    audience: Audience::Payer,
    address: "700100200",
    refused: &[
        ("700100999", "telegram_chat_unknown"),
        ("700100201", "telegram_blocked"),
        ("700100202", "telegram_account_gone"),
        ("-500601", "telegram_not_allowed"),
    ],
    no_address: &["", "79001234567a", "@", "@a b", "0", "+7900", "t.me/x"],
    wrong: &[
        ("token", "123456789:AAEhBP0av28fT3Dh-2mFlXcq0d8Xv1JkXXX", "telegram_token_refused"),
        ("token", "AAEhBP0av28fT3Dh", "telegram_token_malformed"),
    ],
    shows_links: true,
    flood: 3,
};

fn settings() -> Settings {
    TelegramStandIn::default().settings("https://api.telegram.org")
}

#[test]
fn telegram_keeps_the_contract() {
    contract::run(&SETUP);
}

#[test]
fn the_shop_hears_all_kinds_too() {
    contract::run(&Setup { audience: Audience::Shop, ..SETUP });
}

#[test]
fn a_link_is_these_bytes() {
    let message = message(Kind::Link, Audience::Payer, "700100200");
    let request = Telegram.request(&settings(), &message, &Progress::start()).unwrap();
    let token = "123456789:AAEhBP0av28fT3Dh-2mFlXcq0d8Xv1Jk5qA";
    assert_eq!(request.url, format!("https://api.telegram.org/bot{token}/sendMessage"));
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        "{\"chat_id\":700100200,\"text\":\"<b>Школа «Вектор»: к оплате 1\u{a0}500,00\u{a0}₽</b>\
         \\nОплатить до 30.11.2026 14:05\",\"parse_mode\":\"HTML\",\
         \"link_preview_options\":{\"is_disabled\":true},\
         \"reply_markup\":{\"inline_keyboard\":[[{\"text\":\"Оплатить\",\
         \"url\":\"https://pay.example.ru/p/AbC123\"}]]}}"
    );
}

#[test]
fn nothing_of_a_person_goes_abroad() {
    for audience in [Audience::Payer, Audience::Shop] {
        for kind in Kind::ALL {
            let mut message = message(kind, audience, "700100200");
            message.payment = Some(Payment {
                receipt_url: Some("https://receipt.example.ru/9".to_owned()),
                ..payment()
            });
            let request = Telegram.request(&settings(), &message, &Progress::start()).unwrap();
            let body = String::from_utf8(request.body).unwrap();
            assert!(!body.contains("Курс") && !body.contains("receipt.example"), "{body}");
        }
    }
}

#[test]
fn a_picture_is_uploaded_with_its_button() {
    let mut bench = Bench::new(&SETUP);
    let mut message = bench.message(Kind::Link);
    message.payment = Some(Payment { qr_png: Some(PNG.to_vec()), ..payment() });
    bench.delivered(&message);
    let arrived = &bench.service.shell().arrived;
    assert!(arrived[0].has_picture && arrived[0].link.as_deref() == Some(contract::LINK));
    let request = &bench.requests[0];
    assert!(request.url.ends_with("/sendPhoto"));
    let at = request.body.windows(PNG.len()).position(|window| window == PNG);
    assert!(at.is_some(), "the picture's bytes are as they were");
}

#[track_caller]
fn check(code: u16, description: &str, expect: (&str, Scope)) {
    let body = json!({ "ok": false, "error_code": code, "description": description });
    let reply = HttpReply::json(code, &body);
    let message = message(Kind::Link, Audience::Payer, "700100200");
    let reading = Telegram.read(&settings(), &message, &Progress::start(), &reply);
    let Reading::Broken(broken) = reading else { panic!("{description}: {reading:?}") };
    assert_eq!((broken.code(), broken.scope()), expect, "{description}");
}

#[test]
fn every_refusal_says_what_it_ends() {
    check(400, "Bad Request: chat not found", ("telegram_chat_unknown", Scope::Address));
    check(400, "Bad Request: user not found", ("telegram_chat_unknown", Scope::Address));
    check(400, "Bad Request: PEER_ID_INVALID", ("telegram_chat_unknown", Scope::Address));
    check(400, "Bad Request: CHAT_WRITE_FORBIDDEN", ("telegram_not_allowed", Scope::Address));
    check(400, "Bad Request: message is too long", ("telegram_refused", Scope::Message));
    check(400, "Bad Request: BUTTON_URL_INVALID", ("telegram_refused", Scope::Message));
    check(401, "Unauthorized", ("telegram_token_refused", Scope::Account));
    check(404, "Not Found", ("telegram_token_refused", Scope::Account));
    check(403, "Forbidden: bot was blocked by the user", ("telegram_blocked", Scope::Address));
    check(403, "Forbidden: user is deactivated", ("telegram_account_gone", Scope::Address));
    check(
        403,
        "Forbidden: bot was kicked from the group chat",
        ("telegram_not_allowed", Scope::Address),
    );
    check(
        403,
        "Forbidden: bot can't initiate conversation with a user",
        ("telegram_not_allowed", Scope::Address),
    );
    check(418, "", ("telegram_refused", Scope::Message));
}

#[test]
fn a_named_wait_is_kept_and_not_for_ever() {
    for (seconds, expect) in [(7_u64, 7_000), (u64::MAX, 86_400_000)] {
        let body = json!({ "ok": false, "error_code": 429, "description": "Too Many Requests",
            "parameters": { "retry_after": seconds } });
        let message = message(Kind::Link, Audience::Payer, "700100200");
        let reply = HttpReply::json(429, &body);
        let reading = Telegram.read(&settings(), &message, &Progress::start(), &reply);
        let Reading::Retry { after_ms, .. } = reading else { panic!("{reading:?}") };
        assert_eq!(after_ms, Some(expect));
    }
}

#[test]
fn a_group_that_became_a_supergroup_is_written_to_under_its_new_number() {
    let mut bench = Bench::new(&SETUP);
    let mut message = bench.message(Kind::Link);
    message.to = Some(stand_in::MIGRATED.to_string());
    let fate = bench.send(&message);
    let Fate::Moved { to } = fate else { panic!("{fate:?}") };
    message.to = Some(Telegram.address(&to).unwrap());
    bench.delivered(&message);
    assert_eq!(bench.service.shell().arrived[0].to, stand_in::SUPERGROUP.to_string());
}

#[test]
fn news_of_money_is_never_repeated_to_a_payer_by_itself() {
    let mut bench = Bench::new(&SETUP);
    for kind in [Kind::Paid, Kind::Refunded, Kind::Mismatch] {
        bench.service.shell().fail(crate::stand_in::Fault::ReplyLost, 1);
        let message = bench.message(kind);
        let fate = bench.send(&message);
        assert!(matches!(fate, Fate::Unknown { .. }), "{kind:?}: {fate:?}");
    }
    assert_eq!(bench.service.shell().arrived.len(), 3);
}

const NOW: i64 = 1_795_255_200_000;
const CUSTOMER: &str = "cus_019a7a3e5c7d7e0f8a1b2c3d4e5f6071";

#[test]
fn a_start_link_ties_a_chat_to_its_payer_until_its_time() {
    let settings = settings();
    let payload = binding::sign(bot(&settings), CUSTOMER, NOW + 86_400_000).unwrap();
    assert_eq!(payload.len(), 64, "Telegram's limit, all of it used");
    assert_eq!(
        start_link("@kopeck_test_bot", &payload),
        format!("https://t.me/kopeck_test_bot?start={payload}")
    );
    assert_eq!(binding::open(bot(&settings), &payload, NOW), Ok(CUSTOMER.to_owned()));
    let late = binding::open(bot(&settings), &payload, NOW + 86_460_000);
    assert_eq!(late, Err(BindingProblem::Expired));
    let mut other = settings.clone();
    other.set("token", "123456789:BBEhBP0av28fT3Dh-2mFlXcq0d8Xv1Jk5qA");
    assert_eq!(binding::open(bot(&other), &payload, NOW), Err(BindingProblem::NotOurs));
    let long = "c".repeat(37);
    assert_eq!(binding::sign(bot(&settings), &long, NOW), Err(BindingProblem::IdDoesNotFit));
}

proptest::proptest! {
    #[test]
    fn no_changed_start_payload_opens(at in 0_usize..64, to in "[A-Za-z0-9_-]") {
        let settings = settings();
        let good = binding::sign(bot(&settings), CUSTOMER, NOW).unwrap();
        let mut bad = good.clone();
        bad.replace_range(at..=at, &to);
        let opened = binding::open(bot(&settings), &bad, NOW - 1);
        // The last letter of the signature holds two bits that mean nothing: letters, not bits,
        // are compared.
        proptest::prop_assert_eq!(opened.is_ok(), bad == good);
    }

    #[test]
    fn any_start_payload_is_read_without_harm(text in ".{0,80}") {
        proptest::prop_assert!(binding::open(bot(&settings()), &text, NOW).is_err());
    }
}

fn private(text: &str) -> Vec<u8> {
    let chat = json!({ "id": 700_100_200, "type": "private", "first_name": "Анна" });
    let message = json!({ "message_id": 1, "chat": chat, "from": { "id": 7 }, "text": text });
    json!({ "update_id": 15, "message": message }).to_string().into_bytes()
}

#[test]
fn updates_are_read_for_starts_and_stops() {
    let chat = "700100200".to_owned();
    let news = |body: &[u8]| update::read(body).map(|update| update.news);
    let started = |payload: Option<&str>| {
        Some(News::Started { chat: chat.clone(), payload: payload.map(str::to_owned) })
    };
    assert_eq!(news(&private("/start abc_DEF-1")), started(Some("abc_DEF-1")));
    assert_eq!(news(&private("/start")), started(None));
    assert_eq!(news(&private("привет")), Some(News::Other));
    let member = |status: &str| {
        let body = json!({ "update_id": 16, "my_chat_member": {
            "chat": { "id": 700_100_200, "type": "private" }, "new_chat_member": { "status": status } } });
        news(body.to_string().as_bytes())
    };
    assert_eq!(member("kicked"), Some(News::Stopped { chat: chat.clone() }));
    assert_eq!(member("member"), Some(News::Resumed { chat: chat.clone() }));
    let group = json!({ "update_id": 17, "message": { "chat": { "id": -5, "type": "group" },
        "text": "/start abc" } });
    assert_eq!(news(group.to_string().as_bytes()), Some(News::Other));
    assert_eq!(news(b"{\"update_id\":18}"), Some(News::Other));
    assert_eq!(news(b"[]"), None);
    assert_eq!(update::read(&private("/start")).unwrap().id, 15);
}

#[test]
fn only_telegram_itself_is_believed() {
    let (settings, mut service) = (settings(), TelegramStandIn::default());
    let request = super::set_webhook(&settings, "https://pay.example.ru/telegram").unwrap();
    let reply = service.serve(0, &request).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let (_, secret) = service.webhook.clone().unwrap();
    assert!(update::is_genuine(&settings, Some(&secret)));
    assert!(!update::is_genuine(&settings, Some(&secret[1..])));
    assert!(!update::is_genuine(&settings, None));
    assert!(!update::is_genuine(&settings, Some("")));
}

#[test]
fn a_stranger_who_presses_start_may_be_written_to() {
    let mut bench = Bench::new(&SETUP);
    let message = Message { to: Some("700100777".to_owned()), ..bench.message(Kind::Link) };
    assert_eq!(bench.broken(&message), ("telegram_chat_unknown", Scope::Address));
    let mut service = TelegramStandIn::default();
    service.chats.insert(700_100_777, Chat::Open);
    bench.service = Box::new(service);
    bench.delivered(&Message { lang: Lang::En, ..message });
    assert!(bench.service.shell().arrived[0].text.contains("to pay"));
}
