//! Streams that go out again though nothing new came (L2): exporters that are pulled drop what they have not heard
//! of for long, and Prometheus shows a series for five minutes after its last sample. A total must stay visible
//! while nobody works.

use crate::clock::{NANOS_PER_MILLI, Now};
use crate::config::Config;
use crate::engine::SHARDS;

/// How far behind the tick a repeated total lies at most (L2): a point that is on its way is not
/// overtaken. With intervals of less than a minute it is half of the interval.
const BEHIND_MILLI: u64 = 30_000;

/// Which shards are due, and which streams have been idle for too long to go out again.
#[derive(Debug)]
pub(crate) struct Reemission {
    /// Nanoseconds in which every shard has its turn once; 0 = never.
    interval_nano: u64,
    max_streams: u32,
    began: Now,
    /// Shards whose turn has come in this interval.
    turns: u64,
    /// Streams that went out again in this interval.
    sent: u32,
    /// Streams of this interval by age, seen from its beginning.
    ages: Box<[u32; AGES]>,
    /// Streams that were seen in this second or later go out again.
    recent_second: u32,
    /// Streams that were seen between this second and `recent_second` do as long as `quota` lasts.
    quota_second: u32,
    quota: u32,
}

/// Ages are told apart by seconds up to ten minutes, then by minutes up to a day.
const SECONDS: u32 = 600;
const AGES: usize = SECONDS as usize + 24 * 60;

fn age_number(idle_seconds: u32) -> usize {
    let minutes = idle_seconds.saturating_sub(SECONDS) / 60;
    (idle_seconds.min(SECONDS) + minutes).min(AGES as u32 - 1) as usize
}

/// The least idle time, in seconds, of an age.
fn idle_seconds(age: usize) -> u32 {
    let age = age as u32;
    age.min(SECONDS) + age.saturating_sub(SECONDS) * 60
}

impl Reemission {
    pub fn new(config: &Config, now: Now) -> Self {
        Self {
            interval_nano: config.emit_interval_nano,
            max_streams: config.emit_max_streams,
            began: now,
            turns: 0,
            sent: 0,
            ages: Box::new([0; AGES]),
            recent_second: 0,
            quota_second: 0,
            quota: 0,
        }
    }

    /// The next shard whose turn has come, if any. `first`: of this tick. An interval begins with a tick, or the last
    /// shards of the one before, which speak after all have been chosen, would be missing from its ages.
    pub fn next_shard(&mut self, now: Now, first: bool) -> Option<usize> {
        let passed = now.monotonic_nano.saturating_sub(self.began.monotonic_nano);
        let due = u64::try_from(u128::from(passed) * SHARDS as u128 / u128::from(self.interval_nano.max(1)));
        if self.interval_nano == 0 || due.unwrap_or(u64::MAX) <= self.turns {
            return None;
        }
        if self.turns > 0 && self.turns.is_multiple_of(SHARDS as u64) {
            if !first {
                return None;
            }
            self.begin_interval(now);
        }
        self.turns += 1;
        Some((self.turns - 1) as usize % SHARDS)
    }

    /// L2: at most `emit_max_streams` go out; those idle longest leave first.
    fn begin_interval(&mut self, now: Now) {
        let began = self.began.monotonic_second();
        let mut room = self.max_streams;
        (self.recent_second, self.quota_second, self.quota) = (0, 0, 0);
        for (age, count) in self.ages.iter().enumerate() {
            match room.checked_sub(*count) {
                Some(rest) => room = rest,
                None => {
                    // Age 0 is everything seen since the interval began.
                    self.recent_second =
                        if age == 0 { u32::MAX } else { (began + 1).saturating_sub(idle_seconds(age)) };
                    self.quota_second = (began + 1).saturating_sub(idle_seconds(age + 1));
                    self.quota = room;
                    break;
                }
            }
        }
        // A pause, of the machine for example, is not made up for.
        (self.began, self.turns, self.sent) = (now, 0, 0);
        self.ages.fill(0);
    }

    /// Whether a stream that was last seen in this monotonic second goes out again; it is counted.
    pub fn admits(&mut self, last_seen_second: u32) -> bool {
        let idle = self.began.monotonic_second().saturating_sub(last_seen_second);
        let count = &mut self.ages[age_number(idle)];
        *count = count.saturating_add(1);
        let mut admitted = last_seen_second >= self.recent_second && self.sent < self.max_streams;
        if !admitted && last_seen_second >= self.quota_second && self.quota > 0 {
            self.quota -= 1;
            admitted = true;
        }
        self.sent += u32::from(admitted);
        admitted
    }

    /// Streams that were last seen in this monotonic second or before are idle.
    pub fn idle_since(&self, now: Now) -> u32 {
        let before = now.monotonic_nano.saturating_sub(self.behind_milli() * NANOS_PER_MILLI);
        Now { monotonic_nano: before, ..now }.monotonic_second()
    }

    /// The time at which streams go out again at `now`, Unix milliseconds.
    pub fn time_milli(&self, now: Now) -> u64 {
        now.wall_milli().saturating_sub(self.behind_milli())
    }

    fn behind_milli(&self) -> u64 {
        BEHIND_MILLI.min(self.interval_nano / 2 / NANOS_PER_MILLI)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::NANOS_PER_SECOND;

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
            seen.extend(turns(&mut reemission, at(second)));
        }
        assert_eq!(seen, (0..SHARDS).collect::<Vec<_>>());
        let after_pause = turns(&mut reemission, at(700));
        assert!(after_pause.len() <= SHARDS, "{after_pause:?}");
    }

    /// The shards whose turn it is in a tick.
    fn turns(reemission: &mut Reemission, now: Now) -> Vec<usize> {
        let mut turns = Vec::new();
        while let Some(shard) = reemission.next_shard(now, turns.is_empty()) {
            turns.push(shard);
        }
        turns
    }

    /// Scenario: short intervals, two ticks each, and ticks that come late, so that more than an interval has passed.
    /// Guarantee: each interval counts every shard, so a stream that is idle for too long stays silent.
    #[test]
    fn late_ticks_leave_no_shard_out() {
        let config =
            Config { emit_interval_nano: 2 * NANOS_PER_SECOND, emit_max_streams: 1, ..Config::default() };
        let milli = |milli: u64| Now { wall_unix_nano: milli * 1_000_000, monotonic_nano: milli * 1_000_000 };
        let mut reemission = Reemission::new(&config, milli(1_000_000));
        let (mut now, mut admitted) = (1_000_000, Vec::new());
        for tick in 0..100 {
            now += if tick % 3 == 1 { 1_100 } else { 1_000 };
            for shard in turns(&mut reemission, milli(now)) {
                // One stream in the first shard, and one that is idle for longer in the last.
                let stream = [(0, 990), (SHARDS - 1, 900)].into_iter().find(|(place, _)| *place == shard);
                admitted.extend(stream.filter(|(_, last_seen)| reemission.admits(*last_seen)));
            }
        }
        let late = admitted.iter().skip(2).filter(|(shard, _)| *shard != 0).count();
        assert!(late == 0 && admitted.len() > 20, "{admitted:?}");
    }

    /// Scenario: 30 streams, of which 20 are idle for longer than the others, and room for 12.
    /// Guarantee: from the second interval on the ten recent ones go out, and no more than there is
    /// room for; one that is seen again goes out again.
    #[test]
    fn the_longest_idle_leave_first() {
        let mut reemission = reemission(12);
        let mut last_seen: Vec<u32> = (0..30).map(|n| if n < 20 { 900 + n } else { 990 }).collect();
        let mut interval = |begin: u64, last_seen: &[u32]| {
            let mut sent = Vec::new();
            for second in 1..=64 {
                turns(&mut reemission, at(begin + second));
                if second == 30 {
                    sent = (0..last_seen.len()).filter(|n| reemission.admits(last_seen[*n])).collect();
                }
            }
            sent
        };
        while interval(1_000, &last_seen).len() > 12 {}
        assert_eq!(interval(1_064, &last_seen), [18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
        last_seen[3] = 1_130;
        interval(1_128, &last_seen);
        assert_eq!(interval(1_192, &last_seen), [3, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    }

    /// Scenario: every age. Guarantee: numbers and least idle times belong together.
    #[test]
    fn ages_are_told_apart() {
        for age in 0..AGES {
            assert_eq!(age_number(idle_seconds(age)), age);
        }
        assert_eq!(age_number(u32::MAX), AGES - 1);
    }
}
