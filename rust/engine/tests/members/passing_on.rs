//! Which totals pass untouched (D14), and first sight by example (T3).

use tokenledger::batch::{MetricKind, Temporality};
use tokenledger::{Config, IdentityMode, Number, Outcomes};

use crate::world::batch::{Sample, Value};
use crate::world::{BEGAN, SECOND, World, at, histogram};

/// Scenario: totals of sums and histograms, one without a value, one not a number, no rule, no ledger
/// stream. Guarantee: all pass as they are, and nothing is kept of them (D14).
#[test]
fn d14_plain_totals_pass_untouched() {
    let mut world = World::new(Config::default());
    let total = |time, value| Sample { value, ..Sample::total("m", &[("a", "b")], 10, time, 0) };
    let samples = [
        total(11, Value::Number(Number::Int(5))),
        total(12, Value::Number(Number::Double(f64::NAN))),
        Sample { no_value: true, ..total(13, Value::Number(Number::Int(0))) },
        Sample {
            kind: MetricKind::ExplicitHistogram,
            ..total(14, histogram::explicit(&[1.0], &[1, 2], 3.0))
        },
    ];
    let out = world.at(100).send(&samples);
    assert_eq!(world.result.outcomes, Outcomes { untouched: 4, ..Outcomes::default() });
    assert_eq!(out.len(), 4);
    assert!(out.iter().all(|output| !output.written));
    assert_eq!(world.engine.stats().streams + world.engine.stats().source_streams, 0);
    assert_eq!(world.tick(true), []);
}

/// Scenario: a stream sends deltas, then its client restarts and sends totals (D14, T3). Guarantee: a
/// total that began after the last delta counts in full, later ones by their increase.
#[test]
fn d14_totals_go_on_where_deltas_ended() {
    let mut world = World::new(Config::default());
    world.at(100).send(&[Sample::delta("m", &[], 10, 20, 5)]);
    world.send(&[Sample::total("m", &[], 30, 40, 3)]);
    world.send(&[Sample::total("m", &[], 30, 50, 4)]);
    world.send(&[Sample::total("m", &[], 30, 45, 100)]);
    assert_eq!(world.sum("m"), 9);
    world.send(&[Sample::delta("m", &[], 60, 70, 1)]);
    assert_eq!(world.sum("m"), 10);
    assert_eq!((world.outcomes.baseline, world.outcomes.superseded), (0, 1));
    world.reader().assert_orderly();
}

/// Scenario: as before, but the total began before the last delta (T3). Guarantee: it may hold what the
/// deltas brought, so it is a baseline.
#[test]
fn t3_totals_that_began_before_a_delta_are_baselines() {
    let mut world = World::new(Config::default());
    world.at(100).send(&[Sample::delta("m", &[], 10, 20, 5)]);
    world.send(&[Sample::total("m", &[], 15, 40, 7)]);
    assert_eq!(world.outcomes.baseline, 1);
    world.send(&[Sample::total("m", &[], 15, 50, 9)]);
    assert_eq!(world.sum("m"), 7);
}

/// Scenario: with `identity: prometheus`, totals that began before the engine, unknown when, in the
/// future, and after it (T3). Guarantee: a new stream begins at the first baseline without a zero, an
/// existing one gains nothing from baselines.
#[test]
fn t3_first_sight() {
    let mut world = World::new(Config { identity: IdentityMode::Prometheus, ..Config::default() });
    let total = |host: &str, start, value| {
        let sample = Sample::total("m", &[], 0, 50, value);
        Sample { start, ..sample }.of_resource(&[("service.name", "agent"), ("host.name", host)])
    };
    let out = world.at(100).send(&[total("a", BEGAN - SECOND, 1_000)]);
    assert_eq!(out.iter().map(|output| output.value.int()).collect::<Vec<_>>(), [1_000]);
    world.send(&[total("b", 0, 50), total("c", at(5_000), 7)]);
    world.send(&[total("d", at(40), 3)]);
    world.tick(true);
    assert_eq!(world.sum("m"), 1_003);
    assert_eq!(world.outcomes.baseline, 3);
}

/// Scenario: two processes of one identity with two starts report in turns, sixteen times (T3). Guarantee:
/// each counts for itself.
#[test]
fn t3_two_processes_in_turns() {
    let mut world = World::new(Config { identity: IdentityMode::Prometheus, ..Config::default() });
    for round in 0..16 {
        let second = 100 + 10 * round as u64;
        world.at(second + 5);
        world.send(&[Sample::total("m", &[], 10, second, 100 + round)]);
        world.send(&[Sample::total("m", &[], 20, second, 7 * (1 + round))]);
    }
    world.tick(true);
    assert_eq!(world.sum("m"), 115 + 112);
    world.reader().assert_orderly();
}

/// Scenario: totals that are no sum of a counter: they fall (T3, D14). Guarantee: the differences add up.
#[test]
fn t3_non_monotonic_totals_may_fall() {
    let mut world = World::new(Config { identity: IdentityMode::Prometheus, ..Config::default() });
    for (second, value) in [(50, 5), (60, -3), (70, 4)] {
        let sample = Sample::total("m", &[], 10, second, value);
        world.at(100).send(&[Sample { monotonic: false, temporality: Temporality::Cumulative, ..sample }]);
    }
    world.tick(true);
    assert_eq!(world.sum("m"), 4);
}
