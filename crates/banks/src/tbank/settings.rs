//! What a connection to T-Bank consists of, and the addresses that follow from it.

use crate::{
    bank::{Credentials, Setting},
    receipt::{Ffd, Taxation},
};

/// The names of the settings, as [`SETTINGS`] describes them.
pub const BASE_URL: &str = "base_url";
pub const TERMINAL_KEY: &str = "terminal_key";
pub const PASSWORD: &str = "password";
/// The environment variable of [`PASSWORD`].
pub const PASSWORD_ENV: &str = "TBANK_PASSWORD";
pub const FFD_VERSION: &str = "ffd_version";
pub const TAXATION: &str = "taxation";

/// The bank's production API; DEMO terminals live there too.
pub const DEFAULT_BASE_URL: &str = "https://securepay.tinkoff.ru/v2";

/// The bank's test host, for working terminals and addresses that its support let in.
const TEST_HOST: &str = "https://rest-api-test.tinkoff.ru";

/// Every setting by name, in the order in which `kopeck init` asks.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: BASE_URL,
        env: "TBANK_BASE_URL",
        is_secret: false,
        about: "The API's address: https://securepay.tinkoff.ru/v2 (the default, also for DEMO \
                terminals), https://rest-api-test.tinkoff.ru/v2 (a working terminal, test cards, \
                your address let in by the bank), or Kopeck's emulator.",
    },
    Setting {
        name: TERMINAL_KEY,
        env: "TBANK_TERMINAL_KEY",
        is_secret: false,
        about: "The terminal's key, from its page in the bank's cabinet; it ends in DEMO for a \
                test terminal.",
    },
    Setting {
        name: PASSWORD,
        env: PASSWORD_ENV,
        is_secret: true,
        about: "The terminal's password, shown beside the key: it signs requests and notices.",
    },
    Setting {
        name: FFD_VERSION,
        env: "TBANK_FFD_VERSION",
        is_secret: false,
        about: "The format of receipts, 1.05 (the default) or 1.2: the one that the terminal and \
                the cash register have.",
    },
    Setting {
        name: TAXATION,
        env: "TBANK_TAXATION",
        is_secret: false,
        about: "The tax system of receipts that name none: osn, usn_income, usn_income_outcome, \
                esn or patent.",
    },
];

/// The API's address without a slash at its end.
pub fn base(credentials: &Credentials) -> &str {
    credentials.find(BASE_URL).unwrap_or(DEFAULT_BASE_URL).trim().trim_end_matches('/')
}

/// What `/cashbox/…` hangs on: the address above the API's version.
pub fn root(credentials: &Credentials) -> &str {
    let base = base(credentials);
    base.strip_suffix("/v2").unwrap_or(base)
}

/// Whether this is the bank's test host, which has no SBP.
pub fn is_test_host(credentials: &Credentials) -> bool {
    root(credentials) == TEST_HOST
}

/// Whether requests go to the bank itself and not to an emulator.
pub fn is_bank(credentials: &Credentials) -> bool {
    let host = root(credentials).strip_prefix("https://").unwrap_or("");
    host.ends_with(".tinkoff.ru") || host.ends_with(".tbank.ru")
}

/// Whether this is a test terminal, which moves no money.
pub fn is_demo(credentials: &Credentials) -> bool {
    terminal_key(credentials).ends_with("DEMO")
}

/// Keys and passwords are pasted by people.
pub fn terminal_key(credentials: &Credentials) -> &str {
    credentials.get(TERMINAL_KEY).trim()
}

pub fn password(credentials: &Credentials) -> &str {
    credentials.get(PASSWORD).trim()
}

/// The tax system of receipts that name none.
pub fn taxation(credentials: &Credentials) -> Option<Taxation> {
    credentials.find(TAXATION).map(str::trim).and_then(Taxation::parse)
}

/// The cash register's format of receipts; the bank's own default is the older one.
pub fn ffd(credentials: &Credentials) -> Ffd {
    let version = credentials.find(FFD_VERSION).map(str::trim);
    version.and_then(Ffd::parse).unwrap_or(Ffd::V105)
}
