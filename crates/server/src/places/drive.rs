//! Making a place's code at the bank, between transactions; also the recovery: after a crash the
//! next run reads the same row.

use kopeck_banks::op::{
    Answer, BankOp, CodeKind, CodeLife, CodeOp, DeskOp, InvoiceOp, NewCode, NewInvoice, Outcome,
    Refusal, RefusalClass, SbpOp, SbpWord, SetupOp,
};

use super::{flow, model::Place, store};
use crate::{
    gateway::flow::{ask_now, refusal_of},
    kit::{
        Ctx,
        clock::{MINUTE_MS, SECOND_MS},
        db::DbError,
        jobs::{self, After, Job},
    },
    shops::{self, model::Connection},
};

/// After a bank that is busy or out of reach; doubled with each try.
const TRY_AGAIN_MS: i64 = 5 * SECOND_MS;
const TRY_MAX_MS: i64 = 30 * MINUTE_MS;
/// Lives of invoices that name none: three days, the bank's own.
pub const INVOICE_TTL_MINUTES: u32 = 4_320;

/// The operation that makes this place's code.
pub fn register_op(place: &Place, point_id: &str, account_id: &str) -> BankOp {
    let (point_id, account_id) = (point_id.to_owned(), account_id.to_owned());
    let purpose = place.purpose.clone();
    BankOp::Sbp(match (place.kind, place.amount) {
        (CodeKind::Invoice, amount) => SbpOp::Invoice(InvoiceOp::Register(NewInvoice {
            point_id,
            account_id,
            amount: amount.unwrap_or_default(),
            vat: place.vat,
            purpose,
            ttl_minutes: place.ttl_minutes.unwrap_or(INVOICE_TTL_MINUTES),
            reference: None,
            return_url: None,
        })),
        (CodeKind::Desk, _) => {
            SbpOp::Desk(DeskOp::Register { point_id, account_id, return_url: None })
        }
        (CodeKind::Static | CodeKind::Dynamic, amount) => SbpOp::Code(CodeOp::Register(NewCode {
            point_id,
            account_id,
            life: CodeLife::Static { amount },
            purpose,
            return_url: None,
        })),
    })
}

/// Makes the job's code unless it is there.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx.db.read(move |tx| store::find_place_by_id(tx, &id)).await;
    let Some(place) = found?.filter(|it| it.code_id.is_none() && it.failure.is_none()) else {
        return Ok(After::Done);
    };
    let connection = shops::flow::get_connection(ctx, &place.connection_id).await?;
    let site = match locate(ctx, &connection, &place).await? {
        Ok(site) => site,
        Err(outcome) => return after(ctx, job, place.id, outcome).await,
    };
    match register(ctx, &connection, &place, &site).await? {
        Outcome::Done(Answer::Sbp(SbpWord::Code(code))) => {
            let (inner, id) = (ctx.clone(), place.id.clone());
            let saved: Result<(), DbError> =
                ctx.db.write(move |tx| flow::open(tx, &inner, &id, code, site)).await;
            saved?;
            Ok(After::Done)
        }
        outcome @ (Outcome::Done(_)
        | Outcome::Refused(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. }) => after(ctx, job, place.id, outcome).await,
    }
}

/// What follows when there is no code.
async fn after(ctx: &Ctx, job: &Job, id: String, outcome: Outcome) -> anyhow::Result<After> {
    match outcome {
        // A key that is dead or lacks the permission, too: whoever wants the code waits for it now,
        // and asks again when the key is mended.
        Outcome::Refused(refusal) => {
            fail(ctx, id, refusal).await?;
            Ok(After::Done)
        }
        // Nobody was shown the code that an unheard request may have made, so making another is
        // safe: the first one is never printed and never paid.
        other @ (Outcome::Done(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. }) => {
            let doublings = u32::try_from(job.tries.clamp(1, 10) - 1).unwrap_or_default();
            let wait_ms = TRY_AGAIN_MS.saturating_mul(1 << doublings).min(TRY_MAX_MS);
            Ok(After::Retry { at_ms: ctx.now_ms() + wait_ms, why: refusal_of(other).message })
        }
    }
}

/// Saves what is about to be asked, then asks.
async fn register(
    ctx: &Ctx,
    connection: &Connection,
    place: &Place,
    (point_id, account_id): &(String, String),
) -> anyhow::Result<Outcome> {
    let op = register_op(place, point_id, account_id);
    let (id, now_ms) = (place.id.clone(), ctx.now_ms());
    let saved: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            let Some(mut place) = store::lock_place(tx, &id)? else { return Ok(()) };
            place.asked_ms = Some(now_ms);
            store::update_place(tx, &place)
        })
        .await;
    saved?;
    ask_now(ctx, connection, &op).await
}

async fn fail(ctx: &Ctx, id: String, refusal: Refusal) -> Result<(), DbError> {
    ctx.db
        .write(move |tx| {
            // Somebody else may have had more luck.
            let found = store::lock_place(tx, &id)?.filter(|place| place.code_id.is_none());
            let Some(mut place) = found else { return Ok(()) };
            place.failure = Some((&refusal).into());
            store::update_place(tx, &place)
        })
        .await
}

/// The point and the account that the code is made for: those of the connection, else the company's
/// only ones.
async fn locate(
    ctx: &Ctx,
    connection: &Connection,
    place: &Place,
) -> anyhow::Result<Result<(String, String), Outcome>> {
    let set = |name: &str| connection.credentials.find(name).map(str::to_owned);
    let account = set("sbp_account_id").or_else(|| set("account_id"));
    if let (Some(point_id), Some(account_id)) = (set("sbp_merchant_id"), account.clone()) {
        return Ok(Ok((point_id, account_id)));
    }
    let op = BankOp::Sbp(SbpOp::Setup(SetupOp::ShowCompany));
    let outcome = ask_now(ctx, connection, &op).await?;
    let Outcome::Done(Answer::Sbp(SbpWord::Company(company))) = outcome else {
        return Ok(Err(outcome));
    };
    let mut points = company.points.iter().filter(|point| point.is_active);
    let can_make = |kinds: &[CodeKind]| {
        kinds.is_empty() || place.kind == CodeKind::Invoice || kinds.contains(&place.kind)
    };
    let mut points: Vec<_> = points.by_ref().filter(|point| can_make(&point.kinds)).collect();
    let account = account.or_else(|| {
        company.accounts.iter().find(|it| it.is_active).map(|it| it.account_id.clone())
    });
    Ok(match (points.pop(), points.is_empty(), account) {
        (Some(point), true, Some(account_id)) => Ok((point.id.clone(), account_id)),
        (Some(_), false, _) => Err(Outcome::Refused(ambiguous())),
        (None, _, _) | (_, _, None) => Err(Outcome::Refused(no_point())),
    })
}

fn no_point() -> Refusal {
    Refusal {
        class: RefusalClass::Conflict,
        code: "sbp_point_missing",
        message: "The company has no active point of sale in SBP that can make such a code.".into(),
        hint: "Run `kopeck sbp setup`, or register one in the internet bank, «QR-платежи».".into(),
        param: None,
    }
}

fn ambiguous() -> Refusal {
    Refusal {
        class: RefusalClass::Conflict,
        code: "sbp_point_ambiguous",
        message: "The company has several points of sale in SBP.".into(),
        hint: "Say which one takes the money: `kopeck sbp setup`, or TOCHKA_SBP_MERCHANT_ID."
            .into(),
        param: None,
    }
}

/// Drives one place now and confirms its job, unless somebody is at it: for a request that wants to
/// hear what the bank says before it answers.
pub async fn drive_now(ctx: &Ctx, place_id: &str) -> Result<(), DbError> {
    let (inner, id) = (ctx.clone(), place_id.to_owned());
    let claimed: Result<Option<Job>, DbError> =
        ctx.db.write(move |tx| jobs::claim(tx, &inner.mint, flow::JOB, &id, inner.now_ms())).await;
    let Some(job) = claimed? else { return Ok(()) };
    let after = drive(ctx, &job).await.unwrap_or_else(|error| {
        tracing::error!(place_id, "making the code failed: {error:#}");
        After::Retry { at_ms: ctx.now_ms() + TRY_AGAIN_MS, why: format!("{error:#}") }
    });
    let now_ms = ctx.now_ms();
    ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await
}
