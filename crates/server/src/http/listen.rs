//! Takes connections from a socket and serves each, within bounds that a stranger cannot stretch.
//!
//! A proxy in front is welcome and not needed: whoever opens a connection and says nothing, or a
//! letter a minute, is let go, and no number of them takes the last open file from the database.
//! Never looks into a request: that is the router's.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};

/// Below the 1,024 files that a process may usually have open; the rest is for the database and
/// the banks. More connections wait in the kernel's queue until one of these ends.
const MAX_CONNECTIONS: usize = 800;
/// A wait after the machine itself refused a connection: it lacks files or memory just now.
const EXHAUSTED_WAIT: Duration = Duration::from_secs(1);

/// Serves until told to stop; then takes no more connections and returns when all requests that
/// run are answered. A connection ends when no whole head of a request came within `head_wait`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    head_wait: Duration,
    stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let taken = tokio::select! {
            taken = take(&listener, &room) => taken,
            () = stopped(stop.clone()) => break,
        };
        while open.try_join_next().is_some() {}
        match taken {
            Ok((stream, place)) => {
                let router = router.clone();
                open.spawn(connection(stream, router, head_wait, stop.clone(), place));
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
        }
    }
    while open.join_next().await.is_some() {}
}

/// The next connection, once there is a place for it.
async fn take(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// One connection with its requests, to its end. What breaks it is the peer's and no news.
async fn connection(
    stream: TcpStream,
    router: Router,
    head_wait: Duration,
    stop: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    // Answers are small and whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let mut serving = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_wait)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    tokio::select! {
        ended = serving.as_mut() => {
            if let Err(error) = ended {
                tracing::trace!("a connection broke: {error}");
            }
        }
        () = stopped(stop) => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
    drop(place);
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone: the same as an order to stop.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Gone before it was taken.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
