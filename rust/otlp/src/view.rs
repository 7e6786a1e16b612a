//! An encoded request as an engine batch, read in place.
//!
//! Protobuf allows fields in any order, a scalar more than once (the last one counts) and an
//! embedded message in pieces (they are merged). So each message is read twice where something that
//! comes late decides about what came early, and a span names the message *around* a resource,
//! scope or attribute list, so that pieces are found again.

use std::cell::Cell;
use std::fmt;

use tokenledger::attribute;
use tokenledger::batch::{Batch, Malformed, MetricRef, PointRef, ResourceRef, ScopeRef, Span, Visitor};
use tokenledger::number::Number;

use crate::field::temporality;
use crate::field::{
    metric, number_data_point, request, resource, resource_metrics, scope, scope_metrics, sum,
};
use crate::value::push_attribute;
use crate::wire::{Field, Message};

/// The delta sums of an encoded `ExportMetricsServiceRequest`.
///
/// Nothing is checked before it is asked for; each function of [`Batch`] returns an error where the
/// bytes it needs do not follow the wire format. Memory: one attribute record at a time.
pub struct ByteView<'a> {
    bytes: &'a [u8],
    metadata: &'a [u8],
    /// The attribute record at hand.
    scratch: Cell<Vec<u8>>,
}

impl fmt::Debug for ByteView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is the users' telemetry: not for logs.
        f.debug_struct("ByteView").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl<'a> ByteView<'a> {
    /// A view of `bytes` (at most 4 GiB) that arrived without client metadata.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::with_metadata(bytes, &[])
    }

    /// A view of `bytes` (at most 4 GiB) that arrived with client metadata, given as attribute
    /// records (see [`tokenledger::attribute`]).
    pub fn with_metadata(bytes: &'a [u8], metadata: &'a [u8]) -> Result<Self, Malformed> {
        if u32::try_from(bytes.len()).is_err() {
            return Err(Malformed { offset: u32::MAX as usize, reason: "request longer than 4 GiB" });
        }
        Ok(Self { bytes, metadata, scratch: Cell::default() })
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
                visit_resource(field.message()?, visitor)?;
            }
        }
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        let begin = span.offset as usize;
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
        self.records(self.message(span), number_data_point::ATTRIBUTES, &mut each)
    }

    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.metadata, 0, each)
    }
}

fn visit_resource(message: Message<'_>, visitor: &mut impl Visitor) -> Result<(), Malformed> {
    let mut shown = ResourceRef { attributes: message.span(), ..ResourceRef::default() };
    for field in message.fields() {
        let field = field?;
        if field.number == resource_metrics::SCHEMA_URL {
            shown.schema_url = field.message()?.span();
        }
    }
    visitor.resource(shown)?;
    for field in message.fields() {
        let field = field?;
        if field.number == resource_metrics::SCOPE_METRICS {
            visit_scope(field.message()?, visitor)?;
        }
    }
    Ok(())
}

fn visit_scope(message: Message<'_>, visitor: &mut impl Visitor) -> Result<(), Malformed> {
    let mut shown = ScopeRef { attributes: message.span(), ..ScopeRef::default() };
    for field in message.fields() {
        let field = field?;
        match field.number {
            scope_metrics::SCOPE => read_scope(field.message()?, &mut shown)?,
            scope_metrics::SCHEMA_URL => shown.schema_url = field.message()?.span(),
            _ => {}
        }
    }
    visitor.scope(shown)?;
    for field in message.fields() {
        let field = field?;
        if field.number == scope_metrics::METRICS {
            visit_metric(field.message()?, visitor)?;
        }
    }
    Ok(())
}

fn read_scope(message: Message<'_>, shown: &mut ScopeRef) -> Result<(), Malformed> {
    for field in message.fields() {
        let field = field?;
        match field.number {
            scope::NAME => shown.name = field.message()?.span(),
            scope::VERSION => shown.version = field.message()?.span(),
            _ => {}
        }
    }
    Ok(())
}

fn visit_metric(message: Message<'_>, visitor: &mut impl Visitor) -> Result<(), Malformed> {
    let mut shown = MetricRef::default();
    // Where the sum begins that is left when all alternatives of the oneof were read.
    let mut sum_from = None;
    for field in message.fields() {
        let field = field?;
        match field.number {
            metric::NAME => shown.name = field.message()?.span(),
            metric::DESCRIPTION => shown.description = field.message()?.span(),
            metric::UNIT => shown.unit = field.message()?.span(),
            metric::SUM => sum_from = sum_from.or(Some(field.offset)),
            metric::GAUGE | metric::HISTOGRAM | metric::EXPONENTIAL_HISTOGRAM | metric::SUMMARY => {
                sum_from = None
            }
            _ => {}
        }
    }
    let Some(from) = sum_from else { return Ok(()) };
    if !is_delta(message, from, &mut shown)? {
        return Ok(());
    }
    visitor.metric(shown)?;
    for_each_sum_field(message, from, |field| {
        if field.number == sum::DATA_POINTS {
            visitor.point(read_point(field.message()?)?)?;
        }
        Ok(())
    })
}

/// Reads what stands beside the points of a sum: its temporality, and into `shown` its kind.
fn is_delta(message: Message<'_>, from: usize, shown: &mut MetricRef) -> Result<bool, Malformed> {
    let mut is_delta = false;
    for_each_sum_field(message, from, |field| {
        match field.number {
            // Enumerations are 32 bits wide; protobuf cuts off what is more.
            sum::AGGREGATION_TEMPORALITY => is_delta = field.varint()? as i32 == temporality::DELTA,
            sum::IS_MONOTONIC => shown.monotonic = field.varint()? != 0,
            _ => {}
        }
        Ok(())
    })?;
    Ok(is_delta)
}

/// The fields of all pieces of the sum that begins at `from`.
fn for_each_sum_field(
    message: Message<'_>,
    from: usize,
    mut each: impl FnMut(Field<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    for piece in message.fields() {
        let piece = piece?;
        if piece.number == metric::SUM && piece.offset >= from {
            for field in piece.message()?.fields() {
                each(field?)?;
            }
        }
    }
    Ok(())
}

/// D9: a point whose oneof `value` is not set carries no value either.
#[inline]
fn read_point(message: Message<'_>) -> Result<PointRef, Malformed> {
    let (mut start_unix_nano, mut time_unix_nano, mut flags) = (0, 0, 0_u32);
    let mut value = None;
    for field in message.fields() {
        let field = field?;
        match field.number {
            number_data_point::START_TIME_UNIX_NANO => start_unix_nano = field.fixed64()?,
            number_data_point::TIME_UNIX_NANO => time_unix_nano = field.fixed64()?,
            number_data_point::AS_DOUBLE => value = Some(Number::Double(f64::from_bits(field.fixed64()?))),
            number_data_point::AS_INT => value = Some(Number::Int(field.fixed64()? as i64)),
            number_data_point::FLAGS => flags = field.varint()? as u32,
            _ => {}
        }
    }
    Ok(PointRef {
        attributes: message.span(),
        start_unix_nano,
        time_unix_nano,
        value: value.unwrap_or(Number::Int(0)),
        no_recorded_value: flags & number_data_point::NO_RECORDED_VALUE != 0 || value.is_none(),
    })
}
