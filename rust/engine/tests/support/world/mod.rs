//! A world around an engine: clients that send anything, a next consumer that applies the answers as the
//! collector component does, and readers that keep what they saw by series.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic)] // each test binary uses its own part

pub mod batch;
pub mod histogram;
pub mod series;

use tokenledger::distribution::DistributionRef;
use tokenledger::verdict::OTHER;
use tokenledger::{
    Action, AttributeEdit, BatchResult, Config, DueValue, Emit, Engine, IdentityKey, Now, Number, Outcomes,
    Tick,
};

use batch::{Attr, Attributes, Sample, Value, WorldBatch, read_attributes};
use series::{Output, Reader};

pub const SECOND: u64 = 1_000_000_000;
pub const MILLI: u64 = 1_000_000;
/// When test engines start, Unix nanoseconds.
pub const BEGAN: u64 = 1_800_000_000 * SECOND;

/// Unix nanoseconds so many seconds after [`BEGAN`].
pub fn at(second: u64) -> u64 {
    BEGAN + second * SECOND
}

/// An engine with a clock to move, and everybody who reads its output.
#[derive(Debug)]
pub struct World {
    pub engine: Engine,
    pub result: BatchResult,
    /// Nanoseconds since [`BEGAN`].
    pub elapsed: u64,
    pub readers: Vec<Reader>,
    /// What became of all points so far.
    pub outcomes: Outcomes,
    /// Points sent so far.
    pub sent: u64,
    /// Client metadata of the next batches.
    pub metadata: Attributes,
}

impl World {
    /// Reads as OTLP does, and with `identity: prometheus` as a Prometheus exporter shows it too.
    pub fn new(config: Config) -> Self {
        let mut readers = vec![Reader::otlp()];
        if config.identity == tokenledger::IdentityMode::Prometheus {
            readers = vec![Reader::prometheus(config.prometheus.clone())];
        }
        let now = Now { wall_unix_nano: BEGAN, monotonic_nano: 0 };
        Self {
            engine: Engine::new(config, key(), now).unwrap(),
            result: BatchResult::default(),
            elapsed: 0,
            readers,
            outcomes: Outcomes::default(),
            sent: 0,
            metadata: Vec::new(),
        }
    }

    pub fn now(&self) -> Now {
        Now { wall_unix_nano: BEGAN + self.elapsed, monotonic_nano: self.elapsed }
    }

    /// Moves both clocks to this many seconds after the start.
    pub fn at(&mut self, second: u64) -> &mut Self {
        self.elapsed = second * SECOND;
        self
    }

    /// Sends one batch, which the next consumer takes; returns what went out.
    pub fn send(&mut self, samples: &[Sample]) -> Vec<Output> {
        let outputs = self.consume(samples);
        self.read(&outputs);
        outputs
    }

    /// Sends one batch whose output the next consumer refuses (L4).
    pub fn send_refused(&mut self, samples: &[Sample]) {
        self.consume(samples);
        self.engine.refused(&self.result, self.now());
    }

    /// Lets everything due go out; `last` is Shutdown.
    pub fn tick(&mut self, last: bool) -> Vec<Output> {
        let mut all = Vec::new();
        for chunk in self.chunks(last, false) {
            self.read(&chunk);
            all.extend(chunk);
        }
        all
    }

    /// As [`Self::tick`], with a next consumer that refuses every chunk.
    pub fn tick_refused(&mut self) {
        self.chunks(false, true);
    }

    fn consume(&mut self, samples: &[Sample]) -> Vec<Output> {
        let batch = WorldBatch::new(samples, &self.metadata);
        self.engine.consume(&batch, self.now(), &mut self.result).unwrap();
        assert_eq!(self.result.verdicts.len(), samples.len(), "one verdict per point");
        self.sent += samples.len() as u64;
        add_outcomes(&mut self.outcomes, &self.result.outcomes);
        assert_eq!(count(&self.outcomes), self.sent, "each point has exactly one outcome");
        applied(samples, &batch, &self.result)
    }

    fn chunks(&mut self, last: bool, refuse: bool) -> Vec<Vec<Output>> {
        let (mut tick, mut chunks) = (Tick::default(), Vec::new());
        while !tick.is_done() {
            self.engine.tick(self.now(), last, &mut tick).unwrap();
            let mut chunk = Vec::new();
            for metric in tick.metrics() {
                if refuse {
                    self.engine.tick_refused(&tick, &metric.descriptor.scope.resource.metadata);
                }
                chunk.extend(metric.points().map(|due| Output::of_tick(metric.descriptor, &due)));
            }
            chunks.push(chunk);
        }
        chunks
    }

    fn read(&mut self, outputs: &[Output]) {
        self.readers.iter_mut().for_each(|reader| reader.read(outputs));
    }

    /// The first reader: what the assertions of most tests are about.
    pub fn reader(&self) -> &Reader {
        &self.readers[0]
    }

    /// Sum of the latest integer totals of all series whose metric has this name.
    pub fn sum(&self, metric: &str) -> i64 {
        self.reader().latest(metric).map(|output| output.value.int()).sum()
    }
}

/// The outputs of a batch in the order of their times, as the component writes them.
pub fn applied(samples: &[Sample], batch: &WorldBatch, result: &BatchResult) -> Vec<Output> {
    let mut outputs = Vec::new();
    let output = |number: usize, overflow: bool| {
        let (sample, verdict) = (&samples[number], &result.verdicts[number]);
        let mut resource = sample.resource.clone();
        edit(&mut resource, 0, 0, owned(&result.resource_edits, batch.resource_of[number]));
        let mut attributes = sample.attributes.clone();
        if overflow {
            attributes = vec![("otel.metric.overflow".to_owned(), Attr::Bool(true))];
        } else {
            let further = owned(&result.point_edits, number as u32);
            assert_eq!(further.is_empty(), verdict.has_edits == 0, "has_edits tells of further edits");
            edit(&mut attributes, verdict.remove, verdict.replace, further);
        }
        Output { resource, attributes, ..Output::of_sample(sample) }
    };
    for zero in &result.added {
        let value = if zero.is_double == 1 { Number::Double(0.0) } else { Number::Int(0) };
        let like = output(zero.point as usize, zero.overflow == 1);
        let value = if like.kind.is_histogram() { Value::zero_histogram() } else { Value::Number(value) };
        let (start, time) = (zero.start_unix_nano, zero.time_unix_nano);
        outputs.push(Output { start, time, value, written: true, ..like });
    }
    for (number, verdict) in result.verdicts.iter().enumerate() {
        if verdict.action == Action::Drop as u8 {
            continue;
        }
        let mut like = output(number, verdict.action == Action::WriteOverflow as u8);
        if verdict.action != Action::Keep as u8 {
            (like.start, like.time) = (verdict.start_unix_nano, verdict.time_unix_nano);
            like.written = true;
            like.value = match verdict.value() {
                Some(value) if !like.kind.is_histogram() => Value::Number(value),
                _ if verdict.action == Action::WriteZero as u8 => Value::zero_histogram(),
                _ => Value::Histogram(first_distribution(&result.words[verdict.value_bits as usize..])),
            };
        }
        outputs.push(like);
    }
    outputs.sort_by_key(|output| output.time);
    outputs
}

/// The distribution that begins here; words do not say where they end, their header does.
fn first_distribution(words: &[u64]) -> Vec<u64> {
    let length = match words[0] & 0xff {
        1 => 6 + (words[5] & u64::from(u32::MAX)) + (words[5] >> 32),
        _ => 10 + (words[8] >> 32) + (words[9] >> 32),
    };
    let words = &words[..length as usize];
    DistributionRef::parse(words).unwrap();
    words.to_vec()
}

fn owned(edits: &[AttributeEdit], owner: u32) -> &[AttributeEdit] {
    assert!(edits.is_sorted_by_key(|edit| (edit.owner, edit.attribute)), "edits are sorted");
    let begin = edits.partition_point(|edit| edit.owner < owner);
    &edits[begin..edits.partition_point(|edit| edit.owner <= owner)]
}

/// T1, T2: the first 32 by bits, all by the list.
fn edit(attributes: &mut Attributes, remove: u32, replace: u32, edits: &[AttributeEdit]) {
    let bit = |mask: u32, i: usize| i < 32 && mask >> i & 1 == 1;
    let listed = |i: usize, replace| {
        edits.iter().any(|edit| edit.attribute as usize == i && (edit.replace == 1) == replace)
    };
    let mut kept = Vec::new();
    for (i, (key, value)) in attributes.drain(..).enumerate() {
        if bit(remove, i) || listed(i, false) {
            continue;
        }
        let other = bit(replace, i) || listed(i, true);
        kept.push((key, if other { Attr::Text(OTHER.to_owned()) } else { value }));
    }
    *attributes = kept;
}

impl Output {
    pub fn of_tick(descriptor: &tokenledger::MetricDescriptor, due: &tokenledger::Due<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (scope, resource) = (&descriptor.scope, &descriptor.scope.resource);
        Self {
            resource: read_attributes(&resource.attributes),
            metadata: read_attributes(&resource.metadata),
            scope: batch::Scope {
                name: text(&scope.name),
                version: text(&scope.version),
                attributes: read_attributes(&scope.attributes),
                schema_url: text(&scope.schema_url),
            },
            metric: text(&descriptor.name),
            unit: text(&descriptor.unit),
            kind: descriptor.kind,
            monotonic: descriptor.monotonic,
            attributes: read_attributes(due.attributes),
            start: due.start_unix_nano,
            time: due.time_unix_nano,
            value: match due.value {
                DueValue::Number(number) => Value::Number(number),
                DueValue::Distribution(words) => Value::Histogram(words.to_vec()),
            },
            written: true,
        }
    }
}

pub fn count(outcomes: &Outcomes) -> u64 {
    let o = outcomes;
    o.accepted
        + o.duplicate
        + o.late
        + o.invalid
        + o.overflow
        + o.no_value
        + o.superseded
        + o.baseline
        + o.refused
        + o.untouched
}

fn add_outcomes(sum: &mut Outcomes, more: &Outcomes) {
    sum.accepted += more.accepted;
    sum.duplicate += more.duplicate;
    sum.late += more.late;
    sum.invalid += more.invalid;
    sum.overflow += more.overflow;
    sum.no_value += more.no_value;
    sum.superseded += more.superseded;
    sum.baseline += more.baseline;
    sum.refused += more.refused;
    sum.untouched += more.untouched;
}

pub fn interval(config: Config) -> Config {
    Config { emit: Emit::Interval, ..config }
}

pub fn key() -> IdentityKey {
    IdentityKey::new(std::array::from_fn(|i| (i * 151 + 7) as u8))
}
