//! SQLite: one writer thread that commits in groups, a few readers, or everything inline.

use std::{
    fs::{DirBuilder, OpenOptions},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use rusqlite::{Connection, Statement, config::DbConfig, types::ValueRef};
use tokio::sync::mpsc;

use super::{
    DbError, Dialect, Row, Tx, Value, migrate,
    work::{self, Access, Job, Queue, SharedQueue, Verdict},
};

/// Closures committed together: one fsync for all of them. More would make the first wait long.
const GROUP_MAX: usize = 256;
/// Waiting writes: four full groups, about 50 ms of work; beyond that callers wait in line.
const WRITE_QUEUE: usize = 4 * GROUP_MAX;
/// Reads are short and come from memory; two threads keep both cores of a small machine busy.
const READERS: usize = 2;
const READ_QUEUE: usize = 256;
/// Another process (a backup, `kopeck` on the command line) may hold the file for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// More than the program has statements, so each is prepared once per connection.
const STATEMENTS: usize = 512;

/// Closures on the calling thread, for tests and the simulator.
pub(super) struct Inline(Mutex<Connection>);

impl Inline {
    pub fn memory() -> anyhow::Result<Inline> {
        let conn = Connection::open_in_memory()?;
        prepare(&conn)?;
        Ok(Inline(Mutex::new(conn)))
    }

    pub fn open(path: &Path) -> anyhow::Result<Inline> {
        Ok(Inline(Mutex::new(open_file(path)?)))
    }

    pub fn run(&self, job: Job) {
        let conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match job.access {
            Access::Read => run_read(&conn, job),
            Access::Write => run_group(&conn, &mut vec![job]),
        }
    }

    pub fn migrate(&self) -> anyhow::Result<Vec<&'static str>> {
        migrate(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Handles to the writer and reader threads.
pub(super) struct Threads {
    path: PathBuf,
    writes: mpsc::Sender<Job>,
    reads: mpsc::Sender<Job>,
}

impl Threads {
    pub fn open(path: &Path) -> anyhow::Result<Threads> {
        let writer = open_file(path)?;
        let (writes, write_queue) = mpsc::channel(WRITE_QUEUE);
        let (reads, read_queue) = mpsc::channel(READ_QUEUE);
        let read_queue = Arc::new(Mutex::new(read_queue));
        thread::Builder::new()
            .name("sqlite-write".into())
            .spawn(move || write_loop(&writer, write_queue))?;
        for n in 0..READERS {
            let reader = open_file(path)?;
            reader.pragma_update(None, "query_only", true)?;
            let queue = Arc::clone(&read_queue);
            thread::Builder::new()
                .name(format!("sqlite-read-{n}"))
                .spawn(move || read_loop(&reader, &queue))?;
        }
        Ok(Threads { path: path.to_owned(), writes, reads })
    }

    pub async fn send(&self, job: Job) -> Result<(), DbError> {
        let queue = match job.access {
            Access::Read => &self.reads,
            Access::Write => &self.writes,
        };
        let sent = queue.send(job).await;
        sent.map_err(|_| DbError::Unavailable("the database thread has ended".into()))
    }

    pub fn migrate(&self) -> anyhow::Result<Vec<&'static str>> {
        migrate(&open_file(&self.path)?)
    }
}

fn migrate(conn: &Connection) -> anyhow::Result<Vec<&'static str>> {
    conn.execute_batch("begin immediate")?;
    let result = migrate::apply(&mut SqliteTx { conn, access: Access::Write });
    let end = if result.is_ok() { "commit" } else { "rollback" };
    conn.execute_batch(end)?;
    result
}

/// Only the owner may read the file: it holds payers' data. SQLite gives its side files (WAL,
/// shared memory) the same mode.
fn open_file(path: &Path) -> anyhow::Result<Connection> {
    let opened = (|| -> anyhow::Result<Connection> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            create_folder(folder)?;
        }
        create_file(path)?;
        let conn = Connection::open(path)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        conn.pragma_update(None, "journal_mode", "wal")?;
        prepare(&conn)?;
        Ok(conn)
    })();
    opened.with_context(|| format!("cannot open the database file {}", path.display()))
}

#[cfg(unix)]
fn create_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).create(folder)
}

fn create_file(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // SQLite would otherwise compile most statements anew whenever they are bound to other values,
    // in the hope of statistics that nobody gathers: half of the time of a write.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn write_loop(conn: &Connection, mut queue: Queue) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while queue.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
        run_group(conn, &mut group);
    }
}

fn read_loop(conn: &Connection, queue: &SharedQueue) {
    while let Some(job) = work::take(queue) {
        run_read(conn, job);
    }
}

/// Runs all closures in one transaction, each in its own savepoint, commits once, then answers.
fn run_group(conn: &Connection, group: &mut Vec<Job>) {
    let fate = try_group(conn, group);
    if fate.is_err() && !conn.is_autocommit() {
        // If even this fails, the next `begin` fails too and says so to its callers.
        let _ = conn.execute_batch("rollback");
    }
    for job in group.drain(..) {
        job.work.answer(fate.clone());
    }
}

/// An error here means that nobody's work was kept. A full disk makes SQLite roll back the whole
/// transaction by itself; then the savepoint is gone and `release` reports it.
fn try_group(conn: &Connection, group: &mut [Job]) -> Result<(), DbError> {
    control(conn, "begin immediate")?;
    for job in group {
        control(conn, "savepoint work")?;
        match job.work.run(&mut SqliteTx { conn, access: Access::Write }) {
            Verdict::Keep => {}
            Verdict::Undo => control(conn, "rollback to work")?,
        }
        control(conn, "release work")?;
    }
    control(conn, "commit")
}

fn run_read(conn: &Connection, mut job: Job) {
    let fate = control(conn, "begin").and_then(|()| {
        job.work.run(&mut SqliteTx { conn, access: Access::Read });
        control(conn, "rollback")
    });
    job.work.answer(fate);
}

fn control(conn: &Connection, sql: &str) -> Result<(), DbError> {
    let done = conn.prepare_cached(sql).and_then(|mut statement| statement.raw_execute());
    done.map(drop).map_err(|error| DbError::Unavailable(error.to_string()))
}

struct SqliteTx<'a> {
    conn: &'a Connection,
    access: Access,
}

impl SqliteTx<'_> {
    fn statement(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>, DbError> {
        let statement = self.conn.prepare_cached(sql).map_err(explain)?;
        if self.access == Access::Read && !statement.readonly() {
            return Err(DbError::Other(format!("a write inside a read: {sql}")));
        }
        Ok(statement)
    }
}

impl Tx for SqliteTx<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        let mut statement = self.statement(sql)?;
        bind(&mut statement, params)?;
        let touched = statement.raw_execute().map_err(explain)?;
        Ok(u64::try_from(touched).unwrap_or(u64::MAX))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        let mut statement = self.statement(sql)?;
        bind(&mut statement, params)?;
        let columns = statement.column_count();
        let mut cursor = statement.raw_query();
        let mut rows = Vec::new();
        while let Some(row) = cursor.next().map_err(explain)? {
            let values = (0..columns).map(|at| decode(row.get_ref(at).map_err(explain)?, at));
            rows.push(Row(values.collect::<Result<_, _>>()?));
        }
        Ok(rows)
    }
}

impl migrate::Script for SqliteTx<'_> {
    fn script(&mut self, sql: &str) -> Result<(), DbError> {
        self.conn.execute_batch(sql).map_err(explain)
    }
}

/// SQLite takes `$2` for a name and numbers it by first appearance, so values go by the number in
/// the name. PostgreSQL's rule that each value is used is kept here too.
fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<(), DbError> {
    let names = statement.parameter_count();
    if names != params.len() {
        let given = params.len();
        return Err(DbError::Other(format!("{names} parameters in the SQL, {given} values")));
    }
    for at in 1..=names {
        let number = statement.parameter_name(at).and_then(|name| name.strip_prefix('$'));
        let number = number.and_then(|number| number.parse::<usize>().ok());
        let value = number.and_then(|number| params.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| DbError::Other("parameters are $1, $2, …".into()))?;
        let bound = match value {
            Value::Null => statement.raw_bind_parameter(at, rusqlite::types::Null),
            Value::Int(value) => statement.raw_bind_parameter(at, value),
            Value::Text(value) => statement.raw_bind_parameter(at, value),
            Value::Bytes(value) => statement.raw_bind_parameter(at, value),
        };
        bound.map_err(explain)?;
    }
    Ok(())
}

fn decode(value: ValueRef<'_>, at: usize) -> Result<Value, DbError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Int(value)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(DbError::Decode(format!("column {at} is not UTF-8"))),
        },
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(DbError::Decode(format!("column {at} is a floating number"))),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "SQLite's list of codes is open")]
fn explain(error: rusqlite::Error) -> DbError {
    use rusqlite::ErrorCode;
    let text = error.to_string();
    let rusqlite::Error::SqliteFailure(code, detail) = &error else { return DbError::Other(text) };
    let extended = code.extended_code;
    if [rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE, rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY]
        .contains(&extended)
    {
        let detail = detail.as_deref().unwrap_or_default();
        let columns = detail.strip_prefix("UNIQUE constraint failed: ").unwrap_or(detail);
        return DbError::Taken(columns.to_owned());
    }
    match code.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::OutOfMemory
        | ErrorCode::CannotOpen => DbError::Unavailable(text),
        _ => DbError::Other(text),
    }
}
