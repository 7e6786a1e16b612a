//! The ledger: what must survive the end of the process, and how it gets back (design §5).

pub(crate) mod effects;
pub(crate) mod journal;

mod blob;
mod bytes;
mod opening;
mod recent;
mod restore;
mod resume;
mod segment;
mod storage;

pub use blob::{Damage, check_blob};
pub use opening::{Keeping, OpenError, Opening};
pub use storage::{
    Caretaker, Change, Finding, Head, JournalRow, ReadReport, Snapshot, Storage, StorageError, StorageSizes,
    StorageTrouble, Stored,
};
