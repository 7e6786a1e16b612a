//! Exponential histograms (D13).

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::distribution::MAX_BUCKETS;
use crate::distribution::scale::{MAX_SCALE, shift, upper_edge};

const LIMIT: i64 = MAX_BUCKETS as i64;

/// What one client sends in one window: its observations in its own scale and zero threshold.
#[derive(Clone, Debug)]
pub struct Part {
    pub recorded: Recorded,
    pub observations: Vec<f64>,
    pub words: Words,
}

/// The smallest bucket edge at `scale` that is not below `threshold`.
pub fn widened(threshold: f64, scale: i32) -> f64 {
    if threshold == 0.0 { 0.0 } else { upper_edge(scale::index(threshold, scale), scale) }
}

/// A summary whose sum is exact in any order, however far the observations are apart.
fn exact_summary(observations: &[f64]) -> Summary {
    let sum = observations.iter().filter(|observation| **observation > 0.0).count() as f64;
    let sum = Some(sum).filter(|_| !observations.is_empty());
    Summary { count: observations.len() as u64, sum, ..summary(observations) }
}

fn observation() -> impl Strategy<Value = f64> {
    let sizes = prop_oneof![
        6 => 0.2..8.0_f64,
        2 => prop::sample::select(vec![0.25, 0.5, 1.0, 2.0, 4.0, 0.3, 0.5_f64.next_up()]),
        2 => (-1074..1024_i32, 1.0..2.0_f64).prop_map(|(exponent, mantissa)| {
            2.0_f64.powi(exponent.max(-1022)) * 2.0_f64.powi(exponent.min(-1022) + 1022) * mantissa
        }),
        1 => prop::sample::select(vec![f64::MAX, f64::from_bits(1), f64::MIN_POSITIVE, 1e300]),
        1 => Just(0.0),
    ];
    (sizes, prop::bool::weighted(0.3)).prop_map(|(size, below)| if below { -size } else { size })
}

pub fn threshold() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => Just(0.0),
        4 => prop::sample::select(vec![0.25, 0.3, 0.5, 1.0, 2.0, 1e-300, 1e300, f64::MAX, f64::from_bits(1)]),
        1 => 0.0..3.0_f64,
    ]
}

/// Windows wider than the limit are among them: they are recorded in up to 400 buckets.
pub fn part(
    observation: impl Strategy<Value = f64>,
    threshold: impl Strategy<Value = f64>,
) -> impl Strategy<Value = Part> {
    let scale = prop_oneof![4 => -3..8_i32, 2 => MIN_SCALE..=MAX_SCALE, 1 => Just(0)];
    (prop::collection::vec(observation, 0..40), scale, threshold, 0..4_u32).prop_map(
        |(observations, scale, threshold, padding)| {
            let recorded = record_within(400, scale, threshold, &observations);
            let words = recorded.words(exact_summary(&observations), padding);
            Part { recorded, observations, words }
        },
    )
}

/// What the total of `parts` has to be at `scale`: the histogram of all observations there. The zero
/// threshold is widened unless all parts agree with each other and with the total, and fit as they are.
fn expected_at(scale: i32, parts: &[Part]) -> Recorded {
    let threshold = parts.iter().map(|part| part.recorded.zero_threshold).fold(0.0, f64::max);
    let same = |part: &Part| part.recorded.zero_threshold == threshold && part.recorded.scale == scale;
    let all: Vec<f64> = parts.iter().flat_map(|part| part.observations.clone()).collect();
    let unchanged = record_exponential(scale, threshold, &all);
    if parts.iter().all(same) && unchanged.width() <= LIMIT {
        return unchanged;
    }
    record_exponential(scale, widened(threshold, scale), &all)
}

/// The finest scale at which the total of `parts` fits, with all bands up to `threshold` swallowed.
fn finest_fit(threshold: impl Fn(i32) -> f64, parts: &[Part]) -> i32 {
    let scale = parts.iter().map(|part| part.recorded.scale).min().unwrap();
    // Observations that their own client counted as zero have no bucket any more.
    let mut bucketed = Vec::new();
    for part in parts {
        bucketed.extend(part.observations.iter().filter(|o| o.abs() > part.recorded.zero_threshold));
    }
    let fits = |scale| record_exponential(scale, threshold(scale), &bucketed).width() <= LIMIT;
    (MIN_SCALE..=scale).rev().find(|scale| fits(*scale)).unwrap()
}

/// Adding nothing at `scale` brings a total there.
fn brought_to(scale: i32, words: &Words) -> Recorded {
    let threshold = Recorded::from_words(words).zero_threshold;
    let nothing = record_exponential(scale, threshold, &[]).words(summary(&[]), 0);
    Recorded::from_words(&merged([words, &nothing]))
}

fn check_limits(words: &Words) -> Result<(), TestCaseError> {
    let total = Recorded::from_words(words);
    prop_assert!(total.width() <= LIMIT, "{} buckets", total.width());
    let exponential = view(words).exponential().unwrap();
    for (_, counts) in [exponential.positive(), exponential.negative()] {
        prop_assert!(counts.first() != Some(&0) && counts.last() != Some(&0), "empty ends: {counts:?}");
    }
    Ok(())
}

/// Merges `parts` forwards, shuffled and in groups.
fn orders(parts: &[Part], order: &[usize], split: usize) -> Vec<Words> {
    let words: Vec<&Words> = parts.iter().map(|part| &part.words).collect();
    let mut shuffled: Vec<(usize, &Words)> = order.iter().copied().zip(words.iter().copied()).collect();
    shuffled.sort_by_key(|(key, _)| *key);
    let shuffled: Vec<&Words> = shuffled.into_iter().map(|(_, words)| words).collect();
    let mut totals = vec![merged(words.iter().copied()), merged(shuffled.iter().copied())];
    let (left, right) = shuffled.split_at(split % parts.len());
    if !left.is_empty() {
        totals.push(merged([&merged(right.iter().copied()), &merged(left.iter().copied())]));
    }
    totals
}

/// Scenario: the first point of a stream, its threshold on no edge. Guarantee: the total is that point.
#[test]
fn the_first_point_stays_as_it_is() {
    let first = record_exponential(1, 0.3, &[0.1, 0.31, -7.0, 900.0]).words(summary(&[1.0; 4]), 0);
    assert_eq!(merged([&first]), first);
    let empty = Distribution::empty_like(&view(&first));
    let expected = record_exponential(1, 0.3, &[]).words(summary(&[]), 0);
    assert_eq!(written(&empty), expected);
}

/// Scenario: the rival's order-dependent input: thresholds 0 and 0.3 at scale 0. Guarantee: 0.5 in both
/// orders, and what lies in (0.25, 0.5] is in the zero bucket on both sides.
#[test]
fn thresholds_are_widened_to_an_edge() {
    let (low, high) = ([0.26, -0.5, 0.6], [0.2, 0.4, 3.0]);
    let low = record_exponential(0, 0.0, &low).words(summary(&low), 0);
    let high = record_exponential(0, 0.3, &high).words(summary(&high), 0);
    for order in [[&low, &high], [&high, &low]] {
        let total = Recorded::from_words(&merged(order));
        assert_eq!((total.zero_threshold, total.zero_count), (0.5, 4));
        assert_eq!((total.positive, total.negative), (Indexed::from([(-1, 1), (1, 1)]), Indexed::new()));
    }
}

/// Scenario: a bucket at the far end that a later threshold swallows. Guarantee: the documented exception
/// and no more: the scale depends on the order, the counts at the coarser scale do not.
#[test]
fn a_swallowed_bucket_may_have_cost_a_scale() {
    let near = record_exponential(4, 0.0, &[1.5, 3.0]).words(summary(&[1.5, 3.0]), 0);
    let far = record_exponential(4, 0.0, &[1e-9]).words(summary(&[1e-9]), 0);
    let wide = record_exponential(4, 0.001, &[]).words(summary(&[]), 0);
    let (late, early) = (merged([&near, &far, &wide]), merged([&wide, &near, &far]));
    let (late_scale, early_scale) = (Recorded::from_words(&late).scale, Recorded::from_words(&early).scale);
    assert_eq!((late_scale, early_scale), (2, 4));
    assert_eq!(brought_to(2, &early), Recorded::from_words(&late));
}

/// Scenario: scales beyond what floats need. Guarantee: the same distribution under the nearest scale.
#[test]
fn scales_are_brought_within_limits() {
    let mut fine = Words::new();
    push_exponential(&mut fine, summary(&[1.0; 3]), 23, 0, 0.0, (-8, &[1, 0, 0, 0, 0, 0, 0, 0, 2]), (0, &[]));
    let total = Recorded::from_words(&merged([&fine]));
    assert_eq!((total.scale, total.positive), (MAX_SCALE, Indexed::from([(-1, 1), (0, 2)])));
    for scale in [-12, -40, i32::MIN] {
        let mut coarse = Words::new();
        push_exponential(&mut coarse, summary(&[1.0; 5]), scale, 0, 0.0, (-1, &[1, 2]), (-2, &[2]));
        let total = Recorded::from_words(&merged([&coarse]));
        assert_eq!(total.scale, MIN_SCALE);
        assert_eq!(
            (total.positive, total.negative),
            (Indexed::from([(-1, 1), (0, 2)]), Indexed::from([(-1, 2)]))
        );
    }
}

/// Scenario: sum, minimum and maximum through points with and without them. Guarantee: as for explicit
/// histograms; the sum is unknown once it was left out.
#[test]
fn the_summary_follows_the_same_rules() {
    let whole = record_exponential(0, 0.0, &[3.0]).words(summary(&[3.0]), 0);
    let bare = record_exponential(0, 0.0, &[3.0]).words(Summary { count: 1, ..Summary::default() }, 0);
    let expected = Summary { count: 2, ..Summary::default() };
    assert_eq!(view(&merged([&whole, &bare])).summary(), expected);
    let expected = Summary { count: 2, sum: Some(6.0), ..summary(&[3.0]) };
    assert_eq!(view(&merged([&whole, &whole])).summary(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// Scenario: windows of any scale and zero threshold, merged forwards, shuffled and in groups.
    /// Guarantee: each result is the histogram of all observations at its scale and threshold, within the
    /// limit, no count lost; brought to the coarsest of their scales, all are equal; the scale is never
    /// coarser than all buckets ever sent demand, nor finer than those that are left.
    #[test]
    fn merging_is_recording(
        parts in prop::collection::vec(part(observation(), threshold()), 1..7),
        order in prop::collection::vec(any::<usize>(), 7),
        split in 0..7_usize,
    ) {
        let totals = orders(&parts, &order, split);
        let largest = parts.iter().map(|part| part.recorded.zero_threshold).fold(0.0, f64::max);
        let (coarsest, finest) = (finest_fit(|_| 0.0, &parts), finest_fit(|scale| widened(largest, scale), &parts));
        let all: Vec<f64> = parts.iter().flat_map(|part| part.observations.clone()).collect();
        for words in &totals {
            check_limits(words)?;
            let total = Recorded::from_words(words);
            prop_assert!((coarsest..=finest).contains(&total.scale), "{} not in {coarsest}..={finest}", total.scale);
            prop_assert_eq!(view(words).summary(), exact_summary(&all));
            prop_assert_eq!(&total, &expected_at(total.scale, &parts));
        }
        let common = totals.iter().map(|words| Recorded::from_words(words).scale).min().unwrap();
        for words in &totals[1..] {
            prop_assert_eq!(brought_to(common, words), brought_to(common, &totals[0]));
        }
    }

    /// Scenario: the same with one zero threshold for all windows. Guarantee: the words are equal whatever
    /// the order and grouping, and the scale is the finest one that fits.
    #[test]
    fn with_one_threshold_order_does_not_show(
        parts in threshold().prop_flat_map(|one| prop::collection::vec(part(observation(), Just(one)), 1..7)),
        order in prop::collection::vec(any::<usize>(), 7),
        split in 0..7_usize,
    ) {
        let totals = orders(&parts, &order, split);
        let scales: BTreeSet<i32> = parts.iter().map(|part| part.recorded.scale).collect();
        for words in &totals {
            prop_assert_eq!(words, &totals[0]);
        }
        let one = parts[0].recorded.zero_threshold;
        let unchanged = scales.len() == 1 && finest_fit(|_| one, &parts) == parts[0].recorded.scale;
        let finest = finest_fit(|scale| if unchanged { one } else { widened(one, scale) }, &parts);
        prop_assert_eq!(Recorded::from_words(&totals[0]).scale, finest);
    }

    /// Scenario: buckets at any index of any scale, also below their own zero threshold, as only a hostile
    /// client writes them. Guarantee: no count is lost, the limit holds, and the order does not show.
    #[test]
    fn impossible_buckets_keep_their_counts(points in prop::collection::vec(impossible(), 1..6)) {
        let words: Vec<Words> = points.iter().map(|(_, _, words)| words.clone()).collect();
        let (total, reversed) = (merged(&words), merged(words.iter().rev()));
        check_limits(&total)?;
        let recorded = Recorded::from_words(&total);
        let kept: u64 = recorded.positive.values().chain(recorded.negative.values()).sum();
        prop_assert_eq!(kept + recorded.zero_count, view(&total).count());
        let common = recorded.scale.min(Recorded::from_words(&reversed).scale);
        prop_assert_eq!(brought_to(common, &total), brought_to(common, &reversed));
        if recorded.zero_threshold == 0.0 {
            prop_assert_eq!(&total, &reversed);
            for (scale, index, _) in &points {
                let index = index.map(|index| index >> shift(*scale, recorded.scale));
                prop_assert!(index.is_none_or(|index| recorded.positive.contains_key(&index)));
            }
        }
    }
}

/// Scale, index of the first bucket with observations, and words of a point at any scale and index.
fn impossible() -> impl Strategy<Value = (i32, Option<i64>, Words)> {
    let scale = prop_oneof![4 => -15..25_i32, 1 => any::<i32>()];
    let offset = prop_oneof![1 => any::<i32>(), 2 => -500..500_i32];
    let counts = prop::collection::vec(0..3_u64, 0..300);
    (scale, offset, threshold(), counts).prop_map(|(scale, offset, threshold, counts)| {
        let mut words = Words::new();
        let summary = Summary { count: 2 * counts.iter().sum::<u64>(), ..Summary::default() };
        let negative = (offset.wrapping_neg(), &counts[..]);
        push_exponential(&mut words, summary, scale, 0, threshold, (offset, &counts), negative);
        let first = counts.iter().position(|count| *count > 0);
        (scale, first.map(|first| i64::from(offset) + first as i64), words)
    })
}
