//! The settings of one engine. The collector component validates what users write; this is the rest.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::usage::Billing;

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

/// What tells ledger streams apart (T0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityMode {
    /// Everything that a client sends.
    #[default]
    Otlp,
    /// What a reader of a Prometheus exporter's output can tell apart.
    Prometheus,
}

/// What the Prometheus exporter behind the engine turns into labels; for [`IdentityMode::Prometheus`].
/// The names are those of Prometheus' own OTLP settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrometheusLabels {
    /// Resource attributes that become labels, beside `job` and `instance`.
    pub promote_resource_attributes: Vec<String>,
    /// Whether all resource attributes become labels.
    pub promote_all_resource_attributes: bool,
    /// Whether name, version and attributes of the scope become labels.
    pub promote_scope_metadata: bool,
}

/// How gauges that a rule makes equal become one (T4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GaugeMerge {
    /// The value with the latest time.
    #[default]
    Last,
    /// The sum of the members' latest values.
    Sum,
    /// The greatest of the members' latest values.
    Max,
}

/// One rule of trimming (T1, T2, T4) for metrics whose name matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Patterns of metric names: `*` stands for any text, `?` for one character.
    pub metrics: Vec<String>,
    /// Point attributes to remove, by exact key.
    pub drop: Vec<String>,
    /// Point attributes to keep; all others are removed.
    pub keep: Option<Vec<String>>,
    /// Attribute and the number of values it keeps (T2); later values become `other`.
    pub max_values: BTreeMap<String, u32>,
    /// How gauges merge.
    pub gauge: GaugeMerge,
}

/// Resource attributes to remove (T1), from every resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceRule {
    /// Attributes to remove, by exact key.
    pub drop: Vec<String>,
    /// Attributes to keep; all others are removed.
    pub keep: Option<Vec<String>>,
}

/// What is computed from tokens (see `computed`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PricingConfig {
    /// The share of cache writes that live for an hour, from 0 to 1; `None`: as clients document it. A main
    /// conversation of somebody who is signed in writes for an hour, everything else for five minutes.
    pub one_hour_share: Option<f64>,
    /// The team of people whom an attribution file does not know: they count as unattributed.
    pub unattributed: Option<String>,
}

impl PricingConfig {
    /// Of a source's cache writes, how many in a million live for an hour.
    pub(crate) fn one_hour_share(&self, billing: &Billing) -> u32 {
        match self.one_hour_share {
            Some(share) => (share.clamp(0.0, 1.0) * 1e6).round() as u32,
            None if billing.is_signed_in && billing.is_main => 1_000_000,
            None => 0,
        }
    }

    /// The assumption on cache writes in words.
    pub(crate) fn cache_writes(&self) -> String {
        match self.one_hour_share {
            // To a ten-thousandth of a per cent, as it is written.
            Some(share) => format!("{} % live for an hour", (share * 1e6).round() / 1e4),
            None => "an hour in main conversations of signed-in users, else five minutes".to_owned(),
        }
    }
}

/// The settings of one engine.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What tells ledger streams apart (T0).
    pub identity: IdentityMode,
    /// For `identity: prometheus`.
    pub prometheus: PrometheusLabels,
    /// A stream idle for longer is forgotten (L1), in nanoseconds of the monotonic clock.
    pub max_stale_nano: u64,
    /// Output times lie at most this far behind the clock (D4), in nanoseconds; 0 = unlimited.
    pub max_lag_nano: u64,
    /// The first value of a stream is held until this long after its zero point (D6), in nanoseconds.
    pub first_value_delay_nano: u64,
    /// When values leave the engine.
    pub emit: Emit,
    /// Streams without a new point go out again this often (L2), in nanoseconds; 0 = never. With
    /// `emit: interval` at the first tick after that.
    pub emit_interval_nano: u64,
    /// At most so many streams go out again; those idle longest leave first (L2).
    pub emit_max_streams: u32,
    /// What happens to points seen before.
    pub retransmissions: Retransmissions,
    /// Streams beyond this number share one overflow stream per metric (T5); at least 1.
    pub max_streams: u32,
    /// Bytes that the engine may take (T5); 0 = unlimited.
    pub max_memory_bytes: u64,
    /// Trimming of points (T1, T2, T4); all rules that match a metric apply together.
    pub rules: Vec<Rule>,
    /// Trimming of resources (T1).
    pub resource_rule: ResourceRule,
    /// Costs and what goes with them; `None`: nothing is computed.
    pub pricing: Option<PricingConfig>,
}

/// Why a configuration cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No stream could ever be kept.
    #[error("max_streams must be at least 1")]
    NoStreams,
    /// A metric's rules are kept as a set of bits.
    #[error("there are more than {} rules", crate::trimming::MAX_RULES)]
    TooManyRules,
    /// A drop list beside a keep list, or a rule for no metric.
    #[error("rule {0} needs metrics, and either drop or keep")]
    ContradictoryRule(usize),
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
        if self.rules.len() > crate::trimming::MAX_RULES {
            return Err(ConfigError::TooManyRules);
        }
        let contradictory =
            |rule: &Rule| rule.metrics.is_empty() || !rule.drop.is_empty() && rule.keep.is_some();
        match self.rules.iter().position(contradictory) {
            Some(number) => Err(ConfigError::ContradictoryRule(number + 1)),
            None => Ok(()),
        }
    }
}

impl Default for Config {
    /// What the component uses where nothing is written: see its README.
    fn default() -> Self {
        Self {
            max_stale_nano: 24 * 3600 * 1_000_000_000,
            max_lag_nano: 300 * 1_000_000_000,
            identity: IdentityMode::Otlp,
            prometheus: PrometheusLabels::default(),
            first_value_delay_nano: 0,
            emit: Emit::Each,
            emit_interval_nano: 0,
            emit_max_streams: 20_000,
            retransmissions: Retransmissions::Recognise,
            max_streams: 1_000_000,
            max_memory_bytes: 0,
            rules: Vec::new(),
            resource_rule: ResourceRule::default(),
            pricing: None,
        }
    }
}
