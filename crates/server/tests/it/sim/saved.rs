//! Accounts and cards that payers save by paying, and payments taken from them. A charge is heard by the bank
//! once, however often processes die; and what was saved is known in the end.

use std::collections::BTreeSet;

use kopeck::{
    instruments::{
        model::{Instrument, Kind},
        store::{find_instrument, list_saved, lock_by_payment},
    },
    kit::db::DbError,
    payments::{
        flow::{
            self, NewPayment,
            charge::{Saved, create_any, method_of, plan, withdraw},
        },
        model::{Means, Payment, Status},
    },
};
use kopeck_banks::{
    Money,
    bank::find_bank,
    emulator::{Control, Served},
    http::HttpRequest,
    op::PayMethod,
};
use serde_json::{Value, json};

use super::{
    tasks,
    world::{Order, World},
};

/// One customer, so that his accounts come together.
const CUSTOMER: &str = "client-17";
/// What may be wrong with an account when it is charged.
const FATES: [&str; 5] = ["valid", "insufficient_funds", "revoked", "Inactive", "withdrawn"];

impl World {
    /// A payment that saves its payer's account, or one taken from an account.
    pub fn create_saving(&mut self, bank: usize, amount: i64) {
        let process = self.orders.len() % 2;
        let (ctx, connection) = (self.ctx(process), self.banks[bank].connection.clone());
        let shop_id = connection.shop_id.clone();
        let kind = *self.chance.pick(&[Kind::Account, Kind::Card]);
        let saved = self.list(&shop_id, kind);
        let new = NewPayment {
            amount: Money::from_kopecks(amount).unwrap(),
            purpose: "An order".into(),
            methods: vec![method_of(kind)],
            order_id: Some("17".into()),
            ttl_minutes: *self.chance.pick(&[5, 60, 24 * 60]),
            metadata: "{}".into(),
            ..NewPayment::default()
        };
        let payment = if !saved.is_empty() && self.chance.percent(80) {
            let id = self.chance.pick(&saved).id.clone();
            let from = Saved { kind, id, customer_id: None, bank: None };
            let Ok(payment) = tasks::now(plan(&ctx, &shop_id, &from, new)) else { return };
            self.count("charge begun");
            payment
        } else {
            let means = Means::Save { kind, customer_id: CUSTOMER.to_owned(), id: None };
            let bank_of = find_bank("tbank").unwrap();
            flow::plan(&ctx, bank_of, &connection, NewPayment { means, ..new }).unwrap()
        };
        self.say(|| format!("create {} by {:?}", payment.reference, payment.means));
        let order = Order {
            bank,
            payment_id: payment.id.clone(),
            reference: payment.reference.clone(),
            amount,
            methods: payment.methods.clone(),
            bank_id: None,
        };
        let saved: Result<(), flow::Problem> =
            self.write(move |tx| create_any(tx, &ctx, &payment, None));
        if saved.is_ok() {
            self.orders.push(order);
        }
    }

    fn list(&self, shop_id: &str, kind: Kind) -> Vec<Instrument> {
        let shop_id = shop_id.to_owned();
        let found: Result<Vec<_>, DbError> =
            self.write(move |tx| list_saved(tx, &shop_id, CUSTOMER, kind));
        found.unwrap()
    }

    /// Whether the payer has a page to go to or a code to scan. If it is a code, he decides about
    /// his account.
    pub fn scan(&mut self, order: &Order) -> bool {
        let payments = self.payments(order.bank);
        let payment = payments.iter().find(|payment| payment.id == order.payment_id);
        let Some(payment) = payment.filter(|payment| !payment.is_charge()) else { return false };
        if payment.methods == [PayMethod::Card] {
            return true;
        }
        let has_code = payment.facts.qr_payload.is_some();
        if has_code && self.chance.percent(25) {
            let shown = self.show(order.bank, order.bank_id.as_deref().unwrap_or_default());
            if let Some(key) = shown["request_key"].as_str() {
                let (now, id) = (self.now(), key.to_owned());
                let control = Control::Decline { id, reason: None };
                if self.banks[order.bank].emulator.control(now, &control).is_ok() {
                    self.count("account kept to himself");
                }
            }
        }
        has_code
    }

    /// What a charge was sent for that is not over.
    fn charged_now(&self, bank: usize) -> Option<(Kind, String)> {
        let payments = self.payments(bank);
        let is_on_its_way =
            |it: &&Payment| it.intents.charge_asked_ms.is_some() && it.status() == Status::Open;
        let charged = payments.iter().find(is_on_its_way).and_then(Payment::instrument);
        charged.map(|(kind, id)| (kind, id.to_owned()))
    }

    /// The payer takes back what he agreed to; rather while it is being charged.
    fn withdraw(&mut self, bank: usize) {
        let shop_id = self.banks[bank].connection.shop_id.clone();
        let (kind, id) = match self.charged_now(bank) {
            Some(own) => own,
            None => {
                let kind = *self.chance.pick(&[Kind::Account, Kind::Card]);
                let saved = self.list(&shop_id, kind);
                if saved.is_empty() {
                    return;
                }
                (kind, self.chance.pick(&saved).id.clone())
            }
        };
        let ctx = self.ctx(0);
        self.say(|| format!("{id} is taken back"));
        let done: Result<_, flow::Problem> =
            self.write(move |tx| withdraw(tx, &ctx, (&shop_id, CUSTOMER), (kind, &id)));
        done.unwrap();
        self.count("taken back");
    }

    fn show(&mut self, bank: usize, id: &str) -> Value {
        let (now, id) = (self.now(), id.to_owned());
        self.banks[bank].emulator.control(now, &Control::Show { id }).unwrap_or_default()
    }

    /// The payer's account is empty, or the payer took his word back; or it is good again.
    pub fn spoil_account(&mut self) {
        let bank = self.chance.below(self.banks.len());
        let fate = *self.chance.pick(&FATES);
        let now = self.now();
        // By itself it would hardly ever fall between a charge and its answer.
        let is_charged = self.charged_now(bank).is_some() && self.chance.percent(50);
        if fate == "withdrawn" || is_charged {
            return self.withdraw(bank);
        }
        let emulator = &mut self.banks[bank].emulator;
        if fate == "Inactive" {
            let mut memory = emulator.snapshot();
            let accounts = memory["accounts"].as_object_mut().unwrap().values_mut();
            for account in accounts.filter(|account| account["status"] == "Active") {
                account["status"] = json!(fate);
            }
            emulator.restore(&memory).unwrap();
            return self.count("account spoiled");
        }
        let all = emulator.control(now, &Control::List).unwrap();
        let listed = |name: &str| all[name].as_array().unwrap().clone();
        let all = [listed("bindings"), listed("payments")].concat();
        let tokens = all.iter().flat_map(|own| [&own["account_token"], &own["rebill_id"]]);
        let tokens: BTreeSet<&str> = tokens.filter_map(Value::as_str).collect();
        for token in tokens.into_iter().map(str::to_owned) {
            let control = Control::Token { token, state: fate.to_owned() };
            self.banks[bank].emulator.control(now, &control).unwrap();
            self.count("account spoiled");
        }
    }

    /// Counts the charges that a bank heard. One that it was too busy for may come again.
    pub fn note_charge(&mut self, request: &HttpRequest, served: &Served) {
        let is_busy = matches!(served, Served::Now(reply) if reply.status == 429);
        let is_charge = ["/ChargeQr", "/Charge"].iter().any(|end| request.path().ends_with(end));
        if !is_charge || is_busy {
            return;
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let id = body["PaymentId"].as_str().unwrap().to_owned();
        *self.charges.entry(id).or_default() += 1;
    }

    /// In the end: every charge was heard once at most and ended with a reason or with the money,
    /// and what the payers saved is known.
    pub fn compare_saved(&mut self, at: usize, payments: &[Payment]) -> Result<(), String> {
        if let Some((id, count)) = self.charges.iter().find(|(_, count)| **count > 1) {
            return Err(format!("{id} was charged {count} times"));
        }
        for payment in payments {
            let problem = if payment.is_charge() {
                self.compare_charge(payment)
            } else {
                self.compare_account(at, payment)
            };
            problem.map_err(|why| format!("{why}: {payment:#?}"))?;
        }
        Ok(())
    }

    fn compare_charge(&mut self, payment: &Payment) -> Result<(), String> {
        let failed = self.was_told(payment, "payment.failed");
        if self.was_told(payment, "payment.expired") {
            return Err("a charge expired".into());
        }
        let id = payment.instrument().map(|(_, id)| id.to_owned()).unwrap_or_default();
        let own: Result<_, DbError> = self.write(move |tx| find_instrument(tx, &id));
        let withdrawn_ms = own.unwrap().and_then(|own| own.withdrawn_ms);
        if withdrawn_ms.zip(payment.intents.charge_asked_ms).is_some_and(|(end, sent)| sent > end) {
            return Err("it was sent after its consent had ended".into());
        }
        if self.was_told(payment, "charge.unwanted") {
            self.count("charge given back");
            if payment.status() != Status::Refunded {
                return Err("an unwanted charge was kept".into());
            }
        }
        match (payment.status(), payment.failure()) {
            (Status::Failed, Some(failure)) if failed => {
                self.count(match failure.code.as_str() {
                    "charge_unanswered" => "charge never taken",
                    "declined_saved_gone" | "bank_object_missing" => "charge refused at once",
                    "account_not_active" | "card_not_active" => "charge stopped in time",
                    code if code.starts_with("declined_") => "charge declined",
                    _ => "charge failed otherwise",
                });
                Ok(())
            }
            (Status::Failed, _) => Err("it failed without a word".into()),
            (_, _) if failed && !payment.facts.paid.is_zero() => {
                Err("it was said to have failed, and was paid".into())
            }
            (_, _) => {
                self.count("charge paid");
                Ok(())
            }
        }
    }

    fn compare_account(&mut self, at: usize, payment: &Payment) -> Result<(), String> {
        let id = payment.id.clone();
        let found: Result<_, DbError> = self.write(move |tx| lock_by_payment(tx, &id));
        let own = payment.instrument().map(|(_, id)| id.to_owned());
        let is_card = matches!(payment.means, Means::Save { kind: Kind::Card, .. });
        let told = self.was_told(payment, if is_card { "card.saved" } else { "account.saved" });
        if own.is_some() != told {
            return Err(format!("that it was saved was announced: {told}"));
        }
        let Some(saved) = found.unwrap() else {
            let is_lost = is_card || payment.facts.qr_payload.is_some() || own.is_some();
            return if is_lost { Err("what it saves is lost".into()) } else { Ok(()) };
        };
        // Saved, and taken back at the bank since: perhaps we heard of both at once.
        let (was_saved, is_gone) = if is_card {
            let id = payment.facts.bank_id.clone().unwrap_or_default();
            (self.show(at, &id)["rebill_id"].is_string(), false)
        } else {
            let binding = self.show(at, &saved.request_key);
            (binding["account_token"].is_string(), binding["status"] == "INACTIVE")
        };
        self.count(match (is_card, was_saved) {
            (true, true) => "card saved",
            (false, true) => "account saved",
            (_, false) => "account not saved",
        });
        if was_saved != own.is_some() && !(is_gone && own.is_none()) {
            return Err(format!("the bank has it: {was_saved}, we have {saved:?}"));
        }
        if saved.must_be_forgotten() {
            return Err(format!("the bank was not told to forget {saved:?}"));
        }
        Ok(())
    }

    fn was_told(&self, payment: &Payment, kind: &str) -> bool {
        self.books.announced.contains(&(payment.id.clone(), kind.to_owned(), None))
    }
}
