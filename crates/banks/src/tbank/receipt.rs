//! Our receipt in the bank's words.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    bank::Credentials,
    receipt::{Agent, AgentKind, Ffd, Line, Measure, Receipt, Settlement, Taxation, quantity_text},
};

use super::{codes, settings, wire};

/// The receipt as the bank takes it. `quirks` has made sure that it has a tax system and that no
/// line overflows.
pub fn wire<'a>(credentials: &Credentials, receipt: &'a Receipt) -> wire::Receipt<'a> {
    let ffd = receipt.ffd.unwrap_or_else(|| settings::ffd(credentials));
    wire::Receipt {
        ffd_version: ffd.as_str(),
        email: receipt.email.as_deref().filter(|email| !email.is_empty()),
        phone: receipt.phone.as_deref().filter(|phone| !phone.is_empty()).map(with_plus),
        taxation: find_taxation(credentials, receipt).map_or("", Taxation::as_str),
        items: receipt.lines.iter().map(|line| item(receipt, line, ffd)).collect(),
        payments: receipt.settlement.as_ref().map(payments),
    }
}

/// The receipt's tax system, else the connection's.
pub fn find_taxation(credentials: &Credentials, receipt: &Receipt) -> Option<Taxation> {
    receipt.taxation.or_else(|| settings::taxation(credentials))
}

fn item<'a>(receipt: &'a Receipt, line: &'a Line, ffd: Ffd) -> wire::Item<'a> {
    let supplier = receipt.supplier_of(line);
    // The role is not told: «another» is the law's word for it.
    let nameless = || supplier.map(|_| another());
    wire::Item {
        name: &line.name,
        price: line.price.kopecks(),
        quantity: quantity(line.quantity_milli),
        amount: line.sum().unwrap_or_default().kopecks(),
        tax: line.vat.as_str(),
        payment_method: line.method.as_str(),
        payment_object: codes::subject_word(line.subject),
        // The older format has no such field; the newer one requires it.
        measurement_unit: match ffd {
            Ffd::V105 => None,
            Ffd::V12 => Some(codes::measure_word(line.measure.unwrap_or(Measure::Piece))),
        },
        // The bank's document knows no other mode.
        mark_processing_mode: line.mark.is_some().then_some("0"),
        mark_code: line.mark.as_ref().map(|mark| wire::MarkCode {
            mark_code_type: codes::mark_word(mark.kind),
            value: &mark.value,
        }),
        agent_data: line.agent.as_ref().map(agent).or_else(nameless),
        supplier_info: supplier.map(|supplier| wire::Supplier {
            phones: [&supplier.phone],
            name: &supplier.name,
            inn: &supplier.tax_code,
        }),
    }
}

/// The one form that the bank documents.
fn with_plus(phone: &str) -> Cow<'_, str> {
    if phone.starts_with('+') { phone.into() } else { format!("+{phone}").into() }
}

fn another<'a>() -> wire::Agent<'a> {
    wire::Agent { agent_sign: AgentKind::Another.as_str(), ..wire::Agent::default() }
}

fn agent(agent: &Agent) -> wire::Agent<'_> {
    let operator = agent.operator.as_ref();
    wire::Agent {
        agent_sign: agent.kind.as_str(),
        operation_name: agent.operation.as_deref(),
        phones: &agent.phones,
        receiver_phones: &agent.receiver_phones,
        transfer_phones: operator.map_or(&[], |operator| &operator.phones),
        operator_name: operator.map(|operator| operator.name.as_str()),
        operator_address: operator.map(|operator| operator.address.as_str()),
        operator_inn: operator.map(|operator| operator.tax_code.as_str()),
    }
}

fn payments(paid: &Settlement) -> wire::Payments {
    wire::Payments {
        cash: paid.cash.kopecks(),
        electronic: paid.electronic.kopecks(),
        advance_payment: paid.advance.kopecks(),
        credit: paid.credit.kopecks(),
        provision: paid.provision.kopecks(),
    }
}

/// Thousandths as a JSON number; its digits and point are always a valid one.
fn quantity(milli: u64) -> Box<RawValue> {
    RawValue::from_string(quantity_text(milli)).unwrap_or_default()
}
