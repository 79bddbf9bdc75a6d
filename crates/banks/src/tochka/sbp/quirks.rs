//! What Tochka would refuse of SBP, as named checks before a request leaves: the ids, the sum and
//! its limits, the texts, then the connection. Read after the folder's `quirks`.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::{
    Money,
    op::{
        BankOp, CodeLife, CodeOp, DeskOp, InvoiceOp, NewCode, NewInvoice, NewPoint, NewSbpRefund,
        RefusalClass::Invalid, SbpOp, SetupOp, StatementOp,
    },
    tochka::quirks::{Quirk, quirk},
};

use super::{codes, request};

/// One million rubles: the most that one payment in SBP may be, for people by the Bank of Russia,
/// for companies by the bank's document.
const MAX_KOPECKS: i64 = 100_000_000;
/// Of our own: the ids stand in the address, which should not grow without end.
pub const MAX_BATCH: usize = 50;

pub static QUIRKS: &[Quirk] = &[
    quirk(
        "sbp_company_id_invalid",
        Invalid,
        Some("company_id"),
        [
            "This is not an id of a company in SBP (legalId): 12 letters and digits.",
            "Take it from the company's entry in SBP; it begins with LA, LB or LF.",
        ],
        |_, op| find_company_id(op).is_some_and(|id| !is_object_id(id)),
    ),
    quirk(
        "sbp_point_id_invalid",
        Invalid,
        Some("point_id"),
        [
            "This is not an id of a point of sale in SBP (merchantId): 12 letters and digits.",
            "Take it from the company's points in SBP: it begins with MA, MB or MF. The 15 digits \
             of internet acquiring are another id.",
        ],
        |_, op| find_point_id(op).is_some_and(|id| !is_object_id(id)),
    ),
    quirk(
        "account_id_invalid",
        Invalid,
        Some("account_id"),
        [
            "The account is not a number of 20 digits, a slash and a BIK of 9 digits.",
            "Take it from the list of accounts: 40702810302000000092/044525104.",
        ],
        |_, op| find_account_id(op).is_some_and(|id| !is_account_id(id)),
    ),
    quirk(
        "sbp_code_id_invalid",
        Invalid,
        Some("code_id"),
        [
            "This is not an id of a code in SBP (qrcId): 32 letters and digits.",
            "Send the id that came with the code; it also stands in its link.",
        ],
        |_, op| find_code_ids(op).iter().any(|id| !is_code_id(id)),
    ),
    quirk(
        "sbp_batch_invalid",
        Invalid,
        Some("code_ids"),
        ["At most 50 codes are asked about at once, and at least one.", "Ask in parts."],
        |_, op| {
            let is_whole = |ids: &[String]| (1..=MAX_BATCH).contains(&ids.len());
            matches!(sbp(op), Some(SbpOp::Code(CodeOp::States { code_ids })) if !is_whole(code_ids))
        },
    ),
    quirk(
        "sbp_arming_id_invalid",
        Invalid,
        Some("arming_id"),
        ["No arming of the desk's code is named.", "Send the arming_id that arming it gave."],
        |_, op| {
            let is_bad = |id: &str| id.trim().is_empty();
            matches!(
                sbp(op),
                Some(SbpOp::Desk(DeskOp::Payment { arming_id, .. })) if is_bad(arming_id)
            )
        },
    ),
    quirk(
        "statement_id_invalid",
        Invalid,
        Some("statement_id"),
        ["This is not an id of a statement at the bank.", "Send the id that the bank gave."],
        |_, op| {
            let is_bad = |id: &str| matches!(id.trim(), "" | "." | "..");
            matches!(
                op,
                BankOp::Statement(StatementOp::Read { statement_id, .. }) if is_bad(statement_id)
            )
        },
    ),
    quirk(
        "sbp_refund_id_invalid",
        Invalid,
        Some("refund_id"),
        ["This is not an id of a refund at the bank.", "Send the id that the bank gave."],
        |_, op| {
            let is_bad = |id: &str| matches!(id.trim(), "" | "." | "..");
            matches!(sbp(op), Some(SbpOp::FindRefund { refund_id }) if is_bad(refund_id))
        },
    ),
    quirk(
        "sbp_amount_invalid",
        Invalid,
        Some("amount"),
        [
            "One payment in SBP is from 0.01 to 1 000 000 rubles.",
            "Send an amount within that, or take the rest another way; `amount` counts rubles, \
             `amount_kopecks` kopecks.",
        ],
        |_, op| {
            find_amount(op).is_some_and(|amount| !(1..=MAX_KOPECKS).contains(&amount.kopecks()))
        },
    ),
    quirk(
        "sbp_vat_invalid",
        Invalid,
        Some("vat_amount"),
        [
            "The VAT must be more than zero and less than the amount that it is a part of.",
            "Send the sum of the VAT in rubles, or leave it out for a payment without VAT.",
        ],
        |_, op| match sbp(op) {
            Some(SbpOp::Invoice(InvoiceOp::Register(new))) => {
                new.vat.is_some_and(|vat| vat.is_zero() || vat >= new.amount)
            }
            Some(_) | None => false,
        },
    ),
    quirk(
        "sbp_ttl_invalid",
        Invalid,
        Some("ttl_minutes"),
        [
            "A code of one payment lives 1 to 129600 minutes (90 days).",
            "Choose a life within that; a static code lives without end.",
        ],
        |_, op| match sbp(op) {
            Some(SbpOp::Code(CodeOp::Register(new))) => match new.life {
                CodeLife::Dynamic { ttl_minutes, .. } => !is_life(ttl_minutes),
                CodeLife::Static { .. } => false,
            },
            Some(SbpOp::Invoice(InvoiceOp::Register(new))) => !is_life(new.ttl_minutes),
            Some(_) | None => false,
        },
    ),
    quirk(
        "sbp_desk_ttl_invalid",
        Invalid,
        Some("ttl_minutes"),
        [
            "A desk's code waits 5 to 20 minutes for its payer.",
            "Arm it within that; arm it again when nobody came.",
        ],
        |_, op| {
            let is_bad = |ttl: u32| !(5..=20).contains(&ttl);
            matches!(
                sbp(op),
                Some(SbpOp::Desk(DeskOp::Arm { ttl_minutes, .. })) if is_bad(*ttl_minutes)
            )
        },
    ),
    quirk(
        "sbp_purpose_invalid",
        Invalid,
        Some("purpose"),
        [
            "A purpose in SBP has 1 to 140 characters.",
            "Shorten it; the payer reads it in the banking app. To a payer abroad the bank's own \
             words for that come first and count as well.",
        ],
        |_, op| {
            find_purpose(op)
                .is_some_and(|text| text.trim().is_empty() || text.chars().count() > 140)
        },
    ),
    quirk(
        "sbp_return_url_invalid",
        Invalid,
        Some("return_url"),
        [
            "The return address is not an https URL of at most 2083 characters.",
            "Send a whole address such as https://shop.example.ru/thanks.",
        ],
        |_, op| {
            find_return_url(op).is_some_and(|url| {
                !url.starts_with("https://") || !crate::tochka::quirks::is_url(url)
            })
        },
    ),
    quirk(
        "sbp_reference_invalid",
        Invalid,
        Some("reference"),
        [
            "The recipient's own id of a payment (УИП) has 1 to 35 letters and digits.",
            "Shorten it, or leave it out.",
        ],
        |_, op| match sbp(op) {
            Some(SbpOp::Invoice(InvoiceOp::Register(new))) => {
                new.reference.as_deref().is_some_and(|text| {
                    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric());
                    !(1..=35).contains(&text.len()) || !is_plain
                })
            }
            Some(_) | None => false,
        },
    ),
    quirk(
        "sbp_payment_ids_missing",
        Invalid,
        Some("trx_id"),
        [
            "A refund must name the payment: by its id in SBP or by the bank's own.",
            "Take trx_id or ref_id from the payment's notice, or ref_id from the list of payments.",
        ],
        |_, op| match sbp(op) {
            Some(SbpOp::StartRefund(new)) => {
                let is_named =
                    |id: &Option<String>| id.as_deref().is_some_and(|id| !id.trim().is_empty());
                !is_named(&new.trx_id) && !is_named(&new.ref_id)
            }
            Some(_) | None => false,
        },
    ),
    quirk(
        "period_invalid",
        Invalid,
        Some("from"),
        [
            "The first day is after the last one, or the page is zero.",
            "Swap the days; pages \
         begin with 1.",
        ],
        |_, op| {
            let is_bad = |from: &Date, to: &Date, page: u32| from > to || page == 0;
            if let BankOp::Statement(StatementOp::Ask { from, to, .. }) = op {
                return from > to;
            }
            matches!(
                sbp(op),
                Some(SbpOp::Payments { from, to, page, .. }) if is_bad(from, to, *page)
            )
        },
    ),
    quirk(
        "sbp_brand_invalid",
        Invalid,
        Some("brand"),
        [
            "The point's name for payers has 1 to 35 characters.",
            "Send the sign above the door, such as «Кофейня у Артёма».",
        ],
        |_, op| point(op, |point| !is_length(&point.brand, 35)),
    ),
    quirk(
        "sbp_address_invalid",
        Invalid,
        Some("address"),
        [
            "The point's address and its city have 1 to 140 characters each.",
            "Send street and house as the address, the city apart from it.",
        ],
        |_, op| point(op, |point| !is_length(&point.address, 140) || !is_length(&point.city, 140)),
    ),
    quirk(
        "sbp_region_invalid",
        Invalid,
        Some("region"),
        [
            "The region is not two digits.",
            "Send the first two digits of the company's OKTMO: 45 for Moscow, 40 for Petersburg.",
        ],
        |_, op| point(op, |point| !is_digits(&point.region, 2..=2)),
    ),
    quirk(
        "sbp_postcode_invalid",
        Invalid,
        Some("postcode"),
        ["The postcode is not six digits.", "Send the post code of the point's address."],
        |_, op| point(op, |point| !is_digits(&point.postcode, 6..=6)),
    ),
    quirk(
        "sbp_mcc_invalid",
        Invalid,
        Some("mcc"),
        [
            "The MCC, the code of what is sold, is not four digits.",
            "Take the one of internet acquiring if there is one: the list of retailers has it.",
        ],
        |_, op| point(op, |point| !is_digits(&point.mcc, 4..=4)),
    ),
    quirk(
        "sbp_phone_invalid",
        Invalid,
        Some("phone"),
        ["The point's phone is not 11 to 13 digits.", "Write it as 79991234567, or leave it out."],
        |_, op| {
            point(op, |point| point.phone.as_deref().is_some_and(|text| !is_digits(text, 11..=13)))
        },
    ),
];

/// An operation of SBP that is ours.
fn sbp(op: &BankOp) -> Option<&SbpOp> {
    if let BankOp::Sbp(op) = op { Some(op).filter(|op| codes::is_ours(op)) } else { None }
}

/// Whether it needs to know whose company the connection is.
pub fn needs_customer_code(op: &BankOp) -> bool {
    matches!(
        sbp(op),
        Some(
            SbpOp::Setup(SetupOp::ShowCompany | SetupOp::RegisterCompany) | SbpOp::Payments { .. }
        )
    )
}

fn point(op: &BankOp, is_broken: impl Fn(&NewPoint) -> bool) -> bool {
    matches!(
        sbp(op),
        Some(SbpOp::Setup(SetupOp::RegisterPoint { point, .. })) if is_broken(point)
    )
}

fn find_company_id(op: &BankOp) -> Option<&str> {
    if let SbpOp::Setup(
        SetupOp::FindCompany { company_id }
        | SetupOp::SetCompany { company_id, .. }
        | SetupOp::Accounts { company_id }
        | SetupOp::RegisterPoint { company_id, .. }
        | SetupOp::Points { company_id },
    )
    | SbpOp::Code(CodeOp::List { company_id }) = sbp(op)?
    {
        return Some(company_id);
    }
    None
}

fn find_point_id(op: &BankOp) -> Option<&str> {
    if let SbpOp::Setup(SetupOp::ShowPoint { point_id } | SetupOp::SetPoint { point_id, .. })
    | SbpOp::Desk(DeskOp::Register { point_id, .. } | DeskOp::List { point_id, .. })
    | SbpOp::Code(CodeOp::Register(NewCode { point_id, .. }))
    | SbpOp::Invoice(InvoiceOp::Register(NewInvoice { point_id, .. })) = sbp(op)?
    {
        return Some(point_id);
    }
    None
}

fn find_account_id(op: &BankOp) -> Option<&str> {
    if let BankOp::Statement(
        StatementOp::Ask { account_id, .. } | StatementOp::Read { account_id, .. },
    ) = op
    {
        return Some(account_id);
    }
    if let SbpOp::Desk(
        DeskOp::Register { account_id, .. }
        | DeskOp::List { account_id, .. }
        | DeskOp::Move { account_id, .. },
    )
    | SbpOp::Code(CodeOp::Register(NewCode { account_id, .. }))
    | SbpOp::Invoice(InvoiceOp::Register(NewInvoice { account_id, .. }))
    | SbpOp::StartRefund(NewSbpRefund { account_id, .. }) = sbp(op)?
    {
        return Some(account_id);
    }
    None
}

fn find_code_ids(op: &BankOp) -> Vec<&str> {
    let Some(op) = sbp(op) else { return Vec::new() };
    if let SbpOp::Code(CodeOp::States { code_ids }) = op {
        return code_ids.iter().map(String::as_str).collect();
    }
    if let SbpOp::Code(CodeOp::Show { code_id })
    | SbpOp::Invoice(InvoiceOp::Show { code_id })
    | SbpOp::Desk(
        DeskOp::Show { code_id }
        | DeskOp::Arm { code_id, .. }
        | DeskOp::Disarm { code_id }
        | DeskOp::Move { code_id, .. }
        | DeskOp::State { code_id }
        | DeskOp::Payment { code_id, .. },
    )
    | SbpOp::Payments { code_id: Some(code_id), .. }
    | SbpOp::StartRefund(NewSbpRefund { code_id, .. }) = op
    {
        return vec![code_id];
    }
    Vec::new()
}

fn find_amount(op: &BankOp) -> Option<Money> {
    let op = sbp(op)?;
    if let SbpOp::Code(CodeOp::Register(new)) = op {
        return new.life.amount();
    }
    if let SbpOp::Invoice(InvoiceOp::Register(NewInvoice { amount, .. }))
    | SbpOp::Desk(DeskOp::Arm { amount, .. })
    | SbpOp::StartRefund(NewSbpRefund { amount, .. }) = op
    {
        return Some(*amount);
    }
    None
}

/// As it will be sent.
fn find_purpose(op: &BankOp) -> Option<Cow<'_, str>> {
    let op = sbp(op)?;
    if let SbpOp::StartRefund(new) = op {
        let is_empty = new.purpose.trim().is_empty();
        return Some(if is_empty { "".into() } else { request::refund_purpose(new).into() });
    }
    if let SbpOp::Code(CodeOp::Register(NewCode { purpose, .. }))
    | SbpOp::Invoice(InvoiceOp::Register(NewInvoice { purpose, .. }))
    | SbpOp::Desk(DeskOp::Arm { purpose: Some(purpose), .. }) = op
    {
        return Some(purpose.into());
    }
    None
}

fn find_return_url(op: &BankOp) -> Option<&str> {
    if let SbpOp::Code(CodeOp::Register(NewCode { return_url, .. }))
    | SbpOp::Invoice(InvoiceOp::Register(NewInvoice { return_url, .. }))
    | SbpOp::Desk(DeskOp::Register { return_url, .. }) = sbp(op)?
    {
        return return_url.as_deref();
    }
    None
}

fn is_life(ttl_minutes: u32) -> bool {
    (1..=129_600).contains(&ttl_minutes)
}

fn is_length(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.trim().chars().count() <= most
}

fn is_digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `LF0000000001`, `MA0000000002`: the document's 12 characters.
fn is_object_id(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

pub fn is_code_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_account_id(id: &str) -> bool {
    let parts = id.split_once('/');
    parts.is_some_and(|(number, bik)| is_digits(number, 20..=20) && is_digits(bik, 9..=9))
}
