//! Rule T5 by example.

use tokenledger::{Config, Rule};

use crate::world::World;
use crate::world::batch::{Attr, Sample};

pub fn drop_sessions() -> Vec<Rule> {
    vec![Rule { metrics: vec!["*".to_owned()], drop: vec!["session.id".to_owned()], ..Rule::default() }]
}

/// Scenario: more metrics of more resources than there is room for, and an SDK that marks its own
/// overflow with the same attribute. Guarantee: the sum over all series is exact.
#[test]
fn the_overflow_of_a_client_and_ours_are_one() {
    let mut world = World::new(Config { max_streams: 2, ..Config::default() });
    let own = Sample {
        attributes: vec![("otel.metric.overflow".to_owned(), Attr::Bool(true))],
        ..Sample::delta("tokens", &[], 10, 11, 5)
    };
    world.at(100).send(std::slice::from_ref(&own));
    for i in 0..5 {
        world.send(&[Sample::delta("tokens", &[("session.id", &i.to_string())], 11 + i, 12 + i, 1)]);
    }
    world.send(&[Sample { start: own.time, time: own.time + 1, ..own }]);
    world.tick(true);
    world.reader().assert_orderly();
    assert_eq!(world.sum("tokens"), 15);
    assert_eq!(world.outcomes.overflow, 4);
}
