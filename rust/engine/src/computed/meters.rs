//! The sources that are priced: what an increase of each is worth, and where its streams are.

use std::collections::HashMap;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use parking_lot::Mutex;

use crate::computed::tariff::{Tariff, TariffKey};
use crate::identity::Identity;
use crate::source::Link;

/// Parts of the table, with a lock each.
pub(super) const PARTS: usize = 16;
/// Sources of one of the two generations of a part: 2¹⁸ in all are known, as many as usage knows.
const PART_SOURCES: usize = (1 << 18) / PARTS / 2;
/// Tariffs of a part; models are few, and a flood of invented ones begins anew here.
const PART_TARIFFS: usize = 1024;
/// Bytes of a source with its share of a table that has just grown.
const METER_BYTES: usize = 256;
/// Bytes of a tariff with its key, which is there twice, and its places in tables. Texts have up to 256 bytes, but
/// in all common cases they are names.
const TARIFF_BYTES: usize = 1024;

/// What the table may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    part_sources: usize,
    part_tariffs: usize,
}

impl Limits {
    /// Of the engine's budget in bytes (T5), 0 for none: a thirty-second for sources, another one for tariffs.
    fn of(max_memory_bytes: u64) -> Self {
        if max_memory_bytes == 0 {
            return Self { part_sources: PART_SOURCES, part_tariffs: PART_TARIFFS };
        }
        let of_a_part = usize::try_from(max_memory_bytes).unwrap_or(usize::MAX) / PARTS;
        Self {
            part_sources: (of_a_part / 32 / 2 / METER_BYTES).clamp(16, PART_SOURCES),
            // At least those of an ordinary fleet: every part meets every model, token type and condition.
            part_tariffs: (of_a_part / 32 / TARIFF_BYTES).clamp(64, PART_TARIFFS),
        }
    }
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Meters {
    parts: Box<[Mutex<Part>]>,
}

/// One part.
#[derive(Debug)]
pub(super) struct Part {
    limits: Limits,
    young: HashTable<Meter>,
    /// Forgotten when `young` is full.
    old: HashTable<Meter>,
    tariffs: Tariffs,
}

/// What the sources of a part cost.
#[derive(Debug, Default)]
pub(super) struct Tariffs {
    list: Vec<Tariff>,
    numbers: HashMap<TariffKey, u32>,
}

/// What is kept of a source.
#[derive(Debug)]
pub(super) struct Meter {
    pub identity: Identity,
    /// Its number among the tariffs of its part.
    pub tariff: u32,
    /// Minute of the monotonic clock in which its client was last told of it.
    pub told_minute: u32,
    /// Names the client; see [`super::clients`].
    pub client: u64,
    pub has_user: bool,
    /// Its client reports costs too.
    pub is_reported: bool,
    /// Some of its streams found no room (T5): it adds to overflow streams for the rest of the minute.
    pub is_overflow: bool,
    /// Of its cost, or of its tokens without a price.
    pub cost: Link,
    pub savings: Link,
}

const _: () = assert!(size_of::<Meter>() <= 96, "a quarter of what a source and its stream take");

impl Meter {
    /// A source of which nothing is known yet.
    pub fn of(identity: Identity) -> Self {
        Self {
            identity,
            tariff: u32::MAX,
            told_minute: u32::MAX,
            client: 0,
            has_user: false,
            is_reported: false,
            is_overflow: false,
            cost: Link::NONE,
            savings: Link::NONE,
        }
    }

    /// T5: there may be room by now.
    pub fn retry_overflow(&mut self) {
        if std::mem::take(&mut self.is_overflow) {
            (self.cost, self.savings) = (Link::NONE, Link::NONE);
        }
    }
}

impl Meters {
    /// For an engine with this budget in bytes, 0 for none.
    pub fn new(max_memory_bytes: u64) -> Self {
        let limits = Limits::of(max_memory_bytes);
        Self { parts: (0..PARTS).map(|_| Mutex::new(Part::new(limits))).collect() }
    }

    /// The part of this number.
    pub fn part(&self, number: usize) -> &Mutex<Part> {
        &self.parts[number]
    }

    /// The part that holds a source.
    pub fn part_of(&self, source: Identity) -> &Mutex<Part> {
        self.part(source.shard(PARTS))
    }

    /// Another price table: every source is worked out anew.
    pub fn forget_tariffs(&self) {
        self.parts.iter().for_each(|part| part.lock().clear());
    }

    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.lock().bytes()).sum()
    }
}

impl Part {
    fn new(limits: Limits) -> Self {
        let (young, old) = (HashTable::new(), HashTable::new());
        Self { limits, young, old, tariffs: Tariffs::default() }
    }

    /// What is known of a source; `learn` finds it out.
    #[inline]
    pub fn meter(
        &mut self,
        identity: Identity,
        learn: impl FnOnce(&mut Tariffs) -> Meter,
    ) -> (&mut Meter, &mut Tariffs) {
        if self.tariffs.list.len() >= self.limits.part_tariffs {
            self.clear();
        }
        if self.young.len() >= self.limits.part_sources {
            self.old = std::mem::take(&mut self.young);
        }
        let Self { young, old, tariffs, .. } = self;
        let hash = identity.table_hash();
        let same = |meter: &Meter| meter.identity == identity;
        let meter = match young.entry(hash, same, |meter| meter.identity.table_hash()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let meter = match old.find_entry(hash, same) {
                    Ok(known) => known.remove().0,
                    Err(_) => learn(tariffs),
                };
                entry.insert(meter).into_mut()
            }
        };
        (meter, tariffs)
    }

    /// Changes what is known of a source, unless it was forgotten meanwhile.
    pub fn change(&mut self, identity: Identity, change: impl FnOnce(&mut Meter)) {
        if let Some(meter) = self.young.find_mut(identity.table_hash(), |meter| meter.identity == identity) {
            change(meter);
        }
    }

    fn clear(&mut self) {
        *self = Self::new(self.limits);
    }

    fn bytes(&self) -> usize {
        self.young.allocation_size() + self.old.allocation_size() + self.tariffs.list.len() * TARIFF_BYTES
    }
}

impl Tariffs {
    /// The number of a tariff, made if it is not known.
    pub fn number(&mut self, key: TariffKey, make: impl FnOnce(TariffKey) -> Tariff) -> u32 {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.list.len() as u32;
        self.list.push(make(key.clone()));
        self.numbers.insert(key, number);
        number
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut Tariff> {
        self.list.get_mut(number as usize)
    }
}
