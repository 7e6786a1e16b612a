//! Histograms for tests: observations to words, words to what a reader compares.

use std::collections::BTreeMap;

use tokenledger::distribution::{DistributionRef, Summary, push_explicit, push_exponential};

use super::batch::Value;

/// An explicit histogram with these counts; count and sum are made to fit.
pub fn explicit(bounds: &[f64], counts: &[u64], sum: f64) -> Value {
    let mut words = Vec::new();
    let summary = Summary { count: counts.iter().sum(), sum: Some(sum), min: None, max: None };
    push_explicit(&mut words, summary, bounds, counts);
    Value::Histogram(words)
}

/// An exponential histogram of positive observations: offset of the first bucket, counts.
pub fn exponential(scale: i32, zero_count: u64, offset: i32, counts: &[u64], sum: f64) -> Value {
    let mut words = Vec::new();
    let count = zero_count + counts.iter().sum::<u64>();
    let summary = Summary { count, sum: Some(sum), min: None, max: None };
    push_exponential(&mut words, summary, scale, zero_count, 0.0, (offset, counts), (0, &[]));
    Value::Histogram(words)
}

/// What tests compare: count, and the counts by bucket where there is something in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub count: u64,
    pub sum: Option<f64>,
    /// Upper bound's bits of explicit buckets (`u64::MAX` for the last); index of exponential ones.
    pub buckets: BTreeMap<i64, u64>,
    pub zero_count: u64,
    pub scale: Option<i32>,
}

impl Shape {
    pub fn of(value: &Value) -> Self {
        let Value::Histogram(words) = value else { panic!("{value:?} is no histogram") };
        let read = DistributionRef::parse(words).unwrap();
        let mut shape = Self {
            count: read.count(),
            sum: read.sum(),
            buckets: BTreeMap::new(),
            zero_count: 0,
            scale: None,
        };
        if let Some(explicit) = read.explicit() {
            let bounds = explicit.bounds().map(|bound| bound.to_bits() as i64).chain([i64::MAX]);
            shape.buckets =
                bounds.zip(explicit.counts().iter().copied()).filter(|(_, count)| *count > 0).collect();
        }
        if let Some(exponential) = read.exponential() {
            let (offset, counts) = exponential.positive();
            let indexed = counts.iter().enumerate().map(|(i, count)| (i64::from(offset) + i as i64, *count));
            shape.buckets = indexed.filter(|(_, count)| *count > 0).collect();
            (shape.zero_count, shape.scale) = (exponential.zero_count, Some(exponential.scale));
        }
        shape
    }

    /// An exponential shape at a coarser scale.
    pub fn at_scale(&self, scale: i32) -> Self {
        let shift = self.scale.map_or(0, |own| own - scale);
        let mut buckets = BTreeMap::new();
        for (index, count) in &self.buckets {
            *buckets.entry(index >> shift).or_default() += count;
        }
        Self { buckets, scale: Some(scale), ..self.clone() }
    }
}
