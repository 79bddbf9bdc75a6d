//! The cash register: sales, refunds and closings are made or not, and told of either way.

use super::*;
use crate::emulator::{Fault, FaultKind};

const SHOP: &str = "https://shop.test/terminal";

fn receipt(method: &str, price: i64) -> Value {
    json!({
        "Email": "a@test.ru",
        "Taxation": "usn_income",
        "Items": [{ "Name": "Чай", "Price": price, "Quantity": 1, "Amount": price,
            "Tax": "none", "PaymentMethod": method }],
    })
}

fn bench() -> Bench {
    let mut bench = Bench::at(directory::REGISTER_KEY);
    bench.bank.set_notification_url(directory::REGISTER_KEY, SHOP);
    bench
}

fn fail(bench: &mut Bench, path: &str) {
    let kind = FaultKind::parse("fail-receipt").unwrap();
    assert!(kind == FaultKind::ReceiptFailed && !kind.is_of_notices());
    let fault = Fault { kind, times: 1, path: path.to_owned() };
    bench.control(&Control::Fault(fault)).unwrap();
}

/// Of the next second: sign, sum, success and number of each word of the register.
fn words(bench: &mut Bench) -> Vec<(String, i64, bool, bool)> {
    bench.advance(1_000);
    let deliveries = bench.poll();
    let notices: Vec<Value> = deliveries.iter().map(|own| bench.read(own).unwrap()).collect();
    deliveries.iter().for_each(|own| bench.answer(own, Some(200)));
    let words = notices.iter().filter(|notice| notice["Status"] == "RECEIPT");
    words
        .map(|word| {
            let sign = word["Type"].as_str().unwrap().to_owned();
            let number = &word["FiscalDocumentNumber"];
            let is_made = word["Success"].as_bool().unwrap();
            (sign, word["Amount"].as_i64().unwrap(), is_made, number.is_number())
        })
        .collect()
}

#[test]
fn what_the_register_does_not_make_is_told_and_may_be_closed_anew() {
    let mut bench = bench();
    let id = bench.init(json!({ "Receipt": receipt("full_prepayment", 10_000) }));
    fail(&mut bench, "Closing");
    bench.pay(&id, "card");
    assert_eq!(words(&mut bench), [("Income".to_owned(), 10_000, true, true)]);
    let body = json!({ "PaymentId": id, "Receipt": receipt("full_payment", 10_000) });
    bench.ok("SendClosingReceipt", body.clone());
    assert_eq!(words(&mut bench), [("Income".to_owned(), 10_000, false, false)]);
    // It was not made, so it may be sent anew; once it is made, no more.
    bench.ok("SendClosingReceipt", body.clone());
    assert_eq!(words(&mut bench), [("Income".to_owned(), 10_000, true, true)]);
    bench.refused("SendClosingReceipt", body, "8");
    let shown = bench.show(&id);
    let documents = shown["documents"].as_array().unwrap();
    let kinds: Vec<(&str, bool, bool)> = documents
        .iter()
        .map(|it| {
            let is = |name: &str| it[name].as_bool().unwrap();
            (it["kind"].as_str().unwrap(), is("made"), is("told"))
        })
        .collect();
    assert_eq!(kinds, [("Income", true, true), ("Closing", false, true), ("Closing", true, true)]);
}

#[test]
fn what_goes_back_is_registered_with_its_own_lines_or_as_it_was_sold() {
    let mut bench = bench();
    bench.time(|timing| timing.transient_ms = 0);
    let id = bench.init(json!({ "Receipt": receipt("full_payment", 10_000) }));
    bench.pay(&id, "card");
    words(&mut bench);
    fail(&mut bench, "IncomeReturn");
    let part = receipt("full_payment", 3_000);
    bench.ok("Cancel", json!({ "PaymentId": id, "Amount": 3_000, "Receipt": part }));
    assert_eq!(words(&mut bench), [("IncomeReturn".to_owned(), 3_000, false, false)]);
    let rest = receipt("full_payment", 7_000);
    bench.ok("Cancel", json!({ "PaymentId": id, "Receipt": rest }));
    assert_eq!(words(&mut bench), [("IncomeReturn".to_owned(), 7_000, true, true)]);
    let shown = bench.show(&id);
    let sums: Vec<&Value> = shown["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|document| &document["receipt"]["Items"][0]["Amount"])
        .collect();
    assert_eq!(sums, [&json!(10_000), &json!(3_000), &json!(7_000)]);
    // A whole refund needs no receipt: the bank mirrors the sale.
    let id = bench.init(json!({ "OrderId": "A-2", "Receipt": receipt("full_payment", 10_000) }));
    bench.pay(&id, "card");
    words(&mut bench);
    bench.ok("Cancel", json!({ "PaymentId": id }));
    assert_eq!(words(&mut bench), [("IncomeReturn".to_owned(), 10_000, true, true)]);
    let shown = bench.show(&id);
    assert_eq!(shown["documents"][1]["receipt"]["Items"][0]["Amount"], 10_000);
}

#[test]
fn the_part_that_is_captured_is_what_is_registered() {
    let mut bench = bench();
    bench.time(|timing| timing.transient_ms = 0);
    let id = bench.init(json!({ "PayType": "T", "Receipt": receipt("full_payment", 10_000) }));
    bench.pay(&id, "card");
    words(&mut bench);
    let part = receipt("full_payment", 4_000);
    let body = json!({ "PaymentId": id, "Amount": 4_000, "Receipt": part });
    bench.ok("Confirm", body);
    assert_eq!(words(&mut bench), [("Income".to_owned(), 4_000, true, true)]);
    let shown = bench.show(&id);
    assert_eq!(shown["documents"][0]["receipt"]["Items"][0]["Amount"], 4_000);
}
