//! The sandbox: the banks' emulators behind a real port, so that any program in any language can
//! try every flow without a bank.
//!
//! ```text
//!   your program ──HTTP──► serve ──► host::Sandbox ──► an Emulator (kopeck-banks, pure)
//!                                      │   ▲
//!   your notice URL ◄──HTTP── deliver ◄┘   └── control ◄── the page at /, `kopeck sandbox pay …`
//! ```
//!
//! - [`Sandbox`] owns the emulators, the virtual clock and the state file.
//! - [`serve`](serve()) puts it on a port: the banks' paths, the controls under `/_control`, and a
//!   page for people at `/`.
//! - `services` plays messengers, SMS and bot builders, under `/services`.
//! - `deliver` carries the notices that the emulators want sent.
//! - `walk` moves the clock in step with the servers that `follow` it.
//! - [`Client`] drives the controls; the CLI and tests use it.
//!
//! Invariants: a reply or a notice leaves only after the state that it tells is in the state file;
//! [`Served::Silence`](kopeck_banks::emulator::Served::Silence) looks to the client like a cut
//! connection, never like a status; the controls answer only to this machine unless told otherwise;
//! nothing here knows a bank's words (the lists in `banks` excepted).

mod banks;
mod client;
mod clock;
mod control;
mod cut;
mod deliver;
mod follow;
mod host;
mod page;
mod problem;
mod save;
mod serve;
mod services;
mod state_file;
#[cfg(test)]
mod tests;
mod view;
mod walk;

pub use banks::{CardRow, KeyBits, test_cards};
pub use client::Client;
pub use clock::{SandboxClock, parse_duration_ms};
pub use follow::{catch_up, follow};
pub use host::{Answer, Options, Sandbox};
pub use problem::Problem;
pub use serve::serve;
pub use view::{Code, Notice, Payment, codes_of, notices_of, payments_of};
