//! A batch made by hand, and an engine with a clock to move, for the tests and benches of this crate.
#![allow(dead_code, missing_docs, clippy::unwrap_used)] // each test binary uses its own part

use std::collections::BTreeMap;

use tokenledger::attribute::{self, Attribute, ValueType};
use tokenledger::batch::{Batch, MetricRef, PointRef, PointValue, ResourceRef, ScopeRef, Span, Visitor};
use tokenledger::identity::AttributeSum;
use tokenledger::{
    Action, BatchResult, Config, DueValue, Emit, Engine, IdentityKey, Malformed, Now, Number, Tick,
};

pub const SECOND: u64 = 1_000_000_000;
pub const MILLI: u64 = 1_000_000;
/// When test engines start, Unix nanoseconds.
pub const BEGAN: u64 = 1_800_000_000 * SECOND;

/// One point of the metric `tokens`; times in nanoseconds after [`BEGAN`], except 0, which is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub stream: String,
    pub start: u64,
    pub time: u64,
    pub value: Number,
    pub no_value: bool,
    pub monotonic: bool,
}

pub fn point(stream: &str, start_second: u64, time_second: u64, value: i64) -> Point {
    Point {
        stream: stream.to_owned(),
        start: BEGAN + start_second * SECOND,
        time: BEGAN + time_second * SECOND,
        value: Number::Int(value),
        no_value: false,
        monotonic: true,
    }
}

/// A batch of one resource, one scope, and a metric per run of equal monotonicity.
#[derive(Debug, Default)]
pub struct TestBatch {
    bytes: Vec<u8>,
    name: Span,
    points: Vec<(bool, PointRef)>,
}

impl TestBatch {
    pub fn new(points: &[Point]) -> Self {
        let mut batch = Self { name: Span { offset: 0, length: 6 }, ..Self::default() };
        batch.bytes.extend_from_slice(b"tokens");
        for point in points {
            batch.push(point, &[("session.id", &point.stream)]);
        }
        batch
    }

    /// As [`Self::new`], of another metric than `tokens`.
    pub fn of_metric(name: &str) -> Self {
        let mut batch = Self { name: Span { offset: 0, length: name.len() as u32 }, ..Self::default() };
        batch.bytes.extend_from_slice(name.as_bytes());
        batch
    }

    pub fn push(&mut self, point: &Point, attributes: &[(&str, &str)]) {
        let offset = self.bytes.len() as u32;
        for (key, value) in attributes {
            assert!(attribute::push(&mut self.bytes, key.as_bytes(), ValueType::String, value.as_bytes()));
        }
        let attributes = Span { offset, length: self.bytes.len() as u32 - offset };
        let reference = PointRef {
            attributes,
            start_unix_nano: point.start,
            time_unix_nano: point.time,
            value: PointValue::Number(point.value),
            no_recorded_value: point.no_value,
        };
        self.points.push((point.monotonic, reference));
    }

    /// Moves all windows; for benches that send the same streams again and again.
    pub fn set_times(&mut self, start: u64, time: u64) {
        for (_, point) in &mut self.points {
            (point.start_unix_nano, point.time_unix_nano) = (start, time);
        }
    }
}

impl Batch for TestBatch {
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed> {
        visitor.resource(ResourceRef::default())?;
        visitor.scope(ScopeRef::default())?;
        for run in self.points.chunk_by(|a, b| a.0 == b.0) {
            visitor.metric(MetricRef { name: self.name, monotonic: run[0].0, ..MetricRef::default() })?;
            run.iter().try_for_each(|(_, point)| visitor.point(*point))?;
        }
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        &self.bytes[span.offset as usize..(span.offset + span.length) as usize]
    }

    fn resource_attributes(&self, _: Span, _: impl FnMut(&[u8])) -> Result<(), Malformed> {
        Ok(())
    }

    fn scope_attributes(&self, _: Span, _: impl FnMut(&[u8])) -> Result<(), Malformed> {
        Ok(())
    }

    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), span.offset as usize, each)
    }

    fn distribution(&self, _: Span, _: &mut Vec<u64>) -> Result<(), Malformed> {
        Ok(()) // there are no histograms in these batches: see `world`
    }

    fn metadata(&self, _: impl FnMut(&[u8])) -> Result<(), Malformed> {
        Ok(())
    }
}

/// A point that went out: milliseconds after [`BEGAN`], and the total.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Out {
    pub milli: i64,
    pub value: Number,
}

/// An engine, its clock, and everything that has gone out of it so far by stream.
#[derive(Debug)]
pub struct Harness {
    pub engine: Engine,
    pub result: BatchResult,
    /// Nanoseconds since [`BEGAN`].
    pub elapsed: u64,
    pub wall_offset: i64,
    pub out: BTreeMap<String, Vec<Out>>,
    pub starts: BTreeMap<String, Vec<u64>>,
}

pub fn config() -> Config {
    Config::default()
}

pub fn interval(config: Config) -> Config {
    Config { emit: Emit::Interval, ..config }
}

impl Harness {
    pub fn new(config: Config) -> Self {
        let key = test_key();
        let now = Now { wall_unix_nano: BEGAN, monotonic_nano: 0 };
        Self {
            engine: Engine::new(config, key, now).unwrap(),
            result: BatchResult::default(),
            elapsed: 0,
            wall_offset: 0,
            out: BTreeMap::new(),
            starts: BTreeMap::new(),
        }
    }

    pub fn now(&self) -> Now {
        let wall = (BEGAN + self.elapsed).saturating_add_signed(self.wall_offset);
        Now { wall_unix_nano: wall, monotonic_nano: self.elapsed }
    }

    /// Moves both clocks to this many seconds after the start.
    pub fn at(&mut self, second: u64) -> &mut Self {
        self.elapsed = second * SECOND;
        self
    }

    /// Sends points and returns what went out in their batch, in order of time.
    pub fn send(&mut self, points: &[Point]) -> Vec<Out> {
        let batch = TestBatch::new(points);
        self.engine.consume(&batch, self.now(), &mut self.result).unwrap();
        assert_eq!(self.result.verdicts.len(), points.len());
        let mut out = Vec::new();
        for added in &self.result.added {
            let zero = if added.is_double == 1 { Number::Double(0.0) } else { Number::Int(0) };
            let stream = points[added.point as usize].stream.clone();
            out.push((stream, added.start_unix_nano, added.time_unix_nano, zero));
        }
        for (point, verdict) in points.iter().zip(&self.result.verdicts) {
            assert!(verdict.action <= Action::WriteOverflow as u8);
            if let Some(value) = verdict.value() {
                let overflow = verdict.action == Action::WriteOverflow as u8;
                let stream = if overflow { "overflow".to_owned() } else { point.stream.clone() };
                out.push((stream, verdict.start_unix_nano, verdict.time_unix_nano, value));
            }
        }
        out.sort_by_key(|(_, _, time, _)| *time);
        out.into_iter().map(|(stream, start, time, value)| self.note(stream, start, time, value)).collect()
    }

    /// Lets everything due go out; `last` is Shutdown.
    pub fn tick(&mut self, last: bool) -> Vec<Out> {
        self.tick_with(last, false)
    }

    /// As [`Self::tick`], with a next consumer that refuses every chunk.
    pub fn refused_tick(&mut self) {
        self.tick_with(false, true);
    }

    fn tick_with(&mut self, last: bool, refuse: bool) -> Vec<Out> {
        let mut tick = Tick::default();
        let mut all = Vec::new();
        while !tick.is_done() {
            self.engine.tick(self.now(), last, &mut tick).unwrap();
            if refuse {
                self.engine.tick_refused(&tick, &[]);
                continue;
            }
            for metric in tick.metrics() {
                assert_eq!(&*metric.descriptor.name, b"tokens");
                for due in metric.points() {
                    let attribute = Attribute::parse(due.attributes).unwrap();
                    let overflow = attribute.value_type == ValueType::Bool;
                    let stream = if overflow { b"overflow" } else { attribute.value };
                    let stream = String::from_utf8(stream.to_vec()).unwrap();
                    let DueValue::Number(value) = due.value else { unreachable!("only sums were sent") };
                    all.push((stream, due.start_unix_nano, due.time_unix_nano, value));
                }
            }
        }
        all.into_iter().map(|(stream, start, time, value)| self.note(stream, start, time, value)).collect()
    }

    fn note(&mut self, stream: String, start: u64, time: u64, value: Number) -> Out {
        assert_eq!(time % MILLI, 0, "output times are whole milliseconds");
        assert!(start <= time, "a stream starts at or before its first output");
        let out = Out { milli: (time / MILLI) as i64 - (BEGAN / MILLI) as i64, value };
        self.out.entry(stream.clone()).or_default().push(out);
        self.starts.entry(stream).or_default().push(start);
        out
    }

    /// The last total that went out for a stream.
    pub fn total(&self, stream: &str) -> Option<Number> {
        Some(self.out.get(stream)?.last()?.value)
    }
}

pub fn out(milli: i64, value: i64) -> Out {
    Out { milli, value: Number::Int(value) }
}

/// The part of the store, of 64, that holds a stream of [`Harness`], by its attribute record.
pub fn shard_of(record: &[u8]) -> usize {
    let (key, mut scratch) = (test_key(), Vec::new());
    let resource = key.parts(&mut scratch, &[0, 0], &[]);
    let scope = key.parts(&mut scratch, &[resource.0, 0], &[b"", b""]);
    let metric = key.parts(&mut scratch, &[scope.0], &[b"tokens", b"", b"sum+"]);
    let mut sum = AttributeSum::default();
    sum.add(key.attribute(record));
    key.stream(metric, sum).shard(64)
}

pub fn test_key() -> IdentityKey {
    IdentityKey::new(std::array::from_fn(|i| (i * 151 + 7) as u8))
}
