//! Money back by codes: asked for here, final a moment later, for better or worse.

use super::state::{Kind, Refund};
use crate::{
    emulator::{Served, json::Obj},
    money::Money,
    tochka::emulator::{
        TochkaEmulator, fields::Fields, grants::Grant, problem::Problem, route::Call,
    },
};

/// From the bank's word to the end of it.
const FINAL_AFTER_MS: i64 = 1_000;

struct Request {
    account: String,
    amount: Money,
    code_id: String,
    purpose: String,
    ref_id: Option<String>,
    trx_id: Option<String>,
}

fn parse_request(body: &[u8]) -> Result<Request, Problem> {
    let fields = Fields::of_data(body)?;
    let bank = fields.required("bankCode", fields.text("bankCode", 0..=9)?)?;
    let number = fields.required("accountCode", fields.text("accountCode", 0..=20)?)?;
    fields.word("currency", &["RUB"])?;
    let request = Request {
        account: format!("{number}/{bank}"),
        amount: fields.required("amount", fields.amount("amount")?)?,
        code_id: fields.required("qrcId", fields.any_text("qrcId")?)?,
        purpose: fields.text("purpose", 0..=140)?.unwrap_or_default(),
        ref_id: fields.any_text("refTransactionId")?,
        trx_id: fields.any_text("trxId")?,
    };
    if request.ref_id.is_none() && request.trx_id.is_none() {
        return Err(fields.problem("refTransactionId", "refTransactionId or trxId is required"));
    }
    Ok(request)
}

impl TochkaEmulator {
    pub(super) fn start_sbp_refund(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
    ) -> Result<Served, Problem> {
        let request = parse_request(&call.request.body)?;
        let (ref_id, rest) = self.find_refundable(call.now_ms, grant, &request)?;
        let amount = request.amount.kopecks();
        if amount > rest {
            return Err(Problem::refused("Сумма возврата больше остатка по операции"));
        }
        let id = format!("openapi-{}", self.state.mint.uuid("sbp-refund"));
        let code = self.state.sbp.codes.get_mut(&request.code_id);
        let failure = code.and_then(|code| code.spoiled.take());
        let final_ms = call.now_ms.saturating_add(FINAL_AFTER_MS);
        let purpose = request.purpose;
        let refund = Refund { id: id.clone(), ref_id, amount, purpose, final_ms, failure };
        self.state.sbp.refunds.insert(id.clone(), refund);
        let data = Obj::new().text("requestId", &id).text("status", "Initiated");
        Ok(call.reply(&data.end()))
    }

    /// The transfer's id and what is left of it.
    fn find_refundable(
        &self,
        now_ms: i64,
        grant: &Grant,
        request: &Request,
    ) -> Result<(String, i64), Problem> {
        let code = self.find_code(grant, &request.code_id, |_| true)?;
        let fits =
            |given: &Option<String>, own: &String| given.as_ref().is_none_or(|given| given == own);
        let transfer =
            self.state.sbp.paid(&code.id).find(|own| {
                fits(&request.ref_id, &own.ref_id) && fits(&request.trx_id, &own.trx_id)
            });
        let transfer =
            transfer.ok_or_else(|| Problem::refused("Payment not found. Платёж не найден"))?;
        if code.kind != Kind::Dynamic {
            let message = "Возврат возможен только по динамическим QR-кодам";
            return Err(Problem::refused(message));
        }
        if code.account_id != request.account {
            return Err(Problem::refused("Платёж поступил на другой счёт"));
        }
        Ok((transfer.ref_id.clone(), self.state.sbp.rest(transfer, now_ms)))
    }

    pub(super) fn sbp_refund_state(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let absent = || Problem::absent("Refund not found");
        let sbp = &self.state.sbp;
        let refund = sbp.refunds.get(id).ok_or_else(absent)?;
        let transfer = sbp.transfers.iter().find(|own| own.ref_id == refund.ref_id);
        let transfer = transfer.ok_or_else(absent)?;
        self.find_code(grant, &transfer.code_id, |_| true)?;
        let (status, description) = refund.status(call.now_ms);
        let data = Obj::new()
            .text("requestId", id)
            .text("status", status)
            .text_if("statusDescription", description);
        Ok(call.reply(&data.end()))
    }
}
