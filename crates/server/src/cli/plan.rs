//! `kopeck plan`: what is sold again and again.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kopeck_banks::Money;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    context::{Globals, World},
    fail::Fail,
    link::parse_money,
    print::{FAINT, GOOD, HINT, paint, right, table},
    receipt::read_file,
};
use crate::{
    http::json::read,
    kit::db::DbError,
    subscriptions::{
        catalog::read_plans,
        flow::{
            Problem,
            plans::{self, Made, Offer},
        },
        model::Terms,
        request::{PlanInput, check_code},
        view::PlanView,
    },
};

/// More plans than any shop has.
const MANY: i64 = 500;

/// Plans: prices by the month, year or week, that customers subscribe to
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a plan
    Create(Box<NewPlan>),
    /// List the plans
    List,
    /// Make the plans what a file says: [[plans]] with code, name, amount, interval …
    Apply {
        /// A TOML file such as kopeck.toml; other sections of it are passed over
        file: PathBuf,
        /// Only tell what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Let nobody subscribe to a plan any more; those who did go on
    Archive {
        /// The plan's code
        code: String,
    },
    /// Sell an archived plan again
    Restore {
        /// The plan's code
        code: String,
    },
}

#[derive(Debug, Args)]
struct NewPlan {
    /// Your own word of it: start
    code: String,
    /// Rubles for each period: 2450 or 2450.00
    #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
    amount: Money,
    /// What the payer sees
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// day, week, month, quarter, year
    #[arg(long, default_value = "month")]
    interval: String,
    /// A period is so many of them
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    every: u32,
    /// Days without money before the first period
    #[arg(long, default_value_t = 0, value_name = "DAYS")]
    trial_days: u32,
    /// Rubles, once, with the first period
    #[arg(long, value_name = "RUBLES", value_parser = parse_money)]
    setup_fee: Option<Money>,
    /// What may be used, a JSON object of your own: '{"seats": 3}'
    #[arg(long, value_name = "JSON", value_parser = parse_features)]
    features: Option<Map<String, Value>>,
    /// JSON file with what receipts of its payments say
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Receipts of its payments: one line by the shop's defaults and this preset
    #[arg(long, conflicts_with = "receipt")]
    preset: Option<String>,
    /// How long before each charge its customer is told; the shop's own time when absent
    #[arg(long, value_name = "HOURS")]
    notice_hours: Option<u32>,
}

fn parse_features(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"))
}

impl PlanArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Create(new) => create(&world, *new).await,
            Command::List => list(&world).await,
            Command::Apply { file, dry_run } => apply(&world, &file, dry_run).await,
            Command::Archive { code } => archive(&world, code, true).await,
            Command::Restore { code } => archive(&world, code, false).await,
        }
    }
}

/// The same checks as the API's, by the same code.
fn terms(fields: &Value) -> Result<Terms, Fail> {
    Ok(read::<PlanInput>(fields.to_string().as_bytes())?.read()?)
}

async fn create(world: &World, new: NewPlan) -> Result<(), Fail> {
    check_code("code", &new.code)?;
    let mut fields = json!({
        "name": new.name, "amount_kopecks": new.amount.kopecks(), "interval": new.interval,
        "interval_count": new.every, "trial_days": new.trial_days,
    });
    if let Some(fee) = new.setup_fee {
        fields["setup_fee_kopecks"] = json!(fee.kopecks());
    }
    if let Some(features) = new.features {
        fields["features"] = Value::Object(features);
    }
    if let Some(hours) = new.notice_hours {
        fields["notice_hours"] = json!(hours);
    }
    match (&new.receipt, &new.preset) {
        (Some(path), _) => {
            let read: Result<Value, _> = serde_json::from_str(&read_file(path)?);
            fields["receipt"] = read.map_err(|error| {
                let message = format!("{}: {error}", path.display());
                Fail::new("receipt_invalid", message, "It takes a JSON file").param("receipt")
            })?;
        }
        (None, Some(preset)) => fields["receipt"] = json!({ "preset": preset }),
        (None, None) => {}
    }
    let terms = terms(&fields)?;
    let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
    let made: Result<Offer, Problem> =
        world.ctx.db.write(move |tx| plans::create(tx, &ctx, &shop_id, &new.code, terms)).await;
    let offer = made?;
    world.out.show(&PlanView::new(&offer), || format!("{} {}", paint(GOOD, "✓"), words(&offer)))
}

/// `start: 2 450,00 ₽ every month`.
fn words(offer: &Offer) -> String {
    let terms = &offer.version.terms;
    let unit = terms.interval.unit.as_str();
    let every = match terms.interval.count {
        1 => format!("every {unit}"),
        count => format!("every {count} {unit}s"),
    };
    format!("{}: {} {every}", offer.plan.code, terms.price.to_human())
}

async fn list(world: &World) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Offer>, Problem> =
        world.ctx.db.read(move |tx| plans::list_offers(tx, &shop_id, MANY)).await;
    let offers = found?;
    let shown: Vec<PlanView> = offers.iter().map(PlanView::new).collect();
    world.out.show(&json!({ "plans": shown }), || {
        if offers.is_empty() {
            return "No plans yet: `kopeck plan create` makes one.".to_owned();
        }
        let mut rows = table(&["Code", "Name", "Price", "Every", "Trial", "Version", ""]);
        for offer in &offers {
            let terms = &offer.version.terms;
            let every = format!("{} {}", terms.interval.count, terms.interval.unit.as_str());
            let archived = if offer.plan.is_archived { "archived" } else { "" };
            rows.add_row(vec![
                offer.plan.code.as_str().into(),
                terms.name.as_str().into(),
                right(terms.price.to_human()),
                every.into(),
                format!("{} d", terms.trial_days).into(),
                offer.version.number.into(),
                comfy_table::Cell::new(archived),
            ]);
        }
        rows.to_string()
    })
}

/// What of a settings file is ours here.
#[derive(Debug, Deserialize)]
struct PlanFile {
    #[serde(default)]
    plans: Vec<Map<String, Value>>,
}

async fn apply(world: &World, file: &std::path::Path, dry_run: bool) -> Result<(), Fail> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let message = format!("{} cannot be read: {error}", file.display());
        Fail::new("file_unreadable", message, "Check the name")
    })?;
    let found: PlanFile = toml::from_str(&text).map_err(|error| {
        let message = format!("{}: {error}", file.display());
        Fail::new("file_invalid", message, "Each plan is a [[plans]] with code, name and amount")
    })?;
    let wanted = read_plans(found.plans)?;
    let named: Vec<String> = wanted.iter().map(|it| it.code.clone()).collect();
    let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
    let done: Result<Vec<(Offer, Made)>, Problem> = match dry_run {
        false => world.ctx.db.write(move |tx| plans::apply_all(tx, &ctx, &shop_id, wanted)).await,
        true => world.ctx.db.read(move |tx| plans::compare_all(tx, &ctx, &shop_id, wanted)).await,
    };
    let shop_id = world.shop.id.clone();
    let unnamed: Result<Vec<String>, DbError> =
        world.ctx.db.read(move |tx| plans::list_unnamed(tx, &shop_id, &named, MANY)).await;
    show_applied(world, &done?, &unnamed?, dry_run)
}

/// Makes the plans what the settings say; what changed by it. Again is no change.
pub async fn apply_settings(world: &World) -> Result<Vec<(Offer, Made)>, Fail> {
    let wrong = |error: serde_json::Error| anyhow::anyhow!("[[plans]]: {error}");
    let table = |plan| match serde_json::to_value(plan).map_err(wrong)? {
        Value::Object(fields) => Ok(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(anyhow::anyhow!("[[plans]]: a plan is a table"))
        }
    };
    let plans: anyhow::Result<Vec<Map<String, Value>>> =
        world.config.plans.iter().map(table).collect();
    let wanted = read_plans(plans?).map_err(|error| {
        let fail = Fail::from(error);
        Fail { code: "settings_invalid".to_owned(), ..fail }
    })?;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
    let done: Result<Vec<(Offer, Made)>, Problem> =
        world.ctx.db.write(move |tx| plans::apply_all(tx, &ctx, &shop_id, wanted)).await;
    let is_news = |(_, made): &(Offer, Made)| *made != Made::Same;
    Ok(done?.into_iter().filter(is_news).collect())
}

/// `start: 2 450,00 ₽ every month (new)`.
pub fn news(offer: &Offer, made: Made) -> String {
    format!("{} ({})", words(offer), word(made))
}

const fn word(made: Made) -> &'static str {
    match made {
        Made::New => "new",
        Made::Version => "changed",
        Made::Same => "same",
    }
}

fn show_applied(
    world: &World,
    done: &[(Offer, Made)],
    unnamed: &[String],
    dry_run: bool,
) -> Result<(), Fail> {
    let shown: Vec<Value> = done
        .iter()
        .map(|(offer, made)| json!({ "code": offer.plan.code, "result": word(*made) }))
        .collect();
    let shape = json!({ "plans": shown, "not_in_file": unnamed, "dry_run": dry_run });
    world.out.show(&shape, || {
        let line = |(offer, made): &(Offer, Made)| {
            let mark = if dry_run { paint(FAINT, "would be") } else { paint(GOOD, "✓") };
            format!("{mark} {}", news(offer, *made))
        };
        let mut lines: Vec<String> = done.iter().map(line).collect();
        for code in unnamed {
            let end = paint(HINT, &format!("kopeck plan archive {code}"));
            lines.push(format!("  {code} is on sale and not in the file: {end} ends that"));
        }
        lines.join("\n")
    })
}

async fn archive(world: &World, code: String, is_archived: bool) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let done: Result<Offer, Problem> =
        world.ctx.db.write(move |tx| plans::archive(tx, &shop_id, &code, is_archived)).await;
    let offer = done?;
    world.out.show(&PlanView::new(&offer), || {
        let state = if is_archived { "archived" } else { "on sale" };
        format!("{} {} is {state}", paint(GOOD, "✓"), offer.plan.code)
    })
}
