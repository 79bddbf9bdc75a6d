//! Idempotency keys: the same request gives the same bytes, for ever and across processes.
//!
//! The key is taken in the transaction that saves what was asked for, so there is never a key
//! without its work or work without its key. The first answer is stored, and what is stored is what
//! is sent; a twin waits for it. If the first request's process died, the answer is composed from
//! what is stored about the subject. A request that was refused before anything was saved is not
//! remembered, nor is an answer of 500 and above: mended, it may come again with the same key.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, Method};

use super::{answer::compose, store, submit::Ask};
use crate::{
    http::{Answer, ApiError, codes},
    kit::{
        db::{DbError, Tx},
        secret,
    },
};

pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// What the IETF's draft and other providers take.
const MAX_KEY_CHARS: usize = 255;
/// How often a twin looks for the answer.
const TWIN_EVERY: Duration = Duration::from_millis(50);

/// A request's key, with what the request says.
#[derive(Clone, Debug)]
pub struct Key {
    pub key: String,
    pub fingerprint: String,
}

impl Key {
    /// The key of a command, which says this.
    pub fn of_command(key: String, said: &[&str]) -> Key {
        Key { key, fingerprint: secret::hash_bytes(said.join("\n").as_bytes()) }
    }

    /// `None` when the request has none.
    pub fn parse(
        headers: &HeaderMap,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<Option<Key>, ApiError> {
        let mut values = headers.get_all(HEADER).iter();
        let (Some(value), more) = (values.next(), values.next()) else { return Ok(None) };
        let text = value.to_str().unwrap_or("");
        let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if more.is_some() || text.is_empty() || text.len() > MAX_KEY_CHARS || !printable {
            return Err(ApiError::of(codes::IDEMPOTENCY_KEY_INVALID).param("Idempotency-Key"));
        }
        let said = [method.as_str().as_bytes(), path.as_bytes(), body].join(&b"\n"[..]);
        Ok(Some(Key { key: text.to_owned(), fingerprint: secret::hash_bytes(&said) }))
    }
}

/// What a request was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Create { payment_id: String },
    Capture { payment_id: String },
    Cancel { payment_id: String },
    Refund { payment_id: String, refund_id: String },
}

impl Subject {
    pub fn payment_id(&self) -> &str {
        match self {
            Subject::Create { payment_id }
            | Subject::Capture { payment_id }
            | Subject::Cancel { payment_id }
            | Subject::Refund { payment_id, .. } => payment_id,
        }
    }

    fn to_text(&self) -> String {
        match self {
            Subject::Create { payment_id } => format!("create {payment_id}"),
            Subject::Capture { payment_id } => format!("capture {payment_id}"),
            Subject::Cancel { payment_id } => format!("cancel {payment_id}"),
            Subject::Refund { payment_id, refund_id } => format!("refund {payment_id} {refund_id}"),
        }
    }

    fn parse(text: &str) -> Result<Subject, DbError> {
        let words: Vec<&str> = text.split(' ').collect();
        let owned = |word: &&str| (*word).to_owned();
        match words.as_slice() {
            ["create", id] => Ok(Subject::Create { payment_id: owned(id) }),
            ["capture", id] => Ok(Subject::Capture { payment_id: owned(id) }),
            ["cancel", id] => Ok(Subject::Cancel { payment_id: owned(id) }),
            ["refund", id, refund_id] => {
                Ok(Subject::Refund { payment_id: owned(id), refund_id: owned(refund_id) })
            }
            _ => Err(DbError::Decode(format!("idempotency subject {text}"))),
        }
    }
}

/// Takes the key in the transaction that does the work; `false` when a twin has it. A request
/// without a key always may.
pub fn take(
    tx: &mut dyn Tx,
    shop_id: &str,
    key: Option<&Key>,
    subject: &Subject,
    now_ms: i64,
) -> Result<bool, DbError> {
    let Some(Key { key, fingerprint }) = key else { return Ok(true) };
    store::insert_key(tx, shop_id, key, (fingerprint, &subject.to_text()), now_ms)
}

/// What was made with a key before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// The payment of the same request.
    Same { payment_id: String },
    /// The key stands for another request.
    Other,
}

/// What a request of this key made, for whoever needs no answer of it.
pub fn find_made(tx: &mut dyn Tx, shop_id: &str, key: &Key) -> Result<Option<Made>, DbError> {
    let Some(row) = store::find_key(tx, shop_id, &key.key)? else { return Ok(None) };
    if row.fingerprint != key.fingerprint {
        return Ok(Some(Made::Other));
    }
    let payment_id = Subject::parse(&row.subject)?.payment_id().to_owned();
    Ok(Some(Made::Same { payment_id }))
}

/// The answer of an earlier request with this key, waited for if need be; `None` if there was none.
pub async fn replay(ask: &Ask) -> Result<Option<Answer>, ApiError> {
    let Some(key) = &ask.key else { return Ok(None) };
    let until = tokio::time::Instant::now() + ask.server.limits.twin_wait;
    let subject = loop {
        let Some(row) = find(ask, key).await? else { return Ok(None) };
        if row.fingerprint != key.fingerprint {
            return Err(ApiError::of(codes::IDEMPOTENCY_KEY_REUSED).param("Idempotency-Key"));
        }
        if let Some(answer) = row.reply.map(answer_of) {
            return Ok(Some(answer));
        }
        if tokio::time::Instant::now() >= until {
            break Subject::parse(&row.subject)?;
        }
        tokio::time::sleep(TWIN_EVERY).await;
    };
    // Whoever began it died before it answered.
    answer(ask, &subject).await.map(Some)
}

/// Composes the answer and keeps it.
pub async fn answer(ask: &Ask, subject: &Subject) -> Result<Answer, ApiError> {
    let (ctx, shop_id) = (&ask.server.ctx, &ask.caller.shop_id);
    keep(ask, compose(ctx, shop_id, subject, &ask.request_id).await?).await
}

/// With a key, keeps the answer unless there is one, and gives the one that is kept.
pub async fn keep(ask: &Ask, composed: Answer) -> Result<Answer, ApiError> {
    let (ctx, shop_id) = (&ask.server.ctx, &ask.caller.shop_id);
    let Some(key) = &ask.key else { return Ok(composed) };
    if composed.status >= 500 {
        // The bank's key is dead or the bank is gone: mended, the same request may come again.
        let (shop_id, text) = (shop_id.clone(), key.key.clone());
        let freed: Result<(), DbError> =
            ctx.db.write(move |tx| store::delete_key(tx, &shop_id, &text)).await;
        freed?;
        return Ok(composed);
    }
    let (shop_id, text, reply) = (shop_id.clone(), key.key.clone(), composed.clone());
    let kept: Result<_, DbError> = ctx
        .db
        .write(move |tx| {
            store::update_reply(tx, &shop_id, &text, reply.status, &reply.body)?;
            store::find_key(tx, &shop_id, &text)
        })
        .await;
    Ok(kept?.and_then(|row| row.reply).map_or(composed, answer_of))
}

async fn find(ask: &Ask, key: &Key) -> Result<Option<store::Remembered>, DbError> {
    let (shop_id, text) = (ask.caller.shop_id.clone(), key.key.clone());
    ask.server.ctx.db.read(move |tx| store::find_key(tx, &shop_id, &text)).await
}

fn answer_of((status, body): (i64, Vec<u8>)) -> Answer {
    Answer { status: u16::try_from(status).unwrap_or(500), body }
}
