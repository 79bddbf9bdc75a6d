//! SQL of saved accounts.

use super::model::{AccountStatus, SavedAccount};
use crate::kit::db::{DbError, Row, Tx};

const COLUMNS: &str = "id, shop_id, customer_id, connection_id, bank, purpose, request_key, link, \
     status, sealed, member_id, member_name, created_ms, payment_id, watched_ms";

/// A payment has one account: asked for its code again, a bank may give the binding another key.
pub fn insert_account(tx: &mut dyn Tx, account: &SavedAccount) -> Result<(), DbError> {
    let a = account;
    tx.execute(
        "insert into saved_accounts (id, shop_id, customer_id, connection_id, bank, purpose, \
         request_key, link, status, created_ms, payment_id) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         on conflict (payment_id) do update set request_key = excluded.request_key, \
         link = excluded.link where saved_accounts.status = 'pending'",
        &[
            a.id.as_str().into(),
            a.shop_id.as_str().into(),
            a.customer_id.as_str().into(),
            a.connection_id.as_str().into(),
            a.bank.as_str().into(),
            a.purpose.as_str().into(),
            a.request_key.as_str().into(),
            a.link.as_str().into(),
            a.status.as_str().into(),
            a.created_ms.into(),
            a.payment_id.clone().into(),
        ],
    )?;
    Ok(())
}

/// Saves what can change.
pub fn update_account(tx: &mut dyn Tx, account: &SavedAccount) -> Result<(), DbError> {
    let a = account;
    tx.execute(
        "update saved_accounts set status = $1, sealed = $2, member_id = $3, member_name = $4, \
         watched_ms = $5 where id = $6 and shop_id = $7",
        &[
            a.status.as_str().into(),
            a.sealed.clone().into(),
            a.member_id.clone().into(),
            a.member_name.clone().into(),
            a.watched_ms.into(),
            a.id.as_str().into(),
            a.shop_id.as_str().into(),
        ],
    )?;
    Ok(())
}

pub fn find_account(tx: &mut dyn Tx, id: &str) -> Result<Option<SavedAccount>, DbError> {
    let sql = format!("select {COLUMNS} from saved_accounts where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode(&row)).transpose()
}

pub fn lock_account(tx: &mut dyn Tx, id: &str) -> Result<Option<SavedAccount>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {COLUMNS} from saved_accounts where id = $1{lock}");
    tx.find(&sql, &[id.into()])?.map(|row| decode(&row)).transpose()
}

pub fn find_by_request(
    tx: &mut dyn Tx,
    connection_id: &str,
    request_key: &str,
) -> Result<Option<SavedAccount>, DbError> {
    let sql = format!(
        "select {COLUMNS} from saved_accounts where connection_id = $1 and request_key = $2"
    );
    tx.find(&sql, &[connection_id.into(), request_key.into()])?.map(|row| decode(&row)).transpose()
}

/// The account that a payment saves; held until the transaction ends.
pub fn lock_by_payment(tx: &mut dyn Tx, payment_id: &str) -> Result<Option<SavedAccount>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {COLUMNS} from saved_accounts where payment_id = $1{lock}");
    tx.find(&sql, &[payment_id.into()])?.map(|row| decode(&row)).transpose()
}

/// A customer's accounts, the newest first. Not those of payments that were never paid, or whose
/// payers did not agree: nobody asked for anything but to be paid.
pub fn list_accounts(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
) -> Result<Vec<SavedAccount>, DbError> {
    let sql = format!(
        "select {COLUMNS} from saved_accounts where shop_id = $1 and customer_id = $2 \
         and (payment_id is null or sealed is not null) order by id desc limit 100"
    );
    tx.query(&sql, &[shop_id.into(), customer_id.into()])?.iter().map(decode).collect()
}

fn decode(row: &Row) -> Result<SavedAccount, DbError> {
    let status = row.text(8)?;
    Ok(SavedAccount {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        customer_id: row.text(2)?,
        connection_id: row.text(3)?,
        bank: row.text(4)?,
        purpose: row.text(5)?,
        request_key: row.text(6)?,
        link: row.text(7)?,
        status: AccountStatus::parse(&status)
            .ok_or_else(|| DbError::Decode(format!("status {status}")))?,
        sealed: row.opt_bytes(9)?,
        member_id: row.opt_text(10)?,
        member_name: row.opt_text(11)?,
        created_ms: row.int(12)?,
        payment_id: row.opt_text(13)?,
        watched_ms: row.opt_int(14)?,
    })
}
