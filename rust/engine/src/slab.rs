//! A growing array of fixed chunks: an entry never moves, so growth copies nothing and stalls nobody.

/// Entries per chunk; a chunk is the step in which memory grows.
const CHUNK: usize = 64;

/// Storage for `T` addressed by `u32`, with a free list.
///
/// A freed slot keeps its former content until it is used again; owners mark what is live.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
    len: u32,
}

impl<T> Slab<T> {
    pub fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), len: 0 }
    }

    /// Stores `value` in a free slot or a new one.
    pub fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            *self.get_mut(slot) = value;
            return slot;
        }
        let slot = self.len;
        if (slot as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks[slot as usize / CHUNK].push(value);
        self.len += 1;
        slot
    }

    /// Gives a slot back; the owner has marked its content as dead.
    pub fn remove(&mut self, slot: u32) {
        debug_assert!(slot < self.len);
        self.free.push(slot);
    }

    /// Gives a slot back and hands out what was in it; `dead` marks the slot as free.
    pub fn take(&mut self, slot: u32, dead: T) -> T {
        self.free.push(slot);
        std::mem::replace(self.get_mut(slot), dead)
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &T {
        &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut T {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    /// Number of slots ever used, live or free.
    pub fn slots(&self) -> u32 {
        self.len
    }

    /// Bytes held, without what the entries point to.
    pub fn bytes(&self) -> usize {
        self.chunks.len() * (CHUNK * size_of::<T>() + size_of::<Vec<T>>()) + self.free.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: entries at, below and above a chunk's border; one freed. Guarantee: addresses hold,
    /// the freed slot is used again.
    #[test]
    fn slots_are_stable_and_reused() {
        let mut slab = Slab::new();
        let slots: Vec<_> = (0..CHUNK as u32 + 2).map(|i| slab.insert(i)).collect();
        for (i, slot) in slots.iter().enumerate() {
            assert_eq!(*slab.get(*slot), i as u32);
        }
        slab.remove(slots[3]);
        assert_eq!(slab.insert(99), slots[3]);
        assert_eq!(slab.slots(), CHUNK as u32 + 2);
    }
}
