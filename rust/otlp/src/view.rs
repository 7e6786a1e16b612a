//! An encoded request as an engine batch, read in place.
//!
//! Protobuf allows fields in any order, a scalar more than once (the last one counts) and an
//! embedded message in pieces (they are merged). So each message is read twice where something that
//! comes late decides about what came early, and a span names the message *around* a resource or
//! scope, so that pieces are found again. A point's attributes are a span from the first to the last
//! of them.

mod distribution;
mod point;
mod walk;

use std::cell::Cell;
use std::fmt;

use tokenledger::attribute;
use tokenledger::batch::{Batch, Malformed, Span, Visitor};

use crate::field::{request, resource, resource_metrics, scope, scope_metrics};
use crate::value::push_attribute;
use crate::wire::Message;
use distribution::Buckets;

/// The metrics of an encoded `ExportMetricsServiceRequest`: sums, gauges, and histograms of both kinds.
/// Summaries are not shown, nor what is neither delta nor cumulative.
///
/// Nothing is checked before it is asked for; each function of [`Batch`] returns an error where the
/// bytes it needs do not follow the wire format. Memory: one attribute record and the buckets of one
/// point at a time.
pub struct ByteView<'a> {
    bytes: &'a [u8],
    metadata: &'a [u8],
    /// The attribute record at hand.
    scratch: Cell<Vec<u8>>,
    /// The buckets at hand.
    buckets: Cell<Buckets>,
}

impl fmt::Debug for ByteView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is the users' telemetry: not for logs.
        f.debug_struct("ByteView").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl<'a> ByteView<'a> {
    /// A view of `bytes` (at most 2 GiB) that arrived without client metadata.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::with_metadata(bytes, &[])
    }

    /// A view of `bytes` (at most 2 GiB, the limit of protobuf) that arrived with client metadata,
    /// given as attribute records (see [`tokenledger::attribute`]).
    pub fn with_metadata(bytes: &'a [u8], metadata: &'a [u8]) -> Result<Self, Malformed> {
        if i32::try_from(bytes.len()).is_err() {
            return Err(Malformed { offset: i32::MAX as usize, reason: "request longer than 2 GiB" });
        }
        Ok(Self { bytes, metadata, scratch: Cell::default(), buckets: Cell::default() })
    }

    fn message(&self, span: Span) -> Message<'_> {
        Message::new(self.bytes(span), span.offset as usize)
    }

    /// Calls `each` with the records of the attributes (field `attributes`) of `message`.
    fn records(
        &self,
        message: Message<'_>,
        attributes: u32,
        each: &mut impl FnMut(&[u8]),
    ) -> Result<(), Malformed> {
        let mut record = self.scratch.take();
        let mut result = Ok(());
        for field in message.fields() {
            record.clear();
            result = field.and_then(|field| {
                if field.number == attributes {
                    push_attribute(&mut record, field.message()?)?;
                    each(&record);
                }
                Ok(())
            });
            if result.is_err() {
                break;
            }
        }
        self.scratch.set(record);
        result
    }

    /// As [`Self::records`], for the embedded message `part` of the message that `span` names.
    fn records_of(
        &self,
        span: Span,
        part: u32,
        attributes: u32,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), Malformed> {
        for field in self.message(span).fields() {
            let field = field?;
            if field.number == part {
                self.records(field.message()?, attributes, &mut each)?;
            }
        }
        Ok(())
    }
}

impl Batch for ByteView<'_> {
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed> {
        for field in Message::new(self.bytes, 0).fields() {
            let field = field?;
            if field.number == request::RESOURCE_METRICS {
                walk::resource(field.message()?, visitor)?;
            }
        }
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        let begin = distribution::place(span);
        self.bytes.get(begin..begin.saturating_add(span.length as usize)).unwrap_or_default()
    }

    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records_of(span, resource_metrics::RESOURCE, resource::ATTRIBUTES, each)
    }

    fn scope_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records_of(span, scope_metrics::SCOPE, scope::ATTRIBUTES, each)
    }

    #[inline]
    fn point_attributes(&self, span: Span, mut each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        let attributes = self.message(span);
        match attributes.fields().next() {
            // What stands first is an attribute, and tells the field's number for this kind of point.
            Some(first) => self.records(attributes, first?.number, &mut each),
            None => Ok(()),
        }
    }

    fn distribution(&self, span: Span, words: &mut Vec<u64>) -> Result<(), Malformed> {
        let mut buckets = self.buckets.take();
        let pushed = distribution::push(self.bytes, span, &mut buckets, words);
        self.buckets.set(buckets);
        pushed
    }

    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.metadata, 0, each)
    }
}
