//! Faults found in review of cumulative input.

use tokenledger::{Config, Rule};

use crate::world::batch::Sample;
use crate::world::{SECOND, World};

pub fn drop_sessions() -> Vec<Rule> {
    vec![Rule { metrics: vec!["*".to_owned()], drop: vec!["session.id".to_owned()], ..Rule::default() }]
}

fn trimmed(max_stale: u64) -> World {
    World::new(Config { rules: drop_sessions(), max_stale_nano: max_stale * SECOND, ..Config::default() })
}

fn member(name: &str, start: u64, time: u64, total: i64) -> Sample {
    Sample::total("tokens", &[("session.id", name)], start, time, total)
}

/// Scenario: a member becomes a tombstone, comes back and falls silent again, twice (T3). Guarantee: the
/// number of sources is right: new members are taken.
#[test]
fn members_that_return_are_counted_once() {
    let mut world = trimmed(60);
    for round in 1..4 {
        let second = round * 1_000;
        world.at(second).send(&[member("a", 500, second, round as i64)]);
        for later in [100, 200, 300] {
            world.at(second + later).tick(false);
        }
        assert_eq!(world.engine.stats().tombstones, 1);
    }
    world.at(5_000).send(&[member("b", 4_990, 5_000, 7)]);
    assert_eq!(world.outcomes.refused, 0);
    world.tick(true);
    assert_eq!(world.outcomes.baseline, 0);
}

/// Scenario: one client's clock is a year ahead; its stream is forgotten (T3). Guarantee: members that
/// begin later count in full all the same, in every shard.
#[test]
fn a_clock_ahead_does_not_spoil_what_comes_later() {
    let mut world = trimmed(60);
    let ahead = 365 * 24 * 3_600;
    world.at(1_000).send(&[Sample::delta("tokens", &[("session.id", "ahead")], 1_000, ahead, 1)]);
    for later in [100, 200, 300] {
        world.at(1_000 + later).tick(false);
    }
    assert_eq!(world.engine.stats().source_streams, 0);
    // Enough of them that some fall into the same shard.
    for i in 0..1_000 {
        world.at(2_000).send(&[member(&i.to_string(), 1_990, 2_000, 1)]);
    }
    assert_eq!(world.outcomes.baseline, 0);
}
