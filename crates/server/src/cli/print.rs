//! How things look: tables and colour for people, JSON for programs.
//!
//! Colour codes are always written; anstream takes them out where nobody can see them (a pipe,
//! `NO_COLOR`).

use std::io::{IsTerminal as _, Write as _};

use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::fail::Fail;
use crate::{kit::clock::timestamp, payments::model::Status};

pub const GOOD: Style = AnsiColor::Green.on_default().bold();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const HINT: Style = AnsiColor::Cyan.on_default();
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub const FAINT: Style = Style::new().dimmed();
pub const STRONG: Style = Style::new().bold();

pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints to standard output, for people or for programs.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    pub json: bool,
}

impl Out {
    /// The same thing twice: as JSON for programs, as text for people.
    pub fn show(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Fail> {
        if self.json { self.write_json(value) } else { self.line(&text()) }
    }

    pub fn write_json(&self, value: &impl Serialize) -> Result<(), Fail> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|e| Fail::new("internal_error", e.to_string(), ""))?;
        self.line(&text)
    }

    /// One line of JSON, for a program that reads while the command still runs.
    pub fn write_json_line(&self, value: &impl Serialize) -> Result<(), Fail> {
        let text = serde_json::to_string(value)
            .map_err(|e| Fail::new("internal_error", e.to_string(), ""))?;
        self.line(&text)
    }

    /// A reader that has seen enough (`| head`) is no error.
    pub fn line(&self, text: &str) -> Result<(), Fail> {
        match writeln!(anstream::stdout(), "{text}") {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// For people only: a program that reads JSON wants one document.
    pub fn tell(&self, text: &str) -> Result<(), Fail> {
        if self.json { Ok(()) } else { self.line(text) }
    }
}

/// One line to standard error. That it cannot be written is nothing to stop for.
pub fn err_line(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A remark that is neither result nor failure.
pub fn note(text: &str) {
    err_line(&format!("{} {text}", paint(WARN, "note:")));
}

pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether questions can be asked.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .enforce_styling()
        .set_header(header);
    table
}

pub fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

pub fn status_cell(status: Status) -> Cell {
    use comfy_table::Color as C;
    let color = match status {
        Status::Paid => C::Green,
        Status::Opening | Status::Open => C::Cyan,
        Status::Authorized | Status::Capturing | Status::Refunding => C::Yellow,
        Status::PartiallyRefunded | Status::Refunded => C::Magenta,
        Status::Expired | Status::Canceled => C::DarkGrey,
        Status::Failed | Status::AmountMismatch => C::Red,
    };
    Cell::new(status.as_str()).fg(color)
}

pub const fn status_style(status: Status) -> Style {
    match status {
        Status::Paid => GOOD,
        Status::Opening | Status::Open => HINT,
        Status::Authorized | Status::Capturing | Status::Refunding => WARN,
        Status::PartiallyRefunded | Status::Refunded => STRONG,
        Status::Expired | Status::Canceled => FAINT,
        Status::Failed | Status::AmountMismatch => BAD,
    }
}

/// `2026-11-21 22:47:00`, Moscow: the banks' own clock, and that of their statements.
pub fn moscow(ms: i64) -> String {
    let zone = TimeZone::get("Europe/Moscow").unwrap_or(TimeZone::UTC);
    timestamp(ms).to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
