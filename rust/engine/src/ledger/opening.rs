//! Opening an engine with a ledger.

use crate::clock::Now;
use crate::config::{Config, ConfigError};
use crate::engine::Engine;
use crate::identity::IdentityKey;
use crate::ledger::journal::{LOOSE_PART, Ledger};
use crate::ledger::restore::Restorer;
use crate::ledger::{Change, Head, Snapshot, Storage, StorageError, resume};
use crate::usage::{UsageKeeper, UsageStore};

/// The places where an engine keeps things, and how it uses them.
#[derive(Debug)]
pub struct Keeping {
    /// The ledger.
    pub storage: Box<dyn Storage>,
    /// Usage for reports; `None` where another instance counts the same sources.
    pub usage: Option<Box<dyn UsageStore>>,
    /// A snapshot is made at least so often while anything changes, in nanoseconds.
    pub snapshot_interval_nano: u64,
    /// Usage older than this is forgotten, in nanoseconds; 0 = never.
    pub usage_retention_nano: u64,
}

/// What was found at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Opening {
    /// 1 if there was a ledger, 0 if it is new.
    pub restored: u64,
    /// Ledger streams that are back.
    pub streams: u64,
    /// Source streams and members that are back.
    pub source_streams: u64,
    /// Rows and snapshots that were damaged and kept aside.
    pub damaged: u64,
    /// When the ledger was made, Unix nanoseconds.
    pub created_unix_nano: u64,
    /// The latest moment that it knows, Unix nanoseconds.
    pub last_written_unix_nano: u64,
    /// How far the clock lies behind that moment, in nanoseconds; 0 if it does not.
    pub clock_behind_nano: u64,
    /// 1 if trimming or identity settings changed, so that streams were brought together anew.
    pub settings_changed: u64,
    /// How long it took, in nanoseconds: for the caller to fill in, as the engine reads no clock.
    pub nanos: u64,
}

/// Why an engine could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The ledger.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Engine {
    /// An engine whose totals outlive it: it goes on where the ledger in `keeping` ended. `key` is random, and
    /// used if the ledger is new.
    pub fn open(
        config: Config,
        key: IdentityKey,
        now: Now,
        mut keeping: Keeping,
    ) -> Result<(Self, Opening), OpenError> {
        config.validate()?;
        let fingerprint = resume::fingerprint(&config);
        let mut usage_store = keeping.usage.take();
        let mut usage_of =
            |head: &Head| usage_store.take().map(|store| UsageKeeper::new(store, head)).transpose();
        let Some(head) = keeping.storage.head()? else {
            let head = Head { secret: key.secret(), created_unix_nano: now.wall_unix_nano, fingerprint };
            keeping.storage.write(&Change { head: Some(&head), ..Change::default() })?;
            let mut engine = Self::new(config, key, now)?;
            let usage = usage_of(&head)?;
            let sequence = usage.as_ref().map_or(Ok(0), |usage| usage.restored(0))?;
            engine.keep(Ledger::new(keeping, usage, sequence, now));
            let created_unix_nano = now.wall_unix_nano;
            return Ok((engine, Opening { created_unix_nano, ..Opening::default() }));
        };
        let usage = usage_of(&head)?;
        let mut engine = Self::new(config, IdentityKey::new(head.secret), now)?;
        engine.created_unix_nano = head.created_unix_nano;
        let changed = head.fingerprint != fingerprint;
        let mut opening = Opening { restored: 1, settings_changed: u64::from(changed), ..Opening::default() };
        let mut restorer = Restorer::new(&engine, usage.as_ref(), now);
        opening.damaged = keeping.storage.read(&mut |stored| restorer.blob(stored))?.damaged;
        restorer.remember_requests();
        let (last_written, mut sequence) = (restorer.last_written_unix_nano, restorer.last_sequence);
        if let Some(usage) = &usage {
            sequence = usage.restored(sequence)?;
        }
        if changed {
            let head = Head { fingerprint, ..head };
            engine.adapt(&head, &mut *keeping.storage, now)?;
        }
        // Also where the clock has stepped back meanwhile: a time never comes twice.
        let floor = Now { wall_unix_nano: now.wall_unix_nano.max(last_written), ..now };
        engine.resume_streams(floor.wall_milli());
        engine.keep(Ledger::new(keeping, usage, sequence, now));
        let stats = engine.stats();
        opening.streams = stats.streams;
        opening.source_streams = stats.source_streams;
        opening.created_unix_nano = engine.created_unix_nano;
        opening.last_written_unix_nano = last_written;
        opening.clock_behind_nano = last_written.saturating_sub(now.wall_unix_nano);
        if let Some(ledger) = &engine.ledger {
            ledger.counters.damaged.store(opening.damaged, std::sync::atomic::Ordering::Relaxed);
        }
        Ok((engine, opening))
    }

    /// From now on everything that changes is noted for `ledger`.
    fn keep(&mut self, ledger: Ledger) {
        self.sources.iter().for_each(|shard| shard.lock().keep_effects());
        self.shards.iter().for_each(|shard| shard.lock().keep_effects());
        self.ledger = Some(ledger);
    }

    /// Brings streams together as changed settings want it, and writes the result in one change: rows of
    /// before name streams that are no more.
    fn adapt(&self, head: &Head, storage: &mut dyn Storage, now: Now) -> Result<(), StorageError> {
        self.bring_together();
        self.return_windows();
        let blobs: Vec<(u32, Vec<u8>)> =
            (0..=LOOSE_PART).map(|number| (number, self.part_snapshot(number, now))).collect();
        let snapshots: Vec<Snapshot<'_>> =
            blobs.iter().map(|(number, blob)| Snapshot { number: *number, blob }).collect();
        storage.write(&Change { clear: true, head: Some(head), snapshots: &snapshots, ..Change::default() })
    }
}
