//! Faults found in review of trimming.

use tokenledger::{Config, IdentityMode, PrometheusLabels, Rule};

use crate::world::World;
use crate::world::batch::{Sample, texts};

pub fn drop_sessions() -> Vec<Rule> {
    vec![Rule { metrics: vec!["*".to_owned()], drop: vec!["session.id".to_owned()], ..Rule::default() }]
}

/// Scenario: 33 attributes, the first of which is dropped; then the first and the last change places (T1).
/// Guarantee: the same attribute is removed, wherever it stands.
#[test]
fn removals_follow_the_order_of_attributes() {
    let mut world = World::new(Config { rules: drop_sessions(), ..Config::default() });
    let names: Vec<String> = (0..32).map(|i| format!("key-{i}")).collect();
    let mut attributes = vec![("session.id", "s")];
    attributes.extend(names.iter().map(|name| (name.as_str(), "v")));
    world.at(100).send(&[Sample::delta("tokens", &attributes, 10, 11, 1)]);
    attributes.swap(0, 32);
    world.send(&[Sample::delta("tokens", &attributes, 11, 12, 2)]);
    world.tick(true);
    assert_eq!(world.reader().series.len(), 1, "{:#?}", world.reader().series.keys());
    assert_eq!(world.sum("tokens"), 3);
}

/// Scenario: all resource attributes are labels; two clients name one of them differently (T0). Guarantee:
/// one series to the reader, in one spelling: the exporter keys by the names as they are.
#[test]
fn promoted_resource_attributes_are_spelled_in_one_way() {
    let prometheus =
        PrometheusLabels { promote_all_resource_attributes: true, ..PrometheusLabels::default() };
    let config = Config { identity: IdentityMode::Prometheus, prometheus, ..Config::default() };
    let mut world = World::new(config);
    let point = |key, time, value| {
        Sample::delta("tokens", &[], time - 1, time, value)
            .of_resource(&[("service.name", "agent"), (key, "linux")])
    };
    world.at(100).send(&[point("os.type", 11, 1)]);
    world.send(&[point("os_type", 12, 2)]);
    world.tick(true);
    assert_eq!(world.sum("tokens"), 3);
    let outputs = world.reader().series.values().flatten();
    let mut keys: Vec<_> = outputs.map(|output| output.resource[1].0.clone()).collect();
    keys.dedup();
    assert_eq!(keys, ["os.type"], "what becomes a label is spelled as the first time");
}

/// Scenario: a promoted resource attribute and a point's own attribute have one name (T0): the exporter
/// writes the resource's over the point's. Guarantee: the reader sees the sum, not one of two totals.
#[test]
fn a_resource_label_and_a_points_own_are_one() {
    let prometheus =
        PrometheusLabels { promote_all_resource_attributes: true, ..PrometheusLabels::default() };
    let config = Config { identity: IdentityMode::Prometheus, prometheus, ..Config::default() };
    let mut world = World::new(config);
    for (i, model) in ["opus", "haiku"].into_iter().enumerate() {
        let point = Sample::delta("tokens", &[("model", model)], 10, 11, 1 + i as i64);
        world.at(100).send(&[point.of_resource(&[("service.name", "agent"), ("model", "any")])]);
    }
    world.tick(true);
    assert_eq!(world.engine.stats().streams, 1);
}

/// Scenario: two client versions give one metric the units `` and `{token}`, which no exporter writes
/// (T0). Guarantee: one series to a Prometheus reader.
#[test]
fn units_in_braces_do_not_tell_metrics_apart() {
    let mut world = World::new(Config { identity: IdentityMode::Prometheus, ..Config::default() });
    world.at(100).send(&[Sample::delta("tokens", &[], 10, 11, 1)]);
    world.send(&[Sample { unit: "{token}".to_owned(), ..Sample::delta("tokens", &[], 11, 12, 2) }]);
    world.tick(true);
    assert_eq!(world.engine.stats().streams, 1);
}

/// Scenario: many streams with a large resource each go out at one tick (L3). Guarantee: each chunk stays
/// below what a gRPC receiver takes, resources included.
#[test]
fn chunks_of_ticks_count_resources_too() {
    let mut world = World::new(Config { emit: tokenledger::Emit::Interval, ..Config::default() });
    let long = "x".repeat(2_000);
    for i in 0..6_000 {
        let name = format!("{i}{long}");
        world
            .at(100)
            .send(&[Sample::delta("tokens", &[], 10, 11, 1).of_resource(&[("service.name", &name)])]);
    }
    let mut tick = tokenledger::Tick::default();
    let mut largest = 0;
    while !tick.is_done() {
        world.engine.tick(world.now(), false, &mut tick).unwrap();
        let bytes: usize =
            tick.metrics().map(|metric| metric.descriptor.scope.resource.attributes.len()).sum();
        largest = largest.max(bytes);
    }
    assert!(largest < 4 << 20, "a chunk holds {largest} bytes of resources");
}

/// Scenario: a value limit for an attribute that another rule drops from some metrics (T2). Guarantee:
/// the values of what is dropped take no place among the first.
#[test]
fn dropped_attributes_take_no_place_among_the_first_values() {
    let mut limited = drop_sessions().remove(0);
    limited.drop.clear();
    limited.max_values.insert("model".to_owned(), 1);
    let dropped = Rule { metrics: vec!["b".to_owned()], drop: vec!["model".to_owned()], ..Rule::default() };
    let mut world = World::new(Config { rules: vec![limited, dropped], ..Config::default() });
    world.at(100).send(&[Sample::delta("b", &[("model", "one")], 10, 11, 1)]);
    let sent = world.send(&[Sample::delta("a", &[("model", "two")], 10, 11, 1)]);
    assert_eq!(sent[0].attributes, texts(&[("model", "two")]));
}
