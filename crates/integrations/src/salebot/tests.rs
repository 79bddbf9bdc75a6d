//! Salebot: callbacks to the letter, the arguments as bots write them, units that are never guessed.

use jiff::civil::date;
use kopeck_banks::Money;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Salebot, SalebotStandIn,
    answer::{Answer, Made},
    callback::{self, Outcome, Scheme},
    fields::{Fields, Refused},
    link::{self, LinkRequest, Recurrent},
    recurrent, stand_in,
};
use crate::{
    contract::{self, Bench, Setup, payment},
    exchange::Fate,
    integration::{Integration as _, Progress},
    message::{Audience, Kind, Lang, Payment},
    stand_in::Fault,
};

const SETUP: Setup = Setup {
    integration: &Salebot,
    stand_in: || Box::new(SalebotStandIn::default()),
    audience: Audience::Shop,
    address: "836058546",
    refused: &[("836058547", "salebot_client_unknown")],
    no_address: &["", "0", "-5", "Анна", "836058546:other", "#{client_id}"],
    wrong: &[
        ("api_key", "", "salebot_key_missing"),
        ("api_key", "0f3c9b6ad0e14c2fa7d25b1c9e8f7a61", "salebot_key_refused"),
    ],
    shows_links: false,
    flood: 6,
};

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

#[test]
fn salebot_keeps_the_contract() {
    contract::run(&SETUP);
}

#[test]
fn callbacks_are_these_texts() {
    let write = |scheme, outcome, sum: &str| {
        callback::write("ovg58keefc", scheme, outcome, rubles(sum), "123456")
    };
    let function = Scheme::Function;
    assert_eq!(write(function, Outcome::Success, "44"), "ovg58keefc_success 44");
    assert_eq!(write(function, Outcome::Fail, "44"), "ovg58keefc_fail 44");
    assert_eq!(
        write(function, Outcome::DifferentAmounts, "44"),
        "ovg58keefc_different_amounts 123456"
    );
    assert_eq!(write(function, Outcome::Success, "100.55"), "ovg58keefc_success 100.55");
    assert_eq!(write(function, Outcome::Success, "100.50"), "ovg58keefc_success 100.5");
    assert_eq!(write(function, Outcome::Success, "1000"), "ovg58keefc_success 1000");
    assert_eq!(write(Scheme::Variable, Outcome::Success, "44"), "ovg58keefc_success");
    assert_eq!(write(Scheme::Variable, Outcome::Fail, "44"), "ovg58keefc_fail");
}

proptest! {
    #[test]
    fn a_prefix_is_ten_letters_that_tell_nothing(secret in ".{16,80}", other in ".{16,80}") {
        let prefix = callback::prefix(&secret);
        prop_assert_eq!(prefix.len(), 10);
        prop_assert!(prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        prop_assert_eq!(&prefix, &callback::prefix(&secret));
        prop_assert!(!secret.contains(&prefix));
        prop_assert_eq!(prefix == callback::prefix(&other), secret == other);
    }

    #[test]
    fn sums_are_read_back_as_they_were(kopecks in 1_i64..1_000_000_000) {
        let amount = Money::from_kopecks(kopecks).unwrap();
        let text = callback::sum(amount);
        prop_assert_eq!(Money::parse_rubles(&text), Ok(amount));
        prop_assert!(!text.ends_with('.') && (!text.contains('.') || !text.ends_with('0')));
    }

    #[test]
    fn any_request_is_read_without_harm(body in ".{0,200}") {
        for kind in ["application/json", "application/x-www-form-urlencoded"] {
            if let Ok(fields) = Fields::read(kind, body.as_bytes()) {
                let _ = link::parse(&fields);
                let _ = recurrent::parse(&fields);
            }
        }
    }
}

#[test]
fn a_payment_sets_variables_first_and_then_calls_back() {
    let mut bench = Bench::new(&SETUP);
    let mut message = bench.message(Kind::Paid);
    message.payment = Some(Payment {
        bank_id: Some("4711".to_owned()),
        instrument: Some("card_9".to_owned()),
        ..payment()
    });
    bench.delivered(&message);
    let paths: Vec<_> = bench.requests.iter().map(|request| request.path().to_owned()).collect();
    assert!(paths[0].ends_with("/save_variables") && paths[1].ends_with("/callback"), "{paths:?}");
    let saved: Value = serde_json::from_slice(&bench.requests[0].body).unwrap();
    let variables = &saved["variables"];
    assert_eq!(saved["client_id"], stand_in::CLIENT);
    assert_eq!(variables["tinkoff_payment_id"], "4711");
    assert_eq!(variables["tinkoff_payment_completed"], "True");
    assert_eq!(variables["tinkoff_rebill_id"], "card_9");
    assert_eq!(variables["tinkoff_recurrent_id"], "4711");
    assert_eq!(variables["payment_status"], "paid");
    let data: Value =
        serde_json::from_str(variables["tinkoff_callback_data"].as_str().unwrap()).unwrap();
    assert_eq!((&data["Amount"], &data["Status"]), (&json!(150_000), &json!("CONFIRMED")));
    let settings = bench.settings.clone();
    let prefix = callback::prefix(settings.get("callback_secret"));
    assert_eq!(bench.service.shell().arrived[0].text, format!("{prefix}_success 1500"));
    assert!(!prefix.contains(&settings.get("callback_secret")[..4]));
}

#[test]
fn a_callback_without_an_answer_is_not_sent_again() {
    let mut bench = Bench::new(&SETUP);
    let message = bench.message(Kind::Paid);
    let settings = bench.settings.clone();
    let request = Salebot.request(&settings, &message, &Progress::start()).unwrap();
    bench.carry(&request).unwrap();
    bench.service.shell().fail(Fault::ReplyLost, 1);
    let progress = Progress::at("callback");
    let request = Salebot.request(&settings, &message, &progress).unwrap();
    let heard = bench.carry(&request);
    let sent = crate::exchange::Sent { progress: &progress, since_ms: 0 };
    let fate = crate::exchange::after(&Salebot, &settings, &message, sent, &heard);
    assert!(matches!(fate, Fate::Unknown { .. }), "{fate:?}");
    assert_eq!(bench.service.shell().arrived.len(), 1);
}

#[test]
fn the_plan_and_the_rights_have_words_of_their_own() {
    let mut bench = Bench::new(&SETUP);
    let mut service = SalebotStandIn::default();
    service.has_api = false;
    bench.service = Box::new(service);
    let message = bench.message(Kind::Paid);
    assert_eq!(bench.broken(&message).0, "salebot_plan");
}

#[track_caller]
fn parse(body: &Value) -> Result<LinkRequest, Refused> {
    let fields = Fields::read("application/json; charset=utf-8", body.to_string().as_bytes());
    link::parse(&fields.expect("a JSON object"))
}

#[track_caller]
fn refused(body: &Value) -> (&'static str, &'static str) {
    let refused = parse(body).expect_err("refused");
    (refused.code, refused.param)
}

#[test]
fn the_functions_arguments_are_taken_as_they_are() {
    // The third example of Salebot's own page, as a block's JSON parameters.
    let receipt = json!([{ "name": "ТОВАР1", "price": "1200", "quantity": "1", "amount": "1200",
        "vat_code": "2", "method": "full_payment", "object": "commodity" }]);
    let request = parse(&json!({
        "client_id": "836058546", "amount": 1200, "description": "Купи меня", "recurrent": "1",
        "products_for_receipt": receipt, "customer_phone": "77777777777",
        "customer_email": "anna@example.ru", "expired": "28.03.2027 14:25", "taxation": "2",
        "language": "en", "extra_params": { "IP": "66.249.72.248", "OrderId": 17 },
    }));
    let request = request.unwrap();
    assert_eq!(request.amount, rubles("1200"));
    assert_eq!(request.recurrent, Recurrent::On);
    assert_eq!(request.receipt.lines[0].sum(), Some(rubles("1200")));
    assert_eq!(request.receipt.phone.as_deref(), Some("+77777777777"));
    assert_eq!(request.expires, Some(date(2027, 3, 28).at(14, 25, 0, 0)));
    assert_eq!((request.lang, request.scheme), (Lang::En, Scheme::Function));
    assert_eq!(request.extra["IP"], "66.249.72.248");
    assert_eq!(request.external_id.as_deref(), Some("17"));
    assert_eq!(request.address(), "836058546");
}

#[test]
fn arguments_may_come_in_the_functions_order() {
    let request = parse(&json!({ "client_id": 836_058_546,
        "args": [1200, "Купи меня", "", "None", "''", null, "28.03.2027"] }));
    let request = request.unwrap();
    assert_eq!(request.description, "Купи меня");
    assert_eq!(request.recurrent, Recurrent::Off);
    assert!(request.receipt.lines.is_empty() && request.receipt.email.is_none());
    assert_eq!(request.expires, Some(date(2027, 3, 28).at(0, 0, 0, 0)));
}

#[test]
fn the_older_variables_are_rubles_with_a_receipt_in_kopecks() {
    // The example of Salebot's page: 2 × 10,00 and 3 × 5,00 rubles.
    let products = r#"[{"name": "Наименование товара", "quantity": "2", "price": "1000",
        "amount": "2000", "tax": "none"}, {"name": "Наименование товара 2", "quantity": "3",
        "price": "500", "amount": "1500", "tax": "none"}]"#;
    let body = json!({ "client_id": 5, "payment_sum": "35", "payment_description": "Заказ",
        "email": "anna@example.ru", "taxation": "usn_income", "products_for_receipt": products,
        "expiration_date": "25.01.2027 12:23" });
    let request = parse(&body).unwrap();
    assert_eq!(request.amount, rubles("35"));
    assert_eq!((request.scheme, request.recurrent), (Scheme::Variable, Recurrent::AsSet));
    assert_eq!(request.address(), "5:payment_sum");
    assert_eq!(Salebot.address(&request.address()), Ok("5:payment_sum".to_owned()));
    let mut off = body.clone();
    off["tinkoff_manual_recurrent_disable"] = json!("1");
    assert_eq!(parse(&off).unwrap().recurrent, Recurrent::Off);
    // 3500 would fit if the sum were kopecks: it is not asked whether it might be.
    let mut scaled = body.clone();
    scaled["payment_sum"] = json!("3500");
    assert_eq!(refused(&scaled), ("salebot_receipt_sum", "products_for_receipt"));
}

#[test]
fn a_form_is_read_like_json() {
    let body = "client_id=5&amount=100%2C50&description=%D0%9A%D1%83%D1%80%D1%81+1";
    let fields = Fields::read("application/x-www-form-urlencoded", body.as_bytes()).unwrap();
    let request = link::parse(&fields).unwrap();
    assert_eq!((request.amount, request.description.as_str()), (rubles("100.50"), "Курс 1"));
}

#[test]
fn what_is_wrong_is_named_with_its_argument() {
    let line = |tax: &str, sum: &str| {
        json!([{ "name": "A", "quantity": "1", "price": sum,
        "amount": sum, tax: if tax == "tax" { "none" } else { "1" } }])
    };
    let base = |more: Value| {
        let mut body = json!({ "client_id": 5, "amount": "10" });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    let table = [
        (json!({ "client_id": 5 }), ("salebot_amount", "amount")),
        (base(json!({ "amount": "#{sum}" })), ("salebot_amount", "amount")),
        (base(json!({ "amount": "1e3" })), ("salebot_amount", "amount")),
        (base(json!({ "amount": "0" })), ("salebot_amount", "amount")),
        (base(json!({ "amount": "1,234.50" })), ("salebot_amount", "amount")),
        (base(json!({ "amount": "12,000" })), ("salebot_amount", "amount")),
        (base(json!({ "payment_sum": "10" })), ("salebot_two_amounts", "amount")),
        (base(json!({ "amount_kopecks": 1000 })), ("salebot_two_amounts", "amount")),
        (json!({ "amount": 10 }), ("salebot_client_missing", "client_id")),
        (base(json!({ "client_id": "x" })), ("salebot_client_invalid", "client_id")),
        (base(json!({ "expired": "2027-01-25" })), ("salebot_expired", "expired")),
        (base(json!({ "expired": "31.02.2027" })), ("salebot_expired", "expired")),
        (base(json!({ "language": "de" })), ("salebot_language", "language")),
        (base(json!({ "extra_params": "{'IP': 1}" })), ("salebot_extra_params", "extra_params")),
        (base(json!({ "customer_phone": "12" })), ("salebot_contact", "customer_phone")),
        (
            base(json!({ "products_for_receipt": line("vat_code", "10") })),
            ("salebot_contact", "customer_email"),
        ),
        // Kopecks where the form says rubles, and the other way round.
        (
            base(
                json!({ "products_for_receipt": line("vat_code", "1000"), "customer_email": "a@b.ru" }),
            ),
            ("salebot_receipt_sum", "products_for_receipt"),
        ),
        (
            base(json!({ "products_for_receipt": line("tax", "10"), "customer_email": "a@b.ru" })),
            ("salebot_receipt_sum", "products_for_receipt"),
        ),
    ];
    for (body, expect) in table {
        assert_eq!(refused(&body), expect, "{body}");
    }
    let envd = parse(&base(json!({ "taxation": "4" }))).expect_err("abolished");
    assert_eq!(envd.param, "taxation");
}

#[test]
fn a_charge_names_what_it_charges() {
    let fields =
        |body: Value| Fields::read("application/json", body.to_string().as_bytes()).unwrap();
    let request = recurrent::parse(&fields(json!({ "client_id": 5, "sum": "300",
        "description": "Подписка", "tinkoff_rebill_id": "card_9" })));
    let request = request.unwrap();
    assert_eq!((request.amount, request.rebill_id.as_str()), (rubles("300"), "card_9"));
    let none = recurrent::parse(&fields(json!({ "client_id": 5, "sum": "300" })));
    assert_eq!(none.unwrap_err().code, "salebot_rebill_missing");
}

#[test]
fn an_answer_is_flat_and_always_has_the_same_keys() {
    let made = Answer::made(Made {
        payment_id: "pay_1".to_owned(),
        payment_url: contract::LINK.to_owned(),
        amount: rubles("1234.50"),
        status: "pending".to_owned(),
        ..Made::default()
    });
    let refused = parse(&json!({ "client_id": 5, "amount": "x" })).unwrap_err();
    let failed = Answer::refused(&refused, Lang::Ru);
    let keys = |answer: &Answer| {
        let value = serde_json::to_value(answer).unwrap();
        let object = value.as_object().unwrap().clone();
        for (key, value) in &object {
            assert!(value.is_string() || key == "ok", "{key} is not flat");
        }
        object.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&made), keys(&failed));
    assert!(made.ok && !failed.ok);
    assert_eq!(made.amount_text.replace('\u{a0}', " "), "1 234,50 ₽");
    assert_eq!(made.tinkoff_pay_url, contract::LINK);
    assert_eq!(failed.error_code, "salebot_amount");
    assert!(failed.error_text.starts_with("amount: ") && failed.error_text.contains("рубл"));
    assert_eq!(failed.error_payment_func, failed.error_text);
}
