//! An operation becomes exactly this request.

use serde_json::Value;

use super::*;
use crate::{
    bank::{Bank, Step},
    op::AuthOp,
    tochka::{Tochka, authorize_url},
};

const BASE: &str = "https://enter.tochka.com/uapi";

/// The request as text: method and URL, its headers but `accept`, its body.
fn text(credentials: &Credentials, op: &BankOp) -> String {
    match Tochka.start(credentials, op) {
        Step::Send(request) => {
            let headers = request.headers.iter().filter(|(name, _)| name != "accept");
            let headers = headers.map(|(name, value)| format!("{name}: {value}\n"));
            format!(
                "{} {}\n{}{}",
                request.method.as_str(),
                request.url,
                headers.collect::<String>(),
                String::from_utf8(request.body).unwrap()
            )
        }
        Step::Done(outcome) => panic!("{outcome:?}"),
    }
}

#[track_caller]
fn check(op: &BankOp, first: &str, body: &str) {
    let credentials = with("client_secret", "s&t");
    let text = text(&credentials, op);
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap().replace(BASE, ""), first);
    assert_eq!(
        text.contains("authorization: Bearer sandbox.jwt.token"),
        !text.contains("/connect")
    );
    assert_eq!(lines.filter(|line| !line.contains(": ")).collect::<String>(), body);
}

#[test]
fn a_link_is_asked_for_in_rubles_with_two_decimals() {
    check(
        &create(|_| {}),
        "POST /acquiring/v1.0/payments",
        r#"{"Data":{"customerCode":"1234567ab","amount":1234.50,"purpose":"Заказ 4711","paymentMode":["card","sbp"],"ttl":60,"paymentLinkId":"order-4711"}}"#,
    );
}

#[test]
fn every_field_of_a_link_reaches_the_bank() {
    let op = create(|link| {
        link.methods = vec![PayMethod::Card, PayMethod::Card];
        link.capture = CaptureMode::Manual;
        link.success_url = Some("https://shop.example.ru/ok".to_owned());
        link.fail_url = Some("https://shop.example.ru/no".to_owned());
        link.payer_id = Some("payer-1".to_owned());
        link.save_card = true;
    });
    let text = text(&with("merchant_id", "200000000001056"), &op);
    assert!(text.ends_with(
        r#""paymentMode":["card"],"redirectUrl":"https://shop.example.ru/ok","failRedirectUrl":"https://shop.example.ru/no","saveCard":true,"consumerId":"payer-1","merchantId":"200000000001056","preAuthorization":true,"ttl":60,"paymentLinkId":"order-4711"}}"#
    ), "{text}");
}

#[test]
fn a_receipt_goes_by_the_other_method_with_exact_quantities() {
    check(
        &create_with_receipt(|_| {}),
        "POST /acquiring/v1.0/payments_with_receipt",
        concat!(
            r#"{"Data":{"customerCode":"1234567ab","amount":1234.50,"purpose":"Заказ 4711","#,
            r#""paymentMode":["card","sbp"],"ttl":60,"paymentLinkId":"order-4711","#,
            r#""taxSystemCode":"usn_income","#,
            r#""Client":{"name":"Анна","email":"buyer@example.ru"},"Items":["#,
            r#"{"vatType":"vat22","name":"Чай","amount":500.00,"quantity":2,"#,
            r#""paymentMethod":"full_payment","paymentObject":"goods"},"#,
            r#"{"vatType":"vat10","name":"Сыр","amount":156.33,"quantity":1.5,"#,
            r#""paymentMethod":"full_payment","paymentObject":"goods","measure":"кг.","#,
            r#""Supplier":{"phone":"+79991234567","name":"ООО Поставщик","#,
            r#""taxCode":"7707083893"}}]}}"#
        ),
    );
}

#[test]
fn reads_and_changes_of_payments_have_their_paths() {
    check(&get(), &format!("GET /acquiring/v1.0/payments/{ID}"), "");
    check(
        &BankOp::GetPayment { bank_id: "a/../b?c".to_owned() },
        "GET /acquiring/v1.0/payments/a%2F..%2Fb%3Fc",
        "",
    );
    check(
        &list(),
        "GET /acquiring/v1.0/payments?customerCode=1234567ab&fromDate=2026-11-01\
         &toDate=2026-11-02&page=3&perPage=200",
        "",
    );
    check(&capture("10", "10"), &format!("POST /acquiring/v1.0/payments/{ID}/capture"), "");
    check(
        &refund("0.5"),
        &format!("POST /acquiring/v1.0/payments/{ID}/refund"),
        r#"{"Data":{"amount":0.50}}"#,
    );
    let merchant_id = "200000000001056".to_owned();
    check(
        &BankOp::Registry { merchant_id, date: date(2026, 11, 1) },
        "GET /acquiring/v1.0/registry?customerCode=1234567ab&merchantId=200000000001056\
         &date=2026-11-01",
        "",
    );
    check(&BankOp::Retailers, "GET /acquiring/v1.0/retailers?customerCode=1234567ab", "");
    check(&BankOp::Customers, "GET /open-banking/v1.0/customers", "");
    check(&BankOp::Accounts, "GET /open-banking/v1.0/accounts", "");
}

#[test]
fn webhook_bodies_are_bare() {
    let body = r#"{"webhooksList":["acquiringInternetPayment"],"url":"https://pay.example.ru/n"}"#;
    let put = register("https://pay.example.ru/n");
    check(&put, "PUT /webhook/v1.0/test_app", body);
    let kinds = vec!["acquiringInternetPayment".to_owned()];
    let url = "https://pay.example.ru/n".to_owned();
    let edit = BankOp::RegisterNotices { url, kinds, replace: true };
    check(&edit, "POST /webhook/v1.0/test_app", body);
    check(&BankOp::ShowNotices, "GET /webhook/v1.0/test_app", "");
    check(&BankOp::DeleteNotices, "DELETE /webhook/v1.0/test_app", "");
    check(
        &BankOp::TestNotice { kind: "incomingPayment".to_owned() },
        "POST /webhook/v1.0/test_app/test_send",
        r#"{"webhookType":"incomingPayment"}"#,
    );
}

#[test]
fn oauth_speaks_forms_with_its_own_server() {
    let token = "POST https://enter.tochka.com/connect/token";
    let scope = "accounts acquiring".to_owned();
    check(
        &BankOp::Auth(AuthOp::ClientToken { scope: scope.clone() }),
        token,
        "client_id=test_app&client_secret=s%26t&grant_type=client_credentials\
         &scope=accounts%20acquiring",
    );
    let redirect_uri = "https://shop.example.ru/bank".to_owned();
    check(
        &BankOp::Auth(AuthOp::ExchangeCode { code: "c".to_owned(), redirect_uri, scope }),
        token,
        "client_id=test_app&client_secret=s%26t&grant_type=authorization_code&code=c\
         &redirect_uri=https%3A%2F%2Fshop.example.ru%2Fbank&scope=accounts%20acquiring",
    );
    check(
        &BankOp::Auth(AuthOp::Introspect),
        "POST https://enter.tochka.com/connect/introspect",
        "access_token=sandbox.jwt.token",
    );
    let mut refreshing = with("refresh_token", "r");
    refreshing.set("client_secret", "s");
    assert!(
        text(&refreshing, &BankOp::Auth(AuthOp::Refresh)).ends_with(
            "client_id=test_app&client_secret=s&grant_type=refresh_token&refresh_token=r"
        )
    );
}

#[test]
fn a_consent_is_made_with_the_applications_own_token() {
    let op = BankOp::Auth(AuthOp::CreateConsent {
        client_token: "client.token".to_owned(),
        permissions: vec!["ReadAcquiringData".to_owned()],
        expires: Some("2027-01-01T00:00:00Z".parse().unwrap()),
    });
    assert_eq!(
        text(&credentials(), &op),
        "POST https://enter.tochka.com/uapi/consent/v1.0/consents\n\
         authorization: Bearer client.token\ncontent-type: application/json\n\
         {\"Data\":{\"permissions\":[\"ReadAcquiringData\"],\
         \"expirationDateTime\":\"2027-01-01T00:00:00Z\"}}"
    );
    let listed = text(&credentials(), &BankOp::Auth(AuthOp::ListConsents));
    assert!(listed.contains("customer-code: 1234567ab"), "{listed}");
}

#[test]
fn the_consent_page_is_a_plain_link() {
    let credentials = with("redirect_uri", "https://shop.example.ru/bank");
    assert_eq!(
        authorize_url(&credentials, "accounts", "s", "c 1"),
        "https://enter.tochka.com/connect/authorize?client_id=test_app&response_type=code&state=s\
         &redirect_uri=https%3A%2F%2Fshop.example.ru%2Fbank&scope=accounts&consent_id=c%201"
    );
}

#[test]
fn the_key_page_is_above_the_api_wherever_that_is() {
    #[track_caller]
    fn check(base: &str, expect: &str) {
        let request = text(&with("base_url", base), &BankOp::FetchNoticeKeys);
        assert_eq!(request, format!("GET {expect}/doc/openapi/static/keys/public\n"));
    }
    check("https://enter.tochka.com/uapi/", "https://enter.tochka.com");
    check("https://enter.tochka.com/sandbox/v2", "https://enter.tochka.com");
    check("http://127.0.0.1:8080/emulators/tochka/uapi", "http://127.0.0.1:8080/emulators/tochka");
    check("http://127.0.0.1:8080/strange/place", "http://127.0.0.1:8080");
    check("http://127.0.0.1:8080", "http://127.0.0.1:8080");
}

#[test]
fn the_jwt_key_itself_names_the_client() {
    let mut credentials = with("client_id", "");
    // {"iss":"from-key","exp":1}
    credentials
        .set("access_token", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJmcm9tLWtleSIsImV4cCI6MX0.c2ln");
    let text = text(&credentials, &BankOp::ShowNotices);
    assert!(
        text.starts_with("GET https://enter.tochka.com/uapi/webhook/v1.0/from-key\n"),
        "{text}"
    );
}

/// Every field we send is in the bank's own schema, and every field it requires is there.
#[test]
fn bodies_hold_only_fields_of_the_banks_openapi_document() {
    let document: Value = serde_json::from_str(include_str!("../fixtures/openapi.json")).unwrap();
    let schemas = &document["components"]["schemas"];
    let check = |op: &BankOp, name: &str| {
        let text = text(&credentials(), op);
        let body: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let sent = if name.contains("Acquiring") { &body["Data"] } else { &body };
        let schema = &schemas[name];
        for key in sent.as_object().unwrap().keys() {
            assert!(schema["properties"].get(key).is_some(), "{name} has no {key}");
        }
        for key in schema["required"].as_array().unwrap() {
            assert!(sent.get(key.as_str().unwrap()).is_some(), "{name} lacks {key}");
        }
    };
    check(&create(|_| {}), "AcquiringCreatePaymentOperationRequestModel");
    let with_receipt = "AcquiringCreatePaymentOperationWithReceiptRequestModel";
    check(&create_with_receipt(|_| {}), with_receipt);
    check(&refund("1"), "AcquiringPaymentOrderRefundRequestModel");
    check(&register("https://pay.example.ru/n"), "Webhook");
}
