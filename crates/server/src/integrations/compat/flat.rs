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
    instruments::{
        self,
        model::{Instrument, InstrumentStatus, Kind as InstrumentKind},
    },
    kit::db::{DbError, Tx},
    payments::{self, model::Payment, submit::Ask, view::PaymentView},
};

/// Makes a link for a bot's client.
pub async fn link(ask: Ask) -> Result<Answer, ApiError> {
    let wish = match read_fields(&ask.body).and_then(|fields| flat::parse(&fields)) {
        Ok(wish) => wish,
        Err(wrong) => return Answer::json(200, &Flat::refused(&wrong, Lang::Ru)),
    };
    if wish.saves.as_ref().is_some_and(|consent| consent.text_version.is_none()) {
        return refused(
            "bot_consent_missing",
            "Карта сохраняется с согласия клиента, а какой текст показал бот, не указано.",
            "Назовите текст в consent_version и покажите его перед ссылкой.",
        );
    }
    let body = payment_body(&wish);
    let same = Sameness {
        words: wish.sameness(),
        amount: wish.amount,
        is_for_ever: wish.external_id.is_some(),
    };
    answer(ask, &body, (&same, None)).await
}

/// Charges what the bot's client saved before by a link with `save`, under the consent that was
/// recorded then; a consent that was taken back, or a higher sum, is refused as by the API.
pub async fn charge(ask: Ask) -> Result<Answer, ApiError> {
    let wish = match read_fields(&ask.body).and_then(|fields| flat::parse_charge(&fields)) {
        Ok(wish) => wish,
        Err(wrong) => return Answer::json(200, &Flat::refused(&wrong, Lang::Ru)),
    };
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let (client, wanted) = (wish.client_id.clone(), wish.saved_id.clone());
    let found: Result<Option<Instrument>, DbError> =
        ctx.db.read(move |tx| find_saved(tx, (&shop_id, &client), wanted.as_deref())).await;
    let Some(own) = found? else {
        return refused(
            "saved_means_gone",
            "У этого клиента нет сохранённой карты или счёта.",
            "Сначала клиент платит по ссылке с save=1 и тем же client_id.",
        );
    };
    let purpose = Some(wish.description.trim()).filter(|text| !text.is_empty());
    let mut body = json!({
        "amount": wish.amount.to_rubles(),
        "purpose": purpose.unwrap_or(PURPOSE),
        "metadata": { "bot_client": wish.client_id },
    });
    let field = if own.kind == InstrumentKind::Account { "account_id" } else { "card_id" };
    body[field] = json!(own.id);
    if let Some(id) = &wish.external_id {
        body["order_id"] = json!(id);
    }
    put_receipt(&mut body, &wish.receipt, None);
    let same = Sameness {
        words: wish.sameness(&own.id),
        amount: wish.amount,
        is_for_ever: wish.external_id.is_some(),
    };
    answer(ask, &body, (&same, None)).await
}

/// What this client saved: the one that is named, or the newest that can be charged. Nobody charges
/// another client's card by its number.
fn find_saved(
    tx: &mut dyn Tx,
    (shop_id, client): (&str, &str),
    wanted: Option<&str>,
) -> Result<Option<Instrument>, DbError> {
    let mut all = Vec::new();
    for kind in [InstrumentKind::Card, InstrumentKind::Account] {
        all.extend(instruments::store::list_saved(tx, shop_id, client, kind)?);
    }
    if let Some(id) = wanted {
        return Ok(all.into_iter().find(|it| it.id == id));
    }
    let live = all.into_iter().filter(|it| {
        it.status == InstrumentStatus::Active
            && it.withdrawn_ms.is_none()
            && it.removed_ms.is_none()
    });
    Ok(live.max_by(|a, b| a.id.cmp(&b.id)))
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
    if let Some(consent) = &wish.saves {
        body["save_card"] = json!(true);
        body["consent"] = json!({ "text_version": consent.text_version, "channel": "bot" });
        if let Some(max) = &consent.max_amount {
            body["consent"]["max_amount"] = json!(max);
        }
    }
    put_receipt(&mut body, &wish.receipt, Some(wish.client_id.clone()));
    body["customer"]["lang"] = json!(wish.lang.pick("ru", "en"));
    body
}
