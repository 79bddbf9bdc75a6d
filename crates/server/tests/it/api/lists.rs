//! Lists, events, timelines, the shop.

use serde_json::{Value, json};

use crate::harness::app::{PUBLIC_URL, TestApp};

fn ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().unwrap();
    data.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn payments_are_listed_page_by_page_newest_first() {
    let app = TestApp::new().await;
    let mut made = Vec::new();
    for n in 0..7 {
        app.clock.advance_ms(1_000);
        let payment = app.create(json!({"order_id": format!("o{}", n % 2)})).await;
        made.insert(0, payment["id"].as_str().unwrap().to_owned());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/payments?limit=3{cursor}")).await.expect(200);
        assert_eq!(page["object"], "list");
        seen.extend(ids(&page));
        let Some(next) = page["next_cursor"].as_str() else {
            assert_eq!(page["has_more"], false);
            break;
        };
        assert_eq!(page["has_more"], true);
        cursor = format!("&starting_after={next}");
    }
    assert_eq!(seen, made);

    let odd = app.get("/v1/payments?order_id=o1").await.expect(200);
    assert_eq!(ids(&odd).len(), 3);
    for (query, count) in [
        ("status=open", 7),
        ("status=paid", 0),
        ("bank=tochka", 7),
        ("bank=sber", 0),
        ("created_from=2026-11-21T12:00:04Z", 4),
        ("created_to=2026-11-21T12:00:04Z", 3),
        ("created_from=2026-11-21T15:00:04+03:00", 4),
        ("created_from=2026-11-21&created_to=2026-11-22", 7),
        ("created_from=2026-11-22", 0),
    ] {
        let page = app.get(&format!("/v1/payments?{query}")).await.expect(200);
        assert_eq!(ids(&page).len(), count, "{query}");
    }
    for (query, code, param) in [
        ("limit=0", "param_invalid", "limit"),
        ("limit=101", "param_invalid", "limit"),
        ("limit=x", "param_invalid", "limit"),
        ("status=done", "param_invalid", "status"),
        ("created_from=yesterday", "param_invalid", "created_from"),
        ("starting_after=1", "cursor_invalid", "starting_after"),
        ("page=2", "param_unknown", "page"),
        ("limit=1&limit=2", "param_duplicate", "limit"),
    ] {
        let error = app.get(&format!("/v1/payments?{query}")).await.expect_error(422, code);
        assert_eq!(error["param"], param);
    }
}

#[tokio::test]
async fn events_are_read_on_from_a_cursor() {
    let app = TestApp::new().await;
    let payment = app.create_paid(json!({})).await;
    let page = app.get("/v1/events?limit=2").await.expect(200);
    let kinds = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap();
        data.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&page), ["payment.created", "payment.opened"]);
    assert_eq!(page["has_more"], true);
    assert_eq!(page["data"][0]["seq"], 1);
    assert_eq!(page["data"][0]["payment"]["status"], "opening");
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/v1/events?starting_after={cursor}")).await.expect(200);
    assert_eq!(kinds(&rest), ["payment.paid"]);
    assert_eq!(rest["has_more"], false);
    let cursor = rest["next_cursor"].as_str().unwrap();
    let none = app.get(&format!("/v1/events?starting_after={cursor}")).await.expect(200);
    assert_eq!((&none["data"], none["next_cursor"].as_str()), (&json!([]), Some(cursor)));
    let paid = app.get("/v1/events?type=payment.paid").await.expect(200);
    assert_eq!(paid["data"][0]["payment_id"], payment["id"]);
    let bad = app.get("/v1/events?starting_after=ev_x").await;
    bad.expect_error(422, "cursor_invalid");
    app.get("/v1/events?type=payment.gone").await.expect_error(422, "param_invalid");
}

#[tokio::test]
async fn a_timeline_tells_the_story_without_secrets() {
    let app = TestApp::with_notices().await;
    let payment = app.create_paid(json!({})).await;
    let path = format!("/v1/payments/{}/timeline", payment["id"].as_str().unwrap());
    let story = app.get(&path).await;
    let token = app.connection.credentials.get("access_token").to_owned();
    assert!(!story.text().contains(&token));
    let story = story.expect(200);
    let names: Vec<&str> =
        story["data"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
    for name in ["payment.created", "create_link", "payment.opened", "payment.paid"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(names.contains(&"acquiringInternetPayment"), "{names:?}");
}

#[tokio::test]
async fn me_shows_the_shop_and_its_banks_without_secrets() {
    let app = TestApp::new().await;
    let reply = app.get("/v1/me").await;
    assert!(!reply.text().contains(app.connection.credentials.get("access_token")));
    let me = reply.expect(200);
    assert_eq!(me["id"], app.shop.id.as_str());
    assert_eq!(me["key"]["prefix"], &app.key[..8]);
    let url = format!("{PUBLIC_URL}{}", app.notice_path());
    assert_eq!(me["connections"][0]["notice_url"], url.as_str());
}
