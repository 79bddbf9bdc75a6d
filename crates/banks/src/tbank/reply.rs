//! A reply as an outcome. The rule: only what the bank clearly says is `Done` or `Refused`; any
//! answer that leaves a doubt is `Unknown`, and somebody asks again.

use crate::{
    bank::Credentials,
    http::HttpReply,
    op::{
        Answer, BankOp, BankStatus, CardOp, Observation, Outcome, Page, Qr, QrForm, Refusal,
        RefusalClass, SbpOp, TerminalOp,
    },
};

use super::{answers, fields::Fields, observation, refusal, settings};

/// A `Retry-After` beyond this is not believed: a day without asking would lose payments.
const MAX_RETRY_AFTER_S: u32 = 3_600;

/// Why a body says nothing. Never quotes it: it may hold names and phones.
pub type Unreadable = &'static str;

/// Reads the reply to the one request that `op` takes.
pub fn read(credentials: &Credentials, op: &BankOp, reply: &HttpReply) -> Outcome {
    let unknown = |why: String| Outcome::Unknown { why };
    match reply.status {
        429 => {
            let seconds = reply.find_header("retry-after").and_then(|s| s.trim().parse().ok());
            return Outcome::Busy { retry_after_s: seconds.map(|s: u32| s.min(MAX_RETRY_AFTER_S)) };
        }
        401 | 403 => return refused(RefusalClass::Credentials, reply.status, &NOT_LET_IN),
        404 | 405 | 501 => return refused(RefusalClass::Unsupported, reply.status, &NO_ROUTE),
        200..=299 | 400..=499 => {}
        status => return unknown(format!("the bank answered {status}")),
    }
    if reply.status < 300
        && let Some(answer) = special(op, reply)
    {
        return Outcome::Done(answer);
    }
    let Some(fields) = Fields::read(&reply.body) else {
        return unknown(format!("the bank answered {} without JSON", reply.status));
    };
    if let Some(why) = find_stranger(credentials, op, &fields) {
        return unknown(format!("the bank's answer is about another {why}"));
    }
    match fields.flag("Success") {
        Some(true) if reply.status < 300 => match answer(op, &fields) {
            Ok(answer) => Outcome::Done(answer),
            Err(why) => unknown(format!("the bank's answer is unreadable: {why}")),
        },
        Some(false) => no(op, &fields),
        Some(true) | None => unknown(format!("the bank answered {} and no more", reply.status)),
    }
}

const NOT_LET_IN: [&str; 2] = [
    "bank_address_refused",
    "The bank's test host lets in only addresses that its support has written down: ask it, or use \
     a DEMO terminal at the production address.",
];
const NO_ROUTE: [&str; 2] = [
    "bank_route_unknown",
    "The bank has no such method at this address: check base_url, which must end in /v2.",
];

fn refused(class: RefusalClass, status: u16, [code, hint]: &[&'static str; 2]) -> Outcome {
    Outcome::Refused(Refusal {
        class,
        code,
        message: format!("The bank answered {status}."),
        hint: (*hint).to_owned(),
        param: None,
    })
}

/// The two successes that are no object: an array of cards, and a picture.
fn special(op: &BankOp, reply: &HttpReply) -> Option<Answer> {
    if let BankOp::Card(CardOp::List { .. }) = op {
        let list = Fields::read_list(&reply.body)?;
        return Some(Answer::Cards(list.iter().map(answers::card).collect()));
    }
    if let BankOp::Terminal(TerminalOp::WalletQr { .. }) = op {
        let content = std::str::from_utf8(&reply.body).ok()?.trim().to_owned();
        let is_picture = content.starts_with('<') && content.contains("<svg");
        let qr = Qr { content, form: QrForm::Image, request_key: None };
        return is_picture.then_some(Answer::Qr(qr));
    }
    None
}

/// What the answer is about if not what was asked. Only what it names is compared.
fn find_stranger(credentials: &Credentials, op: &BankOp, fields: &Fields) -> Option<&'static str> {
    let differs = |name: &str, ours: Option<&str>| {
        ours.is_some_and(|ours| fields.text(name).is_some_and(|theirs| theirs != ours.trim()))
    };
    let (bank_id, reference) = asked_about(op);
    if differs("TerminalKey", Some(settings::terminal_key(credentials))) {
        return Some("terminal");
    }
    if differs("PaymentId", bank_id) {
        return Some("payment");
    }
    differs("OrderId", reference).then_some("order")
}

/// The payment and the order that an operation is about.
fn asked_about(op: &BankOp) -> (Option<&str>, Option<&str>) {
    match op {
        BankOp::CreateLink(link) => (None, Some(&link.reference)),
        BankOp::FindPayment { reference, .. } => (None, Some(reference)),
        BankOp::GetPayment { bank_id }
        | BankOp::Capture { bank_id, .. }
        | BankOp::Refund { bank_id, .. }
        | BankOp::Void { bank_id, .. }
        | BankOp::Card(CardOp::Charge { bank_id, .. })
        | BankOp::Sbp(SbpOp::Qr { bank_id, .. } | SbpOp::Charge { bank_id, .. }) => {
            (Some(bank_id), None)
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
        | BankOp::FetchNoticeKeys
        | BankOp::Auth(_)
        | BankOp::Card(_)
        | BankOp::Subscription(_)
        | BankOp::Sbp(_)
        | BankOp::Terminal(_) => (None, None),
    }
}

/// What a reply with `Success: false` says.
fn no(op: &BankOp, fields: &Fields) -> Outcome {
    let code = fields.text("ErrorCode").unwrap_or_default();
    let seen = observation::of(fields);
    let is_charge =
        matches!(op, BankOp::Card(CardOp::Charge { .. }) | BankOp::Sbp(SbpOp::Charge { .. }));
    // A decline is an outcome of a payment, not a refusal of a request.
    if is_charge && refusal::is_decline(&code) {
        let decline = observation::decline(&code).map(Box::new);
        return Outcome::Done(Answer::Payment(Observation { decline, ..seen }));
    }
    // Its payment is under way or over: perhaps by this very charge, asked a moment ago.
    if is_charge && refusal::is_about_state(&code) {
        let why = format!("the bank said no with code {code}, by the state of the payment");
        return Outcome::Unknown { why };
    }
    if matches!(op, BankOp::GetPayment { .. }) && seen.status.is_some() {
        return Outcome::Done(Answer::Payment(seen));
    }
    let outcome = refusal::read(op, fields);
    let is_absent = matches!(&outcome, Outcome::Refused(no) if no.class == RefusalClass::NotFound);
    if let BankOp::FindPayment { page, .. } = op
        && is_absent
    {
        return Outcome::Done(Answer::Payments(Page {
            items: Vec::new(),
            page: *page,
            total_pages: 1,
        }));
    }
    outcome
}

/// What a reply with `Success: true` says.
fn answer(op: &BankOp, fields: &Fields) -> Result<Answer, Unreadable> {
    let accepted = Ok(Answer::Accepted { done: true });
    match op {
        BankOp::CreateLink(_) => created(fields),
        BankOp::GetPayment { .. } => seen(fields).map(Answer::Payment),
        BankOp::FindPayment { reference, page, .. } => found(reference, *page, fields),
        BankOp::Capture { .. } => captured(fields),
        BankOp::Refund { amount, request_id, .. } => {
            let seen = seen(fields)?;
            if !matches!(seen.status, Some(BankStatus::Refunded | BankStatus::PartiallyRefunded)) {
                // Under way, or the money was not yet received and something else was cancelled.
                return Ok(Answer::Payment(seen));
            }
            let (before, after) = (fields.kopecks("OriginalAmount"), fields.kopecks("NewAmount"));
            // A repeated request is answered with the state as it is, which changes nothing.
            let change = before.zip(after).and_then(|(before, after)| before.checked_sub(after));
            let amount = change.filter(|change| !change.is_zero()).unwrap_or(*amount);
            Ok(Answer::Refunded { amount, refund_id: request_id.clone() })
        }
        BankOp::Void { .. } => voided(fields),
        BankOp::Card(op) => answers::of_card(op, fields),
        BankOp::Sbp(op) => answers::of_sbp(op, fields),
        BankOp::Terminal(TerminalOp::ClosingReceipt { .. }) => accepted,
        BankOp::Terminal(op) => answers::of_terminal(op, fields),
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
        | BankOp::FetchNoticeKeys
        | BankOp::Subscription(_)
        | BankOp::Auth(_) => Err("nothing was asked"),
    }
}

/// Merchants who show their own form get no address.
fn created(fields: &Fields) -> Result<Answer, Unreadable> {
    let seen = observation::of(fields);
    let bank_id = seen.bank_id.clone().ok_or("it names no payment")?;
    Ok(match fields.text("PaymentURL") {
        Some(url) => Answer::Link { bank_id, url },
        None => Answer::Payment(seen),
    })
}

/// A payment with a state that we know.
pub fn seen(fields: &Fields) -> Result<Observation, Unreadable> {
    let seen = observation::of(fields);
    if seen.status.is_none() {
        return Err("it names no state that we know");
    }
    Ok(seen)
}

/// `CheckOrder`: one number may have several payments, the ones that got furthest first.
fn found(reference: &str, page: u32, fields: &Fields) -> Result<Answer, Unreadable> {
    let list = fields.list("Payments").ok_or("it lists no payments")?;
    let mut items = Vec::with_capacity(list.len());
    for item in &list {
        let seen = observation::of(item);
        if seen.bank_id.is_none() {
            // To overlook one would be to make it anew.
            return Err("it names no payment");
        }
        items.push(Observation { reference: Some(reference.to_owned()), ..seen });
    }
    items.sort_by_key(|seen| rank(seen.status));
    Ok(Answer::Payments(Page { items, page, total_pages: 1 }))
}

const fn rank(status: Option<BankStatus>) -> u8 {
    match status {
        Some(
            BankStatus::Paid
            | BankStatus::Refunding
            | BankStatus::PartiallyRefunded
            | BankStatus::Refunded,
        ) => 0,
        Some(BankStatus::Authorized) => 1,
        Some(BankStatus::InProgress) | None => 2,
        Some(BankStatus::Created) => 3,
        Some(BankStatus::Expired | BankStatus::Canceled | BankStatus::Declined) => 4,
    }
}

fn captured(fields: &Fields) -> Result<Answer, Unreadable> {
    let word = fields.text("Status").unwrap_or_default();
    let seen = seen(fields)?;
    let is_under_way = matches!(word.as_str(), "CONFIRMING" | "CONFIRM_CHECKING" | "COMPLETING");
    Ok(Answer::Accepted { done: is_under_way || seen.status == Some(BankStatus::Paid) })
}

fn voided(fields: &Fields) -> Result<Answer, Unreadable> {
    let word = fields.text("Status").unwrap_or_default();
    let seen = seen(fields)?;
    Ok(match word.as_str() {
        "REVERSED" | "REVERSING" | "PARTIAL_REVERSED" | "CANCELED" | "CANCELLED" => {
            Answer::Accepted { done: true }
        }
        // The money had been received meanwhile, so it was a refund: a fact about the payment.
        _ => Answer::Payment(seen),
    })
}
