//! Verifying what claims to come from a bank.

use kopeck_banks::{
    bank::{GenuineNotice, Notice, RawNotice},
    op::{Answer, BankOp, Outcome},
};

use super::flow::{ask_now, get_bank};
use crate::{
    kit::{Ctx, clock::MINUTE_MS, db::DbError},
    shops::{self, model::Connection},
};

/// Forged notices must not make us ask the bank for its keys without end.
const KEYS_REFETCH_MS: i64 = MINUTE_MS;

/// What a body turned out to be.
#[derive(Debug)]
pub enum Verdict {
    Genuine(GenuineNotice),
    /// Not signed by the bank, or no notice at all: never processed.
    Bad {
        why: String,
    },
    /// The bank's keys could not be had, so it cannot be judged now; the bank will repeat it.
    CannotJudge,
}

/// Checks the signature by the cached keys; when it fails, by freshly fetched ones, once a minute.
pub async fn judge(ctx: &Ctx, connection: &Connection, body: &[u8]) -> anyhow::Result<Verdict> {
    let bank = get_bank(&connection.bank)?;
    let read = |keys: &str| bank.notice(&connection.credentials, &RawNotice { body, keys });
    match read(&connection.notice_keys) {
        Notice::Genuine(notice) => return Ok(about_us(connection, notice)),
        Notice::Malformed { why } => return Ok(Verdict::Bad { why }),
        Notice::BadSignature => {}
    }
    if !bank.capabilities().publishes_notice_keys {
        return Ok(Verdict::Bad { why: "the signature is not the bank's".to_owned() });
    }
    let now_ms = ctx.now_ms();
    let have_keys = !connection.notice_keys.is_empty();
    if now_ms < connection.notice_keys_ms + KEYS_REFETCH_MS {
        let why = "the signature is not the bank's".to_owned();
        return Ok(if have_keys { Verdict::Bad { why } } else { Verdict::CannotJudge });
    }
    let (id, until_ms) = (connection.id.clone(), now_ms - KEYS_REFETCH_MS);
    let first: Result<bool, DbError> =
        ctx.db.write(move |tx| shops::store::lease_notice_keys(tx, &id, now_ms, until_ms)).await;
    if !first? {
        return Ok(Verdict::CannotJudge);
    }
    let keys = fetch_keys(ctx, connection).await?;
    Ok(match keys.as_deref().map(read) {
        Some(Notice::Genuine(notice)) => about_us(connection, notice),
        Some(Notice::Malformed { why }) => Verdict::Bad { why },
        Some(Notice::BadSignature) => {
            Verdict::Bad { why: "the signature is not the bank's".to_owned() }
        }
        None => Verdict::CannotJudge,
    })
}

/// A bank signs the notices of all its customers with the same keys. One about somebody else is
/// genuine and says nothing about our payments, whatever reference it names: otherwise anybody with
/// an account there could pay himself and have our order marked as paid.
fn about_us(connection: &Connection, mut notice: GenuineNotice) -> Verdict {
    let own = connection.credentials.find("customer_code");
    let of = notice.customer_code.as_deref();
    if own.zip(of).is_some_and(|(own, of)| own != of) {
        notice.observation = None;
        notice.news = None;
    }
    Verdict::Genuine(notice)
}

/// Fetches the bank's keys and remembers them.
pub async fn fetch_keys(ctx: &Ctx, connection: &Connection) -> anyhow::Result<Option<String>> {
    let keys = match ask_now(ctx, connection, &BankOp::FetchNoticeKeys).await? {
        Outcome::Done(Answer::NoticeKeys(keys)) => Some(keys),
        Outcome::Done(_)
        | Outcome::Refused(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. } => None,
    };
    if let Some(keys) = keys.clone() {
        let (id, now_ms) = (connection.id.clone(), ctx.now_ms());
        let saved: Result<(), DbError> =
            ctx.db.write(move |tx| shops::store::update_notice_keys(tx, &id, &keys, now_ms)).await;
        saved?;
    }
    Ok(keys)
}
