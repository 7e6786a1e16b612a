//! Metrics of each kind, in and out.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, Sum, Summary, SummaryDataPoint, metric::Data, number_data_point,
};
use prost::Message as _;
use tokenledger::batch::{Batch, Malformed, MetricKind, MetricRef, PointRef, ResourceRef, ScopeRef, Visitor};
use tokenledger::distribution::DistributionRef;

use super::emission::{START, attribute, consume, decode, emitted, engine, joined, one_resource};
use crate::ByteView;
use crate::oracle::{self, Shown, ShownValue, show};

fn metric(name: &str, data: Data) -> Metric {
    Metric { name: name.into(), data: Some(data), ..Metric::default() }
}

fn explicit_point() -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: vec![attribute("k", Value::StringValue("v".into()))],
        start_time_unix_nano: START,
        time_unix_nano: START + 500_000_000,
        count: 6,
        sum: Some(12.5),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![1.0, 2.5],
        min: Some(0.25),
        max: Some(5.0),
        ..HistogramDataPoint::default()
    }
}

fn exponential_point() -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: vec![attribute("k", Value::StringValue("v".into()))],
        start_time_unix_nano: START,
        time_unix_nano: START + 500_000_000,
        count: 9,
        sum: Some(-12.5),
        scale: -3,
        zero_count: 2,
        positive: Some(Buckets { offset: -4, bucket_counts: vec![1, 0, 300] }),
        negative: Some(Buckets { offset: 7, bucket_counts: vec![4] }),
        min: Some(-1e30),
        max: None,
        zero_threshold: 0.0,
        ..ExponentialHistogramDataPoint::default()
    }
}

fn histograms(temporality: i32) -> ExportMetricsServiceRequest {
    let explicit = Histogram { data_points: vec![explicit_point()], aggregation_temporality: temporality };
    let exponential =
        ExponentialHistogram { data_points: vec![exponential_point()], aggregation_temporality: temporality };
    one_resource(vec![
        metric("explicit", Data::Histogram(explicit)),
        metric("exponential", Data::ExponentialHistogram(exponential)),
    ])
}

fn shown(request: &ExportMetricsServiceRequest) -> Vec<Shown> {
    let bytes = request.encode_to_vec();
    assert_eq!(oracle::compare(&bytes), Ok(true));
    show(&ByteView::new(&bytes).unwrap()).unwrap()
}

/// Scenario: metrics of all kinds, of delta, cumulative and unspecified temporality.
/// Guarantee: sums, gauges and histograms of a known temporality are shown, summaries are not.
#[test]
fn what_is_shown() {
    let value = Some(number_data_point::Value::AsInt(1));
    let point = NumberDataPoint { value, ..NumberDataPoint::default() };
    let mut metrics = vec![
        metric("gauge", Data::Gauge(Gauge { data_points: vec![point.clone()] })),
        metric("summary", Data::Summary(Summary { data_points: vec![SummaryDataPoint::default()] })),
        metric("none", Data::Gauge(Gauge::default())),
    ];
    metrics[2].data = None;
    for temporality in 0..4 {
        let data_points = vec![point.clone()];
        let sum = Sum { data_points, aggregation_temporality: temporality, is_monotonic: false };
        metrics.push(metric("sum", Data::Sum(sum)));
        let mut request = histograms(temporality);
        metrics.append(&mut request.resource_metrics[0].scope_metrics[0].metrics);
    }
    let shown: Vec<_> = shown(&one_resource(metrics))
        .into_iter()
        .filter_map(|shown| match shown {
            Shown::Metric { name, kind, temporality, monotonic, .. } => {
                Some((String::from_utf8(name).unwrap(), kind, temporality as u8, monotonic))
            }
            _ => None,
        })
        .collect();
    let expected: Vec<_> = [
        ("gauge", MetricKind::Gauge, 1, false),
        ("sum", MetricKind::Sum, 1, false),
        ("explicit", MetricKind::ExplicitHistogram, 1, true),
        ("exponential", MetricKind::ExponentialHistogram, 1, true),
        ("sum", MetricKind::Sum, 2, false),
        ("explicit", MetricKind::ExplicitHistogram, 2, true),
        ("exponential", MetricKind::ExponentialHistogram, 2, true),
    ]
    .map(|(name, kind, temporality, monotonic)| (name.to_owned(), kind, temporality, monotonic))
    .into();
    assert_eq!(shown, expected);
}

/// Scenario: a histogram of each kind. Guarantee: the words are a distribution of the same content.
#[test]
fn words_say_what_was_sent() {
    let words: Vec<_> = shown(&histograms(1))
        .into_iter()
        .filter_map(|shown| match shown {
            Shown::Point { value: ShownValue::Words(words), .. } => Some(words),
            _ => None,
        })
        .collect();
    let [first, second] = words.as_slice() else { panic!("{words:?}") };

    let sent = explicit_point();
    let read = DistributionRef::parse(first).unwrap();
    assert_eq!((read.count(), read.sum(), read.min(), read.max()), (6, Some(12.5), Some(0.25), Some(5.0)));
    let explicit = read.explicit().unwrap();
    assert_eq!(explicit.bounds().collect::<Vec<_>>(), sent.explicit_bounds);
    assert_eq!(explicit.counts(), sent.bucket_counts);

    let read = DistributionRef::parse(second).unwrap();
    assert_eq!((read.count(), read.sum(), read.min(), read.max()), (9, Some(-12.5), Some(-1e30), None));
    let exponential = read.exponential().unwrap();
    assert_eq!((exponential.scale, exponential.zero_count, exponential.zero_threshold), (-3, 2, 0.0));
    assert_eq!(exponential.positive(), (-4, &[1, 0, 300][..]));
    assert_eq!(exponential.negative(), (7, &[4][..]));
}

/// Scenario: histograms with 100,000 buckets.
/// Guarantee: the span of the attributes is as long as these, so that buckets do not count as
/// attributes where the engine limits them (T5).
#[test]
fn buckets_are_no_attributes() {
    let mut request = histograms(1);
    for metric in &mut request.resource_metrics[0].scope_metrics[0].metrics {
        match &mut metric.data {
            Some(Data::Histogram(data)) => data.data_points[0].bucket_counts = vec![1; 100_000],
            Some(Data::ExponentialHistogram(data)) => {
                data.data_points[0].positive.as_mut().unwrap().bucket_counts = vec![1 << 60; 100_000];
            }
            _ => panic!("two histograms"),
        }
    }
    let bytes = request.encode_to_vec();
    let view = ByteView::new(&bytes).unwrap();
    let mut lengths = AttributeLengths(Vec::new());
    view.visit(&mut lengths).unwrap();
    let attribute = explicit_point().attributes[0].encoded_len() as u32 + 2;
    assert_eq!(lengths.0, [attribute, attribute]);
    oracle::compare(&bytes).unwrap();
}

struct AttributeLengths(Vec<u32>);

impl Visitor for AttributeLengths {
    fn resource(&mut self, _: ResourceRef) -> Result<(), Malformed> {
        Ok(())
    }

    fn scope(&mut self, _: ScopeRef) -> Result<(), Malformed> {
        Ok(())
    }

    fn metric(&mut self, _: MetricRef) -> Result<(), Malformed> {
        Ok(())
    }

    fn point(&mut self, point: PointRef) -> Result<(), Malformed> {
        self.0.push(point.attributes.length);
        Ok(())
    }
}

/// Scenario: histograms of both kinds are sent twice, held, and go out at a tick.
/// Guarantee: cumulative histograms of the same kind, a zero and then everything doubled (D6, D12, D13).
#[test]
fn histograms_go_out_as_they_came() {
    let engine = engine();
    let mut request = histograms(1);
    consume(&engine, &request, "");
    for metric in &mut request.resource_metrics[0].scope_metrics[0].metrics {
        match &mut metric.data {
            Some(Data::Histogram(data)) => data.data_points[0].time_unix_nano += 1_000_000,
            Some(Data::ExponentialHistogram(data)) => data.data_points[0].time_unix_nano += 1_000_000,
            _ => panic!("two histograms"),
        }
    }
    consume(&engine, &request, "");
    let mut received = decode(&emitted(&engine)[0]);
    let metrics = joined(std::mem::take(&mut received.resource_metrics[0].scope_metrics[0].metrics));
    let find = |name| metrics.iter().find(|metric| metric.name == name).unwrap().data.clone();

    let Some(Data::Histogram(data)) = find("explicit") else { panic!("{metrics:?}") };
    let [zero, total] = data.data_points.as_slice() else { panic!("a zero and a value: {data:?}") };
    let sent = explicit_point();
    assert_eq!(data.aggregation_temporality, 2);
    assert_eq!((zero.count, zero.sum, &zero.bucket_counts), (0, Some(0.0), &vec![0, 0, 0]));
    assert_eq!(zero.explicit_bounds, sent.explicit_bounds);
    assert!(zero.time_unix_nano < total.time_unix_nano);
    let time_unix_nano = sent.time_unix_nano + 1_000_000;
    let expected = HistogramDataPoint {
        time_unix_nano,
        count: 12,
        sum: Some(25.0),
        bucket_counts: vec![2, 4, 6],
        ..sent
    };
    assert_eq!(*total, expected);

    let Some(Data::ExponentialHistogram(data)) = find("exponential") else { panic!("{metrics:?}") };
    let [zero, total] = data.data_points.as_slice() else { panic!("a zero and a value: {data:?}") };
    assert_eq!(data.aggregation_temporality, 2);
    assert_eq!((zero.count, zero.sum, zero.zero_count), (0, Some(0.0), 0));
    assert!(zero.positive.is_none() && zero.negative.is_none());
    assert!(zero.time_unix_nano < total.time_unix_nano);
    let expected = ExponentialHistogramDataPoint {
        time_unix_nano,
        count: 18,
        sum: Some(-25.0),
        zero_count: 4,
        positive: Some(Buckets { offset: -4, bucket_counts: vec![2, 0, 600] }),
        negative: Some(Buckets { offset: 7, bucket_counts: vec![8] }),
        ..exponential_point()
    };
    assert_eq!(*total, expected);
}
