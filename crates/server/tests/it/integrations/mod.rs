//! Integrations against their stand-ins, served on real sockets.

mod chaos;
mod crm;
pub mod host;
mod mail;
mod sending;
mod setting;
