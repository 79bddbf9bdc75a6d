//! `kopeck link`: payment links.

use clap::{Args, Subcommand};
use kopeck_banks::{
    Money,
    op::{CaptureMode, PayMethod},
};

use super::{
    connect,
    context::{Globals, World},
    fail::Fail,
    find,
    integration::{self, SendArgs},
    payment::{self, ListArgs},
    print::{FAINT, GOOD, STRONG, WARN, is_terminal, moscow, paint, status_style},
    receipt::ReceiptFlags,
};
use crate::{
    gateway::flow::get_bank,
    kit::{clock::MINUTE_MS, db::DbError, secret::contains_card_number},
    payments::{
        flow::{
            self, NewPayment,
            routing::{plan_at, plan_routed},
        },
        model::{Means, Payment, Status},
        receipts,
        view::PaymentView,
    },
    qr::Code,
    sandbox::parse_duration_ms,
    shops::{self, model::Connection},
};

/// Make, show and list payment links.
#[derive(Debug, Args)]
pub struct LinkArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a payment link
    Create(CreateArgs),
    /// Show a link with its QR code; asks the bank what became of it
    Show {
        /// Payment id, order id, or the bank's id
        id: String,
        #[command(flatten)]
        look: Look,
    },
    /// List links, newest first
    List(ListArgs),
    /// Send a link by a messenger, SMS, a bot or a CRM that is set up
    Send(SendArgs),
}

/// How a link is shown.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Look {
    /// Print the QR code even where nobody sees it (a pipe, a file)
    #[arg(long)]
    pub qr: bool,
    /// Print no QR code
    #[arg(long, conflicts_with = "qr")]
    pub no_qr: bool,
}

/// What the link is for.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Rubles: 5000 or 5000.50
    #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
    pub amount: Money,
    /// What it is for; the payer sees it
    #[arg(long, value_name = "TEXT", visible_alias = "description")]
    pub purpose: String,
    /// Your order number
    #[arg(long, value_name = "ID")]
    pub order: Option<String>,
    /// Which bank, when several are connected; the newest connection by default
    #[arg(long, value_parser = ["tochka", "tbank"])]
    pub bank: Option<String>,
    /// Ways to pay: card, sbp, tpay, dolyame
    #[arg(long, value_delimiter = ',', value_parser = parse_method, default_value = "card,sbp")]
    pub methods: Vec<PayMethod>,
    /// Hold the money first and take it with `kopeck payment capture`; cards only
    #[arg(long)]
    pub hold: bool,
    /// How long the link can be paid: 3d, 12h, 90m; a week by default
    #[arg(long, value_name = "DURATION", value_parser = parse_ttl)]
    pub ttl: Option<u32>,
    /// Where the payer goes after paying
    #[arg(long, value_name = "URL")]
    pub success_url: Option<String>,
    /// Where the payer goes after a failure
    #[arg(long, value_name = "URL")]
    pub fail_url: Option<String>,
    #[command(flatten)]
    pub receipt: ReceiptFlags,
    #[command(flatten)]
    pub look: Look,
}

pub fn parse_money(text: &str) -> Result<Money, String> {
    Money::parse_rubles(text).map_err(|error| format!("{error}; write rubles as 5000 or 5000.50"))
}

pub fn parse_method(text: &str) -> Result<PayMethod, String> {
    // The bank's own word for T-Pay, as older scripts say it.
    let text = if text == "tinkoff" { "tpay" } else { text };
    let words = PayMethod::ALL.map(PayMethod::as_str).join(", ");
    PayMethod::parse(text.trim()).ok_or_else(|| format!("the ways to pay are {words}"))
}

/// Minutes from `3d`, `12h`, `90m`.
pub fn parse_ttl(text: &str) -> Result<u32, String> {
    let ms = parse_duration_ms(text)?;
    u32::try_from(ms / MINUTE_MS)
        .ok()
        .filter(|minutes| *minutes > 0 && ms % MINUTE_MS == 0)
        .ok_or_else(|| "a link lives whole minutes, at least one".to_owned())
}

impl LinkArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Create(args) => {
                let look = args.look;
                let payment = create(&world, args).await?;
                show(&world, &payment, look)
            }
            Command::Show { id, look } => {
                let payment = find::payment(&world, &id).await?;
                let payment = find::look(&world, payment).await?;
                show(&world, &payment, look)
            }
            Command::List(args) => payment::list(&world, &args).await,
            Command::Send(args) => integration::send(&world, args).await,
        }
    }
}

/// Makes the link and waits until the bank has it, or has refused it.
pub async fn create(world: &World, args: CreateArgs) -> Result<Payment, Fail> {
    let is_free = args.bank.is_none() && connect::is_routed(world).await?;
    let connection = connect::get_of(world, args.bank.as_deref()).await?;
    let new = read(args, get_bank(&connection.bank)?.capabilities().default_ttl_minutes)?;
    let banks = match is_free {
        true => shops::flow::list_connections(&world.ctx, &world.shop.id).await?,
        false => vec![connection.clone()],
    };
    let new = receipts::fill(&world.ctx, &world.shop.id, new, &banks).await?;
    let payment = if is_free {
        plan_routed(&world.ctx, &world.shop.id, new).await?
    } else {
        plan_at(&world.ctx, &connection, new)?
    };
    save(world, payment).await
}

/// As [`create`], with all that a payment may have, at this connection.
pub async fn open(
    world: &World,
    connection: &Connection,
    new: NewPayment,
) -> Result<Payment, Fail> {
    save(world, plan_at(&world.ctx, connection, new)?).await
}

async fn save(world: &World, payment: Payment) -> Result<Payment, Fail> {
    let (ctx, planned) = (world.ctx.clone(), payment.clone());
    let saved: Result<(), DbError> =
        world.ctx.db.write(move |tx| flow::create(tx, &ctx, &planned)).await;
    saved?;
    let payment =
        find::wait_for(world, &payment, |payment| payment.status() != Status::Opening).await?;
    match (&payment.intents.failure, payment.status()) {
        (Some(failure), Status::Failed) => Err(failure.clone().into()),
        (Some(_) | None, _) => Ok(payment),
    }
}

fn read(args: CreateArgs, default_ttl_minutes: u32) -> Result<NewPayment, Fail> {
    let (receipt, customer) = (args.receipt.text()?, args.receipt.customer());
    let texts = [Some(&args.purpose), args.order.as_ref()];
    if texts.into_iter().flatten().any(|text| contains_card_number(text)) {
        let message = "This text holds what looks like a card number";
        return Err(Fail::new("card_number_refused", message, "Leave card numbers to the bank"));
    }
    let capture = if args.hold { CaptureMode::Manual } else { CaptureMode::Automatic };
    // Holds are for cards only, so asking for one chooses the card unless told otherwise.
    let is_default = args.methods == [PayMethod::Card, PayMethod::Sbp];
    let methods =
        if args.hold && is_default { vec![PayMethod::Card] } else { args.methods.clone() };
    Ok(NewPayment {
        schedule: None,
        amount: args.amount,
        purpose: args.purpose,
        methods,
        capture,
        order_id: args.order.filter(|order| !order.is_empty()),
        ttl_minutes: args.ttl.unwrap_or(default_ttl_minutes),
        success_url: args.success_url,
        fail_url: args.fail_url,
        customer,
        receipt,
        rates_until_ms: None,
        metadata: "{}".to_owned(),
        means: Means::Payer,
        consent: None,
    })
}

/// The link for a person: what it is, where it leads, and its QR code.
pub fn show(world: &World, payment: &Payment, look: Look) -> Result<(), Fail> {
    let view = PaymentView::new(payment, &world.ctx.public_url);
    world.out.show(&view, || describe(world, payment, &view, look))
}

fn describe(world: &World, payment: &Payment, view: &PaymentView, look: Look) -> String {
    let status = payment.status();
    let mut lines = vec![format!(
        "{} {} · {} · {}",
        paint(GOOD, "✓"),
        paint(STRONG, &payment.amount.to_human()),
        payment.purpose,
        paint(status_style(status), status.as_str()),
    )];
    let mut row = |name: &str, text: &str| {
        lines.push(format!("  {}{text}", paint(FAINT, &format!("{name:<12}"))));
    };
    row("Id", &payment.id);
    if let Some(order_id) = &payment.order_id {
        row("Order", order_id);
    }
    row("Pay page", &view.pay_url);
    if let Some(bank_url) = &view.bank_url {
        row("Bank's page", bank_url);
    }
    row("Until", &format!("{} Moscow time", moscow(payment.expires_ms)));
    if status == Status::Opening {
        lines.push(format!(
            "{} the bank has not answered yet; the pay page works already, and `kopeck link show \
             {}` tells more in a moment",
            paint(WARN, "!"),
            payment.id
        ));
    }
    let is_wanted = look.qr || (is_terminal() && !look.no_qr);
    if is_wanted && matches!(status, Status::Open | Status::Opening) {
        // Without a public address a phone cannot reach our own page.
        let has_public = !world.config.server.public_url.is_empty();
        let own = Some(&view.pay_url).filter(|_| has_public);
        let url = own.or(view.bank_url.as_ref()).unwrap_or(&view.pay_url);
        if let Ok(code) = Code::new(url) {
            lines.push(format!("\n{}\n", code.to_terminal()));
        }
    }
    lines.join("\n")
}
