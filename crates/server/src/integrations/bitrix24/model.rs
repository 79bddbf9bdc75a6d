//! An application's installation and its errands as plain data.

use std::collections::BTreeMap;

/// One integration as an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    pub integration_id: String,
    pub installed_ms: Option<i64>,
    pub uninstalled_ms: Option<i64>,
    /// What was registered, and the portal's words where it refused.
    pub registered: Vec<(String, Option<String>)>,
    /// The last look for what was lost.
    pub looked_ms: i64,
}

/// What is to be done for a portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Register everything anew.
    Register,
    /// Something became of a deal: perhaps it is to have a link.
    Deal { id: i64 },
    /// The robot «create a payment link» ran.
    Robot { deal_id: i64, event_token: String, properties: BTreeMap<String, String> },
    /// A payment of the portal's own is paid by ours.
    Paid { portal_payment_id: String, pay_system_id: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Done,
    Failed,
}

impl State {
    pub const ALL: [State; 3] = [State::Pending, State::Done, State::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Done => "done",
            State::Failed => "failed",
        }
    }
}

/// One thing that a portal wants, on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    pub id: String,
    pub integration_id: String,
    /// The same word again is the same errand.
    pub word: String,
    pub what: What,
    pub state: State,
    pub tries: i64,
    pub due_ms: i64,
    pub why: Option<String>,
    pub created_ms: i64,
    pub ended_ms: Option<i64>,
}

/// A payment of the portal's own that is paid by one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    pub payment_id: String,
    pub integration_id: String,
    pub portal_payment_id: String,
    pub pay_system_id: String,
    pub created_ms: i64,
}
