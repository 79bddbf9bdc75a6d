//! Faults set by the controls: each matches a path or a notice's kind and is used up `times` times.
//! The same for every bank; how a faulty reply looks is the bank's own.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Fault, FaultKind};

/// The faults that are set, oldest first. Part of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Faults(VecDeque<ActiveFault>);

/// [`Fault`] in a form that a snapshot can hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ActiveFault {
    kind: Kind,
    times: u32,
    path: String,
}

/// [`FaultKind`], serialisable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    NoticeLost,
    NoticeDelayed { ms: u64 },
    NoticeDoubled,
    NoticeReordered,
    NoticeCorrupted,
    Status { status: u16 },
    ReplyLost,
    Hang { ms: u64 },
    ReceiptFailed,
}

impl Kind {
    fn of(kind: FaultKind) -> Kind {
        match kind {
            FaultKind::NoticeLost => Kind::NoticeLost,
            FaultKind::NoticeDelayed { ms } => Kind::NoticeDelayed { ms },
            FaultKind::NoticeDoubled => Kind::NoticeDoubled,
            FaultKind::NoticeReordered => Kind::NoticeReordered,
            FaultKind::NoticeCorrupted => Kind::NoticeCorrupted,
            FaultKind::Status { status } => Kind::Status { status },
            FaultKind::ReplyLost => Kind::ReplyLost,
            FaultKind::Hang { ms } => Kind::Hang { ms },
            FaultKind::ReceiptFailed => Kind::ReceiptFailed,
        }
    }

    fn fault_kind(self) -> FaultKind {
        match self {
            Kind::NoticeLost => FaultKind::NoticeLost,
            Kind::NoticeDelayed { ms } => FaultKind::NoticeDelayed { ms },
            Kind::NoticeDoubled => FaultKind::NoticeDoubled,
            Kind::NoticeReordered => FaultKind::NoticeReordered,
            Kind::NoticeCorrupted => FaultKind::NoticeCorrupted,
            Kind::Status { status } => FaultKind::Status { status },
            Kind::ReplyLost => FaultKind::ReplyLost,
            Kind::Hang { ms } => FaultKind::Hang { ms },
            Kind::ReceiptFailed => FaultKind::ReceiptFailed,
        }
    }
}

/// What a fault makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Serve,
    /// Answer with this status and do nothing.
    Refuse {
        status: u16,
    },
    /// Do nothing and never answer.
    Hang {
        ms: u64,
    },
    /// Do the work, then stay silent.
    Mute,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: &Fault) {
        let Fault { kind, times, path } = fault.clone();
        if times > 0 {
            self.0.push_back(ActiveFault { kind: Kind::of(kind), times, path });
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn show(&self) -> Value {
        let faults = self
            .0
            .iter()
            .map(|fault| json!({ "kind": fault.kind, "times": fault.times, "path": fault.path }));
        json!({ "faults": faults.collect::<Vec<_>>() })
    }

    /// Uses up the oldest fault that fits. A fault of everything spares the hosted page: it is
    /// about the API, and a person at the page is not what it tests.
    fn take(&mut self, of_notices: bool, subject: &str, is_page: bool) -> Option<FaultKind> {
        let at = self.0.iter().position(|fault| {
            fault.kind != Kind::ReceiptFailed
                && fault.kind.fault_kind().is_of_notices() == of_notices
                && subject.contains(&fault.path)
                && !(is_page && fault.path.is_empty())
        })?;
        self.use_up(at)
    }

    fn use_up(&mut self, at: usize) -> Option<FaultKind> {
        let fault = self.0.get_mut(at)?;
        fault.times -= 1;
        let kind = fault.kind.fault_kind();
        if fault.times == 0 {
            self.0.remove(at);
        }
        Some(kind)
    }

    pub(crate) fn take_for_notice(&mut self, kind: &str) -> Option<FaultKind> {
        self.take(true, kind, false)
    }

    /// Whether the cash register fails at this kind of receipt.
    pub(crate) fn take_for_receipt(&mut self, kind: &str) -> bool {
        let is_own = |fault: &ActiveFault| {
            fault.kind == Kind::ReceiptFailed && kind.contains(fault.path.as_str())
        };
        let at = self.0.iter().position(is_own);
        at.is_some_and(|at| self.use_up(at).is_some())
    }

    /// `call` is the method and the path: `POST /uapi/…`.
    pub(crate) fn judge(&mut self, call: &str, is_page: bool) -> Verdict {
        match self.take(false, call, is_page) {
            Some(FaultKind::Status { status }) => Verdict::Refuse { status },
            Some(FaultKind::Hang { ms }) => Verdict::Hang { ms },
            Some(FaultKind::ReplyLost) => Verdict::Mute,
            Some(
                FaultKind::NoticeLost
                | FaultKind::NoticeDelayed { .. }
                | FaultKind::NoticeDoubled
                | FaultKind::NoticeReordered
                | FaultKind::NoticeCorrupted
                | FaultKind::ReceiptFailed,
            )
            | None => Verdict::Serve,
        }
    }
}
