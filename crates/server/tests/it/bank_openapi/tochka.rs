//! Tochka: what its document does not say, and the trial itself.

mod ours;
mod sbp;
mod strangers;
mod subscriptions;

use kopeck_banks::{
    op::BankOp,
    tochka::{Tochka, emulator::TochkaEmulator},
};

use super::{
    court::{Court, Exception, Place, Rules},
    document::Operation,
};
use crate::harness::bank::KEY;

const DOCUMENT: &str = include_str!("../../../../banks/src/tochka/fixtures/openapi.json");
const ORIGIN: &str = "http://127.0.0.1:9900";
const HOOK: &str = "http://127.0.0.1:8000/notices/tochka";

/// Addresses that the document does not have, by prefix.
static OUTSIDE: &[(&str, &str)] = &[
    ("/connect/", "the OAuth server is described in the guides only"),
    ("/doc/openapi/static/keys/public", "the key page is a file, not a call of the API"),
    ("/uapi/v1.0/consents", "the guide's short path, which the bank serves as well"),
    (
        "/uapi/open-banking/v1.0/accounts/40702810302000000092/044525104",
        "an accountId holds a slash; the bank takes it raw, where a template sees two segments",
    ),
    ("/uapi/acquiring/v1/", "a route that does not exist is the bank's 501"),
];

/// Statuses that the document does not declare.
static UNDECLARED: &[(u16, &str)] = &[
    (401, "a token that has ended: seen at the bank, declared nowhere"),
    (429, "limits are nowhere described, every SDK handles them"),
    (503, "a gateway's plain text"),
];

/// The document's operations that must be exercised, by prefix; then those among them that Kopeck
/// does not use (yet) and its emulator does not serve.
static COVERED: &[&str] = &[
    "/acquiring/",
    "/open-banking/v1.0/customers",
    "/open-banking/v1.0/accounts",
    "/open-banking/v1.0/statements",
    "/webhook/",
    "/consent/",
    "/sbp/",
];
static NOT_COVERED: &[(&str, &str)] = &[
    ("/balances", "taking payments needs no balances"),
    ("GET /open-banking/v1.0/statements", "a statement is read by the id that asking gave"),
    ("/authorized-card-transactions", "the merchant's own cards are none of our business"),
];

/// Where the bank is known to do otherwise than its document of v1.91.2 says.
static EXCEPTIONS: &[Exception] = &[
    Exception {
        path: "GET /acquiring/v1.0/subscriptions",
        place: Place::Answer,
        what: "/Data/Subscription/*: \"Items\" is a required property",
        reason: "Items are required even of a subscription that has no receipt",
    },
    Exception {
        path: "GET /acquiring/v1.0/subscriptions",
        place: Place::Answer,
        what: "/Data/Subscription/*: Additional properties are not allowed ('CofToken'",
        reason: "the kept card is shown since v1.93",
    },
    Exception {
        path: "GET /acquiring/v1.0/payments/{operationId}",
        place: Place::Answer,
        what: "/Data/Operation/*: Additional properties are not allowed ('CofToken'",
        reason: "the kept card is shown since v1.93, in a payment too",
    },
    Exception {
        path: "GET /acquiring/v1.0/payments",
        place: Place::Answer,
        what: "/Data/Operation/*: Additional properties are not allowed ('CofToken'",
        reason: "the kept card is shown since v1.93, in the list of payments too",
    },
];

static RULES: Rules = Rules {
    notices: &[],
    mounts: &["/uapi", "/sandbox/v2"],
    outside: OUTSIDE,
    undeclared: UNDECLARED,
    exceptions: EXCEPTIONS,
    is_signed: |request| request.find_header("authorization").is_some(),
};

fn open_court() -> Court {
    let bank = TochkaEmulator::new(ORIGIN, &KEY, 7).unwrap();
    let environment = bank.test_credentials();
    Court::new(DOCUMENT, &Tochka, &RULES, Box::new(bank), environment)
}

#[test]
fn the_banks_own_document_approves_of_client_and_emulator() {
    let mut court = open_court();
    ours::payments(&mut court);
    subscriptions::ours(&mut court);
    ours::notices(&mut court);
    let consent = ours::oauth(&mut court);
    for op in [BankOp::Retailers, BankOp::Customers, BankOp::Accounts] {
        court.done(&op);
    }
    let point_id = sbp::ours(&mut court);
    ours::refusals(&mut court);
    sbp::strangers(&mut court, &point_id);
    subscriptions::strangers(&mut court);
    strangers::exercise(&mut court, &consent.consent_id);
    court.close(&OP_NAMES);
    check_coverage(&court);
}

fn check_coverage(court: &Court) {
    let is_wanted = |one: &&Operation| {
        COVERED.iter().any(|prefix| one.path.starts_with(prefix))
            && !NOT_COVERED.iter().any(|(part, _)| one.name().contains(part))
    };
    let wanted = court.document.operations.iter().filter(is_wanted);
    let names: Vec<String> = wanted.map(Operation::name).collect();
    assert_eq!(names.len(), 55, "{names:#?}");
    for name in names {
        let statuses = court.heard.get(&name).cloned().unwrap_or_default();
        let said = |wanted: u16| statuses.iter().any(|(status, _)| *status == wanted);
        let (yes, no) = (said(200), said(403));
        assert!(yes && no, "{name} was heard to say {statuses:?} only");
    }
}

const OP_NAMES: [&str; 55] = [
    "CreateLink",
    "GetPayment",
    "FindPayment",
    "ListPayments",
    "Capture",
    "Refund",
    "Void",
    "Registry",
    "Retailers",
    "Customers",
    "Accounts",
    "Statement Ask",
    "Statement Read",
    "ShowNotices",
    "RegisterNotices",
    "TestNotice",
    "DeleteNotices",
    "FetchNoticeKeys",
    "ClientToken",
    "CreateConsent",
    "ListConsents",
    "ExchangeCode",
    "Refresh",
    "Introspect",
    "Subscription Open",
    "Subscription List",
    "Subscription Status",
    "Subscription Cancel",
    "Subscription Charge",
    "Sbp Setup ShowCompany",
    "Sbp Setup RegisterCompany",
    "Sbp Setup FindCompany",
    "Sbp Setup SetCompany",
    "Sbp Setup Accounts",
    "Sbp Setup RegisterPoint",
    "Sbp Setup Points",
    "Sbp Setup ShowPoint",
    "Sbp Setup SetPoint",
    "Sbp Code Register",
    "Sbp Code Show",
    "Sbp Code List",
    "Sbp Code States",
    "Sbp Desk Register",
    "Sbp Desk List",
    "Sbp Desk Show",
    "Sbp Desk Arm",
    "Sbp Desk Disarm",
    "Sbp Desk Move",
    "Sbp Desk State",
    "Sbp Desk Payment",
    "Sbp Invoice Register",
    "Sbp Invoice Show",
    "Sbp Payments",
    "Sbp StartRefund",
    "Sbp FindRefund",
];
