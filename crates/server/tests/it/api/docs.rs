//! The description is generated, committed and complete. `KOPECK_BLESS=1` writes it anew.

use std::path::Path;

use kopeck::{app, http::codes, web};
use serde_json::Value;

use crate::harness::app::TestApp;

#[track_caller]
fn check_committed(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("KOPECK_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "{path} is old: run the tests once with KOPECK_BLESS=1");
}

#[test]
fn the_openapi_document_is_the_committed_one() {
    check_committed("openapi.json", &web::docs::json(&app::openapi()));
}

#[test]
fn the_table_of_errors_is_the_committed_one() {
    check_committed("docs/reference/errors.md", &codes::markdown());
}

#[test]
fn codes_are_words_used_once_and_say_what_to_do() {
    for (at, row) in codes::CODES.iter().enumerate() {
        let word = row.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(word && !row.action.is_empty() && row.about.ends_with('.'), "{row:?}");
        assert!((400..600).contains(&row.status), "{row:?}");
        assert!(codes::CODES[..at].iter().all(|other| other.code != row.code), "{row:?}");
    }
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    for path in [
        "/v1/payments",
        "/v1/payments/{id}",
        "/v1/payments/{id}/capture",
        "/v1/payments/{id}/refunds",
        "/v1/payments/{id}/timeline",
        "/v1/events",
        "/v1/me",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    fn refs(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| refs(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| refs(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    refs(&document, &mut found);
    assert!(found.len() > 20);
    for path in found {
        let pointer = path.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{path}");
    }
}

#[tokio::test]
async fn the_docs_name_every_route_event_and_error() {
    let app = TestApp::new().await;
    let page = app.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let html = page.text();
    for word in ["/v1/payments/{id}/refunds", "Вернуть деньги", "payment.amount_mismatch"]
    {
        assert!(html.contains(word), "{word}");
    }
    assert!(codes::CODES.iter().all(|row| html.contains(row.code)));
    assert!(html.contains("2200 0000 0000 0004"));
    assert!(html.contains("curl -X POST &#34;https://pay.example.ru/v1/payments&#34;"), "{html}");
}
