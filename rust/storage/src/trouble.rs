//! From what SQLite and the system say to what a caller can act on.

use std::io;
use std::path::Path;

use rusqlite::{ErrorCode, ffi};
use tokenledger::ledger::{StorageError, StorageTrouble};

use crate::directory;

/// What SQLite says of one statement.
pub(crate) type Sql<T> = Result<T, rusqlite::Error>;

/// An error of kind `kind` with the whole text of it.
pub(crate) fn trouble(kind: StorageTrouble, message: impl Into<String>) -> StorageError {
    StorageError { kind, message: message.into() }
}

/// An error without a remedy that we know.
pub(crate) fn other(message: impl Into<String>) -> StorageError {
    trouble(StorageTrouble::Other, message)
}

/// What `error` means for the ledger's file at `file`; `doing` completes "cannot …".
pub(crate) fn of_sql(file: &Path, doing: &str, error: &rusqlite::Error) -> StorageError {
    let place = file.display();
    match kind_of_sql(file, error) {
        StorageTrouble::Full => trouble(
            StorageTrouble::Full,
            format!(
                "cannot {doing} {place}: the disk or its quota is full ({error}); make room, and it goes on by itself"
            ),
        ),
        StorageTrouble::ReadOnly => read_only(file.parent().unwrap_or(file), doing, error),
        StorageTrouble::Busy => trouble(
            StorageTrouble::Busy,
            format!(
                "cannot {doing} {place}: another program holds it ({error}); end that program's transaction"
            ),
        ),
        kind => trouble(kind, format!("cannot {doing} {place}: {error}")),
    }
}

/// What `error` means for `path`; `doing` completes "cannot …".
pub(crate) fn of_io(path: &Path, doing: &str, error: &io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => trouble(
            StorageTrouble::Full,
            format!("cannot {doing} {}: {error}; make room, and it goes on by itself", path.display()),
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            read_only(path.parent().unwrap_or(path), doing, error)
        }
        _ => other(format!("cannot {doing} {}: {error}", path.display())),
    }
}

/// The directory may not be written, and what to do about it.
fn read_only(directory: &Path, doing: &str, error: &dyn std::fmt::Display) -> StorageError {
    let user = rustix::process::geteuid().as_raw();
    let place = directory.display();
    trouble(
        StorageTrouble::ReadOnly,
        format!(
            "cannot {doing} the ledger in {place} as user {user}: {error}; \
             give the directory to that user (chown -R {user} {place}), mount a volume there that it may write to \
             (not read-only), or choose another storage directory \
             (storage.directory; where the configuration does not name it, TOKENLEDGER_STATE_DIR)"
        ),
    )
}

fn kind_of_sql(file: &Path, error: &rusqlite::Error) -> StorageTrouble {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StorageTrouble::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageTrouble::Busy,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StorageTrouble::ReadOnly,
        // A quota, or no room for the shared index of the WAL, come as errors of input and output.
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
            match file.parent().map(directory::try_writing) {
                Some(Err(found)) => of_io(file, "write", &found).kind,
                _ => StorageTrouble::Other,
            }
        }
        _ => StorageTrouble::Other,
    }
}

/// Whether the disk, or a quota, is full.
pub(crate) fn is_full(file: &Path, error: &rusqlite::Error) -> bool {
    kind_of_sql(file, error) == StorageTrouble::Full
}

/// Whether a page is damaged, or cannot be read from the disk: other pages may be sound.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                || matches!(
                    failure.extended_code,
                    ffi::SQLITE_IOERR_READ
                        | ffi::SQLITE_IOERR_SHORT_READ
                        | ffi::SQLITE_IOERR_DATA
                        | ffi::SQLITE_IOERR_CORRUPTFS
                )
        }
        // A record that does not have the type that we wrote.
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::FromSqlConversionFailure(..) => true,
        _ => false,
    }
}
