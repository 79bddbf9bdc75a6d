//! The sweep of one connection.

use anyhow::bail;
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use kopeck_banks::{
    Money,
    op::{Answer, BankOp, Observation, Outcome, RegistryLine},
};
use serde::Serialize;

use crate::{
    gateway::flow::{ask_now, get_bank, refusal_of},
    ids::Mint,
    kit::{
        Ctx,
        clock::{DAY_MS, timestamp},
        db::{DbError, Tx},
        jobs,
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
/// Pages of a thousand: a sweep that would read more is cut into smaller ranges by its caller.
const MAX_PAGES: u32 = 1_000;

/// Payments of one sweep at a bank that has no list and is asked about each.
const MAX_ASKED: i64 = 5_000;

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

/// The sweep of the day: the last month, and once a week the list of more than a year.
pub async fn daily(ctx: &Ctx, connection: &Connection) -> anyhow::Result<Report> {
    let now_ms = ctx.now_ms();
    // Asking about each payment of a year would be a flood.
    let is_weekly = (now_ms / DAY_MS) % 7 == 0 && has_list(connection)?;
    let mut report = Report::default();
    if is_weekly {
        list(ctx, connection, now_ms - WEEKLY_DAYS * DAY_MS, &mut report, |_| {}).await?;
    }
    let month = sweep(ctx, connection, now_ms - DAILY_DAYS * DAY_MS, |_| {}).await?;
    report.healed.extend(month.healed);
    Ok(Report { healed: report.healed, ..month })
}

/// Reads the bank's list and registers from `since_ms` until now; `progress` hears of each page.
pub async fn sweep(
    ctx: &Ctx,
    connection: &Connection,
    since_ms: i64,
    progress: impl FnMut(&Report),
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    if has_list(connection)? {
        let (from, to) = list(ctx, connection, since_ms, &mut report, progress).await?;
        registers(ctx, connection, from, to, &mut report).await?;
    } else {
        ask_each(ctx, connection, since_ms, &mut report, progress).await?;
    }
    let (id, now_ms) = (connection.id.clone(), ctx.now_ms());
    let saved: Result<(), DbError> =
        ctx.db.write(move |tx| shops::store::update_swept(tx, &id, now_ms)).await;
    saved?;
    Ok(report)
}

fn has_list(connection: &Connection) -> anyhow::Result<bool> {
    Ok(get_bank(&connection.bank)?.capabilities().lists_payments)
}

/// For a bank without a list: asks about each payment that may still change there.
async fn ask_each(
    ctx: &Ctx,
    connection: &Connection,
    since_ms: i64,
    report: &mut Report,
    mut progress: impl FnMut(&Report),
) -> anyhow::Result<()> {
    let id = connection.id.clone();
    let found: Result<Vec<String>, DbError> =
        ctx.db.read(move |tx| list_changeable(tx, &id, since_ms, MAX_ASKED)).await;
    let bank_ids = found?;
    if i64::try_from(bank_ids.len()).is_ok_and(|count| count >= MAX_ASKED) {
        report.problems.push(format!("only {MAX_ASKED} payments were asked about: the stalest"));
    }
    for bank_id in bank_ids {
        let op = BankOp::GetPayment { bank_id: bank_id.clone() };
        match ask_now(ctx, connection, &op).await? {
            Outcome::Done(Answer::Payment(seen)) => {
                report.listed += 1;
                take(ctx, connection, seen, report).await?;
                progress(report);
            }
            outcome @ Outcome::Refused(_) => {
                report.problems.push(format!("{bank_id}: {}", refusal_of(outcome).message));
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
    ctx: &Ctx,
    connection: &Connection,
    since_ms: i64,
    report: &mut Report,
    mut progress: impl FnMut(&Report),
) -> anyhow::Result<(Date, Date)> {
    let day = |ms: i64| timestamp(ms).to_zoned(TimeZone::UTC).date();
    // The bank's days are Moscow's: a day of margin at the end covers the difference.
    let (from, to) = (day(since_ms), day(ctx.now_ms() + DAY_MS));
    for page in 1..=MAX_PAGES {
        let op = BankOp::ListPayments { from, to, page };
        let outcome = ask_now(ctx, connection, &op).await?;
        let Outcome::Done(Answer::Payments(list)) = outcome else {
            let refusal = refusal_of(outcome);
            bail!("the bank's list cannot be read: {}\nhint: {}", refusal.message, refusal.hint)
        };
        report.listed += u64::try_from(list.items.len()).unwrap_or_default();
        for seen in list.items {
            take(ctx, connection, seen, report).await?;
        }
        progress(report);
        if page >= list.total_pages {
            break;
        }
    }
    Ok((from, to))
}

async fn take(
    ctx: &Ctx,
    connection: &Connection,
    seen: Observation,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (inner, id) = (ctx.clone(), connection.id.clone());
    let done: Result<Option<(Payment, bool)>, DbError> =
        ctx.db.write(move |tx| observe(tx, &inner, &id, &seen)).await;
    match done? {
        Some((payment, is_news)) => {
            report.known += 1;
            if is_news {
                report.healed.push(Healed {
                    status: payment.status().as_str(),
                    amount: payment.amount.to_rubles(),
                    payment_id: payment.id,
                    order_id: payment.order_id,
                });
            }
        }
        None => report.foreign += 1,
    }
    Ok(())
}

/// The register of each day: what the bank really books, with its commission. It is read after the
/// list, since it shows only paid operations, and those of today's cards not yet.
async fn registers(
    ctx: &Ctx,
    connection: &Connection,
    from: Date,
    to: Date,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(merchant_id) = connection.credentials.find("merchant_id").map(str::to_owned) else {
        return Ok(());
    };
    let mut date = from;
    while date < to {
        let op = BankOp::Registry { merchant_id: merchant_id.clone(), date };
        let outcome = ask_now(ctx, connection, &op).await?;
        let Outcome::Done(Answer::Registry(lines)) = outcome else {
            // The list was read; a register that is missing is told, not fatal.
            let refusal = refusal_of(outcome);
            report.problems.push(format!("register of {date}: {}", refusal.message));
            return Ok(());
        };
        for line in lines {
            take_line(ctx, connection, line, report).await?;
        }
        date = date.checked_add(1.day())?;
    }
    Ok(())
}

async fn take_line(
    ctx: &Ctx,
    connection: &Connection,
    line: RegistryLine,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.register_lines += 1;
    report.register_kopecks += line.amount.kopecks();
    report.commission_kopecks += line.commission.kopecks();
    let seen = Observation {
        bank_id: Some(line.bank_id),
        status: line.status,
        paid: Some(line.amount).filter(|amount| *amount > Money::ZERO),
        method: Some(line.method),
        ..Observation::default()
    };
    let before = report.known;
    let foreign = report.foreign;
    take(ctx, connection, seen, report).await?;
    // A register line is not one more payment of the list.
    report.known = before;
    report.foreign = foreign;
    Ok(())
}
