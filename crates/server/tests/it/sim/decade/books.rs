//! What must be true: the bank's own books against ours, ours against the calendar, and what people
//! were told against both.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp, tz::TimeZone};
use kopeck_banks::emulator::Control;
use serde_json::Value;

use super::{DAY, Decade, HOUR, MINUTE};

/// How long after the boundary the next period may be written down at the latest: whoever was at
/// it died, or stood still beyond his lease.
const LATE: i64 = HOUR;
/// Of the shop's rules, as nobody changed them.
const GRACE: i64 = 72 * HOUR;
const KEEP: i64 = 14 * DAY;
/// Of each plan, in kopecks.
const PRICE: i64 = 49_000;
/// What a link made at the last moment may still be paid after it, and a charge be settled.
const LAST_LINK: i64 = 8 * DAY;

/// Money that the bank took: how much of it is still kept, and when it was taken.
#[derive(Clone, Copy, Debug)]
struct Taken {
    paid: i64,
    refunded: i64,
    at_ms: i64,
}

/// One period of our books.
#[derive(Clone, Debug)]
struct Row {
    number: i64,
    cause: String,
    quantity: i64,
    paid_ms: Option<i64>,
    /// Why the sum is what it is.
    lines: Vec<(String, i64)>,
    start_ms: i64,
    end_ms: i64,
    amount: i64,
    status: String,
    created_ms: i64,
    give_up_ms: i64,
}

#[derive(Clone, Debug)]
struct Story {
    id: String,
    status: String,
    until_ms: Option<i64>,
    months: i32,
    balance: i64,
    periods: Vec<Row>,
    /// From when to when it rested.
    rests: Vec<(i64, i64)>,
}

fn ms(text: &Value) -> i64 {
    let text = text.as_str().unwrap_or_else(|| panic!("{text} is no time"));
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

impl Decade {
    /// What the bank says that it took, by the number under which our books have it.
    fn taken(&self) -> BTreeMap<String, Taken> {
        let told = self.life.app.bank.control(&Control::List);
        let mut taken = BTreeMap::new();
        for payment in told["payments"].as_array().unwrap() {
            let kopecks = |name: &str| payment[name].as_i64().unwrap();
            if kopecks("paid_kopecks") == 0 {
                continue;
            }
            let id = payment["id"].as_str().unwrap();
            if self.life.is_tbank() {
                let (paid, refunded) = (kopecks("paid_kopecks"), kopecks("refunded_kopecks"));
                let at_ms = ms(&payment["paid_at"]);
                taken.insert(id.to_owned(), Taken { paid, refunded, at_ms });
                continue;
            }
            // Refunds there name no charge: they are taken from the newest, as our books have it.
            let mut left = kopecks("refunded_kopecks");
            for order in payment["orders"].as_array().unwrap().iter().rev() {
                if order["type"] != "approval" {
                    continue;
                }
                let paid = order["amount_kopecks"].as_i64().unwrap();
                let refunded = left.min(paid);
                left -= refunded;
                let at_ms = ms(&order["time"]);
                let name = format!("{id}/{}", order["id"].as_str().unwrap());
                taken.insert(name, Taken { paid, refunded, at_ms });
            }
        }
        taken
    }

    /// The bank's books and ours, payment by payment; what the bank keeps for each period.
    async fn compare(&self) -> BTreeMap<(String, i64), Vec<Taken>> {
        let mut taken = self.taken();
        let sql = "select p.id, p.bank_id, p.approval, p.paid_kopecks, p.refunded_kopecks, \
                   a.subscription_id, a.period, a.outcome from payments p \
                   left join subscription_attempts a on a.payment_id = p.id order by p.id";
        let (mut kept, mut ours, mut theirs) = (BTreeMap::new(), 0, 0);
        for row in self.life.rows(sql).await {
            let (id, paid) = (row.text(0).unwrap(), row.int(3).unwrap());
            let (bank_id, approval) = (row.opt_text(1).unwrap(), row.opt_text(2).unwrap());
            // A link that keeps no card has an operation of its own, and one approval in it.
            let alone = bank_id.clone().filter(|_| !self.life.is_tbank()).and_then(|id| {
                let own = format!("{id}/");
                taken.keys().find(|key| key.starts_with(&own)).cloned()
            });
            let key = approval.or(alone).or(bank_id);
            let found = key.and_then(|key| taken.remove(&key));
            assert_eq!(found.map_or(0, |it| it.paid), paid, "{id}: the bank took another sum");
            let Some(found) = found else { continue };
            ours += row.int(4).unwrap();
            theirs += found.refunded;
            let of = row.opt_text(5).unwrap().unwrap_or_else(|| panic!("{id} is for nothing"));
            let list: &mut Vec<Taken> = kept.entry((of, row.int(6).unwrap())).or_default();
            list.push(found);
            assert_ne!(row.text(7).unwrap(), "open", "{id}: paid, and nobody noticed");
            assert_ne!(row.text(7).unwrap(), "failed", "{id}: paid, and said to have failed");
            if self.life.is_tbank() {
                assert_eq!(row.int(4).unwrap(), found.refunded, "{id}: another sum went back");
            }
        }
        assert!(taken.is_empty(), "the bank took what the books do not know: {taken:?}");
        assert_eq!(ours, theirs, "another sum went back");
        kept
    }

    async fn stories(&self) -> Vec<Story> {
        let sql = "select s.id, s.status, s.until_ms, v.unit, r.number, r.start_ms, r.end_ms, \
                   r.amount_kopecks, r.status, r.created_ms, r.give_up_ms, s.balance_kopecks, \
                   r.cause, r.quantity, r.paid_ms, r.lines from subscriptions s \
                   join plan_versions v on v.id = s.version_id \
                   left join subscription_periods r on r.subscription_id = s.id \
                   order by s.id, r.number";
        let mut stories: Vec<Story> = Vec::new();
        for row in self.life.rows(sql).await {
            let id = row.text(0).unwrap();
            if stories.last().is_none_or(|last| last.id != id) {
                let months = match row.text(3).unwrap().as_str() {
                    "month" => 1,
                    "quarter" => 3,
                    "year" => 12,
                    other => panic!("{other}"),
                };
                let (status, until_ms) = (row.text(1).unwrap(), row.opt_int(2).unwrap());
                let (balance, rests) = (row.int(11).unwrap(), self.rests(&id).await);
                let periods = Vec::new();
                stories.push(Story { id, status, until_ms, months, balance, periods, rests });
            }
            let int = |at| row.int(at).unwrap();
            stories.last_mut().unwrap().periods.push(Row {
                number: int(4),
                cause: row.text(12).unwrap(),
                quantity: int(13),
                paid_ms: row.opt_int(14).unwrap(),
                lines: lines(&row.text(15).unwrap()),
                start_ms: int(5),
                end_ms: int(6),
                amount: int(7),
                status: row.text(8).unwrap(),
                created_ms: int(9),
                give_up_ms: int(10),
            });
        }
        stories
    }

    /// When the subscription rested, as it was announced.
    async fn rests(&self, id: &str) -> Vec<(i64, i64)> {
        let sql = format!(
            "select at_ms from events where subject_id = '{id}' and kind in \
             ('subscription.paused', 'subscription.resumed') order by seq"
        );
        let rows = self.life.rows(&sql).await;
        assert_eq!(rows.len() % 2, 0, "{id} rests still");
        let at: Vec<i64> = rows.iter().map(|row| row.int(0).unwrap()).collect();
        at.chunks(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// All that was promised, after all is over.
    pub(super) async fn audit(&mut self) {
        self.life.check().await;
        self.life.balance().await;
        self.life.nobody_is_forgotten().await;
        self.entitled().await;
        let kept = self.compare().await;
        let stories = self.stories().await;
        assert_eq!(stories.len(), self.life.subscriptions.len());
        let none = Vec::new();
        for story in &stories {
            for period in &story.periods {
                let of = (story.id.clone(), period.number);
                is_taken_once(story, period, kept.get(&of).unwrap_or(&none));
            }
            is_without_gaps(story, self.now_ms());
            is_balanced(story);
            self.is_announced(story).await;
        }
    }

    /// Where it stopped, its customer and its shop were told, once and why.
    async fn is_announced(&self, story: &Story) {
        let sql = format!("select kind from events where subject_id = '{}' order by seq", story.id);
        let rows = self.life.rows(&sql).await;
        let kinds: Vec<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
        let count = |kind: &str| {
            let name = format!("subscription.{kind}");
            i64::try_from(kinds.iter().filter(|it| **it == name).count()).unwrap()
        };
        let is_period = |it: &&Row| it.status == "paid" && it.cause != "change";
        let paid = story.periods.iter().filter(is_period).count();
        let paid = i64::try_from(paid).unwrap();
        let first = paid.min(1);
        assert_eq!(count("activated"), first, "{story:?}: {kinds:?}");
        assert_eq!(count("renewed"), paid - first, "{story:?}: {kinds:?}");
        let ends = (count("canceled"), count("expired"));
        match story.status.as_str() {
            "active" => assert_eq!(ends, (0, 0), "{story:?}: {kinds:?}"),
            "expired" => assert_eq!(ends, (0, 1), "{story:?}: {kinds:?}"),
            _ => {
                assert_eq!(ends, (1, 0), "{story:?}: {kinds:?}");
                assert!(count("past_due") > 0, "ended at once: {story:?}: {kinds:?}");
                assert!(count("payment_needed") > 1, "nobody was asked: {story:?}: {kinds:?}");
            }
        }
        for kind in ["activated", "renewed", "canceled", "expired"] {
            let told = count(kind);
            assert!(told <= story.periods.len().try_into().unwrap(), "{kind}: {story:?}");
        }
    }

    /// What customers are told that they may use is what they paid for.
    pub(super) async fn entitled(&mut self) {
        let now_ms = self.now_ms();
        let sql = "select s.id, s.customer_id, s.status, max(r.end_ms) from subscriptions s \
                   join subscription_periods r on r.subscription_id = s.id and r.status = 'paid' \
                   where s.status <> 'paused' group by s.id, s.customer_id, s.status";
        let all = self.life.rows(sql).await;
        for row in &all {
            // Of a thousand some, each time others.
            if all.len() > 60 && !self.life.chance.percent(10) {
                continue;
            }
            let (id, customer) = (row.text(0).unwrap(), row.text(1).unwrap());
            let path = format!("/v1/entitlements?customer={customer}");
            let told = self.life.app.get(&path).await.expect(200);
            let own = told["data"].as_array().unwrap().iter();
            let own: Vec<&Value> = own.filter(|it| it["subscription_id"] == id).collect();
            let [own] = own[..] else { panic!("{id} has not one row: {told}") };
            let end_ms = row.int(3).unwrap();
            assert_eq!(ms(&own["paid_until"]), end_ms, "{own}");
            let grace_ms = if row.text(2).unwrap() == "canceled" { 0 } else { GRACE };
            let until_ms = if now_ms < end_ms { end_ms } else { end_ms + grace_ms };
            assert_eq!(ms(&own["until"]), until_ms, "{own}");
            assert_eq!(own["active"], now_ms < end_ms + grace_ms, "{own}");
        }
    }
}

/// Paid once, in its time; or not at all, and then nothing of it is kept.
fn is_taken_once(story: &Story, period: &Row, taken: &[Taken]) {
    let kept: Vec<&Taken> = taken.iter().filter(|it| it.paid > it.refunded).collect();
    let sum: i64 = kept.iter().map(|it| it.paid - it.refunded).sum();
    let is_paid = period.status == "paid";
    let whole = if is_paid { period.amount } else { 0 };
    assert_eq!(sum, whole, "the bank keeps another sum: {period:?} {taken:?} of {story:?}");
    // What stood on the balance may have paid it.
    assert_eq!(kept.len(), usize::from(whole > 0), "{period:?} {taken:?} of {story:?}");
    for it in taken.iter().filter(|_| period.number > 1) {
        let first_ms = period.start_ms.min(period.created_ms);
        assert!(it.at_ms >= first_ms, "charged early: {period:?} {taken:?} of {story:?}");
        let last_ms = period.give_up_ms + LAST_LINK;
        assert!(it.at_ms < last_ms, "charged late: {period:?} {taken:?} of {story:?}");
    }
}

/// The `count`-th boundary after the first day, counted in whole months of Moscow.
fn boundary_ms(first_ms: i64, months: i32, count: usize) -> i64 {
    let zone = TimeZone::get("Europe/Moscow").unwrap();
    let first = Timestamp::from_millisecond(first_ms).unwrap().to_zoned(zone);
    let span = Span::new().months(months * i32::try_from(count).unwrap());
    first.checked_add(span).unwrap().timestamp().as_millisecond()
}

fn lines(text: &str) -> Vec<(String, i64)> {
    let told: Vec<Value> = serde_json::from_str(text).unwrap();
    let line =
        |it: &Value| (it["kind"].as_str().unwrap().to_owned(), it["kopecks"].as_i64().unwrap());
    told.iter().map(line).collect()
}

impl Row {
    fn sum(&self, kind: &str) -> i64 {
        self.lines.iter().filter(|(it, _)| it == kind).map(|(_, kopecks)| kopecks).sum()
    }

    fn is_change(&self) -> bool {
        self.cause == "change"
    }
}

/// So long the story rested while this period was the newest that was paid: its end, and its start
/// with it, are so much later than the calendar says.
fn rested_ms(story: &Story, at: usize) -> i64 {
    let Some(from_ms) = story.periods[at].paid_ms else { return 0 };
    let next = story.periods[at + 1..].iter().find_map(|it| it.paid_ms);
    let is_here = |(begun_ms, _): &&(i64, i64)| {
        *begun_ms >= from_ms && next.is_none_or(|next_ms| *begun_ms < next_ms)
    };
    story.rests.iter().filter(is_here).map(|(begun_ms, ended_ms)| ended_ms - begun_ms).sum()
}

/// Its periods follow one another by the calendar from the first day on, each of them paid, up to
/// this day or to one that was not. A rest moves the calendar by its length; a change lasts to the
/// end of the period in which it is made.
fn is_without_gaps(story: &Story, now_ms: i64) {
    let own: Vec<usize> = (0..story.periods.len())
        .filter(|at| !(story.periods[*at].is_change() && story.periods[*at].status == "void"))
        .collect();
    let (first, last) = (own[0], own[own.len() - 1]);
    let mut anchor_ms = story.periods[first].start_ms - rested_ms(story, first);
    let (mut cycle, mut until_ms) = (0, anchor_ms);
    for (at, period) in story.periods.iter().enumerate() {
        assert_eq!(period.number, i64::try_from(at).unwrap() + 1, "{story:?}");
        if period.is_change() && period.status == "void" {
            assert_eq!(period.end_ms, until_ms, "{story:?}");
            continue;
        }
        let rested_ms = rested_ms(story, at);
        let (start_ms, end_ms) = (period.start_ms - rested_ms, period.end_ms - rested_ms);
        if period.is_change() {
            assert_eq!((start_ms, end_ms), (period.created_ms, until_ms), "{story:?}");
        } else {
            assert_eq!(start_ms, boundary_ms(anchor_ms, story.months, cycle), "{story:?}");
            assert_eq!(end_ms, boundary_ms(anchor_ms, story.months, cycle + 1), "{story:?}");
            assert_eq!(start_ms, until_ms, "{story:?}");
            cycle += 1;
        }
        if at < last {
            assert_eq!(period.status, "paid", "one follows that was not paid for: {story:?}");
        }
        if at > first && !period.is_change() {
            is_begun_in_time(period, (start_ms, end_ms), story.periods[at - 1].is_change());
        }
        until_ms = period.end_ms;
        if rested_ms > 0 {
            (anchor_ms, cycle) = (until_ms, 0);
        }
    }
    let newest = &story.periods[last];
    match story.status.as_str() {
        "active" => {
            assert_eq!(newest.status, "paid", "{story:?}");
            assert!(newest.end_ms > now_ms - LATE, "forgotten: {story:?}");
            assert_eq!(story.until_ms, Some(newest.end_ms), "{story:?}");
        }
        "canceled" | "expired" => {
            assert_eq!(newest.status, "void", "{story:?}");
            assert_eq!(story.status == "expired", last == first, "{story:?}");
        }
        other => panic!("{other} after all is over: {story:?}"),
    }
}

/// A change whose charge nobody knows of keeps the next period waiting until a person looks.
fn is_begun_in_time(period: &Row, (start_ms, end_ms): (i64, i64), after_change: bool) {
    let late_ms = period.created_ms - start_ms;
    let most_ms = if after_change { 4 * DAY } else { LATE };
    assert!((0..most_ms).contains(&late_ms), "begun {} min late", late_ms / MINUTE);
    let from_ms = start_ms.max(period.created_ms - DAY);
    assert_eq!(period.give_up_ms, (from_ms + KEEP).min(end_ms));
}

/// Each sum is the price of its quantity, less what was paid and not used; what a change leaves over
/// stands on the balance and is used, to the kopeck.
fn is_balanced(story: &Story) {
    let mut balance = 0;
    let (mut before, mut balances): (Option<&Row>, Vec<i64>) = (None, Vec::new());
    for period in story.periods.iter().filter(|it| it.status == "paid") {
        let (price, unused) = (period.sum("price"), -period.sum("unused"));
        let sum: i64 = period.lines.iter().map(|(_, kopecks)| kopecks).sum();
        assert_eq!(sum, period.amount, "{period:?} of {story:?}");
        let whole = PRICE * period.quantity;
        if period.is_change() {
            assert!((0..=whole).contains(&price), "{period:?} of {story:?}");
            let before = before.unwrap();
            let (left_ms, whole_ms) =
                (before.end_ms - period.created_ms, before.end_ms - before.start_ms);
            let left = i128::from(before.sum("price")) * i128::from(left_ms) / i128::from(whole_ms);
            let off = i128::from(unused) - left;
            assert!((0..=1).contains(&off), "{unused} for {left}: {period:?} of {story:?}");
        } else {
            assert_eq!((price, unused), (whole, 0), "{period:?} of {story:?}");
        }
        before = Some(period);
        balance += period.sum("balance");
        balances.push(balance);
    }
    assert_eq!(balance, story.balance, "{balances:?} of {story:?}");
}
