//! The format of `ledger.db`, and whether a file is one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::Connection;
use tokenledger::ledger::{StorageError, StorageTrouble};

use crate::trouble::{self, Sql};

/// The file that keeps the ledger.
pub(crate) const LEDGER: &str = "ledger.db";
/// The file that keeps usage.
pub(crate) const USAGE: &str = "usage.db";

/// `application_id` of a ledger: "TKLG". `file` and SQLite's own shell show it.
pub(crate) const APPLICATION_ID: i32 = 0x544B_4C47;
/// `user_version` of the format that this software writes.
pub(crate) const FORMAT_VERSION: i32 = 1;
/// Bytes of a page, measured (`benches/storage.rs`; docs/ledger-files.md has the figures): larger ones make lone
/// small rows dear, as each commit writes whole pages to the WAL, smaller ones rows of a whole batch.
pub(crate) const PAGE_BYTES: u32 = 8192;

/// Each table has a root page of its own, so one damaged page never takes both copies of the head.
const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), secret BLOB NOT NULL, created_unix_nano INTEGER NOT NULL,
                   fingerprint INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE head_copy (one INTEGER PRIMARY KEY CHECK (one = 1), secret BLOB NOT NULL, created_unix_nano INTEGER NOT NULL,
                   fingerprint INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE snapshot (number INTEGER PRIMARY KEY, blob BLOB NOT NULL);
CREATE TABLE journal (sequence INTEGER PRIMARY KEY, blob BLOB NOT NULL);
CREATE TABLE set_aside (id INTEGER PRIMARY KEY, origin TEXT NOT NULL CHECK (origin IN ('snapshot', 'journal')),
                        number INTEGER NOT NULL, set_aside_unix INTEGER NOT NULL, blob BLOB NOT NULL);
";

/// What a file is, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recognised {
    /// There is no file.
    Absent,
    /// A ledger, or a file without any content where a ledger should be.
    Ledger {
        /// Without any content.
        empty: bool,
    },
}

/// Looks at the first bytes of `file`: a file of another program, or of a newer version, is an error and never
/// touched. Only for the holder of the lock, and before any connection is open: closing the file ends every lock that
/// SQLite holds on it in this process.
pub(crate) fn recognise(file: &Path) -> Result<Recognised, StorageError> {
    const HEADER: usize = 100;
    let mut bytes = [0; HEADER];
    let mut length = 0;
    match File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Recognised::Absent),
        Err(error) => return Err(trouble::of_io(file, "read", &error)),
        Ok(mut opened) => {
            while length < HEADER {
                match opened.read(&mut bytes[length..]) {
                    Ok(0) => break,
                    Ok(more) => length += more,
                    Err(error) => return Err(trouble::of_io(file, "read", &error)),
                }
            }
        }
    }
    let number =
        |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(i32::from_be_bytes);
    if length == 0 {
        return Ok(Recognised::Ledger { empty: true });
    }
    if length < HEADER || !bytes.starts_with(b"SQLite format 3\0") || number(68) != Some(APPLICATION_ID) {
        return Err(none_of_ours(file));
    }
    check_version(file, number(60).unwrap_or_default())?;
    Ok(Recognised::Ledger { empty: false })
}

/// Fails if `version` is that of a newer software.
pub(crate) fn check_version(file: &Path, version: i32) -> Result<(), StorageError> {
    if version <= FORMAT_VERSION {
        return Ok(());
    }
    Err(trouble::trouble(
        StorageTrouble::Newer,
        format!(
            "{} has format {version}, and this version of Tokenledger ({}) knows formats up to {FORMAT_VERSION}: \
             use the version that wrote it or a newer one, or choose another storage directory",
            file.display(),
            env!("CARGO_PKG_VERSION"),
        ),
    ))
}

fn none_of_ours(file: &Path) -> StorageError {
    trouble::other(format!(
        "{} is no ledger of Tokenledger, or its first bytes are damaged; it is left as it is: move it away to begin \
         with a new ledger, bring a backup back (tokenledger ledger restore --replace), or choose another storage directory",
        file.display(),
    ))
}

/// Makes the tables of a new ledger; the connection's file must be empty.
pub(crate) fn create(connection: &Connection) -> Sql<()> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    // Beside giving space back, its map of pages spares reading each page of a long row that is retired.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.execute_batch(TABLES)?;
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('written_by', ?1)",
        [concat!("tokenledger ", env!("CARGO_PKG_VERSION"))],
    )?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT_VERSION)
}

/// Now, for names and notes; nothing is decided by it.
pub(crate) fn unix_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}
