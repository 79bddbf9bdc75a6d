//! What a Bitrix24 portal opens and posts: the install page, events, the robot, the pay system, and
//! the tab in the card of a deal. Pages here live in frames of that portal and of no other.

mod card;
mod page;
mod portal;
mod words;

use axum::Router;

use crate::http::Server;

pub fn routes() -> Router<Server> {
    Router::new().merge(portal::routes()).merge(card::routes())
}
