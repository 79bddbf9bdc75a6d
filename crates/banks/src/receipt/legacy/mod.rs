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

/// A receipt in any of the forms; a list of lines comes as a receipt without a buyer.
pub fn read(text: &str) -> Result<Receipt, Finding> {
    if text.trim_start().starts_with('[') {
        return Ok(Receipt { lines: read_lines(text)?, ..Receipt::default() });
    }
    let object = Object::parse(text, None)?;
    let items = object.objects("Items")?.ok_or_else(|| finding(&reading::SHAPE, None, "Items"))?;
    let has = |key: &str| !items.is_empty() && items.iter().all(|item| item.has(key));
    match (has("Name"), has("name")) {
        (true, false) => tbank::read(&object, &items),
        (false, true) => tochka::read(&object, &items),
        (true, true) | (false, false) => Err(finding(&reading::SHAPE, None, "Items")),
    }
}

/// `products_for_receipt` in either of its forms.
pub fn read_lines(text: &str) -> Result<Vec<Line>, Finding> {
    salebot::read_lines(text)
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
