//! A poster's design: what stands where on a card, by one grid for all sizes.
//!
//! Upright cards have the code in the middle between name and steps; cards that lie on their side
//! have it at the left, and everything else at the right. All sizes grow with the card.

use kopeck_banks::Money;

use super::{
    code::{Code, QUIET},
    font::Face,
    page::{Area, Card, Color, Shape, Sheet},
    problem::Problem,
    sheet::Format,
    text::{Block, Fonts, Room},
    words::{Lang, Way, Words, words},
};

pub const NAME_MAX_LETTERS: usize = 120;

/// A module smaller than this, in hundredths of a millimetre, is lost by an office printer or by a
/// cheap phone at arm's length.
const MIN_MODULE: i32 = 40;

/// What a poster says.
#[derive(Clone)]
pub struct Poster {
    pub code: Code,
    /// The shop.
    pub name: String,
    /// Which of its tables, tills or branches.
    pub place: Option<String>,
    /// `None` when the payer types the sum.
    pub sum: Option<Money>,
    pub way: Way,
    pub lang: Lang,
}

impl Poster {
    pub fn draw(&self, format: Format, per_sheet: u8) -> Result<Sheet, Problem> {
        let plan = format.plan(per_sheet)?;
        let fonts = Fonts::load()?;
        let name = checked(&fonts, "name", &self.name)?;
        let place = self.place.as_deref().map(|place| checked(&fonts, "place", place));
        let place = place.transpose()?;
        let words = words(self.lang, self.way, self.sum.is_some());
        let (width, height) = plan.card();
        let title = format!("{name} — {}", words.heading).replace('\u{a0}', " ");
        let lang = words.lang;
        let card = Card { width, height, shapes: Vec::new(), code: self.code.clone() };
        let sum = self.sum.map(|sum| readable(sum, self.lang));
        let mut design = Design { card, fonts, words, name, place, sum };
        if width < height {
            design.upright()?
        } else {
            design.lying()?
        }
        Ok(plan.sheet_with(design.card, title, lang))
    }
}

fn checked(fonts: &Fonts, param: &'static str, text: &str) -> Result<String, Problem> {
    let text = fonts.tidy(param, text)?;
    let hint = format!("Give 1 to {NAME_MAX_LETTERS} letters");
    if text.is_empty() {
        let message = format!("The {param} is empty: nobody would know whom they pay");
        return Err(Problem::new("text_empty", param, message, hint));
    }
    let letters = text.chars().count();
    if letters > NAME_MAX_LETTERS {
        let message = format!("The {param} has {letters} letters, too many for a poster");
        return Err(Problem::new("text_too_long", param, message, hint));
    }
    Ok(text)
}

/// `1 500 ₽`: whole rubles without their kopecks, as price tags have them.
fn readable(sum: Money, lang: Lang) -> String {
    // A bold font's space between figures is too thin to be seen from afar: a third of an em.
    let text = sum.to_human().replace(",00", "").replace('\u{a0}', "\u{2004}");
    match lang {
        Lang::Ru => text,
        Lang::En => text.replace(',', "."),
    }
}

/// A card under the pen. Lengths in the methods are those of an A6 card; [`Design::to`] makes
/// them of this card.
struct Design {
    card: Card,
    fonts: Fonts,
    words: Words,
    name: String,
    place: Option<String>,
    sum: Option<String>,
}

const MARGIN: i32 = 820;
const GAP: i32 = 520;
const SUM_ROW: i32 = 1_300;
const SMALL: i32 = 290;
/// A step's disc.
const NUMBER: i32 = 460;

impl Design {
    fn to(&self, length: i32) -> i32 {
        length * self.card.width.min(self.card.height) / 10_500
    }

    /// Within the margins.
    fn inner(&self) -> Area {
        let margin = self.to(MARGIN);
        let (width, height) = (self.card.width - 2 * margin, self.card.height - 2 * margin);
        Area { x: margin, y: margin, width, height }
    }

    fn upright(&mut self) -> Result<(), Problem> {
        let inner = self.inner();
        let (gap, gutter) = (self.to(GAP), self.to(360));
        let top = self.header(inner, self.to(1_700), self.to(780))? + gap;
        let footer = self.footer(inner)?;
        let column = (inner.width - 2 * gutter) / 3;
        let texts = self.steps(column, self.to(1_250))?;
        let deepest = texts.iter().map(Block::height).max().unwrap_or(0);
        let number = self.to(NUMBER);
        let steps = footer - gap - deepest - self.to(240) - number;
        for (at, text) in (0..).zip(&texts) {
            let x = inner.x + at * (column + gutter);
            self.number(at + 1, x, steps);
            self.put(text, x, steps + number + self.to(240), Color::Ink);
        }
        let height = steps - gap - top;
        self.frame(Area { x: inner.x, y: top, width: inner.width, height })
    }

    fn lying(&mut self) -> Result<(), Problem> {
        let inner = self.inner();
        let side = inner.height - self.to(SUM_ROW);
        self.frame(Area { width: side, ..inner })?;
        let x = inner.x + side + self.to(850);
        let column = Area { x, width: inner.right() - x, ..inner };
        let top = self.header(column, self.to(2_600), self.to(740))?;
        let footer = self.footer(column)?;
        let (number, indent) = (self.to(NUMBER), self.to(NUMBER + 260));
        let texts = self.steps(column.width - indent, self.to(800))?;
        let heights: Vec<i32> = texts.iter().map(|text| text.height().max(number)).collect();
        let between = self.to(330);
        let all: i32 = heights.iter().sum::<i32>() + 2 * between;
        // In the middle of what header and footer leave.
        let mut y = top + (footer - top - all) / 2;
        for ((at, text), height) in (0..).zip(&texts).zip(heights) {
            self.number(at + 1, x, y + (height - number) / 2);
            self.put(text, x + indent, y + (height - text.height()) / 2, Color::Ink);
            y += height + between;
        }
        Ok(())
    }

    /// Heading, name, place, from the top; returns where they end.
    fn header(&mut self, area: Area, height: i32, largest: i32) -> Result<i32, Problem> {
        let heading = self.words.heading;
        let size = self.to(310);
        let heading = self.line(Face::Regular, heading, area.width, size)?;
        self.put(&heading, area.x, area.y, Color::Soft);
        let y = area.y + heading.height() + self.to(370);
        let room = Room { width: area.width, height, largest, smallest: self.to(190) };
        let name = self.fit(Face::Bold, &self.name, room)?;
        self.put(&name, area.x, y, Color::Ink);
        let mut bottom = y + name.height();
        if let Some(place) = &self.place {
            let room = Room { height: height * 48 / 100, largest: self.to(360), ..room };
            let place = self.fit(Face::Regular, place, room)?;
            let y = bottom + self.to(340);
            self.put(&place, area.x, y, Color::Soft);
            bottom = y + place.height();
        }
        Ok(bottom)
    }

    /// The code above the sum, in one frame.
    fn frame(&mut self, area: Area) -> Result<(), Problem> {
        let line = self.to(30);
        let radius = self.to(420);
        self.card.shapes.push(Shape::Frame { area, radius, width: line, color: Color::Hair });
        let row = self.to(SUM_ROW);
        let above = Area { height: area.height - row, ..area };
        let side = above.width.min(above.height) - 2 * line;
        let full = self.card.code.full_side();
        let module = side / full;
        if module < MIN_MODULE {
            return Err(Problem::new(
                "payload_too_long",
                "payload",
                format!("The code would have {full} modules of less than 0.4 mm: too fine to read"),
                "Take a larger size, fewer per sheet, or a shorter link",
            ));
        }
        let at = |start: i32, length: i32| start + (length - module * full) / 2 + QUIET * module;
        let (x, y) = (at(above.x, above.width), at(above.y, above.height));
        self.card.shapes.push(Shape::Code { x, y, module });
        let rule = Area { x: area.x, y: above.bottom(), width: area.width, height: line };
        self.card.shapes.push(Shape::Plate { area: rule, radius: 0, color: Color::Hair });
        self.sum(Area { y: rule.bottom(), height: row - line, ..area })
    }

    fn sum(&mut self, row: Area) -> Result<(), Problem> {
        let pad = self.to(480);
        let width = row.width - 2 * pad;
        let middle = |block: &Block| row.y + (row.height - block.height()) / 2;
        let Some(sum) = self.sum.clone() else {
            let text = self.line(Face::Bold, self.words.no_sum, width, self.to(430))?;
            let x = row.x + (row.width - text.width()) / 2;
            self.put(&text, x, middle(&text), Color::Ink);
            return Ok(());
        };
        let label = self.line(Face::Regular, self.words.sum_label, width / 3, self.to(340))?;
        let room = width - label.width() - pad / 2;
        let sum = self.line(Face::Bold, &sum, room, self.to(780))?;
        let y = middle(&sum);
        self.put(&sum, row.right() - pad - sum.width(), y, Color::Ink);
        // On one baseline.
        self.put(&label, row.x + pad, y + sum.height() - label.height(), Color::Soft);
        Ok(())
    }

    /// All three in one size.
    fn steps(&self, width: i32, height: i32) -> Result<Vec<Block>, Problem> {
        let mut room = Room { width, height, largest: self.to(SMALL), smallest: self.to(200) };
        for text in self.words.steps {
            let block = self.fit(Face::Regular, text, room)?;
            room.largest = block.runs.iter().map(|run| run.size).min().unwrap_or(room.largest);
        }
        self.words.steps.iter().map(|text| self.fit(Face::Regular, text, room)).collect()
    }

    /// A step's number, white in a dark disc.
    fn number(&mut self, number: i32, x: i32, y: i32) {
        let side = self.to(NUMBER);
        let area = Area { x, y, width: side, height: side };
        self.badge(area, side / 2, &number.to_string(), self.to(270));
    }

    fn badge(&mut self, area: Area, radius: i32, text: &str, size: i32) {
        self.card.shapes.push(Shape::Plate { area, radius, color: Color::Ink });
        let font = self.fonts.get(Face::Bold);
        let cap = size * font.cap_height() / font.em();
        let run = self.fonts.run(Face::Bold, size, text);
        let x = area.x + (area.width - run.width) / 2;
        let y = area.y + (area.height + cap) / 2;
        self.card.shapes.push(Shape::Text { x, y, run, color: Color::White });
    }

    /// The mark and the system's name; returns where they begin.
    fn footer(&mut self, area: Area) -> Result<i32, Problem> {
        let (height, size, gap) = (self.to(460), self.to(270), self.to(220));
        let y = area.bottom() - height;
        let mark = self.words.mark;
        let width = self.fonts.run(Face::Bold, size, mark).width + self.to(340);
        self.badge(Area { x: area.x, y, width, height }, self.to(130), mark, size);
        let (used, small) = (width + gap, self.to(SMALL));
        let system = self.line(Face::Regular, self.words.system, area.width - used, small)?;
        self.put(&system, area.x + used, y + (height - system.height()) / 2, Color::Soft);
        Ok(y)
    }

    /// One line, as large as it may be.
    fn line(&self, face: Face, text: &str, width: i32, size: i32) -> Result<Block, Problem> {
        let room = Room { width, height: size, largest: size, smallest: size / 8 };
        self.fit(face, text, room)
    }

    fn fit(&self, face: Face, text: &str, room: Room) -> Result<Block, Problem> {
        self.fonts.fit(face, text, room).ok_or_else(|| {
            Problem::new(
                "text_too_long",
                "name",
                format!("There is no room for «{text}»"),
                "Take a larger size or a shorter text",
            )
        })
    }

    fn put(&mut self, block: &Block, x: i32, top: i32, color: Color) {
        let mut y = top + block.cap;
        for run in &block.runs {
            self.card.shapes.push(Shape::Text { x, y, run: run.clone(), color });
            y += block.leading;
        }
    }
}
