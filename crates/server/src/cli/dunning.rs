//! `kopeck dunning`: when a charge that was declined is tried again, and what people feel of it.

use clap::{Args, Subcommand, ValueEnum};
use jiff::{civil::Date, tz::TimeZone};
use serde::Serialize;

use super::{
    context::Globals,
    fail::Fail,
    print::{FAINT, GOOD, moscow, paint, table},
};
use crate::{
    kit::{
        clock::{HOUR_MS, iso, timestamp},
        db::DbError,
    },
    subscriptions::{
        dunning::{Class, NoticeFirst, Rules, Verdict},
        schedule::{Calendar, Interval, Unit, find_zone},
        store,
    },
};

/// Rules for charges that were declined
#[derive(Debug, Args)]
pub struct DunningArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the shop's rules
    Show,
    /// Set the shop's rules; what is not named stays
    Set(Given),
    /// Play a period whose money does not come, day by day; nothing is changed or charged
    Simulate {
        /// Why the charges are declined
        #[arg(long, value_enum, default_value_t = Why::NoMoney)]
        decline: Why,
        /// The day on which the money is due, such as 2026-12-21; today by default
        #[arg(long, value_name = "DAY")]
        due: Option<Date>,
        /// The so-manieth charge succeeds, if it is made
        #[arg(long, value_name = "NUMBER")]
        paid_by: Option<u32>,
        /// The period's length: day, week, month, quarter, year
        #[arg(long, default_value = "month", value_parser = parse_unit)]
        interval: Unit,
        #[command(flatten)]
        rules: Given,
    },
}

/// Numbers that may be given in place of the shop's.
#[derive(Clone, Debug, Args)]
struct Given {
    /// Charges of one period, the first one included
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4))]
    max_tries: Option<u32>,
    /// Days of the month on which people have money
    #[arg(long, value_name = "DAYS", value_delimiter = ',',
        value_parser = clap::value_parser!(i8).range(1..=31))]
    paydays: Vec<i8>,
    /// The hour of a try, local time
    #[arg(long, value_parser = clap::value_parser!(i8).range(0..=23))]
    hour: Option<i8>,
    /// How many days a subscription waits for its money
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=90))]
    keep_days: Option<u32>,
    /// How many hours before a charge its customer is told; 0: never
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(0..=720))]
    notice_hours: Option<u32>,
    /// Whether a charge waits until its customer was told so long before: no, announced (by the
    /// event), delivered (a webhook took the event)
    #[arg(long, value_name = "WHICH", value_parser = parse_notice)]
    notice_first: Option<NoticeFirst>,
    /// How many hours a notice that a charge waits for may be taken by nobody before you are told
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=720))]
    notice_wait_hours: Option<u32>,
    /// How many hours it may be used on while money is awaited
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(0..=720))]
    grace_hours: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Why {
    NoMoney,
    Later,
    NewInstrument,
    Hard,
}

impl Why {
    const fn class(self) -> Class {
        match self {
            Why::NoMoney => Class::NoMoney,
            Why::Later => Class::Later,
            Why::NewInstrument => Class::NewInstrument,
            Why::Hard => Class::Hard,
        }
    }
}

fn parse_unit(text: &str) -> Result<Unit, String> {
    let all = Unit::ALL.map(Unit::as_str).join(", ");
    Unit::parse(text).ok_or_else(|| format!("one of: {all}"))
}

fn parse_notice(text: &str) -> Result<NoticeFirst, String> {
    let all = NoticeFirst::ALL.map(NoticeFirst::as_str).join(", ");
    NoticeFirst::parse(text).ok_or_else(|| format!("one of: {all}"))
}

impl Given {
    fn over(self, known: Rules) -> Rules {
        Rules {
            max_tries: self.max_tries.unwrap_or(known.max_tries),
            paydays: if self.paydays.is_empty() { known.paydays } else { self.paydays },
            hour: self.hour.unwrap_or(known.hour),
            keep_days: self.keep_days.unwrap_or(known.keep_days),
            notice_hours: self.notice_hours.unwrap_or(known.notice_hours),
            grace_hours: self.grace_hours.unwrap_or(known.grace_hours),
            notice_first: self.notice_first.unwrap_or(known.notice_first),
            notice_wait_hours: self.notice_wait_hours.unwrap_or(known.notice_wait_hours),
        }
    }
}

/// The rules as programs read them.
#[derive(Serialize)]
struct RulesView<'a> {
    max_tries: u32,
    paydays: &'a [i8],
    hour: i8,
    keep_days: u32,
    notice_hours: u32,
    notice_first: &'static str,
    notice_wait_hours: u32,
    grace_hours: u32,
}

impl<'a> RulesView<'a> {
    fn new(rules: &'a Rules) -> RulesView<'a> {
        RulesView {
            max_tries: rules.max_tries,
            paydays: &rules.paydays,
            hour: rules.hour,
            keep_days: rules.keep_days,
            notice_hours: rules.notice_hours,
            notice_first: rules.notice_first.as_str(),
            notice_wait_hours: rules.notice_wait_hours,
            grace_hours: rules.grace_hours,
        }
    }
}

impl DunningArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let shop_id = world.shop.id.clone();
        let known: Result<Rules, DbError> =
            world.ctx.db.read(move |tx| store::get_rules(tx, &shop_id)).await;
        let known = known?;
        match self.command {
            Command::Show => world.out.show(&RulesView::new(&known), || words(&known)),
            Command::Set(given) => {
                let (rules, shop_id) = (given.over(known), world.shop.id.clone());
                let row = rules.clone();
                let saved: Result<(), DbError> =
                    world.ctx.db.write(move |tx| store::save_rules(tx, &shop_id, &row)).await;
                saved?;
                world.out.show(&RulesView::new(&rules), || {
                    format!("{} {}", paint(GOOD, "✓"), words(&rules))
                })
            }
            Command::Simulate { decline, due, paid_by, interval, rules } => {
                let rules = rules.over(known);
                let zone_name = world.ctx.zone.to_string();
                let play = Play { class: decline.class(), paid_by, interval, rules, zone_name };
                let due_ms = due_ms(due, &play.zone_name, world.ctx.now_ms())?;
                let steps = play.steps(due_ms)?;
                world.out.show(&steps, || show(&steps))
            }
        }
    }
}

fn words(rules: &Rules) -> String {
    let days: Vec<String> = rules.paydays.iter().map(i8::to_string).collect();
    format!(
        "At most {} charges a period and one a day, at {}:00; without money on the days {} of the \
         month.\nThe customer is told {} hours before a charge{}, may use it {} hours on, and it \
         ends after {} days without money.",
        rules.max_tries,
        rules.hour,
        days.join(", "),
        rules.notice_hours,
        match rules.notice_first {
            NoticeFirst::No => "",
            NoticeFirst::Announced => " (no charge without)",
            NoticeFirst::Delivered => " (no charge until a webhook took it)",
        },
        rules.grace_hours,
        rules.keep_days
    )
}

/// At noon where the shop is, of that day or of today.
fn due_ms(day: Option<Date>, zone_name: &str, now_ms: i64) -> Result<i64, Fail> {
    let zone = zone(zone_name)?;
    let day = day.unwrap_or_else(|| zone.to_datetime(timestamp(now_ms)).date());
    let at = day.at(12, 0, 0, 0).to_zoned(zone);
    let wrong = |error| Fail::usage(format!("{day} cannot be: {error}"), "--due 2026-12-21");
    Ok(at.map_err(wrong)?.timestamp().as_millisecond())
}

fn zone(name: &str) -> Result<TimeZone, Fail> {
    find_zone(name).ok_or_else(|| Fail::new("internal_error", format!("There is no {name}"), ""))
}

/// One line of the play.
#[derive(Serialize)]
struct PlayStep {
    at: String,
    #[serde(skip)]
    at_ms: i64,
    what: String,
    /// What the customer notices.
    feels: String,
}

struct Play {
    class: Class,
    paid_by: Option<u32>,
    interval: Unit,
    rules: Rules,
    /// Where the shop is.
    zone_name: String,
}

impl Play {
    /// By the very rules that the driver follows.
    fn steps(&self, due_ms: i64) -> Result<Vec<PlayStep>, Fail> {
        let zone = zone(&self.zone_name)?;
        let end_ms = Interval::new(self.interval, 1)
            .and_then(|interval| Calendar::new(&self.zone_name, due_ms, interval))
            .and_then(|calendar| calendar.boundary_ms(1))
            .ok_or_else(|| Fail::usage("The day is out of range", "--due 2026-12-21"))?;
        let give_up_ms = self.rules.give_up_ms(due_ms, end_ms);
        let mut steps = Vec::new();
        let mut add = |at_ms: i64, what: String, feels: &str| {
            steps.push(PlayStep { at: iso(at_ms), at_ms, what, feels: feels.to_owned() });
        };
        if self.rules.notice_hours > 0 {
            let told_ms = due_ms - i64::from(self.rules.notice_hours) * HOUR_MS;
            let what = "event subscription.renewal_upcoming".to_owned();
            add(told_ms, what, "is told the day, the sum and how to stop");
        }
        let (mut at_ms, mut tries) = (due_ms, 1);
        loop {
            if self.paid_by == Some(tries) {
                add(at_ms, format!("charge {tries}: paid"), "is charged and goes on");
                break;
            }
            let what = format!("charge {tries}: declined ({})", self.class.as_str());
            add(at_ms, what, "is told that the charge failed, and why");
            match self.rules.next(&zone, self.class, (tries, at_ms), give_up_ms) {
                Verdict::TryAt(next_ms) => (at_ms, tries) = (next_ms, tries + 1),
                Verdict::Ask => {
                    let what = "no more charges: event subscription.payment_needed".to_owned();
                    add(at_ms, what, "gets a link to pay, by SBP or another card");
                    add(give_up_ms, "unpaid: canceled".to_owned(), "it is over");
                    break;
                }
            }
        }
        let grace_ms = due_ms + i64::from(self.rules.grace_hours) * HOUR_MS;
        if steps.last().is_some_and(|last| last.at_ms > grace_ms) {
            steps.push(PlayStep {
                at: iso(grace_ms),
                at_ms: grace_ms,
                what: "grace is over".to_owned(),
                feels: "cannot use it until it is paid".to_owned(),
            });
        }
        steps.sort_by_key(|step| step.at_ms);
        Ok(steps)
    }
}

fn show(steps: &[PlayStep]) -> String {
    let mut rows = table(&["Moscow", "What happens", "What the customer feels"]);
    for step in steps {
        rows.add_row(vec![&moscow(step.at_ms), &step.what, &step.feels]);
    }
    format!("{rows}\n{}", paint(FAINT, "Nothing was changed or charged."))
}
