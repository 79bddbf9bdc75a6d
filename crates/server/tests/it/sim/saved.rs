//! Accounts that payers save by paying, and payments taken from them. A charge is heard by the bank
//! once, however often processes die; and what was saved is known in the end.

use kopeck::{
    instruments::{
        model::Kind,
        store::{list_saved, lock_by_payment},
    },
    kit::db::DbError,
    payments::{
        flow::{
            self, NewPayment,
            charge::{Saved, create_any, plan},
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
const FATES: [&str; 4] = ["valid", "insufficient_funds", "revoked", "Inactive"];

impl World {
    /// A payment that saves its payer's account, or one taken from an account.
    pub fn create_saving(&mut self, bank: usize, amount: i64) {
        let process = self.orders.len() % 2;
        let (ctx, connection) = (self.ctx(process), self.banks[bank].connection.clone());
        let shop_id = connection.shop_id.clone();
        let own = shop_id.clone();
        let accounts: Result<Vec<_>, DbError> =
            self.write(move |tx| list_saved(tx, &own, CUSTOMER, Kind::Account));
        let accounts = accounts.unwrap();
        let new = NewPayment {
            amount: Money::from_kopecks(amount).unwrap(),
            purpose: "An order".into(),
            methods: vec![PayMethod::Sbp],
            order_id: Some("17".into()),
            ttl_minutes: *self.chance.pick(&[5, 60, 24 * 60]),
            metadata: "{}".into(),
            ..NewPayment::default()
        };
        let payment = if !accounts.is_empty() && self.chance.percent(80) {
            let id = self.chance.pick(&accounts).id.clone();
            let from = Saved { kind: Kind::Account, id, customer_id: None, bank: None };
            let Ok(payment) = tasks::now(plan(&ctx, &shop_id, &from, new)) else { return };
            self.count("charge begun");
            payment
        } else {
            let customer_id = CUSTOMER.to_owned();
            let means = Means::Save { kind: Kind::Account, customer_id, id: None };
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

    /// Whether the payer has a code to scan. If so he decides about his account.
    pub fn scan(&mut self, order: &Order) -> bool {
        let payments = self.payments(order.bank);
        let payment = payments.iter().find(|payment| payment.id == order.payment_id);
        let has_code = payment.is_some_and(|it| !it.is_charge() && it.facts.qr_payload.is_some());
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

    fn show(&mut self, bank: usize, id: &str) -> Value {
        let (now, id) = (self.now(), id.to_owned());
        self.banks[bank].emulator.control(now, &Control::Show { id }).unwrap_or_default()
    }

    /// The payer's account is empty, or the payer took his word back; or it is good again.
    pub fn spoil_account(&mut self) {
        let bank = self.chance.below(self.banks.len());
        let fate = *self.chance.pick(&FATES);
        let now = self.now();
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
        let bindings = all["bindings"].as_array().unwrap().iter();
        let tokens = bindings.filter_map(|own| own["account_token"].as_str().map(str::to_owned));
        for token in tokens.collect::<Vec<_>>() {
            let control = Control::Token { token, state: fate.to_owned() };
            self.banks[bank].emulator.control(now, &control).unwrap();
            self.count("account spoiled");
        }
    }

    /// Counts the charges that a bank heard. One that it was too busy for may come again.
    pub fn note_charge(&mut self, request: &HttpRequest, served: &Served) {
        let is_busy = matches!(served, Served::Now(reply) if reply.status == 429);
        if !request.path().ends_with("/ChargeQr") || is_busy {
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
        match (payment.status(), payment.failure()) {
            (Status::Failed, Some(failure)) if failed => {
                self.count(match failure.code.as_str() {
                    "charge_unanswered" => "charge never taken",
                    "declined_saved_gone" | "bank_object_missing" => "charge refused at once",
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
        let told = self.was_told(payment, "account.saved");
        if own.is_some() != told {
            return Err(format!("account.saved was announced: {told}"));
        }
        let Some(account) = found.unwrap() else {
            let is_lost = payment.facts.qr_payload.is_some() || own.is_some();
            return if is_lost { Err("its account is lost".into()) } else { Ok(()) };
        };
        let binding = self.show(at, &account.request_key);
        // One that the payer took back later was saved all the same.
        let was_saved = binding["account_token"].is_string();
        self.count(if was_saved { "account saved" } else { "account not saved" });
        if was_saved != own.is_some() {
            return Err(format!("the bank has {binding}, we have {account:?}"));
        }
        Ok(())
    }

    fn was_told(&self, payment: &Payment, kind: &str) -> bool {
        self.books.announced.contains(&(payment.id.clone(), kind.to_owned(), None))
    }
}
