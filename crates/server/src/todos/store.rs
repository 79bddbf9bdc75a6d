//! SQL of what a person has to look after.

use super::model::{Kind, NewTodo, Todo, Why};
use crate::kit::db::{DbError, Row, Tx, Value};

const COLUMNS: &str =
    "id, shop_id, kind, subject_id, about, code, message, hint, created_ms, done_ms, done_by";

/// Who settles what its reason settled by going away.
pub const BY_ITSELF: &str = "kopeck";

/// Writes it down; `false` when that was done before. One that had settled itself is open again;
/// one that a person closed stays closed.
pub fn raise(tx: &mut dyn Tx, new: &NewTodo<'_>) -> Result<bool, DbError> {
    let why = new.why;
    if find(tx, (new.kind, new.subject_id, new.about))?.is_some() {
        tx.execute(
            "update todos set done_ms = null, done_by = null, code = $1, message = $2, hint = $3 \
             where subject_id = $4 and kind = $5 and about = $6 \
             and (done_ms is null or done_by = $7)",
            &[
                why.code.as_str().into(),
                why.message.as_str().into(),
                why.hint.as_str().into(),
                new.subject_id.into(),
                new.kind.as_str().into(),
                new.about.into(),
                BY_ITSELF.into(),
            ],
        )?;
        return Ok(false);
    }
    tx.execute(
        "insert into todos (id, shop_id, kind, subject_id, about, code, message, hint, created_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            new.id.as_str().into(),
            new.shop_id.into(),
            new.kind.as_str().into(),
            new.subject_id.into(),
            new.about.into(),
            why.code.as_str().into(),
            why.message.as_str().into(),
            why.hint.as_str().into(),
            new.at_ms.into(),
        ],
    )?;
    Ok(true)
}

/// What happened since settled it. Again, or of what nobody raised, changes nothing.
pub fn settle(
    tx: &mut dyn Tx,
    (kind, subject_id, about): (Kind, &str, &str),
    (at_ms, by): (i64, &str),
) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update todos set done_ms = $1, done_by = $2 \
         where subject_id = $3 and kind = $4 and about = $5 and done_ms is null",
        &[at_ms.into(), by.into(), subject_id.into(), kind.as_str().into(), about.into()],
    )?;
    Ok(touched > 0)
}

/// The same of all that is open of this kind, whatever it is about.
pub fn settle_all(
    tx: &mut dyn Tx,
    (kind, subject_id): (Kind, &str),
    (at_ms, by): (i64, &str),
) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update todos set done_ms = $1, done_by = $2 \
         where subject_id = $3 and kind = $4 and done_ms is null",
        &[at_ms.into(), by.into(), subject_id.into(), kind.as_str().into()],
    )?;
    Ok(touched > 0)
}

/// What persons closed of a kind and a subject: when, in order.
pub fn list_closed(
    tx: &mut dyn Tx,
    (kind, subject_id): (Kind, &str),
) -> Result<Vec<Todo>, DbError> {
    let sql = format!(
        "select {COLUMNS} from todos where subject_id = $1 and kind = $2 \
         and done_ms is not null and done_by <> $3 order by done_ms, id"
    );
    let params = [subject_id.into(), kind.as_str().into(), BY_ITSELF.into()];
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

/// Whatever became of it.
pub fn find(
    tx: &mut dyn Tx,
    (kind, subject_id, about): (Kind, &str, &str),
) -> Result<Option<Todo>, DbError> {
    let sql =
        format!("select {COLUMNS} from todos where subject_id = $1 and kind = $2 and about = $3");
    let params = [subject_id.into(), kind.as_str().into(), about.into()];
    tx.find(&sql, &params)?.map(|row| decode(&row)).transpose()
}

/// A person says that it is settled; `None` when the shop has none of that id.
pub fn close(
    tx: &mut dyn Tx,
    (shop_id, id): (&str, &str),
    (at_ms, by): (i64, &str),
) -> Result<Option<Todo>, DbError> {
    tx.execute(
        "update todos set done_ms = $1, done_by = $2 \
         where id = $3 and shop_id = $4 and done_ms is null",
        &[at_ms.into(), by.into(), id.into(), shop_id.into()],
    )?;
    let sql = format!("select {COLUMNS} from todos where id = $1 and shop_id = $2");
    tx.find(&sql, &[id.into(), shop_id.into()])?.map(|row| decode(&row)).transpose()
}

/// Those of a shop, the newest first: open ones, or all of them.
pub fn list(
    tx: &mut dyn Tx,
    (shop_id, is_all): (&str, bool),
    before_id: Option<&str>,
    limit: i64,
) -> Result<Vec<Todo>, DbError> {
    let mut sql = format!("select {COLUMNS} from todos where shop_id = $1");
    let mut params: Vec<Value> = vec![shop_id.into()];
    if !is_all {
        sql.push_str(" and done_ms is null");
    }
    if let Some(before_id) = before_id {
        params.push(before_id.into());
        sql.push_str(" and id < $2");
    }
    params.push(limit.into());
    sql.push_str(&format!(" order by id desc limit ${}", params.len()));
    tx.query(&sql, &params)?.iter().map(decode).collect()
}

fn decode(row: &Row) -> Result<Todo, DbError> {
    let word = row.text(2)?;
    Ok(Todo {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        kind: Kind::parse(&word).ok_or_else(|| DbError::Decode(format!("todo {word}")))?,
        subject_id: row.text(3)?,
        about: row.text(4)?,
        why: Why { code: row.text(5)?, message: row.text(6)?, hint: row.text(7)? },
        created_ms: row.int(8)?,
        done_ms: row.opt_int(9)?,
        done_by: row.opt_text(10)?,
    })
}
