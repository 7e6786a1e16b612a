//! Computed costs: exact however they are grouped, absent where there are none, with the tables that they come from.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use tempfile::tempdir;
use tokenledger::usage::Measure::{ComputedCost, InputTokens};
use tokenledger::usage::{Measure, UsageStore};

use super::support::{LEDGER, ask, entry, filled, hour, seconds, store};
use crate::usage::decimal::dollars;
use crate::usage::export::{Column, Period, Request, sheet};

/// A sheet of October as JSON.
fn october(directory: &Path, by: &[&str]) -> serde_json::Value {
    let by = by.iter().map(|name| Column::of_name(name).unwrap()).collect();
    let request = Request { period: Period::month("2026-10").unwrap(), by, open: false };
    let sheet = sheet(directory, &request, seconds("2026-11-05")).unwrap();
    serde_json::from_str(&sheet.to_json().unwrap()).unwrap()
}

fn tables_of(directory: &Path, month: &str) -> Option<String> {
    let request = Request { period: Period::month(month).unwrap(), by: Vec::new(), open: false };
    let sheet = sheet(directory, &request, seconds("2027-06-01")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&sheet.to_json().unwrap()).unwrap();
    json["price_table"].as_str().map(str::to_owned)
}

/// Scenario: rows with and without computed costs, in one transaction and in later ones, and costs of nothing.
/// Guarantee: nothing and something is something; nothing and nothing stays NULL, also in views and sheets; 0 is 0.
#[test]
fn absent_is_not_zero() {
    let directory = tempdir().unwrap();
    let (at, free) = (hour("2026-10-04", 9), hour("2026-10-04", 10));
    let first = [
        entry(at, "a/priced", "s", InputTokens, 1),
        entry(at, "a/priced", "s", ComputedCost, 5),
        entry(at, "b/later", "s", InputTokens, 1),
        entry(at, "c/never", "s", InputTokens, 1),
        entry(free, "d/free", "s", ComputedCost, 0),
    ];
    let mut store = filled(directory.path(), &first);
    let second = [
        entry(at, "a/priced", "s", InputTokens, 1),
        entry(at, "b/later", "s", ComputedCost, 7),
        entry(at, "b/later", "s", ComputedCost, 2),
        entry(at, "c/never", "s", InputTokens, 1),
        entry(free, "c/never", "s", InputTokens, 1),
    ];
    store.apply(LEDGER, 2, &second).unwrap();
    let rows = "SELECT team, computed_cost_pico FROM usage JOIN dimension ON id = dimension_id ORDER BY team, unix_hour";
    let expected = ["free|0", "later|9", "never|", "never|", "priced|5"];
    assert_eq!(ask(directory.path(), rows), expected);
    let views = "SELECT team, computed_cost_usd IS NULL FROM usage_by_team ORDER BY team";
    assert_eq!(ask(directory.path(), views), ["free|0", "later|0", "never|1", "priced|0"]);
    let json = october(directory.path(), &["team"]);
    let figures = |row: usize| {
        ["computed_cost_usd", "share_of_computed_cost_percent"].map(|name| json["rows"][row][name].as_str())
    };
    assert_eq!(figures(0), [Some("0.00"), Some("0.00")]);
    assert_eq!(figures(1), [Some("0.000000000009"), Some("64.29")]);
    assert_eq!(figures(2), [None, None]);
    assert_eq!(json["totals"]["computed_cost_usd"], "0.000000000014");
    assert_eq!(json["unattributed"]["computed_cost_usd"], serde_json::Value::Null);
}

/// Scenario: tables change, within an hour too, come back, and are told again; a window of September arrives in
/// November; a second component has a table of its own. Guarantee: a sheet names the tables that its costs come from
/// and no others, each once, in the order in which they came into use; `none` where nothing was computed.
#[test]
fn sheets_name_their_price_tables() {
    let directory = tempdir().unwrap();
    let at = |day: &str| hour(day, 9);
    let cost = |day: &str| [entry(at(day), "a/t", "s", ComputedCost, 1)];
    let mut one = store(&directory.path().join("1"));
    let mut through = 0;
    let mut step = |version: &str, now: &str, priced: &str| {
        one.priced_by(version, at(now)).unwrap();
        through += 1;
        let entries = if priced.is_empty() { Vec::new() } else { cost(priced).to_vec() };
        one.apply(LEDGER, through, &entries).unwrap();
    };
    step("2026-08-01", "2026-10-01", "");
    step("2026-09-01", "2026-10-01", "2026-10-01");
    step("2026-10-01 =own", "2026-10-01", "2026-10-01");
    step("2026-09-01", "2026-10-09", "2026-10-09");
    step("2026-09-01", "2026-10-12", "2026-10-12");
    step("2026-11-01", "2026-11-02", "2026-09-30");
    let mut other = store(&directory.path().join("2"));
    other.priced_by("=1+1", at("2026-10-02")).unwrap();
    other.apply(LEDGER, 1, &cost("2026-10-03")).unwrap();
    other.apply(LEDGER, 2, &[entry(at("2026-12-03"), "a/t", "s", InputTokens, 1)]).unwrap();

    let tables = |month| tables_of(directory.path(), month);
    assert_eq!(tables("2026-10").as_deref(), Some("2026-09-01; 2026-10-01 =own; =1+1"));
    assert_eq!(tables("2026-09").as_deref(), Some("2026-11-01"));
    assert_eq!(tables("2026-12"), None);
    let request = Request { period: Period::month("2026-12").unwrap(), by: Vec::new(), open: false };
    let csv = sheet(directory.path(), &request, seconds("2027-06-01")).unwrap().to_csv();
    assert!(csv.lines().skip(1).all(|line| line.starts_with("2026-12,closed,none,")), "{csv}");
    let request = Request { period: Period::month("2026-10").unwrap(), by: Vec::new(), open: false };
    let csv = sheet(&directory.path().join("2"), &request, seconds("2027-06-01")).unwrap().to_csv();
    assert!(csv.lines().skip(1).all(|line| line.starts_with("2026-10,closed,'=1+1,")), "{csv}");
    let by_hour = "SELECT hour, price_table FROM price_table_by_hour WHERE day < '2026-10-02' ORDER BY 1, 2";
    let expected =
        ["2026-09-30 09:00|2026-11-01", "2026-10-01 09:00|2026-09-01", "2026-10-01 09:00|2026-10-01 =own"];
    assert_eq!(ask(&directory.path().join("1"), by_hour), expected);
}

/// Scenario: the clock steps back between two tables; hours go away by retention. Guarantee: the order of tables stays;
/// tables that nothing is left of go, but the one in use.
#[test]
fn tables_keep_their_order_and_go_with_their_hours() {
    let directory = tempdir().unwrap();
    let (old, new) = (hour("2026-10-04", 9), hour("2026-10-05", 9));
    let mut store = store(directory.path());
    for (through, (version, since, at)) in
        (1..).zip([("one", old, old), ("two", old - 30, old), ("three", new, new)])
    {
        store.priced_by(version, since).unwrap();
        store.apply(LEDGER, through, &[entry(at, "a/t", "s", ComputedCost, 1)]).unwrap();
    }
    store.priced_by("four", new).unwrap();
    assert_eq!(tables_of(directory.path(), "2026-10").as_deref(), Some("one; two; three"));
    store.prune(new).unwrap();
    let left = ask(directory.path(), "SELECT version, since_unix_hour FROM price_table ORDER BY id");
    assert_eq!(left, [format!("three|{new}"), format!("four|{new}")]);
    store.prune(new + 1).unwrap();
    assert_eq!(ask(directory.path(), "SELECT version FROM price_table"), ["four"]);
    assert_eq!(ask(directory.path(), "SELECT count(*) FROM usage_price_table"), ["0"]);
}

/// One entry: hours after the beginning of October, user, team, amount.
type Part = (u32, u8, u8, i64);

#[derive(Clone, Debug)]
enum Step {
    /// A transaction, which fails half way or takes place.
    Apply { costs: Vec<Part>, tokens: Vec<Part>, fails: bool },
    /// The process ends, and begins again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let part = |most| prop::collection::vec((0..744_u32, 0..3_u8, 0..3_u8, 0..=most), 0..6);
    prop_oneof![
        6 => (part(i64::MAX / 64), part(1_000_000), prop::bool::weighted(0.2))
            .prop_map(|(costs, tokens, fails)| Step::Apply { costs, tokens, fails }),
        1 => Just(Step::Restart),
    ]
}

fn pico(text: &serde_json::Value) -> Option<i128> {
    let (whole, fraction) = text.as_str()?.split_once('.')?;
    format!("{whole}{fraction:0<12}").parse().ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Scenario: transactions with tokens and computed costs, some of which fail and come again, and ends of the
    /// process between them. Guarantee: each row has exactly what its hours were given, and nothing where they were
    /// given nothing; by whatever the sheet is grouped, its rows add up to the same total, to the last digit.
    #[test]
    fn computed_costs_add_up_by_any_grouping(steps in prop::collection::vec(step(), 1..16)) {
        let directory = tempdir().unwrap();
        let mut usage = store(directory.path());
        let breaker = rusqlite::Connection::open(usage.file()).unwrap();
        let mut truth: BTreeMap<(u32, u8, u8), Option<i128>> = BTreeMap::new();
        for (through, step) in (1..).zip(steps) {
            let Step::Apply { costs, tokens, fails } = step else {
                drop(usage);
                usage = store(directory.path());
                continue;
            };
            let begin = hour("2026-10-01", 0);
            let entry_of = |measure: Measure, (at, user, team, amount): Part| {
                let team = if team == 0 { String::new() } else { team.to_string() };
                entry(begin + at, &format!("{user}/{team}"), "s", measure, amount)
            };
            let mut entries: Vec<_> = tokens.iter().map(|part| entry_of(InputTokens, *part)).collect();
            entries.extend(costs.iter().map(|part| entry_of(ComputedCost, *part)));
            if fails && !entries.is_empty() {
                let full = "CREATE TRIGGER full BEFORE INSERT ON applied BEGIN SELECT raise(ABORT, 'no'); END";
                breaker.execute_batch(full).unwrap();
                prop_assert!(usage.apply(LEDGER, through, &entries).is_err());
                breaker.execute_batch("DROP TRIGGER full").unwrap();
            }
            usage.apply(LEDGER, through, &entries).unwrap();
            for (at, user, team, _) in tokens {
                truth.entry((at, user, team)).or_default();
            }
            for (at, user, team, amount) in costs {
                *truth.entry((at, user, team)).or_default().get_or_insert(0) += i128::from(amount);
            }
        }
        let rows = "SELECT unix_hour, user, team, computed_cost_pico FROM usage
                    JOIN dimension ON id = dimension_id ORDER BY 1, 2, 3";
        let told = truth.iter().map(|((at, user, team), cost)| {
            let team = if *team == 0 { String::new() } else { team.to_string() };
            let cost = cost.map_or(String::new(), |cost| cost.to_string());
            format!("{}|{user}|{team}|{cost}", hour("2026-10-01", 0) + at)
        });
        prop_assert_eq!(ask(directory.path(), rows), told.collect::<Vec<_>>());

        let total = truth.values().flatten().copied().reduce(|sum, cost| sum + cost);
        for by in [&[][..], &["user"], &["team"], &["day"], &["month", "team"], &["day", "user", "team", "model"]] {
            let json = october(directory.path(), by);
            let sheet_rows = json["rows"].as_array().unwrap();
            let sum = sheet_rows.iter().filter_map(|row| pico(&row["computed_cost_usd"])).reduce(|a, b| a + b);
            prop_assert_eq!(sum, total, "{:?}", by);
            let text = total.map(dollars);
            prop_assert_eq!(json["totals"]["computed_cost_usd"].as_str(), text.as_deref());
        }
    }
}
