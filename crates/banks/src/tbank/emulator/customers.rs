//! Customers and their saved cards. The card itself is typed on the hosted page only.

use super::{
    TbankEmulator,
    init::web_address,
    payments::CardFace,
    problem::Problem,
    route::{Call, ok},
    state::{Binding, BindingStatus, Customer, Target, pair},
    time::DAY_MS,
};
use crate::{
    emulator::json::{Obj, array},
    http::HttpReply,
};

const CHECK_TYPES: [&str; 4] = ["NO", "HOLD", "3DS", "3DSHOLD"];
/// A form for binding lives two days.
const BINDING_LIFE_MS: i64 = 2 * DAY_MS;

fn unknown_customer() -> Problem {
    Problem::new("7", "Неверный статус клиента.", "Клиент не найден.")
}

impl TbankEmulator {
    fn customer_key(call: &Call<'_>) -> Result<String, Problem> {
        call.fields.sized("CustomerKey", 36, "216")
    }

    /// The key of a customer that the bank knows.
    fn known_customer(&self, call: &Call<'_>) -> Result<String, Problem> {
        let key = TbankEmulator::customer_key(call)?;
        let is_known = self.state.customers.contains_key(&pair(call.terminal.key, &key));
        if is_known { Ok(key) } else { Err(unknown_customer()) }
    }

    pub(super) fn add_customer(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let key = TbankEmulator::customer_key(call)?;
        let email = call.fields.sized_if("Email", 64, "224")?;
        if email.as_ref().is_some_and(|email| !email.contains('@')) {
            return Err(Problem::field("224", "Неверный формат email."));
        }
        let phone = call.fields.sized_if("Phone", 64, "227")?;
        let customer = Customer { email, phone };
        self.state.customers.insert(pair(call.terminal.key, &key), customer);
        Ok(ok(call.done().text("CustomerKey", &key)))
    }

    pub(super) fn get_customer(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let key = self.known_customer(call)?;
        let customer = self.state.customers.get(&pair(call.terminal.key, &key));
        let customer = customer.ok_or_else(unknown_customer)?;
        let body = call.done().text("CustomerKey", &key);
        let body = body.text_if("Email", customer.email.as_deref());
        Ok(ok(body.text_if("Phone", customer.phone.as_deref())))
    }

    pub(super) fn remove_customer(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let key = self.known_customer(call)?;
        self.state.customers.remove(&pair(call.terminal.key, &key));
        for card in self.state.cards.values_mut() {
            if card.terminal == call.terminal.key && card.customer_key == key {
                card.is_deleted = true;
            }
        }
        Ok(ok(call.done().text("CustomerKey", &key)))
    }

    pub(super) fn add_card(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let customer_key = self.known_customer(call)?;
        let check_type = call.fields.filled("CheckType").unwrap_or_else(|| "NO".to_owned());
        if !CHECK_TYPES.contains(&check_type.as_str()) {
            return Err(Problem::field("64", "Неверное значение поля CheckType."));
        }
        let (code, payment_id) = (self.page_code(), self.payment_number());
        let binding = Binding {
            request_key: self.state.mint.uuid("binding"),
            payment_id,
            terminal: call.terminal.key.to_owned(),
            customer_key,
            check_type,
            status: BindingStatus::New,
            code,
            success_url: web_address(call.fields, "SuccessURL")?,
            fail_url: web_address(call.fields, "FailURL")?,
            notification_url: web_address(call.fields, "NotificationURL")?,
            expires_ms: call.now_ms.saturating_add(BINDING_LIFE_MS),
            challenged: None,
            card_id: None,
            rebill_id: None,
            error_code: "0".to_owned(),
        };
        let key = binding.request_key.clone();
        self.state.codes.insert(binding.code.clone(), Target::Binding(key.clone()));
        // A number here, text in Init.
        let body = call
            .done()
            .raw("PaymentId", &binding.payment_id.to_string())
            .text("CustomerKey", &binding.customer_key)
            .text("RequestKey", &key)
            .text("PaymentURL", &self.page_url(&binding.code));
        self.state.bindings.insert(key, binding);
        Ok(ok(body))
    }

    pub(super) fn add_card_state(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let key = call.fields.required("RequestKey")?;
        let binding = self.state.bindings.get(&key);
        let binding = binding.filter(|binding| binding.terminal == call.terminal.key);
        let binding = binding.ok_or_else(|| Problem::field("8", "Данный RequestKey не найден."))?;
        let body = call
            .done()
            .text("RequestKey", &binding.request_key)
            .text("CustomerKey", &binding.customer_key)
            .text("Status", binding.status.as_str())
            .text_if("CardId", binding.card_id.as_deref())
            .text_if("RebillId", binding.rebill_id.as_deref());
        Ok(ok(body))
    }

    /// A bare list; deleted cards stay in it.
    pub(super) fn card_list(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let key = self.known_customer(call)?;
        let cards = self
            .state
            .cards
            .values()
            .filter(|card| card.terminal == call.terminal.key && card.customer_key == key);
        let rows = cards.map(|card| {
            Obj::new()
                .text("CardId", &card.id)
                .text("Pan", &card.pan)
                .text("Status", if card.is_deleted { "D" } else { "A" })
                .text("RebillId", card.rebill_id.as_deref().unwrap_or(""))
                .raw("CardType", "0")
                .text("ExpDate", &card.expiry)
                .end()
        });
        Ok(HttpReply::new(200, "application/json", array(rows)))
    }

    pub(super) fn remove_card(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let key = self.known_customer(call)?;
        let card_id = call.fields.sized("CardId", 40, "107")?;
        let card = self.state.cards.get_mut(&card_id).filter(|card| {
            card.terminal == call.terminal.key && card.customer_key == key && !card.is_deleted
        });
        let card = card.ok_or_else(|| {
            let what = "Не удалось удалить карту клиента, для данного клиента такая карта не \
                        существует.";
            Problem::new("6", "Не удалось удалить карту клиента.", what)
        })?;
        card.is_deleted = true;
        let body = call.done().text("Status", "D").text("CustomerKey", &key);
        Ok(ok(body.text("CardId", &card_id).raw("CardType", "0")))
    }

    /// The payer typed a card that the bank accepts.
    pub(super) fn complete_binding(&mut self, now_ms: i64, key: &str, card: CardFace) {
        let binding = self.state.bindings.get(key).filter(|own| own.status.is_open());
        let Some(binding) = binding.cloned() else { return };
        // `NO` checks nothing and gives no RebillId.
        let recurrent = binding.check_type != "NO";
        let saved = self.save_card(&binding.terminal, &binding.customer_key, card, recurrent);
        let Some(binding) = self.state.bindings.get_mut(key) else { return };
        binding.status = BindingStatus::Completed;
        binding.challenged = None;
        binding.card_id = saved.as_ref().map(|card| card.card_id.clone());
        binding.rebill_id = saved.and_then(|card| card.rebill_id);
        let binding = binding.clone();
        self.announce_binding(now_ms, &binding);
    }

    pub(super) fn reject_binding(&mut self, now_ms: i64, key: &str, code: &str) {
        let binding = self.state.bindings.get_mut(key).filter(|own| own.status.is_open());
        let Some(binding) = binding else { return };
        binding.status = BindingStatus::Rejected;
        binding.challenged = None;
        code.clone_into(&mut binding.error_code);
        let binding = binding.clone();
        self.announce_binding(now_ms, &binding);
    }
}
