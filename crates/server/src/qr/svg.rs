//! A sheet as SVG. Texts are outlines, so it needs no font and looks the same everywhere.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    code::Code,
    font::Face,
    page::{Area, Card, Color, MARK_WIDTH, Shape, Sheet},
    picture::escape,
    problem::Problem,
    text::{Fonts, Run},
};

impl Sheet {
    pub fn to_svg(&self) -> Result<String, Problem> {
        let fonts = Fonts::load()?;
        let (width, height) = (self.width, self.height);
        let title = escape(&self.title);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}mm\" height=\"{}mm\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\" \
             xml:lang=\"{}\">\n<title>{title}</title>\n<defs>\n",
            decimal(width, 100),
            decimal(height, 100),
            self.lang,
        );
        glyphs(&mut svg, &fonts, &self.card);
        svg.push_str("<g id=\"card\">\n");
        for shape in &self.card.shapes {
            draw(&mut svg, &self.card.code, shape);
        }
        let _ =
            write!(svg, "</g>\n</defs>\n<path fill=\"#fff\" d=\"M0 0h{width}v{height}H0z\"/>\n");
        for place in &self.places {
            let (x, y) = (place.x, place.y);
            let turn = if place.is_turned {
                let (right, bottom) = (x + self.card.width, y + self.card.height);
                format!("matrix(-1 0 0 -1 {right} {bottom})")
            } else {
                format!("translate({x} {y})")
            };
            let _ = writeln!(svg, "<use href=\"#card\" transform=\"{turn}\"/>");
        }
        for mark in &self.marks {
            let ((x1, y1), (x2, y2)) = (mark.from, mark.to);
            let dashes = if mark.is_fold { " stroke-dasharray=\"60 40\"" } else { "" };
            let _ = writeln!(
                svg,
                "<path stroke=\"{}\" stroke-width=\"{MARK_WIDTH}\"{dashes} d=\"M{x1} {y1}L{x2} \
                 {y2}\"/>",
                hex(Color::Soft),
            );
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }
}

/// Each outline once.
fn glyphs(svg: &mut String, fonts: &Fonts, card: &Card) {
    let mut used = BTreeSet::new();
    for shape in &card.shapes {
        if let Shape::Text { run, .. } = shape {
            used.extend(run.glyphs.iter().map(|glyph| (run.face, glyph.id)));
        }
    }
    for (face, id) in used {
        let outline = fonts.get(face).outline(id);
        let _ = writeln!(svg, "<path id=\"{}\" d=\"{outline}\"/>", name(face, id));
    }
}

fn name(face: Face, id: u16) -> String {
    match face {
        Face::Regular => format!("r{id}"),
        Face::Bold => format!("b{id}"),
    }
}

fn draw(svg: &mut String, code: &Code, shape: &Shape) {
    let _ = match shape {
        Shape::Plate { area, radius, color } => {
            writeln!(svg, "<rect {} fill=\"{}\"/>", rect(area, *radius), hex(*color))
        }
        Shape::Frame { area, radius, width, color } => writeln!(
            svg,
            "<rect {} fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\"/>",
            rect(area, *radius),
            hex(*color),
        ),
        Shape::Text { x, y, run, color } => {
            text(svg, (*x, *y), run, *color);
            Ok(())
        }
        Shape::Code { x, y, module } => {
            let path = code.svg_path(*module, *x, *y);
            let _ = writeln!(svg, "<path shape-rendering=\"crispEdges\" d=\"{path}\"/>");
            if let (Some(logo), Some((at, side))) = (code.logo(), code.hole()) {
                let (width, height) = logo.fit((side - 1) * module);
                let middle = at * module + side * module / 2;
                let (x, y) = (x + middle - width / 2, y + middle - height / 2);
                let _ = writeln!(svg, "{}", logo.to_svg(x, y, width, height));
            }
            Ok(())
        }
    };
}

fn text(svg: &mut String, at: (i32, i32), run: &Run, color: Color) {
    let scale = decimal(run.size, run.em);
    let _ = write!(
        svg,
        "<g transform=\"translate({} {}) scale({scale})\" fill=\"{}\">",
        at.0,
        at.1,
        hex(color),
    );
    for glyph in run.glyphs.iter().filter(|glyph| !glyph.letter.is_whitespace()) {
        let _ = write!(svg, "<use href=\"#{}\" x=\"{}\"/>", name(run.face, glyph.id), glyph.x);
    }
    svg.push_str("</g>\n");
}

fn rect(area: &Area, radius: i32) -> String {
    let Area { x, y, width, height } = area;
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"")
}

fn hex(color: Color) -> String {
    let gray = color.gray();
    format!("#{gray:02x}{gray:02x}{gray:02x}")
}

/// `part / whole` with six digits, by integers.
pub fn decimal(part: i32, whole: i32) -> String {
    let (part, whole) = (i64::from(part), i64::from(whole));
    let millionths = part * 1_000_000 / whole;
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
