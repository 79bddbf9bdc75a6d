//! `kopeck dunning`: when a charge that was declined is tried again, and what people feel of it.

mod words;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{civil::Date, tz::TimeZone};
use kopeck_banks::bank::{Capabilities, find_bank};
use serde::Serialize;

use self::words::Told;
use super::{
    context::{Globals, World},
    evidence::read_lang,
    fail::Fail,
    print::{FAINT, GOOD, moscow, paint, table},
};
use crate::{
    kit::{
        clock::{DAY_MS, HOUR_MS, MINUTE_MS, iso, timestamp},
        db::DbError,
    },
    qr::Lang,
    shops::{self, store::SealedConnection},
    subscriptions::{
        drive::links_after,
        dunning::{Class, NoticeFirst, Rules},
        play::{Moment, Play},
        schedule::{Interval, Unit, find_zone},
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
        /// The period's length: day, week, month, quarter, year
        #[arg(long, default_value = "month", value_parser = parse_unit)]
        interval: Unit,
        #[command(flatten)]
        world: Outside,
        /// In which language it is told: en, ru
        #[arg(long, value_name = "LANG", default_value = "en", value_parser = read_lang)]
        lang: Lang,
        #[command(flatten)]
        rules: Given,
    },
}

/// What comes from outside in a play.
#[derive(Clone, Debug, Args)]
struct Outside {
    /// The so-manieth charge succeeds, if it is made
    #[arg(long, value_name = "NUMBER")]
    paid_by: Option<u32>,
    /// The customer pays a link so many days after it came
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=90))]
    pays_link: Option<u32>,
    /// The customer saves another card or account so many days after the first decline; it pays
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=90))]
    new_card: Option<u32>,
    /// A webhook or a mail server takes the notice so many hours after it went
    #[arg(long, value_name = "HOURS", default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=720))]
    notice_taken: u32,
    /// Nobody ever takes the notice
    #[arg(long, conflicts_with = "notice_taken")]
    notice_refused: bool,
    /// At which bank; the shop's newest by default
    #[arg(long, value_name = "BANK")]
    bank: Option<String>,
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
            Command::Show => world.out.show(&RulesView::new(&known), || words::rules(&known)),
            Command::Set(given) => {
                let (rules, shop_id) = (given.over(known), world.shop.id.clone());
                let row = rules.clone();
                let saved: Result<(), DbError> =
                    world.ctx.db.write(move |tx| store::save_rules(tx, &shop_id, &row)).await;
                saved?;
                world.out.show(&RulesView::new(&rules), || {
                    format!("{} {}", paint(GOOD, "✓"), words::rules(&rules))
                })
            }
            Command::Simulate { decline, due, interval, world: outside, lang, rules } => {
                let (class, rules) = (decline.class(), rules.over(known));
                let wish = Wish { class, due, interval, rules, world: outside, lang };
                simulate(&world, wish).await
            }
        }
    }
}

/// At noon where the shop is, of that day or of today.
fn due_ms(day: Option<Date>, zone_name: &str, now_ms: i64) -> Result<i64, Fail> {
    let zone = zone(zone_name)?;
    let day = day.unwrap_or_else(|| zone.to_datetime(timestamp(now_ms)).date());
    let at = day.at(12, 0, 0, 0).to_zoned(zone);
    let wrong = |error| Fail::usage(format!("{day} cannot be: {error}"), "--due 2026-12-21");
    Ok(at.map_err(wrong)?.timestamp().as_millisecond())
}

/// One line of the play.
#[derive(Serialize)]
struct PlayStep {
    at: String,
    #[serde(skip)]
    at_ms: i64,
    /// Stable.
    step: &'static str,
    /// The so-manieth charge or link.
    number: Option<u32>,
    what: String,
    /// What the customer notices.
    feels: String,
}

/// What a shop wants played.
struct Wish {
    class: Class,
    due: Option<Date>,
    interval: Unit,
    rules: Rules,
    world: Outside,
    lang: Lang,
}

async fn simulate(world: &World, wish: Wish) -> Result<(), Fail> {
    let Wish { class, due, interval, rules, world: outside, lang } = wish;
    let zone = world.ctx.zone.to_string();
    let due_ms = due_ms(due, &zone, world.ctx.now_ms())?;
    let can = find_can(world, outside.bank.as_deref()).await?;
    let (first, next) = links_after(can, class == Class::NewInstrument);
    let minutes = |count: u32| i64::from(count) * MINUTE_MS;
    let days = |count: u32| i64::from(count) * DAY_MS;
    let saves_kept = class == Class::NewInstrument && !can.saves_cards && !can.saves_accounts;
    let play = Play {
        class,
        paid_by: outside.paid_by,
        pays_after_ms: outside.pays_link.map(days),
        saves_after_ms: outside.new_card.map(days),
        taken_after_ms: (!outside.notice_refused)
            .then_some(i64::from(outside.notice_taken) * HOUR_MS),
        link_ms: (minutes(*can.ttl_minutes.start()), minutes(*can.ttl_minutes.end())),
        first_link_ms: can
            .subscriptions
            .filter(|_| saves_kept)
            .map(|limits| minutes(limits.link_minutes)),
        interval: Interval { unit: interval, count: 1 },
        rules,
        zone,
    };
    let range = || Fail::usage("The day is out of range", "--due 2026-12-21");
    let told = Told { class, methods: (&first, &next) };
    let step = |it: Moment| PlayStep {
        at: iso(it.at_ms),
        at_ms: it.at_ms,
        step: Told::code(it.happening),
        number: Told::number(it.happening),
        what: told.what(it.happening, lang),
        feels: told.feels(it.happening, lang),
    };
    let steps: Vec<PlayStep> = play.run(due_ms).ok_or_else(range)?.into_iter().map(step).collect();
    world.out.show(&steps, || show(&steps, lang))
}

/// What the bank can at which it is played: the one that is named, else the shop's newest.
async fn find_can(world: &World, named: Option<&str>) -> Result<&'static Capabilities, Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<SealedConnection>, DbError> =
        world.ctx.db.read(move |tx| shops::store::list_connections(tx, &shop_id)).await;
    let connected = found?.pop().map(|row| row.bank);
    let name = named.map(str::to_owned).or(connected).unwrap_or_else(|| "tbank".to_owned());
    let unknown = || Fail::usage(format!("There is no bank `{name}`"), "--bank tbank");
    find_bank(&name).map(|bank| bank.capabilities()).ok_or_else(unknown)
}

fn zone(name: &str) -> Result<TimeZone, Fail> {
    find_zone(name).ok_or_else(|| Fail::new("internal_error", format!("There is no {name}"), ""))
}

fn show(steps: &[PlayStep], lang: Lang) -> String {
    let (head, note) = match lang {
        Lang::Ru => (
            ["Москва", "Что происходит", "Что замечает покупатель"],
            "Ничего не изменено и не списано.",
        ),
        Lang::En => (
            ["Moscow", "What happens", "What the customer feels"],
            "Nothing was changed or charged.",
        ),
    };
    let mut rows = table(&head);
    for step in steps {
        rows.add_row(vec![&moscow(step.at_ms), &step.what, &step.feels]);
    }
    format!("{rows}\n{}", paint(FAINT, note))
}
