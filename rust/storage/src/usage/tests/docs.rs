//! `docs/usage.md` says what is so.

use rusqlite::Connection;
use tempfile::tempdir;
use tokenledger::usage::Measure::{CacheReadTokens, ComputedCost, InputTokens, ReportedCost};
use tokenledger::usage::UsageStore;

use super::support::{LEDGER, answers, ask, entry, filled, hour, store};
use crate::usage::schema::DIMENSIONS;

const DOCS: &str = include_str!("../../../../../docs/usage.md");

/// The fenced blocks of SQL.
fn queries() -> Vec<&'static str> {
    DOCS.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Scenario: every query of the page is run. Guarantee: each answers with rows, at once.
#[test]
fn every_query_answers() {
    let directory = tempdir().unwrap();
    let now = super::super::open::unix_seconds();
    let this_hour = u32::try_from(now / 3600).unwrap();
    let mut entries = Vec::new();
    for at in [hour("2026-10-04", 9), this_hour] {
        entries.push(entry(at, "a@example.invalid/t", "s", InputTokens, 10));
        entries.push(entry(at, "a@example.invalid/t", "s", CacheReadTokens, 30));
        entries.push(entry(at, "a@example.invalid/t", "s", ReportedCost, 1_000_000_000_000));
        entries.push(entry(at, "a@example.invalid/t", "s", ComputedCost, 1_250_000_000_000));
    }
    entries.push(entry(this_hour - 30 * 24, "gone@example.invalid/t", "s", InputTokens, 1));
    let mut store = store(directory.path());
    store.priced_by("2026-10-01", hour("2026-10-01", 0)).unwrap();
    store.apply(LEDGER, 1, &entries).unwrap();
    let connection = Connection::open(store.file()).unwrap();
    let queries = queries();
    assert!(queries.len() >= 8, "{}", queries.len());
    for query in queries {
        let rows = answers(&connection, query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert!(!rows.is_empty(), "{query}");
    }
    let share = answers(&connection, queries_with("read_share")).unwrap();
    assert!(share.contains(&"2026-10-04|0.75".to_owned()), "{share:?}");
    let difference = answers(&connection, queries_with("difference_usd")).unwrap();
    assert!(
        difference.contains(&"2026-10|anthropic|claude-opus-5-5|1|1.25|-0.25".to_owned()),
        "{difference:?}"
    );
    let tables = answers(&connection, queries_with("price_table_by_hour")).unwrap();
    assert!(tables.contains(&"2026-10|2026-10-01".to_owned()), "{tables:?}");
    let gone = answers(&connection, queries_with("last_day")).unwrap();
    assert!(gone.iter().any(|row| row.starts_with("gone@")), "{gone:?}");
}

fn queries_with(word: &str) -> &'static str {
    queries().into_iter().find(|query| query.contains(word)).unwrap()
}

/// Scenario: the page against the schema. Guarantee: every table, view and dimension is on it.
#[test]
fn everything_is_documented() {
    let directory = tempdir().unwrap();
    let _store = filled(directory.path(), &[]);
    let names = ask(directory.path(), "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");
    for name in names.iter().map(String::as_str).chain(DIMENSIONS) {
        assert!(DOCS.contains(&format!("`{name}`")), "{name}");
    }
}
