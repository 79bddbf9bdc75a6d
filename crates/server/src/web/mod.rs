//! Pages for people: the checkout, places, clerks' desks, withdrawals of consent, letters that
//! nobody wants any more, a portal's tab in the card of a deal, the dashboard, the docs. Nothing
//! here decides anything about a payment.
//!
//! Every page answers with the headers of [`headers`]: no script or style but our own files, no
//! frame, no referrer.

pub mod admin;
pub mod assets;
pub mod base;
pub mod bitrix24;
pub mod brand;
pub mod checkout;
pub mod components;
pub mod desk;
pub mod docs;
pub mod headers;
pub mod lang;
pub mod message;
pub mod parts;
pub mod place;
pub mod portal;
pub mod status;
pub mod terms;
pub mod unsubscribe;
pub mod withdrawal;
