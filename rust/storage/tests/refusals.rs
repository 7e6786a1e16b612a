//! What a ledger refuses, with a kind that the caller can act on and a text that a person can.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{SmallDisk, filled, ledger_file, open_at, show, storage_at};
use rusqlite::Connection;
use tokenledger::ledger::{StorageError, StorageTrouble};
use tokenledger_storage::{Settings, open};

fn refused(directory: &Path) -> StorageError {
    open(&Settings::new(directory)).map(drop).unwrap_err()
}

fn assert_says(error: &StorageError, parts: &[&str]) {
    for part in parts {
        assert!(error.message.contains(part), "{part:?} is missing in {:?}", error.message);
    }
}

/// Scenario: a ledger is opened twice, then the first is closed.
/// Guarantee: the second is refused with the holder and the remedy, and may have it afterwards, with the caretaker of
/// the first still alive.
#[test]
fn a_second_writer_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = storage_at(directory.path());
    let mut caretaker = first.caretaker().unwrap();

    let error = refused(directory.path());
    assert_eq!(error.kind, StorageTrouble::Busy);
    let place = directory.path().display().to_string();
    assert_says(
        &error,
        &[&place, &std::process::id().to_string(), "token_ledger/2", "another storage directory"],
    );

    drop(first);
    let second = open_at(directory.path());
    caretaker.care(1).unwrap();
    drop(second);
}

/// Scenario: a file with the format of the next version.
/// Guarantee: it is refused with both versions, and not a byte of it changes.
#[test]
fn a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 3, 100);
    Connection::open(ledger_file(directory.path())).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(ledger_file(directory.path())).unwrap();

    let error = refused(directory.path());
    assert_eq!(error.kind, StorageTrouble::Newer);
    assert_says(&error, &["format 2", "up to 1", "newer"]);
    assert_eq!(fs::read(ledger_file(directory.path())).unwrap(), before);
}

/// Scenario: where the ledger should be lies a text, a database of another program, or a directory.
/// Guarantee: each is refused with a remedy and left as it is.
#[test]
fn a_file_of_another_program_is_left_alone() {
    let text = tempfile::tempdir().unwrap();
    fs::write(ledger_file(text.path()), "totally different ".repeat(100)).unwrap();
    let foreign = tempfile::tempdir().unwrap();
    Connection::open(ledger_file(foreign.path())).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();

    for directory in [text.path(), foreign.path()] {
        let before = fs::read(ledger_file(directory)).unwrap();
        let error = refused(directory);
        assert_eq!(error.kind, StorageTrouble::Other);
        assert_says(&error, &["no ledger of Tokenledger", "move it away", "restore"]);
        assert_eq!(fs::read(ledger_file(directory)).unwrap(), before);
    }

    let odd = tempfile::tempdir().unwrap();
    fs::create_dir(ledger_file(odd.path())).unwrap();
    assert_eq!(refused(odd.path()).kind, StorageTrouble::Other);
}

/// Scenario: a directory that may not be written: new, and with a ledger in it.
/// Guarantee: it is refused as such, with the user and the remedy. Root may write where modes forbid it, so for root the
/// file system itself is for reading only.
#[test]
fn a_directory_for_reading_only_is_refused() {
    let assert_refused = |directory: &Path| {
        let error = refused(directory);
        assert_eq!(error.kind, StorageTrouble::ReadOnly, "{error}");
        let user = rustix::process::geteuid().as_raw();
        assert_says(&error, &[&format!("user {user}"), "chown", "volume"]);
    };
    if rustix::process::geteuid().is_root() {
        let Some(disk) = SmallDisk::new("a_directory_for_reading_only_is_refused", 64 << 20) else { return };
        filled(disk.path(), 3, 100);
        fs::create_dir(disk.path().join("empty")).unwrap();
        disk.make_read_only();
        assert_refused(disk.path());
        assert_refused(&disk.path().join("empty"));
        assert_refused(&disk.path().join("new"));
    } else {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).unwrap();
        assert_refused(directory.path());
    }
}

/// Scenario: a directory that does not exist, on a local file system.
/// Guarantee: it is made, not for everybody to read, and there is nothing to warn of.
#[test]
fn a_directory_is_made() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("token_ledger/2");
    let mut opened = open_at(&directory);
    assert_eq!(opened.warnings, Vec::<String>::new());
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o007, 0);
    assert_eq!(opened.keeping.storage.head().unwrap(), None);
    assert_eq!(show(opened.keeping.storage.as_mut()), Default::default());
    assert!(opened.keeping.storage.sizes().file_bytes > 0);
}
