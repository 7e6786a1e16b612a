//! Settings of an engine from two bytes.

use std::collections::BTreeMap;

use tokenledger::{
    Config, Emit, GaugeMerge, IdentityMode, PrometheusLabels, ResourceRule, Retransmissions, Rule, Stats,
};

use super::SECOND;
use super::script::{METRICS, OS_VERSION, SERIES, SESSION, SESSION_RESPELLED};

/// What a script begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    first: u8,
    second: u8,
}

impl Settings {
    pub fn new(first: u8, second: u8) -> Self {
        Self { first, second }
    }

    pub fn config(self) -> Config {
        let first = |number: u8| self.first >> number & 1 == 1;
        let drop = if self.drops_os_version() { vec![OS_VERSION.to_owned()] } else { Vec::new() };
        Config {
            emit: if first(0) { Emit::Interval } else { Emit::Each },
            retransmissions: match self.recognises() {
                true => Retransmissions::Recognise,
                false => Retransmissions::Add,
            },
            first_value_delay_nano: if first(2) { 3 * SECOND } else { 0 },
            max_lag_nano: if first(3) { 0 } else { 300 * SECOND },
            max_streams: self.max_streams(),
            emit_interval_nano: if first(6) { 10 * SECOND } else { 0 },
            emit_max_streams: if first(7) { 2 } else { 20_000 },
            identity: if self.is_prometheus() { IdentityMode::Prometheus } else { IdentityMode::Otlp },
            prometheus: PrometheusLabels {
                promote_resource_attributes: if self.promotes() {
                    vec![OS_VERSION.to_owned()]
                } else {
                    vec![]
                },
                ..PrometheusLabels::default()
            },
            resource_rule: ResourceRule { drop, keep: None },
            max_memory_bytes: self.max_memory_bytes(),
            rules: self.rules(),
            ..Config::default()
        }
    }

    pub fn recognises(self) -> bool {
        self.first >> 1 & 1 == 0
    }

    pub fn is_prometheus(self) -> bool {
        self.second & 1 == 1
    }

    /// Whether the resource's second attribute is a label.
    pub fn promotes(self) -> bool {
        self.second >> 1 & 1 == 1
    }

    fn drops_os_version(self) -> bool {
        self.second >> 2 & 1 == 1
    }

    fn max_streams(self) -> u32 {
        [100_000, 12, 100_000, 2][usize::from(self.first >> 4 & 3)]
    }

    fn max_memory_bytes(self) -> u64 {
        [0, 0, 64 << 10, 1 << 20][usize::from(self.second >> 3 & 3)]
    }

    /// Whether points may find no room (T5).
    pub fn is_limited(self) -> bool {
        self.max_streams() < 1000 || self.max_memory_bytes() > 0
    }

    fn rules(self) -> Vec<Rule> {
        let everywhere = Rule { metrics: vec!["*".into()], ..Rule::default() };
        let drop = Rule { drop: vec![SESSION.into(), SESSION_RESPELLED.into()], ..everywhere.clone() };
        let few = Rule { max_values: BTreeMap::from([(SERIES.into(), 2)]), ..everywhere.clone() };
        match self.second >> 5 {
            0 => vec![],
            1 => vec![drop],
            2 => vec![Rule { keep: Some(vec![SERIES.into()]), ..everywhere }],
            3 => vec![few],
            4 => vec![few, drop],
            5 => vec![Rule { metrics: vec!["to*".into(), "?ixed".into()], ..drop }],
            6 => vec![Rule { gauge: GaugeMerge::Sum, ..drop }],
            _ => vec![Rule { gauge: GaugeMerge::Max, ..drop }],
        }
    }

    /// T5: whether deltas always find room in some overflow stream; only bytes can run out.
    pub fn has_room_for_overflow(self) -> bool {
        self.max_memory_bytes() == 0
    }

    /// T5: no more streams than there may be, as many overflow streams, and a last one for each metric.
    pub fn check_limits(self, stats: &Stats) {
        let limit = u64::from(self.max_streams());
        assert_eq!((stats.max_streams, stats.max_memory_bytes), (limit, self.max_memory_bytes()));
        assert!(stats.streams <= 2 * limit + METRICS.len() as u64, "{stats:?}");
    }
}
