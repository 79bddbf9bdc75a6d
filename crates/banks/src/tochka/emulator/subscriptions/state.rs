//! What the emulator remembers of a subscription, beside its operation. Part of the snapshot.

use serde::{Deserialize, Serialize};

use crate::{
    money::Money,
    op::SubscriptionStatus,
    tochka::{emulator::state::kopecks, subscriptions::status_word},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tochka::emulator) enum Period {
    Day,
    Month,
    Year,
}

impl Period {
    pub(super) const ALL: [Period; 3] = [Period::Day, Period::Month, Period::Year];

    pub(in crate::tochka::emulator) const fn as_str(self) -> &'static str {
        match self {
            Period::Day => "Day",
            Period::Month => "Month",
            Period::Year => "Year",
        }
    }

    /// The most charges of a schedule.
    pub(super) const fn most(self) -> u32 {
        match self {
            Period::Day => 100,
            Period::Month => 84,
            Period::Year => 10,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tochka::emulator) struct Schedule {
    pub(in crate::tochka::emulator) period: Period,
    /// Of a period by days only.
    pub(in crate::tochka::emulator) days: Option<u32>,
    pub(in crate::tochka::emulator) count: u32,
}

/// How far one is; the bank has more words, whose meanings nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tochka::emulator) enum Life {
    Preparing,
    Active,
    PastDue,
    Cancelled,
    Completed,
    Failed,
}

impl Life {
    /// The bank's word, of a link that may have run out.
    pub(in crate::tochka::emulator) const fn word(self, is_link_over: bool) -> &'static str {
        status_word(match self {
            Life::Preparing if is_link_over => SubscriptionStatus::Expired,
            Life::Preparing => SubscriptionStatus::Preparing,
            Life::Active => SubscriptionStatus::Active,
            Life::PastDue => SubscriptionStatus::PastDue,
            Life::Cancelled => SubscriptionStatus::Canceled,
            Life::Completed => SubscriptionStatus::Completed,
            Life::Failed => SubscriptionStatus::Failed,
        })
    }
}

/// What the kept card does when it is charged: set by the controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tochka::emulator) enum ChargeFate {
    Valid,
    Expired,
    Revoked,
    InsufficientFunds,
}

impl ChargeFate {
    const ALL: [ChargeFate; 4] = [
        ChargeFate::Valid,
        ChargeFate::Expired,
        ChargeFate::Revoked,
        ChargeFate::InsufficientFunds,
    ];

    pub(in crate::tochka::emulator) const fn as_str(self) -> &'static str {
        match self {
            ChargeFate::Valid => "valid",
            ChargeFate::Expired => "expired",
            ChargeFate::Revoked => "revoked",
            ChargeFate::InsufficientFunds => "insufficient_funds",
        }
    }

    pub(in crate::tochka::emulator) fn parse(text: &str) -> Option<ChargeFate> {
        ChargeFate::ALL.into_iter().find(|fate| fate.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tochka::emulator) struct KeptCard {
    pub(in crate::tochka::emulator) id: String,
    pub(in crate::tochka::emulator) masked: String,
    pub(in crate::tochka::emulator) fate: ChargeFate,
}

/// A charge that took the money and is not in `Order[]` yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tochka::emulator) struct RunningCharge {
    #[serde(with = "kopecks")]
    pub(in crate::tochka::emulator) amount: Money,
    pub(in crate::tochka::emulator) order_id: String,
    pub(in crate::tochka::emulator) until_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tochka::emulator) struct Subscription {
    /// `None`: the merchant charges.
    pub(in crate::tochka::emulator) schedule: Option<Schedule>,
    /// `saveCard` came with `recurring`: it will not be charged again.
    pub(in crate::tochka::emulator) is_spoiled: bool,
    pub(in crate::tochka::emulator) life: Life,
    pub(in crate::tochka::emulator) card: Option<KeptCard>,
    /// Charges that succeeded, the first payment being one.
    pub(in crate::tochka::emulator) charged: u32,
    /// Tries of the charge that is due.
    pub(in crate::tochka::emulator) failures: u32,
    pub(in crate::tochka::emulator) next_ms: Option<i64>,
    pub(in crate::tochka::emulator) running: Vec<RunningCharge>,
}

impl Subscription {
    pub(super) fn new(schedule: Option<Schedule>, is_spoiled: bool) -> Subscription {
        Subscription {
            schedule,
            is_spoiled,
            life: Life::Preparing,
            card: None,
            charged: 0,
            failures: 0,
            next_ms: None,
            running: Vec::new(),
        }
    }
}
