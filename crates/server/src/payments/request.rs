//! What a shop may ask for: the shapes of the requests, read field by field.
//!
//! Every field arrives as raw text, so that an amount is read from its digits and every error can
//! name the field.

use std::ops::RangeInclusive;

use kopeck_banks::{
    Money,
    bank::Capabilities,
    money::MoneyError,
    op::{CaptureMode, PayMethod},
    receipt::{parse_quantity, refund::Returned},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    consent::{self, ConsentInput},
    flow::{NewPayment, charge::method_of},
    model::Means,
    receipts::Back,
};
use crate::{
    http::{
        ApiError, codes,
        json::{self, Raw, invalid, missing},
        text,
    },
    instruments::model::{Kind, Terms},
    receipts::{api::receipt_text, flow::ComposeProblem, form, request::ReceiptWish},
};

/// Longer order numbers are no order numbers; the column is indexed.
pub const MAX_ORDER_ID_CHARS: usize = 100;
/// The longest of all banks' purposes; each bank's own limit is checked by its folder.
const MAX_PURPOSE_CHARS: usize = 1_000;
/// Printed on no receipt; a sentence for the shop's own books.
const MAX_REASON_CHARS: usize = 200;
const MAX_CUSTOMER_CHARS: usize = 200;
/// A number of a customer, who is an address in the API.
pub const MAX_CUSTOMER_ID_CHARS: usize = 100;
/// Our own ids are shorter.
const MAX_SAVED_ID_CHARS: usize = 64;
/// As much as fits one screen: what belongs to an order lives in the shop's own database.
const MAX_METADATA_KEYS: usize = 50;
/// A payment is stored with each of its events: its size is paid ten times.
const MAX_METADATA_BYTES: usize = 16 * 1024;
const DAY_MINUTES: u32 = 24 * 60;
/// The longest address that browsers and Tochka take.
const MAX_URL_CHARS: usize = 2_083;

/// The field that says what is saved or charged; the id of what is charged.
type Wish = (&'static str, Kind, Option<String>);

/// A new payment. Give `amount` or `amount_kopecks`, and `purpose`; the rest may be left out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePayment {
    /// Rubles as text or as a number; read digit by digit, never as a float.
    #[schema(value_type = Option<String>, example = "5000.00")]
    amount: Raw,
    /// Whole kopecks; may stand in for `amount`.
    #[schema(value_type = Option<i64>, example = 500_000)]
    amount_kopecks: Raw,
    /// What is paid for; the payer sees it. Tochka takes up to 140 characters.
    #[schema(value_type = String, example = "Заказ 4711")]
    purpose: Raw,
    /// Ways to pay: card, sbp, tpay, dolyame. Absent: card and sbp, and card alone for a hold.
    #[schema(value_type = Option<Vec<String>>, example = json!(["card", "sbp"]))]
    methods: Raw,
    /// automatic takes the money at once; manual holds it until it is captured (cards only).
    #[schema(value_type = Option<String>, example = "automatic")]
    capture: Raw,
    /// The shop's own number, up to 100 characters; need not be unique.
    #[schema(value_type = Option<String>, example = "4711")]
    order_id: Raw,
    /// How long the link can be paid; Tochka: 1 to 44640 minutes, a week if absent.
    #[schema(value_type = Option<i64>, example = 60)]
    ttl_minutes: Raw,
    /// Where the payer goes after paying; absent: our page.
    #[schema(value_type = Option<String>, example = "https://shop.example.ru/thanks")]
    success_url: Raw,
    /// Where the payer goes after a failure; absent: our page.
    #[schema(value_type = Option<String>, example = "https://shop.example.ru/cart")]
    fail_url: Raw,
    #[schema(value_type = Option<Customer>)]
    customer: Raw,
    /// Data of the shop's own: an object of up to 50 keys and 16 KiB, returned as it came.
    #[schema(value_type = Option<Object>, example = json!({"cart": "c-17"}))]
    metadata: Raw,
    /// Which of the shop's banks; absent: as the shop's routing rule says, and another one if that
    /// one is out of reach.
    #[schema(value_type = Option<String>, example = "tochka")]
    bank: Raw,
    /// A fiscal receipt (54-FZ) that the bank makes at once: whole, or of one line by the shop's
    /// defaults. Salebot's `products_for_receipt` and the banks' own forms are read too.
    #[schema(value_type = Option<ReceiptWish>)]
    receipt: Raw,
    /// true: paying by SBP also saves the payer's bank account for `customer.id`, if he agrees in
    /// his bank's app. Then the payment names `account_id`.
    #[schema(value_type = Option<bool>, example = false)]
    save_account: Raw,
    /// A saved account to take the payment from at once, without the payer.
    #[schema(value_type = Option<String>, example = "acc_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    account_id: Raw,
    /// true: paying by card also saves the card for `customer.id`, to be charged without the payer.
    /// Needs `consent`. Then the payment names `card_id`.
    #[schema(value_type = Option<bool>, example = false)]
    save_card: Raw,
    /// A saved card to take the payment from at once, without the payer.
    #[schema(value_type = Option<String>, example = "card_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    card_id: Raw,
    /// What the payer agreed to when something is saved, as he was shown it.
    #[schema(value_type = Option<ConsentInput>)]
    consent: Raw,
}

/// Who pays, as far as the shop knows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    #[schema(value_type = Option<String>, example = "buyer@example.ru")]
    email: Raw,
    #[schema(value_type = Option<String>, example = "+79990000000")]
    phone: Raw,
    #[schema(value_type = Option<String>)]
    name: Raw,
    /// The shop's own number of the customer.
    #[schema(value_type = Option<String>)]
    id: Raw,
    /// In which language he is written to: ru or en.
    #[schema(value_type = Option<String>, example = "ru")]
    lang: Raw,
}

/// A refund. Without an amount it is all that is left.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRefund {
    /// Rubles as text or as a number.
    #[schema(value_type = Option<String>, example = "1000.00")]
    amount: Raw,
    /// Whole kopecks; may stand in for `amount`.
    #[schema(value_type = Option<i64>)]
    amount_kopecks: Raw,
    /// Why, for the shop's own books; up to 200 characters.
    #[schema(value_type = Option<String>, example = "Returned by the buyer")]
    reason: Raw,
    /// Which goods of the payment's receipt come back; the amount is then what was paid for them.
    /// Absent: every line gives back its share.
    #[schema(value_type = Option<Vec<ReturnedInput>>)]
    items: Raw,
    /// The refund's own receipt, in any form that a payment's is taken in: in place of `items`. Its
    /// goods must be the payment's, by name, VAT and what was paid for them.
    #[schema(value_type = Option<Object>)]
    receipt: Raw,
}

/// Goods that come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnedInput {
    /// The number of the line in the payment's receipt, from 1.
    #[schema(example = 1)]
    line: usize,
    /// At most three decimals; 1 when absent.
    #[schema(value_type = Option<String>, example = "1")]
    quantity: Raw,
}

/// A capture. Without an amount it is all that is held; a part only where the bank can.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapturePayment {
    /// Rubles as text or as a number; the rest of the hold is released.
    #[schema(value_type = Option<String>, example = "1000.00")]
    amount: Raw,
    /// Whole kopecks; may stand in for `amount`.
    #[schema(value_type = Option<i64>)]
    amount_kopecks: Raw,
}

/// A cancellation takes no fields: a hold is released whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelPayment {}

impl CreatePayment {
    /// The bank that was asked for.
    pub fn bank(&self) -> Result<Option<String>, ApiError> {
        json::string("bank", &self.bank)
    }

    /// Reads the rest by what the banks that may carry it can do.
    pub fn read(&self, banks: &[&Capabilities]) -> Result<NewPayment, ApiError> {
        let amount = amount(&self.amount, &self.amount_kopecks)?;
        let capture = capture(&self.capture)?;
        let purpose = json::string("purpose", &self.purpose)?.unwrap_or_default();
        if purpose.trim().is_empty() {
            return Err(missing("purpose"));
        }
        text::check("purpose", &purpose, MAX_PURPOSE_CHARS)?;
        let means = self.means()?;
        let methods = match (&means, &self.methods) {
            (Means::Save { kind, .. } | Means::Saved { kind, .. }, None) => vec![method_of(*kind)],
            (_, given) => methods(given, capture)?,
        };
        Ok(NewPayment {
            schedule: None,
            amount: amount.ok_or_else(|| missing("amount"))?,
            purpose,
            capture,
            order_id: free_text("order_id", &self.order_id, MAX_ORDER_ID_CHARS)?,
            ttl_minutes: ttl(&self.ttl_minutes, &methods, banks)?,
            methods,
            success_url: url("success_url", &self.success_url)?,
            fail_url: url("fail_url", &self.fail_url)?,
            customer: customer(&self.customer)?,
            receipt: receipt_text(&self.receipt)?,
            rates_until_ms: None,
            metadata: metadata(&self.metadata)?,
            consent: self.consent(&means)?,
            means,
        })
    }

    /// The shop's own number of the customer, if it was sent.
    pub fn customer_id(&self) -> Result<Option<String>, ApiError> {
        let Some(text) = customer(&self.customer)? else { return Ok(None) };
        let customer: Customer = json::read(text.as_bytes())?;
        free_text("customer.id", &customer.id, MAX_CUSTOMER_ID_CHARS)
    }

    /// What it is paid with, and what of it is saved.
    pub fn means(&self) -> Result<Means, ApiError> {
        let Some((param, kind, id)) = self.wish()? else { return Ok(Means::Payer) };
        let method = method_of(kind);
        let is_it = methods(&self.methods, CaptureMode::Automatic)? == [method];
        if self.methods.is_some() && !is_it {
            let what = format!("takes only [\"{}\"] with {param}", method.as_str());
            return Err(invalid("methods", &what).hint("Leave it out."));
        }
        if capture(&self.capture)? == CaptureMode::Manual {
            let what = format!("takes only automatic with {param}");
            return Err(invalid("capture", &what).hint("Leave it out."));
        }
        let Some(id) = id else {
            let customer_id = self.customer_id()?.ok_or_else(|| {
                let hint = "Send your own number of the customer: it is saved for him.";
                missing("customer.id").hint(hint)
            })?;
            return Ok(Means::Save { kind, customer_id, id: None });
        };
        if self.ttl_minutes.is_some() {
            let what = "is not for a payment that is taken from what was saved";
            return Err(invalid("ttl_minutes", what).hint("Leave it out."));
        }
        Ok(Means::Saved { kind, id })
    }

    /// What is saved or charged, of which there may be one.
    fn wish(&self) -> Result<Option<Wish>, ApiError> {
        let account_id = free_text("account_id", &self.account_id, MAX_SAVED_ID_CHARS)?;
        let card_id = free_text("card_id", &self.card_id, MAX_SAVED_ID_CHARS)?;
        let saves = |param: &str, raw: &Raw| json::flag(param, raw).map(|yes| yes.then_some(None));
        let wishes = [
            ("save_account", Kind::Account, saves("save_account", &self.save_account)?),
            ("save_card", Kind::Card, saves("save_card", &self.save_card)?),
            ("account_id", Kind::Account, account_id.map(Some)),
            ("card_id", Kind::Card, card_id.map(Some)),
        ];
        let mut wishes =
            wishes.into_iter().filter_map(|(param, kind, id)| Some((param, kind, id?)));
        let (first, second) = (wishes.next(), wishes.next());
        if let (Some((param, ..)), Some((other, ..))) = (&first, second) {
            let hint = "Send one of save_account, save_card, account_id and card_id.";
            return Err(invalid(param, &format!("does not go with {other}")).hint(hint));
        }
        Ok(first)
    }

    fn consent(&self, means: &Means) -> Result<Option<Terms>, ApiError> {
        let consent = consent::read(&self.consent)?;
        match (means, &consent) {
            (Means::Save { kind: Kind::Card, .. }, None) => {
                let hint = "Say which text the payer agreed to, and where he saw it.";
                Err(missing("consent").hint(hint))
            }
            (Means::Payer | Means::Saved { .. }, Some(_)) => {
                let what = "is for a payment that saves a card or an account";
                Err(invalid("consent", what).hint("Leave it out."))
            }
            (Means::Save { .. }, _) | (Means::Payer | Means::Saved { .. }, None) => Ok(consent),
        }
    }
}

impl CapturePayment {
    pub fn read(&self) -> Result<Option<Money>, ApiError> {
        amount(&self.amount, &self.amount_kopecks)
    }
}

impl CreateRefund {
    /// Which goods come back, if that was said.
    pub fn goods(&self) -> Result<Option<Back>, ApiError> {
        let Some(text) = receipt_text(&self.receipt)? else {
            return Ok(self.items()?.map(Back::Goods));
        };
        if self.items.is_some() {
            return Err(invalid("receipt", "does not go with items").hint("Send one of them."));
        }
        let receipt = form::parse_any(&text).map_err(ComposeProblem::Receipt)?;
        Ok(Some(Back::Receipt(Box::new(receipt))))
    }

    fn items(&self) -> Result<Option<Vec<Returned>>, ApiError> {
        let Some(raw) = &self.items else { return Ok(None) };
        let shape =
            |_| invalid("items", "takes a list such as [{\"line\": 1, \"quantity\": \"1\"}]");
        let items: Vec<ReturnedInput> = serde_json::from_str(raw.get()).map_err(shape)?;
        if items.is_empty() {
            return Err(invalid(
                "items",
                "is empty; leave it out to give back a share of each line",
            ));
        }
        let read = |item: &ReturnedInput| {
            let line = item.line.checked_sub(1);
            let line = line.ok_or_else(|| invalid("items", "counts lines from 1"))?;
            let quantity = item.quantity.as_ref().map_or("1", |raw| raw.get().trim_matches('"'));
            let quantity = parse_quantity(quantity);
            let wrong = |e| invalid("items", &format!("has a quantity that is {e}"));
            Ok(Returned { line, quantity_milli: quantity.map_err(wrong)? })
        };
        items.iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// The amount, if one was given, and the reason.
    pub fn read(&self) -> Result<(Option<Money>, Option<String>), ApiError> {
        let amount = amount(&self.amount, &self.amount_kopecks)?;
        Ok((amount, free_text("reason", &self.reason, MAX_REASON_CHARS)?))
    }
}

pub fn amount(rubles: &Raw, kopecks: &Raw) -> Result<Option<Money>, ApiError> {
    let wrong = |param: &str, error: MoneyError| {
        let text = error.to_string();
        let mut letters = text.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        let message: String = first.into_iter().chain(letters).chain(['.']).collect();
        ApiError::new(codes::AMOUNT_INVALID, message).param(param)
    };
    let positive = |param: &str, amount: Money| {
        let message = "The amount must be more than zero.";
        let zero = || ApiError::new(codes::AMOUNT_INVALID, message).param(param);
        if amount.is_zero() { Err(zero()) } else { Ok(amount) }
    };
    let rubles = rubles.as_deref().map(|raw| {
        let amount = Money::parse_json(raw).map_err(|error| wrong("amount", error))?;
        positive("amount", amount)
    });
    let kopecks = kopecks.as_deref().map(|raw| {
        let amount = parse_kopecks(raw).map_err(|error| wrong("amount_kopecks", error))?;
        positive("amount_kopecks", amount)
    });
    match (rubles.transpose()?, kopecks.transpose()?) {
        (Some(rubles), Some(kopecks)) if rubles != kopecks => {
            let message = format!("`amount` is {rubles} rubles, `amount_kopecks` is {kopecks}.");
            Err(ApiError::new(codes::AMOUNT_CONFLICT, message).param("amount_kopecks"))
        }
        (rubles, kopecks) => Ok(rubles.or(kopecks)),
    }
}

fn parse_kopecks(raw: &RawValue) -> Result<Money, MoneyError> {
    let text = raw.get().trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        let fraction = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        return Err(if fraction { MoneyError::FractionOfKopeck } else { MoneyError::NotANumber });
    }
    // Digits only, so all that can go wrong is the size.
    text.parse().map_err(|_| MoneyError::TooLarge).and_then(Money::from_kopecks)
}

fn capture(raw: &Raw) -> Result<CaptureMode, ApiError> {
    match json::string("capture", raw)?.as_deref() {
        None | Some("automatic") => Ok(CaptureMode::Automatic),
        Some("manual") => Ok(CaptureMode::Manual),
        Some(_) => Err(invalid("capture", "takes automatic or manual")),
    }
}

fn methods(raw: &Raw, capture: CaptureMode) -> Result<Vec<PayMethod>, ApiError> {
    let Some(words) = json::strings("methods", raw, 16)? else {
        return Ok(match capture {
            CaptureMode::Automatic => vec![PayMethod::Card, PayMethod::Sbp],
            CaptureMode::Manual => vec![PayMethod::Card],
        });
    };
    let all = PayMethod::ALL.map(PayMethod::as_str).join(", ");
    let mut methods = Vec::new();
    for word in words {
        let method = PayMethod::parse(&word).ok_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            invalid("methods", &format!("does not know `{shown}`; it takes any of: {all}"))
        })?;
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    if methods.is_empty() {
        return Err(invalid("methods", &format!("is empty; it takes any of: {all}")));
    }
    Ok(methods)
}

/// The longest life that is usual at one of the banks, or one that some bank takes.
fn ttl(raw: &Raw, methods: &[PayMethod], banks: &[&Capabilities]) -> Result<u32, ApiError> {
    let Some(minutes) = json::whole("ttl_minutes", raw)? else {
        return Ok(banks.iter().map(|bank| bank.default_ttl_minutes).max().unwrap_or(DAY_MINUTES));
    };
    let is_code = methods == [PayMethod::Sbp];
    let ranges: Vec<&RangeInclusive<u32>> = banks
        .iter()
        .map(|bank| if is_code { &bank.code_ttl_minutes } else { &bank.ttl_minutes })
        .collect();
    let fits = |minutes: &u32| ranges.iter().any(|range| range.contains(minutes));
    let minutes = u32::try_from(minutes).ok().filter(fits);
    let min = ranges.iter().map(|range| *range.start()).min().unwrap_or(1);
    let max = ranges.iter().map(|range| *range.end()).max().unwrap_or(DAY_MINUTES);
    minutes.ok_or_else(|| invalid("ttl_minutes", &format!("takes {min} to {max} at this bank")))
}

/// An absent text and an empty one are the same.
pub(super) fn free_text(
    param: &str,
    raw: &Raw,
    max_chars: usize,
) -> Result<Option<String>, ApiError> {
    let text = json::string(param, raw)?.filter(|text| !text.trim().is_empty());
    text.iter().try_for_each(|text| text::check(param, text, max_chars))?;
    Ok(text)
}

pub fn url(param: &str, raw: &Raw) -> Result<Option<String>, ApiError> {
    let Some(url) = json::string(param, raw)?.filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    text::check_no_card(param, &url)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or("");
    let is_plain = !url.chars().any(|c| c.is_control() || c.is_whitespace());
    if host.is_empty() || !is_plain || url.chars().count() > MAX_URL_CHARS {
        let what = format!("is not an http(s) address of at most {MAX_URL_CHARS} characters");
        return Err(invalid(param, &what).hint("Such as https://shop.example.ru/thanks"));
    }
    Ok(Some(url))
}

pub fn customer(raw: &Raw) -> Result<Option<String>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let customer: Customer = json::read(raw.get().as_bytes()).map_err(|error| {
        let inner = error.param.as_ref().map(|name| format!("customer.{name}"));
        let error = ApiError { param: Some(inner.unwrap_or_else(|| "customer".into())), ..error };
        if error.code == codes::MALFORMED_JSON.code {
            return invalid("customer", "is not an object");
        }
        error
    })?;
    let fields = [
        ("customer.email", &customer.email),
        ("customer.phone", &customer.phone),
        ("customer.name", &customer.name),
        ("customer.id", &customer.id),
    ];
    for (param, field) in fields {
        free_text(param, field, MAX_CUSTOMER_CHARS)?;
    }
    let lang = json::string("customer.lang", &customer.lang)?;
    if lang.is_some_and(|lang| lang != "ru" && lang != "en") {
        return Err(invalid("customer.lang", "is neither ru nor en"));
    }
    Ok(Some(raw.get().to_owned()))
}

pub fn metadata(raw: &Raw) -> Result<String, ApiError> {
    let Some(raw) = raw else { return Ok("{}".to_owned()) };
    let text = raw.get();
    if text.len() > MAX_METADATA_BYTES {
        return Err(invalid("metadata", &format!("takes at most {MAX_METADATA_BYTES} bytes")));
    }
    let value = json::value("metadata", raw)?;
    let keys = value.as_object().map(serde_json::Map::len);
    match keys {
        Some(keys) if keys <= MAX_METADATA_KEYS => {}
        Some(_) => {
            return Err(invalid("metadata", &format!("takes at most {MAX_METADATA_KEYS} keys")));
        }
        None => return Err(invalid("metadata", "is not an object")),
    }
    text::check_no_card_inside("metadata", &value)?;
    text::check_no_card("metadata", text)?;
    Ok(text.to_owned())
}
