//! Finding ledgers.

use std::fs;
use std::path::{Path, PathBuf};

use tokenledger::ledger::StorageError;

use crate::schema::LEDGER;
use crate::trouble;

/// A component's id can have a name after a slash (`token_ledger/2`): so deep below the storage directory a ledger lies.
const DEPTH: usize = 3;

/// The directories of ledgers at `directory` or below it, in the order of their names. None is an error.
pub fn ledgers(directory: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let mut found = Vec::new();
    look(directory, DEPTH, &mut found)?;
    if found.is_empty() {
        return Err(trouble::other(format!("there is no ledger in {} or below it", directory.display())));
    }
    found.sort();
    Ok(found)
}

fn look(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), StorageError> {
    let fail = |error| trouble::of_io(directory, "read", &error);
    if directory.join(LEDGER).try_exists().map_err(fail)? {
        found.push(directory.to_owned());
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    for entry in fs::read_dir(directory).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_type().map_err(fail)?.is_dir() {
            look(&entry.path(), depth - 1, found)?;
        }
    }
    Ok(())
}
