//! Use cases of shops: creating them, their keys and connections; opening sealed credentials.

use anyhow::anyhow;
use kopeck_banks::{Credentials, op::Tokens};

use super::{
    brand::{Brand, Color, Logo},
    model::{ApiKey, Connection, Routing, Scope, Shop},
    store::{self, SealedConnection},
};
use crate::kit::{
    Ctx,
    clock::SECOND_MS,
    db::{DbError, Tx},
    secret,
};

/// Every key starts so, which lets scanners find a leaked one.
pub const KEY_PREFIX: &str = "kpk_";
/// 40 characters of 5 bits: nobody guesses 200 bits.
const KEY_CHARS: usize = 40;
/// Characters of a key that are kept in clear, to recognise it in a list.
const KEY_SHOWN_CHARS: usize = 8;

/// The first shop, made if there is none: a small business has one and never has to name it.
pub async fn default_shop(ctx: &Ctx, name: &str) -> anyhow::Result<Shop> {
    let new = Shop { id: ctx.mint.id("shop"), name: name.to_owned(), created_ms: ctx.now_ms() };
    let shop: Result<Shop, DbError> = ctx
        .db
        .write(move |tx| {
            if let Some(first) = store::list_shops(tx)?.into_iter().next() {
                return Ok(first);
            }
            store::insert_shop(tx, &new)?;
            Ok(new)
        })
        .await;
    Ok(shop?)
}

/// Makes a key that opens everything; the second value is the key itself, shown this once.
pub async fn create_key(ctx: &Ctx, shop_id: &str, name: &str) -> anyhow::Result<(ApiKey, String)> {
    create_key_of(ctx, shop_id, name, Scope::All).await
}

/// The same for a key that opens no more than its scope.
pub async fn create_key_of(
    ctx: &Ctx,
    shop_id: &str,
    name: &str,
    scope: Scope,
) -> anyhow::Result<(ApiKey, String)> {
    let text = format!("{KEY_PREFIX}{}", ctx.mint.code(KEY_CHARS));
    let key = ApiKey {
        id: ctx.mint.id("key"),
        shop_id: shop_id.to_owned(),
        name: name.to_owned(),
        prefix: text.chars().take(KEY_SHOWN_CHARS).collect(),
        scope,
        created_ms: ctx.now_ms(),
        revoked_ms: None,
    };
    let (row, hash) = (key.clone(), secret::hash_token(&text));
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| store::insert_key(tx, &row, &hash)).await;
    saved?;
    Ok((key, text))
}

/// The key that this text is, unless it was revoked. Looked up by hash, so time tells nothing.
pub async fn find_key(ctx: &Ctx, text: &str) -> Result<Option<ApiKey>, DbError> {
    let hash = secret::hash_token(text);
    let key: Result<_, DbError> = ctx.db.read(move |tx| store::find_key_by_hash(tx, &hash)).await;
    Ok(key?.filter(|key| key.revoked_ms.is_none()))
}

/// Why a text is no key to anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    Unknown,
    Revoked,
}

/// As [`find_key`], and says why not.
pub async fn authenticate(ctx: &Ctx, text: &str) -> Result<Result<ApiKey, KeyProblem>, DbError> {
    let hash = secret::hash_token(text);
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_key_by_hash(tx, &hash)).await;
    Ok(match found? {
        None => Err(KeyProblem::Unknown),
        Some(key) if key.revoked_ms.is_some() => Err(KeyProblem::Revoked),
        Some(key) => Ok(key),
    })
}

/// Adds a connection to a bank, its credentials sealed.
pub async fn create_connection(
    ctx: &Ctx,
    shop_id: &str,
    bank: &str,
    credentials: Credentials,
    token_expires_ms: Option<i64>,
) -> anyhow::Result<Connection> {
    let id = ctx.mint.id("con");
    let row = SealedConnection {
        sealed: seal(ctx, &id, &credentials)?,
        id,
        shop_id: shop_id.to_owned(),
        bank: bank.to_owned(),
        name: bank.to_owned(),
        token_expires_ms,
        notice_keys: String::new(),
        notice_keys_ms: 0,
        swept_ms: 0,
        created_ms: ctx.now_ms(),
    };
    let opened = open(ctx, row.clone())?;
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| store::insert_connection(tx, &row)).await;
    saved?;
    Ok(opened)
}

/// Replaces a connection's credentials.
pub async fn save_credentials(
    ctx: &Ctx,
    mut connection: Connection,
    credentials: Credentials,
    token_expires_ms: Option<i64>,
) -> anyhow::Result<Connection> {
    let (id, sealed) = (connection.id.clone(), seal(ctx, &connection.id, &credentials)?);
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| store::update_credentials(tx, &id, sealed, token_expires_ms)).await;
    saved?;
    connection.credentials = credentials;
    connection.token_expires_ms = token_expires_ms;
    Ok(connection)
}

/// Keeps fresh OAuth tokens. The old refresh token is worthless from now on.
pub async fn save_tokens(
    ctx: &Ctx,
    connection: Connection,
    tokens: &Tokens,
) -> anyhow::Result<Connection> {
    let mut credentials = connection.credentials.clone();
    credentials.set("access_token", tokens.access_token.as_str());
    if let Some(refresh_token) = &tokens.refresh_token {
        credentials.set("refresh_token", refresh_token.as_str());
    }
    let expires_ms = ctx.now_ms() + token_life_ms(tokens);
    save_credentials(ctx, connection, credentials, Some(expires_ms)).await
}

pub fn token_life_ms(tokens: &Tokens) -> i64 {
    i64::try_from(tokens.expires_in_s).unwrap_or(0).saturating_mul(SECOND_MS)
}

pub async fn find_connection(ctx: &Ctx, id: &str) -> anyhow::Result<Option<Connection>> {
    let id = id.to_owned();
    let row: Result<_, DbError> = ctx.db.read(move |tx| store::find_connection(tx, &id)).await;
    row?.map(|row| open(ctx, row)).transpose()
}

pub async fn get_connection(ctx: &Ctx, id: &str) -> anyhow::Result<Connection> {
    find_connection(ctx, id).await?.ok_or_else(|| anyhow!("there is no connection {id}"))
}

/// The same within a transaction.
pub fn read_connection(tx: &mut dyn Tx, ctx: &Ctx, id: &str) -> anyhow::Result<Connection> {
    let row = store::find_connection(tx, id)?;
    open(ctx, row.ok_or_else(|| anyhow!("there is no connection {id}"))?)
}

pub async fn list_connections(ctx: &Ctx, shop_id: &str) -> anyhow::Result<Vec<Connection>> {
    let shop_id = shop_id.to_owned();
    let rows: Result<Vec<_>, DbError> =
        ctx.db.read(move |tx| store::list_connections(tx, &shop_id)).await;
    rows?.into_iter().map(|row| open(ctx, row)).collect()
}

pub async fn list_all_connections(ctx: &Ctx) -> anyhow::Result<Vec<Connection>> {
    let rows: Result<Vec<_>, DbError> = ctx.db.read(store::list_all_connections).await;
    rows?.into_iter().map(|row| open(ctx, row)).collect()
}

/// A word of a rule that names no connected bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingProblem {
    /// `order`, or the way to pay.
    pub param: String,
    pub word: String,
    pub known: Vec<String>,
}

/// Replaces the shop's rule. One that names a bank which is not connected is not saved: a typing
/// error would send every payment elsewhere.
pub async fn save_routing(
    ctx: &Ctx,
    shop_id: &str,
    rule: Routing,
) -> anyhow::Result<Result<(), RoutingProblem>> {
    let shop_id = shop_id.to_owned();
    let saved: Result<_, DbError> = ctx
        .db
        .write(move |tx| {
            let connections = store::list_connections(tx, &shop_id)?;
            let is_known =
                |word: &str| connections.iter().any(|it| it.bank == word || it.id == word);
            let methods = rule.by_method.iter();
            let methods =
                methods.map(|(method, banks)| (format!("methods.{}", method.as_str()), banks));
            for (param, banks) in methods.chain([("order".to_owned(), &rule.order)]) {
                if let Some(word) = banks.iter().find(|word| !is_known(word)) {
                    let mut known: Vec<String> =
                        connections.iter().map(|it| it.bank.clone()).collect();
                    known.sort();
                    known.dedup();
                    let word = word.clone();
                    return Ok(Err(RoutingProblem { param, word, known }));
                }
            }
            store::update_routing(tx, &shop_id, &rule)?;
            Ok(Ok(()))
        })
        .await;
    Ok(saved?)
}

/// Bound to the connection's id, so that one row's secrets cannot be moved into another.
fn seal(ctx: &Ctx, connection_id: &str, credentials: &Credentials) -> anyhow::Result<Vec<u8>> {
    let plain = serde_json::to_vec(credentials.values())?;
    ctx.vault.seal(ctx.mint.bytes(), &plain, connection_id)
}

fn open(ctx: &Ctx, row: SealedConnection) -> anyhow::Result<Connection> {
    let plain = ctx.vault.open(&row.sealed, &row.id)?;
    let values: std::collections::BTreeMap<String, String> = serde_json::from_slice(&plain)?;
    Ok(Connection {
        credentials: Credentials::new(values),
        id: row.id,
        shop_id: row.shop_id,
        bank: row.bank,
        name: row.name,
        token_expires_ms: row.token_expires_ms,
        notice_keys: row.notice_keys,
        notice_keys_ms: row.notice_keys_ms,
        swept_ms: row.swept_ms,
        created_ms: row.created_ms,
    })
}

/// How the shop looks to its payers.
pub async fn get_brand(ctx: &Ctx, shop_id: &str) -> Result<Brand, DbError> {
    let shop_id = shop_id.to_owned();
    ctx.db.read(move |tx| store::get_brand(tx, &shop_id)).await
}

/// `None` takes the colour away: pages look as ours do.
pub async fn save_accent(ctx: &Ctx, shop_id: &str, accent: Option<Color>) -> Result<(), DbError> {
    let (shop_id, now_ms) = (shop_id.to_owned(), ctx.now_ms());
    ctx.db.write(move |tx| store::upsert_accent(tx, &shop_id, accent, now_ms)).await
}

/// `None` takes the picture away.
pub async fn save_logo(ctx: &Ctx, shop_id: &str, logo: Option<Logo>) -> Result<(), DbError> {
    let (shop_id, now_ms) = (shop_id.to_owned(), ctx.now_ms());
    let hash = logo.as_ref().map(|logo| secret::hash_bytes(&logo.bytes));
    ctx.db
        .write(move |tx| {
            let logo = logo.as_ref().zip(hash.as_deref());
            store::upsert_logo(tx, &shop_id, logo, now_ms)
        })
        .await
}
