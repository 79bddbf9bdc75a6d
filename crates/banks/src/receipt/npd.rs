//! The self-employed (НПД): no receipt through a bank, but a reminder to make one in «Мой налог».

use jiff::civil::Date;

use crate::money::Money;

/// Where the self-employed make their receipts.
pub const CABINET_URL: &str = "https://lknpd.nalog.ru";

/// How the money came, which decides until when the receipt is due (422-ФЗ ст. 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NpdMeans {
    /// A card or SBP: at the moment of paying.
    Electronic,
    /// Any other cashless way: by the 9th of the next month.
    Transfer,
}

/// What the seller has to do by hand; whether it was done is for the seller to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpdReminder {
    /// What was sold, as the receipt shall name it.
    pub name: String,
    pub amount: Money,
    pub paid_on: Date,
    pub due_on: Date,
}

pub fn remind(name: &str, amount: Money, paid_on: Date, means: NpdMeans) -> NpdReminder {
    let due_on = match means {
        NpdMeans::Electronic => paid_on,
        // Eight days after the first of the next month; dates end in the year 9999.
        NpdMeans::Transfer => {
            let last = paid_on.last_of_month();
            let days = jiff::Span::new().days(9);
            last.checked_add(days).unwrap_or(last)
        }
    };
    NpdReminder { name: name.to_owned(), amount, paid_on, due_on }
}
