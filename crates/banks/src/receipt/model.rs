//! A receipt as data: who bought what, at which price, with which VAT.

use crate::money::Money;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub email: Option<String>,
    pub phone: Option<String>,
    pub buyer_name: Option<String>,
    pub taxation: Option<Taxation>,
    pub lines: Vec<Line>,
    pub supplier: Option<Supplier>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: String,
    /// Price of one unit.
    pub price: Money,
    /// Thousandths of a unit: 1.5 kg is 1500. Exact, as the tax service counts.
    pub quantity_milli: u64,
    pub vat: Vat,
    pub method: PaymentMethod,
    pub subject: Subject,
    pub measure: Option<Measure>,
    pub supplier: Option<Supplier>,
}

/// On whose behalf a line is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supplier {
    pub phone: String,
    pub name: String,
    pub tax_code: String,
}

/// Generates an enum with its words, so that a word is written once.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|item| item.as_str() == text)
            }
        }
    };
}

words! {
    /// VAT of a line. `vat22` is the rate since 2026-01-01; `vat20` stays for older sales.
    Vat {
        None = "none", Vat0 = "vat0", Vat5 = "vat5", Vat7 = "vat7", Vat10 = "vat10",
        Vat20 = "vat20", Vat22 = "vat22", Vat105 = "vat105", Vat107 = "vat107",
        Vat110 = "vat110", Vat120 = "vat120", Vat122 = "vat122",
    }
}
words! { Taxation {
    Osn = "osn", UsnIncome = "usn_income", UsnIncomeOutcome = "usn_income_outcome",
    Esn = "esn", Patent = "patent",
} }
words! {
    /// What the money is for at the moment of the receipt (FFD tag 1214).
    PaymentMethod {
        FullPayment = "full_payment", FullPrepayment = "full_prepayment",
        Prepayment = "prepayment", Advance = "advance",
    }
}
words! {
    /// What is sold (FFD tag 1212).
    Subject { Goods = "goods", Service = "service", Work = "work" }
}
words! { Measure {
    Piece = "piece", Gram = "gram", Kilogram = "kilogram", Ton = "ton", Centimeter = "centimeter",
    Decimeter = "decimeter", Meter = "meter", SquareCentimeter = "square_centimeter",
    SquareDecimeter = "square_decimeter", SquareMeter = "square_meter",
    Milliliter = "milliliter", Liter = "liter", CubicMeter = "cubic_meter",
    KilowattHour = "kilowatt_hour", Gigacalorie = "gigacalorie", Day = "day", Hour = "hour",
    Minute = "minute", Second = "second", Kilobyte = "kilobyte", Megabyte = "megabyte",
    Gigabyte = "gigabyte", Terabyte = "terabyte",
} }

impl Line {
    /// Price × quantity, rounded to the kopeck half up as cash registers do; `None` on overflow.
    pub fn sum(&self) -> Option<Money> {
        let product = i128::from(self.price.kopecks()).checked_mul(self.quantity_milli.into())?;
        Money::from_kopecks(i64::try_from((product + 500) / 1000).ok()?).ok()
    }
}

impl Receipt {
    pub fn total(&self) -> Option<Money> {
        self.lines.iter().try_fold(Money::ZERO, |sum, line| sum.checked_add(line.sum()?))
    }
}
