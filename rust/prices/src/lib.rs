//! What tokens cost: dated list prices, model names, exact arithmetic.
//!
//! A [`Prices`] is an immutable table: the rows compiled into this crate (`table/`), with those of a
//! user's file before them. A model's name as clients write it is normalised and then matched exactly
//! ([`Prices::find`]): a name that is not listed has no price, never that of a similar one. A row is
//! chosen by the moment of use. Amounts are whole numbers of 10⁻¹² dollars ([`PicoUsd`]), so that sums
//! do not depend on their order; one dollar per million tokens is 1,000,000 of them per token.
//!
//! Two ways to a cost. [`Found::price`] prices one request, long-context rows included.
//! [`Found::rate`] is the price of one token of a class, for counters that add up many requests.
//! No I/O and no clock in here.
//!
//! ```
//! use tokenledger_prices::{Modifiers, Prices, Tokens, Usd, moment};
//!
//! let prices = Prices::built_in()?;
//! let model = prices.find("us.anthropic.claude-sonnet-4-6", "aws.bedrock").ok_or("unknown")?;
//! // Input, output, cache read, 5-minute write, 1-hour write, reasoning.
//! let tokens = Tokens([1_000, 2_000, 100_000, 10_000, 0, 0]);
//! let answer = model.price(&tokens, 0, moment("2026-11-20")?, Modifiers::default()).ok_or("no price then")?;
//! assert_eq!(Usd(answer.amounts.total()).to_string(), "0.11055");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod book;
mod cost;
mod discount;
mod entry;
mod exact;
mod explain;
mod moment;
mod name;
mod near;
mod parse;
mod prices;
mod request;
mod seller;
mod table;

pub use cost::{Found, Rate};
pub use explain::{Explanation, Factor, Usd};
pub use moment::{moment, show_moment};
pub use name::{Geography, Name};
pub use prices::Prices;
pub use request::{Amounts, Answer, Modifiers, Tokens};
pub use seller::of_statement as seller_of_statement;
pub use table::{Currency, Discount, LongContext, Row, Table, TableError, Tier};

/// US dollars in units of 10⁻¹².
pub type PicoUsd = i128;

/// Units of [`PicoUsd`] in a dollar.
pub const PICO_PER_USD: PicoUsd = 1_000_000_000_000;

/// What tokens are billed as. They exclude each other: `Input` is what was neither read from a cache
/// nor written to one; reasoning is part of `Output` unless a row has a price of its own for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Tokens of the prompt outside any cache.
    Input = 0,
    /// Tokens of the answer.
    Output = 1,
    /// Tokens read from a cache.
    CacheRead = 2,
    /// Tokens written to a cache that lives for five minutes; any write where a vendor has one kind.
    CacheWrite5m = 3,
    /// Tokens written to a cache that lives for an hour.
    CacheWrite1h = 4,
    /// Tokens of reasoning that the client reports outside of its output.
    Reasoning = 5,
}

impl Class {
    /// How many there are.
    pub const COUNT: usize = 6;
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Input, Self::Output, Self::CacheRead, Self::CacheWrite5m, Self::CacheWrite1h, Self::Reasoning];
}
