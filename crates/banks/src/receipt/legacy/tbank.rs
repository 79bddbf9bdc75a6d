//! T-Bank's own receipt as its API takes it: kopecks, words.

use super::{
    Reading,
    fields::{Object, Unit},
    read_taxation,
};
use crate::{
    money::Money,
    receipt::{
        contact::normal_phone,
        lint::{Finding, reading},
        model::{Agent, Line, Mark, Receipt, Settlement, Supplier, TransferOperator},
        words::{AgentKind, Ffd, MarkKind, PaymentMethod, Subject, Vat},
    },
    tbank::codes::parse_measure,
};

/// The shop's own address the bank knows, so that `EmailCompany` may be left behind.
const RECEIPT: &[&str] =
    &["Items", "Taxation", "Phone", "Email", "EmailCompany", "FfdVersion", "Customer", "Payments"];
/// `MarkProcessingMode` is always 0, and our own request says so.
const ITEM: &[&str] = &[
    "Name",
    "Price",
    "Quantity",
    "Amount",
    "Tax",
    "PaymentMethod",
    "PaymentObject",
    "MeasurementUnit",
    "MarkCode",
    "MarkProcessingMode",
    "AgentData",
    "SupplierInfo",
];

pub(super) fn read(receipt: &Object, items: &[Object], all: &mut Reading) {
    all.keep(receipt.only(RECEIPT));
    let taxation = receipt.text("Taxation");
    let taxation = taxation.and_then(|word| word.map(|word| read_taxation(&word)).transpose());
    let phone = all.keep(receipt.text("Phone"));
    let version = receipt.text("FfdVersion");
    let paid = receipt.object("Payments");
    let paid = paid.and_then(|paid| paid.map(|paid| settlement(&paid)).transpose());
    all.receipt = Receipt {
        email: all.keep(receipt.text("Email")),
        phone: phone.map(|phone| normal_phone(&phone).unwrap_or(phone)),
        buyer_name: all.keep(receipt.text("Customer")),
        taxation: all.keep(taxation),
        ffd: all.keep(version.and_then(|version| receipt.word(version, Ffd::parse))),
        settlement: all.keep(paid),
        ..Receipt::default()
    };
    items.iter().enumerate().for_each(|(at, item)| all.put(at, line(item).map(|line| vec![line])));
}

fn line(item: &Object) -> Result<Line, Finding> {
    item.only(ITEM)?;
    let price = item.money("Price", Unit::Kopecks)?;
    let price = price.ok_or_else(|| item.problem(&reading::FIELD, "Price"))?;
    let quantity = item.quantity("Quantity")?;
    let word = item.required("Tax")?;
    let mut line = Line::new(item.required("Name")?, price);
    line.quantity_milli = quantity.ok_or_else(|| item.problem(&reading::FIELD, "Quantity"))?;
    line.vat = Vat::parse(&word).ok_or_else(|| item.problem(&reading::VAT, &word))?;
    // What the bank's document says of absent words.
    let method = item.word(item.text("PaymentMethod")?, PaymentMethod::parse)?;
    line.method = method.unwrap_or(PaymentMethod::FullPayment);
    let subject = item.word(item.text("PaymentObject")?, Subject::read)?;
    line.subject = subject.unwrap_or(Subject::Goods);
    if let Some(unit) = item.text("MeasurementUnit")? {
        let measure = parse_measure(&unit);
        line.measure = Some(measure.ok_or_else(|| item.problem(&reading::WORD, &unit))?);
    }
    line.mark = item.object("MarkCode")?.map(|code| mark(&code)).transpose()?;
    line.agent = item.object("AgentData")?.map(|data| agent(&data)).transpose()?;
    line.supplier = item.object("SupplierInfo")?.map(|info| supplier(&info)).transpose()?;
    let amount = item.money("Amount", Unit::Kopecks)?;
    if amount.is_some_and(|amount| line.sum() != Some(amount)) {
        let amount = amount.unwrap_or_default();
        return Err(item.problem(&reading::LINE_SUM, &amount.kopecks().to_string()));
    }
    Ok(line)
}

fn mark(code: &Object) -> Result<Mark, Finding> {
    code.only(&["MarkCodeType", "Value"])?;
    let word = code.required("MarkCodeType")?;
    let kind = MarkKind::parse(&word.to_ascii_lowercase());
    let kind = kind.ok_or_else(|| code.problem(&reading::WORD, &word))?;
    Ok(Mark { kind, value: code.required("Value")? })
}

fn supplier(info: &Object) -> Result<Supplier, Finding> {
    info.only(&["Phones", "Name", "Inn"])?;
    let mut phones = info.texts("Phones")?.into_iter();
    let phone = phones.next();
    if let Some(second) = phones.next() {
        return Err(info.problem(&reading::UNCARRIED, &format!("Phones: {second}")));
    }
    Ok(Supplier {
        phone: phone.ok_or_else(|| info.problem(&reading::FIELD, "Phones"))?,
        name: info.required("Name")?,
        tax_code: info.required("Inn")?,
    })
}

const AGENT: &[&str] = &[
    "AgentSign",
    "Phones",
    "ReceiverPhones",
    "TransferPhones",
    "OperationName",
    "OperatorName",
    "OperatorAddress",
    "OperatorInn",
];

fn agent(data: &Object) -> Result<Agent, Finding> {
    data.only(AGENT)?;
    let of_operator = ["OperatorAddress", "OperatorInn", "TransferPhones"];
    if of_operator.iter().any(|key| data.says(key)) {
        data.required("OperatorName")?;
    }
    let sign = data.required("AgentSign")?;
    let kind = AgentKind::parse(&sign).ok_or_else(|| data.problem(&reading::WORD, &sign))?;
    let operator = match data.text("OperatorName")? {
        None => None,
        Some(name) => Some(TransferOperator {
            name,
            address: data.text("OperatorAddress")?.unwrap_or_default(),
            tax_code: data.text("OperatorInn")?.unwrap_or_default(),
            phones: data.texts("TransferPhones")?,
        }),
    };
    Ok(Agent {
        kind,
        phones: data.texts("Phones")?,
        receiver_phones: data.texts("ReceiverPhones")?,
        operation: data.text("OperationName")?,
        operator,
    })
}

fn settlement(paid: &Object) -> Result<Settlement, Finding> {
    paid.only(&["Electronic", "AdvancePayment", "Credit", "Cash", "Provision"])?;
    let kind = |key: &str| Ok(paid.money(key, Unit::Kopecks)?.unwrap_or(Money::ZERO));
    Ok(Settlement {
        electronic: kind("Electronic")?,
        advance: kind("AdvancePayment")?,
        credit: kind("Credit")?,
        cash: kind("Cash")?,
        provision: kind("Provision")?,
    })
}
