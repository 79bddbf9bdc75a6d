//! Encryption at rest: bank credentials are stored sealed, the key lives outside the database.

/// Seals and opens small secrets with a key kept outside the database.
pub struct Vault;
