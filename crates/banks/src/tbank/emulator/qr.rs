//! The QR links and pictures of this bank; how they are made is NSPK's and shared.

use super::directory;
use crate::{
    emulator::nspk::{self, Kind},
    money::Money,
};

/// In pixels: wide enough to be read from a screen.
const SIDE: u32 = 200;

/// The one bank whose terminal this is.
fn acquirer() -> &'static str {
    directory::MEMBERS.first().map_or("", |member| member.id)
}

pub(super) fn payment_link(qr_id: &str, amount: Money) -> String {
    nspk::payload(Kind::Dynamic, qr_id, acquirer(), Some(amount))
}

pub(super) fn binding_link(qr_id: &str) -> String {
    nspk::payload(Kind::Subscription, qr_id, acquirer(), None)
}

/// The same link opened by the app of one bank.
pub(super) fn deep_link(link: &str, member_id: &str) -> String {
    let rest = link.strip_prefix("https").unwrap_or(link);
    format!("bank{member_id}{rest}")
}

/// Raw `<svg …>` markup, as the bank answers it: not base64.
pub(super) fn picture(link: &str) -> String {
    nspk::picture(link, SIDE)
}
