//! Damage: what can be read is used, what cannot is counted and kept, and work goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use common::{
    Shown, blob, destroy, filled, head, ledger_file, names, open_at, page_bytes, pages, show, show_to,
    storage_at, write_row,
};
use rusqlite::Connection;
use tokenledger::ledger::{Change, Finding, JournalRow, Snapshot, Stored};

/// Calls damaged what is not what [`blob`] wrote, as the engine does by its checksums.
fn judge(expected: &Shown) -> impl Fn(&Stored<'_>) -> Finding {
    |stored| {
        let sound = match stored {
            Stored::Snapshot(Snapshot { number, blob }) => {
                expected.snapshots.get(number).is_some_and(|was| was == blob)
            }
            Stored::Journal(JournalRow { sequence, blob }) => {
                expected.journal.get(sequence).is_some_and(|was| was == blob)
            }
        };
        if sound { Finding::Sound } else { Finding::Damaged }
    }
}

/// After damage: what is shown is right, the loss is counted, the next start finds a whole ledger, writing works.
fn assert_goes_on(directory: &Path, expected: &Shown) -> (Shown, u64) {
    let mut storage = storage_at(directory);
    let (shown, report) = show_to(storage.as_mut(), judge(expected));
    assert_eq!(report.blobs, (shown.snapshots.len() + shown.journal.len()) as u64);
    let next = expected.journal.keys().next_back().unwrap() + 1;
    write_row(storage.as_mut(), next, b"goes on").unwrap();
    drop(storage);

    let mut storage = storage_at(directory);
    let (mut again, second) = show(storage.as_mut());
    assert_eq!(again.journal.remove(&next).as_deref(), Some(&b"goes on"[..]));
    assert!(again == shown, "what was sound stays, what was damaged is not shown again");
    assert_eq!(second.damaged, 0);
    (shown, report.damaged)
}

/// Scenario: the reader calls a snapshot and two rows damaged.
/// Guarantee: they are counted, moved to `set_aside` with their bytes, and not shown again.
#[test]
fn damaged_rows_are_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let mut expected = filled(directory.path(), 6, 3000);
    let was = expected.journal[&4].clone();
    expected.snapshots.insert(1, b"something else".to_vec());
    expected.journal.insert(4, b"something else".to_vec());
    expected.journal.insert(5, b"something else".to_vec());

    let (shown, damaged) = assert_goes_on(directory.path(), &expected);
    assert_eq!(damaged, 3);
    assert_eq!(shown.snapshots.keys().copied().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(shown.journal.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 6]);
    let kept: Vec<u8> = Connection::open(ledger_file(directory.path()))
        .unwrap()
        .query_row("SELECT blob FROM set_aside WHERE origin = 'journal' AND number = 4", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, was);
}

/// Scenario: pages in the middle of the journal become garbage: one, and two with a sound one between.
/// Guarantee: only rows of those pages are lost, each stretch counts, the damaged file is kept under another name.
#[test]
fn a_damaged_page_costs_its_own_rows_only() {
    for damaged in [&[7_usize][..], &[5, 7], &[0], &[11]] {
        let directory = tempfile::tempdir().unwrap();
        let expected = filled(directory.path(), 60, 1500);
        let leaves = pages(directory.path(), "journal", "leaf");
        assert!(leaves.len() >= 12, "several pages are in play: {leaves:?}");
        let per_page = 60_usize.div_ceil(leaves.len()) + 1;
        for leaf in damaged {
            destroy(directory.path(), leaves[*leaf]);
        }

        let (shown, counted) = assert_goes_on(directory.path(), &expected);
        assert!(shown.snapshots == expected.snapshots);
        let lost = 60 - shown.journal.len();
        assert!((1..=per_page * damaged.len()).contains(&lost), "{lost} of 60 rows are lost");
        assert_eq!(counted, damaged.len() as u64, "stretches");
        assert_eq!(names(directory.path(), ".damaged-").len(), 1);
    }
}

/// Scenario: each page of a ledger in turn becomes garbage, but for the first, which says what the file is.
/// Guarantee: whatever the page was for, everything shown is right, the loss is counted, and work goes on.
#[test]
fn any_page_may_be_damaged() {
    let origin = tempfile::tempdir().unwrap();
    let expected = filled(origin.path(), 25, 4000);
    let count = fs::metadata(ledger_file(origin.path())).unwrap().len() / page_bytes(origin.path());
    assert!(count > 20);
    let mut unhurt = 0;
    for page in 2..=count {
        let directory = tempfile::tempdir().unwrap();
        fs::copy(ledger_file(origin.path()), ledger_file(directory.path())).unwrap();
        destroy(directory.path(), page);
        let (shown, damaged) = assert_goes_on(directory.path(), &expected);
        let whole = shown == expected;
        assert!(whole || damaged > 0, "page {page}: a loss that nobody counted");
        unhurt += u64::from(whole);
    }
    assert!(unhurt < count / 2, "most pages hold rows, so most damages must cost some");
}

/// Scenario: a file that ends in its middle, and in the middle of a page.
/// Guarantee: what lies before the end is used, the rest is counted.
#[test]
fn a_truncated_file_keeps_its_beginning() {
    for keep_percent in [60, 93] {
        let directory = tempfile::tempdir().unwrap();
        let expected = filled(directory.path(), 200, 1500);
        let file = fs::OpenOptions::new().write(true).open(ledger_file(directory.path())).unwrap();
        let length = file.metadata().unwrap().len() * keep_percent / 100 + 77;
        file.set_len(length).unwrap();
        drop(file);

        let (shown, damaged) = assert_goes_on(directory.path(), &expected);
        assert!(damaged >= 1);
        assert!(shown.snapshots == expected.snapshots, "written first, so they lie at the beginning");
        assert!((50..200).contains(&shown.journal.len()), "{} rows of 200", shown.journal.len());
    }
}

/// Scenario: an empty file lies where the ledger should be.
/// Guarantee: a new ledger begins, and both the warning and the count say that something was wrong.
#[test]
fn an_empty_file_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(ledger_file(directory.path()), b"").unwrap();
    let mut opened = open_at(directory.path());
    assert!(opened.warnings[0].contains("empty"), "{:?}", opened.warnings);
    assert_eq!(opened.keeping.storage.head().unwrap(), None);
    assert_eq!(show(opened.keeping.storage.as_mut()).1.damaged, 1);
}

/// Scenario: the page of the head is garbage; then, after a start, that of the head and that of its copy.
/// Guarantee: one copy is enough, nothing is lost, and there are two again. Without both, nothing else means anything: a new ledger
/// begins, with a warning, and the old file is kept.
#[test]
fn the_head_is_kept_twice() {
    let directory = tempfile::tempdir().unwrap();
    let expected = filled(directory.path(), 10, 1500);
    destroy(directory.path(), pages(directory.path(), "head", "leaf")[0]);
    let mut storage = storage_at(directory.path());
    assert_eq!(storage.head().unwrap(), Some(head(1)));
    let (shown, report) = show(storage.as_mut());
    assert!(shown == expected);
    assert_eq!(report.damaged, 1);
    drop(storage);

    for table in ["head", "head_copy"] {
        destroy(directory.path(), pages(directory.path(), table, "leaf")[0]);
    }
    let mut opened = open_at(directory.path());
    assert!(opened.warnings[0].contains("begin anew"), "{:?}", opened.warnings);
    assert_eq!(opened.keeping.storage.head().unwrap(), None);
    assert!(show(opened.keeping.storage.as_mut()).1.damaged > 0);
    assert_eq!(names(directory.path(), ".damaged-").len(), 2);
}

/// Scenario: a page that a write needs is garbage, and reading did not notice: once a page without rows (the map of
/// pages, needed to retire long rows), once one with rows.
/// Guarantee: without a loss, the file is replaced and the write succeeds. With a loss the write fails instead of
/// forgetting what the engine still has in memory, and a change that brings everything anew succeeds.
#[test]
fn damage_found_by_a_write_never_loses_silently() {
    let directory = tempfile::tempdir().unwrap();
    let mut expected = filled(directory.path(), 60, 20_000);
    destroy(directory.path(), 2); // with auto_vacuum the second page is the first of the map
    let mut storage = storage_at(directory.path());
    let mut caretaker = storage.caretaker().unwrap();
    storage.write(&Change { retire_through: Some(30), ..Change::default() }).unwrap();
    expected.journal.retain(|sequence, _| *sequence > 30);
    let (shown, report) = show(storage.as_mut());
    assert!(shown == expected);
    assert_eq!(report.damaged, 0);
    caretaker.care(1).unwrap();
    drop(storage);
    assert_eq!(names(directory.path(), ".damaged-").len(), 1);

    let last = *pages(directory.path(), "journal", "leaf").last().unwrap();
    destroy(directory.path(), last);
    let mut storage = storage_at(directory.path());
    let error = write_row(storage.as_mut(), 201, b"x").unwrap_err();
    assert!(error.message.contains("write all of them anew"), "{error}");
    let anew = Change {
        clear: true,
        journal: Some(JournalRow { sequence: 201, blob: b"x" }),
        snapshots: &[Snapshot { number: 0, blob: b"all" }],
        ..Change::default()
    };
    storage.write(&anew).unwrap();
    assert_eq!(storage.head().unwrap(), Some(head(1)));
    let (shown, report) = show(storage.as_mut());
    assert_eq!((shown.journal.len(), shown.snapshots.len(), report.damaged), (1, 1, 0));
}

/// Scenario: a crash after the fresh file was complete, before it took the place of the old one; and one before it
/// was complete.
/// Guarantee: the complete one counts, and the old WAL is not played into it; the incomplete one is removed.
#[test]
fn a_replacement_goes_on_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let fresh = tempfile::tempdir().unwrap();
    filled(directory.path(), 5, 100);
    let expected = filled(fresh.path(), 9, 200);
    fs::write(directory.path().join("ledger.db-wal"), blob(1, 9000)).unwrap();
    fs::copy(ledger_file(fresh.path()), directory.path().join("ledger.db.rebuilt")).unwrap();
    assert_eq!(show(storage_at(directory.path()).as_mut()).0, expected);

    fs::write(directory.path().join("ledger.db.rebuilding"), b"half").unwrap();
    assert_eq!(show(storage_at(directory.path()).as_mut()).0, expected);
    assert_eq!(names(directory.path(), ".rebuil"), Vec::<String>::new());
}
