//! Lists, customers, accounts, retailers, and who may read them.

use serde_json::{Value, json};

use super::{Bench, ORIGIN, error_message};
use crate::{
    emulator::Control,
    http::{HttpRequest, Method},
    tochka::emulator::directory,
};

const DAY_MS: i64 = 86_400_000;

fn list(bench: &mut Bench, query: &str) -> (u16, Value) {
    let code = directory::BUSINESS_CODE;
    bench.get(&format!("/uapi/acquiring/v1.0/payments?customerCode={code}{query}"))
}

fn references(reply: &Value) -> Vec<&str> {
    let items = reply["Data"]["Operation"].as_array().unwrap();
    items.iter().map(|item| item["paymentLinkId"].as_str().unwrap()).collect()
}

#[test]
fn a_list_comes_in_pages_newest_first() {
    let mut bench = Bench::new();
    (0..5).for_each(|_| drop(bench.link(json!({}))));
    let (_, all) = list(&mut bench, "");
    assert_eq!(references(&all), ["5", "4", "3", "2", "1"]);
    assert_eq!(all["Meta"]["totalPages"], 1);
    let (_, first) = list(&mut bench, "&perPage=2");
    assert_eq!(references(&first), ["5", "4"]);
    assert_eq!(first["Meta"]["totalPages"], 3);
    assert!(first["Links"]["prev"].is_null());
    let next = first["Links"]["next"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
    let (_, second) = bench.get(&next);
    assert_eq!(references(&second), ["3", "2"]);
    let last = second["Links"]["last"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
    let (_, third) = bench.get(&last);
    assert_eq!(references(&third), ["1"]);
    assert!(third["Links"]["next"].is_null() && third["Links"]["prev"].is_string());
    let (_, beyond) = list(&mut bench, "&perPage=2&page=9");
    assert_eq!(references(&beyond), [""; 0]);
}

#[test]
fn a_list_filters_by_moscow_day_and_status() {
    let mut bench = Bench::new();
    bench.link(json!({}));
    bench.advance(11 * 3_600_000);
    // 21:00 UTC is the next day in Moscow.
    let paid = bench.link(json!({}));
    bench.pay(&paid, "card");
    bench.advance(DAY_MS);
    bench.link(json!({}));
    let mut check = |query: &str, expect: &[&str]| {
        let (status, reply) = list(&mut bench, query);
        assert_eq!(status, 200, "{reply}");
        assert_eq!(references(&reply), expect, "{query}");
    };
    check("&fromDate=2026-11-21&toDate=2026-11-21", &["1"]);
    check("&fromDate=2026-11-22&toDate=2026-11-22", &["2"]);
    check("&fromDate=2026-11-22", &["3", "2"]);
    check("&toDate=2026-11-22", &["2", "1"]);
    check("&status=APPROVED", &["2"]);
    check("&status=EXPIRED", &["1"]);
    check("&status=ON-REFUND", &[]);
    for query in ["&status=PAID", "&fromDate=today", "&page=0", "&perPage=x", "&page=-1"] {
        assert_eq!(list(&mut bench, query).0, 400, "{query}");
    }
    assert_eq!(bench.get("/uapi/acquiring/v1.0/payments").0, 400);
    assert_eq!(bench.get("/uapi/acquiring/v1.0/payments?customerCode=300999999").0, 403);
}

#[test]
fn an_unknown_operation_is_a_424() {
    let mut bench = Bench::new();
    for (method, tail) in [(Method::Get, ""), (Method::Post, "/capture"), (Method::Post, "/refund")]
    {
        let path = format!("/uapi/acquiring/v1.0/payments/nothing{tail}");
        let (status, reply) = bench.call(method, &path, r#"{"Data":{"amount":1}}"#);
        assert_eq!(status, 424, "{reply}");
        assert!(error_message(status, &reply).contains("not found"));
    }
}

#[test]
fn unknown_routes_and_versions_are_501() {
    let mut bench = Bench::new();
    for path in [
        "/uapi",
        "/uapi/",
        "/uapi/acquiring/payments",
        "/uapi/acquiring/v1/payments",
        "/uapi/acquiring/v2.0/payments",
        "/uapi/v1.0/acquiring/v1.0/payments",
        "/sandbox/v2/acquiring/v1.0/payments-with-receipt",
        "/uapi/acquiring/v1.0/payments/x/void",
    ] {
        let (status, reply) = bench.get(path);
        assert_eq!(status, 501, "{path}");
        error_message(status, &reply);
    }
    assert_eq!(bench.send(&HttpRequest::new(Method::Get, "/nowhere")).status, 404);
}

#[test]
fn tokens_open_expire_and_are_revoked() {
    let mut bench = Bench::new();
    let path = "/uapi/open-banking/v1.0/customers";
    let bare = HttpRequest::new(Method::Get, format!("{ORIGIN}{path}"));
    let reply = bench.send(&bare);
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(error_message(403, &body), "Forbidden by consent");
    let key = directory::access_token();
    for (state, expect) in [("expired", 401), ("revoked", 403), ("valid", 200)] {
        let (token, state) = (key.clone(), state.to_owned());
        bench.control(&Control::Token { token, state }).unwrap();
        let (status, reply) = bench.get(path);
        assert_eq!(status, expect, "{reply}");
    }
    bench.token = directory::SANDBOX_TOKEN.to_owned();
    assert_eq!(bench.get(path).0, 200);
    bench.token = "working_token".to_owned();
    assert_eq!(bench.get(path).0, 403);
    let spoil = |token: &str, state: &str| Control::Token {
        token: token.to_owned(),
        state: state.to_owned(),
    };
    assert!(bench.control(&spoil(directory::SANDBOX_TOKEN, "expired")).is_err());
    assert!(bench.control(&spoil(&key, "lost")).is_err());
    assert!(bench.control(&spoil("unknown", "expired")).is_err());
}

#[test]
fn accounts_are_found_with_either_slash() {
    let mut bench = Bench::new();
    let id = directory::BUSINESS_ACCOUNT;
    for form in [id.to_owned(), id.replace('/', "%2F")] {
        let (status, reply) = bench.get(&format!("/uapi/open-banking/v1.0/accounts/{form}"));
        assert_eq!(status, 200, "{reply}");
        assert_eq!(reply["Data"]["accountId"], id);
    }
    let (_, all) = bench.get("/sandbox/v2/open-banking/v1.0/accounts");
    assert_eq!(all["Data"]["Account"].as_array().unwrap().len(), 2);
    let (status, reply) = bench.get("/uapi/open-banking/v1.0/accounts/123");
    assert_eq!(status, 400);
    assert_eq!(error_message(400, &reply), "Field accountId : Value error, invalid");
    let foreign = "/uapi/open-banking/v1.0/accounts/40702810300000000000/044525104";
    assert_eq!(bench.get(foreign).0, 403);
}

#[test]
fn the_working_retailer_is_among_others() {
    let mut bench = Bench::new();
    let code = directory::BUSINESS_CODE;
    let (_, reply) = bench.get(&format!("/uapi/acquiring/v1.0/retailers?customerCode={code}"));
    let all = reply["Data"]["Retailer"].as_array().unwrap();
    let works = |item: &&Value| item["status"] == "REG" && item["isActive"] == true;
    let working: Vec<&Value> = all.iter().filter(works).collect();
    assert_eq!(working.len(), 1);
    assert_eq!(working[0]["merchantId"], directory::MERCHANT_ID);
    assert!(all.len() > 1 && all[0]["status"] == "CLOSE");
    assert_eq!(bench.get("/uapi/acquiring/v1.0/retailers").0, 400);
    let (status, one) = bench.get(&format!("/uapi/open-banking/v1.0/customers/{code}"));
    assert_eq!((status, &one["Data"]["customerType"]), (200, &json!("Business")));
    assert_eq!(bench.get("/uapi/open-banking/v1.0/customers/300999999").0, 403);
}
