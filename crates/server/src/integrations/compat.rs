//! A bot's door: Salebot's link function by its own arguments, answered flat.
//!
//! Whatever a bot does wrong is answered with HTTP 200 and `ok: false`, since bot builders drop the
//! body of anything else. The payment itself is made exactly as by `POST /v1/payments`.

use kopeck_banks::{Money, receipt::Receipt};
use kopeck_integrations::salebot::{
    answer::{Answer as Flat, Made},
    fields::Fields,
    link::{self, LinkRequest, Recurrent},
};
use serde_json::{Value, json};

use super::{
    flow::{self, NewRecipient, Problem},
    letter::moscow,
};
use crate::{
    http::{Answer, ApiError},
    kit::{Ctx, clock::MINUTE_MS, secret::hash_bytes},
    payments::{
        idempotency::Key,
        submit::{self, Ask},
    },
    receipts::form,
};

/// For how long a bot that names no order is taken to mean the same link: a block that runs twice.
const SAME_FOR_MS: i64 = 10 * MINUTE_MS;
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
    if wish.recurrent == Recurrent::On {
        let flat = Flat::failed(
            "salebot_recurrent_consent",
            "Автоплатёж требует согласия клиента, которое бот не передаёт.",
            "Оформите подписку в Kopeck: там клиент видит срок и сумму и соглашается.",
        );
        return Answer::json(200, &flat);
    }
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let made = make(ask, &wish).await;
    let answer = match made {
        Ok(answer) => answer,
        Err(error) => return refused(&error.code, &error.message, &error.hint),
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or("").to_owned();
    if answer.status >= 300 {
        let word = |name: &str| body["error"][name].as_str().unwrap_or("");
        return refused(word("code"), word("message"), word("hint"));
    }
    let recipient = NewRecipient { payment_id: text("id"), service: "salebot", to: wish.address() };
    match flow::follow(&ctx, &shop_id, recipient).await {
        // A bot may ask for links before its callbacks are set up.
        Ok(()) | Err(Problem::NotConnected(_)) => {}
        Err(other) => {
            let error = ApiError::from(other);
            return refused(&error.code, &error.message, &error.hint);
        }
    }
    Answer::json(200, &Flat::made(made_of(&ctx, &wish, &body)))
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

async fn make(ask: Ask, wish: &LinkRequest) -> Result<Answer, ApiError> {
    let now_ms = ask.server.ctx.now_ms();
    let body = payment_body(wish, now_ms).to_string();
    let key = match ask.key {
        Some(key) => key,
        None => {
            // With an order's number for ever, else for a while.
            let round = match wish.external_id {
                Some(_) => 0,
                None => now_ms.div_euclid(SAME_FOR_MS),
            };
            let same = hash_bytes(format!("{}/{round}", wish.sameness()).as_bytes());
            // Another sum under the same order's number is a mistake, not the same link.
            let sum = wish.amount.to_rubles();
            Key::of(&format!("salebot-{same}"), &[same.as_bytes(), sum.as_bytes()])?
        }
    };
    submit::create(Ask { key: Some(key), body: body.into(), ..ask }).await
}

/// The wish as a body of `POST /v1/payments`.
fn payment_body(wish: &LinkRequest, now_ms: i64) -> Value {
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
    let part = &wish.receipt;
    if part.email.is_some() || part.phone.is_some() {
        body["customer"] = json!({ "email": part.email, "phone": part.phone });
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
    body
}

fn made_of(ctx: &Ctx, wish: &LinkRequest, body: &Value) -> Made {
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
        amount: Money::from_kopecks(kopecks).unwrap_or(wish.amount),
        status: text(&body["status"]),
        expires_text: expires_at
            .parse()
            .map(|at: jiff::Timestamp| moscow(at.as_millisecond()))
            .unwrap_or_default(),
        expires_at,
    }
}
