//! Whatever comes, nothing panics, every answer is the bank's, and the books balance.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bench, sign};
use crate::{
    Money,
    emulator::{Control, Emulator as _, Fault, FaultKind, Served},
    http::{HttpRequest, Method},
    tbank::emulator::directory,
};

const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];
const CALLS: [&str; 29] = [
    "Init",
    "Confirm",
    "Cancel",
    "GetState",
    "CheckOrder",
    "Charge",
    "Resend",
    "getConfirmOperation",
    "AddCustomer",
    "GetCustomer",
    "RemoveCustomer",
    "AddCard",
    "GetAddCardState",
    "GetCardList",
    "RemoveCard",
    "GetQr",
    "QrMembersList",
    "AddAccountQr",
    "GetAddAccountQrState",
    "GetAccountQrList",
    "ChargeQr",
    "GetQrState",
    "GetQrBankList",
    "SbpPayTest",
    "MirPay/GetDeepLink",
    "SendClosingReceipt",
    "GetTerminalPayMethods",
    "FinishAuthorize",
    "SubmitRandomAmount",
];
const KEYS: [&str; 20] = [
    "Amount",
    "OrderId",
    "PaymentId",
    "CustomerKey",
    "Recurrent",
    "DATA",
    "Data",
    "Receipt",
    "RedirectDueDate",
    "Description",
    "RebillId",
    "AccountToken",
    "RequestKey",
    "CardId",
    "DataType",
    "PaymentIdList",
    "EmailList",
    "PayType",
    "NotificationURL",
    "Device",
];

fn arb_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!([1, "x"])),
        Just(json!({ "QR": "true", "Items": [{ "Quantity": "1.." }], "Type": "mobile" })),
        Just(json!("Y")),
        Just(json!("PAYMENT")),
        any::<i64>().prop_map(|n| json!(n)),
        (0_i64..20_000).prop_map(|n| json!(n)),
        "\\PC{0,30}".prop_map(|text| json!(text)),
        "2026-1[0-9]-[0-9]{2}T[0-9]{2}:00:00[+]03:00".prop_map(|text| json!(text)),
    ]
}

proptest! {
    #[test]
    fn arbitrary_requests_never_panic(
        method in prop::sample::select(METHODS.to_vec()),
        path in prop_oneof![
            prop::sample::select(CALLS.to_vec()).prop_map(|call| format!("/v2/{call}")),
            "/(v2|new|cashbox)/[a-zA-Z0-9/%.]{0,20}",
            "\\PC{0,20}",
        ],
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut bench = Bench::new();
        let request = HttpRequest { body, ..HttpRequest::new(method, path) };
        prop_assert!(matches!(bench.bank.serve(bench.now, &request), Served::Now(_)));
    }

    #[test]
    fn signed_nonsense_gets_an_answer_of_the_bank(
        calls in prop::collection::vec(
            (
                prop::sample::select(CALLS.to_vec()),
                prop::collection::btree_map(prop::sample::select(KEYS.to_vec()), arb_value(), 0..6),
            ),
            1..8,
        ),
    ) {
        let mut bench = Bench::at(directory::WORKING_KEY);
        let id = bench.init(json!({}));
        for (call, fields) in calls {
            let mut body = json!({ "TerminalKey": bench.terminal.key });
            for (key, value) in fields {
                let is_id = value == json!("PAYMENT");
                body[key] = if is_id { json!(id) } else { value };
            }
            let text = sign(body, bench.terminal.password);
            let reply = bench.post_raw(&format!("/v2/{call}"), &text);
            prop_assert_eq!(reply.status, 200);
            let reply: Value = serde_json::from_slice(&reply.body).unwrap();
            prop_assert!(reply.is_array() || reply["Success"].is_boolean());
            bench.advance(500);
            bench.poll();
            let snapshot = bench.bank.snapshot();
            bench.bank.restore(&snapshot).unwrap();
            prop_assert_eq!(bench.bank.snapshot(), snapshot);
        }
    }

    #[test]
    fn the_books_balance_whatever_is_pressed(
        steps in prop::collection::vec((0_u8..12, 1_i64..12_000), 1..25),
        two_stage in any::<bool>(),
    ) {
        let mut bench = Bench::at(directory::WORKING_KEY);
        let id = bench.init(json!({ "PayType": if two_stage { "T" } else { "O" } }));
        for (step, number) in steps {
            let pay = |card: &str| {
                Control::Pay { id: id.clone(), method: None, card: Some(card.to_owned()) }
            };
            match step {
                0 => drop(bench.control(&pay("2201382000000013"))),
                1 => drop(bench.control(&pay("2201382000000047"))),
                2 => drop(bench.control(&pay("2201382000000021"))),
                3 => drop(bench.call("Confirm", json!({ "PaymentId": id, "Amount": number }))),
                4 => drop(bench.call("Cancel", json!({ "PaymentId": id, "Amount": number }))),
                5 => {
                    let amount = Some(Money::from_kopecks(number).unwrap());
                    drop(bench.control(&Control::Refund { id: id.clone(), amount }));
                }
                6 => {
                    let transient_ms = number % 3 * 700;
                    let hold_ms = number * 50;
                    bench.time(|timing| {
                        (timing.transient_ms, timing.hold_ms) = (transient_ms, hold_ms);
                    });
                    bench.advance(number * 100);
                }
                7 => {
                    for delivery in bench.poll() {
                        bench.answer(&delivery, Some(if number % 2 == 0 { 200 } else { 500 }));
                    }
                }
                8 => drop(bench.control(&Control::Decline { id: id.clone(), reason: None })),
                9 => drop(bench.control(&Control::Expire { id: id.clone() })),
                10 => {
                    let method = Some("sbp".to_owned());
                    drop(bench.control(&Control::Pay { id: id.clone(), method, card: None }));
                }
                _ => {
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
            }
            let shown = bench.show(&id);
            let sum = |key: &str| shown[key].as_i64().unwrap();
            let (held, paid) = (sum("held_kopecks"), sum("paid_kopecks"));
            let refunded = sum("refunded_kopecks");
            prop_assert!(held <= 10_000 && paid <= 10_000 && refunded <= paid);
            prop_assert!(held == 0 || paid == 0);
            let status = shown["status"].as_str().unwrap();
            prop_assert_eq!(paid > 0 && refunded == paid, status == "REFUNDED");
            prop_assert!(held == 0 || !matches!(status, "REVERSED" | "CANCELED" | "REJECTED"));
        }
    }
}
