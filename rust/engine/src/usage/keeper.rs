//! The book of an engine and its store, which may be slow: nobody who counts waits for it.

use parking_lot::Mutex;

use crate::clock::Now;
use crate::ledger::{Head, StorageError};
use crate::usage::{Cut, MalformedSegment, NANOS_PER_HOUR, UsageBook, UsageStore};

/// Usage on its way from batches to the store.
#[derive(Debug)]
pub(crate) struct UsageKeeper {
    pub book: UsageBook,
    store: Mutex<Box<dyn UsageStore>>,
    /// The last cut, until its row is written.
    cut: Mutex<Option<Cut>>,
    /// Hours before this one are forgotten already.
    pruned_before_hour: Mutex<u32>,
    /// The version of the price table in use, until the store knows it.
    prices: Mutex<Option<String>>,
}

impl UsageKeeper {
    /// Asks the store what it has of the ledger that `head` names.
    ///
    /// `max_memory_bytes` is the engine's budget, 0 without one.
    pub fn new(
        mut store: Box<dyn UsageStore>,
        head: &Head,
        max_memory_bytes: u64,
    ) -> Result<Self, StorageError> {
        let book = UsageBook::new(max_memory_bytes);
        let ledger = head.created_unix_nano;
        book.begin(ledger, store.applied_through(ledger)?);
        Ok(Self {
            book,
            store: Mutex::new(store),
            cut: Mutex::default(),
            pruned_before_hour: Mutex::new(0),
            prices: Mutex::default(),
        })
    }

    /// A segment of the journal at the start; see [`UsageBook::replay`].
    pub fn replay(&self, sequence: u64, segment: &[u8]) -> Result<(), MalformedSegment> {
        self.book.replay(sequence, segment)
    }

    /// The journal was read to its last row; returns the number after which rows go on.
    pub fn restored(&self, last_sequence: u64) -> Result<u64, StorageError> {
        let next = self.book.restored(last_sequence, &mut **self.store.lock())?;
        Ok(next.saturating_sub(1))
    }

    /// What was added since the last cut.
    pub fn take_journal(&self, out: &mut Vec<u8>) {
        if let Some(cut) = self.book.take_journal(out) {
            *self.cut.lock() = Some(cut);
        }
    }

    /// The last cut is written, in the row of this number.
    pub fn committed(&self, sequence: u64) {
        if let Some(cut) = self.cut.lock().take() {
            self.book.committed(cut, sequence);
        }
    }

    /// Of the journal's rows up to `through`, how far they may go.
    pub fn retire_through(&self, through: u64) -> u64 {
        self.book.oldest_waiting().map_or(through, |oldest| through.min(oldest.saturating_sub(1)))
    }

    /// Before rows go away whose usage is in the store.
    pub fn make_durable(&self) -> Result<(), StorageError> {
        self.store.lock().make_durable()
    }

    /// Costs are computed from the price table `version` from now on. The store is told at the next
    /// [`Self::flush`], before the amounts: what was on its way to it, a second's worth, goes under the new name.
    pub fn priced_by(&self, version: &str) {
        *self.prices.lock() = Some(version.to_owned());
    }

    /// Puts what is written in the journal into the store, and forgets what is older than the retention.
    pub fn flush(&self, now: Now, retention_nano: u64) -> Result<(), StorageError> {
        let mut store = self.store.lock();
        self.tell_prices(&mut **store, now)?;
        self.book.flush(&mut **store)?;
        let kept_since = now.wall_unix_nano.saturating_sub(retention_nano) / NANOS_PER_HOUR;
        let mut pruned = self.pruned_before_hour.lock();
        if retention_nano > 0 && kept_since > u64::from(*pruned) {
            let hour = u32::try_from(kept_since).unwrap_or(u32::MAX);
            store.prune(hour)?;
            *pruned = hour;
        }
        Ok(())
    }

    /// `prices` is free while the store is slow: who changes the prices does not wait for it.
    fn tell_prices(&self, store: &mut dyn UsageStore, now: Now) -> Result<(), StorageError> {
        let Some(version) = self.prices.lock().take() else { return Ok(()) };
        let hour = u32::try_from(now.wall_unix_nano / NANOS_PER_HOUR).unwrap_or(u32::MAX);
        let told = store.priced_by(&version, hour);
        if told.is_err() {
            self.prices.lock().get_or_insert(version); // unless there is a newer one by now
        }
        told
    }

    pub fn pending(&self) -> usize {
        self.book.pending()
    }
}
