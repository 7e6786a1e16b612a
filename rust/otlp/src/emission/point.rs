//! One data point that is due.

use tokenledger::distribution::{DistributionRef, ExplicitRef, ExponentialRef, Summary};
use tokenledger::number::Number;
use tokenledger::{Due, DueValue};

use super::write_attributes;
use crate::field::{
    buckets, data, data_point, exponential_histogram_data_point, histogram_data_point, number_data_point,
};
use crate::write;

/// Writes `due` as a point of the kind that its value has.
pub(super) fn write(out: &mut Vec<u8>, due: Due<'_>) {
    let content = match due.value {
        DueValue::Number(number) => Content::Number(number),
        // The engine writes only what it can read; otherwise there would be nothing to say.
        DueValue::Distribution(words) => match DistributionRef::parse(words) {
            Ok(distribution) => Content::Distribution(distribution),
            Err(_) => return,
        },
    };
    write::message(out, data::DATA_POINTS, |out| {
        write::fixed64(out, data_point::START_TIME_UNIX_NANO, due.start_unix_nano);
        write::fixed64(out, data_point::TIME_UNIX_NANO, due.time_unix_nano);
        match content {
            Content::Number(number) => write_number(out, number, due.attributes),
            Content::Distribution(distribution) => {
                let summary = distribution.summary();
                if let Some(explicit) = distribution.explicit() {
                    write_explicit(out, summary, explicit, due.attributes);
                } else if let Some(exponential) = distribution.exponential() {
                    write_exponential(out, summary, exponential, due.attributes);
                }
            }
        }
    });
}

enum Content<'a> {
    Number(Number),
    Distribution(DistributionRef<'a>),
}

fn write_number(out: &mut Vec<u8>, number: Number, attributes: &[u8]) {
    let field = match number {
        Number::Int(_) => number_data_point::AS_INT,
        Number::Double(_) => number_data_point::AS_DOUBLE,
    };
    write::fixed64(out, field, number.bits());
    write_attributes(out, number_data_point::ATTRIBUTES, attributes);
}

fn write_explicit(out: &mut Vec<u8>, summary: Summary, explicit: ExplicitRef<'_>, attributes: &[u8]) {
    use histogram_data_point::{ATTRIBUTES, BUCKET_COUNTS, COUNT, EXPLICIT_BOUNDS, MAX, MIN, SUM};
    write_summary(out, summary, [COUNT, SUM, MIN, MAX]);
    write::packed_fixed64(out, BUCKET_COUNTS, explicit.counts().iter().copied());
    write::packed_fixed64(out, EXPLICIT_BOUNDS, explicit.bounds().map(f64::to_bits));
    write_attributes(out, ATTRIBUTES, attributes);
}

fn write_exponential(
    out: &mut Vec<u8>,
    summary: Summary,
    exponential: ExponentialRef<'_>,
    attributes: &[u8],
) {
    use exponential_histogram_data_point as number;
    write_summary(out, summary, [number::COUNT, number::SUM, number::MIN, number::MAX]);
    write::sint32(out, number::SCALE, exponential.scale);
    write::fixed64(out, number::ZERO_COUNT, exponential.zero_count);
    write::fixed64(out, number::ZERO_THRESHOLD, exponential.zero_threshold.to_bits());
    for (side, (offset, counts)) in
        [(number::POSITIVE, exponential.positive()), (number::NEGATIVE, exponential.negative())]
    {
        if !counts.is_empty() {
            write::message(out, side, |out| {
                write::sint32(out, buckets::OFFSET, offset);
                write::packed_varints(out, buckets::BUCKET_COUNTS, counts);
            });
        }
    }
    write_attributes(out, number::ATTRIBUTES, attributes);
}

/// Count, and of sum, minimum and maximum what is known (D12), in fields of these numbers.
fn write_summary(out: &mut Vec<u8>, summary: Summary, [count, sum, min, max]: [u32; 4]) {
    write::fixed64(out, count, summary.count);
    for (number, value) in [(sum, summary.sum), (min, summary.min), (max, summary.max)] {
        if let Some(value) = value {
            write::fixed64(out, number, value.to_bits());
        }
    }
}
