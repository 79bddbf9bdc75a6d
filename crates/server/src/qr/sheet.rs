//! Paper: sizes, how many cards a sheet holds, where they are cut and folded.

use super::{
    page::{Card, Mark, Place},
    problem::Problem,
};

/// A poster's finished size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    A4,
    A5,
    A6,
    A7,
    /// Folded across the middle, it stands on a table and is read from both sides.
    Tent,
}

/// How cards lie on a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub width: i32,
    pub height: i32,
    columns: i32,
    rows: i32,
    count: u8,
    is_tent: bool,
}

const A4: (i32, i32) = (21_000, 29_700);
/// How far marks reach: long enough to lay a ruler on, short enough to miss any text.
const MARK_LENGTH: i32 = 400;
/// What home printers leave white at the edges.
const PRINTER_EDGE: i32 = 450;

impl Format {
    /// How many fit an A4 sheet.
    const fn most(self) -> u8 {
        match self {
            Format::A4 => 1,
            Format::A5 | Format::Tent => 2,
            Format::A6 => 4,
            Format::A7 => 8,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Format::A4 => "A4",
            Format::A5 => "A5",
            Format::A6 => "A6",
            Format::A7 => "A7",
            Format::Tent => "tent",
        }
    }

    /// One card has paper of its own size; several share an A4 sheet. A tent alone is an A4
    /// sheet folded to A5; two on a sheet fold to A6.
    pub fn plan(self, per_sheet: u8) -> Result<Plan, Problem> {
        if ![1, 2, 4, 8].contains(&per_sheet) || per_sheet > self.most() {
            let (name, most) = (self.name(), self.most());
            return Err(Problem::new(
                "per_sheet_invalid",
                "per_sheet",
                format!("A sheet of A4 holds at most {most} of size {name}, not {per_sheet}"),
                "Per sheet: 1, 2, 4 or 8. Two fit as a5 or tent, four as a6, eight as a7",
            ));
        }
        let is_tent = self == Format::Tent;
        let (width, height) = A4;
        let plan = |width, height, columns, rows| Plan {
            width,
            height,
            columns,
            rows,
            count: per_sheet,
            is_tent,
        };
        Ok(match (self, per_sheet) {
            (Format::A4 | Format::Tent, 1) => plan(width, height, 1, 1),
            (Format::A5, 1) => plan(14_800, 21_000, 1, 1),
            (Format::A6, 1) => plan(10_500, 14_800, 1, 1),
            (Format::A7, 1) => plan(7_400, 10_500, 1, 1),
            (Format::A4 | Format::A5 | Format::Tent, _) => plan(height, width, 2, 1),
            (Format::A6, _) => plan(width, height, 2, 2),
            (Format::A7, _) => plan(height, width, 4, 2),
        })
    }
}

impl Plan {
    fn cell(&self) -> (i32, i32) {
        (self.width / self.columns, self.height / self.rows)
    }

    /// A tent's card is one of its two sides.
    pub fn card(&self) -> (i32, i32) {
        let (width, height) = self.cell();
        if self.is_tent { (width, height / 2) } else { (width, height) }
    }

    pub fn places(&self) -> Vec<Place> {
        let (width, height) = self.cell();
        let mut places = Vec::new();
        for cell in 0..i32::from(self.count) {
            let (x, y) = (cell % self.columns * width, cell / self.columns * height);
            places.push(Place { x, y, is_turned: self.is_tent });
            if self.is_tent {
                places.push(Place { x, y: y + height / 2, is_turned: false });
            }
        }
        places
    }

    /// Cuts at the edges of the paper and where cuts cross; folds at a tent's sides.
    pub fn marks(&self) -> Vec<Mark> {
        let mut marks = Vec::new();
        let (width, height) = self.cell();
        let xs: Vec<i32> = (1..self.columns).map(|column| column * width).collect();
        let ys: Vec<i32> = (1..self.rows).map(|row| row * height).collect();
        let edges = |length: i32| {
            let near = (PRINTER_EDGE, PRINTER_EDGE + MARK_LENGTH);
            [near, (length - near.1, length - near.0)]
        };
        let around = |at: &i32| (at - MARK_LENGTH / 2, at + MARK_LENGTH / 2);
        for x in &xs {
            for (from, to) in edges(self.height).into_iter().chain(ys.iter().map(around)) {
                marks.push(Mark { from: (*x, from), to: (*x, to), is_fold: false });
            }
        }
        for y in &ys {
            for (from, to) in edges(self.width).into_iter().chain(xs.iter().map(around)) {
                marks.push(Mark { from: (from, *y), to: (to, *y), is_fold: false });
            }
        }
        if self.is_tent {
            let y = self.height / 2;
            for (from, to) in edges(self.width).into_iter().chain(xs.iter().map(around)) {
                marks.push(Mark { from: (from, y), to: (to, y), is_fold: true });
            }
        }
        marks
    }

    pub fn sheet_with(&self, card: Card, title: String, lang: &'static str) -> super::Sheet {
        super::Sheet {
            width: self.width,
            height: self.height,
            title,
            lang,
            card,
            places: self.places(),
            marks: self.marks(),
        }
    }
}
