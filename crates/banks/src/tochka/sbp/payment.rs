//! A payment that is one dynamic code: operations on payments as operations on codes, so that
//! nobody else has to know that there are two kinds. An id of 32 letters and digits is a code's;
//! acquiring's operations have UUIDs.

use crate::{
    bank::Credentials,
    op::{
        Answer, BankOp, BankStatus, CaptureMode, CodeLife, CodeOp, CreateLink, NewCode,
        NewSbpRefund, Observation, Outcome, PayMethod, SbpOp, SbpWord,
    },
    tochka::settings,
};

use super::quirks::is_code_id;

/// What is asked of SBP in place of acquiring; `None` where it is acquiring's after all.
pub fn find(credentials: &Credentials, op: &BankOp) -> Option<BankOp> {
    let op = if let BankOp::CreateLink(link) = op {
        SbpOp::Code(CodeOp::Register(code(credentials, link)?))
    } else if let BankOp::GetPayment { bank_id } = op {
        let code_id = Some(bank_id).filter(|id| is_code_id(id))?;
        SbpOp::Code(CodeOp::States { code_ids: vec![code_id.clone()] })
    } else if let BankOp::Refund { bank_id, amount, request_id, transfer, .. } = op {
        let transfer = transfer.clone().unwrap_or_default();
        SbpOp::StartRefund(NewSbpRefund {
            code_id: Some(bank_id).filter(|id| is_code_id(id))?.clone(),
            // The bank refuses it if the connection pays to another account by now.
            account_id: account(credentials).unwrap_or_default().to_owned(),
            amount: *amount,
            trx_id: transfer.trx_id,
            ref_id: transfer.ref_id,
            // By this it is found in the account's statement.
            purpose: format!("Возврат {request_id}"),
            is_abroad: false,
        })
    } else {
        return None;
    };
    Some(BankOp::Sbp(op))
}

/// The code that this link is: it takes SBP alone, now and without a receipt, which codes do not
/// make, and the connection has a point in SBP.
fn code(credentials: &Credentials, link: &CreateLink) -> Option<NewCode> {
    let is_plain = link.methods == [PayMethod::Sbp]
        && link.capture == CaptureMode::Automatic
        && link.receipt.is_none();
    let point_id = credentials.find(settings::SBP_MERCHANT_ID).filter(|_| is_plain)?;
    Some(NewCode {
        point_id: point_id.to_owned(),
        account_id: account(credentials)?.to_owned(),
        life: CodeLife::Dynamic { amount: link.amount, ttl_minutes: link.ttl_minutes },
        purpose: link.purpose.clone(),
        // The bank takes https only, and a code needs none: its payer may be anywhere.
        return_url: link.success_url.clone().filter(|url| url.starts_with("https://")),
    })
}

fn account(credentials: &Credentials) -> Option<&str> {
    credentials.find(settings::SBP_ACCOUNT_ID).or_else(|| credentials.find(settings::ACCOUNT_ID))
}

/// What SBP said, in the words of `op`.
pub fn outcome(op: &BankOp, heard: Outcome) -> Outcome {
    match (op, heard) {
        (BankOp::CreateLink(link), Outcome::Done(Answer::Sbp(SbpWord::Code(code)))) => {
            Outcome::Done(Answer::Payment(Observation {
                bank_id: Some(code.id),
                reference: Some(link.reference.clone()),
                status: Some(BankStatus::Created),
                url: Some(code.url.clone()),
                qr_payload: Some(code.url),
                ..Observation::default()
            }))
        }
        (BankOp::GetPayment { bank_id }, Outcome::Done(Answer::Sbp(SbpWord::States(states)))) => {
            match states.into_iter().find(|state| state.code_id == *bank_id) {
                Some(state) => Outcome::Done(Answer::Payment(state.observation())),
                None => Outcome::Unknown { why: "it is not about the code asked for".to_owned() },
            }
        }
        (_, heard) => heard,
    }
}
