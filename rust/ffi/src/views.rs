//! What calls answer: structs in memory of the caller, which name runs in memory of a handle.

use tokenledger::ledger::Opening;
use tokenledger::{AddedPoint, AttributeEdit, Outcomes, Stats, Verdict};

use crate::layout::{self, BatchHeader, MetricRecord, PointRecord, ResourceRecord, ScopeRecord};
use crate::prices::{PriceAnswer, PriceRequest};
use crate::status::Error;

/// The answers to one batch, inside the memory of its result handle.
#[derive(Debug)]
#[repr(C)]
pub struct BatchView {
    /// One verdict per point record, in order; null if there are none.
    pub verdicts: *const Verdict,
    /// Number of verdicts.
    pub verdict_count: u64,
    /// Points to add; null if there are none.
    pub added: *const AddedPoint,
    /// Number of points to add.
    pub added_count: u64,
    /// Attributes of points to remove or replace beyond the verdicts' bits, sorted; null if there are none.
    pub point_edits: *const AttributeEdit,
    /// Number of those.
    pub point_edit_count: u64,
    /// Attributes of resources to remove, sorted; null if there are none.
    pub resource_edits: *const AttributeEdit,
    /// Number of those.
    pub resource_edit_count: u64,
    /// Distribution words that verdicts of histogram points name; null if there are none.
    pub words: *const u64,
    /// Number of words.
    pub word_count: u64,
    /// What became of the points.
    pub outcomes: Outcomes,
    /// Before the batch is passed on or acknowledged `tl_engine_settle` has to be `Ok` for this number; 0 if
    /// there is nothing to wait for.
    pub ticket: u64,
    /// Memory that the result handle holds; a caller that keeps handles frees large ones.
    pub scratch_bytes: u64,
}

/// One payload of a tick.
#[derive(Debug)]
#[repr(C)]
pub struct PayloadView {
    /// Client metadata as attribute records; null if there is none.
    pub metadata: *const u8,
    /// Bytes of metadata.
    pub metadata_bytes: u64,
    /// An OTLP `ExportMetricsServiceRequest`; null if it is empty.
    pub request: *const u8,
    /// Bytes of the request.
    pub request_bytes: u64,
}

/// A text inside the memory of its handle.
#[derive(Debug)]
#[repr(C)]
pub struct TextView {
    /// UTF-8 without a final zero; null if it is empty.
    pub text: *const u8,
    /// Bytes of the text.
    pub text_bytes: u64,
}

/// The current chunk of a tick, inside the memory of its tick handle.
#[derive(Debug)]
#[repr(C)]
pub struct TickView {
    /// Number of payloads; read each with `tl_tick_payload`.
    pub payload_count: u64,
    /// 1 if this is the last chunk, else 0.
    pub done: u8,
}

/// Sizes as this library was compiled with them; the caller compares them with its own at start.
#[derive(Debug)]
#[repr(C)]
pub struct AbiSizes {
    /// [`layout::LAYOUT_VERSION`].
    pub layout_version: u32,
    /// Bytes of a batch header.
    pub batch_header: u32,
    /// Bytes of a resource record.
    pub resource_record: u32,
    /// Bytes of a scope record.
    pub scope_record: u32,
    /// Bytes of a metric record.
    pub metric_record: u32,
    /// Bytes of a point record.
    pub point_record: u32,
    /// Bytes of a verdict.
    pub verdict: u32,
    /// Bytes of an added point.
    pub added_point: u32,
    /// Bytes of an attribute edit.
    pub attribute_edit: u32,
    /// Bytes of a batch view.
    pub batch_view: u32,
    /// Bytes of the stats.
    pub stats: u32,
    /// Bytes of an opening.
    pub opening: u32,
    /// Bytes of an error.
    pub error: u32,
    /// Bytes of a price request.
    pub price_request: u32,
    /// Bytes of a price answer.
    pub price_answer: u32,
}

impl AbiSizes {
    pub(crate) fn of_this_library() -> Self {
        Self {
            layout_version: layout::LAYOUT_VERSION,
            batch_header: size_of::<BatchHeader>() as u32,
            resource_record: size_of::<ResourceRecord>() as u32,
            scope_record: size_of::<ScopeRecord>() as u32,
            metric_record: size_of::<MetricRecord>() as u32,
            point_record: size_of::<PointRecord>() as u32,
            verdict: size_of::<Verdict>() as u32,
            added_point: size_of::<AddedPoint>() as u32,
            attribute_edit: size_of::<AttributeEdit>() as u32,
            batch_view: size_of::<BatchView>() as u32,
            stats: size_of::<Stats>() as u32,
            opening: size_of::<Opening>() as u32,
            error: size_of::<Error>() as u32,
            price_request: size_of::<PriceRequest>() as u32,
            price_answer: size_of::<PriceAnswer>() as u32,
        }
    }
}
