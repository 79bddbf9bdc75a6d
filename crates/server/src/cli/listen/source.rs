//! Where events come from: this database, or a server's API by long poll.

use std::{sync::Arc, time::Duration};

use kopeck_banks::{
    exchange::Silence,
    http::{HttpRequest, Method},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    cli::{
        context::{Globals, World},
        fail::Fail,
    },
    events::{EventFilter, StoredEvent, api::EventView, find_event, find_last_seq, list_events},
    kit::{
        config::Config,
        db::DbError,
        net::{AddressPolicy, NetSettings, NetWire, SharedWire},
        secret::Secret,
    },
    webhooks::payload::{render_raw, render_view},
};

/// The code of a failure that passes.
pub const UNREACHABLE: &str = "server_unreachable";
/// How often the database is looked at.
const TICK: Duration = Duration::from_millis(300);
/// How long the server may keep us waiting for the next event.
const WAIT_S: u64 = 15;
const BATCH: i64 = 100;

/// An event as a webhook would be sent it.
pub struct Event {
    pub id: String,
    pub kind: String,
    pub body: Vec<u8>,
}

pub enum Source {
    Database(Box<World>),
    Server { wire: SharedWire, url: String, key: Secret<String> },
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created_at: String,
}

impl Source {
    pub async fn database(globals: &Globals) -> Result<Source, Fail> {
        Ok(Source::Database(Box::new(globals.open().await?)))
    }

    pub fn server(url: &str, key: &str, config: &Config) -> Result<Source, Fail> {
        let settings = NetSettings {
            policy: AddressPolicy::OperatorChosen,
            timeout_ms: (WAIT_S + 15) * 1_000,
            ..config.net_settings()
        };
        let url = url.trim_end_matches('/').to_owned();
        let wire = Arc::new(NetWire::new(&settings)?);
        Ok(Source::Server { wire, url, key: Secret::new(key.to_owned()) })
    }

    /// The last event there is.
    pub async fn last(&self) -> Result<Option<String>, Fail> {
        match self {
            Source::Database(world) => {
                let shop_id = world.shop.id.clone();
                let found: Result<Vec<StoredEvent>, DbError> = world
                    .ctx
                    .db
                    .read(move |tx| {
                        let after_seq = find_last_seq(tx, &shop_id)? - 1;
                        let filter = EventFilter { after_seq, ..Default::default() };
                        list_events(tx, &shop_id, &filter, 1)
                    })
                    .await;
                Ok(found?.pop().map(|event| event.id))
            }
            Source::Server { .. } => Ok(self.page("starting_after=now").await?.next_cursor),
        }
    }

    /// The next events; waits for the first one, unless it is told not to.
    pub async fn after(&self, cursor: Option<&str>, is_hurried: bool) -> Result<Vec<Event>, Fail> {
        match self {
            Source::Database(world) => loop {
                let batch = read(world, cursor).await?;
                if !batch.is_empty() || is_hurried {
                    return Ok(batch);
                }
                tokio::time::sleep(TICK).await;
            },
            Source::Server { .. } => {
                let wait = if is_hurried { 0 } else { WAIT_S };
                let after = cursor.map(|id| format!("&starting_after={id}")).unwrap_or_default();
                let page = self.page(&format!("limit={BATCH}&wait={wait}{after}")).await?;
                page.data.iter().map(|raw| read_raw(raw)).collect()
            }
        }
    }

    async fn page(&self, query: &str) -> Result<Page, Fail> {
        let Source::Server { wire, url, key } = self else { return Err(strange()) };
        let request = HttpRequest::new(Method::Get, format!("{url}/v1/events?{query}"))
            .header("authorization", format!("Bearer {}", key.reveal()));
        let reply = match wire.send(request).await {
            Ok(reply) => reply,
            Err(Silence::NotSent(why) | Silence::Lost(why)) => {
                let message = format!("{url} does not answer: {why}");
                return Err(Fail::new(UNREACHABLE, message, "Is `kopeck serve` running there?"));
            }
        };
        match reply.status {
            200 => serde_json::from_slice(&reply.body).map_err(|_| strange()),
            401 => {
                let hint = "`kopeck keys create` on the server makes a key";
                Err(Fail::new("api_key_invalid", "The server does not know this key", hint))
            }
            429 | 500..=599 => {
                let message = format!("{url} answered {}", reply.status);
                Err(Fail::new(UNREACHABLE, message, ""))
            }
            status => {
                let message = format!("{url} answered {status}");
                Err(Fail::new("server_strange", message, "Is that a Kopeck of this version?"))
            }
        }
    }
}

fn strange() -> Fail {
    let hint = "Is that a Kopeck of this version?";
    Fail::new("server_strange", "The server answered something else than events", hint)
}

fn read_raw(raw: &RawValue) -> Result<Event, Fail> {
    let head: Head = serde_json::from_str(raw.get()).map_err(|_| strange())?;
    let body = render_raw(&head.kind, &head.created_at, raw)?;
    Ok(Event { id: head.id, kind: head.kind, body })
}

async fn read(world: &World, cursor: Option<&str>) -> Result<Vec<Event>, Fail> {
    let (shop_id, cursor) = (world.shop.id.clone(), cursor.map(str::to_owned));
    let found: Result<Option<Vec<StoredEvent>>, DbError> = world
        .ctx
        .db
        .read(move |tx| {
            let after_seq = match &cursor {
                None => 0,
                Some(id) => match find_event(tx, &shop_id, id)? {
                    Some(event) => event.seq,
                    None => return Ok(None),
                },
            };
            let filter = EventFilter { after_seq, ..Default::default() };
            list_events(tx, &shop_id, &filter, BATCH).map(Some)
        })
        .await;
    let events = found?.ok_or_else(|| {
        let hint = "Listen under another --name";
        Fail::new("cursor_invalid", "This listener's last event is not in this database", hint)
    })?;
    let mut batch = Vec::new();
    for event in events {
        let view = EventView::from(event);
        let body = render_view(&view)?;
        batch.push(Event { id: view.id, kind: view.kind, body });
    }
    Ok(batch)
}
