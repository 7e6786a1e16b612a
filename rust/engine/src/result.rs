//! The reusable scratch of one call and its answers; memory is kept between batches.

use crate::batch::Span;
use crate::budget::CountedScratch;
use crate::engine::SHARDS;
use crate::identity::Identity;
use crate::intern::InternId;
use crate::number::Number;
use crate::path::MetricPath;
use crate::source::Link;
use crate::verdict::{AddedPoint, AttributeEdit, Outcomes, Verdict};

/// Attributes that a stream of its own may have, in bytes as the batch writes them; a real one has
/// hundreds. Points with more add up in the overflow stream (T5), so `max_streams` bounds memory, and
/// the first sight of a point costs less than a millisecond whatever a client writes.
pub(crate) const MAX_ATTRIBUTE_BYTES: usize = 16 << 10;

/// Answers to one batch. Reuse it: no memory is allocated in the steady state.
#[derive(Debug, Default)]
pub struct BatchResult {
    /// One per point that the batch showed, in its order.
    pub verdicts: Vec<Verdict>,
    /// Zero points to put beside input points.
    pub added: Vec<AddedPoint>,
    /// Attributes of points to remove or replace where the verdicts' bits do not reach; sorted.
    pub point_edits: Vec<AttributeEdit>,
    /// Attributes of resources to remove (T1); sorted.
    pub resource_edits: Vec<AttributeEdit>,
    /// Distributions that verdicts name, and those of the input before them (see
    /// [`crate::distribution`]).
    pub words: Vec<u64>,
    /// What became of the points.
    pub outcomes: Outcomes,
    /// What [`crate::Engine::settle`] waits for before the batch may be acknowledged; 0 for nothing.
    pub ticket: u64,
    /// Points that reach the store, in input order.
    pub(crate) points: Vec<IncomingPoint>,
    /// The metrics that they belong to.
    pub(crate) metrics: Vec<MetricPath>,
    /// Numbers of `points`, grouped by shard.
    pub(crate) order: Vec<u32>,
    /// Numbers of `points` that found no room (T5).
    pub(crate) roomless: Vec<u32>,
    /// Points whose source has no link yet, by place in `points`, with the source's identity.
    pub(crate) unlinked: Vec<(u32, Identity)>,
    /// Whether some points have a source of their own.
    pub(crate) has_sources: bool,
    /// What members of cumulative input grew by, where it takes two numbers (T3).
    pub(crate) differences: Vec<(Number, Number)>,
    /// Points that count tokens or dollars.
    pub(crate) usage: Vec<Used>,
    /// Whether some of them count dollars.
    pub(crate) has_costs: bool,
    pub(crate) computing: crate::computed::Scratch,
    /// Streams that the batch changed.
    pub(crate) touched: Vec<Touched>,
    /// Digest of the batch, unless a point without time forbids one (D3a).
    pub(crate) digest: Option<Identity>,
    pub(crate) hash_scratch: Vec<u8>,
    pub(crate) counted: CountedScratch,
}

/// A point that counts tokens or dollars, for usage reports and computed metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub source: Identity,
    /// Place in `BatchResult::points`.
    pub point: u32,
    /// What it cost in 10⁻¹² dollars, once that is computed.
    pub computed: Option<i64>,
}

/// A point on its way to its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IncomingPoint {
    /// The source stream; from the second pass on the ledger stream.
    pub stream: Identity,
    /// 64-bit fingerprint of the window; 0 for a point without time (D3b). Of a gauge's point: its
    /// source.
    pub window: u64,
    pub start_unix_nano: u64,
    pub time_unix_nano: u64,
    pub value: IncomingValue,
    pub attributes: Span,
    /// Where the ledger stream is, if the source knows.
    pub link: Link,
    /// The metric's text as this client has it, if a source keeps it.
    pub text: Option<InternId>,
    /// Order in which the point writes its attributes.
    pub attribute_order: u32,
    /// Index into `BatchResult::metrics`.
    pub metric: u32,
    /// Number of the point in the batch.
    pub number: u32,
    pub course: Course,
    /// How the ledger stream must be spelled for this point to carry its total.
    pub spelling: Spelling,
    pub no_recorded_value: bool,
    /// T5: its attributes take more than a stream of its own may have.
    pub oversized: bool,
}

/// What a point brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum IncomingValue {
    Number(Number),
    /// Of a histogram: where its words begin in `BatchResult::words`, and how many there are.
    Distribution {
        begin: u32,
        length: u32,
    },
    /// A place in `BatchResult::differences`.
    Difference(u32),
}

/// What is left to do with a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Course {
    /// Its value is added to its ledger stream.
    #[default]
    Add,
    /// Its value becomes the base of a new ledger stream; a known one gains nothing (T3).
    Base,
    /// It was seen before: the total goes out again (D3).
    Repeat,
    /// It has its verdict already.
    Done,
}

/// Whether a point's own names and values are those of its ledger stream (T0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// They are.
    #[default]
    Same,
    /// They are not: the total goes out at a tick, spelled as it was the first time.
    Other,
    /// Not compared yet.
    Unknown(u64),
}

impl IncomingPoint {
    /// The shard of its stream.
    #[inline]
    pub(crate) fn shard(&self) -> usize {
        if self.link.birth != 0 { usize::from(self.link.shard) } else { self.stream.shard(SHARDS) }
    }

    pub(crate) fn is_distribution(&self) -> bool {
        matches!(self.value, IncomingValue::Distribution { .. })
    }
}

/// Whether a stream's zero point went out in a batch or a tick (D6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Zero {
    #[default]
    No,
    /// Its value follows later.
    Alone,
    /// With its value; the stream's last emitted time after it, Unix milliseconds.
    WithValue(u64),
}

/// A stream that a batch changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touched {
    pub identity: Identity,
    pub slot: u32,
    pub shard: u8,
    /// Number of the last point that went out with the stream's total.
    pub emitted: Option<u32>,
    /// Something was added after that point.
    pub changed_since: bool,
    /// Its zero went out in this batch, and whether its value did too (D6).
    pub zero: Zero,
    /// Its total is not what it was.
    pub changed: bool,
    /// Windows that it remembers since (D3b).
    pub windows: u8,
}

impl BatchResult {
    /// Empties it for the next batch and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.verdicts.clear();
        self.added.clear();
        self.point_edits.clear();
        self.resource_edits.clear();
        self.words.clear();
        self.outcomes = Outcomes::default();
        self.ticket = 0;
        self.points.clear();
        self.metrics.clear();
        self.order.clear();
        self.roomless.clear();
        self.unlinked.clear();
        self.has_sources = false;
        self.differences.clear();
        self.usage.clear();
        self.has_costs = false;
        self.touched.clear();
        self.digest = None;
    }

    /// The path of a point's metric.
    pub(crate) fn path(&self, point: &IncomingPoint) -> &MetricPath {
        &self.metrics[point.metric as usize]
    }

    /// Bytes of scratch held.
    pub fn bytes(&self) -> usize {
        self.verdicts.capacity() * size_of::<Verdict>()
            + self.added.capacity() * size_of::<AddedPoint>()
            + (self.point_edits.capacity() + self.resource_edits.capacity()) * size_of::<AttributeEdit>()
            + self.words.capacity() * size_of::<u64>()
            + self.points.capacity() * size_of::<IncomingPoint>()
            + self.metrics.capacity() * size_of::<MetricPath>()
            + (self.order.capacity() + self.roomless.capacity()) * size_of::<u32>()
            + self.unlinked.capacity() * size_of::<(u32, Identity)>()
            + self.differences.capacity() * size_of::<(Number, Number)>()
            + self.usage.capacity() * size_of::<Used>()
            + self.computing.bytes()
            + self.touched.capacity() * size_of::<Touched>()
            + self.hash_scratch.capacity()
    }
}
