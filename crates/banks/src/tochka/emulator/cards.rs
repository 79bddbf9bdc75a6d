//! The test cards of the hosted page. Valid by Luhn, issued by nobody: the range 2200 00 is unused.

/// What becomes of a payment with a test card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardFate {
    Approve,
    Decline,
    InsufficientFunds,
    Expired,
    ThreeDsFailed,
}

impl CardFate {
    /// The word for the reason, in the page's address and in the controls.
    pub const fn as_str(self) -> &'static str {
        match self {
            CardFate::Approve => "paid",
            CardFate::Decline => "declined",
            CardFate::InsufficientFunds => "insufficient_funds",
            CardFate::Expired => "card_expired",
            CardFate::ThreeDsFailed => "3ds_failed",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestCard {
    /// Sixteen digits without spaces.
    pub number: &'static str,
    pub fate: CardFate,
    pub en: &'static str,
    pub ru: &'static str,
}

pub static TEST_CARDS: [TestCard; 5] = [
    TestCard {
        number: "2200000000000004",
        fate: CardFate::Approve,
        en: "The payment succeeds.",
        ru: "Оплата проходит",
    },
    TestCard {
        number: "2200000000000012",
        fate: CardFate::Decline,
        en: "The card's bank declines without a reason.",
        ru: "Банк отклоняет платёж",
    },
    TestCard {
        number: "2200000000000020",
        fate: CardFate::InsufficientFunds,
        en: "There is not enough money on the card.",
        ru: "Недостаточно средств",
    },
    TestCard {
        number: "2200000000000038",
        fate: CardFate::Expired,
        en: "The card has expired.",
        ru: "Срок действия карты истёк",
    },
    TestCard {
        number: "2200000000000046",
        fate: CardFate::ThreeDsFailed,
        en: "The payer does not pass 3-D Secure.",
        ru: "Ошибка подтверждения 3-D Secure",
    },
];

/// Spaces and dashes in the number do not matter.
pub fn find_test_card(number: &str) -> Option<&'static TestCard> {
    let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
    TEST_CARDS.iter().find(|card| card.number == digits)
}
