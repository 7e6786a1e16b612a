//! The keeper between an engine and a store: which price table reports name.

use std::sync::Arc;

use parking_lot::Mutex;
use tokenledger_prices::Prices;

use super::support::{Memory, NOW_HOUR, Outcome, add_priced};
use crate::clock::Now;
use crate::config::{Config, PricingConfig};
use crate::identity::{IdentityKey, SECRET_BYTES};
use crate::ledger::{
    Caretaker, Change, Finding, Head, Keeping, ReadReport, Storage, StorageError, StorageSizes, Stored,
};
use crate::usage::{NANOS_PER_HOUR, UsageEntry, UsageKeeper, UsageStore};
use crate::{Engine, usage::Measure};

const HEAD: Head = Head { secret: [1; SECRET_BYTES], created_unix_nano: 5, fingerprint: 0 };

fn at(hour: u32) -> Now {
    Now { wall_unix_nano: u64::from(hour) * NANOS_PER_HOUR + 7, monotonic_nano: 1 }
}

/// A store that outlives its keeper.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Memory>>);

impl UsageStore for Shared {
    fn applied_through(&mut self, ledger: u64) -> Result<Option<u64>, StorageError> {
        self.0.lock().applied_through(ledger)
    }

    fn apply(&mut self, ledger: u64, through: u64, entries: &[UsageEntry]) -> Result<(), StorageError> {
        let mut memory = self.0.lock();
        let is_priced = |entry: &UsageEntry| entry.measure == Measure::ComputedCost;
        assert!(!entries.iter().any(is_priced) || !memory.versions.is_empty(), "priced by what?");
        memory.apply(ledger, through, entries)
    }

    fn priced_by(&mut self, version: &str, since_unix_hour: u32) -> Result<(), StorageError> {
        self.0.lock().priced_by(version, since_unix_hour)
    }

    fn make_durable(&mut self) -> Result<(), StorageError> {
        self.0.lock().make_durable()
    }

    fn prune(&mut self, before_unix_hour: u32) -> Result<(), StorageError> {
        self.0.lock().prune(before_unix_hour)
    }
}

impl Shared {
    fn keeper(&self) -> UsageKeeper {
        let keeper = UsageKeeper::new(Box::new(self.clone()), &HEAD, 0).unwrap();
        keeper.restored(0).unwrap();
        keeper
    }

    fn versions(&self) -> Vec<(String, u32)> {
        self.0.lock().versions.clone()
    }
}

/// Scenario: a new store; another table while it cannot be written, and one more before it can; then a restart with
/// the same table, and one with another. Guarantee: the store is told before it gets amounts that were priced, only
/// the newest, with the hour of the flush, and again after a restart.
#[test]
fn the_store_learns_what_priced() {
    let shared = Shared::default();
    let keeper = shared.keeper();
    keeper.flush(at(NOW_HOUR), 0).unwrap();
    assert_eq!(shared.versions(), []);
    keeper.priced_by("one");
    add_priced(&keeper.book, 1, (10, Some(3)), NOW_HOUR);
    keeper.take_journal(&mut Vec::new());
    keeper.committed(1);
    keeper.flush(at(NOW_HOUR), 0).unwrap();
    let mut told = vec![("one".to_owned(), NOW_HOUR)];
    assert_eq!(shared.versions(), told);

    keeper.priced_by("two");
    shared.0.lock().next = Outcome::Failed;
    assert!(keeper.flush(at(NOW_HOUR + 1), 0).is_err());
    keeper.priced_by("three");
    keeper.flush(at(NOW_HOUR + 2), 0).unwrap();
    keeper.flush(at(NOW_HOUR + 3), 0).unwrap();
    told.push(("three".to_owned(), NOW_HOUR + 2));
    assert_eq!(shared.versions(), told);

    for (version, hour) in [("three", NOW_HOUR + 4), ("four", NOW_HOUR + 5)] {
        let keeper = shared.keeper();
        keeper.priced_by(version);
        keeper.flush(at(hour), 0).unwrap();
    }
    told.push(("four".to_owned(), NOW_HOUR + 5));
    assert_eq!(shared.versions(), told);
}

/// Scenario: the store was told, but says that it was not. Guarantee: it is told again until it says so, which adds
/// nothing.
#[test]
fn a_store_is_told_until_it_says_so() {
    let shared = Shared::default();
    let keeper = shared.keeper();
    keeper.priced_by("one");
    shared.0.lock().next = Outcome::WrittenWithError;
    assert!(keeper.flush(at(NOW_HOUR), 0).is_err());
    keeper.flush(at(NOW_HOUR + 1), 0).unwrap();
    keeper.flush(at(NOW_HOUR + 2), 0).unwrap();
    assert_eq!(shared.versions(), [("one".to_owned(), NOW_HOUR)]);
}

/// A ledger without a file.
#[derive(Debug)]
struct NoFile;

impl Storage for NoFile {
    fn head(&mut self) -> Result<Option<Head>, StorageError> {
        Ok(None)
    }

    fn read(&mut self, _: &mut dyn FnMut(Stored<'_>) -> Finding) -> Result<ReadReport, StorageError> {
        Ok(ReadReport::default())
    }

    fn write(&mut self, _: &Change<'_>) -> Result<(), StorageError> {
        Ok(())
    }

    fn caretaker(&mut self) -> Option<Box<dyn Caretaker>> {
        None
    }

    fn finish_care(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn sizes(&mut self) -> StorageSizes {
        StorageSizes::default()
    }
}

/// Scenario: engines that compute and that do not are given prices. Guarantee: at its next care the former names them
/// to its store, with the hour; the latter does not.
#[test]
fn an_engine_names_its_prices() {
    let prices = Arc::new(Prices::built_in().unwrap());
    let named = [(prices.version().to_owned(), NOW_HOUR)];
    for (pricing, expected) in [(Some(PricingConfig::default()), &named[..]), (None, &[])] {
        let shared = Shared::default();
        let keeping = Keeping {
            storage: Box::new(NoFile),
            usage: Some(Box::new(shared.clone())),
            snapshot_interval_nano: u64::MAX,
            usage_retention_nano: 0,
        };
        let config = Config { pricing, ..Config::default() };
        let key = IdentityKey::new([1; SECRET_BYTES]);
        let (engine, _) = Engine::open(config, key, at(NOW_HOUR), keeping).unwrap();
        engine.set_prices(Arc::clone(&prices));
        engine.maintain(at(NOW_HOUR), false).unwrap();
        assert_eq!(shared.versions(), expected);
    }
}
