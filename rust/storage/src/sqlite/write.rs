//! One change as one transaction.

use rusqlite::Connection;
use tokenledger::ledger::Change;

use super::origin::Origin;
use crate::head;
use crate::trouble::Sql;

/// Writes `change` whole or not at all.
pub(super) fn apply(connection: &Connection, change: &Change<'_>) -> Sql<()> {
    if let Change { clear: false, head: None, journal: Some(_), snapshots: [], retire_through: None } = change
    {
        // A statement alone is a transaction: this saves two statements for each request.
        return statements(connection, change);
    }
    transaction(connection, || statements(connection, change))
}

/// Runs `body` in a transaction that ends with it: an error leaves nothing behind.
pub(super) fn transaction(connection: &Connection, body: impl FnOnce() -> Sql<()>) -> Sql<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let done = body().and_then(|()| connection.prepare_cached("COMMIT")?.execute([]).map(drop));
    // Some errors, a full disk among them, can end the transaction by themselves.
    if done.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK")?.execute([])?;
    }
    done
}

fn statements(connection: &Connection, change: &Change<'_>) -> Sql<()> {
    if change.clear {
        connection.execute_batch("DELETE FROM snapshot; DELETE FROM journal")?;
    }
    if let Some(head) = change.head {
        head::write(connection, head)?;
    }
    if let Some(row) = change.journal {
        connection.prepare_cached(Origin::Journal.insert())?.execute((number(row.sequence)?, row.blob))?;
    }
    for snapshot in change.snapshots {
        connection.prepare_cached(Origin::Snapshot.insert())?.execute((snapshot.number, snapshot.blob))?;
    }
    if let Some(through) = change.retire_through {
        let through = i64::try_from(through).unwrap_or(i64::MAX);
        connection.prepare_cached("DELETE FROM journal WHERE sequence <= ?1")?.execute([through])?;
    }
    Ok(())
}

/// SQLite's numbers have a sign: the upper half is refused.
fn number(sequence: u64) -> Sql<i64> {
    i64::try_from(sequence).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
