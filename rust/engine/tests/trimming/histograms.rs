//! Histograms of both kinds under trimming (D12, D13, T1): every observation is in its bucket.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokenledger::batch::{MetricKind, Temporality};
use tokenledger::distribution::exponential;
use tokenledger::{Config, Emit, IdentityMode};

use super::review::drop_sessions;
use crate::world::World;
use crate::world::batch::{Sample, Value};
use crate::world::histogram::{self, Shape};

/// Three sets of bounds; any two have 1.0 and 10.0 in common.
const BOUNDS: [&[f64]; 3] = [&[1.0, 10.0], &[0.5, 1.0, 10.0, 100.0], &[1.0, 5.0, 10.0]];

/// Observations in whole numbers, so that sums are exact.
#[derive(Clone, Debug)]
struct Drawn {
    session: u8,
    user: u8,
    observations: Vec<u16>,
    /// Which bounds, or how fine a scale.
    shape: u8,
    cumulative: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let who = (0..4_u8, 0..2_u8, 0..3_u8, prop::bool::weighted(0.3));
    (who, prop::collection::vec(0..300_u16, 0..20)).prop_map(
        |((session, user, shape, cumulative), observations)| Drawn {
            session,
            user,
            observations,
            shape,
            cumulative,
        },
    )
}

fn explicit(observations: &[u16], bounds: &[f64]) -> Value {
    let mut counts = vec![0; bounds.len() + 1];
    for observation in observations {
        counts[bounds.partition_point(|bound| *bound < f64::from(*observation))] += 1;
    }
    histogram::explicit(bounds, &counts, observations.iter().map(|o| f64::from(*o)).sum())
}

/// The index of the bucket of an observation above zero: the power of 2^(2^-scale) that it lies below.
fn index(observation: u16, scale: i32) -> i64 {
    // Whole numbers up to 300 lie on no bound of these scales but the powers of two, which are exact.
    ((f64::from(observation).log2() * f64::from(1 << scale)).ceil() as i64) - 1
}

fn exponential(observations: &[u16], scale: i32) -> Value {
    let zeros = observations.iter().filter(|o| **o == 0).count() as u64;
    let indexes: Vec<_> = observations.iter().filter(|o| **o > 0).map(|o| index(*o, scale)).collect();
    let first = indexes.iter().min().copied().unwrap_or(0);
    let mut counts = vec![0; indexes.iter().max().map_or(0, |last| (last - first) as usize + 1)];
    indexes.iter().for_each(|index| counts[(index - first) as usize] += 1);
    let sum = observations.iter().map(|o| f64::from(*o)).sum();
    histogram::exponential(scale, zeros, first as i32, &counts, sum)
}

/// By user: all observations, and the shapes in which they were sent.
type Observed = BTreeMap<u8, (Vec<u16>, Vec<u8>)>;

/// Sends deltas and, from sources of their own, running totals; says what each user observed, and in
/// which shapes.
fn run(config: Config, kind: MetricKind, batches: &[Vec<Drawn>]) -> (World, Observed) {
    let mut world = World::new(config);
    let mut totals = BTreeMap::<_, Vec<u16>>::new();
    let mut observed = Observed::new();
    let mut second = 1_000;
    for batch in batches {
        let mut samples = Vec::new();
        for drawn in batch {
            second += 1;
            let user = observed.entry(drawn.user).or_default();
            user.0.extend(&drawn.observations);
            user.1.push(drawn.shape);
            let source = (drawn.user, drawn.session, drawn.shape);
            let total = totals.entry(source).or_default();
            total.extend(if drawn.cumulative { drawn.observations.as_slice() } else { &[] });
            let observations = if drawn.cumulative { &*total } else { &drawn.observations };
            let value = match kind {
                MetricKind::ExplicitHistogram => explicit(observations, BOUNDS[usize::from(drawn.shape)]),
                _ => exponential(observations, i32::from(drawn.shape) + 2),
            };
            // Deltas and totals are different sources; so are those of different shapes.
            let session = format!("{}-{}-{}", drawn.session, drawn.shape, drawn.cumulative);
            let user = drawn.user.to_string();
            let attributes = [("user", user.as_str()), ("session.id", session.as_str())];
            let start = if drawn.cumulative { 900 } else { second - 1 };
            let temporality = if drawn.cumulative { Temporality::Cumulative } else { Temporality::Delta };
            let sample = Sample::delta("sizes", &attributes, start, second, 0);
            samples.push(Sample { kind, value, temporality, ..sample });
        }
        world.at(second + 1).send(&samples);
        if second % 3 == 0 {
            world.tick(false);
        }
    }
    world.tick(true);
    (world, observed)
}

fn configs() -> impl Strategy<Value = Config> {
    (any::<bool>(), any::<bool>()).prop_map(|(prometheus, each)| Config {
        identity: if prometheus { IdentityMode::Prometheus } else { IdentityMode::Otlp },
        emit: if each { Emit::Each } else { Emit::Interval },
        rules: drop_sessions(),
        ..Config::default()
    })
}

fn shape_of(world: &World, user: u8) -> Option<Shape> {
    let user = [("user".to_owned(), user.to_string().as_str().into())];
    let output = world.reader().latest("sizes").find(|output| output.attributes == user)?;
    Some(Shape::of(&output.value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Scenario: explicit histograms, deltas and totals, of sessions with three sets of bounds, trimmed to
    /// their user. Guarantee: count, sum, and the counts between the bounds that all have in common are
    /// those of all observations.
    #[test]
    fn explicit_histograms_hold_every_observation(
        config in configs(), batches in prop::collection::vec(prop::collection::vec(drawn(), 1..8), 1..10),
    ) {
        let (world, observed) = run(config, MetricKind::ExplicitHistogram, &batches);
        world.reader().assert_orderly();
        for (user, (observations, shapes)) in observed {
            let first = BOUNDS[usize::from(shapes[0])];
            let of_all = |bound: &&f64| shapes.iter().all(|shape| BOUNDS[usize::from(*shape)].contains(bound));
            let common: Vec<f64> = first.iter().filter(of_all).copied().collect();
            prop_assert_eq!(shape_of(&world, user), Some(Shape::of(&explicit(&observations, &common))));
        }
    }

    /// Scenario: the same with exponential histograms of three scales. Guarantee: at the coarsest scale
    /// that was sent, or one coarser still, every observation is in its bucket; never over 160 buckets.
    #[test]
    fn exponential_histograms_hold_every_observation(
        config in configs(), batches in prop::collection::vec(prop::collection::vec(drawn(), 1..8), 1..10),
    ) {
        let (world, observed) = run(config, MetricKind::ExponentialHistogram, &batches);
        world.reader().assert_orderly();
        for (user, (observations, shapes)) in observed {
            let coarsest = i32::from(*shapes.iter().min().unwrap()) + 2;
            let expected = Shape::of(&exponential(&observations, coarsest));
            let shape = shape_of(&world, user).unwrap();
            let span = shape.buckets.keys().max().zip(shape.buckets.keys().min());
            prop_assert!(span.is_none_or(|(last, first)| last - first < exponential::MAX_BUCKETS as i64));
            let scale = shape.scale.unwrap();
            prop_assert!(scale <= coarsest);
            prop_assert_eq!(shape, expected.at_scale(scale));
        }
    }
}
