//! Random floods against small limits (T5): whatever overflows, is evicted or comes back, every accepted
//! delta is in exactly one series.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokenledger::batch::MetricKind;
use tokenledger::{Config, Emit, IdentityMode, Rule};

use super::examples::drop_sessions;
use crate::world::batch::Sample;
use crate::world::series::Output;
use crate::world::{SECOND, World, histogram};

/// What the engine holds beyond its budget at most: the first chunks of its tables (64 parts with 64
/// streams, sources and texts each), which are there from the first stream of each part on.
const SLACK: u64 = 2 << 20;

#[derive(Clone, Copy, Debug)]
struct Drawn {
    resource: u16,
    metric: u8,
    user: u16,
    session: u16,
    /// Characters that the user's name, the resource or the metric have more.
    long: u16,
    value: u8,
    /// Whether it is a histogram with this count.
    histogram: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let who = (0..60_u16, 0..4_u8, 0..60_u16, 0..200_u16);
    let long = prop_oneof![6 => Just(0_u16), 2 => 0..300_u16, 1 => Just(3_000)];
    (who, long, 1..100_u8, prop::bool::weighted(0.2)).prop_map(
        |((resource, metric, user, session), long, value, histogram)| Drawn {
            resource,
            metric,
            user,
            session,
            long,
            value,
            histogram,
        },
    )
}

/// A batch of points, then so many seconds, then perhaps a refusal or a tick.
#[derive(Clone, Debug)]
struct Step {
    points: Vec<Drawn>,
    wait: u64,
    refused: bool,
    tick: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![4 => 1..5_u64, 1 => 200..900_u64, 1 => Just(4_000_u64)];
    let step = (prop::collection::vec(drawn(), 1..60), wait, prop::bool::weighted(0.15), any::<bool>())
        .prop_map(|(points, wait, refused, tick)| Step { points, wait, refused, tick });
    prop::collection::vec(step, 1..25)
}

fn configs() -> impl Strategy<Value = Config> {
    let room = prop_oneof![
        (1..30_u32).prop_map(|max_streams| (max_streams, 0)),
        Just((1_000_000, 1_u64 << 19)),
        Just((1_000_000, 1 << 20)),
    ];
    (any::<bool>(), any::<bool>(), any::<bool>(), room).prop_map(
        |(prometheus, each, trimmed, (max_streams, max_memory_bytes))| Config {
            identity: if prometheus { IdentityMode::Prometheus } else { IdentityMode::Otlp },
            emit: if each { Emit::Each } else { Emit::Interval },
            rules: if trimmed { drop_sessions() } else { Vec::<Rule>::new() },
            max_stale_nano: 3_600 * SECOND,
            max_streams,
            max_memory_bytes,
            ..Config::default()
        },
    )
}

/// Each window is one of its own: `sequence` goes into its start.
fn sample(drawn: &Drawn, second: u64, sequence: &mut u64) -> Sample {
    *sequence += 1;
    let long = "x".repeat(drawn.long.into());
    let (user, session) = (format!("{}{long}", drawn.user), drawn.session.to_string());
    let metric = format!("{}.{}", if drawn.histogram { "h" } else { "m" }, drawn.metric);
    let sample = Sample::delta(
        &metric,
        &[("user", &user), ("session.id", &session)],
        second - 1,
        second,
        drawn.value.into(),
    )
    .of_resource(&[("service.name", &format!("agent-{}{long}", drawn.resource))]);
    let sample = Sample { start: sample.start - *sequence, ..sample };
    if drawn.histogram {
        let value = histogram::explicit(&[1.0, 2.0], &[drawn.value.into(), 0, 0], 0.0);
        return Sample { kind: MetricKind::ExplicitHistogram, value, ..sample };
    }
    sample
}

/// What a reader adds up who knows resets: a series that begins anew, with a start of its own, goes on
/// from zero. (The value alone does not tell where the zero before it was refused with it: L4.)
fn increase(outputs: &[Output]) -> f64 {
    let mut outputs: Vec<_> = outputs.iter().collect();
    outputs.sort_by_key(|output| output.time);
    let (mut sum, mut last, mut start) = (0.0, 0.0, 0);
    for output in outputs {
        let size = output.value.size();
        sum += if output.start != start { size } else { size - last };
        (last, start) = (size, output.start);
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Scenario: floods of resources, metrics, users and sessions, some with long text, against a limit
    /// of streams or of bytes, with pauses in which streams become idle or are forgotten. Guarantee: what
    /// readers add up per metric is every delta that was not refused; refused is nothing while there is
    /// room for overflow; the budget holds.
    #[test]
    fn floods_are_exact(config in configs(), steps in steps()) {
        let limit = config.max_memory_bytes;
        let mut world = World::new(config);
        let (mut exact, mut sequence, mut second) = (BTreeMap::<String, f64>::new(), 0, 10_000);
        for step in steps {
            second += step.wait;
            world.at(second).tick(false);
            let points: Vec<_> = step.points.iter().map(|drawn| sample(drawn, second, &mut sequence)).collect();
            match step.refused {
                true => world.send_refused(&points),
                false => drop(world.send(&points)),
            }
            for point in &points {
                *exact.entry(point.metric.clone()).or_default() += point.value.size();
            }
            if step.tick {
                world.tick(false);
            }
            let stats = world.engine.stats();
            prop_assert!(limit == 0 || stats.state_bytes + stats.text_bytes <= limit + SLACK, "{:?}", stats);
        }
        world.at(second + 1).tick(true);
        prop_assert_eq!(world.outcomes.refused + world.outcomes.invalid + world.outcomes.duplicate, 0);
        for (metric, exact) in exact {
            let series = world.reader().series.values();
            let sum: f64 =
                series.filter(|outputs| outputs[0].metric == metric).map(|outputs| increase(outputs)).sum();
            prop_assert_eq!(sum, exact, "{}", metric);
        }
    }
}

/// Scenario: far more streams than there is room for, for an hour, while three users keep working.
/// Guarantee: these keep their series; after the flood a newcomer gets one of its own.
#[test]
fn existing_streams_go_on_and_the_room_comes_back() {
    let mut world = World::new(Config { max_streams: 50, rules: drop_sessions(), ..Config::default() });
    let point = |user: &str, second| {
        let session = format!("{user}-{}", second % 7);
        Sample::delta("tokens", &[("user", user), ("session.id", &session)], second - 10, second, 1)
    };
    let series = |world: &World, user: &str| {
        let of_user = |output: &&Output| output.attributes.iter().any(|(_, value)| *value == user.into());
        world.reader().latest("tokens").find(of_user).map(|output| output.value.int())
    };
    world.at(990).send(&["ann", "bob", "eve"].map(|user| point(user, 990)));
    let mut flood = 0;
    for second in (1_000..4_600).step_by(10) {
        let mut batch: Vec<_> = ["ann", "bob", "eve"].map(|user| point(user, second)).to_vec();
        batch.extend((0..100).map(|i| point(&format!("flood-{}", flood + i), second)));
        flood += 100;
        world.at(second).send(&batch);
        world.tick(false);
    }
    for user in ["ann", "bob", "eve"] {
        assert_eq!(series(&world, user), Some(361), "{user}");
    }
    assert!(world.outcomes.overflow > 30_000, "{:?}", world.outcomes);
    assert!(world.engine.stats().source_streams <= 50);
    let overflowed = world.outcomes.overflow;
    world.at(6_000).send(&[point("newcomer", 6_000)]);
    world.tick(true);
    assert_eq!(world.outcomes.overflow, overflowed);
    assert_eq!(series(&world, "newcomer"), Some(1));
    let sum: f64 = world.reader().series.values().map(|outputs| increase(outputs)).sum();
    assert_eq!(sum, f64::from(103 * 360 + 4));
    assert_eq!(world.outcomes.refused, 0);
}

/// Scenario: streams, sources, members, histograms and merged gauges come and are all forgotten, twenty
/// times, within a byte limit (L1). Guarantee: the room is the same each time: nothing overflows that
/// did not overflow the first time, and text is given back to the last byte.
#[test]
fn forgetting_gives_everything_back() {
    let gauges = Rule { gauge: tokenledger::GaugeMerge::Sum, ..drop_sessions().remove(0) };
    let config = Config {
        rules: vec![Rule { metrics: vec!["trimmed.*".to_owned()], ..gauges }],
        max_stale_nano: 60 * SECOND,
        max_memory_bytes: 2 << 20,
        ..Config::default()
    };
    let mut world = World::new(config);
    let mut overflowed = None;
    for round in 0..20_u64 {
        let second = 10_000 + round * 40 * 24 * 3_600; // tombstones last 30 days
        let before = world.outcomes;
        for first in (0..12_000).step_by(500) {
            let sample = |i: u32| {
                let (user, session) = ((i % 97).to_string(), format!("{:04}-{i}", round));
                let attributes = [("user", user.as_str()), ("session.id", session.as_str())];
                let delta = Sample::delta("trimmed.tokens", &attributes, second - 1, second, 1);
                match i % 5 {
                    0 => Sample { metric: "plain".to_owned(), ..delta },
                    1 => delta,
                    2 => Sample::total("trimmed.total", &attributes, second - 1, second, 1),
                    3 => Sample::gauge("trimmed.gauge", &attributes, second, 1.0),
                    _ => Sample {
                        metric: "trimmed.sizes".to_owned(),
                        kind: MetricKind::ExplicitHistogram,
                        temporality: tokenledger::batch::Temporality::Cumulative,
                        value: histogram::explicit(&[1.0], &[1, 1], 1.0),
                        ..delta
                    },
                }
            };
            world.at(second).send(&(first..first + 500).map(sample).collect::<Vec<_>>());
        }
        world.tick(false);
        for later in (0..60).chain(31 * 24 * 3_600..31 * 24 * 3_600 + 60) {
            world.at(second + 200 + later).tick(false);
        }
        let stats = world.engine.stats();
        assert_eq!((stats.streams, stats.source_streams, stats.tombstones), (0, 0, 0), "{stats:?}");
        assert_eq!(stats.text_bytes, 0, "{stats:?}");
        let roomless = world.outcomes.overflow + world.outcomes.refused - before.overflow - before.refused;
        let first = *overflowed.get_or_insert(roomless);
        assert!(roomless.abs_diff(first) <= first / 20, "round {round}: {roomless}, first {first}");
    }
    assert!(overflowed.is_some_and(|roomless| roomless > 0), "the flood reaches the limit");
}
