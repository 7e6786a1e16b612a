//! Explicit histograms (D12).

use proptest::prelude::*;

use super::*;

fn counts(words: &[u64]) -> Vec<u64> {
    view(words).explicit().unwrap().counts().to_vec()
}

fn bounds(words: &[u64]) -> Vec<f64> {
    view(words).explicit().unwrap().bounds().collect()
}

fn point(summary: Summary, bounds: &[f64], counts: &[u64]) -> Words {
    let mut out = Words::new();
    push_explicit(&mut out, summary, bounds, counts);
    out
}

/// Scenario: the first point of a stream. Guarantee: the total is that point, to the bit.
#[test]
fn the_first_point_stays_as_it_is() {
    let first = record_explicit(&[0.0, 5.0, 10.0], &[-1.0, 3.0, 3.5, 99.0]);
    assert_eq!(merged([&first]), first);
    let empty = written(&Distribution::empty_like(&view(&first)));
    assert_eq!((counts(&empty), bounds(&empty)), (vec![0; 4], vec![0.0, 5.0, 10.0]));
    assert_eq!(view(&empty).summary(), Summary { sum: Some(0.0), ..Summary::default() });
}

/// Scenario: a client changes its bounds. Guarantee: the common bounds remain, no count is lost.
#[test]
fn changed_bounds_are_reduced_to_the_common_ones() {
    let old = record_explicit(&[1.0, 2.0, 5.0, 10.0], &[0.5, 1.5, 3.0, 7.0, 20.0]);
    let new = record_explicit(&[2.0, 4.0, 10.0, 20.0], &[0.5, 3.0, 3.5, 15.0]);
    let total = merged([&old, &new]);
    assert_eq!(bounds(&total), [2.0, 10.0]);
    assert_eq!(counts(&total), [3, 4, 2]);
    assert_eq!(view(&total).count(), 9);
}

/// Scenario: no bound in common. Guarantee: one bucket with everything.
#[test]
fn without_common_bounds_one_bucket_remains() {
    let total = merged([&record_explicit(&[1.0], &[0.5, 3.0]), &record_explicit(&[2.0], &[0.5])]);
    assert_eq!((bounds(&total), counts(&total)), (vec![], vec![3]));
}

/// Scenario: a zero bound written as 0 and as -0. Guarantee: it is the same bound.
#[test]
fn zero_bounds_are_equal_whatever_their_sign() {
    let total = merged([&record_explicit(&[0.0, 1.0], &[0.5]), &record_explicit(&[-0.0, 1.0], &[0.5])]);
    assert_eq!((bounds(&total), counts(&total)), (vec![0.0, 1.0], vec![0, 2, 0]));
}

/// Scenario: points with observations but no buckets among others. Guarantee: count and sum are complete,
/// there are no buckets from then on, in any order.
#[test]
fn a_point_without_buckets_ends_them() {
    let full = record_explicit(&[1.0], &[0.5, 3.0]);
    let bare = point(Summary { count: 4, sum: Some(6.5), ..Summary::default() }, &[], &[]);
    for order in [[&full, &bare, &full], [&bare, &full, &full], [&full, &full, &bare]] {
        let total = merged(order);
        assert_eq!((counts(&total), view(&total).count(), view(&total).sum()), (vec![], 8, Some(13.5)));
    }
}

/// Scenario: buckets that are full, then given up. Guarantee: their counts stand in the way of no later
/// point.
#[test]
fn buckets_given_up_do_not_overflow() {
    let full = point(Summary { count: 1, ..Summary::default() }, &[], &[u64::MAX]);
    let bare = point(Summary { count: 1, ..Summary::default() }, &[], &[]);
    assert_eq!(view(&merged([&full, &bare, &full, &full])).count(), 4);
}

/// Scenario: points with neither observations nor buckets. Guarantee: they change nothing, even as the
/// first of a stream.
#[test]
fn an_empty_point_changes_nothing() {
    let empty = point(Summary::default(), &[], &[]);
    let full = record_explicit(&[1.0], &[0.5, 3.0]);
    for order in [[&empty, &full, &empty], [&full, &empty, &empty], [&empty, &empty, &full]] {
        assert_eq!(merged(order), full);
    }
}

/// Scenario: sum, minimum or maximum is left out once (D12). Guarantee: it is absent from then on, the
/// others go on.
#[test]
fn what_is_left_out_once_is_unknown_from_then_on() {
    let whole = Summary { count: 1, sum: Some(2.0), min: Some(2.0), max: Some(2.0) };
    for (left_out, expected) in [
        (Summary { sum: None, ..whole }, Summary { count: 3, sum: None, ..whole }),
        (Summary { min: None, ..whole }, Summary { count: 3, sum: Some(6.0), min: None, ..whole }),
        (Summary { max: None, ..whole }, Summary { count: 3, sum: Some(6.0), max: None, ..whole }),
    ] {
        let (part, full) = (point(left_out, &[], &[1]), point(whole, &[], &[1]));
        for order in [[&part, &full, &full], [&full, &part, &full], [&full, &full, &part]] {
            let total = merged(order);
            assert_eq!((view(&total).summary(), counts(&total)), (expected, vec![3]));
        }
    }
}

/// Scenario: a window without observations leaves out minimum and maximum, as it must. Guarantee: those
/// of the stream stay.
#[test]
fn an_empty_window_leaves_nothing_out() {
    let whole = record_explicit(&[1.0], &[0.25, 3.0]);
    let empty = point(Summary::default(), &[1.0], &[0, 0]);
    assert_eq!(merged([&whole, &empty]), whole);
    assert_eq!(view(&merged([&empty, &whole])).summary(), view(&whole).summary());
}

/// Scenario: observations of 0 and of -0. Guarantee: minimum and maximum do not depend on the order.
#[test]
fn signed_zeros_have_an_order() {
    let (plus, minus) = (record_explicit(&[], &[0.0]), record_explicit(&[], &[-0.0]));
    let total = merged([&plus, &minus]);
    assert_eq!(merged([&minus, &plus]), total);
    let signs =
        (view(&total).min().map(f64::is_sign_negative), view(&total).max().map(f64::is_sign_negative));
    assert_eq!(signs, (Some(true), Some(false)));
}

/// Scenario: a count, a bucket or the sum would overflow, or the kind differs. Guarantee: an error, and
/// the total is unchanged.
#[test]
fn what_cannot_be_added_changes_nothing() {
    let most = Summary { count: u64::MAX, sum: Some(1.0), ..Summary::default() };
    let whole = Summary { count: 1, sum: Some(1.0), ..Summary::default() };
    let huge = Summary { count: 1, sum: Some(f64::MAX), ..Summary::default() };
    let mut exponential = Words::new();
    push_exponential(&mut exponential, huge, 0, 1, 0.0, (0, &[]), (0, &[]));
    for (first, second, expected) in [
        (point(most, &[], &[1]), point(whole, &[], &[1]), Invalid::CountOverflow),
        (point(whole, &[], &[u64::MAX]), point(whole, &[1.0], &[0, 1]), Invalid::CountOverflow),
        (point(huge, &[], &[1]), point(huge, &[], &[1]), Invalid::SumOverflow),
        (point(huge, &[], &[1]), exponential, Invalid::KindDiffers),
    ] {
        let mut total = merge_all([&first]).unwrap();
        assert_eq!(total.merge(&view(&second)), Err(expected));
        assert_eq!(written(&total), first);
    }
}

/// Scenario: a million windows of 0.000003. Guarantee: the sum is right to the last bit.
#[test]
fn the_sum_is_compensated() {
    let window = point(Summary { count: 1, sum: Some(0.000_003), ..Summary::default() }, &[], &[1]);
    let mut total = Distribution::empty_like(&view(&window));
    for _ in 0..1_000_000 {
        total.merge(&view(&window)).unwrap();
    }
    assert_eq!(view(&written(&total)).sum(), Some(3.0));
}

/// Bounds out of a small set, so that lists often share some.
fn some_bounds() -> impl Strategy<Value = Vec<f64>> {
    prop::sample::subsequence((-6..12).map(f64::from).collect::<Vec<_>>(), 0..18)
}

/// Observations on and between bounds; exact in sums of any order.
fn observations() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-32..64_i32).prop_map(|quarters| f64::from(quarters) / 4.0), 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Scenario: windows with bounds of their own, merged in two orders and in groups. Guarantee: always
    /// the histogram of all observations on the bounds that all have in common.
    #[test]
    fn merging_is_recording_on_the_common_bounds(
        parts in prop::collection::vec((some_bounds(), observations()), 1..7),
        order in any::<prop::sample::Index>(),
        split in any::<prop::sample::Index>(),
    ) {
        let words: Vec<Words> = parts.iter().map(|(bounds, list)| record_explicit(bounds, list)).collect();
        let mut common = parts[0].0.clone();
        common.retain(|bound| parts.iter().all(|(bounds, _)| bounds.contains(bound)));
        let all: Vec<f64> = parts.iter().flat_map(|(_, list)| list.clone()).collect();
        let expected = record_explicit(&common, &all);

        prop_assert_eq!(&merged(&words), &expected);
        let mut rotated = words.clone();
        rotated.rotate_left(order.index(words.len()));
        rotated.reverse();
        prop_assert_eq!(&merged(&rotated), &expected);
        let (left, right) = words.split_at(split.index(words.len()));
        if !left.is_empty() {
            prop_assert_eq!(&merged([&merged(right), &merged(left)]), &expected);
        }
    }
}
