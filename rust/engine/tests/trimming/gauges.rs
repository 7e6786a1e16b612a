//! Gauges under rules (T4), against plain models.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokenledger::{Config, Emit, GaugeMerge, IdentityMode, Number, Outcomes, ResourceRule};

use super::review::drop_sessions;
use crate::world::batch::{Sample, Value};
use crate::world::{World, at};

fn config(gauge: GaugeMerge, each: bool) -> Config {
    let mut rules = drop_sessions();
    rules[0].gauge = gauge;
    Config { rules, emit: if each { Emit::Each } else { Emit::Interval }, ..Config::default() }
}

fn merges() -> impl Strategy<Value = GaugeMerge> {
    prop_oneof![Just(GaugeMerge::Last), Just(GaugeMerge::Sum), Just(GaugeMerge::Max)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Scenario: gauges of two users from four sessions each, in any order of their times, within the five
    /// minutes that a member counts. Guarantee: the merged gauge is the last value by time, or the sum or
    /// the greatest of each member's last; what is not newer adds nothing.
    #[test]
    fn merged_gauges_follow_the_rule(
        merge in merges(), each in any::<bool>(),
        points in prop::collection::vec((0..2_u8, 0..4_u8, 0..100_u64, -50..50_i32), 1..60),
        size in 1..20_usize,
    ) {
        let mut world = World::new(config(merge, each));
        // By user: of each session, time and value; of all, the latest.
        let mut members = BTreeMap::<(u8, u8), (u64, f64)>::new();
        let mut latest = BTreeMap::<u8, (u64, f64)>::new();
        let mut superseded = 0;
        for (round, batch) in points.chunks(size).enumerate() {
            let samples: Vec<_> = batch.iter().map(|(user, session, time, value)| {
                let (user, session) = (user.to_string(), session.to_string());
                let attributes = [("user", user.as_str()), ("session.id", session.as_str())];
                Sample::gauge("g", &attributes, 1_000 + time, f64::from(*value))
            }).collect();
            world.at(1_100 + round as u64).send(&samples);
            for (user, session, time, value) in batch {
                let value = f64::from(*value);
                let stale = match merge {
                    GaugeMerge::Last => latest.get(user).is_some_and(|(at, _)| time <= at),
                    _ => members.get(&(*user, *session)).is_some_and(|(at, _)| time <= at),
                };
                superseded += u64::from(stale);
                if !stale {
                    latest.insert(*user, (*time, value));
                    members.insert((*user, *session), (*time, value));
                }
            }
        }
        world.tick(true);
        prop_assert_eq!(world.outcomes.superseded, superseded);
        for (user, (_, last)) in latest {
            let values = members.iter().filter(|((of, _), _)| *of == user).map(|(_, (_, value))| *value);
            let expected = match merge {
                GaugeMerge::Last => last,
                GaugeMerge::Sum => values.sum(),
                GaugeMerge::Max => values.fold(f64::NEG_INFINITY, f64::max),
            };
            let user = (("user".to_owned()), user.to_string().as_str().into());
            let series: Vec<_> =
                world.reader().latest("g").filter(|output| output.attributes == [user.clone()]).collect();
            prop_assert_eq!(series.len(), 1);
            prop_assert_eq!(&series[0].value, &Value::Number(Number::Double(expected)));
        }
        world.reader().assert_orderly();
    }
}

/// Scenario: a gauge where only `identity: prometheus` is set; then one whose resource loses an attribute.
/// Guarantee: the first passes untouched, whatever its value (D14); the second is merged (T4).
#[test]
fn t4_only_rules_touch_gauges() {
    let mut world = World::new(Config { identity: IdentityMode::Prometheus, ..Config::default() });
    let out = world.at(100).send(&[Sample::gauge("g", &[("a", "b")], 50, f64::NAN)]);
    assert_eq!(world.result.outcomes, Outcomes { untouched: 1, ..Outcomes::default() });
    assert_eq!((out.len(), out[0].written, out[0].time), (1, false, at(50)));
    let resource_rule = ResourceRule { drop: vec!["host.name".to_owned()], keep: None };
    let mut world = World::new(Config { resource_rule, ..Config::default() });
    let gauge = |host, time, value| {
        Sample::gauge("g", &[], time, value).of_resource(&[("host.name", host), ("service.name", "agent")])
    };
    world.at(100).send(&[gauge("a", 50, 1.0), gauge("b", 40, 2.0)]);
    world.send(&[gauge("b", 60, 3.0)]);
    assert_eq!((world.outcomes.accepted, world.outcomes.superseded), (2, 1));
    assert_eq!(world.reader().series.len(), 1);
    let values: Vec<_> = world.reader().series.values().flatten().map(|output| output.value.size()).collect();
    assert_eq!(values, [1.0, 3.0]);
}

/// Scenario: a member of a summed gauge falls silent for six minutes (T4). Guarantee: it counts no longer.
#[test]
fn t4_silent_members_leave_the_sum() {
    let mut world = World::new(config(GaugeMerge::Sum, true));
    let gauge = |session, time, value| Sample::gauge("g", &[("session.id", session)], time, value);
    world.at(1_000).send(&[gauge("a", 1_000, 5.0), gauge("b", 1_001, 7.0)]);
    world.at(1_361).send(&[gauge("b", 1_361, 8.0)]);
    let values: Vec<_> = world.reader().series.values().flatten().map(|output| output.value.size()).collect();
    assert_eq!(values, [12.0, 8.0]);
}
