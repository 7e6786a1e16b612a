//! Streams that go out again though nothing new came (L2).
#![allow(clippy::unwrap_used)]

#[path = "../support/world/mod.rs"]
mod world;

use std::collections::BTreeMap;

use tokenledger::{Config, Emit, Rule, Tick};

use world::batch::Sample;
use world::series::Output;
use world::{SECOND, World, at};

const INTERVAL: u64 = 64;

fn pulled() -> Config {
    Config { emit: Emit::Each, emit_interval_nano: INTERVAL * SECOND, ..Config::default() }
}

fn point(user: &str, second: u64) -> Sample {
    Sample::delta("tokens", &[("user", user)], second - 1, second, 1)
}

/// A tick each second, as the component does, from the second after `from` to `until`.
fn ticks(world: &mut World, from: u64, until: u64) -> Vec<Output> {
    (from + 1..=until).flat_map(|second| world.at(second).tick(false)).collect()
}

/// Scenario: 200 streams, then nobody works for ten intervals. Guarantee: each total goes out again once per
/// interval, 30 s before the tick, strictly after what went out before.
#[test]
fn l2_idle_totals_go_out_again() {
    let mut world = World::new(pulled());
    let points: Vec<_> = (0..200).map(|i| point(&i.to_string(), 1_000)).collect();
    world.at(1_000).send(&points);
    let last = 1_000 + 10 * INTERVAL;
    let mut by_stream = BTreeMap::<_, u64>::new();
    for second in 1_001..=last {
        for output in world.at(second).tick(false) {
            assert_eq!(output.time, at(second - 30));
            assert_eq!(output.value.int(), 1);
            *by_stream.entry(format!("{:?}", output.attributes)).or_default() += 1;
        }
    }
    assert_eq!(by_stream.len(), 200);
    assert!(by_stream.values().all(|count| (9..=10).contains(count)), "{by_stream:?}");
    world.reader().assert_orderly();
}

/// Scenario: a stream whose every point goes out, and one whose points wait (D4). Guarantee: what went out
/// within 30 s does not go out again, and a total that goes out again holds what waited.
#[test]
fn l2_what_is_in_use_is_left_alone() {
    let mut world = World::new(pulled());
    let mut again = 0;
    for second in 1_000..1_200 {
        world.at(second).send(&[point("busy", second)]);
        again += world.tick(false).len();
    }
    assert_eq!(again, 0);
    world.reader().assert_orderly();
}

/// Scenario: a first value that is held for 200 s (D6), and a gauge that a rule merges. Guarantee: neither goes out again by
/// itself; the zero does, or a page that forgets series sooner would show nothing when the value comes.
#[test]
fn l2_spares_held_values_and_gauges() {
    let rules = vec![Rule { metrics: vec!["g".to_owned()], drop: vec!["a".to_owned()], ..Rule::default() }];
    let mut world =
        World::new(Config { first_value_delay_nano: 200 * SECOND, rules: rules.clone(), ..pulled() });
    world.at(1_000).send(&[point("held", 999)]);
    world.send(&[Sample::gauge("g", &[("a", "b")], 1_000, 5.0)]);
    let again = ticks(&mut world, 1_000, 1_199);
    assert_eq!(again.iter().map(|output| output.value.int()).collect::<Vec<_>>(), [0, 0, 0]);
    let held = ticks(&mut world, 1_199, 1_202);
    assert_eq!(held.iter().map(|output| output.value.int()).collect::<Vec<_>>(), [1]);
    world.reader().assert_orderly();
}

/// Scenario: `emit: interval`, and a stream that gets one point and is idle from then on for 400 s.
/// Guarantee: its total goes out again each interval, in order, so that a store which shows a series for five minutes
/// after its last sample goes on showing it; with an interval of 0 it does not.
#[test]
fn l2_holds_for_pushed_streams_too() {
    let mut world = World::new(Config { emit: Emit::Interval, ..pulled() });
    world.at(1_000).send(&[point("pushed", 999)]);
    world.tick(false);
    let again = ticks(&mut world, 1_001, 1_400);
    assert!((5..=7).contains(&again.len()), "{again:#?}");
    assert!(again.iter().all(|output| output.value == again[0].value));
    world.reader().assert_orderly();
    let mut silent = World::new(Config { emit: Emit::Interval, emit_interval_nano: 0, ..pulled() });
    silent.at(1_000).send(&[point("pushed", 999)]);
    silent.tick(false);
    assert_eq!(ticks(&mut silent, 1_001, 1_400), []);
}

/// Scenario: 300 streams, 100 of them older, and `emit_max_streams` 200. Guarantee: from the second interval
/// on, no more than 200 go out again, and the longest idle are the ones that do not.
#[test]
fn l2_the_longest_idle_leave_first() {
    let mut world = World::new(Config { emit_max_streams: 200, ..pulled() });
    let streams = |kind: &str, count, second| -> Vec<_> {
        (0..count).map(|i| point(&format!("{kind}-{i}"), second)).collect()
    };
    world.at(1_000).send(&streams("old", 100, 999));
    world.at(2_000).send(&streams("new", 200, 1_999));
    let mut turn = 2_000;
    for interval in 0..6 {
        let again = ticks(&mut world, turn, turn + INTERVAL);
        turn += INTERVAL;
        // These windows are not the engine's own intervals: one may see the ends of two, and the first sees the one that the
        // pause before it cut short.
        assert!(again.len() <= if interval == 0 { 400 } else { 240 }, "interval {interval}: {}", again.len());
        let old = again.iter().filter(|output| format!("{:?}", output.attributes).contains("old")).count();
        assert!(interval < 2 || old <= 8, "interval {interval}: {old} old ones");
        assert!(interval < 2 || again.len() >= 180, "interval {interval}: {}", again.len());
    }
    world.reader().assert_orderly();
}

/// Scenario: the output of a tick is refused (L4). Guarantee: it comes at the next tick, and times go on.
#[test]
fn l2_refused_totals_come_again() {
    let mut world = World::new(pulled());
    world.at(1_000).send(&[point("a", 999)]);
    for second in 1_001..1_200 {
        world.at(second);
        match second % 2 {
            0 => world.tick_refused(),
            _ => drop(world.tick(false)),
        }
    }
    assert!(world.reader().series.values().all(|outputs| outputs.len() >= 4));
    world.reader().assert_orderly();
}

/// Scenario: 50,000 idle streams and ticks an hour apart. Guarantee: chunks stay small, however many are due.
#[test]
fn l2_chunks_are_bounded() {
    let mut world = World::new(Config { emit_max_streams: 1_000_000, ..pulled() });
    for first in (0..50_000).step_by(1_000) {
        let points: Vec<_> = (first..first + 1_000).map(|i| point(&i.to_string(), 999)).collect();
        world.at(1_000).send(&points);
    }
    let (mut tick, mut sizes) = (Tick::default(), Vec::new());
    world.at(4_600);
    while !tick.is_done() {
        world.engine.tick(world.now(), false, &mut tick).unwrap();
        sizes.push(tick.metrics().map(|metric| metric.points().count()).sum::<usize>());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 50_000);
    assert!(sizes.iter().all(|size| *size <= 8_193), "{sizes:?}");
}

/// Scenario: a late point arrives for a stream that has just gone out again. Guarantee: it is in the total
/// at the next tick (D4), times go on.
#[test]
fn l2_late_points_are_not_lost() {
    let mut world = World::new(pulled());
    world.at(1_000).send(&[point("a", 999)]);
    ticks(&mut world, 1_000, 1_080);
    world.send(&[point("a", 1_010)]);
    world.at(1_081).tick(false);
    assert_eq!(world.sum("tokens"), 2);
    world.reader().assert_orderly();
}
