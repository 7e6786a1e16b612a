//! Names of models: where each name of the published tables leads.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use tokenledger_prices::{Class, Modifiers, Prices};

/// The day of the table: 2026-11-20T00:00:00Z.
const DAY: u64 = 1_795_132_800_000_000_000;

fn golden() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/names.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.split_once('\t').map(|(name, place)| (name.to_string(), place.to_string())).unwrap())
        .collect()
}

/// Scenario: every name of a model in LiteLLM, genai-prices, models.dev and ccusage.
/// Guarantee: each leads where the reviewed list says: to one model that has one price on the table's day, or nowhere.
#[test]
fn every_name_leads_to_one_row_or_none() {
    let prices = Prices::built_in().unwrap();
    let golden = golden();
    assert!(golden.len() > 4000, "{} names only", golden.len());
    let mut wrong = Vec::new();
    for (name, expected) in &golden {
        let found = prices.find(name, "");
        let place = found
            .as_ref()
            .map_or("unpriced".to_string(), |found| format!("{}/{}", found.provider, found.model));
        if place != *expected {
            wrong.push(format!("{name}: {place}, and the list says {expected}"));
        }
        let priced = found.and_then(|found| found.rate(Class::Input, DAY, Modifiers::default()));
        if priced.is_some() != (expected != "unpriced") {
            wrong.push(format!("{name}: {expected} has no price on the day of the table"));
        }
    }
    assert!(wrong.is_empty(), "`make prices` writes the list anew; review it:\n{}", wrong.join("\n"));
}

/// Scenario: names that differ from listed ones by what is a version or another model, and names that move.
/// Guarantee: none has the price of the listed one.
#[test]
fn a_similar_name_has_no_price() {
    let prices = Prices::built_in().unwrap();
    for name in [
        "claude-opus-5-6",
        "claude-opus-6",
        "claude-sonnet-5-6",
        "claude-fable-5-3",
        "claude-haiku-4-6",
        "claude-opus-4-10",
        "claude-opus-4-8-mini",
        "claude-opus-latest",
        "claude-mythos-preview",
        "gpt-5.7",
        "gpt-5.6-nova",
        "gpt-6",
        "gpt-6.2-sol",
        "gpt-5.4-mini-high",
        "gemini-3.9-flash",
        "gemini-4-pro",
        "gemini-pro-latest",
        "gemini-flash-latest",
        "gemini-2.5-flash-image",
        "gpt-4o-audio-preview",
        "chatgpt/gpt-5.3-codex",
        "opus",
        "sonnet",
        "default",
        "",
    ] {
        let place = prices.find(name, "").map(|found| format!("{}/{}", found.provider, found.model));
        assert_eq!(place, None, "{name}");
    }
}

/// Scenario: new models whose names begin like older ones, in the spellings of each seller.
/// Guarantee: each leads to its own row.
#[test]
fn newer_models_have_their_own_rows() {
    let prices = Prices::built_in().unwrap();
    let models = [
        "claude-opus-5-5",
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
        "claude-fable-5-1",
        "claude-fable-5-2",
        "claude-mythos-5",
        "claude-mythos-5-1",
        "claude-opus-4-8",
    ];
    let spellings = [
        "{}",
        "us.anthropic.{}",
        "global.anthropic.{}-v1:0",
        "vertex_ai/{}@default",
        "anthropic/{}",
        "{}[1m]",
    ];
    for model in models {
        for spelling in spellings {
            let name = spelling.replace("{}", model);
            assert_eq!(prices.find(&name, "").map(|found| found.model), Some(model), "{name}");
        }
    }
}

/// Scenario: the reviewed list itself.
/// Guarantee: no name twice, sorted, and the families that clients use are there.
#[test]
fn the_list_is_whole() {
    let golden = golden();
    assert!(golden.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted, without repetition");
    let places: BTreeSet<&str> = golden.iter().map(|(_, place)| place.as_str()).collect();
    for place in [
        "anthropic/claude-opus-5",
        "bedrock/claude-opus-5",
        "vertex/claude-opus-5",
        "openai/gpt-5.6-sol",
        "google/gemini-2.5-pro",
    ] {
        assert!(places.contains(place), "{place}");
    }
}
