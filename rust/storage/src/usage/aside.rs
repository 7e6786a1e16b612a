//! A damaged file is put aside for people to look at; nothing is thrown away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Gives `file` and the WAL beside it the name `<file>.damaged-<seconds>`, counted up if there is one
/// of that name already. Nobody may have it open for writing.
pub(super) fn put_aside(file: &Path, unix_seconds: u64) -> io::Result<PathBuf> {
    let candidate = |seconds| with_suffix(file, &format!(".damaged-{seconds}"));
    let mut seconds = unix_seconds;
    while candidate(seconds).try_exists()? {
        seconds += 1;
    }
    let aside = candidate(seconds);
    // The WAL first: a file without its WAL is older, a WAL that stands beside another file is nonsense.
    rename_if_there(&with_suffix(file, "-wal"), &with_suffix(&aside, "-wal"))?;
    rename_if_there(file, &aside)?;
    match fs::remove_file(with_suffix(file, "-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(aside),
    }
}

/// `file` with something appended to its name.
pub(super) fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
