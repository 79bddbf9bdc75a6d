//! The hosted page: pays, declines, escapes.

use serde_json::{Value, json};

use super::{Bench, ORIGIN};
use crate::{
    emulator::Control,
    http::{HttpReply, HttpRequest, Method},
    tochka::emulator::{TEST_CARDS, find_test_card},
};

fn page(bench: &mut Bench, id: &str, tail: &str) -> (u16, String) {
    let url = format!("{ORIGIN}/order/?uuid={id}{tail}");
    let reply = bench.send(&HttpRequest::new(Method::Get, url));
    (reply.status, reply.text().into_owned())
}

fn press(bench: &mut Bench, id: &str, method: &str, card: &str) -> HttpReply {
    let fields =
        [("uuid", id), ("method", method), ("card", card), ("expiry", "12/30"), ("cvc", "123")];
    bench.post_form("/order/pay", &fields)
}

fn location(reply: &HttpReply) -> &str {
    assert_eq!(reply.status, 303);
    reply.find_header("location").unwrap()
}

#[test]
fn the_page_shows_what_is_paid_and_the_ways_that_the_link_allows() {
    let mut bench = Bench::new();
    let id = bench.link(json!({ "amount": "1234.5", "paymentMode": ["card", "tinkoff"] }));
    let (status, html) = page(&mut bench, &id, "");
    assert_eq!(status, 200);
    assert!(html.contains("1\u{a0}234,50\u{a0}₽") && html.contains("Чай и плюшки"));
    assert!(html.contains("Банковская карта") && html.contains("Оплатить через T-Pay"));
    assert!(!html.contains("Оплатить в приложении банка") && !html.contains("Долями"));
    assert!(TEST_CARDS.iter().all(|card| html.contains(card.ru)));
    assert!(!html.contains("{{") && !html.contains("}}"));
}

#[test]
fn a_good_card_pays_and_sends_the_payer_back() {
    let mut bench = Bench::new();
    let id = bench.link(json!({ "redirectUrl": "https://shop.example/спасибо" }));
    let reply = press(&mut bench, &id, "card", "2200 0000 0000 0004");
    assert!(location(&reply).starts_with("https://shop.example/%D1%81"));
    assert_eq!(bench.status(&id), "APPROVED");
    let again = press(&mut bench, &id, "card", "2200000000000004");
    assert_eq!(location(&again), format!("/order/?uuid={id}&result=closed"));
    let (_, html) = page(&mut bench, &id, "");
    assert!(html.contains("Оплачено") && html.contains("Вернуться в магазин"));
    assert!(!html.contains("<form"));
}

#[test]
fn every_other_button_pays_too() {
    for method in ["sbp", "tinkoff", "dolyame"] {
        let mut bench = Bench::new();
        let id = bench.link(json!({ "paymentMode": [method] }));
        let reply = press(&mut bench, &id, method, "");
        assert_eq!(location(&reply), format!("/order/?uuid={id}&result=paid"));
        assert_eq!(bench.operation(&id)["paymentType"], method);
    }
}

#[test]
fn a_hold_says_that_money_is_held() {
    let mut bench = Bench::new();
    let id = bench.link(json!({ "preAuthorization": true }));
    assert!(page(&mut bench, &id, "").1.contains("Удержать"));
    press(&mut bench, &id, "card", "2200000000000004");
    assert!(page(&mut bench, &id, "").1.contains("Деньги удержаны"));
}

#[test]
fn a_declined_card_leaves_the_link_open_and_announces_nothing() {
    let mut bench = Bench::listening();
    let id = bench.link(json!({}));
    for card in TEST_CARDS.iter().skip(1) {
        let reply = press(&mut bench, &id, "card", card.number);
        let word = card.fate.as_str();
        assert_eq!(location(&reply), format!("/order/?uuid={id}&result={word}"));
        let (_, html) = page(&mut bench, &id, &format!("&result={word}"));
        assert!(html.contains("message bad") && html.contains("<form"), "{word}");
    }
    let shown = bench.show(&id);
    assert_eq!(shown["status"], "CREATED");
    assert_eq!(shown["notices"], json!([]));
    assert_eq!(shown["declines"].as_array().unwrap().len(), 4);
    assert_eq!(press(&mut bench, &id, "card", "2200000000000004").status, 303);
    assert_eq!(bench.status(&id), "APPROVED");
}

#[test]
fn a_declined_payer_goes_where_the_shop_wants() {
    let mut bench = Bench::new();
    let id = bench.link(json!({ "failRedirectUrl": "https://shop.example/fail" }));
    let reply = press(&mut bench, &id, "card", "2200000000000012");
    assert_eq!(location(&reply), "https://shop.example/fail");
}

#[test]
fn wrong_numbers_and_forms_come_back_with_a_message() {
    let mut bench = Bench::new();
    let id = bench.link(json!({}));
    let reply = press(&mut bench, &id, "card", "4111 1111 1111 1111");
    assert!(location(&reply).ends_with("result=not_a_test_card"));
    assert!(page(&mut bench, &id, "&result=not_a_test_card").1.contains("не тестовая карта"));
    assert!(!bench.show(&id).to_string().contains("4111"), "a real number is never kept");
    assert!(location(&press(&mut bench, &id, "tinkoff", "")).ends_with("bad_form"));
    let fields =
        [("uuid", &*id), ("method", "card"), ("card", "2200000000000004"), ("expiry", "13/30")];
    let reply = bench.post_form("/order/pay", &fields);
    assert!(location(&reply).ends_with("bad_form"));
    assert_eq!(bench.status(&id), "CREATED");
    assert_eq!(page(&mut bench, "none", "").0, 404);
    assert_eq!(press(&mut bench, "none", "card", "").status, 404);
}

#[test]
fn an_expired_link_cannot_be_paid() {
    let mut bench = Bench::new();
    let id = bench.link(json!({}));
    bench.control(&Control::Expire { id: id.clone() }).unwrap();
    let (status, html) = page(&mut bench, &id, "");
    assert_eq!(status, 410);
    assert!(html.contains("истёк") && !html.contains("<form"));
    let reply = press(&mut bench, &id, "card", "2200000000000004");
    assert!(location(&reply).ends_with("result=closed"));
}

#[test]
fn everything_foreign_is_escaped() {
    let mut bench = Bench::new();
    let evil = r#"<script>alert('x')</script>{{panels}}"#;
    let over: Value = json!({
        "purpose": evil,
        "paymentLinkId": "<b>\"1\"</b>",
        "redirectUrl": "https://shop.example/?a='<b>",
    });
    let id = bench.link(over);
    let (_, open) = page(&mut bench, &id, "&result=<script>");
    press(&mut bench, &id, "sbp", "");
    let (_, paid) = page(&mut bench, &id, "");
    for html in [open, paid] {
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;script&gt;") && html.contains("{{panels}}"));
        assert_eq!(html.matches("</form>").count() % 2, 0, "no panel was smuggled in");
    }
}

#[test]
fn test_cards_are_mir_numbers_that_pass_luhn() {
    for card in &TEST_CARDS {
        let digits = card.number.bytes().rev().map(|b| u32::from(b - b'0'));
        let double = |(at, n): (usize, u32)| match (at % 2, n * 2) {
            (0, _) => n,
            (_, twice) => twice / 10 + twice % 10,
        };
        let sum: u32 = digits.enumerate().map(double).sum();
        assert!(sum.is_multiple_of(10) && card.number.starts_with("2200"), "{}", card.number);
        assert_eq!(find_test_card(card.number), Some(card));
    }
}
