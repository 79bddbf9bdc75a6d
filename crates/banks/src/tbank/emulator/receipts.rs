//! Receipts: the bank's checks with its codes 201, 308, 309, 310, 316 to 320, 329, 334, 383 and
//! 385, and the closing receipt.

use super::{
    TbankEmulator,
    fields::Fields,
    problem::Problem,
    route::{Call, ok},
    state::DocumentKind,
    status::Status,
};
use crate::{
    emulator::json::Obj,
    http::HttpReply,
    money::Money,
    receipt::{line_sum, parse_quantity},
};

const MAX_ITEMS: usize = 100;
/// Methods that a closing receipt settles.
const PREPAID: [&str; 3] = ["full_prepayment", "prepayment", "advance"];
const METHODS: [&str; 7] = [
    "full_prepayment",
    "prepayment",
    "advance",
    "full_payment",
    "partial_payment",
    "credit",
    "credit_payment",
];
/// The document's and those of 2026.
const TAXES: [&str; 12] = [
    "none", "vat0", "vat5", "vat7", "vat10", "vat20", "vat22", "vat105", "vat107", "vat110",
    "vat120", "vat122",
];
const TAXATIONS: [&str; 5] = ["osn", "usn_income", "usn_income_outcome", "esn", "patent"];
/// `PaymentObject` in both formats.
const OBJECTS: [&str; 12] = [
    "commodity",
    "excise",
    "job",
    "service",
    "gambling_bet",
    "gambling_prize",
    "lottery",
    "lottery_prize",
    "intellectual_activity",
    "payment",
    "agent_commission",
    "another",
];
const OBJECTS_OF_105: [&str; 1] = ["composite"];
const OBJECTS_OF_12: [&str; 19] = [
    "contribution",
    "property_rights",
    "unrealization",
    "tax_reduction",
    "trade_fee",
    "resort_tax",
    "pledge",
    "income_decrease",
    "ie_pension_insurance_without_payments",
    "ie_pension_insurance_with_payments",
    "ie_medical_insurance_without_payments",
    "ie_medical_insurance_with_payments",
    "social_insurance",
    "casino_chips",
    "agent_payment",
    "excisable_goods_without_marking_code",
    MARKED[0],
    "goods_without_marking_code",
    MARKED[1],
];
const MARKED: [&str; 2] = ["excisable_goods_with_marking_code", "goods_with_marking_code"];
const AGENT_SIGNS: [&str; 7] = [
    "bank_paying_agent",
    "bank_paying_subagent",
    "paying_agent",
    "paying_subagent",
    "attorney",
    "commission_agent",
    "another",
];
const PAYMENT_KINDS: [&str; 5] = ["Cash", "Electronic", "AdvancePayment", "Credit", "Provision"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) json: String,
    /// It has an item that is paid for before it is delivered.
    pub(super) is_prepaid: bool,
}

/// What a receipt's sum is compared with.
#[derive(Clone, Copy)]
enum Due {
    /// Paid or returned by this request.
    Now(Money),
    /// Paid before: a closing receipt.
    Before(Money),
}

/// The request's receipt over `amount`; absent is wrong only where a register is attached.
pub(super) fn checked(call: &Call<'_>, amount: Money) -> Result<Option<Receipt>, Problem> {
    checked_for(call, Due::Now(amount))
}

fn checked_for(call: &Call<'_>, due: Due) -> Result<Option<Receipt>, Problem> {
    let Some(raw) = call.fields.raw("Receipt") else {
        return if call.terminal.cash_register { Err(Problem::coded("309")) } else { Ok(None) };
    };
    let receipt = call.fields.object("Receipt").ok_or_else(|| Problem::empty_field("Receipt"))?;
    let is_prepaid = check(&receipt, due)?;
    Ok(Some(Receipt { json: raw.get().to_owned(), is_prepaid }))
}

fn check(receipt: &Fields, due: Due) -> Result<bool, Problem> {
    check_buyer(receipt)?;
    one_of(receipt, "Taxation", &TAXATIONS)?;
    let is_new_format = receipt.text("FfdVersion").is_some_and(|version| version == "1.2");
    let items = receipt.objects("Items").filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| Problem::empty_field("Items"))?;
    if items.len() > MAX_ITEMS {
        return Err(Problem::field("64", "В чеке не больше 100 позиций."));
    }
    let mut sum = Money::ZERO;
    let mut is_prepaid = false;
    for item in &items {
        let own = check_item(item, is_new_format)?;
        sum = sum.checked_add(own).ok_or_else(|| Problem::coded("334"))?;
        let method = item.text("PaymentMethod");
        is_prepaid |= method.is_some_and(|method| PREPAID.contains(&method.as_str()));
    }
    check_sum(receipt, sum, due)?;
    Ok(is_prepaid)
}

fn check_buyer(receipt: &Fields) -> Result<(), Problem> {
    let (email, phone) = (receipt.filled("Email"), receipt.filled("Phone"));
    if email.is_none() && phone.is_none() {
        return Err(Problem::coded("329"));
    }
    if email.is_some_and(|email| !email.contains('@') || email.chars().count() > 64) {
        return Err(Problem::field("224", "Неверный формат email."));
    }
    let Some(phone) = phone else { return Ok(()) };
    if phone.chars().count() > 19 {
        return Err(Problem::field("316", "Максимальная длина номера телефона — 19 символов."));
    }
    let digits = phone.strip_prefix('+').unwrap_or(&phone);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::field("64", "Неверный формат Phone."));
    }
    Ok(())
}

fn one_of(fields: &Fields, key: &str, words: &[&str]) -> Result<(), Problem> {
    let word = fields.required(key)?;
    if words.contains(&word.as_str()) {
        return Ok(());
    }
    Err(Problem::field("64", format!("Неверное значение поля {key}.")))
}

fn check_item(item: &Fields, is_new_format: bool) -> Result<Money, Problem> {
    item.sized("Name", 128, "64")?;
    one_of(item, "Tax", &TAXES)?;
    let price = item.kopecks("Price")?.ok_or_else(|| Problem::empty_field("Price"))?;
    let quantity = item.required("Quantity")?;
    check_quantity(&quantity)?;
    if is_new_format {
        for key in ["PaymentMethod", "PaymentObject", "MeasurementUnit"] {
            item.required(key)?;
        }
    }
    if item.filled("PaymentMethod").is_some() {
        one_of(item, "PaymentMethod", &METHODS)?;
    }
    check_object(item, is_new_format)?;
    check_agent(item)?;
    let amount = item.kopecks("Amount")?.ok_or_else(|| Problem::empty_field("Amount"))?;
    // To the kopeck, half up: the bank's cash register counts it itself.
    let milli = parse_quantity(&quantity).map_err(|_| Problem::empty_field("Quantity"))?;
    if line_sum(price, milli) != Some(amount) {
        return Err(Problem::coded("334"));
    }
    Ok(amount)
}

/// The subject is one of the format's; what is called marked has its code, and a code is on one
/// piece.
fn check_object(item: &Fields, is_new_format: bool) -> Result<(), Problem> {
    let Some(object) = item.filled("PaymentObject") else { return Ok(()) };
    let own: &[&str] = if is_new_format { &OBJECTS_OF_12 } else { &OBJECTS_OF_105 };
    if !OBJECTS.contains(&object.as_str()) && !own.contains(&object.as_str()) {
        return Err(Problem::field("64", "Неверное значение поля PaymentObject."));
    }
    let is_marked = MARKED.contains(&object.as_str());
    let Some(code) = item.object("MarkCode") else {
        return if is_marked { Err(Problem::coded("383")) } else { Ok(()) };
    };
    if !is_marked {
        return Err(Problem::coded("385"));
    }
    let is_whole = code.filled("MarkCodeType").is_some() && code.filled("Value").is_some();
    let is_one = item.text("Quantity").is_some_and(|quantity| quantity == "1");
    if is_whole && is_one { Ok(()) } else { Err(Problem::coded("383")) }
}

fn check_agent(item: &Fields) -> Result<(), Problem> {
    let Some(agent) = item.object("AgentData") else { return Ok(()) };
    let sign = agent.filled("AgentSign").ok_or_else(|| Problem::coded("318"))?;
    if !AGENT_SIGNS.contains(&sign.as_str()) {
        return Err(Problem::coded("317"));
    }
    let supplier = item.object("SupplierInfo").ok_or_else(|| Problem::coded("319"))?;
    supplier.filled("Inn").map(|_| ()).ok_or_else(|| Problem::coded("320"))
}

/// Five digits before the point and three after it.
fn check_quantity(text: &str) -> Result<(), Problem> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(Problem::field("310", "Неверный формат параметра Quantity."));
    }
    if whole.len() > 5 {
        let what = "Целая часть параметра Quantity не должна быть больше 5 знаков.";
        return Err(Problem::field("310", what));
    }
    if fraction.len() > 3 {
        let what = "Дробная часть параметра Quantity не должна быть больше 3 знаков.";
        return Err(Problem::field("310", what));
    }
    Ok(())
}

/// Without kinds of payment the items make the amount; with them the items are all kinds together,
/// of which the electronic one is this payment.
fn check_sum(receipt: &Fields, items: Money, due: Due) -> Result<(), Problem> {
    let Some(payments) = receipt.object("Payments") else {
        let (Due::Now(amount) | Due::Before(amount)) = due;
        return if items == amount { Ok(()) } else { Err(Problem::coded("334")) };
    };
    payments.required("Electronic")?;
    let electronic = payments.kopecks("Electronic")?;
    let mut sum = Money::ZERO;
    for kind in PAYMENT_KINDS {
        let own = payments.kopecks(kind)?.unwrap_or(Money::ZERO);
        sum = sum.checked_add(own).ok_or_else(|| Problem::coded("308"))?;
    }
    let is_this = match due {
        Due::Now(amount) => electronic == Some(amount),
        Due::Before(_) => true,
    };
    if is_this && sum == items { Ok(()) } else { Err(Problem::coded("308")) }
}

/// What the emulator says of a receipt over `amount`, for tests of receipts.
#[cfg(test)]
pub(crate) fn find_refusal(receipt: &str, amount: Money, is_closing: bool) -> Option<String> {
    let fields = Fields::of_body(receipt.as_bytes()).unwrap_or_default();
    let due = if is_closing { Due::Before(amount) } else { Due::Now(amount) };
    check(&fields, due).err().map(|problem| format!("{problem:?}"))
}

impl TbankEmulator {
    /// For a paid payment whose receipt had something paid in advance; once.
    pub(super) fn closing_receipt(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let id = self.find_payment(call)?;
        let payment = self.state.payments.get_mut(&id).ok_or_else(|| Problem::coded("255"))?;
        let receipt = checked_for(call, Due::Before(payment.amount))?;
        let receipt = receipt.ok_or_else(|| Problem::coded("309"))?;
        if payment.status != Status::Confirmed {
            let what = "Закрывающий чек можно отправить после CONFIRMED.";
            return Err(Problem::new("4", "Неверный статус транзакции.", what));
        }
        if !payment.awaits_closing {
            let what = "В чеке платежа нет позиций с предоплатой.";
            return Err(Problem::new("8", "Неверный статус транзакции.", what));
        }
        payment.awaits_closing = receipt.is_prepaid;
        let given = (payment.captured, Some(receipt.json));
        self.register(call.now_ms, id, DocumentKind::Closing, given);
        Ok(ok(Obj::new().flag("Success", true).text("ErrorCode", "0").text("Message", "OK")))
    }
}
