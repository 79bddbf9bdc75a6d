//! A sheet or a document as PDF: real text in embedded fonts, the same bytes every time.
//!
//! Written by hand: a page of shapes needs five kinds of objects, and a library would count in
//! floats. Chapters are of ISO 32000-1.

use std::{collections::BTreeMap, fmt::Write as _};

use flate2::{Compression, write::ZlibEncoder};

use super::{
    code::Code,
    font::{Face, Font},
    page::{Area, Color, MARK_WIDTH, Shape, Sheet},
    problem::Problem,
    svg::decimal,
    text::{Fonts, Run},
};

const CATALOG: usize = 1;
const PAGES: usize = 2;
const PAGE: usize = 3;
const CONTENT: usize = 4;
const INFO: usize = 5;
/// Five objects for each face, then the logo.
const FONTS: usize = 6;
const OBJECTS_PER_FONT: usize = 5;
const LOGO: usize = FONTS + OBJECTS_PER_FONT * Face::ALL.len();

/// Hundredths of a millimetre in an inch; 72 points in an inch.
const INCH: i32 = 2540;

impl Sheet {
    pub fn to_pdf(&self) -> Result<Vec<u8>, Problem> {
        let fonts = Fonts::load()?;
        let mut file = File::new();
        file.object(CATALOG, &self.catalog());
        file.object(PAGES, &format!("<</Type/Pages/Kids[{PAGE} 0 R]/Count 1>>"));
        file.object(PAGE, &self.page());
        file.stream(CONTENT, "", content(self).as_bytes())?;
        file.object(INFO, &format!("<</Title {}/Producer(Kopeck)>>", utf16(&self.title)));
        let used = used_glyphs(self);
        for (at, face) in Face::ALL.into_iter().enumerate() {
            let glyphs = used.get(&face).cloned().unwrap_or_default();
            font(&mut file, FONTS + at * OBJECTS_PER_FONT, fonts.get(face), &glyphs)?;
        }
        if let Some(logo) = self.card.code.logo() {
            let entries = format!(
                "/Type/XObject/Subtype/Image/Width {}/Height {}/ColorSpace/DeviceRGB\
                 /BitsPerComponent 8/Interpolate true",
                logo.width, logo.height,
            );
            file.stream(LOGO, &entries, &logo.rgb)?;
        }
        Ok(file.finish())
    }

    fn catalog(&self) -> String {
        format!(
            "<</Type/Catalog/Pages {PAGES} 0 R/Lang({})\
             /ViewerPreferences<</DisplayDocTitle true/PrintScaling/None>>>>",
            self.lang,
        )
    }

    fn page(&self) -> String {
        let mut fonts = String::new();
        for at in 0..Face::ALL.len() {
            let _ = write!(fonts, "/F{at} {} 0 R", FONTS + at * OBJECTS_PER_FONT);
        }
        let logo = if self.card.code.logo().is_some() {
            format!("/XObject<</L {LOGO} 0 R>>")
        } else {
            String::new()
        };
        format!(
            "<</Type/Page/Parent {PAGES} 0 R/MediaBox[0 0 {} {}]/Contents {CONTENT} 0 R\
             /Resources<</Font<<{fonts}>>{logo}>>>>",
            decimal(self.width * 72, INCH),
            decimal(self.height * 72, INCH),
        )
    }
}

/// A document's first page stands where a poster's does, the others behind the fonts: the table
/// of objects has no gaps. A page, then its drawing.
const fn page_object(at: usize) -> usize {
    if at == 0 { PAGE } else { LOGO + 2 * (at - 1) }
}

/// A document of many pages of one size, made of shapes that hold no code.
pub fn pages(
    fonts: &Fonts,
    (title, lang): (&str, &str),
    (width, height): (i32, i32),
    pages: &[Vec<Shape>],
) -> Result<Vec<u8>, Problem> {
    let mut file = File::new();
    let catalog = format!(
        "<</Type/Catalog/Pages {PAGES} 0 R/Lang({lang})\
         /ViewerPreferences<</DisplayDocTitle true>>>>"
    );
    file.object(CATALOG, &catalog);
    let mut kids = String::new();
    for at in 0..pages.len() {
        let _ = write!(kids, "{} 0 R ", page_object(at));
    }
    file.object(PAGES, &format!("<</Type/Pages/Kids[{kids}]/Count {}>>", pages.len()));
    file.object(INFO, &format!("<</Title {}/Producer(Kopeck)>>", utf16(title)));
    let mut used: BTreeMap<Face, Used> = BTreeMap::new();
    pages.iter().for_each(|shapes| use_glyphs(&mut used, shapes));
    let mut names = String::new();
    for (at, face) in Face::ALL.into_iter().enumerate() {
        let first = FONTS + at * OBJECTS_PER_FONT;
        let _ = write!(names, "/F{at} {first} 0 R");
        font(&mut file, first, fonts.get(face), &used.remove(&face).unwrap_or_default())?;
    }
    let scale = decimal(72, INCH);
    let (right, top) = (decimal(width * 72, INCH), decimal(height * 72, INCH));
    for (at, shapes) in pages.iter().enumerate() {
        let page = page_object(at);
        let content = page + 1;
        file.object(
            page,
            &format!(
                "<</Type/Page/Parent {PAGES} 0 R/MediaBox[0 0 {right} {top}]/Contents {content} 0 \
                 R/Resources<</Font<<{names}>>>>>>"
            ),
        );
        let mut drawing = format!("{scale} 0 0 -{scale} 0 {top} cm\n");
        shapes.iter().for_each(|shape| draw(&mut drawing, None, shape));
        file.stream(content, "", drawing.as_bytes())?;
    }
    Ok(file.finish())
}

/// Every glyph of a face that is drawn, with a letter that it stands for.
type Used = BTreeMap<u16, char>;

fn used_glyphs(sheet: &Sheet) -> BTreeMap<Face, Used> {
    let mut used: BTreeMap<Face, Used> = BTreeMap::new();
    use_glyphs(&mut used, &sheet.card.shapes);
    used
}

fn use_glyphs(used: &mut BTreeMap<Face, Used>, shapes: &[Shape]) {
    for shape in shapes {
        if let Shape::Text { run, .. } = shape {
            let glyphs = used.entry(run.face).or_default();
            glyphs.extend(run.glyphs.iter().map(|glyph| (glyph.id, glyph.letter)));
        }
    }
}

/// The page's drawing. One matrix turns our lengths, which grow downwards, into points.
fn content(sheet: &Sheet) -> String {
    let scale = decimal(72, INCH);
    let height = decimal(sheet.height * 72, INCH);
    let mut page = format!("{scale} 0 0 -{scale} 0 {height} cm\n");
    let mut card = String::new();
    for shape in &sheet.card.shapes {
        draw(&mut card, Some(&sheet.card.code), shape);
    }
    for place in &sheet.places {
        let matrix = if place.is_turned {
            let (right, bottom) = (place.x + sheet.card.width, place.y + sheet.card.height);
            format!("-1 0 0 -1 {right} {bottom}")
        } else {
            format!("1 0 0 1 {} {}", place.x, place.y)
        };
        let _ = write!(page, "q {matrix} cm\n{card}Q\n");
    }
    let _ = writeln!(page, "{} G {MARK_WIDTH} w", gray(Color::Soft));
    for mark in &sheet.marks {
        let dashes = if mark.is_fold { "[60 40]" } else { "[]" };
        let ((x1, y1), (x2, y2)) = (mark.from, mark.to);
        let _ = writeln!(page, "{dashes} 0 d {x1} {y1} m {x2} {y2} l S");
    }
    page
}

fn draw(page: &mut String, code: Option<&Code>, shape: &Shape) {
    let _ = match shape {
        Shape::Plate { area, radius, color } => {
            writeln!(page, "{} g {} f", gray(*color), outline(area, *radius))
        }
        Shape::Frame { area, radius, width, color } => {
            writeln!(page, "{} G {width} w {} S", gray(*color), outline(area, *radius))
        }
        Shape::Text { x, y, run, color } => {
            let face = Face::ALL.iter().position(|face| *face == run.face).unwrap_or(0);
            writeln!(
                page,
                "{} g BT /F{face} {} Tf 1 0 0 -1 {x} {y} Tm [{}] TJ ET",
                gray(*color),
                run.size,
                glyphs(run),
            )
        }
        Shape::Code { x, y, module } => {
            let Some(code) = code else { return };
            let _ = writeln!(page, "0 g");
            for bar in code.bars() {
                let (x, y) = (x + bar.x * module, y + bar.y * module);
                let _ = writeln!(page, "{x} {y} {} {module} re", bar.length * module);
            }
            let _ = writeln!(page, "f");
            if let (Some(logo), Some((at, side))) = (code.logo(), code.hole()) {
                let (width, height) = logo.fit((side - 1) * module);
                let middle = at * module + side * module / 2;
                let (x, bottom) = (x + middle - width / 2, y + middle + height / 2);
                let _ = writeln!(page, "q {width} 0 0 -{height} {x} {bottom} cm /L Do Q");
            }
            Ok(())
        }
    };
}

/// Glyphs of one run; where neighbours are kerned, the difference in thousandths of an em.
fn glyphs(run: &Run) -> String {
    let em = run.em;
    let mut text = String::from("<");
    for (at, glyph) in run.glyphs.iter().enumerate() {
        let _ = write!(text, "{:04x}", glyph.id);
        let next = run.glyphs.get(at + 1);
        let kerning = next.map_or(0, |next| next.x - glyph.x - glyph.advance);
        if kerning != 0 {
            let _ = write!(text, ">{}<", -kerning * 1000 / em);
        }
    }
    text.push('>');
    text
}

/// A rectangle whose corners are quarter circles.
fn outline(area: &Area, radius: i32) -> String {
    let Area { x, y, width, height } = *area;
    if radius == 0 {
        return format!("{x} {y} {width} {height} re");
    }
    let (right, bottom, r) = (area.right(), area.bottom(), radius);
    // How far a Bézier curve's handle is from the corner to look like a circle: 1 - 0.5523.
    let c = r * 4477 / 10_000;
    format!(
        "{} {y} m {} {y} l {} {y} {right} {} {right} {} c {right} {} l {right} {} {} {bottom} {} \
         {bottom} c {} {bottom} l {} {bottom} {x} {} {x} {} c {x} {} l {x} {} {} {y} {} {y} c h",
        x + r,
        right - r,
        right - c,
        y + c,
        y + r,
        bottom - r,
        bottom - c,
        right - c,
        right - r,
        x + r,
        x + c,
        bottom - c,
        bottom - r,
        y + r,
        y + c,
        x + c,
        x + r,
    )
}

fn gray(color: Color) -> String {
    decimal(i32::from(color.gray()), 255)
}

/// A composite font whose text is glyph numbers (9.7), and the way back to letters (9.10.3), so
/// that a reader can search, copy and speak the text.
fn font(file: &mut File, first: usize, font: &Font, used: &Used) -> Result<(), Problem> {
    let [inner, descriptor, data, to_unicode] = [first + 1, first + 2, first + 3, first + 4];
    let name = font.face.name();
    let per_mille = |units: i32| units * 1000 / font.em();
    file.object(
        first,
        &format!(
            "<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H\
             /DescendantFonts[{inner} 0 R]/ToUnicode {to_unicode} 0 R>>"
        ),
    );
    let mut widths = String::new();
    for glyph in used.keys() {
        let _ = write!(widths, "{glyph}[{}]", decimal(font.advance(*glyph) * 1000, font.em()));
    }
    file.object(
        inner,
        &format!(
            "<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/CIDToGIDMap/Identity\
             /CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>\
             /FontDescriptor {descriptor} 0 R/DW 0/W[{widths}]>>"
        ),
    );
    let bounds = font.bounds().map(|at| per_mille(at).to_string()).join(" ");
    file.object(
        descriptor,
        &format!(
            "<</Type/FontDescriptor/FontName/{name}/Flags 4/FontBBox[{bounds}]/ItalicAngle 0\
             /Ascent {}/Descent {}/CapHeight {}/StemV 80/FontFile2 {data} 0 R>>",
            per_mille(font.ascender()),
            per_mille(font.descender()),
            per_mille(font.cap_height()),
        ),
    );
    let bytes = font.face.file();
    file.stream(data, &format!("/Length1 {}", bytes.len()), bytes)?;
    file.stream(to_unicode, "", letters(used).as_bytes())
}

fn letters(used: &Used) -> String {
    let mut map = String::from(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n\
         /CIDSystemInfo <</Registry(Adobe)/Ordering(UCS)/Supplement 0>> def\n\
         /CMapName /Adobe-Identity-UCS def /CMapType 2 def\n\
         1 begincodespacerange <0000> <ffff> endcodespacerange\n",
    );
    let pairs: Vec<(&u16, &char)> = used.iter().collect();
    // A section holds at most a hundred.
    for section in pairs.chunks(100) {
        let _ = writeln!(map, "{} beginbfchar", section.len());
        for (glyph, letter) in section {
            let _ = writeln!(map, "<{glyph:04x}> <{}>", hex_utf16(&letter.to_string()));
        }
        map.push_str("endbfchar\n");
    }
    map.push_str("endcmap CMapName currentdict /CMap defineresource pop end end\n");
    map
}

/// A text of the document's own (7.9.2.2): hexadecimal, so that nothing in it needs escaping.
fn utf16(text: &str) -> String {
    format!("<feff{}>", hex_utf16(text))
}

fn hex_utf16(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |mut hex, unit| {
        let _ = write!(hex, "{unit:04x}");
        hex
    })
}

/// The file as it grows; objects are found by their offsets (7.5.4).
struct File {
    bytes: Vec<u8>,
    offsets: BTreeMap<usize, usize>,
}

impl File {
    fn new() -> File {
        // The second line tells programs that move files that this one is binary (7.5.2).
        let bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        File { bytes, offsets: BTreeMap::new() }
    }

    fn object(&mut self, id: usize, body: &str) {
        self.begin(id);
        self.bytes.extend_from_slice(body.as_bytes());
        self.bytes.extend_from_slice(b"\nendobj\n");
    }

    fn stream(&mut self, id: usize, entries: &str, data: &[u8]) -> Result<(), Problem> {
        let packed = pack(data).map_err(|error| {
            let message = format!("The PDF cannot be compressed: {error}");
            Problem::new("internal_error", "out", message, "")
        })?;
        self.begin(id);
        let head = format!("<<{entries}/Filter/FlateDecode/Length {}>>\nstream\n", packed.len());
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(&packed);
        self.bytes.extend_from_slice(b"\nendstream\nendobj\n");
        Ok(())
    }

    fn begin(&mut self, id: usize) {
        self.offsets.insert(id, self.bytes.len());
        self.bytes.extend_from_slice(format!("{id} 0 obj\n").as_bytes());
    }

    fn finish(mut self) -> Vec<u8> {
        let start = self.bytes.len();
        let count = self.offsets.len() + 1;
        let mut tail = format!("xref\n0 {count}\n0000000000 65535 f \n");
        for offset in self.offsets.values() {
            let _ = writeln!(tail, "{offset:010} 00000 n ");
        }
        let _ = write!(
            tail,
            "trailer\n<</Size {count}/Root {CATALOG} 0 R/Info {INFO} 0 R>>\nstartxref\n{start}\n\
             %%EOF\n"
        );
        self.bytes.extend_from_slice(tail.as_bytes());
        self.bytes
    }
}

fn pack(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut packer, data)?;
    packer.finish()
}
