//! Finding a payment by what a person has at hand, and moving it on while the person waits.

use std::time::Duration;

use kopeck_banks::op::{Answer, BankOp, Outcome};

use super::{context::World, fail::Fail, print::note};
use crate::{
    gateway::flow::{Told, ask, refusal_of},
    kit::db::DbError,
    payments::{
        drive::drive_now,
        flow::record,
        model::{Payment, Status},
        state::Event,
        store::{self, PaymentFilter},
    },
    shops,
};

/// How long a command waits for the bank before it says what is not known yet.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks: the first ones soon, since most banks answer within a second.
const LOOKS_MS: [u64; 4] = [50, 200, 500, 1_000];
/// An order is rarely tried more often; beyond it the message would not be read anyway.
const MAX_TWINS: i64 = 10;

/// The payment with this id, order id, bank's id or reference.
pub async fn payment(world: &World, id: &str) -> Result<Payment, Fail> {
    if let Some(found) = by_id(world, id).await? {
        return Ok(found);
    }
    let (shop_id, order_id) = (world.shop.id.clone(), id.to_owned());
    let of_order: Result<Vec<Payment>, DbError> = world
        .ctx
        .db
        .read(move |tx| {
            let filter = PaymentFilter { order_id: Some(order_id), ..PaymentFilter::default() };
            store::list_payments(tx, &shop_id, &filter, MAX_TWINS)
        })
        .await;
    let mut of_order = of_order?;
    match of_order.len() {
        0 => by_bank_id(world, id).await?.ok_or_else(|| missing(id)),
        1 => of_order.pop().ok_or_else(|| missing(id)),
        _ => Err(ambiguous(id, &of_order)),
    }
}

fn missing(id: &str) -> Fail {
    Fail::new(
        "payment_not_found",
        format!("There is no payment with the id, order id or bank id {id}"),
        "`kopeck payment list` shows what there is",
    )
}

fn ambiguous(order_id: &str, payments: &[Payment]) -> Fail {
    let one = |payment: &Payment| format!("{} ({})", payment.id, payment.status().as_str());
    let list: Vec<String> = payments.iter().map(one).collect();
    Fail::new(
        "payment_ambiguous",
        format!("The order {order_id} has several payments: {}", list.join(", ")),
        "Name one of them by its id",
    )
}

pub async fn by_id(world: &World, id: &str) -> Result<Option<Payment>, Fail> {
    let (shop_id, id) = (world.shop.id.clone(), id.to_owned());
    let found: Result<_, DbError> =
        world.ctx.db.read(move |tx| store::find_payment(tx, &shop_id, &id)).await;
    Ok(found?)
}

async fn by_bank_id(world: &World, id: &str) -> Result<Option<Payment>, Fail> {
    for connection in shops::flow::list_connections(&world.ctx, &world.shop.id).await? {
        let id = id.to_owned();
        let found: Result<_, DbError> = world
            .ctx
            .db
            .write(move |tx| store::lock_payment_of_bank(tx, &connection.id, Some(&id), Some(&id)))
            .await;
        if let Some(found) = found? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The payment as it is stored now.
pub async fn again(world: &World, payment: &Payment) -> Result<Payment, Fail> {
    by_id(world, &payment.id).await?.ok_or_else(|| missing(&payment.id))
}

/// Moves the payment on until `is_settled` or the patience ends, whichever is first. A running
/// server may be at it too: whoever holds the job's lease works, the other one looks on.
pub async fn wait_for(
    world: &World,
    payment: &Payment,
    is_settled: impl Fn(&Payment) -> bool,
) -> Result<Payment, Fail> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut looks = LOOKS_MS.iter();
    let mut wait_ms = 0;
    loop {
        // A call to the bank may last longer than the patience; what it brings is saved anyway.
        let driven = tokio::time::timeout_at(deadline, drive_now(&world.ctx, &payment.id)).await;
        let current = again(world, payment).await?;
        if is_settled(&current) || driven.is_err() {
            return Ok(current);
        }
        wait_ms = looks.next().copied().unwrap_or(wait_ms);
        let pause = Duration::from_millis(wait_ms);
        if tokio::time::Instant::now() + pause >= deadline {
            return Ok(current);
        }
        tokio::time::sleep(pause).await;
    }
}

/// Asks the bank about the payment unless nothing can change any more. That the bank cannot be
/// asked is said, and what is known is shown all the same.
pub async fn look(world: &World, payment: Payment) -> Result<Payment, Fail> {
    drive_now(&world.ctx, &payment.id).await?;
    let payment = again(world, &payment).await?;
    let may_change = match payment.status() {
        Status::Open | Status::Authorized | Status::Capturing | Status::Refunding => true,
        Status::Paid | Status::PartiallyRefunded | Status::AmountMismatch => true,
        Status::Opening
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed => false,
    };
    let Some(bank_id) = payment.facts.bank_id.clone().filter(|_| may_change) else {
        return Ok(payment);
    };
    let connection = shops::flow::get_connection(&world.ctx, &payment.connection_id).await?;
    let Told { outcome, exchanges } =
        ask(&world.ctx, &connection, &BankOp::GetPayment { bank_id }).await?;
    let mut events = Vec::new();
    if let Outcome::Done(Answer::Payment(seen)) = outcome {
        events.push(Event::Observed(seen));
    } else {
        let refusal = refusal_of(outcome);
        note(&format!("this is what was known before: {}. {}", refusal.message, refusal.hint));
    }
    Ok(record(&world.ctx, &payment, events, exchanges, true).await?)
}
