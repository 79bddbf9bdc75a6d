//! SBP at Tochka beside its payment links: the company and its points, codes of four kinds, their
//! payments and refunds. The same roles as in the folder above; see `docs/banks/tochka.md`.
//!
//! The bank's ways to remember: sums of codes are kopecks, of refunds and notices rubles as text;
//! only payments by dynamic codes are refunded here; their state is told while the code lives or a
//! day after the payment, the list of payments tells longer but without sums.

pub mod codes;
pub mod errors;
pub mod payment;
pub mod quirks;
pub mod reply;
pub mod request;
pub mod wire;
