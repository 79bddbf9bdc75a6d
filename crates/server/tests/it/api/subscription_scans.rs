//! What the server asks its database about subscriptions reads a few rows by an index, however many
//! there are: the plans of the very statements, on both databases.

use kopeck::{
    ids::Mint,
    kit::{
        db::{DbError, Dialect, Row, Tx, Value},
        jobs,
    },
    subscriptions::{
        flow::{self, JOB, Problem, describe, turn::turn},
        state::Event,
        store,
    },
};
use serde_json::json;

use super::{
    subscription_alarms::execute,
    subscriptions::{charged, days, path, plan},
};
use crate::harness::{app::TestApp, databases::on_each};

/// Has each statement explained before it is run, and keeps those that read a whole table.
struct Explained<'a> {
    tx: &'a mut dyn Tx,
    count: usize,
    scans: Vec<String>,
}

impl Explained<'_> {
    fn explain(&mut self, sql: &str, params: &[Value]) -> Result<(), DbError> {
        let (how, column) = match self.tx.dialect() {
            Dialect::Sqlite => ("explain query plan ", 3),
            Dialect::Postgres => ("explain (costs off) ", 0),
        };
        let told = self.tx.query(&format!("{how}{sql}"), params)?;
        let told: Result<Vec<String>, DbError> = told.iter().map(|row| row.text(column)).collect();
        let told = told?;
        self.count += 1;
        let is_scan = match self.tx.dialect() {
            Dialect::Sqlite => reads_all_at_sqlite(&told),
            Dialect::Postgres => reads_all_at_postgres(&told),
        };
        if is_scan {
            self.scans.push(format!("{sql}\n    {}", told.join("\n    ")));
        }
        Ok(())
    }
}

impl Tx for Explained<'_> {
    fn dialect(&self) -> Dialect {
        self.tx.dialect()
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        self.explain(sql, params)?;
        self.tx.execute(sql, params)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        self.explain(sql, params)?;
        self.tx.query(sql, params)
    }
}

/// A scan of a table, or of all of one of its indexes.
fn reads_all_at_sqlite(told: &[String]) -> bool {
    // What a statement made itself has a few rows, and a name of the statement's own.
    let own = ["SCAN (", "SCAN taken", "SCAN CONSTANT"];
    told.iter().any(|line| line.starts_with("SCAN ") && !own.iter().any(|it| line.starts_with(it)))
}

/// A scan of a table, or of an index without a condition on it.
fn reads_all_at_postgres(told: &[String]) -> bool {
    let is_index = |line: &str| {
        ["Index Scan", "Index Only Scan", "Bitmap Index Scan"].iter().any(|it| line.contains(it))
    };
    told.iter().enumerate().any(|(at, line)| {
        let mut own = told[at + 1..].iter().take_while(|line| !line.contains("->"));
        let has_condition = own.any(|line| line.contains("Index Cond:"));
        line.contains("Seq Scan") || (is_index(line) && !has_condition)
    })
}

/// Runs it, every statement explained; what reads a whole table is told.
async fn explained(
    app: &TestApp,
    what: &'static str,
    work: impl FnOnce(&mut dyn Tx) -> Result<(), Problem> + Send + 'static,
) {
    let done: Result<(usize, Vec<String>), Problem> = app
        .ctx
        .db
        .write(move |tx| {
            if tx.dialect() == Dialect::Postgres {
                // Of a few rows it would read all rather than look into an index.
                tx.execute("set local enable_seqscan = off", &[])?;
            }
            let mut tx = Explained { tx, count: 0, scans: Vec::new() };
            work(&mut tx)?;
            Ok((tx.count, tx.scans))
        })
        .await;
    let (count, scans) = done.unwrap();
    assert!(count > 0, "{what}: nothing was asked");
    assert!(scans.is_empty(), "{what} reads whole tables:\n{}", scans.join("\n"));
}

#[tokio::test]
async fn due_jobs_renewals_and_what_may_be_used_are_found_by_indexes() {
    on_each(|db| async move {
        let app = TestApp::at_over("tbank", db).await;
        let own = charged(&app).await;
        plan(&app, json!({"code": "pro", "amount": "4900.00"})).await;
        app.post(&path(&own, "/change"), json!({"plan": "pro", "consent": {"text_version": "2"}}))
            .await
            .expect(200);
        days(&app, 29).await;
        let id = own["id"].as_str().unwrap().to_owned();
        let (shop_id, now_ms) = (app.shop.id.clone(), app.ctx.now_ms());
        let mint = Mint::seeded(app.clock.clone(), 7);
        explained(&app, "finding due jobs", move |tx| {
            for lane in [jobs::Lane::All, jobs::Lane::Only(&[JOB]), jobs::Lane::Except(&[JOB])] {
                jobs::is_due_of(tx, lane, now_ms)?;
                jobs::claim_due_of(tx, &mint, lane, now_ms, 32)?;
            }
            Ok(())
        })
        .await;
        let (shop, of) = (shop_id.clone(), id.clone());
        explained(&app, "what may be used", move |tx| {
            for own in store::list_entitled(tx, &shop, "client-17")? {
                describe(tx, &own)?;
            }
            store::list_periods(tx, &of, 100)?;
            Ok(())
        })
        .await;
        // So many that an index is chosen for what it finds, and not for want of rows.
        execute(
            &app,
            "insert into todos (id, shop_id, kind, subject_id, about, code, message, hint, created_ms) \
             with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) \
             select 'todo_' || cast(i as text), s.id, 'refund_needed', 'pay_' || cast(i as text), \
             '', '', '', '', i from n, shops s",
        )
        .await;
        if app.ctx.db.read(|tx| Ok::<_, DbError>(tx.dialect())).await.unwrap() == Dialect::Postgres
        {
            execute(&app, "analyze todos").await;
        }
        // The next period is due; its first turn opens it, the next asks for its money.
        execute(&app, "update subscriptions set until_ms = until_ms - 172800000, told_ms = null")
            .await;
        let (ctx, of) = (app.ctx.clone(), id.clone());
        explained(&app, "a renewal", move |tx| {
            for _ in 0..4 {
                turn(tx, &ctx, &of)?;
            }
            Ok(())
        })
        .await;
        let ctx = app.ctx.clone();
        explained(&app, "an end", move |tx| {
            let at_ms = ctx.now_ms();
            flow::request(tx, &ctx, (&shop_id, &id), &Event::Cancel { at_ms })?;
            turn(tx, &ctx, &id)?;
            Ok(())
        })
        .await;
    })
    .await;
}
