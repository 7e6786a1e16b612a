//! From what batches change to rows of the journal, and to snapshots.
//!
//! Batches are applied side by side, each behind the open gate; every part of the store notes its own
//! changes. To write a row the gate is closed for a moment: no batch is half done then, so what all
//! parts have noted is a consistent cut. One thread writes it for everybody who waits (group commit).
//! An epoch is the time between two cuts; a batch is safe when its epoch is written.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use crate::clock::Now;
use crate::config::Retransmissions;
use crate::engine::{Engine, SHARDS};
use crate::identity::Identity;
use crate::ledger::effects::Effects;
use crate::ledger::recent::RecentRequests;
use crate::ledger::{Caretaker, Change, JournalRow, Keeping, Snapshot, Storage, StorageError, blob};
use crate::usage::UsageKeeper;

/// Numbers of the parts: ledger streams, source streams, and what belongs to no stream.
pub(crate) const SOURCE_PARTS: u32 = SHARDS as u32;
pub(crate) const LOOSE_PART: u32 = 2 * SHARDS as u32;

/// Journal that is due for a snapshot, in bytes: reading it back takes a fraction of a second.
const LARGE_JOURNAL_BYTES: u64 = 64 << 20;

/// A journal shorter than this part of the snapshots is no reason to make new ones.
const WORTH_A_SNAPSHOT: u64 = 8;

/// Snapshots are written together up to this size, in bytes, so that writers wait for milliseconds.
const SNAPSHOTS_PER_CHANGE: usize = 1 << 20;

/// The ledger of a running engine.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Open (read) while a batch or a tick changes something; closed (write) for a cut.
    gate: RwLock<()>,
    /// The epoch that goes on now; from 1.
    epoch: AtomicU64,
    /// All epochs up to this one are written.
    settled: AtomicU64,
    /// The last row could not be written.
    stopped: AtomicBool,
    writer: Mutex<Writer>,
    caretaker: Mutex<Care>,
    /// What belongs to no stream: requests (D3), admitted values (T2), floors (D4), usage.
    loose: Mutex<Effects>,
    /// With `retransmissions: add`: of these, snapshots have to tell (D3b).
    recent: Mutex<RecentRequests>,
    pub(crate) usage: Option<UsageKeeper>,
    pub(crate) counters: Counters,
}

/// What [`crate::Stats`] shows.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub journal_bytes: AtomicU64,
    pub snapshot_bytes: AtomicU64,
    pub file_bytes: AtomicU64,
    pub commits: AtomicU64,
    pub failed_commits: AtomicU64,
    pub snapshots: AtomicU64,
    pub failed_snapshots: AtomicU64,
    pub damaged: AtomicU64,
}

/// The numbers of the journal's rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rows {
    /// Those up to this one are gone.
    pub retired_through: u64,
    /// The last one that was ever given.
    pub last: u64,
}

#[derive(Debug)]
struct Writer {
    storage: Box<dyn Storage>,
    /// Of the last row that was written, or that is about to be.
    sequence: u64,
    /// A row on its way; not empty only after it could not be written.
    row: Vec<u8>,
    /// The epoch that `row` ends.
    row_epoch: u64,
    /// Rows up to this one are gone.
    retired_through: u64,
    /// The rows tell of outputs up to this time, Unix milliseconds.
    floor_milli: u64,
}

#[derive(Debug)]
struct Care {
    caretaker: Option<Box<dyn Caretaker>>,
    snapshot_interval_nano: u64,
    last_snapshot_nano: u64,
    retention_nano: u64,
}

impl Ledger {
    /// `rows` are those in the storage.
    pub fn new(keeping: Keeping, usage: Option<UsageKeeper>, rows: Rows, now: Now) -> Self {
        let Keeping { mut storage, snapshot_interval_nano, usage_retention_nano, .. } = keeping;
        let caretaker = storage.caretaker();
        Self {
            gate: RwLock::new(()),
            epoch: AtomicU64::new(1),
            settled: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            writer: Mutex::new(Writer {
                storage,
                sequence: rows.last,
                retired_through: rows.retired_through,
                row: Vec::new(),
                row_epoch: 0,
                floor_milli: now.wall_milli(),
            }),
            caretaker: Mutex::new(Care {
                caretaker,
                snapshot_interval_nano,
                last_snapshot_nano: now.monotonic_nano,
                retention_nano: usage_retention_nano,
            }),
            loose: Mutex::new(Effects::default()),
            recent: Mutex::default(),
            usage,
            counters: Counters::default(),
        }
    }

    /// Holds the gate open; nothing is cut while the guard lives.
    pub fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read()
    }

    /// What whoever has changed something waits for; asked behind the open gate.
    pub fn ticket(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Whether the epoch is written.
    pub fn is_settled(&self, ticket: u64) -> bool {
        self.settled.load(Ordering::Acquire) >= ticket
    }

    /// A snapshot costs as much as there are streams, however little changed; a journal that is short beside it
    /// is read back soon enough.
    fn is_snapshot_due(&self, care: &Care, now: Now, last: bool) -> bool {
        let journal = self.counters.journal_bytes.load(Ordering::Relaxed);
        let snapshot = self.counters.snapshot_bytes.load(Ordering::Relaxed);
        let age = now.monotonic_nano.saturating_sub(care.last_snapshot_nano);
        let old = age >= care.snapshot_interval_nano || last;
        journal > LARGE_JOURNAL_BYTES || old && journal > snapshot / WORTH_A_SNAPSHOT
    }

    /// Notes what belongs to no stream.
    pub fn note(&self, note: impl FnOnce(&mut Effects)) {
        note(&mut self.loose.lock());
    }

    /// Notes a request that was taken in now (D3a).
    pub fn note_request(&self, digest: Identity, retransmissions: Retransmissions, now: Now) {
        if retransmissions == Retransmissions::Add {
            self.recent.lock().insert(digest, now.monotonic_nano);
        }
        self.note(|effects| effects.request(digest, now.monotonic_nano));
    }
}

impl Engine {
    /// Whether anything can be taken in: an error while what was taken in before cannot be written.
    /// Asked before each [`Self::consume`], so that what is not written stays bounded.
    pub fn ready(&self, now: Now) -> Result<(), StorageError> {
        match &self.ledger {
            Some(ledger) if ledger.is_stopped() => self.commit(ledger, &mut ledger.writer.lock(), now, &[]),
            _ => Ok(()),
        }
    }

    /// Returns once everything up to `ticket` ([`crate::BatchResult::ticket`]) is written: only then may a
    /// batch be passed on and acknowledged. Several threads may call it at once: one writes for all. After an
    /// error the batch is in the totals but not in the ledger; nothing goes out until it is. The sender
    /// repeats its request, which is then recognised (D3). The caller tells it with [`Self::refused`].
    pub fn settle(&self, ticket: u64, now: Now) -> Result<(), StorageError> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        if ledger.is_settled(ticket) {
            return Ok(());
        }
        let mut writer = ledger.writer.lock();
        if ledger.is_settled(ticket) {
            return Ok(()); // whoever had the lock wrote it too
        }
        self.commit(ledger, &mut writer, now, &[])
    }

    /// As [`Self::settle`], of everything until now.
    pub(crate) fn settle_all(&self, now: Now) -> Result<(), StorageError> {
        self.settle(self.ledger.as_ref().map_or(0, Ledger::ticket), now)
    }

    /// Background work: snapshots, usage, small files. Called about once a second by one thread beside all
    /// others; `last` at the end, after the last tick. May take long.
    pub fn maintain(&self, now: Now, last: bool) -> Result<(), StorageError> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        let mut care = ledger.caretaker.lock();
        if last && self.config.retransmissions == Retransmissions::Add {
            ledger.recent.lock().answered();
            ledger.note(Effects::answered);
        }
        if let Err(error) = self.settle_all(now) {
            // Where the disk is full, care makes room in what the files have already.
            self.care(ledger, &mut care, now)?;
            return Err(error);
        }
        if let Some(usage) = &ledger.usage {
            usage.flush(now, care.retention_nano)?;
        }
        if ledger.is_snapshot_due(&care, now, last) {
            care.last_snapshot_nano = now.monotonic_nano;
            let counters = &ledger.counters;
            let made = self.snapshot(ledger, now);
            let counter = if made.is_ok() { &counters.snapshots } else { &counters.failed_snapshots };
            counter.fetch_add(1, Ordering::Relaxed);
            made?;
        }
        self.care(ledger, &mut care, now)
    }

    fn care(&self, ledger: &Ledger, care: &mut Care, now: Now) -> Result<(), StorageError> {
        if let Some(caretaker) = &mut care.caretaker {
            caretaker.care(now.monotonic_nano)?;
        }
        let mut writer = ledger.writer.lock();
        writer.storage.finish_care()?;
        ledger.counters.file_bytes.store(writer.storage.sizes().file_bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Cuts and writes what changed since the last row that was written, together with `snapshots`.
    fn commit(
        &self,
        ledger: &Ledger,
        writer: &mut Writer,
        now: Now,
        snapshots: &[Snapshot<'_>],
    ) -> Result<(), StorageError> {
        self.cut(ledger, writer, now);
        self.write_row(ledger, writer, snapshots)
    }

    /// Gathers what all parts have noted, at a moment when no batch is half done.
    /// They join a row that could not be written before: what became of its answers then (L4) must not be
    /// written without them, nor they without it.
    fn cut(&self, ledger: &Ledger, writer: &mut Writer, now: Now) {
        let new = writer.row.is_empty();
        if new {
            blob::begin(&mut writer.row);
        }
        let row = &mut writer.row;
        {
            let _closed = ledger.gate.write();
            writer.row_epoch = ledger.epoch.fetch_add(1, Ordering::AcqRel);
            for (number, shard) in (0..).zip(&self.sources) {
                let mut shard = shard.lock();
                shard.effects().into_iter().for_each(|e| e.take_into(SOURCE_PARTS + number, row));
            }
            let mut newest_output_milli = 0;
            for (number, shard) in (0..).zip(&self.shards) {
                let mut shard = shard.lock();
                newest_output_milli = newest_output_milli.max(shard.newest_output_milli());
                shard.effects().into_iter().for_each(|e| e.take_into(number, row));
            }
            let mut loose = ledger.loose.lock();
            // What ticks alone send is told once a minute; what lies ahead of the clock, at once.
            let step = if newest_output_milli > now.wall_milli() { 0 } else { FLOOR_STEP_MILLI };
            if newest_output_milli > writer.floor_milli + step {
                loose.floor(newest_output_milli);
                writer.floor_milli = newest_output_milli;
            }
            self.trimming.take_admitted(|limit, value| loose.admitted(limit, value));
            if let Some(usage) = &ledger.usage {
                loose.usage(|out| usage.take_journal(out));
            }
            if !loose.is_empty() {
                loose.take_into(LOOSE_PART, row);
            }
        }
        if writer.row.len() == blob::HEADER_BYTES {
            writer.row.clear();
        } else {
            blob::seal(&mut writer.row, now);
            writer.floor_milli = writer.floor_milli.max(now.wall_milli());
            writer.sequence += u64::from(new);
        }
    }

    /// Writes the row that was cut, if it has anything in it, and `snapshots`.
    fn write_row(
        &self,
        ledger: &Ledger,
        writer: &mut Writer,
        snapshots: &[Snapshot<'_>],
    ) -> Result<(), StorageError> {
        let journal = JournalRow { sequence: writer.sequence, blob: &writer.row };
        let journal = (!writer.row.is_empty()).then_some(journal);
        if journal.is_some() || !snapshots.is_empty() {
            let written = writer.storage.write(&Change { journal, snapshots, ..Change::default() });
            ledger.stopped.store(written.is_err() && journal.is_some(), Ordering::Relaxed);
            let counters = &ledger.counters;
            let counter = if written.is_ok() { &counters.commits } else { &counters.failed_commits };
            counter.fetch_add(1, Ordering::Relaxed);
            written?;
        }
        if let (Some(row), Some(usage)) = (journal, &ledger.usage) {
            usage.committed(row.sequence);
        }
        ledger.counters.journal_bytes.fetch_add(writer.row.len() as u64, Ordering::Relaxed);
        ledger.settled.fetch_max(writer.row_epoch, Ordering::AcqRel);
        writer.row.clear();
        writer.row.shrink_to(MAX_IDLE_ROW_BYTES);
        Ok(())
    }

    /// Writes all parts anew, one after the other while batches go on, then lets the journal that they
    /// contain go.
    fn snapshot(&self, ledger: &Ledger, now: Now) -> Result<(), StorageError> {
        let (mut through, retired_bytes) = {
            let writer = ledger.writer.lock();
            (writer.sequence, ledger.counters.journal_bytes.load(Ordering::Relaxed))
        };
        let mut blobs: Vec<(u32, Vec<u8>)> = Vec::new();
        let mut snapshot_bytes = 0;
        for number in 0..=LOOSE_PART {
            blobs.push((number, self.part_snapshot(number, through, now)));
            let bytes: usize = blobs.iter().map(|(_, blob)| blob.len()).sum();
            if bytes >= SNAPSHOTS_PER_CHANGE || number == LOOSE_PART {
                let parts: Vec<Snapshot<'_>> =
                    blobs.iter().map(|(number, blob)| Snapshot { number: *number, blob }).collect();
                // With the row of what the snapshots may contain beyond the journal so far.
                self.commit(ledger, &mut ledger.writer.lock(), now, &parts)?;
                snapshot_bytes += bytes as u64;
                blobs.clear();
            }
        }
        if let Some(usage) = &ledger.usage {
            usage.make_durable()?;
            through = usage.retire_through(through); // what is not in its file yet stays in the journal
        }
        self.retire(ledger, through)?;
        ledger.counters.journal_bytes.fetch_sub(retired_bytes, Ordering::Relaxed);
        ledger.counters.snapshot_bytes.store(snapshot_bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Lets rows go, some at a time: nothing else is written meanwhile.
    fn retire(&self, ledger: &Ledger, through: u64) -> Result<(), StorageError> {
        // Numbers may have gaps of any size: a bounded number of steps.
        let all = through.saturating_sub(ledger.writer.lock().retired_through);
        let step = ROWS_RETIRED_AT_ONCE.max(all.div_ceil(RETIREMENTS));
        loop {
            let mut writer = ledger.writer.lock();
            let some = through.min(writer.retired_through.saturating_add(step));
            if writer.retired_through >= through {
                return Ok(());
            }
            writer.storage.write(&Change { retire_through: Some(some), ..Change::default() })?;
            writer.retired_through = some;
        }
    }

    /// One part as a blob.
    pub(crate) fn part_snapshot(&self, number: u32, sequence: u64, now: Now) -> Vec<u8> {
        let mut effects = Effects::default();
        let place = number as usize % SHARDS;
        match number {
            LOOSE_PART => self.write_loose_snapshot(sequence, &mut effects),
            SOURCE_PARTS.. => self.sources[place].lock().write_snapshot(place, &self.catalog, &mut effects),
            _ => self.shards[place].lock().write_snapshot(place, &self.catalog, &mut effects),
        }
        let mut out = Vec::new();
        blob::begin(&mut out);
        effects.take_into(number, &mut out);
        blob::seal(&mut out, now);
        out
    }

    /// `sequence`: rows of the journal were numbered up to here.
    fn write_loose_snapshot(&self, sequence: u64, effects: &mut Effects) {
        effects.sequence(sequence);
        let newest = self.shards.iter().map(|shard| shard.lock().newest_output_milli()).max();
        newest.into_iter().for_each(|milli| effects.floor(milli));
        self.each_request(|digest, nano| match self.config.retransmissions {
            Retransmissions::Recognise => effects.request(digest, nano),
            Retransmissions::Add => effects.refused(digest, nano),
        });
        if let Some(ledger) = &self.ledger {
            ledger.recent.lock().each(|digest, nano| effects.request(digest, nano));
        }
        self.trimming.each_admitted(|limit, value| effects.admitted(limit, value));
    }
}

/// Times of output that only a minute's worth of ticks know of need no row (D4).
const FLOOR_STEP_MILLI: u64 = 60_000;

/// Rows of 50 KB each that go in some milliseconds.
const ROWS_RETIRED_AT_ONCE: u64 = 1000;

/// Steps in which rows go at most.
const RETIREMENTS: u64 = 64;

/// Memory kept for the next row.
const MAX_IDLE_ROW_BYTES: usize = 1 << 20;
