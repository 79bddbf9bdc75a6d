//! Integrations against their stand-ins, served on real sockets.

mod again;
mod bitrix24;
mod bots;
mod chaos;
mod chats;
mod crm;
pub mod host;
mod letters;
mod mail;
mod quiet;
mod sending;
mod setting;
