//! What writing one row costs, in each sync mode: what a request waits for. Retirement and care are done between rows and
//! not counted, as a collector does them in the background.
//!
//! Rows are as large as the engine's: 50 KB for a batch of 1000 points, 1.5 KB for a lone request of 20.
//! Criterion's figure is a mean, which other programs on the machine and the disk's own pauses raise; so the median and the
//! slowest of a hundred are printed too.
//! `cargo bench -p tokenledger-storage` (docs/ledger-files.md has the figures).

#![allow(clippy::expect_used, clippy::print_stdout, missing_docs, reason = "benchmark")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use tokenledger::ledger::{Caretaker, Change, JournalRow, Storage};
use tokenledger_storage::{Settings, Sync, open};

/// The journal is retired after so many rows.
const RETIRED_AFTER: u64 = 2000;
/// Care comes after so many rows.
const CARED_FOR_AFTER: u64 = 100;

fn rows(criterion: &mut Criterion) {
    let modes = [("process", Sync::Process), ("disk", Sync::Disk), ("every_1s", Sync::Every(1_000_000_000))];
    for (mode, sync) in modes {
        for (name, bytes) in [("row_1_5_kb", 1536), ("row_50_kb", 50_000)] {
            let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
            let mut ledger = Ledger::new(&Settings { sync, ..Settings::new(directory.path()) }, bytes);
            criterion.bench_function(&format!("{mode}/{name}"), |bencher| {
                bencher.iter_custom(|times| (0..times).map(|_| ledger.write()).sum());
            });
            ledger.tell(&format!("{mode}/{name}"));
        }
    }
}

struct Ledger {
    storage: Box<dyn Storage>,
    caretaker: Box<dyn Caretaker>,
    began: Instant,
    sequence: u64,
    blob: Vec<u8>,
    took: Vec<Duration>,
}

impl Ledger {
    fn new(settings: &Settings, bytes: u32) -> Self {
        let mut storage = open(settings).expect("a new ledger").keeping.storage;
        let caretaker = storage.caretaker().expect("a caretaker");
        let blob = (0..bytes).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        Self { storage, caretaker, began: Instant::now(), sequence: 0, blob, took: Vec::new() }
    }

    /// How long one row took.
    fn write(&mut self) -> Duration {
        self.sequence += 1;
        let journal = Some(JournalRow { sequence: self.sequence, blob: black_box(&self.blob) });
        let began = Instant::now();
        self.storage.write(&Change { journal, ..Change::default() }).expect("written");
        let took = began.elapsed();
        self.took.push(took);
        self.care();
        took
    }

    /// Prints how long single rows took.
    fn tell(&mut self, name: &str) {
        self.took.sort_unstable();
        let at = |percent: usize| self.took.get(self.took.len() * percent / 100).copied().unwrap_or_default();
        println!("{name} rows: {}, median {:?}, 99 of 100 within {:?}", self.took.len(), at(50), at(99));
    }

    /// What a collector does in the background or once in minutes, so no request waits for it.
    fn care(&mut self) {
        if self.sequence.is_multiple_of(RETIRED_AFTER) {
            let retire_through = Some(self.sequence - 1);
            self.storage.write(&Change { retire_through, ..Change::default() }).expect("retired");
        }
        if self.sequence.is_multiple_of(CARED_FOR_AFTER) {
            let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.caretaker.care(now).expect("cared for");
            self.storage.finish_care().expect("tidied up");
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = rows
}
criterion_main!(benches);
