//! One receipt as plain data, and its state machine.

use kopeck_banks::{Money, bank::find_bank, op::FiscalRecord, receipt::Limits};

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
///            ▲         │          ▲
///            └─ failed ◄──────────┘ made after all, or by hand
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
    /// What failed is asked for once more.
    Again,
}

/// The state after the news. Only a cash register's word ends it, and "made" outlasts "failed":
/// words may come late and in any order.
pub const fn step(state: State, news: News) -> State {
    match (state, news) {
        (State::Registered, _) | (_, News::Registered) => State::Registered,
        (State::Failed, News::Again) => State::Queued,
        (State::Failed, _) | (_, News::Failed) => State::Failed,
        (State::Sent, _) | (_, News::Moved) => State::Sent,
        (State::None | State::Queued, News::Waits | News::Again) => State::Queued,
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

/// Why a person has to do something that the bank does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The self-employed make it in «Мой налог».
    Npd,
    /// They annul it there.
    NpdBack,
    /// The bank takes no receipt with a charge of a card that it keeps.
    KeptCharge,
    /// The buyer left no address that the bank takes.
    NoContact,
    /// The day of its payment has other VAT than the bank was told of.
    OldVat,
    /// What it has to say cannot be told from the first receipt.
    Unmirrored,
}

impl Reason {
    pub const ALL: [Reason; 6] = [
        Reason::Npd,
        Reason::NpdBack,
        Reason::KeptCharge,
        Reason::NoContact,
        Reason::OldVat,
        Reason::Unmirrored,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Npd => "npd",
            Reason::NpdBack => "npd_back",
            Reason::KeptCharge => "kept_charge",
            Reason::NoContact => "no_contact",
            Reason::OldVat => "old_vat",
            Reason::Unmirrored => "unmirrored",
        }
    }

    pub fn parse(text: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
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
    /// Of the payment: whose cash register it is.
    pub bank: String,
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
    pub reason: Option<Reason>,
    pub note: Option<String>,
    /// When what it was prepaid for has to be closed.
    pub closes_ms: Option<i64>,
    /// Since when a person has to look at it: it failed, or a person makes it.
    pub look_ms: Option<i64>,
    /// Reminders given of what is due now.
    pub reminders: u32,
    /// When the bank was asked for it, where that is a request of its own, and how often.
    pub asked_ms: Option<i64>,
    pub asks: u32,
    /// How often it failed, when it is tried again by itself, why it was tried again.
    pub failures: u32,
    pub retry_ms: Option<i64>,
    pub retry_reason: Option<String>,
    /// By when the cash register's word is expected, where the bank passes it on.
    pub expected_ms: Option<i64>,
    /// Of a sale: when it was paid, as far as we know; the cash register's word may come first.
    pub sold_ms: Option<i64>,
    pub created_ms: i64,
    pub changed_ms: i64,
}

impl Record {
    /// Of a payment: its shop, its id and its bank.
    pub fn new(id: String, of: [&str; 3], kind: Kind, amount: Money) -> Record {
        let [shop_id, payment_id, bank] = of.map(str::to_owned);
        Record {
            id,
            shop_id,
            payment_id,
            bank,
            refund_id: None,
            kind,
            state: State::None,
            amount,
            body: None,
            taken: Vec::new(),
            fiscal: None,
            failure: None,
            is_by_hand: false,
            reason: None,
            note: None,
            closes_ms: None,
            look_ms: None,
            reminders: 0,
            asked_ms: None,
            asks: 0,
            failures: 0,
            retry_ms: None,
            retry_reason: None,
            expected_ms: None,
            sold_ms: None,
            created_ms: 0,
            changed_ms: 0,
        }
    }
}

impl Record {
    /// What its bank carries.
    pub fn limits(&self) -> Option<&'static Limits> {
        find_bank(&self.bank).map(|bank| bank.capabilities().receipts)
    }

    /// Until when a person has to do something about it.
    pub fn due_ms(&self) -> Option<i64> {
        [self.closes_ms, self.look_ms].into_iter().flatten().min()
    }

    /// The bank should have told by now what the cash register says.
    pub fn is_late(&self, now_ms: i64) -> bool {
        self.state == State::Sent && self.expected_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// Something has to be done about it by now.
    pub fn is_due(&self, now_ms: i64) -> bool {
        self.due_ms().is_some_and(|due_ms| due_ms <= now_ms)
    }

    /// The bank was never told of it, so that it takes nothing that follows from it either.
    pub fn is_foreign(&self) -> bool {
        match self.reason {
            Some(Reason::Npd | Reason::NpdBack | Reason::KeptCharge | Reason::NoContact) => true,
            Some(Reason::OldVat | Reason::Unmirrored) | None => false,
        }
    }

    /// A correction is due of it: it was, or is yet to be, made at rates of another day.
    pub fn has_old_vat(&self) -> bool {
        self.reason == Some(Reason::OldVat) && self.look_ms.is_some()
    }

    /// It failed, and a person said what became of it, so that it is not asked for again.
    pub fn is_settled(&self) -> bool {
        self.state == State::Failed && self.look_ms.is_none() && self.retry_ms.is_none()
    }

    /// Its answer was lost, so that nobody but the cash register knows whether it is made.
    pub fn is_lost(&self) -> bool {
        self.kind == Kind::Closing && self.state == State::Sent && self.look_ms.is_some()
    }
}

/// Whether two words are about one document: by its number, or by its sign where a word came
/// without the number, since a bank's signature vouches for the values of a notice and not for
/// their names.
fn is_one_document(heard: &FiscalRecord, word: &FiscalRecord) -> bool {
    match (&heard.document_number, &word.document_number) {
        (Some(heard), Some(number)) => heard == number,
        (None, None) | (Some(_), None) | (None, Some(_)) => {
            let is_same_storage = heard.storage_number == word.storage_number;
            word.document_sign.is_some()
                && heard.document_sign == word.document_sign
                && is_same_storage
        }
    }
}

/// Which of a payment's receipts a cash register's word is about; `None`: one that we do not know
/// of, such as that of a refund made in the bank's cabinet.
pub fn find_meant<'a>(records: &'a [Record], word: &FiscalRecord) -> Option<&'a Record> {
    let is_return = word.kind.as_deref().is_some_and(|kind| kind.contains("Return"));
    let told =
        |record: &&Record| record.fiscal.as_ref().is_some_and(|heard| is_one_document(heard, word));
    // A word that came before is about what it was about.
    let same = |record: &&Record| record.fiscal.as_ref() == Some(word);
    if let Some(known) = records.iter().find(told).or_else(|| records.iter().find(same)) {
        return Some(known);
    }
    let has_closing = records.iter().any(|record| record.kind == Kind::Closing);
    let is_kind = |record: &&Record| match (record.kind, word.is_prepaid) {
        // What closed a prepayment has nothing prepaid on it any more.
        (Kind::Income, Some(false)) => !is_return && !has_closing,
        (Kind::Closing, Some(true)) => false,
        (Kind::Income | Kind::Closing, _) => !is_return,
        (Kind::Refund, _) => is_return,
        (Kind::Correction, _) => false,
    };
    let open: Vec<&Record> = records
        .iter()
        .filter(is_kind)
        .filter(|record| record.state != State::Registered && !record.is_by_hand)
        .collect();
    // The money of one that is not paid has not moved: no cash register speaks of it yet. Of one
    // that was dropped it never speaks.
    let is_at_work = |record: &&&Record| record.state == State::Sent;
    let rank = |record: &&&Record| match record.state {
        State::Sent => 0,
        State::Queued => 1,
        State::Failed => 2,
        State::None => 3,
        State::Registered => 4,
    };
    let is_same_sum = |record: &&&Record| Some(record.amount) == word.amount;
    let same_sum = open.iter().filter(is_same_sum).min_by_key(rank);
    // A refund of another sum is another one, such as one made in the cabinet.
    let may_differ = !is_return || word.amount.is_none();
    let any = open.iter().find(is_at_work).or(open.first()).filter(|_| may_differ);
    same_sum.or(any).copied()
}
