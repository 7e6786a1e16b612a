//! What the tests of this crate share: ledgers with rows that tell by themselves whether they are whole.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use tokenledger::ledger::{
    Change, Finding, Head, JournalRow, ReadReport, Snapshot, Storage, StorageError, Stored,
};
use tokenledger_storage::{Opened, Settings, open};

/// Everything that a ledger shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub snapshots: BTreeMap<u32, Vec<u8>>,
    pub journal: BTreeMap<u64, Vec<u8>>,
}

pub fn open_at(directory: &Path) -> Opened {
    // Usage has tests of its own; here it would be one more file.
    open(&Settings { usage: false, ..Settings::new(directory) }).unwrap()
}

pub fn storage_at(directory: &Path) -> Box<dyn Storage> {
    open_at(directory).keeping.storage
}

/// Bytes that follow from a number, so that a reader knows what they must be.
pub fn blob(number: u64, bytes: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

pub fn head(seed: u8) -> Head {
    Head {
        secret: [seed; 192],
        created_unix_nano: u64::MAX - u64::from(seed),
        fingerprint: 1 << 63 | u64::from(seed),
    }
}

pub fn write_row(storage: &mut dyn Storage, sequence: u64, blob: &[u8]) -> Result<(), StorageError> {
    storage.write(&Change { journal: Some(JournalRow { sequence, blob }), ..Change::default() })
}

pub fn write_snapshot(storage: &mut dyn Storage, number: u32, blob: &[u8]) -> Result<(), StorageError> {
    storage.write(&Change { snapshots: &[Snapshot { number, blob }], ..Change::default() })
}

/// Shows everything to a reader that finds all of it sound, and checks the order of what it shows.
pub fn show(storage: &mut dyn Storage) -> (Shown, ReadReport) {
    show_to(storage, |_| Finding::Sound)
}

/// Shows everything to `judge` and returns what it found sound.
pub fn show_to(storage: &mut dyn Storage, judge: impl Fn(&Stored<'_>) -> Finding) -> (Shown, ReadReport) {
    let mut shown = Shown::default();
    let report = storage
        .read(&mut |stored| {
            let finding = judge(&stored);
            match stored {
                Stored::Snapshot(Snapshot { number, blob }) => {
                    assert!(shown.journal.is_empty(), "snapshots come before the journal");
                    assert!(shown.snapshots.keys().next_back().is_none_or(|last| *last < number));
                    if finding == Finding::Sound {
                        shown.snapshots.insert(number, blob.to_vec());
                    }
                }
                Stored::Journal(JournalRow { sequence, blob }) => {
                    assert!(shown.journal.keys().next_back().is_none_or(|last| *last < sequence), "rising");
                    if finding == Finding::Sound {
                        shown.journal.insert(sequence, blob.to_vec());
                    }
                }
            }
            finding
        })
        .unwrap();
    (shown, report)
}

/// A ledger with a head, three snapshots and `rows` rows of `bytes`, closed again.
pub fn filled(directory: &Path, rows: u64, bytes: usize) -> Shown {
    let mut storage = storage_at(directory);
    let mut expected = Shown::default();
    storage.write(&Change { head: Some(&head(1)), ..Change::default() }).unwrap();
    for number in 0..3 {
        expected.snapshots.insert(number, blob(u64::from(number) + 1_000_000, 20_000));
        write_snapshot(storage.as_mut(), number, &expected.snapshots[&number]).unwrap();
    }
    for sequence in 1..=rows {
        expected.journal.insert(sequence, blob(sequence, bytes));
        write_row(storage.as_mut(), sequence, &expected.journal[&sequence]).unwrap();
    }
    expected
}

pub fn ledger_file(directory: &Path) -> PathBuf {
    directory.join("ledger.db")
}

/// The page size of a closed ledger.
pub fn page_bytes(directory: &Path) -> u64 {
    let connection = Connection::open(ledger_file(directory)).unwrap();
    connection.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
}

/// Pages of a table or an index of a closed ledger; `kind` is leaf, internal or overflow.
pub fn pages(directory: &Path, table: &str, kind: &str) -> Vec<u64> {
    let connection = Connection::open(ledger_file(directory)).unwrap();
    let mut statement = connection
        .prepare("SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = ?2 ORDER BY pageno")
        .unwrap();
    let found = statement.query_map([table, kind], |row| row.get::<_, i64>(0)).unwrap();
    found.map(|page| page.unwrap().unsigned_abs()).collect()
}

/// Overwrites a page (the first is 1) of a closed ledger with bytes that are no page.
pub fn destroy(directory: &Path, page: u64) {
    let size = page_bytes(directory);
    let file = fs::OpenOptions::new().write(true).open(ledger_file(directory)).unwrap();
    file.write_all_at(&vec![0xDB; usize::try_from(size).unwrap()], (page - 1) * size).unwrap();
}

/// Names in a directory that contain `part`, without what SQLite keeps beside its files.
pub fn names(directory: &Path, part: &str) -> Vec<String> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(part) && !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    found.sort();
    found
}

/// A small file system of its own, unmounted when it goes.
pub struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` if this user may not mount: then the test that asked says so and does nothing, since a full disk or
    /// a file system for reading only cannot be had otherwise.
    pub fn new(test: &str, bytes: u64) -> Option<Self> {
        let disk = Self { directory: tempfile::tempdir().unwrap() };
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"], disk.path());
        if !mounted {
            eprintln!("LEFT OUT: {test} needs the right to mount a tmpfs (run it as root)");
            std::mem::forget(disk);
            return None;
        }
        Some(disk)
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn make_read_only(&self) {
        assert!(mount(&["-o", "remount,ro", "tmpfs"], self.path()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(
            std::thread::panicking() || unmounted.is_ok_and(|status| status.success()),
            "the disk is still in use"
        );
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let ended = Command::new("mount").args(arguments).arg(at).output();
    ended.is_ok_and(|output| output.status.success())
}
