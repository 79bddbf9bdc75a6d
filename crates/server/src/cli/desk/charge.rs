//! `kopeck desk charge`: arms the desk, waits, says whether it was paid and by whom.

use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kopeck_banks::Money;
use serde_json::{Value, json};

use super::{Which, describe};
use crate::{
    cli::{
        context::World,
        fail::Fail,
        find,
        link::parse_money,
        print::{GOOD, STRONG, can_ask, paint},
    },
    desks::{
        drive::drive_now,
        flow::NewSale,
        model::{Sale, State},
        request::DEFAULT_TTL_MINUTES,
        store,
        submit::{self, Charged},
        view::SaleView,
    },
    http::ApiError,
    kit::{db::DbError, secret::contains_card_number},
    payments::{idempotency::Key, model::Payment},
    places::model::Place,
};

/// A call to the bank may last so long.
pub const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(500);
/// Exit code of a charge that nobody paid.
const UNPAID: u8 = 3;

/// Arm a desk with a sum, wait, say whether it was paid and by whom
///
/// Ctrl-C cancels the sale. Exit codes: 0 paid, 3 canceled or expired, 1 the bank refused.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kopeck desk charge 1500
  kopeck desk charge 349.90 --desk \"Касса 1\" --purpose \"Кофе\" --clerk Анна
  kopeck desk charge 1500 --idempotency-key receipt-4711")]
pub struct ChargeArgs {
    /// Rubles: 1500 or 349.90
    #[arg(value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
    amount: Money,
    #[command(flatten)]
    which: Which,
    /// What the payer reads; the desk's name by default
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// How many minutes the code waits
    #[arg(long, value_name = "MINUTES", default_value_t = DEFAULT_TTL_MINUTES,
        value_parser = clap::value_parser!(u32).range(5..=20))]
    ttl: u32,
    /// Who charges: a second clerk is told
    #[arg(long)]
    clerk: Option<String>,
    /// Run again with the same key and sum, it goes on with the sale that the first run began
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Arm it and return at once
    #[arg(long)]
    no_wait: bool,
}

impl ChargeArgs {
    pub async fn run(self, world: &World) -> Result<(), Fail> {
        let desk = self.which.find(world).await?;
        let texts = [&self.purpose, &self.clerk];
        if texts.into_iter().flatten().any(|text| contains_card_number(text)) {
            let message = "This text holds what looks like a card number";
            return Err(Fail::new("card_number_refused", message, "Leave cards to the bank"));
        }
        let new = NewSale {
            amount: self.amount,
            purpose: self.purpose.filter(|text| !text.trim().is_empty()),
            ttl_minutes: self.ttl,
            clerk: self.clerk.filter(|text| !text.trim().is_empty()),
        };
        let key = self.idempotency_key.map(|key| key_of(&key, &desk, &new)).transpose()?;
        let (Charged::New(mut sale) | Charged::Before(mut sale)) =
            submit::charge_once(&world.ctx, &desk, new, key, PATIENCE).await?;
        if !self.no_wait {
            sale = wait(world, &desk, sale).await?;
        }
        finish(world, &desk, &sale).await
    }
}

fn key_of(key: &str, desk: &Place, new: &NewSale) -> Result<Key, ApiError> {
    let (sum, ttl) = (new.amount.kopecks().to_string(), new.ttl_minutes.to_string());
    let purpose = new.purpose.as_deref().unwrap_or("");
    let said = ["kopeck desk charge", &desk.id, &sum, &ttl, purpose];
    Key::of(key, &said.map(str::as_bytes))
}

/// Looks on until the sale is over. A running server may be at it too: whoever holds the job's
/// lease asks the bank.
async fn wait(world: &World, desk: &Place, mut sale: Sale) -> Result<Sale, Fail> {
    let spinner = ProgressBar::new_spinner();
    if !can_ask() || world.out.json {
        spinner.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(120));
    while !sale.is_over() {
        spinner.set_message(describe(&sale));
        tokio::select! {
            () = tokio::time::sleep(LOOK) => drive_now(&world.ctx, &sale.id).await?,
            // A second one ends the program; the code then waits until its time is over.
            _ = tokio::signal::ctrl_c() => {
                if sale.cancel_ms.is_none() {
                    submit::cancel(&world.ctx, desk, PATIENCE).await?;
                }
            }
        }
        let id = sale.id.clone();
        let found: Result<_, DbError> =
            world.ctx.db.read(move |tx| store::find_sale(tx, &id)).await;
        sale = found?.unwrap_or(sale);
    }
    spinner.finish_and_clear();
    Ok(sale)
}

async fn finish(world: &World, desk: &Place, sale: &Sale) -> Result<(), Fail> {
    let payment = match &sale.payment_id {
        Some(id) => find::by_id(world, id).await?,
        None => None,
    };
    let payer = payment.as_ref().map_or(Value::Null, payer);
    match sale.state() {
        State::Failed => {
            let failure = sale.failure.clone();
            return Err(failure.map_or_else(|| unpaid(sale), Into::into));
        }
        State::Canceled | State::Expired => return Err(unpaid(sale)),
        State::Arming | State::Waiting | State::Paying | State::Paid => {}
    }
    let shown = json!({ "sale": SaleView::new(sale), "payer": payer });
    world.out.show(&shown, || {
        if sale.state() != State::Paid {
            return format!("{} at {}", describe(sale), desk.name);
        }
        let word = |name: &str| payer[name].as_str().unwrap_or("").to_owned();
        let who = format!("{} {}", word("name"), word("phone"));
        let sum = paint(STRONG, &sale.amount.to_human());
        format!("{} {sum} paid  {}", paint(GOOD, "✓"), who.trim())
    })
}

/// Who paid, as the payer's bank shortened it.
fn payer(payment: &Payment) -> Value {
    let told = payment.customer.as_deref();
    told.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

fn unpaid(sale: &Sale) -> Fail {
    let message = format!("{} was not paid: {}", sale.amount.to_human(), sale.state().as_str());
    let code = format!("sale_{}", sale.state().as_str());
    Fail { exit: UNPAID, ..Fail::new(&code, message, "Charge again") }
}
