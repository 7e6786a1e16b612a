//! Who has been idle longest: entries in buckets of the second in which they were last seen.
//!
//! Nothing is done when a point arrives. An entry lies in the bucket of its birth until somebody asks
//! for idle ones; if it has been seen since, it moves to the bucket of that moment. So forgetting
//! (L1) and eviction (T5) cost what is forgotten, not what is kept.

use std::collections::{BTreeMap, VecDeque};

/// The entries of one shard by age.
#[derive(Debug)]
pub(crate) struct Ages {
    buckets: BTreeMap<u32, VecDeque<u32>>,
    /// Seconds that share a bucket.
    width: u32,
}

/// What is known of an entry whose turn it is.
pub(crate) enum Age {
    /// It was last seen in this second.
    Seen(u32),
    /// It must not be forgotten now, however old it is.
    Busy,
    /// It is no entry of this list any more.
    Gone,
}

impl Ages {
    /// Buckets of `width` seconds, at least one.
    pub fn new(width: u32) -> Self {
        Self { buckets: BTreeMap::new(), width: width.max(1) }
    }

    /// As it began.
    pub fn emptied(&self) -> Self {
        Self::new(self.width)
    }

    /// A new entry, seen at `second`.
    pub fn add(&mut self, slot: u32, second: u32) {
        self.buckets.entry(second / self.width).or_default().push_back(slot);
    }

    /// The second in which the first bucket begins that reaches `from` or later; `None` without one.
    /// Nothing was last seen before the first bucket of all.
    pub fn oldest_second(&self, from: u32) -> Option<u32> {
        self.buckets.range(from / self.width..).next().map(|(bucket, _)| bucket * self.width)
    }

    /// Takes an entry that was last seen before `second`, one of the oldest. `steps` bounds how many
    /// entries are looked at, and is reduced by as many.
    pub fn take_idle(&mut self, second: u32, steps: &mut usize, age: impl FnMut(u32) -> Age) -> Option<u32> {
        let mut busy = Vec::new();
        let taken = self.search(second, steps, age, &mut busy);
        for (bucket, slot) in busy {
            // At the far end: the next search looks at others first.
            self.buckets.entry(bucket).or_default().push_front(slot);
        }
        taken
    }

    fn search(
        &mut self,
        second: u32,
        steps: &mut usize,
        mut age: impl FnMut(u32) -> Age,
        busy: &mut Vec<(u32, u32)>,
    ) -> Option<u32> {
        while *steps > 0 {
            let mut bucket = self.buckets.first_entry()?;
            let number = *bucket.key();
            if number * self.width >= second {
                return None;
            }
            let slot = bucket.get_mut().pop_back();
            if bucket.get().is_empty() {
                bucket.remove();
            }
            let Some(slot) = slot else { continue };
            *steps -= 1;
            match age(slot) {
                Age::Gone => {}
                Age::Busy => busy.push((number, slot)),
                Age::Seen(seen) if seen < second => return Some(slot),
                // `second` lies within its bucket: back to where it was, but not in this search.
                Age::Seen(seen) if seen / self.width <= number => busy.push((number, slot)),
                Age::Seen(seen) => self.add(slot, seen),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: three entries, one seen again, one busy. Guarantee: the idle one comes first, the
    /// others only once they are idle too; what was taken does not come again.
    #[test]
    fn the_idle_come_first() {
        let mut seen = [10, 20, 900];
        let mut ages = Ages::new(60);
        (0..3).for_each(|slot| ages.add(slot, 10));
        let mut steps = 100;
        let mut first = Vec::new();
        while let Some(slot) = ages.take_idle(600, &mut steps, |slot| {
            if slot == 0 { Age::Busy } else { Age::Seen(seen[slot as usize]) }
        }) {
            first.push(slot);
        }
        assert_eq!(first, [1]);
        seen[2] = 900;
        assert_eq!(ages.take_idle(960, &mut steps, |slot| Age::Seen(seen[slot as usize])), Some(0));
        assert_eq!(ages.take_idle(900, &mut steps, |slot| Age::Seen(seen[slot as usize])), None);
        assert_eq!(ages.take_idle(960, &mut steps, |slot| Age::Seen(seen[slot as usize])), Some(2));
        assert_eq!(ages.take_idle(u32::MAX, &mut steps, |_| Age::Seen(0)), None);
    }

    /// Scenario: many entries that were all seen again. Guarantee: `steps` bounds the work.
    #[test]
    fn work_is_bounded() {
        let mut ages = Ages::new(1);
        (0..1000).for_each(|slot| ages.add(slot, 1));
        let mut steps = 10;
        assert_eq!(ages.take_idle(5, &mut steps, |_| Age::Seen(9)), None);
        assert_eq!(steps, 0);
    }
}
