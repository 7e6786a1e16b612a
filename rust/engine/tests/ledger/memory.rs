//! A ledger in memory, shared with the test: its writes can fail, and what it holds survives the engine,
//! can be looked at, damaged, and put back as it was some writes ago.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokenledger::ledger::{
    Caretaker, Change, Finding, Head, JournalRow, ReadReport, Snapshot, Storage, StorageError, StorageSizes,
    StorageTrouble, Stored,
};

/// What is stored at a moment.
#[derive(Clone, Debug, Default)]
pub struct Content {
    pub head: Option<Head>,
    pub journal: BTreeMap<u64, Arc<[u8]>>,
    pub snapshots: BTreeMap<u32, Arc<[u8]>>,
}

impl Content {
    /// Bytes of all blobs.
    pub fn bytes(&self) -> usize {
        self.journal.values().chain(self.snapshots.values()).map(|blob| blob.len()).sum()
    }

    /// All blobs, snapshots first.
    pub fn blobs(&mut self) -> impl Iterator<Item = &mut Arc<[u8]>> {
        self.snapshots.values_mut().chain(self.journal.values_mut())
    }
}

/// Which writes fail. A write that fails leaves everything as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Faults {
    #[default]
    None,
    /// The write of this number, counted from 1.
    At(u64),
    /// Every write from this number on, until the faults are taken away.
    From(u64),
}

#[derive(Debug, Default)]
pub struct State {
    pub content: Content,
    /// Blobs that the reader called damaged.
    pub aside: Vec<Arc<[u8]>>,
    pub faults: Faults,
    pub trouble: Option<StorageTrouble>,
    /// Writes so far, failed ones too, and how many failed.
    pub writes: u64,
    pub failed: u64,
    /// The content after each of the last writes, the newest last.
    history: VecDeque<Content>,
    greatest_sequence: u64,
    /// What a storage may rely on and did not get.
    pub violations: Vec<String>,
}

/// Contents that are kept.
const HISTORY: usize = 64;

/// A handle to one ledger.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<State>>);

impl Memory {
    /// A storage with this content.
    pub fn of(content: Content) -> Self {
        let memory = Self::default();
        memory.state().content = content;
        memory
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    pub fn content(&self) -> Content {
        self.state().content.clone()
    }

    pub fn fail(&self, faults: Faults, trouble: StorageTrouble) {
        let mut state = self.state();
        (state.faults, state.trouble) = (faults, Some(trouble));
    }

    /// All writes fail from now on.
    pub fn fill(&self) {
        self.fail(Faults::From(0), StorageTrouble::Full);
    }

    pub fn empty_again(&self) {
        self.state().faults = Faults::None;
    }

    /// Loss of power: the last `writes` writes never reached the disk.
    pub fn lose(&self, writes: usize) {
        let mut state = self.state();
        for _ in 0..writes {
            if state.history.len() > 1 {
                state.history.pop_back();
            }
        }
        if let Some(content) = state.history.back().cloned() {
            state.content = content;
        }
    }
}

impl State {
    fn fails(&self) -> bool {
        match self.faults {
            Faults::None => false,
            Faults::At(number) => self.writes == number,
            Faults::From(number) => self.writes >= number,
        }
    }

    fn write(&mut self, change: &Change<'_>) -> Result<(), StorageError> {
        self.writes += 1;
        if self.fails() {
            self.failed += 1;
            let kind = self.trouble.unwrap_or(StorageTrouble::Other);
            return Err(StorageError { kind, message: format!("write {} fails", self.writes) });
        }
        let content = &mut self.content;
        if change.clear {
            *content = Content { head: content.head.take(), ..Content::default() };
        }
        content.head = change.head.cloned().or(content.head.take());
        if let Some(JournalRow { sequence, blob }) = change.journal {
            if sequence <= self.greatest_sequence {
                self.violations.push(format!("row {sequence} after row {}", self.greatest_sequence));
            }
            self.greatest_sequence = self.greatest_sequence.max(sequence);
            content.journal.insert(sequence, blob.into());
        }
        for Snapshot { number, blob } in change.snapshots {
            content.snapshots.insert(*number, (*blob).into());
        }
        if let Some(through) = change.retire_through {
            content.journal.retain(|sequence, _| *sequence > through);
        }
        self.history.push_back(self.content.clone());
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        Ok(())
    }
}

impl Storage for Memory {
    fn head(&mut self) -> Result<Option<Head>, StorageError> {
        Ok(self.state().content.head.clone())
    }

    fn read(&mut self, each: &mut dyn FnMut(Stored<'_>) -> Finding) -> Result<ReadReport, StorageError> {
        let mut report = ReadReport::default();
        let content = self.content();
        let mut show = |stored: Stored<'_>, blob: &Arc<[u8]>| {
            report.blobs += 1;
            let damaged = each(stored) == Finding::Damaged;
            if damaged {
                report.damaged += 1;
                self.state().aside.push(Arc::clone(blob));
            }
            !damaged
        };
        let mut sound = Content { head: content.head.clone(), ..Content::default() };
        for (number, blob) in &content.snapshots {
            if show(Stored::Snapshot(Snapshot { number: *number, blob }), blob) {
                sound.snapshots.insert(*number, Arc::clone(blob));
            }
        }
        for (sequence, blob) in &content.journal {
            if show(Stored::Journal(JournalRow { sequence: *sequence, blob }), blob) {
                sound.journal.insert(*sequence, Arc::clone(blob));
            }
        }
        self.state().content = sound;
        Ok(report)
    }

    fn write(&mut self, change: &Change<'_>) -> Result<(), StorageError> {
        self.state().write(change)
    }

    fn caretaker(&mut self) -> Option<Box<dyn Caretaker>> {
        None
    }

    fn finish_care(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn sizes(&mut self) -> StorageSizes {
        StorageSizes { file_bytes: self.state().content.bytes() as u64 }
    }
}
