//! What becomes of an errand: done, tried again for a day, or given up, and then never in silence.
//! A person is told what a portal still waits for, and has it tried anew.

use kopeck_integrations::{Broken, Scope, bitrix24::problems};

use super::{
    model::{Errand, State, What},
    portal::Trouble,
    store::errands::update_errand,
    view::ErrandView,
};
use crate::{
    events::{EventKind, NewEvent, insert_event},
    http::{ApiError, codes},
    integrations::{
        drive::stop,
        flow::open_settings,
        model::Linked,
        problem::error_of,
        schedule,
        store::{lock_integration, update_integration},
        view::IntegrationView,
    },
    kit::{
        Ctx,
        clock::HOUR_MS,
        db::{DbError, Tx},
        secret::mask_text,
    },
    todos::{self, Kind, NewTodo, Why},
};

/// Why an errand is not done.
pub enum Failed {
    /// Not now.
    Trouble(Trouble),
    /// Not at all, for what was asked for; why, for whoever asked.
    Never(String),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Failed {
        Failed::Trouble(trouble)
    }
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Failed {
        Failed::Trouble(error.into())
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Failed {
        Failed::Trouble(error.into())
    }
}

impl From<Broken> for Failed {
    fn from(broken: Broken) -> Failed {
        Failed::Trouble(broken.into())
    }
}

/// A failure of ours passes; what the merchant asked for wrongly does not.
pub fn failed(error: &ApiError) -> Failed {
    // A bank that is connected later, a shop that asks too fast: it passes as well.
    let passes = error.status == 429 || error.code == codes::BANK_NOT_CONNECTED.code;
    if error.status >= 500 || passes {
        return Failed::Trouble(Trouble::Unclear(error.message.clone()));
    }
    Failed::Never(format!("{}: {}", error.code, error.message))
}

/// Writes down what became of the errand; says when to come again.
pub fn settle(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    id: &str,
    mut errand: Errand,
    done: Result<(), Failed>,
) -> Result<i64, DbError> {
    let (now_ms, was_due_ms) = (ctx.now_ms(), errand.due_ms);
    let found = lock_integration(tx, id)?.filter(|linked| linked.removed_ms.is_none());
    let Some(mut linked) = found else { return Ok(now_ms) };
    let mut alarm = None;
    match done {
        Ok(()) => end(&mut errand, State::Done, (None, None), now_ms),
        Err(Failed::Never(why)) => {
            // Whoever asked was told, or sees it on the application's page.
            end(&mut errand, State::Failed, (None, Some(why)), now_ms);
        }
        Err(Failed::Trouble(Trouble::Later { after_ms })) => {
            let next = schedule::next_try(errand.begun_ms, errand.tries, Some(after_ms), now_ms, 0);
            alarm = again(&mut errand, next, None, now_ms);
        }
        Err(Failed::Trouble(Trouble::Broken(broken))) if broken.scope() == Scope::Account => {
            // It waits until the account is mended, however long that takes.
            stop(tx, ctx, &mut linked, &broken)?;
            update_integration(tx, &linked)?;
            errand.due_ms = now_ms + HOUR_MS;
            errand.begun_ms = now_ms;
        }
        Err(Failed::Trouble(Trouble::Broken(broken))) => {
            let why = Some(broken.detail.clone()).filter(|why| !why.is_empty());
            end(&mut errand, State::Failed, (Some(broken.code()), why), now_ms);
            // Money that came and that the portal does not take for its order.
            alarm = matches!(errand.what, What::Paid { .. }).then_some(broken);
        }
        Err(Failed::Trouble(Trouble::Unclear(why))) => alarm = later(ctx, &mut errand, &why),
        Err(Failed::Trouble(Trouble::Internal(error))) => {
            tracing::error!(integration_id = id, "an errand failed: {error:#}");
            alarm = later(ctx, &mut errand, "a failure of Kopeck's own");
        }
    }
    if !update_errand(tx, &errand, was_due_ms)? {
        return Ok(now_ms);
    }
    if let Some(broken) = alarm {
        tell(tx, ctx, &linked, &errand, &broken)?;
    } else if errand.state == State::Done {
        todos::settle(tx, subject(&errand), (now_ms, todos::BY_ITSELF))?;
    }
    // The pace itself is kept by the portal's bucket.
    Ok(now_ms)
}

type Reason<'a> = (Option<&'a str>, Option<String>);

fn end(errand: &mut Errand, state: State, (code, why): Reason<'_>, now_ms: i64) {
    errand.state = state;
    errand.code = code.map(str::to_owned);
    errand.why = why.map(|why| mask_text(&why));
    errand.ended_ms = Some(now_ms);
}

fn later(ctx: &Ctx, errand: &mut Errand, why: &str) -> Option<Broken> {
    errand.tries += 1;
    let chance = u64::from_le_bytes(ctx.mint.bytes());
    let now_ms = ctx.now_ms();
    let next = schedule::next_try(errand.begun_ms, errand.tries, None, now_ms, chance);
    again(errand, next, Some(why), now_ms)
}

/// Its next try; after a day it is given up, which is worth an alarm.
fn again(errand: &mut Errand, next: Option<i64>, why: Option<&str>, now_ms: i64) -> Option<Broken> {
    if let Some(why) = why {
        errand.why = Some(mask_text(why));
    }
    if let Some(due_ms) = next {
        errand.due_ms = due_ms;
        return None;
    }
    let why = errand.why.clone();
    end(errand, State::Failed, (Some(problems::GAVE_UP.code), why.clone()), now_ms);
    Some(Broken::of(&problems::GAVE_UP).because(&why.unwrap_or_default()))
}

fn subject(errand: &Errand) -> (Kind, &str, &str) {
    (Kind::ErrandGivenUp, &errand.integration_id, &errand.id)
}

/// A person has to look, and the shop's other receivers are told; settled when it is done.
fn tell(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    linked: &Linked,
    errand: &Errand,
    broken: &Broken,
) -> Result<(), DbError> {
    let at_ms = ctx.now_ms();
    let (integration_id, what) = (&linked.id, errand.what.as_str());
    tracing::warn!(integration_id, what, "what a portal waits for is given up");
    let error = error_of(broken, None);
    let why = Why { code: error.code, message: error.message, hint: error.hint };
    let todo = NewTodo {
        id: ctx.mint.id("todo"),
        shop_id: &linked.shop_id,
        kind: Kind::ErrandGivenUp,
        subject_id: &linked.id,
        about: &errand.id,
        why: &why,
        at_ms,
    };
    todos::raise(tx, &todo)?;
    let decode = |error: anyhow::Error| DbError::Decode(format!("{error:#}"));
    let view = IntegrationView::new(linked, &open_settings(ctx, linked).map_err(decode)?);
    let mut body = serde_json::to_value(&view).map_err(|error| decode(error.into()))?;
    let errand_view = serde_json::to_value(ErrandView::new(errand));
    body["errand"] = errand_view.map_err(|error| decode(error.into()))?;
    let event = NewEvent {
        id: ctx.mint.id("ev"),
        shop_id: &linked.shop_id,
        subject_id: &linked.id,
        kind: EventKind::IntegrationGaveUp,
        about: Some(&errand.id),
        at_ms,
        body: &body.to_string(),
    };
    insert_event(tx, &event)?;
    Ok(())
}

/// The integration is gone: nobody can have them done any more.
pub fn forget(tx: &mut dyn Tx, ctx: &Ctx, integration_id: &str) -> Result<(), DbError> {
    let of = (Kind::ErrandGivenUp, integration_id);
    todos::settle_all(tx, of, (ctx.now_ms(), todos::BY_ITSELF)).map(|_| ())
}
