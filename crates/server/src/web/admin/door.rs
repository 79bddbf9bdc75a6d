//! The doors of the dashboard: each says who may come through and what is written down of it.
//!
//! A route that is not in the list cannot be reached; a change is in the audit before its handler
//! runs; a form without its session's word changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    handler::Handler,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use kopeck_banks::http::parse_query;
use serde_json::json;

use super::{
    cookie,
    frame::Frame,
    guest::{Fields, Guest},
    inner::Inner,
    refuse,
};
use crate::{
    http::{ApiError, Server},
    staff::{
        flow::{
            Actor, begin_change, end_change,
            members::update,
            sessions::{Visit, find_visit, form_word, is_form_word, renew},
        },
        model::{Outcome, Permission},
    },
    web::{headers::secure, lang::Lang},
};

/// A form of ours is below 16 KiB.
const MAX_FORM: usize = 256 * 1024;
/// The hidden field that another site cannot know.
pub const WORD: &str = "word";
/// Pages of somebody who is in are kept by nobody.
pub const CACHE: &str = "no-store";

/// One way in.
#[derive(Clone, Copy, Debug)]
pub struct Door {
    pub is_change: bool,
    pub path: &'static str,
    pub permission: Permission,
    /// Of a change: what the audit calls it, and which fields it keeps.
    action: &'static str,
    keeps: &'static [&'static str],
}

/// All of them, being collected.
#[derive(Default)]
pub struct Doors {
    router: Router<Server>,
    list: Vec<Door>,
}

impl Doors {
    /// A page that changes nothing.
    pub fn page<H, T>(mut self, path: &'static str, permission: Permission, handler: H) -> Doors
    where
        H: Handler<T, Server>,
        T: 'static,
    {
        self.list.push(Door { is_change: false, path, permission, action: "", keeps: &[] });
        self.router = self.router.route(path, get(handler));
        self
    }

    /// A form that changes something; the audit keeps these fields of it.
    pub fn act<H, T>(
        mut self,
        path: &'static str,
        permission: Permission,
        (action, keeps): (&'static str, &'static [&'static str]),
        handler: H,
    ) -> Doors
    where
        H: Handler<T, Server>,
        T: 'static,
    {
        self.list.push(Door { is_change: true, path, permission, action, keeps });
        self.router = self.router.route(path, post(handler));
        self
    }

    pub fn list(&self) -> &[Door] {
        &self.list
    }

    /// The routes behind their guard.
    pub fn close(self, server: &Server, inner: Inner) -> Router<Server> {
        let gate = Gate { server: server.clone(), doors: self.list.into(), inner };
        self.router.route_layer(from_fn_with_state(gate, guard))
    }
}

#[derive(Clone)]
struct Gate {
    server: Server,
    doors: Arc<[Door]>,
    inner: Inner,
}

impl Gate {
    fn find(&self, request: &Request) -> Option<Door> {
        let path = request.extensions().get::<MatchedPath>()?.as_str();
        let is_change = match *request.method() {
            Method::GET | Method::HEAD => false,
            Method::POST => true,
            _ => return None,
        };
        let is_it = |door: &&Door| door.path == path && door.is_change == is_change;
        self.doors.iter().find(is_it).copied()
    }
}

async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Some(door) = gate.find(&request) else {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    match pass(&gate, door, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn pass(gate: &Gate, door: Door, request: Request, next: Next) -> Result<Response, ApiError> {
    let ctx = &gate.server.ctx;
    let token = cookie::read(request.headers(), &ctx.public_url);
    let visit = match token {
        Some(token) => find_visit(ctx, &token).await?,
        None => None,
    };
    let Some(visit) = visit.filter(|visit| !visit.session.is_half) else {
        let to = (!door.is_change).then(|| request.uri().to_string());
        return Ok(to_login(to.as_deref()));
    };
    let new_token = renew(ctx, &visit).await?;
    // Whatever becomes of the request, the browser keeps the token that counts from now on.
    let admitted = admit(gate, door, visit, request, next).await;
    let mut response = secure(admitted.unwrap_or_else(IntoResponse::into_response), CACHE);
    // Without it browsers do not say from where a form comes.
    let own = HeaderValue::from_static("same-origin");
    response.headers_mut().insert(header::REFERRER_POLICY, own);
    if let Some(token) = new_token {
        cookie::set(&mut response, &token, &ctx.public_url);
    }
    Ok(response)
}

async fn admit(
    gate: &Gate,
    door: Door,
    visit: Visit,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let ctx = &gate.server.ctx;
    let (mut parts, body) = request.into_parts();
    let asked = parts.uri.query().map(parse_query).unwrap_or_default();
    let asked = asked.iter().find(|(name, _)| name == "lang").and_then(|(_, it)| Lang::parse(it));
    let lang = asked.or_else(|| Lang::parse(&visit.member.lang)).unwrap_or(Lang::Ru);
    if asked.is_some() && lang.as_str() != visit.member.lang {
        let whose = (visit.member.shop_id.as_str(), visit.member.id.as_str());
        // A taste that could not be saved is no reason to show nothing.
        let _ = update(ctx, whose, move |it| it.lang = lang.as_str().to_owned()).await;
    }
    let guest = Guest {
        lang,
        word: form_word(ctx, &visit.session),
        path: if door.is_change { parent(parts.uri.path()) } else { parts.uri.path().to_owned() },
        member: visit.member,
        session: visit.session,
    };
    let frame = Frame::new(&guest, &gate.server, parts.uri.query()).await?;
    if !guest.member.role.may(door.permission) {
        return Ok(refuse::forbidden(frame));
    }
    let mut change = None;
    let body = if door.is_change {
        let bytes = match to_bytes(body, MAX_FORM).await {
            Ok(bytes) => bytes,
            Err(_) => return Ok(refuse::stale(frame)),
        };
        let fields = Fields::read(&bytes);
        let is_ours = is_form_word(ctx, &guest.session, fields.get(WORD));
        if !is_ours || !is_same_site(&parts.headers) {
            return Ok(refuse::stale(frame));
        }
        let subject = subject(door.path, parts.uri.path());
        let actor = Actor::of(&guest.member);
        let kept = fields.kept(door.keeps);
        change = Some(begin_change(ctx, &actor, (door.action, &subject), kept).await?);
        parts.extensions.insert(fields);
        Body::empty()
    } else {
        body
    };
    parts.extensions.insert(gate.inner.clone());
    parts.extensions.insert(frame.clone());
    parts.extensions.insert(guest);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(id) = change {
        let is_refused = response.status().is_client_error() || response.status().is_server_error();
        let outcome = if is_refused { Outcome::Refused } else { Outcome::Done };
        end_change(ctx, id, outcome).await?;
    }
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        response = refuse::trouble(frame, &error);
    }
    Ok(response)
}

/// The page that a form belongs to: `/admin/staff` of `/admin/staff/stf_1/role`.
fn parent(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').take(3).collect();
    match parts.join("/").as_str() {
        "/admin/desks" => "/admin/places".to_owned(),
        "/admin/links" => "/admin/links/new".to_owned(),
        other => other.to_owned(),
    }
}

/// To the login, and from there back.
fn to_login(from: Option<&str>) -> Response {
    let to = from.filter(|from| *from != "/admin").map_or(String::new(), |from| {
        let escaped: String = form_escape(from);
        format!("?to={escaped}")
    });
    secure(Redirect::to(&format!("/admin/login{to}")).into_response(), CACHE)
}

/// A value within a query.
pub fn form_escape(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let escape = |byte: u8| {
        if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escape).collect()
}

/// Browsers say from where a form comes; one that says nothing has the form's word alone.
pub fn is_same_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else { return true };
    let host = text(header::HOST.as_str()).unwrap_or("");
    origin.split_once("://").is_some_and(|(_, from)| from == host)
}

/// What the path names: the first part that the pattern leaves open.
fn subject(pattern: &str, path: &str) -> String {
    let mut parts = pattern.split('/').zip(path.split('/'));
    let open = parts.find(|(wanted, _)| wanted.starts_with('{'));
    open.map_or(String::new(), |(_, given)| given.chars().take(100).collect())
}

impl Fields {
    /// The last of each name counts, but lists are kept whole.
    pub fn read(bytes: &[u8]) -> Fields {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in parse_query(&String::from_utf8_lossy(bytes)) {
            all.entry(name).or_default().push(value);
        }
        Fields::new(all)
    }

    /// These fields for the audit, cut to a length that people read.
    fn kept(&self, names: &[&str]) -> String {
        let mut kept = serde_json::Map::new();
        for name in names {
            let value: String = self.get(name).chars().take(200).collect();
            if !value.is_empty() {
                kept.insert((*name).to_owned(), json!(value));
            }
        }
        serde_json::Value::Object(kept).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_what_its_path_leaves_open() {
        assert_eq!(subject("/admin/payments/{id}/refund", "/admin/payments/pay_1/refund"), "pay_1");
        assert_eq!(subject("/admin/links", "/admin/links"), "");
    }

    #[test]
    fn another_site_is_known_by_what_the_browser_says() {
        let says = |rows: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in rows {
                headers.insert(*name, value.parse().unwrap());
            }
            is_same_site(&headers)
        };
        assert!(says(&[("sec-fetch-site", "same-origin")]) && says(&[]));
        assert!(!says(&[("sec-fetch-site", "cross-site")]));
        assert!(!says(&[("sec-fetch-site", "same-site")]), "a neighbour on the domain is another");
        assert!(says(&[("origin", "https://pay.example.ru"), ("host", "pay.example.ru")]));
        assert!(!says(&[("origin", "https://evil.example"), ("host", "pay.example.ru")]));
        assert!(!says(&[("origin", "null"), ("host", "pay.example.ru")]));
    }

    #[test]
    fn the_audit_keeps_what_it_is_told_to_and_no_password() {
        let fields = Fields::read("amount=10%2C50&password=secret&word=x&empty=".as_bytes());
        assert_eq!(fields.kept(&["amount", "empty", "absent"]), r#"{"amount":"10,50"}"#);
    }
}
