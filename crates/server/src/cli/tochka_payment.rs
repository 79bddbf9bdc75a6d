//! `kopeck tochka-payment`: the language of the script that came before Kopeck, so that its callers
//! change the program's name only.

use clap::{Args, ValueEnum};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use kopeck_banks::{
    Money,
    op::{Answer, BankOp, Observation, PayMethod},
    tochka::{settings, token, token_problem},
};
use serde_json::{Value, json};

use super::{
    connect::{self, answer_of, environment, strange},
    context::{Globals, World},
    directory,
    fail::Fail,
    find,
    link::{self, CreateArgs, Look, parse_method, parse_money},
    payment,
    print::{is_terminal, right, table},
    qr,
    receipt::ReceiptFlags,
};
use crate::{
    gateway::flow::ask_now,
    kit::{clock::timestamp, db::DbError},
    places::{self, model::Place},
};

/// How far back `list-payments` looks, as the bank's own page does.
const LIST_DAYS: i64 = 30;

/// The old script's language: --action create-link --amount 5000 --description "…".
/// Prints tables on a terminal and JSON into a pipe.
#[derive(Debug, Args)]
pub struct TochkaPaymentArgs {
    /// What to do
    #[arg(long, value_enum)]
    action: Action,
    /// Rubles
    #[arg(long, value_parser = parse_money, allow_hyphen_values = true)]
    amount: Option<Money>,
    /// What it is for; the payer sees it
    #[arg(long, visible_alias = "purpose")]
    description: Option<String>,
    /// The bank's operationId, or Kopeck's id or order id
    #[arg(long, visible_aliases = ["operation-id", "qrc-id"])]
    payment_id: Option<String>,
    /// card, sbp, tinkoff, dolyame
    #[arg(
        long,
        visible_aliases = ["payment-modes", "methods"],
        value_delimiter = ',',
        num_args = 1..,
        value_parser = parse_method,
        default_value = "card,sbp"
    )]
    payment_mode: Vec<PayMethod>,
    /// How long the link lives, in minutes
    #[arg(long, value_name = "MINUTES")]
    ttl: Option<u32>,
    /// Your order number
    #[arg(long, visible_alias = "order")]
    order_id: Option<String>,
    /// Where the payer goes after paying
    #[arg(long, value_name = "URL")]
    redirect_url: Option<String>,
    #[command(flatten)]
    receipt: ReceiptFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    Auth,
    CreateLink,
    CreateQr,
    CheckStatus,
    CheckQrStatus,
    Retailers,
    ListPayments,
}

impl TochkaPaymentArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        // The script's callers read its output: into a pipe goes what programs read.
        let globals = Globals { json: globals.json || !is_terminal(), ..globals.clone() };
        match self.action {
            Action::CreateQr => self.create_qr(&globals).await,
            Action::Auth => auth(&globals).await,
            Action::Retailers => directory::show_retailers(&globals).await,
            Action::CreateLink => self.create_link(&globals).await,
            // A code's id is a bank's id of a payment like any other.
            Action::CheckStatus | Action::CheckQrStatus => self.check_status(&globals).await,
            Action::ListPayments => list(&globals).await,
        }
    }

    async fn create_link(self, globals: &Globals) -> Result<(), Fail> {
        let missing = |flag: &str| {
            let example = "--amount 5000 --description \"Оплата консультации\"";
            Fail::usage(format!("create-link needs --{flag}"), example).param(flag)
        };
        let args = CreateArgs {
            bank: Some("tochka".to_owned()),
            amount: self.amount.ok_or_else(|| missing("amount"))?,
            purpose: self.description.ok_or_else(|| missing("description"))?,
            order: self.order_id,
            methods: self.payment_mode,
            hold: false,
            ttl: self.ttl,
            success_url: self.redirect_url,
            fail_url: None,
            receipt: self.receipt,
            look: Look::default(),
        };
        let world = globals.open().await?;
        let payment = link::create(&world, args).await?;
        link::show(&world, &payment, Look::default())
    }

    async fn create_qr(self, globals: &Globals) -> Result<(), Fail> {
        let missing = |flag: &str| {
            let example = "--amount 5000 --description \"Оплата по QR\"";
            Fail::usage(format!("create-qr needs --{flag}"), example).param(flag)
        };
        let args = qr::create::CreateArgs {
            bank: Some("tochka".to_owned()),
            amount: self.amount.ok_or_else(|| missing("amount"))?,
            purpose: self.description.ok_or_else(|| missing("description"))?,
            order: self.order_id,
            ttl: self.ttl,
            success_url: self.redirect_url,
            png: None,
            svg: None,
        };
        args.run(globals).await
    }

    async fn check_status(self, globals: &Globals) -> Result<(), Fail> {
        let Some(id) = self.payment_id else {
            let hint = "--payment-id takes the bank's operationId, or Kopeck's id";
            return Err(Fail::usage("check-status needs --payment-id", hint).param("payment_id"));
        };
        let world = globals.open().await?;
        // A code that is paid again and again has no state of its own: its payments have.
        if let Some(place) = place_of(&world, &id).await? {
            return qr::place::show(&world, &place).await;
        }
        match find::payment(&world, &id).await {
            Ok(found) => payment::show(&world, &find::look(&world, found).await?),
            Err(fail) if fail.code == "payment_not_found" => foreign(&world, &id).await,
            Err(fail) => Err(fail),
        }
    }
}

/// The place, the desk or the invoice of this code.
async fn place_of(world: &World, code_id: &str) -> Result<Option<Place>, Fail> {
    let (shop_id, code_id) = (world.shop.id.clone(), code_id.to_owned());
    let found: Result<_, DbError> =
        world.ctx.db.read(move |tx| places::store::find_by_code(tx, &shop_id, &code_id)).await;
    Ok(found?)
}

/// What the script explained, and how it stands here and now.
async fn auth(globals: &Globals) -> Result<(), Fail> {
    let set = environment();
    let token = set.get(settings::ACCESS_TOKEN);
    let now = timestamp(crate::kit::clock::Clock::now_ms(&crate::kit::clock::SystemClock));
    let problem = token_problem(token, now).filter(|_| !token.is_empty());
    let state = match (&problem, token.is_empty()) {
        (_, true) => "TOCHKA_ACCESS_TOKEN is not set".to_owned(),
        (Some(problem), false) => problem.message.clone(),
        (None, false) => match token::find_expiry(token) {
            Some(until) => format!("TOCHKA_ACCESS_TOKEN is set and lasts until {until}"),
            None => "TOCHKA_ACCESS_TOKEN is set".to_owned(),
        },
    };
    let ways = [
        "For your own company: internet bank → «Интеграции и API» → «Сгенерировать JWT-ключ»; then \
         `kopeck init --token …`, or set TOCHKA_ACCESS_TOKEN",
        "For other companies: register an OAuth 2.0 application there (scopes accounts balances \
         customers statements sbp payments acquiring), set TOCHKA_CLIENT_ID and \
         TOCHKA_CLIENT_SECRET; then `kopeck init --oauth --redirect-uri …`",
    ];
    let shown = json!({
        "token": state, "usable": problem.is_none() && !token.is_empty(), "ways": ways,
    });
    globals.out().show(&shown, || format!("{state}.\n\n1. {}.\n\n2. {}.", ways[0], ways[1]))
}

/// A payment that Kopeck did not make: the bank knows it all the same.
async fn foreign(world: &World, id: &str) -> Result<(), Fail> {
    let connection = connect::get_of(world, Some("tochka")).await?;
    let op = BankOp::GetPayment { bank_id: id.to_owned() };
    let answer = answer_of(ask_now(&world.ctx, &connection, &op).await?)?;
    let Answer::Payment(seen) = answer else { return Err(strange(answer)) };
    if seen.status.is_none() {
        let message = format!("Neither Kopeck nor the bank tells of {id}");
        let hint =
            "The bank tells of a code while it can be paid and for a day after; check the id";
        return Err(Fail::new("payment_not_found", message, hint).param("payment_id"));
    }
    world.out.show(&view(&seen), || rows(std::slice::from_ref(&seen)))
}

async fn list(globals: &Globals) -> Result<(), Fail> {
    let world = globals.open().await?;
    let connection = connect::get_of(&world, Some("tochka")).await?;
    let to: Date = timestamp(world.ctx.now_ms()).to_zoned(TimeZone::UTC).date();
    // The bank's days are Moscow's: a day of margin.
    let from = to.checked_sub(LIST_DAYS.days()).map_err(anyhow::Error::from)?;
    let to = to.checked_add(1.day()).map_err(anyhow::Error::from)?;
    let op = BankOp::ListPayments { from, to, page: 1 };
    let answer = answer_of(ask_now(&world.ctx, &connection, &op).await?)?;
    let Answer::Payments(page) = answer else { return Err(strange(answer)) };
    let shown: Vec<Value> = page.items.iter().map(view).collect();
    let shown = json!({ "payments": shown, "total_pages": page.total_pages });
    world.out.show(&shown, || rows(&page.items))
}

fn view(seen: &Observation) -> Value {
    json!({
        "bank_payment_id": seen.bank_id, "reference": seen.reference, "status": status(seen),
        "amount": seen.amount.map(Money::to_rubles), "paid": seen.paid.map(Money::to_rubles),
        "purpose": seen.purpose, "method": seen.method, "bank_url": seen.url,
        "created_at": seen.created_at.map(|at| at.to_string()),
        "paid_at": seen.paid_at.map(|at| at.to_string()),
    })
}

fn status(seen: &Observation) -> &'static str {
    use kopeck_banks::op::BankStatus as B;
    match seen.status {
        Some(B::Created) => "created",
        Some(B::InProgress) => "in_progress",
        Some(B::Authorized) => "authorized",
        Some(B::Paid) => "paid",
        Some(B::Refunding) => "refunding",
        Some(B::PartiallyRefunded) => "partially_refunded",
        Some(B::Refunded) => "refunded",
        Some(B::Expired) => "expired",
        Some(B::Canceled) => "canceled",
        Some(B::Declined) => "declined",
        None => "unknown",
    }
}

fn rows(items: &[Observation]) -> String {
    if items.is_empty() {
        return format!("The bank lists no payments of the last {LIST_DAYS} days.");
    }
    let mut rows = table(&["Bank's id", "Reference", "Amount, ₽", "State", "Purpose"]);
    for seen in items {
        rows.add_row([
            comfy_table::Cell::new(seen.bank_id.as_deref().unwrap_or_default()),
            comfy_table::Cell::new(seen.reference.as_deref().unwrap_or_default()),
            right(seen.amount.map(Money::to_rubles).unwrap_or_default()),
            comfy_table::Cell::new(status(seen)),
            comfy_table::Cell::new(seen.purpose.as_deref().unwrap_or_default()),
        ]);
    }
    rows.to_string()
}
