//! The notice that a charge waits for until a webhook took it. One that nobody takes holds the
//! charge up: that is told, and written down for a person, once for each notice. Whoever closes it
//! says that the customer was told otherwise; without that word nothing is ever charged.

use super::{Problem, announce};
use crate::{
    events::EventKind,
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    subscriptions::{
        dunning::{NoticeFirst, Rules},
        model::Subscription,
        steps::Notice,
        store,
    },
    todos::{self, Kind, NewTodo, Why},
};

/// The newest notice, whether the shop knows that nobody takes it, and whether it said since that
/// the customer was told.
pub fn find(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    own: &Subscription,
    rules: &Rules,
) -> Result<Option<Notice>, DbError> {
    let found = store::find_notice(tx, &own.id)?;
    let Some(notice) = found.filter(|_| rules.notice_first == NoticeFirst::Delivered) else {
        return Ok(found);
    };
    let about = notice.announced_ms.to_string();
    let Some(todo) = todos::find(tx, (Kind::NoticeUndelivered, &own.id, &about))? else {
        return Ok(Some(notice));
    };
    let is_open = todo.done_ms.is_none();
    if notice.delivered_ms.is_some() {
        // Taken after all.
        if is_open {
            settle(tx, ctx, own)?;
        }
        return Ok(Some(notice));
    }
    let is_said = todo.done_by.is_some_and(|by| by != todos::BY_ITSELF);
    let delivered_ms = todo.done_ms.filter(|_| is_said);
    Ok(Some(Notice { is_alarmed: is_open, delivered_ms, ..notice }))
}

/// Nobody takes it: the shop has to mend its receiver, to tell the customer itself, or to charge
/// without.
pub fn alarm(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    own: &mut Subscription,
    notice: Notice,
) -> Result<(), Problem> {
    let why = Why {
        code: "notice_undelivered".to_owned(),
        message: "Neither a webhook nor a letter took the notice that the next charge waits for"
            .to_owned(),
        hint: "Mend the receiver of subscription.renewal_upcoming; or tell the customer yourself, \
               and close this"
            .to_owned(),
    };
    // What was said of an older notice says nothing of this one.
    settle(tx, ctx, own)?;
    let new = NewTodo {
        id: ctx.mint.id("todo"),
        shop_id: &own.shop_id,
        kind: Kind::NoticeUndelivered,
        subject_id: &own.id,
        about: &notice.announced_ms.to_string(),
        why: &why,
        at_ms: ctx.now_ms(),
    };
    if todos::raise(tx, &new)? {
        store::update_subscription(tx, own)?;
        announce(tx, ctx, own, EventKind::SubscriptionNoticeUndelivered)?;
    }
    Ok(())
}

/// No charge waits for a notice any more, whatever became of it: nobody has to look.
pub fn settle(tx: &mut dyn Tx, ctx: &Ctx, own: &Subscription) -> Result<(), DbError> {
    let of = (Kind::NoticeUndelivered, own.id.as_str());
    todos::settle_all(tx, of, (ctx.now_ms(), todos::BY_ITSELF)).map(|_| ())
}
