//! Tests that touch the world: databases, sockets, processes, a browser.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking; clippy.toml frees only functions marked #[test]"
)]

mod admin;
mod api;
mod bank_openapi;
mod browser;
mod cli;
mod docs;
mod harness;
mod integrations;
mod kill;
mod net;
mod pages;
mod qr;
mod sim;
mod store;
mod tidy;
mod webhooks;
