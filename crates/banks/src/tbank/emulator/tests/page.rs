//! The hosted page: pays, asks, declines, escapes.

use serde_json::{Value, json};

use super::{Bench, ORIGIN};
use crate::{
    http::{HttpReply, HttpRequest, Method},
    tbank::emulator::{ACS_PASSWORD, TEST_CARDS, directory, find_test_card},
};

/// A new payment: its id and the path of its page.
fn open(bench: &mut Bench, over: Value) -> (String, String) {
    let reply = bench.init_reply(over);
    let url = reply["PaymentURL"].as_str().unwrap();
    let path = url.strip_prefix(ORIGIN).unwrap().to_owned();
    (reply["PaymentId"].as_str().unwrap().to_owned(), path)
}

fn press(bench: &mut Bench, path: &str, fields: &[(&str, &str)]) -> String {
    let reply: HttpReply = bench.send(&HttpRequest::new(Method::Post, path).form(fields));
    assert_eq!(reply.status, 303);
    reply.find_header("location").unwrap().to_owned()
}

fn card(number: &'static str) -> [(&'static str, &'static str); 4] {
    [("method", "card"), ("card", number), ("expiry", "12/30"), ("cvc", "123")]
}

#[test]
fn opening_the_page_is_a_status_of_its_own() {
    let mut bench = Bench::new();
    let (id, path) = open(&mut bench, json!({ "Description": "Чай", "Amount": 123_450 }));
    let page = bench.get(&path);
    let html = page.text();
    assert!(html.contains("1\u{a0}234,50\u{a0}₽") && html.contains("Чай"));
    assert!(html.contains("СБП") && html.contains("T-Pay") && html.contains("SberPay"));
    assert!(TEST_CARDS.iter().all(|card| html.contains(card.ru)));
    assert!(!html.contains("{{") && !html.contains("}}"));
    assert_eq!(bench.status(&id), "FORM_SHOWED");
    assert_eq!(bench.get("/new/nothing").status, 404);
}

#[test]
fn every_approving_card_pays_and_returns_to_the_shop() {
    for number in ["2201382000000013", "2200770239097761", "2201382000000039", "2201382000000591"] {
        let mut bench = Bench::at(directory::WORKING_KEY);
        let (id, path) = open(&mut bench, json!({ "SuccessURL": "https://shop.example/спасибо" }));
        let back = press(&mut bench, &path, &card(number));
        assert!(back.starts_with("https://shop.example/%D1%81"));
        assert_eq!(bench.status(&id), "CONFIRMED");
        assert!(press(&mut bench, &path, &card(number)).ends_with("closed"));
        assert!(bench.get(&path).text().contains("Вернуться в магазин"));
    }
}

#[test]
fn a_challenge_wants_its_password() {
    let mut bench = Bench::at(directory::WORKING_KEY);
    let (id, path) = open(&mut bench, json!({}));
    let challenge = card("2201382000000047");
    assert!(press(&mut bench, &path, &challenge).ends_with("asked"));
    assert_eq!(bench.status(&id), "3DS_CHECKING");
    assert!(bench.get(&path).text().contains(ACS_PASSWORD));
    assert!(press(&mut bench, &path, &[("acs", "wrong")]).ends_with("failed"));
    assert_eq!(bench.status(&id), "AUTH_FAIL");
    press(&mut bench, &path, &challenge);
    assert!(press(&mut bench, &path, &[("acs", ACS_PASSWORD)]).ends_with("paid"));
    assert_eq!(bench.status(&id), "CONFIRMED");
    assert!(bench.history(&id).contains("3DS_CHECKING 3DS_CHECKED AUTHORIZING AUTHORIZED"));
}

#[test]
fn a_demo_terminal_asks_nothing_and_forgives_nothing() {
    let mut bench = Bench::new();
    let (id, path) = open(&mut bench, json!({}));
    press(&mut bench, &path, &card("2201382000000047"));
    assert_eq!(bench.status(&id), "CONFIRMED");
    let (id, path) = open(&mut bench, json!({ "FailURL": "https://shop.example/fail" }));
    let back = press(&mut bench, &path, &card("2201382000000021"));
    assert_eq!(back, "https://shop.example/fail");
    assert_eq!(bench.status(&id), "REJECTED");
}

#[test]
fn a_working_terminal_gives_three_attempts() {
    let mut bench = Bench::at(directory::WORKING_KEY);
    let (id, path) = open(&mut bench, json!({}));
    for number in ["2201382000000831", "2201382000000005"] {
        assert!(press(&mut bench, &path, &card(number)).ends_with("failed"));
        assert_eq!(bench.status(&id), "AUTH_FAIL");
        assert_eq!(bench.heard(), [] as [&str; 0]);
    }
    press(&mut bench, &path, &card("5586200071492075"));
    assert_eq!(bench.show(&id)["declines"], json!(["1051", "101", "99"]));
    assert_eq!(bench.heard(), ["REJECTED 10000"]);
    assert!(bench.get(&path).text().contains("отклонил"));
}

#[test]
fn wallets_and_wrong_forms() {
    let ways =
        [("sbp", "qrsbp"), ("tpay", "TinkoffPay"), ("mirpay", "MirPay"), ("dolyame", "BNPL")];
    for (method, source) in ways {
        let mut bench = Bench::new();
        let (id, path) = open(&mut bench, json!({}));
        press(&mut bench, &path, &[("method", method)]);
        assert_eq!(bench.ok_or_failed(&id)["Params"][1]["Value"], source);
    }
    let mut bench = Bench::at(directory::STRICT_KEY);
    let (id, path) = open(&mut bench, json!({}));
    assert!(press(&mut bench, &path, &[("method", "sbp")]).ends_with("bad_form"));
    let real = [("method", "card"), ("card", "4111111111111111")];
    assert!(press(&mut bench, &path, &real).ends_with("not_a_test_card"));
    assert!(!bench.show(&id).to_string().contains("4111"), "a real number is never kept");
    let bad = [("method", "card"), ("card", "4300000000000777"), ("expiry", "13/30")];
    assert!(press(&mut bench, &path, &bad).ends_with("bad_form"));
    assert_eq!(bench.status(&id), "NEW");
}

#[test]
fn everything_foreign_is_escaped() {
    let mut bench = Bench::new();
    let evil = "<script>alert('x')</script>{{panels}}";
    let over = json!({ "Description": evil, "OrderId": "<b>", "SuccessURL": "https://a.ru/?'<b>" });
    let (id, path) = open(&mut bench, over);
    let opened = bench.get(&path).text().into_owned();
    bench.pay(&id, "card");
    let paid = bench.get(&path).text().into_owned();
    for html in [opened, paid] {
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;script&gt;") && html.contains("{{panels}}"));
    }
    assert!(find_test_card("2201 3820 0000 0013").is_some());
}
