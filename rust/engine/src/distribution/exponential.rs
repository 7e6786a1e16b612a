//! Exponential histograms: buckets whose bounds are powers of one base (D13).
//!
//! Points are added at the coarser scale of point and total, or a coarser one still, until each side
//! needs at most [`MAX_BUCKETS`] buckets from the first to the last that has observations. This holds
//! from the first point on. Scales finer than [`MAX_SCALE`] are brought to it; coarser ones than
//! [`MIN_SCALE`] tell no more floats apart than it does and are called by its name.
//!
//! If all points of a stream have one scale and one zero threshold and fit as they are, the threshold
//! stays (only buckets wholly below it, which contradict it, join the zero count). Otherwise the result has the largest threshold, widened to the upper edge of the bucket
//! that contains it at the final scale, and all buckets up to there, from whichever point, are in the
//! zero count. An edge beyond the floats is `f64::MAX`.
//!
//! Order and grouping of points therefore do not matter, with one exception. A bucket far below the
//! others may force a coarser scale, and later a larger zero threshold swallows it; with the larger
//! threshold first, the bucket is swallowed at once and the scale stays finer. Both are right, and
//! brought to the coarser scale of the two they are equal. Without thresholds, or with equal ones,
//! there is no such case.
//!
//! Work per point is a few passes over the buckets of point and total, whatever scale, offset or
//! threshold a client writes: nothing here counts through indexes.
//!
//! [`MAX_SCALE`]: super::scale::MAX_SCALE
//! [`MIN_SCALE`]: super::scale::MIN_SCALE

use super::Change;
use super::buckets::{Buckets, Side};
use super::counts::subtract;
use super::grid::{Folded, Grid, on_grid};
use super::totals::Totals;
use super::words::{DistributionRef, ExponentialRef, Invalid, Summary, push_exponential};

/// Most buckets a side; the default of the OpenTelemetry SDK ("MaxSize" of its base-2 exponential
/// bucket histogram aggregation).
pub const MAX_BUCKETS: usize = 160;

/// Running total of an exponential histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Exponential {
    totals: Totals,
    /// In `MIN_SCALE..=MAX_SCALE`.
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: Side,
    negative: Side,
}

impl Exponential {
    pub(super) fn empty_like(point: &DistributionRef<'_>, shape: &ExponentialRef<'_>) -> Self {
        let Grid { scale, zero_threshold, .. } = Grid::fitting(shape, shape);
        Self {
            totals: Totals::empty_like(point),
            scale,
            zero_count: 0,
            zero_threshold,
            positive: Side::default(),
            negative: Side::default(),
        }
    }

    pub(super) fn merge(
        &mut self,
        point: &DistributionRef<'_>,
        added: &ExponentialRef<'_>,
    ) -> Result<(), Invalid> {
        let totals = self.totals.plus(point)?;
        if !self.add_in_place(added) {
            let mine = self.view();
            let sum = Folded::new(Grid::fitting(&mine, added), &[mine, *added]);
            self.set(&sum.view());
        }
        self.totals = totals;
        Ok(())
    }

    pub(super) fn advance(
        &mut self,
        newer: &DistributionRef<'_>,
        shape: &ExponentialRef<'_>,
        increase: &mut Vec<u64>,
    ) -> Result<Change, Invalid> {
        let totals = Totals::of(newer)?;
        let mut room = None;
        let kept = on_grid(shape, Grid::fitting(shape, shape), &mut room);
        let start = increase.len();
        let change = match self.totals.increase_to(&newer.summary())? {
            Some(summary) if push_difference(increase, summary, &self.view(), &kept) => Change::Increase,
            _ => {
                increase.truncate(start);
                push(increase, newer.summary(), &kept);
                Change::Restart
            }
        };
        self.set(&kept);
        self.totals = totals;
        Ok(change)
    }

    pub(super) fn write(&self, out: &mut Vec<u64>) {
        push(out, self.totals.summary(), &self.view());
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.positive.heap_bytes() + self.negative.heap_bytes()
    }

    /// Adds `added` if it has the same grid and lies within the buckets at hand: the hot path.
    fn add_in_place(&mut self, added: &ExponentialRef<'_>) -> bool {
        if added.scale != self.scale || added.zero_threshold != self.zero_threshold {
            return false;
        }
        let positive = place(self.positive.buckets(), added.positive);
        let negative = place(self.negative.buckets(), added.negative);
        let (Some(positive), Some(negative)) = (positive, negative) else {
            return false;
        };
        self.zero_count += added.zero_count;
        self.positive.add(positive.0, positive.1);
        self.negative.add(negative.0, negative.1);
        true
    }

    fn view(&self) -> ExponentialRef<'_> {
        ExponentialRef {
            scale: self.scale,
            zero_count: self.zero_count,
            zero_threshold: self.zero_threshold,
            positive: self.positive.buckets(),
            negative: self.negative.buckets(),
        }
    }

    fn set(&mut self, content: &ExponentialRef<'_>) {
        self.scale = content.scale;
        self.zero_count = content.zero_count;
        self.zero_threshold = content.zero_threshold;
        self.positive.set(content.positive);
        self.negative.set(content.negative);
    }
}

/// Where `added` goes among `mine`, if it fits in, and what is to be added there: all of it, or what
/// lies between its empty ends.
fn place<'a>(mine: Buckets<'_>, added: Buckets<'a>) -> Option<(usize, &'a [u64])> {
    let at = |part: Buckets<'a>| Some((mine.place_of(part)?, part.counts));
    at(added).or_else(|| at(added.trimmed()))
}

/// Appends what `newer` has more than `last`, on their common grid; false if anything fell, and then
/// what was appended is of no use.
fn push_difference(
    out: &mut Vec<u64>,
    summary: Summary,
    last: &ExponentialRef<'_>,
    newer: &ExponentialRef<'_>,
) -> bool {
    let grid = Grid::common(last, newer);
    // Each fits alone, because it was brought within the limit at a scale that is not coarser.
    let (mut last_room, mut newer_room) = (None, None);
    let (last, newer) = (on_grid(last, grid, &mut last_room), on_grid(newer, grid, &mut newer_room));
    let positive = newer.positive.place_of(last.positive);
    let negative = newer.negative.place_of(last.negative);
    let zero_count = newer.zero_count.checked_sub(last.zero_count);
    let (Some(positive), Some(negative), Some(zero_count)) = (positive, negative, zero_count) else {
        return false;
    };
    push(out, summary, &ExponentialRef { zero_count, ..newer });
    let counts = out.len() - newer.positive.counts.len() - newer.negative.counts.len();
    let (positives, negatives) = out[counts..].split_at_mut(newer.positive.counts.len());
    subtract(&mut positives[positive..], last.positive.counts)
        && subtract(&mut negatives[negative..], last.negative.counts)
}

fn push(out: &mut Vec<u64>, summary: Summary, content: &ExponentialRef<'_>) {
    let ExponentialRef { scale, zero_count, zero_threshold, .. } = *content;
    push_exponential(out, summary, scale, zero_count, zero_threshold, content.positive(), content.negative());
}
