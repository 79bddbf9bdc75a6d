//! The closed list of events.

/// What can happen to a payment. The words are contract: programs branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    PaymentCreated,
    PaymentOpened,
    PaymentAuthorized,
    PaymentPaid,
    PaymentAmountMismatch,
    PaymentExpired,
    PaymentCanceled,
    PaymentFailed,
    PaymentCaptureFailed,
    PaymentRefunded,
    RefundCreated,
    RefundSucceeded,
    RefundFailed,
    DuplicatePaid,
    DuplicateRefunded,
    DuplicateRefundFailed,
    ReceiptSent,
    ReceiptRegistered,
    ReceiptFailed,
    ReceiptDue,
    AccountSaved,
    CardSaved,
    ConsentWithdrawn,
    ChargeUnwanted,
}

impl EventKind {
    pub const ALL: [EventKind; 24] = [
        EventKind::PaymentCreated,
        EventKind::PaymentOpened,
        EventKind::PaymentAuthorized,
        EventKind::PaymentPaid,
        EventKind::PaymentAmountMismatch,
        EventKind::PaymentExpired,
        EventKind::PaymentCanceled,
        EventKind::PaymentFailed,
        EventKind::PaymentCaptureFailed,
        EventKind::PaymentRefunded,
        EventKind::RefundCreated,
        EventKind::RefundSucceeded,
        EventKind::RefundFailed,
        EventKind::DuplicatePaid,
        EventKind::DuplicateRefunded,
        EventKind::DuplicateRefundFailed,
        EventKind::ReceiptSent,
        EventKind::ReceiptRegistered,
        EventKind::ReceiptFailed,
        EventKind::ReceiptDue,
        EventKind::AccountSaved,
        EventKind::CardSaved,
        EventKind::ConsentWithdrawn,
        EventKind::ChargeUnwanted,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            EventKind::PaymentCreated => "payment.created",
            EventKind::PaymentOpened => "payment.opened",
            EventKind::PaymentAuthorized => "payment.authorized",
            EventKind::PaymentPaid => "payment.paid",
            EventKind::PaymentAmountMismatch => "payment.amount_mismatch",
            EventKind::PaymentExpired => "payment.expired",
            EventKind::PaymentCanceled => "payment.canceled",
            EventKind::PaymentFailed => "payment.failed",
            EventKind::PaymentCaptureFailed => "payment.capture_failed",
            EventKind::PaymentRefunded => "payment.refunded",
            EventKind::RefundCreated => "refund.created",
            EventKind::RefundSucceeded => "refund.succeeded",
            EventKind::RefundFailed => "refund.failed",
            EventKind::DuplicatePaid => "duplicate.paid",
            EventKind::DuplicateRefunded => "duplicate.refunded",
            EventKind::DuplicateRefundFailed => "duplicate.refund_failed",
            EventKind::ReceiptSent => "receipt.sent",
            EventKind::ReceiptRegistered => "receipt.registered",
            EventKind::ReceiptFailed => "receipt.failed",
            EventKind::ReceiptDue => "receipt.due",
            EventKind::AccountSaved => "account.saved",
            EventKind::CardSaved => "card.saved",
            EventKind::ConsentWithdrawn => "consent.withdrawn",
            EventKind::ChargeUnwanted => "charge.unwanted",
        }
    }

    pub fn parse(text: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The event in one sentence, for timelines and docs.
    pub const fn about(self) -> &'static str {
        match self {
            EventKind::PaymentCreated => "The shop asked for a payment; Kopeck wrote it down",
            EventKind::PaymentOpened => "The bank made the payment link",
            EventKind::PaymentAuthorized => "The bank holds the money on the payer's card",
            EventKind::PaymentPaid => "The bank received the money",
            EventKind::PaymentAmountMismatch => {
                "The bank received another sum than was asked for; look before you deliver"
            }
            EventKind::PaymentExpired => "The link's time ran out unpaid, or the hold was released",
            EventKind::PaymentCanceled => "The hold was released",
            EventKind::PaymentFailed => "The payment could not be opened or was declined for good",
            EventKind::PaymentCaptureFailed => "The bank refused to capture the hold",
            EventKind::PaymentRefunded => "All of the money went back to the payer",
            EventKind::RefundCreated => "The shop asked for a refund",
            EventKind::RefundSucceeded => "The bank accepted the refund",
            EventKind::RefundFailed => "The refund did not happen",
            EventKind::DuplicatePaid => {
                "The payer paid a second time, at another bank; that money is on its way back"
            }
            EventKind::DuplicateRefunded => "The money paid a second time went back",
            EventKind::DuplicateRefundFailed => {
                "The money paid a second time could not be sent back; do it in the bank's cabinet"
            }
            EventKind::ReceiptSent => "The bank's cash register makes a receipt",
            EventKind::ReceiptRegistered => "The receipt is registered at the tax service",
            EventKind::ReceiptFailed => "A receipt was not made; see why, and make it by hand",
            EventKind::ReceiptDue => {
                "A person has to make a receipt: the closing one of a prepayment, or one in \
                 «Мой налог»"
            }
            EventKind::AccountSaved => {
                "The payer's bank account was saved with the payment; it can be charged from now on"
            }
            EventKind::CardSaved => {
                "The payer's card was saved with the payment; it can be charged from now on"
            }
            EventKind::ConsentWithdrawn => {
                "The payer took back what he agreed to when he paid; nothing is charged any more"
            }
            EventKind::ChargeUnwanted => {
                "A charge was on its way when its consent ended; what it took goes back"
            }
        }
    }
}

/// An event about to be written.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    pub id: String,
    pub shop_id: &'a str,
    pub payment_id: &'a str,
    pub kind: EventKind,
    /// The refund, or of `receipt.*` the receipt, that it is about; what happens to that again has
    /// its number after a space.
    pub refund_id: Option<&'a str>,
    pub at_ms: i64,
    /// The payment as the API shows it at that moment, as JSON text.
    pub body: &'a str,
}

#[derive(Clone, Debug)]
pub struct StoredEvent {
    pub id: String,
    /// The event's number in its shop: 1, 2, 3 … without gaps.
    pub seq: i64,
    pub kind: String,
    pub payment_id: String,
    /// The refund, or of `receipt.*` the receipt, that it is about.
    pub refund_id: Option<String>,
    pub at_ms: i64,
    pub body: String,
}
