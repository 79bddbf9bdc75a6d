//! What stands where: a card as a list of shapes, a sheet of paper as cards and marks. It decides
//! nothing; `svg` and `pdf` write it down.
//!
//! Lengths are hundredths of a millimetre: A4's 29 700 fit even old printers' 16-bit numbers.

use super::{code::Code, text::Run};

/// Everything is a shade of black ink: it prints the same on any printer and copies well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Ink,
    /// Second in rank, still four times the contrast that small print needs.
    Soft,
    /// Frames and marks.
    Hair,
    White,
}

impl Color {
    /// 0 is black.
    pub const fn gray(self) -> u8 {
        match self {
            Color::Ink => 0,
            Color::Soft => 0x55,
            Color::Hair => 0xc4,
            Color::White => 0xff,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

impl Area {
    pub fn right(&self) -> i32 {
        self.x + self.width
    }

    pub fn bottom(&self) -> i32 {
        self.y + self.height
    }
}

#[derive(Clone, Debug)]
pub enum Shape {
    /// Filled, with round corners.
    Plate { area: Area, radius: i32, color: Color },
    /// A line of this width around an area; its middle is on the area's edge.
    Frame { area: Area, radius: i32, width: i32, color: Color },
    /// A text that begins at `x`, its baseline at `y`.
    Text { x: i32, y: i32, run: Run, color: Color },
    /// The code without its quiet zone, `module` to a module.
    Code { x: i32, y: i32, module: i32 },
}

/// One poster.
#[derive(Clone)]
pub struct Card {
    pub width: i32,
    pub height: i32,
    pub shapes: Vec<Shape>,
    pub code: Code,
}

/// Where a card's top left corner is; a turned card stands on its head in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub x: i32,
    pub y: i32,
    pub is_turned: bool,
}

/// A hairline for scissors or for folding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub from: (i32, i32),
    pub to: (i32, i32),
    pub is_fold: bool,
}

/// A sheet of paper: the same card once or several times.
#[derive(Clone)]
pub struct Sheet {
    pub(super) width: i32,
    pub(super) height: i32,
    /// For a PDF's title and for screen readers.
    pub(super) title: String,
    /// `ru`, `en`.
    pub(super) lang: &'static str,
    pub(super) card: Card,
    pub(super) places: Vec<Place>,
    pub(super) marks: Vec<Mark>,
}

impl Sheet {
    /// Hundredths of a millimetre that one module of the code takes on paper.
    pub fn module(&self) -> i32 {
        let modules = self.card.shapes.iter().map(|shape| match shape {
            Shape::Code { module, .. } => *module,
            Shape::Plate { .. } | Shape::Frame { .. } | Shape::Text { .. } => 0,
        });
        modules.max().unwrap_or(0)
    }

    /// Cards on the sheet.
    pub fn cards(&self) -> usize {
        self.places.len()
    }
}

pub const MARK_WIDTH: i32 = 10;
