//! Outgoing HTTP and mail: the only code that opens a connection to somebody else.

mod guard;
mod mail;

use std::{error::Error as StdError, fs, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use kopeck_banks::{
    exchange::{Heard, Silence},
    http::{HttpReply, HttpRequest},
};
use kopeck_integrations::email::wire::Submission;
use reqwest::{Certificate, Client, Method, Url, header::HeaderMap, redirect, retry};

pub use guard::AddressPolicy;

pub type SharedWire = Arc<dyn Wire>;
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Carries one request and brings the reply, or the silence. Never retries: whether a request may
/// be sent again is a decision for those who know what it means.
pub trait Wire: Send + Sync {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard>;

    /// The same where the reply has to be read whole, up to so many bytes: a longer one, or one
    /// that breaks off, is silence.
    fn fetch(&self, request: HttpRequest, _max_bytes: usize) -> BoxFuture<Heard> {
        self.send(request)
    }

    /// Why nothing can ever be sent to this address; names are checked when they are resolved.
    fn refuse(&self, _url: &str) -> Option<UrlProblem> {
        None
    }

    /// The same, after a look at where the name leads now. It may lead elsewhere later, so it is
    /// looked at again with every request; a name that nobody knows yet is no problem.
    fn look_up(&self, url: &str) -> BoxFuture<Option<UrlProblem>> {
        let problem = self.refuse(url);
        Box::pin(async move { problem })
    }
}

/// Why an address cannot be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlProblem {
    /// It is no address, or of a kind that we do not speak.
    Bad(String),
    /// It is one that must not be called from here.
    Private(String),
}

/// The largest reply read: a day's register of a busy shop takes about 1 MB.
pub const REPLY_MAX_BYTES: usize = 16 * 1024 * 1024;
/// What a courier reads of a reply of which only the status counts: enough to see why it failed.
const EXCERPT_MAX_BYTES: usize = 64 * 1024;
/// How long a courier waits for the text of a reply whose status it has.
const EXCERPT_WAIT: Duration = Duration::from_secs(2);
/// How long whoever makes a webhook waits for its name to be resolved.
const LOOK_UP_WAIT: Duration = Duration::from_secs(3);
/// How long a courier waits for an answer: as Standard Webhooks has it, 15 to 30 seconds.
const COURIER_WAIT_MS: u64 = 20_000;
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
    /// Only the status counts: of the text, the beginning is enough. Letters pass, too.
    is_courier: bool,
    post: mail::Post,
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
        let mut extra_roots = Vec::new();
        if let Some(path) = &settings.extra_ca_file {
            let shown = || format!("net.extra_ca_file {}", path.display());
            let pem = fs::read(path).with_context(shown)?;
            let roots = Certificate::from_pem_bundle(&pem).with_context(shown)?;
            anyhow::ensure!(!roots.is_empty(), "{} holds no PEM certificate", shown());
            builder = builder.tls_certs_merge(roots);
            extra_roots = pem;
        }
        let client = builder.build().context("cannot set up outgoing HTTP")?;
        Ok(NetWire {
            client,
            policy,
            is_courier: false,
            post: mail::Post {
                policy,
                extra_roots: extra_roots.into(),
                connect_wait: Duration::from_millis(settings.connect_timeout_ms),
                answer_wait: Duration::from_millis(settings.timeout_ms),
            },
        })
    }

    /// A wire to those who are told of something: whatever they answer, the status is the answer,
    /// and no reply of theirs takes long or much memory.
    pub fn courier(settings: &NetSettings) -> anyhow::Result<NetWire> {
        let timeout_ms = settings.timeout_ms.min(COURIER_WAIT_MS);
        let wire = NetWire::new(&NetSettings { timeout_ms, ..settings.clone() })?;
        Ok(NetWire { is_courier: true, ..wire })
    }

    fn carry(&self, request: HttpRequest, reading: Reading) -> BoxFuture<Heard> {
        let NetWire { client, policy, is_courier, post } = self.clone();
        Box::pin(async move {
            if is_courier && Submission::is_one(&request) {
                let bad = || Silence::NotSent("this letter cannot be handed in".to_owned());
                let submission = Submission::parse(&request).ok_or_else(bad)?;
                return post.carry(submission).await;
            }
            let request = prepare(request, policy)?;
            let reply = client.execute(request).await.map_err(|error| silence(&error))?;
            match reading {
                Reading::Glance => Ok(glance(reply).await),
                Reading::Whole { max_bytes } => read(reply, max_bytes).await,
            }
        })
    }
}

/// How much of a reply is needed.
#[derive(Clone, Copy)]
enum Reading {
    /// The status, and how the text begins.
    Glance,
    Whole {
        max_bytes: usize,
    },
}

impl Wire for NetWire {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard> {
        let whole = Reading::Whole { max_bytes: REPLY_MAX_BYTES };
        self.carry(request, if self.is_courier { Reading::Glance } else { whole })
    }

    fn fetch(&self, request: HttpRequest, max_bytes: usize) -> BoxFuture<Heard> {
        self.carry(request, Reading::Whole { max_bytes })
    }

    fn refuse(&self, url: &str) -> Option<UrlProblem> {
        check_url(url, self.policy).err()
    }

    fn look_up(&self, url: &str) -> BoxFuture<Option<UrlProblem>> {
        let (checked, policy) = (check_url(url, self.policy), self.policy);
        Box::pin(async move {
            let url = match checked {
                Ok(url) => url,
                Err(problem) => return Some(problem),
            };
            let name = url.domain()?.to_owned();
            let looked = tokio::time::timeout(LOOK_UP_WAIT, guard::leads_inside(&name, policy));
            looked.await.ok().flatten().map(UrlProblem::Private)
        })
    }
}

/// An address that is written out never comes to the resolver, so it is checked here.
fn check_url(url: &str, policy: AddressPolicy) -> Result<Url, UrlProblem> {
    let url = Url::parse(url).map_err(|error| UrlProblem::Bad(format!("bad URL: {error}")))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(UrlProblem::Bad(format!("cannot send to `{}:`", url.scheme())));
    }
    policy.check_host(url.host_str().unwrap_or_default()).map_err(UrlProblem::Private)?;
    Ok(url)
}

fn prepare(request: HttpRequest, policy: AddressPolicy) -> Result<reqwest::Request, Silence> {
    let url = check_url(&request.url, policy).map_err(|problem| match problem {
        UrlProblem::Bad(why) | UrlProblem::Private(why) => Silence::NotSent(why),
    })?;
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

async fn read(mut reply: reqwest::Response, max_bytes: usize) -> Heard {
    let status = reply.status().as_u16();
    let headers = read_headers(reply.headers());
    let mut body = Vec::new();
    while let Some(piece) =
        reply.chunk().await.map_err(|error| Silence::Lost(error_text(&error)))?
    {
        if body.len() + piece.len() > max_bytes {
            return Err(Silence::Lost(format!("the reply is larger than {max_bytes} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(HttpReply { status, headers, body })
}

/// The status, and what comes of the text in a short time.
async fn glance(mut reply: reqwest::Response) -> HttpReply {
    let status = reply.status().as_u16();
    let headers = read_headers(reply.headers());
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(piece)) = reply.chunk().await {
            let room = EXCERPT_MAX_BYTES - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if body.len() == EXCERPT_MAX_BYTES {
                break;
            }
        }
    };
    // What did not come in time is not needed.
    let _ = tokio::time::timeout(EXCERPT_WAIT, reading).await;
    HttpReply { status, headers, body }
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
