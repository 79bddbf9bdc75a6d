//! Who banks here: constants that never change, so that tests and guides may print them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{json::Obj, state::Mode};

/// The application's id: `iss` of the key, and the id that webhooks are registered under.
pub const CLIENT_ID: &str = "kopeck-emulator-client-id-000001";
/// Opens nothing but this emulator.
pub const CLIENT_SECRET: &str = "kopeck-emulator-client-secret-01";
/// The key of the bank's own sandbox: always valid here too.
pub const SANDBOX_TOKEN: &str = "sandbox.jwt.token";
pub const PERSONAL_CODE: &str = "300000001";
pub const BUSINESS_CODE: &str = "300000092";
/// The acquiring point that works: registered, active, all methods.
pub const MERCHANT_ID: &str = "200000000001056";
/// An acquiring point that was closed.
pub const CLOSED_MERCHANT_ID: &str = "200000000001097";
pub const PERSONAL_ACCOUNT: &str = "40817810802000000008/044525104";
pub const BUSINESS_ACCOUNT: &str = "40702810302000000092/044525104";

/// The company's key: looks like the bank's JWT, has no expiry, its signature is a dummy.
pub fn access_token() -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let claims = Obj::new().text("iss", CLIENT_ID).text("sub", BUSINESS_CODE).end();
    format!("{header}.{}.emulator", URL_SAFE_NO_PAD.encode(claims))
}

pub(super) struct Customer {
    pub(super) code: &'static str,
    pub(super) kind: &'static str,
    pub(super) tax_code: &'static str,
    pub(super) full_name: &'static str,
    pub(super) short_name: &'static str,
    pub(super) ogrn: Option<&'static str>,
    pub(super) account: &'static str,
}

/// The personal one comes first: whoever takes the first one takes the wrong one.
pub(super) static CUSTOMERS: [Customer; 2] = [
    Customer {
        code: PERSONAL_CODE,
        kind: "Personal",
        tax_code: "660000000001",
        full_name: "Копейкина Мария Ивановна",
        short_name: "Копейкина М. И.",
        ogrn: None,
        account: PERSONAL_ACCOUNT,
    },
    Customer {
        code: BUSINESS_CODE,
        kind: "Business",
        tax_code: "660000000000",
        full_name: "Индивидуальный предприниматель Копейкина Мария Ивановна",
        short_name: "ИП Копейкина М. И.",
        ogrn: Some("319665800211661"),
        account: BUSINESS_ACCOUNT,
    },
];

pub(super) struct Retailer {
    pub(super) status: &'static str,
    pub(super) is_active: bool,
    pub(super) mcc: &'static str,
    /// JSON number text, percent.
    pub(super) rate: &'static str,
    pub(super) name: &'static str,
    pub(super) url: &'static str,
    pub(super) merchant_id: Option<&'static str>,
    pub(super) terminal_id: Option<&'static str>,
    pub(super) modes: &'static [Mode],
    pub(super) cashbox: Option<&'static str>,
}

/// All of the business customer. The closed one comes first, for the same reason as above.
pub(super) static RETAILERS: [Retailer; 3] = [
    Retailer {
        status: "CLOSE",
        is_active: false,
        mcc: "5111",
        rate: "2.6",
        name: "Старая лавка",
        url: "https://old.example.com",
        merchant_id: Some(CLOSED_MERCHANT_ID),
        terminal_id: Some("20000031"),
        modes: &[Mode::Card],
        cashbox: None,
    },
    Retailer {
        status: "REG",
        is_active: true,
        mcc: "5111",
        rate: "2.5",
        name: "Лавка Копейкиной",
        url: "https://shop.example.com",
        merchant_id: Some(MERCHANT_ID),
        terminal_id: Some("20000032"),
        modes: &Mode::ALL,
        cashbox: Some("businessRu"),
    },
    Retailer {
        status: "NEW",
        is_active: false,
        mcc: "5111",
        rate: "2.5",
        name: "Новая лавка",
        url: "https://new.example.com",
        merchant_id: None,
        terminal_id: None,
        modes: &[],
        cashbox: None,
    },
];

pub(super) fn find_retailer(merchant_id: &str) -> Option<&'static Retailer> {
    RETAILERS.iter().find(|retailer| retailer.merchant_id == Some(merchant_id))
}
