//! Use cases of cards that their bank keeps as subscriptions: whose money each approval of the
//! shared operation is, and what the bank gives back of it. One approval is one payment's, for
//! ever; a charge takes one that was not there before it was sent. The bank is asked in
//! [`crate::payments::drive`].

use std::collections::BTreeSet;

use kopeck_banks::{
    Money,
    bank::Capabilities,
    op::{Approval, BankStatus, Observation, PayMethod, Refusal, RefusalClass},
};

use super::{JOB, NewPayment, Problem, doubt, routing::plan_at, save};
use crate::{
    gateway::{
        flow::get_bank,
        store::{Exchange, insert_exchange},
    },
    instruments::{
        self,
        flow::Unusable,
        model::{Heard, Instrument, InstrumentStatus, Kind},
        store as saved,
    },
    kit::{
        Ctx,
        clock::MINUTE_MS,
        db::{DbError, Tx},
        jobs,
    },
    payments::{
        drive::NOTHING_NEW,
        model::{Facts, Failure, Intents, Means, Payment, Refund, RefundState, Status},
        receipts,
        schedule::DENSE_FOR_MS,
        state::{self, Applied, Event, Shared},
        store::{self, shared},
    },
    shops,
};

/// How long a charge waits to be sent, and after how long without a word of it a person is told.
/// The bank has no word for "it was not made": a charge that is made shows within seconds, and a
/// day is more than any machine sleeps; but what is not shown is not known.
pub const TTL_MINUTES: u32 = 24 * 60;

/// So long the bank may take to show what its notice told of: a look at once, and one more.
const LOOK_FOR_MS: i64 = 2 * MINUTE_MS;

/// The code of a refund that a person has to make in the bank's cabinet.
pub const BY_HAND: &str = "refund_unsupported";

/// How the bank's approval is kept: an operation's own numbers may come again in another.
fn name_of(operation: &str, approval: &str) -> String {
    format!("{operation}/{approval}")
}

/// What the bank says of the operation that this payment opened, to all whose money is in it. The
/// payment is locked.
pub(super) fn hear(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    opening: Payment,
    seen: &Observation,
) -> Result<Payment, DbError> {
    let is_other = state::is_other(&opening, seen);
    let Some(operation) = opening.facts.bank_id.clone().filter(|_| !is_other) else {
        return Ok(opening);
    };
    let Some(own) = saved::lock_by_payment(tx, &opening.id)? else { return Ok(opening) };
    if seen.approvals.is_empty() {
        let is_awaited = wake_charges(tx, ctx, &own)?;
        return look_again(tx, ctx, opening, (&own, is_awaited));
    }
    // Every row is locked before the first event is told: events wake jobs, which are locked last.
    if has_refunds(seen) {
        shared::lock_approved(tx, &own.id)?;
    }
    let opening = share_out(tx, ctx, (opening, &own), (&operation, seen))?;
    let has_news = seen.saved_card.is_some() && own.member_name.is_none();
    if has_news && !opening.facts.paid.is_zero() {
        let heard = Heard::kept(&operation, seen.saved_card.as_ref());
        instruments::flow::hear(tx, ctx, &own.id, &heard)?;
    }
    share_refunds(tx, ctx, (opening, &own), seen)
}

/// A notice tells that something was charged, not which of it: the operation is asked at once.
/// Whether there was a charge that waits for it.
fn wake_charges(tx: &mut dyn Tx, ctx: &Ctx, own: &Instrument) -> Result<bool, DbError> {
    let mut is_awaited = false;
    for charge in shared::lock_unapproved(tx, &own.id)? {
        if charge.status() == Status::Open {
            is_awaited = true;
            // However long the silence: the wait before its next look ends here.
            let charge = Payment { asked_ms: 0, ..charge };
            store::update_payment(tx, &charge)?;
            jobs::nudge(tx, &ctx.mint, JOB, &charge.id, ctx.now_ms())?;
        }
    }
    Ok(is_awaited)
}

/// What nobody waits for is looked for in the payment that opened the operation: money of a charge
/// that was refused or settled by hand, what nobody asked for, what the bank still charges by
/// itself after its end was asked for. Usually it is the notice of what is known already.
fn look_again(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    mut opening: Payment,
    (own, is_awaited): (&Instrument, bool),
) -> Result<Payment, DbError> {
    let is_ending = own.is_scheduled && own.withdrawn_ms.is_some();
    if (is_ending || !is_awaited) && !opening.facts.paid.is_zero() {
        let now_ms = ctx.now_ms();
        let for_ms = match is_ending {
            true => DENSE_FOR_MS,
            // A look that shows nothing must not prolong itself.
            false if now_ms < opening.dense_until_ms => 0,
            false => LOOK_FOR_MS,
        };
        opening.dense_until_ms = opening.dense_until_ms.max(now_ms + for_ms);
        opening.asked_ms = 0;
        store::update_payment(tx, &opening)?;
        jobs::nudge(tx, &ctx.mint, JOB, &opening.id, ctx.now_ms())?;
    }
    Ok(opening)
}

/// Gives each new approval to the payment that it is for: the first one to the payment that opened
/// the operation, each other one to a charge of that sum that was sent before it was there.
fn share_out(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (mut opening, own): (Payment, &Instrument),
    (operation, seen): (&str, &Observation),
) -> Result<Payment, DbError> {
    let mut taken: BTreeSet<String> = shared::list_approvals(tx, &own.id)?.into_iter().collect();
    taken.extend(opening.facts.approval.clone());
    let is_new = |(id, _): &(&String, &Approval)| !taken.contains(&name_of(operation, id));
    let mut fresh: Vec<(&String, &Approval)> = seen.approvals.iter().filter(is_new).collect();
    fresh.sort_by_key(|(id, approval)| (approval.at, *id));
    if opening.facts.approval.is_none() && !fresh.is_empty() {
        let (id, approval) = fresh.remove(0);
        opening = approve(tx, ctx, opening, (name_of(operation, id), approval))?;
    }
    if fresh.is_empty() {
        return Ok(opening);
    }
    let mut waiting = shared::lock_unapproved(tx, &own.id)?;
    let mut refused = shared::lock_refused(tx, &own.id)?;
    for (id, approval) in fresh {
        let fits = |it: &Payment| {
            it.amount == approval.amount && !it.intents.approvals_before.contains(id)
        };
        // There is one under way at most; what comes for it later than anybody waits is its own.
        let rank = |it: &Payment| (it.status() == Status::Open, it.intents.charge_asked_ms);
        let found = waiting.iter().enumerate().filter(|(_, it)| fits(it));
        let Some(at) = found.max_by_key(|(_, it)| rank(it)).map(|(at, _)| at) else {
            // What the bank charges by itself may come before its period begins here.
            if own.is_scheduled && own.withdrawn_ms.is_none() {
                continue;
            }
            let taken = (id.as_str(), approval.amount, approval.at.map(|at| at.as_millisecond()));
            let named = (name_of(operation, id), approval);
            if let Some(charge) = doubt::find_refused(&refused, taken).cloned() {
                refused.retain(|it| it.id != charge.id);
                approve(tx, ctx, charge, named)?;
                continue;
            }
            let charge = unasked(tx, ctx, (&opening, own), approval.amount)?;
            super::create(tx, ctx, &charge)?;
            let paid = approve(tx, ctx, charge, named)?;
            if own.withdrawn_ms.is_none() {
                doubt::unexpected(tx, ctx, &paid)?;
            }
            continue;
        };
        let charge = waiting.remove(at);
        approve(tx, ctx, charge, (name_of(operation, id), approval))?;
    }
    Ok(opening)
}

/// The bank charged a card by itself: money that nobody here asked for. Of a card that its payer
/// had taken back it goes back.
fn unasked(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (opening, own): (&Payment, &Instrument),
    amount: Money,
) -> Result<Payment, DbError> {
    let now_ms = ctx.now_ms();
    let receipt = receipts::for_unasked(tx, ctx, &opening.shop_id, amount)?;
    Ok(Payment {
        id: ctx.mint.id("pay"),
        reference: super::reference(None, &ctx.mint.code(10)),
        means: Means::Saved { kind: Kind::Kept, id: own.id.clone() },
        amount,
        order_id: None,
        receipt,
        metadata: "{}".to_owned(),
        intents: Intents { charge_asked_ms: Some(now_ms), ..Intents::default() },
        facts: Facts::default(),
        refunds: Vec::new(),
        created_ms: now_ms,
        expires_ms: now_ms,
        asked_ms: 0,
        dense_until_ms: now_ms,
        ..opening.clone()
    })
}

/// A period's money that the bank takes by its own schedule: nothing is sent, and from now on it is
/// asked whether it was taken.
pub async fn plan_awaited(
    ctx: &Ctx,
    shop_id: &str,
    card_id: &str,
    new: NewPayment,
) -> Result<Payment, Problem> {
    let (shop, id) = (shop_id.to_owned(), card_id.to_owned());
    let found: Result<_, DbError> = ctx.db.read(move |tx| saved::find_instrument(tx, &id)).await;
    let own = found?.filter(|own| own.shop_id == shop && is_charged_by_bank(own));
    let own = own.ok_or(Problem::Saved(Unusable::Missing(Kind::Card)))?;
    let connection = shops::flow::get_connection(ctx, &own.connection_id).await;
    let new = NewPayment {
        methods: vec![PayMethod::Card],
        means: Means::Saved { kind: Kind::Kept, id: own.id },
        ..new
    };
    let mut payment = plan_at(ctx, &connection.map_err(Problem::Internal)?, new)?;
    payment.intents.charge_asked_ms = Some(payment.created_ms);
    Ok(payment)
}

fn is_charged_by_bank(own: &Instrument) -> bool {
    own.is_scheduled && own.status == InstrumentStatus::Active
}

/// The card that the bank charges by itself; it stays so until the transaction ends.
pub(super) fn lock_scheduled(
    tx: &mut dyn Tx,
    card_id: &str,
) -> Result<Result<Instrument, Unusable>, DbError> {
    let found = saved::lock_instrument(tx, card_id)?;
    Ok(found.filter(is_charged_by_bank).ok_or(Unusable::Missing(Kind::Card)))
}

fn approve(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    payment: Payment,
    (approval, told): (String, &Approval),
) -> Result<Payment, DbError> {
    let paid_ms = told.at.map(|at| at.as_millisecond());
    let event = Event::Shared(Shared::Approved { approval, amount: told.amount, paid_ms });
    apply(tx, ctx, payment, &event)
}

/// What is heard is never refused.
fn apply(tx: &mut dyn Tx, ctx: &Ctx, payment: Payment, event: &Event) -> Result<Payment, DbError> {
    match state::apply(&payment, event) {
        Ok(applied) => save(tx, ctx, &payment, applied),
        Err(_) => Ok(payment),
    }
}

fn has_refunds(seen: &Observation) -> bool {
    !seen.refunds.is_empty() || seen.status == Some(BankStatus::Refunded)
}

/// Refunds are made in the bank's cabinet, and the bank says of which operation, not of which of
/// its payments: one of a payment's whole sum is that payment's, the newest of several; a part is
/// the newest payment's that has so much left. Once given to a payment it stays there.
fn share_refunds(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (opening, own): (Payment, &Instrument),
    seen: &Observation,
) -> Result<Payment, DbError> {
    if !has_refunds(seen) {
        return Ok(opening);
    }
    let is_whole = seen.status == Some(BankStatus::Refunded);
    let mut all = shared::lock_approved(tx, &own.id)?;
    all.push(opening);
    let known: BTreeSet<String> =
        all.iter().flat_map(|it| it.facts.refunds.keys().cloned()).collect();
    for (id, amount) in seen.refunds.iter().filter(|(id, _)| !known.contains(*id)) {
        let left = |it: &Payment| it.facts.paid.minus_or_zero(it.refunded());
        let was_asked = |it: &Payment| it.refunds.iter().any(|it| is_by_hand(it) == Some(*amount));
        let fits = all.iter().enumerate().filter(|(_, it)| left(it) >= *amount);
        let rank = |it: &Payment| (was_asked(it), left(it) == *amount, it.facts.paid_ms);
        let Some(at) = fits.max_by_key(|(_, it)| rank(it)).map(|(at, _)| at) else { continue };
        let refunds = [(id.clone(), *amount)].into();
        let event = Event::Shared(Shared::PartGivenBack { refunds });
        all[at] = apply(tx, ctx, all[at].clone(), &event)?;
    }
    if is_whole {
        for payment in &mut all {
            *payment = apply(tx, ctx, payment.clone(), &Event::Shared(Shared::AllGivenBack))?;
        }
    }
    let opening = all.pop();
    opening.ok_or_else(|| DbError::Decode(format!("the payment of {} is gone", own.id)))
}

/// Of a refund that a person has to make: how much.
fn is_by_hand(refund: &Refund) -> Option<Money> {
    match &refund.state {
        RefundState::Failed(failure) if failure.code == BY_HAND => Some(refund.amount),
        RefundState::Failed(_)
        | RefundState::Requested
        | RefundState::Asked { .. }
        | RefundState::Succeeded => None,
    }
}

/// Whether a person was told to give its money back.
pub fn is_given_back_by_hand(payment: &Payment) -> bool {
    payment.refunds.iter().any(|refund| is_by_hand(refund).is_some())
}

/// Where the bank has the money of this charge: the operation that its card was kept by.
pub async fn find_operation(ctx: &Ctx, charge: &Payment) -> Result<Option<String>, DbError> {
    let Some((_, card_id)) = charge.instrument() else { return Ok(None) };
    let card_id = card_id.to_owned();
    ctx.db
        .read(move |tx| {
            let own = saved::find_instrument(tx, &card_id)?;
            let Some(id) = own.and_then(|own| own.payment_id) else { return Ok(None) };
            Ok(store::find_payment_by_id(tx, &id)?.and_then(|opening| opening.facts.bank_id))
        })
        .await
}

/// Takes in a look at the shared operation for one of its charges, with the journal of it.
pub async fn record_look(
    ctx: &Ctx,
    charge: &Payment,
    seen: Option<&Observation>,
    mut exchanges: Vec<Exchange>,
) -> anyhow::Result<Payment> {
    let (inner, known, seen) = (ctx.clone(), charge.clone(), seen.cloned());
    let saved: Result<Payment, DbError> = ctx
        .db
        .write(move |tx| {
            let card_id = known.instrument().map(|(_, id)| id.to_owned()).unwrap_or_default();
            let own = saved::find_instrument(tx, &card_id)?;
            let opening = match own.and_then(|own| own.payment_id).filter(|_| seen.is_some()) {
                Some(id) => shared::lock_opening(tx, &id)?,
                None => None,
            };
            if let (Some(opening), Some(seen)) = (opening, &seen) {
                let opening = apply(tx, &inner, opening, &Event::Observed(seen.clone()))?;
                hear(tx, &inner, opening, seen)?;
            }
            let gone = || DbError::Decode(format!("{} is gone", known.id));
            let locked = store::lock_payment(tx, &known.shop_id, &known.id)?;
            let mut payment = locked.ok_or_else(gone)?;
            if payment.facts == known.facts && seen.is_some() {
                exchanges.iter_mut().for_each(|it| it.reply = NOTHING_NEW.to_owned());
            }
            // A look without an answer is none: the next one follows soon.
            if seen.is_some() {
                payment.asked_ms = inner.now_ms();
            }
            store::update_payment(tx, &payment)?;
            exchanges.iter().try_for_each(|it| insert_exchange(tx, it, Some(&payment.id)))?;
            doubt::alarm(tx, &inner, &payment)?;
            Ok(payment)
        })
        .await;
    Ok(saved?)
}

/// The payment that keeps a card is paid: from now on the card can be charged.
pub(super) fn activate(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    opening: &Payment,
) -> Result<Option<Instrument>, DbError> {
    let Some(operation) = opening.facts.bank_id.as_deref() else { return Ok(None) };
    let Some(own) = saved::lock_by_payment(tx, &opening.id)? else { return Ok(None) };
    let heard = instruments::flow::hear(tx, ctx, &own.id, &Heard::kept(operation, None))?;
    Ok(heard.filter(|(_, is_new)| *is_new).map(|(own, _)| own))
}

/// Whether the bank's API gives back no money of this payment.
pub fn find_refund_refusal(payment: &Payment) -> Result<Option<Refusal>, Problem> {
    let bank = get_bank(&payment.bank).map_err(Problem::Internal)?;
    let can = bank.capabilities().subscriptions.is_some_and(|limits| limits.refunds);
    if !payment.shares_operation() || can {
        return Ok(None);
    }
    Ok(Some(Refusal {
        class: RefusalClass::Unsupported,
        code: BY_HAND,
        message: "The bank's API gives back no payment of a card that the bank keeps as a \
                  subscription."
            .into(),
        hint: "Give it back in the bank's internet bank: Kopeck sees it there.".into(),
        param: None,
    }))
}

/// Nobody may keep this payment's money, and the bank gives it back in its cabinet only: written
/// down as a refund that a person has to make, and told so.
pub(super) fn give_back_by_hand(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    paid: Payment,
    (refusal, amount, reason): (Refusal, Money, &str),
) -> Result<Payment, DbError> {
    if is_given_back_by_hand(&paid) || amount.is_zero() {
        return Ok(paid);
    }
    let id = ctx.mint.id("rf");
    let wanted = Event::RefundRequested {
        id: id.clone(),
        amount,
        reason: Some(reason.to_owned()),
        at_ms: ctx.now_ms(),
    };
    let refused = Event::RefundRefused { id, failure: Failure::from(&refusal) };
    // Both at once, so that no driver ever finds it to be sent.
    let Ok(first) = state::apply(&paid, &wanted) else { return Ok(paid) };
    let Ok(second) = state::apply(&first.next, &refused) else { return Ok(paid) };
    let effects = first.effects.into_iter().chain(second.effects);
    let effects = effects.filter(|effect| *effect != state::Effect::Drive).collect();
    save(tx, ctx, &paid, Applied { next: second.next, effects })
}

/// Whether a card can be saved to be charged again, in whatever way the bank has for it.
pub const fn saves_cards(can: &Capabilities) -> bool {
    can.saves_cards || can.subscriptions.is_some()
}

/// The kind that a card to be saved has at this bank.
pub(super) fn at_bank(means: Means, can: &Capabilities) -> Means {
    match means {
        Means::Save { kind: Kind::Card, customer_id, id }
            if !can.saves_cards && can.subscriptions.is_some() =>
        {
            Means::Save { kind: Kind::Kept, customer_id, id }
        }
        Means::Payer | Means::Save { .. } | Means::Saved { .. } => means,
    }
}
