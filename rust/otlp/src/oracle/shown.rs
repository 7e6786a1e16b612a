//! What a batch shows, resolved into owned values that can be compared across encodings.

use tokenledger::batch::{
    Batch, Malformed, MetricKind, MetricRef, PointRef, PointValue, ResourceRef, ScopeRef, Temporality,
    Visitor,
};
use tokenledger::number::Number;

type Text = Vec<u8>;

/// One element of a batch without references into it. Attributes are canonical records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The client metadata, first, where there is any: one record each.
    Metadata(Vec<Text>),
    /// A resource.
    Resource {
        /// One record each.
        attributes: Vec<Text>,
        /// UTF-8 text.
        schema_url: Text,
    },
    /// A scope of the last resource.
    Scope {
        /// UTF-8 text.
        name: Text,
        /// UTF-8 text.
        version: Text,
        /// One record each.
        attributes: Vec<Text>,
        /// UTF-8 text.
        schema_url: Text,
    },
    /// A metric of the last scope.
    Metric {
        /// UTF-8 text.
        name: Text,
        /// UTF-8 text.
        unit: Text,
        /// UTF-8 text.
        description: Text,
        /// What its points are.
        kind: MetricKind,
        /// Delta or cumulative; delta for gauges.
        temporality: Temporality,
        /// Whether it may only grow.
        monotonic: bool,
    },
    /// A point of the last metric.
    Point {
        /// One record each.
        attributes: Vec<Text>,
        /// Unix nanoseconds.
        start: u64,
        /// Unix nanoseconds.
        time: u64,
        /// The number or the histogram.
        value: ShownValue,
        /// Whether the point carries no value.
        no_recorded_value: bool,
    },
}

/// The value of a point, by its bits, so that NaN equals itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownValue {
    /// Of an integer point.
    Int(i64),
    /// Of a floating-point one.
    Double(u64),
    /// Of a histogram: its words (see [`tokenledger::distribution`]).
    Words(Vec<u64>),
}

/// Everything that `batch` shows, metadata and attributes included.
pub fn show(batch: &impl Batch) -> Result<Vec<Shown>, Malformed> {
    let mut collector = Collector { batch, shown: Vec::new() };
    let metadata = collect(|each| batch.metadata(each))?;
    if !metadata.is_empty() {
        collector.shown.push(Shown::Metadata(metadata));
    }
    batch.visit(&mut collector)?;
    Ok(collector.shown)
}

struct Collector<'a, B> {
    batch: &'a B,
    shown: Vec<Shown>,
}

fn collect(
    read: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), Malformed>,
) -> Result<Vec<Text>, Malformed> {
    let mut records = Vec::new();
    read(&mut |record| records.push(record.to_vec()))?;
    Ok(records)
}

impl<B: Batch> Visitor for Collector<'_, B> {
    fn resource(&mut self, resource: ResourceRef) -> Result<(), Malformed> {
        let attributes = collect(|each| self.batch.resource_attributes(resource.attributes, each))?;
        self.shown
            .push(Shown::Resource { attributes, schema_url: self.batch.bytes(resource.schema_url).to_vec() });
        Ok(())
    }

    fn scope(&mut self, scope: ScopeRef) -> Result<(), Malformed> {
        let attributes = collect(|each| self.batch.scope_attributes(scope.attributes, each))?;
        self.shown.push(Shown::Scope {
            name: self.batch.bytes(scope.name).to_vec(),
            version: self.batch.bytes(scope.version).to_vec(),
            attributes,
            schema_url: self.batch.bytes(scope.schema_url).to_vec(),
        });
        Ok(())
    }

    fn metric(&mut self, metric: MetricRef) -> Result<(), Malformed> {
        self.shown.push(Shown::Metric {
            name: self.batch.bytes(metric.name).to_vec(),
            unit: self.batch.bytes(metric.unit).to_vec(),
            description: self.batch.bytes(metric.description).to_vec(),
            kind: metric.kind,
            temporality: metric.temporality,
            monotonic: metric.monotonic,
        });
        Ok(())
    }

    fn point(&mut self, point: PointRef) -> Result<(), Malformed> {
        let attributes = collect(|each| self.batch.point_attributes(point.attributes, each))?;
        let value = match point.value {
            PointValue::Number(Number::Int(value)) => ShownValue::Int(value),
            PointValue::Number(Number::Double(value)) => ShownValue::Double(value.to_bits()),
            PointValue::Distribution(span) => {
                let mut words = Vec::new();
                self.batch.distribution(span, &mut words)?;
                ShownValue::Words(words)
            }
        };
        self.shown.push(Shown::Point {
            attributes,
            start: point.start_unix_nano,
            time: point.time_unix_nano,
            value,
            no_recorded_value: point.no_recorded_value,
        });
        Ok(())
    }
}
