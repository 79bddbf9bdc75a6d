//! Outgoing HTTP: the only code that opens a connection to somebody else.

mod guard;

use std::{error::Error as StdError, fs, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use kopeck_banks::{
    exchange::{Heard, Silence},
    http::{HttpReply, HttpRequest},
};
use reqwest::{Certificate, Client, Method, Url, header::HeaderMap, redirect, retry};

pub use guard::AddressPolicy;

pub type SharedWire = Arc<dyn Wire>;
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Carries one request and brings the reply, or the silence. Never retries: whether a request may
/// be sent again is a decision for those who know what it means.
pub trait Wire: Send + Sync {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard>;
}

/// The largest reply read: a day's register of a busy shop takes about 1 MB.
pub const REPLY_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Banks close idle connections after a minute; a connection that they have just closed costs an
/// unknown outcome, so ours are closed first.
const IDLE: Duration = Duration::from_secs(20);
const USER_AGENT: &str = concat!("kopeck/", env!("CARGO_PKG_VERSION"));

/// How to reach others.
#[derive(Clone, Debug)]
pub struct NetSettings {
    pub policy: AddressPolicy,
    /// PEM file with roots beside the system's.
    pub extra_ca_file: Option<PathBuf>,
    pub connect_timeout_ms: u64,
    /// For the whole exchange, reading the reply included.
    pub timeout_ms: u64,
}

/// The real network. No redirects, no proxies from the environment, no retries; certificates are
/// always verified. Its futures need a tokio runtime.
#[derive(Clone, Debug)]
pub struct NetWire {
    client: Client,
    policy: AddressPolicy,
}

impl NetWire {
    pub fn new(settings: &NetSettings) -> anyhow::Result<NetWire> {
        let policy = settings.policy;
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            // A redirect would carry the bank's token, or our webhook, to somebody else.
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // A proxy would resolve names by itself, behind the address guard's back.
            .no_proxy()
            .dns_resolver(guard::Resolver(policy))
            .pool_idle_timeout(IDLE)
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .timeout(Duration::from_millis(settings.timeout_ms));
        if let Some(path) = &settings.extra_ca_file {
            let shown = || format!("net.extra_ca_file {}", path.display());
            let pem = fs::read(path).with_context(shown)?;
            let roots = Certificate::from_pem_bundle(&pem).with_context(shown)?;
            anyhow::ensure!(!roots.is_empty(), "{} holds no PEM certificate", shown());
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().context("cannot set up outgoing HTTP")?;
        Ok(NetWire { client, policy })
    }
}

impl Wire for NetWire {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard> {
        let NetWire { client, policy } = self.clone();
        Box::pin(async move {
            let request = prepare(request, policy)?;
            let reply = client.execute(request).await.map_err(|error| silence(&error))?;
            read(reply).await
        })
    }
}

/// An address that is written out never comes to the resolver, so it is checked here.
fn prepare(request: HttpRequest, policy: AddressPolicy) -> Result<reqwest::Request, Silence> {
    let not_sent = |why: String| Silence::NotSent(why);
    let url = Url::parse(&request.url).map_err(|error| not_sent(format!("bad URL: {error}")))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(not_sent(format!("cannot send to `{}:`", url.scheme())));
    }
    policy.check_host(url.host_str().unwrap_or_default()).map_err(not_sent)?;
    let method = match request.method {
        kopeck_banks::http::Method::Get => Method::GET,
        kopeck_banks::http::Method::Post => Method::POST,
        kopeck_banks::http::Method::Put => Method::PUT,
        kopeck_banks::http::Method::Delete => Method::DELETE,
    };
    let mut ready = reqwest::Request::new(method, url);
    for (name, value) in request.headers {
        let bad = |_| Silence::NotSent(format!("header `{name}` cannot be sent"));
        let key = name.parse::<reqwest::header::HeaderName>().map_err(|_| bad(()))?;
        let value = value.parse::<reqwest::header::HeaderValue>().map_err(|_| bad(()))?;
        ready.headers_mut().append(key, value);
    }
    *ready.body_mut() = Some(request.body.into());
    Ok(ready)
}

/// Only what failed before there was a connection is known not to have been sent.
fn silence(error: &reqwest::Error) -> Silence {
    // The URL may hold a token.
    let mut why = String::new();
    let mut cause: Option<&dyn StdError> = error.source();
    while let Some(error) = cause {
        if !why.is_empty() {
            why.push_str(": ");
        }
        why.push_str(&error.to_string());
        cause = error.source();
    }
    if error.is_timeout() {
        why = format!("no answer in time ({why})");
    }
    if error.is_connect() || error.is_builder() {
        Silence::NotSent(why)
    } else {
        Silence::Lost(why)
    }
}

async fn read(mut reply: reqwest::Response) -> Heard {
    let status = reply.status().as_u16();
    let headers = read_headers(reply.headers());
    let mut body = Vec::new();
    while let Some(piece) =
        reply.chunk().await.map_err(|error| Silence::Lost(error_text(&error)))?
    {
        if body.len() + piece.len() > REPLY_MAX_BYTES {
            return Err(Silence::Lost(format!("the reply is larger than {REPLY_MAX_BYTES} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(HttpReply { status, headers, body })
}

fn error_text(error: &reqwest::Error) -> String {
    match silence(error) {
        Silence::NotSent(why) | Silence::Lost(why) => format!("the reply broke off: {why}"),
    }
}

fn read_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(k, v)| (k.as_str().to_owned(), text(v.as_bytes()))).collect()
}
