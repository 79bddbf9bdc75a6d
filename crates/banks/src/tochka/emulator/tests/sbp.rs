//! SBP through the mirror's own doors, as other people's code comes to it.

use serde_json::{Value, json};

use super::{Bench, HOOK, error_message, rubles};
use crate::{
    emulator::{Control, Emulator as _, Fault, FaultKind},
    http::Method,
    tochka::emulator::directory,
};

const ACCOUNT: &str = directory::BUSINESS_ACCOUNT;
const DAY_MS: i64 = 86_400_000;

#[track_caller]
fn made(bench: &mut Bench, path: &str, data: Value) -> Value {
    let body = json!({ "Data": data }).to_string();
    let (status, reply) = bench.post(&format!("/uapi/sbp/v1.0/{path}"), &body);
    assert_eq!(status, 200, "{reply}");
    reply["Data"].clone()
}

/// A registered shop; the answer is its point.
fn shop(bench: &mut Bench) -> String {
    let company = json!({ "customerCode": directory::BUSINESS_CODE, "bankCode": "044525104" });
    let company = made(bench, "register-sbp-legal-entity", company);
    let point = json!({
        "address": "ул. Малышева, д. 51", "city": "Екатеринбург", "countryCode": "RU",
        "countrySubDivisionCode": "65", "zipCode": "620075", "brandName": "Чайная",
        "capabilities": "011", "mcc": "5499",
    });
    let path = format!("merchant/legal-entity/{}", company["legalId"].as_str().unwrap());
    made(bench, &path, point)["merchantId"].as_str().unwrap().to_owned()
}

fn code(bench: &mut Bench, point: &str, over: Value) -> String {
    let mut data = json!({ "paymentPurpose": "Чай", "qrcType": "01" });
    data.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    let made = made(bench, &format!("qr-code/merchant/{point}/{ACCOUNT}"), data);
    made["qrcId"].as_str().unwrap().to_owned()
}

fn pay(bench: &mut Bench, id: &str, amount: Option<&str>) -> Result<Value, String> {
    let pay = Control::PayCode {
        id: id.to_owned(),
        amount: amount.map(rubles),
        payer_name: Some("Пётр П.".to_owned()),
        payer_phone: Some("+79990000001".to_owned()),
    };
    bench.control(&pay)
}

#[test]
fn an_account_is_taken_raw_and_escaped_under_both_mounts() {
    let mut bench = Bench::new();
    let point = shop(&mut bench);
    let body = r#"{"Data":{"paymentPurpose":"x","qrcType":"01"}}"#;
    let escaped = ACCOUNT.replace('/', "%2F");
    for (mount, account) in [("uapi", ACCOUNT), ("uapi", &escaped), ("sandbox/v2", &escaped)] {
        let path = format!("/{mount}/sbp/v1.0/qr-code/merchant/{point}/{account}");
        assert_eq!(bench.post(&path, body).0, 200, "{path}");
    }
    // The word that some guides put between is one segment too many.
    let path = format!("/uapi/sbp/v1.0/qr-code/merchant/{point}/account/{ACCOUNT}");
    assert_eq!(bench.post(&path, body).0, 501);
    let path = format!("/uapi/sbp/v1/qr-code/merchant/{point}/{ACCOUNT}");
    assert_eq!(bench.post(&path, body).0, 501);
}

#[test]
fn a_picture_comes_in_the_form_that_is_asked_for() {
    let mut bench = Bench::new();
    let point = shop(&mut bench);
    for (media, start) in [(None, "iVBORw0KGgo"), (Some("image/svg+xml"), "<svg ")] {
        let picture = json!({ "width": 300, "height": 250, "mediaType": media });
        let mut data = json!({ "paymentPurpose": "x", "qrcType": "01", "imageParams": picture });
        if media.is_none() {
            data["imageParams"].as_object_mut().unwrap().remove("mediaType");
        }
        let made = made(&mut bench, &format!("qr-code/merchant/{point}/{ACCOUNT}"), data);
        let image = &made["image"];
        assert_eq!(image["mediaType"], media.unwrap_or("image/png"));
        assert_eq!((&image["width"], &image["height"]), (&json!(300), &json!(250)));
        assert!(image["content"].as_str().unwrap().starts_with(start), "{image}");
    }
}

#[test]
fn a_point_makes_only_the_codes_it_may() {
    let mut bench = Bench::new();
    let point = shop(&mut bench);
    code(&mut bench, &point, json!({}));
    code(&mut bench, &point, json!({ "qrcType": "02", "amount": 100 }));
    let body = json!({ "Data": { "merchantId": point, "accountId": ACCOUNT } }).to_string();
    let (status, reply) = bench.post("/uapi/sbp/v1.0/cashbox-qr-code", &body);
    assert_eq!(status, 424);
    assert!(error_message(status, &reply).contains("не может"), "{reply}");
}

#[test]
fn what_was_paid_is_announced_in_rubles_with_all_faults() {
    let mut bench = Bench::new();
    bench.register(HOOK, &["incomingSbpPayment"], Some(200));
    let point = shop(&mut bench);
    let id = code(&mut bench, &point, json!({}));
    let fault = |bench: &mut Bench, kind| {
        let path = "incomingSbpPayment".to_owned();
        bench.control(&Control::Fault(Fault { kind, times: 1, path })).unwrap();
    };
    fault(&mut bench, FaultKind::NoticeLost);
    pay(&mut bench, &id, Some("1")).unwrap();
    assert_eq!(bench.bank.next_due(), None);
    fault(&mut bench, FaultKind::NoticeCorrupted);
    let shown = pay(&mut bench, &id, Some("2.5")).unwrap();
    let spoiled = bench.next_deliveries().remove(0);
    assert_eq!(bench.read(&spoiled), None);
    bench.answer(&spoiled, Some(400));
    let delivery = bench.next_deliveries().remove(0);
    bench.answer(&delivery, Some(200));
    let payment = &shown["payments"][1];
    let expect = json!({
        "operationId": payment["trx_id"],
        "qrcId": id,
        "amount": "2.50",
        "payerMobileNumber": "+79990000001",
        "payerName": "Пётр П.",
        "brandName": "Чайная",
        "merchantId": point,
        "purpose": "Чай",
        "webhookType": "incomingSbpPayment",
        "refTransactionId": payment["ref_id"],
        "customerCode": directory::BUSINESS_CODE,
    });
    assert_eq!(bench.read(&delivery), Some(expect));
    let shown = bench.show(&id);
    let states: Vec<&Value> =
        shown["notices"].as_array().unwrap().iter().map(|notice| &notice["state"]).collect();
    assert_eq!(states, ["lost", "delivered"]);
    assert_eq!(shown["paid_kopecks"], 350);
    // Who did not ask for this kind hears nothing of it.
    bench.register(HOOK, &["acquiringInternetPayment"], Some(200));
    pay(&mut bench, &id, Some("3")).unwrap();
    assert_eq!(bench.bank.next_due(), None);
}

#[test]
fn a_list_without_days_is_of_yesterday_and_today() {
    let mut bench = Bench::new();
    let point = shop(&mut bench);
    let id = code(&mut bench, &point, json!({ "amount": 5000 }));
    pay(&mut bench, &id, None).unwrap();
    let all = format!("/uapi/sbp/v1.0/get-sbp-payments?customerCode={}", directory::BUSINESS_CODE);
    let count = |bench: &mut Bench, query: &str| {
        let (status, reply) = bench.get(&format!("{all}{query}"));
        assert_eq!(status, 200, "{reply}");
        reply["Data"]["Payments"].as_array().unwrap().len()
    };
    bench.advance(DAY_MS);
    pay(&mut bench, &id, Some("50")).unwrap();
    assert_eq!(count(&mut bench, ""), 2);
    bench.advance(DAY_MS);
    assert_eq!(count(&mut bench, ""), 1);
    assert_eq!(count(&mut bench, "&fromDate=2026-11-21"), 2);
    assert_eq!(count(&mut bench, "&fromDate=2026-11-21&toDate=2026-11-21"), 1);
    assert_eq!(count(&mut bench, "&fromDate=2026-11-21&perPage=1&page=2"), 1);
    assert_eq!(count(&mut bench, "&fromDate=2026-11-21&qrcId=another"), 0);
    // The sum is nowhere in it.
    let (_, reply) = bench.get(&format!("{all}&fromDate=2026-11-21"));
    assert!(reply["Data"]["Payments"][0].get("amount").is_none(), "{reply}");
}

#[test]
fn the_controls_reach_codes_and_refunds_by_their_ids() {
    let mut bench = Bench::new();
    let point = shop(&mut bench);
    let id = code(&mut bench, &point, json!({ "qrcType": "02", "amount": "1000", "ttl": 5 }));
    let plain = Control::Pay { id: id.clone(), method: Some("sbp".to_owned()), card: None };
    let shown = bench.control(&plain).unwrap();
    assert_eq!((&shown["kind"], &shown["paid_kopecks"]), (&json!("dynamic"), &json!(1000)));
    let refund = json!({
        "bankCode": "044525104", "accountCode": "40702810302000000092", "amount": "4",
        "qrcId": id, "trxId": shown["payments"][0]["trx_id"],
    });
    let refund = made(&mut bench, "refund", refund)["requestId"].as_str().unwrap().to_owned();
    let failed = bench.control(&Control::Decline { id: refund.clone(), reason: None }).unwrap();
    assert_eq!(failed["status"], "Rejected");
    let again = bench.control(&Control::Decline { id: refund, reason: None });
    assert!(again.is_err(), "{again:?}");
    let by_card = Control::Pay { id: id.clone(), method: Some("card".to_owned()), card: None };
    assert!(bench.control(&by_card).is_err());
    let all = bench.control(&Control::List).unwrap();
    assert_eq!(all["codes"].as_array().unwrap().len(), 1);
    assert_eq!(all["codes"][0]["payments"][0]["refunds"][0]["status"], "Rejected");
    let open = code(&mut bench, &point, json!({ "qrcType": "02", "amount": 1 }));
    bench.control(&Control::Expire { id: open.clone() }).unwrap();
    assert!(pay(&mut bench, &open, None).is_err());
    let stays = code(&mut bench, &point, json!({}));
    assert!(bench.control(&Control::Expire { id: stays }).is_err(), "static codes do not end");
}

#[test]
fn a_snapshot_of_before_is_restored_and_one_of_now_is_whole() {
    let mut bench = Bench::new();
    let point = shop(&mut bench);
    let id = code(&mut bench, &point, json!({ "amount": 700 }));
    pay(&mut bench, &id, None).unwrap();
    let snapshot = bench.bank.snapshot();
    let mut other = Bench::new();
    other.now = bench.now;
    other.bank.restore(&snapshot).unwrap();
    assert_eq!(other.bank.snapshot(), snapshot);
    assert_eq!(other.show(&id), bench.show(&id));
    let mut older = snapshot;
    older.as_object_mut().unwrap().remove("sbp");
    other.bank.restore(&older).unwrap();
    assert!(other.control(&Control::Show { id }).is_err());
}

#[test]
fn a_token_without_the_permission_is_told_nothing() {
    let mut bench = Bench::new();
    let point = shop(&mut bench);
    bench.token = "no.such.key".to_owned();
    for (method, path) in [
        (Method::Get, format!("/uapi/sbp/v1.0/merchant/{point}")),
        (Method::Put, format!("/uapi/sbp/v1.0/merchant/{point}")),
        (Method::Post, "/uapi/sbp/v1.0/refund".to_owned()),
    ] {
        let (status, reply) = bench.call(method, &path, "{}");
        assert_eq!(error_message(status, &reply), "Forbidden by consent");
        assert_eq!(status, 403);
    }
}
