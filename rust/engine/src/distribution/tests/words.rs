//! The word format: what is written reads back, what is cut or random is an error or valid.

use proptest::prelude::*;

use super::*;
use crate::distribution::{Change, Kind};

const SUMMARY: Summary = Summary { count: 6, sum: Some(-2.5), min: Some(f64::NEG_INFINITY), max: None };

fn explicit(bounds: &[f64], counts: &[u64]) -> Words {
    let mut out = Words::new();
    push_explicit(&mut out, SUMMARY, bounds, counts);
    out
}

fn exponential(scale: i32, threshold: f64) -> Words {
    let mut out = Words::new();
    push_exponential(&mut out, SUMMARY, scale, 1, threshold, (-3, &[1, 2]), (i32::MAX, &[2]));
    out
}

fn refused(words: &[u64]) -> Invalid {
    DistributionRef::parse(words).unwrap_err()
}

/// Scenario: an explicit distribution is written and read. Guarantee: every field survives.
#[test]
fn explicit_words_read_back() {
    let words = explicit(&[-1.0, 0.0, 5.5], &[1, 2, 3, 0]);
    let point = view(&words);
    assert_eq!((point.kind(), point.summary(), point.words()), (Kind::Explicit, SUMMARY, &words[..]));
    let buckets = point.explicit().unwrap();
    assert_eq!(buckets.bounds().collect::<Vec<_>>(), [-1.0, 0.0, 5.5]);
    assert_eq!(buckets.counts(), [1, 2, 3, 0]);
    assert!(point.exponential().is_none());
}

/// Scenario: an exponential distribution is written and read. Guarantee: every field survives, negative
/// scales and offsets too.
#[test]
fn exponential_words_read_back() {
    let words = exponential(-7, 0.25);
    let point = view(&words);
    assert_eq!((point.kind(), point.summary()), (Kind::Exponential, SUMMARY));
    let buckets = point.exponential().unwrap();
    assert_eq!((buckets.scale, buckets.zero_count, buckets.zero_threshold), (-7, 1, 0.25));
    assert_eq!(buckets.positive(), (-3, &[1, 2][..]));
    assert_eq!(buckets.negative(), (i32::MAX, &[2][..]));
    assert!(point.explicit().is_none());
}

/// Scenario: a zero threshold of -0. Guarantee: it reads as 0, so that it equals that of other points.
#[test]
fn a_negative_zero_threshold_is_zero() {
    let words = exponential(0, -0.0);
    assert!(view(&words).exponential().unwrap().zero_threshold.is_sign_positive());
}

/// Scenario: no bucket information, and a single bucket. Guarantee: both are valid and differ.
#[test]
fn no_buckets_and_one_bucket_are_valid() {
    assert_eq!(view(&explicit(&[], &[])).explicit().unwrap().counts(), [0_u64; 0]);
    assert_eq!(view(&explicit(&[], &[6])).explicit().unwrap().counts(), [6]);
}

/// Scenario: bucket counts that do not add up to the count. Guarantee: accepted as sent.
#[test]
fn disagreeing_counts_are_accepted() {
    assert_eq!(view(&explicit(&[1.0], &[1, 1])).count(), 6);
}

/// Scenario: each field is spoilt in turn (D8). Guarantee: the error names it.
#[test]
fn spoilt_fields_are_refused() {
    let with = |words: Words, at: usize, value: u64| {
        let mut words = words;
        words[at] = value;
        refused(&words)
    };
    let plain = || explicit(&[1.0, 2.0], &[1, 2, 3]);
    for (at, value, expected) in [
        (0, 0, Invalid::Kind),
        (0, 3, Invalid::Kind),
        (0, 1 | 1 << 11, Invalid::Kind),
        (2, f64::NAN.to_bits(), Invalid::Sum),
        (2, f64::INFINITY.to_bits(), Invalid::Sum),
        (3, f64::NAN.to_bits(), Invalid::MinMax),
        (5, 3 | 3 << 32, Invalid::Length),
        (5, 3 | 2 << 32, Invalid::Buckets),
        (5, u64::MAX, Invalid::Length),
        (6, f64::NAN.to_bits(), Invalid::Bounds),
        (6, f64::NEG_INFINITY.to_bits(), Invalid::Bounds),
        (6, 2.0_f64.to_bits(), Invalid::Bounds),
        (7, f64::INFINITY.to_bits(), Invalid::Bounds),
        (8, u64::MAX, Invalid::CountOverflow),
    ] {
        assert_eq!(with(plain(), at, value), expected, "word {at}");
    }
    for (at, value, expected) in [
        (5, 1 << 31, Invalid::Scale),
        (6, u64::MAX, Invalid::CountOverflow),
        (7, (-0.5_f64).to_bits(), Invalid::ZeroThreshold),
        (7, f64::INFINITY.to_bits(), Invalid::ZeroThreshold),
        (7, f64::NAN.to_bits(), Invalid::ZeroThreshold),
        (8, u64::MAX, Invalid::Length),
        (11, u64::MAX - 1, Invalid::CountOverflow),
    ] {
        assert_eq!(with(exponential(3, 0.5), at, value), expected, "word {at}");
    }
}

/// Scenario: valid words are cut at every place, and one word is added. Guarantee: an error.
#[test]
fn cut_words_are_refused() {
    for words in [explicit(&[1.0, 2.0], &[1, 2, 3]), exponential(20, 0.0)] {
        for cut in 0..words.len() {
            assert_eq!(refused(&words[..cut]), Invalid::Length, "cut at {cut}");
        }
        assert_eq!(refused(&[&words[..], &[0]].concat()), Invalid::Length);
    }
}

/// A word that is often meaningful.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => 0..5_u64,
        2 => any::<u64>(),
        2 => any::<f64>().prop_map(f64::to_bits),
        2 => (-30..30_i64).prop_map(|number| number as u64),
        2 => (0..4_u64, 0..4_u64).prop_map(|(low, high)| low | high << 32),
        1 => (any::<u32>(), 0..4_u64).prop_map(|(low, high)| u64::from(low) | high << 32),
    ]
}

/// Words with a plausible header, whose announced lengths are often right.
fn hostile_words() -> impl Strategy<Value = Words> {
    let flags = (1..3_u64, 0..8_u64).prop_map(|(kind, flags)| kind | flags << 8);
    (flags, prop::collection::vec(word(), 0..20), any::<bool>()).prop_map(|(flags, rest, repair)| {
        let mut words = [&[flags], &rest[..]].concat();
        let length = words.len() as u64;
        if repair && flags & 1 == 1 && length >= 7 {
            words[5] = ((length - 7) / 2) | ((length - 6).div_ceil(2) << 32);
        } else if repair && flags & 2 == 2 && length >= 10 {
            words[8] = words[8] & u64::from(u32::MAX) | (length - 10) << 32;
            words[9] &= u64::from(u32::MAX);
        }
        words
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Scenario: random words, cut and repaired. Guarantee: an error or a distribution with which every
    /// operation works: the total reads back, and within the limit of buckets.
    #[test]
    fn random_words_never_panic(list in prop::collection::vec(hostile_words(), 1..6)) {
        let mut total: Option<Distribution> = None;
        let mut last: Option<Distribution> = None;
        let mut increase = Words::new();
        for point in list.iter().filter_map(|words| DistributionRef::parse(words).ok()) {
            let before = total.get_or_insert_with(|| Distribution::empty_like(&point)).clone();
            if let Some(total) = &mut total && total.merge(&point).is_err() {
                prop_assert_eq!(&*total, &before);
            }
            increase.clear();
            let last = last.get_or_insert_with(|| Distribution::empty_like(&point));
            let before = last.clone();
            match last.advance(&point, &mut increase) {
                Ok(Change::Increase | Change::Restart) => prop_assert!(DistributionRef::parse(&increase).is_ok()),
                Err(_) => prop_assert!(increase.is_empty() && *last == before),
            }
        }
        for total in [total, last].into_iter().flatten() {
            let words = written(&total);
            if let Some(buckets) = view(&words).exponential() {
                prop_assert!(buckets.positive().1.len() <= 160 && buckets.negative().1.len() <= 160);
            }
        }
    }
}
