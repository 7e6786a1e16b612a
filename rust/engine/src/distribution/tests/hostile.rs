//! What brought the rival down (a panic, 5 s for one point, 162 buckets), and its relatives.

use super::*;

/// A point with two observations in two buckets at `offset`, on either side.
fn point(scale: i32, threshold: f64, offset: i32) -> Words {
    let mut out = Words::new();
    let summary = Summary { count: 4, ..Summary::default() };
    push_exponential(&mut out, summary, scale, 0, threshold, (offset, &[1, 1]), (offset, &[1, 1]));
    out
}

/// One observation in each of `indexes`, at scale 0.
fn run(indexes: std::ops::RangeInclusive<i32>) -> Words {
    let counts = vec![1; indexes.clone().count()];
    let mut out = Words::new();
    let summary = Summary { count: counts.len() as u64, ..Summary::default() };
    push_exponential(&mut out, summary, 0, 0, 0.0, (*indexes.start(), &counts), (0, &[]));
    out
}

/// Scenario: scale -1, thresholds 0 and 2.0, a power of two (the rival panics). Guarantee: 2 lies in
/// (1, 4], so the threshold is 4 and that bucket counts as zero, in both orders.
#[test]
fn a_threshold_inside_a_coarse_bucket() {
    for order in [[&point(-1, 0.0, 0), &point(-1, 2.0, 0)], [&point(-1, 2.0, 0), &point(-1, 0.0, 0)]] {
        let total = Recorded::from_words(&merged(order));
        assert_eq!((total.zero_threshold, total.zero_count), (4.0, 4));
        assert_eq!((total.positive, total.negative), (Indexed::from([(1, 2)]), Indexed::from([(1, 2)])));
    }
}

/// Scenario: threshold 1e300 at scale 20 after 0 (the rival takes 5 s). Guarantee: everything counts as
/// zero, at a threshold not below 1e300 and within one bucket of it.
#[test]
fn a_huge_threshold_at_a_fine_scale() {
    let total = Recorded::from_words(&merged([&point(20, 0.0, 7), &point(20, 1e300, 7)]));
    assert_eq!((total.zero_count, total.positive.len(), total.negative.len()), (8, 0, 0));
    assert!(total.zero_threshold > 1e300 && total.zero_threshold < 1.000_001e300);
}

/// Scenario: a first point whose buckets lie below its own threshold. Guarantee: they count as zero, as
/// they would in any other order; the threshold, which is no edge, stays.
#[test]
fn buckets_below_their_own_threshold() {
    let total = Recorded::from_words(&merged([&point(1, 3.0, 2), &point(1, 3.0, 2)]));
    assert_eq!((total.zero_threshold, total.zero_count), (3.0, 4));
    assert_eq!((total.positive, total.negative), (Indexed::from([(3, 2)]), Indexed::from([(3, 2)])));
}

/// Scenario: indexes -161..=160 at scale 0, in two points (the rival keeps 162 buckets). Guarantee: one
/// scale coarser is not enough, because -81..=80 are 162 buckets; two are.
#[test]
fn the_limit_holds_across_zero() {
    for order in [[&run(-161..=-1), &run(0..=160)], [&run(0..=160), &run(-161..=-1)]] {
        let total = Recorded::from_words(&merged(order));
        assert_eq!((total.scale, total.width()), (-2, 82));
        assert_eq!(total.positive.values().sum::<u64>(), 322);
    }
}

/// Scenario: a first point with 1000 buckets (the rival keeps them). Guarantee: within the limit at once,
/// also in the empty total made for it.
#[test]
fn the_first_point_is_within_the_limit() {
    let first = run(-500..=499);
    assert_eq!(Recorded::from_words(&written(&Distribution::empty_like(&view(&first)))).scale, -3);
    let total = Recorded::from_words(&merged([&first]));
    assert_eq!((total.scale, total.width()), (-3, 126));
    assert_eq!(total.positive.values().sum::<u64>(), 1000);
}

/// Scenario: extreme scales and offsets, in one stream. Guarantee: no count is lost.
#[test]
fn extreme_scales_and_offsets() {
    let mut points = Vec::new();
    for scale in [i32::MIN, -12, 0, 20, 21, i32::MAX] {
        for offset in [i32::MIN, -1, 0, i32::MAX - 1, i32::MAX] {
            points.push(point(scale, 0.0, offset));
        }
    }
    for first in 0..points.len() {
        points.rotate_left(1);
        let total = Recorded::from_words(&merged(&points));
        let kept: u64 = total.positive.values().chain(total.negative.values()).sum();
        assert_eq!((kept, total.zero_count, total.scale), (120, 0, MIN_SCALE), "first point {first}");
    }
}

/// Scenario: the last bucket is beyond every `i32` index. Guarantee: the scale gives way.
#[test]
fn a_bucket_beyond_the_last_offset() {
    let mut words = Words::new();
    let summary = Summary { count: 1, ..Summary::default() };
    push_exponential(&mut words, summary, 5, 0, 0.0, (i32::MAX, &[0, 1]), (0, &[]));
    let total = Recorded::from_words(&merged([&words]));
    assert_eq!((total.scale, total.positive), (4, Indexed::from([(1 << 30, 1)])));
}

/// Scenario: counts of `u64::MAX`, twice. Guarantee: the second is refused.
#[test]
fn full_counts_are_refused() {
    let mut words = Words::new();
    let summary = Summary { count: u64::MAX, ..Summary::default() };
    push_exponential(&mut words, summary, 3, u64::MAX, 0.0, (0, &[]), (0, &[]));
    assert_eq!(merge_all([&words, &words]).unwrap_err(), Invalid::CountOverflow);
    let mut buckets = Words::new();
    push_exponential(&mut buckets, Summary::default(), 3, 0, 0.0, (0, &[u64::MAX]), (0, &[]));
    assert_eq!(merge_all([&buckets, &buckets]).unwrap_err(), Invalid::CountOverflow);
    push_exponential(&mut words, summary, 3, 0, 0.0, (0, &[1]), (0, &[u64::MAX]));
    assert_eq!(DistributionRef::parse(&words[10..]).unwrap_err(), Invalid::CountOverflow);
}

/// Scenario: all of the above, alternating in one stream and its cumulative twin, 1,000 times each.
/// Guarantee: it ends, within the limit, with the total of what was accepted.
#[test]
fn a_thousand_of_each() {
    let points = [
        point(-1, 0.0, 0),
        point(-1, 2.0, 0),
        point(20, 0.0, 7),
        point(20, 1e300, 7),
        run(-161..=160),
        run(-500..=499),
        point(i32::MIN, 0.0, i32::MIN),
        point(i32::MAX, f64::MAX, i32::MAX),
    ];
    let mut alternating = Distribution::empty_like(&view(&points[0]));
    let mut member = alternating.clone();
    let mut increase = Words::new();
    for _ in 0..1_000 {
        for words in &points {
            let mut fresh = Distribution::empty_like(&view(words));
            fresh.merge(&view(words)).unwrap();
            fresh.merge(&view(&points[0])).unwrap();
            alternating.merge(&view(words)).unwrap();
            increase.clear();
            member.advance(&view(words), &mut increase).unwrap();
            assert!(DistributionRef::parse(&increase).is_ok());
        }
    }
    let total = written(&alternating);
    assert_eq!(view(&total).count(), 1_000 * points.iter().map(|words| view(words).count()).sum::<u64>());
    assert!(Recorded::from_words(&total).width() <= 160);
}
