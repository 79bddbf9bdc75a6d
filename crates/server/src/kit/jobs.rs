//! Jobs: rows with a due time and a lease. A job carries a kind and a subject's id, never a copy
//! of anything: whoever runs it reads what is true then.
//!
//! There is one job per kind and subject, so asking twice for the same work is one piece of work,
//! and whoever holds its lease is the only one at it, among all processes.

use super::db::{DbError, Row, Tx};
use crate::ids::Mint;

/// How long a run may be silent before somebody else may think that its process died. After a
/// crash its work rests that long; a run that needs longer renews.
pub const LEASE_MS: i64 = 60_000;

/// A job that this process may run until `lease_until_ms`.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    pub kind: String,
    pub subject: String,
    pub lease: String,
    pub lease_until_ms: i64,
    pub tries: i64,
    nudges: i64,
}

/// What a run leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Run again then.
    At(i64),
    /// Nothing more to do.
    Done,
    /// It failed in a way that may pass; run again then, and keep the reason.
    Retry { at_ms: i64, why: String },
}

/// Makes the job due at `due_ms`, or earlier if it was due earlier.
pub fn nudge(
    tx: &mut dyn Tx,
    mint: &Mint,
    kind: &str,
    subject: &str,
    due_ms: i64,
) -> Result<(), DbError> {
    tx.execute(
        "insert into jobs (id, kind, subject, due_ms) values ($1, $2, $3, $4) \
         on conflict (kind, subject) do update set nudges = jobs.nudges + 1, due_ms = case \
         when excluded.due_ms < jobs.due_ms then excluded.due_ms else jobs.due_ms end",
        &[mint.id("job").into(), kind.into(), subject.into(), due_ms.into()],
    )?;
    Ok(())
}

/// A job that nobody took for this long is late: runners look every second.
const LATE_MS: i64 = 60_000;

/// How many jobs are late, and how many there are.
pub fn count_due(tx: &mut dyn Tx, now_ms: i64) -> Result<(i64, i64), DbError> {
    let late =
        tx.find("select count(*) from jobs where due_ms < $1", &[(now_ms - LATE_MS).into()])?;
    let all = tx.find("select count(*) from jobs", &[])?;
    let count = |row: Option<Row>| row.map_or(Ok(0), |row| row.int(0));
    Ok((count(late)?, count(all)?))
}

/// Which jobs a runner takes, so that the slow ones of one kind never wait in the way of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    All,
    Only(&'static [&'static str]),
    Except(&'static [&'static str]),
}

impl Lane {
    /// A condition on `kind`; the kinds are words of ours.
    fn condition(self) -> String {
        match self {
            Lane::All => "1 = 1".to_owned(),
            Lane::Only(kinds) => format!("kind in ({})", Lane::list(kinds)),
            Lane::Except(kinds) => format!("kind not in ({})", Lane::list(kinds)),
        }
    }

    fn list(kinds: &[&str]) -> String {
        kinds.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ")
    }
}

/// Makes the job due whenever something becomes of `awaited`: a payment, a saved account. Waiting
/// twice is waiting once.
pub fn wait_for(
    tx: &mut dyn Tx,
    (kind, subject): (&str, &str),
    awaited: &str,
) -> Result<(), DbError> {
    tx.execute(
        "insert into job_waits (awaited, kind, subject) values ($1, $2, $3) \
         on conflict (awaited, kind, subject) do nothing",
        &[awaited.into(), kind.into(), subject.into()],
    )?;
    Ok(())
}

/// Something became of `awaited`: the jobs that wait for it are due. In the transaction that made
/// it so, as its last step: it locks the jobs' rows.
pub fn wake(tx: &mut dyn Tx, mint: &Mint, awaited: &str, now_ms: i64) -> Result<(), DbError> {
    let rows = tx.query(
        "select kind, subject from job_waits where awaited = $1 order by kind, subject",
        &[awaited.into()],
    )?;
    for row in rows {
        nudge(tx, mint, &row.text(0)?, &row.text(1)?, now_ms)?;
    }
    Ok(())
}

/// Leases at most `limit` due jobs that nobody holds.
pub fn claim_due(
    tx: &mut dyn Tx,
    mint: &Mint,
    now_ms: i64,
    limit: i64,
) -> Result<Vec<Job>, DbError> {
    claim_due_of(tx, mint, Lane::All, now_ms, limit)
}

/// As [`claim_due`], of one lane.
pub fn claim_due_of(
    tx: &mut dyn Tx,
    mint: &Mint,
    lane: Lane,
    now_ms: i64,
    limit: i64,
) -> Result<Vec<Job>, DbError> {
    let (skip, lane) = (tx.dialect().for_update_skip_locked(), lane.condition());
    let sql = format!(
        "select {COLUMNS} from jobs where due_ms <= $1 and lease_until_ms <= $1 and {lane} \
         order by due_ms limit $2{skip}"
    );
    let rows = tx.query(&sql, &[now_ms.into(), limit.into()])?;
    rows.iter().map(|row| lease(tx, mint, row, now_ms)).collect()
}

/// Leases one job, due or not; `None` when there is none or somebody holds it.
pub fn claim(
    tx: &mut dyn Tx,
    mint: &Mint,
    kind: &str,
    subject: &str,
    now_ms: i64,
) -> Result<Option<Job>, DbError> {
    let skip = tx.dialect().for_update_skip_locked();
    let sql = format!(
        "select {COLUMNS} from jobs where kind = $1 and subject = $2 and lease_until_ms <= $3{skip}"
    );
    let row = tx.find(&sql, &[kind.into(), subject.into(), now_ms.into()])?;
    row.map(|row| lease(tx, mint, &row, now_ms)).transpose()
}

/// Prolongs the run's lease; `false` when it has passed to somebody else, who is at it now.
pub fn renew(tx: &mut dyn Tx, job: &Job, now_ms: i64) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update jobs set lease_until_ms = $1 where id = $2 and lease = $3",
        &[(now_ms + LEASE_MS).into(), job.id.as_str().into(), job.lease.as_str().into()],
    )?;
    Ok(touched > 0)
}

/// Ends a run. A nudge that came during it keeps the job due at once. A run that lost its lease
/// changes nothing.
pub fn finish(tx: &mut dyn Tx, job: &Job, now_ms: i64, after: &After) -> Result<(), DbError> {
    let (due_ms, error) = match after {
        After::At(at_ms) => (*at_ms, None),
        After::Retry { at_ms, why } => (*at_ms, Some(why.as_str())),
        After::Done => {
            let gone = tx.execute(
                "delete from jobs where id = $1 and lease = $2 and nudges = $3",
                &[job.id.as_str().into(), job.lease.as_str().into(), job.nudges.into()],
            )?;
            if gone > 0 {
                return Ok(());
            }
            (now_ms, None)
        }
    };
    tx.execute(
        "update jobs set lease = null, lease_until_ms = 0, last_error = $1, \
         tries = case when cast($1 as text) is null then 0 else tries end, \
         due_ms = case when nudges = $2 then cast($3 as bigint) else $4 end \
         where id = $5 and lease = $6",
        &[
            error.into(),
            job.nudges.into(),
            due_ms.into(),
            now_ms.into(),
            job.id.as_str().into(),
            job.lease.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Whether nothing is due and nobody is at work.
pub fn is_idle(tx: &mut dyn Tx, now_ms: i64) -> Result<bool, DbError> {
    let sql = "select 1 from jobs where due_ms <= $1 or lease_until_ms > $1 limit 1";
    Ok(tx.find(sql, &[now_ms.into()])?.is_none())
}

/// Whether a job of the lane is due that nobody holds. It reads what is due, and nothing of what
/// will be: an idle server asks this twice a second, and a million renewals may be waiting.
pub fn is_due_of(tx: &mut dyn Tx, lane: Lane, now_ms: i64) -> Result<bool, DbError> {
    let lane = lane.condition();
    let sql = format!(
        "select 1 from jobs where due_ms <= $1 and lease_until_ms <= $1 and {lane} limit 1"
    );
    Ok(tx.find(&sql, &[now_ms.into()])?.is_some())
}

/// When the next job is due, if any is waiting. It reads them all: for clocks that jump.
pub fn find_next_due(tx: &mut dyn Tx) -> Result<Option<i64>, DbError> {
    let sql = "select min(case when lease_until_ms > due_ms then lease_until_ms else due_ms end) \
               from jobs";
    let row = tx.find(sql, &[])?;
    row.map_or(Ok(None), |row| row.opt_int(0))
}

const COLUMNS: &str = "id, kind, subject, nudges, tries";

fn lease(tx: &mut dyn Tx, mint: &Mint, row: &Row, now_ms: i64) -> Result<Job, DbError> {
    let job = Job {
        id: row.text(0)?,
        kind: row.text(1)?,
        subject: row.text(2)?,
        nudges: row.int(3)?,
        tries: row.int(4)? + 1,
        lease: mint.id("lease"),
        lease_until_ms: now_ms + LEASE_MS,
    };
    tx.execute(
        "update jobs set lease = $1, lease_until_ms = $2, tries = tries + 1 where id = $3",
        &[job.lease.as_str().into(), job.lease_until_ms.into(), job.id.as_str().into()],
    )?;
    Ok(job)
}
