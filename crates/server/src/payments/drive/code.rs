//! Codes of SBP: the one that a bank makes for a payment it keeps, and payments that are a code.
//!
//! The latter have no list of refunds. What is sent back is a transfer of its own, asked about by
//! the bank's name of it; one whose answer was lost has no name: it is never sent again, but looked
//! for in the account's statement.

use jiff::civil::Date;
use kopeck_banks::op::{
    Answer, BankOp, BankStatus, CodeOp, CodeState, Observation, Outcome, QrAsked,
    RefundState as BankRefund, SbpOp, SbpWord, StatementLine, StatementOp, StatementState,
    TransferStatus,
};

use super::{Driver, Stepped, TRY_AGAIN_MS, wait_ms};
use crate::{
    gateway::{
        flow::Told,
        store::{Exchange, insert_exchange},
    },
    kit::{
        clock::{DAY_MS, HOUR_MS, SECOND_MS, timestamp},
        db::DbError,
    },
    payments::{
        flow,
        model::{Failure, Payment, Refund, RefundState},
        schedule,
        state::Event,
        store,
    },
};

/// Codes of one request: as many as the bank's folder lets through.
const MAX_BATCH: i64 = 50;
/// Codes to be looked at within this time are looked at together.
const AHEAD_MS: i64 = 30 * SECOND_MS;
/// How long a refund without a name is looked for: longer than any transfer in SBP takes, and a
/// statement of its day is complete.
const SOUGHT_FOR_MS: i64 = DAY_MS;
/// Moscow is three hours ahead all year.
const MOSCOW_MS: i64 = 3 * HOUR_MS;

impl Driver<'_> {
    /// Asks for the QR code of a payment that the bank keeps. Without it the bank's page does.
    pub(super) async fn fetch_qr(&self, payment: Payment) -> anyhow::Result<Stepped> {
        let Some(bank_id) = payment.facts.bank_id.clone() else {
            return Ok(self.pause(TRY_AGAIN_MS));
        };
        let asked = Event::QrAsked { at_ms: self.ctx.now_ms() };
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        let op = BankOp::Sbp(SbpOp::Qr { bank_id: bank_id.clone(), asked: QrAsked::default() });
        let Told { outcome, exchanges } = self.ask(&op).await?;
        if let Outcome::Done(Answer::Qr(qr)) = &outcome {
            flow::charge::begin_account(self.ctx, &payment, qr).await?;
        }
        let event = match outcome {
            Outcome::Done(Answer::Qr(qr)) => Some(Event::Observed(Observation {
                bank_id: Some(bank_id),
                qr_payload: Some(qr.content),
                ..Observation::default()
            })),
            Outcome::Refused(_) => Some(Event::QrRefused),
            Outcome::Done(_)
            | Outcome::Busy { .. }
            | Outcome::NotSent { .. }
            | Outcome::Unknown { .. } => None,
        };
        let events = event.into_iter().collect();
        Ok(Stepped::On(Box::new(self.record(&payment, events, exchanges).await?)))
    }

    /// Reads the state of a code, and in the same request those of others that are soon to be asked
    /// about: a shop with many open codes asks for fifty of them at once.
    pub(super) async fn look_at_codes(
        &self,
        payment: &Payment,
        code_id: String,
    ) -> anyhow::Result<Told> {
        let (connection_id, own_id) = (payment.connection_id.clone(), payment.id.clone());
        let listed: Result<Vec<Payment>, DbError> = self
            .ctx
            .db
            .read(move |tx| store::list_open_codes(tx, &connection_id, &own_id, MAX_BATCH - 1))
            .await;
        let soon_ms = self.ctx.now_ms() + AHEAD_MS;
        let mut others = listed?;
        others.retain(|other| schedule::is_look_due(other, soon_ms));
        let ids = others.iter().filter_map(|other| other.facts.bank_id.clone());
        let code_ids = [code_id.clone()].into_iter().chain(ids).collect();
        let op = BankOp::Sbp(SbpOp::Code(CodeOp::States { code_ids }));
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let Outcome::Done(Answer::Sbp(SbpWord::States(states))) = outcome else {
            return Ok(Told { outcome, exchanges });
        };
        let own = states.iter().find(|state| state.code_id == code_id).map(CodeState::observation);
        self.note_others(others, states, &exchanges).await?;
        let outcome = match own {
            Some(seen) => Outcome::Done(Answer::Payment(seen)),
            None => Outcome::Unknown { why: "it is not about the code asked for".into() },
        };
        Ok(Told { outcome, exchanges })
    }

    /// Applies what was heard of the other codes. Those of which the bank says nothing ask for
    /// themselves when their time comes, since then its list of payments has to be read.
    async fn note_others(
        &self,
        others: Vec<Payment>,
        states: Vec<CodeState>,
        journal: &[Exchange],
    ) -> anyhow::Result<()> {
        if others.is_empty() {
            return Ok(());
        }
        let (ctx, journal) = (self.ctx.clone(), journal.to_vec());
        let noted: Result<(), DbError> = self
            .ctx
            .db
            .write(move |tx| {
                for other in &others {
                    let is_it = |state: &&CodeState| {
                        Some(&state.code_id) == other.facts.bank_id.as_ref()
                            && state.status.is_some()
                    };
                    let Some(state) = states.iter().find(is_it) else { continue };
                    let seen = state.observation();
                    let noted = flow::observe(tx, &ctx, &other.connection_id, &seen)?;
                    store::touch_payment(tx, other, ctx.now_ms())?;
                    if noted.is_some_and(|(_, is_news)| is_news) {
                        for exchange in &journal {
                            let copy = Exchange { id: ctx.mint.id("ex"), ..exchange.clone() };
                            insert_exchange(tx, &copy, Some(&other.id))?;
                        }
                    }
                }
                Ok(())
            })
            .await;
        Ok(noted?)
    }

    /// What the list of payments tells of a code of which the bank says nothing else any more:
    /// because it ended, or because it was paid long ago. `None`: the list was not to be had, and
    /// without it nothing is known.
    pub(super) async fn look_in_list(
        &self,
        payment: &Payment,
        seen: Observation,
        journal: &mut Vec<Exchange>,
    ) -> anyhow::Result<Option<Observation>> {
        let day = |ms: i64| timestamp(ms).to_zoned(jiff::tz::TimeZone::UTC).date();
        let op = BankOp::Sbp(SbpOp::Payments {
            code_id: seen.bank_id.clone(),
            // The bank's days are Moscow's, its clock is its own.
            from: day(payment.created_ms - DAY_MS),
            to: day(self.ctx.now_ms() + DAY_MS),
            page: 1,
        });
        let Told { outcome, exchanges } = self.ask(&op).await?;
        journal.extend(exchanges);
        let Outcome::Done(Answer::Sbp(SbpWord::Payments(list))) = outcome else {
            return Ok(None);
        };
        let own = list.items.iter().filter(|one| Some(&one.code_id) == seen.bank_id.as_ref());
        let paid = own.max_by_key(|one| one.status == Some(BankStatus::Paid));
        Ok(Some(paid.map_or(seen, |paid| paid.observation())))
    }

    /// Sends what came by a code back. Nothing at the bank makes such a request unique.
    pub(super) async fn send_back(&self, payment: Payment, id: String) -> anyhow::Result<Stepped> {
        let asked = Event::RefundAsked { id: id.clone(), at_ms: self.ctx.now_ms() };
        let payment = self.record(&payment, vec![asked], vec![]).await?;
        let refund = payment.refunds.iter().find(|refund| refund.id == id).cloned();
        let Some((bank_id, refund)) = payment.facts.bank_id.clone().zip(refund) else {
            return Ok(self.pause(TRY_AGAIN_MS));
        };
        let op = BankOp::Refund {
            bank_id,
            amount: refund.amount,
            request_id: id.clone(),
            receipt: None,
            sbp_member: None,
            transfer: payment.facts.transfer.clone(),
        };
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let wait_ms = wait_ms(&outcome);
        let (events, is_over) = match outcome {
            Outcome::Done(Answer::Sbp(SbpWord::Refund(state))) => {
                let is_over = is_final(&state);
                (became(&payment, &refund, state), is_over)
            }
            Outcome::Refused(refusal) => {
                (vec![Event::RefundRefused { id, failure: Failure::from(&refusal) }], true)
            }
            Outcome::Busy { .. } | Outcome::NotSent { .. } => {
                (vec![Event::RefundNotSent { id }], false)
            }
            Outcome::Done(_) | Outcome::Unknown { .. } => (vec![], false),
        };
        let next = self.record(&payment, events, exchanges).await?;
        Ok(if is_over { Stepped::On(Box::new(next)) } else { self.pause(wait_ms) })
    }

    /// Asks what became of it, where the bank named it.
    pub(super) async fn settle_back(
        &self,
        payment: Payment,
        id: String,
    ) -> anyhow::Result<Stepped> {
        let refund = payment.refunds.iter().find(|refund| refund.id == id).cloned();
        let Some(refund) = refund else { return Ok(self.pause(TRY_AGAIN_MS)) };
        let Some(refund_id) = refund.bank_request_id.clone() else {
            return self.seek(payment, refund).await;
        };
        let op = BankOp::Sbp(SbpOp::FindRefund { refund_id });
        let Told { outcome, exchanges } = self.ask(&op).await?;
        let Outcome::Done(Answer::Sbp(SbpWord::Refund(state))) = outcome else {
            self.record(&payment, vec![], exchanges).await?;
            let wait_ms = wait_ms(&outcome).max(self.running_wait_ms(refund.created_ms));
            return Ok(self.pause(wait_ms));
        };
        let is_over = is_final(&state);
        let events = became(&payment, &refund, state);
        let next = self.record(&payment, events, exchanges).await?;
        let wait_ms = self.running_wait_ms(refund.created_ms);
        Ok(if is_over { Stepped::On(Box::new(next)) } else { self.pause(wait_ms) })
    }

    /// Looks for a refund without a name in the account's statement: its purpose holds our id. One
    /// that is not there a day later never was, or failed, which is the same to the money.
    async fn seek(&self, payment: Payment, refund: Refund) -> anyhow::Result<Stepped> {
        let RefundState::Asked { at_ms, .. } = refund.state else {
            return Ok(Stepped::On(Box::new(payment)));
        };
        let credentials = &self.connection.credentials;
        let account = credentials.find("sbp_account_id").or_else(|| credentials.find("account_id"));
        let account_id = account.unwrap_or_default().to_owned();
        let day = |ms: i64| timestamp(ms).to_zoned(jiff::tz::TimeZone::UTC).date();
        let op = match refund.statement_id.clone() {
            Some(statement_id) => StatementOp::Read { account_id, statement_id },
            // The bank's days are Moscow's, its clock is its own.
            None => StatementOp::Ask { account_id, from: day(at_ms - DAY_MS), to: self.today() },
        };
        let Told { outcome, exchanges } = self.ask(&BankOp::Statement(op)).await?;
        let Outcome::Done(Answer::Statement(statement)) = outcome else {
            let id = &payment.id;
            tracing::warn!(id, "a refund's answer was lost, and the statement cannot be read");
            self.record(&payment, vec![], exchanges).await?;
            return Ok(self.pause(wait_ms(&outcome).max(self.running_wait_ms(at_ms))));
        };
        let sought = |statement_id| Event::RefundSought { id: refund.id.clone(), statement_id };
        let (events, wait_ms) = match statement.state {
            StatementState::Making => (vec![sought(Some(statement.id))], TRY_AGAIN_MS),
            StatementState::Failed => (vec![sought(None)], self.running_wait_ms(at_ms)),
            StatementState::Ready(lines) => {
                let is_it = |line: &&StatementLine| {
                    !line.is_credit
                        && line.amount == refund.amount
                        && line.purpose.contains(&refund.id)
                };
                let found = lines.iter().find(is_it);
                let is_old = self.ctx.now_ms() - at_ms > SOUGHT_FOR_MS;
                match found {
                    Some(line) if line.is_booked => (done(&payment, &refund, &refund.id), 0),
                    None if is_old => (vec![never_was(&refund)], 0),
                    Some(_) | None => (vec![sought(None)], self.running_wait_ms(at_ms)),
                }
            }
        };
        let next = self.record(&payment, events, exchanges).await?;
        Ok(if wait_ms == 0 { Stepped::On(Box::new(next)) } else { self.pause(wait_ms) })
    }

    /// Moscow's, where the bank's clock is.
    fn today(&self) -> Date {
        timestamp(self.ctx.now_ms() + MOSCOW_MS).to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

fn is_final(state: &BankRefund) -> bool {
    matches!(state.status, Some(TransferStatus::Done | TransferStatus::Failed))
}

/// What the bank's word about a refund means for it. Nothing lists it: the bank's word is the
/// listing.
fn became(payment: &Payment, refund: &Refund, state: BankRefund) -> Vec<Event> {
    let id = refund.id.clone();
    let taken = Event::RefundTaken { id: id.clone(), bank_request_id: state.refund_id.clone() };
    match state.status {
        Some(TransferStatus::Done) => {
            let mut events = vec![taken];
            events.extend(done(payment, refund, &state.refund_id));
            events
        }
        Some(TransferStatus::Failed) => {
            let failure = transfer_failed(state.reason.as_deref());
            vec![taken, Event::RefundRefused { id, failure }]
        }
        Some(TransferStatus::Running) | None => vec![taken],
    }
}

fn done(payment: &Payment, refund: &Refund, bank_refund_id: &str) -> Vec<Event> {
    vec![
        Event::RefundAccepted { id: refund.id.clone() },
        Event::Observed(Observation {
            bank_id: payment.facts.bank_id.clone(),
            refunds: [(bank_refund_id.to_owned(), refund.amount)].into(),
            ..Observation::default()
        }),
    ]
}

fn never_was(refund: &Refund) -> Event {
    let failure = Failure {
        code: "refund_not_found".into(),
        message: "The bank did not answer the refund, and the account's statement does not show it"
            .into(),
        hint:
            "Look at the account in the bank's cabinet; if the money is still there, ask for the \
               refund again"
                .into(),
    };
    Event::RefundRefused { id: refund.id.clone(), failure }
}

fn transfer_failed(reason: Option<&str>) -> Failure {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    Failure {
        code: "refund_transfer_failed".into(),
        message: format!("The bank took the refund, and its transfer failed{reason}"),
        hint: "The money is still with you. Ask for the refund again; if it fails again, agree \
               with the payer on another way"
            .into(),
    }
}
