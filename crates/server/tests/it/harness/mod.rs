//! What the tests stand on.

pub mod databases;
pub mod keys;

pub use keys::rsa_key;
