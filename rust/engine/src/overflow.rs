//! What found no room (T5): idle streams make room, the rest adds up in overflow streams.
//!
//! First comes the overflow stream of the very metric, with its resource. Where even that has no room,
//! because resources or scopes flood the engine, one stream for the metric of that name takes all. It
//! has no resource, so it goes out at ticks only. What finds no room there either is refused.

use std::collections::BTreeMap;

use crate::apply::{Application, Round};
use crate::attribute::{self, Attribute, ValueType};
use crate::batch::{Batch, MetricKind};
use crate::budget::Claim;
use crate::engine::Engine;
use crate::identity::{AttributeSum, Identity};
use crate::intern::InternId;
use crate::label::LabelSet;
use crate::path::{Labels, MetricPath};
use crate::result::{BatchResult, Course, IncomingPoint, Spelling};
use crate::source::Link;

impl<B: Batch> Application<'_, B> {
    /// Finds a place for the points in `result.roomless`.
    pub(crate) fn apply_roomless(&self, result: &mut BatchResult) {
        if result.roomless.is_empty() {
            return;
        }
        let (wanted, bytes) = self.wanted(result, |point| self.cost(point, result, Round::Ordinary));
        let second = self.emission.clock.monotonic_second;
        if wanted > 0 && self.engine.make_room(wanted, bytes, second) > 0 {
            self.again(result, Round::Ordinary);
        }
        self.drop_what_cannot_overflow(result);
        self.redirect(result, |this, result, index| this.overflow_stream(result, index));
        self.again(result, Round::Overflow(Claim::Overflow));
        if result.roomless.is_empty() {
            return;
        }
        let mut paths = BTreeMap::new();
        self.redirect(result, |this, result, index| this.last_stream(result, index, &mut paths));
        self.again(result, Round::Overflow(Claim::Last));
        result.outcomes.refused += result.roomless.len() as u64;
        for index in &result.roomless {
            result.points[*index as usize].course = Course::Done;
        }
        result.roomless.clear();
    }

    /// How many of the points without room others should make room for, and the bytes of the largest.
    pub(crate) fn wanted(
        &self,
        result: &BatchResult,
        cost: impl Fn(&IncomingPoint) -> usize,
    ) -> (usize, usize) {
        let points = result.roomless.iter().map(|index| &result.points[*index as usize]);
        // A point that is too large for a stream of its own needs no room.
        let costs = points.filter(|point| !point.oversized).map(cost);
        costs.fold((0, 0), |(count, largest), bytes| (count + 1, largest.max(bytes)))
    }

    /// One more round for the points that found no room.
    fn again(&self, result: &mut BatchResult, round: Round) {
        let mut roomless = std::mem::take(&mut result.roomless);
        roomless.sort_by_key(|index| result.points[*index as usize].shard());
        let mut rest = roomless.as_slice();
        while let Some(first) = rest.first() {
            let shard = result.points[*first as usize].shard();
            let same = |index: &u32| result.points[*index as usize].shard() == shard;
            let (group, others) = rest.split_at(rest.partition_point(same));
            self.apply_group(group, result, round);
            rest = others;
        }
    }

    /// Bases of members add nothing (T3), and gauges of different streams are no sum (T4).
    fn drop_what_cannot_overflow(&self, result: &mut BatchResult) {
        let mut roomless = std::mem::take(&mut result.roomless);
        roomless.retain(|index| {
            let point = &result.points[*index as usize];
            if point.course == Course::Base {
                result.outcomes.baseline += 1;
                return false;
            }
            let gauge = result.path(point).metric.kind == MetricKind::Gauge;
            result.outcomes.refused += u64::from(gauge);
            !gauge
        });
        result.roomless = roomless;
    }

    fn redirect(
        &self,
        result: &mut BatchResult,
        mut stream: impl FnMut(&Self, &mut BatchResult, u32) -> (Identity, Spelling),
    ) {
        for place in 0..result.roomless.len() {
            let index = result.roomless[place];
            let (stream, spelling) = stream(self, result, index);
            let point = &mut result.points[index as usize];
            (point.stream, point.spelling, point.link) = (stream, spelling, Link::NONE);
        }
    }

    fn overflow_stream(&self, result: &mut BatchResult, index: u32) -> (Identity, Spelling) {
        let path = result.path(&result.points[index as usize]);
        let spelling = match path.plan.two_level {
            true => Spelling::Unknown(self.trimmer().spelling(path, raw_sum(self.engine))),
            false => Spelling::Same,
        };
        (self.engine.overflow_identity(path), spelling)
    }

    /// `paths`: the metrics of the batch without their resources, by the place of the metric.
    fn last_stream(
        &self,
        result: &mut BatchResult,
        index: u32,
        paths: &mut BTreeMap<u32, u32>,
    ) -> (Identity, Spelling) {
        let metric = result.points[index as usize].metric;
        let place = *paths.entry(metric).or_insert_with(|| {
            let labels = Labels::new(&self.engine.config);
            let path = result.metrics[metric as usize].without_parents(&self.engine.key, labels, self.batch);
            result.metrics.push(path);
            (result.metrics.len() - 1) as u32
        });
        let point = &mut result.points[index as usize];
        (point.metric, point.text) = (place, None);
        (self.engine.overflow_identity(&result.metrics[place as usize]), Spelling::Other)
    }

    /// The attribute list of an overflow stream.
    pub(crate) fn intern_overflow(&self) -> Box<[InternId]> {
        let record = record();
        let identity = self.engine.key.attribute(&record);
        Box::new([self.engine.catalog.acquire_attribute(identity, &record)])
    }
}

impl Engine {
    /// The overflow stream of a metric. Its attributes count as a reader sees them (T0): a client's SDK may
    /// write the same.
    pub(crate) fn overflow_identity(&self, path: &MetricPath) -> Identity {
        let mut sum = raw_sum(self);
        if Labels::new(&self.config).are_prometheus() {
            let mut labels = LabelSet::default();
            Attribute::parse(&record()).iter().for_each(|attribute| labels.add(attribute));
            sum = labels.sum(&self.key);
        }
        self.key.stream(path.metric_identity.ledger, sum)
    }
}

/// The record as it is written; for how it is spelled.
pub(crate) fn raw_sum(engine: &Engine) -> AttributeSum {
    let mut sum = AttributeSum::default();
    sum.add(engine.key.attribute(&record()));
    sum
}

/// The one attribute of an overflow stream: `otel.metric.overflow = true`.
fn record() -> Vec<u8> {
    let mut record = Vec::with_capacity(32);
    attribute::push(&mut record, b"otel.metric.overflow", ValueType::Bool, &[1]);
    record
}
