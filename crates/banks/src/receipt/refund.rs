//! The receipt of a refund: it mirrors what is returned, with the VAT, the method and the subject
//! of the original line, whatever the rates are today.

use super::{
    balance::{self, BalanceProblem},
    model::{Line, Receipt},
    quantity::quantity_text,
    vat::plain,
    words::Vat,
};
use crate::money::Money;

/// What a line of the original has not given back yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub quantity_milli: u64,
    pub sum: Money,
}

/// Goods that come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The place of the line in the original, from zero.
    pub line: usize,
    pub quantity_milli: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum Return<'a> {
    /// These goods, for what was paid for them.
    Goods(&'a [Returned]),
    /// This much money, spread over all that is left, in quantities that stay.
    Share(Money),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub receipt: Receipt,
    pub amount: Money,
    /// The books for the next refund.
    pub left: Vec<Left>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundProblem {
    #[error("the receipt has no line {}", .0.saturating_add(1))]
    NoSuchLine(usize),
    #[error("line {} has {} left to return", line.saturating_add(1), quantity_text(*left_milli))]
    TooMany { line: usize, left_milli: u64 },
    #[error("{left} rubles are left to return")]
    TooMuch { left: Money },
    #[error("the receipt has no line «{0}»")]
    NotSold(String),
    #[error("«{name}» was sold with {}, not with {}", sold.as_str(), said.as_str())]
    OtherVat { name: String, sold: Vat, said: Vat },
    #[error("of «{name}» {} are left to return", quantity_text(*left_milli))]
    TooManyNamed { name: String, left_milli: u64 },
    #[error("the goods come to {worth}, not to {said}")]
    OtherSum { worth: Money, said: Money },
    #[error("a refund of all is mirrored by the bank itself, to the buyer of the sale")]
    OtherBuyer,
    #[error("a part was paid by points, an advance or credit: say how much money goes back")]
    Settled,
    #[error("nothing is returned")]
    Nothing,
    #[error("the books are not those of this receipt")]
    OtherBooks,
    #[error(transparent)]
    Balance(#[from] BalanceProblem),
}

/// The books before the first refund.
pub fn all_left(original: &Receipt) -> Result<Vec<Left>, RefundProblem> {
    let sums = balance::sums(&original.lines)?;
    let left = original.lines.iter().zip(sums);
    Ok(left.map(|(line, sum)| Left { quantity_milli: line.quantity_milli, sum }).collect())
}

/// The goods that a refund's own receipt names: found among the lines of the original by name,
/// those of its price first. Its VAT must be the original's, since a refund bears the rate of the
/// sale; all else is mirrored from there.
pub fn named(
    original: &Receipt,
    left: &[Left],
    wanted: &Receipt,
) -> Result<Vec<Returned>, RefundProblem> {
    if left.len() != original.lines.len() {
        return Err(RefundProblem::OtherBooks);
    }
    let mut rest: Vec<u64> = left.iter().map(|left| left.quantity_milli).collect();
    let mut goods = Vec::new();
    for line in &wanted.lines {
        let name = line.name.trim();
        let is_named = |(_, sold): &(usize, &Line)| sold.name.trim() == name;
        let mut same: Vec<(usize, &Line)> =
            original.lines.iter().enumerate().filter(is_named).collect();
        let (_, first) = same.first().ok_or_else(|| RefundProblem::NotSold(name.to_owned()))?;
        let sold = first.vat;
        same.retain(|(_, sold)| plain(sold.vat) == plain(line.vat));
        if same.is_empty() {
            let name = name.to_owned();
            return Err(RefundProblem::OtherVat { name, sold, said: line.vat });
        }
        same.sort_by_key(|(_, sold)| sold.price != line.price);
        let all = same.iter().filter_map(|(at, _)| rest.get(*at)).sum();
        let mut missing = line.quantity_milli;
        for (at, _) in same {
            let Some(rest) = rest.get_mut(at) else { continue };
            let quantity_milli = missing.min(*rest);
            *rest -= quantity_milli;
            missing -= quantity_milli;
            if quantity_milli > 0 {
                goods.push(Returned { line: at, quantity_milli });
            }
        }
        if missing > 0 {
            return Err(RefundProblem::TooManyNamed { name: name.to_owned(), left_milli: all });
        }
    }
    Ok(goods)
}

/// The receipt for what comes back now. Over any row of refunds the sums add up to the original:
/// what is left of a line is divided, and its last piece takes the rest.
pub fn refund(
    original: &Receipt,
    left: &[Left],
    what: Return<'_>,
    max_lines: Option<usize>,
) -> Result<Refund, RefundProblem> {
    if left.len() != original.lines.len() {
        return Err(RefundProblem::OtherBooks);
    }
    let taken = match what {
        Return::Goods(goods) => by_goods(left, goods)?,
        Return::Share(amount) => by_share(left, amount)?,
    };
    let lines: Vec<Line> = original.lines.iter().zip(&taken).map(mirrored).collect();
    let shares: Vec<Money> = taken.iter().map(|part| part.sum).collect();
    let cap = |at: usize| left.get(at).map_or(0, |left| left.sum.kopecks());
    let placed = balance::place(&lines, &shares, max_lines, cap)?;
    let mut after = left.to_vec();
    for (at, line) in &placed {
        let Some(left) = after.get_mut(*at) else { continue };
        left.sum = left.sum.minus_or_zero(line.sum().unwrap_or_default());
    }
    if let Return::Goods(goods) = what {
        for piece in goods {
            let Some(left) = after.get_mut(piece.line) else { continue };
            left.quantity_milli = left.quantity_milli.saturating_sub(piece.quantity_milli);
        }
    }
    let lines = placed.into_iter().map(|(_, line)| line).collect();
    // How the first sum was paid says nothing of how a part goes back.
    let receipt = Receipt { lines, settlement: None, closes_on: None, ..original.clone() };
    let amount = receipt.total().filter(|amount| !amount.is_zero());
    let amount = amount.ok_or(RefundProblem::Nothing)?;
    Ok(Refund { receipt, amount, left: after })
}

fn mirrored((line, part): (&Line, &Left)) -> Line {
    Line { quantity_milli: part.quantity_milli, ..line.clone() }
}

fn by_goods(left: &[Left], goods: &[Returned]) -> Result<Vec<Left>, RefundProblem> {
    let mut taken = vec![Left { quantity_milli: 0, sum: Money::ZERO }; left.len()];
    for piece in goods {
        let part = taken.get_mut(piece.line).ok_or(RefundProblem::NoSuchLine(piece.line))?;
        part.quantity_milli = part.quantity_milli.saturating_add(piece.quantity_milli);
    }
    for (line, (part, left)) in taken.iter_mut().zip(left).enumerate() {
        if part.quantity_milli > left.quantity_milli {
            return Err(RefundProblem::TooMany { line, left_milli: left.quantity_milli });
        }
        if part.quantity_milli == 0 {
            continue;
        }
        let (share, whole) = (i128::from(part.quantity_milli), i128::from(left.quantity_milli));
        let doubled = i128::from(left.sum.kopecks()) * share * 2 + whole;
        // A part of an amount is an amount.
        let kopecks = i64::try_from(doubled / (whole * 2)).unwrap_or_default();
        part.sum = Money::from_kopecks(kopecks).unwrap_or_default();
    }
    Ok(taken)
}

fn by_share(left: &[Left], amount: Money) -> Result<Vec<Left>, RefundProblem> {
    // Goods that came back whole have no money left either, and what is left of money without
    // goods cannot be shown as goods.
    let weights: Vec<Money> = left
        .iter()
        .map(|left| if left.quantity_milli == 0 { Money::ZERO } else { left.sum })
        .collect();
    let all = Money::checked_sum(weights.iter().copied()).ok_or(BalanceProblem::TooLarge)?;
    if amount > all {
        return Err(RefundProblem::TooMuch { left: all });
    }
    let shares = balance::shares(&weights, amount)?;
    let part = |(left, sum): (&Left, Money)| Left { quantity_milli: left.quantity_milli, sum };
    Ok(left.iter().zip(shares).map(part).collect())
}
