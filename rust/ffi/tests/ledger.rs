//! An engine with a ledger, through the boundary. Runs under AddressSanitizer and valgrind too
//! (`scripts/check-memory.sh`).
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use support::client::{CONFIG, Client, text};
use support::{BEGAN, FlatBuilder, SECOND};
use tokenledger_ffi::Status;

/// A directory for one test, which goes away with it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("tokenledger-ffi-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    /// Settings of a ledger below the directory, which need not be there.
    fn storage(&self) -> String {
        settings(&self.0.join("state/token_ledger"), "\"process\"")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn settings(directory: &Path, sync: &str) -> String {
    format!(
        r#"{{"directory": {directory:?}, "sync": {sync}, "snapshot_interval_nano": 300000000000,
            "usage_retention_nano": 0, "usage": true}}"#
    )
}

fn batch(second: u64, value: i64) -> Vec<u8> {
    FlatBuilder::new(second).metric("tokens").point("one", second - 1, value).build()
}

/// Scenario: an engine with a ledger ends, another one is made with the same place. Guarantee: it goes on
/// with the total, without a second zero point, and says what it found.
#[test]
fn totals_outlive_their_engine() {
    let place = Place::new("outlive");
    let mut client = Client::open(CONFIG, &place.storage(), 0).unwrap();
    assert_eq!((client.opening.restored, client.opening.created_unix_nano), (0, BEGAN));
    assert_eq!(client.consume(&batch(100, 5)), Status::Ok);
    assert_ne!(client.view.ticket, 0);
    assert_eq!(client.settle(100), Status::Ok);
    drop(client);

    let mut client = Client::open(CONFIG, &place.storage(), 200).unwrap();
    let opening = client.opening;
    assert_eq!((opening.restored, opening.streams, opening.damaged), (1, 1, 0));
    assert_eq!((opening.created_unix_nano, opening.clock_behind_nano), (BEGAN, 0));
    assert!(opening.last_written_unix_nano >= BEGAN + 100 * SECOND, "{opening:?}");
    assert_eq!(client.consume(&batch(300, 7)), Status::Ok);
    assert_eq!(client.settle(300), Status::Ok);
    assert_eq!((client.verdicts()[0].value_bits, client.view.added_count), (12, 0));
    assert_eq!(client.maintain(301, false), Status::Ok);
    assert_eq!(client.maintain(302, true), Status::Ok);
}

/// Scenario: a second engine for the same place while the first lives. Guarantee: refused by a number of
/// its own, with the place; when the first has gone the second is made.
#[test]
fn one_engine_has_a_ledger() {
    let place = Place::new("busy");
    let first = Client::open(CONFIG, &place.storage(), 0).unwrap();
    let (status, message) = Client::open(CONFIG, &place.storage(), 1).err().unwrap();
    assert_eq!(status, Status::StorageBusy);
    assert!(message.contains(place.0.to_str().unwrap()), "{message}");
    drop(first);
    Client::open(CONFIG, &place.storage(), 2).unwrap();
}

/// Scenario: settings that cannot be, a directory that nobody can make. Guarantee: no engine; the reason in
/// words, with the place where it is one of a place.
#[test]
fn bad_places_are_refused() {
    let place = Place::new("bad");
    let directory = place.0.join("state");
    for (storage, reason) in [
        ("{".to_owned(), "storage: EOF"),
        (settings(&directory, "\"sometimes\""), "unknown variant `sometimes`"),
        (place.storage().replace("usage\": true", "use\": true"), "unknown field `use`"),
    ] {
        let (status, message) = Client::open(CONFIG, &storage, 0).err().unwrap();
        assert_eq!(status, Status::Configuration);
        assert!(message.contains(reason), "{message}");
    }
    assert!(!directory.exists());

    let file = place.0.join("file");
    std::fs::write(&file, "no directory").unwrap();
    let (status, message) =
        Client::open(CONFIG, &settings(&file.join("below"), "\"disk\""), 0).err().unwrap();
    assert!(matches!(status, Status::Storage | Status::StorageReadOnly), "{status:?}");
    assert!(message.contains(file.to_str().unwrap()), "{message}");
}

/// Scenario: the disk is full for a while. Guarantee: the batch that came first is not settled, later ones
/// are not taken in, a tick brings nothing; with space all goes on, and the sender's retry adds nothing.
#[test]
fn a_full_disk_stops_the_intake() {
    let place = Place::new("full");
    let mut client = Client::open(CONFIG, &place.storage(), 0).unwrap();
    assert_eq!(client.consume(&batch(100, 5)), Status::Ok);
    assert_eq!(client.settle(100), Status::Ok);

    client.fill_disk(true);
    let unsettled = batch(110, 7);
    assert_eq!(client.consume(&unsettled), Status::Ok);
    assert_eq!(client.settle(110), Status::StorageFull);
    assert!(text(&client.error).contains("disk is full"));
    assert_eq!(client.consume(&batch(120, 11)), Status::StorageFull);
    assert_eq!(client.tick(130), Err(Status::StorageFull));

    client.fill_disk(false);
    assert_eq!(client.consume(&batch(200, 11)), Status::Ok);
    assert_eq!(client.settle(200), Status::Ok);
    assert_eq!(client.verdicts()[0].value_bits, 23);
    assert_eq!(client.consume(&unsettled), Status::Ok);
    assert_eq!(client.settle(210), Status::Ok);
    assert_eq!(client.view.outcomes.duplicate, 1);
}
