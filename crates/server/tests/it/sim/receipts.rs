//! Payments with receipts at T-Bank's terminal with a cash register: sold by lines, captured and
//! refunded by parts, closed, failed, told of late or never; in the end every receipt is what the
//! register has, and nothing was closed twice.

use std::collections::BTreeSet;

use kopeck::{
    kit::db::DbError,
    payments::{
        flow::{self, Problem},
        model::{Origin, Payment, Refund, RefundState},
        receipts::{Back, close, hand},
    },
    receipts::{
        form,
        model::{Kind, Record, State},
        store as rows,
    },
};
use kopeck_banks::{
    Money,
    emulator::{Control, Fault, FaultKind},
    receipt::{Line, PaymentMethod, Receipt, Taxation, Vat, balance::spread, refund::Returned},
};
use serde_json::Value;

use super::{tasks, world::World};

/// One of the register's documents.
#[derive(Clone, Debug)]
struct Document {
    kind: String,
    amount: i64,
    number: String,
    is_made: bool,
    is_told: bool,
    lines: Option<i64>,
}

impl Document {
    fn read(value: &Value) -> Document {
        let text = |name: &str| value[name].as_str().unwrap().to_owned();
        let items = value["receipt"]["Items"].as_array();
        let sum = |items: &Vec<Value>| {
            items.iter().map(|item| item["Amount"].as_i64().unwrap()).sum::<i64>()
        };
        Document {
            kind: text("kind"),
            amount: value["amount_kopecks"].as_i64().unwrap(),
            number: text("number"),
            is_made: value["made"].as_bool().unwrap(),
            is_told: value["told"].as_bool().unwrap(),
            lines: items.map(sum),
        }
    }

    fn is_of(&self, kind: Kind) -> bool {
        match kind {
            Kind::Income => self.kind == "Income",
            Kind::Refund => self.kind == "IncomeReturn",
            Kind::Closing => self.kind == "Closing",
            Kind::Correction => false,
        }
    }
}

fn kopecks(amount: i64) -> Money {
    Money::from_kopecks(amount).unwrap()
}

fn lines_sum(record: &Record) -> Option<i64> {
    let receipt = form::parse_any(record.body.as_deref()?).unwrap();
    Some(receipt.total().unwrap().kopecks())
}

impl World {
    /// A basket of some lines, prepaid or not, for exactly this sum.
    pub fn draw_receipt(&mut self, amount: i64) -> String {
        let count = self.chance.between(1, 4);
        let is_prepaid = self.chance.percent(50);
        let line = |at: i64, chance: &mut super::chance::Chance| Line {
            quantity_milli: *chance.pick(&[1_000, 1_000, 2_000, 3_000, 1_500]),
            vat: *chance.pick(&[Vat::None, Vat::None, Vat::Vat10]),
            method: match is_prepaid {
                true => PaymentMethod::FullPrepayment,
                false => PaymentMethod::FullPayment,
            },
            ..Line::new(format!("Goods {at}"), kopecks(chance.between(1, 400) * 7))
        };
        let lines: Vec<Line> = (0..count).map(|at| line(at, &mut self.chance)).collect();
        let receipt = Receipt {
            email: Some("buyer@example.ru".into()),
            taxation: Some(Taxation::UsnIncome),
            lines: spread(&lines, kopecks(amount), Some(100)).unwrap(),
            ..Receipt::default()
        };
        form::write(&receipt)
    }

    /// What happens in these worlds besides all that happens in the others.
    pub fn receipt_step(&mut self) {
        match self.chance.below(10) {
            0..4 => self.request_goods(),
            4..7 => self.request_closing(),
            7 => self.retry_closing(),
            _ => self.break_register(),
        }
    }

    fn break_register(&mut self) {
        let kinds = ["", "Income", "IncomeReturn", "Closing", "Closing"];
        let path = (*self.chance.pick(&kinds)).to_owned();
        let times = u32::try_from(self.chance.between(1, 3)).unwrap();
        let fault = Fault { kind: FaultKind::ReceiptFailed, times, path };
        self.say(|| format!("the register will fail: {fault:?}"));
        let now = self.now();
        self.banks[0].emulator.control(now, &Control::Fault(fault)).unwrap();
        self.count("register broken");
    }

    /// A refund of some goods.
    fn request_goods(&mut self) {
        let Some(order) = self.pick_order_at(&["APPROVED", "REFUNDED_PARTIALLY"]) else { return };
        let line = self.chance.below(3);
        let quantity_milli = *self.chance.pick(&[500, 1_000, 1_000, 2_000]);
        let ctx = self.ctx(self.orders.len() % 2);
        let shop_id = self.banks[order.bank].connection.shop_id.clone();
        let refund_id = ctx.mint.id("rf");
        let id = order.payment_id;
        let asked: Result<Payment, Problem> = self.write(move |tx| {
            let goods = Back::Goods(vec![Returned { line, quantity_milli }]);
            let amount = flow::plan_goods(tx, &ctx, (&shop_id, &id), &refund_id, &goods)?;
            flow::request_refund(tx, &ctx, &shop_id, &id, (&refund_id, amount, None))
        });
        if asked.is_ok() {
            self.count("goods refunded");
        }
    }

    fn request_closing(&mut self) {
        let Some(order) = self.pick_order_at(&["APPROVED"]) else { return };
        let ctx = self.ctx(0);
        let shop_id = self.banks[order.bank].connection.shop_id.clone();
        let asked = close::Closing::default();
        let done = tasks::now(close::request(&ctx, &shop_id, &order.payment_id, asked));
        if done.is_ok() {
            self.count("closing requested");
        }
    }

    fn retry_closing(&mut self) {
        let Some(order) = self.pick_order() else { return };
        let (ctx, shop_id) = (self.ctx(1), self.banks[order.bank].connection.shop_id.clone());
        let failed = self
            .records(&order.payment_id)
            .into_iter()
            .find(|record| record.kind == Kind::Closing && record.state == State::Failed);
        let Some(failed) = failed else { return };
        let why = "the register is mended".to_owned();
        let done = self.write(move |tx| hand::retry(tx, &ctx, &shop_id, &failed.id, why));
        if done.is_ok() {
            self.count("closing retried by a person");
        }
    }

    fn records(&self, payment_id: &str) -> Vec<Record> {
        let id = payment_id.to_owned();
        let found: Result<Vec<Record>, DbError> =
            self.write(move |tx| rows::list_of_payment(tx, &id));
        found.unwrap()
    }

    /// After every step: sums are whole, and what was sent was counted first.
    pub fn check_receipts(&self, payment: &Payment) -> Result<(), String> {
        let records = self.records(&payment.id);
        let wrong = |why: &str, record: &Record| Err(format!("{why}: {record:#?} {payment:#?}"));
        let mut taken = 0;
        for record in &records {
            if record.state == State::None {
                continue;
            }
            let is_whole = lines_sum(record).is_none_or(|sum| sum == record.amount.kopecks());
            // Until it is paid, a receipt is of what is asked for.
            if !is_whole && record.kind != Kind::Income {
                return wrong("the lines do not add up", record);
            }
            if record.kind == Kind::Refund && record.refund_id.is_some() {
                taken += record.amount.kopecks();
            }
            let is_sold = matches!(record.state, State::Sent | State::Registered | State::Failed);
            if record.kind == Kind::Income && is_sold && !is_whole {
                return wrong("the sale's lines do not add up", record);
            }
        }
        if taken > payment.facts.paid.kopecks() {
            return Err(format!("receipts give back {taken}: {records:#?} {payment:#?}"));
        }
        let incomes = records.iter().filter(|record| record.kind == Kind::Income).count();
        if incomes > 1 {
            return Err(format!("{incomes} receipts of one sale: {records:#?}"));
        }
        Ok(())
    }

    /// In the end: our receipts against the register's documents.
    pub fn compare_receipts(&mut self, payment: &Payment) -> Result<(), String> {
        let Some(id) = payment.facts.bank_id.clone() else { return Ok(()) };
        let now = self.now();
        let shown = self.banks[0].emulator.control(now, &Control::Show { id }).unwrap();
        let documents: Vec<Document> =
            shown["documents"].as_array().unwrap().iter().map(Document::read).collect();
        let records = self.records(&payment.id);
        let books = Both { records, documents };
        for record in &books.records {
            self.count(seen(record));
            if record.kind == Kind::Closing && record.asks > 1 {
                self.count("closing sent again");
            }
        }
        let done = books.compare_sums().and_then(|()| books.compare_refunds(payment));
        let done = done.and_then(|()| books.compare_states());
        // In a world where notices come, what the register told is known.
        let done = done.and_then(|()| if self.is_deaf { Ok(()) } else { books.compare_told() });
        done.map_err(|why| {
            format!("{why}\n{:#?}\n{:#?}\n{payment:#?}", books.records, books.documents)
        })
    }
}

fn seen(record: &Record) -> &'static str {
    match (record.kind, record.state) {
        (Kind::Income, State::Registered) => "sale registered",
        (Kind::Income, State::Failed) => "sale not registered",
        (Kind::Refund, State::Registered) => "refund registered",
        (Kind::Refund, State::Failed) => "refund not registered",
        (Kind::Closing, State::Registered) => "closing registered",
        (Kind::Closing, State::Failed) => "closing failed",
        (Kind::Closing, State::Sent) => "closing not known",
        (_, State::None | State::Queued | State::Sent) => "receipt open",
        (Kind::Correction, _) => "correction",
    }
}

fn number(record: &Record) -> Option<&String> {
    record.fiscal.as_ref()?.document_number.as_ref()
}

/// Our receipts of one payment, and the register's.
struct Both {
    records: Vec<Record>,
    documents: Vec<Document>,
}

impl Both {
    fn made(&self, kind: Kind) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.is_made && document.is_of(kind))
    }

    fn compare_sums(&self) -> Result<(), String> {
        if self.made(Kind::Closing).count() > 1 || self.made(Kind::Income).count() > 1 {
            return Err("two receipts of one thing".into());
        }
        // Whatever the network did, each request that arrived was written down before it left.
        let closings = self.documents.iter().filter(|it| it.is_of(Kind::Closing)).count();
        let asks: u32 = self.records.iter().map(|record| record.asks).sum();
        if closings > usize::try_from(asks).unwrap() {
            return Err(format!("asked to close {asks} times, arrived {closings} times"));
        }
        let is_odd = |it: &&Document| it.lines.is_some_and(|sum| sum != it.amount);
        match self.documents.iter().find(is_odd) {
            Some(odd) => Err(format!("the register's lines do not add up: {odd:?}")),
            None => Ok(()),
        }
    }

    fn compare_refunds(&self, payment: &Payment) -> Result<(), String> {
        for refund in payment.refunds.iter().filter(|refund| refund.origin == Origin::Shop) {
            let own = self.records.iter().find(|it| it.refund_id.as_ref() == Some(&refund.id));
            let own = own.ok_or_else(|| format!("no receipt of {refund:?}"))?;
            let is_right = match refund.state {
                RefundState::Succeeded => own.state != State::None && own.amount == refund.amount,
                // A word of one of the same sum made in the cabinet may have been taken for it.
                // Several made there between two looks are one refund of all their sums.
                RefundState::Failed(_) => {
                    let is_told = |it: &Document| {
                        it.is_of(Kind::Refund) && it.amount == refund.amount.kopecks()
                    };
                    let is_twin = |it: &Refund| {
                        it.origin == Origin::Bank
                            && it.amount >= refund.amount
                            && self.documents.iter().any(is_told)
                    };
                    own.state == State::None || payment.refunds.iter().any(is_twin)
                }
                RefundState::Requested | RefundState::Asked { .. } => false,
            };
            let is_same = |it: &&Document| it.amount == refund.amount.kopecks();
            let is_there = self.documents.iter().filter(is_same).any(|it| it.is_of(Kind::Refund));
            let is_gone = refund.state == RefundState::Succeeded;
            if !is_right || (is_gone && !is_there) {
                return Err(format!("{own:?} is not the receipt of {refund:?}"));
            }
        }
        Ok(())
    }

    fn compare_states(&self) -> Result<(), String> {
        let mut numbers = BTreeSet::new();
        for record in &self.records {
            let is_right = match record.state {
                State::Registered => {
                    let number = number(record).cloned().unwrap_or_default();
                    let is_it =
                        |it: &Document| it.number == number && it.amount == record.amount.kopecks();
                    numbers.insert(number.clone()) && self.made(record.kind).any(is_it)
                }
                State::Failed => self.may_have_failed(record),
                State::Queued => record.kind != Kind::Closing,
                State::None | State::Sent => true,
            };
            if !is_right {
                return Err(format!("not so at the register: {record:?}"));
            }
        }
        Ok(())
    }

    fn may_have_failed(&self, record: &Record) -> bool {
        let code = record.failure.as_ref().map_or("", |failure| failure.code.as_str());
        let is_unmade = |it: &Document| it.is_of(record.kind) && !it.is_made;
        let by_register = self.documents.iter().any(is_unmade);
        // The bank refuses to close what it closed: then we asked twice.
        let is_twice = record.kind == Kind::Closing && self.made(Kind::Closing).count() > 0;
        !is_twice && (code != "receipt_not_made" || by_register)
    }

    fn compare_told(&self) -> Result<(), String> {
        for document in self.documents.iter().filter(|document| document.is_told) {
            let is_known = self.records.iter().any(|record| match document.is_made {
                true => {
                    number(record) == Some(&document.number) && record.state == State::Registered
                }
                false => record.failures > 0 && document.is_of(record.kind),
            });
            if !is_known {
                return Err(format!("told and not known: {document:?}"));
            }
        }
        Ok(())
    }
}
