//! Whether a ledger is whole: its pages, its head, and every blob in it.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;
use tokenledger::ledger::StorageError;

use super::info;
use crate::schema::{LEDGER, USAGE};
use crate::sqlite::Origin;
use crate::trouble::{self, Sql};
use crate::{connection, head, salvage};

/// So many problems of one file are listed; after that they are only counted.
const LISTED: usize = 20;

/// What was found in one ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Where it is.
    pub directory: PathBuf,
    /// Blobs of snapshots that are whole.
    pub snapshots: u64,
    /// Blobs of journal rows that are whole.
    pub journal_rows: u64,
    /// Rows that were damaged before and kept aside. They are no problem any more, but something was lost.
    pub set_aside: u64,
    /// How many problems there are.
    pub damaged: u64,
    /// The first of them.
    pub problems: Vec<Problem>,
}

/// Something that is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// In which file.
    pub file: PathBuf,
    /// What.
    pub message: String,
}

/// Checks the ledger in `directory` and the usage beside it, also beside a collector that writes them. `check_blob`
/// says what is wrong with the content of a blob, which only the engine knows.
///
/// An error means that the check could not be carried out; damage is in the report.
pub fn check(
    directory: &Path,
    check_blob: &mut dyn FnMut(&[u8]) -> Result<(), String>,
) -> Result<CheckReport, StorageError> {
    let mut report = CheckReport { directory: directory.to_owned(), ..CheckReport::default() };
    let ledger = directory.join(LEDGER);
    match checked(&ledger, info::open(&ledger)) {
        Ok(connection) => {
            let done = check_ledger(&connection, &ledger, check_blob, &mut report);
            report.note_damage(&ledger, done)?;
        }
        Err(problem) => report.note_damage(&ledger, problem)?,
    }
    let usage = directory.join(USAGE);
    if usage.try_exists().map_err(|error| trouble::of_io(&usage, "read", &error))? {
        let done =
            connection::reader(&usage).and_then(|connection| integrity(&connection, &usage, &mut report));
        report.note_damage(&usage, done)?;
    }
    Ok(report)
}

/// A file that cannot be opened because it is damaged is a problem, every other failure an error.
fn checked(file: &Path, opened: Result<Connection, StorageError>) -> Result<Connection, Sql<()>> {
    let Err(error) = opened else { return opened.map_err(|_| Ok(())) };
    match connection::reader(file).and_then(|connection| head::read(&connection)) {
        Err(damage) => Err(Err(damage)),
        Ok(_) => Err(Err(rusqlite::Error::ToSqlConversionFailure(Box::new(error)))),
    }
}

fn check_ledger(
    connection: &Connection,
    file: &Path,
    check_blob: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    report: &mut CheckReport,
) -> Sql<()> {
    // One transaction: what a collector writes meanwhile is in all of it or in none.
    connection.execute_batch("BEGIN")?;
    integrity(connection, file, report)?;
    if !head::copies_agree(connection)? {
        report.add(file, "the two copies of the head are not equal, or one is damaged".to_owned());
    }
    report.snapshots = blobs(connection, file, Origin::Snapshot, check_blob, report)?;
    report.journal_rows = blobs(connection, file, Origin::Journal, check_blob, report)?;
    report.set_aside = connection
        .query_row("SELECT count(*) FROM set_aside", [], |row| row.get::<_, i64>(0))?
        .unsigned_abs();
    connection.execute_batch("COMMIT")
}

fn integrity(connection: &Connection, file: &Path, report: &mut CheckReport) -> Sql<()> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        if text != "ok" {
            report.add(file, text);
        }
    }
    Ok(())
}

/// How many blobs of `origin` are whole.
fn blobs(
    connection: &Connection,
    file: &Path,
    origin: Origin,
    check_blob: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    report: &mut CheckReport,
) -> Sql<u64> {
    let reachable = salvage::reachable(connection, origin)?;
    for _ in 0..reachable.stretches {
        report.add(file, format!("rows of {} cannot be read", origin.table()));
    }
    let mut whole = 0;
    let mut statement = connection.prepare(origin.blob())?;
    for number in reachable.numbers {
        let found = statement.query_row([number], |row| Ok(row.get_ref(0)?.as_blob().map(&mut *check_blob)));
        match found {
            Ok(Ok(Ok(()))) => whole += 1,
            Ok(Ok(Err(message))) => report.add(file, format!("{} {number}: {message}", origin.table())),
            Ok(Err(_)) => report.add(file, format!("{} {number} is no blob", origin.table())),
            Err(error) if salvage::is_damage(&error) => {
                report.add(file, format!("{} {number}: {error}", origin.table()))
            }
            Err(error) => return Err(error),
        }
    }
    Ok(whole)
}

impl CheckReport {
    fn add(&mut self, file: &Path, message: String) {
        self.damaged += 1;
        if self.problems.len() < LISTED {
            self.problems.push(Problem { file: file.to_owned(), message });
        }
    }

    /// Damage that ended a check early is one problem more.
    fn note_damage(&mut self, file: &Path, done: Sql<()>) -> Result<(), StorageError> {
        match done {
            Ok(()) => Ok(()),
            Err(error) if trouble::is_damage(&error) => {
                self.add(file, error.to_string());
                Ok(())
            }
            Err(error) => Err(trouble::of_sql(file, "check", &error)),
        }
    }
}
