//! Which banks the sandbox plays: a static list. A second bank adds one line to [`BANKS`].

use anyhow::Context as _;
use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use kopeck_banks::{
    emulator::Emulator,
    tbank::emulator as tbank,
    tochka::emulator::{TEST_CARDS, TochkaEmulator},
};

/// What an emulator is made from.
pub struct Making<'a> {
    /// `http://127.0.0.1:9900`, no trailing slash: what links to the pay page begin with.
    pub origin: &'a str,
    /// The RSA key that notices are signed with, PKCS #8.
    pub signing_key: &'a [u8],
    pub seed: u64,
}

/// An emulator in the sandbox's hands.
pub struct Hosted {
    pub emulator: Box<dyn Emulator>,
    /// Requests whose path begins with one of these are the bank's.
    pub paths: &'static [&'static str],
    /// Test credentials by the names of their environment variables.
    pub env: Vec<(&'static str, String)>,
}

/// One bank of the list.
pub struct BankEntry {
    pub name: &'static str,
    pub make: fn(&Making<'_>) -> Result<Hosted, String>,
    pub cards: fn() -> Vec<CardRow>,
}

pub static BANKS: &[BankEntry] = &[
    BankEntry { name: "tochka", make: make_tochka, cards: tochka_cards },
    BankEntry { name: "tbank", make: make_tbank, cards: tbank_cards },
];

fn make_tochka(making: &Making<'_>) -> Result<Hosted, String> {
    let emulator = TochkaEmulator::new(making.origin, making.signing_key, making.seed)?;
    let env = emulator.test_credentials();
    Ok(Hosted {
        emulator: Box::new(emulator),
        paths: &["/uapi", "/sandbox/v2", "/connect", "/doc", "/order", "/proxyapp"],
        env,
    })
}

fn tochka_cards() -> Vec<CardRow> {
    let row = |card: &kopeck_banks::tochka::emulator::TestCard| CardRow {
        bank: "tochka",
        number: card.number,
        result: card.fate.as_str(),
        about: card.en,
        about_ru: card.ru,
    };
    TEST_CARDS.iter().map(row).collect()
}

fn make_tbank(making: &Making<'_>) -> Result<Hosted, String> {
    let emulator = tbank::TbankEmulator::new(making.origin, making.seed)?;
    let env = emulator.test_credentials();
    Ok(Hosted { emulator: Box::new(emulator), paths: &["/v2", "/cashbox", "/new"], env })
}

fn tbank_cards() -> Vec<CardRow> {
    let row = |card: &tbank::TestCard| CardRow {
        bank: "tbank",
        number: card.number,
        result: card.fate.as_str(),
        about: card.en,
        about_ru: card.ru,
    };
    tbank::TEST_CARDS.iter().map(row).collect()
}

/// A test card for the pay page.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CardRow {
    pub bank: &'static str,
    pub number: &'static str,
    /// The reason word that the payment ends with.
    pub result: &'static str,
    pub about: &'static str,
    pub about_ru: &'static str,
}

/// The test cards of every bank.
pub fn test_cards() -> Vec<CardRow> {
    BANKS.iter().flat_map(|bank| (bank.cards)()).collect()
}

/// How long the signing key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyBits {
    /// Quick to make: for tests.
    Rsa2048,
    /// As the bank's own.
    Rsa3072,
}

/// A fresh signing key, PKCS #8.
pub fn make_key(bits: KeyBits) -> anyhow::Result<Vec<u8>> {
    let size = match bits {
        KeyBits::Rsa2048 => KeySize::Rsa2048,
        KeyBits::Rsa3072 => KeySize::Rsa3072,
    };
    let key = KeyPair::generate(size).ok().context("cannot make an RSA key")?;
    let der: Pkcs8V1Der<'static> = key.as_der().ok().context("cannot write the RSA key")?;
    Ok(der.as_ref().to_vec())
}
