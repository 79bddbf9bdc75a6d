//! Who works at a shop and may see its dashboard: people, roles, sessions, and what each changed.
//!
//! Invariants: a password is stored as argon2id and compared nowhere else; a session is stored as
//! the hash of its token; a code of the authenticator counts once; a shop never loses its last
//! owner; a change is in the audit before it is made, and nobody takes it out of there.

pub mod flow;
pub mod model;
pub mod password;
pub mod store;
pub mod totp;
