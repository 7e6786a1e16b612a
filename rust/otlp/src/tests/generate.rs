//! Random requests for property tests.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, metric::Data,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Short texts, some of them empty, some beyond ASCII.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z._]{0,12}", 1 => "\\PC{0,40}", 1 => "[a-z]{120,300}"]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        text().prop_map(|v| Some(Value::StringValue(v))),
        any::<bool>().prop_map(|v| Some(Value::BoolValue(v))),
        any::<i64>().prop_map(|v| Some(Value::IntValue(v))),
        any::<f64>().prop_map(|v| Some(Value::DoubleValue(v))),
        vec(any::<u8>(), 0..20).prop_map(|v| Some(Value::BytesValue(v))),
        any::<i32>().prop_map(|v| Some(Value::StringValueStrindex(v))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            vec(key_value(inner), 0..4).prop_map(|values| Value::KvlistValue(KeyValueList { values })),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn key_value(value: impl Strategy<Value = AnyValue>) -> impl Strategy<Value = KeyValue> {
    (text(), option::of(value), 0..2_i32).prop_map(|(key, value, key_strindex)| KeyValue {
        key,
        value,
        key_strindex,
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(key_value(any_value()), 0..4)
}

fn point() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        any::<i64>().prop_map(number_data_point::Value::AsInt),
        any::<f64>().prop_map(number_data_point::Value::AsDouble),
    ];
    (attributes(), any::<u64>(), any::<u64>(), option::weighted(0.9, value), 0..4_u32).prop_map(
        |(attributes, start, time, value, flags)| NumberDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            exemplars: Vec::new(),
            flags,
            value,
        },
    )
}

/// Times and flags of a point.
fn frame() -> impl Strategy<Value = (u64, u64, u32)> {
    (any::<u64>(), any::<u64>(), 0..4_u32)
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let exemplar =
        attributes().prop_map(|filtered_attributes| Exemplar { filtered_attributes, ..Exemplar::default() });
    vec(exemplar, 0..2)
}

fn counts() -> impl Strategy<Value = Vec<u64>> {
    vec(prop_oneof![4 => 0..1000_u64, 1 => any::<u64>()], 0..12)
}

/// Count, sum, least and greatest value of a histogram: not those of its buckets.
fn summary() -> impl Strategy<Value = (u64, Option<f64>, Option<f64>, Option<f64>)> {
    let float = || option::of(any::<f64>());
    (any::<u64>(), float(), float(), float())
}

fn explicit_point() -> impl Strategy<Value = HistogramDataPoint> {
    (attributes(), frame(), summary(), counts(), vec(any::<f64>(), 0..12), exemplars()).prop_map(
        |(attributes, (start, time, flags), (count, sum, min, max), bucket_counts, bounds, exemplars)| {
            HistogramDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                count,
                sum,
                bucket_counts,
                explicit_bounds: bounds,
                exemplars,
                flags,
                min,
                max,
            }
        },
    )
}

fn exponential_point() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let side = || {
        let buckets = (any::<i32>(), counts());
        option::of(buckets.prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }))
    };
    let zero = (any::<u64>(), any::<f64>());
    (attributes(), frame(), summary(), any::<i32>(), zero, (side(), side()), exemplars()).prop_map(
        |(attributes, (start, time, flags), (count, sum, min, max), scale, zero, sides, exemplars)| {
            ExponentialHistogramDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                count,
                sum,
                scale,
                zero_count: zero.0,
                positive: sides.0,
                negative: sides.1,
                flags,
                exemplars,
                min,
                max,
                zero_threshold: zero.1,
            }
        },
    )
}

fn data() -> impl Strategy<Value = Data> {
    let sum =
        (vec(point(), 0..4), 0..4_i32, any::<bool>()).prop_map(|(data_points, temporality, is_monotonic)| {
            Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic })
        });
    let explicit = (vec(explicit_point(), 0..3), 0..4_i32).prop_map(|(data_points, temporality)| {
        Data::Histogram(Histogram { data_points, aggregation_temporality: temporality })
    });
    let exponential = (vec(exponential_point(), 0..3), 0..4_i32).prop_map(|(data_points, temporality)| {
        Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality: temporality })
    });
    let summary = attributes().prop_map(|attributes| {
        let data_points = vec![SummaryDataPoint { attributes, count: 1, ..SummaryDataPoint::default() }];
        Data::Summary(Summary { data_points })
    });
    prop_oneof![
        4 => sum,
        1 => vec(point(), 0..2).prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        2 => explicit,
        2 => exponential,
        1 => summary,
    ]
}

fn metric() -> impl Strategy<Value = Metric> {
    (text(), text(), text(), option::weighted(0.9, data())).prop_map(|(name, description, unit, data)| {
        Metric { name, description, unit, metadata: Vec::new(), data }
    })
}

fn scope_metrics() -> impl Strategy<Value = ScopeMetrics> {
    let scope = (text(), text(), attributes()).prop_map(|(name, version, attributes)| InstrumentationScope {
        name,
        version,
        attributes,
        dropped_attributes_count: 1,
    });
    (option::of(scope), vec(metric(), 0..3), text()).prop_map(|(scope, metrics, schema_url)| ScopeMetrics {
        scope,
        metrics,
        schema_url,
    })
}

fn resource_metrics() -> impl Strategy<Value = ResourceMetrics> {
    let resource = attributes().prop_map(|attributes| Resource { attributes, ..Resource::default() });
    (option::of(resource), vec(scope_metrics(), 0..3), text()).prop_map(
        |(resource, scope_metrics, schema_url)| ResourceMetrics { resource, scope_metrics, schema_url },
    )
}

/// A request with metrics of every kind and temporality, and all attribute types.
pub fn request() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    vec(resource_metrics(), 0..3)
        .prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}
