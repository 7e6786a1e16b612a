//! Usage that is written to the journal and not yet in the store, added up.

use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::usage::interner::Holder;
use crate::usage::limits::Limits;
use crate::usage::{Measure, UsageEntry};

/// What one session used of one measure in one hour.
#[derive(Debug)]
pub(super) struct Row {
    pub holder: Arc<Holder>,
    pub amount: i64,
    pub hour: u32,
    pub measure: Measure,
}

impl Row {
    fn hash(&self) -> u64 {
        let key = u64::from(self.hour) << 8 | self.measure as u64;
        // Odd, from the golden ratio of 2⁶⁴: spreads the key over all bits.
        self.holder.hash ^ key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn is(&self, other: &Self) -> bool {
        (self.hour, self.measure) == (other.hour, other.measure)
            && (Arc::ptr_eq(&self.holder, &other.holder) || self.holder.is(&other.holder))
    }
}

/// Rows with one key once. While the store cannot be written it grows with the number of keys (hour,
/// dimensions, session, measure) up to a limit; from then on what has a new key is counted as
/// nobody's, so that totals stay exact and memory ends.
#[derive(Debug)]
pub(super) struct Waiting {
    max_bytes: usize,
    rows: HashTable<Row>,
    bytes: usize,
    /// The first journal row whose usage is here.
    oldest: Option<u64>,
    /// The last.
    newest: Option<u64>,
}

impl Waiting {
    pub fn new(limits: Limits) -> Self {
        let max_bytes = limits.waiting_bytes;
        Self { max_bytes, rows: HashTable::new(), bytes: 0, oldest: None, newest: None }
    }

    /// Hands out what it has and begins anew.
    pub fn take(&mut self) -> Self {
        let empty =
            Self { max_bytes: self.max_bytes, rows: HashTable::new(), bytes: 0, oldest: None, newest: None };
        std::mem::replace(self, empty)
    }

    /// Adds rows of the journal row `sequence`; `nobody` takes what has no room.
    pub fn add(&mut self, sequence: u64, rows: impl IntoIterator<Item = Row>, nobody: &Arc<Holder>) {
        self.note(Some(sequence), Some(sequence));
        for row in rows {
            self.add_row(row, nobody);
        }
    }

    /// Adds all that `other` holds.
    pub fn take_back(&mut self, mut other: Self, nobody: &Arc<Holder>) {
        self.note(other.oldest, other.newest);
        for row in other.rows.drain() {
            self.add_row(row, nobody);
        }
    }

    fn note(&mut self, oldest: Option<u64>, newest: Option<u64>) {
        self.oldest = [self.oldest, oldest].into_iter().flatten().min();
        self.newest = self.newest.max(newest);
    }

    fn add_row(&mut self, row: Row, nobody: &Arc<Holder>) {
        let is_full = self.bytes >= self.max_bytes;
        match self.rows.entry(row.hash(), |known| known.is(&row), Row::hash) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.amount = known.amount.saturating_add(row.amount);
            }
            Entry::Vacant(_) if is_full && !Arc::ptr_eq(&row.holder, nobody) => {
                self.add_row(Row { holder: Arc::clone(nobody), ..row }, nobody);
            }
            Entry::Vacant(place) => {
                self.bytes += size_of::<Row>() + row.holder.bytes();
                place.insert(row);
            }
        }
    }

    /// For the store.
    pub fn entries(&self) -> Vec<UsageEntry> {
        let entry = |row: &Row| UsageEntry {
            unix_hour: row.hour,
            dimensions: Arc::clone(&row.holder.owner.dimensions),
            session: Arc::clone(&row.holder.session),
            measure: row.measure,
            amount: row.amount,
        };
        self.rows.iter().map(entry).collect()
    }

    /// Distinct keys.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The first journal row whose usage is here.
    pub fn oldest(&self) -> Option<u64> {
        self.oldest
    }

    /// The last journal row whose usage is here.
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Bytes held, with dimensions counted once per key.
    pub fn bytes(&self) -> usize {
        self.bytes + self.rows.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Dimensions;
    use crate::usage::interner::Interner;

    /// Scenario: a store that cannot be written, while a client makes up sessions without end.
    /// Guarantee: memory ends, not one token is lost, and keys that were there keep theirs.
    #[test]
    fn a_flood_of_keys_is_bounded_and_exact() {
        let mut interner = Interner::new(Limits::of(0));
        let nobody = interner.holder(Dimensions::default(), "");
        let mut waiting = Waiting::new(Limits::of(0));
        let row = |holder, hour| Row { holder, amount: 3, hour, measure: Measure::InputTokens };
        let long = "x".repeat(200);
        let first = interner.holder(Dimensions::default(), "first");
        waiting.add(1, [row(Arc::clone(&first), 7)], &nobody);
        const SESSIONS: i64 = 150_000;
        for number in 0..SESSIONS {
            let session = interner.holder(Dimensions::default(), &format!("{number}{long}"));
            waiting.add(2, [row(session, 7)], &nobody);
        }
        waiting.add(3, [row(first, 7)], &nobody);
        assert!(
            waiting.bytes() < 2 * Limits::of(0).waiting_bytes && waiting.len() < 140_000,
            "{}",
            waiting.bytes()
        );
        let entries = waiting.entries();
        assert_eq!(entries.iter().map(|entry| entry.amount).sum::<i64>(), 3 * (SESSIONS + 2));
        assert!(entries.iter().any(|entry| &*entry.session == "first" && entry.amount == 6));
        assert_eq!((waiting.oldest(), waiting.newest()), (Some(1), Some(3)));
    }
}
