//! Where usage is kept for reports: one small trait, so that tests need no file.

use std::fmt;
use std::sync::Arc;

use crate::ledger::StorageError;

/// Whose usage it is; absent texts are empty, which reports show as unattributed.
///
/// Texts are UTF-8 and at most 256 bytes; a longer one is cut at a character.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dimensions {
    /// `claude-code`, from the metric's prefix or the scope's name, never from `service.name`, which
    /// users set at will.
    pub agent: String,
    /// As the client writes it.
    pub model: String,
    /// Who serves the model: `anthropic`, `openai`, `google`, `bedrock`, `vertex`, `azure`, or as the
    /// client writes it.
    pub provider: String,
    /// The address or account that identifies a person.
    pub user: String,
    /// Spellings in use (`team.id`, `department`, `squad`) are folded onto this one.
    pub team: String,
    /// Repository or project.
    pub project: String,
    /// Who pays.
    pub cost_center: String,
    /// As the client writes it.
    pub organization: String,
}

impl Dimensions {
    /// How many there are.
    pub const COUNT: usize = 8;

    /// All texts, in the order of the fields.
    pub fn texts(&self) -> [&str; Self::COUNT] {
        [
            &self.agent,
            &self.model,
            &self.provider,
            &self.user,
            &self.team,
            &self.project,
            &self.cost_center,
            &self.organization,
        ]
    }

    /// From texts in the order of the fields.
    pub fn from_texts(texts: [String; Self::COUNT]) -> Self {
        let [agent, model, provider, user, team, project, cost_center, organization] = texts;
        Self { agent, model, provider, user, team, project, cost_center, organization }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Measure {
    /// Tokens without a kind of their own below.
    OtherTokens = 0,
    /// Tokens of the prompt that were neither read from a cache nor written to one.
    InputTokens = 1,
    /// Tokens of the answer, thinking included.
    OutputTokens = 2,
    /// Tokens read from a cache.
    CacheReadTokens = 3,
    /// Tokens written to a cache.
    CacheCreationTokens = 4,
    /// Dollars as the client reports them.
    ReportedCost = 5,
    /// Dollars computed from list prices; nothing where no price is known, which is not the same as 0.
    ComputedCost = 6,
}

impl Measure {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::OtherTokens,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheCreationTokens,
        Self::ReportedCost,
        Self::ComputedCost,
    ];
}

/// What one hour adds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageEntry {
    /// Hours since 1970 began, UTC; of the end of the window.
    pub unix_hour: u32,
    /// Whose it is.
    pub dimensions: Arc<Dimensions>,
    /// For counting sessions exactly; empty if unknown.
    pub session: Arc<str>,
    /// What is counted.
    pub measure: Measure,
    /// Tokens, or US dollars in units of 10⁻¹², so that sums are exact. Below zero where a client counts
    /// cached tokens as input too and they are taken out of it here. Sums stop at the ends of `i64`.
    pub amount: i64,
}

/// A place that keeps usage. Used by one thread at a time.
///
/// `ledger` names the ledger whose journal rows are counted: the moment of its creation
/// ([`crate::ledger::Head::created_unix_nano`]). Numbers of rows mean nothing in another ledger.
pub trait UsageStore: Send + fmt::Debug {
    /// The number of the last journal row whose usage is in; `None` in a store that this ledger has
    /// never written to.
    fn applied_through(&mut self, ledger: u64) -> Result<Option<u64>, StorageError>;

    /// Adds `entries` and notes `through`, in one transaction: both or nothing. `entries` may hold the
    /// same key more than once.
    fn apply(&mut self, ledger: u64, through: u64, entries: &[UsageEntry]) -> Result<(), StorageError>;

    /// Computed costs that are applied from now on come from the price table `version`, in use since that hour;
    /// until then, and where it is told again, nothing changes. Reports name it.
    fn priced_by(&mut self, version: &str, since_unix_hour: u32) -> Result<(), StorageError>;

    /// What was applied survives the loss of power from now on: rows of the journal that have it go away.
    fn make_durable(&mut self) -> Result<(), StorageError>;

    /// Forgets hours before this one.
    fn prune(&mut self, before_unix_hour: u32) -> Result<(), StorageError>;
}
