//! The notice that a charge waits for until a webhook took it. One that nobody takes holds the
//! charge up for ever: that is told, and written down for a person, once for each charge.

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
        state::State,
        steps::Notice,
        store,
    },
    todos::{self, Kind, NewTodo, Why},
};

/// The boundary that the notice is of.
const fn boundary_ms(own: &Subscription) -> Option<i64> {
    match own.state {
        State::Active { until_ms, .. } | State::Trialing { until_ms, .. } => Some(until_ms),
        State::Pending { .. }
        | State::PastDue { .. }
        | State::Paused { .. }
        | State::Canceled { .. }
        | State::Expired => None,
    }
}

/// The newest notice, and whether the shop knows that nobody takes it.
pub fn find(tx: &mut dyn Tx, own: &Subscription, rules: &Rules) -> Result<Option<Notice>, DbError> {
    let found = store::find_notice(tx, &own.id)?;
    let (Some(notice), Some(at_ms)) = (found, boundary_ms(own)) else { return Ok(found) };
    if rules.notice_first != NoticeFirst::Delivered || notice.delivered_ms.is_some() {
        return Ok(Some(notice));
    }
    let about = at_ms.to_string();
    let known = todos::find(tx, (Kind::NoticeUndelivered, &own.id, &about))?;
    Ok(Some(Notice { is_alarmed: known.is_some(), ..notice }))
}

/// Nobody takes it: the shop has to mend its receiver, or to charge without.
pub fn alarm(tx: &mut dyn Tx, ctx: &Ctx, own: &mut Subscription) -> Result<(), Problem> {
    let Some(at_ms) = boundary_ms(own) else { return Ok(()) };
    let why = Why {
        code: "notice_undelivered".to_owned(),
        message: "Neither a webhook nor a letter took the notice that the next charge waits for"
            .to_owned(),
        hint: "Mend the receiver of subscription.renewal_upcoming, or charge without it".to_owned(),
    };
    let new = NewTodo {
        id: ctx.mint.id("todo"),
        shop_id: &own.shop_id,
        kind: Kind::NoticeUndelivered,
        subject_id: &own.id,
        about: &at_ms.to_string(),
        why: &why,
        at_ms: ctx.now_ms(),
    };
    if todos::raise(tx, &new)? {
        store::update_subscription(tx, own)?;
        announce(tx, ctx, own, EventKind::SubscriptionNoticeUndelivered)?;
    }
    Ok(())
}

/// The charge goes on: nobody has to look any more.
pub fn settle(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    own: &Subscription,
    rules: &Rules,
) -> Result<(), DbError> {
    let (Some(at_ms), true) = (boundary_ms(own), rules.notice_first != NoticeFirst::No) else {
        return Ok(());
    };
    let about = at_ms.to_string();
    let of = (Kind::NoticeUndelivered, own.id.as_str(), about.as_str());
    todos::settle(tx, of, (ctx.now_ms(), todos::BY_ITSELF)).map(|_| ())
}
