//! Where usage is kept for reports: one small trait, so that tests need no file.

use std::fmt;
use std::sync::Arc;

use crate::ledger::StorageError;

/// Whose usage it is; absent texts are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dimensions {
    /// `claude-code`, from the metric's prefix or the scope's name, never from `service.name`.
    pub agent: String,
    /// As the client writes it.
    pub model: String,
    /// Who serves the model.
    pub provider: String,
    /// The account or address that identifies a person.
    pub user: String,
    /// Spellings in use are folded onto this one.
    pub team: String,
    /// Repository or project.
    pub project: String,
    /// Who pays.
    pub cost_center: String,
    /// As the client writes it.
    pub organization: String,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Tokens without a kind of their own below.
    OtherTokens,
    /// Tokens of the prompt that were not in a cache.
    InputTokens,
    /// Tokens of the answer.
    OutputTokens,
    /// Tokens read from a cache.
    CacheReadTokens,
    /// Tokens written to a cache.
    CacheCreationTokens,
    /// Dollars as the client reports them.
    ReportedCost,
}

/// What one hour adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageEntry {
    /// Hours since 1970 began, UTC; of the end of the window.
    pub unix_hour: u32,
    /// Whose it is.
    pub dimensions: Arc<Dimensions>,
    /// For counting sessions exactly; empty if unknown.
    pub session: Arc<str>,
    /// What is counted.
    pub measure: Measure,
    /// Tokens, or US dollars in units of 10⁻¹², so that sums are exact.
    pub amount: i64,
}

/// A place that keeps usage. Used by one thread at a time.
pub trait UsageStore: Send + fmt::Debug {
    /// The number of the last journal row whose usage is in; `None` in a new store.
    fn applied_through(&mut self) -> Result<Option<u64>, StorageError>;

    /// Adds `entries` and notes `through`, in one transaction.
    fn apply(&mut self, through: u64, entries: &[UsageEntry]) -> Result<(), StorageError>;

    /// Forgets hours before this one.
    fn prune(&mut self, before_unix_hour: u32) -> Result<(), StorageError>;
}
