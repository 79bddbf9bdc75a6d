//! `kopeck payment`: payments, their refunds and their story.

mod settle;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kopeck_banks::Money;
use serde::Serialize;
use serde_json::json;

use super::{
    context::{Globals, World},
    fail::Fail,
    find,
    link::parse_money,
    print::{
        BAD, FAINT, GOOD, STRONG, WARN, moscow, paint, right, status_cell, status_style, table,
    },
    receipt, timeline,
};
use crate::{
    kit::db::DbError,
    payments::{
        flow::{self, Problem},
        model::{Origin, Payment, Refund, RefundState, Status},
        receipts::Back,
        store::{self, PaymentFilter},
        view::{PaymentView, RefundView},
    },
    receipts::view::ReceiptView,
};

/// Show, list, refund and capture payments, and tell their story.
#[derive(Debug, Args)]
pub struct PaymentArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show one payment; asks the bank what became of it
    Show {
        /// Payment id, order id, or the bank's id
        id: String,
    },
    /// List payments, newest first
    List(ListArgs),
    /// Give money back: all that is left, or a part of it
    Refund {
        /// Payment id, order id, or the bank's id
        id: String,
        /// Rubles; everything that is left by default
        #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
        amount: Option<Money>,
        /// Goods that come back, by the receipt's name or number of the line and how many:
        /// "Курс;1"; the amount follows. Once for each line
        #[arg(long, value_name = "NAME;QTY", conflicts_with = "amount",
            value_parser = receipt::parse_goods)]
        item: Vec<receipt::Goods>,
        /// The refund's own receipt, in any form that a payment's is taken in: its goods come back,
        /// and the amount follows
        #[arg(long, value_name = "FILE", conflicts_with_all = ["amount", "item"])]
        receipt: Option<PathBuf>,
        /// Why; kept with the refund
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Take the money that is held: all of it, or a part where the bank can
    Capture {
        /// Payment id, order id, or the bank's id
        id: String,
        /// Rubles; all that is held by default
        #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
        amount: Option<Money>,
    },
    /// Release the money that is held, where the bank can
    Cancel {
        /// Payment id, order id, or the bank's id
        id: String,
    },
    /// Say what the bank does not: that a charge without an answer was not made
    Settle {
        /// Payment id, order id, or the bank's id
        id: String,
        /// Nothing was taken: the bank's cabinet shows no such money
        #[arg(long, required = true)]
        not_charged: bool,
    },
    /// Tell the whole story of a payment
    Timeline {
        /// Payment id, order id, or the bank's id
        id: String,
        /// With the requests to the bank and its replies
        #[arg(long)]
        full: bool,
    },
}

/// Which payments.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only of this state, such as open, paid or refunded
    #[arg(long, value_parser = parse_status)]
    status: Option<Status>,
    /// Only of this order
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
}

fn parse_status(text: &str) -> Result<Status, String> {
    let words = Status::ALL.map(Status::as_str).join(", ");
    Status::parse(text).ok_or_else(|| format!("the states are {words}"))
}

impl PaymentArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Show { id } => {
                let payment = find::payment(&world, &id).await?;
                show_whole(&world, &find::look(&world, payment).await?).await
            }
            Command::List(args) => list(&world, &args).await,
            Command::Refund { id, amount, item, receipt, reason } => {
                let receipt = receipt.as_deref().map(receipt::read_back).transpose()?;
                refund(&world, &id, (amount, item, receipt), reason).await
            }
            Command::Capture { id, amount } => capture(&world, &id, amount).await,
            Command::Cancel { id } => cancel(&world, &id).await,
            Command::Settle { id, not_charged: _ } => settle::run(&world, &id).await,
            Command::Timeline { id, full } => {
                let payment = find::payment(&world, &id).await?;
                timeline::show(&world, &payment, full).await
            }
        }
    }
}

/// With its receipts.
async fn show_whole(world: &World, payment: &Payment) -> Result<(), Fail> {
    let receipts = receipt::of_payment(world, payment).await?;
    let view = PaymentView::new(payment, &world.ctx.public_url);
    let views: Vec<ReceiptView> = receipts.iter().map(ReceiptView::from).collect();
    let whole = Whole { payment: &view, receipts: views };
    world.out.show(&whole, || {
        let receipts = receipts.iter().map(receipt::describe);
        [describe(payment, &view)].into_iter().chain(receipts).collect::<Vec<_>>().join("\n")
    })
}

/// A payment and its receipts in one document.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    payment: &'a PaymentView,
    receipts: Vec<ReceiptView>,
}

pub fn show(world: &World, payment: &Payment) -> Result<(), Fail> {
    let view = PaymentView::new(payment, &world.ctx.public_url);
    world.out.show(&view, || describe(payment, &view))
}

fn describe(payment: &Payment, view: &PaymentView) -> String {
    let status = payment.status();
    let mut lines = vec![format!(
        "{} · {} · {}",
        paint(STRONG, &payment.amount.to_human()),
        payment.purpose,
        paint(status_style(status), status.as_str()),
    )];
    let mut row = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {}{text}", paint(FAINT, &format!("{name:<14}"))));
        }
    };
    let sum = |amount: Money| if amount.is_zero() { String::new() } else { amount.to_human() };
    row("Id", &payment.id);
    row("Order", payment.order_id.as_deref().unwrap_or_default());
    row("Bank's id", payment.facts.bank_id.as_deref().unwrap_or_default());
    row("Reference", &payment.reference);
    row("Held", &sum(payment.facts.authorized));
    row("Paid", &sum(payment.facts.paid));
    row("Paid at", &payment.facts.paid_at_ms().map(moscow).unwrap_or_default());
    row("Paid by", payment.facts.method.as_deref().unwrap_or_default());
    row("Refunded", &sum(payment.refunded()));
    row("Made", &moscow(payment.created_ms));
    if matches!(status, Status::Open | Status::Opening) {
        row("Until", &moscow(payment.expires_ms));
        row("Pay page", &view.pay_url);
        row("Bank's page", view.bank_url.as_deref().unwrap_or_default());
    }
    for refund in &payment.refunds {
        lines.push(format!("  {}", describe_refund(refund)));
    }
    let failures = [&payment.intents.failure, &payment.intents.capture_failure];
    for failure in failures.into_iter().flatten() {
        lines.push(format!("  {} {}. {}", paint(BAD, "✗"), failure.message, failure.hint));
    }
    lines.push(paint(FAINT, "  Times are Moscow's."));
    lines.join("\n")
}

fn describe_refund(refund: &Refund) -> String {
    let (mark, text) = match &refund.state {
        RefundState::Requested => (paint(WARN, "…"), "wanted; not sent yet".to_owned()),
        RefundState::Asked { .. } => {
            (paint(WARN, "?"), "sent; the bank's answer is not known yet".to_owned())
        }
        RefundState::Succeeded => (paint(GOOD, "✓"), "done".to_owned()),
        RefundState::Failed(failure) => (paint(BAD, "✗"), failure.message.clone()),
    };
    let origin = match refund.origin {
        Origin::Shop => "",
        Origin::Bank => ", in the bank's cabinet",
    };
    let reason = refund.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{mark} refund of {}{origin}{reason}: {text}", refund.amount.to_human())
}

pub async fn list(world: &World, args: &ListArgs) -> Result<(), Fail> {
    let filter = PaymentFilter {
        status: args.status,
        order_id: args.order.clone(),
        ..PaymentFilter::default()
    };
    let (shop_id, limit) = (world.shop.id.clone(), args.limit);
    let payments: Result<Vec<Payment>, DbError> =
        world.ctx.db.read(move |tx| store::list_payments(tx, &shop_id, &filter, limit)).await;
    let payments = payments?;
    let url = &world.ctx.public_url;
    let views: Vec<PaymentView> = payments.iter().map(|p| PaymentView::new(p, url)).collect();
    world.out.show(&json!({ "payments": views }), || {
        if payments.is_empty() {
            return "No payments here yet: `kopeck link create --amount 5000 --purpose \"…\"`."
                .to_owned();
        }
        let mut rows =
            table(&["Made (Moscow)", "Id", "Order", "Amount, ₽", "State", "Refunded, ₽"]);
        for payment in &payments {
            let refunded = payment.refunded();
            rows.add_row([
                comfy_table::Cell::new(moscow(payment.created_ms)),
                comfy_table::Cell::new(&payment.id),
                comfy_table::Cell::new(payment.order_id.as_deref().unwrap_or_default()),
                right(payment.amount),
                status_cell(payment.status()),
                right(if refunded.is_zero() { String::new() } else { refunded.to_rubles() }),
            ]);
        }
        rows.to_string()
    })
}

async fn refund(
    world: &World,
    id: &str,
    (amount, item, receipt): (Option<Money>, Vec<receipt::Goods>, Option<Back>),
    reason: Option<String>,
) -> Result<(), Fail> {
    let payment = find::payment(world, id).await?;
    // What was paid a moment ago may not be known here yet.
    let payment = find::look(world, payment).await?;
    let goods = receipt::find_goods(world, &payment, &item).await?;
    let back = receipt.or(goods.map(Back::Goods));
    let what = back.map_or(Wanted::Money(amount), Wanted::Goods);
    let (payment, refund) = refund_now(world, payment, what, reason).await?;
    let (left, status) = (payment.refundable(), payment.status().as_str());
    let shown = json!({
        "refund": RefundView::new(&refund),
        "payment": PaymentView::new(&payment, &world.ctx.public_url),
    });
    world.out.show(&shown, || {
        let what = describe_refund(&refund);
        let rest = format!("the payment is {status}, {} can still be refunded", left.to_human());
        if refund.state.is_pending() {
            let id = &payment.id;
            return format!("{what}\n{}", not_known_yet("refund", id));
        }
        format!("{what}\n  {rest}")
    })
}

/// What shall go back.
pub enum Wanted {
    /// All that is left, where no sum is named.
    Money(Option<Money>),
    Goods(Back),
}

/// Asks for the refund and waits for its outcome, which may still be unknown afterwards.
pub async fn refund_now(
    world: &World,
    payment: Payment,
    what: Wanted,
    reason: Option<String>,
) -> Result<(Payment, Refund), Fail> {
    let (amount, goods) = match what {
        Wanted::Money(amount) => (amount, None),
        Wanted::Goods(goods) => (None, Some(goods)),
    };
    let amount = match amount {
        Some(amount) => amount,
        None if payment.refundable().is_zero() && !payment.facts.paid.is_zero() => {
            let message = "Nothing is left to refund";
            return Err(Fail::new("refund_too_large", message, "").param("amount"));
        }
        None => payment.refundable(),
    };
    let (ctx, refund_id) = (world.ctx.clone(), world.ctx.mint.id("rf"));
    let (wanted, shop_id, payment_id) =
        (refund_id.clone(), payment.shop_id.clone(), payment.id.clone());
    let asked: Result<Payment, Problem> = world
        .ctx
        .db
        .write(move |tx| {
            let amount = match &goods {
                Some(goods) => flow::plan_goods(tx, &ctx, (&shop_id, &payment_id), &wanted, goods)?,
                None => amount,
            };
            flow::request_refund(tx, &ctx, &shop_id, &payment_id, (&wanted, amount, reason))
        })
        .await;
    let payment = asked?;
    let find_refund =
        |payment: &Payment| payment.refunds.iter().find(|refund| refund.id == refund_id).cloned();
    let is_settled =
        |payment: &Payment| !find_refund(payment).is_some_and(|refund| refund.state.is_pending());
    let payment = find::wait_for(world, &payment, is_settled).await?;
    let refund = find_refund(&payment).ok_or_else(|| anyhow::anyhow!("the refund is gone"))?;
    match refund.state {
        RefundState::Failed(failure) => Err(failure.into()),
        RefundState::Requested | RefundState::Asked { .. } | RefundState::Succeeded => {
            Ok((payment, refund))
        }
    }
}

/// Silence is not failure, and never a reason to ask twice: the person must hear both.
fn not_known_yet(what: &str, id: &str) -> String {
    format!(
        "{} The {what} is written down and happens at most once: do not ask for it again. A \
         running `kopeck serve` finds out what became of it; so does `kopeck payment show {id}`.",
        paint(WARN, "!")
    )
}

async fn capture(world: &World, id: &str, amount: Option<Money>) -> Result<(), Fail> {
    let payment = find::payment(world, id).await?;
    let payment = find::look(world, payment).await?;
    let payment = capture_now(world, &payment, amount).await?;
    let view = PaymentView::new(&payment, &world.ctx.public_url);
    let status = payment.status();
    world.out.show(&view, || {
        if status == Status::Capturing {
            return not_known_yet("capture", &payment.id);
        }
        let (mark, sum) = (paint(GOOD, "✓"), payment.facts.paid.to_human());
        format!("{mark} {sum} taken; the payment is {}", status.as_str())
    })
}

/// Asks for the capture and waits for its outcome, which may still be unknown afterwards.
pub async fn capture_now(
    world: &World,
    payment: &Payment,
    amount: Option<Money>,
) -> Result<Payment, Fail> {
    let (ctx, shop_id, payment_id) =
        (world.ctx.clone(), payment.shop_id.clone(), payment.id.clone());
    let asked: Result<Payment, Problem> = world
        .ctx
        .db
        .write(move |tx| flow::request_capture(tx, &ctx, &shop_id, &payment_id, amount))
        .await;
    let payment = asked?;
    let is_settled = |payment: &Payment| payment.status() != Status::Capturing;
    let payment = find::wait_for(world, &payment, is_settled).await?;
    if let (Some(failure), true) = (&payment.intents.capture_failure, payment.is_held()) {
        return Err(failure.clone().into());
    }
    Ok(payment)
}

async fn cancel(world: &World, id: &str) -> Result<(), Fail> {
    let payment = find::payment(world, id).await?;
    let payment = find::look(world, payment).await?;
    let (ctx, shop_id, payment_id) =
        (world.ctx.clone(), payment.shop_id.clone(), payment.id.clone());
    let asked: Result<Payment, Problem> =
        world.ctx.db.write(move |tx| flow::request_void(tx, &ctx, &shop_id, &payment_id)).await;
    let payment = asked?;
    let is_pending = |payment: &Payment| payment.is_held() && payment.is_voiding();
    let payment = find::wait_for(world, &payment, |payment| !is_pending(payment)).await?;
    if let (Some(failure), true) = (&payment.intents.void_failure, payment.is_held()) {
        return Err(failure.clone().into());
    }
    let view = PaymentView::new(&payment, &world.ctx.public_url);
    world.out.show(&view, || {
        if is_pending(&payment) {
            return not_known_yet("cancellation", &payment.id);
        }
        let (mark, status) = (paint(GOOD, "✓"), payment.status().as_str());
        format!("{mark} The hold is released; the payment is {status}")
    })
}
