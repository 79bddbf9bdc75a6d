//! Claims: what a payment entitles to, handed out exactly once.
//!
//! A receiver that hears of a payment twice, or two that hear of it at once, ask here before they
//! deliver: of all claimers of a payment and a purpose one is told yes, for ever, and every other
//! no. Only a paid payment can be claimed; a claim that was granted stays granted.

pub mod api;
pub mod flow;
pub mod model;
pub mod store;
