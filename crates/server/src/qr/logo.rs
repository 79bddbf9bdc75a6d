//! The picture in the middle of a code: a PNG from outside, read with limits. It is never trusted.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

use super::problem::Problem;

/// Pixels on a side: finer than any printer can show within a quarter of a code.
const MAX_SIDE: u32 = 2048;
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A picture on white, three bytes per pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl Logo {
    /// Only PNG: unlike SVG, it carries no scripts, links or fonts, and looks the same in a
    /// browser, in a PDF and in a picture.
    pub fn read(bytes: &[u8]) -> Result<Logo, Problem> {
        if bytes.len() > MAX_BYTES {
            return Err(bad("is larger than 4 MiB"));
        }
        let mut decoder =
            Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 16 * MAX_BYTES });
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader =
            decoder.read_info().map_err(|error| bad(&format!("is no PNG: {error}")))?;
        let info = reader.info();
        let (width, height) = (info.width, info.height);
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(bad("is wider or taller than 2048 pixels"));
        }
        let size = reader.output_buffer_size().ok_or_else(|| bad("is too large"))?;
        let mut pixels = vec![0; size];
        let frame = reader
            .next_frame(&mut pixels)
            .map_err(|error| bad(&format!("is a damaged PNG: {error}")))?;
        pixels.truncate(frame.buffer_size());
        let rgb = match frame.color_type {
            ColorType::Grayscale => pixels.iter().flat_map(|gray| [*gray; 3]).collect(),
            ColorType::GrayscaleAlpha => {
                pixels.chunks_exact(2).flat_map(|p| [over_white(p[0], p[1]); 3]).collect()
            }
            ColorType::Rgb => pixels,
            ColorType::Rgba => pixels
                .chunks_exact(4)
                .flat_map(|p| [p[0], p[1], p[2]].map(|color| over_white(color, p[3])))
                .collect(),
            ColorType::Indexed => return Err(bad("has a palette that cannot be read")),
        };
        Ok(Logo { width, height, rgb })
    }

    /// The largest width and height of these proportions within a square.
    pub fn fit(&self, side: i32) -> (i32, i32) {
        let (width, height) = (i64::from(self.width), i64::from(self.height));
        let longer = width.max(height).max(1);
        let scaled = |length: i64| i32::try_from(i64::from(side) * length / longer).unwrap_or(side);
        (scaled(width).max(1), scaled(height).max(1))
    }

    /// The pixel nearest to (`x`, `y`) of the picture drawn `width` by `height`.
    pub fn sample(&self, x: u32, y: u32, width: u32, height: u32) -> [u8; 3] {
        let column = u64::from(x) * u64::from(self.width) / u64::from(width.max(1));
        let row = u64::from(y) * u64::from(self.height) / u64::from(height.max(1));
        let at = usize::try_from((row * u64::from(self.width) + column) * 3).unwrap_or(usize::MAX);
        match self.rgb.get(at..at.saturating_add(3)) {
            Some(&[red, green, blue]) => [red, green, blue],
            Some(_) | None => [u8::MAX; 3],
        }
    }
}

fn over_white(color: u8, alpha: u8) -> u8 {
    let (color, alpha) = (u32::from(color), u32::from(alpha));
    let mixed = (color * alpha + 255 * (255 - alpha)) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

fn bad(what: &str) -> Problem {
    Problem::new(
        "logo_invalid",
        "logo",
        format!("The logo {what}"),
        "A logo is a PNG of at most 2048 × 2048 pixels",
    )
}
