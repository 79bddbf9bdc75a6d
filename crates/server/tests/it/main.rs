//! Tests that touch the world: databases, sockets, processes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "clippy.toml frees only #[test] fns")]

mod cli;
mod harness;
mod net;
mod store;
mod tidy;
