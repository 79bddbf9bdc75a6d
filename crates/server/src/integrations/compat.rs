//! A bot's door: Salebot's link function by its own arguments, answered flat.
//!
//! Whatever a bot does wrong is answered with HTTP 200 and `ok: false`, since bot builders drop the
//! body of anything else. The payment itself is made exactly as by `POST /v1/payments`.

pub mod flat;

use kopeck_banks::{Money, receipt::Receipt};
use kopeck_integrations::salebot::{
    CONSENT_MAX, CONSENT_VERSION, RECURRENT,
    answer::{Answer as Flat, Made},
    fields::Fields,
    link::{self, LinkRequest, ReceiptPart, Recurrent},
    recurrent,
};
use serde_json::{Value, json};

use super::{
    flow::{self, NewRecipient, Problem},
    letter::moscow,
};
use crate::{
    http::{Answer, ApiError},
    instruments::{
        self,
        model::{Instrument, Kind as InstrumentKind},
    },
    kit::{Ctx, clock::MINUTE_MS, db::DbError, secret::hash_bytes},
    payments::{
        idempotency::Key,
        store::is_taken_since,
        submit::{self, Ask},
    },
    receipts::form,
};

/// For how long a bot that names no order is taken to mean the same link: a block that runs twice.
const SAME_FOR_MS: i64 = 10 * MINUTE_MS;
const SALEBOT: &str = "salebot";
/// What is paid for when the bot says nothing.
const PURPOSE: &str = "Оплата";
/// Moscow, the time zone of most projects; Salebot names none.
const ZONE_HOURS: i8 = 3;

/// Makes a link for a bot's client, who hears of all that becomes of it.
pub async fn salebot_link(ask: Ask) -> Result<Answer, ApiError> {
    let lang = kopeck_integrations::Lang::Ru;
    let wish = read_fields(&ask.body).and_then(|fields| link::parse(&fields));
    let wish = match wish {
        Ok(wish) => wish,
        Err(refused) => return Answer::json(200, &Flat::refused(&refused, lang)),
    };
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let is_saved = match wish.recurrent {
        Recurrent::On => true,
        Recurrent::Off => false,
        Recurrent::AsSet => setting(&ctx, &shop_id, RECURRENT).await?.as_deref() == Some("1"),
    };
    let consent = match is_saved {
        true => match consent(&ctx, &shop_id).await? {
            Some(consent) => Some(consent),
            None => {
                return refused(
                    "salebot_recurrent_consent",
                    "Автоплатёж требует согласия клиента, а какой текст показал бот, не указано.",
                    "Назовите текст в настройке consent_version и покажите его перед ссылкой.",
                );
            }
        },
        false => None,
    };
    let body = payment_body(&wish, consent, ask.server.ctx.now_ms());
    let same = Sameness {
        words: wish.sameness(),
        amount: wish.amount,
        is_for_ever: wish.external_id.is_some(),
    };
    answer(ask, &body, (&same, Some(wish.address()))).await
}

/// Charges what a bot's client saved before by a link with `recurrent`, under the consent that was
/// recorded then; a consent that was taken back, or a higher sum, is refused as by the API.
pub async fn salebot_charge(ask: Ask) -> Result<Answer, ApiError> {
    let lang = kopeck_integrations::Lang::Ru;
    let wish = read_fields(&ask.body).and_then(|fields| recurrent::parse(&fields));
    let wish = match wish {
        Ok(wish) => wish,
        Err(refused) => return Answer::json(200, &Flat::refused(&refused, lang)),
    };
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let (client, id) = (wish.client_id.to_string(), wish.rebill_id.clone());
    let found: Result<Option<Instrument>, DbError> =
        ctx.db.read(move |tx| instruments::store::find_instrument(tx, &id)).await;
    // Nobody charges another client's card by its number.
    let own = found?.filter(|it| it.shop_id == shop_id && it.customer_id == client);
    let Some(own) = own else {
        return refused(
            "saved_means_gone",
            "У этого клиента нет такой сохранённой карты или счёта.",
            "В tinkoff_rebill_id должно быть то, что пришло с первой оплатой этого клиента.",
        );
    };
    let purpose = Some(wish.description.trim()).filter(|text| !text.is_empty());
    let mut body = json!({
        "amount": wish.amount.to_rubles(),
        "purpose": purpose.unwrap_or(PURPOSE),
        "metadata": { "salebot_client": client },
    });
    let field = if own.kind == InstrumentKind::Account { "account_id" } else { "card_id" };
    body[field] = json!(own.id);
    if let Some(id) = &wish.external_id {
        body["order_id"] = json!(id);
    }
    put_receipt(&mut body, &wish.receipt, None);
    let same = Sameness {
        words: match &wish.external_id {
            Some(id) => format!("charge/{client}/{}/{id}", own.id),
            // Another sum, or for something else, is another charge.
            None => {
                let (kopecks, what) = (wish.amount.kopecks(), &wish.description);
                format!("charge/{client}/{}//{kopecks}/{what}", own.id)
            }
        },
        amount: wish.amount,
        is_for_ever: wish.external_id.is_some(),
    };
    answer(ask, &body, (&same, Some(client))).await
}

/// What the shop's clients agree to before a link that saves: as its settings say.
async fn consent(ctx: &Ctx, shop_id: &str) -> Result<Option<Value>, ApiError> {
    let Some(version) = setting(ctx, shop_id, CONSENT_VERSION).await? else { return Ok(None) };
    let mut consent = json!({ "text_version": version, "channel": "bot" });
    if let Some(max) = setting(ctx, shop_id, CONSENT_MAX).await? {
        consent["max_amount"] = json!(max);
    }
    Ok(Some(consent))
}

/// What Salebot is set up with, if it is.
async fn setting(ctx: &Ctx, shop_id: &str, name: &str) -> Result<Option<String>, ApiError> {
    let linked = match flow::find_of_service(ctx, shop_id, SALEBOT).await {
        Ok(linked) => linked,
        Err(Problem::NotConnected(_)) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    let settings = flow::open_settings(ctx, &linked)?;
    let text = settings.find(name).map(str::trim).filter(|text| !text.is_empty());
    Ok(text.map(str::to_owned))
}

/// Makes the payment, lets the bot's client hear of it by his address at Salebot, if there is one,
/// and answers flat.
async fn answer(
    ask: Ask,
    body: &Value,
    (same, to): (&Sameness, Option<String>),
) -> Result<Answer, ApiError> {
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let answer = match make(ask, body, same).await {
        Ok(answer) => answer,
        Err(error) => return refused(&error.code, &error.message, &error.hint),
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or("").to_owned();
    if answer.status >= 300 {
        let word = |name: &str| body["error"][name].as_str().unwrap_or("");
        return refused(word("code"), word("message"), word("hint"));
    }
    if let Some(to) = to {
        let recipient = NewRecipient { payment_id: text("id"), service: SALEBOT, to };
        match flow::follow(&ctx, &shop_id, recipient).await {
            // A bot may ask for links before its callbacks are set up.
            Ok(()) | Err(Problem::NotConnected(_)) => {}
            Err(other) => {
                let error = ApiError::from(other);
                return refused(&error.code, &error.message, &error.hint);
            }
        }
    }
    Answer::json(200, &Flat::made(made_of(&ctx, same.amount, &body)))
}

/// By what the same wish is known again.
struct Sameness {
    words: String,
    amount: Money,
    /// With an order's number for ever, else for a while.
    is_for_ever: bool,
}

fn refused(code: &str, message: &str, hint: &str) -> Result<Answer, ApiError> {
    Answer::json(200, &Flat::failed(code, message, hint))
}

/// JSON begins with a brace; anything else is a form.
fn read_fields(body: &[u8]) -> Result<Fields, kopeck_integrations::salebot::fields::Refused> {
    let is_json = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let kind = if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
    Fields::read(kind, body)
}

async fn make(ask: Ask, body: &Value, wish: &Sameness) -> Result<Answer, ApiError> {
    let now_ms = ask.server.ctx.now_ms();
    let body = body.to_string();
    let key = match ask.key {
        Some(key) => key,
        None => {
            let round = if wish.is_for_ever { 0 } else { now_ms.div_euclid(SAME_FOR_MS) };
            let name = |round: i64| hash_bytes(format!("{}/{round}", wish.words).as_bytes());
            let (mut same, earlier) = (name(round), name(round - 1));
            // A block that runs twice may do so on both sides of a full ten minutes.
            let (shop_id, key) = (ask.caller.shop_id.clone(), format!("salebot-{earlier}"));
            let since_ms = now_ms - SAME_FOR_MS;
            let db = &ask.server.ctx.db;
            let is_twin: Result<bool, DbError> =
                db.read(move |tx| is_taken_since(tx, &shop_id, &key, since_ms)).await;
            if !wish.is_for_ever && is_twin? {
                same = earlier;
            }
            // Another sum under the same order's number is a mistake, not the same link.
            let sum = wish.amount.to_rubles();
            Key::of(&format!("salebot-{same}"), &[same.as_bytes(), sum.as_bytes()])?
        }
    };
    submit::create(Ask { key: Some(key), body: body.into(), ..ask }).await
}

/// The wish as a body of `POST /v1/payments`.
fn payment_body(wish: &LinkRequest, consent: Option<Value>, now_ms: i64) -> Value {
    let purpose = Some(wish.description.trim()).filter(|text| !text.is_empty());
    let mut body = json!({
        "amount": wish.amount.to_rubles(),
        "purpose": purpose.unwrap_or(PURPOSE),
        "metadata": { "salebot_client": wish.client_id.to_string() },
    });
    if let Some(id) = &wish.external_id {
        body["order_id"] = json!(id);
    }
    let zone = jiff::tz::offset(ZONE_HOURS);
    let end = wish.expires.and_then(|end| zone.to_timestamp(end).ok());
    if let Some(end) = end {
        let minutes = (end.as_millisecond() - now_ms).div_euclid(MINUTE_MS);
        // An end that is past is for the bank's rule to refuse, in its words.
        body["ttl_minutes"] = json!(minutes.max(0));
    }
    for (name, field) in [("SuccessURL", "success_url"), ("FailURL", "fail_url")] {
        if let Some(url) = wish.extra.get(name) {
            body[field] = json!(url);
        }
    }
    let customer_id = consent.is_some().then(|| wish.client_id.to_string());
    if let Some(consent) = consent {
        body["save_card"] = json!(true);
        body["consent"] = consent;
    }
    put_receipt(&mut body, &wish.receipt, customer_id);
    if body["customer"].is_object() {
        body["customer"]["lang"] = json!(wish.lang.pick("ru", "en"));
    }
    body
}

fn put_receipt(body: &mut Value, part: &ReceiptPart, customer_id: Option<String>) {
    if part.email.is_some() || part.phone.is_some() || customer_id.is_some() {
        let customer = json!({ "email": part.email, "phone": part.phone, "id": customer_id });
        body["customer"] = customer;
    }
    if !part.lines.is_empty() {
        let receipt = Receipt {
            email: part.email.clone(),
            phone: part.phone.clone(),
            taxation: part.taxation,
            lines: part.lines.clone(),
            ..Receipt::default()
        };
        body["receipt"] = serde_json::from_str(&form::write(&receipt)).unwrap_or_default();
    }
}

fn made_of(ctx: &Ctx, amount: Money, body: &Value) -> Made {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let expires_at = text(&body["expires_at"]);
    let kopecks = body["amount_kopecks"].as_i64().unwrap_or_default();
    Made {
        payment_id: text(&body["id"]),
        payment_url: text(&body["pay_url"]),
        short_url: text(&body["pay_url"]),
        qr_url: format!("{}/pay/{}/qr.png", ctx.public_url, text(&body["id"])),
        sbp_url: text(&body["qr"]["payload"]),
        bank_id: text(&body["bank_payment_id"]),
        amount: Money::from_kopecks(kopecks).unwrap_or(amount),
        status: text(&body["status"]),
        expires_text: expires_at
            .parse()
            .map(|at: jiff::Timestamp| moscow(at.as_millisecond()))
            .unwrap_or_default(),
        expires_at,
    }
}
