//! Opening a ledger: one writer, a file that is ours, and what to do if it is damaged.

use std::path::Path;

use rusqlite::Connection;
use tokenledger::ledger::{Keeping, StorageError};
use tokenledger::usage::UsageStore;

use crate::lock::DirectoryLock;
use crate::reserve::{RESERVE_BYTES, Reserve};
use crate::schema::{self, LEDGER, Recognised};
use crate::settings::{Settings, Sync};
use crate::sqlite::SqliteStorage;
use crate::trouble::{self, Sql};
use crate::{connection, directory, head, rebuild, replace, usage};

/// An open ledger.
#[derive(Debug)]
pub struct Opened {
    /// For [`tokenledger::Engine::open`].
    pub keeping: Keeping,
    /// What a person should read: a damaged file and where it was kept, a file system that is not local.
    pub warnings: Vec<String>,
}

/// Opens the ledger in the directory that `settings` names, or makes it. Errors name the place and the remedy:
/// - [`Busy`](tokenledger::ledger::StorageTrouble::Busy): another process has it;
/// - [`Newer`](tokenledger::ledger::StorageTrouble::Newer): a newer version wrote it;
/// - [`ReadOnly`](tokenledger::ledger::StorageTrouble::ReadOnly): this user may not write there;
/// - [`Full`](tokenledger::ledger::StorageTrouble::Full): there is no room to make it;
/// - [`Other`](tokenledger::ledger::StorageTrouble::Other): `ledger.db` is a file of something else, or the disk fails.
pub fn open(settings: &Settings) -> Result<Opened, StorageError> {
    open_with_reserve(settings, RESERVE_BYTES)
}

/// [`open`], with another size of the reserve: small disks are for tests.
#[doc(hidden)]
pub fn open_with_reserve(settings: &Settings, reserve_bytes: u64) -> Result<Opened, StorageError> {
    let place = settings.directory.as_path();
    directory::make(place)?;
    let lock = DirectoryLock::take(place)?;
    let mut warnings: Vec<String> = directory::warning(place).into_iter().collect();

    let file = place.join(LEDGER);
    let found = connect(&file, settings.sync)?;
    warnings.extend(found.warning);
    let reserve = Reserve::new(place, reserve_bytes);
    reserve.make();
    let storage = SqliteStorage::new(file, settings.sync, lock, found.writer, found.unreadable, reserve)?;
    let mut usage: Option<Box<dyn UsageStore>> = None;
    if settings.usage {
        let opened = usage::open(place, settings.sync)?;
        warnings.extend(opened.damage);
        usage = Some(Box::new(opened.store));
    }
    Ok(Opened {
        keeping: Keeping {
            storage: Box::new(storage),
            usage,
            snapshot_interval_nano: settings.snapshot_interval_nano,
            usage_retention_nano: settings.usage_retention_nano,
        },
        warnings,
    })
}

struct Found {
    writer: Connection,
    unreadable: u64,
    warning: Option<String>,
}

fn connect(file: &Path, sync: Sync) -> Result<Found, StorageError> {
    let fail = |error| trouble::of_io(file, "replace", &error);
    replace::finish(file).map_err(fail)?;
    let mut unreadable = 0;
    let mut warning = None;
    match schema::recognise(file)? {
        Recognised::Absent => {
            rebuild::fresh(file, None)?;
            replace::replace(file).map_err(fail)?;
        }
        Recognised::Ledger { empty: true } => {
            rebuild::fresh(file, None)?;
            warning = Some(replace_damaged(file, "it is empty")?);
            unreadable = 1;
        }
        Recognised::Ledger { empty: false } => {}
    }
    let writer = match try_out(file, sync) {
        Err(error) if trouble::is_damage(&error) => {
            let copied = rebuild::copy(file, None)?;
            let what = if copied.head_lost {
                "its head cannot be read, so totals begin anew"
            } else {
                "the rest was kept"
            };
            warning = Some(replace_damaged(file, &format!("{error}; {what}"))?);
            unreadable += copied.unreadable.max(1);
            try_out(file, sync)
        }
        tried => tried,
    };
    let writer = writer.map_err(|error| trouble::of_sql(file, "open", &error))?;
    finish_opening(file, &writer)?;
    Ok(Found { writer, unreadable, warning })
}

/// A connection that can read both copies of the head: one alone would be lost with the next damage.
fn try_out(file: &Path, sync: Sync) -> Sql<Connection> {
    let writer = connection::writer(file, sync)?;
    if head::copies_agree(&writer)? { Ok(writer) } else { Err(head::damaged()) }
}

fn finish_opening(file: &Path, writer: &Connection) -> Result<(), StorageError> {
    let fail = |error| trouble::of_sql(file, "open", &error);
    // SQLite opens a file that it may not write for reading only, and says nothing.
    if writer.is_readonly("main").map_err(fail)? {
        return Err(trouble::of_io(file, "write", &std::io::ErrorKind::PermissionDenied.into()));
    }
    // The newest value can be in the WAL, so the file's first bytes are not the last word.
    let version = writer.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
    schema::check_version(file, version)?;
    connection::tidy_on_close(writer).map_err(fail)?;
    // The WAL is a new file: without this a loss of power can take it whole.
    directory::sync(file.parent().unwrap_or(file)).map_err(|error| trouble::of_io(file, "make safe", &error))
}

/// The file made anew takes the place of the damaged one, which is kept; the text says where and why.
fn replace_damaged(file: &Path, why: &str) -> Result<String, StorageError> {
    let kept = replace::keep_aside(file, "damaged", schema::unix_seconds())
        .and_then(|kept| replace::replace(file).map(|()| kept))
        .map_err(|error| trouble::of_io(file, "replace", &error))?;
    Ok(format!("{} was damaged ({why}); it is kept as {}", file.display(), kept.display()))
}
