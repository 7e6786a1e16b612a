//! Text that many streams share, kept once and counted: attributes, resources, scopes, metrics.
//!
//! Sharded like the stream store, so that growth in one part stops nobody else. Only new and
//! forgotten streams come here; a point of a known stream never does.

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::identity::Identity;
use crate::slab::Slab;

const SHARDS: usize = 64;
const SHARD_BITS: u32 = SHARDS.trailing_zeros();

/// Names an entry of one [`InternTable`] for as long as it is acquired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InternId(u32);

impl InternId {
    /// For hash tables.
    pub fn table_hash(self) -> u64 {
        // The golden ratio of 2⁶⁴ spreads neighbouring numbers over all bits.
        u64::from(self.0).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// A reference-counted set of `T`, found by identity.
#[derive(Debug)]
pub(crate) struct InternTable<T> {
    shards: Box<[Mutex<Shard<T>>]>,
}

#[derive(Debug)]
struct Shard<T> {
    index: HashTable<u32>,
    entries: Slab<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    identity: Identity,
    references: u32,
    /// What is interned; the default in a free slot, so that nothing is kept for nobody.
    value: T,
}

impl<T: Default> InternTable<T> {
    pub fn new() -> Self {
        let shard = || Mutex::new(Shard { index: HashTable::new(), entries: Slab::new() });
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// The entry of `identity`, made by `make` if there is none; one reference more.
    pub fn acquire(&self, identity: Identity, make: impl FnOnce() -> T) -> InternId {
        self.acquire_and_read(identity, make, |_| ()).0
    }

    /// As [`Self::acquire`], and reads the entry.
    pub fn acquire_and_read<R>(
        &self,
        identity: Identity,
        make: impl FnOnce() -> T,
        read: impl FnOnce(&T) -> R,
    ) -> (InternId, R) {
        let number = identity.shard(SHARDS);
        let mut shard = self.shards[number].lock();
        let Shard { index, entries } = &mut *shard;
        let hash = identity.table_hash();
        let slot = match index.find(hash, |slot| entries.get(*slot).identity == identity) {
            Some(slot) => *slot,
            None => {
                let slot = entries.insert(Entry { identity, references: 0, value: make() });
                index.insert_unique(hash, slot, |slot| entries.get(*slot).identity.table_hash());
                slot
            }
        };
        let entry = entries.get_mut(slot);
        entry.references += 1;
        (InternId(slot << SHARD_BITS | number as u32), read(&entry.value))
    }

    /// One reference more to an entry that is acquired already.
    pub fn acquire_again(&self, id: InternId) {
        let mut shard = self.shards[id.0 as usize % SHARDS].lock();
        shard.entries.get_mut(id.0 >> SHARD_BITS).references += 1;
    }

    /// Gives one reference back; the value is returned with the last one.
    pub fn release(&self, id: InternId) -> Option<T> {
        let mut shard = self.shards[id.0 as usize % SHARDS].lock();
        let Shard { index, entries } = &mut *shard;
        let slot = id.0 >> SHARD_BITS;
        let entry = entries.get_mut(slot);
        entry.references -= 1;
        if entry.references > 0 {
            return None;
        }
        let (identity, value) = (entry.identity, std::mem::take(&mut entry.value));
        if let Ok(found) = index.find_entry(identity.table_hash(), |other| *other == slot) {
            found.remove();
        }
        entries.remove(slot);
        if index.is_empty() {
            (*index, *entries) = (HashTable::new(), Slab::new()); // the memory goes back
        }
        Some(value)
    }

    /// Whether there is an entry of `identity`.
    pub fn contains(&self, identity: Identity) -> bool {
        let shard = self.shards[identity.shard(SHARDS)].lock();
        let same = |slot: &u32| shard.entries.get(*slot).identity == identity;
        shard.index.find(identity.table_hash(), same).is_some()
    }

    /// Reads an acquired entry.
    pub fn read<R>(&self, id: InternId, read: impl FnOnce(&T) -> R) -> R {
        let shard = self.shards[id.0 as usize % SHARDS].lock();
        read(&shard.entries.get(id.0 >> SHARD_BITS).value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: one text acquired twice and released twice. Guarantee: one entry, kept until the
    /// second release, and its slot used again afterwards.
    #[test]
    fn entries_live_as_long_as_their_references() {
        let table = InternTable::new();
        let identity = Identity(77);
        let first = table.acquire(identity, || "text".to_owned());
        let second = table.acquire(identity, || unreachable!("made twice"));
        assert_eq!(first, second);
        assert_eq!(table.release(first), None);
        assert_eq!(table.read(second, String::clone), "text");
        assert_eq!(table.release(second), Some("text".to_owned()));
        assert_eq!(table.acquire(identity, || "new".to_owned()), first);
    }
}
