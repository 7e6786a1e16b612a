//! The metrics that scripts write, and a batch of them.

use tokenledger::attribute::{self, ValueType};
use tokenledger::batch::{
    Batch, MetricKind, MetricRef, PointRef, PointValue, ResourceRef, ScopeRef, Span, Temporality, Visitor,
};
use tokenledger::{Malformed, Number};

/// Attribute that the rules leave, or limit to some values.
pub(super) const SERIES: &str = "s";
/// Attribute that the rules remove.
pub(super) const SESSION: &str = "session.id";
/// Another name that is the same label of Prometheus (T0).
pub(super) const SESSION_RESPELLED: &str = "session_id";
/// Attribute of the resource, beside `service.name`.
pub(super) const OS_VERSION: &str = "os.version";

/// What is known of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Metric {
    pub name: &'static str,
    pub kind: MetricKind,
    pub monotonic: bool,
    /// Whether its totals are checked; otherwise its values are anything.
    pub tracked: bool,
    /// Whether a series begins at 0 (D6): not where totals may come in, or where it may fall.
    pub begins_at_zero: bool,
}

const fn metric(name: &'static str, kind: MetricKind) -> Metric {
    Metric { name, kind, monotonic: true, tracked: true, begins_at_zero: true }
}

pub(super) const TOKENS: usize = 0;
pub(super) const UP_DOWN: usize = 1;
pub(super) const LATENCY: usize = 2;
pub(super) const SIZE: usize = 3;
pub(super) const TOTAL: usize = 4;
pub(super) const WAITS: usize = 5;
pub(super) const MIXED: usize = 6;
pub(super) const LEVEL: usize = 7;
pub(super) const WILD_SUM: usize = 8;
pub(super) const WILD_EXPLICIT: usize = 9;
pub(super) const WILD_EXPONENTIAL: usize = 10;

/// All metrics, by the numbers above.
pub(super) const METRICS: [Metric; 11] = [
    metric("tokens", MetricKind::Sum),
    Metric { monotonic: false, begins_at_zero: false, ..metric("updown", MetricKind::Sum) },
    metric("latency", MetricKind::ExplicitHistogram),
    metric("size", MetricKind::ExponentialHistogram),
    Metric { begins_at_zero: false, ..metric("total", MetricKind::Sum) },
    Metric { begins_at_zero: false, ..metric("waits", MetricKind::ExplicitHistogram) },
    Metric { begins_at_zero: false, ..metric("mixed", MetricKind::Sum) },
    wild(Metric { monotonic: false, ..metric("level", MetricKind::Gauge) }),
    wild(metric("wild sum", MetricKind::Sum)),
    wild(metric("wild explicit", MetricKind::ExplicitHistogram)),
    wild(metric("wild exponential", MetricKind::ExponentialHistogram)),
];

const fn wild(metric: Metric) -> Metric {
    Metric { tracked: false, begins_at_zero: false, ..metric }
}

/// A point of a script.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Index into [`METRICS`].
    pub metric: usize,
    pub temporality: Temporality,
    /// Which of two resources.
    pub resource: u8,
    /// Attribute records.
    pub attributes: Vec<u8>,
    pub start: u64,
    pub time: u64,
    pub value: Value,
    pub no_value: bool,
    /// Buckets of a total, or its value alone, in quarters: what a member is compared by (T3).
    pub parts: Vec<u64>,
}

/// What a point carries.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(Number),
    Words(Vec<u64>),
}

impl Point {
    /// Whether it is the increase of a window.
    pub fn is_increase(&self) -> bool {
        self.temporality == Temporality::Delta && METRICS[self.metric].kind != MetricKind::Gauge
    }

    /// T3: the member that a total belongs to.
    pub fn member(&self) -> Option<Member> {
        (self.temporality == Temporality::Cumulative)
            .then(|| (self.metric, self.resource, self.attributes.clone(), self.start))
    }
}

/// Metric, resource, attributes and start.
pub(super) type Member = (usize, u8, Vec<u8>, u64);

/// The points of one batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    pub points: Vec<Point>,
    /// What spans refer to, written once per batch.
    bytes: Vec<u8>,
    spans: Vec<Spans>,
}

/// Name, resource attributes, attributes, distribution words.
type Spans = [Span; 4];

impl Script {
    /// Whether it holds a total of the same member already.
    pub fn has_member_of(&self, point: &Point) -> bool {
        let member = point.member();
        member.is_some() && self.points.iter().any(|other| other.member() == member)
    }

    /// Whether it holds deltas of sums or histograms and `point` is something else, or the reverse.
    pub fn has_other_kinds_than(&self, point: &Point) -> bool {
        self.points.first().is_some_and(|first| first.is_increase() != point.is_increase())
    }

    /// D3a: a batch with a point without time has no digest.
    pub fn has_digest(&self) -> bool {
        self.points.iter().all(|point| point.time != 0)
    }

    /// Ready to be read.
    pub fn sealed(mut self) -> Self {
        for point in &self.points {
            let words: Vec<u8> = match &point.value {
                Value::Number(_) => Vec::new(),
                Value::Words(words) => words.iter().flat_map(|word| word.to_ne_bytes()).collect(),
            };
            let name = METRICS[point.metric].name.as_bytes();
            let resource = resource_attributes(point.resource);
            self.spans.push([name, &resource, &point.attributes, &words].map(|part| {
                let span = Span { offset: self.bytes.len() as u32, length: part.len() as u32 };
                self.bytes.extend_from_slice(part);
                span
            }));
        }
        self
    }
}

/// The attributes of a resource, as records.
pub(super) fn resource_attributes(resource: u8) -> Vec<u8> {
    let mut out = Vec::new();
    attribute::push(&mut out, b"service.name", ValueType::String, b"claude-code");
    attribute::push(&mut out, OS_VERSION.as_bytes(), ValueType::String, &[b'0' + resource]);
    out
}

impl Batch for Script {
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed> {
        let mut before: Option<(u8, usize, Temporality)> = None;
        for (point, [name, resource, attributes, words]) in self.points.iter().zip(&self.spans) {
            let Metric { kind, monotonic, .. } = METRICS[point.metric];
            let now = (point.resource, point.metric, point.temporality);
            if before.is_none_or(|before| before.0 != now.0) {
                visitor.resource(ResourceRef { attributes: *resource, ..ResourceRef::default() })?;
                visitor.scope(ScopeRef::default())?;
            }
            if before != Some(now) {
                let temporality = point.temporality;
                visitor.metric(MetricRef {
                    name: *name,
                    kind,
                    temporality,
                    monotonic,
                    ..Default::default()
                })?;
            }
            before = Some(now);
            visitor.point(PointRef {
                attributes: *attributes,
                start_unix_nano: point.start,
                time_unix_nano: point.time,
                value: match point.value {
                    Value::Number(number) => PointValue::Number(number),
                    Value::Words(_) => PointValue::Distribution(*words),
                },
                no_recorded_value: point.no_value,
            })?;
        }
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        let begin = span.offset as usize;
        self.bytes.get(begin..begin + span.length as usize).unwrap_or_default()
    }

    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), span.offset as usize, each)
    }

    fn scope_attributes(&self, _: Span, _: impl FnMut(&[u8])) -> Result<(), Malformed> {
        Ok(())
    }

    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), span.offset as usize, each)
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
