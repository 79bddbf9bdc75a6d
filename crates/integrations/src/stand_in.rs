//! A service's mirror: the same paths, checks, limits and error shapes, in memory. What a bank's
//! emulator is to a bank.
//!
//! Sans-IO: whoever hosts it brings the time and carries the bytes. It checks what the real service
//! would check, so that a request it takes is one that the service takes.

use std::collections::{BTreeMap, VecDeque};

use kopeck_banks::http::{HttpReply, HttpRequest};

use crate::integration::Settings;

pub trait StandIn: Send {
    /// As [`crate::Integration::name`].
    fn name(&self) -> &'static str;
    /// What opens it when it is served at `base_url`.
    fn settings(&self, base_url: &str) -> Settings;
    /// The reply of a service that works.
    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply;
    fn shell(&mut self) -> &mut Shell;

    /// One request; `None` when no reply ever comes: cut the connection.
    fn serve(&mut self, now_ms: u64, request: &HttpRequest) -> Option<HttpReply> {
        match self.shell().take_fault() {
            None => Some(self.answer(now_ms, request)),
            Some(Fault::Status(status)) => {
                let page = format!("<html><body>{status}</body></html>");
                Some(HttpReply::new(status, "text/html", page))
            }
            Some(Fault::Garbage) => {
                Some(HttpReply::new(200, "text/html", "<html>under construction</html>"))
            }
            Some(Fault::ReplyLost) => {
                self.answer(now_ms, request);
                None
            }
            Some(Fault::Hang) => None,
        }
    }
}

/// Something that goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A gateway answers so in the service's place; nothing is done.
    Status(u16),
    /// 200 and a page that is no answer; nothing is done.
    Garbage,
    /// The work is done, the reply never comes.
    ReplyLost,
    /// Nothing is done, no reply comes.
    Hang,
}

/// What reached somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub at_ms: u64,
    /// The service's own word for the recipient.
    pub to: String,
    pub text: String,
    /// The button's link, where the service has buttons.
    pub link: Option<String>,
    pub has_picture: bool,
}

/// What all stand-ins have: faults to come, and what arrived.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    faults: VecDeque<Fault>,
    pub arrived: Vec<Arrived>,
    /// When each of the last requests came, by what is counted.
    seen: BTreeMap<String, VecDeque<u64>>,
}

impl Shell {
    /// The next `times` requests fail so.
    pub fn fail(&mut self, fault: Fault, times: usize) {
        self.faults.extend(std::iter::repeat_n(fault, times));
    }

    /// Nothing fails any more.
    pub fn heal(&mut self) {
        self.faults.clear();
    }

    fn take_fault(&mut self) -> Option<Fault> {
        self.faults.pop_front()
    }

    /// Counts one request of a kind. `Err` is the wait in milliseconds when there were `most`
    /// within the window already; such a request is not counted.
    pub fn count(&mut self, what: &str, now_ms: u64, most: usize, window_ms: u64) -> Wait {
        let seen = self.seen.entry(what.to_owned()).or_default();
        while seen.front().is_some_and(|at| at + window_ms <= now_ms) {
            seen.pop_front();
        }
        if seen.len() >= most {
            let oldest = seen.front().copied().unwrap_or(now_ms);
            return Err((oldest + window_ms).saturating_sub(now_ms));
        }
        seen.push_back(now_ms);
        Ok(())
    }
}

/// `Err` holds milliseconds.
pub type Wait = Result<(), u64>;
