//! An integration whose account is refused: a person has to look, and the shop's other receivers
//! are told; settled by the first good answer.

use kopeck_integrations::Broken;

use super::{flow::open_settings, model::Linked, problem::error_of, view::IntegrationView};
use crate::{
    events::{EventKind, NewEvent, insert_event},
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    todos::{self, Kind, NewTodo, Why},
};

/// It has stopped at this moment: told once for each time.
pub fn raise(tx: &mut dyn Tx, ctx: &Ctx, linked: &Linked, broken: &Broken) -> Result<(), DbError> {
    let at_ms = ctx.now_ms();
    // Of an earlier stop nothing is left to do but what this one asks for.
    todos::settle_all(tx, subject(linked), (at_ms, todos::BY_ITSELF))?;
    let error = error_of(broken, None);
    let why = Why { code: error.code, message: error.message, hint: error.hint };
    let todo = NewTodo {
        id: ctx.mint.id("todo"),
        shop_id: &linked.shop_id,
        kind: Kind::IntegrationStopped,
        subject_id: &linked.id,
        about: &at_ms.to_string(),
        why: &why,
        at_ms,
    };
    todos::raise(tx, &todo)?;
    let decode = |error: anyhow::Error| DbError::Decode(format!("{error:#}"));
    let view = IntegrationView::new(linked, &open_settings(ctx, linked).map_err(decode)?);
    let body = serde_json::to_string(&view).map_err(|error| decode(error.into()))?;
    let event = NewEvent {
        id: ctx.mint.id("ev"),
        shop_id: &linked.shop_id,
        subject_id: &linked.id,
        kind: EventKind::IntegrationStopped,
        about: Some(&at_ms.to_string()),
        at_ms,
        body: &body,
    };
    insert_event(tx, &event)?;
    Ok(())
}

/// It works again, or is gone.
pub fn settle(tx: &mut dyn Tx, ctx: &Ctx, linked: &Linked) -> Result<(), DbError> {
    todos::settle_all(tx, subject(linked), (ctx.now_ms(), todos::BY_ITSELF)).map(|_| ())
}

fn subject(linked: &Linked) -> (Kind, &str) {
    (Kind::IntegrationStopped, linked.id.as_str())
}
