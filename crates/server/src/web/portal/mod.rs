//! A customer's own pages, by a signed link of his shop: what he pays for and what he paid, another
//! plan, a pause, the end, another card, the consent and its end, a new subscription.
//!
//! Nothing here decides about money: each button is one of the use cases of subscriptions, and what
//! those refuse is said in the customer's words.

mod change;
mod page;
mod plans;
mod read;
mod routes;
mod words;

pub use plans::pricing_routes;
pub use routes::routes;
