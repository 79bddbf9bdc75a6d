//! What is told, to whom, and about which payment: plain data that the server fills in from its
//! own rows.

use kopeck_banks::Money;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A trial by the shop. Without an address it asks only whether the account is in order.
    Test,
    /// A link to pay by.
    Link,
    /// The same link again, since it is still unpaid.
    Reminder,
    Paid,
    /// Another sum came than was asked for.
    Mismatch,
    Failed,
    Expired,
    Canceled,
    Refunded,
    /// The tax service has the receipt.
    Receipt,
    /// A subscription's next charge is near.
    Renewal,
    /// A subscription's charge did not come through.
    RenewalFailed,
    /// A link by which a subscription goes on to another card or account.
    Rebind,
    /// A payer has tied his chat to himself: what will come there.
    Welcome,
}

impl Kind {
    pub const ALL: [Kind; 14] = [
        Kind::Test,
        Kind::Link,
        Kind::Reminder,
        Kind::Paid,
        Kind::Mismatch,
        Kind::Failed,
        Kind::Expired,
        Kind::Canceled,
        Kind::Refunded,
        Kind::Receipt,
        Kind::Renewal,
        Kind::RenewalFailed,
        Kind::Rebind,
        Kind::Welcome,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Test => "test",
            Kind::Link => "link",
            Kind::Reminder => "reminder",
            Kind::Paid => "paid",
            Kind::Mismatch => "mismatch",
            Kind::Failed => "failed",
            Kind::Expired => "expired",
            Kind::Canceled => "canceled",
            Kind::Refunded => "refunded",
            Kind::Receipt => "receipt",
            Kind::Renewal => "renewal",
            Kind::RenewalFailed => "renewal_failed",
            Kind::Rebind => "rebind",
            Kind::Welcome => "welcome",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What an event of the server's list is told as; `None` for events that are nobody's but the
    /// shop's own systems'.
    pub fn of_event(word: &str) -> Option<Kind> {
        Some(match word {
            "payment.opened" => Kind::Link,
            "payment.paid" => Kind::Paid,
            "payment.amount_mismatch" => Kind::Mismatch,
            "payment.failed" => Kind::Failed,
            "payment.expired" => Kind::Expired,
            "payment.canceled" => Kind::Canceled,
            "refund.succeeded" => Kind::Refunded,
            "receipt.registered" => Kind::Receipt,
            "subscription.renewal_upcoming" => Kind::Renewal,
            "subscription.renewal_failed" => Kind::RenewalFailed,
            _ => return None,
        })
    }

    /// Whether it says how the payment stands, so that a later one takes its place.
    pub const fn is_outcome(self) -> bool {
        match self {
            Kind::Paid
            | Kind::Mismatch
            | Kind::Failed
            | Kind::Expired
            | Kind::Canceled
            | Kind::Refunded => true,
            Kind::Test
            | Kind::Link
            | Kind::Reminder
            | Kind::Receipt
            | Kind::Renewal
            | Kind::RenewalFailed
            | Kind::Rebind
            | Kind::Welcome => false,
        }
    }

    /// Whether it asks to pay, so that a link must be in it.
    pub const fn asks_to_pay(self) -> bool {
        matches!(self, Kind::Link | Kind::Reminder | Kind::Rebind)
    }
}

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Whoever pays.
    Payer,
    /// The shop: a person who sells, a bot, a CRM.
    Shop,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    #[default]
    Ru,
    En,
}

impl Lang {
    pub const fn pick<T: Copy>(self, ru: T, en: T) -> T {
        match self {
            Lang::Ru => ru,
            Lang::En => en,
        }
    }

    pub fn parse(text: &str) -> Option<Lang> {
        match text {
            "ru" => Some(Lang::Ru),
            "en" => Some(Lang::En),
            _ => None,
        }
    }
}

/// One thing to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The delivery's id: the same in every attempt, and no other message has it. Services that
    /// recognise repetitions are given it.
    pub id: String,
    pub kind: Kind,
    pub audience: Audience,
    pub lang: Lang,
    /// As [`crate::Integration::address`] gave it. `None` only of a [`Kind::Test`].
    pub to: Option<String>,
    /// The shop as its payers know it.
    pub shop: String,
    /// When it was first to be sent, in milliseconds since 1970: the same in every attempt.
    pub written_ms: i64,
    /// Where the reader says that he wants no more of these; only of what is sent without being
    /// asked for.
    pub unsubscribe_url: Option<String>,
    /// `None` only of a [`Kind::Test`] and a [`Kind::Welcome`].
    pub payment: Option<Payment>,
}

/// What may be said of a payment. What is not known is absent and is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    pub id: String,
    /// The shop's number of the order.
    pub order: Option<String>,
    pub amount: Money,
    /// What came, when it is not `amount`; of a refund, what went back.
    pub moved: Option<Money>,
    /// Of a refund's news, what the shop still has of the money: nothing when all went back.
    pub left: Option<Money>,
    pub purpose: String,
    /// Our short page of this payment: `https://pay.example.ru/p/AbC123`.
    pub pay_url: Option<String>,
    /// A picture of the QR code, for services that carry one.
    pub qr_png: Option<Vec<u8>>,
    pub receipt_url: Option<String>,
    /// Of a subscription, where its payer takes back the consent to be charged.
    pub leave_url: Option<String>,
    /// The bank's word for how it was paid: `card`, `sbp`.
    pub method: Option<String>,
    /// The bank's own id of the payment.
    pub bank_id: Option<String>,
    /// What to charge the same payer by again: the server's id of a saved card or account.
    pub instrument: Option<String>,
    /// Until when it can be paid, or when the next charge is: `30.11.2026 14:05`, in the shop's
    /// time.
    pub until: Option<String>,
    /// When it happened, in ISO 8601 with an offset.
    pub at: Option<String>,
}
