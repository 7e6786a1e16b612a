//! What a restart keeps, one thing at a time.

use tokenledger::{Config, Emit, IdentityMode, Retransmissions, Rule};

use crate::station::Station;
use crate::world::batch::Sample;
use crate::world::series::Output;
use crate::world::{SECOND, at};

const DAY: u64 = 24 * 3600;

/// A rule that makes all metrics streams of two levels.
pub fn drop_sessions(config: Config) -> Config {
    let rule = Rule { metrics: vec!["*".into()], drop: vec!["session".into()], ..Rule::default() };
    Config { rules: vec![rule], ..config }
}

/// In front of an exporter that is pulled, with values held for 15 seconds.
pub fn pulled() -> Config {
    Config {
        identity: IdentityMode::Prometheus,
        emit_interval_nano: 60 * SECOND,
        first_value_delay_nano: 15 * SECOND,
        ..Config::default()
    }
}

/// In front of an exporter that pushes.
pub fn pushed() -> Config {
    Config { identity: IdentityMode::Prometheus, emit: Emit::Interval, ..Config::default() }
}

fn delta(station: &Station, session: &str, value: i64) -> Sample {
    let second = station.second();
    Sample::delta("tokens", &[("session", session)], second.saturating_sub(1), second, value)
}

fn values(outputs: &[Output]) -> Vec<i64> {
    outputs.iter().map(|output| output.value.int()).collect()
}

/// What Prometheus' `increase` counts over all samples of a series, each fall a reset.
pub fn increase(outputs: &[Output]) -> f64 {
    let sizes: Vec<f64> = outputs.iter().map(|output| output.value.size()).collect();
    sizes.windows(2).map(|pair| if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] }).sum()
}

/// Scenario: totals, a crash, more windows, an orderly stop, more. Guarantee: totals go on, the start stays,
/// times increase, and the increase over all samples is the truth.
#[test]
fn totals_go_on() {
    for config in [Config::default(), pulled(), pushed(), drop_sessions(Config::default())] {
        let mut station = Station::new(config);
        let mut truth = 0;
        for round in 1..=6 {
            station.ticks(20);
            for session in ["a", "b"] {
                let sample = delta(&station, session, round);
                station.insist(&[sample]);
                truth += round;
            }
            station.ticks(20);
            if round % 3 == 0 {
                station.stop();
                station.monotonic = 500 * SECOND;
                station.start();
            } else {
                station.pass(1).restart();
            }
        }
        station.ticks(20);
        station.tick(true).unwrap();
        assert_eq!(station.sum("tokens"), truth);
        let increases: f64 = station.reader.series.values().map(|outputs| increase(outputs)).sum();
        assert_eq!(increases, truth as f64);
        station.assert_orderly();
        for outputs in station.reader.series.values() {
            assert!(outputs.iter().all(|output| output.start == outputs[0].start), "{outputs:#?}");
        }
    }
}

/// Scenario: the crash comes while the first value is held behind its zero (D6). Guarantee: after the restart
/// it is held again behind a zero of its own.
#[test]
fn a_held_value_survives() {
    let mut station = Station::new(pulled());
    station.ticks(20);
    let sample = delta(&station, "a", 7);
    assert_eq!(values(&station.insist(&[sample])), [0]);
    station.ticks(5);
    station.restart();
    let first = station.pass(SECOND).tick(false).unwrap();
    assert_eq!(values(&first), [0]);
    station.ticks(20);
    assert_eq!((station.sum("tokens"), station.reader.series.len()), (7, 1));
    station.assert_orderly();
}

/// Scenario: with `emit: interval` the first tick that has a stream's total is written, then the process dies
/// before the total is passed on. Guarantee: it goes out after the restart, though nothing new came.
#[test]
fn a_lost_first_total_goes_out_again() {
    let mut station = Station::new(pushed());
    station.ticks(20);
    let sample = delta(&station, "a", 7);
    station.insist(&[sample]);
    station.pass(SECOND).lost_tick();
    station.restart();
    station.ticks(2);
    assert_eq!(station.sum("tokens"), 7);
}

/// Scenario: a member is forgotten for good (its tombstone too), a snapshot is made, and the process restarts;
/// then the member reports on. Guarantee: what was counted is not counted again (T3).
#[test]
fn a_member_forgotten_for_good_is_not_counted_twice() {
    let config = Config { max_stale_nano: 600 * SECOND, ..pushed() };
    let total = |station: &Station, value| {
        vec![Sample::total("tokens", &[("session", "a")], 5, station.second(), value)]
    };
    for snapshot in [false, true] {
        let mut station = Station::new(config.clone());
        station.ticks(10);
        let first = total(&station, 100);
        station.insist(&first);
        station.ticks(2);
        assert_eq!(station.sum("tokens"), 100);
        for _ in 0..32 {
            station.pass(DAY * SECOND).ticks(1); // a tombstone after ten minutes, gone after 30 days
        }
        assert_eq!(station.engine().stats().tombstones, 0);
        if snapshot {
            station.maintain().unwrap();
        }
        station.restart_at(1_000);
        station.ticks(1);
        let later = total(&station, 103);
        station.insist(&later);
        station.ticks(2);
        let outputs: Vec<&Output> = station.reader.series.values().flatten().collect();
        let outputs: Vec<Output> = outputs.into_iter().cloned().collect();
        assert_eq!(increase(&outputs), 103.0, "it goes on where readers left it; snapshot: {snapshot}");
    }
}

/// Scenario: a member has become a tombstone, the process restarts (from journal or snapshot), two more days
/// pass, and the member reports again: it had gone on counting. Guarantee: exactly the difference counts.
#[test]
fn tombstones_live_on() {
    let config = Config { max_stale_nano: 600 * SECOND, ..pushed() };
    let total = |station: &Station, value| {
        vec![Sample::total("tokens", &[("session", "a")], 5, station.second(), value)]
    };
    for snapshot in [false, true] {
        let mut station = Station::new(config.clone());
        station.ticks(10);
        let first = total(&station, 100);
        station.insist(&first);
        station.ticks(2).pass(1_000 * SECOND).ticks(2);
        assert_eq!(station.engine().stats().tombstones, 1);
        if snapshot {
            station.maintain().unwrap();
        }
        station.restart();
        assert_eq!(station.opening.source_streams, 0, "tombstones are no live sources");
        for _ in 0..4 {
            station.pass(DAY / 2 * SECOND).ticks(2);
        }
        assert_eq!(station.engine().stats().tombstones, 1, "snapshot: {snapshot}");
        let later = total(&station, 130);
        station.insist(&later);
        station.ticks(2);
        assert_eq!(station.sum("tokens"), 30, "snapshot: {snapshot}");
    }
}

/// Scenario: members went on counting while the collector was down; one that nobody has seen began after the
/// ledger was made, another one before. Guarantee: the difference; in full; nothing (T3).
#[test]
fn members_count_on_over_a_restart() {
    let mut station = Station::new(pushed());
    station.ticks(10);
    let total = |session, start, second, value| {
        Sample::total("tokens", &[("session", session)], start, second, value)
    };
    let mut old = total("old", 5, 10, 100);
    station.insist(&[old.clone()]);
    station.ticks(5);
    station.maintain().unwrap();
    station.crash().pass(3_600 * SECOND);
    station.restart();
    station.pass(SECOND);
    let second = station.second();
    old = total("old", 5, second, 140);
    let mut before = total("before", 0, second, 1_000);
    before.start = at(0) - 5 * SECOND;
    station.insist(&[old, total("new", 1_000, second, 9), before]);
    station.ticks(2);
    assert_eq!(station.sum("tokens"), 140 + 9 + 1_000, "the baseline shows as what it is");
    let increases: f64 = station.reader.series.values().map(|outputs| increase(outputs)).sum();
    assert_eq!(increases, 149.0);
    station.assert_orderly();
}

/// Scenario: the wall clock steps back a day, totals go on, snapshots are made, and the process dies; or it
/// dies first, and the clock steps back meanwhile. Guarantee: no time comes twice, no total falls.
#[test]
fn a_clock_that_steps_back() {
    for (config, snapshot, settings) in
        [(pulled(), false, false), (pulled(), true, false), (pushed(), true, false), (pushed(), true, true)]
    {
        let mut station = Station::new(config.clone());
        station.pass(2 * DAY * SECOND);
        for round in 0..4_u64 {
            let sample = delta(&station, "a", 5);
            station.insist(&[sample]);
            station.ticks(30);
            if round == 1 {
                station.wall -= DAY * SECOND;
            }
            let sample = delta(&station, "a", 5);
            station.insist(&[sample]);
            station.ticks(30);
            if snapshot {
                station.maintain().unwrap();
            }
            if settings && round == 2 {
                station.restart_with(drop_models(config.clone()));
            }
            station.restart();
        }
        station.ticks(30);
        assert_eq!(station.sum("tokens"), 40);
        station.assert_orderly();
    }
}

fn drop_models(config: Config) -> Config {
    let rule = Rule { metrics: vec!["*".into()], drop: vec!["model".into()], ..Rule::default() };
    Config { rules: vec![rule], ..config }
}

/// Scenario: in every part of the store streams go while others stay; after a restart from the journal time
/// passes and new streams come. Guarantee: no two streams share anything.
#[test]
fn streams_that_went_leave_nothing_behind() {
    for config in [Config::default(), drop_models(pushed())] {
        let mut station = Station::new(Config { max_stale_nano: 60 * SECOND, ..config });
        let send = |station: &mut Station, name: &str, count: i64, value: i64| {
            for number in 0..count {
                let sample = delta(station, &format!("{name} {number}"), value);
                station.insist(&[sample]);
            }
        };
        for round in 0..3 {
            send(&mut station, "stays", 300, 1);
            send(&mut station, &format!("goes {round}"), 300, 1);
            for _ in 0..4 {
                station.pass(30 * SECOND).ticks(1);
                send(&mut station, "stays", 300, 1);
            }
        }
        station.restart();
        for _ in 0..4 {
            station.pass(30 * SECOND).ticks(1);
            send(&mut station, "stays", 300, 1);
        }
        assert_eq!(station.engine().stats().streams, 300);
        for value in 1..3 {
            send(&mut station, "new", 600, value);
            station.ticks(1);
        }
        assert_eq!(station.engine().stats().streams, 900);
        for number in 0..600 {
            let name = format!("\"new {number}\"");
            let mut series = station.reader.series.values().filter(|o| format!("{:?}", o[0]).contains(&name));
            let latest = series.next().and_then(|outputs| outputs.last());
            assert_eq!(latest.map(|output| output.value.int()), Some(3), "{name}");
        }
        station.assert_orderly();
    }
}

/// Scenario: many streams go out again after a start, with room for few. Guarantee: no more than there is
/// room for (L2), whatever the clocks say.
#[test]
fn no_more_go_out_again_than_ever_do() {
    let mut station = Station::new(Config { emit_max_streams: 10, ..pulled() });
    station.ticks(5);
    for session in 0..50 {
        let sample = delta(&station, &format!("{session}"), 1);
        station.insist(&[sample]);
    }
    station.ticks(60);
    station.restart();
    let again = station.pass(SECOND).tick(false).unwrap();
    assert_eq!(again.len(), 10);
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Crash,
    SnapshotAndCrash,
    Stop,
}

/// Scenario: `retransmissions: add`. The next consumer refuses a request, others go on for a while, the process
/// ends and starts; the sender repeats its request, then another client sends an equal one. Guarantee: the first is
/// recognised, once (D3b); the second counts.
#[test]
fn what_was_refused_is_known_with_add() {
    for end in [End::Crash, End::SnapshotAndCrash, End::Stop] {
        for seconds in [5, 300] {
            let mut station = Station::new(Config { retransmissions: Retransmissions::Add, ..pulled() });
            station.ticks(20);
            let request = [delta(&station, "a", 7)];
            station.take_in(&request).unwrap();
            station.engine().refused(&station.result, station.now());
            station.ticks(seconds);
            let other = [delta(&station, "b", 1)];
            station.insist(&other);
            match end {
                End::Crash => station.restart(),
                End::SnapshotAndCrash => {
                    station.maintain().unwrap();
                    station.restart()
                }
                End::Stop => station.stop().start(),
            };
            station.pass(SECOND).insist(&request);
            station.ticks(20);
            assert_eq!(station.sum("tokens"), 8, "{end:?} after {seconds} seconds");
            station.insist(&request);
            station.ticks(2);
            assert_eq!(station.sum("tokens"), 15, "{end:?} after {seconds} seconds");
        }
    }
}

/// Scenario: with `add`, everything was answered before the process stopped in order. Guarantee: an equal request
/// after the start is another client's.
#[test]
fn what_was_answered_counts_again_with_add() {
    let mut station = Station::new(Config { retransmissions: Retransmissions::Add, ..pulled() });
    station.ticks(20);
    let request = [delta(&station, "a", 7)];
    station.insist(&request);
    station.stop().start().pass(SECOND).insist(&request);
    station.ticks(20);
    assert_eq!(station.sum("tokens"), 14);
}

/// Scenario: requests, some of them taken in half an hour before a restart, come again after it. Guarantee: those
/// of the last 30 minutes are recognised (D3a), from journal and snapshot, over two restarts.
#[test]
fn requests_are_known_for_thirty_minutes() {
    for snapshot in [false, true] {
        let mut station = Station::new(pushed());
        let mut requests = Vec::new();
        for minute in 0..6 {
            station.ticks(1).pass(280 * SECOND);
            // More windows than are remembered one by one (D3b).
            let request: Vec<Sample> = (1..10).map(|n| delta(&station, "a", 10 * n + minute)).collect();
            station.insist(&request);
            requests.push(request);
            if minute == 3 {
                station.restart_at(77);
            }
        }
        if snapshot {
            station.maintain().unwrap();
        }
        station.restart_at(5).ticks(2);
        let before = station.sum("tokens");
        requests.iter().for_each(|request| drop(station.insist(request)));
        station.ticks(2);
        assert_eq!(station.sum("tokens"), before);
        station.pass(3_600 * SECOND).restart();
        station.insist(&requests[0]);
        station.ticks(2);
        let first: i64 = requests[0].iter().map(|sample| sample.value.int()).sum();
        assert_eq!(station.sum("tokens"), before + first, "known for no longer than 35 minutes or so");
    }
}

/// Scenario: an attribute keeps its first two values (T2); crashes and snapshots. Guarantee: the two stay, whatever
/// came first after a start.
#[test]
fn admitted_values_stay() {
    let limited = Rule {
        metrics: vec!["tokens".to_owned()],
        max_values: [("session".to_owned(), 2)].into(),
        ..Rule::default()
    };
    for snapshot in [false, true] {
        let mut station = Station::new(Config { rules: vec![limited.clone()], ..pushed() });
        for round in 0..3 {
            station.ticks(2);
            let sessions = if round == 0 { ["a", "b", "c", "d"] } else { ["d", "c", "b", "a"] };
            for session in sessions {
                let request = [delta(&station, session, 1)];
                station.insist(&request);
            }
            if snapshot {
                station.maintain().unwrap();
            }
            station.restart();
        }
        station.ticks(2);
        let totals: Vec<i64> = station.reader.latest("tokens").map(|output| output.value.int()).collect();
        assert_eq!(totals, [3, 3, 6], "a, b, other");
    }
}

/// Scenario: loss of power takes the last writes (`sync` other than `disk`). Guarantee: the ledger is as it was
/// before them, and what senders repeat counts once.
#[test]
fn lost_writes_are_lost_from_the_end() {
    for lost in 1..8 {
        let mut station = Station::new(pulled());
        let mut requests = Vec::new();
        for round in 0..8 {
            station.ticks(3);
            let request = [delta(&station, "a", 1 << round), delta(&station, "b", 1 << round)];
            station.insist(&request);
            requests.push(request);
            if round == 4 {
                station.maintain().unwrap();
            }
        }
        station.crash().memory.lose(lost);
        station.start().ticks(30);
        let sums: Vec<i64> = station.reader.latest("tokens").map(|output| output.value.int()).collect();
        assert!(
            sums[0] == sums[1] && (sums[0] + 1).count_ones() == 1,
            "whole requests from the start: {sums:?}"
        );
        requests.iter().for_each(|request| drop(station.insist(request)));
        station.ticks(30);
        assert_eq!(station.sum("tokens"), 2 * 255);
    }
}
