//! Use cases of plans and coupons.

use super::Problem;
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    subscriptions::{
        catalog::Listed,
        model::{Coupon, Plan, Terms, Version},
        pricing::Discount,
        store,
    },
};

/// A plan with what it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub plan: Plan,
    pub version: Version,
}

/// What became of a plan that was to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    New,
    /// It has a new version; who subscribed before keeps the old one.
    Version,
    Same,
}

/// The shop's plan as it is sold now.
pub fn get_offer(tx: &mut dyn Tx, shop_id: &str, code: &str) -> Result<Offer, Problem> {
    let plan = store::find_plan(tx, shop_id, code)?.ok_or(Problem::NoSuchPlan)?;
    offer(tx, plan)
}

fn offer(tx: &mut dyn Tx, plan: Plan) -> Result<Offer, Problem> {
    let version = store::latest_version(tx, &plan.id)?;
    let gone = || Problem::from(DbError::Decode(format!("{} has no version", plan.id)));
    let version = version.ok_or_else(gone)?;
    Ok(Offer { plan, version })
}

pub fn list_offers(tx: &mut dyn Tx, shop_id: &str, limit: i64) -> Result<Vec<Offer>, Problem> {
    let plans = store::list_plans(tx, shop_id, limit)?;
    plans.into_iter().map(|plan| offer(tx, plan)).collect()
}

fn insert(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    plan: Plan,
    number: u32,
    terms: Terms,
) -> Result<Offer, Problem> {
    let version = Version {
        id: ctx.mint.id("pv"),
        plan_id: plan.id.clone(),
        number,
        terms,
        created_ms: ctx.now_ms(),
    };
    store::insert_version(tx, &version)?;
    Ok(Offer { plan, version })
}

/// Makes a plan; its code must be new.
pub fn create(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    code: &str,
    terms: Terms,
) -> Result<Offer, Problem> {
    let plan = Plan {
        id: ctx.mint.id("plan"),
        shop_id: shop_id.to_owned(),
        code: code.to_owned(),
        is_archived: false,
        created_ms: ctx.now_ms(),
    };
    if !store::insert_plan(tx, &plan)? {
        return Err(Problem::PlanExists(code.to_owned()));
    }
    insert(tx, ctx, plan, 1, terms)
}

/// Changes a plan for those who subscribe from now on. The same terms are no change.
pub fn change(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    code: &str,
    terms: Terms,
) -> Result<(Offer, Made), Problem> {
    let plan = store::lock_plan(tx, shop_id, code)?.ok_or(Problem::NoSuchPlan)?;
    let now = offer(tx, plan)?;
    if now.version.terms == terms {
        return Ok((now, Made::Same));
    }
    let number = now.version.number + 1;
    Ok((insert(tx, ctx, now.plan, number, terms)?, Made::Version))
}

/// Makes the plan what it is to be, whether there was one or not: for plans kept as code.
pub fn apply(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    code: &str,
    terms: Terms,
) -> Result<(Offer, Made), Problem> {
    match create(tx, ctx, shop_id, code, terms.clone()) {
        Ok(offer) => Ok((offer, Made::New)),
        Err(Problem::PlanExists(_)) => change(tx, ctx, shop_id, code, terms),
        Err(problem) => Err(problem),
    }
}

/// Makes all plans what a file says. Those that the file does not name stay as they are: a plan is
/// archived by somebody who means it.
pub fn apply_all(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    listed: Vec<Listed>,
) -> Result<Vec<(Offer, Made)>, Problem> {
    let each = |it: Listed| apply(tx, ctx, shop_id, &it.code, it.terms);
    listed.into_iter().map(each).collect()
}

/// What [`apply_all`] would do.
pub fn compare_all(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    listed: Vec<Listed>,
) -> Result<Vec<(Offer, Made)>, Problem> {
    let each = |it: Listed| compare(tx, ctx, shop_id, &it.code, it.terms);
    listed.into_iter().map(each).collect()
}

/// Plans on sale that a file does not name.
pub fn list_unnamed(
    tx: &mut dyn Tx,
    shop_id: &str,
    named: &[String],
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let all = store::list_plans(tx, shop_id, limit)?.into_iter();
    let is_left = |plan: &Plan| !plan.is_archived && !named.contains(&plan.code);
    Ok(all.filter(is_left).map(|plan| plan.code).collect())
}

/// What [`apply`] would do, without doing it.
pub fn compare(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    code: &str,
    terms: Terms,
) -> Result<(Offer, Made), Problem> {
    let known = store::find_plan(tx, shop_id, code)?;
    let now_ms = ctx.now_ms();
    let (plan, number, made) = match known {
        Some(plan) => {
            let now = offer(tx, plan)?;
            if now.version.terms == terms {
                return Ok((now, Made::Same));
            }
            (now.plan, now.version.number + 1, Made::Version)
        }
        None => {
            let plan = Plan {
                id: String::new(),
                shop_id: shop_id.to_owned(),
                code: code.to_owned(),
                is_archived: false,
                created_ms: now_ms,
            };
            (plan, 1, Made::New)
        }
    };
    let (id, plan_id) = (String::new(), plan.id.clone());
    let version = Version { id, plan_id, number, terms, created_ms: now_ms };
    Ok((Offer { plan, version }, made))
}

pub fn archive(
    tx: &mut dyn Tx,
    shop_id: &str,
    code: &str,
    is_archived: bool,
) -> Result<Offer, Problem> {
    let mut plan = store::lock_plan(tx, shop_id, code)?.ok_or(Problem::NoSuchPlan)?;
    plan.is_archived = is_archived;
    store::archive_plan(tx, &plan.id, is_archived)?;
    offer(tx, plan)
}

/// What a shop says of a coupon.
#[derive(Clone, Debug)]
pub struct NewCoupon {
    pub code: String,
    pub discount: Discount,
    pub periods: Option<u32>,
    pub max_uses: Option<u32>,
    pub until_ms: Option<i64>,
}

/// Nobody can take it any more; who has it keeps it. Again is no error.
pub fn end_coupon(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (shop_id, code): (&str, &str),
) -> Result<Coupon, Problem> {
    store::end_coupon(tx, (shop_id, code), ctx.now_ms())?;
    store::find_coupon(tx, shop_id, code)?.ok_or(Problem::CouponMissing)
}

pub fn create_coupon(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    shop_id: &str,
    new: NewCoupon,
) -> Result<Coupon, Problem> {
    let coupon = Coupon {
        id: ctx.mint.id("cpn"),
        shop_id: shop_id.to_owned(),
        code: new.code,
        discount: new.discount,
        periods: new.periods,
        max_uses: new.max_uses,
        uses: 0,
        until_ms: new.until_ms,
        created_ms: ctx.now_ms(),
    };
    if !store::insert_coupon(tx, &coupon)? {
        return Err(Problem::CouponExists(coupon.code));
    }
    Ok(coupon)
}
