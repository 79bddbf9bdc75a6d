//! Each way into the dashboard, for each role, for nobody and for another site.

use axum::http::Method;
use kopeck::{staff::model::Role, web::admin::list_doors};

use super::{form, member, owner, send};
use crate::harness::app::TestApp;

/// A path that the pattern fits, of things that are not there.
fn filled(pattern: &str) -> String {
    let part = |part: &str| match part {
        "{step}" => "test".to_owned(),
        _ if part.starts_with('{') => "none_00000000000000000000000000000000".to_owned(),
        _ => part.to_owned(),
    };
    pattern.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn each_role_comes_through_its_own_doors_and_through_no_other() {
    let app = TestApp::new().await;
    let owner = owner(&app).await;
    let mut guests = vec![(Role::Owner, owner)];
    for role in [Role::Accountant, Role::Operator, Role::Reader] {
        guests.push((role, member(&app, role).await));
    }
    let doors = list_doors();
    assert!(doors.len() > 50, "{}", doors.len());
    for door in &doors {
        let path = filled(door.path);
        for (role, guest) in &guests {
            let changes_self = door.path.starts_with("/admin/me/") && door.is_change;
            if changes_self {
                continue;
            }
            let reply =
                if door.is_change { guest.post(&path, &[]).await } else { guest.get(&path).await };
            let is_allowed = role.may(door.permission);
            let is_refused = reply.status == 403 && reply.text().contains("forbidden");
            assert_eq!(!is_refused, is_allowed, "{role:?} at {path}: {}", reply.status);
            assert!(reply.status < 500, "{role:?} at {path}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn nobody_comes_in_without_a_session() {
    let app = TestApp::new().await;
    owner(&app).await;
    for door in list_doors() {
        let path = filled(door.path);
        let method = if door.is_change { Method::POST } else { Method::GET };
        for cookie in ["", "__Host-kopeck=guessed", "kopeck=guessed"] {
            let reply =
                send(&app, (method.clone(), &path), &[("cookie", cookie)], String::new()).await;
            assert_eq!(reply.status, 303, "{path}: {}", reply.text());
            assert!(reply.header("location").starts_with("/admin/login"), "{path}");
        }
    }
    // An API key opens no page.
    assert_eq!(app.get("/admin").await.status, 303);
}

#[tokio::test]
async fn a_form_of_another_site_or_of_another_session_changes_nothing() {
    let app = TestApp::new().await;
    let owner = owner(&app).await;
    let other = member(&app, Role::Owner).await;
    let (word, foreign) = (owner.word().await, other.word().await);
    assert_ne!(word, foreign);
    let changed = async |word: &str, site: &str| {
        let body = form(&[("word", word), ("name", "Чужой")]);
        let headers = [("cookie", owner.cookie.as_str()), ("sec-fetch-site", site)];
        send(&app, (Method::POST, "/admin/settings/name"), &headers, body).await
    };
    for (word, site) in
        [("", "same-origin"), (foreign.as_str(), "same-origin"), (word.as_str(), "cross-site")]
    {
        let reply = changed(word, site).await;
        assert_eq!(reply.status, 403, "{}", reply.text());
        assert!(reply.text().contains("Страница устарела"), "{}", reply.text());
    }
    assert!(!owner.see("/admin").await.contains("Чужой"));
    assert_eq!(changed(&word, "same-origin").await.status, 303);
    assert!(owner.see("/admin").await.contains("Чужой"));
}

#[tokio::test]
async fn every_page_is_shown_in_both_languages_with_headers_that_let_nothing_else_in() {
    let app = TestApp::new().await;
    let owner = owner(&app).await;
    app.create_paid(serde_json::json!({"order_id": "4711"})).await;
    for door in list_doors().iter().filter(|door| !door.is_change && !door.path.contains('{')) {
        for (lang, word) in [("ru", "К содержанию"), ("en", "Skip to the content")] {
            let reply = owner.get(&format!("{}?lang={lang}", door.path)).await;
            assert_eq!(reply.status, 200, "{}: {}", door.path, reply.text());
            let policy = reply.header("content-security-policy");
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.header("x-frame-options"), "DENY");
            assert_eq!(reply.header("strict-transport-security"), "max-age=31536000");
            let page = reply.text();
            assert!(page.contains(word) && page.contains(&format!("<html lang=\"{lang}\"")));
            assert!(!page.contains(" style=") && !page.contains(" onclick="), "{}", door.path);
            if lang == "en" {
                let cyrillic = |c: char| ('а'..='я').contains(&c.to_ascii_lowercase());
                let text = strip(&page);
                let found: String = text.chars().filter(|c| cyrillic(*c)).take(40).collect();
                // The shop's own words, the other language's name and a bank's menu stay.
                let own = [
                    "Битрикс24",
                    "Булочная",
                    "Колобок",
                    "Торт",
                    "Прага",
                    "Ольга",
                    "По-русски",
                    "Интеграции и API",
                ];
                let rest = own.iter().fold(text.clone(), |text, word| text.replace(word, ""));
                let rest = rest.replace("Сгенерировать JWT-ключ", "");
                assert!(!rest.chars().any(cyrillic), "{}: {found}: {rest}", door.path);
            }
        }
    }
}

/// The page's text without its tags.
fn strip(page: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in page.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(c),
            _ => {}
        }
    }
    text
}
