//! The grid on which exponential histograms are brought together: a scale and a zero threshold.

use super::buckets::{Buckets, Window, union};
use super::scale::{self, MAX_SCALE, MIN_SCALE};
use super::words::ExponentialRef;

/// A scale within limits, a zero threshold, and which buckets count as zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) scale: i32,
    pub(super) zero_threshold: f64,
    /// The last index that belongs to the zero bucket; [`NO_INDEX`] if none does.
    zero_index: i64,
}

/// Below every index.
const NO_INDEX: i64 = i64::MIN;

impl Grid {
    /// The finest grid on which `a` and `b` together need at most `MAX_BUCKETS` a side.
    ///
    /// If both have the same scale and zero threshold and fit as they are, both stay: a client whose
    /// threshold is no bucket edge gets back what it sent. Otherwise the larger threshold is widened
    /// to an edge. Widening at one scale and again at a coarser one is the same as widening at the
    /// coarser one, so the order of points does not show.
    pub(super) fn fitting(a: &ExponentialRef<'_>, b: &ExponentialRef<'_>) -> Self {
        if let Some(grid) = Self::unchanged(a, b)
            && grid.holds(&mut [*a, *b])
        {
            return grid;
        }
        let (mut parts, mut grid) = ([*a, *b], Self::widened(a, b, MAX_SCALE));
        // Everything fits at MIN_SCALE, so these are at most 31 steps.
        while !grid.holds(&mut parts) && grid.scale > MIN_SCALE {
            grid = Self::widened(a, b, grid.scale - 1);
        }
        grid
    }

    /// The finest grid on which `a` and `b` can be compared, without the limit on buckets.
    pub(super) fn common(a: &ExponentialRef<'_>, b: &ExponentialRef<'_>) -> Self {
        Self::unchanged(a, b).unwrap_or_else(|| Self::widened(a, b, MAX_SCALE))
    }

    /// The grid of both, if it is the same and within limits. Buckets wholly at or below the threshold
    /// count as zero here too; no correct client sends any.
    fn unchanged(a: &ExponentialRef<'_>, b: &ExponentialRef<'_>) -> Option<Self> {
        let (scale, zero_threshold) = (a.scale, a.zero_threshold);
        let same = scale == b.scale && zero_threshold == b.zero_threshold;
        if !same || !(MIN_SCALE..=MAX_SCALE).contains(&scale) {
            return None;
        }
        let edge = Self::widened(a, b, scale);
        let zero_index = edge.zero_index - i64::from(edge.zero_threshold > zero_threshold);
        Some(Self { scale, zero_threshold, zero_index })
    }

    /// The coarser scale of both, `finest` or coarser, and the larger threshold widened to an edge.
    fn widened(a: &ExponentialRef<'_>, b: &ExponentialRef<'_>, finest: i32) -> Self {
        let scale = a.scale.min(b.scale).clamp(MIN_SCALE, finest);
        let threshold = a.zero_threshold.max(b.zero_threshold);
        if threshold == 0.0 {
            return Self { scale, zero_threshold: 0.0, zero_index: NO_INDEX };
        }
        let zero_index = scale::index(threshold, scale);
        Self { scale, zero_threshold: scale::upper_edge(zero_index, scale), zero_index }
    }

    /// Whether `parts` together fit. Cuts off what is empty or counts as zero here, because that will
    /// be so on a coarser grid too: trying several grids, one after the other, costs one pass.
    fn holds(&self, parts: &mut [ExponentialRef<'_>; 2]) -> bool {
        let (mut positive, mut negative) = (None, None);
        for part in parts {
            let shift = scale::shift(part.scale, self.scale);
            part.positive = part.positive.above(shift, self.zero_index);
            part.negative = part.negative.above(shift, self.zero_index);
            positive = union(positive, part.positive.span(shift));
            negative = union(negative, part.negative.span(shift));
        }
        [positive, negative].into_iter().flatten().all(|(first, last)| scale::fits(first, last))
    }
}

/// `part` on `grid`, which holds it, without empty ends: as it is if nothing has to move, else worked
/// out in `room`.
pub(super) fn on_grid<'a>(
    part: &ExponentialRef<'a>,
    grid: Grid,
    room: &'a mut Option<Folded>,
) -> ExponentialRef<'a> {
    let (positive, negative) = (part.positive.trimmed(), part.negative.trimmed());
    let stays = |side: Buckets<'_>| side.counts.is_empty() || side.offset > grid.zero_index;
    // With equal scales, there is a shift at MIN_SCALE only: it joins indexes that no float has.
    let same = part.scale == grid.scale && scale::shift(part.scale, grid.scale) == 0;
    if same && part.zero_threshold == grid.zero_threshold && stays(positive) && stays(negative) {
        return ExponentialRef { positive, negative, ..*part };
    }
    room.insert(Folded::new(grid, &[*part])).view()
}

/// Exponential histograms added up on a grid that holds them.
pub(super) struct Folded {
    grid: Grid,
    zero_count: u64,
    positive: Window,
    negative: Window,
}

impl Folded {
    /// Adds up `parts`. Cannot overflow: the total of all their buckets is known to fit.
    pub(super) fn new(grid: Grid, parts: &[ExponentialRef<'_>]) -> Self {
        let (mut positive, mut negative) = (None, None);
        for part in parts {
            let shift = scale::shift(part.scale, grid.scale);
            positive = union(positive, part.positive.above(shift, grid.zero_index).span(shift));
            negative = union(negative, part.negative.above(shift, grid.zero_index).span(shift));
        }
        let (positive, negative) = (Window::new(positive), Window::new(negative));
        let mut folded = Self { grid, zero_count: 0, positive, negative };
        for part in parts {
            let shift = scale::shift(part.scale, grid.scale);
            folded.zero_count += part.zero_count
                + folded.positive.add(part.positive, shift, grid.zero_index)
                + folded.negative.add(part.negative, shift, grid.zero_index);
        }
        folded
    }

    /// The result; its ends are not empty.
    pub(super) fn view(&self) -> ExponentialRef<'_> {
        ExponentialRef {
            scale: self.grid.scale,
            zero_count: self.zero_count,
            zero_threshold: self.grid.zero_threshold,
            positive: self.positive.buckets(),
            negative: self.negative.buckets(),
        }
    }
}
