//! The picture of a code as PNG, the bank's default. Plain on purpose: two colours and no
//! compression, which every reader of PNG takes. It must never be used for a real code.

use crate::emulator::nspk;

/// Light modules around the code, as the QR standard wants.
const QUIET: i32 = 4;
/// The most that one stored block of deflate holds.
const BLOCK: usize = 65_535;

/// The code of `text` in the middle of a light ground; empty when it is longer than any code holds.
pub(super) fn draw(text: &str, width: u32, height: u32) -> Vec<u8> {
    let Some(code) = nspk::code(text) else { return Vec::new() };
    let (wide, high) = (i64::from(width), i64::from(height));
    let modules = i64::from(code.size() + 2 * QUIET);
    let scale = (wide.min(high) / modules).max(1);
    let (left, top) = ((wide - scale * modules) / 2, (high - scale * modules) / 2);
    let is_dark = |x: i64, y: i64| {
        let at = |pixel: i64, edge: i64| i32::try_from((pixel - edge).div_euclid(scale)).ok();
        let place = at(x, left).zip(at(y, top));
        place.is_some_and(|(x, y)| code.get_module(x - QUIET, y - QUIET))
    };
    let mut pixels = Vec::new();
    for y in 0..high {
        // Each line says first that it is not filtered.
        pixels.push(0);
        let mut x = 0;
        while x < wide {
            let bits = (0..8).map(|at| u8::from(!is_dark(x + at, y)) << (7 - at));
            pixels.push(bits.sum());
            x += 8;
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // One bit of grey, deflate, no filters but one, no interlace.
    header.extend([1, 0, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &header);
    chunk(&mut png, b"IDAT", &stored(&pixels));
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    png.extend(length.to_be_bytes());
    let body = [kind, data].concat();
    png.extend(&body);
    png.extend(crc32(&body).to_be_bytes());
}

/// A zlib stream that stores and does not compress.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(BLOCK).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xedb8_8320 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_values_come_out() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    /// Read back without any of the code above: each module of the code is a square of pixels.
    #[test]
    fn the_picture_is_the_code() {
        let text = "https://qr.nspk.ru/AS1000670LSS7DN18SJQDNP4B05KLJL2";
        let (png, code) = (draw(text, 300, 300), nspk::code(text).unwrap());
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!((&png[12..16], &png[16..24]), (&b"IHDR"[..], &[0, 0, 1, 44, 0, 0, 1, 44][..]));
        assert_eq!(&png[37..41], b"IDAT");
        // One stored block: two bytes of zlib, five of its head, 300 lines of 38 bytes and one.
        let lines = &png[48..48 + 300 * 39];
        let scale = 300 / usize::try_from(code.size() + 8).unwrap();
        let edge = (300 - scale * usize::try_from(code.size() + 8).unwrap()) / 2;
        for (x, y) in (0..300_usize).flat_map(|y| (0..300_usize).map(move |x| (x, y))) {
            let is_light = lines[y * 39 + 1 + x / 8] >> (7 - x % 8) & 1 == 1;
            let module = |at: usize| {
                let inside =
                    at.checked_sub(edge).map_or(-1, |at| i32::try_from(at / scale).unwrap());
                inside - 4
            };
            assert_eq!(is_light, !code.get_module(module(x), module(y)), "{x} {y}");
        }
        assert!(draw(&"x".repeat(5_000), 200, 200).is_empty());
    }
}
