//! The database: synchronous closures over SQLite or PostgreSQL.
//!
//! `db.write(|tx| …)` runs the closure in one transaction and resolves once it is durable;
//! `db.read(|tx| …)` sees a consistent state and must not write. A closure is plain synchronous
//! code and never calls a bank. One SQL text with `$1` parameters serves both databases; what
//! differs is a named function of [`Dialect`].

mod dialect;
mod value;

pub use dialect::Dialect;
pub use value::{Row, Value};

/// One open transaction.
pub trait Tx {
    fn dialect(&self) -> Dialect;
    /// Runs a statement; returns the number of rows it touched.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError>;
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError>;

    /// The first row, if any.
    fn find(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }
}

/// Why the database did not do it. Nothing of the closure's work remains.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// A unique constraint refused the row: somebody else was first.
    #[error("a row with the same unique value exists: {0}")]
    Taken(String),
    #[error("the database is busy or unreachable: {0}")]
    Unavailable(String),
    /// A stored value is not what the code expects.
    #[error("unexpected data: {0}")]
    Decode(String),
    #[error("{0}")]
    Other(String),
}

/// A handle to the database. Cheap to clone.
#[derive(Clone)]
pub struct Db;

impl Db {
    pub async fn write<T, E, F>(&self, _work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        Err(DbError::Other("not written yet".into()).into())
    }

    pub async fn read<T, E, F>(&self, _work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        Err(DbError::Other("not written yet".into()).into())
    }
}
