//! Looking at ledgers, checking, backing up and bringing back, beside a collector that writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::{
    blob, destroy, filled, head, ledger_file, names, page_bytes, pages, show, storage_at, write_row,
};
use rusqlite::Connection;
use tokenledger::ledger::StorageTrouble;
use tokenledger_storage::care::{backup, check, info, ledgers, restore};

/// Every blob is sound to the one who does not look inside.
fn any(_: &[u8]) -> Result<(), String> {
    Ok(())
}

/// Usage as a test needs it: how far it has counted.
fn make_usage(directory: &Path, applied: u64) {
    let usage = Connection::open(directory.join("usage.db")).unwrap();
    usage
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS applied (one INTEGER PRIMARY KEY, through INTEGER)")
        .unwrap();
    usage.execute("REPLACE INTO applied VALUES (1, ?1)", [applied.cast_signed()]).unwrap();
}

fn applied(directory: &Path) -> u64 {
    let usage = Connection::open(directory.join("usage.db")).unwrap();
    usage.query_row("SELECT through FROM applied", [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
}

/// Scenario: a ledger that a process holds, and the same one closed.
/// Guarantee: numbers, sizes, versions and the holder are told; looking takes nothing from the holder.
#[test]
fn info_tells_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 10, 1000);
    let mut storage = storage_at(directory.path());
    write_row(storage.as_mut(), 20, b"xy").unwrap();

    let open = info(directory.path()).unwrap();
    assert_eq!(open.held_by.unwrap().pid, std::process::id());
    assert_eq!((open.journal.rows, open.journal.bytes), (11, 10_002));
    assert_eq!((open.journal.first, open.journal.last), (Some(1), Some(20)));
    assert_eq!((open.snapshots.rows, open.snapshots.bytes), (3, 60_000));
    assert_eq!((open.format, open.set_aside.rows, open.damaged_files), (1, 0, 0));
    assert_eq!(open.created_unix_nano, Some(head(1).created_unix_nano));
    assert!(open.files.iter().any(|file| file.name == "ledger.db-wal" && file.bytes > 0));
    write_row(storage.as_mut(), 21, b"still mine").unwrap();
    assert_eq!(
        tokenledger_storage::open(&tokenledger_storage::Settings::new(directory.path()))
            .map(drop)
            .unwrap_err()
            .kind,
        StorageTrouble::Busy,
    );

    drop(storage);
    assert_eq!(info(directory.path()).unwrap().held_by, None);
}

/// Scenario: a sound ledger, one whose blob the engine calls damaged, one with a damaged page, one without a head's copy.
/// Guarantee: the first has no problem, each other has, with the place; nothing is changed.
#[test]
fn check_finds_damage_and_changes_nothing() {
    let sound = tempfile::tempdir().unwrap();
    filled(sound.path(), 40, 1500);
    let report = check(sound.path(), &mut any).unwrap();
    assert_eq!((report.damaged, report.snapshots, report.journal_rows), (0, 3, 40), "{report:?}");

    let bad = blob(17, 1500);
    let mut judge = |found: &[u8]| if found == bad { Err("bad checksum".to_owned()) } else { Ok(()) };
    let report = check(sound.path(), &mut judge).unwrap();
    assert_eq!((report.damaged, report.journal_rows), (1, 39));
    assert_eq!(report.problems[0].message, "journal 17: bad checksum");

    for table in ["journal", "head_copy"] {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path(), 40, 1500);
        let leaves = pages(directory.path(), table, "leaf");
        destroy(directory.path(), leaves[leaves.len() / 2]);
        let before = fs::read(ledger_file(directory.path())).unwrap();
        let report = check(directory.path(), &mut any).unwrap();
        assert!(report.damaged > 0, "{table}");
        assert_eq!(fs::read(ledger_file(directory.path())).unwrap(), before);
    }

    let truncated = tempfile::tempdir().unwrap();
    filled(truncated.path(), 40, 1500);
    let length = 5 * page_bytes(truncated.path());
    fs::OpenOptions::new().write(true).open(ledger_file(truncated.path())).unwrap().set_len(length).unwrap();
    assert!(check(truncated.path(), &mut any).unwrap().damaged > 0);
}

/// Scenario: a directory above the ledgers of three components, one of whose ids has a name behind a slash.
/// Guarantee: all are found, and a directory without a ledger is an error.
#[test]
fn ledgers_below_a_directory_are_found() {
    let directory = tempfile::tempdir().unwrap();
    for id in ["b", "token_ledger/2", "a"] {
        filled(&directory.path().join(id), 1, 10);
    }
    let found = ledgers(directory.path()).unwrap();
    assert_eq!(found, ["a", "b", "token_ledger/2"].map(|id| directory.path().join(id)));
    assert_eq!(ledgers(&found[0]).unwrap(), &found[..1]);
    assert!(ledgers(tempfile::tempdir().unwrap().path()).unwrap_err().message.contains("no ledger"));
}

/// Scenario: backups while one thread writes rows and usage notes each of them.
/// Guarantee: each backup is sound, has every row up to its last without a gap, has every row that was written before
/// it began, and its usage is not ahead of its journal; restored, the storage shows just that and goes on.
#[test]
fn a_backup_under_load_is_consistent() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("token_ledger");
    let written = AtomicU64::new(0);
    let ends = AtomicBool::new(false);
    let mut storage = storage_at(&place);
    let mut caretaker = storage.caretaker().unwrap();
    make_usage(&place, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let usage = Connection::open(place.join("usage.db")).unwrap();
            for sequence in 1.. {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                write_row(storage.as_mut(), sequence, &blob(sequence, 3000)).unwrap();
                if sequence % 20 == 0 {
                    usage.execute("UPDATE applied SET through = ?1", [sequence.cast_signed()]).unwrap();
                    caretaker.care(sequence * 100_000_000).unwrap();
                    storage.finish_care().unwrap();
                }
                written.store(sequence, Ordering::Release);
            }
        });
        while written.load(Ordering::Acquire) < 50 {
            std::thread::yield_now();
        }
        for _ in 0..5 {
            let target = tempfile::tempdir().unwrap();
            let before = written.load(Ordering::Acquire);
            let manifest = backup(directory.path(), target.path()).unwrap();
            assert_eq!(manifest.files.len(), 2);

            let back = tempfile::tempdir().unwrap();
            restore(target.path(), back.path(), false, &mut any).unwrap();
            let place = back.path().join("token_ledger");
            let mut restored = storage_at(&place);
            let (shown, report) = show(restored.as_mut());
            let last = *shown.journal.keys().next_back().unwrap();
            assert_eq!((shown.journal.len() as u64, report.damaged), (last, 0));
            assert!(last >= before, "{last} of {before} rows");
            assert!(shown.journal.iter().all(|(sequence, found)| *found == blob(*sequence, 3000)));
            assert!(
                applied(&place) <= last && applied(&place) + 20 >= last,
                "usage at {} of {last}",
                applied(&place)
            );
            write_row(restored.as_mut(), last + 1, b"goes on").unwrap();
        }
        ends.store(true, Ordering::Relaxed);
    });
}

/// Scenario: a target that is not empty; a backup without a manifest; one that is damaged; a ledger in the way; a
/// ledger that is held; then all is right.
/// Guarantee: each is refused and nothing changes; with `replace` the backup takes the place of everything, and what was
/// there, usage included, is kept under another name.
#[test]
fn restoring_refuses_what_would_lose_something() {
    let [origin, target, other] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let expected = filled(origin.path(), 40, 1500);
    fs::write(other.path().join("somebody's"), b"file").unwrap();
    let error = backup(origin.path(), other.path()).unwrap_err();
    assert!(error.message.contains("not empty"), "{error}");
    assert!(
        restore(other.path(), origin.path(), true, &mut any).unwrap_err().message.contains("backup.json")
    );

    backup(origin.path(), target.path()).unwrap();
    assert_eq!(names(target.path(), ".partial"), Vec::<String>::new());
    let bad = blob(17, 1500);
    let mut judge = |found: &[u8]| if found == bad { Err("bad checksum".to_owned()) } else { Ok(()) };
    let place = tempfile::tempdir().unwrap();
    let later = filled(place.path(), 50, 700);
    make_usage(place.path(), 50);
    let error = restore(target.path(), place.path(), true, &mut judge).unwrap_err();
    assert!(error.message.contains("backup is damaged"), "{error}");
    let error = restore(target.path(), place.path(), false, &mut any).unwrap_err();
    assert!(error.message.contains("--replace"), "{error}");
    let mut held = storage_at(place.path());
    assert_eq!(restore(target.path(), place.path(), true, &mut any).unwrap_err().kind, StorageTrouble::Busy);
    assert!(show(held.as_mut()).0 == later);
    drop(held);

    let restored = restore(target.path(), place.path(), true, &mut any).unwrap();
    assert_eq!((restored.ledgers.len(), restored.kept.len()), (1, 2));
    assert!(!place.path().join("usage.db").exists(), "usage of another time does not fit");
    assert!(show(storage_at(place.path()).as_mut()).0 == expected);
    assert_eq!(names(place.path(), ".replaced-").len(), 2);

    destroy(target.path(), pages(target.path(), "journal", "leaf")[1]);
    assert!(restore(target.path(), &place.path().join("new"), false, &mut any).is_err());
    assert!(!ledger_file(&place.path().join("new")).exists());
}

/// Scenario: a manifest that names a place outside the target.
/// Guarantee: it is refused before anything is written.
#[test]
fn a_manifest_stays_inside() {
    let [origin, target, place] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    filled(origin.path(), 2, 10);
    backup(origin.path(), target.path()).unwrap();
    let path = target.path().join("backup.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(r#""ledger": """#, r#""ledger": "../outside""#)).unwrap();
    let error = restore(target.path(), place.path(), true, &mut any).unwrap_err();
    assert!(error.message.contains("no ledger has"), "{error}");
}
