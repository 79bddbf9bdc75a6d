//! Kopeck's pure half: money, receipts and the banks as translation.
//!
//! Nothing here opens a socket, reads a clock, draws a random number or touches a database: times,
//! keys and random values come in as arguments, so the same input always gives the same bytes, and
//! a client can talk to a bank's emulator in memory, at memory speed, in any order of delays.
//!
//! Start with [`op`] (what one may ask a bank and hear back), then [`bank`] (the trait every bank
//! implements), then a bank's own folder, such as [`tochka`].

pub mod bank;
#[cfg(test)]
mod contract;
pub mod emulator;
pub mod exchange;
pub mod http;
pub mod money;
pub mod op;
pub mod receipt;
pub mod tbank;
pub mod tochka;

pub use bank::{BANKS, Bank, Capabilities, Credentials, Setting, find_bank};
pub use money::Money;
