//! Receipts in other systems' forms. Units and codings follow from the form that a text has and
//! never from the size of a value: where the form is in doubt, the text is refused.
//!
//! | form | how it is told | sums | VAT |
//! |---|---|---|---|
//! | Salebot's function | a list whose lines have `vat_code` | rubles | numbers 1 to 12 |
//! | Salebot's variable | a list whose lines have `tax` | kopecks | words |
//! | T-Bank | an object with `Items` of `Name` | kopecks | words |
//! | Tochka | an object with `Items` of `name` | rubles | words |

mod fields;
mod salebot;
mod tbank;
mod tochka;

use super::{
    lint::{
        Finding,
        reading::{self, finding},
    },
    model::{Line, Receipt},
    words::Taxation,
};
use fields::Object;

pub use salebot::{Form, find_form};

/// What could be read of a text, and what could not.
#[derive(Debug, Default)]
pub struct Reading {
    pub receipt: Receipt,
    /// The place that each read line has in the text.
    pub places: Vec<usize>,
    pub findings: Vec<Finding>,
}

impl Reading {
    /// A field's value, or none and the finding.
    fn keep<T: Default>(&mut self, read: Result<T, Finding>) -> T {
        read.unwrap_or_else(|finding| {
            self.findings.push(finding);
            T::default()
        })
    }

    /// The lines that one of the text makes.
    fn put(&mut self, at: usize, read: Result<Vec<Line>, Finding>) {
        for line in self.keep(read) {
            self.receipt.lines.push(line);
            self.places.push(at);
        }
    }

    fn whole(self) -> Result<Receipt, Finding> {
        self.findings.into_iter().next().map_or(Ok(self.receipt), Err)
    }
}

/// As much of a receipt in any of the forms as can be read; a list of lines comes as a receipt
/// without a buyer.
pub fn read_all(text: &str) -> Reading {
    let mut all = Reading::default();
    let read = match text.trim_start().starts_with('[') {
        true => salebot::read(text, &mut all),
        false => read_object(text, &mut all),
    };
    all.keep(read);
    all
}

/// A whole receipt, or what is wrong first.
pub fn read(text: &str) -> Result<Receipt, Finding> {
    read_all(text).whole()
}

fn read_object(text: &str, all: &mut Reading) -> Result<(), Finding> {
    let object = Object::parse(text, None)?;
    let items = object.objects("Items")?.ok_or_else(|| finding(&reading::SHAPE, None, "Items"))?;
    if items.is_empty() {
        return Err(finding(&reading::FIELD, None, "Items"));
    }
    let has = |key: &str| items.iter().any(|item| item.has(key));
    match (has("Name"), has("name")) {
        (true, false) => tbank::read(&object, &items, all),
        (false, true) => tochka::read(&object, &items, all),
        (true, true) | (false, false) => return Err(finding(&reading::SHAPE, None, "Items")),
    }
    Ok(())
}

/// `products_for_receipt` in either of its forms.
pub fn read_lines(text: &str) -> Result<Vec<Line>, Finding> {
    let mut all = Reading::default();
    let read = salebot::read(text, &mut all);
    all.keep(read);
    all.whole().map(|receipt| receipt.lines)
}

/// The tax system as a word, or as the digit that Salebot's function takes: 1 to 6.
pub fn read_taxation(text: &str) -> Result<Taxation, Finding> {
    let text = text.trim();
    match text {
        "1" => Ok(Taxation::Osn),
        "2" => Ok(Taxation::UsnIncome),
        "3" => Ok(Taxation::UsnIncomeOutcome),
        "5" => Ok(Taxation::Esn),
        "6" => Ok(Taxation::Patent),
        "4" | "envd" => Err(finding(&reading::ENVD, None, text)),
        word => Taxation::parse(word).ok_or_else(|| finding(&reading::WORD, None, word)),
    }
}
