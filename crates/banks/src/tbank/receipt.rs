//! Our receipt in the bank's words.

use serde_json::value::RawValue;

use crate::{
    bank::Credentials,
    receipt::{Line, Measure, Receipt, Supplier},
};

use super::{codes, settings, wire};

/// The receipt as the bank takes it. `quirks` has made sure that it has a tax system and that no
/// line overflows.
pub fn wire<'a>(credentials: &'a Credentials, receipt: &'a Receipt) -> wire::Receipt<'a> {
    let is_12 = settings::is_ffd_12(credentials);
    let lines = receipt.lines.iter();
    wire::Receipt {
        ffd_version: if is_12 { "1.2" } else { "1.05" },
        email: receipt.email.as_deref().filter(|email| !email.is_empty()),
        phone: receipt.phone.as_deref().filter(|phone| !phone.is_empty()),
        taxation: find_taxation(credentials, receipt).unwrap_or(""),
        items: lines.map(|line| item(line, receipt.supplier.as_ref(), is_12)).collect(),
    }
}

/// The receipt's tax system, else the connection's.
pub fn find_taxation<'a>(credentials: &'a Credentials, receipt: &Receipt) -> Option<&'a str> {
    let own = receipt.taxation.map(|taxation| taxation.as_str());
    own.or_else(|| credentials.find(settings::TAXATION).map(str::trim))
}

fn item<'a>(line: &'a Line, all: Option<&'a Supplier>, is_12: bool) -> wire::Item<'a> {
    let supplier = line.supplier.as_ref().or(all);
    wire::Item {
        name: &line.name,
        price: line.price.kopecks(),
        quantity: quantity(line.quantity_milli),
        amount: line.sum().unwrap_or_default().kopecks(),
        tax: line.vat.as_str(),
        payment_method: line.method.as_str(),
        payment_object: codes::subject_word(line.subject),
        // The older format has no such field; the newer one requires it.
        measurement_unit: is_12
            .then(|| codes::measure_word(line.measure.unwrap_or(Measure::Piece))),
        // Whose agent the shop is, our receipts do not tell: «another» is the law's word for it.
        agent_data: supplier.map(|_| wire::Agent { agent_sign: "another" }),
        supplier_info: supplier.map(|supplier| wire::Supplier {
            phones: [&supplier.phone],
            name: &supplier.name,
            inn: &supplier.tax_code,
        }),
    }
}

/// Thousandths as a JSON number without needless zeros: 1500 is `1.5`, 2000 is `2`.
fn quantity(milli: u64) -> Box<RawValue> {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    // Digits, a point and up to three digits are always a valid JSON number.
    RawValue::from_string(text).unwrap_or_default()
}
