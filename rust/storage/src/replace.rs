//! One file takes the place of another, so that after a crash at any moment either the old one is there or the new one.
//!
//! A database is the file and its WAL, and SQLite plays a WAL into whatever file lies beside it. So the order matters:
//!
//! 1. The new file is made as `<name>.rebuilding` and synced.
//! 2. The old one is kept aside under a second name (a hard link, or a copy), its WAL too.
//! 3. `<name>.rebuilding` becomes `<name>.rebuilt`: from here on the new file counts.
//! 4. The old WAL and its index go, `<name>.rebuilt` becomes `<name>`.
//!
//! [`finish`] does step 4 if a crash came between, and removes what steps 1 and 2 left behind. Only for the holder of the
//! lock, and while no connection of this process is open.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::directory;

/// Where the new file for `file` is made.
pub(crate) fn rebuilding(file: &Path) -> PathBuf {
    with_suffix(file, ".rebuilding")
}

/// Goes on where a crash interrupted a replacement of `file`.
pub(crate) fn finish(file: &Path) -> io::Result<()> {
    let rebuilt = with_suffix(file, ".rebuilt");
    remove(&rebuilding(file))?;
    remove(&with_suffix(file, ".rebuilding-journal"))?;
    if !rebuilt.try_exists()? {
        return Ok(());
    }
    remove(&with_suffix(file, "-wal"))?;
    remove(&with_suffix(file, "-shm"))?;
    sync_parent(file)?;
    fs::rename(&rebuilt, file)?;
    sync_parent(file)
}

/// Steps 1 (its sync), 3 and 4: [`rebuilding`] takes the place of `file`.
pub(crate) fn replace(file: &Path) -> io::Result<()> {
    let new = rebuilding(file);
    File::open(&new)?.sync_all()?;
    fs::rename(&new, with_suffix(file, ".rebuilt"))?;
    sync_parent(file)?;
    finish(file)
}

/// Step 2: keeps `file` and its WAL under a second name, `<name>.<why>-<unix seconds>`, which is returned.
pub(crate) fn keep_aside(file: &Path, why: &str, unix_seconds: u64) -> io::Result<PathBuf> {
    let aside = (unix_seconds..)
        .map(|seconds| with_suffix(file, &format!(".{why}-{seconds}")))
        .find(|path| !path.exists())
        .ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
    // The WAL first: a database without its WAL would look whole and be older.
    let wal = with_suffix(file, "-wal");
    if wal.try_exists()? {
        link_or_copy(&wal, &with_suffix(&aside, "-wal"))?;
    }
    link_or_copy(file, &aside)?;
    sync_parent(file)?;
    Ok(aside)
}

/// `path` with `suffix` after its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Removes a file; one that is not there is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A second name needs no space and no time; not every file system has them.
fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

fn sync_parent(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), directory::sync)
}
