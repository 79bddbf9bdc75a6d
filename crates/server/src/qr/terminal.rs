//! A code for a terminal: half blocks in fixed colours.

use super::code::{Code, QUIET};

/// Pure white on pure black by their numbers in the fixed part of the 256 colours, which no theme
/// repaints. Light modules are drawn and dark ones left out, so that dark terminals show a right
/// code even where colours are taken away.
const COLORS: &str = "\u{1b}[38;5;231;48;5;16m";
const RESET: &str = "\u{1b}[0m";

impl Code {
    /// Two modules per character cell, with the quiet zone.
    pub fn to_terminal(&self) -> String {
        let range = -QUIET..self.side() + QUIET;
        let is_light = |x: i32, y: i32| y < range.end && !self.is_dark(x, y);
        let mut lines = Vec::new();
        for y in range.clone().step_by(2) {
            let half = |x| match (is_light(x, y), is_light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            };
            let line: String = range.clone().map(half).collect();
            lines.push(format!("{COLORS}{line}{RESET}"));
        }
        lines.join("\n")
    }
}
