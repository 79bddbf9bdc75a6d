//! `kopeck customer accounts charge` and `kopeck customer cards charge`: one order, one charge.

use clap::Args;
use kopeck_banks::Money;

use super::{
    super::{
        context::World,
        fail::Fail,
        find,
        link::parse_money,
        print::{GOOD, HINT, STRONG, paint},
    },
    all,
};
use crate::{
    customers::flow::{self, Shown},
    http::text,
    instruments::model::{InstrumentStatus, Kind},
    kit::db::DbError,
    payments::{
        flow::{
            NewPayment, Problem,
            charge::{Saved, create_any, plan},
        },
        idempotency::{self, Key, Made, Subject},
        model::{Payment, Status},
        request::MAX_ORDER_ID_CHARS,
        view::PaymentView,
    },
};

#[derive(Debug, Args)]
pub struct ChargeArgs {
    /// Your own number of the customer
    customer: String,
    /// Rubles: 499 or 499.90
    #[arg(value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
    amount: Money,
    /// What it is for; the payer sees it
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// The id of the account or the card; the newest active one by default
    #[arg(long, value_name = "ID", visible_alias = "account", visible_alias = "card")]
    id: Option<String>,
    /// Your order number
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// Run again with the same key, it is the same charge; by default the order is the key
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
}

impl ChargeArgs {
    pub async fn run(self, world: &World, kind: Kind) -> Result<(), Fail> {
        let ChargeArgs { customer, amount, purpose, id, order, key } = self;
        let order_id = order.filter(|order| !order.is_empty());
        let metadata = "{}".to_owned();
        let new = NewPayment { amount, purpose, order_id, metadata, ..NewPayment::default() };
        charge(world, &customer, (kind, id), key, new).await
    }
}

/// A payment with one key is one charge, however often the command is run.
async fn charge(
    world: &World,
    customer: &str,
    (kind, wanted): (Kind, Option<String>),
    key: Option<String>,
    new: NewPayment,
) -> Result<(), Fail> {
    text::check("purpose", &new.purpose, 140)?;
    if let Some(order) = &new.order_id {
        text::check("order", order, MAX_ORDER_ID_CHARS)?;
    }
    let amount = new.amount.to_rubles();
    let order = new.order_id.as_deref().unwrap_or_default();
    let said = ["customer charge", customer, &amount, &new.purpose, order];
    // By the customer and not by the account: a newer account is no other order.
    let of_order = || new.order_id.as_ref().map(|order| format!("charge {customer} {order}"));
    let key = key.or_else(of_order).map(|key| Key::of_command(key, &said));
    let payment = match find_made(world, key.as_ref()).await? {
        Some(payment) => payment,
        None => match make(world, customer, (kind, wanted), key.as_ref(), new).await? {
            Some(payment) => payment,
            // A twin was first.
            None => find_made(world, key.as_ref()).await?.ok_or(flow::Problem::Missing(kind))?,
        },
    };
    let is_over = |payment: &Payment| !matches!(payment.status(), Status::Opening | Status::Open);
    let payment = find::wait_for(world, &payment, is_over).await?;
    if let Some(failure) = payment.failure() {
        return Err(failure.into());
    }
    let view = PaymentView::new(&payment, &world.ctx.public_url);
    world.out.show(&view, || {
        let sum = paint(STRONG, &payment.amount.to_human());
        let done = format!("{sum}: {} ({})", payment.status().as_str(), payment.id);
        if is_over(&payment) {
            return format!("{} {done}", paint(GOOD, "✓"));
        }
        let next = format!("kopeck payment show {}", payment.id);
        format!("{done}\n  {} tells what became of it; it is sent once", paint(HINT, &next))
    })
}

/// The payment that this key stands for already.
async fn find_made(world: &World, key: Option<&Key>) -> Result<Option<Payment>, Fail> {
    let Some(key) = key.cloned() else { return Ok(None) };
    let shop_id = world.shop.id.clone();
    let made: Result<_, DbError> =
        world.ctx.db.read(move |tx| idempotency::find_made(tx, &shop_id, &key)).await;
    match made? {
        None => Ok(None),
        Some(Made::Same { payment_id }) => find::by_id(world, &payment_id).await,
        Some(Made::Other) => {
            let message = "This order, or this --key, was charged before with other words or sums";
            let hint = "Repeat the command as it was; for another charge name another --key";
            Err(Fail::new("idempotency_key_reused", message, hint).param("key"))
        }
    }
}

/// Saves the charge with its key; `None` when a twin was first.
async fn make(
    world: &World,
    customer: &str,
    (kind, wanted): (Kind, Option<String>),
    key: Option<&Key>,
    new: NewPayment,
) -> Result<Option<Payment>, Fail> {
    let id = match wanted {
        Some(id) => id,
        None => {
            let is_active = |it: &Shown| it.0.status == InstrumentStatus::Active;
            let found = all(world, customer, kind).await?.into_iter().find(is_active);
            found.ok_or(flow::Problem::Missing(kind))?.0.id
        }
    };
    let from = Saved { kind, id, customer_id: Some(customer.to_owned()), bank: None };
    let payment = plan(&world.ctx, &world.shop.id, &from, new).await?;
    let (ctx, row, key) = (world.ctx.clone(), payment.clone(), key.cloned());
    let subject = Subject::Create { payment_id: payment.id.clone() };
    let taken: Result<bool, Problem> = world
        .ctx
        .db
        .write(move |tx| {
            if !idempotency::take(tx, &row.shop_id, key.as_ref(), &subject, ctx.now_ms())? {
                return Ok(false);
            }
            create_any(tx, &ctx, &row, None)?;
            Ok(true)
        })
        .await;
    Ok(taken?.then_some(payment))
}
