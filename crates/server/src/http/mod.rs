//! What every HTTP route shares: the one error type, reading bodies and queries, request ids, who
//! is calling, lists by page.
//!
//! It knows no payment and no shop's rules; routes are in the `api.rs` of each folder and in `web`.
//!
//! Invariants: an error always has a code of [`codes`] or a bank's own, what is wrong, and what to
//! do; a body is never read beyond its limit; no log line holds a body, a query or a key.

pub mod answer;
pub mod body;
pub mod caller;
pub mod codes;
pub mod error;
pub mod json;
pub mod listen;
pub mod page;
pub mod query;
pub mod request_id;
pub mod russian;
pub mod server;
pub mod text;

pub use answer::Answer;
pub use caller::Caller;
pub use error::ApiError;
pub use request_id::RequestId;
pub use server::{Limits, Server};
