//! Letters to glyphs, glyphs to lines, lines into a given space. Nothing ever leaves that space.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::{
    font::{Face, Font},
    problem::Problem,
};

/// Both faces, parsed once per poster.
pub struct Fonts {
    regular: Font,
    bold: Font,
}

/// One line of text, measured.
#[derive(Clone, Debug)]
pub struct Run {
    pub face: Face,
    /// The em, in hundredths of a millimetre.
    pub size: i32,
    /// The em in font units, in which glyphs are measured.
    pub em: i32,
    pub width: i32,
    pub glyphs: Vec<Glyph>,
}

#[derive(Clone, Copy, Debug)]
pub struct Glyph {
    pub id: u16,
    pub letter: char,
    /// From the line's beginning, in font units, kerning included.
    pub x: i32,
    /// By itself, in font units.
    pub advance: i32,
}

/// Lines of one size that fit where they were asked to.
#[derive(Clone, Debug)]
pub struct Block {
    pub runs: Vec<Run>,
    /// From baseline to baseline.
    pub leading: i32,
    /// Of capital letters: the first baseline is this far below the block's top.
    pub cap: i32,
}

impl Block {
    pub fn width(&self) -> i32 {
        self.runs.iter().map(|run| run.width).max().unwrap_or(0)
    }

    /// From the top of the first line's capitals to the last baseline.
    pub fn height(&self) -> i32 {
        let gaps = i32::try_from(self.runs.len()).unwrap_or(i32::MAX) - 1;
        self.cap + gaps * self.leading
    }
}

/// The space for a text, and the sizes it may take there.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub width: i32,
    pub height: i32,
    pub largest: i32,
    pub smallest: i32,
}

impl Fonts {
    pub fn load() -> Result<Fonts, Problem> {
        Ok(Fonts { regular: Font::load(Face::Regular)?, bold: Font::load(Face::Bold)? })
    }

    pub fn get(&self, face: Face) -> &Font {
        match face {
            Face::Regular => &self.regular,
            Face::Bold => &self.bold,
        }
    }

    /// Words with single spaces, letters composed (`и` and a breve become `й`, as some keyboards
    /// send them apart); a letter that the font does not have is an error.
    pub fn tidy(&self, param: &'static str, text: &str) -> Result<String, Problem> {
        let composed: String = text.nfc().collect();
        let words: Vec<&str> = composed.split([' ', '\t', '\n', '\r']).collect();
        let tidied = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let tidied = tidied.join(" ");
        let is_missing =
            |letter: &char| Face::ALL.into_iter().any(|face| self.get(face).glyph(*letter) == 0);
        if let Some(letter) = tidied.chars().find(is_missing) {
            return Err(Problem::new(
                "text_not_drawable",
                param,
                format!("The posters' font has no «{}»", letter.escape_default()),
                "Latin and Cyrillic letters, digits and punctuation can be printed",
            ));
        }
        Ok(tidied)
    }

    /// The text with a letter that the fonts do not have written as its number: a document must
    /// say everything, and a poster may refuse.
    pub fn drawable(&self, text: &str) -> String {
        let composed: String = text.nfc().collect();
        let mut drawn = String::new();
        for letter in composed.chars() {
            let is_missing = Face::ALL.into_iter().any(|face| self.get(face).glyph(letter) == 0);
            match letter {
                '\t' | '\r' => drawn.push(' '),
                _ if is_missing => drawn.push_str(&letter.escape_unicode().to_string()),
                _ => drawn.push(letter),
            }
        }
        drawn
    }

    pub fn run(&self, face: Face, size: i32, text: &str) -> Run {
        let font = self.get(face);
        let (mut glyphs, mut x): (Vec<Glyph>, i32) = (Vec::new(), 0);
        for letter in text.chars() {
            let id = font.glyph(letter);
            // Spaces keep their width: 1 500 must not become 1500.
            let is_beside =
                |before: &&Glyph| !before.letter.is_whitespace() && !letter.is_whitespace();
            if let Some(before) = glyphs.last().filter(is_beside) {
                x += font.kerning(before.id, id);
            }
            let advance = font.advance(id);
            glyphs.push(Glyph { id, letter, x, advance });
            x += advance;
        }
        // Rounded up: what is said to fit, fits.
        let em = font.em();
        let width = (x * size + em - 1) / em;
        Run { face, size, em, width, glyphs }
    }

    fn width(&self, face: Face, size: i32, text: &str) -> i32 {
        self.run(face, size, text).width
    }

    /// The largest size at which whole words fit the room; if none does, the largest at which
    /// broken words do.
    pub fn fit(&self, face: Face, text: &str, room: Room) -> Option<Block> {
        for may_break in [false, true] {
            let mut size = room.largest;
            while size >= room.smallest {
                let lines = self.wrap(face, size, text, room.width, may_break);
                let block = lines.map(|lines| self.block(face, size, &lines));
                if let Some(block) = block.filter(|block| block.height() <= room.height) {
                    return Some(if may_break { block } else { self.evened(block, text, room) });
                }
                size -= (size / 24).max(1);
            }
        }
        None
    }

    /// Lines as even as they can be: a narrower width is taken as long as it needs no more lines,
    /// so that no last word stands alone.
    fn evened(&self, block: Block, text: &str, room: Room) -> Block {
        let Some((face, size)) = block.runs.first().map(|run| (run.face, run.size)) else {
            return block;
        };
        let mut best = block;
        for part in (50..100).rev().step_by(5) {
            match self.wrap(face, size, text, room.width * part / 100, false) {
                Some(lines) if lines.len() == best.runs.len() => {
                    best = self.block(face, size, &lines);
                }
                Some(_) | None => break,
            }
        }
        best
    }

    fn block(&self, face: Face, size: i32, lines: &[Cow<'_, str>]) -> Block {
        let font = self.get(face);
        let leading = match face {
            Face::Regular => size * 138 / 100,
            Face::Bold => size * 112 / 100,
        };
        Block {
            runs: lines.iter().map(|line| self.run(face, size, line)).collect(),
            leading,
            cap: size * font.cap_height() / font.em(),
        }
    }

    /// `None` when a word is wider than the line and may not be broken.
    pub fn wrap<'a>(
        &self,
        face: Face,
        size: i32,
        text: &'a str,
        width: i32,
        may_break: bool,
    ) -> Option<Vec<Cow<'a, str>>> {
        let mut lines: Vec<Cow<'a, str>> = Vec::new();
        for word in text.split(' ') {
            if let Some(last) = lines.last_mut() {
                let longer = format!("{last} {word}");
                if self.width(face, size, &longer) <= width {
                    *last = Cow::Owned(longer);
                    continue;
                }
            }
            if self.width(face, size, word) <= width {
                lines.push(Cow::Borrowed(word));
            } else if may_break {
                lines.extend(self.break_word(face, size, word, width)?);
            } else {
                return None;
            }
        }
        Some(lines)
    }

    /// `None` when not even one letter fits.
    fn break_word<'a>(
        &self,
        face: Face,
        size: i32,
        word: &'a str,
        width: i32,
    ) -> Option<Vec<Cow<'a, str>>> {
        let mut pieces: Vec<String> = vec![String::new()];
        for letter in word.chars() {
            let last = pieces.last_mut()?;
            last.push(letter);
            if self.width(face, size, last) > width {
                last.pop();
                if last.is_empty() {
                    return None;
                }
                pieces.push(letter.to_string());
            }
        }
        Some(pieces.into_iter().map(Cow::Owned).collect())
    }
}
