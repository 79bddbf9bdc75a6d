//! Ten years of a thousand subscriptions, five hundred at each bank, in two processes that die with
//! a job in hand, over a bank that loses replies and notices and customers who run out of money. At
//! the end the periods of everybody who stayed follow one another without a gap, each is paid once,
//! and the bank took no kopeck of which the books do not know.

use std::sync::Arc;

use kopeck::{
    ids::Mint,
    kit::Ctx,
    runner::{claim_due, run, run_and_finish},
};
use kopeck_banks::emulator::Control;
use serde_json::json;

use super::{
    chance::Chance,
    subscriptions::{HOUR, Life, MINUTE},
};

const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const MONTH: i64 = 30 * DAY;
/// Ten years and the days in which everybody begins.
const LIFE: i64 = 3_653 * DAY;
const BEGIN: i64 = 60 * DAY;
/// How often each process runs out of life before a job, or before it says that it is done.
const DEATHS: usize = 200;

/// Plans and how many of a hundred customers have each.
const PLANS: [(&str, &str, i64); 3] =
    [("monthly", "month", 10), ("quarterly", "quarter", 30), ("yearly", "year", 60)];

struct Decade {
    life: Life,
    /// Of two processes over one database.
    processes: [Ctx; 2],
    end_ms: i64,
}

impl Decade {
    async fn begin(bank: &str) -> Decade {
        let life = Life::new(bank, 10).await;
        let first = life.app.ctx.clone();
        let mint = Arc::new(Mint::seeded(life.app.clock.clone(), 2));
        let second = Ctx { mint, ..first.clone() };
        for (code, interval, _) in PLANS {
            let plan = json!({"code": code, "name": "Доступ", "amount": "490.00",
                "interval": interval});
            life.app.post("/v1/plans", plan).await.expect(201);
        }
        let end_ms = life.app.ctx.now_ms() + LIFE;
        Decade { life, processes: [first, second], end_ms }
    }

    fn now_ms(&self) -> i64 {
        self.processes[0].now_ms()
    }

    async fn subscribe(&mut self, number: i64) {
        let mut part = number % 100;
        let mut code = "";
        for (plan, _, share) in PLANS {
            code = plan;
            if part < share {
                break;
            }
            part -= share;
        }
        let body = json!({"plan": code, "customer_id": format!("client-{number}"),
            "consent": {"text_version": "1"}});
        let made = self.life.app.post("/v1/subscriptions", body).await.expect(201);
        self.life.subscriptions.push(made["id"].as_str().unwrap().to_owned());
    }

    /// To that moment, from one due job to the next.
    async fn live_until(&mut self, until_ms: i64) {
        while self.now_ms() < until_ms {
            self.drain().await;
            let next = self.life.rows("select min(due_ms) from jobs").await;
            let next_ms = next[0].opt_int(0).unwrap().unwrap_or(until_ms);
            // A job that somebody died with is due when its lease is over.
            let step = if next_ms > self.now_ms() { next_ms - self.now_ms() } else { MINUTE };
            let step = step.min(until_ms - self.now_ms()).min(6 * HOUR);
            self.life.app.clock.advance_ms(step);
        }
        self.drain().await;
    }

    /// What is due now, each job in the process that took it.
    async fn drain(&mut self) {
        for _ in 0..10_000 {
            let delivered = self.life.app.bank.deliver().await;
            let mut taken = Vec::new();
            for process in &self.processes {
                let jobs = claim_due(process, 4).await.unwrap();
                taken.extend(jobs.into_iter().map(|job| (process.clone(), job)));
            }
            if taken.is_empty() && delivered.is_empty() {
                return;
            }
            while !taken.is_empty() {
                let at = self.life.chance.below(taken.len());
                let (process, job) = taken.swap_remove(at);
                match self.life.chance.below(DEATHS) {
                    0 => {}
                    1 => {
                        run(&process, &job).await;
                    }
                    _ => {
                        run_and_finish(&process, job).await.unwrap();
                    }
                }
            }
        }
        panic!("jobs without end");
    }

    /// A week: a bank that errs, and once a month two customers without money until the next.
    async fn week(&mut self, poor: &mut Vec<String>) {
        if self.life.chance.percent(60) {
            self.life.fault();
        }
        if self.now_ms() % MONTH < WEEK {
            for token in std::mem::take(poor) {
                self.life.app.bank.control(&Control::Token { token, state: "valid".into() });
            }
            let tokens = self.life.tokens().await;
            for _ in 0..2 {
                if tokens.is_empty() {
                    break;
                }
                let token = self.life.chance.pick(&tokens).clone();
                poor.push(token.clone());
                let state = "insufficient_funds".to_owned();
                self.life.app.bank.control(&Control::Token { token, state });
            }
        }
        self.life.pay().await;
        let until_ms = (self.now_ms() + WEEK).min(self.end_ms);
        self.live_until(until_ms).await;
    }

    /// Whoever stayed has paid for each period, one after the other, until beyond this day.
    async fn nothing_is_missing(&self) {
        let gaps = self
            .life
            .rows(
                "select a.subscription_id, a.number from subscription_periods a \
                 join subscription_periods b on b.subscription_id = a.subscription_id \
                 and b.number = a.number + 1 where a.end_ms <> b.start_ms or a.status <> 'paid'",
            )
            .await;
        assert!(gaps.is_empty(), "periods between which something is missing: {gaps:?}");
        let behind = self
            .life
            .rows(&format!(
                "select s.id from subscriptions s where s.status = 'active' and not exists \
                 (select 1 from subscription_periods r where r.subscription_id = s.id \
                 and r.end_ms > {})",
                self.now_ms() - HOUR
            ))
            .await;
        assert!(behind.is_empty(), "forgotten: {behind:?}");
    }

    /// The bank's own count of what it took against the books, to the kopeck.
    async fn bank_agrees(&self) {
        self.life.approvals().await;
        if !self.life.is_tbank() {
            return;
        }
        let told = self.life.app.bank.control(&Control::List);
        let all = told["payments"].as_array().unwrap().iter();
        let taken: i64 = all.map(|payment| payment["paid_kopecks"].as_i64().unwrap()).sum();
        let books = self.life.rows("select coalesce(sum(paid_kopecks), 0) from payments").await;
        assert_eq!(books[0].int(0).unwrap(), taken, "the bank took another sum");
    }
}

/// Returns how many periods were paid, and how many customers are left.
async fn live(bank: &str, people: i64) -> (usize, usize) {
    let mut decade = Decade::begin(bank).await;
    let began_ms = decade.now_ms();
    for number in 0..people {
        decade.subscribe(number).await;
        decade.live_until(began_ms + BEGIN * (number + 1) / people).await;
        decade.life.pay_all().await;
    }
    let mut poor = Vec::new();
    let mut weeks = 0;
    while decade.now_ms() < decade.end_ms {
        decade.week(&mut poor).await;
        weeks += 1;
        if weeks % 26 == 0 {
            decade.life.check().await;
        }
    }
    decade.life.heal().await;
    decade.life.balance().await;
    decade.nothing_is_missing().await;
    decade.bank_agrees().await;
    decade.life.nobody_is_forgotten().await;
    let paid = "select 1 from subscription_periods where status = 'paid'";
    let active = "select 1 from subscriptions where status = 'active'";
    (decade.life.rows(paid).await.len(), decade.life.rows(active).await.len())
}

async fn live_ten_years(bank: &str) {
    let people = super::number("KOPECK_SIM_PEOPLE").unwrap_or(1_000) / 2;
    let people = i64::try_from(people).unwrap().max(10);
    let (paid, active) = live(bank, people).await;
    println!("{bank}: {people} people, {paid} periods paid, {active} active after ten years");
    // Of a hundred: ten times 120, thirty times 40, sixty times 10 periods; some leave.
    let most = usize::try_from(people * (10 * 120 + 30 * 40 + 60 * 10) / 100).unwrap();
    assert!(paid > most / 2, "a poor world: {paid} of {most} periods were paid");
    assert!(active * 2 > usize::try_from(people).unwrap(), "only {active} are left of {people}");
}

#[tokio::test]
async fn ten_years_of_accounts_at_tbank_lose_no_period_and_charge_none_twice() {
    live_ten_years("tbank").await;
}

#[tokio::test]
async fn ten_years_of_cards_at_tochka_lose_no_period_and_charge_none_twice() {
    live_ten_years("tochka").await;
}
