//! Who is forgotten, and when: after long idleness (L1, T3), or to make room for others (T5).

use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::NANOS_PER_SECOND;
use crate::engine::{Engine, SHARDS};
use crate::shard::Forgotten;

/// T5: a stream that was seen within this time is not forgotten to make room.
const PROTECTED_SECONDS: u32 = 300;

/// T3: how long the last value of a forgotten member is kept.
const TOMBSTONE_SECONDS: u32 = 30 * 24 * 3600;

/// Entries that one shard looks at in one go, so that its lock is not held for long.
const STEPS: usize = 256;

impl Engine {
    /// L1: forgets what is idle for `max_stale`, a bounded number per shard and call.
    pub(crate) fn forget_stale(&self, second: u32) {
        let max_stale = (self.config.max_stale_nano / NANOS_PER_SECOND).min(u64::from(u32::MAX)) as u32;
        let Some(before) = second.checked_sub(max_stale) else {
            return;
        };
        let tombstones_before = second.saturating_sub(TOMBSTONE_SECONDS);
        for number in 0..SHARDS {
            self.forget_streams(number, before, false, usize::MAX);
            self.forget_sources(number, before, usize::MAX, true);
            self.forget_tombstones(number, tombstones_before, usize::MAX);
        }
    }

    /// T5: forgets up to `wanted` streams, those idle longest first; says how many.
    pub(crate) fn make_room(&self, wanted: usize, second: u32) -> usize {
        let freed = self.make_room_among(&self.fruitless_streams, second, |before| {
            let mut freed = 0;
            if self.is_over_budget() {
                freed += self.evict(
                    wanted,
                    before,
                    |n| self.oldest_source(n),
                    |n, before, limit| {
                        self.forget_tombstones(n, before, limit)
                            + self.forget_sources(n, before, limit, false)
                    },
                );
            }
            let oldest = |number: usize| self.shards[number].lock().oldest_second();
            freed
                + self.evict(wanted, before, oldest, |n, before, limit| {
                    self.forget_streams(n, before, true, limit)
                })
        });
        self.evicted_count.fetch_add(freed as u64, Ordering::Relaxed);
        freed
    }

    /// T5: as [`Self::make_room`], for source streams.
    pub(crate) fn make_room_for_sources(&self, wanted: usize, second: u32) -> usize {
        let freed = self.make_room_among(&self.fruitless_sources, second, |before| {
            let keep_tombstones = !self.is_over_budget();
            self.evict(
                wanted,
                before,
                |n| self.oldest_source(n),
                |n, before, limit| {
                    let tombs = if keep_tombstones { 0 } else { self.forget_tombstones(n, before, limit) };
                    tombs + self.forget_sources(n, before, limit, keep_tombstones)
                },
            )
        });
        self.evicted_count.fetch_add(freed as u64, Ordering::Relaxed);
        freed
    }

    /// Looking for idle entries is not free: where there were none, nobody looks again in this second.
    fn make_room_among(
        &self,
        fruitless: &AtomicU32,
        second: u32,
        search: impl FnOnce(u32) -> usize,
    ) -> usize {
        let Some(before) = second.checked_sub(PROTECTED_SECONDS) else { return 0 };
        if fruitless.load(Ordering::Relaxed) == second {
            return 0;
        }
        let freed = search(before);
        if freed == 0 {
            fruitless.store(second, Ordering::Relaxed);
        }
        freed
    }

    /// Takes entries that were last seen before `before` from all shards, the oldest minute first.
    fn evict(
        &self,
        wanted: usize,
        before: u32,
        oldest: impl Fn(usize) -> Option<u32>,
        forget: impl Fn(usize, u32, usize) -> usize,
    ) -> usize {
        let Some(first) = (0..SHARDS).filter_map(&oldest).min() else { return 0 };
        let (mut freed, mut reach) = (0, 60);
        loop {
            let horizon = first.saturating_add(reach).min(before);
            for number in 0..SHARDS {
                if freed < wanted && oldest(number).is_some_and(|second| second < horizon) {
                    freed += forget(number, horizon, wanted - freed);
                }
            }
            if freed >= wanted || horizon >= before {
                return freed;
            }
            reach *= 2;
        }
    }

    fn oldest_source(&self, number: usize) -> Option<u32> {
        self.sources[number].lock().oldest_seconds().into_iter().flatten().min()
    }

    fn is_over_budget(&self) -> bool {
        !self.budget.has_room(0, crate::budget::Claim::Ordinary)
    }

    fn forget_streams(&self, number: usize, before: u32, evict: bool, limit: usize) -> usize {
        let (mut count, mut steps) = (0, STEPS);
        let mut shard = self.shards[number].lock();
        while count < limit {
            let Some(Forgotten { stream, bytes }) = shard.forget_idle(before, evict, &mut steps) else {
                break;
            };
            count += 1;
            self.budget.remove(bytes);
            let counter = if stream.is_overflow() { &self.overflow_count } else { &self.stream_count };
            counter.fetch_sub(1, Ordering::Relaxed);
            self.catalog.release_metric(stream.metric);
            stream.attributes.iter().for_each(|id| self.catalog.release_attribute(*id));
        }
        count
    }

    fn forget_sources(&self, number: usize, before: u32, limit: usize, keep_tombstones: bool) -> usize {
        let (mut count, mut steps) = (0, STEPS);
        let mut shard = self.sources[number].lock();
        while count < limit {
            let Some(slot) = shard.take_idle(before, &mut steps) else { break };
            count += 1;
            self.source_count.fetch_sub(1, Ordering::Relaxed);
            if let Some((metric, bytes)) = shard.forget(slot, keep_tombstones) {
                self.budget.remove(bytes);
                self.catalog.release_metric(metric);
            }
        }
        count
    }

    fn forget_tombstones(&self, number: usize, before: u32, limit: usize) -> usize {
        let (mut count, mut steps) = (0, STEPS);
        let mut shard = self.sources[number].lock();
        while count < limit {
            let Some(slot) = shard.take_tombstone(before, &mut steps) else { break };
            count += 1;
            if let Some((metric, bytes)) = shard.forget(slot, false) {
                self.budget.remove(bytes);
                self.catalog.release_metric(metric);
            }
        }
        count
    }
}
