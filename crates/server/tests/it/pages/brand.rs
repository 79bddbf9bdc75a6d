//! How a shop looks to its payers, and that it stays within what pages allow.

use axum::http::Method;
use serde_json::json;

use crate::harness::{
    app::{Reply, TestApp},
    databases::on_each,
};

/// A picture of one pixel, and so the start of any PNG.
const PIXEL: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

async fn send_logo(app: &TestApp, bytes: &[u8]) -> Reply {
    app.send(app.request(Method::PUT, "/v1/brand/logo", bytes.to_vec())).await
}

fn attribute<'a>(html: &'a str, start: &str) -> &'a str {
    let found = html.split('"').find(|part| part.starts_with(start));
    found.unwrap_or_else(|| panic!("no {start}: {html}"))
}

#[tokio::test]
async fn a_shops_colour_and_logo_are_on_its_pages_and_nowhere_else() {
    on_each(|db| async move {
        let app = TestApp::over(db).await;
        let payment = app.create(json!({})).await;
        let path = format!("/pay/{}", payment["id"].as_str().unwrap());
        let plain = app.get(&path).await.text();
        assert!(!plain.contains("/brand/"), "{plain}");
        assert_eq!(app.get("/v1/brand").await.expect(200)["accent"], json!(null));
        let put = app.put("/v1/brand", json!({"accent": "#FFDD2D"})).await.expect(200);
        assert_eq!((&put["accent"], &put["logo_url"]), (&json!("#ffdd2d"), &json!(null)));
        let logo = send_logo(&app, PIXEL).await.expect(200);
        assert_eq!(logo["accent"], "#ffdd2d", "the colour stays");

        let html = app.get(&path).await.text();
        let name = app.shop.name.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;");
        assert!(html.contains(&name), "{html}");
        let style = app.get(attribute(&html, "/brand/shop_")).await;
        assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
        assert!(style.header("cache-control").contains("immutable"));
        let css = style.text();
        assert!(css.contains("--accent:#ffdd2d;--accent-ink:#000000"), "{css}");
        assert!(!css.contains("--link:#ffdd2d;") || css.contains("dark"), "{css}");
        let at = html.split("<img src=\"").nth(1).and_then(|part| part.split('"').next()).unwrap();
        let picture = app.get(at).await;
        assert_eq!((picture.header("content-type"), &picture.bytes[..]), ("image/png", PIXEL));
        assert_eq!(picture.header("x-content-type-options"), "nosniff");
        assert!(picture.header("content-security-policy").contains("default-src 'none'"));

        let gone = app.delete("/v1/brand/logo").await.expect(200);
        assert_eq!((&gone["accent"], &gone["logo_url"]), (&json!("#ffdd2d"), &json!(null)));
        app.get(at).await.expect_error(404, "route_not_found");
        app.put("/v1/brand", json!({})).await.expect(200);
        assert!(!app.get(&path).await.text().contains("/brand/"));
        // Addresses without what they named are gone too, and guessed ones never were.
        app.get(attribute(&html, "/brand/shop_")).await.expect_error(404, "route_not_found");
        app.get("/brand/shop_x/logo").await.expect_error(404, "route_not_found");
    })
    .await;
}

#[tokio::test]
async fn what_could_carry_more_than_a_colour_or_a_picture_is_refused() {
    let app = TestApp::new().await;
    for accent in [json!("red"), json!("#fff"), json!("#0a7a3d}body{display:none"), json!(7)] {
        let error = app.put("/v1/brand", json!({ "accent": accent })).await;
        assert_eq!(error.expect_error(422, "param_invalid")["param"], "accent");
    }
    app.put("/v1/brand", json!({"colour": "#0a7a3d"})).await.expect_error(422, "param_unknown");
    let mut large = PIXEL.to_vec();
    large.resize(64 * 1024 + 1, 0);
    for bytes in [&b"<svg onload=\"alert(1)\"/>"[..], b"GIF89a", b"", &large] {
        let error = send_logo(&app, bytes).await.expect_error(422, "param_invalid");
        assert_eq!(error["param"], "logo");
    }
    assert_eq!(app.get("/v1/brand").await.expect(200)["logo_url"], json!(null));
}
