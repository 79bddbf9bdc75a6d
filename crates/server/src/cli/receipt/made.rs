//! `kopeck receipt list|due|close|note`: the receipts that were made, and those that are due.

use clap::Args;
use kopeck_banks::receipt::Line;
use serde_json::json;

use super::super::{
    context::World,
    fail::Fail,
    find,
    print::{BAD, FAINT, GOOD, STRONG, WARN, moscow, paint},
};
use crate::{
    http::ApiError,
    kit::db::DbError,
    payments::receipts::{
        ByHand,
        close::{self, Closing},
        note,
    },
    receipts::{
        model::{Kind, Record, State},
        store as rows,
        view::ReceiptView,
    },
};

/// As many as fit a person's day.
const MAX_DUE: i64 = 500;

/// Send the closing receipt of a prepayment: what was prepaid is delivered. At Tochka a person
/// makes it, and notes it then.
#[derive(Debug, Args)]
pub struct CloseArgs {
    /// Payment id, order id, or the bank's id
    id: String,
    /// What was delivered, where an advance named no goods; once for each line
    #[arg(long, value_name = "NAME;QTY;PRICE;VAT", value_parser = super::read_item)]
    item: Vec<Line>,
    /// Send it anew after its answer was lost and the cash register does not show it
    #[arg(long)]
    again: bool,
}

/// Note a receipt that you made by hand: a correction, a closing one, one in «Мой налог».
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// Payment id, order id, or the bank's id
    id: String,
    /// income, refund, closing, correction
    #[arg(long, value_parser = parse_kind)]
    kind: Kind,
    /// The number of the fiscal document
    #[arg(long)]
    number: Option<String>,
    /// Where it can be seen
    #[arg(long)]
    url: Option<String>,
    /// Why, for your own books
    #[arg(long)]
    note: Option<String>,
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    let all = Kind::ALL.map(Kind::as_str).join(", ");
    Kind::parse(text).ok_or_else(|| format!("takes {all}"))
}

/// The receipts of a payment.
pub async fn of_payment(world: &World, payment_id: &str) -> Result<Vec<Record>, Fail> {
    let id = payment_id.to_owned();
    let found: Result<_, DbError> =
        world.ctx.db.read(move |tx| rows::list_of_payment(tx, &id)).await;
    Ok(found?)
}

pub async fn list(world: &World, id: &str) -> Result<(), Fail> {
    let payment = find::payment(world, id).await?;
    show(world, &of_payment(world, &payment.id).await?, "The payment has no receipts.")
}

pub async fn due(world: &World) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Record>, DbError> =
        world.ctx.db.read(move |tx| rows::list_due(tx, &shop_id, MAX_DUE)).await;
    show(world, &found?, "Nothing is due.")
}

fn show(world: &World, records: &[Record], none: &str) -> Result<(), Fail> {
    let views: Vec<ReceiptView> = records.iter().map(ReceiptView::from).collect();
    world.out.show(&json!({ "receipts": views }), || {
        if records.is_empty() {
            return none.to_owned();
        }
        records.iter().map(describe).collect::<Vec<_>>().join("\n")
    })
}

/// One receipt in a line or a few.
pub fn describe(record: &Record) -> String {
    let (sign, state) = match record.state {
        State::None => (paint(FAINT, "·"), "no receipt by the bank"),
        State::Queued => (paint(WARN, "…"), "waits"),
        State::Sent => (paint(WARN, "…"), "the cash register is at it"),
        State::Registered => (paint(GOOD, "✓"), "registered"),
        State::Failed => (paint(BAD, "✗"), "failed"),
    };
    let kind = paint(STRONG, record.kind.as_str());
    let mut lines = vec![format!("{sign} {kind} receipt of {}: {state}", record.amount.to_human())];
    let mut add = |name: &str, text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            lines.push(format!("    {name}: {text}"));
        }
    };
    add("payment", Some(&record.payment_id));
    if let Some(fiscal) = &record.fiscal {
        add("document", fiscal.document_number.as_deref());
        add("see", fiscal.url.as_deref());
        add("QR code", fiscal.qr_url.as_deref());
    }
    add("why", record.failure.as_ref().map(|failure| failure.message.as_str()));
    add("note", record.note.as_deref());
    add("due", record.due_ms.map(moscow).as_deref());
    lines.join("\n")
}

impl CloseArgs {
    pub async fn run(self, world: &World) -> Result<(), Fail> {
        let payment = find::payment(world, &self.id).await?;
        let delivered = Some(self.item).filter(|lines| !lines.is_empty());
        let asked = Closing { delivered, again: self.again };
        let asked = close::request(&world.ctx, &world.shop.id, &payment.id, asked).await;
        let record = asked.map_err(|problem| {
            let ApiError { code, message, hint, param, .. } = problem.into();
            Fail { param, ..Fail::new(&code, message, hint) }
        })?;
        let record = close::drive_now(&world.ctx, &record.id).await?.unwrap_or(record);
        if let (State::Failed, Some(failure)) = (record.state, &record.failure) {
            return Err(Fail::new(&failure.code, &failure.message, &failure.hint));
        }
        world.out.show(&ReceiptView::from(&record), || describe(&record))
    }
}

impl NoteArgs {
    pub async fn run(self, world: &World) -> Result<(), Fail> {
        let payment = find::payment(world, &self.id).await?;
        let (kind, url, why) = (self.kind, self.url, self.note);
        let made = ByHand { kind, document_number: self.number, url, note: why };
        let ctx = world.ctx.clone();
        let noted: Result<Record, DbError> =
            world.ctx.db.write(move |tx| note(tx, &ctx, &payment, made)).await;
        let record = noted?;
        world.out.show(&ReceiptView::from(&record), || describe(&record))
    }
}
