//! What a refusal about subscriptions means and what the merchant does about it.

use crate::op::SubscriptionOp;

/// The code and the hint of "Subscription not found".
pub const fn missing(op: &SubscriptionOp) -> (&'static str, &'static str) {
    match op {
        // The bank says the same of one that it does not know and of one without a schedule.
        SubscriptionOp::Status { .. } | SubscriptionOp::Cancel { .. } => (
            "subscription_not_scheduled",
            "The bank knows no scheduled subscription of this id. One without a schedule has no \
             status and cannot be canceled at the bank: it ends when it is charged no more. \
             Otherwise check the id and the connection.",
        ),
        SubscriptionOp::Charge { .. } => (
            "subscription_missing",
            "The bank knows no subscription of this id that can be charged: check that it was \
             opened without a schedule, with this connection, and paid.",
        ),
        SubscriptionOp::Open(_) | SubscriptionOp::List { .. } => (
            "bank_object_missing",
            "The bank knows no such company or point: check customer_code and merchant_id of the \
             connection.",
        ),
    }
}

pub const fn hint_for_conflict(op: &SubscriptionOp) -> &'static str {
    match op {
        SubscriptionOp::Open(_) => {
            "Check in the internet bank that internet acquiring is connected, that the point takes \
             cards and that recurring payments are allowed."
        }
        SubscriptionOp::Charge { .. } => {
            "Look at the payment's approvals before another charge: only a subscription without a \
             schedule that was paid once can be charged."
        }
        SubscriptionOp::Cancel { .. } => {
            "Look at its status: what has ended already cannot be canceled."
        }
        SubscriptionOp::List { .. } | SubscriptionOp::Status { .. } => {
            "Ask the bank's support, quoting the audit id."
        }
    }
}
