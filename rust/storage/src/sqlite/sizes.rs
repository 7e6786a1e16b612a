//! Bytes of everything that belongs to a ledger.

use std::fs;
use std::path::Path;

use crate::lock::LOCK;
use crate::reserve::RESERVE;

/// Of the file and everything whose name begins with its name, of the reserve and the lock.
pub(super) fn file_bytes(file: &Path) -> u64 {
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else { return 0 };
    let name = name.to_string_lossy();
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .filter(|entry| {
            let found = entry.file_name();
            let found = found.to_string_lossy();
            found.starts_with(&*name) || found == LOCK || found == RESERVE
        })
        .filter_map(|entry| entry.metadata().ok())
        .map(|found| found.len())
        .sum()
}
