//! All that is known of what a customer agreed to and what was taken from him.

use super::{Problem, describe, withdraw::of_customer};
use crate::{
    instruments,
    kit::{clock::iso, db::Tx},
    payments, shops,
    subscriptions::{
        store,
        view::{
            PeriodView,
            evidence::{
                ConsentProof, EventProof, EvidenceView, InstrumentProof, PaymentProof,
                SubscriptionProof,
            },
        },
    },
    todos,
};

/// Periods of one subscription: a daily one over more than ten years.
const MANY: i64 = 5_000;

/// Puts it together from what is stored now; nothing is known of a customer who has nothing.
pub fn gather(
    tx: &mut dyn Tx,
    (shop_id, customer_id): (&str, &str),
    now_ms: i64,
) -> Result<EvidenceView, Problem> {
    let shop = shops::store::find_shop(tx, shop_id)?;
    let (subscriptions, saved) = of_customer(tx, shop_id, customer_id)?;
    let (mut consents, mut shown, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for it in subscriptions.iter().rev() {
        let given = store::list_consents(tx, &it.id)?;
        consents.extend(given.iter().rev().map(ConsentProof::from));
        let described = describe(tx, it)?;
        let mut periods = Vec::new();
        for period in store::list_periods(tx, &it.id, MANY)? {
            let attempts = store::list_attempts(tx, &it.id, period.number)?;
            periods.push(PeriodView::new(&period, &attempts));
        }
        shown.push(SubscriptionProof {
            id: it.id.clone(),
            plan: described.plan.map(|plan| plan.code).unwrap_or_default(),
            name: described.version.terms.name,
            status: it.state.status().as_str(),
            created_at: iso(it.created_ms),
            periods,
        });
        events.extend(store::list_happened(tx, &it.id)?.iter().map(EventProof::from));
        let said = todos::list_closed(tx, (todos::Kind::NoticeUndelivered, &it.id))?;
        events.extend(said.iter().map(EventProof::of_shops_word));
    }
    for own in &saved {
        let consent = instruments::store::find_consent(tx, own)?;
        consents.extend(consent.iter().map(|consent| ConsentProof::of_saved(own, consent)));
    }
    let mut taken = Vec::new();
    for asked in store::list_asked(tx, shop_id, customer_id)? {
        let Some(payment) = payments::store::find_payment(tx, shop_id, &asked.payment_id)? else {
            continue;
        };
        taken.push(PaymentProof::new(&asked, &payment));
        events.extend(store::list_happened(tx, &payment.id)?.iter().map(EventProof::from));
    }
    consents.sort_by(|a, b| a.given_at.cmp(&b.given_at));
    events.sort_by_key(|event| event.at_ms);
    Ok(EvidenceView {
        object: "evidence",
        shop: shop.map_or_else(String::new, |shop| shop.name),
        customer_id: customer_id.to_owned(),
        made_at: iso(now_ms),
        consents,
        instruments: saved.iter().map(InstrumentProof::from).collect(),
        subscriptions: shown,
        payments: taken,
        events,
    })
}
