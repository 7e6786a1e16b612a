//! Bringing a backup back.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokenledger::ledger::StorageError;

use super::check::{self, CheckReport};
use super::manifest::{BackupFile, Manifest};
use crate::lock::{DirectoryLock, LOCK};
use crate::schema::{self, LEDGER, USAGE};
use crate::{directory, replace, trouble};

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Directories of ledgers that are back.
    pub ledgers: Vec<PathBuf>,
    /// What was there before and is kept under another name.
    pub kept: Vec<PathBuf>,
}

/// Brings the backup at `from` back to `to`. Nothing is touched unless the whole backup is sound, no process holds a
/// ledger that it would replace, and `replace` is set wherever there is one. A replaced file stays, as
/// `<name>.replaced-<Unix seconds>`.
pub fn restore(
    from: &Path,
    to: &Path,
    replace: bool,
    check_blob: &mut dyn FnMut(&[u8]) -> Result<(), String>,
) -> Result<Restored, StorageError> {
    let manifest = Manifest::read(from)?;
    let ledgers = ledgers_of(&manifest)?;
    for ledger in &ledgers {
        check_backup(from, ledger, &manifest.files, check_blob)?;
    }
    let mut locked = Vec::new();
    for ledger in &ledgers {
        let place = to.join(ledger);
        directory::make(&place)?;
        let lock = DirectoryLock::take(&place)?;
        give_to_owner(&place, &place.join(LOCK))?;
        refuse_existing(&place, replace)?;
        locked.push((place, lock));
    }
    let mut restored = Restored::default();
    for (ledger, (place, _lock)) in ledgers.iter().zip(&locked) {
        // Usage first: after a crash between the two, an older ledger beside newer usage must not look complete.
        for name in [USAGE, LEDGER] {
            let file = place.join(name);
            replace::finish(&file).map_err(|error| trouble::of_io(&file, "finish", &error))?;
            let there = manifest.files.iter().any(|file| file.ledger == *ledger && file.name == name);
            let kept =
                if there { bring_back(&from.join(ledger).join(name), &file)? } else { put_away(&file)? };
            restored.kept.extend(kept);
        }
        restored.ledgers.push(place.clone());
    }
    Ok(restored)
}

/// Places below the backup, each once. A manifest is a file that anybody can edit, so its paths stay inside.
fn ledgers_of(manifest: &Manifest) -> Result<Vec<PathBuf>, StorageError> {
    let mut found: Vec<PathBuf> = Vec::new();
    for file in &manifest.files {
        let inside = file.ledger.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !inside || (file.name != LEDGER && file.name != USAGE) {
            return Err(trouble::other(format!(
                "the backup names a file that no ledger has: {}",
                file.ledger.join(&file.name).display()
            )));
        }
        if !found.contains(&file.ledger) {
            found.push(file.ledger.clone());
        }
    }
    Ok(found)
}

fn check_backup(
    from: &Path,
    ledger: &Path,
    files: &[BackupFile],
    check_blob: &mut dyn FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), StorageError> {
    for file in files.iter().filter(|file| file.ledger == ledger) {
        let path = from.join(ledger).join(&file.name);
        let found = fs::metadata(&path).map_err(|error| trouble::of_io(&path, "read", &error))?.len();
        if found != file.bytes {
            let bytes = file.bytes;
            return Err(trouble::other(format!("{} has {found} bytes and had {bytes}", path.display())));
        }
    }
    let CheckReport { problems, damaged, .. } = check::check(&from.join(ledger), check_blob)?;
    problems.first().map_or(Ok(()), |first| {
        Err(trouble::other(format!(
            "the backup is damaged ({damaged} problems, the first in {}: {}); nothing was changed",
            first.file.display(),
            first.message,
        )))
    })
}

fn refuse_existing(place: &Path, replace: bool) -> Result<(), StorageError> {
    for name in [LEDGER, USAGE] {
        let file = place.join(name);
        if !replace && file.try_exists().map_err(|error| trouble::of_io(&file, "read", &error))? {
            return Err(trouble::other(format!(
                "{} exists; with --replace the backup takes its place, and it is kept under another name",
                file.display(),
            )));
        }
    }
    Ok(())
}

/// `source` takes the place of `file`; what was there is kept, and its new name returned.
fn bring_back(source: &Path, file: &Path) -> Result<Option<PathBuf>, StorageError> {
    let fail = |error| trouble::of_io(file, "bring back", &error);
    let new = replace::rebuilding(file);
    fs::copy(source, &new).map_err(fail)?;
    if let Some(directory) = file.parent() {
        give_to_owner(directory, &new)?;
    }
    File::open(&new).and_then(|copied| copied.sync_all()).map_err(fail)?;
    let kept = file
        .try_exists()
        .and_then(|there| {
            there.then(|| replace::keep_aside(file, "replaced", schema::unix_seconds())).transpose()
        })
        .map_err(fail)?;
    replace::replace(file).map_err(fail)?;
    Ok(kept)
}

/// A file that the backup does not have must not stay beside what it has: usage of another time would not fit.
fn put_away(file: &Path) -> Result<Option<PathBuf>, StorageError> {
    let put = || {
        if !file.try_exists()? {
            return Ok(None);
        }
        let kept = replace::keep_aside(file, "replaced", schema::unix_seconds())?;
        replace::remove(file)?;
        replace::remove(&replace::with_suffix(file, "-wal"))?;
        replace::remove(&replace::with_suffix(file, "-shm"))?;
        Ok(Some(kept))
    };
    put().map_err(|error| trouble::of_io(file, "put away", &error))
}

/// Restoring is often done as root, and the collector runs as somebody else: files get the owner of their directory.
fn give_to_owner(directory: &Path, file: &Path) -> Result<(), StorageError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    fs::metadata(directory)
        .and_then(|owner| chown(file, Some(owner.uid()), Some(owner.gid())))
        .map_err(|error| trouble::of_io(file, "give away", &error))
}
