//! Coming in: the first owner, wrong passwords, codes, invitations, sessions that change.

use axum::http::Method;
use kopeck::staff::{
    flow::members::{NewMember, add, invite_url, setup_url},
    model::Role,
    store::list_members,
    totp,
};

use super::{Guest, PASSWORD, cookie_of, form, member, owner, path, send};
use crate::harness::app::{Reply, TestApp};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

async fn log_in(app: &TestApp, login: &str, password: &str) -> Reply {
    let body = form(&[("login", login), ("password", password)]);
    send(app, (Method::POST, "/admin/login"), &[], body).await
}

#[tokio::test]
async fn the_first_who_follows_the_link_owns_the_shop_and_nobody_after() {
    let app = TestApp::new().await;
    let link = path(&setup_url(&app.ctx, &app.shop.id));
    let page = send(&app, (Method::GET, &link), &[], String::new()).await;
    assert_eq!(page.status, 200);
    let (head, signature) = link.rsplit_once('/').expect("a signature");
    let guessed = format!("{head}/{}", "0".repeat(signature.len()));
    let wrong = send(&app, (Method::GET, &guessed), &[], String::new()).await;
    assert_eq!(wrong.status, 410, "a guessed link leads nowhere");
    let fields = |password| form(&[("name", "Ольга"), ("login", "Olga"), ("password", password)]);
    let weak = send(&app, (Method::POST, &link), &[], fields("qwerty12345")).await;
    assert_eq!(weak.status, 422, "{}", weak.text());
    assert!(weak.text().contains("value=\"Ольга\""), "what was typed stays");
    assert!(!weak.text().contains("qwerty12345"), "a password is never shown again");
    let claimed = send(&app, (Method::POST, &link), &[], fields(PASSWORD)).await;
    assert_eq!(claimed.status, 303, "{}", claimed.text());
    let set = claimed.header("set-cookie").to_owned();
    for part in ["__Host-kopeck=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    let guest = Guest { app: &app, cookie: cookie_of(&claimed) };
    assert!(guest.see("/admin").await.contains("Ольга"));
    for method in [Method::GET, Method::POST] {
        let again = send(&app, (method, &link), &[], fields(PASSWORD)).await;
        assert_eq!(again.status, 410, "the link opens once");
    }
    assert_eq!(log_in(&app, " OLGA ", PASSWORD).await.status, 303, "a login has no case");
}

#[tokio::test]
async fn wrong_passwords_wait_and_an_unknown_login_looks_the_same() {
    let app = TestApp::new().await;
    owner(&app).await;
    let known = log_in(&app, "owner", "не тот пароль").await;
    let unknown = log_in(&app, "nobody", "не тот пароль").await;
    assert_eq!((known.status, unknown.status), (403, 403));
    let same = |reply: &Reply| reply.text().replace("owner", "").replace("nobody", "");
    assert_eq!(same(&known), same(&unknown));
    for _ in 0..4 {
        assert_eq!(log_in(&app, "owner", "не тот пароль").await.status, 403);
    }
    let waits = log_in(&app, "owner", PASSWORD).await;
    assert_eq!(waits.status, 429, "the right one waits too: {}", waits.text());
    assert!(waits.text().contains("Слишком много попыток"), "{}", waits.text());
    app.clock.advance_ms(MINUTE_MS + 1);
    assert_eq!(log_in(&app, "owner", PASSWORD).await.status, 303);
    // Those before are forgiven.
    assert_eq!(log_in(&app, "owner", "не тот пароль").await.status, 403);
}

#[tokio::test]
async fn with_an_authenticator_a_password_alone_opens_nothing_and_a_code_counts_once() {
    let app = TestApp::new().await;
    let guest = owner(&app).await;
    let page = guest.post("/admin/me/code", &[]).await;
    assert!(page.text().contains("data:image/svg+xml"), "a code to be scanned");
    let find = async || {
        let shop = app.shop.id.clone();
        let all: Result<_, kopeck::kit::db::DbError> =
            app.ctx.db.read(move |tx| list_members(tx, &shop)).await;
        all.unwrap().remove(0)
    };
    let open = |sealed: Vec<u8>, id: &str| {
        app.ctx.vault.open(&sealed, &format!("totp/{id}")).expect("the secret")
    };
    let it = find().await;
    let secret = open(it.totp_next.expect("to be confirmed"), &it.id);
    let code = |app: &TestApp| totp::code_at(&secret, totp::step_at(app.ctx.now_ms()));
    let wrong = guest.post("/admin/me/code/confirm", &[("code", "000000")]).await;
    assert!(wrong.text().contains("Не подходит"), "{}", wrong.text());
    let first = code(&app);
    let confirmed = guest.post("/admin/me/code/confirm", &[("code", &first)]).await;
    assert_eq!(confirmed.status, 303, "{}", confirmed.text());

    let again = guest.post("/admin/me/code", &[]).await;
    assert_eq!(again.status, 422, "one that is there is taken away with the password first");
    let again = guest.post("/admin/me/code/drop", &[("old", "не тот")]).await;
    assert_eq!(again.status, 422, "{}", again.text());

    let half = log_in(&app, "owner", PASSWORD).await;
    assert_eq!(half.header("location"), "/admin/code?to=/admin");
    let half = Guest { app: &app, cookie: cookie_of(&half) };
    assert_eq!(half.get("/admin").await.status, 303, "half a session opens nothing");
    let page = half.see("/admin/code").await;
    let word = page.split("name=\"word\" value=\"").nth(1).expect("a form");
    let word = word.split('"').next().expect("a word").to_owned();
    let pass = async |code: &str| {
        let headers = [("cookie", half.cookie.as_str())];
        let body = form(&[("word", &word), ("code", code)]);
        send(&app, (Method::POST, "/admin/code"), &headers, body).await
    };
    assert_eq!(pass(&first).await.status, 403, "a code that was used");
    app.clock.advance_ms(30_000);
    let passed = pass(&code(&app)).await;
    assert_eq!(passed.status, 303, "{}", passed.text());
    let whole = Guest { app: &app, cookie: cookie_of(&passed) };
    assert_ne!(whole.cookie, half.cookie, "another token");
    whole.see("/admin").await;
    assert_eq!(half.get("/admin").await.status, 303, "the half one is over");
}

#[tokio::test]
async fn an_invitation_opens_once_and_a_new_password_throws_others_out() {
    let app = TestApp::new().await;
    owner(&app).await;
    let new = NewMember {
        login: "anna".into(),
        name: "Анна".into(),
        role: Role::Operator,
        lang: "ru".into(),
    };
    let anna = add(&app.ctx, &app.shop.id, new).await.expect("added");
    assert_eq!(log_in(&app, "anna", "").await.status, 403, "no password is no password");
    let link = path(&invite_url(&app.ctx, &anna));
    let accept = async |link: &str, password: &str| {
        send(&app, (Method::POST, link), &[], form(&[("password", password)])).await
    };
    app.clock.advance_ms(72 * HOUR_MS);
    assert_eq!(accept(&link, PASSWORD).await.status, 410, "after three days");
    let link = path(&invite_url(&app.ctx, &anna));
    let first = accept(&link, PASSWORD).await;
    assert_eq!(first.status, 303, "{}", first.text());
    assert_eq!(accept(&link, "другой пароль").await.status, 410, "once");
    let first = Guest { app: &app, cookie: cookie_of(&first) };
    let second = log_in(&app, "anna", PASSWORD).await;
    let second = Guest { app: &app, cookie: cookie_of(&second) };
    let both = [("old", PASSWORD), ("new", "совсем новый пароль")];
    assert_eq!(second.post("/admin/me/password", &both).await.status, 303);
    second.see("/admin").await;
    assert_eq!(first.get("/admin").await.status, 303, "the other browser is out");
    assert_eq!(log_in(&app, "anna", PASSWORD).await.status, 403);
}

#[tokio::test]
async fn sessions_change_their_tokens_and_end() {
    let app = TestApp::new().await;
    let guest = owner(&app).await;
    guest.see("/admin").await;
    app.clock.advance_ms(HOUR_MS + 1);
    let rotated = guest.get("/admin").await;
    let next = Guest { app: &app, cookie: cookie_of(&rotated) };
    assert_ne!(next.cookie, guest.cookie);
    next.see("/admin").await;
    guest.see("/admin").await;
    app.clock.advance_ms(MINUTE_MS + 1);
    assert_eq!(guest.get("/admin").await.status, 303, "the token before is over");
    next.see("/admin").await;
    app.clock.advance_ms(12 * HOUR_MS + 1);
    assert_eq!(next.get("/admin").await.status, 303, "nobody came for a day");
    let again = log_in(&app, "owner", PASSWORD).await;
    let again = Guest { app: &app, cookie: cookie_of(&again) };
    let left = again.post("/admin/leave", &[]).await;
    assert!(left.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(again.get("/admin").await.status, 303);
}

#[tokio::test]
async fn the_last_owner_stays_and_another_role_is_let_in_anew() {
    let app = TestApp::new().await;
    let guest = owner(&app).await;
    let shop = app.shop.id.clone();
    let all: Result<_, kopeck::kit::db::DbError> =
        app.ctx.db.read(move |tx| list_members(tx, &shop)).await;
    let own = all.unwrap().remove(0).id;
    for (step, fields) in [("role", &[("role", "reader")][..]), ("disable", &[])] {
        let reply = guest.post(&format!("/admin/staff/{own}/{step}"), fields).await;
        assert!(reply.text().contains("последний владелец"), "{}", reply.text());
    }
    let operator = member(&app, Role::Operator).await;
    operator.see("/admin/links/new").await;
    let shop = app.shop.id.clone();
    let all: Result<_, kopeck::kit::db::DbError> =
        app.ctx.db.read(move |tx| list_members(tx, &shop)).await;
    let other = all.unwrap().remove(1).id;
    let path = format!("/admin/staff/{other}/disable");
    assert_eq!(guest.post(&path, &[]).await.status, 303);
    assert_eq!(operator.get("/admin").await.status, 303, "out at once");
    assert_eq!(log_in(&app, "operator-2", PASSWORD).await.status, 403);
}
