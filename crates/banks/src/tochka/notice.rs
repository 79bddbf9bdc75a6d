//! A notice as it came, verified and read. Nothing of a body whose signature fails is looked at.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{
    bank::{GenuineNotice, Notice, NoticeNews, RawNotice},
    op::SbpPayment,
};

use super::{codes, observation, sbp, sign, wire};

/// The bank's own notices are below 2 KiB; more is somebody else's.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// `SidePayer.name` is the deepest that the bank sends.
const MAX_DEPTH: usize = 3;

/// Verifies a notice against the published keys, then reads it.
pub fn read(raw: &RawNotice<'_>) -> Notice {
    if raw.body.len() > MAX_BODY_BYTES {
        let why = format!("the body is longer than {MAX_BODY_BYTES} bytes");
        return Notice::Malformed { why };
    }
    let payload = match sign::verify(raw.body, raw.keys) {
        Ok(payload) => payload,
        Err(sign::SignError::BadSignature) => return Notice::BadSignature,
        Err(sign::SignError::Malformed(why)) => return Notice::Malformed { why },
    };
    match read_payload(&payload) {
        Ok(notice) => Notice::Genuine(notice),
        Err(why) => Notice::Malformed { why: why.to_owned() },
    }
}

/// Reads a body without looking at its signature: to show a person what a forger wrote, or what was
/// damaged on its way. Never to be processed, so nothing that it says of a payment comes with it.
pub fn peek(body: &[u8]) -> Option<GenuineNotice> {
    let body = Some(body).filter(|body| body.len() <= MAX_BODY_BYTES)?;
    let payload = std::str::from_utf8(body).ok()?.trim().split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let notice = read_payload(&payload).ok()?;
    Some(GenuineNotice { observation: None, news: None, ..notice })
}

fn read_payload(payload: &[u8]) -> Result<GenuineNotice, &'static str> {
    let tree: Fields =
        serde_json::from_slice(payload).map_err(|_| "the signed part is not a JSON object")?;
    let mut fields = Vec::new();
    flatten("", &tree, 1, &mut fields);
    let find = |name: &str| {
        fields.iter().find(|(key, _, _)| key == name).map(|(_, value, _)| value.clone())
    };
    let kind = find("webhookType").unwrap_or_default();
    let observation = if kind == codes::PAYMENT_NOTICE {
        let notice: wire::PaymentNotice =
            serde_json::from_slice(payload).map_err(|_| "the signed part repeats a field")?;
        observation::of_notice(notice)
    } else {
        None
    };
    let news = sbp_payment(&kind, payload)?.map(NoticeNews::SbpPayment).map(Box::new);
    let customer_code = find("customerCode").filter(|code| !code.is_empty());
    Ok(GenuineNotice { kind, customer_code, observation, news, fields })
}

fn sbp_payment(kind: &str, payload: &[u8]) -> Result<Option<SbpPayment>, &'static str> {
    if ![codes::SBP_NOTICE, codes::SBP_B2B_NOTICE].contains(&kind) {
        return Ok(None);
    }
    let notice = serde_json::from_slice(payload).map_err(|_| "the signed part repeats a field")?;
    Ok(sbp::reply::notice(notice))
}

/// A JSON object in its own order, values as they were written: numbers keep their digits.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Fields, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Reader)
    }
}

/// Nested objects become `SidePayer.name`; text loses its quotes; the rest stays as written.
fn flatten(
    prefix: &str,
    tree: &Fields,
    depth: usize,
    into: &mut Vec<(String, String, &'static str)>,
) {
    for (name, raw) in &tree.0 {
        let path = format!("{prefix}{name}");
        let inner = if depth < MAX_DEPTH { serde_json::from_str(raw.get()).ok() } else { None };
        if let Some(inner) = inner {
            flatten(&format!("{path}."), &inner, depth + 1, into);
            continue;
        }
        let value = serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
        let about = meaning(&path);
        into.push((path, value, about));
    }
}

/// What a field means, in plain English; empty for one that the bank added since.
fn meaning(path: &str) -> &'static str {
    match path {
        "webhookType" => "what kind of event this is",
        "customerCode" => "the company that the event is about",
        "operationId" => "the bank's id of the payment",
        "paymentLinkId" => "the reference that the link was made with",
        "status" => "AUTHORIZED: the money is held; APPROVED: it is received",
        "amount" => "the amount in rubles",
        "paymentType" => "how the payer paid",
        "purpose" => "what the payment is for, as the payer saw it",
        "merchantId" => "the acquiring point (15 digits) or the SBP point (12 characters)",
        "consumerId" => "the bank's id of the payer, to offer a saved card again",
        "transactionId" => "the id of the transfer in SBP",
        "refTransactionId" => "the id of the transfer to refer to in an SBP refund",
        "qrcId" => "the id of the QR code that was paid",
        "payerName" => "the payer's name, shortened by the payer's bank",
        "payerMobileNumber" => "the payer's phone",
        "brandName" => "the name that the payer saw in the banking app",
        "maskedPan" => "the card's number with its middle hidden",
        "cardType" => "the card's payment system",
        "tokenCardId" => "the bank's id of the saved card",
        "documentNumber" => "the number of the payment order",
        "paymentId" => "the bank's id of the transfer",
        "date" => "the date of the transfer",
        _ => meaning_of_side(path),
    }
}

/// The two sides of a transfer have the same fields.
fn meaning_of_side(path: &str) -> &'static str {
    let Some((side, name)) = path.split_once('.') else { return "" };
    let is_payer = side == "SidePayer";
    if !is_payer && side != "SideRecipient" {
        return "";
    }
    let [payer, recipient] = match name {
        "bankCode" => ["the BIK of the payer's bank", "the BIK of the recipient's bank"],
        "bankName" => ["the payer's bank", "the recipient's bank"],
        "bankCorrespondentAccount" => [
            "the payer's bank's account at the central bank",
            "the recipient's bank's account there",
        ],
        "account" => ["the payer's account", "the recipient's account"],
        "name" => ["who paid", "who was paid"],
        "amount" => ["how much was taken from the payer", "how much the recipient got"],
        "currency" => ["the payer's currency", "the recipient's currency"],
        "inn" => ["the payer's tax number (INN)", "the recipient's tax number (INN)"],
        "kpp" => ["the payer's tax registration (KPP)", "the recipient's tax registration (KPP)"],
        _ => ["", ""],
    };
    if is_payer { payer } else { recipient }
}
