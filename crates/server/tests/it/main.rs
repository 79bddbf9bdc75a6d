//! Tests that touch the world: databases, sockets, processes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "clippy.toml frees only #[test] fns")]

mod api;
mod harness;
mod net;
mod sim;
mod store;
mod tidy;
