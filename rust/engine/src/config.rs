//! The settings of one engine. The collector component validates what users write; this is the rest.

use serde::Deserialize;

/// When accumulated values leave the engine (L3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emit {
    /// Each point is answered in its own batch; for exporters that are pulled.
    Each,
    /// Points are taken in; changed streams go out once per tick, one point each, in order of time.
    Interval,
}

/// What happens to a point that was seen before (D3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retransmissions {
    /// Requests (30 minutes) and windows (the last four of a stream) seen before add nothing.
    Recognise,
    /// Equal points are different clients' points; only a batch whose own delivery failed is
    /// recognised when it comes again, once.
    Add,
}

/// The settings of one engine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A stream idle for longer is forgotten (L1), in nanoseconds of the monotonic clock.
    pub max_stale_nano: u64,
    /// Output times lie at most this far behind the clock (D4), in nanoseconds; 0 = unlimited.
    pub max_lag_nano: u64,
    /// The first value of a stream is held until this long after its zero point (D6), in nanoseconds.
    pub first_value_delay_nano: u64,
    /// When values leave the engine.
    pub emit: Emit,
    /// What happens to points seen before.
    pub retransmissions: Retransmissions,
    /// Streams beyond this number share one overflow stream per metric (T5); at least 1.
    pub max_streams: u32,
}

/// Why a configuration cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No stream could ever be kept.
    #[error("max_streams must be at least 1")]
    NoStreams,
    /// Every stream would be forgotten at once.
    #[error("max_stale must be at least one second")]
    NoLifetime,
}

impl Config {
    /// Refuses settings under which the engine could not work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.max_streams == 0 {
            return Err(ConfigError::NoStreams);
        }
        if self.max_stale_nano < crate::clock::NANOS_PER_SECOND {
            return Err(ConfigError::NoLifetime);
        }
        Ok(())
    }
}

impl Default for Config {
    /// What the component uses where nothing is written: see its README.
    fn default() -> Self {
        Self {
            max_stale_nano: 24 * 3600 * 1_000_000_000,
            max_lag_nano: 300 * 1_000_000_000,
            first_value_delay_nano: 0,
            emit: Emit::Each,
            retransmissions: Retransmissions::Recognise,
            max_streams: 1_000_000,
        }
    }
}
