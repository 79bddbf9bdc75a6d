//! SQL of payments that share one operation at their bank: charges of a card that it keeps.

use super::{COLUMNS, decode};
use crate::{
    kit::db::{DbError, Tx},
    payments::model::Payment,
};

/// Which approvals of a kept card's operation are some payment's money.
pub fn list_approvals(tx: &mut dyn Tx, card_id: &str) -> Result<Vec<String>, DbError> {
    let sql = "select approval from payments where card_id = $1 and approval is not null";
    tx.query(sql, &[card_id.into()])?.iter().map(|row| row.text(0)).collect()
}

/// The card's charges that were sent, were not refused, and have no approval yet; held until the
/// transaction ends.
pub fn lock_unapproved(tx: &mut dyn Tx, card_id: &str) -> Result<Vec<Payment>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!(
        "select {COLUMNS} from payments where card_id = $1 and save_card_for is null \
         and charge_asked_ms is not null and failure is null and approval is null \
         order by id{lock}"
    );
    let rows = tx.query(&sql, &[card_id.into()])?;
    rows.iter().map(|row| decode(tx, row)).collect()
}

/// The card's charges that were sent and refused, or said never to have been made; held until the
/// transaction ends.
pub fn lock_refused(tx: &mut dyn Tx, card_id: &str) -> Result<Vec<Payment>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!(
        "select {COLUMNS} from payments where card_id = $1 and save_card_for is null \
         and charge_asked_ms is not null and failure is not null and approval is null \
         order by id{lock}"
    );
    let rows = tx.query(&sql, &[card_id.into()])?;
    rows.iter().map(|row| decode(tx, row)).collect()
}

/// The card's charges that have an approval, the newest first; held until the transaction ends.
pub fn lock_approved(tx: &mut dyn Tx, card_id: &str) -> Result<Vec<Payment>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!(
        "select {COLUMNS} from payments where card_id = $1 and save_card_for is null \
         and approval is not null order by id desc{lock}"
    );
    let rows = tx.query(&sql, &[card_id.into()])?;
    rows.iter().map(|row| decode(tx, row)).collect()
}

/// Another charge of the card whose outcome is not known.
pub fn find_charging(
    tx: &mut dyn Tx,
    card_id: &str,
    but_id: &str,
) -> Result<Option<String>, DbError> {
    let sql = "select id from payments where card_id = $1 and id <> $2 and status = 'open' \
               and charge_asked_ms is not null and save_card_for is null limit 1";
    tx.find(sql, &[card_id.into(), but_id.into()])?.map(|row| row.text(0)).transpose()
}

/// Another payment that was asked for the same period of a subscription, and by which money came
/// that nobody has given back: what it was for is paid.
pub fn find_paid_for_same(tx: &mut dyn Tx, payment_id: &str) -> Result<Option<String>, DbError> {
    let sql = "select p.id from subscription_attempts own \
               join subscription_attempts a on a.subscription_id = own.subscription_id \
               and a.period = own.period and a.payment_id <> own.payment_id \
               join payments p on p.id = a.payment_id \
               where own.payment_id = $1 and a.outcome <> 'given_back' and p.paid_kopecks > 0 \
               limit 1";
    tx.find(sql, &[payment_id.into()])?.map(|row| row.text(0)).transpose()
}

/// The payment that opened the operation, held until the transaction ends.
pub fn lock_opening(tx: &mut dyn Tx, payment_id: &str) -> Result<Option<Payment>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {COLUMNS} from payments where id = $1{lock}");
    tx.find(&sql, &[payment_id.into()])?.map(|row| decode(tx, &row)).transpose()
}
