//! Subscriptions: a link that is paid once by card, and charges after it, by the merchant's call or
//! by the bank's own schedule. `charges` alone moves their money.
//!
//! Choices where the bank's behaviour is unknown:
//! - of one without a schedule neither status can be asked nor set: "Subscription not found", as
//!   the bank is known to answer the latter; the same is said to a charge of one with a schedule;
//! - one opened with `recurring` and `saveCard` is paid once, and every charge fails;
//! - each charge is announced, with the subscription's `operationId` and the charge's own sum;
//! - days, months and years count from the first payment, in Moscow, the last day of a shorter
//!   month standing in; a charge that fails is tried again a day later, three times in all, and
//!   then the subscription has failed;
//! - one that is canceled before it was paid takes no payment any more.

mod calls;
mod charges;
mod create;
pub(super) mod state;

pub(super) use calls::print_card;
