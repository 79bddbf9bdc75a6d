//! Callbacks and variables exactly as Salebot's own payment systems write them, so that old bots
//! work unchanged.
//!
//! A callback is text that stands in the chat like the client's own; what keeps a client from
//! typing it is the prefix. It follows from a secret of its own: a prefix seen by every operator
//! must say nothing of what opens a bank account.

use kopeck_banks::Money;
use serde_json::{Map, Value, json};

use crate::{
    keyed,
    message::{Kind, Message, Payment},
};

/// What the address of a client with the older scheme ends with.
pub const VARIABLE: &str = "payment_sum";
/// As many characters as Salebot takes of a secret.
pub const PREFIX_CHARS: usize = 10;
const LABEL: &str = "kopeck salebot callback";

/// By which of Salebot's two ways a link was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// By a function or a button: callbacks have the sum.
    Function,
    /// By the variable `payment_sum`: callbacks have none.
    Variable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Fail,
    DifferentAmounts,
}

/// The ten characters before `_success`: show them to the shop, for its blocks' conditions.
pub fn prefix(secret: &str) -> String {
    keyed::letters(&keyed::derive(secret, LABEL, ""), PREFIX_CHARS)
}

/// What of this kind the callback says, if there is one.
pub const fn outcome(kind: Kind) -> Option<Outcome> {
    match kind {
        Kind::Paid => Some(Outcome::Success),
        Kind::Failed => Some(Outcome::Fail),
        Kind::Mismatch => Some(Outcome::DifferentAmounts),
        Kind::Test
        | Kind::Link
        | Kind::Reminder
        | Kind::Expired
        | Kind::Canceled
        | Kind::Refunded
        | Kind::Receipt
        | Kind::Renewal
        | Kind::RenewalFailed
        | Kind::Rebind
        | Kind::Welcome => None,
    }
}

/// `ovg58keefc_success 44`.
pub(super) fn text(prefix: &str, scheme: Scheme, message: &Message) -> Option<String> {
    let payment = message.payment.as_ref()?;
    Some(write(prefix, scheme, outcome(message.kind)?, payment.amount, payment_id(payment)))
}

/// The text of a callback. The older scheme has no sums in it.
pub fn write(
    prefix: &str,
    scheme: Scheme,
    outcome: Outcome,
    amount: Money,
    payment_id: &str,
) -> String {
    match (scheme, outcome) {
        (Scheme::Function, Outcome::Success) => format!("{prefix}_success {}", sum(amount)),
        (Scheme::Function, Outcome::Fail) => format!("{prefix}_fail {}", sum(amount)),
        (_, Outcome::DifferentAmounts) => format!("{prefix}_different_amounts {payment_id}"),
        (Scheme::Variable, Outcome::Success) => format!("{prefix}_success"),
        (Scheme::Variable, Outcome::Fail) => format!("{prefix}_fail"),
    }
}

/// As Python prints it: `44`, `100.55`, `100.5`.
pub fn sum(amount: Money) -> String {
    let text = amount.to_rubles();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn payment_id(payment: &Payment) -> &str {
    payment.bank_id.as_deref().unwrap_or(&payment.id)
}

fn status(kind: Kind) -> &'static str {
    match kind {
        Kind::Test
        | Kind::Link
        | Kind::Reminder
        | Kind::Renewal
        | Kind::RenewalFailed
        | Kind::Rebind
        | Kind::Welcome => "pending",
        Kind::Paid | Kind::Receipt => "paid",
        Kind::Mismatch => "amount_mismatch",
        Kind::Failed => "failed",
        Kind::Expired => "expired",
        Kind::Canceled => "canceled",
        Kind::Refunded => "refunded",
    }
}

/// Variables under our own names, for bots made for us.
pub(super) fn own_variables(message: &Message) -> Map<String, Value> {
    let mut variables = Map::new();
    let Some(payment) = &message.payment else {
        variables.insert("kopeck_test".into(), json!("1"));
        return variables;
    };
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            variables.insert(name.to_owned(), json!(value));
        }
    };
    put("payment_id", &payment.id);
    put("payment_status", status(message.kind));
    put("payment_amount", &sum(payment.moved.unwrap_or(payment.amount)));
    put("payment_order", payment.order.as_deref().unwrap_or(""));
    put("receipt_url", payment.receipt_url.as_deref().unwrap_or(""));
    variables
}

/// Ours, and those that Salebot's own T-Bank connection sets.
pub(super) fn all_variables(message: &Message) -> Map<String, Value> {
    let mut variables = own_variables(message);
    let Some(payment) = &message.payment else { return variables };
    let mut put = |name: &str, value: String| {
        variables.insert(name.to_owned(), Value::String(value));
    };
    put("tinkoff_payment_id", payment_id(payment).to_owned());
    if let (Kind::Link, Some(url)) = (message.kind, &payment.pay_url) {
        put("tinkoff_pay_url", url.clone());
    }
    if outcome(message.kind).is_some() {
        put("tinkoff_callback_data", callback_data(message.kind, payment).to_string());
    }
    if message.kind == Kind::Paid {
        // The text that Salebot's conditions compare with.
        put("tinkoff_payment_completed", "True".to_owned());
        if let Some(instrument) = &payment.instrument {
            put("tinkoff_rebill_id", instrument.clone());
            put("tinkoff_recurrent_id", payment_id(payment).to_owned());
        }
    }
    variables
}

/// The bank's notice as bots take it apart by `get`: T-Bank's words, kopecks.
fn callback_data(kind: Kind, payment: &Payment) -> Value {
    let is_paid = kind != Kind::Failed;
    let mut data = json!({
        "OrderId": payment.order.as_deref().unwrap_or(&payment.id),
        "Success": is_paid,
        "Status": if is_paid { "CONFIRMED" } else { "REJECTED" },
        "PaymentId": payment_id(payment),
        "Amount": payment.moved.unwrap_or(payment.amount).kopecks(),
    });
    if let Some(instrument) = &payment.instrument {
        data["RebillId"] = json!(instrument);
    }
    data
}
