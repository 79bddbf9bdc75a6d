//! T-Bank against its emulator, by the scenarios that every bank passes: at a terminal for tests,
//! at a working one, and at one that has nothing switched on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::value::RawValue;

use crate::{
    Credentials,
    bank::Bank as _,
    contract::{self, Keys, Sbp, Setup},
    emulator::Emulator,
    op::{PayMethod, Wallet},
    tbank::{
        Tbank,
        emulator::{TbankEmulator, directory},
        settings,
    },
};

fn emulator() -> TbankEmulator {
    TbankEmulator::new("http://127.0.0.1:9900", 7).unwrap()
}

fn credentials() -> Credentials {
    let values = emulator().test_credentials().into_iter().filter_map(|(env, value)| {
        let setting = Tbank.settings().iter().find(|setting| setting.env == env)?;
        Some((setting.name.to_owned(), value))
    });
    Credentials::new(values)
}

fn credentials_of(terminal_key: &str) -> Credentials {
    let terminal = directory::find_terminal(terminal_key).unwrap();
    let mut credentials = credentials();
    credentials.set(settings::TERMINAL_KEY, terminal.key);
    credentials.set(settings::PASSWORD, terminal.password);
    credentials
}

/// The values of a notice's scalars: neither their names nor what is nested.
fn signed_bytes(body: &[u8]) -> BTreeSet<usize> {
    let fields: BTreeMap<&str, &RawValue> = serde_json::from_slice(body).unwrap();
    let values = fields.values().map(|raw| raw.get()).filter(|raw| !raw.starts_with(['{', '[']));
    // Each value is a piece of the body itself.
    let place = |raw: &str| raw.as_ptr().addr() - body.as_ptr().addr();
    values.flat_map(|raw| place(raw)..place(raw) + raw.len()).collect()
}

/// What T-Bank has not at all, so that no scenario of it can be played.
static NOT_THERE: &[(&str, &str)] = &[
    ("a partial capture is not sent", "it has partial captures"),
    ("a void is not sent", "it has voids"),
    ("a notice of another kind is genuine", "no other kind can be asked for"),
    ("a new key of the bank is fetched and believed", "the terminal's password signs"),
    ("the notice address: set, seen, tested, removed", "it comes with each payment"),
    ("an address that does not answer is not taken", "it comes with each payment"),
    ("OAuth from the first token to the payment", "a password opens it"),
    ("a refresh token works once", "a password opens it"),
    ("an access token ends and is renewed", "a password opens it"),
    ("the list's pages hold every payment once", "it has no list"),
    ("the register adds up", "it has no register"),
    ("a subscription that nobody paid", "it keeps none"),
    ("a subscription charged by the bank", "it keeps none"),
    ("subscriptions are listed by kind", "it keeps none"),
    ("a subscription's limits are said", "it keeps none"),
    ("customers, accounts and retailers are read", "a terminal knows only itself"),
];

/// How the scenarios of SBP codes that live by themselves begin: T-Bank's belong to payments.
const OWN_CODES: &str = "SBP: ";

/// The scenarios that are left out besides are the terminal's own.
#[track_caller]
fn check(setup: &Setup, own: &[&str]) {
    let mut left_out = contract::run(setup);
    assert!(Tbank.capabilities().sbp_codes.is_empty());
    left_out.retain(|name| !name.starts_with(OWN_CODES));
    let mut expect: Vec<&str> = NOT_THERE.iter().map(|(name, _)| *name).collect();
    expect.extend(own);
    left_out.sort_unstable();
    expect.sort_unstable();
    assert_eq!(left_out, expect);
}

fn demo() -> Setup {
    Setup {
        bank: &Tbank,
        emulator: || -> Box<dyn Emulator> { Box::new(emulator()) },
        rekeyed: None,
        credentials,
        keys: Keys {
            secret: settings::PASSWORD,
            malformed: "longer than twenty characters",
            wrong: &[
                (settings::PASSWORD, "another-password"),
                (settings::TERMINAL_KEY, "1763720009999DEMO"),
            ],
            spoiled: settings::TERMINAL_KEY,
            states: &["blocked"],
        },
        methods: &PayMethod::ALL,
        approving_card: "2201382000000013",
        declining_cards: &["2201382000000021", "2201382000000831", "2201382000000005"],
        last_attempt: Some(1),
        charges_cards: true,
        unique_references: false,
        hold_life: SignedDuration::from_hours(7 * 24),
        tells_releases: true,
        sbp: Some(Sbp {
            shows_codes: true,
            plays_payer: true,
            refund_runs: SignedDuration::from_secs(1),
            refund_pause: SignedDuration::from_hours(1),
        }),
        wallets: &[(Wallet::TPay, true), (Wallet::SberPay, true), (Wallet::MirPay, false)],
        notice_url: "http://127.0.0.1:8000/notices/tbank",
        foreign_kind: None,
        registry_merchant: None,
        has_directory: false,
        page_size: 1,
        oauth: None,
        unknown_id: "1",
        least_amount: "1",
        tells_in_pairs: true,
        signed_bytes,
    }
}

#[test]
fn tbank_keeps_the_contract_at_a_test_terminal() {
    let own = [
        // The first declined attempt is the last.
        "a decline leaves the link open",
        "decline, then pay",
        "the same reference is a duplicate",
    ];
    check(&demo(), &own);
}

#[test]
fn tbank_keeps_the_contract_at_a_working_terminal() {
    let setup = Setup {
        credentials: || credentials_of(directory::WORKING_KEY),
        last_attempt: Some(3),
        sbp: demo().sbp.map(|sbp| Sbp { plays_payer: false, ..sbp }),
        ..demo()
    };
    let own = [
        "the same reference is a duplicate",
        // Real payers pay there.
        "a link's SBP code: the bank's test payer",
    ];
    check(&setup, &own);
}

#[test]
fn tbank_keeps_the_contract_at_a_terminal_without_sbp_and_with_unique_orders() {
    let setup = Setup {
        credentials: || credentials_of(directory::STRICT_KEY),
        methods: &[PayMethod::Card, PayMethod::TPay, PayMethod::Dolyame],
        charges_cards: false,
        unique_references: true,
        sbp: None,
        ..demo()
    };
    let own = [
        "a decline leaves the link open",
        "decline, then pay",
        "a reference names every payment of it",
        // Charges are switched on by the bank, for terminals that ask.
        "a kept card: kept by a payment, charged",
        "a kept card: a charge is announced",
        "a kept card: a charge is declined",
        "a kept card: a charge's lost answer is settled by asking",
        "a kept card: a charge that hangs took nothing",
        "a kept card: two charges at once are two",
        "a kept card: the same charge sent twice",
        "a kept card: one that is not there is not charged",
        "a link paid by SBP: refund by parts",
        "a link paid by SBP: a refund runs alone and may fail",
        "a link's SBP code: its text and picture, paid",
        "a link's SBP code: the bank's test payer",
    ];
    check(&setup, &own);
}
