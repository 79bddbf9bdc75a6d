//! What the tests stand on.

pub mod app;
pub mod bank;
pub mod browser;
pub mod databases;
pub mod process;
pub mod receipts;
pub mod sbp;
