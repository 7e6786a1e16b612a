//! A second way to read a request: decoded by prost, held in memory. The byte view has to agree.
//!
//! Simple rather than fast, and with nothing in common with the byte view but the record writer, so
//! that a mistake in one shows as a difference. Only tests and fuzzers see it.

mod decode;
mod shown;

pub use decode::DecodedBatch;
pub use shown::{Shown, ShownValue, show};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;

use crate::ByteView;

/// What goes wrong when the two ways of reading disagree.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// What the byte view showed, or why it stopped.
    pub view: Result<Vec<Shown>, tokenledger::Malformed>,
    /// What prost's decoding shows.
    pub decoded: Vec<Shown>,
}

/// Reads `bytes` both ways. Whatever prost accepts, the byte view must accept and show alike.
///
/// The byte view may accept more: it does not look into summaries, metrics of no temporality and
/// exemplars, and it takes text that is not UTF-8, as the collector does. Returns whether prost accepted the bytes.
pub fn compare(bytes: &[u8]) -> Result<bool, Box<Disagreement>> {
    let view = ByteView::new(bytes).and_then(|view| show(&view));
    let Ok(request) = ExportMetricsServiceRequest::decode(bytes) else { return Ok(false) };
    let decoded = show(&DecodedBatch::new(&request)).unwrap_or_default();
    if view.as_ref() == Ok(&decoded) { Ok(true) } else { Err(Box::new(Disagreement { view, decoded })) }
}
