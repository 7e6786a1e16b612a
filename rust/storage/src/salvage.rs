//! Finding the rows of a table in which pages are damaged.
//!
//! SQLite stops at a damaged page, but rows behind it can still be looked up by their number. So: read up to the damage,
//! find the smallest number behind it that can be looked up, go on from there.

use rusqlite::{Connection, OptionalExtension};

use crate::sqlite::Origin;
use crate::trouble::{self, Sql};

/// So many numbers after a damage are tried one by one, then with steps that double. A page holds fewer rows than this.
const TRIED_SINGLY: i64 = 1024;

/// What can be reached.
#[derive(Debug, Default)]
pub(crate) struct Reachable {
    /// Numbers of rows, rising. Reading the row itself can still fail.
    pub(crate) numbers: Vec<i64>,
    /// Stretches of numbers that cannot be looked up. How many rows each held cannot be known.
    pub(crate) stretches: u64,
}

/// The rows that can be reached.
pub(crate) fn reachable(connection: &Connection, origin: Origin) -> Sql<Reachable> {
    let mut found = Reachable::default();
    let mut from = 0;
    loop {
        let before = found.numbers.len();
        match scan(connection, origin, from, &mut found.numbers) {
            Ok(()) => return Ok(found),
            Err(error) if !is_damage(&error) => return Err(error),
            Err(_) => found.stretches += 1,
        }
        let gone_on = found.numbers.len() > before;
        let last = if gone_on { found.numbers.last().copied().unwrap_or(from) } else { from };
        let Some(next) = last.checked_add(1) else { return Ok(found) };
        match next_reachable(connection, origin, next)? {
            Some(number) => from = number,
            None => return Ok(found),
        }
    }
}

/// Whether `error` is a reason to go on with the next row. A table that its damaged schema does not know is one.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    trouble::is_damage(error)
        || error.sqlite_error().is_some_and(|failure| failure.extended_code == rusqlite::ffi::SQLITE_ERROR)
}

fn scan(connection: &Connection, origin: Origin, from: i64, numbers: &mut Vec<i64>) -> Sql<()> {
    let mut statement = connection.prepare_cached(origin.numbers_from())?;
    let mut rows = statement.query([from])?;
    let mut last = from - 1;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        if number <= last {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, number));
        }
        last = number;
        numbers.push(number);
    }
    Ok(())
}

/// The first row from `start` on that can be looked up. Between two damages, rows can stay hidden behind a step.
fn next_reachable(connection: &Connection, origin: Origin, start: i64) -> Sql<Option<i64>> {
    let (mut damaged, mut sound) = (start, start);
    for tried in start..=start.saturating_add(TRIED_SINGLY) {
        match look_up(connection, origin, tried)? {
            Looked::Damage => damaged = tried,
            Looked::Row(row) => return Ok(row),
        }
    }
    let mut step = TRIED_SINGLY;
    while sound <= damaged {
        let Some(tried) = damaged.checked_add(step) else { return Ok(None) };
        match look_up(connection, origin, tried)? {
            Looked::Damage => damaged = tried,
            Looked::Row(_) => sound = tried,
        }
        step = step.saturating_mul(2);
    }
    while sound - damaged > 1 {
        let middle = damaged + (sound - damaged) / 2;
        match look_up(connection, origin, middle)? {
            Looked::Damage => damaged = middle,
            Looked::Row(_) => sound = middle,
        }
    }
    match look_up(connection, origin, sound)? {
        Looked::Damage => Ok(None),
        Looked::Row(row) => Ok(row),
    }
}

enum Looked {
    Damage,
    /// The first row from there on, or none: the table's end was reached.
    Row(Option<i64>),
}

fn look_up(connection: &Connection, origin: Origin, from: i64) -> Sql<Looked> {
    let looked = connection
        .prepare_cached(origin.numbers_from())
        .and_then(|mut statement| statement.query_row([from], |row| row.get(0)).optional());
    match looked {
        Ok(row) => Ok(Looked::Row(row)),
        Err(error) if is_damage(&error) => Ok(Looked::Damage),
        Err(error) => Err(error),
    }
}
