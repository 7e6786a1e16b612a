//! The buckets of a histogram's point, decoded into distribution words.

use tokenledger::batch::{Malformed, Span};
use tokenledger::distribution::{Summary, push_explicit, push_exponential};

use crate::field::{buckets, exponential_histogram_data_point, histogram_data_point};
use crate::wire::Message;

/// Bit of a span's offset: the point is that of an exponential histogram. A request has at most
/// 2 GiB, so that offsets leave the bit free.
const EXPONENTIAL: u32 = 1 << 31;

/// Buckets as they are collected; memory is kept from point to point.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    bounds: Vec<f64>,
    positive: Vec<u64>,
    negative: Vec<u64>,
}

/// What [`push`] wants to know of a `HistogramDataPoint`.
pub(super) fn explicit_span(message: Message<'_>) -> Span {
    message.span()
}

/// What [`push`] wants to know of an `ExponentialHistogramDataPoint`.
pub(super) fn exponential_span(message: Message<'_>) -> Span {
    let Span { offset, length } = message.span();
    Span { offset: offset | EXPONENTIAL, length }
}

/// Where the bytes of a span begin, of a distribution or anything else.
#[inline]
pub(super) fn place(span: Span) -> usize {
    (span.offset & !EXPONENTIAL) as usize
}

/// Appends the words of the point of `batch` that `span` names; nothing where there is an error.
pub(super) fn push(
    batch: &[u8],
    span: Span,
    buckets: &mut Buckets,
    words: &mut Vec<u64>,
) -> Result<(), Malformed> {
    let begin = place(span);
    let point = batch.get(begin..begin + span.length as usize).unwrap_or_default();
    let point = Message::new(point, begin);
    buckets.bounds.clear();
    buckets.positive.clear();
    buckets.negative.clear();
    match span.offset & EXPONENTIAL {
        0 => explicit(point, buckets, words),
        _ => exponential(point, buckets, words),
    }
}

fn explicit(point: Message<'_>, buckets: &mut Buckets, words: &mut Vec<u64>) -> Result<(), Malformed> {
    use histogram_data_point::{BUCKET_COUNTS, COUNT, EXPLICIT_BOUNDS, MAX, MIN, SUM};
    let mut summary = Summary::default();
    for field in point.fields() {
        let field = field?;
        match field.number {
            COUNT => summary.count = field.fixed64()?,
            SUM => summary.sum = Some(f64::from_bits(field.fixed64()?)),
            MIN => summary.min = Some(f64::from_bits(field.fixed64()?)),
            MAX => summary.max = Some(f64::from_bits(field.fixed64()?)),
            BUCKET_COUNTS => field.each_fixed64(|count| buckets.positive.push(count))?,
            EXPLICIT_BOUNDS => field.each_fixed64(|bits| buckets.bounds.push(f64::from_bits(bits)))?,
            _ => {}
        }
    }
    push_explicit(words, summary, &buckets.bounds, &buckets.positive);
    Ok(())
}

fn exponential(point: Message<'_>, buckets: &mut Buckets, words: &mut Vec<u64>) -> Result<(), Malformed> {
    use exponential_histogram_data_point as number;
    let mut summary = Summary::default();
    let (mut scale, mut zero_count, mut zero_threshold) = (0, 0, 0.0);
    let (mut positive_offset, mut negative_offset) = (0, 0);
    for field in point.fields() {
        let field = field?;
        match field.number {
            number::COUNT => summary.count = field.fixed64()?,
            number::SUM => summary.sum = Some(f64::from_bits(field.fixed64()?)),
            number::MIN => summary.min = Some(f64::from_bits(field.fixed64()?)),
            number::MAX => summary.max = Some(f64::from_bits(field.fixed64()?)),
            number::SCALE => scale = field.sint32()?,
            number::ZERO_COUNT => zero_count = field.fixed64()?,
            number::ZERO_THRESHOLD => zero_threshold = f64::from_bits(field.fixed64()?),
            number::POSITIVE => read_side(field.message()?, &mut positive_offset, &mut buckets.positive)?,
            number::NEGATIVE => read_side(field.message()?, &mut negative_offset, &mut buckets.negative)?,
            _ => {}
        }
    }
    let (positive, negative) =
        ((positive_offset, &buckets.positive[..]), (negative_offset, &buckets.negative[..]));
    push_exponential(words, summary, scale, zero_count, zero_threshold, positive, negative);
    Ok(())
}

/// A piece of one side's buckets: a later offset counts, counts are joined.
fn read_side(side: Message<'_>, offset: &mut i32, counts: &mut Vec<u64>) -> Result<(), Malformed> {
    for field in side.fields() {
        let field = field?;
        match field.number {
            buckets::OFFSET => *offset = field.sint32()?,
            buckets::BUCKET_COUNTS => field.each_varint(|count| counts.push(count))?,
            _ => {}
        }
    }
    Ok(())
}
