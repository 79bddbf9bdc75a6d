//! Routes of plans and coupons.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    flow::{
        Problem,
        plans::{self, Offer},
    },
    model::Coupon,
    replies::Touched,
    request::{self, CreateCoupon, NoFields, PlanInput},
    store,
    view::{CouponView, PlanView},
};
use crate::{
    http::{
        Answer, ApiError, Caller, Server,
        error::ErrorBody,
        json::{self, invalid},
        page::Page,
    },
    kit::db::{DbError, Tx},
    payments::{
        idempotency::{once, replay_of},
        submit::{self, Ask},
    },
};

/// No shop has more plans, or more coupons at a time.
const MANY: i64 = 500;

pub fn routes() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(create_plan, list_plans))
        .routes(routes!(get_plan, change_plan))
        .routes(routes!(archive_plan))
        .routes(routes!(restore_plan))
        .routes(routes!(create_coupon, list_coupons))
        .routes(routes!(get_coupon))
        .routes(routes!(end_coupon))
}

/// Create a plan
#[utoipa::path(post, path = "/v1/plans", tag = "subscriptions", request_body = PlanInput,
    responses(
        (status = 201, description = "The plan", body = PlanView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "The shop has a plan of that code", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_plan(ask: Ask) -> Result<Answer, ApiError> {
    let input: PlanInput = json::read(&ask.body)?;
    let (code, terms) = (request::code("code", &input.code)?, input.read()?);
    let (inner, shop_id, named) =
        (ask.server.ctx.clone(), ask.caller.shop_id.clone(), code.clone());
    let save = move |tx: &mut dyn Tx| plans::create(tx, &inner, &shop_id, &named, terms).map(drop);
    touch(ask, Touched::NewPlan { code }, save).await
}

/// Does it once, whoever repeats the request.
async fn touch(
    ask: Ask,
    work: Touched,
    save: impl FnOnce(&mut dyn Tx) -> Result<(), Problem> + Send + 'static,
) -> Result<Answer, ApiError> {
    submit::run(ask, |ask| async move {
        if let Some(answer) = replay_of::<Touched>(&ask).await? {
            return Ok(answer);
        }
        once::<_, Problem, _, _, _>(&ask, &work, save, || async {}).await
    })
    .await
}

/// List plans
#[utoipa::path(get, path = "/v1/plans", tag = "subscriptions",
    responses(
        (status = 200, description = "All plans, by their codes", body = Page<PlanView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_plans(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    let found: Result<Vec<Offer>, Problem> =
        server.ctx.db.read(move |tx| plans::list_offers(tx, &caller.shop_id, MANY)).await;
    Answer::json(200, &Page::whole(found?.iter().map(PlanView::new).collect()))
}

/// Get a plan
#[utoipa::path(get, path = "/v1/plans/{code}", tag = "subscriptions",
    params(("code" = String, Path, description = "The plan's code")),
    responses(
        (status = 200, description = "The plan", body = PlanView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such plan", body = ErrorBody)))]
async fn get_plan(
    State(server): State<Server>,
    caller: Caller,
    Path(code): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Offer, Problem> =
        server.ctx.db.read(move |tx| plans::get_offer(tx, &caller.shop_id, &code)).await;
    Answer::json(200, &PlanView::new(&found?))
}

/// Change a plan
///
/// For those who subscribe from now on: a new version. Who subscribed before keeps the old one
/// until changed.
#[utoipa::path(post, path = "/v1/plans/{code}", tag = "subscriptions", request_body = PlanInput,
    params(("code" = String, Path, description = "The plan's code")),
    responses(
        (status = 200, description = "The plan", body = PlanView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such plan", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn change_plan(Path(code): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let input: PlanInput = json::read(&ask.body)?;
    if input.code.is_some() {
        return Err(invalid("code", "cannot be changed: leave it out"));
    }
    let terms = input.read()?;
    let (inner, shop_id, named) =
        (ask.server.ctx.clone(), ask.caller.shop_id.clone(), code.clone());
    let save = move |tx: &mut dyn Tx| plans::change(tx, &inner, &shop_id, &named, terms).map(drop);
    touch(ask, Touched::Plan { code }, save).await
}

async fn archive(ask: Ask, code: String, is_archived: bool) -> Result<Answer, ApiError> {
    let NoFields {} = json::read(&ask.body)?;
    let (shop_id, named) = (ask.caller.shop_id.clone(), code.clone());
    let save = move |tx: &mut dyn Tx| plans::archive(tx, &shop_id, &named, is_archived).map(drop);
    touch(ask, Touched::Plan { code }, save).await
}

/// Archive a plan
///
/// Nobody can subscribe to it any more; those who did go on.
#[utoipa::path(post, path = "/v1/plans/{code}/archive", tag = "subscriptions",
    request_body = NoFields,
    params(("code" = String, Path, description = "The plan's code")),
    responses(
        (status = 200, description = "The plan", body = PlanView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such plan", body = ErrorBody)))]
async fn archive_plan(Path(code): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    archive(ask, code, true).await
}

/// Sell an archived plan again
#[utoipa::path(post, path = "/v1/plans/{code}/restore", tag = "subscriptions",
    request_body = NoFields,
    params(("code" = String, Path, description = "The plan's code")),
    responses(
        (status = 200, description = "The plan", body = PlanView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such plan", body = ErrorBody)))]
async fn restore_plan(Path(code): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    archive(ask, code, false).await
}

/// Create a coupon
#[utoipa::path(post, path = "/v1/coupons", tag = "subscriptions", request_body = CreateCoupon,
    responses(
        (status = 201, description = "The coupon", body = CouponView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 409, description = "The shop has a coupon of that code", body = ErrorBody),
        (status = 422, description = "A field is wrong; `param` names it", body = ErrorBody)))]
async fn create_coupon(ask: Ask) -> Result<Answer, ApiError> {
    let new = json::read::<CreateCoupon>(&ask.body)?.read()?;
    let (inner, shop_id, code) =
        (ask.server.ctx.clone(), ask.caller.shop_id.clone(), new.code.clone());
    let save = move |tx: &mut dyn Tx| plans::create_coupon(tx, &inner, &shop_id, new).map(drop);
    touch(ask, Touched::NewCoupon { code }, save).await
}

/// List coupons
#[utoipa::path(get, path = "/v1/coupons", tag = "subscriptions",
    responses(
        (status = 200, description = "All coupons, by their codes", body = Page<CouponView>),
        (status = 401, description = "No key, or not a good one", body = ErrorBody)))]
async fn list_coupons(State(server): State<Server>, caller: Caller) -> Result<Answer, ApiError> {
    let found: Result<Vec<Coupon>, DbError> =
        server.ctx.db.read(move |tx| store::list_coupons(tx, &caller.shop_id, MANY)).await;
    Answer::json(200, &Page::whole(found?.iter().map(CouponView::new).collect()))
}

/// Get a coupon
#[utoipa::path(get, path = "/v1/coupons/{code}", tag = "subscriptions",
    params(("code" = String, Path, description = "The coupon's code")),
    responses(
        (status = 200, description = "The coupon", body = CouponView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such coupon", body = ErrorBody)))]
async fn get_coupon(
    State(server): State<Server>,
    caller: Caller,
    Path(code): Path<String>,
) -> Result<Answer, ApiError> {
    let found: Result<Option<Coupon>, DbError> =
        server.ctx.db.read(move |tx| store::find_coupon(tx, &caller.shop_id, &code)).await;
    let found = found?.ok_or(Problem::CouponMissing)?;
    Answer::json(200, &CouponView::new(&found))
}

/// End a coupon
///
/// Nobody can take it any more; who has it keeps it for its periods. Again is no error.
#[utoipa::path(post, path = "/v1/coupons/{code}/end", tag = "subscriptions",
    request_body = NoFields,
    params(("code" = String, Path, description = "The coupon's code")),
    responses(
        (status = 200, description = "The coupon", body = CouponView),
        (status = 401, description = "No key, or not a good one", body = ErrorBody),
        (status = 404, description = "The shop has no such coupon", body = ErrorBody)))]
async fn end_coupon(Path(code): Path<String>, ask: Ask) -> Result<Answer, ApiError> {
    let NoFields {} = json::read(&ask.body)?;
    let (inner, shop_id, named) =
        (ask.server.ctx.clone(), ask.caller.shop_id.clone(), code.clone());
    let save = move |tx: &mut dyn Tx| plans::end_coupon(tx, &inner, (&shop_id, &named)).map(drop);
    touch(ask, Touched::Coupon { code }, save).await
}
