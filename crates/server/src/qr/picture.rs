//! A code alone, as SVG and as PNG: for a shop's own layout, a site, a messenger.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    code::{Code, QUIET},
    logo::Logo,
    problem::Problem,
};

/// Fewer pixels per module than this do not survive a messenger's compression.
pub const MIN_SCALE: u32 = 4;
/// Pixels on a side; more is a mistake and takes gigabytes.
pub const MAX_PIXELS: u32 = 8192;

impl Code {
    /// One module is one unit; `label` is what a screen reader says.
    pub fn to_svg(&self, label: &str) -> String {
        let (full, label) = (self.full_side(), escape(label));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {full} {full}\" role=\"img\" \
             aria-label=\"{label}\" shape-rendering=\"crispEdges\"><title>{label}</title>\
             <path fill=\"#fff\" d=\"M0 0h{full}v{full}H0z\"/><path d=\"{}\"/>",
            self.svg_path(1, QUIET, QUIET),
        );
        if let (Some(logo), Some((at, side))) = (self.logo(), self.hole()) {
            // In thousandths of a module, half a module away from its neighbours.
            let (width, height) = logo.fit((side - 1) * 1000);
            let middle = (at + QUIET) * 1000 + side * 500;
            let image = logo.to_svg(middle - width / 2, middle - height / 2, width, height);
            let _ = write!(svg, "<g transform=\"scale(.001)\">{image}</g>");
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// The dark modules as the data of one path, `module` units each, from (`x`, `y`).
    pub fn svg_path(&self, module: i32, x: i32, y: i32) -> String {
        let mut path = String::new();
        for bar in self.bars() {
            let (x, y) = (x + bar.x * module, y + bar.y * module);
            let length = bar.length * module;
            let _ = write!(path, "M{x} {y}h{length}v{module}h-{length}z");
        }
        path
    }

    /// The smallest whole number of pixels per module, at least [`MIN_SCALE`], that makes the
    /// picture `min_side` pixels wide or wider.
    pub fn to_png(&self, min_side: u32) -> Result<Vec<u8>, Problem> {
        let full = self.full_side().unsigned_abs();
        let scale = min_side.div_ceil(full).max(MIN_SCALE);
        if min_side > MAX_PIXELS {
            return Err(Problem::new(
                "pixels_invalid",
                "pixels",
                format!("A picture of {min_side} pixels is too large"),
                format!("Take at most {MAX_PIXELS}, or an SVG, which has no pixels"),
            ));
        }
        let mut canvas = Canvas::white(full * scale);
        for bar in self.bars() {
            let place = |at: i32| (at + QUIET).unsigned_abs() * scale;
            canvas.fill(place(bar.x), place(bar.y), bar.length.unsigned_abs() * scale, scale);
        }
        if let (Some(logo), Some((at, side))) = (self.logo(), self.hole()) {
            let scale = i32::try_from(scale).unwrap_or(i32::MAX);
            let (width, height) = logo.fit((side - 1) * scale);
            let middle = (at + QUIET) * scale + side * scale / 2;
            let place = |length: i32| (middle - length / 2).unsigned_abs();
            canvas.paste(logo, place(width), place(height), width, height);
        }
        encode_png(canvas.side, canvas.side, &canvas.rgb).map_err(|error| {
            Problem::new("internal_error", "payload", format!("PNG cannot be written: {error}"), "")
        })
    }
}

impl Logo {
    /// As an SVG image that carries its own pixels.
    pub fn to_svg(&self, x: i32, y: i32, width: i32, height: i32) -> String {
        // Pixels in memory always make a PNG; were it otherwise, a code without its logo is
        // still a good code.
        let png = encode_png(self.width, self.height, &self.rgb).unwrap_or_default();
        let data = STANDARD.encode(png);
        format!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             href=\"data:image/png;base64,{data}\"/>"
        )
    }
}

struct Canvas {
    side: u32,
    rgb: Vec<u8>,
}

impl Canvas {
    fn white(side: u32) -> Canvas {
        let pixels = usize::try_from(side).unwrap_or(0).pow(2);
        Canvas { side, rgb: vec![u8::MAX; pixels * 3] }
    }

    fn set(&mut self, x: u32, y: u32, color: [u8; 3]) {
        let at = (u64::from(y) * u64::from(self.side) + u64::from(x)) * 3;
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        if let Some(pixel) = self.rgb.get_mut(at..at.saturating_add(3)) {
            pixel.copy_from_slice(&color);
        }
    }

    fn fill(&mut self, x: u32, y: u32, width: u32, height: u32) {
        for row in y..y + height {
            (x..x + width).for_each(|column| self.set(column, row, [0; 3]));
        }
    }

    fn paste(&mut self, logo: &Logo, x: u32, y: u32, width: i32, height: i32) {
        let (width, height) = (width.unsigned_abs(), height.unsigned_abs());
        for row in 0..height {
            for column in 0..width {
                self.set(x + column, y + row, logo.sample(column, row, width, height));
            }
        }
    }
}

fn encode_png(width: u32, height: u32, rgb: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(rgb)?;
    Ok(bytes)
}

/// Text within XML, also within an attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write these at all.
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
