//! Field numbers of the OTLP messages that are read or written here (opentelemetry-proto v1).

/// `ExportMetricsServiceRequest`.
pub mod request {
    pub const RESOURCE_METRICS: u32 = 1;
}

/// `ResourceMetrics`.
pub mod resource_metrics {
    pub const RESOURCE: u32 = 1;
    pub const SCOPE_METRICS: u32 = 2;
    pub const SCHEMA_URL: u32 = 3;
}

/// `Resource`.
pub mod resource {
    pub const ATTRIBUTES: u32 = 1;
}

/// `ScopeMetrics`.
pub mod scope_metrics {
    pub const SCOPE: u32 = 1;
    pub const METRICS: u32 = 2;
    pub const SCHEMA_URL: u32 = 3;
}

/// `InstrumentationScope`.
pub mod scope {
    pub const NAME: u32 = 1;
    pub const VERSION: u32 = 2;
    pub const ATTRIBUTES: u32 = 3;
}

/// `Metric`; gauge to summary are the alternatives of its oneof `data`.
pub mod metric {
    pub const NAME: u32 = 1;
    pub const DESCRIPTION: u32 = 2;
    pub const UNIT: u32 = 3;
    pub const GAUGE: u32 = 5;
    pub const SUM: u32 = 7;
    pub const HISTOGRAM: u32 = 9;
    pub const EXPONENTIAL_HISTOGRAM: u32 = 10;
    pub const SUMMARY: u32 = 11;
}

/// What `Gauge`, `Sum`, `Histogram` and `ExponentialHistogram` have in common; a gauge has points only.
pub mod data {
    pub const DATA_POINTS: u32 = 1;
    pub const AGGREGATION_TEMPORALITY: u32 = 2;
    /// Of `Sum` only.
    pub const IS_MONOTONIC: u32 = 3;
}

/// `AggregationTemporality`.
pub mod temporality {
    pub const DELTA: i32 = 1;
    pub const CUMULATIVE: i32 = 2;
}

/// What data points of all kinds have in common. Their attributes have another number in each.
pub mod data_point {
    pub const START_TIME_UNIX_NANO: u32 = 2;
    pub const TIME_UNIX_NANO: u32 = 3;
    /// Bit of `flags`: the point carries no value.
    pub const NO_RECORDED_VALUE: u32 = 1;
}

/// `NumberDataPoint`; as_double and as_int are the alternatives of its oneof `value`.
pub mod number_data_point {
    pub const AS_DOUBLE: u32 = 4;
    pub const AS_INT: u32 = 6;
    pub const ATTRIBUTES: u32 = 7;
    pub const FLAGS: u32 = 8;
}

/// `HistogramDataPoint`.
pub mod histogram_data_point {
    pub const COUNT: u32 = 4;
    pub const SUM: u32 = 5;
    pub const BUCKET_COUNTS: u32 = 6;
    pub const EXPLICIT_BOUNDS: u32 = 7;
    pub const ATTRIBUTES: u32 = 9;
    pub const FLAGS: u32 = 10;
    pub const MIN: u32 = 11;
    pub const MAX: u32 = 12;
}

/// `ExponentialHistogramDataPoint`.
pub mod exponential_histogram_data_point {
    pub const ATTRIBUTES: u32 = 1;
    pub const COUNT: u32 = 4;
    pub const SUM: u32 = 5;
    pub const SCALE: u32 = 6;
    pub const ZERO_COUNT: u32 = 7;
    pub const POSITIVE: u32 = 8;
    pub const NEGATIVE: u32 = 9;
    pub const FLAGS: u32 = 10;
    pub const MIN: u32 = 12;
    pub const MAX: u32 = 13;
    pub const ZERO_THRESHOLD: u32 = 14;
}

/// `ExponentialHistogramDataPoint.Buckets`.
pub mod buckets {
    pub const OFFSET: u32 = 1;
    pub const BUCKET_COUNTS: u32 = 2;
}

/// `KeyValue`.
pub mod key_value {
    pub const KEY: u32 = 1;
    pub const VALUE: u32 = 2;
}

/// `AnyValue`: all fields are alternatives of its oneof `value`.
pub mod any_value {
    pub const STRING: u32 = 1;
    pub const BOOL: u32 = 2;
    pub const INT: u32 = 3;
    pub const DOUBLE: u32 = 4;
    pub const ARRAY: u32 = 5;
    pub const KEY_VALUE_LIST: u32 = 6;
    pub const BYTES: u32 = 7;
    /// Profiles only; OTLP says to read it as an empty value elsewhere.
    pub const STRING_INDEX: u32 = 8;
}

/// `ArrayValue` and `KeyValueList`: their only field.
pub const LIST_VALUES: u32 = 1;
