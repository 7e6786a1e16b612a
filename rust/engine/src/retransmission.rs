//! Requests and windows that were seen before (D3): retries add nothing.

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::clock::NANOS_PER_SECOND;
use crate::identity::Identity;

/// How long a whole request is recognised, at least (D3a).
pub const REQUEST_MEMORY_SECONDS: u64 = 30 * 60;
/// Windows remembered per stream (D3b).
pub const WINDOWS_PER_STREAM: usize = 4;

const GENERATIONS: u64 = 6;
const GENERATION_NANOS: u64 = REQUEST_MEMORY_SECONDS * NANOS_PER_SECOND / GENERATIONS;
/// Digests per generation of all parts; reaching it makes the generation end early: memory stays bounded at
/// about 7 × 131,072 digests (31 MiB), which is 436 requests a second for 30 minutes.
const GENERATION_CAPACITY: usize = 1 << 17;

/// A digest in a table that has just doubled, with its control byte.
const BYTES_PER_DIGEST: usize = 2 * 8 * (size_of::<u128>() + 1) / 7;

/// Digests of whole requests in a ring of generations; the oldest is dropped as a whole, so
/// forgetting costs nothing per digest.
#[derive(Debug)]
pub(crate) struct RequestDigests {
    generations: VecDeque<Generation>,
    /// Digests that one generation of this part holds at most.
    capacity: usize,
}

#[derive(Debug)]
struct Generation {
    began_nano: u64,
    digests: HashTable<u128>,
}

impl RequestDigests {
    /// One of `parts` tables, each with its share of the capacity.
    ///
    /// `max_memory_bytes` is the engine's budget, 0 without one: the tables take at most an eighth of it.
    pub fn new(parts: usize, max_memory_bytes: usize) -> Self {
        let affordable = match max_memory_bytes {
            0 => GENERATION_CAPACITY,
            limit => limit / 8 / (GENERATIONS as usize + 1) / BYTES_PER_DIGEST,
        };
        let capacity = affordable.clamp(parts, GENERATION_CAPACITY) / parts;
        Self { generations: VecDeque::new(), capacity }
    }

    pub fn contains(&self, digest: Identity) -> bool {
        self.generations.iter().any(|g| g.digests.find(digest.table_hash(), |d| *d == digest.0).is_some())
    }

    /// Remembers a digest; `now` is the monotonic clock in nanoseconds.
    pub fn insert(&mut self, digest: Identity, now: u64) {
        self.turn(now);
        if let Some(newest) = self.generations.back_mut() {
            newest.digests.insert_unique(digest.table_hash(), digest.0, |d| Identity(*d).table_hash());
        }
    }

    /// Forgets a digest; says whether it was there.
    pub fn remove(&mut self, digest: Identity) -> bool {
        self.generations.iter_mut().any(|generation| {
            match generation.digests.find_entry(digest.table_hash(), |d| *d == digest.0) {
                Ok(entry) => {
                    entry.remove();
                    true
                }
                Err(_) => false,
            }
        })
    }

    /// Every digest with the monotonic time at or before which it came, the oldest first.
    pub fn each(&self, mut each: impl FnMut(Identity, u64)) {
        let ends = self.generations.iter().skip(1).map(|next| next.began_nano).chain([u64::MAX]);
        for (generation, end) in self.generations.iter().zip(ends) {
            generation.digests.iter().for_each(|digest| each(Identity(*digest), end));
        }
    }

    fn turn(&mut self, now: u64) {
        let full = |g: &Generation| {
            now.saturating_sub(g.began_nano) >= GENERATION_NANOS || g.digests.len() >= self.capacity
        };
        if self.generations.back().is_none_or(full) {
            self.generations.push_back(Generation { began_nano: now, digests: HashTable::new() });
        }
        while self.generations.len() as u64 > GENERATIONS + 1 {
            self.generations.pop_front();
        }
    }

    pub fn bytes(&self) -> usize {
        self.generations.iter().map(|g| g.digests.allocation_size()).sum()
    }
}

/// The last windows of one stream, as 64-bit fingerprints (D3b). 0 means an empty place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    fingerprints: [u64; WINDOWS_PER_STREAM],
}

impl Windows {
    /// As [`Self::words`] gave them.
    pub fn from_words(fingerprints: [u64; WINDOWS_PER_STREAM]) -> Self {
        Self { fingerprints }
    }

    /// The fingerprints, the newest first; 0 where there is none.
    pub fn words(self) -> [u64; WINDOWS_PER_STREAM] {
        self.fingerprints
    }

    /// Remembers windows as [`Self::words`] gave them, the newest first; those known already stay as they are.
    pub fn remember_all(&mut self, fingerprints: [u64; WINDOWS_PER_STREAM]) {
        for fingerprint in fingerprints.into_iter().rev().filter(|fingerprint| *fingerprint != 0) {
            self.remember(fingerprint);
        }
    }

    /// Remembers `fingerprint`, forgetting the oldest; false if it was there already.
    pub fn remember(&mut self, fingerprint: u64) -> bool {
        let fingerprint = fingerprint.max(1);
        if self.fingerprints.contains(&fingerprint) {
            return false;
        }
        self.fingerprints.rotate_right(1);
        self.fingerprints[0] = fingerprint;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60 * NANOS_PER_SECOND;

    /// Scenario: a request comes again after 29 and after 40 minutes. Guarantee: known at 29 (D3a);
    /// memory ends, at the latest after 35 and the next insertion.
    #[test]
    fn requests_are_known_for_thirty_minutes() {
        let mut digests = RequestDigests::new(1, 0);
        digests.insert(Identity(1), 0);
        for minute in 0..30 {
            digests.insert(Identity(100 + u128::from(minute)), minute * MINUTE);
        }
        assert!(digests.contains(Identity(1)));
        for minute in 30..41 {
            digests.insert(Identity(100 + u128::from(minute)), minute * MINUTE);
        }
        assert!(!digests.contains(Identity(1)));
        assert!(digests.contains(Identity(140)));
    }

    /// Scenario: a failed delivery is recognised once (`add`). Guarantee: the second time it is new.
    #[test]
    fn a_removed_digest_is_unknown() {
        let mut digests = RequestDigests::new(1, 0);
        digests.insert(Identity(5), 0);
        assert!(digests.remove(Identity(5)));
        assert!(!digests.remove(Identity(5)));
    }

    /// Scenario: a flood of requests. Guarantee: the table stays within its bound.
    #[test]
    fn memory_is_bounded() {
        let mut digests = RequestDigests::new(1, 0);
        for i in 0..2_000_000_u128 {
            digests.insert(Identity(i << 64 | i), 0);
        }
        assert!(digests.bytes() < 64 << 20, "{} bytes", digests.bytes());
        assert!(digests.contains(Identity(1_999_999 << 64 | 1_999_999)));
    }

    /// Scenario: five windows, the first and the last again. Guarantee: the last four are known.
    #[test]
    fn four_windows_are_known() {
        let mut windows = Windows::default();
        for fingerprint in 1..=5 {
            assert!(windows.remember(fingerprint));
        }
        assert!(!windows.remember(5));
        assert!(!windows.remember(2));
        assert!(windows.remember(1));
    }
}
