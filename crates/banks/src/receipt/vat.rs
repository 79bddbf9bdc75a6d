//! Which VAT is due when: rates as data with their law, and the shop's own rate by date.
//!
//! A refund takes the rate of the line that is refunded and never looks here.

use jiff::civil::{Date, date};

use super::{
    model::{Line, Receipt, Supplier},
    words::{PaymentMethod, Vat, words},
};
use crate::money::Money;

/// One rate and the days on which new sales may bear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub vat: Vat,
    /// Percent on top of the net price; `None` where no tax is in the price.
    pub percent: Option<u8>,
    pub from: Option<Date>,
    pub until: Option<Date>,
    /// What replaced it.
    pub successor: Option<Vat>,
    pub law: &'static str,
}

const fn rate(vat: Vat, percent: Option<u8>, law: &'static str) -> Rate {
    Rate { vat, percent, from: None, until: None, successor: None, law }
}

const SINCE_2025: Option<Date> = Some(date(2025, 1, 1));
const SINCE_2026: Option<Date> = Some(date(2026, 1, 1));
const SINCE_2019: Option<Date> = Some(date(2019, 1, 1));
const END_OF_2025: Option<Date> = Some(date(2025, 12, 31));

/// The law that took 20 % to 22 %, and the order that gave it the codes of tag 1199.
const LAW_OF_2026: &str =
    "НК РФ ст. 164 п. 3 и 4 по 425-ФЗ (28.11.2025); ФНС ЕД-7-20/1050@ (08.12.2025): тег 1199";

/// Who is no payer, and what is free of the tax: several articles, one word in the receipt.
const LAW_OF_NONE: &str = "НК РФ ст. 143, 145 и 149 (не плательщик, освобождён, не облагается); \
                           тег 1199, код 6";

/// Every rate, with the article of the law that has it.
pub static RATES: [Rate; 12] = [
    rate(Vat::None, None, LAW_OF_NONE),
    rate(Vat::Vat0, None, "НК РФ ст. 164 п. 1; тег 1199, код 5"),
    Rate {
        from: SINCE_2025,
        ..rate(Vat::Vat5, Some(5), "НК РФ ст. 164 п. 8 подп. 1; тег 1199, код 7")
    },
    Rate {
        from: SINCE_2025,
        ..rate(Vat::Vat7, Some(7), "НК РФ ст. 164 п. 8 подп. 2; тег 1199, код 8")
    },
    rate(Vat::Vat10, Some(10), "НК РФ ст. 164 п. 2; тег 1199, код 2"),
    Rate {
        from: SINCE_2019,
        until: END_OF_2025,
        successor: Some(Vat::Vat22),
        ..rate(Vat::Vat20, Some(20), "НК РФ ст. 164 п. 3 до 425-ФЗ (28.11.2025); тег 1199, код 1")
    },
    Rate { from: SINCE_2026, ..rate(Vat::Vat22, Some(22), LAW_OF_2026) },
    Rate {
        from: SINCE_2025, ..rate(Vat::Vat105, Some(5), "НК РФ ст. 164 п. 4; тег 1199, код 9")
    },
    Rate {
        from: SINCE_2025, ..rate(Vat::Vat107, Some(7), "НК РФ ст. 164 п. 4; тег 1199, код 10")
    },
    rate(Vat::Vat110, Some(10), "НК РФ ст. 164 п. 4; тег 1199, код 4"),
    Rate {
        from: SINCE_2019,
        until: END_OF_2025,
        successor: Some(Vat::Vat122),
        ..rate(Vat::Vat120, Some(20), "НК РФ ст. 164 п. 4 до 425-ФЗ (28.11.2025); тег 1199, код 3")
    },
    Rate { from: SINCE_2026, ..rate(Vat::Vat122, Some(22), LAW_OF_2026) },
];

/// What a receipt is made for, so that the day whose rates apply is known (FNS, letter
/// АБ-4-20/11248@ of 15.12.2025; Minfin, 03-07-11/125182 of 23.12.2025).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A sale, a prepayment or the closing of one, on the day of the receipt.
    Sale { on: Date },
    /// Goods sold before come back: the rate of that sale, in any later year.
    Refund { sold_on: Date },
    /// An older receipt is put right.
    Correction { of: Date },
    /// Delivered unpaid and paid later: the rate of the delivery.
    PaidLater { delivered_on: Date },
}

impl Occasion {
    /// The day whose rates apply.
    pub const fn rate_date(self) -> Date {
        match self {
            Occasion::Sale { on } => on,
            Occasion::Refund { sold_on } => sold_on,
            Occasion::Correction { of } => of,
            Occasion::PaidLater { delivered_on } => delivered_on,
        }
    }
}

/// The table's row of a rate.
pub fn find_rate(vat: Vat) -> Option<&'static Rate> {
    RATES.iter().find(|rate| rate.vat == vat)
}

/// The rule that a rate breaks on a day, `None` when the law has it then.
pub fn find_date_problem(vat: Vat, occasion: Occasion) -> Option<&'static Rate> {
    let on = occasion.rate_date();
    let is_wrong = |rate: &&Rate| {
        rate.from.is_some_and(|from| on < from) || rate.until.is_some_and(|until| on > until)
    };
    find_rate(vat).filter(is_wrong)
}

/// The tax inside a price, to the kopeck, half up: gross × r / (100 + r).
pub fn tax_in(gross: Money, vat: Vat) -> Money {
    let Some(percent) = find_rate(vat).and_then(|rate| rate.percent) else { return Money::ZERO };
    let (share, whole) = (i128::from(percent), 100 + i128::from(percent));
    let doubled = i128::from(gross.kopecks()) * share * 2 + whole;
    // A part of an amount is an amount.
    let kopecks = i64::try_from(doubled / (whole * 2)).unwrap_or_default();
    Money::from_kopecks(kopecks).unwrap_or_default()
}

/// The calculated rate of the same tax, as a prepayment bears it.
pub const fn calculated(vat: Vat) -> Vat {
    match vat {
        Vat::Vat5 | Vat::Vat105 => Vat::Vat105,
        Vat::Vat7 | Vat::Vat107 => Vat::Vat107,
        Vat::Vat10 | Vat::Vat110 => Vat::Vat110,
        Vat::Vat20 | Vat::Vat120 => Vat::Vat120,
        Vat::Vat22 | Vat::Vat122 => Vat::Vat122,
        Vat::None => Vat::None,
        Vat::Vat0 => Vat::Vat0,
    }
}

/// The plain rate of the same tax, as a delivery bears it.
pub const fn plain(vat: Vat) -> Vat {
    match vat {
        Vat::Vat5 | Vat::Vat105 => Vat::Vat5,
        Vat::Vat7 | Vat::Vat107 => Vat::Vat7,
        Vat::Vat10 | Vat::Vat110 => Vat::Vat10,
        Vat::Vat20 | Vat::Vat120 => Vat::Vat20,
        Vat::Vat22 | Vat::Vat122 => Vat::Vat22,
        Vat::None => Vat::None,
        Vat::Vat0 => Vat::Vat0,
    }
}

/// The rate of a line by how it is paid: calculated before delivery, plain at it.
pub const fn for_method(vat: Vat, method: PaymentMethod) -> Vat {
    if method.is_prepaid() { calculated(vat) } else { plain(vat) }
}

words! {
    /// What VAT a shop pays.
    ShopVat { NotPayer = "none", General = "general", Usn5 = "usn5", Usn7 = "usn7" }
}

/// A shop's VAT by date: a USN payer's changes with the income of the year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VatPlan {
    pub steps: Vec<VatStep>,
    /// On whose behalf the shop's ordinary sales are made: the plan is that supplier's.
    pub supplier: Option<Supplier>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VatStep {
    pub valid_from: Date,
    pub vat: ShopVat,
}

impl VatPlan {
    /// Of a shop that sells its own goods.
    pub fn of(steps: Vec<VatStep>) -> VatPlan {
        VatPlan { steps, supplier: None }
    }

    pub fn always(vat: ShopVat) -> VatPlan {
        VatPlan::of(vec![VatStep { valid_from: Date::MIN, vat }])
    }

    /// The latest step that has begun, in whatever order they are kept; `None` before the first.
    pub fn on(&self, day: Date) -> Option<ShopVat> {
        let begun = self.steps.iter().filter(|step| step.valid_from <= day);
        begun.max_by_key(|step| step.valid_from).map(|step| step.vat)
    }

    /// This plan in place of an `earlier` one. A step without a day holds from today on, since what
    /// held before was true of the sales of those days; who names a day of the past means it.
    pub fn after(self, earlier: &VatPlan, today: Date) -> VatPlan {
        let supplier = self.supplier.clone();
        let is_bare = |step: &VatStep| step.valid_from == Date::MIN;
        let tells_past = self.steps.iter().any(|step| !is_bare(step) && step.valid_from <= today);
        let Some(bare) = self.steps.iter().find(|step| is_bare(step)).copied() else {
            // Nothing is said of the days before: what was known of them stays.
            let first = self.steps.iter().map(|step| step.valid_from).min().unwrap_or(Date::MAX);
            let earlier = earlier.steps.iter().filter(|step| step.valid_from < first).copied();
            return VatPlan { steps: earlier.chain(self.steps).collect(), supplier };
        };
        if tells_past || earlier.on(today).is_none() {
            return self;
        }
        let begun = earlier.steps.iter().filter(|step| step.valid_from < today).copied();
        let mut steps: Vec<VatStep> = begun.collect();
        steps.sort_by_key(|step| step.valid_from);
        if steps.last().map(|step| step.vat) != Some(bare.vat) {
            let is_first = steps.is_empty();
            steps.push(VatStep { valid_from: if is_first { Date::MIN } else { today }, ..bare });
        }
        steps.extend(self.steps.into_iter().filter(|step| !is_bare(step)));
        VatPlan { steps, supplier }
    }

    /// The plain rate of the shop's ordinary sales on a day; `None` where the plan or the law says
    /// nothing.
    pub fn rate_on(&self, day: Date) -> Option<Vat> {
        let candidates: &[Vat] = match self.on(day)? {
            ShopVat::NotPayer => &[Vat::None],
            ShopVat::General => &[Vat::Vat22, Vat::Vat20],
            ShopVat::Usn5 => &[Vat::Vat5],
            ShopVat::Usn7 => &[Vat::Vat7],
        };
        let is_due = |vat: &Vat| find_date_problem(*vat, Occasion::Sale { on: day }).is_none();
        candidates.iter().copied().find(is_due)
    }
}

/// The first day after `on` that has another rate for this one: the law ends it, or it is the
/// shop's own and the shop's plan goes on to another.
pub fn changes_on(vat: Vat, plan: Option<&VatPlan>, on: Date) -> Option<Date> {
    let own = plain(vat);
    let by_law = find_rate(own).and_then(|rate| rate.until?.tomorrow().ok());
    let is_own = |plan: &&VatPlan| plan.rate_on(on) == Some(own);
    let steps = plan.filter(is_own).into_iter().flat_map(|plan| {
        let is_other = |day: &Date| plan.rate_on(*day) != Some(own);
        plan.steps.iter().map(|step| step.valid_from).filter(is_other)
    });
    by_law.into_iter().chain(steps).filter(|day| *day > on).min()
}

/// The rate at the delivery of what was prepaid: the delivery day's own, so that an advance of
/// 2025 at 20/120 closes in 2026 at 22 %. The reduced rate and zero belong to the goods and stay;
/// so does no VAT, unless it was the shop's own on the day of the sale: who pays VAT since owes it
/// at the delivery. The rest is the shop's, which its plan tells if there is one; a plan without
/// VAT says nothing of goods that were sold with it.
pub fn at_closing(prepaid: Vat, plan: Option<&VatPlan>, sold_on: Date, on: Date) -> Vat {
    let own = plain(prepaid);
    let rate_on = |day| plan.and_then(|plan| plan.rate_on(day));
    let by_plan = rate_on(on);
    match own {
        Vat::None if rate_on(sold_on) == Some(Vat::None) => by_plan.unwrap_or(own),
        Vat::Vat5 | Vat::Vat7 | Vat::Vat20 | Vat::Vat22 => {
            let outdated = find_date_problem(own, Occasion::Sale { on });
            let is_of_plan = |now: &Vat| *now != Vat::None || rate_on(sold_on) == Some(own);
            let by_plan = by_plan.filter(is_of_plan);
            by_plan.or_else(|| outdated.and_then(|rate| rate.successor)).unwrap_or(own)
        }
        Vat::None
        | Vat::Vat0
        | Vat::Vat10
        | Vat::Vat105
        | Vat::Vat107
        | Vat::Vat110
        | Vat::Vat120
        | Vat::Vat122 => own,
    }
}

/// The plan, for the goods that it is of: the shop's own, or those of the supplier for whom it
/// always sells. Any other supplier's bear a rate of which the plan knows nothing.
pub fn own_plan<'a>(
    receipt: &Receipt,
    line: &Line,
    plan: Option<&'a VatPlan>,
) -> Option<&'a VatPlan> {
    plan.filter(|plan| match receipt.supplier_of(line) {
        // By the number: names and phones are put right.
        Some(supplier) => {
            plan.supplier.as_ref().is_some_and(|own| own.tax_code == supplier.tax_code)
        }
        None => plan.supplier.is_none() && line.agent.is_none(),
    })
}

/// The rate that a line of the receipt, priced on one day, bears when it is made on a later one.
/// What was delivered on credit keeps the rate of its delivery.
pub fn on_day(
    receipt: &Receipt,
    line: &Line,
    plan: Option<&VatPlan>,
    priced_on: Date,
    on: Date,
) -> Vat {
    let plan = own_plan(receipt, line, plan);
    match line.method {
        PaymentMethod::CreditPayment => line.vat,
        PaymentMethod::FullPayment
        | PaymentMethod::FullPrepayment
        | PaymentMethod::Prepayment
        | PaymentMethod::Advance
        | PaymentMethod::PartialPayment
        | PaymentMethod::Credit => {
            // A rate that the shop chose against the rule stays as long as its day does.
            let now = at_renewal(line.vat, plan, priced_on, on);
            if now == plain(line.vat) { line.vat } else { for_method(now, line.method) }
        }
    }
}

/// The plain rate of a renewal, on the day of its charge. What was the shop's own rate at the first
/// sale follows its plan; what the law replaced since follows the law; the rest belongs to the
/// goods.
pub fn at_renewal(first: Vat, plan: Option<&VatPlan>, sold_on: Date, on: Date) -> Vat {
    let own = plain(first);
    let rate_on = |day| plan.and_then(|plan| plan.rate_on(day));
    let by_plan = rate_on(on).filter(|_| rate_on(sold_on) == Some(own));
    let outdated = find_date_problem(own, Occasion::Sale { on });
    by_plan.or_else(|| outdated.and_then(|rate| rate.successor)).unwrap_or(own)
}
