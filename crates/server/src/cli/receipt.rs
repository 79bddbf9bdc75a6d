//! `kopeck receipt`: receipts checked and the shop's defaults; and the flags by which a link gets
//! its receipt.

mod goods;
mod made;

pub use goods::{Goods, find_goods, parse_goods};
pub use made::{describe, describe_standing, of_payment};

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use kopeck_banks::{
    Money,
    bank::{ReceiptTerms, find_bank},
    receipt::{
        Ffd, Line, Receipt, Taxation, Vat,
        contact::normal_phone,
        item::parse_item,
        lint::{Finding, Severity},
    },
};
use serde_json::{Map, Value, json};

use super::{
    context::{Globals, World},
    fail::Fail,
    link::parse_money,
    print::{BAD, FAINT, GOOD, STRONG, WARN, note, paint},
};
use crate::{
    kit::{
        clock::{Clock as _, SystemClock},
        db::DbError,
        secret::contains_card_number,
    },
    payments::receipts::Back,
    receipts::{
        api::OutlivingView,
        check::{Around, Report, moscow_day},
        defaults::{DefaultsInput, VatInput},
        flow,
        form::{self, without_marks, write},
        request::SupplierInput,
        store,
        view::CheckView,
    },
};

/// Fiscal receipts (54-FZ): check one, or say once what is the same in all of them.
#[derive(Debug, Args)]
pub struct ReceiptArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(CheckArgs),
    /// List a payment's receipts and what the cash register said of them
    List {
        /// Payment id, order id, or the bank's id
        id: String,
    },
    /// List what a person has to do: prepayments to close, receipts to make by hand
    Due,
    Close(made::CloseArgs),
    Note(made::NoteArgs),
    Retry(made::RetryArgs),
    Settle(made::SettleArgs),
    /// How the shop's receipts stand: failed, late, due
    Summary,
    /// What the shop said once: its preset, tax system and VAT
    #[command(subcommand)]
    Defaults(DefaultsCommand),
}

/// Name everything that is wrong with a receipt, with the law and the fix; exit code 1 if a bank
/// would refuse it. Reads Kopeck's form, Salebot's products_for_receipt and the banks' own.
#[derive(Debug, Args)]
struct CheckArgs {
    /// A JSON file; - reads standard input
    file: PathBuf,
    /// Ask this bank's limits too
    #[arg(long, value_parser = ["tochka", "tbank"])]
    bank: Option<String>,
    /// What is paid: the lines must add up to it
    #[arg(long, value_name = "RUBLES", value_parser = parse_money)]
    amount: Option<Money>,
    /// The day of the sale; today by default
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<Date>,
    /// The cash register's format: 1.05 or 1.2
    #[arg(long, value_parser = parse_ffd)]
    ffd: Option<Ffd>,
    /// The shop's tax system
    #[arg(long, value_parser = parse_taxation)]
    taxation: Option<Taxation>,
}

#[derive(Debug, Subcommand)]
enum DefaultsCommand {
    /// Show what is saved
    Show,
    /// Change what the flags name; the rest stays as it was saved
    Set(Box<SetArgs>),
}

#[derive(Debug, Args)]
struct SetArgs {
    /// The self-employed: no receipts through a bank, reminders instead
    #[arg(long)]
    npd: bool,
    /// No longer self-employed: receipts through the bank
    #[arg(long, conflicts_with = "npd")]
    no_npd: bool,
    /// service, online_course, membership, goods, prepayment
    #[arg(long)]
    preset: Option<String>,
    /// osn, usn_income, usn_income_outcome, esn, patent
    #[arg(long)]
    taxation: Option<String>,
    /// The shop's VAT: none, general, usn5, usn7; from a day on as usn5@2026-07-01
    #[arg(long, value_name = "VAT[@DAY]", value_delimiter = ',')]
    vat: Vec<String>,
    /// The cash register's format: 1.05 or 1.2
    #[arg(long)]
    ffd: Option<String>,
    /// After how many days to remind of a prepayment that is not closed; 30 by default
    #[arg(long, value_name = "DAYS")]
    close_after_days: Option<u16>,
    /// The counter has a cash register of its own: codes on walls and at desks need none of ours
    #[arg(long)]
    counter_register: bool,
    /// It has none any more
    #[arg(long, conflicts_with = "counter_register")]
    no_counter_register: bool,
    /// On whose behalf you sell: name;phone;INN
    #[arg(long, value_name = "NAME;PHONE;INN")]
    supplier: Option<String>,
    /// You sell your own
    #[arg(long, conflicts_with = "supplier")]
    no_supplier: bool,
}

/// The receipt of a link.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Receipt")]
pub struct ReceiptFlags {
    /// JSON file with the fiscal receipt: e-mail and lines
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// A line of the receipt, "Курс;1;4900.00;none"; once for each line
    #[arg(long, value_name = "NAME;QTY;PRICE;VAT[;SUBJECT[;METHOD]]", conflicts_with = "receipt",
        value_parser = read_item)]
    pub item: Vec<Line>,
    /// Rubles off the lines: a discount, or bonus points
    #[arg(long, value_name = "RUBLES", requires = "item", value_parser = parse_money)]
    pub discount: Option<Money>,
    /// A line of delivery for so many rubles, with its VAT where the items do not tell it
    #[arg(long, value_name = "RUBLES[;VAT]", requires = "item", value_parser = parse_delivery)]
    pub delivery: Option<Delivery>,
    /// One line by the shop's defaults and this preset
    #[arg(long, conflicts_with_all = ["receipt", "item"])]
    pub preset: Option<String>,
    /// The day on which what is prepaid will be delivered
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub closes_on: Option<Date>,
    /// Where the receipt goes
    #[arg(long)]
    pub email: Option<String>,
    /// Where the receipt goes, if not to an e-mail
    #[arg(long)]
    pub phone: Option<String>,
}

pub(super) fn read_item(text: &str) -> Result<Line, String> {
    parse_item(text).map_err(|finding| format!("{} {}", finding.en(), finding.rule.en.fix))
}

/// `--delivery`: its price, and its VAT if that is said.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    price: Money,
    vat: Option<Vat>,
}

fn parse_delivery(text: &str) -> Result<Delivery, String> {
    let (price, vat) = text.split_once(';').map_or((text, None), |(a, b)| (a, Some(b.trim())));
    let unknown = || "the VAT is none, vat22, vat10 …".to_owned();
    let vat = vat.map(|word| Vat::parse(word).ok_or_else(unknown)).transpose()?;
    Ok(Delivery { price: parse_money(price.trim())?, vat })
}

fn parse_ffd(text: &str) -> Result<Ffd, String> {
    Ffd::parse(text).ok_or_else(|| "takes 1.05 or 1.2".to_owned())
}

fn parse_taxation(text: &str) -> Result<Taxation, String> {
    let all = "takes osn, usn_income, usn_income_outcome, esn or patent";
    Taxation::parse(text).ok_or_else(|| all.to_owned())
}

impl ReceiptFlags {
    /// Where it goes, for a receipt of a file that does not say.
    pub fn customer(&self) -> Option<String> {
        let said = [("email", &self.email), ("phone", &self.phone)];
        let said = said
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
        let said: Map<String, Value> = said.collect();
        (!said.is_empty()).then(|| Value::Object(said).to_string())
    }

    /// The text of a receipt that says more than where it goes.
    pub fn own_text(&self) -> Result<Option<String>, Fail> {
        let is_said = self.receipt.is_some()
            || !self.item.is_empty()
            || self.preset.is_some()
            || self.closes_on.is_some();
        if is_said { self.text() } else { Ok(None) }
    }

    fn of_items(&self) -> String {
        let text = write(&Receipt {
            email: self.email.clone(),
            phone: self.phone.as_ref().map(|p| normal_phone(p).unwrap_or_else(|| p.clone())),
            lines: self.item.clone(),
            closes_on: self.closes_on,
            ..Receipt::default()
        });
        let mut fields: Value = serde_json::from_str(&text).unwrap_or_default();
        if let Some(discount) = self.discount {
            fields["discount"] = json!(discount.to_rubles());
        }
        if let Some(delivery) = self.delivery {
            fields["delivery"] = json!({ "price": delivery.price.to_rubles() });
            if let Some(vat) = delivery.vat {
                fields["delivery"]["vat"] = json!(vat.as_str());
            }
        }
        fields.to_string()
    }

    /// The receipt's text; `None` when nothing was said of it.
    pub fn text(&self) -> Result<Option<String>, Fail> {
        let text = match &self.receipt {
            Some(path) => Some(read_file(path)?),
            None if !self.item.is_empty() => Some(self.of_items()),
            None => {
                let closes_on = self.closes_on.map(|day| day.to_string());
                let said = [
                    ("preset", &self.preset),
                    ("email", &self.email),
                    ("phone", &self.phone),
                    ("closes_on", &closes_on),
                ];
                let said = said
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
                let said: Map<String, Value> = said.collect();
                (!said.is_empty()).then(|| Value::Object(said).to_string())
            }
        };
        let value: Value =
            text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        if contains_card_number(&without_marks(&value).to_string()) {
            let message = "The receipt holds what looks like a card number";
            return Err(Fail::new(
                "card_number_refused",
                message,
                "Leave card numbers to the bank",
            ));
        }
        Ok(text)
    }
}

/// The receipt of a refund, out of a file.
pub fn read_back(path: &Path) -> Result<Back, Fail> {
    let receipt = form::parse_any(&read_file(path)?).map_err(|problem| {
        Fail::new("receipt_invalid", problem.message, problem.hint).param("receipt")
    })?;
    Ok(Back::Receipt(Box::new(receipt)))
}

pub(super) fn read_file(path: &Path) -> Result<String, Fail> {
    let read = || {
        if path == Path::new("-") {
            let mut text = String::new();
            return std::io::stdin().read_to_string(&mut text).map(|_| text);
        }
        std::fs::read_to_string(path)
    };
    read().map_err(|error| {
        let message = format!("The receipt {} cannot be read: {error}", path.display());
        Fail::new("receipt_invalid", message, "It takes a JSON file").param("receipt")
    })
}

impl ReceiptArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        match self.command {
            Command::Check(args) => args.run(globals).await,
            Command::List { id } => made::list(&globals.open().await?, &id).await,
            Command::Due => made::due(&globals.open().await?).await,
            Command::Close(args) => args.run(&globals.open().await?).await,
            Command::Note(args) => args.run(&globals.open().await?).await,
            Command::Retry(args) => args.run(&globals.open().await?).await,
            Command::Settle(args) => args.run(&globals.open().await?).await,
            Command::Summary => made::summary(&globals.open().await?).await,
            Command::Defaults(DefaultsCommand::Show) => show(&globals.open().await?).await,
            Command::Defaults(DefaultsCommand::Set(args)) => args.run(globals).await,
        }
    }
}

impl CheckArgs {
    /// Needs no database: a file is looked at before there is a shop. Where there is one, it adds
    /// what the shop and its connection to the bank say of every receipt.
    async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let text = read_file(&self.file)?;
        let day = self.on.unwrap_or_else(|| moscow_day(SystemClock.now_ms()));
        let bank = self.bank.as_deref().and_then(find_bank);
        let around = Around {
            limits: bank.map(|bank| bank.capabilities().receipts),
            amount: self.amount,
            on: Some(day),
            ffd: self.ffd,
            taxation: self.taxation,
            supplier: None,
        };
        let (mut shop, mut terms) = (None, ReceiptTerms::default());
        // A file can be looked at without: only the short form is made of what the shop said.
        let found = globals.find().await.unwrap_or_else(|fail| {
            note(&format!("Not asked what the shop said of its receipts: {}", fail.message));
            None
        });
        if let Some(world) = found {
            shop = flow::find_defaults(&world.ctx, &world.shop.id).await?;
            if let Some(bank) = bank {
                terms = flow::find_terms(&world.ctx, &world.shop.id, bank).await?;
            }
        }
        let nobody = || {
            let message = "No bank makes receipts of the self-employed";
            Fail::new("receipt_invalid", message, "They make it in «Мой налог»")
        };
        let report = flow::look(shop, terms, &text, (day, around))?.ok_or_else(nobody)?;
        globals.out().show(&CheckView::from(&report), || tell(&report))?;
        if report.is_good() {
            return Ok(());
        }
        let wrong = report.findings.iter().filter(|f| f.rule.severity != Severity::Doubtful);
        let message = format!("The receipt would be refused: {} to mend", wrong.count());
        Err(Fail::new("receipt_invalid", message, "Every finding tells how to mend it"))
    }
}

fn tell(report: &Report) -> String {
    let mut lines: Vec<String> = report.findings.iter().map(explain).collect();
    if report.is_good() {
        let total = report.total.map(|total| format!(", {}", total.to_human()));
        let total = total.unwrap_or_default();
        lines.push(format!("{} {} line(s){total}: in order", paint(GOOD, "✓"), report.lines));
    }
    lines.join("\n\n")
}

fn explain(finding: &Finding) -> String {
    let rule = finding.rule;
    let sign = match rule.severity {
        Severity::Wrong | Severity::Unsupported => paint(BAD, "✗"),
        Severity::Doubtful => paint(WARN, "!"),
    };
    [
        format!("{sign} {}", paint(STRONG, rule.code)),
        format!("  {} {}", finding.ru(), rule.ru.fix),
        format!("  {} {}", finding.en(), rule.en.fix),
        format!("  {}", paint(FAINT, rule.basis)),
    ]
    .join("\n")
}

impl SetArgs {
    async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let vat = self.vat.iter().map(|text| match text.split_once('@') {
            Some((vat, day)) => VatInput { vat: vat.into(), valid_from: Some(day.into()) },
            None => VatInput { vat: text.clone(), valid_from: None },
        });
        let vat: Vec<VatInput> = vat.collect();
        let supplier = self.supplier.as_deref().map(supplier).transpose()?;
        let world = globals.open().await?;
        let saved = find_saved(&world).await?.unwrap_or_default();
        let input = DefaultsInput {
            taxpayer: match (self.npd, self.no_npd) {
                (true, _) => Some("npd".to_owned()),
                (false, true) => None,
                (false, false) => saved.taxpayer,
            },
            preset: self.preset.or(saved.preset),
            taxation: self.taxation.or(saved.taxation),
            vat: if vat.is_empty() { saved.vat } else { vat },
            ffd: self.ffd.or(saved.ffd),
            supplier: supplier.or(saved.supplier).filter(|_| !self.no_supplier),
            close_after_days: self.close_after_days.or(saved.close_after_days),
            counter_register: match (self.counter_register, self.no_counter_register) {
                (true, _) => Some(true),
                (false, true) => None,
                (false, false) => saved.counter_register,
            },
        };
        let (_, outliving) = flow::save_defaults(&world.ctx, &world.shop.id, input).await??;
        show(&world).await?;
        if let Some(outliving) = outliving.map(OutlivingView::from) {
            note(&format!("{}\n{}", outliving.ru, outliving.en));
        }
        Ok(())
    }
}

fn supplier(text: &str) -> Result<SupplierInput, Fail> {
    match text.split(';').map(str::trim).collect::<Vec<_>>().as_slice() {
        [name, phone, inn] => {
            Ok(SupplierInput { name: (*name).into(), phone: (*phone).into(), inn: (*inn).into() })
        }
        _ => Err(Fail::usage(
            "--supplier takes name;phone;INN",
            "Such as \"ООО Мир;+79991234567;\
            7707083893\"",
        )),
    }
}

async fn find_saved(world: &World) -> Result<Option<DefaultsInput>, DbError> {
    let shop_id = world.shop.id.clone();
    world.ctx.db.read(move |tx| store::find_defaults(tx, &shop_id)).await
}

async fn show(world: &World) -> Result<(), Fail> {
    let found = find_saved(world).await?;
    world.out.show(&json!({ "saved": found.is_some(), "defaults": found }), || match &found {
        None => "Nothing is saved; `kopeck receipt defaults set --vat none` begins".to_owned(),
        Some(defaults) => table_of(defaults),
    })
}

fn table_of(defaults: &DefaultsInput) -> String {
    let vat = defaults.vat.iter().map(|step| match &step.valid_from {
        Some(day) => format!("{} from {day}", step.vat),
        None => step.vat.clone(),
    });
    let counter = match defaults.counter_register {
        Some(true) => "has a cash register of its own",
        Some(false) | None => "money by codes is listed as in want of a receipt",
    };
    let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
    [
        ("taxpayer", or(&defaults.taxpayer, "register")),
        ("preset", or(&defaults.preset, "service")),
        ("taxation", or(&defaults.taxation, "the bank connection's")),
        ("vat", vat.collect::<Vec<_>>().join(", ")),
        ("ffd", or(&defaults.ffd, "the bank connection's")),
        ("supplier", defaults.supplier.as_ref().map_or("none", |s| &s.name).to_owned()),
        ("counter", counter.to_owned()),
    ]
    .map(|(name, value)| format!("{}  {value}", paint(STRONG, &format!("{name:<8}"))))
    .join("\n")
}
