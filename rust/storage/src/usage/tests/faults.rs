//! Files that cannot be used as they are.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use tempfile::tempdir;
use tokenledger::ledger::StorageTrouble;
use tokenledger::usage::Measure::{ComputedCost, InputTokens};
use tokenledger::usage::UsageStore;

use super::support::{LEDGER, ask, entry, filled, hour, opened, seconds};
use crate::Sync;
use crate::usage::FILE_NAME;
use crate::usage::export::{Period, Request, sheet};
use crate::usage::open::open_at;
use crate::usage::schema::{APPLICATION_ID, MIGRATIONS, VERSION};

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let length = bytes.len();
    bytes[4096..length].fill(0x5a);
    fs::write(file, bytes).unwrap();
}

/// Scenario: pages of the file are overwritten, or the whole of it. Guarantee: the next start puts it
/// aside, says so, and begins a new one; doing so again keeps both.
#[test]
fn a_damaged_file_is_put_aside() {
    let directory = tempdir().unwrap();
    let file = directory.path().join(FILE_NAME);
    let now = seconds("2026-10-04");
    drop(filled(directory.path(), &[entry(hour("2026-10-04", 9), "a/t", "s", InputTokens, 1)]));
    damage(&file);
    let found = open_at(directory.path(), Sync::Process, now).unwrap();
    let text = found.damage.unwrap();
    assert!(
        text.contains(&format!("usage.db.damaged-{now}")) && text.contains("usage.db is damaged"),
        "{text}"
    );
    let mut store = found.store;
    assert_eq!(store.applied_through(LEDGER).unwrap(), None);
    store.apply(LEDGER, 3, &[]).unwrap();
    drop(store);
    fs::write(&file, "this is no database, but it is long enough to be read as one".repeat(100)).unwrap();
    assert!(open_at(directory.path(), Sync::Disk, now).unwrap().damage.is_some());
    let aside: Vec<_> = names(directory.path()).into_iter().filter(|name| name.contains("damaged")).collect();
    assert_eq!(aside, [format!("usage.db.damaged-{now}"), format!("usage.db.damaged-{}", now + 1)]);
    assert_eq!(opened(directory.path()).damage, None);
}

/// Scenario: damage comes to light while the collector runs. Guarantee: one error that says so, then
/// writing goes on in a new file; what was damaged is kept.
#[test]
fn damage_at_work_is_put_aside() {
    let directory = tempdir().unwrap();
    let file = directory.path().join(FILE_NAME);
    let at = hour("2026-10-04", 9);
    let mut store = filled(directory.path(), &[entry(at, "a/t", "s", InputTokens, 1)]);
    store.priced_by("2026-10-01", at).unwrap();
    let other = Connection::open(&file).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(other);
    damage(&file);
    // A cache that still has the page may hide it for a while; a restarted reader does not.
    let entries: Vec<_> = (0..2000).map(|n| entry(at, &format!("{n}/t"), "s", InputTokens, 1)).collect();
    let errors: Vec<_> = (2..6)
        .filter_map(|through| store.apply(LEDGER, through, &entries).err())
        .map(|e| e.message)
        .collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("it is kept as"), "{errors:?}");
    let is_aside = |name: &&String| name.contains("damaged") && !name.ends_with("-wal");
    assert_eq!(names(directory.path()).iter().filter(is_aside).count(), 1);
    let rows = ask(directory.path(), "SELECT count(*), min(input_tokens) FROM usage");
    assert_eq!(rows.len(), 1);
    assert!(rows[0].starts_with("2000|"), "{rows:?}");
    let tables = ask(directory.path(), "SELECT version, since_unix_hour FROM price_table");
    assert_eq!(tables, [format!("2026-10-01|{at}")]); // in use, so the new file names it too
}

/// Scenario: a file of a newer version, and one of another program. Guarantee: an error that names the
/// remedy; nothing is changed.
#[test]
fn foreign_and_newer_files_are_left_alone() {
    let directory = tempdir().unwrap();
    let file = directory.path().join(FILE_NAME);
    drop(filled(directory.path(), &[entry(1, "a/t", "s", InputTokens, 1)]));
    let connection = Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
    drop(connection);
    let before = fs::read(&file).unwrap();
    let error = open_at(directory.path(), Sync::Process, 0).unwrap_err();
    assert_eq!(error.kind, StorageTrouble::Newer);
    assert!(error.message.contains("use the newer version again"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);

    fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE recipes (name)").unwrap();
    let error = open_at(directory.path(), Sync::Process, 0).unwrap_err();
    assert!(error.message.contains("not a usage file of Tokenledger"), "{error}");
    assert_eq!(ask(directory.path(), "SELECT name FROM sqlite_schema"), ["recipes"]);
}

/// Scenario: a file with the views of some other release is brought to this version. Guarantee: views
/// are made anew; data stays.
#[test]
fn an_upgrade_makes_views_anew() {
    let directory = tempdir().unwrap();
    let file = directory.path().join(FILE_NAME);
    // Made, and ended before the schema was in: the version is still 0.
    Connection::open(&file).unwrap().pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(filled(directory.path(), &[entry(1, "a/t", "s", InputTokens, 1)]));
    assert_eq!(ask(directory.path(), "PRAGMA user_version"), [VERSION.to_string()]);
    assert_eq!(ask(directory.path(), "SELECT total_tokens FROM usage_by_month"), ["1"]);
}

/// Scenario: a file of version 1, with costs that clients reported, is exported as it is, then opened for writing.
/// Guarantee: both work, its data stays, and what is computed from then on names its price table.
#[test]
fn a_file_of_version_1_goes_on() {
    let directory = tempdir().unwrap();
    let file = directory.path().join(FILE_NAME);
    let old = Connection::open(&file).unwrap();
    old.execute_batch(MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "INSERT INTO meta VALUES ('began_unix_hour', 7), ('pruned_before_unix_hour', 0);
         INSERT INTO applied VALUES (77, 12);
         INSERT INTO dimension VALUES (1, 'claude-code', 'm', 'p', 'ann', 't', '', '', '');
         INSERT INTO session VALUES (1, 's');
         CREATE VIEW usage_by_hour AS SELECT unix_hour FROM usage;",
    )
    .unwrap();
    let at = hour("2026-10-04", 9);
    let insert = "INSERT INTO usage VALUES (?, 1, 10, 0, 0, 0, 0, 2500000000, NULL)";
    old.execute(insert, [at]).unwrap();
    old.execute("INSERT INTO usage_session VALUES (?, 1, 1)", [at]).unwrap();
    old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let export = || {
        let request = Request { period: Period::month("2026-10").unwrap(), by: Vec::new(), open: false };
        let json = sheet(directory.path(), &request, seconds("2026-11-05")).unwrap().to_json().unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let figures = &json["totals"];
        let of = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        [&json["price_table"], &figures["reported_cost_usd"], &figures["computed_cost_usd"]].map(of)
    };
    let texts = |texts: [&str; 3]| texts.map(|text| (!text.is_empty()).then(|| text.to_owned()));
    assert_eq!(export(), texts(["", "0.0025", ""]));

    let mut store = open_at(directory.path(), Sync::Process, seconds("2026-10-04")).unwrap().store;
    assert_eq!(ask(directory.path(), "PRAGMA user_version"), ["2"]);
    assert_eq!(store.applied_through(77).unwrap(), Some(12));
    assert_eq!(export(), texts(["", "0.0025", ""]));
    store.priced_by("2026-10-01", at).unwrap();
    store.apply(77, 13, &[entry(at, "a/t", "s", ComputedCost, 4)]).unwrap();
    assert_eq!(export(), texts(["2026-10-01", "0.0025", "0.000000000004"]));
    let hours = ask(directory.path(), "SELECT hour, total_tokens FROM usage_by_hour ORDER BY total_tokens");
    assert_eq!(hours, ["2026-10-04 09:00|0", "2026-10-04 09:00|10"]);
}

/// Scenario: there is no directory. Guarantee: an error that names the file.
#[test]
fn a_missing_directory_is_an_error() {
    let directory = tempdir().unwrap();
    let error = open_at(&directory.path().join("none"), Sync::Process, 0).unwrap_err();
    assert!(error.message.contains("none/usage.db"), "{error}");
}
