//! QR codes as pictures, and the posters that carry them: SVG, PNG, PDF, terminal.
//!
//! A folder that only draws. It knows no payment, bank, database or clock, and does no IO: text
//! in, bytes out, the same bytes for the same text.
//!
//! Invariants: the payload is never altered, neither trimmed nor re-cased, since a bank made it
//! and a bank reads it; nothing is drawn into a code's quiet zone; a text that cannot be drawn is
//! an error, never a row of empty boxes; lengths are integers, hundredths of a millimetre.

pub mod code;
mod font;
pub mod logo;
mod page;
mod pdf;
mod picture;
pub mod poster;
mod problem;
pub mod report;
mod sheet;
mod svg;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use code::Code;
pub use page::Sheet;
pub use poster::Poster;
pub use problem::Problem;
pub use sheet::Format;
pub use words::{Lang, Way};
