//! When a total goes out: times that stores accept and that strictly increase per stream (D4, D6).

use crate::clock::{NANOS_PER_MILLI, Now};

/// The output times that one call may use, in whole Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputClock {
    now_milli: u64,
    /// The oldest output time that is allowed, whole Unix milliseconds.
    pub oldest_milli: u64,
    /// Seconds of the monotonic clock.
    pub monotonic_second: u32,
}

impl OutputClock {
    pub fn new(now: Now, max_lag_nano: u64) -> Self {
        let now_milli = now.wall_milli();
        let oldest_milli =
            if max_lag_nano == 0 { 0 } else { now_milli.saturating_sub(max_lag_nano / NANOS_PER_MILLI) };
        Self { now_milli, oldest_milli, monotonic_second: now.monotonic_second() }
    }

    /// D4: `clamp(point time, now − max_lag, now)`; the arrival time where the point has none (D11).
    #[inline]
    pub fn output(&self, time_unix_nano: u64) -> u64 {
        let time = if time_unix_nano == 0 { self.now_milli } else { time_unix_nano / NANOS_PER_MILLI };
        time.max(self.oldest_milli).min(self.now_milli)
    }

    /// D6: where the zero point of a new stream goes, and whether the value has room after it.
    pub fn zero(&self, start_milli: u64, floor_milli: u64, output_milli: u64) -> (u64, bool) {
        let zero = start_milli.max(self.oldest_milli).max(floor_milli + 1);
        if zero < output_milli { (zero, true) } else { (output_milli.max(floor_milli + 1), false) }
    }
}

/// D1, D11: the start of a point's window; at its time where it is unknown or impossible.
#[inline]
pub(crate) fn window_start(start_unix_nano: u64, time_unix_nano: u64, now_unix_nano: u64) -> u64 {
    let time = if time_unix_nano == 0 { now_unix_nano } else { time_unix_nano };
    if start_unix_nano == 0 || start_unix_nano > time { time } else { start_unix_nano }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000;

    fn clock(now_milli: u64, max_lag_milli: u64) -> OutputClock {
        let now = Now { wall_unix_nano: now_milli * NANOS_PER_MILLI, monotonic_nano: 0 };
        OutputClock::new(now, max_lag_milli * NANOS_PER_MILLI)
    }

    /// Scenario: a client two hours behind, one an hour ahead, one without time. Guarantee: all
    /// times lie between now − max_lag and now; without a limit the past stays as it is.
    #[test]
    fn times_are_clamped_to_what_stores_accept() {
        let now = 100 * 60 * MINUTE;
        let nanos = |milli: u64| milli * NANOS_PER_MILLI;
        assert_eq!(clock(now, 5 * MINUTE).output(nanos(now - 120 * MINUTE)), now - 5 * MINUTE);
        assert_eq!(clock(now, 5 * MINUTE).output(nanos(now + 60 * MINUTE)), now);
        assert_eq!(clock(now, 5 * MINUTE).output(0), now);
        assert_eq!(clock(now, 0).output(nanos(now - 120 * MINUTE)), now - 120 * MINUTE);
    }

    /// Scenario: start missing, after the time, and usable. Guarantee: as D1 and D11 say.
    #[test]
    fn impossible_starts_move_to_the_time() {
        assert_eq!(window_start(0, 50, 99), 50);
        assert_eq!(window_start(60, 50, 99), 50);
        assert_eq!(window_start(40, 50, 99), 40);
        assert_eq!(window_start(0, 0, 99), 99);
    }

    proptest! {
        /// Scenario: any start, floor and output time. Guarantee: the zero lies after the floor, and
        /// strictly before the value wherever the value goes out with it.
        #[test]
        fn zeros_lie_after_the_floor_and_before_the_value(
            start in 0..10_000_u64, floor in 0..10_000_u64, time in 0..10_000_u64, lag in 0..5_000_u64,
        ) {
            let clock = clock(8_000, lag);
            let output = clock.output(time * NANOS_PER_MILLI);
            let (zero, room) = clock.zero(start, floor, output);
            prop_assert!(zero > floor);
            prop_assert_eq!(room, zero < output);
        }
    }
}
