//! A buyer pays a payment of the portal's own by our pay system: its sum is read at the portal, its
//! link is made once.

use kopeck_banks::Money;
use kopeck_integrations::{
    Settings,
    bitrix24::{
        card::{self, PortalPayment},
        inbound::{self, Checkout, Form},
    },
};
use serde_json::Value;

use super::{
    links::{self, For, Wish},
    older::{self, Known},
    portal::{self, As, Trouble},
    store::list_checkouts,
};
use crate::{
    integrations::model::Linked,
    kit::{Ctx, db::DbError, secret::mask_text},
    payments::{self, model::Payment},
};

const PAID: &str = "Этот заказ уже оплачен";
const HELD: &str = "Деньги за этот заказ уже удержаны банком";
const OTHER_SUM: &str = "Сумма заказа изменилась: обновите страницу";
const CURRENCY: &str = "Оплата возможна только в рублях";
const NOT_NOW: &str = "Оплата сейчас недоступна, попробуйте через минуту";
const NOT_AT_ALL: &str = "Оплата этим способом сейчас не настроена, сообщите продавцу";

/// What the portal is answered: the link, or a sentence for the buyer. The same twice is one link.
pub async fn answer(ctx: &Ctx, linked: &Linked, form: &Form) -> Result<Value, DbError> {
    let checkout = match inbound::checkout(form) {
        Ok(checkout) => checkout,
        Err(problem) => return Ok(inbound::checkout_answer(Err(&problem.to_string()))),
    };
    let id = checkout.payment_id.clone();
    let make = |settings: &Settings| card::portal_payment(settings, &id);
    let read = card::read_portal_payment;
    let told = match portal::call(ctx, &linked.id, As::App, make, read).await {
        Ok(told) => told,
        Err(trouble) => return Ok(inbound::checkout_answer(Err(words(linked, &trouble)))),
    };
    if let Some(why) = refusal(&checkout, &told) {
        return Ok(inbound::checkout_answer(Err(why)));
    }
    let known = known(ctx, linked, &checkout.payment_id).await?;
    let made = match choose(&known, told.sum) {
        Chosen::Taken(why) => return Ok(inbound::checkout_answer(Err(why))),
        Chosen::Same(payment) => Ok(payment.clone()),
        Chosen::New => make_new(ctx, linked, &checkout, (told.sum, known.len())).await,
    };
    if let Ok(payment) = &made {
        // A link of the sum that the order had before asks for what nobody owes.
        older::give_way(ctx, &known, (payment, told.sum)).await?;
    }
    Ok(match made {
        Ok(payment) => {
            let url = links::pay_url(ctx, &payment);
            inbound::checkout_answer(Ok((&url, &payment.id)))
        }
        Err(why) => inbound::checkout_answer(Err(&why)),
    })
}

fn words(linked: &Linked, trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Later { .. } | Trouble::Unclear(_) => NOT_NOW,
        Trouble::Broken(_) | Trouble::Internal(_) => {
            let integration_id = &linked.id;
            let why = mask_text(&format!("{trouble:?}"));
            tracing::warn!(integration_id, why, "a payment of a portal cannot be read");
            NOT_AT_ALL
        }
    }
}

/// The post came through the buyer's browser: the portal's own word counts.
fn refusal(checkout: &Checkout, told: &PortalPayment) -> Option<&'static str> {
    if told.is_paid {
        return Some(PAID);
    }
    if !told.is_rubles {
        return Some(CURRENCY);
    }
    (told.sum != checkout.amount).then_some(OTHER_SUM)
}

/// What was made for a payment of the portal.
pub(super) async fn known(
    ctx: &Ctx,
    linked: &Linked,
    portal_payment_id: &str,
) -> Result<Vec<Known>, DbError> {
    let (own, id) = (linked.clone(), portal_payment_id.to_owned());
    ctx.db
        .read(move |tx| {
            let mut found = Vec::new();
            for checkout in list_checkouts(tx, &own.id, &id)? {
                let id = checkout.payment_id.as_str();
                if let Some(payment) = payments::store::find_payment(tx, &own.shop_id, id)? {
                    found.push(Known::load(tx, payment)?);
                }
            }
            Ok(found)
        })
        .await
}

enum Chosen<'a> {
    /// And in which words.
    Taken(&'static str),
    Same(&'a Payment),
    New,
}

/// A link that can be paid is given again; money that came is not asked for twice.
fn choose(known: &[Known], sum: Money) -> Chosen<'_> {
    if let Some(taken) = known.iter().find(|it| !it.taken().is_zero()) {
        return Chosen::Taken(if taken.payment.facts.paid.is_zero() { HELD } else { PAID });
    }
    let same = known.iter().find(|it| it.is_open() && it.payment.amount == sum);
    same.map_or(Chosen::New, |it| Chosen::Same(&it.payment))
}

async fn make_new(
    ctx: &Ctx,
    linked: &Linked,
    checkout: &Checkout,
    (sum, number): (Money, usize),
) -> Result<Payment, String> {
    let wish = Wish {
        amount: sum,
        purpose: format!("Заказ, оплата {}", checkout.payment_id),
        success_url: checkout.return_url.clone(),
        key: format!("checkout {} {number} {}", checkout.payment_id, sum.kopecks()),
        ..Wish::default()
    };
    let whom = For::Checkout {
        portal_payment_id: checkout.payment_id.clone(),
        pay_system_id: checkout.pay_system_id.clone(),
    };
    links::make(ctx, linked, &wish, whom).await.map_err(|error| {
        let integration_id = &linked.id;
        tracing::warn!(integration_id, code = error.code, "no link for a portal's payment");
        (if error.status >= 500 { NOT_NOW } else { NOT_AT_ALL }).to_owned()
    })
}
