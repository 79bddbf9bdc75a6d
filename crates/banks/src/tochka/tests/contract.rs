//! Tochka against its emulator, by the scenarios that every bank passes.

use std::sync::LazyLock;

use aws_lc_rs::{encoding::AsDer, rsa};
use jiff::SignedDuration;

use crate::{
    Credentials,
    bank::Bank as _,
    contract::{self, Keys, OAuth, Sbp, Setup},
    emulator::Emulator,
    http::{HttpRequest, Method},
    tochka::{
        Tochka,
        emulator::{TochkaEmulator, directory},
        settings,
    },
};

const ORIGIN: &str = "http://127.0.0.1:9900";
const REDIRECT_URI: &str = "https://pay.example.ru/connect/tochka";

/// Two keys, made once: the bank's, and the one that it changes to.
static KEYS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    [(), ()].map(|()| {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        pair.as_der().unwrap().as_ref().to_vec()
    })
});

fn emulator(key: usize) -> TochkaEmulator {
    TochkaEmulator::new(ORIGIN, &KEYS[key], 7).unwrap()
}

fn credentials() -> Credentials {
    let values = emulator(0).test_credentials().into_iter().filter_map(|(env, value)| {
        let setting = Tochka.settings().iter().find(|setting| setting.env == env)?;
        Some((setting.name.to_owned(), value))
    });
    Credentials::new(values)
}

fn allow(credentials: &Credentials, consent_id: &str, state: &str) -> HttpRequest {
    let url = format!("{}/connect/authorize", settings::root(credentials));
    HttpRequest::new(Method::Post, url).form(&[
        ("client_id", directory::CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "acquiring"),
        ("state", state),
        ("consent_id", consent_id),
        ("decision", "allow"),
    ])
}

#[test]
fn tochka_keeps_the_contract() {
    let setup = Setup {
        bank: &Tochka,
        emulator: || -> Box<dyn Emulator> { Box::new(emulator(0)) },
        rekeyed: Some(|| Box::new(emulator(1))),
        credentials,
        keys: Keys {
            secret: settings::ACCESS_TOKEN,
            malformed: "eyJhbGciOiJSUzI1NiJ9.cut",
            wrong: &[],
            spoiled: settings::ACCESS_TOKEN,
            states: &["expired", "revoked"],
        },
        methods: Tochka.capabilities().methods,
        approving_card: "2200000000000004",
        declining_cards: &[
            "2200000000000012",
            "2200000000000020",
            "2200000000000038",
            "2200000000000046",
        ],
        last_attempt: None,
        charges_cards: true,
        unique_references: true,
        // As long as the links of the scenarios live.
        hold_life: SignedDuration::from_hours(3 * 24),
        tells_releases: false,
        sbp: Some(Sbp {
            shows_codes: false,
            plays_payer: false,
            refund_runs: SignedDuration::ZERO,
            refund_pause: SignedDuration::ZERO,
        }),
        wallets: &[],
        notice_url: "http://127.0.0.1:8000/notices/tochka",
        foreign_kind: Some("incomingPayment"),
        registry_merchant: Some(directory::MERCHANT_ID),
        has_directory: true,
        page_size: 200,
        oauth: Some(OAuth {
            scope: "acquiring",
            permissions: &["ReadAcquiringData", "MakeAcquiringOperation"],
            redirect_uri: REDIRECT_URI,
            allow,
        }),
        unknown_id: "00000000-0000-4000-8000-000000000000",
        least_amount: "0.01",
        tells_in_pairs: false,
        // The last letter of base64 has bits that mean nothing.
        signed_bytes: |body| (0..body.len() - 1).collect(),
    };
    let left_out = contract::run(&setup);
    let expect = [
        "a wallet's link opens a payment",
        "the last decline closes the link",
        "a reference names every payment of it",
        "a part of a hold is captured",
        "a hold is released",
        "an unpaid link is closed",
        "a link paid by SBP: a refund runs alone and may fail",
        "a link's SBP code: its text and picture, paid",
        "a link's SBP code: the bank's test payer",
        "subscriptions that are not there are refused",
        "each payment names the address of its notices",
        "a list is not asked for",
        "SBP: codes that are not there are refused",
    ];
    assert_eq!(left_out, expect);
}
