//! People: the first owner, invitations, roles, passwords, authenticators.

use super::{
    Actor, Problem, hash, is_right,
    sessions::{TOTP, count_own, forgive_own, new_session, open_secret, plain_login},
};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    staff::{
        model::{Change, Member, Outcome, Role, Session},
        password::find_weakness,
        store, totp,
    },
};

/// How long an invitation is good.
const INVITED_MS: i64 = 3 * 24 * 60 * 60 * 1000;
const MAX_LOGIN_CHARS: usize = 100;
const MAX_NAME_CHARS: usize = 100;
const SETUP: &str = "setup";
const INVITE: &str = "invite";

/// Whether nobody has come yet: the first who follows the set-up link becomes the owner.
pub async fn is_unclaimed(ctx: &Ctx, shop_id: &str) -> Result<bool, DbError> {
    let shop_id = shop_id.to_owned();
    ctx.db.read(move |tx| is_empty(tx, &shop_id)).await
}

fn is_empty(tx: &mut dyn Tx, shop_id: &str) -> Result<bool, DbError> {
    Ok(!store::list_members(tx, shop_id)?.iter().any(|member| member.password.is_some()))
}

/// Where the first owner sets the shop up. It leads nowhere once there is one.
pub fn setup_url(ctx: &Ctx, shop_id: &str) -> String {
    format!("{}/admin/setup/{shop_id}/{}", ctx.public_url, ctx.vault.sign(&[SETUP, shop_id]))
}

/// Whether this is the set-up link of a shop that still waits for its owner.
pub async fn may_claim(ctx: &Ctx, shop_id: &str, signature: &str) -> Result<bool, DbError> {
    let is_ours = ctx.vault.is_signed(&[SETUP, shop_id], signature);
    Ok(is_ours && is_unclaimed(ctx, shop_id).await?)
}

/// What somebody is called.
#[derive(Clone, Debug)]
pub struct NewMember {
    pub login: String,
    pub name: String,
    pub role: Role,
    pub lang: String,
}

impl NewMember {
    fn check(self) -> Result<NewMember, Problem> {
        let (login, name) = (plain_login(&self.login), self.name.trim().to_owned());
        let is_bad = |c: char| c.is_control() || c.is_whitespace();
        if login.is_empty() || login.chars().count() > MAX_LOGIN_CHARS || login.contains(is_bad) {
            return Err(Problem::LoginInvalid);
        }
        let is_named = !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS;
        if !is_named || name.contains(char::is_control) {
            return Err(Problem::NameInvalid);
        }
        Ok(NewMember { login, name, ..self })
    }

    fn into_member(self, ctx: &Ctx, shop_id: &str) -> Member {
        Member {
            id: ctx.mint.id("stf"),
            shop_id: shop_id.to_owned(),
            login: self.login,
            name: self.name,
            role: self.role,
            lang: self.lang,
            password: None,
            totp: None,
            totp_next: None,
            totp_step: 0,
            created_ms: ctx.now_ms(),
            disabled_ms: None,
        }
    }
}

/// The first owner, and a session of hers. The link opens no second time.
pub async fn claim(
    ctx: &Ctx,
    (shop_id, signature): (&str, &str),
    new: NewMember,
    password: String,
) -> Result<String, Problem> {
    if !may_claim(ctx, shop_id, signature).await? {
        return Err(Problem::LinkOver);
    }
    let new = new.check()?;
    if let Some(weakness) = find_weakness(&password, &new.login) {
        return Err(Problem::Weak(weakness));
    }
    let hashed = hash(ctx, password).await?;
    let member =
        Member { password: Some(hashed), role: Role::Owner, ..new.into_member(ctx, shop_id) };
    let (session, token) = new_session(ctx, &member.id, false);
    let change = done(ctx, &Actor::of(&member), "staff.claim", &member.id);
    let shop_id = shop_id.to_owned();
    ctx.db
        .write(move |tx| {
            store::lock_shop(tx, &shop_id)?;
            if !is_empty(tx, &shop_id)? {
                return Err(Problem::LinkOver);
            }
            insert(tx, &member)?;
            store::insert_change(tx, &change)?;
            Ok(store::insert_session(tx, &session)?)
        })
        .await
        .map(|()| token)
}

fn done(ctx: &Ctx, actor: &Actor, action: &str, subject: &str) -> Change {
    Change {
        id: ctx.mint.id("aud"),
        shop_id: actor.shop_id.clone(),
        at_ms: ctx.now_ms(),
        staff_id: actor.staff_id.clone(),
        name: actor.name.clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: "{}".to_owned(),
        outcome: Outcome::Done,
    }
}

fn insert(tx: &mut dyn Tx, member: &Member) -> Result<(), Problem> {
    if store::find_by_login(tx, &member.login)?.is_some() {
        return Err(Problem::LoginTaken);
    }
    Ok(store::insert_member(tx, member)?)
}

/// Somebody more; comes in by [`invite_url`].
pub async fn add(ctx: &Ctx, shop_id: &str, new: NewMember) -> Result<Member, Problem> {
    let member = new.check()?.into_member(ctx, shop_id);
    let row = member.clone();
    ctx.db.write(move |tx| insert(tx, &row)).await.map(|()| member)
}

/// A link by which this person sets a password: once, for three days.
pub fn invite_url(ctx: &Ctx, member: &Member) -> String {
    let until_ms = ctx.now_ms() + INVITED_MS;
    let signature = sign_invitation(ctx, member, until_ms);
    format!("{}/admin/invite/{}/{until_ms}/{signature}", ctx.public_url, member.id)
}

/// It names the password that it replaces: once used, it is over.
fn sign_invitation(ctx: &Ctx, member: &Member, until_ms: i64) -> String {
    let before = member.password.as_deref().unwrap_or("");
    ctx.vault.sign(&[INVITE, &member.id, &until_ms.to_string(), before])
}

/// Whom an invitation is for.
pub async fn find_invited(
    ctx: &Ctx,
    (id, until_ms, signature): (&str, i64, &str),
) -> Result<Option<Member>, DbError> {
    let id = id.to_owned();
    let found: Result<Option<Member>, DbError> =
        ctx.db.read(move |tx| store::find_member(tx, &id)).await;
    let now_ms = ctx.now_ms();
    Ok(found?.filter(|member| {
        let before = member.password.as_deref().unwrap_or("");
        let parts = [INVITE, &member.id, &until_ms.to_string(), before];
        until_ms > now_ms && member.disabled_ms.is_none() && ctx.vault.is_signed(&parts, signature)
    }))
}

/// Sets the password by an invitation. Whoever was in with the old one is out; the authenticator
/// stays, so a stolen link alone lets nobody in.
pub async fn accept(
    ctx: &Ctx,
    link: (&str, i64, &str),
    password: String,
) -> Result<(String, bool), Problem> {
    let member = find_invited(ctx, link).await?.ok_or(Problem::LinkOver)?;
    if let Some(weakness) = find_weakness(&password, &member.login) {
        return Err(Problem::Weak(weakness));
    }
    let hashed = hash(ctx, password).await?;
    let is_half = member.totp.is_some();
    let (session, token) = new_session(ctx, &member.id, is_half);
    let change = done(ctx, &Actor::of(&member), "staff.accept", &member.id);
    ctx.db
        .write(move |tx| {
            let now = store::lock_member(tx, &member.id)?.ok_or(Problem::LinkOver)?;
            if now.password != member.password || now.disabled_ms.is_some() {
                return Err(Problem::LinkOver);
            }
            save_password(tx, now, hashed, None)?;
            store::insert_change(tx, &change)?;
            Ok(store::insert_session(tx, &session)?)
        })
        .await
        .map(|()| (token, is_half))
}

fn save_password(
    tx: &mut dyn Tx,
    member: Member,
    hashed: String,
    but: Option<&str>,
) -> Result<(), DbError> {
    store::delete_sessions(tx, &member.id, but)?;
    store::update_member(tx, &Member { password: Some(hashed), ..member })
}

async fn confirm_password(ctx: &Ctx, member: &Member, typed: String) -> Result<(), Problem> {
    count_own(ctx, member).await?;
    if !is_right(ctx, typed, member.password.clone()).await? {
        return Err(Problem::Wrong);
    }
    Ok(forgive_own(ctx, member).await?)
}

/// One's own password, with the old one. Other browsers are out.
pub async fn change_password(
    ctx: &Ctx,
    member: &Member,
    session: &Session,
    (old, new): (String, String),
) -> Result<(), Problem> {
    if let Some(weakness) = find_weakness(&new, &member.login) {
        return Err(Problem::Weak(weakness));
    }
    confirm_password(ctx, member, old).await?;
    let hashed = hash(ctx, new).await?;
    let (id, own) = (member.id.clone(), session.id.clone());
    ctx.db
        .write(move |tx| {
            let member = store::lock_member(tx, &id)?.ok_or(Problem::NoSuchMember)?;
            Ok(save_password(tx, member, hashed, Some(&own))?)
        })
        .await
}

/// Changes somebody of the shop, but never so that no owner is left.
pub async fn update(
    ctx: &Ctx,
    (shop_id, id): (&str, &str),
    change: impl FnOnce(&mut Member) + Send + 'static,
) -> Result<Member, Problem> {
    let (shop_id, id) = (shop_id.to_owned(), id.to_owned());
    ctx.db
        .write(move |tx| {
            store::lock_shop(tx, &shop_id)?;
            let found = store::lock_member(tx, &id)?.filter(|it| it.shop_id == shop_id);
            let mut member = found.ok_or(Problem::NoSuchMember)?;
            let before = (member.role, member.disabled_ms);
            change(&mut member);
            let leads = |it: &Member| it.role == Role::Owner && it.disabled_ms.is_none();
            let others = store::list_members(tx, &shop_id)?;
            let has_other =
                others.iter().any(|it| it.id != member.id && leads(it) && it.password.is_some());
            if !leads(&member) && before.0 == Role::Owner && !has_other {
                return Err(Problem::LastOwner);
            }
            // Another role or none: the browsers that are in are let in anew.
            if before != (member.role, member.disabled_ms) {
                store::delete_sessions(tx, &member.id, None)?;
            }
            store::update_member(tx, &member)?;
            Ok(member)
        })
        .await
}

/// A new secret for an authenticator, which counts once [`confirm_totp`] heard a code of it.
pub async fn begin_totp(ctx: &Ctx, member: &Member) -> Result<Vec<u8>, Problem> {
    // One that is there is taken away with the password first.
    if member.totp.is_some() {
        return Err(Problem::Wrong);
    }
    let secret: [u8; totp::SECRET_LEN] = ctx.mint.bytes();
    let sealed = ctx.vault.seal(ctx.mint.bytes(), &secret, &format!("{TOTP}/{}", member.id))?;
    let whose = (member.shop_id.as_str(), member.id.as_str());
    update(ctx, whose, |member| member.totp_next = Some(sealed)).await?;
    Ok(secret.to_vec())
}

pub async fn confirm_totp(ctx: &Ctx, member: &Member, code: &str) -> Result<(), Problem> {
    let next = member.totp_next.clone().filter(|_| member.totp.is_none());
    let Some(sealed) = next else { return Err(Problem::Wrong) };
    let secret = open_secret(ctx, member, &sealed)?;
    let step = totp::find_step(&secret, code, ctx.now_ms(), 0).ok_or(Problem::Wrong)?;
    let whose = (member.shop_id.as_str(), member.id.as_str());
    update(ctx, whose, move |member| {
        member.totp = Some(sealed);
        member.totp_next = None;
        member.totp_step = step;
    })
    .await
    .map(|_| ())
}

/// One's own authenticator is taken away with the password.
pub async fn drop_totp(ctx: &Ctx, member: &Member, typed: String) -> Result<(), Problem> {
    confirm_password(ctx, member, typed).await?;
    let whose = (member.shop_id.as_str(), member.id.as_str());
    update(ctx, whose, |member| member.totp = None).await.map(|_| ())
}
