//! The two embedded faces of Inter: widths, kerning, outlines. It lays out no lines.
//!
//! The library hands out points of outlines as `f32`; here they are whole font units, and become
//! integers at once.

use std::fmt::Write as _;

use ttf_parser::{
    GlyphId, OutlineBuilder,
    gpos::{PairAdjustment, PositioningSubtable},
    opentype_layout::Lookup,
};

use super::problem::Problem;

/// Where a text stands decides its face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Face {
    Regular,
    Bold,
}

impl Face {
    pub const ALL: [Face; 2] = [Face::Regular, Face::Bold];

    /// The TrueType file, whole, as it goes into a PDF.
    pub const fn file(self) -> &'static [u8] {
        match self {
            Face::Regular => include_bytes!("../../assets/fonts/inter-regular.ttf"),
            Face::Bold => include_bytes!("../../assets/fonts/inter-display-bold.ttf"),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Face::Regular => "Inter-Regular",
            Face::Bold => "InterDisplay-Bold",
        }
    }
}

/// A parsed face. All lengths are font units, [`Font::em`] to an em.
pub struct Font {
    pub face: Face,
    parsed: ttf_parser::Face<'static>,
}

impl Font {
    pub fn load(face: Face) -> Result<Font, Problem> {
        let parsed = ttf_parser::Face::parse(face.file(), 0).map_err(|error| {
            let message = format!("The embedded font {} is broken: {error}", face.name());
            Problem::new("internal_error", "font", message, "Build Kopeck anew")
        })?;
        Ok(Font { face, parsed })
    }

    pub fn em(&self) -> i32 {
        i32::from(self.parsed.units_per_em())
    }

    pub fn ascender(&self) -> i32 {
        i32::from(self.parsed.ascender())
    }

    pub fn descender(&self) -> i32 {
        i32::from(self.parsed.descender())
    }

    pub fn cap_height(&self) -> i32 {
        self.parsed.capital_height().map_or_else(|| self.em() * 7 / 10, i32::from)
    }

    /// x min, y min, x max, y max.
    pub fn bounds(&self) -> [i32; 4] {
        let all = self.parsed.global_bounding_box();
        [all.x_min, all.y_min, all.x_max, all.y_max].map(i32::from)
    }

    /// The glyph of a letter, 0 if there is none.
    pub fn glyph(&self, letter: char) -> u16 {
        self.parsed.glyph_index(letter).map_or(0, |id| id.0)
    }

    pub fn advance(&self, glyph: u16) -> i32 {
        self.parsed.glyph_hor_advance(GlyphId(glyph)).map_or(0, i32::from)
    }

    /// How much nearer (below zero) or farther two neighbours stand.
    pub fn kerning(&self, left: u16, right: u16) -> i32 {
        let Some(gpos) = self.parsed.tables().gpos else { return 0 };
        let (left, right) = (GlyphId(left), GlyphId(right));
        gpos.lookups.into_iter().find_map(|lookup| kern(&lookup, left, right)).unwrap_or(0)
    }

    /// The outline as the data of an SVG path, y growing downwards.
    pub fn outline(&self, glyph: u16) -> String {
        let mut path = Path(String::new());
        self.parsed.outline_glyph(GlyphId(glyph), &mut path);
        path.0
    }
}

/// By the first subtable of pairs that knows the left glyph, as OpenType wants it.
fn kern(lookup: &Lookup<'_>, left: GlyphId, right: GlyphId) -> Option<i32> {
    for subtable in lookup.subtables.into_iter::<PositioningSubtable<'_>>() {
        let PositioningSubtable::Pair(pairs) = subtable else { continue };
        match pairs {
            PairAdjustment::Format1 { coverage, sets } => {
                let set = coverage.get(left).and_then(|at| sets.get(at));
                if let Some((first, _)) = set.and_then(|set| set.get(right)) {
                    return Some(i32::from(first.x_advance));
                }
            }
            PairAdjustment::Format2 { coverage, classes, matrix } => {
                if coverage.get(left).is_some() {
                    let (first, _) = matrix.get((classes.0.get(left), classes.1.get(right)))?;
                    return Some(i32::from(first.x_advance));
                }
            }
        }
    }
    None
}

struct Path(String);

impl Path {
    fn add(&mut self, command: char, points: &[(f32, f32)]) {
        self.0.push(command);
        for (x, y) in points {
            let _ = write!(self.0, "{} {} ", *x as i32, -(*y as i32));
        }
        self.0.truncate(self.0.trim_end().len());
    }
}

impl OutlineBuilder for Path {
    fn move_to(&mut self, x: f32, y: f32) {
        self.add('M', &[(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.add('L', &[(x, y)]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.add('Q', &[(x1, y1), (x, y)]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.add('C', &[(x1, y1), (x2, y2), (x, y)]);
    }

    fn close(&mut self) {
        self.0.push('Z');
    }
}
