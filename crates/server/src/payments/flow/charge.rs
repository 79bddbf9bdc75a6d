//! Use cases of what payers save: an account that comes with a payment, and payments that are taken
//! from it without its payer. The bank is asked in [`crate::payments::drive`].

use kopeck_banks::op::{AccountBinding, CaptureMode, PayMethod, Qr};

use super::{NewPayment, Problem, create, routing::plan_at, save};
use crate::{
    events::EventKind,
    instruments::{
        self,
        flow::Unusable,
        model::{AccountStatus, SavedAccount},
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
    pub account_id: String,
    /// Whose it must be, and where it must be saved, if that was said.
    pub customer_id: Option<String>,
    pub bank: Option<String>,
}

/// Plans a payment that is taken from a saved account, at the account's own bank, without saving
/// it. `new` says what and how much; how it is paid follows from the account.
pub async fn plan(
    ctx: &Ctx,
    shop_id: &str,
    from: &Saved,
    new: NewPayment,
) -> Result<Payment, Problem> {
    let (shop_id, wanted) = (shop_id.to_owned(), from.clone());
    let found: Result<_, DbError> = ctx
        .db
        .read(move |tx| {
            let id = &wanted.account_id;
            // Somebody else's is told apart from none by nobody.
            let is_meant = instruments::store::find_account(tx, id)?.is_some_and(|own| {
                let is_at = |bank: &String| *bank == own.bank || *bank == own.connection_id;
                let is_his = |customer: &String| *customer == own.customer_id;
                wanted.customer_id.as_ref().is_none_or(is_his)
                    && wanted.bank.as_ref().is_none_or(is_at)
            });
            if !is_meant {
                return Ok(Err(Unusable::Missing));
            }
            instruments::flow::find_active(tx, &shop_id, id)
        })
        .await;
    let account = found?.map_err(Problem::Saved)?;
    let connection = shops::flow::get_connection(ctx, &account.connection_id).await;
    let new = NewPayment {
        methods: vec![PayMethod::Sbp],
        capture: CaptureMode::Automatic,
        ttl_minutes: TTL_MINUTES,
        means: Means::Account { id: account.id },
        ..new
    };
    plan_at(ctx, &connection.map_err(Problem::Internal)?, new)
}

/// Saves a planned charge, unless its account cannot be charged any more: that is looked at in the
/// very transaction that makes the charge. Whoever wants it once saves what names it beside it.
pub fn create_any(tx: &mut dyn Tx, ctx: &Ctx, payment: &Payment) -> Result<(), Problem> {
    if let Means::Account { id } = &payment.means {
        let account = instruments::flow::lock_active(tx, &payment.shop_id, id)?;
        account.map_err(Problem::Saved)?;
    }
    Ok(create(tx, ctx, payment)?)
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Failure {
        let message = match unusable {
            Unusable::Missing => "The saved account is gone".to_owned(),
            Unusable::NotActive(status) => {
                format!("The saved account is {} by now", status.as_str())
            }
        };
        Failure {
            code: "account_not_active".into(),
            message,
            hint: "Nothing was charged: let the customer save an account anew".into(),
        }
    }
}

/// What is to be sent, marked as sent; or the payment as it is now, when there is nothing to send.
pub enum Asked {
    Send { payment: Box<Payment>, account: Box<SavedAccount> },
    Nothing(Box<Payment>),
}

/// Marks the charge as sent, durably, before it leaves. An account that ended meanwhile ends the
/// payment: nothing has left yet.
pub async fn mark(ctx: &Ctx, seen: &Payment) -> anyhow::Result<Asked> {
    let (inner, seen) = (ctx.clone(), seen.clone());
    let marked: Result<Asked, DbError> = ctx
        .db
        .write(move |tx| {
            let nothing = |payment: Payment| Asked::Nothing(Box::new(payment));
            let found = match seen.account_id() {
                Some(id) => instruments::flow::lock_active(tx, &seen.shop_id, id)?,
                None => Err(Unusable::Missing),
            };
            let gone = || DbError::Decode(format!("{} is gone", seen.id));
            let payment = store::lock_payment(tx, &seen.shop_id, &seen.id)?.ok_or_else(gone)?;
            let (event, account) = match found {
                Ok(account) => (Event::ChargeAsked { at_ms: inner.now_ms() }, Some(account)),
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
            Ok(match account {
                Some(account) => {
                    Asked::Send { payment: Box::new(next), account: Box::new(account) }
                }
                None => nothing(next),
            })
        })
        .await;
    Ok(marked?)
}

/// The bank's code for this payment also saves the payer's account. Kept before the code itself is,
/// so that a code that anybody may see has an account to tell of; asked for again, the code and its
/// account are the same.
pub async fn begin_account(ctx: &Ctx, payment: &Payment, qr: &Qr) -> Result<(), DbError> {
    let Means::SaveAccount { customer_id, .. } = &payment.means else { return Ok(()) };
    let Some(request_key) = qr.request_key.clone() else { return Ok(()) };
    let account = SavedAccount {
        id: ctx.mint.id("acc"),
        shop_id: payment.shop_id.clone(),
        customer_id: customer_id.clone(),
        connection_id: payment.connection_id.clone(),
        bank: payment.bank.clone(),
        purpose: payment.purpose.clone(),
        payment_id: Some(payment.id.clone()),
        watched_ms: None,
        request_key,
        link: qr.content.clone(),
        status: AccountStatus::Pending,
        sealed: None,
        member_id: None,
        member_name: None,
        created_ms: ctx.now_ms(),
    };
    let inner = ctx.clone();
    ctx.db.write(move |tx| instruments::flow::begin(tx, &inner, &account)).await
}

/// Once its payment is over, the account that it was to save is asked about: no notice is needed.
pub(super) fn follow(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    before: &Payment,
    next: &Payment,
) -> Result<(), DbError> {
    let saves = matches!(next.means, Means::SaveAccount { .. });
    let is_over = |status: Status| !matches!(status, Status::Opening | Status::Open);
    if saves && is_over(next.status()) && before.status() != next.status() {
        instruments::flow::watch(tx, ctx, &next.id)?;
    }
    Ok(())
}

/// The one door for what the bank says of an account: an answer and a notice end here. The payment
/// that saved it then says which account that is, and the shop is told.
pub fn hear_account(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    account: &SavedAccount,
    heard: &AccountBinding,
) -> Result<SavedAccount, DbError> {
    let payment = match &account.payment_id {
        Some(payment_id) => store::lock_payment(tx, &account.shop_id, payment_id)?,
        None => None,
    };
    let gone = || DbError::Decode(format!("{} is gone", account.id));
    let (account, is_new) =
        instruments::flow::hear(tx, ctx, &account.id, heard)?.ok_or_else(gone)?;
    if let Some(payment) = payment.filter(|_| is_new) {
        link_account(tx, ctx, payment, &account)?;
    }
    Ok(account)
}

fn link_account(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    mut payment: Payment,
    account: &SavedAccount,
) -> Result<(), DbError> {
    if let Means::SaveAccount { account_id, .. } = &mut payment.means {
        *account_id = Some(account.id.clone());
    }
    store::update_account(tx, &payment, &account.id)?;
    super::announce(tx, ctx, &payment, EventKind::AccountSaved, None)
}
