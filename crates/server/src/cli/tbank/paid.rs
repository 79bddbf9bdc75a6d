//! The cases that are payments as a shop makes them, through Kopeck's own books: links, captures,
//! refunds, receipts. An interrupted case is found there again.

use std::time::Duration;

use kopeck_banks::{
    op::{Answer, BankOp, CaptureMode, Outcome, PayMethod, TerminalOp},
    receipt::{PaymentMethod, Taxation},
    tbank::settings,
};
use serde_json::json;

use super::{
    Stage,
    cases::{Case, Goal},
    report::{Ending, Verdict, show_link},
    watch::until,
};
use crate::{
    cli::{
        address::notice_url,
        connect::{answer_of, strange},
        fail::Fail,
        find,
        init::steps::Steps,
        link,
        payment::{Wanted, capture_now, refund_now},
    },
    gateway::{
        flow::{Told, ask, ask_now, get_bank},
        store::list_notices,
    },
    kit::db::DbError,
    payments::{
        drive::{NOTHING_NEW, drive_now},
        flow::{NewPayment, record},
        model::{Means, Payment, Status},
        state::{self, Event},
        store::{self, PaymentFilter},
    },
    receipts::request::parse_receipt,
};

/// The bank sends its notice at once, and waits for the answer.
const NOTICE_WAIT: Duration = Duration::from_secs(20);
/// For what the bank does by itself: captures and refunds by card take seconds.
pub const BANK_WAIT: Duration = Duration::from_secs(60);
pub const OTHER_CARD: &str = "Run the case again and pay with the card that belongs to it: each \
                              works in its own case only";

pub async fn run(stage: &Stage<'_>, case: &Case, steps: &mut Steps) -> Result<Ending, Fail> {
    let mut payment = match latest(stage, case).await? {
        Some(known) if !stage.args.again && is_passed(stage, case, &known).await? => {
            return Ok(Ending { is_earlier: true, ..ending(&known, Verdict::Passed) });
        }
        Some(known) if may_go_on(stage, case, &known) => {
            steps.good(&format!("Goes on with {} of an earlier run", known.id))?;
            known
        }
        Some(_) | None => {
            let made = link::open(stage.world, stage.connection, order(stage, case)?).await?;
            let number = made.facts.bank_id.as_deref().unwrap_or("not known yet");
            steps.good(&format!("Init: PaymentId {number}, {} here", made.id))?;
            made
        }
    };
    let finished = finish(stage, case, &mut payment, steps).await;
    let verdict = finished.unwrap_or_else(|fail| Verdict::failed(fail.message, fail.hint));
    Ok(ending(&payment, verdict))
}

fn ending(payment: &Payment, verdict: Verdict) -> Ending {
    Ending {
        payment_id: Some(payment.id.clone()),
        bank_id: payment.facts.bank_id.clone(),
        ..Ending::new(verdict)
    }
}

fn order_id(case: &Case) -> String {
    format!("terminal-test-{}", case.number)
}

fn order(stage: &Stage<'_>, case: &Case) -> Result<NewPayment, Fail> {
    let args = stage.args;
    let method = if args.closing_receipt && case.goal == Goal::Paid {
        PaymentMethod::FullPrepayment
    } else {
        PaymentMethod::FullPayment
    };
    let capabilities = get_bank(&stage.connection.bank)?.capabilities();
    Ok(NewPayment {
        schedule: None,
        amount: args.amount,
        purpose: purpose(case),
        methods: vec![PayMethod::Card],
        capture: capture(stage),
        order_id: Some(order_id(case)),
        ttl_minutes: capabilities.default_ttl_minutes,
        success_url: None,
        fail_url: None,
        customer: None,
        receipt: case.has_receipt.then(|| receipt(stage, method)),
        rates_until_ms: None,
        metadata: "{}".to_owned(),
        means: Means::Payer,
        consent: None,
    })
}

/// The payer reads it.
pub fn purpose(case: &Case) -> String {
    format!("Тест-кейс {} терминала", case.number)
}

/// What contradicts the terminal's own setting makes the bank not count the case.
pub fn capture(stage: &Stage<'_>) -> CaptureMode {
    if stage.args.hold { CaptureMode::Manual } else { CaptureMode::Automatic }
}

fn receipt(stage: &Stage<'_>, method: PaymentMethod) -> String {
    let args = stage.args;
    let saved = stage.connection.credentials.find(settings::TAXATION);
    let taxation = args.taxation.or(saved.is_none().then_some(Taxation::Osn));
    let line = json!({
        "name": "Проверка чека", "price": args.amount.to_rubles(), "vat": "none",
        "method": method.as_str(), "subject": "service",
    });
    let taxation = taxation.map(|word| word.as_str());
    json!({ "email": args.email, "taxation": taxation, "items": [line] }).to_string()
}

/// The newest payment of this case at this terminal, as the bank sees it now.
async fn latest(stage: &Stage<'_>, case: &Case) -> Result<Option<Payment>, Fail> {
    let world = stage.world;
    let shop_id = world.shop.id.clone();
    let filter = PaymentFilter { order_id: Some(order_id(case)), ..PaymentFilter::default() };
    let found: Result<Vec<Payment>, DbError> =
        world.ctx.db.read(move |tx| store::list_payments(tx, &shop_id, &filter, 50)).await;
    let is_own = |payment: &Payment| payment.connection_id == stage.connection.id;
    match found?.into_iter().find(is_own) {
        Some(payment) => Ok(Some(look(stage, &payment, true).await?)),
        None => Ok(None),
    }
}

async fn is_passed(stage: &Stage<'_>, case: &Case, payment: &Payment) -> Result<bool, Fail> {
    let status = payment.status();
    if payment.capture != capture(stage) {
        return Ok(false);
    }
    Ok(match case.goal {
        Goal::Paid => status == Status::Paid,
        Goal::Refunded => status == Status::Refunded,
        Goal::Declined => {
            let is_known = stage.args.no_notice || has_notice(stage, payment).await?;
            payment.facts.declined && is_known
        }
        Goal::CardSaved | Goal::Charged => false,
    })
}

/// Whether an earlier payment still can become what the case wants.
fn may_go_on(stage: &Stage<'_>, case: &Case, payment: &Payment) -> bool {
    let is_same = payment.amount == stage.args.amount && payment.capture == capture(stage);
    is_same
        && match payment.status() {
            Status::Opening | Status::Open => true,
            Status::Authorized | Status::Capturing => case.goal != Goal::Declined,
            Status::Paid | Status::Refunding => case.goal == Goal::Refunded,
            Status::PartiallyRefunded
            | Status::Refunded
            | Status::Expired
            | Status::Canceled
            | Status::Failed
            | Status::AmountMismatch => false,
        }
}

/// The payment as it is known now; by the bank's own word where `asks`.
async fn look(stage: &Stage<'_>, payment: &Payment, asks: bool) -> Result<Payment, Fail> {
    let world = stage.world;
    if asks {
        drive_now(&world.ctx, &payment.id).await?;
    }
    let payment = find::again(world, payment).await?;
    let Some(bank_id) = payment.facts.bank_id.clone().filter(|_| asks) else {
        return Ok(payment);
    };
    let op = BankOp::GetPayment { bank_id };
    let Told { outcome, mut exchanges } = ask(&world.ctx, stage.connection, &op).await?;
    // Silence is nothing new: the next look asks again.
    let mut events = Vec::new();
    if let Outcome::Done(Answer::Payment(seen)) = outcome {
        let event = Event::Observed(seen);
        let applied = state::apply(&payment, &event);
        if applied.is_ok_and(|applied| applied.next == payment) {
            exchanges.iter_mut().for_each(|exchange| exchange.reply = NOTHING_NEW.to_owned());
        }
        events.push(event);
    }
    Ok(record(&world.ctx, &payment, events, exchanges, true).await?)
}

fn is_waiting(payment: &Payment) -> bool {
    match payment.status() {
        Status::Opening | Status::Open => true,
        // In one stage the bank captures by itself, a moment later.
        Status::Authorized => payment.capture == CaptureMode::Automatic,
        Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::Expired
        | Status::Canceled
        | Status::Failed
        | Status::AmountMismatch => false,
    }
}

async fn finish(
    stage: &Stage<'_>,
    case: &Case,
    payment: &mut Payment,
    steps: &mut Steps,
) -> Result<Verdict, Fail> {
    if is_waiting(payment) {
        let Some(url) = payment.facts.bank_url.clone() else {
            let next = "Run the case again in a minute: it goes on with this payment";
            return Ok(Verdict::failed("The bank has not answered Init yet", next));
        };
        show_link(stage, case, &url, payment.facts.bank_id.as_deref())?;
        let patience = Duration::from_millis(stage.args.timeout);
        let paid = until(stage, "waiting for the payer", patience, async |asks| {
            *payment = look(stage, payment, asks).await?;
            Ok((!is_waiting(payment)).then_some(()))
        });
        if paid.await?.is_none() {
            return Ok(Verdict::Unpaid);
        }
    }
    if case.goal == Goal::Declined {
        return declined(stage, payment, steps).await;
    }
    if let Some(verdict) = spoilt(stage, payment).await? {
        return Ok(verdict);
    }
    capture_hold(stage, payment, steps).await?;
    if case.has_receipt && case.goal == Goal::Paid && stage.args.closing_receipt {
        close_receipt(stage, payment, steps).await?;
    }
    if case.goal == Goal::Refunded {
        refund(stage, payment, steps).await
    } else {
        Ok(Verdict::Passed)
    }
}

/// Case 2: the bank counts it once somebody answered its notice.
async fn declined(
    stage: &Stage<'_>,
    payment: &Payment,
    steps: &mut Steps,
) -> Result<Verdict, Fail> {
    if !payment.facts.declined || payment.status() != Status::Failed {
        let status = payment.status().as_str();
        let reason = format!("The payment is {status}, and this case wants a declined one");
        return Ok(Verdict::failed(reason, OTHER_CARD));
    }
    let why = why_declined(stage, payment).await?;
    steps.good(&format!("REJECTED, as it must be{why}"))?;
    if stage.args.no_notice {
        return Ok(Verdict::Passed);
    }
    let patience = NOTICE_WAIT.min(Duration::from_millis(stage.args.timeout));
    let came = until(stage, "waiting for the bank's notice", patience, async |_| {
        Ok(has_notice(stage, payment).await?.then_some(()))
    });
    if came.await?.is_some() {
        steps.good("The bank's notice came and was answered with OK")?;
        return Ok(Verdict::Passed);
    }
    let url = notice_url(&stage.world.ctx.public_url, stage.connection);
    let reason =
        format!("It is declined as it must be, but the bank's notice did not come to {url}");
    let next = "The bank counts the case when its notice is answered: run `kopeck serve` where the \
                bank reaches it (https, port 443), tell the address with `kopeck init --bank tbank \
                --public-url URL`, and run the case again; --no-notice if notices go elsewhere";
    Ok(Verdict::failed(reason, next))
}

async fn has_notice(stage: &Stage<'_>, payment: &Payment) -> Result<bool, Fail> {
    let id = payment.id.clone();
    let notices: Result<_, DbError> =
        stage.world.ctx.db.read(move |tx| list_notices(tx, &id)).await;
    Ok(!notices?.is_empty())
}

/// The bank's reason, to be put behind a sentence.
async fn why_declined(stage: &Stage<'_>, payment: &Payment) -> Result<String, Fail> {
    let Some(bank_id) = payment.facts.bank_id.clone() else { return Ok(String::new()) };
    let op = BankOp::GetPayment { bank_id };
    let outcome = ask_now(&stage.world.ctx, stage.connection, &op).await?;
    let Outcome::Done(Answer::Payment(seen)) = outcome else { return Ok(String::new()) };
    Ok(reason_of(&seen))
}

pub fn reason_of(seen: &kopeck_banks::op::Observation) -> String {
    seen.decline.as_ref().map_or_else(String::new, |decline| {
        format!(": {} (the bank's code {})", decline.merchant.en, decline.bank_code)
    })
}

/// What became of a payment that should have been paid, when it was not.
async fn spoilt(stage: &Stage<'_>, payment: &Payment) -> Result<Option<Verdict>, Fail> {
    Ok(match payment.status() {
        Status::Failed => {
            let why = why_declined(stage, payment).await?;
            Some(Verdict::failed(format!("The payment was declined{why}"), OTHER_CARD))
        }
        status @ (Status::Expired | Status::Canceled | Status::AmountMismatch) => {
            let reason = format!("The payment is {}", status.as_str());
            Some(Verdict::failed(reason, "Run the case again"))
        }
        Status::Opening
        | Status::Open
        | Status::Authorized
        | Status::Capturing
        | Status::Paid
        | Status::Refunding
        | Status::PartiallyRefunded
        | Status::Refunded => None,
    })
}

/// Takes what is held, and waits until it is taken.
async fn capture_hold(
    stage: &Stage<'_>,
    payment: &mut Payment,
    steps: &mut Steps,
) -> Result<(), Fail> {
    if payment.status() == Status::Authorized {
        steps.good(&format!("AUTHORIZED: {} is held", payment.held().to_human()))?;
        *payment = capture_now(stage.world, payment, None).await?;
    }
    let taken = until(stage, "waiting for the capture", BANK_WAIT, async |asks| {
        *payment = look(stage, payment, asks).await?;
        Ok((payment.status() != Status::Capturing).then_some(()))
    });
    if taken.await?.is_none() {
        let next = "It happens at most once: run the case again in a minute, it goes on";
        return Err(Fail::new("capture_pending", "The capture is not confirmed yet", next));
    }
    steps.good(&format!("CONFIRMED: {} is paid", payment.facts.paid.to_human()))
}

async fn close_receipt(
    stage: &Stage<'_>,
    payment: &Payment,
    steps: &mut Steps,
) -> Result<(), Fail> {
    let bank_id = payment.facts.bank_id.clone().unwrap_or_default();
    let receipt = parse_receipt(&receipt(stage, PaymentMethod::FullPayment))?;
    let op = BankOp::Terminal(TerminalOp::ClosingReceipt { bank_id, receipt });
    let answer = answer_of(ask_now(&stage.world.ctx, stage.connection, &op).await?)?;
    let Answer::Accepted { done: true } = answer else { return Err(strange(answer)) };
    steps.good("SendClosingReceipt: the bank took the closing receipt")
}

async fn refund(
    stage: &Stage<'_>,
    payment: &mut Payment,
    steps: &mut Steps,
) -> Result<Verdict, Fail> {
    if payment.status() == Status::Paid {
        let reason = Some("terminal test".to_owned());
        *payment = refund_now(stage.world, payment.clone(), Wanted::Money(None), reason).await?.0;
    }
    let done = until(stage, "waiting for the refund", BANK_WAIT, async |asks| {
        *payment = look(stage, payment, asks).await?;
        Ok((payment.status() != Status::Refunding).then_some(()))
    });
    let done = done.await?;
    if payment.status() == Status::Refunded {
        steps.good(&format!("Cancel: {} is refunded", payment.refunded().to_human()))?;
        return Ok(Verdict::Passed);
    }
    let (reason, next) = match done {
        None => {
            let next = "It happens at most once: run the case again in a minute, it goes on";
            ("The refund is not confirmed yet".to_owned(), next)
        }
        Some(()) => {
            let status = payment.status().as_str();
            (format!("The payment is {status} after the refund"), "Run the case again")
        }
    };
    Ok(Verdict::failed(reason, next))
}
