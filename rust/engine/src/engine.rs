//! The engine of one metrics pipeline: batches in, verdicts out, everything else at a tick.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::apply::Application;
use crate::batch::{Batch, Malformed};
use crate::budget::Budget;
use crate::catalog::Catalog;
use crate::clock::{NANOS_PER_SECOND, Now};
use crate::computed::Pricing;
use crate::config::{Config, ConfigError, Emit, Retransmissions};
use crate::identity::{Identity, IdentityKey};
use crate::intake;
use crate::ledger::effects::Effects;
use crate::ledger::journal::Ledger;
use crate::output_time::OutputClock;
use crate::reemission::Reemission;
use crate::result::BatchResult;
use crate::retransmission::RequestDigests;
use crate::shard::Shard;
use crate::source_shard::SourceShard;
use crate::stream::Emission;
use crate::trimming::Trimming;

/// Parts of the stream store; growth of one never stops the others.
pub(crate) const SHARDS: usize = 64;

/// Parts of the table of request digests.
const DIGEST_PARTS: usize = 16;

/// A backward step of the wall clock that is worth a warning (design §4, Time).
const CLOCK_STEP_NANOS: u64 = 60 * NANOS_PER_SECOND;

/// Accumulates the metrics of one pipeline. All methods may be called from several threads.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) key: IdentityKey,
    pub(crate) trimming: Trimming,
    pub(crate) budget: Budget,
    /// Ledger streams: what a reader of the output can tell apart.
    pub(crate) shards: Box<[Mutex<Shard>]>,
    /// Source streams: what clients send, where that is not the same. Locked before `shards`.
    pub(crate) sources: Box<[Mutex<SourceShard>]>,
    pub(crate) catalog: Catalog,
    /// Digests of whole requests (D3a), in parts with a lock each.
    digests: Box<[Mutex<RequestDigests>]>,
    /// Live streams without the overflow streams, which have a limit of their own (T5).
    pub(crate) stream_count: AtomicU32,
    pub(crate) overflow_count: AtomicU32,
    pub(crate) source_count: AtomicU32,
    /// Streams and sources forgotten to make room (T5).
    pub(crate) evicted_count: AtomicU64,
    /// The second of the last search for idle streams, or sources, that found none.
    pub(crate) fruitless_streams: AtomicU32,
    pub(crate) fruitless_sources: AtomicU32,
    /// D6: nothing goes out at or before this time, Unix milliseconds.
    pub(crate) floor_milli: u64,
    /// T3: what began later cannot have been counted before, Unix nanoseconds.
    pub(crate) created_unix_nano: u64,
    /// Latest wall clock seen, Unix nanoseconds.
    pub(crate) latest_wall: AtomicU64,
    clock_steps_back: AtomicU64,
    /// Which streams go out again next (L2).
    pub(crate) reemission: Mutex<Reemission>,
    /// What is computed from tokens; `None` where nothing is.
    pub(crate) pricing: Option<Pricing>,
    /// What must survive the process; `None` where nothing must.
    pub(crate) ledger: Option<Ledger>,
}

/// What an engine holds at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Stats {
    /// Live ledger streams, overflow streams included.
    pub streams: u64,
    /// Limit of ordinary ledger streams, and of source streams.
    pub max_streams: u64,
    /// Source streams and members of cumulative input that are told apart beneath the ledger streams.
    pub source_streams: u64,
    /// Forgotten members of cumulative input whose last value is still known (T3).
    pub tombstones: u64,
    /// Streams that wait for a tick (an upper bound).
    pub pending_streams: u64,
    /// Streams forgotten to make room for others (T5), since the start.
    pub evicted_streams: u64,
    /// Bytes of stream state: entries, tables, attribute lists, request digests.
    pub state_bytes: u64,
    /// Bytes of interned text and its tables.
    pub text_bytes: u64,
    /// Bytes of scratch that callers hold.
    pub scratch_bytes: u64,
    /// Limit of the three sums of bytes above together (T5); 0 = none.
    pub max_memory_bytes: u64,
    /// How often the wall clock stepped back by more than a minute.
    pub clock_steps_back: u64,
    /// Bytes of the ledger's files; 0 without a ledger, as all that follows.
    pub ledger_file_bytes: u64,
    /// Bytes of journal that no snapshot contains yet.
    pub ledger_journal_bytes: u64,
    /// Transactions written.
    pub ledger_commits: u64,
    /// Transactions that could not be written.
    pub ledger_failed_commits: u64,
    /// Whole snapshots made.
    pub ledger_snapshots: u64,
    /// Snapshots that could not be made.
    pub ledger_failed_snapshots: u64,
    /// Rows and snapshots found damaged at the start.
    pub ledger_damaged: u64,
    /// 1 while nothing can be written, and so nothing is taken in.
    pub ledger_stopped: u64,
    /// Usage entries that are not in the usage file yet.
    pub usage_pending: u64,
}

impl Engine {
    /// An empty engine. `key` is random; `now` becomes the moment before which nothing goes out.
    pub fn new(config: Config, key: IdentityKey, now: Now) -> Result<Self, ConfigError> {
        config.validate()?;
        // D6: with max_lag 0 (back-filling) the engine's start does not count.
        let floor_milli = if config.max_lag_nano == 0 { 0 } else { now.wall_milli() };
        let budget = Budget::new(config.max_memory_bytes);
        let age = age_seconds(config.max_stale_nano);
        let digests = || Mutex::new(RequestDigests::new(DIGEST_PARTS, budget.limit()));
        Ok(Self {
            key,
            trimming: Trimming::new(&config),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(age))).collect(),
            sources: (0..SHARDS).map(|_| Mutex::new(SourceShard::new(age))).collect(),
            catalog: Catalog::new(budget.clone()),
            digests: (0..DIGEST_PARTS).map(|_| digests()).collect(),
            budget,
            stream_count: AtomicU32::new(0),
            overflow_count: AtomicU32::new(0),
            source_count: AtomicU32::new(0),
            evicted_count: AtomicU64::new(0),
            fruitless_streams: AtomicU32::new(u32::MAX),
            fruitless_sources: AtomicU32::new(u32::MAX),
            floor_milli,
            created_unix_nano: now.wall_unix_nano,
            latest_wall: AtomicU64::new(now.wall_unix_nano),
            clock_steps_back: AtomicU64::new(0),
            reemission: Mutex::new(Reemission::new(&config, now)),
            pricing: config.pricing.as_ref().map(|pricing| Pricing::new(pricing, config.max_memory_bytes)),
            ledger: None,
            config,
        })
    }

    /// Takes one batch in and answers each of its points in `result`.
    ///
    /// A malformed batch changes nothing; what `result` holds is then of no use.
    pub fn consume(&self, batch: &impl Batch, now: Now, result: &mut BatchResult) -> Result<(), Malformed> {
        self.observe(now);
        // Nothing is cut while a batch is half done.
        let _open = self.ledger.as_ref().map(Ledger::enter);
        let read = intake::read(batch, self, result);
        let scratch = result.bytes();
        result.counted.now(&self.budget, scratch);
        read?;
        let repeat = self.is_retransmission(result.digest, now);
        Application { engine: self, batch, emission: self.emission(now), now, repeat }.run(result);
        result.ticket = self.ledger.as_ref().map_or(0, Ledger::ticket);
        Ok(())
    }

    /// Whether a rule removes the attribute `key` from points of the metric `name` (T1).
    pub fn removes_attribute(&self, name: &[u8], key: &[u8]) -> bool {
        self.trimming.removes(name, key)
    }

    /// L4: the next consumer refused what `result` produced, or it never saw it because it could not be
    /// settled: its streams go out again at the next tick. Where equal points are added, the sender's retry is recognised once by its digest.
    pub fn refused(&self, result: &BatchResult, now: Now) {
        let unseen = self.ledger.as_ref().is_some_and(|ledger| !ledger.is_settled(result.ticket));
        for touched in &result.touched {
            let mut shard = self.shards[usize::from(touched.shard)].lock();
            // Looked up again: since the batch the stream may have been forgotten.
            if let Some(slot) = shard.find(touched.identity) {
                shard.mark_refused(slot, touched.zero, unseen);
            }
        }
        if let (Retransmissions::Add, Some(digest)) = (self.config.retransmissions, result.digest) {
            self.remember(&mut self.digests_of(digest).lock(), digest, now);
            self.note(|effects| effects.refused(digest, now.monotonic_nano));
        }
    }

    /// Notes what belongs to no stream, for a ledger.
    fn note(&self, note: impl FnOnce(&mut Effects)) {
        if let Some(ledger) = &self.ledger {
            ledger.note(note);
        }
    }

    /// What the engine holds; takes each shard's lock in turn.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            streams: [&self.stream_count, &self.overflow_count]
                .iter()
                .map(|count| u64::from(count.load(Ordering::Relaxed)))
                .sum(),
            max_streams: u64::from(self.config.max_streams),
            evicted_streams: self.evicted_count.load(Ordering::Relaxed),
            state_bytes: self.digests.iter().map(|part| part.lock().bytes() as u64).sum(),
            text_bytes: self.catalog.bytes() as u64,
            scratch_bytes: self.budget.scratch() as u64,
            max_memory_bytes: self.config.max_memory_bytes,
            clock_steps_back: self.clock_steps_back.load(Ordering::Relaxed),
            ..self.ledger_stats()
        };
        stats.state_bytes += self.usage().map_or(0, |usage| usage.book.bytes() as u64);
        stats.state_bytes += self.pricing.as_ref().map_or(0, |pricing| pricing.bytes() as u64);
        for shard in &self.shards {
            let shard = shard.lock();
            stats.state_bytes += shard.bytes() as u64;
            stats.pending_streams += shard.pending_slots() as u64;
        }
        for shard in &self.sources {
            let shard = shard.lock();
            let (live, tombstones) = shard.counts();
            stats.state_bytes += shard.bytes() as u64;
            stats.source_streams += u64::from(live);
            stats.tombstones += u64::from(tombstones);
        }
        stats
    }

    pub(crate) fn emission(&self, now: Now) -> Emission {
        Emission {
            clock: OutputClock::new(now, self.config.max_lag_nano),
            interval: self.config.emit == Emit::Interval,
            first_value_delay_second: self.config.first_value_delay_nano.div_ceil(NANOS_PER_SECOND) as u32,
        }
    }

    /// Notices a wall clock that steps back; output times then go on by 1 ms steps (D4).
    pub(crate) fn observe(&self, now: Now) {
        let latest = self.latest_wall.fetch_max(now.wall_unix_nano, Ordering::Relaxed);
        if now.wall_unix_nano.saturating_add(CLOCK_STEP_NANOS) < latest {
            let stored = self.latest_wall.compare_exchange(
                latest,
                now.wall_unix_nano,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if stored.is_ok() {
                self.clock_steps_back.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn digests_of(&self, digest: Identity) -> &Mutex<RequestDigests> {
        &self.digests[digest.shard(DIGEST_PARTS)]
    }

    /// D3a: whether this request was seen before; it is remembered if not.
    fn is_retransmission(&self, digest: Option<Identity>, now: Now) -> bool {
        let Some(digest) = digest else { return false };
        let mut digests = self.digests_of(digest).lock();
        let known = match self.config.retransmissions {
            Retransmissions::Add => digests.remove(digest),
            Retransmissions::Recognise => digests.contains(digest),
        };
        if known {
            if self.config.retransmissions == Retransmissions::Add {
                self.note(|effects| effects.recognised(digest));
                self.note_request(digest, now); // its sender may not hear of it either
            }
            return true;
        }
        if self.config.retransmissions == Retransmissions::Recognise {
            self.remember(&mut digests, digest, now);
        }
        self.note_request(digest, now);
        false
    }

    /// D3a, for a ledger: a request was taken in.
    fn note_request(&self, digest: Identity, now: Now) {
        if let Some(ledger) = &self.ledger {
            ledger.note_request(digest, self.config.retransmissions, now);
        }
    }

    /// D3a: a request that a ledger knows; it was taken in so many nanoseconds ago.
    pub(crate) fn remember_restored(&self, digest: Identity, age_nano: u64, now: Now) {
        let then = Now { monotonic_nano: now.monotonic_nano.saturating_sub(age_nano), ..now };
        let mut digests = self.digests_of(digest).lock();
        if !digests.contains(digest) {
            self.remember(&mut digests, digest, then);
        }
    }

    /// D3a: every request that is remembered, with the monotonic time at or before which it came.
    pub(crate) fn each_request(&self, mut each: impl FnMut(Identity, u64)) {
        self.digests.iter().for_each(|part| part.lock().each(&mut each));
    }

    fn ledger_stats(&self) -> Stats {
        let Some(ledger) = &self.ledger else { return Stats::default() };
        let counters = &ledger.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            ledger_file_bytes: read(&counters.file_bytes),
            ledger_journal_bytes: read(&counters.journal_bytes),
            ledger_commits: read(&counters.commits),
            ledger_failed_commits: read(&counters.failed_commits),
            ledger_snapshots: read(&counters.snapshots),
            ledger_failed_snapshots: read(&counters.failed_snapshots),
            ledger_damaged: read(&counters.damaged),
            ledger_stopped: u64::from(ledger.is_stopped()),
            usage_pending: ledger.usage.as_ref().map_or(0, |usage| usage.pending() as u64),
            ..Stats::default()
        }
    }

    fn remember(&self, digests: &mut RequestDigests, digest: Identity, now: Now) {
        let before = digests.bytes();
        digests.insert(digest, now.monotonic_nano);
        self.budget.change(before, digests.bytes());
    }
}

/// How exactly ages are told, in seconds: to a sixteenth of the life of a stream, at most a minute.
fn age_seconds(max_stale_nano: u64) -> u32 {
    (max_stale_nano / NANOS_PER_SECOND / 16).clamp(1, 60) as u32
}
