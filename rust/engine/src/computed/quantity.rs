//! How many tokens: whole ones nearly always, but a sampled or scaled counter may send parts of them.

use tokenledger_prices::PicoUsd;

use crate::number::Number;

/// Parts of a token.
const MILLION: i128 = 1_000_000;
/// Tokens that one value may bring, so that no product leaves 128 bits: more than anybody can pay for.
const MAX_TOKENS: f64 = 1e15;

/// A number of tokens, exact to a millionth. Divisions of 128 bits are slow, so whole numbers do without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quantity {
    whole: i64,
    /// Beside the whole ones, of either sign.
    millionths: i64,
}

impl Quantity {
    /// In millionths of tokens.
    pub fn millionths(self) -> i128 {
        i128::from(self.whole) * MILLION + i128::from(self.millionths)
    }

    /// Whether it is more than nothing.
    pub fn is_some(self) -> bool {
        self.whole > 0 || self.whole == 0 && self.millionths > 0
    }

    /// At so much each; parts of tokens cost the nearest whole unit.
    #[inline]
    pub fn times(self, each: i64) -> PicoUsd {
        let whole = PicoUsd::from(self.whole) * PicoUsd::from(each);
        if self.millionths == 0 {
            return whole;
        }
        whole + (PicoUsd::from(self.millionths) * PicoUsd::from(each) + MILLION / 2).div_euclid(MILLION)
    }

    /// Of one value.
    #[inline]
    pub fn of(value: Number) -> Self {
        match value {
            Number::Int(whole) => Self { whole, millionths: 0 },
            // Nearly all doubles are whole numbers, and conversions are faster than rounding.
            Number::Double(value) if value as i64 as f64 == value && value.abs() <= MAX_TOKENS => {
                Self { whole: value as i64, millionths: 0 }
            }
            Number::Double(value) => Self::of_parts(value),
        }
    }

    #[cold]
    fn of_parts(value: f64) -> Self {
        // `as` makes a NaN 0.
        let value = value.clamp(-MAX_TOKENS, MAX_TOKENS);
        let whole = value.trunc();
        Self { whole: whole as i64, millionths: ((value - whole) * MILLION as f64).round() as i64 }
    }
}

impl FromIterator<Number> for Quantity {
    fn from_iter<I: IntoIterator<Item = Number>>(values: I) -> Self {
        values.into_iter().map(Self::of).fold(Self::default(), |sum, value| Self {
            whole: sum.whole.saturating_add(value.whole),
            millionths: sum.millionths.saturating_add(value.millionths),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: whole numbers, parts, two numbers that make an increase (T3), absurd ones. Guarantee: exact to a
    /// millionth of a token, never a wrap.
    #[test]
    fn tokens_cost_what_they_are_times_the_price() {
        let of = |values: &[Number]| values.iter().copied().collect::<Quantity>();
        assert_eq!(of(&[Number::Int(7)]).times(3), 21);
        assert_eq!(of(&[Number::Double(7.0)]).times(3), 21);
        assert_eq!(of(&[Number::Double(0.4)]).times(1_000_000), 400_000);
        assert_eq!(of(&[Number::Double(10.5), Number::Double(-10.25)]).millionths(), 250_000);
        assert_eq!(of(&[Number::Double(10.5), Number::Double(-10.25)]).times(1_000_000), 250_000);
        assert_eq!(of(&[Number::Int(i64::MAX)]).times(i64::MAX), i128::from(i64::MAX) * i128::from(i64::MAX));
        assert_eq!(of(&[Number::Double(f64::NAN)]), Quantity::default());
        assert_eq!(of(&[Number::Double(f64::MAX)]).millionths(), 1_000_000_000_000_000_000_000);
    }
}
