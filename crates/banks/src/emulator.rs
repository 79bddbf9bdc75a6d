//! A bank's mirror: the same paths, the same statuses, the same notices, in memory.
//!
//! An emulator is sans-IO like the banks. Whoever hosts it (the sandbox server, a test) brings the
//! time, carries its notices and tells it what was answered.

pub(crate) mod faults;
pub(crate) mod hosted;
pub(crate) mod ids;
pub(crate) mod json;
pub mod nspk;

use jiff::Timestamp;
use serde_json::Value;

use crate::http::{HttpReply, HttpRequest};

pub trait Emulator: Send {
    /// The bank's word, as [`crate::Bank::name`].
    fn name(&self) -> &'static str;
    /// One request to the bank's API, its OAuth server, its key page or its hosted pay page.
    fn serve(&mut self, now: Timestamp, request: &HttpRequest) -> Served;
    /// Notices that are due: to be carried now, each answered by [`Emulator::delivered`].
    fn poll(&mut self, now: Timestamp) -> Vec<Delivery>;
    /// `status` is `None` when the receiver did not answer.
    fn delivered(&mut self, now: Timestamp, id: u64, status: Option<u16>);
    /// The whole answer of the receiver. For banks that want certain words in it, not only a 200;
    /// a host that cannot bring the body may go on calling [`Emulator::delivered`].
    fn answered(&mut self, now: Timestamp, id: u64, reply: Option<&HttpReply>) {
        self.delivered(now, id, reply.map(|reply| reply.status));
    }
    /// When [`Emulator::poll`] next has something to give, if ever.
    fn next_due(&self) -> Option<Timestamp>;
    /// The reply to a [`Served::Later`], once its deliveries are through.
    fn take_reply(&mut self, ticket: u64) -> Option<HttpReply>;
    /// What a person at the controls does. The answer is the object's new state as JSON.
    fn control(&mut self, now: Timestamp, control: &Control) -> Result<Value, String>;
    /// Everything it remembers, to be restored after a restart.
    fn snapshot(&self) -> Value;
    fn restore(&mut self, snapshot: &Value) -> Result<(), String>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    Now(HttpReply),
    /// The reply depends on notices that must be delivered first (registering an address).
    Later(u64),
    /// The work is done or not, but no reply ever comes: cut the connection after `hold_ms`.
    Silence {
        hold_ms: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: u64,
    pub request: HttpRequest,
}

/// The controls. `id` is the bank's id of the payment, or the merchant's reference.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// `method` defaults to the first one that the link allows; `card` is a test card's number.
    Pay {
        id: String,
        method: Option<String>,
        card: Option<String>,
    },
    /// Somebody pays an SBP code that lives by itself, of a shop or of a cash desk. Of a code
    /// without a sum the payer gives it.
    PayCode {
        id: String,
        amount: Option<crate::Money>,
        payer_name: Option<String>,
        payer_phone: Option<String>,
    },
    /// An attempt to pay fails, or the SBP refund that runs. Of a paid SBP code: its next refund is
    /// taken, then fails.
    Decline {
        id: String,
        reason: Option<String>,
    },
    /// A link nobody paid, or a hold nobody took, comes to its end.
    Expire {
        id: String,
    },
    /// A refund made in the bank's own cabinet; the whole rest when no amount is given.
    Refund {
        id: String,
        amount: Option<crate::Money>,
    },
    /// An access token becomes `valid`, `expired` or `revoked`, a terminal's key `valid` or
    /// `blocked`, a saved card or account what its bank knows of it.
    Token {
        token: String,
        state: String,
    },
    Fault(Fault),
    ClearFaults,
    /// One payment.
    Show {
        id: String,
    },
    /// All payments, and the notices with their tries.
    List,
}

/// Something that goes wrong, `times` times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub times: u32,
    /// Only requests whose path contains this; empty means all. For notices, the notice's kind; for
    /// receipts `Income`, `IncomeReturn` or `Closing`.
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The notice is never sent.
    NoticeLost,
    NoticeDelayed {
        ms: u64,
    },
    NoticeDoubled,
    /// The next notice overtakes this one.
    NoticeReordered,
    /// One byte of the signed body is changed.
    NoticeCorrupted,
    /// Answer with this status and do nothing.
    Status {
        status: u16,
    },
    /// Do the work, then cut the connection.
    ReplyLost,
    /// Do nothing, hold the connection, then cut it.
    Hang {
        ms: u64,
    },
    /// The cash register does not make a receipt; where the bank tells of receipts, it tells that.
    ReceiptFailed,
}

impl FaultKind {
    pub const fn is_of_notices(self) -> bool {
        match self {
            FaultKind::NoticeLost
            | FaultKind::NoticeDelayed { .. }
            | FaultKind::NoticeDoubled
            | FaultKind::NoticeReordered
            | FaultKind::NoticeCorrupted => true,
            FaultKind::Status { .. }
            | FaultKind::ReplyLost
            | FaultKind::Hang { .. }
            | FaultKind::ReceiptFailed => false,
        }
    }

    /// `lose-notice`, `delay-notice:5000`, `status:503`, `hang:30000`, `fail-receipt` …: as CLI and
    /// HTTP write it.
    pub fn parse(text: &str) -> Option<FaultKind> {
        let (word, number) = text.split_once(':').unwrap_or((text, ""));
        Some(match word {
            "lose-notice" => FaultKind::NoticeLost,
            "delay-notice" => FaultKind::NoticeDelayed { ms: number.parse().ok()? },
            "double-notice" => FaultKind::NoticeDoubled,
            "reorder-notice" => FaultKind::NoticeReordered,
            "corrupt-notice" => FaultKind::NoticeCorrupted,
            "status" => FaultKind::Status {
                status: number.parse().ok().filter(|status| (400..600).contains(status))?,
            },
            "lose-reply" => FaultKind::ReplyLost,
            "hang" => FaultKind::Hang { ms: number.parse().ok()? },
            "fail-receipt" => FaultKind::ReceiptFailed,
            _ => return None,
        })
    }
}
