//! Shops: who sells. A shop has API keys and connections to banks with encrypted credentials.
//!
//! Invariants: an API key is stored as its hash only; a connection's credentials are sealed with a
//! key that is not in the database; every row of a shop is reached through the shop's id.

pub mod api;
pub mod brand;
pub mod flow;
pub mod model;
pub mod store;
