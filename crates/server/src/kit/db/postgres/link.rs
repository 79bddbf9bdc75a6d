//! One connection to PostgreSQL: made, used, lost and made again on its own thread.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use postgres::{Client, NoTls, Statement, types::ToSql};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls_platform_verifier::Verifier;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::types::{self, Param};
use crate::kit::db::{
    DbError, Dialect, Row, Tx, Value,
    address::PostgresSettings,
    migrate,
    work::{Access, Job, Verdict},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Unacknowledged data for this long means the server is gone, not slow.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
/// A restart of PostgreSQL takes about a second; closures wait that long before they are refused.
const RECONNECT_PAUSES_MS: [u64; 5] = [0, 100, 200, 400, 800];
/// After that closures are refused at once, so that callers do not pile up behind a dead server.
const REFUSE_FOR: Duration = Duration::from_secs(1);
/// More than the program has statements.
const STATEMENTS: usize = 512;
/// Ends what hangs: no statement or lock of ours takes long, and a stopped process must not keep
/// its locks. Notices are for psql.
///
/// Each execution is planned anew, which costs microseconds: a plan kept from when a table was
/// empty reads a shop's every payment to change one, until the server next counts the rows
/// (measured: 86 notices a second in place of thousands).
const SESSION: &str = "set statement_timeout = '30s'; set lock_timeout = '10s'; \
    set idle_in_transaction_session_timeout = '60s'; set client_min_messages = warning; \
    set plan_cache_mode = force_custom_plan";
/// An arbitrary number of ours: one migration at a time in a database.
const MIGRATION: &str = "begin; set local statement_timeout = 0; set local lock_timeout = 0; \
    select pg_advisory_xact_lock(7041960471)";

/// Where to connect.
pub(super) struct Target {
    config: postgres::Config,
    tls: Option<MakeRustlsConnect>,
}

impl Target {
    pub fn new(settings: PostgresSettings) -> anyhow::Result<Target> {
        let mut config = settings.config;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.tcp_user_timeout(SILENCE_TIMEOUT).keepalives_idle(SILENCE_TIMEOUT);
        if config.get_application_name().is_none() {
            config.application_name("kopeck");
        }
        let mut roots = Vec::new();
        if let Some(path) = &settings.root_cert {
            let shown = || format!("sslrootcert {}", path.display());
            for root in CertificateDer::pem_file_iter(path).with_context(shown)? {
                roots.push(root.with_context(shown)?);
            }
        }
        let tls = if settings.tls { Some(tls(roots)?) } else { None };
        Ok(Target { config, tls })
    }

    fn connect(&self) -> Result<Client, DbError> {
        let connected = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        let ready = connected.and_then(|mut client| {
            client.batch_execute(SESSION)?;
            Ok(client)
        });
        ready.map_err(|error| DbError::Unavailable(types::full_text(&error)))
    }
}

/// The system's roots and those given; the certificate is always verified.
fn tls(roots: Vec<CertificateDer<'static>>) -> anyhow::Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // The name is rustls's; this verifier only adds roots.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

pub(super) fn migrate(target: &Target) -> anyhow::Result<Vec<&'static str>> {
    let mut session = Session { client: target.connect()?, statements: HashMap::new() };
    session.client.batch_execute(MIGRATION)?;
    let result = migrate::apply(&mut session);
    let end = if result.is_ok() { "commit" } else { "rollback" };
    session.client.batch_execute(end)?;
    result
}

/// A thread's connection, standing or not.
pub(super) struct Link {
    target: Arc<Target>,
    session: Option<Session>,
    refuse_until: Option<(Instant, DbError)>,
}

impl Link {
    pub fn new(target: Arc<Target>) -> Link {
        Link { target, session: None, refuse_until: None }
    }

    /// One attempt.
    pub fn connect(&mut self) -> Result<(), DbError> {
        let client = self.target.connect()?;
        self.session = Some(Session { client, statements: HashMap::new() });
        Ok(())
    }

    pub fn serve(&mut self, mut job: Job) {
        let fate = self.attempt(&mut job);
        if self.session.as_ref().is_some_and(|session| session.client.is_closed()) {
            self.session = None;
        }
        job.work.answer(fate);
    }

    /// An error means that the closure was not run, or that its commit failed.
    fn attempt(&mut self, job: &mut Job) -> Result<(), DbError> {
        let session = self.begin(job.access)?;
        match job.work.run(session) {
            Verdict::Keep => session.client.batch_execute("commit").map_err(|error| {
                let text = types::full_text(&error);
                DbError::Unavailable(format!("the commit may or may not have happened: {text}"))
            }),
            Verdict::Undo => {
                // A lost connection is rolled back by the server.
                let _ = session.client.batch_execute("rollback");
                Ok(())
            }
        }
    }

    /// Opens a transaction. The closure has not run yet, so a connection that turns out to be
    /// dead is simply replaced.
    fn begin(&mut self, access: Access) -> Result<&mut Session, DbError> {
        let begin = match access {
            Access::Read => "begin isolation level repeatable read read only",
            Access::Write => "begin isolation level read committed",
        };
        if let Some(session) = &mut self.session
            && session.client.batch_execute(begin).is_err()
        {
            self.session = None;
        }
        if self.session.is_none() {
            self.reconnect()?;
            if let Some(session) = &mut self.session {
                session.client.batch_execute(begin).map_err(|error| types::explain(&error))?;
            }
        }
        self.session.as_mut().ok_or_else(|| DbError::Unavailable("not connected".into()))
    }

    fn reconnect(&mut self) -> Result<(), DbError> {
        if let Some((until, error)) = &self.refuse_until
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let mut last = DbError::Unavailable("not connected".into());
        for pause_ms in RECONNECT_PAUSES_MS {
            thread::sleep(Duration::from_millis(pause_ms));
            match self.connect() {
                Ok(()) => {
                    self.refuse_until = None;
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        self.refuse_until = Some((Instant::now() + REFUSE_FOR, last.clone()));
        Err(last)
    }
}

/// A standing connection with its prepared statements.
struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Session {
    fn statement(&mut self, sql: &str, values: usize) -> Result<Statement, DbError> {
        if let Some(known) = self.statements.get(sql) {
            return counted(known.clone(), values);
        }
        let statement = self.client.prepare(sql).map_err(|error| types::explain(&error))?;
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        counted(statement, values)
    }

    fn failed(&mut self, error: &postgres::Error) -> DbError {
        if types::is_stale(error) {
            self.statements.clear();
        }
        types::explain(error)
    }
}

/// The driver panics on a wrong number of parameters.
fn counted(statement: Statement, values: usize) -> Result<Statement, DbError> {
    let names = statement.params().len();
    if names == values {
        return Ok(statement);
    }
    Err(DbError::Other(format!("{names} parameters in the SQL, {values} values")))
}

impl Tx for Session {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        let statement = self.statement(sql, params.len())?;
        let params: Vec<Param<'_>> = params.iter().map(Param).collect();
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as _).collect();
        self.client.execute(&statement, &params).map_err(|error| self.failed(&error))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        let statement = self.statement(sql, params.len())?;
        let params: Vec<Param<'_>> = params.iter().map(Param).collect();
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as _).collect();
        let rows = self.client.query(&statement, &params).map_err(|error| self.failed(&error))?;
        rows.iter().map(types::decode).collect()
    }
}

impl migrate::Script for Session {
    fn script(&mut self, sql: &str) -> Result<(), DbError> {
        self.client.batch_execute(sql).map_err(|error| types::explain(&error))
    }
}
