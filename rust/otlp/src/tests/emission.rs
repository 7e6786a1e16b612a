//! Emission against prost: what goes into an engine and what comes out at a tick.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message as _;
use tokenledger::attribute::{self, ValueType};
use tokenledger::{BatchResult, Config, Emit, Engine, IdentityKey, Now, Tick};

use super::generate::request;
use crate::ByteView;
use crate::emission::{Emission, encode};

pub(super) const START: u64 = 1_800_000_000_000_000_000;

pub(super) fn now(second: u64) -> Now {
    Now { wall_unix_nano: START + second * 1_000_000_000, monotonic_nano: second * 1_000_000_000 }
}

pub(super) fn engine() -> Engine {
    let key = IdentityKey::new(std::array::from_fn(|i| i as u8));
    Engine::new(Config { emit: Emit::Interval, ..Config::default() }, key, now(0)).unwrap()
}

pub(super) fn consume(engine: &Engine, request: &ExportMetricsServiceRequest, tenant: &str) {
    let mut metadata = Vec::new();
    if !tenant.is_empty() {
        attribute::push(&mut metadata, b"tenant", ValueType::String, tenant.as_bytes());
    }
    let bytes = request.encode_to_vec();
    let view = ByteView::with_metadata(&bytes, &metadata).unwrap();
    engine.consume(&view, now(1), &mut BatchResult::default()).unwrap();
}

/// Everything due at shutdown.
pub(super) fn emitted(engine: &Engine) -> Vec<Emission> {
    let mut tick = Tick::default();
    let mut emissions = Vec::new();
    while !tick.is_done() {
        engine.tick(now(100), true, &mut tick).unwrap();
        emissions.extend(encode(&tick));
    }
    emissions
}

pub(super) fn decode(emission: &Emission) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(emission.request.as_slice()).unwrap()
}

/// Metrics with the points of all their pieces: zeros of all metrics go out before all values (L3).
pub(super) fn joined(metrics: Vec<Metric>) -> Vec<Metric> {
    let mut joined: Vec<Metric> = Vec::new();
    for metric in metrics {
        let Some(first) = joined.iter_mut().find(|first| first.name == metric.name) else {
            joined.push(metric);
            continue;
        };
        match (&mut first.data, metric.data) {
            (Some(Data::Sum(first)), Some(Data::Sum(more))) => first.data_points.extend(more.data_points),
            (Some(Data::Histogram(first)), Some(Data::Histogram(more))) => {
                first.data_points.extend(more.data_points);
            }
            (Some(Data::ExponentialHistogram(first)), Some(Data::ExponentialHistogram(more))) => {
                first.data_points.extend(more.data_points);
            }
            (first, more) => panic!("{first:?} and {more:?} have one name"),
        }
    }
    joined
}

pub(super) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}

fn point(session: &str, value: number_data_point::Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes: vec![attribute("session.id", Value::StringValue(session.into()))],
        start_time_unix_nano: START,
        time_unix_nano: START + 500_000_000,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn sum(name: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    Metric {
        name: name.into(),
        unit: "tokens".into(),
        description: "as a client describes it".into(),
        data: Some(Data::Sum(Sum { data_points, aggregation_temporality: 1, is_monotonic: true })),
        ..Metric::default()
    }
}

pub(super) fn one_resource(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let nested = KeyValueList {
        values: vec![attribute("a", Value::IntValue(-1)), attribute("b", Value::BoolValue(false))],
    };
    let attributes = vec![
        attribute("nested", Value::KvlistValue(nested)),
        attribute("bytes", Value::BytesValue(vec![0, 255])),
    ];
    let scope = InstrumentationScope {
        name: "scope".into(),
        version: "1".into(),
        attributes: vec![
            attribute("d", Value::DoubleValue(0.5)),
            KeyValue { key: "none".into(), value: Some(AnyValue { value: None }), key_strindex: 0 },
        ],
        ..InstrumentationScope::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics,
                schema_url: "https://scope".into(),
            }],
            schema_url: "https://resource".into(),
        }],
    }
}

/// Scenario: two metrics of one scope are held and go out at a tick.
/// Guarantee: one resource and one scope, with everything that described them, as cumulative sums.
#[test]
fn descriptions_survive() {
    let engine = engine();
    let tokens = sum("tokens", vec![point("s", number_data_point::Value::AsInt(7))]);
    let cost = sum("cost", vec![point("s", number_data_point::Value::AsDouble(0.5))]);
    let sent = one_resource(vec![tokens, cost]);
    consume(&engine, &sent, "");

    let emissions = emitted(&engine);
    assert_eq!(emissions.len(), 1);
    assert!(emissions[0].metadata.is_empty());
    let mut received = decode(&emissions[0]);
    let metrics = joined(std::mem::take(&mut received.resource_metrics[0].scope_metrics[0].metrics));
    let mut above = sent.clone();
    let sent = std::mem::take(&mut above.resource_metrics[0].scope_metrics[0].metrics);
    assert_eq!(received, above);
    for expected in sent {
        let metric = metrics.iter().find(|metric| metric.name == expected.name).unwrap();
        assert_eq!((&metric.unit, &metric.description), (&expected.unit, &expected.description));
        let (Some(Data::Sum(got)), Some(Data::Sum(expected))) = (&metric.data, &expected.data) else {
            panic!()
        };
        assert_eq!((got.aggregation_temporality, got.is_monotonic), (2, true));
        let [zero, value] = got.data_points.as_slice() else { panic!("a zero and a value: {got:?}") };
        assert!(zero.time_unix_nano < value.time_unix_nano);
        assert_eq!(value.value, expected.data_points[0].value);
        assert_eq!(value.attributes, expected.data_points[0].attributes);
        assert_eq!(zero.attributes, value.attributes);
        assert_eq!(zero.start_time_unix_nano, value.start_time_unix_nano);
    }
}

/// Scenario: two tenants send the same stream, one in two resources.
/// Guarantee: one request per tenant, each with that tenant's points only.
#[test]
fn client_metadata_never_mixes() {
    let engine = engine();
    let request = |session, value| {
        one_resource(vec![sum("tokens", vec![point(session, number_data_point::Value::AsInt(value))])])
    };
    let mut other_resource = request("c", 3);
    other_resource.resource_metrics[0].resource = None;
    consume(&engine, &request("a", 1), "one");
    consume(&engine, &request("a", 2), "two");
    consume(&engine, &other_resource, "one");

    let emissions = emitted(&engine);
    let mut totals: Vec<(String, i64)> = emissions
        .iter()
        .map(|emission| {
            let tenant = attribute::Attribute::parse(&emission.metadata).unwrap().value;
            (String::from_utf8(tenant.to_vec()).unwrap(), total(&decode(emission)))
        })
        .collect();
    totals.sort();
    assert_eq!(totals, [("one".into(), 4), ("two".into(), 2)]);
}

fn total(request: &ExportMetricsServiceRequest) -> i64 {
    let metrics = request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
    let points = metrics.flat_map(|metric| match &metric.data {
        Some(Data::Sum(sum)) => sum.data_points.clone(),
        _ => Vec::new(),
    });
    points
        .filter_map(|p| {
            if let Some(number_data_point::Value::AsInt(value)) = p.value { Some(value) } else { None }
        })
        .sum()
}

/// Scenario: attribute text that is not UTF-8, as a collector passes it on.
/// Guarantee: the same bytes come out, so that the stream keeps its identity downstream.
#[test]
fn text_that_is_not_utf8_is_kept() {
    let engine = engine();
    let mut bytes =
        one_resource(vec![sum("tokens", vec![point("????", number_data_point::Value::AsInt(7))])])
            .encode_to_vec();
    let place = bytes.windows(4).position(|window| window == b"????").unwrap();
    bytes[place..place + 4].copy_from_slice(&[0xff, 0xfe, 0x00, 0xc0]);
    engine.consume(&ByteView::new(&bytes).unwrap(), now(1), &mut BatchResult::default()).unwrap();
    let emissions = emitted(&engine);
    assert!(emissions[0].request.windows(4).any(|window| window == [0xff, 0xfe, 0x00, 0xc0]));
}

/// Scenario: nothing is due. Guarantee: no request.
#[test]
fn nothing_due_gives_nothing() {
    assert_eq!(emitted(&engine()), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Scenario: random requests go in and everything goes out at a tick.
    /// Guarantee: prost takes it, and every attribute set that comes out went in.
    #[test]
    fn emitted_requests_are_valid(request in request()) {
        let engine = engine();
        consume(&engine, &request, "");
        let sent: Vec<_> = point_attributes(&request);
        for emission in emitted(&engine) {
            for attributes in point_attributes(&decode(&emission)) {
                prop_assert!(sent.contains(&attributes), "{attributes:?}");
            }
        }
    }
}

/// The attribute sets of all metrics, as canonical records in any order.
fn point_attributes(request: &ExportMetricsServiceRequest) -> Vec<Vec<Vec<u8>>> {
    let mut request = request.clone();
    for metric in
        request.resource_metrics.iter_mut().flat_map(|r| &mut r.scope_metrics).flat_map(|s| &mut s.metrics)
    {
        // So that the oracle shows it.
        match &mut metric.data {
            Some(Data::Sum(data)) => data.aggregation_temporality = 1,
            Some(Data::Histogram(data)) => data.aggregation_temporality = 1,
            Some(Data::ExponentialHistogram(data)) => data.aggregation_temporality = 1,
            Some(Data::Gauge(_) | Data::Summary(_)) | None => {}
        }
    }
    let shown = crate::oracle::show(&crate::oracle::DecodedBatch::new(&request)).unwrap();
    let sets = shown.into_iter().filter_map(|element| match element {
        crate::oracle::Shown::Point { mut attributes, .. } => {
            attributes.sort();
            Some(attributes)
        }
        _ => None,
    });
    sets.collect()
}
