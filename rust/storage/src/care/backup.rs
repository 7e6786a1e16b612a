//! A copy of ledgers that is consistent, also while a collector writes them.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tokenledger::ledger::StorageError;

use super::manifest::{BackupFile, Manifest};
use super::places;
use crate::schema::{self, LEDGER, USAGE};
use crate::trouble::{self, Sql};
use crate::{connection, directory, replace};

/// Usage is written about once a second; a moment without a write is found at once. More often means that something is
/// wrong.
const TRIES: u32 = 200;

/// Backs up every ledger at `from` or below it, and the usage beside each, into `to`, which must be empty or new.
///
/// Ledger and usage of one directory are copied as they were at one moment: usage notes up to which row of the journal it
/// has counted, so an older ledger beside newer usage would let usage miss what comes after the restore.
pub fn backup(from: &Path, to: &Path) -> Result<Manifest, StorageError> {
    let ledgers = places::ledgers(from)?;
    prepare(to)?;
    let mut files = Vec::new();
    for ledger in ledgers {
        let relative = ledger.strip_prefix(from).unwrap_or(Path::new("")).to_owned();
        backup_ledger(&ledger, &relative, to, &mut files)?;
    }
    let manifest = Manifest::new(schema::unix_seconds(), files);
    manifest.write(to)?;
    Ok(manifest)
}

/// Not for everybody to read: usage names people.
fn prepare(to: &Path) -> Result<(), StorageError> {
    let fail = |error| trouble::of_io(to, "make", &error);
    DirBuilder::new().recursive(true).mode(0o750).create(to).map_err(fail)?;
    if fs::read_dir(to).map_err(fail)?.next().is_some() {
        return Err(trouble::other(format!(
            "{} is not empty: a backup needs an empty or a new directory",
            to.display()
        )));
    }
    Ok(())
}

fn backup_ledger(
    ledger: &Path,
    relative: &PathBuf,
    to: &Path,
    files: &mut Vec<BackupFile>,
) -> Result<(), StorageError> {
    let target = to.join(relative);
    DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(&target)
        .map_err(|error| trouble::of_io(&target, "make", &error))?;
    for (name, source) in same_moment(ledger)? {
        let bytes = copy(&source, &ledger.join(name), &target.join(name))?;
        files.push(BackupFile { ledger: relative.clone(), name: name.to_owned(), bytes });
    }
    directory::sync(&target).map_err(|error| trouble::of_io(&target, "make safe", &error))
}

/// Connections that each see their file as it was at one and the same moment.
fn same_moment(ledger: &Path) -> Result<Vec<(&'static str, Connection)>, StorageError> {
    let file = ledger.join(LEDGER);
    let usage = ledger.join(USAGE);
    let fail = |error: rusqlite::Error| trouble::of_sql(&file, "read", &error);
    if !usage.try_exists().map_err(|error| trouble::of_io(&usage, "read", &error))? {
        let source = super::info::open(&file)?;
        freeze(&source).map_err(fail)?;
        return Ok(vec![(LEDGER, source)]);
    }
    let fail_usage = |error: rusqlite::Error| trouble::of_sql(&usage, "read", &error);
    let watch = connection::reader(&usage).map_err(fail_usage)?;
    for _ in 0..TRIES {
        let before = data_version(&watch).map_err(fail_usage)?;
        let usage_source = connection::reader(&usage).map_err(fail_usage)?;
        freeze(&usage_source).map_err(fail_usage)?;
        let source = super::info::open(&file)?;
        freeze(&source).map_err(fail)?;
        if data_version(&watch).map_err(fail_usage)? == before {
            return Ok(vec![(LEDGER, source), (USAGE, usage_source)]);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(trouble::other(format!(
        "{} never stands still: there was no moment without a write",
        usage.display()
    )))
}

/// From now on the connection sees the file as it is now.
fn freeze(source: &Connection) -> Sql<()> {
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Changes with each write that another connection commits.
fn data_version(watch: &Connection) -> Sql<i64> {
    watch.query_row("PRAGMA data_version", [], |row| row.get(0))
}

/// Copies what `source` sees to `target`, under another name until it is complete and safe from a loss of power. Its size.
fn copy(source: &Connection, file: &Path, target: &Path) -> Result<u64, StorageError> {
    let partial = replace::with_suffix(target, ".partial");
    let copied = connection::maker(&partial).and_then(|mut new| {
        let step = Backup::new(source, &mut new)?.step(-1)?;
        new.close().map_err(|(_, error)| error)?;
        Ok(step)
    });
    match copied {
        Ok(StepResult::Done) => {}
        Ok(step) => return Err(trouble::other(format!("cannot copy {}: {step:?}", file.display()))),
        Err(error) => return Err(trouble::of_sql(&partial, "write", &error)),
    }
    File::open(&partial)
        .and_then(|opened| {
            opened.sync_all()?;
            fs::rename(&partial, target)?;
            opened.metadata().map(|found| found.len())
        })
        .map_err(|error| trouble::of_io(&partial, "finish", &error))
}
