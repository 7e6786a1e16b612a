//! One of the 64 parts of the stream store: a hash table of slots into a slab of streams.

use hashbrown::HashTable;

use crate::identity::Identity;
use crate::slab::Slab;
use crate::stream::{NewStream, Stream};

/// Streams whose identities fall into one shard.
#[derive(Debug)]
pub(crate) struct Shard {
    index: HashTable<u32>,
    streams: Slab<Stream>,
    /// Slots that have something to say at the next tick; some may have said it since.
    pending: Vec<u32>,
    /// D6: the latest emitted time of any stream forgotten here, Unix milliseconds.
    forgotten_floor_milli: u64,
    /// Bytes of the attribute lists that live streams own.
    list_bytes: usize,
}

impl Shard {
    pub fn new() -> Self {
        Self {
            index: HashTable::new(),
            streams: Slab::new(),
            pending: Vec::new(),
            forgotten_floor_milli: 0,
            list_bytes: 0,
        }
    }

    /// The slot of a known stream.
    #[inline]
    pub fn find(&self, identity: Identity) -> Option<u32> {
        self.index.find(identity.table_hash(), |slot| self.streams.get(*slot).identity() == identity).copied()
    }

    /// Makes a stream; the caller has looked that there is none of this identity.
    pub fn insert(&mut self, mut new: NewStream, engine_floor_milli: u64) -> u32 {
        new.floor_milli = engine_floor_milli.max(self.forgotten_floor_milli);
        let identity = new.identity;
        self.list_bytes += list_bytes(&new.attributes);
        let slot = self.streams.insert(Stream::new(new));
        let streams = &self.streams;
        self.index
            .insert_unique(identity.table_hash(), slot, |slot| streams.get(*slot).identity().table_hash());
        slot
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Stream {
        self.streams.get_mut(slot)
    }

    /// The stream has something to say at the next tick.
    pub fn mark_pending(&mut self, slot: u32) {
        let stream = self.streams.get_mut(slot);
        stream.set_pending(true);
        if !stream.is_listed() {
            stream.set_listed(true);
            self.pending.push(slot);
        }
    }

    /// L4: a delivery was refused that spoke for the stream, perhaps with its zero alone.
    pub fn mark_refused(&mut self, slot: u32, lone_zero: bool) {
        if lone_zero {
            self.streams.get_mut(slot).zero_refused();
        }
        self.mark_pending(slot);
    }

    /// Takes the list of pending slots; an entry counts only while its stream is live and pending.
    pub fn take_pending(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.pending)
    }

    /// Number of slots waiting for a tick; an upper bound.
    pub fn pending_slots(&self) -> usize {
        self.pending.len()
    }

    /// L1: forgets every stream for which `stale` holds and which has nothing left to say.
    pub fn forget_if(&mut self, mut stale: impl FnMut(&Stream) -> bool, mut forgotten: impl FnMut(&Stream)) {
        for slot in 0..self.streams.slots() {
            let stream = self.streams.get(slot);
            if stream.is_live() && !stream.is_pending() && stale(stream) {
                forgotten(stream);
                self.forget(slot);
            }
        }
    }

    fn forget(&mut self, slot: u32) {
        let stream = self.streams.get_mut(slot);
        let identity = stream.identity();
        self.forgotten_floor_milli = self.forgotten_floor_milli.max(stream.last_emitted_milli);
        self.list_bytes -= list_bytes(&stream.attributes);
        stream.attributes = Box::default();
        stream.kill();
        if let Ok(entry) = self.index.find_entry(identity.table_hash(), |other| *other == slot) {
            entry.remove();
        }
        self.streams.remove(slot);
    }

    /// Bytes of state: streams, table, attribute lists.
    pub fn bytes(&self) -> usize {
        self.streams.bytes() + self.index.allocation_size() + self.pending.capacity() * 4 + self.list_bytes
    }
}

fn list_bytes<T>(list: &[T]) -> usize {
    if list.is_empty() { 0 } else { crate::catalog::allocated(size_of_val(list)) }
}
