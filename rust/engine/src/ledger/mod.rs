//! The ledger: what must survive the end of the process, and how it gets back (design §5).

mod opening;
mod storage;

pub use opening::{Keeping, OpenError, Opening};
pub use storage::{
    Caretaker, Change, Finding, Head, JournalRow, ReadReport, Snapshot, Storage, StorageError, StorageSizes,
    StorageTrouble, Stored,
};
