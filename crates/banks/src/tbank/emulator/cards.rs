//! The test cards of the bank's document, for its hosted page.

/// What becomes of a payment with a test card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardFate {
    Approve,
    /// The payer is asked for [`ACS_PASSWORD`]; terminals that end with `DEMO` do not ask.
    Challenge,
    Decline,
    InsufficientFunds,
    ThreeDsFailed,
}

impl CardFate {
    pub const fn as_str(self) -> &'static str {
        match self {
            CardFate::Approve => "paid",
            CardFate::Challenge => "challenge",
            CardFate::Decline => "declined",
            CardFate::InsufficientFunds => "insufficient_funds",
            CardFate::ThreeDsFailed => "3ds_failed",
        }
    }
}

/// What opens the challenge of the bank's test access control server.
pub const ACS_PASSWORD: &str = "1qwezxc";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestCard {
    /// Sixteen digits without spaces.
    pub number: &'static str,
    pub fate: CardFate,
    pub en: &'static str,
    pub ru: &'static str,
}

const fn card(
    number: &'static str,
    fate: CardFate,
    en: &'static str,
    ru: &'static str,
) -> TestCard {
    TestCard { number, fate, en, ru }
}

/// The bank prints the fifth one both as a charge error and as "not authenticated".
pub static TEST_CARDS: [TestCard; 11] = [
    card(
        "2201382000000013",
        CardFate::Approve,
        "Succeeds, 3-D Secure without a question.",
        "Оплата проходит, 3-D Secure без вопроса",
    ),
    card(
        "2201382000000047",
        CardFate::Challenge,
        "3-D Secure asks for the password 1qwezxc.",
        "3-D Secure спрашивает пароль 1qwezxc",
    ),
    card(
        "2200770239097761",
        CardFate::Approve,
        "Succeeds without 3-D Secure.",
        "Оплата проходит без 3-D Secure",
    ),
    card(
        "2201382000000039",
        CardFate::Approve,
        "Succeeds, 3-D Secure was attempted.",
        "Оплата проходит, попытка 3-D Secure",
    ),
    card(
        "2201382000000021",
        CardFate::Decline,
        "The card's bank declines.",
        "Банк отклоняет платёж",
    ),
    card(
        "2201382000000591",
        CardFate::Approve,
        "Succeeds, 3-D Secure's answer is a mock's.",
        "Оплата проходит, ответ 3-D Secure от заглушки",
    ),
    card(
        "2201382000000831",
        CardFate::InsufficientFunds,
        "There is not enough money on the card.",
        "Недостаточно средств",
    ),
    card(
        "2201382000000005",
        CardFate::ThreeDsFailed,
        "The card's bank refuses in 3-D Secure.",
        "Банк отказывает в 3-D Secure",
    ),
    card(
        "4249170392197566",
        CardFate::InsufficientFunds,
        "No 3-D Secure, not enough money.",
        "Недостаточно средств, без 3-D Secure",
    ),
    card(
        "5586200071492075",
        CardFate::Decline,
        "No 3-D Secure, the card's bank declines.",
        "Банк отклоняет платёж, без 3-D Secure",
    ),
    card(
        "4300000000000777",
        CardFate::Approve,
        "Succeeds; the classic card of DEMO terminals.",
        "Оплата проходит, карта для DEMO-терминалов",
    ),
];

/// Spaces and dashes in the number do not matter.
pub fn find_test_card(number: &str) -> Option<&'static TestCard> {
    let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
    TEST_CARDS.iter().find(|card| card.number == digits)
}

/// `430000******0777`: as the bank shows a card.
pub(super) fn mask(number: &str) -> String {
    let (head, tail) = (number.get(..6), number.get(12..));
    format!("{}******{}", head.unwrap_or(""), tail.unwrap_or(""))
}
