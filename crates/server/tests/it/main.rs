//! Tests that touch the world: databases, sockets, processes, a browser.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "clippy.toml frees only #[test] fns")]

mod api;
mod bank_openapi;
mod cli;
mod harness;
mod kill;
mod net;
mod sim;
mod store;
mod tidy;
