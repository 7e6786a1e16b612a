//! Reading usage files beside a collector that writes them.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Row};
use tokenledger::ledger::StorageError;

use crate::trouble::{Sql, of_io, of_sql};
use crate::usage::aside::with_suffix;
use crate::usage::migrate::{Kind, kind, refusal};
use crate::usage::priced::{self, PriceTable};
use crate::usage::schema::{AMOUNTS, BEGAN, DIMENSIONS, PRUNED};
use crate::usage::{FILE_NAME, sheet::Amounts};

/// How long to wait while the collector finishes a write.
const PATIENCE: Duration = Duration::from_secs(10);
/// Directories in one another; a tree of components has two.
const MAX_DEPTH: usize = 16;

/// All usage files in `directory` and below, sorted; symbolic links to directories are not followed.
pub(super) fn find(directory: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let mut files = Vec::new();
    let mut directories = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = directories.pop() {
        let read = |error: &io::Error| of_io(&directory, "read", error);
        for entry in fs::read_dir(&directory).map_err(|error| read(&error))? {
            let entry = entry.map_err(|error| read(&error))?;
            let file_type = entry.file_type().map_err(|error| read(&error))?;
            if file_type.is_dir() && depth < MAX_DEPTH {
                directories.push((entry.path(), depth + 1));
            } else if file_type.is_file() && entry.file_name() == FILE_NAME {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What a file says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    /// The hour in which it was begun.
    pub began: u32,
    /// Hours before this one were removed; 0 if none were.
    pub pruned: u32,
    /// What computed costs of the hours that were asked for come from.
    pub price_tables: Vec<PriceTable>,
}

/// Receives what is in a file.
pub(super) trait Visitor {
    /// What one hour has under one set of dimensions.
    fn usage(&mut self, unix_hour: u32, dimensions: &[String], amounts: &Amounts);
    /// A session that used anything in that hour under these dimensions.
    fn session(&mut self, unix_hour: u32, dimensions: &[String], session: &str);
}

/// Shows everything of these hours in `file` at one moment.
pub(super) fn read(
    file: &Path,
    hours: &Range<u32>,
    visitor: &mut impl Visitor,
) -> Result<About, StorageError> {
    let mut connection = open(file).map_err(|error| of_sql(file, "open", &error))?;
    let transaction = connection.transaction().map_err(|error| of_sql(file, "read", &error))?; // one moment for all that follows
    let kind = kind(&transaction).map_err(|error| of_sql(file, "read", &error))?;
    if let Some(refusal) = refusal(file, kind) {
        return Err(refusal);
    }
    visit(&transaction, kind, hours, visitor).map_err(|error| of_sql(file, "read", &error))
}

/// A connection that can read; nothing is ever written.
fn open(file: &Path) -> Sql<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(PATIENCE)?;
    match kind(&connection) {
        // Reading needs to make a file beside it, which a read-only directory forbids. Without a WAL
        // nobody writes it now, and it can be read as it is.
        Err(error) if is_forbidden(&error) && !has_wal(file) => {
            Connection::open_with_flags(immutable(file), flags | OpenFlags::SQLITE_OPEN_URI)
        }
        _ => Ok(connection),
    }
}

fn is_forbidden(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn has_wal(file: &Path) -> bool {
    fs::metadata(with_suffix(file, "-wal")).is_ok_and(|metadata| metadata.len() > 0)
}

fn immutable(file: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

fn visit(transaction: &Connection, kind: Kind, hours: &Range<u32>, visitor: &mut impl Visitor) -> Sql<About> {
    let meta = |key: &str| {
        transaction.query_row("SELECT value FROM meta WHERE key = ?", [key], |row| row.get::<_, u32>(0))
    };
    let version = if let Kind::Version(version) = kind { version } else { 0 };
    let price_tables = priced::of_hours(transaction, version, hours)?;
    let about = About { began: meta(BEGAN)?, pruned: meta(PRUNED)?, price_tables };

    let mut select = transaction.prepare(&format!("SELECT id, {} FROM dimension", DIMENSIONS.join(", ")))?;
    let texts = |row: &Row<'_>| (1..=DIMENSIONS.len()).map(|column| row.get(column)).collect::<Sql<_>>();
    let dimensions: HashMap<i64, Vec<String>> =
        select.query_map([], |row| Ok((row.get(0)?, texts(row)?)))?.collect::<Sql<_>>()?;
    let of = |id: i64| dimensions.get(&id).map_or(&[][..], Vec::as_slice);

    let amounts = AMOUNTS.join(", ");
    let mut select = transaction.prepare(&format!(
        "SELECT unix_hour, dimension_id, {amounts} FROM usage
         WHERE unix_hour >= ? AND unix_hour < ?"
    ))?;
    let mut rows = select.query([hours.start, hours.end])?;
    while let Some(row) = rows.next()? {
        visitor.usage(row.get(0)?, of(row.get(1)?), &amounts_of(row)?);
    }

    let mut select = transaction.prepare("SELECT id, session FROM session")?;
    let sessions: HashMap<i64, String> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Sql<_>>()?;
    let mut select = transaction.prepare(
        "SELECT unix_hour, dimension_id, session_id FROM usage_session WHERE unix_hour >= ? AND unix_hour < ?",
    )?;
    let mut rows = select.query([hours.start, hours.end])?;
    while let Some(row) = rows.next()? {
        if let Some(session) = sessions.get(&row.get(2)?) {
            visitor.session(row.get(0)?, of(row.get(1)?), session);
        }
    }
    Ok(about)
}

fn amounts_of(row: &Row<'_>) -> Sql<Amounts> {
    let mut amounts = Amounts::default();
    for (place, amount) in amounts.tokens.iter_mut().enumerate() {
        *amount = i128::from(row.get::<_, i64>(2 + place)?);
    }
    amounts.reported = i128::from(row.get::<_, i64>(2 + amounts.tokens.len())?);
    amounts.computed = row.get::<_, Option<i64>>(3 + amounts.tokens.len())?.map(i128::from);
    Ok(amounts)
}
