//! Sheets: what is in them, and when there is none.

use std::path::Path;

use tempfile::tempdir;
use tokenledger::usage::Measure::{InputTokens, OutputTokens, ReportedCost};
use tokenledger::usage::UsageStore;

use super::support::{LEDGER, entry, filled, hour, seconds};
use crate::usage::export::{Column, ExportError, Period, Request, Sheet, sheet};

const MICRO_DOLLAR: i64 = 1_000_000;

fn october(by: &[&str]) -> Request {
    let by = by.iter().map(|name| Column::of_name(name).unwrap()).collect();
    Request { period: Period::month("2026-10").unwrap(), by, open: false }
}

fn exported(directory: &Path, request: &Request) -> Sheet {
    sheet(directory, request, seconds("2026-11-05")).unwrap()
}

/// Two components' files with usage in September, October and November.
fn two_components(directory: &Path) {
    let (first, last) = (hour("2026-10-01", 0), hour("2026-10-31", 23));
    let pipeline = [
        entry(first - 1, "a/red", "s0", InputTokens, 1000),
        entry(first, "a/red", "s1", InputTokens, 70),
        entry(first, "a/red", "s1", ReportedCost, 2765 * MICRO_DOLLAR + 190_000),
        entry(last, "b/red", "s2", OutputTokens, 20),
        entry(last + 1, "a/red", "s1", InputTokens, 5000),
    ];
    filled(&directory.join("token_ledger/metrics"), &pipeline);
    let other = [
        entry(first, "a/red", "s1", InputTokens, 7),
        entry(last, "c/", "s3", InputTokens, 3),
        entry(last, "c/", "s3", ReportedCost, 1_000_000 * MICRO_DOLLAR),
        entry(last, "d/=blue,\"1\"", "", ReportedCost, 500_000 * MICRO_DOLLAR),
    ];
    filled(&directory.join("token_ledger/2"), &other);
}

/// Scenario: a month by team, over two components. Guarantee: exact sums of that month only, sessions
/// and users counted once over both, the unattributed share and the total; texts are quoted and harmless.
#[test]
fn a_month_by_team() {
    let directory = tempdir().unwrap();
    two_components(directory.path());
    let csv = exported(directory.path(), &october(&["team"])).to_csv();
    let lead = "2026-10,closed,none,\"reported costs are what clients say, computed costs are from list prices: \
                both are estimates, not a bill\"";
    let head = "period,state,price_table,cost_basis,row,team,input_tokens,output_tokens,cache_read_tokens,\
                cache_creation_tokens,other_tokens,total_tokens,reported_cost_usd,computed_cost_usd,\
                share_of_tokens_percent,share_of_reported_cost_percent,share_of_computed_cost_percent,sessions,users";
    let expected = [
        head.to_owned(),
        format!("{lead},unattributed,,3,0,0,0,0,3,1.00,,3.00,66.54,,1,1"),
        format!("{lead},attributed,\"'=blue,\"\"1\"\"\",0,0,0,0,0,0,0.50,,0.00,33.27,,0,1"),
        format!("{lead},attributed,red,77,20,0,0,0,97,0.00276519,,97.00,0.18,,2,2"),
        format!("{lead},unattributed_total,,3,0,0,0,0,3,1.00,,3.00,66.54,,1,1"),
        format!("{lead},total,,80,20,0,0,0,100,1.50276519,,100.00,100.00,,3,4"),
    ];
    assert_eq!(csv.lines().collect::<Vec<_>>(), expected);
}

/// Scenario: the same as JSON. Guarantee: costs are exact texts, the same figures, and where they are from.
#[test]
fn json_has_the_same_figures() {
    let directory = tempdir().unwrap();
    two_components(directory.path());
    let text = exported(directory.path(), &october(&["team", "user"])).to_json().unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["state"], "closed");
    assert_eq!(json["price_table"], serde_json::Value::Null);
    assert_eq!(json["by"], serde_json::json!(["team", "user"]));
    assert_eq!(json["rows"][2]["by"], serde_json::json!({"team": "red", "user": "a"}));
    assert_eq!(json["rows"][2]["input_tokens"], 77);
    assert_eq!(json["rows"][2]["reported_cost_usd"], "0.00276519");
    assert_eq!(json["rows"][0]["attributed"], false);
    assert_eq!(json["unattributed"]["share_of_reported_cost_percent"], "66.54");
    assert_eq!(json["totals"]["total_tokens"], 100);
    assert_eq!(json["files"][0]["file"], "token_ledger/2/usage.db");
    assert_eq!(json["files"][1]["kept_since"], "2026-09-01T00:00:00Z");
}

/// Scenario: a month is exported again: later, from a copy elsewhere, and after usage of the next month
/// came in. Guarantee: the same bytes.
#[test]
fn a_closed_month_is_reproducible() {
    let (one, other) = (tempdir().unwrap(), tempdir().unwrap());
    two_components(one.path());
    two_components(other.path());
    let more = [entry(hour("2026-11-04", 3), "z/red", "s9", InputTokens, 9)];
    let mut store = super::support::store(&other.path().join("token_ledger/2"));
    store.apply(LEDGER, 2, &more).unwrap();
    let request = october(&["cost_center", "team"]);
    let first = exported(one.path(), &request);
    let again = sheet(other.path(), &request, seconds("2027-03-01")).unwrap();
    assert_eq!(first.to_csv(), again.to_csv());
    assert_eq!(first.to_json().unwrap(), again.to_json().unwrap());
}

/// Scenario: a month that is not over, or has just ended. Guarantee: refused with the moment from which
/// on it can be had; with `open` it is exported and marked.
#[test]
fn a_month_that_is_not_over_is_refused() {
    let directory = tempdir().unwrap();
    two_components(directory.path());
    let mut request = october(&[]);
    for now in [seconds("2026-10-15"), seconds("2026-11-01") + 3599] {
        let error = sheet(directory.path(), &request, now).unwrap_err();
        assert!(error.to_string().contains("not over before 2026-11-01T01:00:00Z"), "{error}");
    }
    assert!(sheet(directory.path(), &request, seconds("2026-11-01") + 3600).is_ok());
    request.open = true;
    let csv = sheet(directory.path(), &request, seconds("2026-10-15")).unwrap().to_csv();
    assert!(csv.lines().skip(1).all(|line| line.starts_with("2026-10,open,")), "{csv}");
}

/// Scenario: retention has removed a part of the month, or the file was begun during it. Guarantee: the
/// first is refused unless asked for, the second remarked on.
#[test]
fn a_month_that_is_not_whole_is_told() {
    let directory = tempdir().unwrap();
    two_components(directory.path());
    let mut store = super::support::store(&directory.path().join("token_ledger/2"));
    store.prune(hour("2026-10-02", 0)).unwrap();
    let mut request = october(&[]);
    let error = sheet(directory.path(), &request, seconds("2026-11-05")).unwrap_err();
    assert!(matches!(&error, ExportError::Pruned { file, .. } if file == "token_ledger/2/usage.db"));
    assert!(error.to_string().contains("before 2026-10-02T00:00:00Z"), "{error}");
    request.open = true;
    let opened = exported(directory.path(), &request);
    assert!(opened.to_csv().contains("2026-10,open,"));
    assert_eq!(opened.remarks().len(), 1);

    let late = tempdir().unwrap();
    crate::usage::open::open_at(late.path(), crate::Sync::Process, seconds("2026-10-09") + 60).unwrap();
    let remarks = exported(late.path(), &october(&[])).remarks();
    assert_eq!(remarks, ["usage.db: usage is kept since 2026-10-09T00:00:00Z, later than 2026-10 began"]);
}

/// Scenario: days, with and without ends, by day and month. Guarantee: the last day is in; time is no
/// dimension that could be unattributed.
#[test]
fn days_are_inclusive() {
    let directory = tempdir().unwrap();
    two_components(directory.path());
    let total = |first, last, by: &[&str]| {
        let by = by.iter().map(|name| Column::of_name(name).unwrap()).collect();
        let request = Request { period: Period::days(first, last).unwrap(), by, open: false };
        let csv = exported(directory.path(), &request).to_csv();
        let line = csv.lines().last().unwrap().to_owned();
        (line.split(',').rev().nth(7).unwrap().to_owned(), csv.lines().count())
    };
    assert_eq!(total(Some("2026-10-01"), Some("2026-10-01"), &["day"]), ("77".to_owned(), 4));
    assert_eq!(total(Some("2026-10-31"), None, &["day"]), ("5023".to_owned(), 5));
    assert_eq!(total(None, None, &["month"]), ("6100".to_owned(), 6));
    assert_eq!(Period::days(Some("2026-10-02"), Some("2026-10-01")), None);
    assert_eq!(Period::days(Some("2026-10"), None), None);
    assert_eq!(Column::of_name("service.name"), None);
    assert!(Column::names().all(|name| Column::of_name(name).unwrap().name() == name));
}

/// Scenario: a collector writes while months are exported. Guarantee: each sheet is of one moment.
#[test]
fn exporting_beside_a_writer() {
    let directory = tempdir().unwrap();
    let at = hour("2026-10-04", 9);
    let mut store = filled(directory.path(), &[]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for through in 2..300 {
                let entries = ["a/x", "b/y"].map(|who| entry(at, who, "s", InputTokens, 1));
                store.apply(LEDGER, through, &entries).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let csv = exported(directory.path(), &october(&[])).to_csv();
            let total: i128 = csv.lines().last().unwrap().split(',').rev().nth(7).unwrap().parse().unwrap();
            assert!(total % 2 == 0 && total >= last, "{total} after {last}");
            last = total;
        }
    });
}

/// Scenario: no file, and a file of a newer version. Guarantee: errors that say so.
#[test]
fn nothing_to_export_is_an_error() {
    let directory = tempdir().unwrap();
    let request = october(&[]);
    let now = seconds("2026-11-05");
    assert!(matches!(sheet(directory.path(), &request, now), Err(ExportError::NoFile(_))));
    assert!(matches!(sheet(&directory.path().join("none"), &request, now), Err(ExportError::Storage(_))));
    let store = filled(directory.path(), &[]);
    rusqlite::Connection::open(store.file()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = sheet(directory.path(), &request, now).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
}
