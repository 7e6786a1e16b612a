//! Keeping the WAL short, the file no larger than it must be, and what was written safe from a loss of power.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
/// Bytes given back at a time.
const GIVEN_BACK_BYTES: u64 = 1 << 20;
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
            let done = connection.checkpoint();
            self.care.note(&done);
            done.map_err(fail)?;
        }
        Ok(())
    }
}

impl Care {
    /// A checkpoint that finds the disk full stops rows of the journal until one succeeds. Otherwise they would go on
    /// filling the WAL, which has its space already, and what must then fit into the file would outgrow the reserve.
    pub(crate) fn note(&self, checkpoint: &Sql<Wal>) {
        let full = checkpoint.as_ref().is_err_and(|error| trouble::is_full(&self.file, error));
        self.full.store(full, Ordering::Relaxed);
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
    /// Gives free pages of the file back, at most so many bytes; the next checkpoint makes the file shorter.
    fn give_back(&self, bytes: u64) -> Sql<()>;
}

impl WriterCare for Connection {
    fn wal(&self) -> Sql<Wal> {
        checkpoint(self, "NOOP")
    }

    fn checkpoint(&self) -> Sql<Wal> {
        checkpoint(self, "PASSIVE")
    }

    fn give_back(&self, bytes: u64) -> Sql<()> {
        let pages = bytes.div_ceil(u64::from(connection::page_bytes(self)?));
        let mut statement = self.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
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

/// What nothing may be written beside, so a little each time.
///
/// A long journal leaves much free space behind when it is retired; the next one uses it. What is more than half of
/// the file goes back to the disk.
pub(crate) fn finish(writer: &Connection, care: &Care) -> Sql<()> {
    let free = free(writer)?;
    let mut restart = care.full.load(Ordering::Relaxed);
    if free.bytes >= SPARE_BYTES && free.most {
        // Giving back writes to the WAL. On a full disk there may be no room in it before it starts again.
        match writer.give_back(GIVEN_BACK_BYTES) {
            Err(error) if trouble::is_full(&care.file, &error) => restart = true,
            given => given?,
        }
    }
    if restart || writer.wal()?.length >= RESTART_BYTES {
        let done = writer.checkpoint();
        care.note(&done);
        match done {
            // What is free in the file can take the reserve's place.
            Err(error) if trouble::is_full(&care.file, &error) && free.bytes >= care.reserve.bytes() => {
                if !care.reserve.give_up() {
                    return Err(error);
                }
                let done = writer.checkpoint();
                care.note(&done);
                take_reserve_back(writer, care);
                done?;
            }
            done => drop(done?),
        }
    }
    Ok(())
}

/// Makes the reserve again from what is free in the file. If it fails, the caretaker tries when there is plenty of room.
pub(crate) fn take_reserve_back(writer: &Connection, care: &Care) {
    let done = writer.give_back(care.reserve.bytes()).and_then(|()| writer.checkpoint());
    care.note(&done);
    care.reserve.make_again();
}

/// What the file holds and nobody needs.
struct Free {
    bytes: u64,
    /// More than half of it.
    most: bool,
}

fn free(writer: &Connection) -> Sql<Free> {
    let number = |name: &str| writer.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, u32>(0));
    let (pages, free) = (number("page_count")?, number("freelist_count")?);
    let bytes = u64::from(free) * u64::from(connection::page_bytes(writer)?);
    Ok(Free { bytes, most: free > pages / 2 })
}
