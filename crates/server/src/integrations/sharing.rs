//! A link that a person sends by his own hand: addresses that open a messenger, a letter or an SMS
//! with the text already written. Nothing is set up for it, and nothing is sent by us.

use kopeck_integrations::{
    Audience, Kind, Lang, Message,
    share::{self, Share, With},
};

use super::{
    flow::{Problem, shop_name},
    letter::{Around, facts, is_payable},
};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    payments::{self, model::Payment},
};

/// In place of a service's name: `share`, or `share:+79001234567`.
pub const SHARE: &str = "share";

/// What is to be shared, and with whom, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShare {
    pub payment_id: String,
    pub kind: Kind,
    pub lang: Lang,
    /// A phone or an e-mail; empty when the person chooses the reader.
    pub with: String,
}

/// Every way to share the payment's link.
pub async fn links(ctx: &Ctx, shop_id: &str, new: NewShare) -> Result<Vec<Share>, Problem> {
    let (shop_id, id) = (shop_id.to_owned(), new.payment_id.clone());
    let found: Result<(Option<Payment>, String), DbError> = ctx
        .db
        .read(move |tx: &mut dyn Tx| {
            let payment = payments::store::find_payment(tx, &shop_id, &id)?;
            Ok((payment, shop_name(tx, &shop_id)?))
        })
        .await;
    let (payment, shop) = found?;
    let payment = payment.ok_or(Problem::NoSuchPayment)?;
    if !is_payable(&payment) {
        return Err(Problem::NotPayable);
    }
    let around = Around {
        shop: &shop,
        public_url: &ctx.public_url,
        about: None,
        receipt_url: None,
        leave_url: None,
        unsubscribe_url: None,
    };
    let message = Message {
        id: payment.id.clone(),
        kind: new.kind,
        audience: Audience::Payer,
        lang: new.lang,
        to: None,
        shop: shop.clone(),
        written_ms: ctx.now_ms(),
        unsubscribe_url: None,
        payment: Some(facts(new.kind, &payment, around)),
    };
    let is_mail = new.with.contains('@');
    let known = Some(new.with.as_str()).filter(|with| !with.is_empty());
    let with = With { phone: known.filter(|_| !is_mail), email: known.filter(|_| is_mail) };
    Ok(share::links(&message, with))
}
