//! The Tokenledger engine: exact cumulative totals from the metrics that coding agents send.
//!
//! Data flows one way: a [`Batch`] is read once for identities (`intake`), brought from the source
//! streams of its clients to the ledger streams of its readers where rules make a difference (`route`),
//! applied stream by stream under the lock of its shard (`apply`), priced (`computed`), and answered with
//! one [`Verdict`] per point. What cannot go out with its own batch goes out at a [`Tick`]. The rules D1–D14, T0–T5
//! and L1–L5 are those of the project's design; comments name them where they are at work.
//!
//! The engine does no I/O, reads no clock and knows nothing of Go, C or protobuf.
#![forbid(unsafe_code)]

pub mod attribute;
pub mod batch;
pub mod clock;
pub mod config;
pub mod distribution;
pub mod identity;
pub mod ledger;
pub mod number;
pub mod usage;
pub mod verdict;

mod addition;
mod ages;
mod apply;
mod budget;
mod catalog;
mod computed;
mod engine;
mod gauge;
mod group;
mod intake;
mod intern;
mod label;
mod member;
mod output_time;
mod overflow;
mod path;
mod reemission;
mod result;
mod retransmission;
mod room;
mod route;
mod shard;
mod slab;
mod source;
mod source_shard;
mod stream;
mod text;
mod tick;
mod trim;
mod trimming;

pub use batch::{Batch, Malformed};
pub use catalog::{MetricDescriptor, ResourceDescriptor, ScopeDescriptor};
pub use clock::Now;
pub use config::{
    Config, ConfigError, Emit, GaugeMerge, IdentityMode, PricingConfig, PrometheusLabels, ResourceRule,
    Retransmissions, Rule,
};
pub use engine::{Engine, Stats};
pub use identity::IdentityKey;
pub use number::Number;
pub use result::BatchResult;
pub use retransmission::{REQUEST_MEMORY_SECONDS, WINDOWS_PER_STREAM};
pub use tick::{Due, DueMetric, DueValue, Tick};
pub use verdict::{Action, AddedPoint, AttributeEdit, Outcomes, Verdict};
