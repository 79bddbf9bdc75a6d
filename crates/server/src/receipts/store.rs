//! SQL of receipts.

use super::defaults::DefaultsInput;
use crate::kit::db::{DbError, Tx};

/// What the shop said of its receipts, if it did.
pub fn find_defaults(tx: &mut dyn Tx, shop_id: &str) -> Result<Option<DefaultsInput>, DbError> {
    let row = tx.find("select receipt_defaults from shops where id = $1", &[shop_id.into()])?;
    let text = row.map(|row| row.opt_text(0)).transpose()?.flatten();
    let decode = |text: String| {
        serde_json::from_str(&text).map_err(|e| DbError::Decode(format!("receipt_defaults: {e}")))
    };
    text.map(decode).transpose()
}

pub fn update_defaults(
    tx: &mut dyn Tx,
    shop_id: &str,
    defaults: &DefaultsInput,
) -> Result<(), DbError> {
    let text = serde_json::to_string(defaults)
        .map_err(|e| DbError::Other(format!("receipt_defaults: {e}")))?;
    let sql = "update shops set receipt_defaults = $1 where id = $2";
    tx.execute(sql, &[text.into(), shop_id.into()])?;
    Ok(())
}
