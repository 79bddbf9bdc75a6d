//! Outgoing HTTP: the only code that opens a connection to somebody else.

use std::{pin::Pin, sync::Arc};

use kopeck_banks::{exchange::Heard, http::HttpRequest};

pub type SharedWire = Arc<dyn Wire>;
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Carries one request and brings the reply, or the silence. Never retries: whether a request may
/// be sent again is a decision for those who know what it means.
pub trait Wire: Send + Sync {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard>;
}
