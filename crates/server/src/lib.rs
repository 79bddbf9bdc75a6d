//! Kopeck: self-hosted payment acceptance. Everything here touches the world; the pure half is
//! `kopeck-banks`. Read `ARCHITECTURE.md` first; then [`payments`] is the heart.

pub mod cli;
pub mod ids;
pub mod kit;
pub mod sandbox;
