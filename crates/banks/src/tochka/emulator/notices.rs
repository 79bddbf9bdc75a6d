//! Notices on their way: what is announced, when it is tried, what became of each try.

use super::{
    TochkaEmulator,
    json::Obj,
    state::{Mode, Notice, NoticeState, Operation, Status, Try},
};
use crate::{
    emulator::{Delivery, FaultKind},
    http::{HttpRequest, Method},
    money::Money,
};

/// The bank: 30 tries, 10 seconds apart, until one is answered with 200.
const MAX_TRIES: usize = 30;
const RETRY_MS: i64 = 10_000;
/// A test notice decides at its first answer; it is only tried again when none ever came.
const MAX_TEST_TRIES: usize = 3;
const KIND: &str = "acquiringInternetPayment";

/// The payload of a payment's notice: amounts are strings of rubles here.
fn payload(operation: &Operation, mode: Mode, amount: Money) -> String {
    let data = Obj::new()
        .text("customerCode", &operation.customer_code)
        .text("amount", &amount.to_rubles())
        .text("paymentType", mode.as_str())
        .text("operationId", &operation.id);
    let data = match mode {
        Mode::Sbp => data
            .text_if("transactionId", operation.transaction_id.as_deref())
            .text("purpose", &operation.purpose)
            .text_if("qrcId", operation.qrc_id.as_deref())
            .text("payerName", "Иван Иванович И."),
        Mode::Card | Mode::Tinkoff | Mode::Dolyame => data.text("purpose", &operation.purpose),
    };
    let data = data.text("webhookType", KIND).text("merchantId", &operation.merchant_id);
    let data = match mode {
        Mode::Card | Mode::Tinkoff => data.text_if("consumerId", operation.consumer_id.as_deref()),
        Mode::Sbp | Mode::Dolyame => data,
    };
    let card = operation.subscription.as_deref().and_then(|own| own.shown_card());
    let data = match card {
        Some(card) => data
            .text("maskedPan", &card.masked)
            .text("cardType", "MIR")
            .text("tokenCardId", &card.id),
        None => data,
    };
    // A charge of what was partly given back is announced like any other.
    let is_held = operation.status == Status::Authorized;
    let status = if is_held { Status::Authorized } else { Status::Approved };
    data.text("status", status.as_str()).text("paymentLinkId", &operation.reference).end()
}

impl TochkaEmulator {
    /// Announces what was held or came in to the client that made the operation, faults permitting.
    pub(super) fn announce(&mut self, now_ms: i64, operation_id: &str, amount: Money) {
        let Some(operation) = self.state.operations.get(operation_id) else { return };
        let Some(mode) = operation.paid_by else { return };
        let Some(url) = self.subscribed_url(&operation.client_id, KIND) else { return };
        let payload = payload(operation, mode, amount);
        let ids = self.announce_as(now_ms, KIND, operation_id, &url, &payload);
        if let Some(operation) = self.state.operations.get_mut(operation_id) {
            operation.notices.extend(ids);
        }
    }

    /// Sends one notice about `subject`, faults permitting; the answer is its ids, two of one that
    /// is doubled.
    pub(super) fn announce_as(
        &mut self,
        now_ms: i64,
        kind: &str,
        subject: &str,
        url: &str,
        payload: &str,
    ) -> Vec<u64> {
        let due_ms = now_ms.saturating_add(self.state.timing.notice_delay_ms);
        let fault = self.state.faults.take_for_notice(kind);
        let copies = if fault == Some(FaultKind::NoticeDoubled) { 2 } else { 1 };
        let mut ids = Vec::with_capacity(copies);
        for _ in 0..copies {
            let id = self.next_notice_id();
            let mut notice = Notice {
                id,
                kind: kind.to_owned(),
                operation_id: Some(subject.to_owned()),
                ticket: None,
                url: url.to_owned(),
                payload: payload.to_owned(),
                state: NoticeState::Waiting,
                due_ms,
                corrupted: false,
                tries: Vec::new(),
            };
            self.spoil(&mut notice, fault);
            self.enqueue(notice);
            ids.push(id);
        }
        ids
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
                // Until the next one comes, or one retry's time when none does.
                notice.due_ms = notice.due_ms.saturating_add(RETRY_MS);
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

    pub(super) fn enqueue_test(
        &mut self,
        now_ms: i64,
        kind: &str,
        url: &str,
        payload: String,
        ticket: u64,
    ) -> u64 {
        let id = self.next_notice_id();
        self.enqueue(Notice {
            id,
            kind: kind.to_owned(),
            operation_id: None,
            ticket: Some(ticket),
            url: url.to_owned(),
            payload,
            state: NoticeState::Waiting,
            due_ms: now_ms,
            corrupted: false,
            tries: Vec::new(),
        });
        id
    }

    fn next_notice_id(&mut self) -> u64 {
        let id = self.state.next_notice;
        self.state.next_notice += 1;
        id
    }

    fn enqueue(&mut self, notice: Notice) {
        if notice.state == NoticeState::Waiting {
            self.state.queue.insert((notice.due_ms, notice.id));
        }
        self.state.notices.insert(notice.id, notice);
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
        let mut deliveries = Vec::new();
        let due: Vec<(i64, u64)> =
            self.state.queue.iter().take_while(|(due_ms, _)| *due_ms <= now_ms).copied().collect();
        for (_, id) in due {
            if let Some(delivery) = self.try_notice(now_ms, id) {
                deliveries.push(delivery);
            }
        }
        deliveries
    }

    /// One try. It is due again after a while unless an answer says otherwise, so that a host
    /// that dies with a delivery in its hands loses nothing.
    fn try_notice(&mut self, now_ms: i64, id: u64) -> Option<Delivery> {
        let notice = self.state.notices.get(&id)?;
        let most = if notice.ticket.is_some() { MAX_TEST_TRIES } else { MAX_TRIES };
        if notice.tries.len() >= most {
            self.settle_notice(id, NoticeState::GivenUp);
            return None;
        }
        self.reschedule(id, now_ms.saturating_add(RETRY_MS));
        let delivery_id = self.state.next_delivery;
        self.state.next_delivery += 1;
        self.state.in_flight.insert(delivery_id, id);
        let notice = self.state.notices.get_mut(&id)?;
        notice.tries.push(Try { delivery_id, at_ms: now_ms, answered: false, status: None });
        // A key that was accepted signs; an empty body would be refused and tried again.
        let mut body = self.key.sign(notice.payload.as_bytes()).unwrap_or_default().into_bytes();
        if std::mem::take(&mut notice.corrupted) {
            corrupt(&mut body);
        }
        let request =
            HttpRequest::new(Method::Post, notice.url.clone()).header("content-type", "text/plain");
        Some(Delivery { id: delivery_id, request: HttpRequest { body, ..request } })
    }

    pub(super) fn settle_delivery(&mut self, now_ms: i64, delivery_id: u64, status: Option<u16>) {
        let Some(id) = self.state.in_flight.remove(&delivery_id) else { return };
        let Some(notice) = self.state.notices.get_mut(&id) else { return };
        let is_last_try = notice.tries.last().is_some_and(|t| t.delivery_id == delivery_id);
        let tries = notice.tries.len();
        if let Some(own) = notice.tries.iter_mut().find(|t| t.delivery_id == delivery_id) {
            own.answered = true;
            own.status = status;
        }
        if status == Some(200) {
            self.settle_notice(id, NoticeState::Delivered);
        } else if notice.ticket.is_some() || (is_last_try && tries >= MAX_TRIES) {
            self.settle_notice(id, NoticeState::GivenUp);
        } else if is_last_try {
            self.reschedule(id, now_ms.saturating_add(RETRY_MS));
        }
    }

    fn settle_notice(&mut self, id: u64, state: NoticeState) {
        let Some(notice) = self.state.notices.get_mut(&id) else { return };
        notice.state = state;
        self.state.queue.remove(&(notice.due_ms, id));
        for past in &notice.tries {
            self.state.in_flight.remove(&past.delivery_id);
        }
        if let Some(ticket) = notice.ticket {
            self.settle_test(ticket, id, state == NoticeState::Delivered);
        }
    }
}

/// Changes one byte of the signature. Not its last one: that holds unused bits.
fn corrupt(body: &mut [u8]) {
    let at = body.len().saturating_sub(10);
    if let Some(byte) = body.get_mut(at) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
}
