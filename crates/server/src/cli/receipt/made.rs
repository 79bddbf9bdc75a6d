//! `kopeck receipt list|due|close|note`: the receipts that were made, and those that are due.

use clap::Args;
use kopeck_banks::receipt::Line;
use serde_json::json;

use super::super::{
    context::World,
    fail::Fail,
    find,
    print::{BAD, FAINT, GOOD, STRONG, WARN, moscow, note, paint},
};
use crate::{
    http::ApiError,
    kit::db::DbError,
    payments::receipts::{
        close::{self, Closing},
        hand::{self, ByHand, Document, HandProblem},
        list_all,
    },
    payments::{model::Payment, store},
    receipts::{
        flow,
        model::{Kind, Record, State},
        store::{self as rows, Standing},
        todo::find_todo_at,
        view::{ReceiptView, StandingView},
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
    /// Which of the payment's receipts it answers, rcp_…, where several of the kind are open
    #[arg(long, value_name = "ID")]
    receipt: Option<String>,
    #[command(flatten)]
    document: DocumentFlags,
}

/// What was made by hand.
#[derive(Debug, Args)]
struct DocumentFlags {
    /// The number of the fiscal document
    #[arg(long)]
    number: Option<String>,
    /// The day that is printed on it
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
    /// Where it can be seen
    #[arg(long)]
    url: Option<String>,
    /// Why, for your own books
    #[arg(long)]
    note: Option<String>,
}

impl DocumentFlags {
    fn read(self) -> Document {
        let DocumentFlags { number, date, url, note } = self;
        Document { number, date, url, note }
    }
}

/// Send a closing receipt anew that failed. The receipts of payments and refunds no bank makes
/// again: it says what to do then.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The receipt's id, rcp_…
    id: String,
    /// Why it may succeed now; kept with the receipt
    #[arg(long)]
    reason: String,
}

/// Say what became of a receipt on the list: made by hand, found in the cash register, or why there
/// is nothing to do.
#[derive(Debug, Args)]
pub struct SettleArgs {
    /// The receipt's id, rcp_…
    id: String,
    #[command(flatten)]
    document: DocumentFlags,
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    let all = Kind::ALL.map(Kind::as_str).join(", ");
    Kind::parse(text).ok_or_else(|| format!("takes {all}"))
}

/// The receipts of a payment.
pub async fn of_payment(world: &World, payment: &Payment) -> Result<Vec<Record>, Fail> {
    let payment = payment.clone();
    let found: Result<_, DbError> = world.ctx.db.read(move |tx| list_all(tx, &payment)).await;
    Ok(found?)
}

pub async fn list(world: &World, id: &str) -> Result<(), Fail> {
    let payment = find::payment(world, id).await?;
    show(world, &of_payment(world, &payment).await?, "The payment has no receipts.")
}

pub async fn due(world: &World) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let now_ms = world.ctx.now_ms();
    let found: Result<Vec<Record>, DbError> =
        world.ctx.db.read(move |tx| rows::list_due(tx, &shop_id, now_ms, None, MAX_DUE)).await;
    let found = found?;
    show(world, &found, "Nothing is due.")?;
    // A list that ends in silence would read as all there is.
    if i64::try_from(found.len()).is_ok_and(|count| count >= MAX_DUE) {
        note(&format!("The first {MAX_DUE} are shown; settle some to see the rest."));
    }
    Ok(())
}

fn show(world: &World, records: &[Record], none: &str) -> Result<(), Fail> {
    let now_ms = world.ctx.now_ms();
    let views: Vec<ReceiptView> = records.iter().map(|it| ReceiptView::at(it, now_ms)).collect();
    world.out.show(&json!({ "receipts": views }), || {
        if records.is_empty() {
            return none.to_owned();
        }
        records.iter().map(|it| describe_at(it, now_ms)).collect::<Vec<_>>().join("\n")
    })
}

/// One receipt in a line or a few.
pub fn describe(record: &Record) -> String {
    describe_at(record, 0)
}

/// The same at this moment, when the cash register's word may be late.
fn describe_at(record: &Record, now_ms: i64) -> String {
    let (sign, state) = match record.state {
        State::None => (paint(FAINT, "·"), "no receipt by the bank"),
        State::Queued => (paint(WARN, "…"), "waits"),
        State::Sent => (paint(WARN, "…"), "the cash register is at it"),
        State::Registered => (paint(GOOD, "✓"), "registered"),
        State::Failed => (paint(BAD, "✗"), "failed"),
    };
    let kind = paint(STRONG, record.kind.as_str());
    let amount = record.amount.to_human();
    let id = paint(FAINT, &record.id);
    let mut lines = vec![format!("{sign} {kind} receipt of {amount}: {state}  {id}")];
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
    add("tried again because", record.retry_reason.as_deref());
    add("tries again", record.retry_ms.map(moscow).as_deref());
    add("due", record.due_ms().map(moscow).as_deref());
    let todo = find_todo_at(record, now_ms);
    add("do", todo.map(|todo| todo.ru));
    add("", todo.map(|todo| todo.en));
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
        let made =
            ByHand { kind: self.kind, answers: self.receipt, document: self.document.read() };
        let ctx = world.ctx.clone();
        let noted: Result<Record, HandProblem> = world
            .ctx
            .db
            .write(move |tx| {
                let payment = store::lock_payment(tx, &payment.shop_id, &payment.id)?;
                let payment = payment.filter(|payment| payment.attempt_of.is_none());
                hand::note(tx, &ctx, &payment.ok_or(HandProblem::NoSuchPayment)?, made)
            })
            .await;
        told(world, noted)
    }
}

/// The receipt as it is then, or why nothing was done.
fn told(world: &World, done: Result<Record, HandProblem>) -> Result<(), Fail> {
    let record = done.map_err(|problem| {
        let ApiError { code, message, hint, param, .. } = problem.into();
        Fail { param, ..Fail::new(&code, message, hint) }
    })?;
    world.out.show(&ReceiptView::from(&record), || describe(&record))
}

impl RetryArgs {
    pub async fn run(self, world: &World) -> Result<(), Fail> {
        let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
        let (id, reason) = (self.id.clone(), self.reason);
        let done: Result<Record, HandProblem> =
            world.ctx.db.write(move |tx| hand::retry(tx, &ctx, &shop_id, &id, reason)).await;
        let done = match done {
            Ok(record) => Ok(close::drive_now(&world.ctx, &record.id).await?.unwrap_or(record)),
            Err(problem) => Err(problem),
        };
        if let Ok(Record { state: State::Failed, failure: Some(failure), .. }) = &done {
            return Err(Fail::new(&failure.code, &failure.message, &failure.hint));
        }
        told(world, done)
    }
}

impl SettleArgs {
    pub async fn run(self, world: &World) -> Result<(), Fail> {
        let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
        let (id, document) = (self.id, self.document.read());
        let done: Result<Record, HandProblem> = world
            .ctx
            .db
            .write(move |tx| hand::settle_by_hand(tx, &ctx, &shop_id, &id, document))
            .await;
        told(world, done)
    }
}

pub async fn summary(world: &World) -> Result<(), Fail> {
    let standing = flow::stand(&world.ctx, &world.shop.id).await?;
    world.out.show(&StandingView::from(standing), || describe_standing(&standing))
}

/// How the receipts stand, in a line or a few.
pub fn describe_standing(standing: &Standing) -> String {
    let Standing { due, upcoming, failed, retrying, late, .. } = *standing;
    let count = |count: i64, style, text: &str| {
        (count > 0).then(|| format!("{} {text}", paint(style, &count.to_string())))
    };
    let lines = [
        count(failed, BAD, "failed"),
        count(retrying, WARN, "of them tried again by themselves"),
        count(
            late,
            WARN,
            "without a word of the cash register for a day: is the notification \
                           address set in the terminal's settings?",
        ),
        count(due, WARN, "wait for a person: `kopeck receipt due`"),
        count(upcoming, FAINT, "prepayments or tries to come"),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    match lines.is_empty() {
        true => format!("{} No receipt needs anybody.", paint(GOOD, "✓")),
        false => lines.join("\n"),
    }
}
