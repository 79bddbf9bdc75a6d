//! A deal's product rows as lines of a receipt, to the kopeck.
//!
//! Prices there have more digits than money has, and whether the tax is in them depends on the row.
//! A row's sum is rounded once; what the roundings leave is spread over the lines. Where the rows
//! do not make the sum of the deal, nobody guesses why.

use kopeck_banks::{
    Money,
    receipt::{
        Line, Subject, Vat,
        balance::{self, fit},
        parse_quantity,
        vat::find_rate,
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::message::Lang;

/// Why rows are not a receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinesProblem {
    #[error("row {0} cannot be read")]
    Unreadable(usize),
    #[error("row {row} has VAT of {rate} %, which no receipt has")]
    Vat { row: usize, rate: String },
    #[error("the rows make {rows} and the deal {deal}")]
    Sum { rows: String, deal: String },
    #[error("the deal has no product rows")]
    Empty,
}

impl LinesProblem {
    /// For whoever makes a link at the portal.
    pub fn words(&self, lang: Lang) -> String {
        match (self, lang) {
            (LinesProblem::Unreadable(row), Lang::Ru) => format!("Строка {row} не читается."),
            (LinesProblem::Vat { row, rate }, Lang::Ru) => {
                format!("В строке {row} НДС {rate} %: такого в чеке не бывает.")
            }
            (LinesProblem::Sum { rows, deal }, Lang::Ru) => {
                format!("Товары — на {rows} ₽, а сумма сделки — {deal} ₽.")
            }
            (LinesProblem::Empty, Lang::Ru) => "В сделке нет товаров.".to_owned(),
            (LinesProblem::Unreadable(row), Lang::En) => format!("Row {row} cannot be read."),
            (LinesProblem::Vat { row, rate }, Lang::En) => {
                format!("Row {row} has VAT of {rate} %, which no receipt has.")
            }
            (LinesProblem::Sum { rows, deal }, Lang::En) => {
                format!("The rows make {rows} ₽, and the deal's sum is {deal} ₽.")
            }
            (LinesProblem::Empty, Lang::En) => "The deal has no product rows.".to_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRow<'a> {
    product_name: String,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    quantity: &'a RawValue,
    #[serde(borrow, default)]
    tax_rate: Option<&'a RawValue>,
    #[serde(default)]
    tax_included: Option<String>,
}

/// Price and quantity in millionths: as fine as the portal writes them.
const SCALE: u32 = 6;
const MILLION: i128 = 1_000_000;
/// Kopecks of a product of two millionths.
const PER_KOPECK: i128 = MILLION * MILLION / 100;

struct Row {
    line: Line,
    /// Price × quantity in kopecks, as the row has it.
    sum: i128,
    /// The same with the tax on top, where the row says that it is not in the price.
    with_tax: i128,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rows<'a> {
    #[serde(borrow)]
    product_rows: Vec<&'a RawValue>,
}

/// Reads the `result`s of `crm.item.productrow.list`, page by page.
pub fn read<T: AsRef<str>>(pages: &[T], deal_sum: Money) -> Result<Vec<Line>, LinesProblem> {
    let mut rows = Vec::new();
    for page in pages {
        let page: Option<Rows<'_>> = serde_json::from_str(page.as_ref()).ok();
        rows.extend(page.map(|page| page.product_rows).unwrap_or_default());
    }
    if rows.is_empty() {
        return Err(LinesProblem::Empty);
    }
    let rows: Vec<Row> =
        rows.iter().enumerate().map(|(at, row)| read_row(at + 1, row)).collect::<Result<_, _>>()?;
    let target = i128::from(deal_sum.kopecks());
    // Each row may have been rounded the other way.
    let slack = i128::try_from(rows.len()).unwrap_or_default();
    let as_they_are: i128 = rows.iter().map(|row| row.sum).sum();
    let with_tax: i128 = rows.iter().map(|row| row.with_tax).sum();
    let pick = |is_close: i128| (is_close - target).abs() <= slack;
    let sums: Vec<i128> = if pick(as_they_are) {
        rows.iter().map(|row| row.sum).collect()
    } else if pick(with_tax) {
        rows.iter().map(|row| row.with_tax).collect()
    } else {
        return Err(LinesProblem::Sum { rows: rubles(as_they_are), deal: rubles(target) });
    };
    balanced(rows, &sums, deal_sum)
}

fn balanced(rows: Vec<Row>, sums: &[i128], target: Money) -> Result<Vec<Line>, LinesProblem> {
    let mut lines = Vec::with_capacity(rows.len());
    for (at, (row, sum)) in rows.into_iter().zip(sums).enumerate() {
        let unreadable = |_| LinesProblem::Unreadable(at + 1);
        let sum = i64::try_from(*sum).map_err(|_| LinesProblem::Unreadable(at + 1))?;
        let sum = Money::from_kopecks(sum).map_err(|_| LinesProblem::Unreadable(at + 1))?;
        fit(&row.line, sum, |line| lines.push(line)).map_err(unreadable)?;
    }
    let total = lines.iter().try_fold(Money::ZERO, |total, line| total.checked_add(line.sum()?));
    if total == Some(target) {
        return Ok(lines);
    }
    let rows = total.unwrap_or_default().to_rubles();
    let differs = |_| LinesProblem::Sum { rows, deal: target.to_rubles() };
    balance::spread(&lines, target, None).map_err(differs)
}

fn read_row(number: usize, row: &RawValue) -> Result<Row, LinesProblem> {
    let unreadable = || LinesProblem::Unreadable(number);
    let raw: RawRow<'_> = serde_json::from_str(row.get()).map_err(|_| unreadable())?;
    let quantity_text = bare(raw.quantity);
    let quantity_milli = parse_quantity(&trimmed(&quantity_text)).map_err(|_| unreadable())?;
    let price = millionths(&bare(raw.price)).ok_or_else(unreadable)?;
    let quantity = millionths(&quantity_text).ok_or_else(unreadable)?;
    let vat = read_vat(number, raw.tax_rate)?;
    let product = price.checked_mul(quantity).ok_or_else(unreadable)?;
    let sum = rounded(product, PER_KOPECK);
    let percent = find_rate(vat).and_then(|rate| rate.percent).map_or(0, i128::from);
    let is_on_top = raw.tax_included.as_deref() == Some("N");
    let with_tax = if is_on_top {
        let taxed = product.checked_mul(100 + percent).ok_or_else(unreadable)?;
        rounded(taxed, PER_KOPECK * 100)
    } else {
        sum
    };
    let name = raw.product_name.trim().to_owned();
    let line =
        Line { quantity_milli, vat, subject: Subject::Goods, ..Line::new(name, Money::ZERO) };
    Ok(Row { line, sum, with_tax })
}

/// No tax is `null`; zero is a rate.
fn read_vat(row: usize, rate: Option<&RawValue>) -> Result<Vat, LinesProblem> {
    let Some(rate) = rate.filter(|rate| rate.get().trim() != "null") else { return Ok(Vat::None) };
    let text = trimmed(&bare(rate));
    Ok(match text.as_str() {
        "0" => Vat::Vat0,
        "5" => Vat::Vat5,
        "7" => Vat::Vat7,
        "10" => Vat::Vat10,
        "20" => Vat::Vat20,
        "22" => Vat::Vat22,
        _ => return Err(LinesProblem::Vat { row, rate: text }),
    })
}

fn rounded(value: i128, unit: i128) -> i128 {
    (value + unit / 2) / unit
}

fn rubles(kopecks: i128) -> String {
    format!("{}.{:02}", kopecks / 100, kopecks % 100)
}

/// A number or a numeric text.
fn bare(raw: &RawValue) -> String {
    raw.get().trim().trim_matches('"').to_owned()
}

/// Without zeros that mean nothing: `20.00` is `20`.
fn trimmed(text: &str) -> String {
    if !text.contains('.') {
        return text.to_owned();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A decimal without a sign or exponent, in millionths, what is finer rounded half up.
fn millionths(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let (kept, rest) = fraction.split_at(fraction.len().min(usize::try_from(SCALE).ok()?));
    let kept: i128 = format!("{kept:0<6}").parse().ok()?;
    let up = i128::from(rest.bytes().next().is_some_and(|digit| digit >= b'5'));
    Some(whole.parse::<i128>().ok()? * MILLION + kept + up)
}
