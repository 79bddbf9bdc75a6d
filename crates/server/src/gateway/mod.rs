//! The gateway: the only code that talks to a bank. It runs operations and returns outcomes; it
//! knows no payment.
//!
//! Invariants: a request is never repeated here; silence comes back as `Unknown`; every byte to and
//! from a bank is kept in the journal with secrets and card data masked; a refresh token, which
//! works once, is used by one process at a time.

pub mod connecting;
pub mod flow;
pub mod notices;
pub mod store;
