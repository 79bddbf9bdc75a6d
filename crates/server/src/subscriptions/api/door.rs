//! The door for programs written for the well-known recipe "a subscription by Tochka's acquiring":
//! the same request and the same answer, with a shop's key beside it.

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    drive,
    flow::{
        Problem,
        begin::{self, NewSubscription, Planned},
    },
    model::{How, Subscription},
    request::{self, CompatSubscription},
    state::Status,
    view::{Described, open_link},
};
use crate::{
    http::{Answer, ApiError, Server, codes, error::ErrorBody, json},
    payments::submit::{self, Ask},
    shops::{self, model::Connection},
};

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(open_door))
}

/// What the recipe's function answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoorView {
    /// Where the customer pays.
    #[schema(example = "https://pay.example.ru/pay/pay_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub payment_url: String,
    #[schema(example = "sub_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub subscription_id: String,
    /// Rubles.
    #[schema(value_type = i64, example = 2450)]
    pub amount: Box<RawValue>,
    #[schema(example = "Подписка TourConnect — START")]
    pub purpose: String,
}

/// Subscribe as the Tochka recipe does
///
/// `X-User-Id` and a plan's code in, a payment's address out. Asked again before it is paid, it
/// gives the same link. With a consent the first payment saves the card, which is charged each
/// period. The recipe itself asks for none; without one nothing may be saved to be charged
/// (376-FZ), and the customer pays each period by a link. He comes back to `return_url` with
/// `status=success` or `status=error`, or, when there is none, to our page, which tells the same.
#[utoipa::path(post, path = "/compat/tochka-subscription", tag = "subscriptions",
    request_body = CompatSubscription,
    params(("X-User-Id" = String, Header, description = "The shop's own number of the customer")),
    responses(
        (status = 200, description = "Where to pay", body = DoorView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "No such plan", body = ErrorBody),
        (status = 409, description = "The customer has one that is paid", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn open_door(headers: HeaderMap, ask: Ask) -> Result<Answer, ApiError> {
    let user = headers.get("x-user-id").and_then(|value| value.to_str().ok()).unwrap_or("");
    let customer_id = request::user_id(user)?;
    let input: CompatSubscription = json::read(&ask.body)?;
    let (plan, return_url, consent) = input.read()?;
    submit::run(ask, |ask| async move {
        let (collection, bank) = match &consent {
            Some(_) => (How::Charge, find_tochka(&ask).await?),
            None => (How::Link, None),
        };
        let new = NewSubscription {
            plan,
            customer_id,
            quantity: 1,
            coupon: None,
            collection,
            instrument_id: None,
            saves: None,
            by_bank: None,
            bank,
            zone: None,
            contact: None,
            success_url: None,
            receipt: None,
            fail_url: None,
            metadata: "{}".to_owned(),
            consent,
            skips_trial: true,
        };
        let mut planned = begin::plan(&ask.server.ctx, &ask.caller.shop_id, new).await?;
        if let Some(url) = return_url {
            come_back(&mut planned, &url);
        }
        let inner = ask.server.ctx.clone();
        let made: Result<Subscription, Problem> =
            ask.server.ctx.db.write(move |tx| begin::create(tx, &inner, planned)).await;
        let id = match made {
            Ok(subscription) => subscription.id,
            // Who pressed the button twice gets the link that waits.
            Err(Problem::Exists(other)) if other.state.status() == Status::Pending => other.id,
            Err(problem) => return Err(problem.into()),
        };
        let (ctx, subject) = (ask.server.ctx.clone(), id.clone());
        let driving = ask.server.spawn(async move { drive::settle_now(&ctx, &subject).await });
        let _ = tokio::time::timeout(ask.server.limits.bank_wait, driving).await;
        ask.server.nudge.notify_one();
        let found = drive::find(&ask.server.ctx, &ask.caller.shop_id, &id).await?;
        let found = found.ok_or_else(|| ApiError::of(codes::SUBSCRIPTION_NOT_FOUND))?;
        Answer::json(200, &view(&found, &ask.server.ctx.public_url)?)
    })
    .await
}

/// The recipe is Tochka's: there it is charged where the shop has it, else wherever it can be.
async fn find_tochka(ask: &Ask) -> Result<Option<String>, ApiError> {
    let all = shops::flow::list_connections(&ask.server.ctx, &ask.caller.shop_id).await?;
    let is_it = |it: &Connection| it.bank == "tochka";
    Ok(all.into_iter().rev().find(is_it).map(|it| it.id))
}

/// The recipe's own words on the way back: `?subscriptionId=…&status=success`.
fn come_back(planned: &mut Planned, url: &str) {
    // What stands after `#` never reaches a server: the words come before it.
    let (url, end) = url.find('#').map_or((url, ""), |at| url.split_at(at));
    let mark = if url.contains('?') { '&' } else { '?' };
    let id = &planned.subscription.id;
    let back = |word: &str| Some(format!("{url}{mark}subscriptionId={id}&status={word}{end}"));
    let (success, fail) = (back("success"), back("error"));
    planned.subscription.success_url = success;
    planned.subscription.fail_url = fail;
}

fn view(found: &Described, public_url: &str) -> Result<DoorView, ApiError> {
    let period = found.book.period.as_ref();
    let link = open_link(&found.book);
    // The link is written with the payment, whatever the bank does.
    let link = link.ok_or_else(|| ApiError::of(codes::SUBSCRIPTION_BUSY))?;
    Ok(DoorView {
        payment_url: format!("{public_url}/pay/{link}"),
        subscription_id: found.book.subscription.id.clone(),
        amount: period.map(|it| it.amount).unwrap_or_default().to_json_number(),
        purpose: found.version.terms.name.clone(),
    })
}
