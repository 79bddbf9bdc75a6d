//! Whatever comes, nothing panics, every JSON error has the bank's shape, and the books balance.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bench, error_message, link_body};
use crate::{
    emulator::{Control, Emulator as _, Fault, FaultKind, Served},
    http::{HttpRequest, Method},
    tochka::emulator::directory,
};

const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];

fn arb_path() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "/uapi/acquiring/v1.0/payments",
        "/uapi/acquiring/v1.0/payments_with_receipt",
        "/uapi/acquiring/v1.0/payments/ID",
        "/sandbox/v2/acquiring/v1.0/payments/ID/capture",
        "/uapi/acquiring/v1.0/payments/ID/refund",
        "/uapi/acquiring/v1.0/registry",
        "/uapi/acquiring/v1.0/retailers",
        "/uapi/open-banking/v1.0/accounts/",
        "/uapi/consent/v1.0/consents",
        "/uapi/webhook/v1.0/kopeck-emulator-client-id-000001",
        "/connect/token",
        "/connect/authorize",
        "/connect/introspect",
        "/order/pay",
        "/order/",
        "/",
    ]);
    let tail = prop_oneof![
        3 => Just(String::new()),
        1 => "[/?&=%a-z0-9.-]{0,20}",
        1 => "\\PC{0,12}",
        2 => "\\?customerCode=300000092(&(page|perPage|status|fromDate|date)=[A-Z0-9-]{0,10}){0,3}",
    ];
    (known, tail).prop_map(|(path, tail)| format!("{path}{tail}"))
}

fn arb_body() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("1e400".to_owned()),
        "-?[0-9]{1,25}(\\.[0-9]{1,3})?".prop_map(|text| text),
        "[a-z0-9 ]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ];
    let key = prop::sample::select(vec![
        "amount",
        "purpose",
        "ttl",
        "paymentMode",
        "customerCode",
        "Items",
        "Client",
        "url",
        "webhooksList",
        "permissions",
        "paymentLinkId",
        "merchantId",
        "redirectUrl",
    ]);
    let pairs = prop::collection::vec((key, value), 0..5);
    let object = pairs.prop_map(|pairs| {
        let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
        format!("{{{}}}", pairs.join(","))
    });
    prop_oneof![
        object.clone(),
        object.prop_map(|object| format!("{{\"Data\":{object}}}")),
        "\\PC{0,30}",
        Just(link_body(json!({}))),
        Just(format!("uuid=ID&method=card&card={}", super::super::TEST_CARDS[0].number)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_requests_are_answered_in_the_banks_shape(
        requests in prop::collection::vec((0..4_usize, arb_path(), arb_body()), 1..12),
    ) {
        let mut bench = Bench::new();
        let id = bench.link(json!({}));
        for (method, path, body) in requests {
            let (path, body) = (path.replace("ID", &id), body.replace("ID", &id));
            let request = bench.request(METHODS[method], &path, &body);
            let served = bench.bank.serve(bench.now, &request);
            if let Served::Now(reply) = served
                && reply.status >= 400
                && path.starts_with("/uapi/")
            {
                let json: Value = serde_json::from_slice(&reply.body).unwrap();
                error_message(reply.status, &json);
            }
            bench.poll();
            bench.advance(60_000);
        }
        let snapshot = bench.bank.snapshot();
        bench.bank.restore(&snapshot).unwrap();
        prop_assert_eq!(bench.bank.snapshot(), snapshot);
    }

    #[test]
    fn the_books_balance_whatever_is_pressed(
        steps in prop::collection::vec((0..9_u8, 1..12_000_i64), 1..40),
    ) {
        let mut bench = Bench::listening();
        let id = bench.link(json!({ "preAuthorization": true }));
        for (step, number) in steps {
            let amount = crate::Money::from_kopecks(number).unwrap();
            let pay = |card: &str| Control::Pay {
                id: id.clone(),
                method: None,
                card: Some(card.to_owned()),
            };
            match step {
                0 => drop(bench.control(&pay("2200000000000004"))),
                1 => drop(bench.control(&pay("2200000000000012"))),
                2 => drop(bench.capture(&id)),
                3 => drop(bench.refund(&id, &amount.to_rubles())),
                4 => {
                    let amount = Some(amount);
                    drop(bench.control(&Control::Refund { id: id.clone(), amount }));
                }
                5 => bench.advance(number * 1_000),
                6 => {
                    for delivery in bench.poll() {
                        bench.answer(&delivery, Some(if number % 2 == 0 { 200 } else { 500 }));
                    }
                }
                7 => {
                    let kinds = [
                        FaultKind::NoticeDoubled,
                        FaultKind::NoticeReordered,
                        FaultKind::NoticeCorrupted,
                        FaultKind::NoticeLost,
                    ];
                    let kind = kinds[usize::try_from(number % 4).unwrap()];
                    let fault = Fault { kind, times: 1, path: String::new() };
                    bench.control(&Control::Fault(fault)).unwrap();
                }
                _ => {
                    let snapshot = bench.bank.snapshot();
                    bench.bank.restore(&snapshot).unwrap();
                }
            }
            let shown = bench.show(&id);
            let paid = shown["paid_kopecks"].as_i64().unwrap();
            let refunded = shown["refunded_kopecks"].as_i64().unwrap();
            prop_assert!(paid == 0 || paid == 10_000);
            prop_assert!(refunded <= paid);
            let status = shown["status"].as_str().unwrap();
            prop_assert_eq!(refunded == 10_000, status == "REFUNDED");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_a_validation_error() {
    let mut bench = Bench::new();
    let request = bench.request(Method::Post, "/uapi/acquiring/v1.0/payments", "");
    let request = HttpRequest { body: vec![0xff, 0xfe, b'{'], ..request };
    assert_eq!(bench.send(&request).status, 400);
    let form = HttpRequest::new(Method::Post, "/order/pay");
    assert_eq!(bench.send(&HttpRequest { body: vec![0xff; 9], ..form }).status, 404);
    assert_eq!(directory::CLIENT_ID.len(), 32);
}
