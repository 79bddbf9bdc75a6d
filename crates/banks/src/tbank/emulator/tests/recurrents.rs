//! Customers, cards that are bound by paying or by themselves, and their charges.

use serde_json::{Value, json};

use super::{Bench, HOOK, merge, sign};
use crate::{
    emulator::Control,
    http::{HttpRequest, Method},
    tbank::emulator::directory,
};

/// A customer's bound card: its RebillId.
fn bound(bench: &mut Bench) -> String {
    let over = json!({ "OrderId": "P", "Recurrent": "Y", "CustomerKey": "c",
        "DATA": { "OperationInitiatorType": "1" } });
    let id = bench.init(over);
    bench.pay(&id, "card");
    bench.advance(500);
    let mut rebill = Value::Null;
    for delivery in bench.poll() {
        let notice = bench.read(&delivery).unwrap();
        assert!(notice["CardId"].is_u64() && notice["RebillId"].is_u64(), "{notice}");
        assert_eq!(notice["Pan"], "430000******0777");
        rebill = notice["RebillId"].clone();
        bench.answer(&delivery, Some(200));
    }
    rebill.to_string()
}

#[test]
fn a_card_is_charged_by_its_rebill_id() {
    let mut bench = Bench::new();
    let rebill = bound(&mut bench);
    let id = bench.init(json!({ "DATA": { "OperationInitiatorType": "R" } }));
    let reply = bench.ok("Charge", json!({ "PaymentId": id, "RebillId": rebill }));
    assert_eq!((&reply["Status"], &reply["Amount"]), (&json!("CONFIRMED"), &json!(10_000)));
    assert_eq!(bench.history(&id), "NEW AUTHORIZING AUTHORIZED CONFIRMING CONFIRMED");
    assert_eq!(bench.heard().len(), 2);
    bench.refused("Charge", json!({ "PaymentId": id, "RebillId": rebill }), "4");
    let other = bench.init(json!({ "PayType": "T" }));
    let number: u64 = rebill.parse().unwrap();
    let reply = bench.ok("Charge", json!({ "PaymentId": other, "RebillId": number }));
    assert_eq!(reply["Status"], "AUTHORIZED");
    let unknown = bench.init(json!({}));
    bench.refused("Charge", json!({ "PaymentId": unknown, "RebillId": "1" }), "104");
}

#[test]
fn a_card_may_fail_when_it_is_charged() {
    for (state, code) in [("expired", "1054"), ("revoked", "1014"), ("insufficient_funds", "1051")]
    {
        let mut bench = Bench::new();
        let rebill = bound(&mut bench);
        let state = state.to_owned();
        bench.control(&Control::Token { token: rebill.clone(), state }).unwrap();
        let id = bench.init(json!({}));
        let reply = bench.call("Charge", json!({ "PaymentId": id, "RebillId": rebill }));
        assert_eq!((&reply["Success"], &reply["Status"]), (&json!(false), &json!("REJECTED")));
        assert_eq!(reply["ErrorCode"], code);
        assert_eq!(bench.heard(), ["REJECTED 10000"]);
    }
    let mut bench = Bench::new();
    let (token, state) = ("x".to_owned(), "valid".to_owned());
    assert!(bench.control(&Control::Token { token, state }).is_err());
}

#[test]
fn initiators_must_fit_their_payments() {
    let mut bench = Bench::new();
    let rebill = bound(&mut bench);
    let body = json!({ "Amount": 1_000, "OrderId": "x", "CustomerKey": "c" });
    for (kind, recurrent, code) in
        [("1", Value::Null, "1126"), ("R", json!("Y"), "1126"), ("Q", Value::Null, "1125")]
    {
        let over = json!({ "Recurrent": recurrent, "DATA": { "OperationInitiatorType": kind } });
        bench.refused("Init", merge(body.clone(), over), code);
    }
    let id = bench.init(json!({ "DATA": { "OperationInitiatorType": "0" } }));
    bench.refused("Charge", json!({ "PaymentId": id, "RebillId": rebill }), "1126");
    let mut bench = Bench::at(directory::STRICT_KEY);
    let id = bench.init(json!({}));
    bench.refused("Charge", json!({ "PaymentId": id, "RebillId": rebill }), "10");
}

#[test]
fn customers_come_and_go() {
    let mut bench = Bench::new();
    let key = json!({ "CustomerKey": "c" });
    bench.refused("GetCustomer", key.clone(), "7");
    bench.refused("GetCardList", key.clone(), "7");
    bench.ok("AddCustomer", json!({ "CustomerKey": "c", "Email": "a@test.ru" }));
    assert_eq!(bench.ok("GetCustomer", key.clone())["Email"], "a@test.ru");
    bench.refused("AddCustomer", json!({ "CustomerKey": "c", "Email": "a" }), "224");
    bench.refused("AddCustomer", json!({ "CustomerKey": "c".repeat(37) }), "216");
    bench.ok("RemoveCustomer", key.clone());
    bench.refused("RemoveCustomer", key, "7");
}

#[test]
fn a_card_list_is_a_bare_array_with_deleted_cards() {
    let mut bench = Bench::new();
    let rebill = bound(&mut bench);
    let key = json!({ "CustomerKey": "c" });
    let list = bench.call("GetCardList", key.clone());
    assert_eq!(list[0]["RebillId"], rebill);
    assert_eq!((&list[0]["Status"], &list[0]["CardType"]), (&json!("A"), &json!(0)));
    let card = json!({ "CustomerKey": "c", "CardId": list[0]["CardId"] });
    assert_eq!(bench.ok("RemoveCard", card.clone())["Status"], "D");
    bench.refused("RemoveCard", card, "6");
    let list = bench.call("GetCardList", key);
    assert_eq!((list.as_array().map(Vec::len), &list[0]["Status"]), (Some(1), &json!("D")));
    let id = bench.init(json!({}));
    let reply = bench.call("Charge", json!({ "PaymentId": id, "RebillId": rebill }));
    assert_eq!(reply["ErrorCode"], "107");
}

#[test]
fn a_card_is_bound_on_its_own_page() {
    let mut bench = Bench::new();
    bench.ok("AddCustomer", json!({ "CustomerKey": "c" }));
    // The three addresses are not signed.
    let body =
        json!({ "TerminalKey": bench.terminal.key, "CustomerKey": "c", "CheckType": "HOLD" });
    let signed = sign(body, bench.terminal.password);
    let mut body: Value = serde_json::from_str(&signed).unwrap();
    body["SuccessURL"] = "https://shop.example/bound".into();
    body["NotificationURL"] = HOOK.into();
    let reply = bench.post_raw("/v2/AddCard", &body.to_string());
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["ErrorCode"], "0", "{reply}");
    assert!(reply["PaymentId"].is_u64());
    let (url, key) = (reply["PaymentURL"].as_str().unwrap(), reply["RequestKey"].clone());
    assert!(bench.get(url.strip_prefix(super::ORIGIN).unwrap()).text().contains("Привязка карты"));
    assert_eq!(bench.ok("GetAddCardState", json!({ "RequestKey": key }))["Status"], "FORM_SHOWED");
    let fields = [("method", "card"), ("card", "2201382000000013"), ("cvc", "123")];
    let back = bench.send(&HttpRequest::new(Method::Post, url).form(&fields));
    assert_eq!(back.find_header("location"), Some("https://shop.example/bound"));
    let state = bench.ok("GetAddCardState", json!({ "RequestKey": key }));
    assert_eq!(state["Status"], "COMPLETED");
    bench.advance(500);
    let delivery = bench.poll().remove(0);
    let notice = bench.read(&delivery).unwrap();
    assert_eq!(notice["RebillId"], state["RebillId"], "text here");
    assert!(notice["RebillId"].is_string() && notice.get("OrderId").is_none());
    bench.refused("GetAddCardState", json!({ "RequestKey": "x" }), "8");
}
