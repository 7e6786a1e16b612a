//! Keeping the WAL short, the file no larger than it must be, and what was written safe from a loss of power.

use std::fs::File;
use std::sync::Arc;

use rusqlite::Connection;
use tokenledger::ledger::{Caretaker, StorageError};

use crate::settings::Sync;
use crate::sqlite::Care;
use crate::trouble::{self, Sql};
use crate::{connection, replace};

/// A checkpoint beside the writer begins when so many bytes of the WAL are not in the file yet.
const CHECKPOINT_BYTES: u64 = 2 << 20;
/// The WAL is brought to its end, so that it starts again at its beginning, when it is so long, in bytes.
const RESTART_BYTES: u64 = 8 << 20;
/// Free space in the file is given back when it is so much, in bytes, and more than half of the file.
const SPARE_BYTES: u64 = 16 << 20;
/// Pages given back at a time, so that it stays short: nothing is written meanwhile.
const PAGES_GIVEN_BACK: u32 = 128;
/// A reserve that was given up is tried to be made again so often, in nanoseconds.
const RESERVE_INTERVAL_NANO: u64 = 10_000_000_000;

/// See [`Caretaker`].
#[derive(Debug)]
pub(crate) struct SqliteCaretaker {
    care: Arc<Care>,
    synced_nano: u64,
    reserve_nano: u64,
}

impl SqliteCaretaker {
    pub(crate) fn new(care: Arc<Care>) -> Self {
        Self { care, synced_nano: 0, reserve_nano: 0 }
    }

    /// Whether the file has more pages than the ledger: what was given back leaves it only with a checkpoint.
    fn file_is_longer(&self, connection: &Connection) -> Sql<bool> {
        let pages: u32 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let bytes = u64::from(pages) * u64::from(connection::page_bytes(connection)?);
        Ok(std::fs::metadata(&self.care.file).is_ok_and(|found| found.len() > bytes))
    }

    /// Makes everything written so far safe from a loss of power. SQLite holds no lock on the WAL itself, so opening and
    /// closing it here ends none.
    fn sync_wal(&self) -> Result<(), StorageError> {
        let wal = replace::with_suffix(&self.care.file, "-wal");
        File::open(&wal)
            .and_then(|opened| opened.sync_data())
            .map_err(|error| trouble::of_io(&wal, "make safe", &error))
    }
}

impl Caretaker for SqliteCaretaker {
    fn care(&mut self, monotonic_nano: u64) -> Result<(), StorageError> {
        let connection = self.care.connection.lock();
        // The storage has gone, and with it the lock: nothing here may be touched.
        let Some(connection) = connection.as_ref() else { return Ok(()) };
        if let Sync::Every(interval) = self.care.sync
            && monotonic_nano.saturating_sub(self.synced_nano) >= interval
        {
            self.sync_wal()?;
            self.synced_nano = monotonic_nano;
        }
        if monotonic_nano.saturating_sub(self.reserve_nano) >= RESERVE_INTERVAL_NANO {
            self.care.reserve.make();
            self.reserve_nano = monotonic_nano;
        }
        let fail = |error| trouble::of_sql(&self.care.file, "tidy up", &error);
        let wal = connection.wal().map_err(fail)?;
        if wal.pending >= CHECKPOINT_BYTES
            || (wal.pending > 0 && self.file_is_longer(connection).map_err(fail)?)
        {
            connection.checkpoint().map_err(fail)?;
        }
        Ok(())
    }
}

/// Bytes of the WAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wal {
    /// Since it last started at its beginning.
    pub(crate) length: u64,
    /// Of those, not in the file yet.
    pub(crate) pending: u64,
}

/// What a connection can do for the file.
pub(crate) trait WriterCare {
    /// How long the WAL is.
    fn wal(&self) -> Sql<Wal>;
    /// Brings as much of the WAL into the file as readers allow, without waiting for anybody.
    fn checkpoint(&self) -> Sql<Wal>;
    /// What nothing may be written beside.
    fn finish(&self) -> Sql<()>;
}

impl WriterCare for Connection {
    fn wal(&self) -> Sql<Wal> {
        checkpoint(self, "NOOP")
    }

    fn checkpoint(&self) -> Sql<Wal> {
        checkpoint(self, "PASSIVE")
    }

    fn finish(&self) -> Sql<()> {
        give_back(self)?;
        if self.wal()?.length >= RESTART_BYTES {
            self.checkpoint()?;
        }
        Ok(())
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> Sql<Wal> {
    let page = u64::from(connection::page_bytes(connection)?);
    let mut statement = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    statement.query_row([], |row| {
        // Numbers of pages; -1 where nothing is known.
        let length = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        let done = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
        Ok(Wal { length: length * page, pending: length.saturating_sub(done) * page })
    })
}

/// A long journal leaves much free space behind when it is retired; the next one uses it. What is more than half of
/// the file goes back to the disk, a little each time.
fn give_back(connection: &Connection) -> Sql<()> {
    let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, u32>(0));
    let (pages, free) = (number("page_count")?, number("freelist_count")?);
    let page = u64::from(connection::page_bytes(connection)?);
    if u64::from(free) * page < SPARE_BYTES || free <= pages / 2 {
        return Ok(());
    }
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_GIVEN_BACK})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
