//! Cuts under load: whatever moment the process dies at, every batch is in the ledger whole or not at all.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokenledger::ledger::{Keeping, StorageTrouble};
use tokenledger::{BatchResult, Config, Engine, Now, Tick};

use crate::memory::{Content, Faults, Memory};
use crate::restarts::drop_sessions;
use crate::station::Station;
use crate::world::batch::{Sample, WorldBatch};
use crate::world::{self, BEGAN, MILLI, SECOND};

/// Streams of each batch; they lie in different parts of the store.
const STREAMS: u64 = 20;
const SENDERS: u64 = 3;
const BATCHES: u64 = 150;

/// Batch `number` of a sender adds 1 to each of its 20 streams.
fn batch(sender: u64, number: u64) -> Vec<Sample> {
    let time = BEGAN + SECOND + number * MILLI;
    let sample = |stream: u64| {
        let (sender, stream) = (format!("{sender}"), format!("{stream}"));
        let attributes = [("sender", sender.as_str()), ("stream", &stream), ("session", "x")];
        Sample { start: time - MILLI, time, ..Sample::delta("tokens", &attributes, 0, 0, 1) }
    };
    (0..STREAMS).map(sample).collect()
}

fn keeping(memory: &Memory) -> Keeping {
    Keeping {
        storage: Box::new(memory.clone()),
        usage: None,
        snapshot_interval_nano: 0,
        usage_retention_nano: 0,
    }
}

/// A clock that all threads share; each look at it is a millisecond.
#[derive(Default)]
struct Clock(AtomicU64);

impl Clock {
    fn now(&self) -> Now {
        let nano = 2 * SECOND + self.0.fetch_add(MILLI, Ordering::Relaxed);
        Now { wall_unix_nano: BEGAN + nano, monotonic_nano: nano }
    }
}

/// What was stored at a moment, and how many batches of each sender had been settled before it.
struct Copy {
    content: Content,
    settled: Vec<u64>,
}

/// Senders, ticks, snapshots and copies side by side.
fn load(config: &Config) -> Vec<Copy> {
    let (memory, clock) = (Memory::default(), Clock::default());
    let (engine, _) = Engine::open(config.clone(), world::key(), clock.now(), keeping(&memory)).unwrap();
    let settled: Vec<AtomicU64> = (0..SENDERS).map(|_| AtomicU64::new(0)).collect();
    let (over, start) = (AtomicBool::new(false), Barrier::new(SENDERS as usize + 3));
    let mut copies = Vec::new();
    std::thread::scope(|scope| {
        let (engine, clock, start, over) = (&engine, &clock, &start, &over);
        for (sender, settled) in (0..).zip(&settled) {
            scope.spawn(move || {
                start.wait();
                let mut result = BatchResult::default();
                for number in 0..BATCHES {
                    let batch = WorldBatch::new(&batch(sender, number), &Vec::new());
                    engine.consume(&batch, clock.now(), &mut result).unwrap();
                    engine.settle(result.ticket, clock.now()).unwrap();
                    settled.store(number + 1, Ordering::SeqCst);
                }
            });
        }
        let until_over = move |work: &dyn Fn()| {
            start.wait();
            while !over.load(Ordering::SeqCst) {
                work();
            }
        };
        scope.spawn(move || until_over(&|| engine.maintain(clock.now(), true).unwrap()));
        scope.spawn(move || {
            until_over(&|| {
                let mut tick = Tick::default();
                while !tick.is_done() {
                    engine.tick(clock.now(), false, &mut tick).unwrap();
                }
            });
        });
        start.wait();
        while settled.iter().any(|settled| settled.load(Ordering::SeqCst) < BATCHES) {
            // What was settled before the copy must be in it.
            let settled = settled.iter().map(|settled| settled.load(Ordering::SeqCst)).collect();
            copies.push(Copy { content: memory.content(), settled });
            std::thread::yield_now();
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        over.store(true, Ordering::SeqCst);
    });
    copies.push(Copy { content: memory.content(), settled: vec![BATCHES; SENDERS as usize] });
    copies
}

/// The totals of a sender's streams after a start.
fn totals(station: &Station, sender: u64) -> BTreeSet<i64> {
    let name = format!("(\"sender\", Text(\"{sender}\"))");
    let latest = station.reader.latest("tokens");
    let own: Vec<i64> = latest
        .filter(|output| format!("{:?}", output.attributes).contains(&name))
        .map(|output| output.value.int())
        .collect();
    assert!(own.is_empty() || own.len() == STREAMS as usize, "some streams of a batch are missing: {own:?}");
    own.into_iter().collect()
}

/// Scenario: three senders, ticks and snapshots in threads of their own; the storage's content is copied at
/// random moments, and an engine starts from each copy; the senders repeat everything.
/// Guarantee: each batch is in wholly or not at all, all settled ones are in, and what is repeated counts once.
#[test]
fn every_copy_is_a_consistent_cut() {
    for config in [Config::default(), drop_sessions(Config::default())] {
        let config = Config { emit_interval_nano: 60 * SECOND, ..config }; // all totals show after a start
        let copies = load(&config);
        assert!(copies.len() > 5, "{} copies", copies.len());
        let step = copies.len().div_ceil(25);
        for copy in copies.into_iter().rev().step_by(step) {
            if copy.content.head.is_none() {
                continue;
            }
            let mut station = Station::with(config.clone(), Memory::of(copy.content));
            station.pass(30 * SECOND).restart().ticks(2);
            for sender in 0..SENDERS {
                let totals = totals(&station, sender);
                assert!(totals.len() <= 1, "sender {sender}: half a batch: {totals:?}");
                let total = totals.into_iter().next().unwrap_or(0) as u64;
                let settled = copy.settled[sender as usize];
                assert!((settled..=BATCHES).contains(&total), "{total} of {settled} settled");
            }
            for sender in 0..SENDERS {
                (0..BATCHES).for_each(|number| drop(station.insist(&batch(sender, number))));
            }
            station.ticks(2);
            assert_eq!(station.sum("tokens") as u64, SENDERS * BATCHES * STREAMS);
        }
    }
}

/// Scenario: senders, ticks and snapshots in threads of their own while writes fail again and again; senders repeat
/// what was not acknowledged; then the process dies. Guarantee: nothing is lost, nothing counts twice.
#[test]
fn writes_fail_under_load() {
    let config = Config { emit_interval_nano: 60 * SECOND, ..drop_sessions(Config::default()) };
    let (memory, clock) = (Memory::default(), Clock::default());
    let (engine, _) = Engine::open(config.clone(), world::key(), clock.now(), keeping(&memory)).unwrap();
    let sending = AtomicU64::new(SENDERS);
    std::thread::scope(|scope| {
        let (engine, clock, sending, memory) = (&engine, &clock, &sending, &memory);
        for sender in 0..SENDERS {
            scope.spawn(move || {
                let mut result = BatchResult::default();
                for number in 0..BATCHES {
                    let batch = WorldBatch::new(&batch(sender, number), &Vec::new());
                    let mut once = || {
                        engine.ready(clock.now())?;
                        engine.consume(&batch, clock.now(), &mut result).unwrap();
                        let settled = engine.settle(result.ticket, clock.now());
                        if settled.is_err() {
                            engine.refused(&result, clock.now());
                        }
                        settled
                    };
                    while once().is_err() {
                        std::thread::yield_now();
                    }
                }
                sending.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let sending = || sending.load(Ordering::SeqCst) > 0;
        scope.spawn(move || {
            while sending() {
                let _ = engine.maintain(clock.now(), false);
            }
        });
        scope.spawn(move || {
            while sending() {
                let mut tick = Tick::default();
                while !tick.is_done() && engine.tick(clock.now(), false, &mut tick).is_ok() {}
            }
        });
        while sending() {
            let number = memory.state().writes + 3;
            memory.fail(Faults::At(number), StorageTrouble::Full);
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    });
    assert!(memory.state().failed > 0);
    drop(engine);
    memory.empty_again();
    let mut station = Station::with(config, memory);
    station.pass(30 * SECOND).restart().ticks(2);
    assert_eq!(station.sum("tokens") as u64, SENDERS * BATCHES * STREAMS);
    (0..SENDERS).for_each(|sender| assert_eq!(totals(&station, sender), BTreeSet::from([BATCHES as i64])));
}
