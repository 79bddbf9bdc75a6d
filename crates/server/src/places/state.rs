//! Which transfer is which: pure decisions over what notices, lists and statements say.

use jiff::{civil::Date, tz::TimeZone};
use kopeck_banks::{
    Money,
    op::{BankStatus, CodeKind, SbpPayment, StatementLine},
};

use super::model::{Place, Transfer};
use crate::kit::clock::timestamp;

/// Days before the first unknown sum that a statement covers, so that its neighbours' lines are
/// there to be told apart from it.
pub const MARGIN_DAYS: i64 = 2;

/// By what a transfer is known for ever, whoever tells of it. The list and a notice both name the
/// bank's id; a code that is paid once needs none. `None`: the source names nothing that another
/// source would name too.
pub fn key(place: &Place, seen: &SbpPayment) -> Option<String> {
    if place.kind.is_paid_once() {
        return Some(seen.code_id.clone());
    }
    seen.ref_id.clone().filter(|id| !id.is_empty())
}

/// Whether it tells of money that came by a code whose payments are found by their transfers. A
/// desk's payments belong to its armings, a dynamic code's to its payment.
pub fn is_ours(place: &Place, seen: &SbpPayment) -> bool {
    let is_kind = match place.kind {
        CodeKind::Static | CodeKind::Invoice => true,
        CodeKind::Dynamic | CodeKind::Desk => false,
    };
    is_kind && seen.status == Some(BankStatus::Paid)
}

/// Days are Moscow's, as the bank's.
pub fn day(ms: i64) -> Date {
    let moscow = TimeZone::get("Europe/Moscow").unwrap_or(TimeZone::UTC);
    timestamp(ms).to_zoned(moscow).date()
}

/// The bank books on the day of the payment, or on the next one.
fn is_within(transfer: &Transfer, booked: Option<Date>) -> bool {
    let last = day(transfer.seen_ms).tomorrow().unwrap_or(Date::MAX);
    booked.is_none_or(|booked| day(transfer.after_ms) <= booked && booked <= last)
}

/// The lines of a statement that are payments nobody has told us the sum of, oldest first.
///
/// A statement names no transfer, only the place (by the purpose). So each transfer whose sum is
/// known takes one line of that sum away; what is left came by transfers that the list told of
/// without a sum, and there are never more of them than of those. Which line is which transfer's is
/// not said, and does not matter to what was paid: a notice that comes late tells it.
pub fn fresh_lines(
    place: &Place,
    transfers: &[Transfer],
    lines: &[StatementLine],
) -> Vec<StatementLine> {
    let is_own = |line: &&StatementLine| {
        line.is_credit && line.is_booked && line.purpose.contains(place.number())
    };
    let mut own: Vec<&StatementLine> = lines.iter().filter(is_own).collect();
    own.sort_by_key(|line| (line.day, line.amount));
    let mut known: Vec<&Transfer> = transfers.iter().filter(|own| own.amount.is_some()).collect();
    known.sort_by_key(|transfer| (transfer.seen_ms, transfer.key.as_str()));
    // Each line goes to the transfer that ends first of those that it may be.
    own.retain(|line| {
        let takes = |one: &&Transfer| one.amount == Some(line.amount) && is_within(one, line.day);
        let at = known.iter().position(takes);
        at.map(|at| known.remove(at)).is_none()
    });
    let Some(first_ms) = start_ms(transfers) else { return Vec::new() };
    let room = room(transfers);
    let is_new = |line: &&StatementLine| line.day.is_none_or(|it| day(first_ms) <= it);
    own.into_iter().filter(is_new).take(room).cloned().collect()
}

/// Since when the first of those may have come whose sums nobody told.
pub fn start_ms(transfers: &[Transfer]) -> Option<i64> {
    let waiting = transfers.iter().filter(|one| one.amount.is_none());
    waiting.map(|transfer| transfer.after_ms).min()
}

/// How many transfers there are whose sums nobody told.
pub fn room(transfers: &[Transfer]) -> usize {
    let nameless = transfers.iter().filter(|transfer| transfer.amount.is_none()).count();
    let lines = transfers.iter().filter(|transfer| transfer.is_line).count();
    nameless.saturating_sub(lines)
}

/// How much came, when a source tells it or the code has a sum that payers cannot change.
pub fn sum(place: &Place, seen: &SbpPayment) -> Option<Money> {
    seen.amount.filter(|amount| !amount.is_zero()).or(place.amount)
}
