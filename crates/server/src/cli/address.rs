//! The address that the bank sends its notices to: registering it, and being there when the bank
//! tries it out.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use kopeck_banks::op::{Answer, BankOp, NoticeAddress, Outcome};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    connect::{answer_of, strange},
    context::World,
    fail::Fail,
};
use crate::{
    app::{self, App},
    gateway::{
        flow::{ask_now, get_bank},
        notices::fetch_keys,
    },
    shops::model::Connection,
};

/// How long replies under way may take when the stand-in goes.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where this connection's notices come in.
pub fn notice_url(public_url: &str, connection: &Connection) -> String {
    format!("{public_url}/notices/{}/{}", connection.bank, connection.id)
}

/// What registering came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    New,
    /// It was registered before, and is anew: that makes the bank test it.
    Again,
    /// The bank sent notices elsewhere before.
    Instead {
        of: String,
    },
}

pub async fn ask(world: &World, connection: &Connection, op: &BankOp) -> Result<Answer, Fail> {
    answer_of(ask_now(&world.ctx, connection, op).await?)
}

/// The address that the bank has now.
pub async fn shown(world: &World, connection: &Connection) -> Result<Option<NoticeAddress>, Fail> {
    let answer = ask(world, connection, &BankOp::ShowNotices).await?;
    let Answer::Notices(address) = answer else { return Err(strange(answer)) };
    Ok(address)
}

/// Registers the address. The bank saves it only after a test notice of each kind got a 200 from
/// it, so somebody must listen there: the running server, or we for the moment.
pub async fn register(
    world: &World,
    connection: &Connection,
    url: &str,
) -> Result<Registered, Fail> {
    let before = shown(world, connection).await?;
    // Those of SBP's own codes too: whoever has none hears of none.
    let can = get_bank(&connection.bank)?.capabilities();
    let wanted = can.payment_notice_kinds.iter().chain(can.sbp_notice_kinds);
    let wanted = wanted.map(|kind| (*kind).to_owned());
    let mut kinds: Vec<String> = wanted.collect();
    if let Some(known) = before.as_ref().filter(|known| known.url == url) {
        kinds.extend(
            known.kinds.iter().filter(|kind| !kinds.contains(kind)).cloned().collect::<Vec<_>>(),
        );
    }
    let op = BankOp::RegisterNotices { url: url.to_owned(), kinds, replace: before.is_some() };
    // The tests of all kinds come at once: none of them should wait for another's keys.
    if can.publishes_notice_keys && connection.notice_keys.is_empty() {
        fetch_keys(&world.ctx, connection).await?;
    }
    let stand_in = StandIn::start(world, url).await;
    let answer = ask(world, connection, &op).await;
    stand_in.stop().await;
    answer?;
    Ok(match before {
        None => Registered::New,
        Some(known) if known.url == url => Registered::Again,
        Some(known) => Registered::Instead { of: known.url },
    })
}

/// A server for as long as the bank tests the address, when ours is not running. It takes notices
/// and runs no jobs: those are for the server that stays.
pub struct StandIn {
    running: Option<(oneshot::Sender<()>, JoinHandle<std::io::Result<()>>)>,
}

impl StandIn {
    /// Listens where the address leads on this machine: at the address itself when it is a
    /// loopback one, else where the server behind the proxy would. If that is taken, the server
    /// runs, and there is nothing to do.
    pub async fn start(world: &World, url: &str) -> StandIn {
        let address = loopback_address(url).unwrap_or(world.config.server.listen);
        let Ok(listener) = TcpListener::bind(address).await else {
            return StandIn { running: None };
        };
        let (stop, stopped) = oneshot::channel();
        let App { ctx, nudge, refused, limits } = App::new(world.ctx.clone());
        let router = app::router(ctx, nudge, refused, limits);
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            // Told or dropped: over either way.
            let _ = stopped.await;
        });
        StandIn { running: Some((stop, tokio::spawn(server.into_future()))) }
    }

    pub async fn stop(self) {
        if let Some((stop, server)) = self.running {
            // It may have ended by itself; what it had to do is done.
            let _ = stop.send(());
            let _ = tokio::time::timeout(FAREWELL, server).await;
        }
    }
}

/// `127.0.0.1:8080` of `http://127.0.0.1:8080/…` or `http://localhost:8080/…`.
pub fn loopback_address(url: &str) -> Option<SocketAddr> {
    let rest = url.strip_prefix("http://")?;
    let authority = rest.split(['/', '?']).next()?;
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    let ip: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
    ip.is_loopback().then_some(SocketAddr::new(ip, port.parse().ok()?))
}

/// Why the bank would not take this address, before it is asked.
pub fn problem(connection: &Connection, url: &str) -> Option<Fail> {
    let op = BankOp::RegisterNotices {
        url: url.to_owned(),
        kinds: vec!["acquiringInternetPayment".to_owned()],
        replace: false,
    };
    let bank = get_bank(&connection.bank).ok()?;
    match bank.start(&connection.credentials, &op) {
        kopeck_banks::bank::Step::Done(Outcome::Refused(refusal)) => Some(refusal.into()),
        kopeck_banks::bank::Step::Done(_) | kopeck_banks::bank::Step::Send(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_listened_at() {
        let found = |url| loopback_address(url).map(|address| address.to_string());
        assert_eq!(found("http://127.0.0.1:8080/notices/a"), Some("127.0.0.1:8080".to_owned()));
        assert_eq!(found("http://localhost/x"), Some("127.0.0.1:80".to_owned()));
        assert_eq!(found("http://[::1]:9/x"), Some("[::1]:9".to_owned()));
        assert_eq!(found("https://pay.example.ru/x"), None);
        assert_eq!(found("http://10.0.0.1:80/x"), None);
    }
}
