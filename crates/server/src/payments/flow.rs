//! Use cases of payments, each in five beats inside one transaction: load, decide, save, announce,
//! commit. Calls to the bank are in [`super::drive`], between transactions.

pub mod attempts;
pub mod charge;
pub mod close;
pub mod doubt;
pub mod kept;
pub mod receive;
pub mod routing;

use kopeck_banks::{
    Credentials, Money,
    bank::{Bank, Step},
    op::{
        BankOp, CaptureMode, CodeKind, CreateLink, NewSubscription, Observation, Outcome,
        PayMethod, Refusal, RefusalClass, SavedCharge, Schedule, SubscriptionOp,
    },
};

use super::{
    model::{Facts, Intents, Means, Payment, Status},
    receipts::{self, Back},
    schedule::DENSE_FOR_MS,
    state::{self, Applied, Effect, Event, Refused},
    store, view,
};
use crate::{
    events::{EventKind, NewEvent, insert_event},
    gateway::{
        flow::get_bank,
        store::{Exchange, insert_exchange},
    },
    instruments::{
        flow::Unusable,
        model::{Kind, Terms},
    },
    kit::{
        Ctx,
        clock::{MINUTE_MS, timestamp},
        db::{DbError, Tx},
        jobs,
    },
    shops::{self, model::Connection},
};

/// The kind of the job that drives a payment; its subject is the payment's id.
pub const JOB: &str = "payment";

/// Longer order numbers do not fit into a bank's: T-Bank takes 36 characters, our tail is 11.
const MAX_ORDER_IN_REFERENCE: usize = 25;

/// What a shop asks for, already read and checked for its shape.
#[derive(Clone, Debug, Default)]
pub struct NewPayment {
    pub amount: Money,
    pub purpose: String,
    pub methods: Vec<PayMethod>,
    pub capture: CaptureMode,
    pub order_id: Option<String>,
    pub ttl_minutes: u32,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    pub customer: Option<String>,
    pub receipt: Option<String>,
    /// When the VAT of the receipt changes, if a day is known: the link ends before.
    pub rates_until_ms: Option<i64>,
    pub metadata: String,
    /// What it is paid with, and what of it is saved.
    pub means: Means,
    /// By what schedule the bank charges the card that is saved.
    pub schedule: Option<Schedule>,
    /// What the payer agreed to, where something is saved.
    pub consent: Option<Terms>,
}

/// Why a use case did nothing.
#[derive(Debug)]
pub enum Problem {
    /// The bank would refuse it, or refused it.
    Bank(Refusal),
    Refused(Refused),
    NoSuchPayment,
    /// What was saved cannot be charged.
    Saved(Unusable),
    /// What became of the charge is known, or the bank may still tell.
    NotSettleable(Status),
    /// The goods that shall come back are not so in the payment's receipt.
    Goods {
        /// The field that named them.
        param: &'static str,
        why: String,
    },
    /// The receipt's lines cannot be cut down to the part of the hold that is asked for.
    Part {
        why: String,
    },
    Internal(anyhow::Error),
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        Problem::Internal(error.into())
    }
}

/// Plans a payment without saving it; what the bank would refuse is refused here.
pub fn plan(
    ctx: &Ctx,
    bank: &dyn Bank,
    connection: &Connection,
    new: NewPayment,
) -> Result<Payment, Problem> {
    let now_ms = ctx.now_ms();
    let can = bank.capabilities();
    let means = kept::at_bank(new.means.clone(), can);
    // The bank alone says how long the link of a card that it keeps may be paid; a charge of it has
    // no link, and no receipt with it.
    let ttl_minutes = match (&means, can.subscriptions) {
        (Means::Save { kind: Kind::Kept, .. }, Some(limits)) => limits.link_minutes,
        (Means::Saved { kind: Kind::Kept, .. }, _) => new.ttl_minutes,
        (_, _) => life(&new, now_ms),
    };
    let payment = Payment {
        id: ctx.mint.id("pay"),
        shop_id: connection.shop_id.clone(),
        connection_id: connection.id.clone(),
        bank: connection.bank.clone(),
        routes: Vec::new(),
        moves: 0,
        attempt_of: None,
        attempts: Vec::new(),
        place_id: None,
        means,
        schedule: new.schedule,
        reference: reference(new.order_id.as_deref(), &ctx.mint.code(10)),
        order_id: new.order_id,
        amount: new.amount,
        purpose: new.purpose,
        bank_methods: new.methods.clone(),
        methods: new.methods,
        capture: new.capture,
        ttl_minutes,
        success_url: new.success_url,
        fail_url: new.fail_url,
        customer: new.customer,
        receipt: new.receipt,
        metadata: new.metadata,
        created_ms: now_ms,
        expires_ms: now_ms + i64::from(ttl_minutes) * MINUTE_MS,
        intents: Intents::default(),
        facts: Facts::default(),
        refunds: Vec::new(),
        asked_ms: 0,
        dense_until_ms: now_ms + DENSE_FOR_MS,
    };
    if let Some(refusal) = receipts::find_wrong_day(&payment) {
        return Err(Problem::Bank(refusal));
    }
    if payment.is_kept_charge() {
        return Ok(payment);
    }
    let op = create_op(&payment, bank, &connection.credentials, &ctx.public_url);
    let op = op.map_err(Problem::Internal)?;
    match bank.start(&connection.credentials, &op) {
        Step::Done(Outcome::Refused(refusal)) => Err(Problem::Bank(refusal)),
        Step::Done(_) | Step::Send(_) => Ok(payment),
    }
}

/// How many minutes a link may be paid: as asked, but no longer than its receipt's VAT is due.
fn life(new: &NewPayment, now_ms: i64) -> u32 {
    let Some(until_ms) = new.rates_until_ms else { return new.ttl_minutes };
    let left = u32::try_from((until_ms - now_ms) / MINUTE_MS).unwrap_or(u32::MAX);
    new.ttl_minutes.min(left.max(1))
}

/// Our number at the bank: the order's number if it is short and plain, then a tail that makes a
/// second try of the same order another payment. Payers see it and read it out on the phone.
pub fn reference(order_id: Option<&str>, tail: &str) -> String {
    let is_plain = |id: &&str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !id.is_empty() && id.len() <= MAX_ORDER_IN_REFERENCE && id.bytes().all(plain)
    };
    match order_id.filter(is_plain) {
        Some(order_id) => format!("{order_id}-{tail}"),
        None => format!("K-{tail}"),
    }
}

/// The operation that opens this payment: the same bytes each time. A payer whom the shop does not
/// want back comes back to our page, which tells what became of the payment.
pub fn create_op(
    payment: &Payment,
    bank: &dyn Bank,
    credentials: &Credentials,
    public_url: &str,
) -> anyhow::Result<BankOp> {
    let our_page = || (!public_url.is_empty()).then(|| format!("{public_url}/pay/{}", payment.id));
    // A bank without a registration of its own is told with each payment; as with our page, only
    // where the world can reach us.
    let notice_url = (!public_url.is_empty() && !bank.capabilities().registers_notices)
        .then(|| format!("{public_url}/notices/{}/{}", payment.bank, payment.connection_id));
    if payment.opens_kept() {
        return Ok(BankOp::Subscription(SubscriptionOp::Open(NewSubscription {
            reference: payment.reference.clone(),
            amount: payment.amount,
            purpose: payment.purpose.clone(),
            success_url: payment.success_url.clone().or_else(our_page),
            fail_url: payment.fail_url.clone().or_else(our_page),
            payer_id: None,
            schedule: payment.schedule,
            receipt: receipts::for_bank(payment)?,
        })));
    }
    let (kind, saves) = match &payment.means {
        Means::Payer => (None, false),
        Means::Save { kind, .. } => (Some(*kind), true),
        Means::Saved { kind, .. } => (Some(*kind), false),
    };
    let link = CreateLink {
        reference: payment.reference.clone(),
        amount: payment.amount,
        purpose: payment.purpose.clone(),
        methods: payment.bank_methods.clone(),
        capture: payment.capture,
        ttl_minutes: payment.ttl_minutes,
        expires_at: Some(timestamp(payment.expires_ms)),
        success_url: payment.success_url.clone().or_else(our_page),
        fail_url: payment.fail_url.clone().or_else(our_page),
        notice_url,
        sbp_account: matches!(kind, Some(Kind::Account)),
        save_card: saves && kind == Some(Kind::Card),
        // A customer of its own, so that the bank's list of its cards is this card.
        payer_id: (saves && kind == Some(Kind::Card)).then(|| payment.id.clone()),
        saved_charge: (!saves && kind == Some(Kind::Card)).then_some(SavedCharge::Recurring),
        receipt: receipts::for_bank(payment)?,
        ..CreateLink::default()
    };
    // An address that the bank does not take, such as one of a developer's machine, is left out:
    // payments are then found by asking.
    let op = BankOp::CreateLink(link.clone());
    let is_address_refused = matches!(bank.start(credentials, &op),
        Step::Done(Outcome::Refused(refusal)) if refusal.param == Some("notice_url"));
    if is_address_refused {
        return Ok(BankOp::CreateLink(CreateLink { notice_url: None, ..link }));
    }
    Ok(op)
}

/// Saves a planned payment that its payer pays; the caller then lets it be driven. One that is
/// taken from what was saved: [`charge::create`].
pub fn create(tx: &mut dyn Tx, ctx: &Ctx, payment: &Payment) -> Result<(), DbError> {
    store::insert_payment(tx, payment)?;
    announce(tx, ctx, payment, EventKind::PaymentCreated, None)?;
    receipts::follow(tx, ctx, payment)?;
    jobs::nudge(tx, &ctx.mint, JOB, &payment.id, ctx.now_ms())
}

/// Asks for the capture of a held payment. Asking again is no error and no second capture.
pub fn request_capture(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    payment_id: &str,
    amount: Option<Money>,
) -> Result<Payment, Problem> {
    let found = lock_own(tx, shop_id, payment_id)?;
    if let Some(amount) = amount {
        let bank_id = found.facts.bank_id.clone().unwrap_or_default();
        let authorized = found.held();
        check_support(&found, &BankOp::Capture { bank_id, amount, authorized, receipt: None })?;
        if let Some(problem) = receipts::find_capture_problem(&found, amount) {
            return Err(Problem::Part { why: problem.to_string() });
        }
    }
    let event = Event::CaptureRequested { at_ms: ctx.now_ms(), amount };
    change(tx, ctx, shop_id, payment_id, &event)
}

/// Asks for the release of a hold. Asking again is no error.
pub fn request_void(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    payment_id: &str,
) -> Result<Payment, Problem> {
    let found = lock_own(tx, shop_id, payment_id)?;
    let bank_id = found.facts.bank_id.clone().unwrap_or_default();
    let request_id = String::new();
    check_support(&found, &BankOp::Void { bank_id, amount: None, request_id })?;
    change(tx, ctx, shop_id, payment_id, &Event::VoidRequested { at_ms: ctx.now_ms() })
}

/// What the bank has no function for is refused here, in that bank's words.
fn check_support(payment: &Payment, op: &BankOp) -> Result<(), Problem> {
    let bank = get_bank(&payment.bank).map_err(Problem::Internal)?;
    match bank.start(&Credentials::default(), op) {
        Step::Done(Outcome::Refused(refusal)) if refusal.class == RefusalClass::Unsupported => {
            Err(Problem::Bank(refusal))
        }
        Step::Done(_) | Step::Send(_) => Ok(()),
    }
}

/// The shop's payment, locked; its attempts are nobody's to act on.
fn lock_own(tx: &mut dyn Tx, shop_id: &str, payment_id: &str) -> Result<Payment, Problem> {
    let found = store::lock_payment(tx, shop_id, payment_id)?;
    found.filter(|payment| payment.attempt_of.is_none()).ok_or(Problem::NoSuchPayment)
}

/// What may still be refunded; the payment stays as it is until the transaction ends.
pub fn get_refundable(tx: &mut dyn Tx, shop_id: &str, payment_id: &str) -> Result<Money, Problem> {
    let payment = lock_own(tx, shop_id, payment_id)?;
    Ok(payment.refundable())
}

/// Writes down which goods a refund gives back; tells what was paid for them.
pub fn plan_goods(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, payment_id): (&str, &str),
    refund_id: &str,
    goods: &Back,
) -> Result<Money, Problem> {
    let payment = store::lock_payment(tx, shop_id, payment_id)?.ok_or(Problem::NoSuchPayment)?;
    if payment.facts.paid.is_zero() {
        return Err(Problem::Refused(Refused::NotRefundable(payment.status())));
    }
    let planned = receipts::plan_goods(tx, ctx, &payment, refund_id, goods)?;
    let wrong = |why| Problem::Goods { param: goods.param(), why };
    let amount = planned.map_err(|problem| wrong(problem.to_string()))?;
    let connection = shops::flow::read_connection(tx, ctx, &payment.connection_id);
    let credentials = connection.map_err(Problem::Internal)?.credentials;
    match receipts::find_refusal(tx, &credentials, &payment, (refund_id, amount))? {
        Some(refusal) => Err(wrong(refusal.message)),
        None => Ok(amount),
    }
}

/// Asks for a refund; `id` names it. Σ of refunds never exceeds what was paid.
pub fn request_refund(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    payment_id: &str,
    refund: (&str, Money, Option<String>),
) -> Result<Payment, Problem> {
    let (id, amount, reason) = refund;
    let at_ms = ctx.now_ms();
    let found = store::lock_payment(tx, shop_id, payment_id)?.ok_or(Problem::NoSuchPayment)?;
    check_place_refund(&found)?;
    if let Some(refusal) = kept::find_refund_refusal(&found)? {
        return Err(Problem::Bank(refusal));
    }
    let event = Event::RefundRequested { id: id.to_owned(), amount, reason, at_ms };
    change(tx, ctx, shop_id, payment_id, &event)
}

/// All that is left of a payment whose money nobody may keep goes back; where the bank's API has no
/// way for it, a person is told to.
pub fn give_back(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, payment_id): (&str, &str),
    reason: &str,
) -> Result<(), Problem> {
    let left = get_refundable(tx, shop_id, payment_id)?;
    give_back_part(tx, ctx, (shop_id, payment_id), (left, reason))
}

/// So much of it, of what is left.
pub fn give_back_part(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, payment_id): (&str, &str),
    (amount, reason): (Money, &str),
) -> Result<(), Problem> {
    let payment = lock_own(tx, shop_id, payment_id)?;
    if let Some(refusal) = kept::find_refund_refusal(&payment)? {
        kept::give_back_by_hand(tx, ctx, payment, (refusal, amount, reason))?;
        return Ok(());
    }
    if amount.is_zero() {
        return Ok(());
    }
    let id = ctx.mint.id("rf");
    let refund = (id.as_str(), amount, Some(reason.to_owned()));
    request_refund(tx, ctx, shop_id, payment_id, refund).map(|_| ())
}

/// What came by a code that is paid again and again, or by a company, goes back through the API
/// only where the bank has that: else the refund would wait for ever.
fn check_place_refund(payment: &Payment) -> Result<(), Problem> {
    let bank = get_bank(&payment.bank).map_err(Problem::Internal)?;
    let kinds = [CodeKind::Static, CodeKind::Desk, CodeKind::Invoice];
    let can = bank.capabilities().sbp_refunds.iter().any(|kind| kinds.contains(kind));
    if payment.place_id.is_none() || can {
        return Ok(());
    }
    Err(Problem::Bank(Refusal {
        class: RefusalClass::Unsupported,
        code: "refund_unsupported",
        message: "The bank's API sends back no payment that came by such a code.".into(),
        hint: "Send it back in the bank's internet bank, «QR-платежи».".into(),
        param: None,
    }))
}

fn change(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    payment_id: &str,
    event: &Event,
) -> Result<Payment, Problem> {
    let payment = lock_own(tx, shop_id, payment_id)?;
    let mut applied = state::apply(&payment, event).map_err(Problem::Refused)?;
    if applied.next != payment {
        // The bank's answer to this is wanted soon, whatever the payment's age.
        applied.next.dense_until_ms = ctx.now_ms() + DENSE_FOR_MS;
    }
    Ok(save(tx, ctx, &payment, applied)?)
}

/// The one door for "the bank says": notice, reply, poll, list and register all end here. Returns
/// the payment it was about, if it is one of ours.
pub fn observe(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    connection_id: &str,
    seen: &Observation,
) -> Result<Option<(Payment, bool)>, DbError> {
    let (bank_id, reference) = (seen.bank_id.as_deref(), seen.reference.as_deref());
    let Some(payment) = store::lock_payment_of_bank(tx, connection_id, bank_id, reference)? else {
        return Ok(None);
    };
    // Another operation with our reference is not our payment, whoever made it.
    if state::is_other(&payment, seen) {
        return Ok(None);
    }
    // Where a reference may have several payments, which of them is ours is told by its id alone.
    let is_known = payment.facts.bank_id.is_some();
    let names_one = get_bank(&payment.bank).is_ok_and(|bank| bank.capabilities().find_gives_url);
    if !is_known && !names_one {
        return Ok(None);
    }
    // An observation is never refused.
    let Ok(applied) = state::apply(&payment, &Event::Observed(seen.clone())) else {
        return Ok(None);
    };
    let is_news = !applied.effects.is_empty();
    let payment = save(tx, ctx, &payment, applied)?;
    Ok(Some((charge::hear_saved(tx, ctx, payment, seen)?, is_news)))
}

/// Applies what a driver did or heard, with the journal of it. `asked`: the bank was asked about
/// the payment, so the next look may wait.
pub async fn record(
    ctx: &Ctx,
    payment: &Payment,
    events: Vec<Event>,
    exchanges: Vec<Exchange>,
    asked: bool,
) -> anyhow::Result<Payment> {
    let (inner, seen) = (ctx.clone(), payment.clone());
    let saved: Result<Payment, DbError> = ctx
        .db
        .write(move |tx| {
            let id = seen.id.clone();
            let gone = || DbError::Decode(format!("{id} is gone"));
            let mut payment = attempts::lock_same(tx, &seen)?.ok_or_else(gone)?;
            for event in &events {
                match state::apply(&payment, event) {
                    Ok(applied) => {
                        payment = save(tx, &inner, &payment, applied)?;
                        if let Event::Observed(seen) = event {
                            payment = charge::hear_saved(tx, &inner, payment, seen)?;
                        }
                    }
                    Err(refused) => {
                        let why = format!("{id}: {event:?} refused: {refused:?}");
                        return Err(DbError::Other(why));
                    }
                }
            }
            if asked {
                payment.asked_ms = inner.now_ms();
                store::update_payment(tx, &payment)?;
            }
            exchanges.iter().try_for_each(|exchange| insert_exchange(tx, exchange, Some(&id)))?;
            Ok(payment)
        })
        .await;
    Ok(saved?)
}

/// Saves what was decided, announces it, and wakes the driver if the bank must hear of it.
fn save(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    before: &Payment,
    applied: Applied,
) -> Result<Payment, DbError> {
    let Applied { mut next, effects } = applied;
    if before.facts.paid.is_zero() && !next.facts.paid.is_zero() {
        next.facts.heard_paid_ms = next.facts.heard_paid_ms.or(Some(ctx.now_ms()));
    }
    if next != *before {
        store::update_payment(tx, &next)?;
    }
    for effect in effects {
        match effect {
            Effect::Announce { kind, refund_id } if next.attempt_of.is_some() => {
                attempts::announce_attempt(tx, ctx, &next, kind, refund_id.as_deref())?;
            }
            Effect::Announce { kind, refund_id } => {
                announce(tx, ctx, &next, kind, refund_id.as_deref())?;
            }
            Effect::Drive => jobs::nudge(tx, &ctx.mint, JOB, &next.id, ctx.now_ms())?,
        }
    }
    // What was taken for never made is there after all: somebody must look after it.
    if next.attempt_of.is_some() && before.facts.bank_id.is_none() && next.facts.bank_id.is_some() {
        jobs::nudge(tx, &ctx.mint, JOB, &next.id, ctx.now_ms())?;
    }
    let has_others = next.attempt_of.is_some() || next.moves > 0;
    if has_others && next != *before {
        attempts::settle(tx, ctx, &next)?;
        // It may have changed sides, or been asked for its money back.
        let now = attempts::lock_same(tx, &next)?.unwrap_or(next);
        receipts::follow(tx, ctx, &now)?;
        return Ok(now);
    }
    if next != *before {
        receipts::follow(tx, ctx, &next)?;
    }
    charge::follow(tx, ctx, before, next)
}

pub(super) fn announce(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: &Payment,
    kind: EventKind,
    refund_id: Option<&str>,
) -> Result<(), DbError> {
    let event = NewEvent {
        id: ctx.mint.id("ev"),
        shop_id: &payment.shop_id,
        subject_id: &payment.id,
        kind,
        about: refund_id,
        at_ms: ctx.now_ms(),
        body: &view::payment_json(payment, &ctx.public_url),
    };
    insert_event(tx, &event)?;
    jobs::wake(tx, &ctx.mint, &payment.id, ctx.now_ms())
}

/// The payer left for the bank: look every minute again, whatever the link's age.
pub async fn payer_left(ctx: &Ctx, payment: &Payment) -> Result<(), DbError> {
    let (shop_id, id) = (payment.shop_id.clone(), payment.id.clone());
    let inner = ctx.clone();
    ctx.db
        .write(move |tx| {
            let Some(mut payment) = store::lock_payment(tx, &shop_id, &id)? else { return Ok(()) };
            let now_ms = inner.now_ms();
            payment.dense_until_ms = payment.dense_until_ms.max(now_ms + DENSE_FOR_MS);
            store::update_payment(tx, &payment)?;
            jobs::nudge(tx, &inner.mint, JOB, &id, now_ms + MINUTE_MS)
        })
        .await
}
