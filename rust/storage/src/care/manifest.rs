//! What a backup contains. Written last: a directory without it is no complete backup.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokenledger::ledger::StorageError;

use crate::{directory, replace, trouble};

/// The manifest's name in the backup.
pub const MANIFEST: &str = "backup.json";
/// Its version.
const VERSION: u32 = 1;

/// What a backup contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the manifest's format.
    pub version: u32,
    /// When the backup was made, Unix seconds.
    pub made_unix: u64,
    /// Every file.
    pub files: Vec<BackupFile>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// The ledger's directory below the one that was backed up; empty if it was that one.
    pub ledger: PathBuf,
    /// `ledger.db` or `usage.db`.
    pub name: String,
    /// How large.
    pub bytes: u64,
}

impl Manifest {
    pub(super) fn new(made_unix: u64, files: Vec<BackupFile>) -> Self {
        Self { version: VERSION, made_unix, files }
    }

    /// Writes it into the backup at `directory`, safe from a loss of power.
    pub(super) fn write(&self, directory: &Path) -> Result<(), StorageError> {
        let path = directory.join(MANIFEST);
        let partial = replace::with_suffix(&path, ".partial");
        let text = serde_json::to_string_pretty(self).map_err(|error| trouble::other(error.to_string()))?;
        File::create(&partial)
            .and_then(|mut file| {
                writeln!(file, "{text}")?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&partial, &path))
            .and_then(|()| directory::sync(directory))
            .map_err(|error| trouble::of_io(&path, "write", &error))
    }

    /// Reads that of the backup at `directory`.
    pub fn read(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(trouble::other(format!(
                    "{} is no complete backup: it has no {MANIFEST}, which is written last",
                    directory.display(),
                )));
            }
            read => read.map_err(|error| trouble::of_io(&path, "read", &error))?,
        };
        let found: Self = serde_json::from_str(&text)
            .map_err(|error| trouble::other(format!("cannot read {}: {error}", path.display())))?;
        if found.version > VERSION {
            return Err(trouble::trouble(
                tokenledger::ledger::StorageTrouble::Newer,
                format!(
                    "{} has version {}, this software knows {VERSION}: use a newer one",
                    path.display(),
                    found.version
                ),
            ));
        }
        Ok(found)
    }
}
