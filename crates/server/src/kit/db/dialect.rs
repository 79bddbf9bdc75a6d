//! Every difference between SQLite and PostgreSQL, as named functions.

/// Which database is behind a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Locks the selected rows until the transaction ends. SQLite has one writer, so nothing to do.
    pub const fn for_update(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " for update",
        }
    }

    /// As [`Dialect::for_update`], but passes over rows that somebody else holds.
    pub const fn for_update_skip_locked(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " for update skip locked",
        }
    }
}
