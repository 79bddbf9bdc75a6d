//! The database itself, each test on every kind of it.

use kopeck::{
    ids::Mint,
    kit::{
        clock::ManualClock,
        db::{Db, DbError, Tx, Value},
        jobs,
    },
};
use tokio::task::JoinSet;

use crate::harness::databases::{ALL, Kind, TestDb, on_each};

async fn table(db: &Db) {
    let sql =
        "create table pot(name text primary key, amount bigint not null, note text, raw BLOB)";
    db.write(move |tx| {
        let blob = match tx.dialect() {
            kopeck::kit::db::Dialect::Sqlite => "blob",
            kopeck::kit::db::Dialect::Postgres => "bytea",
        };
        tx.execute(&sql.replace("BLOB", blob), &[])
    })
    .await
    .unwrap();
}

fn put(tx: &mut dyn Tx, name: &str, amount: i64) -> Result<u64, DbError> {
    tx.execute("insert into pot(name, amount) values ($1, $2)", &[name.into(), amount.into()])
}

async fn names(db: &Db) -> Vec<String> {
    let read = db.read(|tx| {
        let rows = tx.query("select name from pot order by name", &[])?;
        rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, DbError>>()
    });
    read.await.unwrap()
}

#[tokio::test]
async fn reads_see_what_was_committed() {
    on_each(|db| async move {
        table(&db).await;
        for n in 0..20_i64 {
            db.write(move |tx| put(tx, &format!("p{n:02}"), n)).await.unwrap();
            assert_eq!(names(&db).await.len() as i64, n + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn one_failure_in_a_group_undoes_only_its_own_work() {
    on_each(|db| async move {
        table(&db).await;
        let mut all = JoinSet::new();
        for n in 0..60 {
            let db = db.clone();
            all.spawn(async move {
                let done = db.write(move |tx| {
                    put(tx, &format!("p{n:02}"), n)?;
                    match n % 3 {
                        0 => Ok(()),
                        1 => Err(DbError::Other("changed my mind".into())),
                        _ => panic!("a bug in closure {n}"),
                    }
                });
                (n, done.await)
            });
        }
        for (n, done) in all.join_all().await {
            match n % 3 {
                0 => done.unwrap(),
                1 => assert_eq!(done.unwrap_err().to_string(), "changed my mind"),
                _ => assert!(done.unwrap_err().to_string().contains("a bug in closure")),
            }
        }
        let kept: Vec<String> = (0..60).step_by(3).map(|n| format!("p{n:02}")).collect();
        assert_eq!(names(&db).await, kept);
    })
    .await;
}

#[tokio::test]
async fn a_unique_violation_is_taken() {
    on_each(|db| async move {
        table(&db).await;
        db.write(|tx| put(tx, "a", 1)).await.unwrap();
        let twice = db.write(|tx| put(tx, "a", 2)).await.unwrap_err();
        assert!(matches!(&twice, DbError::Taken(what) if what.contains("pot")), "{twice:?}");
        let missing = "insert into pot(name) values ('b')";
        let null = db.write(move |tx| tx.execute(missing, &[])).await.unwrap_err();
        assert!(matches!(null, DbError::Other(_)), "{null:?}");
    })
    .await;
}

#[tokio::test]
async fn a_swallowed_error_still_undoes_the_transaction() {
    on_each(|db| async move {
        table(&db).await;
        db.write(|tx| put(tx, "a", 1)).await.unwrap();
        let swallowed = db.write(|tx| {
            put(tx, "b", 1)?;
            let _ = put(tx, "a", 2);
            Ok::<_, DbError>(())
        });
        assert!(matches!(swallowed.await, Err(DbError::Taken(_))));
        assert_eq!(names(&db).await, ["a"]);
    })
    .await;
}

#[tokio::test]
async fn parameters_go_by_number_in_any_order_and_twice() {
    on_each(|db| async move {
        table(&db).await;
        let sql = "insert into pot(note, amount, name, raw) values ($3 || '$1', $2, $3, $1)";
        let params = [Value::from(&b"\x00\xff"[..]), 7_i64.into(), "имя".into()];
        db.write(move |tx| tx.execute(sql, &params)).await.unwrap();
        let sql = "select amount, name, note, raw from pot where name = $2 and amount < $1";
        let find = db.read(move |tx| tx.find(sql, &[8_i64.into(), "имя".into()])).await;
        let row = find.unwrap().expect("a row");
        assert_eq!(row.int(0).unwrap(), 7);
        assert_eq!(row.text(1).unwrap(), "имя");
        assert_eq!(row.text(2).unwrap(), "имя$1");
        assert_eq!(row.bytes(3).unwrap(), b"\x00\xff");
        for params in [vec![], vec![Value::Int(1), Value::Int(2)]] {
            let sql = "select name from pot where amount = $1";
            assert!(db.read(move |tx| tx.query(sql, &params)).await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn null_fits_every_column_and_comes_back_as_none() {
    on_each(|db| async move {
        table(&db).await;
        let sql = "insert into pot(name, amount, note, raw) values ($1, 1, $2, $3)";
        let params = ["a".into(), Value::Null, None::<Vec<u8>>.into()];
        db.write(move |tx| tx.execute(sql, &params)).await.unwrap();
        let sql = "select note, raw, cast(null as bigint), cast(sum(amount) as bigint) from pot \
                   group by note, raw";
        let row = db.read(move |tx| tx.find(sql, &[])).await.unwrap().expect("a row");
        assert_eq!(row.opt_text(0).unwrap(), None);
        assert_eq!(row.opt_bytes(1).unwrap(), None);
        assert_eq!(row.opt_int(2).unwrap(), None);
        assert_eq!(row.int(3).unwrap(), 1);
        assert!(row.text(0).is_err() && row.int(9).is_err());
    })
    .await;
}

#[tokio::test]
async fn concurrent_increments_lose_nothing() {
    on_each(|db| async move {
        table(&db).await;
        db.write(|tx| put(tx, "pot", 0)).await.unwrap();
        let mut writers = JoinSet::new();
        for _ in 0..8 {
            let db = db.clone();
            writers.spawn(async move {
                for _ in 0..100 {
                    let lock = db.dialect().for_update();
                    let one_more = db.write(move |tx| {
                        let sql = format!("select amount from pot where name = $1{lock}");
                        let row = tx.find(&sql, &["pot".into()])?;
                        let amount = row.ok_or(DbError::Decode("no pot".into()))?.int(0)?;
                        let sql = "update pot set amount = $1 where name = $2";
                        tx.execute(sql, &[(amount + 1).into(), "pot".into()])
                    });
                    assert_eq!(one_more.await.unwrap(), 1);
                }
            });
        }
        writers.join_all().await;
        let row = db.read(|tx| tx.find("select amount from pot", &[])).await.unwrap();
        assert_eq!(row.expect("the pot").int(0).unwrap(), 800);
    })
    .await;
}

#[tokio::test]
async fn a_write_inside_a_read_is_refused() {
    on_each(|db| async move {
        table(&db).await;
        assert!(db.read(|tx| put(tx, "a", 1)).await.is_err());
        assert!(names(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn floating_numbers_never_come_out() {
    on_each(|db| async move {
        let wrong = db.read(|tx| tx.query("select 1.5", &[])).await.unwrap_err();
        assert!(matches!(wrong, DbError::Decode(_)), "{wrong:?}");
    })
    .await;
}

#[test]
fn a_second_start_migrates_nothing_and_a_newer_database_is_refused() {
    for kind in ALL {
        let test = TestDb::empty(kind);
        let first = test.db.migrate().unwrap();
        assert!(!first.is_empty(), "{kind:?}");
        assert!(test.db.migrate().unwrap().is_empty(), "{kind:?}");
        let sql = "insert into migrations(name, applied_ms) values ('9999_future', 1)";
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(test.db.write(move |tx| tx.execute(sql, &[]))).unwrap();
        let refused = format!("{:#}", test.db.migrate().unwrap_err());
        assert!(refused.contains("9999_future") && refused.contains("newer"), "{refused}");
    }
}

#[test]
fn any_number_of_processes_may_start_at_once() {
    for kind in [Kind::SqliteFile, Kind::Postgres] {
        let test = TestDb::empty(kind);
        let starters: Vec<_> = (0..4)
            .map(|_| {
                let url = test.url.clone();
                std::thread::spawn(move || Db::open(&url).unwrap().migrate().unwrap().len())
            })
            .collect();
        let applied: Vec<usize> = starters.into_iter().map(|s| s.join().unwrap()).collect();
        assert_eq!(applied.iter().filter(|n| **n > 0).count(), 1, "{kind:?}: {applied:?}");
    }
}

#[test]
fn inline_futures_are_ready_at_once() {
    let db = TestDb::new(Kind::SqliteMemory).db.clone();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut write = Box::pin(db.write(|tx| tx.execute("create table t(a bigint)", &[])));
    assert!(matches!(write.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(_))));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let test = TestDb::new(Kind::SqliteFile);
    let path = test.url.strip_prefix("sqlite://").unwrap();
    for suffix in ["", "-wal"] {
        let mode = std::fs::metadata(format!("{path}{suffix}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

/// A plan kept from when a table was empty reads all of a shop's payments to change one.
#[tokio::test]
async fn postgres_plans_for_the_tables_of_today() {
    let test = TestDb::new(Kind::Postgres);
    let rows: Result<Vec<kopeck::kit::db::Row>, DbError> =
        test.db.read(|tx| tx.query("select current_setting('plan_cache_mode')", &[])).await;
    assert_eq!(rows.unwrap()[0].text(0).unwrap(), "force_custom_plan");
}

#[tokio::test]
async fn a_lost_connection_is_replaced() {
    let test = TestDb::new(Kind::Postgres);
    table(&test.db).await;
    let kill = "select cast(count(pg_terminate_backend(pid)) as bigint) from pg_stat_activity \
                where datname = current_database() and pid <> pg_backend_pid()";
    test.db.read(move |tx| tx.query(kill, &[])).await.unwrap();
    // Its own connection too: the answer to this one is lost.
    let suicide = "select pg_terminate_backend(pg_backend_pid())";
    let lost = test.db.write(move |tx| tx.query(suicide, &[])).await.unwrap_err();
    assert!(matches!(lost, DbError::Unavailable(_)), "{lost:?}");
    for n in 0..12 {
        test.db.write(move |tx| put(tx, &format!("p{n}"), n)).await.unwrap();
    }
    assert_eq!(names(&test.db).await.len(), 12);
}

#[tokio::test]
async fn a_job_is_nudged_claimed_and_finished() {
    on_each(|db| async move {
        let clock = ManualClock::new(1_000);
        let mint = Mint::seeded(clock, 1);
        let ends = [
            jobs::After::At(5_000),
            jobs::After::Retry { at_ms: 6_000, why: "busy".into() },
            jobs::After::Done,
        ];
        db.write(move |tx| {
            jobs::nudge(tx, &mint, "kind", "subject", 1_000)?;
            for (now_ms, after, next) in [1_000, 5_000, 6_000]
                .into_iter()
                .zip(ends)
                .zip([Some(5_000), Some(6_000), None])
                .map(|((now_ms, after), next)| (now_ms, after, next))
            {
                assert!(!jobs::is_due_of(tx, jobs::Lane::All, now_ms - 1)?);
                assert!(!jobs::is_due_of(tx, jobs::Lane::Except(&["kind"]), now_ms)?);
                assert!(jobs::is_due_of(tx, jobs::Lane::Only(&["kind"]), now_ms)?);
                let due = jobs::claim_due(tx, &mint, now_ms, 10)?;
                assert_eq!(due.len(), 1);
                assert!(!jobs::is_due_of(tx, jobs::Lane::All, now_ms)?, "somebody holds it");
                assert!(jobs::claim(tx, &mint, "kind", "subject", now_ms)?.is_none());
                jobs::finish(tx, &due[0], now_ms, &after)?;
                assert_eq!(jobs::find_next_due(tx)?, next);
            }
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
    })
    .await;
}
