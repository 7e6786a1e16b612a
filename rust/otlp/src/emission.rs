//! What the engine has to say at a tick, as OTLP requests.

mod point;

use std::collections::HashMap;
use std::sync::Arc;

use tokenledger::attribute::{self, Attribute, MAX_DEPTH, ValueType};
use tokenledger::batch::MetricKind;
use tokenledger::{Due, DueMetric, MetricDescriptor, ResourceDescriptor, ScopeDescriptor, Tick};

use crate::field::{
    LIST_VALUES, any_value, data, key_value, metric, request, resource, resource_metrics, scope,
    scope_metrics, temporality,
};
use crate::write;

/// One request of periodic output: the points that came in under one combination of client metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emission {
    /// That combination as attribute records, empty where no `metadata_keys` are set.
    pub metadata: Vec<u8>,
    /// An encoded `ExportMetricsServiceRequest` of gauges, cumulative sums and cumulative histograms.
    pub request: Vec<u8>,
}

/// Writes the chunk at hand of `tick`: one request per combination of client metadata, in the order
/// of first use, with metrics grouped by resource and scope. Nothing due gives no request.
///
/// Attribute values that do not read as their type says are written as empty values: the engine
/// keeps records as they came and leaves their meaning to whoever wrote them.
pub fn encode(tick: &Tick) -> Vec<Emission> {
    encode_metrics(&tick.metrics().collect::<Vec<_>>())
}

fn encode_metrics(due: &[DueMetric<'_>]) -> Vec<Emission> {
    let mut emissions: Vec<Emission> = Vec::new();
    let mut by_metadata: HashMap<&[u8], usize> = HashMap::new();
    for metrics in due.chunk_by(|a, b| Arc::ptr_eq(resource_of(a), resource_of(b))) {
        let Some(resource) = metrics.first().map(resource_of) else { continue };
        let place = *by_metadata.entry(&resource.metadata).or_insert(emissions.len());
        if place == emissions.len() {
            emissions.push(Emission { metadata: resource.metadata.to_vec(), request: Vec::new() });
        }
        // Requests can be joined: a repeated field may come in any number of pieces.
        write_resource(&mut emissions[place].request, resource, metrics);
    }
    emissions
}

fn resource_of<'a>(metric: &DueMetric<'a>) -> &'a Arc<ResourceDescriptor> {
    &metric.descriptor.scope.resource
}

fn write_resource(out: &mut Vec<u8>, descriptor: &ResourceDescriptor, metrics: &[DueMetric<'_>]) {
    write::message(out, request::RESOURCE_METRICS, |out| {
        write::message(out, resource_metrics::RESOURCE, |out| {
            write_attributes(out, resource::ATTRIBUTES, &descriptor.attributes);
        });
        for metrics in metrics.chunk_by(|a, b| Arc::ptr_eq(&a.descriptor.scope, &b.descriptor.scope)) {
            if let Some(first) = metrics.first() {
                write_scope(out, &first.descriptor.scope, metrics);
            }
        }
        write::text(out, resource_metrics::SCHEMA_URL, &descriptor.schema_url);
    });
}

fn write_scope(out: &mut Vec<u8>, descriptor: &ScopeDescriptor, metrics: &[DueMetric<'_>]) {
    write::message(out, resource_metrics::SCOPE_METRICS, |out| {
        write::message(out, scope_metrics::SCOPE, |out| {
            write::text(out, scope::NAME, &descriptor.name);
            write::text(out, scope::VERSION, &descriptor.version);
            write_attributes(out, scope::ATTRIBUTES, &descriptor.attributes);
        });
        for metric in metrics {
            write_metric(out, metric.descriptor, metric.points());
        }
        write::text(out, scope_metrics::SCHEMA_URL, &descriptor.schema_url);
    });
}

fn write_metric<'a>(out: &mut Vec<u8>, descriptor: &MetricDescriptor, points: impl Iterator<Item = Due<'a>>) {
    write::message(out, scope_metrics::METRICS, |out| {
        write::text(out, metric::NAME, &descriptor.name);
        write::text(out, metric::DESCRIPTION, &descriptor.description);
        write::text(out, metric::UNIT, &descriptor.unit);
        let content = match descriptor.kind {
            MetricKind::Sum => metric::SUM,
            MetricKind::Gauge => metric::GAUGE,
            MetricKind::ExplicitHistogram => metric::HISTOGRAM,
            MetricKind::ExponentialHistogram => metric::EXPONENTIAL_HISTOGRAM,
        };
        write::message(out, content, |out| {
            points.for_each(|point| point::write(out, point));
            if descriptor.kind != MetricKind::Gauge {
                write::varint(out, data::AGGREGATION_TEMPORALITY, temporality::CUMULATIVE as u64);
            }
            if descriptor.kind == MetricKind::Sum {
                write::varint(out, data::IS_MONOTONIC, u64::from(descriptor.monotonic));
            }
        });
    });
}

/// Writes each record of `records` as a `KeyValue` in field `number`.
fn write_attributes(out: &mut Vec<u8>, number: u32, records: &[u8]) {
    for_each_attribute(records, |attribute| write_key_value(out, number, attribute, MAX_DEPTH));
}

fn write_key_value(out: &mut Vec<u8>, number: u32, attribute: Attribute<'_>, depth: usize) {
    write::message(out, number, |out| {
        write::text(out, key_value::KEY, attribute.key);
        write::message(out, key_value::VALUE, |out| write_value(out, attribute, depth));
    });
}

/// Writes the content of an `AnyValue`; `depth`: how many arrays and maps may still be nested.
fn write_value(out: &mut Vec<u8>, attribute: Attribute<'_>, depth: usize) {
    let Attribute { value_type, value, .. } = attribute;
    match value_type {
        ValueType::Empty => {}
        ValueType::String => write::bytes(out, any_value::STRING, value),
        ValueType::Bytes => write::bytes(out, any_value::BYTES, value),
        ValueType::Bool => {
            if let [value] = value {
                write::varint(out, any_value::BOOL, u64::from(*value != 0));
            }
        }
        ValueType::Int => {
            if let Some(value) = attribute.as_int() {
                write::varint(out, any_value::INT, value as u64);
            }
        }
        ValueType::Double => {
            if let Some(value) = attribute.as_double() {
                write::fixed64(out, any_value::DOUBLE, value.to_bits());
            }
        }
        ValueType::Array | ValueType::Map if depth == 0 => {}
        ValueType::Array => write::message(out, any_value::ARRAY, |out| {
            for_each_attribute(value, |item| {
                write::message(out, LIST_VALUES, |out| write_value(out, item, depth - 1));
            });
        }),
        ValueType::Map => write::message(out, any_value::KEY_VALUE_LIST, |out| {
            for_each_attribute(value, |entry| write_key_value(out, LIST_VALUES, entry, depth - 1));
        }),
    }
}

/// Reads records as far as their framing holds; one of a type that is not known is left out.
fn for_each_attribute(records: &[u8], mut each: impl FnMut(Attribute<'_>)) {
    // The records passed the same check when they came in, so there is nobody to tell an error.
    let _ = attribute::for_each(records, 0, |record| {
        if let Ok(attribute) = Attribute::parse(record) {
            each(attribute);
        }
    });
}
