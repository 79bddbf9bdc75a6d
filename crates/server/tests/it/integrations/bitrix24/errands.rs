//! What a portal waits for and could not be given: never given up in silence, tried anew by itself
//! and by a person, and nothing of it held up by a look.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kopeck::{
    ids::Mint,
    integrations::{again::revive_page, bitrix24::drive::JOB},
    kit::{
        clock::{Clock as _, ManualClock},
        db::{Db, DbError},
        jobs,
        net::{BoxFuture, Wire},
    },
    runner::{claim_due, run_and_finish},
};
use kopeck_banks::{
    exchange::{Heard, Silence},
    http::HttpRequest,
};
use kopeck_integrations::stand_in::{Fault, StandIn as _};
use serde_json::{Value, json};

use super::{HOUR, Office, SECOND};
use crate::harness::{app::TestApp, databases::on_each};

async fn errands(office: &Office) -> Vec<Value> {
    let path = format!("/v1/integrations/{}/errands?limit=100", office.id);
    office.app.get(&path).await.expect(200)["data"].as_array().unwrap().clone()
}

async fn todos(office: &Office) -> Vec<Value> {
    office.app.get("/v1/todos").await.expect(200)["data"].as_array().unwrap().clone()
}

/// A buyer at the portal's own page: the payment that its order is paid by.
async fn order(office: &Office, number: i64, sum: &str) -> Value {
    office.host.service().portal.payments.insert(number, (sum.to_owned(), false));
    let handler = office.host.service().registry.handlers[0].clone();
    let uri = handler["SETTINGS"]["CHECKOUT_DATA"]["ACTION_URI"].as_str().unwrap().to_owned();
    let path = uri.strip_prefix("https://pay.example.ru").unwrap();
    let form = office.host.service().checkout(&number.to_string(), sum);
    let made = office.app.post_text(path, &form).await.expect(200);
    office.wait(5).await;
    office.app.payment(&made["PAYMENT_ID"]).await
}

#[tokio::test]
async fn an_order_that_cannot_be_marked_for_a_day_is_a_todo_and_marked_when_the_portal_is_back() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let office = Office::over(TestApp::over(db).await, json!({})).await.install().await;
        let payment = order(&office, 91, "1500.50").await;
        office.host.fail(Fault::Status(502), 10_000);
        office.app.pay(&payment);
        office.app.advance(61 * SECOND).await;
        office.wait(20).await;
        assert_eq!(errands(&office).await[0]["status"], "pending");
        assert!(todos(&office).await.is_empty(), "it is tried for a day");
        // Given up after a day, and tried anew by the hourly look: the todo stays all the while.
        for _ in 0..60 {
            office.app.advance(HOUR).await;
        }
        let all = todos(&office).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(
            (&all[0]["kind"], &all[0]["integration_id"], &all[0]["why"]["code"]),
            (&json!("errand_given_up"), &json!(office.id), &json!("bitrix24_gave_up"))
        );
        let told = office.app.get("/v1/events?type=integration.gave_up").await.expect(200);
        let told = told["data"].as_array().unwrap().clone();
        assert_eq!(told.len(), 1, "{told:?}");
        let errand = &told[0]["integration"]["errand"];
        assert_eq!((&errand["kind"], &errand["payment_id"]), (&json!("paid"), &payment["id"]));
        assert_eq!(errand["portal_payment_id"], "91");
        let path = format!("/v1/payments/{}/timeline", payment["id"].as_str().unwrap());
        let story = office.app.get(&path).await.expect(200).to_string();
        assert!(story.contains("its payment 91 is to be marked as paid"), "{story}");
        office.host.service().shell().heal();
        for _ in 0..3 {
            office.app.advance(HOUR).await;
            office.wait(10).await;
        }
        assert!(office.host.service().portal.payments[&91].1, "marked when the portal is back");
        assert!(todos(&office).await.is_empty(), "{:?}", todos(&office).await);
        assert_eq!(errands(&office).await[0]["status"], "done");
        let story = office.app.get(&path).await.expect(200).to_string();
        assert!(story.contains("Done at the portal"), "{story}");
    })
    .await;
}

#[tokio::test]
async fn a_funnel_that_waits_for_its_robot_is_answered_days_later() {
    let office = Office::installed().await;
    office.host.fail(Fault::Status(502), 10_000);
    let form = office.host.service().robot_run(57, "11|a", &[]);
    assert_eq!(office.post("robot", &form).await.status, 200);
    for _ in 0..80 {
        office.app.advance(HOUR).await;
    }
    assert_eq!(todos(&office).await.len(), 1);
    office.host.service().shell().heal();
    for _ in 0..3 {
        office.app.advance(HOUR).await;
        office.wait(10).await;
    }
    assert_eq!(office.host.service().registry.answers.len(), 1);
    assert_eq!(office.payments().await.len(), 1);
    assert!(todos(&office).await.is_empty());
}

#[tokio::test]
async fn an_order_of_another_sum_is_a_todo_that_a_person_tries_anew() {
    let office = Office::installed().await;
    let payment = order(&office, 91, "1500.50").await;
    office.host.service().portal.payments.insert(91, ("5000.00".to_owned(), false));
    office.app.pay(&payment);
    office.app.advance(61 * SECOND).await;
    office.wait(30).await;
    assert!(!office.host.service().portal.payments[&91].1, "5000.00 are not paid by 1500.50");
    let all = todos(&office).await;
    assert_eq!(all[0]["why"]["code"], "bitrix24_order_changed", "{all:?}");
    assert!(all[0]["why"]["message"].as_str().unwrap().contains("1500.50"), "{all:?}");
    let errand = errands(&office).await.remove(0);
    let path = format!("/v1/errands/{}", errand["id"].as_str().unwrap());
    assert_eq!(office.app.get(&path).await.expect(200), errand);
    assert_eq!((&errand["status"], &errand["kind"]), (&json!("failed"), &json!("paid")));
    // Nobody tries it by himself; put right at the portal it goes by hand.
    office.host.service().portal.payments.insert(91, ("1500.50".to_owned(), false));
    office.app.advance(2 * HOUR).await;
    office.wait(10).await;
    assert!(!office.host.service().portal.payments[&91].1);
    let again = office.app.post(&format!("{path}/retry"), json!({})).await.expect(200);
    assert_eq!(again["status"], "pending");
    office.wait(10).await;
    assert!(office.host.service().portal.payments[&91].1);
    assert!(todos(&office).await.is_empty());
    let late = office.app.post(&format!("{path}/retry"), json!({})).await;
    late.expect_error(409, "errand_not_failed");
    let nobody = office.app.post("/v1/errands/err_0/retry", json!({})).await;
    nobody.expect_error(404, "errand_not_found");
    office.app.get("/v1/errands/err_0").await.expect_error(404, "errand_not_found");
}

#[tokio::test]
async fn all_that_was_given_up_is_tried_anew_with_the_messages() {
    let office = Office::installed().await;
    for number in [91, 92] {
        let payment = order(&office, number, "10.00").await;
        office.host.service().portal.payments.insert(number, ("20.00".to_owned(), false));
        office.app.pay(&payment);
    }
    office.app.advance(61 * SECOND).await;
    office.wait(30).await;
    for number in [91, 92] {
        office.host.service().portal.payments.insert(number, ("10.00".to_owned(), false));
    }
    let path = format!("/v1/integrations/{}/retry", office.id);
    assert_eq!(office.app.post(&path, json!({})).await.expect(200)["errands"], 2);
    office.wait(10).await;
    let paid: Vec<bool> = office.host.service().portal.payments.values().map(|it| it.1).collect();
    assert_eq!(paid, [true, true]);
}

#[tokio::test]
async fn a_connection_that_was_refused_for_days_goes_on_where_it_stood_when_it_is_mended() {
    let office = Office::installed().await;
    let payment = order(&office, 91, "1500.50").await;
    let good = office.host.service().scopes.clone();
    office.host.service().scopes.clear();
    office.app.pay(&payment);
    office.app.advance(61 * SECOND).await;
    for _ in 0..80 {
        office.app.advance(HOUR).await;
    }
    assert_eq!(office.shown().await["status"], "stopped");
    let kinds: Vec<Value> = todos(&office).await.iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds, ["integration_stopped"], "nothing is given up while nothing is tried");
    office.host.service().scopes = good;
    let path = format!("/v1/integrations/{}/test", office.id);
    assert_eq!(office.app.post(&path, json!({})).await.expect(200)["ok"], true);
    office.wait(5).await;
    assert!(office.host.service().portal.payments[&91].1, "at once, not at the next look");
    assert!(todos(&office).await.is_empty());
}

/// So many deals without a sum at the stage: each is one errand of one request.
async fn crowded(count: i64) -> Office {
    let office = Office::installed().await;
    office.edit(json!({ "link_stages": "0=PREPARATION; 3=C3:NEW" })).await;
    let mut service = office.host.service();
    service.portal.deals.remove(&61);
    let mut deal = service.portal.deals[&57].clone();
    deal.insert("stageId".to_owned(), json!("PREPARATION"));
    deal.insert("opportunity".to_owned(), json!(0));
    for id in 1_000..1_000 + count {
        deal.insert("id".to_owned(), json!(id));
        service.portal.deals.insert(id, deal.clone());
    }
    drop(service);
    office
}

#[tokio::test]
async fn a_look_finds_every_deal_however_many_changed_and_goes_on_after_each_pause() {
    let office = crowded(320).await;
    office.app.advance(HOUR).await;
    for second in 0..400 {
        if second % 40 == 20 {
            // Others fill the portal's bucket.
            let now_ms = u64::try_from(office.app.ctx.now_ms()).unwrap();
            office.host.service().fill(now_ms, 0);
        }
        office.app.advance(SECOND).await;
    }
    let seen = office.app.rows("bitrix24_errands where word like 'deal 1%'").await;
    assert_eq!(seen, 320);
    let mut listed = office.host.service().portal.listed.clone();
    let pages = listed.len();
    listed.dedup();
    // Seven pages of the one stage, one of the other; what the portal refused is asked once more.
    assert!((8..=16).contains(&pages), "{listed:?}");
    assert!(listed.windows(2).all(|pair| pair[0] < pair[1] || pair[1] == 0), "{listed:?}");
    assert_eq!(listed.iter().filter(|after| **after == 0).count(), 2, "{listed:?}");
}

#[tokio::test]
async fn an_errand_does_not_wait_for_a_look_that_waits() {
    let office = Office::installed().await;
    office.edit(json!({ "link_stages": "0=PREPARATION" })).await;
    // The look fails and rests for a quarter of an hour.
    office.host.fail(Fault::Status(502), 3);
    office.app.advance(HOUR).await;
    office.host.service().shell().heal();
    office.host.fail(Fault::Status(502), 1);
    let form = office.host.service().robot_run(57, "11|a", &[]);
    assert_eq!(office.post("robot", &form).await.status, 200);
    // Its first try fails too: it is tried again after seconds.
    office.wait(30).await;
    assert_eq!(office.host.service().registry.answers.len(), 1);
}

/// A portal whose answers take longer than a lease lasts.
#[derive(Clone)]
struct Slow {
    clock: Arc<ManualClock>,
    db: Db,
    id: String,
    /// How often somebody else could take the job meanwhile, and could not.
    taken: Arc<AtomicUsize>,
    held: Arc<AtomicUsize>,
}

impl Wire for Slow {
    fn send(&self, _request: HttpRequest) -> BoxFuture<Heard> {
        let own = self.clone();
        Box::pin(async move {
            own.clock.advance_ms(50 * SECOND);
            // A lease is renewed every fifteen seconds of the real clock.
            tokio::time::sleep(Duration::from_millis(16_500)).await;
            own.clock.advance_ms(30 * SECOND);
            let (now_ms, mint) = (own.clock.now_ms(), Mint::seeded(own.clock.clone(), 7));
            let id = own.id.clone();
            let claimed: Result<Option<jobs::Job>, DbError> =
                own.db.write(move |tx| jobs::claim(tx, &mint, JOB, &id, now_ms)).await;
            let counter = if claimed.unwrap().is_some() { &own.taken } else { &own.held };
            counter.fetch_add(1, Ordering::Relaxed);
            Err(Silence::Lost("slow".to_owned()))
        })
    }
}

#[tokio::test]
async fn an_errand_that_takes_long_is_nobody_elses_meanwhile() {
    let mut office = Office::installed().await;
    let form = office.host.service().robot_run(57, "11|a", &[]);
    assert_eq!(office.post("robot", &form).await.status, 200);
    let slow = Slow {
        clock: office.app.clock.clone(),
        db: office.app.ctx.db.clone(),
        id: office.id.clone(),
        taken: Arc::default(),
        held: Arc::default(),
    };
    office.app.ctx.courier = Arc::new(slow.clone());
    for job in claim_due(&office.app.ctx, 16).await.unwrap() {
        run_and_finish(&office.app.ctx, job).await.unwrap();
    }
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    assert_eq!((count(&slow.taken), count(&slow.held)), (0, 1));
}

#[tokio::test]
async fn news_of_days_ago_are_revived_in_bounded_transactions() {
    let office = Office::installed().await;
    let payment = office.app.create(json!({})).await;
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    office.app.post(&path, json!({ "to": "bitrix24:57" })).await.expect(202);
    office.wait(10).await;
    office.host.fail(Fault::Status(502), 10_000);
    office.app.pay(&payment);
    office.app.advance(61 * SECOND).await;
    // As many that were given up as a busy shop has after an evening without its portal.
    let sql = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 450) \
               insert into sendings (id, shop_id, integration_id, payment_id, event_id, kind, \
               audience, lang, address, address_key, progress, state, due_ms, created_ms, \
               event_seq, begun_ms, code) select 'msg_019' || (1000 + i), shop_id, \
               integration_id, payment_id, event_id, kind, audience, lang, address, \
               address_key || i, progress, 'failed', due_ms, created_ms, event_seq, begun_ms, \
               'integration_gave_up' from sendings, n where kind = 'paid'";
    let made: Result<u64, DbError> = office.app.ctx.db.write(move |tx| tx.execute(sql, &[])).await;
    assert_eq!(made.unwrap(), 450);
    let (ctx, id) = (office.app.ctx.clone(), office.id.clone());
    let (mut pages, mut after) = (Vec::new(), "msg_".to_owned());
    loop {
        let (inner, id, from) = (ctx.clone(), id.clone(), after.clone());
        let page: Result<(i64, Option<String>), DbError> = ctx
            .db
            .write(move |tx| revive_page(tx, &inner, &id, ("integration_gave_up", &from)))
            .await;
        let (count, last) = page.unwrap();
        let Some(last) = last else { break };
        pages.push(count);
        after = last;
    }
    assert_eq!(pages, [200, 200, 50]);
}
