//! A ledger that cannot be written on demand, to show what a full disk does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokenledger::ledger::{
    Caretaker, Change, Finding, Head, ReadReport, Storage, StorageError, StorageSizes, StorageTrouble, Stored,
};

/// Says whether the storages that share it can write. One is shared by an engine's handle and its storage.
#[derive(Clone, Debug, Default)]
pub(crate) struct FullDisk(Arc<AtomicBool>);

impl FullDisk {
    pub fn set(&self, full: bool) {
        self.0.store(full, Ordering::Relaxed);
    }

    /// The storage, with the drill in front of what it writes.
    pub fn in_front_of(&self, storage: Box<dyn Storage>) -> Box<dyn Storage> {
        Box::new(Drilled { disk: self.clone(), storage })
    }

    fn check(&self) -> Result<(), StorageError> {
        if self.0.load(Ordering::Relaxed) {
            let message = "the disk is full: a drill of tl_engine_inject_full_disk".to_owned();
            return Err(StorageError { kind: StorageTrouble::Full, message });
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Drilled {
    disk: FullDisk,
    storage: Box<dyn Storage>,
}

impl Storage for Drilled {
    fn head(&mut self) -> Result<Option<Head>, StorageError> {
        self.storage.head()
    }

    fn read(&mut self, each: &mut dyn FnMut(Stored<'_>) -> Finding) -> Result<ReadReport, StorageError> {
        self.storage.read(each)
    }

    fn write(&mut self, change: &Change<'_>) -> Result<(), StorageError> {
        self.disk.check()?;
        self.storage.write(change)
    }

    fn caretaker(&mut self) -> Option<Box<dyn Caretaker>> {
        let caretaker = self.storage.caretaker()?;
        Some(Box::new(DrilledCaretaker { disk: self.disk.clone(), caretaker }))
    }

    fn finish_care(&mut self) -> Result<(), StorageError> {
        self.disk.check()?;
        self.storage.finish_care()
    }

    fn sizes(&mut self) -> StorageSizes {
        self.storage.sizes()
    }
}

#[derive(Debug)]
struct DrilledCaretaker {
    disk: FullDisk,
    caretaker: Box<dyn Caretaker>,
}

impl Caretaker for DrilledCaretaker {
    fn care(&mut self, monotonic_nano: u64) -> Result<(), StorageError> {
        self.disk.check()?;
        self.caretaker.care(monotonic_nano)
    }
}
