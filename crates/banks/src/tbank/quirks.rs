//! What T-Bank would refuse, or worse, silently do otherwise: flat lists of named checks, made
//! before a request leaves. The first that is broken is the answer, so the order is what a merchant
//! should mend first: the request, then its receipt, then the connection.

use crate::{
    bank::Credentials,
    op::{
        BankOp, CaptureMode, CardOp, CreateLink, PayMethod, Refusal, RefusalClass, SbpOp,
        TerminalOp, Wallet,
    },
    receipt::lint,
};

use super::{codes, receipt as wire_receipt, request, settings};
use RefusalClass::{Credentials as Connection, Invalid, Unsupported};

/// One rule of the bank.
#[derive(Debug)]
pub struct Quirk {
    /// `noun_problem`, stable.
    pub code: &'static str,
    pub class: RefusalClass,
    /// The field at fault, in the API's words.
    pub param: Option<&'static str>,
    pub message: &'static str,
    /// What the merchant does next.
    pub hint: &'static str,
    /// Whether the operation breaks the rule; `false` for operations that it is not about.
    pub is_broken: fn(&Credentials, &BankOp) -> bool,
}

impl Quirk {
    pub fn refusal(&self) -> Refusal {
        Refusal {
            class: self.class,
            code: self.code,
            message: self.message.to_owned(),
            hint: self.hint.to_owned(),
            param: self.param,
        }
    }
}

/// The first broken rule.
pub fn find_problem(credentials: &Credentials, op: &BankOp) -> Option<Refusal> {
    let find = |quirks: &[Quirk]| {
        let broken = quirks.iter().find(|quirk| (quirk.is_broken)(credentials, op));
        broken.map(Quirk::refusal)
    };
    find(REQUEST_QUIRKS)
        .or_else(|| receipt_problem(credentials, op))
        .or_else(|| find(CONNECTION_QUIRKS))
}

/// By the rules of `receipt::lint` within the bank's limits, the connection's format and its tax
/// system.
fn receipt_problem(credentials: &Credentials, op: &BankOp) -> Option<Refusal> {
    let (receipt, amount) = op.receipt()?;
    let context = lint::Context {
        limits: Some(&codes::RECEIPTS),
        ffd: settings::ffd(credentials),
        taxation: wire_receipt::find_taxation(credentials, receipt),
        amount,
        occasion: None,
    };
    lint::find_refusal(&context, receipt).map(|finding| finding.refusal())
}

/// Every rule, in the order of checking.
pub fn all() -> impl Iterator<Item = &'static Quirk> {
    REQUEST_QUIRKS.iter().chain(CONNECTION_QUIRKS)
}

/// The bank has no method for it, so an operation that asks for it never becomes a request.
pub const UNSUPPORTED: Quirk = Quirk {
    code: "operation_unsupported",
    class: RefusalClass::Unsupported,
    param: None,
    message: "T-Bank has no such operation.",
    hint: "It has no lists of payments and no registration of notices: notices are set with each \
           payment, or in the bank's cabinet.",
    is_broken: |_, op| {
        matches!(
            op,
            BankOp::ListPayments { .. }
                | BankOp::Registry { .. }
                | BankOp::Retailers
                | BankOp::Customers
                | BankOp::Accounts
                | BankOp::Statement(_)
                | BankOp::ShowNotices
                | BankOp::RegisterNotices { .. }
                | BankOp::TestNotice { .. }
                | BankOp::DeleteNotices
                | BankOp::Auth(_)
        )
    },
};

/// Every code of this bank belongs to a payment: it has none that live by themselves, and no
/// company or points to be known to SBP apart from the terminal.
pub const OWN_CODES: Quirk = Quirk {
    code: "sbp_code_unsupported",
    class: RefusalClass::Unsupported,
    param: None,
    message: "T-Bank gives no SBP codes of their own, static ones, cash desks' or for companies.",
    hint: "Create a payment and ask for its code; for a code on the wall use a connection to a \
           bank that has them.",
    is_broken: |_, op| {
        matches!(
            op,
            BankOp::Sbp(
                SbpOp::Setup(_)
                    | SbpOp::Code(_)
                    | SbpOp::Desk(_)
                    | SbpOp::Invoice(_)
                    | SbpOp::Payments { .. }
                    | SbpOp::StartRefund(_)
                    | SbpOp::FindRefund { .. }
            )
        )
    },
};

/// A card saved by a payment is charged by a payment of its own.
pub const SUBSCRIPTIONS: Quirk = Quirk {
    code: "subscription_unsupported",
    class: RefusalClass::Unsupported,
    param: None,
    message: "T-Bank keeps no subscriptions: it charges nothing by itself.",
    hint: "Save the card with a payment, then charge it with a new payment each time.",
    is_broken: |_, op| matches!(op, BankOp::Subscription(_)),
};

/// Shortens an entry to what differs: code, class, field, message, hint, test.
pub(super) const fn quirk(
    code: &'static str,
    class: RefusalClass,
    param: Option<&'static str>,
    [message, hint]: [&'static str; 2],
    is_broken: fn(&Credentials, &BankOp) -> bool,
) -> Quirk {
    Quirk { code, class, param, message, hint, is_broken }
}

static REQUEST_QUIRKS: &[Quirk] = &[
    UNSUPPORTED,
    OWN_CODES,
    SUBSCRIPTIONS,
    quirk(
        "payment_id_invalid",
        Invalid,
        None,
        ["This is not an id of a payment at the bank.", "Send the id that the bank gave: digits."],
        |_, op| bank_ids(op).iter().any(|id| !is_digits(id, 20)),
    ),
    quirk(
        "amount_invalid",
        Invalid,
        Some("amount"),
        [
            "T-Bank takes amounts from 1 ruble to 99 999 999.99 rubles.",
            "Send an amount within that; by SBP from 10 rubles.",
        ],
        |_, op| match op {
            BankOp::CreateLink(link) => !(100..=MAX_KOPECKS).contains(&link.amount.kopecks()),
            BankOp::Capture { amount, .. } | BankOp::Refund { amount, .. } => amount.is_zero(),
            BankOp::Void { amount, .. } => amount.is_some_and(|amount| amount.is_zero()),
            BankOp::GetPayment { .. }
            | BankOp::ListPayments { .. }
            | BankOp::FindPayment { .. }
            | BankOp::Registry { .. }
            | BankOp::Retailers
            | BankOp::Customers
            | BankOp::Accounts
            | BankOp::Statement(_)
            | BankOp::ShowNotices
            | BankOp::RegisterNotices { .. }
            | BankOp::TestNotice { .. }
            | BankOp::DeleteNotices
            | BankOp::FetchNoticeKeys
            | BankOp::Auth(_)
            | BankOp::Card(_)
            | BankOp::Subscription(_)
            | BankOp::Sbp(_)
            | BankOp::Terminal(_) => false,
        },
    ),
    quirk(
        "sbp_amount_invalid",
        Invalid,
        Some("amount"),
        [
            "One payment by SBP at T-Bank is from 10 to 1 000 000 rubles.",
            "Send an amount within that, or allow another way to pay.",
        ],
        |_, op| {
            matches!(op, BankOp::CreateLink(link) if link.methods == [PayMethod::Sbp]
                && !(MIN_SBP_KOPECKS..=MAX_SBP_KOPECKS).contains(&link.amount.kopecks()))
        },
    ),
    quirk(
        "capture_too_large",
        Invalid,
        Some("amount"),
        ["More than what is held cannot be captured.", "Capture at most the authorized amount."],
        |_, op| matches!(op, BankOp::Capture { amount, authorized, .. } if amount > authorized),
    ),
    quirk(
        "request_id_invalid",
        Invalid,
        Some("request_id"),
        [
            "A refund or a void needs an id of its own, of 1 to 256 characters.",
            "Send the same id only to repeat the same request.",
        ],
        |_, op| {
            matches!(
                op,
                BankOp::Refund { request_id, .. } | BankOp::Void { request_id, .. }
                    if !is_length(request_id, 256)
            )
        },
    ),
    quirk(
        "purpose_invalid",
        Invalid,
        Some("purpose"),
        [
            "T-Bank takes a purpose of 1 to 140 characters.",
            "Shorten the purpose; the payer sees it on the bank's page.",
        ],
        |_, op| {
            let is_bad = |purpose: &str| !is_length(purpose.trim(), 140);
            link(op, |link| is_bad(&link.purpose))
                || matches!(op, BankOp::Sbp(SbpOp::Bind { purpose, .. }) if is_bad(purpose))
        },
    ),
    quirk(
        "ttl_invalid",
        Invalid,
        Some("ttl_minutes"),
        [
            "T-Bank keeps a link for 1 to 129600 minutes (90 days).",
            "Choose a life within that, or leave it out for a day.",
        ],
        |_, op| link(op, |link| !(1..=129_600).contains(&link.ttl_minutes)),
    ),
    quirk(
        "reference_invalid",
        Invalid,
        Some("reference"),
        ["T-Bank takes an order number (OrderId) of 1 to 36 characters.", "Send a shorter one."],
        |_, op| {
            matches!(op, BankOp::FindPayment { reference, .. } if !is_length(reference, 36))
                || link(op, |link| !is_length(&link.reference, 36))
        },
    ),
    quirk(
        "methods_empty",
        Invalid,
        Some("methods"),
        ["No way to pay is allowed.", "Allow at least one of card, sbp, tpay, dolyame."],
        |_, op| link(op, |link| link.methods.is_empty()),
    ),
    quirk(
        "capture_method_unsupported",
        Unsupported,
        Some("capture"),
        [
            "SBP holds no money: it takes it at once.",
            "For capture=manual leave the method sbp out.",
        ],
        |_, op| {
            link(op, |link| match link.capture {
                CaptureMode::Automatic => false,
                CaptureMode::Manual => link.methods.contains(&PayMethod::Sbp) || link.sbp_account,
            })
        },
    ),
    quirk(
        "success_url_invalid",
        Invalid,
        Some("success_url"),
        ["The return address is not an http(s) URL of at most 250 characters.", URL_HINT],
        |_, op| urls(op).iter().any(|urls| is_bad_url(urls.success)),
    ),
    quirk(
        "fail_url_invalid",
        Invalid,
        Some("fail_url"),
        ["The return address is not an http(s) URL of at most 250 characters.", URL_HINT],
        |_, op| urls(op).iter().any(|urls| is_bad_url(urls.fail)),
    ),
    quirk(
        "notice_url_invalid",
        Invalid,
        Some("notice_url"),
        [
            "The bank sends notices only to an https address on port 443, without redirects.",
            "Send a public address such as https://pay.example.ru/notices/tbank.",
        ],
        |credentials, op| {
            let is_taken = |url: &str| is_notice_url(credentials, url);
            urls(op).iter().any(|urls| urls.notice.is_some_and(|url| !is_taken(url)))
        },
    ),
    quirk(
        "payer_id_invalid",
        Invalid,
        Some("payer_id"),
        [
            "To save a card the payer needs an id (CustomerKey) of 1 to 36 characters.",
            "Send your own id of the customer.",
        ],
        |_, op| {
            let of_link = link(op, |link| match &link.payer_id {
                Some(id) => !is_length(id, 36),
                None => link.save_card,
            });
            of_link || find_payer_id(op).is_some_and(|id| !is_length(id, 36))
        },
    ),
    quirk(
        "saved_charge_conflict",
        Invalid,
        Some("save_card"),
        [
            "A payment either saves a card or an account, or is charged to a saved card.",
            "Send only one of these: the bank answers a mixture with its code 1126.",
        ],
        |_, op| {
            link(op, |link| {
                let wishes = [link.save_card, link.sbp_account, link.saved_charge.is_some()];
                wishes.iter().filter(|wish| **wish).count() > 1
            })
        },
    ),
    quirk(
        "extra_invalid",
        Invalid,
        Some("extra"),
        [
            "T-Bank keeps at most 20 pairs with a payment, keys of 1 to 20 characters, values of 1 \
             to 100.",
            "Send fewer or shorter ones; QR and OperationInitiatorType are written by Kopeck.",
        ],
        |_, op| {
            link(op, |link| {
                let is_own = |key: &String| request::OWN_DATA_KEYS.contains(&key.as_str());
                request::data(link).len() > 20
                    || link.extra.iter().any(|(key, value)| {
                        is_own(key) || !is_length(key, 20) || !is_length(value, 100)
                    })
            })
        },
    ),
    quirk(
        "qr_bank_conflict",
        Invalid,
        Some("bank"),
        ["A bank can be chosen only for a link, not for a picture.", "Leave one of them out."],
        |_, op| {
            let (BankOp::Sbp(SbpOp::Qr { asked, .. }) | BankOp::Sbp(SbpOp::Bind { asked, .. })) =
                op
            else {
                return false;
            };
            asked.bank.is_some() && asked.form == crate::op::QrForm::Image
        },
    ),
    quirk(
        "wallet_qr_unsupported",
        Unsupported,
        Some("wallet"),
        ["Mir Pay has no QR code.", "Ask for its link and show that on a phone."],
        |_, op| matches!(op, BankOp::Terminal(TerminalOp::WalletQr { wallet: Wallet::MirPay, .. })),
    ),
];

static CONNECTION_QUIRKS: &[Quirk] = &[
    quirk(
        "base_url_invalid",
        Connection,
        None,
        [
            "The bank's address (base_url) is not an http(s) URL.",
            "Leave base_url out for the real bank: https://securepay.tinkoff.ru/v2.",
        ],
        |credentials, _| !is_url(settings::base(credentials)),
    ),
    quirk(
        "sbp_host_unsupported",
        Unsupported,
        None,
        [
            "The bank's test host has no SBP.",
            "Try SBP with a DEMO terminal at https://securepay.tinkoff.ru/v2.",
        ],
        |credentials, op| matches!(op, BankOp::Sbp(_)) && settings::is_test_host(credentials),
    ),
    quirk(
        "terminal_key_invalid",
        Connection,
        None,
        [
            "The terminal's key (terminal_key) must have 1 to 20 characters.",
            "Take it from the terminal's page in the bank's cabinet.",
        ],
        |credentials, op| {
            needs_connection(op) && !is_length(settings::terminal_key(credentials), 20)
        },
    ),
    quirk(
        "password_invalid",
        Connection,
        None,
        [
            "The terminal's password must have 1 to 20 characters.",
            "Take it from the terminal's page in the bank's cabinet, beside the key.",
        ],
        |credentials, op| needs_connection(op) && !is_length(settings::password(credentials), 20),
    ),
    quirk(
        "ffd_version_invalid",
        Connection,
        None,
        ["The format of receipts (ffd_version) is neither 1.05 nor 1.2.", "Save one of them."],
        |credentials, _| {
            let version = credentials.find(settings::FFD_VERSION).map(str::trim);
            version.is_some_and(|version| !matches!(version, "1.05" | "1.2"))
        },
    ),
];

/// `Amount` has at most ten digits.
pub(super) const MIN_SBP_KOPECKS: i64 = 1_000;
pub(super) const MAX_SBP_KOPECKS: i64 = 100_000_000;
const MAX_KOPECKS: i64 = 9_999_999_999;

const URL_HINT: &str = "Send a whole address such as https://shop.example.ru/thanks.";

const fn needs_connection(op: &BankOp) -> bool {
    !matches!(op, BankOp::FetchNoticeKeys)
}

fn link(op: &BankOp, is_broken: impl Fn(&CreateLink) -> bool) -> bool {
    matches!(op, BankOp::CreateLink(link) if is_broken(link))
}

/// The payments that an operation names.
fn bank_ids(op: &BankOp) -> Vec<&str> {
    if let BankOp::Terminal(TerminalOp::ConfirmationLetter { bank_ids, .. }) = op {
        // No payment at all is as wrong as a strange one.
        let ids = bank_ids.iter().map(String::as_str);
        return if bank_ids.is_empty() { vec![""] } else { ids.collect() };
    }
    if let BankOp::GetPayment { bank_id }
    | BankOp::Capture { bank_id, .. }
    | BankOp::Refund { bank_id, .. }
    | BankOp::Void { bank_id, .. }
    | BankOp::Card(CardOp::Charge { bank_id, .. })
    | BankOp::Sbp(
        SbpOp::Qr { bank_id, .. }
        | SbpOp::RefundBanks { bank_id }
        | SbpOp::ShowRefund { bank_id }
        | SbpOp::Charge { bank_id, .. }
        | SbpOp::PayTest { bank_id, .. },
    )
    | BankOp::Terminal(
        TerminalOp::WalletLink { bank_id, .. }
        | TerminalOp::WalletQr { bank_id, .. }
        | TerminalOp::ClosingReceipt { bank_id, .. },
    ) = op
    {
        return vec![bank_id];
    }
    Vec::new()
}

fn find_payer_id(op: &BankOp) -> Option<&str> {
    if let BankOp::Card(
        CardOp::AddPayer { payer_id, .. }
        | CardOp::ShowPayer { payer_id }
        | CardOp::RemovePayer { payer_id }
        | CardOp::Bind { payer_id, .. }
        | CardOp::List { payer_id }
        | CardOp::Remove { payer_id, .. },
    ) = op
    {
        return Some(payer_id);
    }
    None
}

struct Urls<'a> {
    success: Option<&'a str>,
    fail: Option<&'a str>,
    notice: Option<&'a str>,
}

fn urls(op: &BankOp) -> Option<Urls<'_>> {
    if let BankOp::CreateLink(CreateLink { success_url, fail_url, notice_url, .. })
    | BankOp::Card(CardOp::Bind { success_url, fail_url, notice_url, .. }) = op
    {
        return Some(Urls {
            success: success_url.as_deref(),
            fail: fail_url.as_deref(),
            notice: notice_url.as_deref(),
        });
    }
    None
}

fn is_length(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count())
}

fn is_digits(text: &str, max: usize) -> bool {
    let text = text.trim();
    is_length(text, max) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_bad_url(url: Option<&str>) -> bool {
    url.is_some_and(|url| !is_url(url))
}

/// Only the shape that matters: a scheme, a host, no spaces.
fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#']) && !rest.is_empty());
    let is_plain = !url.chars().any(|c| c.is_whitespace() || c.is_control());
    has_host && is_plain && url.chars().count() <= 250
}

/// An emulator delivers to any http address, so that a developer's machine can be tried.
fn is_notice_url(credentials: &Credentials, url: &str) -> bool {
    if !settings::is_bank(credentials) {
        return is_url(url);
    }
    let authority = url.strip_prefix("https://").unwrap_or("").split(['/', '?']).next();
    let port = authority.and_then(|host| host.rsplit_once(':')).map_or("443", |(_, port)| port);
    is_url(url) && url.starts_with("https://") && port == "443"
}
