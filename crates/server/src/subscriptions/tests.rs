//! Tables and properties of the pure parts.

mod calendar;
mod dunning;
mod grid;
mod metrics;
mod money;
mod steps;
