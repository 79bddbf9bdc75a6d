//! The sweep of one connection.

use anyhow::{bail, ensure};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use kopeck_banks::{
    Money,
    op::{Answer, BankOp, Observation, Outcome, RegistryLine},
};
use serde::Serialize;

use crate::{
    gateway::{
        flow::{ask_now, get_bank, refusal_of},
        store::delete_polls,
    },
    ids::Mint,
    kit::{
        Ctx,
        clock::{DAY_MS, timestamp},
        db::{DbError, Tx},
        jobs::{self, Job},
    },
    payments::{flow::observe, model::Payment, store::list_changeable},
    shops::{self, model::Connection},
};

/// The kind of the daily job; its subject is the connection's id.
pub const JOB: &str = "sweep";
/// How far back the daily sweep reads: card refunds take up to 30 days, and a day of margin.
pub const DAILY_DAYS: i64 = 31;
/// Once a week the list is read this far back: a refund may be made in the bank's cabinet long
/// after the sale.
pub const WEEKLY_DAYS: i64 = 400;
/// Pages of some hundreds: more payments than any shop here takes in a year.
const MAX_PAGES: u32 = 10_000;
/// Payments of one sweep at a bank that has no list and is asked about each.
const MAX_ASKED: i64 = 5_000;
/// Looks, lists and registers stay in the journal this long. Requests that moved money stay for
/// ever.
const POLLS_KEPT_MS: i64 = 7 * DAY_MS;

/// What a sweep saw and healed.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Payments in the bank's list.
    pub listed: u64,
    /// Of them ours.
    pub known: u64,
    /// Payments that the bank knows and Kopeck does not: made elsewhere with the same account.
    pub foreign: u64,
    /// What differed and was put right.
    pub healed: Vec<Healed>,
    /// Lines of the bank's register.
    pub register_lines: u64,
    pub register_kopecks: i64,
    pub commission_kopecks: i64,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Healed {
    pub payment_id: String,
    pub order_id: Option<String>,
    pub status: &'static str,
    pub amount: String,
}

/// Makes sure that the connection has its daily sweep.
pub fn schedule(
    tx: &mut dyn Tx,
    mint: &Mint,
    connection_id: &str,
    at_ms: i64,
) -> Result<(), DbError> {
    jobs::nudge(tx, mint, JOB, connection_id, at_ms)
}

/// The sweep of the day: the last month, and once a week the list of more than a year. The job's
/// lease is renewed before each request.
pub async fn daily(ctx: &Ctx, connection: &Connection, job: &Job) -> anyhow::Result<Report> {
    let now_ms = ctx.now_ms();
    let mut sweep = Sweep { ctx, connection, job: Some(job), report: Report::default() };
    // Asking about each payment of a year would be a flood.
    if (now_ms / DAY_MS) % 7 == 0 && has_list(connection)? {
        sweep.list(now_ms - WEEKLY_DAYS * DAY_MS, |_| {}).await?;
    }
    sweep.read(now_ms - DAILY_DAYS * DAY_MS, |_| {}).await?;
    let pruned: Result<u64, DbError> =
        ctx.db.write(move |tx| delete_polls(tx, now_ms - POLLS_KEPT_MS)).await;
    pruned?;
    sweep.finish().await
}

/// Reads the bank's list and registers from `since_ms` until now; `progress` hears of each page.
pub async fn sweep(
    ctx: &Ctx,
    connection: &Connection,
    since_ms: i64,
    progress: impl FnMut(&Report),
) -> anyhow::Result<Report> {
    let mut sweep = Sweep { ctx, connection, job: None, report: Report::default() };
    sweep.read(since_ms, progress).await?;
    sweep.finish().await
}

fn has_list(connection: &Connection) -> anyhow::Result<bool> {
    Ok(get_bank(&connection.bank)?.capabilities().lists_payments)
}

struct Sweep<'a> {
    ctx: &'a Ctx,
    connection: &'a Connection,
    /// The job that runs it, if one does.
    job: Option<&'a Job>,
    report: Report,
}

impl Sweep<'_> {
    async fn ask(&self, op: &BankOp) -> anyhow::Result<Outcome> {
        if let Some(job) = self.job.cloned() {
            let now_ms = self.ctx.now_ms();
            let renewed: Result<bool, DbError> =
                self.ctx.db.write(move |tx| jobs::renew(tx, &job, now_ms)).await;
            ensure!(renewed?, "the lease passed to somebody else");
        }
        ask_now(self.ctx, self.connection, op).await
    }

    /// List and registers, or payment by payment where the bank has none.
    async fn read(&mut self, since_ms: i64, progress: impl FnMut(&Report)) -> anyhow::Result<()> {
        if !has_list(self.connection)? {
            return self.ask_each(since_ms, progress).await;
        }
        let (from, to) = self.list(since_ms, progress).await?;
        self.registers(from, to).await
    }

    /// For a bank without a list: asks about each payment that may still change there.
    async fn ask_each(
        &mut self,
        since_ms: i64,
        mut progress: impl FnMut(&Report),
    ) -> anyhow::Result<()> {
        let id = self.connection.id.clone();
        let found: Result<Vec<String>, DbError> =
            self.ctx.db.read(move |tx| list_changeable(tx, &id, since_ms, MAX_ASKED)).await;
        let bank_ids = found?;
        if i64::try_from(bank_ids.len()).is_ok_and(|count| count >= MAX_ASKED) {
            let what = format!("only {MAX_ASKED} payments were asked about: the stalest");
            self.report.problems.push(what);
        }
        for bank_id in bank_ids {
            match self.ask(&BankOp::GetPayment { bank_id: bank_id.clone() }).await? {
                Outcome::Done(Answer::Payment(seen)) => {
                    self.report.listed += 1;
                    let (known, foreign) = self.take(vec![seen]).await?;
                    self.report.known += known;
                    self.report.foreign += foreign;
                    progress(&self.report);
                }
                outcome @ Outcome::Refused(_) => {
                    let what = format!("{bank_id}: {}", refusal_of(outcome).message);
                    self.report.problems.push(what);
                }
                outcome @ (Outcome::Done(_)
                | Outcome::Busy { .. }
                | Outcome::NotSent { .. }
                | Outcome::Unknown { .. }) => {
                    let refusal = refusal_of(outcome);
                    bail!("the bank cannot be asked: {}\nhint: {}", refusal.message, refusal.hint)
                }
            }
        }
        Ok(())
    }

    /// Reads the list; returns the days that it covers.
    async fn list(
        &mut self,
        since_ms: i64,
        mut progress: impl FnMut(&Report),
    ) -> anyhow::Result<(Date, Date)> {
        let day = |ms: i64| timestamp(ms).to_zoned(TimeZone::UTC).date();
        // The bank's days are Moscow's: a day of margin at the end covers the difference.
        let (from, to) = (day(since_ms), day(self.ctx.now_ms() + DAY_MS));
        for page in 1..=MAX_PAGES {
            let outcome = self.ask(&BankOp::ListPayments { from, to, page }).await?;
            let Outcome::Done(Answer::Payments(list)) = outcome else {
                let refusal = refusal_of(outcome);
                bail!("the bank's list cannot be read: {}\nhint: {}", refusal.message, refusal.hint)
            };
            self.report.listed += u64::try_from(list.items.len()).unwrap_or_default();
            let (known, foreign) = self.take(list.items).await?;
            self.report.known += known;
            self.report.foreign += foreign;
            progress(&self.report);
            if page >= list.total_pages {
                break;
            }
        }
        Ok((from, to))
    }

    /// Applies what was seen, in one transaction; counts ours and foreign ones.
    async fn take(&mut self, seen: Vec<Observation>) -> anyhow::Result<(u64, u64)> {
        let (inner, id) = (self.ctx.clone(), self.connection.id.clone());
        let done: Result<Vec<Option<(Payment, bool)>>, DbError> = self
            .ctx
            .db
            .write(move |tx| seen.iter().map(|seen| observe(tx, &inner, &id, seen)).collect())
            .await;
        let (mut known, mut foreign) = (0, 0);
        for found in done? {
            let Some((payment, is_news)) = found else {
                foreign += 1;
                continue;
            };
            known += 1;
            if is_news {
                self.report.healed.push(Healed {
                    status: payment.status().as_str(),
                    amount: payment.amount.to_rubles(),
                    payment_id: payment.id,
                    order_id: payment.order_id,
                });
            }
        }
        Ok((known, foreign))
    }

    /// The register of each day: what the bank really books, with its commission. It is read after
    /// the list, since it shows only paid operations, and those of today's cards not yet.
    async fn registers(&mut self, from: Date, to: Date) -> anyhow::Result<()> {
        let merchant_id = self.connection.credentials.find("merchant_id").map(str::to_owned);
        let Some(merchant_id) = merchant_id else { return Ok(()) };
        let mut date = from;
        while date < to {
            let op = BankOp::Registry { merchant_id: merchant_id.clone(), date };
            let outcome = self.ask(&op).await?;
            let Outcome::Done(Answer::Registry(lines)) = outcome else {
                // The list was read; a register that is missing is told, not fatal.
                let refusal = refusal_of(outcome);
                self.report.problems.push(format!("register of {date}: {}", refusal.message));
                return Ok(());
            };
            self.report.register_lines += u64::try_from(lines.len()).unwrap_or_default();
            for line in &lines {
                self.report.register_kopecks += line.amount.kopecks();
                self.report.commission_kopecks += line.commission.kopecks();
            }
            self.take(lines.into_iter().map(seen_in_register).collect()).await?;
            date = date.checked_add(1.day())?;
        }
        Ok(())
    }

    async fn finish(self) -> anyhow::Result<Report> {
        let (id, now_ms) = (self.connection.id.clone(), self.ctx.now_ms());
        let saved: Result<(), DbError> =
            self.ctx.db.write(move |tx| shops::store::update_swept(tx, &id, now_ms)).await;
        saved?;
        Ok(self.report)
    }
}

fn seen_in_register(line: RegistryLine) -> Observation {
    Observation {
        bank_id: Some(line.bank_id),
        status: line.status,
        paid: Some(line.amount).filter(|amount| *amount > Money::ZERO),
        method: Some(line.method),
        ..Observation::default()
    }
}
