//! The engine's storage on SQLite.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokenledger::ledger::{
    Caretaker, Change, Finding, Head, ReadReport, Storage, StorageError, StorageSizes, StorageTrouble, Stored,
};

use crate::caretaker::{self, SqliteCaretaker, WriterCare};
use crate::lock::DirectoryLock;
use crate::reserve::Reserve;
use crate::settings::Sync;
use crate::trouble;
use crate::{connection, head, rebuild, replace, schema};

mod origin;
mod read;
mod sizes;
mod write;

pub(crate) use origin::Origin;

/// One ledger on SQLite. `None` for the connection only while a damaged file is being replaced, or after that failed.
#[derive(Debug)]
pub(crate) struct SqliteStorage {
    file: PathBuf,
    sync: Sync,
    writer: Option<Connection>,
    care: Arc<Care>,
    /// Known since it was read or written: a rebuilt file gets it even if it can no longer be read.
    head: Option<Head>,
    /// Found unreadable when the ledger was opened; the next [`Storage::read`] tells.
    unreadable: u64,
    _lock: DirectoryLock,
}

/// What the writer and the caretaker share.
#[derive(Debug)]
pub(crate) struct Care {
    pub(crate) file: PathBuf,
    pub(crate) sync: Sync,
    /// The caretaker's connection; `None` while nothing may be open, and when the storage has gone.
    pub(crate) connection: Mutex<Option<Connection>>,
    pub(crate) reserve: Reserve,
    /// The last checkpoint found the disk full.
    pub(crate) full: AtomicBool,
}

impl Drop for SqliteStorage {
    /// The caretaker's connection goes first, then the writer's: the last one empties the WAL. Then the lock ends.
    fn drop(&mut self) {
        *self.care.connection.lock() = None;
        self.writer = None;
    }
}

impl SqliteStorage {
    /// Everything is open already; what is still missing is the caretaker's connection.
    pub(crate) fn new(
        file: PathBuf,
        sync: Sync,
        lock: DirectoryLock,
        writer: Connection,
        unreadable: u64,
        reserve: Reserve,
    ) -> Result<Self, StorageError> {
        let fail = |error| trouble::of_sql(&file, "open", &error);
        let head = head::read(&writer).map_err(fail)?;
        let caretaker = connection::caretaker(&file).map_err(fail)?;
        let care = Care {
            file: file.clone(),
            sync,
            connection: Mutex::new(Some(caretaker)),
            reserve,
            full: AtomicBool::new(false),
        };
        Ok(Self { file, sync, writer: Some(writer), care: Arc::new(care), head, unreadable, _lock: lock })
    }

    fn writer(&self) -> Result<&Connection, StorageError> {
        self.writer.as_ref().ok_or_else(|| {
            trouble::other(format!(
                "{} could not be opened again after it was damaged; restart",
                self.file.display()
            ))
        })
    }

    fn fail(&self, doing: &str, error: &rusqlite::Error) -> StorageError {
        trouble::of_sql(&self.file, doing, error)
    }

    /// Tries again after making room: first what lies in the WAL is brought into the file, whose free pages may hold it;
    /// then, for what frees space itself, the reserve is given up. Rows of the journal never get the reserve: it
    /// would be gone when the journal is to be retired.
    fn write_when_full(&mut self, change: &Change<'_>) -> Result<(), StorageError> {
        let writer = self.writer()?;
        let again = || {
            let done = writer.checkpoint();
            self.care.note(&done);
            done.and_then(|_| write::apply(writer, change))
        };
        let mut tried = again();
        let full = tried.as_ref().is_err_and(|error| trouble::is_full(&self.file, error));
        if full && frees(change) && self.care.reserve.give_up() {
            tried = again();
            caretaker::take_reserve_back(writer, &self.care);
        }
        tried.map_err(|error| self.fail("write", &error))
    }

    /// Tries again on a fresh file, if it holds everything that the damaged one held: what the engine knows must never be
    /// replaced by less. A change that clears needs nothing of what was there.
    fn write_after_damage(
        &mut self,
        change: &Change<'_>,
        damage: &rusqlite::Error,
    ) -> Result<(), StorageError> {
        if change.clear {
            rebuild::fresh(&self.file, self.head.as_ref())?;
        } else {
            let copied = rebuild::copy(&self.file, self.head.as_ref())?;
            if copied.unreadable > 0 {
                let _ = replace::remove(&replace::rebuilding(&self.file));
                return Err(trouble::other(format!(
                    "{} is damaged ({damage}), and {} of its rows or stretches of rows cannot be read; totals in memory are \
                     whole: write all of them anew, or restart to go on with what can be read",
                    self.file.display(),
                    copied.unreadable,
                )));
            }
        }
        self.take_rebuilt()?;
        write::apply(self.writer()?, change).map_err(|error| self.fail("write", &error))
    }

    /// The fresh file takes the place of the damaged one, which is kept aside.
    fn take_rebuilt(&mut self) -> Result<(), StorageError> {
        let care = Arc::clone(&self.care);
        // The caretaker waits until its connection is a new one.
        let mut caretaker = care.connection.lock();
        *caretaker = None;
        if let Some(writer) = self.writer.take() {
            connection::leave_wal(writer).map_err(|error| self.fail("close", &error))?;
        }
        replace::keep_aside(&self.file, "damaged", schema::unix_seconds())
            .and_then(|_| replace::replace(&self.file))
            .map_err(|error| trouble::of_io(&self.file, "replace", &error))?;
        let writer = connection::writer(&self.file, self.sync)
            .and_then(|writer| connection::tidy_on_close(&writer).map(|()| writer))
            .map_err(|error| self.fail("open", &error))?;
        self.writer = Some(writer);
        *caretaker = Some(connection::caretaker(&self.file).map_err(|error| self.fail("open", &error))?);
        Ok(())
    }
}

/// Whether space becomes free with `change`, now or once the journal that it makes superfluous is retired.
fn frees(change: &Change<'_>) -> bool {
    change.clear || change.retire_through.is_some() || !change.snapshots.is_empty()
}

impl Storage for SqliteStorage {
    fn head(&mut self) -> Result<Option<Head>, StorageError> {
        Ok(self.head.clone())
    }

    fn read(&mut self, each: &mut dyn FnMut(Stored<'_>) -> Finding) -> Result<ReadReport, StorageError> {
        let mut reading = read::Reading::default();
        reading.report.damaged = std::mem::take(&mut self.unreadable);
        let mut rebuilt = false;
        for origin in [Origin::Snapshot, Origin::Journal] {
            let mut from = 0;
            while let Err(error) = reading.show(self.writer()?, origin, &mut from, each) {
                if rebuilt || !trouble::is_damage(&error) {
                    return Err(self.fail("read", &error));
                }
                // Rows that were shown already are in the fresh file too, and reading goes on behind them.
                rebuilt = true;
                reading.report.damaged += rebuild::copy(&self.file, self.head.as_ref())?.unreadable.max(1);
                self.take_rebuilt()?;
            }
        }
        reading.report.damaged += reading.damaged.len() as u64;
        match read::set_aside(self.writer()?, &reading.damaged, schema::unix_seconds()) {
            // Then they stay where they are until there is room: a full disk must not keep a ledger closed.
            Err(error) if trouble::is_full(&self.file, &error) => Ok(reading.report),
            Err(error) => Err(self.fail("write", &error)),
            Ok(()) => Ok(reading.report),
        }
    }

    fn write(&mut self, change: &Change<'_>) -> Result<(), StorageError> {
        if self.care.full.load(Ordering::Relaxed) && !frees(change) {
            let message =
                "the disk was full a moment ago; make room, and it goes on by itself within a second";
            let place = self.file.display();
            return Err(trouble::trouble(StorageTrouble::Full, format!("cannot write {place}: {message}")));
        }
        match write::apply(self.writer()?, change) {
            Ok(()) => {}
            Err(error) if trouble::is_damage(&error) => self.write_after_damage(change, &error)?,
            Err(error) if trouble::is_full(&self.file, &error) => self.write_when_full(change)?,
            Err(error) => return Err(self.fail("write", &error)),
        }
        if let Some(head) = change.head {
            self.head = Some(head.clone());
        }
        Ok(())
    }

    fn caretaker(&mut self) -> Option<Box<dyn Caretaker>> {
        Some(Box::new(SqliteCaretaker::new(Arc::clone(&self.care))))
    }

    fn finish_care(&mut self) -> Result<(), StorageError> {
        let writer = self.writer()?;
        caretaker::finish(writer, &self.care).map_err(|error| self.fail("tidy up", &error))
    }

    fn sizes(&mut self) -> StorageSizes {
        StorageSizes { file_bytes: sizes::file_bytes(&self.file) }
    }
}
