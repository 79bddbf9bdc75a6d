//! `--item "Курс;1"` of a refund: which goods of the payment's receipt come back.

use kopeck_banks::receipt::{ONE_MILLI, Receipt, parse_quantity, refund::Returned};

use super::super::{context::World, fail::Fail};
use crate::{
    payments::model::Payment,
    receipts::{form, model::Kind},
};

/// Goods as a person names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// The line's name, or its number from 1.
    pub line: String,
    pub quantity_milli: u64,
}

/// "Курс;1", "2;0.5" or a name alone, which is one piece.
pub fn parse_goods(text: &str) -> Result<Goods, String> {
    let (line, quantity) = text.rsplit_once(';').unwrap_or((text, "1"));
    let line = line.trim();
    if line.is_empty() {
        return Err("names no goods; write it as \"Курс;1\"".to_owned());
    }
    let quantity_milli = match text.contains(';') {
        true => {
            parse_quantity(quantity.trim()).map_err(|e| format!("has a quantity that is {e}"))?
        }
        false => ONE_MILLI,
    };
    Ok(Goods { line: line.to_owned(), quantity_milli })
}

/// The lines of the payment's receipt that are meant.
pub async fn find_goods(
    world: &World,
    payment: &Payment,
    goods: &[Goods],
) -> Result<Option<Vec<Returned>>, Fail> {
    if goods.is_empty() {
        return Ok(None);
    }
    let records = super::of_payment(world, payment).await?;
    let own = records.iter().find(|record| record.kind == Kind::Income);
    let body = own.and_then(|record| record.body.as_deref());
    let Some(receipt) = body.and_then(|body| form::parse_any(body).ok()) else {
        let hint = "Give back a sum: --amount";
        return Err(wrong("The payment has no receipt, so it names no goods", hint));
    };
    goods.iter().map(|goods| find(&receipt, goods)).collect::<Result<_, _>>().map(Some)
}

/// By its name; by its number where no line has such a name.
fn find(receipt: &Receipt, goods: &Goods) -> Result<Returned, Fail> {
    let quantity_milli = goods.quantity_milli;
    let is_named = |name: &str| name.trim().to_lowercase() == goods.line.to_lowercase();
    let named = receipt.lines.iter().enumerate().filter(|(_, line)| is_named(&line.name));
    let named: Vec<usize> = named.map(|(at, _)| at).collect();
    match named.as_slice() {
        [line] => return Ok(Returned { line: *line, quantity_milli }),
        [] => {}
        several => {
            let numbers: Vec<String> = several.iter().map(|at| (at + 1).to_string()).collect();
            let message = format!("Several lines are called «{}»", goods.line);
            let hint = format!("Name one by its number: {}", numbers.join(", "));
            return Err(wrong(&message, &hint));
        }
    }
    let number = goods.line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    if let Some(line) = number.filter(|line| *line < receipt.lines.len()) {
        return Ok(Returned { line, quantity_milli });
    }
    let names: Vec<String> =
        receipt.lines.iter().enumerate().map(|(at, l)| format!("{} {}", at + 1, l.name)).collect();
    let message = format!("The receipt has no line «{}»", goods.line);
    Err(wrong(&message, &format!("Its lines: {}", names.join("; "))))
}

fn wrong(message: &str, hint: &str) -> Fail {
    Fail::new("param_invalid", message, hint).param("item")
}

#[cfg(test)]
mod tests {
    use kopeck_banks::{Money, receipt::Line};

    use super::*;

    #[test]
    fn goods_are_found_by_name_or_number() {
        let line = |name: &str| Line::new(name, Money::from_kopecks(100).unwrap());
        let lines = vec![line("Курс; часть 2"), line("Чай"), line("Чай"), line("7")];
        let receipt = Receipt { lines, ..Receipt::default() };
        let at = |text: &str| find(&receipt, &parse_goods(text).unwrap());
        let returned = |line, quantity_milli| Returned { line, quantity_milli };
        assert_eq!(at("курс; часть 2;1").unwrap(), returned(0, 1_000));
        assert_eq!(at("2;0.5").unwrap(), returned(1, 500));
        assert_eq!(at("7").unwrap(), returned(3, 1_000));
        assert!(at("Чай").unwrap_err().hint.contains("2, 3"));
        assert!(at("5").unwrap_err().hint.contains("1 Курс"));
        assert!(parse_goods(";1").is_err() && parse_goods("Чай;0.0001").is_err());
    }
}
