//! SQL of saved accounts and their charges.

use super::model::{AccountStatus, Charge, SavedAccount};
use crate::{
    kit::db::{DbError, Row, Tx},
    payments::store::{decode_failure, encode_failure},
};

const COLUMNS: &str = "id, shop_id, customer_id, connection_id, bank, purpose, request_key, link, \
     status, sealed, member_id, member_name, created_ms";

pub fn insert_account(tx: &mut dyn Tx, account: &SavedAccount) -> Result<(), DbError> {
    let a = account;
    tx.execute(
        "insert into saved_accounts (id, shop_id, customer_id, connection_id, bank, purpose, \
         request_key, link, status, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
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
        ],
    )?;
    Ok(())
}

/// Saves what can change.
pub fn update_account(tx: &mut dyn Tx, account: &SavedAccount) -> Result<(), DbError> {
    let a = account;
    tx.execute(
        "update saved_accounts set status = $1, sealed = $2, member_id = $3, member_name = $4 \
         where id = $5 and shop_id = $6",
        &[
            a.status.as_str().into(),
            a.sealed.clone().into(),
            a.member_id.clone().into(),
            a.member_name.clone().into(),
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

/// A customer's accounts, the newest first.
pub fn list_accounts(
    tx: &mut dyn Tx,
    shop_id: &str,
    customer_id: &str,
) -> Result<Vec<SavedAccount>, DbError> {
    let sql = format!(
        "select {COLUMNS} from saved_accounts where shop_id = $1 and customer_id = $2 \
         order by id desc limit 100"
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
    })
}

pub fn insert_charge(tx: &mut dyn Tx, charge: &Charge, now_ms: i64) -> Result<(), DbError> {
    tx.execute(
        "insert into account_charges (payment_id, account_id, created_ms) values ($1, $2, $3)",
        &[charge.payment_id.as_str().into(), charge.account_id.as_str().into(), now_ms.into()],
    )?;
    Ok(())
}

pub fn find_charge(tx: &mut dyn Tx, payment_id: &str) -> Result<Option<Charge>, DbError> {
    let row = tx.find(
        "select payment_id, account_id, asked_ms, failure from account_charges \
         where payment_id = $1",
        &[payment_id.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Charge {
        payment_id: row.text(0)?,
        account_id: row.text(1)?,
        asked_ms: row.opt_int(2)?,
        failure: row.opt_text(3)?.as_deref().map(decode_failure).transpose()?,
    }))
}

/// Marks a charge as asked. `false`: it was asked before, and must not be sent again.
pub fn mark_asked(tx: &mut dyn Tx, payment_id: &str, now_ms: i64) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update account_charges set asked_ms = $1 where payment_id = $2 and asked_ms is null",
        &[now_ms.into(), payment_id.into()],
    )?;
    Ok(touched > 0)
}

/// The request certainly did not arrive: it may leave again.
pub fn unmark_asked(tx: &mut dyn Tx, payment_id: &str) -> Result<(), DbError> {
    tx.execute(
        "update account_charges set asked_ms = null where payment_id = $1",
        &[payment_id.into()],
    )?;
    Ok(())
}

pub fn update_failure(tx: &mut dyn Tx, charge: &Charge) -> Result<(), DbError> {
    tx.execute(
        "update account_charges set failure = $1 where payment_id = $2",
        &[charge.failure.as_ref().map(encode_failure).into(), charge.payment_id.as_str().into()],
    )?;
    Ok(())
}
