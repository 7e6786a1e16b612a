//! The storage against a plain model: whatever is written, retired, cleared and opened again, both show the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Shown, blob, head, show, storage_at};
use proptest::prelude::*;
use tokenledger::ledger::{Caretaker, Change, Head, JournalRow, Snapshot, Storage};

#[derive(Clone, Debug)]
enum Step {
    Write {
        clear: bool,
        head: Option<u8>,
        journal: Option<(u64, usize)>,
        snapshots: Vec<(u32, usize)>,
        retire: Option<u64>,
    },
    Read,
    Care,
    Reopen,
}

/// Sizes around nothing, a part of a page, several pages, and more than a checkpoint's worth with a few of them.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), 1..200_usize, 1000..9000_usize, 100_000..400_000_usize]
}

fn step() -> impl Strategy<Value = Step> {
    let write = (
        prop::bool::weighted(0.05),
        prop::option::weighted(0.2, any::<u8>()),
        prop::option::weighted(0.8, (1..5_u64, size())),
        prop::collection::vec((0..4_u32, size()), 0..3),
        prop::option::weighted(0.2, 0..8_u64),
    )
        .prop_map(|(clear, head, journal, snapshots, retire)| Step::Write {
            clear,
            head,
            journal,
            snapshots,
            retire,
        });
    prop_oneof![8 => write, 1 => Just(Step::Read), 1 => Just(Step::Care), 2 => Just(Step::Reopen)]
}

#[derive(Default)]
struct Model {
    head: Option<Head>,
    shown: Shown,
    last: u64,
}

struct Run {
    model: Model,
    storage: Option<Box<dyn Storage>>,
    caretaker: Option<Box<dyn Caretaker>>,
    directory: tempfile::TempDir,
}

impl Run {
    fn reopen(&mut self) {
        self.caretaker = None;
        self.storage = None;
        let mut storage = storage_at(self.directory.path());
        self.caretaker = storage.caretaker();
        self.storage = Some(storage);
    }

    fn check(&mut self) {
        let storage = self.storage.as_mut().unwrap();
        assert_eq!(storage.head().unwrap(), self.model.head);
        let (shown, report) = show(storage.as_mut());
        assert!(shown == self.model.shown, "the storage shows something else");
        assert_eq!(report.blobs, (shown.snapshots.len() + shown.journal.len()) as u64);
        assert_eq!(report.damaged, 0);
    }

    fn step(&mut self, number: usize, step: &Step) {
        match step {
            Step::Read => self.check(),
            Step::Reopen => {
                self.reopen();
                self.check();
            }
            Step::Care => {
                let now = number as u64 * 60_000_000_000;
                self.caretaker.as_mut().unwrap().care(now).unwrap();
                self.storage.as_mut().unwrap().finish_care().unwrap();
            }
            Step::Write { clear, head: seed, journal, snapshots, retire } => {
                let new_head = seed.map(head);
                let row = journal.map(|(gap, bytes)| (self.model.last + gap, blob(number as u64, bytes)));
                let parts: Vec<_> =
                    snapshots.iter().map(|(part, bytes)| (*part, blob(number as u64, *bytes))).collect();
                let through = retire.map(|back| self.model.last.saturating_sub(back));
                let snapshots: Vec<_> =
                    parts.iter().map(|(number, blob)| Snapshot { number: *number, blob }).collect();
                let change = Change {
                    clear: *clear,
                    head: new_head.as_ref(),
                    journal: row.as_ref().map(|(sequence, blob)| JournalRow { sequence: *sequence, blob }),
                    snapshots: &snapshots,
                    retire_through: through,
                };
                self.storage.as_mut().unwrap().write(&change).unwrap();
                self.model.write(&change);
            }
        }
    }
}

impl Model {
    fn write(&mut self, change: &Change<'_>) {
        if change.clear {
            self.shown = Shown::default();
        }
        if let Some(head) = change.head {
            self.head = Some(head.clone());
        }
        if let Some(row) = change.journal {
            self.shown.journal.insert(row.sequence, row.blob.to_vec());
            self.last = row.sequence;
        }
        for snapshot in change.snapshots {
            self.shown.snapshots.insert(snapshot.number, snapshot.blob.to_vec());
        }
        if let Some(through) = change.retire_through {
            self.shown.journal.retain(|sequence, _| *sequence > through);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// Scenario: any sequence of changes, with reading, care and opening again between them.
    /// Guarantee: the storage shows what a plain map shows, each blob to the byte, and nothing counts as damaged.
    #[test]
    fn the_storage_shows_what_a_map_shows(steps in prop::collection::vec(step(), 1..30)) {
        let directory = tempfile::tempdir().unwrap();
        let mut run = Run { model: Model::default(), storage: None, caretaker: None, directory };
        run.reopen();
        for (number, step) in steps.iter().enumerate() {
            run.step(number, step);
        }
        run.reopen();
        run.check();
    }
}
