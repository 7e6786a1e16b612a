//! What people do with ledgers: look, check, back up, bring back. Everything but [`restore`] works beside a collector
//! that is writing.
//!
//! Each operation takes the directory of one ledger or a directory above several; [`ledgers`] finds them.

mod backup;
mod check;
mod info;
mod manifest;
mod places;
mod restore;

pub use backup::backup;
pub use check::{CheckReport, Problem, check};
pub use info::{BlobTable, FileSize, Info, info};
pub use manifest::{BackupFile, MANIFEST, Manifest};
pub use places::ledgers;
pub use restore::{Restored, restore};

pub use crate::lock::Holder;
