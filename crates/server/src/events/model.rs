//! The closed list of events.

/// What can happen to a payment, a subscription, or whoever is told of them. The words are
/// contract: programs branch on them.
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
    ReceiptLate,
    AccountSaved,
    CardSaved,
    ConsentWithdrawn,
    ChargeUnwanted,
    ChargeUnexpected,
    ChargeUnanswered,
    SubscriptionCreated,
    SubscriptionActivated,
    SubscriptionRenewed,
    SubscriptionRenewalUpcoming,
    SubscriptionRenewalFailed,
    SubscriptionPastDue,
    SubscriptionChanged,
    SubscriptionEnding,
    SubscriptionReactivated,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionCanceled,
    SubscriptionExpired,
    SubscriptionGivenBack,
    SubscriptionConsentWithdrawn,
    SubscriptionPaymentNeeded,
    SubscriptionBlocked,
    SubscriptionNoticeUndelivered,
    WebhookDisabled,
    IntegrationStopped,
    IntegrationGaveUp,
}

impl EventKind {
    pub const ALL: [EventKind; 48] = [
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
        EventKind::ReceiptLate,
        EventKind::AccountSaved,
        EventKind::CardSaved,
        EventKind::ConsentWithdrawn,
        EventKind::ChargeUnwanted,
        EventKind::ChargeUnexpected,
        EventKind::ChargeUnanswered,
        EventKind::SubscriptionCreated,
        EventKind::SubscriptionActivated,
        EventKind::SubscriptionRenewed,
        EventKind::SubscriptionRenewalUpcoming,
        EventKind::SubscriptionRenewalFailed,
        EventKind::SubscriptionPastDue,
        EventKind::SubscriptionChanged,
        EventKind::SubscriptionEnding,
        EventKind::SubscriptionReactivated,
        EventKind::SubscriptionPaused,
        EventKind::SubscriptionResumed,
        EventKind::SubscriptionCanceled,
        EventKind::SubscriptionExpired,
        EventKind::SubscriptionGivenBack,
        EventKind::SubscriptionConsentWithdrawn,
        EventKind::SubscriptionPaymentNeeded,
        EventKind::SubscriptionBlocked,
        EventKind::SubscriptionNoticeUndelivered,
        EventKind::WebhookDisabled,
        EventKind::IntegrationStopped,
        EventKind::IntegrationGaveUp,
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
            EventKind::ReceiptLate => "receipt.late",
            EventKind::AccountSaved => "account.saved",
            EventKind::CardSaved => "card.saved",
            EventKind::ConsentWithdrawn => "consent.withdrawn",
            EventKind::ChargeUnwanted => "charge.unwanted",
            EventKind::ChargeUnexpected => "charge.unexpected",
            EventKind::ChargeUnanswered => "charge.unanswered",
            EventKind::SubscriptionCreated => "subscription.created",
            EventKind::SubscriptionActivated => "subscription.activated",
            EventKind::SubscriptionRenewed => "subscription.renewed",
            EventKind::SubscriptionRenewalUpcoming => "subscription.renewal_upcoming",
            EventKind::SubscriptionRenewalFailed => "subscription.renewal_failed",
            EventKind::SubscriptionPastDue => "subscription.past_due",
            EventKind::SubscriptionChanged => "subscription.changed",
            EventKind::SubscriptionEnding => "subscription.ending",
            EventKind::SubscriptionReactivated => "subscription.reactivated",
            EventKind::SubscriptionPaused => "subscription.paused",
            EventKind::SubscriptionResumed => "subscription.resumed",
            EventKind::SubscriptionCanceled => "subscription.canceled",
            EventKind::SubscriptionExpired => "subscription.expired",
            EventKind::SubscriptionGivenBack => "subscription.given_back",
            EventKind::SubscriptionConsentWithdrawn => "subscription.consent_withdrawn",
            EventKind::SubscriptionPaymentNeeded => "subscription.payment_needed",
            EventKind::SubscriptionBlocked => "subscription.blocked",
            EventKind::SubscriptionNoticeUndelivered => "subscription.notice_undelivered",
            EventKind::WebhookDisabled => "webhook.disabled",
            EventKind::IntegrationStopped => "integration.stopped",
            EventKind::IntegrationGaveUp => "integration.gave_up",
        }
    }

    pub fn parse(text: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The event in one sentence, for timelines and docs.
    #[expect(clippy::too_many_lines, reason = "a table: one sentence for each word")]
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
            EventKind::ReceiptDue => "A person has to make a receipt, or to close a prepayment",
            EventKind::ReceiptLate => "The cash register has said nothing of a receipt for a day",
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
            EventKind::ChargeUnexpected => {
                "A kept card was charged, and nobody waits for the money: give it back or assign it"
            }
            EventKind::ChargeUnanswered => {
                "For a day the bank has not said what became of a charge; look in its cabinet"
            }
            EventKind::SubscriptionCreated => "A customer is to be subscribed",
            EventKind::SubscriptionActivated => {
                "The first payment came: the subscription is active"
            }
            EventKind::SubscriptionRenewed => "A period was paid",
            EventKind::SubscriptionRenewalUpcoming => {
                "The next charge is near; tell the customer its date and sum"
            }
            EventKind::SubscriptionRenewalFailed => {
                "A charge was declined; the subscription says what follows"
            }
            EventKind::SubscriptionPastDue => "A period began whose money did not come",
            EventKind::SubscriptionChanged => "The plan, the quantity or the way to pay changed",
            EventKind::SubscriptionEnding => "It will end with the paid period",
            EventKind::SubscriptionReactivated => "A cancellation was taken back",
            EventKind::SubscriptionPaused => "It rests: no use, no charges",
            EventKind::SubscriptionResumed => "It goes on after a pause",
            EventKind::SubscriptionCanceled => "It is over; what was paid may still be used",
            EventKind::SubscriptionExpired => "The first payment never came",
            EventKind::SubscriptionGivenBack => {
                "Money came that nobody may keep; its refund was asked for"
            }
            EventKind::SubscriptionConsentWithdrawn => {
                "The customer takes back the consent: no charge any more"
            }
            EventKind::SubscriptionPaymentNeeded => "The customer has to pay by a link: send it",
            EventKind::SubscriptionBlocked => {
                "No payment can be made for its period: `problem` says why, and what to do"
            }
            EventKind::SubscriptionNoticeUndelivered => {
                "A charge waits for its notice, and nobody takes that: mend the receiver"
            }
            EventKind::WebhookDisabled => "A receiver is gone or takes nothing: it is told no more",
            EventKind::IntegrationStopped => {
                "A service refuses the shop's key, login or account: nothing is sent by it"
            }
            EventKind::IntegrationGaveUp => {
                "What a CRM asked for could not be done: `errand` says what, and why"
            }
        }
    }
}

/// An event about to be written.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    pub id: String,
    pub shop_id: &'a str,
    /// The payment, or of `subscription.*` the subscription, of `webhook.*` the webhook, of
    /// `integration.*` the integration, that it happened to.
    pub subject_id: &'a str,
    pub kind: EventKind,
    /// What else it is about: the refund, of `receipt.*` the receipt, of `subscription.*` the
    /// number of what happened, since the same may happen to one again: to a receipt, with its
    /// number after a space.
    pub about: Option<&'a str>,
    pub at_ms: i64,
    /// The subject as the API shows it at that moment, as JSON text.
    pub body: &'a str,
}

#[derive(Clone, Debug)]
pub struct StoredEvent {
    pub id: String,
    /// The event's number in its shop: 1, 2, 3 … without gaps.
    pub seq: i64,
    pub kind: String,
    /// The payment, or of `subscription.*` the subscription, of `webhook.*` the webhook, of
    /// `integration.*` the integration, that it happened to.
    pub subject_id: String,
    /// What else it is about, as in [`NewEvent`].
    pub about: Option<String>,
    pub at_ms: i64,
    pub body: String,
}

/// The beginning of every event's word whose subject is a subscription.
const OF_SUBSCRIPTIONS: &str = "subscription.";
/// The same of webhooks.
const OF_WEBHOOKS: &str = "webhook.";
/// And of integrations.
const OF_INTEGRATIONS: &str = "integration.";

impl StoredEvent {
    pub fn is_of_subscription(&self) -> bool {
        self.kind.starts_with(OF_SUBSCRIPTIONS)
    }

    pub fn is_of_webhook(&self) -> bool {
        self.kind.starts_with(OF_WEBHOOKS)
    }

    pub fn is_of_integration(&self) -> bool {
        self.kind.starts_with(OF_INTEGRATIONS)
    }
}
