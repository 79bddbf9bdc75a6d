//! Notices on their way: what is announced, when it is tried, what became of each try.
//!
//! The bank tries at once, then hourly for a day, then daily for a month, until it is answered with
//! 200 and the body `OK`. A host that cannot bring bodies tells the status alone.

use super::{
    TbankEmulator, directory,
    problem::text_of,
    state::{Account, AccountStatus, Binding, BindingStatus, Notice, NoticeState, Payment, Try},
    status::{Source, Status},
    token,
};
use crate::{
    emulator::{
        Delivery, FaultKind,
        json::{Obj, parse_object},
    },
    http::{HttpReply, HttpRequest, Method},
};

/// What a receiver must answer, besides 200.
pub const NOTICE_ANSWER: &str = "OK";
const HOURLY_TRIES: usize = 24;
const DAILY_TRIES: usize = 30;
const MAX_TRIES: usize = 1 + HOURLY_TRIES + DAILY_TRIES;
/// A notice held back for the next one goes out after this when none comes.
const HOLD_BACK_MS: i64 = 10_000;

/// Whom a notice is of.
pub(super) struct About<'a> {
    pub(super) terminal: &'a str,
    pub(super) kind: &'a str,
    pub(super) payment_id: Option<u64>,
}

/// The body with `Token`: over every scalar that is sent.
fn signed(body: Obj, password: &str) -> String {
    let unsigned = body.end();
    let object = parse_object(&unsigned).unwrap_or_default();
    let token = token::compute(&object, password, |_| true);
    let open = unsigned.strip_suffix('}').unwrap_or(&unsigned);
    format!("{open},\"Token\":\"{token}\"}}")
}

fn payment_body(payment: &Payment, status: Status) -> Obj {
    let is_success = status != Status::Rejected;
    let body = Obj::new()
        .text("TerminalKey", &payment.terminal)
        .text("OrderId", &payment.order_id)
        .flag("Success", is_success)
        .text("Status", status.as_str())
        .raw("PaymentId", &payment.id.to_string())
        .text("ErrorCode", if is_success { "0" } else { &payment.error_code })
        .raw("Amount", &payment.current().kopecks().to_string());
    let body = match &payment.card {
        Some(card) => {
            let is_paid = matches!(status, Status::Authorized | Status::Confirmed);
            let rebill_id = card.rebill_id.as_deref().filter(|_| is_paid);
            body.raw("CardId", &card.card_id)
                .text("Pan", &card.pan)
                .text("ExpDate", &card.expiry)
                .raw_if("RebillId", rebill_id)
        }
        None => body,
    };
    let body = match payment.source {
        Some(
            source @ (Source::Sbp
            | Source::TinkoffPay
            | Source::SberPay
            | Source::MirPay
            | Source::Bnpl),
        ) => {
            // A phone stands where a card's number would.
            let phone = (source == Source::Sbp).then_some("+7 (9**) ***-**-07");
            let data = Obj::new().text("Route", source.route()).text("Source", source.as_str());
            body.text_if("Pan", phone).raw("Data", &data.end())
        }
        Some(Source::Cards) | None => body,
    };
    if is_success {
        return body;
    }
    let text = text_of(&payment.error_code);
    body.text("Message", text).text("Details", text)
}

impl TbankEmulator {
    /// Announces a status of a payment at the address that its Init or its terminal names.
    pub(super) fn announce(&mut self, now_ms: i64, id: u64, status: Status) {
        let Some(payment) = self.state.payments.get(&id) else { return };
        let terminal_url = self.state.terminal_urls.get(&payment.terminal);
        let Some(url) = payment.notification_url.as_ref().or(terminal_url).cloned() else { return };
        let body = payment_body(payment, status);
        let (kind, terminal) = (format!("payment {}", status.as_str()), payment.terminal.clone());
        let about = About { terminal: &terminal, kind: &kind, payment_id: Some(id) };
        self.send(now_ms, &about, url, body);
    }

    /// In one stage the bank sends `AUTHORIZED` and `CONFIRMED` at the same moment, and either may
    /// come first: the seed says which.
    pub(super) fn announce_paid(&mut self, now_ms: i64, id: u64, is_pair: bool) {
        let pair = [Status::Authorized, Status::Confirmed];
        if !is_pair {
            self.announce(now_ms, id, Status::Confirmed);
        } else if self.state.mint.mostly("order of notices") {
            pair.into_iter().for_each(|status| self.announce(now_ms, id, status));
        } else {
            pair.into_iter().rev().for_each(|status| self.announce(now_ms, id, status));
        }
        self.register_income(now_ms, id);
    }

    pub(super) fn announce_binding(&mut self, now_ms: i64, binding: &Binding) {
        let terminal_url = self.state.terminal_urls.get(&binding.terminal);
        let url = terminal_url.or(binding.notification_url.as_ref()).cloned();
        let Some(url) = url else { return };
        let card = binding.card_id.as_ref().and_then(|id| self.state.cards.get(id));
        let body = Obj::new()
            .text("TerminalKey", &binding.terminal)
            .text("CustomerKey", &binding.customer_key)
            .text("RequestKey", &binding.request_key)
            .flag("Success", binding.status == BindingStatus::Completed)
            .text("Status", binding.status.as_str())
            .raw("PaymentId", &binding.payment_id.to_string())
            .text("ErrorCode", &binding.error_code)
            .text_if("RebillId", binding.rebill_id.as_deref())
            .text_if("CardId", binding.card_id.as_deref())
            .text_if("Pan", card.map(|card| card.pan.as_str()))
            .text_if("ExpDate", card.map(|card| card.expiry.as_str()));
        let kind = format!("card {}", binding.status.as_str());
        let about = About { terminal: &binding.terminal, kind: &kind, payment_id: None };
        self.send(now_ms, &about, url, body);
    }

    /// Only ever at the terminal's own address.
    pub(super) fn announce_account(&mut self, now_ms: i64, account: &Account) {
        let Some(url) = self.state.terminal_urls.get(&account.terminal).cloned() else { return };
        let is_active = account.status == AccountStatus::Active;
        let bank = is_active.then_some(directory::PAYER_BANK);
        let body = Obj::new()
            .text("TerminalKey", &account.terminal)
            .text("RequestKey", &account.request_key)
            .text("NotificationType", "LINKACCOUNT")
            .flag("Success", is_active)
            .text("ErrorCode", if is_active { "0" } else { "3012" })
            .text("Status", account.status.as_str())
            .text_if("AccountToken", account.token.as_deref())
            .text_if("BankMemberId", bank.map(|bank| bank.id))
            .text_if("BankMemberName", bank.map(|bank| bank.name))
            .text("Message", if is_active { "OK" } else { text_of("3012") });
        let kind = format!("account {}", account.status.as_str());
        let about = About { terminal: &account.terminal, kind: &kind, payment_id: None };
        self.send(now_ms, &about, url, body);
    }

    pub(super) fn send(&mut self, now_ms: i64, about: &About<'_>, url: String, body: Obj) {
        let About { terminal, kind, payment_id } = *about;
        let password = directory::find_terminal(terminal).map_or("", |terminal| terminal.password);
        let body = signed(body, password);
        let due_ms = now_ms.saturating_add(self.state.timing.notice_delay_ms.max(0));
        let fault = self.state.faults.take_for_notice(kind);
        let copies = if fault == Some(FaultKind::NoticeDoubled) { 2 } else { 1 };
        for _ in 0..copies {
            let id = self.state.next_notice;
            self.state.next_notice += 1;
            let mut notice = Notice {
                id,
                kind: kind.to_owned(),
                terminal: terminal.to_owned(),
                payment_id,
                url: url.clone(),
                body: body.clone(),
                state: NoticeState::Waiting,
                due_ms,
                corrupted: false,
                tries: Vec::new(),
            };
            self.spoil(&mut notice, fault);
            if let Some(payment) = payment_id.and_then(|id| self.state.payments.get_mut(&id)) {
                payment.notices.push(id);
            }
            if notice.state == NoticeState::Waiting {
                self.state.queue.insert((notice.due_ms, id));
            }
            self.state.notices.insert(id, notice);
        }
    }

    fn spoil(&mut self, notice: &mut Notice, fault: Option<FaultKind>) {
        let overtaken = self.state.held_back.take();
        if let Some(earlier) = overtaken {
            self.reschedule(earlier, notice.due_ms.saturating_add(1));
        }
        match fault {
            Some(FaultKind::NoticeLost) => notice.state = NoticeState::Lost,
            Some(FaultKind::NoticeDelayed { ms }) => {
                let delay = i64::try_from(ms).unwrap_or(i64::MAX);
                notice.due_ms = notice.due_ms.saturating_add(delay);
            }
            Some(FaultKind::NoticeReordered) => {
                notice.due_ms = notice.due_ms.saturating_add(HOLD_BACK_MS);
                self.state.held_back = Some(notice.id);
            }
            Some(FaultKind::NoticeCorrupted) => notice.corrupted = true,
            Some(
                FaultKind::NoticeDoubled
                | FaultKind::Status { .. }
                | FaultKind::ReplyLost
                | FaultKind::Hang { .. }
                | FaultKind::ReceiptFailed,
            )
            | None => {}
        }
    }

    fn reschedule(&mut self, id: u64, due_ms: i64) {
        let Some(notice) = self.state.notices.get_mut(&id) else { return };
        // Only what still waits may move: a settled notice has left the queue for good.
        if self.state.queue.remove(&(notice.due_ms, id)) {
            notice.due_ms = due_ms;
            self.state.queue.insert((due_ms, id));
        }
    }

    pub(super) fn take_due_notices(&mut self, now_ms: i64) -> Vec<Delivery> {
        let due: Vec<(i64, u64)> =
            self.state.queue.iter().take_while(|(due_ms, _)| *due_ms <= now_ms).copied().collect();
        due.into_iter().filter_map(|(_, id)| self.try_notice(now_ms, id)).collect()
    }

    /// When the try after `tries` of them comes.
    fn pause_ms(&self, tries: usize) -> i64 {
        let timing = self.state.timing;
        let pause_ms =
            if tries <= HOURLY_TRIES { timing.notice_hour_ms } else { timing.notice_day_ms };
        // Never zero: a host that polls until nothing is due must come to an end.
        pause_ms.max(1)
    }

    /// One try. It is due again after a while unless an answer says otherwise, so that a host
    /// that dies with a delivery in its hands loses nothing.
    fn try_notice(&mut self, now_ms: i64, id: u64) -> Option<Delivery> {
        let tries = self.state.notices.get(&id)?.tries.len();
        if tries >= MAX_TRIES {
            self.settle_notice(id, NoticeState::GivenUp);
            return None;
        }
        self.reschedule(id, now_ms.saturating_add(self.pause_ms(tries + 1)));
        let delivery_id = self.state.next_delivery;
        self.state.next_delivery += 1;
        self.state.in_flight.insert(delivery_id, id);
        let notice = self.state.notices.get_mut(&id)?;
        notice.tries.push(Try { delivery_id, at_ms: now_ms, answered: false, status: None });
        let mut body = notice.body.clone().into_bytes();
        if std::mem::take(&mut notice.corrupted) {
            corrupt(&mut body);
        }
        let request = HttpRequest::new(Method::Post, notice.url.clone())
            .header("content-type", "application/json");
        Some(Delivery { id: delivery_id, request: HttpRequest { body, ..request } })
    }

    /// A 200 without the word counts as a failure.
    pub(super) fn hear_answer(&mut self, now_ms: i64, delivery: u64, reply: Option<&HttpReply>) {
        let is_taken =
            reply.is_some_and(|reply| reply.status == 200 && reply.text() == NOTICE_ANSWER);
        self.settle_delivery(now_ms, delivery, reply.map(|reply| reply.status), is_taken);
    }

    pub(super) fn settle_delivery(
        &mut self,
        now_ms: i64,
        delivery_id: u64,
        status: Option<u16>,
        is_taken: bool,
    ) {
        let Some(id) = self.state.in_flight.remove(&delivery_id) else { return };
        let Some(notice) = self.state.notices.get_mut(&id) else { return };
        let is_last_try = notice.tries.last().is_some_and(|t| t.delivery_id == delivery_id);
        let tries = notice.tries.len();
        if let Some(own) = notice.tries.iter_mut().find(|t| t.delivery_id == delivery_id) {
            own.answered = true;
            own.status = status;
        }
        if is_taken {
            self.settle_notice(id, NoticeState::Delivered);
        } else if is_last_try && tries >= MAX_TRIES {
            self.settle_notice(id, NoticeState::GivenUp);
        } else if is_last_try {
            self.reschedule(id, now_ms.saturating_add(self.pause_ms(tries)));
        }
    }

    fn settle_notice(&mut self, id: u64, state: NoticeState) {
        let Some(notice) = self.state.notices.get_mut(&id) else { return };
        notice.state = state;
        self.state.queue.remove(&(notice.due_ms, id));
        for past in &notice.tries {
            self.state.in_flight.remove(&past.delivery_id);
        }
    }

    /// `Resend`: all that the terminal did not take goes out again now. The answer is how many.
    pub(super) fn resend(&mut self, now_ms: i64, terminal: &str) -> usize {
        let is_open = |notice: &&mut Notice| {
            let is_open = matches!(notice.state, NoticeState::Waiting | NoticeState::GivenUp);
            is_open && notice.terminal == terminal
        };
        let mut count = 0;
        for notice in self.state.notices.values_mut().filter(is_open) {
            self.state.queue.remove(&(notice.due_ms, notice.id));
            if notice.state == NoticeState::GivenUp {
                notice.tries.clear();
            }
            notice.state = NoticeState::Waiting;
            notice.due_ms = now_ms;
            self.state.queue.insert((now_ms, notice.id));
            count += 1;
        }
        count
    }
}

/// Changes one letter of the token, which ends the body.
fn corrupt(body: &mut [u8]) {
    let at = body.len().saturating_sub(3);
    if let Some(byte) = body.get_mut(at) {
        *byte = if *byte == b'a' { b'b' } else { b'a' };
    }
}
