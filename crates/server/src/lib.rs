//! Kopeck: self-hosted payment acceptance. Everything here touches the world; the pure half is
//! `kopeck-banks`. Read `ARCHITECTURE.md` first; then [`payments`] is the heart.

pub mod app;
pub mod claims;
pub mod cli;
pub mod customers;
pub mod desks;
pub mod events;
pub mod gateway;
pub mod http;
pub mod ids;
pub mod instruments;
pub mod integrations;
pub mod kit;
pub mod payments;
pub mod places;
pub mod qr;
pub mod receipts;
pub mod reconcile;
pub mod runner;
pub mod sandbox;
pub mod shops;
pub mod staff;
pub mod subscriptions;
pub mod todos;
pub mod web;
pub mod webhooks;
