//! Faults set by the controls: each matches a path or a notice's kind and is used up `times` times.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{TochkaEmulator, problem::Problem};
use crate::{
    emulator::{Fault, FaultKind, Served},
    http::HttpReply,
};

/// [`Fault`] in a form that a snapshot can hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ActiveFault {
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
        }
    }
}

/// What a fault makes of a request.
pub(super) enum Verdict {
    Serve,
    /// Answer this and do nothing.
    Instead(Served),
    /// Do the work, then stay silent.
    Mute,
}

impl TochkaEmulator {
    pub(super) fn add_fault(&mut self, fault: &Fault) {
        let Fault { kind, times, path } = fault.clone();
        if times > 0 {
            self.state.faults.push_back(ActiveFault { kind: Kind::of(kind), times, path });
        }
    }

    pub(super) fn show_faults(&self) -> Value {
        let faults =
            self.state.faults.iter().map(
                |fault| json!({ "kind": fault.kind, "times": fault.times, "path": fault.path }),
            );
        json!({ "faults": faults.collect::<Vec<_>>() })
    }

    /// Uses up the oldest fault that fits. A fault of everything spares the hosted page: it is
    /// about the API, and a person at the page is not what it tests.
    fn take_fault(&mut self, of_notices: bool, subject: &str) -> Option<FaultKind> {
        let is_page = subject.starts_with("/order");
        let at = self.state.faults.iter().position(|fault| {
            fault.kind.fault_kind().is_of_notices() == of_notices
                && subject.contains(&fault.path)
                && !(is_page && fault.path.is_empty())
        })?;
        let fault = self.state.faults.get_mut(at)?;
        fault.times -= 1;
        let kind = fault.kind.fault_kind();
        if fault.times == 0 {
            self.state.faults.remove(at);
        }
        Some(kind)
    }

    pub(super) fn take_notice_fault(&mut self, kind: &str) -> Option<FaultKind> {
        self.take_fault(true, kind)
    }

    pub(super) fn judge(&mut self, path: &str) -> Verdict {
        match self.take_fault(false, path) {
            Some(FaultKind::Status { status }) => {
                Verdict::Instead(Served::Now(self.faulty_reply(status, path)))
            }
            Some(FaultKind::Hang { ms }) => Verdict::Instead(Served::Silence { hold_ms: ms }),
            Some(FaultKind::ReplyLost) => Verdict::Mute,
            Some(
                FaultKind::NoticeLost
                | FaultKind::NoticeDelayed { .. }
                | FaultKind::NoticeDoubled
                | FaultKind::NoticeReordered
                | FaultKind::NoticeCorrupted,
            )
            | None => Verdict::Serve,
        }
    }

    /// In the bank's shape; a gateway's 502 to 504 are plain text.
    fn faulty_reply(&mut self, status: u16, path: &str) -> HttpReply {
        if (502..=504).contains(&status) {
            return HttpReply::new(status, "text/plain", format!("{status} gateway trouble\n"));
        }
        if path.starts_with("/connect/") {
            let body = json!({ "error": "server_error", "error_description": "emulated fault" });
            return retry_after(HttpReply::json(status, &body));
        }
        let id = self.state.mint.uuid("error");
        retry_after(Problem::of_status(status).reply(&id))
    }
}

fn retry_after(reply: HttpReply) -> HttpReply {
    if reply.status == 429 { reply.header("retry-after", "1") } else { reply }
}
