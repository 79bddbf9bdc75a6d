//! Idempotency keys: the same request gives the same bytes, for ever and across processes.
//!
//! The key is taken in the transaction that saves what was asked for, so there is never a key
//! without its work or work without its key. The first answer is stored, and what is stored is what
//! is sent; a twin waits for it. If the first request's process died, the answer is composed from
//! what is stored about the subject. A request that was refused before anything was saved is not
//! remembered, nor is an answer of 500 and above: mended, it may come again with the same key.
//!
//! The folders above bring requests of their own: each says what it was about as a [`Work`].

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, Method};

use super::{answer, store, submit::Ask};
use crate::{
    http::{Answer, ApiError, codes},
    kit::{
        Ctx,
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
        if more.is_some() {
            return Err(invalid());
        }
        let said = [method.as_str().as_bytes(), path.as_bytes(), body];
        Key::of(value.to_str().unwrap_or(""), &said).map(Some)
    }

    /// The key of a request that did not come by the API, and all that the request says.
    pub fn of(key: &str, said: &[&[u8]]) -> Result<Key, ApiError> {
        let printable = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if key.is_empty() || key.len() > MAX_KEY_CHARS || !printable {
            return Err(invalid());
        }
        let fingerprint = secret::hash_bytes(&said.join(&b"\n"[..]));
        Ok(Key { key: key.to_owned(), fingerprint })
    }
}

fn invalid() -> ApiError {
    ApiError::of(codes::IDEMPOTENCY_KEY_INVALID).param("Idempotency-Key")
}

/// What a request was about: enough to answer it when the process that began it died.
pub trait Work: Clone + Send + Sync + Sized + 'static {
    fn to_text(&self) -> String;

    /// `None`: it is no work of this kind.
    fn parse(text: &str) -> Option<Self>;

    /// What is to be said about it as it is now. A stored refusal is an answer and is kept; an
    /// error is a failure of ours and is not.
    fn compose(&self, ask: &Ask) -> impl Future<Output = Result<Answer, ApiError>> + Send;
}

/// What a request about a payment was about.
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
}

impl Work for Subject {
    fn to_text(&self) -> String {
        match self {
            Subject::Create { payment_id } => format!("create {payment_id}"),
            Subject::Capture { payment_id } => format!("capture {payment_id}"),
            Subject::Cancel { payment_id } => format!("cancel {payment_id}"),
            Subject::Refund { payment_id, refund_id } => format!("refund {payment_id} {refund_id}"),
        }
    }

    fn parse(text: &str) -> Option<Subject> {
        let words: Vec<&str> = text.split(' ').collect();
        let owned = |word: &&str| (*word).to_owned();
        match words.as_slice() {
            ["create", id] => Some(Subject::Create { payment_id: owned(id) }),
            ["capture", id] => Some(Subject::Capture { payment_id: owned(id) }),
            ["cancel", id] => Some(Subject::Cancel { payment_id: owned(id) }),
            ["refund", id, refund_id] => {
                Some(Subject::Refund { payment_id: owned(id), refund_id: owned(refund_id) })
            }
            _ => None,
        }
    }

    async fn compose(&self, ask: &Ask) -> Result<Answer, ApiError> {
        answer::compose(&ask.server.ctx, &ask.caller.shop_id, self, &ask.request_id).await
    }
}

/// Takes the key in the transaction that does the work; `false` when a twin has it. A request
/// without a key always may.
pub fn take(
    tx: &mut dyn Tx,
    shop_id: &str,
    key: Option<&Key>,
    subject: &impl Work,
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
    let payment_id = parse::<Subject>(&row.subject)?.payment_id().to_owned();
    Ok(Some(Made::Same { payment_id }))
}

/// Does a request's work once, whoever repeats it. `save` runs in the transaction that takes the
/// key, `then` when it is durable; then the answer is composed. A twin waits for that answer.
pub async fn once<W, E, S, T, F>(ask: &Ask, work: &W, save: S, then: T) -> Result<Answer, ApiError>
where
    W: Work,
    E: From<DbError> + Into<ApiError> + Send + 'static,
    S: FnOnce(&mut dyn Tx) -> Result<(), E> + Send + 'static,
    T: FnOnce() -> F + Send,
    F: Future<Output = ()> + Send,
{
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let (inner, key, what) = (ctx.clone(), ask.key.clone(), work.clone());
    let taken: Result<bool, E> = ctx
        .db
        .write(move |tx| {
            if !take(tx, &shop_id, key.as_ref(), &what, inner.now_ms())? {
                return Ok(false);
            }
            save(tx).map(|()| true)
        })
        .await;
    if !taken.map_err(Into::into)? {
        let told = replay_of::<W>(ask).await?;
        return told.ok_or_else(|| ApiError::of(codes::INTERNAL));
    }
    then().await;
    answer(ask, work).await
}

/// What an earlier request with this key was about, for callers who are shown how it stands and no
/// stored answer; `None` if there was none.
pub async fn find_work<W: Work>(
    ctx: &Ctx,
    shop_id: &str,
    key: &Key,
) -> Result<Option<W>, ApiError> {
    let Some(row) = find(ctx, shop_id, key).await? else { return Ok(None) };
    if row.fingerprint != key.fingerprint {
        return Err(ApiError::of(codes::IDEMPOTENCY_KEY_REUSED).param("Idempotency-Key"));
    }
    Ok(Some(parse(&row.subject)?))
}

fn parse<W: Work>(text: &str) -> Result<W, DbError> {
    W::parse(text).ok_or_else(|| DbError::Decode(format!("idempotency subject {text}")))
}

/// The answer of an earlier request about a payment; see [`replay_of`].
pub async fn replay(ask: &Ask) -> Result<Option<Answer>, ApiError> {
    replay_of::<Subject>(ask).await
}

/// The answer of an earlier request with this key, waited for if need be; `None` if there was none.
pub async fn replay_of<W: Work>(ask: &Ask) -> Result<Option<Answer>, ApiError> {
    let Some(key) = &ask.key else { return Ok(None) };
    let until = tokio::time::Instant::now() + ask.server.limits.twin_wait;
    let shop_id = &ask.caller.shop_id;
    let work: W = loop {
        let Some(row) = find(&ask.server.ctx, shop_id, key).await? else { return Ok(None) };
        if row.fingerprint != key.fingerprint {
            return Err(ApiError::of(codes::IDEMPOTENCY_KEY_REUSED).param("Idempotency-Key"));
        }
        if let Some(answer) = row.reply.map(answer_of) {
            return Ok(Some(answer));
        }
        if tokio::time::Instant::now() >= until {
            break parse(&row.subject)?;
        }
        tokio::time::sleep(TWIN_EVERY).await;
    };
    // Whoever began it died before it answered.
    answer(ask, &work).await.map(Some)
}

/// Composes the answer and keeps it.
pub async fn answer(ask: &Ask, work: &impl Work) -> Result<Answer, ApiError> {
    keep(ask, work.compose(ask).await?).await
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

async fn find(ctx: &Ctx, shop_id: &str, key: &Key) -> Result<Option<store::Remembered>, DbError> {
    let (shop_id, text) = (shop_id.to_owned(), key.key.clone());
    ctx.db.read(move |tx| store::find_key(tx, &shop_id, &text)).await
}

fn answer_of((status, body): (i64, Vec<u8>)) -> Answer {
    Answer { status: u16::try_from(status).unwrap_or(500), body }
}
