//! Taking a bank's notice: verified, kept, applied, and only then answered.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use kopeck_banks::bank::NoticeNews;

use super::{flow, receipts};
use crate::{
    gateway::{
        notices::{Verdict, judge},
        store::{NewNotice, upsert_notice},
    },
    kit::{
        Ctx,
        db::{DbError, Tx},
        secret,
    },
    shops::{self, model::Connection},
};

/// What to answer the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Durable and applied; or of no concern to us, and durable all the same.
    Kept,
    /// Not by the bank: refused, counted, not processed.
    Refused,
    NoSuchConnection,
    /// Cannot be judged or kept now; the bank shall repeat it.
    TryAgain,
}

/// Reads what a notice tells besides a payment's state, in the transaction that keeps the notice;
/// returns the payment that it was about. Given by whoever puts the server together, since folders
/// above this one own such news.
pub type NewsReader =
    fn(&mut dyn Tx, &Ctx, &Connection, &NoticeNews) -> Result<Option<String>, DbError>;

/// How many notices were refused, by connection, since the start of this process.
#[derive(Debug, Default)]
pub struct RefusedCount(Mutex<BTreeMap<String, u64>>);

impl RefusedCount {
    fn add(&self, connection_id: &str) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(connection_id.to_owned()).or_default();
        *count += 1;
        *count
    }

    pub fn total(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

/// Verifies the body, then keeps and applies it in one transaction. A genuine notice about an
/// unknown payment is kept too: the bank tests an address with one, and silence would lose us the
/// address.
pub async fn take(
    ctx: &Ctx,
    (refused, news): (&RefusedCount, NewsReader),
    bank: &str,
    connection_id: &str,
    body: Vec<u8>,
) -> anyhow::Result<Taken> {
    let found = shops::flow::find_connection(ctx, connection_id).await?;
    let Some(connection) = found.filter(|connection| connection.bank == bank) else {
        return Ok(Taken::NoSuchConnection);
    };
    let notice = match judge(ctx, &connection, &body).await? {
        Verdict::Genuine(notice) => notice,
        Verdict::Bad { why } => {
            let count = refused.add(connection_id);
            tracing::warn!(connection_id, count, why, "refused a notice to {connection_id}");
            return Ok(Taken::Refused);
        }
        Verdict::CannotJudge => return Ok(Taken::TryAgain),
    };
    let row = NewNotice {
        id: ctx.mint.id("nt"),
        connection_id: connection.id.clone(),
        hash: secret::hash_bytes(&body),
        body,
        kind: notice.kind.clone(),
        received_ms: ctx.now_ms(),
    };
    let inner = ctx.clone();
    let saved: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            let by_code = match notice.news.as_deref() {
                Some(NoticeNews::SbpPayment(payment)) => Some(payment.observation()),
                Some(
                    NoticeNews::CardBinding(_)
                    | NoticeNews::AccountBinding(_)
                    | NoticeNews::Fiscal(_),
                )
                | None => None,
            };
            let about = match notice.observation.as_ref().or(by_code.as_ref()) {
                Some(seen) => flow::observe(tx, &inner, &connection.id, seen)?,
                None => None,
            };
            let payment_id = match (about, notice.news.as_deref()) {
                (_, Some(NoticeNews::Fiscal(word))) => {
                    receipts::take_fiscal(tx, &inner, &connection.id, word)?
                }
                (Some((payment, _)), _) => Some(payment.id),
                (None, Some(told)) => news(tx, &inner, &connection, told)?,
                (None, None) => None,
            };
            upsert_notice(tx, &row, payment_id.as_deref())
        })
        .await;
    saved?;
    Ok(Taken::Kept)
}
