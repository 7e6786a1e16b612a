//! Disks that fail: at every write of a scenario once, and from every write on until there is space again.

use std::collections::VecDeque;

use tokenledger::batch::MetricKind;
use tokenledger::ledger::StorageTrouble;
use tokenledger::{BatchResult, Config, Tick};

use crate::memory::{Faults, Memory};
use crate::restarts::{drop_sessions, increase, pulled, pushed};
use crate::station::Station;
use crate::world::batch::{Sample, WorldBatch};
use crate::world::{self, SECOND, histogram};

/// Steps of the scenario.
const STEPS: u64 = 24;

/// What the clients send in one step: deltas, a total, a histogram, and every few steps a new stream.
fn request(second: u64, step: u64) -> Vec<Sample> {
    let old = format!("old {}", step % 2);
    let new = format!("new {}", step / 4);
    let delta =
        |session: &str, value| Sample::delta("tokens", &[("session", session)], second - 1, second, value);
    let latency = Sample {
        kind: MetricKind::ExplicitHistogram,
        value: histogram::explicit(&[1.0, 5.0], &[1, 2, step], 0.5),
        ..Sample::delta("latency", &[("session", "old")], second - 1, second, 0)
    };
    let total = Sample::total("total", &[("session", "old")], 1, second, (step * 10) as i64);
    vec![delta(&old, 3), delta(&new, 1 + step as i64), latency, total]
}

/// Senders with a queue: what was not acknowledged is sent again, whole and in order.
#[derive(Default)]
struct Senders {
    queue: VecDeque<Vec<Sample>>,
    tokens: i64,
    observations: u64,
    total: i64,
    /// Writes of the storage until the faults were taken away for good.
    writes: u64,
}

impl Senders {
    fn produce(&mut self, second: u64, step: u64) {
        self.queue.push_back(request(second, step));
        self.tokens += 4 + step as i64;
        self.observations += 3 + step;
        self.total = (step * 10) as i64;
    }

    fn send(&mut self, station: &mut Station) {
        while let Some(request) = self.queue.front() {
            if !station.send(request).is_acknowledged() {
                break;
            }
            self.queue.pop_front();
        }
    }
}

/// Clients, ticks, snapshots and crashes on a storage that may fail; `relief` is the step from which on it does not.
fn play(config: &Config, memory: Memory, relief: u64) -> (Station, Senders) {
    let mut station = Station::with(config.clone(), memory);
    let mut senders = Senders::default();
    station.pass(10 * SECOND);
    for step in 0..STEPS {
        if step == relief {
            station.memory.empty_again();
        }
        station.pass(5 * SECOND);
        senders.produce(station.second(), step);
        senders.send(&mut station);
        for _ in 0..3 {
            let _ = station.pass(SECOND).tick(false);
        }
        if step % 5 == 4 {
            let _ = station.maintain();
        }
        if step % 7 == 6 {
            station.restart();
        }
    }
    senders.writes = station.memory.state().writes;
    station.memory.empty_again();
    senders.send(&mut station);
    station.ticks(20).stop();
    (station, senders)
}

fn assert_complete(station: &Station, senders: &Senders, what: &str) {
    assert!(senders.queue.is_empty());
    assert_eq!(station.sum("tokens"), senders.tokens, "{what}");
    assert_eq!(station.sum("total"), senders.total, "{what}");
    let observations: f64 = station.reader.latest("latency").map(|output| output.value.size()).sum();
    assert_eq!(observations, senders.observations as f64, "{what}");
    let series = station.reader.series.values();
    let tokens = series.filter(|outputs| outputs[0].metric == "tokens");
    assert_eq!(tokens.map(|outputs| increase(outputs)).sum::<f64>(), senders.tokens as f64, "{what}");
    station.assert_orderly();
}

fn configs() -> [Config; 3] {
    [pulled(), pushed(), drop_sessions(pushed())]
}

fn failing(faults: Faults, trouble: StorageTrouble) -> Memory {
    let memory = Memory::default();
    memory.fail(faults, trouble);
    memory
}

/// Scenario: each write but the very first, without which there is no engine, fails once. Guarantee: nothing is lost, nothing counts twice, readers
/// see no reset and every first value behind a zero.
#[test]
fn every_write_fails_once() {
    for config in configs() {
        let (station, senders) = play(&config, Memory::default(), 0);
        assert_complete(&station, &senders, "without faults");
        let writes = senders.writes;
        assert!(writes > STEPS, "{writes} writes");
        for number in 2..=writes {
            let memory = failing(Faults::At(number), StorageTrouble::Other);
            let (station, senders) = play(&config, memory, STEPS);
            assert_eq!(station.memory.state().failed, 1);
            assert_complete(&station, &senders, &format!("write {number} of {writes} failed"));
        }
    }
}

/// Scenario: the disk is full from each write on, for some steps or to the end of the scenario, crashes included.
/// Guarantee: as above.
#[test]
fn the_disk_is_full_for_a_while() {
    for config in configs() {
        let writes = play(&config, Memory::default(), 0).1.writes;
        for number in (2..=writes).step_by(3) {
            for relief in [STEPS / 2, STEPS] {
                let (station, senders) =
                    play(&config, failing(Faults::From(number), StorageTrouble::Full), relief);
                assert_complete(&station, &senders, &format!("full from write {number} on, to {relief}"));
            }
        }
    }
}

/// Scenario: the disk is full while ten thousand requests arrive. Guarantee: none is taken in, nothing goes out,
/// memory does not grow; once there is space all goes on.
#[test]
fn a_full_disk_does_not_fill_the_memory() {
    let mut station = Station::new(pushed());
    station.ticks(10);
    station.insist(&request(station.second(), 1));
    station.memory.fill();
    let send = |station: &mut Station, step| {
        let second = station.second();
        station.send(&request(second, step))
    };
    assert!(!send(&mut station, 2).is_acknowledged(), "the one that finds it full");
    let held = |station: &Station| {
        let stats = station.engine().stats();
        (stats.state_bytes, stats.text_bytes, stats.streams)
    };
    let before = held(&station);
    for step in 0..10_000 {
        station.pass(SECOND / 10);
        assert!(station.engine().ready(station.now()).is_err());
        assert!(!send(&mut station, step).is_acknowledged());
        if step % 10 == 0 {
            assert!(station.tick(false).is_err(), "what is not written does not go out");
        }
        if step % 1_000 == 0 {
            assert!(station.maintain().is_err());
        }
    }
    assert_eq!(held(&station), before);
    assert_eq!(station.engine().stats().ledger_stopped, 1);
    station.memory.empty_again();
    assert!(send(&mut station, 3).is_acknowledged());
    assert_eq!(station.engine().stats().ledger_stopped, 0);
    station.tick(false).unwrap();
    station.assert_orderly();
}

/// Scenario: a new ledger, and one whose settings changed, cannot be written. Guarantee: an error; what was
/// stored is as it was, and the next start finds all of it.
#[test]
fn an_engine_does_not_open_without_its_first_write() {
    let mut station = Station::new(pushed());
    station.ticks(10);
    station.insist(&request(station.second(), 1));
    station.crash();
    let before = station.memory.content();
    station.memory.fill();
    station.config = drop_sessions(pushed());
    assert!(station.try_start().is_err());
    let after = station.memory.content();
    assert_eq!((before.head, before.journal), (after.head, after.journal));
    station.memory.empty_again();
    station.start().ticks(2);
    assert_eq!((station.sum("tokens"), station.opening.settings_changed), (5, 1));
}

/// Scenario: two requests of one new stream are on their way when a write fails: the first one's sender hears so;
/// then there is space, and the second one is written and passed on. Guarantee: no zero comes after a value.
#[test]
fn no_zero_comes_after_a_value() {
    for refused_first in [true, false] {
        let mut station = Station::new(Config { first_value_delay_nano: 0, ..pulled() });
        station.ticks(20);
        let one = [Sample::delta("tokens", &[("session", "a")], 18, 19, 5)];
        let two = [Sample::delta("tokens", &[("session", "a")], 19, 20, 6)];
        station.consume(&one);
        let (engine, now) = (station.engine(), station.now());
        let (mut second, batch) = (BatchResult::default(), WorldBatch::new(&two, &Vec::new()));
        engine.consume(&batch, now, &mut second).unwrap();
        let outputs = world::applied(&two, &batch, &second);
        station.memory.fill();
        assert!(engine.settle(station.result.ticket, now).is_err());
        if refused_first {
            engine.refused(&station.result, now);
        }
        station.memory.empty_again();
        engine.settle(second.ticket, now).unwrap();
        if !refused_first {
            engine.refused(&station.result, now);
        }
        station.read(&outputs);
        station.ticks(2);
        station.insist(&one);
        station.ticks(2);
        assert_eq!(station.sum("tokens"), 11);
        station.assert_orderly();
    }
}

/// Scenario: a tick of several chunks, each passed on; between two chunks a request comes that cannot be written.
/// Guarantee: what was passed on does not go out again, and what was not goes out later.
#[test]
fn a_tick_that_stops_half_way() {
    let mut station = Station::new(Config { first_value_delay_nano: 5 * SECOND, ..pushed() });
    station.ticks(20);
    let sample = |n: u64| Sample::delta("tokens", &[("session", &format!("{n}"))], 19, 20, 1);
    let all: Vec<Sample> = (0..9_000).map(sample).collect();
    station.insist(&all);
    let mut tick = Tick::default();
    station.pass(SECOND).tick_chunk(false, &mut tick).unwrap();
    assert!(!tick.is_done(), "there are several chunks");
    let late = [sample(9_000)];
    station.consume(&late);
    station.memory.fill();
    assert!(station.tick_chunk(false, &mut tick).is_err());
    station.engine().refused(&station.result, station.now());
    station.memory.empty_again();
    station.insist(&late);
    station.ticks(10);
    assert_eq!(station.sum("tokens"), 9_001);
    let samples: usize = station.reader.series.values().map(Vec::len).sum();
    assert_eq!(samples, 2 * 9_001, "a zero and a value of each");
    station.assert_orderly();
}

/// Scenario: histograms, members and sums, limits on memory; restarts from journal and snapshot, under changed
/// settings too; then everything is forgotten. Guarantee: what was restored is given back: there is room again.
#[test]
fn memory_is_given_back_after_restarts() {
    for snapshot in [false, true] {
        let limited = |config| Config { max_memory_bytes: 24 << 20, max_stale_nano: 600 * SECOND, ..config };
        let mut station = Station::new(limited(pushed()));
        for round in 0..4_u64 {
            for step in 0..40 {
                station.ticks(1);
                let request = request(station.second(), step);
                station.insist(&request);
            }
            if snapshot {
                station.maintain().unwrap();
            }
            let config = if round % 2 == 0 { drop_sessions(pushed()) } else { pushed() };
            station.restart_with(limited(config)).ticks(2);
        }
        for _ in 0..33 {
            station.pass(24 * 3600 * SECOND).ticks(2); // tombstones live for 30 days (T3)
        }
        assert_eq!((station.engine().stats().streams, station.engine().stats().tombstones), (0, 0));
        assert_eq!(station.engine().stats().text_bytes, 0, "no text without streams; snapshot: {snapshot}");
        let before = station.result.outcomes.overflow;
        for step in 0..40 {
            station.ticks(1);
            let request = request(station.second(), step);
            station.insist(&request);
            assert_eq!(station.result.outcomes.overflow, before);
        }
    }
}
