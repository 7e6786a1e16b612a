//! Values and sums of data points: integers exactly, floats with compensation (D7).

/// The value of a data point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// `as_int` on the wire.
    Int(i64),
    /// `as_double` on the wire.
    Double(f64),
}

impl Number {
    /// The eight bytes that carry the value; with the variant they identify it.
    pub fn bits(self) -> u64 {
        match self {
            Self::Int(value) => value as u64,
            Self::Double(value) => value.to_bits(),
        }
    }

    /// The value as a float, rounded where an integer has more than 53 bits.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }

    /// Whether a monotonic sum may take it as an increment: a finite number, not below zero (D8).
    pub fn is_increase(self) -> bool {
        match self {
            Self::Int(value) => value >= 0,
            Self::Double(value) => value.is_finite() && value >= 0.0,
        }
    }

    /// Whether it is a number that can be added at all (D8): neither NaN nor infinite.
    pub fn is_finite(self) -> bool {
        match self {
            Self::Int(_) => true,
            Self::Double(value) => value.is_finite(),
        }
    }
}

/// A running sum in 16 bytes: an exact `i64`, or a float with the error of its additions.
///
/// The float form is Neumaier's compensated sum, so that a million costs of 0.000003 USD add up to
/// three dollars. It starts as an integer and becomes a float for good with the first float or when
/// the integer would overflow (D7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunningSum {
    bits: u64,
    /// Error of the float additions so far; only for floats.
    compensation: f64,
}

impl RunningSum {
    /// Zero, in both representations.
    pub fn zero() -> Self {
        Self { bits: 0, compensation: 0.0 }
    }

    /// A sum that is `value`; its representation is that of the value.
    pub fn of(value: Number) -> Self {
        Self { bits: value.bits(), compensation: 0.0 }
    }

    /// The sum as a ledger file keeps it.
    pub(crate) fn words(&self) -> [u64; 2] {
        [self.bits, self.compensation.to_bits()]
    }

    /// As [`Self::words`] gave them.
    pub(crate) fn from_words([bits, compensation]: [u64; 2]) -> Self {
        Self { bits, compensation: f64::from_bits(compensation) }
    }

    /// The total. `is_double` is the representation flag that the stream keeps.
    pub fn total(&self, is_double: bool) -> Number {
        if is_double {
            Number::Double(f64::from_bits(self.bits) + self.compensation)
        } else {
            Number::Int(self.bits as i64)
        }
    }

    /// Adds a finite `value`; changes the representation in `is_double` where rule D7 says so.
    ///
    /// Returns false, with nothing changed, if the float total would stop being finite.
    #[must_use]
    pub fn add(&mut self, value: Number, is_double: &mut bool) -> bool {
        if let (Number::Int(value), false) = (value, *is_double)
            && let Some(sum) = (self.bits as i64).checked_add(value)
        {
            self.bits = sum as u64;
            return true;
        }
        let mut next = if *is_double { *self } else { Self::from_int(self.bits as i64) };
        let sound = match value {
            Number::Double(value) => next.add_float(value),
            Number::Int(value) => {
                let rounded = value as f64;
                next.add_float(rounded) && next.add_float(rounding_error(value, rounded))
            }
        };
        if sound {
            *self = next;
            *is_double = true;
        }
        sound
    }

    fn from_int(value: i64) -> Self {
        let rounded = value as f64;
        Self { bits: rounded.to_bits(), compensation: rounding_error(value, rounded) }
    }

    fn add_float(&mut self, value: f64) -> bool {
        let sum = f64::from_bits(self.bits);
        let next = sum + value;
        self.compensation +=
            if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        self.bits = next.to_bits();
        (next + self.compensation).is_finite()
    }
}

/// What is lost when `value` is written as the float `rounded`.
fn rounding_error(value: i64, rounded: f64) -> f64 {
    (i128::from(value) - rounded as i128) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(values: impl IntoIterator<Item = Number>) -> Number {
        let (mut sum, mut is_double) = (RunningSum::zero(), false);
        for value in values {
            assert!(sum.add(value, &mut is_double));
        }
        sum.total(is_double)
    }

    /// Scenario: a million costs of 0.000003 USD. Guarantee: three dollars, to the last bit.
    #[test]
    fn many_small_costs_add_up() {
        let total = sum(std::iter::repeat_n(Number::Double(0.000_003), 1_000_000));
        assert_eq!(total, Number::Double(3.0));
    }

    /// Scenario: int after double and double after int (D7). Guarantee: history is kept.
    #[test]
    fn mixed_types_keep_history() {
        assert_eq!(sum([Number::Int(100), Number::Double(0.5), Number::Int(7)]), Number::Double(107.5));
    }

    /// Scenario: the integer would overflow (D7). Guarantee: it goes on as a float, no wrap.
    #[test]
    fn integer_overflow_becomes_a_float() {
        let total = sum([Number::Int(i64::MAX), Number::Int(i64::MAX), Number::Int(2)]);
        assert_eq!(total, Number::Double(2.0_f64.powi(64)));
    }

    /// Scenario: a float sum near the largest float. Guarantee: the addition is refused, the sum stays.
    #[test]
    fn overflow_to_infinity_is_refused() {
        let (mut sum, mut is_double) = (RunningSum::zero(), false);
        assert!(sum.add(Number::Double(f64::MAX), &mut is_double));
        assert!(!sum.add(Number::Double(f64::MAX), &mut is_double));
        assert_eq!(sum.total(is_double), Number::Double(f64::MAX));
    }

    proptest! {
        /// Scenario: integers in any order. Guarantee: exact as long as they fit.
        #[test]
        fn integers_are_exact(values in prop::collection::vec(0..i64::MAX / 1000, 0..1000)) {
            let expected: i64 = values.iter().sum();
            prop_assert_eq!(sum(values.into_iter().map(Number::Int)), Number::Int(expected));
        }

        /// Scenario: micro-dollar costs in two orders. Guarantee: equal within one unit in the last place
        /// of the exact integer sum.
        #[test]
        fn float_order_does_not_matter(micros in prop::collection::vec(0_u32..10_000_000, 1..500)) {
            let exact: u64 = micros.iter().map(|m| u64::from(*m)).sum();
            let forward = sum(micros.iter().map(|m| Number::Double(f64::from(*m) / 1e6))).as_f64();
            let backward = sum(micros.iter().rev().map(|m| Number::Double(f64::from(*m) / 1e6))).as_f64();
            let truth = exact as f64 / 1e6;
            prop_assert!((forward - truth).abs() <= 1e-12 * truth.max(1.0));
            prop_assert!((forward - backward).abs() <= f64::EPSILON * truth.max(1.0));
        }
    }
}
