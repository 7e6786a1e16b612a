//! Trimmed total = untrimmed total, to the last bit, for random clients (T0–T2), against a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokenledger::{Config, Emit, IdentityMode, Number, PrometheusLabels, ResourceRule, Rule};

use crate::world::batch::{Attr, Attributes, Sample, Scope, Value};
use crate::world::{BEGAN, MILLI, SECOND, World, at};

/// A point as drawn: who sends it, when, and how it is written.
#[derive(Clone, Debug)]
struct Drawn {
    resource: u8,
    scope: u8,
    metric: u8,
    user: u8,
    session: u8,
    model: u8,
    value: u16,
    /// Milliseconds before the batch; some are older than `max_lag`.
    age: u32,
    /// By how many places its attributes are rotated.
    rotation: u8,
    /// Whether it has 40 attributes more.
    wide: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let who = (0..4_u8, 0..3_u8, 0..4_u8, 0..3_u8, 0..6_u8, 0..5_u8);
    let what =
        (0..1_000_u16, prop_oneof![0..5_000_u32, 0..900_000_u32], any::<u8>(), prop::bool::weighted(0.1));
    (who, what).prop_map(|((resource, scope, metric, user, session, model), (value, age, rotation, wide))| {
        Drawn { resource, scope, metric, user, session, model, value, age, rotation, wide }
    })
}

/// What a reader may find spelled otherwise: keys with dots and underscores, numbers as text.
fn attributes(drawn: &Drawn) -> Attributes {
    let key = |dotted: &str, other: bool| if other { dotted.replace('.', "_") } else { dotted.to_owned() };
    let user = u8::from(drawn.user > 0);
    let mut attributes = vec![
        (
            key("user.id", drawn.user == 2),
            if drawn.user == 2 { Attr::Int(1) } else { Attr::Text(user.to_string()) },
        ),
        ("session.id".to_owned(), Attr::Text(format!("s{}", drawn.session))),
        ("model".to_owned(), Attr::Text(format!("m{}", drawn.model))),
        ("empty".to_owned(), Attr::from("")),
    ];
    if drawn.wide {
        attributes.extend((0..40).map(|i| (format!("wide.{i}"), Attr::Int(i))));
        attributes.push(("session.late".to_owned(), Attr::Int(drawn.session.into())));
    }
    let length = attributes.len();
    attributes.rotate_left(usize::from(drawn.rotation) % length);
    attributes
}

fn resource(number: u8) -> Attributes {
    let text = |key: &str, value: &str| (key.to_owned(), Attr::from(value));
    match number {
        0 => vec![text("service.name", "agent"), text("os.version", "1")],
        1 => vec![text("os.version", "2"), text("service.name", "agent")],
        2 => vec![text("service.name", "agent"), text("service.instance.id", "i"), text("host.name", "h")],
        _ => vec![text("service.name", "agent"), text("service.namespace", "team"), text("host.name", "h")],
    }
}

fn scope(number: u8) -> Scope {
    let version = if number == 2 { "2" } else { "1" };
    Scope { name: format!("scope-{}", number.min(1)), version: version.to_owned(), ..Scope::default() }
}

/// The samples of a batch that arrives at `now`; no two windows of the run are equal, because
/// `sequence` goes into their starts.
fn samples(batch: &[Drawn], now: u64, sequence: &mut u64) -> Vec<Sample> {
    let sample = |drawn: &Drawn| {
        *sequence += 1;
        let time = now - u64::from(drawn.age) * MILLI;
        let metric = ["to.kens", "to_kens", "cost", "lines"][usize::from(drawn.metric)];
        Sample {
            resource: resource(drawn.resource),
            scope: scope(drawn.scope),
            attributes: attributes(drawn),
            start: time - SECOND + *sequence,
            time,
            value: Value::Number(Number::Int(drawn.value.into())),
            monotonic: drawn.metric != 3,
            ..Sample::delta(metric, &[], 0, 0, 0)
        }
    };
    batch.iter().map(sample).collect()
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let metrics = |pattern: &str| vec![pattern.to_owned()];
    let strings = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let drop =
        Rule { metrics: metrics("*"), drop: strings(&["session.id", "session.late"]), ..Rule::default() };
    let keep =
        Rule { metrics: metrics("to?kens"), keep: Some(strings(&["model", "user.id"])), ..Rule::default() };
    let values = BTreeMap::from([("model".to_owned(), 2), ("session.id".to_owned(), 3)]);
    let limited = Rule { metrics: metrics("*"), max_values: values, ..Rule::default() };
    prop_oneof![
        Just(vec![]),
        Just(vec![drop.clone()]),
        Just(vec![keep.clone()]),
        Just(vec![limited.clone()]),
        Just(vec![drop, keep, limited]),
    ]
}

fn configs() -> impl Strategy<Value = Config> {
    let resources = prop_oneof![
        Just(ResourceRule::default()),
        Just(ResourceRule { drop: vec!["os.version".to_owned()], keep: None }),
        Just(ResourceRule { drop: vec![], keep: Some(vec!["service.name".to_owned()]) }),
    ];
    let promoted = (any::<bool>(), any::<bool>(), any::<bool>());
    let times = (any::<bool>(), prop_oneof![Just(0), Just(15 * SECOND)]);
    (any::<bool>(), promoted, rules(), resources, times).prop_map(
        |(prometheus, (some, all, scope), rules, resource_rule, (each, delay))| Config {
            identity: if prometheus { IdentityMode::Prometheus } else { IdentityMode::Otlp },
            prometheus: PrometheusLabels {
                promote_resource_attributes: if some { vec!["host.name".to_owned()] } else { vec![] },
                promote_all_resource_attributes: all,
                promote_scope_metadata: scope,
            },
            rules,
            resource_rule,
            emit: if each { Emit::Each } else { Emit::Interval },
            emit_interval_nano: 60 * SECOND,
            first_value_delay_nano: delay,
            ..Config::default()
        },
    )
}

/// What the next consumer does with a batch, and what comes after it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Taken,
    Refused,
    /// Taken, and the request comes again.
    Again,
    /// Taken, and the request comes again in two halves, its points in another order (D3b).
    Rebatched,
    Tick,
    RefusedTick,
}

fn thens() -> impl Strategy<Value = Then> {
    prop_oneof![
        3 => Just(Then::Taken),
        1 => Just(Then::Refused),
        1 => Just(Then::Again),
        1 => Just(Then::Rebatched),
        3 => Just(Then::Tick),
        1 => Just(Then::RefusedTick),
    ]
}

/// Sum of all deltas by metric as a Prometheus reader names it, and by what no rule touches.
fn truth(samples: &[Sample], exact: &mut BTreeMap<String, i64>) {
    for sample in samples {
        *exact.entry(crate::world::series::sanitised(&sample.metric)).or_default() += sample.value.int();
    }
}

fn run(config: Config, batches: &[(Vec<Drawn>, Then)]) -> (World, BTreeMap<String, i64>) {
    let mut world = World::new(config);
    let (mut exact, mut sequence) = (BTreeMap::new(), 0);
    for (number, (batch, then)) in batches.iter().enumerate() {
        world.at(1_000 + 7 * number as u64);
        let samples = samples(batch, BEGAN + world.elapsed, &mut sequence);
        truth(&samples, &mut exact);
        let duplicates = world.outcomes.duplicate;
        match then {
            Then::Refused => world.send_refused(&samples),
            _ => drop(world.send(&samples)),
        }
        match then {
            Then::Again => {
                let mut again = samples.clone();
                again.reverse();
                world.send(&again);
                assert_eq!(world.outcomes.duplicate, duplicates + samples.len() as u64);
            }
            Then::Rebatched => {
                let (first, second) = samples.split_at(samples.len() / 2);
                world.send(second);
                world.send(first);
                // Four windows are remembered per source; with more of one in a batch nothing is promised.
            }
            Then::Tick => drop(world.tick(false)),
            Then::RefusedTick => world.tick_refused(),
            Then::Taken | Then::Refused => {}
        }
    }
    world.tick(true);
    (world, exact)
}

/// Batches in which no source sends more than four windows, so that all of them are recognised (D3b).
fn batches() -> impl Strategy<Value = Vec<(Vec<Drawn>, Then)>> {
    let few_windows = |batch: Vec<Drawn>| {
        let mut windows = BTreeMap::<_, u32>::new();
        let source = |d: &Drawn| (d.resource, d.scope, d.metric, d.user, d.session, d.model, d.wide);
        batch
            .into_iter()
            .filter(|drawn| {
                let count = windows.entry(source(drawn)).or_default();
                *count += 1;
                *count <= 4
            })
            .collect::<Vec<_>>()
    };
    prop::collection::vec((prop::collection::vec(drawn(), 1..25).prop_map(few_windows), thens()), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Scenario: random clients, rules and identities; deliveries refused, requests repeated whole and in
    /// parts. Guarantee: per metric, the latest totals of all series add up to all deltas; times, values
    /// and spellings are orderly.
    #[test]
    fn trimmed_totals_are_the_untrimmed_ones(config in configs(), batches in batches()) {
        let (world, exact) = run(config, &batches);
        for (metric, total) in exact {
            prop_assert_eq!(world.sum(&metric), total, "{}", metric);
        }
        world.reader().assert_orderly();
        // A zero that was refused together with its value does not come again (L4).
        if batches.iter().all(|(_, then)| !matches!(then, Then::Refused | Then::RefusedTick)) {
            world.reader().assert_zeros();
        }
    }

    /// Scenario: the same run, trimmed and not. Guarantee: what rules left in place has the same totals.
    #[test]
    fn what_stays_has_the_same_totals(config in configs(), batches in batches()) {
        let plain = Config { rules: vec![], resource_rule: ResourceRule::default(), ..config.clone() };
        let totals = |world: &World| {
            let mut totals = BTreeMap::<_, i64>::new();
            for output in ["to.kens", "cost", "lines"].iter().flat_map(|metric| world.reader().latest(metric)) {
                let name = crate::world::series::sanitised(&output.metric);
                let service = output.resource.iter().find(|(key, _)| key == "service.name").cloned();
                *totals.entry(format!("{:?}", (name, service))).or_default() += output.value.int();
            }
            totals
        };
        let ((trimmed, _), (plain, _)) = (run(config, &batches), run(plain, &batches));
        prop_assert_eq!(totals(&trimmed), totals(&plain));
    }
}

/// Scenario: the clock of [`at`] and of batches agree. Guarantee: the builder's times are what they say.
#[test]
fn times_are_those_of_the_world() {
    let sample = Sample::delta("m", &[], 1, 2, 3);
    assert_eq!((sample.start, sample.time), (at(1), BEGAN + 2 * SECOND));
}
