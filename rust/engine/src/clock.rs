//! Time as the engine sees it: passed in with every call, so that tests need not wait (design §4).

/// Nanoseconds in a millisecond.
pub const NANOS_PER_MILLI: u64 = 1_000_000;
/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// One reading of the collector's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Unix time in nanoseconds: for the times of points.
    pub wall_unix_nano: u64,
    /// Nanoseconds since any fixed moment, never stepping back: for expiry, delays and retention.
    pub monotonic_nano: u64,
}

impl Now {
    /// Unix time in whole milliseconds, the unit in which output times are compared (D4).
    pub fn wall_milli(&self) -> u64 {
        self.wall_unix_nano / NANOS_PER_MILLI
    }

    /// Whole seconds of the monotonic clock, the unit of idle times.
    pub fn monotonic_second(&self) -> u32 {
        (self.monotonic_nano / NANOS_PER_SECOND) as u32
    }
}
