//! What portals send: believed or not, saved, answered for at once.

use kopeck_integrations::{
    Integration as _,
    bitrix24::{
        Bitrix24,
        inbound::{self, Event, Form},
        settings::LINK_STAGES,
    },
};

use super::{
    drive::JOB,
    install,
    model::{Errand, State, What},
    store::{
        errands::{insert_errand, repeat_errand},
        find_checkout,
    },
};
use crate::{
    events::{EventKind, StoredEvent},
    integrations::{flow::open_settings, model::Linked, store},
    kit::{
        Ctx,
        clock::HOUR_MS,
        db::{DbError, Tx},
        jobs,
        secret::hash_bytes,
    },
};

/// What became of something that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Done,
    /// Not from the portal that we are connected to.
    Forged,
    /// There is no such integration.
    Nobody,
}

fn wrong(error: &anyhow::Error) -> DbError {
    DbError::Decode(format!("bitrix24: {error:#}"))
}

/// The integration, locked, if the portal that it belongs to sent this.
fn believe(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    id: &str,
    form: &Form,
) -> Result<Result<Linked, Heard>, DbError> {
    let found = store::lock_integration(tx, id)?;
    let Some(linked) = found.filter(|it| it.service == Bitrix24.name()) else {
        return Ok(Err(Heard::Nobody));
    };
    let settings = open_settings(ctx, &linked).map_err(|error| wrong(&error))?;
    Ok(if inbound::is_genuine(&settings, form) { Ok(linked) } else { Err(Heard::Forged) })
}

/// Whether it is worth a transaction that writes: whoever floods us with forged events holds up
/// nobody who does.
pub fn check(tx: &mut dyn Tx, ctx: &Ctx, id: &str, form: &Form) -> Result<Heard, DbError> {
    let found = store::find_any_integration(tx, id)?;
    let is_ours = |it: &Linked| it.service == Bitrix24.name() && it.removed_ms.is_none();
    let Some(linked) = found.filter(is_ours) else { return Ok(Heard::Nobody) };
    let settings = open_settings(ctx, &linked).map_err(|error| wrong(&error))?;
    let is_genuine = inbound::is_genuine(&settings, form);
    Ok(if is_genuine { Heard::Done } else { Heard::Forged })
}

fn errand(ctx: &Ctx, integration_id: &str, word: String, what: What) -> Errand {
    Errand {
        id: ctx.mint.id("err"),
        integration_id: integration_id.to_owned(),
        word,
        what,
        state: State::Pending,
        tries: 0,
        due_ms: ctx.now_ms(),
        code: None,
        why: None,
        payment_id: None,
        begun_ms: ctx.now_ms(),
        created_ms: ctx.now_ms(),
        ended_ms: None,
    }
}

/// An event of the portal. Nothing is taken from it but a deal's number; the deal is read later.
pub fn hear(tx: &mut dyn Tx, ctx: &Ctx, id: &str, form: &Form) -> Result<Heard, DbError> {
    let linked = match believe(tx, ctx, id, form)? {
        Ok(linked) => linked,
        Err(heard) => return Ok(heard),
    };
    match inbound::event(form) {
        Event::Deal { id: deal_id } => {
            let settings = open_settings(ctx, &linked).map_err(|error| wrong(&error))?;
            // Most events are our own changes, or of deals that nobody wants links for.
            if settings.find(LINK_STAGES).is_some() {
                look_at(tx, ctx, id, deal_id)?;
            }
        }
        Event::Uninstalled => {
            install::uninstall(tx, ctx, linked).map_err(|error| wrong(&error))?;
        }
        Event::DealDeleted { .. } | Event::Other => {}
    }
    Ok(Heard::Done)
}

/// A deal may want a link: once more, whatever was asked before.
pub fn look_at(tx: &mut dyn Tx, ctx: &Ctx, id: &str, deal_id: i64) -> Result<(), DbError> {
    let what = What::Deal { id: deal_id };
    repeat_errand(tx, &errand(ctx, id, format!("deal {deal_id}"), what))?;
    jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())
}

/// The connection may be mended: what waits for it is done now, and not at the next look.
pub fn wake(tx: &mut dyn Tx, ctx: &Ctx, linked: &Linked) -> Result<(), DbError> {
    if linked.service != Bitrix24.name() {
        return Ok(());
    }
    jobs::nudge(tx, &ctx.mint, JOB, &linked.id, ctx.now_ms())
}

/// An installation whose portal was busy: registered when it is not.
pub fn ask_to_register(tx: &mut dyn Tx, ctx: &Ctx, id: &str) -> Result<(), DbError> {
    repeat_errand(tx, &errand(ctx, id, "register".to_owned(), What::Register))?;
    jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())
}

/// Tokens that came and nobody vouches for yet: looked at when the portal answers.
pub const PROVE: &str = "prove";

pub fn ask_to_prove(tx: &mut dyn Tx, ctx: &Ctx, id: &str) -> Result<(), DbError> {
    repeat_errand(tx, &errand(ctx, id, PROVE.to_owned(), What::Prove))?;
    jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())
}

/// A run of the robot; the same run twice is one.
pub fn hear_robot(tx: &mut dyn Tx, ctx: &Ctx, id: &str, form: &Form) -> Result<Heard, DbError> {
    if let Err(heard) = believe(tx, ctx, id, form)? {
        return Ok(heard);
    }
    let Some(run) = inbound::robot(form) else { return Ok(Heard::Forged) };
    let word = format!("robot {}", hash_bytes(run.event_token.as_bytes()));
    let what = What::Robot {
        deal_id: run.deal_id,
        event_token: run.event_token,
        properties: run.properties,
    };
    insert_errand(tx, &errand(ctx, id, word, what))?;
    jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms())?;
    Ok(Heard::Done)
}

/// What of an event of ours a portal has to hear besides what its deals do: its own payment is
/// paid. And a reason to look for what was lost, by and by.
pub fn spread(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    linked: &Linked,
    event: &StoredEvent,
) -> Result<(), DbError> {
    if linked.service != Bitrix24.name() || event.is_of_subscription() {
        return Ok(());
    }
    let id = linked.id.as_str();
    if event.kind == EventKind::PaymentPaid.as_str() {
        let found = find_checkout(tx, &event.subject_id)?;
        if let Some(checkout) = found.filter(|it| it.integration_id == linked.id) {
            let what = What::Paid {
                portal_payment_id: checkout.portal_payment_id,
                pay_system_id: checkout.pay_system_id,
            };
            let word = format!("paid {}", event.subject_id);
            let payment_id = Some(event.subject_id.clone());
            insert_errand(tx, &Errand { payment_id, ..errand(ctx, id, word, what) })?;
            return jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms());
        }
    }
    jobs::nudge(tx, &ctx.mint, JOB, id, ctx.now_ms() + HOUR_MS)
}
