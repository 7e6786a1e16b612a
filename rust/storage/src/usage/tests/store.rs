//! What is written can be asked for, exactly.

use tempfile::tempdir;
use tokenledger::usage::Measure::{CacheReadTokens, ComputedCost, InputTokens, OutputTokens, ReportedCost};
use tokenledger::usage::UsageStore;

use super::support::{LEDGER, ask, entry, filled, hour, store};

const DOLLAR: i64 = 1_000_000_000_000;

/// Scenario: the same key in one transaction, in the next, and after the file is opened again.
/// Guarantee: amounts add up, and the file knows which journal rows it has, for each ledger.
#[test]
fn amounts_add_up_with_their_marker() {
    let directory = tempdir().unwrap();
    let at = hour("2026-10-04", 9);
    let mut first = store(directory.path());
    assert_eq!(first.applied_through(LEDGER).unwrap(), None);
    let one = [entry(at, "a/t", "s1", InputTokens, 40), entry(at, "a/t", "s2", InputTokens, 2)];
    first.apply(LEDGER, 7, &one).unwrap();
    first.apply(LEDGER, 9, &[entry(at, "a/t", "s1", ReportedCost, 3 * DOLLAR / 2)]).unwrap();
    drop(first);
    let mut again = store(directory.path());
    again.apply(LEDGER, u64::MAX, &[entry(at, "a/t", "s1", InputTokens, -2)]).unwrap();
    assert_eq!(again.applied_through(LEDGER).unwrap(), Some(u64::MAX));
    assert_eq!(again.applied_through(1).unwrap(), None);
    let answer = "2026-10-04 09:00|a|t|40|1.5|";
    let columns = "hour, user, team, input_tokens, reported_cost_usd, computed_cost_usd";
    assert_eq!(ask(directory.path(), &format!("SELECT {columns} FROM usage_by_hour")), [answer]);
}

/// Scenario: a write that fails half way, because another program locks the file. Guarantee: neither
/// amounts nor marker are in; the next write goes through.
#[test]
fn a_failed_write_leaves_nothing() {
    let directory = tempdir().unwrap();
    let at = hour("2026-10-04", 9);
    let mut store = filled(directory.path(), &[entry(at, "a/t", "s1", InputTokens, 1)]);
    let breaking = "CREATE TRIGGER full BEFORE INSERT ON session BEGIN SELECT raise(ABORT, 'no'); END";
    let other = rusqlite::Connection::open(store.file()).unwrap();
    other.execute_batch(breaking).unwrap();
    let entries = [entry(at, "a/t", "s1", InputTokens, 5), entry(at, "b/t", "s2", InputTokens, 6)];
    assert!(store.apply(LEDGER, 2, &entries).unwrap_err().message.contains("usage.db"));
    assert_eq!(store.applied_through(LEDGER).unwrap(), Some(1));
    assert_eq!(ask(directory.path(), "SELECT sum(input_tokens) FROM usage"), ["1"]);
    other.execute_batch("DROP TRIGGER full").unwrap();
    store.apply(LEDGER, 2, &entries).unwrap();
    assert_eq!(ask(directory.path(), "SELECT sum(input_tokens) FROM usage"), ["12"]);
}

/// Scenario: a session that spans hours, days and users, and one that is unknown. Guarantee: distinct
/// ones are counted over the whole period, not added up from hours.
#[test]
fn sessions_and_users_are_counted_exactly() {
    let directory = tempdir().unwrap();
    let (morning, noon, next) = (hour("2026-10-04", 9), hour("2026-10-04", 12), hour("2026-10-05", 1));
    let entries = [
        entry(morning, "a/t", "s1", InputTokens, 1),
        entry(noon, "a/t", "s1", InputTokens, 1),
        entry(noon, "b/t", "s1", OutputTokens, 1),
        entry(noon, "b/", "s2", OutputTokens, 1),
        entry(next, "a/t", "s1", InputTokens, 1),
        entry(next, "/t", "", InputTokens, 1),
    ];
    let _store = filled(directory.path(), &entries);
    let ask = |sql: &str| ask(directory.path(), sql);
    let days = ask("SELECT day, total_tokens, sessions, users FROM usage_by_day ORDER BY day");
    assert_eq!(days, ["2026-10-04|4|2|2", "2026-10-05|2|1|1"]);
    assert_eq!(ask("SELECT month, total_tokens, sessions, users FROM usage_by_month"), ["2026-10|6|2|2"]);
    let teams = ask("SELECT team, total_tokens, sessions, users FROM usage_by_team ORDER BY team");
    assert_eq!(teams, ["|1|1|1", "t|5|1|2"]);
    let users = ask("SELECT user, sessions FROM usage_by_user WHERE month = '2026-10' ORDER BY user");
    assert_eq!(users, ["|0", "a|1", "b|2"]);
}

/// Scenario: every view is asked for all it has. Guarantee: each answers, and each adds up to the same
/// total; token types are rows.
#[test]
fn every_view_adds_up() {
    let directory = tempdir().unwrap();
    let entries = [
        entry(hour("2026-10-04", 9), "a/t", "s1", InputTokens, 1),
        entry(hour("2026-10-31", 23), "b/", "s2", CacheReadTokens, 20),
        entry(hour("2026-11-01", 0), "b/", "s2", OutputTokens, 300),
        entry(hour("2026-11-01", 0), "b/", "s2", ReportedCost, DOLLAR / 4),
        entry(hour("2026-10-04", 9), "a/t", "s1", ComputedCost, DOLLAR / 8),
        entry(hour("2026-11-01", 0), "b/", "s2", ComputedCost, DOLLAR / 4),
    ];
    let _store = filled(directory.path(), &entries);
    let ask = |sql: &str| ask(directory.path(), sql);
    let views = ask("SELECT name FROM sqlite_schema WHERE type = 'view' AND name LIKE 'usage_by_%'");
    assert_eq!(views.len(), 13);
    for view in views {
        let column = if view == "usage_by_token_type" { "tokens" } else { "total_tokens" };
        assert_eq!(ask(&format!("SELECT sum({column}) FROM {view}")), ["321"], "{view}");
        if column == "total_tokens" {
            assert_eq!(ask(&format!("SELECT sum(reported_cost_usd) FROM {view}")), ["0.25"], "{view}");
            assert_eq!(ask(&format!("SELECT sum(computed_cost_usd) FROM {view}")), ["0.375"], "{view}");
        }
    }
    let types = ask("SELECT day, token_type, tokens FROM usage_by_token_type ORDER BY tokens");
    assert_eq!(types, ["2026-10-04|input|1", "2026-10-31|cache_read|20", "2026-11-01|output|300"]);
    assert_eq!(ask("SELECT DISTINCT session FROM session_by_hour ORDER BY 1"), ["s1", "s2"]);
}

/// Scenario: amounts beyond all reason. Guarantee: sums stop at the ends of 64 bits; the file stays
/// writable and every view answers.
#[test]
fn absurd_amounts_do_no_harm() {
    let directory = tempdir().unwrap();
    let at = hour("2026-10-04", 9);
    let absurd = |who| {
        let measures = [InputTokens, OutputTokens, ReportedCost, ComputedCost];
        measures.map(|measure| entry(at, who, "s", measure, i64::MAX))
    };
    let mut store = store(directory.path());
    store.priced_by("2026-10-01", at).unwrap();
    store.apply(LEDGER, 1, &absurd("a/t")).unwrap();
    store.apply(LEDGER, 2, &absurd("a/t")).unwrap();
    store.apply(LEDGER, 3, &absurd("b/t")).unwrap();
    store.apply(LEDGER, 4, &[entry(at, "c/t", "s", InputTokens, i64::MIN)]).unwrap();
    store.apply(LEDGER, 5, &[entry(at, "c/t", "s", InputTokens, i64::MIN)]).unwrap();
    let ask = |sql: &str| ask(directory.path(), sql);
    let tokens = ask("SELECT input_tokens FROM usage ORDER BY dimension_id");
    assert_eq!(tokens, [i64::MAX.to_string(), i64::MAX.to_string(), i64::MIN.to_string()]);
    let costs = ask("SELECT computed_cost_pico FROM usage ORDER BY dimension_id");
    assert_eq!(costs, [i64::MAX.to_string(), i64::MAX.to_string(), String::new()]);
    for view in ask("SELECT name FROM sqlite_schema WHERE type = 'view'") {
        assert!(!ask(&format!("SELECT * FROM {view}")).is_empty(), "{view}");
    }
}

/// Scenario: retention removes the first of two days. Guarantee: amounts, sessions and dimensions of
/// that day are gone, those of the other stay, and the file says what is gone.
#[test]
fn pruning_removes_whole_hours() {
    let directory = tempdir().unwrap();
    let (old, new) = (hour("2026-10-04", 9), hour("2026-10-05", 9));
    let entries = [
        entry(old, "a/t", "s1", InputTokens, 1),
        entry(old, "b/t", "s2", InputTokens, 1),
        entry(new, "b/t", "s2", InputTokens, 1),
    ];
    let mut store = filled(directory.path(), &entries);
    let ask = |sql: &str| ask(directory.path(), sql);
    let pruned = "SELECT value FROM meta WHERE key = 'pruned_before_unix_hour'";
    store.prune(old).unwrap();
    assert_eq!(ask(pruned), ["0"]);
    store.prune(new).unwrap();
    assert_eq!(ask("SELECT hour, user, input_tokens FROM usage_by_hour"), ["2026-10-05 09:00|b|1"]);
    assert_eq!(ask("SELECT session FROM session"), ["s2"]);
    assert_eq!(ask("SELECT count(*) FROM dimension"), ["1"]);
    assert_eq!(ask(pruned), [new.to_string()]);
    assert_eq!(store.applied_through(LEDGER).unwrap(), Some(1));
}

/// Scenario: somebody reads while the collector writes. Guarantee: neither waits for the other, and the
/// reader sees one moment.
#[test]
fn readers_are_welcome() {
    let directory = tempdir().unwrap();
    let at = hour("2026-10-04", 9);
    let mut store = filled(directory.path(), &[entry(at, "a/t", "s1", InputTokens, 1)]);
    let mut reader = rusqlite::Connection::open(store.file()).unwrap();
    let moment = reader.transaction().unwrap();
    let sum = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT sum(input_tokens) FROM usage", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(sum(&moment), 1);
    let begin = std::time::Instant::now();
    store.apply(LEDGER, 2, &[entry(at, "a/t", "s1", InputTokens, 1)]).unwrap();
    assert!(begin.elapsed().as_millis() < 1500, "waited for the reader");
    assert_eq!(sum(&moment), 1);
    drop(moment);
    assert_eq!(sum(&reader), 2);
}
