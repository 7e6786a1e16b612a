//! Cumulative members: the increases add up to what the client observed (T3).

use proptest::prelude::*;

use super::exponential::{part, threshold, widened};
use super::*;
use crate::distribution::Change;

/// The lives of one client: in each, snapshots of all observations since its start.
struct Sequence {
    snapshots: Vec<(Words, Change)>,
    /// All observations of all lives.
    observations: Vec<f64>,
}

/// Records each step with the observations before it in the same life. A life begins with fewer
/// observations than the one before it had, so that the count shows the restart; others are left out.
fn sequence<S>(lives: &[Vec<(S, Vec<f64>)>], record: impl Fn(&S, &[f64]) -> Words) -> Sequence {
    let mut sequence = Sequence { snapshots: Vec::new(), observations: Vec::new() };
    let mut last_count = None;
    for life in lives {
        let first = life.first().map_or(0, |(_, observations)| observations.len());
        if life.is_empty() || last_count.is_some_and(|last| first >= last) {
            continue;
        }
        let mut so_far = Vec::new();
        let mut change = if last_count.is_some() { Change::Restart } else { Change::Increase };
        for (shape, added) in life {
            so_far.extend_from_slice(added);
            sequence.snapshots.push((record(shape, &so_far), change));
            change = Change::Increase;
        }
        last_count = Some(so_far.len());
        sequence.observations.extend(so_far);
    }
    sequence
}

/// Feeds the snapshots to a member and adds up its increases.
fn total_of_increases(snapshots: &[(Words, Change)]) -> Result<Words, TestCaseError> {
    let mut member = Distribution::empty_like(&view(&snapshots[0].0));
    let mut total: Option<Distribution> = None;
    let mut increase = Words::new();
    for (snapshot, expected) in snapshots {
        increase.clear();
        prop_assert_eq!(member.advance(&view(snapshot), &mut increase).unwrap(), *expected);
        let point = view(&increase);
        if let Some(explicit) = point.explicit() {
            prop_assert_eq!(explicit.counts().iter().sum::<u64>(), point.count());
        }
        total.get_or_insert_with(|| Distribution::empty_like(&point)).merge(&point).unwrap();
        // The member is now what a new one would be after this snapshot alone.
        prop_assert_eq!(&member, &merge_all([snapshot]).unwrap());
    }
    Ok(written(&total.unwrap()))
}

fn advance(last: &Words, newer: &Words) -> (Change, Words) {
    let mut member = merge_all([last]).unwrap();
    let mut increase = vec![7];
    let change = member.advance(&view(newer), &mut increase).unwrap();
    assert_eq!(increase.remove(0), 7, "what was there stays");
    assert_eq!(member, merge_all([newer]).unwrap());
    (change, increase)
}

/// Scenario: a member of an explicit histogram goes on. Guarantee: the differences of count, sum and
/// buckets; minimum and maximum of the newer point.
#[test]
fn an_increase_is_the_difference() {
    let (last, newer) = ([1.0, 7.0], [1.0, 7.0, 0.5, 9.0, 9.5]);
    let bounds = [2.0, 8.0];
    let (change, increase) = advance(&record_explicit(&bounds, &last), &record_explicit(&bounds, &newer));
    let mut expected = Words::new();
    let summary = Summary { count: 3, sum: Some(19.0), min: Some(0.5), max: Some(9.5) };
    push_explicit(&mut expected, summary, &bounds, &[1, 0, 2]);
    assert_eq!((change, increase), (Change::Increase, expected));
}

/// Scenario: more observations than before, but fewer in one bucket, on the same and on other bounds.
/// Guarantee: a restart with the newer point in full.
#[test]
fn a_fallen_bucket_is_a_restart() {
    let last = record_explicit(&[2.0, 8.0], &[1.0, 1.5, 7.0]);
    for bounds in [&[2.0, 8.0][..], &[2.0, 5.0, 9.0]] {
        let newer = record_explicit(bounds, &[1.0, 7.0, 7.0, 7.5, 8.5]);
        assert_eq!(advance(&last, &newer), (Change::Restart, newer));
    }
}

/// Scenario: the bounds that show the fall are not common to both. Guarantee: an increase on the common
/// ones, because nothing that can be compared fell.
#[test]
fn only_common_buckets_can_fall() {
    let last = record_explicit(&[1.0, 2.0], &[0.5, 0.5]);
    let newer = record_explicit(&[2.0], &[1.5, 1.5, 5.0]);
    let (change, increase) = advance(&last, &newer);
    assert_eq!(change, Change::Increase);
    assert_eq!(view(&increase).explicit().unwrap().counts(), [0, 1]);
}

/// Scenario: a member without buckets gets some. Guarantee: if it had no observations, the increase is the
/// newer point; if it had, nothing says where they lie, and the increase has none.
#[test]
fn buckets_that_appear_count_from_the_start_only() {
    let bare = |count| {
        let mut out = Words::new();
        push_explicit(&mut out, Summary { count, sum: Some(0.0), ..Summary::default() }, &[], &[]);
        out
    };
    let newer = record_explicit(&[1.0], &[0.5, 2.0, 3.0]);
    assert_eq!(advance(&bare(0), &newer), (Change::Increase, newer.clone()));
    let (change, increase) = advance(&bare(2), &newer);
    assert_eq!((change, view(&increase).count()), (Change::Increase, 1));
    assert_eq!(view(&increase).explicit().unwrap().counts(), [0_u64; 0]);
}

/// Scenario: newer points with buckets that no float has at the coarsest scale, and with buckets below
/// their own threshold. Guarantee: as when they are merged, so members compare like with like.
#[test]
fn impossible_buckets_advance_as_they_merge() {
    for (scale, threshold) in [(MIN_SCALE, 0.0), (MIN_SCALE, 0.5), (1, 3.0), (0, 4.0)] {
        let record = |count| {
            let mut out = Words::new();
            let summary = Summary { count: 4 * count, ..Summary::default() };
            let side: (i32, &[u64]) = (1, &[count, count]);
            push_exponential(&mut out, summary, scale, 0, threshold, side, side);
            out
        };
        let (change, increase) = advance(&record(3), &record(5));
        assert_eq!((change, increase), (Change::Increase, merged([&record(2)])));
    }
}

/// Scenario: an exponential bucket, on either side, or the zero count falls while the total rises.
/// Guarantee: a restart.
#[test]
fn a_fallen_exponential_bucket_is_a_restart() {
    let record = |list: &[f64]| record_exponential(2, 0.0, list).words(summary(list), 1);
    let last = [0.0, 3.0, -3.0, 5.0];
    for missing in 0..4 {
        let mut newer = vec![100.0, 200.0];
        newer.extend(last.iter().enumerate().filter(|(i, _)| *i != missing).map(|(_, value)| *value));
        let (change, increase) = advance(&record(&last), &record(&newer));
        assert_eq!(change, Change::Restart);
        assert_eq!(increase, merged([&record(&newer)]));
    }
}

/// Scenario: the sum is missing in one point, then in none. Guarantee: no sum in the increases that touch
/// that point, a sum again afterwards.
#[test]
fn an_increase_has_a_sum_if_both_points_have() {
    let record = |count, sum| {
        let mut out = Words::new();
        push_explicit(&mut out, Summary { count, sum, ..Summary::default() }, &[], &[count]);
        out
    };
    let sum = |last, newer| view(&advance(&last, &newer).1).sum();
    assert_eq!(sum(record(1, Some(2.0)), record(2, None)), None);
    assert_eq!(sum(record(2, None), record(3, Some(6.0))), None);
    assert_eq!(sum(record(3, Some(6.0)), record(4, Some(8.5))), Some(2.5));
    assert_eq!(sum(record(0, None), record(4, Some(8.5))), Some(8.5));
}

/// Scenario: the sums are too far apart, or the kind differs. Guarantee: an error, nothing written, the
/// last value unchanged.
#[test]
fn what_cannot_be_compared_changes_nothing() {
    let at = |sum| {
        let mut out = Words::new();
        push_explicit(&mut out, Summary { count: 1, sum: Some(sum), ..Summary::default() }, &[], &[]);
        out
    };
    let exponential = record_exponential(0, 0.0, &[1.0]).words(summary(&[1.0]), 0);
    for (newer, expected) in [(at(f64::MAX), Invalid::SumOverflow), (exponential, Invalid::KindDiffers)] {
        let mut member = merge_all([&at(f64::MIN)]).unwrap();
        let mut increase = Words::new();
        assert_eq!(member.advance(&view(&newer), &mut increase), Err(expected));
        assert_eq!((written(&member), increase), (at(f64::MIN), Words::new()));
    }
}

fn quarters() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-32..64_i32).prop_map(|quarters| f64::from(quarters) / 4.0), 0..12)
}

fn some_bounds() -> impl Strategy<Value = Vec<f64>> {
    prop::sample::subsequence((-6..12).map(f64::from).collect::<Vec<_>>(), 8..18)
}

fn lives<S: std::fmt::Debug>(
    step: impl Strategy<Value = (S, Vec<f64>)>,
) -> impl Strategy<Value = Vec<Vec<(S, Vec<f64>)>>> {
    prop::collection::vec(prop::collection::vec(step, 1..5), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Scenario: explicit snapshots whose bounds change, with restarts. Guarantee: the increases add up to
    /// the last total of every life, bucket by bucket on the bounds that all have in common.
    #[test]
    fn explicit_increases_add_up(lives in lives((some_bounds(), quarters()))) {
        let sequence = sequence(&lives, |bounds, list| record_explicit(bounds, list));
        let total = total_of_increases(&sequence.snapshots)?;
        let bounds: Vec<f64> = view(&total).explicit().unwrap().bounds().collect();
        prop_assert_eq!(total, record_explicit(&bounds, &sequence.observations));
    }

    /// Scenario: exponential snapshots whose scale and zero threshold change, with restarts. Guarantee: the
    /// increases add up to the last total of every life, bucket by bucket.
    #[test]
    fn exponential_increases_add_up(
        lives in lives((
            (MIN_SCALE..=12, threshold(), 0..3_u32),
            part(prop_oneof![4 => -8.0..8.0_f64, 1 => -1e9..1e9_f64, 1 => Just(0.0)], Just(0.0))
                .prop_map(|part| part.observations),
        )),
    ) {
        let sequence = sequence(&lives, |(scale, threshold, padding), list| {
            let whole = Summary { sum: Some(list.len() as f64), ..summary(list) };
            record_within(300, *scale, *threshold, list).words(whole, *padding)
        });
        let words = total_of_increases(&sequence.snapshots)?;
        let total = Recorded::from_words(&words);
        let all = &sequence.observations;
        prop_assert_eq!(&total, &record_exponential(total.scale, total.zero_threshold, all));
        prop_assert_eq!(view(&words).summary(), Summary { sum: Some(all.len() as f64), ..summary(all) });
        let thresholds = sequence.snapshots.iter().map(|(words, _)| Recorded::from_words(words).zero_threshold);
        let largest = thresholds.fold(0.0, f64::max);
        prop_assert!([largest, widened(largest, total.scale)].contains(&total.zero_threshold));
    }
}
