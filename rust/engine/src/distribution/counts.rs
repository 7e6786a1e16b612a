//! Arithmetic on runs of counts, written so that it vectorises.

use super::words::Invalid;

/// The sum of all counts, on whose fitting later additions rely. The halves are summed apart: below
/// 2^32 counts, neither can overflow.
pub(super) fn checked_total(runs: &[&[u64]]) -> Result<u64, Invalid> {
    let (mut low, mut high) = (0_u64, 0_u64);
    for run in runs {
        for count in *run {
            low += count & u64::from(u32::MAX);
            high += count >> 32;
        }
    }
    let total = (u128::from(high) << 32) + u128::from(low);
    u64::try_from(total).map_err(|_| Invalid::CountOverflow)
}

/// Adds `added` to the first of `counts`. Cannot overflow: callers know that the total of all buckets
/// fits 64 bits.
pub(super) fn add(counts: &mut [u64], added: &[u64]) {
    for (count, added) in counts.iter_mut().zip(added) {
        *count = count.wrapping_add(*added);
    }
}

/// Subtracts `last` from the first of `counts`; false if one of them is less, and then they are spoilt.
#[must_use]
pub(super) fn subtract(counts: &mut [u64], last: &[u64]) -> bool {
    let mut fell = false;
    for (count, last) in counts.iter_mut().zip(last) {
        fell |= *count < *last;
        *count = count.wrapping_sub(*last);
    }
    !fell
}
