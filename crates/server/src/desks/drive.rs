//! Driving a sale: arm the code, look what came of it, disarm it. This is also the recovery: after
//! a crash the next run reads the same row.

use kopeck_banks::op::{
    Answer, BankOp, BankStatus, DeskOp, DeskStatus, Outcome, Refusal, RefusalClass, SbpOp,
    SbpPayment, SbpWord,
};

use super::{
    flow::{self, arm_op, change, end, settle},
    model::{Ending, Sale},
    schedule::{Step, may_be_paying, must_expire, next_step},
    store,
};
use crate::{
    gateway::flow::ask_now,
    kit::{
        Ctx,
        clock::SECOND_MS,
        db::DbError,
        jobs::{self, After, Job},
    },
    payments::model::Failure,
    places::{self, model::Place},
    shops::{self, model::Connection},
};

/// More steps than any sale takes in one run.
const MAX_STEPS: usize = 16;
/// After a failure of our own.
const TRY_AGAIN_MS: i64 = 5 * SECOND_MS;

/// What an arming brought whose sale is not known.
enum Brought {
    This(Box<SbpPayment>),
    NotThis,
    /// The bank did not say: that is no look.
    Untold,
}

/// What a step works with.
struct Drive<'a> {
    ctx: &'a Ctx,
    connection: Connection,
    desk: Place,
}

/// Takes the sale's next steps until it has to wait or is over.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let id = job.subject.clone();
    let found: Result<_, DbError> = ctx
        .db
        .read(move |tx| {
            let Some(sale) = store::find_sale(tx, &id)? else { return Ok(None) };
            let desk = places::store::find_place_by_id(tx, &sale.place_id)?;
            Ok(desk.map(|desk| (desk, sale)))
        })
        .await;
    let Some((desk, mut sale)) = found? else { return Ok(After::Done) };
    let connection = shops::flow::get_connection(ctx, &sale.connection_id).await?;
    let drive = Drive { ctx, connection, desk };
    for _ in 0..MAX_STEPS {
        sale = match next_step(&sale, ctx.now_ms()) {
            Step::Arm => drive.arm(sale).await?,
            Step::LookUp => drive.look_up(sale).await?,
            Step::GiveUp => drive.fail(&sale, unanswered()).await?,
            Step::Drop => drive.end(&sale, Ending::Canceled).await?,
            Step::Disarm => drive.disarm(sale).await?,
            Step::Ask => drive.look(sale).await?,
            Step::Wait { until_ms } => return Ok(After::At(until_ms)),
            Step::Rest => return Ok(After::Done),
        };
    }
    Ok(After::At(ctx.now_ms() + TRY_AGAIN_MS))
}

impl Drive<'_> {
    async fn ask(&self, op: DeskOp) -> anyhow::Result<Outcome> {
        ask_now(self.ctx, &self.connection, &BankOp::Sbp(SbpOp::Desk(op))).await
    }

    fn code_id(&self) -> String {
        self.desk.code_id.clone().unwrap_or_default()
    }

    async fn save(
        &self,
        sale: &Sale,
        work: impl FnOnce(&mut Sale) + Send + 'static,
    ) -> Result<Sale, DbError> {
        let sale = sale.clone();
        self.ctx.db.write(move |tx| change(tx, &sale, work)).await
    }

    async fn end(&self, sale: &Sale, ending: Ending) -> Result<Sale, DbError> {
        let now_ms = self.ctx.now_ms();
        self.save(sale, move |sale| end(sale, ending, None, now_ms)).await
    }

    async fn fail(&self, sale: &Sale, failure: Failure) -> Result<Sale, DbError> {
        let now_ms = self.ctx.now_ms();
        self.save(sale, move |sale| end(sale, Ending::Failed, Some(failure), now_ms)).await
    }

    async fn paid(&self, sale: &Sale, seen: SbpPayment) -> Result<Sale, DbError> {
        let (inner, sale) = (self.ctx.clone(), sale.clone());
        self.ctx.db.write(move |tx| settle(tx, &inner, &sale, &seen)).await
    }

    /// Marked before the request leaves, and sent once. What certainly did not arrive fails: the
    /// clerk stands there and sees at once whether to try again.
    async fn arm(&self, sale: Sale) -> anyhow::Result<Sale> {
        let now_ms = self.ctx.now_ms();
        let begun: Result<(Sale, bool), DbError> =
            self.ctx.db.write(move |tx| flow::begin(tx, &sale, now_ms)).await;
        let (sale, is_ours) = begun?;
        if !is_ours {
            return Ok(sale);
        }
        let outcome = ask_now(self.ctx, &self.connection, &arm_op(&self.desk, &sale)).await?;
        let failure = match outcome {
            Outcome::Done(Answer::Sbp(SbpWord::Armed { arming_id, .. })) => {
                return Ok(self.adopt(&sale, arming_id).await?);
            }
            // The answer was lost or says nothing: it is looked for.
            Outcome::Done(_) | Outcome::Unknown { .. } => return Ok(sale),
            Outcome::Refused(refusal) if refusal.class == RefusalClass::Conflict => {
                armed_already(&refusal)
            }
            Outcome::Refused(refusal) => Failure::from(&refusal),
            Outcome::Busy { .. } | Outcome::NotSent { .. } => unreachable_bank(),
        };
        let now_ms = self.ctx.now_ms();
        let failed = self.save(&sale, move |sale| {
            // No notice can mean it.
            sale.asked_ms = None;
            end(sale, Ending::Failed, Some(failure), now_ms);
        });
        Ok(failed.await?)
    }

    /// Whether the request without an answer armed the code: the arming that is new to us and shows
    /// this sale's purpose, or brought its sum.
    async fn look_up(&self, sale: Sale) -> anyhow::Result<Sale> {
        let told = self.ask(DeskOp::State { code_id: self.code_id() }).await?;
        let Outcome::Done(Answer::Sbp(SbpWord::Desk(state))) = told else {
            return Ok(self.looked(&sale, false).await?);
        };
        let Some(arming_id) = state.arming_id.filter(|id| !id.is_empty()) else {
            return Ok(self.looked(&sale, state.status == Some(DeskStatus::Idle)).await?);
        };
        if self.is_known(&arming_id).await? {
            // An earlier sale's: ours is not there, or not yet.
            return Ok(self.looked(&sale, true).await?);
        }
        if !matches!(state.status, Some(DeskStatus::Waiting | DeskStatus::InProgress)) {
            // It may be the arming of the sale that goes on now, whose own look is soon.
            if sale.is_over() && self.has_live().await? {
                return Ok(self.looked(&sale, true).await?);
            }
            let paid = match self.find_paid(&sale, &arming_id).await? {
                Brought::This(paid) => *paid,
                Brought::NotThis => return Ok(self.looked(&sale, true).await?),
                Brought::Untold => return Ok(self.looked(&sale, false).await?),
            };
            let sale = self.adopt(&sale, arming_id).await?;
            return Ok(self.paid(&sale, paid).await?);
        }
        let shown = self.ask(DeskOp::Show { code_id: self.code_id() }).await?;
        let Outcome::Done(Answer::Sbp(SbpWord::Code(code))) = shown else {
            return Ok(self.looked(&sale, false).await?);
        };
        if code.purpose.as_deref() != Some(sale.purpose.as_str()) {
            return Ok(self.looked(&sale, true).await?);
        }
        Ok(self.adopt(&sale, arming_id).await?)
    }

    /// The bank armed the code: it waits from now on.
    async fn adopt(&self, sale: &Sale, arming_id: String) -> Result<Sale, DbError> {
        let now_ms = self.ctx.now_ms();
        self.save(sale, move |sale| {
            sale.arming_id = Some(arming_id);
            sale.looked_ms = now_ms;
        })
        .await
    }

    async fn has_live(&self) -> Result<bool, DbError> {
        let place_id = self.desk.id.clone();
        let found: Result<_, DbError> =
            self.ctx.db.read(move |tx| store::find_live(tx, &place_id)).await;
        Ok(found?.is_some())
    }

    async fn is_known(&self, arming_id: &str) -> Result<bool, DbError> {
        let (place_id, arming_id) = (self.desk.id.clone(), arming_id.to_owned());
        let found: Result<_, DbError> =
            self.ctx.db.read(move |tx| store::find_by_arming(tx, &place_id, &arming_id)).await;
        Ok(found?.is_some())
    }

    /// What an arming that is over brought, if it is this sale's sum and came after the request.
    async fn find_paid(&self, sale: &Sale, arming_id: &str) -> anyhow::Result<Brought> {
        let op = DeskOp::Payment { code_id: self.code_id(), arming_id: arming_id.to_owned() };
        let told = self.ask(op).await?;
        let Outcome::Done(Answer::Sbp(SbpWord::DeskPayment { payment, .. })) = told else {
            return Ok(Brought::Untold);
        };
        let Some(paid) = payment else { return Ok(Brought::NotThis) };
        let asked_ms = sale.asked_ms.unwrap_or_default();
        // Bank's seconds have no fractions.
        let is_later = paid.at.is_none_or(|at| at.as_millisecond() >= asked_ms - SECOND_MS);
        let is_sum = paid.amount.is_none_or(|amount| amount == sale.amount);
        let is_paid = paid.status == Some(BankStatus::Paid);
        let is_this = is_paid && is_later && is_sum;
        Ok(if is_this { Brought::This(Box::new(paid)) } else { Brought::NotThis })
    }

    /// Nothing was found; `told`: the bank answered.
    async fn looked(&self, sale: &Sale, told: bool) -> Result<Sale, DbError> {
        let now_ms = self.ctx.now_ms();
        self.save(sale, move |sale| {
            sale.looked_ms = now_ms;
            sale.looks = match told {
                true => sale.looks + 1,
                // What is over rests only after a look that was answered.
                false if sale.is_over() => 0,
                false => sale.looks,
            };
        })
        .await
    }

    async fn disarm(&self, sale: Sale) -> anyhow::Result<Sale> {
        let now_ms = self.ctx.now_ms();
        let sale = self.save(&sale, move |sale| sale.disarm_asked_ms = Some(now_ms)).await?;
        self.ask(DeskOp::Disarm { code_id: self.code_id() }).await?;
        // Done, refused because it is over or somebody is paying, or unheard: asking tells.
        self.look(sale).await
    }

    /// What came of the arming.
    async fn look(&self, sale: Sale) -> anyhow::Result<Sale> {
        let arming_id = sale.arming_id.clone().unwrap_or_default();
        let told = self.ask(DeskOp::Payment { code_id: self.code_id(), arming_id }).await?;
        let Outcome::Done(Answer::Sbp(SbpWord::DeskPayment { status, payment })) = told else {
            return Ok(self.looked(&sale, false).await?);
        };
        if let Some(paid) = payment.as_ref().filter(|it| it.status == Some(BankStatus::Paid)) {
            return Ok(self.paid(&sale, paid.clone()).await?);
        }
        let is_running =
            payment.as_ref().is_some_and(|it| it.status == Some(BankStatus::InProgress));
        let is_paying = status == Some(DeskStatus::InProgress) || is_running;
        let now_ms = self.ctx.now_ms();
        let sale = self
            .save(&sale, move |sale| {
                sale.looked_ms = now_ms;
                sale.looks += 1;
                sale.is_paying = is_paying && may_be_paying(sale, now_ms);
            })
            .await?;
        let is_over = status == Some(DeskStatus::Idle) || must_expire(&sale, now_ms);
        if sale.is_paying || sale.ending.is_some() || !is_over {
            return Ok(sale);
        }
        // Disarmed by us or in the bank's cabinet, or its time is over.
        let ending = match sale.cancel_ms {
            None if now_ms >= sale.until_ms => Ending::Expired,
            Some(_) | None => Ending::Canceled,
        };
        Ok(self.end(&sale, ending).await?)
    }
}

fn armed_already(refusal: &Refusal) -> Failure {
    Failure {
        code: "desk_armed".into(),
        message: format!("The bank refuses to arm the desk's code: {}", refusal.message),
        hint: "It waits for another sum at the bank: wait until that is paid or over, or disarm \
               it where it was armed; then charge again"
            .into(),
    }
}

fn unreachable_bank() -> Failure {
    Failure {
        code: "bank_unavailable".into(),
        message: "The bank cannot be reached: the code is not armed".into(),
        hint: "Charge again in a moment".into(),
    }
}

fn unanswered() -> Failure {
    Failure {
        code: "desk_unanswered".into(),
        message: "The bank did not answer and the code is not armed".into(),
        hint: "Charge again; should somebody have paid all the same, the payment appears by itself"
            .into(),
    }
}

/// Drives a sale now and confirms its job, unless somebody is at it.
pub async fn drive_now(ctx: &Ctx, sale_id: &str) -> Result<(), DbError> {
    let (inner, id) = (ctx.clone(), sale_id.to_owned());
    let claimed: Result<Option<Job>, DbError> =
        ctx.db.write(move |tx| jobs::claim(tx, &inner.mint, flow::JOB, &id, inner.now_ms())).await;
    let Some(job) = claimed? else { return Ok(()) };
    let after = drive(ctx, &job).await.unwrap_or_else(|error| {
        tracing::error!(sale_id, "driving a sale failed: {error:#}");
        After::Retry { at_ms: ctx.now_ms() + TRY_AGAIN_MS, why: format!("{error:#}") }
    });
    let now_ms = ctx.now_ms();
    ctx.db.write(move |tx| jobs::finish(tx, &job, now_ms, &after)).await
}
