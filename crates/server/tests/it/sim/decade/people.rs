//! Customers: they begin, hear what is announced and pay what they are asked to, or not; they run
//! out of money, lose their cards, rest for a while, want more or less, and come back to what ended.

use kopeck_banks::emulator::Control;
use serde_json::json;

use super::{DAY, Decade, HEALING, HOUR, MINUTE, Mode, PLANS, WEEK};

/// Of a hundred whose period ends in a week: how many run out of money, and whose card is over.
const POOR: usize = 8;
const GONE: usize = 2;
/// Of a hundred links: how many are not looked at, and whose customer is gone for good.
const IGNORED: usize = 8;
const LEFT: usize = 4;

/// Of a hundred in any week: who rests for some days, and who wants another quantity.
const RESTING: usize = 1;
const OTHERWISE: usize = 1;

/// So long a moment without any renewal is waited for in the end.
const QUIET_HOURS: usize = 10 * 24;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// The customer of that number subscribes.
    Join(i64),
    /// The customer of that subscription pays its link.
    Pay(String),
    /// The customer goes on after a rest.
    Resume(String),
    /// Somebody of the shop looks into the bank for the money of that charge.
    Settle(String),
    /// There is money again on what the bank knows by that token.
    Recover(String),
    /// Once a week: other faults, other misfortunes.
    Weather,
}

fn plan_of(number: i64) -> &'static str {
    // So that a few people have as good a mixture as a hundred.
    let mut part = (number * 31 + 7) % 100;
    for (code, _, share) in PLANS {
        if part < share {
            return code;
        }
        part -= share;
    }
    unreachable!("the shares add up to a hundred")
}

impl Decade {
    fn in_time(&mut self, from_ms: i64, to_ms: i64, act: Act) {
        let at_ms = self.now_ms() + self.life.chance.between(from_ms, to_ms);
        self.acts.insert((at_ms, act));
    }

    /// What people meant to do by now.
    pub(super) async fn act(&mut self) {
        while let Some((at_ms, _)) = self.acts.first()
            && *at_ms <= self.now_ms()
        {
            let Some((_, act)) = self.acts.pop_first() else { return };
            self.say(|| format!("{act:?}"));
            match act {
                Act::Join(number) => self.join(number).await,
                Act::Pay(id) => self.pay(id).await,
                Act::Resume(id) => self.resume(&id).await,
                Act::Settle(id) => self.settle(&id).await,
                Act::Recover(token) => self.set(token, "valid"),
                Act::Weather => self.weather().await,
            }
        }
    }

    async fn join(&mut self, number: i64) {
        let body = json!({"plan": plan_of(number), "customer_id": format!("client-{number}"),
            "consent": {"text_version": "1"}});
        let made = self.life.app.post("/v1/subscriptions", body).await;
        if made.status != 201 {
            self.count("could not subscribe at once");
            return self.in_time(HOUR, DAY, Act::Join(number));
        }
        self.life.subscriptions.push(made.json()["id"].as_str().unwrap().to_owned());
    }

    /// What was announced since, to whom it was announced.
    pub(super) async fn listen(&mut self) {
        let sql = format!(
            "select seq, kind, subject_id from events where shop_id = '{}' and seq > {} \
             order by seq",
            self.life.app.shop.id, self.heard
        );
        for event in self.life.rows(&sql).await {
            self.heard = event.int(0).unwrap();
            let (kind, id) = (event.text(1).unwrap(), event.opt_text(2).unwrap());
            let id = id.unwrap();
            if kind == "charge.unanswered" {
                self.in_time(HOUR, 2 * DAY, Act::Settle(id));
                continue;
            }
            let Some(kind) = kind.strip_prefix("subscription.") else { continue };
            self.say(|| format!("{id} {kind}"));
            match kind {
                "payment_needed" => self.is_asked(id),
                "renewal_failed" => self.count("charge declined"),
                "given_back" => self.count("given back"),
                "expired" => self.comes_back(&id, "never begun").await,
                "canceled" => self.comes_back(&id, "ended unpaid").await,
                _ => {}
            }
        }
    }

    /// The customer of this subscription is asked to pay a link.
    fn is_asked(&mut self, id: String) {
        if self.mode == Mode::Wild {
            let dice = self.life.chance.below(100);
            if dice < LEFT {
                self.count("left");
                self.left.insert(id.clone());
            }
            if self.left.contains(&id) || dice < LEFT + IGNORED {
                return;
            }
        }
        let (from_ms, to_ms) = self.life.chance.weighted(&[
            (6, (MINUTE, 30 * MINUTE)),
            (3, (HOUR, 20 * HOUR)),
            (1, (20 * HOUR, 25 * HOUR)),
        ]);
        self.in_time(from_ms, to_ms, Act::Pay(id));
    }

    async fn pay(&mut self, id: String) {
        if self.left.contains(&id) && self.mode == Mode::Wild {
            return;
        }
        let sql = format!(
            "select p.bank_id, a.period from subscription_attempts a join payments p \
             on p.id = a.payment_id where a.subscription_id = '{id}' and a.how = 'link' \
             and p.status in ('opening', 'open')"
        );
        for row in self.life.rows(&sql).await {
            let Some(bank_id) = row.opt_text(0).unwrap() else {
                // The link is still being made.
                self.in_time(MINUTE, 10 * MINUTE, Act::Pay(id.clone()));
                continue;
            };
            let shown = self.life.app.bank.control(&Control::Show { id: bank_id.clone() });
            if !matches!(shown["status"].as_str(), Some("NEW" | "FORM_SHOWED" | "CREATED")) {
                continue;
            }
            let method = if self.life.is_tbank() { "sbp" } else { "card" };
            let method = Some(method.to_owned());
            self.life.app.bank.control(&Control::Pay { id: bank_id, method, card: None });
            self.count(match row.int(1).unwrap() {
                1 => "paid a first link",
                _ => "paid by a link after a decline",
            });
        }
    }

    /// Whether the bank has money of that card which no payment has: if not, it was never charged.
    async fn settle(&mut self, id: &str) {
        let sql = format!(
            "select o.bank_id, p.status, (select count(*) from payments k join instruments i on \
             i.id = k.card_id where i.payment_id = o.id and k.paid_kopecks > 0) from payments p \
             join instruments i on i.id = p.card_id join payments o on o.id = i.payment_id \
             where p.id = '{id}'"
        );
        let row = self.life.rows(&sql).await.pop().unwrap();
        if row.text(1).unwrap() != "open" {
            return;
        }
        let shown = self.life.app.bank.control(&Control::Show { id: row.text(0).unwrap() });
        let orders = shown["orders"].as_array().unwrap().iter();
        let taken = orders.filter(|order| order["type"] == "approval").count();
        // The first one is the link's own.
        if i64::try_from(taken).unwrap() > row.int(2).unwrap() + 1 {
            return self.count("charge found in the bank by a person");
        }
        self.count("charge settled by a person");
        let path = format!("/v1/payments/{id}/settle");
        self.life.app.post(&path, json!({"charged": false})).await.expect(200);
    }

    /// It is over; most people miss it after a while.
    async fn comes_back(&mut self, id: &str, what: &'static str) {
        let sql = format!("select customer_id, reason from subscriptions where id = '{id}'");
        let row = self.life.rows(&sql).await.pop().unwrap();
        let reason = row.opt_text(1).unwrap();
        assert!(reason.is_none() || reason.as_deref() == Some("unpaid"), "{id}: {reason:?}");
        self.count(what);
        let number = row.text(0).unwrap().trim_start_matches("client-").parse().unwrap();
        let left_ms = self.end_ms() - self.now_ms();
        if left_ms > DAY {
            self.count("came back");
            self.in_time(HOUR, (60 * DAY).min(left_ms), Act::Join(number));
        }
    }

    /// What people want of what runs well: a rest, or two in place of one.
    async fn wishes(&mut self) {
        let sql = "select id, quantity from subscriptions where status = 'active' order by id";
        for row in self.life.rows(sql).await {
            let dice = self.life.chance.below(100);
            if dice >= RESTING + OTHERWISE {
                continue;
            }
            let id = row.text(0).unwrap();
            if dice < RESTING {
                if self.wish(&id, "pause", json!({})).await {
                    self.count("paused");
                    self.in_time(HOUR, 40 * DAY, Act::Resume(id));
                }
                continue;
            }
            let consent = json!({"text_version": "2", "max_amount": "2000.00"});
            let wish = json!({"quantity": 3 - row.int(1).unwrap(), "consent": consent});
            if self.wish(&id, "change", wish).await {
                self.count("changed");
            }
        }
    }

    /// Whether it was done: what is under way comes first.
    async fn wish(&mut self, id: &str, action: &str, body: serde_json::Value) -> bool {
        let path = format!("/v1/subscriptions/{id}/{action}");
        let told = self.life.app.post(&path, body).await;
        assert!([200, 409].contains(&told.status), "{action}: {}", told.text());
        told.status == 200
    }

    async fn resume(&mut self, id: &str) {
        assert!(self.wish(id, "resume", json!({})).await, "{id} does not go on");
    }

    fn set(&mut self, token: String, state: &str) {
        self.life.app.bank.control(&Control::Token { token, state: state.to_owned() });
    }

    async fn weather(&mut self) {
        self.change_weather(self.life.subscriptions.len());
        self.wishes().await;
        let now_ms = self.now_ms();
        let sql = format!(
            "select i.request_key, p.bank_id from subscriptions s \
             join instruments i on i.id = s.instrument_id \
             left join payments p on p.id = i.payment_id \
             where s.status = 'active' and i.status = 'active' and s.until_ms between {} and {}",
            now_ms,
            now_ms + WEEK
        );
        for row in self.life.rows(&sql).await {
            let dice = self.life.chance.below(100);
            if dice >= POOR + GONE {
                continue;
            }
            let Some(token) = self.life.token(&row) else { continue };
            if dice < POOR {
                self.count("out of money");
                self.set(token.clone(), "insufficient_funds");
                self.in_time(DAY, 30 * DAY, Act::Recover(token));
            } else {
                self.count("card gone");
                let state = *self.life.chance.pick(&["expired", "revoked"]);
                self.set(token, state);
            }
        }
        self.acts.insert((now_ms + WEEK, Act::Weather));
    }

    /// Nothing goes wrong any more, everybody has money and pays, until all that was begun is over.
    pub(super) async fn heal(&mut self) {
        self.calm();
        self.acts.retain(|(_, act)| !matches!(act, Act::Weather | Act::Resume(_)));
        let resting = "select id from subscriptions where status = 'paused' order by id";
        for row in self.life.rows(resting).await {
            self.resume(&row.text(0).unwrap()).await;
        }
        for token in self.life.tokens().await {
            self.set(token, "valid");
        }
        self.live_until(self.now_ms() + HEALING).await;
        self.life.give_back().await;
        // There is always somebody whose renewal is under way; the end is a moment without one.
        for _ in 0..QUIET_HOURS {
            self.live_until(self.now_ms() + HOUR).await;
            let open = "select 1 from subscription_periods where status = 'open'";
            if self.life.rows(open).await.is_empty() {
                return;
            }
        }
        panic!("a renewal has no end");
    }
}
