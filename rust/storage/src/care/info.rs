//! What a ledger is and how large.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;
use tokenledger::ledger::StorageError;

use crate::lock::{self, Holder};
use crate::schema::{self, LEDGER};
use crate::sqlite::Origin;
use crate::trouble::{self, Sql};
use crate::{connection, head};

/// One ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Info {
    /// Where it is.
    pub directory: PathBuf,
    /// Version of its format.
    pub format: i32,
    /// What made the file.
    pub written_by: Option<String>,
    /// Version of SQLite that reads it now.
    pub sqlite: &'static str,
    /// When the ledger was made, Unix nanoseconds; `None` before its first use.
    pub created_unix_nano: Option<u64>,
    /// Who writes it now.
    pub held_by: Option<Holder>,
    /// Rows of the journal.
    pub journal: BlobTable,
    /// Snapshots.
    pub snapshots: BlobTable,
    /// Rows that were damaged and kept.
    pub set_aside: BlobTable,
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Pages of the file.
    pub pages: u64,
    /// Of those, free for use.
    pub free_pages: u64,
    /// Every file in the directory.
    pub files: Vec<FileSize>,
    /// Of those, files that were damaged and kept.
    pub damaged_files: u64,
}

/// Rows with a blob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlobTable {
    /// How many.
    pub rows: u64,
    /// Bytes of all blobs.
    pub bytes: u64,
    /// The smallest number.
    pub first: Option<u64>,
    /// The largest number.
    pub last: Option<u64>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSize {
    /// In the ledger's directory.
    pub name: String,
    /// How large.
    pub bytes: u64,
}

/// Looks at the ledger in `directory`, also beside a collector that writes it.
pub fn info(directory: &Path) -> Result<Info, StorageError> {
    let file = directory.join(LEDGER);
    let held_by = lock::holder(directory)
        .map_err(|error| trouble::of_io(&directory.join(lock::LOCK), "ask", &error))?;
    let files = files(directory).map_err(|error| trouble::of_io(&file, "look beside", &error))?;
    let connection = open(&file)?;
    let mut found = read(&connection).map_err(|error| trouble::of_sql(&file, "read", &error))?;
    found.directory = directory.to_owned();
    found.held_by = held_by;
    found.damaged_files = files.iter().filter(|file| is_damaged_copy(&file.name)).count() as u64;
    found.files = files;
    Ok(found)
}

/// Opens a ledger for reading; a file of another program or of a newer version is an error.
pub(super) fn open(file: &Path) -> Result<Connection, StorageError> {
    let fail = |error: rusqlite::Error| trouble::of_sql(file, "open", &error);
    let connection = connection::reader(file).map_err(fail)?;
    let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
    if number("application_id").map_err(fail)? != schema::APPLICATION_ID {
        return Err(trouble::other(format!("{} is no ledger of Tokenledger", file.display())));
    }
    schema::check_version(file, number("user_version").map_err(fail)?)?;
    Ok(connection)
}

fn read(connection: &Connection) -> Sql<Info> {
    let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    // One transaction: what a collector writes meanwhile is in all of it or in none.
    connection.execute_batch("BEGIN")?;
    let created = head::read(connection)?.map(|head| head.created_unix_nano);
    let found = Info {
        directory: PathBuf::new(),
        format: i32::try_from(number("user_version")?).unwrap_or_default(),
        written_by: written_by(connection)?,
        sqlite: rusqlite::version(),
        created_unix_nano: created,
        held_by: None,
        journal: blobs(connection, Origin::Journal.table(), "sequence")?,
        snapshots: blobs(connection, Origin::Snapshot.table(), "number")?,
        set_aside: blobs(connection, "set_aside", "id")?,
        page_bytes: number("page_size")?.unsigned_abs(),
        pages: number("page_count")?.unsigned_abs(),
        free_pages: number("freelist_count")?.unsigned_abs(),
        files: Vec::new(),
        damaged_files: 0,
    };
    connection.execute_batch("COMMIT")?;
    Ok(found)
}

fn written_by(connection: &Connection) -> Sql<Option<String>> {
    use rusqlite::OptionalExtension;
    connection.query_row("SELECT value FROM meta WHERE name = 'written_by'", [], |row| row.get(0)).optional()
}

fn blobs(connection: &Connection, table: &str, key: &str) -> Sql<BlobTable> {
    // The length of a blob stands in front of it, so the blobs themselves are not read.
    let sql = format!("SELECT count(*), coalesce(sum(length(blob)), 0), min({key}), max({key}) FROM {table}");
    connection.query_row(&sql, [], |row| {
        Ok(BlobTable {
            rows: row.get::<_, i64>(0)?.unsigned_abs(),
            bytes: row.get::<_, i64>(1)?.unsigned_abs(),
            first: row.get::<_, Option<i64>>(2)?.map(i64::unsigned_abs),
            last: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
        })
    })
}

fn files(directory: &Path) -> std::io::Result<Vec<FileSize>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // A file of SQLite's can go between the two calls.
        if let Ok(data) = entry.metadata()
            && data.is_file()
        {
            found
                .push(FileSize { name: entry.file_name().to_string_lossy().into_owned(), bytes: data.len() });
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(found)
}

fn is_damaged_copy(name: &str) -> bool {
    name.contains(".db.damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
}
