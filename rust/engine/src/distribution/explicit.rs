//! Explicit histograms: buckets between bounds that the client chose (D12).
//!
//! Points with the same bounds add bucket by bucket. With different bounds both sides are reduced to
//! the bounds they have in common: each bucket joins the one that contains it, so every count stays
//! and every remaining bucket is exact. The result is the same in any order, because it is what all
//! points have in common. Bounds only ever become fewer while a stream lives.
//!
//! A point with observations but without buckets has no bound in common with any other, not even the
//! single bucket that holds everything: the total has count and sum but no buckets from then on. A
//! point with neither observations nor buckets changes nothing; nor does a total of such points.

use std::borrow::Cow;

use super::counts::{add, subtract};
use super::words::{DistributionRef, ExplicitRef, Invalid, push_explicit_buckets};
use super::{Change, totals::Totals};

/// Running total of an explicit histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Explicit {
    totals: Totals,
    /// Bounds (bits of an `f64`), then one count more than bounds; empty without bucket information.
    buckets: Box<[u64]>,
}

impl Explicit {
    pub(super) fn empty_like(point: &DistributionRef<'_>, shape: ExplicitRef<'_>) -> Self {
        let mut buckets: Box<[u64]> = shape.buckets.into();
        counts_mut(&mut buckets).fill(0);
        Self { totals: Totals::empty_like(point), buckets }
    }

    pub(super) fn merge(
        &mut self,
        point: &DistributionRef<'_>,
        added: ExplicitRef<'_>,
    ) -> Result<(), Invalid> {
        let totals = self.totals.plus(point)?;
        if same_bounds(&self.buckets, added.buckets) {
            add(counts_mut(&mut self.buckets), added.counts());
        } else if point.count() == 0 && added.buckets.is_empty() {
            // Says nothing about buckets.
        } else if self.totals.is_empty() && self.buckets.is_empty() {
            self.buckets = added.buckets.into();
        } else {
            let (mut mine, theirs) = on_common_bounds(&self.buckets, added.buckets);
            add(counts_mut(mine.to_mut()), &theirs[theirs.len() / 2..]);
            self.buckets = mine.into_owned().into_boxed_slice();
        }
        self.totals = totals;
        if self.buckets.is_empty() {
            self.totals.forget_buckets();
        }
        Ok(())
    }

    pub(super) fn advance(
        &mut self,
        newer: &DistributionRef<'_>,
        buckets: ExplicitRef<'_>,
        increase: &mut Vec<u64>,
    ) -> Result<Change, Invalid> {
        let totals = Totals::of(newer)?;
        let start = increase.len();
        let mut change = Change::Restart;
        if let Some(summary) = self.totals.increase_to(&newer.summary())? {
            let no_shape_yet = self.totals.is_empty() && self.buckets.is_empty();
            let (last, newer) = if no_shape_yet {
                (Cow::Borrowed(buckets.buckets), Cow::Borrowed(buckets.buckets))
            } else {
                on_common_bounds(&self.buckets, buckets.buckets)
            };
            push_explicit_buckets(increase, summary, &newer);
            let counts = increase.len() - (newer.len() - newer.len() / 2);
            if no_shape_yet || subtract(&mut increase[counts..], &last[last.len() / 2..]) {
                change = Change::Increase;
            }
        }
        if change == Change::Restart {
            increase.truncate(start);
            increase.extend_from_slice(newer.words());
        }
        self.totals = totals;
        if self.buckets.len() == buckets.buckets.len() {
            self.buckets.copy_from_slice(buckets.buckets);
        } else {
            self.buckets = buckets.buckets.into();
        }
        Ok(change)
    }

    pub(super) fn write(&self, out: &mut Vec<u64>) {
        push_explicit_buckets(out, self.totals.summary(), &self.buckets);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.buckets)
    }
}

/// The counts behind the bounds: one more than these, or none of both.
fn counts_mut(buckets: &mut [u64]) -> &mut [u64] {
    let bounds = buckets.len() / 2;
    &mut buckets[bounds..]
}

/// Same number of buckets, bounds equal to the bit.
fn same_bounds(a: &[u64], b: &[u64]) -> bool {
    a.len() == b.len() && a[..a.len() / 2] == b[..b.len() / 2]
}

/// Both sides on the bounds they have in common; without buckets if one of them has none.
fn on_common_bounds<'a>(a: &'a [u64], b: &'a [u64]) -> (Cow<'a, [u64]>, Cow<'a, [u64]>) {
    if same_bounds(a, b) {
        return (Cow::Borrowed(a), Cow::Borrowed(b));
    }
    if a.is_empty() || b.is_empty() {
        return (Cow::default(), Cow::default());
    }
    let mut common = common_bounds(&a[..a.len() / 2], &b[..b.len() / 2]);
    let mut other = common.clone();
    push_reduced(&mut common, a);
    push_reduced(&mut other, b);
    (Cow::Owned(common), Cow::Owned(other))
}

/// The bounds that are in both strictly increasing lists; room for the counts is reserved.
fn common_bounds(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut common = Vec::with_capacity(2 * a.len().min(b.len()) + 1);
    let mut b = b.iter().peekable();
    for &bound in a {
        let value = f64::from_bits(bound);
        while b.next_if(|other| f64::from_bits(**other) < value).is_some() {}
        if b.next_if(|other| f64::from_bits(**other) == value).is_some() {
            common.push(bound);
        }
    }
    common
}

/// Appends the counts of `buckets` to the bounds in `reduced`, which are some of those of `buckets`.
fn push_reduced(reduced: &mut Vec<u64>, buckets: &[u64]) {
    let kept = reduced.len();
    let (bounds, counts) = buckets.split_at(buckets.len() / 2);
    let mut sum = 0;
    for (i, count) in counts.iter().enumerate() {
        sum += count;
        // The bucket that ends at the next kept bound, or the last one, is complete.
        let next_kept = reduced.len() - kept;
        let ends = match bounds.get(i) {
            Some(bound) => next_kept < kept && f64::from_bits(*bound) == f64::from_bits(reduced[next_kept]),
            None => true,
        };
        if ends {
            reduced.push(sum);
            sum = 0;
        }
    }
}
