//! Usage: who used how much of what in each hour, for reports.

mod keeper;
mod store;

pub(crate) use keeper::UsageKeeper;
pub use store::{Dimensions, Measure, UsageEntry, UsageStore};
