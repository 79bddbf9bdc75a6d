//! What Tochka would refuse, or worse, silently do otherwise: one flat list of named checks, made
//! before a request leaves. The first that is broken is the answer, so the order is what a merchant
//! should mend first: the request, then the receipt, then the connection.

use crate::{
    Money,
    bank::Credentials,
    op::{AuthOp, BankOp, CaptureMode, CreateLink, PayMethod, Refusal, RefusalClass},
    receipt::{PaymentMethod, Receipt, Supplier, Vat},
};

use super::{sbp, settings, token};
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
    if let Some(quirk) = broken {
        return Some(quirk.refusal());
    }
    token::shape_problem(find_token(credentials, op)?)
}

/// Every rule, in the order of checking.
pub fn all() -> impl Iterator<Item = &'static Quirk> {
    QUIRKS.iter().chain(sbp::quirks::QUIRKS)
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
            matches!(op, BankOp::Refund { amount, .. } if amount.is_zero())
                || link(op, |link| link.amount.is_zero())
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
            link(op, |link| link.purpose.trim().is_empty() || link.purpose.chars().count() > 140)
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
        |_, op| link(op, |link| !(1..=45).contains(&link.reference.chars().count())),
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
        "success_url_invalid",
        Invalid,
        Some("success_url"),
        ["The return address is not an http(s) URL of at most 2083 characters.", URL_HINT],
        |_, op| link(op, |link| link.success_url.as_deref().is_some_and(|url| !is_url(url))),
    ),
    quirk(
        "fail_url_invalid",
        Invalid,
        Some("fail_url"),
        ["The return address is not an http(s) URL of at most 2083 characters.", URL_HINT],
        |_, op| link(op, |link| link.fail_url.as_deref().is_some_and(|url| !is_url(url))),
    ),
    quirk(
        "receipt_email_invalid",
        Invalid,
        Some("receipt"),
        [
            "Tochka makes a receipt only with the buyer's e-mail.",
            "Ask the buyer for an e-mail address; a phone alone is not enough here.",
        ],
        |_, op| receipt(op, |receipt| !receipt.email.as_deref().is_some_and(is_email)),
    ),
    quirk(
        "receipt_lines_empty",
        Invalid,
        Some("receipt"),
        ["The receipt has no lines.", "Send at least one line."],
        |_, op| receipt(op, |receipt| receipt.lines.is_empty()),
    ),
    quirk(
        "receipt_name_invalid",
        Invalid,
        Some("receipt"),
        [
            "The name of a receipt line must have 1 to 256 characters.",
            "Shorten the name of the goods or the service.",
        ],
        |_, op| lines(op, |line| !(1..=256).contains(&line.name.chars().count())),
    ),
    quirk(
        "receipt_price_invalid",
        Invalid,
        Some("receipt"),
        [
            "The price of a receipt line must be more than zero.",
            "Leave free lines out, or spread the discount over the other lines.",
        ],
        |_, op| lines(op, |line| line.price.is_zero()),
    ),
    quirk(
        "receipt_quantity_invalid",
        Invalid,
        Some("receipt"),
        ["The quantity of a receipt line must be more than zero.", "Leave the line out."],
        |_, op| lines(op, |line| line.quantity_milli == 0),
    ),
    quirk(
        "receipt_total_mismatch",
        Invalid,
        Some("receipt"),
        [
            "The lines of the receipt do not add up to the amount.",
            "Make the sum of price × quantity equal to the amount, to the kopeck.",
        ],
        |_, op| {
            link(op, |link| {
                let total = link.receipt.as_ref().map(Receipt::total);
                total.is_some_and(|total: Option<Money>| total != Some(link.amount))
            })
        },
    ),
    quirk(
        "receipt_vat_unsupported",
        Unsupported,
        Some("receipt"),
        [
            "Tochka no longer takes VAT of 20 %: since 2026 the rate is 22 %.",
            "Send vat22 (or vat122) in place of vat20 (or vat120).",
        ],
        |_, op| lines(op, |line| line.vat == Vat::Vat20 || line.vat == Vat::Vat120),
    ),
    quirk(
        "receipt_method_unsupported",
        Unsupported,
        Some("receipt"),
        [
            "Tochka makes receipts only for a full payment or a full prepayment.",
            "Send full_payment or full_prepayment; make other receipts at your cash register.",
        ],
        |_, op| {
            lines(op, |line| match line.method {
                PaymentMethod::FullPayment | PaymentMethod::FullPrepayment => false,
                PaymentMethod::Prepayment | PaymentMethod::Advance => true,
            })
        },
    ),
    quirk(
        "receipt_supplier_phone_invalid",
        Invalid,
        Some("receipt"),
        [
            "The supplier's phone must have 11 to 15 characters: digits, a plus in front if any.",
            "Write it as +79991234567.",
        ],
        |_, op| suppliers(op, |supplier| !is_phone(&supplier.phone)),
    ),
    quirk(
        "receipt_supplier_tax_code_invalid",
        Invalid,
        Some("receipt"),
        ["The supplier's INN must have 10 to 12 digits.", "Send the INN in digits only."],
        |_, op| suppliers(op, |supplier| !is_tax_code(&supplier.tax_code)),
    ),
    quirk(
        "receipt_supplier_name_invalid",
        Invalid,
        Some("receipt"),
        ["The supplier has no name.", "Send the supplier's name as in its documents."],
        |_, op| suppliers(op, |supplier| supplier.name.trim().is_empty()),
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
                || link(op, |_| set.is_some_and(|id| !is_merchant_id(id)))
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

fn receipt(op: &BankOp, is_broken: impl Fn(&Receipt) -> bool) -> bool {
    link(op, |link| link.receipt.as_ref().is_some_and(&is_broken))
}

fn lines(op: &BankOp, is_broken: impl Fn(&crate::receipt::Line) -> bool) -> bool {
    receipt(op, |receipt| receipt.lines.iter().any(&is_broken))
}

fn suppliers(op: &BankOp, is_broken: impl Fn(&Supplier) -> bool) -> bool {
    receipt(op, |receipt| {
        let of_lines = receipt.lines.iter().filter_map(|line| line.supplier.as_ref());
        of_lines.chain(&receipt.supplier).any(&is_broken)
    })
}

fn find_bank_id(op: &BankOp) -> Option<&str> {
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

/// The shape only; whether it exists is known to the mail server alone.
fn is_email(email: &str) -> bool {
    let has_both = email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    });
    has_both && email.matches('@').count() == 1 && !email.chars().any(char::is_whitespace)
}

/// `^\+?\d+$`, 11 to 15 characters with the plus.
fn is_phone(phone: &str) -> bool {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    (11..=15).contains(&phone.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_tax_code(code: &str) -> bool {
    (10..=12).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit())
}
