//! One of the 64 parts of the store of sources: a hash table of slots into a slab.

use hashbrown::HashTable;

use crate::ages::{Age, Ages};
use crate::catalog::Catalog;
use crate::distribution::Distribution;
use crate::identity::Identity;
use crate::intern::InternId;
use crate::ledger::effects::{Effects, Extent};
use crate::slab::Slab;
use crate::source::{NO_SLOT, Source, SourceImage};

/// Sources whose identities fall into one shard. A member lies in the shard of its source.
#[derive(Debug)]
pub(crate) struct SourceShard {
    index: HashTable<u32>,
    sources: Slab<Source>,
    /// Last values of members that are histograms.
    distributions: Slab<Option<Distribution>>,
    ages: Ages,
    /// Tombstones, and some that came back since.
    tombstone_ages: Ages,
    live: u32,
    tombstones: u32,
    /// Bytes that distributions point to.
    distribution_bytes: usize,
    /// T3: members that began at or before this moment may have been counted and forgotten, Unix
    /// nanoseconds.
    pub forgotten_nano: u64,
    /// What changed since the ledger's last row; `None` without a ledger.
    effects: Option<Box<Effects>>,
}

/// Tombstones live for 30 days: hours are exact enough.
const TOMBSTONE_AGE_SECONDS: u32 = 3600;

/// Bytes that a source costs with its share of the tables.
pub(crate) const SOURCE_BYTES: usize = size_of::<Source>() + 24;

impl SourceShard {
    pub fn new(age_seconds: u32) -> Self {
        Self {
            index: HashTable::new(),
            sources: Slab::new(),
            distributions: Slab::new(),
            ages: Ages::new(age_seconds),
            tombstone_ages: Ages::new(TOMBSTONE_AGE_SECONDS),
            live: 0,
            tombstones: 0,
            distribution_bytes: 0,
            forgotten_nano: 0,
            effects: None,
        }
    }

    /// Notes all changes from now on, for a ledger.
    pub fn keep_effects(&mut self) {
        self.effects = Some(Box::default());
    }

    /// The changes since the last call, if there are any.
    pub fn effects(&mut self) -> Option<&mut Effects> {
        self.effects.as_deref_mut().filter(|effects| !effects.is_empty())
    }

    /// Notes who a source is.
    pub fn note_source(&mut self, slot: u32, catalog: &Catalog) {
        if let Some(effects) = &mut self.effects {
            effects.source(self.sources.get(slot), catalog);
        }
    }

    /// Notes how a source is now, with so many of its windows.
    pub fn note_value(&mut self, slot: u32, windows: usize) {
        if let Some(effects) = &mut self.effects {
            let source = self.sources.get(slot);
            let distribution = distribution(&self.distributions, source);
            effects.source_value(source, Extent { windows, distribution, seen_second: None });
        }
    }

    /// Writes everything that a ledger keeps into `out`.
    pub fn write_snapshot(&self, number: usize, catalog: &Catalog, out: &mut Effects) {
        // Nobody's identity, in this shard: for the moment that goes with it (T3).
        out.source_gone(Identity(number as u128), self.forgotten_nano);
        for slot in 0..self.sources.slots() {
            let source = self.sources.get(slot);
            if source.is_live() && source.has_memory() {
                out.source(source, catalog);
                let distribution = distribution(&self.distributions, source);
                let seen_second = Some(source.last_seen_second);
                out.source_value(source, Extent { windows: 4, distribution, seen_second });
            }
        }
    }

    #[inline]
    pub fn find(&self, identity: Identity) -> Option<u32> {
        self.index.find(identity.table_hash(), |slot| self.sources.get(*slot).identity() == identity).copied()
    }

    /// Number of slots ever used, live or free.
    pub fn slots(&self) -> u32 {
        self.sources.slots()
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Source {
        self.sources.get(slot)
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Source {
        self.sources.get_mut(slot)
    }

    /// Stores a source; the caller has looked that there is none of this identity.
    pub fn insert(&mut self, source: Source) -> u32 {
        let (identity, second) = (source.identity(), source.last_seen_second);
        let slot = self.sources.insert(source);
        let sources = &self.sources;
        self.index
            .insert_unique(identity.table_hash(), slot, |slot| sources.get(*slot).identity().table_hash());
        self.ages.add(slot, second);
        self.live += 1;
        slot
    }

    /// Keeps the last value of a histogram's member.
    pub fn keep_distribution(&mut self, slot: u32, distribution: Distribution) {
        self.distribution_bytes += distribution.bytes();
        let place = self.distributions.insert(Some(distribution));
        self.sources.get_mut(slot).distribution = place;
    }

    /// Works on the last value of a histogram's member; says how its bytes changed.
    pub fn with_distribution<R>(
        &mut self,
        slot: u32,
        work: impl FnOnce(&mut Distribution) -> R,
    ) -> Option<(R, usize, usize)> {
        let place = self.sources.get(slot).distribution;
        if place == NO_SLOT {
            return None;
        }
        let last = self.distributions.get_mut(place).as_mut()?;
        let before = last.bytes();
        let result = work(last);
        let after = last.bytes();
        self.distribution_bytes = self.distribution_bytes + after - before;
        Some((result, before, after))
    }

    /// Bytes of the last value of a histogram's member.
    pub fn distribution_bytes_of(&self, slot: u32) -> usize {
        let place = self.sources.get(slot).distribution;
        if place == NO_SLOT {
            0
        } else {
            self.distributions.get(place).as_ref().map_or(0, Distribution::bytes)
        }
    }

    /// Once all sources are back from a ledger: their ages as they are now.
    pub fn restore_ages(&mut self) {
        (self.ages, self.tombstone_ages) = (self.ages.emptied(), self.tombstone_ages.emptied());
        for slot in 0..self.sources.slots() {
            let source = self.sources.get(slot);
            if source.is_live() {
                let tombstone = source.is_tombstone();
                let ages = if tombstone { &mut self.tombstone_ages } else { &mut self.ages };
                ages.add(slot, source.last_seen_second);
            }
        }
    }

    /// Takes the state that a ledger has of a source; says how many live ones there are more.
    pub fn restore(&mut self, slot: u32, image: &SourceImage, windows: [u64; 4], second: u32) -> i32 {
        let source = self.sources.get_mut(slot);
        let was_tombstone = source.is_tombstone();
        source.restore(image, windows);
        source.last_seen_second = second;
        match (was_tombstone, source.is_tombstone()) {
            (false, true) => {
                self.tombstone_ages.add(slot, second);
                self.live -= 1;
                self.tombstones += 1;
                -1
            }
            (true, false) => {
                self.revive(slot);
                1
            }
            _ => 0,
        }
    }

    /// Takes the last value that a ledger has of a histogram's member; says how its bytes changed.
    pub fn replace_distribution(&mut self, slot: u32, distribution: Distribution) -> (usize, usize) {
        let after = distribution.bytes();
        if self.sources.get(slot).distribution == NO_SLOT {
            self.keep_distribution(slot, distribution);
            return (0, after + DISTRIBUTION_BYTES);
        }
        let replaced = self.with_distribution(slot, |last| *last = distribution);
        replaced.map_or((0, 0), |((), before, after)| (before, after))
    }

    /// A tombstone that came back.
    pub fn revive(&mut self, slot: u32) {
        let source = self.sources.get_mut(slot);
        source.set_tombstone(false);
        self.ages.add(slot, source.last_seen_second);
        self.tombstones -= 1;
        self.live += 1;
    }

    /// An idle entry: forgets windows, and makes a member a tombstone, or forgets a tombstone.
    ///
    /// Returns the metric to release with the bytes that are free now, if it was forgotten for good.
    /// `now_nano` is the wall clock: starts that lie ahead are wrong clocks.
    pub fn forget(&mut self, slot: u32, keep_tombstone: bool, now_nano: u64) -> Option<(InternId, usize)> {
        let source = self.sources.get_mut(slot);
        let (identity, metric) = (source.identity(), source.metric);
        if keep_tombstone && source.is_member() && !source.is_tombstone() {
            source.set_tombstone(true);
            let second = source.last_seen_second;
            self.tombstone_ages.add(slot, second);
            self.live -= 1;
            self.tombstones += 1;
            self.note_value(slot, 0);
            return None;
        }
        // Only this very member would be counted twice if it came back, and it began then.
        let counted_until =
            if source.is_member() { source.member().start_unix_nano } else { source.latest_end_nano() };
        self.forgotten_nano = self.forgotten_nano.max(counted_until.min(now_nano));
        if let Some(effects) = &mut self.effects {
            effects.source_gone(identity, self.forgotten_nano);
        }
        *(if source.is_tombstone() { &mut self.tombstones } else { &mut self.live }) -= 1;
        let mut bytes = SOURCE_BYTES;
        source.end();
        if source.distribution != NO_SLOT {
            let number = std::mem::replace(&mut source.distribution, NO_SLOT);
            let body = self.distributions.take(number, None).map_or(0, |body| body.bytes());
            self.distribution_bytes -= body;
            bytes += body + DISTRIBUTION_BYTES;
        }
        if let Ok(entry) = self.index.find_entry(identity.table_hash(), |other| *other == slot) {
            entry.remove();
        }
        self.sources.remove(slot);
        if self.index.is_empty() {
            self.give_back();
        }
        Some((metric, bytes))
    }

    /// Nothing is left: the memory goes back, for other uses within the budget.
    fn give_back(&mut self) {
        (self.index, self.sources, self.distributions) = (HashTable::new(), Slab::new(), Slab::new());
        (self.ages, self.tombstone_ages) = (self.ages.emptied(), self.tombstone_ages.emptied());
    }

    /// A source that was last seen before `second`. See [`Ages::take_idle`].
    pub fn take_idle(&mut self, second: u32, steps: &mut usize) -> Option<u32> {
        let sources = &self.sources;
        self.ages.take_idle(second, steps, |slot| match sources.get(slot) {
            source if source.is_live() && !source.is_tombstone() => Age::Seen(source.last_seen_second),
            _ => Age::Gone,
        })
    }

    /// A tombstone whose member was last seen before `second`.
    pub fn take_tombstone(&mut self, second: u32, steps: &mut usize) -> Option<u32> {
        let sources = &self.sources;
        self.tombstone_ages.take_idle(second, steps, |slot| match sources.get(slot) {
            source if source.is_live() && source.is_tombstone() => Age::Seen(source.last_seen_second),
            _ => Age::Gone, // it came back, or its place is another's now
        })
    }

    /// As [`Ages::oldest_second`], of sources and of tombstones.
    pub fn oldest_seconds(&self, from: u32) -> [Option<u32>; 2] {
        [self.ages.oldest_second(from), self.tombstone_ages.oldest_second(from)]
    }

    /// Live sources and tombstones.
    pub fn counts(&self) -> (u32, u32) {
        (self.live, self.tombstones)
    }

    /// Bytes of entries, tables and histograms' last values.
    pub fn bytes(&self) -> usize {
        let distributions = self.distributions.bytes() + self.distribution_bytes;
        self.sources.bytes() + self.index.allocation_size() + distributions
    }
}

/// The last value of a member that is a histogram.
fn distribution<'a>(
    distributions: &'a Slab<Option<Distribution>>,
    source: &Source,
) -> Option<&'a Distribution> {
    (source.distribution != NO_SLOT).then(|| distributions.get(source.distribution).as_ref()).flatten()
}

/// Bytes that the place of a histogram costs, beside what it points to.
pub(crate) const DISTRIBUTION_BYTES: usize = size_of::<Option<Distribution>>() + 8;
