//! Webhooks against receivers on real sockets, and a simulation of many with crashes.

mod claims;
mod deliveries;
mod failing;
mod guide;
pub mod receiver;
mod replay;
mod setting;
mod sim;
