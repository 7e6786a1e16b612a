//! Who is forgotten, and when: after long idleness (L1, T3), or to make room for others (T5).

use std::sync::atomic::{AtomicU32, Ordering};

use crate::budget::Claim;
use crate::clock::NANOS_PER_SECOND;
use crate::engine::{Engine, SHARDS};
use crate::shard::Forgotten;
use crate::source_shard::{SOURCE_BYTES, SourceShard};

/// T5: a stream that was seen within this time is not forgotten to make room.
const PROTECTED_SECONDS: u32 = 300;

/// T3: how long the last value of a forgotten member is kept.
const TOMBSTONE_SECONDS: u32 = 30 * 24 * 3600;

/// How exactly ages are told, in seconds: of streams and sources, and of tombstones.
const MINUTE: u32 = 60;
const HOUR: u32 = 3600;

/// Entries that one shard looks at in one go, so that its lock is not held for long.
const STEPS: usize = 256;

/// Entries that are looked at to make room for one request: a tenth of a millisecond or so.
const EVICTION_STEPS: usize = 4096;

/// Places in [`crate::source_shard::SourceShard::oldest_seconds`].
const SOURCES: usize = 0;
const TOMBSTONES: usize = 1;

/// A search for entries to forget, through all shards.
struct Search {
    wanted: usize,
    /// Entries last seen at this second or later stay.
    before: u32,
    /// Seconds in which order does not matter: as exactly as ages are told.
    grain: u32,
}

impl Search {
    /// Forgets up to `wanted` entries, those idle longest first; says how many. `oldest` tells the age of a
    /// shard from a second on, `forget` takes shard, second, limit and steps.
    fn run(
        &self,
        steps: &mut usize,
        oldest: impl Fn(usize, u32) -> Option<u32>,
        forget: impl Fn(usize, u32, usize, &mut usize) -> usize,
    ) -> usize {
        let (mut freed, mut horizon) = (0, 0_u32);
        // What was seen since has moved on, and what must not be forgotten now is passed over.
        while let Some(first) = (0..SHARDS).filter_map(|number| oldest(number, horizon)).min() {
            horizon = first.max(horizon).saturating_add(self.grain).min(self.before);
            for number in 0..SHARDS {
                let more = freed < self.wanted && *steps > 0;
                if more && oldest(number, 0).is_some_and(|second| second < horizon) {
                    freed += forget(number, horizon, self.wanted - freed, steps);
                }
            }
            if freed >= self.wanted || horizon >= self.before || *steps == 0 {
                break;
            }
        }
        freed
    }
}

impl Engine {
    /// L1: forgets what is idle for `max_stale`, a bounded number per shard and call.
    pub(crate) fn forget_stale(&self, second: u32) {
        let max_stale = (self.config.max_stale_nano / NANOS_PER_SECOND).min(u64::from(u32::MAX)) as u32;
        let Some(before) = second.checked_sub(max_stale) else {
            return;
        };
        let tombstones_before = second.saturating_sub(TOMBSTONE_SECONDS);
        for number in 0..SHARDS {
            self.forget_streams(number, before, false, usize::MAX, &mut { STEPS });
            self.forget_sources(number, before, true, usize::MAX, &mut { STEPS });
            self.forget_tombstones(number, tombstones_before, usize::MAX, &mut { STEPS });
        }
    }

    /// T5: forgets up to `wanted` streams, those idle longest first; says how many. `bytes` is what one of
    /// those that found no room takes.
    pub(crate) fn make_room(&self, wanted: usize, bytes: usize, second: u32) -> usize {
        self.make_room_among(&self.fruitless_streams, second, |before, steps| {
            let mut freed = 0;
            let missing = self.missing(wanted, bytes);
            if missing > 0 {
                freed += self.free_sources(missing.div_ceil(SOURCE_BYTES), before, steps);
            }
            let search = Search { wanted, before, grain: MINUTE };
            let oldest = |number: usize, from: u32| self.shards[number].lock().oldest_second(from);
            freed
                + search.run(steps, oldest, |n, before, limit, steps| {
                    self.forget_streams(n, before, true, limit, steps)
                })
        })
    }

    /// T5: as [`Self::make_room`], for source streams.
    pub(crate) fn make_room_for_sources(&self, wanted: usize, bytes: usize, second: u32) -> usize {
        self.make_room_among(&self.fruitless_sources, second, |before, steps| {
            let missing = self.missing(wanted, bytes);
            if missing > 0 {
                return self.free_sources(missing.div_ceil(SOURCE_BYTES), before, steps);
            }
            let search = Search { wanted, before, grain: MINUTE };
            search.run(
                steps,
                |n, from| self.oldest_source(n, from, SOURCES),
                |n, before, limit, steps| self.forget_sources(n, before, true, limit, steps),
            )
        })
    }

    /// Tombstones and sources that give their bytes back.
    fn free_sources(&self, wanted: usize, before: u32, steps: &mut usize) -> usize {
        let search = Search { wanted, before, grain: HOUR };
        let freed = search.run(
            steps,
            |n, from| self.oldest_source(n, from, TOMBSTONES),
            |n, before, limit, steps| self.forget_tombstones(n, before, limit, steps),
        );
        let search = Search { wanted: wanted.saturating_sub(freed), before, grain: MINUTE };
        freed
            + search.run(
                steps,
                |n, from| self.oldest_source(n, from, SOURCES),
                |n, before, limit, steps| self.forget_sources(n, before, false, limit, steps),
            )
    }

    fn oldest_source(&self, number: usize, from: u32, which: usize) -> Option<u32> {
        self.sources[number].lock().oldest_seconds(from)[which]
    }

    /// Looking for idle entries is not free: where there were none, nobody looks again in this second,
    /// and no search takes more than [`EVICTION_STEPS`].
    fn make_room_among(
        &self,
        fruitless: &AtomicU32,
        second: u32,
        search: impl FnOnce(u32, &mut usize) -> usize,
    ) -> usize {
        let Some(before) = second.checked_sub(PROTECTED_SECONDS) else { return 0 };
        if fruitless.load(Ordering::Relaxed) == second {
            return 0;
        }
        let mut steps = EVICTION_STEPS;
        let freed = search(before, &mut steps);
        if freed == 0 && steps > 0 {
            fruitless.store(second, Ordering::Relaxed);
        }
        self.evicted_count.fetch_add(freed as u64, Ordering::Relaxed);
        freed
    }

    /// How many bytes too few there are for so many streams or sources.
    fn missing(&self, wanted: usize, bytes: usize) -> usize {
        self.budget.missing(wanted.saturating_mul(bytes), Claim::Ordinary)
    }

    fn forget_streams(
        &self,
        number: usize,
        before: u32,
        evict: bool,
        limit: usize,
        steps: &mut usize,
    ) -> usize {
        let mut count = 0;
        let mut shard = self.shards[number].lock();
        while count < limit {
            let Some(forgotten) = shard.forget_idle(before, evict, steps) else { break };
            count += 1;
            self.release_stream(&forgotten);
        }
        count
    }

    /// Gives back what a stream that was forgotten had.
    pub(crate) fn release_stream(&self, Forgotten { stream, bytes }: &Forgotten) {
        self.budget.remove(*bytes);
        self.counter(stream.is_overflow()).fetch_sub(1, Ordering::Relaxed);
        self.catalog.release_metric(stream.metric);
        stream.attributes.iter().for_each(|id| self.catalog.release_attribute(*id));
    }

    /// The count of overflow streams, or of all others.
    pub(crate) fn counter(&self, overflow: bool) -> &AtomicU32 {
        if overflow { &self.overflow_count } else { &self.stream_count }
    }

    /// Forgets a source or a tombstone; what it was may become a tombstone (T3).
    pub(crate) fn forget_source(&self, shard: &mut SourceShard, slot: u32, keep_tombstone: bool) {
        if !shard.get(slot).is_tombstone() {
            self.source_count.fetch_sub(1, Ordering::Relaxed);
        }
        let now = self.latest_wall.load(Ordering::Relaxed);
        if let Some((metric, bytes)) = shard.forget(slot, keep_tombstone, now) {
            self.budget.remove(bytes);
            self.catalog.release_metric(metric);
        }
    }

    fn forget_sources(
        &self,
        number: usize,
        before: u32,
        keep_tombstones: bool,
        limit: usize,
        steps: &mut usize,
    ) -> usize {
        let mut count = 0;
        let mut shard = self.sources[number].lock();
        while count < limit {
            let Some(slot) = shard.take_idle(before, steps) else { break };
            count += 1;
            self.forget_source(&mut shard, slot, keep_tombstones);
        }
        count
    }

    fn forget_tombstones(&self, number: usize, before: u32, limit: usize, steps: &mut usize) -> usize {
        let mut count = 0;
        let mut shard = self.sources[number].lock();
        while count < limit {
            let Some(slot) = shard.take_tombstone(before, steps) else { break };
            count += 1;
            self.forget_source(&mut shard, slot, false);
        }
        count
    }
}
