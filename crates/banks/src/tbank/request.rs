//! An operation as the request that carries it. Pure: the same operation gives the same bytes.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};

use crate::{
    bank::{Credentials, Step},
    http::{HttpRequest, Method, encode_query, percent_encode},
    op::{
        Answer, BankOp, CaptureMode, CardOp, CreateLink, Device, Language, LetterTo, Outcome,
        QrAsked, QrForm, SbpOp, TerminalOp, TestFate, Wallet,
    },
};

use super::{codes, quirks, receipt, settings, token, token::Scope, wire::Body};

/// T-Pay proper; version 1.0 is an older thing of the same name that the bank no longer connects.
const TPAY_VERSION: &str = "2.0";

/// The keys of `DATA` that this file writes itself.
pub const OWN_DATA_KEYS: [&str; 2] = ["OperationInitiatorType", "QR"];

/// The request of an operation, or the refusal that the bank would give.
pub fn start(credentials: &Credentials, op: &BankOp) -> Step {
    if let Some(refusal) = quirks::find_problem(credentials, op) {
        return Step::refuse(refusal);
    }
    let body = Body::new(settings::terminal_key(credentials));
    let about = |bank_id: &str| {
        Body::new(settings::terminal_key(credentials)).text("PaymentId", Some(bank_id))
    };
    let post = |path: &str, body: Body| post(credentials, path, &body, Scope::All);
    let request = match op {
        BankOp::CreateLink(link) => post("/Init", init(credentials, link, body)),
        BankOp::GetPayment { bank_id } => post("/GetState", about(bank_id)),
        BankOp::FindPayment { reference, .. } => {
            post("/CheckOrder", body.text("OrderId", Some(reference)))
        }
        BankOp::Capture { bank_id, amount, receipt, .. } => {
            let receipt = receipt.as_ref().map(|receipt| receipt::wire(credentials, receipt));
            let body = about(bank_id).kopecks("Amount", Some(*amount)).put("Receipt", receipt);
            post("/Confirm", body)
        }
        BankOp::Refund { bank_id, amount, request_id, receipt, sbp_member, transfer: _ } => {
            let receipt = receipt.as_ref().map(|receipt| receipt::wire(credentials, receipt));
            let body = about(bank_id)
                .kopecks("Amount", Some(*amount))
                .put("Receipt", receipt)
                .text("QrMemberId", sbp_member.as_deref())
                .text("ExternalRequestId", Some(&external_id(request_id)));
            post("/Cancel", body)
        }
        BankOp::Void { bank_id, amount, request_id } => {
            let body = about(bank_id)
                .kopecks("Amount", *amount)
                .text("ExternalRequestId", Some(&external_id(request_id)));
            post("/Cancel", body)
        }
        // Notices are verified by the terminal's password: there is nothing to fetch.
        BankOp::FetchNoticeKeys => {
            return Step::Done(Outcome::Done(Answer::NoticeKeys(String::new())));
        }
        BankOp::ListPayments { .. }
        | BankOp::Registry { .. }
        | BankOp::Retailers
        | BankOp::Customers
        | BankOp::Accounts
        | BankOp::Statement(_)
        | BankOp::ShowNotices
        | BankOp::RegisterNotices { .. }
        | BankOp::TestNotice { .. }
        | BankOp::DeleteNotices
        | BankOp::Auth(_) => return Step::refuse(quirks::UNSUPPORTED.refusal()),
        BankOp::Card(op) => card(credentials, op),
        BankOp::Sbp(op) => match sbp(credentials, op) {
            Some(request) => request,
            None => return Step::refuse(quirks::OWN_CODES.refusal()),
        },
        BankOp::Subscription(_) => return Step::refuse(quirks::SUBSCRIPTIONS.refusal()),
        BankOp::Terminal(op) => terminal(credentials, op),
    };
    Step::Send(request)
}

fn init(credentials: &Credentials, link: &CreateLink, body: Body) -> Body {
    let is_kept = link.save_card || link.sbp_account;
    let receipt = link.receipt.as_ref().map(|receipt| receipt::wire(credentials, receipt));
    body.kopecks("Amount", Some(link.amount))
        .text("OrderId", Some(&link.reference))
        .text("Description", Some(link.purpose.trim()))
        .text("CustomerKey", link.payer_id.as_deref())
        .text("Recurrent", is_kept.then_some("Y"))
        .text(
            "PayType",
            Some(match link.capture {
                CaptureMode::Automatic => "O",
                CaptureMode::Manual => "T",
            }),
        )
        .text(
            "Language",
            link.language.map(|language| match language {
                Language::Russian => "ru",
                Language::English => "en",
            }),
        )
        .text("NotificationURL", link.notice_url.as_deref())
        .text("SuccessURL", link.success_url.as_deref())
        .text("FailURL", link.fail_url.as_deref())
        .text("RedirectDueDate", link.expires_at.map(due_date).as_deref())
        .put("DATA", Some(data(link)))
        .put("Receipt", receipt)
}

/// Our id of a refund or a void as a UUID of version 4: for instalments (Dolyame) the bank takes no
/// other, and which way the payer chose is not known here. The same id gives the same UUID.
fn external_id(request_id: &str) -> String {
    let hash = digest::digest(&digest::SHA256, request_id.as_bytes());
    let mut hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    // The version, and the variant of RFC 9562.
    hex.replace_range(12..13, "4");
    hex.replace_range(16..17, "a");
    let (hex, _) = hex.split_at(32);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// `DATA`: the shop's pairs and what the schemes want to know of the payment's initiator.
pub fn data(link: &CreateLink) -> BTreeMap<&str, &str> {
    let mut data: BTreeMap<&str, &str> =
        link.extra.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    if link.sbp_account {
        // About an account, not a card: the initiator's types are the card schemes'.
        data.insert("QR", "true");
        return data;
    }
    let initiator = match link.saved_charge {
        Some(charge) => codes::charge_word(charge),
        None if link.save_card => "1",
        None => "0",
    };
    data.insert("OperationInitiatorType", initiator);
    data
}

/// Whole seconds and a numeric offset: a fraction, or `Z`, is answered with «internal error».
fn due_date(at: Timestamp) -> String {
    let moscow = TimeZone::fixed(Offset::constant(3));
    at.to_zoned(moscow).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn card(credentials: &Credentials, op: &CardOp) -> HttpRequest {
    let body = Body::new(settings::terminal_key(credentials));
    let of = |payer_id: &str| {
        Body::new(settings::terminal_key(credentials)).text("CustomerKey", Some(payer_id))
    };
    let (path, body, scope) = match op {
        CardOp::AddPayer { payer_id, email, phone } => {
            let body = of(payer_id).text("Email", email.as_deref()).text("Phone", phone.as_deref());
            ("/AddCustomer", body, Scope::All)
        }
        CardOp::ShowPayer { payer_id } => ("/GetCustomer", of(payer_id), Scope::All),
        CardOp::RemovePayer { payer_id } => ("/RemoveCustomer", of(payer_id), Scope::All),
        CardOp::Bind { payer_id, check, success_url, fail_url, notice_url } => {
            let body = of(payer_id)
                .text("CheckType", Some(codes::check_word(*check)))
                .text("SuccessURL", success_url.as_deref())
                .text("FailURL", fail_url.as_deref())
                .text("NotificationURL", notice_url.as_deref());
            ("/AddCard", body, Scope::WithoutUrls)
        }
        CardOp::ShowBinding { request_key } => {
            ("/GetAddCardState", body.text("RequestKey", Some(request_key)), Scope::All)
        }
        CardOp::List { payer_id } => ("/GetCardList", of(payer_id), Scope::All),
        CardOp::Remove { payer_id, card_id } => {
            ("/RemoveCard", of(payer_id).text("CardId", Some(card_id)), Scope::All)
        }
        CardOp::Charge { bank_id, charge_id, email } => {
            let body = body.text("PaymentId", Some(bank_id)).text("RebillId", Some(charge_id));
            ("/Charge", letter(body, email.as_deref()), Scope::All)
        }
    };
    post(credentials, path, &body, scope)
}

/// The bank's own letter to the payer.
fn letter(body: Body, email: Option<&str>) -> Body {
    body.put("SendEmail", email.map(|_| true)).text("InfoEmail", email)
}

/// `None` for codes that live by themselves: here a code always belongs to a payment.
fn sbp(credentials: &Credentials, op: &SbpOp) -> Option<HttpRequest> {
    let body = Body::new(settings::terminal_key(credentials));
    let (path, body) = match op {
        SbpOp::Qr { bank_id, asked } => {
            ("/GetQr", qr(body.text("PaymentId", Some(bank_id)), asked))
        }
        SbpOp::RefundBanks { bank_id } => ("/QrMembersList", body.text("PaymentId", Some(bank_id))),
        SbpOp::ShowRefund { bank_id } => ("/GetQrState", body.text("PaymentId", Some(bank_id))),
        SbpOp::Bind { purpose, asked, expires_at } => {
            let body = qr(body.text("Description", Some(purpose.trim())), asked);
            let due = expires_at.map(due_date);
            ("/AddAccountQr", body.text("RedirectDueDate", due.as_deref()))
        }
        SbpOp::ShowBinding { request_key } => {
            ("/GetAddAccountQrState", body.text("RequestKey", Some(request_key)))
        }
        SbpOp::Accounts => ("/GetAccountQrList", body),
        SbpOp::Charge { bank_id, account_token, member_id, email } => {
            // Undocumented, but without the bank's id a live terminal refuses with 5031.
            let body = body
                .text("PaymentId", Some(bank_id))
                .text("AccountToken", Some(account_token))
                .text("BankMemberId", member_id.as_deref());
            ("/ChargeQr", letter(body, email.as_deref()))
        }
        SbpOp::Banks { for_binding, device } => {
            let body = body
                .text("ScenarioType", Some(if *for_binding { "sub" } else { "qr" }))
                .put("Device", Some(device_words(*device)));
            ("/GetQrBankList", body)
        }
        SbpOp::PayTest { bank_id, fate } => {
            let body = body.text("PaymentId", Some(bank_id));
            let body = match fate {
                TestFate::Paid => body,
                TestFate::Expired => body.put("IsDeadlineExpired", Some(true)),
                TestFate::Rejected => body.put("IsRejected", Some(true)),
            };
            ("/SbpPayTest", body)
        }
        SbpOp::Setup(_)
        | SbpOp::Code(_)
        | SbpOp::Desk(_)
        | SbpOp::Invoice(_)
        | SbpOp::Payments { .. }
        | SbpOp::StartRefund(_)
        | SbpOp::FindRefund { .. } => return None,
    };
    Some(post(credentials, path, &body, Scope::All))
}

fn qr(body: Body, asked: &QrAsked) -> Body {
    let form = match asked.form {
        QrForm::Link => "PAYLOAD",
        QrForm::Image => "IMAGE",
    };
    body.text("DataType", Some(form)).text("BankId", asked.bank.as_deref())
}

fn device_words(device: Device) -> BTreeMap<&'static str, &'static str> {
    let (kind, os) = match device {
        Device::Desktop => ("desktop", None),
        Device::Mobile => ("mobile", None),
        Device::Android => ("mobile", Some("Android")),
        Device::Ios => ("mobile", Some("iOS")),
    };
    [("Type", Some(kind)), ("Os", os)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn terminal(credentials: &Credentials, op: &TerminalOp) -> HttpRequest {
    let key = settings::terminal_key(credentials);
    let body = Body::new(key);
    match op {
        TerminalOp::Methods => {
            let query = encode_query(&[("TerminalKey", key), ("Paysource", "API")]);
            get(credentials, &format!("/GetTerminalPayMethods?{query}"))
        }
        TerminalOp::TPayState => {
            get(credentials, &format!("/TinkoffPay/terminals/{}/status", percent_encode(key)))
        }
        TerminalOp::WalletLink { bank_id, wallet } => {
            let id = percent_encode(bank_id);
            match wallet {
                Wallet::TPay => get(
                    credentials,
                    &format!("/TinkoffPay/transactions/{id}/versions/{TPAY_VERSION}/link"),
                ),
                Wallet::SberPay => get(credentials, &format!("/SberPay/transactions/{id}/link")),
                Wallet::MirPay => {
                    let body = body.text("PaymentId", Some(bank_id));
                    post(credentials, "/MirPay/GetDeepLink", &body, Scope::All)
                }
            }
        }
        TerminalOp::WalletQr { bank_id, wallet } => {
            let folder = match wallet {
                Wallet::SberPay => "SberPay",
                // Mir Pay has no picture: `quirks` has refused it.
                Wallet::TPay | Wallet::MirPay => "TinkoffPay",
            };
            get(credentials, &format!("/{folder}/{}/QR", percent_encode(bank_id)))
        }
        TerminalOp::ResendNotices => post(credentials, "/Resend", &body, Scope::All),
        TerminalOp::ConfirmationLetter { bank_ids, to } => {
            let body = match to {
                LetterTo::Emails(emails) => body.put("EmailList", Some(emails)),
                LetterTo::Url(url) => body.text("CallbackUrl", Some(url)),
            };
            // Numbers by the document; `quirks` has made sure that they are.
            let ids: Vec<u64> = bank_ids.iter().filter_map(|id| id.trim().parse().ok()).collect();
            let body = body.put("PaymentIdList", Some(ids));
            post(credentials, "/getConfirmOperation", &body, Scope::TerminalOnly)
        }
        TerminalOp::ClosingReceipt { bank_id, receipt } => {
            let body = body
                .text("PaymentId", Some(bank_id))
                .put("Receipt", Some(receipt::wire(credentials, receipt)));
            let url = format!("{}/cashbox/SendClosingReceipt", settings::root(credentials));
            signed(credentials, url, &body, Scope::All)
        }
    }
}

fn post(credentials: &Credentials, path: &str, body: &Body, scope: Scope) -> HttpRequest {
    signed(credentials, format!("{}{path}", settings::base(credentials)), body, scope)
}

fn signed(credentials: &Credentials, url: String, body: &Body, scope: Scope) -> HttpRequest {
    let text = token::sign(&body.to_json(), settings::password(credentials), scope);
    let request = HttpRequest::new(Method::Post, url)
        .header("content-type", "application/json")
        .header("accept", "application/json");
    HttpRequest { body: text.into_bytes(), ..request }
}

fn get(credentials: &Credentials, path: &str) -> HttpRequest {
    HttpRequest::new(Method::Get, format!("{}{path}", settings::base(credentials)))
        .header("accept", "application/json, image/svg")
}
