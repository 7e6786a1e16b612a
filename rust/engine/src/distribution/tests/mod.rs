//! Tests of whole distributions against plain lists of observations.

mod advance;
mod explicit;
mod exponential;
mod hostile;
mod words;

use super::scale::{self, MIN_SCALE};
use super::{Distribution, DistributionRef, Invalid, Summary, push_explicit, push_exponential};

/// Words of one distribution.
pub type Words = Vec<u64>;

pub fn view(words: &[u64]) -> DistributionRef<'_> {
    DistributionRef::parse(words).unwrap()
}

/// Everything about the observations but buckets.
pub fn summary(observations: &[f64]) -> Summary {
    Summary {
        count: observations.len() as u64,
        sum: Some(observations.iter().fold(0.0, |sum, observation| sum + observation)),
        min: observations.iter().copied().reduce(f64::min),
        max: observations.iter().copied().reduce(f64::max),
    }
}

/// The explicit histogram of `observations`, each placed by comparing it with the bounds.
pub fn record_explicit(bounds: &[f64], observations: &[f64]) -> Words {
    let mut counts = vec![0; bounds.len() + 1];
    for observation in observations {
        counts[bounds.iter().filter(|bound| **bound < *observation).count()] += 1;
    }
    let mut out = Words::new();
    push_explicit(&mut out, summary(observations), bounds, &counts);
    out
}

/// Scale, zero threshold, zero count, and both sides by index: an exponential histogram in the open.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub scale: i32,
    pub zero_threshold: f64,
    pub zero_count: u64,
    pub positive: Indexed,
    pub negative: Indexed,
}

/// Counts by index.
pub type Indexed = std::collections::BTreeMap<i64, u64>;

/// The exponential histogram of `observations` at exactly this scale and zero threshold.
pub fn record_exponential(scale: i32, zero_threshold: f64, observations: &[f64]) -> Recorded {
    let (positive, negative) = (Indexed::new(), Indexed::new());
    let mut recorded = Recorded { scale, zero_threshold, zero_count: 0, positive, negative };
    for observation in observations {
        if observation.abs() <= zero_threshold {
            recorded.zero_count += 1;
        } else {
            let side = if *observation > 0.0 { &mut recorded.positive } else { &mut recorded.negative };
            *side.entry(scale::index(observation.abs(), scale)).or_default() += 1;
        }
    }
    recorded
}

impl Recorded {
    /// From the first to the last index of the wider side.
    pub fn width(&self) -> i64 {
        [&self.positive, &self.negative].into_iter().map(width).max().unwrap_or(0)
    }

    /// Words with `padding` empty buckets at both ends of both sides.
    pub fn words(&self, summary: Summary, padding: u32) -> Words {
        let mut out = Words::new();
        let (positive, negative) = (dense(&self.positive, padding), dense(&self.negative, padding));
        push_exponential(
            &mut out,
            summary,
            self.scale,
            self.zero_count,
            self.zero_threshold,
            (positive.0, &positive.1),
            (negative.0, &negative.1),
        );
        out
    }

    /// What words say.
    pub fn from_words(words: &[u64]) -> Self {
        let exponential = view(words).exponential().unwrap();
        let indexed = |(offset, counts): (i32, &[u64])| {
            let buckets = counts.iter().enumerate().map(|(i, count)| (i64::from(offset) + i as i64, *count));
            buckets.filter(|(_, count)| *count > 0).collect()
        };
        Self {
            scale: exponential.scale,
            zero_threshold: exponential.zero_threshold,
            zero_count: exponential.zero_count,
            positive: indexed(exponential.positive()),
            negative: indexed(exponential.negative()),
        }
    }
}

fn width(side: &Indexed) -> i64 {
    match (side.first_key_value(), side.last_key_value()) {
        (Some((first, _)), Some((last, _))) => last - first + 1,
        _ => 0,
    }
}

fn dense(side: &Indexed, padding: u32) -> (i32, Vec<u64>) {
    let Some((first, _)) = side.first_key_value() else {
        return (0, vec![0; padding as usize]);
    };
    let mut counts = vec![0; width(side) as usize + 2 * padding as usize];
    for (index, count) in side {
        counts[(index - first) as usize + padding as usize] = *count;
    }
    ((first - i64::from(padding)) as i32, counts)
}

/// The finest scale from `scale` down at which the observations take at most `limit` buckets a side.
pub fn record_within(limit: i64, scale: i32, zero_threshold: f64, observations: &[f64]) -> Recorded {
    (MIN_SCALE..=scale)
        .rev()
        .map(|scale| record_exponential(scale, zero_threshold, observations))
        .find(|recorded| recorded.width() <= limit)
        .unwrap()
}

/// All points added up, in order, into a total shaped like the first.
pub fn merge_all<'a>(points: impl IntoIterator<Item = &'a Words>) -> Result<Distribution, Invalid> {
    let mut total = None;
    for words in points {
        let point = view(words);
        total.get_or_insert_with(|| Distribution::empty_like(&point)).merge(&point)?;
    }
    Ok(total.unwrap())
}

/// The words of a total.
pub fn written(total: &Distribution) -> Words {
    let mut out = Words::new();
    total.write(&mut out);
    out
}

/// The words of all points added up.
pub fn merged<'a>(points: impl IntoIterator<Item = &'a Words>) -> Words {
    written(&merge_all(points).unwrap())
}
