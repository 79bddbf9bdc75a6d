//! Requests as they come: tokens, terminals, strangers' habits, the traps of Init, receipts.

use serde_json::{Value, json};

use super::{Bench, merge, sign};
use crate::{emulator::Control, tbank::emulator::directory};

fn reply_of(bench: &mut Bench, path: &str, body: &str) -> Value {
    serde_json::from_slice(&bench.post_raw(path, body).body).unwrap()
}

#[test]
fn terminals_and_tokens_are_checked_on_the_raw_text() {
    let mut bench = Bench::new();
    let (key, password) = (bench.terminal.key, bench.terminal.password);
    let body = json!({ "TerminalKey": key, "Amount": 1_000, "OrderId": "1" });
    let right = sign(body.clone(), password);
    for (text, code) in [
        (right.clone(), "0"),
        (right.replace("\"OrderId\":\"1\"", "\"OrderId\":\"2\""), "204"),
        (body.to_string(), "204"),
        (right.replace(key, "nobody"), "501"),
        ("{}".to_owned(), "201"),
        ("[]".to_owned(), "203"),
        (String::new(), "203"),
    ] {
        assert_eq!(reply_of(&mut bench, "/v2/Init", &text)["ErrorCode"], code, "{text}");
    }
    let mut upper: Value = serde_json::from_str(&right).unwrap();
    upper["Token"] = upper["Token"].as_str().unwrap().to_uppercase().into();
    assert_eq!(reply_of(&mut bench, "/v2/Init", &upper.to_string())["ErrorCode"], "0");
    let mut open = Bench::at(directory::OPEN_KEY);
    let body = json!({ "TerminalKey": open.terminal.key, "Amount": 1_000, "OrderId": "1" });
    assert_eq!(reply_of(&mut open, "/v2/Init", &body.to_string())["ErrorCode"], "0");
    let wrong = merge(body, json!({ "Token": "0" }));
    assert_eq!(reply_of(&mut open, "/v2/Init", &wrong.to_string())["ErrorCode"], "204");
}

#[test]
fn strangers_may_write_paths_and_ids_their_own_way() {
    let mut bench = Bench::new();
    let (key, password) = (bench.terminal.key, bench.terminal.password);
    let body = sign(json!({ "TerminalKey": key, "Amount": "1000", "OrderId": 7 }), password);
    for path in ["/v2/Init", "/v2/Init/", "/v2/v2/Init", "/v2//Init"] {
        let reply = reply_of(&mut bench, path, &body);
        assert_eq!((&reply["ErrorCode"], &reply["OrderId"]), (&json!("0"), &json!("7")));
    }
    let id = bench.init(json!({ "Unknown": 1.50, "Shops": [] }));
    let number: u64 = id.parse().unwrap();
    assert_eq!(bench.ok("GetState", json!({ "PaymentId": number }))["PaymentId"], id.as_str());
    for path in ["/v2/Nothing", "/", "/v3/Init", "/v2"] {
        assert_eq!(bench.post_raw(path, &body).status, 404, "{path}");
    }
}

#[test]
fn init_is_refused_with_the_banks_codes() {
    let mut bench = Bench::new();
    let body = json!({ "Amount": 1_000, "OrderId": "1" });
    let data: serde_json::Map<String, Value> =
        (0..21).map(|n| (n.to_string(), Value::Null)).map(|(k, _)| (k, json!("v"))).collect();
    for (over, code) in [
        (json!({ "Amount": 99 }), "251"),
        (json!({ "Amount": 10.5 }), "240"),
        (json!({ "Amount": 10_000_000_000_u64 }), "240"),
        (json!({ "Amount": null }), "201"),
        (json!({ "OrderId": "x".repeat(37) }), "212"),
        (json!({ "Description": "я".repeat(141) }), "213"),
        (json!({ "DATA": data }), "207"),
        (json!({ "DATA": { "x".repeat(21): "1" } }), "208"),
        (json!({ "DATA": { "x": "1".repeat(101) } }), "209"),
        (json!({ "DATA": 1 }), "250"),
        (json!({ "Recurrent": "Y" }), "201"),
        (json!({ "SuccessURL": "javascript:alert(1)" }), "9999"),
        (json!({ "RedirectDueDate": "2026-11-22T10:00:00.000+03:00" }), "9999"),
        (json!({ "RedirectDueDate": "2026-11-22T10:00:00Z" }), "9999"),
        (json!({ "RedirectDueDate": "tomorrow" }), "9999"),
        (json!({ "RedirectDueDate": "2026-13-22T10:00:00+03:00" }), "9999"),
        (json!({ "RedirectDueDate": "2026-11-21T13:00:59+03:00" }), "12"),
        (json!({ "RedirectDueDate": "2027-02-19T13:00:01+03:00" }), "12"),
    ] {
        bench.refused("Init", merge(body.clone(), over), code);
    }
    bench
        .ok("Init", merge(body.clone(), json!({ "RedirectDueDate": "2026-11-21T13:01:00+03:00" })));
    let mut strict = Bench::at(directory::STRICT_KEY);
    strict.ok("Init", body.clone());
    strict.refused("Init", body, "20");
}

fn receipt() -> Value {
    json!({
        "Email": "a@test.ru",
        "Taxation": "usn_income",
        "Items": [{ "Name": "Чай", "Price": 5_000, "Quantity": 2, "Amount": 10_000,
            "Tax": "vat22", "PaymentMethod": "full_prepayment" }],
    })
}

#[test]
fn receipts_are_checked_like_the_banks() {
    let mut bench = Bench::at(directory::REGISTER_KEY);
    let body = json!({ "Amount": 10_000, "OrderId": "1", "Receipt": receipt() });
    bench.refused("Init", merge(body.clone(), json!({ "Receipt": null })), "309");
    for (path, value, code) in [
        ("/Email", Value::Null, "329"),
        ("/Email", json!("a"), "224"),
        ("/Taxation", json!("envd"), "64"),
        ("/Items", json!([]), "201"),
        ("/Items/0/Amount", json!(9_999), "334"),
        ("/Items/0/Name", Value::Null, "201"),
        ("/Items/0/Tax", json!("vat18"), "64"),
        ("/Items/0/Quantity", json!(0.0001), "310"),
        ("/Items/0/Quantity", json!(100_000), "310"),
    ] {
        let mut body = body.clone();
        *body["Receipt"].pointer_mut(path).unwrap() = value;
        bench.refused("Init", body, code);
    }
    for (key, value, code) in [
        ("Payments", json!({ "Electronic": 9_000 }), "308"),
        ("Payments", json!({ "Cash": 10_000 }), "201"),
        // Points that pay a part make the payment smaller than the items.
        ("Payments", json!({ "Electronic": 9_000, "AdvancePayment": 1_000 }), "308"),
        ("Phone", json!("+7900000000000000000000"), "316"),
        ("FfdVersion", json!("1.2"), "201"),
    ] {
        let mut body = body.clone();
        body["Receipt"][key] = value;
        bench.refused("Init", body, code);
    }
    let mut split = merge(body.clone(), json!({ "Amount": 9_000 }));
    split["Receipt"]["Payments"] = json!({ "Electronic": 9_000, "AdvancePayment": 1_000 });
    bench.ok("Init", split);
}

#[test]
fn words_agents_and_marks_of_receipts_are_checked() {
    let mut bench = Bench::at(directory::REGISTER_KEY);
    let mark = json!({ "MarkCodeType": "GS1M", "Value": "0104" });
    let marked = "goods_with_marking_code";
    let supplier = json!({ "Phones": ["+79001234567"], "Name": "ООО", "Inn": "7707083893" });
    for (format, quantity, item, code) in [
        ("1.05", 2, json!({ "PaymentObject": "composite" }), "0"),
        ("1.2", 2, json!({ "PaymentObject": "composite" }), "64"),
        ("1.2", 2, json!({ "PaymentObject": "pledge" }), "0"),
        ("1.05", 2, json!({ "PaymentObject": "pledge" }), "64"),
        ("1.2", 2, json!({ "PaymentObject": "Commodity" }), "64"),
        ("1.2", 1, json!({ "PaymentObject": marked }), "383"),
        ("1.2", 1, json!({ "PaymentObject": marked, "MarkCode": mark }), "0"),
        ("1.2", 2, json!({ "PaymentObject": marked, "MarkCode": mark }), "383"),
        ("1.2", 1, json!({ "PaymentObject": marked, "MarkCode": { "Value": "1" } }), "383"),
        ("1.2", 1, json!({ "PaymentObject": "commodity", "MarkCode": mark }), "385"),
        ("1.05", 2, json!({ "AgentData": {} }), "318"),
        ("1.05", 2, json!({ "AgentData": { "AgentSign": "friend" } }), "317"),
        ("1.05", 2, json!({ "AgentData": { "AgentSign": "attorney" } }), "319"),
        (
            "1.05",
            2,
            json!({ "AgentData": { "AgentSign": "attorney" }, "SupplierInfo": { "Name": "a" } }),
            "320",
        ),
        (
            "1.05",
            2,
            json!({ "AgentData": { "AgentSign": "attorney" }, "SupplierInfo": supplier }),
            "0",
        ),
    ] {
        let price = 10_000 / quantity;
        let base = json!({ "MeasurementUnit": "шт", "PaymentObject": "commodity",
            "Quantity": quantity, "Price": price });
        let mut body = json!({ "Amount": 10_000, "OrderId": "1", "Receipt": receipt() });
        body["Receipt"]["FfdVersion"] = format.into();
        let own = merge(body["Receipt"]["Items"][0].clone(), merge(base, item));
        body["Receipt"]["Items"][0] = own;
        match code {
            "0" => drop(bench.ok("Init", body)),
            code => bench.refused("Init", body, code),
        }
    }
}

#[test]
fn a_prepaid_receipt_is_closed_once() {
    let mut bench = Bench::at(directory::REGISTER_KEY);
    let id = bench.init(json!({ "Receipt": receipt() }));
    let mut closing = receipt();
    closing["Items"][0]["PaymentMethod"] = "full_payment".into();
    let body = json!({ "PaymentId": id, "Receipt": closing });
    bench.refused("SendClosingReceipt", body.clone(), "4");
    bench.pay(&id, "card");
    bench.advance(500);
    let kinds: Vec<Value> =
        bench.poll().iter().map(|own| bench.read(own).unwrap()["Status"].clone()).collect();
    assert!(kinds.contains(&json!("RECEIPT")), "{kinds:?}");
    bench.ok("SendClosingReceipt", body.clone());
    bench.refused("SendClosingReceipt", body, "8");
    bench.refused("Cancel", json!({ "PaymentId": id, "Amount": 1_000 }), "309");
    bench.ok("Cancel", json!({ "PaymentId": id }));
}

#[test]
fn orders_are_listed_with_the_documents_odd_types() {
    let mut bench = Bench::new();
    bench.refused("CheckOrder", json!({ "OrderId": "A-1" }), "335");
    let first = bench.init(json!({}));
    let second = bench.init(json!({}));
    bench.pay(&second, "sbp");
    let reply = bench.ok("CheckOrder", json!({ "OrderId": "A-1" }));
    let rows = reply["Payments"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["PaymentId"], &rows[0]["Status"]), (&json!(first), &json!("NEW")));
    assert_eq!((&rows[1]["Success"], &rows[1]["ErrorCode"]), (&json!("true"), &json!(0)));
    assert!(rows[1]["RRN"].is_string() && rows[1]["SbpPaymentId"].is_string());
    let other = Bench::at(directory::OPEN_KEY).terminal;
    bench.terminal = other;
    bench.refused("GetState", json!({ "PaymentId": first }), "255");
    bench.refused("GetState", json!({ "PaymentId": "x" }), "255");
    bench.refused("GetState", json!({}), "201");
}

#[test]
fn card_data_is_never_taken_from_a_merchant() {
    let mut bench = Bench::new();
    for method in ["FinishAuthorize", "AttachCard", "Check3dsVersion", "Submit3DSAuthorization"] {
        bench.refused(method, json!({ "PaymentId": "1", "CardData": "x" }), "9999");
    }
}

#[test]
fn wallets_give_links_and_pictures() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    let json_of = |bench: &mut Bench, path: &str| -> Value {
        serde_json::from_slice(&bench.get(path).body).unwrap()
    };
    let key = bench.terminal.key;
    let allowed = json_of(&mut bench, &format!("/v2/TinkoffPay/terminals/{key}/status"));
    assert_eq!(allowed["Params"]["Allowed"], true);
    let link = json_of(&mut bench, &format!("/v2/TinkoffPay/transactions/{id}/versions/2.0/link"));
    assert!(
        link["Params"]["RedirectUrl"].as_str().unwrap().starts_with("https://o.tbank.ru/tpay/")
    );
    let link = json_of(&mut bench, &format!("/v2/SberPay/transactions/{id}/link"));
    assert!(link["Params"]["RedirectUrl"].is_string());
    for wallet in ["TinkoffPay", "SberPay"] {
        let picture = bench.get(&format!("/v2/{wallet}/{id}/QR"));
        assert_eq!(picture.find_header("content-type"), Some("image/svg"));
    }
    let link = bench.ok("MirPay/GetDeepLink", json!({ "PaymentId": id }));
    assert!(link["Deeplink"].as_str().unwrap().starts_with("mirpay://"));
    let info =
        json_of(&mut bench, &format!("/v2/GetTerminalPayMethods?TerminalKey={key}&Paysource=API"));
    assert_eq!(info["TerminalInfo"]["TokenRequired"], true);
    let info = json_of(&mut bench, "/v2/GetTerminalPayMethods?TerminalKey=x");
    assert_eq!(info["ErrorCode"], "501");
    assert_eq!(bench.get("/v2/Init").status, 404);
    let wrong = json_of(&mut bench, "/v2/SberPay/transactions/1/link");
    assert_eq!(wrong["ErrorCode"], "255");
    assert_eq!(bench.pay(&id, "sberpay")["method"], "sberpay");
    assert_eq!(bench.ok_or_failed(&id)["Params"][0]["Value"], "SBER");
}

#[test]
fn certificates_are_signed_by_the_terminal_alone() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    bench.pay(&id, "card");
    let number: u64 = id.parse().unwrap();
    let signed = sign(json!({ "TerminalKey": bench.terminal.key }), bench.terminal.password);
    let mut body: Value = serde_json::from_str(&signed).unwrap();
    body["CallbackUrl"] = "https://shop.example".into();
    body["PaymentIdList"] = json!([number, 1]);
    let reply = reply_of(&mut bench, "/v2/getConfirmOperation", &body.to_string());
    assert_eq!((&reply["Success"], &reply["ErrorCode"]), (&json!(true), &json!(0)));
    assert_eq!(reply["PaymentIdList"][0]["Success"], true);
    assert_eq!(reply["PaymentIdList"][1]["ErrorCode"], 63);
    bench.refused("getConfirmOperation", json!({ "PaymentIdList": [1] }), "61");
}

#[test]
fn a_blocked_terminal_says_so_until_it_is_freed() {
    let mut bench = Bench::new();
    let id = bench.init(json!({}));
    let set = |bench: &mut Bench, state: &str| {
        let (token, state) = (bench.terminal.key.to_owned(), state.to_owned());
        bench.control(&Control::Token { token, state })
    };
    set(&mut bench, "blocked").unwrap();
    bench.refused("GetState", json!({ "PaymentId": id }), "202");
    bench.refused("Init", json!({ "Amount": 100, "OrderId": "A-2" }), "202");
    let own = bench.terminal;
    bench.terminal = directory::find_terminal(directory::WORKING_KEY).unwrap();
    bench.init(json!({}));
    bench.terminal = own;
    set(&mut bench, "valid").unwrap();
    assert_eq!(bench.status(&id), "NEW");
    assert!(set(&mut bench, "expired").is_err());
}
