//! What a person has to look after, because no machine may decide it: written down once, told with
//! what to do, and there until somebody, or what happens next, settles it.
//!
//! Whoever raises one announces an event of his own beside it; here nothing is driven, and no bank
//! is asked.

pub mod api;
pub mod model;
pub mod store;

pub use model::{Kind, NewTodo, Why};
pub use store::{BY_ITSELF, find, list_closed, raise, settle, settle_all};
