//! Last pass over a batch: what its points used, for reports.

use crate::apply::Application;
use crate::batch::Batch;
use crate::distribution::DistributionRef;
use crate::engine::Engine;
use crate::number::Number;
use crate::path::MetricPath;
use crate::result::{BatchResult, Course, IncomingPoint, IncomingValue, MAX_ATTRIBUTE_BYTES};
use crate::usage::{Describer, UsageKeeper};

impl Engine {
    /// Where usage is counted, if it is.
    pub(crate) fn usage(&self) -> Option<&UsageKeeper> {
        self.ledger.as_ref()?.usage.as_ref()
    }
}

impl<B: Batch> Application<'_, B> {
    /// Counts the increases of the batch. Points that added nothing, because they were seen before (D3),
    /// are a base (T3) or found no room, have another course by now.
    pub(crate) fn count_usage(&self, result: &BatchResult) {
        let Some(usage) = self.engine.usage() else { return };
        for used in &result.usage {
            let point = &result.points[used.point as usize];
            let path = result.path(point);
            if let (Some(rule), Course::Add) = (path.usage, point.course) {
                let times = [point.time_unix_nano, self.now.wall_unix_nano];
                let mut computed = used.computed;
                for value in increases(point.value, result).into_iter().flatten() {
                    let amounts = (value, computed.take());
                    usage.book.add(used.source, rule, times, amounts, |describer| {
                        self.describe(point, path, describer);
                    });
                }
            }
        }
    }

    /// Shows a point with everything above it.
    pub(crate) fn describe(&self, point: &IncomingPoint, path: &MetricPath, describer: &mut Describer) {
        self.describe_above(path, describer);
        self.describe_point(point, describer);
    }

    /// Shows what stands above a point.
    pub(crate) fn describe_above(&self, path: &MetricPath, describer: &mut Describer) {
        let batch = self.batch;
        // The first pass has read the same attributes to their end without error.
        let _ = batch.scope_attributes(path.scope.attributes, |record| describer.scope(record));
        let _ = batch.resource_attributes(path.resource.attributes, |record| describer.resource(record));
        describer.scope_name(batch.bytes(path.scope.name));
    }

    /// Shows a point's own attributes; of too many (T5) the first, so that it stays cheap.
    pub(crate) fn describe_point(&self, point: &IncomingPoint, describer: &mut Describer) {
        let mut span = point.attributes;
        if point.oversized {
            span.length = span.length.min(MAX_ATTRIBUTE_BYTES as u32);
        }
        // The last of them may be cut off; those before it are read.
        let _ = self.batch.point_attributes(span, |record| describer.point(record));
    }
}

/// What a point adds; the increase of a total may take two numbers (T3).
pub(crate) fn increases(value: IncomingValue, result: &BatchResult) -> [Option<Number>; 2] {
    match value {
        IncomingValue::Number(value) => [Some(value), None],
        IncomingValue::Difference(place) => {
            let (newer, last) = result.differences[place as usize];
            [Some(newer), Some(last)]
        }
        IncomingValue::Distribution { begin, length } => {
            let words = &result.words[begin as usize..(begin + length) as usize];
            let sum = DistributionRef::parse(words).ok().and_then(|read| read.sum());
            [sum.map(Number::Double), None]
        }
    }
}
