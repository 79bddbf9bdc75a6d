//! Use cases of receipts: making one of what a shop says of a sale and what it said once.

use jiff::civil::Date;
use kopeck_banks::{
    Bank, Money,
    bank::ReceiptTerms,
    receipt::{
        Receipt,
        contact::normal_phone,
        npd::NpdReminder,
        preset::{self, FillProblem, Filled, Sale, ShopDefaults, Taxpayer, fill},
        renewal::{Days, RenewalProblem, renew},
        vat::{VatPlan, changes_on},
    },
};

use super::{
    check::{Around, Report, check, moscow_day, moscow_midnight},
    defaults::{self, DefaultsInput, DefaultsProblem, VatInput, find_wrong_supplier, no_vat_today},
    form::{self, Form},
    request::{ReceiptProblem, SaleInput, SaleWords},
    store::{self, Standing},
};
use crate::{
    kit::{
        Ctx,
        db::{DbError, Tx},
    },
    shops::flow::list_connections,
};

/// What a shop says of one payment's receipt.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The text of `receipt`, in any form.
    pub text: Option<String>,
    /// The payment's own buyer, for a receipt that names none.
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Each bank that may make it takes a phone alone.
    pub is_phone_enough: bool,
}

impl Wish {
    fn has_contact(&self) -> bool {
        let phone = self.phone.as_deref().filter(|_| self.is_phone_enough);
        self.email.is_some() || phone.and_then(normal_phone).is_some()
    }
}

/// Why no receipt can be made.
#[derive(Debug)]
pub enum ComposeProblem {
    Receipt(ReceiptProblem),
    Renewal(RenewalProblem),
    /// One line was asked for, and the shop's VAT is not known.
    NoDefaults {
        hint: &'static str,
    },
    /// One line was asked for, and not for how much.
    NoAmount,
    Internal(DbError),
}

impl From<ReceiptProblem> for ComposeProblem {
    fn from(problem: ReceiptProblem) -> ComposeProblem {
        ComposeProblem::Receipt(problem)
    }
}

impl From<DbError> for ComposeProblem {
    fn from(error: DbError) -> ComposeProblem {
        ComposeProblem::Internal(error)
    }
}

/// The receipt of a payment as it is stored: the shop's own lines; or one line by its defaults; or
/// the reminder of the self-employed. A shop that saved defaults gets one of each payment: where
/// there is no e-mail to send it to, nor a phone where the bank takes one, a person makes it.
pub async fn compose(
    ctx: &Ctx,
    shop_id: &str,
    wish: Wish,
    amount: Money,
) -> Result<Option<String>, ComposeProblem> {
    let shop = find_defaults(ctx, shop_id).await?;
    compose_on(shop, wish, amount, moscow_day(ctx.now_ms()))
}

/// The same on a day, by what is known already.
pub fn compose_on(
    shop: Option<ShopDefaults>,
    wish: Wish,
    amount: Money,
    day: Date,
) -> Result<Option<String>, ComposeProblem> {
    let is_npd = is_npd(shop.as_ref());
    let sale = match wish.text.as_deref() {
        Some(text) => SaleInput::find(text)?,
        None => shop.is_some().then(SaleInput::default),
    };
    let is_by_hand = wish.text.is_none() && !wish.has_contact();
    let Some(sale) = sale else {
        let Some(text) = wish.text else { return Ok(None) };
        let receipt = form::parse_any(&text)?;
        if is_npd {
            return Ok(Some(npd_text(first_name(&receipt))));
        }
        let receipt = with_defaults(receipt, shop);
        return Ok(Some(form::write(&with_buyer(receipt, wish.email, wish.phone))));
    };
    let filled = fill_sale(shop, sale, amount, day)?;
    Ok(Some(match filled {
        Filled::Receipt(receipt) if is_by_hand => by_hand_text(&receipt),
        Filled::Receipt(receipt) => form::write(&with_buyer(receipt, wish.email, wish.phone)),
        Filled::Reminder(NpdReminder { name, .. }) => npd_text(&name),
    }))
}

/// What is wrong with a receipt's text, in any form: the short one is looked at as the receipt that
/// it makes. What the shop and the bank's connection say of every receipt is added to what is said
/// around this one, which is sold on that `day`. `None`: of the self-employed no bank makes any.
pub fn look(
    shop: Option<ShopDefaults>,
    terms: ReceiptTerms,
    text: &str,
    (day, around): (Date, Around),
) -> Result<Option<Report>, ComposeProblem> {
    let saved = shop.as_ref();
    let around = Around {
        ffd: around.ffd.or_else(|| saved.and_then(|shop| shop.ffd)).or(terms.ffd),
        taxation: around
            .taxation
            .or_else(|| saved.and_then(|shop| shop.taxation))
            .or(terms.taxation),
        on: Some(day),
        supplier: around.supplier.or_else(|| saved.and_then(|shop| shop.vat.supplier.clone())),
        ..around
    };
    // What cannot be read is for the check to name.
    let Ok(Some(sale)) = SaleInput::find(text) else { return Ok(Some(check(text, &around))) };
    let (_, problems) = sale.words();
    if !problems.is_empty() {
        return Ok(Some(Report::unread(Form::Kopeck, problems)));
    }
    let amount = around.amount.ok_or(ComposeProblem::NoAmount)?;
    Ok(match fill_sale(shop, sale, amount, day)? {
        Filled::Receipt(receipt) => Some(check(&form::write(&receipt), &around)),
        Filled::Reminder(_) => None,
    })
}

/// What the shop said once, where its own lines do not say it.
fn with_defaults(receipt: Receipt, shop: Option<ShopDefaults>) -> Receipt {
    let Some(shop) = shop else { return receipt };
    Receipt {
        taxation: receipt.taxation.or(shop.taxation),
        ffd: receipt.ffd.or(shop.ffd),
        supplier: receipt.supplier.clone().or(shop.vat.supplier),
        ..receipt
    }
}

/// Whether what is said of a receipt can be read at all: for what is kept until a day when nobody
/// is there to mend it. What the shop's own defaults must hold is asked when it is composed.
pub fn check_readable(text: &str) -> Result<(), ComposeProblem> {
    let Some(sale) = SaleInput::find(text)? else {
        form::parse_any(text)?;
        return Ok(());
    };
    let (_, problems) = sale.words();
    problems.into_iter().next().map_or(Ok(()), |problem| Err(problem.into()))
}

/// What a renewal of a subscription charges.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The receipt of the first payment as it is stored, or what the shop said of it; `None` makes
    /// one line by the shop's defaults.
    pub first: Option<String>,
    /// When that was.
    pub first_ms: i64,
    pub amount: Money,
    pub charge_ms: i64,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Each bank that may make it takes a phone alone.
    pub is_phone_enough: bool,
    /// What the strictest bank that may make it takes.
    pub max_lines: Option<usize>,
}

/// The receipt of a renewal, by the VAT of the day of its charge: to be stored with the payment
/// that charges it, as [`compose`]'s is. `None` where the first payment had none.
pub async fn compose_renewal(
    ctx: &Ctx,
    shop_id: &str,
    renewal: Renewal,
) -> Result<Option<String>, ComposeProblem> {
    let shop = find_defaults(ctx, shop_id).await?;
    let Renewal { first, amount, email, phone, is_phone_enough, .. } = renewal;
    let charge = moscow_day(renewal.charge_ms);
    let by_defaults = |text: Option<String>, shop| {
        let (email, phone) = (email.clone(), phone.clone());
        let wish = Wish { text, email, phone, is_phone_enough };
        compose_on(shop, wish, amount, charge)
    };
    let Some(text) = first else { return by_defaults(None, shop) };
    match stored(&text) {
        Ok(Stored::Npd(name)) => {
            let sale = serde_json::json!({ "title": name }).to_string();
            return by_defaults(Some(sale), shop);
        }
        Ok(Stored::ByHand(_)) => return by_defaults(None, shop),
        Ok(Stored::Bank(_)) | Err(_) => {}
    }
    if SaleInput::find(&text)?.is_some() {
        return by_defaults(Some(text), shop);
    }
    let receipt = form::parse_any(&text)?;
    if is_npd(shop.as_ref()) {
        return Ok(Some(npd_text(first_name(&receipt))));
    }
    let days = Days { first: moscow_day(renewal.first_ms), charge };
    let plan = shop.as_ref().map(|shop| &shop.vat);
    let receipt = with_defaults(receipt, shop.clone());
    let renewed = renew(&receipt, amount, plan, days, renewal.max_lines);
    let renewed = renewed.map_err(ComposeProblem::Renewal)?;
    Ok(Some(form::write(&with_buyer(renewed, email, phone))))
}

fn is_npd(shop: Option<&ShopDefaults>) -> bool {
    shop.is_some_and(|shop| shop.taxpayer == Taxpayer::SelfEmployed)
}

/// By what a receipt in «Мой налог» calls the sale.
fn first_name(receipt: &Receipt) -> &str {
    receipt.lines.first().map_or("", |line| line.name.as_str())
}

/// Where a receipt goes that says nothing of it.
fn with_buyer(receipt: Receipt, email: Option<String>, phone: Option<String>) -> Receipt {
    if receipt.email.is_some() || receipt.phone.is_some() {
        return receipt;
    }
    let phone = phone.as_deref().and_then(normal_phone);
    Receipt { email, phone, ..receipt }
}

fn fill_sale(
    shop: Option<ShopDefaults>,
    sale: SaleInput,
    amount: Money,
    day: Date,
) -> Result<Filled, ComposeProblem> {
    let (SaleWords { preset, vat, closes_on }, problems) = sale.words();
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem.into());
    }
    let SaleInput { title, email, phone, .. } = sale;
    // A rate of its own says all that the defaults would.
    let bare = || ShopDefaults {
        taxpayer: Taxpayer::Register,
        preset: &preset::SERVICE,
        taxation: None,
        vat: VatPlan::default(),
        ffd: None,
    };
    let mut shop = shop.unwrap_or_else(bare);
    shop.preset = preset.unwrap_or(shop.preset);
    let phone = phone.map(|phone| normal_phone(&phone).unwrap_or(phone));
    let sale = Sale { name: title, email, phone, vat };
    let filled = fill(&shop, &sale, amount, day).map_err(|problem| match problem {
        FillProblem::VatUnknown(_) => ComposeProblem::NoDefaults {
            hint: "Save the shop's VAT once: `kopeck receipt defaults set --vat none` or \
                   PUT /v1/receipts/defaults; or send `vat` or `items`",
        },
    })?;
    Ok(match filled {
        Filled::Receipt(receipt) => Filled::Receipt(Receipt { closes_on, ..receipt }),
        Filled::Reminder(reminder) => Filled::Reminder(reminder),
    })
}

const NPD: &str = "npd";
const BY_HAND: &str = "by_hand";

/// What a payment keeps whose receipt the bank cannot send to anybody.
fn by_hand_text(receipt: &Receipt) -> String {
    let receipt: serde_json::Value =
        serde_json::from_str(&form::write(receipt)).unwrap_or_default();
    serde_json::json!({ BY_HAND: receipt }).to_string()
}

/// What a payment of the self-employed keeps in place of a receipt.
fn npd_text(name: &str) -> String {
    serde_json::json!({ NPD: name }).to_string()
}

/// What is stored with a payment.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    Bank(Box<Receipt>),
    /// A receipt to make in «Мой налог», by its line's name.
    Npd(String),
    /// One that a person makes, since the buyer left no address that the bank takes.
    ByHand(Box<Receipt>),
}

/// Reads back what [`compose`] made.
pub fn stored(text: &str) -> Result<Stored, ReceiptProblem> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    if let Some(name) = value.get(NPD).and_then(|name| name.as_str()) {
        return Ok(Stored::Npd(name.to_owned()));
    }
    match value.get(BY_HAND) {
        Some(receipt) => {
            form::parse_any(&receipt.to_string()).map(|receipt| Stored::ByHand(Box::new(receipt)))
        }
        None => form::parse_any(text).map(|receipt| Stored::Bank(Box::new(receipt))),
    }
}

/// The shop's defaults, read.
pub async fn find_defaults(ctx: &Ctx, shop_id: &str) -> Result<Option<ShopDefaults>, DbError> {
    let shop_id = shop_id.to_owned();
    ctx.db.read(move |tx| read_defaults(tx, &shop_id)).await
}

/// The same within a transaction.
pub fn read_defaults(tx: &mut dyn Tx, shop_id: &str) -> Result<Option<ShopDefaults>, DbError> {
    let found = store::find_defaults(tx, shop_id)?;
    found.map(|input| defaults::read(&input).map_err(|e| DbError::Decode(e.message))).transpose()
}

/// Links made before that may yet be paid after the shop's VAT changes: the bank knows the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outliving {
    pub links: i64,
    pub changes_on: Date,
}

pub async fn save_defaults(
    ctx: &Ctx,
    shop_id: &str,
    input: DefaultsInput,
) -> Result<Result<(DefaultsInput, Option<Outliving>), DefaultsProblem>, DbError> {
    let shop = match defaults::read(&input) {
        Ok(shop) => shop,
        Err(problem) => return Ok(Err(problem)),
    };
    if let Some(problem) = shop.vat.supplier.as_ref().and_then(find_wrong_supplier) {
        return Ok(Err(problem));
    }
    let (shop_id, now_ms) = (shop_id.to_owned(), ctx.now_ms());
    ctx.db
        .write(move |tx| {
            let today = moscow_day(now_ms);
            let before = read_defaults(tx, &shop_id)?.map(|shop| shop.vat);
            let plan = match &before {
                Some(before) => shop.vat.after(before, today),
                None => shop.vat,
            };
            if plan.rate_on(today).is_none() && shop.taxpayer == Taxpayer::Register {
                return Ok(Err(no_vat_today(today)));
            }
            let vat = plan.steps.iter().map(VatInput::from).collect();
            let saved = DefaultsInput { vat, ..input };
            store::update_defaults(tx, &shop_id, &saved)?;
            let own = plan.rate_on(today);
            let was = before.as_ref().and_then(|before| before.rate_on(today));
            let next = own.and_then(|own| changes_on(own, Some(&plan), today));
            let change = match was.is_some() && was != own {
                true => Some((today, now_ms)),
                false => next.and_then(|day| Some((day, moscow_midnight(day)?))),
            };
            let Some((changes_on, at_ms)) = change else { return Ok(Ok((saved, None))) };
            let links = store::count_outliving(tx, &shop_id, at_ms)?;
            Ok(Ok((saved, (links > 0).then_some(Outliving { links, changes_on }))))
        })
        .await
}

/// What the shop's connection to a bank says of receipts; the first, where there are several.
pub async fn find_terms(ctx: &Ctx, shop_id: &str, bank: &dyn Bank) -> anyhow::Result<ReceiptTerms> {
    let connections = list_connections(ctx, shop_id).await?;
    let own = connections.iter().find(|it| it.bank == bank.name());
    Ok(own.map(|it| bank.receipt_terms(&it.credentials)).unwrap_or_default())
}

/// How a shop's receipts stand: what its health, its dashboard and its commands show.
pub async fn stand(ctx: &Ctx, shop_id: &str) -> Result<Standing, DbError> {
    let (shop_id, now_ms) = (shop_id.to_owned(), ctx.now_ms());
    ctx.db.read(move |tx| store::stand(tx, Some(&shop_id), now_ms)).await
}

/// The same of all shops of this server.
pub async fn stand_all(ctx: &Ctx) -> Result<Standing, DbError> {
    let now_ms = ctx.now_ms();
    ctx.db.read(move |tx| store::stand(tx, None, now_ms)).await
}
