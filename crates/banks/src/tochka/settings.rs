//! What a connection to Tochka consists of, and the addresses that follow from it.

use crate::bank::{Credentials, Setting};

use super::token;

/// The names of the settings, as [`SETTINGS`] describes them.
pub const BASE_URL: &str = "base_url";
pub const ACCESS_TOKEN: &str = "access_token";
pub const CLIENT_ID: &str = "client_id";
pub const CLIENT_SECRET: &str = "client_secret";
pub const REFRESH_TOKEN: &str = "refresh_token";
pub const REDIRECT_URI: &str = "redirect_uri";
pub const CUSTOMER_CODE: &str = "customer_code";
pub const MERCHANT_ID: &str = "merchant_id";
pub const ACCOUNT_ID: &str = "account_id";
/// SBP's own ids, which have nothing to do with the acquiring point's.
pub const SBP_COMPANY_ID: &str = "sbp_company_id";
pub const SBP_MERCHANT_ID: &str = "sbp_merchant_id";
pub const SBP_ACCOUNT_ID: &str = "sbp_account_id";

/// The bank's production API.
pub const DEFAULT_BASE_URL: &str = "https://enter.tochka.com/uapi";

/// The API's two mount points at one host; what is above them is the OAuth server and the key page.
const API_MOUNTS: [&str; 2] = ["/uapi", "/sandbox/v2"];

/// Every setting by name, in the order in which `kopeck init` asks.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: BASE_URL,
        env: "TOCHKA_BASE_URL",
        is_secret: false,
        about: "The API's address: https://enter.tochka.com/uapi (the default), the bank's own \
                sandbox https://enter.tochka.com/sandbox/v2, or Kopeck's emulator.",
    },
    Setting {
        name: ACCESS_TOKEN,
        env: "TOCHKA_ACCESS_TOKEN",
        is_secret: true,
        about: "The JWT key from the internet bank («Интеграции и API»), or an OAuth access \
                token.",
    },
    Setting {
        name: CLIENT_ID,
        env: "TOCHKA_CLIENT_ID",
        is_secret: false,
        about: "The client_id shown beside the JWT key, or the OAuth application's; with a JWT \
                key it may be left out, since the key names it.",
    },
    Setting {
        name: CLIENT_SECRET,
        env: "TOCHKA_CLIENT_SECRET",
        is_secret: true,
        about: "The OAuth application's secret; not needed with a JWT key.",
    },
    Setting {
        name: REFRESH_TOKEN,
        env: "TOCHKA_REFRESH_TOKEN",
        is_secret: true,
        about: "The OAuth refresh token, good for 30 days and replaced at each refresh; not \
                needed with a JWT key.",
    },
    Setting {
        name: REDIRECT_URI,
        env: "TOCHKA_REDIRECT_URI",
        is_secret: false,
        about: "Where the bank returns the user after an OAuth consent: https, registered with \
                the application.",
    },
    Setting {
        name: CUSTOMER_CODE,
        env: "TOCHKA_CUSTOMER_CODE",
        is_secret: false,
        about: "The company's 9-character code at the bank: the customer whose type is Business.",
    },
    Setting {
        name: MERCHANT_ID,
        env: "TOCHKA_MERCHANT_ID",
        is_secret: false,
        about: "The acquiring point, 15 digits; needed when the company has several. Not the \
                12-character id of SBP.",
    },
    Setting {
        name: ACCOUNT_ID,
        env: "TOCHKA_ACCOUNT_ID",
        is_secret: false,
        about: "The settlement account as 20-digit number/BIK, such as \
                40817810802000000008/044525104.",
    },
    Setting {
        name: SBP_COMPANY_ID,
        env: "TOCHKA_SBP_COMPANY_ID",
        is_secret: false,
        about: "The company in SBP, 12 characters (LA…); `kopeck sbp setup` finds it.",
    },
    Setting {
        name: SBP_MERCHANT_ID,
        env: "TOCHKA_SBP_MERCHANT_ID",
        is_secret: false,
        about: "The point of sale in SBP that codes are made for, 12 characters (MF…, MA…); \
                `kopeck sbp setup` finds it or registers one.",
    },
    Setting {
        name: SBP_ACCOUNT_ID,
        env: "TOCHKA_SBP_ACCOUNT_ID",
        is_secret: false,
        about: "The account that SBP's codes pay to, as 20-digit number/BIK; `kopeck sbp setup` \
                finds it.",
    },
];

/// The API's address without a slash at its end.
pub fn base(credentials: &Credentials) -> &str {
    credentials.find(BASE_URL).unwrap_or(DEFAULT_BASE_URL).trim().trim_end_matches('/')
}

/// What `/connect/…` and the key page hang on: the address above the API's mount point, else the
/// origin. Keeping a prefix lets an emulator live below one.
pub fn root(credentials: &Credentials) -> &str {
    let base = base(credentials);
    if let Some(root) = API_MOUNTS.iter().find_map(|mount| base.strip_suffix(mount)) {
        return root;
    }
    let host = base.find("://").map_or(0, |at| at + 3);
    base[host..].find('/').map_or(base, |at| &base[..host + at])
}

/// Whether this is the bank's own sandbox, whose answers are canned: a read of any operation tells
/// of one and the same.
pub fn is_bank_sandbox(credentials: &Credentials) -> bool {
    is_bank(credentials) && base(credentials).ends_with("/sandbox/v2")
}

/// Whether requests go to the bank itself and not to an emulator.
pub fn is_bank(credentials: &Credentials) -> bool {
    let root = root(credentials);
    root == "https://tochka.com" || (root.starts_with("https://") && root.ends_with(".tochka.com"))
}

/// The client id: as set, else the `iss` of the JWT key, which is the same ([S] in the reference).
pub fn find_client_id(credentials: &Credentials) -> Option<String> {
    let set = credentials.find(CLIENT_ID).map(str::to_owned);
    set.or_else(|| token::find_claims(credentials.get(ACCESS_TOKEN))?.issuer)
}
