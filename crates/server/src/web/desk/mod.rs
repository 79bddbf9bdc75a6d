//! The clerk's page of a desk: arm it with a sum, wait, see it paid, cancel. Reached by a link that
//! nobody guesses and that can be revoked; it works without its script, too.

mod page;
mod routes;

pub use routes::routes;
