//! A ledger on a disk that loses its power, and on one that refuses to write, at every operation (design §5).
//!
//! The disk is played by a library in front of the C library (`faults/disk.c`), so this needs a C compiler and a test that
//! is linked dynamically. What was not synced may be gone when the power goes, sector by sector.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod faults;

use std::fs;
use std::path::Path;

use faults::disk::{Fault, Run, WRITER, Work, run};
use faults::model::Model;
use faults::writer;
use tokenledger_storage::{Settings, Sync, open};

/// How often the power goes for each mode, unless `TOKENLEDGER_CRASHES` says otherwise (`make crash-test`).
const USUAL_POWER_LOSSES: u64 = 30;
/// Changes that the writer wants to write each time.
const CHANGES: u64 = 40;
/// Operations among which the last one is chosen; a run of so many changes has some more.
const OPERATIONS: u64 = 250;
/// Changes of a run in which each operation fails once: all kinds of changes are among them.
const FEW_CHANGES: u64 = 12;
const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// The program that the tests below start.
#[test]
#[ignore = "no test of its own: the others start it, with a disk that fails"]
fn writer() {
    assert_eq!(WRITER, "writer");
    writer::run();
}

/// Scenario: the power goes at random operations, again and again on what the disk had then; `sync: disk`.
/// Guarantee: each time everything is there of which the writer was told that it is written, and nothing half.
#[test]
fn sync_disk_survives_the_loss_of_power() {
    lose_power(Sync::Disk, |run, _| run.notes.written);
}

/// Scenario: the same with `sync: process`.
/// Guarantee: the ledger is as it was after one of its changes; the last ones may be missing, and only those.
#[test]
fn sync_process_is_intact_after_the_loss_of_power() {
    let mut missing = 0;
    lose_power(Sync::Process, |run, found| {
        missing += run.notes.written.saturating_sub(found);
        0
    });
    assert!(missing > 0, "the power never took anything: this test could not see a loss");
}

/// Scenario: the same with an interval. Guarantee: what was written before the caretaker's last round is there.
#[test]
fn sync_every_loses_no_more_than_the_interval() {
    lose_power(Sync::Every(1_000_000_000), |run, _| run.notes.cared);
}

/// Loses power again and again. `least` says which change has to be there at least.
fn lose_power(sync: Sync, mut least: impl FnMut(&Run, u64) -> u64) {
    let seed = seed();
    let losses = match std::env::var("TOKENLEDGER_CRASHES") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => USUAL_POWER_LOSSES,
    };
    let place = tempfile::tempdir().unwrap();
    let directory = |round: u64| place.path().join(format!("round {round}"));
    fs::create_dir(directory(0)).unwrap();
    let (mut there, mut model, mut cut_short) = (0, Model::default(), 0);
    for round in 0..losses {
        let mixed = seed.wrapping_add(round).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let fault = Fault::PowerLoss { at: 1 + (mixed >> 20) % OPERATIONS, seed: mixed };
        fs::create_dir(directory(round + 1)).unwrap();
        let work =
            Work { sync, beside: round % 2 == 1, run: round, first: there + 1, end: there + 1 + CHANGES };
        let ended = run(&directory(round), Some(&directory(round + 1)), work, fault);
        let context = format!("TOKENLEDGER_CRASH_SEED={seed}, round {round}, {fault:?}, {ended:?}");
        let now = inspect(&directory(round + 1)).unwrap_or_else(|error| panic!("{context}: {error}"));
        let found = now
            .place(round, &model, there, ended.notes.tried.max(there))
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        let least = least(&ended, found);
        assert!(found >= least, "{context}: change {least} is not there, only those up to {found}");
        cut_short += u64::from(ended.cut_short);
        (there, model) = (found, now);
        fs::remove_dir_all(directory(round)).unwrap();
    }
    assert!(cut_short > losses / 2, "the power went only {cut_short} times before the end");
    assert!(there > 0, "nothing was ever written");
}

/// Looks at a copy, so that the next round begins with what the disk had.
fn inspect(directory: &Path) -> Result<Model, String> {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let opened = open(&Settings::new(copy.path())).map_err(|error| error.to_string())?;
    if !opened.warnings.is_empty() {
        return Err(format!("{:?}", opened.warnings));
    }
    let mut storage = opened.keeping.storage;
    let found = Model::of(&mut *storage)?;
    drop(storage);
    sound(&copy.path().join("ledger.db"))?;
    Ok(found)
}

/// Asks SQLite.
fn sound(file: &Path) -> Result<(), String> {
    let database = rusqlite::Connection::open(file).map_err(|error| error.to_string())?;
    let answer: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    if answer == "ok" { Ok(()) } else { Err(answer) }
}

/// Scenario: for each operation on the disk a run in which that one and the next eleven fail because the disk is full.
/// Guarantee: a change is there whole or not at all, as the writer was told, and asking again is enough.
#[test]
fn a_full_disk_at_each_operation() {
    fail_each_operation(ENOSPC, 12);
}

/// Scenario: for each operation a run in which that one and the next three fail with an error of the disk.
/// Guarantee: as for the full disk.
#[test]
fn an_error_of_the_disk_at_each_operation() {
    fail_each_operation(EIO, 4);
}

fn fail_each_operation(errno: i32, count: u64) {
    let last = FEW_CHANGES;
    let work = Work { sync: Sync::Disk, beside: false, run: 0, first: 1, end: last + 1 };
    let fault = |at| Fault::Errors { at, count, errno };
    let without = tempfile::tempdir().unwrap();
    let operations = run(without.path(), None, work, fault(0)).operations;
    assert!(operations > 2 * last, "{operations} operations");
    let mut told = 0;
    for at in 1..=operations {
        let directory = tempfile::tempdir().unwrap();
        let ended = run(directory.path(), None, work, fault(at));
        assert_eq!(ended.notes.written, last, "{:?}", fault(at));
        let found = inspect(directory.path()).unwrap_or_else(|error| panic!("{:?}: {error}", fault(at)));
        assert!(found == Model::after(0, last), "{:?}: {}", fault(at), found.summary());
        told += ended.notes.errors;
    }
    assert!(told > operations / 4, "only {told} errors in {operations} runs");
}

/// A new one each time; `TOKENLEDGER_CRASH_SEED` repeats a run.
fn seed() -> u64 {
    let seed = match std::env::var("TOKENLEDGER_CRASH_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(),
    };
    eprintln!("TOKENLEDGER_CRASH_SEED={seed}");
    seed
}
