//! Receipts by trade: presets as data, a shop's defaults, and a whole receipt from one name and one
//! sum, so that a small shop fills in nothing else.

use jiff::civil::Date;

use super::{
    model::{Line, Receipt},
    npd::{NpdMeans, NpdReminder, remind},
    vat::{VatPlan, for_method},
    words::{Ffd, Measure, PaymentMethod, Subject, Taxation, Vat},
};
use crate::money::Money;

/// What a trade sells and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Stable.
    pub name: &'static str,
    pub ru: &'static str,
    pub en: &'static str,
    pub subject: Subject,
    pub method: PaymentMethod,
    pub measure: Measure,
    /// The line's name where the shop gives none.
    pub title: &'static str,
    /// Why it is so, for whoever chooses.
    pub about: &'static str,
}

/// That of a shop that names none.
pub const SERVICE: Preset = Preset {
    name: "service",
    ru: "услуга",
    en: "service",
    subject: Subject::Service,
    method: PaymentMethod::FullPayment,
    measure: Measure::Piece,
    title: "Услуга",
    about: "Услуга оказана к моменту оплаты или сразу после: один чек.",
};

/// All of them are carried by both banks.
pub static PRESETS: &[Preset] = &[
    SERVICE,
    Preset {
        name: "online_course",
        ru: "онлайн-курс",
        en: "online course",
        subject: Subject::Service,
        method: PaymentMethod::FullPayment,
        measure: Measure::Piece,
        title: "Доступ к онлайн-курсу",
        about: "Доступ открывается сразу после оплаты: один чек. Если курс начнётся позже, \
                выберите предоплату.",
    },
    Preset {
        name: "membership",
        ru: "абонемент",
        en: "membership",
        subject: Subject::Service,
        method: PaymentMethod::FullPrepayment,
        measure: Measure::Piece,
        title: "Абонемент",
        about: "Занятия впереди: чек предоплаты сейчас, закрывающий — когда абонемент \
                израсходован.",
    },
    Preset {
        name: "goods",
        ru: "товар",
        en: "goods",
        subject: Subject::Goods,
        method: PaymentMethod::FullPayment,
        measure: Measure::Piece,
        title: "Товар",
        about: "Товар передаётся при оплате: один чек. Если его ещё доставлять, выберите \
                предоплату.",
    },
    Preset {
        name: "prepayment",
        ru: "предоплата",
        en: "prepayment",
        subject: Subject::Goods,
        method: PaymentMethod::FullPrepayment,
        measure: Measure::Piece,
        title: "Предоплата за товар",
        about: "Товар будет передан позже: чек предоплаты сейчас, закрывающий — при передаче.",
    },
];

/// By its stable name, or as people call it in Russian.
pub fn find_preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name || preset.ru == name)
}

/// Who sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taxpayer {
    /// A company or a sole trader: receipts of a cash register.
    Register,
    /// НПД: no cash register at all (54-ФЗ ст. 2 п. 2.2).
    SelfEmployed,
}

/// What a shop says once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopDefaults {
    pub taxpayer: Taxpayer,
    pub preset: &'static Preset,
    pub taxation: Option<Taxation>,
    pub vat: VatPlan,
    pub ffd: Option<Ffd>,
}

/// What a shop says of one sale; nothing but the buyer's address must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sale {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The goods' own rate where it is not the shop's: the reduced one, or zero.
    pub vat: Option<Vat>,
}

/// What a sale makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filled {
    Receipt(Receipt),
    Reminder(NpdReminder),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillProblem {
    #[error("the shop's VAT on {0} is not known")]
    VatUnknown(Date),
}

/// The receipt of a sale of one thing for `amount`, or the reminder of the self-employed.
pub fn fill(
    shop: &ShopDefaults,
    sale: &Sale,
    amount: Money,
    on: Date,
) -> Result<Filled, FillProblem> {
    let given = sale.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = given.unwrap_or(shop.preset.title);
    match shop.taxpayer {
        Taxpayer::SelfEmployed => {
            Ok(Filled::Reminder(remind(name, amount, on, NpdMeans::Electronic)))
        }
        Taxpayer::Register => {
            let vat = sale.vat.or_else(|| shop.vat.rate_on(on));
            let vat = vat.ok_or(FillProblem::VatUnknown(on))?;
            let line = Line {
                vat: for_method(vat, shop.preset.method),
                method: shop.preset.method,
                subject: shop.preset.subject,
                measure: Some(shop.preset.measure),
                ..Line::new(name, amount)
            };
            Ok(Filled::Receipt(Receipt {
                email: sale.email.clone(),
                phone: sale.phone.clone(),
                taxation: shop.taxation,
                lines: vec![line],
                supplier: shop.vat.supplier.clone(),
                ffd: shop.ffd,
                ..Receipt::default()
            }))
        }
    }
}
