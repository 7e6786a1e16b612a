//! Connections to a ledger's file, each with what it needs.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::settings::Sync;
use crate::trouble::Sql;

/// How long to wait for a foreign program that holds a lock of SQLite's (somebody's shell with an open transaction).
const FOREIGN_PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of pages that a connection keeps; negative means KiB. Rows are written once and read once.
const CACHE_KIB: i32 = -2048;
/// What a WAL that grew under somebody's long reading is cut back to, in bytes.
const WAL_KEPT_BYTES: i64 = 32 << 20;

/// For the one who writes. Closing it leaves the WAL as it is, until [`tidy_on_close`].
pub(crate) fn writer(file: &Path, sync: Sync) -> Sql<Connection> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Tells at once whether the file can be read at all.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // The caretaker does it.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_KEPT_BYTES, |_| Ok(()))?;
    let synchronous = match sync {
        Sync::Process | Sync::Every(_) => "NORMAL",
        Sync::Disk => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// From now on, closing the last connection empties the WAL.
pub(crate) fn tidy_on_close(connection: &Connection) -> Sql<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// For the caretaker, who moves pages from the WAL to the file. It must not tidy up when it closes: the writer does.
pub(crate) fn caretaker(file: &Path) -> Sql<Connection> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// For reading beside a collector.
pub(crate) fn reader(file: &Path) -> Sql<Connection> {
    open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// For reading what is left of a damaged file: opens one that is shorter than it says.
pub(crate) fn salvager(file: &Path) -> Sql<Connection> {
    let connection = quiet(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before anything else: each statement begins with the first page.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)?;
    with_habits(connection)
}

/// For making a new file that nobody else knows yet. No WAL: it is one file when it is closed.
pub(crate) fn maker(file: &Path) -> Sql<Connection> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // Neither a journal nor waiting for the disk: until the file is complete nobody misses it, then it is synced once.
    connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    Ok(connection)
}

fn open(file: &Path, access: OpenFlags) -> Sql<Connection> {
    with_habits(quiet(file, access)?)
}

/// A connection that leaves the WAL as it is when it closes: a damaged file must not be written into, and a file that took
/// another's place must not lose its WAL to a connection that knew the other.
fn quiet(file: &Path, access: OpenFlags) -> Sql<Connection> {
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

fn with_habits(connection: Connection) -> Sql<Connection> {
    connection.busy_timeout(FOREIGN_PATIENCE)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Closes `connection` without touching the file: the WAL stays as it is.
pub(crate) fn leave_wal(connection: Connection) -> Sql<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.close().map_err(|(_, error)| error)
}

/// Bytes of a page.
pub(crate) fn page_bytes(connection: &Connection) -> Sql<u32> {
    connection.prepare_cached("PRAGMA page_size")?.query_row([], |row| row.get(0))
}
