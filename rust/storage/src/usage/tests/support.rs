//! Entries, files and questions for tests.

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use tokenledger::usage::{Dimensions, Measure, UsageEntry, UsageStore};

use crate::Sync;
use crate::usage::open::{OpenedUsage, open_at};
use crate::usage::{FILE_NAME, SqliteUsage, calendar};

pub const LEDGER: u64 = u64::MAX - 5;

/// The hour of `2026-10-04` and so on.
pub fn hour(day: &str, of_day: u32) -> u32 {
    calendar::day_hours(day).unwrap().start + of_day
}

/// Seconds at the beginning of a day.
pub fn seconds(day: &str) -> u64 {
    u64::from(hour(day, 0)) * 3600
}

/// Someone's usage: `user/team`, either may be empty.
pub fn entry(unix_hour: u32, who: &str, session: &str, measure: Measure, amount: i64) -> UsageEntry {
    let (user, team) = who.split_once('/').unwrap();
    let dimensions = Dimensions {
        agent: "claude-code".to_owned(),
        model: "claude-opus-5-5".to_owned(),
        provider: "anthropic".to_owned(),
        user: user.to_owned(),
        team: team.to_owned(),
        ..Dimensions::default()
    };
    UsageEntry { unix_hour, dimensions: Arc::new(dimensions), session: Arc::from(session), measure, amount }
}

/// A file begun on 2026-09-01.
pub fn store(directory: &Path) -> SqliteUsage {
    opened(directory).store
}

pub fn opened(directory: &Path) -> OpenedUsage {
    std::fs::create_dir_all(directory).unwrap();
    open_at(directory, Sync::Process, seconds("2026-09-01")).unwrap()
}

/// A file with these entries.
pub fn filled(directory: &Path, entries: &[UsageEntry]) -> SqliteUsage {
    let mut store = store(directory);
    store.apply(LEDGER, 1, entries).unwrap();
    store
}

/// What a query answers, a line per row, columns separated by `|`: as `sqlite3` shows it.
pub fn ask(directory: &Path, sql: &str) -> Vec<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(directory.join(FILE_NAME), flags).unwrap();
    answers(&connection, sql).unwrap()
}

pub fn answers(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare(sql)?;
    let columns = select.column_count();
    let text = |value: Value| match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Blob(_) => "blob".to_owned(),
    };
    let rows = select.query_map([], |row| {
        let cells = (0..columns).map(|column| row.get(column).map(text));
        Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    })?;
    rows.collect()
}
