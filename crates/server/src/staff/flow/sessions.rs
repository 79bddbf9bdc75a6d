//! Coming in and going out: passwords, codes, sessions that change their tokens.

use super::{Problem, is_right};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
        secret::{hash_token, hex},
    },
    staff::{
        model::{LONGEST_MS, Member, ROTATE_MS, Session, wait_after_ms},
        store, totp,
    },
};

/// A session is seen at most this often: reading a page writes nothing in between.
const SEEN_EVERY_MS: i64 = 60 * 1000;
/// Wrong tries are forgiven after so long without another: longer than the longest wait.
const FORGIVEN_MS: i64 = 60 * 60 * 1000;
/// What a sealed secret of an authenticator is bound to, besides its owner.
pub const TOTP: &str = "totp";

/// Who comes with a request.
#[derive(Clone, Debug)]
pub struct Visit {
    pub member: Member,
    pub session: Session,
    /// By the newest token, not by the one before.
    pub is_newest: bool,
}

/// The name of a counter of tries: keyed, so that the table tells no login.
fn word(ctx: &Ctx, what: &str, who: &str) -> String {
    ctx.vault.sign(&["tries", what, who])
}

/// Counts one more wrong try, before anything is looked at: tries at once are counted all.
fn count_try(tx: &mut dyn Tx, word: &str, now_ms: i64) -> Result<(), Problem> {
    store::delete_old_tries(tx, now_ms - FORGIVEN_MS)?;
    let (tries, until_ms) = store::find_tries(tx, word)?;
    if until_ms > now_ms {
        return Err(Problem::Wait { until_ms });
    }
    let wait_ms = wait_after_ms(tries.saturating_add(1));
    store::save_tries(tx, word, (tries.saturating_add(1), now_ms + wait_ms))?;
    Ok(())
}

/// As a login's: whoever holds a stolen session guesses no password by it.
pub async fn count_own(ctx: &Ctx, member: &Member) -> Result<(), Problem> {
    let (tries, now_ms) = (word(ctx, "password", &member.login), ctx.now_ms());
    ctx.db.write(move |tx| count_try(tx, &tries, now_ms)).await
}

pub async fn forgive_own(ctx: &Ctx, member: &Member) -> Result<(), DbError> {
    let tries = word(ctx, "password", &member.login);
    ctx.db.write(move |tx| store::forget_tries(tx, &tries)).await
}

/// A login as it is compared.
pub fn plain_login(login: &str) -> String {
    login.trim().to_lowercase()
}

/// By name and password. The token of a session, which may still be half a one.
pub async fn sign_in(ctx: &Ctx, login: &str, typed: String) -> Result<(String, bool), Problem> {
    let (login, now_ms) = (plain_login(login), ctx.now_ms());
    let tries = word(ctx, "password", &login);
    let counted = tries.clone();
    let find = login.clone();
    let found: Result<Option<Member>, Problem> = ctx
        .db
        .write(move |tx| {
            count_try(tx, &counted, now_ms)?;
            Ok(store::find_by_login(tx, &find)?)
        })
        .await;
    let member = found?.filter(|member| member.disabled_ms.is_none());
    let stored = member.as_ref().and_then(|member| member.password.clone());
    if !is_right(ctx, typed, stored).await? {
        return Err(Problem::Wrong);
    }
    let Some(member) = member else { return Err(Problem::Wrong) };
    let is_half = member.totp.is_some();
    let (session, token) = new_session(ctx, &member.id, is_half);
    let done: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            store::forget_tries(tx, &tries)?;
            store::delete_old_sessions(tx, now_ms - LONGEST_MS)?;
            store::insert_session(tx, &session)
        })
        .await;
    done?;
    Ok((token, is_half))
}

/// A session of somebody who is known.
pub fn new_session(ctx: &Ctx, staff_id: &str, is_half: bool) -> (Session, String) {
    let (token, now_ms) = (hex(&ctx.mint.bytes::<32>()), ctx.now_ms());
    let session = Session {
        id: ctx.mint.id("ses"),
        staff_id: staff_id.to_owned(),
        token: hash_token(&token),
        earlier_token: None,
        rotated_ms: now_ms,
        created_ms: now_ms,
        seen_ms: now_ms,
        is_half,
    };
    (session, token)
}

/// The code makes a half session a whole one, with another token.
pub async fn pass_code(ctx: &Ctx, visit: &Visit, code: &str) -> Result<String, Problem> {
    let (member, now_ms) = (&visit.member, ctx.now_ms());
    let tries = word(ctx, "code", &member.id);
    let counted = tries.clone();
    let counting: Result<(), Problem> =
        ctx.db.write(move |tx| count_try(tx, &counted, now_ms)).await;
    counting?;
    let Some(sealed) = &member.totp else { return Err(Problem::Wrong) };
    let secret = open_secret(ctx, member, sealed)?;
    let step = totp::find_step(&secret, code, now_ms, member.totp_step).ok_or(Problem::Wrong)?;
    let (session, token) = new_session(ctx, &member.id, false);
    let (half, id) = (visit.session.id.clone(), member.id.clone());
    ctx.db
        .write(move |tx| {
            let member = store::lock_member(tx, &id)?.ok_or(Problem::Wrong)?;
            // Somebody else used it meanwhile.
            if member.totp_step >= step || member.disabled_ms.is_some() {
                return Err(Problem::Wrong);
            }
            store::update_member(tx, &Member { totp_step: step, ..member })?;
            store::forget_tries(tx, &tries)?;
            store::delete_session(tx, &half)?;
            Ok(store::insert_session(tx, &session)?)
        })
        .await
        .map(|()| token)
}

pub fn open_secret(ctx: &Ctx, member: &Member, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
    ctx.vault.open(sealed, &format!("{TOTP}/{}", member.id))
}

/// Whose token it is, if it still opens anything.
pub async fn find_visit(ctx: &Ctx, token: &str) -> Result<Option<Visit>, DbError> {
    let (hash, now_ms) = (hash_token(token), ctx.now_ms());
    let looked = hash.clone();
    let found: Result<Option<(Session, Member)>, DbError> = ctx
        .db
        .read(move |tx| {
            let Some(session) = store::find_session(tx, &looked)? else { return Ok(None) };
            let member = store::find_member(tx, &session.staff_id)?;
            Ok(member.map(|member| (session, member)))
        })
        .await;
    let usable = |(session, member): &(Session, Member)| {
        !session.is_over(now_ms) && session.opens_by(&hash, now_ms) && member.disabled_ms.is_none()
    };
    let found = found?.filter(usable);
    Ok(found.map(|(session, member)| Visit { is_newest: session.token == hash, member, session }))
}

/// Notes that somebody was here; now and then another token, which the browser has to keep from now
/// on.
pub async fn renew(ctx: &Ctx, visit: &Visit) -> Result<Option<String>, DbError> {
    let (before, now_ms) = (visit.session.clone(), ctx.now_ms());
    if now_ms - before.rotated_ms > ROTATE_MS && visit.is_newest {
        let token = hex(&ctx.mint.bytes::<32>());
        let next = hash_token(&token);
        let rotated: Result<bool, DbError> = ctx
            .db
            .write(move |tx| {
                store::touch_session(tx, &before.id, now_ms)?;
                store::rotate_session(tx, &before, &next, now_ms)
            })
            .await;
        // Who was first has the new one; this request is let in by the one before.
        return Ok(Some(token).filter(|_| rotated.as_ref().is_ok_and(|it| *it)));
    }
    if now_ms - before.seen_ms > SEEN_EVERY_MS {
        ctx.db.write(move |tx| store::touch_session(tx, &before.id, now_ms)).await?;
    }
    Ok(None)
}

pub async fn sign_out(ctx: &Ctx, visit: &Visit) -> Result<(), DbError> {
    let id = visit.session.id.clone();
    ctx.db.write(move |tx| store::delete_session(tx, &id)).await
}

/// What every form of this session carries: another site cannot know it.
pub fn form_word(ctx: &Ctx, session: &Session) -> String {
    ctx.vault.sign(&["form", &session.id])
}

pub fn is_form_word(ctx: &Ctx, session: &Session, word: &str) -> bool {
    ctx.vault.is_signed(&["form", &session.id], word)
}
