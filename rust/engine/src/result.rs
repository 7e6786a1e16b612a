//! The reusable scratch of one call and its answers; memory is kept between batches.

use crate::batch::{MetricRef, Span};
use crate::catalog::MetricPath;
use crate::identity::Identity;
use crate::number::Number;
use crate::verdict::{AddedPoint, Outcomes, Verdict};

/// Attributes that a stream of its own may have, in bytes as the batch writes them; a real one has
/// hundreds. Points with more add up in the overflow stream (T5), so `max_streams` bounds memory.
pub(crate) const MAX_ATTRIBUTE_BYTES: usize = 64 << 10;

/// Answers to one batch. Reuse it: no memory is allocated in the steady state.
#[derive(Debug, Default)]
pub struct BatchResult {
    /// One per point that the batch showed, in its order.
    pub verdicts: Vec<Verdict>,
    /// Zero points to put beside input points.
    pub added: Vec<AddedPoint>,
    /// What became of the points.
    pub outcomes: Outcomes,
    /// Points that reach the store, in input order.
    pub(crate) points: Vec<IncomingPoint>,
    /// The metrics that they belong to.
    pub(crate) metrics: Vec<MetricPath>,
    /// Numbers of `points`, grouped by shard.
    pub(crate) order: Vec<u32>,
    /// Numbers of `points` that found no room (T5).
    pub(crate) overflowed: Vec<u32>,
    /// Streams that the batch changed.
    pub(crate) touched: Vec<Touched>,
    /// Digest of the batch, unless a point without time forbids one (D3a).
    pub(crate) digest: Option<Identity>,
    pub(crate) hash_scratch: Vec<u8>,
}

/// A valid point on its way to its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IncomingPoint {
    pub stream: Identity,
    /// 64-bit fingerprint of the window; 0 for a point without time (D3b).
    pub window: u64,
    pub start_unix_nano: u64,
    pub time_unix_nano: u64,
    pub value: Number,
    pub attributes: Span,
    /// Index into `BatchResult::metrics`.
    pub metric: u32,
    /// Number of the point in the batch.
    pub number: u32,
}

impl IncomingPoint {
    /// T5: whether its attributes take more than a stream of its own may keep.
    pub(crate) fn is_oversized(&self) -> bool {
        self.attributes.length as usize > MAX_ATTRIBUTE_BYTES
    }
}

/// A stream that a batch changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touched {
    pub identity: Identity,
    pub slot: u32,
    pub shard: u8,
    /// Number of the last point that went out with the stream's total.
    pub emitted: Option<u32>,
    /// Its zero went out in this batch, its value did not (D6).
    pub lone_zero: bool,
}

impl BatchResult {
    /// Empties it for the next batch and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.verdicts.clear();
        self.added.clear();
        self.outcomes = Outcomes::default();
        self.points.clear();
        self.metrics.clear();
        self.order.clear();
        self.overflowed.clear();
        self.touched.clear();
        self.digest = None;
    }

    pub(crate) fn metric(&self, index: u32) -> MetricRef {
        self.metrics[index as usize].metric
    }

    /// Bytes of scratch held.
    pub fn bytes(&self) -> usize {
        self.verdicts.capacity() * size_of::<Verdict>()
            + self.added.capacity() * size_of::<AddedPoint>()
            + self.points.capacity() * size_of::<IncomingPoint>()
            + self.metrics.capacity() * size_of::<MetricPath>()
            + (self.order.capacity() + self.overflowed.capacity()) * 4
            + self.touched.capacity() * size_of::<Touched>()
            + self.hash_scratch.capacity()
    }
}
