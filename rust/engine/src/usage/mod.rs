//! Usage: who used how much of what in each hour, for reports.

mod store;

pub use store::{Dimensions, Measure, UsageEntry, UsageStore};
