//! The dashboard: who comes in, who may do what, and that what is done there is done once.

mod doors;
mod login;
mod work;

use axum::{
    body::Body,
    http::{Method, Request},
};
use kopeck::staff::{
    flow::members::{NewMember, add, claim, invite_url, setup_url},
    model::Role,
};

use crate::harness::app::{PUBLIC_URL, Reply, TestApp};

pub const PASSWORD: &str = "три синих кита";

/// A browser of somebody who is in.
pub struct Guest<'a> {
    pub app: &'a TestApp,
    pub cookie: String,
}

pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let one = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(one).collect()
}

pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    pairs.join("&")
}

/// The path of one of our own addresses.
pub fn path(url: &str) -> String {
    url.strip_prefix(PUBLIC_URL).expect("our own address").to_owned()
}

/// The cookie that an answer sets.
pub fn cookie_of(reply: &Reply) -> String {
    let set = reply.header("set-cookie");
    set.split(';').next().expect("a cookie").to_owned()
}

pub async fn send(
    app: &TestApp,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
    body: String,
) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(body)).expect("a request")).await
}

/// The shop's owner is in.
pub async fn owner(app: &TestApp) -> Guest<'_> {
    let url = setup_url(&app.ctx, &app.shop.id);
    let signature = url.rsplit('/').next().expect("a signature");
    let new = NewMember {
        login: "owner".into(),
        name: "Ольга".into(),
        role: Role::Owner,
        lang: "ru".into(),
    };
    let claimed = claim(&app.ctx, (&app.shop.id, signature), new, PASSWORD.into()).await;
    Guest { app, cookie: format!("__Host-kopeck={}", claimed.expect("the owner is in")) }
}

/// Somebody with this role is in.
pub async fn member(app: &TestApp, role: Role) -> Guest<'_> {
    let login = format!("{}-2", role.as_str());
    let new = NewMember { name: login.clone(), login, role, lang: "ru".into() };
    let member = add(&app.ctx, &app.shop.id, new).await.expect("added");
    let to = path(&invite_url(&app.ctx, &member));
    let reply = send(app, (Method::POST, &to), &[], form(&[("password", PASSWORD)])).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    Guest { app, cookie: cookie_of(&reply) }
}

impl Guest<'_> {
    pub async fn get(&self, path: &str) -> Reply {
        send(self.app, (Method::GET, path), &[("cookie", &self.cookie)], String::new()).await
    }

    /// The page, if it is shown.
    pub async fn see(&self, path: &str) -> String {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }

    /// The hidden word of this session's forms.
    pub async fn word(&self) -> String {
        let page = self.see("/admin/me").await;
        let rest = page.split("name=\"word\" value=\"").nth(1).expect("a form");
        rest.split('"').next().expect("a word").to_owned()
    }

    /// A form that the browser sends from our own page.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let word = self.word().await;
        let mut all = vec![("word", word.as_str())];
        all.extend_from_slice(fields);
        let headers = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        send(self.app, (Method::POST, path), &headers, form(&all)).await
    }
}
