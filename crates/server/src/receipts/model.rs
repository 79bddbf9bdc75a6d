//! One receipt as plain data, and its state machine.

use kopeck_banks::{Money, op::FiscalRecord};

/// What a receipt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The payment's own: a sale, an advance or a prepayment.
    Income,
    Refund,
    /// At the delivery of what was prepaid.
    Closing,
    /// An older one put right; always by hand.
    Correction,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Income, Kind::Refund, Kind::Closing, Kind::Correction];

    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Income => "income",
            Kind::Refund => "refund",
            Kind::Closing => "closing",
            Kind::Correction => "correction",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// ```text
///   none ⇄ queued ─► sent ─► registered
///                      └──► failed ─► registered
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The bank makes none: nothing was sold or given back, or a person makes it.
    None,
    /// Waits for the money to move.
    Queued,
    /// The money moved; the bank's cash register is at it. A bank that sends no word of receipts
    /// leaves it there.
    Sent,
    Registered,
    Failed,
}

impl State {
    pub const ALL: [State; 5] =
        [State::None, State::Queued, State::Sent, State::Registered, State::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            State::None => "none",
            State::Queued => "queued",
            State::Sent => "sent",
            State::Registered => "registered",
            State::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What becomes known of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The money waits to be moved.
    Waits,
    /// It will not move.
    Dropped,
    /// It moved, or the bank took the request.
    Moved,
    Registered,
    Failed,
}

/// The state after the news. Only a cash register's word ends it, and "made" outlasts "failed":
/// words may come late and in any order.
pub const fn step(state: State, news: News) -> State {
    match (state, news) {
        (State::Registered, _) | (_, News::Registered) => State::Registered,
        (State::Failed, _) | (_, News::Failed) => State::Failed,
        (State::Sent, _) | (_, News::Moved) => State::Sent,
        (State::None | State::Queued, News::Waits) => State::Queued,
        (State::None | State::Queued, News::Dropped) => State::None,
    }
}

/// Why a receipt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub hint: String,
}

/// What of a line of the first receipt went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub quantity_milli: u64,
    pub sum: Money,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub id: String,
    pub shop_id: String,
    pub payment_id: String,
    pub refund_id: Option<String>,
    pub kind: Kind,
    pub state: State,
    pub amount: Money,
    /// In our own form; `None` where a person made it.
    pub body: Option<String>,
    /// Of a refund: what it took of each line of the first receipt.
    pub taken: Vec<Taken>,
    pub fiscal: Option<FiscalRecord>,
    pub failure: Option<Failure>,
    pub is_by_hand: bool,
    pub note: Option<String>,
    /// Until when a person has to do something about it.
    pub due_ms: Option<i64>,
    pub asked_ms: Option<i64>,
    pub created_ms: i64,
    pub changed_ms: i64,
}

impl Record {
    pub fn new(id: String, shop_id: &str, payment_id: &str, kind: Kind, amount: Money) -> Record {
        Record {
            id,
            shop_id: shop_id.to_owned(),
            payment_id: payment_id.to_owned(),
            refund_id: None,
            kind,
            state: State::None,
            amount,
            body: None,
            taken: Vec::new(),
            fiscal: None,
            failure: None,
            is_by_hand: false,
            note: None,
            due_ms: None,
            asked_ms: None,
            created_ms: 0,
            changed_ms: 0,
        }
    }
}

/// Which of a payment's receipts a cash register's word is about; `None`: one that we do not know
/// of, such as that of a refund made in the bank's cabinet.
pub fn find_meant<'a>(records: &'a [Record], word: &FiscalRecord) -> Option<&'a Record> {
    let is_return = word.kind.as_deref().is_some_and(|kind| kind.contains("Return"));
    let number = |fiscal: &FiscalRecord| fiscal.document_number.clone();
    let told = |record: &&Record| {
        word.document_number.is_some()
            && record.fiscal.as_ref().and_then(number) == word.document_number
    };
    if let Some(known) = records.iter().find(told) {
        return Some(known);
    }
    let is_kind = |record: &&Record| match record.kind {
        Kind::Income | Kind::Closing => !is_return,
        Kind::Refund => is_return,
        Kind::Correction => false,
    };
    let open: Vec<&Record> = records
        .iter()
        .filter(is_kind)
        .filter(|record| record.state != State::Registered && !record.is_by_hand)
        .collect();
    let same_sum = open.iter().find(|record| Some(record.amount) == word.amount);
    same_sum.or(open.first()).copied()
}
