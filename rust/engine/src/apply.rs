//! Second pass over a batch: every point into its stream, one shard after the other.

use std::sync::atomic::Ordering;

use crate::attribute::{self, ValueType};
use crate::batch::Batch;
use crate::clock::Now;
use crate::config::Retransmissions;
use crate::engine::{Engine, SHARDS};
use crate::identity::{AttributeSum, Identity};
use crate::intern::InternId;
use crate::number::Number;
use crate::output_time::window_start;
use crate::result::{BatchResult, IncomingPoint, Touched};
use crate::shard::Shard;
use crate::stream::{Answer, Emission, NewStream, Output};
use crate::verdict::{Action, AddedPoint, Outcomes, Verdict};

/// Points of one shard that are looked up before the first of them is applied.
const LOOK_AHEAD: usize = 16;

/// One batch on its way into an engine.
pub(crate) struct Application<'a, B> {
    engine: &'a Engine,
    batch: &'a B,
    emission: Emission,
    now: Now,
}

impl<'a, B: Batch> Application<'a, B> {
    pub fn new(engine: &'a Engine, batch: &'a B, emission: Emission, now: Now) -> Self {
        Self { engine, batch, emission, now }
    }

    /// Applies all points of `result` and fills in their verdicts.
    pub fn run(&self, result: &mut BatchResult) {
        let mut order = std::mem::take(&mut result.order);
        let ends = group_by_shard(&result.points, &mut order);
        let mut begin = 0;
        for end in ends.occupied() {
            self.apply_group(&order[begin..end], result, false);
            begin = end;
        }
        result.order = order;
        self.apply_overflowed(result);
    }

    /// T5: points without room go into the overflow stream of their metric, in a second round,
    /// because that stream may live in a shard that was locked by another group.
    fn apply_overflowed(&self, result: &mut BatchResult) {
        if result.overflowed.is_empty() {
            return;
        }
        let mut overflowed = std::mem::take(&mut result.overflowed);
        let attributes = overflow_attributes(self.engine);
        for number in &overflowed {
            let point = &mut result.points[*number as usize];
            let metric = result.metrics[point.metric as usize].metric_identity;
            point.stream = self.engine.key.stream(metric, attributes);
        }
        overflowed.sort_by_key(|number| shard_of(result, *number));
        let mut rest = overflowed.as_slice();
        while let Some(first) = rest.first() {
            let shard = shard_of(result, *first);
            let (group, others) =
                rest.split_at(rest.partition_point(|number| shard_of(result, *number) == shard));
            self.apply_group(group, result, true);
            rest = others;
        }
        result.overflowed = overflowed;
    }

    /// Applies the points `group`, which all live in one shard.
    fn apply_group(&self, group: &[u32], result: &mut BatchResult, overflow: bool) {
        let Some(first) = group.first() else { return };
        let number = shard_of(result, *first);
        let mut shard = self.engine.shards[number].lock();
        let touched_before = result.touched.len();
        for group in group.chunks(LOOK_AHEAD) {
            // All look-ups first: they do not depend on each other, so their cache misses overlap.
            let mut known = [None; LOOK_AHEAD];
            for (known, index) in known.iter_mut().zip(group) {
                *known = shard.find(result.points[*index as usize].stream);
            }
            for (known, index) in known.into_iter().zip(group) {
                let point = result.points[*index as usize];
                // Looked up again if unknown: an earlier point of this very group may have made it.
                let slot = known
                    .or_else(|| shard.find(point.stream))
                    .or_else(|| self.create(&mut shard, &point, result, overflow));
                match slot {
                    Some(slot) => {
                        self.apply_point(&mut shard, slot, &point, result, overflow, touched_before)
                    }
                    None if overflow => result.outcomes.invalid += 1,
                    None => result.overflowed.push(*index),
                }
            }
        }
        finish(&mut shard, &result.touched[touched_before..], &mut result.verdicts);
    }

    fn apply_point(
        &self,
        shard: &mut Shard,
        slot: u32,
        point: &IncomingPoint,
        result: &mut BatchResult,
        overflow: bool,
        touched_before: usize,
    ) {
        let stream = shard.get_mut(slot);
        let touched = touch(&mut stream.touched, &mut result.touched, touched_before, slot, point.stream);
        stream.last_seen_second = self.emission.clock.monotonic_second;
        let recognise = self.engine.config.retransmissions == Retransmissions::Recognise;
        // Windows of many sources meet in an overflow stream: four would not tell them apart.
        let recognise = recognise && point.window != 0 && !overflow;
        if recognise && !stream.remember_window(point.window) {
            result.outcomes.duplicate += 1;
            shard.mark_pending(slot); // D3: the total goes out again
            return;
        }
        if !stream.add(point.value) {
            result.outcomes.invalid += 1;
            return;
        }
        let answer = stream.answer(point.time_unix_nano, &self.emission);
        count(&mut result.outcomes, overflow, answer);
        let verdict = &mut result.verdicts[point.number as usize];
        match answer {
            Answer::Emit { zero, value } => {
                result.touched[touched].emitted = Some(point.number);
                *verdict = written(if overflow { Action::WriteOverflow } else { Action::Write }, value);
                if let Some(zero) = zero {
                    result.added.push(added(zero, point.number, overflow));
                }
            }
            Answer::EmitZero(zero) => {
                result.touched[touched].lone_zero = true;
                // An overflow stream's zero is added beside the dropped point, so that one action suffices.
                if overflow {
                    result.added.push(added(zero, point.number, overflow));
                } else {
                    *verdict = written(Action::WriteZero, zero);
                }
                shard.mark_pending(slot);
            }
            Answer::Wait | Answer::WaitLate => shard.mark_pending(slot),
        }
    }

    /// A new stream; `None` where the limit leaves no room, or where its attributes would take too
    /// much (T5). Overflow streams have as much room again, so even a flood of metrics stays bounded.
    fn create(
        &self,
        shard: &mut Shard,
        point: &IncomingPoint,
        result: &BatchResult,
        overflow: bool,
    ) -> Option<u32> {
        if point.is_oversized() && !overflow {
            return None;
        }
        let limit = self.engine.config.max_streams;
        let count = if overflow { &self.engine.overflow_count } else { &self.engine.stream_count };
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < limit).then_some(n + 1)).ok()?;
        let path = &result.metrics[point.metric as usize];
        let new = NewStream {
            identity: point.stream,
            metric: self.engine.catalog.acquire_metric(self.batch, path),
            attributes: if overflow { self.intern_overflow() } else { self.intern(point) },
            monotonic: result.metric(point.metric).monotonic,
            is_double: matches!(point.value, Number::Double(_)),
            overflow,
            start_unix_nano: window_start(
                point.start_unix_nano,
                point.time_unix_nano,
                self.now.wall_unix_nano,
            ),
            floor_milli: 0,
        };
        Some(shard.insert(new, self.engine.floor_milli))
    }

    fn intern_overflow(&self) -> Box<[InternId]> {
        let record = overflow_record();
        let identity = self.engine.key.attribute(&record);
        Box::new([self.engine.catalog.acquire_attribute(identity, &record)])
    }

    fn intern(&self, point: &IncomingPoint) -> Box<[InternId]> {
        let mut ids = Vec::with_capacity(16);
        let engine = self.engine;
        // The first pass has read the same attributes to their end without error.
        let _ = self.batch.point_attributes(point.attributes, |record| {
            ids.push(engine.catalog.acquire_attribute(engine.key.attribute(record), record));
        });
        ids.into()
    }
}

/// D5: the last point that went out for a stream carries everything the batch added to it.
fn finish(shard: &mut Shard, touched: &[Touched], verdicts: &mut [Verdict]) {
    for touched in touched {
        if let Some(number) = touched.emitted {
            let stream = shard.get_mut(touched.slot);
            let verdict = &mut verdicts[number as usize];
            let total = stream.total();
            verdict.value_bits = total.bits();
            verdict.is_double = u8::from(matches!(total, Number::Double(_)));
            stream.set_pending(false);
        }
    }
}

/// The place of a stream in the list of streams that were touched since the shard was locked.
///
/// The stream remembers its place; it counts only if the list agrees, so nothing needs resetting.
/// Places before `locked_at` are of an earlier lock: other batches may have come in between, so
/// what went out then must not be written again.
fn touch(place: &mut u32, list: &mut Vec<Touched>, locked_at: usize, slot: u32, identity: Identity) -> usize {
    let since = list.get(locked_at..).unwrap_or_default();
    let known = (*place as usize).checked_sub(locked_at).and_then(|place| since.get(place));
    if !known.is_some_and(|touched| touched.identity == identity) {
        *place = list.len() as u32;
        let shard = identity.shard(SHARDS) as u8;
        list.push(Touched { identity, slot, shard, emitted: None, lone_zero: false });
    }
    *place as usize
}

fn count(outcomes: &mut Outcomes, overflow: bool, answer: Answer) {
    match answer {
        _ if overflow => outcomes.overflow += 1,
        Answer::WaitLate => outcomes.late += 1,
        _ => outcomes.accepted += 1,
    }
}

fn written(action: Action, output: Output) -> Verdict {
    Verdict::write(action, output.start_unix_nano, output.time_unix_nano, output.value)
}

fn added(zero: Output, point: u32, overflow: bool) -> AddedPoint {
    AddedPoint {
        start_unix_nano: zero.start_unix_nano,
        time_unix_nano: zero.time_unix_nano,
        point,
        is_double: u8::from(matches!(zero.value, Number::Double(_))),
        overflow: u8::from(overflow),
        reserved: [0; 2],
    }
}

fn overflow_attributes(engine: &Engine) -> AttributeSum {
    let mut sum = AttributeSum::default();
    sum.add(engine.key.attribute(&overflow_record()));
    sum
}

/// The one attribute of an overflow stream: `otel.metric.overflow = true`.
fn overflow_record() -> Vec<u8> {
    let mut record = Vec::with_capacity(32);
    attribute::push(&mut record, b"otel.metric.overflow", ValueType::Bool, &[1]);
    record
}

fn shard_of(result: &BatchResult, index: u32) -> usize {
    result.points[index as usize].stream.shard(SHARDS)
}

/// Where each shard's group ends in the order that `group_by_shard` makes.
struct GroupEnds {
    /// One bit per shard that has points: a batch of one point must not look at all shards.
    occupied: u64,
    ends: [u32; SHARDS],
}

const _: () = assert!(SHARDS == u64::BITS as usize);

impl GroupEnds {
    /// The ends of the groups that are not empty, in the order of their shards.
    fn occupied(&self) -> impl Iterator<Item = usize> {
        bits(self.occupied).map(|shard| self.ends[shard] as usize)
    }
}

/// Orders the numbers of `points` by shard, keeping their order inside a shard (a counting sort).
fn group_by_shard(points: &[IncomingPoint], order: &mut Vec<u32>) -> GroupEnds {
    let mut groups = GroupEnds { occupied: 0, ends: [0; SHARDS] };
    for point in points {
        let shard = point.stream.shard(SHARDS);
        groups.ends[shard] += 1;
        groups.occupied |= 1 << shard;
    }
    let mut begin = 0;
    for shard in bits(groups.occupied) {
        begin += std::mem::replace(&mut groups.ends[shard], begin);
    }
    order.clear();
    order.resize(points.len(), 0);
    for (index, point) in points.iter().enumerate() {
        let place = &mut groups.ends[point.stream.shard(SHARDS)];
        order[*place as usize] = index as u32;
        *place += 1;
    }
    groups
}

/// The numbers of the set bits, lowest first.
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(lowest)
    })
}
