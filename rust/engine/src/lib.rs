//! The Tokenledger engine: exact cumulative totals from the delta sums that coding agents send.
//!
//! Data flows one way: a [`Batch`] is read once for identities ([`identity`]), applied stream by
//! stream under the lock of its shard, and answered with one [`Verdict`] per point. What cannot go
//! out with its own batch goes out at a [`Tick`]. The rules D1–D11, D14, L1, L3–L5 and T5's overflow
//! are those of the project's design; comments name them where they are at work.
//!
//! The engine does no I/O, reads no clock and knows nothing of Go, C or protobuf.
#![forbid(unsafe_code)]

pub mod attribute;
pub mod batch;
pub mod clock;
pub mod config;
pub mod identity;
pub mod number;
pub mod verdict;

mod apply;
mod catalog;
mod engine;
mod intake;
mod intern;
mod output_time;
mod result;
mod retransmission;
mod shard;
mod slab;
mod stream;
mod tick;

pub use batch::{Batch, Malformed};
pub use catalog::{MetricDescriptor, ResourceDescriptor, ScopeDescriptor};
pub use clock::Now;
pub use config::{Config, ConfigError, Emit, Retransmissions};
pub use engine::{Engine, Stats};
pub use identity::IdentityKey;
pub use number::Number;
pub use result::BatchResult;
pub use retransmission::{REQUEST_MEMORY_SECONDS, WINDOWS_PER_STREAM};
pub use tick::{Due, DueMetric, Tick};
pub use verdict::{Action, AddedPoint, Outcomes, Verdict};
