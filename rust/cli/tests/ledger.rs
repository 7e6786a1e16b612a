//! `tokenledger ledger` as a user runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Output};

use tokenledger::ledger::{Change, Head, JournalRow, Storage};
use tokenledger_storage::{Settings, open};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

fn tokenledger(arguments: &[&str], paths: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tokenledger"))
        .arg("ledger")
        .args(arguments)
        .args(paths)
        .output()
        .unwrap()
}

fn assert_ends(output: &Output, code: i32) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8(text.clone()).unwrap());
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    out + &err
}

fn ledger(directory: &Path, rows: u64) -> Box<dyn Storage> {
    let mut storage = open(&Settings::new(directory)).unwrap().keeping.storage;
    let head = Head { secret: [1; 192], created_unix_nano: 951_782_400_000_000_000, fingerprint: 1 };
    storage.write(&Change { head: Some(&head), ..Change::default() }).unwrap();
    for sequence in 1..=rows {
        let blob = blob(&[7; 3000]);
        let journal = Some(JournalRow { sequence, blob: &blob });
        storage.write(&Change { journal, ..Change::default() }).unwrap();
    }
    storage
}

/// A blob as `rust/engine/src/ledger/blob.rs` describes it, written by other hands.
fn blob(content: &[u8]) -> Vec<u8> {
    let mut header = b"TLB1\x01\0\0\0".to_vec();
    header.extend_from_slice(&(content.len() as u64).to_le_bytes());
    header.extend_from_slice(&[0; 16]); // both clocks
    let checksum = xxh3_64_with_seed(content, xxh3_64(&header));
    [header, checksum.to_le_bytes().to_vec(), content.to_vec()].concat()
}

/// Scenario: two ledgers below one directory, one of them open: info, check, backup; then restore beside, over it, and
/// over the open one.
/// Guarantee: each command answers for both ledgers, in words and as JSON, and exit codes tell a refusal from success.
#[test]
fn ledgers_are_looked_at_backed_up_and_brought_back() {
    let directory = tempfile::tempdir().unwrap();
    let (all, target, back) =
        (directory.path().join("all"), directory.path().join("backup"), directory.path().join("back"));
    drop(ledger(&all.join("token_ledger"), 10));
    let running = ledger(&all.join("token_ledger/../other"), 20);

    let told = assert_ends(&tokenledger(&["info"], &[&all]), 0);
    for part in [
        "10 rows",
        "20 rows",
        "2000-02-29",
        "held by       nobody",
        &format!("process {}", std::process::id()),
    ] {
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&assert_ends(&tokenledger(&["info", "--json"], &[&all]), 0)).unwrap();
    assert_eq!(
        (json[0]["journal"]["rows"].as_u64(), json[1]["journal"]["rows"].as_u64()),
        (Some(20), Some(10))
    );

    assert_eq!(assert_ends(&tokenledger(&["check"], &[&all]), 0).matches(": whole (").count(), 2);
    assert!(assert_ends(&tokenledger(&["backup"], &[&all, &target]), 0).contains("ledger.db"));
    assert!(assert_ends(&tokenledger(&["backup"], &[&all, &target]), 3).contains("not empty"));
    assert!(assert_ends(&tokenledger(&["restore"], &[&target, &back]), 0).contains("restored"));
    assert!(assert_ends(&tokenledger(&["restore"], &[&target, &back]), 3).contains("--replace"));
    assert!(assert_ends(&tokenledger(&["restore", "--replace"], &[&target, &back]), 0).contains("before"));
    assert!(
        assert_ends(&tokenledger(&["restore", "--replace"], &[&target, &all]), 3).contains("another process")
    );
    drop(running);
    assert!(assert_ends(&tokenledger(&["info"], &[&back]), 0).contains("20 rows"));
    assert!(
        assert_ends(&tokenledger(&["info"], &[directory.path().join("none").as_path()]), 3).contains("none")
    );
}

/// Scenario: the middle of a ledger is overwritten.
/// Guarantee: check ends with 1 and says where; as JSON it gives the number of problems.
#[test]
fn check_tells_damage_by_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    drop(ledger(directory.path(), 200));
    let path = directory.path().join("ledger.db");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let middle = file.metadata().unwrap().len() / 2 / 8192 * 8192;
    file.write_all_at(&[0xDB; 8192], middle).unwrap();

    assert!(assert_ends(&tokenledger(&["check"], &[directory.path()]), 1).contains("ledger.db: "));
    let json = assert_ends(&tokenledger(&["check", "--json"], &[directory.path()]), 1);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json[0]["damaged"].as_u64().unwrap() > 0);
}
