//! Today at a glance: money in, what is open, what needs somebody, the last month as a picture.

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::{ToSpan as _, Zoned, fmt::strtime, tz::TimeZone};
use serde_json::Value;

use super::{
    door::Doors, frame::Frame, guest::Guest, inner::Inner, payments, refuse, sheet::Table, words,
};
use crate::{
    http::{ApiError, Server},
    kit::{clock::timestamp, db::DbError},
    payments::{
        model::Status,
        store::{
            PaymentFilter, list_payments,
            totals::{Total, by_status, paid, paid_by_day, refunded},
        },
    },
    staff::model::Permission,
    web::{lang::Lang, parts::Chart},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days of the picture.
const DAYS: i64 = 30;
const LATEST: i64 = 8;

pub fn doors(doors: Doors) -> Doors {
    doors.page("/admin", Permission::Look, show)
}

/// A number with its name; it leads to what it counts.
struct Tile {
    name: &'static str,
    value: String,
    about: String,
    tone: &'static str,
    href: &'static str,
}

#[derive(Template)]
#[template(path = "admin/today.html")]
struct TodayPage {
    frame: Frame,
    date: String,
    tiles: Vec<Tile>,
    chart: Chart,
    latest: Table,
    /// Nothing is connected yet.
    is_new: bool,
}

/// Midnight where the shop is, and how far its clock is ahead.
fn midnight(now_ms: i64, zone: &str) -> (Zoned, i64, i64) {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let now = timestamp(now_ms).to_zoned(zone);
    let start = now.start_of_day().map_or(now_ms, |it| it.timestamp().as_millisecond());
    let offset_ms = i64::from(now.offset().seconds()) * 1000;
    (now, start, offset_ms)
}

struct Numbers {
    today: Total,
    yesterday: Total,
    back: Total,
    days: Vec<(i64, Total)>,
    states: Vec<(Status, i64)>,
    latest: Vec<crate::payments::model::Payment>,
    has_bank: bool,
}

async fn show(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    inner: Inner,
) -> Result<Response, ApiError> {
    let now_ms = server.ctx.now_ms();
    let (now, start, offset_ms) = midnight(now_ms, &server.ctx.zone);
    let shop_id = guest.shop_id();
    let found: Result<Numbers, DbError> = server
        .ctx
        .db
        .read(move |tx| {
            let from = start - (DAYS - 1) * DAY_MS;
            Ok(Numbers {
                today: paid(tx, &shop_id, (start, now_ms + 1))?,
                yesterday: paid(tx, &shop_id, (start - DAY_MS, start))?,
                back: refunded(tx, &shop_id, (start, now_ms + 1))?,
                days: paid_by_day(tx, &shop_id, (from, now_ms + 1, offset_ms))?,
                states: by_status(tx, &shop_id, from)?,
                latest: list_payments(tx, &shop_id, &PaymentFilter::default(), LATEST)?,
                has_bank: !crate::shops::store::list_connections(tx, &shop_id)?.is_empty(),
            })
        })
        .await;
    let numbers = found?;
    let receipts = inner.get(&guest, "/v1/receipts/summary").await?;
    let failed = inner.get(&guest, "/v1/deliveries?status=failed&limit=100").await?;
    let date = strtime::format("%d.%m.%Y", &now).unwrap_or_default();
    let page = TodayPage {
        date,
        tiles: tiles(&numbers, &receipts, &failed, frame.lang),
        chart: chart(&numbers.days, &now, frame.lang),
        latest: payments::table(&numbers.latest, &frame, false),
        is_new: !numbers.has_bank,
        frame,
    };
    refuse::show(&page)
}

/// What came in and what went back.
fn moneys(numbers: &Numbers, lang: Lang) -> [Tile; 2] {
    let yesterday = numbers.yesterday.sum.to_human();
    [
        Tile {
            name: lang.pick("Поступило сегодня", "In today"),
            value: numbers.today.sum.to_human(),
            about: format!(
                "{} · {} {yesterday}",
                words::payments(numbers.today.count, lang),
                lang.pick("вчера", "yesterday")
            ),
            tone: "",
            href: "/admin/payments?status=paid",
        },
        Tile {
            name: lang.pick("Возвращено сегодня", "Refunded today"),
            value: numbers.back.sum.to_human(),
            about: words::refunds(numbers.back.count, lang),
            tone: "",
            href: "/admin/payments?status=refunded",
        },
    ]
}

fn tiles(numbers: &Numbers, receipts: &Value, failed: &Value, lang: Lang) -> Vec<Tile> {
    let count = |wanted: &[Status]| -> i64 {
        let counted = numbers.states.iter().filter(|(status, _)| wanted.contains(status));
        counted.map(|(_, count)| count).sum()
    };
    let waiting = count(&[Status::Authorized]);
    let wrong = count(&[Status::AmountMismatch]);
    let due = receipts["due"].as_i64().unwrap_or(0) + receipts["failed"].as_i64().unwrap_or(0);
    let lost = failed["data"].as_array().map_or(0, Vec::len);
    let bad = |count: i64| if count > 0 { "bad" } else { "" };
    let state = |name, count: i64, about: &str, tone, href| Tile {
        name,
        value: count.to_string(),
        about: about.to_owned(),
        tone,
        href,
    };
    let month = lang.pick("за 30 дней", "in 30 days");
    let [money, back] = moneys(numbers, lang);
    vec![
        money,
        back,
        state(
            lang.pick("Ждут оплаты", "Open"),
            count(&[Status::Opening, Status::Open]),
            month,
            "",
            "/admin/payments?status=open",
        ),
        state(
            lang.pick("На удержании", "Held"),
            waiting,
            lang.pick("ждут вашего решения", "await your decision"),
            "",
            "/admin/payments?status=authorized",
        ),
        state(
            lang.pick("Не прошли", "Failed"),
            count(&[Status::Failed]),
            month,
            "",
            "/admin/payments?status=failed",
        ),
        state(
            lang.pick("Сумма не совпала", "Another sum"),
            wrong,
            month,
            bad(wrong),
            "/admin/payments?status=amount_mismatch",
        ),
        state(
            lang.pick("Чеки", "Receipts"),
            due,
            lang.pick("ждут человека", "need somebody"),
            bad(due),
            "/admin/receipts",
        ),
        state(
            lang.pick("Не доставлено", "Not delivered"),
            i64::try_from(lost).unwrap_or(0),
            lang.pick("уведомлений вашим системам", "notifications to your systems"),
            bad(i64::try_from(lost).unwrap_or(0)),
            "/admin/deliveries?status=failed",
        ),
    ]
}

fn chart(days: &[(i64, Total)], now: &Zoned, lang: Lang) -> Chart {
    let epoch_day = |at: &Zoned| {
        let date = at.date().at(0, 0, 0, 0).to_zoned(TimeZone::UTC);
        date.map_or(0, |it| it.timestamp().as_millisecond().div_euclid(DAY_MS))
    };
    let today = epoch_day(now);
    let bars = (today - DAYS + 1..=today).map(|number| {
        let total = days.iter().find(|(day, _)| *day == number).map(|(_, total)| *total);
        let total = total.unwrap_or_default();
        let date = now.checked_sub((today - number).days());
        let label = date.ok().and_then(|date| strtime::format("%d.%m", &date).ok());
        let said = format!("{} ({})", total.sum.to_human(), words::payments(total.count, lang));
        (label.unwrap_or_default(), total.sum.kopecks(), said)
    });
    Chart::of_bars(lang.pick("Поступления за 30 дней", "Money in, 30 days"), bars.collect())
}
