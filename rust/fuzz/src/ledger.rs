//! Stored bytes: whatever stands in a ledger, an engine opens, works and stores itself again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokenledger::ledger::{
    Caretaker, Change, Finding, Head, Keeping, ReadReport, Snapshot, Storage, StorageError, StorageSizes,
    Stored, check_blob,
};
use tokenledger::{BatchResult, Config, Engine, IdentityKey, Now, Tick};
use tokenledger_otlp::ByteView;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::through::{self, NOW};

/// Bytes before a blob's content.
pub const HEADER_BYTES: usize = 40;

/// A secret like any other.
const SECRET: u8 = 7;

/// Bytes that an engine holds at most for each byte that it read back, beside the first chunks of its tables.
const BYTES_PER_BYTE: u64 = 64;
const FIRST_CHUNKS: u64 = 4 << 20;

/// Stores `data` as it is, and its tail as the content of a blob with a right checksum; the first byte says whether
/// as a row, as a snapshot, or both, and under which settings.
///
/// Promises: no panic; what is no blob is counted as damage and kept aside; memory stays in proportion to what was
/// read; the engine goes on, stores itself, and opens again, also under other settings, without damage.
pub fn ledger_blob(data: &[u8]) {
    let Some((choice, content)) = data.split_first() else { return };
    let [config, other] =
        [choice >> 2 & 3, choice >> 4 & 3].map(|number| through::configs()[usize::from(number)].clone());
    let memory = Memory::default();
    let sealed = sealed(content);
    memory.with(|stored| {
        stored.head = Some(head());
        stored.rows.insert(1, data.to_vec());
        if choice & 1 == 0 {
            stored.rows.insert(2, sealed.clone());
        }
        if choice & 2 == 0 {
            stored.snapshots.insert(3, sealed.clone());
        }
    });
    let engine = open(&memory, config, NOW);
    let stats = engine.stats();
    let noise = check_blob(data).is_err();
    assert!(stats.ledger_damaged >= u64::from(noise) && stats.ledger_damaged <= 3, "{stats:?}");
    let held = stats.state_bytes + stats.text_bytes;
    assert!(held <= FIRST_CHUNKS + BYTES_PER_BYTE * data.len() as u64, "{stats:?} of {} bytes", data.len());
    work(&engine, NOW);
    drop(engine);
    let later = Now { wall_unix_nano: NOW.wall_unix_nano + 1_000_000_000, monotonic_nano: 5 };
    let engine = open(&memory, other, later);
    let damaged = engine.stats().ledger_damaged;
    assert!(damaged == 0, "{damaged} blobs of its own are damaged");
    work(&engine, later);
}

fn open(memory: &Memory, config: Config, now: Now) -> Engine {
    let keeping = Keeping {
        storage: Box::new(memory.clone()),
        usage: None,
        snapshot_interval_nano: 0,
        usage_retention_nano: 0,
    };
    match Engine::open(config, IdentityKey::new([SECRET; 192]), now, keeping) {
        Ok((engine, _)) => engine,
        Err(error) => unreachable!("the storage never fails: {error}"),
    }
}

fn head() -> Head {
    Head { secret: [SECRET; 192], created_unix_nano: NOW.wall_unix_nano - 1_000_000_000_000, fingerprint: 0 }
}

/// A request, ticks until everything is forgotten, a snapshot.
fn work(engine: &Engine, now: Now) {
    let mut result = BatchResult::default();
    if let Ok(view) = ByteView::new(REQUEST) {
        assert_eq!(engine.consume(&view, now, &mut result), Ok(()));
        assert_eq!(engine.settle(result.ticket, now), Ok(()));
    }
    for second in [1, 100, 100_000, 100_001] {
        let elapsed = second * 1_000_000_000;
        let now = Now {
            wall_unix_nano: now.wall_unix_nano + elapsed,
            monotonic_nano: now.monotonic_nano + elapsed,
        };
        let mut tick = Tick::default();
        while !tick.is_done() {
            assert_eq!(engine.tick(now, false, &mut tick), Ok(()));
            assert_eq!(
                tick.metrics().map(|metric| metric.points().count()).sum::<usize>() == 0,
                tick.is_empty()
            );
        }
        assert_eq!(engine.maintain(now, second > 100_000), Ok(()));
    }
}

/// A recorded request.
const REQUEST: &[u8] = include_bytes!("../corpus/otlp_bytes/claude-code-2.1.197-0003");

/// `content` in the frame that a blob has.
pub fn sealed(content: &[u8]) -> Vec<u8> {
    let mut blob = b"TLB1\x01\0\0\0".to_vec();
    blob.extend_from_slice(&(content.len() as u64).to_le_bytes());
    blob.extend_from_slice(&(NOW.wall_unix_nano - 60_000_000_000).to_le_bytes());
    blob.extend_from_slice(&NOW.monotonic_nano.to_le_bytes());
    let checksum = xxh3_64_with_seed(content, xxh3_64(&blob));
    blob.extend_from_slice(&checksum.to_le_bytes());
    blob.extend_from_slice(content);
    blob
}

/// What an engine stores for a request, the row first: the contents of all blobs that say something.
pub fn contents(request: &[u8]) -> Vec<Vec<u8>> {
    let memory = Memory::default();
    memory.with(|stored| stored.head = Some(head()));
    let [_, config, ..] = through::configs();
    let engine = open(&memory, Config { max_memory_bytes: 0, ..config }, NOW);
    let mut result = BatchResult::default();
    if let Ok(view) = ByteView::new(request) {
        assert_eq!(engine.consume(&view, NOW, &mut result), Ok(()));
    }
    assert_eq!(engine.settle(result.ticket, NOW), Ok(()));
    let mut contents: Vec<Vec<u8>> = memory.with(|stored| stored.rows.values().cloned().collect());
    assert_eq!(engine.maintain(NOW, true), Ok(()));
    contents.extend(memory.with(|stored| stored.snapshots.values().cloned().collect::<Vec<_>>()));
    contents.iter().map(|blob| blob[HEADER_BYTES..].to_vec()).filter(|content| content.len() > 100).collect()
}

/// A storage that never fails.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    head: Option<Head>,
    rows: BTreeMap<u64, Vec<u8>>,
    snapshots: BTreeMap<u32, Vec<u8>>,
}

impl Memory {
    fn with<R>(&self, work: impl FnOnce(&mut Content) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Storage for Memory {
    fn head(&mut self) -> Result<Option<Head>, StorageError> {
        Ok(self.with(|content| content.head.clone()))
    }

    fn read(&mut self, each: &mut dyn FnMut(Stored<'_>) -> Finding) -> Result<ReadReport, StorageError> {
        self.with(|content| {
            let before = content.rows.len() + content.snapshots.len();
            content.snapshots.retain(|number, blob| {
                each(Stored::Snapshot(Snapshot { number: *number, blob })) == Finding::Sound
            });
            content.rows.retain(|sequence, blob| {
                let row = tokenledger::ledger::JournalRow { sequence: *sequence, blob };
                each(Stored::Journal(row)) == Finding::Sound
            });
            let sound = content.rows.len() + content.snapshots.len();
            Ok(ReadReport { blobs: before as u64, damaged: (before - sound) as u64 })
        })
    }

    fn write(&mut self, change: &Change<'_>) -> Result<(), StorageError> {
        self.with(|content| {
            if change.clear {
                content.rows.clear();
                content.snapshots.clear();
            }
            content.head = change.head.cloned().or(content.head.take());
            content.rows.extend(change.journal.iter().map(|row| (row.sequence, row.blob.to_vec())));
            content.snapshots.extend(change.snapshots.iter().map(|part| (part.number, part.blob.to_vec())));
            content
                .rows
                .retain(|sequence, _| change.retire_through.is_none_or(|through| *sequence > through));
        });
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
