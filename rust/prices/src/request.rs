//! One request: what it used, under which conditions, and what it cost.

use crate::{Class, PicoUsd, Row};

/// Tokens of one request by [`Class`]; they exclude each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens(pub [u64; Class::COUNT]);

impl Tokens {
    /// What decides on long-context prices: everything that went in.
    pub fn whole_input(&self) -> u64 {
        let of = |class: Class| self.0[class as usize];
        [Class::Input, Class::CacheRead, Class::CacheWrite5m, Class::CacheWrite1h]
            .into_iter()
            .fold(0, |sum: u64, class| sum.saturating_add(of(class)))
    }
}

/// Conditions under which a request is billed otherwise than at the list's first line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modifiers {
    /// Fast mode: `speed=fast`.
    pub fast: bool,
    /// Batch processing. Never together with `fast`, which then wins.
    pub batch: bool,
    /// Flex processing.
    pub flex: bool,
    /// Priority processing.
    pub priority: bool,
    /// `inference_geo: us` at the maker itself.
    pub residency_us: bool,
    /// A regional endpoint, where the name does not tell.
    pub regional: bool,
}

/// What one request cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer<'a> {
    /// The row that was used.
    pub row: &'a Row,
    /// Whether the row's long-context prices were.
    pub long_context: bool,
    /// After discounts.
    pub amounts: Amounts,
    /// At list price.
    pub list: Amounts,
    /// What reading from caches saved against paying the same tokens as input, after discounts.
    pub savings: PicoUsd,
    /// Searches of the web for which the row has no price, and which are in no amount.
    pub unpriced_web_searches: u64,
}

/// Cost by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// By [`Class`].
    pub tokens: [PicoUsd; Class::COUNT],
    /// Searches of the web.
    pub web_searches: PicoUsd,
}

impl Amounts {
    /// The sum.
    pub fn total(&self) -> PicoUsd {
        self.tokens.iter().sum::<PicoUsd>() + self.web_searches
    }
}
