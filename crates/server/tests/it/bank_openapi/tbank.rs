//! T-Bank: the trial itself.

mod exceptions;
mod ours;
mod strangers;

use kopeck_banks::{
    Credentials,
    http::HttpRequest,
    tbank::{
        Tbank,
        emulator::{TbankEmulator, directory},
    },
};
use serde_json::Value;

use super::{
    court::{Court, Place, Rules},
    document::Operation,
};

const DOCUMENT: &str = include_str!("../../../../banks/src/tbank/fixtures/openapi.json");
const ORIGIN: &str = "http://127.0.0.1:9901";
const HOOK: &str = "http://127.0.0.1:8000/notices/tbank";

static RULES: Rules = Rules {
    mounts: &[],
    outside: exceptions::OUTSIDE,
    undeclared: &[],
    exceptions: exceptions::EXCEPTIONS,
    notices: &[
        "NotificationPayment",
        "NotificationAddCard",
        "NotificationQr",
        "NotificationFiscalization",
    ],
    is_signed,
};

/// Every notice that the emulator can give out, by kind and status.
const NOTICES: &[(&str, &str)] = &[
    ("NotificationAddCard", "COMPLETED"),
    ("NotificationAddCard", "REJECTED"),
    ("NotificationFiscalization", "RECEIPT"),
    ("NotificationPayment", "AUTHORIZED"),
    ("NotificationPayment", "CANCELED"),
    ("NotificationPayment", "CONFIRMED"),
    ("NotificationPayment", "PARTIAL_REFUNDED"),
    ("NotificationPayment", "PARTIAL_REVERSED"),
    ("NotificationPayment", "REFUNDED"),
    ("NotificationPayment", "REJECTED"),
    ("NotificationPayment", "REVERSED"),
    ("NotificationQr", "ACTIVE"),
    ("NotificationQr", "INACTIVE"),
];

/// Each notice is of the terminal that it names.
fn terminal_of(notice: &Value) -> Credentials {
    let terminal = notice["TerminalKey"].as_str().and_then(directory::find_terminal);
    let pairs = terminal.map(|own| [("terminal_key", own.key), ("password", own.password)]);
    let pairs = pairs.into_iter().flatten();
    Credentials::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// The calls by GET are unsigned by the document.
fn is_signed(request: &HttpRequest) -> bool {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    request.body.is_empty() || body["Token"].as_str().is_some_and(|token| token.len() == 64)
}

#[test]
fn the_document_of_tbank_approves_of_client_and_emulator() {
    let bank = TbankEmulator::new(ORIGIN, 7).unwrap();
    let environment = bank.test_credentials();
    let mut court = Court::new(DOCUMENT, &Tbank, &RULES, Box::new(bank), environment);
    ours::payments(&mut court);
    ours::receipts(&mut court);
    ours::cards(&mut court);
    ours::sbp(&mut court);
    ours::terminal(&mut court);
    ours::refusals(&mut court);
    ours::announced(&mut court);
    court.take_notices(terminal_of);
    strangers::exercise(&mut court);
    court.take_notices(terminal_of);
    let noticed = court.noticed.iter().map(|(kind, status)| (kind.as_str(), status.as_str()));
    assert_eq!(noticed.collect::<Vec<_>>(), NOTICES);
    court.close(&OP_NAMES);
    check_coverage(&court);
}

/// What the client uses has said both yes and no.
fn check_coverage(court: &Court) {
    let is_known = |path: &str| exceptions::NOT_COVERED.iter().any(|(known, _)| *known == path);
    let unknown = exceptions::NOT_COVERED.iter().find(|(path, _)| {
        !court.document.operations.iter().any(|operation| operation.path == *path)
    });
    assert_eq!(unknown, None, "the document has no such path");
    let wanted = court.document.operations.iter().filter(|one| !is_known(&one.path));
    let names: Vec<String> = wanted.map(Operation::name).collect();
    assert_eq!(names.len(), 31, "{names:#?}");
    for name in names {
        let heard = court.heard.get(&name).cloned().unwrap_or_default();
        let said = |place: Place| heard.contains(&(200, place));
        assert!(said(Place::Answer) && said(Place::Refusal), "{name} was heard to say {heard:?}");
    }
}

const OP_NAMES: [&str; 31] = [
    "CreateLink",
    "GetPayment",
    "FindPayment",
    "Capture",
    "Refund",
    "Void",
    "FetchNoticeKeys",
    "Card AddPayer",
    "Card ShowPayer",
    "Card RemovePayer",
    "Card Bind",
    "Card ShowBinding",
    "Card List",
    "Card Remove",
    "Card Charge",
    "Sbp Qr",
    "Sbp RefundBanks",
    "Sbp ShowRefund",
    "Sbp Bind",
    "Sbp ShowBinding",
    "Sbp Accounts",
    "Sbp Charge",
    "Sbp Banks",
    "Sbp PayTest",
    "Terminal Methods",
    "Terminal TPayState",
    "Terminal WalletLink",
    "Terminal WalletQr",
    "Terminal ResendNotices",
    "Terminal ConfirmationLetter",
    "Terminal ClosingReceipt",
];
