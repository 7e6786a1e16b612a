//! `tokenledger ledger export` as a user runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokenledger::usage::Measure::{CacheReadTokens, ComputedCost, InputTokens, OutputTokens, ReportedCost};
use tokenledger::usage::{Dimensions, Measure, UsageEntry, UsageStore};
use tokenledger_storage::{Sync, usage};

const DOCS: &str = include_str!("../../../docs/usage.md");

/// 2026-10-05 09:00 UTC.
const HOUR: u32 = 497_553;
const MICRO_DOLLAR: i64 = 1_000_000;

fn entry(team: &str, measure: Measure, amount: i64) -> UsageEntry {
    let user = if team.is_empty() { "zoe" } else { team }.to_owned();
    let dimensions = Dimensions {
        agent: "claude-code".to_owned(),
        team: team.to_owned(),
        user: format!("{user}@example.invalid"),
        ..Dimensions::default()
    };
    let session = Arc::from(format!("session of {user}"));
    UsageEntry { unix_hour: HOUR, dimensions: Arc::new(dimensions), session, measure, amount }
}

/// A month as `docs/usage.md` shows it: two price tables, one team without prices, one person without a team.
fn fill(directory: &Path) {
    let mut store = usage::open(directory, Sync::Process).unwrap().store;
    let early = [
        entry("shop", InputTokens, 1200),
        entry("shop", ReportedCost, 6000 * MICRO_DOLLAR),
        entry("shop", ComputedCost, 6000 * MICRO_DOLLAR),
    ];
    let late = [
        entry("shop", CacheReadTokens, 90_001),
        entry("shop", ComputedCost, 45_000 * MICRO_DOLLAR + 500_000),
        entry("research", OutputTokens, 4000),
        entry("research", ReportedCost, 100_000 * MICRO_DOLLAR),
        entry("", OutputTokens, 300),
        entry("", ReportedCost, 7500 * MICRO_DOLLAR),
        entry("", ComputedCost, 7500 * MICRO_DOLLAR),
    ];
    store.priced_by("2026-09-28", HOUR - 100).unwrap();
    store.apply(1, 1, &early).unwrap();
    store.priced_by("2026-10-05", HOUR).unwrap();
    store.apply(1, 2, &late).unwrap();
}

fn export(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenledger"));
    let output = command.args(["ledger", "export"]).arg(directory).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Scenario: the month of `docs/usage.md`, which is over, as CSV. Guarantee: the page shows what the command prints.
#[test]
fn a_month_with_computed_costs_is_as_documented() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let csv = export(directory.path(), &["--month", "2026-10", "--by", "team"]);
    let documented = DOCS.split("```csv\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(csv, documented);
}

/// Scenario: the same as JSON, by whatever it is grouped. Guarantee: both costs and both price tables are told, costs
/// that were not computed are null, and rows add up to the total.
#[test]
fn json_tells_both_costs_and_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    for by in ["team", "user", "day", "agent,month"] {
        let arguments = ["--from", "2026-10-01", "--to", "2026-10-31", "--by", by, "--format", "json"];
        let json: serde_json::Value = serde_json::from_str(&export(directory.path(), &arguments)).unwrap();
        assert_eq!(json["price_table"], "2026-09-28; 2026-10-05");
        let basis = json["cost_basis"].as_str().unwrap();
        assert!(
            ["what clients say", "list prices", "estimates, not a bill"]
                .iter()
                .all(|part| basis.contains(part))
        );
        assert_eq!(json["totals"]["reported_cost_usd"], "0.1135");
        assert_eq!(json["totals"]["computed_cost_usd"], "0.0585005");
        let pico = |cost: &serde_json::Value| {
            let (whole, fraction) = cost.as_str()?.split_once('.')?;
            format!("{whole}{fraction:0<12}").parse::<i64>().ok()
        };
        let rows = json["rows"].as_array().unwrap();
        let sum: i64 = rows.iter().filter_map(|row| pico(&row["computed_cost_usd"])).sum();
        assert_eq!(sum, 58_500_500_000, "{by}");
        let unpriced = rows.iter().filter(|row| row["computed_cost_usd"].is_null()).count();
        assert_eq!(unpriced, usize::from(["team", "user"].contains(&by)), "{by}");
    }
    let other = ["--from", "2026-11-01", "--to", "2026-11-30", "--format", "json"];
    let json: serde_json::Value = serde_json::from_str(&export(directory.path(), &other)).unwrap();
    assert_eq!((&json["price_table"], &json["totals"]["computed_cost_usd"]), (&().into(), &().into()));
}
