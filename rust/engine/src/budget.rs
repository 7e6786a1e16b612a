//! The byte budget (T5): what the engine holds, counted as it grows, asked before it grows.
//!
//! Counted is what is live, with the share of tables and free room that goes with it: memory that
//! forgotten streams leave behind is used again by new ones, so the process does not grow past it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Who asks for room. The later ones may use what the earlier ones must leave free, so that there is
/// room for the overflow of a full engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// An ordinary stream or source: seven eighths of the budget.
    Ordinary,
    /// The overflow stream of a metric: fifteen sixteenths.
    Overflow,
    /// The overflow stream for metrics that found no other: all of it.
    Last,
}

/// A shared count of bytes with a limit.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    count: Arc<Count>,
}

#[derive(Debug)]
struct Count {
    held: AtomicUsize,
    scratch: AtomicUsize,
    /// 0 = no limit.
    limit: usize,
}

impl Budget {
    /// `limit` in bytes; 0 = none.
    pub fn new(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { count: Arc::new(Count { held: AtomicUsize::new(0), scratch: AtomicUsize::new(0), limit }) }
    }

    /// Whether `bytes` more would fit.
    pub fn has_room(&self, bytes: usize, claim: Claim) -> bool {
        self.missing(bytes, claim) == 0
    }

    /// How many bytes too few there are for `bytes` more.
    pub fn missing(&self, bytes: usize, claim: Claim) -> usize {
        let limit = self.count.limit;
        let share = match claim {
            _ if limit == 0 => usize::MAX,
            Claim::Ordinary => limit - limit / 8,
            Claim::Overflow => limit - limit / 16,
            Claim::Last => limit,
        };
        self.used().saturating_add(bytes).saturating_sub(share)
    }

    pub fn add(&self, bytes: usize) {
        self.count.held.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn remove(&self, bytes: usize) {
        self.count.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Something that took `before` bytes takes `after` now.
    pub fn change(&self, before: usize, after: usize) {
        if after >= before { self.add(after - before) } else { self.remove(before - after) }
    }

    /// Bytes of scratch that callers hold.
    pub fn scratch(&self) -> usize {
        self.count.scratch.load(Ordering::Relaxed)
    }

    pub fn limit(&self) -> usize {
        self.count.limit
    }

    fn used(&self) -> usize {
        self.count.held.load(Ordering::Relaxed).saturating_add(self.scratch())
    }
}

/// The scratch of one caller, counted as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct CountedScratch {
    counted: Option<(Budget, usize)>,
}

impl CountedScratch {
    /// The caller's scratch now takes `bytes`, of this budget.
    pub fn now(&mut self, budget: &Budget, bytes: usize) {
        if let Some((counted, before)) = &mut self.counted
            && Arc::ptr_eq(&counted.count, &budget.count)
        {
            budget.count.scratch.fetch_add(bytes, Ordering::Relaxed);
            budget.count.scratch.fetch_sub(*before, Ordering::Relaxed);
            *before = bytes;
            return;
        }
        self.end();
        budget.count.scratch.fetch_add(bytes, Ordering::Relaxed);
        self.counted = Some((budget.clone(), bytes));
    }

    fn end(&mut self) {
        if let Some((budget, bytes)) = self.counted.take() {
            budget.count.scratch.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for CountedScratch {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a budget of 1600 bytes fills up. Guarantee: the last sixteenths are for overflow.
    #[test]
    fn overflow_has_room_when_others_have_none() {
        let budget = Budget::new(1600);
        budget.add(1400);
        assert!(!budget.has_room(1, Claim::Ordinary));
        assert!(budget.has_room(100, Claim::Overflow));
        assert!(!budget.has_room(101, Claim::Overflow));
        assert!(budget.has_room(200, Claim::Last));
        budget.change(1400, 100);
        assert!(budget.has_room(1300, Claim::Ordinary));
    }

    /// Scenario: scratch grows, shrinks, goes to another engine and ends. Guarantee: counted once.
    #[test]
    fn scratch_is_counted_while_it_lives() {
        let (one, two) = (Budget::new(100), Budget::new(0));
        let mut scratch = CountedScratch::default();
        scratch.now(&one, 90);
        assert!(!one.has_room(1, Claim::Ordinary));
        scratch.now(&one, 10);
        assert_eq!(one.scratch(), 10);
        scratch.now(&two, 7);
        assert_eq!((one.scratch(), two.scratch()), (0, 7));
        drop(scratch);
        assert_eq!(two.scratch(), 0);
    }
}
