//! Tochka's own receipt as its API takes it: rubles; `amount` of a line is the price of one unit.

use super::{
    Reading,
    fields::{Object, Unit},
    read_taxation,
};
use crate::{
    receipt::{
        contact::normal_phone,
        lint::{Finding, reading},
        model::{Line, Supplier},
        words::{PaymentMethod, Subject, Vat},
    },
    tochka::codes::parse_measure,
};

/// The request for a link, of which the receipt is a part.
const ROOT: &[&str] = &[
    "Items",
    "Client",
    "Supplier",
    "taxSystemCode",
    "customerCode",
    "merchantId",
    "amount",
    "purpose",
    "paymentMode",
    "redirectUrl",
    "failRedirectUrl",
    "saveCard",
    "consumerId",
    "preAuthorization",
    "ttl",
    "paymentLinkId",
    "recurring",
    "Options",
];

pub(super) fn read(receipt: &Object, items: &[Object], all: &mut Reading) {
    all.keep(receipt.only(ROOT));
    let client = receipt.object("Client");
    let missing = || receipt.problem(&reading::FIELD, "Client");
    let client = all.keep(client.and_then(|client| client.ok_or_else(missing).map(Some)));
    if let Some(client) = client {
        all.keep(client.only(&["name", "email", "phone"]));
        let phone = all.keep(client.text("phone"));
        all.receipt.email = all.keep(client.text("email"));
        all.receipt.phone = phone.map(|phone| normal_phone(&phone).unwrap_or(phone));
        all.receipt.buyer_name = all.keep(client.text("name"));
    }
    let taxation = receipt.text("taxSystemCode");
    let taxation = taxation.and_then(|word| word.map(|word| read_taxation(&word)).transpose());
    all.receipt.taxation = all.keep(taxation);
    let info = receipt.object("Supplier");
    let info = info.and_then(|info| info.map(|info| supplier(&info)).transpose());
    all.receipt.supplier = all.keep(info);
    items.iter().enumerate().for_each(|(at, item)| all.put(at, line(item).map(|line| vec![line])));
}

const ITEM: &[&str] = &[
    "name",
    "amount",
    "quantity",
    "vatType",
    "paymentMethod",
    "paymentObject",
    "measure",
    "Supplier",
];

fn line(item: &Object) -> Result<Line, Finding> {
    item.only(ITEM)?;
    let price = item.money("amount", Unit::Rubles)?;
    let price = price.ok_or_else(|| item.problem(&reading::FIELD, "amount"))?;
    let quantity = item.quantity("quantity")?;
    let mut line = Line::new(item.required("name")?, price);
    line.quantity_milli = quantity.ok_or_else(|| item.problem(&reading::FIELD, "quantity"))?;
    // What the bank takes for absent words is documented nowhere: VAT is not for us to guess.
    let word = item.required("vatType")?;
    line.vat = Vat::parse(&word).ok_or_else(|| item.problem(&reading::VAT, &word))?;
    let method = item.word(item.text("paymentMethod")?, PaymentMethod::parse)?;
    line.method = method.unwrap_or(line.method);
    let subject = item.word(item.text("paymentObject")?, Subject::read)?;
    line.subject = subject.unwrap_or(line.subject);
    if let Some(unit) = item.text("measure")? {
        let measure = parse_measure(&unit);
        line.measure = Some(measure.ok_or_else(|| item.problem(&reading::WORD, &unit))?);
    }
    line.supplier = item.object("Supplier")?.map(|info| supplier(&info)).transpose()?;
    Ok(line)
}

fn supplier(info: &Object) -> Result<Supplier, Finding> {
    info.only(&["phone", "name", "taxCode"])?;
    Ok(Supplier {
        phone: info.required("phone")?,
        name: info.required("name")?,
        tax_code: info.required("taxCode")?,
    })
}
