//! Routes of subscriptions.

mod assign;
mod door;
pub mod history;
mod plans;
pub mod portal;
mod rebind;
mod receipt;
mod rules;

use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    drive,
    flow::{
        self, Problem, begin,
        change::{self, Preview, When},
        describe,
    },
    replies::Touched,
    request::{
        CancelSubscription, ChangeSubscription, CreateSubscription, NoFields, PauseSubscription,
        WithdrawConsent,
    },
    state::{Event, Status},
    store::{self, SubscriptionFilter},
    view::{
        Described, EntitlementView, LineView, PeriodView, SubscriptionView, WithdrawalView,
        entitled::{EntitlementsView, MergedView},
        lines,
    },
};
use crate::{
    customers::request::customer_id,
    http::{
        Answer, ApiError, Caller, Server, codes, error::ErrorBody, json, page::Page,
        query::RawQuery,
    },
    kit::{
        clock::iso,
        db::{DbError, Tx},
    },
    payments::{
        idempotency::{once, replay_of},
        submit::{self, Ask},
    },
};

const FILTERS: [&str; 4] = ["status", "customer_id", "limit", "starting_after"];
/// A customer's subscriptions, and a subscription's last periods, stand on one page.
const MANY: i64 = 100;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .merge(plans::routes())
        .merge(portal::routes())
        .merge(door::routes())
        .merge(rebind::routes())
        .merge(receipt::routes())
        .merge(rules::routes())
        .merge(assign::routes())
        .merge(history::routes())
        .routes(routes!(create_subscription, list_subscriptions))
        .routes(routes!(get_subscription))
        .routes(routes!(list_periods))
        .routes(routes!(preview_change))
        .routes(routes!(change_subscription))
        .routes(routes!(cancel_subscription))
        .routes(routes!(reactivate_subscription))
        .routes(routes!(pause_subscription))
        .routes(routes!(resume_subscription))
        .routes(routes!(withdraw_consent))
        .routes(routes!(withdraw_customer))
        .routes(routes!(list_entitlements))
}

/// Subscribe a customer
///
/// The first payment is a link (`pay_url`); with a consent and no account it also saves what later
/// payments are charged from, where the bank can. A customer has one living subscription to a plan.
#[utoipa::path(post, path = "/v1/subscriptions", tag = "subscriptions",
    request_body = CreateSubscription,
    responses(
        (status = 201, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "No such plan or account", body = ErrorBody),
        (status = 409, description = "The customer has one, the plan is archived, no bank is \
            connected", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_subscription(ask: Ask) -> Result<Answer, ApiError> {
    let new = json::read::<CreateSubscription>(&ask.body)?.read()?;
    submit::run(ask, |ask| async move {
        if let Some(answer) = replay_of::<Touched>(&ask).await? {
            return Ok(answer);
        }
        let planned = begin::plan(&ask.server.ctx, &ask.caller.shop_id, new).await?;
        let (inner, id) = (ask.server.ctx.clone(), planned.subscription.id.clone());
        let save = move |tx: &mut dyn Tx| begin::create(tx, &inner, planned).map(drop);
        let work = Touched::NewSubscription { id: id.clone() };
        once::<_, Problem, _, _, _>(&ask, &work, save, || settle(&ask, &id)).await
    })
    .await
}

/// Lets the bank be asked, and waits for it as long as a caller likes to wait.
async fn settle(ask: &Ask, id: &str) {
    let (ctx, subject) = (ask.server.ctx.clone(), id.to_owned());
    let driving = ask.server.spawn(async move { drive::settle_now(&ctx, &subject).await });
    // The time is over: the answer tells what is known, the task goes on.
    let _ = tokio::time::timeout(ask.server.limits.bank_wait, driving).await;
    ask.server.nudge.notify_one();
}

async fn show(server: &Server, caller: &Caller, status: u16, id: &str) -> Result<Answer, ApiError> {
    let found = drive::find(&server.ctx, &caller.shop_id, id).await?;
    let found = found.ok_or_else(|| ApiError::of(codes::SUBSCRIPTION_NOT_FOUND))?;
    Answer::json(status, &SubscriptionView::new(&found, &server.ctx))
}

/// List subscriptions
#[utoipa::path(get, path = "/v1/subscriptions", tag = "subscriptions",
    params(
        ("status" = Option<String>, Query, description = "One status"),
        ("customer_id" = Option<String>, Query, description = "Those of one customer"),
        ("limit" = Option<i64>, Query, description = "1 to 100; 20 if absent"),
        ("starting_after" = Option<String>, Query,
            description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "One page, the newest first", body = Page<SubscriptionView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_subscriptions(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&FILTERS)?;
    let limit = query.limit()?;
    let filter = SubscriptionFilter {
        status: query.word("status", Status::parse, &Status::ALL.map(Status::as_str))?,
        customer_id: query.find("customer_id").map(str::to_owned),
        plan_id: None,
        before_id: query.id("starting_after", "sub_")?,
    };
    let found: Result<Vec<_>, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let all = store::list_subscriptions(tx, &caller.shop_id, &filter, limit + 1)?;
            all.iter().map(|it| describe(tx, it)).collect()
        })
        .await;
    let data = found?.iter().map(|it| SubscriptionView::new(it, &server.ctx)).collect();
    Answer::json(200, &Page::new(data, limit, |it: &SubscriptionView| it.id.clone()))
}

/// Get a subscription
#[utoipa::path(get, path = "/v1/subscriptions/{id}", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody)))]
async fn get_subscription(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    show(&server, &caller, 200, &id).await
}

/// List a subscription's periods
///
/// What each cost and why, and the payments by which it was asked for; the newest first, a hundred
/// at most.
#[utoipa::path(get, path = "/v1/subscriptions/{id}/periods", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The periods", body = Page<PeriodView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody)))]
async fn list_periods(
    State(server): State<Server>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Option<Vec<PeriodView>>, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            if store::find_subscription(tx, &caller.shop_id, &id)?.is_none() {
                return Ok(None);
            }
            let mut shown = Vec::new();
            for period in store::list_periods(tx, &id, MANY)? {
                let attempts = store::list_attempts(tx, &id, period.number)?;
                shown.push(PeriodView::new(&period, &attempts));
            }
            Ok(Some(shown))
        })
        .await;
    let found = found?.ok_or_else(|| ApiError::of(codes::SUBSCRIPTION_NOT_FOUND))?;
    Answer::json(200, &Page::whole(found))
}

/// What a change costs, before it happens.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewView {
    #[schema(value_type = String, example = "subscription_preview")]
    pub object: &'static str,
    pub name: String,
    pub quantity: u32,
    /// now, or period_end.
    #[schema(value_type = String, example = "now")]
    pub when: &'static str,
    /// From then on the new price holds.
    pub from: String,
    /// Asked for at once.
    #[schema(example = "733.33")]
    pub due: String,
    pub due_kopecks: i64,
    /// Why it is that sum: `unused` is what was paid for time that will not be used.
    pub lines: Vec<LineView>,
    /// Kept for the next periods, the customer's when positive.
    pub balance_kopecks: i64,
    /// What a whole period costs from then on.
    pub price_kopecks: i64,
}

impl PreviewView {
    pub fn new(preview: &Preview) -> PreviewView {
        PreviewView {
            object: "subscription_preview",
            name: preview.version.terms.name.clone(),
            quantity: preview.quantity,
            when: preview.when.as_str(),
            from: iso(preview.from_ms),
            due: preview.due.to_rubles(),
            due_kopecks: preview.due.kopecks(),
            lines: lines(&preview.lines),
            balance_kopecks: preview.balance_kopecks,
            price_kopecks: preview.price.kopecks(),
        }
    }
}

/// Preview a change
///
/// What another plan or quantity would cost now, to the kopeck; nothing changes.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/preview", tag = "subscriptions",
    request_body = ChangeSubscription,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "What it would cost", body = PreviewView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "No such subscription or plan", body = ErrorBody),
        (status = 409, description = "It cannot be changed now", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn preview_change(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let wish = json::read::<ChangeSubscription>(&ask.body)?.read()?;
    let (ctx, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
    let inner = ctx.clone();
    let told: Result<Preview, Problem> = ctx
        .db
        .read(move |tx| {
            let found = store::find_subscription(tx, &shop_id, &id)?;
            let found = found.ok_or(Problem::NoSuchSubscription)?;
            change::preview(tx, &inner, &found, &wish)
        })
        .await;
    Answer::json(200, &PreviewView::new(&told?))
}

/// Change the plan or the quantity
///
/// As previewed. A sum that is due is asked for at once, and the change happens when it is paid; if
/// it is not, the subscription stays what it was.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/change", tag = "subscriptions",
    request_body = ChangeSubscription,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "No such subscription or plan", body = ErrorBody),
        (status = 409, description = "It cannot be changed now", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn change_subscription(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let wish = json::read::<ChangeSubscription>(&ask.body)?.read()?;
    submit::run(ask, |ask| async move {
        if let Some(answer) = replay_of::<Touched>(&ask).await? {
            return Ok(answer);
        }
        let (inner, shop_id) = (ask.server.ctx.clone(), ask.caller.shop_id.clone());
        let subject = id.clone();
        let save =
            move |tx: &mut dyn Tx| change::change(tx, &inner, (&shop_id, &subject), wish).map(drop);
        let work = Touched::Subscription { id: id.clone() };
        once::<_, Problem, _, _, _>(&ask, &work, save, || settle(&ask, &id)).await
    })
    .await
}

async fn request(ask: Ask, id: String, event: Event) -> Result<Answer, ApiError> {
    let (inner, shop_id, subject) =
        (ask.server.ctx.clone(), ask.caller.shop_id.clone(), id.clone());
    let save =
        move |tx: &mut dyn Tx| flow::request(tx, &inner, (&shop_id, &subject), &event).map(drop);
    touch(ask, id, save).await
}

/// Does what was asked of a subscription once, and shows what it is then.
async fn touch(
    ask: Ask,
    id: String,
    save: impl FnOnce(&mut dyn Tx) -> Result<(), Problem> + Send + 'static,
) -> Result<Answer, ApiError> {
    submit::run(ask, |ask| async move {
        if let Some(answer) = replay_of::<Touched>(&ask).await? {
            return Ok(answer);
        }
        let work = Touched::Subscription { id };
        let wake = || async { ask.server.nudge.notify_one() };
        once::<_, Problem, _, _, _>(&ask, &work, save, wake).await
    })
    .await
}

/// Cancel a subscription
///
/// At the end of the paid period unless `when` is `now`. Nothing more is charged; what was paid may
/// be used to its end.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/cancel", tag = "subscriptions",
    request_body = CancelSubscription,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody),
        (status = 409, description = "It is over", body = ErrorBody)))]
async fn cancel_subscription(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let at_ms = ask.server.ctx.now_ms();
    let event = match json::read::<CancelSubscription>(&ask.body)?.read()? {
        When::Now => Event::Cancel { at_ms },
        When::PeriodEnd => Event::CancelAtEnd { at_ms },
    };
    request(ask, id, event).await
}

/// Take a cancellation back
///
/// While the paid period lasts, and the consent stands.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/reactivate", tag = "subscriptions",
    request_body = NoFields,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody),
        (status = 409, description = "There is nothing to take back", body = ErrorBody),
        (status = 422, description = "The consent is gone", body = ErrorBody)))]
async fn reactivate_subscription(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let NoFields {} = json::read(&ask.body)?;
    let at_ms = ask.server.ctx.now_ms();
    request(ask, id, Event::Reactivate { at_ms }).await
}

/// Pause a subscription
///
/// It is neither used nor charged; the rest of what was paid is kept for later.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/pause", tag = "subscriptions",
    request_body = PauseSubscription,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody),
        (status = 409, description = "It cannot be paused now", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn pause_subscription(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let at_ms = ask.server.ctx.now_ms();
    let resumes_ms = json::read::<PauseSubscription>(&ask.body)?.read(at_ms)?;
    request(ask, id, Event::Pause { at_ms, resumes_ms }).await
}

/// Resume a subscription
///
/// The paid time that was kept is used up, then the next period begins.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/resume", tag = "subscriptions",
    request_body = NoFields,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody),
        (status = 409, description = "It is not paused", body = ErrorBody)))]
async fn resume_subscription(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let NoFields {} = json::read(&ask.body)?;
    let at_ms = ask.server.ctx.now_ms();
    request(ask, id, Event::Resume { at_ms }).await
}

/// Withdraw the customer's consent
///
/// At once and for good: nothing is charged any more, a charge under way is given back, and what
/// was paid may be used to its end. The account or card is charged for nothing else either. Another
/// subscription needs another consent.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/withdraw", tag = "subscriptions",
    request_body = WithdrawConsent,
    params(("id" = String, Path, description = "The subscription's id")),
    responses(
        (status = 200, description = "The subscription", body = SubscriptionView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such subscription", body = ErrorBody)))]
async fn withdraw_consent(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let by = json::read::<WithdrawConsent>(&ask.body)?.read()?;
    let (inner, shop_id, subject) =
        (ask.server.ctx.clone(), ask.caller.shop_id.clone(), id.clone());
    let save = move |tx: &mut dyn Tx| {
        flow::withdraw::withdraw(tx, &inner, (&shop_id, &subject), &by).map(drop)
    };
    touch(ask, id, save).await
}

/// Withdraw all that a customer agreed to
///
/// For a bot or a call centre that knows the customer and not the subscription: every subscription
/// that charges ends, every saved account and card is taken back, at once and for good. A charge
/// under way is given back. Again is no error.
#[utoipa::path(post, path = "/v1/customers/{id}/withdraw", tag = "subscriptions",
    request_body = WithdrawConsent,
    params(("id" = String, Path, description = "The shop's own number of the customer")),
    responses(
        (status = 200, description = "All that the customer took back", body = WithdrawalView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn withdraw_customer(Path(id): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let (customer_id, by) = (customer_id(&id)?, json::read::<WithdrawConsent>(&ask.body)?.read()?);
    submit::run(ask, |ask| async move {
        if let Some(answer) = replay_of::<Touched>(&ask).await? {
            return Ok(answer);
        }
        let (ctx, shop_id) = (&ask.server.ctx, &ask.caller.shop_id);
        flow::withdraw::withdraw_all(ctx, shop_id, &customer_id, &by).await?;
        let work = Touched::Withdrawal { customer_id };
        let wake = || async { ask.server.nudge.notify_one() };
        once::<_, Problem, _, _, _>(&ask, &work, |_| Ok(()), wake).await
    })
    .await
}

/// What a customer may use
///
/// `merged` is the answer in one row: every feature that may be used now, and until when. `data`
/// has one row for each subscription, the newest first.
#[utoipa::path(get, path = "/v1/entitlements", tag = "subscriptions",
    params(
        ("customer" = String, Query, description = "The shop's own number of the customer"),
        ("plan" = Option<String>, Query, description = "One plan's code")),
    responses(
        (status = 200, description = "The one answer, and the rows; none for a customer without \
            subscriptions", body = EntitlementsView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 422, description = "A parameter is wrong", body = ErrorBody)))]
async fn list_entitlements(
    State(server): State<Server>,
    caller: Caller,
    query: RawQuery,
) -> Result<Answer, ApiError> {
    let query = query.read(&["customer", "plan"])?;
    let customer = query.find("customer").ok_or_else(|| json::missing("customer"))?.to_owned();
    let plan = query.find("plan").map(str::to_owned);
    let of = customer.clone();
    let found: Result<Vec<Described>, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let all = store::list_entitled(tx, &caller.shop_id, &of)?;
            all.iter().map(|it| describe(tx, it)).collect()
        })
        .await;
    let now_ms = server.ctx.now_ms();
    let is_wanted = |it: &Described| {
        let code = it.plan.as_ref().map(|it| &it.code);
        plan.as_ref().is_none_or(|plan| Some(plan) == code)
    };
    let all: Vec<Described> = found?.into_iter().filter(is_wanted).collect();
    let rows = Page::whole(all.iter().map(|it| EntitlementView::new(it, now_ms)).collect());
    let merged = MergedView::new(customer, &all, now_ms);
    Answer::json(200, &EntitlementsView { rows, merged })
}
