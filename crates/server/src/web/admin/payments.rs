//! The list of payments: found by anything, filtered by the address, taken home as a file.

use axum::{extract::State, response::Response};
use kopeck_banks::{BANKS, bank::find_bank};

use super::{
    door::{Doors, form_escape},
    export,
    frame::Frame,
    guest::Guest,
    sheet::{Cell, Field, Input, Row, Sheet, Table},
    words,
};
use crate::{
    http::{
        ApiError, Server,
        query::{Query, RawQuery},
    },
    kit::db::DbError,
    payments::{
        model::{Payment, Status},
        store::{PaymentFilter, list_payments},
    },
    staff::model::Permission,
    web::lang::Lang,
};

const FILTERS: [&str; 10] =
    ["search", "status", "bank", "place", "customer", "from", "to", "after", "format", "lang"];
const PAGE: i64 = 50;
/// Rows of a file: what a spreadsheet program opens without complaint.
const MOST: i64 = 50_000;
/// Rows read in one transaction for a file.
const BATCH: i64 = 1_000;

pub fn doors(doors: Doors) -> Doors {
    doors.page("/admin/payments", Permission::Look, list)
}

fn read(query: &Query) -> Result<PaymentFilter, ApiError> {
    let owned = |name: &str| query.find(name).map(str::to_owned);
    let until = query.time_ms("to")?;
    Ok(PaymentFilter {
        search: owned("search"),
        status: query.word("status", Status::parse, &Status::ALL.map(Status::as_str))?,
        bank: owned("bank"),
        place_id: owned("place"),
        customer_id: owned("customer"),
        created_from_ms: query.time_ms("from")?,
        // A day that is named is a part of it.
        created_to_ms: until.map(|ms| ms.saturating_add(24 * 60 * 60 * 1000)),
        before_id: query.id("after", "pay_")?,
        ..PaymentFilter::default()
    })
}

async fn list(
    State(server): State<Server>,
    guest: Guest,
    frame: Frame,
    raw: RawQuery,
) -> Result<Response, ApiError> {
    let query = raw.read(&[&FILTERS[..], &["done"]].concat())?;
    let filter = read(&query)?;
    if let Some(format) = query.find("format").filter(|_| frame.accounts()) {
        let all = read_all(&server, &guest, filter).await?;
        return export::file(&frame, format, "payments", &table(&all, &frame, true));
    }
    let (shop_id, asked) = (guest.shop_id(), filter.clone());
    let found: Result<Vec<Payment>, DbError> =
        server.ctx.db.read(move |tx| list_payments(tx, &shop_id, &asked, PAGE + 1)).await;
    let mut found = found?;
    let has_more = found.len() > usize::try_from(PAGE).unwrap_or(0);
    found.truncate(usize::try_from(PAGE).unwrap_or(0));
    let next = found.last().filter(|_| has_more).map(|last| next(&query, &last.id));
    let lang = frame.lang;
    let mut sheet = Sheet {
        headline: lang.pick("Платежи", "Payments").to_owned(),
        filters: filters(&query, lang),
        table: table(&found, &frame, false),
        empty: empty(&query, lang),
        next: next.unwrap_or_default(),
        ..Sheet::default()
    };
    if frame.sells() {
        let way = (lang.pick("Новая ссылка", "New link").to_owned(), "/admin/links/new".to_owned());
        sheet.ways.push(way);
    }
    if frame.accounts() {
        sheet.offer_files(lang, "/admin/payments", raw.text());
    }
    sheet.show(frame)
}

fn empty(query: &Query, lang: Lang) -> (&'static str, &'static str) {
    if query.find("search").is_some() || query.find("status").is_some() {
        return (
            lang.pick("Ничего не нашлось", "Nothing was found"),
            lang.pick(
                "Ищем по номеру заказа, сумме, телефону, назначению и номерам банка.",
                "We look at order numbers, sums, phones, purposes and the bank's numbers.",
            ),
        );
    }
    (
        lang.pick("Платежей пока нет", "No payments yet"),
        lang.pick("Создайте первую ссылку.", "Make the first link."),
    )
}

fn next(query: &Query, last: &str) -> String {
    let kept = ["search", "status", "bank", "place", "customer", "from", "to"];
    let kept = kept
        .iter()
        .filter_map(|name| query.find(name).map(|value| format!("{name}={}&", form_escape(value))));
    format!("/admin/payments?{}after={last}", kept.collect::<String>())
}

async fn read_all(
    server: &Server,
    guest: &Guest,
    mut filter: PaymentFilter,
) -> Result<Vec<Payment>, ApiError> {
    let mut all: Vec<Payment> = Vec::new();
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    loop {
        let (shop_id, asked) = (guest.shop_id(), filter.clone());
        let batch: Result<Vec<Payment>, DbError> =
            server.ctx.db.read(move |tx| list_payments(tx, &shop_id, &asked, BATCH)).await;
        let batch = batch?;
        let is_last = batch.len() < usize::try_from(BATCH).unwrap_or(0);
        filter.before_id = batch.last().map(|payment| payment.id.clone());
        all.extend(batch);
        if is_last || all.len() >= most {
            return Ok(all);
        }
    }
}

fn filters(query: &Query, lang: Lang) -> Vec<Field> {
    let value = |name: &str| query.find(name).unwrap_or("").to_owned();
    let any = lang.pick("Любой", "Any").to_owned();
    let mut states = vec![(String::new(), lang.pick("Любое", "Any").to_owned())];
    states
        .extend(Status::ALL.map(|it| (it.as_str().to_owned(), words::status(it, lang).to_owned())));
    let mut banks = vec![(String::new(), any)];
    banks.extend(BANKS.iter().map(|it| (it.name().to_owned(), bank(it.name(), lang).to_owned())));
    vec![
        Field::new("search", lang.pick("Найти", "Find")).value(value("search")),
        Field::new("status", lang.pick("Состояние", "State"))
            .input(Input::Select(states))
            .value(value("status")),
        Field::new("bank", lang.pick("Банк", "Bank"))
            .input(Input::Select(banks))
            .value(value("bank")),
        Field::new("from", lang.pick("С", "From")).input(Input::Date).value(value("from")),
        Field::new("to", lang.pick("По", "To")).input(Input::Date).value(value("to")),
    ]
}

/// A bank as people call it.
pub fn bank(word: &str, lang: Lang) -> &'static str {
    match word {
        "tochka" => lang.pick("Точка", "Tochka"),
        "tbank" => lang.pick("Т-Банк", "T-Bank"),
        _ => find_bank(word).map_or("—", |bank| bank.name()),
    }
}

pub fn table(all: &[Payment], frame: &Frame, is_file: bool) -> Table {
    let lang = frame.lang;
    let mut columns = vec![
        lang.pick("Создан", "Made"),
        lang.pick("Сумма", "Sum"),
        lang.pick("Состояние", "State"),
        lang.pick("Заказ", "Order"),
        lang.pick("Назначение", "Purpose"),
        lang.pick("Банк", "Bank"),
    ];
    if is_file {
        columns.extend([
            lang.pick("Получено", "Paid"),
            lang.pick("Возвращено", "Refunded"),
            lang.pick("Оплачен", "Paid at"),
            lang.pick("Номер", "Id"),
            lang.pick("Номер в банке", "Bank's id"),
        ]);
    }
    let row = |payment: &Payment| {
        let status = payment.status();
        let at = Cell::text(frame.at(payment.created_ms));
        let mut cells = vec![
            if is_file { at } else { at.to(format!("/admin/payments/{}", payment.id)) },
            Cell::money(payment.amount),
            Cell::tag(words::status(status, lang), words::tone(status)),
            Cell::text(payment.order_id.clone().unwrap_or_default()),
            Cell::text(payment.purpose.clone()),
            Cell::text(bank(&payment.bank, lang)),
        ];
        if is_file {
            let paid_at = payment.facts.paid_at_ms().map(|ms| frame.at(ms));
            cells.extend([
                Cell::money(payment.facts.paid),
                Cell::money(payment.refunded()),
                Cell::text(paid_at.unwrap_or_default()),
                Cell::text(payment.id.clone()),
                Cell::text(payment.facts.bank_id.clone().unwrap_or_default()),
            ]);
        }
        Row::new(cells)
    };
    Table { columns, rows: all.iter().map(row).collect() }
}
