//! Fresh databases for a test: SQLite in a file and in memory, PostgreSQL.
//!
//! PostgreSQL is the server named by `KOPECK_TEST_POSTGRES` (`postgres://user@host:port/postgres`);
//! without it a throw-away cluster is started once per process from `/usr/lib/postgresql/*/bin`.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use kopeck::kit::db::Db;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The threads and the group commit of production.
    SqliteFile,
    /// The calling thread, as in the simulator.
    SqliteMemory,
    Postgres,
}

pub const ALL: [Kind; 3] = [Kind::SqliteFile, Kind::SqliteMemory, Kind::Postgres];

/// A database that disappears with this value.
pub struct TestDb {
    pub db: Db,
    /// What to give [`Db::open`] to open it once more; empty in memory.
    pub url: String,
    place: Place,
}

enum Place {
    Nowhere,
    Folder(PathBuf),
    Server { database: String },
}

impl TestDb {
    /// Empty: no migration has run.
    pub fn empty(kind: Kind) -> TestDb {
        let name = unique("kopeck_test");
        let (db, url, place) = match kind {
            Kind::SqliteMemory => (Db::memory(), String::new(), Place::Nowhere),
            Kind::SqliteFile => {
                let folder = std::env::temp_dir().join(name);
                let url = format!("sqlite://{}/kopeck.db", folder.display());
                (Db::open(&url), url, Place::Folder(folder))
            }
            Kind::Postgres => {
                on_server(&format!("create database {name}"));
                let url = database_url(&name);
                (Db::open(&url), url, Place::Server { database: name })
            }
        };
        TestDb { db: db.expect("open"), url, place }
    }

    /// With Kopeck's tables.
    pub fn new(kind: Kind) -> TestDb {
        let fresh = TestDb::empty(kind);
        fresh.db.migrate().expect("migrate");
        fresh
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        match &self.place {
            Place::Nowhere => {}
            Place::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Place::Server { database } => {
                on_server(&format!("drop database if exists {database} with (force)"));
            }
        }
    }
}

/// Runs the test once on each database, and says on which one it failed.
pub async fn on_each<F: Future<Output = ()>>(test: impl Fn(Db) -> F) {
    for kind in ALL {
        let fresh = TestDb::new(kind);
        eprintln!("on {kind:?}");
        test(fresh.db.clone()).await;
    }
}

fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The server's URL with another database in its path.
fn database_url(database: &str) -> String {
    let server = server_url();
    let (base, query) = server.split_once('?').unwrap_or((server, ""));
    let (host, _) = base.rsplit_once('/').expect("postgres://…/postgres");
    format!("{host}/{database}?{query}")
}

/// The driver runs its own runtime and must not be called on a thread that has one.
fn on_server(sql: &str) {
    let (sql, url) = (sql.to_owned(), server_url());
    let done = thread::spawn(move || {
        let mut client = postgres::Client::connect(url, postgres::NoTls)?;
        client.batch_execute(&sql)
    });
    done.join().expect("no panic").expect("the PostgreSQL server for tests answers");
}

fn server_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| match std::env::var("KOPECK_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => url,
        _ => start_cluster(),
    })
}

/// Starts a cluster under a guardian shell whose standard input we hold open until we die, however
/// that happens; then the guardian stops the cluster and removes its files.
const GUARDIAN: &str = r#"
trap '' INT TERM HUP PIPE
dir=$1 bin=$2
mkdir -m 700 "$dir" || exit 1
as=
if [ "$(id -u)" = 0 ]; then
  chown postgres "$dir" || exit 1
  as='setpriv --reuid=postgres --regid=postgres --clear-groups'
fi
cd "$dir" || exit 1
$as "$bin/initdb" -D "$dir/data" -U postgres --auth=trust --no-locale -E UTF8 -N >"$dir/log" 2>&1 &&
$as "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -o "-k '$dir' -c listen_addresses= \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 \
  -c shared_buffers=32MB" start >>"$dir/log" 2>&1 </dev/null || {
  tr '\n' ' ' <"$dir/log"; cd /; rm -rf "$dir"; exit 1; }
# We may be dead already; then this fails and so does the wait, but what follows still runs.
echo ready 2>/dev/null
cat >/dev/null
$as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
cd /; rm -rf "$dir"
"#;

fn start_cluster() -> String {
    /// Never dropped: it closes when the process ends.
    static HELD: OnceLock<(Child, ChildStdin)> = OnceLock::new();
    let bin = find_binaries();
    // In /tmp, for a socket's path may have only 107 characters.
    let dir = format!("/tmp/{}", unique("kopeck_pg"));
    let mut guardian = Command::new("setsid")
        .args(["sh", "-c", GUARDIAN, "guardian", &dir, &bin])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("sh and setsid");
    let stdin = guardian.stdin.take().expect("piped");
    let mut said = String::new();
    let stdout = guardian.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut said).expect("readable");
    assert_eq!(said.trim(), "ready", "PostgreSQL for the tests did not start");
    HELD.set((guardian, stdin)).expect("started once");
    format!("postgres://postgres@{}/postgres", dir.replace('/', "%2F"))
}

fn find_binaries() -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let bins = versions.map(|version| version.path().join("bin"));
    let newest = bins.filter(|bin| bin.join("initdb").exists()).max();
    let newest = newest.expect(
        "these tests need PostgreSQL: `apt-get install postgresql`, or name a server in \
         KOPECK_TEST_POSTGRES=postgres://user@127.0.0.1:5432/postgres",
    );
    newest.display().to_string()
}
