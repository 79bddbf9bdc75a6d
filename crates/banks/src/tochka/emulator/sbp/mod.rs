//! SBP at the bank's mirror: the company and its points, codes of four kinds, payments by them,
//! refunds. `route` finds the call, `setup`, `codes`, `desks`, `invoices` and `refunds` answer it,
//! `transfers` alone moves money, `control` is the person at the controls.
//!
//! At the start nobody is registered: a shop begins from nothing, as at the bank.
//!
//! Choices where the bank's behaviour is unknown:
//! - a company, a point or an account that the token does not reach is 403, a code or a refund that
//!   is not there 404, a refusal of the business 424;
//! - a code is suspended exactly while its point or its company is;
//! - the state of a dynamic code is told while it lives and a day after its payment; later it is
//!   answered as one that never was (`RQ05014`);
//! - a refund is final a second after it was taken, its failure comes then;
//! - a payment of an amount as numeric text is taken as well as a number.

mod codes;
mod control;
mod desks;
mod invoices;
mod png;
mod refunds;
pub(super) mod route;
mod setup;
pub(super) mod state;
mod transfers;
