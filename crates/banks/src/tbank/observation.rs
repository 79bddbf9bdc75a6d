//! What the bank tells of one payment, as an [`Observation`]: facts only. Whatever cannot be read
//! is left out and never becomes a zero.
//!
//! The bank tells one sum, and its meaning follows from the state: the payment's own until it is
//! confirmed, what was received then, what is left after refunds. It lists no refunds.

use crate::{
    money::Money,
    op::{BankStatus, Decline, DeclineReason, Observation, SavedCard, Words},
};

use super::{
    codes,
    errors::{self, Cause},
    fields::Fields,
};

/// A reply to `GetState`, `Charge` or `Cancel`, an item of `CheckOrder`, or a payment's notice.
pub fn of(fields: &Fields) -> Observation {
    let word = fields.text("Status").unwrap_or_default();
    let status = codes::parse_status(&word);
    let sum = fields.kopecks("Amount");
    let sums = Sums::of(&word, status, sum, fields.kopecks("NewAmount"));
    let is_declined = status == Some(BankStatus::Declined) || word == "AUTH_FAIL";
    Observation {
        bank_id: fields.text("PaymentId"),
        reference: fields.text("OrderId"),
        status,
        amount: sums.own,
        authorized: sums.authorized,
        paid: sums.paid,
        left: sums.left,
        // It lists none, but in these states there are none to list.
        lists_refunds: status.is_some_and(implies_no_refund),
        method: find_source(fields).map(|source| codes::method_text(&source)),
        payer_id: fields.text("CustomerKey"),
        saved_card: saved_card(fields),
        decline: fields
            .text("ErrorCode")
            .filter(|_| is_declined)
            .and_then(|code| decline(&code))
            .map(Box::new),
        ..Observation::default()
    }
}

#[derive(Default)]
struct Sums {
    own: Option<Money>,
    authorized: Option<Money>,
    paid: Option<Money>,
    left: Option<Money>,
}

impl Sums {
    /// `left_now` is what `Cancel` tells besides.
    fn of(
        word: &str,
        status: Option<BankStatus>,
        sum: Option<Money>,
        left_now: Option<Money>,
    ) -> Sums {
        let Some(status) = status else { return Sums::default() };
        match status {
            BankStatus::Created
            | BankStatus::Expired
            | BankStatus::Canceled
            | BankStatus::Declined => Sums { own: sum, ..Sums::default() },
            BankStatus::InProgress => {
                let is_held = matches!(word, "CONFIRMING" | "CONFIRM_CHECKING");
                Sums { own: sum, authorized: sum.filter(|_| is_held), ..Sums::default() }
            }
            BankStatus::Authorized if word == "PARTIAL_REVERSED" => {
                Sums { left: left_now.or(sum), ..Sums::default() }
            }
            BankStatus::Authorized => {
                Sums { own: sum, authorized: sum, left: sum, ..Sums::default() }
            }
            BankStatus::Paid => Sums { own: sum, paid: sum, left: sum, ..Sums::default() },
            // It may still fail.
            BankStatus::Refunding => Sums::default(),
            BankStatus::PartiallyRefunded => Sums { left: left_now.or(sum), ..Sums::default() },
            BankStatus::Refunded => Sums { left: Some(Money::ZERO), ..Sums::default() },
        }
    }
}

const fn implies_no_refund(status: BankStatus) -> bool {
    match status {
        BankStatus::Created
        | BankStatus::InProgress
        | BankStatus::Authorized
        | BankStatus::Paid
        | BankStatus::Expired
        | BankStatus::Canceled
        | BankStatus::Declined => true,
        BankStatus::Refunding | BankStatus::PartiallyRefunded | BankStatus::Refunded => false,
    }
}

/// `Params` of replies is a list of pairs; `Data` of notices (once `DATA`, once a text) an object.
fn find_source(fields: &Fields) -> Option<String> {
    let pairs = fields.list("Params").unwrap_or_default();
    let of_pairs = pairs
        .iter()
        .find(|pair| pair.text("Key").as_deref() == Some("Source"))
        .and_then(|pair| pair.text("Value"));
    of_pairs
        .or_else(|| ["Data", "DATA"].iter().find_map(|name| fields.object(name)?.text("Source")))
}

/// The card that a payment or a binding left with the bank, if it did.
pub fn saved_card(fields: &Fields) -> Option<SavedCard> {
    let (card_id, charge_id) = (fields.text("CardId"), fields.text("RebillId"));
    if card_id.is_none() && charge_id.is_none() {
        return None;
    }
    Some(SavedCard {
        card_id,
        charge_id,
        // T-Pay puts a phone here; and what is not masked is nothing to keep.
        masked: fields.text("Pan").filter(|pan| pan.contains('*')),
        expires: fields.text("ExpDate"),
        is_active: None,
        kind: None,
    })
}

/// The reason behind a code; `None` for `0`.
pub fn decline(code: &str) -> Option<Decline> {
    if code.bytes().all(|b| b == b'0') {
        return None;
    }
    let known = errors::find(code);
    let meaning = known.map_or(Cause::Unclear, |entry| entry.cause).meaning();
    Some(Decline {
        bank_code: code.to_owned(),
        reason: known.map_or(DeclineReason::Unknown, |_| meaning.reason),
        payer: meaning.payer,
        merchant: known.map_or(UNLISTED, |entry| entry.merchant),
    })
}

const UNLISTED: Words = Words {
    ru: "Банк назвал код, которого нет в его таблице ошибок.",
    en: "The bank gave a code that is not in its table of errors.",
};
