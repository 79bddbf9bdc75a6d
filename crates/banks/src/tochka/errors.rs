//! A reply outside 2xx as an outcome: what the bank clearly refused, what it may still have done,
//! and what the merchant does about it.

use crate::{
    bank::Credentials,
    http::HttpReply,
    op::{Answer, AuthOp, BankOp, Outcome, Refusal, RefusalClass, SubscriptionOp},
};

use super::{
    codes::{self, BankError},
    quirks, sbp, subscriptions, token,
};

/// A `Retry-After` beyond this is not believed: a day without asking would lose payments.
const MAX_RETRY_AFTER_S: u32 = 3_600;

/// Reads a reply whose status is not 2xx.
pub fn read(credentials: &Credentials, op: &BankOp, reply: &HttpReply) -> Outcome {
    let error = BankError::read(&reply.body);
    let refuse = |class, code, hint: &str| {
        Outcome::Refused(Refusal {
            class,
            code,
            message: error.quote(reply.status),
            hint: hint.to_owned(),
            param: None,
        })
    };
    match reply.status {
        400 | 401 | 403 if is_login(op) => refuse(RefusalClass::Credentials, LOGIN, LOGIN_HINT),
        400 => refuse(RefusalClass::Invalid, "bank_validation_failed", hint_for_invalid(op)),
        401 => refuse(
            RefusalClass::Credentials,
            "bank_token_refused",
            &format!("{}{TOKEN_HINT}", token_remark(credentials, op)),
        ),
        403 => refuse(
            RefusalClass::Credentials,
            "bank_permission_missing",
            &permission_hint(credentials, op),
        ),
        404 if matches!(op, BankOp::ShowNotices) => Outcome::Done(Answer::Notices(None)),
        404 => missing(op, refuse),
        424 => dependency(op, &error, refuse),
        429 => {
            let seconds =
                reply.find_header("retry-after").and_then(|text| text.trim().parse().ok());
            Outcome::Busy { retry_after_s: seconds.map(|s: u32| s.min(MAX_RETRY_AFTER_S)) }
        }
        501 => refuse(
            RefusalClass::Unsupported,
            "bank_route_unknown",
            "The bank has no such method at this address: check base_url, which must end in /uapi \
             or /sandbox/v2; the bank's sandbox has fewer methods than the bank.",
        ),
        status => Outcome::Unknown { why: format!("the bank answered {status}") },
    }
}

/// 424, «fail dependent service», is how acquiring says no to a business request. Without its
/// reason it could as well be a service that broke halfway, so then the outcome is unknown.
fn dependency(
    op: &BankOp,
    error: &BankError,
    refuse: impl Fn(RefusalClass, &'static str, &str) -> Outcome,
) -> Outcome {
    if error.detail.is_empty() && (error.general.is_empty() || codes::is_mutating(op)) {
        return Outcome::Unknown { why: "the bank answered 424 without a reason".to_owned() };
    }
    let makes_link =
        matches!(op, BankOp::CreateLink(_) | BankOp::Subscription(SubscriptionOp::Open(_)));
    if makes_link && error.says_exists() {
        return refuse(
            RefusalClass::Duplicate,
            "reference_taken",
            "The bank has a link with this reference already: look for it in the list of payments \
             before making another.",
        );
    }
    if let BankOp::Sbp(op) = op
        && let Some(meaning) = sbp::errors::taken(op).filter(|_| error.says_exists())
    {
        return refuse(meaning.class, meaning.code, meaning.hint);
    }
    if error.says_missing() {
        return missing(op, refuse);
    }
    refuse(RefusalClass::Conflict, "bank_refused", hint_for_conflict(op))
}

fn missing(op: &BankOp, refuse: impl Fn(RefusalClass, &'static str, &str) -> Outcome) -> Outcome {
    if let BankOp::Sbp(op) = op {
        let meaning = sbp::errors::missing(op);
        return refuse(meaning.class, meaning.code, meaning.hint);
    }
    if let BankOp::Subscription(op) = op {
        let (code, hint) = subscriptions::errors::missing(op);
        return refuse(RefusalClass::NotFound, code, hint);
    }
    refuse(RefusalClass::NotFound, MISSING, MISSING_HINT)
}

const MISSING: &str = "bank_object_missing";
const MISSING_HINT: &str = "The bank knows no such object under this company: check the id, and \
                            that the connection is the one it was made with.";

const LOGIN: &str = "bank_login_refused";
const LOGIN_HINT: &str = "Check client_id and client_secret. A code lives 5 minutes and a refresh \
                          token 30 days, each good once: connect the bank again through its \
                          consent page.";

const TOKEN_HINT: &str = "The access token has ended or was replaced: refresh it, or make a new \
                          JWT key in the internet bank, «Интеграции и API».";

/// Whether a refusal is about the OAuth login itself.
const fn is_login(op: &BankOp) -> bool {
    matches!(
        op,
        BankOp::Auth(AuthOp::ClientToken { .. } | AuthOp::ExchangeCode { .. } | AuthOp::Refresh)
    )
}

/// What the token looks like from here, as a sentence with a space after it, or nothing.
fn token_remark(credentials: &Credentials, op: &BankOp) -> String {
    let problem = quirks::find_token(credentials, op).and_then(token::shape_problem);
    problem.map_or_else(String::new, |problem| format!("{} ", problem.message))
}

/// 403 has one text, "Forbidden by consent", for every cause, so all likely ones are named.
fn permission_hint(credentials: &Credentials, op: &BankOp) -> String {
    let permission = codes::permission(op).map_or_else(String::new, |name| {
        format!("the key lacks the permission {name}, which this call needs; ")
    });
    // Of a point or a company that it does not know SBP says the same.
    let ids = if matches!(op, BankOp::Sbp(_)) {
        "customer_code, or the company's or the point's id in SBP,"
    } else {
        "customer_code or merchant_id"
    };
    format!(
        "{}Likely causes: the key is wrong, or was deleted or issued anew (revoked), so that \
         this one is dead; {permission}{ids} is not of the company that gave the key.",
        token_remark(credentials, op),
    )
}

const fn hint_for_invalid(op: &BankOp) -> &'static str {
    if matches!(op, BankOp::RegisterNotices { .. }) {
        return NOTICES_HINT;
    }
    "Mend the field that the bank names; if Kopeck sent what you did not, report it with the audit \
     id."
}

const NOTICES_HINT: &str = "The bank saves the address only after a test notice of each kind gets \
                            200 from it: check that it can be reached from the internet over https \
                            on port 443.";

const fn hint_for_conflict(op: &BankOp) -> &'static str {
    match op {
        BankOp::CreateLink(_) => {
            "Check in the internet bank that internet acquiring is connected and that the point \
             allows the chosen ways to pay."
        }
        BankOp::Capture { .. } => {
            "Look at the payment's state: only a hold that has not run out can be captured."
        }
        BankOp::Refund { .. } => {
            "Look at the payment's state: only a paid operation can be refunded, up to what was \
             paid; payments of subscriptions and in digital rubles in the internet bank only."
        }
        BankOp::RegisterNotices { .. } => NOTICES_HINT,
        BankOp::Sbp(op) => sbp::errors::hint_for_conflict(op),
        BankOp::Subscription(op) => subscriptions::errors::hint_for_conflict(op),
        BankOp::GetPayment { .. }
        | BankOp::ListPayments { .. }
        | BankOp::FindPayment { .. }
        | BankOp::Void { .. }
        | BankOp::Registry { .. }
        | BankOp::Retailers
        | BankOp::Customers
        | BankOp::Accounts
        | BankOp::Statement(_)
        | BankOp::ShowNotices
        | BankOp::TestNotice { .. }
        | BankOp::DeleteNotices
        | BankOp::FetchNoticeKeys
        | BankOp::Auth(_)
        | BankOp::Card(_)
        | BankOp::Terminal(_) => "Ask the bank's support, quoting the audit id.",
    }
}
