//! Brings a file to the version that this software writes, or says why not.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use tokenledger::ledger::{StorageError, StorageTrouble};

use crate::trouble::{Sql, of_sql, other, trouble};
use crate::usage::schema::{self, APPLICATION_ID, BEGAN, MIGRATIONS, PRUNED, VERSION};

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is nothing in it yet.
    New,
    /// Usage in this version of the schema.
    Version(i32),
    /// Of another program.
    Foreign,
}

/// What `connection` leads to; reads only.
pub(super) fn kind(connection: &Connection) -> Sql<Kind> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (id, version, tables) {
        (APPLICATION_ID, 1.., _) => Kind::Version(version),
        (0 | APPLICATION_ID, 0, 0) => Kind::New,
        _ => Kind::Foreign,
    })
}

/// The error for a file that this software cannot use as it is; `None` if it can.
pub(super) fn refusal(file: &Path, kind: Kind) -> Option<StorageError> {
    match kind {
        Kind::Version(version) if version > VERSION => Some(trouble(
            StorageTrouble::Newer,
            format!(
                "{} has version {version} of the schema, this software knows up to {VERSION}: \
                 use the newer version again, or move the file away to begin a new one",
                file.display()
            ),
        )),
        Kind::Foreign => Some(other(format!(
            "{} is not a usage file of Tokenledger; move it away, or choose another directory",
            file.display()
        ))),
        Kind::New | Kind::Version(_) => None,
    }
}

/// Makes the schema, or brings it to [`VERSION`], in one transaction. `unix_hour` is now.
pub(super) fn migrate(connection: &mut Connection, file: &Path, unix_hour: u32) -> Result<(), StorageError> {
    let failed = |error: &rusqlite::Error| of_sql(file, "prepare", error);
    let kind = kind(connection).map_err(|error| failed(&error))?;
    if let Some(refusal) = refusal(file, kind) {
        return Err(refusal);
    }
    let version = match kind {
        Kind::Version(version) => version,
        Kind::New | Kind::Foreign => 0,
    };
    if version < VERSION {
        upgrade(connection, version, unix_hour).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn upgrade(connection: &mut Connection, version: i32, unix_hour: u32) -> Sql<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for view in views_of(&transaction)? {
        transaction.execute_batch(&format!("DROP VIEW \"{view}\""))?;
    }
    for step in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    if version == 0 {
        let mut insert = transaction.prepare("INSERT INTO meta (key, value) VALUES (?, ?)")?;
        insert.execute((BEGAN, unix_hour))?;
        insert.execute((PRUNED, 0))?;
    }
    transaction.execute_batch(&schema::views())?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn views_of(connection: &Connection) -> Sql<Vec<String>> {
    let mut select = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'view'")?;
    select.query_map([], |row| row.get(0))?.collect()
}
