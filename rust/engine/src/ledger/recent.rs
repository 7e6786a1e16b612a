//! Requests whose senders may still wait for an answer: a snapshot tells of them, as the rows that it lets go did.

use std::collections::VecDeque;

use crate::clock::NANOS_PER_SECOND;
use crate::identity::Identity;

/// A sender has had its answer after this time, or has given up waiting for it.
pub(crate) const UNANSWERED_NANOS: u64 = 60 * NANOS_PER_SECOND;

/// Requests known at most, the newest: 1 MiB, or 546 requests a second.
const CAPACITY: usize = 1 << 15;

/// With `retransmissions: add`: the requests of the last moments, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct RecentRequests {
    requests: VecDeque<(Identity, u64)>,
}

impl RecentRequests {
    /// A request was taken in at this reading of the monotonic clock.
    pub fn insert(&mut self, digest: Identity, monotonic_nano: u64) {
        let answered = |(_, then): &(Identity, u64)| monotonic_nano.saturating_sub(*then) > UNANSWERED_NANOS;
        while self.requests.len() >= CAPACITY || self.requests.front().is_some_and(answered) {
            self.requests.pop_front();
        }
        self.requests.push_back((digest, monotonic_nano));
    }

    /// Every request so far has had its answer.
    pub fn answered(&mut self) {
        self.requests.clear();
    }

    /// Every request that is known and when it came, the oldest first. Some may be older than
    /// [`UNANSWERED_NANOS`]: whoever reads them back looks at their age.
    pub fn each(&self, mut each: impl FnMut(Identity, u64)) {
        self.requests.iter().for_each(|(digest, then)| each(*digest, *then));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(recent: &RecentRequests) -> Vec<u128> {
        let mut known = Vec::new();
        recent.each(|digest, _| known.push(digest.0));
        known
    }

    /// Scenario: requests over two minutes, then more than there is room for. Guarantee: those of the last minute are
    /// known; of too many, the newest.
    #[test]
    fn the_last_minute_is_known_within_bounds() {
        let mut recent = RecentRequests::default();
        for second in 0..=120 {
            recent.insert(Identity(second.into()), second * NANOS_PER_SECOND);
        }
        assert_eq!(known(&recent), (60..=120).collect::<Vec<u128>>());
        for number in 0..CAPACITY as u128 {
            recent.insert(Identity(1000 + number), 121 * NANOS_PER_SECOND);
        }
        assert_eq!(known(&recent).len(), CAPACITY);
        assert_eq!(known(&recent)[0], 1000);
        recent.answered();
        assert_eq!(known(&recent), []);
    }
}
