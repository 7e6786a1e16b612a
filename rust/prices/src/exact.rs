//! Exact arithmetic: from decimals as people write them to integers, and one rounding per amount.

use crate::PicoUsd;

/// Highest price taken, in units of 10⁻¹² dollars per token: 10,000 dollars per million tokens, more than ten times
/// the dearest model ever listed. With it no amount can overflow, see [`Multiplier::of`].
pub const MAX_PER_TOKEN: u64 = 10_000_000_000;
/// Highest factor taken.
const MAX_FACTOR: f64 = 100.0;
/// Highest price of one web search taken, in dollars.
const MAX_PER_SEARCH: f64 = 100.0;

/// Dollars per million tokens in units of 10⁻¹² dollars per token.
pub fn per_token(usd_per_million: f64) -> Result<u64, String> {
    let highest = MAX_PER_TOKEN as f64 / 1e6;
    let units = decimal(usd_per_million, 6, highest)?;
    Ok(units)
}

/// Dollars for one web search in units of 10⁻¹² dollars.
pub fn per_search(usd: f64) -> Result<PicoUsd, String> {
    Ok(PicoUsd::from(decimal(usd, 6, MAX_PER_SEARCH)?) * 1_000_000)
}

/// A factor on prices, in parts per 10,000.
pub fn factor(factor: f64) -> Result<u64, String> {
    match decimal(factor, 4, MAX_FACTOR)? {
        0 => Err("a factor of 0 would make it free; write a row with prices of 0 instead".to_owned()),
        parts => Ok(parts),
    }
}

/// What is left after `percent` is taken off, in parts per 10,000.
pub fn left_after(percent: f64) -> Result<u64, String> {
    let off = decimal(percent, 2, 100.0)?;
    Ok(10_000 - off)
}

/// A decimal with at most `decimals` places, from 0 to `highest`, times 10 to the power of `decimals`.
///
/// The nearest `f64` to such a decimal is its integer divided by that power, because division rounds correctly;
/// so every `f64` that is no such quotient was written with more places.
fn decimal(value: f64, decimals: i32, highest: f64) -> Result<u64, String> {
    if value.is_nan() {
        return Err("no number; write it as a decimal".to_owned());
    }
    if value < 0.0 || value > highest {
        return Err(format!("{value} is not between 0 and {highest}"));
    }
    let power = 10_f64.powi(decimals);
    let units = (value * power).round();
    if units / power != value {
        return Err(format!("{value} has more than {decimals} decimal places; round it"));
    }
    Ok(units as u64)
}

/// A product of factors, each in parts per 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    parts: u64,
    of: u64,
}

impl Multiplier {
    /// The factor 1.
    pub const ONE: Self = Self { parts: 1, of: 1 };

    /// With one factor more, in parts per 10,000. At most three are ever used (service, place, discount), and the
    /// third is at most 1.
    #[must_use]
    pub fn times(self, parts_per_10_000: u64) -> Self {
        if parts_per_10_000 == 10_000 {
            return self;
        }
        Self { parts: self.parts * parts_per_10_000, of: self.of * 10_000 }
    }

    /// `count × price × factors`, rounded half up, once.
    ///
    /// Cannot overflow: a price is at most 10¹⁰ ([`MAX_PER_TOKEN`]), `parts` at most 10⁶·10⁶·10⁴, `of` at most
    /// 10¹², so the remainder's product stays below 10³⁸ and the whole's below 2⁶⁴·10¹⁰·10⁴ ≈ 1.8·10³³; `i128`
    /// reaches 1.7·10³⁸. A price of a web search (at most 10¹⁴) has the discount only.
    pub fn of(self, count: u64, price: PicoUsd) -> PicoUsd {
        let per_count = price * PicoUsd::from(self.parts);
        let (whole, rest) = (count / self.of, count % self.of);
        let of = PicoUsd::from(self.of);
        PicoUsd::from(whole) * per_count + (PicoUsd::from(rest) * per_count + of / 2).div_euclid(of)
    }
}

/// `value × numerator / denominator`, rounded half up, for prices; an error if that is no price any more.
pub fn in_ratio(value: u64, numerator: u64, denominator: u64) -> Result<u64, String> {
    if denominator == 0 {
        return Ok(value);
    }
    let [value, numerator, denominator] = [value, numerator, denominator].map(u128::from);
    let result = (value * numerator + denominator / 2) / denominator;
    match u64::try_from(result) {
        Ok(result) if result <= MAX_PER_TOKEN => Ok(result),
        _ => Err("a price that is left out would be absurdly high; write it down".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scenario: prices as vendors list them, down to the last place that is held.
    /// Guarantee: they become the very integer, though most have no exact `f64`.
    #[test]
    fn prices_are_exact() {
        for (usd, units) in [
            (0.0, 0),
            (0.01, 10_000),
            (0.1, 100_000),
            (0.3, 300_000),
            (0.01875, 18_750),
            (1.63, 1_630_000),
            (0.000_001, 1),
            (22.5, 22_500_000),
            (10_000.0, MAX_PER_TOKEN),
        ] {
            assert_eq!(per_token(usd), Ok(units), "{usd}");
        }
        assert_eq!(per_search(0.01), Ok(10_000_000_000));
        assert_eq!((factor(1.1), factor(0.5), left_after(12.5)), (Ok(11_000), Ok(5_000), Ok(8_750)));
    }

    /// Scenario: numbers that are no prices, factors or percentages. Guarantee: each is refused.
    #[test]
    fn what_is_no_price_is_refused() {
        for usd in [-0.01, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 10_000.01, 0.000_000_1, 1.000_000_05] {
            assert!(per_token(usd).is_err(), "{usd}");
        }
        for value in [0.0, -1.0, 100.1, 1.000_01, f64::NAN] {
            assert!(factor(value).is_err(), "{value}");
        }
        for percent in [-1.0, 100.01, 0.001, f64::NAN] {
            assert!(left_after(percent).is_err(), "{percent}");
        }
    }

    /// Scenario: the largest count at the highest price with the highest factors. Guarantee: no overflow.
    #[test]
    fn the_largest_amount_fits() {
        let highest = Multiplier::ONE.times(1_000_000).times(999_999).times(9_999);
        let amount = highest.of(u64::MAX, PicoUsd::from(MAX_PER_TOKEN));
        assert!(amount > PicoUsd::from(u64::MAX) * 99_000_000_000_000, "{amount}");
    }

    proptest! {
        /// Scenario: any decimal with six places. Guarantee: it is taken, and is exact.
        #[test]
        fn every_decimal_is_exact(units in 0..=MAX_PER_TOKEN) {
            let text = format!("{}.{:06}", units / 1_000_000, units % 1_000_000);
            prop_assert_eq!(per_token(text.parse().unwrap()), Ok(units));
        }

        /// Scenario: any count, price and factors. Guarantee: what splitting the count computes is the product,
        /// rounded half up.
        #[test]
        fn splitting_does_not_change_the_product(
            count in 0..1_u64 << 32, price in 0..=50_000_000_i128,
            factors in proptest::array::uniform3(1..=20_000_u64),
        ) {
            let multiplier = factors.iter().fold(Multiplier::ONE, |product, factor| product.times(*factor));
            let product = i128::from(count) * price * factors.iter().map(|factor| i128::from(*factor)).product::<i128>();
            prop_assert_eq!(multiplier.of(count, price), (product + 500_000_000_000) / 1_000_000_000_000);
        }
    }
}
