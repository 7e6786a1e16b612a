//! A script of batches, ticks, refusals and clock steps against an engine, and the sum that must come out.

use std::collections::BTreeMap;

use tokenledger::attribute::{self, Attribute, ValueType};
use tokenledger::batch::{Batch, MetricRef, PointRef, ResourceRef, ScopeRef, Span, Visitor};
use tokenledger::{
    BatchResult, Config, Emit, Engine, Malformed, Now, Number, Retransmissions, Tick, Verdict,
    verdict::Action,
};

use crate::through::{NOW, new_engine};

const SECOND: u64 = 1_000_000_000;
/// Whole requests are recognised for this long (D3a); scripts end before.
const LONGEST_SCRIPT: u64 = 29 * 60 * SECOND;

/// Runs `data` as a script. The first byte chooses the settings, each four further bytes are a step.
///
/// Promises: every increment that was taken comes out, once (D2, D3, D5, T5, L4, L5); the output of a
/// series is strictly newer each time, in whole milliseconds (D4), and never falls; it begins at
/// 0 (D6) unless that zero was refused.
pub fn engine(data: &[u8]) {
    let Some((settings, script)) = data.split_first() else { return };
    let mut run = Run::new(*settings);
    for step in script.chunks_exact(4) {
        run.step([step[0], step[1], step[2], step[3]]);
        if run.now.monotonic_nano - NOW.monotonic_nano > LONGEST_SCRIPT {
            break;
        }
    }
    run.finish();
}

/// A series as a reader of the output sees it: the value of its attribute, or the overflow mark.
type Series = Vec<u8>;

struct Run {
    engine: Engine,
    recognise: bool,
    now: Now,
    batch: Script,
    previous: Option<Script>,
    /// Whether the previous batch was refused and not sent again since.
    refused: bool,
    /// Whether any output was refused so far.
    any_refusal: bool,
    windows: u64,
    /// What was sent and is not a retransmission.
    sent: i64,
    /// Last output per series: time in milliseconds and value.
    seen: BTreeMap<Series, (u64, i64)>,
}

/// The points of one batch: attribute value, start, time, increment.
#[derive(Clone, Default)]
struct Script {
    points: Vec<([u8; 1], u64, u64, i64)>,
    /// The attribute records that spans refer to, written once per batch.
    bytes: Vec<u8>,
}

impl Run {
    fn new(settings: u8) -> Self {
        let bit = |number: u8| settings >> number & 1 == 1;
        let config = Config {
            emit: if bit(0) { Emit::Interval } else { Emit::Each },
            retransmissions: if bit(1) { Retransmissions::Add } else { Retransmissions::Recognise },
            first_value_delay_nano: if bit(2) { 3 * SECOND } else { 0 },
            max_lag_nano: if bit(3) { 0 } else { 300 * SECOND },
            max_streams: if bit(4) { 3 } else { 1000 },
            ..Config::default()
        };
        Self {
            engine: new_engine(config, NOW),
            recognise: !bit(1),
            now: NOW,
            batch: Script::default(),
            previous: None,
            refused: false,
            any_refusal: false,
            windows: 0,
            sent: 0,
            seen: BTreeMap::new(),
        }
    }

    fn step(&mut self, [kind, a, b, c]: [u8; 4]) {
        match kind % 8 {
            0..=3 => self.add_point(a, b, c),
            4 => self.send(a % 4 == 0),
            5 => self.send_again(),
            6 => self.advance(u64::from(a) * SECOND / 16),
            _ => self.step_clock_back(a),
        }
        if kind % 8 == 6 {
            self.tick(false, b % 4 == 0);
        }
    }

    /// A window of stream `a` that ends up to two minutes before or after now; none equals another.
    fn add_point(&mut self, a: u8, b: u8, c: u8) {
        self.windows += 1;
        let offset = i64::from(c as i8) * SECOND as i64;
        let time = self.now.wall_unix_nano.saturating_add_signed(offset) + self.windows;
        let start = if a & 0x80 == 0 { time - SECOND } else { 0 };
        self.batch.points.push(([a % 8], start, time, i64::from(b)));
    }

    fn send(&mut self, refuse: bool) {
        if self.batch.points.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch).sealed();
        self.sent += batch.points.iter().map(|(_, _, _, value)| value).sum::<i64>();
        self.deliver(&batch, refuse);
        (self.previous, self.refused) = (Some(batch), refuse);
    }

    /// D3a: a sender's retry. Where equal points are added, only that of a refused batch, once.
    fn send_again(&mut self) {
        if !self.recognise && !std::mem::take(&mut self.refused) {
            return;
        }
        if let Some(batch) = self.previous.clone() {
            self.deliver(&batch, false);
        }
    }

    fn deliver(&mut self, batch: &Script, refuse: bool) {
        let mut result = BatchResult::default();
        let consumed = self.engine.consume(batch, self.now, &mut result);
        assert_eq!(consumed, Ok(()));
        assert_eq!(result.verdicts.len(), batch.points.len());
        if refuse {
            self.any_refusal = true;
            self.engine.refused(&result, self.now);
        } else {
            self.read_verdicts(batch, &result);
        }
    }

    fn read_verdicts(&mut self, batch: &Script, result: &BatchResult) {
        let mut outputs: Vec<(Series, u64, i64)> = Vec::new();
        for (point, verdict) in batch.points.iter().zip(&result.verdicts) {
            if let Some(value) = verdict.value() {
                outputs.push((series(point.0, verdict), verdict.time_unix_nano, whole(value)));
            }
        }
        for added in &result.added {
            let series = match added.overflow {
                0 => batch.points[added.point as usize].0.to_vec(),
                _ => b"overflow".to_vec(),
            };
            outputs.push((series, added.time_unix_nano, 0));
        }
        // The order of points in one batch carries no meaning: readers sort by time.
        outputs.sort_by_key(|(_, time, _)| *time);
        outputs.into_iter().for_each(|(series, time, value)| self.observe(series, time, value));
    }

    fn advance(&mut self, nanoseconds: u64) {
        self.now.wall_unix_nano += nanoseconds;
        self.now.monotonic_nano += nanoseconds;
    }

    fn step_clock_back(&mut self, seconds: u8) {
        self.now.wall_unix_nano -= u64::from(seconds) * SECOND;
    }

    fn tick(&mut self, last: bool, refuse: bool) {
        let mut tick = Tick::default();
        while !tick.is_done() {
            self.engine.tick(self.now, last, &mut tick);
            if refuse {
                self.any_refusal = true;
                self.engine.tick_refused(&tick, &[]);
                continue;
            }
            for metric in tick.metrics() {
                for point in metric.points() {
                    self.observe(series_of(point.attributes), point.time_unix_nano, whole(point.value));
                }
            }
        }
    }

    fn observe(&mut self, series: Series, time: u64, value: i64) {
        assert_eq!(time % 1_000_000, 0, "whole milliseconds (D4)");
        let time = time / 1_000_000;
        match self.seen.get(&series) {
            // A zero that was refused may be lost; the value is not.
            None => assert!(value == 0 || self.any_refusal, "{series:?} begins at {value} (D6)"),
            Some((last_time, last_value)) => {
                assert!(time > *last_time, "{series:?}: {time} after {last_time} (D4)");
                assert!(value >= *last_value, "{series:?}: {value} after {last_value}");
            }
        }
        self.seen.insert(series, (time, value));
    }

    fn finish(mut self) {
        self.send(false);
        self.tick(true, false);
        let total: i64 = self.seen.values().map(|(_, value)| value).sum();
        assert_eq!(total, self.sent, "every increment, once: {:?}", self.seen);
        self.tick(true, false);
    }
}

fn series(attribute: [u8; 1], verdict: &Verdict) -> Series {
    match verdict.action == Action::WriteOverflow as u8 {
        true => b"overflow".to_vec(),
        false => attribute.to_vec(),
    }
}

fn series_of(attributes: &[u8]) -> Series {
    match Attribute::parse(attributes) {
        Ok(attribute) if attribute.key == b"s" => attribute.value.to_vec(),
        _ => b"overflow".to_vec(),
    }
}

fn whole(value: Number) -> i64 {
    match value {
        Number::Int(value) => value,
        Number::Double(value) => unreachable!("only integers went in, {value} came out"),
    }
}

impl Script {
    fn sealed(mut self) -> Self {
        for (value, ..) in &self.points {
            attribute::push(&mut self.bytes, b"s", ValueType::Bytes, value);
        }
        self
    }
}

/// Bytes of one record: header, one byte of key, one of value.
const RECORD: u32 = attribute::HEADER as u32 + 2;

impl Batch for Script {
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed> {
        visitor.resource(ResourceRef::default())?;
        visitor.scope(ScopeRef::default())?;
        visitor.metric(MetricRef { monotonic: true, ..MetricRef::default() })?;
        for (number, (_, start, time, value)) in self.points.iter().enumerate() {
            visitor.point(PointRef {
                attributes: Span { offset: number as u32 * RECORD, length: RECORD },
                start_unix_nano: *start,
                time_unix_nano: *time,
                value: Number::Int(*value),
                no_recorded_value: false,
            })?;
        }
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        let begin = span.offset as usize;
        self.bytes.get(begin..begin + span.length as usize).unwrap_or_default()
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

    fn metadata(&self, _: impl FnMut(&[u8])) -> Result<(), Malformed> {
        Ok(())
    }
}
