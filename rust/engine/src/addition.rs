//! What a point adds to its ledger stream, by the kind of its value.

use crate::apply::{Application, Round};
use crate::batch::Batch;
use crate::budget::Claim;
use crate::config::GaugeMerge;
use crate::distribution::{Distribution, DistributionRef};
use crate::engine::Engine;
use crate::gauge::{GaugeMembers, Taken};
use crate::number::Number;
use crate::result::{BatchResult, IncomingPoint, IncomingValue};
use crate::shard::{BODY_BYTES, Body, Shard};

/// Bytes that an exponential histogram may grow by: two sides of 160 buckets.
const LARGEST_GROWTH: usize = 2 * 160 * size_of::<u64>();

/// What became of a value.
pub(crate) enum Added {
    Yes,
    Superseded,
    Invalid,
    NoRoom,
}

impl From<bool> for Added {
    fn from(added: bool) -> Self {
        if added { Self::Yes } else { Self::Invalid }
    }
}

impl<B: Batch> Application<'_, B> {
    /// Adds what the point brings to its stream.
    pub(crate) fn add(
        &self,
        shard: &mut Shard,
        slot: u32,
        point: &IncomingPoint,
        result: &BatchResult,
        round: Round,
    ) -> Added {
        let stream = shard.get_mut(slot);
        match point.value {
            IncomingValue::Number(value) if stream.is_gauge() => {
                self.set_gauge(shard, slot, point, value, result)
            }
            IncomingValue::Number(value) => Added::from(stream.add(value)),
            IncomingValue::Difference(place) => {
                let (newer, last) = result.differences[place as usize];
                Added::from(stream.add(newer) && stream.add(last))
            }
            IncomingValue::Distribution { begin, length } => {
                let words = &result.words[begin as usize..(begin + length) as usize];
                let Ok(read) = DistributionRef::parse(words) else { return Added::Invalid };
                let claim = round.claim();
                if !self.engine.budget.has_room(2 * size_of_val(words) + LARGEST_GROWTH, claim)
                    && self.would_grow(shard, slot, &read)
                {
                    return Added::NoRoom;
                }
                Added::from(self.engine.merge_distribution(shard, slot, &read))
            }
        }
    }

    /// Whether a histogram would take more bytes with this point. Only asked where bytes are short.
    fn would_grow(&self, shard: &Shard, slot: u32, point: &DistributionRef<'_>) -> bool {
        let Some(Body::Distribution(total)) = shard.body(shard.get(slot)) else {
            return false; // a new one: its bytes were asked for
        };
        let mut grown = total.clone();
        grown.merge(point).is_ok() && grown.bytes() > total.bytes()
    }

    /// T4: a gauge takes the latest value, or merges its members.
    fn set_gauge(
        &self,
        shard: &mut Shard,
        slot: u32,
        point: &IncomingPoint,
        value: Number,
        result: &BatchResult,
    ) -> Added {
        let merge = self.engine.trimming.gauge(result.path(point).plan);
        let time = self.time(point);
        if merge == GaugeMerge::Last {
            return if shard.get_mut(slot).set_gauge(value, time) { Added::Yes } else { Added::Superseded };
        }
        // A new member may double the table that it goes into.
        let held = shard.body(shard.get(slot)).map_or(0, Body::bytes);
        let may_grow = self.engine.budget.has_room(held + BODY_BYTES, Claim::Ordinary);
        let second = self.emission.clock.monotonic_second;
        let taken = shard.with_body(
            slot,
            || Body::Gauge(GaugeMembers::default()),
            |body| match body {
                Body::Gauge(members) => {
                    members.take(point.window, value.as_f64(), time, second, merge, may_grow)
                }
                Body::Distribution(_) => Taken::Refused,
            },
        );
        let Some((taken, before, after)) = taken else { return Added::Invalid };
        self.engine.budget.change(before, after);
        match taken {
            Taken::Merged(value) => {
                shard.get_mut(slot).replace_gauge(Number::Double(value));
                Added::Yes
            }
            Taken::Superseded => Added::Superseded,
            Taken::Refused => Added::NoRoom,
        }
    }
}

impl Engine {
    /// Adds `point` to the total of a histogram, which begins with it if there is none; false if the two cannot
    /// be added.
    pub(crate) fn merge_distribution(
        &self,
        shard: &mut Shard,
        slot: u32,
        point: &DistributionRef<'_>,
    ) -> bool {
        let make = || Body::Distribution(Distribution::empty_like(point));
        let merged = shard.with_body(slot, make, |body| match body {
            Body::Distribution(total) => total.merge(point).is_ok(),
            Body::Gauge(_) => false,
        });
        merged.is_some_and(|(merged, before, after)| {
            self.budget.change(before, after);
            merged
        })
    }
}
