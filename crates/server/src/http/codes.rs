//! Every error code of the API in one table: what it means and what to do. The table generates
//! `docs/reference/errors.md`. Codes are contract: programs branch on them.

mod declines;
mod hooks;
mod integrations;
mod subscriptions;

use kopeck_banks::{BANKS, op::RefusalClass};

pub use declines::DECLINES;
pub use hooks::*;
pub use integrations::*;
pub use subscriptions::*;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `noun_problem`.
    pub code: &'static str,
    /// The HTTP status it comes with.
    pub status: u16,
    /// What it means.
    pub about: &'static str,
    /// What to do; the default hint.
    pub action: &'static str,
}

const fn code(code: &'static str, status: u16, about: &'static str, action: &'static str) -> Code {
    Code { code, status, about, action }
}

pub const MALFORMED_JSON: Code = code(
    "malformed_json",
    400,
    "The body is not a JSON object.",
    "Send one JSON object in UTF-8; the message names the line and the column.",
);
pub const PARAM_UNKNOWN: Code = code(
    "param_unknown",
    422,
    "A field or a query parameter that does not exist here.",
    "Check its spelling; data of your own goes into `metadata`.",
);
pub const PARAM_DUPLICATE: Code = code(
    "param_duplicate",
    422,
    "A field or a query parameter is given twice.",
    "Give it once: which of two was meant is not for us to guess.",
);
pub const PARAM_MISSING: Code =
    code("param_missing", 422, "A required field is missing.", "Add it.");
pub const PARAM_INVALID: Code = code(
    "param_invalid",
    422,
    "A field has the wrong type, form or size.",
    "Mend the field; the message says what it takes.",
);
pub const AMOUNT_INVALID: Code = code(
    "amount_invalid",
    422,
    "The amount is zero, negative, too large, no number, or has a fraction of a kopeck.",
    "Send rubles such as \"5000.00\" in `amount`, or whole kopecks in `amount_kopecks`.",
);
pub const AMOUNT_CONFLICT: Code = code(
    "amount_conflict",
    422,
    "`amount` and `amount_kopecks` are both given and differ.",
    "Send one of them.",
);
pub const CARD_NUMBER_REFUSED: Code = code(
    "card_number_refused",
    422,
    "A free text holds what looks like a card number.",
    "Never send card numbers: the payer types them on the bank's page only. If it is a number of \
     your own, write it with letters.",
);
pub const RECEIPT_INVALID: Code = code(
    "receipt_invalid",
    422,
    "The receipt cannot be read.",
    "Compare it with the example in /docs.",
);
pub const RECEIPT_DEFAULTS_MISSING: Code = code(
    "receipt_defaults_missing",
    422,
    "The receipt names no items, and the shop saved no defaults to make one line of.",
    "Send `items`, or save the shop's VAT once: PUT /v1/receipts/defaults.",
);
pub const RECEIPT_BY_HAND: Code = code(
    "receipt_by_hand",
    409,
    "The bank has no request for this receipt: a person makes it.",
    "Make it at your cash register, then note it: POST /v1/payments/{id}/receipts.",
);
pub const RECEIPT_NOT_FOUND: Code =
    code("receipt_not_found", 404, "The shop has no such receipt.", "List them: GET /v1/receipts.");
pub const RECEIPT_NOT_DUE: Code = code(
    "receipt_not_due",
    409,
    "Nothing is to be done about this receipt.",
    "What is due: GET /v1/receipts/due; a correction: POST /v1/payments/{id}/receipts.",
);
pub const RECEIPT_NOT_RETRYABLE: Code = code(
    "receipt_not_retryable",
    409,
    "The receipt cannot be asked for again.",
    "Make it by hand, then say so: POST /v1/receipts/{id}/settle.",
);
pub const RECEIPT_NOT_CLOSABLE: Code = code(
    "receipt_not_closable",
    409,
    "There is nothing to close: nothing was paid, nothing was prepaid, or all of it went back.",
    "Look at the payment's receipts: GET /v1/payments/{id}/receipts.",
);
pub const BANK_UNKNOWN: Code = code(
    "bank_unknown",
    422,
    "The shop is not connected to this bank.",
    "Leave `bank` out for the first connection, or connect the bank with `kopeck init`.",
);
pub const BANK_NOT_CONNECTED: Code = code(
    "bank_not_connected",
    409,
    "The shop is connected to no bank yet.",
    "Connect one: `kopeck init`.",
);
pub const CURSOR_INVALID: Code = code(
    "cursor_invalid",
    422,
    "`starting_after` is not a cursor of this list.",
    "Send the `next_cursor` of the page before, or leave it out for the first page.",
);
pub const IDEMPOTENCY_KEY_INVALID: Code = code(
    "idempotency_key_invalid",
    400,
    "The Idempotency-Key is empty, too long or not printable ASCII.",
    "Send 1 to 255 printable ASCII characters, for example your order's number or a UUID.",
);
pub const IDEMPOTENCY_KEY_REUSED: Code = code(
    "idempotency_key_reused",
    422,
    "This Idempotency-Key was used for another request.",
    "Repeat a request byte for byte, or take a new key for a new one.",
);
pub const API_KEY_MISSING: Code = code(
    "api_key_missing",
    401,
    "No API key came with the request.",
    "Send `Authorization: Bearer kpk_…`; `kopeck keys create` makes a key.",
);
pub const API_KEY_INVALID: Code = code(
    "api_key_invalid",
    401,
    "There is no such API key.",
    "Check that the key was copied whole; `kopeck keys list` shows the first characters of each.",
);
pub const API_KEY_REVOKED: Code = code(
    "api_key_revoked",
    401,
    "This API key was revoked.",
    "Make a new one with `kopeck keys create` and put it where the old one was.",
);
pub const PAYMENT_NOT_FOUND: Code = code(
    "payment_not_found",
    404,
    "The shop has no such payment.",
    "Check the id, and that the key is of the shop that made the payment.",
);
pub const PAYMENT_NOT_CAPTURABLE: Code = code(
    "payment_not_capturable",
    409,
    "Only a payment with money on hold can be captured.",
    "Create the payment with `capture: \"manual\"`, wait for `payment.authorized`, then capture.",
);
pub const CAPTURE_TOO_LARGE: Code = code(
    "capture_too_large",
    422,
    "More is to be captured than is held.",
    "Send an amount up to `authorized_kopecks`, or none to capture all of it.",
);
pub const CAPTURE_AMOUNT_NEEDED: Code = code(
    "capture_amount_needed",
    422,
    "Another sum is held than the order's, and the capture names none.",
    "Look at the payment; then send the `amount` to capture, or cancel the payment.",
);
pub const PAYMENT_NOT_CANCELABLE: Code = code(
    "payment_not_cancelable",
    409,
    "Only a hold that is not being captured can be canceled.",
    "What was paid is given back by a refund; a link nobody paid ends by itself.",
);
pub const PAYMENT_NOT_REFUNDABLE: Code = code(
    "payment_not_refundable",
    409,
    "Nothing was paid, so nothing can be refunded.",
    "Wait for `payment.paid`; an unpaid link simply ends by itself.",
);
pub const REFUND_TOO_LARGE: Code = code(
    "refund_too_large",
    422,
    "The refund is larger than what is left of the payment.",
    "Ask for at most `refundable_kopecks`, or leave the amount out for all that is left.",
);
pub const REFUND_NOTHING_LEFT: Code = code(
    "refund_nothing_left",
    409,
    "All of the payment is refunded, or is being refunded.",
    "Look at the payment's refunds: `GET /v1/payments/{id}`.",
);
pub const REFUND_LIMIT: Code = code(
    "refund_limit",
    409,
    "The payment has as many refunds as one payment may have.",
    "Refund the rest in the bank's cabinet; Kopeck will find it there.",
);
const REFUND_UNSUPPORTED: Code = code(
    "refund_unsupported",
    422,
    "It came by a code whose payments the bank's API does not send back.",
    "Send it back in the bank's internet bank, «QR-платежи».",
);
pub const REFUND_NOT_FOUND: Code = code(
    "refund_not_found",
    409,
    "The bank did not answer the refund and does not list it.",
    "Look at the payment in the bank's cabinet; if the money is still there, refund again.",
);
pub const PLACE_NOT_FOUND: Code = code(
    "place_not_found",
    404,
    "The shop has no such place.",
    "Check the id: it begins with plc_. `GET /v1/places` lists them.",
);
pub const PLACE_NOT_READY: Code = code(
    "place_not_ready",
    409,
    "The place has no code: the bank did not make it yet, or refused to.",
    "Look at the place in a minute; its `failure` says why when the bank refused.",
);
pub const PLACE_SUSPENDED: Code = code(
    "place_suspended",
    409,
    "The place is suspended: nobody should pay by its code, so it is not drawn.",
    "Resume the place first, or take another one.",
);
pub const DESK_NOT_FOUND: Code = code(
    "desk_not_found",
    404,
    "The shop has no such desk.",
    "Check the id: it begins with plc_. `GET /v1/desks` lists them.",
);
pub const DESK_BUSY: Code = code(
    "desk_busy",
    409,
    "Another sale goes on at the desk.",
    "Wait until it is paid or over, cancel it, or charge at another desk.",
);
pub const DESK_REPEATED: Code = code(
    "desk_repeated",
    409,
    "This sale was charged already; the page shows how it ended.",
    "Send the form once more to charge the same sum anew.",
);
pub const DESK_IDLE: Code = code(
    "desk_idle",
    409,
    "No sale goes on at the desk.",
    "There is nothing to cancel; `GET /v1/desks/{id}` shows the last sale.",
);
pub const DESK_ARMED: Code = code(
    "desk_armed",
    409,
    "The bank refuses to arm the desk's code: it waits for another sum there.",
    "Wait until that is paid or over, or disarm it where it was armed; then charge again.",
);
pub const DESK_UNANSWERED: Code = code(
    "desk_unanswered",
    503,
    "The bank did not answer, and the desk's code is not armed.",
    "Charge again; should somebody have paid all the same, the payment appears by itself.",
);
pub const DESK_LINK_NOT_FOUND: Code = code(
    "desk_link_not_found",
    404,
    "There is no such link of a clerk, or it was revoked.",
    "Make a new one with `kopeck desk link`.",
);
pub const ACCOUNT_NOT_FOUND: Code = code(
    "account_not_found",
    404,
    "The customer has no such saved account.",
    "Check both ids: `GET /v1/customers/{id}/accounts` lists them.",
);
pub const ACCOUNT_NOT_ACTIVE: Code = code(
    "account_not_active",
    409,
    "The saved account cannot be charged: the payer has not agreed, or has taken it back.",
    "Wait until its status is `active`, or let the customer save an account anew.",
);
pub const CARD_NOT_FOUND: Code = code(
    "card_not_found",
    404,
    "The customer has no such saved card.",
    "Check both ids: `GET /v1/customers/{id}/cards` lists them.",
);
pub const CARD_NOT_ACTIVE: Code = code(
    "card_not_active",
    409,
    "The saved card cannot be charged: it is not saved yet, or its consent was taken back.",
    "Let the customer pay once more and save a card anew.",
);
pub const CARD_UNSUPPORTED: Code = code(
    "card_unsupported",
    422,
    "None of the shop's banks, or not the one that is named, saves cards for payments by the shop.",
    "Connect T-Bank or Tochka with `kopeck init`, or leave `save_card` out.",
);
pub const CONSENT_EXCEEDED: Code = code(
    "consent_exceeded",
    409,
    "The sum is larger than what the payer agreed to.",
    "Charge at most that, or ask for a new consent: let him pay and save anew.",
);
pub const ACCOUNT_UNSUPPORTED: Code = code(
    "account_unsupported",
    422,
    "None of the shop's banks, or not the one that is named, saves payers' bank accounts.",
    "Connect T-Bank with `kopeck init`, or leave `save_account` out.",
);
pub const POSTER_INVALID: Code =
    code("poster_invalid", 422, "The poster cannot be drawn so.", "Mend what `param` names.");
pub const ROUTE_NOT_FOUND: Code =
    code("route_not_found", 404, "There is nothing at this address.", "See /docs for what is.");
pub const METHOD_NOT_ALLOWED: Code = code(
    "method_not_allowed",
    405,
    "This address does not take this method.",
    "See /docs for the method.",
);
pub const BODY_TIMEOUT: Code = code(
    "body_timeout",
    408,
    "The body of the request did not come in time, or was cut off.",
    "Send it again, with the same Idempotency-Key.",
);
pub const BODY_TOO_LARGE: Code = code(
    "body_too_large",
    413,
    "The body is larger than this address takes.",
    "Send less: the API takes 256 KiB and 16 KiB of `metadata`, a notice address 64 KiB.",
);
pub const INTERNAL: Code = code(
    "internal_error",
    500,
    "Kopeck failed at this request; nothing is half-done.",
    "Repeat it with the same Idempotency-Key; if it stays so, look for the request id in the log.",
);
pub const DATABASE_UNAVAILABLE: Code = code(
    "database_unavailable",
    503,
    "The database is busy or cannot be reached.",
    "Repeat the request in a few seconds, with the same Idempotency-Key.",
);
pub const BANK_UNAVAILABLE: Code = code(
    "bank_unavailable",
    503,
    "The bank does not answer, or asks to come back later.",
    "Try again in a minute; if it stays so, check the address and the network.",
);
const BANK_TOKEN_EXPIRED: Code = code(
    "bank_token_expired",
    502,
    "The bank's access token is not set or has ended.",
    "Make a new key in the internet bank and save it: `kopeck init`.",
);
const BANK_TOKEN_MALFORMED: Code = code(
    "bank_token_malformed",
    502,
    "The bank's access token was damaged when it was copied.",
    "Copy it whole, without the word Bearer, and save it: `kopeck init`.",
);
const BANK_TOKEN_REFUSED: Code = code(
    "bank_token_refused",
    502,
    "The bank does not accept the access token: wrong or ended.",
    "Make a new key in the internet bank and save it: `kopeck init`.",
);
const BANK_PERMISSION_MISSING: Code = code(
    "bank_permission_missing",
    502,
    "The bank forbids it: the key was revoked, lacks a permission, or is another company's.",
    "Make a new key with all permissions for acquiring, and check customer_code and merchant_id.",
);
const BANK_LOGIN_REFUSED: Code = code(
    "bank_login_refused",
    502,
    "The bank refused the OAuth login.",
    "Check client_id and client_secret and connect the bank again.",
);
const BANK_VALIDATION_FAILED: Code = code(
    "bank_validation_failed",
    422,
    "The bank says that the request is wrong.",
    "Mend the field that the bank names in the message.",
);
const BANK_REFUSED: Code = code(
    "bank_refused",
    409,
    "The bank refused; the message quotes its reason.",
    "Follow the hint; the payment's timeline shows the exchange.",
);
const BANK_OBJECT_MISSING: Code = code(
    "bank_object_missing",
    404,
    "The bank knows no such payment under this company.",
    "Check that the connection is the one the payment was made with.",
);
const BANK_ROUTE_UNKNOWN: Code = code(
    "bank_route_unknown",
    422,
    "The bank has no such method at the address that is set.",
    "Check base_url of the connection.",
);
pub const CHARGE_UNANSWERED: Code = code(
    "charge_unanswered",
    409,
    "The bank did not answer a charge of what was saved, and took nothing until its time was over.",
    "Nothing was charged: make another payment if the sum is still due.",
);
const REFERENCE_TAKEN: Code =
    code("reference_taken", 409, "The bank has this reference already.", "Kopeck looks it up.");

/// Every code, in the order in which people meet them.
pub static CODES: &[Code] = &[
    API_KEY_MISSING,
    API_KEY_INVALID,
    API_KEY_REVOKED,
    MALFORMED_JSON,
    BODY_TOO_LARGE,
    BODY_TIMEOUT,
    PLACE_NOT_FOUND,
    PLACE_NOT_READY,
    PLACE_SUSPENDED,
    DESK_NOT_FOUND,
    DESK_BUSY,
    DESK_REPEATED,
    DESK_IDLE,
    DESK_ARMED,
    DESK_UNANSWERED,
    DESK_LINK_NOT_FOUND,
    ACCOUNT_NOT_FOUND,
    ACCOUNT_NOT_ACTIVE,
    PLAN_NOT_FOUND,
    PLAN_EXISTS,
    PLAN_ARCHIVED,
    COUPON_INVALID,
    COUPON_EXISTS,
    COUPON_NOT_FOUND,
    SUBSCRIPTION_NOT_FOUND,
    TODO_NOT_FOUND,
    CHARGE_NOT_SETTLEABLE,
    PAYMENT_NOT_ASSIGNABLE,
    SUBSCRIPTION_EXISTS,
    SUBSCRIPTION_BUSY,
    SUBSCRIPTION_STATE,
    CONSENT_MISSING,
    BANK_SCHEDULE_IMPOSSIBLE,
    BANK_DID_NOT_CHARGE,
    ACCOUNT_UNSUPPORTED,
    CARD_NOT_FOUND,
    CARD_NOT_ACTIVE,
    CARD_UNSUPPORTED,
    CONSENT_EXCEEDED,
    POSTER_INVALID,
    ROUTE_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    PARAM_UNKNOWN,
    PARAM_DUPLICATE,
    PARAM_MISSING,
    PARAM_INVALID,
    CURSOR_INVALID,
    AMOUNT_INVALID,
    AMOUNT_CONFLICT,
    CARD_NUMBER_REFUSED,
    RECEIPT_INVALID,
    RECEIPT_DEFAULTS_MISSING,
    RECEIPT_BY_HAND,
    RECEIPT_NOT_FOUND,
    RECEIPT_NOT_DUE,
    RECEIPT_NOT_RETRYABLE,
    RECEIPT_NOT_CLOSABLE,
    BANK_UNKNOWN,
    BANK_NOT_CONNECTED,
    IDEMPOTENCY_KEY_INVALID,
    IDEMPOTENCY_KEY_REUSED,
    PAYMENT_NOT_FOUND,
    PAYMENT_NOT_CAPTURABLE,
    CAPTURE_TOO_LARGE,
    CAPTURE_AMOUNT_NEEDED,
    PAYMENT_NOT_CANCELABLE,
    PAYMENT_NOT_REFUNDABLE,
    REFUND_TOO_LARGE,
    REFUND_NOTHING_LEFT,
    REFUND_LIMIT,
    REFUND_UNSUPPORTED,
    REFUND_NOT_FOUND,
    BANK_TOKEN_EXPIRED,
    BANK_TOKEN_MALFORMED,
    BANK_TOKEN_REFUSED,
    BANK_PERMISSION_MISSING,
    BANK_LOGIN_REFUSED,
    BANK_VALIDATION_FAILED,
    BANK_REFUSED,
    BANK_OBJECT_MISSING,
    BANK_ROUTE_UNKNOWN,
    REFERENCE_TAKEN,
    CHARGE_UNANSWERED,
    BANK_UNAVAILABLE,
    DATABASE_UNAVAILABLE,
    INTERNAL,
    WEBHOOK_NOT_FOUND,
    WEBHOOK_URL_INVALID,
    WEBHOOK_URL_PRIVATE,
    WEBHOOK_HEADER_INVALID,
    WEBHOOK_LIMIT,
    WEBHOOK_DISABLED,
    WEBHOOK_REMOVED,
    DELIVERY_NOT_FOUND,
    EVENT_NOT_FOUND,
    PAYMENT_NOT_PAID,
    ALREADY_CLAIMED,
];

pub fn find_code(code: &str) -> Option<&'static Code> {
    CODES.iter().chain(INTEGRATIONS).chain(DECLINES).find(|row| row.code == code)
}

/// The status of a bank's refusal. A bank that does not accept our key is a bad gateway: the caller
/// did nothing wrong, and a retry does not help before the connection is mended.
pub const fn status_of_class(class: RefusalClass) -> u16 {
    match class {
        RefusalClass::Invalid | RefusalClass::Unsupported => 422,
        RefusalClass::Credentials => 502,
        RefusalClass::NotFound => 404,
        RefusalClass::Duplicate | RefusalClass::Conflict => 409,
    }
}

/// The status of a stored refusal, of which only the code is known.
pub fn status_of(code: &str) -> u16 {
    let known = find_code(code).map(|row| row.status);
    let of_bank = || {
        let mut refusals = BANKS.iter().flat_map(|bank| bank.known_refusals());
        refusals.find(|refusal| refusal.code == code).map(|r| status_of_class(r.class))
    };
    known.or_else(of_bank).unwrap_or(409)
}

fn line(row: &Code) -> String {
    format!("| `{}` | {} | {} | {} |\n", row.code, row.status, row.about, row.action)
}

/// The table as a Markdown page.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         Generated from `crates/server/src/http/codes.rs`; do not edit.\n\n\
         Every error is one JSON object: `{\"error\": {\"code\", \"message\", \"hint\", \"param\", \
         \"request_id\"}}`, with the HTTP status below. Branch on `code`; `message` and `hint` are \
         for people and may change. `param` names the field at fault, if there is one. An error \
         of a bank may also have `payment_id` and `refund_id`: what it was about is stored and can \
         be looked at.\n\n| code | status | meaning | what to do |\n|---|---|---|---|\n",
    );
    page.extend(CODES.iter().chain(INTEGRATIONS).map(line));
    page.push_str(
        "\n## Why a payer's bank declines\n\nOf payments that are taken from what was saved, and \
         in `failure` of others.\n\n| code | status | meaning | what to do |\n|---|---|---|---|\n",
    );
    page.extend(DECLINES.iter().map(line));
    for bank in BANKS {
        let title = format!(
            "\n## What {} refuses\n\nChecked before a request leaves, so nothing is created.\n\n\
             | code | status | param | meaning | what to do |\n|---|---|---|---|---|\n",
            bank.name()
        );
        page.push_str(&title);
        for refusal in bank.known_refusals() {
            let param = refusal.param.map_or(String::new(), |param| format!("`{param}`"));
            let status = status_of_class(refusal.class);
            let line = format!(
                "| `{}` | {status} | {param} | {} | {} |\n",
                refusal.code, refusal.message, refusal.hint
            );
            page.push_str(&line);
        }
    }
    page
}
