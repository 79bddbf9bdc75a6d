//! Payment links of the SBP's operator (NSPK), as banks' emulators hand them out: the checksum is
//! right, and the picture is a QR code that a phone reads. It must never make or change a link of
//! a real payment: those come from the bank and pass through untouched, whatever their checksum.

use qrcodegen::{QrCode, QrCodeEcc};

use super::json::{Obj, array};
use crate::{http::html_escape, money::Money};

/// Light modules around the code, as the QR standard wants.
const QUIET: i32 = 4;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Paid any number of times; the payer enters the sum when none is given.
    Static,
    /// One payment.
    Dynamic,
    /// Saves the payer's account, takes no money.
    Subscription,
}

impl Kind {
    const fn host(self) -> &'static str {
        match self {
            Kind::Static | Kind::Dynamic => "qr.nspk.ru",
            Kind::Subscription => "sub.nspk.ru",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Kind::Static => "01",
            Kind::Dynamic => "02",
            Kind::Subscription => "03",
        }
    }
}

/// `https://qr.nspk.ru/{id}?type=02&bank={bank}&sum={kopecks}&cur=RUB&crc=…`. `bank` is the twelve
/// digits of the bank that receives the money, `id` is 32 letters and digits.
pub fn payload(kind: Kind, id: &str, bank: &str, sum: Option<Money>) -> String {
    let (host, code) = (kind.host(), kind.code());
    let sum = sum.map_or_else(String::new, |sum| format!("&sum={}&cur=RUB", sum.kopecks()));
    let link = format!("https://{host}/{id}?type={code}&bank={bank}{sum}");
    let crc = crc(&link);
    format!("{link}&crc={crc:04X}")
}

/// Four of the two hundred banks whose apps open links: number and name.
pub const MEMBERS: [(&str, &str); 4] = [
    ("100000000111", "Сбербанк"),
    ("100000000004", "Т-Банк"),
    ("100000000284", "Банк Точка"),
    ("100000000008", "Альфа-Банк"),
];

/// The operator's public list of them, `/proxyapp/c2bmembers.json`.
pub fn members() -> String {
    let member = |(id, name): (&str, &str)| {
        Obj::new()
            .text("bankName", name)
            .text("logoURL", &format!("https://qr.nspk.ru/proxyapp/logo/bank{id}.png"))
            .text("schema", &format!("bank{id}"))
            .end()
    };
    let list = array(MEMBERS.into_iter().map(member));
    Obj::new().text("version", "1.0").raw("dictionary", &list).end()
}

/// CRC-16/CCITT-FALSE over the link without `&crc=`; found from published links.
fn crc(text: &str) -> u16 {
    text.bytes().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// The QR code of `text`, or `None` when it is longer than any QR code holds.
pub fn code(text: &str) -> Option<QrCode> {
    QrCode::encode_text(text, QrCodeEcc::Medium).ok()
}

/// `<svg …>` markup, `side` pixels wide: dark modules on a light ground with the quiet zone
/// around. Empty when the text is longer than any QR code holds.
pub fn picture(text: &str, side: u32) -> String {
    let Some(code) = code(text) else { return String::new() };
    let width = code.size() + 2 * QUIET;
    let modules = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
    let path: String = modules
        .filter(|(x, y)| code.get_module(*x, *y))
        .map(|(x, y)| format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET))
        .collect();
    let title = html_escape(text);
    let size = format!(r#"width="{side}" height="{side}" viewBox="0 0 {width} {width}""#);
    let ground = format!(r##"<path fill="#fff" d="M0 0h{width}v{width}H0z"/>"##);
    let head = r#"<svg xmlns="http://www.w3.org/2000/svg""#;
    let body = format!(r##"<title>{title}</title>{ground}<path fill="#000" d="{path}"/></svg>"##);
    format!(r#"{head} {size} shape-rendering="crispEdges">{body}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Links that banks printed.
    #[test]
    fn published_links_come_out_whole() {
        let cases = [
            (
                payload(Kind::Static, "AS100001ORTF4GAF80KPJ53K186D9A3G", "100000000007", None),
                "https://qr.nspk.ru/AS100001ORTF4GAF80KPJ53K186D9A3G?type=01&bank=100000000007\
                 &crc=0C8A",
            ),
            (
                payload(
                    Kind::Dynamic,
                    "AD10001RQ10OT70E8LEOT61G16J41I09",
                    "100000000111",
                    Money::from_kopecks(1400).ok(),
                ),
                "https://qr.nspk.ru/AD10001RQ10OT70E8LEOT61G16J41I09?type=02&bank=100000000111\
                 &sum=1400&cur=RUB&crc=62E3",
            ),
            (
                payload(
                    Kind::Subscription,
                    "AB1S002LBQ7PDTTE88HQ1SE2PVFVTP04",
                    "100000000111",
                    None,
                ),
                "https://sub.nspk.ru/AB1S002LBQ7PDTTE88HQ1SE2PVFVTP04?type=03&bank=100000000111\
                 &crc=3B02",
            ),
        ];
        for (made, expect) in cases {
            assert_eq!(made, expect);
        }
        assert_eq!(crc("123456789"), 0x29b1, "the published check value");
    }

    /// Every dark module of the code is one square of the path, shifted by the quiet zone.
    #[test]
    fn the_picture_is_the_code_with_its_quiet_zone() {
        let link = payload(Kind::Dynamic, &"A1".repeat(16), "100000000004", Some(Money::ZERO));
        let picture = picture(&link, 200);
        let code = code(&link).unwrap();
        assert_eq!((code.size(), code.error_correction_level()), (41, QrCodeEcc::Medium));
        assert!(picture.contains(r#"width="200" height="200" viewBox="0 0 49 49""#));
        for (x, y) in (0..49).flat_map(|y| (0..49).map(move |x| (x, y))) {
            let is_drawn = picture.contains(&format!("M{x} {y}h1v1h-1z"));
            assert_eq!(is_drawn, code.get_module(x - 4, y - 4), "{x} {y}");
        }
        assert!(picture.contains(&html_escape(&link)), "the text is its title");
    }

    #[test]
    fn a_text_beyond_every_code_has_no_picture() {
        assert_eq!(picture(&"x".repeat(5_000), 200), "");
    }
}
