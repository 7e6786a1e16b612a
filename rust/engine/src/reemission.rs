//! Streams that go out again though nothing new came (L2): exporters that are pulled drop what they
//! have not heard of for long, and a total must stay visible while nobody works.

use crate::clock::{NANOS_PER_MILLI, NANOS_PER_SECOND, Now};
use crate::config::{Config, Emit};
use crate::engine::SHARDS;

/// How far behind the tick a repeated total lies (L2): a point that is on its way is not overtaken.
const BEHIND_MILLI: u64 = 30_000;

/// Which shards are due, and which streams are too old to go out again.
#[derive(Debug)]
pub(crate) struct Reemission {
    /// Nanoseconds in which every shard has its turn once; 0 = never.
    interval_nano: u64,
    max_streams: u32,
    began_nano: u64,
    /// Shards whose turn has come since the beginning of the interval, and of earlier ones.
    turns: u64,
    /// Streams that went out again in this interval.
    sent: u32,
    /// Streams of this interval by minutes of idleness.
    idle: [u32; IDLE_MINUTES],
    /// Streams idle for more minutes than that stay silent: there are too many of them.
    silent_after: usize,
    /// How many of those idle for just so many minutes may go out.
    quota: u32,
}

/// Idleness is told apart up to a day, in minutes.
const IDLE_MINUTES: usize = 24 * 60;

impl Reemission {
    pub fn new(config: &Config, now: Now) -> Self {
        let pulled = config.emit == Emit::Each;
        Self {
            interval_nano: if pulled { config.emit_interval_nano } else { 0 },
            max_streams: config.emit_max_streams,
            began_nano: now.monotonic_nano,
            turns: 0,
            sent: 0,
            idle: [0; IDLE_MINUTES],
            silent_after: IDLE_MINUTES,
            quota: 0,
        }
    }

    /// The next shard whose turn has come, if any.
    pub fn next_shard(&mut self, now: Now) -> Option<usize> {
        let passed = now.monotonic_nano.saturating_sub(self.began_nano);
        let due = u64::try_from(u128::from(passed) * SHARDS as u128 / u128::from(self.interval_nano.max(1)));
        if self.interval_nano == 0 || due.unwrap_or(u64::MAX) <= self.turns {
            return None;
        }
        if self.turns > 0 && self.turns.is_multiple_of(SHARDS as u64) {
            self.begin_interval(now);
        }
        self.turns += 1;
        Some((self.turns - 1) as usize % SHARDS)
    }

    /// L2: at most `emit_max_streams` go out; those idle longest leave first.
    fn begin_interval(&mut self, now: Now) {
        // A pause, of the machine for example, is not made up for.
        (self.began_nano, self.turns) = (now.monotonic_nano, 0);
        let mut room = self.max_streams;
        self.silent_after = IDLE_MINUTES;
        for (minutes, count) in self.idle.iter().enumerate() {
            match room.checked_sub(*count) {
                Some(rest) => room = rest,
                None => {
                    (self.silent_after, self.quota) = (minutes, room);
                    break;
                }
            }
        }
        (self.sent, self.idle) = (0, [0; IDLE_MINUTES]);
    }

    /// Whether a stream that has been idle for so long goes out again; it is counted.
    pub fn admits(&mut self, idle_seconds: u32) -> bool {
        let minutes = (idle_seconds as usize / 60).min(IDLE_MINUTES - 1);
        self.idle[minutes] = self.idle[minutes].saturating_add(1);
        let mut admitted = minutes < self.silent_after && self.sent < self.max_streams;
        if minutes == self.silent_after && self.quota > 0 {
            self.quota -= 1;
            admitted = true;
        }
        self.sent += u32::from(admitted);
        admitted
    }

    /// The time at which streams go out again at `now`, Unix milliseconds.
    pub fn time_milli(now: Now) -> u64 {
        now.wall_milli().saturating_sub(BEHIND_MILLI)
    }
}

const _: () = assert!(BEHIND_MILLI * NANOS_PER_MILLI == 30 * NANOS_PER_SECOND);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Now {
        Now { wall_unix_nano: second * NANOS_PER_SECOND, monotonic_nano: second * NANOS_PER_SECOND }
    }

    fn reemission(max: u32) -> Reemission {
        let config =
            Config { emit_interval_nano: 64 * NANOS_PER_SECOND, emit_max_streams: max, ..Config::default() };
        Reemission::new(&config, at(0))
    }

    /// Scenario: a tick each second, then none for ten minutes. Guarantee: one shard per second, each
    /// once per interval; a pause is not made up for by more than one interval.
    #[test]
    fn shards_take_turns() {
        let mut reemission = reemission(10);
        let mut seen = Vec::new();
        for second in 1..=64 {
            while let Some(shard) = reemission.next_shard(at(second)) {
                seen.push(shard);
            }
        }
        assert_eq!(seen, (0..SHARDS).collect::<Vec<_>>());
        let mut after_pause = 0;
        while reemission.next_shard(at(700)).is_some() {
            after_pause += 1;
        }
        assert!(after_pause <= SHARDS, "{after_pause}");
    }

    /// Scenario: 30 streams, of which 20 are idle for an hour, and room for 12. Guarantee: from the
    /// second interval on the ten recent ones go out, and no more than there is room for.
    #[test]
    fn the_longest_idle_leave_first() {
        let mut reemission = reemission(12);
        let interval = |reemission: &mut Reemission, begin: u64| {
            let mut sent = [0, 0];
            for second in 1..=64 {
                while reemission.next_shard(at(begin + second)).is_some() {}
                if second == 30 {
                    for (kind, idle) in
                        std::iter::repeat_n((1, 3600), 20).chain(std::iter::repeat_n((0, 60), 10))
                    {
                        sent[kind] += u32::from(reemission.admits(idle));
                    }
                }
            }
            sent
        };
        let first = interval(&mut reemission, 0);
        assert_eq!(first[0] + first[1], 12);
        assert_eq!(interval(&mut reemission, 64), [10, 2]);
    }
}
