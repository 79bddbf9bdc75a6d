//! What may be asked for of coupons.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{code, count};
use crate::{
    http::{
        ApiError,
        json::{self, Raw, invalid, missing},
    },
    payments::request::amount,
    subscriptions::{
        flow::plans::NewCoupon,
        pricing::{Discount, MAX_PERCENT},
    },
};

/// A coupon: a part of the price, or a sum.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCoupon {
    #[schema(value_type = String, example = "WINTER")]
    pub code: Raw,
    /// 1 to 100.
    #[schema(value_type = Option<i64>, example = 20)]
    pub percent: Raw,
    /// Rubles.
    #[schema(value_type = Option<String>)]
    pub amount: Raw,
    #[schema(value_type = Option<i64>)]
    pub amount_kopecks: Raw,
    /// How many periods it counts for; all when absent.
    #[schema(value_type = Option<i64>)]
    pub periods: Raw,
    #[schema(value_type = Option<i64>)]
    pub max_uses: Raw,
    #[schema(value_type = Option<String>, example = "2027-01-01T00:00:00+03:00")]
    pub valid_until: Raw,
}

impl CreateCoupon {
    pub fn read(&self) -> Result<NewCoupon, ApiError> {
        let percent = count("percent", &self.percent, (1, i64::from(MAX_PERCENT)))?;
        let sum = amount(&self.amount, &self.amount_kopecks)?;
        let discount = match (percent, sum) {
            (Some(percent), None) => Discount::Percent(percent),
            (None, Some(sum)) => Discount::Amount(sum),
            (Some(_), Some(_)) => {
                return Err(invalid("percent", "and `amount` are both given: send one"));
            }
            (None, None) => return Err(missing("percent")),
        };
        let until = match json::string("valid_until", &self.valid_until)? {
            None => None,
            Some(found) => {
                let at: Result<jiff::Timestamp, _> = found.parse();
                let what = "takes a time such as 2027-01-01T00:00:00+03:00";
                Some(at.map_err(|_| invalid("valid_until", what))?.as_millisecond())
            }
        };
        let most = (1, i64::from(i32::MAX));
        Ok(NewCoupon {
            code: code("code", &self.code)?,
            discount,
            periods: count("periods", &self.periods, most)?,
            max_uses: count("max_uses", &self.max_uses, most)?,
            until_ms: until,
        })
    }
}
