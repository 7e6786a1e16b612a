//! What has to be stored after so many changes.

use std::collections::BTreeMap;

use tokenledger::ledger::{Change, Finding, Head, JournalRow, Snapshot, Storage, StorageError, Stored};

/// Numbers of snapshots are below this.
const PARTS: u64 = 16;

/// All that a ledger holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    head: Option<Head>,
    snapshots: BTreeMap<u32, Vec<u8>>,
    journal: BTreeMap<u64, Vec<u8>>,
}

/// One change, which depends on its number and on the run that writes it. They are numbered from 1, without gaps.
///
/// Runs differ because a WAL goes on where the power went: what lies behind a torn page becomes readable again if the very
/// same bytes are written over that page.
#[derive(Debug)]
pub struct Planned {
    number: u64,
    clear: bool,
    head: Option<Head>,
    row: Vec<u8>,
    snapshots: Vec<(u32, Vec<u8>)>,
    retire_through: Option<u64>,
}

impl Planned {
    /// Change number `number`: a row of the journal; often snapshots and rows that are no longer needed, as when an
    /// engine makes a snapshot; now and then everything anew, as under changed settings.
    pub fn new(run: u64, number: u64) -> Self {
        let (clear, snapshot) = (number.is_multiple_of(61), number.is_multiple_of(7));
        let snapshots = if clear || snapshot { 4 } else { 0 };
        Self {
            number,
            clear,
            head: (clear || number == 1).then(|| head(number)),
            row: blob(run, number, 0, if number.is_multiple_of(5) { 200_000 } else { 3_000 }),
            snapshots: (0..snapshots)
                .map(|part| {
                    (u32::try_from((number + part) % PARTS).unwrap(), blob(run, number, 1 + part, 100_000))
                })
                .collect(),
            retire_through: snapshot.then(|| number - 3),
        }
    }

    /// Writes it, once.
    pub fn write(&self, storage: &mut dyn Storage) -> Result<(), StorageError> {
        let snapshots: Vec<_> =
            self.snapshots.iter().map(|(number, blob)| Snapshot { number: *number, blob }).collect();
        storage.write(&Change {
            clear: self.clear,
            head: self.head.as_ref(),
            journal: Some(JournalRow { sequence: self.number, blob: &self.row }),
            snapshots: &snapshots,
            retire_through: self.retire_through,
        })
    }
}

impl Model {
    /// After all changes of a run up to number `last`, itself included.
    pub fn after(run: u64, last: u64) -> Self {
        let mut model = Self::default();
        for number in 1..=last {
            model.apply(Planned::new(run, number));
        }
        model
    }

    /// What a storage holds. Blobs that it found damaged are an error.
    pub fn of(storage: &mut dyn Storage) -> Result<Self, String> {
        let mut model = Self { head: storage.head().map_err(|error| error.to_string())?, ..Self::default() };
        let report = storage
            .read(&mut |stored| {
                match stored {
                    Stored::Snapshot(found) => {
                        drop(model.snapshots.insert(found.number, found.blob.to_vec()))
                    }
                    Stored::Journal(found) => drop(model.journal.insert(found.sequence, found.blob.to_vec())),
                }
                Finding::Sound
            })
            .map_err(|error| error.to_string())?;
        if report.damaged > 0 { Err(format!("{report:?}")) } else { Ok(model) }
    }

    /// After which change of a run a ledger looks like this: from `least`, after which it looked like `from`, to `most`.
    pub fn place(&self, run: u64, from: &Self, least: u64, most: u64) -> Result<u64, String> {
        let mut model = from.clone();
        for number in least..=most {
            if *self == model {
                return Ok(number);
            }
            model.apply(Planned::new(run, number + 1));
        }
        Err(format!("it is as after none of the changes from {least} to {most}: {}", self.summary()))
    }

    /// The numbers of what is there, for messages.
    pub fn summary(&self) -> String {
        let rows: Vec<_> = self.journal.keys().collect();
        let parts: Vec<_> = self.snapshots.iter().map(|(number, blob)| (number, blob.len())).collect();
        format!("head {}, rows {rows:?}, snapshots with their lengths {parts:?}", self.head.is_some())
    }

    /// Does what `change` does.
    pub fn apply(&mut self, change: Planned) {
        if change.clear {
            *self = Self::default();
        }
        self.head = change.head.or_else(|| self.head.take());
        self.journal.insert(change.number, change.row);
        self.snapshots.extend(change.snapshots);
        if let Some(last) = change.retire_through {
            self.journal.retain(|number, _| *number > last);
        }
    }
}

fn head(number: u64) -> Head {
    let mut secret = [0; _];
    secret.fill(u8::try_from(number % 251).unwrap());
    Head { secret, created_unix_nano: 1_000_000_000 + number, fingerprint: number }
}

/// Bytes that differ from blob to blob, up to `longest` of them.
fn blob(run: u64, number: u64, part: u64, longest: u64) -> Vec<u8> {
    let mut state = (run << 32 | number).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (part + 1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words = 1 + next() % longest / 8;
    (0..words).flat_map(|_| next().to_le_bytes()).collect()
}
