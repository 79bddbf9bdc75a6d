//! The database: synchronous closures over SQLite or PostgreSQL.
//!
//! `db.write(|tx| …)` runs the closure in one transaction and resolves once it is durable;
//! `db.read(|tx| …)` sees a consistent state and must not write. A closure is plain synchronous
//! code and never calls a bank. One SQL text with `$1` parameters serves both databases; what
//! differs is a named function of [`Dialect`].
//!
//! Rules that make one SQL text right on both:
//!
//! - Parameters are `$1…$n`, all of them used, in any order, any number of times.
//! - After a failed statement the transaction can only fail, as PostgreSQL has it. To probe for a
//!   row, write `on conflict do nothing` and count.
//! - Sums are cast: `cast(sum(x) as bigint)`; PostgreSQL sums to `numeric`, which no value holds.
//! - A parameter that stands alone (`$1 is null`, `then $1`) is cast: PostgreSQL wants its type.
//! - Booleans are stored as 0 and 1 in a `bigint`; SQLite has no other.

mod address;
mod dialect;
mod migrate;
mod postgres;
mod sqlite;
mod value;
mod work;

use std::{path::Path, sync::Arc};

use anyhow::Context as _;

use address::Address;
pub use dialect::Dialect;
pub use value::{Row, Value};
use work::{Access, Job};

/// One open transaction.
pub trait Tx {
    /// Which database this is, for the SQL that differs.
    fn dialect(&self) -> Dialect;
    /// Runs a statement; returns the number of rows it touched.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError>;
    /// All rows at once: every `select` over a growing table has a `limit`.
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError>;

    /// The first row, if any.
    fn find(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }
}

/// Why the database did not do it. Nothing of the closure's work remains, with one exception:
/// see [`DbError::Unavailable`].
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// A unique constraint refused the row: somebody else was first. The text (SQLite: columns,
    /// PostgreSQL: the constraint) is for people, not for decisions.
    #[error("a row with the same unique value exists: {0}")]
    Taken(String),
    /// Try later. If the connection broke during the commit, the work may have been kept; whoever
    /// tries again must find out, as after any silence.
    #[error("the database is busy or unreachable: {0}")]
    Unavailable(String),
    /// A stored value is not what the code expects.
    #[error("unexpected data: {0}")]
    Decode(String),
    /// Wrong SQL, a broken constraint, a panic in the closure: a bug.
    #[error("{0}")]
    Other(String),
}

/// A handle to the database. Cheap to clone; the threads end when the last clone is gone.
#[derive(Clone)]
pub struct Db(Arc<Backend>);

enum Backend {
    Inline(sqlite::Inline),
    Sqlite(sqlite::Threads),
    Postgres(postgres::Pool),
}

/// Whether the file is there; of a server's that is for its opening to tell.
pub fn exists(url: &str) -> bool {
    match Address::parse(url) {
        Ok(Address::Sqlite(path)) => path.exists(),
        Ok(Address::Postgres(_)) | Err(_) => true,
    }
}

impl Db {
    /// `sqlite:///abs/path`, `sqlite:relative/path` or a bare path; `postgres://…`, where
    /// `?pool=n` sets the number of connections and `sslmode`, `sslrootcert` the TLS.
    pub fn open(url: &str) -> anyhow::Result<Db> {
        let backend = match Address::parse(url)? {
            Address::Sqlite(path) => Backend::Sqlite(sqlite::Threads::open(&path)?),
            Address::Postgres(settings) => Backend::Postgres(postgres::Pool::open(*settings)?),
        };
        Ok(Db(Arc::new(backend)))
    }

    /// An empty SQLite database in memory. Closures run on the calling thread and futures are
    /// ready at once, so the simulator needs neither threads nor a runtime.
    pub fn memory() -> anyhow::Result<Db> {
        Ok(Db(Arc::new(Backend::Inline(sqlite::Inline::memory()?))))
    }

    /// As [`Db::memory`], over a file.
    pub fn inline(path: &Path) -> anyhow::Result<Db> {
        Ok(Db(Arc::new(Backend::Inline(sqlite::Inline::open(path)?))))
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match &*self.0 {
            Backend::Inline(_) | Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Applies what is missing, all in one transaction, and names it. Any number of processes may
    /// start at once. Blocks; fine at start-up. A database newer than this program is refused.
    pub fn migrate(&self) -> anyhow::Result<Vec<&'static str>> {
        match &*self.0 {
            Backend::Inline(inline) => inline.migrate(),
            Backend::Sqlite(threads) => threads.migrate(),
            Backend::Postgres(pool) => pool.migrate(),
        }
        .context("cannot bring the database up to date")
    }

    /// Runs the closure in one transaction; resolves once it is durable. The closure's `Err`, a
    /// panic in it or a statement that failed unnoticed undo all it did. If the future is dropped,
    /// the closure may still run and be kept.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.submit(Access::Write, work).await
    }

    /// Runs the closure over one consistent state of the data; a write in it is refused.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.submit(Access::Read, work).await
    }

    async fn submit<T, E, F>(&self, access: Access, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        let (job, answer) = work::job(access, work);
        self.hand_over(job).await?;
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(DbError::Unavailable("the database thread has ended".into()).into()),
        }
    }

    async fn hand_over(&self, job: Job) -> Result<(), DbError> {
        match &*self.0 {
            Backend::Inline(inline) => {
                inline.run(job);
                Ok(())
            }
            Backend::Sqlite(threads) => threads.send(job).await,
            Backend::Postgres(pool) => pool.send(job).await,
        }
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({:?})", self.dialect())
    }
}
