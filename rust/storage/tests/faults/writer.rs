//! The program that writes. It runs in a process of its own, whose disk fails.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokenledger::ledger::{Caretaker, StorageError};
use tokenledger_storage::{Opened, Settings, Sync, open};

use super::model::{Model, Planned};

/// How often it asks again after an error.
const PATIENCE: usize = 50;
/// Nanoseconds between two calls of the caretaker, by the clock that it is told: about a second.
const CARE_NANO: u64 = 1_100_000_000;
/// Changes between two calls of the caretaker.
const CARE_EVERY: u64 = 5;

/// What the program is told, in environment variables.
pub const DIRECTORY: &str = "WRITER_DIRECTORY";
/// Where it notes what happens.
pub const NOTES: &str = "WRITER_NOTES";
/// The settings' `sync`, as JSON.
pub const SYNC: &str = "WRITER_SYNC";
/// The number of the run.
pub const RUN: &str = "WRITER_RUN";
/// The number of the first change, and of the one after the last.
pub const FIRST: &str = "WRITER_FIRST";
/// See [`FIRST`].
pub const END: &str = "WRITER_END";

/// Set: the caretaker works beside the writer, as in a collector. Else in turns with it, so that runs are equal.
pub const BESIDE: &str = "WRITER_BESIDE";

/// What it noted. Numbers are those of changes; 0 = none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The last one that it began to write.
    pub tried: u64,
    /// The last one of which it was told that it is written.
    pub written: u64,
    /// The last one before a call of the caretaker that came back without error.
    pub cared: u64,
    /// Errors of any kind.
    pub errors: u64,
}

/// Writes, and notes. Panics where something is not as it has to be; a panic ends the process with an error.
pub fn run() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let number = |name: &str| variable(name).parse::<u64>().unwrap();
    let sync: Sync = serde_json::from_str(&variable(SYNC)).unwrap();
    let settings = Settings { sync, ..Settings::new(variable(DIRECTORY)) };
    let mut file = OpenOptions::new().create(true).append(true).open(variable(NOTES)).unwrap();
    // In one piece: the end can come from the caretaker's thread.
    let mut note = |what: &str, number: u64| file.write_all(format!("{what} {number}\n").as_bytes()).unwrap();

    let mut attempts = 0;
    let Opened { keeping, .. } = loop {
        match open(&settings) {
            Ok(opened) => break opened,
            Err(error) => {
                note("error", 0);
                attempts += 1;
                assert!(attempts < PATIENCE, "opening: {error}");
            }
        }
    };
    let mut storage = keeping.storage;
    let caretaker = storage.caretaker().expect("a caretaker");
    let (orders, calls) = spawn_caretaker(caretaker);
    let beside = std::env::var_os(BESIDE).is_some();
    let mut waiting = 0;
    let run = number(RUN);
    let mut written = Model::of(&mut *storage).expect("a sound ledger");
    for number in number(FIRST)..number(END) {
        let change = Planned::new(run, number);
        note("tried", number);
        let mut attempts = 0;
        while let Err(error) = change.write(&mut *storage) {
            note("error", number);
            attempts += 1;
            assert!(attempts < PATIENCE, "change {number}: {error}");
            let _ = storage.finish_care(); // as the engine does within a second
            if let Ok(found) = Model::of(&mut *storage) {
                assert!(
                    found == written,
                    "change {number} is there in part after {error}: {}",
                    found.summary()
                );
            }
        }
        note("written", number);
        written.apply(change);
        if number.is_multiple_of(CARE_EVERY) {
            orders.send(number).unwrap();
            waiting += 1;
        }
        while waiting > 0 {
            let ended = if beside { calls.try_recv().ok() } else { calls.recv().ok() };
            let Some(Cared { through, outcome }) = ended else { break };
            waiting -= 1;
            match outcome.and_then(|()| storage.finish_care()) {
                Ok(()) => note("cared", through),
                Err(_) => note("error", through),
            }
        }
    }
}

/// A call of the caretaker that has ended.
struct Cared {
    /// The last change that was written before it.
    through: u64,
    outcome: Result<(), StorageError>,
}

/// Calls the caretaker for each order, which is the number of the last change that was written before.
fn spawn_caretaker(mut caretaker: Box<dyn Caretaker>) -> (Sender<u64>, Receiver<Cared>) {
    let (orders, ordered) = channel();
    let (done, calls) = channel();
    thread::spawn(move || {
        for through in ordered {
            let outcome = caretaker.care(through / CARE_EVERY * CARE_NANO);
            if done.send(Cared { through, outcome }).is_err() {
                return;
            }
        }
    });
    (orders, calls)
}

/// Reads the notes.
pub fn notes(file: &Path) -> Notes {
    let mut notes = Notes::default();
    for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
        let (what, number) = line.split_once(' ').unwrap();
        let number = number.parse().unwrap();
        match what {
            "tried" => notes.tried = number,
            "written" => notes.written = number,
            "cared" => notes.cared = number,
            _ => notes.errors += 1,
        }
    }
    notes
}
