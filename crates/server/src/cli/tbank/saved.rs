//! The cases of auto-payments: a payment that keeps the card, and a charge of the kept card. They
//! bypass Kopeck's books, which know no kept cards; the journal has every call.

use std::time::Duration;

use kopeck_banks::{
    bank::Step,
    op::{
        Answer, BankOp, BankStatus, CaptureMode, CardOp, CreateLink, Observation, Outcome,
        PayMethod, RefusalClass, SavedCharge,
    },
};

use super::{
    Stage,
    cases::Case,
    paid::{BANK_WAIT, OTHER_CARD, capture, purpose, reason_of},
    report::{Ending, Verdict, show_link},
    watch::until,
};
use crate::{
    cli::{
        address::notice_url,
        connect::{answer_of, strange},
        fail::Fail,
        init::steps::Steps,
    },
    gateway::flow::{ask_now, get_bank, refusal_of},
    kit::clock::{MINUTE_MS, timestamp},
    payments::flow::reference,
};

/// The customer of these cases alone, so that their card is found again.
const PAYER: &str = "kopeck-terminal-test";
/// From the payment to its RebillId in the bank's list.
const CARD_WAIT: Duration = Duration::from_secs(20);

/// Case 5.
pub async fn keep(stage: &Stage<'_>, case: &Case, steps: &mut Steps) -> Result<Ending, Fail> {
    if !stage.args.again && find_charge_id(stage).await?.is_some() {
        return Ok(Ending { is_earlier: true, ..Ending::new(Verdict::Passed) });
    }
    let link = CreateLink { save_card: true, ..payment(stage, case)? };
    let answer = ask(stage, BankOp::CreateLink(link)).await?;
    let Answer::Link { bank_id, url } = answer else { return Err(strange(answer)) };
    steps.good(&format!("Init with Recurrent=Y: PaymentId {bank_id}"))?;
    show_link(stage, case, &url, Some(&bank_id))?;
    let patience = Duration::from_millis(stage.args.timeout);
    let waited = watch(stage, &bank_id, "waiting for the payer", (patience, holds(stage))).await?;
    let Some(seen) = waited else { return Ok(Ending::of_bank(&bank_id, Verdict::Unpaid)) };
    let verdict = match settle(stage, &bank_id, seen, steps).await? {
        Some(spoilt) => spoilt,
        None => {
            let found = until(stage, "waiting for the RebillId", CARD_WAIT, async |asks| {
                if asks { find_charge_id(stage).await } else { Ok(None) }
            });
            match found.await? {
                Some(_) => {
                    steps.good("GetCardList: the card is kept, with a RebillId to charge it by")?;
                    Verdict::Passed
                }
                None => Verdict::failed(
                    "The payment succeeded, but the bank gave no RebillId",
                    "Ask the bank's support to switch auto-payments on for this terminal",
                ),
            }
        }
    };
    Ok(Ending::of_bank(&bank_id, verdict))
}

/// Case 6.
pub async fn charge(stage: &Stage<'_>, case: &Case, steps: &mut Steps) -> Result<Ending, Fail> {
    let Some(charge_id) = find_charge_id(stage).await? else {
        let next = "Run case 5 first: kopeck tbank terminal-tests --case 5,6";
        return Ok(Ending::new(Verdict::failed("The bank keeps no card of case 5", next)));
    };
    let link = CreateLink { saved_charge: Some(SavedCharge::Recurring), ..payment(stage, case)? };
    let answer = ask(stage, BankOp::CreateLink(link)).await?;
    // Nobody goes to a page here, so an answer without its address is as good.
    let (Answer::Link { bank_id, .. }
    | Answer::Payment(Observation { bank_id: Some(bank_id), .. })) = answer
    else {
        return Err(strange(answer));
    };
    steps.good(&format!("Init: PaymentId {bank_id}"))?;
    let op = CardOp::Charge { bank_id: bank_id.clone(), charge_id, email: None };
    let outcome = ask_now(&stage.world.ctx, stage.connection, &BankOp::Card(op)).await?;
    let answered = match outcome {
        Outcome::Done(Answer::Payment(seen)) => Some(seen).filter(is_final),
        // A charge without an answer is asked about, never repeated.
        Outcome::Unknown { .. } => None,
        outcome @ (Outcome::Done(_)
        | Outcome::Refused(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }) => {
            let no = refusal_of(outcome);
            return Ok(Ending::of_bank(&bank_id, Verdict::failed(no.message, no.hint)));
        }
    };
    let seen = match answered {
        Some(seen) => Some(seen),
        None => watch(stage, &bank_id, "waiting for the bank", (BANK_WAIT, holds(stage))).await?,
    };
    let verdict = match seen {
        Some(seen) => settle(stage, &bank_id, seen, steps).await?.unwrap_or(Verdict::Passed),
        None => Verdict::failed(
            "What became of the charge is not known yet",
            "Look at it in the bank's cabinet before the case is run again",
        ),
    };
    Ok(Ending::of_bank(&bank_id, verdict))
}

async fn ask(stage: &Stage<'_>, op: BankOp) -> Result<Answer, Fail> {
    answer_of(ask_now(&stage.world.ctx, stage.connection, &op).await?)
}

/// What both payments have in common. An address that the bank does not take is left out.
fn payment(stage: &Stage<'_>, case: &Case) -> Result<CreateLink, Fail> {
    let (ctx, connection) = (&stage.world.ctx, stage.connection);
    let bank = get_bank(&connection.bank)?;
    let ttl_minutes = bank.capabilities().default_ttl_minutes;
    let order_id = format!("terminal-test-{}", case.number);
    let link = CreateLink {
        reference: reference(Some(&order_id), &ctx.mint.code(10)),
        amount: stage.args.amount,
        purpose: purpose(case),
        methods: vec![PayMethod::Card],
        capture: capture(stage),
        ttl_minutes,
        expires_at: Some(timestamp(ctx.now_ms() + i64::from(ttl_minutes) * MINUTE_MS)),
        notice_url: Some(notice_url(&ctx.public_url, connection)),
        payer_id: Some(PAYER.to_owned()),
        ..CreateLink::default()
    };
    let op = BankOp::CreateLink(link.clone());
    let is_address_refused = matches!(bank.start(&connection.credentials, &op),
        Step::Done(Outcome::Refused(refusal)) if refusal.param == Some("notice_url"));
    let notice_url = link.notice_url.clone().filter(|_| !is_address_refused);
    Ok(CreateLink { notice_url, ..link })
}

/// The RebillId of the card that case 5 kept, if the bank has one.
async fn find_charge_id(stage: &Stage<'_>) -> Result<Option<String>, Fail> {
    let op = BankOp::Card(CardOp::List { payer_id: PAYER.to_owned() });
    match ask_now(&stage.world.ctx, stage.connection, &op).await? {
        Outcome::Done(Answer::Cards(cards)) => {
            let active = cards.into_iter().rev().filter(|card| card.is_active != Some(false));
            Ok(active.filter_map(|card| card.charge_id).find(|id| !id.is_empty()))
        }
        Outcome::Refused(refusal) if refusal.class == RefusalClass::NotFound => Ok(None),
        outcome @ (Outcome::Done(_)
        | Outcome::Refused(_)
        | Outcome::Busy { .. }
        | Outcome::NotSent { .. }
        | Outcome::Unknown { .. }) => Err(refusal_of(outcome).into()),
    }
}

fn holds(stage: &Stage<'_>) -> bool {
    capture(stage) == CaptureMode::Manual
}

/// Whether nothing more comes by itself; a hold in one stage is captured by the bank.
fn is_final(seen: &Observation) -> bool {
    seen.status.is_some_and(|status| match status {
        BankStatus::Created | BankStatus::InProgress => false,
        BankStatus::Authorized
        | BankStatus::Paid
        | BankStatus::Refunding
        | BankStatus::PartiallyRefunded
        | BankStatus::Refunded
        | BankStatus::Expired
        | BankStatus::Canceled
        | BankStatus::Declined => true,
    })
}

/// Asks until nothing more comes by itself. `holds`: what is held is such a state too.
async fn watch(
    stage: &Stage<'_>,
    bank_id: &str,
    what: &str,
    (patience, holds): (Duration, bool),
) -> Result<Option<Observation>, Fail> {
    let op = BankOp::GetPayment { bank_id: bank_id.to_owned() };
    until(stage, what, patience, async |asks| {
        if !asks {
            return Ok(None);
        }
        let outcome = ask_now(&stage.world.ctx, stage.connection, &op).await?;
        let Outcome::Done(Answer::Payment(seen)) = outcome else { return Ok(None) };
        let is_held = seen.status == Some(BankStatus::Authorized);
        Ok(Some(seen).filter(|seen| is_final(seen) && (holds || !is_held)))
    })
    .await
}

/// Takes a hold; `None` when the payment is paid then.
async fn settle(
    stage: &Stage<'_>,
    bank_id: &str,
    seen: Observation,
    steps: &mut Steps,
) -> Result<Option<Verdict>, Fail> {
    let mut seen = seen;
    if seen.status == Some(BankStatus::Authorized) {
        if holds(stage) {
            steps.good("AUTHORIZED: the money is held")?;
            let amount = stage.args.amount;
            let bank_id = bank_id.to_owned();
            let op = BankOp::Capture { bank_id, amount, authorized: amount, receipt: None };
            // Refused or unanswered, what the bank says of the payment decides.
            let _ = ask_now(&stage.world.ctx, stage.connection, &op).await?;
        }
        let wait = (BANK_WAIT, false);
        let taken = watch(stage, bank_id, "waiting for the capture", wait);
        match taken.await? {
            Some(now) => seen = now,
            None => {
                let reason = "The money is held and not captured yet";
                return Ok(Some(Verdict::failed(reason, "Look at it in the bank's cabinet")));
            }
        }
    }
    if seen.status == Some(BankStatus::Paid) {
        steps.good(&format!("CONFIRMED: {} is paid", stage.args.amount.to_human()))?;
        return Ok(None);
    }
    let reason = match seen.status {
        Some(BankStatus::Declined) => format!("The payment was declined{}", reason_of(&seen)),
        Some(BankStatus::Expired | BankStatus::Canceled) => "The link ended unpaid".to_owned(),
        Some(
            BankStatus::Created
            | BankStatus::InProgress
            | BankStatus::Authorized
            | BankStatus::Paid
            | BankStatus::Refunding
            | BankStatus::PartiallyRefunded
            | BankStatus::Refunded,
        )
        | None => "The payment did not stay paid".to_owned(),
    };
    Ok(Some(Verdict::failed(reason, OTHER_CARD)))
}
