//! What a bot asks when it wants a link: the arguments of `get_tinkoff_payment_url` as they are, or
//! the older variables beside `payment_sum`.
//!
//! `amount` and `payment_sum` are rubles. The unit of a receipt's lines follows from their form
//! (`vat_code`: rubles, `tax`: kopecks) and never from the size of a number.

use std::collections::BTreeMap;

use jiff::civil;
use kopeck_banks::{
    Money,
    receipt::{Line, Taxation, contact, legacy},
};
use serde_json::value::RawValue;

use super::{
    callback::{Scheme, VARIABLE},
    fields::{Fields, Refused},
    problems,
};
use crate::message::Lang;

/// The function's arguments in its order.
pub const ARGUMENTS: [&str; 10] = [
    "amount",
    "description",
    "recurrent",
    "products_for_receipt",
    "customer_phone",
    "customer_email",
    "expired",
    "taxation",
    "language",
    "extra_params",
];

/// A link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRequest {
    pub client_id: i64,
    pub scheme: Scheme,
    pub amount: Money,
    /// May be empty: the shop's own words then.
    pub description: String,
    pub recurrent: Recurrent,
    pub receipt: ReceiptPart,
    /// In the time zone of the Salebot project.
    pub expires: Option<civil::DateTime>,
    pub lang: Lang,
    /// The bot's own number of the order, by which the same request is known again.
    pub external_id: Option<String>,
    /// T-Bank's further words, such as `SuccessURL`.
    pub extra: BTreeMap<String, String>,
}

/// Whether the card is to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recurrent {
    On,
    Off,
    /// The older variables leave it to the shop's setting.
    AsSet,
}

/// Lines and buyer of a receipt; without lines there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptPart {
    pub lines: Vec<Line>,
    pub taxation: Option<Taxation>,
    pub email: Option<String>,
    /// `+79000000000`.
    pub phone: Option<String>,
}

impl LinkRequest {
    /// The address that news of this payment goes to: [`crate::Message::to`].
    pub fn address(&self) -> String {
        match self.scheme {
            Scheme::Function => self.client_id.to_string(),
            Scheme::Variable => format!("{}:{VARIABLE}", self.client_id),
        }
    }

    /// What tells the same wish again from a new one, where the bot names no order: the same client
    /// asking for the same within minutes.
    pub fn sameness(&self) -> String {
        match &self.external_id {
            Some(id) => format!("salebot/{}/{id}", self.client_id),
            None => {
                let (client, kopecks) = (self.client_id, self.amount.kopecks());
                format!("salebot/{client}/{kopecks}/{}", self.description)
            }
        }
    }
}

/// Reads a request for a link.
pub fn parse(fields: &Fields) -> Result<LinkRequest, Refused> {
    let (scheme, amount) = amount(fields)?;
    let receipt = match scheme {
        Scheme::Function => receipt(fields, &FUNCTION_FIELDS, amount)?,
        Scheme::Variable => receipt(fields, &VARIABLE_FIELDS, amount)?,
    };
    let (description, expired) = match scheme {
        Scheme::Function => ("description", "expired"),
        Scheme::Variable => ("payment_description", "expiration_date"),
    };
    let extra = extra(fields)?;
    let external_id = fields.find("external_id").or_else(|| fields.find("order_id"));
    let external_id = external_id.map(str::to_owned).or_else(|| extra.get("OrderId").cloned());
    Ok(LinkRequest {
        client_id: client(fields)?,
        scheme,
        amount,
        description: fields.find(description).unwrap_or("").to_owned(),
        recurrent: recurrent(fields, scheme),
        receipt,
        expires: fields.date(expired)?,
        lang: language(fields)?,
        external_id,
        extra,
    })
}

pub(super) fn client(fields: &Fields) -> Result<i64, Refused> {
    let text = fields.find("client_id");
    let text = text.ok_or_else(|| Refused::of(&problems::CLIENT_MISSING, "client_id", ""))?;
    let id = text.parse().ok().filter(|id| *id > 0);
    id.ok_or_else(|| Refused::of(&problems::ADDRESS_INVALID, "client_id", text))
}

fn amount(fields: &Fields) -> Result<(Scheme, Money), Refused> {
    let given = [
        (Scheme::Function, fields.rubles("amount")?),
        (Scheme::Function, fields.kopecks("amount_kopecks")?),
        (Scheme::Variable, fields.rubles(VARIABLE)?),
    ];
    one_amount(given).map_err(|is_double| match is_double {
        true => Refused::of(&problems::TWO_AMOUNTS, "amount", ""),
        false => Refused::of(&problems::AMOUNT, "amount", fields.detail("amount")),
    })
}

/// The one that is given; `Err` says whether there are two.
pub(crate) fn one_amount<T>(given: [(T, Option<Money>); 3]) -> Result<(T, Money), bool> {
    let mut given = given.into_iter().filter_map(|(form, money)| Some((form, money?)));
    match (given.next(), given.next()) {
        (Some(one), None) => Ok(one),
        (one, _) => Err(one.is_some()),
    }
}

fn recurrent(fields: &Fields, scheme: Scheme) -> Recurrent {
    match scheme {
        Scheme::Function => match fields.find("recurrent") {
            Some("1" | "true" | "True") => Recurrent::On,
            Some(_) | None => Recurrent::Off,
        },
        Scheme::Variable if fields.find("tinkoff_manual_recurrent_disable").is_some() => {
            Recurrent::Off
        }
        Scheme::Variable => Recurrent::AsSet,
    }
}

pub(crate) fn language(fields: &Fields) -> Result<Lang, Refused> {
    let Some(text) = fields.find("language") else { return Ok(Lang::Ru) };
    let lang = Lang::parse(&text.to_ascii_lowercase());
    lang.ok_or_else(|| Refused::of(&problems::LANGUAGE, "language", text))
}

fn extra(fields: &Fields) -> Result<BTreeMap<String, String>, Refused> {
    let Some(text) = fields.find("extra_params") else { return Ok(BTreeMap::new()) };
    let raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text)
        .map_err(|_| Refused::of(&problems::EXTRA, "extra_params", text))?;
    let text = |raw: &RawValue| {
        serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
    };
    Ok(raw.iter().map(|(name, raw)| (name.clone(), text(raw))).collect())
}

/// Where a way of asking has the parts of a receipt.
pub(crate) struct ReceiptFields {
    pub lines: &'static str,
    pub email: &'static str,
    pub phone: &'static str,
}

pub(crate) const FUNCTION_FIELDS: ReceiptFields = ReceiptFields {
    lines: "products_for_receipt",
    email: "customer_email",
    phone: "customer_phone",
};
const VARIABLE_FIELDS: ReceiptFields =
    ReceiptFields { lines: "products_for_receipt", email: "email", phone: "phone" };

pub(crate) fn receipt(
    fields: &Fields,
    names: &ReceiptFields,
    amount: Money,
) -> Result<ReceiptPart, Refused> {
    let contact = |name, is_good: &dyn Fn(&str) -> Option<String>| match fields.find(name) {
        None => Ok(None),
        Some(text) => {
            // An address is never quoted back: answers stand in a bot's history.
            is_good(text).map(Some).ok_or_else(|| Refused::of(&problems::CONTACT, name, ""))
        }
    };
    let email = contact(names.email, &|text| contact::is_email(text).then(|| text.to_owned()))?;
    let phone = contact(names.phone, &contact::normal_phone)?;
    let taxation = match fields.find("taxation") {
        None => None,
        Some(text) => Some(
            legacy::read_taxation(text)
                .map_err(|finding| Refused::of_receipt(&finding, "taxation"))?,
        ),
    };
    let lines = match fields.find(names.lines) {
        None => Vec::new(),
        Some(text) => legacy::read_lines(text)
            .map_err(|finding| Refused::of_receipt(&finding, names.lines))?,
    };
    let part = ReceiptPart { lines, taxation, email, phone };
    if part.lines.is_empty() {
        return Ok(part);
    }
    let total = part.lines.iter().try_fold(Money::ZERO, |sum, line| sum.checked_add(line.sum()?));
    if total != Some(amount) {
        let total = total.unwrap_or_default();
        let detail = format!("{} ≠ {}", total.to_rubles(), amount.to_rubles());
        return Err(Refused::of(&problems::RECEIPT_SUM, names.lines, &detail));
    }
    if part.email.is_none() && part.phone.is_none() {
        return Err(Refused::of(&problems::CONTACT, names.email, ""));
    }
    Ok(part)
}
