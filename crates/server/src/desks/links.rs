//! Clerks' links: whoever knows one may charge at its desk, and see what is going on there. No
//! login; a link is made for one clerk and revoked by itself.

use super::{model::ClerkLink, store};
use crate::{
    kit::{Ctx, db::DbError, secret},
    places::{self, model::Place},
};

/// 32 letters of five bits: nobody guesses it.
const LETTERS: usize = 32;

/// Makes a link; the second value is its secret part, known this once.
pub async fn make(ctx: &Ctx, place: &Place, name: &str) -> Result<(ClerkLink, String), DbError> {
    let token = ctx.mint.code(LETTERS);
    let link = ClerkLink {
        id: ctx.mint.id("cl"),
        place_id: place.id.clone(),
        name: name.to_owned(),
        created_ms: ctx.now_ms(),
        revoked_ms: None,
    };
    let (row, hash) = (link.clone(), secret::hash_token(&token));
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| store::insert_link(tx, &row, &hash)).await;
    saved.map(|()| (link, token))
}

/// The desk and the clerk of a link that was not revoked. Looked up by hash, so time tells nothing.
pub async fn find(ctx: &Ctx, token: &str) -> Result<Option<(Place, ClerkLink)>, DbError> {
    let hash = secret::hash_token(token);
    ctx.db
        .read(move |tx| {
            let Some(link) = store::find_link(tx, &hash)? else { return Ok(None) };
            let place = places::store::find_place_by_id(tx, &link.place_id)?;
            Ok(place.map(|place| (place, link)))
        })
        .await
}

pub async fn revoke(ctx: &Ctx, place_id: &str, id: &str) -> Result<bool, DbError> {
    let (place_id, id, now_ms) = (place_id.to_owned(), id.to_owned(), ctx.now_ms());
    ctx.db.write(move |tx| store::revoke_link(tx, &place_id, &id, now_ms)).await
}

pub async fn list(ctx: &Ctx, place_id: &str) -> Result<Vec<ClerkLink>, DbError> {
    let place_id = place_id.to_owned();
    ctx.db.read(move |tx| store::list_links(tx, &place_id)).await
}
