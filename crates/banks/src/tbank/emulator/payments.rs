//! The only code that moves money: pay, hold, confirm, cancel, decline, expire. Each change of a
//! payment's status happens here. Transient statuses end by themselves (`Timing::transient_ms`).

use super::{
    TbankEmulator, directory,
    problem::Problem,
    state::{CardUse, ChargeFate, Next, Payment, SavedCard, Step, pair},
    status::{Source, Status},
    time::{DAY_MS, HOUR_MS},
};
use crate::money::Money;

/// `CardId` and `RebillId` are numbers at the bank, the latter of up to 13 digits.
const CARD_BASE: u64 = 322_000_000;
const REBILL_BASE: u64 = 1_763_720_000_000;
const RRN_BASE: u64 = 532_500_000_000;
/// What a wallet pays with.
const WALLET_CARD: (&str, &str) = ("220138******0013", "1230");
/// A 3-D Secure question waits this long.
const CHALLENGE_MS: i64 = 36 * HOUR_MS;
/// What the SBP and its banks answer.
const SBP_CODES: std::ops::RangeInclusive<u32> = 5_031..=5_067;
/// NSPK: five attempts of a refund a day.
const SBP_REFUNDS_A_DAY: usize = 5;

/// A masked number and its expiry, `MMYY`.
pub(super) type CardFace = (String, String);

/// What an accepted cancel changed: the sums before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Canceled {
    pub(super) original: Money,
    pub(super) new: Money,
}

fn enter(payment: &mut Payment, now_ms: i64, status: Status) {
    payment.status = status;
    payment.history.push((now_ms, status));
}

impl TbankEmulator {
    /// What time alone changes: transients end, links and 3-D Secure questions expire.
    pub(super) fn ring_alarms(&mut self, now_ms: i64) {
        while let Some((at_ms, id)) = self.state.alarms.first().copied() {
            if at_ms > now_ms {
                break;
            }
            self.state.alarms.pop_first();
            self.run_step(at_ms, id);
            self.end_in_time(at_ms, id);
        }
    }

    /// What is over by itself: a link that nobody paid, a hold that nobody took.
    fn end_in_time(&mut self, now_ms: i64, id: u64) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        if payment.step.is_some() {
            return;
        }
        if payment.status.is_open() && payment.expires_ms <= now_ms {
            enter(payment, now_ms, Status::DeadlineExpired);
        } else if payment.status.is_held() && payment.hold_ends_ms.is_some_and(|end| end <= now_ms)
        {
            self.lapse(now_ms, id);
        }
    }

    /// The card's bank gave the hold back.
    fn lapse(&mut self, now_ms: i64, id: u64) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        payment.held = Money::ZERO;
        enter(payment, now_ms, Status::Reversed);
        self.announce(now_ms, id, Status::Reversed);
    }

    fn schedule(&mut self, now_ms: i64, id: u64, next: Next, delay_ms: i64) {
        let due_ms = now_ms.saturating_add(delay_ms.max(0));
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        payment.step = Some(Step { next, due_ms });
        if due_ms <= now_ms {
            self.run_step(now_ms, id);
        } else {
            self.state.alarms.insert((due_ms, id));
        }
    }

    /// Ends a transient status whose time has come.
    fn run_step(&mut self, now_ms: i64, id: u64) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        let Some(step) = payment.step.take_if(|step| step.due_ms <= now_ms) else { return };
        match step.next {
            Next::Authorize => self.authorize(now_ms, id),
            Next::Capture { amount } => {
                payment.captured = amount;
                payment.held = Money::ZERO;
                payment.paid_ms = Some(now_ms);
                let is_pair = !payment.two_stage && payment.source != Some(Source::Sbp);
                enter(payment, now_ms, Status::Confirmed);
                self.announce_paid(now_ms, id, is_pair);
            }
            Next::Reverse { amount } => {
                payment.held = payment.held.minus_or_zero(amount);
                let is_all = payment.held.is_zero();
                let status = if is_all { Status::Reversed } else { Status::PartialReversed };
                enter(payment, now_ms, status);
                self.announce(now_ms, id, status);
            }
            Next::Refund { amount } => {
                payment.refunded = payment.refunded.checked_add(amount).unwrap_or(payment.captured);
                let is_all = payment.rest().is_zero();
                let status = if is_all { Status::Refunded } else { Status::PartialRefunded };
                enter(payment, now_ms, status);
                self.announce(now_ms, id, status);
                self.register_refund(now_ms, id, amount);
            }
            Next::SettleSbp => self.settle_charged_account(now_ms, id),
        }
    }

    fn authorize(&mut self, now_ms: i64, id: u64) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        let amount = payment.amount;
        payment.held = amount;
        if payment.source == Some(Source::Sbp) {
            // The SBP knows no holds.
            enter(payment, now_ms, Status::Confirming);
            let transient_ms = self.state.timing.transient_ms;
            return self.schedule(now_ms, id, Next::Capture { amount }, transient_ms);
        }
        enter(payment, now_ms, Status::Authorized);
        if payment.two_stage {
            let end_ms = now_ms.saturating_add(self.state.timing.hold_ms.max(0));
            payment.hold_ends_ms = Some(end_ms);
            self.state.alarms.insert((end_ms, id));
            return self.announce(now_ms, id, Status::Authorized);
        }
        enter(payment, now_ms, Status::Confirming);
        let transient_ms = self.state.timing.transient_ms;
        self.schedule(now_ms, id, Next::Capture { amount }, transient_ms);
    }

    pub(super) fn open_form(&mut self, now_ms: i64, id: u64) {
        if let Some(payment) = self.state.payments.get_mut(&id)
            && payment.status == Status::New
        {
            enter(payment, now_ms, Status::FormShowed);
        }
    }

    /// The payer paid, or the bank charged what the payer has bound.
    pub(super) fn approve(
        &mut self,
        now_ms: i64,
        id: u64,
        source: Source,
        card: Option<CardFace>,
    ) -> Result<(), String> {
        let payment = self.state.payments.get(&id).ok_or("There is no such payment.")?;
        if !payment.status.is_open() {
            let status = payment.status.as_str();
            return Err(format!("A payment can be paid while NEW or FORM_SHOWED, not {status}."));
        }
        let card = match source {
            Source::Cards | Source::TinkoffPay | Source::MirPay => {
                let wallet = || (WALLET_CARD.0.to_owned(), WALLET_CARD.1.to_owned());
                self.use_card(id, card.unwrap_or_else(wallet))
            }
            Source::Sbp | Source::SberPay | Source::Bnpl => None,
        };
        let rrn = self.state.mint.number(RRN_BASE);
        let sbp_id = (source == Source::Sbp).then(|| self.state.mint.sbp("A5"));
        let Some(payment) = self.state.payments.get_mut(&id) else { return Ok(()) };
        if payment.status == Status::ThreeDsChecking {
            enter(payment, now_ms, Status::ThreeDsChecked);
        }
        payment.challenged = None;
        payment.source = Some(source);
        payment.card = card;
        payment.rrn = Some(rrn);
        payment.sbp_payment_id = sbp_id;
        "0".clone_into(&mut payment.error_code);
        if source == Source::Sbp {
            // Two stages end where the SBP begins.
            payment.two_stage = false;
        }
        enter(payment, now_ms, Status::Authorizing);
        if source == Source::Sbp {
            self.bind_account_with_payment(now_ms, id);
        }
        let transient_ms = self.state.timing.transient_ms;
        self.schedule(now_ms, id, Next::Authorize, transient_ms);
        Ok(())
    }

    /// The payer's card, kept for the customer when there is one: the bank's automatic binding.
    fn use_card(&mut self, id: u64, (pan, expiry): CardFace) -> Option<CardUse> {
        let payment = self.state.payments.get(&id)?;
        let (terminal, recurrent) = (payment.terminal.clone(), payment.recurrent);
        let Some(customer_key) = payment.customer_key.clone() else {
            let card_id = self.state.mint.number(CARD_BASE);
            return Some(CardUse { card_id, pan, expiry, rebill_id: None });
        };
        self.save_card(&terminal, &customer_key, (pan, expiry), recurrent)
    }

    /// The saved card, the same one for the same number.
    pub(super) fn save_card(
        &mut self,
        terminal: &str,
        customer_key: &str,
        (pan, expiry): CardFace,
        recurrent: bool,
    ) -> Option<CardUse> {
        let known = self.state.cards.values().find(|card| {
            card.terminal == terminal
                && card.customer_key == customer_key
                && card.pan == pan
                && !card.is_deleted
        });
        let card_id = match known {
            Some(card) => card.id.clone(),
            None => {
                let id = self.state.mint.number(CARD_BASE);
                self.state.customers.entry(pair(terminal, customer_key)).or_default();
                let card = SavedCard {
                    id: id.clone(),
                    terminal: terminal.to_owned(),
                    customer_key: customer_key.to_owned(),
                    pan,
                    expiry,
                    rebill_id: None,
                    is_deleted: false,
                    fate: ChargeFate::Valid,
                };
                self.state.cards.insert(id.clone(), card);
                id
            }
        };
        let rebill_id = self.state.mint.number(REBILL_BASE);
        let card = self.state.cards.get_mut(&card_id)?;
        if recurrent && card.rebill_id.is_none() {
            card.rebill_id = Some(rebill_id);
        }
        let rebill_id = card.rebill_id.clone().filter(|_| recurrent);
        let (pan, expiry) = (card.pan.clone(), card.expiry.clone());
        Some(CardUse { card_id, pan, expiry, rebill_id })
    }

    /// The payer's bank wants its password.
    pub(super) fn challenge(&mut self, now_ms: i64, id: u64, card: CardFace) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        enter(payment, now_ms, Status::Authorizing);
        enter(payment, now_ms, Status::ThreeDsChecking);
        payment.challenged = Some(card);
        payment.expires_ms = now_ms.saturating_add(CHALLENGE_MS);
        self.state.alarms.insert((payment.expires_ms, id));
    }

    /// An attempt failed. The terminal's last one makes the payment `REJECTED`, which is announced;
    /// `AUTH_FAIL` before it is not. The SBP knows none: its form is just open again.
    pub(super) fn decline(&mut self, now_ms: i64, id: u64, code: &str, is_last: bool) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        payment.declines.push(code.to_owned());
        code.clone_into(&mut payment.error_code);
        payment.challenged = None;
        let terminal = directory::find_terminal(&payment.terminal);
        let attempts = terminal.map_or(1, |terminal| terminal.attempts);
        let is_last = is_last || u32::try_from(payment.declines.len()).is_ok_and(|n| n >= attempts);
        if payment.status != Status::ThreeDsChecking {
            enter(payment, now_ms, Status::Authorizing);
        }
        let is_sbp = code.parse().is_ok_and(|code| SBP_CODES.contains(&code));
        match (is_sbp, is_last) {
            (false, _) => enter(payment, now_ms, Status::AuthFail),
            (true, false) => enter(payment, now_ms, Status::FormShowed),
            (true, true) => {}
        }
        if is_last {
            enter(payment, now_ms, Status::Rejected);
            self.announce(now_ms, id, Status::Rejected);
        }
    }

    pub(super) fn expire_now(&mut self, now_ms: i64, id: u64) -> Result<(), String> {
        let payment = self.state.payments.get_mut(&id).ok_or("There is no such payment.")?;
        if payment.status.is_held() {
            self.lapse(now_ms, id);
            return Ok(());
        }
        if !payment.status.is_open() {
            let status = payment.status.as_str();
            return Err(format!("Only unpaid links and holds expire; this one is {status}."));
        }
        enter(payment, now_ms, Status::DeadlineExpired);
        Ok(())
    }

    /// Takes the hold or a part of it; the rest is free again.
    pub(super) fn confirm(
        &mut self,
        now_ms: i64,
        id: u64,
        amount: Option<Money>,
    ) -> Result<(), Problem> {
        let payment = self.state.payments.get_mut(&id).ok_or_else(|| Problem::coded("255"))?;
        if !payment.status.is_held() {
            return Err(Problem::wrong_status(payment.status.as_str(), "CONFIRMED"));
        }
        let amount = amount.unwrap_or(payment.held);
        if amount.is_zero() {
            return Err(Problem::field("620", "Сумма операции не может быть равна 0."));
        }
        if amount > payment.held {
            return Err(Problem::coded("330"));
        }
        enter(payment, now_ms, Status::Confirming);
        let transient_ms = self.state.timing.transient_ms;
        self.schedule(now_ms, id, Next::Capture { amount }, transient_ms);
        Ok(())
    }

    /// Gives back what is not taken, held or paid. `is_limited`: by the SBP's limits of refunds.
    pub(super) fn cancel(
        &mut self,
        now_ms: i64,
        id: u64,
        amount: Option<Money>,
        is_limited: bool,
    ) -> Result<Canceled, Problem> {
        let timing = self.state.timing;
        let payment = self.state.payments.get_mut(&id).ok_or_else(|| Problem::coded("255"))?;
        let original = match payment.status {
            Status::New | Status::FormShowed | Status::AuthFail => {
                let original = payment.amount;
                enter(payment, now_ms, Status::Canceled);
                self.announce(now_ms, id, Status::Canceled);
                return Ok(Canceled { original, new: Money::ZERO });
            }
            Status::Authorized | Status::PartialReversed => payment.held,
            Status::Confirmed | Status::PartialRefunded => payment.rest(),
            Status::Authorizing
            | Status::ThreeDsChecking
            | Status::ThreeDsChecked
            | Status::Confirming
            | Status::Reversing
            | Status::Reversed
            | Status::Refunding
            | Status::AsyncRefunding
            | Status::Refunded
            | Status::Canceled
            | Status::DeadlineExpired
            | Status::Rejected => {
                return Err(Problem::wrong_status(payment.status.as_str(), "CANCELED"));
            }
        };
        let amount = amount.unwrap_or(original);
        if amount.is_zero() {
            return Err(Problem::field("620", "Сумма операции не может быть равна 0."));
        }
        let new = original.checked_sub(amount).ok_or_else(|| Problem::coded("330"))?;
        payment.refund_error = None;
        if payment.status.is_held() {
            enter(payment, now_ms, Status::Reversing);
            self.schedule(now_ms, id, Next::Reverse { amount }, timing.transient_ms);
        } else if payment.source == Some(Source::Sbp) {
            if is_limited {
                check_sbp_limits(payment, now_ms, timing.sbp_refund_gap_ms)?;
                payment.sbp_refunds_ms.push(now_ms);
            }
            enter(payment, now_ms, Status::AsyncRefunding);
            self.schedule(now_ms, id, Next::Refund { amount }, timing.sbp_ms);
        } else {
            enter(payment, now_ms, Status::Refunding);
            self.schedule(now_ms, id, Next::Refund { amount }, timing.transient_ms);
        }
        Ok(Canceled { original, new })
    }

    /// The payer's bank did not take the refund back: the money stays with the shop.
    pub(super) fn fail_refund(&mut self, now_ms: i64, id: u64, code: &str) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        payment.step = None;
        payment.refund_error = Some(code.to_owned());
        let is_whole = payment.refunded.is_zero();
        let status = if is_whole { Status::Confirmed } else { Status::PartialRefunded };
        enter(payment, now_ms, status);
    }

    /// `ChargeQr` was accepted: the SBP takes its time.
    pub(super) fn start_account_charge(&mut self, now_ms: i64, id: u64, token: &str) {
        let Some(payment) = self.state.payments.get_mut(&id) else { return };
        payment.charged_token = Some(token.to_owned());
        payment.source = Some(Source::Sbp);
        enter(payment, now_ms, Status::FormShowed);
        // Never at once: the first answer is FORM_SHOWED.
        let delay_ms = self.state.timing.sbp_ms.max(1);
        self.schedule(now_ms, id, Next::SettleSbp, delay_ms);
    }

    fn settle_charged_account(&mut self, now_ms: i64, id: u64) {
        let payment = self.state.payments.get(&id);
        // It may have been cancelled or declined in the meantime.
        let waiting = payment.filter(|payment| payment.status == Status::FormShowed);
        let Some(token) = waiting.map(|payment| payment.charged_token.clone()) else { return };
        let fate = self.state.accounts.values().find(|a| a.token == token).map(|a| a.fate);
        match fate {
            Some(ChargeFate::Valid) => drop(self.approve(now_ms, id, Source::Sbp, None)),
            Some(ChargeFate::InsufficientFunds) => self.decline(now_ms, id, "5060", true),
            Some(ChargeFate::Expired | ChargeFate::Revoked) | None => {
                self.decline(now_ms, id, "5031", true);
            }
        }
    }
}

fn check_sbp_limits(payment: &Payment, now_ms: i64, gap_ms: i64) -> Result<(), Problem> {
    if gap_ms <= 0 {
        return Ok(());
    }
    let since = |ms: i64| {
        payment.sbp_refunds_ms.iter().filter(|at| **at > now_ms.saturating_sub(ms)).count()
    };
    if since(gap_ms) > 0 {
        return Err(Problem::coded("3029"));
    }
    if since(DAY_MS) >= SBP_REFUNDS_A_DAY {
        return Err(Problem::coded("3030"));
    }
    Ok(())
}
