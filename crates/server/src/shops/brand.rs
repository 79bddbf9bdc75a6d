//! How a shop looks to its payers: a colour of its own and a picture. Pure: which ink can be read
//! on which colour is reckoned here, in whole numbers, by WCAG's measure.

/// A colour of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    rgb: [u8; 3],
}

/// Text must stand out from its ground as 4.5 to 1: WCAG 2.2, AA. In hundredths.
const TEXT_CONTRAST: u64 = 450;
/// A button must be seen to be one: WCAG asks for 3 to 1 of what has no text in it; a yellow one
/// with its black text is clear at less.
const BUTTON_CONTRAST: u64 = 125;
const DARK_BUTTON_CONTRAST: u64 = 200;
/// From a colour to black or white in so many steps.
const STEPS: u64 = 32;

/// The least light of the light grounds, and the least dark of the dark ones, in `tokens.css`.
const LIGHT_GROUND: Color = Color::of([0xee, 0xf0, 0xf3]);
const DARK_GROUND: Color = Color::of([0x23, 0x27, 0x2e]);
const WHITE: Color = Color::of([255; 3]);
const BLACK: Color = Color::of([0; 3]);

/// Linear light of a channel of sRGB, in hundred-thousandths.
static LINEAR: [u32; 256] = [
    0, 30, 61, 91, 121, 152, 182, 212, 243, 273, 304, 335, 368, 402, 439, 478, 518, 561, 605, 651,
    700, 750, 802, 857, 913, 972, 1033, 1096, 1161, 1229, 1298, 1370, 1444, 1521, 1600, 1681, 1764,
    1850, 1938, 2029, 2122, 2217, 2315, 2416, 2519, 2624, 2732, 2843, 2956, 3071, 3190, 3310, 3434,
    3560, 3689, 3820, 3955, 4092, 4231, 4374, 4519, 4667, 4817, 4971, 5127, 5286, 5448, 5613, 5781,
    5951, 6125, 6301, 6480, 6663, 6848, 7036, 7227, 7421, 7619, 7819, 8022, 8228, 8438, 8650, 8866,
    9084, 9306, 9531, 9759, 9990, 10224, 10462, 10702, 10946, 11193, 11444, 11697, 11954, 12214,
    12477, 12744, 13014, 13287, 13563, 13843, 14126, 14413, 14703, 14996, 15293, 15593, 15896,
    16203, 16513, 16827, 17144, 17465, 17789, 18116, 18447, 18782, 19120, 19462, 19807, 20156,
    20508, 20864, 21223, 21586, 21953, 22323, 22697, 23074, 23455, 23840, 24228, 24620, 25016,
    25415, 25818, 26225, 26636, 27050, 27468, 27889, 28315, 28744, 29177, 29614, 30054, 30499,
    30947, 31399, 31855, 32314, 32778, 33245, 33716, 34191, 34670, 35153, 35640, 36131, 36625,
    37124, 37626, 38133, 38643, 39157, 39676, 40198, 40724, 41254, 41789, 42327, 42869, 43415,
    43966, 44520, 45079, 45641, 46208, 46778, 47353, 47932, 48515, 49102, 49693, 50289, 50888,
    51492, 52100, 52712, 53328, 53948, 54572, 55201, 55834, 56471, 57112, 57758, 58408, 59062,
    59720, 60383, 61050, 61721, 62396, 63076, 63760, 64448, 65141, 65837, 66539, 67244, 67954,
    68669, 69387, 70110, 70838, 71569, 72306, 73046, 73791, 74540, 75294, 76052, 76815, 77582,
    78354, 79130, 79910, 80695, 81485, 82279, 83077, 83880, 84687, 85499, 86316, 87137, 87962,
    88792, 89627, 90466, 91310, 92158, 93011, 93869, 94731, 95597, 96469, 97345, 98225, 99110,
    100000,
];

impl Color {
    pub const fn of(rgb: [u8; 3]) -> Color {
        Color { rgb }
    }

    /// `#0a7a3d`; nothing else is a colour here, since it becomes part of a style sheet.
    pub fn parse(text: &str) -> Option<Color> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Color::of([channel(0)?, channel(2)?, channel(4)?]))
    }

    pub fn to_css(self) -> String {
        let [red, green, blue] = self.rgb;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// How light it is, in hundred-thousandths.
    fn luminance(self) -> u64 {
        let [red, green, blue] = self.rgb.map(|channel| u64::from(LINEAR[usize::from(channel)]));
        (red * 2126 + green * 7152 + blue * 722) / 10_000
    }

    /// The contrast of two colours in hundredths: 100 for the same, 2100 for black and white.
    pub fn contrast(self, other: Color) -> u64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 5_000) * 100 / (a.min(b) + 5_000)
    }

    /// Black or white, whichever is easier to read on it: one of them always reaches 4.5.
    pub fn ink(self) -> Color {
        if self.contrast(BLACK) >= self.contrast(WHITE) { BLACK } else { WHITE }
    }

    fn mixed(self, other: Color, step: u64) -> Color {
        let mut rgb = self.rgb;
        for (own, to) in rgb.iter_mut().zip(other.rgb) {
            let sum = u64::from(*own) * (STEPS - step) + u64::from(to) * step;
            *own = u8::try_from(sum / STEPS).unwrap_or(u8::MAX);
        }
        Color::of(rgb)
    }

    /// As near to it as can still be read on this ground, going to `end`.
    fn readable_on(self, ground: Color, end: Color) -> Color {
        let mut steps = (0..=STEPS).map(|step| self.mixed(end, step));
        steps.find(|color| color.contrast(ground) >= TEXT_CONTRAST).unwrap_or(end)
    }
}

/// What a style sheet needs of an accent, by light and by dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shades {
    /// The ground of buttons, and what is written on it.
    pub fill: Color,
    pub ink: Color,
    /// Links, and the marks of what has the focus.
    pub link: Color,
}

impl Shades {
    pub fn light(accent: Color) -> Shades {
        Shades::of(accent, accent.readable_on(LIGHT_GROUND, BLACK), WHITE, BUTTON_CONTRAST)
    }

    pub fn dark(accent: Color) -> Shades {
        Shades::of(
            accent,
            accent.readable_on(DARK_GROUND, WHITE),
            DARK_GROUND,
            DARK_BUTTON_CONTRAST,
        )
    }

    fn of(accent: Color, link: Color, paper: Color, least: u64) -> Shades {
        let fill = if accent.contrast(paper) >= least { accent } else { link };
        Shades { fill, ink: fill.ink(), link }
    }
}

/// What kind of picture a logo is, by its own first bytes. No SVG: it can hold scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoKind {
    Png,
    Jpeg,
    Webp,
}

impl LogoKind {
    pub const ALL: [LogoKind; 3] = [LogoKind::Png, LogoKind::Jpeg, LogoKind::Webp];

    pub const fn as_str(self) -> &'static str {
        match self {
            LogoKind::Png => "png",
            LogoKind::Jpeg => "jpeg",
            LogoKind::Webp => "webp",
        }
    }

    pub const fn mime(self) -> &'static str {
        match self {
            LogoKind::Png => "image/png",
            LogoKind::Jpeg => "image/jpeg",
            LogoKind::Webp => "image/webp",
        }
    }

    pub fn parse(text: &str) -> Option<LogoKind> {
        LogoKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub fn of(bytes: &[u8]) -> Option<LogoKind> {
        let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
        match () {
            () if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some(LogoKind::Png),
            () if bytes.starts_with(&[0xff, 0xd8, 0xff]) => Some(LogoKind::Jpeg),
            () if is_webp => Some(LogoKind::Webp),
            () => None,
        }
    }
}

/// A payer's page has 20 KB of its own; a picture much larger than it would be the page.
pub const MAX_LOGO_BYTES: usize = 64 * 1024;

/// A picture to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    pub kind: LogoKind,
    pub bytes: Vec<u8>,
}

/// Why a picture is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoProblem {
    Large,
    Unknown,
}

impl Logo {
    pub fn read(bytes: Vec<u8>) -> Result<Logo, LogoProblem> {
        if bytes.len() > MAX_LOGO_BYTES {
            return Err(LogoProblem::Large);
        }
        let kind = LogoKind::of(&bytes).ok_or(LogoProblem::Unknown)?;
        Ok(Logo { kind, bytes })
    }
}

/// What is known of a shop's looks without the picture itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    pub accent: Option<Color>,
    /// The kind of the logo, and what its content is known by.
    pub logo: Option<(LogoKind, String)>,
}

/// Letters of a content's hash that tell it from what stood there before.
const VERSION_CHARS: usize = 12;

/// Where the logo of this content is served.
pub fn logo_path(shop_id: &str, hash: &str) -> String {
    let version: String = hash.chars().take(VERSION_CHARS).collect();
    format!("/brand/{shop_id}/logo?v={version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_measured_as_wcag_does() {
        let color = |text| Color::parse(text).unwrap();
        assert_eq!(WHITE.contrast(BLACK), 2100);
        assert_eq!(color("#777777").contrast(WHITE), 447);
        assert_eq!(color("#0a7a3d").contrast(WHITE), 543);
        assert_eq!(color("#ffdd2d").ink(), BLACK);
        assert_eq!(color("#0a3d7a").ink(), WHITE);
    }

    #[test]
    fn whatever_the_accent_everything_can_be_read() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let accent = Color::of([red, green, blue]);
                    let (light, dark) = (Shades::light(accent), Shades::dark(accent));
                    for (shades, grounds) in [
                        (light, [WHITE, LIGHT_GROUND]),
                        (dark, [DARK_GROUND, Color::of([0x19, 0x1c, 0x21])]),
                    ] {
                        assert!(shades.fill.contrast(shades.ink) >= TEXT_CONTRAST, "{accent:?}");
                        for ground in grounds {
                            assert!(shades.link.contrast(ground) >= TEXT_CONTRAST, "{accent:?}");
                        }
                    }
                    assert!(light.fill.contrast(WHITE) >= BUTTON_CONTRAST, "{accent:?}");
                    assert!(dark.fill.contrast(DARK_GROUND) >= DARK_BUTTON_CONTRAST, "{accent:?}");
                }
            }
        }
    }

    #[test]
    fn an_accent_that_can_be_read_stays_as_it_is() {
        let accent = Color::parse("#0a7a3d").unwrap();
        assert_eq!(Shades::light(accent).fill, accent);
        assert_eq!(Shades::light(accent).link, accent);
        assert_ne!(Shades::dark(accent).link, accent);
    }

    #[test]
    fn a_colour_is_six_digits_and_nothing_more() {
        for wrong in ["", "#", "0a7a3d", "#0a7a3", "#0a7a3dff", "#0a7a3g", "#+a7a3d", "#🦀x"] {
            assert_eq!(Color::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Color::parse("#0A7A3D").unwrap().to_css(), "#0a7a3d");
    }

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        let read = |bytes: &[u8]| Logo::read(bytes.to_vec()).map(|logo| logo.kind);
        assert_eq!(read(b"\x89PNG\r\n\x1a\n...."), Ok(LogoKind::Png));
        assert_eq!(read(b"\xff\xd8\xff\xe0...."), Ok(LogoKind::Jpeg));
        assert_eq!(read(b"RIFF....WEBPVP8 "), Ok(LogoKind::Webp));
        for other in [&b"<svg xmlns=\"http://www.w3.org/2000/svg\">"[..], b"GIF89a", b"", b"RIFF"] {
            assert_eq!(read(other), Err(LogoProblem::Unknown));
        }
        let mut large = b"\x89PNG\r\n\x1a\n".to_vec();
        large.resize(MAX_LOGO_BYTES + 1, 0);
        assert_eq!(read(&large), Err(LogoProblem::Large));
    }
}
