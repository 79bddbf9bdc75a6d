//! SQL of people, sessions, tries and the audit.

use super::model::{Change, Member, Outcome, Role, Session};
use crate::kit::db::{DbError, Row, Tx, Value};

const MEMBER: &str = "id, shop_id, login, name, role, lang, password, totp, totp_next, totp_step, \
     created_ms, disabled_ms";

fn decode_member(row: &Row) -> Result<Member, DbError> {
    let role = row.text(4)?;
    Ok(Member {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        login: row.text(2)?,
        name: row.text(3)?,
        role: Role::parse(&role).ok_or_else(|| DbError::Decode(format!("the role {role}")))?,
        lang: row.text(5)?,
        password: row.opt_text(6)?,
        totp: row.opt_bytes(7)?,
        totp_next: row.opt_bytes(8)?,
        totp_step: row.int(9)?,
        created_ms: row.int(10)?,
        disabled_ms: row.opt_int(11)?,
    })
}

pub fn insert_member(tx: &mut dyn Tx, member: &Member) -> Result<(), DbError> {
    tx.execute(
        "insert into staff (id, shop_id, login, name, role, lang, totp_step, created_ms) \
         values ($1, $2, $3, $4, $5, $6, 0, $7)",
        &[
            member.id.as_str().into(),
            member.shop_id.as_str().into(),
            member.login.as_str().into(),
            member.name.as_str().into(),
            member.role.as_str().into(),
            member.lang.as_str().into(),
            member.created_ms.into(),
        ],
    )?;
    update_member(tx, member)
}

/// Saves what can change of somebody.
pub fn update_member(tx: &mut dyn Tx, member: &Member) -> Result<(), DbError> {
    tx.execute(
        "update staff set name = $1, role = $2, lang = $3, password = $4, totp = $5, \
         totp_next = $6, totp_step = $7, disabled_ms = $8 where id = $9 and shop_id = $10",
        &[
            member.name.as_str().into(),
            member.role.as_str().into(),
            member.lang.as_str().into(),
            member.password.clone().into(),
            member.totp.clone().into(),
            member.totp_next.clone().into(),
            member.totp_step.into(),
            member.disabled_ms.into(),
            member.id.as_str().into(),
            member.shop_id.as_str().into(),
        ],
    )?;
    Ok(())
}

pub fn find_member(tx: &mut dyn Tx, id: &str) -> Result<Option<Member>, DbError> {
    let sql = format!("select {MEMBER} from staff where id = $1");
    tx.find(&sql, &[id.into()])?.map(|row| decode_member(&row)).transpose()
}

/// As [`find_member`], and nobody else changes the row until the transaction ends.
pub fn lock_member(tx: &mut dyn Tx, id: &str) -> Result<Option<Member>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {MEMBER} from staff where id = $1{lock}");
    tx.find(&sql, &[id.into()])?.map(|row| decode_member(&row)).transpose()
}

pub fn find_by_login(tx: &mut dyn Tx, login: &str) -> Result<Option<Member>, DbError> {
    let sql = format!("select {MEMBER} from staff where login = $1");
    tx.find(&sql, &[login.into()])?.map(|row| decode_member(&row)).transpose()
}

/// Nobody else changes who works there until the transaction ends.
pub fn lock_shop(tx: &mut dyn Tx, shop_id: &str) -> Result<(), DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select id from shops where id = $1{lock}");
    tx.find(&sql, &[shop_id.into()])?;
    Ok(())
}

/// Everybody of a shop, the oldest first.
pub fn list_members(tx: &mut dyn Tx, shop_id: &str) -> Result<Vec<Member>, DbError> {
    let sql = format!("select {MEMBER} from staff where shop_id = $1 order by id");
    tx.query(&sql, &[shop_id.into()])?.iter().map(decode_member).collect()
}

const SESSION: &str = "s.id, s.staff_id, s.token, s.earlier_token, s.rotated_ms, s.created_ms, \
     s.seen_ms, s.is_half";

fn decode_session(row: &Row) -> Result<Session, DbError> {
    Ok(Session {
        id: row.text(0)?,
        staff_id: row.text(1)?,
        token: row.text(2)?,
        earlier_token: row.opt_text(3)?,
        rotated_ms: row.int(4)?,
        created_ms: row.int(5)?,
        seen_ms: row.int(6)?,
        is_half: row.flag(7)?,
    })
}

pub fn insert_session(tx: &mut dyn Tx, session: &Session) -> Result<(), DbError> {
    tx.execute(
        "insert into staff_sessions (id, staff_id, token, earlier_token, rotated_ms, created_ms, \
         seen_ms, is_half) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            session.id.as_str().into(),
            session.staff_id.as_str().into(),
            session.token.as_str().into(),
            session.earlier_token.clone().into(),
            session.rotated_ms.into(),
            session.created_ms.into(),
            session.seen_ms.into(),
            session.is_half.into(),
        ],
    )?;
    Ok(())
}

/// By the hash of its token, or of the token before.
pub fn find_session(tx: &mut dyn Tx, hash: &str) -> Result<Option<Session>, DbError> {
    let by = |column: &str| format!("select {SESSION} from staff_sessions s where s.{column} = $1");
    let found = match tx.find(&by("token"), &[hash.into()])? {
        Some(row) => Some(row),
        None => tx.find(&by("earlier_token"), &[hash.into()])?,
    };
    found.map(|row| decode_session(&row)).transpose()
}

pub fn touch_session(tx: &mut dyn Tx, id: &str, seen_ms: i64) -> Result<(), DbError> {
    let sql = "update staff_sessions set seen_ms = $1 where id = $2 and seen_ms < $1";
    tx.execute(sql, &[seen_ms.into(), id.into()])?;
    Ok(())
}

/// Another token, unless somebody was first. The one before stays for a minute.
pub fn rotate_session(
    tx: &mut dyn Tx,
    session: &Session,
    token: &str,
    now_ms: i64,
) -> Result<bool, DbError> {
    let touched = tx.execute(
        "update staff_sessions set earlier_token = token, token = $1, rotated_ms = $2 \
         where id = $3 and token = $4",
        &[token.into(), now_ms.into(), session.id.as_str().into(), session.token.as_str().into()],
    )?;
    Ok(touched > 0)
}

pub fn delete_session(tx: &mut dyn Tx, id: &str) -> Result<(), DbError> {
    tx.execute("delete from staff_sessions where id = $1", &[id.into()])?;
    Ok(())
}

/// All of somebody's, but perhaps one.
pub fn delete_sessions(tx: &mut dyn Tx, staff_id: &str, but: Option<&str>) -> Result<(), DbError> {
    let sql = "delete from staff_sessions where staff_id = $1 and id <> $2";
    tx.execute(sql, &[staff_id.into(), but.unwrap_or("").into()])?;
    Ok(())
}

pub fn delete_old_sessions(tx: &mut dyn Tx, seen_before_ms: i64) -> Result<(), DbError> {
    let sql = "delete from staff_sessions where seen_ms < $1";
    tx.execute(sql, &[seen_before_ms.into()])?;
    Ok(())
}

/// Wrong tries in a row, and until when nothing is tried.
pub fn find_tries(tx: &mut dyn Tx, word: &str) -> Result<(i64, i64), DbError> {
    // A row to be locked, for the first burst as well.
    let first = "insert into login_tries (word, tries, until_ms) values ($1, 0, 0) \
                 on conflict (word) do nothing";
    tx.execute(first, &[word.into()])?;
    let lock = tx.dialect().for_update();
    let sql = format!("select tries, until_ms from login_tries where word = $1{lock}");
    let row = tx.find(&sql, &[word.into()])?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
}

pub fn save_tries(
    tx: &mut dyn Tx,
    word: &str,
    (tries, until_ms): (i64, i64),
) -> Result<(), DbError> {
    tx.execute(
        "insert into login_tries (word, tries, until_ms) values ($1, $2, $3) \
         on conflict (word) do update set tries = excluded.tries, until_ms = excluded.until_ms",
        &[word.into(), tries.into(), until_ms.into()],
    )?;
    Ok(())
}

/// Counters that hold nobody up any more: whoever guesses logins fills no disk.
pub fn delete_old_tries(tx: &mut dyn Tx, until_before_ms: i64) -> Result<(), DbError> {
    let sql = "delete from login_tries where until_ms < $1";
    tx.execute(sql, &[until_before_ms.into()])?;
    Ok(())
}

pub fn forget_tries(tx: &mut dyn Tx, word: &str) -> Result<(), DbError> {
    tx.execute("delete from login_tries where word = $1", &[word.into()])?;
    Ok(())
}

const CHANGE: &str = "id, shop_id, at_ms, staff_id, name, action, subject, detail, outcome";

fn decode_change(row: &Row) -> Result<Change, DbError> {
    let outcome = row.text(8)?;
    Ok(Change {
        id: row.text(0)?,
        shop_id: row.text(1)?,
        at_ms: row.int(2)?,
        staff_id: row.opt_text(3)?,
        name: row.text(4)?,
        action: row.text(5)?,
        subject: row.text(6)?,
        detail: row.text(7)?,
        outcome: Outcome::parse(&outcome)
            .ok_or_else(|| DbError::Decode(format!("the outcome {outcome}")))?,
    })
}

pub fn insert_change(tx: &mut dyn Tx, change: &Change) -> Result<(), DbError> {
    tx.execute(
        "insert into audit (id, shop_id, at_ms, staff_id, name, action, subject, detail, outcome) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            change.id.as_str().into(),
            change.shop_id.as_str().into(),
            change.at_ms.into(),
            change.staff_id.clone().into(),
            change.name.as_str().into(),
            change.action.as_str().into(),
            change.subject.as_str().into(),
            change.detail.as_str().into(),
            change.outcome.as_str().into(),
        ],
    )?;
    Ok(())
}

pub fn update_outcome(tx: &mut dyn Tx, id: &str, outcome: Outcome) -> Result<(), DbError> {
    let sql = "update audit set outcome = $1 where id = $2";
    tx.execute(sql, &[outcome.as_str().into(), id.into()])?;
    Ok(())
}

/// The newest first; older than `before` where that is given.
pub fn list_changes(
    tx: &mut dyn Tx,
    shop_id: &str,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Change>, DbError> {
    let mut args: Vec<Value> = vec![shop_id.into(), limit.into()];
    let older = before.map_or("", |_| "and id < $3");
    args.extend(before.map(Value::from));
    let sql =
        format!("select {CHANGE} from audit where shop_id = $1 {older} order by id desc limit $2");
    tx.query(&sql, &args)?.iter().map(decode_change).collect()
}
