//! A full disk: nothing is written by halves, and work goes on when there is room.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use common::{SmallDisk, blob, head, names, show, write_row, write_snapshot};
use tokenledger::ledger::{Caretaker, Change, JournalRow, Snapshot, Storage, StorageTrouble};
use tokenledger_storage::{Settings, open};

const DISK: u64 = 24 << 20;
/// More than what the WAL holds beside the file at any time, as it is with the usual size.
const RESERVE: u64 = 4 << 20;

fn open_small(directory: &Path) -> (Box<dyn Storage>, Box<dyn Caretaker>) {
    let opened = tokenledger_storage::open_with_reserve(&Settings::new(directory), RESERVE).unwrap();
    let mut storage = opened.keeping.storage;
    let caretaker = storage.caretaker().unwrap();
    (storage, caretaker)
}

/// Writes rows, with care, until the disk is full; the number of the last one that was written.
fn fill(storage: &mut dyn Storage, caretaker: &mut dyn Caretaker, from: u64) -> u64 {
    for sequence in from.. {
        if sequence % 10 == 0 {
            // On a full disk care can fail as well.
            let _ = caretaker.care(0).and_then(|()| storage.finish_care());
        }
        if let Err(error) = write_row(storage, sequence, &blob(sequence, 50_000)) {
            assert_eq!(error.kind, StorageTrouble::Full, "{error}");
            assert!(error.message.contains("make room"), "{error}");
            return sequence - 1;
        }
        assert!(sequence < 1000, "the disk never fills");
    }
    unreachable!()
}

/// Scenario: rows until the disk is full; then a snapshot and a retirement; then rows again.
/// Guarantee: what was written stays, what was refused is not there. The retirement succeeds on the space in reserve,
/// after it rows fit again.
#[test]
fn the_journal_can_be_retired_on_a_full_disk() {
    let Some(disk) = SmallDisk::new("the_journal_can_be_retired_on_a_full_disk", DISK) else { return };
    let (mut storage, mut caretaker) = open_small(disk.path());
    storage.write(&Change { head: Some(&head(1)), ..Change::default() }).unwrap();
    assert_eq!(names(disk.path(), "reserve"), ["reserve"]);
    let last = fill(storage.as_mut(), caretaker.as_mut(), 1);
    assert!(last > 20, "only {last} rows fit");
    assert_eq!(names(disk.path(), "reserve"), ["reserve"], "rows never get it");

    let (shown, report) = show(storage.as_mut());
    assert_eq!(shown.journal.len() as u64, last);
    assert!(shown.journal.iter().all(|(sequence, found)| *found == blob(*sequence, 50_000)));
    assert_eq!(report.damaged, 0);

    let all = blob(7, 200_000);
    let snapshots = [Snapshot { number: 1, blob: &all }];
    storage
        .write(&Change { snapshots: &snapshots, retire_through: Some(last), ..Change::default() })
        .unwrap();
    let more = fill(storage.as_mut(), caretaker.as_mut(), last + 1);
    assert!(more > last + 10, "after {last} rows only {} more fit", more - last);

    storage.write(&Change { retire_through: Some(more), ..Change::default() }).unwrap();
    let (shown, _) = show(storage.as_mut());
    assert_eq!((shown.journal.len(), shown.snapshots.len()), (0, 1));
    // The first time, the file has no room yet for what is in the WAL; then the reserve gives it.
    let _ = caretaker.care(1).and_then(|()| storage.finish_care());
    let _ = storage.finish_care();
    caretaker.care(2).unwrap();
    storage.finish_care().unwrap();
    write_row(storage.as_mut(), more + 1, b"goes on").unwrap();
}

/// Scenario: another program fills the disk, a request is refused, the other program's file goes.
/// Guarantee: a change of several parts is refused whole; the same change succeeds afterwards, and the reserve is made
/// again.
#[test]
fn work_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::new("work_goes_on_when_there_is_room", DISK) else { return };
    let (mut storage, mut caretaker) = open_small(disk.path());
    write_row(storage.as_mut(), 1, b"first").unwrap();
    write_snapshot(storage.as_mut(), 1, b"old").unwrap();
    let other = disk.path().join("of another program");
    let mut filler = File::create(&other).unwrap();
    while filler.write_all(&[1; 4096]).is_ok() {}

    let large = blob(2, 6 << 20);
    let snapshots = [Snapshot { number: 1, blob: b"new" }, Snapshot { number: 2, blob: &large }];
    let change = Change {
        journal: Some(JournalRow { sequence: 2, blob: b"second" }),
        snapshots: &snapshots,
        retire_through: Some(1),
        ..Change::default()
    };
    assert_eq!(storage.write(&change).unwrap_err().kind, StorageTrouble::Full);
    let (shown, _) = show(storage.as_mut());
    assert_eq!(shown.journal.into_iter().collect::<Vec<_>>(), [(1, b"first".to_vec())]);
    assert_eq!(shown.snapshots.into_iter().collect::<Vec<_>>(), [(1, b"old".to_vec())]);

    drop(filler);
    fs::remove_file(&other).unwrap();
    caretaker.care(1).unwrap();
    storage.write(&change).unwrap();
    let (shown, _) = show(storage.as_mut());
    assert_eq!(shown.journal.into_iter().collect::<Vec<_>>(), [(2, b"second".to_vec())]);
    assert!(shown.snapshots[&2] == large);

    caretaker.care(60_000_000_000).unwrap();
    assert_eq!(names(disk.path(), "reserve"), ["reserve"]);
}

/// Scenario: a ledger is to be made where there is no room.
/// Guarantee: the error says so, and nothing half-made stays.
#[test]
fn a_ledger_needs_room() {
    let Some(disk) = SmallDisk::new("a_ledger_needs_room", 64 << 10) else { return };
    let mut filler = File::create(disk.path().join("of another program")).unwrap();
    while filler.write_all(&[1; 4096]).is_ok() {}
    let error = open(&Settings::new(disk.path())).map(drop).unwrap_err();
    assert_eq!(error.kind, StorageTrouble::Full, "{error}");
    assert_eq!(names(disk.path(), "ledger"), Vec::<String>::new());
}
