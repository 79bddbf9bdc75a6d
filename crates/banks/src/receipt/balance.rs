//! Spreading a sum over lines so that they add up to it exactly: discounts, bonus points, delivery,
//! partial captures and refunds.
//!
//! The rule, in its order:
//! 1. Each line gets its share by the largest remainder: amount × its sum / all sums, rounded
//!    down; the kopecks left go one each to the largest fractions, earlier lines first.
//! 2. No line falls to nothing while there is a kopeck per line: the largest share gives one.
//! 3. Where no whole price × quantity makes the share, the line is split into two with prices a
//!    kopeck apart. What comes to nothing is left out, since no cash register takes it.
//! 4. If that makes more lines than are allowed, the odd kopecks of all lines go to one of them.

use super::model::{Line, line_sum};
use crate::money::Money;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BalanceProblem {
    #[error("nothing is to be spread")]
    NoAmount,
    #[error("there is no line with a sum to spread over")]
    NoLines,
    #[error("the lines cannot add up to the amount within {0} lines")]
    TooManyLines(usize),
    #[error("a price or a sum leaves the range of money")]
    TooLarge,
}

/// The lines at prices that make them add up to `amount`.
pub fn spread(
    lines: &[Line],
    amount: Money,
    max_lines: Option<usize>,
) -> Result<Vec<Line>, BalanceProblem> {
    let placed = spread_placed(lines, amount, max_lines)?;
    Ok(placed.into_iter().map(|(_, line)| line).collect())
}

/// The same, each line with the place of the one that it comes from.
pub fn spread_placed(
    lines: &[Line],
    amount: Money,
    max_lines: Option<usize>,
) -> Result<Vec<(usize, Line)>, BalanceProblem> {
    place(lines, &shares(&sums(lines)?, amount)?, max_lines, |_| i64::MAX)
}

pub(super) fn sums(lines: &[Line]) -> Result<Vec<Money>, BalanceProblem> {
    lines.iter().map(|line| line.sum().ok_or(BalanceProblem::TooLarge)).collect()
}

/// Steps 1 and 2. A share is never more than its weight when the amount is not more than all.
pub fn shares(weights: &[Money], amount: Money) -> Result<Vec<Money>, BalanceProblem> {
    if amount.is_zero() {
        return Err(BalanceProblem::NoAmount);
    }
    let whole: i128 = weights.iter().map(|weight| i128::from(weight.kopecks())).sum();
    if whole == 0 {
        return Err(BalanceProblem::NoLines);
    }
    let target = i128::from(amount.kopecks());
    let mut shares = Vec::with_capacity(weights.len());
    let mut fractions = Vec::with_capacity(weights.len());
    let mut left = amount.kopecks();
    for (at, weight) in weights.iter().enumerate() {
        let product = target * i128::from(weight.kopecks());
        // A part of an amount is an amount.
        let share = i64::try_from(product / whole).map_err(|_| BalanceProblem::TooLarge)?;
        left -= share;
        shares.push(share);
        fractions.push((std::cmp::Reverse(product % whole), at));
    }
    if left > 0 {
        fractions.sort_unstable();
        for (_, at) in fractions.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            if let Some(share) = shares.get_mut(*at) {
                *share += 1;
            }
        }
    }
    keep_alive(weights, &mut shares, amount);
    let money = |share| Money::from_kopecks(share).map_err(|_| BalanceProblem::TooLarge);
    shares.into_iter().map(money).collect()
}

/// Step 2.
fn keep_alive(weights: &[Money], shares: &mut [i64], amount: Money) {
    let alive = weights.iter().filter(|weight| !weight.is_zero()).count();
    if i64::try_from(alive).is_ok_and(|alive| alive > amount.kopecks()) {
        return;
    }
    for at in 0..shares.len() {
        let is_dead = shares.get(at) == Some(&0) && weights.get(at).is_some_and(|w| !w.is_zero());
        if !is_dead {
            continue;
        }
        // As there is a kopeck per line, some line has two or more.
        let rich = shares.iter().enumerate().max_by_key(|(at, share)| (**share, usize::MAX - at));
        if let Some(rich) = rich.map(|(at, _)| at) {
            shares[rich] -= 1;
            shares[at] = 1;
        }
    }
}

/// Steps 3 and 4: lines with the sums of `shares`, each with the place of its origin. `cap` is what
/// an origin's lines may come to at most.
pub(super) fn place(
    lines: &[Line],
    shares: &[Money],
    max_lines: Option<usize>,
    cap: impl Fn(usize) -> i64,
) -> Result<Vec<(usize, Line)>, BalanceProblem> {
    let mut placed = Vec::with_capacity(lines.len());
    for (at, (line, share)) in lines.iter().zip(shares).enumerate() {
        fit(line, *share, |line| placed.push((at, line)))?;
    }
    match max_lines {
        Some(max) if placed.len() > max => gather(lines, shares, max, cap),
        Some(_) | None => Ok(placed),
    }
}

/// Step 3: one line or two whose sums make `sum`, none for nothing.
pub fn fit(line: &Line, sum: Money, mut put: impl FnMut(Line)) -> Result<(), BalanceProblem> {
    if sum.is_zero() || line.quantity_milli == 0 {
        return Ok(());
    }
    if line.sum() == Some(sum) {
        put(line.clone());
        return Ok(());
    }
    let base = base_price(line, sum)?;
    for price in [base, next(base)?] {
        if line_sum(price, line.quantity_milli) == Some(sum) {
            put(Line { price, ..line.clone() });
            return Ok(());
        }
    }
    // Between the sums at two neighbouring prices: some whole units bear the higher one. Raising
    // one unit adds one kopeck, and there are more units than kopecks missing, since raising all
    // of the line would be too much.
    let made = line_sum(base, line.quantity_milli).ok_or(BalanceProblem::TooLarge)?;
    let missing = sum.minus_or_zero(made).kopecks();
    let raised = u64::try_from(missing).map_err(|_| BalanceProblem::TooLarge)? * 1000;
    let rest = line.quantity_milli.checked_sub(raised).ok_or(BalanceProblem::TooLarge)?;
    for (price, quantity_milli) in [(base, rest), (next(base)?, raised)] {
        if line_sum(price, quantity_milli).is_some_and(|sum| !sum.is_zero()) {
            put(Line { price, quantity_milli, ..line.clone() });
        }
    }
    Ok(())
}

/// The price of a unit rounded down to the kopeck.
fn base_price(line: &Line, sum: Money) -> Result<Money, BalanceProblem> {
    let price = i128::from(sum.kopecks()) * 1000 / i128::from(line.quantity_milli);
    let price = i64::try_from(price).map_err(|_| BalanceProblem::TooLarge)?;
    Money::from_kopecks(price).map_err(|_| BalanceProblem::TooLarge)
}

fn next(price: Money) -> Result<Money, BalanceProblem> {
    Money::from_kopecks(price.kopecks() + 1).map_err(|_| BalanceProblem::TooLarge)
}

/// Step 4. The odd kopecks go to the line of the most units, where they show least; if even its
/// split is one line too many, to the largest line of a unit or less, which needs no split.
fn gather(
    lines: &[Line],
    shares: &[Money],
    max: usize,
    cap: impl Fn(usize) -> i64,
) -> Result<Vec<(usize, Line)>, BalanceProblem> {
    let mut whole = Vec::with_capacity(lines.len());
    let mut odd = 0;
    for (at, (line, share)) in lines.iter().zip(shares).enumerate() {
        if share.is_zero() || line.quantity_milli == 0 {
            continue;
        }
        let base = base_price(line, *share)?;
        let is_exact = |price: &Money| line_sum(*price, line.quantity_milli) == Some(*share);
        let price = Some(next(base)?).filter(is_exact).unwrap_or(base);
        let sum = line_sum(price, line.quantity_milli).ok_or(BalanceProblem::TooLarge)?;
        odd += share.minus_or_zero(sum).kopecks();
        if !sum.is_zero() {
            whole.push((at, sum, Line { price, ..line.clone() }));
        }
    }
    let has_room = |entry: &&(usize, Money, Line)| entry.1.kopecks() + odd <= cap(entry.0);
    let of_many = whole.iter().filter(has_room).max_by_key(|(_, _, line)| line.quantity_milli);
    let of_one = whole.iter().filter(has_room).filter(|(_, _, line)| line.quantity_milli <= 1000);
    let of_one = of_one.max_by_key(|(_, sum, _)| *sum);
    let chosen = if whole.len() < max { of_many } else { of_one };
    let chosen = chosen.map(|(at, _, _)| *at).ok_or(BalanceProblem::TooManyLines(max))?;
    let mut placed = Vec::with_capacity(max);
    for (at, sum, line) in &whole {
        let sum = if *at == chosen { sum.kopecks() + odd } else { sum.kopecks() };
        let sum = Money::from_kopecks(sum).map_err(|_| BalanceProblem::TooLarge)?;
        fit(line, sum, |line| placed.push((*at, line)))?;
    }
    if placed.len() <= max { Ok(placed) } else { Err(BalanceProblem::TooManyLines(max)) }
}
