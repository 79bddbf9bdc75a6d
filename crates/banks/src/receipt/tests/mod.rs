//! Tables and properties of receipts.

mod balance;
mod baskets;
mod docs;
mod following;
mod forms;
mod lint;
mod presets;
mod vat;

use super::*;
use crate::money::Money;

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

fn kopecks(kopecks: i64) -> Money {
    Money::from_kopecks(kopecks).unwrap()
}

fn line(name: &str, price: &str, quantity_milli: u64) -> Line {
    Line { quantity_milli, ..Line::new(name, rubles(price)) }
}

/// 2 × 500.00 at 22 % and 1.5 kg × 156.33 at 10 %: 1234.50.
fn receipt() -> Receipt {
    let tea = Line { vat: Vat::Vat22, subject: Subject::Goods, ..line("Чай", "500", 2_000) };
    let cheese = Line {
        vat: Vat::Vat10,
        subject: Subject::Goods,
        measure: Some(Measure::Kilogram),
        ..line("Сыр", "156.33", 1_500)
    };
    Receipt {
        email: Some("buyer@example.ru".to_owned()),
        taxation: Some(Taxation::Osn),
        lines: vec![tea, cheese],
        ..Receipt::default()
    }
}

/// SplitMix64: the same baskets on every machine, a few instructions each.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(u64::try_from(items.len()).unwrap())).unwrap()]
    }
}
