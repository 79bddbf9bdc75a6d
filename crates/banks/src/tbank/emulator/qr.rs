//! QR links like NSPK's, with a checksum that is right, and a picture that stands for the code.

use super::directory;
use crate::{http::html_escape, money::Money};

/// CRC-16/CCITT-FALSE over the link without `&crc=`; found from real links.
fn crc(text: &str) -> u16 {
    text.bytes().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

fn sealed(link: &str) -> String {
    format!("{link}&crc={:04X}", crc(link))
}

/// The one bank whose terminal this is.
fn acquirer() -> &'static str {
    directory::MEMBERS.first().map_or("", |member| member.id)
}

/// Type 02: a dynamic code with its sum in kopecks.
pub(super) fn payment_link(qr_id: &str, amount: Money) -> String {
    let (bank, sum) = (acquirer(), amount.kopecks());
    sealed(&format!("https://qr.nspk.ru/{qr_id}?type=02&bank={bank}&sum={sum}&cur=RUB"))
}

/// Type 03: a subscription, no sum.
pub(super) fn binding_link(qr_id: &str) -> String {
    sealed(&format!("https://sub.nspk.ru/{qr_id}?type=03&bank={}", acquirer()))
}

/// The same link opened by the app of one bank.
pub(super) fn deep_link(link: &str, member_id: &str) -> String {
    let rest = link.strip_prefix("https").unwrap_or(link);
    format!("bank{member_id}{rest}")
}

/// Raw `<svg …>` markup, as the bank answers it: not base64. The cells are the link's own bits,
/// not a QR code that a phone could read: nobody's phone can pay here.
pub(super) fn picture(link: &str) -> String {
    const SIDE: usize = 29;
    let bytes = link.as_bytes();
    let is_dark = |at: usize| {
        let byte = bytes.get((at / 8) % bytes.len().max(1)).copied().unwrap_or(0);
        byte >> (at % 8) & 1 == 1
    };
    let cells = (0..SIDE * SIDE).filter(|at| is_dark(*at));
    let path: String = cells.map(|at| format!("M{} {}h1v1h-1z", at % SIDE, at / SIDE)).collect();
    let title = html_escape(link);
    let size = r#"width="124" height="124" viewBox="0 0 29 29""#;
    let cells = format!(r##"<path fill="#000" d="{path}"/>"##);
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg" {size}><title>{title}</title>{cells}</svg>"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_links_have_this_checksum() {
        let links = [
            ("123456789", 0x29b1),
            (
                "https://qr.nspk.ru/AS100001ORTF4GAF80KPJ53K186D9A3G?type=01&bank=100000000007",
                0x0c8a,
            ),
            (
                "https://qr.nspk.ru/AD10001RQ10OT70E8LEOT61G16J41I09?type=02&bank=100000000111\
                 &sum=1400&cur=RUB",
                0x62e3,
            ),
            (
                "https://sub.nspk.ru/AB1S002LBQ7PDTTE88HQ1SE2PVFVTP04?type=03&bank=100000000111",
                0x3b02,
            ),
        ];
        for (link, expect) in links {
            assert_eq!(crc(link), expect, "{link}");
        }
    }
}
