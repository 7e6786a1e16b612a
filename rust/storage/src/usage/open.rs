//! Opening `usage.db` for writing: what a sound file, a new one, a damaged one and one of a newer
//! version mean.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokenledger::ledger::StorageError;

use crate::Sync;
use crate::trouble::{Sql, is_damage, of_io, of_sql};
use crate::usage::aside::put_aside;
use crate::usage::migrate::migrate;
use crate::usage::{FILE_NAME, SqliteUsage};

/// How long to wait for a reader who locks the file, which readers do for moments only.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pages in memory, in KiB (negative is SQLite's way to say so).
const CACHE_KIB: i32 = -4096;
/// What a WAL that grew under somebody's long reading is cut back to, in bytes.
const WAL_KEPT_BYTES: i64 = 16 << 20;
/// Files up to this size are checked whole at the start, which takes a tenth of a second at most;
/// damage in larger ones is found when it is touched.
const CHECKED_BYTES: u64 = 32 << 20;

/// What [`open`] found.
#[derive(Debug)]
pub struct OpenedUsage {
    /// Ready for the engine.
    pub store: SqliteUsage,
    /// For the log, as an error: a damaged file was put aside and a new one begun.
    pub damage: Option<String>,
}

/// Opens `usage.db` in `directory`, which exists and is locked by this process; makes it if there is
/// none. With [`Sync::Disk`] each write survives the loss of power; otherwise the end of the process.
///
/// A damaged file is put aside as `usage.db.damaged-<seconds>` and a new one begun. A file of a newer
/// version, or of another program, is left alone: an error that says so.
pub fn open(directory: &Path, sync: Sync) -> Result<OpenedUsage, StorageError> {
    open_at(directory, sync, unix_seconds())
}

/// As [`open`], at `now` in Unix seconds.
pub(super) fn open_at(directory: &Path, sync: Sync, now: u64) -> Result<OpenedUsage, StorageError> {
    let file = directory.join(FILE_NAME);
    let (connection, damage) = match connect(&file, sync, now) {
        Ok(connection) => (connection, None),
        Err(Refused::Damaged(reason)) => {
            let (connection, text) = begin_anew(&file, sync, now, &reason)?;
            (connection, Some(text))
        }
        Err(Refused::Trouble(error)) => return Err(error),
    };
    Ok(OpenedUsage { store: SqliteUsage::new(connection, file, sync), damage })
}

/// Puts the damaged `file` aside and begins a new one; with a text for the log. Nobody has it open.
pub(super) fn begin_anew(
    file: &Path,
    sync: Sync,
    now: u64,
    reason: &str,
) -> Result<(Connection, String), StorageError> {
    let aside: PathBuf = put_aside(file, now).map_err(|error| of_io(file, "put aside", &error))?;
    let (file_text, aside) = (file.display(), aside.display());
    let text = format!(
        "{file_text} is damaged ({reason}): it is kept as {aside}, and usage for reports begins anew; \
         totals are not affected. What can be read of it: sqlite3 '{aside}' .recover"
    );
    let connection = connect(file, sync, now).map_err(|refused| match refused {
        Refused::Trouble(error) => error,
        Refused::Damaged(reason) => crate::trouble::other(format!("cannot make {file_text}: {reason}")),
    })?;
    Ok((connection, text))
}

/// Unix seconds now.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

enum Refused {
    Damaged(String),
    Trouble(StorageError),
}

fn connect(file: &Path, sync: Sync, now: u64) -> Result<Connection, Refused> {
    let refused = |error: &rusqlite::Error| {
        if is_damage(error) {
            Refused::Damaged(error.to_string())
        } else {
            Refused::Trouble(of_sql(file, "open", error))
        }
    };
    let mut connection = prepare(file, sync).map_err(|error| refused(&error))?;
    check(&connection, file).map_err(|error| refused(&error))?.map_or(Ok(()), |finding| {
        leave(&connection);
        Err(Refused::Damaged(finding))
    })?;
    let unix_hour = u32::try_from(now / 3600).unwrap_or(u32::MAX);
    migrate(&mut connection, file, unix_hour).map_err(Refused::Trouble)?;
    Ok(connection)
}

fn prepare(file: &Path, sync: Sync) -> Sql<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_KEPT_BYTES, |_| Ok(()))?;
    let synchronous = if sync == Sync::Disk { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// The first finding of SQLite's own check.
fn check(connection: &Connection, file: &Path) -> Sql<Option<String>> {
    if std::fs::metadata(file).is_ok_and(|metadata| metadata.len() > CHECKED_BYTES) {
        return Ok(None);
    }
    let finding: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((finding != "ok").then_some(finding))
}

/// Closing the connection must not write into a damaged file.
pub(super) fn leave(connection: &Connection) {
    // Without it closing tries to tidy the WAL; that is no reason to fail.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}
