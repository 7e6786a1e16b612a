//! Points in groups of one shard each, so that every shard is locked once per batch.

use crate::engine::SHARDS;
use crate::result::IncomingPoint;

/// Where each shard's group ends in the order that `group_by_shard` makes.
pub(crate) struct GroupEnds {
    /// One bit per shard that has points: a batch of one point must not look at all shards.
    occupied: u64,
    ends: [u32; SHARDS],
}

const _: () = assert!(SHARDS == u64::BITS as usize);

impl GroupEnds {
    /// The groups that are not empty, with their shards; `order` is what was ordered.
    pub fn groups<'a>(&'a self, order: &'a [u32]) -> impl Iterator<Item = (usize, &'a [u32])> {
        let mut begin = 0;
        bits(self.occupied).map(move |shard| {
            let end = self.ends[shard] as usize;
            (shard, &order[std::mem::replace(&mut begin, end)..end])
        })
    }
}

/// Orders the chosen numbers of `points` by shard, keeping their order inside a shard.
pub(crate) fn group_by_shard(
    points: &[IncomingPoint],
    chosen: impl Iterator<Item = u32> + Clone,
    order: &mut Vec<u32>,
) -> GroupEnds {
    group_by(chosen, |index| points[index as usize].shard(), order)
}

/// Orders numbers by shard, keeping their order inside a shard (a counting sort).
pub(crate) fn group_by(
    chosen: impl Iterator<Item = u32> + Clone,
    shard: impl Fn(u32) -> usize,
    order: &mut Vec<u32>,
) -> GroupEnds {
    let mut groups = GroupEnds { occupied: 0, ends: [0; SHARDS] };
    let mut count = 0;
    for index in chosen.clone() {
        let shard = shard(index);
        groups.ends[shard] += 1;
        groups.occupied |= 1 << shard;
        count += 1;
    }
    let mut begin = 0;
    for number in bits(groups.occupied) {
        begin += std::mem::replace(&mut groups.ends[number], begin);
    }
    order.clear();
    order.resize(count, 0);
    for index in chosen {
        let place = &mut groups.ends[shard(index)];
        order[*place as usize] = index;
        *place += 1;
    }
    groups
}

/// The numbers of the set bits, lowest first.
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(lowest)
    })
}
