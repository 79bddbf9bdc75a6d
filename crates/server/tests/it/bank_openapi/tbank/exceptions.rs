//! Where T-Bank's document is wrong or silent, as data with the reason.

use crate::bank_openapi::court::{Exception, Place};

/// Addresses that the document does not have, by prefix.
pub static OUTSIDE: &[(&str, &str)] = &[
    ("/v2/Resend", "a method of the older documents, which live terminals still serve"),
    ("/v2/CheckOrder/", "a slash at the end, which strangers' clients add"),
    ("/v2/v2/", "a base address with the version in it, to which a client adds it again"),
    ("/v2/Nothing", "a method that the bank does not have either"),
];

/// Paths of the document that our client does not use.
pub static NOT_COVERED: &[(&str, &str)] = &[
    ("/v2/Check3dsVersion", "it carries card data: for merchants with PCI DSS"),
    ("/v2/3DSMethod", "it is served by the issuer's server"),
    ("/v2/FinishAuthorize", "it carries card data: for merchants with PCI DSS"),
    ("/v2/AttachCard", "it carries card data: for merchants with PCI DSS"),
    ("/v2/ACSUrl", "it is served by the issuer's server"),
    ("/v2/SubmitRandomAmount", "the old way to check a card, which no CheckType leads to"),
    ("/v2/Submit3DSAuthorization", "it follows FinishAuthorize"),
    ("/v2/Submit3DSAuthorizationV2", "it follows FinishAuthorize"),
    ("/v2/Notification", "served by the merchant: the notices"),
];

pub static EXCEPTIONS: &[Exception] = &[
    Exception {
        path: "",
        place: Place::Refusal,
        what: ": \"",
        reason: "a refusal is the envelope alone; the document requires what a success tells",
    },
    Exception {
        path: "",
        place: Place::Refusal,
        what: ": Additional properties are not allowed ('TerminalKey'",
        reason: "the envelope is common, though some methods leave the terminal out of it",
    },
    Exception {
        path: "",
        place: Place::Refusal,
        what: ": Additional properties are not allowed ('Details'",
        reason: "the envelope is common: the reason stands in Details, whatever the method",
    },
    Exception {
        path: "/GetCardList",
        place: Place::Refusal,
        what: ": {",
        reason: "the document knows the bare array of a success only; an error is the envelope",
    },
    Exception {
        path: "/QR",
        place: Place::Refusal,
        what: "the content type is not image/svg",
        reason: "the document knows the picture of a success only; an error is the envelope",
    },
    Exception {
        path: "/Cancel",
        place: Place::Refusal,
        what: "/PaymentId: \"",
        reason: "declared as a number, sent as text as in Init",
    },
    Exception {
        path: "/Cancel",
        place: Place::Answer,
        what: "/PaymentId: \"",
        reason: "declared as a number, sent as text as in Init",
    },
    Exception {
        path: "Qr",
        place: Place::Answer,
        what: "/RequestKey: \"",
        reason: "declared as a number here and as a text there; live ones are texts",
    },
    Exception {
        path: "/GetAddAccountQrState",
        place: Place::Answer,
        what: "/RequestKey: \"",
        reason: "declared as a number here and as a text there; live ones are texts",
    },
    Exception {
        path: "/GetAddAccountQrState",
        place: Place::Request,
        what: "/RequestKey: \"",
        reason: "declared as a number here and as a text there; live ones are texts",
    },
    Exception {
        path: "/GetQr",
        place: Place::Answer,
        what: ": \"RequestKey\" is a required property",
        reason: "there only when the payment saves an account",
    },
    Exception {
        path: "/GetQr",
        place: Place::Request,
        what: "/PaymentId: \"",
        reason: "declared as a number; the bank takes text as well, which is what Init gives",
    },
    Exception {
        path: "/ChargeQr",
        place: Place::Answer,
        what: "/Status: \"FORM_SHOWED\"",
        reason: "the charge is asynchronous: the first answer is FORM_SHOWED",
    },
    Exception {
        path: "/ChargeQr",
        place: Place::Request,
        what: ": Additional properties are not allowed ('BankMemberId' was unexpected)",
        reason: "undocumented, but a live terminal answered 5031 without it",
    },
    Exception {
        path: "/GetAccountQrList",
        place: Place::Answer,
        what: "/AccountTokens/*/AccountToken: \"",
        reason: "a token is a text; the document calls it an object",
    },
    Exception {
        path: "/GetAccountQrList",
        place: Place::Answer,
        what: ": \"RequestKey\" is a required",
        reason: "the document asks at the root for what the list's items have",
    },
    Exception {
        path: "/GetAccountQrList",
        place: Place::Answer,
        what: ": \"Status\" is a required",
        reason: "the document asks at the root for what the list's items have",
    },
    Exception {
        path: "/GetTerminalPayMethods",
        place: Place::Answer,
        what: ": \"PayMethod\" is a required",
        reason: "the document asks at the root for what the list's items have",
    },
    Exception {
        path: "/GetTerminalPayMethods",
        place: Place::Answer,
        what: ": \"TerminalInfo.",
        reason: "the document asks at the root for fields of an inner object, with dots in names",
    },
    Exception {
        path: "/GetTerminalPayMethods",
        place: Place::Request,
        what: "the document has no parameter",
        reason: "a GET whose parameters the document writes as a body",
    },
    Exception {
        path: "/GetTerminalPayMethods",
        place: Place::Request,
        what: "the content type is not JSON",
        reason: "a GET whose parameters the document writes as a body",
    },
    Exception {
        path: "/AddCard",
        place: Place::Request,
        what: ": Additional properties are not allowed ('SuccessURL'",
        reason: "undocumented: the three addresses are taken here as in Init, but unsigned",
    },
    Exception {
        path: "/Init",
        place: Place::Request,
        what: "/DATA: Additional properties are not allowed",
        reason: "additionalProperties slid into properties: any pair of texts is meant",
    },
    Exception {
        path: "/Init",
        place: Place::Request,
        what: "/DATA/OperationInitiatorType: \"D\"",
        reason: "delayed charges came after the document, at the end of 2025",
    },
    Exception {
        path: "/Init",
        place: Place::Request,
        what: "/DATA/OperationInitiatorType: \"N\"",
        reason: "charges for a no-show came after the document, at the end of 2025",
    },
    Exception {
        path: "",
        place: Place::Request,
        what: "/Receipt/Items/*/Tax: \"vat22\"",
        reason: "the rate of 2026 came after the document",
    },
    Exception {
        path: "",
        place: Place::Request,
        what: "/Receipt/Items/*/Tax: \"vat122\"",
        reason: "the rate of 2026 came after the document",
    },
    Exception {
        path: "NotificationPayment",
        place: Place::Notice,
        what: ": Additional properties are not allowed ('Data' was unexpected)",
        reason: "DATA in the schema; its own description says that it comes as Data",
    },
    Exception {
        path: "NotificationQr",
        place: Place::Notice,
        what: "/RequestKey: \"",
        reason: "a uuid here, 32 letters and digits where a payment saves the account",
    },
    Exception {
        path: "",
        place: Place::Request,
        what: "/Receipt/Items/*/MarkCode: {",
        reason: "declared as a list beside its schema; an object there and in every example",
    },
    Exception {
        path: "",
        place: Place::Request,
        what: "/Receipt/Payments: {",
        reason: "declared as a list beside its schema; an object there and in every example",
    },
    Exception {
        path: "/getConfirmOperation",
        place: Place::Answer,
        what: "/ErrorCode: 0",
        reason: "declared as a text, a number in the document's own example",
    },
    Exception {
        path: "/getConfirmOperation",
        place: Place::Answer,
        what: "/PaymentIdList/*/ErrorCode: 0",
        reason: "declared as a text, a number in the document's own example",
    },
    Exception {
        path: "/getConfirmOperation",
        place: Place::Answer,
        what: ": \"RequestList\" is a required property",
        reason: "required but described nowhere, and absent from the document's own example",
    },
];
