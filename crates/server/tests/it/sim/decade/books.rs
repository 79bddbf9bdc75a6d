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
    periods: Vec<Row>,
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
            let key = row.opt_text(2).unwrap().or(row.opt_text(1).unwrap());
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
                   r.amount_kopecks, r.status, r.created_ms, r.give_up_ms from subscriptions s \
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
                stories.push(Story { id, status, until_ms, months, periods: Vec::new() });
            }
            let int = |at| row.int(at).unwrap();
            stories.last_mut().unwrap().periods.push(Row {
                number: int(4),
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
        let paid = story.periods.iter().filter(|it| it.status == "paid").count();
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
                   group by s.id, s.customer_id, s.status";
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
            assert_eq!(ms(&own["until"]), end_ms, "{own}");
            let grace_ms = if row.text(2).unwrap() == "canceled" { 0 } else { GRACE };
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
    assert_eq!(kept.len(), usize::from(is_paid), "{period:?} {taken:?} of {story:?}");
    for it in taken.iter().filter(|_| period.number > 1) {
        assert!(it.at_ms >= period.start_ms, "charged early: {period:?} {taken:?} of {story:?}");
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

/// Its periods follow one another by the calendar from the first day on, each of them paid, up to
/// this day or to one that was not.
fn is_without_gaps(story: &Story, now_ms: i64) {
    let first_ms = story.periods[0].start_ms;
    let last = story.periods.len() - 1;
    for (at, period) in story.periods.iter().enumerate() {
        assert_eq!(period.number, i64::try_from(at).unwrap() + 1, "{story:?}");
        assert_eq!(period.start_ms, boundary_ms(first_ms, story.months, at), "{story:?}");
        assert_eq!(period.end_ms, boundary_ms(first_ms, story.months, at + 1), "{story:?}");
        if at < last {
            assert_eq!(period.status, "paid", "one follows that was not paid for: {story:?}");
        }
        if at > 0 {
            let late_ms = period.created_ms - period.start_ms;
            assert!((0..LATE).contains(&late_ms), "begun {} min late", late_ms / MINUTE);
            assert_eq!(period.give_up_ms, (period.start_ms + KEEP).min(period.end_ms));
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
            assert_eq!(story.status == "expired", last == 0, "{story:?}");
        }
        other => panic!("{other} after all is over: {story:?}"),
    }
}
