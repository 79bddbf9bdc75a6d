//! Rules about sums, after those about what they consist of: a wrong line explains a wrong sum.

use super::{Check, Context, Rule, Severity::Wrong, bare, rule};
use crate::receipt::model::Receipt;

pub(super) static RULES: &[Rule] = &[
    rule(
        "receipt_total_mismatch",
        Wrong,
        "54-ФЗ, тег 1020; Т-Банк: код 334",
        [
            "Строки чека не складываются в сумму платежа.",
            "Сделайте сумму price × quantity равной платежу до копейки; скидку разнесите по ценам.",
        ],
        [
            "The lines of the receipt do not add up to the amount.",
            "Make the sum of price × quantity equal to the amount, to the kopeck.",
        ],
        Check::Whole(total_mismatch),
    ),
    rule(
        "receipt_settlement_mismatch",
        Wrong,
        "теги 1031, 1081, 1215–1217; Т-Банк: код 308",
        [
            "Виды оплаты не складываются в сумму строк.",
            "Сделайте сумму видов оплаты равной сумме строк, а electronic — сумме платежа.",
        ],
        [
            "The ways of paying do not add up to the sum of the lines.",
            "Make their sum equal to the lines' and `electronic` equal to the payment.",
        ],
        Check::Whole(|_, receipt| {
            let paid = receipt.settlement?.total();
            let lines = receipt.total();
            bare(paid.is_none() || paid != lines)
        }),
    ),
];

fn total_mismatch(context: &Context<'_>, receipt: &Receipt) -> Option<String> {
    let amount = context.amount?;
    // What is paid otherwise is no part of this payment.
    let paid = match receipt.settlement {
        Some(settlement) => Some(settlement.electronic),
        None => receipt.total(),
    };
    match paid {
        Some(paid) if paid == amount => None,
        Some(paid) => Some(format!("{paid} ≠ {amount}")),
        None => Some(format!("> {amount}")),
    }
}
