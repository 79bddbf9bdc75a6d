//! `kopeck qr place`: static codes, their posters, and `kopeck qr invoice`, which companies pay.

use std::{fs, path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use kopeck_banks::{Money, op::CodeKind};
use serde_json::value::{RawValue, to_raw_value};

use super::Words;
use crate::{
    cli::{
        context::{Globals, World},
        fail::Fail,
        find::PATIENCE,
        link::{parse_money, parse_ttl},
        print::{FAINT, GOOD, HINT, STRONG, WARN, is_terminal, paint, right, table},
    },
    kit::db::DbError,
    places::{
        drive::drive_now,
        flow::{self, NewPlace, Problem, connection_for},
        model::{Place, State},
        poster::{self, Print},
        request::{CreateInvoice, CreatePlace},
        store,
        view::PlaceView,
    },
    qr::{Code, Format},
};

/// How long a server that is making the code is waited for.
const SERVER_PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);

/// Static codes: one place each, paid any number of times
#[derive(Debug, Args)]
pub struct PlaceArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a static code
    Create {
        /// Where it will hang, such as «ресепшен, Тверская»
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// Rubles; without it the payer enters the sum
        #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
        amount: Option<Money>,
        /// What the payer reads; the name by default
        #[arg(long, value_name = "TEXT")]
        purpose: Option<String>,
        /// Which bank, when several are connected
        #[arg(long, value_parser = ["tochka", "tbank"])]
        bank: Option<String>,
    },
    /// List places, newest first
    List {
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1_000))]
        limit: i64,
    },
    /// Show a place and what came by it
    Show {
        /// The place's id
        id: String,
    },
    /// Draw it no more, and flag what still comes: no bank suspends one code
    Suspend {
        /// The place's id
        id: String,
    },
    /// Take a suspended place up again
    Resume {
        /// The place's id
        id: String,
    },
    /// Draw the poster, to print at 100 %
    Poster(PosterArgs),
}

/// How the poster is drawn.
#[derive(Debug, Args)]
struct PosterArgs {
    /// The place's id
    id: String,
    /// Where to write: the ending says what, .pdf or .svg
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Finished size
    #[arg(long, value_enum, default_value_t = Size::A4)]
    size: Size,
    /// How many on a sheet of A4, with cut marks: 2 of a5 or tent, 4 of a6, 8 of a7
    #[arg(long, value_name = "N", default_value_t = 1)]
    per_sheet: u8,
    /// The poster's language
    #[arg(long, value_enum, default_value_t = Words::Ru)]
    lang: Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Size {
    A4,
    A5,
    A6,
    A7,
    /// For a table: an A4 sheet folded in two, read from both sides
    Tent,
}

/// Make a B2B code: an invoice that one company pays once
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("tax").required(true).args(["vat", "no_vat"]))]
pub struct InvoiceArgs {
    /// Rubles, at most a million
    #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
    amount: Money,
    /// The VAT within the amount, in rubles
    #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
    vat: Option<Money>,
    /// Without VAT
    #[arg(long)]
    no_vat: bool,
    /// What it is for, as the company's accountants read it
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// How long it can be paid: 3d, 12h, 90m; three days by default
    #[arg(long, value_name = "DURATION", value_parser = parse_ttl)]
    ttl: Option<u32>,
    /// Which bank, when several are connected
    #[arg(long, value_parser = ["tochka", "tbank"])]
    bank: Option<String>,
}

fn raw<T: serde::Serialize>(value: Option<T>) -> Option<Box<RawValue>> {
    value.and_then(|value| to_raw_value(&value).ok())
}

fn rubles(amount: Option<Money>) -> Option<Box<RawValue>> {
    raw(amount.map(|amount| amount.to_rubles()))
}

impl PlaceArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Create { name, amount, purpose, bank } => {
                let input = CreatePlace {
                    name: raw(Some(name)),
                    amount: rubles(amount),
                    amount_kopecks: None,
                    purpose: raw(purpose),
                    bank: None,
                };
                let place = create(&world, input.read()?, bank.as_deref()).await?;
                show(&world, &place).await
            }
            Command::List { limit } => list(&world, limit).await,
            Command::Show { id } => show(&world, &find(&world, &id).await?).await,
            Command::Suspend { id } => turn(&world, id, true).await,
            Command::Resume { id } => turn(&world, id, false).await,
            Command::Poster(args) => args.run(&world).await,
        }
    }
}

impl InvoiceArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let input = CreateInvoice {
            amount: rubles(Some(self.amount)),
            amount_kopecks: None,
            vat: rubles(self.vat),
            purpose: raw(Some(self.purpose)),
            name: None,
            ttl_minutes: raw(self.ttl),
            bank: None,
        };
        let place = create(&world, input.read()?, self.bank.as_deref()).await?;
        show(&world, &place).await
    }
}

/// Makes the code and waits until the bank has it, or has refused it.
pub async fn create(world: &World, new: NewPlace, bank: Option<&str>) -> Result<Place, Fail> {
    let connection = connection_for(&world.ctx, &world.shop.id, bank, new.kind).await?;
    let place = flow::plan(&world.ctx, &connection, new)?;
    let (ctx, planned) = (world.ctx.clone(), place.clone());
    let saved: Result<(), DbError> =
        world.ctx.db.write(move |tx| flow::create(tx, &ctx, &planned)).await;
    saved?;
    // A call to the bank may last longer than the patience; what it brings is saved anyway.
    if let Ok(driven) = tokio::time::timeout(PATIENCE, drive_now(&world.ctx, &place.id)).await {
        driven?;
    }
    let place = wait_for(world, &place.id).await?;
    if let (State::Failed, Some(failure)) = (place.state(), &place.failure) {
        let (shop_id, id) = (place.shop_id.clone(), place.id.clone());
        let gone: Result<(), DbError> =
            world.ctx.db.write(move |tx| store::delete_place(tx, &shop_id, &id)).await;
        gone?;
        return Err(failure.clone().into());
    }
    Ok(place)
}

/// A server that runs may have been faster, and be asking the bank.
async fn wait_for(world: &World, id: &str) -> Result<Place, Fail> {
    let deadline = tokio::time::Instant::now() + SERVER_PATIENCE;
    loop {
        let place = find(world, id).await?;
        let is_pending = place.state() == State::Opening;
        if !is_pending || tokio::time::Instant::now() >= deadline {
            return Ok(place);
        }
        tokio::time::sleep(LOOK).await;
    }
}

pub async fn find(world: &World, id: &str) -> Result<Place, Fail> {
    let (shop_id, id) = (world.shop.id.clone(), id.to_owned());
    let found: Result<_, DbError> =
        world.ctx.db.read(move |tx| store::find_place(tx, &shop_id, &id)).await;
    Ok(found?.ok_or(Problem::NoSuchPlace)?)
}

async fn turn(world: &World, id: String, is_suspended: bool) -> Result<(), Fail> {
    let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
    let done: Result<Place, Problem> =
        world.ctx.db.write(move |tx| flow::suspend(tx, &ctx, &shop_id, &id, is_suspended)).await;
    show(world, &done?).await
}

async fn view(world: &World, place: &Place) -> Result<PlaceView, Fail> {
    let id = place.id.clone();
    let totals: Result<_, DbError> =
        world.ctx.db.read(move |tx| store::count_totals(tx, &id)).await;
    Ok(PlaceView::new(place, totals?, &world.ctx.public_url))
}

pub async fn show(world: &World, place: &Place) -> Result<(), Fail> {
    let view = view(world, place).await?;
    world.out.show(&view, || describe(place, &view))
}

fn sum(place: &Place) -> String {
    place.amount.map_or_else(|| "the payer enters it".to_owned(), |amount| amount.to_human())
}

fn describe(place: &Place, view: &PlaceView) -> String {
    let style = match place.state() {
        State::Active => GOOD,
        State::Opening => HINT,
        State::Suspended | State::Failed => WARN,
    };
    let mut lines = vec![format!(
        "{} · {} · {}",
        paint(STRONG, &place.name),
        sum(place),
        paint(style, view.status)
    )];
    let mut row = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {}{text}", paint(FAINT, &format!("{name:<14}"))));
        }
    };
    row("Id", &place.id);
    row("Purpose", &place.purpose);
    row("VAT", &place.vat.map(|vat| vat.to_human()).unwrap_or_default());
    row("Code", view.payload.as_deref().unwrap_or_default());
    row("Page", &view.page_url);
    let came = Money::from_kopecks(view.paid_kopecks).unwrap_or_default().to_human();
    row("Payments", &format!("{}, {came}", view.payments_count));
    if view.unsummed_count > 0 {
        row("Sums unknown", &format!("{} more; the statement will tell", view.unsummed_count));
    }
    if view.late_count > 0 {
        row("While suspended", &format!("{}: take the paper down", view.late_count));
    }
    let is_drawn = place.state() == State::Active && is_terminal();
    if let Some(Ok(code)) = place.code_url.as_deref().filter(|_| is_drawn).map(Code::new) {
        lines.push(format!("\n{}", code.to_terminal()));
    }
    lines.join("\n")
}

async fn list(world: &World, limit: i64) -> Result<(), Fail> {
    let (shop_id, url) = (world.shop.id.clone(), world.ctx.public_url.clone());
    let found: Result<Vec<(Place, PlaceView)>, DbError> = world
        .ctx
        .db
        .read(move |tx| {
            let places = store::list_places(tx, &shop_id, None, None, limit)?;
            let with_view = |place: Place| {
                let totals = store::count_totals(tx, &place.id)?;
                let view = PlaceView::new(&place, totals, &url);
                Ok((place, view))
            };
            places.into_iter().map(with_view).collect()
        })
        .await;
    let found = found?;
    let views: Vec<&PlaceView> = found.iter().map(|(_, view)| view).collect();
    world.out.show(&serde_json::json!({ "places": views }), || {
        if found.is_empty() {
            return "No places yet: `kopeck qr place create --name …` makes one.".to_owned();
        }
        let mut rows = table(&["Name", "Kind", "Sum", "State", "Payments", "Came", "Id"]);
        for (place, view) in &found {
            let kind = if place.kind == CodeKind::Invoice { "invoice" } else { view.kind };
            rows.add_row([
                place.name.clone().into(),
                kind.into(),
                right(sum(place)),
                view.status.into(),
                right(view.payments_count),
                right(Money::from_kopecks(view.paid_kopecks).unwrap_or_default().to_human()),
                place.id.clone().into(),
            ]);
        }
        rows.to_string()
    })
}

impl PosterArgs {
    async fn run(self, world: &World) -> Result<(), Fail> {
        let ending = self.out.extension().map(|it| it.to_string_lossy().to_lowercase());
        let is_svg = match ending.as_deref() {
            Some("pdf") => false,
            Some("svg") => true,
            Some(_) | None => {
                let message = format!("What should {} be?", self.out.display());
                return Err(Fail::usage(message, "--out ends with .pdf or .svg").param("out"));
            }
        };
        let format = match self.size {
            Size::A4 => Format::A4,
            Size::A5 => Format::A5,
            Size::A6 => Format::A6,
            Size::A7 => Format::A7,
            Size::Tent => Format::Tent,
        };
        let place = find(world, &self.id).await?;
        let print = Print { format, per_sheet: self.per_sheet, lang: self.lang.lang() };
        let sheet = poster::draw(&place, &world.shop.name, print)?;
        let bytes = if is_svg { sheet.to_svg()?.into_bytes() } else { sheet.to_pdf()? };
        let file = self.out.display().to_string();
        fs::write(&self.out, &bytes).map_err(|error| {
            let message = format!("{file} cannot be written: {error}");
            Fail::new("file_not_written", message, "--out names a file in a folder that exists")
                .param("out")
        })?;
        let drawn = serde_json::json!({ "file": file, "bytes": bytes.len(), "place": place.id });
        world.out.show(&drawn, || {
            format!("{} {file}  {}", paint(GOOD, "✓"), paint(FAINT, "print at 100 %"))
        })
    }
}
