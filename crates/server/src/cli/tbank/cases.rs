//! The bank's mandatory test cases as data: what is sent, what the payer does, what must happen.
//! Holds no calls and no decisions.
//!
//! The bank publishes the groups and a part of the conditions; each case's card is shown in its
//! cabinet alone. Nothing is published about a case 4.

use kopeck_banks::tbank::emulator::{CardFate, TEST_CARDS};

#[derive(Debug)]
pub struct Case {
    pub number: u8,
    pub group: Group,
    pub title: &'static str,
    /// What Kopeck sends to the bank.
    pub sends: &'static str,
    pub goal: Goal,
    /// The payment carries a receipt.
    pub has_receipt: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    General,
    AutoPayments,
    Receipts,
}

impl Group {
    pub const fn title(self) -> &'static str {
        match self {
            Group::General => "General",
            Group::AutoPayments => "Auto-payments",
            Group::Receipts => "Receipts",
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Group::General => "general",
            Group::AutoPayments => "auto_payments",
            Group::Receipts => "receipts",
        }
    }
}

/// How a case must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    Paid,
    Declined,
    Refunded,
    /// Paid, and the bank keeps the card for later charges.
    CardSaved,
    /// Paid by the kept card, without the payer.
    Charged,
}

impl Goal {
    pub const fn expects(self) -> &'static str {
        match self {
            Goal::Paid => "CONFIRMED",
            Goal::Declined => "REJECTED, and the bank's notice of it is answered with OK",
            Goal::Refunded => "CONFIRMED, then REFUNDED",
            Goal::CardSaved => "CONFIRMED, and a RebillId for the card",
            Goal::Charged => "CONFIRMED without the payer",
        }
    }

    /// Whether somebody has to type a card.
    pub const fn needs_payer(self) -> bool {
        match self {
            Goal::Paid | Goal::Declined | Goal::Refunded | Goal::CardSaved => true,
            Goal::Charged => false,
        }
    }
}

pub static CASES: &[Case] = &[
    Case {
        number: 1,
        group: Group::General,
        title: "A payment succeeds",
        sends: "Init without Recurrent",
        goal: Goal::Paid,
        has_receipt: false,
    },
    Case {
        number: 2,
        group: Group::General,
        title: "A payment is declined",
        sends: "Init",
        goal: Goal::Declined,
        has_receipt: false,
    },
    Case {
        number: 3,
        group: Group::General,
        title: "A payment is refunded",
        sends: "Init, then Cancel with its PaymentId",
        goal: Goal::Refunded,
        has_receipt: false,
    },
    Case {
        number: 5,
        group: Group::AutoPayments,
        title: "A payment keeps the card",
        sends: "Init with Recurrent=Y and CustomerKey, then GetCardList",
        goal: Goal::CardSaved,
        has_receipt: false,
    },
    Case {
        number: 6,
        group: Group::AutoPayments,
        title: "The kept card is charged",
        sends: "Init, then Charge with the RebillId of case 5",
        goal: Goal::Charged,
        has_receipt: false,
    },
    Case {
        number: 7,
        group: Group::Receipts,
        title: "A payment with a receipt",
        sends: "Init with Receipt",
        goal: Goal::Paid,
        has_receipt: true,
    },
    Case {
        number: 8,
        group: Group::Receipts,
        title: "A payment with a receipt is refunded",
        sends: "Init with Receipt, then Cancel of the whole sum, for which the bank makes the \
                refund's receipt",
        goal: Goal::Refunded,
        has_receipt: true,
    },
];

pub fn parse_case(text: &str) -> Result<u8, String> {
    let number = text.trim().parse::<u8>().ok();
    if number == Some(4) {
        return Err("the bank publishes nothing about a case 4: do what its cabinet says, with \
                    `kopeck link create --bank tbank`"
            .to_owned());
    }
    let known = number.filter(|number| CASES.iter().any(|case| case.number == *number));
    let all: Vec<String> = CASES.iter().map(|case| case.number.to_string()).collect();
    known.ok_or_else(|| format!("the cases are {}", all.join(", ")))
}

/// The card of DEMO terminals that merchants' documents agree about.
const PUBLISHED: &str = "4300000000000777";

/// What the payer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    pub number: &'static str,
    pub expiry: &'static str,
    pub cvc: &'static str,
}

impl Card {
    /// `4300 0000 0000 0777`.
    pub fn spaced(self) -> String {
        let groups = [0, 4, 8, 12].map(|at| self.number.get(at..at + 4).unwrap_or(""));
        groups.join(" ")
    }
}

/// The case's card as far as anybody but the cabinet tells it; the emulator's are known.
pub fn find_card(case: &Case, is_emulator: bool) -> Option<Card> {
    let number = match case.goal {
        Goal::Charged => None,
        Goal::Declined if is_emulator => {
            TEST_CARDS.iter().find(|card| card.fate == CardFate::Decline).map(|card| card.number)
        }
        Goal::Paid | Goal::Refunded | Goal::CardSaved | Goal::Declined => {
            (is_emulator || case.number == 1).then_some(PUBLISHED)
        }
    };
    number.map(|number| Card { number, expiry: "12/30", cvc: "123" })
}
