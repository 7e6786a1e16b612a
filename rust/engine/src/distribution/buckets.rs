//! One side of an exponential histogram: counts at consecutive indexes.

use super::counts::add;
use super::exponential::MAX_BUCKETS;

/// Counts as a point or a total holds them. Indexes are `i64`: a point's offset is an `i32`, but the
/// buckets after it may go beyond.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buckets<'a> {
    /// Index of the first count.
    pub(super) offset: i64,
    pub(super) counts: &'a [u64],
}

/// Indexes of the first and the last bucket.
pub(super) type Span = (i64, i64);

impl<'a> Buckets<'a> {
    /// From the first to the last bucket that has observations and whose index, shifted, lies above
    /// `zero_index`.
    pub(super) fn above(self, shift: u32, zero_index: i64) -> Self {
        let kept = |(i, count): (usize, &u64)| *count > 0 && (self.offset + i as i64) >> shift > zero_index;
        let Some(first) = self.counts.iter().enumerate().position(kept) else {
            return Self { offset: 0, counts: &[] };
        };
        let last = self.counts.iter().rposition(|count| *count > 0).unwrap_or(first);
        Self { offset: self.offset + first as i64, counts: &self.counts[first..=last] }
    }

    /// Without empty buckets at the ends.
    pub(super) fn trimmed(self) -> Self {
        self.above(0, i64::MIN)
    }

    /// First and last index, shifted; `None` without buckets.
    pub(super) fn span(self, shift: u32) -> Option<Span> {
        let last = self.offset + self.counts.len() as i64 - 1;
        (!self.counts.is_empty()).then_some((self.offset >> shift, last >> shift))
    }

    /// Where `inner` lies among these counts; `None` if it goes beyond them.
    pub(super) fn place_of(self, inner: Buckets<'_>) -> Option<usize> {
        if inner.counts.is_empty() {
            return Some(0);
        }
        let start = usize::try_from(inner.offset - self.offset).ok()?;
        (start.saturating_add(inner.counts.len()) <= self.counts.len()).then_some(start)
    }

    /// The offset as it is written; [`super::scale::fits`] has seen to it for everything kept.
    pub(super) fn written(self) -> (i32, &'a [u64]) {
        (self.offset as i32, self.counts)
    }
}

/// From the smaller first to the larger last index.
pub(super) fn union(a: Option<Span>, b: Option<Span>) -> Option<Span> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (one, other) => one.or(other),
    }
}

/// Buckets under construction, on the stack: no allocation where the shape of a total stays.
pub(super) struct Window {
    offset: i64,
    length: usize,
    counts: [u64; MAX_BUCKETS],
}

impl Window {
    /// Empty buckets over `span`, which is at most [`MAX_BUCKETS`] long.
    pub(super) fn new(span: Option<Span>) -> Self {
        let (offset, length) = span.map_or((0, 0), |(first, last)| (first, (last - first) as usize + 1));
        Self { offset, length, counts: [0; MAX_BUCKETS] }
    }

    /// Adds the counts of `buckets` at their shifted indexes; gives back the sum of those at or below
    /// `zero_index`, which belong to the zero bucket.
    pub(super) fn add(&mut self, buckets: Buckets<'_>, shift: u32, zero_index: i64) -> u64 {
        let mut zeros = 0;
        for (i, count) in buckets.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let index = (buckets.offset + i as i64) >> shift;
            if index <= zero_index {
                zeros += count;
            } else {
                self.counts[(index - self.offset) as usize] += count;
            }
        }
        zeros
    }

    pub(super) fn buckets(&self) -> Buckets<'_> {
        Buckets { offset: self.offset, counts: &self.counts[..self.length] }
    }
}

/// Buckets of a total: none, or some with counts in the first and the last one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Side {
    offset: i64,
    counts: Box<[u64]>,
}

impl Side {
    pub(super) fn buckets(&self) -> Buckets<'_> {
        Buckets { offset: self.offset, counts: &self.counts }
    }

    /// Becomes `buckets`; allocates only if their number changes.
    pub(super) fn set(&mut self, buckets: Buckets<'_>) {
        self.offset = buckets.offset;
        if self.counts.len() == buckets.counts.len() {
            self.counts.copy_from_slice(buckets.counts);
        } else {
            self.counts = buckets.counts.into();
        }
    }

    /// Adds `counts` from place `start` on, as [`Buckets::place_of`] found it.
    pub(super) fn add(&mut self, start: usize, counts: &[u64]) {
        add(&mut self.counts[start..], counts);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.counts)
    }
}
