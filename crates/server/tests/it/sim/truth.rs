//! What the emulated banks hold: the truth that Kopeck's books are compared with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kopeck_banks::emulator::{Control, Emulator as _};
use kopeck_banks::tochka::emulator::TochkaEmulator;
use serde_json::Value;

/// One operation at a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub id: String,
    pub reference: String,
    pub status: String,
    pub amount: i64,
    pub paid: i64,
    /// Amounts of the refunds in its list, by the bank's id.
    pub refunds: BTreeMap<String, i64>,
}

impl Operation {
    pub fn refunded(&self) -> i64 {
        self.refunds.values().sum()
    }

    pub fn count_refunds(&self, amount: i64) -> usize {
        self.refunds.values().filter(|own| **own == amount).count()
    }
}

pub fn read(bank: &mut TochkaEmulator, now_ms: i64) -> Vec<Operation> {
    let now = Timestamp::from_millisecond(now_ms).unwrap();
    let all = bank.control(now, &Control::List).unwrap();
    all["payments"].as_array().unwrap().iter().map(read_one).collect()
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
    }
}
