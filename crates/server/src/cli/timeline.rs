//! The story of a payment, line by line.

use serde_json::json;

use super::{
    context::World,
    fail::Fail,
    print::{FAINT, GOOD, HINT, STRONG, WARN, moscow, paint, status_style},
};
use crate::{
    app,
    kit::db::DbError,
    payments::{
        model::Payment,
        timeline::{self, TimelineEntry},
    },
};

pub async fn read(world: &World, payment: &Payment) -> Result<Vec<TimelineEntry>, Fail> {
    let (shop_id, id) = (payment.shop_id.clone(), payment.id.clone());
    let entries: Result<_, DbError> =
        world.ctx.db.read(move |tx| timeline::timeline(tx, &shop_id, &id, app::tell)).await;
    Ok(entries?.unwrap_or_default())
}

pub async fn show(world: &World, payment: &Payment, full: bool) -> Result<(), Fail> {
    let entries = read(world, payment).await?;
    let shown = json!({ "payment_id": payment.id, "timeline": entries });
    world.out.show(&shown, || text(payment, &entries, full))
}

pub fn text(payment: &Payment, entries: &[TimelineEntry], full: bool) -> String {
    let status = payment.status();
    let order = payment.order_id.as_ref().map(|id| format!(" · order {id}")).unwrap_or_default();
    let mut lines = vec![format!(
        "{}{order} · {} · {}  {}",
        paint(STRONG, &payment.id),
        payment.amount.to_human(),
        paint(status_style(status), status.as_str()),
        paint(FAINT, "(Moscow time)"),
    )];
    let mut day = String::new();
    for entry in entries {
        let at = moscow(entry.at_ms);
        let (date, time) = at.split_once(' ').unwrap_or((&at, ""));
        if date != day {
            lines.push(paint(STRONG, date));
            day = date.to_owned();
        }
        let (style, mark) = match entry.kind {
            "event" => (GOOD, "●"),
            "notice" => (HINT, "◀"),
            "webhook" => (HINT, "▷"),
            _ => (FAINT, "▶"),
        };
        let is_silent = entry.kind == "call" && entry.reply.as_deref().is_some_and(is_silence);
        let style = if is_silent { WARN } else { style };
        let ms = entry.at_ms.rem_euclid(1_000);
        lines.push(format!(
            "  {time}.{ms:03}  {} {}  {}",
            paint(style, mark),
            paint(style, &format!("{:<24}", entry.name)),
            entry.text
        ));
        for part in [&entry.request, &entry.reply].into_iter().flatten().filter(|_| full) {
            lines.extend(part.lines().map(|line| format!("      {}", paint(FAINT, line))));
        }
    }
    lines.join("\n")
}

fn is_silence(reply: &str) -> bool {
    reply.starts_with("no answer") || reply.starts_with("not sent")
}
