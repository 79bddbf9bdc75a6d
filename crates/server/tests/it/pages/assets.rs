//! Styles, scripts and pictures as a browser fetches them.

use std::io::Read as _;

use axum::{body::Body, http::Request};

use crate::harness::app::{Reply, TestApp};

async fn fetch(app: &TestApp, path: &str, encoding: &str) -> Reply {
    let request = Request::get(path).header("accept-encoding", encoding);
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_file_comes_packed_to_whoever_unpacks_and_plain_to_others() {
    let app = TestApp::new().await;
    let plain = fetch(&app, "/assets/page.css", "identity").await;
    assert_eq!(plain.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(plain.header("content-encoding"), "");
    for refused in ["gzip;q=0", "br", ""] {
        assert_eq!(fetch(&app, "/assets/page.css", refused).await.bytes, plain.bytes, "{refused}");
    }
    let packed = fetch(&app, "/assets/page.css", "br, gzip;q=0.8").await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.header("vary"), "accept-encoding");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.bytes[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.bytes);
    // A page has 20 KB; its style is not to take the half of them.
    assert!(packed.bytes.len() < 8_000, "{} bytes", packed.bytes.len());
}

#[tokio::test]
async fn a_file_is_kept_for_good_only_under_the_address_of_its_content() {
    let app = TestApp::new().await;
    let page = app.get("/pay/pay_x").await.text();
    let style = page.split("href=\"").find(|part| part.starts_with("/assets/page.css?v="));
    let style = style.and_then(|part| part.split('"').next()).expect("a style");
    assert!(fetch(&app, style, "gzip").await.header("cache-control").ends_with("immutable"));
    for other in ["/assets/page.css", "/assets/page.css?v=older"] {
        assert_eq!(
            fetch(&app, other, "gzip").await.header("cache-control"),
            "public, max-age=3600"
        );
    }
    fetch(&app, "/assets/none.css", "gzip").await.expect_error(404, "route_not_found");
}

#[tokio::test]
async fn the_page_of_components_is_not_a_shops() {
    let app = TestApp::new().await;
    app.get("/_components").await.expect_error(404, "route_not_found");
}
