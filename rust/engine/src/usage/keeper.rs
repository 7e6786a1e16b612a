//! Usage between the engine and its store.

use crate::clock::Now;
use crate::ledger::StorageError;
use crate::usage::UsageStore;

/// Usage that waits for its store.
#[derive(Debug)]
pub(crate) struct UsageKeeper {
    _store: parking_lot::Mutex<Box<dyn UsageStore>>,
}

impl UsageKeeper {
    pub fn new(store: Box<dyn UsageStore>) -> Result<Self, StorageError> {
        Ok(Self { _store: parking_lot::Mutex::new(store) })
    }
    pub fn begin_at(&self, _sequence: u64) {}
    pub fn take_journal(&self, _out: &mut Vec<u8>) {}
    pub fn committed(&self, _sequence: u64) {}
    pub fn applied_through(&self) -> u64 {
        u64::MAX
    }
    pub fn flush(&self, _now: Now, _retention_nano: u64) -> Result<(), StorageError> {
        Ok(())
    }
    pub fn pending(&self) -> usize {
        0
    }
    pub fn replay(&self, _sequence: u64, _records: &[u8]) -> Result<(), crate::ledger::Damage> {
        Ok(())
    }
}
