//! What clients send: points with everything above them, written as the engine reads them.

use tokenledger::attribute::{self, Attribute, ValueType};
use tokenledger::batch::{
    Batch, MetricKind, MetricRef, PointRef, PointValue, ResourceRef, ScopeRef, Span, Temporality, Visitor,
};
use tokenledger::distribution::{self, DistributionRef, Summary};
use tokenledger::{Malformed, Number};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attr {
    Empty,
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
}

impl From<&str> for Attr {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

pub type Attributes = Vec<(String, Attr)>;

/// Attributes with text values.
pub fn texts(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), Attr::from(*value))).collect()
}

/// An instrumentation scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    pub name: String,
    pub version: String,
    pub attributes: Attributes,
    pub schema_url: String,
}

/// The value of a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(Number),
    /// Distribution words.
    Histogram(Vec<u64>),
}

impl Value {
    pub fn int(&self) -> i64 {
        match self {
            Self::Number(Number::Int(value)) => *value,
            other => panic!("{other:?} is no integer"),
        }
    }

    /// Sums: themselves. Histograms: their count.
    pub fn size(&self) -> f64 {
        match self {
            Self::Number(number) => number.as_f64(),
            Self::Histogram(words) => DistributionRef::parse(words).unwrap().count() as f64,
        }
    }

    /// A histogram of nothing, as a zero point of whatever shape.
    pub fn zero_histogram() -> Self {
        let mut words = Vec::new();
        distribution::push_explicit(&mut words, Summary::default(), &[], &[]);
        Self::Histogram(words)
    }
}

/// One data point with everything above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub resource: Attributes,
    pub scope: Scope,
    pub metric: String,
    pub unit: String,
    pub description: String,
    pub kind: MetricKind,
    pub temporality: Temporality,
    pub monotonic: bool,
    pub attributes: Attributes,
    /// Unix nanoseconds, 0 = unknown.
    pub start: u64,
    pub time: u64,
    pub value: Value,
    pub no_value: bool,
}

impl Sample {
    /// A delta of a monotonic integer sum; times in seconds after [`super::BEGAN`].
    pub fn delta(metric: &str, attributes: &[(&str, &str)], start: u64, time: u64, value: i64) -> Self {
        Self {
            resource: texts(&[("service.name", "agent")]),
            scope: Scope::default(),
            metric: metric.to_owned(),
            unit: String::new(),
            description: String::new(),
            kind: MetricKind::Sum,
            temporality: Temporality::Delta,
            monotonic: true,
            attributes: texts(attributes),
            start: super::at(start),
            time: super::at(time),
            value: Value::Number(Number::Int(value)),
            no_value: false,
        }
    }

    /// A total since `start`.
    pub fn total(metric: &str, attributes: &[(&str, &str)], start: u64, time: u64, value: i64) -> Self {
        Self { temporality: Temporality::Cumulative, ..Self::delta(metric, attributes, start, time, value) }
    }

    pub fn gauge(metric: &str, attributes: &[(&str, &str)], time: u64, value: f64) -> Self {
        Self {
            kind: MetricKind::Gauge,
            monotonic: false,
            start: 0,
            value: Value::Number(Number::Double(value)),
            ..Self::delta(metric, attributes, 0, time, 0)
        }
    }

    pub fn of_resource(self, resource: &[(&str, &str)]) -> Self {
        Self { resource: texts(resource), ..self }
    }

    fn same_metric(&self, other: &Self) -> bool {
        self.same_scope(other)
            && (&self.metric, &self.unit, &self.description, self.kind, self.temporality, self.monotonic)
                == (
                    &other.metric,
                    &other.unit,
                    &other.description,
                    other.kind,
                    other.temporality,
                    other.monotonic,
                )
    }

    fn same_scope(&self, other: &Self) -> bool {
        self.resource == other.resource && self.scope == other.scope
    }
}

/// Samples as one batch: neighbours with the same resource, scope and metric share them.
#[derive(Debug, Default)]
pub struct WorldBatch {
    bytes: Vec<u8>,
    elements: Vec<Element>,
    metadata: Span,
    /// Number of the resource of each point.
    pub resource_of: Vec<u32>,
}

#[derive(Debug)]
enum Element {
    Resource(ResourceRef),
    Scope(ScopeRef),
    Metric(MetricRef),
    Point(PointRef),
}

impl WorldBatch {
    pub fn new(samples: &[Sample], metadata: &Attributes) -> Self {
        let mut batch = Self::default();
        batch.metadata = batch.attributes(metadata);
        let (mut before, mut resources): (Option<&Sample>, u32) = (None, 0);
        for sample in samples {
            if before.is_none_or(|before| before.resource != sample.resource) {
                let attributes = batch.attributes(&sample.resource);
                batch.elements.push(Element::Resource(ResourceRef { attributes, ..ResourceRef::default() }));
                resources += 1;
            }
            if !before.is_some_and(|before| before.same_scope(sample)) {
                batch.scope(&sample.scope);
            }
            if !before.is_some_and(|before| before.same_metric(sample)) {
                batch.metric(sample);
            }
            batch.resource_of.push(resources - 1);
            batch.point(sample);
            before = Some(sample);
        }
        batch
    }

    fn scope(&mut self, scope: &Scope) {
        let (name, version) = (self.text(&scope.name), self.text(&scope.version));
        let (attributes, schema_url) = (self.attributes(&scope.attributes), self.text(&scope.schema_url));
        self.elements.push(Element::Scope(ScopeRef { name, version, attributes, schema_url }));
    }

    fn metric(&mut self, sample: &Sample) {
        let metric = MetricRef {
            name: self.text(&sample.metric),
            unit: self.text(&sample.unit),
            description: self.text(&sample.description),
            kind: sample.kind,
            temporality: sample.temporality,
            monotonic: sample.monotonic,
        };
        self.elements.push(Element::Metric(metric));
    }

    fn point(&mut self, sample: &Sample) {
        let attributes = self.attributes(&sample.attributes);
        let value = match &sample.value {
            Value::Number(number) => PointValue::Number(*number),
            Value::Histogram(words) => {
                let offset = self.bytes.len();
                words.iter().for_each(|word| self.bytes.extend_from_slice(&word.to_ne_bytes()));
                PointValue::Distribution(self.since(offset))
            }
        };
        self.elements.push(Element::Point(PointRef {
            attributes,
            start_unix_nano: sample.start,
            time_unix_nano: sample.time,
            value,
            no_recorded_value: sample.no_value,
        }));
    }

    fn text(&mut self, text: &str) -> Span {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        self.since(offset)
    }

    fn attributes(&mut self, attributes: &Attributes) -> Span {
        let offset = self.bytes.len();
        for (key, value) in attributes {
            push_attribute(&mut self.bytes, key, value);
        }
        self.since(offset)
    }

    fn since(&self, offset: usize) -> Span {
        Span { offset: offset as u32, length: (self.bytes.len() - offset) as u32 }
    }

    fn each(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), span.offset as usize, each)
    }
}

impl Batch for WorldBatch {
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed> {
        self.elements.iter().try_for_each(|element| match element {
            Element::Resource(resource) => visitor.resource(*resource),
            Element::Scope(scope) => visitor.scope(*scope),
            Element::Metric(metric) => visitor.metric(*metric),
            Element::Point(point) => visitor.point(*point),
        })
    }

    fn bytes(&self, span: Span) -> &[u8] {
        self.bytes.get(span.offset as usize..(span.offset + span.length) as usize).unwrap_or_default()
    }

    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.each(span, each)
    }

    fn scope_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.each(span, each)
    }

    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.each(span, each)
    }

    fn distribution(&self, span: Span, words: &mut Vec<u64>) -> Result<(), Malformed> {
        let (bytes, _) = self.bytes(span).as_chunks::<8>();
        words.extend(bytes.iter().map(|word| u64::from_ne_bytes(*word)));
        Ok(())
    }

    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.each(self.metadata, each)
    }
}

fn push_attribute(out: &mut Vec<u8>, key: &str, value: &Attr) {
    let mut push =
        |value_type, value: &[u8]| assert!(attribute::push(out, key.as_bytes(), value_type, value));
    match value {
        Attr::Empty => push(ValueType::Empty, &[]),
        Attr::Text(text) => push(ValueType::String, text.as_bytes()),
        Attr::Bool(value) => push(ValueType::Bool, &[u8::from(*value)]),
        Attr::Int(value) => push(ValueType::Int, &value.to_ne_bytes()),
        Attr::Double(value) => push(ValueType::Double, &value.to_ne_bytes()),
        Attr::Bytes(bytes) => push(ValueType::Bytes, bytes),
    }
}

/// Reads attribute records back.
pub fn read_attributes(records: &[u8]) -> Attributes {
    let mut attributes = Vec::new();
    attribute::for_each(records, 0, |record| {
        let read = Attribute::parse(record).unwrap();
        let value = match read.value_type {
            ValueType::Empty => Attr::Empty,
            ValueType::String => Attr::Text(String::from_utf8(read.value.to_vec()).unwrap()),
            ValueType::Bool => Attr::Bool(read.value == [1]),
            ValueType::Int => Attr::Int(read.as_int().unwrap()),
            ValueType::Double => Attr::Double(read.as_double().unwrap()),
            ValueType::Bytes => Attr::Bytes(read.value.to_vec()),
            ValueType::Array | ValueType::Map => panic!("no test writes nested values"),
        };
        attributes.push((String::from_utf8(read.key.to_vec()).unwrap(), value));
    })
    .unwrap();
    attributes
}
