//! A stream that tells a page when its payment has moved on: within a moment when this process
//! heard of it, within a second when another one did. It says that there is news and never what.
//!
//! A stream ends by itself; the browser asks again. There are so many and no more: who gets none,
//! asks every few seconds instead.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};

use super::routes::current_version;
use crate::http::Server;

/// A quarter of the connections that the server takes at all.
const MAX_STREAMS: usize = 200;
/// Below the minute after which proxies cut what says nothing.
const LIFE: Duration = Duration::from_secs(50);
/// What another process wrote, nobody tells us.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Many notices at once are one piece of news.
const BREATH: Duration = Duration::from_millis(50);
/// For the browser: when to ask again after an end, in milliseconds.
const HELLO: &[u8] = b"retry: 1000\n\n";
const NEWS: &[u8] = b"data: news\n\n";

/// The places that there are for streams.
#[derive(Clone)]
pub struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Streams {
        Streams(Arc::new(Semaphore::new(MAX_STREAMS)))
    }
}

impl Streams {
    /// The stream of a payment for a page that shows the version `shown`.
    pub fn open(&self, server: Server, id: String, shown: String) -> Response {
        let Ok(place) = Arc::clone(&self.0).try_acquire_owned() else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let (sender, receiver) = mpsc::channel(2);
        tokio::spawn(async move {
            // Its end is no error: the browser asks again.
            let _ = timeout(LIFE, watch(&server, &id, &shown, &sender)).await;
            drop(place);
        });
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            // A proxy that gathers what it passes on would keep the news to itself.
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        (headers, Body::new(Stream(receiver))).into_response()
    }
}

async fn watch(server: &Server, id: &str, shown: &str, sender: &mpsc::Sender<Bytes>) {
    if sender.send(Bytes::from_static(HELLO)).await.is_err() {
        return;
    }
    loop {
        // Before the look, so that what comes during it is not missed.
        let mut news = std::pin::pin!(server.news.notified());
        news.as_mut().enable();
        match current_version(server, id).await {
            Ok(Some(version)) if version == shown => {}
            Ok(Some(_) | None) => {
                let _ = sender.send(Bytes::from_static(NEWS)).await;
                return;
            }
            Err(error) => return tracing::error!("{id}: watched in vain: {error}"),
        }
        tokio::select! {
            () = news => sleep(BREATH).await,
            () = sleep(LOOK_EVERY) => {}
            () = sender.closed() => return,
            () = server.closed() => return,
        }
    }
}

/// What comes through a channel, as a body.
struct Stream(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}
