//! A price with everything that led to it, and money as text.

use std::fmt;
use std::ops::Range;

use crate::{Answer, Class, Discount, PICO_PER_USD, PicoUsd, Tokens};

/// How a price came about: `amount = tokens × price per token × factors × what a discount leaves`.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation<'a> {
    /// Who sells.
    pub provider: &'a str,
    /// The model's name in the table.
    pub model: &'a str,
    /// The result.
    pub answer: Answer<'a>,
    /// Unix nanoseconds in which the same request costs the same.
    pub valid: Range<u64>,
    /// Tokens of input up to which the ordinary prices hold, if the row has others above.
    pub threshold: Option<u64>,
    /// What was compared with it.
    pub whole_input: u64,
    /// What was counted.
    pub tokens: Tokens,
    /// The row's price by [`Class`], before factors.
    pub per_token: [PicoUsd; Class::COUNT],
    /// What was counted.
    pub web_searches: u64,
    /// The row's price of a search, if it has one.
    pub per_web_search: Option<PicoUsd>,
    /// What all token prices were multiplied by.
    pub factors: Vec<Factor>,
    /// Whether the row's prices for priority processing were used.
    pub priority: bool,
    /// Whether the factor of the place rests on an assumption, see [`crate::Found::assumed_regional`].
    pub assumed_regional: bool,
    /// What was taken off.
    pub discount: Option<&'a Discount>,
}

/// A factor on prices of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// What it is for, in words.
    pub name: &'static str,
    /// The factor times 10,000.
    pub parts_per_10_000: u64,
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Decimal { value: self.parts_per_10_000.into(), one: 10_000, least: 0 })
    }
}

/// Dollars, written exactly: at least two decimal places, at most twelve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(pub PicoUsd);

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Decimal { value: self.0, one: PICO_PER_USD, least: 2 }.to_string())
    }
}

/// A whole number of parts of `one`, a power of ten, as a decimal.
struct Decimal {
    value: i128,
    one: i128,
    /// Decimal places that are written though they are 0.
    least: usize,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = self.one.unsigned_abs();
        let (whole, parts) = (self.value.unsigned_abs() / one, self.value.unsigned_abs() % one);
        let places = one.ilog10() as usize;
        let digits = format!("{parts:0places$}");
        let needed = digits.trim_end_matches('0').len().max(self.least);
        let sign = if self.value < 0 { "-" } else { "" };
        match digits.get(..needed) {
            Some("") | None => write!(f, "{sign}{whole}"),
            Some(digits) => write!(f, "{sign}{whole}.{digits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: amounts with many and with few places. Guarantee: every digit, none too many.
    #[test]
    fn money_is_written_exactly() {
        for (pico, text) in [
            (0, "0.00"),
            (1, "0.000000000001"),
            (114_000_000_000, "0.114"),
            (-1_500_000_000_000, "-1.50"),
            (2_000_000_000_000, "2.00"),
            (9_119_414_250_000, "9.11941425"),
            (i128::MIN, "-170141183460469231731687303.715884105728"),
        ] {
            assert_eq!(Usd(pico).to_string(), text);
        }
        assert_eq!(format!("{:>8}", Usd(20_000_000_000)), "    0.02");
        for (parts_per_10_000, text) in [(11_000, "1.1"), (5_000, "0.5"), (20_000, "2"), (12_345, "1.2345")] {
            assert_eq!(Factor { name: "", parts_per_10_000 }.to_string(), text);
        }
    }
}
