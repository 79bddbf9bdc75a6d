//! A readable 2xx of SBP as an answer. What is about something else than was asked is unreadable.

use crate::{
    Money,
    op::{
        Answer, BankStatus, CodeKind, CodeOp, CodeState, DeskOp, DeskState, InvoiceOp, RefundState,
        SbpAccount, SbpBank, SbpCode, SbpCompany, SbpOp, SbpPayment, SbpPayments, SbpPoint,
        SbpWord, SetupOp,
    },
    tochka::{
        observation::parse_time,
        reply::{Unreadable, data, json, kopecks},
        wire as envelope,
    },
};

use super::{codes, wire};

/// Reads the reply to the one request that `op` takes.
pub fn read(op: &SbpOp, body: &[u8]) -> Result<Answer, Unreadable> {
    let word = match op {
        SbpOp::Setup(op) => return setup(op, body),
        SbpOp::Code(op) => code(op, body)?,
        SbpOp::Desk(op) => return desk(op, body),
        SbpOp::Invoice(InvoiceOp::Register(_)) => SbpWord::Code(made(CodeKind::Invoice, body)?),
        SbpOp::Invoice(InvoiceOp::Show { code_id }) => {
            SbpWord::Code(shown(Some(CodeKind::Invoice), code_id, body)?)
        }
        SbpOp::Payments { page, .. } => {
            let reply: envelope::Reply<wire::Payments> = json(body)?;
            let total = reply.meta.and_then(|meta| meta.total_pages);
            SbpWord::Payments(SbpPayments {
                items: reply.data.payments.into_iter().map(payment).collect(),
                page: *page,
                total_pages: total.unwrap_or(1),
            })
        }
        SbpOp::StartRefund(_) => SbpWord::Refund(refund(data(body)?)?),
        SbpOp::FindRefund { refund_id } => {
            let state = refund(data(body)?)?;
            if state.refund_id != *refund_id {
                return Err("it is about another refund".to_owned());
            }
            SbpWord::Refund(state)
        }
        SbpOp::Banks { .. } => {
            let list: wire::Members = json(body)?;
            return Ok(Answer::SbpBanks(list.dictionary.into_iter().filter_map(bank).collect()));
        }
        SbpOp::Qr { .. }
        | SbpOp::RefundBanks { .. }
        | SbpOp::ShowRefund { .. }
        | SbpOp::Bind { .. }
        | SbpOp::ShowBinding { .. }
        | SbpOp::Accounts
        | SbpOp::Charge { .. }
        | SbpOp::PayTest { .. } => return Err("nothing was asked".to_owned()),
    };
    Ok(Answer::Sbp(word))
}

/// Known by the scheme of links that its app opens.
fn bank(heard: wire::Member) -> Option<SbpBank> {
    Some(SbpBank {
        id: heard.schema.filter(|schema| !schema.is_empty())?,
        name: heard.bank_name?,
        logo: heard.logo_url,
        is_payee: false,
    })
}

fn setup(op: &SetupOp, body: &[u8]) -> Result<Answer, Unreadable> {
    Ok(Answer::Sbp(match op {
        SetupOp::ShowCompany | SetupOp::FindCompany { .. } => {
            SbpWord::Company(company(data(body)?))
        }
        SetupOp::RegisterCompany => registered(data::<wire::CompanyId>(body)?.legal_id)?,
        SetupOp::RegisterPoint { .. } => registered(data::<wire::PointId>(body)?.merchant_id)?,
        SetupOp::SetCompany { .. } | SetupOp::SetPoint { .. } => return accepted(body),
        SetupOp::Accounts { .. } => {
            let list: wire::Accounts = data(body)?;
            SbpWord::Accounts(list.accounts.into_iter().map(account).collect())
        }
        SetupOp::Points { .. } => {
            let list: wire::Points = data(body)?;
            SbpWord::Points(list.points.into_iter().map(point).collect())
        }
        SetupOp::ShowPoint { .. } => SbpWord::Point(point(data(body)?)),
    }))
}

fn registered(id: String) -> Result<SbpWord, Unreadable> {
    if id.is_empty() { Err("it names no id".to_owned()) } else { Ok(SbpWord::Registered { id }) }
}

fn accepted(body: &[u8]) -> Result<Answer, Unreadable> {
    Ok(Answer::Accepted { done: data::<envelope::BoolResult>(body)?.result })
}

fn code(op: &CodeOp, body: &[u8]) -> Result<SbpWord, Unreadable> {
    Ok(match op {
        CodeOp::Register(new) => {
            let kind = match new.life {
                crate::op::CodeLife::Static { .. } => CodeKind::Static,
                crate::op::CodeLife::Dynamic { .. } => CodeKind::Dynamic,
            };
            SbpWord::Code(made(kind, body)?)
        }
        CodeOp::Show { code_id } => SbpWord::Code(shown(None, code_id, body)?),
        CodeOp::List { .. } => {
            let list: wire::Codes = data(body)?;
            SbpWord::Codes(list.codes.into_iter().map(|code| describe(None, code)).collect())
        }
        CodeOp::States { .. } => {
            let list: wire::States = data(body)?;
            SbpWord::States(list.states.into_iter().map(state).collect())
        }
    })
}

fn desk(op: &DeskOp, body: &[u8]) -> Result<Answer, Unreadable> {
    Ok(Answer::Sbp(match op {
        DeskOp::Register { .. } => SbpWord::Code(made(CodeKind::Desk, body)?),
        DeskOp::List { .. } => {
            let list: wire::Desks = data(body)?;
            let codes = list.codes.into_iter().map(|code| describe(Some(CodeKind::Desk), code));
            SbpWord::Codes(codes.collect())
        }
        DeskOp::Show { code_id } => SbpWord::Code(shown(Some(CodeKind::Desk), code_id, body)?),
        DeskOp::Arm { .. } => {
            let armed: wire::Activated = data(body)?;
            if armed.params_id.is_empty() {
                return Err("it names no arming".to_owned());
            }
            SbpWord::Armed { arming_id: armed.params_id, amount: kopecks(&armed.amount)? }
        }
        DeskOp::Disarm { .. } => return accepted(body),
        DeskOp::Move { account_id, .. } => {
            let moved: wire::MovedDesk = data(body)?;
            return Ok(Answer::Accepted { done: moved.account_id == *account_id });
        }
        DeskOp::State { .. } => {
            let state: wire::DeskState = data(body)?;
            SbpWord::Desk(DeskState {
                status: state.status.as_deref().and_then(codes::parse_desk),
                arming_id: state.params_id,
            })
        }
        DeskOp::Payment { code_id, arming_id } => desk_payment(code_id, arming_id, data(body)?),
    }))
}

fn desk_payment(code_id: &str, arming_id: &str, heard: wire::DeskPayment) -> SbpWord {
    let word = heard.trx_status.as_deref().unwrap_or("");
    let status = codes::parse_desk_payment(word);
    let payment = SbpPayment {
        code_id: code_id.to_owned(),
        arming_id: Some(arming_id.to_owned()),
        status,
        trx_id: heard.trx_id,
        amount: heard.amount.and_then(|raw| kopecks(&raw).ok()),
        at: heard.date_time.as_deref().and_then(parse_time),
        payer_phone: heard.payer_id.map(|id| mask_phone(&id)),
        ..SbpPayment::default()
    };
    let is_none = status == Some(BankStatus::Created);
    SbpWord::DeskPayment {
        status: heard.qr_code_status.as_deref().and_then(codes::parse_desk),
        payment: (!is_none).then_some(payment),
    }
}

/// A code just registered. Its link goes to the payer as it came.
fn made(kind: CodeKind, body: &[u8]) -> Result<SbpCode, Unreadable> {
    let code: wire::Code = data(body)?;
    if code.qrc_id.is_empty() || code.payload.is_empty() {
        return Err("it names no code".to_owned());
    }
    Ok(describe(Some(kind), code))
}

fn shown(kind: Option<CodeKind>, asked: &str, body: &[u8]) -> Result<SbpCode, Unreadable> {
    let code: wire::Code = data(body)?;
    if code.qrc_id != asked {
        return Err("it is about another code".to_owned());
    }
    Ok(describe(kind, code))
}

fn describe(kind: Option<CodeKind>, code: wire::Code) -> SbpCode {
    let money = |raw: Option<envelope::Raw>| {
        let money = raw.and_then(|raw| kopecks(&raw).ok());
        // A code whose payer enters the sum is shown with a zero.
        money.filter(|money| !money.is_zero())
    };
    SbpCode {
        kind: kind.or_else(|| code.qrc_type.as_deref().and_then(codes::parse_kind)),
        is_active: code.status.map(|word| word == codes::ACTIVE),
        point_id: code.merchant_id,
        company_id: code.legal_id,
        account_id: code.account_id,
        amount: money(code.amount),
        vat: money(code.total_tax_amount.filter(|_| code.take_tax == Some(true))),
        purpose: code.payment_purpose,
        ttl_minutes: code.ttl.and_then(|text| text.parse().ok()),
        created_at: code.created_at.as_deref().and_then(parse_time),
        arming_id: code.params_id,
        reference: code.uip,
        return_url: code.redirect_url,
        url: code.payload,
        id: code.qrc_id,
    }
}

/// A code that says it was found out but brings no word that we know says nothing.
fn state(heard: wire::State) -> CodeState {
    let is_told = heard.code.as_deref() == Some(codes::OK);
    let problem = (!is_told).then(|| {
        let parts = [heard.code.as_deref(), heard.message.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    });
    CodeState {
        code_id: heard.qrc_id,
        status: heard.status.filter(|_| is_told).as_deref().and_then(codes::parse_state),
        trx_id: heard.trx_id,
        problem,
    }
}

fn payment(heard: wire::Payment) -> SbpPayment {
    SbpPayment {
        code_id: heard.qrc_id,
        ref_id: heard.ref_transaction_id,
        status: heard.status.as_deref().and_then(codes::parse_transfer),
        message: heard.message,
        ..SbpPayment::default()
    }
}

fn refund(heard: wire::Refund) -> Result<RefundState, Unreadable> {
    if heard.request_id.is_empty() {
        return Err("it names no refund".to_owned());
    }
    Ok(RefundState {
        refund_id: heard.request_id,
        status: heard.status.as_deref().and_then(codes::parse_refund),
        reason: heard.status_description,
    })
}

/// A notice of a payment by a code; `None` when it names no code. Only success is announced.
pub fn notice(heard: wire::Notice) -> Option<SbpPayment> {
    Some(SbpPayment {
        code_id: heard.qrc_id?,
        trx_id: heard.operation_id,
        ref_id: heard.ref_transaction_id,
        status: Some(BankStatus::Paid),
        amount: heard.amount.and_then(|raw| Money::parse_json(&raw).ok()),
        payer_name: heard.payer_name,
        payer_phone: heard.payer_mobile_number.map(|phone| mask_phone(&phone)),
        point_id: heard.merchant_id,
        purpose: heard.purpose,
        ..SbpPayment::default()
    })
}

/// The last four digits, enough for a person at the counter.
fn mask_phone(phone: &str) -> String {
    let tail: Vec<char> = phone.trim().chars().rev().take(4).collect();
    format!("***{}", tail.into_iter().rev().collect::<String>())
}

fn company(heard: wire::Company) -> SbpCompany {
    SbpCompany {
        id: heard.legal_id,
        name: heard.name.unwrap_or_default(),
        is_active: heard.status.as_deref() == Some(codes::ACTIVE),
        tax_code: heard.inn,
        customer_code: heard.customer_code,
        created_at: heard.created_at.as_deref().and_then(parse_time),
        points: heard.points.unwrap_or_default().into_iter().map(point).collect(),
        accounts: heard.accounts.unwrap_or_default().into_iter().map(account).collect(),
    }
}

fn point(heard: wire::Point) -> SbpPoint {
    SbpPoint {
        id: heard.merchant_id,
        company_id: heard.legal_id,
        brand: heard.brand_name.unwrap_or_default(),
        is_active: heard.status.as_deref() == Some(codes::ACTIVE),
        address: heard.address,
        city: heard.city,
        mcc: heard.mcc,
        kinds: heard.capabilities.as_deref().map(codes::parse_capabilities).unwrap_or_default(),
        created_at: heard.created_at.as_deref().and_then(parse_time),
    }
}

fn account(heard: wire::Account) -> SbpAccount {
    SbpAccount {
        account_id: heard.account_id,
        company_id: heard.legal_id,
        is_active: heard.status.as_deref() == Some(codes::ACTIVE),
    }
}
