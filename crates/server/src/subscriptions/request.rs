//! What may be asked for in a body, with the name of the field at fault in every error.

mod coupons;
mod receipt;

pub use coupons::CreateCoupon;
pub use receipt::{ChangeReceipt, ReceiptOrPlan};

use kopeck_banks::Money;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    flow::{
        NewConsent,
        begin::NewSubscription,
        by_bank::ByBank,
        change::{When, Wish},
        rebind,
    },
    model::{How, Terms, kind_of},
    pricing::MIN_CHARGE_KOPECKS,
    schedule::{Interval, Unit},
};
use crate::{
    http::{
        ApiError, codes,
        json::{self, Raw, invalid, missing},
        text,
    },
    instruments::model::Kind,
    payments::request::{amount, customer, metadata, url},
    places::request::words,
    receipts::{self, api::receipt_text, request::ReceiptWish},
};

const MAX_CODE_CHARS: usize = 50;
/// It becomes the purpose of payments.
const MAX_NAME_CHARS: usize = 140;
const MAX_ID_CHARS: usize = 100;
/// A trial of more than a year is no trial.
const MAX_TRIAL_DAYS: i64 = 366;
/// Who is told a month before has forgotten it on the day.
const MAX_NOTICE_HOURS: i64 = 720;
const MAX_QUANTITY: i64 = 10_000;
const MAX_FEATURES_CHARS: usize = 10_000;
/// The text of a whole offer.
const MAX_CONSENT_CHARS: usize = 20_000;
const MAX_AGENT_CHARS: usize = 500;

/// A plan, or the terms that it has from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// The shop's own word of it: letters, digits, `-` and `_`, up to 50. Only to create it.
    #[schema(value_type = Option<String>, example = "start")]
    pub code: Raw,
    /// What the payer sees, up to 140 characters.
    #[schema(value_type = String, example = "Подписка TourConnect — START")]
    pub name: Raw,
    /// Rubles for each period.
    #[schema(value_type = Option<String>, example = "2450.00")]
    pub amount: Raw,
    #[schema(value_type = Option<i64>)]
    pub amount_kopecks: Raw,
    /// day, week, month (when absent), quarter, year.
    #[schema(value_type = Option<String>, example = "month")]
    pub interval: Raw,
    /// A period is so many of them; 1 when absent.
    #[schema(value_type = Option<i64>)]
    pub interval_count: Raw,
    /// Days without money before the first period; 0 when absent.
    #[schema(value_type = Option<i64>)]
    pub trial_days: Raw,
    /// Rubles, once, with the first period.
    #[schema(value_type = Option<String>)]
    pub setup_fee: Raw,
    #[schema(value_type = Option<i64>)]
    pub setup_fee_kopecks: Raw,
    /// What may be used: any JSON object of the shop's own.
    #[schema(value_type = Option<Object>)]
    pub features: Raw,
    /// What receipts of its payments say, as in Create a payment.
    #[schema(value_type = Option<Object>)]
    pub receipt: Raw,
    /// How many hours before each charge the event `subscription.renewal_upcoming` comes, up to
    /// 720; as the shop's rules say when absent, 72 unless set.
    #[schema(value_type = Option<i64>)]
    pub notice_hours: Raw,
}

fn count(param: &str, raw: &Raw, (min, max): (i64, i64)) -> Result<Option<u32>, ApiError> {
    let Some(number) = json::whole(param, raw)? else { return Ok(None) };
    let found = u32::try_from(number).ok().filter(|_| (min..=max).contains(&number));
    found.map(Some).ok_or_else(|| invalid(param, &format!("takes {min} to {max}")))
}

/// A word of ours that people type: a plan's code, a coupon's.
pub fn code(param: &str, raw: &Raw) -> Result<String, ApiError> {
    let found = words(param, raw, MAX_CODE_CHARS)?.ok_or_else(|| missing(param))?;
    check_code(param, &found)?;
    Ok(found)
}

pub fn check_code(param: &str, found: &str) -> Result<(), ApiError> {
    let is_plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if found.is_empty() || found.chars().count() > MAX_CODE_CHARS || !found.chars().all(is_plain) {
        let what = format!("takes up to {MAX_CODE_CHARS} letters, digits, `-` and `_`");
        return Err(invalid(param, &what));
    }
    Ok(())
}

impl PlanInput {
    pub fn read(&self) -> Result<Terms, ApiError> {
        let price = amount(&self.amount, &self.amount_kopecks)?;
        let price = price.ok_or_else(|| missing("amount"))?;
        let fee = setup_fee(&self.setup_fee, &self.setup_fee_kopecks)?;
        let name = words("name", &self.name, MAX_NAME_CHARS)?.ok_or_else(|| missing("name"))?;
        let all = Unit::ALL.map(Unit::as_str).join(", ");
        let unit = match json::string("interval", &self.interval)? {
            None => Unit::Month,
            Some(word) => Unit::parse(&word)
                .ok_or_else(|| invalid("interval", &format!("takes one of: {all}")))?,
        };
        let max = i64::from(unit.max_count());
        let units = count("interval_count", &self.interval_count, (1, max))?.unwrap_or(1);
        let what = || invalid("interval_count", &format!("takes 1 to {max}"));
        let trial = count("trial_days", &self.trial_days, (0, MAX_TRIAL_DAYS))?;
        check_price(price)?;
        Ok(Terms {
            name,
            price,
            interval: Interval::new(unit, units).ok_or_else(what)?,
            trial_days: trial.unwrap_or(0),
            setup_fee: fee,
            features: features(&self.features)?,
            receipt: plan_receipt(&self.receipt)?,
            notice_hours: count("notice_hours", &self.notice_hours, (0, MAX_NOTICE_HOURS))?,
        })
    }
}

/// It is kept for every charge to come, so what makes no sense is refused now.
fn plan_receipt(raw: &Raw) -> Result<Option<String>, ApiError> {
    let text = receipt_text(raw)?;
    if let Some(text) = &text {
        let read = receipts::flow::check_readable(text);
        read.map_err(|problem| ApiError::from(problem).param("receipt"))?;
    }
    Ok(text)
}

/// Less than that no bank takes by SBP.
pub fn check_price(price: Money) -> Result<(), ApiError> {
    if price.kopecks() < MIN_CHARGE_KOPECKS {
        let message = "A plan costs at least 10 rubles; what comes before is a trial.";
        return Err(ApiError::new(codes::AMOUNT_INVALID, message).param("amount"));
    }
    Ok(())
}

fn setup_fee(rubles: &Raw, kopecks: &Raw) -> Result<Money, ApiError> {
    // Zero is a fee too: none.
    if let Some(raw) = kopecks
        && raw.get().trim() == "0"
    {
        return Ok(Money::ZERO);
    }
    let fee = amount(rubles, kopecks).map_err(|error| error.param("setup_fee"))?;
    Ok(fee.unwrap_or(Money::ZERO))
}

fn features(raw: &Raw) -> Result<String, ApiError> {
    let Some(raw) = raw else { return Ok("{}".to_owned()) };
    let found = json::value("features", raw)?;
    if !found.is_object() {
        return Err(invalid("features", "is not a JSON object"));
    }
    text::check_no_card_inside("features", &found)?;
    let written = found.to_string();
    if written.chars().count() > MAX_FEATURES_CHARS || written.contains("\\u0000") {
        return Err(invalid("features", "is too long or holds control characters"));
    }
    Ok(written)
}

/// What the customer agreed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentInput {
    /// Which text was shown, by the shop's own numbering.
    #[schema(value_type = String, example = "offer-2026-03")]
    pub text_version: Raw,
    /// The text itself, for the evidence.
    #[schema(value_type = Option<String>)]
    pub text: Raw,
    /// Where it was given: site, app, bot, phone, paper …; site when absent.
    #[schema(value_type = Option<String>, example = "site")]
    pub channel: Raw,
    #[schema(value_type = Option<String>)]
    pub ip: Raw,
    #[schema(value_type = Option<String>)]
    pub user_agent: Raw,
    /// The most that one charge may take, in rubles; the plan's price when absent.
    #[schema(value_type = Option<String>)]
    pub max_amount: Raw,
}

impl ConsentInput {
    pub fn read(&self) -> Result<NewConsent, ApiError> {
        let version = words("consent.text_version", &self.text_version, MAX_ID_CHARS)?;
        let text = json::string("consent.text", &self.text)?;
        if let Some(text) = &text {
            if text.chars().count() > MAX_CONSENT_CHARS || text.contains('\0') {
                return Err(invalid("consent.text", "is too long or not text"));
            }
            text::check_no_card("consent.text", text)?;
        }
        let channel = words("consent.channel", &self.channel, MAX_CODE_CHARS)?;
        let max = amount(&self.max_amount, &None);
        Ok(NewConsent {
            text_version: version.ok_or_else(|| missing("consent.text_version"))?,
            text,
            channel: channel.unwrap_or_else(|| "site".to_owned()),
            ip: words("consent.ip", &self.ip, MAX_CODE_CHARS)?,
            user_agent: words("consent.user_agent", &self.user_agent, MAX_AGENT_CHARS)?,
            ceiling: max.map_err(|error| error.param("consent.max_amount"))?,
        })
    }
}

/// A subscription.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSubscription {
    /// The plan's code.
    #[schema(value_type = String, example = "start")]
    pub plan: Raw,
    /// The shop's own number of the customer, up to 100 characters.
    #[schema(value_type = String, example = "client-17")]
    pub customer_id: Raw,
    /// 1 when absent.
    #[schema(value_type = Option<i64>)]
    pub quantity: Raw,
    /// A coupon's code.
    #[schema(value_type = Option<String>)]
    pub coupon: Raw,
    /// charge: what the customer saved is charged each period, and `consent` is needed; without
    /// `account_id` or `card_id` the first payment saves it. link: the customer pays each period by
    /// a link. When absent: charge if there is a consent, an account or a card, else link.
    #[schema(value_type = Option<String>, example = "charge")]
    pub collection: Raw,
    /// A saved account to charge.
    #[schema(value_type = Option<String>)]
    pub account_id: Raw,
    /// A saved card to charge.
    #[schema(value_type = Option<String>)]
    pub card_id: Raw,
    /// What the first payment saves when nothing is saved yet: account (by SBP) or card. When
    /// absent: what the bank saves, an account rather than a card.
    #[schema(value_type = Option<String>, example = "account")]
    pub save: Raw,
    /// us (when absent): Kopeck charges what was saved. bank: the bank does, by a schedule of its
    /// own (Tochka, by card): `limits` of the subscription says what that cannot do.
    #[schema(value_type = Option<String>, example = "us")]
    pub charged_by: Raw,
    /// How often the bank charges, the first payment counted; the most that it can when absent.
    #[schema(value_type = Option<i64>, example = 12)]
    pub bank_charges: Raw,
    /// The bank's word or a connection's id, when several are connected.
    #[schema(value_type = Option<String>)]
    pub bank: Raw,
    /// In which the calendar counts; Europe/Moscow when absent.
    #[schema(value_type = Option<String>, example = "Europe/Moscow")]
    pub time_zone: Raw,
    /// Where receipts go: `email`, `phone`.
    #[schema(value_type = Option<Object>)]
    pub customer: Raw,
    /// What the receipts of its payments say, in place of the plan's, while it is on this plan: as
    /// in Create a payment. Other sums are spread over its lines, VAT is that of each day.
    #[schema(value_type = Option<ReceiptWish>)]
    pub receipt: Raw,
    #[schema(value_type = Option<String>)]
    pub success_url: Raw,
    #[schema(value_type = Option<String>)]
    pub fail_url: Raw,
    #[schema(value_type = Option<Object>)]
    pub metadata: Raw,
    #[schema(value_type = Option<ConsentInput>)]
    pub consent: Option<ConsentInput>,
    /// false: without the plan's trial.
    #[schema(value_type = Option<bool>)]
    pub trial: Raw,
}

/// A flag as it came.
fn flag(param: &str, raw: &Raw) -> Result<Option<bool>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    serde_json::from_str(raw.get()).map(Some).map_err(|_| invalid(param, "is not true or false"))
}

fn customer_id(raw: &Raw) -> Result<String, ApiError> {
    words("customer_id", raw, MAX_ID_CHARS)?.ok_or_else(|| missing("customer_id"))
}

impl CreateSubscription {
    /// What is charged, an account or a card.
    fn instrument(&self) -> Result<Option<String>, ApiError> {
        let account_id = words("account_id", &self.account_id, MAX_ID_CHARS)?;
        let card_id = words("card_id", &self.card_id, MAX_ID_CHARS)?;
        if account_id.as_deref().is_some_and(|id| kind_of(id) == Kind::Card) {
            return Err(invalid("account_id", "is the id of a card: send it as `card_id`"));
        }
        let is_card = |id: &String| account_id.is_none() && kind_of(id) == Kind::Card;
        if card_id.as_ref().is_some_and(|id| !is_card(id)) {
            return Err(invalid("card_id", "is no card's id, or comes beside an account's"));
        }
        Ok(account_id.or(card_id))
    }

    pub fn read(&self) -> Result<NewSubscription, ApiError> {
        let instrument_id = self.instrument()?;
        let consent = self.consent.as_ref().map(ConsentInput::read).transpose()?;
        let collection = match json::string("collection", &self.collection)? {
            None if consent.is_some() || instrument_id.is_some() => How::Charge,
            None => How::Link,
            Some(word) => How::parse(&word)
                .filter(|how| *how != How::Bank)
                .ok_or_else(|| invalid("collection", "takes one of: charge, link"))?,
        };
        if collection == How::Link && instrument_id.is_some() {
            let what = "is not for a subscription that is paid by links";
            return Err(invalid("account_id", what));
        }
        let saves = saved_kind(&self.save)?;
        let bank_charges = count("bank_charges", &self.bank_charges, (1, MAX_QUANTITY))?;
        let by_bank = match json::string("charged_by", &self.charged_by)?.as_deref() {
            None | Some("us") if bank_charges.is_some() => {
                let what = "is for a subscription with `charged_by: bank`";
                return Err(invalid("bank_charges", what));
            }
            None | Some("us") => None,
            Some("bank") => Some(ByBank { charges: bank_charges }),
            Some(_) => return Err(invalid("charged_by", "takes one of: us, bank")),
        };
        let quantity = count("quantity", &self.quantity, (1, MAX_QUANTITY))?;
        Ok(NewSubscription {
            plan: code("plan", &self.plan)?,
            customer_id: customer_id(&self.customer_id)?,
            quantity: quantity.unwrap_or(1),
            coupon: words("coupon", &self.coupon, MAX_CODE_CHARS)?,
            collection,
            instrument_id,
            saves,
            by_bank,
            bank: words("bank", &self.bank, MAX_ID_CHARS)?,
            zone: words("time_zone", &self.time_zone, MAX_ID_CHARS)?,
            contact: customer(&self.customer)?,
            receipt: plan_receipt(&self.receipt)?,
            success_url: url("success_url", &self.success_url)?,
            fail_url: url("fail_url", &self.fail_url)?,
            metadata: metadata(&self.metadata)?,
            consent,
            skips_trial: flag("trial", &self.trial)? == Some(false),
        })
    }
}

/// Another plan or quantity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSubscription {
    /// The plan's code; the same one for its newest version.
    #[schema(value_type = Option<String>, example = "pro")]
    pub plan: Raw,
    #[schema(value_type = Option<i64>)]
    pub quantity: Raw,
    /// now (when absent): the rest of the period is settled to the kopeck. period_end: with the
    /// next period.
    #[schema(value_type = Option<String>, example = "now")]
    pub when: Raw,
    /// Needed for a higher price than was agreed to.
    #[schema(value_type = Option<ConsentInput>)]
    pub consent: Option<ConsentInput>,
}

impl ChangeSubscription {
    pub fn read(&self) -> Result<Wish, ApiError> {
        let when = match json::string("when", &self.when)? {
            None => When::Now,
            Some(word) => When::parse(&word)
                .ok_or_else(|| invalid("when", "takes one of: now, period_end"))?,
        };
        let plan = match &self.plan {
            None => None,
            Some(_) => Some(code("plan", &self.plan)?),
        };
        let quantity = count("quantity", &self.quantity, (1, MAX_QUANTITY))?;
        if plan.is_none() && quantity.is_none() {
            return Err(missing("plan"));
        }
        let consent = self.consent.as_ref().map(ConsentInput::read).transpose()?;
        Ok(Wish { plan, quantity, when, consent })
    }
}

/// Another card or account, at the same bank or another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RebindSubscription {
    /// The bank's word or a connection's id; absent: another one than now.
    #[schema(value_type = Option<String>, example = "tochka")]
    pub bank: Raw,
    /// account (by SBP) or card; absent: what the bank saves, an account rather than a card.
    #[schema(value_type = Option<String>, example = "card")]
    pub save: Raw,
    #[schema(value_type = Option<String>)]
    pub success_url: Raw,
    #[schema(value_type = Option<String>)]
    pub fail_url: Raw,
    /// Needed when none stands.
    #[schema(value_type = Option<ConsentInput>)]
    pub consent: Option<ConsentInput>,
}

fn saved_kind(raw: &Raw) -> Result<Option<Kind>, ApiError> {
    match json::string("save", raw)?.as_deref() {
        None => Ok(None),
        Some("account") => Ok(Some(Kind::Account)),
        Some("card") => Ok(Some(Kind::Card)),
        Some(_) => Err(invalid("save", "takes one of: account, card")),
    }
}

impl RebindSubscription {
    pub fn read(&self) -> Result<rebind::Wish, ApiError> {
        Ok(rebind::Wish {
            bank: words("bank", &self.bank, MAX_ID_CHARS)?,
            saves: saved_kind(&self.save)?,
            success_url: url("success_url", &self.success_url)?,
            fail_url: url("fail_url", &self.fail_url)?,
            consent: self.consent.as_ref().map(ConsentInput::read).transpose()?,
        })
    }
}

/// A consent is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawConsent {
    /// Where the customer said so: bot, phone, account …; api when absent. Kept as evidence.
    #[schema(value_type = Option<String>, example = "bot")]
    pub channel: Raw,
}

impl WithdrawConsent {
    pub fn read(&self) -> Result<String, ApiError> {
        Ok(words("channel", &self.channel, MAX_CODE_CHARS)?.unwrap_or_else(|| "api".to_owned()))
    }
}

/// A payment that shall pay the period that waits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignPayment {
    #[schema(value_type = String, example = "pay_019a7a3e5c7d7e0f8a1b2c3d4e5f6071")]
    pub payment_id: Raw,
}

impl AssignPayment {
    pub fn read(&self) -> Result<String, ApiError> {
        json::string("payment_id", &self.payment_id)?.ok_or_else(|| missing("payment_id"))
    }
}

/// A cancellation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelSubscription {
    /// period_end (when absent): it goes on to the end of what was paid, and may be taken back.
    /// now: it is over, though what was paid may be used to its end.
    #[schema(value_type = Option<String>, example = "period_end")]
    pub when: Raw,
}

impl CancelSubscription {
    pub fn read(&self) -> Result<When, ApiError> {
        match json::string("when", &self.when)? {
            None => Ok(When::PeriodEnd),
            Some(word) => {
                When::parse(&word).ok_or_else(|| invalid("when", "takes one of: now, period_end"))
            }
        }
    }
}

/// A pause.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseSubscription {
    /// When it goes on by itself; absent: when it is resumed.
    #[schema(value_type = Option<String>, example = "2027-01-10T00:00:00+03:00")]
    pub resumes_at: Raw,
}

impl PauseSubscription {
    pub fn read(&self, now_ms: i64) -> Result<Option<i64>, ApiError> {
        let Some(found) = json::string("resumes_at", &self.resumes_at)? else { return Ok(None) };
        let at: Result<jiff::Timestamp, _> = found.parse();
        let what = "takes a time to come such as 2027-01-10T00:00:00+03:00";
        let at_ms = at.map_err(|_| invalid("resumes_at", what))?.as_millisecond();
        if at_ms <= now_ms {
            return Err(invalid("resumes_at", what));
        }
        Ok(Some(at_ms))
    }
}

/// A request without fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoFields {}

/// The source document's request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompatSubscription {
    /// The plan's code.
    #[schema(value_type = String, example = "start")]
    pub plan_code: Raw,
    /// Where the customer comes back to, with `subscriptionId` and `status=success` or `error`.
    #[schema(value_type = Option<String>, example = "https://shop.example.ru/subscription-status")]
    pub return_url: Raw,
    /// What the customer agreed to. With it the first payment saves his card and each period is
    /// charged, at Tochka where the shop has it; without it he pays each period by a link.
    #[schema(value_type = Option<ConsentInput>)]
    pub consent: Option<ConsentInput>,
}

impl CompatSubscription {
    pub fn read(&self) -> Result<(String, Option<String>, Option<NewConsent>), ApiError> {
        let consent = self.consent.as_ref().map(ConsentInput::read).transpose()?;
        let plan = code("plan_code", &self.plan_code)?;
        Ok((plan, url("return_url", &self.return_url)?, consent))
    }
}

/// The header by which the source document names the customer.
pub fn user_id(found: &str) -> Result<String, ApiError> {
    let found = found.trim();
    if found.is_empty() {
        return Err(missing("X-User-Id"));
    }
    text::check("X-User-Id", found, MAX_ID_CHARS)?;
    Ok(found.to_owned())
}
