//! The head, kept twice: without its secret nothing else in the ledger means anything.

use rusqlite::{Connection, OptionalExtension};
use tokenledger::ledger::Head;
use xxhash_rust::xxh3::Xxh3Default;

use crate::trouble::{self, Sql};

const TABLES: [&str; 2] = ["head", "head_copy"];

/// The head, from the first copy that is whole. `None` if there is none; an error if there was one.
pub(crate) fn read(connection: &Connection) -> Sql<Option<Head>> {
    let mut damage = None;
    for table in TABLES {
        match read_from(connection, table) {
            Ok(Some(head)) => return Ok(Some(head)),
            Ok(None) => {}
            Err(error) if trouble::is_damage(&error) => damage = Some(error),
            Err(error) => return Err(error),
        }
    }
    damage.map_or(Ok(None), Err)
}

/// Whether both copies are whole and equal, or both absent.
pub(crate) fn copies_agree(connection: &Connection) -> Sql<bool> {
    let [first, second] = TABLES.map(|table| read_from(connection, table));
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(first == second),
        (Err(error), _) | (_, Err(error)) if trouble::is_damage(&error) => Ok(false),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

fn read_from(connection: &Connection, table: &str) -> Sql<Option<Head>> {
    let sql = format!("SELECT secret, created_unix_nano, fingerprint, checksum FROM {table} WHERE one = 1");
    connection
        .query_row(&sql, [], |row| {
            let head = Head {
                secret: row.get(0)?,
                created_unix_nano: row.get::<_, i64>(1)?.cast_unsigned(),
                fingerprint: row.get::<_, i64>(2)?.cast_unsigned(),
            };
            if row.get::<_, i64>(3)? != checksum(&head) {
                return Err(damaged());
            }
            Ok(head)
        })
        .optional()
}

/// Takes the place of the head that is stored.
pub(crate) fn write(connection: &Connection, head: &Head) -> Sql<()> {
    for table in TABLES {
        connection.execute(
            &format!(
                "REPLACE INTO {table} (one, secret, created_unix_nano, fingerprint, checksum) VALUES (1, ?1, ?2, ?3, ?4)"
            ),
            (
                head.secret,
                head.created_unix_nano.cast_signed(),
                head.fingerprint.cast_signed(),
                checksum(head),
            ),
        )?;
    }
    Ok(())
}

/// What is said of a head that could be read and is wrong.
pub(crate) fn damaged() -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(3, 0)
}

fn checksum(head: &Head) -> i64 {
    let mut hash = Xxh3Default::new();
    hash.update(&head.secret);
    hash.update(&head.created_unix_nano.to_le_bytes());
    hash.update(&head.fingerprint.to_le_bytes());
    hash.digest().cast_signed()
}
