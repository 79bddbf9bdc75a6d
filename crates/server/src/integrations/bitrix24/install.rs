//! An installation: believed, kept, and everything registered at the portal; and its end.

use kopeck_banks::exchange::Silence;
use kopeck_integrations::{
    Broken, Integration as _, Renewal, Settings,
    bitrix24::{
        Bitrix24,
        inbound::{self, Form},
        problems,
        settings::{
            ACCESS_TOKEN, APP_TRIGGERS, APPLICATION_TOKEN, CLIENT_ID, CLIENT_SECRET, LINK_FIELD,
            MEMBER_ID, PAID_AT_FIELD, REFRESH_TOKEN, STATUS_FIELD, WEBHOOK_URL,
        },
        setup::{self, Addresses, OWN_FIELDS, Registered, There},
    },
};

use super::{
    drive::JOB,
    flow::{ask_to_prove, ask_to_register},
    model::App,
    portal::{self, As, Trouble},
    store::{errands::drop_errands, find_app, save_app},
};
use crate::{
    integrations::{
        alarm,
        drive::stop,
        flow::{self, open_settings},
        model::{Linked, REPLY_MAX_BYTES},
        pace::{self, Room},
        renewal::put,
        store,
    },
    kit::{
        Ctx,
        clock::SECOND_MS,
        db::{DbError, Tx},
        jobs,
        secret::hash_bytes,
    },
};

/// Who posts an installation is not known before Bitrix24's server was asked, so nobody may have it
/// asked often.
const EXCHANGE_GAP_MS: i64 = 2 * SECOND_MS;
const CHECKOUT: &str = "bitrix24 checkout";

/// Where the portal of this integration reaches us.
pub fn addresses(ctx: &Ctx, integration_id: &str) -> Addresses {
    let base = format!("{}/bitrix24/{integration_id}", ctx.public_url);
    let secret = ctx.vault.sign(&[CHECKOUT, integration_id]);
    Addresses { checkout: format!("{base}/checkout/{secret}"), base }
}

/// Whether it is the address of the checkout that we registered.
pub fn is_checkout(ctx: &Ctx, integration_id: &str, secret: &str) -> bool {
    ctx.vault.is_signed(&[CHECKOUT, integration_id], secret)
}

/// Takes an installation, or the same again, and registers everything; what the portal refused
/// stands beside.
pub async fn install(ctx: &Ctx, id: &str, form: &Form) -> Result<Vec<Registered>, Trouble> {
    let linked = portal::find(ctx, id).await?;
    let linked = linked.ok_or_else(|| Broken::of(&problems::SETTINGS_MISSING))?;
    let given = inbound::install(form).ok_or_else(|| Broken::of(&problems::INSTALL_FORGED))?;
    let settings = open_settings(ctx, &linked)?;
    if settings.find(CLIENT_ID).is_none() || settings.find(CLIENT_SECRET).is_none() {
        return Err(Broken::of(&problems::NO_CLIENT).into());
    }
    take_turn(ctx, id).await?;
    let word = posted_word(&given);
    let app = app_of(ctx, id).await?;
    let is_same_page = app.posted.as_deref() == Some(word.as_str());
    if is_same_page && app.unproven.is_none() {
        // Its tokens were exchanged and are kept: exchanged again they would be nobody's.
        return register_again(ctx, id).await;
    }
    if !is_same_page {
        let values = exchange(ctx, settings, &given).await?;
        let scopes = form.find("APPLICATION_SCOPE").map(str::to_owned);
        keep_unproven(ctx, id, (&values, word, scopes)).await?;
    }
    prove(ctx, id).await
}

/// By what a page is known when it comes again: its refresh token, which is good once.
fn posted_word(given: &[(&'static str, String)]) -> String {
    let token = given.iter().find(|(name, _)| *name == REFRESH_TOKEN);
    hash_bytes(token.map_or("", |(_, token)| token.as_str()).as_bytes())
}

/// Nobody may have Bitrix24's server, or the portal, asked often.
async fn take_turn(ctx: &Ctx, id: &str) -> Result<(), Trouble> {
    let (word, now_ms) = (format!("bitrix24 exchange {id}"), ctx.now_ms());
    let turn: Result<Option<i64>, DbError> =
        ctx.db.write(move |tx| pace::take(tx, &word, (EXCHANGE_GAP_MS, Room::Some), now_ms)).await;
    match turn? {
        None => Ok(()),
        Some(at_ms) => {
            Err(Trouble::Later { after_ms: u64::try_from(at_ms - now_ms).unwrap_or_default() })
        }
    }
}

async fn app_of(ctx: &Ctx, id: &str) -> Result<App, DbError> {
    let (id, now_ms) = (id.to_owned(), ctx.now_ms());
    ctx.db.read(move |tx| Ok(find_app(tx, &id)?.unwrap_or_else(|| App::new(&id, now_ms)))).await
}

fn unproven_context(id: &str) -> String {
    format!("{id}/unproven")
}

type Values = Vec<(String, String)>;

/// The exchange used up the page's own tokens: what it gave is kept before anything else is asked.
async fn keep_unproven(
    ctx: &Ctx,
    id: &str,
    (values, word, scopes): (&[(&'static str, String)], String, Option<String>),
) -> Result<(), Trouble> {
    let plain = serde_json::to_vec(values).map_err(anyhow::Error::from)?;
    let sealed = ctx.vault.seal(ctx.mint.bytes(), &plain, &unproven_context(id))?;
    change_app(ctx, id, move |app| App {
        unproven: Some(sealed),
        posted: Some(word),
        scopes,
        ..app
    })
    .await
}

async fn change_app(
    ctx: &Ctx,
    id: &str,
    change: impl FnOnce(App) -> App + Send + 'static,
) -> Result<(), Trouble> {
    let (id, now_ms) = (id.to_owned(), ctx.now_ms());
    let saved: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            let app = find_app(tx, &id)?.unwrap_or_else(|| App::new(&id, now_ms));
            save_app(tx, &change(app))
        })
        .await;
    Ok(saved?)
}

/// Who installs is found out, and the tokens are believed or forgotten; then everything is
/// registered. What the portal does not answer now is asked when nobody waits for it.
async fn prove(ctx: &Ctx, id: &str) -> Result<Vec<Registered>, Trouble> {
    let (there, values) = match vouch(ctx, id).await {
        Ok(found) => found,
        Err(trouble @ Trouble::Broken(_)) => {
            change_app(ctx, id, |app| App { unproven: None, posted: None, ..app }).await?;
            return Err(trouble);
        }
        Err(trouble) => {
            later(ctx, id, ask_to_prove).await?;
            return Err(trouble);
        }
    };
    let (inner, subject) = (ctx.clone(), id.to_owned());
    let saved: Result<(), Trouble> =
        ctx.db.write(move |tx| save(tx, &inner, &subject, &values)).await;
    saved?;
    match register(ctx, id, &there).await {
        // The tokens are here: the rest is tried again when nobody waits for it.
        Err(trouble @ (Trouble::Later { .. } | Trouble::Unclear(_) | Trouble::Internal(_))) => {
            later(ctx, id, ask_to_register).await?;
            Err(trouble)
        }
        done => done,
    }
}

/// The same when nobody is at the page. Nothing to prove is no error.
pub async fn prove_again(ctx: &Ctx, id: &str) -> Result<(), Trouble> {
    if app_of(ctx, id).await?.unproven.is_none() {
        return Ok(());
    }
    prove(ctx, id).await.map(|_| ())
}

async fn later(
    ctx: &Ctx,
    id: &str,
    ask: fn(&mut dyn Tx, &Ctx, &str) -> Result<(), DbError>,
) -> Result<(), DbError> {
    let (inner, subject) = (ctx.clone(), id.to_owned());
    ctx.db.write(move |tx| ask(tx, &inner, &subject)).await
}

/// The tokens that wait, and the administrator who is behind them.
async fn vouch(ctx: &Ctx, id: &str) -> Result<(There, Values), Trouble> {
    let forged = || Broken::of(&problems::INSTALL_FORGED);
    let sealed = app_of(ctx, id).await?.unproven.ok_or_else(forged)?;
    let plain = ctx.vault.open(&sealed, &unproven_context(id))?;
    let values: Values = serde_json::from_slice(&plain).map_err(anyhow::Error::from)?;
    let linked = portal::find(ctx, id).await?.ok_or_else(forged)?;
    let mut fresh = open_settings(ctx, &linked)?;
    for (name, value) in &values {
        fresh.set(name, value.clone());
    }
    Ok((who_installs(ctx, &fresh).await?, values))
}

/// Bitrix24's own server knows the refresh token and that it is our application's: what is posted
/// here proves nothing by itself. Its answer, not the post, says who the portal is.
async fn exchange(
    ctx: &Ctx,
    mut settings: Settings,
    given: &[(&'static str, String)],
) -> Result<Vec<(&'static str, String)>, Trouble> {
    let posted = |wanted: &str| {
        let found = given.iter().find(|(name, _)| *name == wanted);
        found.map_or(String::new(), |(_, value)| value.clone())
    };
    settings.set(REFRESH_TOKEN, posted(REFRESH_TOKEN));
    let request = Bitrix24.renewal(&settings);
    let request = request.ok_or_else(|| Broken::of(&problems::INSTALL_FORGED))?;
    let renewal = match ctx.courier.fetch(request, REPLY_MAX_BYTES).await {
        Ok(reply) => Bitrix24.read_renewal(&reply),
        Err(Silence::NotSent(why) | Silence::Lost(why)) => return Err(Trouble::Unclear(why)),
    };
    let forged = |why: &str| Broken::of(&problems::INSTALL_FORGED).because(why);
    let mut values = match renewal {
        Renewal::Changed(values) => values,
        Renewal::Retry { why } => return Err(Trouble::Unclear(why)),
        Renewal::Broken(broken) if broken.problem == &problems::PLAN => return Err(broken.into()),
        Renewal::Broken(broken) => return Err(forged(&broken.detail).into()),
    };
    let member = values.iter().find(|(name, _)| *name == MEMBER_ID);
    if member.is_none_or(|(_, member)| *member != posted(MEMBER_ID)) {
        return Err(forged("member_id").into());
    }
    values.push((APPLICATION_TOKEN, posted(APPLICATION_TOKEN)));
    Ok(values)
}

/// The employee behind the tokens, who must be an administrator.
async fn who_installs(ctx: &Ctx, fresh: &Settings) -> Result<There, Trouble> {
    let request = setup::look(fresh)?;
    let reply = match ctx.courier.fetch(request, REPLY_MAX_BYTES).await {
        Ok(reply) => reply,
        Err(Silence::NotSent(why) | Silence::Lost(why)) => return Err(Trouble::Unclear(why)),
    };
    let there = setup::read_look(&reply).map_err(portal::trouble)?;
    if there.is_admin { Ok(there) } else { Err(Broken::of(&problems::NOT_ADMIN).into()) }
}

/// Keeps the tokens; what was stopped goes on.
fn save(tx: &mut dyn Tx, ctx: &Ctx, id: &str, values: &[(String, String)]) -> Result<(), Trouble> {
    let Some(mut linked) = store::lock_integration(tx, id)? else { return Ok(()) };
    put(ctx, &mut linked, values)?;
    linked.stopped = None;
    store::update_integration(tx, &linked)?;
    alarm::settle(tx, ctx, &linked)?;
    let now_ms = ctx.now_ms();
    let app = find_app(tx, id)?.unwrap_or_else(|| App::new(id, now_ms));
    let (installed_ms, registered) = (Some(now_ms), Vec::new());
    save_app(tx, &App { installed_ms, uninstalled_ms: None, registered, unproven: None, ..app })?;
    jobs::nudge(tx, &ctx.mint, flow::JOB, id, now_ms)?;
    Ok(jobs::nudge(tx, &ctx.mint, JOB, id, now_ms)?)
}

/// Makes everything at the portal as it should be; says what the portal refused.
pub async fn register(ctx: &Ctx, id: &str, there: &There) -> Result<Vec<Registered>, Trouble> {
    let to = addresses(ctx, id);
    let settings = match portal::find(ctx, id).await? {
        Some(linked) => open_settings(ctx, &linked)?,
        None => return Err(Broken::of(&problems::SETTINGS_MISSING).into()),
    };
    let plan = setup::register(&settings, &to, there)?;
    let make = |settings: &Settings| Ok(setup::register(settings, &to, there)?.request);
    let all = portal::call(ctx, id, As::App, make, |reply| plan.read(reply)).await?;
    let (inner, subject, told) = (ctx.clone(), id.to_owned(), all.clone());
    let saved: Result<(), Trouble> =
        ctx.db.write(move |tx| save_registered(tx, &inner, &subject, &told)).await;
    saved?;
    Ok(all)
}

/// The same when nobody is at the page, or once more.
pub async fn register_again(ctx: &Ctx, id: &str) -> Result<Vec<Registered>, Trouble> {
    let there = portal::call(ctx, id, As::App, setup::look, setup::read_look).await?;
    if !there.is_admin {
        return Err(Broken::of(&problems::NOT_ADMIN).into());
    }
    register(ctx, id, &there).await
}

fn save_registered(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    id: &str,
    all: &[Registered],
) -> Result<(), Trouble> {
    let Some(mut linked) = store::lock_integration(tx, id)? else { return Ok(()) };
    let settings = open_settings(ctx, &linked)?;
    let is_there = |part: &str| {
        let mut found = all.iter().filter(|one| one.title.starts_with(part)).peekable();
        found.peek().is_some() && found.all(|one| one.refused.is_none())
    };
    let mut values = vec![(APP_TRIGGERS, if is_there("Триггер") { "yes" } else { "no" })];
    if is_there("Поле") {
        // Fields that the merchant chose himself stay.
        let own = [LINK_FIELD, STATUS_FIELD, PAID_AT_FIELD].into_iter().zip(OWN_FIELDS);
        values.extend(own.filter(|(name, _)| settings.find(name).is_none()));
    }
    let values: Vec<(&str, String)> =
        values.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    put(ctx, &mut linked, &values)?;
    store::update_integration(tx, &linked)?;
    if let Some(app) = find_app(tx, id)? {
        let told = |one: &Registered| (one.title.to_owned(), one.refused.clone());
        save_app(tx, &App { registered: all.iter().map(told).collect(), ..app })?;
    }
    Ok(())
}

/// The application was removed from the portal: its tokens are worth nothing and are forgotten.
pub fn uninstall(tx: &mut dyn Tx, ctx: &Ctx, mut linked: Linked) -> anyhow::Result<()> {
    let (id, now_ms) = (linked.id.clone(), ctx.now_ms());
    let gone = [ACCESS_TOKEN, REFRESH_TOKEN, APPLICATION_TOKEN, APP_TRIGGERS];
    put(ctx, &mut linked, &gone.map(|name| (name, String::new())))?;
    let has_webhook = open_settings(ctx, &linked)?.find(WEBHOOK_URL).is_some();
    if !has_webhook {
        stop(tx, ctx, &mut linked, &Broken::of(&problems::UNINSTALLED))?;
    }
    store::update_integration(tx, &linked)?;
    drop_errands(tx, &id, (problems::UNINSTALLED.code, now_ms))?;
    if let Some(app) = find_app(tx, &id)? {
        let app = App { uninstalled_ms: Some(now_ms), registered: Vec::new(), ..app };
        save_app(tx, &App { unproven: None, posted: None, scopes: None, ..app })?;
    }
    Ok(())
}
