//! Documents of text and tables over as many pages as they need: evidence, statements. Everything
//! is wrapped into its column; nothing is cut off, and a table's head stands on every page.

use super::{
    font::Face,
    page::{Area, Color, Shape},
    pdf,
    problem::Problem,
    text::{Fonts, Run},
};

const WIDTH: i32 = 21_000;
const HEIGHT: i32 = 29_700;
const MARGIN: i32 = 1_700;
const TEXT_WIDTH: i32 = WIDTH - 2 * MARGIN;
const BOTTOM: i32 = HEIGHT - MARGIN - 600;
/// Ems, in hundredths of a millimetre: 18, 12 and 8 points.
const TITLE: i32 = 635;
const HEADING: i32 = 423;
const BODY: i32 = 282;
/// Between columns.
const GAP: i32 = 200;
/// A hairline over a table's row, and the air around it.
const RULE: i32 = 8;
const AIR: i32 = 70;

/// What a document says, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Heading(String),
    /// A paragraph, as wide as the page.
    Text(String),
    Table {
        /// How wide each column is in proportion to the others.
        columns: Vec<i32>,
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub title: String,
    /// `ru`, `en`.
    pub lang: &'static str,
    pub parts: Vec<Part>,
}

/// One line of the page.
#[derive(Clone)]
struct Line {
    height: i32,
    /// Where its baseline is, from its top.
    baseline: i32,
    texts: Vec<(i32, Run, Color)>,
    has_rule: bool,
    /// Stands with the line after it.
    keeps: bool,
    /// The table that it is a row of; its head is repeated on the next page.
    table: Option<usize>,
}

struct Layout {
    fonts: Fonts,
    lines: Vec<Line>,
    /// The heads of tables.
    heads: Vec<Vec<Line>>,
}

impl Report {
    pub fn to_pdf(&self) -> Result<Vec<u8>, Problem> {
        let mut layout = Layout { fonts: Fonts::load()?, lines: Vec::new(), heads: Vec::new() };
        layout.paragraph(Face::Bold, TITLE, &self.title, true);
        for part in &self.parts {
            match part {
                Part::Heading(text) => {
                    layout.space(BODY * 2);
                    layout.paragraph(Face::Bold, HEADING, text, true);
                }
                Part::Text(text) => layout.paragraph(Face::Regular, BODY, text, false),
                Part::Table { columns, head, rows } => layout.table(columns, head, rows),
            }
        }
        let pages = layout.pages(&self.title);
        let title = layout.fonts.drawable(&self.title);
        pdf::pages(&layout.fonts, (&title, self.lang), (WIDTH, HEIGHT), &pages)
    }
}

impl Layout {
    fn space(&mut self, height: i32) {
        let line = self.line(height, Vec::new());
        self.lines.push(Line { keeps: true, ..line });
    }

    fn line(&self, height: i32, texts: Vec<(i32, Run, Color)>) -> Line {
        Line { height, baseline: height * 3 / 4, texts, has_rule: false, keeps: false, table: None }
    }

    /// What the text becomes in a column: no letter that cannot be drawn, no word too wide.
    fn wrapped(&self, face: Face, size: i32, text: &str, width: i32) -> Vec<Run> {
        let text = self.fonts.drawable(text);
        let lines = self.fonts.wrap(face, size, &text, width, true).unwrap_or_default();
        lines.iter().map(|line| self.fonts.run(face, size, line)).collect()
    }

    fn paragraph(&mut self, face: Face, size: i32, text: &str, keeps: bool) {
        for text in text.lines() {
            for run in self.wrapped(face, size, text, TEXT_WIDTH) {
                let line = self.line(size * 138 / 100, vec![(MARGIN, run, Color::Ink)]);
                self.lines.push(Line { keeps, ..line });
            }
        }
    }

    fn table(&mut self, columns: &[i32], head: &[String], rows: &[Vec<String>]) {
        let whole: i32 = columns.iter().sum::<i32>().max(1);
        let (mut places, mut x) = (Vec::new(), MARGIN);
        for column in columns {
            let width = TEXT_WIDTH * column / whole;
            places.push((x, width - GAP));
            x += width;
        }
        let at = self.heads.len();
        let mut top = self.row(&places, head, (Face::Bold, Color::Soft));
        top.iter_mut().for_each(|line| line.keeps = true);
        self.heads.push(top.clone());
        self.lines.append(&mut top);
        for row in rows {
            let lines = self.row(&places, row, (Face::Regular, Color::Ink));
            self.lines.extend(lines.into_iter().map(|line| Line { table: Some(at), ..line }));
        }
    }

    /// A row as lines: the first line of every cell, then the second, under a hairline.
    fn row(&self, places: &[(i32, i32)], cells: &[String], look: (Face, Color)) -> Vec<Line> {
        let (face, color) = look;
        let wrap = |(cell, (x, width)): (&String, &(i32, i32))| {
            let runs = cell.lines().flat_map(|text| self.wrapped(face, BODY, text, *width));
            (*x, runs.collect::<Vec<_>>())
        };
        let columns: Vec<(i32, Vec<Run>)> = cells.iter().zip(places).map(wrap).collect();
        let count = columns.iter().map(|(_, runs)| runs.len()).max().unwrap_or(0);
        let height = BODY * 128 / 100;
        let line = |at: usize| {
            let texts = columns.iter().filter_map(|(x, runs)| {
                let run = runs.get(at)?;
                Some((*x, run.clone(), color))
            });
            let first = at == 0;
            let air = if first { 2 * AIR } else { 0 };
            let line = self.line(height + air, texts.collect());
            let baseline = height * 3 / 4 + air;
            Line { baseline, has_rule: first, keeps: first && count > 1, ..line }
        };
        (0..count).map(line).collect()
    }

    /// Lines onto pages; each page ends with the title and its number.
    fn pages(&self, title: &str) -> Vec<Vec<Shape>> {
        let mut pages: Vec<Vec<Shape>> = vec![Vec::new()];
        let mut y = MARGIN;
        for (at, line) in self.lines.iter().enumerate() {
            let next = self.lines.get(at + 1).filter(|_| line.keeps);
            let needed = line.height + next.map_or(0, |next| next.height);
            if y + needed > BOTTOM && y > MARGIN {
                pages.push(Vec::new());
                y = MARGIN;
                for head in line.table.and_then(|at| self.heads.get(at)).into_iter().flatten() {
                    y = put(pages.last_mut(), head, y);
                }
            }
            y = put(pages.last_mut(), line, y);
        }
        let count = pages.len();
        for (at, page) in pages.iter_mut().enumerate() {
            let foot = format!("{} · {} / {count}", self.fonts.drawable(title), at + 1);
            let foot = self.wrapped(Face::Regular, BODY * 4 / 5, &foot, TEXT_WIDTH);
            let y = HEIGHT - MARGIN;
            let run = foot.into_iter().next();
            page.extend(run.map(|run| Shape::Text { x: MARGIN, y, run, color: Color::Soft }));
        }
        pages
    }
}

/// Draws the line at `y`; returns where the next one begins.
fn put(page: Option<&mut Vec<Shape>>, line: &Line, y: i32) -> i32 {
    let Some(page) = page else { return y };
    if line.has_rule {
        let area = Area { x: MARGIN, y: y + AIR / 2, width: TEXT_WIDTH, height: RULE };
        page.push(Shape::Plate { area, radius: 0, color: Color::Hair });
    }
    for (x, run, color) in &line.texts {
        let (x, y, run, color) = (*x, y + line.baseline, run.clone(), *color);
        page.push(Shape::Text { x, y, run, color });
    }
    y + line.height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_tables_go_on_over_pages_and_keep_every_word() {
        let rows = (0..200).map(|at| {
            vec![format!("{at}"), "Списание 2 450,00 ₽ по карте 430000******0777 ".repeat(3)]
        });
        let table = Part::Table {
            columns: vec![1, 4],
            head: vec!["№".into(), "Что было".into()],
            rows: rows.collect(),
        };
        let emoji = Part::Text("Покупатель 😀 «client-17»".into());
        let parts = vec![Part::Heading("История".into()), emoji, table];
        let report =
            Report { title: "Согласия и списания".into(), lang: "ru", parts };
        let mut layout =
            Layout { fonts: Fonts::load().unwrap(), lines: Vec::new(), heads: Vec::new() };
        let Part::Table { columns, head, rows } = &report.parts[2] else { panic!("a table") };
        layout.table(columns, head, rows);
        let pages = layout.pages("x");
        assert!(pages.len() > 3, "{}", pages.len());
        let is_inside = |shape: &Shape| match shape {
            Shape::Text { x, y, run, .. } => {
                *x >= MARGIN && x + run.width <= WIDTH - MARGIN && *y > 0 && *y <= HEIGHT - MARGIN
            }
            Shape::Plate { area, .. } => area.right() <= WIDTH - MARGIN,
            Shape::Frame { .. } | Shape::Code { .. } => false,
        };
        assert!(pages.iter().flatten().all(is_inside));
        let letters = |page: &Vec<Shape>| {
            let glyphs = page.iter().filter_map(|shape| match shape {
                Shape::Text { run, .. } => Some(run.glyphs.iter().map(|it| it.letter)),
                Shape::Plate { .. } | Shape::Frame { .. } | Shape::Code { .. } => None,
            });
            glyphs.flatten().collect::<String>()
        };
        for page in &pages {
            assert!(letters(page).contains("Что было"), "the head is on every page");
        }
        let all: String = pages.iter().map(letters).collect();
        assert_eq!(all.matches("430000******0777").count(), 600, "nothing is cut off");
        let pdf = report.to_pdf().unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7") && pdf.ends_with(b"%%EOF\n"));
        assert_eq!(pdf, report.to_pdf().unwrap(), "the same bytes every time");
    }
}
