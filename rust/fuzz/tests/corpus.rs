//! The committed corpora, and changed copies of them, through the fuzz targets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use tokenledger_ffi::flat::FlatBatch;
use tokenledger_fuzz::mutation::{Dice, mutate};
use tokenledger_otlp::oracle::{Shown, show};

/// Changed copies per target; libFuzzer does the same with feedback, for longer.
const CHANGED_COPIES: usize = 4_000;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 20, "{} files in the corpus of {target}", files.len());
    files
}

/// Runs the corpus and its changed copies; names the file and the seed of a copy that fails.
fn run(target: &str, function: fn(&[u8])) {
    let files = corpus(target);
    let check = |bytes: Vec<u8>, what: &str| {
        if catch_unwind(|| function(&bytes)).is_err() {
            let path = std::env::temp_dir().join(format!("tokenledger-fuzz-{target}"));
            fs::write(&path, &bytes).unwrap();
            panic!("{target} failed on {what}; the bytes are in {}", path.display());
        }
    };
    for (name, bytes) in &files {
        check(bytes.clone(), name);
    }
    for seed in 0..CHANGED_COPIES {
        let (name, bytes) = &files[seed % files.len()];
        let mut dice = Dice(seed as u64);
        let other = &files[dice.below(files.len())].1;
        check(mutate(bytes, other, &mut dice), &format!("{name} changed with seed {seed}"));
    }
}

/// Scenario: recorded requests and changed copies of them.
/// Guarantee: the byte view agrees with prost, and an engine survives whatever it shows.
#[test]
fn otlp_bytes() {
    run("otlp_bytes", tokenledger_fuzz::otlp_bytes);
}

/// Scenario: price files as users write them, with names of models, and changed copies of them.
/// Guarantee: an error or a table whose prices are never below zero, never a panic.
#[test]
fn price_file() {
    run("price_file", tokenledger_fuzz::price_file);
}

/// Scenario: the same requests as flat buffers, and changed copies of them.
/// Guarantee: an error or one verdict per point, never a panic.
#[test]
fn flat_buffer() {
    run("flat_buffer", tokenledger_fuzz::flat_buffer);
}

/// Scenario: recipes of histograms, right and wrong, and changed copies of them.
/// Guarantee: no count is lost, order does not matter, and sizes stay within limits.
#[test]
fn distribution() {
    run("distribution", tokenledger_fuzz::distribution);
}

/// Scenario: scripts of batches, retries, refusals, ticks and clock steps in all settings.
/// Guarantee: every increment comes out once, in output that is strictly newer and never falls.
#[test]
fn engine() {
    run("engine", tokenledger_fuzz::engine);
}

/// Scenario: what engines store for recorded requests, and changed copies of it, with right checksums.
/// Guarantee: an engine opens on it, works, stores itself and opens again.
#[test]
fn ledger_blob() {
    run("ledger_blob", tokenledger_fuzz::ledger_blob);
}

/// Scenario: the seeds that were made from recorded requests.
/// Guarantee: flat buffers of today's layout with points; if not, run the example `seed_corpus`.
#[test]
fn seeds_are_valid() {
    let seeds = corpus("flat_buffer").into_iter().filter(|(name, _)| !name.starts_with("found-"));
    for (name, bytes) in seeds {
        let batch = FlatBatch::parse(&bytes).expect(&name);
        let points =
            show(&batch).expect(&name).into_iter().filter(|shown| matches!(shown, Shown::Point { .. }));
        assert!(points.count() > 0, "{name}");
    }
}
