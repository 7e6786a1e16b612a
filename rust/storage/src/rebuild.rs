//! A fresh file from what can be read of a damaged one.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use tokenledger::ledger::{Head, StorageError};

use crate::sqlite::Origin;
use crate::trouble::{self, Sql};
use crate::{connection, head, replace, salvage, schema};

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Rows and stretches of rows that could not be read.
    pub(crate) unreadable: u64,
    /// There was a head and no copy of it is whole. Then nothing was copied: blobs mean nothing without it.
    pub(crate) head_lost: bool,
}

/// Makes [`replace::rebuilding`] from what can be read of `file`. `known` is the head, if it was read before.
pub(crate) fn copy(file: &Path, known: Option<&Head>) -> Result<Copied, StorageError> {
    make(file, |new| {
        let old = connection::salvager(file)?;
        let mut copied = Copied::default();
        match known.map_or_else(|| head::read(&old), |known| Ok(Some(known.clone()))) {
            Ok(Some(found)) => head::write(new, &found)?,
            Ok(None) => {}
            Err(error) if salvage::is_damage(&error) => {
                return Ok(Copied { unreadable: 1, head_lost: true });
            }
            Err(error) => return Err(error),
        }
        skip_damage(copy_meta(&old, new))?;
        skip_damage(copy_set_aside(&old, new))?;
        for origin in [Origin::Snapshot, Origin::Journal] {
            copied.unreadable += copy_rows(&old, new, origin)?;
        }
        Ok(copied)
    })
}

/// Makes [`replace::rebuilding`] as a new ledger, with a head if there is one already.
pub(crate) fn fresh(file: &Path, known: Option<&Head>) -> Result<(), StorageError> {
    make(file, |new| known.map_or(Ok(()), |known| head::write(new, known)))
}

fn make<T>(file: &Path, fill: impl FnOnce(&Connection) -> Sql<T>) -> Result<T, StorageError> {
    let path = replace::rebuilding(file);
    replace::remove(&path).map_err(|error| trouble::of_io(&path, "replace", &error))?;
    let made = connection::maker(&path).and_then(|new| {
        schema::create(&new)?;
        new.execute_batch("BEGIN")?;
        let filled = fill(&new)?;
        new.execute_batch("COMMIT")?;
        new.close().map_err(|(_, error)| error)?;
        Ok(filled)
    });
    made.map_err(|error| {
        let _ = fs::remove_file(&path);
        trouble::of_sql(&path, "make", &error)
    })
}

fn skip_damage(copied: Sql<()>) -> Sql<()> {
    match copied {
        Err(error) if salvage::is_damage(&error) => Ok(()),
        copied => copied,
    }
}

fn copy_meta(old: &Connection, new: &Connection) -> Sql<()> {
    let mut statement = old.prepare("SELECT name, value FROM meta WHERE name <> 'written_by'")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        new.execute(
            "REPLACE INTO meta (name, value) VALUES (?1, ?2)",
            (row.get::<_, String>(0)?, row.get::<_, String>(1)?),
        )?;
    }
    Ok(())
}

fn copy_set_aside(old: &Connection, new: &Connection) -> Sql<()> {
    let mut statement = old.prepare("SELECT id, origin, number, set_aside_unix, blob FROM set_aside")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        new.execute(
            "INSERT INTO set_aside (id, origin, number, set_aside_unix, blob) VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, Vec<u8>>(4)?,
            ),
        )?;
    }
    Ok(())
}

/// How much of `origin` could not be read.
fn copy_rows(old: &Connection, new: &Connection, origin: Origin) -> Sql<u64> {
    let found = salvage::reachable(old, origin)?;
    let mut unreadable = found.stretches;
    let mut insert = new.prepare(origin.insert())?;
    for number in found.numbers {
        let blob = old
            .prepare_cached(origin.blob())
            .and_then(|mut statement| statement.query_row([number], |row| row.get::<_, Vec<u8>>(0)));
        match blob {
            Ok(blob) => {
                insert.execute((number, blob))?;
            }
            Err(error) if salvage::is_damage(&error) || error == rusqlite::Error::QueryReturnedNoRows => {
                unreadable += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(unreadable)
}
