//! A receipt in our own form, from JSON to [`Receipt`]: every problem with its rule, none guessed
//! away.

mod fields;

use jiff::civil::Date;
use kopeck_banks::{
    Money,
    receipt::{
        Agent, AgentKind, Ffd, Line, Mark, MarkKind, Measure, PaymentMethod, Receipt, Settlement,
        Subject, Supplier, Taxation, TransferOperator, Vat,
        balance::spread_placed,
        contact::normal_phone,
        lint::{Finding, Rule, reading},
        parse_quantity,
        preset::{PRESETS, Preset, find_preset},
        vat::plain,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{error::Category, value::RawValue};
use utoipa::ToSchema;

/// A plain receipt: who gets it and what was sold. Its lines must add up to the payment's amount.
#[derive(Debug, ToSchema)]
pub struct ReceiptInput {
    /// Where the receipt goes; Tochka needs it.
    pub email: Option<String>,
    pub phone: Option<String>,
    pub name: Option<String>,
    /// osn, usn_income, usn_income_outcome, esn, patent.
    pub taxation: Option<String>,
    #[schema(value_type = Vec<ItemInput>)]
    pub items: Vec<Box<RawValue>>,
    /// Rubles off the items: a discount, or bonus points of the shop. Each line bears its share by
    /// the largest remainder, so that the sum is right to the kopeck; a line whose price cannot
    /// make its share becomes two.
    #[schema(value_type = Option<String>, example = "500.00")]
    pub discount: Option<Box<RawValue>>,
    /// A line of its own, which bears no discount.
    pub delivery: Option<DeliveryInput>,
    pub supplier: Option<SupplierInput>,
    /// The format of fiscal documents, 1.05 or 1.2, where it is not the connection's.
    pub ffd: Option<String>,
    /// How the sum was paid, where not all of it by this payment.
    pub settlement: Option<SettlementInput>,
    /// The day on which what is prepaid will be delivered; the shop's default when absent.
    #[schema(example = "2026-12-31")]
    pub closes_on: Option<String>,
}

/// A receipt: whole, or of one line by the shop's defaults.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum ReceiptWish {
    Whole(Box<ReceiptInput>),
    Sale(Box<SaleInput>),
}

/// A receipt of one line for the payment's amount, by the shop's defaults.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleInput {
    /// Where the receipt goes; `customer.email` when absent.
    #[schema(example = "buyer@example.ru")]
    pub email: Option<String>,
    pub phone: Option<String>,
    /// service, online_course, membership, goods, prepayment; the shop's own when absent.
    #[schema(example = "service")]
    pub preset: Option<String>,
    /// The line's name; the preset's when absent.
    pub title: Option<String>,
    /// The goods' own rate where it is not the shop's.
    pub vat: Option<String>,
    /// The day on which what is prepaid will be delivered; the shop's default when absent.
    #[schema(example = "2026-12-31")]
    pub closes_on: Option<String>,
}

impl SaleInput {
    /// What a text without lines asks for; `None` for one with lines.
    pub fn find(text: &str) -> Result<Option<SaleInput>, ReceiptProblem> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let Some(fields) = value.as_object() else { return Ok(None) };
        if fields.contains_key("items") || fields.contains_key("Items") {
            return Ok(None);
        }
        serde_json::from_str(text).map(Some).map_err(|error| unreadable(&error))
    }

    /// Its words, and every one that nobody knows.
    pub fn words(&self) -> (SaleWords, Vec<ReceiptProblem>) {
        let mut problems = Vec::new();
        let trades = PRESETS.iter().map(|preset| preset.name);
        let preset = word(self.preset.as_deref(), "preset", find_preset, trades);
        let rates = Vat::ALL.iter().map(|w| w.as_str());
        let vat = word(self.vat.as_deref(), "vat", Vat::parse, rates).map_err(|mut problem| {
            problem.finding.rule = &reading::VAT;
            problem
        });
        let of =
            |field| move |problem: ReceiptProblem| ReceiptProblem { field: Some(field), ..problem };
        let closes_on = day(self.closes_on.as_deref()).map_err(of("closes_on"));
        let words = SaleWords {
            preset: kept(&mut problems, preset.map_err(of("preset"))),
            vat: kept(&mut problems, vat.map_err(of("vat"))),
            closes_on: kept(&mut problems, closes_on),
        };
        (words, problems)
    }
}

/// The words of a [`SaleInput`], read.
#[derive(Clone, Copy, Debug)]
pub struct SaleWords {
    pub preset: Option<&'static Preset>,
    pub vat: Option<Vat>,
    pub closes_on: Option<Date>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemInput {
    pub name: String,
    /// Price of one unit in rubles: "4900.00".
    #[schema(value_type = String, example = "4900.00")]
    pub price: Box<RawValue>,
    /// At most three decimals; 1 when absent.
    #[schema(value_type = Option<String>, example = "1")]
    pub quantity: Option<Box<RawValue>>,
    /// none, vat0, vat5, vat7, vat10, vat22, vat105, vat107, vat110, vat122.
    pub vat: String,
    /// full_payment (when absent), full_prepayment, prepayment, advance, partial_payment, credit,
    /// credit_payment. Tochka has the first two.
    pub method: Option<String>,
    /// goods, service (when absent), work; T-Bank has many more.
    pub subject: Option<String>,
    /// piece, kilogram, hour …
    pub measure: Option<String>,
    pub supplier: Option<SupplierInput>,
    pub agent: Option<AgentInput>,
    pub mark: Option<MarkInput>,
}

/// The delivery of what was sold: a service beside the items.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryInput {
    /// Rubles; zero makes no line.
    #[schema(value_type = String, example = "350.00")]
    pub price: Box<RawValue>,
    /// «Доставка» when absent.
    pub name: Option<String>,
    /// The items' own when absent; needed where they differ, or bear 0 or 10 %.
    pub vat: Option<String>,
}

/// On whose behalf something is sold.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplierInput {
    pub phone: String,
    pub name: String,
    pub inn: String,
}

/// In which role the shop sells for the supplier; T-Bank only.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentInput {
    /// bank_paying_agent, bank_paying_subagent, paying_agent, paying_subagent, attorney,
    /// commission_agent, another.
    pub kind: String,
    /// The paying agent's phones.
    #[serde(default)]
    pub phones: Vec<String>,
    /// The phones of the operator who takes the payments.
    #[serde(default)]
    pub receiver_phones: Vec<String>,
    /// What a bank's agent does.
    pub operation: Option<String>,
    pub operator: Option<OperatorInput>,
}

/// Who transfers the money of a bank's agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorInput {
    pub name: String,
    pub address: String,
    pub inn: String,
    pub phones: Vec<String>,
}

/// The code on one piece of marked goods; T-Bank only.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkInput {
    /// unknown, ean8, ean13, itf14, gs10, gs1m, short, fur, egais20, egais30, rawcode.
    pub kind: String,
    pub value: String,
}

/// Rubles by way of paying; together they make the sum of the items. T-Bank only.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlementInput {
    /// What this payment pays.
    #[schema(value_type = String, example = "4900.00")]
    pub electronic: Box<RawValue>,
    /// Paid before: bonus points, a gift card, an advance.
    #[schema(value_type = Option<String>)]
    pub advance: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub credit: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub cash: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub provision: Option<Box<RawValue>>,
}

/// What is wrong with a receipt's text.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiptProblem {
    /// Names the field, in English.
    pub message: String,
    pub hint: String,
    /// The receipt's own field that is at fault, where that is one.
    pub field: Option<&'static str>,
    /// The same by its rule, in both languages.
    pub finding: Finding,
}

/// What could be read, and what could not.
#[derive(Debug, Default)]
pub struct Reading {
    pub receipt: Receipt,
    /// The place that each read line has in the text.
    pub places: Vec<usize>,
    pub problems: Vec<ReceiptProblem>,
}

/// Reads the JSON text of a receipt, or says what is wrong first.
pub fn parse_receipt(text: &str) -> Result<Receipt, ReceiptProblem> {
    let reading = read_receipt(text);
    reading.problems.into_iter().next().map_or(Ok(reading.receipt), Err)
}

/// Reads as much as can be read.
pub fn read_receipt(text: &str) -> Reading {
    let mut problems = Vec::new();
    let Some(input) = fields::read(text, &mut problems) else {
        return Reading { problems, ..Reading::default() };
    };
    let mut keep = |problem| problems.push(problem);
    let formats = Ffd::ALL.iter().map(|w| w.as_str());
    let ffd = word(input.ffd.as_deref(), "ffd", Ffd::parse, formats);
    let settlement = input.settlement.as_ref().map(settlement).transpose();
    let mut receipt = Receipt {
        email: input.email,
        // As people write it; what is no phone stays for the rules to name.
        phone: input.phone.map(|phone| normal_phone(&phone).unwrap_or(phone)),
        buyer_name: input.name,
        taxation: taxation(input.taxation.as_deref()).map_err(&mut keep).unwrap_or_default(),
        lines: Vec::new(),
        supplier: input.supplier.as_ref().map(supplier),
        ffd: ffd.map_err(&mut keep).unwrap_or_default(),
        settlement: settlement.map_err(&mut keep).unwrap_or_default(),
        closes_on: day(input.closes_on.as_deref()).map_err(&mut keep).unwrap_or_default(),
    };
    let mut places = Vec::new();
    for (at, item) in input.items.iter().enumerate() {
        let item = serde_json::from_str(item.get()).map_err(|error| vec![unreadable(&error)]);
        match item.and_then(|item| parse_line(&item)) {
            Ok(line) => {
                receipt.lines.push(line);
                places.push(at);
            }
            Err(wrong) => wrong.into_iter().for_each(|mut problem| {
                problem.finding.line = Some(at);
                keep(problem);
            }),
        }
    }
    let mut reading = Reading { receipt, places, problems };
    if let Err(problem) =
        take_off(&mut reading, input.discount.as_deref(), input.delivery.is_some())
    {
        reading.problems.push(problem);
    }
    if let Err(problem) = deliver(&mut reading, input.delivery.as_ref()) {
        reading.problems.push(problem);
    }
    reading
}

/// The lines at prices that are together lower by the discount.
fn take_off(
    reading: &mut Reading,
    discount: Option<&RawValue>,
    is_delivered: bool,
) -> Result<(), ReceiptProblem> {
    let Some(raw) = discount else { return Ok(()) };
    let wrong = |why: &str| {
        let message = format!("`discount`: {why}");
        problem(&reading::NUMBER, raw.get(), message, "Rubles, less than the items: \"500.00\"")
    };
    let discount = Money::parse_json(raw).map_err(|e| wrong(&e.to_string()))?;
    // What could not be read is not there to be spread over.
    if discount.is_zero() || !reading.problems.is_empty() {
        return Ok(());
    }
    let sum = reading.receipt.total().unwrap_or_default();
    if discount >= sum {
        return Err(wrong(&format!("is not less than the items, {sum}")));
    }
    let rest = sum.minus_or_zero(discount);
    let max_lines = MAX_SPREAD_LINES - usize::from(is_delivered);
    let spread = spread_placed(&reading.receipt.lines, rest, Some(max_lines));
    let spread = spread.map_err(|problem| wrong(&problem.to_string()))?;
    let place = |at: usize| reading.places.get(at).copied().unwrap_or(at);
    reading.places = spread.iter().map(|(at, _)| place(*at)).collect();
    reading.receipt.lines = spread.into_iter().map(|(_, line)| line).collect();
    Ok(())
}

/// What the stricter of the banks takes.
const MAX_SPREAD_LINES: usize = 100;

fn deliver(reading: &mut Reading, input: Option<&DeliveryInput>) -> Result<(), ReceiptProblem> {
    let Some(input) = input else { return Ok(()) };
    let price = Money::parse_json(&input.price).map_err(|e| {
        let message = format!("`delivery.price`: {e}");
        problem(&reading::NUMBER, input.price.get(), message, "Rubles: \"350.00\"")
    })?;
    let rates = Vat::ALL.iter().map(|w| w.as_str());
    let vat = word(input.vat.as_deref(), "delivery.vat", Vat::parse, rates)?;
    // What could not be read tells nothing of it either.
    if price.is_zero() || !reading.problems.is_empty() {
        return Ok(());
    }
    let lines = &reading.receipt.lines;
    let method = lines.first().map_or(PaymentMethod::FullPayment, |line| line.method);
    // A rate of the goods' own is none of their delivery.
    let is_general = |vat: &Vat| !matches!(plain(*vat), Vat::Vat10 | Vat::Vat0);
    let common = lines.first().map(|line| line.vat).filter(is_general);
    let common = common.filter(|vat| lines.iter().all(|line| line.vat == *vat));
    let Some(vat) = vat.or(common) else {
        let message = "`delivery.vat` is not said, and the items do not tell it";
        let hint = "Such as {\"price\": \"350.00\", \"vat\": \"vat22\"}";
        return Err(problem(&reading::FIELD, "delivery.vat", message.to_owned(), hint));
    };
    let name = input.name.as_deref().unwrap_or("Доставка");
    let line = Line { vat, method, subject: Subject::Service, ..Line::new(name, price) };
    reading.places.push(reading.receipt.lines.len());
    reading.receipt.lines.push(line);
    Ok(())
}

fn unreadable(error: &serde_json::Error) -> ReceiptProblem {
    let said = error.to_string();
    let named = said.split('`').nth(1).unwrap_or_default();
    let place = format!("{}:{}", error.line(), error.column());
    // The reader's own words are English: the value says as much in any language.
    let (rule, value) = match error.classify() {
        Category::Data if said.starts_with("missing field") => (&reading::FIELD, named),
        Category::Data if said.starts_with("unknown field") => (&reading::UNKNOWN, named),
        Category::Data => (&reading::TYPE, place.as_str()),
        Category::Io | Category::Syntax | Category::Eof => (&reading::UNREADABLE, place.as_str()),
    };
    let message = format!("The receipt cannot be read: {said}");
    problem(rule, value, message, "Compare it with the example in /docs")
}

/// A line, or all that is wrong with it.
fn parse_line(item: &ItemInput) -> Result<Line, Vec<ReceiptProblem>> {
    let mut problems = Vec::new();
    let price = kept(&mut problems, parse_price(item));
    let quantity_milli = kept(&mut problems, parse_quantity_of(item));
    let rates = Vat::ALL.iter().map(|w| w.as_str());
    let vat = word(Some(&item.vat), "vat", Vat::parse, rates).map_err(|mut problem| {
        problem.finding.rule = &reading::VAT;
        problem
    });
    let methods = PaymentMethod::ALL.iter().map(|w| w.as_str());
    let method = word(item.method.as_deref(), "method", PaymentMethod::parse, methods);
    let subjects = Subject::ALL.iter().map(|w| w.as_str());
    let subject = word(item.subject.as_deref(), "subject", Subject::read, subjects);
    let measures = Measure::ALL.iter().map(|w| w.as_str());
    let measure = word(item.measure.as_deref(), "measure", Measure::parse, measures);
    let line = Line {
        name: item.name.clone(),
        price,
        quantity_milli,
        vat: kept(&mut problems, vat).unwrap_or(Vat::None),
        method: kept(&mut problems, method).unwrap_or(PaymentMethod::FullPayment),
        subject: kept(&mut problems, subject).unwrap_or(Subject::Service),
        measure: kept(&mut problems, measure),
        supplier: item.supplier.as_ref().map(supplier),
        agent: kept(&mut problems, item.agent.as_ref().map(agent).transpose()),
        mark: kept(&mut problems, item.mark.as_ref().map(mark).transpose()),
    };
    if problems.is_empty() { Ok(line) } else { Err(problems) }
}

/// The value, or nothing and the problem.
fn kept<T: Default>(problems: &mut Vec<ReceiptProblem>, read: Result<T, ReceiptProblem>) -> T {
    read.unwrap_or_else(|problem| {
        problems.push(problem);
        T::default()
    })
}

fn parse_price(item: &ItemInput) -> Result<Money, ReceiptProblem> {
    Money::parse_json(&item.price).map_err(|e| {
        let message = format!("`price` of «{}»: {e}", item.name);
        problem(&reading::NUMBER, item.price.get(), message, "Rubles: \"4900.00\"")
    })
}

/// In thousandths.
fn parse_quantity_of(item: &ItemInput) -> Result<u64, ReceiptProblem> {
    let quantity = item.quantity.as_ref().map_or("1", |raw| raw.get().trim().trim_matches('"'));
    parse_quantity(quantity).map_err(|e| {
        let message = format!("`quantity` of «{}» is {e}", item.name);
        problem(&reading::QUANTITY, quantity, message, "For example 1, 2 or 1.500")
    })
}

/// The day of `closes_on`.
pub fn day(text: Option<&str>) -> Result<Option<Date>, ReceiptProblem> {
    let parse = |text: &str| {
        let wrong =
            || format!("`closes_on` is no day: {}", text.chars().take(40).collect::<String>());
        let said = format!("closes_on: {text}");
        text.parse().map_err(|_| problem(&reading::WORD, &said, wrong(), "Write it as 2026-12-31"))
    };
    text.map(parse).transpose()
}

/// Of the abolished system the reason is told.
pub fn taxation(text: Option<&str>) -> Result<Option<Taxation>, ReceiptProblem> {
    if text == Some("envd") {
        return Err(reading::finding(&reading::ENVD, None, "envd").into());
    }
    word(text, "taxation", Taxation::parse, Taxation::ALL.iter().map(|w| w.as_str()))
}

fn agent(input: &AgentInput) -> Result<Agent, ReceiptProblem> {
    let kinds = AgentKind::ALL.iter().map(|w| w.as_str());
    let kind = required(&input.kind, "agent.kind", AgentKind::parse, kinds)?;
    Ok(Agent {
        kind,
        phones: input.phones.clone(),
        receiver_phones: input.receiver_phones.clone(),
        operation: input.operation.clone(),
        operator: input.operator.as_ref().map(|operator| TransferOperator {
            name: operator.name.clone(),
            address: operator.address.clone(),
            tax_code: operator.inn.clone(),
            phones: operator.phones.clone(),
        }),
    })
}

fn mark(input: &MarkInput) -> Result<Mark, ReceiptProblem> {
    let kinds = MarkKind::ALL.iter().map(|w| w.as_str());
    let kind = required(&input.kind, "mark.kind", MarkKind::parse, kinds)?;
    Ok(Mark { kind, value: input.value.clone() })
}

fn settlement(input: &SettlementInput) -> Result<Settlement, ReceiptProblem> {
    let money = |raw: &RawValue, field: &str| {
        Money::parse_json(raw).map_err(|e| {
            let message = format!("`settlement.{field}`: {e}");
            problem(&reading::NUMBER, raw.get(), message, "Rubles: \"4900.00\"")
        })
    };
    let optional = |raw: &Option<Box<RawValue>>, field: &str| {
        raw.as_ref().map_or(Ok(Money::ZERO), |raw| money(raw, field))
    };
    Ok(Settlement {
        electronic: money(&input.electronic, "electronic")?,
        advance: optional(&input.advance, "advance")?,
        credit: optional(&input.credit, "credit")?,
        cash: optional(&input.cash, "cash")?,
        provision: optional(&input.provision, "provision")?,
    })
}

pub fn supplier(input: &SupplierInput) -> Supplier {
    let SupplierInput { phone, name, inn } = input;
    Supplier { phone: phone.clone(), name: name.clone(), tax_code: inn.clone() }
}

pub fn word<T>(
    text: Option<&str>,
    field: &str,
    parse: impl Fn(&str) -> Option<T>,
    words: impl Iterator<Item = &'static str>,
) -> Result<Option<T>, ReceiptProblem> {
    let Some(text) = text else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| {
        let words: Vec<&str> = words.collect();
        let hint = format!("One of: {}", words.join(", "));
        let message = format!("`{field}` cannot be `{text}`");
        problem(&reading::WORD, &format!("{field}: {text}"), message, &hint)
    })
}

fn required<T>(
    text: &str,
    field: &str,
    parse: impl Fn(&str) -> Option<T>,
    words: impl Iterator<Item = &'static str>,
) -> Result<T, ReceiptProblem> {
    let found = word(Some(text), field, parse, words)?;
    let empty = || format!("`{field}` is empty");
    found.ok_or_else(|| problem(&reading::WORD, field, empty(), "Compare it with the docs"))
}

impl From<Finding> for ReceiptProblem {
    fn from(finding: Finding) -> ReceiptProblem {
        let hint = finding.rule.en.fix.to_owned();
        ReceiptProblem { message: finding.en(), hint, field: None, finding }
    }
}

fn problem(rule: &'static Rule, value: &str, message: String, hint: &str) -> ReceiptProblem {
    // Enough to find it by; a text of any length may come.
    let shown: String = value.chars().take(120).collect();
    let finding = reading::finding(rule, None, shown);
    ReceiptProblem { message, hint: hint.to_owned(), field: None, finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_read() {
        let text = r#"{"email": "a@example.ru", "phone": "8 900 123-45-67", "taxation": "osn",
            "ffd": "1.2", "settlement": {"electronic": "90", "advance": 10.5},
            "items": [{"name": "Пиво", "price": "100.50", "vat": "vat22",
                "method": "partial_payment", "subject": "excisable_goods_with_marking_code",
                "measure": "piece", "mark": {"kind": "gs1m", "value": "01"},
                "agent": {"kind": "bank_paying_agent", "phones": ["+79001234567"],
                    "operation": "Приём", "operator": {"name": "АО", "address": "Тольятти",
                        "inn": "7710140679", "phones": ["+79221210697"]}},
                "supplier": {"phone": "+79991234567", "name": "ООО", "inn": "7707083893"}}]}"#;
        let receipt = parse_receipt(text).unwrap();
        assert_eq!(receipt.phone.as_deref(), Some("+79001234567"));
        assert_eq!((receipt.ffd, receipt.lines.len()), (Some(Ffd::V12), 1));
        assert_eq!(receipt.settlement.unwrap().total(), receipt.total());
        let line = &receipt.lines[0];
        assert_eq!(line.method, PaymentMethod::PartialPayment);
        assert_eq!(line.subject, Subject::ExcisableMarked);
        assert_eq!(line.mark.as_ref().unwrap().kind, MarkKind::Gs1m);
        let agent = line.agent.as_ref().unwrap();
        assert_eq!(agent.kind, AgentKind::BankPayingAgent);
        assert_eq!(agent.operator.as_ref().unwrap().tax_code, "7710140679");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let with = |change: &str| {
            let text = format!(r#"{{"items": [{{"name": "a", "price": 1, "vat": "none"{change}"#);
            parse_receipt(&text).unwrap_err()
        };
        let quantity = with(r#", "quantity": 0.0001}]}"#);
        assert!(quantity.message.contains("thousandth"), "{quantity:?}");
        let envd = with(r#"}], "taxation": "envd"}"#);
        assert!(envd.message.contains("2021"), "{envd:?}");
        let mark = with(r#", "mark": {"kind": "x", "value": "1"}}]}"#);
        assert!(mark.hint.contains("gs1m"), "{mark:?}");
        let paid = with(r#"}], "settlement": {"electronic": "1,5"}}"#);
        assert!(paid.message.contains("settlement.electronic"), "{paid:?}");
    }
}
