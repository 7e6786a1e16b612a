//! A decoded request as an engine batch.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    metric::Data, number_data_point,
};
use tokenledger::attribute::{self, MAX_DEPTH, ValueType};
use tokenledger::batch::{
    Batch, Malformed, MetricKind, MetricRef, PointRef, PointValue, ResourceRef, ScopeRef, Span, Temporality,
    Visitor,
};
use tokenledger::distribution::{Summary, push_explicit, push_exponential};
use tokenledger::number::Number;

/// The metrics of a decoded request; text, attribute records and words lie in one run of bytes.
#[derive(Debug, Default)]
pub struct DecodedBatch {
    bytes: Vec<u8>,
    elements: Vec<Element>,
}

#[derive(Clone, Copy, Debug)]
enum Element {
    Resource(ResourceRef),
    Scope(ScopeRef),
    Metric(MetricRef),
    Point(PointRef),
}

impl DecodedBatch {
    /// Takes over what the engine is to see of `request`.
    pub fn new(request: &ExportMetricsServiceRequest) -> Self {
        let mut batch = Self::default();
        for resource in &request.resource_metrics {
            let attributes = resource.resource.as_ref().map(|r| r.attributes.as_slice()).unwrap_or_default();
            let attributes = batch.attributes(attributes);
            let schema_url = batch.text(&resource.schema_url);
            batch.elements.push(Element::Resource(ResourceRef { attributes, schema_url }));
            for scope in &resource.scope_metrics {
                batch.scope(&scope.scope.clone().unwrap_or_default(), &scope.schema_url);
                scope.metrics.iter().for_each(|metric| batch.metric(metric));
            }
        }
        batch
    }

    fn scope(&mut self, scope: &InstrumentationScope, schema_url: &str) {
        let shown = ScopeRef {
            name: self.text(&scope.name),
            version: self.text(&scope.version),
            attributes: self.attributes(&scope.attributes),
            schema_url: self.text(schema_url),
        };
        self.elements.push(Element::Scope(shown));
    }

    fn metric(&mut self, metric: &Metric) {
        let (kind, code, monotonic) = match &metric.data {
            Some(Data::Sum(sum)) => (MetricKind::Sum, sum.aggregation_temporality, sum.is_monotonic),
            Some(Data::Gauge(_)) => (MetricKind::Gauge, AggregationTemporality::Delta as i32, false),
            Some(Data::Histogram(histogram)) => {
                (MetricKind::ExplicitHistogram, histogram.aggregation_temporality, true)
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                (MetricKind::ExponentialHistogram, histogram.aggregation_temporality, true)
            }
            Some(Data::Summary(_)) | None => return,
        };
        let temporality = match AggregationTemporality::try_from(code) {
            Ok(AggregationTemporality::Delta) => Temporality::Delta,
            Ok(AggregationTemporality::Cumulative) => Temporality::Cumulative,
            Ok(AggregationTemporality::Unspecified) | Err(_) => return,
        };
        let name = self.text(&metric.name);
        let unit = self.text(&metric.unit);
        let description = self.text(&metric.description);
        let shown = MetricRef { name, unit, description, kind, temporality, monotonic };
        self.elements.push(Element::Metric(shown));
        match &metric.data {
            Some(Data::Sum(sum)) => sum.data_points.iter().for_each(|point| self.number(point)),
            Some(Data::Gauge(gauge)) => gauge.data_points.iter().for_each(|point| self.number(point)),
            Some(Data::Histogram(data)) => data.data_points.iter().for_each(|point| self.explicit(point)),
            Some(Data::ExponentialHistogram(data)) => {
                data.data_points.iter().for_each(|point| self.exponential(point));
            }
            Some(Data::Summary(_)) | None => {}
        }
    }

    fn number(&mut self, point: &NumberDataPoint) {
        let value = match point.value {
            Some(number_data_point::Value::AsDouble(value)) => Number::Double(value),
            Some(number_data_point::Value::AsInt(value)) => Number::Int(value),
            None => Number::Int(0),
        };
        let shown = PointRef {
            attributes: self.attributes(&point.attributes),
            start_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value: PointValue::Number(value),
            no_recorded_value: point.flags & 1 == 1 || point.value.is_none(),
        };
        self.elements.push(Element::Point(shown));
    }

    fn explicit(&mut self, point: &HistogramDataPoint) {
        let summary = Summary { count: point.count, sum: point.sum, min: point.min, max: point.max };
        let mut words = Vec::new();
        push_explicit(&mut words, summary, &point.explicit_bounds, &point.bucket_counts);
        let shown = PointRef {
            attributes: self.attributes(&point.attributes),
            start_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value: self.words(&words),
            no_recorded_value: point.flags & 1 == 1,
        };
        self.elements.push(Element::Point(shown));
    }

    fn exponential(&mut self, point: &ExponentialHistogramDataPoint) {
        let summary = Summary { count: point.count, sum: point.sum, min: point.min, max: point.max };
        let positive = point.positive.clone().unwrap_or_default();
        let negative = point.negative.clone().unwrap_or_default();
        let mut words = Vec::new();
        push_exponential(
            &mut words,
            summary,
            point.scale,
            point.zero_count,
            point.zero_threshold,
            (positive.offset, &positive.bucket_counts),
            (negative.offset, &negative.bucket_counts),
        );
        let shown = PointRef {
            attributes: self.attributes(&point.attributes),
            start_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value: self.words(&words),
            no_recorded_value: point.flags & 1 == 1,
        };
        self.elements.push(Element::Point(shown));
    }

    fn words(&mut self, words: &[u64]) -> PointValue {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        PointValue::Distribution(self.append(&bytes))
    }

    fn text(&mut self, text: &str) -> Span {
        self.append(text.as_bytes())
    }

    fn attributes(&mut self, attributes: &[KeyValue]) -> Span {
        let records: Vec<u8> =
            attributes.iter().flat_map(|a| record(&a.key, a.value.as_ref(), MAX_DEPTH)).collect();
        self.append(&records)
    }

    fn append(&mut self, bytes: &[u8]) -> Span {
        let span = Span { offset: self.bytes.len() as u32, length: bytes.len() as u32 };
        self.bytes.extend_from_slice(bytes);
        span
    }
}

/// The canonical record of an attribute; `depth`: how many arrays and maps may still be nested.
fn record(key: &str, value: Option<&AnyValue>, depth: usize) -> Vec<u8> {
    let (value_type, value) = match value.and_then(|value| value.value.as_ref()) {
        None | Some(Value::StringValueStrindex(_)) => (ValueType::Empty, Vec::new()),
        Some(Value::StringValue(text)) => (ValueType::String, text.as_bytes().to_vec()),
        Some(Value::BoolValue(value)) => (ValueType::Bool, vec![u8::from(*value)]),
        Some(Value::IntValue(value)) => (ValueType::Int, value.to_ne_bytes().to_vec()),
        Some(Value::DoubleValue(value)) => (ValueType::Double, value.to_ne_bytes().to_vec()),
        Some(Value::BytesValue(bytes)) => (ValueType::Bytes, bytes.clone()),
        Some(Value::ArrayValue(_) | Value::KvlistValue(_)) if depth == 0 => (ValueType::Empty, Vec::new()),
        Some(Value::ArrayValue(list)) => (
            ValueType::Array,
            list.values.iter().flat_map(|item| record("", Some(item), depth - 1)).collect(),
        ),
        Some(Value::KvlistValue(list)) => {
            let mut entries: Vec<_> = list.values.iter().collect();
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            (
                ValueType::Map,
                entries.iter().flat_map(|e| record(&e.key, e.value.as_ref(), depth - 1)).collect(),
            )
        }
    };
    let mut out = Vec::new();
    attribute::push(&mut out, key.as_bytes(), value_type, &value);
    out
}

impl Batch for DecodedBatch {
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed> {
        self.elements.iter().try_for_each(|element| match *element {
            Element::Resource(resource) => visitor.resource(resource),
            Element::Scope(scope) => visitor.scope(scope),
            Element::Metric(metric) => visitor.metric(metric),
            Element::Point(point) => visitor.point(point),
        })
    }

    fn bytes(&self, span: Span) -> &[u8] {
        let begin = span.offset as usize;
        self.bytes.get(begin..begin + span.length as usize).unwrap_or_default()
    }

    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), 0, each)
    }

    fn scope_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), 0, each)
    }

    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), 0, each)
    }

    fn distribution(&self, span: Span, words: &mut Vec<u64>) -> Result<(), Malformed> {
        let (whole, _) = self.bytes(span).as_chunks();
        words.extend(whole.iter().map(|word| u64::from_ne_bytes(*word)));
        Ok(())
    }

    fn metadata(&self, _: impl FnMut(&[u8])) -> Result<(), Malformed> {
        Ok(())
    }
}
