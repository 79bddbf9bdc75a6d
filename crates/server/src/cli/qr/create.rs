//! `kopeck qr create`: an SBP QR code for one payment.

use std::path::{Path, PathBuf};

use clap::Args;
use kopeck_banks::{
    Money,
    op::{CaptureMode, PayMethod},
    tochka::settings,
};

use crate::{
    cli::{
        connect,
        context::{Globals, World},
        fail::Fail,
        find,
        link::{self, parse_money, parse_ttl},
        print::{FAINT, GOOD, STRONG, is_terminal, moscow, paint, status_style},
    },
    gateway::flow::get_bank,
    kit::secret::contains_card_number,
    payments::{
        flow::NewPayment,
        model::{Means, Payment},
        view::PaymentView,
    },
    qr::Code,
};

/// Pixels of a .png at the least.
const PNG_SIDE: u32 = 1024;

/// Make an SBP QR code for one payment
///
/// The payer scans it in any bank's app. `kopeck payment show ID` tells what became of it,
/// `kopeck payment refund ID` sends the money back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kopeck qr create --amount 5000
  kopeck qr create --amount 350 --purpose \"Кофе\" --ttl 15m --svg coffee.svg")]
pub struct CreateArgs {
    /// Rubles: 5000 or 5000.50; up to 1 000 000
    #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
    pub amount: Money,
    /// What it is for; the payer sees it
    #[arg(
        long,
        value_name = "TEXT",
        visible_alias = "description",
        default_value = "Оплата по QR-коду"
    )]
    pub purpose: String,
    /// Your order number
    #[arg(long, value_name = "ID")]
    pub order: Option<String>,
    /// Which bank, when several are connected; the newest connection by default
    #[arg(long, value_parser = ["tochka", "tbank"])]
    pub bank: Option<String>,
    /// How long the code can be paid: 90d, 12h, 15m; a week by default
    #[arg(long, value_name = "DURATION", value_parser = parse_ttl)]
    pub ttl: Option<u32>,
    /// Where the payer's bank sends them afterwards
    #[arg(long, value_name = "URL")]
    pub success_url: Option<String>,
    /// Write the code as a picture of pixels
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Write the code as a picture of any size
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

impl CreateArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let (png, svg) = (self.png.clone(), self.svg.clone());
        let payment = create(&world, self).await?;
        let code = payload(&payment).map(Code::new).transpose()?;
        if let Some(code) = &code {
            if let Some(path) = &png {
                write(path, &code.to_png(PNG_SIDE)?)?;
            }
            if let Some(path) = &svg {
                write(path, code.to_svg("QR").as_bytes())?;
            }
        }
        show(&world, &payment, code.as_ref())
    }
}

fn payload(payment: &Payment) -> Option<&str> {
    payment.facts.qr_payload.as_deref()
}

/// Makes the payment and waits until its code is there.
pub async fn create(world: &World, args: CreateArgs) -> Result<Payment, Fail> {
    let connection = connect::get_of(world, args.bank.as_deref()).await?;
    let credentials = &connection.credentials;
    if connection.bank == "tochka" && credentials.find(settings::SBP_MERCHANT_ID).is_none() {
        return Err(Fail::new(
            "sbp_point_missing",
            "Tochka makes QR codes for a point of sale in SBP, and none is set",
            "`kopeck sbp setup` finds it or registers one; or set TOCHKA_SBP_MERCHANT_ID and \
             TOCHKA_SBP_ACCOUNT_ID",
        ));
    }
    let texts = [Some(&args.purpose), args.order.as_ref()];
    if texts.into_iter().flatten().any(|text| contains_card_number(text)) {
        let message = "This text holds what looks like a card number";
        return Err(Fail::new("card_number_refused", message, "Leave card numbers to the bank"));
    }
    let default_ttl = get_bank(&connection.bank)?.capabilities().default_ttl_minutes;
    let new = NewPayment {
        schedule: None,
        amount: args.amount,
        purpose: args.purpose,
        methods: vec![PayMethod::Sbp],
        capture: CaptureMode::Automatic,
        order_id: args.order.filter(|order| !order.is_empty()),
        ttl_minutes: args.ttl.unwrap_or(default_ttl),
        success_url: args.success_url,
        fail_url: None,
        customer: None,
        receipt: None,
        rates_until_ms: None,
        metadata: "{}".to_owned(),
        means: Means::Payer,
        consent: None,
    };
    let payment = link::open(world, &connection, new).await?;
    find::wait_for(world, &payment, |payment| payment.facts.qr_payload.is_some()).await
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Fail> {
    std::fs::write(path, bytes).map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        Fail::new("file_unwritable", message, "The code exists; `kopeck link show` shows it again")
    })
}

pub fn show(world: &World, payment: &Payment, code: Option<&Code>) -> Result<(), Fail> {
    let view = PaymentView::new(payment, &world.ctx.public_url);
    world.out.show(&view, || {
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
        row("Code", payload(payment).unwrap_or("not there yet; `kopeck link show` tells later"));
        row("Pay page", &view.pay_url);
        row("Until", &format!("{} Moscow time", moscow(payment.expires_ms)));
        if let Some(code) = code.filter(|_| is_terminal()) {
            lines.push(format!("\n{}\n", code.to_terminal()));
        }
        lines.join("\n")
    })
}
