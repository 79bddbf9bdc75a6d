//! The bank's words about SBP and ours. Data only.

use crate::op::{
    BankStatus, CodeKind, CodeOp, DeskOp, DeskStatus, InvoiceOp, SbpOp, SetupOp, TransferStatus,
};

/// Tochka's own BIK, where the account does not name one.
pub const TOCHKA_BIK: &str = "044525104";
/// What a code says of who made it; payers do not see it.
pub const SOURCE: &str = "Kopeck";
/// A state that was found out; other codes say why it was not.
pub const OK: &str = "RQ00000";

pub const ACTIVE: &str = "Active";
pub const SUSPENDED: &str = "Suspended";

/// `StatusEnum`.
pub const fn status_word(is_active: bool) -> &'static str {
    if is_active { ACTIVE } else { SUSPENDED }
}

/// `QRCodePaymentStatusExternal`, of one dynamic code.
pub fn parse_state(word: &str) -> Option<BankStatus> {
    Some(match word {
        "NotStarted" => BankStatus::Created,
        "Received" | "InProgress" => BankStatus::InProgress,
        "Accepted" => BankStatus::Paid,
        "Rejected" => BankStatus::Declined,
        _ => return None,
    })
}

/// `PaymentStatusEnum`, of one transfer. A timeout says nothing of the money: it is still on its
/// way until the bank says otherwise.
pub fn parse_transfer(word: &str) -> Option<BankStatus> {
    Some(match word {
        "Confirming" | "Confirmed" | "Initiated" | "Accepting" | "InProgress" | "Timeout" => {
            BankStatus::InProgress
        }
        "Accepted" => BankStatus::Paid,
        "Rejected" | "Error" => BankStatus::Declined,
        _ => return None,
    })
}

/// `SBPCashboxTrxStatus`. NTST: there is no payment.
pub fn parse_desk_payment(word: &str) -> Option<BankStatus> {
    Some(match word {
        "ACWP" => BankStatus::Paid,
        "RJCT" => BankStatus::Declined,
        "RCVD" => BankStatus::InProgress,
        "NTST" => BankStatus::Created,
        _ => return None,
    })
}

/// `SBPCashboxQrCodeStatus`, and the other word for idle that the same code has in its operation.
pub fn parse_desk(word: &str) -> Option<DeskStatus> {
    Some(match word {
        "INACTIVATED" | "DEACTIVATED" => DeskStatus::Idle,
        "WAITING_PAYMENT" => DeskStatus::Waiting,
        "IN_PROGRESS" => DeskStatus::InProgress,
        _ => return None,
    })
}

/// `SBPPaymentStatus`, of a refund: only the last two words are final.
pub fn parse_refund(word: &str) -> Option<TransferStatus> {
    Some(match word {
        "WaitingForClientConfirm"
        | "Initiated"
        | "WaitingForConfirm"
        | "Confirmed"
        | "WaitingForAccept" => TransferStatus::Running,
        "Accepted" => TransferStatus::Done,
        "Rejected" => TransferStatus::Failed,
        _ => return None,
    })
}

/// `QrTypeEnum`.
pub fn parse_kind(word: &str) -> Option<CodeKind> {
    Some(match word {
        "01" => CodeKind::Static,
        "02" => CodeKind::Dynamic,
        _ => return None,
    })
}

/// `CapabilitiesEnum`: three digits for desk, dynamic, static. The document calls the first one a
/// subscription, the guide a cash desk's code, which is what it opens.
pub fn parse_capabilities(word: &str) -> Vec<CodeKind> {
    let kinds = [CodeKind::Desk, CodeKind::Dynamic, CodeKind::Static];
    let taken = kinds.into_iter().zip(word.chars()).filter(|(_, digit)| *digit == '1');
    taken.map(|(kind, _)| kind).collect()
}

/// Everything: the guide says to ask for it, since it cannot be added later.
pub const ALL_CAPABILITIES: &str = "111";

/// Whether this is an operation of ours here; the rest of SBP is another bank's.
pub const fn is_ours(op: &SbpOp) -> bool {
    match op {
        SbpOp::Setup(_)
        | SbpOp::Code(_)
        | SbpOp::Desk(_)
        | SbpOp::Invoice(_)
        | SbpOp::Payments { .. }
        | SbpOp::StartRefund(_)
        | SbpOp::FindRefund { .. } => true,
        // Not the bank's own: the list of the SBP's operator, which is everybody's.
        SbpOp::Banks { for_binding, .. } => !*for_binding,
        SbpOp::Qr { .. }
        | SbpOp::RefundBanks { .. }
        | SbpOp::ShowRefund { .. }
        | SbpOp::Bind { .. }
        | SbpOp::ShowBinding { .. }
        | SbpOp::Accounts
        | SbpOp::Charge { .. }
        | SbpOp::PayTest { .. } => false,
    }
}

/// Whether it changes something at the bank: this needs the permission to edit, all else to read.
pub const fn is_change(op: &SbpOp) -> bool {
    match op {
        SbpOp::Setup(op) => match op {
            SetupOp::RegisterCompany
            | SetupOp::SetCompany { .. }
            | SetupOp::RegisterPoint { .. }
            | SetupOp::SetPoint { .. } => true,
            SetupOp::ShowCompany
            | SetupOp::FindCompany { .. }
            | SetupOp::Accounts { .. }
            | SetupOp::Points { .. }
            | SetupOp::ShowPoint { .. } => false,
        },
        SbpOp::Code(op) => match op {
            CodeOp::Register(_) => true,
            CodeOp::Show { .. } | CodeOp::List { .. } | CodeOp::States { .. } => false,
        },
        SbpOp::Desk(op) => match op {
            DeskOp::Register { .. }
            | DeskOp::Arm { .. }
            | DeskOp::Disarm { .. }
            | DeskOp::Move { .. } => true,
            DeskOp::List { .. }
            | DeskOp::Show { .. }
            | DeskOp::State { .. }
            | DeskOp::Payment { .. } => false,
        },
        SbpOp::Invoice(op) => match op {
            InvoiceOp::Register(_) => true,
            InvoiceOp::Show { .. } => false,
        },
        SbpOp::StartRefund(_) => true,
        SbpOp::Payments { .. }
        | SbpOp::FindRefund { .. }
        | SbpOp::Qr { .. }
        | SbpOp::RefundBanks { .. }
        | SbpOp::ShowRefund { .. }
        | SbpOp::Bind { .. }
        | SbpOp::ShowBinding { .. }
        | SbpOp::Accounts
        | SbpOp::Charge { .. }
        | SbpOp::Banks { .. }
        | SbpOp::PayTest { .. } => false,
    }
}

/// The key's permission that it needs; `None` for what is refused before a key is used.
pub const fn permission(op: &SbpOp) -> Option<&'static str> {
    if matches!(op, SbpOp::Banks { .. }) {
        return None;
    }
    match (is_ours(op), is_change(op)) {
        (true, true) => Some("EditSBPData"),
        (true, false) => Some("ReadSBPData"),
        (false, _) => None,
    }
}
