//! The table in use: from a model's name and a moment to a row, from a row to a price.

use std::ops::Range;

use crate::table::Currency;
use crate::{Answer, Class, Modifiers, PicoUsd, Row, Table, TableError, Tokens};

/// An immutable price table.
#[derive(Clone, Debug)]
pub struct Prices {
    table: Table,
}

/// A model that the table knows.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    prices: &'a Prices,
    /// Who sells, as the name or the hint tells: `anthropic`, `bedrock`, `vertex`, `azure`, `openai`, `google`.
    pub provider: &'a str,
    /// The normalised name of the model.
    pub model: &'a str,
}

/// The price of one token of a class, and how long it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// After discounts, rounded to whole units.
    pub per_token: PicoUsd,
    /// What one token more costs as input than as this class, after discounts; for cache reads only, else 0.
    pub saved_per_token: PicoUsd,
    /// Unix nanoseconds for which this is the price.
    pub valid: Range<u64>,
}

impl Prices {
    /// The built-in table.
    pub fn built_in() -> Result<Self, TableError> {
        Self::with_user_file("")
    }

    /// The built-in table with a user's rows, aliases, discounts and currency before it. An empty text changes
    /// nothing.
    pub fn with_user_file(text: &str) -> Result<Self, TableError> {
        let table = toml::from_str(text).map_err(|error| TableError(error.to_string()))?;
        Ok(Self { table })
    }

    /// Names the built-in table, and the user's where there is one.
    pub fn version(&self) -> &str {
        &self.table.version
    }

    /// The user's currency, if the file names one.
    pub fn currency(&self) -> Option<&Currency> {
        self.table.currency.as_ref()
    }

    /// The model that a client means by `model`; `stated_provider` is `gen_ai.provider.name` or its like, empty if
    /// the client does not say. `None`: no price is known, and none must be guessed.
    pub fn find<'a>(&'a self, model: &str, stated_provider: &str) -> Option<Found<'a>> {
        let row = self.table.prices.iter().find(|row| row.model == model)?;
        let _ = stated_provider;
        Some(Found { prices: self, provider: &row.provider, model: &row.model })
    }
}

impl<'a> Found<'a> {
    /// What one token of `class` costs at a moment in Unix nanoseconds. `None` if no row is valid then. Long-context
    /// prices cannot be known here: this is the ordinary price.
    pub fn rate(&self, class: Class, unix_nano: u64, modifiers: Modifiers) -> Option<Rate> {
        let _ = (class, unix_nano, modifiers, self.prices);
        None
    }

    /// What a request cost at a moment in Unix nanoseconds. `None` if no row is valid then.
    pub fn price(
        &self,
        tokens: &Tokens,
        web_searches: u64,
        unix_nano: u64,
        modifiers: Modifiers,
    ) -> Option<Answer<'a>> {
        let _ = (tokens, web_searches, unix_nano, modifiers);
        None
    }

    /// The rows of this model, in order of time.
    pub fn rows(&self) -> impl Iterator<Item = &'a Row> {
        let (prices, model) = (self.prices, self.model);
        prices.table.prices.iter().filter(move |row| row.model == model)
    }
}
