//! Opening an engine with a ledger.

use std::sync::atomic::Ordering;

use crate::clock::{NANOS_PER_MILLI, Now};
use crate::config::{Config, ConfigError};
use crate::engine::Engine;
use crate::identity::{Identity, IdentityKey};
use crate::ledger::journal::{LOOSE_PART, Ledger, Rows};
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

/// What a storage had.
#[derive(Debug)]
struct Found {
    damaged: u64,
    last_written_unix_nano: u64,
    /// Nothing goes out at or before this time, Unix milliseconds.
    floor_milli: u64,
    rows: Rows,
    journal_bytes: u64,
    snapshot_bytes: u64,
    /// As [`Restorer::owed`].
    owed: Vec<(Identity, u64)>,
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
        let usage = keeping.usage.take();
        let Some(head) = keeping.storage.head()? else {
            let head = Head { secret: key.secret(), created_unix_nano: now.wall_unix_nano, fingerprint };
            keeping.storage.write(&Change { head: Some(&head), ..Change::default() })?;
            let usage =
                usage.map(|store| UsageKeeper::new(store, &head, config.max_memory_bytes)).transpose()?;
            let last = usage.as_ref().map_or(Ok(0), |usage| usage.restored(0))?;
            let mut engine = Self::new(config, key, now)?;
            engine.keep(Ledger::new(keeping, usage, Rows { retired_through: last, last }, now));
            let created_unix_nano = now.wall_unix_nano;
            return Ok((engine, Opening { created_unix_nano, ..Opening::default() }));
        };
        let usage = usage.map(|store| UsageKeeper::new(store, &head, config.max_memory_bytes)).transpose()?;
        let mut engine = Self::new(config, IdentityKey::new(head.secret), now)?;
        engine.created_unix_nano = head.created_unix_nano;
        let mut found = engine.read_back(&mut *keeping.storage, usage.as_ref(), now)?;
        let settings_changed = head.fingerprint != fingerprint;
        if settings_changed {
            // The rows that have it go away.
            usage.as_ref().map_or(Ok(()), |usage| usage.flush(now, 0))?;
            engine.adapt(&Head { fingerprint, ..head.clone() }, &found, &mut *keeping.storage, now)?;
            found.journal_bytes = 0;
            found.rows.retired_through = found.rows.last;
        }
        engine.resume_streams(found.floor_milli);
        engine.keep(Ledger::new(keeping, usage, found.rows, now));
        engine.note_owed(&found.owed, now);
        let opening = engine.report(&found, settings_changed, now);
        Ok((engine, opening))
    }

    /// Reads everything that is stored.
    fn read_back(
        &self,
        storage: &mut dyn Storage,
        usage: Option<&UsageKeeper>,
        now: Now,
    ) -> Result<Found, StorageError> {
        let restorer = Restorer::new(self, usage, now).restore(storage)?;
        let last_written_unix_nano = restorer.last_written_unix_nano;
        // Also where the clock has stepped back meanwhile: a time never comes twice.
        let written_milli = last_written_unix_nano / NANOS_PER_MILLI;
        let floor_milli = restorer.floor_milli.max(written_milli).max(now.wall_milli());
        self.shards.iter().for_each(|shard| shard.lock().raise_newest_output(floor_milli));
        let last = restorer.last_sequence;
        Ok(Found {
            damaged: restorer.damaged,
            last_written_unix_nano,
            floor_milli,
            rows: Rows {
                retired_through: restorer.first_sequence.map_or(last, |first| first.saturating_sub(1)),
                last: usage.map_or(Ok(last), |usage| usage.restored(last))?,
            },
            journal_bytes: restorer.journal_bytes,
            snapshot_bytes: restorer.snapshot_bytes,
            owed: restorer.owed,
        })
    }

    fn report(&self, found: &Found, settings_changed: bool, now: Now) -> Opening {
        if let Some(ledger) = &self.ledger {
            let counters = &ledger.counters;
            counters.damaged.store(found.damaged, Ordering::Relaxed);
            counters.journal_bytes.store(found.journal_bytes, Ordering::Relaxed);
            counters.snapshot_bytes.store(found.snapshot_bytes, Ordering::Relaxed);
        }
        let stats = self.stats();
        Opening {
            restored: 1,
            streams: stats.streams,
            source_streams: stats.source_streams,
            damaged: found.damaged,
            created_unix_nano: self.created_unix_nano,
            last_written_unix_nano: found.last_written_unix_nano,
            clock_behind_nano: found.last_written_unix_nano.saturating_sub(now.wall_unix_nano),
            settings_changed: u64::from(settings_changed),
            nanos: 0,
        }
    }

    /// From now on everything that changes is noted for `ledger`.
    fn keep(&mut self, ledger: Ledger) {
        self.sources.iter().for_each(|shard| shard.lock().keep_effects());
        self.shards.iter().for_each(|shard| shard.lock().keep_effects());
        self.ledger = Some(ledger);
    }

    /// With `retransmissions: add` a request whose answer may be lost is told from older ones by its distance to
    /// the last row. The first row of this process may come much later: so it says itself which requests of before
    /// are still to be recognised, or else a further crash would make them new (D3b).
    fn note_owed(&self, owed: &[(Identity, u64)], now: Now) {
        let Some(ledger) = &self.ledger else { return };
        ledger.note(|effects| {
            for (digest, age) in owed {
                effects.refused(*digest, now.monotonic_nano.saturating_sub(*age));
            }
        });
    }

    /// Brings streams together as changed settings want it, and writes the result in one change: rows of
    /// before name streams that are no more.
    fn adapt(
        &self,
        head: &Head,
        found: &Found,
        storage: &mut dyn Storage,
        now: Now,
    ) -> Result<(), StorageError> {
        self.bring_together();
        self.return_windows();
        let blobs: Vec<(u32, Vec<u8>)> = (0..=LOOSE_PART)
            .map(|number| (number, self.part_snapshot(number, found.rows.last, now)))
            .collect();
        let snapshots: Vec<Snapshot<'_>> =
            blobs.iter().map(|(number, blob)| Snapshot { number: *number, blob }).collect();
        storage.write(&Change { clear: true, head: Some(head), snapshots: &snapshots, ..Change::default() })
    }
}
