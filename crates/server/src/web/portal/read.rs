//! What a customer's pages show, read in one transaction.

use crate::{
    instruments::{self, model::Instrument},
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments,
    receipts::{self, model::Kind},
    subscriptions::{
        flow::{describe, withdraw::of_customer},
        links::{Visitor, withdraw_url},
        model::{Outcome, Period},
        store,
        view::{Described, open_link},
    },
    web::brand::{Look, find_look},
};

/// Subscriptions on a page: more than any customer has.
const MANY: usize = 50;
/// Two years of months.
const PERIODS: i64 = 24;

/// A period with what was paid for it.
pub struct Paid {
    pub period: Period,
    pub payment_id: Option<String>,
    /// Where the receipt is shown, if whoever made it told.
    pub receipt_url: Option<String>,
}

pub struct Own {
    pub described: Described,
    pub instrument: Option<Instrument>,
    /// The newest first.
    pub history: Vec<Paid>,
    /// The payment that is waited for.
    pub pay_id: Option<String>,
    /// The one by which another card is saved.
    pub rebind_id: Option<String>,
    pub withdraw_url: String,
}

pub struct Seen {
    pub look: Look,
    /// The newest first, those that are over last.
    pub all: Vec<Own>,
}

pub fn read(tx: &mut dyn Tx, ctx: &Ctx, visitor: &Visitor) -> Result<Seen, DbError> {
    let look = find_look(tx, &visitor.shop_id)?;
    let (subscriptions, _) = of_customer(tx, &visitor.shop_id, &visitor.customer_id)?;
    let mut all = Vec::new();
    for subscription in subscriptions.iter().take(MANY) {
        let described = describe(tx, subscription)?;
        let instrument = match &subscription.instrument_id {
            Some(id) => instruments::store::find_instrument(tx, id)?,
            None => None,
        };
        let mut history = Vec::new();
        for period in store::list_periods(tx, &subscription.id, PERIODS)? {
            history.push(paid(tx, period)?);
        }
        all.push(Own {
            pay_id: open_link(&described.book).map(str::to_owned),
            rebind_id: described.rebind.as_ref().map(|rebind| rebind.payment_id.clone()),
            withdraw_url: withdraw_url(ctx, subscription),
            described,
            instrument,
            history,
        });
    }
    all.sort_by_key(|own| own.described.book.subscription.state.status().is_over());
    Ok(Seen { look, all })
}

fn paid(tx: &mut dyn Tx, period: Period) -> Result<Paid, DbError> {
    let attempts = store::list_attempts(tx, &period.subscription_id, period.number)?;
    let found = attempts.iter().rev().find(|it| it.outcome == Outcome::Paid);
    let payment_id = found.map(|attempt| attempt.payment_id.clone());
    let receipts = match &payment_id {
        Some(id) => receipts::store::list_of_payment(tx, id)?,
        None => Vec::new(),
    };
    let income = receipts.into_iter().find(|receipt| receipt.kind == Kind::Income);
    let url = income.and_then(|receipt| receipt.fiscal).and_then(|fiscal| fiscal.url);
    let receipt_url = url.filter(|url| url.starts_with("https://"));
    // A payment that is not there any more has no page.
    let payment_id = match payment_id {
        Some(id) if payments::store::find_payment_by_id(tx, &id)?.is_some() => Some(id),
        Some(_) | None => None,
    };
    Ok(Paid { period, payment_id, receipt_url })
}
