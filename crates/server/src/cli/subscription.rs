//! `kopeck subscription`: who pays again and again, and what became of it.

mod change;
mod entitled;
mod metrics;
mod rebind;
mod receipt;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{
    connect,
    context::{Globals, World},
    fail::Fail,
    print::{GOOD, HINT, STRONG, moscow, paint, right, table},
    receipt::ReceiptFlags,
};
use crate::{
    instruments::model::Kind,
    kit::db::DbError,
    subscriptions::{
        drive,
        flow::{
            self, NewConsent, Problem,
            begin::{self, NewSubscription},
            by_bank::ByBank,
            describe, withdraw,
        },
        model::{How, Period, Subscription},
        request::{check_code, user_id},
        state::{Event, State, Status},
        store::{self, SubscriptionFilter},
        view::{Described, PeriodView, SubscriptionView},
    },
};

/// Periods shown; the API has them all.
const PERIODS: i64 = 12;

/// Subscriptions: begin, look, cancel, pause
#[derive(Debug, Args)]
pub struct SubscriptionArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Subscribe a customer; prints where the first payment is made
    Create(Box<NewOne>),
    /// List subscriptions, the newest first
    List {
        /// pending, trialing, active, past_due, paused, canceled, expired
        #[arg(long, value_parser = parse_status)]
        status: Option<Status>,
        /// Those of one customer
        #[arg(long, value_name = "ID")]
        customer: Option<String>,
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Show one with its last periods
    Show {
        /// The subscription's id
        id: String,
    },
    /// Change its plan or quantity; --preview shows what that would cost
    Change(Box<change::ChangeArgs>),
    /// Change what the receipts of its charges say, or where they go
    Receipt(Box<receipt::ChangeReceiptArgs>),
    /// Let a payment that nobody expected (`charge.unexpected`) pay the period that waits
    Assign {
        /// The subscription's id
        id: String,
        /// The payment's id
        payment: String,
    },
    /// End it with the paid period, or at once
    Cancel {
        /// The subscription's id
        id: String,
        /// At once; what was paid may still be used
        #[arg(long)]
        now: bool,
    },
    /// Take a cancellation back
    Reactivate {
        /// The subscription's id
        id: String,
    },
    /// Let it rest; what was paid is kept
    Pause {
        /// The subscription's id
        id: String,
    },
    /// Go on after a pause
    Resume {
        /// The subscription's id
        id: String,
    },
    /// Make a link by which the customer saves another card or account, here or at the other bank
    Rebind {
        /// The subscription's id
        id: String,
        /// tbank, tochka, or a connection's id; absent: another one than now
        #[arg(long)]
        bank: Option<String>,
        /// What the link saves; absent: what the bank can
        #[arg(long, value_enum)]
        save: Option<Save>,
        /// Which text the customer agreed to, where no consent stands
        #[arg(long, value_name = "VERSION")]
        consent: Option<String>,
    },
    /// What a customer may use until when, in one row
    Entitlements {
        /// Your own number of the customer
        customer: String,
    },
    /// Numbers by months: who pays, who came and went, revenue, what asking again brought back
    Metrics(metrics::MetricsArgs),
    /// Write down that the customer takes back the consent: nothing is charged any more
    Withdraw {
        /// The subscription's id
        id: String,
    },
}

#[derive(Debug, Args)]
struct NewOne {
    /// The plan's code
    plan: String,
    /// Your own number of the customer
    #[arg(long, value_name = "ID")]
    customer: String,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    quantity: u32,
    #[arg(long, value_name = "CODE")]
    coupon: Option<String>,
    /// charge: what the customer saves is charged each period; link: he pays each one himself
    #[arg(long, value_enum, default_value_t = Collection::Link)]
    collection: Collection,
    /// Which text the customer agreed to; needed to charge
    #[arg(long, value_name = "VERSION", required_if_eq("collection", "charge"))]
    consent: Option<String>,
    /// A saved account or card to charge
    #[arg(long, value_name = "ID")]
    instrument: Option<String>,
    /// What the first payment saves, when nothing is saved yet; absent: what the bank can
    #[arg(long, value_enum)]
    save: Option<Save>,
    /// us: Kopeck charges; bank: the bank does, by a schedule of its own (Tochka, by card)
    #[arg(long, value_enum, default_value_t = ChargedBy::Us)]
    charged_by: ChargedBy,
    /// How often the bank charges, the first payment counted; absent: as often as it can
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    bank_charges: Option<u32>,
    /// Which bank, when several are connected
    #[arg(long)]
    bank: Option<String>,
    #[command(flatten)]
    receipt: ReceiptFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ChargedBy {
    Us,
    Bank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Collection {
    Charge,
    Link,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Save {
    Account,
    Card,
}

fn parse_status(text: &str) -> Result<Status, String> {
    let all = Status::ALL.map(Status::as_str).join(", ");
    Status::parse(text).ok_or_else(|| format!("one of: {all}"))
}

impl SubscriptionArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let at_ms = world.ctx.now_ms();
        match self.command {
            Command::Create(new) => create(&world, *new).await,
            Command::List { status, customer, limit } => {
                list(&world, status, customer, limit).await
            }
            Command::Show { id } => show(&world, &id).await,
            Command::Change(args) => args.run(&world).await,
            Command::Receipt(args) => args.run(&world).await,
            Command::Assign { id, payment } => change::assign(&world, &id, payment).await,
            Command::Cancel { id, now: true } => {
                request(&world, &id, Event::Cancel { at_ms }).await
            }
            Command::Cancel { id, now: false } => {
                request(&world, &id, Event::CancelAtEnd { at_ms }).await
            }
            Command::Reactivate { id } => request(&world, &id, Event::Reactivate { at_ms }).await,
            Command::Pause { id } => {
                request(&world, &id, Event::Pause { at_ms, resumes_ms: None }).await
            }
            Command::Resume { id } => request(&world, &id, Event::Resume { at_ms }).await,
            Command::Rebind { id, bank, save, consent } => {
                rebind::run(&world, &id, (bank, save), consent).await
            }
            Command::Entitlements { customer } => entitled::run(&world, customer).await,
            Command::Metrics(args) => args.run(&world).await,
            Command::Withdraw { id } => take_back(&world, &id).await,
        }
    }
}

async fn create(world: &World, new: NewOne) -> Result<(), Fail> {
    check_code("plan", &new.plan)?;
    // A bank that only the environment names is a connection from now on.
    connect::get_of(world, new.bank.as_deref()).await?;
    let consent = new.consent.map(NewConsent::by_cli);
    let wanted = NewSubscription {
        plan: new.plan,
        customer_id: user_id(&new.customer)?,
        quantity: new.quantity,
        coupon: new.coupon,
        collection: match new.collection {
            Collection::Charge => How::Charge,
            Collection::Link => How::Link,
        },
        instrument_id: new.instrument,
        saves: new.save.map(|save| match save {
            Save::Account => Kind::Account,
            Save::Card => Kind::Card,
        }),
        by_bank: match new.charged_by {
            ChargedBy::Us => None,
            ChargedBy::Bank => Some(ByBank { charges: new.bank_charges }),
        },
        bank: new.bank,
        zone: None,
        contact: new.receipt.customer(),
        receipt: new.receipt.own_text()?,
        success_url: None,
        fail_url: None,
        metadata: "{}".to_owned(),
        consent,
        skips_trial: false,
    };
    let planned = begin::plan(&world.ctx, &world.shop.id, wanted).await?;
    let ctx = world.ctx.clone();
    let made: Result<Subscription, Problem> =
        world.ctx.db.write(move |tx| begin::create(tx, &ctx, planned)).await;
    let id = made?.id;
    drive::settle_now(&world.ctx, &id).await?;
    let found = find(world, &id).await?;
    let view = SubscriptionView::new(&found, &world.ctx);
    world.out.show(&view, || {
        let head = format!("{} {} is {}", paint(GOOD, "✓"), view.id, view.status);
        let mut lines = vec![head];
        if let Some(url) = &view.pay_url {
            lines.push(format!("  to be paid at {}", paint(STRONG, url)));
        }
        if let Some(url) = &view.withdraw_url {
            lines.push(format!("  the customer takes the consent back at {}", paint(HINT, url)));
        }
        lines.join("\n")
    })
}

async fn find(world: &World, id: &str) -> Result<Described, Fail> {
    let found = drive::find(&world.ctx, &world.shop.id, id).await?;
    Ok(found.ok_or(Problem::NoSuchSubscription)?)
}

async fn list(
    world: &World,
    status: Option<Status>,
    customer_id: Option<String>,
    limit: i64,
) -> Result<(), Fail> {
    let filter = SubscriptionFilter { status, customer_id, ..SubscriptionFilter::default() };
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Described>, DbError> = world
        .ctx
        .db
        .read(move |tx| {
            let all = store::list_subscriptions(tx, &shop_id, &filter, limit)?;
            all.iter().map(|it| describe(tx, it)).collect()
        })
        .await;
    let views: Vec<SubscriptionView> =
        found?.iter().map(|it| SubscriptionView::new(it, &world.ctx)).collect();
    world.out.show(&json!({ "subscriptions": views }), || {
        let mut rows = table(&["Subscription", "Customer", "Plan", "State", "Next charge"]);
        for it in &views {
            let next = it.next_charge_at.as_deref().unwrap_or("");
            rows.add_row(vec![&it.id, &it.customer_id, &it.plan, it.status, next]);
        }
        rows.to_string()
    })
}

async fn show(world: &World, id: &str) -> Result<(), Fail> {
    let described = find(world, id).await?;
    let subject = id.to_owned();
    let read: Result<Vec<(Period, PeriodView)>, DbError> = world
        .ctx
        .db
        .read(move |tx| {
            let mut all = Vec::new();
            for period in store::list_periods(tx, &subject, PERIODS)? {
                let attempts = store::list_attempts(tx, &subject, period.number)?;
                let view = PeriodView::new(&period, &attempts);
                all.push((period, view));
            }
            Ok(all)
        })
        .await;
    let periods = read?;
    let view = SubscriptionView::new(&described, &world.ctx);
    let views: Vec<&PeriodView> = periods.iter().map(|(_, view)| view).collect();
    world.out.show(&json!({ "subscription": view, "periods": views }), || {
        let mut lines = vec![format!(
            "{}  {}  {} × {}  customer {}",
            paint(STRONG, &view.id),
            view.status,
            view.quantity,
            view.plan,
            view.customer_id
        )];
        if let State::Active { until_ms, .. } = described.book.subscription.state {
            lines.push(format!("paid until {} Moscow time", moscow(until_ms)));
        }
        if let Some(url) = &view.pay_url {
            lines.push(format!("to be paid at {}", paint(HINT, url)));
        }
        if let Some(url) = &view.withdraw_url {
            lines.push(format!("the consent is taken back at {}", paint(HINT, url)));
        }
        let mut rows = table(&["№", "From, Moscow", "To", "Sum", "State", "Payments"]);
        for (period, shown) in &periods {
            let payments: Vec<String> = shown
                .payments
                .iter()
                .map(|it| format!("{} {}", it.how, it.decline.unwrap_or(it.outcome)))
                .collect();
            rows.add_row(vec![
                right(period.number),
                moscow(period.start_ms).into(),
                moscow(period.end_ms).into(),
                right(period.amount.to_human()),
                shown.status.into(),
                payments.join(", ").into(),
            ]);
        }
        lines.push(rows.to_string());
        lines.join("\n")
    })
}

async fn request(world: &World, id: &str, event: Event) -> Result<(), Fail> {
    let (ctx, shop_id, subject) = (world.ctx.clone(), world.shop.id.clone(), id.to_owned());
    let done: Result<Subscription, Problem> =
        world.ctx.db.write(move |tx| flow::request(tx, &ctx, (&shop_id, &subject), &event)).await;
    done?;
    told(world, id).await
}

async fn take_back(world: &World, id: &str) -> Result<(), Fail> {
    let (ctx, shop_id, subject) = (world.ctx.clone(), world.shop.id.clone(), id.to_owned());
    let done: Result<Subscription, Problem> = world
        .ctx
        .db
        .write(move |tx| withdraw::withdraw(tx, &ctx, (&shop_id, &subject), "cli"))
        .await;
    done?;
    told(world, id).await
}

async fn told(world: &World, id: &str) -> Result<(), Fail> {
    let found = find(world, id).await?;
    let view = SubscriptionView::new(&found, &world.ctx);
    world.out.show(&view, || {
        let until = view.access_until.as_deref().map(|at| format!(", may be used until {at}"));
        let ends = if view.cancel_at_period_end { ", ends then" } else { "" };
        format!(
            "{} {} is {}{}{ends}",
            paint(GOOD, "✓"),
            view.id,
            view.status,
            until.unwrap_or_default()
        )
    })
}
