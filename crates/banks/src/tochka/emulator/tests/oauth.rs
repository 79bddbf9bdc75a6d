//! The OAuth way, from the application's own token to a payment link for somebody's company.

use serde_json::{Value, json};

use super::{Bench, error_message, link_body};
use crate::{
    http::{HttpReply, HttpRequest, Method, encode_query, parse_query, percent_encode},
    tochka::{emulator::directory, sign::verify},
};

const BACK: &str = "http://127.0.0.1:8000/back";
const PAYMENTS: &str = "/uapi/acquiring/v1.0/payments";

fn token(bench: &mut Bench, fields: &[(&str, &str)]) -> (u16, Value) {
    let own = [
        ("client_id", directory::CLIENT_ID),
        ("client_secret", directory::CLIENT_SECRET),
        ("redirect_uri", BACK),
    ];
    // Later fields win, so that a test can spoil any of them.
    let all: Vec<(&str, &str)> = own.into_iter().chain(fields.iter().copied()).collect();
    let reply = bench.post_form("/connect/token", &all);
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn consent(bench: &mut Bench, permissions: &[&str]) -> String {
    let (status, reply) =
        token(bench, &[("grant_type", "client_credentials"), ("scope", "acquiring customers")]);
    assert_eq!((status, &reply["expires_in"]), (200, &json!(86_400)));
    bench.token = reply["access_token"].as_str().unwrap().to_owned();
    let body = json!({ "Data": { "permissions": permissions } }).to_string();
    let (status, reply) = bench.post("/uapi/consent/v1.0/consents", &body);
    assert_eq!(status, 200, "{reply}");
    let consent = &reply["Data"]["Consent"][0];
    assert_eq!(consent["status"], "AwaitingAuthorisation");
    consent["consentId"].as_str().unwrap().to_owned()
}

fn authorize(bench: &mut Bench, consent_id: &str, decision: &str) -> HttpReply {
    let fields = [
        ("client_id", directory::CLIENT_ID),
        ("response_type", "code"),
        ("state", "s & 1"),
        ("redirect_uri", BACK),
        ("scope", "acquiring"),
        ("consent_id", consent_id),
        ("decision", decision),
    ];
    let page = bench.send(&HttpRequest::new(
        Method::Get,
        format!("/connect/authorize?{}", encode_query(&fields[..6])),
    ));
    assert_eq!(page.status, 200);
    assert!(page.text().contains("s &amp; 1") && page.text().contains("Разрешить"));
    bench.post_form("/connect/authorize", &fields)
}

fn query_of(reply: &HttpReply) -> Vec<(String, String)> {
    let location = reply.find_header("location").unwrap();
    let (base, query) = location.split_once('?').unwrap();
    assert_eq!((reply.status, base), (302, BACK));
    parse_query(query)
}

/// Through the whole dance; the answer is the token reply.
fn tokens(bench: &mut Bench, permissions: &[&str]) -> Value {
    let consent_id = consent(bench, permissions);
    let query = query_of(&authorize(bench, &consent_id, "allow"));
    assert_eq!(query[1], ("state".to_owned(), "s & 1".to_owned()));
    let (status, reply) =
        token(bench, &[("grant_type", "authorization_code"), ("code", &query[0].1)]);
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["state"], "s & 1");
    bench.token = reply["access_token"].as_str().unwrap().to_owned();
    reply
}

#[test]
fn a_user_token_does_what_its_consent_allows_and_no_more() {
    let mut bench = Bench::new();
    tokens(&mut bench, &["ReadAcquiringData", "MakeAcquiringOperation"]);
    assert_eq!(bench.post(PAYMENTS, &link_body(json!({}))).0, 200);
    let (status, reply) = bench.get("/uapi/open-banking/v1.0/customers");
    assert_eq!(status, 403);
    assert_eq!(error_message(403, &reply), "Forbidden by consent");
    let personal = json!({ "customerCode": directory::PERSONAL_CODE });
    assert_eq!(bench.post(PAYMENTS, &link_body(personal)).0, 403, "another company");
    bench.advance(86_400_000);
    assert_eq!(bench.post(PAYMENTS, &link_body(json!({}))).0, 401, "a day is over");
}

#[test]
fn reading_is_not_writing() {
    let mut bench = Bench::new();
    tokens(&mut bench, &["ReadAcquiringData"]);
    let list = format!("{PAYMENTS}?customerCode={}", directory::BUSINESS_CODE);
    assert_eq!(bench.get(&list).0, 200);
    assert_eq!(bench.post(PAYMENTS, &link_body(json!({}))).0, 403);
}

#[test]
fn the_applications_own_token_serves_only_consents() {
    let mut bench = Bench::new();
    let id = consent(&mut bench, &["ReadAcquiringData"]);
    assert_eq!(bench.post(PAYMENTS, &link_body(json!({}))).0, 403);
    let (_, list) = bench.get("/uapi/consent/v1.0/consents");
    assert_eq!(list["Data"]["Consent"][0]["isValid"], true);
    let (status, one) = bench.get(&format!("/uapi/v1.0/consents/{id}"));
    assert_eq!((status, &one["Data"]["consentId"]), (200, &json!(id)));
    authorize(&mut bench, &id, "allow");
    let (_, children) = bench.get(&format!("/uapi/consent/v1.0/consents/{id}/child"));
    let child = &children["Data"]["Consent"][0];
    assert_eq!(child["customerCode"], directory::BUSINESS_CODE);
    assert_eq!(bench.get("/uapi/consent/v1.0/consents/none").0, 404);
}

#[test]
fn the_short_path_answers_the_consent_itself() {
    let mut bench = Bench::new();
    let body = |expires: &str| {
        json!({ "Data": { "permissions": ["ReadBalances"], "expirationDateTime": expires } })
            .to_string()
    };
    let good = body("2027-01-01T00:00:00+00:00");
    let (status, reply) = bench.post("/uapi/v1.0/consents", &good);
    assert_eq!((status, &reply["Data"]["status"]), (200, &json!("AwaitingAuthorisation")));
    for bad in [body("2026-01-01T00:00:00+00:00"), body("soon"), body("").replace("Read", "See")] {
        assert_eq!(bench.post("/uapi/v1.0/consents", &bad).0, 400, "{bad}");
    }
}

#[test]
fn a_refresh_token_works_once() {
    let mut bench = Bench::new();
    let first = tokens(&mut bench, &["ReadAcquiringData"]);
    let old = first["refresh_token"].as_str().unwrap();
    bench.advance(29 * 86_400_000);
    let refresh = |bench: &mut Bench, name: &str| {
        token(bench, &[("grant_type", "refresh_token"), ("refresh_token", name)])
    };
    let (status, second) = refresh(&mut bench, old);
    assert_eq!((status, &second["state"]), (200, &Value::Null));
    let (status, error) = refresh(&mut bench, old);
    assert_eq!((status, &error["error"]), (400, &json!("invalid_grant")));
    let new = second["refresh_token"].as_str().unwrap();
    bench.advance(30 * 86_400_000);
    assert_eq!(refresh(&mut bench, new).0, 400, "thirty days are over");
}

#[test]
fn a_code_works_once_for_its_address_and_five_minutes() {
    type Spoil = fn(&mut Bench) -> &'static [(&'static str, &'static str)];
    let spoils: [(Spoil, u16); 4] = [
        (|_| &[], 200),
        (|_| &[("redirect_uri", "https://other.example/")], 400),
        (
            |bench| {
                bench.advance(300_000);
                &[]
            },
            400,
        ),
        (|_| &[("client_secret", "wrong")], 401),
    ];
    for (spoil, expect) in spoils {
        let mut bench = Bench::new();
        let id = consent(&mut bench, &["ReadAcquiringData"]);
        let query = query_of(&authorize(&mut bench, &id, "allow"));
        let mut fields = vec![("grant_type", "authorization_code"), ("code", &*query[0].1)];
        fields.extend(spoil(&mut bench));
        assert_eq!(token(&mut bench, &fields).0, expect, "{fields:?}");
        if expect == 200 {
            assert_eq!(token(&mut bench, &fields).0, 400, "used twice");
        }
    }
}

#[test]
fn a_person_may_say_no() {
    let mut bench = Bench::new();
    let id = consent(&mut bench, &["ReadAcquiringData"]);
    let query = query_of(&authorize(&mut bench, &id, "deny"));
    assert_eq!(query[0], ("error".to_owned(), "access_denied".to_owned()));
    let (_, one) = bench.get(&format!("/uapi/consent/v1.0/consents/{id}"));
    assert_eq!(one["Data"]["status"], "Rejected");
}

#[test]
fn the_authorize_page_checks_before_it_asks() {
    let mut bench = Bench::new();
    let id = consent(&mut bench, &["ReadAcquiringData"]);
    let good = format!(
        "/connect/authorize?client_id={}&response_type=code&consent_id={id}&redirect_uri={}",
        directory::CLIENT_ID,
        percent_encode(BACK),
    );
    let mut check = |url: &str, expect: u16| {
        assert_eq!(bench.send(&HttpRequest::new(Method::Get, url)).status, expect, "{url}");
    };
    check(&good, 200);
    check(&good.replace("response_type=code", "response_type=token"), 400);
    check(&good.replace("client_id=k", "client_id=x"), 400);
    check(&good.replace(&id, "none"), 400);
    check(&format!("{good}&redirect_uri=http://localhost/"), 400);
    check(&format!("{good}&redirect_uri=javascript:alert(1)"), 400);
    check(&format!("{good}&scope=everything"), 400);
}

#[test]
fn wrong_clients_and_grants_are_oauth_errors() {
    let mut bench = Bench::new();
    for (fields, status, error) in [
        ([("grant_type", "client_credentials"), ("client_secret", "x")], 401, "invalid_client"),
        ([("grant_type", "client_credentials"), ("client_id", "x")], 401, "invalid_client"),
        ([("grant_type", "password"), ("scope", "")], 400, "unsupported_grant_type"),
        ([("grant_type", "client_credentials"), ("scope", "all")], 400, "invalid_scope"),
    ] {
        let (got, reply) = token(&mut bench, &fields);
        assert_eq!((got, &reply["error"]), (status, &json!(error)));
    }
}

#[test]
fn introspection_is_a_json_string_with_a_signed_token() {
    let mut bench = Bench::new();
    tokens(&mut bench, &["ReadAcquiringData"]);
    let access = bench.token.clone();
    let reply = bench.post_form("/connect/introspect", &[("access_token", &access)]);
    let jwt: String = serde_json::from_slice(&reply.body).unwrap();
    let keys = bench.get("/doc/openapi/static/keys/public").1.to_string();
    let claims: Value = serde_json::from_slice(&verify(jwt.as_bytes(), &keys).unwrap()).unwrap();
    assert_eq!(claims["iss"], "enter.tochka.com");
    assert_eq!(claims["sub"], directory::BUSINESS_CODE);
    assert_eq!(claims["aud"], directory::CLIENT_ID);
    assert_eq!(bench.post_form("/connect/introspect", &[("access_token", "x")]).status, 401);
}
