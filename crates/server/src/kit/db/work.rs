//! One closure on its way through a database thread: run, then answered once its fate is known.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{mpsc, oneshot};

use super::{DbError, Dialect, Row, Tx, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// What the closure left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    Undo,
}

pub(super) struct Job {
    pub access: Access,
    pub work: Box<dyn Work>,
}

/// Closures waiting for a thread; senders wait when it is full.
pub(super) type Queue = mpsc::Receiver<Job>;

/// One queue that several threads take from.
pub(super) type SharedQueue = Arc<Mutex<Queue>>;

/// Blocks until there is a job; `None` once every handle to the database is gone.
pub(super) fn take(queue: &SharedQueue) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}

pub(super) trait Work: Send {
    /// Runs the closure once. Never panics.
    fn run(&mut self, tx: &mut dyn Tx) -> Verdict;
    /// Tells the caller. `fate` says whether what was to be kept is durable.
    fn answer(self: Box<Self>, fate: Result<(), DbError>);
}

struct Closure<F, T, E> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

pub(super) fn job<T, E, F>(access: Access, work: F) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
    F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let work = Box::new(Closure { work: Some(work), result: None, reply });
    (Job { access, work }, answer)
}

impl<T, E, F> Work for Closure<F, T, E>
where
    T: Send,
    E: From<DbError> + Send,
    F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> Verdict {
        let Some(work) = self.work.take() else { return Verdict::Undo };
        let mut strict = Strict { tx, failed: None };
        // Whatever a panic left half done in memory belongs to the closure and goes with it; in
        // the database it is undone.
        let result = match catch_unwind(AssertUnwindSafe(|| work(&mut strict))) {
            Ok(result) => result,
            Err(panic) => Err(DbError::Other(panic_text(&*panic)).into()),
        };
        let result = match (result, strict.failed) {
            (Ok(_), Some(error)) => Err(error.into()),
            (result, _) => result,
        };
        let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.result = Some(result);
        verdict
    }

    fn answer(self: Box<Self>, fate: Result<(), DbError>) {
        let result = match (self.result, fate) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(DbError::Other("the closure was not run".into()).into()),
        };
        // The caller may have gone; then nobody needs the answer.
        let _ = self.reply.send(result);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a database closure panicked: {}", text.unwrap_or("no text"))
}

/// After one failed statement every other fails too, as PostgreSQL has it: otherwise a closure
/// that swallows an error would work on SQLite and silently lose its work on PostgreSQL.
struct Strict<'a> {
    tx: &'a mut dyn Tx,
    failed: Option<DbError>,
}

impl Strict<'_> {
    fn run<T>(
        &mut self,
        statement: impl FnOnce(&mut dyn Tx) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = statement(self.tx);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }
}

impl Tx for Strict<'_> {
    fn dialect(&self) -> Dialect {
        self.tx.dialect()
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        self.run(|tx| tx.execute(sql, params))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        self.run(|tx| tx.query(sql, params))
    }
}
