//! Periodic output: held values and zeros, intervals, totals that go out again (L2), the last words at
//! Shutdown, and expiry.
//!
//! What goes out here has no input point to be written into, so it is copied out of the catalog.

mod order;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::sync::Arc;

use crate::catalog::MetricDescriptor;
use crate::clock::Now;
use crate::distribution::{Distribution, DistributionRef, HAS_SUM};
use crate::engine::{Engine, SHARDS};
use crate::identity::Identity;
use crate::intern::InternId;
use crate::ledger::StorageError;
use crate::ledger::journal::Ledger;
use crate::number::Number;
use crate::result::Zero;
use crate::shard::{Body, Shard};
use crate::stream::{Emission, Output};

/// Points after which a tick ends a chunk, so that no tick stalls the pipeline or its memory.
const CHUNK_POINTS: usize = 8_192;
/// Streams that speak before their shard is given free for requests.
const SLOTS_PER_LOCK: usize = 256;
/// Bytes of attributes after which a chunk ends: with times and values a request then stays below
/// the 4 MiB that gRPC receivers take by default.
const CHUNK_BYTES: usize = 2 << 20;

/// One tick, handed out in chunks: call [`Engine::tick`] until [`Tick::is_done`].
#[derive(Debug, Default)]
pub struct Tick {
    points: Vec<DuePoint>,
    /// Attribute records of all points of the chunk.
    records: Vec<u8>,
    /// Distribution words of all histograms of the chunk.
    words: Vec<u64>,
    /// Bytes of the names, scopes and resources of the chunk.
    text_bytes: usize,
    metrics: BTreeMap<InternId, (Arc<MetricDescriptor>, [InternId; 2])>,
    /// Streams that the chunk speaks for (L4).
    streams: Vec<Spoken>,
    next_shard: usize,
    /// Pending slots of the shard before `next_shard` that the last chunk had no room for.
    rest: Vec<u32>,
    /// Slots of that shard that go out again though nothing new came (L2).
    again: Vec<u32>,
    /// The shards whose turn it is to go out again in this tick, one bit each.
    turns: u64,
}

#[derive(Debug)]
struct DuePoint {
    stream: Identity,
    metric: InternId,
    attributes: Range<usize>,
    /// Distribution words; empty for numbers.
    words: Range<usize>,
    output: Output,
    /// Whether it is the zero of its stream (D6).
    zero: bool,
}

#[derive(Debug)]
struct Spoken {
    stream: Identity,
    metric: InternId,
    zero: Zero,
}

/// Points of one metric that are due.
#[derive(Debug)]
pub struct DueMetric<'a> {
    /// The metric with its scope and resource.
    pub descriptor: &'a Arc<MetricDescriptor>,
    points: &'a [DuePoint],
    records: &'a [u8],
    words: &'a [u64],
}

/// The total of a stream that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DueValue<'a> {
    /// Of a sum or gauge.
    Number(Number),
    /// Of a histogram: words as [`crate::distribution`] describes them.
    Distribution(&'a [u64]),
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
    pub value: DueValue<'a>,
}

impl Tick {
    /// Whether every shard has been asked; the chunk at hand is then the last.
    pub fn is_done(&self) -> bool {
        self.next_shard >= SHARDS && self.rest.is_empty() && self.again.is_empty()
    }

    /// Whether the chunk has nothing to send.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The chunk, metric by metric; metrics of one scope and scopes of one resource stand together. With `emit:
    /// interval` the zeros of all metrics come before the values of all metrics (L3).
    pub fn metrics(&self) -> impl Iterator<Item = DueMetric<'_>> {
        self.points.chunk_by(|a, b| a.metric == b.metric).filter_map(|points| {
            let (descriptor, _) = self.metrics.get(&points.first()?.metric)?;
            Some(DueMetric { descriptor, points, records: &self.records, words: &self.words })
        })
    }

    fn clear(&mut self) {
        self.points.clear();
        self.records.clear();
        self.words.clear();
        self.text_bytes = 0;
        self.metrics.clear();
        self.streams.clear();
    }

    fn is_full(&self) -> bool {
        self.points.len() >= CHUNK_POINTS
            || self.records.len() + self.words.len() * 8 + self.text_bytes >= CHUNK_BYTES
    }

    /// `zeros_first`: all zeros of the chunk come before all values (L3).
    fn sort(&mut self, zeros_first: bool) {
        let metrics = &self.metrics;
        // Stable: a zero stays before the value of its stream.
        self.points.sort_by_cached_key(|point| {
            (zeros_first && !point.zero, metrics.get(&point.metric).map(|(_, order)| *order), point.metric)
        });
    }
}

impl DueMetric<'_> {
    /// The points, a zero before the value of its stream.
    pub fn points(&self) -> impl Iterator<Item = Due<'_>> {
        self.points.iter().map(|point| Due {
            attributes: &self.records[point.attributes.clone()],
            start_unix_nano: point.output.start_unix_nano,
            time_unix_nano: point.output.time_unix_nano,
            value: match &self.words[point.words.clone()] {
                [] => DueValue::Number(point.output.value),
                words => DueValue::Distribution(words),
            },
        })
    }
}

impl Engine {
    /// Collects the next chunk of what is due: values held back (D4, D6), changed streams (L3, L4), and
    /// totals that go out again (L2). `last` is Shutdown: delays end early (L5). Idle streams are
    /// forgotten on the way (L1).
    ///
    /// `tick` starts as `Tick::default()`; ticks of one engine are not run side by side.
    ///
    /// With a ledger nothing goes out that is not written: an error means that the chunk is empty, and that
    /// what is due stays due. A tick that ended with an error begins anew.
    pub fn tick(&self, now: Now, last: bool, tick: &mut Tick) -> Result<(), StorageError> {
        self.observe(now);
        tick.clear();
        let settled = self.settle_all(now).and_then(|()| {
            self.collect(now, last, tick);
            self.settle_all(now)
        });
        if settled.is_err() {
            self.all_refused(tick);
            *tick = Tick::default();
        }
        settled
    }

    fn collect(&self, now: Now, last: bool, tick: &mut Tick) {
        let _open = self.ledger.as_ref().map(Ledger::enter);
        if tick.next_shard == 0 {
            self.forget_stale(now.monotonic_second()); // the first chunk
            self.compute_clients(now);
            tick.turns = if last { 0 } else { self.reemission_turns(now) };
        }
        let emission = self.emission(now);
        // L5: in front of a pull exporter the page closes now, and what is held lives on in the ledger (D6).
        let ends_holds = last && (self.ledger.is_none() || emission.interval);
        while !tick.is_done() && !tick.is_full() {
            let next = tick.rest.is_empty() && tick.again.is_empty();
            tick.next_shard += usize::from(next);
            let mut shard = self.shards[tick.next_shard - 1].lock();
            if next {
                tick.rest = shard.take_pending();
                if tick.turns >> (tick.next_shard - 1) & 1 == 1 {
                    self.choose_again(&shard, &emission, now, &mut tick.again);
                }
            }
            self.release_slots(&mut shard, &emission, ends_holds, tick);
            self.repeat_slots(&mut shard, &emission, now, tick);
        }
        tick.sort(emission.interval);
        if emission.interval {
            self.keep_resources_in_order(tick);
        }
    }

    /// L2: the shards whose turn has come.
    fn reemission_turns(&self, now: Now) -> u64 {
        let mut reemission = self.reemission.lock();
        let mut turns = 0;
        while let Some(shard) = reemission.next_shard(now, turns == 0) {
            turns |= 1 << shard;
        }
        turns
    }

    /// L2: the streams of a shard that nobody has heard of for a while. All of them are counted, or
    /// one that has just gone out would make room for one that is idle for longer. So do zeros whose values are held.
    fn choose_again(&self, shard: &Shard, emission: &Emission, now: Now, again: &mut Vec<u32>) {
        let mut reemission = self.reemission.lock();
        let (at, idle_since) = (reemission.time_milli(now), reemission.idle_since(now));
        again.extend((0..shard.slots()).filter(|slot| {
            let stream = shard.get(*slot);
            if stream.is_live() && stream.zero_can_go_again(emission, at) {
                return true;
            }
            let idle = stream.is_live() && !stream.is_pending() && stream.last_seen_second <= idle_since;
            idle && stream.has_total()
                && reemission.admits(stream.last_seen_second)
                && stream.can_go_again(at)
        }));
    }

    /// L2: lets the slots in `tick.again`, all of one shard, speak until the chunk is full.
    fn repeat_slots(&self, shard: &mut Shard, emission: &Emission, now: Now, tick: &mut Tick) {
        let at = self.reemission.lock().time_milli(now);
        for _ in 0..SLOTS_PER_LOCK {
            let (Some(slot), false) = (tick.again.last().copied(), tick.is_full()) else { break };
            tick.again.pop();
            let Some(stream) = shard.live_mut(slot) else { continue };
            // Between two chunks it may have spoken, or given its place to another.
            if stream.zero_can_go_again(emission, at) {
                let zero = stream.zero_again(at);
                self.speak(tick, shard, slot, [Some(zero), None]);
            } else if !stream.is_pending() && stream.can_go_again(at) {
                let output = stream.emit_again(at);
                self.speak(tick, shard, slot, [None, Some(output)]);
            }
        }
    }

    /// L4: the next consumer refused what the chunk at hand has for one combination of client
    /// `metadata` (records as in the resources' descriptors): its streams go out again at the next tick.
    pub fn tick_refused(&self, tick: &Tick, metadata: &[u8]) {
        for spoken in &tick.streams {
            let descriptor = tick.metrics.get(&spoken.metric).map(|(descriptor, _)| descriptor);
            if descriptor.is_some_and(|descriptor| *descriptor.scope.resource.metadata == *metadata) {
                self.mark_refused(spoken, false);
            }
        }
    }

    /// As [`Self::tick_refused`], of the whole chunk and of what the tick had begun with.
    fn all_refused(&self, tick: &Tick) {
        tick.streams.iter().for_each(|spoken| self.mark_refused(spoken, true));
        if let (Some(number), false) = (tick.next_shard.checked_sub(1), tick.rest.is_empty()) {
            let mut shard = self.shards[number].lock();
            for slot in &tick.rest {
                if shard.live_mut(*slot).is_some_and(|stream| stream.is_pending()) {
                    shard.get_mut(*slot).set_listed(false);
                    shard.mark_pending(*slot);
                }
            }
        }
    }

    /// `unseen`: nobody was even asked to take it.
    fn mark_refused(&self, spoken: &Spoken, unseen: bool) {
        let mut shard = self.shards[spoken.stream.shard(SHARDS)].lock();
        if let Some(slot) = shard.find(spoken.stream) {
            shard.mark_refused(slot, spoken.zero, unseen);
        }
    }

    /// Lets the slots in `tick.rest`, all of one shard, speak until the chunk is full.
    fn release_slots(&self, shard: &mut Shard, emission: &Emission, last: bool, tick: &mut Tick) {
        for _ in 0..SLOTS_PER_LOCK {
            let (Some(slot), false) = (tick.rest.last().copied(), tick.is_full()) else { break };
            tick.rest.pop();
            let Some(stream) = shard.live_mut(slot) else { continue };
            stream.set_listed(false);
            if !stream.is_pending() {
                continue; // it has spoken since, with a point of its own
            }
            let first = !stream.has_spoken();
            let (zero, value) = stream.release(emission, last);
            if first && value.is_some() {
                // After a restart its zero must not come again, but it must, should this chunk get lost (D6).
                shard.get_mut(slot).set_pending(true);
                shard.note_value(slot, 0);
                shard.get_mut(slot).set_pending(false);
            }
            if zero.is_some() || value.is_some() {
                self.speak(tick, shard, slot, [zero, value]);
            }
            if shard.get(slot).is_pending() {
                shard.mark_pending(slot); // held (D6): listed again for the next tick
            }
        }
    }

    /// Writes a zero, the total, or both of a stream into the chunk.
    fn speak(&self, tick: &mut Tick, shard: &mut Shard, slot: u32, [zero, value]: [Option<Output>; 2]) {
        shard.note_output(slot);
        let stream = shard.get(slot);
        let begin = tick.records.len();
        self.catalog.copy_attributes(&stream.attributes, &mut tick.records);
        let attributes = begin..tick.records.len();
        let (identity, metric) = (stream.identity(), stream.metric);
        let spoken = match (&zero, &value) {
            (None, _) => Zero::No,
            (Some(_), None) => Zero::Alone,
            (Some(_), Some(_)) => Zero::WithValue(stream.last_emitted_milli),
        };
        tick.streams.push(Spoken { stream: identity, metric, zero: spoken });
        for (output, is_zero) in [(zero, true), (value, false)] {
            let Some(output) = output else { continue };
            let attributes = attributes.clone();
            let words = write_words(shard.body(stream), is_zero, &mut tick.words);
            tick.points.push(DuePoint { stream: identity, metric, attributes, words, output, zero: is_zero });
        }
        if let (Entry::Vacant(entry), Some(descriptor)) =
            (tick.metrics.entry(metric), self.catalog.metric(metric))
        {
            tick.text_bytes += descriptor.0.text_bytes();
            entry.insert(descriptor);
        }
    }
}

/// The total of a histogram, or its zero point; nothing for other streams.
fn write_words(body: Option<&Body>, is_zero: bool, words: &mut Vec<u64>) -> Range<usize> {
    let begin = words.len();
    if let Some(Body::Distribution(total)) = body {
        total.write(words);
        if is_zero {
            let read = DistributionRef::parse(&words[begin..]);
            let zero = read.map(|read| (Distribution::empty_like(&read), read.sum().is_some()));
            words.truncate(begin);
            if let Ok((zero, has_sum)) = zero {
                zero.write(words);
                // What is unknown of the total is unknown of its beginning (D12).
                words[begin] &= if has_sum { !0 } else { !HAS_SUM };
            }
        }
    }
    begin..words.len()
}
