//! Count, sum, minimum and maximum of a running total, by the same rules for both kinds (D12).

use super::words::{DistributionRef, Invalid, Summary};
use crate::number::{Number, RunningSum};

/// The running total of everything but buckets.
///
/// Sum, minimum and maximum are those of the stream so far. Where a point leaves one of them out,
/// that of the stream is unknown from then on. A point without observations leaves nothing out: its
/// sum is 0 and it has no minimum or maximum that could count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Totals {
    count: u64,
    /// All bucket counts added up: while this fits 64 bits, so does every bucket.
    bucket_total: u64,
    sum: Option<RunningSum>,
    min: Option<f64>,
    max: Option<f64>,
}

impl Totals {
    /// Of no observations; with a sum, 0, if `point` has one.
    pub(super) fn empty_like(point: &DistributionRef<'_>) -> Self {
        let sum = point.sum().map(|_| RunningSum::zero());
        Self { count: 0, bucket_total: 0, sum, min: None, max: None }
    }

    /// Of `point` alone.
    pub(super) fn of(point: &DistributionRef<'_>) -> Result<Self, Invalid> {
        Self::empty_like(point).plus(point)
    }

    /// These and `point` together; changes nothing, so that the caller can still refuse.
    pub(super) fn plus(&self, point: &DistributionRef<'_>) -> Result<Self, Invalid> {
        let add = |a: u64, b| a.checked_add(b).ok_or(Invalid::CountOverflow);
        let theirs = point.summary();
        let sum = match (self.known_sum(), theirs.sum) {
            (Some(mut sum), Some(value)) => {
                if !sum.add(Number::Double(value), &mut { FLOAT }) {
                    return Err(Invalid::SumOverflow);
                }
                Some(sum)
            }
            (_, None) if theirs.count == 0 => self.sum,
            _ => None,
        };
        Ok(Self {
            count: add(self.count, theirs.count)?,
            bucket_total: add(self.bucket_total, point.bucket_total())?,
            sum,
            min: self.extreme(self.min, theirs.min, theirs.count, lesser),
            max: self.extreme(self.max, theirs.max, theirs.count, greater),
        })
    }

    /// The summary of what `newer`, a later value of the same cumulative member, adds to this one;
    /// `None` if the count fell (T3).
    pub(super) fn increase_to(&self, newer: &Summary) -> Result<Option<Summary>, Invalid> {
        let Some(count) = newer.count.checked_sub(self.count) else {
            return Ok(None);
        };
        let sum = match (self.known_sum(), newer.sum) {
            (Some(last), Some(sum)) => Some(sum - last.total(FLOAT).as_f64()),
            _ => None,
        };
        if sum.is_some_and(|sum| !sum.is_finite()) {
            return Err(Invalid::SumOverflow);
        }
        Ok(Some(Summary { count, sum, ..*newer }))
    }

    /// Without observations so far.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The buckets were given up, so their counts no longer take part.
    pub(super) fn forget_buckets(&mut self) {
        self.bucket_total = 0;
    }

    /// As written out.
    pub(super) fn summary(&self) -> Summary {
        let sum = self.sum.map(|sum| sum.total(FLOAT).as_f64());
        Summary { count: self.count, sum, min: self.min, max: self.max }
    }

    /// The sum, which is 0 as long as there are no observations, whatever points without any said.
    fn known_sum(&self) -> Option<RunningSum> {
        self.sum.or(self.is_empty().then(RunningSum::zero))
    }

    fn extreme(
        &self,
        mine: Option<f64>,
        theirs: Option<f64>,
        their_count: u64,
        choose: fn(f64, f64) -> f64,
    ) -> Option<f64> {
        match (mine, theirs) {
            (Some(mine), Some(theirs)) => Some(choose(mine, theirs)),
            (None, Some(theirs)) if self.is_empty() => Some(theirs),
            (mine, None) if their_count == 0 => mine,
            _ => None,
        }
    }
}

/// The smaller one; of two zeros the negative one, so that the order does not show.
fn lesser(a: f64, b: f64) -> f64 {
    if b.total_cmp(&a).is_lt() { b } else { a }
}

/// The larger one; of two zeros the positive one.
fn greater(a: f64, b: f64) -> f64 {
    if b.total_cmp(&a).is_gt() { b } else { a }
}

/// A [`RunningSum`] leaves it to its owner to remember its representation; these are always floats.
const FLOAT: bool = true;
