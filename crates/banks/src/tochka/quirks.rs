//! What Tochka would refuse, or worse, silently do otherwise: one flat list of named checks, made
//! before a request leaves. The first that is broken is the answer, so the order is what a merchant
//! should mend first: the request, then the receipt (by the rules of `receipt::lint` within the
//! bank's limits), then the connection.

use crate::{
    bank::Credentials,
    op::{
        AuthOp, BankOp, CaptureMode, CreateLink, NewSubscription, PayMethod, Refusal, RefusalClass,
        SubscriptionOp,
    },
    receipt::lint,
};

use super::{codes, sbp, settings, subscriptions, token};
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

/// The first broken rule, or what is wrong with the access token.
pub fn find_problem(credentials: &Credentials, op: &BankOp) -> Option<Refusal> {
    let broken = all().find(|quirk| (quirk.is_broken)(credentials, op));
    let of_request = broken.filter(|quirk| quirk.class != Connection).map(Quirk::refusal);
    let refusal = of_request.or_else(|| receipt_problem(op)).or(broken.map(Quirk::refusal));
    if refusal.is_some() {
        return refusal;
    }
    token::shape_problem(find_token(credentials, op)?)
}

/// Receipts go with links only: refunds and captures take none.
fn receipt_problem(op: &BankOp) -> Option<Refusal> {
    let (BankOp::CreateLink(_) | BankOp::Subscription(_)) = op else { return None };
    let (receipt, amount) = op.receipt()?;
    let limits = Some(&codes::RECEIPTS);
    let context = lint::Context { limits, amount, ..lint::Context::default() };
    lint::find_refusal(&context, receipt).map(|finding| finding.refusal())
}

/// Every rule of the bank's own, in the order of checking.
pub fn all() -> impl Iterator<Item = &'static Quirk> {
    QUIRKS.iter().chain(subscriptions::quirks::QUIRKS).chain(sbp::quirks::QUIRKS)
}

/// The token that an operation is sent with, empty when it is not set; `None` where none is sent.
pub fn find_token<'a>(credentials: &'a Credentials, op: &'a BankOp) -> Option<&'a str> {
    match op {
        BankOp::FetchNoticeKeys
        | BankOp::Card(_)
        | BankOp::Terminal(_)
        | BankOp::Auth(
            AuthOp::ClientToken { .. } | AuthOp::ExchangeCode { .. } | AuthOp::Refresh,
        ) => None,
        BankOp::Auth(AuthOp::CreateConsent { client_token, .. }) => Some(client_token),
        BankOp::CreateLink(_)
        | BankOp::GetPayment { .. }
        | BankOp::ListPayments { .. }
        | BankOp::FindPayment { .. }
        | BankOp::Capture { .. }
        | BankOp::Refund { .. }
        | BankOp::Void { .. }
        | BankOp::Registry { .. }
        | BankOp::Retailers
        | BankOp::Customers
        | BankOp::Accounts
        | BankOp::Statement(_)
        | BankOp::ShowNotices
        | BankOp::RegisterNotices { .. }
        | BankOp::TestNotice { .. }
        | BankOp::DeleteNotices
        | BankOp::Subscription(_)
        | BankOp::Sbp(_)
        | BankOp::Auth(AuthOp::ListConsents | AuthOp::Introspect) => {
            Some(credentials.get(settings::ACCESS_TOKEN))
        }
    }
}

/// The bank has no method for it, so an operation that asks for it never becomes a request.
pub const VOID: Quirk = Quirk {
    code: "hold_void_unsupported",
    class: RefusalClass::Unsupported,
    param: None,
    message: "Tochka has no way to cancel a hold.",
    hint: "Let the hold run out: the bank releases it by itself; or capture it and refund.",
    is_broken: |_, op| matches!(op, BankOp::Void { .. }),
};

/// Saved cards by our own hand, SBP of a payment, a terminal's papers: another bank's words.
pub const OTHER: Quirk = Quirk {
    code: "operation_unsupported",
    class: RefusalClass::Unsupported,
    param: None,
    message: "Tochka has no such operation.",
    hint: "Use a connection to a bank that has it, or the internet bank.",
    is_broken: |_, op| {
        matches!(op, BankOp::Card(_) | BankOp::Terminal(_))
            || matches!(op, BankOp::Sbp(op) if !sbp::codes::is_ours(op))
    },
};

/// Shortens an entry to what differs: code, class, field, message, hint, test.
pub const fn quirk(
    code: &'static str,
    class: RefusalClass,
    param: Option<&'static str>,
    [message, hint]: [&'static str; 2],
    is_broken: fn(&Credentials, &BankOp) -> bool,
) -> Quirk {
    Quirk { code, class, param, message, hint, is_broken }
}

/// Every rule but those of SBP.
pub static QUIRKS: &[Quirk] = &[
    VOID,
    OTHER,
    quirk(
        "capture_partial_unsupported",
        Unsupported,
        Some("amount"),
        [
            "Tochka captures a hold only in full.",
            "Capture the whole authorized amount, then refund the difference.",
        ],
        |_, op| matches!(op, BankOp::Capture { amount, authorized, .. } if amount != authorized),
    ),
    quirk(
        "payment_id_invalid",
        Invalid,
        None,
        ["This is not an id of a payment at the bank.", "Send the id that the bank gave."],
        |_, op| find_bank_id(op).is_some_and(|id| matches!(id.trim(), "" | "." | "..")),
    ),
    quirk(
        "amount_invalid",
        Invalid,
        Some("amount"),
        ["The amount must be more than zero.", "Send an amount of at least 0.01 rubles."],
        |_, op| {
            let (BankOp::Refund { amount, .. }
            | BankOp::CreateLink(CreateLink { amount, .. })
            | BankOp::Subscription(
                SubscriptionOp::Open(NewSubscription { amount, .. })
                | SubscriptionOp::Charge { amount, .. },
            )) = op
            else {
                return false;
            };
            amount.is_zero()
        },
    ),
    quirk(
        "purpose_invalid",
        Invalid,
        Some("purpose"),
        [
            "Tochka takes a purpose of 1 to 140 characters.",
            "Shorten the purpose; the payer sees it on the bank's page.",
        ],
        |_, op| {
            texts(op).is_some_and(|texts| {
                texts.purpose.trim().is_empty() || texts.purpose.chars().count() > 140
            })
        },
    ),
    quirk(
        "ttl_invalid",
        Invalid,
        Some("ttl_minutes"),
        [
            "Tochka keeps a link for 1 to 44640 minutes (31 days).",
            "Choose a life within that, or leave it out for a week.",
        ],
        |_, op| link(op, |link| !(1..=44_640).contains(&link.ttl_minutes)),
    ),
    quirk(
        "reference_invalid",
        Invalid,
        Some("reference"),
        [
            "Tochka takes an order number (paymentLinkId) of 1 to 45 characters.",
            "Send a shorter reference.",
        ],
        |_, op| {
            let length = texts(op).map(|texts| texts.reference.chars().count());
            length.is_some_and(|length| !(1..=45).contains(&length))
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
            "Tochka holds money on cards only: with any other method it ignores the hold and takes \
             the money at once.",
            "For capture=manual allow only the method card.",
        ],
        |_, op| {
            link(op, |link| match link.capture {
                CaptureMode::Automatic => false,
                CaptureMode::Manual => link.methods.iter().any(|m| *m != PayMethod::Card),
            })
        },
    ),
    quirk(
        "saved_charge_unsupported",
        Unsupported,
        Some("saved_charge"),
        [
            "Tochka charges no saved card by a payment of its own.",
            "Open a subscription without a schedule and charge that.",
        ],
        |_, op| link(op, |link| link.saved_charge.is_some()),
    ),
    quirk(
        "success_url_invalid",
        Invalid,
        Some("success_url"),
        ["The return address is not an http(s) URL of at most 2083 characters.", URL_HINT],
        |_, op| texts(op).and_then(|texts| texts.success_url).is_some_and(|url| !is_url(url)),
    ),
    quirk(
        "fail_url_invalid",
        Invalid,
        Some("fail_url"),
        ["The return address is not an http(s) URL of at most 2083 characters.", URL_HINT],
        |_, op| texts(op).and_then(|texts| texts.fail_url).is_some_and(|url| !is_url(url)),
    ),
    quirk(
        "notice_url_invalid",
        Invalid,
        Some("url"),
        [
            "The bank sends notices only to an https address on port 443.",
            "Send a public address such as https://pay.example.ru/notices/tochka.",
        ],
        |credentials, op| {
            let is_taken = |url: &str| is_notice_url(credentials, url);
            matches!(op, BankOp::RegisterNotices { url, .. } if !is_taken(url))
        },
    ),
    quirk(
        "notice_kinds_empty",
        Invalid,
        Some("kinds"),
        ["No kind of notice is chosen.", "Ask at least for acquiringInternetPayment."],
        |_, op| matches!(op, BankOp::RegisterNotices { kinds, .. } if kinds.is_empty()),
    ),
    quirk(
        "base_url_invalid",
        Connection,
        None,
        [
            "The bank's address (base_url) is not an http(s) URL.",
            "Leave base_url out for the real bank: https://enter.tochka.com/uapi.",
        ],
        |credentials, _| !is_url(settings::base(credentials)),
    ),
    quirk(
        "customer_code_invalid",
        Connection,
        None,
        [
            "The company's code (customer_code) is not 9 characters long.",
            "Take the code of the customer whose type is Business from the bank's list of \
             customers, and save it as customer_code.",
        ],
        |credentials, op| {
            let code = credentials.get(settings::CUSTOMER_CODE);
            let is_code = code.len() == 9 && code.bytes().all(|b| b.is_ascii_alphanumeric());
            // The list of consents takes it as a header, when it is known.
            let may_send = matches!(op, BankOp::Auth(AuthOp::ListConsents)) && !code.is_empty();
            (needs_customer_code(op) || may_send) && !is_code
        },
    ),
    quirk(
        "merchant_id_invalid",
        Connection,
        None,
        [
            "The acquiring point (merchant_id) must have exactly 15 digits.",
            "The bank has two ids of this name: the acquiring point's has 15 digits, such as \
             200000000001056 (see the list of retailers), SBP's has 12 characters and begins with \
             MA, MB or MF. Links need the first; leave it out if there is one point only.",
        ],
        |credentials, op| {
            let set = credentials.find(settings::MERCHANT_ID);
            matches!(op, BankOp::Registry { merchant_id, .. } if !is_merchant_id(merchant_id))
                || (texts(op).is_some() && set.is_some_and(|id| !is_merchant_id(id)))
        },
    ),
    quirk(
        "client_id_missing",
        Connection,
        None,
        [
            "The client_id is not set, and the access token does not name one.",
            "Save the client_id that the internet bank shows beside the JWT key.",
        ],
        |credentials, op| needs_client_id(op) && settings::find_client_id(credentials).is_none(),
    ),
    quirk(
        "client_secret_missing",
        Connection,
        None,
        [
            "The application's client_secret is not set.",
            "Save the client_secret that the bank gave when the application was registered; with \
             a JWT key OAuth is not needed at all.",
        ],
        |credentials, op| {
            needs_client_secret(op) && credentials.find(settings::CLIENT_SECRET).is_none()
        },
    ),
    quirk(
        "refresh_token_missing",
        Connection,
        None,
        ["There is no refresh token.", "Connect the bank again through its consent page."],
        |credentials, op| {
            matches!(op, BankOp::Auth(AuthOp::Refresh))
                && credentials.find(settings::REFRESH_TOKEN).is_none()
        },
    ),
];

const URL_HINT: &str = "Send a whole address such as https://shop.example.ru/thanks.";

fn link(op: &BankOp, is_broken: impl Fn(&CreateLink) -> bool) -> bool {
    matches!(op, BankOp::CreateLink(link) if is_broken(link))
}

/// What a payment's link and a subscription's have in common.
struct Texts<'a> {
    purpose: &'a str,
    reference: &'a str,
    success_url: Option<&'a str>,
    fail_url: Option<&'a str>,
}

fn texts(op: &BankOp) -> Option<Texts<'_>> {
    let (BankOp::CreateLink(CreateLink { purpose, reference, success_url, fail_url, .. })
    | BankOp::Subscription(SubscriptionOp::Open(NewSubscription {
        purpose,
        reference,
        success_url,
        fail_url,
        ..
    }))) = op
    else {
        return None;
    };
    Some(Texts {
        purpose,
        reference,
        success_url: success_url.as_deref(),
        fail_url: fail_url.as_deref(),
    })
}

fn find_bank_id(op: &BankOp) -> Option<&str> {
    if let BankOp::Subscription(op) = op {
        return subscriptions::find_id(op);
    }
    if let BankOp::GetPayment { bank_id }
    | BankOp::Capture { bank_id, .. }
    | BankOp::Refund { bank_id, .. } = op
    {
        return Some(bank_id);
    }
    None
}

fn needs_customer_code(op: &BankOp) -> bool {
    sbp::quirks::needs_customer_code(op)
        || matches!(
            op,
            BankOp::CreateLink(_)
                | BankOp::ListPayments { .. }
                | BankOp::FindPayment { .. }
                | BankOp::Registry { .. }
                | BankOp::Retailers
                | BankOp::Subscription(SubscriptionOp::Open(_) | SubscriptionOp::List { .. })
        )
}

fn needs_client_id(op: &BankOp) -> bool {
    needs_client_secret(op)
        || matches!(
            op,
            BankOp::ShowNotices
                | BankOp::RegisterNotices { .. }
                | BankOp::TestNotice { .. }
                | BankOp::DeleteNotices
        )
}

fn needs_client_secret(op: &BankOp) -> bool {
    matches!(
        op,
        BankOp::Auth(AuthOp::ClientToken { .. } | AuthOp::ExchangeCode { .. } | AuthOp::Refresh)
    )
}

fn is_merchant_id(id: &str) -> bool {
    id.len() == 15 && id.bytes().all(|b| b.is_ascii_digit())
}

/// The schema's limit is 2083. Only the shape that matters: a scheme, a host, no spaces.
pub fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#']) && !rest.is_empty());
    let is_plain = !url.chars().any(|c| c.is_whitespace() || c.is_control());
    has_host && is_plain && url.chars().count() <= 2083
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
