//! Distributions: explicit and exponential histograms, as pure mathematics (D12, D13, T3).
//!
//! "Distribution" is this project's common word for both kinds. A data point arrives as a run of
//! words (format: [`words`]), is checked once by [`DistributionRef::parse`], and is then either
//! added to a running total ([`Distribution::merge`], delta input) or compared with the last value
//! of its member ([`Distribution::advance`], cumulative input). Totals leave as words again.
//!
//! Merging is associative and commutative: counts, buckets, minimum, maximum and zero threshold do
//! not depend on the order of points or on how they were grouped (the one exception, a scale that
//! may be finer, is described in [`exponential`]). Sums are compensated floats, so they differ by
//! rounding at most. No count is ever lost; what cannot be added leaves everything as it was.
//!
//! | what | where |
//! |---|---|
//! | the word format, its checks | [`words`] |
//! | count, sum, minimum, maximum of either kind | `totals` |
//! | explicit bounds and their common part | [`explicit`] |
//! | exponential buckets | [`exponential`], on a common `grid` of scale and zero threshold |
//! | index and edge arithmetic | [`scale`] |

pub mod explicit;
pub mod exponential;
pub mod scale;
pub mod words;

mod buckets;
mod counts;
mod grid;
mod totals;

#[cfg(test)]
mod tests;

pub use explicit::Explicit;
pub use exponential::{Exponential, MAX_BUCKETS};
use words::Content;
pub(crate) use words::HAS_SUM;
pub use words::{
    DistributionRef, ExplicitRef, ExponentialRef, Invalid, Kind, Summary, push_explicit, push_exponential,
};

/// The running total of one stream, or the last value of one member of cumulative input.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Buckets between bounds that the client chose (D12).
    Explicit(Box<Explicit>),
    /// Buckets whose bounds are powers of one base (D13).
    Exponential(Box<Exponential>),
}

/// What [`Distribution::advance`] found (T3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// No count fell: the increase is the difference.
    Increase,
    /// A count fell, so the client began anew: the increase is the newer point in full.
    Restart,
}

impl Distribution {
    /// A total of nothing, shaped like `point`: its bounds, or its scale and zero threshold brought
    /// within the limits of [`MAX_BUCKETS`]. Merging `point` into it gives `point`.
    ///
    /// Its sum is present, and 0, if that of `point` is; minimum and maximum of nothing are absent.
    pub fn empty_like(point: &DistributionRef<'_>) -> Self {
        match point.content() {
            Content::Explicit(buckets) => Self::Explicit(Box::new(Explicit::empty_like(point, buckets))),
            Content::Exponential(buckets) => {
                Self::Exponential(Box::new(Exponential::empty_like(point, &buckets)))
            }
        }
    }

    /// Which kind of histogram it is; it never changes.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Explicit(_) => Kind::Explicit,
            Self::Exponential(_) => Kind::Exponential,
        }
    }

    /// Adds the delta `point` (D12, D13). Where its shape is the same, this allocates nothing.
    ///
    /// # Errors
    ///
    /// The kind differs, or a count or the sum would overflow; then nothing has changed.
    pub fn merge(&mut self, point: &DistributionRef<'_>) -> Result<(), Invalid> {
        match (self, point.content()) {
            (Self::Explicit(total), Content::Explicit(buckets)) => total.merge(point, buckets),
            (Self::Exponential(total), Content::Exponential(buckets)) => total.merge(point, &buckets),
            _ => Err(Invalid::KindDiffers),
        }
    }

    /// Takes the next point of the cumulative member whose last value this is, appends what it adds
    /// to `increase` as words, and becomes `newer` (T3). `newer` has the same start and a later time.
    ///
    /// It is a restart when any count fell: the total, a bucket or the zero count, each compared on
    /// the bounds, or the scale and zero threshold, that the two have in common. The difference is
    /// taken on these as well. The increase has a sum if both points have one (a point without
    /// observations has the sum 0); its minimum and maximum are those of `newer`, so that merging
    /// them keeps those of the stream so far.
    ///
    /// # Errors
    ///
    /// The kind differs, or the difference of the sums is no finite number; then nothing has changed.
    pub fn advance(
        &mut self,
        newer: &DistributionRef<'_>,
        increase: &mut Vec<u64>,
    ) -> Result<Change, Invalid> {
        match (self, newer.content()) {
            (Self::Explicit(last), Content::Explicit(buckets)) => last.advance(newer, buckets, increase),
            (Self::Exponential(last), Content::Exponential(buckets)) => {
                last.advance(newer, &buckets, increase)
            }
            _ => Err(Invalid::KindDiffers),
        }
    }

    /// Appends the total to `out` as words, which [`DistributionRef::parse`] accepts.
    pub fn write(&self, out: &mut Vec<u64>) {
        match self {
            Self::Explicit(total) => total.write(out),
            Self::Exponential(total) => total.write(out),
        }
    }

    /// Bytes held on the heap, for the memory budget (T5).
    pub fn bytes(&self) -> usize {
        match self {
            Self::Explicit(total) => size_of::<Explicit>() + total.heap_bytes(),
            Self::Exponential(total) => size_of::<Exponential>() + total.heap_bytes(),
        }
    }
}
