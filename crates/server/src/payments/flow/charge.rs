//! Use cases of what payers save: an account or a card that comes with a payment, payments that are
//! taken from it without its payer, and the end of it. The bank is asked in
//! [`crate::payments::drive`].

use kopeck_banks::op::{CaptureMode, Observation, PayMethod, Qr};

use super::{NewPayment, Problem, announce, create, doubt, kept, routing::plan_at, save};
use crate::{
    events::EventKind,
    instruments::{
        self,
        flow::Unusable,
        model::{Consent, Heard, Instrument, InstrumentStatus, Kind, Terms},
        store as saved,
    },
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{
        model::{Failure, Means, Payment, Status},
        state::{self, Event, Refused},
        store,
    },
    shops,
};

/// How long the bank keeps a payment open for its charge: long enough for a bank that is out of
/// reach for a while, short enough to know soon that nothing was taken.
pub const TTL_MINUTES: u32 = 60;

/// What a payment is to be taken from.
#[derive(Clone, Debug)]
pub struct Saved {
    pub kind: Kind,
    pub id: String,
    /// Whose it must be, and where it must be saved, if that was said.
    pub customer_id: Option<String>,
    pub bank: Option<String>,
}

/// Plans a payment that is taken from what was saved, at its own bank, without saving it. `new`
/// says what and how much; how it is paid follows from the instrument.
pub async fn plan(
    ctx: &Ctx,
    shop_id: &str,
    from: &Saved,
    new: NewPayment,
) -> Result<Payment, Problem> {
    let (shop_id, wanted, amount) = (shop_id.to_owned(), from.clone(), new.amount);
    let found: Result<_, DbError> = ctx
        .db
        .read(move |tx| {
            // Somebody else's is told apart from none by nobody.
            let is_meant = saved::find_instrument(tx, &wanted.id)?.is_some_and(|own| {
                let is_at = |bank: &String| *bank == own.bank || *bank == own.connection_id;
                let is_his = |customer: &String| *customer == own.customer_id;
                wanted.customer_id.as_ref().is_none_or(is_his)
                    && wanted.bank.as_ref().is_none_or(is_at)
            });
            if !is_meant {
                return Ok(Err(Unusable::Missing(wanted.kind)));
            }
            instruments::flow::find_active(tx, &shop_id, (wanted.kind, &wanted.id), amount)
        })
        .await;
    let own = found?.map_err(Problem::Saved)?;
    let kind = own.kind;
    let connection = shops::flow::get_connection(ctx, &own.connection_id).await;
    let new = NewPayment {
        methods: vec![method_of(kind)],
        capture: CaptureMode::Automatic,
        ttl_minutes: if kind == Kind::Kept { kept::TTL_MINUTES } else { TTL_MINUTES },
        means: Means::Saved { kind, id: own.id },
        ..new
    };
    plan_at(ctx, &connection.map_err(Problem::Internal)?, new)
}

pub const fn method_of(kind: Kind) -> PayMethod {
    match kind {
        Kind::Account => PayMethod::Sbp,
        Kind::Card | Kind::Kept => PayMethod::Card,
    }
}

/// Saves a planned payment of any means; a charge only if its instrument can still be charged: that
/// is looked at in the very transaction that makes the charge. Whoever wants it once, however often
/// it is tried, saves in the same transaction what names the payment.
pub fn create_any(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    consent: Option<&Terms>,
) -> Result<(), Problem> {
    match &payment.means {
        Means::Payer => {}
        Means::Saved { id, .. } if payment.schedule.is_some() => {
            kept::lock_scheduled(tx, id)?.map_err(Problem::Saved)?;
        }
        Means::Saved { kind, id } => {
            let (shop_id, amount) = (&payment.shop_id, payment.amount);
            let own = instruments::flow::lock_active(tx, shop_id, (*kind, id), amount)?;
            own.map_err(Problem::Saved)?;
        }
        Means::Save { kind, customer_id, .. } => {
            if let Some(terms) = consent {
                let row = Consent {
                    id: ctx.mint.id("cns"),
                    shop_id: payment.shop_id.clone(),
                    customer_id: customer_id.clone(),
                    subject_id: payment.id.clone(),
                    terms: terms.clone(),
                    given_ms: ctx.now_ms(),
                };
                saved::insert_consent(tx, &row)?;
            }
            create(tx, ctx, payment)?;
            match kind {
                // Its row is made of the bank's code.
                Kind::Account => {}
                Kind::Card | Kind::Kept => {
                    let row = begun(ctx, payment, customer_id, (*kind, &payment.id, ""));
                    instruments::flow::begin(tx, ctx, &row)?;
                }
            }
            return Ok(());
        }
    }
    Ok(create(tx, ctx, payment)?)
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Failure {
        let (kind, message) = match unusable {
            Unusable::Missing(kind) => (kind, "What was saved is gone".to_owned()),
            Unusable::NotActive(kind, status) => {
                (kind, format!("What was saved is {} by now", status.as_str()))
            }
            Unusable::TooMuch(kind, max) => (kind, format!("The payer agreed to {max} at most")),
            Unusable::Scheduled(kind) => (kind, "The bank charges it by itself".to_owned()),
        };
        Failure {
            code: format!("{}_not_active", kind.word()),
            message,
            hint: "Nothing was charged: let the customer save an account or a card anew".into(),
        }
    }
}

/// What is to be sent, marked as sent; or the payment as it is now, when there is nothing to send.
pub enum Asked {
    Send {
        payment: Box<Payment>,
        from: Box<Instrument>,
    },
    /// Another charge of the same kept card is not known to be over: one at a time.
    Later,
    Nothing(Box<Payment>),
}

/// Marks the charge as sent, durably, before it leaves. A consent that ended meanwhile ends the
/// payment: nothing has left yet; so does money that came by another payment for the same period,
/// one that was taken for refused, say. `known`: the approvals of a kept card that were there
/// before.
pub async fn mark(ctx: &Ctx, seen: &Payment, known: Vec<String>) -> anyhow::Result<Asked> {
    let (inner, seen) = (ctx.clone(), seen.clone());
    let marked: Result<Asked, DbError> = ctx
        .db
        .write(move |tx| {
            let nothing = |payment: Payment| Asked::Nothing(Box::new(payment));
            let found = match seen.instrument() {
                Some(own) => instruments::flow::lock_active(tx, &seen.shop_id, own, seen.amount)?,
                None => Err(Unusable::Missing(Kind::Account)),
            };
            let gone = || DbError::Decode(format!("{} is gone", seen.id));
            let payment = store::lock_payment(tx, &seen.shop_id, &seen.id)?.ok_or_else(gone)?;
            let (event, from) = match found {
                Ok(own) => {
                    let is_busy = own.kind == Kind::Kept
                        && store::shared::find_charging(tx, &own.id, &payment.id)?.is_some();
                    if is_busy {
                        return Ok(Asked::Later);
                    }
                    match store::shared::find_paid_for_same(tx, &payment.id)? {
                        Some(_) => (Event::ChargeRefused(dropped("What it was for is paid")), None),
                        None => (Event::ChargeAsked { at_ms: inner.now_ms(), known }, Some(own)),
                    }
                }
                Err(unusable) => (Event::ChargeRefused(unusable.into()), None),
            };
            let is_open = payment.status() == Status::Open;
            if !is_open || payment.intents.charge_asked_ms.is_some() {
                return Ok(nothing(payment));
            }
            let applied = state::apply(&payment, &event);
            let applied = applied.map_err(|refused: Refused| {
                DbError::Other(format!("{}: {event:?} refused: {refused:?}", payment.id))
            })?;
            let next = save(tx, &inner, &payment, applied)?;
            Ok(match from {
                Some(own) => Asked::Send { payment: Box::new(next), from: Box::new(own) },
                None => nothing(next),
            })
        })
        .await;
    Ok(marked?)
}

/// Ends a charge that has not left, if it has not: whoever wanted it does not any more. `true` when
/// it was ended; one that left is asked about to its end.
pub fn drop_unsent(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    payment_id: &str,
) -> Result<bool, DbError> {
    let Some(payment) = store::lock_payment(tx, shop_id, payment_id)? else { return Ok(false) };
    let is_unsent = payment.is_charge() && payment.intents.charge_asked_ms.is_none();
    if !is_unsent || !matches!(payment.status(), Status::Open | Status::Opening) {
        return Ok(false);
    }
    let event = Event::ChargeRefused(dropped("What it was for ended before it was sent"));
    let Ok(applied) = state::apply(&payment, &event) else {
        return Ok(false);
    };
    save(tx, ctx, &payment, applied)?;
    Ok(true)
}

/// It never left, and never will.
fn dropped(message: &str) -> Failure {
    Failure {
        code: "charge_dropped".to_owned(),
        message: message.to_owned(),
        hint: "Nothing was charged".to_owned(),
    }
}

/// The bank's code for this payment also saves the payer's account. Kept before the code itself is,
/// so that a code that anybody may see has an account to tell of; asked for again, the code and its
/// account are the same.
pub async fn begin_account(ctx: &Ctx, payment: &Payment, qr: &Qr) -> Result<(), DbError> {
    let Means::Save { kind: Kind::Account, customer_id, .. } = &payment.means else {
        return Ok(());
    };
    let Some(request_key) = qr.request_key.clone() else { return Ok(()) };
    let own = begun(ctx, payment, customer_id, (Kind::Account, &request_key, &qr.content));
    let inner = ctx.clone();
    ctx.db.write(move |tx| instruments::flow::begin(tx, &inner, &own)).await
}

fn begun(
    ctx: &Ctx,
    payment: &Payment,
    customer_id: &str,
    (kind, request_key, link): (Kind, &str, &str),
) -> Instrument {
    Instrument {
        id: ctx.mint.id(kind.prefix()),
        kind,
        shop_id: payment.shop_id.clone(),
        customer_id: customer_id.to_owned(),
        connection_id: payment.connection_id.clone(),
        bank: payment.bank.clone(),
        purpose: payment.purpose.clone(),
        payment_id: Some(payment.id.clone()),
        watched_ms: None,
        request_key: request_key.to_owned(),
        link: link.to_owned(),
        status: InstrumentStatus::Pending,
        sealed: None,
        member_id: None,
        member_name: None,
        expires: None,
        is_scheduled: payment.schedule.is_some(),
        withdrawn_ms: None,
        removed_ms: None,
        created_ms: ctx.now_ms(),
    }
}

/// What follows from a payment's news for what is saved. Once the payment that saves something is
/// over, that is asked about: no notice is needed. A charge that was on its way when its consent
/// ended goes back.
pub(super) fn follow(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    before: &Payment,
    next: Payment,
) -> Result<Payment, DbError> {
    let is_over = !matches!(next.status(), Status::Opening | Status::Open);
    doubt::is_known(tx, ctx, before, &next)?;
    match &next.means {
        Means::Payer => {}
        Means::Save { .. } => {
            if is_over && before.status() != next.status() {
                instruments::flow::watch(tx, ctx, &next.id)?;
            }
            let is_paid = before.facts.paid.is_zero() && !next.facts.paid.is_zero();
            if is_paid && next.opens_kept() {
                return match kept::activate(tx, ctx, &next)? {
                    Some(own) => link(tx, ctx, next, &own),
                    None => Ok(next),
                };
            }
        }
        Means::Saved { id, .. } => {
            let is_paid = before.facts.paid.is_zero() && !next.facts.paid.is_zero();
            let own = if is_paid { saved::find_instrument(tx, id)? } else { None };
            if own.is_some_and(|own| own.withdrawn_ms.is_some()) {
                return give_back(tx, ctx, next);
            }
        }
    }
    Ok(next)
}

fn give_back(tx: &mut dyn Tx, ctx: &Ctx, paid: Payment) -> Result<Payment, DbError> {
    announce(tx, ctx, &paid, EventKind::ChargeUnwanted, None)?;
    let reason = doubt::WITHDRAWN;
    let refusal = kept::find_refund_refusal(&paid);
    let refusal = refusal.map_err(|problem| DbError::Other(format!("{problem:?}")))?;
    if let Some(refusal) = refusal {
        let told = (refusal, paid.refundable(), reason);
        return kept::give_back_by_hand(tx, ctx, paid, told);
    }
    let event = Event::RefundRequested {
        id: ctx.mint.id("rf"),
        amount: paid.refundable(),
        reason: Some(reason.to_owned()),
        at_ms: ctx.now_ms(),
    };
    // Given back already, by whatever way: there is nothing left to ask for.
    let Ok(applied) = state::apply(&paid, &event) else { return Ok(paid) };
    save(tx, ctx, &paid, applied)
}

/// The one door for what the bank says of an instrument: an answer and a notice end here. The
/// payment that saved it then says which it is, and the shop is told.
pub fn hear(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    own: &Instrument,
    heard: &Heard,
) -> Result<Instrument, DbError> {
    let payment = match &own.payment_id {
        Some(payment_id) => store::lock_payment(tx, &own.shop_id, payment_id)?,
        None => None,
    };
    let gone = || DbError::Decode(format!("{} is gone", own.id));
    let (own, is_new) = instruments::flow::hear(tx, ctx, &own.id, heard)?.ok_or_else(gone)?;
    if let Some(payment) = payment.filter(|_| is_new) {
        link(tx, ctx, payment, &own)?;
    }
    Ok(own)
}

/// What the bank says of what is saved when it speaks of the payment that saves it.
pub(super) fn hear_saved(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: Payment,
    seen: &Observation,
) -> Result<Payment, DbError> {
    if payment.opens_kept() {
        return kept::hear(tx, ctx, payment, seen);
    }
    hear_card(tx, ctx, payment, seen)
}

fn hear_card(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: Payment,
    seen: &Observation,
) -> Result<Payment, DbError> {
    let is_saving = matches!(payment.means, Means::Save { kind: Kind::Card, .. });
    let card = seen.saved_card.as_ref().filter(|card| card.charge_id.is_some());
    let Some(card) = card.filter(|_| is_saving && !state::is_other(&payment, seen)) else {
        return Ok(payment);
    };
    let Some(own) = saved::lock_by_payment(tx, &payment.id)? else { return Ok(payment) };
    match instruments::flow::hear(tx, ctx, &own.id, &Heard::from(card))? {
        Some((own, true)) => link(tx, ctx, payment, &own),
        Some((_, false)) | None => Ok(payment),
    }
}

fn link(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    mut payment: Payment,
    own: &Instrument,
) -> Result<Payment, DbError> {
    if let Means::Save { id, .. } = &mut payment.means {
        *id = Some(own.id.clone());
    }
    store::update_saved(tx, &payment)?;
    let kind = match own.kind {
        Kind::Account => EventKind::AccountSaved,
        Kind::Card | Kind::Kept => EventKind::CardSaved,
    };
    announce(tx, ctx, &payment, kind, None)?;
    Ok(payment)
}

/// The payer takes his consent back. From the end of this transaction on nothing is charged any
/// more: what was not sent yet ends as failed, what was is given back when it is taken.
pub fn withdraw(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, customer_id): (&str, &str),
    (kind, id): (Kind, &str),
) -> Result<Instrument, Problem> {
    let done = instruments::flow::withdraw(tx, ctx, (shop_id, customer_id), (kind, id))?;
    let (own, is_new) = done.map_err(Problem::Saved)?;
    let payment = match own.payment_id.as_deref().filter(|_| is_new) {
        Some(payment_id) => store::find_payment(tx, shop_id, payment_id)?,
        None => None,
    };
    if let Some(payment) = payment {
        announce(tx, ctx, &payment, EventKind::ConsentWithdrawn, None)?;
    }
    Ok(own)
}
