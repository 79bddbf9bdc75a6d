//! Salebot's `products_for_receipt`: one name, two forms with different units.

use super::{
    Reading,
    fields::{Object, Unit},
};
use crate::{
    money::Money,
    receipt::{
        balance::fit,
        lint::{Finding, reading},
        model::{Line, line_sum},
        quantity::ONE_MILLI,
        words::{PaymentMethod, Subject, Vat},
    },
};

/// The two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Of the function: rubles, `vat_code`; `amount` is the line's sum with every discount.
    Rubles,
    /// Of the variable beside `payment_sum`: kopecks, `tax`.
    Kopecks,
}

pub(super) fn read(text: &str, all: &mut Reading) -> Result<(), Finding> {
    let items = Object::list(text)?;
    // Where the unit of one line is in doubt, so is that of the others: no other line is read.
    let forms = items.iter().map(form).collect::<Result<Vec<_>, _>>()?;
    let is_other = |(_, own): &(&Object, &Form)| forms.first() != Some(*own);
    if let Some((item, _)) = items.iter().zip(&forms).find(is_other) {
        return Err(item.problem(&reading::SHAPE, "vat_code, tax"));
    }
    for (at, (item, own)) in items.iter().zip(&forms).enumerate() {
        all.put(
            at,
            match own {
                Form::Rubles => rubles(item),
                Form::Kopecks => kopecks(item).map(|line| vec![line]),
            },
        );
    }
    Ok(())
}

/// The form of a whole text, for whoever wants to show it.
pub fn find_form(text: &str) -> Result<Option<Form>, Finding> {
    Object::list(text)?.first().map(form).transpose()
}

fn form(item: &Object) -> Result<Form, Finding> {
    match (item.has("vat_code"), item.has("tax")) {
        (true, false) => Ok(Form::Rubles),
        (false, true) => Ok(Form::Kopecks),
        (true, true) | (false, false) => Err(item.problem(&reading::SHAPE, "vat_code, tax")),
    }
}

/// YooKassa's numbering, which is not that of tag 1199.
fn vat_of_code(code: &str) -> Option<Vat> {
    Some(match code {
        "1" => Vat::None,
        "2" => Vat::Vat0,
        "3" => Vat::Vat10,
        "4" => Vat::Vat20,
        "5" => Vat::Vat110,
        "6" => Vat::Vat120,
        "7" => Vat::Vat5,
        "8" => Vat::Vat7,
        "9" => Vat::Vat105,
        "10" => Vat::Vat107,
        "11" => Vat::Vat22,
        "12" => Vat::Vat122,
        _ => return None,
    })
}

/// Every field that one of the two forms has had, but for the VAT that tells them apart.
const ITEM: [&str; 8] =
    ["name", "price", "quantity", "amount", "method", "payment_method", "payment_object", "object"];

fn only(item: &Object, vat: &'static str) -> Result<(), Finding> {
    let known: Vec<&str> = ITEM.into_iter().chain([vat]).collect();
    item.only(&known)
}

fn rubles(item: &Object) -> Result<Vec<Line>, Finding> {
    only(item, "vat_code")?;
    let code = item.required("vat_code")?;
    let vat = vat_of_code(&code).ok_or_else(|| item.problem(&reading::VAT, &code))?;
    let quantity_milli = item.quantity("quantity")?.unwrap_or(ONE_MILLI);
    let price = item.money("price", Unit::Rubles)?;
    let amount = item.money("amount", Unit::Rubles)?;
    let amount = amount.or_else(|| line_sum(price?, quantity_milli));
    let amount = amount.ok_or_else(|| item.problem(&reading::FIELD, "amount"))?;
    let line = Line {
        quantity_milli,
        vat,
        ..common(item, price.unwrap_or(Money::ZERO), &["method", "payment_method"], OBJECT)?
    };
    if amount.is_zero() {
        // A gift stays in sight: a rule names it.
        return Ok(vec![Line { price: amount, ..line }]);
    }
    // The sum is what was agreed, so that the price follows from it where they differ.
    let mut lines = Vec::new();
    fit(&line, amount, |line| lines.push(line))
        .map_err(|_| item.problem(&reading::LINE_SUM, &amount.to_rubles()))?;
    Ok(lines)
}

fn kopecks(item: &Object) -> Result<Line, Finding> {
    only(item, "tax")?;
    let word = item.required("tax")?;
    let vat = Vat::parse(&word).ok_or_else(|| item.problem(&reading::VAT, &word))?;
    let quantity_milli = item.quantity("quantity")?.unwrap_or(ONE_MILLI);
    let price = item.money("price", Unit::Kopecks)?;
    let price = price.ok_or_else(|| item.problem(&reading::FIELD, "price"))?;
    let line =
        Line { quantity_milli, vat, ..common(item, price, &["payment_method", "method"], OBJECT)? };
    let amount = item.money("amount", Unit::Kopecks)?;
    if amount.is_some_and(|amount| line.sum() != Some(amount)) {
        let amount = amount.unwrap_or_default();
        return Err(item.problem(&reading::LINE_SUM, &amount.kopecks().to_string()));
    }
    Ok(line)
}

const OBJECT: &[&str] = &["payment_object", "object"];

/// The name and the two words; goods where no object is named, as both forms have it.
fn common(
    item: &Object,
    price: Money,
    methods: &[&str],
    objects: &[&str],
) -> Result<Line, Finding> {
    let line = Line::new(item.required("name")?, price);
    let method = item.word(item.first(methods)?, PaymentMethod::parse)?;
    let subject = item.word(item.first(objects)?, Subject::read)?;
    Ok(Line {
        method: method.unwrap_or(line.method),
        subject: subject.unwrap_or(Subject::Goods),
        ..line
    })
}
