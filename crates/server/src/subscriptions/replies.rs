//! What requests with an Idempotency-Key were about, and how each is answered from what is stored.

use super::{
    drive,
    flow::{
        plans::{self, Offer},
        withdraw,
    },
    store,
    view::{CouponView, PlanView, SubscriptionView, WithdrawalView},
};
use crate::{
    http::{Answer, ApiError, codes},
    kit::db::DbError,
    payments::{idempotency::Work, submit::Ask},
    subscriptions::flow::Problem,
};

/// What a request made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    NewSubscription {
        id: String,
    },
    Subscription {
        id: String,
    },
    NewPlan {
        code: String,
    },
    Plan {
        code: String,
    },
    NewCoupon {
        code: String,
    },
    Coupon {
        code: String,
    },
    /// All that a customer agreed to.
    Withdrawal {
        customer_id: String,
    },
}

impl Work for Touched {
    fn to_text(&self) -> String {
        match self {
            Touched::NewSubscription { id } => format!("subscribe {id}"),
            Touched::Subscription { id } => format!("subscription {id}"),
            Touched::NewPlan { code } => format!("new_plan {code}"),
            Touched::Plan { code } => format!("plan {code}"),
            Touched::NewCoupon { code } => format!("new_coupon {code}"),
            Touched::Coupon { code } => format!("coupon {code}"),
            Touched::Withdrawal { customer_id } => format!("withdrawal {customer_id}"),
        }
    }

    fn parse(text: &str) -> Option<Touched> {
        // A customer's number may hold spaces.
        let (word, rest) = text.split_once(' ')?;
        let rest = rest.to_owned();
        Some(match word {
            "subscribe" => Touched::NewSubscription { id: rest },
            "subscription" => Touched::Subscription { id: rest },
            "new_plan" => Touched::NewPlan { code: rest },
            "plan" => Touched::Plan { code: rest },
            "new_coupon" => Touched::NewCoupon { code: rest },
            "coupon" => Touched::Coupon { code: rest },
            "withdrawal" => Touched::Withdrawal { customer_id: rest },
            _ => return None,
        })
    }

    async fn compose(&self, ask: &Ask) -> Result<Answer, ApiError> {
        match self {
            Touched::NewSubscription { id } => subscription(ask, 201, id).await,
            Touched::Subscription { id } => subscription(ask, 200, id).await,
            Touched::NewPlan { code } => plan(ask, 201, code).await,
            Touched::Plan { code } => plan(ask, 200, code).await,
            Touched::NewCoupon { code } => coupon(ask, 201, code).await,
            Touched::Coupon { code } => coupon(ask, 200, code).await,
            Touched::Withdrawal { customer_id } => withdrawal(ask, customer_id).await,
        }
    }
}

async fn subscription(ask: &Ask, status: u16, id: &str) -> Result<Answer, ApiError> {
    let ctx = &ask.server.ctx;
    let found = drive::find(ctx, &ask.caller.shop_id, id).await?;
    let found = found.ok_or_else(|| ApiError::of(codes::SUBSCRIPTION_NOT_FOUND))?;
    Answer::json(status, &SubscriptionView::new(&found, ctx))
}

async fn plan(ask: &Ask, status: u16, code: &str) -> Result<Answer, ApiError> {
    let (shop_id, code) = (ask.caller.shop_id.clone(), code.to_owned());
    let found: Result<Offer, Problem> =
        ask.server.ctx.db.read(move |tx| plans::get_offer(tx, &shop_id, &code)).await;
    Answer::json(status, &PlanView::new(&found?))
}

async fn coupon(ask: &Ask, status: u16, code: &str) -> Result<Answer, ApiError> {
    let (shop_id, code) = (ask.caller.shop_id.clone(), code.to_owned());
    let found: Result<_, DbError> =
        ask.server.ctx.db.read(move |tx| store::find_coupon(tx, &shop_id, &code)).await;
    let found = found?.ok_or(Problem::NoSuchCoupon)?;
    Answer::json(status, &CouponView::new(&found))
}

async fn withdrawal(ask: &Ask, customer_id: &str) -> Result<Answer, ApiError> {
    let (shop_id, customer) = (ask.caller.shop_id.clone(), customer_id.to_owned());
    let found: Result<_, DbError> =
        ask.server.ctx.db.read(move |tx| withdraw::list_ended(tx, &shop_id, &customer)).await;
    Answer::json(200, &WithdrawalView::new(customer_id, &found?))
}
