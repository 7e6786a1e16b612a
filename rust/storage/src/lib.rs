//! Where a ledger is kept: the engine's [`tokenledger::ledger::Storage`] on SQLite, with its faults, its backup and
//! its care. The engine itself does no I/O.
//!
//! One directory keeps one ledger. What each file is, the schema, and what is promised in each mode:
//! `docs/ledger-files.md`.
//!
//! ```text
//! <directory>/lock             held by the process that writes (kernel lock), its text says which process that is
//! <directory>/ledger.db        the ledger (with ledger.db-wal and ledger.db-shm while it is open)
//! <directory>/usage.db         usage for reports
//! <directory>/reserve          space that is given up when the disk is full, so that the journal can still be retired
//! <directory>/ledger.db.damaged-<seconds>    what a damaged file was before it was built anew
//! ```
//!
//! # Decisions
//!
//! **A file lock, not `locking_mode=EXCLUSIVE`.** The journal mode is the ordinary WAL, so that `info`, `check`,
//! `backup` and export read a ledger that a collector is writing. A second *writer* is kept out by an exclusive
//! kernel lock on the file `lock`: it ends with the process however that ends, and its text names the holder for the
//! message.
//!
//! **Two connections.** One writes; one belongs to the caretaker and moves pages from the WAL to the file while the
//! other writes (passive checkpoint). SQLite's own automatic checkpoint is off, because it would stop a request for
//! as long as the disk takes. A passive checkpoint beside a busy writer never quite reaches the end of the WAL, and
//! only a WAL that was copied to its end starts again at its beginning. So `finish_care`, beside which nothing is
//! written, copies the little that is left when the WAL is long; that keeps it bounded.
//!
//! **Rebuilt, not repaired.** Where a page is damaged, everything that can still be reached is copied into a fresh
//! file, which takes the place of the damaged one in steps of which each can be repeated after a crash
//! (`replace.rs`); the damaged file stays beside it under another name.
//!
//! **No unsafe code.** What only SQLite's C interface offers (binding a blob without a copy, the system's error
//! number) is done without: the copy is a small part of what a row costs, and what the number would say is found by asking
//! the file system.
#![forbid(unsafe_code)]

pub mod care;
mod caretaker;
mod connection;
mod directory;
mod head;
mod lock;
mod open;
mod rebuild;
mod replace;
mod reserve;
mod salvage;
mod schema;
mod settings;
mod sqlite;
mod trouble;
pub mod usage;

pub use open::{Opened, open, open_with_reserve};
pub use settings::{Settings, Sync};
