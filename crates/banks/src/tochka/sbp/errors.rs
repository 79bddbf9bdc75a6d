//! What a refusal about SBP means and what the merchant does about it.

use crate::op::{CodeOp, DeskOp, InvoiceOp, RefusalClass, SbpOp, SetupOp};

/// A refusal whose cause the bank does not name; `None` for what the general words fit.
pub struct Meaning {
    pub class: RefusalClass,
    pub code: &'static str,
    pub hint: &'static str,
}

/// The company asked about is not in SBP, or there is no such object under it.
pub const fn missing(op: &SbpOp) -> Meaning {
    let (code, hint) = match op {
        SbpOp::Setup(SetupOp::ShowCompany) => (
            "sbp_company_missing",
            "The company is not registered in SBP: register it, then a point of sale, here or in \
             the internet bank, «QR-платежи».",
        ),
        SbpOp::FindRefund { .. } => (
            "sbp_refund_missing",
            "The bank knows no refund of this id: check it, and that the connection is the one it \
             was asked with.",
        ),
        SbpOp::StartRefund(_) => (
            "sbp_payment_missing",
            "The bank knows no payment by this code with this id: take both ids from the notice or \
             from the list of payments.",
        ),
        SbpOp::Setup(_)
        | SbpOp::Code(_)
        | SbpOp::Desk(_)
        | SbpOp::Invoice(_)
        | SbpOp::Payments { .. }
        | SbpOp::Qr { .. }
        | SbpOp::RefundBanks { .. }
        | SbpOp::ShowRefund { .. }
        | SbpOp::Bind { .. }
        | SbpOp::ShowBinding { .. }
        | SbpOp::Accounts
        | SbpOp::Charge { .. }
        | SbpOp::Banks { .. }
        | SbpOp::PayTest { .. } => (
            "bank_object_missing",
            "The bank knows no such company, point or code: take the ids from the company's \
             entry in SBP, and check that the connection is the one it was made with.",
        ),
    };
    Meaning { class: RefusalClass::NotFound, code, hint }
}

/// Only of what exists once for a company.
pub const fn taken(op: &SbpOp) -> Option<Meaning> {
    match op {
        SbpOp::Setup(SetupOp::RegisterCompany) => Some(Meaning {
            class: RefusalClass::Duplicate,
            code: "sbp_company_taken",
            hint: "The company is in SBP already: look at its entry for its points.",
        }),
        SbpOp::Setup(_)
        | SbpOp::Code(_)
        | SbpOp::Desk(_)
        | SbpOp::Invoice(_)
        | SbpOp::Payments { .. }
        | SbpOp::StartRefund(_)
        | SbpOp::FindRefund { .. }
        | SbpOp::Qr { .. }
        | SbpOp::RefundBanks { .. }
        | SbpOp::ShowRefund { .. }
        | SbpOp::Bind { .. }
        | SbpOp::ShowBinding { .. }
        | SbpOp::Accounts
        | SbpOp::Charge { .. }
        | SbpOp::Banks { .. }
        | SbpOp::PayTest { .. } => None,
    }
}

/// What to do when the bank understood and did not want.
pub const fn hint_for_conflict(op: &SbpOp) -> &'static str {
    match op {
        SbpOp::Setup(SetupOp::RegisterCompany | SetupOp::RegisterPoint { .. }) => {
            "Register it in the internet bank, «QR-платежи», if the bank goes on refusing here: it \
             tells more there."
        }
        SbpOp::Code(CodeOp::Register(_))
        | SbpOp::Invoice(InvoiceOp::Register(_))
        | SbpOp::Desk(DeskOp::Register { .. }) => {
            "Check that the company and the point are active in SBP, that the point may make codes \
             of this kind, and that the account is the company's."
        }
        SbpOp::Desk(DeskOp::Arm { .. }) => {
            "Look at the code's state: one that waits for a payment is disarmed or paid before it \
             takes another sum."
        }
        SbpOp::Desk(DeskOp::Disarm { .. }) => {
            "Look at the code's state: only a code that waits for a payment can be disarmed, and \
             not while somebody pays."
        }
        SbpOp::StartRefund(_) => {
            "Only a finished payment by a dynamic code is sent back here, up to what is left of \
             it; by static codes, cash desks and invoices in the internet bank."
        }
        SbpOp::Setup(_)
        | SbpOp::Code(_)
        | SbpOp::Desk(_)
        | SbpOp::Invoice(_)
        | SbpOp::Payments { .. }
        | SbpOp::FindRefund { .. }
        | SbpOp::Qr { .. }
        | SbpOp::RefundBanks { .. }
        | SbpOp::ShowRefund { .. }
        | SbpOp::Bind { .. }
        | SbpOp::ShowBinding { .. }
        | SbpOp::Accounts
        | SbpOp::Charge { .. }
        | SbpOp::Banks { .. }
        | SbpOp::PayTest { .. } => "Ask the bank's support, quoting the audit id.",
    }
}
