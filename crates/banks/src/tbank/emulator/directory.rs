//! What stands firm in the emulator: terminals, the banks of the SBP, who takes part.

/// A terminal as it is set up at the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    pub key: &'static str,
    pub password: &'static str,
    pub merchant: &'static str,
    /// Whether a request without `Token` is refused. A wrong one always is.
    pub needs_token: bool,
    /// The scheme when `PayType` is not sent.
    pub two_stage: bool,
    /// An online cash register is attached: receipts are a must.
    pub cash_register: bool,
    /// `Charge` and `ChargeQr`: the bank switches them on by request only.
    pub recurrents: bool,
    pub sbp: bool,
    /// One payment per `OrderId`; shops mostly see several.
    pub unique_orders: bool,
    /// A live terminal wanted `BankMemberId` in `ChargeQr`; the document knows none.
    pub needs_bank_member: bool,
    /// Declined attempts that make a payment `REJECTED`; before that it is `AUTH_FAIL`.
    pub attempts: u32,
}

impl Terminal {
    /// DEMO terminals do no 3-D Secure and may call `SbpPayTest`.
    pub fn is_demo(&self) -> bool {
        self.key.ends_with("DEMO") || self.key == DOCUMENT_KEY
    }
}

/// The terminal of the test credentials.
pub const DEMO_KEY: &str = "1763720000001DEMO";
pub const DEMO_PASSWORD: &str = "emulator-password-1";
/// A working terminal: 3-D Secure, three attempts, the awkward `ChargeQr`.
pub const WORKING_KEY: &str = "1763720000001";
pub const WORKING_PASSWORD: &str = "emulator-password-2";
/// Two stages unless `PayType` says otherwise.
pub const TWO_STAGE_KEY: &str = "1763720000002DEMO";
/// With a cash register.
pub const REGISTER_KEY: &str = "1763720000003DEMO";
pub const REGISTER_PASSWORD: &str = "emulator-password-4";
/// `Token` may be left out.
pub const OPEN_KEY: &str = "1763720000004DEMO";
/// Nothing is switched on, and an order can be paid for once.
pub const STRICT_KEY: &str = "1763720000005";
/// The one that the bank's document signs its examples with.
pub const DOCUMENT_KEY: &str = "TinkoffBankTest";

const DEMO: Terminal = Terminal {
    key: DEMO_KEY,
    password: DEMO_PASSWORD,
    merchant: "Чайная на Мясницкой",
    needs_token: true,
    two_stage: false,
    cash_register: false,
    recurrents: true,
    sbp: true,
    unique_orders: false,
    needs_bank_member: false,
    attempts: 1,
};

pub static TERMINALS: [Terminal; 7] = [
    DEMO,
    Terminal {
        key: WORKING_KEY,
        password: WORKING_PASSWORD,
        needs_bank_member: true,
        attempts: 3,
        ..DEMO
    },
    Terminal { key: TWO_STAGE_KEY, password: "emulator-password-3", two_stage: true, ..DEMO },
    Terminal { key: REGISTER_KEY, password: REGISTER_PASSWORD, cash_register: true, ..DEMO },
    Terminal { key: OPEN_KEY, password: "emulator-password-5", needs_token: false, ..DEMO },
    Terminal {
        key: STRICT_KEY,
        password: "emulator-password-6",
        recurrents: false,
        sbp: false,
        unique_orders: true,
        ..DEMO
    },
    Terminal { key: DOCUMENT_KEY, password: "TinkoffBankTest", ..DEMO },
];

pub fn find_terminal(key: &str) -> Option<&'static Terminal> {
    TERMINALS.iter().find(|terminal| terminal.key == key)
}

/// A participant of the SBP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The twelve digits of NSPK.
    pub id: &'static str,
    /// What `GetQrBankList` calls it and `BankId` wants.
    pub uuid: &'static str,
    pub name: &'static str,
}

pub static MEMBERS: [Member; 4] = [
    Member {
        id: "100000000004", uuid: "3fa85a64-5717-4562-b3fc-2c963f66afa6", name: "Т-Банк"
    },
    Member {
        id: "100000000111", uuid: "7c9e6679-7425-40de-944b-e07fc1f90ae7", name: "Сбербанк"
    },
    Member {
        id: "100000000284", uuid: "16fd2706-8baf-433b-82eb-8c7fada847da", name: "Банк Точка"
    },
    Member {
        id: "100000000008", uuid: "886313e1-3b8a-4372-9b90-0c9aee199e5d", name: "Альфа-Банк"
    },
];

/// The bank that the emulator's payer uses in the SBP.
pub static PAYER_BANK: &Member = &MEMBERS[1];
