//! Faults found in review of the limits.

use tokenledger::{Config, GaugeMerge, IdentityMode, Rule};

use super::examples::drop_sessions;
use crate::world::batch::{Attr, Sample, texts};
use crate::world::{MILLI, SECOND, World, at, histogram};

/// Scenario: ten resources send one metric to an engine with room for three streams (T5). Guarantee: what
/// finds no overflow stream of its own resource adds up in the one without a resource; nothing is refused.
#[test]
fn a_flood_of_resources_is_exact() {
    let mut world = World::new(Config { max_streams: 3, ..Config::default() });
    for i in 0..10 {
        let name = format!("agent-{i}");
        world.at(100 + i);
        world.send(&[Sample::delta("tokens", &[], 10, 11, 1).of_resource(&[("service.name", &name)])]);
    }
    world.tick(true);
    assert_eq!(world.outcomes.refused, 0);
    assert_eq!(world.sum("tokens"), 10);
}

/// Scenario: two tenants (`metadata_keys`) flood an engine with resources (T5). Guarantee: the overflow
/// without a resource does not mix them (design §4, client metadata).
#[test]
fn tenants_do_not_mix_in_the_last_overflow() {
    let mut world = World::new(Config { max_memory_bytes: 1 << 20, ..Config::default() });
    let long = "x".repeat(20_000);
    for i in 0..200 {
        let name = format!("agent-{i}-{long}");
        world.metadata = texts(&[("tenant", if i % 2 == 0 { "a" } else { "b" })]);
        world.at(100 + i);
        world.send(&[Sample::delta("tokens", &[], 10, 11 + i, 1).of_resource(&[("service.name", &name)])]);
    }
    let last = world.tick(true);
    assert_eq!(world.outcomes.refused, 0);
    let mut tenants: Vec<_> =
        last.iter().filter(|o| o.resource.is_empty()).map(|o| format!("{:?}", o.metadata)).collect();
    tenants.sort();
    tenants.dedup();
    assert_eq!(tenants.len(), 2, "{tenants:?}");
}

/// Scenario: an SDK of a Prometheus-fed engine marks its own overflow, and ours overflows too (T0, T5).
/// Guarantee: both are one series to the reader, so they are one ledger stream.
#[test]
fn overflow_is_one_series_to_prometheus_too() {
    let config = Config { max_streams: 2, identity: IdentityMode::Prometheus, ..Config::default() };
    let mut world = World::new(config);
    let own = Sample {
        attributes: vec![("otel.metric.overflow".to_owned(), Attr::Bool(true))],
        ..Sample::delta("tokens", &[], 10, 11, 5)
    };
    world.at(100).send(&[own]);
    for i in 0..5 {
        world.send(&[Sample::delta("tokens", &[("session.id", &i.to_string())], 11 + i, 12 + i, 1)]);
    }
    world.tick(true);
    assert_eq!(world.sum("tokens"), 10);
    world.reader().assert_orderly();
}

/// Scenario: two spellings of one metric name, both without room for anything but the last overflow
/// (T0, T5). Guarantee: one series to a Prometheus reader, in one spelling.
#[test]
fn the_last_overflow_is_one_series_to_prometheus() {
    let config =
        Config { max_memory_bytes: 1 << 20, identity: IdentityMode::Prometheus, ..Config::default() };
    let mut world = World::new(config);
    let long = "x".repeat(20_000);
    for i in 0..200 {
        let (metric, name) = (if i % 2 == 0 { "to.kens" } else { "to_kens" }, format!("agent-{i}-{long}"));
        world.at(100 + i);
        world.send(&[Sample::delta(metric, &[], 10, 11 + i, 1).of_resource(&[("service.name", &name)])]);
    }
    world.tick(true);
    assert_eq!(world.outcomes.refused, 0);
    world.reader().assert_orderly();
    assert_eq!(world.sum("to_kens"), 200);
}

/// Scenario: an engine with much room, a stream idle for ten minutes, one point with 100 kB of attributes
/// (T5). Guarantee: the point overflows; nobody is forgotten for it, because that would make no room.
#[test]
fn oversized_points_evict_nobody() {
    let mut world = World::new(Config::default());
    world.at(1_000).send(&[Sample::delta("tokens", &[("session.id", "idle")], 990, 991, 5)]);
    let long = "x".repeat(100_000);
    world.at(1_600).send(&[Sample::delta("tokens", &[("session.id", &long)], 1_590, 1_591, 1)]);
    assert_eq!(world.engine.stats().evicted_streams, 0);
}

/// Scenario: merged gauges come and go for a long time (T4, L1). Guarantee: the budget is as it was: an
/// engine with a byte limit takes new streams as on the first day.
#[test]
fn merged_gauges_give_back_what_they_took() {
    let rules = vec![Rule { gauge: GaugeMerge::Sum, ..drop_sessions().remove(0) }];
    let (max_stale_nano, max_memory_bytes) = (60 * SECOND, 8 << 20);
    let mut world = World::new(Config { rules, max_stale_nano, max_memory_bytes, ..Config::default() });
    for round in 0..50 {
        let second = 1_000 * (round + 1);
        let gauges: Vec<_> =
            (0..100).map(|i| Sample::gauge("g", &[("user", &i.to_string())], second, 1.0)).collect();
        world.at(second).send(&gauges);
        for later in [100, 200, 300] {
            world.at(second + later).tick(false);
        }
        assert_eq!(world.engine.stats().streams, 0);
    }
    assert_eq!(world.outcomes.refused + world.outcomes.overflow, 0, "{:?}", world.outcomes);
}

/// Scenario: a full engine gets merged gauges from ever new members (T4, T5). Guarantee: within the budget.
#[test]
fn members_of_gauges_stay_within_the_budget() {
    let rules = vec![Rule { gauge: GaugeMerge::Sum, ..drop_sessions().remove(0) }];
    let limit = 8 << 20;
    let mut world = World::new(Config { rules, max_memory_bytes: limit, ..Config::default() });
    for round in 0..100 {
        let gauge = |i: u32| {
            let (user, session) = ((i % 100).to_string(), format!("{round}-{i}"));
            Sample::gauge("g", &[("user", &user), ("session.id", &session)], 1_000 + round, 1.0)
        };
        let gauges: Vec<_> = (0..4_000).map(gauge).collect();
        world.at(1_000 + round).send(&gauges);
    }
    let stats = world.engine.stats();
    assert!(stats.state_bytes + stats.text_bytes < limit + (2 << 20), "{stats:?}");
}

/// Scenario: streams whose first histogram is empty and small, then a large one each (T5). Guarantee:
/// within the budget, no count lost.
#[test]
fn growing_histograms_stay_within_the_budget() {
    let limit = 8 << 20;
    let mut world = World::new(Config { max_memory_bytes: limit, ..Config::default() });
    let bounds: Vec<f64> = (0..10_000).map(f64::from).collect();
    for (second, value) in [
        (1_000, histogram::explicit(&[], &[], 0.0)),
        (1_100, histogram::explicit(&bounds, &vec![1; 10_001], 1.0)),
    ] {
        for i in 0..400 {
            let point = Sample::delta("sizes", &[("user", &i.to_string())], second, second + 1, 0);
            let kind = tokenledger::batch::MetricKind::ExplicitHistogram;
            world.at(second + 10).send(&[Sample { kind, value: value.clone(), ..point }]);
        }
    }
    world.tick(true);
    let stats = world.engine.stats();
    assert!(stats.state_bytes + stats.text_bytes < limit + (2 << 20), "{stats:?}");
    let count: f64 = world.reader().latest("sizes").map(|output| output.value.size()).sum();
    assert_eq!(count, 400.0 * 10_001.0);
}

/// Scenario: exponential histograms of one bucket fill the budget, then grow to 160 buckets (T5, D13).
/// Guarantee: within the budget, no count lost.
#[test]
fn growing_exponential_histograms_stay_within_the_budget() {
    let limit = 8 << 20;
    let mut world = World::new(Config { max_memory_bytes: limit, ..Config::default() });
    for (second, offset) in [(1_000, 0), (1_100, 150)] {
        for i in 0..30_000 {
            let point = Sample::delta("sizes", &[("user", &i.to_string())], second, second + 1, 0);
            let kind = tokenledger::batch::MetricKind::ExponentialHistogram;
            let value = histogram::exponential(0, 0, offset, &[1], 1.0);
            world.at(second + 10).send(&[Sample { kind, value, ..point }]);
        }
    }
    world.tick(true);
    let stats = world.engine.stats();
    assert!(stats.state_bytes + stats.text_bytes < limit + (2 << 20), "{stats:?}");
    let count: f64 = world.reader().latest("sizes").map(|output| output.value.size()).sum();
    assert_eq!(count, 60_000.0);
}

/// Scenario: one histogram with many buckets, then one request with many empty points of its stream (D12).
/// Guarantee: the answer does not take a multiple of the budget.
#[test]
fn answers_of_histograms_stay_within_the_budget() {
    let limit = 8 << 20;
    let mut world = World::new(Config { max_memory_bytes: limit, ..Config::default() });
    let bounds: Vec<f64> = (0..10_000).map(f64::from).collect();
    let kind = tokenledger::batch::MetricKind::ExplicitHistogram;
    let point = |time, value| Sample { kind, value, ..Sample::delta("sizes", &[], 1_000, time, 0) };
    world.at(2_000).send(&[point(1_001, histogram::explicit(&bounds, &vec![1; 10_001], 1.0))]);
    let empty =
        |i: u64| Sample { time: at(1_900) + i * 100 * MILLI, ..point(0, histogram::explicit(&[], &[], 0.0)) };
    let empty: Vec<_> = (0..500).map(empty).collect();
    world.send(&empty);
    let bytes = world.result.bytes() as u64;
    assert!(bytes < limit, "{bytes} bytes of answers to {} points", empty.len());
}

/// Scenario: members of cumulative input fill the budget, fall silent, and stay so for two days (T3, T5).
/// Guarantee: tombstones make room: a new member is taken, not refused for the next 30 days.
#[test]
fn tombstones_make_room_for_members() {
    let config = Config { max_memory_bytes: 4 << 20, rules: drop_sessions(), ..Config::default() };
    let mut world = World::new(config);
    let member = |name: &str, second| Sample::total("tokens", &[("session.id", name)], second, second + 1, 1);
    for i in 0..40_000_u32 {
        world.at(1_000 + u64::from(i) / 1_000);
        world.send(&[member(&i.to_string(), 900)]);
    }
    assert!(world.outcomes.refused > 0, "the flood fills the budget");
    for hour in 0..48 {
        (0..5).for_each(|second| drop(world.at(1_100 + hour * 3_600 + second).tick(false)));
    }
    let refused = world.outcomes.refused;
    for i in 0..20 {
        world.at(180_000 + i).send(&[member(&format!("new-{i}"), 170_000)]);
    }
    assert_eq!(world.outcomes.refused, refused, "{:?}", world.engine.stats());
}

/// Scenario: idle source streams fill the budget (T5). Guarantee: a new ledger stream gets their room and
/// its own series.
#[test]
fn idle_sources_make_room_for_streams() {
    let config = Config { max_memory_bytes: 4 << 20, rules: drop_sessions(), ..Config::default() };
    let mut world = World::new(config);
    let point = |user: &str, session: &str, second| {
        Sample::delta("tokens", &[("user", user), ("session.id", session)], second - 1, second, 1)
    };
    for i in 0..40_000_u32 {
        world.at(1_000 + u64::from(i) / 1_000).send(&[point("a", &i.to_string(), 1_000)]);
    }
    world.at(5_000).send(&[point("a", "again", 5_000)]);
    for i in 0..20 {
        world.at(5_001 + i).send(&[point(&format!("b{i}"), "new", 5_000)]);
    }
    world.tick(true);
    assert_eq!(world.outcomes.overflow, 0, "{:?}", world.engine.stats());
}

/// Scenario: the store fills with streams, is forgotten, then fills with sources, then with long texts
/// (T5, L1). Guarantee: what the engine holds stays within the budget all the time.
#[test]
fn changing_floods_stay_within_the_budget() {
    let limit = 16 << 20;
    let config = Config {
        max_memory_bytes: limit,
        max_stale_nano: 60 * SECOND,
        rules: vec![Rule {
            metrics: vec!["trimmed".to_owned()],
            drop: vec!["session.id".to_owned()],
            ..Rule::default()
        }],
        ..Config::default()
    };
    let mut world = World::new(config);
    let long = "x".repeat(4_000);
    let mut second = 1_000;
    for (metric, key, count, suffix) in [
        ("plain", "user", 60_000, ""),
        ("trimmed", "session.id", 120_000, ""),
        ("plain", "user", 8_000, &*long),
    ] {
        for first in (0..count).step_by(1_000) {
            let point = |i: u32| {
                let value = format!("{i}{suffix}");
                Sample::delta(metric, &[(key, &value)], second, second + 1, 1)
            };
            let points: Vec<_> = (first..first + 1_000).map(point).collect();
            world.at(second + 2).send(&points);
        }
        world.tick(false);
        let stats = world.engine.stats();
        assert!(stats.state_bytes + stats.text_bytes < limit + (3 << 20), "{metric}: {stats:?}");
        for later in 0..40 {
            world.at(second + 200 + later * 2).tick(false);
        }
        second += 1_000;
    }
}

/// Scenario: 20,000 ordinary and 20,000 overflow streams; the ordinary ones were in use for longer, and all
/// have been idle for ten minutes (T5). Guarantee: new streams get the room of idle ones, though overflow
/// streams are spared.
#[test]
fn overflow_streams_do_not_hide_idle_ones() {
    let mut world = World::new(Config { max_streams: 20_000, ..Config::default() });
    let send = |world: &mut World, count: u32, second: u64| {
        world.at(second);
        for first in (0..count).step_by(1_000) {
            let point = |i: u32| Sample::delta(&format!("metric-{i}"), &[], second - 2, second - 1, 1);
            world.send(&(first..first + 1_000).map(point).collect::<Vec<_>>());
        }
    };
    send(&mut world, 40_000, 1_000);
    assert_eq!(world.engine.stats().streams, 40_000);
    send(&mut world, 20_000, 1_500);
    world.tick(false);
    for i in 0..200 {
        world.at(2_100 + i).send(&[Sample::delta("new", &[("user", &i.to_string())], 2_090, 2_091, 1)]);
        world.tick(false);
    }
    assert!(world.engine.stats().evicted_streams > 0, "{:?}", world.engine.stats());
}
