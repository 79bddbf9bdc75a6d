//! A receipt as data: who bought what, at which price, with which VAT.

use jiff::civil::Date;

use super::{
    quantity::ONE_MILLI,
    words::{AgentKind, Ffd, MarkKind, Measure, PaymentMethod, Subject, Taxation, Vat},
};
use crate::money::Money;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    pub email: Option<String>,
    pub phone: Option<String>,
    pub buyer_name: Option<String>,
    pub taxation: Option<Taxation>,
    pub lines: Vec<Line>,
    /// On whose behalf the lines are sold that name nobody.
    pub supplier: Option<Supplier>,
    /// `None` leaves it to the connection, which knows its cash register.
    pub ffd: Option<Ffd>,
    /// How the sum was paid; `None` is all of it by this payment.
    pub settlement: Option<Settlement>,
    /// The day on which what is prepaid will be delivered, as the shop says; on no bank's wire.
    pub closes_on: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: String,
    /// Price of one unit, discounts included.
    pub price: Money,
    /// Thousandths of a unit: 1.5 kg is 1500. Exact, as the tax service counts.
    pub quantity_milli: u64,
    pub vat: Vat,
    pub method: PaymentMethod,
    pub subject: Subject,
    /// `None` is pieces where a format asks for a unit.
    pub measure: Option<Measure>,
    pub supplier: Option<Supplier>,
    pub agent: Option<Agent>,
    pub mark: Option<Mark>,
}

/// On whose behalf a line is sold (tags 1171, 1225, 1226).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supplier {
    pub phone: String,
    pub name: String,
    pub tax_code: String,
}

/// In which role the shop sells for a supplier. Which fields a role needs is a rule of `lint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub kind: AgentKind,
    /// The paying agent's (tag 1073).
    pub phones: Vec<String>,
    /// The operator's who takes the payments (tag 1074).
    pub receiver_phones: Vec<String>,
    /// What a bank's agent does (tag 1044).
    pub operation: Option<String>,
    pub operator: Option<TransferOperator>,
}

/// Who transfers the money of a bank's agent (tags 1026, 1005, 1016, 1075).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferOperator {
    pub name: String,
    pub address: String,
    pub tax_code: String,
    pub phones: Vec<String>,
}

/// The code on one piece of marked goods (tag 1163).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub kind: MarkKind,
    pub value: String,
}

/// How a receipt's sum was paid (tags 1031, 1081, 1215, 1216, 1217).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    pub electronic: Money,
    /// Paid before: a prepayment being closed, bonus points, a gift card.
    pub advance: Money,
    pub credit: Money,
    pub cash: Money,
    pub provision: Money,
}

impl Settlement {
    pub fn total(&self) -> Option<Money> {
        let Settlement { electronic, advance, credit, cash, provision } = *self;
        Money::checked_sum([electronic, advance, credit, cash, provision])
    }
}

/// Price × quantity, rounded to the kopeck half up as cash registers do; `None` on overflow.
pub fn line_sum(price: Money, quantity_milli: u64) -> Option<Money> {
    let product = i128::from(price.kopecks()).checked_mul(quantity_milli.into())?;
    Money::from_kopecks(i64::try_from((product + 500) / 1000).ok()?).ok()
}

impl Line {
    /// One unit of a service, fully paid, without VAT.
    pub fn new(name: impl Into<String>, price: Money) -> Line {
        Line {
            name: name.into(),
            price,
            quantity_milli: ONE_MILLI,
            vat: Vat::None,
            method: PaymentMethod::FullPayment,
            subject: Subject::Service,
            measure: None,
            supplier: None,
            agent: None,
            mark: None,
        }
    }

    pub fn sum(&self) -> Option<Money> {
        line_sum(self.price, self.quantity_milli)
    }
}

impl Receipt {
    pub fn total(&self) -> Option<Money> {
        self.lines.iter().try_fold(Money::ZERO, |sum, line| sum.checked_add(line.sum()?))
    }

    /// Whose goods a line is.
    pub fn supplier_of<'a>(&'a self, line: &'a Line) -> Option<&'a Supplier> {
        line.supplier.as_ref().or(self.supplier.as_ref())
    }

    /// Whether a closing receipt is due at delivery.
    pub fn is_prepaid(&self) -> bool {
        self.lines.iter().any(|line| line.method.is_prepaid())
    }
}
