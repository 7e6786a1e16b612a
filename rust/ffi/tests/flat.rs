//! What the flat buffer shows of each kind of metric, and what it refuses.
#![allow(clippy::unwrap_used)]

mod support;

use support::FlatBuilder;
use tokenledger::Malformed;
use tokenledger::batch::{MetricKind, Temporality};
use tokenledger_ffi::flat::FlatBatch;
use tokenledger_ffi::layout::{BatchHeader, MetricRecord};
use tokenledger_otlp::oracle::{Shown, ShownValue, show};

fn read(buffer: &[u8]) -> Result<Vec<Shown>, Malformed> {
    show(&FlatBatch::parse(buffer)?)
}

/// Kind, temporality and monotonic flag of the metrics, and the values of the points.
fn metrics_and_values(shown: &[Shown]) -> (Vec<(MetricKind, Temporality, bool)>, Vec<ShownValue>) {
    let metrics = shown.iter().filter_map(|shown| match shown {
        Shown::Metric { kind, temporality, monotonic, .. } => Some((*kind, *temporality, *monotonic)),
        _ => None,
    });
    let values = shown.iter().filter_map(|shown| match shown {
        Shown::Point { value, .. } => Some(value.clone()),
        _ => None,
    });
    (metrics.collect(), values.collect())
}

/// Scenario: metrics of all kinds and temporalities in one buffer, with attributes that end anywhere
/// between two multiples of 8 bytes.
/// Guarantee: each is shown as what it is, histograms with their words.
#[test]
fn all_kinds_are_shown() {
    use MetricKind::{ExplicitHistogram, ExponentialHistogram, Gauge, Sum};
    use Temporality::{Cumulative, Delta};
    let mut builder = FlatBuilder::new(1);
    let (mut metrics, mut values) = (Vec::new(), Vec::new());
    for length in 0..9 {
        let session = "s".repeat(length);
        for (kind, temporality, monotonic) in [
            (Sum, Delta, true),
            (Sum, Cumulative, true),
            (Gauge, Delta, false),
            (ExplicitHistogram, Delta, true),
            (ExponentialHistogram, Cumulative, true),
        ] {
            builder = builder.metric_of("m", kind as u8, temporality as u8);
            let words: Vec<u64> = (0..length as u64).map(|word| word << 56 | 1).collect();
            builder = match kind.is_histogram() {
                true => builder.histogram(&session, 1, &words),
                false => builder.point(&session, 1, -5),
            };
            metrics.push((kind, temporality, monotonic));
            values.push(if kind.is_histogram() { ShownValue::Words(words) } else { ShownValue::Int(-5) });
        }
    }
    assert_eq!(metrics_and_values(&read(&builder.build()).unwrap()), (metrics, values));
}

/// Scenario: histograms that claim more words than follow, up to numbers whose bytes overflow.
/// Guarantee: an error with its place before anything is allocated; the exact number is read.
#[test]
fn hostile_word_counts_are_errors() {
    let buffer = |claimed| {
        let kind = MetricKind::ExplicitHistogram as u8;
        FlatBuilder::new(1).metric_of("m", kind, 1).claimed_histogram("s", 1, &[1, 2, 3], claimed).build()
    };
    let words = |buffer: &[u8]| metrics_and_values(&read(buffer).unwrap()).1;
    assert_eq!(words(&buffer(3)), [ShownValue::Words(vec![1, 2, 3])]);
    let begin = buffer(3).len() - 3 * 8;
    for claimed in [4, 1 << 29, 1 << 32, 1 << 61, (1 << 61) + 3, u64::MAX / 8, u64::MAX] {
        let malformed = read(&buffer(claimed)).unwrap_err();
        let expected = Malformed { offset: begin, reason: "distribution words run past the buffer" };
        assert_eq!(malformed, expected, "{claimed} words");
    }
}

/// Scenario: the last point has no words (D9), and the buffer ends with its attributes.
/// Guarantee: read, like one with padding behind it.
#[test]
fn a_point_without_words_may_end_the_buffer() {
    let mut buffer = FlatBuilder::new(1).metric_of("m", 3, 1).histogram("abc", 1, &[]).build();
    assert_eq!(metrics_and_values(&read(&buffer).unwrap()).1, [ShownValue::Words(vec![])]);
    assert_eq!(buffer.iter().rev().take_while(|byte| **byte == 0).count(), 3, "padding");
    buffer.truncate(buffer.len() - 3);
    let total_bytes = buffer.len() as u64;
    buffer[8..16].copy_from_slice(&total_bytes.to_ne_bytes());
    assert_eq!(metrics_and_values(&read(&buffer).unwrap()).1, [ShownValue::Words(vec![])]);
}

/// Scenario: codes of kind and temporality that nobody gave out, and a gauge that is cumulative.
/// Guarantee: an error at the metric's record.
#[test]
fn unknown_codes_are_errors() {
    let metric = FlatBuilder::new(1).build().len();
    assert!(metric > size_of::<BatchHeader>() + size_of::<MetricRecord>());
    for (kind, temporality, reason) in [
        (0, 1, "metric of unknown kind"),
        (5, 1, "metric of unknown kind"),
        (255, 1, "metric of unknown kind"),
        (1, 0, "metric of unknown temporality"),
        (1, 3, "metric of unknown temporality"),
        (2, 2, "metric of unknown temporality"),
        (4, 255, "metric of unknown temporality"),
    ] {
        let buffer = FlatBuilder::new(1).metric_of("m", kind, temporality).build();
        assert_eq!(read(&buffer).unwrap_err(), Malformed { offset: metric, reason }, "{kind} {temporality}");
    }
}
