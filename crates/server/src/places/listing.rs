//! Looking for payments by codes that no notice told of: the bank's list once a minute, and the
//! account's statement for the sums that the list does not have.
//!
//! Reads only: whatever is cut off is read again.

use anyhow::bail;
use kopeck_banks::op::{
    Answer, BankOp, Outcome, SbpOp, SbpPayment, SbpWord, StatementLine, StatementOp, StatementState,
};

use super::{
    flow::{LISTING_JOB, book, hear},
    model::{Listing, Place},
    state::{MARGIN_DAYS, day},
    store,
};
use crate::{
    gateway::{
        flow::{Told, ask, refusal_of},
        store::insert_exchange,
    },
    kit::{
        Ctx,
        clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS},
        db::{DbError, Tx},
        jobs::{self, After, Job},
    },
    shops::{self, model::Connection},
};

/// How often the list is read.
const EVERY_MS: i64 = MINUTE_MS;
/// A transfer's notice has so long to come before the statement is asked for its sum.
const NOTICE_WAIT_MS: i64 = MINUTE_MS;
/// Between two looks at a statement that the bank is making.
const STATEMENT_LOOK_MS: i64 = 5 * SECOND_MS;
/// The longest wait until the next statement when the last one did not have the line.
const STATEMENT_MAX_MS: i64 = HOUR_MS;
/// So long after the end of the last code the list is read on: a payment may be on its way.
const ENDED_MS: i64 = 3 * DAY_MS;
/// Pages of a thousand: more payments than came by one company's codes in a month.
const MAX_PAGES: u32 = 100;
/// Places that one statement is read for.
const MAX_WAITING: i64 = 1_000;

/// The job's connection: its list, then what the list left open.
pub async fn run(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let Some(connection) = shops::flow::find_connection(ctx, &job.subject).await? else {
        return Ok(After::Done);
    };
    let (id, ended_ms) = (connection.id.clone(), ctx.now_ms() - ENDED_MS);
    let found: Result<_, DbError> = ctx
        .db
        .read(move |tx| {
            Ok((store::find_first_code(tx, &id, ended_ms)?, store::find_listing(tx, &id)?))
        })
        .await;
    let (Some(first_ms), listing) = found? else { return Ok(After::Done) };
    let listing = listing.unwrap_or(Listing {
        connection_id: connection.id.clone(),
        listed_ms: first_ms,
        ..Listing::default()
    });
    let mut reader = Reader { ctx, connection: &connection, job, listing };
    let now_ms = ctx.now_ms();
    let is_due = now_ms >= reader.listing.listed_ms + EVERY_MS;
    let is_asked = is_due || reader.listing.statement.is_none();
    let read = if is_asked { reader.list().await? } else { Ok(()) };
    if let Err(why) = read {
        let id = &job.subject;
        tracing::warn!(id, "the list of transfers was not read: {why}");
        return Ok(After::Retry { at_ms: ctx.now_ms() + EVERY_MS, why });
    }
    reader.sums().await
}

/// Reads the list now, unless somebody is at it: for whoever watches without a server.
pub async fn run_now(ctx: &Ctx, connection_id: &str) -> Result<(), DbError> {
    let (inner, id) = (ctx.clone(), connection_id.to_owned());
    let claim =
        move |tx: &mut dyn Tx| jobs::claim(tx, &inner.mint, LISTING_JOB, &id, inner.now_ms());
    let claimed: Result<Option<Job>, DbError> = ctx.db.write(claim).await;
    let Some(job) = claimed? else { return Ok(()) };
    let after = run(ctx, &job).await.unwrap_or_else(|error| {
        tracing::warn!(connection_id, "the list of transfers was not read: {error:#}");
        After::Retry { at_ms: ctx.now_ms() + EVERY_MS, why: format!("{error:#}") }
    });
    let now_ms = ctx.now_ms();
    ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await
}

struct Reader<'a> {
    ctx: &'a Ctx,
    connection: &'a Connection,
    job: &'a Job,
    listing: Listing,
}

impl Reader<'_> {
    async fn ask(&self, op: &BankOp) -> anyhow::Result<Outcome> {
        let (job, now_ms) = (self.job.clone(), self.ctx.now_ms());
        let renewed: Result<bool, DbError> =
            self.ctx.db.write(move |tx| jobs::renew(tx, &job, now_ms)).await;
        if !renewed? {
            bail!("the lease passed to somebody else");
        }
        let Told { outcome, exchanges } = ask(self.ctx, self.connection, op).await?;
        // A list read every minute would fill the journal: only what went wrong is kept.
        if !matches!(outcome, Outcome::Done(_)) {
            let kept: Result<(), DbError> = self
                .ctx
                .db
                .write(move |tx| exchanges.iter().try_for_each(|it| insert_exchange(tx, it, None)))
                .await;
            kept?;
        }
        Ok(outcome)
    }

    /// Reads the list from a day before the last reading on; or why the bank did not give it.
    async fn list(&mut self) -> anyhow::Result<Result<(), String>> {
        let started_ms = self.ctx.now_ms();
        let from = day(self.listing.listed_ms - DAY_MS);
        let to = day(started_ms + DAY_MS);
        for page in 1..=MAX_PAGES {
            let op = BankOp::Sbp(SbpOp::Payments { code_id: None, from, to, page });
            let outcome = self.ask(&op).await?;
            let Outcome::Done(Answer::Sbp(SbpWord::Payments(list))) = outcome else {
                return Ok(Err(refusal_of(outcome).message));
            };
            self.take(list.items).await?;
            if page >= list.total_pages {
                break;
            }
        }
        self.listing.listed_ms = started_ms;
        self.save().await.map(Ok)
    }

    /// Most of a list was heard of before: only the rest is worth a write.
    async fn take(&self, items: Vec<SbpPayment>) -> Result<(), DbError> {
        let (inner, id) = (self.ctx.clone(), self.connection.id.clone());
        let fresh: Result<Vec<SbpPayment>, DbError> = self
            .ctx
            .db
            .read(move |tx| {
                let mut fresh = Vec::new();
                for seen in items {
                    let key = seen.ref_id.as_deref().unwrap_or("");
                    let is_known = store::is_payment(tx, &id, key)?
                        || store::is_payment(tx, &id, &seen.code_id)?;
                    fresh.extend(Some(seen).filter(|_| !is_known));
                }
                Ok(fresh)
            })
            .await;
        let (fresh, id) = (fresh?, self.connection.id.clone());
        if fresh.is_empty() {
            return Ok(());
        }
        self.ctx
            .db
            .write(move |tx| {
                // Oldest first, as it happened.
                fresh.iter().rev().try_for_each(|seen| hear(tx, &inner, &id, seen).map(|_| ()))
            })
            .await
    }

    async fn save(&self) -> anyhow::Result<()> {
        let listing = self.listing.clone();
        let saved: Result<(), DbError> =
            self.ctx.db.write(move |tx| store::upsert_listing(tx, &listing)).await;
        Ok(saved?)
    }

    /// Goes on with the statement that tells the sums that nobody told yet.
    async fn sums(&mut self) -> anyhow::Result<After> {
        let now_ms = self.ctx.now_ms();
        let next_ms = self.listing.listed_ms + EVERY_MS;
        let Some((id, account)) = self.listing.statement.clone() else {
            self.ask_statement().await?;
            let is_asked = self.listing.statement.is_some();
            return Ok(After::At(if is_asked { now_ms + STATEMENT_LOOK_MS } else { next_ms }));
        };
        let op = StatementOp::Read { account_id: account, statement_id: id };
        match self.ask(&BankOp::Statement(op)).await? {
            Outcome::Done(Answer::Statement(statement)) => match statement.state {
                StatementState::Making => {
                    return Ok(After::At(next_ms.min(now_ms + STATEMENT_LOOK_MS)));
                }
                StatementState::Failed => {}
                StatementState::Ready(lines) => self.book(lines).await?,
            },
            // It is asked for anew.
            Outcome::Refused(_) => {}
            Outcome::Done(_)
            | Outcome::Busy { .. }
            | Outcome::NotSent { .. }
            | Outcome::Unknown { .. } => {
                return Ok(After::At(next_ms.min(now_ms + STATEMENT_LOOK_MS)));
            }
        }
        self.listing.statement = None;
        self.postpone();
        self.save().await?;
        Ok(After::At(next_ms))
    }

    /// The next statement is asked for later and later, while lines are missing.
    fn postpone(&mut self) {
        let doublings = self.listing.statement_tries.min(10);
        let wait_ms = MINUTE_MS.saturating_mul(1 << doublings).min(STATEMENT_MAX_MS);
        self.listing.statement_due_ms = self.ctx.now_ms() + wait_ms;
        self.listing.statement_tries += 1;
    }

    /// The places that wait for sums, the longest waiting first, those of its account only; and the
    /// moment before which nothing of that came.
    async fn waiting(&self) -> Result<(Vec<Place>, i64), DbError> {
        let (id, now_ms) = (self.connection.id.clone(), self.ctx.now_ms());
        self.ctx
            .db
            .read(move |tx| {
                let (mut places, mut start_ms) = (Vec::<Place>::new(), now_ms);
                for (place_id, seen_ms, after_ms) in store::list_waiting(tx, &id, MAX_WAITING)? {
                    let Some(place) = store::find_place_by_id(tx, &place_id)? else { continue };
                    let is_due = now_ms >= seen_ms + NOTICE_WAIT_MS;
                    let is_same = places.first().is_none_or(|it| it.account_id == place.account_id);
                    if is_due && is_same {
                        start_ms = start_ms.min(after_ms);
                        places.push(place);
                    }
                }
                Ok((places, start_ms))
            })
            .await
    }

    async fn ask_statement(&mut self) -> anyhow::Result<()> {
        let (waiting, start_ms) = self.waiting().await?;
        let Some(first) = waiting.first() else {
            if self.listing.statement_tries > 0 {
                (self.listing.statement_tries, self.listing.statement_due_ms) = (0, 0);
                self.save().await?;
            }
            return Ok(());
        };
        if self.ctx.now_ms() < self.listing.statement_due_ms {
            return Ok(());
        }
        let Some(account_id) = first.account_id.clone() else { return Ok(()) };
        let from = day(start_ms - MARGIN_DAYS * DAY_MS);
        let to = day(self.ctx.now_ms());
        let op = StatementOp::Ask { account_id: account_id.clone(), from, to };
        let outcome = self.ask(&BankOp::Statement(op)).await?;
        if let Outcome::Done(Answer::Statement(statement)) = outcome {
            self.listing.statement = Some((statement.id, account_id));
        } else {
            let (id, why) = (&self.connection.id, refusal_of(outcome).message);
            tracing::warn!(id, "no statement for the sums that no notice told: {why}");
            self.postpone();
        }
        self.save().await
    }

    async fn book(&mut self, lines: Vec<StatementLine>) -> anyhow::Result<()> {
        let account = self.listing.statement.as_ref().map(|(_, account)| account.clone());
        let (places, _) = self.waiting().await?;
        let inner = self.ctx.clone();
        let booked: Result<usize, DbError> = self
            .ctx
            .db
            .write(move |tx| {
                let own = places.iter().filter(|place| place.account_id == account);
                own.map(|place| book(tx, &inner, &place.id, &lines)).sum()
            })
            .await;
        if booked? > 0 {
            self.listing.statement_tries = 0;
        }
        Ok(())
    }
}
