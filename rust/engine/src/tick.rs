//! Periodic output: held values and zeros, intervals, the last words at Shutdown, and expiry.
//!
//! What goes out here has no input point to be written into, so it is copied out of the catalog.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::catalog::MetricDescriptor;
use crate::clock::{NANOS_PER_MILLI, NANOS_PER_SECOND, Now};
use crate::engine::{Engine, SHARDS};
use crate::identity::Identity;
use crate::intern::InternId;
use crate::number::Number;
use crate::shard::Shard;
use crate::stream::{Emission, Output, Stream};

/// Points after which a tick ends a chunk, so that no tick stalls the pipeline or its memory.
const CHUNK_POINTS: usize = 8_192;
/// Bytes of attributes after which a chunk ends: with times and values a request then stays below
/// the 4 MiB that gRPC receivers take by default.
const CHUNK_BYTES: usize = 2 << 20;

/// One tick, handed out in chunks: call [`Engine::tick`] until [`Tick::is_done`].
#[derive(Debug, Default)]
pub struct Tick {
    points: Vec<DuePoint>,
    /// Attribute records of all points of the chunk.
    records: Vec<u8>,
    metrics: BTreeMap<InternId, (Arc<MetricDescriptor>, [InternId; 2])>,
    /// Streams that the chunk speaks for (L4).
    streams: Vec<Spoken>,
    next_shard: usize,
    /// Pending slots of the shard before `next_shard` that the last chunk had no room for.
    rest: Vec<u32>,
}

#[derive(Debug)]
struct DuePoint {
    stream: Identity,
    metric: InternId,
    attributes: Range<usize>,
    output: Output,
}

#[derive(Debug)]
struct Spoken {
    stream: Identity,
    metric: InternId,
    /// Its zero went out, its value did not (D6).
    lone_zero: bool,
}

/// Points of one metric that are due.
#[derive(Debug)]
pub struct DueMetric<'a> {
    /// The metric with its scope and resource.
    pub descriptor: &'a Arc<MetricDescriptor>,
    points: &'a [DuePoint],
    records: &'a [u8],
}

/// One cumulative point that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due<'a> {
    /// Attribute records (see [`crate::attribute`]).
    pub attributes: &'a [u8],
    /// Start of the stream in Unix nanoseconds.
    pub start_unix_nano: u64,
    /// Output time in Unix nanoseconds, a whole millisecond.
    pub time_unix_nano: u64,
    /// The total.
    pub value: Number,
}

impl Tick {
    /// Whether every shard has been asked; the chunk at hand is then the last.
    pub fn is_done(&self) -> bool {
        self.next_shard >= SHARDS && self.rest.is_empty()
    }

    /// Whether the chunk has nothing to send.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The chunk, metric by metric; metrics of one scope and scopes of one resource stand together.
    pub fn metrics(&self) -> impl Iterator<Item = DueMetric<'_>> {
        self.points.chunk_by(|a, b| a.metric == b.metric).filter_map(|points| {
            let (descriptor, _) = self.metrics.get(&points.first()?.metric)?;
            Some(DueMetric { descriptor, points, records: &self.records })
        })
    }

    fn clear(&mut self) {
        self.points.clear();
        self.records.clear();
        self.metrics.clear();
        self.streams.clear();
    }

    fn is_full(&self) -> bool {
        self.points.len() >= CHUNK_POINTS || self.records.len() >= CHUNK_BYTES
    }

    fn sort(&mut self) {
        let metrics = &self.metrics;
        // Stable: a zero stays before the value of its stream.
        self.points
            .sort_by_cached_key(|point| (metrics.get(&point.metric).map(|(_, order)| *order), point.metric));
    }
}

impl DueMetric<'_> {
    /// The points, a zero before the value of its stream.
    pub fn points(&self) -> impl Iterator<Item = Due<'_>> {
        self.points.iter().map(|point| Due {
            attributes: &self.records[point.attributes.clone()],
            start_unix_nano: point.output.start_unix_nano,
            time_unix_nano: point.output.time_unix_nano,
            value: point.output.value,
        })
    }
}

impl Engine {
    /// Collects the next chunk of what is due: values held back (D4, D6), changed streams
    /// (L3, L4). `last` is Shutdown: delays end early (L5). Idle streams are forgotten on the way (L1).
    ///
    /// `tick` starts as `Tick::default()`; ticks of one engine are not run side by side.
    pub fn tick(&self, now: Now, last: bool, tick: &mut Tick) {
        self.observe(now);
        if tick.next_shard == 0 {
            self.forget_stale(now); // the first chunk
        }
        tick.clear();
        let emission = self.emission(now);
        while !tick.is_done() && !tick.is_full() {
            let next = tick.rest.is_empty();
            tick.next_shard += usize::from(next);
            let mut shard = self.shards[tick.next_shard - 1].lock();
            if next {
                tick.rest = shard.take_pending();
            }
            self.release_slots(&mut shard, &emission, last, tick);
        }
        tick.sort();
        if emission.interval {
            self.keep_resources_in_order(tick);
        }
    }

    /// L3: the newest output of a resource must not lie before that of an earlier chunk: exporters
    /// that push give it to the resource's own sample (`target_info`), and a store would refuse that
    /// sample, and with it the whole request, as out of order. Where it would, the newest point moves up.
    fn keep_resources_in_order(&self, tick: &mut Tick) {
        let metrics = &tick.metrics;
        let resource = |point: &DuePoint| metrics.get(&point.metric).map(|(_, [resource, _])| *resource);
        for points in tick.points.chunk_by_mut(|a, b| resource(a) == resource(b)) {
            let Some(newest) = points.iter_mut().max_by_key(|point| point.output.time_unix_nano) else {
                continue;
            };
            let Some((descriptor, _)) = metrics.get(&newest.metric) else { continue };
            let milli = newest.output.time_unix_nano / NANOS_PER_MILLI;
            let before = descriptor.scope.resource.newest_output_milli.fetch_max(milli, Ordering::Relaxed);
            if before > milli {
                newest.output.time_unix_nano = before * NANOS_PER_MILLI;
                let mut shard = self.shards[newest.stream.shard(SHARDS)].lock();
                if let Some(slot) = shard.find(newest.stream) {
                    let stream = shard.get_mut(slot);
                    stream.last_emitted_milli = stream.last_emitted_milli.max(before);
                }
            }
        }
    }

    /// L4: the next consumer refused what the chunk at hand has for one combination of client
    /// `metadata` (records as in the resources' descriptors): its streams go out again at the next tick.
    pub fn tick_refused(&self, tick: &Tick, metadata: &[u8]) {
        for spoken in &tick.streams {
            let descriptor = tick.metrics.get(&spoken.metric).map(|(descriptor, _)| descriptor);
            if descriptor.is_none_or(|descriptor| *descriptor.scope.resource.metadata != *metadata) {
                continue;
            }
            let mut shard = self.shards[spoken.stream.shard(SHARDS)].lock();
            if let Some(slot) = shard.find(spoken.stream) {
                shard.mark_refused(slot, spoken.lone_zero);
            }
        }
    }

    /// Lets the slots in `tick.rest`, all of one shard, speak until the chunk is full.
    fn release_slots(&self, shard: &mut Shard, emission: &Emission, last: bool, tick: &mut Tick) {
        while let (Some(slot), false) = (tick.rest.last().copied(), tick.is_full()) {
            tick.rest.pop();
            let stream = shard.get_mut(slot);
            stream.set_listed(false);
            if !stream.is_live() || !stream.is_pending() {
                continue; // it has spoken since, with a point of its own
            }
            let (zero, value) = stream.release(emission, last);
            if zero.is_some() || value.is_some() {
                self.speak(tick, stream, [zero, value]);
            }
            if stream.is_pending() {
                shard.mark_pending(slot); // held (D6): listed again for the next tick
            }
        }
    }

    fn speak(&self, tick: &mut Tick, stream: &Stream, outputs: [Option<Output>; 2]) {
        let begin = tick.records.len();
        self.catalog.copy_attributes(&stream.attributes, &mut tick.records);
        let attributes = begin..tick.records.len();
        let (identity, metric) = (stream.identity(), stream.metric);
        tick.streams.push(Spoken { stream: identity, metric, lone_zero: outputs[1].is_none() });
        for output in outputs.into_iter().flatten() {
            let attributes = attributes.clone();
            tick.points.push(DuePoint { stream: identity, metric, attributes, output });
        }
        if let Some(descriptor) = self.catalog.metric(metric) {
            tick.metrics.entry(metric).or_insert(descriptor);
        }
    }

    /// L1: forgets idle streams, some shards per tick: all of them within about a minute.
    fn forget_stale(&self, now: Now) {
        let mut sweep = self.sweep.lock();
        let second = now.monotonic_second();
        let shards = (second.saturating_sub(sweep.last_second) as usize).min(SHARDS);
        sweep.last_second = second;
        let max_stale = (self.config.max_stale_nano / NANOS_PER_SECOND).min(u64::from(u32::MAX)) as u32;
        let Some(oldest) = second.checked_sub(max_stale) else {
            return;
        };
        for _ in 0..shards {
            let mut shard = self.shards[sweep.next_shard].lock();
            sweep.next_shard = (sweep.next_shard + 1) % SHARDS;
            shard.forget_if(
                |stream| stream.last_seen_second < oldest,
                |stream| {
                    let count = if stream.is_overflow() { &self.overflow_count } else { &self.stream_count };
                    count.fetch_sub(1, Ordering::Relaxed);
                    self.catalog.release_metric(stream.metric);
                    stream.attributes.iter().for_each(|id| self.catalog.release_attribute(*id));
                },
            );
        }
    }
}
