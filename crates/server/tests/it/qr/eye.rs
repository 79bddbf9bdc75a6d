//! A camera's part: renders SVG with resvg and PDF with Poppler, decodes with rqrr. None of them
//! shares code with the program.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use resvg::{
    tiny_skia::{Color, Pixmap, Transform},
    usvg::{Options, Tree},
};

use crate::harness::process::Folder;

/// A picture in shades of gray.
#[derive(Clone)]
pub struct Gray {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

impl Gray {
    pub fn from_png(bytes: &[u8]) -> Gray {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        let frame = reader.next_frame(&mut pixels).expect("a whole PNG");
        let samples = frame.color_type.samples();
        let gray = |pixel: &[u8]| {
            let sum: u32 = pixel.iter().take(3).map(|sample| u32::from(*sample)).sum();
            u8::try_from(sum / u32::try_from(samples.min(3)).expect("small")).expect("a mean")
        };
        Gray {
            width: usize::try_from(frame.width).expect("small"),
            height: usize::try_from(frame.height).expect("small"),
            pixels: pixels[..frame.buffer_size()].chunks_exact(samples).map(gray).collect(),
        }
    }

    /// `scale` pixels to a unit of the drawing, turned by `degrees` on a large white table.
    pub fn from_svg(svg: &str, scale: f32, degrees: f32) -> Gray {
        let tree = Tree::from_str(svg, &Options::default()).expect("an SVG");
        let size = tree.size().to_int_size().scale_by(scale).expect("a size");
        let (width, height) = (size.width(), size.height());
        // The diagonal is at most half as long again.
        let (wide, high) = if degrees == 0.0 {
            (width, height)
        } else {
            (width.max(height) * 3 / 2, width.max(height) * 3 / 2)
        };
        let mut paper = Pixmap::new(wide, high).expect("memory");
        paper.fill(Color::WHITE);
        let half = |length: u32| f32::from(u16::try_from(length / 2).expect("small"));
        let transform = Transform::from_scale(scale, scale)
            .post_translate(half(wide - width), half(high - height))
            .post_rotate_at(degrees, half(wide), half(high));
        resvg::render(&tree, transform, &mut paper.as_mut());
        let gray = |pixel: &[u8]| {
            let sum: u32 = pixel.iter().take(3).map(|sample| u32::from(*sample)).sum();
            u8::try_from(sum / 3).expect("a mean")
        };
        Gray {
            width: usize::try_from(wide).expect("small"),
            height: usize::try_from(high).expect("small"),
            pixels: paper.data().chunks_exact(4).map(gray).collect(),
        }
    }

    pub fn from_pdf(pdf: &[u8], dpi: u32) -> Gray {
        let folder = scratch();
        let file = folder.0.join("sheet.pdf");
        fs::write(&file, pdf).expect("written");
        let dpi = dpi.to_string();
        let out = folder.0.join("sheet");
        poppler("pdftoppm", &["-r", &dpi, "-gray", "-png", "-singlefile"], &file, &[&out]);
        Gray::from_png(&fs::read(folder.0.join("sheet.png")).expect("rendered"))
    }

    /// The picture cut into equal parts, row by row: a phone looks at one code at a time.
    pub fn cut(&self, columns: usize, rows: usize) -> Vec<Gray> {
        let (width, height) = (self.width / columns, self.height / rows);
        let part = |column: usize, row: usize| {
            let line = |y: usize| {
                let start = (row * height + y) * self.width + column * width;
                &self.pixels[start..start + width]
            };
            let pixels = (0..height).flat_map(|y| line(y).iter().copied()).collect();
            Gray { width, height, pixels }
        };
        (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (column, row)))
            .map(|(column, row)| part(column, row))
            .collect()
    }

    /// Out of focus: each pixel becomes the mean of its neighbours within `radius`.
    pub fn blurred(&self, radius: usize) -> Gray {
        let blur = |from: &Gray, dx: usize, dy: usize| {
            let mut pixels = Vec::with_capacity(from.pixels.len());
            for y in 0..from.height {
                for x in 0..from.width {
                    let columns = x.saturating_sub(radius * dx)..=(x + radius * dx);
                    let (mut sum, mut count) = (0, 0);
                    for column in columns.filter(|column| *column < from.width) {
                        let rows = y.saturating_sub(radius * dy)..=(y + radius * dy);
                        for row in rows.filter(|row| *row < from.height) {
                            sum += u32::from(from.pixels[row * from.width + column]);
                            count += 1;
                        }
                    }
                    pixels.push(u8::try_from(sum / count).expect("a mean"));
                }
            }
            Gray { pixels, ..*from }
        };
        blur(&blur(self, 1, 0), 0, 1)
    }

    /// Every code in the picture, as its raw bytes; what looks like a code and cannot be read is
    /// left out.
    pub fn read(&self) -> Vec<Vec<u8>> {
        let at = |x, y| self.pixels[y * self.width + x];
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(self.width, self.height, at);
        let grids = image.detect_grids();
        let decode = |grid: rqrr::Grid<_>| {
            let mut bytes = Vec::new();
            grid.decode_to(&mut bytes).ok().map(|_| bytes)
        };
        grids.into_iter().filter_map(decode).collect()
    }

    /// One code, with exactly this payload.
    #[track_caller]
    pub fn must_read(&self, payload: &str, what: &str) {
        let read = self.read();
        let texts: Vec<_> = read.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        assert_eq!(texts.len(), 1, "{what}: {texts:?}");
        assert_eq!(read[0], payload.as_bytes(), "{what}: {texts:?}");
    }
}

/// A folder of its own for each file.
pub fn scratch() -> Folder {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    Folder::new(&format!("qr-eye-{}", COUNT.fetch_add(1, Ordering::SeqCst)))
}

/// Runs a program of Poppler on a file; answers what it printed.
pub fn poppler(program: &str, flags: &[&str], file: &Path, rest: &[&Path]) -> String {
    let output =
        Command::new(program).args(flags).arg(file).args(rest).output().unwrap_or_else(|error| {
            panic!("this test needs {program}: apt-get install poppler-utils ({error})")
        });
    let complaints = String::from_utf8_lossy(&output.stderr);
    // Poppler repairs much and says so: a right file leaves it silent.
    assert!(output.status.success() && complaints.is_empty(), "{program}: {complaints}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
