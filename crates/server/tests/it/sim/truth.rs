//! What the emulated banks hold: the truth that Kopeck's books are compared with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kopeck_banks::emulator::{Control, Emulator};
use serde_json::Value;

use super::codes::read_code;

/// One operation at a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub id: String,
    pub reference: String,
    pub status: String,
    pub amount: i64,
    pub paid: i64,
    /// Amounts of the refunds in its list, by the bank's id; no list, one of all.
    pub refunds: BTreeMap<String, i64>,
    pub held: i64,
    /// Attempts to pay failed.
    pub has_declines: bool,
}

impl Operation {
    pub fn refunded(&self) -> i64 {
        self.refunds.values().sum()
    }

    pub fn count_refunds(&self, amount: i64) -> usize {
        self.refunds.values().filter(|own| **own == amount).count()
    }
}

pub fn read(bank: &mut dyn Emulator, now_ms: i64) -> Vec<Operation> {
    let now = Timestamp::from_millisecond(now_ms).unwrap();
    let all = bank.control(now, &Control::List).unwrap();
    let read = if bank.name() == "tbank" { read_tbank } else { read_one };
    let links = all["payments"].as_array().unwrap().iter().map(read);
    let codes = all["codes"].as_array().into_iter().flatten().map(read_code);
    links.chain(codes).collect()
}

fn read_one(payment: &Value) -> Operation {
    let text = |name: &str| payment[name].as_str().unwrap().to_owned();
    let orders = payment["orders"].as_array().unwrap().iter();
    let refunds = orders.filter(|order| order["type"] == "refund").map(|order| {
        (order["id"].as_str().unwrap().to_owned(), order["amount_kopecks"].as_i64().unwrap())
    });
    Operation {
        id: text("id"),
        reference: text("reference"),
        status: text("status"),
        amount: payment["amount_kopecks"].as_i64().unwrap(),
        paid: payment["paid_kopecks"].as_i64().unwrap(),
        refunds: refunds.collect(),
        held: 0,
        has_declines: false,
    }
}

/// In the words of the other bank, so that the checks know one set.
fn read_tbank(payment: &Value) -> Operation {
    let text = |name: &str| payment[name].as_str().unwrap().to_owned();
    let kopecks = |name: &str| payment[name].as_i64().unwrap();
    let status = match payment["status"].as_str().unwrap() {
        "NEW" | "FORM_SHOWED" | "AUTH_FAIL" | "3DS_CHECKING" => "CREATED",
        "CONFIRMED" => "APPROVED",
        "PARTIAL_REFUNDED" => "REFUNDED_PARTIALLY",
        "DEADLINE_EXPIRED" => "EXPIRED",
        "REVERSED" => "CANCELED",
        other => other,
    };
    let refunded = kopecks("refunded_kopecks");
    Operation {
        id: text("id"),
        reference: text("reference"),
        status: status.to_owned(),
        amount: kopecks("amount_kopecks"),
        paid: kopecks("paid_kopecks"),
        refunds: (refunded > 0).then(|| ("all".to_owned(), refunded)).into_iter().collect(),
        held: kopecks("held_kopecks"),
        has_declines: !payment["declines"].as_array().unwrap().is_empty(),
    }
}
