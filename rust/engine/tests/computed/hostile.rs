//! Faults found in review: input that makes computing dear.

use std::time::{Duration, Instant};

use tokenledger::Config;

use crate::world::batch::{Attr, Sample, WorldBatch};
use crate::{SONNET, TYPES, priced, tokens, world};

/// How long one request takes, with prices and without.
fn durations(config: &Config, samples: &[Sample]) -> [Duration; 2] {
    [priced(config.clone()), config.clone()].map(|config| {
        let mut world = world(config);
        world.at(5);
        let batch = WorldBatch::new(samples, &Vec::new());
        let begin = Instant::now();
        world.engine.consume(&batch, world.now(), &mut world.result).unwrap();
        begin.elapsed()
    })
}

/// Scenario: a request of half a MiB of resource attributes and 300 sessions beneath them. Guarantee: each point takes
/// less than a millisecond (design §9, hostility), whatever stands above it.
#[test]
fn a_large_resource_is_not_read_for_each_session() {
    let resource: Vec<_> =
        (0..20_000).map(|number| (format!("key-{number}"), Attr::from("value of it"))).collect();
    let points: Vec<_> = (0..300)
        .map(|number| {
            let point = tokens(&number.to_string(), SONNET, "cacheRead", 5, 100);
            Sample { resource: resource.clone(), ..point }
        })
        .collect();
    let [with, without] = durations(&Config::default(), &points);
    assert!(with < without + Duration::from_millis(300), "{with:?}, without prices {without:?}");
}

/// Scenario: points with 1 MiB of attributes of their own, which have no stream of their own (T5). Guarantee: a
/// millisecond per point more at most for their price.
#[test]
fn points_with_many_attributes_are_not_dear() {
    let points: Vec<_> = (0..10)
        .map(|number| {
            let mut point = tokens(&number.to_string(), SONNET, "cacheRead", 5, 100);
            point.attributes.extend((0..50_000).map(|key| (format!("k{key}"), Attr::from("value of it"))));
            point
        })
        .collect();
    let [with, without] = durations(&Config::default(), &points);
    assert!(with < without + Duration::from_millis(10), "{with:?}, without prices {without:?}");
}

/// Scenario: five models, four types, main and other conversations of 25 people, in an engine with the budget of a
/// container of 512 MiB. Guarantee: what is worked out once stays: a request takes about as long as without a budget.
#[test]
fn an_ordinary_fleet_fits_an_ordinary_budget() {
    let models = [
        "claude-sonnet-4-5-20250929",
        "claude-opus-4-8",
        "claude-haiku-4-5",
        "claude-opus-4-6",
        "claude-sonnet-4-6",
    ];
    let request = |second: u64| -> Vec<Sample> {
        let mut points = Vec::new();
        for number in 0..1_000 {
            let (model, token_type) = (models[number % 5], TYPES[number / 5 % 4].0);
            let mut point = tokens(&(number / 40).to_string(), model, token_type, second, 100);
            let query = if number / 20 % 2 == 0 { "main" } else { "subagent" };
            point.attributes.push(("query_source".to_owned(), Attr::from(query)));
            points.push(point);
        }
        points
    };
    // The best of many rounds, so that other work on the machine does not count.
    let best = |max_memory_bytes: u64| {
        let mut world = world(priced(Config { max_memory_bytes, ..Config::default() }));
        let mut best = Duration::MAX;
        for second in 10..40 {
            world.at(second);
            let batch = WorldBatch::new(&request(second), &Vec::new());
            let begin = Instant::now();
            world.engine.consume(&batch, world.now(), &mut world.result).unwrap();
            best = best.min(begin.elapsed());
        }
        best
    };
    let (with, without) = (best(128 << 20), best(0));
    assert!(with < 2 * without, "{with:?} with a budget, {without:?} without");
}
