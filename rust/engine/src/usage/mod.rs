//! Usage: who used how much of what in each hour, for reports.
//!
//! A point that was accepted as an increase goes into the [`UsageBook`], which adds it up by hour,
//! dimensions and session. What was added since the last journal row goes into the next one as a
//! segment (`segment`), so that it shares the fate of the batch it came with; once that row is
//! written, the amounts may go into the [`UsageStore`], together with the row's number. After a crash
//! the store knows which rows it has, and the journal brings the others again: each amount is in the
//! store exactly once.

mod book;
mod count;
mod describe;
mod interner;
mod keeper;
mod limits;
mod part;
mod provider;
mod rule;
mod segment;
mod store;
#[cfg(test)]
mod tests;
mod waiting;

pub(crate) use {
    book::{Cut, UsageBook},
    count::increases,
    describe::{Billing, Describer},
    keeper::UsageKeeper,
    rule::{Effect, MetricRule},
};

pub use segment::{MalformedSegment, read_segment};
pub use store::{Dimensions, Measure, UsageEntry, UsageStore};

/// Nanoseconds in an hour.
const NANOS_PER_HOUR: u64 = 3600 * crate::clock::NANOS_PER_SECOND;
