//! Index and edge arithmetic of exponential buckets (D13), in closed form for every `f64`.
//!
//! At scale `s` the base is 2^(2^-s), and bucket `i` holds what is above base^i and at most
//! base^(i+1) (upper-inclusive, as OTLP defines it). A bucket of scale `s` lies wholly within
//! bucket `i >> 1` of scale `s - 1`, so a coarser scale is a shift of the index.
//!
//! For scales up to 0 the edges are powers of two and the exponent bits decide, exactly. Above 0
//! the edges within one octave are irrational; here they are *defined* as the float
//! `exp2(k / 2^s)`, and [`index`] corrects its logarithm against that definition. So index and
//! edge agree for every float, and, since `k / 2^s` is exact, for every pair of scales too.

use super::MAX_BUCKETS;

/// The finest scale kept: the default maximum of the OpenTelemetry SDK ("MaxScale"), and the last
/// one at which the indexes of all floats fit 32 bits.
pub const MAX_SCALE: i32 = 20;

/// The coarsest scale kept. Its two buckets hold all floats up to 1 and all above; every coarser
/// scale has the same two, so nothing is gained by going on.
pub const MIN_SCALE: i32 = -11;

const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
const MANTISSA: u64 = (1 << MANTISSA_BITS) - 1;
/// The exponent field of 1.0.
const BIAS: i64 = 1023;
/// 2^this is the smallest normal float.
const MIN_EXPONENT: i64 = 1 - BIAS;

/// The index of the bucket that holds `value`, finite and above 0, at `scale` (in
/// [`MIN_SCALE`]..=[`MAX_SCALE`]).
pub fn index(value: f64, scale: i32) -> i64 {
    let (exponent, mantissa) = decompose(value);
    let power_of_two = mantissa == 1.0;
    if scale <= 0 {
        return (exponent - i64::from(power_of_two)) >> -scale;
    }
    let octave = exponent << scale;
    if power_of_two {
        return octave - 1;
    }
    let steps = 1_i64 << scale;
    // The logarithm is off by less than 2^-30 steps, so the number of the upper edge by at most one; in
    // which direction depends on the platform's logarithm (glibc's only ever gives one too many).
    let mut upper = ((mantissa.log2() * steps as f64).ceil() as i64).clamp(1, steps);
    if upper < steps && edge_in_octave(upper, scale) < mantissa {
        upper += 1;
    } else if upper > 1 && edge_in_octave(upper - 1, scale) >= mantissa {
        upper -= 1;
    }
    octave + upper - 1
}

/// The largest float in bucket `index` at `scale`: its upper edge, rounded down to a float and at
/// most `f64::MAX`. Meant for indexes that [`index`] returned; 0 for buckets below every float.
pub fn upper_edge(index: i64, scale: i32) -> f64 {
    let position = index.saturating_add(1);
    let (exponent, mantissa) = if scale <= 0 {
        (position.saturating_mul(1 << -scale), 1.0)
    } else {
        let within = position & ((1 << scale) - 1);
        (position >> scale, edge_in_octave(within, scale))
    };
    compose(exponent, mantissa)
}

/// How far indexes of scale `from` (any) shift right to become indexes of `to`, which is not finer
/// and within [`MIN_SCALE`]..=[`MAX_SCALE`].
///
/// At [`MIN_SCALE`] only the sign of an index counts: other indexes than -1 and 0 stand for no float,
/// and joining them to these two keeps their counts.
pub fn shift(from: i32, to: i32) -> u32 {
    const SIGN: u32 = i64::BITS - 1;
    if to <= MIN_SCALE {
        return SIGN;
    }
    u32::try_from(i64::from(from) - i64::from(to)).map_or(0, |shift| shift.min(SIGN))
}

/// Whether buckets `first..=last` are at most [`MAX_BUCKETS`] and their offset is an `i32`.
pub fn fits(first: i64, last: i64) -> bool {
    last - first < MAX_BUCKETS as i64 && last <= i64::from(i32::MAX)
}

/// Edge number `k` of 0..=2^scale between 1 and 2.
fn edge_in_octave(k: i64, scale: i32) -> f64 {
    (k as f64 / (1_i64 << scale) as f64).exp2()
}

/// Exponent and mantissa in [1, 2) of a float above 0, subnormal or not.
fn decompose(value: f64) -> (i64, f64) {
    let bits = value.to_bits();
    let field = (bits >> MANTISSA_BITS) as i64;
    let (exponent, fraction) = if field == 0 {
        let lead = bits.leading_zeros() - (u64::BITS - 1 - MANTISSA_BITS);
        (MIN_EXPONENT - i64::from(lead), bits << lead)
    } else {
        (field - BIAS, bits)
    };
    (exponent, f64::from_bits((BIAS as u64) << MANTISSA_BITS | fraction & MANTISSA))
}

/// `mantissa` (in [1, 2)) times 2^`exponent`, rounded down, at most `f64::MAX`.
fn compose(exponent: i64, mantissa: f64) -> f64 {
    let fraction = mantissa.to_bits() & MANTISSA;
    if exponent > BIAS {
        f64::MAX
    } else if exponent >= MIN_EXPONENT {
        f64::from_bits(((exponent + BIAS) as u64) << MANTISSA_BITS | fraction)
    } else {
        let bits = fraction | 1 << MANTISSA_BITS;
        let lost = u32::try_from(MIN_EXPONENT.saturating_sub(exponent)).unwrap_or(u32::MAX);
        f64::from_bits(bits.checked_shr(lost).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The binary digits of log2(mantissa), by squaring in fixed point with the error bounded on both
    /// sides: an oracle that shares nothing with the code under test. `None` where the bounds straddle
    /// an edge.
    fn oracle(value: f64, scale: u32) -> Option<i64> {
        let (exponent, mantissa) = decompose(value);
        if mantissa == 1.0 {
            return Some((exponent << scale) - 1);
        }
        const ONE: u128 = 1 << 63;
        let fixed = u128::from(mantissa.to_bits() & MANTISSA | 1 << MANTISSA_BITS) << (63 - MANTISSA_BITS);
        let (mut low, mut high) = (fixed, fixed);
        let mut digits = exponent;
        for _ in 0..scale {
            low = (low * low) >> 63;
            high = ((high * high) >> 63) + 1;
            let carry = low >= 2 * ONE;
            if carry != (high >= 2 * ONE) {
                return None;
            }
            digits = digits << 1 | i64::from(carry);
            if carry {
                low >>= 1;
                high = (high >> 1) + 1;
            }
        }
        Some(digits)
    }

    fn positive_floats() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (1_u64..f64::MAX.to_bits() + 1).prop_map(f64::from_bits),
            2 => (1_u64..1 << MANTISSA_BITS).prop_map(f64::from_bits),
            1 => (1_u64..1000).prop_map(f64::from_bits),
            2 => (-1074_i64..1024).prop_map(|exponent| compose(exponent, 1.0)),
            2 => 0.5..2.0_f64,
        ]
    }

    /// Edges at every scale and the floats beside them, where a logarithm alone goes wrong.
    fn next_to_an_edge() -> impl Strategy<Value = f64> {
        (-1074_i64..1023, 1..=MAX_SCALE, any::<prop::sample::Index>(), 0..3_usize).prop_map(
            |(exponent, scale, k, neighbour)| {
                let edge = compose(exponent, edge_in_octave(k.index((1 << scale) - 1) as i64 + 1, scale));
                [edge.next_down().max(f64::from_bits(1)), edge, edge.next_up()][neighbour]
            },
        )
    }

    /// Scenario: powers of two and their neighbours at every scale. Guarantee: the power is the last
    /// value of its bucket, the next float is in the next bucket.
    #[test]
    fn powers_of_two_close_their_bucket() {
        for exponent in -1074..=1023_i64 {
            let power = compose(exponent, 1.0);
            for scale in 0..=MAX_SCALE {
                assert_eq!(index(power, scale), (exponent << scale) - 1, "2^{exponent} at {scale}");
                assert_eq!(upper_edge(index(power, scale), scale), power);
                // Between subnormals there are whole buckets without a float.
                if exponent >= MIN_EXPONENT {
                    let above = index(power.next_up(), scale);
                    assert_eq!(above, exponent << scale, "above 2^{exponent} at {scale}");
                }
            }
            for scale in MIN_SCALE..0 {
                assert_eq!(index(power, scale), (exponent - 1) >> -scale, "2^{exponent} at {scale}");
            }
        }
    }

    /// Scenario: the ends of the range at the coarsest scales. Guarantee: -11 has two buckets for all
    /// floats, the edge above 1 is the largest float.
    #[test]
    fn the_coarsest_scale_has_two_buckets() {
        for (value, expected) in [(f64::from_bits(1), -1), (1.0, -1), (1.0_f64.next_up(), 0), (f64::MAX, 0)] {
            assert_eq!(index(value, MIN_SCALE), expected);
        }
        assert_eq!(upper_edge(-1, MIN_SCALE), 1.0);
        assert_eq!(upper_edge(0, MIN_SCALE), f64::MAX);
        assert_eq!(index(f64::from_bits(1), -10), -2);
        assert_eq!(upper_edge(-2, -10), 2.0_f64.powi(-1024));
    }

    /// Scenario: edges far outside the floats. Guarantee: 0 and `f64::MAX`, no overflow.
    #[test]
    fn edges_outside_the_floats_are_clamped() {
        for scale in MIN_SCALE..=MAX_SCALE {
            for far in [i64::from(i32::MAX), i64::MAX] {
                assert_eq!(upper_edge(far, scale), f64::MAX);
                assert_eq!(upper_edge(-far, scale), 0.0);
            }
        }
    }

    /// Scenario: indexes of any scale are brought to any other. Guarantee: floor division by the power
    /// of two, the sign at the coarsest scale, no overflow for any `i32` scale.
    #[test]
    fn shifts_are_floor_divisions() {
        assert_eq!(-161 >> shift(0, -1), -81);
        assert_eq!(160 >> shift(1, 0), 80);
        assert_eq!(shift(i32::MAX, MAX_SCALE), 63);
        assert_eq!(shift(i32::MIN, MIN_SCALE), 63);
        assert_eq!((7_i64 >> shift(-11, MIN_SCALE), -7_i64 >> shift(3, MIN_SCALE)), (0, -1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        /// Scenario: any float at any positive scale. Guarantee: the index is that of exact arithmetic.
        #[test]
        fn the_index_is_right(value in positive_floats(), scale in 1..=MAX_SCALE) {
            if let Some(expected) = oracle(value, scale as u32) {
                prop_assert_eq!(index(value, scale), expected);
            }
        }

        /// Scenario: any float at any scale. Guarantee: it lies within the edges of its bucket, and the
        /// upper edge is the last float of that bucket.
        #[test]
        fn index_and_edge_agree(value in prop_oneof![positive_floats(), next_to_an_edge()], scale in MIN_SCALE..=MAX_SCALE) {
            let index_of = index(value, scale);
            let upper = upper_edge(index_of, scale);
            prop_assert!(upper_edge(index_of - 1, scale) < value && value <= upper);
            prop_assert_eq!(index(upper, scale), index_of);
            if upper < f64::MAX {
                prop_assert!(index(upper.next_up(), scale) > index_of);
            }
        }

        /// Scenario: one float at two scales. Guarantee: the coarser index is the shifted finer one, so
        /// downscaling never moves an observation over an edge.
        #[test]
        fn scales_nest(value in prop_oneof![positive_floats(), next_to_an_edge()], a in MIN_SCALE..=MAX_SCALE, b in MIN_SCALE..=MAX_SCALE) {
            let (fine, coarse) = (a.max(b), a.min(b));
            prop_assert_eq!(index(value, fine) >> shift(fine, coarse), index(value, coarse));
            let edge = upper_edge(index(value, fine), fine);
            prop_assert_eq!(upper_edge(index(edge, coarse), coarse), upper_edge(index(value, coarse), coarse));
        }
    }
}
