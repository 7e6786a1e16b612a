//! Distributions from any bytes: added, compared, written and read again.

use std::collections::BTreeMap;

use tokenledger::distribution::scale::MIN_SCALE;
use tokenledger::distribution::{
    Change, Distribution, DistributionRef, ExponentialRef, Invalid, Kind, MAX_BUCKETS, Summary,
    push_explicit, push_exponential,
};

use crate::bytes::Bytes;

/// Points of one run at most: what is left of the input says nothing more.
const MOST_POINTS: usize = 24;

/// Reads `data` as words, and as a recipe of histograms (see [`push_any`]); adds them up in both
/// orders and compares each with the one before.
///
/// Promises: no panic; no count is lost, with count and buckets apart; at most [`MAX_BUCKETS`] a side;
/// what is written can be read; what cannot be added changes nothing; order does not matter.
pub fn distribution(data: &[u8]) {
    let (words, _) = data.as_chunks();
    check(&[words.iter().map(|word| u64::from_ne_bytes(*word)).collect()]);
    let mut bytes = Bytes::new(data);
    let mut points = Vec::new();
    while !bytes.is_empty() && points.len() < MOST_POINTS {
        let mut words = Vec::new();
        push_any(&mut bytes, &mut words);
        points.push(words);
    }
    check(&points);
}

/// A histogram made of the next bytes, right or wrong.
pub(crate) fn push_any(bytes: &mut Bytes<'_>, words: &mut Vec<u64>) {
    let flags = bytes.byte();
    let optional = |bytes: &mut Bytes<'_>, bit: u8| (flags >> bit & 1 == 1).then(|| float(bytes));
    let (sum, min, max) = (optional(bytes, 1), optional(bytes, 2), optional(bytes, 3));
    if flags & 1 == 0 {
        let counts = counts(bytes);
        let mut bounds: Vec<f64> = (1..counts.len()).map(|_| float(bytes)).collect();
        if flags & 0x10 == 0 {
            bounds.sort_by(f64::total_cmp);
            bounds.dedup();
        }
        let counts = if flags & 0x20 == 0 && !counts.is_empty() { &counts[..=bounds.len()] } else { &counts };
        push_explicit(words, summary(flags, counts, 0, [sum, min, max]), &bounds, counts);
    } else {
        let scale = integer(bytes);
        let zero_count = count(bytes);
        let zero_threshold = if flags & 0x10 == 0 { 0.0 } else { float(bytes) };
        let (positive_offset, negative_offset) = (integer(bytes), integer(bytes));
        let (positive, negative) = (counts(bytes), counts(bytes));
        let all = [&positive[..], &negative[..]].concat();
        push_exponential(
            words,
            summary(flags, &all, zero_count, [sum, min, max]),
            scale,
            zero_count,
            zero_threshold,
            (positive_offset, &positive),
            (negative_offset, &negative),
        );
    }
}

/// Its count is that of the buckets, or one more where a client is wrong.
fn summary(flags: u8, counts: &[u64], zero_count: u64, [sum, min, max]: [Option<f64>; 3]) -> Summary {
    let buckets = counts.iter().fold(zero_count, |sum, count| sum.wrapping_add(*count));
    Summary { count: buckets.wrapping_add(u64::from(flags >> 7)), sum, min, max }
}

fn counts(bytes: &mut Bytes<'_>) -> Vec<u64> {
    let length = match bytes.byte() {
        255 => 1000,
        length => usize::from(length % 40),
    };
    let pattern = bytes.byte();
    (0..length).map(|number| if pattern >> (number % 8) & 1 == 1 { count(bytes) } else { 0 }).collect()
}

fn count(bytes: &mut Bytes<'_>) -> u64 {
    match bytes.byte() {
        255 => u64::MAX,
        254 => 1 << 63,
        253 => bytes.word(),
        count => u64::from(count),
    }
}

/// A number around 0, at the ends of its range, or any.
fn integer(bytes: &mut Bytes<'_>) -> i32 {
    match bytes.byte() {
        127 => i32::MAX,
        128 => i32::MIN,
        126 => bytes.word() as i32,
        number => i32::from(number as i8),
    }
}

/// A power of two, a number near one, something special, or any float.
fn float(bytes: &mut Bytes<'_>) -> f64 {
    const SPECIAL: [f64; 8] =
        [0.0, 1e300, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::NAN, f64::INFINITY, -1.0];
    match bytes.byte() {
        number @ 0..64 => 2_f64.powi(i32::from(number) - 32),
        number @ 64..240 => f64::from(number - 63) / 16.0,
        number @ 240..248 => SPECIAL[usize::from(number - 240)],
        _ => f64::from_bits(bytes.word()),
    }
}

fn check(points: &[Vec<u64>]) {
    let points: Vec<_> = points.iter().filter_map(|words| DistributionRef::parse(words).ok()).collect();
    for kind in [Kind::Explicit, Kind::Exponential] {
        let points: Vec<_> = points.iter().filter(|point| point.kind() == kind).copied().collect();
        check_sums(&points);
        check_members(&points);
    }
    if let [first, second, ..] = points.as_slice()
        && first.kind() != second.kind()
    {
        let mut total = Distribution::empty_like(first);
        assert_eq!(total.merge(second), Err(Invalid::KindDiffers));
    }
}

/// What adding up has to leave alone, as far as it can be told without doing the same again.
#[derive(Debug, PartialEq)]
struct Invariant {
    count: u64,
    /// As [`bucket_total`].
    buckets: Option<u128>,
}

fn check_sums(points: &[DistributionRef<'_>]) {
    let Some(first) = points.first() else { return };
    let (forward, refused) = add_up(first, points.iter());
    let (backward, refused_too) = add_up(first, points.iter().rev());
    if refused || refused_too {
        return; // which of two large counts found room depends on the order, and may
    }
    let (forward_words, backward_words) = (written(&forward), written(&backward));
    let (Ok(forward), Ok(backward)) =
        (DistributionRef::parse(&forward_words), DistributionRef::parse(&backward_words))
    else {
        unreachable!("checked in add_up");
    };
    assert_eq!(invariant(&forward), invariant(&backward), "order does not matter");
    assert_eq!((forward.min(), forward.max()), (backward.min(), backward.max()));
    assert_eq!(forward.sum().is_some(), backward.sum().is_some());
    if let (Some(forward), Some(backward)) = (forward.explicit(), backward.explicit()) {
        assert!(forward.bounds().eq(backward.bounds()));
        assert_eq!(forward.counts(), backward.counts());
    }
    if let (Some(one), Some(other)) = (forward.exponential(), backward.exponential()) {
        assert_eq!(one.zero_threshold == 0.0, other.zero_threshold == 0.0);
        let thresholds: Vec<_> =
            points.iter().filter_map(|point| Some(point.exponential()?.zero_threshold)).collect();
        // With thresholds that differ, one order may keep a finer scale; see `tokenledger::distribution`.
        if thresholds.windows(2).all(|pair| pair[0] == pair[1]) {
            assert_eq!(forward_words[5..], backward_words[5..], "order does not matter");
        }
        check_places(points, &one);
    }
}

/// D13: without zero thresholds, each count of `points` is where its index says at the final scale.
fn check_places(points: &[DistributionRef<'_>], total: &ExponentialRef<'_>) {
    let points: Vec<_> = points.iter().filter_map(DistributionRef::exponential).collect();
    if points.iter().any(|point| point.zero_threshold != 0.0) {
        return;
    }
    type Side<'a> = fn(&ExponentialRef<'a>) -> (i32, &'a [u64]);
    for side in [ExponentialRef::positive as Side<'_>, ExponentialRef::negative] {
        let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
        // At the coarsest scale two indexes hold all floats, and the sign tells which is meant.
        let coarsest = total.scale == MIN_SCALE;
        for point in &points {
            let shift = (i64::from(point.scale) - i64::from(total.scale)).min(63);
            assert!(shift >= 0 || coarsest, "never finer than a point: {} from {}", total.scale, point.scale);
            add_places(&mut expected, side(point), if coarsest { 63 } else { shift as u32 });
        }
        add_places(&mut found, side(total), if coarsest { 63 } else { 0 });
        assert_eq!(found, expected, "at scale {}", total.scale);
    }
}

/// Adds counts by their index, shifted to a coarser scale.
fn add_places(places: &mut BTreeMap<i64, u64>, (offset, counts): (i32, &[u64]), shift: u32) {
    for (number, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        *places.entry((i64::from(offset) + number as i64) >> shift).or_default() += count;
    }
}

/// Adds `points` to a total shaped like `first`; true if one of them did not fit.
fn add_up<'a>(
    first: &DistributionRef<'_>,
    points: impl Iterator<Item = &'a DistributionRef<'a>>,
) -> (Distribution, bool) {
    let mut total = Distribution::empty_like(first);
    let (mut count, mut buckets) = (0_u64, Some(0_u128));
    let mut refused = false;
    for point in points {
        let before = written(&total);
        match total.merge(point) {
            Ok(()) => {
                count += point.count();
                // D12: observations without buckets leave the total without any.
                let added = invariant(point).buckets;
                buckets = if added.is_none() && point.count() == 0 { buckets } else { plus(buckets, added) };
            }
            Err(_) => {
                refused = true;
                assert_eq!(before, written(&total), "what is refused changes nothing");
            }
        }
        let after = written(&total);
        let read = read(&after);
        let found = invariant(&read);
        assert_eq!(found.count, count, "no count is lost");
        if found.buckets.is_some() || buckets.is_some_and(|buckets| buckets > 0) {
            assert_eq!(found.buckets, buckets, "no bucket is lost");
        }
    }
    (total, refused)
}

fn plus(a: Option<u128>, b: Option<u128>) -> Option<u128> {
    Some(a? + b?)
}

/// T3: each point compared with the one before, as totals of one member.
fn check_members(points: &[DistributionRef<'_>]) {
    let Some(first) = points.first() else { return };
    let mut last = Distribution::empty_like(first);
    for newer in points {
        let before = written(&last);
        let mut increase = Vec::new();
        match last.advance(newer, &mut increase) {
            Ok(change) => {
                let increase = read(&increase);
                let expected = match change {
                    Change::Increase => newer.count() - read(&before).count(),
                    Change::Restart => newer.count(),
                };
                assert_eq!(increase.count(), expected, "{change:?}");
                assert_eq!(read(&written(&last)).count(), newer.count());
            }
            Err(_) => {
                assert!(increase.is_empty(), "an error leaves nothing behind");
                assert_eq!(before, written(&last), "an error changes nothing");
            }
        }
    }
}

fn written(total: &Distribution) -> Vec<u64> {
    let mut words = Vec::new();
    total.write(&mut words);
    words
}

fn read(words: &[u64]) -> DistributionRef<'_> {
    match DistributionRef::parse(words) {
        Ok(read) => {
            check_size(&read);
            read
        }
        Err(error) => unreachable!("what the engine writes it can read: {error}: {words:?}"),
    }
}

/// D13: the size of what goes out.
pub(crate) fn check_size(read: &DistributionRef<'_>) {
    if let Some(exponential) = read.exponential() {
        let sides = [exponential.positive().1.len(), exponential.negative().1.len()];
        assert!(sides.iter().all(|side| *side <= MAX_BUCKETS), "{sides:?} buckets");
    }
}

fn invariant(point: &DistributionRef<'_>) -> Invariant {
    Invariant { count: point.count(), buckets: bucket_total(point) }
}

/// Zero count and all buckets together; `None` for a histogram without buckets.
pub(crate) fn bucket_total(point: &DistributionRef<'_>) -> Option<u128> {
    let sum = |counts: &[u64]| counts.iter().map(|count| u128::from(*count)).sum::<u128>();
    if let Some(explicit) = point.explicit() {
        return (!explicit.counts().is_empty()).then(|| sum(explicit.counts()));
    }
    let exponential = point.exponential()?;
    let sides = sum(exponential.positive().1) + sum(exponential.negative().1);
    Some(sides + u128::from(exponential.zero_count))
}
