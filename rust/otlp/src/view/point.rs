//! Data points without their buckets.

use tokenledger::batch::{Malformed, MetricKind, PointRef, PointValue, Span};
use tokenledger::number::Number;

use super::distribution;
use crate::field::{data_point, exponential_histogram_data_point, histogram_data_point, number_data_point};
use crate::wire::Message;

/// Reads a data point of a metric of that kind.
#[inline]
pub(super) fn read(message: Message<'_>, kind: MetricKind) -> Result<PointRef, Malformed> {
    match kind {
        MetricKind::Sum | MetricKind::Gauge => read_number(message),
        MetricKind::ExplicitHistogram => {
            use histogram_data_point::{ATTRIBUTES, FLAGS};
            read_histogram::<ATTRIBUTES, FLAGS>(message, distribution::explicit_span(message))
        }
        MetricKind::ExponentialHistogram => {
            use exponential_histogram_data_point::{ATTRIBUTES, FLAGS};
            read_histogram::<ATTRIBUTES, FLAGS>(message, distribution::exponential_span(message))
        }
    }
}

/// D9: a point whose oneof `value` is not set carries no value either.
#[inline]
fn read_number(message: Message<'_>) -> Result<PointRef, Malformed> {
    let (mut start_unix_nano, mut time_unix_nano, mut flags) = (0, 0, 0_u32);
    let (mut value, mut attributes) = (None, AttributeRun::default());
    let mut fields = message.fields();
    let mut begin = fields.offset();
    while let Some(field) = fields.next() {
        let field = field?;
        match field.number {
            data_point::START_TIME_UNIX_NANO => start_unix_nano = field.fixed64()?,
            data_point::TIME_UNIX_NANO => time_unix_nano = field.fixed64()?,
            number_data_point::AS_DOUBLE => value = Some(Number::Double(f64::from_bits(field.fixed64()?))),
            number_data_point::AS_INT => value = Some(Number::Int(field.fixed64()? as i64)),
            number_data_point::ATTRIBUTES => attributes.extend(begin, fields.offset()),
            number_data_point::FLAGS => flags = field.varint()? as u32,
            _ => {}
        }
        begin = fields.offset();
    }
    Ok(PointRef {
        attributes: attributes.span(),
        start_unix_nano,
        time_unix_nano,
        value: PointValue::Number(value.unwrap_or(Number::Int(0))),
        no_recorded_value: flags & data_point::NO_RECORDED_VALUE != 0 || value.is_none(),
    })
}

/// A histogram's point with the field numbers of its kind.
fn read_histogram<const ATTRIBUTES: u32, const FLAGS: u32>(
    message: Message<'_>,
    distribution: Span,
) -> Result<PointRef, Malformed> {
    let (mut start_unix_nano, mut time_unix_nano, mut flags) = (0, 0, 0_u32);
    let mut attributes = AttributeRun::default();
    let mut fields = message.fields();
    let mut begin = fields.offset();
    while let Some(field) = fields.next() {
        let field = field?;
        match field.number {
            data_point::START_TIME_UNIX_NANO => start_unix_nano = field.fixed64()?,
            data_point::TIME_UNIX_NANO => time_unix_nano = field.fixed64()?,
            number if number == ATTRIBUTES => attributes.extend(begin, fields.offset()),
            number if number == FLAGS => flags = field.varint()? as u32,
            _ => {}
        }
        begin = fields.offset();
    }
    Ok(PointRef {
        attributes: attributes.span(),
        start_unix_nano,
        time_unix_nano,
        value: PointValue::Distribution(distribution),
        no_recorded_value: flags & data_point::NO_RECORDED_VALUE != 0,
    })
}

/// Where a point's attributes stand in the batch, keys included.
#[derive(Default)]
struct AttributeRun(Option<(usize, usize)>);

impl AttributeRun {
    #[inline]
    fn extend(&mut self, begin: usize, end: usize) {
        self.0 = Some((self.0.map_or(begin, |(first, _)| first), end));
    }

    /// From the first attribute to the last; other fields may stand between them. The batch is at
    /// most 2 GiB long: checked where it comes in.
    #[inline]
    fn span(&self) -> Span {
        let (begin, end) = self.0.unwrap_or_default();
        Span { offset: begin as u32, length: (end - begin) as u32 }
    }
}
