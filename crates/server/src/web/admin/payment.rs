//! One payment: how it stands, its story in plain words with every raw exchange behind a click,
//! and what may be done about it, with the bank's limits told beforehand.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use kopeck_banks::{bank::find_bank, op::PayMethod};
use serde_json::{Value, json};

use super::{
    door::Doors,
    frame::Frame,
    guest::{Fields, Guest},
    inner::{Inner, part},
    links::method_word,
    payments::bank,
    refuse,
    sheet::{Act, Field, Form, Input},
    words,
};
use crate::{
    http::{ApiError, Server, codes},
    kit::db::DbError,
    payments::{
        model::{Payment, Refund, Status},
        store::find_payment,
        timeline::{Teller, TimelineEntry, timeline},
    },
    qr,
    staff::model::Permission,
    web::lang::Lang,
};

pub fn doors(doors: Doors) -> Doors {
    doors
        .page("/admin/payments/{id}", Permission::Look, show)
        .act(
            "/admin/payments/{id}/refund",
            Permission::Sell,
            ("payment.refund", &["amount", "reason"]),
            refund,
        )
        .act(
            "/admin/payments/{id}/capture",
            Permission::Sell,
            ("payment.capture", &["amount"]),
            capture,
        )
        .act("/admin/payments/{id}/cancel", Permission::Sell, ("payment.cancel", &[]), cancel)
        .act("/admin/payments/{id}/send", Permission::Sell, ("payment.send", &[]), send)
}

#[derive(Template)]
#[template(path = "admin/payment.html")]
struct PaymentPage {
    frame: Frame,
    payment: Payment,
    state: &'static str,
    tone: &'static str,
    facts: Vec<(&'static str, String)>,
    pay_url: String,
    code: String,
    failure: Option<(String, String)>,
    refunds: Vec<Back>,
    receipts: Vec<Paper>,
    steps: Vec<Step>,
    forms: Vec<Form>,
    act: Option<Act>,
}

/// A refund as it is shown.
struct Back {
    sum: String,
    state: &'static str,
    tone: &'static str,
    at: String,
    why: String,
}

/// A receipt as it is shown.
struct Paper {
    kind: String,
    sum: String,
    state: String,
    tone: &'static str,
    url: String,
    id: String,
}

/// One line of the story.
struct Step {
    at: String,
    iso: String,
    who: &'static str,
    tone: &'static str,
    text: String,
    request: String,
    reply: String,
}

async fn show(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    inner: Inner,
    Path(id): Path<String>,
    Extension(more): Extension<Teller>,
) -> Result<Response, ApiError> {
    let (shop_id, asked) = (guest.shop_id(), id.clone());
    let found: Result<_, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let payment = find_payment(tx, &shop_id, &asked)?;
            Ok(payment.zip(timeline(tx, &shop_id, &asked, more)?))
        })
        .await;
    let (payment, entries) = found?.ok_or_else(|| ApiError::of(codes::PAYMENT_NOT_FOUND))?;
    let receipts = inner.get(&guest, &format!("/v1/payments/{}/receipts", part(&id))).await?;
    let lang = frame.lang;
    let status = payment.status();
    let page = PaymentPage {
        state: words::status(status, lang),
        tone: words::tone(status),
        facts: facts(&payment, &frame),
        pay_url: format!("{}/pay/{}", server.ctx.public_url, payment.id),
        code: code(&payment),
        failure: payment.failure().map(|failure| {
            let error = ApiError::stored(&failure.code, &failure.message, &failure.hint);
            words::error(&error, lang)
        }),
        refunds: payment.refunds.iter().map(|refund| back(refund, &frame)).collect(),
        receipts: papers(&receipts, lang),
        steps: entries.iter().rev().map(|entry| step(entry, &frame)).collect(),
        forms: forms(&payment, &frame),
        act: void(&payment, &frame),
        frame,
        payment,
    };
    refuse::show(&page)
}

fn facts(payment: &Payment, frame: &Frame) -> Vec<(&'static str, String)> {
    let lang = frame.lang;
    let mut facts = vec![(lang.pick("Создан", "Made"), frame.at(payment.created_ms))];
    let mut add = |name, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push((name, value));
        }
    };
    add(lang.pick("Оплачен", "Paid"), payment.facts.paid_at_ms().map(|ms| frame.at(ms)));
    add(lang.pick("Заказ", "Order"), payment.order_id.clone());
    add(lang.pick("Банк", "Bank"), Some(bank(&payment.bank, lang).to_owned()));
    let method = payment.facts.method.as_deref();
    let word = method.map(|it| PayMethod::parse(it).map_or(it, |it| method_word(it, lang)));
    add(lang.pick("Способ", "Method"), word.map(str::to_owned));
    add(lang.pick("Действует до", "Valid until"), Some(frame.at(payment.expires_ms)));
    if payment.is_held() {
        add(lang.pick("Удержано", "Held"), Some(payment.held().to_human()));
    }
    if !payment.facts.paid.is_zero() {
        add(lang.pick("Получено", "Received"), Some(payment.facts.paid.to_human()));
    }
    if !payment.refunded().is_zero() {
        add(lang.pick("Возвращено", "Refunded"), Some(payment.refunded().to_human()));
    }
    let customer = payment.customer.as_deref().and_then(|it| serde_json::from_str(it).ok());
    let customer: Value = customer.unwrap_or(Value::Null);
    let named = |name: &str| customer[name].as_str().map(str::to_owned);
    add(lang.pick("Плательщик", "Payer"), named("name"));
    add(lang.pick("Телефон", "Phone"), named("phone"));
    add(lang.pick("Почта", "E-mail"), named("email"));
    add(lang.pick("Клиент", "Customer"), named("id"));
    add(lang.pick("Номер", "Id"), Some(payment.id.clone()));
    add(lang.pick("Номер в банке", "The bank's id"), payment.facts.bank_id.clone());
    facts
}

/// The code of an open link, for somebody beside the desk.
fn code(payment: &Payment) -> String {
    let payload = payment.facts.qr_payload.as_ref().filter(|_| payment.facts.paid.is_zero());
    payload.map_or(String::new(), |_| format!("/pay/{}/qr.svg", payment.id))
}

fn back(refund: &Refund, frame: &Frame) -> Back {
    let (state, tone) = words::refund(&refund.state, frame.lang);
    Back {
        sum: refund.amount.to_human(),
        state,
        tone,
        at: frame.at(refund.created_ms),
        why: refund.reason.clone().unwrap_or_default(),
    }
}

fn papers(receipts: &Value, lang: Lang) -> Vec<Paper> {
    let all = receipts["data"].as_array().map_or(&[][..], Vec::as_slice);
    let paper = |it: &Value| {
        // A person may have typed it.
        let url = it["fiscal"]["url"].as_str();
        let (state, tone) = super::receipts::state(it["status"].as_str().unwrap_or(""), lang);
        Paper {
            kind: super::receipts::kind(it["kind"].as_str().unwrap_or(""), lang).to_owned(),
            sum: super::receipts::sum(it),
            state: state.to_owned(),
            tone,
            url: url.filter(|url| url.starts_with("https://")).unwrap_or("").to_owned(),
            id: it["id"].as_str().unwrap_or("").to_owned(),
        }
    };
    all.iter().map(paper).collect()
}

fn step(entry: &TimelineEntry, frame: &Frame) -> Step {
    let (who, tone) = words::actor(entry, frame.lang);
    Step {
        at: frame.at(entry.at_ms),
        iso: entry.at.clone(),
        who,
        tone,
        text: words::said(entry, frame.lang),
        request: entry.request.clone().unwrap_or_default(),
        reply: entry.reply.clone().unwrap_or_default(),
    }
}

fn forms(payment: &Payment, frame: &Frame) -> Vec<Form> {
    if !frame.sells() {
        return Vec::new();
    }
    let lang = frame.lang;
    let path = |what: &str| format!("/admin/payments/{}/{what}", payment.id);
    let mut forms = Vec::new();
    if payment.is_held() {
        forms.push(capture_form(payment, lang, path("capture")));
    }
    if !payment.refundable().is_zero() {
        forms.push(refund_form(payment, lang, path("refund")));
    }
    if matches!(payment.status(), Status::Opening | Status::Open) {
        forms.push(Form {
            headline: lang.pick("Отправить ссылку", "Send the link").to_owned(),
            path: path("send"),
            fields: vec![Field::new("to", lang.pick("Кому", "To whom")).required().hint(
                lang.pick(
                    "Почта, или сервис и адрес: telegram:123, sms:+79990000000. Сервис должен быть \
                     подключён.",
                    "An e-mail, or a service and an address: telegram:123, sms:+79990000000. The \
                     service has to be set up.",
                ),
            )],
            button: lang.pick("Отправить", "Send").to_owned(),
            is_folded: true,
            ..Form::default()
        });
    }
    forms
}

fn capture_form(payment: &Payment, lang: Lang, path: String) -> Form {
    let in_parts = find_bank(&payment.bank).is_some_and(|bank| bank.capabilities().partial_capture);
    let held = payment.held();
    let about = match (in_parts, lang) {
        (true, Lang::Ru) => format!(
            "Удержано {}. Можно списать меньше: остальное вернётся плательщику.",
            held.to_human()
        ),
        (true, Lang::En) => {
            format!("{} is held. Less may be taken: the rest goes back.", held.to_human())
        }
        (false, Lang::Ru) => {
            format!("Удержано {}. Этот банк списывает только всю сумму.", held.to_human())
        }
        (false, Lang::En) => {
            format!("{} is held. This bank takes the whole sum only.", held.to_human())
        }
    };
    let sum = Field::new("amount", lang.pick("Сумма, ₽", "Sum, ₽"))
        .input(Input::Sum)
        .value(held.to_rubles());
    Form {
        headline: lang.pick("Списать удержанное", "Capture the hold").to_owned(),
        about,
        path,
        fields: if in_parts { vec![sum] } else { Vec::new() },
        button: lang.pick("Списать", "Capture").to_owned(),
        ..Form::default()
    }
}

fn refund_form(payment: &Payment, lang: Lang, path: String) -> Form {
    let left = payment.refundable();
    let about = match lang {
        Lang::Ru => format!(
            "Можно вернуть до {}. Чек возврата сделает касса банка, деньги на карту приходят в \
             срок до 30 дней.",
            left.to_human()
        ),
        Lang::En => format!(
            "Up to {} may be given back. The bank's cash register makes the receipt; money \
             reaches a card within 30 days.",
            left.to_human()
        ),
    };
    Form {
        headline: lang.pick("Вернуть деньги", "Refund").to_owned(),
        about,
        path,
        fields: vec![
            Field::new("amount", lang.pick("Сумма, ₽", "Sum, ₽"))
                .input(Input::Sum)
                .value(left.to_rubles())
                .required(),
            Field::new("reason", lang.pick("Причина", "Reason")).hint(
                lang.pick("Для вас; плательщик её не увидит.", "For you; the payer sees it not."),
            ),
        ],
        button: lang.pick("Вернуть", "Refund").to_owned(),
        is_danger: true,
        is_folded: true,
    }
}

/// Releasing a hold, where the bank can.
fn void(payment: &Payment, frame: &Frame) -> Option<Act> {
    let can = find_bank(&payment.bank).is_some_and(|bank| bank.capabilities().void_hold);
    let text = frame.lang.pick("Снять удержание", "Release the hold");
    let act = Act::new(text, format!("/admin/payments/{}/cancel", payment.id)).danger();
    Some(act).filter(|_| can && payment.is_held() && frame.sells())
}

/// «1 234,50 ₽» as the API reads sums.
pub fn plain_sum(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_whitespace() && *c != '₽');
    kept.map(|c| if c == ',' { '.' } else { c }).collect()
}

pub fn back_to(path: &str, done: &str) -> Response {
    Redirect::to(&format!("{path}?done={done}")).into_response()
}

async fn refund(
    guest: Guest,
    inner: Inner,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let mut body = json!({ "amount": plain_sum(fields.get("amount")) });
    if let Some(reason) = fields.find("reason") {
        body["reason"] = json!(reason);
    }
    let path = format!("/v1/payments/{}/refunds", part(&id));
    inner.post(&guest, &path, Some(fields.get("key")), body).await?;
    Ok(back_to(&format!("/admin/payments/{}", part(&id)), "refund"))
}

async fn capture(
    guest: Guest,
    inner: Inner,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let mut body = json!({});
    if let Some(amount) = fields.find("amount") {
        body["amount"] = json!(plain_sum(&amount));
    }
    let path = format!("/v1/payments/{}/capture", part(&id));
    inner.post(&guest, &path, Some(fields.get("key")), body).await?;
    Ok(back_to(&format!("/admin/payments/{}", part(&id)), "capture"))
}

async fn cancel(
    guest: Guest,
    inner: Inner,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let path = format!("/v1/payments/{}/cancel", part(&id));
    inner.post(&guest, &path, Some(fields.get("key")), json!({})).await?;
    Ok(back_to(&format!("/admin/payments/{}", part(&id)), "cancel"))
}

async fn send(
    guest: Guest,
    inner: Inner,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let path = format!("/v1/payments/{}/send", part(&id));
    let to = fields.get("to");
    let is_mail = to.contains('@') && !to.contains(':');
    let to = if is_mail { format!("email:{to}") } else { to.to_owned() };
    inner.post(&guest, &path, None, json!({ "to": to })).await?;
    Ok(back_to(&format!("/admin/payments/{}", part(&id)), "sent"))
}

/// The code as SVG within a page: pages load nothing from elsewhere.
pub fn picture(payload: &str) -> String {
    let drawn = qr::Code::new(payload).map(|code| code.to_svg(""));
    let escape = |svg: String| format!("data:image/svg+xml,{}", super::door::form_escape(&svg));
    drawn.map_or_else(|_| String::new(), escape)
}
