//! Confirm, Cancel, GetState, CheckOrder, Charge, Resend and certificates of payments.

use super::{
    TbankEmulator,
    fields::Fields,
    payments::Canceled,
    problem::{Problem, text_of},
    receipts,
    route::{Call, ok},
    state::{ChargeFate, Payment, pair},
    status::{Source, Status},
};
use crate::{
    emulator::json::{Obj, array, quote},
    http::HttpReply,
    money::Money,
};

/// How the payment was made: `Params` of GetState and Confirm.
fn params(payment: &Payment) -> Option<String> {
    let source = payment.source?;
    let row = |key: &str, value: &str| Obj::new().text("Key", key).text("Value", value).end();
    Some(array([row("Route", source.route()), row("Source", source.as_str())]))
}

/// What is known of a payment, for a refusal.
fn about(problem: Problem, payment: &Payment) -> Problem {
    problem
        .about("OrderId", quote(&payment.order_id))
        .about("PaymentId", quote(&payment.id.to_string()))
        .about("Status", quote(payment.status.as_str()))
}

/// Instalments are given back only under an id of the shop's, a UUID of version 4.
fn check_bnpl_key(fields: &Fields) -> Result<(), Problem> {
    let key = fields.required("ExternalRequestId")?;
    let groups: Vec<&str> = key.split('-').collect();
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| is_hex(group))
        && groups.get(2).is_some_and(|group| group.starts_with('4'));
    if is_uuid {
        return Ok(());
    }
    Err(Problem::field("64", "ExternalRequestId должен быть в формате UUID v4."))
}

fn kopecks(money: Money) -> String {
    money.kopecks().to_string()
}

impl TbankEmulator {
    /// The payment that the request names: one of the same terminal.
    pub(super) fn find_payment(&self, call: &Call<'_>) -> Result<u64, Problem> {
        let text = call.fields.sized("PaymentId", 20, "201")?;
        let payment = text.parse().ok().and_then(|id: u64| self.state.payments.get(&id));
        let own = payment.filter(|payment| payment.terminal == call.terminal.key);
        own.map(|payment| payment.id).ok_or_else(|| Problem::coded("255"))
    }

    fn payment(&self, id: u64) -> Result<&Payment, Problem> {
        self.state.payments.get(&id).ok_or_else(|| Problem::coded("255"))
    }

    /// The envelope of most answers about one payment; its id is text here.
    fn payment_reply(&self, call: &Call<'_>, id: u64) -> Result<Obj, Problem> {
        let payment = self.payment(id)?;
        let is_rejected = payment.status == Status::Rejected;
        let text = if is_rejected { text_of(&payment.error_code) } else { "OK" };
        Ok(Obj::new()
            .text("TerminalKey", call.terminal.key)
            .flag("Success", !is_rejected)
            .text("ErrorCode", if is_rejected { &payment.error_code } else { "0" })
            .text("Message", text)
            .text_if("Details", is_rejected.then_some(text))
            .text("Status", payment.status.as_str())
            .text("PaymentId", &id.to_string())
            .text("OrderId", &payment.order_id))
    }

    pub(super) fn confirm_call(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let id = self.find_payment(call)?;
        let amount = call.fields.kopecks("Amount")?;
        let receipt = match call.fields.raw("Receipt") {
            Some(_) => receipts::checked(call, amount.unwrap_or(self.payment(id)?.held))?,
            None => None,
        };
        let before = self.payment(id)?.clone();
        if let (Some(receipt), Some(payment)) = (receipt, self.state.payments.get_mut(&id)) {
            // The one of Confirm wins over the one of Init.
            payment.awaits_closing = receipt.is_prepaid;
            payment.receipt = Some(receipt.json);
        }
        if let Err(problem) = self.confirm(call.now_ms, id, amount) {
            self.state.payments.insert(id, before);
            return Err(about(problem, self.payment(id)?));
        }
        let params = params(self.payment(id)?);
        Ok(ok(self.payment_reply(call, id)?.raw_if("Params", params.as_deref())))
    }

    pub(super) fn cancel_call(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let id = self.find_payment(call)?;
        let fields = call.fields;
        let payment = self.payment(id)?;
        let is_sbp = payment.source == Some(Source::Sbp);
        if payment.source == Some(Source::Bnpl) {
            check_bnpl_key(fields)?;
        }
        // The SBP knows no such key: the bank ignores it there.
        let external = fields.sized_if("ExternalRequestId", 256, "64")?.filter(|_| !is_sbp);
        let done = external.as_ref().and_then(|key| payment.cancels.get(key)).copied();
        if let Some((original, new)) = done {
            return self.cancel_reply(call, id, (original, new), external.as_deref());
        }
        let is_new = payment.status.is_payable();
        let amount = if is_new { None } else { fields.kopecks("Amount")? };
        let left = if payment.captured.is_zero() { payment.held } else { payment.rest() };
        let part = amount.filter(|part| *part < left);
        let receipt = part.map(|part| receipts::checked(call, part)).transpose()?.flatten();
        // What is left after a part may come with its lines too.
        let rest = if part.is_none() { call.fields.raw("Receipt") } else { None };
        let receipt = receipt.map(|it| it.json).or_else(|| rest.map(|raw| raw.get().to_owned()));
        let member = fields.filled("QrMemberId");
        if let Some(member) = member.filter(|_| is_sbp)
            && !super::directory::MEMBERS.iter().any(|own| own.id == member)
        {
            return Err(Problem::coded("3008"));
        }
        let canceled = match self.cancel_with(call.now_ms, id, (amount, receipt), true) {
            Ok(canceled) => canceled,
            Err(problem) => return Err(about(problem, self.payment(id)?)),
        };
        let Canceled { original, new } = canceled;
        let sums = (original.kopecks(), new.kopecks());
        if let (Some(key), Some(payment)) = (&external, self.state.payments.get_mut(&id)) {
            payment.cancels.insert(key.clone(), sums);
        }
        self.cancel_reply(call, id, sums, external.as_deref())
    }

    /// Cancels with the lines of what goes back. Another refund that runs keeps its own where this
    /// one is refused.
    pub(super) fn cancel_with(
        &mut self,
        now_ms: i64,
        id: u64,
        (amount, receipt): (Option<Money>, Option<String>),
        is_limited: bool,
    ) -> Result<Canceled, Problem> {
        let set = |emulator: &mut Self, receipt: Option<String>| {
            let payment = emulator.state.payments.get_mut(&id)?;
            std::mem::replace(&mut payment.refund_receipt, receipt)
        };
        let running = set(self, receipt);
        let canceled = self.cancel(now_ms, id, amount, is_limited);
        if canceled.is_err() {
            set(self, running);
        }
        canceled
    }

    fn cancel_reply(
        &self,
        call: &Call<'_>,
        id: u64,
        (original, new): (i64, i64),
        external: Option<&str>,
    ) -> Result<HttpReply, Problem> {
        let body = self.payment_reply(call, id)?;
        Ok(ok(body
            .raw("OriginalAmount", &original.to_string())
            .raw("NewAmount", &new.to_string())
            .text_if("ExternalRequestId", external)))
    }

    pub(super) fn get_state(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let id = self.find_payment(call)?;
        let payment = self.payment(id)?;
        let failed = payment.status == Status::Rejected || payment.status == Status::AuthFail;
        let code = if failed { payment.error_code.as_str() } else { "0" };
        let text = if failed { text_of(code) } else { "OK" };
        // The question itself succeeded, whatever became of the payment.
        let body = Obj::new()
            .text("TerminalKey", call.terminal.key)
            .flag("Success", true)
            .text("ErrorCode", code)
            .text("Message", text)
            .text("Status", payment.status.as_str())
            .text("PaymentId", &id.to_string())
            .text("OrderId", &payment.order_id)
            .raw("Amount", &kopecks(payment.current()))
            .raw_if("Params", params(payment).as_deref());
        Ok(ok(body))
    }

    pub(super) fn check_order(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let order_id = call.fields.sized("OrderId", 36, "212")?;
        let ids = self.state.orders.get(&pair(call.terminal.key, &order_id)).ok_or_else(|| {
            let key = call.terminal.key;
            Problem::field("335", format!("OrderId {order_id} не найден для TerminalKey {key}."))
        })?;
        let payments = ids.iter().filter_map(|id| self.state.payments.get(id)).map(|payment| {
            let failed = payment.error_code != "0";
            // Success is text and ErrorCode a number here, as the document has it.
            Obj::new()
                .text("PaymentId", &payment.id.to_string())
                .raw("Amount", &kopecks(payment.current()))
                .text("Status", payment.status.as_str())
                .text_if("RRN", payment.rrn.as_deref())
                .text("Success", if failed { "false" } else { "true" })
                .raw("ErrorCode", &payment.error_code)
                .text("Message", if failed { text_of(&payment.error_code) } else { "OK" })
                .text_if("SbpPaymentId", payment.sbp_payment_id.as_deref())
                .end()
        });
        let payments = array(payments);
        Ok(ok(call.done().text("OrderId", &order_id).raw("Payments", &payments)))
    }

    pub(super) fn charge(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        if !call.terminal.recurrents {
            return Err(Problem::coded("10"));
        }
        let id = self.find_payment(call)?;
        let rebill_id = call.fields.required("RebillId")?;
        if call.fields.flag("SendEmail") && call.fields.filled("InfoEmail").is_none() {
            return Err(Problem::field("206", "email не может быть пустым."));
        }
        let payment = self.payment(id)?;
        if payment.status != Status::New {
            let problem = Problem::wrong_status(payment.status.as_str(), "AUTHORIZING");
            return Err(about(problem, payment));
        }
        let kind = payment.data.get("OperationInitiatorType").map_or("R", String::as_str);
        if payment.recurrent || matches!(kind, "0" | "1") {
            return Err(about(Problem::coded("1126"), payment));
        }
        let card = self.state.cards.values().find(|card| {
            card.rebill_id.as_ref() == Some(&rebill_id) && card.terminal == call.terminal.key
        });
        let card = card.ok_or_else(|| about(Problem::coded("104"), payment))?;
        let code = match (card.is_deleted, card.fate) {
            (true, _) => Some("107"),
            (false, ChargeFate::Valid) => None,
            (false, ChargeFate::Expired) => Some("1054"),
            (false, ChargeFate::Revoked) => Some("1014"),
            (false, ChargeFate::InsufficientFunds) => Some("1051"),
        };
        let face = (card.pan.clone(), card.expiry.clone());
        match code {
            Some(code) => self.decline(call.now_ms, id, code, true),
            // It is payable: that was checked above.
            None => drop(self.approve(call.now_ms, id, Source::Cards, Some(face))),
        }
        let amount = kopecks(self.payment(id)?.amount);
        Ok(ok(self.payment_reply(call, id)?.raw("Amount", &amount)))
    }

    pub(super) fn resend_call(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let count = self.resend(call.now_ms, call.terminal.key);
        Ok(ok(call.done().raw("Count", &count.to_string())))
    }

    pub(super) fn confirm_operation(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let fields = call.fields;
        if fields.filled("CallbackUrl").is_none() && fields.array("EmailList").is_none() {
            let what = "Должен быть заполнен один из параметров: emailList или URL.";
            return Err(Problem::field("61", what));
        }
        let ids = fields.array("PaymentIdList").filter(|ids| !ids.is_empty());
        let ids = ids.ok_or_else(|| Problem::coded("64"))?;
        let rows = ids.iter().map(|raw| {
            let text = super::fields::scalar_text(raw).unwrap_or_default();
            let id: u64 = text.parse().unwrap_or(0);
            let payment = self.state.payments.get(&id);
            let is_paid = payment.is_some_and(|payment| {
                payment.terminal == call.terminal.key && !payment.captured.is_zero()
            });
            let (code, message) = if is_paid {
                ("0", "Запрос на отправку документа принят")
            } else {
                ("63", text_of("63"))
            };
            Obj::new()
                .flag("Success", is_paid)
                .raw("ErrorCode", code)
                .text("Message", message)
                .raw("PaymentId", &id.to_string())
                .end()
        });
        // A number where all other methods answer text.
        let body = Obj::new().flag("Success", true).raw("ErrorCode", "0").text("Message", "OK");
        Ok(ok(body.raw("PaymentIdList", &array(rows))))
    }
}
