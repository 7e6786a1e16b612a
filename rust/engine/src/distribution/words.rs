//! The canonical words of one distribution: one format in the flat buffer, in the engine and back.
//!
//! A run of `u64` words in native byte order. The first six are common to both kinds:
//!
//! | word | content |
//! |---|---|
//! | 0 | bits 0–7 kind (1 explicit, 2 exponential), bit 8 has a sum, bit 9 a minimum, bit 10 a maximum |
//! | 1 | count of observations |
//! | 2, 3, 4 | sum, minimum, maximum: bits of an `f64`; written as 0 and not read where absent |
//!
//! | explicit | |
//! |---|---|
//! | 5 | number of bounds (low 32 bits), number of bucket counts (high 32 bits) |
//! | 6 … | bounds (bits of an `f64` each), then counts |
//!
//! | exponential | |
//! |---|---|
//! | 5 | scale, an `i32` extended with its sign |
//! | 6, 7 | zero count; zero threshold (bits of an `f64`) |
//! | 8 | positive offset (an `i32` in the low 32 bits), number of positive counts (high 32 bits) |
//! | 9 | negative offset and number of negative counts, likewise |
//! | 10 … | positive counts, then negative counts |
//!
//! What is refused is in [`Invalid`] (D8). Minimum and maximum may be infinite, because a client that
//! observed an infinite value says so and nothing is ever added to them; a sum may not.
//!
//! That the bucket counts add up to the count is *not* checked, though OTLP demands it: count and
//! buckets go on side by side as they were sent. To refuse the point would lose counts, and there is
//! no telling which of the two is wrong. Each is accumulated exactly, so what a client's own bug put
//! apart stays visible as what it is.

use thiserror::Error;

use super::buckets::Buckets;
use super::counts::checked_total;

/// Words before the bounds of an explicit distribution.
const EXPLICIT_HEADER: usize = 6;
/// Words before the counts of an exponential distribution.
const EXPONENTIAL_HEADER: usize = 10;

const KIND: u64 = 0xff;
pub(crate) const HAS_SUM: u64 = 1 << 8;
const HAS_MIN: u64 = 1 << 9;
const HAS_MAX: u64 = 1 << 10;

/// The kind of a distribution, as numbered in its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Buckets between bounds that the client chose.
    Explicit = 1,
    /// Buckets whose bounds are powers of one base.
    Exponential = 2,
}

/// What both kinds of distribution say about their observations as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Number of observations.
    pub count: u64,
    /// Their sum, in the metric's unit; a client may leave it out.
    pub sum: Option<f64>,
    /// The smallest observation; a client may leave it out.
    pub min: Option<f64>,
    /// The largest observation; a client may leave it out.
    pub max: Option<f64>,
}

/// Why words are no distribution, or why one cannot be added to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Invalid {
    /// The run ends early or goes on after the last count.
    #[error("the length of the distribution does not agree with its header")]
    Length,
    /// Neither explicit nor exponential, or flags without meaning.
    #[error("unknown kind of distribution")]
    Kind,
    /// NaN or infinite (D8).
    #[error("the sum of the distribution is not finite")]
    Sum,
    /// No observation is NaN.
    #[error("the minimum or maximum of the distribution is not a number")]
    MinMax,
    /// Not finite, or not strictly increasing.
    #[error("the bounds of the histogram do not increase strictly")]
    Bounds,
    /// Neither one bucket more than bounds, nor none of both.
    #[error("the histogram does not have one bucket more than it has bounds")]
    Buckets,
    /// Not an `i32`.
    #[error("the scale of the exponential histogram is not a 32-bit number")]
    Scale,
    /// NaN, infinite or below 0.
    #[error("the zero threshold of the exponential histogram is not a finite number from 0 on")]
    ZeroThreshold,
    /// A count, or the sum of the bucket counts, would not fit 64 bits.
    #[error("a count of the distribution would overflow")]
    CountOverflow,
    /// Adding or subtracting would make the sum infinite.
    #[error("the sum of the distribution would overflow")]
    SumOverflow,
    /// An explicit and an exponential distribution have no common buckets.
    #[error("an explicit and an exponential histogram cannot be added")]
    KindDiffers,
}

/// A checked view of the words of one distribution.
#[derive(Clone, Copy, Debug)]
pub struct DistributionRef<'a> {
    words: &'a [u64],
    summary: Summary,
    content: Content<'a>,
    bucket_total: u64,
}

/// The part that depends on the kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    Explicit(ExplicitRef<'a>),
    Exponential(ExponentialRef<'a>),
}

/// Bounds and counts of an explicit distribution, as stored: all bounds, then all counts.
#[derive(Clone, Copy, Debug)]
pub struct ExplicitRef<'a> {
    pub(super) buckets: &'a [u64],
}

impl<'a> ExplicitRef<'a> {
    /// The bounds, strictly increasing; bucket `i` holds what is above bound `i - 1`, at most bound `i`.
    pub fn bounds(&self) -> impl ExactSizeIterator<Item = f64> + use<'a> {
        self.buckets[..self.buckets.len() / 2].iter().copied().map(f64::from_bits)
    }

    /// One count more than bounds, or none where there is no bucket information.
    pub fn counts(&self) -> &'a [u64] {
        &self.buckets[self.buckets.len() / 2..]
    }
}

/// Scale, zero bucket and bucket counts of an exponential distribution.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialRef<'a> {
    /// The base is 2^(2^-scale); any `i32`, as sent.
    pub scale: i32,
    /// Observations of at most `zero_threshold`, in either direction.
    pub zero_count: u64,
    /// Finite and at least 0.
    pub zero_threshold: f64,
    pub(super) positive: Buckets<'a>,
    pub(super) negative: Buckets<'a>,
}

impl<'a> ExponentialRef<'a> {
    /// Offset (index of the first bucket) and counts of the observations above 0.
    pub fn positive(&self) -> (i32, &'a [u64]) {
        self.positive.written()
    }

    /// Offset and counts of the observations below 0, by their absolute value.
    pub fn negative(&self) -> (i32, &'a [u64]) {
        self.negative.written()
    }
}

impl<'a> DistributionRef<'a> {
    /// Checks that `words` are exactly one distribution (D8). Reads each word once, allocates nothing.
    ///
    /// # Errors
    ///
    /// See [`Invalid`].
    pub fn parse(words: &'a [u64]) -> Result<Self, Invalid> {
        let (header, buckets) = words.split_first_chunk::<EXPLICIT_HEADER>().ok_or(Invalid::Length)?;
        let summary = parse_summary(header)?;
        let (content, bucket_total) = match header[0] & KIND {
            1 => parse_explicit(header[5], buckets)?,
            2 => parse_exponential(words)?,
            _ => return Err(Invalid::Kind),
        };
        Ok(Self { words, summary, content, bucket_total })
    }

    /// Explicit or exponential.
    pub fn kind(&self) -> Kind {
        match self.content {
            Content::Explicit(_) => Kind::Explicit,
            Content::Exponential(_) => Kind::Exponential,
        }
    }

    /// Count, sum, minimum and maximum.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.summary.count
    }

    /// Sum of the observations; finite.
    pub fn sum(&self) -> Option<f64> {
        self.summary.sum
    }

    /// Smallest observation; not NaN.
    pub fn min(&self) -> Option<f64> {
        self.summary.min
    }

    /// Largest observation; not NaN.
    pub fn max(&self) -> Option<f64> {
        self.summary.max
    }

    /// The words that were checked.
    pub fn words(&self) -> &'a [u64] {
        self.words
    }

    /// Bounds and counts, if it is explicit.
    pub fn explicit(&self) -> Option<ExplicitRef<'a>> {
        match self.content {
            Content::Explicit(explicit) => Some(explicit),
            Content::Exponential(_) => None,
        }
    }

    /// Scale and counts, if it is exponential.
    pub fn exponential(&self) -> Option<ExponentialRef<'a>> {
        match self.content {
            Content::Explicit(_) => None,
            Content::Exponential(exponential) => Some(exponential),
        }
    }

    pub(super) fn content(&self) -> Content<'a> {
        self.content
    }

    /// All bucket counts, the zero count among them, added up.
    pub(super) fn bucket_total(&self) -> u64 {
        self.bucket_total
    }
}

fn parse_summary(header: &[u64; EXPLICIT_HEADER]) -> Result<Summary, Invalid> {
    let flags = header[0];
    if flags & !(KIND | HAS_SUM | HAS_MIN | HAS_MAX) != 0 {
        return Err(Invalid::Kind);
    }
    let optional = |flag, word: u64| (flags & flag != 0).then(|| f64::from_bits(word));
    let (sum, min, max) =
        (optional(HAS_SUM, header[2]), optional(HAS_MIN, header[3]), optional(HAS_MAX, header[4]));
    if sum.is_some_and(|sum| !sum.is_finite()) {
        return Err(Invalid::Sum);
    }
    if min.is_some_and(f64::is_nan) || max.is_some_and(f64::is_nan) {
        return Err(Invalid::MinMax);
    }
    Ok(Summary { count: header[1], sum, min, max })
}

fn parse_explicit(lengths: u64, buckets: &[u64]) -> Result<(Content<'_>, u64), Invalid> {
    let (bounds, counts) = (lengths & u64::from(u32::MAX), lengths >> 32);
    if bounds + counts != buckets.len() as u64 {
        return Err(Invalid::Length);
    }
    if counts != bounds + 1 && bounds + counts != 0 {
        return Err(Invalid::Buckets);
    }
    let (bounds, counts) = buckets.split_at(buckets.len() / 2);
    let mut sound = bounds.iter().all(|bound| f64::from_bits(*bound).is_finite());
    for pair in bounds.windows(2) {
        sound &= f64::from_bits(pair[0]) < f64::from_bits(pair[1]);
    }
    if !sound {
        return Err(Invalid::Bounds);
    }
    Ok((Content::Explicit(ExplicitRef { buckets }), checked_total(&[counts])?))
}

fn parse_exponential(words: &[u64]) -> Result<(Content<'_>, u64), Invalid> {
    let (header, counts) = words.split_first_chunk::<EXPONENTIAL_HEADER>().ok_or(Invalid::Length)?;
    let [.., scale, zero_count, zero_threshold, positive, negative] = *header;
    // The larger length is below 2^32, so the sum fits.
    if (positive >> 32) + (negative >> 32) != counts.len() as u64 {
        return Err(Invalid::Length);
    }
    let (positive_counts, negative_counts) = counts.split_at((positive >> 32) as usize);
    let offset = |word: u64| i64::from(word as u32 as i32);
    let zero_threshold = f64::from_bits(zero_threshold);
    if !(zero_threshold.is_finite() && zero_threshold >= 0.0) {
        return Err(Invalid::ZeroThreshold);
    }
    let content = ExponentialRef {
        scale: i32::try_from(scale as i64).map_err(|_| Invalid::Scale)?,
        zero_count,
        zero_threshold: zero_threshold.abs(), // -0 is 0
        positive: Buckets { offset: offset(positive), counts: positive_counts },
        negative: Buckets { offset: offset(negative), counts: negative_counts },
    };
    let total = checked_total(&[positive_counts, negative_counts, &[zero_count]])?;
    Ok((Content::Exponential(content), total))
}

/// Appends an explicit distribution. Nothing is checked here: readers use [`DistributionRef::parse`].
pub fn push_explicit(out: &mut Vec<u64>, summary: Summary, bounds: &[f64], counts: &[u64]) {
    push_summary(out, Kind::Explicit, summary);
    out.push(bounds.len() as u64 | (counts.len() as u64) << 32);
    out.extend(bounds.iter().map(|bound| bound.to_bits()));
    out.extend_from_slice(counts);
}

/// As [`push_explicit`], from bounds and counts as [`ExplicitRef`] holds them.
pub(super) fn push_explicit_buckets(out: &mut Vec<u64>, summary: Summary, buckets: &[u64]) {
    push_summary(out, Kind::Explicit, summary);
    let bounds = buckets.len() / 2;
    out.push(bounds as u64 | ((buckets.len() - bounds) as u64) << 32);
    out.extend_from_slice(buckets);
}

/// Appends an exponential distribution; `positive` and `negative` are offset and counts. Nothing is
/// checked here: readers use [`DistributionRef::parse`].
pub fn push_exponential(
    out: &mut Vec<u64>,
    summary: Summary,
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: (i32, &[u64]),
    negative: (i32, &[u64]),
) {
    push_summary(out, Kind::Exponential, summary);
    out.extend_from_slice(&[i64::from(scale) as u64, zero_count, zero_threshold.to_bits()]);
    for (offset, counts) in [positive, negative] {
        out.push(u64::from(offset as u32) | (counts.len() as u64) << 32);
    }
    out.extend_from_slice(positive.1);
    out.extend_from_slice(negative.1);
}

fn push_summary(out: &mut Vec<u64>, kind: Kind, summary: Summary) {
    let Summary { count, sum, min, max } = summary;
    let mut flags = kind as u64;
    for (value, flag) in [(sum, HAS_SUM), (min, HAS_MIN), (max, HAS_MAX)] {
        flags |= if value.is_some() { flag } else { 0 };
    }
    out.extend_from_slice(&[flags, count]);
    out.extend([sum, min, max].map(|value| value.map_or(0, f64::to_bits)));
}
