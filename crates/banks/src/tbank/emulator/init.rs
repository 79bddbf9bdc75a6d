//! `Init`: a new payment. The checks of the bank's document, with its traps.

use std::collections::BTreeMap;

use super::{
    TbankEmulator,
    fields::{Fields, is_web_address},
    problem::Problem,
    receipts,
    route::{Call, ok},
    state::{Payment, Target, pair},
    status::Status,
    time::{DAY_MS, MINUTE_MS, parse_due},
};
use crate::{emulator::json::Obj, http::HttpReply, money::Money};

/// Payment ids are beyond 32 bits at the bank.
const PAYMENT_BASE: u64 = 8_111_000_000;
/// A card pays one ruble at least.
const MIN_KOPECKS: i64 = 100;
/// How long a link lives when nobody says.
const DEFAULT_LIFE_MS: i64 = 1_440 * MINUTE_MS;
const MAX_LIFE_MS: i64 = 90 * DAY_MS;
const MAX_DATA_PAIRS: usize = 20;
/// The bank's own keys break its own limit of twenty characters.
const LONG_KEYS: [&str; 2] = ["OperationInitiatorType", "notificationEnableSource"];

/// `RedirectDueDate`: fractions of a second and `Z` break the bank (9999); `far` is the code for a
/// time under a minute or over 90 days away.
pub(super) fn due_date(call: &Call<'_>, far: &str) -> Result<i64, Problem> {
    let Some(text) = call.fields.filled("RedirectDueDate") else {
        return Ok(call.now_ms.saturating_add(DEFAULT_LIFE_MS));
    };
    let due_ms = parse_due(&text).ok_or_else(Problem::internal)?;
    let life_ms = due_ms.saturating_sub(call.now_ms);
    if (MINUTE_MS..=MAX_LIFE_MS).contains(&life_ms) {
        return Ok(due_ms);
    }
    Err(Problem::coded(far))
}

/// `DATA` as text pairs.
pub(super) fn data(fields: &Fields, key: &str) -> Result<BTreeMap<String, String>, Problem> {
    if fields.raw(key).is_none() {
        return Ok(BTreeMap::new());
    }
    let object = fields
        .object(key)
        .ok_or_else(|| Problem::field("250", format!("Параметр {key} не сопоставлен.")))?;
    let pairs = object.pairs();
    if pairs.len() > MAX_DATA_PAIRS {
        let what = format!("Параметр {key} превышает максимально допустимый размер.");
        return Err(Problem::field("207", what));
    }
    for (name, value) in &pairs {
        if name.chars().count() > 20 && !LONG_KEYS.contains(&name.as_str()) {
            let what = format!("Наименование ключа из параметра {key} превышает размер.");
            return Err(Problem::field("208", what));
        }
        if value.chars().count() > 100 {
            let what = format!("Значение ключа из параметра {key} превышает размер.");
            return Err(Problem::field("209", what));
        }
    }
    Ok(pairs.into_iter().collect())
}

pub(super) fn web_address(fields: &Fields, key: &str) -> Result<Option<String>, Problem> {
    let Some(text) = fields.filled(key) else { return Ok(None) };
    if is_web_address(&text) {
        return Ok(Some(text));
    }
    Err(Problem::new("9999", "Неверные параметры.", format!("Неверный формат поля {key}.")))
}

/// The table of `OperationInitiatorType` for a payment's beginning.
fn check_initiator(data: &BTreeMap<String, String>, recurrent: bool) -> Result<(), Problem> {
    let Some(kind) = data.get("OperationInitiatorType") else { return Ok(()) };
    let wants_recurrent = match kind.as_str() {
        "1" => true,
        "0" | "2" | "R" | "I" | "D" | "N" => false,
        _ => return Err(Problem::coded("1125")),
    };
    // Paying and binding by QR sends Recurrent with every type.
    let is_qr = data.get("QR").is_some_and(|word| word == "true");
    if wants_recurrent != recurrent && !is_qr {
        return Err(Problem::coded("1126"));
    }
    Ok(())
}

fn check_amount(fields: &Fields) -> Result<Money, Problem> {
    let amount = fields.kopecks("Amount")?.ok_or_else(|| Problem::empty_field("Amount"))?;
    if amount.kopecks() < MIN_KOPECKS {
        let what =
            format!("Неверная сумма. Сумма должна быть больше или равна {MIN_KOPECKS} копеек.");
        return Err(Problem::field("251", what));
    }
    Ok(amount)
}

fn is_two_stage(call: &Call<'_>) -> Result<bool, Problem> {
    match call.fields.filled("PayType").as_deref() {
        None => Ok(call.terminal.two_stage),
        Some("O") => Ok(false),
        Some("T") => Ok(true),
        Some(_) => Err(Problem::field("64", "Поле PayType должно быть O или T.")),
    }
}

impl TbankEmulator {
    pub(super) fn init(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let fields = call.fields;
        let amount = check_amount(fields)?;
        let order_id = fields.sized("OrderId", 36, "212")?;
        let description = fields.sized_if("Description", 140, "213")?;
        let customer_key = fields.sized_if("CustomerKey", 36, "216")?;
        let recurrent = fields.text("Recurrent").is_some_and(|word| word == "Y");
        let data = data(fields, "DATA")?;
        check_initiator(&data, recurrent)?;
        let is_qr = data.get("QR").is_some_and(|word| word == "true");
        if recurrent && is_qr && description.is_none() {
            return Err(Problem::empty_field("Description"));
        }
        if recurrent && !is_qr && customer_key.is_none() {
            return Err(Problem::empty_field("CustomerKey"));
        }
        let receipt = receipts::checked(call, amount)?;
        let known = self.state.orders.get(&pair(call.terminal.key, &order_id));
        if call.terminal.unique_orders && known.is_some() {
            return Err(Problem::coded("20"));
        }
        let payment = Payment {
            id: 0,
            terminal: call.terminal.key.to_owned(),
            order_id,
            amount,
            held: Money::ZERO,
            captured: Money::ZERO,
            refunded: Money::ZERO,
            status: Status::New,
            history: vec![(call.now_ms, Status::New)],
            step: None,
            description: description.unwrap_or_default(),
            customer_key,
            recurrent,
            two_stage: is_two_stage(call)?,
            notification_url: web_address(fields, "NotificationURL")?,
            success_url: web_address(fields, "SuccessURL")?,
            fail_url: web_address(fields, "FailURL")?,
            code: String::new(),
            created_ms: call.now_ms,
            expires_ms: due_date(call, "12")?,
            paid_ms: None,
            hold_ends_ms: None,
            data,
            awaits_closing: receipt.as_ref().is_some_and(|receipt| receipt.is_prepaid),
            receipt: receipt.map(|receipt| receipt.json),
            refund_receipt: None,
            documents: Vec::new(),
            source: None,
            card: None,
            challenged: None,
            rrn: None,
            sbp_payment_id: None,
            qr_link: None,
            qr_request_key: None,
            charged_token: None,
            error_code: "0".to_owned(),
            declines: Vec::new(),
            cancels: BTreeMap::new(),
            sbp_refunds_ms: Vec::new(),
            refund_error: None,
            notices: Vec::new(),
        };
        Ok(ok(self.open(call, payment)))
    }

    /// Gives a checked payment its number and its link.
    fn open(&mut self, call: &Call<'_>, mut payment: Payment) -> Obj {
        payment.id = self.payment_number();
        payment.code = self.page_code();
        if let Some(url) = &payment.notification_url {
            // Nobody fills in a terminal's settings here: the last address stands for them.
            self.state.terminal_urls.insert(payment.terminal.clone(), url.clone());
        }
        self.state.codes.insert(payment.code.clone(), Target::Payment(payment.id));
        let order = pair(&payment.terminal, &payment.order_id);
        self.state.orders.entry(order).or_default().push(payment.id);
        self.state.alarms.insert((payment.expires_ms, payment.id));
        let body = call
            .done()
            .text("Status", Status::New.as_str())
            .text("PaymentId", &payment.id.to_string())
            .text("OrderId", &payment.order_id)
            .raw("Amount", &payment.amount.kopecks().to_string())
            .text("PaymentURL", &self.page_url(&payment.code));
        self.state.payments.insert(payment.id, payment);
        body
    }

    pub(super) fn payment_number(&mut self) -> u64 {
        // The mint writes digits only.
        self.state.mint.number(PAYMENT_BASE).parse().unwrap_or(PAYMENT_BASE)
    }

    pub(super) fn page_code(&mut self) -> String {
        let token = self.state.mint.token("page");
        token.get(..8).unwrap_or(&token).to_owned()
    }

    pub(super) fn page_url(&self, code: &str) -> String {
        format!("{}/new/{code}", self.origin)
    }
}
