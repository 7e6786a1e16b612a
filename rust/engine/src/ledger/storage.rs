//! Where a ledger is kept: one small trait, so that crashes and full disks can be played in tests.

use std::fmt;

use crate::identity::SECRET_BYTES;

/// What a ledger is, written when it is made and when its configuration changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The secret of its identities ([`crate::IdentityKey`]).
    pub secret: [u8; SECRET_BYTES],
    /// When it was made, Unix nanoseconds (T3: what began later cannot have been counted before).
    pub created_unix_nano: u64,
    /// Of the settings that decide which streams are one (T0, T1). Where they change, streams are
    /// brought together anew at the next start.
    pub fingerprint: u64,
}

/// What one transaction writes: all of it, or nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// First of all: all rows and snapshots go away (a start under changed settings).
    pub clear: bool,
    /// Takes the place of the head that is stored.
    pub head: Option<&'a Head>,
    /// A new row of the journal.
    pub journal: Option<JournalRow<'a>>,
    /// Snapshots that take the place of former ones of the same number.
    pub snapshots: &'a [Snapshot<'a>],
    /// Last of all: rows of the journal up to this number, itself included, are no longer needed.
    pub retire_through: Option<u64>,
}

/// What a moment changed, as a blob that checks itself (`blob.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRow<'a> {
    /// Greater than that of every row before; gaps are fine. That of a row whose write failed may come again:
    /// if the row is there after all, the new one takes its place.
    pub sequence: u64,
    /// Decided effects.
    pub blob: &'a [u8],
}

/// The whole of one part of the store, as a blob that checks itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot<'a> {
    /// Which part.
    pub number: u32,
    /// Its streams.
    pub blob: &'a [u8],
}

/// A blob that was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored<'a> {
    /// See [`Snapshot`].
    Snapshot(Snapshot<'a>),
    /// See [`JournalRow`].
    Journal(JournalRow<'a>),
}

/// What the reader says of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It was read.
    Sound,
    /// It is damaged: it is kept aside for people to look at, counted, and not shown again.
    Damaged,
}

/// What reading everything back found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Blobs shown.
    pub blobs: u64,
    /// Blobs kept aside: those the reader called damaged, and those that the storage could not read.
    pub damaged: u64,
}

/// Sizes, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageSizes {
    /// Bytes of all files that the storage owns.
    pub file_bytes: u64,
}

/// Why something was not written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StorageError {
    /// What kind of trouble it is.
    pub kind: StorageTrouble,
    /// Says the place and, where there is one, the remedy.
    pub message: String,
}

/// Kinds of trouble that a caller answers differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageTrouble {
    /// The disk is full, or a quota is.
    Full,
    /// Another process has the ledger.
    Busy,
    /// A newer version of this software wrote it.
    Newer,
    /// It may not be written.
    ReadOnly,
    /// Anything else: an error of the disk, a file that is none of ours.
    Other,
}

/// A place that keeps one ledger. Used by one thread at a time.
pub trait Storage: Send + fmt::Debug {
    /// The head, unless the ledger is new.
    fn head(&mut self) -> Result<Option<Head>, StorageError>;

    /// Shows everything that is stored: snapshots first, then the journal in the order of its numbers.
    fn read(&mut self, each: &mut dyn FnMut(Stored<'_>) -> Finding) -> Result<ReadReport, StorageError>;

    /// Writes `change` whole or not at all. When it returns, the change survives what the storage was told
    /// it must survive: the end of the process, or of the machine's power.
    fn write(&mut self, change: &Change<'_>) -> Result<(), StorageError>;

    /// What takes long and can go on beside [`Self::write`]; asked for once, and used by another thread.
    fn caretaker(&mut self) -> Option<Box<dyn Caretaker>>;

    /// The part of the care that nothing may be written beside; called after [`Caretaker::care`], short.
    fn finish_care(&mut self) -> Result<(), StorageError>;

    /// Sizes now.
    fn sizes(&mut self) -> StorageSizes;
}

/// Keeps files small and, where so much is promised, safe from the loss of power.
pub trait Caretaker: Send + fmt::Debug {
    /// Called about once a second; `monotonic_nano` is the collector's clock.
    fn care(&mut self, monotonic_nano: u64) -> Result<(), StorageError>;
}
