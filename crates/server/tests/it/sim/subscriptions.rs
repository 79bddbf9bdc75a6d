//! Subscriptions by seed: customers who pay or do not, a bank that loses replies and notices,
//! processes that die with a job in hand. After every day no period has been charged twice; in the
//! end none is forgotten, and what nobody may keep has gone back. At T-Bank accounts are charged, at
//! Tochka cards that the bank keeps, some of them by the bank itself.

use kopeck::{
    kit::db::{DbError, Row},
    runner::{claim_due, run, run_and_finish},
};
use kopeck_banks::emulator::{Control, Fault, FaultKind};
use serde_json::{Value, json};

use super::chance::Chance;
use crate::harness::app::TestApp;

const SECOND: i64 = 1_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
/// Seeds when none are asked for, and days of each: seven renewals of everybody.
const SEEDS: u64 = 8;
const DAYS: i64 = 220;
const PEOPLE: usize = 4;

pub(super) struct Life {
    pub(super) app: TestApp,
    pub(super) chance: Chance,
    pub(super) subscriptions: Vec<String>,
}

impl Life {
    /// A shop at this bank that sells nothing yet.
    pub(super) async fn new(bank: &str, seed: u64) -> Life {
        let app = TestApp::at(bank).await;
        Life { app, chance: Chance::new(seed), subscriptions: Vec::new() }
    }

    async fn begin(bank: &str, seed: u64) -> Life {
        let mut life = Life::new(bank, seed).await;
        let plan = json!({"code": "start", "name": "Подписка", "amount": "2450.00"});
        life.app.post("/v1/plans", plan).await.expect(201);
        for number in 0..PEOPLE {
            let mut body = json!({"plan": "start", "customer_id": format!("client-{number}")});
            if number != 0 {
                body["consent"] = json!({"text_version": "1"});
            }
            if bank == "tochka" && number == PEOPLE - 1 {
                body["charged_by"] = json!("bank");
            }
            let made = life.app.post("/v1/subscriptions", body).await.expect(201);
            life.subscriptions.push(made["id"].as_str().unwrap().to_owned());
        }
        life
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<Row> {
        let sql = sql.to_owned();
        let found: Result<Vec<Row>, DbError> =
            self.app.ctx.db.read(move |tx| tx.query(&sql, &[])).await;
        found.unwrap()
    }

    /// What is due, in processes that may die before a job, or before they say that it is done.
    async fn advance(&mut self, ms: i64, may_die: bool) {
        self.app.clock.advance_ms(ms);
        for _ in 0..2_000 {
            let delivered = self.app.bank.deliver().await;
            let jobs = claim_due(&self.app.ctx, 16).await.unwrap();
            if jobs.is_empty() && delivered.is_empty() {
                return;
            }
            for job in jobs {
                match self.chance.below(25) {
                    0 if may_die => {}
                    1 if may_die => {
                        run(&self.app.ctx, &job).await;
                    }
                    _ => {
                        run_and_finish(&self.app.ctx, job).await.unwrap();
                    }
                }
            }
        }
        panic!("jobs without end");
    }

    fn fault(&mut self) {
        let paths: &[&str] = if self.is_tbank() {
            &["/ChargeQr", "/Init", "/GetState", "/GetQr", "/Cancel", ""]
        } else {
            &["/charge", "/charge", "/subscriptions", "/payments", "/status", ""]
        };
        let path = (*self.chance.pick(paths)).to_owned();
        let times = u32::try_from(self.chance.between(1, 3)).unwrap();
        let kind = match self.chance.below(6) {
            0 => FaultKind::NoticeLost,
            1 => FaultKind::NoticeDoubled,
            2 => FaultKind::NoticeDelayed { ms: 7_200_000 },
            3 => FaultKind::Hang { ms: 1 },
            4 if path != "/ChargeQr" => FaultKind::Status { status: 500 },
            _ => FaultKind::ReplyLost,
        };
        let path = if kind.is_of_notices() { String::new() } else { path };
        self.app.bank.control(&Control::Fault(Fault { kind, times, path }));
    }

    pub(super) fn is_tbank(&self) -> bool {
        self.app.connection.bank == "tbank"
    }

    /// What the controls know a saved account or card by.
    pub(super) async fn tokens(&self) -> Vec<String> {
        let sql = "select i.request_key, p.bank_id from instruments i left join payments p \
                   on p.id = i.payment_id where i.status = 'active'";
        self.rows(sql).await.iter().filter_map(|row| self.token(row)).collect()
    }

    /// Of a saved account's request key, or of the payment at the bank that saved a card.
    pub(super) fn token(&self, row: &Row) -> Option<String> {
        if !self.is_tbank() {
            return row.opt_text(1).unwrap();
        }
        let shown = self.app.bank.control(&Control::Show { id: row.text(0).unwrap() });
        shown["account_token"].as_str().map(str::to_owned)
    }

    /// What becomes of the charges of one of the saved accounts and cards.
    async fn fate(&mut self, state: Option<&str>) {
        for token in self.tokens().await {
            let state = match state {
                Some(state) => state,
                None if self.chance.percent(50) => continue,
                None => *self.chance.pick(&["insufficient_funds", "valid", "valid"]),
            };
            self.app.bank.control(&Control::Token { token, state: state.to_owned() });
        }
    }

    /// Somebody pays a link that is open.
    async fn pay(&mut self) {
        let open = self
            .rows(
                "select p.bank_id from subscription_attempts a join payments p \
                 on p.id = a.payment_id where a.how = 'link' and p.status = 'open'",
            )
            .await;
        for row in open {
            if self.chance.percent(30) {
                let Some(id) = row.opt_text(0).unwrap() else { continue };
                let shown = self.app.bank.control(&Control::Show { id: id.clone() });
                if matches!(shown["status"].as_str(), Some("NEW" | "FORM_SHOWED" | "CREATED")) {
                    let method = if self.is_tbank() { "sbp" } else { "card" };
                    let method = Some(method.to_owned());
                    self.app.bank.control(&Control::Pay { id, method, card: None });
                }
            }
        }
    }

    /// A shop's wish; one that makes no sense is refused and changes nothing.
    async fn wish(&mut self) {
        let id = self.chance.pick(&self.subscriptions).clone();
        let (action, body) = match self.chance.below(9) {
            0 => ("cancel", json!({})),
            1 | 2 => ("reactivate", json!({})),
            3 => ("pause", json!({})),
            4 | 5 => ("resume", json!({})),
            6 => ("cancel", json!({"when": "now"})),
            7 => (
                "change",
                json!({"quantity": self.chance.between(1, 3),
                "consent": {"text_version": "2"}}),
            ),
            _ if self.chance.percent(20) => ("withdraw", json!({})),
            _ => ("resume", json!({})),
        };
        let reply = self.app.post(&format!("/v1/subscriptions/{id}/{action}"), body).await;
        assert!([200, 409, 422].contains(&reply.status), "{action}: {}", reply.text());
    }

    /// Somebody is charged for something else by the very card that renews, or takes it back.
    async fn buy(&mut self) {
        let id = self.chance.pick(&self.subscriptions).clone();
        let shown = self.app.get(&format!("/v1/subscriptions/{id}")).await.expect(200);
        let Some(card_id) = shown["card_id"].as_str() else { return };
        if self.chance.percent(4) {
            let customer = shown["customer_id"].as_str().unwrap();
            let path = format!("/v1/customers/{customer}/cards/{card_id}");
            self.app.delete(&path).await.expect(200);
            return;
        }
        // The sum of a renewal too, so that one could be taken for the other.
        let amount = *self.chance.pick(&["2450.00", "100.00"]);
        let body = json!({"amount": amount, "purpose": "Разовое", "card_id": card_id});
        let reply = self.app.post("/v1/payments", body).await;
        assert!([201, 409].contains(&reply.status), "{}", reply.text());
    }

    async fn day(&mut self) {
        if self.chance.percent(40) {
            self.fault();
        }
        if self.chance.percent(20) {
            self.fate(None).await;
        }
        if self.chance.percent(8) {
            self.wish().await;
        }
        if !self.is_tbank() && self.chance.percent(10) {
            self.buy().await;
        }
        for _ in 0..4 {
            self.pay().await;
            self.advance(6 * HOUR - 3 * MINUTE, true).await;
            for _ in 0..3 {
                self.advance(MINUTE, true).await;
            }
        }
    }

    /// Nobody has paid for one period twice and been left with it.
    pub(super) async fn check(&self) {
        let twice = self
            .rows(
                "select subscription_id, period from subscription_attempts \
                 where outcome = 'paid' group by subscription_id, period having count(*) > 1",
            )
            .await;
        assert!(twice.is_empty(), "two payments count for one period: {twice:?}");
        let open = self
            .rows(
                "select subscription_id from subscription_attempts where outcome = 'open' \
                 group by subscription_id, period having count(*) > 1",
            )
            .await;
        assert!(open.is_empty(), "two payments are under way for one period: {open:?}");
    }

    async fn heal(&mut self) {
        self.app.bank.control(&Control::ClearFaults);
        self.fate(Some("valid")).await;
        for _ in 0..4 * 24 {
            self.advance(HOUR, false).await;
        }
        self.give_back().await;
        self.check().await;
    }

    /// Somebody does in the bank's cabinet what the bank's API has no request for.
    pub(super) async fn give_back(&mut self) {
        let sql = "select o.bank_id, r.amount_kopecks, r.payment_id from refunds r \
                   join payments p on p.id = r.payment_id \
                   left join instruments i on i.id = p.card_id \
                   join payments o on o.id = i.payment_id \
                   where r.state = 'failed' and r.failure like '%refund_unsupported%'";
        let wanted = self.rows(sql).await;
        for row in &wanted {
            let amount = Some(row.money(1).unwrap());
            self.app.bank.control(&Control::Refund { id: row.text(0).unwrap(), amount });
        }
        let (ctx, connection) = (&self.app.ctx, &self.app.connection);
        let since_ms = ctx.now_ms() - 400 * 24 * HOUR;
        kopeck::reconcile::flow::sweep(ctx, connection, since_ms, |_| {}).await.unwrap();
        self.advance(HOUR, false).await;
    }

    /// Each approval at the bank is one payment's, and each payment has one.
    async fn approvals(&self) {
        if self.is_tbank() {
            return;
        }
        let told = self.app.bank.control(&Control::List);
        let all = told["payments"].as_array().unwrap().iter();
        let approved = all.flat_map(|payment| {
            let id = payment["id"].as_str().unwrap().to_owned();
            let orders = payment["orders"].as_array().unwrap().clone().into_iter();
            let orders = orders.filter(|order| order["type"] == "approval");
            orders.map(move |order| (id.clone(), order["id"].as_str().unwrap().to_owned()))
        });
        let sql = "select approval, bank_id, paid_kopecks, card_kept from payments \
                   where paid_kopecks > 0";
        let paid = self.rows(sql).await;
        let mut count = 0;
        for (id, order) in approved {
            count += 1;
            let name = format!("{id}/{order}");
            let is_it = |row: &&Row| match row.opt_text(0).unwrap() {
                Some(approval) => approval == name,
                // What was paid by a link that keeps no card has no other.
                None => row.opt_text(1).unwrap().as_ref() == Some(&id),
            };
            assert_eq!(paid.iter().filter(is_it).count(), 1, "{name}");
        }
        assert_eq!(paid.len(), count, "a payment without its money");
    }

    /// Kopeck by kopeck: what was kept for each period is its sum, or nothing.
    pub(super) async fn balance(&self) {
        let rows = self
            .rows(
                "select r.subscription_id, r.number, r.status, r.amount_kopecks, \
                 coalesce((select sum(p.paid_kopecks - p.refunded_kopecks) \
                 from subscription_attempts a join payments p on p.id = a.payment_id \
                 where a.subscription_id = r.subscription_id and a.period = r.number \
                 and a.outcome <> 'open'), 0) from subscription_periods r",
            )
            .await;
        for row in rows {
            let who = format!("{} period {}", row.text(0).unwrap(), row.int(1).unwrap());
            let status = row.text(2).unwrap();
            let expected = if status == "paid" { row.int(3).unwrap() } else { 0 };
            assert_eq!(row.int(4).unwrap(), expected, "{who}, {status}");
        }
    }

    /// Whoever is active is paid for; whoever waits, waits for something.
    pub(super) async fn nobody_is_forgotten(&self) {
        let now_ms = self.app.ctx.now_ms();
        for id in &self.subscriptions {
            let path = format!("/v1/subscriptions/{id}");
            let shown: Value = self.app.get(&path).await.expect(200);
            let at = |field: &str| shown[field].as_str().map(|at| at.parse::<jiff::Timestamp>());
            match shown["status"].as_str().unwrap() {
                "active" => {
                    let until = at("access_until").unwrap().unwrap().as_millisecond();
                    let is_asking = shown["period"]["status"] == "open";
                    // Whoever died with the job at that very moment holds it for a little longer.
                    assert!(until > now_ms - HOUR || is_asking, "{shown}");
                }
                "pending" | "past_due" => assert_eq!(shown["period"]["status"], "open", "{shown}"),
                "paused" | "canceled" | "expired" => {}
                other => panic!("{other}"),
            }
        }
    }
}

async fn live(bank: &str, seed: u64) -> usize {
    let mut life = Life::begin(bank, seed).await;
    for day in 0..DAYS {
        life.day().await;
        life.check().await;
        if day % 30 == 0 {
            life.nobody_is_forgotten().await;
        }
    }
    life.heal().await;
    life.balance().await;
    life.approvals().await;
    life.nobody_is_forgotten().await;
    life.rows("select 1 from subscription_periods where status = 'paid'").await.len()
}

async fn live_many(bank: &str) {
    let seeds = super::number("KOPECK_SIM_SEEDS").map_or(SEEDS, |count| (count / 20).max(1));
    let mut paid = 0;
    for seed in 0..seeds {
        println!("seed {seed}");
        paid += live(bank, seed).await;
    }
    assert!(paid > usize::try_from(seeds).unwrap() * 3, "a poor world: {paid} periods were paid");
}

#[tokio::test]
async fn no_period_is_charged_twice_and_none_is_forgotten() {
    live_many("tbank").await;
}

#[tokio::test]
async fn no_card_that_tochka_keeps_is_charged_twice_for_a_period() {
    live_many("tochka").await;
}
