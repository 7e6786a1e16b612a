//! What must hold for every input (design §4), by proptest.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use support::{BEGAN, Harness, Point, SECOND, config, interval};
use tokenledger::{Config, Number};

/// Windows of a few streams, in any order, with gaps, overlaps, repeats and impossible starts.
fn points() -> impl Strategy<Value = Vec<Point>> {
    let one =
        (0..5_u8, 0..900_u64, 0..900_u64, 0..1_000_i64).prop_map(|(stream, start, time, value)| Point {
            stream: format!("s{stream}"),
            start: if start == 0 { 0 } else { BEGAN + start * SECOND },
            time: BEGAN + time.max(1) * SECOND,
            value: Number::Int(value),
            no_value: false,
            monotonic: true,
        });
    prop::collection::vec(one, 1..60)
}

/// Sum of distinct windows by stream: what a reader must see in the end.
///
/// The engine remembers four windows per stream, so inputs here repeat a window only in whole
/// (see `without_repeats`) or right after itself.
fn truth(points: &[Point]) -> BTreeMap<String, i64> {
    let mut totals = BTreeMap::new();
    for point in points {
        let Number::Int(value) = point.value else { unreachable!() };
        *totals.entry(point.stream.clone()).or_default() += value;
    }
    totals
}

fn without_repeats(points: Vec<Point>) -> Vec<Point> {
    let mut seen = BTreeSet::new();
    points.into_iter().filter(|p| seen.insert((p.stream.clone(), p.start, p.time, p.value.bits()))).collect()
}

fn totals(harness: &Harness) -> BTreeMap<String, i64> {
    let last = |out: &Vec<support::Out>| match out.last().unwrap().value {
        Number::Int(value) => value,
        Number::Double(_) => unreachable!("only integers were sent"),
    };
    harness.out.iter().map(|(stream, out)| (stream.clone(), last(out))).collect()
}

/// Times of each stream strictly increase and values never fall.
fn assert_orderly(harness: &Harness) -> Result<(), TestCaseError> {
    for (stream, out) in &harness.out {
        for pair in out.windows(2) {
            prop_assert!(pair[0].milli < pair[1].milli, "{stream}: {pair:?}");
            prop_assert!(pair[0].value.as_f64() <= pair[1].value.as_f64(), "{stream}: {pair:?}");
        }
        prop_assert_eq!(out[0].value, Number::Int(0), "{} begins with a zero", stream);
        prop_assert!(out[0].milli > 0, "{stream}: nothing at or before the engine's start");
    }
    for starts in harness.starts.values() {
        prop_assert!(starts.iter().all(|start| start == &starts[0]), "the start never changes");
    }
    Ok(())
}

fn configs() -> impl Strategy<Value = Config> {
    (any::<bool>(), prop_oneof![Just(0), Just(5 * SECOND)], prop_oneof![Just(300 * SECOND), Just(0)])
        .prop_map(|(each, first_value_delay_nano, max_lag_nano)| {
            let config = Config { first_value_delay_nano, max_lag_nano, ..config() };
            if each { config } else { interval(config) }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Scenario: any windows, split into batches anywhere, with ticks between. Guarantee: the last
    /// total is the sum of the deltas; times and values are orderly.
    #[test]
    fn the_last_total_is_the_sum_of_the_deltas(
        config in configs(), points in points().prop_map(without_repeats), splits in prop::collection::vec(1..8_usize, 1..60),
    ) {
        let mut harness = Harness::new(config);
        let mut rest = points.as_slice();
        for (round, size) in splits.iter().cycle().enumerate() {
            if rest.is_empty() {
                break;
            }
            let (batch, others) = rest.split_at((*size).min(rest.len()));
            harness.at(600 + round as u64).send(batch);
            if round % 3 == 0 {
                harness.tick(false);
            }
            rest = others;
        }
        harness.tick(true);
        prop_assert_eq!(totals(&harness), truth(&points));
        assert_orderly(&harness)?;
    }

    /// Scenario: one set of windows in two orders and two splits. Guarantee: the same totals.
    #[test]
    fn order_and_split_do_not_matter(points in points().prop_map(without_repeats), seed in any::<u64>()) {
        let mut whole = Harness::new(config());
        whole.at(1_000).send(&points);
        whole.tick(true);
        let mut shuffled = points.clone();
        let mut state = seed | 1;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let mut single = Harness::new(config());
        single.at(1_000);
        shuffled.iter().for_each(|point| drop(single.send(std::slice::from_ref(point))));
        single.tick(true);
        prop_assert_eq!(totals(&whole), totals(&single));
        assert_orderly(&whole)?;
        assert_orderly(&single)?;
    }

    /// Scenario: every request is sent again, at any later moment of the run, its points in another
    /// order. Guarantee: totals as if each came once (D3a).
    #[test]
    fn repeated_requests_add_nothing(
        requests in prop::collection::vec(points().prop_map(without_repeats), 1..6), again in any::<prop::sample::Index>(),
    ) {
        let all = without_repeats(requests.concat());
        // Windows that two requests share would be told apart only by rule D3b.
        prop_assume!(all.len() == requests.iter().map(Vec::len).sum::<usize>());
        let mut harness = Harness::new(config());
        for (i, request) in requests.iter().enumerate() {
            harness.at(1_000 + i as u64).send(request);
            let mut repeat = requests[again.index(i + 1)].clone();
            repeat.reverse();
            harness.send(&repeat);
            prop_assert_eq!(harness.result.outcomes.duplicate, repeat.len() as u64);
        }
        harness.tick(true);
        prop_assert_eq!(totals(&harness), truth(&all));
        assert_orderly(&harness)?;
    }

    /// Scenario: a limit smaller than the number of streams. Guarantee: all totals together are
    /// exact, whatever overflows (T5).
    #[test]
    fn overflow_loses_nothing(points in points().prop_map(without_repeats), max_streams in 1..5_u32) {
        let mut harness = Harness::new(Config { max_streams, ..config() });
        for (i, batch) in points.chunks(7).enumerate() {
            harness.at(1_000 + i as u64).send(batch);
        }
        harness.tick(true);
        let sum: i64 = totals(&harness).values().sum();
        prop_assert_eq!(sum, truth(&points).values().sum::<i64>());
    }
}
