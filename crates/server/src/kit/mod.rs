//! What knows nothing of payments: clock, configuration, database, HTTP, jobs, logs, secrets.
//!
//! [`Ctx`] bundles the instances that every flow needs; it is made once at start-up (or by a test
//! with a virtual clock, a seeded mint and an in-memory database) and passed down.

pub mod clock;
pub mod config;
mod context;
pub mod db;
pub mod jobs;
pub mod log;
pub mod net;
pub mod secret;

pub use context::Ctx;
