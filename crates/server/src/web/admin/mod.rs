//! The dashboard at `/admin`: what the shop's people see and do.
//!
//! It decides nothing: what changes something goes through the API's own routes ([`inner`]), what
//! is seen is read from the stores. Invariants: nothing is shown to somebody who is not in; each
//! way says which permission it needs ([`door`]); each change is in the audit.

mod bank;
mod cookie;
mod door;
mod entry;
mod export;
mod frame;
mod guest;
mod inner;
mod keys;
mod links;
mod me;
mod payment;
mod payments;
mod people;
mod places;
mod receipts;
mod refuse;
mod search;
mod settings;
mod sheet;
mod subscriptions;
mod tell;
mod today;
mod words;

use axum::Router;

pub use door::Door;
use door::Doors;
use inner::Inner;

use crate::http::Server;

fn doors() -> Doors {
    let doors = today::doors(Doors::default());
    let doors = payments::doors(doors);
    let doors = payment::doors(doors);
    let doors = links::doors(doors);
    let doors = receipts::doors(doors);
    let doors = subscriptions::doors(doors);
    let doors = places::doors(doors);
    let doors = tell::doors(doors);
    let doors = keys::doors(doors);
    let doors = bank::doors(doors);
    let doors = people::doors(doors);
    let doors = me::doors(doors);
    settings::doors(doors)
}

/// Every way in with what it asks for: for the test of each role at each.
pub fn list_doors() -> Vec<Door> {
    doors().list().to_vec()
}

/// `api` is the API without its door of keys.
pub fn routes(server: &Server, api: Router) -> Router<Server> {
    doors().close(server, Inner::new(api)).merge(entry::routes())
}
