//! The order in which a chunk is pushed (L3).
//!
//! A store takes samples of a series in the order of time only, and refuses a request as a whole if one of its samples
//! is older than what it has. Beside the series that are sent it keeps one of its own for each resource (`target_info`).
//! Exporters of remote write give that one the newest time of a request; Prometheus' OTLP endpoint all times from the
//! earliest on (v0.313.2, storage/remote/otlptranslator, `addResourceTargetInfo`). And whatever stands between may cut a
//! request into pieces, each of which is a request then.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::{DuePoint, Tick};
use crate::clock::NANOS_PER_MILLI;
use crate::engine::{Engine, SHARDS};
use crate::intern::InternId;
use crate::result::Zero;

/// When the zeros and the values of a resource go out, Unix milliseconds.
#[derive(Clone, Copy)]
struct Times {
    zeros: u64,
    values: u64,
}

impl Engine {
    /// L3: all zeros of a resource go out at the time of the newest of them, all values at the time of the newest value, later than
    /// the zeros, and none before what an earlier chunk had. So no piece of the chunk lies before another.
    pub(super) fn keep_resources_in_order(&self, tick: &mut Tick) {
        let resources = times_of_resources(tick);
        let Tick { points, streams, metrics, .. } = tick;
        let times = |metric: &InternId| {
            let (_, [resource, _]) = metrics.get(metric)?;
            resources.get(resource).copied()
        };
        for point in points {
            let Some(Times { zeros, values }) = times(&point.metric) else { continue };
            let milli = if point.zero { zeros } else { values };
            // A time at the end of what 64 bits hold stays as it is.
            if let Some(later) =
                milli.checked_mul(NANOS_PER_MILLI).filter(|later| *later > point.output.time_unix_nano)
            {
                point.output.time_unix_nano = later;
                self.note_later_output(point, milli);
            }
        }
        for spoken in streams {
            if let (Zero::WithValue(milli), Some(times)) = (&mut spoken.zero, times(&spoken.metric)) {
                *milli = times.values;
            }
        }
    }

    fn note_later_output(&self, point: &DuePoint, milli: u64) {
        let mut shard = self.shards[point.stream.shard(SHARDS)].lock();
        if let Some(slot) = shard.find(point.stream) {
            let stream = shard.get_mut(slot);
            stream.last_emitted_milli = stream.last_emitted_milli.max(milli);
            shard.note_output(slot);
        }
    }
}

/// The times of each resource in the chunk, which are its newest output from now on.
fn times_of_resources(tick: &Tick) -> BTreeMap<InternId, Times> {
    let mut resources = BTreeMap::new();
    for point in &tick.points {
        let Some((descriptor, [resource, _])) = tick.metrics.get(&point.metric) else { continue };
        let newest = &descriptor.scope.resource.newest_output_milli;
        let times = resources.entry(*resource).or_insert_with(|| {
            let before = newest.load(Ordering::Relaxed);
            Times { zeros: before, values: before }
        });
        let milli = point.output.time_unix_nano / NANOS_PER_MILLI;
        // Zeros come first, so the values know them.
        if point.zero {
            times.zeros = times.zeros.max(milli);
            times.values = times.values.max(times.zeros.saturating_add(1));
        } else {
            times.values = times.values.max(milli);
        }
        newest.fetch_max(times.values, Ordering::Relaxed);
    }
    resources
}
