//! An operation of SBP as the request that carries it.

use crate::{
    Money,
    bank::Credentials,
    http::{HttpRequest, Method, encode_query, percent_encode},
    op::{
        CodeLife, CodeOp, DeskOp, InvoiceOp, NewCode, NewInvoice, NewPoint, NewSbpRefund, SbpOp,
        SetupOp,
    },
    tochka::{
        request::{PER_PAGE, api},
        settings, wire as envelope,
    },
};

use super::{codes, wire};

const NSPK: &str = "https://qr.nspk.ru";
const RUB: &str = "RUB";

/// `None` for what is another bank's operation: refused before it comes here.
pub fn build(credentials: &Credentials, op: &SbpOp) -> Option<HttpRequest> {
    let call = |method, path: &str| api(credentials, method, &format!("/sbp/v1.0/{path}"));
    Some(match op {
        SbpOp::Setup(op) => setup(credentials, op),
        SbpOp::Code(op) => code(credentials, op),
        SbpOp::Desk(op) => desk(credentials, op),
        SbpOp::Invoice(InvoiceOp::Register(new)) => invoice(credentials, new),
        SbpOp::Invoice(InvoiceOp::Show { code_id }) => {
            call(Method::Get, &format!("b2b-qr-code/{}", percent_encode(code_id)))
        }
        SbpOp::Payments { code_id, from, to, page } => {
            let (from, to, page) = (from.to_string(), to.to_string(), page.to_string());
            let mut query = vec![
                ("customerCode", credentials.get(settings::CUSTOMER_CODE)),
                // Without a first day the bank tells of yesterday and today only.
                ("fromDate", &from),
                ("toDate", &to),
                ("page", &page),
                ("perPage", PER_PAGE),
            ];
            query.extend(code_id.iter().map(|id| ("qrcId", id.as_str())));
            call(Method::Get, &format!("get-sbp-payments?{}", encode_query(&query)))
        }
        SbpOp::StartRefund(new) => {
            call(Method::Post, "refund").json(&envelope::Request { data: refund(new) })
        }
        SbpOp::FindRefund { refund_id } => {
            call(Method::Get, &format!("refund/{}", percent_encode(refund_id)))
        }
        SbpOp::Banks { .. } => banks(credentials),
        SbpOp::Qr { .. }
        | SbpOp::RefundBanks { .. }
        | SbpOp::ShowRefund { .. }
        | SbpOp::Bind { .. }
        | SbpOp::ShowBinding { .. }
        | SbpOp::Accounts
        | SbpOp::Charge { .. }
        | SbpOp::PayTest { .. } => return None,
    })
}

/// The operator's list of banks whose apps open codes. It is public: no key goes there.
fn banks(credentials: &Credentials) -> HttpRequest {
    let is_bank = settings::is_bank(credentials);
    let root = if is_bank { NSPK } else { settings::root(credentials) };
    HttpRequest::new(Method::Get, format!("{root}/proxyapp/c2bmembers.json"))
        .header("accept", "application/json")
}

fn setup(credentials: &Credentials, op: &SetupOp) -> HttpRequest {
    let call = |method, path: &str| api(credentials, method, &format!("/sbp/v1.0/{path}"));
    let customer_code = credentials.get(settings::CUSTOMER_CODE);
    let bank_code = own_bik(credentials);
    let set = |is_active| envelope::Request {
        data: wire::SetStatus { status: codes::status_word(is_active) },
    };
    match op {
        SetupOp::ShowCompany => {
            let path = format!("customer/{}/{bank_code}", percent_encode(customer_code));
            call(Method::Get, &path)
        }
        SetupOp::RegisterCompany => {
            let data = wire::RegisterCompany { customer_code, bank_code };
            call(Method::Post, "register-sbp-legal-entity").json(&envelope::Request { data })
        }
        SetupOp::FindCompany { company_id } => {
            call(Method::Get, &format!("legal-entity/{}", percent_encode(company_id)))
        }
        SetupOp::SetCompany { company_id, is_active } => {
            call(Method::Post, &format!("legal-entity/{}", percent_encode(company_id)))
                .json(&set(*is_active))
        }
        SetupOp::Accounts { company_id } => {
            call(Method::Get, &format!("account/{}", percent_encode(company_id)))
        }
        SetupOp::RegisterPoint { company_id, point: new } => {
            let data = point(new);
            call(Method::Post, &format!("merchant/legal-entity/{}", percent_encode(company_id)))
                .json(&envelope::Request { data })
        }
        SetupOp::Points { company_id } => {
            call(Method::Get, &format!("merchant/legal-entity/{}", percent_encode(company_id)))
        }
        SetupOp::ShowPoint { point_id } => {
            call(Method::Get, &format!("merchant/{}", percent_encode(point_id)))
        }
        SetupOp::SetPoint { point_id, is_active } => {
            call(Method::Put, &format!("merchant/{}", percent_encode(point_id)))
                .json(&set(*is_active))
        }
    }
}

fn point(new: &NewPoint) -> wire::RegisterPoint<'_> {
    wire::RegisterPoint {
        address: new.address.trim(),
        city: new.city.trim(),
        country_code: "RU",
        country_sub_division_code: &new.region,
        zip_code: &new.postcode,
        brand_name: new.brand.trim(),
        capabilities: codes::ALL_CAPABILITIES,
        contact_phone_number: new.phone.as_deref(),
        mcc: &new.mcc,
        scenario: if new.is_for_companies { "B2B" } else { "C2B" },
        sales_mode: if new.is_face_to_face { "FACE_TO_FACE" } else { "REMOTE" },
    }
}

fn code(credentials: &Credentials, op: &CodeOp) -> HttpRequest {
    let call = |method, path: &str| api(credentials, method, &format!("/sbp/v1.0/{path}"));
    match op {
        CodeOp::Register(new) => call(
            Method::Post,
            &format!("qr-code/merchant/{}", place(&new.point_id, &new.account_id)),
        )
        .json(&envelope::Request { data: register(new) }),
        CodeOp::Show { code_id } => {
            call(Method::Get, &format!("qr-code/{}", percent_encode(code_id)))
        }
        CodeOp::List { company_id } => {
            call(Method::Get, &format!("qr-code/legal-entity/{}", percent_encode(company_id)))
        }
        CodeOp::States { code_ids } => {
            // Letters and digits by then, so that the commas stay the only ones.
            call(Method::Get, &format!("qr-codes/{}/payment-status", code_ids.join(",")))
        }
    }
}

fn register(new: &NewCode) -> wire::RegisterCode<'_> {
    let (qrc_type, ttl) = match new.life {
        CodeLife::Static { .. } => ("01", None),
        CodeLife::Dynamic { ttl_minutes, .. } => ("02", Some(ttl_minutes)),
    };
    wire::RegisterCode {
        amount: new.life.amount().map(Money::kopecks),
        currency: RUB,
        payment_purpose: &new.purpose,
        qrc_type,
        source_name: codes::SOURCE,
        ttl,
        redirect_url: new.return_url.as_deref(),
    }
}

fn invoice(credentials: &Credentials, new: &NewInvoice) -> HttpRequest {
    let data = wire::RegisterInvoice {
        amount: new.amount.kopecks(),
        payment_purpose: &new.purpose,
        source_name: codes::SOURCE,
        take_tax: new.vat.is_some(),
        total_tax_amount: new.vat.map(Money::kopecks),
        ttl: new.ttl_minutes,
        redirect_url: new.return_url.as_deref(),
        uip: new.reference.as_deref(),
    };
    let place = place(&new.point_id, &new.account_id);
    let path = format!("/sbp/v1.0/b2b-qr-code/merchant/{place}");
    api(credentials, Method::Post, &path).json(&envelope::Request { data })
}

fn desk(credentials: &Credentials, op: &DeskOp) -> HttpRequest {
    let call = |method, path: &str| api(credentials, method, &format!("/sbp/v1.0/{path}"));
    let one = |method, code_id: &str, action: &str| {
        call(method, &format!("cashbox-qr-code/{}{action}", percent_encode(code_id)))
    };
    match op {
        DeskOp::Register { point_id, account_id, return_url } => {
            let redirect_url = return_url.as_deref();
            let data = wire::RegisterDesk { merchant_id: point_id, account_id, redirect_url };
            call(Method::Post, "cashbox-qr-code").json(&envelope::Request { data })
        }
        DeskOp::List { point_id, account_id } => {
            let path = format!("cashbox-qr-code/merchant/{}", place(point_id, account_id));
            call(Method::Get, &path)
        }
        // A read, for all its method: the body could only say how large a picture shall be.
        DeskOp::Show { code_id } => one(Method::Post, code_id, ""),
        DeskOp::Arm { code_id, amount, purpose, ttl_minutes } => {
            let data = wire::Activate {
                amount: amount.kopecks(),
                currency: RUB,
                payment_purpose: purpose.as_deref(),
                ttl: *ttl_minutes,
            };
            one(Method::Post, code_id, "/activate").json(&envelope::Request { data })
        }
        DeskOp::Disarm { code_id } => one(Method::Post, code_id, "/deactivate"),
        DeskOp::Move { code_id, account_id } => {
            let data = wire::MoveDesk { account_id };
            one(Method::Post, code_id, "/account").json(&envelope::Request { data })
        }
        DeskOp::State { code_id } => one(Method::Get, code_id, "/status"),
        DeskOp::Payment { code_id, arming_id } => {
            let query = encode_query(&[("paramsId", arming_id)]);
            one(Method::Get, code_id, &format!("/operation?{query}"))
        }
    }
}

fn refund(new: &NewSbpRefund) -> wire::StartRefund<'_> {
    let (account_code, bank_code) = split_account(&new.account_id);
    wire::StartRefund {
        bank_code,
        account_code,
        amount: new.amount.to_rubles(),
        currency: RUB,
        qrc_id: &new.code_id,
        purpose: refund_purpose(new),
        ref_transaction_id: new.ref_id.as_deref(),
        trx_id: new.trx_id.as_deref(),
    }
}

/// Currency law wants its code and these words first when money goes back to a non-resident.
pub fn refund_purpose(new: &NewSbpRefund) -> String {
    if !new.is_abroad {
        return new.purpose.trim().to_owned();
    }
    let id = new.trx_id.as_deref().or(new.ref_id.as_deref()).unwrap_or("");
    format!("{{VO99020}} Возврат ошибочно полученной суммы {id} {}", new.purpose.trim())
}

/// Two segments of a path: the slash inside an account is not one between segments.
fn place(point_id: &str, account_id: &str) -> String {
    format!("{}/{}", percent_encode(point_id), percent_encode(account_id))
}

/// Number and BIK of an account, as [`super::quirks`] has checked it.
pub fn split_account(account_id: &str) -> (&str, &str) {
    account_id.split_once('/').unwrap_or((account_id, codes::TOCHKA_BIK))
}

/// The BIK that the company is registered with: its account's, else the bank's.
fn own_bik(credentials: &Credentials) -> &str {
    let account = credentials.find(settings::ACCOUNT_ID);
    account.map_or(codes::TOCHKA_BIK, |account| split_account(account).1)
}
