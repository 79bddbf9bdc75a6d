//! The real binary, as a merchant and as a script use it.

mod bank;
mod changes;
mod code_input;
mod codes_paid;
mod customer;
mod desk;
mod dunning;
mod import;
mod integrations;
mod life;
mod places;
mod plans;
mod qr;
mod receipts;
mod renewals;
mod routing;
mod sbp;
mod shell;
mod terminal_tests;
mod webhooks;
