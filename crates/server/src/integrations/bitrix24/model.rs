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
    /// The last look for what was lost: what changed since is not seen yet.
    pub looked_ms: i64,
    /// Where the look that is under way goes on.
    pub place: Option<Place>,
    /// Tokens of an installation that are not believed yet; sealed.
    pub unproven: Option<Vec<u8>>,
    /// By what the page of the last installation is known when it comes again.
    pub posted: Option<String>,
    /// The rights that the application had when it registered everything.
    pub scopes: Option<String>,
}

impl App {
    pub fn new(integration_id: &str, looked_ms: i64) -> App {
        App {
            integration_id: integration_id.to_owned(),
            installed_ms: None,
            uninstalled_ms: None,
            registered: Vec::new(),
            looked_ms,
            place: None,
            unproven: None,
            posted: None,
            scopes: None,
        }
    }
}

/// How far a look has come: the funnels before this one are seen, and of this one's stage the deals
/// up to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When it began: the next one looks from here.
    pub began_ms: i64,
    pub category: i64,
    pub stage: String,
    pub after_id: i64,
}

/// What is to be done for a portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Register everything anew.
    Register,
    /// Find out who installs: Bitrix24 gave the tokens, and then the portal fell silent.
    Prove,
    /// Something became of a deal: perhaps it is to have a link.
    Deal { id: i64 },
    /// The robot «create a payment link» ran.
    Robot { deal_id: i64, event_token: String, properties: BTreeMap<String, String> },
    /// A payment of the portal's own is paid by ours.
    Paid { portal_payment_id: String, pay_system_id: String },
    /// It is over, and nothing of the portal is kept.
    Forgotten,
}

impl What {
    pub const fn as_str(&self) -> &'static str {
        match self {
            What::Register => "register",
            What::Prove => "prove",
            What::Deal { .. } => "deal",
            What::Robot { .. } => "robot",
            What::Paid { .. } => "paid",
            What::Forgotten => "forgotten",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Done,
    Failed,
}

impl State {
    pub const ALL: [State; 3] = [State::Pending, State::Done, State::Failed];

    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|it| it.as_str() == text)
    }

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
    /// Why it was given up, and what was heard last.
    pub code: Option<String>,
    pub why: Option<String>,
    /// The payment that it is about, as soon as it is known.
    pub payment_id: Option<String>,
    /// When its day began: when it was asked for, or tried anew.
    pub begun_ms: i64,
    pub created_ms: i64,
    pub ended_ms: Option<i64>,
}

impl Errand {
    /// It has a day anew.
    pub fn restart(&mut self, now_ms: i64) {
        self.state = State::Pending;
        self.tries = 0;
        self.due_ms = now_ms;
        self.begun_ms = now_ms;
        self.code = None;
        self.why = None;
        self.ended_ms = None;
    }
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
