//! Which price tables computed costs come from, hour by hour.
//!
//! The table in use stands in `price_table`, a row for each time that it changed. A transaction that adds
//! computed costs notes the newest of them for each hour that it touches (`usage_price_table`): so a window
//! that arrives late belongs to the table that priced it, and hours without computed costs to none.

use std::collections::BTreeSet;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::trouble::Sql;

/// A price table that priced something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PriceTable {
    /// The hour since which it was in use; later ones are never before earlier ones of a file.
    pub since: u32,
    /// Counts the changes of one file.
    number: i64,
    /// As the table names itself.
    pub version: String,
}

/// What is added from now on was priced by `version`; nothing changes if it was before.
pub(super) fn note(connection: &Connection, version: &str, since: u32) -> Sql<()> {
    let newest = "SELECT version, since_unix_hour FROM price_table ORDER BY id DESC LIMIT 1";
    let newest = connection
        .query_row(newest, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?)))
        .optional()?;
    let since = match newest {
        Some((same, _)) if same == version => return Ok(()),
        Some((_, former)) => since.max(former), // the clock may have stepped back
        None => since,
    };
    let insert = "INSERT INTO price_table (version, since_unix_hour) VALUES (?, ?)";
    connection.execute(insert, params![version, since]).map(drop)
}

/// Costs of these hours were computed from the newest table; without one nothing is noted.
pub(super) fn mark(transaction: &Transaction<'_>, hours: &BTreeSet<u32>) -> Sql<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO usage_price_table (unix_hour, price_table_id)
         SELECT ?, id FROM price_table ORDER BY id DESC LIMIT 1",
    )?;
    hours.iter().try_for_each(|hour| insert.execute([hour]).map(drop))
}

/// The tables that priced anything of these hours. A file of version 1 knows none.
pub(super) fn of_hours(connection: &Connection, version: i32, hours: &Range<u32>) -> Sql<Vec<PriceTable>> {
    if version < 2 {
        return Ok(Vec::new());
    }
    let mut select = connection.prepare(
        "SELECT since_unix_hour, id, version FROM price_table WHERE id IN
         (SELECT price_table_id FROM usage_price_table WHERE unix_hour >= ? AND unix_hour < ?)",
    )?;
    let table = |row: &rusqlite::Row<'_>| {
        Ok(PriceTable { since: row.get(0)?, number: row.get(1)?, version: row.get(2)? })
    };
    select.query_map([hours.start, hours.end], table)?.collect()
}

/// Forgets hours before this one, and tables that nothing is left of. The newest stays: it is in use.
pub(super) fn prune(transaction: &Transaction<'_>, before: u32) -> Sql<()> {
    transaction.execute("DELETE FROM usage_price_table WHERE unix_hour < ?", [before])?;
    let unused = "DELETE FROM price_table WHERE id NOT IN (SELECT price_table_id FROM usage_price_table)
                  AND id < (SELECT max(id) FROM price_table)";
    transaction.execute(unused, []).map(drop)
}
