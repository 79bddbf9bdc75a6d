//! The door of bots of any builder: a link, and how it stands, each answered flat.
//!
//! Nobody calls these bots back: they ask, or the shop's webhooks tell them.

use kopeck_integrations::{
    Lang,
    flat::{self, FlatLink},
    salebot::answer::Answer as Flat,
};
use serde_json::{Value, json};

use super::{PURPOSE, Sameness, answer, made_of, put_receipt, read_fields, refused};
use crate::{
    http::{Answer, ApiError, codes},
    kit::db::DbError,
    payments::{self, model::Payment, submit::Ask, view::PaymentView},
};

/// Makes a link for a bot's client.
pub async fn link(ask: Ask) -> Result<Answer, ApiError> {
    let wish = match read_fields(&ask.body).and_then(|fields| flat::parse(&fields)) {
        Ok(wish) => wish,
        Err(wrong) => return Answer::json(200, &Flat::refused(&wrong, Lang::Ru)),
    };
    let body = payment_body(&wish);
    let same = Sameness {
        words: wish.sameness(),
        amount: wish.amount,
        is_for_ever: wish.external_id.is_some(),
    };
    answer(ask, &body, (&same, None)).await
}

/// How a payment of the shop stands.
pub async fn status(ask: Ask) -> Result<Answer, ApiError> {
    let id = match read_fields(&ask.body).and_then(|fields| flat::parse_status(&fields)) {
        Ok(id) => id,
        Err(wrong) => return Answer::json(200, &Flat::refused(&wrong, Lang::Ru)),
    };
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let found: Result<Option<Payment>, DbError> =
        ctx.db.read(move |tx| payments::store::find_payment(tx, &shop_id, &id)).await;
    let Some(payment) = found? else {
        let error = ApiError::of(codes::PAYMENT_NOT_FOUND);
        return refused(&error.code, &error.message, &error.hint);
    };
    let view = PaymentView::new(&payment, &ctx.public_url);
    let view = serde_json::to_value(&view).map_err(|error| ApiError::internal(&error.into()))?;
    Answer::json(200, &Flat::made(made_of(&ctx, payment.amount, &view)))
}

/// The wish as a body of `POST /v1/payments`.
fn payment_body(wish: &FlatLink) -> Value {
    let purpose = Some(wish.description.trim()).filter(|text| !text.is_empty());
    let mut body = json!({
        "amount": wish.amount.to_rubles(),
        "purpose": purpose.unwrap_or(PURPOSE),
        "metadata": { "bot_client": wish.client_id },
    });
    let fields = [
        ("order_id", &wish.external_id),
        ("success_url", &wish.success_url),
        ("fail_url", &wish.fail_url),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    put_receipt(&mut body, &wish.receipt, Some(wish.client_id.clone()));
    body["customer"]["lang"] = json!(wish.lang.pick("ru", "en"));
    body
}
