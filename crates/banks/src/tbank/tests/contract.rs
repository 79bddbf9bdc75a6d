//! T-Bank against its emulator, by the scenarios that every bank passes.

use crate::{
    Credentials,
    bank::Bank as _,
    contract::{self, Setup},
    emulator::Emulator,
    tbank::{Tbank, emulator::TbankEmulator, settings},
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

static NOT_ITS_WAY: &[(&str, &str)] = &[
    ("pay by each method", "instalments are asked for on the bank's page, which is not played"),
    ("a decline leaves the link open", "a DEMO terminal ends with the first decline"),
    ("decline, then pay", "the same"),
    ("the same reference is a duplicate and is found", "an OrderId may have several payments"),
    ("a hold that runs out takes no money", "a hold stays until it is released"),
    ("refund of an unpaid payment is refused", "Cancel closes it instead"),
    ("a corrupted notice is not believed", "told in pairs, of which one is whole"),
    ("a forged notice is not believed", "names of fields are not signed, only their values"),
    ("a notice comes twice and says the same", "told in pairs"),
    ("a lost notice is made good by asking", "told in pairs, of which one arrives"),
    ("the notice address: set, seen, tested, removed", "it comes with each payment"),
    ("an address that does not answer is not taken", "it comes with each payment"),
    ("wrong, expired and revoked tokens differ", "a password has no such states"),
    ("the list's pages hold every payment once", "it has no list"),
];

#[test]
fn tbank_keeps_the_contract() {
    let setup = Setup {
        bank: &Tbank,
        emulator: || -> Box<dyn Emulator> { Box::new(emulator()) },
        rekeyed: None,
        credentials,
        token_setting: settings::PASSWORD,
        malformed_token: "longer than twenty characters",
        approving_card: "2201382000000013",
        declining_cards: &["2201382000000021"],
        notice_url: "http://127.0.0.1:8000/notices/tbank",
        foreign_kind: None,
        registry_merchant: None,
        has_directory: false,
        page_size: 1,
        oauth: None,
        unknown_id: "1",
        least_amount: "1",
        tells_in_pairs: true,
        not_its_way: NOT_ITS_WAY,
    };
    contract::run(&setup);
}
