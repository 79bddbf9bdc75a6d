//! An operation on subscriptions as the request that carries it.

use crate::{
    bank::Credentials,
    http::{HttpRequest, Method, encode_query, percent_encode},
    op::{NewSubscription, Schedule, SchedulePeriod, SubscriptionOp, SubscriptionStatus},
    tochka::{
        request::{PER_PAGE, api, client, item, supplier},
        settings,
        wire::Request,
    },
};

use super::{period_word, status_word, wire};

pub fn build(credentials: &Credentials, op: &SubscriptionOp) -> HttpRequest {
    let post = |path: &str| api(credentials, Method::Post, path);
    match op {
        SubscriptionOp::Open(new) => open(credentials, new),
        SubscriptionOp::List { scheduled, page } => {
            let query = encode_query(&[
                ("customerCode", credentials.get(settings::CUSTOMER_CODE)),
                ("recurring", if *scheduled { "false" } else { "true" }),
                ("page", &page.to_string()),
                ("perPage", PER_PAGE),
            ]);
            api(credentials, Method::Get, &format!("/acquiring/v1.0/subscriptions?{query}"))
        }
        SubscriptionOp::Status { bank_id } => {
            api(credentials, Method::Get, &path(bank_id, "/status"))
        }
        SubscriptionOp::Cancel { bank_id } => {
            let data = wire::SetStatus { status: status_word(SubscriptionStatus::Canceled) };
            post(&path(bank_id, "/status")).json(&Request { data })
        }
        SubscriptionOp::Charge { bank_id, amount } => {
            let data = wire::Charge { amount: amount.to_json_number() };
            post(&path(bank_id, "/charge")).json(&Request { data })
        }
    }
}

fn open(credentials: &Credentials, new: &NewSubscription) -> HttpRequest {
    let receipt = new.receipt.as_ref();
    let data = wire::Open {
        customer_code: credentials.get(settings::CUSTOMER_CODE),
        amount: new.amount.to_json_number(),
        purpose: &new.purpose,
        redirect_url: new.success_url.as_deref(),
        fail_redirect_url: new.fail_url.as_deref(),
        consumer_id: new.payer_id.as_deref(),
        merchant_id: credentials.find(settings::MERCHANT_ID),
        recurring: new.schedule.is_none().then_some(true),
        options: new.schedule.map(options),
        payment_link_id: &new.reference,
        tax_system_code: receipt.and_then(|receipt| receipt.taxation).map(|t| t.as_str()),
        client: receipt.map(client),
        items: receipt.map(|receipt| receipt.lines.iter().map(item).collect()).unwrap_or_default(),
        supplier: receipt.and_then(|receipt| receipt.supplier.as_ref()).map(supplier),
    };
    let path = match receipt {
        Some(_) => "/acquiring/v1.0/subscriptions_with_receipt",
        None => "/acquiring/v1.0/subscriptions",
    };
    api(credentials, Method::Post, path).json(&Request { data })
}

fn options(schedule: Schedule) -> wire::Options {
    wire::Options {
        tranche_count: schedule.count,
        period: period_word(schedule.period),
        days_in_period: match schedule.period {
            SchedulePeriod::Days(days) => Some(days),
            SchedulePeriod::Month | SchedulePeriod::Quarter | SchedulePeriod::Year => None,
        },
    }
}

fn path(bank_id: &str, action: &str) -> String {
    format!("/acquiring/v1.0/subscriptions/{}{action}", percent_encode(bank_id))
}
