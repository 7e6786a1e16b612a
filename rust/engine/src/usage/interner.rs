//! Dimensions and sessions, each kept once for as long as sources use them.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hashbrown::HashTable;

use crate::usage::Dimensions;
use crate::usage::limits::Limits;

/// Bytes of an entry beside its texts, generously.
const ENTRY_BYTES: usize = 160;

/// Whose usage it is, down to the session.
#[derive(Debug)]
pub(super) struct Holder {
    pub owner: Arc<Owner>,
    pub session: Arc<str>,
    /// Of both, for tables.
    pub hash: u64,
    /// Its number in the segment that is being written.
    pub mark: Mark,
}

/// One set of dimensions.
#[derive(Debug)]
pub(super) struct Owner {
    pub dimensions: Arc<Dimensions>,
    hash: u64,
    /// Its number in the segment that is being written.
    pub mark: Mark,
}

impl Holder {
    /// Bytes that it takes, its dimensions included, even where others share them.
    pub fn bytes(&self) -> usize {
        ENTRY_BYTES + self.session.len() + self.owner.bytes()
    }

    /// Whether both are the same usage's, even if they were interned twice.
    pub fn is(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.session == other.session
            && self.owner.dimensions == other.owner.dimensions
    }
}

impl Owner {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + size_of::<Dimensions>() + self.dimensions.texts().iter().map(|t| t.len()).sum::<usize>()
    }
}

/// A number that holds for one cut only, so that nothing need be cleared.
#[derive(Debug, Default)]
pub(super) struct Mark {
    cut: AtomicU64,
    number: AtomicU32,
}

impl Mark {
    /// The number given in this cut; only one thread at a time makes cuts.
    pub fn get(&self, cut: u64) -> Option<u32> {
        (self.cut.load(Ordering::Relaxed) == cut).then(|| self.number.load(Ordering::Relaxed))
    }

    /// Gives a number.
    pub fn set(&self, cut: u64, number: u32) {
        self.cut.store(cut, Ordering::Relaxed);
        self.number.store(number, Ordering::Relaxed);
    }
}

/// All that are in use, and some that no longer are. What it forgets is interned anew when it comes
/// again; then two stand for the same, which costs memory and nothing else.
#[derive(Debug)]
pub(super) struct Interner {
    hasher: RandomState,
    owners: Generations<Owner>,
    holders: Generations<Holder>,
}

impl Interner {
    pub fn new(limits: Limits) -> Self {
        let bytes = limits.interner_bytes;
        Self { hasher: RandomState::new(), owners: Generations::new(bytes), holders: Generations::new(bytes) }
    }

    /// The one holder of this session under these dimensions.
    pub fn holder(&mut self, dimensions: Dimensions, session: &str) -> Arc<Holder> {
        self.holder_and_cost(dimensions, session).0
    }

    /// As [`Self::holder`], with the bytes that are newly taken for it.
    pub fn holder_and_cost(&mut self, dimensions: Dimensions, session: &str) -> (Arc<Holder>, usize) {
        let (owner, owner_bytes) = self.owner(dimensions);
        let hash = self.hash((owner.hash, session));
        let found = self.holders.get(
            hash,
            |holder| holder.hash,
            |holder| *holder.session == *session && holder.owner.dimensions == owner.dimensions,
        );
        if let Some(holder) = found {
            return (holder, owner_bytes);
        }
        let session = Arc::from(session);
        let holder = Arc::new(Holder { owner, session, hash, mark: Mark::default() });
        let bytes = ENTRY_BYTES + holder.session.len();
        self.holders.insert(hash, |holder| holder.hash, &holder, bytes);
        (holder, owner_bytes + bytes)
    }

    fn owner(&mut self, dimensions: Dimensions) -> (Arc<Owner>, usize) {
        let hash = self.hash(&dimensions);
        let found = self.owners.get(hash, |owner| owner.hash, |owner| *owner.dimensions == dimensions);
        if let Some(owner) = found {
            return (owner, 0);
        }
        let owner = Arc::new(Owner { dimensions: Arc::new(dimensions), hash, mark: Mark::default() });
        let bytes = owner.bytes();
        self.owners.insert(hash, |owner| owner.hash, &owner, bytes);
        (owner, bytes)
    }

    /// Bytes held, at most.
    pub fn bytes(&self) -> usize {
        self.owners.bytes() + self.holders.bytes()
    }

    fn hash(&self, value: impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }
}

/// A set of bounded size: the older half is forgotten when the younger is full.
#[derive(Debug)]
struct Generations<T> {
    /// Bytes of one generation.
    limit: usize,
    young: HashTable<Arc<T>>,
    old: HashTable<Arc<T>>,
    young_bytes: usize,
    old_bytes: usize,
}

impl<T> Generations<T> {
    fn new(limit: usize) -> Self {
        Self { limit, young: HashTable::new(), old: HashTable::new(), young_bytes: 0, old_bytes: 0 }
    }

    fn get(&mut self, hash: u64, hash_of: fn(&T) -> u64, is: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        if let Some(found) = self.young.find(hash, |entry| is(entry)) {
            return Some(Arc::clone(found));
        }
        let found = self.old.find_entry(hash, |entry| is(entry)).ok()?.remove().0;
        // Counted as small: what it takes was counted in the older half, and is soon counted again.
        self.insert(hash, hash_of, &found, ENTRY_BYTES);
        Some(found)
    }

    fn insert(&mut self, hash: u64, hash_of: fn(&T) -> u64, entry: &Arc<T>, bytes: usize) {
        if self.young_bytes >= self.limit {
            self.old = std::mem::take(&mut self.young);
            self.old_bytes = std::mem::take(&mut self.young_bytes);
        }
        self.young_bytes += bytes;
        self.young.insert_unique(hash, Arc::clone(entry), |entry| hash_of(entry));
    }

    fn bytes(&self) -> usize {
        self.young_bytes + self.old_bytes + self.young.allocation_size() + self.old.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dimensions(user: &str) -> Dimensions {
        Dimensions { user: user.to_owned(), ..Dimensions::default() }
    }

    /// Scenario: the same dimensions and sessions again. Guarantee: one entry each.
    #[test]
    fn equals_are_kept_once() {
        let mut interner = Interner::new(Limits::of(0));
        let first = interner.holder(dimensions("a"), "1");
        assert!(Arc::ptr_eq(&first, &interner.holder(dimensions("a"), "1")));
        let other = interner.holder(dimensions("a"), "2");
        assert!(Arc::ptr_eq(&first.owner, &other.owner) && !first.is(&other));
    }

    /// Scenario: a flood of sessions and users. Guarantee: memory stays bounded; what was forgotten is
    /// made anew and equals the first.
    #[test]
    fn a_flood_is_bounded() {
        let mut interner = Interner::new(Limits::of(0));
        let first = interner.holder(dimensions("first"), "s");
        for number in 0..200_000 {
            interner.holder(dimensions(&number.to_string()), &number.to_string());
        }
        assert!(interner.bytes() < 6 * Limits::of(0).interner_bytes, "{}", interner.bytes());
        let again = interner.holder(dimensions("first"), "s");
        assert!(again.is(&first) && !Arc::ptr_eq(&first, &again));
    }
}
