//! What T-Bank or the tax service would refuse in a receipt: checks as in `quirks`.

use crate::{
    Money,
    bank::Credentials,
    op::{BankOp, RefusalClass, TerminalOp},
    receipt::{Line, Receipt, Supplier, Taxation},
};

use super::{
    quirks::{Quirk, quirk},
    receipt as wire_receipt,
};
use RefusalClass::Invalid;

pub(super) static RECEIPT_QUIRKS: &[Quirk] = &[
    quirk(
        "receipt_contact_missing",
        Invalid,
        RECEIPT,
        [
            "A receipt needs the buyer's e-mail or phone: an e-mail of at most 64 characters, a \
             phone of at most 19.",
            "Send one of them, the phone as +79001234567.",
        ],
        |_, op| {
            receipt(op, |receipt| {
                let email = receipt.email.as_deref().filter(|text| !text.is_empty());
                let phone = receipt.phone.as_deref().filter(|text| !text.is_empty());
                (email.is_none() && phone.is_none())
                    || email.is_some_and(|email| !is_email(email))
                    || phone.is_some_and(|phone| !is_phone(phone))
            })
        },
    ),
    quirk(
        "receipt_taxation_missing",
        Invalid,
        RECEIPT,
        [
            "A receipt needs the tax system: osn, usn_income, usn_income_outcome, esn or patent.",
            "Send it with the receipt, or save it as the connection's setting taxation.",
        ],
        |credentials: &Credentials, op| {
            receipt(op, |receipt| {
                let word = wire_receipt::find_taxation(credentials, receipt);
                word.and_then(Taxation::parse).is_none()
            })
        },
    ),
    quirk(
        "receipt_lines_invalid",
        Invalid,
        RECEIPT,
        ["A receipt has 1 to 100 lines.", "Send at least one line, or split the order."],
        |_, op| receipt(op, |receipt| !(1..=100).contains(&receipt.lines.len())),
    ),
    quirk(
        "receipt_name_invalid",
        Invalid,
        RECEIPT,
        [
            "The name of a receipt line must have 1 to 128 characters.",
            "Shorten the name of the goods or the service.",
        ],
        |_, op| lines(op, |line| !(1..=128).contains(&line.name.trim().chars().count())),
    ),
    quirk(
        "receipt_quantity_invalid",
        Invalid,
        RECEIPT,
        [
            "The quantity of a receipt line must be more than zero and less than 100 000.",
            "Leave the line out, or split it.",
        ],
        |_, op| lines(op, |line| !(1..100_000_000).contains(&line.quantity_milli)),
    ),
    quirk(
        "receipt_sum_invalid",
        Invalid,
        RECEIPT,
        [
            "The sum of a receipt line must be more than zero and have at most ten digits.",
            "Leave free lines out, or spread the discount over the other lines.",
        ],
        |_, op| {
            lines(op, |line| {
                let sum = line.sum().map(Money::kopecks);
                !sum.is_some_and(|sum| (1..=9_999_999_999).contains(&sum))
            })
        },
    ),
    quirk(
        "receipt_total_mismatch",
        Invalid,
        RECEIPT,
        [
            "The lines of the receipt do not add up to the amount.",
            "Make the sum of price × quantity equal to the amount, to the kopeck.",
        ],
        |_, op| {
            find_receipt(op).is_some_and(|(receipt, amount)| {
                amount.is_some_and(|amount| receipt.total() != Some(amount))
            })
        },
    ),
    quirk(
        "receipt_supplier_invalid",
        Invalid,
        RECEIPT,
        [
            "A supplier needs a name, a phone of at most 19 characters and an INN of 10 or 12 \
             digits.",
            "Write the phone as +79991234567 and the INN in digits only.",
        ],
        |_, op| {
            suppliers(op, |supplier| {
                let is_code = matches!(supplier.tax_code.len(), 10 | 12)
                    && supplier.tax_code.bytes().all(|b| b.is_ascii_digit());
                let is_name = (1..=239).contains(&supplier.name.trim().chars().count());
                !is_code || !is_name || !is_phone(&supplier.phone)
            })
        },
    ),
];

const RECEIPT: Option<&str> = Some("receipt");

/// The receipt of an operation, and the sum that it must have where one is known.
fn find_receipt(op: &BankOp) -> Option<(&Receipt, Option<Money>)> {
    if let BankOp::CreateLink(link) = op {
        return link.receipt.as_ref().map(|receipt| (receipt, Some(link.amount)));
    }
    if let BankOp::Capture { receipt, amount, .. } | BankOp::Refund { receipt, amount, .. } = op {
        return receipt.as_ref().map(|receipt| (receipt, Some(*amount)));
    }
    if let BankOp::Terminal(TerminalOp::ClosingReceipt { receipt, .. }) = op {
        return Some((receipt, None));
    }
    None
}

fn receipt(op: &BankOp, is_broken: impl Fn(&Receipt) -> bool) -> bool {
    find_receipt(op).is_some_and(|(receipt, _)| is_broken(receipt))
}

fn lines(op: &BankOp, is_broken: impl Fn(&Line) -> bool) -> bool {
    receipt(op, |receipt| receipt.lines.iter().any(&is_broken))
}

fn suppliers(op: &BankOp, is_broken: impl Fn(&Supplier) -> bool) -> bool {
    receipt(op, |receipt| {
        let of_lines = receipt.lines.iter().filter_map(|line| line.supplier.as_ref());
        of_lines.chain(&receipt.supplier).any(&is_broken)
    })
}

/// The shape only; whether it exists is known to the mail server alone.
fn is_email(email: &str) -> bool {
    let has_both = email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    });
    has_both
        && email.matches('@').count() == 1
        && !email.chars().any(char::is_whitespace)
        && email.chars().count() <= 64
}

/// `+` and digits, 19 characters at most.
fn is_phone(phone: &str) -> bool {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    (7..=19).contains(&phone.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}
