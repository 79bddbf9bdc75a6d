//! Why payers' banks decline, as codes: one for each of the banks' crate's reasons.

use super::{Code, code};

/// `declined_` and the reason's word.
pub static DECLINES: &[Code] = &[
    code(
        "declined_insufficient_funds",
        409,
        "There is not enough money.",
        "Try on another day, or ask the payer to pay another way.",
    ),
    code(
        "declined_card_expired",
        409,
        "The card has expired.",
        "Ask the payer for another card at once.",
    ),
    code(
        "declined_card_details",
        409,
        "The card's number, date or code is wrong.",
        "Let the payer type them again.",
    ),
    code(
        "declined_card_blocked",
        409,
        "The card or account is lost, blocked or closed.",
        "Ask the payer for another one.",
    ),
    code(
        "declined_limit_exceeded",
        409,
        "A limit of the card or account is exceeded.",
        "Try later, or ask the payer to raise the limit.",
    ),
    code(
        "declined_three_ds_failed",
        409,
        "The payer did not confirm with his bank.",
        "Let the payer pay once more.",
    ),
    code(
        "declined_suspicion",
        409,
        "The bank suspects fraud.",
        "Do not repeat it; the payer may ask his bank.",
    ),
    code(
        "declined_issuer_declined",
        409,
        "The payer's bank gives no other reason.",
        "Try on another day, or ask for another way to pay.",
    ),
    code(
        "declined_foreign_card",
        409,
        "The card is foreign and not taken.",
        "Ask the payer for another card.",
    ),
    code(
        "declined_not_permitted",
        409,
        "The card or account is not meant for such payments.",
        "Ask the payer for another one.",
    ),
    code(
        "declined_saved_gone",
        409,
        "What was saved is no longer good.",
        "Ask the payer to save it anew.",
    ),
    code("declined_technical", 409, "Somebody's machinery failed.", "Try later."),
    code(
        "declined_shop",
        409,
        "The shop's own set-up is in the way.",
        "Look into the bank's cabinet, or ask its support.",
    ),
    code(
        "declined_unknown",
        409,
        "The bank names a reason that is in none of its tables.",
        "Look at the payment in the bank's cabinet.",
    ),
];

#[cfg(test)]
mod tests {
    use kopeck_banks::op::DeclineReason;

    use super::DECLINES;

    #[test]
    fn every_reason_has_its_code() {
        let words = DeclineReason::ALL.map(|reason| format!("declined_{}", reason.as_str()));
        assert!(DECLINES.iter().map(|row| row.code).eq(words));
    }
}
