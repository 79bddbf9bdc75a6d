//! The host of the emulators: brings them time, requests and controls.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use anyhow::Context as _;
use kopeck_banks::{
    emulator::{Control, Served},
    http::{HttpReply, HttpRequest},
};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};

use super::{
    banks::{BANKS, Hosted, KeyBits, Making, make_key},
    clock::SandboxClock,
    problem::Problem,
    services::{Said, Services},
    state_file::{StateFile, load_or_make_key},
    walk::SharedWalk,
};
use crate::kit::clock::{Clock as _, SharedClock, iso, timestamp};

/// How long a reply may wait for its deliveries: five kinds of notice, ten seconds each, and some.
const MAX_LATER: Duration = Duration::from_secs(60);

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// How clients reach it: `http://127.0.0.1:9900`, no trailing slash.
    pub origin: String,
    /// Ids and tokens follow from it; a state file's own seed wins.
    pub seed: u64,
    /// The clock under the virtual one.
    pub clock: SharedClock,
    /// Where it remembers; `None` forgets everything when it stops.
    pub state_file: Option<PathBuf>,
    pub key_bits: KeyBits,
    /// Lets other machines than this one use the controls.
    pub control_from_anywhere: bool,
}

/// What becomes of a request to a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Reply(HttpReply),
    /// No reply ever: cut the connection after `hold`, real time.
    Silence {
        hold: Duration,
    },
}

pub(super) struct SavedFile {
    pub(super) file: StateFile,
    /// Which of [`Sandbox::changes`] the file holds.
    pub(super) holds: u64,
}

/// The emulators with everything they need around them.
pub struct Sandbox {
    pub(super) options: Options,
    clock: Arc<SandboxClock>,
    pub(super) seed: u64,
    banks: Mutex<Vec<Hosted>>,
    services: Mutex<Services>,
    pub(super) file: Option<Mutex<SavedFile>>,
    /// How many changes there were, so that one save can serve all who wait for it.
    pub(super) changes: AtomicU64,
    /// Something changed that the delivery loop or a waiting reply may care about.
    pub(super) changed: Notify,
    /// The notices on their way, by bank and delivery.
    in_flight: Mutex<BTreeSet<(&'static str, u64)>>,
    closing: watch::Sender<bool>,
    pub(super) walk: SharedWalk,
}

impl Sandbox {
    /// All banks of the list, restored from the state file if there is one.
    pub fn open(options: Options) -> anyhow::Result<Arc<Sandbox>> {
        let (state_file, bits) = (options.state_file.clone(), options.key_bits);
        // The state file's lock is held by then, so that two sandboxes never make one key each.
        Sandbox::open_with(options, move |origin, seed| {
            let signing_key = match &state_file {
                Some(path) => load_or_make_key(path, || make_key(bits))?,
                None => make_key(bits)?,
            };
            let making = Making { origin, signing_key: &signing_key, seed };
            let hosted = BANKS
                .iter()
                .map(|bank| (bank.make)(&making).map_err(anyhow::Error::msg).context(bank.name));
            hosted.collect()
        })
    }

    /// With emulators of the caller's making.
    fn open_with(
        options: Options,
        make: impl FnOnce(&str, u64) -> anyhow::Result<Vec<Hosted>>,
    ) -> anyhow::Result<Arc<Sandbox>> {
        let (file, saved) = match &options.state_file {
            Some(path) => {
                let (file, saved) = StateFile::open(path)?;
                (Some(Mutex::new(SavedFile { file, holds: 0 })), saved)
            }
            None => (None, None),
        };
        let clock = Arc::new(SandboxClock::new(options.clock.clone()));
        let seed = saved.as_ref().map_or(options.seed, |saved| saved.seed);
        let mut banks = make(&options.origin, seed)?;
        if let Some(saved) = saved {
            clock.advance_ms(saved.clock_offset_ms).map_err(anyhow::Error::msg)?;
            for bank in &mut banks {
                let name = bank.emulator.name();
                let Some(snapshot) = saved.banks.get(name) else { continue };
                let restored = bank.emulator.restore(snapshot).map_err(anyhow::Error::msg);
                restored.with_context(|| format!("cannot restore the emulator of {name}"))?;
                // What was on its way when the process died was not answered, as far as is known.
                for (_, id) in saved.in_flight.iter().filter(|(of, _)| of == name) {
                    bank.emulator.delivered(timestamp(clock.now_ms()), *id, None);
                }
            }
        }
        Ok(Arc::new(Sandbox {
            options,
            clock,
            seed,
            banks: Mutex::new(banks),
            services: Mutex::new(Services::new()),
            file,
            // One ahead of the file: the first save writes it.
            changes: AtomicU64::new(1),
            changed: Notify::new(),
            in_flight: Mutex::default(),
            closing: watch::Sender::new(false),
            walk: SharedWalk::default(),
        }))
    }

    /// The virtual clock, to share with whatever runs beside the sandbox.
    pub fn clock(&self) -> Arc<SandboxClock> {
        self.clock.clone()
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        timestamp(self.clock.now_ms())
    }

    pub(super) fn banks(&self) -> MutexGuard<'_, Vec<Hosted>> {
        self.banks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn services(&self) -> MutexGuard<'_, Services> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the services of the sandbox brought to somebody.
    pub fn messages(&self) -> Value {
        self.services().messages()
    }

    /// To be locked after [`Sandbox::banks`], never before.
    pub(super) fn in_flight(&self) -> MutexGuard<'_, BTreeSet<(&'static str, u64)>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Test credentials and base addresses, by the names of their environment variables.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let banks: Vec<_> = self.banks().iter().flat_map(|bank| bank.env.clone()).collect();
        let services = self.services().env(&self.options.origin);
        banks.into_iter().chain(services).collect()
    }

    /// One request to a bank, in memory. Waits for the notices that the reply depends on.
    ///
    /// Runs to its end even when the caller stops waiting: a bank does not undo its work because
    /// the client hung up.
    pub async fn answer(self: &Arc<Self>, request: HttpRequest) -> Answer {
        let sandbox = self.clone();
        let work = tokio::spawn(async move { sandbox.work(&request).await });
        match work.await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "the emulator failed");
                Answer::Reply(plain(500, "The sandbox failed; its log says more.\n"))
            }
        }
    }

    async fn work(self: &Arc<Self>, request: &HttpRequest) -> Answer {
        let said = self.services().answer(self.clock.now_ms(), request);
        match said {
            Some(Said::Reply(reply)) => return Answer::Reply(reply),
            Some(Said::Silence) => return Answer::Silence { hold: Duration::ZERO },
            None => {}
        }
        let served = {
            let mut banks = self.banks();
            let (path, now) = (request.path(), self.now());
            let fits = |bank: &&mut Hosted| bank.paths.iter().any(|own| is_below(path, own));
            banks.iter_mut().find(fits).map(|bank| {
                let served = bank.emulator.serve(now, request);
                (bank.emulator.name(), served)
            })
        };
        let Some((name, served)) = served else {
            return Answer::Reply(plain(404, "No bank of the sandbox has this path.\n"));
        };
        self.touched();
        let answer = match served {
            Served::Now(reply) => Answer::Reply(reply),
            Served::Later(ticket) => match self.wait_for(name, ticket).await {
                Some(reply) => {
                    self.touched();
                    Answer::Reply(reply)
                }
                None => Answer::Silence { hold: Duration::ZERO },
            },
            Served::Silence { hold_ms } => Answer::Silence { hold: Duration::from_millis(hold_ms) },
        };
        match self.save().await {
            Ok(()) => answer,
            Err(problem) => Answer::Reply(plain(500, &format!("{problem}\n"))),
        }
    }

    async fn wait_for(&self, bank: &str, ticket: u64) -> Option<HttpReply> {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                let taken = self.find_bank(bank, |bank| bank.emulator.take_reply(ticket));
                if let Some(reply) = taken.flatten() {
                    return reply;
                }
                // The timeout is a safety net: a missed change costs a second, not a minute.
                let _ = tokio::time::timeout(Duration::from_secs(1), changed).await;
            }
        };
        tokio::select! {
            reply = tokio::time::timeout(MAX_LATER, wait) => reply.ok(),
            () = self.closed() => None,
        }
    }

    pub(super) fn find_bank<T>(&self, name: &str, act: impl FnOnce(&mut Hosted) -> T) -> Option<T> {
        self.banks().iter_mut().find(|bank| bank.emulator.name() == name).map(act)
    }

    /// What a person does at the controls; the answer is the object's new state.
    ///
    /// Without `bank` it goes to the bank that knows the payment, else to the first one.
    pub async fn control(
        self: &Arc<Self>,
        bank: Option<&str>,
        control: &Control,
    ) -> Result<Value, Problem> {
        let result = self.control_now(bank, control)?;
        self.touched();
        self.save().await?;
        Ok(result)
    }

    fn control_now(&self, bank: Option<&str>, control: &Control) -> Result<Value, Problem> {
        let now = self.now();
        let mut banks = self.banks();
        let id = id_of(control);
        let knows = |hosted: &mut Hosted, id: &str| {
            hosted.emulator.control(now, &Control::Show { id: id.to_owned() }).is_ok()
        };
        let at = match (bank, id) {
            (Some(name), _) => {
                let at = banks.iter().position(|hosted| hosted.emulator.name() == name);
                at.ok_or_else(|| unknown_bank(name))?
            }
            (None, Some(id)) => banks.iter_mut().position(|it| knows(it, id)).unwrap_or(0),
            (None, None) => 0,
        };
        let Some(hosted) = banks.get_mut(at) else {
            return Err(Problem::new(404, "bank_unknown", "The sandbox plays no bank.", ""));
        };
        hosted.emulator.control(now, control).map_err(|message| match id {
            Some(id) if !knows(hosted, id) => Problem::new(
                404,
                "payment_not_found",
                message,
                "`kopeck sandbox list` shows all payments",
            ),
            Some(_) => Problem::new(409, "payment_state_problem", message, ""),
            None => Problem::invalid(message, ""),
        })
    }

    /// Each bank's payments and notices: `{"tochka": …}`.
    pub fn list(&self) -> Map<String, Value> {
        let now = self.now();
        let mut banks = self.banks();
        let lists = banks.iter_mut().map(|bank| {
            let list = bank.emulator.control(now, &Control::List);
            (
                bank.emulator.name().to_owned(),
                list.unwrap_or_else(|error| json!({ "error": error })),
            )
        });
        lists.collect()
    }

    /// The virtual time: `{"now": …, "offset_ms": …, "target_offset_ms": …}`.
    pub fn show_clock(&self) -> Value {
        let (now, offset_ms) = (iso(self.clock.now_ms()), self.clock.offset_ms());
        json!({ "now": now, "offset_ms": offset_ms, "target_offset_ms": self.target_ms() })
    }

    /// Says that time may have passed: for whoever moves the clock under the virtual one.
    pub fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Lets go of everything that waits: held connections are cut.
    pub fn close(&self) {
        self.closing.send_replace(true);
        self.changed.notify_waiters();
    }

    /// Returns once [`Sandbox::close`] was called.
    pub(super) async fn closed(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Returns when no notice is on its way and none is due, so that a test may look.
    pub async fn settled(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_settled() {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), changed).await;
        }
    }

    /// Under one lock, and in this order: what comes back is due again before it stops being in
    /// flight, and nothing takes off while the lock is held.
    pub(super) fn is_settled(&self) -> bool {
        let now = self.now();
        let banks = self.banks();
        let is_due = |bank: &Hosted| bank.emulator.next_due().is_some_and(|due| due <= now);
        self.in_flight().is_empty() && !banks.iter().any(is_due)
    }

    pub(super) fn next_due(&self) -> Option<jiff::Timestamp> {
        self.banks().iter().filter_map(|bank| bank.emulator.next_due()).min()
    }
}

/// Whether `path` is `own` or below it: `/order` is not the start of `/orders`.
fn is_below(path: &str, own: &str) -> bool {
    path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn plain(status: u16, text: &str) -> HttpReply {
    HttpReply::new(status, "text/plain; charset=utf-8", text)
}

fn unknown_bank(name: &str) -> Problem {
    let known = BANKS.iter().map(|bank| bank.name).collect::<Vec<_>>().join(", ");
    let message = format!("The sandbox plays no bank {name:?}.");
    Problem::new(404, "bank_unknown", message, &format!("it plays: {known}"))
}

fn id_of(control: &Control) -> Option<&str> {
    match control {
        Control::Pay { id, .. }
        | Control::PayCode { id, .. }
        | Control::Decline { id, .. }
        | Control::Expire { id }
        | Control::Refund { id, .. }
        | Control::Show { id } => Some(id),
        Control::Token { .. } | Control::Fault(_) | Control::ClearFaults | Control::List => None,
    }
}
