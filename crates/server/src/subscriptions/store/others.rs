//! SQL of a customer's other subscriptions.

use super::{COLUMNS, decode};
use crate::{
    kit::db::{DbError, Tx},
    subscriptions::model::Subscription,
};

/// Whether the payment is for a period already.
pub fn is_attempt(tx: &mut dyn Tx, payment_id: &str) -> Result<bool, DbError> {
    let sql = "select 1 from subscription_attempts where payment_id = $1";
    Ok(tx.find(sql, &[payment_id.into()])?.is_some())
}

/// Another subscription of the same customer that is not over and pays for this plan, or will: by a
/// change that waits for its money or for the next period.
pub fn find_other_of_plan(
    tx: &mut dyn Tx,
    own: &Subscription,
    plan_id: &str,
) -> Result<Option<Subscription>, DbError> {
    let sql = format!(
        "select {COLUMNS} from subscriptions s \
         where shop_id = $1 and customer_id = $2 and id <> $3 \
         and status not in ('canceled', 'expired') \
         and (plan_id = $4 \
             or exists (select 1 from plan_versions v \
                 where v.id = s.next_version_id and v.plan_id = $4) \
             or exists (select 1 from subscription_periods p \
                 join plan_versions v on v.id = p.version_id \
                 where p.subscription_id = s.id and p.number = s.periods \
                 and p.status = 'open' and v.plan_id = $4)) \
         order by id desc limit 1"
    );
    let params = [
        own.shop_id.as_str().into(),
        own.customer_id.as_str().into(),
        own.id.as_str().into(),
        plan_id.into(),
    ];
    tx.find(&sql, &params)?.map(|row| decode(&row)).transpose()
}
