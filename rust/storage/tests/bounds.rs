//! Files stay bounded, and what was written survives the process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{blob, ledger_file, show, storage_at, write_row};
use tokenledger::ledger::{Change, Snapshot};
use tokenledger_storage::{Settings, Sync, open};

const CHILD: &str = "TOKENLEDGER_STORAGE_CHILD";

fn size(directory: &Path, name: &str) -> u64 {
    fs::metadata(directory.join(name)).map_or(0, |found| found.len())
}

/// Scenario: 6000 rows of 20 KB, with care each 100 rows, and a snapshot with a retirement each 500.
/// Guarantee: of 120 MB written, the file never holds more than twice what 500 rows need, and the WAL never more than twice
/// its limit.
#[test]
fn file_and_wal_stay_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let mut storage = storage_at(directory.path());
    let mut caretaker = storage.caretaker().unwrap();
    let (row, snapshot) = (blob(1, 20_000), blob(2, 100_000));
    let (mut largest_file, mut largest_wal) = (0, 0);
    for sequence in 1..=6000_u64 {
        write_row(storage.as_mut(), sequence, &row).unwrap();
        if sequence % 500 == 0 {
            let snapshots = [Snapshot { number: (sequence / 500 % 4) as u32, blob: &snapshot }];
            storage
                .write(&Change { snapshots: &snapshots, retire_through: Some(sequence), ..Change::default() })
                .unwrap();
        }
        if sequence % 100 == 0 {
            caretaker.care(sequence * 10_000_000).unwrap();
            storage.finish_care().unwrap();
        }
        largest_file = largest_file.max(size(directory.path(), "ledger.db"));
        largest_wal = largest_wal.max(size(directory.path(), "ledger.db-wal"));
    }
    assert!(largest_file <= 2 * 500 * 24_576, "the file grew to {largest_file} bytes");
    assert!(largest_wal <= 16 << 20, "the WAL grew to {largest_wal} bytes");
    assert!(largest_wal >= 2 << 20, "the WAL was in use: {largest_wal} bytes");
}

/// Scenario: a long journal (60 MB) is retired, then little is written for a while.
/// Guarantee: the file gives the space back.
#[test]
fn free_space_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut storage = storage_at(directory.path());
    let mut caretaker = storage.caretaker().unwrap();
    let row = blob(1, 200_000);
    for sequence in 1..=300 {
        write_row(storage.as_mut(), sequence, &row).unwrap();
    }
    storage.write(&Change { retire_through: Some(299), ..Change::default() }).unwrap();
    let mut care = |seconds: std::ops::Range<u64>| {
        for second in seconds {
            caretaker.care(second * 1_000_000_000).unwrap();
            storage.finish_care().unwrap();
        }
    };
    care(1..3);
    let before = size(directory.path(), "ledger.db");
    assert!(before > 40 << 20, "{before} bytes");
    care(3..100);
    let after = size(directory.path(), "ledger.db");
    assert!(after < 24 << 20, "{after} bytes of {before}");
}

/// Scenario: another connection reads for long while rows are written, as a backup does; then it ends.
/// Guarantee: the WAL grows only as long as somebody needs it, and is cut back.
#[test]
fn a_long_reading_delays_the_wal_only() {
    let directory = tempfile::tempdir().unwrap();
    let mut storage = storage_at(directory.path());
    let mut caretaker = storage.caretaker().unwrap();
    let row = blob(1, 200_000);
    write_row(storage.as_mut(), 1, &row).unwrap();
    let reader = rusqlite::Connection::open(ledger_file(directory.path())).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM journal").unwrap();
    let mut write = |sequences: std::ops::Range<u64>| {
        for sequence in sequences {
            write_row(storage.as_mut(), sequence, &row).unwrap();
            caretaker.care(sequence).unwrap();
            storage.finish_care().unwrap();
        }
        size(directory.path(), "ledger.db-wal")
    };
    assert!(write(2..250) > 40 << 20, "the reader holds it");
    reader.execute_batch("COMMIT").unwrap();
    let after = write(250..255);
    assert!(after <= 33 << 20, "{after} bytes");
}

/// Scenario: each mode, with care that is due.
/// Guarantee: what was written is there, and care makes no error. (That data reaches the disk only a loss of power shows.)
#[test]
fn every_mode_writes() {
    for sync in [Sync::Process, Sync::Disk, Sync::Every(1)] {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { sync, ..Settings::new(directory.path()) };
        let mut storage = open(&settings).unwrap().keeping.storage;
        let mut caretaker = storage.caretaker().unwrap();
        for sequence in 1..20 {
            write_row(storage.as_mut(), sequence, &blob(sequence, 2000)).unwrap();
            caretaker.care(sequence * 1_000_000_000).unwrap();
        }
        assert_eq!(show(storage.as_mut()).0.journal.len(), 19, "{sync:?}");
    }
}

/// Scenario: a process writes rows and says so after each; it is killed in the middle, again and again.
/// Guarantee: every row that it spoke of is there with every byte; at most one more is. The lock ended with the process.
#[test]
fn rows_survive_the_process() {
    if let Ok(directory) = std::env::var(CHILD) {
        write_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut said = 0;
    for round in 1..=5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["rows_survive_the_process", "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.by_ref().take(40 * round) {
            said = line.unwrap().strip_prefix("wrote ").map_or(said, |number| number.parse().unwrap());
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            said = line.strip_prefix("wrote ").and_then(|number| number.parse().ok()).unwrap_or(said);
        }
        child.wait().unwrap();

        let (shown, report) = show(storage_at(directory.path()).as_mut());
        assert_eq!(report.damaged, 0);
        let last = shown.journal.keys().next_back().copied().unwrap_or(0);
        assert!(said >= 30 && (said..=said + 1).contains(&last), "said {said}, there are {last}");
        assert_eq!(shown.journal.len() as u64, last, "no gap");
        assert!(shown.journal.iter().all(|(sequence, found)| *found == blob(*sequence, 3000)));
    }
}

fn write_until_killed(directory: &Path) -> ! {
    let mut storage = storage_at(directory);
    let mut caretaker = storage.caretaker().unwrap();
    let mut sequence = show(storage.as_mut()).0.journal.keys().next_back().copied().unwrap_or(0);
    std::thread::spawn(move || {
        for second in 1.. {
            caretaker.care(second * 1_000_000_000).unwrap();
            std::thread::sleep(Duration::from_millis(3));
        }
    });
    loop {
        sequence += 1;
        write_row(storage.as_mut(), sequence, &blob(sequence, 3000)).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "wrote {sequence}").and_then(|()| out.flush()).unwrap();
        drop(out);
        if sequence.is_multiple_of(50) {
            storage.finish_care().unwrap();
        }
    }
}
