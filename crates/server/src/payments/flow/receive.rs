//! Money that came by itself: somebody paid by a code that hangs somewhere. The payment begins with
//! what other payments end with.

use kopeck_banks::{
    Money,
    op::{BankStatus, CaptureMode, Observation, PayMethod, SbpPayment, SbpTransfer},
};

use super::{Event, EventKind, announce, reference, save, state, store};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{
        model::{Facts, Intents, Means, Payment},
        receipts,
    },
};

/// By which code it came, and what was asked for there.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    pub shop_id: &'a str,
    pub connection_id: &'a str,
    pub bank: &'a str,
    pub place_id: &'a str,
    /// The code's own sum; `None`: the payer entered it.
    pub amount: Option<Money>,
    pub purpose: &'a str,
}

/// Makes the payment, paid from its first moment. Calling it once for each transfer is up to
/// whoever keeps the transfers.
pub fn receive(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    source: &Source<'_>,
    paid: Money,
    seen: &SbpPayment,
) -> Result<Payment, DbError> {
    let now_ms = ctx.now_ms();
    let receipt = receipts::for_code(tx, ctx, source.shop_id, paid)?;
    let payment = Payment {
        id: ctx.mint.id("pay"),
        shop_id: source.shop_id.to_owned(),
        connection_id: source.connection_id.to_owned(),
        bank: source.bank.to_owned(),
        routes: Vec::new(),
        moves: 0,
        attempt_of: None,
        attempts: Vec::new(),
        place_id: Some(source.place_id.to_owned()),
        means: Means::Payer,
        schedule: None,
        reference: reference(None, &ctx.mint.code(10)),
        order_id: None,
        amount: source.amount.unwrap_or(paid),
        purpose: source.purpose.to_owned(),
        methods: vec![PayMethod::Sbp],
        bank_methods: vec![PayMethod::Sbp],
        capture: CaptureMode::Automatic,
        ttl_minutes: 0,
        success_url: None,
        fail_url: None,
        customer: customer(seen),
        receipt,
        metadata: "{}".to_owned(),
        created_ms: now_ms,
        expires_ms: now_ms,
        intents: Intents::default(),
        facts: Facts::default(),
        refunds: Vec::new(),
        asked_ms: 0,
        dense_until_ms: 0,
    };
    store::insert_payment(tx, &payment)?;
    announce(tx, ctx, &payment, EventKind::PaymentCreated, None)?;
    observe_transfer(tx, ctx, payment, seen, Some(paid))
}

/// Joins what another source tells of the same transfer: its other id, and who paid.
pub fn learn(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    payment_id: &str,
    seen: &SbpPayment,
) -> Result<(), DbError> {
    let Some(mut payment) = store::lock_payment(tx, shop_id, payment_id)? else { return Ok(()) };
    if payment.customer.is_none() && customer(seen).is_some() {
        payment.customer = customer(seen);
        store::update_customer(tx, &payment)?;
    }
    observe_transfer(tx, ctx, payment, seen, None).map(|_| ())
}

fn observe_transfer(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: Payment,
    seen: &SbpPayment,
    paid: Option<Money>,
) -> Result<Payment, DbError> {
    let transfer = SbpTransfer { trx_id: seen.trx_id.clone(), ref_id: seen.ref_id.clone() };
    let is_named = transfer.trx_id.is_some() || transfer.ref_id.is_some();
    let event = Event::Observed(Observation {
        status: Some(BankStatus::Paid),
        paid,
        paid_at: seen.at,
        method: Some(PayMethod::Sbp.as_str().to_owned()),
        transfer: is_named.then(|| Box::new(transfer)),
        ..Observation::default()
    });
    // An observation is never refused.
    match state::apply(&payment, &event) {
        Ok(applied) => save(tx, ctx, &payment, applied),
        Err(_) => Ok(payment),
    }
}

/// Who paid, as the payer's bank shortened it: for the shop, in the field that holds its customers.
fn customer(seen: &SbpPayment) -> Option<String> {
    let mut fields = serde_json::Map::new();
    let told = [("name", &seen.payer_name), ("phone", &seen.payer_phone)];
    for (name, value) in told {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            fields.insert(name.to_owned(), value.as_str().into());
        }
    }
    (!fields.is_empty()).then(|| serde_json::Value::Object(fields).to_string())
}
